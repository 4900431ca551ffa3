/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs that are cut by their limit: what has been owed for longer than the deadline is named, and nothing else is
 * (CH-044, CH-081, CH-093, CH-103, CH-111, CH-157, CH-182, CH-240). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_data_world.h"

/* A block that refers to the connection, with room for its cached or delegated state. */
static struct {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    union {
        TCP_OFFLOAD_STATE_CACHED cached;
        TCP_OFFLOAD_STATE_DELEGATED delegated;
    } state;
} reference;

static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST refer(struct world *world, UCHAR type, UCHAR revision, size_t length)
{
    memset(&reference, 0, sizeof reference);
    reference.block.Header = (NDIS_OBJECT_HEADER){type, revision, sizeof reference.block};
    reference.block.OffloadHandle = world_handle(world);
    reference.state.cached.Header.Length = (USHORT)length;
    return &reference.block;
}

static NDIS_HANDLE binding(struct world *world)
{
    return world->fakes.protocol.bindings[0].handle;
}

static void initiate(struct world *world)
{
    NdisInitiateOffload(binding(world), &world->n.Block);
}

static void update(struct world *world)
{
    NdisUpdateOffload(binding(world), refer(world, TcpOffloadCachedState, 1, sizeof reference.state.cached));
}

static void invalidate(struct world *world)
{
    (void)refer(world, TcpOffloadState, 2, 0);
    NdisInvalidateOffload(binding(world), &reference.block);
}

static void query(struct world *world)
{
    NdisQueryOffloadState(binding(world), refer(world, TcpOffloadDelegatedState, 2, sizeof reference.state.delegated));
}

static void send_acknowledged(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 300, 0, 0);

    (void)world_send(world, 300);
    world_leaves(world, &frame);
    world_comes(world, 0, 300, 0);
}

static void send_that_waits_for_the_peer(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 300, 0, 0);

    (void)world_send(world, 300);
    world_leaves(world, &frame);
    world_comes(world, 0, 299, 0);
}

static void receive_acknowledged(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 20, 0); /* past 2^32 */

    (void)world_post(world, 20, 0);
    world_comes(world, 20, 0, 0);
    world_leaves(world, &frame);
}

static void receive_that_waits_for_data(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 20, 0);

    world_comes(world, 20, 0, 0);
    world_fill(world, world_post(world, 20, 0), SUCCESS, 20);
    world_leaves(world, &frame);
    (void)world_post(world, 20, 0);
}

static void forward(struct world *world)
{
    world_comes(world, 0, 0, 0); /* frames are shown */
    (void)NdisOffloadTcpForward(world_handle(world), world_segment(world));
}

static void traffic_goes_on(struct world *world)
{
    send_acknowledged(world);
    world->fakes.now_ps += 20 * FLUE_PS_PER_S;
    world_comes(world, 1, 300, 0);
}

static const struct {
    const char *name;
    void (*act)(struct world *world);
    unsigned rule; /* 0: nothing is owed */
    bool fresh;    /* before the initiate */
} debts[] = {
    {"initiate", initiate, 44, true},
    {"terminate", world_terminate, 111, false},
    {"update", update, 81, false},
    {"invalidate", invalidate, 103, false},
    {"query", query, 93, false},
    {"send_acknowledged", send_acknowledged, 157, false},
    {"send_that_waits_for_the_peer", send_that_waits_for_the_peer, 0, false},
    {"receive_acknowledged", receive_acknowledged, 182, false},
    {"receive_that_waits_for_data", receive_that_waits_for_data, 0, false},
    {"forward", forward, 240, false},
};

static void begin(struct world *world, bool fresh)
{
    if (fresh) {
        world_lay_out(world, NULL);
    } else {
        world_begin(world, NULL);
    }
}

static void what_is_owed_for_too_long_is_named(void **state)
{
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof debts / sizeof debts[0]; i++) {
        print_message("%s\n", debts[i].name);
        begin(&world, debts[i].fresh);
        world.fakes.now_ps += FLUE_PS_PER_S;
        debts[i].act(&world);
        world.fakes.now_ps += 9 * FLUE_PS_PER_S;
        flue_ndis_check_cut(world.fakes.ndis);
        assert_int_equal(world.count, 0);
        world.fakes.now_ps += 2 * FLUE_PS_PER_S;
        flue_ndis_check_cut(world.fakes.ndis);
        assert_int_equal(world.count, debts[i].rule == 0 ? 0 : 1);
        if (debts[i].rule != 0) {
            assert_int_equal(world.found[0], debts[i].rule);
            assert_int_equal(world.party, FLUE_PARTY_TARGET);
        }
        world_end(&world);
    }
}

/* The oldest comes first; what a connection owes whose traffic goes on is not due. */
static void the_oldest_is_named_first(void **state)
{
    struct world world;

    (void)state;
    world_begin(&world, NULL);
    update(&world);
    world.fakes.now_ps += FLUE_PS_PER_S;
    send_acknowledged(&world);
    world.fakes.now_ps += 11 * FLUE_PS_PER_S;
    flue_ndis_check_cut(world.fakes.ndis);
    assert_int_equal(world.count, 2);
    assert_int_equal(world.found[0], 81);
    assert_int_equal(world.found[1], 157);
    world_end(&world);
    world_begin(&world, NULL);
    traffic_goes_on(&world);
    flue_ndis_check_cut(world.fakes.ndis);
    assert_int_equal(world.count, 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_owed_for_too_long_is_named),
        cmocka_unit_test(the_oldest_is_named_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
