/* SPDX-License-Identifier: GPL-2.0-only */
/* host/move.c - addresses that go from one adapter to another, and the connections that follow: by the host's own
 * memory, since nothing can be handed from target to target (behaviour 9.2 keeps a relink within one adapter).
 *
 * A target may go on with a connection whose address has left its adapter.  It sends as before; what comes for the
 * connection comes by the other adapter, whose target does not know it, so up the ordinary path, and is forwarded. */
#include "host/binding.h"
#include "host/move.h"
#include "host/neighbour.h"
#include "host/offload.h"
#include "host/path.h"
#include "host/upload.h"

/* Where an address stands among an adapter's; address_count: it is not there. */
static unsigned place_of(const struct host_binding *binding, const struct flue_ip *ip)
{
    unsigned i = 0;

    while (i < binding->address_count && !flue_ip_equal(&binding->addresses[i], ip)) {
        i++;
    }
    return i;
}

static struct host_binding *owner_of(const struct flue_host *host, const struct flue_ip *ip)
{
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (place_of(binding, ip) < binding->address_count) {
            return binding;
        }
    }
    return NULL;
}

static void hand_address(struct host_binding *from, struct host_binding *to, const struct flue_ip *ip)
{
    const unsigned place = place_of(from, ip);

    to->addresses[to->address_count++] = *ip;
    from->addresses[place] = from->addresses[--from->address_count];
}

static flue_err move_paths(struct flue_host *host, const struct flue_ip *ip)
{
    flue_err err = FLUE_OK;

    FLUE_LIST_EACH(hook, &host->path_list)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, hook);

        if (flue_ip_equal(&path->local_ip, ip) && !path_retire(path)) {
            err = FLUE_ENOMEM;
        }
    }
    return err;
}

flue_err flue_host_address_move(struct flue_host *host, const struct flue_ip *ip, unsigned adapter, flue_ps at_ps)
{
    const struct flue_ip own = *ip; /* it may lie in a table that changes */
    struct host_binding *to = binding_at(host, adapter), *from = owner_of(host, ip);
    flue_err err;

    if (to == NULL || to->handle == NULL || !to->has_mac || from == NULL) {
        return FLUE_EINVAL;
    }
    if (from != to && to->address_count == FLUE_HOST_ADDRESSES) {
        return FLUE_ENOMEM;
    }
    host_enter(host, at_ps);
    if (from != to) {
        hand_address(from, to, &own);
    }
    neighbour_announce(to, &own);
    err = move_paths(host, &own);
    FLUE_LIST_EACH(hook, &host->all)
    {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_host_socket, all);

        if ((socket->flags & SOCKET_OFFER) != 0 && socket->pair->path != NULL && socket->pair->path->retired) {
            list_remove(&socket->traffic->move); /* perhaps it waits for the old next hop */
            list_push_back(&host->offers, &socket->traffic->move);
        }
    }
    FLUE_LIST_EACH(hook, &host->all)
    {
        path_follow(FLUE_CONTAINER_OF(hook, struct flue_host_socket, all));
    }
    host_leave(host);
    return err;
}

flue_err flue_host_socket_move(struct flue_host_socket *socket, flue_ps at_ps)
{
    const uint32_t never = SOCKET_MOVE_ON | SOCKET_ABORT_WANTED | SOCKET_ENDED;
    const unsigned held = socket->holder == FLUE_HOLDER_TARGET || socket->holder == FLUE_HOLDER_OFFERED;

    if (!held || !socket_lease(socket)->path->retired || (socket->flags & never) != 0) {
        return FLUE_ESTATE;
    }
    host_enter(socket->pair->host, at_ps);
    socket->flags |= SOCKET_MOVE_ON;
    upload_want(socket, FLUE_MOVE_ADAPTER); /* while it is being offered: as soon as that is over */
    host_leave(socket->pair->host);
    return FLUE_OK;
}

flue_err flue_host_address_leave(struct flue_host *host, const struct flue_ip *ip)
{
    struct host_binding *from = owner_of(host, ip);

    if (from == NULL) {
        return FLUE_EINVAL;
    }
    from->addresses[place_of(from, ip)] = from->addresses[from->address_count - 1];
    from->address_count--;
    return FLUE_OK;
}

flue_err flue_host_announce(struct flue_host *host, unsigned adapter, const struct flue_ip *ip, flue_ps at_ps)
{
    struct host_binding *binding = binding_at(host, adapter);

    if (binding == NULL || !binding->has_mac || place_of(binding, ip) == binding->address_count) {
        return FLUE_EINVAL;
    }
    host_enter(host, at_ps);
    neighbour_announce(binding, ip);
    host_leave(host);
    return FLUE_OK;
}

flue_err flue_host_resolve(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip,
                           flue_ps at_ps)
{
    struct host_neighbour *neighbour = route_find(host, local_ip, remote_ip, NULL);

    if (neighbour == NULL) {
        return FLUE_ENOMEM;
    }
    if (!neighbour_usable(neighbour)) {
        host_enter(host, at_ps);
        neighbour->from_ip = *local_ip;
        nud_event(neighbour, NUD_SEND);
        host_leave(host);
    }
    return FLUE_OK;
}

void flue_host_set_stray(struct flue_host *host, flue_host_stray_fn *stray, void *ctx)
{
    host->stray = stray;
    host->stray_ctx = ctx;
}

void move_on(struct flue_host_socket *socket)
{
    if ((socket->flags & SOCKET_MOVE_ON) == 0) {
        return;
    }
    socket->flags &= ~(uint32_t)SOCKET_MOVE_ON;
    if (offload_possible(socket)) {
        offload_want(socket, FLUE_MOVE_ADAPTER);
    }
}
