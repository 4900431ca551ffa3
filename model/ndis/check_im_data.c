/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_im_data.c - rules of intermediate drivers: lists, indications (CH-331 to CH-339). */

#include "ndis/check_im.h"

static struct check_im *enter(const struct flue_ndis *ndis, struct check **out)
{
    *out = check_enter(ndis);
    return *out == NULL ? NULL : (*out)->im;
}

static void say(struct check *check, const struct ndis_adapter *adapter, const void *thing, unsigned rule,
                const char *seen, uint64_t a)
{
    const struct check_at at = {.adapter = adapter, .thing = thing, .kind = "list"};

    check_report(check, rule, FLUE_PARTY_DRIVER, &at, seen, a, 0, 0);
}

/* ---- Lists, down ---- */

static void leaves_lower_edge(struct check *check, const struct ndis_binding *binding, enum ndis_request request,
                              const NDIS_OFFLOAD_HANDLE *handle, PNET_BUFFER_LIST nbl, ULONG flags)
{
    struct im_lent *lent = im_lent_through(check->im, nbl, im_above_of(binding));
    const struct im_object *object = lent == NULL ? NULL : im_object_find(check->im, lent->upper);

    if (lent == NULL) {
        say(check, binding->adapter, nbl, 331, "a list goes down that did not come from above", 0);
        return;
    }
    lent->passed++;
    lent->below = true;
    if (lent->passed > 1) {
        say(check, lent->adapter, nbl, 325, "it goes down for the %u. time", lent->passed);
    }
    if (lent->what != (uint8_t)request) {
        say(check, lent->adapter, nbl, 325, "it goes down as another request", 0);
    }
    if (request == NDIS_DISCONNECT && lent->flags != flags) {
        say(check, lent->adapter, nbl, 333, "its flags were %x above, and are others below", lent->flags);
    }
    if (object != NULL && object->lower != handle) {
        say(check, lent->adapter, nbl, 332, "it goes down under a handle that is not its connection's", 0);
    }
}

void check_im_data_down(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                        PNET_BUFFER_LIST first, ULONG flags)
{
    struct check *check;
    struct check_im *im = enter(binding->adapter->ndis, &check);

    if (im == NULL) {
        return;
    }
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        const struct im_lent lent = {.thing = nbl,
                                     .adapter = binding->adapter,
                                     .upper = handle,
                                     .context = nbl->Context,
                                     .flags = flags,
                                     .what = (uint8_t)request};

        if (im_above_of(binding) != NULL) {
            leaves_lower_edge(check, binding, request, handle, nbl, flags);
        }
        if (im_below_of(binding->adapter) != NULL && im_lent_find(im, nbl, binding->adapter) == NULL) {
            im_lent_add(check, &lent);
        }
    }
}

/* ---- Lists, up ---- */

static bool refusal(NDIS_STATUS status)
{
    return status == NDIS_STATUS_REQUEST_UPLOAD || status == NDIS_STATUS_UPLOAD_REQUESTED;
}

/* CH-339: the first refused list of a connection asks for the upload. */
static void judge_refusal(struct check *check, const struct im_lent *lent, NDIS_STATUS status)
{
    struct im_object *object = im_object_find(check->im, lent->upper);

    if (lent->passed > 0 && !lent->refused) {
        say(check, lent->adapter, lent->thing, 339, "a send that went down is refused", 0);
    } else if (lent->passed == 0 && object != NULL && !object->refused && status != NDIS_STATUS_REQUEST_UPLOAD) {
        say(check, lent->adapter, lent->thing, 339, "the first refused list has %t", (uint64_t)(uint32_t)status);
    }
    if (object != NULL) {
        object->refused = true;
    }
}

static void enters_upper_edge(struct check *check, const struct im_lent *lent, const NET_BUFFER_LIST *nbl)
{
    if (lent->below) {
        say(check, lent->adapter, nbl, 331, "it goes up while it is lent below", 0);
    }
    if (lent->what == NDIS_SEND && refusal(nbl->Status)) {
        judge_refusal(check, lent, nbl->Status);
    } else if (lent->passed == 0 && nbl->Status == NDIS_STATUS_SUCCESS) {
        say(check, lent->adapter, nbl, 331, "it succeeds, and never went down", 0);
    }
    if (lent->what == NDIS_DISCONNECT && nbl->Context != lent->context) {
        say(check, lent->adapter, nbl, 337, "the context that the driver made is still in it", 0);
    }
}

static void list_up(struct check *check, const struct ndis_adapter *adapter, const NET_BUFFER_LIST *nbl, bool judged)
{
    struct check_im *im = check->im;
    const struct ndis_driver *on = im_on(adapter);
    struct im_lent *lent = im_below_of(adapter) == NULL ? NULL : im_lent_find(im, nbl, adapter);

    if (lent != NULL) {
        if (judged) {
            enters_upper_edge(check, lent, nbl);
        }
        im_lent_end(im, lent);
    }
    lent = on == NULL ? NULL : im_lent_through(im, nbl, on);
    if (lent != NULL) {
        lent->below = false;
        lent->refused = lent->what == NDIS_SEND && refusal(nbl->Status); /* by a driver further down */
    }
}

void check_im_data_up(struct ndis_adapter *adapter, PNET_BUFFER_LIST first)
{
    struct check *check;

    if (enter(adapter->ndis, &check) != NULL) {
        for (const NET_BUFFER_LIST *nbl = first; nbl != NULL; nbl = nbl->Next) {
            list_up(check, adapter, nbl, true);
        }
    }
}

void check_im_lists_end(struct check *check, const struct ndis_adapter *adapter, const NET_BUFFER_LIST *first)
{
    /* What is not lent may be no list any more, and is not read. */
    for (; first != NULL && check_nbl_find(check, first, adapter) != NULL; first = first->Next) {
        list_up(check, adapter, first, false);
    }
}

