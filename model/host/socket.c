/* SPDX-License-Identifier: GPL-2.0-only */
/* host/socket.c - sockets above the switch: what the application calls, and the socket's own bookkeeping. */
#include "host/ask.h"
#include "host/charge.h"
#include "host/chimney.h"
#include "host/holder.h"
#include "host/offload.h"
#include "host/path.h"
#include "host/socket.h"
#include "host/software.h"
#include "host/upload.h"

#include <assert.h>

#include "base/span.h"

/* ---- Finding and making */

static bool same_tuple(const void *item, const void *key)
{
    const struct flue_host_socket *socket = item;
    const struct flue_tcp_tuple *tuple = key;

    return socket->remote_port == tuple->remote_port && socket->local_port == tuple->local_port &&
           flue_ip_equal(&socket->pair->remote_ip, &tuple->remote_ip) &&
           flue_ip_equal(&socket->pair->local_ip, &tuple->local_ip);
}

static uint32_t hash_of(const struct flue_tcp_tuple *tuple)
{
    return hash_tuple(hash_ip(tuple->local_ip.word), hash_ip(tuple->remote_ip.word), tuple->local_port,
                      tuple->remote_port);
}

struct flue_host_socket *socket_of(const struct flue_host *host, const struct flue_tcp_tuple *tuple)
{
    return hash_table_find(&host->by_tuple, hash_of(tuple), same_tuple, tuple);
}

static struct flue_host_socket *look_up(struct flue_host *host, const struct flue_frame *frame)
{
    const struct flue_tcp_tuple tuple = flue_tcp_tuple_of(frame);
    struct flue_host_socket *socket = socket_of(host, &tuple);

    if (socket != NULL) {
        host->latest = socket;
    }
    return socket;
}

/* Segments of one connection come several in a row. */
struct flue_host_socket *socket_find(struct flue_host *host, const struct flue_frame *frame)
{
    struct flue_host_socket *latest = host->latest;

    if (latest != NULL && flue_tcp_frame_is_of(frame, &latest->pair->local_ip, &latest->pair->remote_ip,
                                               latest->local_port, latest->remote_port)) {
        return latest;
    }
    return look_up(host, frame);
}

uint32_t flue_host_identify(const struct flue_host *host, const struct flue_tcp_tuple *tuple)
{
    const struct flue_host_socket *socket = socket_of(host, tuple);

    return socket != NULL ? socket->account.conn : FLUE_NO_CONN;
}

struct flue_host_socket *socket_new(struct flue_host *host, const struct flue_tcp_tuple *tuple, uint32_t id,
                                    unsigned side, const struct flue_app *app, void *ctx)
{
    struct host_pair *pair = pair_get(host, &tuple->local_ip, &tuple->remote_ip, app);
    struct flue_host_socket *socket = pair == NULL ? NULL : pool_get(&host->sockets);

    if (socket == NULL) {
        if (pair != NULL) {
            pair_put(host, pair);
        }
        return NULL;
    }
    *socket = (struct flue_host_socket){
        .ctx = ctx,
        .pair = pair,
        .traffic = &host->idle,
        .local_port = tuple->local_port,
        .remote_port = tuple->remote_port,
        .flags = side == 0 ? 0 : SOCKET_ACCEPTED,
        .holder = FLUE_HOLDER_HOST,
        .account = {.conn = id},
    };
    if (hash_table_insert(&host->by_tuple, hash_of(tuple), socket) != FLUE_OK) {
        pool_put(&host->sockets, socket);
        pair_put(host, pair);
        return NULL;
    }
    list_push_back(&host->all, &socket->all);
    host->totals.sockets++;
    host->totals.holders[FLUE_HOLDER_HOST]++;
    return socket;
}

static void unhook(struct flue_hook *hook)
{
    if (hook_linked(hook)) {
        list_remove(hook);
    }
}

void socket_unlink(struct flue_host_socket *socket)
{
    const struct flue_tcp_tuple tuple = host_tuple(socket);

    if ((socket->flags & SOCKET_UNLINKED) != 0) {
        return;
    }
    socket->flags |= SOCKET_UNLINKED;
    (void)hash_table_remove(&socket->pair->host->by_tuple, hash_of(&tuple), socket);
    if (socket->pair->host->latest == socket) {
        socket->pair->host->latest = NULL;
    }
    unhook(&socket->traffic->output);
    if (socket_conn(socket) != NULL) {
        flue_tcp_release(socket_conn(socket));
    }
}

