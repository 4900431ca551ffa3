/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffer lists: building, filling, advancing, reading. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flue/env.h"
#include "flue/ndis.h"
#include "flue/wire.h"

static int allocations_left = -1; /* -1: no limit */

static void *test_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    if (allocations_left == 0) {
        return NULL;
    }
    if (allocations_left > 0) {
        allocations_left--;
    }
    return calloc(1, bytes);
}

static void test_release(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(memory);
}

static const struct flue_env env = {.allocate = test_allocate, .release = test_release};

static struct flue_span described(uint32_t stream, uint64_t offset_bytes, uint32_t length_bytes)
{
    return (struct flue_span){.stream = stream, .offset_bytes = offset_bytes, .length_bytes = length_bytes};
}

static int setup(void **state)
{
    allocations_left = -1;
    return ndis_pool_new(&env, NDIS_POOL_SPANS, (struct ndis_pool **)state) == FLUE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    int live = (int)ndis_pool_live(*state);

    ndis_pool_free(*state);
    return live;
}

static void a_new_list_is_empty(void **state)
{
    static const unsigned slots[] = {TcpOffloadBytesTransferred, TcpReceiveNoPush, Ieee8021QNetBufferListInfo,
                                     TcpReceiveBytesTransferred};
    const struct flue_span span = described(1, 5, 100);
    PNET_BUFFER_LIST nbl = ndis_nbl_get(*state);

    for (unsigned i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        NET_BUFFER_LIST_INFO(nbl, slots[i]) = nbl; /* what its next user must not see */
    }
    memset(nbl->ProtocolReserved, 0xA5, sizeof nbl->ProtocolReserved);
    memset(nbl->MiniportReserved, 0xA5, sizeof nbl->MiniportReserved);
    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    nbl->Flags = 7;
    nbl->Next = nbl;
    nbl->Status = NDIS_STATUS_FAILURE;
    assert_int_equal(ndis_pool_live(*state), 1);
    ndis_nbl_put(nbl);
    assert_int_equal(ndis_pool_live(*state), 0);

    nbl = ndis_nbl_get(*state);
    assert_null(nbl->Next);
    assert_int_equal(nbl->Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(ndis_nbl_bytes(nbl), 0);
    assert_int_equal(nbl->Flags, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_null(nbl->ProtocolReserved[i]);
    }
    assert_null(nbl->MiniportReserved[0]);
    assert_null(nbl->MiniportReserved[1]);
    assert_null(nbl->FirstNetBuffer->Next);
    for (unsigned i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        assert_null(NET_BUFFER_LIST_INFO(nbl, slots[i]));
    }
    ndis_nbl_put(nbl);
}

static void contiguous_spans_share_a_buffer(void **state)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(*state);
    struct flue_span a = described(4, 1000, 100), b = described(4, 1100, 50), c = described(4, 2000, 30);
    struct ndis_spans it;
    struct flue_span got;

    assert_int_equal(ndis_nbl_append(nbl, &a), FLUE_OK);
    assert_int_equal(ndis_nbl_append(nbl, &b), FLUE_OK);
    assert_null(nbl->FirstNetBuffer->MdlChain->Next);
    assert_int_equal(ndis_nbl_append(nbl, &c), FLUE_OK);
    assert_int_equal(ndis_nbl_bytes(nbl), 180);

    it = ndis_spans_of_data(nbl->FirstNetBuffer);
    assert_true(ndis_spans_next(&it, &got));
    assert_int_equal(got.offset_bytes, 1000);
    assert_int_equal(got.length_bytes, 150);
    assert_true(ndis_spans_next(&it, &got));
    assert_int_equal(got.offset_bytes, 2000);
    assert_int_equal(got.length_bytes, 30);
    assert_false(ndis_spans_next(&it, &got));

    /* The data start moves over the seam. */
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 149, 0, NULL);
    assert_int_equal(nbl->FirstNetBuffer->CurrentMdlOffset, 149);
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 11, 0, NULL);
    assert_int_equal(nbl->FirstNetBuffer->DataLength, 20);
    assert_int_equal(nbl->FirstNetBuffer->DataOffset, 160);
    it = ndis_spans_of_data(nbl->FirstNetBuffer);
    assert_true(ndis_spans_next(&it, &got));
    assert_int_equal(got.offset_bytes, 2010);
    assert_int_equal(got.length_bytes, 20);
    assert_false(ndis_spans_next(&it, &got));
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 20, 0, NULL);
    it = ndis_spans_of_data(nbl->FirstNetBuffer);
    assert_false(ndis_spans_next(&it, &got));
    ndis_nbl_put(nbl);
}

