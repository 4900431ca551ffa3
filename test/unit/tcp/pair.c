/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/pair.c - two TCP ends in virtual time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"
#include "tcp/conn.h"
#include "pair.h"

#define STREAM(index, position, run) (1000u * ((index) + 1) + (uint32_t)((position) / (run)) % 900u)

struct pair_config pair_plain(uint64_t seed)
{
    struct pair_config config = {
        .seed = seed,
        .chunk_bytes = 20000,
        .run_bytes = 1u << 30,
        .delay_ps = FLUE_PS_PER_MS,
        .limit_ps = 4000 * FLUE_PS_PER_S,
    };

    flue_tcp_defaults(&config.params[0]);
    flue_tcp_defaults(&config.params[1]);
    return config;
}

static void fly(struct pair *pair, unsigned to, const struct flue_frame *frame, flue_ps at_ps)
{
    assert_true(pair->flying < PAIR_FRAMES);
    pair->flights[pair->flying++] =
        (struct pair_flight){.at_ps = at_ps, .order = pair->next_order++, .to = to, .frame = *frame};
}

static flue_ps output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    struct pair_end *end = owner;
    struct pair *pair = end->pair;
    const struct pair_config *config = &pair->config;
    bool lost = rng_chance_ppm(&pair->rng, config->loss_ppm);
    bool doubled = rng_chance_ppm(&pair->rng, config->double_ppm);
    bool late = rng_chance_ppm(&pair->rng, config->reorder_ppm);
    uint64_t by = rng_below(&pair->rng, (uint64_t)config->delay_ps * 4);
    flue_ps next_ps = at_ps + FLUE_PS_PER_US;

    (void)again;
    end->frames_out++;
    assert_true(frame->payload.length_bytes <= config->params[0].mss_bytes ||
                frame->payload.length_bytes <= config->params[1].mss_bytes);
    if (conn != NULL && (frame->options & FLUE_OPT_TIMESTAMP) != 0) {
        if (end->ts_known) {
            assert_true(seq_geq(frame->ts_val, end->last_ts));
        }
        end->last_ts = frame->ts_val;
        end->ts_known = true;
    }
    if (conn != NULL && (frame->flags & (FLUE_TCP_ACK | FLUE_TCP_RST)) == FLUE_TCP_ACK) {
        uint8_t scale = (frame->flags & FLUE_TCP_SYN) != 0 ? 0 : conn->rcv_wscale;
        uint32_t edge = frame->ack + ((uint32_t)frame->window << scale);

        /* D-31, but for what the window scale rounds away (RFC 7323 2.4). */
        if (end->edge_known) {
            assert_true(seq_gt(edge + (1u << scale), end->edge));
        }
        if (!end->edge_known || seq_gt(edge, end->edge)) {
            end->edge = edge;
            end->edge_known = true;
        }
    }
    if (frame->payload.length_bytes > 0 && pair->end[1 - end->index].edge_known) {
        /* Nothing beyond the window ever offered, but for the byte of a probe. */
        assert_true(seq_leq(frame->seq + frame->payload.length_bytes, pair->end[1 - end->index].edge + 1));
    }
    if (pair->filter != NULL && !pair->filter(pair, end->index, frame)) {
        lost = true;
    }
    if (!lost) {
        flue_ps arrival_ps = next_ps + config->delay_ps + (late ? (flue_ps)by : 0);

        fly(pair, 1 - end->index, frame, arrival_ps);
        if (doubled) {
            fly(pair, 1 - end->index, frame, arrival_ps + (flue_ps)by / 2);
        }
    }
    return next_ps;
}

static void write_more(struct pair_end *end)
{
    struct pair *pair = end->pair;
    const struct pair_config *config = &pair->config;
    uint64_t total = config->bytes[end->index];

    while ((end->connected || config->write_early) && !end->app_closed && end->written < total &&
           end->written - end->acked < 60000) {
        uint64_t run = config->run_bytes - end->written % config->run_bytes;
        uint64_t length = 1 + rng_below(&pair->rng, config->chunk_bytes);
        struct flue_span span;

        length = length > run ? run : length;
        length = length > total - end->written ? total - end->written : length;
        span = (struct flue_span){.offset_bytes = end->written,
                                  .stream = STREAM(end->index, end->written, config->run_bytes),
                                  .length_bytes = (uint32_t)length};
        end->written += length;
        assert_int_equal(flue_tcp_send(end->conn, &span, end->env.now_ps), FLUE_OK);
    }
    if (end->connected && !end->app_closed && end->written == total) {
        bool now = config->closing == PAIR_CLOSE_WHEN_WRITTEN ||
                   (config->closing == PAIR_CLOSE_ACTIVE_FIRST && (end->index == 0 || end->peer_fin)) ||
                   (config->closing == PAIR_CLOSE_PASSIVE_FIRST && (end->index == 1 || end->peer_fin));

        if (now) {
            end->app_closed = true;
            assert_int_equal(flue_tcp_close(end->conn, end->env.now_ps), FLUE_OK);
        }
    }
}

