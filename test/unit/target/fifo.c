/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends and a disconnect with data are one queue: first in, first out over calls and chains, at most one list in part,
 * and nothing succeeds behind what has failed (CH-159, CH-160, CH-166, CH-167, CH-169 to CH-173, CH-226 to CH-235). */
#include "rig.h"

#include "ndis/instance.h"

enum { BYTES = 100, LISTS = 4, ALL = LISTS * BYTES };

enum end { BY_NOTHING, BY_PEER, BY_HOST, BY_TERMINATE, BY_TERMINATE_COMPLETE };

/* Three lists in one call, one in a call of its own, a disconnect with data; numbered by ProtocolReserved[0]. */
static void hand_down(struct rig *rig, int close)
{
    struct ndis_chain chain = {0};

    for (unsigned i = 0; i < LISTS; i++) {
        PNET_BUFFER_LIST nbl = rig_nbl(rig, 0, BYTES * i, BYTES);

        nbl->Status = -1; /* CH-167: it has to be written */
        nbl->ProtocolReserved[0] = (PVOID)(uintptr_t)i;
        if (i + 1 < LISTS) {
            ndis_chain_append(&chain, nbl);
        } else {
            assert_int_equal(NdisOffloadTcpSend(&rig->conns[0].handle, chain.first), NDIS_STATUS_PENDING);
            assert_int_equal(NdisOffloadTcpSend(&rig->conns[0].handle, nbl), NDIS_STATUS_PENDING);
        }
    }
    if (close) {
        rig_disconnect(rig, 0, ALL, BYTES, TCP_DISCONNECT_GRACEFUL_CLOSE);
    }
    rig_wait(rig, 20 * RIG_US);
}

/* What was given went out once, in order, the FIN behind it, and waits for no ACK (CH-226, CH-227). */
static void check_wire(const struct rig *rig, int close)
{
    const uint32_t bytes = ALL + (close ? BYTES : 0);
    uint32_t next = RIG_SND_UNA;

    for (unsigned i = 0; i < rig->sent && next != (uint32_t)(RIG_SND_UNA + bytes); i++) {
        const struct flue_frame *frame = &rig->out[i].frame;

        assert_int_equal(frame->seq, next);
        assert_int_equal(frame->payload.offset_bytes, (uint32_t)(next - RIG_SND_UNA));
        next += frame->payload.length_bytes;
    }
    assert_int_equal(next, (uint32_t)(RIG_SND_UNA + bytes));
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_FIN), close != 0);
}

static void bring_to_end(struct rig *rig, enum end end)
{
    switch (end) {
    case BY_PEER:
        rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_RST | FLUE_TCP_ACK);
        break;
    case BY_HOST:
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
        break;
    case BY_NOTHING:
    case BY_TERMINATE:
    case BY_TERMINATE_COMPLETE:
        break;
    }
    rig_wait(rig, 50 * RIG_US);
}

/* The lists of the chain that came back: what of it was not acknowledged, to the byte (D-29). */
static unsigned check_chain(const struct rig *rig, uint32_t from)
{
    unsigned count = 0;

    for (PNET_BUFFER_LIST nbl = rig->conns[0].end.Block.NetBufferListChain; nbl != NULL; nbl = nbl->Next, count++) {
        struct ndis_spans spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(nbl));
        struct flue_span span;

        assert_true(ndis_spans_next(&spans, &span));
        assert_int_equal(span.offset_bytes, from);
        assert_int_equal(nbl->Status, -1); /* untouched */
        from += span.length_bytes;
    }
    return count;
}

