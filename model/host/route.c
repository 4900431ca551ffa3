/* SPDX-License-Identifier: GPL-2.0-only */
/* host/route.c - which adapter and which next hop lead to an address. */
#include "host/binding.h"
#include "host/neighbour.h"
#include "host/path.h"

#include <string.h>

/* ---- Look-up */

static bool covers(const struct host_route *route, const struct flue_ip *ip)
{
    for (unsigned i = 0; i < 4; i++) {
        const unsigned bits = route->bits <= 32 * i ? 0 : route->bits - 32 * i < 32 ? route->bits - 32 * i : 32;
        const uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);

        if (((route->prefix.word[i] ^ ip->word[i]) & mask) != 0) {
            return false;
        }
    }
    return flue_ip_is_v4(&route->prefix) == flue_ip_is_v4(ip) || route->bits < 96;
}

/* On the link itself: the address is its own next hop, where neighbours are found; else the static one is. */
static struct host_neighbour *on_link(struct host_binding *binding, const struct flue_ip *remote_ip)
{
    return binding->has_mac ? neighbour_get(binding, remote_ip) : &binding->fixed;
}

static struct host_neighbour *next_hop(const struct host_route *route, const struct flue_ip *remote_ip)
{
    return route->on_link ? on_link(route->binding, remote_ip) : neighbour_get(route->binding, &route->next_hop);
}

static struct host_binding *local_binding(const struct flue_host *host, const struct flue_ip *local_ip)
{
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        for (unsigned i = 0; i < binding->address_count; i++) {
            if (flue_ip_equal(&binding->addresses[i], local_ip)) {
                return binding;
            }
        }
    }
    return host->first;
}

/* The longest prefix wins; among equal ones the first that is alive, and without one the first. */
struct host_neighbour *route_find(struct flue_host *host, const struct flue_ip *local_ip,
                                  const struct flue_ip *remote_ip, const struct host_neighbour *avoid)
{
    struct host_neighbour *best = NULL;
    struct host_binding *binding;
    unsigned best_bits = 0;
    bool best_alive = false;

    FLUE_LIST_EACH(hook, &host->route_list)
    {
        const struct host_route *route = FLUE_CONTAINER_OF(hook, struct host_route, hook);
        struct host_neighbour *neighbour;
        bool alive;

        if (!covers(route, remote_ip) || (best != NULL && route->bits < best_bits)) {
            continue;
        }
        neighbour = next_hop(route, remote_ip);
        if (neighbour == NULL) {
            continue;
        }
        alive = neighbour != avoid && neighbour->state != FLUE_NEIGHBOUR_FAILED;
        if (best == NULL || route->bits > best_bits || (alive && !best_alive)) {
            best = neighbour;
            best_bits = route->bits;
            best_alive = alive;
        }
    }
    if (best != NULL) {
        return best;
    }
    binding = local_binding(host, local_ip);
    return binding == NULL ? NULL : on_link(binding, remote_ip);
}

static void review(struct host_path *path, const struct host_neighbour *avoid)
{
    struct host_neighbour *neighbour = route_find(path->object.binding->host, &path->local_ip, &path->remote_ip, avoid);

    if (neighbour != NULL) {
        path_want(path, neighbour);
    }
}

/* Asks the routes again for every path. */
static void review_all(struct flue_host *host)
{
    FLUE_LIST_EACH(hook, &host->path_list)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, hook);

        if (!path->retired) { /* such a one is left by its sockets one by one */
            review(path, NULL);
        }
    }
}

void route_avoid(struct host_neighbour *dead)
{
    FLUE_LIST_EACH(hook, &dead->paths)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, below);

        if (path->wanted == dead) {
            review(path, dead);
        }
    }
    FLUE_LIST_EACH_SAFE(hook, &dead->comers)
    {
        review(FLUE_CONTAINER_OF(hook, struct host_path, coming), dead);
    }
}

/* ---- What others call */

flue_err flue_host_link(struct flue_host *host, unsigned adapter, const uint8_t mac[6], uint32_t mtu_bytes)
{
    struct host_binding *binding = binding_at(host, adapter);

    if (binding == NULL) {
        return FLUE_EINVAL;
    }
    for (unsigned i = 0; i < sizeof binding->mac; i++) {
        binding->mac[i] = mac[i];
    }
    binding->has_mac = 1;
    binding->mtu_bytes = mtu_bytes;
    review_all(host);
    return FLUE_OK;
}

flue_err flue_host_vlan(struct flue_host *host, unsigned adapter, uint16_t vlan)
{
    struct host_binding *binding = binding_at(host, adapter);

    if (binding == NULL || vlan > 4094 || !binding->has_mac) {
        return FLUE_EINVAL;
    }
    if (binding->objects > 0) {
        return FLUE_ESTATE;
    }
    binding->vlan = vlan;
    return FLUE_OK;
}

flue_err flue_host_source_mac(struct flue_host *host, unsigned adapter, const uint8_t mac[6])
{
    struct host_binding *binding = binding_at(host, adapter);

    if (binding == NULL || !binding->has_mac) {
        return FLUE_EINVAL;
    }
    if (binding->objects > 0) {
        return FLUE_ESTATE;
    }
    binding->has_source = mac != NULL;
    if (mac != NULL) {
        memcpy(binding->source_mac, mac, sizeof binding->source_mac);
    }
    return FLUE_OK;
}

flue_err flue_host_address(struct flue_host *host, unsigned adapter, const struct flue_ip *ip)
{
    struct host_binding *binding = binding_at(host, adapter);

    if (binding == NULL || binding->address_count == FLUE_HOST_ADDRESSES) {
        return binding == NULL ? FLUE_EINVAL : FLUE_ENOMEM;
    }
    binding->addresses[binding->address_count++] = *ip;
    return FLUE_OK;
}

flue_err flue_host_route(struct flue_host *host, const struct flue_ip *prefix, unsigned bits, const struct flue_ip *hop,
                         unsigned adapter)
{
    struct host_binding *binding = binding_at(host, adapter);
    struct host_route *route;

    if (binding == NULL || bits > 128) {
        return FLUE_EINVAL;
    }
    route = pool_get(&host->routes);
    if (route == NULL) {
        return FLUE_ENOMEM;
    }
    *route = (struct host_route){.prefix = *prefix, .bits = bits, .binding = binding, .on_link = hop == NULL};
    if (hop != NULL) {
        route->next_hop = *hop;
    }
    list_push_back(&host->route_list, &route->hook);
    review_all(host);
    host_arm_settle(host);
    return FLUE_OK;
}
