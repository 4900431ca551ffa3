/* SPDX-License-Identifier: GPL-2.0-only */
/* A scripted host and a scripted target each break one rule of update, query, invalidate and
 * terminate at a time; the checker must name that rule and that party
 * first, and nothing that does not follow from it.  The rules: check_violators_state.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_world.h"

/* ---- Update, query, invalidate ---- */

static void asked_of_conn(struct world *world, enum operation operation, unsigned type)
{
    offloaded(world);
    ask(world, operation, ref_block(world, CONN, type));
}

static void update_forgotten(struct world *world)
{
    asked_of_conn(world, UPDATE, TcpOffloadCachedState);
}

static void update_of_constants(struct world *world)
{
    asked_of_conn(world, UPDATE, TcpOffloadConstState);
    answer(world);
}

static void update_of_delegated(struct world *world)
{
    asked_of_conn(world, UPDATE, TcpOffloadDelegatedState);
    answer(world);
}

static void connection_relinked(struct world *world)
{
    struct space *path, *under;

    offloaded(world);
    /* Another path, which uses the handle of a connection that is not there. */
    under = ref_block(world, NEIGHBOR, NeighborOffloadState);
    path = new_block(world, PATH);
    path->block.OffloadHandle = &world->handle[CONN_3];
    hang(under, path);
    ask(world, INITIATE, under);
    answer(world);
    path = ref_block(world, PATH, Ip4OffloadCachedState);
    path->block.OffloadHandle = &world->handle[CONN_3];
    hang(path, ref_block(world, CONN, TcpOffloadCachedState));
    ask(world, UPDATE, path);
    answer(world);
}

static void update_of_nothing(struct world *world)
{
    ask(world, UPDATE, ref_block(world, CONN, TcpOffloadCachedState));
    answer(world);
}

static void two_updates(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST first;

    asked_of_conn(world, UPDATE, TcpOffloadCachedState);
    first = world->tree;
    ask(world, UPDATE, ref_block(world, CONN, TcpOffloadCachedState));
    answer(world);
    world->tree = first;
    answer(world);
}

static void forget(struct world *world, unsigned object)
{
    (void)terminating(world, object);
    answer(world);
}

static void update_of_invalid(struct world *world)
{
    asked_of_conn(world, INVALIDATE, TcpOffloadState);
    answer(world);
    ask(world, UPDATE, ref_block(world, CONN, TcpOffloadCachedState));
    answer(world);
    forget(world, CONN);
}

static void answer_failure(struct world *world)
{
    fill(world);
    world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, world->operation);
}

static void failed_update_kept(struct world *world)
{
    asked_of_conn(world, UPDATE, TcpOffloadCachedState);
    answer_failure(world);
}

static void query_forgotten(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
}

static void query_unfilled(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
    world->tree->Status = NDIS_STATUS_SUCCESS;
    complete(world, QUERY);
}

static void failed_query_kept(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
    answer_failure(world);
}

static void keepalive_running(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
    fill(world);
    returned(world)->KeepAlive.TimeoutDelta = 400000; /* longer than the suspicion of behaviour 15.5 lasts */
    complete(world, QUERY);
}

static void constant_changed(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadConstState);
    fill(world);
    ((TCP_OFFLOAD_STATE_CONST *)(void *)flue_state_first(world->tree))->RemoteMss = 1;
    complete(world, QUERY);
}

static void cached_changed(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadCachedState);
    fill(world);
    ((TCP_OFFLOAD_STATE_CACHED *)(void *)flue_state_first(world->tree))->KaProbeCount = 1;
    complete(world, QUERY);
}

static void invalidate_forgotten(struct world *world)
{
    asked_of_conn(world, INVALIDATE, TcpOffloadState);
}

static void invalidate_with_state(struct world *world)
{
    asked_of_conn(world, INVALIDATE, TcpOffloadCachedState);
    answer(world);
    forget(world, CONN);
}

static void invalid_kept(struct world *world)
{
    asked_of_conn(world, INVALIDATE, TcpOffloadState);
    answer(world);
}

/* ---- Terminate ---- */

static void terminate_forgotten(struct world *world)
{
    offloaded(world);
    (void)terminating(world, CONN);
}

static void path_terminated_alone(struct world *world)
{
    offloaded(world);
    forget(world, PATH);
}

/* Of paths and neighbours the host may ask and give back at once. */
static void terminated_before_the_query(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST query;

    ask(world, INITIATE, new_block(world, NEIGHBOR));
    answer(world);
    ask(world, QUERY, ref_block(world, NEIGHBOR, NeighborOffloadState));
    query = world->tree;
    (void)terminating(world, NEIGHBOR);
    answer(world);
    world->tree = query;
    world->operation = QUERY;
    answer(world);
}

