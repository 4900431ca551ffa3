/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/segments.c - one segment at a time: handshake options, RST and SYN checks, PAWS, acknowledgement policy. */
#include "support/test.h"
#include "tcp/conn.h"
#include "pair.h"

/* What end 1 sent last, and how much. */
struct seen {
    struct flue_frame last[2];
    unsigned count[2];
};

static bool watch(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    struct seen *seen = pair->filter_arg;

    seen->last[from] = *frame;
    seen->count[from]++;
    return true;
}

static void connect_pair(struct pair *pair, struct pair_config *config, struct seen *seen)
{
    *seen = (struct seen){0};
    config->closing = PAIR_CLOSE_NEVER;
    config->wrap = true;
    pair_init(pair, config);
    pair->filter = watch;
    pair->filter_arg = seen;
    pair_open(pair);
    pair_run(pair);
    assert_true(pair->end[0].connected && pair->end[1].connected);
}

/* A frame to end 1 as from its peer, by default a pure ACK in sequence. */
static struct flue_frame to_one(struct pair *pair)
{
    const struct flue_tcp_conn *conn = pair->end[1].conn;

    return (struct flue_frame){.src_ip = conn->path->remote_ip,
                               .dst_ip = conn->path->local_ip,
                               .src_port = conn->remote_port,
                               .dst_port = conn->local_port,
                               .seq = conn->rcv_nxt,
                               .ack = conn->snd_una,
                               .window = 1000,
                               .flags = FLUE_TCP_ACK,
                               .options = (conn->flags & TCP_TIMESTAMPS) != 0 ? FLUE_OPT_TIMESTAMP : 0,
                               .ts_val = conn->ts_recent,
                               .ethertype = FLUE_ETHERTYPE_IPV4};
}

static void feed(struct pair *pair, const struct flue_frame *frame)
{
    struct flue_tcp *stack = pair->end[1].stack[0];

    flue_tcp_input(stack, flue_tcp_find(stack, frame), frame, pair->now_ps, 1);
}

static void options_are_negotiated(void **state)
{
    static const struct {
        uint32_t ts[2], ws[2], mss[2];
    } cases[] = {{{1, 1}, {1, 1}, {1460, 1460}},
                 {{1, 0}, {1, 1}, {1460, 536}},
                 {{0, 1}, {0, 1}, {8960, 1460}},
                 {{1, 1}, {1, 0}, {1000, 9000}}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pair_config config = pair_plain(3);
        uint32_t mss = cases[i].mss[0] < cases[i].mss[1] ? cases[i].mss[0] : cases[i].mss[1];
        bool ts = cases[i].ts[0] && cases[i].ts[1];
        bool ws = cases[i].ws[0] && cases[i].ws[1];
        struct seen seen;
        struct pair pair;

        for (unsigned k = 0; k < 2; k++) {
            config.params[k].timestamps = cases[i].ts[k];
            config.params[k].window_scaling = cases[i].ws[k];
            config.params[k].mss_bytes = cases[i].mss[k];
            config.params[k].rcv_buffer_bytes = 1u << 20;
        }
        connect_pair(&pair, &config, &seen);
        for (unsigned k = 0; k < 2; k++) {
            struct flue_tcp_info info;

            flue_tcp_info(pair.end[k].conn, &info);
            assert_int_equal(info.state, FLUE_TCP_ESTABLISHED);
            assert_int_equal(info.mss_bytes, ts ? mss - 12 : mss);
            assert_int_equal(info.rcv_wscale, ws ? 5 : 0);
            assert_int_equal(info.snd_wscale, ws ? 5 : 0);
            assert_int_equal(pair.end[k].stack[0]->totals.retransmits, 0);
        }
        assert_int_equal(seen.count[0], 2);
        assert_int_equal(seen.count[1], 1);
        assert_int_equal((seen.last[0].options & FLUE_OPT_TIMESTAMP) != 0, ts);
        pair_dispose(&pair);
    }
}

