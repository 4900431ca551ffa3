/* SPDX-License-Identifier: GPL-2.0-only */
/* target/forward.c - segments that reached the host and are the target's: taken as if they came from the wire, in the
 * order in which they are handed down (CH-239 to CH-246; behaviour 13.4).
 *
 * SUCCESS: processed, duplicates too; UPLOAD_IN_PROGRESS: the host's again, which processes it itself;
 * REQUEST_ABORTED: the connection was reset, the host drops it (D-38). */

#include "target/target.h"

/* One segment; false: it is the host's. */
static bool take(struct flue_target *target, struct target_context *context, const struct flue_frame *frame)
{
    const struct flue_profile *profile = &target->params.profile;
    const uint32_t bytes = frame->payload.length_bytes;

    if (!engine_has_room(target, context, bytes)) {
        target->totals.starved_drops++; /* not acknowledged, so the peer sends it again */
        return true;
    }
    (void)flue_server_begin(&target->engine,
                            flue_pcie_read(&target->pcie, target->engine.clock_ps, bytes + TARGET_COMPLETION_BYTES));
    context_touch(target, context);
    target_engine_charge(target, FLUE_COST_TCPIP, bytes > 0 ? &profile->engine_receive_data : &profile->engine_ack,
                         bytes);
    switch (segment_look(target, context, frame)) {
    case SEGMENT_FOR_TCP:
        flue_tcp_input(target->tcp, context->conn, frame, target->engine.clock_ps, 0);
        engine_follow_up(target, context);
        return true;
    case SEGMENT_DROPPED:
        return true;
    case SEGMENT_FOR_HOST:
    case SEGMENT_HELD:
        break;
    }
    return false;
}

void forward_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first)
{
    struct ndis_chain done = {0};

    while (first != NULL && context_accepts(context)) {
        PNET_BUFFER_LIST next = first->Next;

        if (!take(target, context, ndis_nbl_frame(first))) {
            break;
        }
        first->Status = NDIS_STATUS_SUCCESS;
        ndis_chain_append(&done, first);
        first = next;
    }
    if (target_obeys(target, 120)) {
        upward_chain(target, UPWARD_FORWARDED, context, &done);
    }
    if (first != NULL) {
        send_refuse(target, UPWARD_FORWARDED, context, first, send_refusal(context));
    }
}
