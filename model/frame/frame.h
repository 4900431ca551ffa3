/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/frame.h - struct flue_frame to bytes and back: IPv4, IPv6 and TCP headers, Ethernet II, the IP checksum.
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
#define FRAME_MAX_HEADER_BYTES 120u   /* IPv4 60 + TCP 60; ours are at most 100: IPv6 40 + TCP 60 */
#define FRAME_MAX_PACKET_BYTES 65575u /* IPv6 40 + 65535; an IPv4 packet has at most 65535 */
#define FRAME_ETHERNET_BYTES   14u
#define FRAME_PPP_IPV4         0x0021u /* RFC 1332: protocol number of IPv4 */
#define FRAME_PPP_IPV6         0x0057u /* RFC 5072: that of IPv6 */

/* Bytes of the TCP options, padded to 4.  The usual order is the one that Linux has: MSS, SACK permitted, timestamps,
 * NOP and window scale, SACK blocks.  frame->option_order tells another one; what it leaves out follows in the usual
 * order, what the frame does not carry is passed over.  NOPs stand before an option, so that it ends at a multiple of 4
 * (RFC 7323 appendix A); SACK permitted right before timestamps needs none.  Of frame->sack as many blocks are written,
 * the first ones first, as fit into 40 bytes: 4, 3 beside timestamps. */
uint32_t frame_option_bytes(const struct flue_frame *frame);

/* IPv4 20 or IPv6 40, TCP 20, options. */
uint32_t frame_header_bytes(const struct flue_frame *frame);

/* Headers and payload: the IP packet. */
uint32_t frame_ip_bytes(const struct flue_frame *frame);

/* Writes the IP and TCP headers of `frame` to out: IPv6 if frame->ethertype says so, else IPv4.  DF is always set,
 * the IPv4 checksum always made.  checksums: the TCP checksum covers header and payload; without it the field is 0.
 * Returns the bytes written: frame_header_bytes(), or 0 if `room` is too small or the packet would be longer than its
 * length field can tell. */
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

/* Ethernet II.  Encode returns FRAME_ETHERNET_BYTES, or 0 if `room` is too small.  Decode sets dst_mac, src_mac and
 * ethertype only. */
size_t frame_ethernet_encode(const struct flue_frame *frame, uint8_t *out, size_t room);
FLUE_CHECKED flue_err frame_ethernet_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame);

/* The ones' complement sum of RFC 1071.  Add pieces with frame_sum() (only the last may have an odd length), then fold
 * and complement with frame_sum_finish(). */
uint64_t frame_sum(uint64_t sum, const uint8_t *bytes, size_t length);
uint64_t frame_sum_span(uint64_t sum, const struct flue_span *span);
uint16_t frame_sum_finish(uint64_t sum);

FLUE_END_C

#endif
