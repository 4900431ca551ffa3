/* SPDX-License-Identifier: GPL-2.0-only */
/* target/receive.c - received data: from the TCP engine to the host, and the window that opens when it comes back.
 *
 * In-order bytes are written to host memory at once and wait in the event ring.  An interrupt merges those of a
 * connection and indicates them in one stand-alone buffer list (RcvIndicationSize 0: as much as possible). */

#include <assert.h>

#include "target/target.h"

void receive_data(struct flue_target *target, struct target_context *context, const struct flue_span *span)
{
    upward_push(target, UPWARD_DATA, context, target->engine.clock_ps, span->length_bytes + TARGET_COMPLETION_BYTES)
        ->what.span = *span;
}

static void append(PNET_BUFFER_LIST nbl, const struct flue_span *span)
{
    flue_err err = ndis_nbl_append(nbl, span);

    assert(err == FLUE_OK && "no memory for received data that has been acknowledged");
    (void)err;
}

/* A zero-byte receive has re-enabled indications: what was kept goes into the present batch. */
static void reopen(struct flue_target *target, struct target_context *context)
{
    PNET_BUFFER_LIST fresh = ndis_nbl_get(target->spans);

    if (fresh == NULL) {
        context->flags |= CONTEXT_LATCHED;
        return;
    }
    context->batch = context->kept;
    context->kept = fresh;
}

void receive_collect(struct flue_target *target, struct target_context *context, const struct flue_span *span)
{
    struct batch *batch = &target->batch;

    if ((context->flags & CONTEXT_LATCHED) != 0 || context->state == FLUE_CONTEXT_ABORTED ||
        context->state == FLUE_CONTEXT_TERMINATING) {
        /* Refused before, or not to be delivered any more: it goes back in BufferedData (D-37, D-45). */
        append(context->kept, span);
        return;
    }
    if (context->batch == NULL && ndis_nbl_bytes(context->kept) > 0) {
        reopen(target, context);
    } else if (context->batch == NULL) {
        context->batch = ndis_nbl_get(target->spans);
    }
    if (context->batch == NULL) {
        append(context->kept, span);
        context->flags |= CONTEXT_LATCHED | CONTEXT_STARVED;
        return;
    }
    append(context->batch, span);
    if ((context->flags & CONTEXT_TOUCHED) == 0) {
        context->flags |= CONTEXT_TOUCHED;
        context->link = NULL;
        if (batch->touched == NULL) {
            batch->touched = context;
        } else {
            batch->touched_last->link = context;
        }
        batch->touched_last = context;
    }
}

static void consumed(struct flue_target *target, struct target_context *context, uint32_t bytes)
{
    if (context->conn != NULL && context_accepts(context)) {
        flue_tcp_consumed(context->conn, bytes, target->engine.clock_ps);
        engine_follow_up(target, context);
    }
}

/* The host did not take all: the rest is kept, and not indicated again before the host posts a receive (D-44, D-45). */
static void keep(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl, ULONG taken_bytes)
{
    miniport_advance(nbl, taken_bytes);
    ndis_nbl_put(context->kept);
    context->kept = nbl;
    context->lent--;
    context->flags |= CONTEXT_LATCHED;
    if (taken_bytes > 0) {
        (void)flue_server_begin(&target->engine, target_now(target));
        consumed(target, context, taken_bytes);
    }
}

static void indicate(struct flue_target *target, struct target_context *context)
{
    PNET_BUFFER_LIST nbl = context->batch;
    ULONG taken_bytes = 0;

    context->batch = NULL;
    context->flags &= (uint16_t)~CONTEXT_TOUCHED;
    nbl->MiniportReserved[0] = context;
    nbl->MiniportReserved[1] = (PVOID)(uintptr_t)ndis_nbl_bytes(nbl);
    context->lent++;
    target->batch.completions++;
    miniport_tell_trace(target, context);
    if (miniport_indicate(target, context, nbl, &taken_bytes) != NDIS_STATUS_SUCCESS) {
        keep(target, context, nbl, taken_bytes);
    } else if ((context->flags & CONTEXT_PEER_FIN) != 0) {
        context->flags &= (uint16_t)~CONTEXT_PEER_FIN;
        event_raise(
            target,
            &(struct upward){.context = context, .what.event = {.type = TcpIndicateDisconnect}, .kind = UPWARD_EVENT});
    }
}

void receive_flush(struct flue_target *target)
{
    struct batch *batch = &target->batch;

    while (batch->touched != NULL) {
        struct target_context *context = batch->touched;

        batch->touched = context->link;
        indicate(target, context);
    }
    batch->touched_last = NULL;
}

/* The connection may be gone when its last buffer list comes back. */
void receive_return(struct flue_target *target, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct target_context *context = (struct target_context *)first->MiniportReserved[0];
        const uint32_t bytes = (uint32_t)(uintptr_t)first->MiniportReserved[1];

        target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
        ndis_nbl_put(first);
        if (context != NULL) {
            context->lent--;
            if (context->state == FLUE_CONTEXT_NONE) {
                context_free(target, context);
            } else {
                consumed(target, context, bytes);
            }
        }
        first = next;
    }
}

/* This target has no use for posted buffers: a request with room makes it ask for the connection back.  A zero-byte
 * request re-enables indications (CH-205). */
void receive_post(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first)
{
    NDIS_STATUS status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
    struct flue_tcp_info info;

    if (context->state == FLUE_CONTEXT_ABORTED) {
        status = NDIS_STATUS_REQUEST_ABORTED;
    } else if ((context->flags & CONTEXT_FIN_TOLD) != 0) {
        status = NDIS_STATUS_INVALID_STATE;
    } else if (context_accepts(context) && ndis_chain_bytes(first) > 0) {
        flue_tcp_info(context->conn, &info);
        event_freeze(target, context, engine_upload_reason(info.state), info.state);
    } else if (context_accepts(context)) {
        status = NDIS_STATUS_SUCCESS;
    }
    send_refuse(target, UPWARD_RECEIVED, context, first, status);
    if (status == NDIS_STATUS_SUCCESS && (context->flags & CONTEXT_LATCHED) != 0) {
        context->flags &= (uint16_t)~CONTEXT_LATCHED;
        receive_data(target, context, &(struct flue_span){.length_bytes = 0});
    }
}
