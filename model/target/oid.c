/* SPDX-License-Identifier: GPL-2.0-only */
/* target/oid.c - requests to the adapter: the parameters of connection offload, what is enabled, statistics, power
 * (CH-300 to CH-305, CH-320; behaviour 16, interface.md 2.16). */

#include <string.h>

#include "target/target.h"

enum { PARAMETERS_BYTES_1 = 0x38 }; /* without CongestionAlgorithm */

#define SWS_MOST_PS (7 * 24 * 3600 * FLUE_PS_PER_S) /* the longest that the engine takes */

/* ---- Answers ---- */

static NDIS_STATUS reply(PNDIS_OID_REQUEST request, const void *answer, ULONG bytes)
{
    if (request->InformationBufferLength < bytes) {
        request->BytesNeeded = bytes;
        return NDIS_STATUS_BUFFER_TOO_SHORT;
    }
    memcpy(request->InformationBuffer, answer, bytes);
    request->BytesDone = bytes;
    return NDIS_STATUS_SUCCESS;
}

/* The payload of a set, if it is long enough; else NULL, and the request says how long it should be. */
static const void *payload(PNDIS_OID_REQUEST request, ULONG bytes)
{
    if (request->InformationBufferLength < bytes) {
        request->BytesNeeded = bytes;
        return NULL;
    }
    request->BytesDone = bytes;
    return request->InformationBuffer;
}

/* ---- Parameters of connection offload ---- */

static ULONG ticks_of(const struct flue_target *target, flue_ps ps, ULONG most)
{
    const flue_ps ticks = ps / target->params.tcp.tick_ps;

    return ticks > (flue_ps)most ? most : (ULONG)ticks;
}

void oid_init(struct flue_target *target)
{
    const struct flue_tcp_params *tcp = &target->params.tcp;
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS settings = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2, sizeof settings},
        .TicksPerSecond = (ULONG)(FLUE_PS_PER_S / tcp->tick_ps),
        .TcpAckFrequency = (UCHAR)tcp->ack_every,
        .TcpDelayedAckTicks = (UCHAR)ticks_of(target, tcp->delayed_ack_ps, UINT8_MAX),
        .TcpMaximumRetransmissions = (UCHAR)tcp->max_retransmits,
        .TcpDoubtReachabilityRetransmissions = 3,
        .TcpSwsPreventionTicks = ticks_of(target, tcp->sws_override_ps, UINT32_MAX),
        .TcpDuplicateAckThreshold = tcp->dup_ack_threshold,
        .TcpPushTicks = ticks_of(target, TARGET_PUSH_PS, UINT32_MAX),
        .NceStaleTicks = target->params.nce_stale_ticks,
    };

    if (target->params.ddi.ndis_version == FLUE_NDIS_6_0) {
        settings.Header.Revision = NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1; /* D-06 */
        settings.Header.Size = PARAMETERS_BYTES_1;
    }
    target->settings = settings;
    target->push_ps = TARGET_PUSH_PS;
}

/* CH-302. */
static bool well_formed(const NDIS_OBJECT_HEADER *header, ULONG length)
{
    return header->Type == NDIS_OBJECT_TYPE_DEFAULT && header->Size <= length &&
           ((header->Revision == NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1 && header->Size == PARAMETERS_BYTES_1) ||
            (header->Revision == NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2 &&
             header->Size == sizeof(NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS)));
}

/* The engine's share; what the engine does not take is refused as a whole. */
static flue_err retune(struct flue_target *target, const NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS *wanted)
{
    struct flue_tcp_params tcp = target->params.tcp;
    flue_err err;

    tcp.tick_ps = FLUE_PS_PER_S / (flue_ps)wanted->TicksPerSecond;
    tcp.ack_every = wanted->TcpAckFrequency;
    tcp.delayed_ack_ps = (flue_ps)wanted->TcpDelayedAckTicks * tcp.tick_ps;
    tcp.sws_override_ps = (flue_ps)wanted->TcpSwsPreventionTicks * tcp.tick_ps; /* CH-301; what is longer is a week */
    if (tcp.sws_override_ps > SWS_MOST_PS) {
        tcp.sws_override_ps = SWS_MOST_PS;
    }
    tcp.max_retransmits = wanted->TcpMaximumRetransmissions;
    tcp.dup_ack_threshold = wanted->TcpDuplicateAckThreshold;
    err = flue_tcp_retune(target->tcp, &tcp);
    if (err == FLUE_OK) {
        target->params.tcp = tcp;
        target->push_ps = (flue_ps)wanted->TcpPushTicks * tcp.tick_ps;
        target->params.nce_stale_ticks = wanted->NceStaleTicks;
        target->tick_from_ps = 0;
        target->tick_to_ps = 0;
        FLUE_LIST_EACH(hook, &target->all)
        {
            FLUE_CONTAINER_OF(hook, struct target_neighbour, sibling)->fresh_to_ps = 0;
        }
    }
    return err;
}

static bool has_objects(const struct flue_target *target)
{
    return target->totals.neighbours > 0 || target->totals.paths > 0 || target->totals.connections > 0;
}

