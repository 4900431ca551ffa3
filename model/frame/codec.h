/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/codec.h - what the files of this folder share: big-endian access and the codec of each header. */
#ifndef FLUE_FRAME_CODEC_H
#define FLUE_FRAME_CODEC_H

#include "frame/frame.h"

FLUE_BEGIN_C

#define CODEC_PROTOCOL_TCP    6u
#define CODEC_TCP_CHECKSUM_AT 16

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

/* Writes 20 bytes, checksum included; total_bytes is that of the whole packet. */
void ipv4_encode(const struct flue_frame *frame, uint32_t total_bytes, uint8_t *out);

/* Fills the IPv4 fields of *frame.  Returns the bytes of the header and sets *total_bytes, or returns 0. */
uint32_t ipv4_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, uint32_t *total_bytes, bool verify);

/* Writes the TCP header with its options, checksum 0.  Returns its length. */
uint32_t tcp_encode(const struct flue_frame *frame, uint8_t *out);

/* Fills the TCP fields of *frame.  Returns the bytes of the header, or 0. */
uint32_t tcp_decode(const uint8_t *bytes, uint32_t length, struct flue_frame *frame);

/* Sum of the pseudo header (RFC 9293 section 3.1) for tcp_bytes of header and payload. */
uint64_t tcp_pseudo_sum(const struct flue_frame *frame, uint32_t tcp_bytes);

FLUE_END_C

#endif
