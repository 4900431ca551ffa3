/* SPDX-License-Identifier: GPL-2.0-only */
/* A scripted host and a scripted target each break one rule of trees and initiate at a time; the checker must name that
 * rule and that party first, and nothing that does not follow from it.  The rules: check_violators.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_world.h"

/* ---- The host: trees ---- */

static struct space *lone_neighbor(struct world *world)
{
    return new_block(world, NEIGHBOR);
}

/* By the target, unless the dispatcher does not even lend it. */
static void refused(struct world *world, struct space *root)
{
    world->tree = NULL;
    ask(world, INITIATE, root);
    if (world->tree == NULL) {
        return;
    }
    world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, INITIATE);
}

static void type_unknown(struct world *world)
{
    struct space *block = lone_neighbor(world);

    block->block.Header.Type = TcpOffloadResourceState;
    refused(world, block);
}

static void size_wrong(struct world *world)
{
    struct space *block = lone_neighbor(world);

    block->block.Header.Size = 8;
    ask(world, INITIATE, block);
    answer(world);
}

static void revision_wrong(struct world *world)
{
    struct space *block = lone_neighbor(world);

    block->block.Header.Revision = 2;
    refused(world, block);
}

static void refuse_last(struct world *world, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST refused)
{
    fill(world);
    *refused->MiniportOffloadContext = NULL;
    refused->Status = NDIS_STATUS_FAILURE;
}

static void layers_joined(struct world *world)
{
    struct space *neighbor = lone_neighbor(world);

    chain(neighbor, new_block(world, PATH));
    ask(world, INITIATE, neighbor); /* is not lent */
}

static void layer_skipped(struct world *world)
{
    struct space *neighbor = lone_neighbor(world);

    hang(neighbor, new_block(world, CONN));
    ask(world, INITIATE, neighbor); /* is not lent */
}

static void parent_missing(struct world *world)
{
    struct space *path = new_block(world, PATH);

    refused(world, path);
}

static void tree_too_deep(struct world *world)
{
    struct space *conn, *root = whole_tree(world, 0, &conn);

    hang(conn, new_block(world, NEIGHBOR_2));
    ask(world, INITIATE, root);
}

static void connection_with_dependents(struct world *world)
{
    struct space *path = placeholder(world, Ip4OffloadState), *conn = new_block(world, CONN);

    hang(conn, placeholder(world, TcpOffloadState));
    hang(path, conn);
    ask(world, INITIATE, path);
    refuse_last(world, lowest(world, 1));
    complete(world, INITIATE);
}

static void cycle(struct world *world)
{
    struct space *a = new_block(world, NEIGHBOR), *b = new_block(world, NEIGHBOR_2);

    a->block.NextBlock = &b->block;
    b->block.NextBlock = &a->block;
    ask(world, INITIATE, a);
}

static void block_twice(struct world *world)
{
    struct space *a = new_block(world, NEIGHBOR), *b = new_block(world, NEIGHBOR_2), *path = new_block(world, PATH);

    a->block.NextBlock = &b->block;
    hang(a, path);
    hang(b, path);
    ask(world, INITIATE, a);
}

static void object_twice(struct world *world)
{
    struct space *a = new_block(world, NEIGHBOR);

    chain(a, new_block(world, NEIGHBOR));
    ask(world, INITIATE, a); /* is not lent */
}

static void linker_alone(struct world *world)
{
    offloaded(world);
    ask(world, INITIATE, ref_block(world, NEIGHBOR, NeighborOffloadState));
    answer(world);
}

static void slot_not_empty(struct world *world)
{
    world->handle[NEIGHBOR].MiniportOffloadContext = world;
    refused(world, lone_neighbor(world));
}

static void state_missing(struct world *world)
{
    refused(world, ref_block(world, NEIGHBOR, NeighborOffloadConstState));
}

static void bad_length(struct world *world, ULONG length)
{
    struct space *block = lone_neighbor(world);

    flue_state_first(&block->block)->Length = length;
    refused(world, block);
}

static void structures_swapped(struct world *world)
{
    bad_length(world, sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED));
}

static void length_wrong(struct world *world)
{
    bad_length(world, 20);
}

static void options_set(struct world *world)
{
    struct space *block = lone_neighbor(world);

    flue_state_first(&block->block)->RecognizedOptions = 1;
    ask(world, INITIATE, block);
    answer(world);
}

static void tree_lent_twice(struct world *world)
{
    struct space *block = lone_neighbor(world);

    ask(world, INITIATE, block);
    ask(world, INITIATE, block);
    answer(world);
}

static void two_buffers_in_list(struct world *world)
{
    struct space *conn, *root = with_chain(world, 2, 0, &conn);
    PNET_BUFFER_LIST first = conn->block.NetBufferListChain;

    first->FirstNetBuffer->Next = first->Next->FirstNetBuffer;
    ask(world, INITIATE, root);
    first->FirstNetBuffer->Next = NULL;
    answer(world);
}

