#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# proofs.sh ROOT BUILD FLUE: holds include/flue/ddi_proof.def against what it names: violators are run, and each must be
# the first finding of its rule; tests must exist, be registered, and cite the rule, and
# have a change of the source that they fail with (contract/mutants runs those); what the checker's source reports and
# what the table calls watched must be the same; doc/rules.md must be what `flue list rules --markdown` prints.
set -u
root=$1 build=$2 flue=$3
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
failures=0

complain() {
    printf '%s\n' "$*"
    failures=$((failures + 1))
}

# number, how, test, why: one line each.
sed -n 's/^FLUE_PROOF(\([0-9]*\), \([a-z_]*\), "\([^"]*\)", "\([^"]*\)")$/\1\t\2\t\3\t\4/p' \
    "$root/include/flue/ddi_proof.def" | sed 's/\t\t/\t-\t/' >"$here/table"
[ "$(grep -c '^FLUE_PROOF(' "$root/include/flue/ddi_proof.def")" -eq "$(wc -l <"$here/table")" ] ||
    complain "a line of ddi_proof.def has another form"
cut -f1 "$here/table" | cmp -s - <(seq 340) || complain "ddi_proof.def has not each of the 340 rules once, in order"

# ---- Violators

ctest --test-dir "$build" -N | sed -n 's/^ *Test *#[0-9]*: //p' >"$here/programs"
: >"$here/violators"
for program in $(awk -F'\t' '$2 == "run_time" {sub(/:.*/, "", $3); print $3}' "$here/table" | sort -u); do
    if ! grep -qx "$program" "$here/programs"; then
        complain "$program is no test of this build"
        continue
    fi
    "$build/test/bin/test_${program/\//_}" 2>/dev/null |
        sed -n "s|^violator CH-0*\([0-9]*\) \([^ ]*\) \([a-z]*\)\$|\1\t$program:\2\t\3|p" >>"$here/violators"
done
while IFS=$'\t' read -r rule name verdict; do
    [ "$verdict" = first ] || complain "$name does not break CH-$rule first"
    grep -q "^$rule	run_time	" "$here/table" || complain "$name breaks CH-$rule, which the table does not call checked"
done <"$here/violators"
while IFS=$'\t' read -r rule how name _; do
    [ "$how" != run_time ] || grep -q "^$rule	$name	first\$" "$here/violators" ||
        complain "CH-$rule: no violator $name that breaks it first"
done <"$here/table"

# ---- Tests

# source PROGRAM: its main file, by the way tests are named.
source_of() {
    case $1 in
    unit/*) printf '%s/test/%s.c' "$root" "${1/_//}" ;;
    *) printf '%s/test/%s.c' "$root" "$1" ;;
    esac
}

# cites FILE FUNCTION RULE: in the function, or between it and the one before.
cites() {
    awk -v name="$2" -v rule="$3" '
        {part = part $0 "\n"}
        $0 ~ "^static void " name "\\(void \\*\\*state\\)" {found = 1}
        /^}/ {if (found) {exit} part = ""}
        END {
            while (match(part, /CH-[0-9]+( to CH-[0-9]+)?/)) {
                split(substr(part, RSTART, RLENGTH), word, /[^0-9]+/)
                last = word[3] == "" ? word[2] : word[3]
                if (rule + 0 >= word[2] + 0 && rule + 0 <= last + 0) {exit 0}
                part = substr(part, RSTART + RLENGTH)
            }
            exit 1
        }' "$1"
}

while IFS=$'\t' read -r rule how name why; do
    case $how in
    run_time) ;;
    tested)
        program=${name%%:*} function=${name#*:}
        file=$(source_of "$program")
        grep -qx "$program" "$here/programs" || complain "CH-$rule: $program is no test of this build"
        if [ ! -f "$file" ] || ! grep -q "cmocka_unit_test($function)" "$file"; then
            complain "CH-$rule: $program has no test $function"
        elif ! cites "$file" "$function" "$rule"; then
            complain "CH-$rule: $function does not cite it"
        fi
        [ ${#why} -ge 15 ] || complain "CH-$rule: why is it not checked at run time?"
        printf -v patch 'CH-%03d.patch' "$rule"
        [ -f "$root/test/mutants/$patch" ] || complain "CH-$rule: no test/mutants/$patch that $function fails with"
        ;;
    not_applicable)
        [ "$name" = - ] || complain "CH-$rule: not applicable, and a test?"
        [ ${#why} -ge 60 ] || complain "CH-$rule: why is it not applicable?"
        ;;
    *) complain "CH-$rule: proved how?" ;;
    esac
done <"$here/table"

# ---- The checker's source

# Rules in calls that report: arguments that are a number, or a choice of two.
cat "$root"/model/ndis/check*.c | tr '\n' ' ' | sed 's/"[^"]*"//g; s/[;{}]/\n/g' |
    grep -E '(check_report|[^a-z_]report|refuse|[^a-z]say|trapped|named|check_cause|judge_delivered|judge_filled)\(' |
    grep -oE '([,?:] )[0-9]{1,3}( :|,|\))' | tr -dc '0-9\n' | awk '$1 > 0 && $1 <= 340' | sort -nu >"$here/reported"
sed 's/CH-[0-9]*//g' "$root"/model/ndis/check*.c | grep -oE '\b[0-9]{1,3}u?\b' | tr -d u | sort -nu >"$here/numbers"
while read -r rule; do
    grep -q "^$rule	run_time	" "$here/table" || complain "the checker reports CH-$rule, which the table does not call checked"
done <"$here/reported"
while IFS=$'\t' read -r rule how _; do
    [ "$how" != run_time ] || grep -qx "$rule" "$here/numbers" || complain "CH-$rule is called checked, and no check names it"
done <"$here/table"

# ---- The page

"$flue" list rules --markdown | cmp -s - "$root/doc/rules.md" ||
    complain "doc/rules.md is stale: flue list rules --markdown >doc/rules.md"

if [ "$failures" -gt 0 ]; then
    echo "$failures complaints"
    exit 1
fi
echo "340 rules: $(cut -f2 "$here/table" | sort | uniq -c | tr -s ' \n' ' ')"