void socket_free(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    assert(socket_lease(socket) == NULL);
    socket_unlink(socket);
    socket_drop_pieces(socket);
    hold_drop(socket);
    unhook(&socket->traffic->attend);
    unhook(&socket->traffic->move);
    host->offering -= (socket->flags & SOCKET_OFFER) != 0;
    ask_forget(socket);
    if (socket->traffic->wait != NULL) {
        unhook(&socket->traffic->wait->hook);
        pool_put(&host->waits, socket->traffic->wait);
    }
    if (socket->traffic != &host->idle) {
        pool_put(&host->traffics, socket->traffic);
    }
    list_remove(&socket->all);
    flue_book_add(&host->closed_book, &socket->account);
    host->totals.sockets--;
    host->totals.holders[socket->holder]--;
    pair_put(host, socket->pair);
    pool_put(&host->sockets, socket);
}

/* ---- What exists only while something moves */

struct host_traffic *socket_traffic(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    if (socket->traffic == &host->idle) {
        struct host_traffic *traffic = pool_get(&host->traffics);

        if (traffic == NULL) {
            return NULL;
        }
        *traffic = (struct host_traffic){.socket = socket};
        socket->traffic = traffic;
    }
    return socket->traffic;
}

/* Of few connections each keeps its own. */
#define TRAFFICS_KEPT 256u

void socket_rest(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    struct host_traffic *traffic = socket->traffic;
    bool linked, known, queued;
    uint64_t left;

    if (traffic == &host->idle || pool_live(&host->traffics) <= TRAFFICS_KEPT) {
        return;
    }
    linked = hook_linked(&traffic->output) || hook_linked(&traffic->attend) || hook_linked(&traffic->move);
    known = traffic->wait != NULL || traffic->view != NULL || traffic->change != NULL;
    queued = traffic->pieces != NULL || traffic->held != NULL;
    left = traffic->unposted_bytes | traffic->tell_acked_bytes | traffic->unread_bytes | traffic->owed_bytes |
           traffic->lists | traffic->arrived;
    if (!linked && !known && !queued && left == 0) {
        socket->traffic = &host->idle;
        pool_put(&host->traffics, traffic);
    }
}

void socket_acked(struct flue_host_socket *socket, uint32_t bytes)
{
    struct host_traffic *traffic = bytes == 0 ? NULL : socket_traffic(socket);

    if (traffic != NULL) {
        socket->unacked_bytes -= bytes;
        traffic->tell_acked_bytes += bytes;
    } else if (bytes != 0) {
        socket->flags |= SOCKET_ABORT_WANTED; /* the application would wait for ever */
    }
}

/* Of bytes for which there was no memory nothing is owed: their connection is reset. */
void socket_owe(struct flue_host_socket *socket, uint32_t bytes)
{
    struct host_traffic *traffic = bytes == 0 ? NULL : socket_traffic(socket);

    if (traffic != NULL) {
        traffic->owed_bytes += bytes;
    }
}

void socket_lists_add(struct flue_host_socket *socket)
{
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic != NULL) {
        traffic->lists++;
    }
}

/* ---- Noting */

/* There is no memory to note what happened: it is looked for later. */
static void late(struct flue_host_socket *socket)
{
    socket->flags |= SOCKET_LATE;
    host_retry(socket->pair->host);
}

void socket_output(struct flue_host_socket *socket)
{
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic == NULL) {
        late(socket);
    } else if (!hook_linked(&traffic->output)) {
        list_push_back(&socket->pair->host->outputs, &traffic->output);
    }
}

void socket_attend(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic == NULL) {
        late(socket);
        return;
    }
    if (!hook_linked(&traffic->attend)) {
        list_push_back(&host->attend, &traffic->attend);
    }
    if (host->depth == 0) {
        host_arm_settle(host);
    }
}

void socket_ended(struct flue_host_socket *socket, enum flue_tcp_reason reason)
{
    if ((socket->flags & SOCKET_ENDED) == 0) {
        socket->flags |= SOCKET_ENDED;
        socket->reason = (uint8_t)reason;
        socket_attend(socket);
    }
}

/* Without memory for what came in, the connection is reset: no byte is lost silently.  An application that has reset
 * the connection, or whose connection is reset for that, gets nothing any more (D-37). */
