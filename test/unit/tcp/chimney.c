/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/chimney.c - state out and in: every field, the timestamp clock, timers, what may not be moved. */
#include <string.h>

#include "support/test.h"
#include "tcp/conn.h"
#include "pair.h"

#define MS FLUE_PS_PER_MS

struct fixture {
    struct manual_env m;
    struct timers timers;
    struct flue_tcp *stack[2];
    struct flue_frame last;
    unsigned frames, outputs;
};

static flue_ps output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    struct fixture *f = owner;

    (void)conn;
    (void)again;
    f->last = *frame;
    f->frames++;
    return at_ps;
}

static void event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    struct fixture *f = owner;

    if (event->kind == FLUE_TCP_EV_OUTPUT) {
        f->outputs++;
    } else if (event->kind == FLUE_TCP_EV_TIMER) {
        flue_tcp_timeout(conn, event->at_ps);
    }
}

static void begin(struct fixture *f)
{
    static const struct flue_tcp_ops ops = {.output = output, .event = event};
    struct flue_tcp_params params;

    memset(f, 0xa5, sizeof(*f));
    manual_env_init(&f->m, 1);
    f->frames = 0;
    f->outputs = 0;
    flue_tcp_defaults(&params);
    assert_int_equal(timers_init(&f->timers, &f->m.env), FLUE_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(flue_tcp_new(&f->m.env, &f->timers, NULL, &params, &ops, f, i, &f->stack[i]), FLUE_OK);
    }
}

static void end(struct fixture *f)
{
    for (unsigned i = 0; i < 2; i++) {
        struct flue_tcp_totals totals;

        flue_tcp_totals(f->stack[i], &totals);
        assert_int_equal(totals.pool_objects_live, 0);
        flue_tcp_free(f->stack[i]);
    }
    assert_int_equal(f->timers.count, 0);
    timers_dispose(&f->timers);
    assert_true(manual_env_clean(&f->m));
}

/* Every field has a value of its own, so that a field that is forgotten or mixed up shows. */
static struct flue_tcp_state sample_state(void)
{
    return (struct flue_tcp_state){
        .tuple = {.local_ip = flue_ip_v4(1), .remote_ip = flue_ip_v4(2), .local_port = 3, .remote_port = 4},
        .const_flags = 0x4107, /* two bits that the engine does not know */
        .remote_port = 4,
        .local_port = 3,
        .snd_wscale = 5,
        .rcv_wscale = 6,
        .remote_mss = 1400,
        .hash_value = 0x12345678,
        .cached_flags = 0x1f,
        .initial_rcv_wnd = 200000,
        .rcv_indication_size = 17,
        .ka_probe_count = 8,
        .ka_timeout = 7200000,
        .ka_interval = 1000,
        .max_rt = 90000,
        .flow_label = 0xabcde,
        .ttl = 33,
        .tos = 9,
        .user_priority = 3,
        .state = FLUE_TCP_ESTABLISHED,
        .rcv_nxt = 0xfffffff0u,
        .rcv_wnd = 150000,
        .snd_una = 0xffffff00u,
        .snd_nxt = 0xffffff00u + 1000,
        .snd_max = 0xffffff00u + 1600,
        .snd_wnd = 50000,
        .max_snd_wnd = 60000,
        .snd_wl1 = 0xffffff80u,
        .cwnd = 12345,
        .ssthresh = 23456,
        .srtt = 801,
        .rttvar = 103,
        .ts_recent = 0xfffffffeu,
        .ts_recent_age = 55,
        .ts_time = 350,
        .total_rt = 77,
        .dup_acks = 2,
        .snd_wnd_probes = 4,
        .ka_probes = 2,
        .ka_delta = 123456,
        .rt_count = 1,
        .rt_delta = 250,
    };
}

static void queue(struct flue_tcp_conn *conn, uint32_t bytes)
{
    struct flue_span span = {.stream = 1, .length_bytes = bytes};

    assert_int_equal(flue_tcp_send(conn, &span, 0), FLUE_OK);
}

static void same_state(const struct flue_tcp_state *a, const struct flue_tcp_state *b)
{
    assert_memory_equal(&a->tuple, &b->tuple, sizeof(a->tuple));
#define FLUE_STATE(class_, name, type, unit, member, since) assert_int_equal(a->name, b->name);
#include "flue/state.def"
}

