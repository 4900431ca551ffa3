/* SPDX-License-Identifier: GPL-2.0-only */
/* A node: host over NDIS over adapter on a wire, one timer heap and one alarm under them all. */
#include "flue/node.h"

#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"
#include "flue/ndis.h"
#include "wire/impair.h"

/* A frame that the wire brings late. */
struct late_frame {
    struct timer timer;
    struct flue_node *node;
    struct flue_frame frame;
};

struct flue_node {
    const struct flue_env *env;
    struct flue_trace trace;
    struct timers timers;
    struct pool late;
    struct impair impair;
    struct flue_ndis *ndis;
    struct flue_target *target;
    struct flue_host *host;
    struct flue_price interrupt; /* borrowed by the target */
    struct flue_node_tap tap;
    const struct flue_wire *wire; /* as given; used by tapped_wire */
    struct flue_wire tapped_wire; /* the target's wire when somebody watches */
    flue_ps alarm_ps;             /* what the env was told last */
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

static void take(struct flue_node *node, const struct flue_frame *frame, flue_ps now_ps)
{
    uint64_t digest = node->totals.frame_digest;

    digest = fold(digest, (uint64_t)now_ps);
    digest = fold(digest, (uint64_t)frame->seq << 32 | frame->ack);
    digest = fold(digest, (uint64_t)frame->src_port << 48 | (uint64_t)frame->dst_port << 32 |
                              (uint64_t)frame->window << 16 | (uint64_t)frame->flags << 8 | frame->options);
    digest = fold(digest, (uint64_t)frame->payload.length_bytes << 32 | frame->ts_val);
    node->totals.frame_digest = digest;
    if (node->tap.frame != NULL)
        node->tap.frame(node->tap.ctx, frame, now_ps);
    flue_target_receive(node->target, frame, now_ps);
}

static void on_late(struct timer *timer, flue_ps now_ps)
{
    struct late_frame *late = FLUE_CONTAINER_OF(timer, struct late_frame, timer);
    struct flue_node *node = late->node;

    take(node, &late->frame, now_ps);
    pool_put(&node->late, late);
}

/* Puts a frame aside; without memory for that it comes in time. */
static void delay(struct flue_node *node, const struct flue_frame *frame, flue_ps now_ps)
{
    struct late_frame *late = pool_get(&node->late);

    if (late == NULL) {
        take(node, frame, now_ps);
        return;
    }
    late->node = node;
    late->frame = *frame;
    timer_setup(&late->timer, on_late);
    timers_arm(&node->timers, &late->timer, now_ps + node->impair.params.reorder_ps);
    flue_trace3(&node->trace, wire_reorder, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes,
                node->impair.params.reorder_ps);
}

void flue_node_receive(struct flue_node *node, const struct flue_frame *frame)
{
    const flue_ps now_ps = node->env->now(node->env->ctx);

    node->totals.frames++;
    timers_run(&node->timers, now_ps);
    switch (impair_next(&node->impair)) {
    case IMPAIR_DELIVER:
        take(node, frame, now_ps);
        break;
    case IMPAIR_LOSE:
        flue_trace3(&node->trace, wire_loss, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes,
                    frame->flags);
        break;
    case IMPAIR_DELAY:
        delay(node, frame, now_ps);
        break;
    }
    flue_node_settle(node);
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
    struct flue_node *node = ctx;
    const enum flue_wire_result result = node->wire->send(node->wire->ctx, frame);

    if (result == FLUE_WIRE_SENT)
        node->tap.frame(node->tap.ctx, frame, node->env->now(node->env->ctx));
    return result;
}

flue_err flue_node_new(const struct flue_env *env, const struct flue_wire *wire, const struct flue_trace *trace,
                       const struct flue_node_params *params, struct flue_node **out)
{
    struct flue_node *node = env->allocate(env->ctx, sizeof(*node));
    flue_err err;

    *out = NULL;
    if (node == NULL)
        return FLUE_ENOMEM;
    node->env = env;
    node->alarm_ps = FLUE_PS_NEVER;
    if (trace != NULL)
        node->trace = *trace;
    node->trace.node = params->number;
    node->tap = params->tap;
    node->wire = wire;
    node->tapped_wire = (struct flue_wire){.ctx = node, .facts = wire->facts, .send = send_watched};
    impair_init(&node->impair, &params->impair, env->seed, params->number == 0 ? "wire.to.0" : "wire.to.1");
    pool_init(&node->late, env, sizeof(struct late_frame));
    err = timers_init(&node->timers, env);
    if (err == FLUE_OK)
        err = flue_ndis_new(env, &node->trace, &node->ndis);
    if (err == FLUE_OK)
        err = flue_target_new(env, &node->timers, &node->trace, node->ndis,
                              node->tap.frame != NULL ? &node->tapped_wire : wire, &params->target, &node->target);
    if (err == FLUE_OK)
        err = flue_host_new(env, &node->timers, &node->trace, node->ndis, &params->host, &node->host);
    if (err == FLUE_OK) {
        flue_host_neighbour(node->host, (const uint8_t[6]){0}, wire->facts.mtu_bytes);
        node->interrupt = params->host.profile.interrupt;
        flue_target_set_host_core(node->target, flue_host_core(node->host), &node->interrupt);
        *out = node;
        return FLUE_OK;
    }
    flue_node_free(node);
    return err;
}

void flue_node_free(struct flue_node *node)
{
    if (node == NULL)
        return;
    flue_target_free(node->target);
    flue_host_free(node->host);
    flue_ndis_free(node->ndis);
    timers_dispose(&node->timers);
    pool_dispose(&node->late);
    node->env->release(node->env->ctx, node, sizeof(*node));
}

struct flue_host *flue_node_host(struct flue_node *node)
{
    return node->host;
}

struct flue_target *flue_node_target(struct flue_node *node)
{
    return node->target;
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
