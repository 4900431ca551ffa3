/* SPDX-License-Identifier: GPL-2.0-only */
/* host/binding.c - adapters as the host has opened them: capability, pause and resume, upload all, power (behaviour 12,
 * D-54). */
#include "host/binding.h"
#include "host/neighbour.h"
#include "host/protocol.h"
#include "host/reoffer.h"
#include "host/rss.h"
#include "host/upload.h"

#include <assert.h>
#include <string.h>

#include "flue/ndisrss.h"

/* A question of this host to an adapter. */
struct host_request {
    NDIS_OID_REQUEST request;
    union {
        NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS parameters;
        NDIS_TCP_CONNECTION_OFFLOAD capability;
        NDIS_OFFLOAD_PARAMETERS switches;
        FLUE_RECEIVE_SCALE scale;
    } payload;
};
_Static_assert(sizeof(struct host_request) <= HOST_REQUEST_BYTES, "the pool is too narrow");

/* ---- Making and finding */

struct host_binding *binding_new(struct flue_host *host)
{
    struct host_binding *binding = pool_get(&host->bindings_pool);
    const struct flue_ip own = flue_ip_v4(host->params.ip);

    if (binding == NULL) {
        return NULL;
    }
    memset(binding, 0, sizeof *binding);
    binding->host = host;
    binding->index = host->binding_count++;
    binding->mtu_bytes = host->static_mtu_bytes;
    binding->neighbour_limit = HOST_IDLE_MAX;
    list_init(&binding->neighbours);
    list_init(&binding->leaving_paths);
    list_init(&binding->leaving_neighbours);
    neighbour_init_fixed(binding);
    memcpy(binding->fixed.mac, host->static_mac, sizeof binding->fixed.mac);
    if (binding->index == 0) {
        binding->addresses[binding->address_count++] = own;
    }
    list_push_back(&host->bindings, &binding->hook);
    if (host->first == NULL) {
        host->first = binding;
    }
    return binding;
}

/* The memory stays until the host is freed: paths may still name it.  Its neighbours fall silent. */
void binding_free(struct host_binding *binding)
{
    FLUE_LIST_EACH(hook, &binding->neighbours)
    {
        neighbour_drop(FLUE_CONTAINER_OF(hook, struct host_neighbour, hook));
    }
    for (PNET_BUFFER_LIST nbl = binding->out.first; nbl != NULL; nbl = binding->out.first) {
        binding->out.first = nbl->Next;
        binding->host->outstanding--;
        ndis_nbl_put(nbl);
    }
    binding->out = (struct ndis_chain){0};
    for (unsigned reason = 0; reason < HOST_LEAVING_COUNT; reason++) {
        binding->event[reason] = NULL; /* the close has answered it */
    }
    binding->handle = NULL;
}

struct host_binding *binding_at(const struct flue_host *host, unsigned index)
{
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (binding->index == index) {
            return binding;
        }
    }
    return NULL;
}

bool binding_allows(const struct host_binding *binding, const struct flue_ip *remote_ip)
{
    const unsigned six = flue_ip_is_v4(remote_ip) ? 0 : 1;

    if (binding->handle == NULL || binding->paused || binding->unread || binding->leaving || binding->broken ||
        binding->off[six] || binding->switching > 0) {
        return false;
    }
    return !binding->knows || (six != 0 ? binding->capability.SupportIPv6 : binding->capability.SupportIPv4) != 0;
}

/* ---- Requests */

bool binding_ask(struct host_binding *binding, NDIS_OID oid, NDIS_REQUEST_TYPE type, const void *payload,
                 uint32_t bytes)
{
    struct host_request *request = pool_get(&binding->host->requests);

    if (request == NULL) {
        return false;
    }
    memset(request, 0, sizeof *request);
    request->request.RequestType = type;
    request->request.Oid = oid;
    request->request.InformationBuffer = &request->payload;
    request->request.InformationBufferLength = bytes;
    if (payload != NULL) {
        memcpy(&request->payload, payload, bytes);
    }
    protocol_request(binding, &request->request);
    return true;
}

static void learn(struct host_binding *binding, const NDIS_TCP_CONNECTION_OFFLOAD *capability)
{
    binding->capability = *capability;
    binding->knows = 1;
    binding->unread = 0;
}

