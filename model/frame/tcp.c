/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/tcp.c - the TCP header (RFC 9293 section 3.1) and its options. */
#include "frame/codec.h"

#define AT_DESTINATION 2
#define AT_SEQ         4
#define AT_ACK         8
#define AT_OFFSET      12
#define AT_FLAGS       13
#define AT_WINDOW      14
#define AT_URGENT      18

enum option_kind { KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_WSCALE = 3, KIND_SACK_OK = 4, KIND_TIMESTAMP = 8 };

#define MSS_BYTES       4u
#define WSCALE_BYTES    3u
#define SACK_OK_BYTES   2u
#define TIMESTAMP_BYTES 10u

uint32_t frame_option_bytes(uint8_t options)
{
    uint32_t bytes = 0;

    bytes += (options & FLUE_OPT_MSS) ? MSS_BYTES : 0;
    if (options & FLUE_OPT_TIMESTAMP) {
        bytes += 2 + TIMESTAMP_BYTES;
    } else if (options & FLUE_OPT_SACK_OK) {
        bytes += 2 + SACK_OK_BYTES;
    }
    bytes += (options & FLUE_OPT_WSCALE) ? 1 + WSCALE_BYTES : 0;
    return bytes;
}

static uint8_t *write_nops(uint8_t *at, uint32_t count)
{
    while (count-- > 0) {
        *at++ = KIND_NOP;
    }
    return at;
}

static uint8_t *write_kind(uint8_t *at, enum option_kind kind, uint32_t bytes)
{
    at[0] = (uint8_t)kind;
    at[1] = (uint8_t)bytes;
    return at + 2;
}

static void write_options(const struct flue_frame *frame, uint8_t *at)
{
    bool sack_ok = (frame->options & FLUE_OPT_SACK_OK) != 0;
    bool timestamp = (frame->options & FLUE_OPT_TIMESTAMP) != 0;

    if (frame->options & FLUE_OPT_MSS) {
        at = write_kind(at, KIND_MSS, MSS_BYTES);
        put16(at, frame->mss);
        at += 2;
    }
    if (sack_ok != timestamp) {
        at = write_nops(at, 2);
    }
    if (sack_ok) {
        at = write_kind(at, KIND_SACK_OK, SACK_OK_BYTES);
    }
    if (timestamp) {
        at = write_kind(at, KIND_TIMESTAMP, TIMESTAMP_BYTES);
        put32(at, frame->ts_val);
        put32(at + 4, frame->ts_ecr);
        at += 8;
    }
    if (frame->options & FLUE_OPT_WSCALE) {
        at = write_nops(at, 1);
        at = write_kind(at, KIND_WSCALE, WSCALE_BYTES);
        *at = frame->wscale;
    }
}

uint32_t tcp_encode(const struct flue_frame *frame, uint8_t *out)
{
    uint32_t bytes = FRAME_TCP_BYTES + frame_option_bytes(frame->options);

    put16(out, frame->src_port);
    put16(out + AT_DESTINATION, frame->dst_port);
    put32(out + AT_SEQ, frame->seq);
    put32(out + AT_ACK, frame->ack);
    out[AT_OFFSET] = (uint8_t)(bytes / 4 << 4);
    out[AT_FLAGS] = frame->flags;
    put16(out + AT_WINDOW, frame->window);
    put16(out + CODEC_TCP_CHECKSUM_AT, 0);
    put16(out + AT_URGENT, frame->urgent);
    write_options(frame, out + FRAME_TCP_BYTES);
    return bytes;
}

/* One option of `bytes` bytes at `at`.  False: it is a kind we know with a length it cannot have. */
static bool read_option(const uint8_t *at, uint32_t bytes, struct flue_frame *frame)
{
    switch (at[0]) {
    case KIND_MSS:
        if (bytes != MSS_BYTES) {
            return false;
        }
        frame->mss = get16(at + 2);
        frame->options |= FLUE_OPT_MSS;
        return true;
    case KIND_WSCALE:
        if (bytes != WSCALE_BYTES) {
            return false;
        }
        frame->wscale = at[2];
        frame->options |= FLUE_OPT_WSCALE;
        return true;
    case KIND_SACK_OK:
        frame->options |= FLUE_OPT_SACK_OK;
        return bytes == SACK_OK_BYTES;
    case KIND_TIMESTAMP:
        if (bytes != TIMESTAMP_BYTES) {
            return false;
        }
        frame->ts_val = get32(at + 2);
        frame->ts_ecr = get32(at + 6);
        frame->options |= FLUE_OPT_TIMESTAMP;
        return true;
    }
    return true; /* a kind we do not know is skipped: RFC 9293 MUST-6 */
}

static bool read_options(const uint8_t *at, const uint8_t *end, struct flue_frame *frame)
{
    while (at < end && at[0] != KIND_END) {
        uint32_t bytes = 1;

        if (at[0] != KIND_NOP) {
            if (end - at < 2 || at[1] < 2 || at[1] > end - at) {
                return false; /* RFC 9293 MUST-7: an impossible length must do no harm */
            }
            bytes = at[1];
            if (!read_option(at, bytes, frame)) {
                return false;
            }
        }
        at += bytes;
    }
    return true;
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
    return read_options(bytes + FRAME_TCP_BYTES, bytes + header_bytes, frame) ? header_bytes : 0;
}

uint64_t tcp_pseudo_sum(const struct flue_frame *frame, uint32_t tcp_bytes)
{
    uint64_t sum = CODEC_PROTOCOL_TCP + (uint64_t)tcp_bytes;

    sum += (frame->src_ip.word[3] >> 16) + (frame->src_ip.word[3] & 0xffff);
    sum += (frame->dst_ip.word[3] >> 16) + (frame->dst_ip.word[3] & 0xffff);
    return sum;
}
