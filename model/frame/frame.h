/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/frame.h - struct flue_frame to bytes and back: Ethernet II and 802.1Q, ARP, IPv4, IPv6, ICMP, TCP, the IP
 * checksum.
 *
 * Stateless, pure, no allocation.  Byte order on the wire is network order; in the struct it is the host's. */
#ifndef FLUE_FRAME_FRAME_H
#define FLUE_FRAME_FRAME_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/wire.h"

FLUE_BEGIN_C

#define FRAME_IPV4_BYTES       20u
#define FRAME_IPV6_BYTES       40u
#define FRAME_TCP_BYTES        20u
#define FRAME_MAX_OPTION_BYTES 40u
#define FRAME_MAX_HEADER_BYTES                                                                                         \
    120u /* IPv4 60 + TCP 60; ours are at most 116: IPv6 40, options 8, fragment 8, TCP 60                             \
          */
#define FRAME_MAX_PACKET_BYTES 65575u /* IPv6 40 + 65535; an IPv4 packet has at most 65535 */
#define FRAME_ETHERNET_BYTES   14u
#define FRAME_VLAN_BYTES       4u      /* tag of 802.1Q */
#define FRAME_TPID             0x8100u /* what announces it */
#define FRAME_MAX_LINK_BYTES   (FRAME_ETHERNET_BYTES + FRAME_VLAN_BYTES + FRAME_MAX_PACKET_BYTES)
#define FRAME_PPP_IPV4         0x0021u /* RFC 1332: protocol number of IPv4 */
#define FRAME_PPP_IPV6         0x0057u /* RFC 5072: that of IPv6 */

/* Bytes of the TCP options, padded to 4.  The usual order is the one that Linux has: MSS, SACK permitted, timestamps,
 * NOP and window scale, SACK blocks.  frame->option_order tells another one; what it leaves out follows in the usual
 * order, what the frame does not carry is passed over.  NOPs stand before an option, so that it ends at a multiple of 4
 * (RFC 7323 appendix A); SACK permitted right before timestamps needs none.  Of frame->sack as many blocks are written,
 * the first ones first, as fit into 40 bytes: 4, 3 beside timestamps. */
uint32_t frame_option_bytes(const struct flue_frame *frame);

/* IPv4 20 or IPv6 40, what FLUE_IP_OPTIONS and fragments add, TCP 20, options; a later fragment has no TCP header.  ARP
 * 28, a neighbour message 72, an ICMP error 56 or 96 with its quote. */
uint32_t frame_header_bytes(const struct flue_frame *frame);

/* Headers and payload: the IP or ARP packet. */
FLUE_COLD uint32_t frame_packet_bytes(const struct flue_frame *frame);
static inline uint32_t frame_ip_bytes(const struct flue_frame *frame)
{
    const unsigned usual = FLUE_OPT_TIMESTAMP | FLUE_OPT_SACK;
    uint32_t bytes;

    if ((frame->kind | frame->ip | (frame->options & ~usual)) != 0) {
        return frame_packet_bytes(frame);
    }
    /* Nearly every frame is one of these: frame_option_bytes() at its shortest. */
    bytes = (frame->ethertype == FLUE_ETHERTYPE_IPV6 ? FRAME_IPV6_BYTES : FRAME_IPV4_BYTES) + FRAME_TCP_BYTES +
            ((frame->options & FLUE_OPT_TIMESTAMP) != 0 ? 12u : 0u) + frame->payload.length_bytes;
    if ((frame->options & FLUE_OPT_SACK) != 0 && frame->sack_count > 0) {
        const unsigned fit = (frame->options & FLUE_OPT_TIMESTAMP) != 0 ? 3 : 4;

        bytes += 4 + 8 * (frame->sack_count < fit ? frame->sack_count : fit);
    }
    return bytes;
}

/* What a wire has to carry besides its framing (struct flue_wire_facts): the packet; with MAC addresses padded to 46
 * bytes, and the tag. */
uint32_t frame_link_bytes(const struct flue_frame *frame, bool has_mac);

/* Writes the headers of `frame` to out, of a TCP segment: IPv6 if frame->ethertype says so, else IPv4.  DF is set but
 * in fragments, the checksums of IPv4 and ICMP always made.  checksums: the TCP checksum covers header and payload;
 * without it, and in a fragment, which knows a part of it only, the field is 0.  Returns the bytes written:
 * frame_header_bytes(), or 0 if `room` is too small, the packet would be longer than its length field can tell, or the
 * frame is none of its kind: a piece that is not a multiple of 8 bytes before the last one, an unknown op. */
size_t frame_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums);

/* Writes the payload's bytes.  Returns their number, or 0 if `room` is too small (or the payload empty). */
size_t frame_encode_payload(const struct flue_frame *frame, uint8_t *out, size_t room);

/* Reads an IP packet of the family that its first nibble tells.  Whole-struct result: everything not in the bytes is 0;
 * ethertype becomes that of the family; option_order is 0 if the options stand in the usual order.  The payload borrows
 * `bytes`.  Bytes behind the end that the IP header tells (Ethernet padding) are ignored; unknown options are skipped,
 * reserved bits are ignored, so are IPv4's options and IPv6's extension headers of a packet that is at its destination.
 * verify: all checksums must be right.  FLUE_EPARSE: not a whole, unfragmented packet with TCP, or a wrong length,
 * option or checksum; *frame is zeroed.  An IPv6 fragment that is the whole packet (RFC 6946) is no fragment. */
FLUE_CHECKED flue_err frame_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify);

/* Reads what stands behind an Ethernet header of this ethertype: a packet of any kind that struct flue_frame tells;
 * whole or, with TCP in it, a fragment.  As frame_decode() in all else.  Of a broadcast ARP request or neighbour
 * message dst_mac is set, of all of them src_mac; ND's must tell a link-layer address.  FLUE_EPARSE: anything else. */
FLUE_CHECKED flue_err frame_packet_decode(uint16_t ethertype, const uint8_t *bytes, size_t length,
                                          struct flue_frame *frame, bool verify);

/* The Ethernet II header, with a tag if there is one.  Encode returns frame_ethernet_bytes(), or 0 if `room` is too
 * small.  Decode sets dst_mac, src_mac, vlan and ethertype only; FLUE_EPARSE: too short, or a tag that says 0. */
uint32_t frame_ethernet_bytes(const struct flue_frame *frame);
size_t frame_ethernet_encode(const struct flue_frame *frame, uint8_t *out, size_t room);
FLUE_CHECKED flue_err frame_ethernet_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame);

/* A whole Ethernet frame: header, packet, payload, padding, no check sequence.  A multicast neighbour message goes to
 * the MAC address of its group (RFC 2464 7).  Encode returns its length, frame_link_bytes() + FRAME_ETHERNET_BYTES, or
 * 0. Decode reads what encode can write; FLUE_EPARSE also where ARP or ND tell other addresses than the header. */
size_t frame_link_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums);
FLUE_CHECKED flue_err frame_link_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify);

/* The ones' complement sum of RFC 1071.  Add pieces with frame_sum() (only the last may have an odd length), then fold
 * and complement with frame_sum_finish(). */
uint64_t frame_sum(uint64_t sum, const uint8_t *bytes, size_t length);
uint64_t frame_sum_span(uint64_t sum, const struct flue_span *span);
uint16_t frame_sum_finish(uint64_t sum);

FLUE_END_C

#endif
