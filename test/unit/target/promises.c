/* SPDX-License-Identifier: GPL-2.0-only */
/* What nobody between host and wire can see an adapter do, or leave undone: each rule from the outside, alone. */
#include "rig.h"

#include <string.h>

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

struct query {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    TCP_OFFLOAD_STATE_DELEGATED delegated;
};

static void ask(struct rig *rig, struct query *query)
{
    memset(query, 0, sizeof *query);
    rig_block(&query->block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[0].handle);
    query->delegated.Header.Length = sizeof query->delegated;
    NdisQueryOffloadState(rig->binding, &query->block);
}

/* ---- Initiate ---- */

/* CH-023: what follows a placeholder is nobody's state. */
static void reads_no_placeholder(void **state)
{
    struct rig *rig = rig_new();
    struct flue_target_totals totals;

    (void)state;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_tree_more(rig, 1);
    rig->neighbour.Block.OffloadHandle = NULL;
    memset(&rig->neighbour.Const, 0xA5, sizeof rig->neighbour - offsetof(FLUE_NEIGHBOR_BLOCK, Const));
    rig->neighbour.Block.DependentBlockList = &rig->path_end;
    rig->neighbour.Block.NextBlock = NULL;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(totals.neighbours, 1);
    rig->conns[1].handle.MiniportOffloadContext != NULL ? rig_finish(rig, 2) : rig_finish(rig, 1);
    rig_free(rig);
}

static void scribble(struct rig *rig, enum rig_call call)
{
    if (call == RIG_INITIATED) {
        FLUE_TCP_BLOCK *block = &rig->conns[0].block;

        memset(&block->Const, 0xEE, sizeof *block - offsetof(FLUE_TCP_BLOCK, Const));
        memset(&rig->path.Const, 0xEE, sizeof rig->path - offsetof(FLUE_PATH_BLOCK, Const));
        memset(&rig->neighbour.Const, 0xEE, sizeof rig->neighbour - offsetof(FLUE_NEIGHBOR_BLOCK, Const));
        memset(rig->local, 0xEE, sizeof rig->local);
        memset(rig->remote, 0xEE, sizeof rig->remote);
    }
}

/* CH-034: the memory is the host's again from inside the completion on. */
static void leaves_the_tree_alone(void **state)
{
    struct rig *rig = rig_new();
    static const uint8_t dst[6] = {0};

    (void)state;
    rig_build(rig);
    rig->reenter = scribble;
    rig_tree(rig, 1);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig->out[0].frame.seq, RIG_SND_UNA);
    assert_memory_not_equal(rig->out[0].frame.dst_mac, "\xEE\xEE\xEE\xEE\xEE\xEE", sizeof dst);
    for (size_t i = 0; i < sizeof(FLUE_TCP_BLOCK) - offsetof(FLUE_TCP_BLOCK, Const); i++) {
        assert_int_equal(((const uint8_t *)&rig->conns[0].block.Const)[i], 0xEE);
    }
    rig_peer(rig, 0, 0, 1000, 10, FLUE_TCP_ACK);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 1000);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-042: with a NULL chain, head and tail mean nothing. */
static void ignores_stray_pointers(void **state)
{
    struct rig *rig = rig_new();
    PNET_BUFFER_LIST stray;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    stray = rig_nbl(rig, 0, 777, 100);
    rig->conns[0].block.Delegated.SendDataHead = rig->conns[0].block.Delegated.SendDataTail = stray;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_INITIATED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->sent, 0);
    ndis_nbl_put(stray);
    rig_finish(rig, 1);
    assert_null(rig->conns[0].end.Block.NetBufferListChain);
    rig_free(rig);
}

/* CH-051: memory runs out at each allocation in turn; a connection that is refused keeps its data, and nothing stays
 * behind.  Once it is the copy that fails. */
