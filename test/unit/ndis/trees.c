/* SPDX-License-Identifier: GPL-2.0-only */
/* Walking and converting state trees. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flue/ndischimney.h"

typedef NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block_t;
typedef NDIS_MINIPORT_OFFLOAD_BLOCK_LIST miniport_block_t;

/* The tree of behaviour's example: N1{P1{T1,T2},P2{T3}}, N2{P3{T4,T5}}. */
enum { N1, N2, P1, P2, P3, T1, T2, T3, T4, T5, BLOCKS };

static void build(block_t *b)
{
    memset(b, 0, BLOCKS * sizeof *b);
    b[N1].NextBlock = &b[N2];
    b[N1].DependentBlockList = &b[P1];
    b[N2].DependentBlockList = &b[P3];
    b[P1].NextBlock = &b[P2];
    b[P1].DependentBlockList = &b[T1];
    b[P2].DependentBlockList = &b[T3];
    b[P3].DependentBlockList = &b[T4];
    b[T1].NextBlock = &b[T2];
    b[T4].NextBlock = &b[T5];
    for (unsigned i = 0; i < BLOCKS; i++) {
        b[i].PortNumber = i;
    }
}

struct order {
    unsigned seen[BLOCKS];
    unsigned count;
    unsigned stop_after;
};

static flue_err note_protocol(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct order *order = arg;

    order->seen[order->count++] = block->PortNumber;
    return order->count == order->stop_after ? FLUE_EIO : FLUE_OK;
}

static flue_err note_miniport(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct order *order = arg;

    order->seen[order->count++] = block->PortNumber;
    return FLUE_OK;
}

static flue_err convert_down(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg)
{
    (void)arg;
    return (void *)flue_block_to_miniport(block) == (void *)block ? FLUE_OK : FLUE_EINVAL;
}

static flue_err convert_up(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    (void)arg;
    return (void *)flue_block_to_protocol(block) == (void *)block ? FLUE_OK : FLUE_EINVAL;
}

static const unsigned mandated[BLOCKS] = {N1, P1, T1, T2, P2, T3, N2, P3, T4, T5};

static void walk_visits_in_the_mandated_order(void **state)
{
    block_t b[BLOCKS];
    struct order order = {.count = 0};

    (void)state;
    build(b);
    assert_int_equal(flue_protocol_block_walk(&b[N1], note_protocol, &order), FLUE_OK);
    assert_int_equal(order.count, BLOCKS);
    assert_memory_equal(order.seen, mandated, sizeof mandated);

    /* The same memory in T's view, converted while it is walked. */
    order.count = 0;
    assert_int_equal(flue_protocol_block_walk(&b[N1], convert_down, NULL), FLUE_OK);
    assert_int_equal(flue_block_walk((miniport_block_t *)(void *)&b[N1], note_miniport, &order), FLUE_OK);
    assert_int_equal(order.count, BLOCKS);
    assert_memory_equal(order.seen, mandated, sizeof mandated);
}

static void walk_stops_at_the_first_error(void **state)
{
    block_t b[BLOCKS];
    struct order order = {.stop_after = 3};

    (void)state;
    build(b);
    assert_int_equal(flue_protocol_block_walk(&b[N1], note_protocol, &order), FLUE_EIO);
    assert_int_equal(order.count, 3);
}

static void walk_refuses_a_fourth_layer(void **state)
{
    block_t b[BLOCKS], deeper;
    struct order order = {.count = 0};

    (void)state;
    build(b);
    memset(&deeper, 0, sizeof deeper);
    b[T1].DependentBlockList = &deeper;
    assert_int_equal(flue_protocol_block_walk(&b[N1], note_protocol, &order), FLUE_EINVAL);
    assert_int_equal(order.count, 3); /* N1 P1 T1 */
}

static flue_err count_block(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg)
{
    (void)block;
    ++*(size_t *)arg;
    return FLUE_OK;
}

static void walk_takes_many_siblings_and_none(void **state)
{
    enum { MANY = 200000 };
    block_t *b = calloc(MANY, sizeof *b);
    size_t count = 0;

    (void)state;
    assert_non_null(b);
    for (size_t i = 0; i + 1 < MANY; i++) {
        b[i].NextBlock = &b[i + 1];
    }
    assert_int_equal(flue_protocol_block_walk(b, count_block, &count), FLUE_OK);
    assert_int_equal(count, MANY);
    free(b);

    count = 0;
    assert_int_equal(flue_protocol_block_walk(NULL, count_block, &count), FLUE_OK);
    assert_int_equal(count, 0);
}

