/* SPDX-License-Identifier: GPL-2.0-only */
/* Names, marks, and the state of a connection between its two forms. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "flue/ndischimney.h"
#include "flue/tcp_engine.h"

static void names_are_those_of_the_interface(void **state)
{
    (void)state;
    assert_string_equal(flue_ndis_status_name(NDIS_STATUS_SUCCESS), "NDIS_STATUS_SUCCESS");
    assert_string_equal(flue_ndis_status_name(NDIS_STATUS_PENDING), "NDIS_STATUS_PENDING");
    assert_string_equal(flue_ndis_status_name((NDIS_STATUS)0xC0231004), "NDIS_STATUS_OFFLOAD_TCP_ENTRIES");
    assert_string_equal(flue_ndis_status_name((NDIS_STATUS)0xC0231010), "NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED");
    assert_string_equal(flue_ndis_status_name(NDIS_STATUS_OFFLOAD_PATH_MTU), "NDIS_STATUS_OFFLOAD_PATH_MTU");
    assert_string_equal(flue_ndis_status_name(1), "unknown");
    assert_string_equal(flue_ndis_state_type_name(17), "TcpOffloadState");
    assert_string_equal(flue_ndis_state_type_name(18), "unknown");
    assert_string_equal(flue_ndis_event_name(3), "TcpIndicateRetrieve");
    assert_string_equal(flue_ndis_indication_name(2), "NeighborReachabilityQuery");
    assert_string_equal(flue_ndis_upload_reason_name(11), "HardwareFailure");
    assert_string_equal(flue_ndis_tcp_state_name(0), "TcpConnectionClosed");
    assert_string_equal(flue_ndis_tcp_state_name(10), "TcpConnectionTimeWait");
    assert_string_equal(flue_ndis_tcp_state_name(99), "unknown");
}

static const struct flue_ddi_value *find(const char *name)
{
    size_t count;
    const struct flue_ddi_value *values = flue_ddi_values(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(values[i].name, name) == 0) {
            return &values[i];
        }
    }
    return NULL;
}

static void values_carry_their_marks(void **state)
{
    size_t count;
    const struct flue_ddi_value *values = flue_ddi_values(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(find(values[i].name), &values[i]); /* no name twice */
    }
    assert_int_equal(find("NDIS_STATUS_OFFLOAD_PATH_MTU")->mark, FLUE_MARK_PRIVATE);
    assert_int_equal(find("NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED")->mark, FLUE_MARK_PUBLIC);
    assert_int_equal((NDIS_STATUS)find("NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED")->value,
                     NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED);
    assert_int_equal(find("TCP_FLAG_NAGLING_ENABLED")->mark, FLUE_MARK_UNCONFIRMED);
    assert_int_equal(find("OID_TCP_CONNECTION_OFFLOAD_PARAMETERS")->value, 0xFC030201);
    assert_int_equal(find("sizeof(NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)")->mark, FLUE_MARK_DERIVED);
}

