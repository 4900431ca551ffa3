/* SPDX-License-Identifier: GPL-2.0-only */
/* A node: host over NDIS over one or two adapters, each on a wire, perhaps with intermediate drivers between; one timer
 * heap and one alarm under them all. */
#include "flue/node.h"

#include <stdbool.h>

#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"
#include "flue/ndis.h"
#include "node/foreign.h"
#include "wire/impair.h"

/* A frame that the wire brings late. */
struct late_frame {
    struct timer timer;
    struct node_port *port;
    struct flue_frame frame;
};

/* An adapter and its wire. */
struct node_port {
    struct flue_node *node;
    struct flue_target *target; /* NULL: the adapter is a provider's */
    struct foreign foreign;
    const struct flue_wire *wire; /* as given; used by watched */
    struct flue_wire watched;     /* the target's wire when somebody watches */
};

struct flue_node {
    const struct flue_env *env;
    struct flue_trace trace;
    struct timers timers;
    struct pool late;
    struct impair impair;
    struct flue_ndis *ndis;
    struct node_port port[FLUE_NODE_ADAPTERS];
    unsigned ports;
    struct flue_im **driver; /* from the bottom up */
    unsigned drivers;
    struct flue_host *host;
    struct flue_price interrupt; /* borrowed by the target */
    struct flue_node_tap tap;
    bool checked;     /* the checker sees the frames */
    bool watched;     /* it, or the tap */
    flue_ps alarm_ps; /* what the env was told last */
    struct flue_node_totals totals;
};

/* Tells the env when to call next, if that has changed. */
void flue_node_settle(struct flue_node *node)
{
    const flue_ps next_ps = timers_next(&node->timers);

    if (next_ps != node->alarm_ps) {
        node->alarm_ps = next_ps;
        node->env->set_alarm(node->env->ctx, next_ps);
    }
}

static uint64_t fold(uint64_t digest, uint64_t value)
{
    digest ^= value;
    digest *= UINT64_C(0x9E3779B97F4A7C15);
    return digest ^ (digest >> 29);
}

/* Whoever watches sees a frame: of the wire's adapter, on its way in or out. */
static void show(const struct node_port *port, int outward, const struct flue_frame *frame, flue_ps now_ps)
{
    const struct flue_node *node = port->node;
    void *const adapter = port->target != NULL ? flue_target_adapter(port->target) : port->foreign.miniport;

    if (node->tap.frame != NULL)
        node->tap.frame(node->tap.ctx, frame, now_ps);
    if (node->checked && adapter != NULL)
        flue_ndis_check_frame(node->ndis, adapter, outward, frame, now_ps);
}

static inline void take(const struct node_port *port, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_node *node = port->node;
    uint64_t digest = node->totals.frame_digest;

    digest = fold(digest, (uint64_t)now_ps);
    digest = fold(digest, (uint64_t)frame->seq << 32 | frame->ack);
    digest = fold(digest, (uint64_t)frame->src_port << 48 | (uint64_t)frame->dst_port << 32 |
                              (uint64_t)frame->window << 16 | (uint64_t)frame->flags << 8 | frame->options);
    digest = fold(digest, (uint64_t)frame->payload.length_bytes << 32 | frame->ts_val);
    node->totals.frame_digest = digest;
    if (node->watched)
        show(port, 0, frame, now_ps);
    if (port->foreign.calls != NULL)
        port->foreign.calls->receive(port->foreign.adapter, frame, now_ps);
    else
        flue_target_receive(port->target, frame, now_ps);
}

static void on_late(struct timer *timer, flue_ps now_ps)
{
    struct late_frame *late = FLUE_CONTAINER_OF(timer, struct late_frame, timer);
    struct flue_node *node = late->port->node;

    take(late->port, &late->frame, now_ps);
    pool_put(&node->late, late);
}

/* Puts a frame aside; without memory for that it comes in time. */
static void delay(struct node_port *port, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_node *node = port->node;
    struct late_frame *late = pool_get(&node->late);

    if (late == NULL) {
        take(port, frame, now_ps);
        return;
    }
    late->port = port;
    late->frame = *frame;
    timer_setup(&late->timer, on_late);
    timers_arm(&node->timers, &late->timer, now_ps + node->impair.params.reorder_ps);
    flue_trace3(&node->trace, wire_reorder, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes,
                node->impair.params.reorder_ps);
}

