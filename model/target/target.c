/* SPDX-License-Identifier: GPL-2.0-only */
/* target/target.c - the life of an adapter, and its books. */

#include "target/fault.h"

enum { TARGET_TIMERS = 7 }; /* and one for each receive queue */

static bool params_valid(const struct flue_target_params *params)
{
    const struct flue_profile *profile = &params->profile;

    return params->send_quantum >= 1 && params->backlog_frames >= 1 && params->ring_frames >= 1 &&
           params->receive_queues <= FLUE_TARGET_QUEUES && params->tcp.tick_ps > 0 &&
           params->vlan_count <= FLUE_TARGET_VLANS && params->thresholds.window_ps >= 0 && profile->engine_hz >= 1000 &&
           profile->pcie_bps >= 1000000 && profile->pcie_mps_bytes > 0 && profile->pcie_mrrs_bytes > 0 &&
           profile->context_cache <= 1000000;
}

/* Boxes below: engine, bus, TCP. */
static flue_err init_servers(struct flue_target *target)
{
    struct flue_tcp_params tcp = target->params.tcp;
    struct flue_pcie_params pcie;

    flue_profile_pcie(&target->params.profile, &pcie);
    flue_pcie_init(&target->pcie, &pcie);
    flue_server_init(&target->engine, target->params.profile.engine_hz, NULL);
    if (target->params.ddi.fin_wait2_s != 0) {
        tcp.fin_wait_2_ps = (flue_ps)target->params.ddi.fin_wait2_s * FLUE_PS_PER_S; /* D-54 */
    }
    tcp.path_mtu_discovery = 0; /* path MTUs are the host's (CH-146) */
    tcp.ip_id_base = 0x8000;    /* the upper half is the target's (behaviour 13.1) */
    return flue_tcp_new(target->env, target->timers, target->trace, &tcp, &engine_ops, target, 1, &target->tcp);
}

static void init_rings(struct flue_target *target)
{
    ring_init(&target->doorbells, target->env, sizeof(struct doorbell));
    rss_init(target);
    ring_init(&target->held, target->env, sizeof(struct upward));
    ring_init(&target->sent, target->env, sizeof(struct sent));
    port_init(target);
    timer_setup(&target->doorbell_timer, doorbell_fire);
    timer_setup(&target->pump_timer, engine_pump_fire);
    timer_setup(&target->timeout_timer, engine_timeout_fire);
    timer_setup(&target->invalidate_timer, invalidate_fire);
    timer_setup(&target->watch_timer, watch_fire);
    timer_setup(&target->reset_timer, reset_fire);
    list_init(&target->resets);
    list_init(&target->watched);
    list_init(&target->all);
    list_init(&target->outputs);
    list_init(&target->timeouts);
}

static flue_err register_driver(struct flue_target *target)
{
    if (miniport_register(target) != NDIS_STATUS_SUCCESS) {
        return FLUE_ENOMEM;
    }
    return flue_ndis_adapter_start(target->ndis, target->driver, "adapter", NULL, &target->miniport);
}

flue_err flue_target_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                         struct flue_ndis *ndis, const struct flue_wire *wire, const struct flue_target_params *params,
                         struct flue_target **out)
{
    struct flue_target *target;
    flue_err err;

    *out = NULL;
    if (!params_valid(params)) {
        return FLUE_EINVAL;
    }
    err = timers_reserve(timers, TARGET_TIMERS + rss_queues(params));
    if (err != FLUE_OK) {
        return err;
    }
    target = (struct flue_target *)env->allocate(env->ctx, sizeof *target);
    if (target == NULL) {
        timers_unreserve(timers, TARGET_TIMERS + rss_queues(params));
        return FLUE_ENOMEM;
    }
    *target = (struct flue_target){
        .env = env, .timers = timers, .trace = trace, .ndis = ndis, .wire = wire, .params = *params};
    init_rings(target);
    oid_init(target);
    vlan_init(target);
    err = timer_fifo_init(&target->pushes, timers, post_fire);
    if (err == FLUE_OK) {
        err = ring_reserve(&target->doorbells, TARGET_RING_ENTRIES);
        if (err == FLUE_OK) {
            err = upwards_reserve(target, TARGET_RING_ENTRIES);
        }
        if (err == FLUE_OK) {
            err = contexts_init(target);
        }
    }
    if (err == FLUE_OK) {
        err = init_servers(target);
    }
    if (err == FLUE_OK) {
        err = register_driver(target);
    }
    if (err != FLUE_OK) {
        flue_target_free(target);
        return err;
    }
    *out = target;
    return FLUE_OK;
}