void socket_add_piece(struct flue_host_socket *socket, const struct flue_span *span)
{
    struct host_traffic *traffic;
    struct host_piece *piece;

    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        return;
    }
    traffic = socket_traffic(socket);
    if (traffic == NULL) {
        socket->flags |= SOCKET_ABORT_WANTED;
        return;
    }
    piece = traffic->pieces;
    traffic->unread_bytes += span->length_bytes;
    if (span->length_bytes == 0 || (piece != NULL && span_append(&piece->span, span))) {
        return;
    }
    piece = pool_get(&socket->pair->host->pieces);
    if (piece == NULL) {
        socket->flags |= SOCKET_ABORT_WANTED;
        return;
    }
    *piece = (struct host_piece){.next = piece, .span = *span};
    if (traffic->pieces != NULL) {
        piece->next = traffic->pieces->next;
        traffic->pieces->next = piece;
    }
    traffic->pieces = piece;
}

struct host_piece *socket_take_pieces(struct flue_host_socket *socket)
{
    struct host_piece *last = socket->traffic->pieces, *first = NULL;

    if (last != NULL) {
        first = last->next;
        last->next = NULL;
        socket->traffic->pieces = NULL;
    }
    return first;
}

void socket_drop_pieces(struct flue_host_socket *socket)
{
    struct host_piece *piece = socket_take_pieces(socket);

    while (piece != NULL) {
        struct host_piece *next = piece->next;

        pool_put(&socket->pair->host->pieces, piece);
        piece = next;
    }
}

static void post_to_engine(struct flue_host_socket *socket)
{
    flue_ps now_ps = host_now(socket->pair->host);
    struct flue_tcp_conn *conn = socket_running(socket);
    flue_err err;

    if (conn == NULL) {
        return;
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        if ((socket->flags & SOCKET_ABORT_TOLD) == 0) {
            socket->flags |= SOCKET_ABORT_TOLD;
            flue_tcp_abort(conn, now_ps);
        }
        return;
    }
    while (socket->traffic->unposted_bytes > 0) {
        uint64_t waiting = socket->traffic->unposted_bytes;
        struct flue_span span = {.offset_bytes = socket_posted_bytes(socket),
                                 .stream = socket_stream(socket),
                                 .length_bytes = waiting < UINT32_MAX ? (uint32_t)waiting : UINT32_MAX};

        err = flue_tcp_send(conn, &span, now_ps);
        if (err != FLUE_OK) {
            if (err == FLUE_ENOMEM) {
                host_retry(socket->pair->host);
            }
            return; /* it waits here */
        }
        socket->traffic->unposted_bytes -= span.length_bytes;
    }
    if ((socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_FIN_TOLD)) == SOCKET_CLOSE_WANTED &&
        flue_tcp_close(conn, now_ps) == FLUE_OK) {
        socket->flags |= SOCKET_FIN_TOLD;
    }
}

void socket_post(struct flue_host_socket *socket)
{
    switch ((enum flue_holder)socket->holder) {
    case FLUE_HOLDER_HOST:
        post_to_engine(socket);
        break;
    case FLUE_HOLDER_TARGET:
        chimney_post(socket);
        break;
    case FLUE_HOLDER_OFFERED:
        if (!host_obeys(socket->pair->host, 55) && socket_lease(socket)->object.handle.MiniportOffloadContext != NULL) {
            chimney_post(socket);
        }
        break;
    case FLUE_HOLDER_GIVING_BACK:
        if (!host_obeys(socket->pair->host, 116)) {
            chimney_post(socket);
        }
        break;
    case FLUE_HOLDER_LOST:
    case FLUE_HOLDER_CLOSED:
    case FLUE_HOLDER_COUNT:
        break;
    }
}

bool socket_waits(const struct flue_host_socket *socket)
{
    if ((socket->flags & SOCKET_ENDED) != 0) {
        return false;
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        return (socket->flags & SOCKET_ABORT_TOLD) == 0;
    }
    return socket->traffic->unposted_bytes > 0 ||
           (socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_FIN_TOLD | SOCKET_FIN_SENT)) == SOCKET_CLOSE_WANTED;
}

/* ---- What the application calls */

static void enter_now(struct flue_host *host)
{
    host_enter(host, host->depth == 0 ? host->env->now(host->env->ctx) : 0);
}