static void take(struct pair_end *end, const struct flue_span *span)
{
    struct pair *pair = end->pair;
    uint32_t run = pair->config.run_bytes;
    unsigned from = 1 - end->index;

    assert_null(span->memory);
    assert_true(span->length_bytes > 0);
    assert_int_equal(span->offset_bytes, end->received);
    assert_int_equal(span->stream, STREAM(from, end->received, run));
    assert_int_equal(span->stream, STREAM(from, end->received + span->length_bytes - 1, run));
    end->received += span->length_bytes;
    assert_true(end->received <= pair->end[from].written);
}

static void event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    struct pair_end *end = owner;
    struct pair *pair = end->pair;

    assert_false(end->closed);
    if (end->conn == NULL) {
        end->conn = conn;
    }
    assert_ptr_equal(end->conn, conn);
    assert_true(event->at_ps >= pair->now_ps);
    switch (event->kind) {
    case FLUE_TCP_EV_CONNECTED:
        assert_false(end->connected);
        end->connected = true;
        write_more(end);
        break;
    case FLUE_TCP_EV_DATA:
        assert_true(end->connected && !end->peer_fin);
        take(end, &event->span);
        if (pair->config.reading[end->index] == PAIR_READ_AT_ONCE) {
            flue_tcp_consumed(conn, event->span.length_bytes, event->at_ps);
        } else {
            end->unread += event->span.length_bytes;
            if (end->read_ps == FLUE_PS_NEVER) {
                if (pair->config.reading[end->index] == PAIR_READ_STALLED && end->stall_until_ps == 0) {
                    end->stall_until_ps = pair->now_ps + 3 * FLUE_PS_PER_S;
                }
                end->read_ps = pair->now_ps + (flue_ps)rng_below(&pair->rng, 3 * FLUE_PS_PER_MS);
                end->read_ps = end->read_ps < end->stall_until_ps ? end->stall_until_ps : end->read_ps;
            }
        }
        break;
    case FLUE_TCP_EV_ACKED:
        end->acked += event->bytes;
        assert_true(end->acked <= end->written);
        write_more(end);
        break;
    case FLUE_TCP_EV_PEER_FIN:
        assert_false(end->peer_fin);
        end->peer_fin = true;
        assert_int_equal(end->received, pair->config.bytes[1 - end->index]);
        write_more(end);
        break;
    case FLUE_TCP_EV_FIN_ACKED:
        assert_false(end->fin_acked);
        assert_true(end->app_closed);
        end->fin_acked = true;
        break;
    case FLUE_TCP_EV_URGENT:
        break;
    case FLUE_TCP_EV_OUTPUT:
        assert_false(end->want_output);
        end->want_output = true;
        break;
    case FLUE_TCP_EV_TIMER:
        flue_tcp_timeout(conn, event->at_ps);
        break;
    case FLUE_TCP_EV_CLOSED:
        end->closed = true;
        end->reason = event->reason;
        end->want_output = false;
        end->read_ps = FLUE_PS_NEVER;
        flue_tcp_release(conn);
        end->conn = NULL;
        break;
    }
}

static void *accept_any(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings,
                        int *refuse_silently)
{
    struct pair_end *end = owner;

    (void)settings;
    (void)refuse_silently;
    assert_int_equal(tuple->local_ip.word[3], 0x0a000001u + end->index);
    return end->closed || end->conn != NULL ? NULL : end;
}

static struct flue_tcp_tuple tuple_of(unsigned index)
{
    return (struct flue_tcp_tuple){.local_ip = flue_ip_v4(0x0a000001u + index),
                                   .remote_ip = flue_ip_v4(0x0a000001u + (1 - index)),
                                   .local_port = index == 0 ? 4000 : 80,
                                   .remote_port = index == 0 ? 80 : 4000};
}