static const struct {
    const char *what;
    uint32_t state, una, nxt, max, wnd, rt_delta, queued;
    uint16_t srtt, rttvar;
    uint8_t dup_acks, rt_count, probes;
} variants[] = {
    {"rolled back", FLUE_TCP_ESTABLISHED, 0xffffff00u, 1000, 1600, 50000, 250, 3600, 801, 103, 2, 1, 0},
    {"nothing outstanding", FLUE_TCP_ESTABLISHED, 5, 0, 0, 50000, FLUE_STATE_NO_TIMER, 0, 801, 103, 0, 0, 0},
    {"no sample", FLUE_TCP_ESTABLISHED, 5, 10, 10, 50000, 900, 10, 0, 1000, 0, 0, 0},
    {"saturated", FLUE_TCP_CLOSE_WAIT, 5, 10, 10, 50000, 900, 10, 0xffff, 0xffff, 0, 0, 0},
    {"recovery, retransmission left", FLUE_TCP_ESTABLISHED, 5, 8000, 8000, 50000, 100, 9000, 800, 100, 7, 0, 0},
    {"recovery, retransmission due", FLUE_TCP_ESTABLISHED, 5, 0, 8000, 50000, 100, 9000, 800, 100, 3, 0, 0},
    {"persist", FLUE_TCP_ESTABLISHED, 0xffffffffu, 0, 1, 0, 1600, 500, 800, 100, 0, 1, 3},
    {"due at once", FLUE_TCP_ESTABLISHED, 5, 100, 100, 50000, 0, 100, 800, 100, 0, 4, 0},
    {"own FIN in flight", FLUE_TCP_FIN_WAIT_1, 5, 101, 101, 50000, 20, 100, 800, 100, 0, 0, 0},
    {"last ack", FLUE_TCP_LAST_ACK, 5, 1, 1, 50000, 20, 0, 800, 100, 0, 0, 0},
    {"closing", FLUE_TCP_CLOSING, 0xffffffffu, 1, 1, 50000, 20, 0, 800, 100, 0, 0, 0},
    {"fin-wait-2", FLUE_TCP_FIN_WAIT_2, 5, 0, 0, 50000, 110000, 0, 800, 100, 0, 0, 0},
};

/* chimney -> connection -> chimney is the identity, before and after flue_tcp_start(). */
static void round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(variants); i++) {
        for (unsigned started = 0; started < 2; started++) {
            struct flue_tcp_state in = sample_state();
            struct flue_tcp_state out;
            struct flue_tcp_conn *conn;
            struct fixture f;

            in.state = variants[i].state;
            in.snd_una = variants[i].una;
            in.snd_nxt = variants[i].una + variants[i].nxt;
            in.snd_max = variants[i].una + variants[i].max;
            in.snd_wnd = variants[i].wnd;
            in.rt_delta = variants[i].rt_delta;
            in.srtt = variants[i].srtt;
            in.rttvar = variants[i].rttvar;
            in.dup_acks = variants[i].dup_acks;
            in.rt_count = variants[i].rt_count;
            in.snd_wnd_probes = variants[i].probes;
            begin(&f);
            memset(&out, 0xa5, sizeof(out));
            assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 777 * MS, &conn), FLUE_OK);
            queue(conn, variants[i].queued);
            if (started) {
                flue_tcp_start(conn, 777 * MS);
            }
            assert_int_equal(flue_tcp_export(conn, 777 * MS, 0, &out), FLUE_OK);
            same_state(&in, &out);
            flue_tcp_release(conn);
            end(&f);
        }
    }
}

/* The documented sample: 1000 in flight, 600 rolled back, the rest never sent; retransmissions go first. */
static void rolled_back_data_goes_first(void **state)
{
    struct flue_tcp_state in = sample_state();
    struct flue_tcp_conn *conn;
    struct fixture f;

    (void)state;
    begin(&f);
    in.cwnd = 100000;
    assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_OK);
    queue(conn, 1800);
    assert_int_equal(f.outputs, 0);
    flue_tcp_start(conn, 0);
    assert_int_equal(f.outputs, 1);
    assert_int_equal(flue_tcp_output(conn, 1, 0), 0); /* 600 and 200 fit one segment of 1388 */
    assert_int_equal(f.last.seq, in.snd_una + 1000);
    assert_int_equal(f.last.payload.length_bytes, 800);
    assert_int_equal(f.last.payload.offset_bytes, 1000);
    assert_int_equal(conn->mss_bytes, 1388);
    assert_int_equal(conn->snd_max, in.snd_una + 1800);
    flue_tcp_release(conn);
    end(&f);
}

