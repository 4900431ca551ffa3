#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh SOURCE BUILD [CH-NNN...]: can the tests that prove rules fail?  For each patch here (or those named) the changed
# source is compiled with the build's own command and linked in front of the libraries of the test program that
# include/flue/ddi_proof.def names for the rule; of that program the one named function runs.  It must pass without the
# change, and fail with it: an assertion, a crash, a finding of a sanitizer, or no end.  CH-NNNb, c, ... are further
# violators of the same rule.
# run.sh --applies SOURCE: only whether each patch still applies, and stands for a rule that is `tested`.
#
# One line for each patch.  MUTANTS_HOW=1: on stderr what the test complains about.  MUTANTS_IN: a folder of other patches.
# Exit codes: 0 all are caught (or apply); 1 one is not, or could not be tried; 2 wrong usage; 77 git is missing, or the
# build is not one of Ninja's.
set -u
usage() {
    sed -n '4,13s/^# //p' "$0" >&2
    exit 2
}

only_apply=no
if [ "${1:-}" = --applies ]; then
    only_apply=yes
    shift
    [ $# -eq 1 ] || usage
elif [ $# -lt 2 ]; then
    usage
fi
root=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
patches=$(realpath "${MUTANTS_IN:-$here}")
[ -f "$root/include/flue/ddi_proof.def" ] || usage
command -v git >/dev/null || { echo "git is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1

# Of CPU, and by the clock, which is no measure on a busy machine.
readonly cpu_limit_s=20 wall_limit_s=200

# proof NUMBER: the test that proves a rule, PROGRAM:FUNCTION, if a test does.
proof() {
    sed -n "s/^FLUE_PROOF($1, tested, \"\([^\"]*\)\".*/\1/p" "$root/include/flue/ddi_proof.def"
}

# apply PATCH: the changed file is $work/tree/$file afterwards; prints why not.
apply() {
    local patch=$1
    file=$(sed -n 's|^+++ b/||p' "$patch")
    [ "$(wc -l <<<"$file")" -eq 1 ] && [ -n "$file" ] || { echo "a violator changes one file"; return 1; }
    [[ $file == *.c ]] || { echo "$file: a violator changes a .c file"; return 1; }
    [[ $(head -n 1 "$patch") == [A-Z]*. ]] || { echo "the first line is no sentence that says what is wrong"; return 1; }
    [ -f "$root/$file" ] || { echo "$file is no more: write the violator anew"; return 1; }
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$file")"
    cp "$root/$file" "$work/tree/$file"
    (cd "$work/tree" && GIT_CEILING_DIRECTORIES="$work" git apply "$patch") 2>"$work/log" || {
        echo "patch no longer applies to $file: make the change there by hand, then git diff (test/mutants/README.md)"
        return 1
    }
}

# compile: $work/mutant.o from the changed file.  -w: what a violator leaves unused is no error.
compile() {
    local command
    command=$(awk -v file="/$file\"" '/^ *"command":/ {c = $0} /^ *"file":/ && index($0, file) {print c; exit}' \
        "$build/compile_commands.json" | sed 's/^ *"command": "//; s/",\{0,1\}$//; s/\\\(["\\]\)/\1/g')
    [ -n "$command" ] || { echo "this build does not compile $file"; return 1; }
    command=${command% -o *}
    (cd "$build" && eval "$command -w -iquote '$root/$(dirname "$file")' -o '$work/mutant.o' -c '$work/tree/$file'") \
        >"$work/log" 2>&1 || { echo "$file does not compile: $(grep -m 1 error "$work/log")"; return 1; }
}

# link PROGRAM OUT OBJECT...: its link command with these objects in front of the libraries.
link() {
    local name=test/bin/test_${1/\//_} out=$2 command
    command=$(ninja -C "$build" -t commands "$name" 2>"$work/log" | tail -n 1)
    [[ $command == *" -o $name "* ]] || { echo "this build has no program $1"; return 1; }
    [ -f "$build/$name" ] || { echo "$1 is not built"; return 1; }
    shift 2
    (cd "$build" && eval "${command/ -o $name / $* -o $out }") >"$work/log" 2>&1 ||
        { echo "does not link: $(grep -m 1 -E 'error|multiple|undefined' "$work/log")"; return 1; }
}

# runs PROGRAM FUNCTION: exit code of this one function; 99: it did not run.
runs() {
    (
        cd "$work" || exit 99
        ulimit -c 0
        ulimit -t "$cpu_limit_s"
        FLUE_TEST_ONLY=$2 timeout "$wall_limit_s" "$1"
    ) >"$work/log" 2>&1
    code=$?
    grep -q '^\[==========\] Running 1 test(s)' "$work/log" || code=99
    return "$code"
}

# try PATCH RULE: prints the verdict.
try() {
    local patch=$1 rule=$2 test program function reason plain
    test=$(proof "$((10#${rule:3:3}))")
    [ -n "$test" ] || { echo "no test proves this rule: remove the patch"; return 1; }
    reason=$(apply "$patch") || { echo "$reason"; return 1; }
    [ "$only_apply" = no ] || { echo "applies"; return 0; }
    apply "$patch"
    program=${test%%:*} function=${test#*:}
    plain=$work/plain_${program//\//_}
    [ -x "$plain" ] || link "$program" "$plain" "$work/only.o" || return 1
    if [ ! -f "$plain.$function" ]; then
        runs "$plain" "$function" || { echo "$test fails without the change (code $code)"; return 1; }
        touch "$plain.$function"
    fi
    compile || return 1
    link "$program" "$work/mutant" "$work/only.o" "$work/mutant.o" || return 1
    runs "$work/mutant" "$function"
    case $code in
    0) echo "survived: $test" && return 1 ;;
    99) echo "$test does not run with the change" && return 1 ;;
    esac
    echo "caught by $test"
    [ -z "${MUTANTS_HOW:-}" ] || grep -m 2 -E 'error: |rror:|[Aa]ssert|has failed|exit code' "$work/log" >&2
    return 0
}

if [ "$only_apply" = no ]; then
    build=$(realpath "$2")
    shift 2
    [ -f "$build/build.ninja" ] && [ -f "$build/compile_commands.json" ] && command -v ninja >/dev/null ||
        { echo "$build is no build of Ninja's"; exit 77; }
    compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
    "$compiler" -c "$here/only.c" -o "$work/only.o" || exit 1
else
    shift
fi
[ $# -gt 0 ] || set -- $(cd "$patches" && ls CH-*.patch 2>/dev/null | sed 's/\.patch$//')

failures=0
for rule in "$@"; do
    [[ $rule =~ ^CH-[0-9]{3}[b-z]?$ && -f $patches/$rule.patch ]] || {
        echo "$rule FAILED: no patch of that name"
        failures=$((failures + 1))
        continue
    }
    if verdict=$(try "$patches/$rule.patch" "$rule"); then
        echo "$rule $verdict"
    else
        echo "$rule FAILED: $verdict"
        failures=$((failures + 1))
    fi
done
echo "$# violators, $failures failed"
[ "$failures" -eq 0 ]
