/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/step.c - the events of an order, each with its own legality (behaviour 5.1, 5.4, and what the host allows),
 * and the digest that tells states apart. */
#include "base/fold.h"
#include "base/timers.h"
#include "explore/world.h"
#include "flue/ndischimney.h"

#define SEND_BYTES 150u                /* two segments */
#define TIMER_PS   (5 * FLUE_PS_PER_S) /* longer waits are not of TCP's timers, but of limits: B would have given up */

static const uint8_t most[EXPLORE_EVENTS] = {
#define EXPLORE_EVENT(name, count, title, with) [EXPLORE_##name] = (count),
#include "explore/events.def"
};

static const uint8_t with[EXPLORE_EVENTS] = {
#define EXPLORE_EVENT(name, count, title, with) [EXPLORE_##name] = EXPLORE_WITH_##with,
#include "explore/events.def"
};

static struct flue_target *target_of(const struct world *world)
{
    return flue_node_target(world->node[WORLD_A]);
}

/* Something else than the life-time of the path: TTL is what an update of a connection changes. */
static bool update(struct flue_host_socket *socket, flue_ps now_ps)
{
    struct flue_tcp_settings settings;

    if (flue_host_socket_holder(socket) == FLUE_HOLDER_HOST ||
        flue_host_socket_settings(socket, &settings) != FLUE_OK) {
        return false;
    }
    settings.ttl = (uint8_t)(settings.ttl - 1);
    return flue_host_socket_change(socket, &settings, now_ps) == FLUE_OK;
}

static void told(void *ctx, struct flue_host_socket *socket, const struct TCP_OFFLOAD_STATE_DELEGATED *delegated,
                 flue_ps at_ps)
{
    (void)ctx;
    (void)socket;
    (void)delegated;
    (void)at_ps;
}

/* The frame of B that is last in the queue overtakes all others. */
static bool overtake(struct world *world, unsigned connection, uint32_t count)
{
    struct world_queue *queue = &world->in[connection];
    struct flue_frame frame;

    if (queue->count != count + 1) {
        return queue->count > count; /* it waits behind its own data */
    }
    queue->count--;
    frame = queue->frames[(queue->head + queue->count) % WORLD_QUEUE_FRAMES];
    flue_node_receive(world->node[WORLD_A], &frame);
    return true;
}

static bool peer_ends(struct world *world, unsigned connection, bool reset)
{
    struct world_app *app = &world->conns[connection].app[WORLD_B];
    const uint32_t count = world->in[connection].count;

    if (app->socket == NULL || (!reset && app->closing)) {
        return false;
    }
    app->closing = 1;
    if (reset) {
        flue_host_socket_abort(app->socket);
    } else if (flue_host_socket_close(app->socket) != FLUE_OK) {
        return false;
    }
    flue_node_settle(world->node[WORLD_B]);
    world_settle(world);
    (void)overtake(world, connection, count);
    return true;
}

static bool let_go(struct world *world, unsigned connection, unsigned kind)
{
    return flue_target_let_go(target_of(world), kind, connection) == FLUE_OK;
}

static bool timer(struct world *world)
{
    const flue_ps due_ps = world_deadline(world, WORLD_A);

    if (due_ps == FLUE_PS_NEVER || due_ps > world->now_ps + TIMER_PS) {
        return false;
    }
    world_go(world, due_ps);
    return true;
}

/* A relink takes the new neighbour down, moves the path, and takes the old neighbour up: whatever of that is held. */
static bool relinked(struct world *world)
{
    static const unsigned kinds[] = {0, 2, 1};

    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (world->conns[0].done[EXPLORE_RELINK] != 0 && let_go(world, FLUE_NO_CONN, kinds[i])) {
            return true;
        }
    }
    return false;
}

static bool relink(struct world *world)
{
    const struct flue_ip to = world_other_hop();

    return flue_host_relink(flue_node_host(world->node[WORLD_A]), NULL, &to, world->now_ps) == FLUE_OK;
}

