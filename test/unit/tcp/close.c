/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/close.c - the ways to end: in every order, with losses, by abort, by the limits. */
#include "support/test.h"
#include "flue/trace.h"
#include "tcp/conn.h"
#include "pair.h"

/* Collects the states each end goes through (the stack of both is told apart by the connection's id: 1 is unknown). */
struct path {
    uint8_t state[16];
    unsigned count;
};

struct paths {
    struct path of[2];
};

static void emit(void *ctx, const struct flue_event *event)
{
    struct paths *paths = ctx;
    struct path *path = &paths->of[event->conn == 0 ? 0 : 1];

    if (event->point == FLUE_POINT_tcp_state) {
        assert_true(path->count < 16);
        path->state[path->count++] = (uint8_t)event->arg[1];
    }
}

static void run_path(struct pair_config *config, struct paths *paths)
{
    struct flue_trace trace = {.ctx = paths, .emit = emit};
    struct pair pair;

    *paths = (struct paths){0};
    pair_init(&pair, config);
    for (unsigned i = 0; i < 2; i++) {
        pair.end[i].stack[0]->trace = &trace;
        pair.end[i].stack[1]->trace = &trace;
    }
    pair_open(&pair);
    pair_run(&pair);
    pair_finish(&pair);
}

static void same(const struct path *path, const uint8_t *expected, unsigned count)
{
    assert_int_equal(path->count, count);
    assert_memory_equal(path->state, expected, count);
}

static const uint8_t active_first[] = {FLUE_TCP_SYN_SENT,   FLUE_TCP_ESTABLISHED, FLUE_TCP_FIN_WAIT_1,
                                       FLUE_TCP_FIN_WAIT_2, FLUE_TCP_TIME_WAIT,   FLUE_TCP_CLOSED};
static const uint8_t passive_second[] = {FLUE_TCP_LISTEN,     FLUE_TCP_SYN_RECEIVED, FLUE_TCP_ESTABLISHED,
                                         FLUE_TCP_CLOSE_WAIT, FLUE_TCP_LAST_ACK,     FLUE_TCP_CLOSED};
static const uint8_t both_closing[] = {FLUE_TCP_SYN_SENT, FLUE_TCP_ESTABLISHED, FLUE_TCP_FIN_WAIT_1,
                                       FLUE_TCP_CLOSING,  FLUE_TCP_TIME_WAIT,   FLUE_TCP_CLOSED};

static void active_side_first(void **state)
{
    struct pair_config config = pair_plain(1);
    struct paths paths;

    (void)state;
    config.closing = PAIR_CLOSE_ACTIVE_FIRST;
    config.bytes[0] = 1000;
    run_path(&config, &paths);
    same(&paths.of[0], active_first, sizeof(active_first));
    same(&paths.of[1], passive_second, sizeof(passive_second));
}

static void half_closed_side_goes_on_sending(void **state)
{
    struct pair_config config = pair_plain(1);
    struct paths paths;

    (void)state;
    config.closing = PAIR_CLOSE_ACTIVE_FIRST;
    config.bytes[1] = 500000;
    config.wrap = true;
    run_path(&config, &paths);
    same(&paths.of[0], active_first, sizeof(active_first));
    same(&paths.of[1], passive_second, sizeof(passive_second));
}

static void both_at_once(void **state)
{
    struct pair_config config = pair_plain(1);
    struct pair pair;
    struct paths paths = {0};
    struct flue_trace trace = {.ctx = &paths, .emit = emit};

    (void)state;
    config.closing = PAIR_CLOSE_NEVER;
    config.wrap = true;
    pair_init(&pair, &config);
    pair.end[0].stack[0]->trace = &trace;
    pair_open(&pair);
    pair_run(&pair);
    for (unsigned i = 0; i < 2; i++) {
        pair.end[i].app_closed = true;
        assert_int_equal(flue_tcp_close(pair.end[i].conn, pair.now_ps), FLUE_OK);
        assert_int_equal(flue_tcp_close(pair.end[i].conn, pair.now_ps), FLUE_ESTATE);
    }
    while (!pair.end[0].closed || !pair.end[1].closed) {
        assert_true(pair_step(&pair));
    }
    same(&paths.of[0], both_closing, sizeof(both_closing));
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_2MSL);
    assert_int_equal(pair.end[1].reason, FLUE_TCP_BY_2MSL);
    pair_finish(&pair);
}

