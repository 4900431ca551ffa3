/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/image.c - target image: a connection under way is taken out of its stack, what came out is changed as the bytes
 * say, with a checksum that is right again, and goes in.  Or the bytes are the image.
 *
 * Whatever goes in: the stack's invariants hold, a refusal has a reason and changes nothing, what is taken in can be
 * taken out and in again, and the connection then lives on for a while.  Unchanged, it finishes as if nothing had been.
 */
#include <stdlib.h>

#include "fuzz/ends.h"

enum { RECORDS = 256, START = 12 };

struct record {
    const uint8_t *name;
    const uint8_t *value;
    uint32_t name_bytes, length;
    uint8_t flags;
    uint8_t own[32]; /* a value of our own */
};

struct image {
    uint8_t *bytes;
    size_t length;
};

static uint64_t some_value(struct input *input, uint64_t now)
{
    static const uint64_t extremes[12] = {0,
                                          1,
                                          UINT64_MAX,
                                          INT64_MAX,
                                          (uint64_t)INT64_MAX + 1,
                                          UINT32_MAX,
                                          UINT64_C(0x80000000),
                                          UINT64_C(0x7fffffff),
                                          UINT64_C(0x40000000),
                                          65535,
                                          255,
                                          UINT64_C(0x4000000000000000)};
    unsigned choice = input_u8(input);

    switch (choice & 7) {
    case 0:
        return input_u64(input);
    case 1:
    case 2:
        return extremes[(choice >> 3) % 12];
    case 3:
        return now ^ UINT64_C(1) << (choice >> 3);
    case 4:
        return input_u8(input);
    case 5:
        return input_u32(input);
    default:
        return now + (uint64_t)(int64_t)(int8_t)input_u8(input);
    }
}

