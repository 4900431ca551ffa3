/* SPDX-License-Identifier: GPL-2.0-only */
/* Targets that keep for themselves what belongs to the ordinary path, or give up what is theirs: the wire shows that
 * the frame came, and not where it went (CH-112, CH-135, CH-139, CH-282, CH-286). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_data_world.h"

/* ---- Frames ---- */

/* The next bytes of the peer, as the wire brings them. */
static struct flue_frame comes(struct world *world, uint32_t bytes)
{
    const struct flue_frame frame = {
        .src_ip = flue_ip_v4(0x0A010000u),
        .dst_ip = flue_ip_v4(0x0A000001u),
        .src_port = 10000,
        .dst_port = 80,
        .seq = RCV_NXT + world->came,
        .ack = SND_UNA,
        .flags = FLUE_TCP_ACK,
        .ethertype = FLUE_ETHERTYPE_IPV4,
        .payload = {.stream = RECV_ID, .offset_bytes = world->came, .length_bytes = bytes}};

    world->came += bytes;
    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
    return frame;
}

static void goes_up(struct world *world, const struct flue_frame *frame)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(world->fakes.frames);

    *ndis_nbl_frame(nbl) = *frame;
    NdisMIndicateReceiveNetBufferLists(world->fakes.miniport.adapter, nbl, 0, 1, 0);
}

/* Traffic of others, which comes and goes up.  By that the adapter shows which frames it lets in. */
static void others(struct world *world)
{
    const struct flue_frame frame = {.src_ip = flue_ip_v4(0x0A010000u),
                                     .dst_ip = flue_ip_v4(0x0A000001u),
                                     .src_port = 1,
                                     .dst_port = 2,
                                     .ethertype = FLUE_ETHERTYPE_IPV4};

    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
    goes_up(world, &frame);
}

/* Long enough for every interrupt. */
static void time_passes(struct world *world)
{
    others(world);
    world->fakes.now_ps += 2 * FLUE_PS_PER_S;
    others(world);
}

static struct flue_frame asks(struct world *world)
{
    const struct flue_frame frame = {.src_ip = flue_ip_v4(0x0A010000u),
                                     .dst_ip = flue_ip_v4(0x0A000001u),
                                     .kind = FLUE_FRAME_ARP,
                                     .flags = FLUE_NEIGHBOUR_REQUEST,
                                     .ethertype = FLUE_ETHERTYPE_ARP};

    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
    return frame;
}

/* ---- Violators ---- */

static void swallows_arp(struct world *world)
{
    others(world);
    for (int i = 0; i < 3; i++) {
        (void)asks(world);
        time_passes(world);
    }
}

static void swallows_ip_options(struct world *world)
{
    struct flue_frame frame = {.src_ip = flue_ip_v4(0x0A010000u),
                               .dst_ip = flue_ip_v4(0x0A000001u),
                               .src_port = 10000,
                               .dst_port = 80,
                               .seq = RCV_NXT,
                               .ip = FLUE_IP_OPTIONS,
                               .ethertype = FLUE_ETHERTYPE_IPV4};

    others(world);
    for (int i = 0; i < 3; i++) {
        flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
        time_passes(world);
    }
}

static void takes_window(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    world_leaves(world, &frame);
}

static void swallows_during_terminate(struct world *world)
{
    others(world);
    takes_window(world);
    world_terminate(world);
    for (int i = 0; i < 3; i++) {
        world->came = 0; /* the peer repeats it */
        (void)comes(world, 20);
    }
    world_terminated(world); /* with RcvNxt as it was */
    time_passes(world);
}

static void swallows_after_terminate(struct world *world)
{
    others(world);
    world_terminate(world);
    world_terminated(world);
    for (int i = 0; i < 3; i++) {
        (void)comes(world, 20);
        time_passes(world);
    }
}

static void is_reset(struct world *world)
{
    world_comes(world, 0, 0, FLUE_TCP_RST);
    world_event(world, TcpIndicateAbort, 0);
}

static void swallows_when_closed(struct world *world)
{
    others(world);
    is_reset(world);
    for (int i = 0; i < 3; i++) {
        (void)comes(world, 20);
        time_passes(world);
    }
}

static void ends_it_by_itself(struct world *world)
{
    others(world);
    time_passes(world);
    for (int i = 0; i < 3; i++) {
        const struct flue_frame frame = comes(world, 20);

        goes_up(world, &frame);
    }
}

#define T FLUE_PARTY_TARGET

static const struct violator violators[] = {
    VIOLATOR(112, T, ends_it_by_itself, 0),
    VIOLATOR(135, T, swallows_during_terminate, 0),
    VIOLATOR(139, T, swallows_after_terminate, 0),
    VIOLATOR(282, T, swallows_when_closed, 0),
    VIOLATOR(286, T, swallows_arp, 0),
    VIOLATOR(286, T, swallows_ip_options, 0),
};

