/* SPDX-License-Identifier: GPL-2.0-only */
/* target/send.c - send requests and their completions.
 *
 * The buffer lists of a connection are one FIFO beside the TCP engine's queue of spans: MiniportReserved[0] is the size
 * of a list, MiniportReserved[1] how much of it the peer has acknowledged.  Lists that came after the target had wanted
 * the connection back stand at its end, with LATE in the second word: TCP never sees them, and they are refused in
 * their turn, so that what completes stays in posting order (CH-170, D-39).  CONTEXT_LATE: there are some. */

#include "target/target.h"

/* In MiniportReserved[1]: no byte of a list has that number. */
#define LATE ((PVOID)UINTPTR_MAX)

static uintptr_t word(PVOID value)
{
    return (uintptr_t)value;
}

/* Of the FIFO that begins with `first`. */
static PNET_BUFFER_LIST last_of(const NET_BUFFER_LIST *first)
{
    return (PNET_BUFFER_LIST)first->Scratch;
}

static bool is_late(const NET_BUFFER_LIST *nbl)
{
    return nbl->MiniportReserved[1] == LATE;
}

static void note_size(PNET_BUFFER_LIST nbl)
{
    nbl->MiniportReserved[0] = (PVOID)(uintptr_t)ndis_nbl_bytes(nbl);
    nbl->MiniportReserved[1] = NULL;
}

void send_adopt(struct target_context *context, PNET_BUFFER_LIST nbl)
{
    note_size(nbl);
    nbl->Next = NULL;
    if (context->sends == NULL) {
        context->sends = nbl;
    } else {
        last_of(context->sends)->Next = nbl;
    }
    context->sends->Scratch = nbl;
}

/* One that came too late. */
static void adopt_late(struct target_context *context, PNET_BUFFER_LIST nbl)
{
    send_adopt(context, nbl);
    nbl->MiniportReserved[1] = LATE;
    context->flags |= CONTEXT_LATE;
}

flue_err send_queue_spans(struct flue_tcp_conn *conn, PNET_BUFFER_LIST nbl, flue_ps at_ps)
{
    for (const NET_BUFFER *nb = NET_BUFFER_LIST_FIRST_NB(nbl); nb != NULL; nb = nb->Next) {
        struct ndis_spans spans = ndis_spans_of_data(nb);
        struct flue_span span;

        while (ndis_spans_next(&spans, &span)) {
            flue_err err = flue_tcp_send(conn, &span, at_ps);

            if (err != FLUE_OK) {
                return err;
            }
        }
    }
    return FLUE_OK;
}

/* Status and count of an NBL that completes (CH-167, CH-172). */
static void finish(const struct flue_target *target, PNET_BUFFER_LIST nbl, NDIS_STATUS status)
{
    nbl->Status = status;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = target_obeys(target, 172) ? nbl->MiniportReserved[1] : NULL;
    if (target_obeys(target, 173)) {
        miniport_advance(nbl, (ULONG)word(nbl->MiniportReserved[1]));
    }
}

static PNET_BUFFER_LIST pop(struct target_context *context)
{
    PNET_BUFFER_LIST nbl = context->sends;

    context->sends = nbl->Next;
    if (context->sends == NULL) {
        context->flags &= (uint16_t)~CONTEXT_LATE;
    } else {
        context->sends->Scratch = nbl->Scratch;
    }
    if (is_late(nbl)) {
        nbl->MiniportReserved[1] = NULL; /* nothing of it was sent */
    }
    return nbl;
}

/* Those that came too late; what stood before them, if anything, stays. */
void send_refuse_late(struct flue_target *target, struct target_context *context)
{
    PNET_BUFFER_LIST last = NULL, first = context->sends;

    if ((context->flags & CONTEXT_LATE) == 0) {
        return;
    }
    context->flags &= (uint16_t)~CONTEXT_LATE;
    while (!is_late(first)) {
        last = first;
        first = first->Next;
    }
    if (last == NULL) {
        context->sends = NULL;
    } else {
        last->Next = NULL;
        context->sends->Scratch = last;
    }
    send_refuse(target, UPWARD_SENT, context, first, NDIS_STATUS_UPLOAD_IN_PROGRESS);
}

