/* SPDX-License-Identifier: GPL-2.0-only */
/* host/deliver.c - what follows, above the switch, from what was noted about a connection: the application is woken,
 * reads, and is told. */
#include "host/ask.h"
#include "host/charge.h"
#include "host/chimney.h"
#include "host/holder.h"
#include "host/socket.h"
#include "host/software.h"
#include "host/upload.h"

#define CALL(socket, member, ...)                                                                                      \
    do {                                                                                                               \
        if ((socket)->pair->app->member != NULL)                                                                       \
            (socket)->pair->app->member((socket)->ctx, (socket), __VA_ARGS__);                                         \
    } while (0)

/* True once for each time that the flag was set. */
static bool take_flag(struct flue_host_socket *socket, uint32_t flag)
{
    if ((socket->flags & flag) == 0) {
        return false;
    }
    socket->flags &= ~flag;
    return true;
}

/* An application sleeps at the end of each piece of work that concerns it, and is woken once in the next. */
static void wake(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    uint32_t works = (uint32_t)host->core.works;

    if (socket->woken != works) {
        socket->woken = works;
        charge_wakeup(host, &socket->account, 0);
    }
}

/* Not while the application does not want to, but at the end of the connection; nor while the target is being given
 * what is unread. */
static bool may_read(const struct flue_host_socket *socket)
{
    return (socket->flags & (SOCKET_PAUSED | SOCKET_ENDED)) != SOCKET_PAUSED &&
           (socket_lease(socket) == NULL || !socket_lease(socket)->buffered);
}

/* One read takes all that has come. */
static void read_all(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    struct host_piece *piece;
    uint64_t bytes = 0;

    if (socket->traffic->pieces == NULL || !may_read(socket)) {
        return;
    }
    socket->traffic->unread_bytes = 0;
    piece = socket_take_pieces(socket);
    for (const struct host_piece *p = piece; p != NULL; p = p->next) {
        bytes += p->span.length_bytes;
    }
    wake(socket);
    charge_call(host, &socket->account);
    charge_copy_receive(host, &socket->account, bytes);
    flue_trace1(host->trace, app_receive, host_now(host), socket->account.conn, bytes);
    if (socket->traffic->owed_bytes > 0 && socket_running(socket) != NULL) {
        flue_tcp_consumed(socket_conn(socket), socket->traffic->owed_bytes, host_now(host));
    }
    socket->traffic->owed_bytes = 0;
    ask_received(socket, bytes);
    while (piece != NULL) {
        struct host_piece *next = piece->next;
        struct flue_span span = piece->span;

        pool_put(&host->pieces, piece);
        if ((socket->flags & SOCKET_ABORT_WANTED) == 0) {
            CALL(socket, received, &span, host_now(host)); /* after a reset nobody wants it any more (D-37) */
        }
        piece = next;
    }
}

/* The last that happens to a socket. */
static void end(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    charge_tcp_close(host, &socket->account, 0);
    socket_unlink(socket);
    hold_answer(socket);
    socket_enter(socket, FLUE_HOLDER_CLOSED, FLUE_MOVE_NONE);
    if ((socket->flags & (SOCKET_CONNECTED | SOCKET_ACCEPTED)) != SOCKET_ACCEPTED) {
        CALL(socket, closed, (enum flue_tcp_reason)socket->reason, host_now(host));
    }
    socket_free(socket);
}

void socket_serve(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    if (take_flag(socket, SOCKET_TIMER) && socket_running(socket) != NULL) {
        charge_tcp_timer(host, &socket->account, 0);
        flue_tcp_timeout(socket_conn(socket), host_now(host));
    }
    if (take_flag(socket, SOCKET_LATE)) {
        socket_output(socket);
    }
    if ((socket->holder == FLUE_HOLDER_TARGET && (socket->flags & (SOCKET_TAKE | SOCKET_ABORT_TOLD)) == 0 &&
         host_obeys(host, 245)) ||
        (socket->holder == FLUE_HOLDER_GIVING_BACK && !host_obeys(host, 244))) {
        hold_forward(socket);
    }
    socket_post(socket);
    if (take_flag(socket, SOCKET_TELL_CONNECTED)) {
        charge_tcp_open(host, &socket->account, 0);
        wake(socket);
        CALL(socket, connected, host_now(host));
        ask_open(socket);
    }
    if (socket->traffic->tell_acked_bytes > 0) {
        uint32_t bytes = socket->traffic->tell_acked_bytes;

        socket->traffic->tell_acked_bytes = 0;
        CALL(socket, acknowledged, bytes, host_now(host));
    }
    read_all(socket);
    post_receives(socket);
    for (; socket->traffic->lists > 0; socket->traffic->lists--) {
        charge_chimney_return(host, &socket->account, 0);
    }
    if (socket->traffic->pieces == NULL && take_flag(socket, SOCKET_TELL_PEER_FIN)) {
        wake(socket);
        charge_call(host, &socket->account); /* the read that finds the end */
        CALL(socket, peer_closed, host_now(host));
    }
    if (take_flag(socket, SOCKET_TELL_MOVED)) {
        CALL(socket, moved, (enum flue_holder)socket->holder, (enum flue_move)socket->why, host_now(host));
    }
    if ((socket->flags & SOCKET_ENDED) != 0) {
        end(socket);
        return;
    }
    if ((socket->flags & (SOCKET_PEER_FIN | SOCKET_FIN_SENT)) == (SOCKET_PEER_FIN | SOCKET_FIN_SENT)) {
        upload_want(socket, FLUE_MOVE_CLOSING); /* both directions are closed: TIME_WAIT is the host's */
    }
    socket_rest(socket);
}