flue_err flue_host_connect(struct flue_host *host, const struct flue_tcp_tuple *tuple, uint32_t id,
                           const struct flue_app *app, void *ctx, flue_ps at_ps, struct flue_host_socket **out)
{
    struct flue_tcp_conn *conn;
    struct flue_host_socket *socket;
    flue_err err;

    *out = NULL;
    if (socket_of(host, tuple) != NULL) {
        return FLUE_EEXIST;
    }
    socket = socket_new(host, tuple, id, 0, app, ctx);
    if (socket == NULL) {
        return FLUE_ENOMEM;
    }
    host_enter(host, at_ps);
    err = flue_tcp_connect(host->tcp, tuple, NULL, socket, id, host_now(host), &conn);
    if (err == FLUE_OK) {
        *out = socket;
    } else {
        socket_enter(socket, FLUE_HOLDER_CLOSED, FLUE_MOVE_NONE);
        socket_free(socket);
    }
    host_leave(host);
    return err;
}

flue_err flue_host_socket_send(struct flue_host_socket *socket, uint32_t bytes)
{
    struct flue_host *host = socket->pair->host;
    struct flue_account *account = &socket->account;
    struct host_traffic *traffic;

    if ((socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_ABORT_WANTED | SOCKET_ENDED)) != 0) {
        return FLUE_ESTATE;
    }
    traffic = socket_traffic(socket);
    if (traffic == NULL) {
        return FLUE_ENOMEM;
    }
    enter_now(host);
    charge_call(host, account);
    charge_copy_send(host, account, bytes);
    flue_trace1(host->trace, app_send, host_now(host), socket->account.conn, bytes);
    socket->sent_bytes += bytes;
    traffic->unposted_bytes += bytes;
    socket->unacked_bytes += bytes;
    ask_sent(socket);
    socket_post(socket);
    socket_rest(socket);
    host_leave(host);
    return FLUE_OK;
}

flue_err flue_host_socket_close(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    if ((socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_ABORT_WANTED | SOCKET_ENDED)) != 0) {
        return FLUE_ESTATE;
    }
    enter_now(host);
    flue_trace0(host->trace, app_close, host_now(host), socket->account.conn);
    socket->flags |= SOCKET_CLOSE_WANTED;
    socket_post(socket);
    host_leave(host);
    return FLUE_OK;
}

void flue_host_socket_abort(struct flue_host_socket *socket)
{
    if ((socket->flags & (SOCKET_ABORT_WANTED | SOCKET_ENDED)) != 0) {
        return;
    }
    enter_now(socket->pair->host);
    socket->flags |= SOCKET_ABORT_WANTED;
    socket_post(socket);
    host_leave(socket->pair->host);
}

flue_err flue_host_socket_offload(struct flue_host_socket *socket, flue_ps at_ps)
{
    if (!offload_possible(socket)) {
        return FLUE_ESTATE;
    }
    host_enter(socket->pair->host, at_ps);
    offload_want(socket, FLUE_MOVE_AT_TIME);
    host_leave(socket->pair->host);
    return FLUE_OK;
}

flue_err flue_host_socket_upload(struct flue_host_socket *socket, flue_ps at_ps)
{
    if (socket->holder != FLUE_HOLDER_TARGET || (socket->flags & SOCKET_TAKE) != 0) {
        return FLUE_ESTATE;
    }
    host_enter(socket->pair->host, at_ps);
    upload_want(socket, FLUE_MOVE_AT_TIME);
    host_leave(socket->pair->host);
    return FLUE_OK;
}

void flue_host_socket_work(struct flue_host_socket *socket, unsigned requests)
{
    enter_now(socket->pair->host);
    for (unsigned i = 0; i < requests; i++) {
        charge_application_request(socket->pair->host, &socket->account, 0);
    }
    host_leave(socket->pair->host);
}

/* ---- What it may look at */

void flue_host_socket_set_ctx(struct flue_host_socket *socket, void *ctx)
{
    socket->ctx = ctx;
}

uint32_t flue_host_socket_id(const struct flue_host_socket *socket)
{
    return socket->account.conn;
}

struct flue_tcp_tuple flue_host_socket_tuple(const struct flue_host_socket *socket)
{
    return host_tuple(socket);
}

enum flue_holder flue_host_socket_holder(const struct flue_host_socket *socket)
{
    return (enum flue_holder)socket->holder;
}

const struct flue_account *flue_host_socket_account(const struct flue_host_socket *socket)
{
    return &socket->account;
}

uint64_t flue_host_socket_unacked_bytes(const struct flue_host_socket *socket)
{
    return socket->unacked_bytes;
}
