/* SPDX-License-Identifier: GPL-2.0-only */
/* Any number of calls between two interrupts, and no memory: nothing is lost, nothing changes its place (CH-159,
 * CH-160, CH-162, CH-035). */
#include "rig.h"

#include <string.h>

enum { MANY = 700, TREES = 60 };

struct query {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    TCP_OFFLOAD_STATE_DELEGATED delegated;
};

static struct query queries[TREES];

/* The host has its buffer lists before memory runs out. */
static void stock(struct ndis_pool *pool, unsigned count)
{
    struct ndis_chain chain = {0};

    while (chain.count < count) {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(pool);

        assert_non_null(nbl);
        ndis_chain_append(&chain, nbl);
    }
    rig_free_chain(chain.first);
}

static struct rig *starving(unsigned count)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, count);
    stock(rig->spans, 4 * MANY);
    stock(rig->frames, 2 * MANY);
    assert_int_equal(ndis_pool_reserve(rig->spans, 4 * MANY), FLUE_OK);
    assert_int_equal(timers_reserve(&rig->timers, 64), FLUE_OK);
    return rig;
}

static void ask(struct rig *rig, unsigned conn, unsigned i)
{
    memset(&queries[i], 0, sizeof queries[i]);
    rig_block(&queries[i].block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[conn].handle);
    queries[i].delegated.Header.Length = sizeof queries[i].delegated;
    NdisQueryOffloadState(rig->binding, &queries[i].block);
}

/* Sends of one connection complete, or go back, in posting order, whatever becomes of them. */
static void sends(void **state)
{
    struct rig *rig = starving(1);
    uint64_t next = 0;
    PNET_BUFFER_LIST nbl;

    (void)state;
    manual_env_fail(&rig->env, 1);
    for (unsigned i = 0; i < MANY; i++) {
        rig_send(rig, 0, 10 * i, 10);
        if (i % (MANY / TREES + 1) == 0) {
            ask(rig, 0, i / (MANY / TREES + 1));
        }
    }
    rig_disconnect(rig, 0, 10 * MANY, 10, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 500 * RIG_US);
    rig_peer(rig, 0, 0, 10 * MANY, 0, FLUE_TCP_ACK);
    rig_wait(rig, 500 * RIG_US);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 500 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), MANY / (MANY / TREES + 1) + 1);
    assert_int_equal(rig_count(rig, RIG_DISCONNECTED), 1);
    assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
    for (unsigned i = 0; i < rig_count(rig, RIG_SENT); i++) {
        next += rig_find(rig, RIG_SENT, i)->status == NDIS_STATUS_SUCCESS ? 10 : 0;
    }
    nbl = rig->conns[0].end.Block.NetBufferListChain;
    for (; nbl != NULL; nbl = nbl->Next) {
        struct ndis_spans spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(nbl));
        struct flue_span span;

        while (ndis_spans_next(&spans, &span)) {
            assert_int_equal(span.offset_bytes, next);
            next += span.length_bytes;
        }
    }
    assert_int_equal(rig_count(rig, RIG_SENT) + ndis_chain_count(rig->conns[0].end.Block.NetBufferListChain), MANY);
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    manual_env_fail(&rig->env, 0);
    rig_free(rig);
}

