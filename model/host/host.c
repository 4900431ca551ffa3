/* SPDX-License-Identifier: GPL-2.0-only */
/* host/host.c - life of a host, entries and what settles them, totals and books. */
#include "host/ask.h"
#include "host/charge.h"
#include "host/neighbour.h"
#include "host/offload.h"
#include "host/path.h"
#include "host/protocol.h"
#include "host/query.h"
#include "host/relink.h"
#include "host/reoffer.h"
#include "host/socket.h"
#include "host/software.h"
#include "host/update.h"
#include "host/upload.h"

#include <assert.h>
#include <string.h>

#define MTU_DEFAULT_BYTES 1500u
#define HOST_TIMERS       4u

/* ---- Entries */

void host_enter(struct flue_host *host, flue_ps arrival_ps)
{
    if (host->depth++ == 0) {
        (void)flue_server_begin(&host->core, arrival_ps);
    }
}

static void give_back(struct flue_host *host)
{
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (binding->received.first != NULL) {
            protocol_return(binding, &binding->received);
        }
        if (binding->indicated.first != NULL && host_obeys(host, 210)) {
            protocol_return_indicated(binding, &binding->indicated);
        }
    }
}

/* What was noted becomes deeds.  Serving one connection may make another one need attention, a hand-over frees turns to
 * transmit, and so on, until nothing is left that can go on now. */
static void settle(struct flue_host *host)
{
    software_pump(host);
    do {
        struct flue_hook *hook;

        query_tell(host);
        while ((hook = list_pop_front(&host->attend)) != NULL) {
            socket_serve(FLUE_CONTAINER_OF(hook, struct host_traffic, attend)->socket);
        }
        give_back(host);
        path_sweep(host);
        relink_start(host);
        relink_evict(host);
        upload_start(host);
        update_start(host);
        offload_start(host);
        software_pump(host);
    } while (!list_empty(&host->attend));
}

void host_leave(struct flue_host *host)
{
    assert(host->depth > 0);
    if (host->depth == 1) {
        settle(host);
        host->works = host->core.works;
    }
    host->depth--;
}

void host_arm_settle(struct flue_host *host)
{
    if (!timer_armed(&host->settle)) {
        timers_arm(host->timers, &host->settle, host->env->now(host->env->ctx));
    }
}

static void settle_due(struct timer *timer, flue_ps now_ps)
{
    struct flue_host *host = FLUE_CONTAINER_OF(timer, struct flue_host, settle);

    /* After an interrupt of this moment the core is at work already; this goes on with the same piece of work. */
    if (host->core.clock_ps < now_ps) {
        (void)flue_server_begin(&host->core, now_ps);
    }
    host->depth++;
    host_leave(host);
}

#define RETRY_PS FLUE_PS_PER_MS

void host_retry(struct flue_host *host)
{
    if (!timer_armed(&host->retry)) {
        timers_arm(host->timers, &host->retry, host->env->now(host->env->ctx) + RETRY_PS);
    }
}

static void retry_due(struct timer *timer, flue_ps now_ps)
{
    struct flue_host *host = FLUE_CONTAINER_OF(timer, struct flue_host, retry);

    (void)now_ps;
    FLUE_LIST_EACH(hook, &host->all)
    {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_host_socket, all);

        if (socket_waits(socket) || (socket->flags & SOCKET_LATE) != 0) {
            socket_attend(socket);
        }
        if (socket_lease(socket) != NULL) {
            upload_settled(socket_lease(socket));
        }
    }
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        binding->review = 1;
        FLUE_LIST_EACH(each, &binding->neighbours)
        {
            relink_stir(FLUE_CONTAINER_OF(each, struct host_neighbour, hook));
        }
    }
    host_arm_settle(host); /* takes back what is to be taken back, too */
}

/* The first upcall of an interrupt begins a piece of work, unless the adapter has begun and charged it.  One from
 * inside a call of the host's, which no driver may make (CH-038), belongs to the work that is under way: like every
 * upcall it only notes what follows. */
