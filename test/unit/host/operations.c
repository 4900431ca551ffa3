/* SPDX-License-Identifier: GPL-2.0-only */
/* Updates, queries, invalidation, relinking, pause and power: the host over a scripted adapter. */
#include "cases.h"

static const TCP_OFFLOAD_STATE_CACHED *tcp_cached(unsigned i)
{
    assert_true(f.updated_count > i);
    assert_int_equal(f.updated[i]->Header.Type, TcpOffloadCachedState);
    return (const void *)flue_state_first(f.updated[i]);
}

static void change_ttl(unsigned i, uint8_t ttl)
{
    struct flue_tcp_settings settings;

    assert_int_equal(flue_host_socket_settings(f.peers[i].socket, &settings), FLUE_OK);
    settings.ttl = ttl;
    assert_int_equal(flue_host_socket_change(f.peers[i].socket, &settings, f.env.now_ps), FLUE_OK);
}

/* ---- Update */

/* A neighbour's new address and a path's new MTU are told (behaviour 9.1), each in its own layer's tree. */
static void neighbour_and_path(void)
{
    open_offloaded();
    flue_host_neighbour(f.host, (const uint8_t[6]){2, 0, 0, 0, 0, 7}, 1400);
    fixture_run(&f);
    expect_log(&f, "update N*\nupdate P*");
    assert_int_equal(
        ((const NEIGHBOR_OFFLOAD_STATE_CACHED *)(const void *)flue_state_first(f.updated[0]))->DlDestinationAddress[5],
        7);
    assert_int_equal(((const PATH_OFFLOAD_STATE_CACHED *)(const void *)flue_state_first(f.updated[1]))->PathMtu, 1400);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "");
    fixture_end(&f, 1);
}

/* Every cached variable arrives, with the commands that go with it (CH-092, D-19, D-20); what changes while an update
 * runs follows in one more (CH-087). */
static void update_one_at_a_time(void **state)
{
    struct flue_tcp_settings settings;

    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_settings(f.peers[0].socket, &settings), FLUE_OK);
    settings.keep_alive = 1;
    settings.keep_idle_ps = 7 * FLUE_PS_PER_S;
    settings.keep_interval_ps = 2 * FLUE_PS_PER_S;
    settings.keep_count = 4;
    settings.rcv_buffer_bytes = 30000;
    settings.user_timeout_ps = 9 * FLUE_PS_PER_S;
    settings.rcv_indication_size = 100;
    settings.tos = 0x20;
    settings.user_priority = 5;
    settings.flow_label = 0x12345;
    settings.nagle = 0;
    assert_int_equal(flue_host_socket_change(f.peers[0].socket, &settings, f.env.now_ps), FLUE_OK);
    expect_log(&f, "update T*");
    assert_int_equal(tcp_cached(0)->KaTimeout, 7000);
    assert_int_equal(tcp_cached(0)->KaInterval, 2000);
    assert_int_equal(tcp_cached(0)->KaProbeCount, 4);
    assert_int_equal(tcp_cached(0)->InitialRcvWnd, 30000);
    assert_int_equal(tcp_cached(0)->MaxRT, 9000);
    assert_int_equal(tcp_cached(0)->RcvIndicationSize, 100);
    assert_int_equal(tcp_cached(0)->TosOrTrafficClass, 0x20);
    assert_int_equal(tcp_cached(0)->UserPriority, 5);
    assert_int_equal(tcp_cached(0)->FlowLabel, 0x12345);
    assert_int_equal(tcp_cached(0)->Flags, TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_KEEP_ALIVE_RESTART |
                                               TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_UPDATE_RCV_WND);
    change_ttl(0, 30);
    change_ttl(0, 31);
    expect_log(&f, "");
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "update T*");
    assert_int_equal(tcp_cached(0)->TtlOrHopLimit, 31);
    assert_int_equal(tcp_cached(0)->Flags, TCP_FLAG_KEEP_ALIVE_ENABLED); /* commands act once */
    change_ttl(0, 31);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "");
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate T*\n0: moved to host, at a chosen time");
    assert_int_equal(flue_host_socket_settings(f.peers[0].socket, &settings), FLUE_OK);
    assert_int_equal(settings.ttl, 31); /* and come back with the connection */
    assert_int_equal(settings.keep_count, 4);
    assert_int_equal(settings.rcv_buffer_bytes, 30000);
    finish(1);
    neighbour_and_path();
}

