/* SPDX-License-Identifier: GPL-2.0-only */
/* host/software.c - the software path: ordinary frames between NDIS and the host's own TCP engine. */
#include "host/charge.h"
#include "host/holder.h"
#include "host/neighbour.h"
#include "host/path.h"
#include "host/protocol.h"
#include "host/socket.h"
#include "host/software.h"

/* ---- What a segment costs */

void software_bills(struct flue_host *host)
{
    const struct flue_profile *profile = &host->params.profile;

    flue_bill_init(&host->send_data);
    flue_bill_add(&host->send_data, FLUE_COST_TCPIP, &profile->tcp_send_data, 0);
    flue_bill_add(&host->send_data, FLUE_COST_CHECKSUM, &profile->checksum_send, 1);
    flue_bill_add(&host->send_data, FLUE_COST_DRIVER, &profile->driver_send, 0);
    flue_bill_add(&host->send_data, FLUE_COST_OTHER, &profile->other_send_data, 0);
    flue_bill_init(&host->send_ack);
    flue_bill_add(&host->send_ack, FLUE_COST_TCPIP, &profile->tcp_send_ack, 0);
    flue_bill_add(&host->send_ack, FLUE_COST_DRIVER, &profile->driver_ack, 0);
    flue_bill_init(&host->receive_data);
    flue_bill_add(&host->receive_data, FLUE_COST_DRIVER, &profile->driver_receive, 0);
    flue_bill_add(&host->receive_data, FLUE_COST_TCPIP, &profile->tcp_receive_data, 0);
    flue_bill_add(&host->receive_data, FLUE_COST_CHECKSUM, &profile->checksum_receive, 1);
    flue_bill_add(&host->receive_data, FLUE_COST_OTHER, &profile->other_receive_data, 0);
    flue_bill_init(&host->receive_ack);
    flue_bill_add(&host->receive_ack, FLUE_COST_DRIVER, &profile->driver_ack, 0);
    flue_bill_add(&host->receive_ack, FLUE_COST_TCPIP, &profile->tcp_receive_ack, 0);
}

/* ---- Frames out */

/* Segments that belong to no connection are rare: they look for their way themselves. */
static struct host_neighbour *next_hop(struct flue_host *host, struct flue_host_socket *socket,
                                       const struct flue_frame *frame)
{
    const struct host_path *path;

    if (socket == NULL) {
        return route_find(host, &frame->src_ip, &frame->dst_ip, NULL);
    }
    path = path_of(socket);
    return path == NULL ? NULL : path->wanted;
}

/* RFC 1122 4.2.3.5: after so many repetitions of one segment the next hop is doubted (R1). */
#define DOUBT_REPEATS 3u

static void doubt(const struct flue_tcp_conn *conn, struct host_neighbour *neighbour)
{
    struct flue_tcp_info info;

    flue_tcp_info(conn, &info);
    if (info.backoff >= DOUBT_REPEATS) {
        nud_doubt(neighbour);
    }
}

/* A frame of the present turn.  Without memory for it the segment is lost; TCP sends it again. */
static flue_ps take_output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    struct flue_host *host = owner;
    struct flue_host_socket *socket = conn == NULL ? NULL : flue_tcp_user(conn);
    struct flue_account *account = socket == NULL ? NULL : &socket->account;
    struct host_neighbour *neighbour = next_hop(host, socket, frame);
    PNET_BUFFER_LIST nbl;

    (void)at_ps;
    if (again == FLUE_TCP_AGAIN && conn != NULL && neighbour != NULL && !neighbour->fixed) {
        doubt(conn, neighbour);
    }
    (void)flue_server_charge_bill(&host->core, account,
                                  frame->payload.length_bytes > 0 ? &host->send_data : &host->send_ack,
                                  frame->payload.length_bytes);
    nbl = ndis_nbl_get(host->frames);
    if (nbl != NULL) {
        struct flue_frame *out = ndis_nbl_frame(nbl);

        *out = *frame;
        if (socket == NULL) {
            out->ethertype = flue_ip_is_v4(&frame->dst_ip) ? FLUE_ETHERTYPE_IPV4 : FLUE_ETHERTYPE_IPV6;
        }
        if (neighbour != NULL && neighbour->stem.binding->handle != NULL) {
            neighbour_send(neighbour, nbl);
        } else {
            ndis_nbl_put(nbl); /* no way to go */
        }
    }
    return host_now(host);
}

