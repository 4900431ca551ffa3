/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that must be refused, and odd ones that must not be.
 *
 * Each packet is decoded from a heap block of exactly its size, so that the address sanitizer sees every byte read
 * behind its end. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "frame/frame.h"
#include "support/test.h"

static flue_err decode(const uint8_t *bytes, size_t length, struct flue_frame *frame)
{
    uint8_t *exact = malloc(length == 0 ? 1 : length);
    flue_err err;

    assert_non_null(exact);
    if (length > 0) {
        memcpy(exact, bytes, length);
    }
    memset(frame, 0xA5, sizeof *frame);
    err = frame_decode(exact, length, frame, false);
    if (err == FLUE_OK) {
        assert_true(frame->payload.memory >= exact);
        assert_true(frame->payload.memory + frame->payload.length_bytes <= exact + length);
    } else {
        static const struct flue_frame zero;

        assert_int_equal(err, FLUE_EPARSE);
        assert_memory_equal(frame, &zero, offsetof(struct flue_frame, urgent) + sizeof zero.urgent);
        assert_null(frame->payload.memory);
        assert_int_equal(frame->payload.length_bytes, 0);
    }
    frame->payload.memory = NULL;
    free(exact);
    return err;
}

/* A SYN with all options and 5 bytes of payload: 65 bytes. */
static size_t make(uint8_t *out)
{
    const struct flue_frame frame = {.src_ip = flue_ip_v4(1),
                                     .dst_ip = flue_ip_v4(2),
                                     .ttl = 64,
                                     .flags = FLUE_TCP_SYN,
                                     .mss = 1460,
                                     .wscale = 7,
                                     .options = FLUE_OPT_MSS | FLUE_OPT_WSCALE | FLUE_OPT_TIMESTAMP | FLUE_OPT_SACK_OK,
                                     .payload = {.stream = 1, .length_bytes = 5}};
    size_t length = frame_encode(&frame, out, 65, true);

    assert_int_equal(length, 60);
    return length + frame_encode_payload(&frame, out + length, 5);
}

static void truncated_everywhere(void **state)
{
    uint8_t bytes[65];
    struct flue_frame frame;
    size_t length = make(bytes);

    (void)state;
    assert_int_equal(decode(bytes, length, &frame), FLUE_OK);
    for (size_t short_bytes = 0; short_bytes < length; short_bytes++) {
        assert_int_equal(decode(bytes, short_bytes, &frame), FLUE_EPARSE);
    }
    /* Truncated with a total length that agrees: whole as soon as the headers are. */
    for (size_t short_bytes = 0; short_bytes < length; short_bytes++) {
        bytes[3] = (uint8_t)short_bytes;
        assert_int_equal(decode(bytes, short_bytes, &frame), short_bytes < 60 ? FLUE_EPARSE : FLUE_OK);
        assert_int_equal(decode(bytes, length, &frame), short_bytes < 60 ? FLUE_EPARSE : FLUE_OK);
    }
}

/* One byte of a good packet is changed. */
static void one_wrong_byte(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        flue_err err;
        const char *what;
    } table[] = {
        {0, 0x65, FLUE_EPARSE, "version 6"},
        {0, 0x44, FLUE_EPARSE, "IPv4 header of 16 bytes"},
        {0, 0x4F, FLUE_EPARSE, "IPv4 header of 60 bytes: TCP no longer fits"},
        {2, 0x01, FLUE_EPARSE, "total length beyond the packet"},
        {3, 19, FLUE_EPARSE, "total length below the header"},
        {3, 66, FLUE_EPARSE, "total length one too long"},
        {6, 0x20, FLUE_EPARSE, "more fragments"},
        {7, 0x01, FLUE_EPARSE, "fragment offset"},
        {6, 0x00, FLUE_OK, "DF clear"},
        {6, 0x80, FLUE_OK, "reserved IPv4 flag"},
        {9, 17, FLUE_EPARSE, "UDP"},
        {32, 0x40, FLUE_EPARSE, "data offset 4"},
        {32, 0xF0, FLUE_EPARSE, "data offset beyond the packet"},
        {32, 0x50, FLUE_OK, "data offset 5: the options become payload"},
        {32, 0xAF, FLUE_OK, "reserved bits of TCP"},
        {41, 0, FLUE_EPARSE, "option of length 0"},
        {41, 1, FLUE_EPARSE, "option of length 1"},
        {41, 3, FLUE_EPARSE, "MSS of length 3"},
        {41, 255, FLUE_EPARSE, "option beyond the header"},
        {45, 3, FLUE_EPARSE, "SACK permitted of length 3"},
        {47, 9, FLUE_EPARSE, "timestamps of length 9"},
        {58, 4, FLUE_EPARSE, "window scale of length 4, beyond the header"},
        {59, 15, FLUE_OK, "a window scale too large is the engine's business (RFC 7323 2.3)"},
        {40, 99, FLUE_OK, "unknown option, skipped"},
        {40, 0, FLUE_OK, "end of options"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        uint8_t bytes[65];
        struct flue_frame frame;
        size_t length = make(bytes);

        bytes[table[i].at] = table[i].value;
        if (decode(bytes, length, &frame) != table[i].err) {
            fail_msg("%s: wrong answer", table[i].what);
        }
    }
}

