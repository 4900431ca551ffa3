/* SPDX-License-Identifier: GPL-2.0-only */
/* Targets that lose what they have to keep, keep what they have to free, or tell sizes where pointers belong: the
 * checker must name the rule first (CH-031, CH-099, CH-100, CH-102, CH-105, CH-124, CH-128, CH-129, CH-238, CH-251). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_world.h"

/* ---- Connections that are not there any more ---- */

/* It knows nothing of a connection that it has not given back. */
static void has_lost_it(struct world *world)
{
    (void)terminating(world, CONN);
    fill(world);
    world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, TERMINATE);
}

static void loses_it(struct world *world)
{
    offloaded(world);
    has_lost_it(world);
}

static void loses_it_when_invalid(struct world *world)
{
    offloaded(world);
    ask(world, INVALIDATE, ref_block(world, CONN, TcpOffloadState));
    answer(world);
    has_lost_it(world);
}

static void loses_it_after_a_disconnect(struct world *world)
{
    PNET_BUFFER_LIST list = data_list(world, 0);

    offloaded(world);
    (void)NdisOffloadTcpDisconnect(&world->handle[CONN], list, TCP_DISCONNECT_GRACEFUL_CLOSE);
    list->Status = NDIS_STATUS_SUCCESS;
    world->up.NdisTcpOffloadDisconnectComplete(world->adapter, list);
    has_lost_it(world);
}

static void loses_it_after_a_fin(struct world *world)
{
    offloaded(world);
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateDisconnect, 0);
    has_lost_it(world);
}

/* The query is the first to name it; nothing is told of broken hardware. */
static void query_finds_nothing(struct world *world)
{
    offloaded(world);
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateDisconnect, 0);
    ask(world, QUERY, ref_block(world, CONN, TcpOffloadDelegatedState));
    fill(world);
    world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, QUERY);
    world->now_ps += FLUE_PS_PER_S;
    (void)terminating(world, CONN);
    answer(world);
}

static void frees_too_early(struct world *world)
{
    offloaded(world);
    (void)terminating(world, CONN);
    fill(world);
    world->handle[CONN].MiniportOffloadContext = NULL;
    complete(world, TERMINATE);
}

/* ---- Connections that are there for ever ---- */

static struct space *another(struct world *world, unsigned object)
{
    struct space *under = ref_block(world, NEIGHBOR, NeighborOffloadState);
    struct space *path = ref_block(world, PATH, Ip4OffloadState);

    hang(under, path);
    hang(path, new_block(world, object));
    return under;
}

static void refuse(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST path, conn;

    fill(world);
    path = world->tree->DependentBlockList;
    conn = path->DependentBlockList;
    *conn->MiniportOffloadContext = NULL;
    conn->Status = NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    path->Status = world->tree->Status = NDIS_STATUS_FAILURE;
    complete(world, INITIATE);
}

static void frees_nothing(struct world *world)
{
    offloaded(world);
    (void)terminating(world, CONN_2);
    answer(world);
    world->handle[CONN_2].MiniportOffloadContext = NULL;
    world->now_ps += FLUE_PS_PER_S;
    ask(world, INITIATE, another(world, CONN_2));
    refuse(world);
}

/* ---- Backlogs ---- */

static void told(struct world *world, ULONG send, ULONG receive)
{
    ask(world, QUERY, ref_block(world, CONN, TcpOffloadDelegatedState));
    fill(world);
    returned(world)->SendDataHead = NULL;
    returned(world)->BufferedData = NULL;
    returned(world)->SendBacklogSize = send;
    returned(world)->ReceiveBacklogSize = receive;
    complete(world, QUERY);
}

static void tells_a_send_backlog_it_has_not(struct world *world)
{
    offloaded(world);
    told(world, FLUE_BACKLOG_NONE, 10);
    told(world, 0, 10);
}

static void changes_a_send_backlog_it_has_not(struct world *world)
{
    offloaded(world);
    told(world, FLUE_BACKLOG_NONE, FLUE_BACKLOG_NONE);
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateSendBacklogChange, 65536);
}

static void tells_a_receive_backlog_it_has_not(struct world *world)
{
    offloaded(world);
    told(world, 1000, FLUE_BACKLOG_NONE);
    told(world, 2000, 0);
}

static void queries_give_lists(struct world *world)
{
    PNET_BUFFER_LIST list = data_list(world, 100);

    offloaded(world);
    (void)NdisOffloadTcpSend(&world->handle[CONN], list);
    ask(world, QUERY, ref_block(world, CONN, TcpOffloadDelegatedState));
    fill(world);
    returned(world)->SendDataHead = list;
    complete(world, QUERY);
    list->Status = NDIS_STATUS_SUCCESS;
    NET_BUFFER_LIST_INFO(list, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)100;
    NdisAdvanceNetBufferDataStart(list->FirstNetBuffer, 100, 0, NULL);
    world->up.NdisTcpOffloadSendComplete(world->adapter, list);
}

