/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/frame.h - struct flue_frame to bytes and back: IPv4 and TCP headers, Ethernet II, the IP checksum.
 *
 * Stateless, pure, no allocation.  Byte order on the wire is network order; in the struct it is the host's. */
#ifndef FLUE_FRAME_FRAME_H
#define FLUE_FRAME_FRAME_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/wire.h"

FLUE_BEGIN_C

#define FRAME_IPV4_BYTES       20u
#define FRAME_TCP_BYTES        20u
#define FRAME_MAX_HEADER_BYTES 120u /* IPv4 60 + TCP 60: what a peer may send; ours are at most 60 + 20 */
#define FRAME_ETHERNET_BYTES   14u
#define FRAME_PPP_IPV4         0x0021u /* RFC 1661: protocol number of IPv4 */

/* Bytes of the TCP options, padded to 4.  Order as Linux writes it: MSS, SACK permitted, timestamps, NOP and window
 * scale; where one of SACK permitted and timestamps stands alone, two NOPs come before it (RFC 7323 appendix A). */
uint32_t frame_option_bytes(uint8_t options);

/* IPv4 20 + TCP 20 + options. */
uint32_t frame_header_bytes(const struct flue_frame *frame);

/* Headers and payload: the IP packet. */
uint32_t frame_ip_bytes(const struct flue_frame *frame);

/* Writes the IPv4 and TCP headers of `frame` to out; DF is always set, the IPv4 checksum always made.  checksums: the
 * TCP checksum covers header and payload; without it the field is 0.  Returns the bytes written: frame_header_bytes(),
 * or 0 if `room` is too small or the packet would be longer than 65535. */
size_t frame_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums);

/* Writes the payload's bytes.  Returns their number, or 0 if `room` is too small (or the payload empty). */
size_t frame_encode_payload(const struct flue_frame *frame, uint8_t *out, size_t room);

/* Reads an IP packet.  Whole-struct result: everything not in the bytes is 0; ethertype becomes IPv4.  The payload
 * borrows `bytes`.  Bytes behind IPv4's total length (Ethernet padding) are ignored; unknown options are skipped,
 * reserved bits are ignored.  verify: both checksums must be right. FLUE_EPARSE: not a whole, unfragmented IPv4/TCP
 * packet, or a wrong length, option or checksum; *frame is zeroed. */
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