static void import_refuses(void **state)
{
    struct flue_tcp_state in = sample_state();
    struct flue_tcp_conn *conn;
    struct flue_tcp_conn *second;
    struct fixture f;

    (void)state;
    begin(&f);
    in.snd_nxt = in.snd_una - 1;
    assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_EINVAL);
    assert_null(conn);
    in = sample_state();
    in.snd_nxt = in.snd_max + 1;
    assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_EINVAL);
    in = sample_state();
    in.state = FLUE_TCP_SYN_RECEIVED;
    assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_EINVAL);
    in = sample_state();
    for (uint64_t n = 1; n <= 10; n++) {
        /* Memory runs out at each place in turn: nothing is left behind. */
        flue_err err;

        manual_env_fail(&f.m, n);
        err = flue_tcp_import(f.stack[0], &in, NULL, 1, 0, 0, &conn);
        manual_env_fail(&f.m, 0);
        assert_true(err == FLUE_OK || err == FLUE_ENOMEM);
        assert_int_equal(err == FLUE_OK, conn != NULL);
        if (conn != NULL) {
            flue_tcp_release(conn);
        }
    }
    assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_OK);
    assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &second), FLUE_EEXIST);
    flue_tcp_release(conn);
    end(&f);
}

static void export_refuses(void **state)
{
    struct flue_tcp_tuple tuple = {
        .local_ip = flue_ip_v4(1), .remote_ip = flue_ip_v4(2), .local_port = 3, .remote_port = 4};
    struct flue_tcp_state out;
    struct flue_tcp_conn *conn;
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(flue_tcp_connect(f.stack[0], &tuple, NULL, NULL, 1, 0, &conn), FLUE_OK);
    assert_int_equal(flue_tcp_export(conn, 0, 0, &out), FLUE_ESTATE);
    assert_int_equal(flue_tcp_export(conn, 0, 1, &out), FLUE_OK);
    assert_int_equal(out.state, FLUE_TCP_SYN_SENT);
    flue_tcp_release(conn);
    end(&f);
}

/* A segment of a connection on `stack` at `now_ms`; returns its timestamp. */
static uint32_t stamp(struct fixture *f, struct flue_tcp_conn *conn, int64_t now_ms)
{
    (void)tcp_emit_ack(conn, now_ms * MS);
    return f->last.ts_val;
}

static struct flue_tcp_conn *move(struct flue_tcp_conn *from, struct flue_tcp *to, int64_t from_ms, int64_t to_ms,
                                  uint32_t *ts_time)
{
    struct flue_tcp_state s;
    struct flue_tcp_conn *conn;

    assert_int_equal(flue_tcp_export(from, from_ms * MS, 0, &s), FLUE_OK);
    flue_tcp_release(from);
    *ts_time = s.ts_time;
    assert_int_equal(flue_tcp_import(to, &s, NULL, 1, 0, to_ms * MS, &conn), FLUE_OK);
    flue_tcp_start(conn, to_ms * MS);
    return conn;
}

/* Both holders' clocks differ; the peer sees one clock that goes on.  stack 100 and adapter 200 at the offload; and the
 * series in which the clocks drift apart before the upload. */
