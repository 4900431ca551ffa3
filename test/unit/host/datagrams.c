/* SPDX-License-Identifier: GPL-2.0-only */
/* What comes besides plain segments: ICMP errors, fragments, datagrams with options.  The host over a scripted adapter.
 */
#include "host/host.h"

#include "cases.h"

#define ROUTER_A 0x0a0000fau

static void too_big(uint32_t seq, uint16_t mtu_bytes)
{
    struct flue_frame frame = {.src_ip = flue_ip_v4(ROUTER_A),
                               .dst_ip = flue_ip_v4(HOST_IP),
                               .src_port = HOST_PORT,
                               .dst_port = 1000,
                               .seq = seq,
                               .flags = 3,
                               .options = 4,
                               .mss = mtu_bytes,
                               .ethertype = FLUE_ETHERTYPE_IPV4,
                               .kind = FLUE_FRAME_ICMP};

    frame.quoted_ip = flue_ip_v4(PEER_IP);
    peer_frame(&f, &frame);
}

/* Software: smaller segments.  Offloaded: an update of the path, within bounds (behaviour 9.1). */
static void smaller_mtu(void **state)
{
    (void)state;
    open_all("never", 256, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 1400), FLUE_OK);
    adapter_sent(&f);
    too_big(f.sent[0].seq, 1000);
    f.sent_count = 0;
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 1400), FLUE_OK);
    assert_true(f.sent_count >= 2 && f.sent[0].payload.length_bytes <= 960);
    adapter_sent(&f);
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
    too_big(0, 900);
    expect_log(&f, "update P*");
    assert_int_equal(((const PATH_OFFLOAD_STATE_CACHED *)(const void *)flue_state_first(f.updated[0]))->PathMtu, 900);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    too_big(0, 1200); /* no smaller: nothing */
    too_big(0, 60);   /* nobody's MTU */
    expect_log(&f, "update P*");
    assert_int_equal(((const PATH_OFFLOAD_STATE_CACHED *)(const void *)flue_state_first(f.updated[0]))->PathMtu, 576);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    fixture_end(&f, 1);
}

/* Fragments in any order make the segment; a repeated one does no harm, an overlap ends the datagram. */
static void fragments(void **state)
{
    static const struct {
        uint16_t from, payload;
        uint8_t last;
    } pieces[] = {{0, 100, 0}, {120, 80, 0}, {200, 33, 1}};
    static const uint8_t orders[][4] = {{0, 1, 2, 9}, {2, 1, 0, 9}, {1, 1, 2, 0}, {1, 0, 0, 2}};

    (void)state;
    for (unsigned order = 0; order < COUNT_OF(orders); order++) {
        for (unsigned offloaded = 0; offloaded < 2; offloaded++) {
            open_all("never", 256, 1);
            if (offloaded != 0) {
                offload(0, 1);
                adapter_initiated(&f, 0, 0);
                f.log[0] = '\0';
            }
            for (unsigned i = 0; i < 4 && orders[order][i] != 9; i++) {
                const unsigned k = orders[order][i];
                struct flue_frame frame = {.src_ip = flue_ip_v4(PEER_IP),
                                           .dst_ip = flue_ip_v4(HOST_IP),
                                           .ip_id = 77,
                                           .src_port = 1000,
                                           .dst_port = HOST_PORT,
                                           .seq = f.peers[0].seq,
                                           .ack = f.peers[0].ack,
                                           .window = 1000,
                                           .flags = FLUE_TCP_ACK,
                                           .ethertype = FLUE_ETHERTYPE_IPV4,
                                           .kind = FLUE_FRAME_FRAGMENT,
                                           .fragment =
                                               (uint16_t)(pieces[k].from | (pieces[k].last ? 0 : FLUE_FRAGMENT_MORE)),
                                           .payload = {.stream = 0,
                                                       .offset_bytes = pieces[k].from == 0 ? 0 : pieces[k].from - 20u,
                                                       .length_bytes = pieces[k].payload}};

                expect_log(&f, "");
                peer_frame(&f, &frame);
            }
            expect_log(&f, offloaded ? "0: forward +0+213" : "0: received 213");
            fixture_end(&f, 1);
        }
    }
}

/* A datagram with options is stripped, and forwarded if the target has the connection (15.7). */
static void options(void **state)
{
    struct flue_frame frame = {.src_ip = flue_ip_v4(PEER_IP),
                               .dst_ip = flue_ip_v4(HOST_IP),
                               .src_port = 1000,
                               .dst_port = HOST_PORT,
                               .window = 1000,
                               .flags = FLUE_TCP_ACK,
                               .ip = FLUE_IP_OPTIONS,
                               .ethertype = FLUE_ETHERTYPE_IPV4,
                               .payload = {.length_bytes = 5}};

    (void)state;
    open_offloaded();
    frame.seq = f.peers[0].seq;
    frame.ack = f.peers[0].ack;
    peer_frame(&f, &frame);
    expect_log(&f, "0: forward +0+5");
    assert_int_equal(ndis_nbl_frame(f.peers[0].forwards)->ip, 0);
    fixture_end(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(smaller_mtu), cmocka_unit_test(fragments),
                                       cmocka_unit_test(options)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
