/* SPDX-License-Identifier: GPL-2.0-only */
/* run/flow.h - a connection, seen from above both its ends; and what the applications of all workloads share (apps.c).
 */
#ifndef FLUE_RUN_FLOW_H
#define FLUE_RUN_FLOW_H

#include "flue/host.h"
#include "flue/tcp.h"

struct world;
struct flow_image;
struct request;
struct flue_ns3_socket;

/* The ends of a connection. */
enum { SERVER, CLIENT, ENDS };

/* What a flow of event migrate is at: not concerned; waits for an occasion or its turn; told to go; between two nodes,
 * where nobody has a socket of it. */
enum moving { MOVING_NO, MOVING_WAITS, MOVING_GOES, MOVING_CARRIED };

/* One connection, seen from above both its ends. */
struct flow {
    struct world *world;
    struct flue_host_socket *socket[ENDS];
    struct flue_ns3_socket *ns3; /* client_tcp=ns3: the client's end, in the place of socket[CLIENT] */
    uint64_t received[ENDS];     /* bytes that this end's application got */
    uint64_t accepted[ENDS];     /* bytes that this end's application sent: kept after its socket is gone */
    uint64_t acked[ENDS];
    uint32_t id;
    uint32_t node[ENDS]; /* who runs the application */
    uint8_t open[ENDS], closing[ENDS], closed[ENDS];
    uint8_t lost;             /* a terminate that failed took its state along (D-32), or an attack did */
    uint8_t attacked;         /* forged segments came for it */
    uint8_t moving;           /* enum moving */
    uint8_t close_late;       /* the server's end is to close when it has arrived */
    struct flue_hook carry;   /* in world->carry.ready or .on_way */
    struct flow_image *image; /* on its way, MOVING_CARRIED */
    flue_ps waiting_ps[ENDS]; /* since when bytes of this end wait for their delivery, or for that of the next */
    flue_ps silence_ps;       /* longest such wait in the measured window */
    uint32_t drawn[ENDS];     /* sizes that have been drawn for what this end sends */
    uint64_t request_bytes;   /* of a request that has come in part; 0 but for workload rpc */

    union {                            /* by the workload; web has its own in struct web */
        struct {                       /* bulk */
            uint64_t to_carry[ENDS];   /* bytes that this end sends in all */
            uint64_t left[ENDS];       /* bytes still to be written; by a list, of those that have fallen due */
            struct write_mark *writes; /* ring of writes_ahead marks for each end */
            uint32_t first[ENDS], count[ENDS];
        };
        struct {                       /* rpc */
            struct flue_hook requests; /* outstanding, oldest first */
            struct request *next;    /* the first of them that the server has not answered; NULL: it has answered all */
            uint64_t response_bytes; /* of a response that has come in part */
            uint32_t planned, rank;  /* requests it will get, if the run takes its course; connections that get more */
        };
    };
};

/* bulk: a write is over when so much has been delivered. */
struct write_mark {
    uint64_t end_offset;
    flue_ps at_ps;
};

/* What a client's socket tells, whoever runs its TCP. */
void flow_opened(struct flow *flow, int end, flue_ps at_ps);
void flow_received(struct flow *flow, int end, const struct flue_span *span, flue_ps at_ps);
void flow_acknowledged(struct flow *flow, int end, uint64_t bytes, flue_ps at_ps);
void flow_peer_closed(struct flow *flow, int end);
void flow_closed(struct flow *flow, int end, enum flue_tcp_reason reason, flue_ps at_ps);
/* An end has a socket: it is open, or will be, and has not ended. */
static inline int flow_has(const struct flow *flow, int end)
{
    return flow->socket[end] != NULL || (end == CLIENT && flow->ns3 != NULL);
}

/* Fills in world->app. */
void world_apps(struct world *world);
/* Closes one end, once. */
void flow_close(struct flow *flow, int end);
int flow_send(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps); /* 0: they were refused */
/* A flow that ends: its longest silence.  And, at the end of the window, those of all flows: what waits still counts.
 */
void flow_silence(struct flow *flow, flue_ps now_ps);
void flow_silences(struct world *world);
/* In PHASE_CLOSING: ends the run if all connections have gone. */
void world_drain(struct world *world);

#endif
