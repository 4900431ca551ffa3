/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations that are never begun, completions that are lost, and errors of the bus: each operation completes exactly
 * once, and of each connection whose state is gone the host is told (D-60, D-32; CH-144). */
#include "rig.h"

enum { INITIATE, TERMINATE, UPDATE, INVALIDATE, QUERY, OPERATIONS };
enum { CONNS = 3 };

#define HANG_AFTER (5 * FLUE_PS_PER_MS)
#define RESTART    (100 * FLUE_PS_PER_MS)

static struct rig *watched(void)
{
    struct rig *rig = rig_new();

    rig->params.hang_after_ps = HANG_AFTER;
    rig_build(rig);
    return rig;
}

static void stick(struct rig *rig, enum flue_target_fault fault, unsigned operation)
{
    assert_int_equal(flue_target_fault(rig->target, fault, 0, operation), FLUE_OK);
}

static struct flue_target_totals totals(const struct rig *rig)
{
    struct flue_target_totals out;

    flue_target_totals(rig->target, &out);
    return out;
}

/* The last status that the host was told. */
static NDIS_STATUS last_status(const struct rig *rig)
{
    const unsigned count = rig_count(rig, RIG_STATUS);

    return count == 0 ? NDIS_STATUS_SUCCESS : (NDIS_STATUS)rig_find(rig, RIG_STATUS, count - 1)->bytes;
}

/* Retrieve(HardwareFailure) and Abort for each connection once, in this order. */
static void check_events(const struct rig *rig, unsigned count)
{
    bool told[CONNS] = {false};

    assert_int_equal(rig_count(rig, RIG_EVENT), 2 * count);
    for (unsigned i = 0; i < count; i++) {
        const struct rig_log *first = rig_find(rig, RIG_EVENT, 2 * i), *second = rig_find(rig, RIG_EVENT, 2 * i + 1);

        assert_int_equal(first->bytes, TcpIndicateRetrieve);
        assert_int_equal(first->extra, HardwareFailure);
        assert_int_equal(second->bytes, TcpIndicateAbort);
        assert_int_equal(first->conn, second->conn);
        assert_true(first->conn < CONNS && !told[first->conn]);
        told[first->conn] = true;
    }
}

/* What was never begun leaves everything with the host; after the restart the same tree is taken. */
static void initiate_is_never_begun(void **state)
{
    struct rig *rig = watched();

    (void)state;
    stick(rig, FLUE_FAULT_HANG, INITIATE);
    rig_tree(rig, CONNS);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, HANG_AFTER - 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 0);
    rig_wait(rig, 500 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 1);
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_FAILURE);
    for (unsigned i = 0; i < CONNS; i++) {
        assert_int_equal(rig->conns[i].block.Block.Status, NDIS_STATUS_FAILURE);
        assert_null(rig->conns[i].handle.MiniportOffloadContext); /* CH-047 */
    }
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    assert_int_equal(totals(rig).resets, 1);
    assert_int_equal(totals(rig).refused, CONNS);

    /* In the restart nothing is taken. */
    rig_tree(rig, CONNS);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_FAILURE);
    rig_wait(rig, RESTART);
    assert_int_equal(last_status(rig), NDIS_STATUS_OFFLOAD_RESUME);
    rig_tree(rig, CONNS);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 3);
    assert_int_equal(rig->initiate_status, NDIS_STATUS_SUCCESS);
    rig_finish(rig, CONNS);
    rig_free(rig);
}

/* Until the completion is found nothing is told of the connections (D-15); then everything, in order. */
static void initiate_is_done_in_silence(void **state)
{
    struct rig *rig = watched();

    (void)state;
    rig->follow = 1;
    stick(rig, FLUE_FAULT_LOSE, INITIATE);
    rig_tree(rig, CONNS);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    for (uint32_t at = 0; at < 3000; at += 1000) {
        rig_peer(rig, 0, at, 0, 1000, FLUE_TCP_ACK | FLUE_TCP_PSH);
    }
    rig_wait(rig, HANG_AFTER - 300 * RIG_US);
    assert_true(rig->sent > 0); /* the adapter acknowledges what it will tell of */
    assert_int_equal(rig_count(rig, RIG_INITIATED), 0);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    rig_wait(rig, 500 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 1);
    assert_int_equal(rig->initiate_status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 3000);
    assert_true(rig_place(rig, RIG_INITIATED, 0) < rig_place(rig, RIG_INDICATED, 0));
    assert_int_equal(totals(rig).late, 1);
    assert_int_equal(totals(rig).resets, 0);
    rig_finish(rig, CONNS);
    rig_free(rig);
}

/* An operation on what the adapter holds. */
struct tree {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    union {
        TCP_OFFLOAD_STATE_DELEGATED delegated;
        TCP_OFFLOAD_STATE_CACHED cached;
    } state;
};