static void terminated_during_query(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
    forget(world, CONN);
    world->tree = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)(void *)&world->space[4].block;
    world->operation = QUERY;
    answer(world);
}

static void terminated_twice(struct world *world)
{
    offloaded(world);
    (void)terminating(world, CONN);
    (void)terminating(world, CONN); /* is not lent */
    answer(world);
}

/* A connection with a chain of lists, offloaded and then terminated; the tree is filled but for the chain. */
static PNET_BUFFER_LIST take_back(struct world *world, unsigned lists)
{
    struct space *conn;
    PNET_BUFFER_LIST first;

    ask(world, INITIATE, with_chain(world, lists, 0, &conn));
    first = conn->block.NetBufferListChain;
    answer(world);
    (void)terminating(world, CONN);
    fill(world);
    return first;
}

static void hand_back(struct world *world, PNET_BUFFER_LIST first, PNET_BUFFER_LIST last)
{
    world->tree->NetBufferListChain = first;
    returned(world)->SendDataHead = first;
    returned(world)->SendDataTail = last;
    complete(world, TERMINATE);
}

static void inherited_send_lost(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 2);

    first->Next = NULL;
    hand_back(world, first, first);
}

static void foreign_list_in_chain(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 1);

    first->Next = data_list(world, 10);
    hand_back(world, first, first->Next);
}

/* Behind the one that was sent stands what is no list at all: it must not be read, and the host gets the one. */
static void nothing_in_chain(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 1), nowhere = (PNET_BUFFER_LIST)(uintptr_t)16;

    first->Next = nowhere;
    hand_back(world, first, nowhere);
    assert_null(first->Next);
}

static void nothing_but_nothing(struct world *world)
{
    PNET_BUFFER_LIST nowhere = (PNET_BUFFER_LIST)(uintptr_t)16;

    (void)take_back(world, 1);
    hand_back(world, nowhere, nowhere);
}

static void delegated_unfilled(struct world *world)
{
    offloaded(world);
    (void)terminating(world, CONN);
    world->tree->Status = NDIS_STATUS_SUCCESS;
    complete(world, TERMINATE);
}

static void sent_bytes_missing(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 1);

    returned(world)->SndNxt = returned(world)->SndMax = returned(world)->SndUna + 1001;
    hand_back(world, first, first);
}

static void empty_chain(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 1);

    NdisAdvanceNetBufferDataStart(first->FirstNetBuffer, 1000, 0, NULL);
    hand_back(world, first, first);
}

static void chain_reordered(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 2), second = first->Next;

    second->Next = first;
    first->Next = NULL;
    hand_back(world, second, first);
}

static void tail_wrong(struct world *world)
{
    PNET_BUFFER_LIST first = take_back(world, 2);

    hand_back(world, first, first);
}

static void buffered_twice(struct world *world)
{
    PNET_BUFFER_LIST list = data_list(world, 10);

    offloaded(world);
    (void)terminating(world, CONN);
    fill(world);
    returned(world)->BufferedData = list;
    returned(world)->RcvNxt += 10;
    complete(world, TERMINATE);
    (void)terminating(world, CONN_2);
    fill(world);
    returned(world)->BufferedData = list;
    returned(world)->RcvNxt += 10;
    complete(world, TERMINATE);
}

/* A query fails while broken state is not reported. */
static void failure_without_events(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
    answer_failure(world);
    world->now_ps += FLUE_PS_PER_S;
    forget(world, CONN);
}

static void invalid_and_silent(struct world *world)
{
    PNET_BUFFER_LIST list = data_list(world, 100);

    asked_of_conn(world, INVALIDATE, TcpOffloadState);
    answer(world);
    (void)NdisOffloadTcpSend(&world->handle[CONN], list);
    world->now_ps += 100 * FLUE_PS_PER_S;
    (void)terminating(world, CONN);
    fill(world);
    hand_back(world, list, list);
}

static void ignored_for_too_long(struct world *world)
{
    offloaded(world);
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateRetrieve, UploadRequested);
    world->now_ps += 11 * FLUE_PS_PER_S;
    forget(world, CONN);
}

static void retransmit_running(struct world *world)
{
    asked_of_conn(world, QUERY, TcpOffloadDelegatedState);
    fill(world);
    returned(world)->Retransmit.TimeoutDelta = 3;
    complete(world, QUERY);
}

static void terminate_here(struct world *world)
{
    (void)terminating(world, CONN);
}

static void terminated_inside_receive(struct world *world)
{
    PNET_BUFFER_LIST list = room_list(world, 100);

    offloaded(world);
    world->on_receive = terminate_here;
    (void)NdisOffloadTcpReceive(&world->handle[CONN], list);
    list->Status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
    world->up.NdisTcpOffloadReceiveComplete(world->adapter, list);
    answer(world);
}

