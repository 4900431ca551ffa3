/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/codec.h - what the files of this folder share: big-endian access and the codec of each header. */
#ifndef FLUE_FRAME_CODEC_H
#define FLUE_FRAME_CODEC_H

#include "frame/frame.h"

FLUE_BEGIN_C

#define CODEC_PROTOCOL_ICMPV4 1u
#define CODEC_PROTOCOL_TCP    6u
#define CODEC_PROTOCOL_ICMPV6 58u
#define CODEC_TCP_CHECKSUM_AT 16
#define CODEC_IP_MAX_LENGTH   65535u /* what IPv4's total length and IPv6's payload length can tell */
#define CODEC_ARP_BYTES       28u
#define CODEC_ND_BYTES        72u /* IPv6 40, solicitation or advertisement 24, one option 8 */
#define CODEC_FRAGMENT_OFFSET 0xfff8u
#define CODEC_MAC_BYTES       6u

static inline void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static inline uint16_t get16(const uint8_t *at)
{
    return (uint16_t)((at[0] << 8) | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
    return ((uint32_t)get16(at) << 16) | get16(at + 2);
}

static inline struct flue_ip get_ip6(const uint8_t *at)
{
    return (struct flue_ip){{get32(at), get32(at + 4), get32(at + 8), get32(at + 12)}};
}

static inline bool codec_is_ipv6(const struct flue_frame *frame)
{
    return frame->ethertype == FLUE_ETHERTYPE_IPV6;
}

/* The plain header, without what FLUE_IP_OPTIONS and fragments add. */
static inline uint32_t codec_ip_bytes(const struct flue_frame *frame)
{
    return codec_is_ipv6(frame) ? FRAME_IPV6_BYTES : FRAME_IPV4_BYTES;
}

/* The IP header of a frame with a TCP segment or a piece of one, all included. */
static inline uint32_t codec_ip_all_bytes(const struct flue_frame *frame)
{
    uint32_t bytes = codec_ip_bytes(frame);

    if ((frame->ip & FLUE_IP_OPTIONS) != 0) {
        bytes += codec_is_ipv6(frame) ? 8 : 4;
    }
    return bytes + (frame->kind == FLUE_FRAME_FRAGMENT && codec_is_ipv6(frame) ? 8 : 0);
}

/* A fragment that does not begin its datagram: it has no TCP header. */
static inline bool codec_is_later(const struct flue_frame *frame)
{
    return frame->kind == FLUE_FRAME_FRAGMENT && (frame->fragment & CODEC_FRAGMENT_OFFSET) != 0;
}

static inline void put_ip6(uint8_t *at, const struct flue_ip *ip)
{
    for (int i = 0; i < 4; i++) {
        put32(at + 4 * i, ip->word[i]);
    }
}

/* Write the header of one family, codec_ip_all_bytes(), IPv4's checksum included; total_bytes is that of the whole
 * packet, protocol what the header announces. */
void ipv4_encode(const struct flue_frame *frame, uint32_t total_bytes, uint32_t protocol, uint8_t *out);
void ipv6_encode(const struct flue_frame *frame, uint32_t total_bytes, uint32_t protocol, uint8_t *out);

/* Fill the IP fields of *frame from a whole packet of one family that carries `protocol`, or from a fragment of one:
 * then kind is FLUE_FRAME_FRAGMENT and fragment is set.  Return the bytes of the header, extension headers included,
 * and set *total_bytes, or return 0. */
uint32_t ipv4_decode(const uint8_t *bytes, size_t length, uint32_t protocol, struct flue_frame *frame,
                     uint32_t *total_bytes, bool verify);
uint32_t ipv6_decode(const uint8_t *bytes, size_t length, uint32_t protocol, struct flue_frame *frame,
                     uint32_t *total_bytes);

/* The bytes of an IPv6 header and the extension headers behind it, which end within `end` bytes and lead to `protocol`;
 * 0 if they do not.  end >= FRAME_IPV6_BYTES.  A fragment header that makes the packet a fragment is the last one, and
 * *fragment_at the place of it; else that is 0.  fragment_at NULL: fragments are refused. */
uint32_t ipv6_skip(const uint8_t *bytes, uint32_t end, uint32_t protocol, uint32_t *fragment_at);

/* The codecs of frames beyond TCP, each over a whole IP or ARP packet.  Encode: `out` has room for
 * frame_header_bytes(); false: the frame cannot be written.  Decode: may fill *frame in part before it refuses. */
bool arp_encode(const struct flue_frame *frame, uint8_t *out);
bool arp_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame);
bool nd_encode(const struct flue_frame *frame, uint8_t *out);
bool nd_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify);
void icmp_error_encode(const struct flue_frame *frame, uint8_t *out);
bool icmp_error_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify);

/* Bytes of an error that icmp_error_encode() writes. */
uint32_t icmp_error_bytes(const struct flue_frame *frame);

/* Writes the TCP options: frame_option_bytes(). */
void options_encode(const struct flue_frame *frame, uint8_t *at);

/* Fills the fields of *frame that options carry.  False: a length is impossible. */
bool options_decode(const uint8_t *at, const uint8_t *end, struct flue_frame *frame);

/* Writes the TCP header with its options, checksum 0.  Returns its length. */
uint32_t tcp_encode(const struct flue_frame *frame, uint8_t *out);

/* Fills the TCP fields of *frame.  Returns the bytes of the header, or 0. */
uint32_t tcp_decode(const uint8_t *bytes, uint32_t length, struct flue_frame *frame);

/* Sum of the pseudo header of either family (RFC 9293 section 3.1, RFC 8200 8.1) for `bytes` bytes of `protocol`. */
uint64_t codec_pseudo_sum(const struct flue_frame *frame, uint32_t protocol, uint32_t bytes);

FLUE_END_C

#endif
