/* SPDX-License-Identifier: GPL-2.0-only */
/* target/receive.c - received data: from the TCP engine to the host, and the window that opens when it comes back.
 *
 * In-order bytes are written to host memory at once and wait in the event ring.  An interrupt puts those of a
 * connection into the buffers that the host has posted (post.c); without any it merges them and indicates them in one
 * stand-alone buffer list (RcvIndicationSize 0: as much as possible). */

#include <assert.h>

#include "base/span.h"
#include "target/target.h"

void receive_data(struct flue_target *target, struct target_context *context, const struct flue_span *span,
                  uint32_t psh)
{
    struct upward *entry = upward_push(target, UPWARD_DATA, context, target->engine.clock_ps,
                                       span->length_bytes + TARGET_COMPLETION_BYTES);

    entry->what.span = *span;
    entry->psh = psh;
    target->pledged++;
}

/* The memory for it was set aside before the data was acknowledged (engine_has_room()). */
static void keep(struct flue_target *target, struct target_context *context, const struct flue_span *span)
{
    flue_err err = context_keep(target, context, span);

    assert(err == FLUE_OK);
    (void)err;
}

/* The host has made room for bytes of a connection. */
static void consumed(struct flue_target *target, struct target_context *context, uint32_t bytes)
{
    if (bytes > 0 && context->conn != NULL && context_accepts(context)) {
        flue_tcp_consumed(context->conn, bytes, target->engine.clock_ps);
        engine_follow_up(target, context);
    }
}

/* The same from an interrupt: the engine hears of it now. */
static void consumed_above(struct flue_target *target, struct target_context *context, uint32_t bytes)
{
    if (bytes > 0) {
        (void)flue_server_begin(&target->engine, target_now(target));
        consumed(target, context, bytes);
    }
}

/* Data is delivered until the host has lost the connection, or has asked for it back (D-37). */
static bool delivers(const struct target_context *context)
{
    return context->state != FLUE_CONTEXT_ABORTED && context->state != FLUE_CONTEXT_TERMINATING &&
           context->state != FLUE_CONTEXT_NONE;
}

/* ---- What waits for the host ---- */

void receive_touch(struct flue_target *target, struct target_context *context)
{
    struct batch *batch = &target->batch;

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

/* Into requests at once, piece by piece as it came: the place of each PSH counts.  Returns what is left. */
static struct flue_span place_new(struct flue_target *target, struct target_context *context,
                                  const struct flue_span *span, bool push)
{
    const uint32_t placed_bytes = post_place(target, context, span, push);

    receive_touch(target, context);
    consumed_above(target, context, placed_bytes);
    return span_slice(span, placed_bytes, span->length_bytes - placed_bytes);
}

void receive_collect(struct flue_target *target, struct target_context *context, const struct flue_span *span,
                     uint32_t psh)
{
    struct flue_span rest = *span;

    if (!delivers(context)) {
        keep(target, context, span);
        return;
    }
    if (post_takes(context) && context->kept == NULL) {
        rest = place_new(target, context, span, psh != 0);
        if (rest.length_bytes == 0) {
            return;
        }
    }
    keep(target, context, &rest);
    if (psh != 0) {
        context->flags |= CONTEXT_PUSHED;
    }
    if ((context->flags & CONTEXT_LATCHED) == 0 || context_posts(context) != NULL) {
        receive_touch(target, context);
    }
}

/* All that waits.  NULL: nothing. */
static PNET_BUFFER_LIST take_waiting(struct target_context *context)
{
    PNET_BUFFER_LIST nbl = context->kept;

    context->kept = NULL;
    return nbl;
}

/* What was taken, or the rest of it, waits again.  Nothing can have come meanwhile. */
static void put_back(struct target_context *context, PNET_BUFFER_LIST nbl)
{
    assert(context->kept == NULL);
    context->kept = nbl;
    if (ndis_nbl_bytes(nbl) == 0) {
        context_drop_kept(context);
    }
}

/* ---- The delivery algorithm (behaviour 13.3) ---- */

/* The next piece of a list into requests; how much of it. */
static uint32_t place_piece(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl)
{
    struct ndis_spans spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(nbl));
    struct flue_span span = {.length_bytes = 0};
    uint32_t placed_bytes;
    bool last;

    (void)ndis_spans_next(&spans, &span);
    last = span.length_bytes == ndis_nbl_bytes(nbl);
    placed_bytes = post_place(target, context, &span, last && (context->flags & CONTEXT_PUSHED) != 0);
    miniport_advance(nbl, placed_bytes);
    return placed_bytes;
}