void host_upcall_enter(struct flue_host *host)
{
    if (host->depth == 0 && !timer_armed(&host->settle)) {
        if (host->core.works == host->works) {
            (void)flue_server_begin(&host->core, host->env->now(host->env->ctx));
            charge_interrupt(host, NULL, 0);
        }
        host->works = host->core.works;
        host->totals.interrupts++;
    }
    host->depth++;
}

void host_upcall_leave(struct flue_host *host)
{
    host->depth--;
    host_arm_settle(host);
}

void flue_host_run(struct flue_host *host, flue_ps arrival_ps, void (*fn)(void *ctx, flue_ps at_ps), void *ctx)
{
    host_enter(host, arrival_ps);
    fn(ctx, host_now(host));
    host_leave(host);
}

/* ---- Life */

static void init_lists(struct flue_host *host)
{
    const struct flue_env *env = host->env;

    list_init(&host->all);
    list_init(&host->outputs);
    list_init(&host->attend);
    list_init(&host->offers);
    list_init(&host->takes);
    list_init(&host->path_list);
    list_init(&host->listener_list);
    list_init(&host->bindings);
    list_init(&host->route_list);
    list_init(&host->dirty);
    list_init(&host->changes);
    list_init(&host->answered);
    list_init(&host->datagram_list);
    list_init(&host->idle_paths);
    list_init(&host->stirred);
    list_init(&host->evicted);
    list_init(&host->ripe);
    list_init(&host->parked);
    for (unsigned step = 0; step < HOST_REOFFER_STEPS; step++) {
        list_init(&host->reoffers[step]);
    }
    pool_init(&host->sockets, env, sizeof(struct flue_host_socket));
    pool_init(&host->traffics, env, sizeof(struct host_traffic));
    pool_init(&host->pieces, env, sizeof(struct host_piece));
    pool_init(&host->held, env, sizeof(struct host_held));
    pool_init(&host->leases, env, sizeof(struct host_lease));
    pool_init(&host->cached, env, sizeof(struct host_cached));
    pool_init(&host->changes_pool, env, sizeof(struct host_change));
    pool_init(&host->pairs, env, sizeof(struct host_pair));
    pool_init(&host->blocks, env, sizeof(FLUE_TCP_BLOCK));
    pool_init(&host->paths, env, sizeof(struct host_path));
    pool_init(&host->listeners, env, sizeof(struct host_listener));
    timer_setup(&host->settle, settle_due);
    pool_init(&host->bindings_pool, env, sizeof(struct host_binding));
    pool_init(&host->neighbours, env, sizeof(struct host_neighbour));
    pool_init(&host->routes, env, sizeof(struct host_route));
    pool_init(&host->waits, env, sizeof(struct host_wait));
    pool_init(&host->requests, env, HOST_REQUEST_BYTES);
    pool_init(&host->questions, env, HOST_QUESTION_BYTES);
    pool_init(&host->fragments, env, HOST_FRAGMENT_BYTES);
    pool_init(&host->datagrams, env, HOST_DATAGRAM_BYTES);
    timer_setup(&host->retry, retry_due);
    timer_setup(&host->reoffer, reoffer_due);
    ask_init(host);
}

static flue_err make(struct flue_host *host)
{
    struct flue_tcp_params tcp = host->params.tcp;
    flue_err err = timers_reserve(host->timers, HOST_TIMERS);

    if (err != FLUE_OK) {
        host->timers = NULL;
        return err;
    }
    err = hash_table_init(&host->by_tuple, host->env, host->params.connections);
    if (err == FLUE_OK) {
        err = hash_table_init(&host->by_addresses, host->env, 0);
    }
    if (err == FLUE_OK) {
        err = hash_table_init(&host->by_values, host->env, 0);
    }
    if (err == FLUE_OK) {
        err = hash_table_init(&host->by_pair, host->env, 0);
    }
    if (err == FLUE_OK) {
        err = hash_table_init(&host->by_next_hop, host->env, 0);
    }
    if (err == FLUE_OK) {
        err = ndis_pool_new(host->env, NDIS_POOL_FRAMES, &host->frames);
    }
    if (err == FLUE_OK) {
        err = ndis_pool_new(host->env, NDIS_POOL_SPANS, &host->spans);
    }
    if (err == FLUE_OK) {
        tcp.fin_wait_2_ps = FLUE_PS_NEVER; /* a socket that is closed for sending is read all the same (RFC 9293 3.6) */
        err = flue_tcp_new(host->env, host->timers, host->trace, &tcp, &software_ops, host, 0, &host->tcp);
    }
    return err == FLUE_OK ? protocol_register(host) : err;
}

