/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations of a plan.  One that does not fit the moment is refused by what it is asked of, or has no object. */
#include <inttypes.h>

#include "flue/ndis.h"
#include "sequence/world.h"

/* An answer of the model; ESTATE and EEXIST are refusals that any moment allows. */
static void judge(struct world *world, const struct plan_op *op, flue_err err)
{
    if (err == FLUE_OK) {
        world->done[op->kind]++;
    } else if (err != FLUE_ESTATE && err != FLUE_EEXIST && !(err == FLUE_ENOMEM && world->plan->starves)) {
        world_fail(world, "%s: %s", plan_kind_name(op->kind), flue_err_name(err));
    }
}

static void connect(struct world *world, const struct plan_op *op)
{
    struct world_conn *conn = &world->conn[op->conn];
    const struct flue_tcp_tuple tuple = {.local_ip = world_ip(world, op->node),
                                         .remote_ip = world_ip(world, 1 - op->node),
                                         .local_port = (uint16_t)(1000 + op->conn),
                                         .remote_port = PLAN_PORT};
    flue_err err;

    if (conn->begun) {
        return;
    }
    conn->from = op->node;
    err = flue_host_connect(world_host(world, op->node), &tuple, op->conn, &world->app[op->node],
                            &world->side[op->node], world->now_ps, &conn->end[op->node].socket);
    conn->begun = err == FLUE_OK;
    judge(world, op, err);
}

static void send(struct world *world, const struct plan_op *op, struct world_end *end)
{
    static const uint32_t most[] = {1, 100, 1460, 5000, 30000};
    const uint32_t bytes = 1 + (uint32_t)(op->number / 8 % most[op->number % 5]);
    const flue_err err = flue_host_socket_send(end->socket, bytes);

    if (err == FLUE_OK) {
        end->sent += bytes;
    }
    judge(world, op, err);
}

static void change(struct world *world, const struct plan_op *op, const struct world_end *end)
{
    struct flue_tcp_settings settings;
    flue_err err = flue_host_socket_settings(end->socket, &settings);
    uint64_t number = op->number;

    if (err == FLUE_OK) {
        if (number & 1) {
            settings.nagle = !settings.nagle;
        }
        if (number & 2) {
            settings.keep_alive = !settings.keep_alive;
            settings.keep_idle_ps = (flue_ps)(1 + number / 4096 % 100) * 10 * FLUE_PS_PER_MS;
            settings.keep_interval_ps = 500 * FLUE_PS_PER_MS;
            settings.keep_count = 20;
        }
        if (number & 4) {
            settings.rcv_buffer_bytes = 4096u << (number / 4096 % 6);
        }
        if (number & 8) {
            settings.ttl = (uint8_t)(1 + number / 4096 % 255);
        }
        if (number & 16) {
            settings.tos = (uint8_t)(number / 4096 % 64 * 4);
        }
        if (number & 32) {
            settings.user_priority = (uint8_t)(number / 4096 % 8);
        }
        if (number & 64) {
            settings.rcv_indication_size = (uint32_t)(number / 4096 % 3000);
        }
        if (number & 128) {
            settings.user_timeout_ps = (number & 256) ? FLUE_PS_NEVER : 1000 * FLUE_PS_PER_S;
        }
        err = flue_host_socket_change(end->socket, &settings, world->now_ps);
    }
    judge(world, op, err);
}

static void told(void *ctx, struct flue_host_socket *socket, const struct TCP_OFFLOAD_STATE_DELEGATED *delegated,
                 flue_ps at_ps)
{
    struct world *world = ctx;

    (void)socket;
    (void)delegated;
    (void)at_ps;
    if (world->queries-- == 0) {
        world_fail(world, "a query was answered twice");
    }
}

static void query(struct world *world, const struct plan_op *op, const struct world_end *end)
{
    const flue_err err = flue_host_socket_query(end->socket, told, world, world->now_ps);

    world->queries += err == FLUE_OK;
    judge(world, op, err);
}

/* B has three addresses; the last two are only next hops. */
static struct flue_ip hop(const struct world *world, uint64_t number)
{
    struct flue_ip ip = world_ip(world, NODE_B);

