/* SPDX-License-Identifier: GPL-2.0-only */
/* The hash of receive-side scaling: the published verification suite, and what a hash must depend on. */

#include "support/test.h"

#include "frame/toeplitz.h"

static const struct {
    struct flue_ip dst_ip, src_ip;
    uint16_t dst_port, src_port;
    uint32_t addresses, with_ports;
} suite[] = {
#define V4(a, b, c, d)                                                                                                 \
    {                                                                                                                  \
        {                                                                                                              \
            0, 0, 0xffff, (uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (c) << 8 | (d)                                   \
        }                                                                                                              \
    }
    {V4(161, 142, 100, 80), V4(66, 9, 149, 187), 1766, 2794, 0x323e8fc2, 0x51ccc178},
    {V4(65, 69, 140, 83), V4(199, 92, 111, 2), 4739, 14230, 0xd718262a, 0xc626b0ea},
    {V4(12, 22, 207, 184), V4(24, 19, 198, 95), 38024, 12898, 0xd2d0a5de, 0x5c2b394a},
    {V4(209, 142, 163, 6), V4(38, 27, 205, 30), 2217, 48228, 0x82989176, 0xafc7327f},
    {V4(202, 188, 127, 2), V4(153, 39, 163, 191), 1303, 44251, 0x5d1809c5, 0x10e828a2},
#undef V4
    {{{0x3ffe2501, 0x02000003, 0, 1}}, {{0x3ffe2501, 0x02001fff, 0, 7}}, 1766, 2794, 0x2cc18cd5, 0x40207d3d},
    {{{0xff020000, 0, 0, 1}}, {{0x3ffe0501, 0x00080000, 0x026097ff, 0xfe40efab}}, 4739, 14230, 0x0f0c461c, 0xdde51bbf},
    {{{0xfe800000, 0, 0x0200f8ff, 0xfe2167cf}},
     {{0x3ffe1900, 0x45450003, 0x0200f8ff, 0xfe2167cf}},
     38024,
     44251,
     0x4b61e985,
     0x02d1feef},
};

static void test_suite(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof suite / sizeof suite[0]; i++) {
        assert_int_equal(toeplitz_hash(toeplitz_suite_key, &suite[i].src_ip, &suite[i].dst_ip, suite[i].src_port,
                                       suite[i].dst_port, false),
                         suite[i].addresses);
        assert_int_equal(toeplitz_hash(toeplitz_suite_key, &suite[i].src_ip, &suite[i].dst_ip, suite[i].src_port,
                                       suite[i].dst_port, true),
                         suite[i].with_ports);
    }
}

/* The hash is linear, bit by bit: with a key of one bit each bit of the input moves one of the hash. */
static void test_one_bit(void **state)
{
    const struct flue_ip zero = flue_ip_v4(0);

    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        const struct flue_ip one = flue_ip_v4(UINT32_C(0x80000000) >> bit);
        const uint8_t key[TOEPLITZ_KEY_BYTES] = {0, 0, 0, 1};

        /* Bit 31 of the key is in the window of input bits 0 .. 31, one place further to the left each time. */
        assert_int_equal(toeplitz_hash(key, &one, &zero, 0, 0, true), UINT32_C(1) << bit);
        assert_int_equal(toeplitz_hash(key, &zero, &one, 0, 0, true), 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_suite), cmocka_unit_test(test_one_bit)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
