/* SPDX-License-Identifier: GPL-2.0-only */
/* A target that wants everything back takes no more data for a connection that it held at that moment, until the
 * connection is terminated, whatever it says meanwhile; and it answers in the order in which it was asked (CH-168,
 * CH-170, CH-228, D-29, D-39). */
#include "rig.h"

static struct rig *offloaded(void)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, 1);
    return rig;
}

/* Statuses and bytes of the sends that have completed, in this order. */
static void check_sent(const struct rig *rig, const NDIS_STATUS *statuses, unsigned count)
{
    assert_int_equal(rig_count(rig, RIG_SENT), count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(rig_find(rig, RIG_SENT, i)->status, statuses[i]);
        assert_int_equal(rig_find(rig, RIG_SENT, i)->bytes, statuses[i] == NDIS_STATUS_SUCCESS ? 100 : 0);
    }
}

enum { RESUME_NEVER, RESUME_AT_ONCE, RESUME_LATER };

/* One send before, one after the request, one after it was withdrawn; the first is or is not acknowledged. */
static void refuses_until_the_terminate(void **state)
{
    static const struct {
        int resume, acked, before, told;
    } cases[] = {
        {RESUME_NEVER, 0, 0, 0},   {RESUME_AT_ONCE, 0, 0, 0}, {RESUME_LATER, 0, 0, 0}, {RESUME_NEVER, 0, 1, 0},
        {RESUME_AT_ONCE, 0, 1, 0}, {RESUME_LATER, 0, 1, 0},   {RESUME_NEVER, 1, 1, 0}, {RESUME_AT_ONCE, 1, 1, 0},
        {RESUME_LATER, 1, 1, 0},   {RESUME_AT_ONCE, 1, 1, 1}, {RESUME_LATER, 0, 1, 1},
    };
    static const NDIS_STATUS some[] = {NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS,
                                       NDIS_STATUS_UPLOAD_IN_PROGRESS};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = offloaded();
        const unsigned before = cases[i].before != 0, done = cases[i].acked != 0;
        const unsigned most = 2 + done;
        const unsigned first = 1 - done; /* of `some` */

        if (before) {
            rig_send(rig, 0, 0, 100);
            rig_wait(rig, 20 * RIG_US);
        }
        flue_target_upload_all(rig->target);
        if (cases[i].told) {
            rig_wait(rig, 20 * RIG_US);
        }
        if (cases[i].resume == RESUME_AT_ONCE) {
            flue_target_resume(rig->target);
        }
        rig_send(rig, 0, 100 * before, 100);
        rig_wait(rig, 20 * RIG_US);
        if (cases[i].resume == RESUME_LATER) {
            flue_target_resume(rig->target);
        }
        rig_send(rig, 0, 100 + 100 * before, 100);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig->sent, before);
        assert_int_equal(rig_count(rig, RIG_SENT), before ? 0 : 2); /* behind one that may yet succeed */
        if (done) {
            rig_peer(rig, 0, 0, 100, 0, FLUE_TCP_ACK);
            rig_wait(rig, 20 * RIG_US);
            check_sent(rig, some, 3);
        }
        assert_int_equal(rig->sent, before); /* nothing follows what has failed */
        rig_terminate(rig, 1, 1);
        rig_wait(rig, 50 * RIG_US);
        check_sent(rig, some + first, most);
        assert_true(rig_place(rig, RIG_SENT, most - 1) < rig_place(rig, RIG_TERMINATED, 0));
        assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), before && !done ? 100 : 0);
        rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
        rig_free(rig);
    }
}

/* A graceful disconnect is data, and the end of it: it waits its turn, and is refused, too.  An abortive one is not. */
static void refuses_to_close(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 2; before++) {
        for (unsigned abortive = 0; abortive < 2; abortive++) {
            struct rig *rig = offloaded();
            const ULONG flags = abortive ? TCP_DISCONNECT_ABORTIVE_CLOSE : TCP_DISCONNECT_GRACEFUL_CLOSE;

            if (before) {
                rig_send(rig, 0, 0, 100);
            }
            rig_wait(rig, 20 * RIG_US);
            flue_target_upload_all(rig->target);
            rig_send(rig, 0, 100 * before, 100);
            flue_target_resume(rig->target);
            rig_disconnect(rig, 0, 100 * before + 100, abortive ? 0 : 50, flags);
            rig_wait(rig, 20 * RIG_US);
            assert_int_equal(rig_frames_with(rig, FLUE_TCP_FIN), 0);
            assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), abortive);
            if (before && !abortive) {
                assert_int_equal(rig_count(rig, RIG_DISCONNECTED), 0);
                rig_peer(rig, 0, 0, 100, 0, FLUE_TCP_ACK);
                rig_wait(rig, 20 * RIG_US);
            }
            assert_int_equal(rig_count(rig, RIG_SENT), 1 + before);
            assert_int_equal(rig_find(rig, RIG_SENT, before)->status,
                             abortive && before ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS);
            assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status,
                             abortive ? NDIS_STATUS_SUCCESS : NDIS_STATUS_UPLOAD_IN_PROGRESS);
            assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->bytes, 0);
            assert_true(rig_place(rig, RIG_SENT, before) < rig_place(rig, RIG_DISCONNECTED, 0));
            rig_finish(rig, 1);
            rig_free(rig);
        }
    }
}

/* What was handed down with the disconnect before the request goes on; nothing behind it is expected. */
static void closes_what_was_closing(void **state)
{
    struct rig *rig = offloaded();

    (void)state;
    rig_send(rig, 0, 0, 100);
    rig_disconnect(rig, 0, 100, 50, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    flue_target_upload_all(rig->target);
    rig_peer(rig, 0, 0, 151, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->bytes, 50);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Sends that wait behind others are answered by whatever ends the connection first. */
static void ends_with_what_comes_first(void **state)
{
    static const struct {
        int frozen; /* 1: Retrieve, 0: the peer's RST */
        NDIS_STATUS status;
        unsigned sent;
    } cases[] = {{1, NDIS_STATUS_UPLOAD_IN_PROGRESS, 1}, {0, NDIS_STATUS_REQUEST_ABORTED, 2}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = offloaded();

        rig_send(rig, 0, 0, 100);
        rig_wait(rig, 20 * RIG_US);
        flue_target_upload_all(rig->target);
        rig_send(rig, 0, 100, 100);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_SENT), 0);
        if (cases[i].frozen) {
            assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_STARVE, 3, rig->conns[0].block.Const.HashValue),
                             FLUE_OK);
        } else {
            rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_RST | FLUE_TCP_ACK);
        }
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_SENT), cases[i].sent);
        assert_int_equal(rig_find(rig, RIG_SENT, cases[i].sent - 1)->status, cases[i].status);
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

/* A connection that is offloaded again, or was never recalled, takes data. */
static void takes_what_comes_after(void **state)
{
    struct rig *rig = offloaded();

    (void)state;
    flue_target_upload_all(rig->target);
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 50 * RIG_US);
    flue_target_resume(rig->target);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig_tree_more(rig, 0);
    rig_initiate(rig, &rig->path_end);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->initiate_status, NDIS_STATUS_SUCCESS);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 100, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_until_the_terminate), cmocka_unit_test(refuses_to_close),
        cmocka_unit_test(closes_what_was_closing),     cmocka_unit_test(ends_with_what_comes_first),
        cmocka_unit_test(takes_what_comes_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