    ip.word[3] += (uint32_t)(number % 3) << 8;
    return ip;
}

static void relink(struct world *world, const struct plan_op *op)
{
    const struct flue_ip from = hop(world, op->number), to = hop(world, op->number / 3);
    const bool fixed = !world->plan->has_mac && op->number / 9 % 2 == 0;

    if (fixed || !flue_ip_equal(&from, &to)) {
        judge(world, op, flue_host_relink(world_host(world, NODE_A), fixed ? NULL : &from, &to, world->now_ps));
    }
}

static void invalidate(struct world *world, const struct plan_op *op)
{
    const struct flue_ip from = hop(world, op->number);
    const bool fixed = !world->plan->has_mac && op->number / 9 % 2 == 0;

    judge(world, op, flue_host_invalidate_neighbour(world_host(world, NODE_A), fixed ? NULL : &from, world->now_ps));
}

static void chimney(struct world *world, const struct plan_op *op, int enable)
{
    judge(world, op, flue_host_chimney(world_host(world, NODE_A), 0, world->plan->v6 ? 6 : 4, enable, world->now_ps));
}

static void powered(void *ctx, NDIS_STATUS status)
{
    struct world *world = ctx;

    (void)status;
    world->power_busy = false;
}

static void power(struct world *world, const struct plan_op *op, NET_DEVICE_POWER_STATE state)
{
    const unsigned adapter = (unsigned)(op->number % world->plan->node[NODE_A].adapters);

    if (!world->power_busy) {
        world->done[op->kind]++;
        world->power_busy = true;
        world->asleep[adapter] = state != NetDeviceStateD0;
        flue_ndis_set_power(flue_node_ndis(world->node[NODE_A]),
                            flue_target_adapter(flue_node_target_at(world->node[NODE_A], adapter)), state, powered,
                            world);
    }
}

static void fail_over(struct world *world, const struct plan_op *op)
{
    judge(world, op, flue_im_fail_over(flue_node_driver(world->node[NODE_A], 0), world->now_ps));
}

/* A fault of an object: whatever depends on it may be lost with it. */
static void fault(struct world *world, const struct plan_op *op, struct flue_target *target,
                  enum flue_target_fault kind)
{
    const unsigned layer =
        kind == FLUE_FAULT_CORRUPT || kind == FLUE_FAULT_TERMINATE ? 3 - (unsigned)(op->number / 2 % 5) / 3 : 3;
    const flue_err err = flue_target_fault(target, kind, layer, op->conn);

    if (err == FLUE_OK && kind != FLUE_FAULT_STARVE) {
        for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
            if (i == op->conn || layer != 3) {
                world->conn[i].excused = true;
            }
        }
    }
    judge(world, op, err == FLUE_EINVAL ? FLUE_ESTATE : err);
}

/* An operation that never completes.  Nobody else is to blame for what waits for it. */
static void get_stuck(struct world *world, const struct plan_op *op, struct flue_target *target,
                      enum flue_target_fault kind)
{
    world->stuck = true;
    for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
        world->conn[i].excused = true;
    }
    judge(world, op, flue_target_fault(target, kind, 0, (uint32_t)(op->number / 2 % 5)));
}

static void on_socket(struct world *world, const struct plan_op *op, struct world_conn *conn, struct world_end *end)
{
    switch ((unsigned)op->kind) {
    case PLAN_SEND:
        send(world, op, end);
        break;
    case PLAN_OFFLOAD:
        judge(world, op, flue_host_socket_offload(end->socket, world->now_ps));
        break;
    case PLAN_UPLOAD:
        judge(world, op, flue_host_socket_upload(end->socket, world->now_ps));
        break;
    case PLAN_CHANGE:
        change(world, op, end);
        break;
    case PLAN_QUERY:
        query(world, op, end);
        break;
    case PLAN_MTU:
        world_tell_mtu(world, op->conn, (uint32_t[]){1280, 1300, 1400, 1480}[op->number % 4]);
        world->done[op->kind]++;
        break;
    case PLAN_PAUSE_READING:
        flue_host_socket_pause_reading(end->socket);
        end->paused = true;
        world->done[op->kind]++;
        break;
    case PLAN_RESUME_READING:
        end->paused = false; /* bytes may come inside the call */
        flue_host_socket_resume(end->socket);
        world->done[op->kind]++;
        break;
    case PLAN_CLOSE:
        judge(world, op, flue_host_socket_close(end->socket));
        break;
    default: /* PLAN_ABORT */
        conn->excused = true;
        flue_host_socket_abort(end->socket);
        world->done[op->kind]++;
        break;
    }
}

