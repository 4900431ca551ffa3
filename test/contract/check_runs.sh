#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Whole runs with every rule of the interface watched; the first broken one ends a run.   check_runs.sh FLUE TABLE [MORE ARGUMENTS OF EACH RUN]
set -u

flue=$1
table=$2
shift 2
bad=0
runs=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
while read -r -a words; do
    [ ${#words[@]} -gt 0 ] && [ "${words[0]}" != '#' ] || continue
    runs=$((runs + 1))
    "$flue" run --check=stop "${words[@]}" "$@" >"$out" 2>&1 || {
        echo "flue run --check=stop ${words[*]} $*: exit code $?"
        tail -n 40 "$out"
        bad=$((bad + 1))
    }
done <"$table"
echo "$runs runs, $bad of them broke a rule"
[ "$runs" -gt 0 ] && [ "$bad" -eq 0 ]
