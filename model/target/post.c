/* SPDX-License-Identifier: GPL-2.0-only */
/* target/post.c - receive requests: buffers that the host has posted, filled and completed in posting order (CH-176 to
 * CH-198; behaviour 13.2).
 *
 * Requests stand in the driver's queue from the moment the host makes them.  Everything that completes one runs in an
 * interrupt, collects it in `done`, and is completed by post_complete() when nothing else is on the stack: so neither
 * completions nor indications of a connection nest (CH-192, CH-193), and a request made from inside a completion
 * waits for its doorbell. */

#include "base/span.h"
#include "target/target.h"

static PNET_BUFFER first_nb(const NET_BUFFER_LIST *nbl)
{
    return NET_BUFFER_LIST_FIRST_NB(nbl);
}

/* Bytes that this target has placed. */
static ULONG own_bytes(const NET_BUFFER_LIST *nbl)
{
    return ndis_nbl_filled_bytes(nbl) - (ULONG)(uintptr_t)nbl->MiniportReserved[0];
}

static bool push_mode(const NET_BUFFER_LIST *nbl)
{
    return NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) == NULL;
}

/* The host had put bytes of its own before the room (CH-184; from NDIS 6.20, D-43). */
static bool begun(const struct flue_target *target, const NET_BUFFER_LIST *nbl)
{
    return target->params.ddi.ndis_version == FLUE_NDIS_6_20 &&
           NET_BUFFER_LIST_INFO(nbl, TcpReceiveBytesTransferred) != NULL;
}

/* ---- The queue ---- */

/* The answer to a request that comes now (D-40): the first that applies. */
static NDIS_STATUS answer(const struct target_context *context)
{
    switch ((enum flue_context)context->state) {
    case FLUE_CONTEXT_ABORTED:
        return NDIS_STATUS_REQUEST_ABORTED;
    case FLUE_CONTEXT_INSTALLED:
    case FLUE_CONTEXT_LIVE:
    case FLUE_CONTEXT_INVALID:
        return (context->flags & CONTEXT_FIN_TOLD) != 0 ? NDIS_STATUS_INVALID_STATE : NDIS_STATUS_SUCCESS;
    case FLUE_CONTEXT_NONE:
    case FLUE_CONTEXT_DRAINING:
    case FLUE_CONTEXT_TERMINATING:
    case FLUE_CONTEXT_COUNT:
        break;
    }
    return (context->flags & CONTEXT_FIN_TOLD) != 0 ? NDIS_STATUS_INVALID_STATE : NDIS_STATUS_UPLOAD_IN_PROGRESS;
}

struct target_extra *post_make(struct flue_target *target, struct target_context *context)
{
    struct target_extra *posts = context_widen(target, context);

    if (posts != NULL) {
        posts->requested = true;
    }
    return posts;
}

static void append(struct target_extra *posts, PNET_BUFFER_LIST first)
{
    if (posts->first == NULL) {
        posts->first = first;
    } else {
        posts->last->Next = first;
    }
    while (first->Next != NULL) {
        first = first->Next;
    }
    posts->last = first;
}

void post_enqueue(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first)
{
    const NDIS_STATUS status = answer(context);
    struct target_extra *posts = context_posts(context);
    uint32_t count = 0;

    watch_post(context, first);
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        nbl->Status = status;
        nbl->MiniportReserved[0] = (PVOID)(uintptr_t)ndis_nbl_filled_bytes(nbl);
        count++;
    }
    if (context->state != FLUE_CONTEXT_NONE) {
        posts = post_make(target, context);
    }
    if (posts == NULL) {
        /* No memory: the connection goes back, and with it these requests, as soon as the adapter learns of it. */
        doorbell_ring(target, DOORBELL_RECEIVE, context, first, count);
        return;
    }
    append(posts, first);
    posts->made += count;
    doorbell_ring(target, DOORBELL_RECEIVE, context, NULL, count);
}

