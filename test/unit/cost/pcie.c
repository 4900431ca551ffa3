/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI Express: packet arithmetic against the published model's numbers (Neugebauer et al., SIGCOMM 2018; within .5 %),
 * and the two directions as FIFO servers. */
#include "flue/cost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct flue_pcie_params gen3_x8 = {
    .rate_bps = UINT64_C(57880000000),
    .mps_bytes = 256,
    .mrrs_bytes = 512,
    .read_ps = 547000,
    .write_ps = 300000,
    .doorbell_ps = 150000,
};

/* Payload rate in 10 Mb/s when `bytes` of payload need link_bytes_x32 / 32 of the link. */
static void expect_rate(uint64_t bytes, uint64_t link_bytes_x32, uint64_t expect_10mbps)
{
    uint64_t rate_kbps = gen3_x8.rate_bps / 1000 * bytes * 32 / link_bytes_x32;
    uint64_t expect_kbps = expect_10mbps * 10000;
    uint64_t off_kbps = rate_kbps > expect_kbps ? rate_kbps - expect_kbps : expect_kbps - rate_kbps;

    assert_true(off_kbps * 200 <= expect_kbps);
}

static uint64_t write_bytes(uint64_t bytes)
{
    return flue_pcie_write_bytes(&gen3_x8, bytes);
}

static uint64_t completion_bytes(uint64_t bytes)
{
    return flue_pcie_completion_bytes(&gen3_x8, bytes);
}

static uint64_t request_bytes(uint64_t bytes)
{
    return flue_pcie_request_bytes(&gen3_x8, bytes);
}

static void packets_by_formula(void **state)
{
    static const struct {
        uint64_t bytes, write, completion, request;
    } cases[] = {
        {0, 0, 0, 0},
        {1, 25, 21, 24},
        {64, 88, 84, 24},
        {256, 280, 276, 24},
        {257, 305, 297, 24},
        {512, 560, 552, 24},
        {513, 585, 573, 48},
        {1500, 1644, 1620, 72},
        {65536, 71680, 70656, 3072},
        {UINT64_C(4294967296), UINT64_C(4697620480), UINT64_C(4630511616), UINT64_C(201326592)},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(write_bytes(cases[i].bytes), cases[i].write);
        assert_int_equal(completion_bytes(cases[i].bytes), cases[i].completion);
        assert_int_equal(request_bytes(cases[i].bytes), cases[i].request);
    }
}

static void published_rates(void **state)
{
    static const struct {
        uint64_t bytes, write, read, both; /* 10 Mb/s */
    } cases[] = {{64, 4210, 4410, 3308}, {1500, 5281, 5360, 5060}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        uint64_t n = cases[i].bytes;

        expect_rate(n, 32 * write_bytes(n), cases[i].write);
        expect_rate(n, 32 * completion_bytes(n), cases[i].read);
        expect_rate(n, 32 * (write_bytes(n) + request_bytes(n)), cases[i].both);
    }
    /* gen3 x8: 8 GT/s x 8 lanes x 128 / 130, less 8 bytes of ACK and 8 of flow control per 203, and 4 of skip per
     * 1,538. */
    {
        uint64_t raw_kbps = 64000000u / 130 * 128;
        uint64_t usable_kbps = raw_kbps - raw_kbps * 16 / 203 - raw_kbps * 4 / 1538;

        assert_in_range(usable_kbps, 57880000u - 57880000u / 200, 57880000u + 57880000u / 200);
    }
}

/* The published curves of whole adapters: every packet's registers, descriptors, payload and interrupt.  The frame's 4
 * bytes of check sequence do not cross the bus. */
static void published_adapters(void **state)
{
    static const struct {
        uint64_t frame, both, transmit, receive, kernel_transmit, poll_transmit; /* 10 Mb/s */
    } cases[] = {{64, 1258, 2067, 1973, 2323, 3530}, {1499, 4606, 5081, 4999, 5137, 5298}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        uint64_t n = cases[i].frame - 4;
        uint64_t interrupt = write_bytes(4);
        uint64_t tail_down = write_bytes(4);
        uint64_t head_down = request_bytes(4);
        uint64_t head_up = completion_bytes(4);
        uint64_t transmit_down = tail_down + completion_bytes(16) + completion_bytes(n) + head_down;
        uint64_t transmit_up = request_bytes(16) + request_bytes(n) + interrupt + head_up;
        /* The reference loses the request for the receive descriptor; so does this sum. */
        uint64_t receive_up = write_bytes(n) + write_bytes(16) + interrupt + head_up;

        expect_rate(n, 32 * transmit_down, cases[i].transmit);
        expect_rate(n, 32 * receive_up, cases[i].receive);
        expect_rate(n, 32 * (transmit_up + receive_up), cases[i].both);
        /* 40 descriptors per fetch; kernel driver: tail and head per packet; poll mode: tail per 32 packets. */
        expect_rate(n, 32 * (tail_down + completion_bytes(n) + head_down) + 32 * completion_bytes(640) / 40,
                    cases[i].kernel_transmit);
        expect_rate(n, 32 * completion_bytes(n) + 32 * completion_bytes(640) / 40 + tail_down, cases[i].poll_transmit);
    }
}

