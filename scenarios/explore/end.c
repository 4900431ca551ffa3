/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/end.c - a state is taken to its end: nothing is held back or lost any more, both applications send once more
 * and close, and everything that is offloaded goes back.  Then the books are looked at. */

#include "explore/world.h"
#include "flue/ndis.h"

#define LAST_BYTES 50u
#define POLL_PS    (100 * FLUE_PS_PER_MS)
#define END_PS     (3600 * FLUE_PS_PER_S) /* nobody may take longer */

static bool was_reset(const struct world_conn *conn)
{
    return conn->done[EXPLORE_PEER_RST] != 0;
}

/* The application's last words. */
static void finish(struct world *world, struct world_app *app)
{
    if (app->socket == NULL || app->closing) {
        return;
    }
    app->closing = 1;
    if (flue_host_socket_send(app->socket, LAST_BYTES) == FLUE_OK) {
        app->sent_bytes += LAST_BYTES;
    }
    if (app->socket != NULL && flue_host_socket_close(app->socket) != FLUE_OK) {
        world_tell(world, EXPLORE_FINDING, "an open socket could not be closed");
    }
}

static bool all_closed(const struct world *world)
{
    for (unsigned i = 0; i < world->connections; i++) {
        if (!world->conns[i].app[WORLD_A].closed || !world->conns[i].app[WORLD_B].closed) {
            return false;
        }
    }
    return true;
}

static uint64_t objects_live(const struct world *world)
{
    uint64_t live = 0;

    for (unsigned node = 0; node < WORLD_NODES; node++) {
        live += flue_host_objects_live(flue_node_host(world->node[node])) +
                flue_target_objects_live(flue_node_target(world->node[node]));
    }
    return live;
}

/* What has no deadline any more waits for ever. */
static bool run(struct world *world, bool (*done)(const struct world *world))
{
    const flue_ps limit_ps = world->now_ps + END_PS;

    for (;;) {
        flue_ps next_ps = world_deadline(world, WORLD_A), other_ps = world_deadline(world, WORLD_B);

        if (done(world)) {
            return true;
        }
        next_ps = other_ps < next_ps ? other_ps : next_ps;
        if (world->verdict >= EXPLORE_DEADLOCK || next_ps == FLUE_PS_NEVER || next_ps > limit_ps) {
            return false;
        }
        world_go(world, next_ps);
    }
}

static bool nothing_left(const struct world *world)
{
    return objects_live(world) == 0;
}

static void tell_open(struct world *world)
{
    for (unsigned i = 0; i < world->connections; i++) {
        const struct world_app *a = &world->conns[i].app[WORLD_A];

        if (!a->closed) {
            world_tell(world, EXPLORE_DEADLOCK, "connection %u never ends: %s holds it, %llu of %llu bytes came", i,
                       flue_holder_name(flue_host_socket_holder(a->socket)), (unsigned long long)a->received_bytes,
                       (unsigned long long)world->conns[i].app[WORLD_B].sent_bytes);
            return;
        }
        if (!world->conns[i].app[WORLD_B].closed) {
            world_tell(world, EXPLORE_DEADLOCK, "the peer of connection %u never ends", i);
            return;
        }
    }
}

/* From one application to the other. */
static void judge_bytes(struct world *world, unsigned i, unsigned from)
{
    const struct world_conn *conn = &world->conns[i];
    const struct world_app *sender = &conn->app[from], *receiver = &conn->app[1 - from];

    if (receiver->received_bytes > sender->sent_bytes ||
        (!was_reset(conn) && receiver->received_bytes < sender->sent_bytes)) {
        world_tell(world, EXPLORE_BYTES, "%llu of %llu bytes reached %s of connection %u",
                   (unsigned long long)receiver->received_bytes, (unsigned long long)sender->sent_bytes,
                   from == WORLD_A ? "the peer" : "the host's application", i);
    }
}

/* A reset that does not fit the window is only challenged (RFC 5961 3.2), so a host may as well find out by waiting. */
static void judge_reset(struct world *world, unsigned i)
{
    const struct world_app *a = &world->conns[i].app[WORLD_A];

    if (a->reason == FLUE_TCP_BY_ABORT) {
        world_tell(world, EXPLORE_FINDING, "the peer reset connection %u, and it ended with \"%s\"", i,
                   flue_tcp_reason_name(a->reason));
    }
}

