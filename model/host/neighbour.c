/* SPDX-License-Identifier: GPL-2.0-only */
/* host/neighbour.c - next hops: how they are found (ARP, RFC 826; neighbour discovery, RFC 4861), what waits for them,
 * and what the target asks about them.  What is known of one is nud.c's business.
 *
 * A binding is an adapter as this host has opened it, with its own neighbours and object tables. Without
 * flue_host_link() it has one static neighbour, which is always reachable; with it, neighbours are found by ARP (RFC
 * 826) and neighbour discovery (RFC 4861). A VLAN id and another source address belong to an adapter, not to a
 * neighbour, and are set before anything is offloaded there. */
#include "host/charge.h"
#include "host/neighbour.h"
#include "host/object.h"
#include "host/path.h"
#include "host/relink.h"

#include <assert.h>
#include <string.h>

#define WAITING_MAX 64u /* frames; more push out the oldest (RFC 4861 7.2.2 demands one) */

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* ---- Making and finding */

static void init(struct host_neighbour *neighbour, struct host_binding *binding, const struct flue_ip *ip)
{
    *neighbour = (struct host_neighbour){.stem = {.object = {.layer = FLUE_LAYER_NEIGHBOR}, .binding = binding},
                                         .ip = *ip,
                                         .state = FLUE_NEIGHBOUR_INCOMPLETE};
    timer_setup(&neighbour->timer, nud_timer);
    list_init(&neighbour->offers);
    list_init(&neighbour->paths);
    list_init(&neighbour->comers);
    list_push_back(&binding->neighbours, &neighbour->hook);
}

void neighbour_init_fixed(struct host_binding *binding)
{
    const struct flue_ip none = {{0, 0, 0, 0}};

    init(&binding->fixed, binding, &none);
    binding->fixed.fixed = 1;
    binding->fixed.state = FLUE_NEIGHBOUR_REACHABLE;
}

struct next_hop {
    const struct host_binding *binding;
    const struct flue_ip *ip;
};

static bool same_next_hop(const void *item, const void *key)
{
    const struct host_neighbour *neighbour = item;
    const struct next_hop *next_hop = key;

    return neighbour->stem.binding == next_hop->binding && flue_ip_equal(&neighbour->ip, next_hop->ip);
}

static uint32_t hash_of(const struct host_binding *binding, const struct flue_ip *ip)
{
    return hash_u64((uint64_t)binding->index << 32 | hash_ip(ip->word));
}

/* On the link itself every address is a next hop of its own: there may be as many as paths. */
struct host_neighbour *neighbour_find(struct host_binding *binding, const struct flue_ip *ip)
{
    const struct next_hop next_hop = {binding, ip};

    if (flue_ip_equal(&binding->fixed.ip, ip)) {
        return &binding->fixed;
    }
    return hash_table_find(&binding->host->by_next_hop, hash_of(binding, ip), same_next_hop, &next_hop);
}

struct host_neighbour *neighbour_get(struct host_binding *binding, const struct flue_ip *ip)
{
    struct flue_host *host = binding->host;
    struct host_neighbour *neighbour = neighbour_find(binding, ip);

    if (neighbour != NULL) {
        return neighbour;
    }
    neighbour = pool_get(&host->neighbours);
    if (neighbour == NULL || hash_table_insert(&host->by_next_hop, hash_of(binding, ip), neighbour) != FLUE_OK) {
        pool_put(&host->neighbours, neighbour);
        return NULL;
    }
    if (timers_reserve(host->timers, 1) != FLUE_OK) {
        (void)hash_table_remove(&host->by_next_hop, hash_of(binding, ip), neighbour);
        pool_put(&host->neighbours, neighbour);
        return NULL;
    }
    init(neighbour, binding, ip);
    if (++binding->neighbour_count > binding->neighbour_limit) {
        host->sweeping = 1;
        host_arm_settle(host);
    }
    return neighbour;
}

void neighbour_dispose(struct host_neighbour *neighbour)
{
    struct flue_host *host = neighbour->stem.binding->host;

    if (neighbour != &neighbour->stem.binding->fixed) {
        timers_remove(host->timers, &neighbour->timer);
        timers_unreserve(host->timers, 1);
    }
}

/* A path names it. */
static bool is_named(const struct host_neighbour *neighbour)
{
    return !list_empty(&neighbour->paths) || !list_empty(&neighbour->comers) || neighbour->moving > 0;
}

/* Looked through again when twice as many as are needed have come: the work is spread over those that come. */
void neighbour_sweep(struct host_binding *binding)
{
    struct flue_host *host = binding->host;

    FLUE_LIST_EACH_SAFE(hook, &binding->neighbours)
    {
        struct host_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct host_neighbour, hook);

        if (is_named(neighbour) || neighbour->fixed != 0 || neighbour->waiting.first != NULL || route_over(neighbour)) {
            continue;
        }
        if (neighbour->object.state != OBJECT_HERE) {
            object_doom(&neighbour->object);
            continue;
        }
        if (hook_linked(&neighbour->stem.dirty)) {
            list_remove(&neighbour->stem.dirty);
        }
        if (hook_linked(&neighbour->stirred)) {
            list_remove(&neighbour->stirred);
        }
        neighbour_dispose(neighbour);
        (void)hash_table_remove(&host->by_next_hop, hash_of(binding, &neighbour->ip), neighbour);
        list_remove(&neighbour->hook);
        pool_put(&host->neighbours, neighbour);
        binding->neighbour_count--;
    }
    binding->neighbour_limit =
        binding->neighbour_count < HOST_IDLE_MAX / 2 ? HOST_IDLE_MAX : 2 * binding->neighbour_count;
}

