#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# self.sh SOURCE BUILD: run.sh must not call caught what is not: patches that break nothing, that do not apply, that do
# not compile, that say nothing, that change another file or two, that stand for a rule checked at run time.
set -u
root=$1 build=$2
run=$(dirname "$0")/run.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MUTANTS_IN=$work
failures=0

readonly file=model/target/post.c
readonly comment='/\* The first request completes'

# patch RULE SENTENCE NEW [NAME]: a change of one comment of that file, said of the file NAME.
patch() {
    sed "s|^$comment.*|$3|" "$root/$file" >"$work/changed"
    { printf '%s\n\n' "$2" && diff -u --label "a/${4:-$file}" --label "b/${4:-$file}" "$root/$file" "$work/changed"; } \
        >"$work/$1.patch"
}

# expect RULE CODE PATTERN [OPTION]: of the one patch there is.
expect() {
    local out code
    if [ -n "${4:-}" ]; then
        out=$("$run" "$4" "$root" 2>&1)
    else
        out=$("$run" "$root" "$build" 2>&1)
    fi
    code=$?
    if [ "$code" -ne "$2" ] || ! grep -qE "^$1 $3" <<<"$out"; then
        printf '%s: expected exit code %s and "%s", got %s:\n%s\n' "$1" "$2" "$3" "$code" "$out"
        failures=$((failures + 1))
    fi
    rm -f "$work"/CH-*.patch
}

patch CH-188 "Nothing is wrong." "/* Other words. */"
expect CH-188 1 "FAILED: survived: unit/target_post:completes_on_push"
patch CH-188 "Nothing is wrong." "/* Other words. */"
expect CH-188 0 "applies" --applies
patch CH-188 "It does not compile." "#error no"
expect CH-188 1 "FAILED: $file does not compile"
patch CH-188 "It is for another file." "/* Other words. */" model/target/send.c
expect CH-188 1 "FAILED: patch no longer applies to model/target/send.c" --applies
patch CH-188 "It is for a file that is no more." "/* Other words. */" model/target/no_such_file.c
expect CH-188 1 "FAILED: model/target/no_such_file.c is no more" --applies
patch CH-188 "no sentence" "/* Other words. */"
expect CH-188 1 "FAILED: the first line is no sentence" --applies
patch CH-188 "It changes a header." "/* Other words. */" include/flue/target.h
expect CH-188 1 "FAILED: include/flue/target.h: a violator changes a .c file" --applies
patch CH-188 "It changes two files." "/* Other words. */"
printf -- '--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n-a\n+b\n' >>"$work/CH-188.patch"
expect CH-188 1 "FAILED: a violator changes one file" --applies
patch CH-001 "It is watched at run time." "/* Other words. */"
expect CH-001 1 "FAILED: no test proves this rule" --applies

"$run" "$root" "$build" CH-188 | grep -q '^CH-188 FAILED: no patch of that name' || {
    echo "a patch that is missing is not complained of"
    failures=$((failures + 1))
}
"$run" --applies >/dev/null 2>&1
[ $? -eq 2 ] || { echo "wrong usage is not refused"; failures=$((failures + 1)); }
"$run" "$root" "$work" >/dev/null 2>&1
[ $? -eq 77 ] || { echo "what is no build is not skipped"; failures=$((failures + 1)); }
[ "$failures" -eq 0 ] && echo "run.sh tells what is not caught"