void flue_node_receive_at(struct flue_node *node, const struct flue_frame *frame, flue_ps at_ps)
{
    struct late_frame *late = pool_get(&node->late);

    if (late == NULL)
        return;
    late->port = &node->port[0];
    late->frame = *frame;
    timer_setup(&late->timer, on_late);
    timers_arm(&node->timers, &late->timer, at_ps);
}

static inline void receive(struct flue_node *node, struct node_port *port, const struct flue_frame *frame)
{
    const flue_ps now_ps = node->env->now(node->env->ctx);

    node->totals.frames++;
    timers_run(&node->timers, now_ps);
    switch (impair_next(&node->impair)) {
    case IMPAIR_DELIVER:
        take(port, frame, now_ps);
        break;
    case IMPAIR_LOSE:
        flue_trace3(&node->trace, wire_loss, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes,
                    frame->flags);
        break;
    case IMPAIR_DELAY:
        delay(port, frame, now_ps);
        break;
    }
    flue_node_settle(node);
}

void flue_node_receive_by(struct flue_node *node, unsigned adapter, const struct flue_frame *frame)
{
    receive(node, &node->port[adapter], frame);
}

void flue_node_receive(struct flue_node *node, const struct flue_frame *frame)
{
    receive(node, &node->port[0], frame);
}

void flue_node_alarm(struct flue_node *node)
{
    node->totals.alarms++;
    node->alarm_ps = FLUE_PS_NEVER;
    timers_run(&node->timers, node->env->now(node->env->ctx));
    flue_node_settle(node);
}

static enum flue_wire_result send_watched(void *ctx, const struct flue_frame *frame)
{
    const struct node_port *port = ctx;
    const struct flue_node *node = port->node;
    const enum flue_wire_result result = port->wire->send(port->wire->ctx, frame);

    if (result == FLUE_WIRE_SENT)
        show(port, 1, frame, node->env->now(node->env->ctx));
    return result;
}

static flue_err new_adapter(struct flue_node *node, const struct flue_wire *wire, const struct flue_provider *provider,
                            const struct flue_node_params *params)
{
    struct node_port *port = &node->port[node->ports++];

    *port = (struct node_port){
        .node = node, .wire = wire, .watched = {.ctx = port, .facts = wire->facts, .send = send_watched}};
    if (provider != NULL) {
        struct flue_provider_world world = {.wire = node->watched ? &port->watched : wire,
                                            .ndis = node->ndis,
                                            .ddi = params->target.ddi,
                                            .tcp_max = params->target.tcp_max};

        return foreign_open(&port->foreign, node->env, &node->timers, provider, &world);
    }
    return flue_target_new(node->env, &node->timers, &node->trace, node->ndis, node->watched ? &port->watched : wire,
                           &params->target, &port->target);
}

static flue_err new_drivers(struct flue_node *node, const struct flue_node_params *params)
{
    flue_err err = FLUE_OK;

    if (params->drivers == 0)
        return FLUE_OK;
    node->driver = node->env->allocate(node->env->ctx, params->drivers * sizeof(*node->driver));
    if (node->driver == NULL)
        return FLUE_ENOMEM;
    node->drivers = params->drivers;
    for (unsigned i = 0; err == FLUE_OK && i < params->drivers; i++)
        err = flue_im_new(node->env, &node->timers, &node->trace, node->ndis, &params->driver[i], &node->driver[i]);
    return err;
}

/* From the bottom up: each box finds what it stands on. */
static flue_err build(struct flue_node *node, const struct flue_wire *wire, const struct flue_node_params *params)
{
    flue_err err = timers_init(&node->timers, node->env);

    if (err == FLUE_OK)
        err = flue_ndis_new(node->env, &node->trace, &node->ndis);
    if (err == FLUE_OK && node->checked)
        err = flue_ndis_check(node->ndis, params->check, &params->host.ddi, &params->check_sink);
    if (err == FLUE_OK)
        err = new_adapter(node, wire, params->provider, params);
    if (err == FLUE_OK && params->adapters > 1)
        err = new_adapter(node, params->second, NULL, params);
    if (err == FLUE_OK)
        err = new_drivers(node, params);
    if (err == FLUE_OK)
        err = flue_host_new(node->env, &node->timers, &node->trace, node->ndis, &params->host, &node->host);
    if (err == FLUE_OK && wire->facts.has_mac != 0)
        err = flue_host_link(node->host, 0, wire->facts.mac, wire->facts.mtu_bytes);
    return err;
}

static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    return flue_host_identify(ctx, tuple);
}