/* A tree with a placeholder, a linker and a new block, every other field filled with a pattern. */
static void conversion_round_trip_keeps_every_field(void **state)
{
    NDIS_OFFLOAD_HANDLE path_handle = {.MiniportOffloadContext = &path_handle}; /* offloaded already */
    NDIS_OFFLOAD_HANDLE tcp_handle = {.MiniportOffloadContext = NULL};          /* new */
    block_t before[3], after[3];
    miniport_block_t low[3];

    (void)state;
    memset(before, 0xA5, sizeof before);
    before[0].OffloadHandle = NULL;
    before[1].OffloadHandle = &path_handle;
    before[2].OffloadHandle = &tcp_handle;
    for (unsigned i = 0; i < 3; i++) {
        before[i].NextBlock = NULL;
        before[i].DependentBlockList = i < 2 ? &after[i + 1] : NULL;
        before[i].NdisReserved[2] = NULL;
    }
    memcpy(after, before, sizeof before);
    assert_int_equal(flue_protocol_block_walk(after, convert_down, NULL), FLUE_OK);

    memcpy(low, after, sizeof low);
    assert_null(low[0].MiniportOffloadContext);
    assert_null(low[0].NdisOffloadHandle);
    assert_ptr_equal(low[1].MiniportOffloadContext, &path_handle.MiniportOffloadContext);
    assert_ptr_equal(*low[1].MiniportOffloadContext, &path_handle);
    assert_ptr_equal(low[1].NdisOffloadHandle, &path_handle);
    assert_ptr_equal(low[2].MiniportOffloadContext, &tcp_handle.MiniportOffloadContext);
    assert_null(*low[2].MiniportOffloadContext);
    assert_memory_equal(&low[1].Header, &before[1].Header, sizeof low[1].Header);
    assert_memory_equal(low[1].ProtocolReserved, before[1].ProtocolReserved, sizeof low[1].ProtocolReserved);
    assert_memory_equal(low[1].ImReserved, before[1].ImReserved, sizeof low[1].ImReserved);
    assert_ptr_equal(low[1].SourceHandle, before[1].SourceHandle);

    /* T writes the slot through the block. */
    *low[2].MiniportOffloadContext = &low;
    assert_int_equal(flue_block_walk((miniport_block_t *)(void *)after, convert_up, NULL), FLUE_OK);
    assert_ptr_equal(FLUE_DATA_CTX(&tcp_handle), &low);
    assert_memory_equal(after, before, sizeof before);
}

static void types_know_their_layer_and_class(void **state)
{
    static const struct {
        unsigned type;
        enum flue_layer layer;
        unsigned kind;
    } cases[] = {
        {0, FLUE_LAYER_NONE, 0},
        {NeighborOffloadConstState, FLUE_LAYER_NEIGHBOR, 1},
        {NeighborOffloadState, FLUE_LAYER_NEIGHBOR, 4},
        {Ip4OffloadCachedState, FLUE_LAYER_PATH, 2},
        {Ip4OffloadState, FLUE_LAYER_PATH, 4},
        {Ip6OffloadDelegatedState, FLUE_LAYER_PATH, 3},
        {Ip6OffloadState, FLUE_LAYER_PATH, 4},
        {TcpOffloadConstState, FLUE_LAYER_TCP, 1},
        {TcpOffloadDelegatedState, FLUE_LAYER_TCP, 3},
        {TcpOffloadResourceState, FLUE_LAYER_NONE, 0},
        {TcpOffloadState, FLUE_LAYER_TCP, 4},
        {18, FLUE_LAYER_NONE, 0},
        {FilterReservedOffloadState, FLUE_LAYER_NONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(flue_state_layer(cases[i].type), cases[i].layer);
        assert_int_equal(flue_state_class(cases[i].type), cases[i].kind);
    }
}

/* D-08: the structures behind a block are found by Length alone; revision 1 of the delegated one is shorter. */
static void states_behind_a_block_are_eight_aligned(void **state)
{
    FLUE_NEIGHBOR_BLOCK neighbor = {.Const.Header.Length = sizeof neighbor.Const,
                                    .Cached.Header.Length = sizeof neighbor.Cached,
                                    .Delegated.Header.Length = sizeof neighbor.Delegated};
    FLUE_PATH_BLOCK path = {.Const.Header.Length = sizeof path.Const, .Cached.Header.Length = sizeof path.Cached};
    FLUE_TCP_BLOCK tcp = {.Const.Header.Length = sizeof tcp.Const,
                          .Cached.Header.Length = sizeof tcp.Cached,
                          .Delegated.Header.Length = FLUE_TCP_DELEGATED_LENGTH_1};
    OFFLOAD_STATE_HEADER *at;

    (void)state;
    at = flue_state_first(&neighbor);
    assert_ptr_equal(at, &neighbor.Const);
    at = flue_state_next(at);
    assert_ptr_equal(at, &neighbor.Cached);
    at = flue_state_next(at);
    assert_ptr_equal(at, &neighbor.Delegated);
    assert_ptr_equal(flue_state_next(at), &neighbor + 1);

    at = flue_state_next(flue_state_first(&path));
    assert_ptr_equal(at, &path.Cached);
    assert_ptr_equal(flue_state_next(at), &path.Delegated);

    at = flue_state_next(flue_state_first(&tcp));
    assert_ptr_equal(at, &tcp.Cached);
    at = flue_state_next(at);
    assert_ptr_equal(at, &tcp.Delegated);
    assert_ptr_equal(flue_state_next(at), (uint8_t *)&tcp + 0x158);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_visits_in_the_mandated_order),
        cmocka_unit_test(walk_stops_at_the_first_error),
        cmocka_unit_test(walk_refuses_a_fourth_layer),
        cmocka_unit_test(walk_takes_many_siblings_and_none),
        cmocka_unit_test(conversion_round_trip_keeps_every_field),
        cmocka_unit_test(types_know_their_layer_and_class),
        cmocka_unit_test(states_behind_a_block_are_eight_aligned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
