/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract checker of all nodes: its findings become findings of the run, and counts for each rule and party. */
#include <inttypes.h>
#include <stdio.h>

#include "run/flow.h"
#include "run/rules.h"
#include "run/world_state.h"

static unsigned index_of(enum flue_party party)
{
    unsigned index = 0;

    while (index + 1 < PARTIES && (party & (1u << index)) == 0)
        index++;
    return index;
}

/* "CH-121 target, 12.300 ms, connection 5: ...". */
static void tell(struct world *world, const struct world_broken *broken)
{
    const double ms = (double)broken->at_ps / 1e9;
    char id[8], whom[32] = "";

    flue_rule_id(broken->rule, id);
    if (broken->conn != FLUE_NO_CONN)
        (void)snprintf(whom, sizeof(whom), ", connection %" PRIu32, broken->conn);
    world_finding(world, "%s %s%s%s, %.6f ms%s: %s", id, broken->node == SERVER ? "" : broken->whose,
                  broken->node == SERVER ? "" : "'s ", flue_party_name(broken->party), ms, whom, broken->seen);
}

/* The run ends here. */
static void stop(struct world *world, const struct world_broken *broken)
{
    if (world->outcome->broken.rule == 0)
        world->outcome->broken = *broken;
    tell(world, broken);
    world->stopped = 1;
    world->net.stop(world->net.ctx);
}

static const char *whose(const struct world *world, unsigned node)
{
    return world_end(world, node) == CLIENT ? "client" : node == SERVER ? "server" : "second server";
}

static void on_finding(void *ctx, const struct flue_finding *finding)
{
    struct rules_node *node = ctx;
    struct world *world = node->world;
    const struct flue_rule *rule = flue_rule(finding->rule);
    struct world_broken broken = {.rule = finding->rule,
                                  .party = finding->party,
                                  .node = node->node,
                                  .whose = whose(world, node->node),
                                  .at_ps = finding->at_ps,
                                  .conn = finding->conn};

    if (rule == NULL)
        return;
    if (world->watch.check != FLUE_CHECK_OFF)
        world->rules.count[finding->rule][index_of(finding->party)]++;
    if (rule->strength == FLUE_RULE_warn || world->stopped)
        return;
    (void)snprintf(broken.driver, sizeof(broken.driver), "%s", finding->driver == NULL ? "" : finding->driver);
    (void)snprintf(broken.object, sizeof(broken.object), "%s",
                   finding->object_kind == NULL ? "" : finding->object_kind);
    (void)snprintf(broken.seen, sizeof(broken.seen), "%s", finding->seen);
    node->last = broken;
    switch (world->watch.check) {
    case FLUE_CHECK_OFF:
        break; /* what matters is whether the dispatcher can go on */
    case FLUE_CHECK_COUNT:
        if (world->outcome->broken.rule == 0)
            world->outcome->broken = broken;
        tell(world, &broken);
        break;
    case FLUE_CHECK_STOP:
        stop(world, &broken);
        break;
    }
}

/* The dispatcher has not done what was asked of it.  Nobody asked to hear of broken rules, but this run is none. */
static void on_refused(void *ctx)
{
    const struct rules_node *node = ctx;
    struct world *world = node->world;

    if (world->watch.check != FLUE_CHECK_OFF || world->stopped || node->last.rule == 0)
        return;
    world->rules.count[node->last.rule][index_of(node->last.party)]++;
    stop(world, &node->last);
}

/* A node with a target from outside is watched in any case: without its ledgers the dispatcher could not tell what it
 * must not do for a stranger. */
void rules_watch(struct world *world, unsigned node, struct flue_node_params *params)
{
    world->rules.node[node] = (struct rules_node){.world = world, .node = node};
    params->check = world->watch.check;
    if (params->check == FLUE_CHECK_OFF && params->provider != NULL)
        params->check = FLUE_CHECK_COUNT;
    params->check_sink =
        (struct flue_check_sink){.ctx = &world->rules.node[node], .finding = on_finding, .refused = on_refused};
}

void rules_report(struct world *world)
{
    unsigned rule, party;

    for (rule = 1; rule <= FLUE_RULES; rule++)
        for (party = 0; party < PARTIES; party++)
            if (world->rules.count[rule][party] != 0)
                world->record->broken(world->record->ctx, rule, 1u << party, world->rules.count[rule][party]);
}
