#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Lets tshark judge a capture file, whoever made it.
#   check.sh FILE.pcap [lossy] [reset] [partial] [nomss] [rstack] [ones] [own=ADDRESS,...] [headers]
#     lossy    frames were lost or late: repetitions, duplicate ACKs and gaps have a reason
#     reset    connections were reset
#     nomss    a peer leaves the MSS option out of its SYN, as ns-3 does
#     rstack   a peer writes an acknowledgement number into a RST without ACK, as ns-3 does.  Without that bit the field
#              has no meaning (RFC 9293 3.1), and whoever gets it looks at the sequence number alone (3.10.7.4, 3.5.3)
#     ones     a peer writes a TCP checksum of zero as 0xffff, as Linux does.  Receivers add it up to the same (RFC 1624 3),
#              but only UDP has a use for it
#     own      where Flue is: nomss, rstack and ones explain frames from elsewhere only
#     headers  malformed packets and checksums only: the file holds pieces of many conversations
#     partial  frames are missing in the file itself: tshark may see ACKs of data that it has not seen
# Fails on malformed packets, on checksums that are wrong or cannot be verified, and on every finding of tshark's experts
# from "note" up that nothing explains.  Exit code 0 all is well, 1 not (what, on stdout), 2 wrong arguments, 77 no tshark.
set -u

file=${1-}
[ -n "$file" ] && [ -r "$file" ] || {
    echo "check.sh: '$file': no such file; usage: check.sh FILE.pcap [lossy] [reset] [partial] [nomss] [rstack] [ones] [own=ADDRESS,...] [headers]" >&2
    exit 2
}
shift
explained=' '
own=,
for word in "$@"; do
    case $word in
    lossy | reset | partial | nomss | rstack | ones | headers) explained="$explained$word " ;;
    own=*) own=,${word#own=}, ;;
    *)
        echo "check.sh: '$word' is not understood; write lossy, reset, partial, nomss, rstack, ones, own=ADDRESS,... or headers" >&2
        exit 2
        ;;
    esac
done
command -v tshark >/dev/null || {
    echo "check.sh: skipped: tshark is not installed (Debian: apt-get install tshark)"
    exit 77
}

fields=(frame.number frame.protocols ip.checksum.status tcp.checksum.status icmp.checksum.status icmpv6.checksum.status
    _ws.malformed _ws.expert.severity _ws.expert.message tcp.stream tcp.srcport tcp.dstport tcp.seq tcp.len tcp.ack
    ip.src ipv6.src tcp.flags tcp.checksum)
options=(-o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -o tcp.analyze_sequence_numbers:TRUE
    -d 'tcp.port==0-65535,data') # the payload is no protocol
table=$(mktemp)
complaint=$(mktemp)
trap 'rm -f "$table" "$complaint"' EXIT

if ! tshark -n -r "$file" "${options[@]}" -T fields -E separator=/t -E 'aggregator=|' "${fields[@]/#/-e}" \
    >"$table" 2>"$complaint"; then
    echo "$file: tshark cannot read it to its end: $(grep -v 'Running as user' "$complaint" | tail -n 1)"
    exit 1
fi

# Severities: 2097152 chat, 4194304 note, 6291456 warning, 8388608 error.
awk -F '\t' -v file="$file" -v explained="$explained" -v own="$own" '
function complain(what) {
    bad++
    if (bad <= 20)
        printf "%s: frame %s: %s\n", file, $1, what
}
function foreign() {
    return index(own, "," $16 $17 ",") == 0
}
function negative_zero() {
    return index(explained, " ones ") && foreign() && $19 == "0xffff" &&
        $9 ~ /TCP Checksum 0xffff instead of 0x0000/
}
function excused(message) {
    # tshark forgets how far a repetition reached that carried new data, too; `seen` does not.
    if (message ~ /^ACKed segment that wasn.t captured/ && $15 + 0 <= seen[$10, $12])
        return 1
    # Ordinary conversation, flow control and keep-alive.
    if (message ~ /^This frame (initiates|undergoes) the connection closing/ ||
        message ~ /^TCP window specified by the receiver is now completely full/ ||
        message ~ /^TCP Zero Window (segment|Probe)/ || message ~ /^ACK to a TCP Zero Window [Pp]robe/ ||
        message ~ /^(ACK to a )?TCP keep-alive segment/ ||
        message ~ /^A new tcp session is started with the same ports earlier in this trace/)
        return 1
    if (index(explained, " lossy ") &&
        (message ~ /^This frame is a \(suspected\) (fast |spurious )?retransmission/ ||
         message ~ /^This frame is a \(suspected\) out-of-order segment/ ||
         message ~ /^Duplicate ACK \(#/ || message ~ /^D-SACK Sequence/ ||
         message ~ /^Previous segment\(s\) not captured/))
        return 1
    if (index(explained, " reset ") && message ~ /^Connection reset \(RST\)/)
        return 1
    if (index(explained, " rstack ") && foreign() && $18 ~ /[02468ace][4-7c-f]$/ && # RST, no ACK
        message ~ /^The acknowledgment number field is nonzero while the ACK flag is not set/)
        return 1
    if (index(explained, " nomss ") && foreign() && message ~ /^The SYN packet does not contain a MSS option/)
        return 1
    if (index(explained, " headers ") && message !~ /[Mm]alformed|checksum|[Bb]ogus/)
        return 1
    if (negative_zero() && message ~ /^TCP Checksum 0xffff instead of 0x0000/)
        return 1
    if (index(explained, " partial ") &&
        (message ~ /^ACKed segment that wasn.t captured/ || message ~ /^Previous segment\(s\) not captured/))
        return 1
    return 0
}
{
    in_error = $2 ~ /:icmp/ # an ICMP error quotes a packet, or a part of one: only its own headers can be checked
    if ($2 ~ /:tcp/)
        tcp++
    if ($2 ~ /:tcp/ && !in_error && $13 + $14 + 1 > seen[$10, $11]) # one more: a SYN or FIN
        seen[$10, $11] = $13 + $14 + 1
    if ($2 ~ /:tcp/ && !in_error && $4 != "1" && !negative_zero())
        complain("TCP checksum " ($4 == "0" ? "wrong" : "not verifiable"))
    split($3, outer, "|")
    if ($3 != "" && outer[1] != "1")
        complain("IP checksum " (outer[1] == "0" ? "wrong" : "not verifiable"))
    if (in_error && $5 != "" && $5 != "1")
        complain("ICMP checksum wrong")
    if (in_error && $6 != "" && $6 != "1")
        complain("ICMPv6 checksum wrong")
    if ($7 != "" && !in_error)
        complain("malformed")
    count = split($8, severity, "|")
    split($9, message, "|")
    for (i = 1; i <= count; i++)
        if (severity[i] + 0 > 2097152 && !excused(message[i]) && !(in_error && message[i] ~ /^Bad checksum|Malformed/))
            complain("tshark: " message[i])
}
END {
    if (NR == 0 || tcp == 0) {
        printf "%s: no TCP in it\n", file
        exit 1
    }
    if (bad > 20)
        printf "%s: and %d more\n", file, bad - 20
    if (bad > 0)
        exit 1
    printf "%s: %d frames are well\n", file, NR
}' "$table"
