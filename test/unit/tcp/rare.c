/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/rare.c - what an idle connection consists of, and what hardly any has besides. */
#include "base/image.h"
#include "support/manual_env.h"
#include "support/test.h"
#include "tcp/conn.h"

static unsigned frames_out;

static flue_ps output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    (void)owner;
    (void)conn;
    (void)frame;
    (void)again;
    frames_out++;
    return at_ps;
}

static void event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    (void)owner;
    (void)conn;
    (void)event;
}

static uint64_t objects(const struct flue_tcp *stack)
{
    struct flue_tcp_totals totals;

    flue_tcp_totals(stack, &totals);
    return totals.pool_objects_live;
}

/* Nothing under way. */
static struct flue_tcp_state idle_state(uint16_t const_flags, uint32_t total_rt)
{
    return (struct flue_tcp_state){
        .tuple = {.local_ip = flue_ip_v4(1), .remote_ip = flue_ip_v4(2), .local_port = 3, .remote_port = 4},
        .const_flags = const_flags,
        .remote_port = 4,
        .local_port = 3,
        .remote_mss = 1400,
        .initial_rcv_wnd = 200000,
        .ttl = 33,
        .state = FLUE_TCP_ESTABLISHED,
        .rcv_wnd = 200000,
        .snd_wnd = 50000,
        .max_snd_wnd = 60000,
        .cwnd = 12345,
        .ssthresh = 23456,
        .total_rt = total_rt,
        .ka_delta = FLUE_STATE_NO_TIMER,
        .rt_delta = FLUE_STATE_NO_TIMER,
    };
}

static const struct flue_tcp_ops ops = {.output = output, .event = event};

/* A stack with one connection. */
struct bench {
    struct manual_env env;
    struct timers timers;
    struct flue_tcp *stack;
    struct flue_tcp_conn *conn;
};

static void start(struct bench *bench, const struct flue_tcp_params *params)
{
    manual_env_init(&bench->env, 1);
    assert_int_equal(timers_init(&bench->timers, &bench->env.env), FLUE_OK);
    assert_int_equal(flue_tcp_new(&bench->env.env, &bench->timers, NULL, params, &ops, NULL, 0, &bench->stack),
                     FLUE_OK);
}

static void import(struct bench *bench, const struct flue_tcp_state *in)
{
    assert_int_equal(flue_tcp_import(bench->stack, in, NULL, 1, 0, 0, &bench->conn), FLUE_OK);
    flue_tcp_start(bench->conn, 0);
    assert_null(flue_tcp_check(bench->conn));
}

static void stop(struct bench *bench)
{
    flue_tcp_release(bench->conn);
    assert_int_equal(objects(bench->stack), 0);
    flue_tcp_free(bench->stack);
    timers_dispose(&bench->timers);
    assert_true(manual_env_clean(&bench->env));
}

/* Each costs only the connection that has it, and comes out again. */
static void what_is_rare_is_paid_for_by_its_owner(void **state)
{
    static const struct {
        uint16_t const_flags; /* 7: what the engine knows */
        uint32_t total_rt;
        uint64_t objects; /* the connection, its path, its settings, and what else it needs */
    } cases[] = {{7, 0, 3}, {0x4007, 0, 4}, {7, 1, 4}, {0x4007, 1, 5}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct flue_tcp_state in = idle_state(cases[i].const_flags, cases[i].total_rt);
        struct flue_tcp_params params;
        struct flue_tcp_state out;
        struct bench bench;

        flue_tcp_defaults(&params);
        start(&bench, &params);
        import(&bench, &in);
        assert_int_equal(objects(bench.stack), cases[i].objects);
        flue_tcp_peek(bench.conn, 0, &out);
        assert_int_equal(out.const_flags, in.const_flags);
        assert_int_equal(out.total_rt, in.total_rt);
        stop(&bench);
    }
}

/* An ACK of ours as the peer sends it. */
static struct flue_frame ack_of(uint32_t seq, uint32_t ack)
{
    return (struct flue_frame){.src_ip = flue_ip_v4(2),
                               .dst_ip = flue_ip_v4(1),
                               .src_port = 4,
                               .dst_port = 3,
                               .seq = seq,
                               .ack = ack,
                               .flags = FLUE_TCP_ACK,
                               .window = 50000};
}

/* Where nothing can be counted for want of memory keep-alive probes are answered all the same: else the peer takes the
 * connection for dead.  How often in a second is limited for all such connections together. */
static void probes_are_answered_without_memory(void **state)
{
    static const unsigned most = 16;

    (void)state;
    for (unsigned has_memory = 0; has_memory < 2; has_memory++) {
        const struct flue_tcp_state in = idle_state(0, 0);
        const struct flue_frame probe = ack_of(UINT32_MAX, 0);
        struct flue_tcp_params params;
        struct bench bench;

        flue_tcp_defaults(&params);
        start(&bench, &params);
        import(&bench, &in);
        manual_env_fail(&bench.env, has_memory ? 0 : 1);
        for (unsigned second = 1; second < 4; second++) {
            frames_out = 0;
            for (unsigned i = 0; i < 2 * most; i++) {
                flue_tcp_input(bench.stack, bench.conn, &probe, second * FLUE_PS_PER_S, 1);
            }
            assert_int_equal(frames_out, most);
        }
        assert_int_equal(objects(bench.stack), has_memory ? 4 : 3);
        stop(&bench);
    }
}

/* ---- RFC 6582 "recover": the engine's alone, and without a place of its own once all is acknowledged */

