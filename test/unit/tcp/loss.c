/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/loss.c - exactly these segments are lost: which mechanism repairs it, and at what price. */
#include "support/test.h"
#include "tcp/conn.h"
#include "pair.h"

struct plan {
    unsigned first, every, count; /* of the data segments of end 0, in order of first transmission: lost once */
    unsigned seen, lost;
    uint32_t next_seq;
    bool started;
};

static bool lose_planned(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    struct plan *plan = pair->filter_arg;
    unsigned number;

    if (from != 0 || frame->payload.length_bytes == 0 || (plan->started && seq_lt(frame->seq, plan->next_seq))) {
        return true;
    }
    plan->started = true;
    plan->next_seq = frame->seq + frame->payload.length_bytes;
    number = plan->seen++;
    if (plan->lost < plan->count && number >= plan->first && (number - plan->first) % plan->every == 0) {
        plan->lost++;
        return false;
    }
    return true;
}

/* With SACK the last hole may be repaired twice when there is nothing new to send (RFC 6675 4, rules 3 and 4). */
static void planned_losses_with(uint32_t sack)
{
    static const struct {
        unsigned first, every, count;
        uint64_t bytes;
        uint64_t retransmits, fast, timeouts;
    } cases[] = {
        {100, 1, 0, 400000, 0, 0, 0}, {100, 1, 1, 400000, 1, 1, 0}, /* one hole: fast retransmit */
        {100, 5, 2, 400000, 2, 1, 0},                               /* two in one window: NewReno, one recovery */
        {100, 4, 4, 400000, 4, 1, 0}, {2, 1, 1, 3000, 1, 0, 1},     /* the very last: only the timer sees it */
        {0, 1, 1, 400000, 1, 1, 0},                                 /* the very first */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pair_config config = pair_plain(1);
        struct plan plan = {.first = cases[i].first, .every = cases[i].every, .count = cases[i].count};
        struct flue_tcp_totals totals;
        struct flue_tcp_info info;
        struct pair pair;

        config.params[0].sack = sack;
        config.bytes[0] = cases[i].bytes;
        config.chunk_bytes = 1448;
        config.closing = PAIR_CLOSE_NEVER;
        config.wrap = true;
        config.delay_ps = 10 * FLUE_PS_PER_MS;
        pair_init(&pair, &config);
        pair.filter = lose_planned;
        pair.filter_arg = &plan;
        pair_open(&pair);
        pair_run(&pair);
        assert_int_equal(pair.end[1].received, cases[i].bytes);
        assert_int_equal(plan.lost, cases[i].count);
        flue_tcp_totals(pair.end[0].stack[0], &totals);
        assert_in_range(totals.retransmits, cases[i].retransmits,
                        cases[i].retransmits + (sack != 0 && cases[i].retransmits > 1 ? 1 : 0));
        assert_int_equal(totals.fast_retransmits, cases[i].fast);
        assert_int_equal(totals.timeouts, cases[i].timeouts);
        flue_tcp_info(pair.end[0].conn, &info);
        assert_int_equal(info.in_recovery, 0);
        assert_int_equal(info.srtt_ps >= 20 * FLUE_PS_PER_MS, 1);
        pair_dispose(&pair);
    }
}

static void planned_losses(void **state)
{
    (void)state;
    planned_losses_with(0);
    planned_losses_with(1);
}

/* Twenty holes take twenty round trips; the impatient variant lets the timer end that (RFC 6582 section 4).  SACK
 * repairs them all in two. */
static void many_holes_with(uint32_t sack, uint64_t timeouts)
{
    struct pair_config config = pair_plain(1);
    struct plan plan = {.first = 60, .every = 2, .count = 20};
    struct flue_tcp_totals totals;
    struct pair pair;

    config.params[1].sack = sack;
    config.bytes[0] = 600000;
    config.chunk_bytes = 60000;
    config.closing = PAIR_CLOSE_ACTIVE_FIRST;
    config.delay_ps = 10 * FLUE_PS_PER_MS;
    pair_init(&pair, &config);
    pair.filter = lose_planned;
    pair.filter_arg = &plan;
    pair_open(&pair);
    pair_run(&pair);
    flue_tcp_totals(pair.end[0].stack[0], &totals);
    assert_int_equal(plan.lost, 20);
    assert_int_equal(totals.timeouts, timeouts);
    pair_finish(&pair);
}

static void many_holes(void **state)
{
    (void)state;
    many_holes_with(0, 1);
    many_holes_with(1, 0);
}

/* Karn's rule: an ACK of a repeated segment is no sample, and the back-off stays until there is one. */
static bool blackout;

static bool lose_in_blackout(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    (void)pair;
    (void)frame;
    return !(blackout && from == 0);
}

static void back_off_lasts_until_a_sample(void **state)
{
    struct pair_config config = pair_plain(1);
    struct flue_tcp_info info;
    struct pair pair;

    (void)state;
    blackout = false;
    config.params[0].timestamps = 0;
    config.closing = PAIR_CLOSE_NEVER;
    pair_init(&pair, &config);
    pair.filter = lose_in_blackout;
    pair_open(&pair);
    pair_run(&pair);
    blackout = true;
    pair.end[0].written = 200;
    pair.config.bytes[0] = 200;
    for (unsigned i = 0; i < 2; i++) {
        struct flue_span span = {.stream = 1000, .offset_bytes = i * 100, .length_bytes = 100};

        assert_int_equal(flue_tcp_send(pair.end[0].conn, &span, pair.now_ps), FLUE_OK);
        while (i == 0 && tcp_rare_of(pair.end[0].conn)->timeouts < 3) {
            assert_true(pair_step(&pair));
        }
        blackout = false;
        pair_run(&pair);
        flue_tcp_info(pair.end[0].conn, &info);
        assert_int_equal(info.queued_bytes, 0);
        if (i == 0) {
            assert_true(info.backoff >= 3);
            assert_int_equal(info.rto_ps, (200 * FLUE_PS_PER_MS) << info.backoff);
        } else {
            assert_int_equal(info.backoff, 0);
            assert_int_equal(info.rto_ps, 200 * FLUE_PS_PER_MS);
        }
    }
    pair_dispose(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planned_losses),
        cmocka_unit_test(many_holes),
        cmocka_unit_test(back_off_lasts_until_a_sample),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
