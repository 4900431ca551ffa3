#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Captures of the other tests of TCP - peers that are not Flue, random worlds, conversations - judged by check.sh.
#   peers.sh FOLDER-OF-PROGRAMS [full]
# A program that is not built, or cannot run here, is left out with a line.  Exit code 77: no tshark.
set -u
programs=$1
full=${2-}
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command -v tshark >/dev/null && command -v mergecap >/dev/null || {
    echo "skipped: tshark is not installed (Debian: apt-get install tshark)"
    exit 77
}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
failed=0

judge() { # judge FILE WORD...: what check.sh has to complain of
    "$tests/captures/check.sh" "$@" >"$here/judged" || {
        cat "$here/judged"
        failed=$((failed + 1))
    }
}

# One cell of each kind of network and family; full: all of the first seed.
peer() { # peer NAME WORD...
    local program=$programs/test_interop_$1 name=$1 cell code
    shift
    [ -x "$program" ] || {
        echo "$name: not built here"
        return
    }
    for cell in $("$program" --list | awk -F/ '!($5 in seen) || $5 == "0"' | grep -v '/[1-9][0-9]*$'); do
        [ -n "$full" ] || case $cell in
        */v4/flue-connects/* | */v6/flue-listens/loss*) ;;
        *) continue ;;
        esac
        code=0
        timeout 120 "$program" --only "$cell" --pcap "$here/peer.pcap" >"$here/said" 2>&1 || code=$?
        if [ "$code" -eq 77 ]; then
            echo "$name: $(tail -n 1 "$here/said")"
            return
        elif [ "$code" -ne 0 ]; then
            echo "FAILED: $cell: $(tail -n 1 "$here/said")"
            failed=$((failed + 1))
        else
            judge "$here/peer.pcap" lossy reset "$@"
            echo "$cell: judged"
        fi
    done
}

peer lwip
peer ns3 nomss rstack own=10.0.0.2,fd00::2
peer linux ones own=10.0.0.2,fd00::2

for ((seed = 1; seed <= (${#full} > 0 ? 200 : 12); seed++)); do
    "$programs/test_stream_stream" --seed "$seed" --pcap "$here/stream.pcap" >"$here/said" 2>&1 || {
        echo "FAILED: stream --seed $seed"
        failed=$((failed + 1))
    }
    judge "$here/stream.pcap" lossy reset
done

# Conversations hold packets that are wrong on purpose; what the stack itself has sent must be right.
mkdir "$here/scripts"
mapfile -d '' topics < <(find "$tests/script" -mindepth 1 -maxdepth 1 -type d ! -name must_fail -print0 | sort -z)
"$programs/test_script_run" --pcap "$here/scripts" "${topics[@]}" "$tests/grid" >"$here/said" || {
    tail -n 1 "$here/said"
    failed=$((failed + 1))
}
mapfile -d '' captures < <(find "$here/scripts" -name '*.pcap' -print0 | sort -z)
echo "${#captures[@]} conversations"
[ "${#captures[@]}" -gt 500 ] || failed=$((failed + 1))
mergecap -a -F nsecpcap -w "$here/all.pcap" "${captures[@]}" &&
    tshark -n -r "$here/all.pcap" -Y '(ip.src==192.0.2.0/24 || ipv6.src==2001:db8:1::/48) && !icmp && !icmpv6' -F nsecpcap -w "$here/own.pcap" \
        2>/dev/null
judge "$here/own.pcap" headers
[ "$failed" -eq 0 ]
