/* SPDX-License-Identifier: GPL-2.0-only */
/* im/starve.c - what finds no memory is answered here, from a timer event: never inside the call that made it.
 *
 * State operations: every block refused, nothing passed down.  The trees wait in a list through Scratch of their roots,
 * so that nothing is needed to remember them.  A terminate does not fail (D-32): should even the call entries set aside
 * not suffice, it waits.
 * Sends (CH-339): the first list REQUEST_UPLOAD, the rest UPLOAD_REQUESTED, and nothing goes down.  No later send of
 * that connection goes down either, since its bytes would follow a gap; and the answers wait until all earlier sends
 * are back, because the layer above sends the refused bytes itself, in the order in which lists come back.
 * Other requests need an answer that the interface does not have: they wait for memory, in order.
 * What N refuses (INVALID_STATE) is answered like that, too: sends as above, other requests UPLOAD_IN_PROGRESS. */
#include "im/im_core.h"

enum {
    ANSWER_PS = 1000000,  /* 1 us: a refusal takes its time, so that whoever asks again at once does not ask for ever */
    RETRY_PS = 1000000000 /* 1 ms: how often memory is asked for again */
};

void im_answer_later(struct flue_im *im)
{
    if (!timer_armed(&im->answers)) {
        timers_arm(im->timers, &im->answers, im_now(im) + ANSWER_PS);
    }
}

bool im_refusal_is_due(struct flue_im *im)
{
    if (im->params.kind != FLUE_IM_REFUSE || im->params.refuse_every == 0 ||
        ++im->refuse_count < im->params.refuse_every) {
        return false;
    }
    im->refuse_count = 0;
    return true;
}

/* ---- Trees ---- */

void im_refuse(struct flue_im *im, enum im_operation operation, im_tree_m root)
{
    im_tree_m last = im->refused_last;

    root->Scratch[0] = NULL;
    root->Scratch[1] = (PVOID)(uintptr_t)operation;
    if (last == NULL) {
        im->refused_first = root;
    } else {
        last->Scratch[0] = root;
    }
    im->refused_last = root;
    im_answer_later(im);
}

/* Statuses that are legal (behaviour 7.2): a placeholder is never refused, a link cannot be made without what it was to
 * link, and only initiate knows more than FAILURE. */
static flue_err refuse_block(im_tree_m block, void *arg)
{
    const bool initiate = *(const enum im_operation *)arg == IM_INITIATE;

    if (block->MiniportOffloadContext == NULL) {
        block->Status = NDIS_STATUS_SUCCESS;
    } else if (initiate && *block->MiniportOffloadContext == NULL) {
        block->Status = NDIS_STATUS_RESOURCES;
    } else {
        block->Status = NDIS_STATUS_FAILURE;
    }
    return FLUE_OK;
}

static void answer_trees(struct flue_im *im)
{
    im_tree_m root = im->refused_first;

    im->refused_first = im->refused_last = NULL;
    while (root != NULL) {
        im_tree_m next = root->Scratch[0];
        enum im_operation operation = (enum im_operation)(uintptr_t)root->Scratch[1];

        if (operation == IM_TERMINATE) {
            im_tree_pass(im, operation, root);
        } else {
            (void)flue_block_walk(root, refuse_block, &operation);
            im->totals.refused++;
            im_up_tree(im, operation, root);
        }
        root = next;
    }
}

/* ---- Lists ---- */

static bool waits(const struct im_entry *entry)
{
    for (unsigned request = 0; request < IM_REQUESTS; request++) {
        if (entry->waiting[request].first != NULL) {
            return true;
        }
    }
    return false;
}

bool im_must_wait(const struct im_entry *entry, enum im_request request)
{
    return entry->refused || entry->waiting[request].first != NULL || (request == IM_SEND && entry->starved) ||
           (request == IM_DISCONNECT && entry->starved);
}

void im_starve(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags)
{
    struct flue_im *im = entry->im;

    if (request == IM_SEND) {
        for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
            nbl->Status = nbl == first ? NDIS_STATUS_REQUEST_UPLOAD : NDIS_STATUS_UPLOAD_REQUESTED;
            NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = NULL;
        }
        entry->starved = true;
        im->totals.refused++;
    } else if (request == IM_DISCONNECT) {
        entry->disconnect_flags = flags;
    }
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_chain_append(&entry->waiting[request], first);
        first = next;
    }
    if (!hook_linked(&entry->hook)) {
        list_push_back(&im->starving, &entry->hook);
    }
    im_answer_later(im);
}

void im_starved_sends_are_due(struct im_entry *entry)
{
    if (entry->waiting[IM_SEND].first != NULL || (entry->refused && waits(entry))) {
        im_answer_later(entry->im);
    }
}

