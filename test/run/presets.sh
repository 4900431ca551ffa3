#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every preset of presets.table under the checker, on wires with and without loss: the audit holds, no rule is
# broken, and the summary says what the table says.
#   presets.sh FLUE SEEDS
# Says on stderr what did not hold.
set -u
flue=$1
seeds=$2
table=$(dirname "$0")/presets.table
failed=0

complain() {
    echo "FAILED: flue run $*" >&2
    failed=$((failed + 1))
}

# look SUMMARY PATTERNS: prints the first pattern that does not hold.
look() {
    local rest=$2 pattern
    while [ -n "$rest" ]; do
        pattern=${rest%% ; *}
        [ "$pattern" = "$rest" ] && rest= || rest=${rest#* ; }
        case $pattern in
        !*) ! grep -Eq -- "${pattern#!}" <<<"$1" || { echo "$pattern" && return; } ;;
        *) grep -Eq -- "$pattern" <<<"$1" || { echo "$pattern" && return; } ;;
        esac
    done
}

while IFS='|' read -r preset alone always; do
    case $preset in '#'*) continue ;; esac
    preset=${preset% } alone=${alone# } alone=${alone% } always=${always# }
    for loss in none 1% 5%; do
        for ((seed = 1; seed <= seeds; seed++)); do
            args="--seed $seed $preset --check=stop"
            [ $loss = none ] || args="$args -s loss=$loss"
            eval "words=($args)" # a word of the table may be quoted
            if ! summary=$("$flue" run "${words[@]}" 2>&1); then
                complain "$args: $(grep -A 2 -E 'FAILED|broken|flue' <<<"$summary" | head -n 4)"
                continue
            fi
            wrong=$(look "$summary" "$always")
            [ -n "$wrong" ] || [ $loss != none ] || wrong=$(look "$summary" "$alone")
            [ -z "$wrong" ] || complain "$args: the summary does not hold '$wrong'"
        done
    done
done <"$table"
# What the library has and the table has not.
for file in "$(dirname "$0")"/../../scenarios/library/{exhaustion,reason-,fault-,attack-}*.yaml; do
    name=$(basename "$file" .yaml)
    grep -q "^$name " "$table" || complain "$name: not in $table"
done
exit $((failed > 0))
