/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/ipv4.c - the IPv4 header (RFC 791). */
#include "frame/codec.h"

#define DONT_FRAGMENT     0x4000u
#define MORE_AND_OFFSET   0x3fffu /* the bits that a whole packet has clear */
#define AT_TOTAL          2
#define AT_ID             4
#define AT_FRAGMENT       6
#define AT_TTL            8
#define AT_PROTOCOL       9
#define AT_CHECKSUM       10
#define AT_SOURCE         12
#define AT_DESTINATION    16
#define VERSION_AND_WORDS 0x45

void ipv4_encode(const struct flue_frame *frame, uint32_t total_bytes, uint32_t protocol, uint8_t *out)
{
    out[0] = VERSION_AND_WORDS;
    out[1] = frame->tos;
    put16(out + AT_TOTAL, total_bytes);
    put16(out + AT_ID, frame->ip_id);
    put16(out + AT_FRAGMENT, DONT_FRAGMENT);
    out[AT_TTL] = frame->ttl;
    out[AT_PROTOCOL] = (uint8_t)protocol;
    put16(out + AT_CHECKSUM, 0);
    put32(out + AT_SOURCE, frame->src_ip.word[3]);
    put32(out + AT_DESTINATION, frame->dst_ip.word[3]);
    put16(out + AT_CHECKSUM, frame_sum_finish(frame_sum(0, out, FRAME_IPV4_BYTES)));
}

uint32_t ipv4_decode(const uint8_t *bytes, size_t length, uint32_t protocol, struct flue_frame *frame,
                     uint32_t *total_bytes, bool verify)
{
    uint32_t header_bytes;

    if (length < FRAME_IPV4_BYTES || bytes[0] >> 4 != 4) {
        return 0;
    }
    header_bytes = (bytes[0] & 15u) * 4;
    *total_bytes = get16(bytes + AT_TOTAL);
    if (header_bytes < FRAME_IPV4_BYTES || *total_bytes < header_bytes || *total_bytes > length) {
        return 0;
    }
    if (bytes[AT_PROTOCOL] != protocol || (get16(bytes + AT_FRAGMENT) & MORE_AND_OFFSET) != 0) {
        return 0;
    }
    if (verify && frame_sum_finish(frame_sum(0, bytes, header_bytes)) != 0) {
        return 0;
    }
    frame->ethertype = FLUE_ETHERTYPE_IPV4;
    frame->tos = bytes[1];
    frame->ip_id = get16(bytes + AT_ID);
    frame->ttl = bytes[AT_TTL];
    frame->src_ip = flue_ip_v4(get32(bytes + AT_SOURCE));
    frame->dst_ip = flue_ip_v4(get32(bytes + AT_DESTINATION));
    return header_bytes;
}