/* What waits goes into requests; placed bytes are the application's, so the window opens. */
static void place_waiting(struct flue_target *target, struct target_context *context)
{
    PNET_BUFFER_LIST nbl = post_takes(context) ? take_waiting(context) : NULL;
    uint32_t total_bytes = 0;
    uint32_t placed_bytes = 1;

    if (nbl == NULL) {
        return;
    }
    while (placed_bytes > 0 && ndis_nbl_bytes(nbl) > 0 && post_takes(context)) {
        placed_bytes = place_piece(target, context, nbl);
        total_bytes += placed_bytes;
    }
    if (ndis_nbl_bytes(nbl) == 0) {
        context->flags &= (uint16_t)~CONTEXT_PUSHED;
    }
    put_back(context, nbl);
    consumed_above(target, context, total_bytes);
}

/* The first `bytes` of a list in one of their own, for a host that wants indications of about that size (CH-215).
 * NULL: no memory; the whole list will do. */
static PNET_BUFFER_LIST cut(struct flue_target *target, PNET_BUFFER_LIST whole, ULONG bytes)
{
    PNET_BUFFER_LIST piece = ndis_pool_reserve_lists(target->spans, (uint64_t)target->pledged + 1) == FLUE_OK
                                 ? ndis_nbl_get(target->spans)
                                 : NULL;
    const NET_BUFFER *nb = NET_BUFFER_LIST_FIRST_NB(whole);
    struct ndis_spans spans = {nb->CurrentMdl, nb->CurrentMdlOffset, bytes};
    struct flue_span span;

    while (piece != NULL && ndis_spans_next(&spans, &span)) {
        if (ndis_pool_reserve(target->spans, (uint64_t)target->pledged + 1) != FLUE_OK ||
            ndis_nbl_append(piece, &span) != FLUE_OK) {
            ndis_nbl_put(piece);
            return NULL;
        }
    }
    if (piece != NULL) {
        miniport_advance(whole, bytes);
    }
    return piece;
}

/* What of a list is left for later, NULL: nothing; and what the list was before. */
struct rest {
    PNET_BUFFER_LIST nbl;
    NET_BUFFER before;
};

/* What is shown to the host at once. */
static PNET_BUFFER_LIST portion(struct flue_target *target, const struct target_context *context,
                                PNET_BUFFER_LIST whole, struct rest *rest)
{
    const ULONG most_bytes = context->conn != NULL ? flue_tcp_settings(context->conn)->rcv_indication_size : 0;
    PNET_BUFFER_LIST piece = NULL;

    rest->before = *NET_BUFFER_LIST_FIRST_NB(whole);
    if (most_bytes > 0 && ndis_nbl_bytes(whole) > most_bytes) {
        piece = cut(target, whole, most_bytes);
    }
    rest->nbl = piece != NULL ? whole : NULL;
    return piece != NULL ? piece : whole;
}

/* The host did not take all of `shown`: what it left stands before `rest`, is kept, and not indicated again before the
 * host posts a receive (D-44, D-45). */