static void refuses_what_it_cannot_copy(void **state)
{
    enum { PIECES = 1000 }; /* more than is set aside for data on its way up */
    unsigned failures = 0;

    (void)state;
    for (unsigned at = 1; at < 24; at++) {
        struct rig *rig = rig_new();
        PNET_BUFFER_LIST buffered;
        const TCP_OFFLOAD_STATE_DELEGATED *given;

        rig_build(rig);
        rig_tree(rig, 1);
        given = &rig->conns[0].block.Delegated;
        buffered = rig_nbl(rig, 0, 5000, 4);
        for (unsigned i = 1; i < PIECES; i++) {
            const struct flue_span span = {.stream = 1, .offset_bytes = 5000 + 10 * i, .length_bytes = 4};

            assert_int_equal(ndis_nbl_append(buffered, &span), FLUE_OK);
        }
        rig->conns[0].block.Delegated.BufferedData = buffered;
        manual_env_fail(&rig->env, at);
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 100 * RIG_US);
        manual_env_fail(&rig->env, 0);
        if (rig->conns[0].handle.MiniportOffloadContext == NULL) {
            failures += rig->conns[0].block.Block.Status == NDIS_STATUS_FAILURE &&
                        rig->path.Block.Status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
            assert_ptr_equal(given->BufferedData, buffered);
            assert_int_equal(ndis_nbl_bytes(buffered), 4 * PIECES);
        }
        ndis_nbl_put(buffered);
        if (rig->conns[0].handle.MiniportOffloadContext != NULL) {
            rig_finish(rig, 1);
        } else if (rig->path_handle.MiniportOffloadContext != NULL) {
            rig_terminate(rig, 0, 1);
            rig_wait(rig, 100 * RIG_US);
        } else if (rig->neighbour_handle.MiniportOffloadContext != NULL) {
            rig_terminate_neighbour(rig);
            rig_wait(rig, 100 * RIG_US);
        }
        rig_free(rig);
    }
    assert_int_not_equal(failures, 0);
}

/* CH-057: a second initiate comes while the first is at work. */
static void takes_two_trees_at_once(void **state)
{
    struct rig *rig = rig_new();
    NDIS_OFFLOAD_HANDLE other = {{NULL}, NULL};
    FLUE_NEIGHBOR_BLOCK fresh;
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST end;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    fresh = rig->neighbour;
    rig_block(&fresh.Block, NeighborOffloadState, 1, &other);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_initiate(rig, &fresh.Block);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 2);
    assert_non_null(other.MiniportOffloadContext);
    assert_non_null(rig->conns[0].handle.MiniportOffloadContext);
    rig_block(&end, NeighborOffloadState, 1, &other);
    NdisTerminateOffload(rig->binding, &end);
    rig_finish(rig, 1);
    assert_int_equal(end.Status, NDIS_STATUS_SUCCESS);
    rig_free(rig);
}

/* ---- Update, query ---- */

/* CH-083. */
static void changes_only_what_an_update_names(void **state)
{
    struct rig *rig = rig_new();
    TCP_OFFLOAD_STATE_CACHED cached;
    struct query before, after;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    cached = rig->conns[0].block.Cached;
    rig->neighbour.Delegated.NicReachabilityDelta = 5000;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 50 * RIG_US);
    ask(rig, &before);
    rig_wait(rig, 50 * RIG_US);
    cached.TtlOrHopLimit = 7;
    cached.TosOrTrafficClass = 4;
    rig_update_tcp(rig, 0, &cached);
    ask(rig, &after);
    rig_wait(rig, 50 * RIG_US);
    assert_memory_equal(&before.delegated, &after.delegated, sizeof before.delegated);
    rig_finish(rig, 1);
    assert_in_range(rig->neighbour_end.delegated.NicReachabilityDelta, 5000, 5002);
    rig_free(rig);
}