/* None while it is being offloaded (CH-087, CH-055), and a terminate waits for its end (CH-114, D-27). */
static void update_waits_and_is_waited_for(void **state)
{
    (void)state;
    open_all("never", 256, 1);
    offload(0, 1);
    change_ttl(0, 9);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: moved to target, at a chosen time\nupdate T*");
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    expect_log(&f, "");
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate T*");
    change_ttl(0, 10); /* while it comes back: in software at once */
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, at a chosen time");
    adapter_sent(&f);
    f.sent_count = 0;
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 10), FLUE_OK);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].ttl, 10);
    finish(1);
}

/* Refused initiate: the change is not lost. */
static void change_survives_refusal(void **state)
{
    struct flue_tcp_settings settings;

    (void)state;
    open_all("never", 256, 1);
    offload(0, 1);
    change_ttl(0, 9);
    adapter_initiated(&f, 1, 0);
    assert_int_equal(flue_host_socket_settings(f.peers[0].socket, &settings), FLUE_OK);
    assert_int_equal(settings.ttl, 9);
    finish(1);
}

/* The object whose update failed is terminated (CH-091): connection, path, neighbour. */
static void failed_update_ends_offload(void **state)
{
    (void)state;
    open_offloaded();
    change_ttl(0, 9);
    adapter_updated(&f, NDIS_STATUS_FAILURE);
    expect_log(&f, "update T*\nterminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, an update or a query failed");
    finish(1);
    open_offloaded();
    flue_host_neighbour(f.host, (const uint8_t[6]){2, 0, 0, 0, 0, 9}, 1400);
    fixture_run(&f);
    expect_log(&f, "update P*");
    adapter_updated(&f, NDIS_STATUS_FAILURE);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, its next hop is gone\nterminate P*");
    adapter_released(&f);
    finish(1);
}

/* ---- Query */

static unsigned told_count;
static uint32_t told_backlog;

static void told(void *ctx, struct flue_host_socket *socket, const TCP_OFFLOAD_STATE_DELEGATED *delegated,
                 flue_ps at_ps)
{
    (void)ctx, (void)socket, (void)at_ps;
    told_count++;
    told_backlog = delegated == NULL ? 0 : delegated->SendBacklogSize;
}

/* Several at a time (CH-095); a terminate waits for all; a failed one ends the offload (CH-096). */
static void query(void **state)
{
    (void)state;
    told_count = 0;
    open_offloaded();
    assert_int_equal(flue_host_socket_query(f.peers[0].socket, told, NULL, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_socket_query(f.peers[0].socket, told, NULL, f.env.now_ps), FLUE_OK);
    expect_log(&f, "query T*\nquery T*");
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_socket_query(f.peers[0].socket, told, NULL, f.env.now_ps), FLUE_ESTATE);
    adapter_queried(&f, 1234, NDIS_STATUS_SUCCESS);
    assert_int_equal(told_count, 1);
    assert_int_equal(told_backlog, 1234);
    expect_log(&f, "");
    adapter_queried(&f, 0, NDIS_STATUS_FAILURE);
    assert_int_equal(told_count, 2);
    assert_int_equal(told_backlog, 0);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    finish(1);
}

static void failed_query_ends_offload(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_query(f.peers[0].socket, told, NULL, f.env.now_ps), FLUE_OK);
    adapter_queried(&f, 0, NDIS_STATUS_FAILURE);
    expect_log(&f, "query T*\nterminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    finish(1);
}

/* ---- Invalidate and relink */