static void refused(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST shown,
                    const struct rest *rest, ULONG taken_bytes)
{
    PNET_BUFFER_LIST whole = shown;

    context->lent--;
    if (target_obeys(target, 205)) {
        context->flags |= CONTEXT_LATCHED;
    }
    if (!target_obeys(target, 204)) {
        taken_bytes = (ULONG)ndis_nbl_bytes(shown); /* what was refused is gone */
    }
    if (rest->nbl != NULL) {
        whole = rest->nbl;
        *NET_BUFFER_LIST_FIRST_NB(whole) = rest->before;
        ndis_nbl_put(shown);
    }
    miniport_advance(whole, taken_bytes);
    put_back(context, whole);
    consumed_above(target, context, taken_bytes);
}

/* One indication.  False: nothing to indicate, or it was refused. */
static bool indicate(struct flue_target *target, struct target_context *context)
{
    PNET_BUFFER_LIST shown = take_waiting(context);
    struct rest rest;
    ULONG taken_bytes = 0;

    if (shown == NULL) {
        return false;
    }
    shown = portion(target, context, shown, &rest);
    shown->MiniportReserved[0] = context;
    shown->MiniportReserved[1] = (PVOID)(uintptr_t)ndis_nbl_bytes(shown);
    context->lent++;
    target->batch.completions++;
    if (context_watch(context) != NULL) {
        context_watch(context)->indications++;
    }
    miniport_tell_trace(target, context);
    if (miniport_indicate(target, context, shown, &taken_bytes) != NDIS_STATUS_SUCCESS) {
        refused(target, context, shown, &rest, taken_bytes);
        return false;
    }
    if (rest.nbl != NULL) {
        put_back(context, rest.nbl);
    } else {
        context->flags &= (uint16_t)~CONTEXT_PUSHED;
    }
    return true;
}

/* Requests first: they are used before anything is indicated (CH-179, CH-206).  Each round completes requests or moves
 * data, so the loop ends whatever the host does in its callbacks. */
static void deliver(struct flue_target *target, struct target_context *context)
{
    for (;;) {
        if (context_posts(context) != NULL) {
            post_look(target, context);
            place_waiting(target, context);
            if (post_complete(target, context)) {
                continue;
            }
            if (context->extra->first != NULL) {
                post_wait(target, context);
                break; /* it has room left, or waits for its doorbell */
            }
        }
        if ((context->flags & CONTEXT_LATCHED) != 0 || !indicate(target, context)) {
            break;
        }
    }
}

/* Behind all data: D-41 gives the order, in which a host that posts from inside each completion comes to an end. */
static void tell_fin(struct flue_target *target, struct target_context *context)
{
    post_end_partial(target, context);
    event_raise(target, &(struct upward){
                            .context = context, .what.event = {.type = TcpIndicateDisconnect}, .kind = UPWARD_EVENT});
    post_end(target, context, NDIS_STATUS_SUCCESS);
}

void receive_peer_fin(struct flue_target *target, struct target_context *context)
{
    if (!delivers(context)) {
        return; /* a host that takes the connection back, or has lost it, learns of the FIN from State */
    }
    if (context->kept != NULL && target_obeys(target, 249)) {
        context->flags |= CONTEXT_PEER_FIN; /* not before the host has taken all data ahead of it (CH-249) */
    } else {
        tell_fin(target, context);
    }
}

void receive_flush(struct flue_target *target)
{
    struct batch *batch = &target->batch;

    while (batch->touched != NULL) {
        struct target_context *context = batch->touched;

        batch->touched = context->link;
        context->flags &= (uint16_t)~CONTEXT_TOUCHED;
        if (!delivers(context)) {
            if (context_posts(context) != NULL) {
                post_look(target, context); /* those that came too late */
                (void)post_complete(target, context);
            }
            continue;
        }
        deliver(target, context);
        if ((context->flags & CONTEXT_PEER_FIN) != 0 && context->kept == NULL) {
            context->flags &= (uint16_t)~CONTEXT_PEER_FIN;
            tell_fin(target, context);
        }
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