static void take_first(struct target_extra *posts)
{
    PNET_BUFFER_LIST nbl = posts->first;

    posts->first = nbl->Next;
    if (posts->first == NULL) {
        posts->last = NULL;
    }
    posts->taken++;
    if ((int32_t)(posts->seen - posts->taken) < 0) {
        posts->seen = posts->taken; /* it was used before its doorbell was heard */
    }
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)own_bytes(nbl);
    miniport_advance(nbl, own_bytes(nbl));
    ndis_chain_append(&posts->done, nbl);
}

/* The first request completes: CH-197, CH-198. */
static void finish_first(struct target_extra *posts, NDIS_STATUS status)
{
    if (posts->first->Status == NDIS_STATUS_SUCCESS) {
        posts->first->Status = status;
    }
    take_first(posts);
    timer_fifo_cancel(&posts->push);
    posts->expired = false;
}

/* ---- The push timer (CH-184 to CH-191, D-43) ---- */

static void start_timer(struct flue_target *target, struct target_extra *posts, bool restart)
{
    if (!timer_fifo_armed(&posts->push) || (restart && target->params.ddi.push_timer_once == 0)) {
        timer_fifo_arm(&target->pushes, &posts->push, target_now(target) + target->push_ps);
    }
}

/* The first request is one that need not be full. */
static bool partial(const struct flue_target *target, const struct target_extra *posts)
{
    const NET_BUFFER_LIST *nbl = posts->first;

    return nbl != NULL && nbl->Status == NDIS_STATUS_SUCCESS && push_mode(nbl) &&
           (own_bytes(nbl) > 0 || begun(target, nbl));
}

/* The next interrupt looks at the requests.  A terminate that was worked on completes them all, and the connection's
 * area is gone when what stands behind that completion is shown. */
static void ask_for_look(struct flue_target *target, struct target_context *context)
{
    if (context->state != FLUE_CONTEXT_TERMINATING) {
        (void)upward_push(target, UPWARD_POSTED, context, target->engine.clock_ps, TARGET_COMPLETION_BYTES);
    }
}

void post_fire(struct timer_fifo_entry *entry, flue_ps now_ps)
{
    struct target_extra *posts = FLUE_CONTAINER_OF(entry, struct target_extra, push);
    struct flue_target *target = posts->target;

    if (posts->context->state == FLUE_CONTEXT_TERMINATING) {
        return; /* the completion of the terminate ends them all, and frees the connection */
    }
    if (upwards_reserve(target, TARGET_SPARE_ENTRIES) != FLUE_OK) {
        start_timer(target, posts, true); /* the host has enough to do */
        return;
    }
    posts->expired = true;
    (void)flue_server_begin(&target->engine, now_ps);
    ask_for_look(target, posts->context);
}

/* ---- What the adapter does when it hears of requests ---- */

/* Whether something can be done now, without new data. */
static bool is_due(const struct flue_target *target, const struct target_context *context)
{
    const struct target_extra *posts = context_posts(context);

    if (posts->first == NULL) {
        return false;
    }
    return posts->first->Status != NDIS_STATUS_SUCCESS || NET_BUFFER_DATA_LENGTH(first_nb(posts->first)) == 0 ||
           context->kept != NULL || (posts->expired && partial(target, posts));
}

void post_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first, uint32_t count)
{
    struct target_extra *posts = context_posts(context);

    target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
    if (first != NULL) {
        if (context_accepts(context)) {
            context->flags |= CONTEXT_STARVED;
        }
        send_refuse(target, UPWARD_RECEIVED, context, first,
                    first->Status == NDIS_STATUS_SUCCESS ? NDIS_STATUS_UPLOAD_IN_PROGRESS : first->Status);
        return;
    }
    if (posts == NULL || context->state == FLUE_CONTEXT_TERMINATING) {
        return; /* everything has been completed, or is by the terminate, which frees the connection */
    }
    posts->seen = posts->made - posts->seen < count ? posts->made : posts->seen + count;
    if (is_due(target, context)) {
        ask_for_look(target, context);
    } else {
        post_wait(target, context);
    }
}