/* Receive requests, forwarded segments and returned indications; what arrives in order is delivered. */
static void receives(void **state)
{
    struct rig *rig = starving(2);
    unsigned forwarded = 0;
    uint64_t bytes = 0;

    (void)state;
    rig->hold_indicated = 1;
    for (unsigned i = 0; i < 50; i++) {
        rig_peer(rig, 1, 10 * i, 0, 10, FLUE_TCP_ACK);
        rig_wait(rig, 5 * RIG_US);
    }
    (void)rig_post(rig, 0, 10, RIG_PUSH); /* it has a queue */
    manual_env_fail(&rig->env, 1);
    rig_return_kept(rig);
    rig->hold_indicated = 0;
    for (unsigned i = 0; i < MANY; i++) {
        const struct flue_frame frame = rig_segment(1, 500 + 10 * i, 0, 10, FLUE_TCP_ACK);

        (void)(i > 0 && rig_post(rig, 0, 10, RIG_PUSH));
        rig_forward(rig, 1, &frame);
    }
    rig_wait(rig, FLUE_PS_PER_MS);
    for (unsigned i = 0; i < MANY; i++) {
        rig_peer(rig, 0, 10 * i, 0, 10, FLUE_TCP_ACK);
        rig_wait(rig, 2 * RIG_US);
    }
    rig_wait(rig, FLUE_PS_PER_MS);
    rig_finish(rig, 2);
    assert_int_equal(rig_count(rig, RIG_FORWARDED), MANY);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(rig_find(rig, RIG_RECEIVED, i)->conn, i + 1);
        bytes += rig_find(rig, RIG_RECEIVED, i)->bytes;
        forwarded += rig_find(rig, RIG_FORWARDED, i)->status == NDIS_STATUS_SUCCESS;
    }
    assert_true(bytes > 0);
    assert_true(forwarded > 0);
    manual_env_fail(&rig->env, 0);
    rig_free(rig);
}

/* A gap in the stream: what waits behind it has its place kept. */
static void gaps(void **state)
{
    struct rig *rig = starving(1);

    (void)state;
    for (unsigned step = 0; step < 2; step++) { /* with memory and without */
        const uint32_t from = 20000 * step;
        unsigned taken = 0;

        if (step == 1) {
            manual_env_fail(&rig->env, 1);
        }
        for (unsigned i = MANY; i > 0; i--) {
            struct flue_frame frame = rig_segment(0, from + 10 * i, 0, 10, FLUE_TCP_ACK);

            frame.payload.stream = 100 + i; /* nothing joins */
            flue_target_receive(rig->target, &frame, rig->env.now_ps);
        }
        rig_wait(rig, 100 * RIG_US);
        rig_peer(rig, 0, from, 0, 10, FLUE_TCP_ACK);
        rig_wait(rig, 100 * RIG_US);
        for (unsigned i = 1; i <= MANY; i++) {
            struct flue_frame frame = rig_segment(0, from + 10 * i, 0, 10, FLUE_TCP_ACK);

            flue_target_receive(rig->target, &frame, rig->env.now_ps);
            rig_wait(rig, 10 * RIG_US);
        }
        for (unsigned i = 0; i < rig_count(rig, RIG_INDICATED); i++) {
            taken += (unsigned)rig_find(rig, RIG_INDICATED, i)->bytes;
        }
        assert_int_equal(taken, step == 0 ? 10 * (MANY + 1) : taken);
        if (step == 0) {
            rig_peer(rig, 0, 10 * (MANY + 1), 0, 20000 - 10 * (MANY + 1) > 1460 ? 1460 : 1, FLUE_TCP_ACK);
            rig_wait(rig, 10 * RIG_US);
        }
    }
    rig_finish(rig, 1);
    manual_env_fail(&rig->env, 0);
    rig_free(rig);
}

/* What an adapter has to say of itself: the last of it counts. */
static void statuses(void **state)
{
    struct rig *rig = starving(1);

    (void)state;
    manual_env_fail(&rig->env, 1);
    for (unsigned i = 0; i < MANY; i++) {
        flue_target_pause(rig->target);
        flue_target_link(rig->target, 0);
        flue_target_resume(rig->target);
        flue_target_link(rig->target, 1);
    }
    flue_target_upload_all(rig->target);
    rig_wait(rig, 500 * RIG_US);
    assert_true(rig_count(rig, RIG_STATUS) > 2);
    for (unsigned last = rig_count(rig, RIG_STATUS); last > 0; last--) {
        const struct rig_log *entry = rig_find(rig, RIG_STATUS, last - 1);

        if (entry->bytes != (uint32_t)NDIS_STATUS_LINK_STATE) {
            assert_int_equal(entry->bytes, (uint32_t)NDIS_STATUS_UPLOAD_ALL);
            break;
        }
        assert_int_equal(entry->extra, 1);
    }
    rig_finish(rig, 1);
    manual_env_fail(&rig->env, 0);
    rig_free(rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(sends), cmocka_unit_test(receives),
                                              cmocka_unit_test(gaps), cmocka_unit_test(statuses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
