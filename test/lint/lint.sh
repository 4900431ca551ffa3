#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The laws that a compiler does not know.   lint.sh CHECK [ROOT]
#
# Each finding is one line, "file:line: what: what to do", and makes the exit code 1.  77: the check needs a tool that is
# not installed.  CC and CXX name the compilers (gcc, g++).
set -uo pipefail

check=${1:?usage: lint.sh CHECK [ROOT]}
root=${2:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$root" || exit 2
CC=${CC:-gcc}
CXX=${CXX:-g++}
findings=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

house=(-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror -Iinclude -Imodel)

# bad FILE:LINE WHAT WHAT-TO-DO
bad() {
    printf '%s: %s: %s\n' "$1" "$2" "$3"
    findings=$((findings + 1))
}

# files FOLDER... -- PATTERN...: the files below the folders (those that exist) with one of these endings.
files() {
    local folders=() names=()
    while [ "$1" != -- ]; do
        [ -e "$1" ] && folders+=("$1")
        shift
    done
    shift
    for pattern in "$@"; do
        names+=(-o -name "$pattern")
    done
    [ ${#folders[@]} -eq 0 ] || find "${folders[@]}" -type f \( "${names[@]:1}" \) | LC_ALL=C sort
}

# code FILE: its lines without comments and strings, as "number<TAB>text".
code() {
    "$CC" -fpreprocessed -E -x c "$1" 2>/dev/null | sed 's/"\([^"\\]\|\\.\)*"/""/g' |
        awk '/^# [0-9]+ "/ { n = $2 - 1; next } { n++; print n "\t" $0 }'
}

# refusal_at FILE: where the compiler's first error in $work/log is, and its text.
refusal_at() {
    grep -m 1 -E '^[^:]+:[0-9]+:.*error' "$work/log" | grep -oE '^[^:]+:[0-9]+' || echo "$1:1"
}
refusal_text() {
    grep -m 1 error "$work/log" | sed 's/.*error: //'
}

# Includes of a file with quotes, as "number path".
includes() {
    grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$1" |
        sed -E 's/^([0-9]+):[^"]*"([^"]*)".*/\1 \2/'
}

# The libraries that each library may use.  trace asks the boxes for the names of their states.
declare -A arrows=(
    [base]='' [frame]='base' [tcp]='base' [cost]='base' [wire]='base frame' [ndis]='base cost'
    [im]='base ndis frame cost' [stack]='base tcp frame' [host]='base tcp cost ndis frame' [target]='base tcp cost ndis frame'
    [node]='base host im target wire ndis'
    [store]='base' [plots]='base store' [trace]='base store frame tcp cost ndis host target' [report]='base store'
)

# The library that stands in a folder: model/x and analysis/x are x.
may_use() { # WHO WHOM
    [ "$1" = "$2" ] || [[ " ${arrows[$1]:-} " == *" $2 "* ]]
}

check_arrows() {
    local file number path who whom
    for file in $(files model analysis -- '*.c' '*.h' '*.def'); do
        who=${file#*/}
        who=${who%%/*}
        [ -n "${arrows[$who]+known}" ] || {
            bad "$file:1" "folder $who is not in the table of arrows" "give it a line in test/lint/lint.sh"
            continue
        }
        while read -r number path; do
            case $path in
            flue/*) ;;
            ../* | */../*) bad "$file:$number" "include of $path" "name it from include/ or model/ on" ;;
            */*)
                whom=${path%%/*}
                may_use "$who" "$whom" ||
                    bad "$file:$number" "$who may not include $path" "a contract in include/flue is missing, or the code is in the wrong folder"
                ;;
            esac
        done < <(includes "$file")
    done
    for file in $(files model analysis -- CMakeLists.txt); do
        who=${file#*/}
        who=${who%%/*}
        while read -r number whom; do
            may_use "$who" "$whom" || bad "$file:$number" "$who may not link $whom" "take it off DEPENDS"
        done < <(awk '{ line = $0; sub(/#.*/, "", line)
            if (line ~ /flue_library\(/) { on = 1; depends = 0 }
            gsub(/[()]/, " & ", line); n = split(line, w, /[ \t]+/)
            for (i = 1; on && i <= n; i++) {
                if (w[i] == "DEPENDS") depends = 1
                else if (w[i] == ")") on = depends = 0
                else if (w[i] == "SOURCES" || w[i] == "POSIX") depends = 0
                else if (depends && w[i] != "") print NR, w[i]
            } }' "$file")
    done
    for file in $(files shim -- '*.cc' '*.h'); do
        while read -r number path; do
            [[ $path == flue/ndis* ]] && bad "$file:$number" "the shim includes a DDI header" "it knows env, wire and base only"
        done < <(includes "$file")
    done
    for file in $(files include -- '*.h'); do
        while read -r number path; do
            [[ $path == flue/* ]] || bad "$file:$number" "a contract includes $path" "contracts include contracts only"
        done < <(includes "$file")
    done
}

# model/ sees no file, no clock, no heap; the network of model/wire is a simulator itself and brings the heap, and
# model/stack offers it to programs that bring no memory of their own.
check_system() {
    local file line allowed='assert|inttypes|limits|stdalign|stdbool|stddef|stdint|string|sanitizer/asan_interface'
    for file in $(files model include -- '*.c' '*.h'); do
        while IFS=: read -r line _; do
            [[ $file == model/wire/* || $file == model/stack/heap.c ]] && sed -n "${line}p" "$file" | grep -q '<stdlib.h>' && continue
            bad "$file:$line" "$(sed -n "${line}p" "$file")" "model/ reaches the outside through env, wire and record only"
        done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' "$file" | grep -vE "<($allowed)\.h>")
    done
}

check_globals() {
    local file name object
    for file in $(files model -- '*.c'); do
        object=$work/object.o
        if ! "$CC" "${house[@]}" -O0 -fno-pic -fno-pie -c "$file" -o "$object" 2>"$work/log"; then
            bad "$(refusal_at "$file")" "$file does not compile: $(refusal_text)" "make it compile without the build's own flags"
            continue
        fi
        while read -r name; do
            bad "$file:$(grep -nw -- "${name%%.*}" "$file" | head -n 1 | cut -d: -f1)" "mutable global $name" \
                "make it const, or a member of a struct that the caller owns"
        done < <(nm "$object" | awk '$(NF-1) ~ /^[bBdDgGsSCc]$/ { print $NF }')
    done
}

check_floats() {
    local file
    for file in $(files model include -- '*.c' '*.h' '*.def'); do
        while IFS=$'\t' read -r number text; do
            bad "$file:$number" "floating point: ${text#"${text%%[! ]*}"}" "use integers with a unit, or move it to analysis/"
        done < <(code "$file" | grep -E '(^|[^A-Za-z0-9_])(float|double|_Complex)([^A-Za-z0-9_]|$)|(^|[^A-Za-z0-9_.])([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+[eE][-+]?[0-9]+)[fFlL]?([^A-Za-z0-9_.]|$)')
    done
}

check_headers() {
    local file
    for file in $(files include model -- '*.h'); do
        if ! "$CC" "${house[@]}" -Wno-unused-const-variable -fsyntax-only -x c "$file" 2>"$work/log"; then
            bad "$(refusal_at "$file")" \
                "$file does not compile alone as C: $(refusal_text)" "include what it uses"
        fi
    done
    command -v "$CXX" >/dev/null || {
        [ "$findings" -eq 0 ] && exit 77
        return
    }
    for file in $(files include -- '*.h'); do
        if ! "$CXX" -std=c++17 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ "$file" 2>"$work/log"; then
            bad "$(refusal_at "$file")" \
                "$file does not compile alone as C++: $(refusal_text)" "contracts are C and C++"
        fi
    done
}

check_clang() {
    command -v clang >/dev/null || exit 77
    for file in $(files model -- '*.c'); do
        clang "${house[@]}" -fsyntax-only "$file" 2>"$work/log" ||
            bad "$(refusal_at "$file")" \
                "clang: $(refusal_text)" "both compilers must be content"
    done
}

check_length() {
    local file lines place name
    for file in $(files model include shim scenarios analysis test cmake -- '*.c' '*.h' '*.cc' '*.sh' '*.py' '*.cmake' CMakeLists.txt); do
        lines=$(wc -l <"$file")
        [ "$lines" -le 600 ] || bad "$file:601" "$lines lines" "one mechanism, one file: split it (600 is the limit)"
    done
    # A function begins at a brace of its own in the first column and ends likewise; the line with its name is above.
    for file in $(files model shim scenarios analysis -- '*.c' '*.h' '*.cc'); do
        while read -r place lines name; do
            bad "$file:$place" "$name has $lines lines" "one thought, one function: split it (60 is the limit)"
        done < <(awk '
            /^[A-Za-z].*\(/ && !begin { head = $0; at = NR }
            $0 == "{" { begin = NR }
            $0 == "}" {
                if (begin && NR - begin - 1 > 60) {
                    sub(/\(.*/, "", head); sub(/.*[ *]/, "", head)
                    print at, NR - begin - 1, head
                }
                begin = 0
            }' "$file")
    done
}

# The functions of the interface are named and called only at the boundary, and handlers only pass on.
check_names() {
    local file number text
    local name='(^|[^.>A-Za-z0-9_])(Ndis|Miniport|Protocol)[A-Z][A-Za-z0-9_]*[[:space:]]*\('
    for file in $(files include model scenarios analysis shim -- '*.c' '*.h' '*.cc' '*.def'); do
        case $file in
        include/flue/ndis*.h | include/flue/ndis*.def | model/ndis/* | model/im/* | model/*/protocol.c | model/*/miniport.c) continue ;;
        esac
        while IFS=$'\t' read -r number text; do
            bad "$file:$number" "name of the interface: ${text#"${text%%[! ]*}"}" "only the DDI headers, model/ndis and protocol.c, miniport.c may"
        done < <(code "$file" | grep -E "$name")
    done
    for file in $(files model -- protocol.c miniport.c); do
        while read -r number text; do
            bad "$file:$number" "handler of $text lines" "a handler has at most ten: call a function of the box"
        done < <(code "$file" | awk -F'\t' '
            $2 ~ /^static .*(Miniport|Protocol)[A-Z]/ { head = $1 }
            $2 == "{" && head { begin = $1; inside = 1 }
            $2 == "}" { if (inside && lines > 10) print head, lines; head = inside = lines = 0 }
            inside && $2 !~ /^[ \t]*[{}]?[ \t]*$/ && $2 !~ /^[ \t]*\(void\)/ { lines++ }')
    done
}

check_ns3() {
    local file line
    for file in $(files include model scenarios analysis test -- '*.c' '*.h' '*.cc' '*.def'); do
        [ "$file" != test/interop/ns3.cc ] || continue # ns-3 as the other side
        while IFS=: read -r line _; do
            bad "$file:$line" "names ns-3" "only shim/ knows it; use shim/flue_ns3.h"
        done < <(grep -nE 'ns3::|#[[:space:]]*include[[:space:]]*[<"]ns3/' "$file")
    done
}

check_spdx() {
    local file
    for file in $(files model include shim scenarios analysis test cmake -- '*.c' '*.h' '*.cc' '*.sh' '*.py' '*.cmake' CMakeLists.txt) flue CMakeLists.txt .ci/run; do
        [ -e "$file" ] || continue
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' ||
            bad "$file:1" "no licence line" "begin with SPDX-License-Identifier: GPL-2.0-only"
    done
}

# What a header declares is for others: somebody beside its own file names it, or an inline function of the header.
check_exports() {
    local places=(include model scenarios analysis shim test example)
    while read -r where name; do
        bad "$where" "$name is named in its own file only" "make it static there, or take it out"
    done < <(
        {
            for file in $(files include model scenarios analysis -- '*.h'); do
                grep -nE '^[A-Za-z][^#={}]*[ *][a-z][a-z0-9_]*\(' "$file" | grep -vE '^[0-9]+:(.*[[:space:]])?(static|typedef)[[:space:]]' |
                    sed -E "s|^([0-9]+):[^(]*[ *]([a-z][a-z0-9_]*)\(.*|= $file:\1 \2|"
            done
            for file in $(files include model scenarios analysis -- '*.h'); do
                code "$file" | grep -oE '[a-z][a-z0-9_]*\(' | LC_ALL=C sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)\($/- \1 \2/'
            done
            for file in $(files "${places[@]}" -- '*.c' '*.cc' '*.h' '*.def' '*.inc'); do
                grep -oE '[a-z][a-z0-9_]*' "$file" | LC_ALL=C sort -u | sed "s|^|+ $file |"
            done
        } | awk '$1 == "=" && $3 ~ /^[a-z]/ { where[$3] = $2 } $1 == "+" && $3 in where { files[$3]++ }
            $1 == "-" && $3 in where { uses[$3] = uses[$3] > $2 ? uses[$3] : $2 }
            END { for (name in where) if (files[name] < 3 && uses[name] < 2) print where[name], name }' | LC_ALL=C sort
    )
}

# Whoever reads a contract is told what each thing in it is: every function, macro, type, member and value has a comment
# on its line or above it.  One that stands alone serves all lines up to the next blank one.
check_comments() {
    local file number text
    for file in $(files include shim/flue_ns3.h -- '*.h'); do
        while read -r number text; do
            bad "$file:$number" "no comment: $text" "say what it means, its unit and range, who owns it, which errors there are"
        done < <(awk '
            function told(line) { if (!served && !beside && !silent) print from, line; text = ""; beside = 0 }
            comment { comment = !/\*\//; if (!comment && !text) served = 1; next }
            macro { macro = /\\$/; next }
            /^ *\/\*/ { comment = !/\*\//; if (!comment && !text) served = 1; next }
            /^ *$/ { served = 0; next }
            /^ *# *define/ {
                macro = /\\$/; from = NR; beside = /\/\*/
                if (depth == 0 && !/_H$/) told($0)
                next
            }
            /^ *#/ { if (depth > 0) served = 1; next } # values from a list, whose lines tell
            {
                if (body) { if ($0 == "}") body = served = 0; next }
                if (text == "") from = NR
                if (/\/\*/) beside = 1
                if (/\/\*/ && !/\*\//) comment = 1
                gsub(/\/\*.*/, ""); gsub(/^ +| +$/, "")
                text = text (text == "" ? "" : " ") $0
            }
            /^\{$/ && text ~ /\)/ { told(text); body = 1; next }
            /\{$/ { kind[depth + 1] = text; told(text); depth++; served = 0; next }
            /^\}/ { depth--; text = ""; beside = served = 0; next }
            /;$/ || (kind[depth] ~ /enum/ && /[,A-Za-z0-9_]$/ && depth > 0) {
                silent = text ~ /^((struct|union|enum) [A-Za-z0-9_]+;|FLUE_STATIC_ASSERT\(.*|_Static_assert\(.*)$/
                told(text)
                silent = 0
            }
            /^FLUE_(BEGIN|END)_C$/ { text = "" }' "$file")
    done
}

# A file is found by the table of its folder's README.
check_readmes() {
    local readme folder file name stem
    for readme in $(files model scenarios/run scenarios/sweep shim analysis -- README.md); do
        folder=${readme%/*}
        # shellcheck disable=SC2016
        for file in "$folder"/*.c "$folder"/*.h "$folder"/*.cc; do
            [ -e "$file" ] || continue
            name=${file##*/}
            stem=${name%.*}
            grep -qE "\`$stem\.([ch]|cc|\[ch\])\`" "$readme" && continue # a header stands beside its source
            while IFS= read -r pattern; do # such as check*.c
                # shellcheck disable=SC2254
                case $name in $pattern) continue 2 ;; esac
            done < <(grep -oE '`[A-Za-z0-9_-]+\*\.[a-z\[]+\]?`' "$readme" | tr -d '`')
            bad "$file:1" "$readme does not name it" "say in its table what the file is for"
        done
    done
}

# Sources say what is true now, and work in every checkout.
check_words() {
    local file line text
    for file in $(files model include shim scenarios analysis cmake test -- '*.c' '*.h' '*.cc' '*.def' '*.sql' '*.yaml' '*.sh' '*.cmake' CMakeLists.txt); do
        [[ $file == test/lint/* ]] && continue
        while IFS=: read -r line text; do
            bad "$file:$line" "${text#"${text%%[! ]*}"}" "finish it, or say what is true now"
        done < <(grep -nwE 'TODO|FIXME|XXX|HACK' "$file")
        while IFS=: read -r line text; do
            bad "$file:$line" "${text#"${text%%[! ]*}"}" "no path of one machine"
        done < <(grep -nE '(^|[^A-Za-z0-9_.])/(work|home|root)/' "$file")
    done
}

case $check in
arrows | system | globals | floats | headers | clang | length | names | ns3 | exports | readmes | comments | spdx | words) "check_$check" ;;
*)
    echo "lint.sh: there is no check $check" >&2
    exit 2
    ;;
esac
[ "$findings" -eq 0 ]
