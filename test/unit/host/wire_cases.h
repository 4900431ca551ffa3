/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/host/wire_cases.h - cases of a host whose wire has addresses: what neighbours say, and what they are asked. */
#ifndef FLUE_TEST_HOST_WIRE_CASES_H
#define FLUE_TEST_HOST_WIRE_CASES_H

#include "host/neighbour.h"

#include "cases.h"

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

#define ROUTER_A 0x0a0000fau
#define ROUTER_B 0x0a0000fbu
#define FAR_IP   0x0b000002u

static inline void pass(flue_ps time_ps)
{
    fixture_time(&f, f.env.now_ps + time_ps);
    fixture_run(&f);
}

static inline enum flue_neighbour state_of(uint32_t ip)
{
    const struct flue_ip next_hop = flue_ip_v4(ip);
    enum flue_neighbour state = FLUE_NEIGHBOUR_COUNT;

    assert_int_equal(flue_host_neighbour_state(f.host, &next_hop, &state), FLUE_OK);
    return state;
}

/* A neighbour with this address says something: a request to, or an answer to, the host. */
static inline void speak(uint32_t ip, uint8_t mac, enum flue_neighbour_op op, bool to_all)
{
    struct flue_frame frame = {.src_ip = flue_ip_v4(ip),
                               .dst_ip = flue_ip_v4(HOST_IP),
                               .flags = (uint8_t)op,
                               .ethertype = FLUE_ETHERTYPE_ARP,
                               .kind = FLUE_FRAME_ARP,
                               .src_mac = {2, 0, 0, 0, 0, mac}};

    memcpy(frame.dst_mac, to_all ? all : own_mac, sizeof frame.dst_mac);
    peer_frame(&f, &frame);
}

/* Requests of the host since the last look; they are taken off. */
static inline unsigned asked(uint32_t ip, const uint8_t to[6])
{
    unsigned count = 0;

    for (unsigned i = 0; i < f.sent_count; i++) {
        const struct flue_frame *frame = &f.sent[i];

        if (frame->kind == FLUE_FRAME_ARP && frame->flags == FLUE_NEIGHBOUR_REQUEST && frame->dst_ip.word[3] == ip) {
            assert_memory_equal(frame->dst_mac, to, 6);
            assert_memory_equal(frame->src_mac, own_mac, 6);
            assert_int_equal(frame->src_ip.word[3], HOST_IP);
            count++;
        }
    }
    adapter_sent(&f);
    f.sent_count = 0;
    return count;
}

static inline void begin(void)
{
    fixture_begin(&f, "never", 256);
    assert_int_equal(flue_host_link(f.host, 0, own_mac, 1500), FLUE_OK);
}

/* A handshake over a wire with addresses: the SYN-ACK waits for the answer. */
static inline void open_over(unsigned i, uint32_t ip, uint32_t hop, uint8_t mac)
{
    f.peers[i] = (struct peer){.ip = ip, .port = (uint16_t)(1000 + i), .seq = ISS};
    peer_segment(&f, i, 0, 0, FLUE_TCP_SYN);
    if (asked(hop, all) > 0) {
        speak(hop, mac, FLUE_NEIGHBOUR_ANSWER, false);
    } else {
        fixture_run(&f);
    }
    peer_segment(&f, i, 0, 0, FLUE_TCP_ACK);
    assert_non_null(f.peers[i].socket);
    adapter_sent(&f);
    f.sent_count = 0;
}

static inline void hand_over(unsigned i)
{
    offload(i, 1);
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
}

static inline uint32_t reachability_query(uint32_t answer_before)
{
    struct {
        NDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_CONST constant;
        ULONG pad0;
        NEIGHBOR_OFFLOAD_STATE_CACHED cached;
        ULONG pad1;
        NEIGHBOR_OFFLOAD_STATE_DELEGATED delegated;
    } query = {.block = {.Header = {NeighborOffloadState, 1, 0x98}},
               .constant = {.Header = {.Length = sizeof query.constant}},
               .cached = {.Header = {.Length = sizeof query.cached},
                          .DlDestinationAddress = {2, 0, 0, 0, 0, 5},
                          .HostReachabilityDelta = answer_before},
               .delegated = {.Header = {.Length = sizeof query.delegated}}};

    NdisMOffloadEventIndicate(f.adapter, &query.block, NeighborReachabilityQuery);
    return query.cached.HostReachabilityDelta;
}

#endif
