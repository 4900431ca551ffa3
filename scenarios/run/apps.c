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
    return world_identify(ctx, tuple);
}

static void connected(struct flow *flow, int end, struct flue_socket *socket)
{
    flow->socket[end] = socket;
    flow->open[end] = 1;
    flow->world->opened++;
}

static void on_client_connected(void *ctx, struct flue_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    connected(ctx, CLIENT, socket);
}

/* The server learns from the identity which flow a connection belongs to; until then its context is the world. */
static void on_server_connected(void *ctx, struct flue_socket *socket, flue_ps at_ps)
{
    struct world *world = ctx;
    const uint32_t id = flue_host_socket_id(socket);

    (void)at_ps;
    if (id >= (uint32_t)world->scenario->connections) {
        world_finding(world, "a connection with the unknown identity %" PRIu32, id);
        return;
    }
    flue_host_socket_set_ctx(socket, &world->flows[id]);
    connected(&world->flows[id], SERVER, socket);
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
    const flue_err err = flue_host_socket_send(flow->socket[end], bytes);

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

void flow_silences(struct world *world)
{
    for (uint32_t i = 0; i < (uint32_t)world->scenario->connections; i++) {
        struct flow *flow = &world->flows[i];

        for (int end = 0; end < ENDS; end++)
            if (flow->accepted[end] != flow->received[1 - end] && !flow->lost)
                silent(flow, flow->waiting_ps[end], world->end.at_ps);
        if (flow->accepted[SERVER] + flow->accepted[CLIENT] > 0)
            histogram_record(&world->silence, (uint64_t)flow->silence_ps);
    }
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
}

static void on_acknowledged(void *ctx, struct flue_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    struct flow *flow = ctx;
    const int end = end_of(flow, socket);

    flow->acked[end] += bytes;
    flow->world->workload->acknowledged(flow, end, at_ps);
}

void flow_close(struct flow *flow, int end)
{
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
    if (flow->world->phase == PHASE_CLOSING) /* before, an end closes with its last bytes; the other's turn comes */
        flow_close(flow, end_of(flow, socket));
}

/* Once the last has gone, what is still under way comes home. */
void world_drain(struct world *world)
{
    if (world->gone < 2 * (uint32_t)world->scenario->connections)
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
    flow->closed[end] = 1;
    world->gone++;
    /* Nobody aborts here but a host that lost the state (D-32); the other end is told by a reset, or by silence. */
    if (end == SERVER && reason == FLUE_TCP_BY_ABORT && !flow->lost) {
        flow->lost = 1;
        world->lost++;
        world->workload->lost(flow, at_ps);
    }
    /* While connections close, a reset or a timeout may end one: a FIN sent again to an end whose TIME-WAIT is over is
     * answered so.  Whether bytes are missing is for the audit to say. */
    if (world->phase != PHASE_CLOSING && !(flow->closing[SERVER] && flow->closing[CLIENT]) && !flow->lost)
        world_finding(world, "connection %" PRIu32 ": ended early at the %s by %s", flow->id,
                      end == SERVER ? "server" : "client", flue_tcp_reason_name(reason));
    if (world->phase == PHASE_OPENING && !flow->lost)
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
}
