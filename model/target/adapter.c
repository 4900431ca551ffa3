/* SPDX-License-Identifier: GPL-2.0-only */
/* target/adapter.c - the ordinary network adapter: frames of the host's software path, and what comes from the wire and
 * belongs to no offloaded connection. */

#include "frame/frame.h"
#include "target/target.h"

void adapter_send(struct flue_target *target, PNET_BUFFER_LIST first, flue_ps at_ps)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        const struct flue_frame *frame = ndis_nbl_frame(first);
        flue_ps ready_ps;

        (void)flue_server_begin(&target->engine, at_ps);
        target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_pass, 0);
        ready_ps = flue_pcie_read(&target->pcie, target->engine.clock_ps, frame_ip_bytes(frame));
        target->totals.ordinary_out++;
        port_push(target, PORT_ORDINARY, frame, first, ready_ps);
        first = next;
    }
}

/* The frame is copied to host memory; the ring entry that tells of it lies behind it on the bus. */
void adapter_receive(struct flue_target *target, const struct flue_frame *frame, flue_ps at_ps)
{
    PNET_BUFFER_LIST nbl;
    struct upward *entry;

    target->totals.ordinary_in++;
    if (target->frames_waiting >= target->params.ring_frames) {
        target->totals.ring_drops++;
        return;
    }
    if (upwards_reserve(target, TARGET_SPARE_ENTRIES + 1) != FLUE_OK || (nbl = ndis_nbl_get(target->frames)) == NULL) {
        target->totals.starved_drops++;
        return;
    }
    (void)flue_server_begin(&target->engine, at_ps);
    target_engine_charge(target, FLUE_COST_DRIVER, &target->params.profile.engine_pass, 0);
    *ndis_nbl_frame(nbl) = *frame;
    entry = upward_push_frame(target, frame, target->engine.clock_ps, frame_ip_bytes(frame) + TARGET_COMPLETION_BYTES);
    entry->what.chain.first = nbl;
    target->frames_waiting++;
}

void adapter_return(struct flue_target *target, PNET_BUFFER_LIST first)
{
    (void)target;
    ndis_chain_put(first);
}

/* A segment of an offloaded connection in a datagram of its own, and without IP options; all else (fragments, ARP,
 * neighbour discovery, ICMP) is never the target's (CH-286). */
static bool take(struct flue_target *target, const struct flue_frame *frame, flue_ps now_ps)
{
    const bool plain = (frame->kind | frame->ip) == 0;
    struct flue_tcp_conn *conn;

    if (target->totals.connections == 0 || (!plain && frame->kind != FLUE_FRAME_FRAGMENT)) {
        return false;
    }
    conn = flue_tcp_find(target->tcp, frame);
    if (conn != NULL && !plain) {
        watch_fragment((struct target_context *)flue_tcp_user(conn));
    }
    return conn != NULL && plain && engine_receive(target, (struct target_context *)flue_tcp_user(conn), frame, now_ps);
}
_Static_assert(FLUE_FRAME_TCP == 0, "the one kind that take() looks for");

void flue_target_receive(struct flue_target *target, const struct flue_frame *frame, flue_ps now_ps)
{
    target->totals.frames_in++;
    if (target->filters && !vlan_takes(target, frame)) {
        target->totals.filtered++;
        return;
    }
    if (!take(target, frame, now_ps)) {
        adapter_receive(target, frame, now_ps);
    }
    engine_pump(target, now_ps);
}
