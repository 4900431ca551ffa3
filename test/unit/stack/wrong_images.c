/* SPDX-License-Identifier: GPL-2.0-only */
/* Images with a right checksum that no connection has written: each is refused, with the sentence that names why; and
 * the same at its limits, which is taken. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "stack/stack.h"
#include "tcp/conn.h"

#include "duo.h"

enum { START = 12, END = 10 };

static struct duo duo;
static uint8_t image[1000000], copy[1000000];

static uint8_t *find(uint8_t *bytes, const char *name, uint32_t *length)
{
    size_t name_bytes = strlen(name);

    for (uint8_t *at = bytes + START; at[0] != 0; at += 6u + at[0] + *length) {
        const uint8_t *told = at + 2 + at[0];

        *length = told[0] | (uint32_t)told[1] << 8 | (uint32_t)told[2] << 16 | (uint32_t)told[3] << 24;
        if (at[0] == name_bytes && memcmp(at + 2, name, name_bytes) == 0) {
            return at + 6 + at[0];
        }
    }
    fail_msg("there is no %s", name);
    return NULL;
}

static uint64_t get(uint8_t *bytes, const char *name)
{
    uint32_t length = 0;
    const uint8_t *at = find(bytes, name, &length);
    uint64_t value = 0;

    for (uint32_t i = 0; i < length; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

static void put(uint8_t *bytes, const char *name, uint32_t offset, uint32_t width, uint64_t value)
{
    uint32_t length = 0;
    uint8_t *at = find(bytes, name, &length);

    width = width == 0 ? length : width;
    assert_true(offset + width <= length);
    for (uint32_t i = 0; i < width; i++) {
        at[offset + i] = (uint8_t)(value >> 8 * i);
    }
}

/* ---- connections to start from, always A's ---- */

static int lose_at;

static int lose_one(struct duo *d, int from, const uint8_t *packet, size_t bytes)
{
    (void)d;
    (void)packet;
    return from == B && bytes > 1000 && lose_at-- == 0;
}

/* Of 14480 bytes the third segment is missing. */
static void with_gap(int t)
{
    lose_at = 2;
    duo.lose = lose_one;
    assert_int_equal(duo_write(&duo, B, t, 0, 14480), 14480);
    duo_run(&duo, DUO_DELAY_PS + FLUE_PS_PER_MS);
}

static void idle(int s, int t)
{
    (void)s;
    (void)t;
}

static void gap(int s, int t)
{
    (void)s;
    with_gap(t);
}

static void gap_unread(int s, int t)
{
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_READ), 0);
    with_gap(t);
}

static void in_flight(int s, int t)
{
    (void)t;
    duo.deaf = 1;
    assert_int_equal(duo_write(&duo, A, s, 0, 2920), 2920);
}

/* The timer has expired once. */
static void loss(int s, int t)
{
    in_flight(s, t);
    duo_run(&duo, 300 * FLUE_PS_PER_MS);
}

/* B reads nothing: A has more than fits. */
static void no_window(int s, int t)
{
    (void)t;
    for (uint64_t sent = 0; sent < 520000;) {
        size_t more = duo_write(&duo, A, s, sent, 520000 - sent);

        if (more == 0) {
            break;
        }
        sent += more;
        duo_settle(&duo);
    }
    duo_run(&duo, FLUE_PS_PER_MS);
}

static void closing(int s, int t)
{
    (void)t;
    duo.deaf = 1;
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_WRITE), 0);
}

static void keep_alive(int s, int t)
{
    (void)t;
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_KEEPALIVE, 1), 0);
}

struct change {
    const char *name;
    const char *base; /* a record whose value is added; NULL: none */
    int64_t value;
    uint32_t offset, width; /* of a list; width 0: the whole record */
};

#define PAST_MOST INT64_C(0x7ffffffffffffffe)