/* RFC 9293 3.10.7.4 second and fourth, RFC 5961: only RST at RCV.NXT resets. */
static void resets_and_syns(void **state)
{
    static const struct {
        uint8_t flags;
        int32_t offset; /* from RCV.NXT */
        bool closes, answered;
    } cases[] = {
        {FLUE_TCP_RST, 0, true, false},      {FLUE_TCP_RST | FLUE_TCP_ACK, 0, true, false},
        {FLUE_TCP_RST, 1, false, true},      {FLUE_TCP_RST, 60000, false, true},
        {FLUE_TCP_RST, -1, false, false},    {FLUE_TCP_RST, 300000, false, false},
        {FLUE_TCP_SYN, 0, false, true},      {FLUE_TCP_SYN | FLUE_TCP_ACK, 5, false, true},
        {FLUE_TCP_SYN, -70000, false, true}, {FLUE_TCP_ACK, -5, false, true}, /* old: not acceptable */
        {FLUE_TCP_ACK, 500000, false, true},                                  /* beyond the window */
        {FLUE_TCP_ACK, 0, false, false},     {FLUE_TCP_PSH, 0, false, false}, /* no ACK: dropped */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pair_config config = pair_plain(4);
        struct flue_frame frame;
        struct seen seen;
        struct pair pair;
        unsigned before;

        connect_pair(&pair, &config, &seen);
        frame = to_one(&pair);
        frame.flags = cases[i].flags;
        frame.seq += (uint32_t)cases[i].offset;
        before = seen.count[1];
        feed(&pair, &frame);
        assert_int_equal(pair.end[1].closed, cases[i].closes);
        assert_int_equal(seen.count[1] - before, cases[i].answered);
        if (cases[i].closes) {
            assert_int_equal(pair.end[1].reason, FLUE_TCP_BY_RESET);
        } else {
            assert_int_equal(pair.end[1].conn->state, FLUE_TCP_ESTABLISHED);
        }
        if (cases[i].answered) {
            assert_int_equal(seen.last[1].flags, FLUE_TCP_ACK);
            assert_int_equal(seen.last[1].ack, pair.end[1].conn->rcv_nxt);
        }
        pair_dispose(&pair);
    }
}

static void ack_of_what_was_never_sent(void **state)
{
    struct pair_config config = pair_plain(4);
    struct flue_frame frame;
    struct seen seen;
    struct pair pair;

    (void)state;
    connect_pair(&pair, &config, &seen);
    frame = to_one(&pair);
    frame.ack = pair.end[1].conn->snd_max + 1;
    frame.payload = (struct flue_span){.stream = 1, .length_bytes = 10};
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 2);
    assert_int_equal(pair.end[1].received, 0);
    pair_dispose(&pair);
}

static void paws(void **state)
{
    struct pair_config config = pair_plain(4);
    struct flue_frame frame;
    struct seen seen;
    struct pair pair;

    (void)state;
    connect_pair(&pair, &config, &seen);
    pair.end[1].conn->ts_recent = 5; /* so that the stamps on both sides of 0 are tried */
    pair.end[0].written = 30;
    frame = to_one(&pair);
    frame.payload = (struct flue_span){.stream = 1000, .length_bytes = 10};
    frame.ts_val = 0xfffffff0u;
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 2); /* an ACK, and the data dropped */
    assert_int_equal(pair.end[1].received, 0);
    frame.options = 0;
    feed(&pair, &frame); /* without a stamp: dropped silently */
    assert_int_equal(seen.count[1], 2);
    assert_int_equal(pair.end[1].received, 0);
    frame.options = FLUE_OPT_TIMESTAMP;
    frame.ts_val = 6;
    feed(&pair, &frame);
    assert_int_equal(pair.end[1].received, 10);
    assert_int_equal(pair.end[1].conn->ts_recent, 6);
    /* After 24 days of silence the old stamp no longer counts. */
    pair.end[1].ts_known = false;
    pair.now_ps += 25 * 24 * 3600 * FLUE_PS_PER_S;
    frame.seq += 10;
    frame.payload.offset_bytes = 10;
    frame.ts_val = 5;
    feed(&pair, &frame);
    assert_int_equal(pair.end[1].received, 20);
    pair_dispose(&pair);
}

static struct flue_frame data_frame(struct pair *pair, uint32_t offset, uint32_t length)
{
    struct flue_frame frame = to_one(pair);

    frame.seq = pair->end[1].conn->rcv_nxt - (uint32_t)pair->end[1].received + offset;
    frame.payload = (struct flue_span){.stream = 1000, .offset_bytes = offset, .length_bytes = length};
    return frame;
}

/* RFC 5681 4.2. */
static void acknowledgements(void **state)
{
    struct pair_config config = pair_plain(4);
    struct flue_frame frame;
    struct seen seen;
    struct pair pair;
    flue_ps sent_ps;

    (void)state;
    connect_pair(&pair, &config, &seen);
    pair.end[0].written = 100000;
    seen.count[1] = 0;
    frame = data_frame(&pair, 0, 100);
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 0); /* one segment: delayed */
    sent_ps = pair.now_ps;
    while (seen.count[1] == 0 && pair_step(&pair)) {
    }
    assert_int_equal(seen.count[1], 1);
    assert_int_equal(pair.now_ps - sent_ps, 40 * FLUE_PS_PER_MS);
    frame = data_frame(&pair, 100, 100);
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 1);
    frame = data_frame(&pair, 200, 100);
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 2); /* every second */
    assert_int_equal(seen.last[1].ack, frame.seq + 100);
    frame = data_frame(&pair, 500, 100);
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 3); /* a gap: at once */
    frame = data_frame(&pair, 500, 100);
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 4); /* and for each more */
    frame = data_frame(&pair, 300, 200);
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 5); /* the gap is filled: at once */
    assert_int_equal(pair.end[1].received, 600);
    frame = data_frame(&pair, 550, 100); /* half of it is old */
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 6);
    assert_int_equal(pair.end[1].received, 650);
    frame = data_frame(&pair, 650, 100);
    frame.flags |= FLUE_TCP_FIN;
    pair.config.bytes[0] = 750;
    feed(&pair, &frame);
    assert_int_equal(seen.count[1], 7); /* a FIN: at once */
    assert_int_equal(seen.last[1].ack, frame.seq + 101);
    assert_true(pair.end[1].peer_fin);
    flue_tcp_flush_ack(pair.end[1].conn, pair.now_ps);
    assert_int_equal(seen.count[1], 7); /* nothing is owed */
    pair_dispose(&pair);
}