void pair_init(struct pair *pair, const struct pair_config *config)
{
    static const struct flue_tcp_ops ops = {.output = output, .event = event, .accept = accept_any};

    *pair = (struct pair){.config = *config};
    pair->flights = calloc(PAIR_FRAMES, sizeof(*pair->flights));
    assert_non_null(pair->flights);
    rng_init(&pair->rng, config->seed, "pair");
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];

        end->pair = pair;
        end->index = i;
        end->read_ps = FLUE_PS_NEVER;
        manual_env_init(&end->env, config->seed * 2 + i);
        assert_int_equal(timers_init(&end->timers, &end->env.env), FLUE_OK);
        for (unsigned side = 0; side < 2; side++) {
            assert_int_equal(flue_tcp_new(&end->env.env, &end->timers, pair->trace, &config->params[i], &ops, end, side,
                                          &end->stack[side]),
                             FLUE_OK);
        }
        if (config->wrap) {
            struct flue_tcp_tuple tuple = tuple_of(i);

            while (tcp_initial_seq(end->stack[0], &tuple, 0) < UINT32_MAX - 40000) {
                end->env.env.seed++;
            }
        }
    }
    assert_int_equal(flue_tcp_listen(pair->end[1].stack[0], 80), FLUE_OK);
}

void pair_open(struct pair *pair)
{
    for (unsigned i = 0; i < (pair->config.both_open ? 2u : 1u); i++) {
        struct flue_tcp_tuple tuple = tuple_of(i);

        assert_int_equal(
            flue_tcp_connect(pair->end[i].stack[0], &tuple, NULL, &pair->end[i], i, pair->now_ps, &pair->end[i].conn),
            FLUE_OK);
        if (pair->config.write_early) {
            write_more(&pair->end[i]);
        }
    }
}

struct chain {
    struct flue_span spans[256];
    unsigned count;
};

static void collect(void *arg, const struct flue_span *span)
{
    struct chain *chain = arg;

    assert_true(chain->count < COUNT_OF(chain->spans));
    chain->spans[chain->count++] = *span;
}

void pair_move(struct pair *pair, unsigned index)
{
    struct pair_end *end = &pair->end[index];
    struct flue_tcp_conn *old = end->conn;
    struct flue_tcp_state state;
    struct flue_tcp_info before;
    struct flue_tcp_info after;
    struct chain *chain;
    flue_ps now_ps;
    bool fin_sent;

    if (old == NULL || end->closed) {
        return;
    }
    now_ps = old->last_ps > pair->now_ps ? old->last_ps : pair->now_ps; /* what it has sent leaves before */
    flue_tcp_info(old, &before);
    if (before.state < FLUE_TCP_ESTABLISHED || before.state == FLUE_TCP_TIME_WAIT) {
        return;
    }
    flue_tcp_flush_ack(old, now_ps);
    flue_tcp_info(old, &before);
    assert_int_equal(flue_tcp_export(old, now_ps, 0, &state), FLUE_OK);
    chain = calloc(1, sizeof(*chain));
    assert_non_null(chain);
    flue_tcp_visit_send_queue(old, collect, chain);
    assert_int_equal(before.unread_bytes, end->unread);
    flue_tcp_release(old);
    end->side = 1 - end->side;
    assert_int_equal(
        flue_tcp_import(end->stack[end->side], &state, end, index, (uint32_t)end->unread, now_ps, &end->conn), FLUE_OK);
    for (unsigned i = 0; i < chain->count; i++) {
        assert_int_equal(flue_tcp_send(end->conn, &chain->spans[i], now_ps), FLUE_OK);
    }
    free(chain);
    fin_sent = state.state == FLUE_TCP_FIN_WAIT_1 || state.state == FLUE_TCP_FIN_WAIT_2 ||
               state.state == FLUE_TCP_CLOSING || state.state == FLUE_TCP_LAST_ACK;
    if (end->app_closed && !fin_sent) {
        assert_int_equal(flue_tcp_close(end->conn, now_ps), FLUE_OK);
    }
    end->want_output = false;
    flue_tcp_start(end->conn, now_ps);
    flue_tcp_info(end->conn, &after);
    assert_int_equal(after.queued_bytes, before.queued_bytes);
    assert_int_equal(after.snd_una, before.snd_una);
    assert_int_equal(after.snd_max, before.snd_max);
    assert_int_equal(after.rcv_nxt, before.rcv_nxt);
    assert_int_equal(after.rcv_wnd, before.rcv_wnd);
    end->moves++;
}