/* CH-117: the host should have waited (CH-114). */
static void answers_queries_before_a_terminate(void **state)
{
    struct rig *rig = offloaded(1);
    struct query query;

    (void)state;
    ask(rig, &query);
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(query.block.Status, NDIS_STATUS_SUCCESS);
    assert_true(rig_place(rig, RIG_OTHER_TREE, 0) < rig_place(rig, RIG_TERMINATED, 0));
    rig_terminate(rig, 0, 1);
    rig_wait(rig, 100 * RIG_US);
    rig_free(rig);
}

/* ---- Data ---- */

/* CH-164: on the last segment before the queue drains, sent again, with a FIN, or to probe a window; and nowhere but at
 * the end of a list. */
static void pushes_the_last_segment(void **state)
{
    static const struct {
        uint32_t lists[3], end; /* bytes of the sends, and of the disconnect; 0: none */
        uint16_t window;
        bool answered;
        unsigned duplicates;
    } cases[] = {
        {{3 * RIG_MSS}, 0, 65535, true, 0},
        {{2 * RIG_MSS, 100, 3 * RIG_MSS}, 0, 65535, true, 0},
        {{100, 1, 7}, 0, 65535, false, 0}, /* sent again after a timeout, once */
        {{100}, 0, 65535, false, 3},       /* and before one */
        {{2 * RIG_MSS, 500}, 700, 65535, true, 0},
        {{3 * RIG_MSS, 3 * RIG_MSS, 1}, 0, 3 * RIG_MSS, true, 0},
        {{1}, 0, 0, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = offloaded(1);
        struct flue_frame frame = rig_segment(0, 0, 0, 0, FLUE_TCP_ACK);
        uint32_t ends[4] = {0}, total = 0, pushed = 0;
        unsigned lists = 0;

        frame.window = cases[i].window;
        flue_target_receive(rig->target, &frame, rig->env.now_ps);
        for (; lists < 3 && cases[i].lists[lists] != 0; lists++) {
            rig_send(rig, 0, total, cases[i].lists[lists]);
            total += cases[i].lists[lists];
            ends[lists] = total;
        }
        if (cases[i].end != 0) {
            rig_disconnect(rig, 0, total, cases[i].end, TCP_DISCONNECT_GRACEFUL_CLOSE);
            total += cases[i].end;
            ends[lists++] = total;
        }
        rig_wait(rig, 100 * RIG_US);
        for (unsigned n = 0; n < cases[i].duplicates; n++) {
            rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK);
            rig_wait(rig, 100 * RIG_US);
        }
        for (unsigned round = 0; round < 10; round++) {
            if (cases[i].answered && rig->sent > 0) {
                const struct flue_frame *last = &rig->out[rig->sent - 1].frame;
                const uint32_t upto = last->seq + last->payload.length_bytes;

                rig_peer(rig, 0, 0, upto - RIG_SND_UNA, 0, FLUE_TCP_ACK);
            }
            rig_wait(rig, cases[i].answered && cases[i].window != 0 ? 100 * RIG_US : FLUE_PS_PER_S / 3);
        }
        for (unsigned j = 0; j < rig->sent; j++) {
            const struct flue_frame *out = &rig->out[j].frame;
            const uint32_t upto = out->seq + out->payload.length_bytes - RIG_SND_UNA;
            bool is_end = false;

            for (unsigned k = 0; k < lists; k++) {
                is_end = is_end || upto == ends[k];
            }
            assert_true(is_end || (out->flags & FLUE_TCP_PSH) == 0);
            if (out->payload.length_bytes > 0 && upto == total) {
                assert_true((out->flags & FLUE_TCP_PSH) != 0);
                pushed++;
            }
        }
        assert_true(pushed > (cases[i].answered ? 0u : 1u));
        rig_peer(rig, 0, 0, total, 0, FLUE_TCP_ACK);
        rig_wait(rig, 50 * RIG_US);
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

/* ---- Ends ---- */

/* CH-250. */
static void sends_after_the_peers_fin(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 20 * RIG_US);
    rig->sent = 0;
    rig_send(rig, 0, 0, 500);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->sent, 1);
    rig_peer(rig, 0, 1, 500, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    rig_finish(rig, 1);
    rig_free(rig);
}

static void end_by(struct rig *rig, unsigned way)
{
    switch (way) {
    case 0:
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
        break;
    case 1:
        rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_RST);
        break;
    case 2:
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
        rig_wait(rig, 20 * RIG_US);
        rig_peer(rig, 0, 0, 1, 0, FLUE_TCP_ACK);
        break;
    default:
        rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
        rig_wait(rig, 20 * RIG_US);
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
        rig_wait(rig, 20 * RIG_US);
        rig_peer(rig, 0, 1, 1, 0, FLUE_TCP_ACK);
        break;
    }
}