static void a_fin_out_of_order_waits(void **state)
{
    struct pair_config config = pair_plain(4);
    struct flue_frame frame;
    struct seen seen;
    struct pair pair;

    (void)state;
    connect_pair(&pair, &config, &seen);
    pair.end[0].written = 200;
    pair.config.bytes[0] = 200;
    frame = data_frame(&pair, 100, 100);
    frame.flags |= FLUE_TCP_FIN;
    feed(&pair, &frame);
    assert_false(pair.end[1].peer_fin);
    frame = data_frame(&pair, 0, 100);
    feed(&pair, &frame);
    assert_true(pair.end[1].peer_fin);
    assert_int_equal(pair.end[1].received, 200);
    assert_int_equal(pair.end[1].conn->state, FLUE_TCP_CLOSE_WAIT);
    pair_dispose(&pair);
}

/* RFC 9293 3.10.7.1 and 3.10.7.3. */
static void without_a_connection(void **state)
{
    struct pair_config config = pair_plain(4);
    struct flue_frame frame;
    struct seen seen = {0};
    struct pair pair;

    (void)state;
    pair_init(&pair, &config);
    pair.filter = watch;
    pair.filter_arg = &seen;
    frame = (struct flue_frame){.src_ip = flue_ip_v4(1),
                                .dst_ip = flue_ip_v4(0x0a000002u),
                                .src_port = 5,
                                .dst_port = 81,
                                .seq = 0xfffffffeu,
                                .flags = FLUE_TCP_SYN};
    flue_tcp_input(pair.end[1].stack[0], NULL, &frame, 0, 0);
    assert_int_equal(seen.count[1], 0); /* not asked to answer */
    flue_tcp_input(pair.end[1].stack[0], NULL, &frame, 0, 1);
    assert_int_equal(seen.last[1].flags, FLUE_TCP_RST | FLUE_TCP_ACK);
    assert_int_equal(seen.last[1].ack, 0xffffffffu);
    frame.flags = FLUE_TCP_ACK;
    frame.ack = 77;
    frame.dst_port = 80;
    flue_tcp_input(pair.end[1].stack[0], NULL, &frame, 0, 1);
    assert_int_equal(seen.last[1].flags, FLUE_TCP_RST);
    assert_int_equal(seen.last[1].seq, 77);
    frame.flags = FLUE_TCP_RST;
    flue_tcp_input(pair.end[1].stack[0], NULL, &frame, 0, 1);
    assert_int_equal(seen.count[1], 2);
    pair_dispose(&pair);
}

static void a_refused_connection_ends(void **state)
{
    struct pair_config config = pair_plain(4);
    struct pair pair;

    (void)state;
    pair_init(&pair, &config);
    pair.end[1].closed = true; /* its accept refuses */
    pair_open(&pair);
    while (!pair.end[0].closed && pair_step(&pair)) {
    }
    assert_true(pair.end[0].closed);
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_RESET);
    pair_dispose(&pair);
}

static bool lose_all(struct pair *pair, unsigned from, const struct flue_frame *frame)
{
    (void)pair;
    (void)from;
    (void)frame;
    return false;
}

/* RFC 6298 5.5, 5.7: 1 s, 2 s, 4 s ... between SYNs, and the end after max_retransmits. */
static void syns_back_off(void **state)
{
    struct pair_config config = pair_plain(4);
    struct pair pair;

    (void)state;
    config.params[0].max_syn_retransmits = 5;
    pair_init(&pair, &config);
    pair.filter = lose_all;
    pair_open(&pair);
    while (!pair.end[0].closed && pair_step(&pair)) {
    }
    assert_int_equal(pair.end[0].frames_out, 6);
    assert_int_equal(pair.end[0].reason, FLUE_TCP_BY_TIMEOUT);
    assert_int_equal(pair.now_ps, (1 + 2 + 4 + 8 + 16 + 32) * FLUE_PS_PER_S);
    pair_dispose(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_negotiated),
        cmocka_unit_test(resets_and_syns),
        cmocka_unit_test(ack_of_what_was_never_sent),
        cmocka_unit_test(paws),
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(a_fin_out_of_order_waits),
        cmocka_unit_test(without_a_connection),
        cmocka_unit_test(a_refused_connection_ends),
        cmocka_unit_test(syns_back_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