/* What concerns all connections. */
static bool act_for_all(struct world *world, enum explore_event event)
{
    struct flue_host *host = flue_node_host(world->node[WORLD_A]);
    const uint8_t *done = world->conns[0].done;

    switch (event) {
    case EXPLORE_INVALIDATE:
        return flue_host_invalidate_neighbour(host, NULL, world->now_ps) == FLUE_OK;
    case EXPLORE_INVALIDATED:
        return let_go(world, FLUE_NO_CONN, 3);
    case EXPLORE_RELINK:
        return relink(world);
    case EXPLORE_RELINKED:
        return relinked(world);
    case EXPLORE_PAUSED:
        flue_target_pause(target_of(world));
        return true;
    case EXPLORE_RESUMED:
    case EXPLORE_IDLE:
        if (done[event == EXPLORE_IDLE ? EXPLORE_UPLOAD_ALL : EXPLORE_PAUSED] == 0) {
            return false;
        }
        world->emptied = 0;
        flue_target_resume(target_of(world));
        return true;
    case EXPLORE_SLEEP:
    case EXPLORE_WAKE:
        if (world->powering || world->asleep != (event == EXPLORE_WAKE)) {
            return false;
        }
        world_power(world, event == EXPLORE_SLEEP);
        return true;
    case EXPLORE_UPLOAD_ALL:
        world->emptied = 1;
        flue_target_upload_all(target_of(world));
        return true;
    case EXPLORE_RELEASE:
        flue_host_release_offload(host, world->now_ps);
        return true;
    case EXPLORE_INITIATE:
    case EXPLORE_INITIATED:
    case EXPLORE_TERMINATE:
    case EXPLORE_TERMINATED:
    case EXPLORE_UPDATE:
    case EXPLORE_UPDATED:
    case EXPLORE_QUERY:
    case EXPLORE_QUERIED:
    case EXPLORE_RETRIEVE:
    case EXPLORE_SEGMENT_IN:
    case EXPLORE_SEGMENT_LOST:
    case EXPLORE_APP_SEND:
    case EXPLORE_APP_PAUSE:
    case EXPLORE_APP_CLOSE:
    case EXPLORE_PEER_FIN:
    case EXPLORE_PEER_RST:
    case EXPLORE_TIMER:
    case EXPLORE_EVENTS:
        break; /* of one connection */
    }
    return false;
}

static bool send(struct world_app *app)
{
    if (app->socket == NULL || flue_host_socket_send(app->socket, SEND_BYTES) != FLUE_OK) {
        return false;
    }
    app->sent_bytes += SEND_BYTES;
    return true;
}

static bool pause_reading(const struct world_app *app)
{
    if (app->socket != NULL) {
        flue_host_socket_pause_reading(app->socket);
    }
    return app->socket != NULL;
}

static bool end(struct world_app *app)
{
    if (app->socket == NULL || flue_host_socket_close(app->socket) != FLUE_OK) {
        return false;
    }
    app->closing = 1;
    return true;
}