bool neighbour_usable(const struct host_neighbour *neighbour)
{
    return neighbour->state != FLUE_NEIGHBOUR_INCOMPLETE && neighbour->state != FLUE_NEIGHBOUR_FAILED;
}

void neighbour_offer(struct host_neighbour *neighbour)
{
    if (!list_empty(&neighbour->offers)) {
        list_splice_back(&neighbour->stem.binding->host->offers, &neighbour->offers);
        host_arm_settle(neighbour->stem.binding->host);
    }
}

/* A new address is told to the target (behaviour 9.1). */
void neighbour_set_mac(struct host_neighbour *neighbour, const uint8_t mac[6])
{
    memcpy(neighbour->mac, mac, sizeof neighbour->mac);
    object_dirty(&neighbour->object);
}

/* ---- Frames to it */

static void out(struct host_neighbour *neighbour, PNET_BUFFER_LIST nbl)
{
    struct host_binding *binding = neighbour->stem.binding;
    struct flue_frame *frame = ndis_nbl_frame(nbl);

    memcpy(frame->dst_mac, neighbour->mac, sizeof frame->dst_mac);
    if (binding->has_mac) {
        memcpy(frame->src_mac, binding->mac, sizeof frame->src_mac);
        frame->vlan = binding->vlan;
    }
    ndis_chain_append(&binding->out, nbl);
    binding->host->unsent = 1;
    binding->host->outstanding++;
    binding->host->totals.frames_sent++;
}

static PNET_BUFFER_LIST pop(struct ndis_chain *chain)
{
    PNET_BUFFER_LIST nbl = chain->first;

    chain->first = nbl->Next;
    chain->count--;
    if (chain->first == NULL) {
        chain->last = NULL;
    }
    nbl->Next = NULL;
    return nbl;
}

void neighbour_send(struct host_neighbour *neighbour, PNET_BUFFER_LIST nbl)
{
    if (neighbour->fixed) {
        out(neighbour, nbl);
        return;
    }
    neighbour->from_ip = ndis_nbl_frame(nbl)->src_ip;
    nud_event(neighbour, NUD_SEND);
    if (neighbour_usable(neighbour)) {
        out(neighbour, nbl);
        return;
    }
    if (neighbour->waiting.count == WAITING_MAX) {
        ndis_nbl_put(pop(&neighbour->waiting));
    }
    ndis_chain_append(&neighbour->waiting, nbl);
}

void neighbour_flush(struct host_neighbour *neighbour)
{
    while (neighbour->waiting.first != NULL) {
        out(neighbour, pop(&neighbour->waiting));
    }
}

void neighbour_drop(struct host_neighbour *neighbour)
{
    while (neighbour->waiting.first != NULL) {
        ndis_nbl_put(pop(&neighbour->waiting));
    }
}

/* ---- ARP and neighbour discovery */

static bool is_ours(const struct host_binding *binding, const struct flue_ip *ip)
{
    for (unsigned i = 0; i < binding->address_count; i++) {
        if (flue_ip_equal(&binding->addresses[i], ip)) {
            return true;
        }
    }
    return false;
}

static void speak(struct host_binding *binding, enum flue_neighbour_op op, const struct flue_ip *from,
                  const struct flue_ip *to, const uint8_t to_mac[6])
{
    struct flue_host *host = binding->host;
    PNET_BUFFER_LIST nbl = ndis_nbl_get(host->frames);
    struct flue_frame frame = {.src_ip = *from,
                               .dst_ip = *to,
                               .flags = (uint8_t)op,
                               .ttl = 255,
                               .vlan = binding->vlan,
                               .ethertype = FLUE_ETHERTYPE_ARP};

    if (nbl == NULL) {
        return; /* asked again when its timer says so */
    }
    if (binding->handle == NULL) {
        ndis_nbl_put(nbl); /* the adapter has gone */
        return;
    }
    frame.kind = FLUE_FRAME_ARP;
    if (!flue_ip_is_v4(to)) {
        frame.kind = FLUE_FRAME_ND;
        frame.ethertype = FLUE_ETHERTYPE_IPV6;
    }
    memcpy(frame.src_mac, binding->mac, sizeof frame.src_mac);
    memcpy(frame.dst_mac, to_mac, sizeof frame.dst_mac);
    *ndis_nbl_frame(nbl) = frame;
    charge_driver_send(host, NULL, 0);
    ndis_chain_append(&binding->out, nbl);
    host->unsent = 1;
    host->outstanding++;
    host->totals.frames_sent++;
}