/* What is invalid is neither updated nor used for new connections, and goes in the end (CH-087, CH-110). */
static void invalidate(void **state)
{
    (void)state;
    open_all("never", 256, 2);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "initiate N+( P+( T+))\n0: moved to target, at a chosen time");
    assert_int_equal(flue_host_invalidate_neighbour(f.host, NULL, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_invalidate_neighbour(f.host, NULL, f.env.now_ps), FLUE_ESTATE);
    expect_log(&f, "invalidate N*");
    flue_host_neighbour(f.host, (const uint8_t[6]){2, 0, 0, 0, 0, 7}, 1500);
    offload(1, 1);
    fixture_run(&f);
    adapter_invalidated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "");
    adapter_event(&f, 0, TcpIndicateRetrieve, InvalidState);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target asked\nterminate N*( P*)");
    adapter_released(&f);
    expect_log(&f, "initiate N+( P+( T+))"); /* the one that waited */
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* Two paths move to a new next hop in one tree, the old one goes (behaviour 9.2). */
static void relink(void **state)
{
    const struct flue_ip to = flue_ip_v4(0x0a0000fe);
    struct flue_host_totals totals;

    (void)state;
    open_all("never", 256, 3);
    flue_host_run(f.host, f.env.now_ps, offload_012, NULL);
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
    assert_int_equal(flue_host_relink(f.host, NULL, &to, f.env.now_ps), FLUE_OK);
    expect_log(&f, "initiate N+");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "update N*( P* P*)");
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate N*");
    adapter_released(&f);
    flue_host_totals(f.host, &totals);
    assert_int_equal(totals.relinked, 2);
    assert_int_equal(flue_host_socket_upload(f.peers[1].socket, f.env.now_ps), FLUE_OK);
    adapter_terminated(&f, 1, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    f.log[0] = '\0';
    offload(1, 1);
    expect_log(&f, "initiate N*( P*( T+))"); /* a chain of linkers, under the new one */
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* While a path is being relinked its parent is not settled: a placeholder stands for it. */
static void placeholder_during_relink(void **state)
{
    const struct flue_ip to = flue_ip_v4(0x0a0000fe);

    (void)state;
    open_all("never", 256, 2);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(flue_host_relink(f.host, NULL, &to, f.env.now_ps), FLUE_OK);
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
    offload(1, 1);
    expect_log(&f, "initiate N-( P*( T+))");
    adapter_initiated(&f, 0, 0);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "1: moved to target, at a chosen time\nterminate N*");
    fixture_end(&f, 1);
}

/* The new next hop is refused: the connections come back, and nothing is left behind. */
static void relink_refused(void **state)
{
    const struct flue_ip to = flue_ip_v4(0x0a0000fe);
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root;

    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_relink(f.host, NULL, &to, f.env.now_ps), FLUE_OK);
    expect_log(&f, "initiate N+");
    root = f.initiated[0];
    f.initiated_count--;
    root->Status = NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES;
    NdisMInitiateOffloadComplete(f.adapter, root);
    fixture_run(&f);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, its next hop is gone\nterminate N*( P*)");
    adapter_released(&f);
    finish(1);
}

/* ---- Pause, resume, power */

static void indicate_status(NDIS_STATUS status, void *buffer, uint32_t bytes)
{
    NDIS_STATUS_INDICATION indication = {
        .SourceHandle = f.adapter, .StatusCode = status, .StatusBuffer = buffer, .StatusBufferSize = bytes};

    NdisMIndicateStatusEx(f.adapter, &indication);
    fixture_run(&f);
}

