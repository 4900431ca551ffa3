/* SPDX-License-Identifier: GPL-2.0-only */
/* host/hold.c - segments that came on the ordinary path while their connection changes hands: kept, in order of
 * arrival, unprocessed and unacknowledged, until somebody holds the connection again (D-17).
 *
 * During one hand-over at most 1,024 arriving segments are kept; more are dropped and counted (held_dropped), and the
 * peer sends them again. Data that was out of order in the engine at the hand-over is held as segments, too. */
#include "host/charge.h"
#include "host/protocol.h"
#include "host/socket.h"
#include "host/software.h"
#include "host/upload.h"

#define ARRIVED_MAX 1024u

/* A hand-over may take long, or never end: what comes beyond a limit is lost, and the peer sends it again. */
void hold_arrived(struct flue_host_socket *socket, const struct flue_frame *frame)
{
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic == NULL || traffic->arrived == ARRIVED_MAX) {
        socket->pair->host->totals.held_dropped++;
        return;
    }
    traffic->arrived++;
    hold_frame(socket, frame);
}

/* Without memory a segment is lost, and the peer sends it again. */
void hold_frame(struct flue_host_socket *socket, const struct flue_frame *frame)
{
    struct flue_host *host = socket->pair->host;
    struct host_traffic *traffic = socket_traffic(socket);
    struct host_held *held = traffic == NULL ? NULL : pool_get(&host->held);

    if (held == NULL) {
        return;
    }
    *held = (struct host_held){.next = NULL, .frame = *frame};
    if (traffic->held == NULL) {
        traffic->held = held;
    } else {
        traffic->held->last->next = held;
    }
    traffic->held->last = held;
    host->totals.held_segments++;
    flue_trace2(host->trace, hold_segment, host_now(host), socket->account.conn, frame->seq,
                frame->payload.length_bytes);
}

static struct host_held *pop(struct flue_host_socket *socket)
{
    struct host_traffic *traffic = socket->traffic;
    struct host_held *held = traffic->held;

    if (held != NULL) {
        traffic->held = held->next;
    }
    if (traffic->held != NULL) {
        traffic->held->last = held->last;
    } else if (traffic->arrived > 0) {
        traffic->arrived = 0;
    }
    return held;
}

void hold_process(struct flue_host_socket *socket)
{
    struct host_held *held;

    while ((held = pop(socket)) != NULL) {
        software_input(socket, &held->frame);
        pool_put(&socket->pair->host->held, held);
    }
}

void hold_forward(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    struct ndis_chain chain = {0};
    struct host_held *held;

    while ((held = pop(socket)) != NULL) {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(host->frames);

        if (nbl != NULL) {
            *ndis_nbl_frame(nbl) = held->frame;
            nbl->ProtocolReserved[0] = socket;
            ndis_chain_append(&chain, nbl);
            charge_chimney_forward(host, &socket->account, 0);
            host->totals.forwarded_segments++;
        }
        pool_put(&host->held, held);
    }
    if (chain.first != NULL) {
        protocol_tcp_forward(socket, &chain);
    }
}

/* UPLOAD_IN_PROGRESS: the target did not process it, the host will.  SUCCESS, REQUEST_ABORTED: done with (D-38). */
void hold_forward_complete(struct flue_host *host, PNET_BUFFER_LIST first)
{
    (void)host;
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        if (first->Status == NDIS_STATUS_UPLOAD_IN_PROGRESS) {
            hold_frame(first->ProtocolReserved[0], ndis_nbl_frame(first));
            upload_want(first->ProtocolReserved[0], FLUE_MOVE_RETRIEVE);
        }
        ndis_nbl_put(first);
        first = next;
    }
}

/* A connection that is over has nobody for its segments, and its peer may know nothing of the end: a reset that came
 * out of order is asked for again (RFC 5961 3.2), and what asks is answered as in CLOSED (RFC 9293 3.10.7.1). */
void hold_answer(struct flue_host_socket *socket)
{
    struct host_held *held;

    while ((held = pop(socket)) != NULL) {
        software_deliver(socket->pair->host, &held->frame);
        pool_put(&socket->pair->host->held, held);
    }
}

void hold_drop(struct flue_host_socket *socket)
{
    struct host_held *held;

    while ((held = pop(socket)) != NULL) {
        pool_put(&socket->pair->host->held, held);
    }
}
