/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/checksum.c - the Internet checksum (RFC 1071). */
#include "base/span.h"
#include "frame/codec.h"

uint64_t frame_sum(uint64_t sum, const uint8_t *bytes, size_t length)
{
    size_t i = 0;

    for (; i + 1 < length; i += 2) {
        sum += get16(bytes + i);
    }
    if (i < length) {
        sum += (uint64_t)bytes[i] << 8;
    }
    return sum;
}

uint64_t frame_sum_span(uint64_t sum, const struct flue_span *span)
{
    uint8_t piece[512]; /* of even size, so that only the last piece can be odd */

    if (span->memory != NULL) {
        return frame_sum(sum, span->memory, span->length_bytes);
    }
    for (uint32_t done = 0; done < span->length_bytes;) {
        uint32_t left = span->length_bytes - done;
        struct flue_span slice = span_slice(span, done, left < sizeof piece ? left : (uint32_t)sizeof piece);

        span_copy(&slice, piece);
        sum = frame_sum(sum, piece, slice.length_bytes);
        done += slice.length_bytes;
    }
    return sum;
}

/* The words that make an IPv4 address an IPv4-mapped one are 0 and ffff, both of which are zero in ones' complement:
 * the sum over all four words is right for both families. */
static uint64_t sum_ip(const struct flue_ip *ip)
{
    uint64_t sum = (uint64_t)ip->word[0] + ip->word[1];

    return sum + ip->word[2] + ip->word[3];
}

uint64_t codec_pseudo_sum(const struct flue_frame *frame, uint32_t protocol, uint32_t bytes)
{
    return sum_ip(&frame->src_ip) + sum_ip(&frame->dst_ip) + protocol + bytes;
}

uint16_t frame_sum_finish(uint64_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}
