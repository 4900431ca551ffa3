/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold when everything is over. */
#include <inttypes.h>

#include "flue/ndis.h"
#include "sequence/world.h"

static bool well(enum flue_tcp_reason reason)
{
    return reason == FLUE_TCP_BY_2MSL || reason == FLUE_TCP_BY_SEGMENT || reason == FLUE_TCP_BY_CLOSE ||
           reason == FLUE_TCP_BY_IMPORT;
}

/* Bytes arrive, all of them and once, unless an end learns that they did not. */
static void audit_conn(struct world *world, unsigned number)
{
    const struct world_conn *conn = &world->conn[number];
    bool both_well = true;

    if (!conn->begun) {
        return;
    }
    for (unsigned node = 0; node < NODES; node++) {
        const struct world_end *end = &conn->end[node];

        if ((end->opened || node == conn->from) && !end->closed && !world->stuck) {
            world_fail(world, "%c, connection %u: does not end, %s", 'A' + (int)node, number,
                       end->socket == NULL ? "not even open" : flue_holder_name(flue_host_socket_holder(end->socket)));
        }
        if (end->received > conn->end[1 - node].sent || end->acked > end->sent) {
            world_fail(world, "%c, connection %u: more bytes than were sent", 'A' + (int)node, number);
        }
        both_well = both_well && end->opened && well(end->reason);
        if (end->closed && !well(end->reason) && !conn->excused && !world->plan->starves) {
            world_fail(world, "%c, connection %u: ended for reason %u", 'A' + (int)node, number, end->reason);
        }
    }
    for (unsigned node = 0; both_well && node < NODES; node++) {
        const struct world_end *end = &conn->end[node];

        if (end->received != conn->end[1 - node].sent) {
            world_fail(world, "%c, connection %u: %" PRIu64 " of %" PRIu64 " bytes came", 'A' + (int)node, number,
                       end->received, conn->end[1 - node].sent);
        }
        if (end->acked != end->sent) {
            world_fail(world, "%c, connection %u: %" PRIu64 " of %" PRIu64 " bytes acknowledged", 'A' + (int)node,
                       number, end->acked, end->sent);
        }
        if (!end->peer_closed) {
            world_fail(world, "%c, connection %u: was not told that the peer closed", 'A' + (int)node, number);
        }
    }
    world->ended_well += both_well;
    world->ended_early += !both_well;
}

static void nothing_of(struct world *world, uint64_t live, const char *what, unsigned number)
{
    if (live != 0) {
        world_fail(world, "%s %u: %" PRIu64 " objects are not back", what, number, live);
    }
}

static void audit_books(struct world *world, unsigned node)
{
    const struct flue_server *core = flue_host_core(world_host(world, node));
    struct flue_book sum = {{0}, 0};

    flue_host_book(world_host(world, node), &sum);
    for (unsigned i = 0; i < FLUE_COST_CATEGORIES; i++) {
        if (sum.cycles[i] + core->general.cycles[i] != core->cycles[i]) {
            world_fail(world, "%c: the books of %s do not balance", 'A' + (int)node, flue_category_name(i));
        }
    }
}

static void audit_node(struct world *world, unsigned number)
{
    struct flue_node *node = world->node[number];
    struct flue_tcp_totals tcp;

    audit_books(world, number);
    if (world->stuck) {
        return; /* it is lent for ever */
    }
    nothing_of(world, flue_host_objects_live(flue_node_host(node)), "host", number);
    flue_host_tcp_totals(flue_node_host(node), &tcp);
    nothing_of(world, tcp.pool_objects_live, "TCP of host", number);
    for (unsigned i = 0; flue_node_driver(node, i) != NULL; i++) {
        struct flue_im_totals totals;

        flue_im_totals(flue_node_driver(node, i), &totals);
        nothing_of(world, totals.entries, "entries of driver", i);
        nothing_of(world, totals.calls, "calls of driver", i);
        nothing_of(world, flue_im_objects_live(flue_node_driver(node, i)), "driver", i);
        world->fail_overs += totals.fail_overs;
    }
    for (unsigned i = 0; i < FLUE_NODE_ADAPTERS; i++) {
        const struct flue_target *target = flue_node_target_at(node, i);

        if (target != NULL) {
            struct flue_ndis_ledger ledger = flue_ndis_adapter_ledger(flue_target_adapter(target));

            nothing_of(world, flue_target_objects_live(target), "adapter", i);
            nothing_of(world, flue_ndis_ledger_total(&ledger), "ledger of adapter", i);
            flue_target_tcp_totals(target, &tcp);
            nothing_of(world, tcp.pool_objects_live, "TCP of adapter", i);
        }
    }
}

void world_audit(struct world *world)
{
    struct flue_host_totals totals;

    for (unsigned i = 0; i < PLAN_CONNECTIONS && !world->failed; i++) {
        audit_conn(world, i);
    }
    for (unsigned i = 0; i < NODES && !world->failed; i++) {
        audit_node(world, i);
    }
    if (!world->failed && world->queries != 0 && !world->stuck) {
        world_fail(world, "%u queries were not answered", world->queries);
    }
    if (!world->failed && world->power_busy && !world->stuck) {
        world_fail(world, "a change of power is not over");
    }
    if (world->failed) {
        return;
    }
    flue_node_check_end(world->node[NODE_A]);
    flue_host_totals(world_host(world, NODE_A), &totals);
    world->offloaded += totals.offloaded;
    world->uploaded += totals.uploaded;
    world->refused += totals.refused;
    world->updates += totals.updates;
    world->asked += totals.queries;
    world->invalidates += totals.invalidates;
    world->posted += totals.posted;
}
