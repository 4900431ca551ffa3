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

/* What the look-up has found so far: of the routes with the longest prefix the first whose next hop is alive, else the
 * first, and the one that follows the next hop to avoid. */
struct choice {
    struct host_neighbour *best, *following;
    unsigned bits;
    bool alive, passed;
};

static void consider(struct choice *choice, unsigned bits, struct host_neighbour *neighbour,
                     const struct host_neighbour *avoid)
{
    const bool alive = neighbour != avoid && neighbour->state != FLUE_NEIGHBOUR_FAILED;

    if (choice->best == NULL || bits > choice->bits) {
        *choice = (struct choice){.best = neighbour, .bits = bits, .alive = alive};
    } else if (alive && !choice->alive) {
        choice->best = neighbour;
        choice->alive = true;
    } else if (choice->passed && choice->following == NULL) {
        choice->following = neighbour;
    }
    choice->passed = choice->passed || neighbour == avoid;
}

/* The longest prefix wins; among equal ones the first that is alive. Where none is, each has its turn, so that all are
 * asked whether they have come back (RFC 4861 6.3.6). */
struct host_neighbour *route_find(struct flue_host *host, const struct flue_ip *local_ip,
                                  const struct flue_ip *remote_ip, const struct host_neighbour *avoid)
{
    struct choice choice = {0};
    struct host_binding *binding;

    FLUE_LIST_EACH(hook, &host->route_list)
    {
        const struct host_route *route = FLUE_CONTAINER_OF(hook, struct host_route, hook);
        struct host_neighbour *neighbour;

        if (!covers(route, remote_ip) || (choice.best != NULL && route->bits < choice.bits)) {
            continue;
        }
        neighbour = next_hop(route, remote_ip);
        if (neighbour != NULL) {
            consider(&choice, route->bits, neighbour, avoid);
        }
    }
    if (choice.best != NULL) {
        return choice.alive || choice.following == NULL ? choice.best : choice.following;
    }
    binding = local_binding(host, local_ip);
    return binding == NULL ? NULL : on_link(binding, remote_ip);
}

static void review(struct host_path *path, const struct host_neighbour *avoid)
{
    struct host_neighbour *neighbour = route_find(path->stem.binding->host, &path->local_ip, &path->remote_ip, avoid);

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

bool route_over(const struct host_neighbour *neighbour)
{
    FLUE_LIST_EACH(hook, &neighbour->stem.binding->host->route_list)
    {
        const struct host_route *route = FLUE_CONTAINER_OF(hook, struct host_route, hook);

        if (!route->on_link && route->binding == neighbour->stem.binding &&
            flue_ip_equal(&route->next_hop, &neighbour->ip)) {
            return true;
        }
    }
    return false;
}

void route_return(const struct host_neighbour *alive)
{
    if (!route_over(alive)) {
        return;
    }
    FLUE_LIST_EACH(hook, &alive->stem.binding->host->route_list)
    {
        const struct host_route *route = FLUE_CONTAINER_OF(hook, struct host_route, hook);
        struct host_neighbour *other = route->on_link ? NULL : neighbour_find(route->binding, &route->next_hop);

        if (other != NULL && other != alive && other->state == FLUE_NEIGHBOUR_FAILED) {
            route_avoid(other);
        }
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
