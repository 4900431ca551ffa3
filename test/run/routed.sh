#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A server behind two gateways, or with a team of two adapters on a switch, on the model's own network and on ns-3's, whose
# gateways are routers of ns-3's and whose switch is a bridge of ns-3's: when each
# frame arrives differs, for there the Ethernet is one wire for all; what happens to connections and bytes does not.
#   routed.sh FLUE SEEDS
# Open loops begin requests until the last that is measured is answered: at a low load with even gaps none begins meanwhile,
# so that as many are made on both.
# Ends with exit code 0 if everything agreed, 77 if ns-3 is not there; says on stderr what did not.
set -u
flue=$1
failed=0
runs=0

# What was handed over, taken back and refused, why, and what was delivered.
counts() {
    local json
    json=$("$flue" run "$@" --check=stop --json 2>/dev/null) || return 1
    grep -o '{"name":"[^"]*","entity":"[^"]*"[^}]*"numerator":[0-9]*' <<<"$json" |
        sed -E 's/.*"name":"([^"]*)","entity":"([^"]*)".*:([0-9]*)$/\1 \2 \3/' |
        grep -E '^(offloaded|uploaded|refused|moves|lost|bytes\.sent|bytes\.delivered) '
}

code=0
"$flue" run bulk -s bytes=1KiB --net ns3 >/dev/null 2>&1 || code=$?
[ "$code" -ne 6 ] || exit 77
while read -r what; do
    case $what in *team*) ;; *) what="$what -s topology=gateways" ;; esac
    for ((seed = 1; seed <= $2; seed++)); do
        runs=$((runs + 2))
        # shellcheck disable=SC2086 # several words
        link=$(eval counts $what --seed $seed --net link)
        # shellcheck disable=SC2086
        ns3=$(eval counts $what --seed $seed --net ns3)
        if [ -z "$link" ] || [ "$link" != "$ns3" ]; then
            failed=$((failed + 1))
            echo "FAILED: flue run $what --seed $seed --check=stop --net link|ns3:" >&2
            diff <(echo "$link") <(echo "$ns3") >&2
        fi
    done
done <<'END'
bulk -s connections=8 -s bytes=512KiB -s direction=both -s offload=host
bulk -s connections=8 -s bytes=512KiB -s direction=both -s offload=chimney -s upload_at=400us
bulk -s connections=8 -s bytes=1MiB -s offload=chimney -s rto_min=10ms -s gateway_down=1ms
bulk -s connections=9 -s clients=3 -s bytes=256KiB -s offload=chimney -s far_mtu=1000 -s drivers='pass hold'
bulk -s connections=8 -s bytes=512KiB -s direction=both -s offload=chimney -s vlan=9
bulk -s connections=8 -s bytes=512KiB -s offload=chimney -s rto_min=10ms -s warmup=0 -s 'events=+300us link-down; +20ms link-up'
bulk -s connections=2 -s bytes=256KiB -s offload=chimney -s rto_min=10ms -s warmup=0 -s 'events=+203us gateway-down gateway=1; +8754us gateway-up gateway=1'
rpc -s connections=16 -s requests=200 -s io_size=16KiB -s offload=chimney
bulk -s connections=6 -s bytes=256KiB -s direction=both -s offload=chimney -s loss=1% -s rto_min=10ms
bulk -s connections=8 -s bytes=512KiB -s offload=chimney -s rto_min=10ms -s warmup=0 -s 'events=+1ms mac-change gateway=1; +2ms mac-change gateway=2'
team-failover -s framing=18 -s delay=0 -s arrivals=periodic -s load=5% -s requests=300
bulk -s adapters=2 -s drivers='team pass hold' -s topology=switch -s framing=18 -s delay=0 -s connections=8 -s bytes=256KiB -s offload=chimney -s rto_min=10ms -s warmup=0 -s 'events=+300us fail-over; +1ms fail-over'
web -s requests=60 -s load=1% -s clients=4 -s offload=chimney
relink -s connections=20
relink -s connections=20 -s relink=update -s ddi.invalid_raise=eager
terminate-storm -s connections=30 -s requests=300
terminate-storm -s connections=30 -s requests=300 -s 'events=+3ms sleep; +5ms wake'
exhaustion -s connections=40 -s requests=100 -s capacity=20 -s arrivals=periodic -s load=5%
exhaustion -s connections=40 -s requests=100 -s paths=5 -s arrivals=periodic -s load=5%
END
echo "$runs runs, $failed failed"
[ "$failed" -eq 0 ]
