/* SPDX-License-Identifier: GPL-2.0-only */
/* target/disconnect.c - closing the sending half, and resetting (CH-218 to CH-238; behaviour 13.5). */

#include "target/target.h"

static void complete(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl,
                     NDIS_STATUS status)
{
    struct ndis_chain chain = {0};

    nbl->Status = status;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = nbl->MiniportReserved[1];
    miniport_advance(nbl, (ULONG)(uintptr_t)nbl->MiniportReserved[1]);
    ndis_chain_append(&chain, nbl);
    target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
    upward_chain(target, UPWARD_DISCONNECT, context, &chain);
}

void disconnect_acked(struct target_context *context, uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = context->disconnect;

    if (nbl != NULL) {
        nbl->MiniportReserved[1] = (PVOID)((uintptr_t)nbl->MiniportReserved[1] + bytes);
    }
}

void disconnect_finish(struct flue_target *target, struct target_context *context, NDIS_STATUS status)
{
    PNET_BUFFER_LIST nbl = context->disconnect;

    if (nbl != NULL) {
        context->disconnect = NULL;
        if (context->state == FLUE_CONTEXT_ABORTED && hook_linked(&context->work)) {
            const bool left = (uintptr_t)nbl->MiniportReserved[1] <= target->port.given[PORT_ENGINE];

            list_remove(&context->work);
            nbl->MiniportReserved[1] = NULL;
            status = left ? NDIS_STATUS_SUCCESS
                     : status == NDIS_STATUS_SUCCESS
                         ? NDIS_STATUS_UPLOAD_IN_PROGRESS /* it waits in the ring (CH-231) */
                         : status;
        }
        context->flags &= (uint16_t)~CONTEXT_LATE_END;
        if (status == NDIS_STATUS_SUCCESS) {
            nbl->MiniportReserved[1] = nbl->MiniportReserved[0];
        }
        complete(target, context, nbl, status);
    }
}

/* All sends first, then RST: the one case in which a target sends one. */
static void reset(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl)
{
    context_enter(target, context, FLUE_CONTEXT_ABORTED);
    context_unlink_work(context);
    send_fail_all(target, context, NDIS_STATUS_REQUEST_ABORTED);
    post_end_later(target, context, NDIS_STATUS_REQUEST_ABORTED);
    disconnect_finish(target, context, NDIS_STATUS_REQUEST_ABORTED);
    statistics_reset(target, context->conn);
    flue_tcp_reset(context->conn, target->engine.clock_ps);
    context->disconnect = nbl;
    nbl->MiniportReserved[1] =
        (PVOID)(uintptr_t)(target->port.given[PORT_ENGINE] + target->port.queues[PORT_ENGINE].count);
    list_push_back(&target->resets, &context->work);
    disconnect_advance(target, target->engine.clock_ps);
}

/* MiniportReserved[1] tells how many of the engine's frames have been given to the wire when the RST has. */
void disconnect_reset_sent(struct flue_target *target, flue_ps now_ps)
{
    struct flue_hook *hook;

    while ((hook = list_first(&target->resets)) != NULL) {
        struct target_context *context = FLUE_CONTAINER_OF(hook, struct target_context, work);

        if ((uintptr_t)context->disconnect->MiniportReserved[1] > target->port.given[PORT_ENGINE] ||
            upwards_reserve(target, 1) != FLUE_OK) {
            return; /* the next interrupt makes room */
        }
        (void)flue_server_begin(&target->engine, now_ps);
        disconnect_finish(target, context, NDIS_STATUS_SUCCESS);
    }
}

static void close_gracefully(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl)
{
    flue_err err;

    if (context->disconnect != NULL) {
        complete(target, context, nbl, NDIS_STATUS_REQUEST_ABORTED); /* the sending half is closed already */
        return;
    }
    context->disconnect = nbl;
    if ((context->flags & CONTEXT_RECALLED) != 0) {
        context->flags |= CONTEXT_LATE_END;
        send_acked(target, context, 0); /* refused like data, behind the data (D-29) */
        return;
    }
    err = send_queue_spans(context->conn, nbl, target->engine.clock_ps);
    if (err == FLUE_OK) {
        err = flue_tcp_close(context->conn, target->engine.clock_ps);
    }
    if (err == FLUE_OK && !target_obeys(target, 229)) {
        disconnect_finish(target, context, NDIS_STATUS_SUCCESS); /* before the peer has acknowledged anything */
    } else if (err == FLUE_ENOMEM) {
        context->flags |= CONTEXT_STARVED;
    } else if (err != FLUE_OK) {
        disconnect_finish(target, context, NDIS_STATUS_REQUEST_ABORTED);
    }
}

void disconnect_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl, ULONG flags)
{
    const bool abortive = (flags & TCP_DISCONNECT_ABORTIVE_CLOSE) != 0;

    target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
    nbl->MiniportReserved[0] = (PVOID)(uintptr_t)ndis_nbl_bytes(nbl);
    nbl->MiniportReserved[1] = NULL;
    switch ((enum flue_context)context->state) {
    case FLUE_CONTEXT_INSTALLED:
    case FLUE_CONTEXT_LIVE:
    case FLUE_CONTEXT_INVALID: /* a FIN waits like data; RST and an end of reception are allowed (D-24) */
        context_touch(target, context);
        if (abortive) {
            reset(target, context,
                  nbl); /* in every state: CH-221 asks for the RST even where RFC 9293 3.10.5 does not */
        } else if (!context_accepts(context)) {
            complete(target, context, nbl, NDIS_STATUS_REQUEST_ABORTED); /* both halves are closed */
        } else {
            close_gracefully(target, context, nbl);
        }
        break;
    case FLUE_CONTEXT_ABORTED:
        complete(target, context, nbl, NDIS_STATUS_REQUEST_ABORTED);
        break;
    case FLUE_CONTEXT_NONE:
    case FLUE_CONTEXT_DRAINING:
    case FLUE_CONTEXT_TERMINATING:
    case FLUE_CONTEXT_COUNT:
        complete(target, context, nbl, NDIS_STATUS_UPLOAD_IN_PROGRESS);
        break;
    }
}