static void a_posted_buffer_fills_up(void **state)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(*state);
    struct flue_span a = described(4, 0, 60), b = described(4, 60, 10), c = described(8, 5, 100);
    struct ndis_spans it;
    struct flue_span got;
    ULONG placed;

    ndis_nbl_set_room(nbl, 100);
    assert_int_equal(ndis_nbl_bytes(nbl), 100);
    assert_int_equal(ndis_nbl_fill(nbl, &a, &placed), FLUE_OK);
    assert_int_equal(placed, 60);
    assert_int_equal(ndis_nbl_fill(nbl, &b, &placed), FLUE_OK);
    assert_int_equal(placed, 10);
    assert_int_equal(ndis_nbl_fill(nbl, &c, &placed), FLUE_OK);
    assert_int_equal(placed, 30); /* cut to the room */
    assert_int_equal(ndis_nbl_fill(nbl, &c, &placed), FLUE_OK);
    assert_int_equal(placed, 0);
    assert_int_equal(ndis_nbl_filled_bytes(nbl), 100);
    assert_int_equal(ndis_nbl_bytes(nbl), 100);
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 100, 0, NULL);
    assert_int_equal(ndis_nbl_bytes(nbl), 0);

    it = ndis_spans_of_chain(nbl->FirstNetBuffer, 0, 100);
    assert_true(ndis_spans_next(&it, &got));
    assert_int_equal(got.stream, 4);
    assert_int_equal(got.length_bytes, 70);
    assert_true(ndis_spans_next(&it, &got));
    assert_int_equal(got.stream, 8);
    assert_int_equal(got.offset_bytes, 5);
    assert_int_equal(got.length_bytes, 30);
    assert_false(ndis_spans_next(&it, &got));
    ndis_nbl_put(nbl);

    nbl = ndis_nbl_get(*state);
    ndis_nbl_set_room(nbl, 0);
    assert_int_equal(ndis_nbl_fill(nbl, &a, &placed), FLUE_OK);
    assert_int_equal(placed, 0);
    ndis_nbl_put(nbl);
}

static void reading_stops_where_nothing_was_placed(void **state)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(*state);
    struct flue_span a = described(4, 0, 60), got;
    struct ndis_spans it;
    ULONG placed;

    ndis_nbl_set_room(nbl, 100);
    assert_int_equal(ndis_nbl_fill(nbl, &a, &placed), FLUE_OK);
    it = ndis_spans_of_chain(nbl->FirstNetBuffer, 10, 90);
    assert_true(ndis_spans_next(&it, &got));
    assert_int_equal(got.offset_bytes, 10);
    assert_int_equal(got.length_bytes, 50);
    assert_false(ndis_spans_next(&it, &got));
    ndis_nbl_put(nbl);
}

static void no_memory_changes_nothing(void **state)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(*state);
    struct flue_span a = described(4, 0, 60), b = described(9, 0, 10);
    struct ndis_pool *none = NULL;
    ULONG placed = 77;

    assert_int_equal(ndis_nbl_append(nbl, &a), FLUE_OK);
    allocations_left = 0;
    assert_int_equal(ndis_nbl_append(nbl, &b), FLUE_ENOMEM);
    assert_int_equal(ndis_nbl_bytes(nbl), 60);
    assert_int_equal(ndis_pool_new(&env, NDIS_POOL_SPANS, &none), FLUE_ENOMEM);
    assert_null(none);
    ndis_nbl_put(nbl);

    nbl = ndis_nbl_get(*state);
    ndis_nbl_set_room(nbl, 100);
    assert_int_equal(ndis_nbl_fill(nbl, &a, &placed), FLUE_OK);
    assert_int_equal(ndis_nbl_fill(nbl, &b, &placed), FLUE_ENOMEM);
    assert_int_equal(placed, 0);
    assert_int_equal(ndis_nbl_filled_bytes(nbl), 60);
    ndis_nbl_put(nbl);
    allocations_left = -1;
}

static void chains_and_frames(void **state)
{
    struct ndis_pool *frames;
    struct ndis_chain chain = {0};
    struct flue_span a = described(4, 0, 60);

    (void)state;
    assert_int_equal(ndis_pool_new(&env, NDIS_POOL_FRAMES, &frames), FLUE_OK);
    for (unsigned i = 0; i < 3; i++) {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(frames);

        nbl->Next = nbl;
        *ndis_nbl_frame(nbl) = (struct flue_frame){.seq = 0xFFFFFFFFu - i};
        assert_int_equal(ndis_nbl_append(nbl, &a), FLUE_OK);
        ndis_chain_append(&chain, nbl);
    }
    assert_int_equal(chain.count, 3);
    assert_int_equal(ndis_chain_count(chain.first), 3);
    assert_int_equal(ndis_chain_bytes(chain.first), 180);
    assert_int_equal(ndis_nbl_frame(chain.last)->seq, 0xFFFFFFFDu);
    while (chain.first != NULL) {
        PNET_BUFFER_LIST next = chain.first->Next;

        ndis_nbl_put(chain.first);
        chain.first = next;
    }
    assert_int_equal(ndis_pool_live(frames), 0);
    ndis_pool_free(frames);
    ndis_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_list_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(contiguous_spans_share_a_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_posted_buffer_fills_up, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_stops_where_nothing_was_placed, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_changes_nothing, setup, teardown),
        cmocka_unit_test(chains_and_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