static void port_unknown(struct world *world)
{
    struct space *block = lone_neighbor(world);

    block->block.PortNumber = 3;
    ask(world, INITIATE, block);
    answer(world);
}

static void offloaded_in_syn_sent(struct world *world)
{
    struct space *conn, *root = whole_tree(world, 0, &conn);

    delegated_of(conn)->State = TcpConnectionSynSent;
    ask(world, INITIATE, root);
    answer(world);
}

static void initiated_twice(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    ask(world, INITIATE, lone_neighbor(world)); /* is not lent */
    answer(world);
}

static void terminated_while_initiated(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    (void)terminating(world, NEIGHBOR); /* is not lent */
    answer(world);
}

static void chain_too_short(struct world *world)
{
    struct space *conn;

    ask(world, INITIATE, with_chain(world, 1, 1001, &conn));
    answer(world);
}

static void numbers_out_of_order(struct world *world)
{
    struct space *conn, *root = with_chain(world, 1, 0, &conn);

    delegated_of(conn)->SndNxt -= 1;
    ask(world, INITIATE, root);
    answer(world);
}

static void head_not_in_chain(struct world *world)
{
    struct space *conn, *root = with_chain(world, 2, 0, &conn);

    delegated_of(conn)->SendDataHead = conn->block.NetBufferListChain->Next;
    ask(world, INITIATE, root);
    answer(world);
}

/* ---- The target: trees ---- */

/* The target has changed what it was lent when it completes it. */
static struct space *filled(struct world *world)
{
    struct space *conn;

    ask(world, INITIATE, whole_tree(world, 0, &conn));
    fill(world);
    return conn;
}

static void state_changed_while_lent(struct world *world)
{
    cached_of(filled(world))->TtlOrHopLimit++;
    complete(world, INITIATE);
}

static void size_zeroed(struct world *world)
{
    filled(world)->block.Header.Size = 0;
    complete(world, INITIATE);
}

static void dependents_are_itself(struct world *world)
{
    (void)filled(world);
    world->tree->DependentBlockList = world->tree;
    complete(world, INITIATE);
}

static void next_is_the_root(struct world *world)
{
    (void)filled(world);
    lowest(world, 2)->NextBlock = world->tree;
    complete(world, INITIATE);
}

static void protocol_word_changed(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    world->tree->ProtocolReserved[1] = world;
    answer(world);
}

static void source_handle_changed(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    world->tree->SourceHandle = world->adapter;
    answer(world);
}

static void dispatcher_word_changed(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    world->tree->NdisReserved[0] = world;
    answer(world);
}

static void completed_twice(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    answer(world);
    complete(world, INITIATE);
}

static void other_root_completed(struct world *world)
{
    ask(world, INITIATE, whole_tree(world, 0, NULL));
    fill(world);
    world->tree = lowest(world, 1);
    complete(world, INITIATE);
}

static void status_unwritten(struct world *world)
{
    struct space *block = placeholder(world, NeighborOffloadState);

    chain(block, new_block(world, NEIGHBOR));
    ask(world, INITIATE, block);
    world->tree->NextBlock->Status = NDIS_STATUS_RESOURCES;
    complete(world, INITIATE);
}

static void other_function(struct world *world)
{
    offloaded(world);
    ask(world, QUERY, ref_block(world, CONN, TcpOffloadState));
    fill(world);
    complete(world, UPDATE);
}

static void completed_inside(struct world *world)
{
    world->inside = 1;
    ask(world, INITIATE, lone_neighbor(world));
}

static void status_of_query(struct world *world)
{
    offloaded(world);
    ask(world, QUERY, ref_block(world, CONN, TcpOffloadState));
    fill(world);
    world->tree->Status = NDIS_STATUS_RESOURCES;
    complete(world, QUERY);
}

static void placeholder_failed(struct world *world)
{
    struct space *block = placeholder(world, NeighborOffloadState);

    chain(block, new_block(world, NEIGHBOR));
    ask(world, INITIATE, block);
    fill(world);
    world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, INITIATE);
}

/* ---- The target: initiate ---- */

static void initiate_forgotten(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
}

static void slot_left_empty(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    fill(world);
    *world->tree->MiniportOffloadContext = NULL;
    complete(world, INITIATE);
}

static void slot_value_shared(struct world *world)
{
    ask(world, INITIATE, whole_tree(world, 0, NULL));
    fill(world);
    *lowest(world, 1)->MiniportOffloadContext = *world->tree->MiniportOffloadContext;
    complete(world, INITIATE);
}

static void slot_changed(struct world *world)
{
    offloaded(world);
    world->handle[CONN].MiniportOffloadContext = world;
    ask(world, QUERY, ref_block(world, CONN, TcpOffloadState));
    answer(world);
}

static void slot_written_in_failure(struct world *world)
{
    ask(world, INITIATE, lone_neighbor(world));
    fill(world);
    world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, INITIATE);
}

