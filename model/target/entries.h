/* SPDX-License-Identifier: GPL-2.0-only */
/* target/entries.h - what stands in the rings of the adapter. */
#ifndef FLUE_TARGET_ENTRIES_H
#define FLUE_TARGET_ENTRIES_H

#include <stdbool.h>

#include "base/timers.h"
#include "flue/ndischimney.h"
#include "flue/wire.h"
#include "target/ring.h"

struct target_context;
struct target_neighbour;

typedef PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST target_tree;

enum doorbell_kind {
    DOORBELL_FRAMES, /* ordinary send */
    DOORBELL_INITIATE,
    DOORBELL_TERMINATE,
    DOORBELL_UPDATE,
    DOORBELL_INVALIDATE,
    DOORBELL_QUERY,
    DOORBELL_SEND,
    DOORBELL_RECEIVE,
    DOORBELL_DISCONNECT,
    DOORBELL_FORWARD,
    DOORBELL_RETURN
};

struct doorbell {
    flue_ps visible_ps;
    struct target_context *context;
    union {
        PNET_BUFFER_LIST nbl;
        target_tree tree;
    } what;
    ULONG flags;
    enum doorbell_kind kind;
};

/* Doorbells behind those of the ring; linked through what was handed down (overflow.c). */
struct overflow {
    uintptr_t first, last; /* 0: there are none */
    flue_ps visible_ps;    /* when all of them are */
    uint32_t count;
};

enum upward_kind {
    UPWARD_FRAME,      /* chain of one: ordinary receive */
    UPWARD_DATA,       /* span: the next bytes of a connection */
    UPWARD_SENT,       /* chain: chimney sends, Status set */
    UPWARD_RECEIVED,   /* chain: receive requests that no memory was left for */
    UPWARD_POSTED,     /* a look at the receive requests is due */
    UPWARD_POSTS_END,  /* event.information: the status that all of them complete with */
    UPWARD_FORWARDED,  /* chain */
    UPWARD_DISCONNECT, /* chain of one */
    UPWARD_EVENT,      /* event */
    UPWARD_STATUS,     /* event.type: a status of the adapter, event.information: whether it tells of capabilities */
    UPWARD_NEIGHBOUR,  /* neighbour: a reachability query */
    UPWARD_INITIATE,   /* tree; the last five as in enum doorbell_kind */
    UPWARD_TERMINATE,
    UPWARD_UPDATE,
    UPWARD_INVALIDATE,
    UPWARD_QUERY
};

struct upward {
    flue_ps visible_ps;
    struct target_context *context;
    union {
        struct flue_span span;
        struct {
            PNET_BUFFER_LIST first, last;
        } chain;
        struct {
            ULONG type, information;
        } event;
        target_tree tree;
        struct target_neighbour *neighbour;
    } what;
    enum upward_kind kind;
    uint32_t psh;   /* DATA: the segment carried PSH */
    bool let_go;    /* of those held back: to be shown in the next interrupt */
    bool lost;      /* of those held back: a completion that nobody knows of yet */
    uint32_t epoch; /* its turn, among several queues (rss.c) */
};

enum port_source { PORT_ORDINARY, PORT_ENGINE, PORT_SOURCES };

struct port_entry {
    flue_ps ready_ps;
    PNET_BUFFER_LIST nbl; /* to complete when the frame has left; NULL for the engine's frames */
    struct flue_frame frame;
};

struct port {
    struct ring queues[PORT_SOURCES];
    struct ring departures[PORT_SOURCES]; /* flue_ps: when the frames given to the wire have left it */
    flue_ps ready_ps[PORT_SOURCES];       /* of the last frame of each source: they do not overtake each other */
    uint64_t given[PORT_SOURCES];         /* frames given to the wire, or lost there */
    flue_ps free_ps;                      /* when the wire is */
    uint64_t busy_ps;
    struct timer timer;
    struct {
        uint32_t bytes;
        flue_ps time_ps;
    } known[2]; /* serialisation times of two lengths: data and ACKs */
};

/* An ordinary send that has been given to the wire. */
struct sent {
    flue_ps departure_ps;
    PNET_BUFFER_LIST nbl;
};

#endif