static NDIS_STATUS set_parameters(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    const NDIS_OBJECT_HEADER *header = (const NDIS_OBJECT_HEADER *)payload(request, PARAMETERS_BYTES_1);
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted = {.CongestionAlgorithm = 0};

    if (header == NULL) {
        return NDIS_STATUS_BUFFER_TOO_SHORT;
    }
    if (!well_formed(header, request->InformationBufferLength)) {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    memcpy(&wanted, header, header->Size);
    if (wanted.TicksPerSecond == 0) {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    if (wanted.TicksPerSecond != target->settings.TicksPerSecond && has_objects(target)) {
        return NDIS_STATUS_INVALID_STATE; /* D-21 */
    }
    if (retune(target, &wanted) != FLUE_OK) {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    request->BytesDone = header->Size;
    target->settings = wanted;
    return NDIS_STATUS_SUCCESS;
}

/* ---- On and off ---- */

/* True: it was the other way round. */
static bool switch_to(bool *disabled, UCHAR wanted)
{
    const bool before = *disabled;

    if (wanted != NDIS_OFFLOAD_PARAMETERS_NO_CHANGE) {
        *disabled = wanted == NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED;
    }
    return *disabled != before;
}

/* Nothing that is offloaded changes by it: the host has terminated what it disables (CH-305). */
static NDIS_STATUS set_enabled(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    const NDIS_OFFLOAD_PARAMETERS *wanted = (const NDIS_OFFLOAD_PARAMETERS *)payload(request, sizeof *wanted);
    bool changed;

    if (wanted == NULL) {
        return NDIS_STATUS_BUFFER_TOO_SHORT;
    }
    if (wanted->TcpConnectionIPv4 > NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED ||
        wanted->TcpConnectionIPv6 > NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED) {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    changed = switch_to(&target->disabled[0], wanted->TcpConnectionIPv4);
    if (switch_to(&target->disabled[1], wanted->TcpConnectionIPv6) || changed) {
        power_changed(target);
    }
    return NDIS_STATUS_SUCCESS;
}

/* ---- Dispatch ---- */

static NDIS_STATUS set(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    statistics_settle(target);
    switch (request->Oid) {
    case (ULONG)OID_TCP_CONNECTION_OFFLOAD_PARAMETERS:
        return set_parameters(target, request);
    case (ULONG)OID_TCP_OFFLOAD_PARAMETERS:
        return set_enabled(target, request);
    case (ULONG)OID_TCP4_OFFLOAD_STATS: /* whatever the payload (CH-320) */
        target->statistics[0].tcp = (TCP_OFFLOAD_STATS){.InSegments = 0};
        return NDIS_STATUS_SUCCESS;
    case (ULONG)OID_TCP6_OFFLOAD_STATS:
        target->statistics[1].tcp = (TCP_OFFLOAD_STATS){.InSegments = 0};
        return NDIS_STATUS_SUCCESS;
    case (ULONG)OID_IP4_OFFLOAD_STATS:
        target->statistics[0].ip = (IP_OFFLOAD_STATS){.InReceives = 0};
        return NDIS_STATUS_SUCCESS;
    case (ULONG)OID_IP6_OFFLOAD_STATS:
        target->statistics[1].ip = (IP_OFFLOAD_STATS){.InReceives = 0};
        return NDIS_STATUS_SUCCESS;
    case (ULONG)OID_GEN_RECEIVE_SCALE_PARAMETERS:
        return rss_set(target, request);
    case (ULONG)OID_PNP_SET_POWER:
        return payload(request, sizeof(ULONG)) == NULL ? NDIS_STATUS_BUFFER_TOO_SHORT : power_set(target, request);
    default:
        return NDIS_STATUS_NOT_SUPPORTED;
    }
}

static NDIS_STATUS query(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    TCP_OFFLOAD_STATS tcp;

    statistics_settle(target);
    switch (request->Oid) {
    case (ULONG)OID_GEN_RECEIVE_SCALE_PARAMETERS:
        return rss_query(target, request);
    case (ULONG)OID_TCP_CONNECTION_OFFLOAD_PARAMETERS:
        return reply(request, &target->settings, target->settings.Header.Size);
    case (ULONG)OID_TCP4_OFFLOAD_STATS:
    case (ULONG)OID_TCP6_OFFLOAD_STATS:
        tcp = statistics_tcp(target, request->Oid == (ULONG)OID_TCP6_OFFLOAD_STATS);
        return reply(request, &tcp, sizeof tcp);
    case (ULONG)OID_IP4_OFFLOAD_STATS:
        return reply(request, &target->statistics[0].ip, sizeof(IP_OFFLOAD_STATS));
    case (ULONG)OID_IP6_OFFLOAD_STATS:
        return reply(request, &target->statistics[1].ip, sizeof(IP_OFFLOAD_STATS));
    default:
        return NDIS_STATUS_NOT_SUPPORTED;
    }
}

NDIS_STATUS oid_request(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    request->BytesDone = 0;
    request->BytesNeeded = 0;
    return request->RequestType == NdisRequestSetInformation ? set(target, request) : query(target, request);
}