/* An own address of the family, for a request that no frame asks for. */
static const struct flue_ip *own_address(const struct host_neighbour *neighbour)
{
    const struct host_binding *binding = neighbour->stem.binding;

    if (is_ours(binding, &neighbour->from_ip)) {
        return &neighbour->from_ip;
    }
    for (unsigned i = 0; i < binding->address_count; i++) {
        if (flue_ip_is_v4(&binding->addresses[i]) == flue_ip_is_v4(&neighbour->ip)) {
            return &binding->addresses[i];
        }
    }
    return &neighbour->from_ip;
}

void neighbour_solicit(struct host_neighbour *neighbour, bool unicast)
{
    struct host_binding *binding = neighbour->stem.binding;

    neighbour->solicited++;
    binding->host->totals.solicitations++;
    speak(binding, FLUE_NEIGHBOUR_REQUEST, own_address(neighbour), &neighbour->ip,
          unicast ? neighbour->mac : broadcast);
    host_arm_settle(binding->host);
}

void neighbour_announce(struct host_binding *binding, const struct flue_ip *ip)
{
    speak(binding, flue_ip_is_v4(ip) ? FLUE_NEIGHBOUR_REQUEST : FLUE_NEIGHBOUR_ANSWER, ip, ip, broadcast);
}

/* What a frame tells of its sender (RFC 826, "Packet Reception"; RFC 4861 7.2.3, 7.2.5). */
static void learn(struct host_neighbour *neighbour, const uint8_t mac[6], bool answer)
{
    const bool other = neighbour_usable(neighbour) && memcmp(neighbour->mac, mac, sizeof neighbour->mac) != 0;

    if (other || !neighbour_usable(neighbour)) {
        neighbour_set_mac(neighbour, mac);
    }
    nud_event(neighbour, answer ? NUD_ANSWER : other ? NUD_CHANGED : NUD_HEARD);
}

void neighbour_input(struct host_binding *binding, const struct flue_frame *frame)
{
    struct host_neighbour *neighbour;
    const bool asked = frame->flags == FLUE_NEIGHBOUR_REQUEST && is_ours(binding, &frame->dst_ip);

    if (!binding->has_mac || is_ours(binding, &frame->src_ip)) {
        return;
    }
    neighbour = asked ? neighbour_get(binding, &frame->src_ip) : neighbour_find(binding, &frame->src_ip);
    if (neighbour != NULL && !neighbour->fixed) {
        const bool to_us =
            frame->flags == FLUE_NEIGHBOUR_ANSWER && memcmp(frame->dst_mac, broadcast, sizeof broadcast) != 0;

        if (to_us) {
            nud_late(neighbour);
        }
        learn(neighbour, frame->src_mac, to_us && neighbour->solicited > 0);
    }
    if (asked) {
        speak(binding, FLUE_NEIGHBOUR_ANSWER, &frame->dst_ip, &frame->src_ip, frame->src_mac);
    }
}

/* ---- What the target is told */

/* Ticks since reachability was confirmed; at least 1, for 0 means stale (behaviour 14 step 4). */
uint32_t neighbour_reachability_delta(const struct host_neighbour *neighbour)
{
    const struct flue_host *host = neighbour->stem.binding->host;
    const flue_ps tick_ps = host->params.tcp.tick_ps > 0 ? host->params.tcp.tick_ps : FLUE_PS_PER_MS;
    flue_ps ticks;

    if (neighbour->fixed) {
        return 0; /* static: reachable, as of now */
    }
    ticks = (host_moment(host) - neighbour->confirmed_ps) / tick_ps;
    return ticks < 1 ? 1 : ticks > INT32_MAX ? INT32_MAX : (uint32_t)ticks;
}

static struct host_neighbour *named(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block,
                                    const NEIGHBOR_OFFLOAD_STATE_CACHED *cached)
{
    FLUE_LIST_EACH(hook, &binding->neighbours)
    {
        struct host_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct host_neighbour, hook);

        if (block->OffloadHandle == &neighbour->object.handle ||
            (block->OffloadHandle == NULL && neighbour->object.state != OBJECT_HERE &&
             memcmp(cached->DlDestinationAddress, neighbour->mac, sizeof neighbour->mac) == 0)) {
            return neighbour;
        }
    }
    return NULL;
}

void neighbour_answer(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    NEIGHBOR_OFFLOAD_STATE_CACHED *cached = (void *)flue_state_next(flue_state_first(block));
    struct host_neighbour *neighbour = named(binding, block, cached);

    cached->HostReachabilityDelta = 0;
    if (neighbour == NULL || neighbour->fixed) {
        return;
    }
    if (neighbour->state == FLUE_NEIGHBOUR_REACHABLE) {
        cached->HostReachabilityDelta = neighbour_reachability_delta(neighbour);
        return;
    }
    nud_event(neighbour, NUD_SEND); /* the target sends to it: stale becomes delay, whose end is a query (step 4) */
    relink_ask(neighbour);
}
