/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/window.c - zero windows and probes (D-57), silly windows, Nagle, idle restart. */
#include "support/test.h"
#include "tcp/conn.h"
#include "pair.h"

struct log {
    flue_ps at_ps[64];
    struct flue_frame frame[64];
    unsigned count;
    unsigned from;
    bool data_only;
};

static bool note(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    struct log *log = pair->filter_arg;

    if (from == log->from && (!log->data_only || frame->payload.length_bytes > 0)) {
        assert_true(log->count < COUNT_OF(log->at_ps));
        log->at_ps[log->count] = pair->now_ps;
        log->frame[log->count++] = *frame;
    }
    return true;
}

static void start(struct pair *pair, const struct pair_config *config, struct log *log)
{
    pair_init(pair, config);
    pair->filter = log == NULL ? NULL : note;
    pair->filter_arg = log;
    pair_open(pair);
}

/* A user that never reads: a window of 4000 fills, then rounds of probes at doubling distance, and no round ends the
 * connection as long as the peer answers. */
static void probes_come_in_rounds(void **state)
{
    struct pair_config config = pair_plain(1);
    struct log log = {.data_only = true};
    struct pair pair;
    unsigned first = 0;

    (void)state;
    config.params[1].rcv_buffer_bytes = 4000;
    config.bytes[0] = 5000;
    config.reading[1] = PAIR_READ_LATER;
    config.closing = PAIR_CLOSE_NEVER;
    start(&pair, &config, &log);
    pair_run_until(&pair, 5 * FLUE_PS_PER_MS);
    pair.end[1].read_ps = FLUE_PS_NEVER; /* reads no more */
    while (pair.now_ps < 200 * FLUE_PS_PER_S) {
        pair.end[1].read_ps = FLUE_PS_NEVER;
        assert_true(pair_step(&pair));
    }
    for (unsigned i = 0; i < log.count; i++) {
        first = log.frame[i].payload.length_bytes == 1 && first == 0 ? i : first;
    }
    assert_true(first > 0);
    /* 200 ms, then RTO << round after each answer: 400, 800, ... capped at 60 s. */
    for (unsigned i = first + 1; i < log.count; i++) {
        int64_t expected_ms = (int64_t)200 << (i - first);
        flue_ps apart_ps = log.at_ps[i] - log.at_ps[i - 1];

        expected_ms = expected_ms > 60000 ? 60000 : expected_ms;
        assert_int_equal(log.frame[i].payload.length_bytes, 1);
        assert_int_equal(log.frame[i].seq, log.frame[first].seq);
        assert_in_range(apart_ps / FLUE_PS_PER_MS, expected_ms, expected_ms + 3); /* and a round trip */
    }
    assert_int_equal(tcp_rare_of(pair.end[0].conn)->probes, log.count - first);
    assert_int_equal(pair.end[0].conn->state, FLUE_TCP_ESTABLISHED);
    pair_dispose(&pair);
}

static bool deaf;

static bool maybe_deaf(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    (void)pair;
    (void)frame;
    return !(deaf && from == 1);
}

/* Nobody answers the probes: one round, doubling, until max_retransmits. */
static void silence_ends_the_connection(void **state)
{
    struct pair_config config = pair_plain(1);
    struct pair pair;

    (void)state;
    deaf = false;
    config.params[0].max_retransmits = 4;
    config.params[1].rcv_buffer_bytes = 4000;
    config.bytes[0] = 5000;
    config.reading[1] = PAIR_READ_STALLED;
    config.closing = PAIR_CLOSE_NEVER;
    start(&pair, &config, NULL);
    pair.filter = maybe_deaf;
    while (!pair.end[0].connected || pair.end[0].conn->snd_wnd > 0) {
        assert_true(pair_step(&pair));
    }
    deaf = true;
    while (!pair.end[0].closed) {
        assert_true(pair_step(&pair));
    }
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_TIMEOUT);
    assert_int_equal(pair.end[0].stack[0]->totals.probes, 4);
    pair_dispose(&pair);
}

