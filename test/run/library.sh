#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every scenario of the library:
#   library.sh FLUE audit SEEDS      ends well without loss, with 1 % and 5 %, every call of the interface watched
#   library.sh FLUE golden TABLE     gives the numbers of the table; a change of one needs a sentence why in the commit
#   library.sh FLUE write TABLE      writes that table anew
#   library.sh FLUE full             with 100,000 connections, three seeds; prints CPU seconds and memory
# Ends with exit code 0 if everything held; says on stderr what did not.
set -u
flue=$1
what=$2
failed=0
runs=0

complain() {
    echo "FAILED: $*" >&2
    failed=$((failed + 1))
}

scenarios() {
    "$flue" list scenarios | cut -d' ' -f1
}

# One of its runs: says "ok", or what failed.
audited() {
    if timeout 60 "$flue" run "$1" -s "loss=$2" --seed "$3" --check=stop >/dev/null 2>&1; then
        echo ok
    else
        echo "flue run $1 -s loss=$2 --seed $3 --check=stop"
    fi
}

# As many runs at a time as there are processors.
audit() {
    local scenario loss seed verdict
    export -f audited
    export flue
    while IFS= read -r verdict; do
        runs=$((runs + 1))
        [ "$verdict" = ok ] || complain "$verdict"
    done < <(for scenario in $(scenarios); do
        for loss in 0 1% 5%; do
            for ((seed = 1; seed <= $1; seed++)); do
                echo "$scenario" $loss $seed
            done
        done
    done | xargs -P "$(nproc)" -L 1 bash -c 'audited "$@"' audited)
    [ "$runs" -eq $(($(scenarios | wc -l) * 3 * $1)) ] || complain "$runs runs are not all"
}

# One number of a run's JSON: metric, field, entity; without an entity the sum of all.
number() {
    grep -o "{\"name\":\"$1\",\"entity\":\"${3-[^\"]*}\"[^}]*\"$2\":[0-9]*" <<<"$json" |
        awk -F: '{ sum += $NF } END { printf "%.0f", sum }'
}

row() {
    local json
    json=$("$flue" run "$1" --json 2>/dev/null) || complain "flue run $1"
    # shellcheck disable=SC2059 # one format for the heading, too
    printf "$format" "$1" "$(number offloaded numerator '')" "$(number uploaded numerator '')" \
        "$(number refused numerator '')" "$(number lost numerator)" "$(number bytes.delivered numerator)" \
        "$(number tcp.retransmits numerator)" "$(number lat p50)" "$(number silence max)" "$(number cpu.handover numerator)"
}

format='%-28s %9s %9s %8s %5s %10s %6s %14s %15s %15s\n'

table() {
    # shellcheck disable=SC2059
    printf "$format" "# scenario" offloaded uploaded refused lost bytes again latency_p50_ps silence_most_ps handover_cycles
    for scenario in $(scenarios); do
        row "$scenario"
    done
}

golden() {
    runs=$(scenarios | wc -l)
    diff -u "$1" <(table) >&2 || complain "the numbers of $1; if they are better: library.sh FLUE write $1"
}

# What takes a scenario to 100,000 connections; those without a line here have a size of their own.
full_size() {
    case $1 in
    bulk | initiate-storm | update-storm) echo "-s connections=100000 -s capacity=200000 -s bytes=10KiB" ;;
    relink) echo "-s connections=100000 -s capacity=200000 -s bytes=10KiB -s clients=100" ;;
    exhaustion)
        echo "-s connections=100000 -s capacity=50000 -s requests=100000 -s open_every=2us -s clients=100" \
            "-s neighbours=90 -s paths=80"
        ;;
    web) echo "-s requests=100000 -s connections=200000" ;;
    migrate | migrate-node) echo "-s connections=100000 -s capacity=200000 -s requests=100000 -s migrate_pace=100" ;;
    rpc | terminate-storm | team-failover) echo "-s connections=100000 -s capacity=200000 -s requests=100000" ;;
    esac
}

full() {
    local scenario size seed
    for scenario in $(scenarios); do
        size=$(full_size "$scenario")
        [ -n "$size" ] || continue
        for seed in 1 2 3; do
            runs=$((runs + 1))
            TIMEFORMAT="$scenario seed $seed: %U s CPU"
            # shellcheck disable=SC2086 # several words
            time timeout 300 "$flue" run "$scenario" $size --seed $seed --check=stop >/dev/null ||
                complain "flue run $scenario $size --seed $seed --check=stop"
        done
    done
}

case $what in
audit) audit "$3" ;;
golden) golden "$3" ;;
write) table >"$3" && exit 0 ;;
full) full ;;
*) echo "library.sh FLUE audit SEEDS|golden TABLE|write TABLE|full" >&2 && exit 2 ;;
esac
echo "$runs runs, $failed failed"
[ "$failed" -eq 0 ]