flue_err flue_host_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                       struct flue_ndis *ndis, const struct flue_host_params *params, struct flue_host **out)
{
    struct flue_host *host;
    flue_err err;

    *out = NULL;
    if (params->policy == NULL || params->send_quantum == 0 || params->backlog_frames == 0 ||
        params->tree_connections == 0) {
        return FLUE_EINVAL;
    }
    host = env->allocate(env->ctx, sizeof *host);
    if (host == NULL) {
        return FLUE_ENOMEM;
    }
    host->env = env;
    host->timers = timers;
    host->trace = trace;
    host->ndis = ndis;
    host->params = *params;
    if (params->nud_reachable_ps == 0)
        host->params.nud_reachable_ps = 30 * FLUE_PS_PER_S;
    if (params->nud_delay_ps == 0)
        host->params.nud_delay_ps = 5 * FLUE_PS_PER_S;
    if (params->nud_retrans_ps == 0)
        host->params.nud_retrans_ps = FLUE_PS_PER_S;
    host->params.reoffer = params->reoffer != 0 && params->policy->asked_again == 0;
    host->static_mtu_bytes = MTU_DEFAULT_BYTES;
    flue_server_init(&host->core, params->profile.host_hz, trace);
    software_bills(host);
    init_lists(host);
    err = make(host);
    if (err != FLUE_OK) {
        flue_host_free(host);
        return err;
    }
    *out = host;
    return FLUE_OK;
}

static void dispose_neighbours(struct flue_host *host)
{
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        FLUE_LIST_EACH(each, &binding->neighbours)
        {
            neighbour_dispose(FLUE_CONTAINER_OF(each, struct host_neighbour, hook));
        }
    }
}

void flue_host_free(struct flue_host *host)
{
    if (host == NULL) {
        return;
    }
    FLUE_LIST_EACH(hook, &host->all)
    {
        const struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_host_socket, all);

        if (socket_conn(socket) != NULL) {
            flue_tcp_release(socket_conn(socket));
        }
    }
    flue_tcp_free(host->tcp);
    dispose_neighbours(host);
    ndis_pool_free(host->frames);
    ndis_pool_free(host->spans);
    pool_dispose(&host->sockets);
    pool_dispose(&host->traffics);
    pool_dispose(&host->pieces);
    pool_dispose(&host->held);
    pool_dispose(&host->leases);
    pool_dispose(&host->cached);
    pool_dispose(&host->changes_pool);
    pool_dispose(&host->pairs);
    pool_dispose(&host->blocks);
    pool_dispose(&host->paths);
    pool_dispose(&host->listeners);
    pool_dispose(&host->bindings_pool);
    pool_dispose(&host->neighbours);
    pool_dispose(&host->routes);
    pool_dispose(&host->waits);
    ask_dispose(host);
    pool_dispose(&host->requests);
    pool_dispose(&host->questions);
    pool_dispose(&host->fragments);
    pool_dispose(&host->datagrams);
    hash_table_dispose(&host->by_tuple);
    hash_table_dispose(&host->by_addresses);
    hash_table_dispose(&host->by_values);
    hash_table_dispose(&host->by_pair);
    hash_table_dispose(&host->by_next_hop);
    if (host->timers != NULL) {
        timers_remove(host->timers, &host->settle);
        timers_remove(host->timers, &host->retry);
        timers_remove(host->timers, &host->reoffer);
        timers_remove(host->timers, &host->ask.timer);
        timers_unreserve(host->timers, HOST_TIMERS);
    }
    host->env->release(host->env->ctx, host, sizeof *host);
}