/* A capability that came with the resumption rules the next initiate (CH-306, CH-309). */
static void resume_with_less(void **state)
{
    NDIS_TCP_CONNECTION_OFFLOAD capability = {.SupportIPv6 = 1};

    (void)state;
    open_all("never", 256, 1);
    indicate_status(NDIS_STATUS_OFFLOAD_PAUSE, NULL, 0);
    assert_int_equal(flue_host_socket_offload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
    indicate_status(NDIS_STATUS_OFFLOAD_RESUME, &capability, sizeof capability);
    assert_int_equal(flue_host_socket_offload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
    capability.SupportIPv4 = 1;
    indicate_status(NDIS_STATUS_OFFLOAD_RESUME, &capability, sizeof capability);
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* An adapter that says what it can do is told at once what offloaded connections are to be like (CH-300, CH-302). */
static void parameters(void **state)
{
    static const NDIS_TCP_CONNECTION_OFFLOAD capability = {.SupportIPv4 = 1, .TcpConnectionOffloadCapacity = 9};
    NDIS_HANDLE second;

    (void)state;
    open_all("never", 256, 1);
    assert_int_equal(f.parameters.TicksPerSecond, 0); /* the first one says nothing */
    f.capability = &capability;
    assert_int_equal(flue_ndis_adapter_start(f.ndis, f.driver, "second", &f, &second), FLUE_OK);
    assert_int_equal(f.parameters.Header.Type, NDIS_OBJECT_TYPE_DEFAULT);
    assert_int_equal(f.parameters.Header.Revision, NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2);
    assert_int_equal(f.parameters.Header.Size, 0x3c);
    assert_int_equal(f.parameters.TicksPerSecond, 1000);
    assert_int_equal(f.parameters.TcpAckFrequency, 2);
    assert_int_equal(f.parameters.TcpDelayedAckTicks, 40);
    assert_int_equal(f.parameters.TcpMaximumRetransmissions, 15);
    assert_int_equal(f.parameters.TcpDuplicateAckThreshold, 3);
    assert_int_equal(f.parameters.TcpPushTicks, 500);
    assert_int_equal(f.parameters.NceStaleTicks, 30000);
    fixture_end(&f, 1);
}

/* Hardware that failed gets nothing before it resumes (D-35). */
static void broken_hardware(void **state)
{
    (void)state;
    open_all("never", 256, 2);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    adapter_event(&f, 0, TcpIndicateRetrieve, HardwareFailure);
    adapter_event(&f, 0, TcpIndicateAbort, 0);
    f.log[0] = '\0';
    adapter_terminated(&f, 0, 0, 0, 0, NDIS_STATUS_FAILURE);
    expect_log(&f, "0: closed 4"); /* lost (D-32) */
    assert_int_equal(flue_host_socket_offload(f.peers[1].socket, f.env.now_ps), FLUE_ESTATE);
    indicate_status(NDIS_STATUS_OFFLOAD_RESUME, NULL, 0);
    offload(1, 1);
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

static unsigned powered;

static void power_done(void *ctx, NDIS_STATUS status)
{
    (void)ctx;
    assert_int_equal(status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_NOT_SUPPORTED, 1);
    powered++;
}

/* Everything comes back before the host agrees to sleep (CH-310); awake, it may offload again. */
static void sleep_and_wake(void **state)
{
    (void)state;
    powered = 0;
    open_offloaded();
    flue_ndis_set_power(f.ndis, f.adapter, NetDeviceStateD3, power_done, NULL);
    fixture_run(&f);
    assert_int_equal(powered, 0);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target wants all back\nterminate N*( P*)");
    assert_int_equal(powered, 0);
    assert_int_equal(flue_host_socket_offload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
    adapter_released(&f);
    assert_int_equal(powered, 1);
    flue_ndis_set_power(f.ndis, f.adapter, NetDeviceStateD0, power_done, NULL);
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* What the adapter offers meanwhile does not keep it awake: everything still goes. */
static void resumed_on_the_way_to_sleep(void **state)
{
    (void)state;
    powered = 0;
    open_offloaded();
    flue_ndis_set_power(f.ndis, f.adapter, NetDeviceStateD3, power_done, NULL);
    fixture_run(&f);
    expect_log(&f, "terminate T*");
    indicate_status(NDIS_STATUS_OFFLOAD_RESUME, NULL, 0);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target wants all back\nterminate N*( P*)");
    adapter_released(&f);
    assert_int_equal(powered, 1);
    finish(1);
}

/* An adapter that is stopped while it is going to sleep: both are answered when nothing is left on it. */
static void stopped_on_the_way_to_sleep(void **state)
{
    (void)state;
    powered = 0;
    open_offloaded();
    flue_ndis_set_power(f.ndis, f.adapter, NetDeviceStateD3, power_done, NULL);
    fixture_run(&f);
    assert_int_equal(flue_ndis_adapter_stop(f.ndis, f.adapter), FLUE_ESTATE);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    assert_int_equal(powered, 0);
    adapter_released(&f); /* finish() stops it */
    assert_int_equal(powered, 1);
    finish(1);
}

/* Switched off for IPv4: those that are offloaded come back, then the adapter is told, and none goes; switched on, the
 * adapter is told first (CH-305, D-54). */
static void switched_off(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_chimney(f.host, 0, 4, 0, f.env.now_ps), FLUE_OK);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target wants all back\nswitch IPv4 1, IPv6 0");
    assert_int_equal(flue_host_socket_offload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
    assert_int_equal(flue_host_chimney(f.host, 0, 4, 0, f.env.now_ps), FLUE_OK); /* it knows */
    assert_int_equal(flue_host_chimney(f.host, 0, 6, 0, f.env.now_ps), FLUE_OK);
    expect_log(&f, "switch IPv4 0, IPv6 1");
    assert_int_equal(flue_host_chimney(f.host, 0, 4, 1, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_chimney(f.host, 0, 4, 1, f.env.now_ps), FLUE_OK);
    expect_log(&f, "switch IPv4 2, IPv6 0");
    assert_int_equal(flue_host_chimney(f.host, 1, 4, 1, f.env.now_ps), FLUE_EINVAL);
    assert_int_equal(flue_host_chimney(f.host, 0, 5, 1, f.env.now_ps), FLUE_EINVAL);
    fixture_run(&f);
    offload(0, 1);
    expect_log(&f, "initiate N*( P*( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* On again before the last has come back: the adapter was never told, and hears nothing. */
static void switched_off_and_on(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_chimney(f.host, 0, 4, 0, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_chimney(f.host, 0, 4, 1, f.env.now_ps), FLUE_OK);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target wants all back");
    finish(1);
}

/* ---- Reasons to come back */

static void tune_back_off(struct flue_host_params *params)
{
    params->ddi = flue_ddi_defaults();
    params->reoffer = 1;
    params->heed_advice = 1u << SmallIO;
}

/* Advice is followed as the parameter says, orders always (CH-258); then the connection waits, twice as long each
 * time, and goes again (D-35). */
static void reasons(void **state)
{
    static const struct {
        uint8_t reason, heeded;
    } cases[] = {{LowActivity, 0},        {HighDropRate, 0},      {SmallIO, 1},
                 {NoBufferPreposting, 0}, {HighFragmentation, 0}, {HighOutOfOrderPackets, 0},
                 {ReceivedUrgentData, 1}, {InvalidState, 1},      {UploadRequested, 1},
                 {HardwareFailure, 1}};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        fixture_begin_tuned(&f, "never", 256, tune_back_off);
        peer_open(&f, 0, PEER_IP, ISS);
        adapter_sent(&f);
        offload(0, 1);
        adapter_initiated(&f, 0, 0);
        f.log[0] = '\0';
        adapter_event(&f, 0, TcpIndicateRetrieve, cases[i].reason);
        expect_log(&f, cases[i].heeded ? "terminate T*" : "");
        fixture_end(&f, 1);
    }
}

static void back_off(void **state)
{
    flue_ps wait_ps = FLUE_PS_PER_S;

    (void)state;
    fixture_begin_tuned(&f, "never", 256, tune_back_off);
    peer_open(&f, 0, PEER_IP, ISS);
    adapter_sent(&f);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    for (unsigned i = 0; i < 3; i++, wait_ps *= 2) {
        adapter_event(&f, 0, TcpIndicateRetrieve, InvalidState);
        adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
        assert_int_equal(flue_host_socket_offload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
        f.log[0] = '\0';
        fixture_time(&f, f.env.now_ps + wait_ps - 1);
        fixture_run(&f);
        expect_log(&f, "");
        fixture_time(&f, f.env.now_ps + 1);
        fixture_run(&f);
        expect_log(&f, "initiate N*( P*( T+))");
        adapter_initiated(&f, 0, 0);
    }
    fixture_end(&f, 1);
}

/* What an adapter wanted back as a whole goes again as soon as it resumes, without a back-off; what it gave up before,
 * after its own (D-35). */
static void again_after_resumption(void **state)
{
    (void)state;
    fixture_begin_tuned(&f, "never", 256, tune_back_off);
    for (unsigned i = 0; i < 2; i++) {
        peer_open(&f, i, PEER_IP, ISS);
    }
    adapter_sent(&f);
    offload(0, 2);
    adapter_initiated(&f, 0, 0);
    adapter_initiated(&f, 0, 0);
    adapter_event(&f, 1, TcpIndicateRetrieve, InvalidState);
    adapter_terminated(&f, 1, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    indicate_status(NDIS_STATUS_UPLOAD_ALL, NULL, 0);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    fixture_run(&f);
    adapter_released(&f);
    f.log[0] = '\0';
    fixture_time(&f, f.env.now_ps + 500 * FLUE_PS_PER_MS);
    fixture_run(&f);
    expect_log(&f, "");
    indicate_status(NDIS_STATUS_OFFLOAD_RESUME, NULL, 0);
    fixture_run(&f);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
    fixture_time(&f, f.env.now_ps + FLUE_PS_PER_S);
    fixture_run(&f);
    expect_log(&f, "initiate N*( P*( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(update_one_at_a_time),
                                       cmocka_unit_test(update_waits_and_is_waited_for),
                                       cmocka_unit_test(change_survives_refusal),
                                       cmocka_unit_test(failed_update_ends_offload),
                                       cmocka_unit_test(query),
                                       cmocka_unit_test(failed_query_ends_offload),
                                       cmocka_unit_test(invalidate),
                                       cmocka_unit_test(relink),
                                       cmocka_unit_test(placeholder_during_relink),
                                       cmocka_unit_test(relink_refused),
                                       cmocka_unit_test(resume_with_less),
                                       cmocka_unit_test(sleep_and_wake),
                                       cmocka_unit_test(resumed_on_the_way_to_sleep),
                                       cmocka_unit_test(stopped_on_the_way_to_sleep),
                                       cmocka_unit_test(switched_off),
                                       cmocka_unit_test(switched_off_and_on),
                                       cmocka_unit_test(again_after_resumption),
                                       cmocka_unit_test(parameters),
                                       cmocka_unit_test(broken_hardware),
                                       cmocka_unit_test(reasons),
                                       cmocka_unit_test(back_off)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
