/* SPDX-License-Identifier: GPL-2.0-only */
/* One offloaded connection between a host and a target that do as a test tells them, watched by the checker. */
#ifndef FLUE_TEST_CHECK_DATA_WORLD_H
#define FLUE_TEST_CHECK_DATA_WORLD_H

#include "flue/check.h"
#include "flue/wire.h"
#include "ndis_fakes.h"
#include "support/violators.h"

#define SND_UNA   0xFFFFFF00u /* both spaces wrap soon */
#define RCV_NXT   0xFFFFFFF0u
#define SEND_ID   6u /* described streams */
#define RECV_ID   7u
#define FOUND_MAX 16u

struct world {
    struct fakes fakes;
    struct owned_handle neighbor, path, tcp;
    FLUE_NEIGHBOR_BLOCK n;
    FLUE_PATH_BLOCK p;
    FLUE_TCP_BLOCK t;
    FLUE_TCP_TERMINATE_BLOCK end;
    uint8_t local[4], remote[4];
    char contexts[3];
    unsigned taken; /* slots written */
    unsigned found[FOUND_MAX], count;
    enum flue_party party; /* of the first finding */
    uint32_t sent;         /* bytes of SEND_ID made */
    uint32_t came;         /* bytes of RECV_ID that frames brought */
    uint32_t received;     /* bytes of RECV_ID that were handed up */
    PNET_BUFFER_LIST kept;
};

/* The connection is offloaded; nothing is found yet. */
void world_begin(struct world *world, const struct flue_ddi *ddi);
/* The same in two steps: everything is laid out; the connection is offloaded. */
void world_lay_out(struct world *world, const struct flue_ddi *ddi);
void world_offload(struct world *world);
/* Forgets everything, whatever is lent. */
void world_end(struct world *world);

PNDIS_OFFLOAD_HANDLE world_handle(struct world *world);

/* The host. */
PNET_BUFFER_LIST world_list(struct world *world, uint32_t bytes); /* the next bytes to send */
PNET_BUFFER_LIST world_room(struct world *world, uint32_t bytes);
PNET_BUFFER_LIST world_send(struct world *world, uint32_t bytes);
PNET_BUFFER_LIST world_post(struct world *world, uint32_t bytes, int no_push);
PNET_BUFFER_LIST world_disconnect(struct world *world, uint32_t bytes, ULONG flags);
PNET_BUFFER_LIST world_segment(struct world *world); /* a frame to forward */
/* A second connection is offered on the same path, with data that was received and not read, or NULL; one at a time. */
void world_offer_another(struct world *world, struct owned_handle *other, PNET_BUFFER_LIST buffered);
void world_terminate(struct world *world);

/* The target. */
void world_complete(struct world *world, enum flue_point how, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG bytes);
/* Places the next bytes that came into a posted receive and completes it. */
void world_fill(struct world *world, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG bytes);
PNET_BUFFER_LIST world_arrived(struct world *world, uint32_t bytes); /* a list of the next bytes that came */
NDIS_STATUS world_indicate(struct world *world, PNET_BUFFER_LIST nbl, NDIS_STATUS answer, ULONG consumed);
void world_event(struct world *world, ULONG type, ULONG information);
void world_terminated(struct world *world);

/* The wire. */
void world_comes(struct world *world, uint32_t bytes, uint32_t acked, unsigned flags); /* acked: bytes of SEND_ID */
struct flue_frame world_frame(struct world *world, uint32_t offset, uint32_t bytes, uint32_t ack, unsigned flags);
void world_leaves(struct world *world, const struct flue_frame *frame);

/* Names that scripts use often. */
#define SENT     FLUE_POINT_ddi_send_complete
#define RECEIVED FLUE_POINT_ddi_receive_complete
#define CLOSED   FLUE_POINT_ddi_disconnect_complete
#define FORWARD  FLUE_POINT_ddi_forward_complete
#define GRACEFUL TCP_DISCONNECT_GRACEFUL_CLOSE
#define ABORTIVE TCP_DISCONNECT_ABORTIVE_CLOSE
#define SUCCESS  NDIS_STATUS_SUCCESS
#define UPLOAD   NDIS_STATUS_UPLOAD_IN_PROGRESS
#define ABORTED  NDIS_STATUS_REQUEST_ABORTED

/* Somebody who breaks a rule. */
struct violator {
    unsigned rule;
    enum flue_party party;
    void (*act)(struct world *world);
    unsigned followers[2];                /* rules that break with it; 0: none */
    const char *name;                     /* of act */
    int strict;                           /* ddi.invalidate_acks_none */
    void (*prepare)(struct world *world); /* before the initiate is asked; NULL: nothing */
};
#define VIOLATOR(rule_, party_, act_, ...)                                                                             \
    {                                                                                                                  \
        .rule = (rule_), .party = (party_), .act = (act_), .followers = {__VA_ARGS__}, .name = #act_                   \
    }
/* Each in a world of its own: its rule must be the first finding, and only its followers may come with it. */
void violators_run(const struct violator *violators, size_t count);

/* The same for what only the first finding is asked of; rule 0: nothing may be found. */
struct breach {
    void (*act)(struct world *world);
    unsigned rule;
    enum flue_party party;
    const char *name; /* of act */
};
#define BREACH(act_, rule_, party_)                                                                                    \
    {                                                                                                                  \
        .act = (act_), .rule = (rule_), .party = (party_), .name = #act_                                               \
    }
void breaches_run(const struct breach *breaches, size_t count);

#endif