/* The connection is on its way up: whoever asked does it himself. */
static void answer(struct im_entry *entry, enum im_request request)
{
    PNET_BUFFER_LIST first = ndis_chain_take(&entry->waiting[request]);

    if (first == NULL) {
        return;
    }
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL && request != IM_SEND; nbl = nbl->Next) {
        nbl->Status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = NULL;
    }
    im_up_data(entry->im, request, first);
}

void im_starved_end(struct im_entry *entry)
{
    answer(entry, IM_SEND);
    answer(entry, IM_RECEIVE);
    answer(entry, IM_FORWARD);
    answer(entry, IM_DISCONNECT);
}

/* It failed, and one more terminate is to come: of sends and what stands behind them those below end first. */
void im_starved_fail(struct im_entry *entry)
{
    answer(entry, IM_RECEIVE);
    answer(entry, IM_FORWARD);
    if (entry->sends_out == 0) {
        answer(entry, IM_SEND);
        answer(entry, IM_DISCONNECT);
    }
}

void im_starved_sends_first(struct im_entry *entry)
{
    if (entry->sends_out == 0) {
        answer(entry, IM_SEND);
    }
}

/* Nothing goes down once its terminate has begun (CH-116). */
static bool may_pass(const struct im_entry *entry)
{
    return entry->state == IM_E2 && !entry->failed_once;
}

/* Each disconnect goes down alone (CH-219): one that waited behind refused sends is overtaken by the abortive one. */
static void answer_older(struct im_entry *entry)
{
    struct ndis_chain *waiting = &entry->waiting[IM_DISCONNECT];

    while (waiting->first->Next != NULL) {
        PNET_BUFFER_LIST nbl = waiting->first;

        waiting->first = nbl->Next;
        waiting->count--;
        nbl->Next = NULL;
        nbl->Status = NDIS_STATUS_REQUEST_ABORTED;
        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = NULL;
        im_up_data(entry->im, IM_DISCONNECT, nbl);
    }
}

/* An abortive disconnect goes down whatever sends were refused; a graceful one must not, or the FIN would stand before
 * data. */
static void answer_entry(struct im_entry *entry)
{
    static const enum im_request again[] = {IM_RECEIVE, IM_FORWARD, IM_DISCONNECT};

    if (entry->sends_out == 0) {
        answer(entry, IM_SEND);
    }
    if (entry->refused) {
        im_starved_fail(entry);
        return;
    }
    if (entry->starved && (entry->disconnect_flags & TCP_DISCONNECT_ABORTIVE_CLOSE) == 0 &&
        entry->waiting[IM_SEND].first == NULL) {
        answer(entry, IM_DISCONNECT);
    }
    for (unsigned i = 0; i < sizeof again / sizeof again[0]; i++) {
        const enum im_request request = again[i];
        const bool graceful =
            request == IM_DISCONNECT && (entry->disconnect_flags & TCP_DISCONNECT_ABORTIVE_CLOSE) == 0;
        const bool starved = entry->starved;

        if (entry->waiting[request].first != NULL && !(graceful && starved) && may_pass(entry)) {
            entry->starved = false; /* for this call: it asks im_must_wait() */
            if (request == IM_DISCONNECT) {
                answer_older(entry);
            }
            im_data_pass(entry, request, ndis_chain_take(&entry->waiting[request]), entry->disconnect_flags);
            entry->starved = starved;
        }
    }
}

static bool needs_retry(const struct im_entry *entry)
{
    return may_pass(entry) && !entry->refused &&
           (entry->waiting[IM_RECEIVE].first != NULL || entry->waiting[IM_FORWARD].first != NULL ||
            (entry->waiting[IM_DISCONNECT].first != NULL && entry->waiting[IM_SEND].first == NULL));
}

static void answer_frames(struct flue_im *im)
{
    PNET_BUFFER_LIST first = ndis_chain_take(&im->dropped);

    if (first != NULL) {
        for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
            nbl->Status = NDIS_STATUS_RESOURCES;
        }
        NdisMSendNetBufferListsComplete(im->miniport, first, 0);
    }
}

void im_answers_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_im *im = FLUE_CONTAINER_OF(timer, struct flue_im, answers);
    struct flue_hook work;
    struct flue_hook *hook;
    bool retry = false;

    list_init(&work);
    list_splice_back(&work, &im->starving);
    answer_trees(im);
    answer_frames(im);
    while ((hook = list_pop_front(&work)) != NULL) {
        struct im_entry *entry = FLUE_CONTAINER_OF(hook, struct im_entry, hook);

        list_push_back(&im->starving, hook);
        answer_entry(entry);
        if (!waits(entry) && hook_linked(hook)) {
            list_remove(hook);
        }
        retry = retry || needs_retry(entry);
    }
    if (im->refused_first != NULL) {
        retry = true;
    }
    if (retry) {
        timers_arm(im->timers, &im->answers, now_ps + RETRY_PS);
    }
}
