/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/host/cases.h - what the test programs of the host share: one fixture, and the ways cases begin and end. */
#ifndef FLUE_TEST_HOST_CASES_H
#define FLUE_TEST_HOST_CASES_H

#include <string.h>

#include "fake_adapter.h"
#include "support/test.h"

#define ISS 0xffffff80u /* sequence numbers wrap in every test */

static struct fixture f;

static inline void offload(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        assert_int_equal(flue_host_socket_offload(f.peers[i].socket, f.env.now_ps), FLUE_OK);
    }
}

static inline void offload_012(void *ctx, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
    offload(0, 3);
}

static inline enum flue_holder holder(unsigned i)
{
    return flue_host_socket_holder(f.peers[i].socket);
}

/* Opens peers 0 .. count-1 and forgets their handshakes. */
static inline void open_all(const char *policy, uint32_t tree_connections, unsigned count)
{
    fixture_begin(&f, policy, tree_connections);
    for (unsigned i = 0; i < count; i++) {
        peer_open(&f, i, PEER_IP + (i == 2), ISS);
    }
    adapter_sent(&f);
    f.sent_count = 0;
}

/* One connection that the target holds. */
static inline void open_offloaded(void)
{
    open_all("never", 256, 1);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "initiate N+( P+( T+))\n0: moved to target, at a chosen time");
}

/* Ends connections that the host holds, by a reset, and the offload of path and neighbour. */
static inline void finish(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (f.peers[i].socket != NULL) {
            flue_host_socket_abort(f.peers[i].socket);
        }
    }
    flue_host_release_offload(f.host, f.env.now_ps);
    if (f.terminated_count > 0) {
        adapter_released(&f);
    }
    fixture_end(&f, 0);
}

/* The payload of all frames since the last look, as offsets of the host's stream, must be this. */
static inline void expect_frames(unsigned count, const uint64_t offsets[][2])
{
    unsigned data = 0;

    for (unsigned i = 0; i < f.sent_count; i++) {
        const struct flue_span *payload = &f.sent[i].payload;

        if (payload->length_bytes > 0) {
            assert_true(data < count);
            assert_int_equal(payload->stream & 1, 1);
            assert_int_equal(payload->offset_bytes, offsets[data][0]);
            assert_int_equal(payload->length_bytes, offsets[data][1]);
            data++;
        }
    }
    assert_int_equal(data, count);
    f.sent_count = 0;
}

#endif