static void timestamp_clock_goes_on(void **state)
{
    static const struct {
        int64_t nic_upload, stack_upload, stack_send, stack_stamp, stack_again, nic_again, nic_send, nic_stamp;
    } cases[] = {
        {250, 150, 155, 155, 400, 320, 325, 405},
        {250, 200, 250, 200, 400, 320, 325, 355},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flue_tcp_state in = sample_state();
        struct flue_tcp_conn *conn;
        struct fixture f;
        uint32_t ts_time;

        begin(&f);
        in.snd_nxt = in.snd_max = in.snd_una;
        in.rt_delta = FLUE_STATE_NO_TIMER;
        in.ts_time = 100;
        assert_int_equal(flue_tcp_import(f.stack[0], &in, NULL, 1, 0, 100 * MS, &conn), FLUE_OK);
        assert_int_equal(conn->ts_offset, 0);
        flue_tcp_start(conn, 100 * MS);
        conn = move(conn, f.stack[1], 100, 200, &ts_time);
        assert_int_equal(ts_time, 100);
        assert_int_equal(conn->ts_offset, (uint32_t)-100);
        assert_int_equal(stamp(&f, conn, 205) - 100, 5);
        assert_int_equal(stamp(&f, conn, 210), 110);
        assert_int_equal(stamp(&f, conn, 215) - 110, 5);
        conn = move(conn, f.stack[0], cases[i].nic_upload, cases[i].stack_upload, &ts_time);
        assert_int_equal(ts_time, 150);
        assert_int_equal(conn->ts_offset, (uint32_t)(150 - cases[i].stack_upload));
        assert_int_equal(stamp(&f, conn, cases[i].stack_send), cases[i].stack_stamp);
        conn = move(conn, f.stack[1], cases[i].stack_again, cases[i].nic_again, &ts_time);
        assert_int_equal(ts_time, cases[i].stack_again + 150 - cases[i].stack_upload);
        assert_int_equal(stamp(&f, conn, cases[i].nic_send), cases[i].nic_stamp);
        flue_tcp_release(conn);
        end(&f);
    }
}

/* Deadlines travel as what is left of them, rounded up. */
static void deadlines_travel(void **state)
{
    static const struct {
        flue_ps after_ps;
        uint32_t delta;
    } cases[] = {{0, 250},      {1, 250},          {MS - 1, 250}, {MS, 249},    {MS + 1, 249},
                 {249 * MS, 1}, {250 * MS - 1, 1}, {250 * MS, 0}, {400 * MS, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flue_tcp_state in = sample_state();
        struct flue_tcp_state out;
        struct flue_tcp_conn *conn;
        struct fixture f;

        begin(&f);
        in.snd_nxt = in.snd_max;
        assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_OK);
        queue(conn, 1600);
        flue_tcp_start(conn, 0);
        assert_int_equal(flue_tcp_export(conn, cases[i].after_ps, 0, &out), FLUE_OK);
        assert_int_equal(out.rt_delta, cases[i].delta);
        flue_tcp_release(conn);
        end(&f);
    }
}

/* Behaviour 15.10: the wait for a window that is worth a segment begins anew with each holder, once it is over what the
 * window allows is due; and a limit of FIN-WAIT-2 goes on where it runs, by the same grid, and nowhere else. */