/* What came too late has come to the head of the queue. */
static void look_at_late(struct flue_target *target, struct target_context *context)
{
    if (context->sends != NULL && is_late(context->sends)) {
        send_refuse_late(target, context);
    }
    if ((context->flags & CONTEXT_LATE_END) != 0 && context->sends == NULL) {
        disconnect_finish(target, context, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    }
}

void send_fail_all(struct flue_target *target, struct target_context *context, NDIS_STATUS status)
{
    struct ndis_chain done = {0};

    while (context->sends != NULL) {
        PNET_BUFFER_LIST nbl = pop(context);

        finish(target, nbl, status);
        ndis_chain_append(&done, nbl);
        target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
    }
    upward_chain(target, UPWARD_SENT, context, &done);
}

/* A list is complete when the peer has acknowledged all of it (CH-166).  What is acknowledged beyond the
 * lists belongs to the disconnect. */
void send_acked(struct flue_target *target, struct target_context *context, uint32_t bytes)
{
    struct ndis_chain done = {0};

    while (context->sends != NULL && !is_late(context->sends)) {
        PNET_BUFFER_LIST nbl = context->sends;
        uintptr_t left_bytes = word(nbl->MiniportReserved[0]) - word(nbl->MiniportReserved[1]);

        if (left_bytes > bytes) {
            nbl->MiniportReserved[1] = (PVOID)(word(nbl->MiniportReserved[1]) + bytes);
            bytes = 0;
            break;
        }
        bytes -= (uint32_t)left_bytes;
        nbl->MiniportReserved[1] = nbl->MiniportReserved[0];
        (void)pop(context);
        finish(target, nbl, NDIS_STATUS_SUCCESS);
        ndis_chain_append(&done, nbl);
        target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
    }
    upward_chain(target, UPWARD_SENT, context, &done);
    if (bytes > 0) {
        disconnect_acked(context, bytes);
    }
    if ((context->flags & CONTEXT_RECALLED) != 0) {
        look_at_late(target, context);
    }
}

void send_refuse(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                 PNET_BUFFER_LIST first, NDIS_STATUS status)
{
    struct ndis_chain done = {0};

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        first->Status = status;
        NET_BUFFER_LIST_INFO(first, TcpOffloadBytesTransferred) = NULL;
        ndis_chain_append(&done, first);
        target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
        first = next;
    }
    upward_chain(target, kind, context, &done);
}

PNET_BUFFER_LIST send_hand_back(struct target_context *context, PNET_BUFFER_LIST *last)
{
    PNET_BUFFER_LIST first = context->sends;

    *last = NULL;
    if (first != NULL) {
        *last = last_of(first);
        miniport_advance(first, (ULONG)word(first->MiniportReserved[1]));
    }
    context->sends = NULL;
    return first;
}

/* What I/O is answered with that the connection cannot take any more (behaviour 11.4, D-38). */
NDIS_STATUS send_refusal(const struct target_context *context)
{
    return context->state == FLUE_CONTEXT_ABORTED ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS;
}

/* What is refused comes back in its turn (CH-170), because the host sends it itself, in that order.  Once the
 * connection stands still nothing before it will complete: it may come back at once, and the rest in the chain; but
 * where there is no chain (D-29, D-32), or lists that came too late wait already, it waits for the terminate. */
static bool complete_before(const struct flue_target *target, const struct target_context *context)
{
    return context->sends != NULL &&
           (target->params.ddi.upload_sends_complete != 0 || (context->marks & (OBJECT_BROKEN | OBJECT_NO_END)) != 0);
}

void send_freeze(struct flue_target *target, struct target_context *context)
{
    if (context->sends == NULL || is_late(context->sends) || !complete_before(target, context)) {
        send_refuse_late(target, context);
    }
}

static void refuse_sends(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first)
{
    const bool late = (context->flags & CONTEXT_LATE) != 0;
    const bool waits = late || complete_before(target, context);

    if (!waits || context->state == FLUE_CONTEXT_ABORTED) {
        send_refuse(target, UPWARD_SENT, context, first, send_refusal(context));
        return;
    }
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        if (late) {
            adopt_late(context, first);
        } else {
            send_adopt(context, first);
        }
        first = next;
    }
}

/* A target without CH-166 is content when it has the data. */
static void early(struct flue_target *target, struct target_context *context)
{
    for (PNET_BUFFER_LIST nbl = context->sends; nbl != NULL && !is_late(nbl); nbl = nbl->Next) {
        nbl->MiniportReserved[1] = nbl->MiniportReserved[0];
    }
    send_acked(target, context, 0);
}

void send_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first)
{
    if (!context_accepts(context)) {
        refuse_sends(target, context, first);
        return;
    }
    context_touch(target, context);
    if (context_watch(context) != NULL) {
        context_watch(context)->requests++;
    }
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        flue_err err = FLUE_OK;

        if ((context->flags & CONTEXT_RECALLED) != 0) {
            adopt_late(context, first);
            first = next;
            continue;
        }
        target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_request, 0);
        if ((context->flags & CONTEXT_STARVED) == 0) {
            err = send_queue_spans(context->conn, first, target->engine.clock_ps);
        }
        if (err == FLUE_ESTATE) {
            /* A send behind a disconnect: the host may not do that. */
            send_refuse(target, UPWARD_SENT, context, first, NDIS_STATUS_REQUEST_ABORTED);
            return;
        }
        if (err != FLUE_OK) {
            context->flags |= CONTEXT_STARVED; /* the whole FIFO goes back, this one included */
        }
        send_adopt(context, first);
        first = next;
    }
    if (!target_obeys(target, 166) && (context->flags & CONTEXT_STARVED) == 0) {
        early(target, context);
    }
    send_acked(target, context, 0); /* empty lists at the head of the queue */
}
