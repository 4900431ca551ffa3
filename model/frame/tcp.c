/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/tcp.c - the TCP header (RFC 9293 section 3.1). */
#include "frame/codec.h"

#define AT_DESTINATION 2
#define AT_SEQ         4
#define AT_ACK         8
#define AT_OFFSET      12
#define AT_FLAGS       13
#define AT_WINDOW      14
#define AT_URGENT      18

uint32_t tcp_encode(const struct flue_frame *frame, uint8_t *out)
{
    uint32_t bytes = FRAME_TCP_BYTES + frame_option_bytes(frame);

    put16(out, frame->src_port);
    put16(out + AT_DESTINATION, frame->dst_port);
    put32(out + AT_SEQ, frame->seq);
    put32(out + AT_ACK, frame->ack);
    out[AT_OFFSET] = (uint8_t)(bytes / 4 << 4);
    out[AT_FLAGS] = frame->flags;
    put16(out + AT_WINDOW, frame->window);
    put16(out + CODEC_TCP_CHECKSUM_AT, 0);
    put16(out + AT_URGENT, frame->urgent);
    options_encode(frame, out + FRAME_TCP_BYTES);
    return bytes;
}

uint32_t tcp_decode(const uint8_t *bytes, uint32_t length, struct flue_frame *frame)
{
    uint32_t header_bytes;

    if (length < FRAME_TCP_BYTES) {
        return 0;
    }
    header_bytes = (uint32_t)(bytes[AT_OFFSET] >> 4) * 4;
    if (header_bytes < FRAME_TCP_BYTES || header_bytes > length) {
        return 0;
    }
    frame->src_port = get16(bytes);
    frame->dst_port = get16(bytes + AT_DESTINATION);
    frame->seq = get32(bytes + AT_SEQ);
    frame->ack = get32(bytes + AT_ACK);
    frame->flags = bytes[AT_FLAGS];
    frame->window = get16(bytes + AT_WINDOW);
    frame->urgent = get16(bytes + AT_URGENT);
    return options_decode(bytes + FRAME_TCP_BYTES, bytes + header_bytes, frame) ? header_bytes : 0;
}