void software_flush(struct flue_host *host)
{
    if (host->unsent == 0) {
        return;
    }
    host->unsent = 0;
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (binding->out.first != NULL && binding->handle != NULL) {
            protocol_send(binding, &binding->out);
        } else if (binding->out.first != NULL) {
            host->unsent = 1; /* the binding is not open yet */
        }
    }
}

/* Turns: each connection may send up to a quantum, then goes to the end of the queue.  Only while the adapter has fewer
 * frames than the backlog; completions start it again. */
void software_pump_some(struct flue_host *host)
{
    struct flue_hook *hook;

    software_flush(host);
    while (host->outstanding < host->params.backlog_frames && (hook = list_pop_front(&host->outputs)) != NULL) {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct host_traffic, output)->socket;
        struct flue_tcp_conn *conn;
        int more;

        conn = socket_running(socket);
        if (conn == NULL) {
            socket_rest(socket);
            continue;
        }
        more = flue_tcp_output(conn, host->params.send_quantum, host_now(host));
        software_flush(host);
        if (more && (socket->flags & SOCKET_ENDED) == 0) {
            socket_output(socket);
        } else {
            socket_rest(socket);
        }
    }
}

void software_send_complete(struct flue_host *host, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_nbl_put(first);
        host->outstanding--;
        first = next;
    }
}

/* ---- Frames in */

static void charge_tcp_in(struct flue_host *host, struct flue_account *account, const struct flue_frame *frame)
{
    if (frame->payload.length_bytes > 0) {
        charge_tcp_receive_data(host, account, 0);
        charge_checksum_receive(host, account, frame->payload.length_bytes);
        charge_other_receive_data(host, account, 0);
    } else {
        charge_tcp_receive_ack(host, account, 0);
    }
}

void software_input(struct flue_host_socket *socket, const struct flue_frame *frame)
{
    struct flue_tcp_conn *conn = socket_running(socket);
    struct flue_host *host = socket->pair->host;

    if (conn != NULL) {
        charge_tcp_in(host, &socket->account, frame);
        flue_tcp_input(host->tcp, conn, frame, host_now(host), 1);
    }
}

/* No socket has this tuple: a listener may want it, or it is answered with RST. */
static void input_unknown(struct flue_host *host, const struct flue_frame *frame)
{
    charge_tcp_in(host, NULL, frame);
    host->accepting = NULL;
    flue_tcp_input(host->tcp, NULL, frame, host_now(host), 1);
    if (host->accepting != NULL && socket_conn(host->accepting) == NULL) {
        socket_enter(host->accepting, FLUE_HOLDER_CLOSED, FLUE_MOVE_NONE);
        socket_free(host->accepting);
    }
    host->accepting = NULL;
}

/* To whoever has the tuple now. */
static inline void deliver(struct flue_host *host, struct flue_host_socket *socket, const struct flue_frame *frame)
{
    if (socket != NULL && (socket->flags & SOCKET_ENDED) != 0) {
        socket_unlink(socket);
        socket = NULL;
    }
    if (socket == NULL) {
        if (host->stray == NULL || host->stray(host->stray_ctx, frame, host_now(host)) == 0) {
            input_unknown(host, frame);
        }
        return;
    }
    switch ((enum flue_holder)socket->holder) {
    case FLUE_HOLDER_HOST:
        software_input(socket, frame);
        break;
    case FLUE_HOLDER_OFFERED:
    case FLUE_HOLDER_GIVING_BACK:
        hold_arrived(socket, frame);
        if (!host_obeys(host, 244)) {
            socket_attend(socket);
        }
        break;
    case FLUE_HOLDER_TARGET:
        hold_arrived(socket, frame);
        socket_attend(socket); /* forwards it */
        break;
    case FLUE_HOLDER_LOST:
    case FLUE_HOLDER_CLOSED:
    case FLUE_HOLDER_COUNT:
        break;
    }
}

void software_deliver(struct flue_host *host, const struct flue_frame *frame)
{
    deliver(host, socket_find(host, frame), frame);
}

static inline void receive(struct flue_host *host, const struct flue_frame *frame)
{
    struct flue_host_socket *socket = socket_find(host, frame);
    struct flue_tcp_conn *conn = socket != NULL && socket->holder == FLUE_HOLDER_HOST ? socket_running(socket) : NULL;

    if (conn != NULL) { /* the usual case */
        (void)flue_server_charge_bill(&host->core, &socket->account,
                                      frame->payload.length_bytes > 0 ? &host->receive_data : &host->receive_ack,
                                      frame->payload.length_bytes);
        flue_tcp_input(host->tcp, conn, frame, host_now(host), 1);
        return;
    }
    if (frame->payload.length_bytes > 0) {
        charge_driver_receive(host, socket == NULL ? NULL : &socket->account, 0);
    } else {
        charge_driver_ack(host, socket == NULL ? NULL : &socket->account, 0);
    }
    deliver(host, socket, frame);
}

