/* SPDX-License-Identifier: GPL-2.0-only */
/* host/neighbour.h - next hops: their addresses by ARP and neighbour discovery, and whether they can be reached
 * (RFC 4861 7.3). */
#ifndef FLUE_HOST_NEIGHBOUR_H
#define FLUE_HOST_NEIGHBOUR_H

#include "host/host.h"

/* ---- neighbour.c */

/* The neighbour of that address: NULL if there is none; made when there is none, NULL without memory. */
struct host_neighbour *neighbour_find(struct host_binding *binding, const struct flue_ip *ip);
struct host_neighbour *neighbour_get(struct host_binding *binding, const struct flue_ip *ip);
void neighbour_init_fixed(struct host_binding *binding);
void neighbour_dispose(struct host_neighbour *neighbour);
/* Sends a frame to it, or keeps it until its address is known.  Takes the list. */
void neighbour_send(struct host_neighbour *neighbour, PNET_BUFFER_LIST nbl);
/* Another address of it: frames that wait go, the target is told. */
void neighbour_set_mac(struct host_neighbour *neighbour, const uint8_t mac[6]);
/* Asks for its address. */
void neighbour_solicit(struct host_neighbour *neighbour, bool unicast);
/* What waits for its address: sent, or thrown away. */
void neighbour_flush(struct host_neighbour *neighbour);
void neighbour_drop(struct host_neighbour *neighbour);
/* Tells everybody on the link that an own address is on this adapter now (RFC 5227 3; for IPv6 RFC 4861 7.2.6). */
void neighbour_announce(struct host_binding *binding, const struct flue_ip *ip);
/* Hand-overs that waited for it are looked at again. */
void neighbour_offer(struct host_neighbour *neighbour);
/* Ends what nothing needs; the offloaded first at the target. */
void neighbour_sweep(struct host_binding *binding);
/* A frame of ARP or neighbour discovery. */
void neighbour_input(struct host_binding *binding, const struct flue_frame *frame);
bool neighbour_usable(const struct host_neighbour *neighbour);
uint32_t neighbour_reachability_delta(const struct host_neighbour *neighbour);
/* The target asks (CH-271): the answer is written before this returns. */
void neighbour_answer(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block);

/* ---- nud.c */

enum nud_event {
    NUD_SEND,      /* a frame goes to it */
    NUD_CONFIRMED, /* forward progress */
    NUD_ANSWER,    /* it answered a request of ours */
    NUD_HEARD,     /* it told its address without being asked */
    NUD_CHANGED,   /* it told another address without being asked */
    NUD_DOUBT,     /* a segment that goes over it was sent again several times */
    NUD_TIMER,     /* time is up */
    NUD_EVENT_COUNT
};
void nud_event(struct host_neighbour *neighbour, enum nud_event event);
/* It answered a request, perhaps one that has been given up. */
void nud_late(struct host_neighbour *neighbour);
/* Progress that was seen then and becomes known now. */
void nud_confirmed_at(struct host_neighbour *neighbour, flue_ps at_ps);
void nud_doubt(struct host_neighbour *neighbour);
void nud_timer(struct timer *timer, flue_ps now_ps);

#endif
