#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs whole simulations and looks at exit codes (the audit) and digests.
#   table.sh FLUE WHAT      WHAT: audit | digest | networks | operations | traffic | instants COUNT
# Ends with exit code 0 if everything held, 77 if ns-3 is needed and not there; says on stderr what did not.
set -u
flue=$1
what=$2
failed=0
runs=0

# Workloads small enough to be run hundreds of times.
bulk=(bulk -s connections=8 -s bytes=512KiB -s direction=both)
rpc=(rpc -s connections=16 -s requests=200 -s io_size=16KiB -s load=30%)
web=(web -s requests=60 -s load=0 -s active=10 -s connections=5000)

complain() {
    echo "FAILED: $*" >&2
    failed=$((failed + 1))
}

digest_of() {
    "$flue" run "$@" --json 2>/dev/null | sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p'
}

# Every wire that the tables are run over.
wires() {
    echo "-s loss=0"
    echo "-s loss=1%"
    echo "-s loss=5%"
    echo "-s reorder=1%"
    echo "-s loss=1% -s reorder=2% -s reorder_delay=200us"
    echo "-s loss=1% -s queue=5"
    echo "-s loss=1% -s link_rate=3Gbps -s delay=7us"
}

# Only exit code 6 says that ns-3 is missing; whatever else goes wrong with it is for the test to find.
have_ns3() {
    local code=0
    "$flue" run bulk -s bytes=1KiB --net ns3 >/dev/null 2>&1 || code=$?
    [ "$code" -ne 6 ]
}

audit() {
    local arm wire workload seed
    for arm in host chimney; do
        while read -r wire; do
            for seed in 1 2 3; do
                for workload in bulk rpc web; do
                    local -n args=$workload
                    runs=$((runs + 1))
                    # shellcheck disable=SC2086 # the wire is several words
                    "$flue" run "${args[@]}" -s offload=$arm $wire --seed $seed >/dev/null ||
                        complain "audit: flue run ${args[*]} -s offload=$arm $wire --seed $seed"
                done
            done
        done < <(wires)
    done
}

same_digest() {
    local arm wire workload first second
    for arm in host chimney; do
        while read -r wire; do
            for workload in bulk rpc web; do
                local -n args=$workload
                # shellcheck disable=SC2086
                first=$(digest_of "${args[@]}" -s offload=$arm $wire --seed 3 "${@:2}")
                # shellcheck disable=SC2086
                second=$(digest_of "${args[@]}" -s offload=$arm $wire --seed 3 $1)
                runs=$((runs + 2))
                [ -n "$first" ] && [ "$first" = "$second" ] ||
                    complain "digest: flue run ${args[*]} -s offload=$arm $wire --seed 3 ($*): '$first' and '$second'"
            done
        done < <(wires)
    done
    # Another seed must give another digest, or the digest sees nothing.
    first=$(digest_of "${rpc[@]}" --seed 3)
    second=$(digest_of "${rpc[@]}" --seed 4)
    [ "$first" != "$second" ] || complain "two seeds gave one digest"
}