static void on_adapter(struct world *world, const struct plan_op *op, struct flue_target *target)
{
    switch ((unsigned)op->kind) {
    case PLAN_TARGET_PAUSE:
        flue_target_pause(target);
        break;
    case PLAN_TARGET_RESUME:
        flue_target_resume(target);
        break;
    case PLAN_UPLOAD_ALL:
        flue_target_upload_all(target);
        break;
    default: /* PLAN_LINK */
        flue_target_link(target, (int)(op->number / 2 % 2));
        break;
    }
    world->done[op->kind]++;
}

void world_do(struct world *world, const struct plan_op *op)
{
    struct world_conn *conn = &world->conn[op->conn];
    struct world_end *end = &conn->end[op->node];
    const unsigned adapter = (unsigned)(op->number % world->plan->node[NODE_A].adapters);
    struct flue_target *target = flue_node_target_at(world->node[NODE_A], adapter);

    if (world->verbose) {
        plan_print_op(op);
    }
    switch (op->kind) {
    case PLAN_CONNECT:
        connect(world, op);
        break;
    case PLAN_SEND:
    case PLAN_OFFLOAD:
    case PLAN_UPLOAD:
    case PLAN_CHANGE:
    case PLAN_QUERY:
    case PLAN_MTU:
    case PLAN_PAUSE_READING:
    case PLAN_RESUME_READING:
    case PLAN_CLOSE:
    case PLAN_ABORT:
        if (end->socket != NULL && end->opened) {
            on_socket(world, op, conn, end);
        }
        break;
    case PLAN_INVALIDATE:
        invalidate(world, op);
        break;
    case PLAN_RELINK:
        relink(world, op);
        break;
    case PLAN_RELEASE:
        flue_host_release_offload(world_host(world, NODE_A), world->now_ps);
        world->done[op->kind]++;
        break;
    case PLAN_CHIMNEY_OFF:
        chimney(world, op, 0);
        break;
    case PLAN_CHIMNEY_ON:
        chimney(world, op, 1);
        break;
    case PLAN_MAC:
        world->mac++;
        for (unsigned i = 0; i < 3; i++) {
            const struct flue_ip ip = hop(world, i);

            world_tell_mac(world, &ip);
        }
        world->done[op->kind]++;
        break;
    case PLAN_TARGET_PAUSE:
    case PLAN_TARGET_RESUME:
    case PLAN_UPLOAD_ALL:
    case PLAN_LINK:
        on_adapter(world, op, target);
        break;
    case PLAN_SLEEP:
        power(world, op, NetDeviceStateD3);
        break;
    case PLAN_WAKE:
        power(world, op, NetDeviceStateD0);
        break;
    case PLAN_FAIL_OVER:
        fail_over(world, op);
        break;
    case PLAN_FAULT_CORRUPT:
        fault(world, op, target, FLUE_FAULT_CORRUPT);
        break;
    case PLAN_FAULT_TERMINATE:
        fault(world, op, target, FLUE_FAULT_TERMINATE);
        break;
    case PLAN_FAULT_HARDWARE:
        fault(world, op, target, FLUE_FAULT_HARDWARE);
        break;
    case PLAN_FAULT_STARVE:
        fault(world, op, target, FLUE_FAULT_STARVE);
        break;
    case PLAN_FAULT_HANG:
        get_stuck(world, op, target, FLUE_FAULT_HANG);
        break;
    case PLAN_FAULT_LOSE:
        get_stuck(world, op, target, FLUE_FAULT_LOSE);
        break;
    case PLAN_STARVE:
    case PLAN_FEED:
        world->env[NODE_A].starving = op->kind == PLAN_STARVE;
        world->done[op->kind]++;
        break;
    case PLAN_KIND_COUNT:
        break;
    }
}