static void other_waits(void **state)
{
    enum { SWS_MS = 500, LIMIT_MS = 120000 };
    static const struct {
        uint32_t state, wnd, queued, told; /* told: rt_delta, as it comes */
        uint32_t after_ms, delta;          /* when it goes, and what it tells then */
        uint32_t due_ms;                   /* when the next one's timer expires; 0: it has none */
    } cases[] = {
        {FLUE_TCP_ESTABLISHED, 500, 3000, FLUE_STATE_NO_TIMER, 100, FLUE_STATE_NO_TIMER, 100 + SWS_MS},
        {FLUE_TCP_ESTABLISHED, 500, 3000, FLUE_STATE_NO_TIMER, SWS_MS, 0, 0},          /* it sends at once */
        {FLUE_TCP_ESTABLISHED, 500, 3000, 30, 100, FLUE_STATE_NO_TIMER, 100 + SWS_MS}, /* somebody else's */
        {FLUE_TCP_ESTABLISHED, 0, 3000, 300, 100, 200, 300},
        {FLUE_TCP_FIN_WAIT_2, 500, 0, 7000, 100, 6900, 7000},
        {FLUE_TCP_FIN_WAIT_2, 500, 0, LIMIT_MS, LIMIT_MS - 1, 1, LIMIT_MS},
        {FLUE_TCP_FIN_WAIT_2, 500, 0, FLUE_STATE_NO_TIMER, 100, FLUE_STATE_NO_TIMER, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flue_tcp_state told = sample_state();
        struct flue_tcp_conn *conn;
        struct fixture f;

        begin(&f);
        told.state = cases[i].state;
        told.cached_flags &= 0xfffe; /* no keep-alive */
        told.snd_max = told.snd_nxt = told.snd_una;
        told.snd_wnd = cases[i].wnd;
        told.rt_delta = cases[i].told;
        for (unsigned side = 0; side < 2; side++) {
            const flue_ps now_ps = side * cases[i].after_ms * MS;

            assert_int_equal(flue_tcp_import(f.stack[1 - side], &told, NULL, 1, 0, now_ps, &conn), FLUE_OK);
            if (cases[i].queued > 0) {
                queue(conn, cases[i].queued);
            }
            flue_tcp_start(conn, now_ps);
            assert_null(flue_tcp_check(conn));
            if (side == 0) {
                timers_run(&f.timers, cases[i].after_ms * MS); /* asks for output, and does not get it */
                assert_int_equal(flue_tcp_export(conn, cases[i].after_ms * MS, 0, &told), FLUE_OK);
                assert_int_equal(told.rt_delta, cases[i].delta);
                flue_tcp_release(conn);
            }
        }
        assert_int_equal(lean_timer_armed(&conn->timer), cases[i].due_ms != 0);
        assert_int_equal(lean_timer_armed(&conn->timer) ? conn->timer.due_ps : 0, cases[i].due_ms * MS);
        assert_int_equal(f.outputs, cases[i].after_ms == SWS_MS ? 2 : 0);
        flue_tcp_release(conn);
        end(&f);
    }
}

/* Keep-alive that stands when a connection comes (CH-296) goes on standing, whatever idle time is set afterwards. */
static void standing_keep_alive_stands(void **state)
{
    static const flue_ps idle_ps[] = {1, 7200001 * MS, 3 * 7200000 * MS, FLUE_PS_NEVER / 5, FLUE_PS_NEVER};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(idle_ps); i++) {
        struct flue_tcp_state in = sample_state();
        struct flue_tcp_settings settings;
        struct flue_tcp_conn *conn;
        struct fixture f;

        begin(&f);
        in.snd_nxt = in.snd_max = in.snd_una;
        in.rt_delta = in.ka_delta = FLUE_STATE_NO_TIMER;
        in.ka_probes = 0;
        assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 0, 0, &conn), FLUE_OK);
        flue_tcp_start(conn, 0);
        settings = *conn->settings;
        assert_int_equal(settings.keep_alive, 1);
        settings.keep_idle_ps = idle_ps[i];
        assert_int_equal(flue_tcp_change(conn, &settings, 10 * MS), FLUE_OK);
        timers_run(&f.timers, 100000 * MS);
        assert_int_equal(f.frames, 0);
        flue_tcp_release(conn);
        end(&f);
    }
}

static uint64_t timeouts(const struct fixture *f)
{
    uint64_t sum = 0;

    for (unsigned side = 0; side < 2; side++) {
        struct flue_tcp_totals totals;

        flue_tcp_totals(f->stack[side], &totals);
        sum += totals.timeouts;
    }
    return sum;
}

/* However often a connection moves, its retransmission is late by the grid of the ticks at most. */
static void moves_do_not_postpone_a_deadline(void **state)
{
    struct flue_tcp_state in = sample_state();
    struct flue_tcp_conn *conn;
    struct fixture f;
    flue_ps start_ps = 777 * MS + MS / 3;
    flue_ps now_ps = start_ps;

    (void)state;
    begin(&f);
    in.snd_nxt = in.snd_max;
    in.rt_delta = 250;
    assert_int_equal(flue_tcp_import(f.stack[0], &in, NULL, 1, 0, now_ps, &conn), FLUE_OK);
    queue(conn, 1600);
    flue_tcp_start(conn, now_ps);
    for (unsigned side = 1; timeouts(&f) == 0; side = 1 - side) {
        struct flue_tcp_state moved;

        assert_int_equal(flue_tcp_export(conn, now_ps, 0, &moved), FLUE_OK);
        flue_tcp_release(conn);
        assert_int_equal(flue_tcp_import(f.stack[side], &moved, NULL, 1, 0, now_ps, &conn), FLUE_OK);
        queue(conn, 1600);
        flue_tcp_start(conn, now_ps);
        now_ps += MS / 2;
        assert_true(now_ps - start_ps <= 252 * MS);
        f.m.now_ps = now_ps;
        timers_run(&f.timers, now_ps);
    }
    assert_true(now_ps - start_ps >= 249 * MS);
    flue_tcp_release(conn);
    end(&f);
}