/* As a structure of sizes is filled: four bytes of eight. */
static void terminates_with_a_size(struct world *world)
{
    const ULONG size = 100000;

    offloaded(world);
    (void)terminating(world, CONN);
    memset(&returned(world)->BufferedData, 0xC3, sizeof returned(world)->BufferedData);
    fill(world);
    memset(&returned(world)->BufferedData, 0xC3, sizeof returned(world)->BufferedData);
    memcpy(&returned(world)->BufferedData, &size, sizeof size);
    complete(world, TERMINATE);
}

static void terminates_with_a_small_number(struct world *world)
{
    offloaded(world);
    (void)terminating(world, CONN);
    fill(world);
    returned(world)->BufferedData = (PNET_BUFFER_LIST)(uintptr_t)1460;
    complete(world, TERMINATE);
}

/* ---- Scratch ---- */

/* Its context is what it finds in Scratch, where it has left it another time. */
static void finds_its_context_in_scratch(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;

    ask(world, INITIATE, new_block(world, NEIGHBOR));
    block = world->tree;
    fill(world);
    *block->MiniportOffloadContext = block->Scratch[0];
    complete(world, INITIATE);
    (void)terminating(world, NEIGHBOR);
    answer(world);
}

static void completes_what_it_finds_in_scratch(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree;

    ask(world, INITIATE, new_block(world, NEIGHBOR));
    tree = world->tree;
    NdisMInitiateOffloadComplete(world->adapter, tree->Scratch[1]);
    answer(world);
    (void)terminating(world, NEIGHBOR);
    answer(world);
}

/* The host's next tree is where it has put it when it asked for the first. */
static void asks_for_what_it_finds_in_scratch(struct world *world)
{
    struct space *block = new_block(world, NEIGHBOR);

    block->block.Scratch[0] = new_block(world, NEIGHBOR_2);
    ask(world, INITIATE, block);
    answer(world);
    NdisInitiateOffload(world->binding, world->done->Scratch[0]);
    (void)terminating(world, NEIGHBOR);
    answer(world);
}

static void sends_what_it_finds_in_scratch(struct world *world)
{
    struct space *conn, *root = whole_tree(world, 0, &conn);

    conn->block.Scratch[1] = data_list(world, 10);
    ask(world, INITIATE, root);
    answer(world);
    (void)NdisOffloadTcpSend(&world->handle[CONN], conn->block.Scratch[1]);
    (void)terminating(world, CONN);
    answer(world);
}

/* ---- The test ---- */

static const struct violation violations[] = {
    /* clang-format off */
    VIOLATION(31, TARGET, finds_its_context_in_scratch, 0)
    VIOLATION(31, TARGET, completes_what_it_finds_in_scratch, 0)
    VIOLATION(31, HOST, asks_for_what_it_finds_in_scratch, 0)
    VIOLATION(31, HOST, sends_what_it_finds_in_scratch, 0)
    VIOLATION(99, TARGET, tells_a_send_backlog_it_has_not, 0)
    VIOLATION(99, TARGET, changes_a_send_backlog_it_has_not, 0)
    VIOLATION(100, TARGET, tells_a_receive_backlog_it_has_not, 0)
    VIOLATION(102, TARGET, queries_give_lists, 0)
    VIOLATION(102, TARGET, terminates_with_a_size, 0)
    VIOLATION(102, TARGET, terminates_with_a_small_number, 0)
    VIOLATION(105, TARGET, loses_it_when_invalid, 0)
    VIOLATION(124, TARGET, loses_it, 0)
    VIOLATION(128, TARGET, frees_nothing, 0)
    VIOLATION(129, TARGET, frees_too_early, 0)
    VIOLATION(238, TARGET, loses_it_after_a_disconnect, 0)
    VIOLATION(251, TARGET, loses_it_after_a_fin, 0)
    VIOLATION(251, TARGET, query_finds_nothing, 0)
    /* clang-format on */
};

static void each_violation_is_named(void **state)
{
    (void)state;
    assert_int_equal(world_judge(violations, sizeof violations / sizeof violations[0]), 0);
}

/* What looks alike and is none: a table that is full, one that was never as full, and hardware that has told. */
static void nothing_is_found_without_need(void **state)
{
    struct world *world = test_malloc(sizeof *world);

    (void)state;
    world_begin(world, FLUE_NDIS_6_20);
    offloaded(world);
    told(world, FLUE_BACKLOG_NONE, FLUE_BACKLOG_NONE);
    told(world, FLUE_BACKLOG_NONE, FLUE_BACKLOG_NONE);
    ask(world, INITIATE, another(world, CONN_3));
    refuse(world);
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateRetrieve, HardwareFailure);
    world->up.NdisTcpOffloadEventHandler(&world->handle[CONN], TcpIndicateAbort, 0);
    has_lost_it(world);
    world_end(world);
    assert_int_equal(world->findings, 0);
    test_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violation_is_named),
        cmocka_unit_test(nothing_is_found_without_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
