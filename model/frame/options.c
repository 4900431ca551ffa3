/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/options.c - the options of a TCP header: RFC 9293 section 3.2, RFC 7323, RFC 2018. */
#include "frame/codec.h"

enum option_kind {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WSCALE = 3,
    KIND_SACK_OK = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMP = 8
};

#define MSS_BYTES       4u
#define WSCALE_BYTES    3u
#define SACK_OK_BYTES   2u
#define TIMESTAMP_BYTES 10u
#define SACK_BYTES      2u /* without its blocks */
#define BLOCK_BYTES     8u

/* The nibbles of option_order. */
enum order { ORDER_MSS = 1, ORDER_WSCALE = 2, ORDER_TIMESTAMP = 3, ORDER_SACK_OK = 4 };

#define ORDER_USUAL       0x2341u
#define SACK_OK_TIMESTAMP (ORDER_TIMESTAMP << 4 | ORDER_SACK_OK) /* one right behind the other */
#define ORDERED           (FLUE_OPT_MSS | FLUE_OPT_WSCALE | FLUE_OPT_TIMESTAMP | FLUE_OPT_SACK_OK)

static const uint8_t flag_of_order[16] = {
    [ORDER_MSS] = FLUE_OPT_MSS,
    [ORDER_WSCALE] = FLUE_OPT_WSCALE,
    [ORDER_TIMESTAMP] = FLUE_OPT_TIMESTAMP,
    [ORDER_SACK_OK] = FLUE_OPT_SACK_OK,
};

/* Each of `options` that can be ordered, once: first as `order` has them, then in the usual order. */
static uint32_t arrange(uint32_t options, uint32_t order)
{
    uint32_t left = options & ORDERED;
    uint32_t list = 0;
    unsigned shift = 0;

    if (left == FLUE_OPT_TIMESTAMP) {
        return ORDER_TIMESTAMP; /* nearly all segments */
    }
    for (uint32_t wish = ORDER_USUAL << 16 | order; left != 0; wish >>= 4) {
        uint32_t flag = left & flag_of_order[wish & 15];

        if (flag != 0) {
            list |= (wish & 15) << shift;
            shift += 4;
            left -= flag;
        }
    }
    return list;
}

/* Both are carried: does timestamps follow right behind SACK permitted? */
static bool share_a_word(uint32_t options, uint32_t order)
{
    for (uint32_t list = arrange(options, order); list != 0; list >>= 4) {
        if ((list & 0xff) == SACK_OK_TIMESTAMP) {
            return true;
        }
    }
    return false;
}

/* Blocks that are written behind bytes_before bytes of other options. */
static uint32_t sack_blocks(const struct flue_frame *frame, uint32_t bytes_before)
{
    uint32_t fit = (FRAME_MAX_OPTION_BYTES - bytes_before - 2 - SACK_BYTES) / BLOCK_BYTES;

    fit = fit < FLUE_SACK_BLOCKS ? fit : FLUE_SACK_BLOCKS;
    return frame->sack_count < fit ? frame->sack_count : fit;
}

static uint32_t ordered_bytes(const struct flue_frame *frame)
{
    const uint32_t both = FLUE_OPT_SACK_OK | FLUE_OPT_TIMESTAMP;
    uint32_t options = frame->options;
    uint32_t bytes = 0;

    bytes += (options & FLUE_OPT_MSS) ? MSS_BYTES : 0;
    bytes += (options & FLUE_OPT_WSCALE) ? 1 + WSCALE_BYTES : 0;
    bytes += (options & FLUE_OPT_TIMESTAMP) ? 2 + TIMESTAMP_BYTES : 0;
    bytes += (options & FLUE_OPT_SACK_OK) ? 2 + SACK_OK_BYTES : 0;
    if ((options & both) == both && share_a_word(options, frame->option_order)) {
        bytes -= 4;
    }
    return bytes;
}

