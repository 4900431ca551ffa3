/* SPDX-License-Identifier: GPL-2.0-only */
/* host/binding.h - one adapter as this host has opened it: what it can do, what is switched on, and why nothing may be
 * offloaded to it just now (behaviour 12, D-54). */
#ifndef FLUE_HOST_BINDING_H
#define FLUE_HOST_BINDING_H

#include "host/host.h"

struct host_binding *binding_new(struct flue_host *host);
void binding_free(struct host_binding *binding);
/* In the order of opening; NULL: there are not so many. */
struct host_binding *binding_at(const struct flue_host *host, unsigned index);
/* A request of the host's to the adapter; false: no memory. */
bool binding_ask(struct host_binding *binding, NDIS_OID oid, NDIS_REQUEST_TYPE type, const void *payload,
                 uint32_t bytes);
/* Status indications, events and answered requests, from the airlock. */
void binding_status(struct host_binding *binding, NDIS_STATUS status, const void *buffer, uint32_t bytes);
NDIS_STATUS binding_event(struct host_binding *binding, PNET_PNP_EVENT_NOTIFICATION event);
void binding_requested(struct host_binding *binding, PNDIS_OID_REQUEST request, NDIS_STATUS status);
void binding_bound(struct host_binding *binding, const struct NDIS_TCP_CONNECTION_OFFLOAD *capability);
/* What waited until nothing is offloaded any more: power events, capabilities switched off. */
void binding_review(struct host_binding *binding);
/* Whether connections to this address may be handed over through it now. */
bool binding_allows(const struct host_binding *binding, const struct flue_ip *remote_ip);

#endif
