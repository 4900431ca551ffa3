/* SPDX-License-Identifier: GPL-2.0-only */
/* target/power.c - what concerns all connections at once: capabilities, pause, resume, upload of everything, the port's
 * state, and sleep (CH-306 to CH-312; behaviour 12).
 *
 * A target that wants everything back (flue_target_upload_all()) takes no data from that moment on for the connections
 * that it has then, whatever it says later: sends and a graceful disconnect wait their turn behind what was accepted
 * and come back UPLOAD_IN_PROGRESS (D-29, CH-170). What waits for the end of a pause is refused where an object that it
 * names has gone. */

#include "target/target.h"

/* ---- Capabilities ---- */

NDIS_TCP_CONNECTION_OFFLOAD power_capability(const struct flue_target *target, bool hardware)
{
    const struct flue_target_params *params = &target->params;
    const bool any = params->neighbour_max > 0 && params->path_max > 0 && params->tcp_max > 0;

    return (NDIS_TCP_CONNECTION_OFFLOAD){
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NDIS_OBJECT_TCP_OFFLOAD_REVISION_1, sizeof(NDIS_TCP_CONNECTION_OFFLOAD)},
        .Encapsulation = 0x2, /* IEEE 802.3 */
        .SupportIPv4 = any && (hardware || !target->disabled[0]),
        .SupportIPv6 = any && params->ipv6 != 0 && (hardware || !target->disabled[1]),
        .SupportSack = params->tcp.sack != 0,
        .TcpConnectionOffloadCapacity = any ? params->tcp_max : 0,
    };
}

/* ---- Status indications ---- */

static void tell(struct flue_target *target, NDIS_STATUS code, ULONG information)
{
    struct upward *entry;

    if (upwards_reserve(target, 1) != FLUE_OK) {
        target->untold = target->untold || code != NDIS_STATUS_LINK_STATE;
        target->link_untold = target->link_untold || code == NDIS_STATUS_LINK_STATE;
        return;
    }
    (void)flue_server_begin(&target->engine, target_now(target));
    entry = upward_push(target, UPWARD_STATUS, NULL, target->engine.clock_ps, TARGET_COMPLETION_BYTES);
    entry->what.event.type = (ULONG)code;
    entry->what.event.information = information;
}

void power_show(struct flue_target *target, const struct upward *entry)
{
    const NDIS_STATUS code = (NDIS_STATUS)entry->what.event.type;
    NDIS_TCP_CONNECTION_OFFLOAD capability = power_capability(target, false);
    ULONG state = entry->what.event.information;

    miniport_tell_trace(target, NULL);
    if (code == NDIS_STATUS_OFFLOAD_RESUME) {
        target->shut[0] = target->disabled[0];
        target->shut[1] = target->disabled[1];
        miniport_status(target, code, &capability, sizeof capability);
    } else if (code == NDIS_STATUS_LINK_STATE) {
        miniport_status(target, code, &state, sizeof state);
    } else {
        miniport_status(target, code, NULL, 0);
    }
}

void flue_target_link(struct flue_target *target, int up)
{
    target->link_up = up != 0;
    tell(target, NDIS_STATUS_LINK_STATE, target->link_up);
}

/* ---- Initiates that wait ---- */

/* What the block names while it waits, to be told from a new object by intake_drain(). */
static flue_err note_linker(target_tree block, void *arg)
{
    (void)arg;
    block->MiniportReserved[1] = block->MiniportOffloadContext == NULL ? NULL : *block->MiniportOffloadContext;
    return FLUE_OK;
}

static bool waits(const struct flue_target *target)
{
    return target->pausing && !target->uploading && target->power == NULL && target_obeys(target, 307);
}

bool power_holds(struct flue_target *target, target_tree tree)
{
    if (!waits(target)) {
        return false;
    }
    (void)flue_block_walk(tree, note_linker, NULL);
    tree->MiniportReserved[0] = NULL;
    if (target->initiates.first == NULL) {
        target->initiates.first = tree;
    } else {
        target->initiates.last->MiniportReserved[0] = tree;
    }
    target->initiates.last = tree;
    return true;
}

/* They go on, to be taken, or, when everything is to be given back, to be refused; as far as there is room to tell of
 * them. */
static void let_go(struct flue_target *target)
{
    while (target->initiates.first != NULL && upwards_reserve(target, TARGET_STEP_ENTRIES) == FLUE_OK) {
        target_tree tree = target->initiates.first;

        target->initiates.first = (target_tree)tree->MiniportReserved[0];
        tree->MiniportReserved[0] = NULL;
        intake_drain(target, tree, target_now(target), true);
    }
}

void flue_target_pause(struct flue_target *target)
{
    target->pausing = true;
    tell(target, NDIS_STATUS_OFFLOAD_PAUSE, 0);
}

/* From this moment, whatever is told later: what the host has been refused must not be overtaken (D-29). */
static void recall(struct flue_target *target, struct target_context *context)
{
    (void)target;
    context->flags |= CONTEXT_RECALLED;
}

void flue_target_upload_all(struct flue_target *target)
{
    target->pausing = true;
    target->uploading = true;
    context_each(target, recall);
    let_go(target);
    tell(target, NDIS_STATUS_UPLOAD_ALL, 0);
}

void flue_target_resume(struct flue_target *target)
{
    target->pausing = false;
    target->uploading = false;
    let_go(target); /* first, so that no initiate is out when the status is told (CH-058) */
    tell(target, NDIS_STATUS_OFFLOAD_RESUME, 0);
}

/* By another resume (behaviour 4.6), if none will come anyway. */
void power_changed(struct flue_target *target)
{
    if (!target->pausing && !target->uploading && target->power == NULL) {
        tell(target, NDIS_STATUS_OFFLOAD_RESUME, 0);
    }
}

/* ---- Sleep ---- */

static bool empty(const struct flue_target *target)
{
    return target->totals.neighbours == 0 && target->totals.paths == 0 && target->totals.connections == 0;
}

NDIS_STATUS power_set(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    const ULONG state = *(const ULONG *)request->InformationBuffer;

    if (state <= NetDeviceStateD0 || empty(target) || !target_obeys(target, 311)) {
        return NDIS_STATUS_SUCCESS;
    }
    if (target->power != NULL) {
        return NDIS_STATUS_INVALID_STATE;
    }
    target->power = request;
    let_go(target); /* an adapter that goes to sleep takes nothing more */
    return NDIS_STATUS_PENDING;
}

void power_look(struct flue_target *target)
{
    PNDIS_OID_REQUEST request = target->power;

    if (target->initiates.first != NULL && !waits(target)) {
        let_go(target);
    }
    if (target->untold) {
        target->untold = false; /* of all that was to be told the last counts */
        tell(target,
             target->uploading ? NDIS_STATUS_UPLOAD_ALL
             : target->pausing ? NDIS_STATUS_OFFLOAD_PAUSE
                               : NDIS_STATUS_OFFLOAD_RESUME,
             0);
    }
    if (target->link_untold) {
        target->link_untold = false;
        tell(target, NDIS_STATUS_LINK_STATE, target->link_up);
    }
    if (request != NULL && empty(target)) {
        target->power = NULL;
        miniport_request_done(target, request, NDIS_STATUS_SUCCESS);
    }
}