/* CH-112, CH-238, CH-251: aborted, reset, closed on one side, closed on both: it is there until it is terminated. */
static void keeps_what_the_host_has_not_ended(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        struct rig *rig = offloaded(1);
        struct flue_target_totals totals;
        struct query query;

        end_by(rig, way);
        rig_wait(rig, 10 * FLUE_PS_PER_MS);
        flue_target_totals(rig->target, &totals);
        assert_int_equal(totals.connections, 1);
        assert_int_equal(totals.paths, 1);
        assert_int_equal(totals.neighbours, 1);
        ask(rig, &query);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(query.block.Status, NDIS_STATUS_SUCCESS);
        rig_finish(rig, 1);
        assert_int_equal(rig_find(rig, RIG_TERMINATED, 0)->status, NDIS_STATUS_SUCCESS);
        rig_free(rig);
    }
}

static uint64_t live_inside;

static void look(struct rig *rig, enum rig_call call)
{
    if (call == RIG_TERMINATED) {
        live_inside = flue_target_objects_live(rig->target);
    }
}

/* CH-129: what the connection took is there while the completion runs, and gone after it. */
static void frees_after_the_completion(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    live_inside = 0;
    rig->reenter = look;
    rig_finish(rig, 1);
    assert_true(live_inside >= 3); /* connection, path, neighbour */
    assert_int_equal(flue_target_objects_live(rig->target), 0);
    rig_free(rig);
}

/* CH-139: segments of a connection that has been given back take the ordinary path, those of others do not. */
static void leaves_the_connection_to_the_host(void **state)
{
    struct rig *rig = offloaded(2);

    (void)state;
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        rig_peer(rig, 0, 100 * i, 0, 100, FLUE_TCP_ACK);
        rig_peer(rig, 1, 100 * i, 0, 100, FLUE_TCP_ACK);
        rig_wait(rig, 50 * RIG_US);
    }
    assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, 3);
    assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 300);
    rig->conns[0].handle.MiniportOffloadContext = NULL; /* gone, as the host knows */
    rig_terminate(rig, 2, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[1].end.Block.Status, NDIS_STATUS_SUCCESS);
    rig_peer(rig, 1, 300, 0, 100, FLUE_TCP_ACK);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, 4);
    rig_free(rig);
}