static const struct {
    void (*from)(int s, int t); /* NULL: a SYN is out */
    const char *why;            /* NULL: taken */
    struct change change[4];
} cases[] = {
    /* FINs */
    {idle, "do not fit together", {{"tcp.flags", "tcp.flags", TCP_FIN_QUEUED, 0, 0}}},
    {idle, "do not fit together", {{"socket.flags", "socket.flags", SOCKET_SHUT_WRITE, 0, 0}}},
    {closing, "behind the FIN", {{"tcp.snd_max", "tcp.snd_una", 0, 0, 0}, {"tcp.snd_nxt", "tcp.snd_una", 0, 0, 0}}},
    {idle,
     "inside the window",
     {{"tcp.flags", "tcp.flags", TCP_FIN_HELD, 0, 0}, {"tcp.rcv_fin_seq", "tcp.rcv_nxt", 0, 0, 0}}},
    {idle,
     "inside the window",
     {{"tcp.flags", "tcp.flags", TCP_FIN_HELD, 0, 0}, {"tcp.rcv_fin_seq", "tcp.rcv_adv", 1, 0, 0}}},
    {idle, NULL, {{"tcp.flags", "tcp.flags", TCP_FIN_HELD, 0, 0}, {"tcp.rcv_fin_seq", "tcp.rcv_adv", -1, 0, 0}}},
    /* SYNs */
    {NULL, NULL, {{.name = NULL}}},
    {NULL, "not been heard of", {{"tcp.flags", "tcp.flags", TCP_SACK, 0, 0}}},
    {NULL, "our SYN", {{"tcp.snd_nxt", "tcp.snd_una", 0, 0, 0}}},
    {NULL, "our SYN", {{"tcp.flags", "tcp.flags", TCP_SYN_DUE, 0, 0}}},
    {NULL, "as if it were data", {{"tcp.flags", "tcp.flags", TCP_RESEND_UNA, 0, 0}}},
    {NULL, "before it is established", {{"tcp.recovery", NULL, FLUE_TCP_CA_LOSS, 0, 0}}},
    {idle, "a SYN is to be sent", {{"tcp.flags", "tcp.flags", TCP_SYN_OUT, 0, 0}}},
    {idle, "a SYN is to be sent", {{"tcp.flags", "tcp.flags", TCP_SYN_DUE, 0, 0}}},
    {closing, "our SYN", {{"tcp.flags", "tcp.flags", TCP_SYN_OUT, 0, 0}}},
    /* Timers */
    {idle,
     "cannot come",
     {{"tcp.timer_mode", NULL, TCP_TIMER_RETRANSMIT, 0, 0}, {"tcp.timer", "tcp.taken", 5000, 0, 0}}},
    {idle,
     "cannot come",
     {{"tcp.timer_mode", NULL, TCP_TIMER_RETRANSMIT, 0, 0},
      {"tcp.timer", "tcp.taken", 5000, 0, 0},
      {"tcp.snd_wnd", NULL, 0, 0, 0}}},
    {idle, "cannot come", {{"tcp.timer_mode", NULL, TCP_TIMER_PERSIST, 0, 0}, {"tcp.timer", "tcp.taken", 5000, 0, 0}}},
    {idle,
     "cannot come",
     {{"tcp.timer_mode", NULL, TCP_TIMER_KEEP_ALIVE, 0, 0}, {"tcp.timer", "tcp.taken", 5000, 0, 0}}},
    {keep_alive, NULL, {{.name = NULL}}},
    {keep_alive, "cannot come", {{"tcp.keep_alive", NULL, 0, 0, 0}}},
    {in_flight, "cannot come", {{"tcp.timer_mode", NULL, TCP_TIMER_PERSIST, 0, 0}}},
    {no_window, NULL, {{.name = NULL}}},
    {no_window,
     "no timer will probe",
     {{"tcp.timer_mode", NULL, TCP_TIMER_NONE, 0, 0}, {"tcp.timer", NULL, INT64_MAX, 0, 0}}},
    /* What is outstanding */
    {loss, NULL, {{.name = NULL}}},
    {loss,
     NULL,
     {{"tcp.board_valid", NULL, 15, 0, 0},
      {"tcp.high_rxt", "tcp.snd_una", 1, 0, 0},
      {"tcp.rescue_rxt", "tcp.snd_una", 0, 0, 0}}},
    {loss, "an edge", {{"tcp.board_valid", NULL, 16, 0, 0}}},
    {loss, "an edge", {{"tcp.lost_edge", "tcp.snd_max", 1, 0, 0}}},
    {loss, "an edge", {{"tcp.lost_edge", "tcp.snd_una", 0, 0, 0}}},
    {loss, "an edge", {{"tcp.rto_edge", "tcp.snd_max", 1, 0, 0}}},
    {loss, "an edge", {{"tcp.rescue_rxt", "tcp.snd_max", 1, 0, 0}}},
    {loss, "an edge", {{"tcp.rescue_rxt", "tcp.snd_una", -1, 0, 0}}},
    {loss,
     "an edge",
     {{"tcp.board_valid", NULL, SCOREBOARD_LOST | SCOREBOARD_RXT, 0, 0},
      {"tcp.high_rxt", "tcp.snd_max", 1, 0, 0},
      {"tcp.lost_edge", "tcp.snd_max", 2900, 0, 0}}},
    {loss, "an edge", {{"tcp.board_valid", NULL, SCOREBOARD_RXT, 0, 0}, {"tcp.high_rxt", "tcp.snd_una", 0, 0, 0}}},
    {loss, "recovery ends", {{"tcp.recover", "tcp.snd_max", 1, 0, 0}}},
    {loss, "recovery ends", {{"tcp.recover", "tcp.snd_una", -1, 0, 0}}},
    {loss, "that is not known", {{"tcp.recover", "tcp.snd_una", 0, 0, 0}}},
    {loss, "that is not known", {{"tcp.flags", "tcp.flags", -(int64_t)TCP_RECOVER, 0, 0}}},
    {idle, "to be repaired", {{"tcp.flags", "tcp.flags", TCP_RESEND_UNA, 0, 0}}},
    {idle, "to be repaired", {{"tcp.recovery", NULL, FLUE_TCP_CA_DISORDER, 0, 0}}},
    {in_flight, "not outstanding", {{"tcp.rtt_seq", "tcp.snd_max", 1, 0, 0}}},
    {in_flight, "not outstanding", {{"tcp.rtt_seq", "tcp.snd_una", 0, 0, 0}}},
    {in_flight, NULL, {{"tcp.rtt_seq", "tcp.snd_max", 0, 0, 0}}},
    {idle, "not outstanding", {{"tcp.flags", "tcp.flags", TCP_TIMING, 0, 0}, {"tcp.rtt_seq", "tcp.snd_una", 0, 0, 0}}},
    {in_flight, "SND.UP", {{"tcp.flags", "tcp.flags", TCP_URGENT_OUT, 0, 0}, {"tcp.snd_up", "tcp.snd_una", 0, 0, 0}}},
    {in_flight,
     "SND.UP",
     {{"tcp.flags", "tcp.flags", TCP_URGENT_OUT, 0, 0}, {"tcp.snd_up", "tcp.snd_una", 2921, 0, 0}}},
    {in_flight, NULL, {{"tcp.flags", "tcp.flags", TCP_URGENT_OUT, 0, 0}, {"tcp.snd_up", "tcp.snd_una", 2920, 0, 0}}},
    /* What has come */
    {gap, NULL, {{.name = NULL}}},
    {gap_unread, NULL, {{.name = NULL}}},
    {gap, "beyond the window", {{"tcp.reassembly", NULL, 0xfffffff0, 16, 4}}},
    {gap_unread, "beyond the window", {{"tcp.reassembly", NULL, 0xfffffff0, 16, 4}}},
    {gap_unread, "beyond the window", {{"tcp.reassembly", "tcp.rcv_adv", -1, 0, 4}}},
    {gap, "beyond the window", {{"tcp.rcv_adv", "tcp.rcv_nxt", 5000, 0, 0}}},
    {idle, "has come", {{"tcp.last_ack_sent", "tcp.rcv_nxt", 1, 0, 0}}},
    {idle, "RCV.UP", {{"tcp.flags", "tcp.flags", TCP_URGENT_IN, 0, 0}, {"tcp.rcv_up", "tcp.rcv_adv", 65536, 0, 0}}},
    {idle, "RCV.UP", {{"tcp.flags", "tcp.flags", TCP_URGENT_IN, 0, 0}, {"tcp.rcv_up", "tcp.rcv_nxt", -1, 0, 0}}},
    {idle, NULL, {{"tcp.flags", "tcp.flags", TCP_URGENT_IN, 0, 0}, {"tcp.rcv_up", "tcp.rcv_adv", 65535, 0, 0}}},
    /* Times */
    {idle, "value", {{"tcp.srtt", NULL, INT64_MAX, 0, 0}}},
    {idle, "value", {{"tcp.srtt", NULL, -1, 0, 0}}},
    {idle, "value", {{"tcp.rttvar", NULL, INT64_MAX, 0, 0}}},
    {idle, "value", {{"tcp.srtt", NULL, 8 * 24 * 3600 * FLUE_PS_PER_S, 0, 0}}},
    {idle, NULL, {{"tcp.srtt", NULL, 100 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "value", {{"tcp.cc_elapsed", NULL, INT64_MAX, 0, 0}}},
    {idle, "setting", {{"tcp.keep_idle", NULL, -1, 0, 0}}},
    {idle, "setting", {{"tcp.keep_interval", NULL, PAST_MOST, 0, 0}}},
    {idle, "setting", {{"tcp.user_timeout", NULL, PAST_MOST, 0, 0}}},
    {idle,
     NULL,
     {{"tcp.keep_idle", NULL, INT64_MAX, 0, 0},
      {"tcp.keep_interval", NULL, INT64_MAX, 0, 0},
      {"tcp.user_timeout", NULL, INT64_MAX, 0, 0}}},
    {idle, "setting", {{"tcp.fin_wait_2", NULL, -1, 0, 0}}},
    {idle, "setting", {{"tcp.fin_wait_2", NULL, PAST_MOST, 0, 0}}},
    {idle, NULL, {{"tcp.fin_wait_2", NULL, 60 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "setting", {{"tcp.fin_wait_2", NULL, -1, 0, 0}}},
    {idle, "setting", {{"tcp.fin_wait_2", NULL, PAST_MOST, 0, 0}}},
    {idle, NULL, {{"tcp.fin_wait_2", NULL, 60 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.taken", NULL, -1, 0, 0}}},
    {idle, "moment", {{"tcp.last", "tcp.taken", 3600 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.last_sent", "tcp.taken", FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.last_received", "tcp.taken", 60 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.ts_recent_time", "tcp.taken", FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.cc_counted", "tcp.taken", FLUE_PS_PER_S, 0, 0}}},
    {in_flight, "moment", {{"tcp.rtt_sent", "tcp.taken", FLUE_PS_PER_S, 0, 0}}},
    {in_flight, "moment", {{"tcp.rtt_sent", "tcp.taken", -8 * 24 * 3600 * FLUE_PS_PER_S, 0, 0}}},
    {in_flight, "moment", {{"tcp.timer", "tcp.taken", 8 * 24 * 3600 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.delayed_ack", "tcp.taken", 60 * FLUE_PS_PER_S, 0, 0}}},
    {idle, "moment", {{"tcp.path_lowered", "tcp.taken", 60 * FLUE_PS_PER_S, 0, 0}}},
    {idle, NULL, {{"tcp.ts_recent_time", NULL, INT64_MIN, 0, 0}, {"tcp.last", NULL, INT64_MIN, 0, 0}}},
    /* Bounds */
    {idle, "larger than the protocol", {{"tcp.snd_wnd", NULL, (INT64_C(65535) << 14) + 1, 0, 0}}},
    {idle, "larger than the protocol", {{"tcp.max_snd_wnd", NULL, 0xffffffff, 0, 0}}},
    {idle,
     NULL,
     {{"tcp.snd_wnd", NULL, INT64_C(65535) << 14, 0, 0}, {"tcp.max_snd_wnd", NULL, INT64_C(65535) << 14, 0, 0}}},
    {idle, "setting", {{"tcp.ttl", NULL, 0, 0, 0}}},
    {idle, "setting", {{"tcp.cached_flags", NULL, TCP_CACHED_NAGLE, 0, 0}}},
    {idle, "value", {{"tcp.const_flags", NULL, TCP_CONST_SACK, 0, 0}}},
    {idle, "value", {{"tcp.reason", NULL, 200, 0, 0}}},
    {idle, "congestion window", {{"tcp.ssthresh", NULL, 0, 0, 0}}},
    {idle, "congestion window", {{"tcp.cwnd", NULL, 0, 0, 0}}},
};

static int connection(void (*from)(int s, int t))
{
    struct flue_endpoint to;
    int s, t;

    duo_start(&duo, NULL);
    if (from == NULL) {
        to = duo_at(&duo, B, 80);
        s = flue_socket_open(duo.side[A].stack);
        duo.deaf = 1;
        assert_int_equal(flue_socket_connect(duo.side[A].stack, s, &to), FLUE_STACK_EINPROGRESS);
        return s;
    }
    s = duo_connect(&duo, duo_listen(&duo, 5), &t);
    duo_settle(&duo);
    from(s, t);
    return s;
}

static void each_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int s = connection(cases[i].from);
        struct flue_stack *a = duo.side[A].stack;
        int64_t bytes = flue_socket_export(a, s, image, sizeof image);
        char what[200] = "";
        uint32_t sum;

        assert_in_range(bytes, 1, sizeof image);
        memcpy(copy, image, (size_t)bytes);
        for (size_t j = 0; j < COUNT_OF(cases[i].change) && cases[i].change[j].name != NULL; j++) {
            const struct change *change = &cases[i].change[j];
            uint64_t base = change->base == NULL ? 0 : get(image, change->base);

            put(copy, change->name, change->offset, change->width, base + (uint64_t)change->value);
        }
        sum = image_crc(copy, (size_t)bytes - END);
        for (unsigned k = 0; k < 4; k++) {
            copy[bytes - 4 + k] = (uint8_t)(sum >> 8 * k);
        }
        s = flue_socket_import(a, copy, (size_t)bytes, what, sizeof what);
        if (cases[i].why == NULL ? s < 0 : s != FLUE_STACK_EPROTO || strstr(what, cases[i].why) == NULL) {
            fail_msg("case %u, %s: %d, %s", (unsigned)i,
                     cases[i].change[0].name == NULL ? "unchanged" : cases[i].change[0].name, s, what);
        }
        duo_check(&duo);
        if (s >= 0) {
            (void)flue_socket_close(a, s);
            flue_stack_advance(a, flue_stack_now(a) + 100 * FLUE_PS_PER_S);
            duo_check(&duo);
        }
        /* It has changed nothing: the true one still goes in. */
        s = cases[i].why != NULL ? flue_socket_import(a, image, (size_t)bytes, what, sizeof what) : 0;
        assert_true(s >= 0);
        duo_check(&duo);
        duo_stop(&duo);
    }
}

/* A write to what connections without a part of their own share is noticed, wherever it is. */
static void idle_part(void **state)
{
    struct tcp_active *shared;
    char what[200];
    int t;

    (void)state;
    duo_start(&duo, NULL);
    (void)duo_connect(&duo, duo_listen(&duo, 5), &t);
    duo_settle(&duo);
    shared = &duo.side[A].stack->tcp->idle;
#define NOTICED(field)                                                                                                 \
    do {                                                                                                               \
        shared->field ^= 1;                                                                                            \
        assert_int_equal(flue_stack_check(duo.side[A].stack, what, sizeof what), FLUE_STACK_EFAULT);                   \
        assert_non_null(strstr(what, "idle part"));                                                                    \
        shared->field ^= 1;                                                                                            \
    } while (0)
    NOTICED(queue.bytes);
    NOTICED(delayed_ack.due_ps);
    NOTICED(rtt_sent_ps);
    NOTICED(rtt_seq);
    NOTICED(rcv_fin_seq);
    NOTICED(unacked_bytes);
    NOTICED(total_rt_ticks);
    NOTICED(recover);
    NOTICED(reassembly.bytes);
    NOTICED(report.recent[0].from);
    NOTICED(report.recent[SACK_REPORT_RECENT - 1].to);
    NOTICED(report.dsack.from);
    NOTICED(report.dsack.to);
    NOTICED(report.recent_count);
    NOTICED(report.dsack_due);
    NOTICED(board.ranges);
    NOTICED(board.sacked_bytes);
    NOTICED(board.lost_edge);
    NOTICED(board.rto_edge);
    NOTICED(board.high_rxt);
    NOTICED(board.rescue_rxt);
    NOTICED(board.valid);
    NOTICED(epoch.elapsed_ps);
    NOTICED(epoch.counted_ps);
    NOTICED(epoch.k_ticks);
    NOTICED(epoch.w_est_bytes);
    NOTICED(epoch.w_est_carry);
    NOTICED(epoch.cwnd_prior_bytes);
    NOTICED(epoch.carry);
    NOTICED(epoch.running);
    NOTICED(epoch.after_timeout);
    duo_check(&duo);
    duo_stop(&duo);
}

/* The other form: numbers that no connection has are refused too. */
static void attached(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } wrong[] = {
        {offsetof(struct flue_tcp_state, cwnd), 0},
        {offsetof(struct flue_tcp_state, ssthresh), 0},
        {offsetof(struct flue_tcp_state, snd_wnd), UINT32_MAX},
        {offsetof(struct flue_tcp_state, max_snd_wnd), UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i <= COUNT_OF(wrong); i++) {
        int s = connection(idle);
        struct flue_stack *a = duo.side[A].stack;
        struct flue_tcp_state form;
        size_t send_bytes = 0, unread_bytes = 0;

        assert_int_equal(flue_socket_detach(a, s, &form, NULL, &send_bytes, NULL, &unread_bytes), 0);
        if (i < COUNT_OF(wrong)) {
            memcpy((char *)&form + wrong[i].at, &wrong[i].value, sizeof wrong[i].value);
        }
        s = flue_socket_attach(a, &form, NULL, 0, NULL, 0);
        if (i < COUNT_OF(wrong)) {
            assert_int_equal(s, FLUE_STACK_EPROTO);
        } else {
            assert_true(s >= 0);
        }
        duo_check(&duo);
        duo_stop(&duo);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused),
        cmocka_unit_test(idle_part),
        cmocka_unit_test(attached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