/* A reader that takes one byte at a time does not lead to tiny segments. */
static void no_silly_windows(void **state)
{
    struct pair_config config = pair_plain(2);
    struct pair pair;
    struct flue_tcp_totals totals;

    (void)state;
    config.params[1].rcv_buffer_bytes = 8000;
    config.bytes[0] = 100000;
    config.reading[1] = PAIR_READ_LATER;
    config.closing = PAIR_CLOSE_ACTIVE_FIRST;
    start(&pair, &config, NULL);
    pair_run(&pair);
    flue_tcp_totals(pair.end[0].stack[0], &totals);
    /* The sender may not go below half of the largest window or a full segment, but for the odd override. */
    assert_in_range(totals.data_out, 100000 / 1448, 100000 / 1448 + 40);
    pair_finish(&pair);
}

static void nagle_gathers(void **state)
{
    unsigned segments[2];

    (void)state;
    for (unsigned nagle = 0; nagle < 2; nagle++) {
        struct pair_config config = pair_plain(2);
        struct log log = {.data_only = true};
        struct pair pair;

        config.params[0].nagle = nagle;
        config.closing = PAIR_CLOSE_NEVER;
        start(&pair, &config, &log);
        pair_run(&pair);
        pair.end[0].written = 100;
        pair.config.bytes[0] = 100;
        for (unsigned i = 0; i < 10; i++) {
            struct flue_span span = {.stream = 1000, .offset_bytes = i * 10, .length_bytes = 10};

            assert_int_equal(flue_tcp_send(pair.end[0].conn, &span, pair.now_ps), FLUE_OK);
            (void)flue_tcp_output(pair.end[0].conn, 4, pair.now_ps);
            pair.end[0].want_output = false;
        }
        pair_run(&pair);
        segments[nagle] = log.count;
        assert_int_equal(pair.end[1].received, 100);
        pair_dispose(&pair);
    }
    assert_int_equal(segments[0], 10);
    assert_int_equal(segments[1], 2);
}

/* RFC 5681 4.1. */
static void idle_sender_restarts(void **state)
{
    struct pair_config config = pair_plain(2);
    struct pair pair;

    (void)state;
    config.bytes[0] = 400000;
    config.closing = PAIR_CLOSE_NEVER;
    start(&pair, &config, NULL);
    pair_run(&pair);
    assert_true(pair.end[0].conn->cc.cwnd_bytes > 2 * 14480);
    pair.now_ps += 10 * FLUE_PS_PER_S;
    pair.config.bytes[0] += 100;
    pair.end[0].written += 100;
    {
        struct flue_span span = {.stream = 1000, .offset_bytes = 400000, .length_bytes = 100};

        assert_int_equal(flue_tcp_send(pair.end[0].conn, &span, pair.now_ps), FLUE_OK);
    }
    pair_run(&pair);
    assert_in_range(pair.end[0].conn->cc.cwnd_bytes, 10 * 1448, 10 * 1448 + 1448);
    pair_dispose(&pair);
}

/* The last segment before the queue is empty, and only that, carries PSH. */
static void psh_marks_the_end(void **state)
{
    struct pair_config config = pair_plain(2);
    struct log log = {.data_only = true};
    struct pair pair;

    (void)state;
    config.closing = PAIR_CLOSE_NEVER;
    start(&pair, &config, &log);
    pair_run(&pair);
    pair.end[0].written = 5000;
    pair.config.bytes[0] = 5000;
    {
        struct flue_span span = {.stream = 1000, .length_bytes = 5000};

        assert_int_equal(flue_tcp_send(pair.end[0].conn, &span, pair.now_ps), FLUE_OK);
    }
    pair_run(&pair);
    assert_int_equal(log.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal((log.frame[i].flags & FLUE_TCP_PSH) != 0, i == 3);
    }
    pair_dispose(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_come_in_rounds), cmocka_unit_test(silence_ends_the_connection),
        cmocka_unit_test(no_silly_windows),      cmocka_unit_test(nagle_gathers),
        cmocka_unit_test(idle_sender_restarts),  cmocka_unit_test(psh_marks_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
