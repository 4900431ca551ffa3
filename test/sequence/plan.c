/* SPDX-License-Identifier: GPL-2.0-only */
/* Plans drawn from a seed.  Parameters and operations have streams of their own, so a shorter plan is the beginning of
 * the longer one. */
#include "plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "support/test.h"

#define US FLUE_PS_PER_US
#define MS FLUE_PS_PER_MS

static const struct {
    const char *name;
    unsigned weight;
    char who;
} kinds[] = {
#define X(name, weight, who) {#name, weight, who},
    PLAN_KINDS(X)
#undef X
};

const char *plan_kind_name(unsigned kind)
{
    return kind < PLAN_KIND_COUNT ? kinds[kind].name : "?";
}

static bool chance(struct rng *rng, unsigned percent)
{
    return rng_below(rng, 100) < percent;
}

static uint32_t between(struct rng *rng, uint32_t least, uint32_t most)
{
    return least + (uint32_t)rng_below(rng, (uint64_t)most - least + 1);
}

static uint32_t one_of(struct rng *rng, const uint32_t *values, size_t count)
{
    return values[rng_below(rng, count)];
}
#define ONE_OF(rng, ...)                                                                                               \
    one_of(rng, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* ---- Parameters */

static struct flue_ddi draw_ddi(struct rng *rng)
{
    return (struct flue_ddi){
        .ndis_version = (uint8_t)ONE_OF(rng, FLUE_NDIS_6_20, FLUE_NDIS_6_20, FLUE_NDIS_6_1, FLUE_NDIS_6_0),
        .walk_failure_stop = chance(rng, 30),
        .invalidate_acks_none = chance(rng, 30),
        .invalid_raise_eager = chance(rng, 30),
        .upload_sends_complete = chance(rng, 30),
        .terminate_recipe = chance(rng, 30),
        .push_timer_once = chance(rng, 30),
        .chimney_moderation_none = chance(rng, 30),
        .upload_deadline_ms = ONE_OF(rng, 0, 10, 100, 10000),
        .reoffload_backoff_ms = ONE_OF(rng, 0, 1, 10, 1000),
        .fin_wait2_s = ONE_OF(rng, 120, 120, 60),
    };
}

static void draw_tcp(struct rng *rng, struct flue_tcp_params *tcp)
{
    flue_tcp_defaults(tcp);
    tcp->rcv_buffer_bytes = ONE_OF(rng, 4096, 20000, 65535, 262144);
    tcp->timestamps = chance(rng, 50);
    tcp->window_scaling = chance(rng, 70);
    tcp->sack = chance(rng, 70);
    tcp->nagle = chance(rng, 50);
    tcp->initial_window = ONE_OF(rng, 1, 3, 10);
    tcp->ack_every = ONE_OF(rng, 1, 2, 2, 4);
    tcp->delayed_ack_ps = (flue_ps)ONE_OF(rng, 1, 40, 200) * MS;
    tcp->rto_min_ps = (flue_ps)ONE_OF(rng, 20, 200, 200) * MS;
    tcp->tick_ps = (flue_ps)ONE_OF(rng, 1, 1, 10) * MS;
    tcp->time_wait_ps = (flue_ps)ONE_OF(rng, 60, 240) * FLUE_PS_PER_S;
    tcp->congestion = chance(rng, 30) ? 1 : 0;
}

static void draw_host(struct rng *rng, struct flue_host_params *host)
{
    flue_profile_free_of_cost(&host->profile);
    host->policy = flue_policy_find("never");
    host->send_quantum = ONE_OF(rng, 1, 4, 16);
    host->backlog_frames = ONE_OF(rng, 2, 16, 64);
    host->tree_connections = ONE_OF(rng, 1, 2, 4, 256);
    host->connections = 16;
    host->receive_post_bytes = ONE_OF(rng, 0, 0, 100, 2000, 20000);
    host->receive_posts = between(rng, 1, 4);
    host->receive_nonpush = chance(rng, 30);
    host->receive_queue_bytes = ONE_OF(rng, 0, 0, 1000, 30000);
    host->heed_advice = chance(rng, 50) ? UINT32_MAX : 0;
    host->follow_send_backlog = chance(rng, 40);
    host->close_with_data = chance(rng, 50);
    host->reoffer = chance(rng, 50);
}

static void draw_target(struct rng *rng, struct flue_target_params *target, const struct flue_host_params *host)
{
    const bool tight = chance(rng, 30);

    target->tcp = host->tcp;
    target->profile = host->profile;
    target->profile.moderation_ps = ONE_OF(rng, 0, 1, 5, 50, 500) * (uint64_t)US;
    target->ddi = host->ddi;
    target->neighbour_max = tight ? between(rng, 1, 2) : 16;
    target->path_max = tight ? between(rng, 1, 2) : 16;
    target->tcp_max = chance(rng, 40) ? between(rng, 1, PLAN_CONNECTIONS) : 64;
    target->rcv_wnd_max_bytes = chance(rng, 10) ? 65536 : 1u << 30;
    target->mtu_max_bytes = chance(rng, 10) ? 1400 : 9000;
    target->ipv6 = chance(rng, 80);
    target->rcv_buffer_bytes = chance(rng, 10) ? 300000 : 0;
    target->xmit_buffer_bytes = chance(rng, 10) ? 300000 : 0;
    target->send_quantum = host->send_quantum;
    target->backlog_frames = ONE_OF(rng, 4, 64);
    target->ring_frames = chance(rng, 10) ? 8 : 4096;
    target->nce_stale_ticks = ONE_OF(rng, 0, 0, 10, 1000);
    target->backlog_permille = ONE_OF(rng, 0, 100, 500);
    target->backlog_ticks = 1;
    if (chance(rng, 40)) {
        target->thresholds = (struct flue_target_thresholds){
            .window_ps = (flue_ps)ONE_OF(rng, 1, 10, 100) * MS,
            .low_activity_requests = ONE_OF(rng, 0, 1, 3),
            .high_drop_permille = ONE_OF(rng, 0, 50, 300),
            .small_io_bytes = ONE_OF(rng, 0, 200, 4000),
            .no_post_indications = ONE_OF(rng, 0, 3, 20),
            .out_of_order = ONE_OF(rng, 0, 2, 10),
            .fragments = ONE_OF(rng, 0, 1, 10),
        };
    }
}

/* From the bottom up: a team needs both adapters and stands on them; the others anywhere. */
static void draw_drivers(struct plan *plan, struct rng *rng)
{
    static const char *const names[PLAN_DRIVERS] = {"first", "second", "third", "fourth"};
    static const uint8_t chain_lengths[] = {0, 0, 0, 1, 1, 2, 3};
    struct flue_node_params *node = &plan->node[NODE_A];
    const bool team = chance(rng, 20);

    node->drivers = chain_lengths[rng_below(rng, COUNT_OF(chain_lengths))] + (team ? 1u : 0u);
    node->adapters = team ? 2 : 1;
    for (unsigned i = 0; i < node->drivers; i++) {
        plan->driver[i] = (struct flue_im_params){
            .kind = (enum flue_im_kind)ONE_OF(rng, FLUE_IM_PASS, FLUE_IM_HOLD, FLUE_IM_REFUSE),
            .name = names[i],
            .hold_down_ps = (flue_ps)ONE_OF(rng, 0, 10, 300, 2000) * US,
            .hold_up_ps = (flue_ps)ONE_OF(rng, 0, 10, 300, 2000) * US,
            .refuse_every = between(rng, 2, 9),
            .keep_failed = node->host.ddi.terminate_recipe,
        };
        if (team && i == 0) {
            plan->driver[i].kind = FLUE_IM_TEAM;
        }
    }
}

static void draw_nodes(struct plan *plan, struct rng *rng)
{
    static const uint32_t delays_us[] = {1, 20, 200, 5000};

    plan->has_mac = chance(rng, 50);
    plan->v6 = chance(rng, 25);
    plan->starves = chance(rng, 20);
    plan->faults = chance(rng, 25);
    plan->sticks = chance(rng, 10);
    if (chance(rng, 30)) {
        plan->fragment_ppm = ONE_OF(rng, 0, 10000, 100000, 500000);
        plan->options_ppm = ONE_OF(rng, 0, 10000, 100000);
    }
    plan->starve_ppm = ONE_OF(rng, 10000, 100000, 500000, 1000000);
    plan->connections = between(rng, 1, PLAN_CONNECTIONS);
    plan->facts = (struct flue_wire_facts){
        .rate_bps = (uint64_t)ONE_OF(rng, 10, 100, 1000, 10000) * 1000000u,
        .delay_ps = (flue_ps)one_of(rng, delays_us, COUNT_OF(delays_us)) * US,
        .framing_bytes = 24,
        .mtu_bytes = 1500,
        .queue_frames = ONE_OF(rng, 20, 1000),
        .has_mac = plan->has_mac,
    };
    for (unsigned i = 0; i < NODES; i++) {
        struct flue_node_params *node = &plan->node[i];

        *node = (struct flue_node_params){.number = (uint16_t)i};
        if (chance(rng, 60)) {
            node->impair.loss_ppm = ONE_OF(rng, 1000, 10000, 50000);
            node->impair.reorder_ppm = ONE_OF(rng, 0, 10000, 100000);
            node->impair.reorder_ps = (flue_ps)ONE_OF(rng, 10, 1000) * US;
        }
        draw_host(rng, &node->host);
        draw_tcp(rng, &node->host.tcp);
        node->host.ip = 0x0a000001u + i;
        node->host.ddi = i == NODE_A ? draw_ddi(rng) : flue_ddi_defaults();
        draw_target(rng, &node->target, &node->host);
    }
    plan->node[NODE_B].target.neighbour_max = plan->node[NODE_B].target.path_max = 0;
    plan->node[NODE_B].target.tcp_max = 0;
    plan->node[NODE_A].check = FLUE_CHECK_STOP;
    draw_drivers(plan, rng);
}

/* ---- Operations */

static bool possible(const struct plan *plan, unsigned kind)
{
    return (kinds[kind].who != 'f' || plan->faults) && (kinds[kind].who != 's' || plan->starves) &&
           (kinds[kind].who != 'h' || plan->sticks) && (kind != PLAN_FAIL_OVER || plan->node[NODE_A].adapters > 1) &&
           (kind != PLAN_MAC || plan->has_mac);
}

static enum plan_kind draw_kind(const struct plan *plan, struct rng *rng)
{
    unsigned sum = 0;
    uint64_t at;

    for (unsigned i = 0; i < PLAN_KIND_COUNT; i++) {
        sum += possible(plan, i) ? kinds[i].weight : 0;
    }
    at = rng_below(rng, sum);
    for (unsigned i = 0;; i++) {
        if (possible(plan, i)) {
            if (at < kinds[i].weight) {
                return (enum plan_kind)i;
            }
            at -= kinds[i].weight;
        }
    }
}

static void draw_ops(struct plan *plan, struct rng *rng)
{
    const flue_ps mean_ps = (flue_ps)ONE_OF(rng, 5, 50, 500, 5000, 50000) * US;
    flue_ps at_ps = 0;

    plan->ops = between(rng, 10, PLAN_OPS);
    for (unsigned i = 0; i < plan->ops; i++) {
        struct plan_op *op = &plan->op[i];

        *op = (struct plan_op){.at_ps = at_ps,
                               .kind = i < plan->connections ? PLAN_CONNECT : draw_kind(plan, rng),
                               .node = (unsigned)rng_below(rng, NODES),
                               .conn = (unsigned)rng_below(rng, plan->connections),
                               .number = rng_u64(rng)};
        if (i < plan->connections) {
            op->conn = i;
        } else if (kinds[op->kind].who != 'e' && op->kind != PLAN_CONNECT) {
            op->node = NODE_A;
        }
        /* Some things happen at one moment. */
        at_ps += chance(rng, 20) ? 0 : (flue_ps)rng_exponential(rng, (uint64_t)(mean_ps / FLUE_PS_PER_NS)) * 1000;
    }
}

void plan_make(struct plan *plan, uint64_t seed)
{
    struct rng parameters, operations;

    memset(plan, 0, sizeof *plan);
    plan->seed = seed;
    rng_init(&parameters, seed, "sequence.parameters");
    rng_init(&operations, seed, "sequence.operations");
    draw_nodes(plan, &parameters);
    draw_ops(plan, &operations);
}

/* ---- To be read */

void plan_print_op(const struct plan_op *op)
{
    printf("  %12.3f us  %-15s node %c connection %u number %" PRIu64 "\n", (double)op->at_ps / 1e6,
           plan_kind_name(op->kind), op->node == NODE_A ? 'A' : 'B', op->conn, op->number);
}

void plan_print(const struct plan *plan)
{
    const struct flue_node_params *a = &plan->node[NODE_A];
    const struct flue_ddi *ddi = &a->host.ddi;

    printf("seed %" PRIu64 ": %u connections, %u operations, %u adapters, drivers", plan->seed, plan->connections,
           plan->ops, a->adapters);
    for (unsigned i = 0; i < a->drivers; i++) {
        printf(" %s", flue_im_kind_name(plan->driver[i].kind));
    }
    printf("%s%s%s%s%s, %u ppm in fragments, %u with options\n", plan->has_mac ? ", MAC" : "", plan->v6 ? ", IPv6" : "",
           plan->starves ? ", starves" : "", plan->faults ? ", faults" : "", plan->sticks ? ", sticks" : "",
           plan->fragment_ppm, plan->options_ppm);
    printf("  ddi version %u stop %u acks_none %u eager %u complete %u recipe %u push %u moderation %u deadline %u "
           "back-off %u\n",
           ddi->ndis_version, ddi->walk_failure_stop, ddi->invalidate_acks_none, ddi->invalid_raise_eager,
           ddi->upload_sends_complete, ddi->terminate_recipe, ddi->push_timer_once, ddi->chimney_moderation_none,
           ddi->upload_deadline_ms, ddi->reoffload_backoff_ms);
    printf("  posts %u x %u nonpush %u queue %u follow %u with data %u reoffer %u; capacity %u/%u/%u ring %u\n",
           a->host.receive_posts, a->host.receive_post_bytes, a->host.receive_nonpush, a->host.receive_queue_bytes,
           a->host.follow_send_backlog, a->host.close_with_data, a->host.reoffer, a->target.neighbour_max,
           a->target.path_max, a->target.tcp_max, a->target.ring_frames);
}