# Every part of the interface that a scenario can ask for, on a wire that loses frames and on one that does not, under
# the checker: no finding, and the audit holds.
operations() {
    local what loss seed=0
    while read -r what; do
        for loss in 0 3%; do
            seed=$((seed + 1))
            runs=$((runs + 1))
            # shellcheck disable=SC2086
            eval "$flue" run bulk -s connections=3 -s bytes=256KiB -s direction=both -s offload=chimney -s rto_min=5ms \
                -s warmup=0 -s loss=$loss --seed $seed --check=stop $what >/dev/null ||
                complain "operations: flue run bulk -s connections=3 -s bytes=256KiB -s direction=both" \
                    "-s offload=chimney -s rto_min=5ms -s warmup=0 -s loss=$loss --seed $seed --check=stop $what"
        done
    done <<'END'
-s drivers=pass
-s drivers='pass hold'
-s drivers='hold pass refuse' -s upload_at=400us
-s drivers='pass hold pass' -s upload_all_at=300us -s resume_at=350us -s reoffer=yes -s ddi.reoffload_backoff_ms=1
-s update_at=300us -s query_at=350us -s drivers=hold
-s invalidate_at=300us
-s invalidate_at=300us -s ddi.invalid_raise=eager -s ddi.invalidate_acks=none
-s pause_at=30us -s resume_at=300us
-s upload_all_at=300us -s resume_at=305us -s reoffer=yes
-s chimney_off_at=300us -s chimney_on_at=400us
-s topology=switch
-s topology=switch -s vlan=7
-s topology=switch -s adapters=2 -s drivers=team -s fail_over_at=300us
-s topology=switch -s adapters=2 -s drivers='team hold' -s fail_over_at=300us -s update_at=301us
-s topology=gateways -s gateway_down=250us
-s topology=gateways -s gateway_down=250us -s drivers=hold -s vlan=9
-s topology=gateways -s far_mtu=1000 -s drivers=pass
-s topology=gateways -s connections=40 -s bytes=16KiB -s open_every=1ms -s offload_at=2ms -s gateway_down=11ms
-s topology=gateways -s connections=40 -s bytes=16KiB -s open_every=1ms -s gateway_down=11ms -s drivers='hold pass'
-s topology=gateways -s events='300us path-mtu mtu=1000; 400us path-mtu mtu=700; 500us upload; 600us path-mtu mtu=1500'
-s topology=gateways -s drivers=hold -s events='300us mac-change; 310us mac-change; 320us mac-change gateway=2; 330us invalidate'
-s topology=gateways -s vlan=9 -s events='300us mac-change; 400us gateway-down; 500us mac-change' -s reachable_time=5ms -s probe_delay=1ms -s probe_every=1ms
-s topology=switch -s server_addresses=3 -s source_mac=yes -s addresses=2 -s upload_at=400us
-s rss_queues=4 -s rss_remap_at=300us
-s rss_queues=5 -s 'events=200us rss-remap by=2; 250us rss-remap; 300us rss-remap by=4; 320us upload count=2; 340us rss-remap; 360us offload'
-s rss_queues=16 -s rss_remap_at=400us -s upload_at=402us -s drivers='pass hold' -s moderation=20us
-s rss_queues=3 -s rss_remap_at=300us -s upload_all_at=301us -s resume_at=305us -s reoffer=yes
-s rss_queues=2 -s topology=switch -s adapters=2 -s drivers=team -s fail_over_at=300us -s rss_remap_at=299us
-s rss_queues=4 -s rss_remap_at=350us -s receive_posts=3 -s receive_post_size=7KiB -s vlan=5 -s topology=switch
-s receive_posts=3 -s receive_post_size=7KiB
-s receive_posts=2 -s receive_post_size=50KiB -s receive_push=no -s upload_at=300us
-s receive_queue=4KiB -s follow_backlog=yes
-s close_with_data=yes
-s close_with_data=yes -s upload_at=350us -s ddi.upload_sends=complete
-s advice_window=100us -s heed_advice=yes -s reoffer=yes -s ddi.reoffload_backoff_ms=1
END
}