static void read_some(struct pair *pair, struct pair_end *end)
{
    uint64_t bytes = 1 + rng_below(&pair->rng, end->unread);

    end->unread -= bytes;
    end->read_ps = end->unread > 0 ? pair->now_ps + (flue_ps)rng_below(&pair->rng, 3 * FLUE_PS_PER_MS) : FLUE_PS_NEVER;
    flue_tcp_consumed(end->conn, (uint32_t)bytes, pair->now_ps);
}

static void pump(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];

        while (end->want_output) {
            end->want_output = false;
            end->want_output = flue_tcp_output(end->conn, 4, pair->now_ps) != 0;
        }
    }
}

bool pair_step(struct pair *pair)
{
    struct pair_flight *next = NULL;
    flue_ps at_ps = FLUE_PS_NEVER;

    pump(pair);
    for (unsigned i = 0; i < pair->flying; i++) {
        struct pair_flight *f = &pair->flights[i];

        if (next == NULL || f->at_ps < next->at_ps || (f->at_ps == next->at_ps && f->order < next->order)) {
            next = f;
        }
    }
    if (next != NULL) {
        at_ps = next->at_ps;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];
        flue_ps timer_ps = timers_next(&end->timers);

        at_ps = timer_ps < at_ps ? timer_ps : at_ps;
        at_ps = end->read_ps < at_ps ? end->read_ps : at_ps;
    }
    if (at_ps == FLUE_PS_NEVER) {
        return false;
    }
    pair->now_ps = at_ps > pair->now_ps ? at_ps : pair->now_ps;
    pair->events++;
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];

        end->env.now_ps = pair->now_ps;
        timers_run(&end->timers, pair->now_ps);
        if (end->read_ps <= pair->now_ps) {
            read_some(pair, end);
        }
    }
    if (next != NULL && next->at_ps <= pair->now_ps) {
        struct flue_frame frame = next->frame;
        struct pair_end *end = &pair->end[next->to];
        struct flue_tcp *stack = end->stack[end->side];
        struct flue_tcp_conn *conn = flue_tcp_find(stack, &frame);

        /* A flight may have been added meanwhile, but the array does not move. */
        *next = pair->flights[--pair->flying];
        flue_tcp_input(stack, conn, &frame, pair->now_ps, 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (pair->config.move_every[i] != 0 && pair->events % pair->config.move_every[i] == 0) {
            pair_move(pair, i);
        }
    }
    pump(pair);
    return true;
}

void pair_run(struct pair *pair)
{
    while (!pair->end[0].closed || !pair->end[1].closed) {
        if (!pair_step(pair)) {
            assert_int_equal(pair->config.closing, PAIR_CLOSE_NEVER);
            return;
        }
        if (pair->now_ps > pair->config.limit_ps) {
            fail_msg("seed %" PRIu64 ": not over after %" PRId64 " ms: %" PRIu64 "/%" PRIu64 " and %" PRIu64 "/%" PRIu64
                     " bytes",
                     pair->config.seed, pair->now_ps / FLUE_PS_PER_MS, pair->end[1].received, pair->config.bytes[0],
                     pair->end[0].received, pair->config.bytes[1]);
        }
    }
}

void pair_run_until(struct pair *pair, flue_ps until_ps)
{
    while (pair->now_ps < until_ps && pair_step(pair)) {
    }
}

void pair_dispose(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];

        for (unsigned side = 0; side < 2; side++) {
            flue_tcp_free(end->stack[side]);
        }
        timers_dispose(&end->timers);
        assert_true(manual_env_clean(&end->env));
    }
    free(pair->flights);
}

void pair_finish(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];

        assert_int_equal(end->written, pair->config.bytes[i]);
        assert_int_equal(end->received, pair->config.bytes[1 - i]);
        assert_int_equal(end->acked, end->written);
        assert_true(end->closed && end->peer_fin && end->fin_acked);
        for (unsigned side = 0; side < 2; side++) {
            struct flue_tcp_totals totals;

            flue_tcp_totals(end->stack[side], &totals);
            assert_int_equal(totals.connections, 0);
            assert_int_equal(totals.pool_objects_live, 0);
            assert_true(list_empty(&end->stack[side]->delayed_acks.list));
        }
    }
    pair_dispose(pair);
}
