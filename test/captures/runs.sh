#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Captures runs, on both networks, without and with losses, and lets check.sh judge the files; then sees that it would have
# found a fault.
#   runs.sh FLUE
# Exit code 77: no tshark.
set -u
flue=$1
check=$(dirname "${BASH_SOURCE[0]}")/check.sh
command -v tshark >/dev/null || {
    echo "skipped: tshark is not installed (Debian: apt-get install tshark)"
    exit 77
}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
failed=0

complain() {
    echo "FAILED: $*"
    failed=$((failed + 1))
}

digest_of() {
    sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p'
}

# capture NAME ARGUMENT...: the digest must be the one without a capture.
capture() {
    local name=$1 with without
    shift
    without=$("$flue" run "$@" --json | digest_of)
    with=$("$flue" run "$@" --json --pcap "$here/$name.pcap" | digest_of)
    [ -n "$with" ] && [ "$with" = "$without" ] ||
        complain "flue run $* --pcap: digest '$with', without a capture '$without'"
}

wants() { # wants EXIT-CODE ARGUMENT...
    local want=$1 code=0
    shift
    "$check" "$@" >"$here/said" || code=$?
    cat "$here/said"
    [ "$code" -eq "$want" ] || complain "check.sh $*: exit code $code instead of $want"
}

nets=(link)
if "$flue" --version | grep -q '^ns-3 yes'; then
    nets+=(ns3)
else
    echo "without ns-3"
fi
small=(-s connections=4 -s bytes=128KiB -s direction=both)
for net in "${nets[@]}"; do
    for arm in host chimney; do
        capture "$net-$arm-bulk" bulk "${small[@]}" -s offload=$arm --net "$net"
        wants 0 "$here/$net-$arm-bulk.pcap"
        capture "$net-$arm-bulk-loss" bulk "${small[@]}" -s offload=$arm -s loss=2% --net "$net"
        wants 0 "$here/$net-$arm-bulk-loss.pcap" lossy
    done
    capture "$net-rpc" rpc -s connections=8 -s requests=100 -s io_size=16KiB --net "$net"
    wants 0 "$here/$net-rpc.pcap"
    capture "$net-moved" bulk -s bytes=256KiB -s offload_at=150us -s upload_at=400us --net "$net"
    wants 0 "$here/$net-moved.pcap"
    capture "$net-late" bulk "${small[@]}" -s reorder=2% -s loss=1% --net "$net"
    wants 0 "$here/$net-late.pcap" lossy
done
if [ "${#nets[@]}" -eq 2 ]; then
    cmp "$here/link-host-bulk-loss.pcap" "$here/ns3-host-bulk-loss.pcap" || complain "the two networks' captures differ"
fi

# Faults that it must find: losses that nobody told of, data that vanished, a bit that tipped, an end that is missing.
good=$here/link-host-bulk.pcap
wants 1 "$here/link-host-bulk-loss.pcap"
if command -v editcap >/dev/null; then
    frame=$(tshark -n -r "$good" -Y 'ip.src == 10.0.0.1 && tcp.len > 1000' -T fields -e frame.number 2>/dev/null | sed -n 20p)
    editcap "$good" "$here/gap.pcap" "$frame"
    wants 1 "$here/gap.pcap" lossy
    wants 0 "$here/gap.pcap" partial
fi
cp "$good" "$here/bit.pcap"
size=$(stat -c %s "$good")
printf '\377\000\377\000' | dd of="$here/bit.pcap" bs=1 seek=$((size / 2)) conv=notrunc status=none
wants 1 "$here/bit.pcap" lossy
head -c $((size - 7)) "$good" >"$here/cut.pcap"
wants 1 "$here/cut.pcap"
wants 2 "$here/none.pcap" 2>/dev/null

# A RST without ACK, but with an acknowledgement number, from 10.0.0.1: a peer may send that, Flue may not.
if command -v text2pcap >/dev/null; then
    echo '0000 45 00 00 28 00 00 40 00 40 06 26 ce 0a 00 00 01 0a 00 00 02 c0 01 13 88 00 00 00 02 00 00 00 07 50 04 00 00 c8 4b 00 00' |
        text2pcap -q -F pcap -l 101 - "$here/rst.pcap" 2>/dev/null
    wants 0 "$here/rst.pcap" reset rstack own=10.0.0.2
    wants 1 "$here/rst.pcap" reset rstack own=10.0.0.1
    wants 1 "$here/rst.pcap" reset

    # A checksum that should be zero is 0xffff: the same, and a peer may write it so, Flue may not.
    echo '0000 45 00 00 28 00 00 40 00 40 06 26 ce 0a 00 00 01 0a 00 00 02 c0 01 13 88 00 00 00 02 00 00 00 07 50 10 c8 3f ff ff 00 00' |
        text2pcap -q -F pcap -l 101 - "$here/ones.pcap" 2>/dev/null
    wants 0 "$here/ones.pcap" ones own=10.0.0.2
    wants 1 "$here/ones.pcap" ones own=10.0.0.1
    wants 1 "$here/ones.pcap"
fi

[ "$failed" -eq 0 ] || exit 1