/* Option lists as they may come, in a header of their own length. */
static void option_lists(void **state)
{
    static const struct {
        const char *what;
        uint8_t bytes[12];
        size_t length;
        flue_err err;
        uint8_t options;
    } table[] = {
        {"only NOPs", {1, 1, 1, 1}, 4, FLUE_OK, 0},
        {"end at once, rubbish behind it", {0, 2, 0, 0}, 4, FLUE_OK, 0},
        {"kind without a length at the end", {1, 1, 1, 2}, 4, FLUE_EPARSE, 0},
        {"unknown kind without a length", {1, 1, 1, 200}, 4, FLUE_EPARSE, 0},
        {"unknown kind with a length of 2", {200, 2, 4, 2}, 4, FLUE_OK, FLUE_OPT_SACK_OK},
        {"unknown kind that fills the rest", {200, 8, 2, 4, 0, 0, 2, 4}, 8, FLUE_OK, 0},
        {"unknown kind one too long", {200, 9, 0, 0, 0, 0, 0, 0}, 8, FLUE_EPARSE, 0},
        {"window scale first", {3, 3, 5, 1, 2, 4, 5, 0xb4}, 8, FLUE_OK, FLUE_OPT_WSCALE | FLUE_OPT_MSS},
        {"timestamps unaligned", {1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1}, 12, FLUE_OK, FLUE_OPT_TIMESTAMP},
        {"SACK block", {1, 1, 5, 10, 0, 0, 0, 0, 0, 0, 0, 1}, 12, FLUE_OK, FLUE_OPT_SACK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct flue_frame plain = {.ttl = 64};
        uint8_t bytes[64];
        struct flue_frame frame;

        assert_int_equal(frame_encode(&plain, bytes, sizeof bytes, false), 40);
        memcpy(bytes + 40, table[i].bytes, table[i].length);
        bytes[3] = (uint8_t)(40 + table[i].length);
        bytes[32] = (uint8_t)((20 + table[i].length) / 4 << 4);
        if (decode(bytes, 40 + table[i].length, &frame) != table[i].err || frame.options != table[i].options) {
            fail_msg("%s: wrong answer", table[i].what);
        }
    }
}

static void ipv4_options_are_skipped(void **state)
{
    const struct flue_frame plain = {.ttl = 64, .seq = 77, .payload = {.stream = 1, .length_bytes = 3}};
    uint8_t bytes[64];
    struct flue_frame frame;

    (void)state;
    assert_int_equal(frame_encode(&plain, bytes, sizeof bytes, false), 40);
    memmove(bytes + 24, bytes + 20, 23);
    memset(bytes + 20, 1, 4);
    bytes[0] = 0x46;
    bytes[3] = 47;
    assert_int_equal(decode(bytes, 47, &frame), FLUE_OK);
    assert_int_equal(frame.seq, 77);
    assert_int_equal(frame.payload.length_bytes, 3);
}

/* Any single wrong bit of the headers or the payload is found by one of the two checksums, or by the syntax. */
static void every_bit_flip_is_found(void **state)
{
    uint8_t bytes[65];
    struct flue_frame frame;
    size_t length = make(bytes);

    (void)state;
    assert_int_equal(frame_decode(bytes, length, &frame, true), FLUE_OK);
    for (size_t bit = 0; bit < length * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(frame_decode(bytes, length, &frame, true), FLUE_EPARSE);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void random_bytes_do_no_harm(void **state)
{
    struct rng rng;
    uint32_t good = 0;

    (void)state;
    rng_init(&rng, 1, "malformed");
    for (int i = 0; i < 50000; i++) {
        uint8_t bytes[65];
        struct flue_frame frame;
        size_t length = make(bytes);
        uint64_t changes = 1 + rng_below(&rng, 6);

        while (changes-- > 0) {
            bytes[rng_below(&rng, length)] = (uint8_t)rng_u64(&rng);
        }
        good += decode(bytes, rng_below(&rng, 4) == 0 ? rng_below(&rng, length + 1) : length, &frame) == FLUE_OK;
    }
    assert_in_range(good, 5000, 45000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated_everywhere),
        cmocka_unit_test(one_wrong_byte),
        cmocka_unit_test(option_lists),
        cmocka_unit_test(ipv4_options_are_skipped),
        cmocka_unit_test(every_bit_flip_is_found),
        cmocka_unit_test(random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