static void expect_recover(const struct flue_tcp_conn *conn, uint32_t seq)
{
    assert_true((conn->flags & TCP_RECOVER) != 0);
    assert_int_equal(tcp_recover_seq(conn), seq);
    assert_null(flue_tcp_check(conn));
}

static void send_bytes(struct bench *bench, uint64_t offset, uint32_t bytes, flue_ps now_ps)
{
    const struct flue_span span = {.offset_bytes = offset, .length_bytes = bytes};

    assert_int_equal(flue_tcp_send(bench->conn, &span, now_ps), FLUE_OK);
    while (flue_tcp_output(bench->conn, 100, now_ps) != 0) {
    }
    assert_int_equal(bench->conn->snd_max - bench->conn->snd_una, bytes);
}

static void hear(struct bench *bench, uint32_t ack, flue_ps now_ps)
{
    const struct flue_frame frame = ack_of(0, ack);

    flue_tcp_input(bench->stack, bench->conn, &frame, now_ps, 1);
    (void)!flue_tcp_output(bench->conn, 100, now_ps);
}

static void expire(struct bench *bench)
{
    const flue_ps due_ps = bench->conn->timer.due_ps;

    timers_run(&bench->timers, due_ps);
    assert_true((bench->conn->flags & TCP_TIMER_DUE) != 0);
    flue_tcp_timeout(bench->conn, due_ps);
    (void)!flue_tcp_output(bench->conn, 100, due_ps);
}

/* Whatever the algorithm does to its window, losses and timeouts leave it where the engine has put it: at SND.MAX.  An
 * idle connection has it at SND.UNA; data that goes on behind it takes it away. */
static void recover_is_the_engines_alone(void **state)
{
    static const uint32_t firsts[] = {0, UINT32_MAX - 5000, UINT32_MAX - 9999, UINT32_MAX - 11000};
    static const uint32_t bytes = 10000;

    (void)state;
    for (unsigned which = 0; which < 2 * COUNT_OF(firsts); which++) {
        const uint32_t first = firsts[which / 2];
        struct flue_tcp_state in = idle_state(0, 0);
        struct flue_tcp_settings settings;
        struct flue_tcp_params params;
        struct bench bench;

        flue_tcp_defaults(&params);
        start(&bench, &params);
        in.snd_una = in.snd_nxt = in.snd_max = first;
        import(&bench, &in);
        settings = *flue_tcp_settings(bench.conn);
        settings.congestion = which % 2 == 0 ? FLUE_TCP_NEWRENO : FLUE_TCP_CUBIC;
        assert_int_equal(flue_tcp_change(bench.conn, &settings, 0), FLUE_OK);
        assert_ptr_equal(bench.conn->active, &bench.stack->idle);
        send_bytes(&bench, 0, bytes, 1);
        assert_int_equal(bench.conn->active->recover, 0);
        for (unsigned i = 0; i < 5; i++) {
            hear(&bench, first, 2);
        }
        assert_int_equal(bench.conn->recovery, FLUE_TCP_CA_RECOVERY);
        expect_recover(bench.conn, first + bytes);
        hear(&bench, first + 3000, 3);
        expect_recover(bench.conn, first + bytes);
        for (unsigned again = 0; again < 2; again++) {
            expire(&bench);
            expect_recover(bench.conn, bench.conn->snd_max);
        }
        hear(&bench, bench.conn->snd_max, bench.conn->last_ps + 1);
        assert_ptr_equal(bench.conn->active, &bench.stack->idle); /* the active part has gone, with its number */
        expect_recover(bench.conn, first + bytes);
        send_bytes(&bench, bytes, 2000, bench.conn->last_ps + 1);
        expect_recover(bench.conn, first + bytes);
        assert_int_equal(bench.conn->active->recover, first + bytes);
        hear(&bench, first + bytes + 1000, bench.conn->last_ps + 1);
        assert_true((bench.conn->flags & TCP_RECOVER) == 0);
        assert_int_equal(bench.conn->active->recover, 0);
        assert_null(flue_tcp_check(bench.conn));
        stop(&bench);
    }
}

/* An image may tell a number for "recover" where the flag says that it has no meaning.  Such a connection costs no more
 * than another. */
static void a_number_without_meaning_is_forgotten(void **state)
{
    static uint8_t image[8192];
    const struct flue_tcp_state in = idle_state(0, 1);
    struct flue_tcp_params params;
    struct image_reader reader;
    struct image_writer writer;
    struct bench from, to;
    size_t bytes;

    (void)state;
    flue_tcp_defaults(&params);
    start(&from, &params);
    import(&from, &in);
    from.conn->active->recover = 77;
    from.conn->active->total_rt_ticks = 0;
    image_writer_start(&writer, image, sizeof image);
    assert_int_equal(flue_tcp_image_write(from.conn, &writer, 0), FLUE_OK);
    bytes = image_writer_end(&writer);
    assert_true(bytes <= sizeof image);
    stop(&from);
    start(&to, &params);
    assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_OK);
    assert_int_equal(flue_tcp_image_read(to.stack, &reader, NULL, 1, 0, &to.conn), FLUE_OK);
    flue_tcp_image_resume(to.conn, 0);
    assert_int_equal(objects(to.stack), 3);
    stop(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_rare_is_paid_for_by_its_owner),
        cmocka_unit_test(probes_are_answered_without_memory),
        cmocka_unit_test(recover_is_the_engines_alone),
        cmocka_unit_test(a_number_without_meaning_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
