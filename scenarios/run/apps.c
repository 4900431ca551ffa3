/* SPDX-License-Identifier: GPL-2.0-only */
/* What the applications of both workloads share: which flow a socket belongs to, and that every byte is the next one.
 */
#include <inttypes.h>

#include "run/flows.h"

static int end_of(const struct flow *flow, const struct flue_socket *socket)
{
    return flow->socket[SERVER] == socket ? SERVER : CLIENT;
}

static uint32_t on_identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    const struct world *world = ctx;
    const uint32_t slot = world_identify(world, tuple);

    return world_churns(world) && slot < (uint32_t)world->scenario->connections ? world->flows[slot].id : slot;
}

static void connected(struct flow *flow, int end, struct flue_socket *socket, flue_ps at_ps)
{
    flow->socket[end] = socket;
    flow->open[end] = 1;
    flow->world->opened++;
    if (world_churns(flow->world))
        flow->world->workload->open(flow, end, at_ps);
}

static void on_client_connected(void *ctx, struct flue_socket *socket, flue_ps at_ps)
{
    connected(ctx, CLIENT, socket, at_ps);
}

/* The server learns from the identity which flow a connection belongs to; until then its context is the world. */
static void on_server_connected(void *ctx, struct flue_socket *socket, flue_ps at_ps)
{
    struct world *world = ctx;
    const struct flue_tcp_tuple tuple = flue_host_socket_tuple(socket);
    const uint32_t id = flue_host_socket_id(socket);
    uint32_t slot = id;
    struct flue_host_hint hint = {0};

    if (world_churns(world))
        slot = world_identify(world, &tuple);
    if (slot >= (uint32_t)world->scenario->connections || world->flows[slot].id != id) {
        world_finding(world, "a connection with the unknown identity %" PRIu32, id);
        return;
    }
    flue_host_socket_set_ctx(socket, &world->flows[slot]);
    connected(&world->flows[slot], SERVER, socket, at_ps);
    world->workload->expect(&world->flows[slot], &hint);
    flue_host_socket_expect(socket, &hint);
    if (world->second_server != 0)
        migrate_opened(&world->flows[slot], at_ps);
}

static void silent(struct flow *flow, flue_ps since_ps, flue_ps until_ps)
{
    const flue_ps begin_ps = flow->world->begin.at_ps;
    const flue_ps from_ps = since_ps < begin_ps ? begin_ps : since_ps;

    if (until_ps - from_ps > flow->silence_ps)
        flow->silence_ps = until_ps - from_ps;
}

/* Bytes have come to this end: the other's wait is over, or begins anew for the next. */
static void heard(struct flow *flow, int end, flue_ps at_ps)
{
    if (flow->world->phase == PHASE_MEASURE)
        silent(flow, flow->waiting_ps[1 - end], at_ps);
    flow->waiting_ps[1 - end] = at_ps;
}

/* A connection that has ended takes no more; on_closed() will say why it did. */
int flow_send(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps)
{
    flue_err err;

    if (flow->socket[end] == NULL)
        return 0; /* between two nodes, or ended */
    if (end == SERVER && flow->moving != MOVING_NO)
        migrate_occasion(flow, OCCASION_SENDS, at_ps);
    err = flue_host_socket_send(flow->socket[end], bytes);
    if (err != FLUE_OK && err != FLUE_ESTATE)
        world_finding(flow->world, "connection %" PRIu32 ": the %s could not send %" PRIu32 " bytes: %s", flow->id,
                      end == SERVER ? "server" : "client", bytes, flue_err_sentence(err));
    if (err != FLUE_OK)
        return 0;
    if (flow->accepted[end] == flow->received[1 - end])
        flow->waiting_ps[end] = at_ps;
    flow->accepted[end] += bytes;
    return 1;
}

void flow_silence(struct flow *flow, flue_ps now_ps)
{
    for (int end = 0; end < ENDS; end++)
        if (flow->accepted[end] != flow->received[1 - end] && !flow->lost)
            silent(flow, flow->waiting_ps[end], now_ps);
    if (flow->accepted[SERVER] + flow->accepted[CLIENT] > 0)
        histogram_record(&flow->world->silence, (uint64_t)flow->silence_ps);
}

void flow_silences(struct world *world)
{
    for (uint32_t i = 0; i < (uint32_t)world->scenario->connections; i++)
        flow_silence(&world->flows[i], world->end.at_ps);
}