static void first_status(struct world *world, NDIS_STATUS status)
{
    ask(world, INITIATE, lone_neighbor(world));
    world->tree->Status = status;
    complete(world, INITIATE);
}

static void status_not_of_initiate(struct world *world)
{
    first_status(world, NDIS_STATUS_PAUSED);
}

static void success_with_lost_dependent(struct world *world)
{
    ask(world, INITIATE, whole_tree(world, 1, NULL));
    refuse_last(world, lowest(world, 2)->NextBlock);
    complete(world, INITIATE);
}

static void partial_with_all_dependents(struct world *world)
{
    ask(world, INITIATE, whole_tree(world, 1, NULL));
    fill(world);
    lowest(world, 1)->Status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    complete(world, INITIATE);
}

/* The second connection under linkers of neighbour and path. */
static void ask_linked(struct world *world)
{
    struct space *neighbor, *path;

    ask(world, INITIATE, whole_tree(world, 0, NULL));
    answer(world);
    neighbor = ref_block(world, NEIGHBOR, NeighborOffloadState);
    path = ref_block(world, PATH, Ip4OffloadState);
    hang(neighbor, path);
    hang(path, new_block(world, CONN_2));
    ask(world, INITIATE, neighbor);
    fill(world);
}

static void linker_success(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST conn;

    ask_linked(world);
    conn = lowest(world, 2);
    *conn->MiniportOffloadContext = NULL;
    conn->Status = NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    complete(world, INITIATE);
}

static void went_on_after_root(struct world *world)
{
    struct space *root = new_block(world, NEIGHBOR);

    chain(root, new_block(world, NEIGHBOR_2));
    ask(world, INITIATE, root);
    refuse_last(world, world->tree);
    complete(world, INITIATE);
}

static void taken_below_failure(struct world *world)
{
    struct space *root = placeholder(world, NeighborOffloadState);

    chain(root, whole_tree(world, 0, NULL));
    ask(world, INITIATE, root);
    fill(world);
    for (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = world->tree->NextBlock; block->DependentBlockList != NULL;
         block = block->DependentBlockList) {
        *block->MiniportOffloadContext = NULL;
        block->Status = NDIS_STATUS_FAILURE;
    }
    complete(world, INITIATE);
}

static void hw_address_without_address(struct world *world)
{
    first_status(world, NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES);
}

static void vlan_mismatch_without_vlan(struct world *world)
{
    first_status(world, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH);
}

static void status_of_other_layer(struct world *world)
{
    first_status(world, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
}

static void second_conn_status(struct world *world, NDIS_STATUS status)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST conn;

    ask_linked(world);
    for (unsigned depth = 0; depth < 2; depth++) {
        lowest(world, depth)->Status = NDIS_STATUS_FAILURE;
    }
    conn = lowest(world, 2);
    *conn->MiniportOffloadContext = NULL;
    conn->Status = status;
    complete(world, INITIATE);
}

static void window_refused_then_taken(struct world *world)
{
    second_conn_status(world, NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW);
}

static void rejected_too_early(struct world *world)
{
    second_conn_status(world, NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED);
}

static void mtu_refused_then_taken(struct world *world)
{
    struct space *neighbor;

    offloaded(world);
    for (unsigned object = CONN; object <= CONN_2; object++) {
        (void)terminating(world, object);
        answer(world);
        world->handle[object].MiniportOffloadContext = NULL;
    }
    (void)terminating(world, PATH);
    answer(world);
    world->handle[PATH].MiniportOffloadContext = NULL;
    neighbor = ref_block(world, NEIGHBOR, NeighborOffloadState);
    hang(neighbor, new_block(world, PATH));
    ask(world, INITIATE, neighbor);
    world->tree->Status = NDIS_STATUS_FAILURE;
    lowest(world, 1)->Status = NDIS_STATUS_OFFLOAD_PATH_MTU;
    complete(world, INITIATE);
}

/* The adapter has told a capacity of two. */
static void over_capacity(struct world *world)
{
    struct space *root = whole_tree(world, 1, NULL);

    hang((struct space *)(void *)root->block.DependentBlockList, new_block(world, CONN_3));
    ask(world, INITIATE, root);
    answer(world);
}

static void offered_list_changed(struct world *world)
{
    struct space *conn, *root = with_chain(world, 2, 0, &conn);

    ask(world, INITIATE, root);
    fill(world);
    for (unsigned depth = 0; depth < 3; depth++) {
        *lowest(world, depth)->MiniportOffloadContext = NULL;
        lowest(world, depth)->Status = NDIS_STATUS_FAILURE;
    }
    conn->block.NetBufferListChain->Status = NDIS_STATUS_REQUEST_ABORTED;
    complete(world, INITIATE);
}

/* ---- The test ---- */

static const struct violation violations[] = {
#include "check_violators.def"
};

static void each_violation_is_named(void **state)
{
    (void)state;
    assert_int_equal(world_judge(violations, sizeof violations / sizeof violations[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violation_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