uint32_t frame_option_bytes(const struct flue_frame *frame)
{
    uint32_t bytes, blocks;

    if ((frame->options & ~(unsigned)(FLUE_OPT_TIMESTAMP | FLUE_OPT_SACK)) == 0) { /* all but handshakes */
        bytes = (frame->options & FLUE_OPT_TIMESTAMP) != 0 ? 2 + TIMESTAMP_BYTES : 0;
    } else {
        bytes = ordered_bytes(frame);
    }
    if ((frame->options & FLUE_OPT_SACK) == 0) {
        return bytes;
    }
    blocks = sack_blocks(frame, bytes);
    return bytes + (blocks == 0 ? 0 : 2 + SACK_BYTES + blocks * BLOCK_BYTES);
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

/* Writes the first option of `list`; aligned: `at` is at a multiple of 4. */
static uint8_t *write_option(const struct flue_frame *frame, uint32_t list, bool aligned, uint8_t *at)
{
    switch ((enum order)(list & 15)) {
    case ORDER_MSS:
        at = write_kind(at, KIND_MSS, MSS_BYTES);
        put16(at, frame->mss);
        return at + 2;
    case ORDER_WSCALE:
        at = write_nops(at, 1);
        at = write_kind(at, KIND_WSCALE, WSCALE_BYTES);
        *at = frame->wscale;
        return at + 1;
    case ORDER_TIMESTAMP:
        at = write_nops(at, aligned ? 2 : 0);
        at = write_kind(at, KIND_TIMESTAMP, TIMESTAMP_BYTES);
        put32(at, frame->ts_val);
        put32(at + 4, frame->ts_ecr);
        return at + 8;
    case ORDER_SACK_OK:
        at = write_nops(at, (list & 0xff) == SACK_OK_TIMESTAMP ? 0 : 2);
        return write_kind(at, KIND_SACK_OK, SACK_OK_BYTES);
    }
    return at;
}

static void write_sack(const struct flue_frame *frame, uint32_t blocks, uint8_t *at)
{
    at = write_nops(at, 2);
    at = write_kind(at, KIND_SACK, SACK_BYTES + blocks * BLOCK_BYTES);
    for (uint32_t i = 0; i < blocks; i++) {
        put32(at, frame->sack[i].from);
        put32(at + 4, frame->sack[i].to);
        at += BLOCK_BYTES;
    }
}

void options_encode(const struct flue_frame *frame, uint8_t *out)
{
    uint8_t *at = out;

    if (frame->options == 0) {
        return;
    }
    for (uint32_t list = arrange(frame->options, frame->option_order); list != 0; list >>= 4) {
        at = write_option(frame, list, (at - out) % 4 == 0, at);
    }
    if (frame->options & FLUE_OPT_SACK) {
        uint32_t blocks = sack_blocks(frame, (uint32_t)(at - out));

        if (blocks > 0) {
            write_sack(frame, blocks, at);
        }
    }
}

/* Notes an option that can be ordered; the order grows from the top, so that no count of them is needed. */
static void note(struct flue_frame *frame, enum order order)
{
    uint8_t flag = flag_of_order[order];

    if ((frame->options & flag) == 0) {
        frame->options |= flag;
        frame->option_order = (uint16_t)(frame->option_order >> 4 | (uint32_t)order << 12);
    }
}

/* The noted order from the bottom, or 0 for the usual one. */
static void settle_order(struct flue_frame *frame)
{
    uint32_t order = frame->option_order;

    if ((order & 0x0fff) == 0) {
        frame->option_order = 0; /* one at most */
        return;
    }
    while ((order & 15) == 0) {
        order >>= 4;
    }
    frame->option_order = (uint16_t)(order == arrange(frame->options, 0) ? 0 : order);
}

static bool read_sack(const uint8_t *at, uint32_t bytes, struct flue_frame *frame)
{
    uint32_t blocks = (bytes - SACK_BYTES) / BLOCK_BYTES;

    if (blocks == 0 || blocks > FLUE_SACK_BLOCKS || bytes != SACK_BYTES + blocks * BLOCK_BYTES) {
        return false;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        const uint8_t *block = at + SACK_BYTES + i * BLOCK_BYTES;

        frame->sack[i] = (struct flue_sack_block){.from = get32(block), .to = get32(block + 4)};
    }
    for (uint32_t i = blocks; i < frame->sack_count; i++) {
        frame->sack[i] = (struct flue_sack_block){.from = 0}; /* of an earlier option of this header */
    }
    frame->sack_count = (uint8_t)blocks;
    frame->options |= FLUE_OPT_SACK;
    return true;
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
        note(frame, ORDER_MSS);
        return true;
    case KIND_WSCALE:
        if (bytes != WSCALE_BYTES) {
            return false;
        }
        frame->wscale = at[2];
        note(frame, ORDER_WSCALE);
        return true;
    case KIND_SACK_OK:
        note(frame, ORDER_SACK_OK);
        return bytes == SACK_OK_BYTES;
    case KIND_SACK:
        return read_sack(at, bytes, frame);
    case KIND_TIMESTAMP:
        if (bytes != TIMESTAMP_BYTES) {
            return false;
        }
        frame->ts_val = get32(at + 2);
        frame->ts_ecr = get32(at + 6);
        note(frame, ORDER_TIMESTAMP);
        return true;
    }
    return true; /* a kind we do not know is skipped: RFC 9293 MUST-6 */
}

bool options_decode(const uint8_t *at, const uint8_t *end, struct flue_frame *frame)
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
    settle_order(frame);
    return true;
}