static void read_again(struct host_binding *binding)
{
    binding->unread = 1;
    if (!binding_ask(binding, (NDIS_OID)OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, NdisRequestQueryInformation, NULL,
                     sizeof(NDIS_TCP_CONNECTION_OFFLOAD))) {
        binding->unread = 0; /* what was known before has to do */
    }
}

void binding_requested(struct host_binding *binding, PNDIS_OID_REQUEST oid, NDIS_STATUS status)
{
    struct host_request *request = FLUE_CONTAINER_OF(oid, struct host_request, request);

    if (oid->RequestType == NdisRequestQueryInformation) {
        if (status == NDIS_STATUS_SUCCESS) {
            learn(binding, &request->payload.capability);
        }
        binding->unread = 0; /* an adapter that cannot tell refuses what it cannot do */
    } else if (oid->Oid == (NDIS_OID)OID_TCP_OFFLOAD_PARAMETERS) {
        binding->switching--;
    }
    if (binding->switching == 0 && binding->unread == 0) {
        reoffer_now(binding->host);
    }
    pool_put(&binding->host->requests, request);
}

/* What offloaded connections are to be like: as the host's own (CH-300, CH-302). */
static void set_parameters(struct host_binding *binding)
{
    const struct flue_tcp_params *tcp = &binding->host->params.tcp;
    const flue_ps tick_ps = tcp->tick_ps > 0 ? tcp->tick_ps : FLUE_PS_PER_MS;
    const flue_ps ack_ticks = tcp->delayed_ack_ps / tick_ps;
    const bool old = binding->host->params.ddi.ndis_version == FLUE_NDIS_6_0;
    const NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS parameters = {
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT,
                   .Revision =
                       old ? NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1 : NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2,
                   .Size = old ? 0x38 : sizeof parameters},
        .Encapsulation = {.Header = {.Type = NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION,
                                     .Revision = 1,
                                     .Size = sizeof parameters.Encapsulation}},
        .TicksPerSecond = (ULONG)(FLUE_PS_PER_S / tick_ps),
        .TcpAckFrequency = (UCHAR)tcp->ack_every,
        .TcpDelayedAckTicks = (UCHAR)(ack_ticks > UINT8_MAX ? UINT8_MAX : ack_ticks),
        .TcpMaximumRetransmissions = (UCHAR)tcp->max_retransmits,
        .TcpDoubtReachabilityRetransmissions = 3,
        .TcpSwsPreventionTicks = (ULONG)(tcp->sws_override_ps / tick_ps),
        .TcpDuplicateAckThreshold = tcp->dup_ack_threshold,
        .TcpPushTicks = (ULONG)(FLUE_PS_PER_S / 2 / tick_ps),
        .NceStaleTicks = (ULONG)((binding->host->params.nud_reachable_ps + tick_ps - 1) / tick_ps),
    };

    (void)binding_ask(binding, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, NdisRequestSetInformation, &parameters,
                      parameters.Header.Size);
}

/* An adapter that says what it can do is told what is wanted of it. */
void binding_bound(struct host_binding *binding, const NDIS_TCP_CONNECTION_OFFLOAD *capability)
{
    if (capability != NULL) {
        learn(binding, capability);
        set_parameters(binding);
    }
    if (rss_on(binding->host)) {
        rss_tell(binding, false);
    }
}

/* ---- Pause, resume, upload all */

void binding_status(struct host_binding *binding, NDIS_STATUS status, const void *buffer, uint32_t bytes)
{
    const bool told = buffer != NULL && bytes >= sizeof(NDIS_TCP_CONNECTION_OFFLOAD);

    switch (status) {
    case NDIS_STATUS_OFFLOAD_PAUSE:
        binding->paused = host_obeys(binding->host, 306);
        break;
    case NDIS_STATUS_UPLOAD_ALL:
        if (host_obeys(binding->host, 308)) {
            binding->paused = 1;
            upload_all(binding);
        }
        break;
    case NDIS_STATUS_OFFLOAD_RESUME:
        binding->paused = 0;
        binding->broken = 0;
        binding->release_wanted = binding->leaving != 0; /* what waits for the end of all offload still waits */
        if (told) {
            learn(binding, buffer); /* CH-309 */
        } else if (binding->knows) {
            read_again(binding);
        }
        reoffer_now(binding->host);
        break;
    default:
        break;
    }
}

/* ---- Power, and what else needs an adapter without offload */

