/* SPDX-License-Identifier: GPL-2.0-only */
/* Spans: joining, cutting, reading; the fixed bytes of described payload. */
#include <string.h>

#include "base/span.h"
#include "support/test.h"

static const uint8_t memory[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void known_bytes(void **state)
{
    static const uint8_t stream0[12] = {0x79, 0x39, 0x1b, 0x00, 0x67, 0xcf, 0x17, 0x4e, 0x1b, 0x56, 0x88, 0x8e};
    static const uint8_t far[4] = {0xed, 0xe7, 0xdd, 0xe3};

    (void)state;
    for (uint32_t i = 0; i < sizeof stream0; i++) {
        assert_int_equal(flue_payload_byte(0, i), stream0[i]);
    }
    for (uint32_t i = 0; i < sizeof far; i++) {
        assert_int_equal(flue_payload_byte(5, UINT64_C(0x123456789ab) + i), far[i]);
    }
}

/* Neighbouring streams and offsets must differ, or a byte in the wrong place would not be noticed. */
static void bytes_are_spread(void **state)
{
    uint32_t seen[256] = {0}, equal = 0;

    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        seen[flue_payload_byte(1, i)]++;
        equal += flue_payload_byte(1, i) == flue_payload_byte(2, i);
        equal += flue_payload_byte(1, i) == flue_payload_byte(1, i + 1);
        equal += flue_payload_byte(1, i) == flue_payload_byte(1, i + 1460);
    }
    for (uint32_t i = 0; i < 256; i++) {
        assert_in_range(seen[i], 150, 370);
    }
    assert_in_range(equal, 500, 1050);
}

static void append(void **state)
{
    static const struct {
        struct flue_span a, b;
        bool fits;
        uint32_t length_bytes;
    } table[] = {
        /* described: continues, gap, overlap, other stream */
        {{NULL, 100, 1, 50}, {NULL, 150, 1, 7}, true, 57},
        {{NULL, 100, 1, 50}, {NULL, 151, 1, 7}, false, 50},
        {{NULL, 100, 1, 50}, {NULL, 149, 1, 7}, false, 50},
        {{NULL, 100, 1, 50}, {NULL, 150, 2, 7}, false, 50},
        /* over 2^32 in the stream; the length itself must fit 32 bits */
        {{NULL, UINT32_MAX - 9, 1, 10}, {NULL, UINT64_C(1) << 32, 1, 5}, true, 15},
        {{NULL, 0, 1, UINT32_MAX}, {NULL, UINT32_MAX, 1, 1}, false, UINT32_MAX},
        {{NULL, 0, 1, UINT32_MAX - 1}, {NULL, UINT32_MAX - 1, 1, 1}, true, UINT32_MAX},
        /* memory: follows on, gap, mixed kinds */
        {{memory, 0, 0, 4}, {memory + 4, 0, 0, 4}, true, 8},
        {{memory, 0, 0, 4}, {memory + 5, 0, 0, 4}, false, 4},
        {{memory, 0, 0, 4}, {NULL, 4, 0, 4}, false, 4},
        {{NULL, 0, 0, 4}, {memory + 4, 4, 0, 4}, false, 4},
        /* empty ones */
        {{NULL, 0, 0, 4}, {memory, 9, 9, 0}, true, 4},
        {{NULL, 3, 9, 0}, {memory, 0, 0, 5}, true, 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct flue_span a = table[i].a;

        assert_int_equal(span_append(&a, &table[i].b), table[i].fits);
        assert_int_equal(a.length_bytes, table[i].length_bytes);
    }
}

static void slice_and_copy(void **state)
{
    const struct flue_span spans[] = {{memory, 0, 0, 16}, {NULL, 13, 4, 40}, {NULL, UINT64_C(0xfffffffb), 4, 40}};
    uint8_t out[42];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        for (uint32_t from = 0; from <= spans[i].length_bytes; from++) {
            for (uint32_t length = 0; length <= spans[i].length_bytes - from; length++) {
                struct flue_span cut = span_slice(&spans[i], from, length);

                assert_int_equal(cut.length_bytes, length);
                memset(out, 0xA5, sizeof out);
                span_copy(&cut, out + 1);
                assert_int_equal(out[0], 0xA5);
                assert_int_equal(out[length + 1], 0xA5);
                for (uint32_t k = 0; k < length; k++) {
                    assert_int_equal(out[k + 1], span_byte(&spans[i], from + k));
                    assert_int_equal(out[k + 1], span_byte(&cut, k));
                }
            }
        }
    }
    assert_int_equal(span_byte(&spans[1], 3), flue_payload_byte(4, 16));
    assert_int_equal(span_byte(&spans[0], 3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes),
        cmocka_unit_test(bytes_are_spread),
        cmocka_unit_test(append),
        cmocka_unit_test(slice_and_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