static uint64_t number(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width && i < 8; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

static void put_number(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static unsigned parse(const struct image *image, struct record record[RECORDS])
{
    const uint8_t *bytes = image->bytes;
    unsigned records = 0;
    size_t at = START;

    while (records < RECORDS && bytes[at] != 0) {
        struct record *one = &record[records++];

        one->name_bytes = bytes[at];
        one->flags = bytes[at + 1];
        one->name = bytes + at + 2;
        one->length = (uint32_t)number(one->name + one->name_bytes, 4);
        one->value = one->name + one->name_bytes + 4;
        at += 6 + one->name_bytes + one->length;
    }
    return records;
}

static struct image build(const struct record record[], unsigned records)
{
    struct image image = {.length = START + 10};
    uint8_t *at;

    for (unsigned i = 0; i < records; i++) {
        image.length += 6 + record[i].name_bytes + record[i].length;
    }
    image.bytes = malloc(image.length);
    FUZZ_REQUIRE(image.bytes != NULL);
    memcpy(image.bytes, "FLUEIMG\0\1\0\0\0", START);
    at = image.bytes + START;
    for (unsigned i = 0; i < records; i++) {
        *at++ = (uint8_t)record[i].name_bytes;
        *at++ = record[i].flags;
        memcpy(at, record[i].name, record[i].name_bytes);
        at += record[i].name_bytes;
        put_number(at, record[i].length, 4);
        at += 4;
        if (record[i].length > 0) {
            memcpy(at, record[i].value, record[i].length);
        }
        at += record[i].length;
    }
    put_number(at, 0, 2);
    put_number(at + 2, 4, 4);
    put_number(at + 6, fuzz_crc(image.bytes, image.length - 10), 4);
    return image;
}

/* Changes one record's value; of a long one, some bytes somewhere. */
static void change_value(struct record *one, struct input *input)
{
    size_t width = one->length < 8 ? one->length : 8;
    size_t at = 0;

    if (one->length > sizeof one->own) {
        return; /* payload: any bytes are right there */
    }
    memcpy(one->own, one->value, one->length);
    if (one->length > 8) {
        static const size_t widths[4] = {1, 2, 4, 8};

        width = widths[input_u8(input) & 3];
        at = input_u8(input) % (one->length - width + 1);
    }
    put_number(one->own + at, some_value(input, number(one->own + at, width)), width);
    one->value = one->own;
}

static struct image mutate(const struct image *image, struct input *input)
{
    static struct record record[RECORDS + 8];
    static uint8_t other_name[64];
    unsigned records = parse(image, record);

    for (unsigned i = 1 + (input_u8(input) & 3); i > 0; i--) {
        unsigned which = input_u8(input) % records;
        struct record *one = &record[which];
        unsigned how = input_u8(input);

        if (how < 200) {
            change_value(one, input);
        } else if (how < 210) {
            memmove(one, one + 1, (records - which - 1) * sizeof *one);
            records--;
        } else if (how < 220 && records < RECORDS + 4) {
            record[records++] = *one;
        } else if (how < 230) {
            one->flags = input_u8(input) & 3;
        } else if (how < 240 && one->name_bytes < sizeof other_name) {
            memcpy(other_name, one->name, one->name_bytes);
            other_name[input_u8(input) % one->name_bytes] = input_u8(input);
            one->name = other_name;
        } else {
            uint32_t length = input_u8(input) & 31;

            if (one->length < sizeof one->own) {
                memcpy(one->own, one->value, one->length);
                one->value = one->own;
                one->length = length;
            } else {
                one->length -= length < one->length ? length : 0;
            }
        }
        fuzz_tell("record %u, %.*s", which, (int)one->name_bytes, (const char *)one->name);
    }
    return build(record, records);
}

static void middle(struct ends *ends, unsigned from, const uint8_t *packet, size_t bytes,
                   const struct flue_frame *frame)
{
    unsigned op = input_u8(ends->ctx);

    (void)frame;
    if (op >= 208) {
        return;
    }
    ends_carry(ends, 1 - from, packet, bytes, ENDS_DELAY_PS + (op >= 160 ? 15 * FLUE_PS_PER_MS : 0));
}

static void choose(struct ends *ends, struct input *input)
{
    static const uint32_t amounts[8] = {0, 20000, 100, 3000, 1, 8000, 1460, 70000};
    static const uint32_t reads[4] = {65536, 1000, 4000, 100};
    unsigned how_much = input_u8(input);

    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &ends->end[i];

        flue_stack_defaults(&end->config);
        fuzz_choose_config(input, &end->config);
        end->config.tcp.max_retransmits = 255;
        end->config.tcp.max_syn_retransmits = 255;
        end->config.tcp.keep_count = 255;
        end->config.tcp.fin_wait_2_ps = 2 * 24 * 3600 * FLUE_PS_PER_S;
        end->config.tcp.time_wait_ps = 2 * 24 * 3600 * FLUE_PS_PER_S;
        end->random = how_much + i + 1;
        end->to_send = amounts[how_much >> 3 * i & 7];
        end->read_bytes = reads[how_much >> 6];
        end->read_every_ps = i == 1 && (how_much & 128) != 0 ? 50 * FLUE_PS_PER_MS : 0;
    }
    for (unsigned i = 0; i < 4; i++) {
        const struct flue_stack_config *config = &ends->end[i / 2].config;

        if ((i & 1) != 0 ? config->tcp.rcv_buffer_bytes < 1000 : config->snd_buffer_bytes < 1000) {
            ends->end[0].to_send %= 301; /* a byte at a time takes long enough */
            ends->end[1].to_send %= 301;
        }
    }
}

/* A refusal must be one that the header names, with its reason, and leave all as it was. */
static void check_refusal(struct end *end, int error, const char *what, uint32_t fails, bool changed)
{
    struct flue_tcp_totals totals;

    fuzz_tell("refused: %s, %s", flue_stack_error_name(error), what);
    FUZZ_REQUIRE(error == FLUE_STACK_EPROTO || error == FLUE_STACK_EADDRNOTAVAIL || error == FLUE_STACK_EADDRINUSE ||
                 (error == FLUE_STACK_ENOMEM && end->heap.fails > fails));
    FUZZ_REQUIRE(what[0] != 0);
    if (!changed && error != FLUE_STACK_ENOMEM) {
        FUZZ_FAIL("refused unchanged: %s, %s", flue_stack_error_name(error), what);
    }
    fuzz_check(end->stack);
    flue_stack_totals(end->stack, &totals);
    FUZZ_REQUIRE(totals.connections == 0);
}

static struct image take_out(struct end *end, int s)
{
    struct image image = {.bytes = NULL};
    int64_t bytes = flue_socket_export(end->stack, s, NULL, 0);

    if (bytes > 0) {
        image.length = (size_t)bytes;
        image.bytes = malloc(image.length);
        FUZZ_REQUIRE(image.bytes != NULL);
        FUZZ_REQUIRE(flue_socket_export(end->stack, s, image.bytes, image.length) == bytes);
    }
    return image;
}

/* Takes an image in, out, in and out: nothing may change on the way.  Answers the socket, or -1. */
static int take_in(struct end *end, const struct image *image, bool changed)
{
    char what[160] = "";
    uint32_t fails = end->heap.fails;
    int s = flue_socket_import(end->stack, image->bytes, image->length, what, sizeof what);
    struct image second, third;

    if (s < 0) {
        check_refusal(end, s, what, fails, changed);
        if (s != FLUE_STACK_ENOMEM) {
            return -1;
        }
        end->heap.bad = 0;
        s = flue_socket_import(end->stack, image->bytes, image->length, what, sizeof what);
        if (s < 0) {
            check_refusal(end, s, what, end->heap.fails, changed);
            return -1;
        }
    }
    end->heap.bad = 0;
    fuzz_check(end->stack);
    second = take_out(end, s);
    if (second.bytes == NULL) {
        return s; /* it has ended at once */
    }
    s = flue_socket_import(end->stack, second.bytes, second.length, what, sizeof what);
    if (s < 0) {
        FUZZ_FAIL("what came out does not go in: %s, %s", flue_stack_error_name(s), what);
    }
    third = take_out(end, s);
    FUZZ_REQUIRE(third.length == second.length);
    fuzz_same_images(second.bytes, third.bytes, second.length);
    s = flue_socket_import(end->stack, third.bytes, third.length, what, sizeof what);
    FUZZ_REQUIRE(s >= 0);
    free(second.bytes);
    free(third.bytes);
    fuzz_check(end->stack);
    return s;
}

static int by_image(struct end *end, struct input *input, bool changed)
{
    struct image image = take_out(end, end->s);
    struct image other = {.bytes = NULL};

    if (image.bytes == NULL) {
        return -1;
    }
    if (changed) {
        other = mutate(&image, input);
    }
    end->heap.good = input_u8(input);
    end->heap.bad = end->heap.good < 32 ? 1 : 0;
    end->s = take_in(end, changed ? &other : &image, changed);
    free(image.bytes);
    free(other.bytes);
    return end->s;
}

static int by_raw_bytes(struct end *end, struct input *input)
{
    struct image image = {.bytes = NULL};
    const uint8_t *bytes;

    FUZZ_REQUIRE(flue_socket_abort(end->stack, end->s) == FLUE_STACK_OK);
    bytes = input_take(input, 65536, &image.length);
    image.bytes = malloc(image.length + 1);
    FUZZ_REQUIRE(image.bytes != NULL);
    if (image.length > 0) {
        memcpy(image.bytes, bytes, image.length);
    }
    if (image.length >= START + 10 && (image.bytes[0] & 1) != 0) {
        memcpy(image.bytes, "FLUEIMG\0\1\0\0\0", START);
        put_number(image.bytes + image.length - 10, UINT64_C(0x0000000400000000) >> 16, 6);
        put_number(image.bytes + image.length - 4, fuzz_crc(image.bytes, image.length - 10), 4);
    }
    end->s = take_in(end, &image, true);
    free(image.bytes);
    return end->s;
}

static int by_chimney(struct end *end, struct input *input, bool changed)
{
    static uint8_t send[1 << 20], unread[1 << 20];
    struct flue_tcp_state state;
    size_t send_bytes = sizeof send, unread_bytes = sizeof unread;
    uint32_t fails = end->heap.fails;
    int s = flue_socket_detach(end->stack, end->s, &state, send, &send_bytes, unread, &unread_bytes);

    if (s == FLUE_STACK_ENOTCONN) {
        return -1;
    }
    FUZZ_REQUIRE(s == FLUE_STACK_OK);
    for (unsigned i = changed ? 1 + (input_u8(input) & 3) : 0; i > 0; i--) {
        static const size_t widths[4] = {1, 2, 4, 4};
        size_t width = widths[input_u8(input) & 3];
        size_t at = input_u8(input) % (sizeof state / width) * width;
        uint8_t *field = (uint8_t *)&state + at;

        put_number(field, some_value(input, number(field, width)), width);
        if (i == 3) {
            send_bytes = input_u16(input);
            unread_bytes = input_u16(input);
        }
    }
    end->heap.good = input_u8(input);
    end->heap.bad = end->heap.good < 32 ? 1 : 0;
    s = flue_socket_attach(end->stack, &state, send, send_bytes, unread, unread_bytes);
    end->heap.bad = 0;
    if (s < 0) {
        check_refusal(end, s, "?", fails, changed);
        return -1;
    }
    fuzz_check(end->stack);
    end->s = s;
    end->shut = false;
    end->sent_fin = state.state != FLUE_TCP_ESTABLISHED && state.state != FLUE_TCP_CLOSE_WAIT;
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ends ends;
    struct input input = {.bytes = data, .left = size};
    unsigned mode = input_u8(&input);
    unsigned steps = input_u8(&input);
    struct end *end;
    int s = -1;

    ends.packets = 0;
    ends.order = 0;
    ends.now_ps = (mode & 8) != 0 ? (flue_ps)UINT32_MAX * FLUE_PS_PER_MS - FLUE_PS_PER_S : 0;
    ends.modified = ends.both_open = false;
    ends.end[0] = ends.end[1] = (struct end){.number = 0};
    ends.middle = middle;
    ends.ctx = &input;
    choose(&ends, &input);
    ends_open(&ends, (mode & 1) != 0, (mode & 2) != 0);
    for (unsigned i = 0; i < steps && ends_step(&ends, FLUE_PS_NEVER - 1); i++) {
    }
    ends.middle = NULL;
    end = &ends.end[mode >> 2 & 1];
    if (end->s >= 0) {
        bool changed = (mode & 48) != 0;

        fuzz_tell("end %u, %s", end->number, changed ? "changed" : "as it is");
        ends.modified = changed;
        if ((mode & 192) == 0) {
            ends.modified = true;
            s = by_raw_bytes(end, &input);
        } else if ((mode & 192) == 64) {
            s = by_chimney(end, &input, changed);
        } else {
            s = by_image(end, &input, changed);
        }
    }
    for (unsigned i = 0;
         s >= 0 && i < (ends.modified ? 200 : 20000) && !ends_finished(&ends) && ends_step(&ends, FLUE_PS_NEVER - 1);
         i++) {
    }
    if (s >= 0 && !ends.modified && !ends_finished(&ends)) {
        FUZZ_FAIL("a connection that was moved unchanged does not finish");
    }
    ends_close(&ends);
    return 0;
}
