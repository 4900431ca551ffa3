/* SPDX-License-Identifier: GPL-2.0-only */
/* target/neighbour.c - reachability (behaviour 14, CH-269, CH-270): when the target has not seen forward progress for
 * long, and the host has confirmed nothing either, it asks the host - behind the datagram that it was about to send, in
 * an interrupt.
 *
 * Clocks are ticks modulo 2^32.  NRT, reached_tick, is written for every segment that proves progress: an ACK of data,
 * or new data, whose sender got our ACKs (RFC 4861 7.3.1).  HRT, host_tick, changes when the host answers. */

#include <string.h>

#include "target/target.h"

uint32_t target_tick_at(struct flue_target *target, flue_ps at_ps)
{
    const flue_ps tick_ps = target->params.tcp.tick_ps;
    const flue_ps ticks = at_ps / tick_ps;

    target->tick_from_ps = ticks * tick_ps;
    target->tick_to_ps = target->tick_from_ps + tick_ps;
    target->tick = (uint32_t)ticks;
    return target->tick;
}

void neighbour_test(struct flue_target *target, struct target_neighbour *neighbour)
{
    const uint32_t now = target_tick(target);
    const uint32_t stale = target->params.nce_stale_ticks;

    if (stale == 0 || now - neighbour->reached_tick <= stale || now - neighbour->host_tick <= stale) { /* D-55 */
        neighbour->fresh_to_ps = target->tick_to_ps; /* progress and confirmations only make it fresher until then */
        return;
    }
    if ((neighbour->marks & (OBJECT_ASKING | OBJECT_ASK_DUE | OBJECT_GIVEN_BACK | OBJECT_LEFT)) != 0) {
        return;
    }
    if ((neighbour->marks & OBJECT_LIVE) == 0) {
        neighbour->marks |= OBJECT_ASK_DUE; /* D-15 */
        return;
    }
    if (upwards_reserve(target, TARGET_SPARE_ENTRIES + 1) != FLUE_OK) {
        return; /* the next datagram asks again */
    }
    neighbour->marks |= OBJECT_ASKING;
    upward_push(target, UPWARD_NEIGHBOUR, NULL, target->engine.clock_ps, sizeof(FLUE_NEIGHBOR_BLOCK))->what.neighbour =
        neighbour;
}

void neighbour_live(struct flue_target *target, struct target_neighbour *neighbour)
{
    const bool due = (neighbour->marks & OBJECT_ASK_DUE) != 0;

    neighbour->marks = (uint8_t)((neighbour->marks & ~(unsigned)OBJECT_ASK_DUE) | OBJECT_LIVE);
    if (due) {
        neighbour_test(target, neighbour);
    }
}

/* The whole neighbour state (D-48); the host answers in HostReachabilityDelta before the call returns. */
void neighbour_ask(struct flue_target *target, struct target_neighbour *neighbour)
{
    PVOID slot = slot_of(neighbour, SLOT_NEIGHBOUR);
    const uint32_t now = target_tick(target);
    struct {
        NDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_CONST constant;
        ULONG pad_0;
        NEIGHBOR_OFFLOAD_STATE_CACHED cached;
        ULONG pad_1;
        NEIGHBOR_OFFLOAD_STATE_DELEGATED delegated;
        ULONG pad_2;
    } ask = {
        .block = {.Header = {NeighborOffloadState, FLUE_OFFLOAD_BLOCK_REVISION_1, sizeof ask.block},
                  .Status = NDIS_STATUS_SUCCESS,
                  .MiniportOffloadContext = &slot,
                  .NdisOffloadHandle = neighbour->handle},
        .constant = {.Header.Length = sizeof ask.constant, .VlanId = neighbour->vlan & 0xFFFu},
        .cached = {.Header.Length = sizeof ask.cached, .HostReachabilityDelta = now - neighbour->host_tick},
        .delegated = {.Header.Length = sizeof ask.delegated, .NicReachabilityDelta = now - neighbour->reached_tick},
    };

    neighbour->marks &= (uint8_t) ~(unsigned)OBJECT_ASKING;
    if ((neighbour->marks & (OBJECT_GIVEN_BACK | OBJECT_LEFT)) != 0) {
        return;
    }
    memcpy(ask.constant.DlSourceAddress, neighbour->source, sizeof neighbour->source);
    memcpy(ask.cached.DlDestinationAddress, neighbour->destination, sizeof neighbour->destination);
    target->totals.events++;
    miniport_tell_trace(target, NULL);
    miniport_neighbour(target, &ask.block);
    neighbour->host_tick = now - ask.cached.HostReachabilityDelta;
    neighbour->fresh_to_ps = 0;
}
