/* SPDX-License-Identifier: GPL-2.0-only */
/* The battery for a target that takes nothing: refusals by the book, and ordinary frames. */
#include "battery.h"

/* Neighbour, path and three connections are offered; each has its status when they come back, and no slot is set. */
static void refused_whole(struct rig *rig)
{
    const unsigned before = rig_count(rig, RIG_INITIATED);

    battery_tree(rig, 3);
    rig_initiate(rig, &rig->neighbour.Block);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_INITIATED), before + 1);
    assert_int_not_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_not_equal(rig->path.Block.Status, NDIS_STATUS_SUCCESS);
    assert_null(rig->neighbour_handle.MiniportOffloadContext);
    assert_null(rig->path_handle.MiniportOffloadContext);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_not_equal(rig->conns[i].block.Block.Status, NDIS_STATUS_SUCCESS);
        assert_int_not_equal(rig->conns[i].block.Block.Status, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
        assert_null(rig->conns[i].handle.MiniportOffloadContext);
    }
}

static void refused_again(struct rig *rig)
{
    refused_whole(rig);
    refused_whole(rig);
}

static void send_frames(struct rig *rig, unsigned count)
{
    struct ndis_chain chain = {0};

    for (unsigned i = 0; i < count; i++) {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->frames);

        assert_non_null(nbl);
        *ndis_nbl_frame(nbl) = rig_segment(0, i, 0, 1000, FLUE_TCP_ACK);
        ndis_chain_append(&chain, nbl);
    }
    NdisSendNetBufferLists(rig->binding, chain.first, 0, 0);
}

static void frames_pass(struct rig *rig)
{
    send_frames(rig, 3);
    assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 0); /* never inside the call */
    rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK);
    battery_rest(rig);
    assert_int_equal(rig->sent, 3);
    assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 3);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
}

static void frames_pass_during_a_refusal(struct rig *rig)
{
    battery_tree(rig, 1);
    rig_initiate(rig, &rig->neighbour.Block);
    frames_pass(rig);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 1);
    refused_whole(rig);
}

const struct battery_case battery_refusals[] = {
    {"a tree is refused whole", refused_whole, "CH-036 CH-046", NULL, NEEDS, 0},
    {"and again", refused_again, "CH-036", NULL, NEEDS, 0},
    {"frames pass both ways", frames_pass, "CH-121", NULL, NEEDS, 0},
    {"frames pass during a refusal", frames_pass_during_a_refusal, "CH-036", NULL, NEEDS, 0},
    {NULL, NULL, NULL, NULL, NEEDS, 0},
};
