#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Policies on whole runs.   policies.sh FLUE order|thrash|audit
#   order   the oracle saves at least as much as adaptive, adaptive as much as random, random more than nothing: the 95 %
#           interval of the differences, seed by seed, lies above 0
#   thrash  a bad policy costs more than never offloading; a longer stay ends that
#   audit   every policy, without loss and with, under the checker of the interface
# The exit code is 0 if everything held; stderr says what did not.
set -u
flue=$1
what=$2
failed=0
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

complain() {
    echo "FAILED: $*" >&2
    failed=1
}

# Server host cycles per byte, the hand-overs of the whole run included, in millionths: the terms of policies.sql.
cost() {
    "$flue" run "$@" --db "$here/one.db" >/dev/null 2>&1 || complain "flue run $*"
    "$flue" db query "$here/one.db" "
        SELECT CAST(1e6 * (max(CASE WHEN m.name = 'cpu.cycles_per_byte' THEN x.value END) +
            max(max(CASE WHEN m.name = 'cpu.handover' THEN x.value END) -
                ifnull(max(CASE WHEN m.name = 'cpu.cycles' THEN x.value END), 0), 0) /
            max(CASE WHEN m.name = 'bytes.window' THEN x.value END)) AS INTEGER) AS cost
        FROM scalar x JOIN metric m USING(metric_id)
        WHERE run_id = (SELECT max(run_id) FROM run) AND (x.entity = '' OR (m.name = 'cpu.cycles' AND x.entity = 'offload control'))" |
        tail -n 1
}

# lower NUMBER...: the lower end of the 95 % interval of eight numbers' mean, Student's t, rounded down.
lower() {
    printf '%s\n' "$@" | awk '{ sum += $1; square += $1 * $1; n++ }
        END { if (n != 8) { print "none"; exit }
              mean = sum / n; variance = (square - n * mean * mean) / (n - 1)
              low = mean - 2.365 * sqrt((variance > 0 ? variance : 0) / n); printf "%d\n", low }'
}

order() {
    local world=(policies -s requests=1000) names=(never random adaptive oracle) seed name i j
    declare -A costs

    for seed in 1 2 3 4 5 6 7 8; do
        for name in "${names[@]}"; do
            costs[$name$seed]=$(cost "${world[@]}" -s policy="$name" --seed "$seed")
        done
    done
    for ((i = 0; i + 1 < ${#names[@]}; i++)); do
        local differences=() low
        j=$((i + 1))
        for seed in 1 2 3 4 5 6 7 8; do
            differences+=($((${costs[${names[i]}$seed]} - ${costs[${names[j]}$seed]})))
        done
        low=$(lower "${differences[@]}")
        echo "${names[j]} saves more than ${names[i]}: at least $low millionths of a cycle per byte (${differences[*]})"
        [[ $low =~ ^[0-9]+$ && $low -gt 0 ]] || complain "${names[j]} does not save more than ${names[i]}"
    done
}

thrash() {
    local bad never calm moves

    bad=$(cost thrash -s requests=500)
    never=$(cost thrash -s requests=500 -s policy=never -s policy_rules=)
    calm=$(cost thrash -s requests=500 -s policy_stay=100ms)
    echo "millionths of a cycle per byte: thrashing $bad, never $never, with a stay of 100 ms $calm"
    ((bad > never)) || complain "thrashing costs no more than never offloading"
    ((calm < never)) || complain "with a stay it is no better than never offloading"
    moves=$("$flue" run thrash -s requests=500 --json | grep -o '"name":"offloaded"[^}]*"num[a-z]*":[0-9]*' | grep -o '[0-9]*$')
    [[ -z $moves || $moves -gt 500 ]] || complain "only $moves hand-overs"
}

audit() {
    local policy loss

    for loss in 0 1% 5%; do
        for policy in never always automatic adaptive random oracle; do
            "$flue" run policies -s requests=200 -s rto_min=10ms -s loss="$loss" -s policy="$policy" --check=stop >"$here/out" 2>&1 ||
                complain "policy=$policy loss=$loss: $(tail -n 1 "$here/out")"
        done
        "$flue" run thrash -s requests=200 -s rto_min=10ms -s loss="$loss" --check=stop >"$here/out" 2>&1 ||
            complain "thrash loss=$loss: $(tail -n 1 "$here/out")"
        "$flue" run thrash -s requests=200 -s capacity=64 -s topology=gateways -s clients=3 -s rto_min=10ms -s loss="$loss" \
            -s "events=2ms gateway-down; 6ms gateway-up; 9ms upload-all; 12ms resume" -s heed_advice=yes -s advice_window=1ms \
            -s ddi.reoffload_backoff_ms=1 --check=stop >"$here/out" 2>&1 ||
            complain "thrash with events, loss=$loss: $(tail -n 1 "$here/out")"
        "$flue" run bulk -s connections=16 -s direction=both -s bytes=256KiB -s warmup=0 -s capacity=4 -s rto_min=10ms -s loss="$loss" \
            -s policy=rules -s "policy_rules=held=1 take-back; offload" -s policy_stay=0 -s policy_every=50us \
            -s ddi.reoffload_backoff_ms=0 --check=stop >"$here/out" 2>&1 ||
            complain "bulk that thrashes into refusals, loss=$loss: $(tail -n 1 "$here/out")"
    done
}

case $what in
order | thrash | audit) "$what" ;;
*)
    echo "policies.sh: order, thrash or audit?" >&2
    exit 2
    ;;
esac
exit "$failed"