/* Every byte must be the next one of the peer's stream. */
static void on_received(void *ctx, struct flue_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    struct flow *flow = ctx;
    struct world *world = flow->world;
    const int end = end_of(flow, socket);
    const uint32_t stream = end == SERVER ? 2 * flow->id : 2 * flow->id + 1;

    if (span->memory != NULL || span->stream != stream || span->offset_bytes != flow->received[end])
        world_finding(world,
                      "connection %" PRIu32 ": expected stream %" PRIu32 " offset %" PRIu64 ", got stream %" PRIu32
                      " offset %" PRIu64 " (%" PRIu32 " bytes)",
                      flow->id, stream, flow->received[end], span->stream, span->offset_bytes, span->length_bytes);
    heard(flow, end, at_ps);
    flow->received[end] += span->length_bytes;
    world->delivered_bytes += span->length_bytes;
    world->workload->received(flow, end, span->length_bytes, at_ps);
    if (end == SERVER && flow->moving != MOVING_NO)
        migrate_occasion(flow, OCCASION_SETTLED, at_ps);
}

static void on_acknowledged(void *ctx, struct flue_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    struct flow *flow = ctx;
    const int end = end_of(flow, socket);

    flow->acked[end] += bytes;
    flow->world->workload->acknowledged(flow, end, at_ps);
    if (end == SERVER && flow->moving != MOVING_NO)
        migrate_occasion(flow, OCCASION_SETTLED, at_ps);
}

static void on_moved(void *ctx, struct flue_socket *socket, enum flue_holder holder, enum flue_move why, flue_ps at_ps)
{
    struct flow *flow = ctx;

    (void)why;
    if (flow->moving != MOVING_NO && socket == flow->socket[SERVER])
        migrate_moved(flow, holder, at_ps);
}

void flow_close(struct flow *flow, int end)
{
    if (flow->moving == MOVING_CARRIED && end == SERVER)
        flow->close_late = 1;
    if (flow->socket[end] == NULL || flow->closing[end])
        return;
    flow->closing[end] = 1;
    if (flue_host_socket_close(flow->socket[end]) != FLUE_OK)
        world_finding(flow->world, "connection %" PRIu32 ": close was refused", flow->id);
}

static void on_peer_closed(void *ctx, struct flue_socket *socket, flue_ps at_ps)
{
    struct flow *flow = ctx;

    (void)at_ps;
    /* Before the end of a run, an end closes with its last bytes; the other's turn comes.  The server of the web
     * follows the client. */
    if (flow->world->phase == PHASE_CLOSING || world_churns(flow->world))
        flow_close(flow, end_of(flow, socket));
}

/* Once the last has gone, what is still under way comes home. */
void world_drain(struct world *world)
{
    if (world_churns(world) ? world->workload->live(world) > 0
                            : world->gone < 2 * (uint32_t)world->scenario->connections)
        return;
    timers_arm(flue_node_timers(world->node[CLIENT]), &world->poll, world->net.now(world->net.ctx) + POLL_PS);
    flue_node_settle(world->node[CLIENT]);
}

static void on_closed(void *ctx, struct flue_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct flow *flow = ctx;
    struct world *world = flow->world;
    const int end = end_of(flow, socket);

    flow->socket[end] = NULL;
    /* Nobody aborts here but a host that lost the state (D-32); the other end is told by a reset, or by silence. */
    if (end == SERVER && reason == FLUE_TCP_BY_ABORT && !flow->lost) {
        flow->lost = 1;
        world->lost++;
        world->workload->lost(flow, at_ps); /* may end the other end, but this one not before */
    }
    if (end == SERVER && flow->lost && flow->closing[CLIENT] && flow->socket[CLIENT] != NULL)
        world_lost(world);
    if (reason != FLUE_TCP_BY_ABORT && flow->attacked && world->phase != PHASE_CLOSING && !flow->lost) {
        flow->lost = 1;
        world->killed++;
        world->workload->lost(flow, at_ps);
    }
    flow->closed[end] = 1;
    world->gone++;
    /* While connections close, a reset or a timeout may end one: a FIN sent again to an end whose TIME-WAIT is over is
     * answered so.  Whether bytes are missing is for the audit to say. */
    if (world->phase != PHASE_CLOSING && !(flow->closing[SERVER] && flow->closing[CLIENT]) && !flow->lost)
        world_finding(world, "connection %" PRIu32 ": ended early at the %s by %s", flow->id,
                      end == SERVER ? "server" : "client", flue_tcp_reason_name(reason));
    if (world_churns(world))
        world->workload->gone(flow, at_ps);
    else if (world->phase == PHASE_OPENING && !flow->lost)
        world->net.stop(world->net.ctx); /* it will never be in place */
    if (world->phase == PHASE_CLOSING)
        world_drain(world);
}

void world_apps(struct world *world)
{
    int end;

    for (end = 0; end < ENDS; end++)
        world->app[end] = (struct flue_app){.identify = on_identify,
                                            .connected = end == CLIENT ? on_client_connected : on_server_connected,
                                            .received = on_received,
                                            .acknowledged = on_acknowledged,
                                            .peer_closed = on_peer_closed,
                                            .closed = on_closed};
    world->app[SERVER].moved = on_moved;
}
