/* SPDX-License-Identifier: GPL-2.0-only */
/* host/hold.c - segments that came on the ordinary path while their connection changes hands: kept, in order of
 * arrival, unprocessed and unacknowledged, until somebody holds the connection again (D-17). */
#include "host/charge.h"
#include "host/protocol.h"
#include "host/software.h"
#include "host/upload.h"

#define ARRIVED_MAX 1024u

/* A hand-over may take long, or never end: what comes beyond a limit is lost, and the peer sends it again. */
void hold_arrived(struct flue_socket *socket, const struct flue_frame *frame)
{
    if (socket->arrived == ARRIVED_MAX) {
        socket->host->totals.held_dropped++;
        return;
    }
    socket->arrived++;
    hold_frame(socket, frame);
}

/* Without memory a segment is lost, and the peer sends it again. */
void hold_frame(struct flue_socket *socket, const struct flue_frame *frame)
{
    struct flue_host *host = socket->host;
    struct host_held *held = pool_get(&host->held);

    if (held == NULL) {
        return;
    }
    *held = (struct host_held){.next = NULL, .frame = *frame};
    if (socket->held == NULL) {
        socket->held = held;
    } else {
        socket->held->last->next = held;
    }
    socket->held->last = held;
    host->totals.held_segments++;
    flue_trace2(host->trace, hold_segment, host_now(host), socket->account.conn, frame->seq,
                frame->payload.length_bytes);
}

static struct host_held *pop(struct flue_socket *socket)
{
    struct host_held *held = socket->held;

    if (held != NULL) {
        socket->held = held->next;
    }
    if (socket->held != NULL) {
        socket->held->last = held->last;
    } else {
        socket->arrived = 0;
    }
    return held;
}

void hold_process(struct flue_socket *socket)
{
    struct host_held *held;

    while ((held = pop(socket)) != NULL) {
        software_input(socket, &held->frame);
        pool_put(&socket->host->held, held);
    }
}

void hold_forward(struct flue_socket *socket)
{
    struct flue_host *host = socket->host;
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

void hold_drop(struct flue_socket *socket)
{
    struct host_held *held;

    while ((held = pop(socket)) != NULL) {
        pool_put(&socket->host->held, held);
    }
}
