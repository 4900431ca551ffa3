/* SPDX-License-Identifier: GPL-2.0-only */
/* im/data.c - data requests and their completions: the same lists both ways, under this driver's own handle
 * (behaviour 6.3, 19.6).  A context in each list keeps the binding above, to which N takes the completion. */
#include "im/im_core.h"

/* ---- Down ---- */

/* Lists of a chain that found memory, up to the first that did not; that one and the rest stay in *left. */
static PNET_BUFFER_LIST with_contexts(struct im_entry *entry, PNET_BUFFER_LIST first, PNET_BUFFER_LIST *left)
{
    PNET_BUFFER_LIST *end = &first;

    while (*end != NULL && im_context_push(entry->im, entry, *end)) {
        end = &(*end)->Next;
    }
    *left = *end;
    *end = NULL;
    return first;
}

/* Whoever asked has had PENDING for an answer, so what N refuses comes back completed, later, as if memory had run out
 * (CH-339): of a connection that N does not know any more the layer above is best served by taking it back. */
static void go_down(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags)
{
    if (im_down_data(entry, request, first, flags) != NDIS_STATUS_INVALID_STATE) {
        return;
    }
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        (void)im_context_pop(entry->im, nbl);
        entry->sends_out -= request == IM_SEND;
    }
    entry->refused = true;
    im_starve(entry, request, first, flags);
}

/* CH-339: a send goes down whole or not at all. */
static void pass_sends(struct im_entry *entry, PNET_BUFFER_LIST first)
{
    PNET_BUFFER_LIST left, last = NULL;
    uint32_t count = 0;

    first = with_contexts(entry, first, &left);
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        last = nbl;
        count++;
        if (left != NULL) {
            (void)im_context_pop(entry->im, nbl);
        }
    }
    if (left == NULL) {
        entry->sends_out += count;
        go_down(entry, IM_SEND, first, 0);
        return;
    }
    if (last != NULL) {
        last->Next = left;
    }
    im_starve(entry, IM_SEND, last != NULL ? first : left, 0);
}

void im_data_pass(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags)
{
    PNET_BUFFER_LIST left;

    if (im_must_wait(entry, request)) {
        im_starve(entry, request, first, flags);
        return;
    }
    if (request == IM_SEND) {
        pass_sends(entry, first);
        return;
    }
    first = with_contexts(entry, first, &left);
    if (request == IM_DISCONNECT && flags == TCP_DISCONNECT_GRACEFUL_CLOSE && im_breaks(entry->im, 333)) {
        flags = TCP_DISCONNECT_ABORTIVE_CLOSE;
    }
    if (first != NULL) {
        go_down(entry, request, first, flags);
    }
    if (left != NULL) {
        im_starve(entry, request, left, flags);
    }
}

void im_data_down(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags)
{
    const struct im_held item = {
        .kind = IM_HELD_DATA, .what = request, .object = first, .entry = entry, .flags = flags};

    if (request == IM_SEND && im_refusal_is_due(entry->im)) {
        im_starve(entry, request, first, flags);
    } else if (!im_hold_down(entry->im, &item)) {
        im_data_pass(entry, request, first, flags);
    }
}

/* ---- Up ---- */

void im_data_return(struct flue_im *im, enum im_request request, PNET_BUFFER_LIST first)
{
    bool late = false;

    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        struct im_entry *entry = im_context_pop(im, nbl);

        if (request == IM_SEND && entry->sends_out > 0) {
            entry->sends_out--;
        }
        if (entry->ended) {
            im_entry_done(entry);
            late = true;
        } else if (request == IM_SEND && entry->sends_out == 0) {
            im_starved_sends_are_due(entry);
        } else if (request == IM_DISCONNECT) {
            im_starved_sends_first(entry); /* the connection has no sends any more when it comes (CH-223) */
        }
    }
    if (request == IM_DISCONNECT && im_breaks(im, 326)) {
        return;
    }
    if (request == IM_SEND && im_breaks(im, 325)) {
        im_up_data(im, request, first);
    }
    im_up_data(im, request, first);
    if (late) {
        im_objects_gone(im);
    }
}

void im_data_up(struct flue_im *im, enum im_request request, PNET_BUFFER_LIST first)
{
    const struct im_held item = {.kind = IM_HELD_DATA, .what = request, .object = first};

    if (!im_hold_up(im, &item)) {
        im_data_return(im, request, first);
    }
}

/* ---- Lists that were indicated, on their way back ---- */

/* A chain may mix connections, but goes to one adapter (D-04): runs of one home go together. */
void im_return_pass(struct flue_im *im, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST rest = first;
        struct im_edge *edge = im_home_run(im, &rest);

        (void)NdisOffloadTcpReceiveReturn(edge->binding, first);
        first = rest;
    }
}

void im_return_down(struct flue_im *im, PNET_BUFFER_LIST first)
{
    const struct im_held item = {.kind = IM_HELD_RETURN, .object = first};

    if (!im_hold_down(im, &item)) {
        im_return_pass(im, first);
    }
}