# What workloads draw, how connections come and go, and how they are attacked then, on wires that lose nothing, 1 % and 5 %, under the checker.
traffic() {
    local what loss seed=0
    files=$(mktemp -d)
    trap 'rm -rf "$files"' EXIT # a global: the trap runs outside
    printf '# bytes, share\n100 0.1\n1KiB 0.5\n64KiB 1\n' >"$files/sizes.cdf"
    printf 'start,client,direction,bytes\n300us,1,send,64KiB\n0,2,receive,200KiB\n100us,2,send,1\n' >"$files/web.csv"
    printf 'start,connection,direction,bytes\n300us,1,send,64KiB\n0,2,receive,200KiB\n1us,2,send,9\n' >"$files/rpc.csv"
    while read -r what; do
        for loss in 0 1% 5%; do
            seed=$((seed + 1))
            runs=$((runs + 1))
            eval "$flue" run -s rto_min=5ms -s loss=$loss --seed $seed --check=stop "$what" >/dev/null ||
                complain "traffic: flue run -s rto_min=5ms -s loss=$loss --seed $seed --check=stop $what"
        done
    done <<END
web -s requests=100 -s load=0 -s active=20
web -s requests=100 -s load=0 -s active=20 -s offload=host -s time_wait=0
web -s requests=100 -s load=0 -s active=20 -s topology=switch -s clients=7 -s rss_queues=4 -s rss_remap_at=3ms
web -s requests=60 -s load=0 -s active=9 -s topology=gateways -s gateway_down=3ms -s clients=3 -s reorder=1%
web -s requests=100 -s load=0 -s active=20 -s 'events=3ms upload-all; 5ms resume' -s reoffer=yes -s ddi.reoffload_backoff_ms=1
web -s requests=100 -s load=0 -s active=20 -s 'events=3ms fail-terminate count=9; 3100us upload; 4ms hardware-failure count=3'
web -s requests=60 -s load=0 -s active=20 -s 'events=3ms corrupt count=9; 3100us upload' -s io_sizes='uniform 50KiB 200KiB'
web -s requests=100 -s load=0 -s active=20 -s topology=switch -s 'events=3ms invalidate; 4ms sleep; 5ms wake'
web -s requests=100 -s load=0.2% -s arrivals=bursty -s burst_length=10ms -s drivers='refuse hold' -s capacity=5
web -s requests=40 -s load=0.2% -s arrivals=periodic -s receive_posts=2 -s receive_post_size=3KiB -s requests_each='uniform 1 9'
web -s requests=100 -s load=0 -s active=20 -s events='1ms attack kind=syn seq=exact count=200 rate=200000'
web -s requests=100 -s load=0 -s active=20 -s events='1ms attack kind=data seq=blind count=200 rate=200000'
web -s requests=100 -s load=0 -s active=20 -s events='1ms attack kind=data seq=exact count=200 rate=200000' -s offload=host
web -s requests=100 -s load=0 -s active=20 -s events='1ms attack seq=exact count=100 rate=200000; 3ms urgent count=9; 4ms fragments count=9'
web -s requests=100 -s load=1% -s clients=7 -s topology=switch -s events='3ms attack kind=syn known=port seq=window count=200 rate=200000'
web -s requests=100 -s load=0 -s active=20 -s think='exponential 300us' -s events='3ms fail-terminate count=9; 3100us upload' -s clients=3 -s topology=switch
web -s requests=100 -s load=1% -s think='uniform 10us 2ms' -s requests_each='uniform 1 9' -s time_wait=0
web -s warmup=0 -s topology=switch -s clients=2 -s flows=$files/web.csv
bulk -s warmup=0 -s connections=4 -s flows=$files/rpc.csv -s events='+1us upload-all; +200us resume' -s reoffer=yes
bulk -s connections=4 -s flows=$files/rpc.csv -s topology=switch -s clients=2 -s events='+0 migrate to=node' -s close_with_data=yes
rpc -s warmup=0 -s connections=3 -s flows=$files/rpc.csv
rpc -s requests=200 -s connections=9 -s io_sizes='file $files/sizes.cdf' -s load=0 -s outstanding=5
rpc -s requests=200 -s connections=9 -s io_sizes='exponential 3KiB' -s load=1% -s arrivals=bursty -s upload_all_at=8ms
bulk -s connections=5 -s bytes=200KiB -s direction=both -s io_sizes='lognormal 3KiB 1.5 1MiB' -s upload_at=500us
key-value -s requests=300
END
}

instants() {
    local i at back rest
    RANDOM=12345
    for ((i = 0; i < $1; i++)); do
        at=$((RANDOM * 32768 + RANDOM))
        back=$((RANDOM * 32768 + RANDOM))
        at=$((300000 + at % 4000000))
        back=$((at + 1000 + back % 3000000))
        rest="-s loss=$((i % 3))% -s reorder=$((i % 2))%"
        runs=$((runs + 1))
        # shellcheck disable=SC2086
        "$flue" run bulk -s connections=$((1 + i % 4)) -s bytes=1MiB -s direction=both -s warmup=0 \
            -s offload_at=${at}ns -s upload_at=${back}ns $rest --seed "$i" >/dev/null ||
            complain "hand-over: flue run bulk -s connections=$((1 + i % 4)) -s bytes=1MiB -s direction=both -s warmup=0" \
                "-s offload_at=${at}ns -s upload_at=${back}ns $rest --seed $i"
    done
}

case $what in
audit) audit ;;
digest) same_digest "" ;;
networks)
    have_ns3 || exit 77
    same_digest "--net ns3" --net link
    ;;
operations) operations ;;
traffic) traffic ;;
instants) instants "${3:-200}" ;;
*)
    echo "usage: table.sh FLUE audit|digest|networks|operations|traffic|instants [COUNT]" >&2
    exit 2
    ;;
esac
echo "$runs runs, $failed failed"
[ "$failed" = 0 ]