static void receive_other(struct host_binding *binding, const struct flue_frame *frame)
{
    struct flue_host *host = binding->host;
    struct flue_frame whole;

    charge_driver_receive(host, NULL, 0);
    switch ((enum flue_frame_kind)frame->kind) {
    case FLUE_FRAME_FRAGMENT:
        if (reassemble(host, frame, &whole)) {
            whole.ip = 0;
            receive(host, &whole);
        }
        break;
    case FLUE_FRAME_ARP:
    case FLUE_FRAME_ND:
        neighbour_input(binding, frame);
        break;
    case FLUE_FRAME_ICMP:
        path_icmp(host, frame);
        break;
    case FLUE_FRAME_TCP:
        break;
    }
}

/* Options of the datagram are stripped: what is forwarded to the target is a segment (15.7). */
static void dispatch(struct host_binding *binding, struct flue_frame *frame)
{
    if (frame->kind == FLUE_FRAME_TCP) {
        frame->ip = 0;
        receive(binding->host, frame);
    } else {
        receive_other(binding, frame);
    }
}

/* ACKs go out before the application runs: they are the interrupt's work. */
void software_receive(struct host_binding *binding, PNET_BUFFER_LIST first)
{
    struct flue_host *host = binding->host;

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        host->totals.frames_received++;
        dispatch(binding, ndis_nbl_frame(first));
        ndis_chain_append(&binding->received, first);
        first = next;
    }
    software_pump(host);
}

/* ---- What the engine says */

static void take_event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    struct flue_host_socket *socket = flue_tcp_user(conn);
    struct flue_host *host = owner;

    switch (event->kind) {
    case FLUE_TCP_EV_CONNECTED:
        socket->flags |= SOCKET_CONNECTED | SOCKET_TELL_CONNECTED;
        break;
    case FLUE_TCP_EV_DATA:
        socket_add_piece(socket, &event->span);
        socket_owe(socket, event->span.length_bytes);
        break;
    case FLUE_TCP_EV_ACKED:
        socket_acked(socket, event->bytes);
        if (socket->pair->path != NULL) {
            nud_event(socket->pair->path->wanted, NUD_CONFIRMED); /* forward progress (RFC 4861 7.3.1) */
        }
        break;
    case FLUE_TCP_EV_PEER_FIN:
        socket->flags |= SOCKET_PEER_FIN | SOCKET_TELL_PEER_FIN;
        break;
    case FLUE_TCP_EV_FIN_ACKED:
    case FLUE_TCP_EV_URGENT: /* its data is read as any other */
        return;
    case FLUE_TCP_EV_OUTPUT:
        socket_output(socket);
        if (host->depth == 0) {
            host_arm_settle(host);
        }
        return;
    case FLUE_TCP_EV_TIMER:
        socket->flags |= SOCKET_TIMER;
        break;
    case FLUE_TCP_EV_CLOSED:
        socket_ended(socket, event->reason);
        return;
    }
    socket_attend(socket);
}

static void *take_accept(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings,
                         int *refuse_silently)
{
    struct flue_host *host = owner;

    (void)settings;
    (void)refuse_silently;

    FLUE_LIST_EACH(hook, &host->listener_list)
    {
        const struct host_listener *listener = FLUE_CONTAINER_OF(hook, struct host_listener, hook);

        if (listener->port == tuple->local_port) {
            const struct flue_app *app = listener->app;
            uint32_t id = app->identify != NULL ? app->identify(listener->ctx, tuple) : host->accepted;

            host->accepted++;
            host->accepting = socket_new(host, tuple, id, 1, app, listener->ctx);
            return host->accepting;
        }
    }
    return NULL;
}

static struct flue_tcp_conn *find(void *owner, const struct flue_tcp_tuple *tuple)
{
    const struct flue_host_socket *socket = socket_of(owner, tuple);

    return socket == NULL ? NULL : socket_conn(socket);
}

static void own(void *owner, void *user, struct flue_tcp_conn *conn)
{
    (void)owner;
    ((struct flue_host_socket *)user)->conn = conn; /* not while it is leased */
}

const struct flue_tcp_ops software_ops = {
    .output = take_output, .event = take_event, .accept = take_accept, .find = find, .own = own};
