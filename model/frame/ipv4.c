/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/ipv4.c - the IPv4 header (RFC 791). */
#include "frame/codec.h"

#define DONT_FRAGMENT  0x4000u
#define MORE_FRAGMENTS 0x2000u
#define OFFSET         0x1fffu /* in units of 8 bytes */
#define AT_TOTAL       2
#define AT_ID          4
#define AT_FRAGMENT    6
#define AT_TTL         8
#define AT_PROTOCOL    9
#define AT_CHECKSUM    10
#define AT_SOURCE      12
#define AT_DESTINATION 16
#define VERSION_4      0x40u
#define OPTION_NOP     1

static uint32_t fragment_field(const struct flue_frame *frame)
{
    if (frame->kind != FLUE_FRAME_FRAGMENT) {
        return DONT_FRAGMENT;
    }
    return (uint32_t)(frame->fragment & CODEC_FRAGMENT_OFFSET) >> 3 |
           ((frame->fragment & FLUE_FRAGMENT_MORE) != 0 ? MORE_FRAGMENTS : 0);
}

void ipv4_encode(const struct flue_frame *frame, uint32_t total_bytes, uint32_t protocol, uint8_t *out)
{
    uint32_t header_bytes = codec_ip_all_bytes(frame);

    out[0] = (uint8_t)(VERSION_4 | header_bytes / 4);
    out[1] = frame->tos;
    put16(out + AT_TOTAL, total_bytes);
    put16(out + AT_ID, frame->ip_id);
    put16(out + AT_FRAGMENT, fragment_field(frame));
    out[AT_TTL] = frame->ttl;
    out[AT_PROTOCOL] = (uint8_t)protocol;
    put16(out + AT_CHECKSUM, 0);
    put32(out + AT_SOURCE, frame->src_ip.word[3]);
    put32(out + AT_DESTINATION, frame->dst_ip.word[3]);
    for (uint32_t at = FRAME_IPV4_BYTES; at < header_bytes; at++) {
        out[at] = OPTION_NOP;
    }
    put16(out + AT_CHECKSUM, frame_sum_finish(frame_sum(0, out, header_bytes)));
}

uint32_t ipv4_decode(const uint8_t *bytes, size_t length, uint32_t protocol, struct flue_frame *frame,
                     uint32_t *total_bytes, bool verify)
{
    uint32_t header_bytes, fragment;

    if (length < FRAME_IPV4_BYTES || bytes[0] >> 4 != 4) {
        return 0;
    }
    header_bytes = (bytes[0] & 15u) * 4;
    *total_bytes = get16(bytes + AT_TOTAL);
    if (header_bytes < FRAME_IPV4_BYTES || *total_bytes < header_bytes || *total_bytes > length) {
        return 0;
    }
    if (bytes[AT_PROTOCOL] != protocol) {
        return 0;
    }
    if (verify && frame_sum_finish(frame_sum(0, bytes, header_bytes)) != 0) {
        return 0;
    }
    fragment = get16(bytes + AT_FRAGMENT);
    if ((fragment & (MORE_FRAGMENTS | OFFSET)) != 0) {
        frame->kind = FLUE_FRAME_FRAGMENT;
        frame->fragment =
            (uint16_t)((fragment & OFFSET) << 3 | ((fragment & MORE_FRAGMENTS) != 0 ? FLUE_FRAGMENT_MORE : 0));
    }
    frame->ip = header_bytes > FRAME_IPV4_BYTES ? FLUE_IP_OPTIONS : 0;
    frame->ethertype = FLUE_ETHERTYPE_IPV4;
    frame->tos = bytes[1];
    frame->ip_id = get16(bytes + AT_ID);
    frame->ttl = bytes[AT_TTL];
    frame->src_ip = flue_ip_v4(get32(bytes + AT_SOURCE));
    frame->dst_ip = flue_ip_v4(get32(bytes + AT_DESTINATION));
    return header_bytes;
}