static void both_open_at_once(void **state)
{
    struct pair_config config = pair_plain(1);
    struct paths paths;
    static const uint8_t expected[] = {FLUE_TCP_SYN_SENT, FLUE_TCP_SYN_RECEIVED, FLUE_TCP_ESTABLISHED};

    (void)state;
    config.both_open = true;
    config.bytes[0] = 3000;
    config.bytes[1] = 3000;
    run_path(&config, &paths);
    assert_memory_equal(paths.of[0].state, expected, sizeof(expected));
    assert_memory_equal(paths.of[1].state, expected, sizeof(expected));
}

/* The ACK of the last FIN is lost: TIME-WAIT answers the FIN that comes again. */
static unsigned to_lose;

static bool lose_last_ack(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    (void)frame;
    if (from == 0 && pair->end[0].conn != NULL && pair->end[0].conn->state == FLUE_TCP_TIME_WAIT && to_lose > 0) {
        to_lose--;
        return false;
    }
    return true;
}

static void time_wait_answers(void **state)
{
    struct pair_config config = pair_plain(1);
    struct pair pair;

    (void)state;
    to_lose = 2;
    config.closing = PAIR_CLOSE_ACTIVE_FIRST;
    pair_init(&pair, &config);
    pair.filter = lose_last_ack;
    pair_open(&pair);
    pair_run(&pair);
    assert_int_equal(to_lose, 0);
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_2MSL);
    assert_int_equal(pair.end[1].reason, FLUE_TCP_BY_SEGMENT);
    assert_int_equal(pair.end[1].stack[0]->totals.timeouts, 2);
    /* 2 MSL are counted from the last FIN that came. */
    assert_true(pair.now_ps > 60 * FLUE_PS_PER_S + 600 * FLUE_PS_PER_MS);
    pair_finish(&pair);
}

static void fin_wait_2_has_a_limit(void **state)
{
    struct pair_config config = pair_plain(1);
    struct pair pair;
    flue_ps at_ps;

    (void)state;
    config.closing = PAIR_CLOSE_NEVER;
    pair_init(&pair, &config);
    pair_open(&pair);
    pair_run(&pair);
    pair.end[0].app_closed = true;
    at_ps = pair.now_ps;
    assert_int_equal(flue_tcp_close(pair.end[0].conn, pair.now_ps), FLUE_OK);
    while (!pair.end[0].closed) {
        assert_true(pair_step(&pair));
    }
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_TIMEOUT);
    assert_in_range((pair.now_ps - at_ps) / FLUE_PS_PER_MS, 120000, 120100);
    pair_dispose(&pair);
}

static void abort_resets_the_peer(void **state)
{
    struct pair_config config = pair_plain(1);
    struct pair pair;

    (void)state;
    config.closing = PAIR_CLOSE_NEVER;
    pair_init(&pair, &config);
    pair_open(&pair);
    pair_run(&pair);
    flue_tcp_abort(pair.end[0].conn, pair.now_ps);
    assert_true(pair.end[0].closed);
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_ABORT);
    while (!pair.end[1].closed) {
        assert_true(pair_step(&pair));
    }
    assert_int_equal(pair.end[1].reason, FLUE_TCP_BY_RESET);
    pair_dispose(&pair);
}

static void closing_before_the_handshake(void **state)
{
    struct pair_config config = pair_plain(1);
    struct pair pair;

    (void)state;
    config.closing = PAIR_CLOSE_NEVER;
    pair_init(&pair, &config);
    pair_open(&pair);
    assert_int_equal(flue_tcp_close(pair.end[0].conn, 0), FLUE_OK);
    assert_true(pair.end[0].closed);
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_CLOSE);
    pair_dispose(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_side_first),     cmocka_unit_test(half_closed_side_goes_on_sending),
        cmocka_unit_test(both_at_once),          cmocka_unit_test(both_open_at_once),
        cmocka_unit_test(time_wait_answers),     cmocka_unit_test(fin_wait_2_has_a_limit),
        cmocka_unit_test(abort_resets_the_peer), cmocka_unit_test(closing_before_the_handshake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