static void judge_end(struct world *world, unsigned i)
{
    for (unsigned node = 0; node < WORLD_NODES; node++) {
        const struct world_app *app = &world->conns[i].app[node];
        const char *whose = node == WORLD_A ? "the host's" : "the peer's";

        if (app->reason != FLUE_TCP_BY_SEGMENT && app->reason != FLUE_TCP_BY_2MSL) {
            world_tell(world, EXPLORE_FINDING, "nobody reset connection %u, and %s end of it ended with \"%s\"", i,
                       whose, flue_tcp_reason_name(app->reason));
        }
        if (app->acked_bytes != app->sent_bytes) {
            world_tell(world, EXPLORE_FINDING, "%s application of connection %u heard of %llu bytes of %llu", whose, i,
                       (unsigned long long)app->acked_bytes, (unsigned long long)app->sent_bytes);
        }
        if (app->peer_closed != 1) {
            world_tell(world, EXPLORE_FINDING, "%s application of connection %u was told of the peer's close %u times",
                       whose, i, app->peer_closed);
        }
    }
}

static void judge(struct world *world)
{
    for (unsigned i = 0; i < world->connections; i++) {
        judge_bytes(world, i, WORLD_A);
        judge_bytes(world, i, WORLD_B);
        if (was_reset(&world->conns[i])) {
            judge_reset(world, i);
        } else {
            judge_end(world, i);
        }
    }
}

static bool powered(const struct world *world)
{
    return world->powering == 0;
}

/* Awake, and not paused. */
static bool adapter_is_well(struct world *world)
{
    struct flue_target *target = flue_node_target(world->node[WORLD_A]);

    for (unsigned times = 0; times < 2; times++) { /* if it is on its way to sleep it goes to sleep first */
        if (!run(world, powered)) {
            world_tell(world, EXPLORE_DEADLOCK, "the adapter never %s", world->asleep ? "falls asleep" : "wakes");
            return false;
        }
        if (world->asleep) {
            world_power(world, false);
            flue_node_settle(world->node[WORLD_A]);
            world_settle(world);
        }
    }
    if ((world->with & EXPLORE_WITH_PAUSE) != 0 && !world->emptied) {
        flue_target_resume(target);
        flue_node_settle(world->node[WORLD_A]);
        world_settle(world);
    }
    return true;
}

void world_end(struct world *world)
{
    world->flowing = 1;
    flue_target_hold(flue_node_target(world->node[WORLD_A]), 0);
    flue_node_settle(world->node[WORLD_A]);
    world_settle(world);
    if (!adapter_is_well(world)) {
        return;
    }
    for (unsigned i = 0; i < world->connections; i++) {
        for (unsigned node = 0; node < WORLD_NODES; node++) {
            struct world_app *app = &world->conns[i].app[node];

            if (app->socket != NULL) {
                flue_host_socket_resume(app->socket);
                flue_node_settle(world->node[node]);
                world_settle(world);
            }
            finish(world, app);
            flue_node_settle(world->node[node]);
            world_settle(world);
        }
    }
    if (!run(world, all_closed)) {
        tell_open(world);
        return;
    }
    judge(world);
    world_go(world, world->now_ps + POLL_PS);
    if (!world->emptied) { /* else it has gone without being asked for again (CH-308) */
        flue_host_release_offload(flue_node_host(world->node[WORLD_A]), world->now_ps);
    }
    flue_node_settle(world->node[WORLD_A]);
    world_settle(world);
    if (!run(world, nothing_left)) {
        world_tell(world, EXPLORE_LEAK, "%llu objects are left: host %llu, adapter %llu, peer's %llu",
                   (unsigned long long)objects_live(world),
                   (unsigned long long)flue_host_objects_live(flue_node_host(world->node[WORLD_A])),
                   (unsigned long long)flue_target_objects_live(flue_node_target(world->node[WORLD_A])),
                   (unsigned long long)(flue_host_objects_live(flue_node_host(world->node[WORLD_B])) +
                                        flue_target_objects_live(flue_node_target(world->node[WORLD_B]))));
        return;
    }
    flue_node_check_end(world->node[WORLD_A]);
    flue_node_check_end(world->node[WORLD_B]);
}
