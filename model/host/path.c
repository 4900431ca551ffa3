/* SPDX-License-Identifier: GPL-2.0-only */
/* host/path.c - paths: pairs of addresses, the next hop they go over, and their MTU.
 *
 * Of paths that no socket uses the 64 last ones stay, with what was learnt of them; of neighbours that no path and no
 * route names, as many. Others are terminated, if they are offloaded, and freed (path_sweep()).
 *
 * Of offloaded connections the host knows no sequence numbers, so an ICMP error about one is judged by its MTU alone,
 * at least 576 or 1280. */
#include "host/neighbour.h"
#include "host/object.h"
#include "host/path.h"
#include "host/relink.h"
#include "host/socket.h"

#include <string.h>

#define MTU_LEAST_V4 576u  /* a smaller report is not believed (RFC 1191 3, RFC 5927 7.2) */
#define MTU_LEAST_V6 1280u /* RFC 8200 5 */

struct addresses {
    const struct flue_ip *local_ip, *remote_ip;
};

static bool same_addresses(const void *item, const void *key)
{
    const struct host_path *path = item;
    const struct addresses *addresses = key;

    return flue_ip_equal(&path->remote_ip, addresses->remote_ip) && flue_ip_equal(&path->local_ip, addresses->local_ip);
}

static void put_address(uint8_t bytes[16], const struct flue_ip *ip)
{
    const unsigned first = flue_ip_is_v4(ip) ? 3 : 0;

    for (unsigned i = first; i < 4; i++) {
        uint8_t *out = bytes + 4 * (size_t)(i - first);

        out[0] = (uint8_t)(ip->word[i] >> 24);
        out[1] = (uint8_t)(ip->word[i] >> 16);
        out[2] = (uint8_t)(ip->word[i] >> 8);
        out[3] = (uint8_t)ip->word[i];
    }
}

static uint32_t hash_of(const struct flue_ip *local_ip, const struct flue_ip *remote_ip)
{
    return hash_u64((uint64_t)hash_ip(local_ip->word) << 32 | hash_ip(remote_ip->word));
}

static struct host_path *make(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip,
                              struct host_neighbour *neighbour)
{
    struct host_path *path = pool_get(&host->paths);

    if (path == NULL) {
        return NULL;
    }
    *path = (struct host_path){.stem = {.object = {.layer = FLUE_LAYER_PATH}, .binding = neighbour->stem.binding},
                               .local_ip = *local_ip,
                               .remote_ip = *remote_ip,
                               .neighbour = neighbour,
                               .wanted = neighbour,
                               .mtu_bytes = neighbour->stem.binding->mtu_bytes};
    path->twin = path;
    put_address(path->source, local_ip);
    put_address(path->destination, remote_ip);
    if (hash_table_insert(&host->by_addresses, hash_of(local_ip, remote_ip), path) != FLUE_OK) {
        pool_put(&host->paths, path);
        return NULL;
    }
    list_init(&path->leases);
    list_push_back(&host->path_list, &path->hook);
    list_push_back(&neighbour->paths, &path->below);
    return path;
}

static struct host_path *get(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip)
{
    const struct addresses addresses = {local_ip, remote_ip};
    struct host_path *path =
        hash_table_find(&host->by_addresses, hash_of(local_ip, remote_ip), same_addresses, &addresses);
    struct host_neighbour *neighbour;

    if (path != NULL) {
        return path;
    }
    neighbour = route_find(host, local_ip, remote_ip, NULL);
    return neighbour == NULL ? NULL : make(host, local_ip, remote_ip, neighbour);
}

void path_use(struct flue_host *host, struct host_path *path)
{
    if (path->users++ == 0 && hook_linked(&path->idle)) {
        list_remove(&path->idle);
        host->idle_count--;
    }
}

struct host_path *path_of(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    struct host_path *path = socket->pair->path;

    if (path == NULL) {
        path = socket->pair->path = get(host, &socket->pair->local_ip, &socket->pair->remote_ip);
        if (path != NULL) {
            path_use(host, path);
        }
    }
    return path;
}

/* ---- Ends: the few that were used last stay, with the MTU that was learnt of them, and with the target */

void path_leave(struct flue_host *host, struct host_path *path)
{
    if (--path->users > 0) {
        return;
    }
    if (path->retired && path->object.state != OBJECT_HERE) {
        object_doom(&path->object);
    }
    list_push_back(&host->idle_paths, &path->idle);
    host->idle_count++;
    if (host->idle_count > HOST_IDLE_MAX) {
        host->sweeping = 1;
        host_arm_settle(host);
    }
}

/* ---- Pairs of addresses */

static bool same_pair(const void *item, const void *key)
{
    const struct host_pair *pair = item, *wanted = key;

    return flue_ip_equal(&pair->remote_ip, &wanted->remote_ip) && flue_ip_equal(&pair->local_ip, &wanted->local_ip) &&
           pair->app == wanted->app;
}

