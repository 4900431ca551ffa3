#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Connections that move at random instants, under the checker: the audit holds, on wires that lose and reorder frames.
#   migrate.sh FLUE adapter|node COUNT
# Ends with exit code 0 if everything held; says on stderr what did not.
set -u
flue=$1
what=$2
failed=0

orders=(oldest newest busiest idlest)
whens=(now idle send)
losses=(0 1% 5%)
RANDOM=4242
for ((i = 0; i < $3; i++)); do
    at=$((RANDOM * 32768 + RANDOM))
    back=$((RANDOM * 32768 + RANDOM))
    # From the first handshakes on to the last close; half of the runs move a second time.
    at=$((20000 + at % 3000000))
    back=$((at + 1000 + back % 2000000))
    events="${at}ns migrate to=$what"
    [ $((i % 2)) = 0 ] && [ "$what" = adapter ] && events="$events; ${back}ns migrate to=$what"
    args=(-s connections=$((1 + i % 7)) -s offload=chimney -s topology=switch -s "events=$events"
        -s "migrate_pace=$((i % 3 * 20))" -s "migrate_order=${orders[i % 4]}" -s "migrate_when=${whens[i / 2 % 3]}"
        -s "loss=${losses[i % 3]}" -s "reorder=$((i % 2))%" -s rto_min=5ms -s warmup=0 --seed "$i" --check=stop)
    if [ "$what" = adapter ]; then
        args+=(-s adapters=2)
    else
        args+=(-s "migrate_latency=$((i % 5 * 100))us" -s "migrate_capacity=$((i % 11))")
        [ $((i % 3 + i / 2 % 3)) = 0 ] && [ $((i % 6)) != 1 ] && args+=(-s migrate_strays=drop)
    fi
    case $((i % 6)) in
    0) args=(bulk -s bytes=300KiB -s direction=both "${args[@]}") ;;
    1) args=(bulk -s bytes=300KiB -s direction=receive -s receive_posts=2 -s receive_post_size=9KiB "${args[@]}") ;;
    2) args=(rpc -s requests=100 -s io_size=9KiB -s load=60% "${args[@]}") ;;
    3) args=(bulk -s bytes=200KiB -s close_with_data=yes -s timestamps=no -s vlan=5 "${args[@]}") ;;
    4) args=(rpc -s requests=100 -s io_size=9KiB -s load=0 -s outstanding=2 "${args[@]}") ;;
    5) args=(web -s requests=100 -s load=0 -s active=10 -s time_wait=10ms "${args[@]}" -s connections=2000 -s clients=3) ;;
    esac
    timeout 60 "$flue" run "${args[@]}" >/dev/null || {
        echo "FAILED: flue run ${args[*]@Q}" >&2
        failed=$((failed + 1))
    }
done
echo "$3 runs, $failed failed"
[ "$failed" = 0 ]