static void each_violator_is_named(void **state)
{
    (void)state;
    violators_run(violators, sizeof violators / sizeof violators[0]);
}

/* ---- What is as it should be ---- */

static void brings_everything(struct world *world)
{
    struct flue_frame frame;

    others(world);
    takes_window(world);
    frame = asks(world);
    goes_up(world, &frame);
    world_terminate(world);
    frame = comes(world, 20);
    world_terminated(world);
    goes_up(world, &frame);
    frame = comes(world, 20);
    goes_up(world, &frame);
    time_passes(world);
}

/* It came after the call, and was processed before the block was reached: the state tells. */
static void processes_a_last_segment(struct world *world)
{
    others(world);
    takes_window(world);
    world_terminate(world);
    (void)comes(world, 20);
    world->t.Delegated.RcvNxt += 20;
    world->t.Delegated.BufferedData = world_arrived(world, 20);
    world_terminated(world);
    time_passes(world);
}

/* Its window is closed: TCP refuses the segment. */
static void refuses_a_probe(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    others(world);
    frame.window = 0;
    world_leaves(world, &frame);
    world_terminate(world);
    (void)comes(world, 1);
    world_terminated(world);
    time_passes(world);
}

/* More than an adapter holds: it drops some. */
static void is_flooded(struct world *world)
{
    others(world);
    for (int i = 0; i < 33; i++) {
        (void)asks(world);
    }
    for (int i = 0; i < 33; i++) {
        world->fakes.now_ps += 40 * FLUE_PS_PER_MS;
    }
}

/* Frames for another address, and those of a VLAN that it is not in. */
static void lets_some_not_in(struct world *world)
{
    struct flue_frame frame = {.kind = FLUE_FRAME_ICMP, .ethertype = FLUE_ETHERTYPE_IPV4, .vlan = 7};

    others(world);
    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
    frame.vlan = 0;
    frame.dst_mac[5] = 9;
    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
    time_passes(world);
}

/* It is not in a hurry: frames of before the hand-over come up behind it. */
static void has_a_long_queue(struct world *world)
{
    others(world);
    for (int i = 0; i < 9; i++) {
        const struct flue_frame frame = comes(world, 20);

        goes_up(world, &frame);
    }
}

/* Both what it is and whose it is would oblige the adapter to bring it; it brings it once. */
static void brings_ip_options_when_closed(struct world *world)
{
    others(world);
    is_reset(world);
    for (uint32_t i = 0; i < 3; i++) {
        const struct flue_frame frame = {
            .src_ip = flue_ip_v4(0x0A010000u),
            .dst_ip = flue_ip_v4(0x0A000001u),
            .src_port = 10000,
            .dst_port = 80,
            .seq = RCV_NXT + 20 * i,
            .ack = SND_UNA,
            .flags = FLUE_TCP_ACK,
            .ip = FLUE_IP_OPTIONS,
            .ethertype = FLUE_ETHERTYPE_IPV4,
            .payload = {.stream = RECV_ID, .offset_bytes = 20 * (uint64_t)i, .length_bytes = 20}};

        flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
        goes_up(world, &frame);
        time_passes(world);
    }
}

/* A corrupt object is not marked (D-32): what was queued leaves before the events stop the connection. */
static void empties_its_queue_when_corrupt(struct world *world)
{
    static NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    const struct flue_frame frame = world_frame(world, 0, 300, 0, 0);

    (void)world_send(world, 300);
    memset(&block, 0, sizeof block);
    block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof block};
    block.OffloadHandle = &world->tcp.handle;
    NdisInvalidateOffload(world->fakes.protocol.bindings[0].handle, &block);
    world->fakes.miniport.tree->Status = NDIS_STATUS_FAILURE;
    NdisMInvalidateOffloadComplete(world->fakes.miniport.adapter, world->fakes.miniport.tree);
    world_leaves(world, &frame);
    world_event(world, TcpIndicateRetrieve, HardwareFailure);
    world_event(world, TcpIndicateAbort, 0);
}

static void nothing_is_found_without_need(void **state)
{
    static const struct breach good[] = {
        BREACH(brings_everything, 0, T),
        BREACH(processes_a_last_segment, 0, T),
        BREACH(refuses_a_probe, 0, T),
        BREACH(is_flooded, 0, T),
        BREACH(lets_some_not_in, 0, T),
        BREACH(has_a_long_queue, 0, T),
        BREACH(brings_ip_options_when_closed, 0, T),
        BREACH(empties_its_queue_when_corrupt, 0, T),
    };

    (void)state;
    breaches_run(good, sizeof good / sizeof good[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violator_is_named),
        cmocka_unit_test(nothing_is_found_without_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