static void one(enum end end, int close, uint32_t acked)
{
    const uint32_t user = acked > ALL + BYTES ? ALL + BYTES : acked;
    const uint32_t mine = user > ALL ? user - ALL : 0; /* of the disconnect */
    const bool whole = close && acked > ALL + BYTES;
    const NDIS_STATUS failure =
        end == BY_PEER || end == BY_HOST ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS;
    struct rig *rig = rig_new();
    unsigned chained, complete;

    rig->params.ddi = flue_ddi_defaults();
    rig->params.ddi.upload_sends_complete = end == BY_TERMINATE_COMPLETE;
    rig_build(rig);
    rig_offload(rig, 1);
    hand_down(rig, close);
    check_wire(rig, close);
    if (acked > 0) {
        rig_peer(rig, 0, 0, acked, 0, FLUE_TCP_ACK);
        rig_wait(rig, 20 * RIG_US);
    }
    complete = user / BYTES < LISTS ? user / BYTES : LISTS;
    assert_int_equal(rig_count(rig, RIG_SENT), complete); /* CH-166 */
    assert_int_equal(rig_count(rig, RIG_DISCONNECTED), whole);
    bring_to_end(rig, end);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 200 * RIG_US);
    chained = check_chain(rig, user);
    assert_int_equal(rig_count(rig, RIG_SENT), LISTS - chained);
    assert_int_equal(chained, end == BY_TERMINATE || end == BY_NOTHING ? LISTS - complete : 0);
    for (unsigned i = 0; i < LISTS - chained; i++) {
        const struct rig_log *done = rig_find(rig, RIG_SENT, i);

        assert_int_equal(done->conn, i);
        assert_int_equal(done->status, i < complete ? NDIS_STATUS_SUCCESS : failure);
        assert_int_equal(done->bytes, i < complete ? BYTES : i == complete ? user % BYTES : 0); /* one in part */
    }
    if (close) {
        const struct rig_log *done = rig_find(rig, RIG_DISCONNECTED, 0);

        assert_int_equal(done->status, whole ? NDIS_STATUS_SUCCESS : failure);
        assert_int_equal(done->bytes, mine);
        assert_int_equal(done->extra, 1); /* CH-234 */
        if (rig_count(rig, RIG_SENT) > 0) {
            assert_true(rig_place(rig, RIG_SENT, rig_count(rig, RIG_SENT) - 1) < rig_place(rig, RIG_DISCONNECTED, 0));
        }
    }
    if (end == BY_HOST) {
        assert_int_equal(rig_find(rig, RIG_DISCONNECTED, close ? 1 : 0)->status, NDIS_STATUS_SUCCESS); /* CH-231 */
        assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 1);
    }
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    rig_free(rig);
}

static void is_one_queue(void **state)
{
    static const uint32_t acks[] = {0, 1, BYTES, BYTES + 50, ALL - 1, ALL, ALL + 30, ALL + BYTES, ALL + BYTES + 1};

    (void)state;
    for (int end = BY_NOTHING; end <= BY_TERMINATE_COMPLETE; end++) {
        for (int close = 0; close < 2; close++) {
            for (size_t i = 0; i < COUNT_OF(acks); i++) {
                if (close || acks[i] <= ALL) {
                    one((enum end)end, close, acks[i]);
                }
            }
        }
    }
}

/* CH-012: entry points of a revision that it does not know are not for it; CH-011: nor is anything else then. */
static void knows_its_entry_points(void **state)
{
    (void)state;
    for (UCHAR revision = 1; revision <= 2; revision++) {
        struct rig *rig = rig_new();
        flue_err err;

        manual_env_init(&rig->env, 1);
        assert_int_equal(timers_init(&rig->timers, &rig->env.env), FLUE_OK);
        assert_int_equal(flue_ndis_new(&rig->env.env, NULL, &rig->ndis), FLUE_OK);
        rig->ndis->handlers_revision = revision;
        err = flue_target_new(&rig->env.env, &rig->timers, NULL, rig->ndis, &rig->wire, &rig->params, &rig->target);
        assert_int_equal(err == FLUE_OK, revision == 1);
        flue_target_free(rig->target);
        flue_ndis_free(rig->ndis);
        timers_dispose(&rig->timers);
        assert_true(manual_env_clean(&rig->env));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(is_one_queue), cmocka_unit_test(knows_its_entry_points)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