/* Every field gets another value; the largest its member can hold in the second round. */
static void fill(struct flue_tcp_state *state, uint32_t base)
{
    uint32_t i = base;

    memset(state, 0, sizeof *state);
#define MASK_shift       0x0Fu
#define MASK_priority    0x07u
#define MASK_label       0xFFFFFu
#define MASK_flags       0xFFFFu
#define MASK_port        0xFFFFu
#define MASK_bytes       UINT32_MAX
#define MASK_hash        UINT32_MAX
#define MASK_probes      0xFFu
#define MASK_ticks       UINT32_MAX
#define MASK_hops        0xFFu
#define MASK_tos         0xFFu
#define MASK_state       0x0Fu
#define MASK_seq         UINT32_MAX
#define MASK_ticks_x8    0xFFFFu
#define MASK_ticks_x4    0xFFFFu
#define MASK_timestamp   UINT32_MAX
#define MASK_acks        0xFFu
#define MASK_rounds      0xFFu
#define MASK_retransmits 0xFFu
#define FLUE_STATE(class_, name, type, unit, member, since)                                                            \
    state->name = (type)((base == UINT32_MAX ? base : ++i) & MASK_##unit);
#include "flue/state.def"
    state->tuple.local_port = state->local_port;
    state->tuple.remote_port = state->remote_port;
}

static void check_round_trip(uint32_t base)
{
    struct flue_tcp_state in, out;
    TCP_OFFLOAD_STATE_CONST constant;
    TCP_OFFLOAD_STATE_CACHED cached;
    TCP_OFFLOAD_STATE_DELEGATED delegated;

    fill(&in, base);
    memset(&constant, 0xA5, sizeof constant);
    memset(&cached, 0xA5, sizeof cached);
    memset(&delegated, 0xA5, sizeof delegated);
    ndis_state_put(&in, &constant, &cached, &delegated);
    assert_int_equal(constant.Header.Length, 0x18);
    assert_int_equal(cached.Header.Length, 0x2C);
    assert_int_equal(delegated.Header.Length, 0x80);
    assert_int_equal(constant.Header.RecognizedOptions, 0);
    assert_null(delegated.SendDataHead);
    assert_null(delegated.SendDataTail);
    assert_null(delegated.BufferedData);
    assert_int_equal(delegated.DWnd, 0);
    assert_int_equal(delegated.Flags, 0);

    memset(&out, 0, sizeof out);
    ndis_state_get(&out, &constant, &cached, &delegated);
    assert_memory_equal(&out, &in, sizeof in);
}

static void state_round_trip_is_the_identity(void **state)
{
    (void)state;
    check_round_trip(1);
    check_round_trip(0x80);
    check_round_trip(0xFFFFFFE0u); /* sequence numbers around 2^32 */
    check_round_trip(UINT32_MAX);
}

static void state_fields_reach_their_members(void **state)
{
    struct flue_tcp_state in = {.local_port = 0x1234,
                                .snd_wscale = 3,
                                .rcv_wscale = 14,
                                .snd_una = 0xFFFFFFFFu,
                                .ka_delta = FLUE_TICKS_NONE,
                                .rt_count = 7,
                                .flow_label = 0xFFF12345u,
                                .state = FLUE_TCP_CLOSE_WAIT};
    TCP_OFFLOAD_STATE_CONST constant;
    TCP_OFFLOAD_STATE_CACHED cached;
    TCP_OFFLOAD_STATE_DELEGATED delegated;
    UCHAR bytes[sizeof constant];

    (void)state;
    ndis_state_put(&in, &constant, &cached, &delegated);
    memcpy(bytes, &constant, sizeof bytes);
    assert_int_equal(bytes[0x0C], 0x12); /* network byte order */
    assert_int_equal(bytes[0x0D], 0x34);
    assert_int_equal(bytes[0x0E], 0xE3); /* send scale in the low bits */
    assert_int_equal(delegated.SndUna, 0xFFFFFFFFu);
    assert_int_equal(delegated.KeepAlive.TimeoutDelta, FLUE_TICKS_NONE);
    assert_int_equal(delegated.Retransmit.Count, 7);
    assert_int_equal(delegated.State, TcpConnectionCloseWait);
    assert_int_equal(cached.FlowLabel, 0x12345);
}

static void state_skips_what_is_not_given(void **state)
{
    struct flue_tcp_state in, out;
    TCP_OFFLOAD_STATE_DELEGATED delegated;

    (void)state;
    fill(&in, 5);
    ndis_state_put(&in, NULL, NULL, &delegated);
    memset(&out, 0x5A, sizeof out);
    ndis_state_get(&out, NULL, NULL, &delegated);
    assert_int_equal(out.remote_mss, 0x5A5A);
    assert_int_equal(out.max_rt, 0x5A5A5A5A);
    assert_int_equal(out.rcv_nxt, in.rcv_nxt);
    ndis_state_put(&in, NULL, NULL, NULL);
    ndis_state_get(&out, NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_interface), cmocka_unit_test(values_carry_their_marks),
        cmocka_unit_test(state_round_trip_is_the_identity), cmocka_unit_test(state_fields_reach_their_members),
        cmocka_unit_test(state_skips_what_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