/* The pause before an adapter stops may come while it is still going to sleep. */
static enum host_leaving leaving_by(const NET_PNP_EVENT_NOTIFICATION *event)
{
    return event->NetEvent == NetEventSetPower ? HOST_LEAVING_POWER : HOST_LEAVING_PAUSE;
}

static NDIS_STATUS stay(struct host_binding *binding, enum host_leaving reason)
{
    binding->leaving &= (uint8_t) ~(1u << reason);
    binding->release_wanted = binding->paused != 0 || binding->leaving != 0;
    reoffer_now(binding->host);
    return NDIS_STATUS_SUCCESS;
}

/* Answered when nothing is offloaded there any more. */
static NDIS_STATUS leave(struct host_binding *binding, PNET_PNP_EVENT_NOTIFICATION event, enum host_leaving reason)
{
    binding->leaving |= (uint8_t)(1u << reason);
    if (binding->objects == 0 || !host_obeys(binding->host, 310)) {
        return NDIS_STATUS_SUCCESS;
    }
    assert(binding->event[reason] == NULL);
    binding->event[reason] = event;
    upload_all(binding); /* CH-310 */
    return NDIS_STATUS_PENDING;
}

NDIS_STATUS binding_event(struct host_binding *binding, PNET_PNP_EVENT_NOTIFICATION event)
{
    const enum host_leaving reason = leaving_by(event);

    switch (event->NetEvent) {
    case NetEventSetPower:
        return event->Value == NetDeviceStateD0 ? stay(binding, reason) : leave(binding, event, reason);
    case NetEventPause:
        return leave(binding, event, reason);
    case NetEventRestart:
        return stay(binding, reason);
    }
    return NDIS_STATUS_SUCCESS; /* of events that are none of these */
}

/* Tells the adapter what is on and off: off only when no connection of the version is offloaded any more (CH-305). */
static void tell_switches(struct host_binding *binding)
{
    for (unsigned six = 0; six < 2; six++) {
        const UCHAR to = binding->off[six] != 0 ? NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED
                                                : NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED;
        const NDIS_OFFLOAD_PARAMETERS switches = {
            .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof switches},
            .TcpConnectionIPv4 = six == 0 ? to : NDIS_OFFLOAD_PARAMETERS_NO_CHANGE,
            .TcpConnectionIPv6 = six != 0 ? to : NDIS_OFFLOAD_PARAMETERS_NO_CHANGE};

        if (binding->off[six] == binding->told_off[six] || binding->handle == NULL ||
            (binding->off[six] != 0 && binding->leases[six] > 0)) {
            continue;
        }
        binding->switching++; /* it may be answered at once */
        binding->told_off[six] = binding->off[six];
        if (!binding_ask(binding, (NDIS_OID)OID_TCP_OFFLOAD_PARAMETERS, NdisRequestSetInformation, &switches,
                         sizeof switches)) {
            binding->switching--;
            binding->told_off[six] = binding->off[six] == 0;
            host_retry(binding->host);
        }
    }
}

void binding_review(struct host_binding *binding)
{
    tell_switches(binding);
    for (unsigned reason = 0; reason < HOST_LEAVING_COUNT && binding->objects == 0; reason++) {
        PNET_PNP_EVENT_NOTIFICATION event = binding->event[reason];

        if (event != NULL) {
            binding->event[reason] = NULL;
            protocol_event_done(binding, event);
        }
    }
}

flue_err flue_host_chimney(struct flue_host *host, unsigned adapter, unsigned version, int enable, flue_ps at_ps)
{
    struct host_binding *binding = binding_at(host, adapter);
    const unsigned six = version == 6 ? 1 : 0;

    if (binding == NULL || (version != 4 && version != 6)) {
        return FLUE_EINVAL;
    }
    host_enter(host, at_ps);
    binding->off[six] = enable == 0;
    binding->review = 1;
    if (enable == 0) {
        FLUE_LIST_EACH(hook, &host->all)
        {
            struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_host_socket, all);

            if (socket_lease(socket) != NULL && socket_lease(socket)->path->stem.binding == binding &&
                flue_ip_is_v4(&socket->pair->remote_ip) == (six == 0)) {
                upload_want(socket, FLUE_MOVE_UPLOAD_ALL);
                socket_lease(socket)->recalled = true;
            }
        }
    }
    host_leave(host);
    return FLUE_OK;
}
