/* SPDX-License-Identifier: GPL-2.0-only */
/* What the applications of both workloads share: which flow a socket belongs to, and that every byte is the next one.
 */
#include <inttypes.h>

#include "run/clients_ns3.h"
#include "run/flow.h"
#include "run/migrate.h"
#include "run/world_state.h"

static int end_of(const struct flow *flow, const struct flue_host_socket *socket)
{
    return flow->socket[SERVER] == socket ? SERVER : CLIENT;
}

static uint32_t on_identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    const struct world *world = ctx;
    const uint32_t slot = world_identify(world, tuple);

    return world_churns(world) && slot < (uint32_t)world->scenario->connections ? world->flows[slot].id : slot;
}

void flow_opened(struct flow *flow, int end, flue_ps at_ps)
{
    flow->open[end] = 1;
    flow->world->opened++;
    if (world_churns(flow->world))
        flow->world->workload->open(flow, end, at_ps);
}

static void on_client_connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct flow *flow = ctx;

    flow->socket[CLIENT] = socket;
    flow_opened(flow, CLIENT, at_ps);
}

/* The server learns from the identity which flow a connection belongs to; until then its context is the world. */
static void on_server_connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
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
    world->flows[slot].socket[SERVER] = socket;
    flow_opened(&world->flows[slot], SERVER, at_ps);
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

    if (!flow_has(flow, end))
        return 0; /* between two nodes, or ended */
    if (end == SERVER && flow->moving != MOVING_NO)
        migrate_occasion(flow, OCCASION_SENDS, at_ps);
    err = flow->socket[end] != NULL ? flue_host_socket_send(flow->socket[end], bytes) : clients_ns3_send(flow, bytes);
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
void flow_received(struct flow *flow, int end, const struct flue_span *span, flue_ps at_ps)
{
    struct world *world = flow->world;
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

static void on_received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    flow_received(ctx, end_of(ctx, socket), span, at_ps);
}

void flow_acknowledged(struct flow *flow, int end, uint64_t bytes, flue_ps at_ps)
{
    flow->acked[end] += bytes;
    flow->world->workload->acknowledged(flow, end, at_ps);
    if (end == SERVER && flow->moving != MOVING_NO)
        migrate_occasion(flow, OCCASION_SETTLED, at_ps);
}

static void on_acknowledged(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    flow_acknowledged(ctx, end_of(ctx, socket), bytes, at_ps);
}

static void on_moved(void *ctx, struct flue_host_socket *socket, enum flue_holder holder, enum flue_move why,
                     flue_ps at_ps)
{
    struct flow *flow = ctx;

    (void)why;
    if (flow->moving != MOVING_NO && socket == flow->socket[SERVER])
        migrate_moved(flow, holder, at_ps);
}

/* A FIN and a reset may come in one interrupt: who is told of the first finds the connection ended; on_closed() will
 * say why. */
void flow_close(struct flow *flow, int end)
{
    flue_err err;

    if (flow->moving == MOVING_CARRIED && end == SERVER)
        flow->close_late = 1;
    if (!flow_has(flow, end) || flow->closing[end])
        return;
    flow->closing[end] = 1;
    err = flow->socket[end] != NULL ? flue_host_socket_close(flow->socket[end]) : clients_ns3_close(flow);
    if (err != FLUE_OK && err != FLUE_ESTATE)
        world_finding(flow->world, "connection %" PRIu32 ": close was refused", flow->id);
}

void flow_peer_closed(struct flow *flow, int end)
{
    /* Before the end of a run, an end closes with its last bytes; the other's turn comes.  The server of the web
     * follows the client. */
    if (flow->world->phase == PHASE_CLOSING || world_churns(flow->world))
        flow_close(flow, end);
}

static void on_peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    flow_peer_closed(ctx, end_of(ctx, socket));
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

/* Forged segments came for one that has ended.  Once both ends have closed all has been delivered, and nothing is left
 * to be killed; but a client may wait for a FIN that its server has forgotten.  Connections that stay end one by one
 * when a run closes, by whatever comes first. */
static void attacked(struct flow *flow, int end, flue_ps at_ps)
{
    struct world *world = flow->world;
    const int through = flow->closing[SERVER] && flow->closing[CLIENT];

    if (!through && (world->phase != PHASE_CLOSING || world_churns(world))) {
        flow->lost = 1;
        world->killed++;
        world->workload->lost(flow, at_ps);
    } else if (through && world_churns(world) && end == SERVER && flow_has(flow, CLIENT)) {
        world->workload->lost(flow, at_ps);
    }
}

void flow_closed(struct flow *flow, int end, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct world *world = flow->world;

    flow->socket[end] = NULL;
    if (end == CLIENT)
        flow->ns3 = NULL;
    /* Nobody aborts here but a host that lost the state (D-32); the other end is told by a reset, or by silence. */
    if (end == SERVER && reason == FLUE_TCP_BY_ABORT && !flow->lost) {
        flow->lost = 1;
        world->lost++;
        world->workload->lost(flow, at_ps); /* may end the other end, but this one not before */
    }
    if (end == SERVER && flow->lost && flow->closing[CLIENT] && flow_has(flow, CLIENT))
        world_lost(world);
    if (reason != FLUE_TCP_BY_ABORT && flow->attacked && !flow->lost)
        attacked(flow, end, at_ps);
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

static void on_closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    flow_closed(ctx, end_of(ctx, socket), reason, at_ps);
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