struct host_pair *pair_get(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip,
                           const struct flue_app *app)
{
    const struct host_pair wanted = {.host = host,
                                     .app = app,
                                     .local_ip = *local_ip,
                                     .remote_ip = *remote_ip,
                                     .users = 1,
                                     .hash = hash_of(local_ip, remote_ip)};
    struct host_pair *pair = hash_table_find(&host->by_pair, wanted.hash, same_pair, &wanted);

    if (pair != NULL) {
        pair->users++;
        return pair;
    }
    pair = pool_get(&host->pairs);
    if (pair == NULL) {
        return NULL;
    }
    *pair = wanted;
    if (hash_table_insert(&host->by_pair, wanted.hash, pair) != FLUE_OK) {
        pool_put(&host->pairs, pair);
        return NULL;
    }
    return pair;
}

void pair_put(struct flue_host *host, struct host_pair *pair)
{
    if (--pair->users == 0) {
        if (pair->path != NULL) {
            path_leave(host, pair->path);
        }
        (void)hash_table_remove(&host->by_pair, pair->hash, pair);
        pool_put(&host->pairs, pair);
    }
}

/* ---- Paths that nothing uses */

static void leave_ring(struct host_path *path)
{
    struct host_path *before = path;

    while (before->twin != path) {
        before = before->twin;
    }
    before->twin = path->twin;
}

static void forget(struct flue_host *host, struct host_path *path)
{
    list_remove(&path->idle);
    host->idle_count--;
    if (hook_linked(&path->stem.dirty)) {
        list_remove(&path->stem.dirty);
    }
    if (hook_linked(&path->coming)) {
        list_remove(&path->coming);
    }
    if (hook_linked(&path->evicted)) {
        list_remove(&path->evicted);
    }
    list_remove(&path->below);
    if (!path->retired) {
        (void)hash_table_remove(&host->by_addresses, hash_of(&path->local_ip, &path->remote_ip), path);
    }
    leave_ring(path);
    list_remove(&path->hook);
    pool_put(&host->paths, path);
}

static void sweep_paths(struct flue_host *host)
{
    FLUE_LIST_EACH_SAFE(hook, &host->idle_paths)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, idle);

        if (host->idle_count <= HOST_IDLE_MAX) {
            break;
        }
        if (path->object.state == OBJECT_HERE) {
            forget(host, path);
        } else {
            list_remove(&path->idle); /* until it is back */
            host->idle_count--;
            object_doom(&path->object);
        }
    }
}

void path_here(struct host_path *path)
{
    struct flue_host *host = path->stem.binding->host;

    if (path->users == 0 && !hook_linked(&path->idle)) {
        list_push_front(&host->idle_paths, &path->idle);
        host->idle_count++;
    }
}

void path_sweep(struct flue_host *host)
{
    if (!host->sweeping) {
        return;
    }
    host->sweeping = 0;
    sweep_paths(host);
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (binding->neighbour_count > binding->neighbour_limit) {
            neighbour_sweep(binding);
        }
    }
}

void path_set_mtu(struct host_path *path, uint32_t mtu_bytes)
{
    if (path->mtu_bytes != mtu_bytes) {
        path->mtu_bytes = mtu_bytes;
        object_dirty(&path->object);
    }
}

/* On the list of those to come where it is wanted, as long as it hangs elsewhere. */
static void place(struct host_path *path)
{
    if (hook_linked(&path->coming)) {
        list_remove(&path->coming);
    }
    if (path->wanted != path->neighbour) {
        list_push_back(&path->wanted->comers, &path->coming);
        relink_stir(path->wanted);
    }
}

void path_hang(struct host_path *path, struct host_neighbour *neighbour)
{
    neighbour_offer(path->neighbour);
    list_remove(&path->below);
    path->neighbour = neighbour;
    list_push_back(&neighbour->paths, &path->below);
    place(path);
}

void path_want(struct host_path *path, struct host_neighbour *neighbour)
{
    if (path->wanted != neighbour) {
        neighbour_offer(path->neighbour);
        path->wanted = neighbour;
        neighbour->refused = 0;
        place(path);
        host_arm_settle(path->stem.binding->host);
    }
}

/* ---- Addresses that change their adapter */

/* The path beside this one on an adapter: it was there before, and serves again, or is made. */
static struct host_path *beside(struct host_path *path, struct host_neighbour *neighbour)
{
    struct flue_host *host = neighbour->stem.binding->host;
    struct host_path *twin = path->twin;

