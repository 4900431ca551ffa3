/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/transfer.c - whole transfers through a bad pipe: every byte once, in order, and nothing left behind. */
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"
#include "tcp/conn.h"
#include "pair.h"

static const uint32_t mss_sizes[] = {1460, 88, 536, 8960, 1000};
static const uint32_t buffers[] = {262144, 1000, 65535, 4096, 1, 1u << 20, 20000};

/* Everything about a run follows from its seed. */
static struct pair_config config_of(uint64_t seed, bool moving)
{
    struct pair_config config = pair_plain(seed);
    struct rng rng;

    rng_init(&rng, seed, "config");
    for (unsigned i = 0; i < 2; i++) {
        config.params[i].mss_bytes = mss_sizes[rng_below(&rng, COUNT_OF(mss_sizes))];
        config.params[i].rcv_buffer_bytes = buffers[rng_below(&rng, COUNT_OF(buffers))];
        config.params[i].timestamps = rng_below(&rng, 3) > 0;
        config.params[i].window_scaling = rng_below(&rng, 3) > 0;
        config.params[i].nagle = rng_below(&rng, 2) > 0;
        config.params[i].ack_every = 1 + (uint32_t)rng_below(&rng, 3);
        config.params[i].time_wait_ps = 1000 * FLUE_PS_PER_S; /* longer than any run of losses */
        config.params[i].max_retransmits = 60;
        config.bytes[i] = rng_below(&rng, 5) == 0 ? 0 : rng_below(&rng, 300000);
        config.reading[i] = (enum pair_reading)rng_below(&rng, 3);
        config.move_every[i] = moving ? 1 + (uint32_t)rng_below(&rng, 12) : 0;
    }
    /* A window of one byte takes a probe for each byte. */
    for (unsigned i = 0; i < 2; i++) {
        if (config.params[1 - i].rcv_buffer_bytes == 1) {
            config.bytes[i] %= 60;
        } else if (config.params[1 - i].rcv_buffer_bytes < 4096) {
            config.bytes[i] %= 20000;
        }
    }
    config.chunk_bytes = rng_below(&rng, 2) == 0 ? 20000 : 700;
    config.run_bytes = rng_below(&rng, 2) == 0 ? 1u << 30 : 3000;
    config.loss_ppm = (uint32_t)rng_below(&rng, 4) * 25000;
    config.double_ppm = (uint32_t)rng_below(&rng, 3) * 30000;
    config.reorder_ppm = (uint32_t)rng_below(&rng, 3) * 60000;
    config.delay_ps = (flue_ps)(1 + rng_below(&rng, 100)) * 100 * FLUE_PS_PER_US;
    config.closing = (enum pair_closing)rng_below(&rng, 3);
    config.wrap = rng_below(&rng, 2) == 0;
    config.both_open = rng_below(&rng, 8) == 0;
    config.limit_ps = 200000 * FLUE_PS_PER_S;
    return config;
}

static void run_seeds(uint64_t first, uint64_t count, bool moving)
{
    uint64_t retransmits = 0;
    uint64_t fast = 0;
    uint64_t probes = 0;
    uint64_t moves = 0;

    for (uint64_t seed = first; seed < first + count; seed++) {
        struct pair_config config = config_of(seed, moving);
        struct pair pair;

        if (getenv("FLUE_TEST_SEED") != NULL && (uint64_t)atoll(getenv("FLUE_TEST_SEED")) != seed) {
            continue;
        }
        pair_init(&pair, &config);
        pair_open(&pair);
        pair_run(&pair);
        for (unsigned i = 0; i < 2; i++) {
            for (unsigned side = 0; side < 2; side++) {
                struct flue_tcp_totals totals;

                flue_tcp_totals(pair.end[i].stack[side], &totals);
                retransmits += totals.retransmits;
                fast += totals.fast_retransmits;
                probes += totals.probes;
            }
            moves += pair.end[i].moves;
        }
        pair_finish(&pair);
    }
    /* The runs must have met what they are for. */
    if (getenv("FLUE_TEST_SEED") == NULL) {
        assert_true(retransmits > count && fast > count / 10 && probes > count / 10);
        assert_true(!moving || moves > count * 10);
    }
}

static void seeds_deliver_every_byte_once(void **state)
{
    (void)state;
    run_seeds(1, 400, false);
}

static void moving_ends_deliver_every_byte_once(void **state)
{
    (void)state;
    run_seeds(10001, 200, true);
}

/* The same seed gives the same run. */
static void same_seed_same_run(void **state)
{
    uint64_t events[2];
    flue_ps end_ps[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pair_config config = config_of(77, false);
        struct pair pair;

        pair_init(&pair, &config);
        pair_open(&pair);
        pair_run(&pair);
        events[i] = pair.events;
        end_ps[i] = pair.now_ps;
        pair_finish(&pair);
    }
    assert_int_equal(events[0], events[1]);
    assert_int_equal(end_ps[0], end_ps[1]);
}

/* No loss: not one segment is sent again, and one ACK answers two segments. */
static void clean_pipe_wastes_nothing(void **state)
{
    (void)state;
    for (unsigned wrap = 0; wrap < 2; wrap++) {
        struct pair_config config = pair_plain(5);
        struct pair pair;
        struct flue_tcp_totals a;
        struct flue_tcp_totals b;

        config.bytes[0] = 3000000;
        config.closing = PAIR_CLOSE_ACTIVE_FIRST;
        config.wrap = wrap != 0;
        pair_init(&pair, &config);
        pair_open(&pair);
        pair_run(&pair);
        flue_tcp_totals(pair.end[0].stack[0], &a);
        flue_tcp_totals(pair.end[1].stack[0], &b);
        assert_int_equal(a.retransmits + b.retransmits + a.timeouts + b.timeouts, 0);
        assert_int_equal(a.data_out, b.data_in);
        assert_in_range(a.data_out, 3000000 / 1448, 3000000 / 1448 + 200);
        assert_in_range(b.segments_out, a.data_out / 2, a.data_out / 2 + 60);
        pair_finish(&pair);
    }
}

/* What is written before the connection is open arrives like anything else, after a lost SYN, too. */
static void early_data_arrives(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 16; seed++) {
        struct pair_config config = pair_plain(seed);
        struct pair pair;

        config.bytes[0] = 1 + 5000 * seed;
        config.bytes[1] = 20000;
        config.closing = PAIR_CLOSE_WHEN_WRITTEN;
        config.write_early = true;
        config.both_open = (seed & 1) != 0;
        config.wrap = (seed & 2) != 0;
        config.loss_ppm = (seed & 4) != 0 ? 50000 : 0;
        pair_init(&pair, &config);
        pair_open(&pair);
        pair_run(&pair);
        pair_finish(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_data_arrives),
        cmocka_unit_test(clean_pipe_wastes_nothing),
        cmocka_unit_test(same_seed_same_run),
        cmocka_unit_test(seeds_deliver_every_byte_once),
        cmocka_unit_test(moving_ends_deliver_every_byte_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