/* CH-296: -1 is off, 0 fires at once, else the rest of the time is waited for, and the count goes on. */
static void resumes_keepalive(void **state)
{
    static const struct {
        ULONG timeout, delta;
        flue_ps first_ps; /* 0: never */
    } cases[] = {{500, FLUE_TICKS_NONE, 0},
                 {1000000, 0, 1},
                 {500, 0, 1},
                 {1000000, 300, 300 * FLUE_PS_PER_MS},
                 {200, 300, 300 * FLUE_PS_PER_MS}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = rig_new();
        flue_ps begun_ps;
        struct query query;

        rig_build(rig);
        rig_tree(rig, 1);
        rig->conns[0].block.Cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED;
        rig->conns[0].block.Cached.KaTimeout = cases[i].timeout;
        rig->conns[0].block.Cached.KaInterval = 1000000;
        rig->conns[0].block.Cached.KaProbeCount = 9;
        rig->conns[0].block.Delegated.KeepAlive.TimeoutDelta = cases[i].delta;
        rig->conns[0].block.Delegated.KeepAlive.ProbeCount = 2;
        begun_ps = rig->env.now_ps;
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, FLUE_PS_PER_S);
        assert_int_equal(rig->sent, cases[i].first_ps != 0);
        ask(rig, &query);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(query.delegated.KeepAlive.ProbeCount, cases[i].first_ps != 0 ? 3 : 2);
        if (cases[i].first_ps != 0) {
            assert_in_range(rig->out[0].at_ps - begun_ps, cases[i].first_ps - 1,
                            cases[i].first_ps + 5 * FLUE_PS_PER_MS);
        }
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

static void shut_the_window(struct rig *rig)
{
    struct flue_frame frame = rig_segment(0, 0, 0, 0, FLUE_TCP_ACK);

    frame.window = 0;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
}

/* Waits for the next frame, which must be a probe; when. */
static flue_ps probe(struct rig *rig)
{
    const unsigned sent = rig->sent;

    for (unsigned i = 0; i < 100000 && rig->sent == sent; i++) {
        rig_wait(rig, FLUE_PS_PER_MS);
    }
    assert_int_equal(rig->sent, sent + 1);
    assert_true(rig->out[sent].frame.payload.length_bytes <= 1);
    return rig->out[sent].at_ps;
}

/* CH-299: probes of one round come at doubled intervals; a round that is answered makes the next one's twice as long;
 * a round that nobody answers ends the connection's stay. */
static void doubles_persist_waits(void **state)
{
    enum { ROUNDS = 4 };
    struct rig *rig = offloaded(1);
    flue_ps at_ps[ROUNDS + 4];

    (void)state;
    shut_the_window(rig);
    rig_wait(rig, 50 * RIG_US);
    rig_send(rig, 0, 0, 100);
    for (unsigned i = 0; i < ROUNDS; i++) {
        at_ps[i] = probe(rig);
        shut_the_window(rig);
    }
    for (unsigned i = 2; i < ROUNDS; i++) {
        const flue_ps before_ps = at_ps[i - 1] - at_ps[i - 2];

        assert_in_range(at_ps[i] - at_ps[i - 1], 2 * before_ps - 5 * FLUE_PS_PER_MS,
                        2 * before_ps + 5 * FLUE_PS_PER_MS);
    }
    for (unsigned i = ROUNDS; i < ROUNDS + 4; i++) { /* unanswered */
        at_ps[i] = probe(rig);
        if (i > ROUNDS + 1) {
            assert_true(at_ps[i] - at_ps[i - 1] >= 2 * (at_ps[i - 1] - at_ps[i - 2]) - 5 * FLUE_PS_PER_MS ||
                        at_ps[i] - at_ps[i - 1] >= 60 * FLUE_PS_PER_S);
        }
    }
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    rig_wait(rig, 3000 * FLUE_PS_PER_S);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_no_placeholder),
        cmocka_unit_test(leaves_the_tree_alone),
        cmocka_unit_test(ignores_stray_pointers),
        cmocka_unit_test(refuses_what_it_cannot_copy),
        cmocka_unit_test(takes_two_trees_at_once),
        cmocka_unit_test(changes_only_what_an_update_names),
        cmocka_unit_test(answers_queries_before_a_terminate),
        cmocka_unit_test(pushes_the_last_segment),
        cmocka_unit_test(sends_after_the_peers_fin),
        cmocka_unit_test(keeps_what_the_host_has_not_ended),
        cmocka_unit_test(frees_after_the_completion),
        cmocka_unit_test(leaves_the_connection_to_the_host),
        cmocka_unit_test(resumes_keepalive),
        cmocka_unit_test(doubles_persist_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