    while (twin != path && twin->wanted->stem.binding != neighbour->stem.binding) {
        twin = twin->twin;
    }
    if (twin == path) {
        twin = make(host, &path->local_ip, &path->remote_ip, neighbour);
        if (twin != NULL) {
            twin->twin = path->twin;
            path->twin = twin;
            if (twin->mtu_bytes > path->mtu_bytes) {
                twin->mtu_bytes = path->mtu_bytes; /* what was learnt of the way beyond is still true */
            }
        }
        return twin;
    }
    if (hash_table_insert(&host->by_addresses, hash_of(&path->local_ip, &path->remote_ip), twin) != FLUE_OK) {
        return NULL;
    }
    twin->retired = 0;
    return twin;
}

bool path_retire(struct host_path *path)
{
    struct flue_host *host = path->stem.binding->host;
    struct host_neighbour *neighbour = route_find(host, &path->local_ip, &path->remote_ip, NULL);

    if (path->retired || (neighbour != NULL && neighbour->stem.binding == path->wanted->stem.binding)) {
        return true;
    }
    if (neighbour == NULL || beside(path, neighbour) == NULL) {
        return false;
    }
    if (!neighbour_usable(neighbour)) { /* who comes back finds its address known */
        neighbour->from_ip = path->local_ip;
        nud_event(neighbour, NUD_SEND);
    }
    path->retired = 1;
    (void)hash_table_remove(&host->by_addresses, hash_of(&path->local_ip, &path->remote_ip), path);
    if (path->users == 0 && path->object.state != OBJECT_HERE) {
        object_doom(&path->object);
    }
    return true;
}

void path_follow(struct flue_host_socket *socket)
{
    struct host_path *path = socket->pair->path;

    if (path != NULL && path->retired) {
        path_leave(socket->pair->host, path);
        socket->pair->path = NULL;
        (void)path_of(socket);
    }
}

/* ---- ICMP */

/* RFC 792, RFC 1191 4; RFC 4443 3. */
static enum flue_tcp_icmp_kind kind_of(const struct flue_frame *frame)
{
    const unsigned type = frame->flags, code = frame->options;

    if (frame->ethertype == FLUE_ETHERTYPE_IPV6) {
        return type == 2                ? FLUE_TCP_ICMP_TOO_BIG
               : type == 1 && code == 4 ? FLUE_TCP_ICMP_UNREACHABLE_HARD
                                        : FLUE_TCP_ICMP_UNREACHABLE_SOFT;
    }
    if (type == 3 && code == 4) {
        return FLUE_TCP_ICMP_TOO_BIG;
    }
    return type == 3 && (code == 2 || code == 3) ? FLUE_TCP_ICMP_UNREACHABLE_HARD : FLUE_TCP_ICMP_UNREACHABLE_SOFT;
}

static bool is_error(const struct flue_frame *frame)
{
    return frame->ethertype == FLUE_ETHERTYPE_IPV6 ? frame->flags == 1 || frame->flags == 2 : frame->flags == 3;
}

/* Software connections judge an error by its sequence number (RFC 5927 4.1) and tell what MTU follows.  Of an offloaded
 * one the host knows no sequence numbers: a smaller MTU is believed within bounds, everything else is advice that the
 * target's own timers make unnecessary. */
void path_icmp(struct flue_host *host, const struct flue_frame *frame)
{
    const struct flue_tcp_icmp error = {.kind = kind_of(frame),
                                        .tuple = {.local_ip = frame->dst_ip,
                                                  .remote_ip = frame->quoted_ip,
                                                  .local_port = frame->src_port,
                                                  .remote_port = frame->dst_port},
                                        .seq = frame->seq,
                                        .mtu_bytes = frame->mss};
    const uint32_t least = frame->ethertype == FLUE_ETHERTYPE_IPV6 ? MTU_LEAST_V6 : MTU_LEAST_V4;
    const struct flue_frame mirrored = {.src_ip = error.tuple.remote_ip,
                                        .dst_ip = error.tuple.local_ip,
                                        .src_port = error.tuple.remote_port,
                                        .dst_port = error.tuple.local_port};
    struct flue_host_socket *socket = socket_find(host, &mirrored);
    struct host_path *path = socket == NULL                 ? NULL
                             : socket_lease(socket) != NULL ? socket_lease(socket)->path
                                                            : path_of(socket);
    uint32_t mtu_bytes = frame->mss < least ? least : frame->mss;

    if (!is_error(frame) || path == NULL) {
        return;
    }
    if (socket_conn(socket) != NULL) {
        if (flue_tcp_icmp(host->tcp, &error, host_now(host)) == 0) {
            return;
        }
        socket_attend(socket);
        if (socket_conn(socket) == NULL) {
            return;
        }
        mtu_bytes = flue_tcp_path_mtu(socket_conn(socket));
    }
    if (error.kind == FLUE_TCP_ICMP_TOO_BIG && mtu_bytes < path->mtu_bytes) {
        path_set_mtu(path, mtu_bytes);
    }
}