static void receive_kept(struct world *world)
{
    offloaded(world);
    (void)NdisOffloadTcpReceive(&world->handle[CONN], room_list(world, 100));
    forget(world, CONN);
}

static void disconnect_kept(struct world *world)
{
    offloaded(world);
    (void)NdisOffloadTcpDisconnect(&world->handle[CONN], data_list(world, 0), TCP_DISCONNECT_GRACEFUL_CLOSE);
    forget(world, CONN);
}

static void forward_kept(struct world *world)
{
    offloaded(world);
    (void)NdisOffloadTcpForward(&world->handle[CONN], segment_list(world, CONN));
    forget(world, CONN);
}

static void terminate_and_answer(struct world *world)
{
    forget(world, CONN);
}

/* The host terminates inside an event, which it may; the target completes before its own call has returned. */
static void completed_inside_event(struct world *world)
{
    offloaded(world);
    world->on_event = terminate_and_answer;
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateRetrieve, UploadRequested);
}

/* ---- The test ---- */

static const struct violation violations[] = {
#include "check_violators_state.def"
};

static void each_violation_is_named(void **state)
{
    (void)state;
    assert_int_equal(world_judge(violations, sizeof violations / sizeof violations[0]), 0);
}

/* Everything both sides may do, in one life; nothing is found. */
static void a_good_life_is_clean(void **state)
{
    struct world *world = test_malloc(sizeof *world);
    struct space *conn, *root, *path;
    PNET_BUFFER_LIST first;

    (void)state;
    world_begin(world, FLUE_NDIS_6_20);
    root = with_chain(world, 3, 2500, &conn);
    first = conn->block.NetBufferListChain;
    ask(world, INITIATE, root);
    answer(world);
    ask(world, UPDATE, ref_block(world, CONN, TcpOffloadCachedState));
    answer(world);
    ask(world, QUERY, ref_block(world, NEIGHBOR, NeighborOffloadState));
    answer(world);
    ask(world, QUERY, ref_block(world, PATH, Ip4OffloadState));
    answer(world);
    /* The path moves to the other neighbour. */
    ask(world, INITIATE, new_block(world, NEIGHBOR_2));
    answer(world);
    path = ref_block(world, NEIGHBOR_2, NeighborOffloadCachedState);
    hang(path, ref_block(world, PATH, Ip4OffloadCachedState));
    ask(world, UPDATE, path);
    answer(world);
    ask(world, INVALIDATE, ref_block(world, NEIGHBOR, NeighborOffloadState));
    answer(world);
    (void)terminating(world, NEIGHBOR);
    answer(world);
    (void)terminating(world, CONN);
    fill(world);
    returned(world)->SndNxt = returned(world)->SndMax = returned(world)->SndUna + 2500;
    hand_back(world, first, first->Next->Next);
    (void)terminating(world, PATH);
    answer(world);
    (void)terminating(world, NEIGHBOR_2);
    answer(world);
    world_end(world);
    for (unsigned i = 0; i < world->findings; i++) {
        print_error("CH-%03u %s: %s\n", world->finding[i].rule, flue_party_name(world->finding[i].party),
                    world->seen[i]);
    }
    assert_int_equal(world->findings, 0);
    test_free(world);
}

/* CH-031, CH-032: what a party leaves in Scratch is gone when the block has changed hands, and the dispatcher writes
 * SourceHandle on every way down, whatever stood there. */
static void words_are_kept_for_one_owner_only(void **state)
{
    struct world *world = test_malloc(sizeof *world);
    struct space *block;

    (void)state;
    world_begin(world, FLUE_NDIS_6_20);
    block = new_block(world, NEIGHBOR);
    block->block.Scratch[0] = block->block.Scratch[1] = world;
    block->block.SourceHandle = world;
    ask(world, INITIATE, block);
    assert_ptr_not_equal(world->tree->Scratch[0], world);
    assert_ptr_not_equal(world->tree->Scratch[1], world);
    assert_ptr_equal(world->tree->SourceHandle, world->binding);
    world->tree->Scratch[0] = world->tree->Scratch[1] = world;
    answer(world);
    assert_ptr_not_equal(world->done->Scratch[0], world);
    assert_ptr_not_equal(world->done->Scratch[1], world);
    (void)terminating(world, NEIGHBOR);
    answer(world);
    world_end(world);
    assert_int_equal(world->findings, 0);
    test_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_life_is_clean),
        cmocka_unit_test(each_violation_is_named),
        cmocka_unit_test(words_are_kept_for_one_owner_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