/* The application reads while the connection is on its way: the new holder tells the peer, who may be waiting. */
static void window_that_opens_during_a_move_is_told(void **state)
{
    (void)state;
    for (unsigned reads = 0; reads < 2; reads++) {
        struct flue_tcp_state in = sample_state();
        struct flue_tcp_conn *conn;
        struct fixture f;

        begin(&f);
        in.initial_rcv_wnd = 4096;
        in.rcv_wnd = 0;
        in.snd_nxt = in.snd_max = in.snd_una;
        in.rt_delta = FLUE_STATE_NO_TIMER;
        assert_int_equal(flue_tcp_import(f.stack[1], &in, NULL, 1, 4096, 0, &conn), FLUE_OK);
        flue_tcp_consumed(conn, reads != 0 ? 4096 : 0, 0);
        assert_int_equal(f.frames, 0);
        flue_tcp_start(conn, 0);
        assert_int_equal(f.frames, reads);
        if (reads != 0) {
            assert_int_equal((uint32_t)f.last.window << in.rcv_wscale, 4096);
        }
        flue_tcp_release(conn);
        end(&f);
    }
}

/* A round trip below a tick is told as 0, and the timeout stays what it was; before any sample it is the initial one.
 */
static void round_trips_below_a_tick(void **state)
{
    struct pair_config config = pair_plain(1);
    struct flue_tcp_info info;
    struct pair pair;

    (void)state;
    config.delay_ps = 50 * FLUE_PS_PER_US;
    config.bytes[0] = 20000;
    config.closing = PAIR_CLOSE_NEVER;
    pair_init(&pair, &config);
    pair_open(&pair);
    pair_run(&pair);
    flue_tcp_info(pair.end[0].conn, &info);
    assert_in_range(info.srtt_ps, 1, MS - 1);
    assert_int_equal(info.rto_ps, 200 * MS);
    pair_move(&pair, 0);
    flue_tcp_info(pair.end[0].conn, &info);
    assert_int_equal(info.srtt_ps, 0);
    assert_int_equal(info.rto_ps, 200 * MS);
    pair_move(&pair, 0);
    flue_tcp_info(pair.end[0].conn, &info);
    assert_int_equal(info.rto_ps, 200 * MS);
    pair_dispose(&pair);
}

/* One end, in the middle of a bulk transfer, once: not one segment is repeated for it. */
static void one_move_costs_nothing(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        for (unsigned at = 3; at < 400; at += 13) {
            struct pair_config config = pair_plain(2);
            struct flue_tcp_totals totals;
            struct pair pair;
            uint64_t again = 0;

            config.bytes[0] = 400000;
            config.closing = PAIR_CLOSE_ACTIVE_FIRST;
            config.wrap = true;
            pair_init(&pair, &config);
            pair_open(&pair);
            for (unsigned i = 0; i < at; i++) {
                assert_true(pair_step(&pair));
            }
            pair_move(&pair, index);
            pair_run(&pair);
            for (unsigned side = 0; side < 2; side++) {
                flue_tcp_totals(pair.end[0].stack[side], &totals);
                again += totals.retransmits;
            }
            assert_int_equal(again, 0);
            pair_finish(&pair);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(rolled_back_data_goes_first),
        cmocka_unit_test(import_refuses),
        cmocka_unit_test(export_refuses),
        cmocka_unit_test(timestamp_clock_goes_on),
        cmocka_unit_test(deadlines_travel),
        cmocka_unit_test(other_waits),
        cmocka_unit_test(standing_keep_alive_stands),
        cmocka_unit_test(moves_do_not_postpone_a_deadline),
        cmocka_unit_test(window_that_opens_during_a_move_is_told),
        cmocka_unit_test(round_trips_below_a_tick),
        cmocka_unit_test(one_move_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
