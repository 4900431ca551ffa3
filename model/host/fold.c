/* SPDX-License-Identifier: GPL-2.0-only */
/* host/fold.c - a digest of what the host keeps: two hosts that go on alike have equal ones.  Counts and books are left
 * out, and views, since hosts that are compared have policies that are asked once.  Moments are counted from now. */
#include "base/fold.h"
#include "host/cached.h"
#include "host/host.h"

static void fold_chain(PNET_BUFFER_LIST nbl, uint64_t *digest)
{
    for (; nbl != NULL; nbl = nbl->Next) {
        struct ndis_spans spans = ndis_spans_of_data(nbl->FirstNetBuffer);
        struct flue_span span;

        fold(digest, (uint64_t)(uint32_t)nbl->Status);
        while (ndis_spans_next(&spans, &span)) {
            fold_span(digest, &span);
        }
    }
}

static void fold_object(const struct host_object *object, uint64_t *digest)
{
    fold(digest, (uint64_t)object->failed << 32 | (uint64_t)object->state << 24 | (uint64_t)object->updating << 16 |
                     (uint64_t)object->doomed << 8);
    fold(digest, object->queries);
}

static void fold_stem(const struct host_stem *stem, uint64_t *digest)
{
    fold_object(&stem->object, digest);
    fold(digest, (uint64_t)stem->dependents << 1 | hook_linked(&stem->dirty));
}

static void fold_values(const struct host_values *values, uint64_t *digest)
{
#define FOLD(name) fold(digest, values->name);
    HOST_EACH_SHARED(FOLD)
#undef FOLD
}

static void fold_lease(const struct host_lease *lease, uint64_t *digest)
{
    const struct host_change *change = lease->socket->traffic->change;

    fold_object(&lease->object, digest);
    fold_chain(lease->requeued, digest);
    fold(digest, (uint64_t)lease->posts << 32 | lease->backlog_bytes);
    fold(digest, (uint64_t)lease->refusing << 16 | (uint64_t)lease->posts_failed << 8 | lease->buffered);
    fold(digest, lease->hash_value);
    fold_values(&lease->told->values, digest);
    if (change != NULL) {
        fold(digest, hook_linked(&change->hook));
        fold_values(&change->wanted->values, digest);
    }
}

static void fold_socket(const struct flue_host_socket *socket, flue_ps now_ps, uint64_t *digest)
{
    fold(digest, (uint64_t)socket->account.conn << 32 | socket->flags);
    fold(digest, (uint64_t)socket->holder << 16 | (uint64_t)socket->why << 8 | socket->reason);
    fold(digest, (uint64_t)hook_linked(&socket->traffic->output) << 2 |
                     (uint64_t)hook_linked(&socket->traffic->attend) << 1 | hook_linked(&socket->traffic->move));
    fold(digest, socket->sent_bytes);
    fold(digest, socket_posted_bytes(socket));
    fold(digest, socket_acked_bytes(socket));
    fold(digest, (uint64_t)socket->traffic->tell_acked_bytes << 32 | socket->traffic->unread_bytes);
    fold(digest, (uint64_t)socket->traffic->owed_bytes << 32 | socket->traffic->lists);
    fold(digest, socket->driven_back);
    fold_at(digest,
            socket->traffic->wait != NULL && socket->traffic->wait->not_before_ps > now_ps
                ? socket->traffic->wait->not_before_ps
                : now_ps,
            now_ps);
    if (socket->traffic->pieces != NULL) {
        const struct host_piece *piece = socket->traffic->pieces;

        do {
            piece = piece->next;
            fold_span(digest, &piece->span);
        } while (piece != socket->traffic->pieces);
    }
    for (const struct host_held *held = socket->traffic->held; held != NULL; held = held->next) {
        fold(digest, (uint64_t)held->frame.seq << 32 | held->frame.ack);
        fold(digest, (uint64_t)held->frame.window << 8 | held->frame.flags);
        fold_span(digest, &held->frame.payload);
    }
    if (socket_conn(socket) != NULL) {
        flue_tcp_fold(socket_conn(socket), now_ps, digest);
    }
    if (socket_lease(socket) != NULL) {
        fold_lease(socket_lease(socket), digest);
    }
}

static void fold_binding(const struct host_binding *binding, uint64_t *digest)
{
    fold(digest, (uint64_t)binding->paused << 7 | (uint64_t)binding->release_wanted << 6 |
                     (uint64_t)binding->review << 5 | (uint64_t)binding->unread << 4 | (uint64_t)binding->leaving << 8 |
                     (uint64_t)binding->broken << 2 | (uint64_t)binding->off[0] << 1 | binding->off[1]);
    fold(digest, (uint64_t)binding->targets << 32 | binding->objects);
    fold(digest, (uint64_t)binding->received.count << 32 | binding->indicated.count);
    FLUE_LIST_EACH(hook, &binding->neighbours)
    {
        const struct host_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct host_neighbour, hook);

        fold_stem(&neighbour->stem, digest);
        fold(digest, (uint64_t)hook_linked(&neighbour->stirred) << 25 |
                         (uint64_t)hook_linked(&neighbour->leaving) << 24 | (uint64_t)neighbour->state << 16 |
                         (uint64_t)neighbour->asking << 8 | neighbour->refused);
    }
}

void flue_host_fold(const struct flue_host *host, flue_ps now_ps, uint64_t *digest)
{
    FLUE_LIST_EACH(hook, &host->all)
    {
        fold_socket(FLUE_CONTAINER_OF(hook, struct flue_host_socket, all), now_ps, digest);
    }
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        fold_binding(FLUE_CONTAINER_OF(hook, struct host_binding, hook), digest);
    }
    FLUE_LIST_EACH(hook, &host->path_list)
    {
        const struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, hook);

        fold_stem(&path->stem, digest);
        fold(digest, (uint64_t)path->mtu_bytes << 32 | path->told_mtu_bytes);
        fold(digest, (uint64_t)hook_linked(&path->leaving) << 1 | hook_linked(&path->evicted));
    }
    FLUE_LIST_EACH(hook, &host->takes)
    {
        fold(digest, FLUE_CONTAINER_OF(hook, struct host_traffic, move)->socket->account.conn);
    }
    FLUE_LIST_EACH(hook, &host->offers)
    {
        fold(digest, FLUE_CONTAINER_OF(hook, struct host_traffic, move)->socket->account.conn);
    }
    fold(digest, host->outstanding);
    fold_at(digest, timer_due(&host->retry), now_ps);
}
