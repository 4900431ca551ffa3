/* SPDX-License-Identifier: GPL-2.0-only */
/* host/query.c - questions about the variables that the target keeps (behaviour 8, 14): any number at a time for one
 * object (CH-095). */
#include "host/charge.h"
#include "host/neighbour.h"
#include "host/object.h"
#include "host/protocol.h"
#include "host/query.h"
#include "host/tree.h"
#include "host/update.h"

#include <assert.h>
#include <string.h>

/* What an application asked, and, while it is on flue_host.answered, the answer. */
struct host_question {
    struct flue_hook hook;
    flue_host_told_fn *told;
    void *ctx;
    struct flue_host_socket *socket;
    bool known;
    TCP_OFFLOAD_STATE_DELEGATED delegated;
};
_Static_assert(sizeof(struct host_question) <= HOST_QUESTION_BYTES, "the pool is too narrow");

static uint32_t delegated_bytes(const struct flue_host *host)
{
    return host->params.ddi.ndis_version == FLUE_NDIS_6_0 ? FLUE_TCP_DELEGATED_LENGTH_1
                                                          : (uint32_t)sizeof(TCP_OFFLOAD_STATE_DELEGATED);
}

static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST question(struct host_object *object, unsigned type, uint32_t length)
{
    struct flue_host *host = object_binding(object)->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = tree_block(host, type, &object->handle, object);

    if (block != NULL) {
        flue_state_first(block)->Length = length;
        object->queries++;
        host->totals.queries++;
        charge_initiate_tree(host, NULL, 0);
    }
    return block;
}

/* When did the target see progress last?  Without memory nobody is asked, and the host probes. */
void query_neighbour(struct host_neighbour *neighbour)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block =
        question(&neighbour->object, NeighborOffloadDelegatedState, sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED));

    if (block == NULL) {
        nud_event(neighbour, NUD_TIMER);
        neighbour->asking = 0;
        return;
    }
    protocol_query(neighbour->stem.binding, block);
}

flue_err flue_host_socket_query(struct flue_host_socket *socket, flue_host_told_fn *told, void *ctx, flue_ps at_ps)
{
    struct flue_host *host = socket->pair->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    struct host_question *asked;

    if (socket_lease(socket) == NULL || !object_may_query(&socket_lease(socket)->object) ||
        (socket->flags & SOCKET_TAKE) != 0) {
        return FLUE_ESTATE;
    }
    asked = pool_get(&host->questions);
    block =
        asked == NULL ? NULL : question(&socket_lease(socket)->object, TcpOffloadDelegatedState, delegated_bytes(host));
    if (block == NULL) {
        pool_put(&host->questions, asked);
        return FLUE_ENOMEM;
    }
    *asked = (struct host_question){.told = told, .ctx = ctx, .socket = socket};
    block->ProtocolReserved[1] = asked;
    host_enter(host, at_ps);
    protocol_query(socket_lease(socket)->path->stem.binding, block);
    host_leave(host);
    return FLUE_OK;
}

/* ---- Answers */

/* Progress since the delay began: no probe is needed (step 4). */
static void judge(struct host_neighbour *neighbour, bool known, uint32_t nic_delta)
{
    const struct flue_host *host = neighbour->stem.binding->host;
    const flue_ps tick_ps = host->params.tcp.tick_ps;

    if (neighbour->state == FLUE_NEIGHBOUR_DELAY) {
        const flue_ps age_ps = host_moment(host) - neighbour->used_ps;
        /* In ticks: the number is foreign, and as picoseconds it may not fit. */
        const bool progress = known && age_ps > 0 && (flue_ps)nic_delta <= (age_ps - 1) / tick_ps;

        if (progress) {
            nud_confirmed_at(neighbour, host_moment(host) - (flue_ps)nic_delta * tick_ps);
        } else {
            nud_event(neighbour, NUD_TIMER);
        }
    }
    neighbour->asking = 0;
}

static void answered(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_object *object = block->ProtocolReserved[0];
    struct host_question *asked = block->ProtocolReserved[1];
    const bool known = block->Status == NDIS_STATUS_SUCCESS;

    assert(object->queries > 0);
    object->queries--;
    if (object->layer == FLUE_LAYER_NEIGHBOR) {
        const NEIGHBOR_OFFLOAD_STATE_DELEGATED *delegated = (const void *)flue_state_first(block);

        judge(FLUE_CONTAINER_OF(object, struct host_neighbour, object), known, delegated->NicReachabilityDelta);
    }
    if (asked != NULL) {
        asked->known = known;
        memcpy(&asked->delegated, flue_state_first(block), delegated_bytes(host));
        list_push_back(&host->answered, &asked->hook);
    }
    if (!known) {
        update_failed(object);
    }
    object_settled(object);
}

void query_ended(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        answered(host, block);
    }
    tree_free(host, root);
}

/* Not from inside the completion: the application may do whatever it likes.  The connection is still offloaded or on
 * its way back, so its socket is there. */
void query_tell(struct flue_host *host)
{
    struct flue_hook *hook;

    while ((hook = list_pop_front(&host->answered)) != NULL) {
        struct host_question *asked = FLUE_CONTAINER_OF(hook, struct host_question, hook);

        asked->told(asked->ctx, asked->socket, asked->known ? &asked->delegated : NULL, host_now(host));
        pool_put(&host->questions, asked);
    }
}