static void operate(struct rig *rig, struct tree *tree, unsigned operation)
{
    switch (operation) {
    case TERMINATE:
        rig_terminate(rig, CONNS, 1);
        return;
    case UPDATE:
        tree->state.cached = rig->conns[0].block.Cached;
        tree->state.cached.TtlOrHopLimit = 7;
        rig_block(&tree->block, TcpOffloadCachedState, 1, &rig->conns[0].handle);
        NdisUpdateOffload(rig->binding, &tree->block);
        return;
    case INVALIDATE:
        rig_block(&tree->block, TcpOffloadState, 1, &rig->conns[0].handle);
        NdisInvalidateOffload(rig->binding, &tree->block);
        return;
    default:
        rig_block(&tree->block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[0].handle);
        NdisQueryOffloadState(rig->binding, &tree->block);
    }
}

static unsigned ended(const struct rig *rig, unsigned operation)
{
    return rig_count(rig, operation == TERMINATE ? RIG_TERMINATED : RIG_OTHER_TREE);
}

static void operation_is_never_begun(void **state)
{
    (void)state;
    for (unsigned operation = TERMINATE; operation < OPERATIONS; operation++) {
        struct rig *rig = watched();
        struct tree tree;

        rig_offload(rig, CONNS);
        rig_send(rig, 1, 0, 100);
        rig_wait(rig, 100 * RIG_US);
        stick(rig, FLUE_FAULT_HANG, operation);
        operate(rig, &tree, operation);
        rig_wait(rig, HANG_AFTER - 100 * RIG_US);
        assert_int_equal(ended(rig, operation), 0);
        assert_int_equal(rig_count(rig, RIG_EVENT), 0);
        rig_wait(rig, 500 * RIG_US);
        assert_int_equal(ended(rig, operation), 1);
        assert_int_equal(totals(rig).resets, 1);
        check_events(rig, CONNS);
        if (operation != TERMINATE) {
            assert_int_equal(tree.block.Status, NDIS_STATUS_FAILURE);
            assert_true(rig_place(rig, RIG_OTHER_TREE, 0) < rig_place(rig, RIG_EVENT, 0)); /* CH-144 */
            rig_terminate(rig, CONNS, 1);
            rig_wait(rig, 200 * RIG_US);
        }
        assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
        for (unsigned i = 0; i < CONNS; i++) {
            assert_int_equal(rig->conns[i].end.Block.Status, NDIS_STATUS_FAILURE);
            assert_null(rig->conns[i].end.Block.NetBufferListChain);
        }
        assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
        rig_free(rig);
    }
}

static void operation_is_done_in_silence(void **state)
{
    (void)state;
    for (unsigned operation = TERMINATE; operation < OPERATIONS; operation++) {
        struct rig *rig = watched();
        struct tree tree;

        rig_offload(rig, CONNS);
        stick(rig, FLUE_FAULT_LOSE, operation);
        operate(rig, &tree, operation);
        rig_wait(rig, HANG_AFTER - 100 * RIG_US);
        assert_int_equal(ended(rig, operation), 0);
        rig_wait(rig, 500 * RIG_US);
        assert_int_equal(ended(rig, operation), 1);
        assert_int_equal(rig_count(rig, RIG_EVENT), 0);
        assert_int_equal(totals(rig).late, 1);
        assert_int_equal(totals(rig).resets, 0);
        if (operation == TERMINATE) {
            assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
        } else {
            assert_int_equal(tree.block.Status, NDIS_STATUS_SUCCESS);
            rig_finish(rig, CONNS);
        }
        rig_free(rig);
    }
}

/* All state of connections is gone at once; paths and neighbours end as always. */
static void bus_reports_an_error(void **state)
{
    struct rig *rig = watched();

    (void)state;
    rig_offload(rig, CONNS);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_BUS, 1, 0), FLUE_EINVAL);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_BUS, 0, 0), FLUE_OK);
    rig_wait(rig, 50 * RIG_US);
    check_events(rig, CONNS);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_BUS, 0, 0), FLUE_OK); /* in the restart: nothing new */
    rig_wait(rig, 50 * RIG_US);
    check_events(rig, CONNS);
    assert_int_equal(totals(rig).resets, 1);
    rig_terminate(rig, CONNS, 1);
    rig_wait(rig, RESTART);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(last_status(rig), NDIS_STATUS_OFFLOAD_RESUME);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initiate_is_never_begun),  cmocka_unit_test(initiate_is_done_in_silence),
        cmocka_unit_test(operation_is_never_begun), cmocka_unit_test(operation_is_done_in_silence),
        cmocka_unit_test(bus_reports_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