/* bytes x 8 x 10^12 / 57.88 x 10^9, rounded to nearest: 200000 / 1447 ps per byte. */
static flue_ps link_ps(uint64_t bytes)
{
    return (flue_ps)((bytes * 200000 * 2 + 1447) / (2 * 1447));
}

static void directions_are_fifo(void **state)
{
    struct flue_pcie pcie;
    flue_ps up = 0;
    flue_ps down = 0;

    (void)state;
    memset(&pcie, 0xA5, sizeof pcie);
    flue_pcie_init(&pcie, &gen3_x8);

    assert_int_equal(flue_pcie_write(&pcie, 1000, 1500), 1000 + link_ps(1644) + 300000);
    up = 1000 + link_ps(1644);
    /* Asked for while the first is on its way: waits for the direction, not for the latency. */
    assert_int_equal(flue_pcie_write(&pcie, 1500, 64), up + link_ps(88) + 300000);
    up += link_ps(88);
    /* A read: its request waits for the writes, its completions come down. */
    down = up + link_ps(24) + 547000 + link_ps(84);
    assert_int_equal(flue_pcie_read(&pcie, 2000, 64), down);
    up += link_ps(24);
    /* Reads overlap: the second waits until the first one's completions are down, 1.7 ns after its own could start. */
    assert_true(down > up + link_ps(72) + 547000);
    assert_int_equal(flue_pcie_read(&pcie, 2000, 1500), down + link_ps(1620));
    up += link_ps(72);
    assert_int_equal(pcie.up_free_ps, up);
    assert_int_equal(pcie.up_busy_ps, up - 1000);
    assert_int_equal(pcie.down_busy_ps, link_ps(84) + link_ps(1620));
    assert_int_equal(pcie.up_bytes, 1564);
    assert_int_equal(pcie.down_bytes, 1564);
    /* The way down is idle between, the way up does not care. */
    assert_int_equal(flue_pcie_doorbell(&pcie, 5), 150005);
    assert_int_equal(flue_pcie_read(&pcie, 123, 0), 123);
    assert_int_equal(flue_pcie_write(&pcie, 123, 0), 123);
    assert_int_equal(pcie.up_free_ps, up);
}

static void stream_reaches_the_rate(void **state)
{
    struct flue_pcie pcie;
    flue_ps last = 0;
    int i;

    (void)state;
    flue_pcie_init(&pcie, &gen3_x8);
    for (i = 0; i < 10000; i++)
        last = flue_pcie_read(&pcie, 0, 1500);
    /* 53.60 Gb/s, latency paid once. */
    assert_in_range(10000u * 1500u * 8u / ((uint64_t)(last - 547000) / 1000000), 53332, 53868);
}

static void any_rate(void **state)
{
    static const uint64_t rates_bps[] = {1000000000, 31507692307, 57884999999, 999999999989, 1000000000000};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rates_bps); i++) {
        struct flue_pcie_params params = gen3_x8;
        struct flue_pcie pcie;
        uint64_t whole = UINT64_C(8000000000000) / rates_bps[i];
        uint64_t part = UINT64_C(8000000000000) % rates_bps[i];

        params.rate_bps = rates_bps[i];
        params.write_ps = 0;
        flue_pcie_init(&pcie, &params);
        /* 1,000,024 bytes in 4 MiB packets: part x bytes stays below 2^63. */
        pcie.params.mps_bytes = 1u << 22;
        assert_int_equal(flue_pcie_write(&pcie, 0, 1000000),
                         1000024 * whole + (1000024 * part + rates_bps[i] / 2) / rates_bps[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_by_formula),      cmocka_unit_test(published_rates),
        cmocka_unit_test(published_adapters),      cmocka_unit_test(directions_are_fifo),
        cmocka_unit_test(stream_reaches_the_rate), cmocka_unit_test(any_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
