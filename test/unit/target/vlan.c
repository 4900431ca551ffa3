/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and tags of frames, out and in (behaviour 15.1 to 15.3). */
#include "rig.h"

#include <string.h>

static const uint8_t own[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t other[6] = {2, 0, 0, 0, 0, 7};

/* A rig of one connection; ids of the interface, the neighbour's id, the connection's priority. */
struct arrangement {
    uint16_t ids[2];
    uint16_t neighbour;
    uint8_t priority;
    uint16_t tag; /* on what is sent, with 802.1p */
    uint16_t tag_without;
};

static struct rig *offload(const struct arrangement *arranged, uint32_t ieee_8021p)
{
    struct rig *rig = rig_new();

    rig->params.ieee_8021p = ieee_8021p;
    rig->params.vlan_max = 4;
    rig->params.source_mac_max = 1;
    for (uint32_t i = 0; i < 2 && arranged->ids[i] != 0; i++) {
        rig->params.vlan[rig->params.vlan_count++] = arranged->ids[i];
    }
    rig->wire.facts.has_mac = 1;
    memcpy(rig->wire.facts.mac, own, sizeof own);
    rig_build(rig);
    rig_tree(rig, 1);
    rig->neighbour.Const.VlanId = arranged->neighbour & 0xfffu;
    rig->conns[0].block.Cached.UserPriority = arranged->priority & 7u;
    return rig;
}

static void start(struct rig *rig)
{
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
}

/* CH-273, CH-275, CH-276; behaviour 15.2. */
static void tags_what_it_sends(void **state)
{
    static const struct arrangement table[] = {
        {.tag = 0, .tag_without = 0},
        {.priority = 5, .tag = 5 << 13, .tag_without = 0},
        {.neighbour = 9, .tag = 9, .tag_without = 9},
        {.neighbour = 9, .priority = 7, .tag = 7 << 13 | 9, .tag_without = 9},
        {.ids = {9}, .neighbour = 9, .priority = 1, .tag = 1 << 13 | 9, .tag_without = 9},
        {.ids = {9}, .priority = 1, .tag = 1 << 13 | 9, .tag_without = 9}, /* the interface's one id */
        {.ids = {9, 10}, .priority = 1, .tag = 1 << 13, .tag_without = 0},
        {.ids = {9, 10}, .neighbour = 10, .tag = 10, .tag_without = 10},
    };

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof table / sizeof *table; i++) {
        struct rig *rig = offload(&table[i / 2], i % 2);

        start(rig);
        rig_send(rig, 0, 0, 100);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig->out[0].frame.vlan, i % 2 != 0 ? table[i / 2].tag : table[i / 2].tag_without);
        assert_memory_equal(rig->out[0].frame.src_mac, own, sizeof own); /* CH-273 */
        assert_int_equal(rig->out[0].frame.dst_mac[5], 9);
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

/* CH-272: a neighbour's own source address, on what is sent; frames to it are taken. */
static void uses_a_neighbours_source_address(void **state)
{
    static const struct arrangement plain = {.tag = 0};
    struct rig *rig = offload(&plain, 0);
    struct flue_frame frame = rig_segment(0, 0, 0, 10, FLUE_TCP_ACK);

    (void)state;
    memcpy(frame.dst_mac, other, sizeof other);
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 0); /* not ours, yet */
    memcpy(rig->neighbour.Const.DlSourceAddress, other, sizeof other);
    start(rig);
    rig_send(rig, 0, 0, 100);
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
    rig_wait(rig, 20 * RIG_US);
    assert_memory_equal(rig->out[0].frame.src_mac, other, sizeof other);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Behaviour 15.3, CH-274: by tag and address; a group's frames are the host's to sort out. */
static void takes_what_is_for_it(void **state)
{
    static const struct {
        uint16_t ids[2], tag;
        uint8_t first; /* byte of the destination */
        uint8_t last;
        unsigned taken;
    } table[] = {
        {{0, 0}, 0, 2, 1, 1},           {{0, 0}, 9, 2, 1, 1}, {{0, 0}, 5 << 13, 2, 1, 1}, {{9, 0}, 9, 2, 1, 1},
        {{9, 0}, 3 << 13 | 9, 2, 1, 1}, {{9, 0}, 0, 2, 1, 0}, {{9, 0}, 10, 2, 1, 0},      {{9, 10}, 10, 2, 1, 1},
        {{9, 0}, 5 << 13, 2, 1, 0},     {{0, 0}, 0, 2, 3, 0}, {{0, 0}, 0, 1, 3, 1},       {{0, 0}, 0, 0xff, 0xff, 1},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        const struct arrangement arranged = {.ids = {table[i].ids[0], table[i].ids[1]}};
        struct rig *rig = offload(&arranged, 0);
        struct flue_frame frame = rig_segment(0, 0, 0, 10, FLUE_TCP_ACK);
        struct flue_target_totals totals;

        frame.vlan = table[i].tag;
        frame.dst_mac[0] = table[i].first;
        frame.dst_mac[5] = table[i].last;
        flue_target_receive(rig->target, &frame, rig->env.now_ps);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_FRAMES_IN), table[i].taken);
        flue_target_totals(rig->target, &totals);
        assert_int_equal(totals.filtered, 1 - table[i].taken);
        rig_free(rig);
    }
}

/* Behaviour 15.1: without an id of its own an interface has all; otherwise a neighbour may name one of them, or none.
 */
static void admit_by_id(void)
{
    static const struct {
        uint16_t ids[2], neighbour;
        NDIS_STATUS status;
    } table[] = {
        {{0, 0}, 0, NDIS_STATUS_SUCCESS},
        {{0, 0}, 9, NDIS_STATUS_SUCCESS},
        {{9, 0}, 0, NDIS_STATUS_SUCCESS},
        {{9, 0}, 9, NDIS_STATUS_SUCCESS},
        {{9, 10}, 10, NDIS_STATUS_SUCCESS},
        {{9, 10}, 11, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH},
        {{9, 0}, 8, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH},
    };

    for (unsigned i = 0; i < COUNT_OF(table); i++) {
        const struct arrangement arranged = {.ids = {table[i].ids[0], table[i].ids[1]},
                                             .neighbour = table[i].neighbour};
        struct rig *rig = offload(&arranged, 0);
        const bool taken = table[i].status == NDIS_STATUS_SUCCESS;

        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(rig->neighbour.Block.Status, table[i].status);
        assert_int_equal(rig->conns[0].block.Block.Status, taken ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE);
        if (taken) {
            rig_finish(rig, 1);
        }
        rig_free(rig);
    }
}

/* CH-277: tagging, filtering, admission. */
static void follows_the_vlan_tables(void **state)
{
    tags_what_it_sends(state);
    takes_what_is_for_it(state);
    admit_by_id();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_what_it_sends),
        cmocka_unit_test(uses_a_neighbours_source_address),
        cmocka_unit_test(takes_what_is_for_it),
        cmocka_unit_test(follows_the_vlan_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