/* What the target was told of an older address or MTU is updated. */
void flue_host_neighbour(struct flue_host *host, const uint8_t mac[6], uint32_t mtu_bytes)
{
    memcpy(host->static_mac, mac, sizeof host->static_mac);
    host->static_mtu_bytes = mtu_bytes;
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (!binding->has_mac) {
            binding->mtu_bytes = mtu_bytes;
            neighbour_set_mac(&binding->fixed, mac);
        }
    }
    FLUE_LIST_EACH(hook, &host->path_list)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, hook);

        if (!path->stem.binding->has_mac) {
            path_set_mtu(path, mtu_bytes);
        }
    }
    if (!list_empty(&host->path_list)) {
        host_arm_settle(host);
    }
}

flue_err flue_host_listen(struct flue_host *host, uint16_t port, const struct flue_app *app, void *ctx)
{
    struct host_listener *listener = pool_get(&host->listeners);
    flue_err err;

    if (listener == NULL) {
        return FLUE_ENOMEM;
    }
    err = flue_tcp_listen(host->tcp, port);
    if (err != FLUE_OK) {
        pool_put(&host->listeners, listener);
        return err;
    }
    *listener = (struct host_listener){.app = app, .ctx = ctx, .port = port};
    list_push_back(&host->listener_list, &listener->hook);
    return FLUE_OK;
}

/* ---- Totals and books */

void flue_host_totals(const struct flue_host *host, struct flue_host_totals *out)
{
    *out = host->totals;
}

void flue_host_tcp_totals(const struct flue_host *host, struct flue_tcp_totals *out)
{
    flue_tcp_totals(host->tcp, out);
}

flue_err flue_host_tcp_info(const struct flue_host *host, const struct flue_tcp_tuple *tuple, struct flue_tcp_info *out)
{
    const struct flue_tcp_conn *conn = flue_tcp_find_tuple(host->tcp, tuple);

    if (conn == NULL) {
        return FLUE_ENOENT;
    }
    flue_tcp_info(conn, out);
    return FLUE_OK;
}

struct flue_server *flue_host_core(struct flue_host *host)
{
    return &host->core;
}

int32_t flue_host_last_refusal(const struct flue_host *host)
{
    return host->last_refusal;
}

uint64_t flue_host_objects_live(const struct flue_host *host)
{
    uint64_t live = pool_live(&host->sockets) + pool_live(&host->pieces) + pool_live(&host->held) +
                    pool_live(&host->leases) + pool_live(&host->cached) + pool_live(&host->changes_pool) +
                    pool_live(&host->blocks) + ndis_pool_live(host->frames) + ndis_pool_live(host->spans);

    FLUE_LIST_EACH(hook, &host->bindings)
    {
        const struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        live += binding->received.count + binding->indicated.count;
        FLUE_LIST_EACH(each, &binding->neighbours)
        {
            live += FLUE_CONTAINER_OF(each, struct host_neighbour, hook)->object.state != OBJECT_HERE;
        }
    }
    FLUE_LIST_EACH(hook, &host->path_list)
    {
        live += FLUE_CONTAINER_OF(hook, struct host_path, hook)->object.state != OBJECT_HERE;
    }
    return live;
}

void flue_host_book(const struct flue_host *host, struct flue_book *sum)
{
    *sum = host->closed_book;
    for (unsigned i = 0; i < FLUE_COST_CATEGORIES; i++) {
        sum->cycles[i] += host->core.carried.cycles[i];
    }
    sum->bus_ps += host->core.carried.bus_ps;
    FLUE_LIST_EACH(hook, &host->all)
    {
        flue_book_add(sum, &FLUE_CONTAINER_OF(hook, struct flue_host_socket, all)->account);
    }
}