static bool act(struct world *world, unsigned connection, enum explore_event event)
{
    struct world_app *app = &world->conns[connection].app[WORLD_A];

    switch (event) {
    case EXPLORE_INITIATE:
        return app->socket != NULL && flue_host_socket_offload(app->socket, world->now_ps) == FLUE_OK;
    case EXPLORE_INITIATED:
        return let_go(world, connection, 0);
    case EXPLORE_TERMINATED:
        return let_go(world, connection, 1);
    case EXPLORE_UPDATED:
        return let_go(world, connection, 2);
    case EXPLORE_SEGMENT_IN:
        return world_let_in(world, connection);
    case EXPLORE_SEGMENT_LOST:
        return world_lose(world, connection);
    case EXPLORE_APP_SEND:
        return send(app);
    case EXPLORE_APP_PAUSE:
        return pause_reading(app);
    case EXPLORE_APP_CLOSE:
        return end(app);
    case EXPLORE_PEER_FIN:
        return peer_ends(world, connection, false);
    case EXPLORE_PEER_RST:
        return peer_ends(world, connection, true);
    case EXPLORE_UPDATE:
        return app->socket != NULL && update(app->socket, world->now_ps);
    case EXPLORE_QUERY:
        return app->socket != NULL && flue_host_socket_query(app->socket, told, NULL, world->now_ps) == FLUE_OK;
    case EXPLORE_QUERIED:
        return let_go(world, connection, 4);
    case EXPLORE_RETRIEVE:
        return flue_target_fault(target_of(world), FLUE_FAULT_STARVE, FLUE_LAYER_TCP, connection) == FLUE_OK;
    case EXPLORE_TERMINATE:
        return app->socket != NULL && flue_host_socket_upload(app->socket, world->now_ps) == FLUE_OK;
    case EXPLORE_TIMER:
        return timer(world);
    case EXPLORE_INVALIDATE:
    case EXPLORE_INVALIDATED:
    case EXPLORE_RELINK:
    case EXPLORE_RELINKED:
    case EXPLORE_PAUSED:
    case EXPLORE_RESUMED:
    case EXPLORE_SLEEP:
    case EXPLORE_WAKE:
    case EXPLORE_UPLOAD_ALL:
    case EXPLORE_RELEASE:
    case EXPLORE_IDLE:
        return connection == 0 && act_for_all(world, event);
    case EXPLORE_EVENTS:
        break;
    }
    return false;
}

bool world_step(struct world *world, unsigned connection, enum explore_event event)
{
    struct world_conn *conn = &world->conns[connection];

    if ((with[event] & world->with) != with[event] || conn->done[event] == most[event] ||
        !act(world, connection, event)) {
        return false;
    }
    conn->done[event]++;
    flue_node_settle(world->node[WORLD_A]);
    world_settle(world);
    return true;
}

/* ---- The digest ---- */

static void fold_queue(const struct world_queue *queue, uint64_t *digest)
{
    fold(digest, queue->count);
    for (uint32_t i = 0; i < queue->count; i++) {
        const struct flue_frame *frame = &queue->frames[(queue->head + i) % WORLD_QUEUE_FRAMES];

        fold(digest, (uint64_t)frame->seq << 32 | frame->ack);
        fold(digest, (uint64_t)frame->window << 16 | (uint64_t)frame->flags << 8 | frame->sack_count);
        fold_span(digest, &frame->payload);
        for (unsigned j = 0; (frame->options & FLUE_OPT_SACK) != 0 && j < frame->sack_count; j++) {
            fold(digest, (uint64_t)frame->sack[j].from << 32 | frame->sack[j].to);
        }
    }
}

static void fold_app(const struct world_app *app, uint64_t *digest)
{
    fold(digest, app->sent_bytes);
    fold(digest, app->received_bytes);
    fold(digest, app->acked_bytes);
    fold(digest, (uint64_t)(app->socket != NULL) << 32 | (uint64_t)app->closing << 24 | (uint64_t)app->closed << 16 |
                     (uint64_t)app->peer_closed << 8 | app->reason);
}

uint64_t world_digest(const struct world *world)
{
    uint64_t digest = 0;

    for (unsigned node = 0; node < WORLD_NODES; node++) {
        flue_host_fold(flue_node_host(world->node[node]), world->now_ps, &digest);
        flue_target_fold(flue_node_target(world->node[node]), world->now_ps, &digest);
        fold_at(&digest, world_deadline(world, node), world->now_ps);
    }
    for (unsigned i = 0; i < world->connections; i++) {
        const struct world_conn *conn = &world->conns[i];

        for (unsigned event = 0; event < EXPLORE_EVENTS; event++) {
            fold(&digest, conn->done[event]);
        }
        fold_app(&conn->app[WORLD_A], &digest);
        fold_app(&conn->app[WORLD_B], &digest);
        fold_queue(&world->in[i], &digest);
    }
    fold(&digest, (uint64_t)world->emptied << 24 | (uint64_t)world->asleep << 16 | (uint64_t)world->powering << 8 |
                      world->verdict);
    return digest;
}