/* ---- Indications ---- */

/* The newest call that came to this driver. */
static struct im_call *call_of(struct check_im *im, const struct ndis_driver *driver)
{
    struct im_call *call = im->newest;

    while (call != NULL && call->driver != driver) {
        call = call->below;
    }
    return call;
}

static void compare_call(struct check *check, const struct ndis_adapter *adapter, const struct im_call *now,
                         unsigned wrong_value)
{
    struct im_call *call = call_of(check->im, adapter->driver);
    const struct im_object *object = im_object_find(check->im, now->handle);
    const unsigned wrong_handle = wrong_value == 336 ? 336 : 335;

    if (call == NULL) {
        say(check, adapter, now->thing, 325, "the driver says of its own accord what comes from below", 0);
        return;
    }
    call->passed++;
    if (call->thing != now->thing || call->status != now->status || call->type != now->type ||
        call->information != now->information) {
        say(check, adapter, now->thing, wrong_value, "it goes up with other arguments than it came with", 0);
    }
    if (call->handle != NULL && object != NULL && object->lower != call->handle) {
        say(check, adapter, now->thing, wrong_handle, "it goes up under another object's handle", 0);
    }
}

static void push(struct check *check, const struct im_call *like)
{
    struct check_im *im = check->im;
    struct im_call *call = (struct im_call *)pool_get(&im->call_pool);

    if (call == NULL) {
        check->blind = true;
        return;
    }
    *call = *like;
    call->below = im->newest;
    im->newest = call;
}

static void drop(struct check_im *im)
{
    struct im_call *call = im->newest;

    im->newest = call->below;
    pool_put(&im->call_pool, call);
}

/* The driver has returned.  True: it had passed the call on once; *out is what is known of that. */
static bool pop(struct check *check, const struct ndis_adapter *adapter, struct im_call *out)
{
    if (check->im->newest == NULL) {
        return false;
    }
    *out = *check->im->newest;
    drop(check->im);
    if (out->passed != 1) {
        say(check, adapter, out->thing, 325, "it went up %u times", out->passed);
    }
    return out->passed == 1;
}

static void call_begins(struct flue_ndis *ndis, const struct ndis_adapter *adapter, const struct ndis_driver *on,
                        struct im_call *now, unsigned wrong_value)
{
    struct check *check = check_enter(ndis);

    if (check == NULL || check->im == NULL) {
        return;
    }
    if (im_below_of(adapter) != NULL) {
        compare_call(check, adapter, now, wrong_value);
    }
    if (on != NULL) {
        now->driver = on;
        push(check, now);
    }
}

void check_im_indicate(struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle, const NET_BUFFER_LIST *nbl,
                       NDIS_STATUS status)
{
    struct im_call now = {.handle = handle, .thing = nbl, .status = status};

    call_begins(binding->adapter->ndis, binding->adapter, im_above_of(binding), &now, 334);
}

void check_im_indicated(struct ndis_binding *binding, const NET_BUFFER_LIST *nbl, NDIS_STATUS answer,
                        ULONG consumed_bytes)
{
    struct check *check;
    struct check_im *im = enter(binding->adapter->ndis, &check);
    struct im_call *call, above;

    if (im == NULL) {
        return;
    }
    if (im_above_of(binding) != NULL && pop(check, binding->adapter, &above) &&
        (above.answer != answer || above.consumed_bytes != consumed_bytes)) {
        say(check, binding->adapter, nbl, 335, "the answer above was %t, or the bytes differ",
            (uint64_t)(uint32_t)above.answer);
    }
    if (im_below_of(binding->adapter) != NULL && (call = call_of(im, binding->adapter->driver)) != NULL) {
        call->answer = answer;
        call->consumed_bytes = consumed_bytes;
    }
}

void check_im_event(struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle, ULONG type, ULONG information)
{
    struct im_call now = {.handle = handle, .type = type, .information = information};

    call_begins(binding->adapter->ndis, binding->adapter, im_above_of(binding), &now, 336);
}

void check_im_stopped(struct ndis_binding *binding)
{
    struct check_im *im = binding->adapter->ndis->check->im;

    if (im != NULL && im_above_of(binding) != NULL && im->newest != NULL) {
        drop(im);
    }
}

void check_im_event_done(struct ndis_binding *binding)
{
    struct check *check;
    struct im_call above;

    if (enter(binding->adapter->ndis, &check) != NULL && im_above_of(binding) != NULL) {
        (void)pop(check, binding->adapter, &above);
    }
}

static ULONG answer_in(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *first = (NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *)block;

    return block == NULL ? 0
                         : ((NEIGHBOR_OFFLOAD_STATE_CACHED *)(void *)flue_state_next(flue_state_first(first)))
                               ->HostReachabilityDelta;
}

void check_im_generic_event(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, ULONG code)
{
    struct im_call now = {
        .handle = block == NULL ? NULL : (PNDIS_OFFLOAD_HANDLE)block->NdisOffloadHandle, .thing = block, .type = code};

    call_begins(adapter->ndis, adapter, im_on(adapter), &now, 335);
}

void check_im_generic_event_done(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    struct check *check;
    struct check_im *im = enter(adapter->ndis, &check);
    struct im_call *call, above;

    if (im == NULL) {
        return;
    }
    if (im_on(adapter) != NULL && pop(check, adapter, &above) && above.consumed_bytes != answer_in(block)) {
        say(check, adapter, block, 335, "the answer above was %u, and is another below", above.consumed_bytes);
    }
    if (im_below_of(adapter) != NULL && (call = call_of(im, adapter->driver)) != NULL) {
        call->consumed_bytes = answer_in(block);
    }
}
