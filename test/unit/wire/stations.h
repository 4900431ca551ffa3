/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/wire/stations.h - nodes that only note what they hear, on a network of many. */
#ifndef FLUE_TEST_UNIT_WIRE_STATIONS_H
#define FLUE_TEST_UNIT_WIRE_STATIONS_H

#include "flue/net.h"

enum { STATIONS = 8, HEARD = 16 };

struct station {
    unsigned heard; /* frames in all; the last HEARD are kept */
    struct flue_frame frame[HEARD];
    flue_ps at_ps[HEARD];
    unsigned alarms, ups, downs;
    struct flue_net *net;
};

struct stations {
    struct flue_net net;
    struct station station[STATIONS];
};

static inline void station_receive(void *ctx, const struct flue_frame *frame)
{
    struct station *station = ctx;

    station->frame[station->heard % HEARD] = *frame;
    station->at_ps[station->heard % HEARD] = station->net->now(station->net->ctx);
    station->heard++;
}

static inline void station_alarm(void *ctx)
{
    ((struct station *)ctx)->alarms++;
}

static inline void station_link(void *ctx, int up)
{
    struct station *station = ctx;

    station->ups += up != 0;
    station->downs += up == 0;
}

/* Attaches a station to each of `count` nodes of stations->net. */
static inline void stations_attach(struct stations *stations, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct flue_net_client client = {
            .ctx = &stations->station[i], .receive = station_receive, .alarm = station_alarm, .link = station_link};

        stations->station[i] = (struct station){.net = &stations->net};
        stations->net.attach(stations->net.ctx, i, &client);
    }
}

/* Sends from a node, with its own address as the source. */
static inline enum flue_wire_result stations_send(struct stations *stations, unsigned from, struct flue_frame frame)
{
    const struct flue_wire *wire = stations->net.wire(stations->net.ctx, from);

    for (unsigned i = 0; i < 6; i++)
        frame.src_mac[i] = wire->facts.mac[i];
    return wire->send(wire->ctx, &frame);
}

/* Until nothing is left to do. */
static inline void stations_run(struct stations *stations)
{
    stations->net.run(stations->net.ctx, FLUE_PS_NEVER);
}

/* What was heard last. */
static inline const struct flue_frame *stations_last(const struct stations *stations, unsigned node)
{
    return &stations->station[node].frame[(stations->station[node].heard - 1) % HEARD];
}

/* A TCP segment of 40 bytes and this payload from one IPv4 address to another. */
static inline struct flue_frame stations_segment(uint32_t seq, uint32_t payload_bytes)
{
    return (struct flue_frame){.ethertype = FLUE_ETHERTYPE_IPV4,
                               .src_ip = flue_ip_v4(UINT32_C(0x0a000001)),
                               .dst_ip = flue_ip_v4(UINT32_C(0x0a000002)),
                               .src_port = 40000,
                               .dst_port = 80,
                               .seq = seq,
                               .flags = FLUE_TCP_ACK,
                               .ttl = 64,
                               .payload = {.stream = 1, .length_bytes = payload_bytes}};
}

#endif