flue_err flue_node_new(const struct flue_env *env, const struct flue_wire *wire, const struct flue_trace *trace,
                       const struct flue_node_params *params, struct flue_node **out)
{
    struct flue_node *node;
    flue_err err;

    *out = NULL;
    if (params->adapters > FLUE_NODE_ADAPTERS || (params->drivers > 0 && params->driver == NULL) ||
        (params->adapters > 1 && params->second == NULL))
        return FLUE_EINVAL;
    node = env->allocate(env->ctx, sizeof(*node));
    if (node == NULL)
        return FLUE_ENOMEM;
    node->env = env;
    node->alarm_ps = FLUE_PS_NEVER;
    if (trace != NULL)
        node->trace = *trace;
    node->trace.node = params->number;
    node->tap = params->tap;
    node->checked = params->check != FLUE_CHECK_OFF;
    node->watched = node->checked || node->tap.frame != NULL;
    /* A stream of its own for each node. */
    impair_init(&node->impair, &params->impair,
                env->seed + (params->number > 1 ? params->number * UINT64_C(0xD1B54A32D192ED03) : 0),
                params->number == 0 ? "wire.to.0" : "wire.to.1");
    pool_init(&node->late, env, sizeof(struct late_frame));
    err = build(node, wire, params);
    if (err != FLUE_OK) {
        flue_node_free(node);
        return err;
    }
    flue_host_neighbour(node->host, (const uint8_t[6]){0}, wire->facts.mtu_bytes);
    if (wire->facts.has_mac != 0) {
        err = flue_host_link(node->host, 0, wire->facts.mac, wire->facts.mtu_bytes);
        if (err != FLUE_OK) {
            flue_node_free(node);
            return err;
        }
    }
    node->interrupt = params->host.profile.interrupt;
    for (unsigned i = 0; i < node->ports; i++) {
        if (node->port[i].target == NULL)
            continue;
        flue_target_set_host_core(node->port[i].target, flue_host_core(node->host), &node->interrupt);
        if (params->host.receive_queues > 1) /* HashValue is a hash then */
            flue_target_set_names(node->port[i].target, identify, node->host);
    }
    *out = node;
    return FLUE_OK;
}

/* From the bottom up: what stands on an adapter leaves it when it stops, and has to be there to do so. */
void flue_node_free(struct flue_node *node)
{
    if (node == NULL)
        return;
    for (unsigned i = 0; i < node->ports; i++) {
        flue_target_free(node->port[i].target);
        foreign_close(&node->port[i].foreign);
    }
    for (unsigned i = 0; i < node->drivers; i++)
        flue_im_free(node->driver[i]);
    flue_host_free(node->host);
    flue_ndis_free(node->ndis);
    timers_dispose(&node->timers);
    pool_dispose(&node->late);
    if (node->driver != NULL)
        node->env->release(node->env->ctx, node->driver, node->drivers * sizeof(*node->driver));
    node->env->release(node->env->ctx, node, sizeof(*node));
}

void flue_node_check_end(struct flue_node *node)
{
    flue_ndis_check_end(node->ndis);
}

void flue_node_check_cut(struct flue_node *node)
{
    flue_ndis_check_cut(node->ndis);
}

struct flue_host *flue_node_host(struct flue_node *node)
{
    return node->host;
}

struct flue_target *flue_node_target(struct flue_node *node)
{
    return node->port[0].target;
}

struct flue_target *flue_node_target_at(struct flue_node *node, unsigned adapter)
{
    return adapter < node->ports ? node->port[adapter].target : NULL;
}

struct flue_im *flue_node_driver(struct flue_node *node, unsigned place)
{
    return place < node->drivers ? node->driver[place] : NULL;
}

struct flue_ndis *flue_node_ndis(struct flue_node *node)
{
    return node->ndis;
}

uint64_t flue_node_adapter_objects_live(const struct flue_node *node)
{
    uint64_t live = 0;

    for (unsigned i = 0; i < node->ports; i++) {
        const struct foreign *foreign = &node->port[i].foreign;

        live += foreign->calls != NULL ? foreign->calls->objects_live(foreign->adapter)
                                       : flue_target_objects_live(node->port[i].target);
    }
    return live;
}

struct timers *flue_node_timers(struct flue_node *node)
{
    return &node->timers;
}

void flue_node_totals(const struct flue_node *node, struct flue_node_totals *out)
{
    *out = node->totals;
    out->lost = node->impair.lost;
    out->delayed = node->impair.delayed;
}