void flue_target_set_host_core(struct flue_target *target, struct flue_server *core, const struct flue_price *interrupt)
{
    target->core = core;
    target->interrupt_price = interrupt;
    for (uint32_t i = 0; i < target->queue_count; i++) {
        target->queues[i].core = core;
    }
}

void flue_target_set_processor(struct flue_target *target, unsigned processor, struct flue_server *core)
{
    if (processor < target->queue_count) {
        target->queues[processor].core = core;
    }
}

void flue_target_set_names(struct flue_target *target, uint32_t (*identify)(void *, const struct flue_tcp_tuple *),
                           void *ctx)
{
    target->identify = identify;
    target->identify_ctx = ctx;
}

void flue_target_free(struct flue_target *target)
{
    const struct flue_env *env;

    if (target == NULL) {
        return;
    }
    env = target->env;
    /* A run that was cut short leaves things lent across the adapter: then it is not halted, only forgotten. */
    if (target->miniport != NULL && flue_ndis_adapter_stop(target->ndis, target->miniport) == FLUE_OK) {
        target->miniport = NULL;
    }
    miniport_unregister(target);
    flue_tcp_free(target->tcp);
    timers_remove(target->timers, &target->doorbell_timer);
    timers_remove(target->timers, &target->pump_timer);
    timers_remove(target->timers, &target->timeout_timer);
    timers_remove(target->timers, &target->invalidate_timer);
    timers_remove(target->timers, &target->watch_timer);
    timers_remove(target->timers, &target->reset_timer);
    timer_fifo_dispose(&target->pushes);
    port_dispose(target);
    timers_unreserve(target->timers, TARGET_TIMERS + target->queue_count);
    ring_dispose(&target->doorbells);
    rss_dispose(target);
    ring_dispose(&target->held);
    ring_dispose(&target->sent);
    contexts_dispose(target);
    env->release(env->ctx, target, sizeof *target);
}

void *flue_target_adapter(const struct flue_target *target)
{
    return target->miniport;
}

unsigned flue_target_processor(const struct flue_target *target)
{
    return target->in_batch ? (unsigned)(target->running - target->queues) : 0;
}

uint64_t flue_target_interrupts(const struct flue_target *target, unsigned processor)
{
    return target != NULL && processor < target->queue_count ? target->queues[processor].interrupts : 0;
}

/* ---- Books ---- */

void flue_target_totals(const struct flue_target *target, struct flue_target_totals *out)
{
    *out = target != NULL ? target->totals : (struct flue_target_totals){0};
}

void flue_target_tcp_totals(const struct flue_target *target, struct flue_tcp_totals *out)
{
    *out = (struct flue_tcp_totals){0};
    if (target != NULL) {
        flue_tcp_totals(target->tcp, out);
    }
}

flue_err flue_target_tcp_info(const struct flue_target *target, const struct flue_tcp_tuple *tuple,
                              struct flue_tcp_info *out)
{
    const struct flue_tcp_conn *conn = flue_tcp_find_tuple(target->tcp, tuple);

    if (conn == NULL) {
        return FLUE_ENOENT;
    }
    flue_tcp_info(conn, out);
    return FLUE_OK;
}

const struct flue_server *flue_target_engine(const struct flue_target *target)
{
    static const struct flue_server idle;

    return target != NULL ? &target->engine : &idle;
}

const struct flue_pcie *flue_target_pcie(const struct flue_target *target)
{
    static const struct flue_pcie idle;

    return target != NULL ? &target->pcie : &idle;
}

uint64_t flue_target_wire_busy_ps(const struct flue_target *target)
{
    return target != NULL ? target->port.busy_ps : 0;
}

uint64_t flue_target_objects_live(const struct flue_target *target)
{
    const struct port *port = &target->port;
    struct flue_tcp_totals tcp;

    flue_tcp_totals(target->tcp, &tcp);
    return contexts_live(target) + tcp.pool_objects_live + target->doorbells.count + target->overflow.count +
           upwards_count(target) + target->held.count + target->sent.count + port->queues[PORT_ORDINARY].count +
           port->queues[PORT_ENGINE].count;
}