void post_wait(struct flue_target *target, struct target_context *context)
{
    struct target_extra *posts = context_posts(context);

    if (posts->first != NULL && posts->first->Status == NDIS_STATUS_SUCCESS && push_mode(posts->first) &&
        begun(target, posts->first)) {
        start_timer(target, posts, false);
    }
}

void post_look(struct flue_target *target, struct target_context *context)
{
    struct target_extra *posts = context_posts(context);

    if (posts->expired && partial(target, posts)) {
        finish_first(posts, NDIS_STATUS_SUCCESS);
    }
    posts->expired = false;
    while (posts->first != NULL && (int32_t)(posts->seen - posts->taken) > 0 &&
           (posts->first->Status != NDIS_STATUS_SUCCESS || NET_BUFFER_DATA_LENGTH(first_nb(posts->first)) == 0)) {
        /* One of no room consumes nothing, but lets refused data be indicated again (CH-205, CH-207). */
        context->flags &= (uint16_t)~CONTEXT_LATCHED;
        finish_first(posts, NDIS_STATUS_SUCCESS);
    }
}

/* ---- Filling ---- */

static bool full(const NET_BUFFER_LIST *nbl)
{
    const NET_BUFFER *nb = first_nb(nbl);

    return ndis_nbl_filled_bytes(nbl) == NET_BUFFER_DATA_LENGTH(nb) + nb->DataOffset;
}

uint32_t post_place(struct flue_target *target, struct target_context *context, const struct flue_span *span, bool push)
{
    struct target_extra *posts = context_posts(context);
    uint32_t at_bytes = 0;

    while (at_bytes < span->length_bytes && post_takes(context)) {
        const struct flue_span rest = span_slice(span, at_bytes, span->length_bytes - at_bytes);
        ULONG placed_bytes = 0;

        if (ndis_nbl_fill(posts->first, &rest, &placed_bytes) != FLUE_OK) {
            context->flags |= CONTEXT_STARVED;
            break;
        }
        at_bytes += placed_bytes;
        if (full(posts->first)) {
            finish_first(posts, NDIS_STATUS_SUCCESS);
        }
    }
    if (at_bytes > 0) {
        context->flags &= (uint16_t)~CONTEXT_LATCHED;
    }
    if (at_bytes == span->length_bytes && partial(target, posts)) {
        if (push) {
            finish_first(posts, NDIS_STATUS_SUCCESS);
        } else {
            start_timer(target, posts, true);
        }
    }
    return at_bytes;
}

/* ---- Completion ---- */

bool post_complete(struct flue_target *target, struct target_context *context)
{
    struct ndis_chain done = context->extra->done;

    if (done.first == NULL) {
        return false;
    }
    context->extra->done = (struct ndis_chain){0};
    target->batch.completions += done.count;
    miniport_tell_trace(target, context);
    miniport_data_done(target, UPWARD_RECEIVED, done.first);
    return true;
}

void post_end(struct flue_target *target, struct target_context *context, NDIS_STATUS status)
{
    struct target_extra *posts = context_posts(context);

    if (posts == NULL) {
        return;
    }
    while (posts->first != NULL) {
        finish_first(posts, status);
    }
    timer_fifo_cancel(&posts->push);
    (void)post_complete(target, context);
}

void post_end_later(struct flue_target *target, struct target_context *context, NDIS_STATUS status)
{
    if (context_posts(context) != NULL) {
        upward_push(target, UPWARD_POSTS_END, context, target->engine.clock_ps, TARGET_COMPLETION_BYTES)
            ->what.event.information = (ULONG)status;
    }
}

void post_end_partial(struct flue_target *target, struct target_context *context)
{
    struct target_extra *posts = context_posts(context);

    if (posts != NULL && posts->first != NULL && posts->first->Status == NDIS_STATUS_SUCCESS &&
        own_bytes(posts->first) > 0) {
        finish_first(posts, NDIS_STATUS_SUCCESS);
        (void)post_complete(target, context);
    }
}
