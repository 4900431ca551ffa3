/* SPDX-License-Identifier: GPL-2.0-only */
/* Transfers between two parties, every byte compared. */
#include "exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "trace/pcap.h"

#define ROUNDS 64 /* of one exchange_run(): enough to empty and fill every buffer once */

void exchange_fail(struct exchange *x, const char *format, ...)
{
    va_list args;

    if (x->failure[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(x->failure, sizeof x->failure, format, args);
    va_end(args);
}

static void deliver_0(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    struct exchange *x = ctx;

    x->party[0]->input(x->party[0]->ctx, packet, bytes, now_ps);
}

static void deliver_1(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    struct exchange *x = ctx;

    x->party[1]->input(x->party[1]->ctx, packet, bytes, now_ps);
}

static void begin_flow(struct exchange *x, unsigned n, const struct flow_plan *plan, uint64_t seed)
{
    struct flow *flow = &x->flow[n];

    flow->plan = *plan;
    flow->begun = 0;
    for (unsigned i = 0; i < 2; i++) {
        flow->end[i] = (struct end){.party = x->party[i],
                                    .listener = -1,
                                    .connection = -1,
                                    .key_out = content_mix(seed + 2 * n + i),
                                    .key_in = content_mix(seed + 2 * n + (1 - i)),
                                    .to_send = plan->bytes[i],
                                    .to_receive = plan->bytes[1 - i],
                                    .next_nap = plan->nap_bytes == 0 ? UINT64_MAX : plan->nap_bytes};
    }
}

int exchange_begin(struct exchange *x, const struct impair_params *impair, uint64_t seed, struct party *a,
                   struct party *b, const struct flue_ip ip[2], unsigned connector, const struct flow_plan *plans,
                   unsigned plan_count)
{
    unsigned listener = 1 - connector;

    memset(x, 0, sizeof *x);
    x->party[0] = a;
    x->party[1] = b;
    x->ip[0] = ip[0];
    x->ip[1] = ip[1];
    x->connector = connector;
    x->port = 5000;
    x->to[0] = impair_new(impair, content_mix(seed), deliver_0, x);
    x->to[1] = impair_new(impair, content_mix(seed + 1), deliver_1, x);
    if (x->to[0] == NULL || x->to[1] == NULL) {
        exchange_fail(x, "no memory");
        return 0;
    }
    for (unsigned n = 0; n < plan_count && n < EXCHANGE_FLOWS; n++) {
        struct end *end = &x->flow[n].end[listener];

        begin_flow(x, n, &plans[n], seed);
        x->flow_count = n + 1;
        end->listener = end->party->listen(end->party->ctx, &x->ip[listener], (uint16_t)(x->port + n));
        if (end->listener < 0) {
            exchange_fail(x, "%s cannot listen: %s", end->party->name, end->party->complaint(end->party->ctx));
            return 0;
        }
    }
    return 1;
}

static void close_end(struct end *end)
{
    if (end->connection >= 0 && !end->closed) {
        end->party->close(end->party->ctx, end->connection);
    }
    end->closed = 1;
    if (end->listener >= 0) {
        end->party->close(end->party->ctx, end->listener);
        end->listener = -1;
    }
}

void exchange_end(struct exchange *x)
{
    for (unsigned n = 0; n < x->flow_count; n++) {
        close_end(&x->flow[n].end[0]);
        close_end(&x->flow[n].end[1]);
    }
    impair_free(x->to[0]);
    impair_free(x->to[1]);
    x->to[0] = x->to[1] = NULL;
    if (x->capture != NULL && pcap_close(x->capture) != FLUE_OK) {
        (void)fprintf(stderr, "the capture file is not whole\n");
    }
    x->capture = NULL;
}

void exchange_capture(struct exchange *x, const char *path)
{
    flue_err err;

    if (path != NULL) {
        x->capture = pcap_open(path, &err);
        if (x->capture == NULL) {
            exchange_fail(x, "%s: %s", path, flue_err_sentence(err));
        }
    }
}

void exchange_packet(struct exchange *x, unsigned from, const uint8_t *packet, size_t bytes)
{
    if (x->capture != NULL && pcap_packet(x->capture, x->now_ps, packet, bytes) != FLUE_OK) {
        exchange_fail(x, "the capture file cannot be written");
    }
    if (x->to[1 - from] != NULL) {
        impair_put(x->to[1 - from], packet, bytes, x->now_ps);
    }
}

static void complain(struct exchange *x, const struct flow *flow, const struct end *end, const char *what)
{
    const char *why = end->party->complaint(end->party->ctx);

    exchange_fail(x, "flow %d: %s: %s%s%s at %.6f s; sent %llu of %llu, received %llu of %llu", (int)(flow - x->flow),
                  end->party->name, what, why[0] == '\0' ? "" : ": ", why, (double)x->now_ps / 1e12,
                  (unsigned long long)end->sent, (unsigned long long)end->to_send, (unsigned long long)end->received,
                  (unsigned long long)end->to_receive);
}

/* Each of these answers whether anything moved. */
static int send_some(struct exchange *x, struct flow *flow, struct end *end)
{
    int moved = 0;
    int64_t taken;

    while (end->sent < end->to_send) {
        if (end->chunk_at == end->chunk_end) {
            uint64_t left = end->to_send - end->sent;

            end->chunk_at = 0;
            end->chunk_end = left < sizeof end->chunk ? (size_t)left : sizeof end->chunk;
            content_fill(end->key_out, end->sent, end->chunk, end->chunk_end);
        }
        taken = end->party->send(end->party->ctx, end->connection, end->chunk + end->chunk_at,
                                 end->chunk_end - end->chunk_at);
        if (taken < 0) {
            complain(x, flow, end, "send failed");
        }
        if (taken <= 0) {
            return moved;
        }
        end->chunk_at += (size_t)taken;
        end->sent += (uint64_t)taken;
        moved = 1;
    }
    if (!end->shut && !x->hold_open && (end->ended || !x->shuts_second[end == &flow->end[1]]) &&
        end->party->shut(end->party->ctx, end->connection)) {
        end->shut = 1;
        moved = 1;
    }
    return moved;
}

static int receive_some(struct exchange *x, struct flow *flow, struct end *end)
{
    uint8_t data[EXCHANGE_CHUNK_BYTES];
    int64_t got;
    size_t right;

    if (end->ended || x->now_ps < end->awake_ps) {
        return 0;
    }
    got = end->party->recv(end->party->ctx, end->connection, data, sizeof data);
    if (got == PARTY_END) {
        end->ended = 1;
        if (end->received != end->to_receive) {
            complain(x, flow, end, "the stream ends early");
        }
        return 1;
    }
    if (got < 0) {
        complain(x, flow, end, "recv failed");
    }
    if (got <= 0) {
        return 0;
    }
    right = content_right(end->key_in, end->received, data, (size_t)got);
    x->compared += right;
    end->received += right;
    if (right < (size_t)got) {
        complain(x, flow, end, "a byte is wrong");
    } else if (end->received > end->to_receive) {
        complain(x, flow, end, "more came than was sent");
    }
    if (end->received >= end->next_nap) {
        end->next_nap = end->received + flow->plan.nap_bytes;
        end->awake_ps = x->now_ps + flow->plan.nap_ps;
    }
    return 1;
}

static int open_some(struct exchange *x, struct flow *flow, unsigned i)
{
    struct end *end = &flow->end[i];

    if (i == x->connector) {
        if (flow->begun || x->now_ps < flow->plan.start_ps) {
            return 0;
        }
        flow->begun = 1;
        end->connection = end->party->connect(end->party->ctx, &x->ip[i], &x->ip[1 - i],
                                              (uint16_t)(x->port + (unsigned)(flow - x->flow)));
    } else {
        end->connection = end->party->accept(end->party->ctx, end->listener);
        if (end->connection == PARTY_END) {
            end->connection = -1;
            return 0;
        }
    }
    if (end->connection < 0) {
        end->connection = -1;
        complain(x, flow, end, i == x->connector ? "connect failed" : "accept failed");
        return 0;
    }
    return 1;
}

static int move_end(struct exchange *x, struct flow *flow, unsigned i)
{
    struct end *end = &flow->end[i];
    int moved = 0;

    if (end->closed) {
        return 0;
    }
    if (end->connection < 0) {
        return open_some(x, flow, i);
    }
    moved |= send_some(x, flow, end);
    if (x->failure[0] == '\0') {
        moved |= receive_some(x, flow, end);
    }
    if (end->shut && end->ended && x->failure[0] == '\0') {
        end->party->close(end->party->ctx, end->connection);
        end->closed = 1;
        moved = 1;
    }
    return moved;
}

static flue_ps earlier(flue_ps a, flue_ps b)
{
    return a < b ? a : b;
}

flue_ps exchange_run(struct exchange *x, flue_ps now_ps)
{
    flue_ps next_ps = FLUE_PS_NEVER;
    int moved = 1;

    x->now_ps = now_ps;
    for (unsigned i = 0; i < 2; i++) {
        impair_run(x->to[i], now_ps);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (x->party[i]->advance != NULL) {
            x->party[i]->advance(x->party[i]->ctx, now_ps);
        }
    }
    for (unsigned round = 0; round < ROUNDS && moved; round++) {
        moved = 0;
        for (unsigned n = 0; n < x->flow_count; n++) {
            for (unsigned i = 0; i < 2 && x->failure[0] == '\0'; i++) {
                moved |= move_end(x, &x->flow[n], i);
            }
        }
    }
    if (moved) {
        next_ps = now_ps;
    }
    for (unsigned n = 0; n < x->flow_count; n++) {
        const struct flow *flow = &x->flow[n];

        if (!flow->begun && flow->plan.start_ps > now_ps) {
            next_ps = earlier(next_ps, flow->plan.start_ps);
        }
        for (unsigned i = 0; i < 2; i++) {
            if (!flow->end[i].closed && flow->end[i].awake_ps > now_ps) {
                next_ps = earlier(next_ps, flow->end[i].awake_ps);
            }
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        next_ps = earlier(next_ps, impair_deadline(x->to[i]));
        if (x->party[i]->deadline != NULL) {
            next_ps = earlier(next_ps, x->party[i]->deadline(x->party[i]->ctx));
        }
    }
    return next_ps;
}

int exchange_over(const struct exchange *x)
{
    if (x->failure[0] != '\0') {
        return 1;
    }
    for (unsigned n = 0; n < x->flow_count; n++) {
        if (!x->flow[n].end[0].closed || !x->flow[n].end[1].closed) {
            return 0;
        }
    }
    return 1;
}

void exchange_give_up(struct exchange *x)
{
    for (unsigned n = 0; n < x->flow_count; n++) {
        for (unsigned i = 0; i < 2; i++) {
            if (!x->flow[n].end[i].closed) {
                complain(x, &x->flow[n], &x->flow[n].end[i], "it took too long");
            }
        }
    }
    exchange_fail(x, "it took too long");
}

flue_ps exchange_play(struct exchange *x, flue_ps now_ps, flue_ps until_ps)
{
    while (!exchange_over(x)) {
        flue_ps next_ps = exchange_run(x, now_ps);

        if (exchange_over(x)) {
            break;
        }
        if (next_ps > until_ps) {
            exchange_give_up(x);
            break;
        }
        if (next_ps > now_ps) {
            now_ps = next_ps;
        }
    }
    return now_ps;
}

void exchange_settle(struct exchange *x, flue_ps now_ps, flue_ps until_ps)
{
    while (now_ps <= until_ps) {
        flue_ps next_ps = exchange_run(x, now_ps);

        now_ps = next_ps > now_ps ? next_ps : now_ps;
    }
}

void exchange_out_0(void *ctx, const uint8_t *packet, size_t bytes)
{
    exchange_packet(ctx, 0, packet, bytes);
}

void exchange_out_1(void *ctx, const uint8_t *packet, size_t bytes)
{
    exchange_packet(ctx, 1, packet, bytes);
}
