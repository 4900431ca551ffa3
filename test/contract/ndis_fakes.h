/* SPDX-License-Identifier: GPL-2.0-only */
/* A miniport and a protocol that only note what N asks of them, for tests of N itself. */
#ifndef FLUE_TEST_NDIS_FAKES_H
#define FLUE_TEST_NDIS_FAKES_H

#include "flue/env.h"
#include "flue/ndischimney.h"
#include "flue/trace.h"

/* What was called last, newest last, as "MiniportInitiateOffload MiniportTcpOffloadSend ...". */
struct call_log {
    char text[2048];
};

struct fake_miniport {
    struct call_log *log;
    struct flue_ndis *ndis;
    NDIS_HANDLE driver, adapter;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS up;
    const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *table;   /* N's own, which nobody may use later */
    const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *refused; /* what came with NOT_SUPPORTED; without a checker NULL */
    unsigned asks;                  /* for entry points: bit 0 of a reserved type, bit 1 a second time */
    NDIS_STATUS handlers_status[3]; /* answers of NdisMGetOffloadHandlers: first, again, another type */
    NDIS_STATUS initialise_status;
    unsigned options;                              /* 1 generic, 2 TCP: what it registers */
    const NDIS_TCP_CONNECTION_OFFLOAD *capability; /* that it reports, now and at best */
    unsigned halted;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree; /* the last one that came down */
    PNDIS_OID_REQUEST request;              /* the last one */
    NDIS_STATUS request_answer;
    ULONG requests;
    PVOID data_context;
    PNET_BUFFER_LIST list; /* the last one that came down or back */
    ULONG flags;
    NDIS_STATUS answer, return_answer; /* of the data handlers, and of receive return */
    void (*during)(void *ctx);         /* called inside a data handler; NULL: nothing */
    void *during_ctx;
};

/* The protocol's record of an offloaded object: the handle comes first, so a handle leads to its owner. */
struct owned_handle {
    NDIS_OFFLOAD_HANDLE handle;
    struct fake_protocol *protocol;
};

struct fake_binding {
    struct fake_protocol *protocol;
    NDIS_HANDLE handle;
};

struct fake_protocol {
    struct call_log *log;
    struct flue_ndis *ndis;
    NDIS_HANDLE driver;
    struct fake_binding bindings[2]; /* `opens` of the free ones are opened for each adapter */
    unsigned opens;
    unsigned options;
    ULONG capacity;               /* that it was told at bind time; 0: nothing */
    struct fake_binding *binding; /* that the last completion came to */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree;
    PNET_BUFFER_LIST list;
    PVOID offload_context;
    ULONG event, information;
    NDIS_STATUS status;
    NDIS_STATUS answer; /* to a receive indication */
    ULONG consumed;
    PNDIS_OID_REQUEST request; /* the last one that was completed */
    NDIS_STATUS request_status;
    PNET_PNP_EVENT_NOTIFICATION pnp; /* the last event */
    ULONG pnp_value, pauses, powers; /* its value; how many there were */
    NDIS_STATUS pnp_answer;
    void (*during)(void *ctx); /* called inside a completion of data or an indication; NULL: nothing */
    void *during_ctx;
    int mute;           /* answers no reachability query */
    int spoils;         /* writes SourceHandle of the block of an event */
    int return_at_once; /* gives an indicated list back from inside the indication */
};

struct fakes {
    struct flue_env env;
    struct flue_trace trace;
    struct flue_ndis *ndis;
    struct ndis_pool *spans, *frames;
    struct call_log log;
    struct fake_miniport miniport;
    struct fake_protocol protocol;
    unsigned points[512]; /* trace points emitted, in order */
    struct flue_event last_event;
    unsigned point_count;
    int64_t memory_out; /* bytes taken from env and not given back */
    flue_ps now_ps;
};

/* Everything registered and one adapter running, the protocol bound `opens` times.  Fails the test if it cannot. */
void fakes_begin(struct fakes *fakes, unsigned opens);
/* Stops all, and asserts that nothing is lent and no memory is out. */
void fakes_end(struct fakes *fakes);
/* Only the empty instance, its pools and the two drivers' data, nothing registered. */
void fakes_prepare(struct fakes *fakes, unsigned opens);

/* After fakes_prepare(): registers both, and starts the adapter. */
void fakes_start(struct fakes *fakes);

NDIS_STATUS fake_miniport_register(struct fake_miniport *miniport);
NDIS_STATUS fake_protocol_register(struct fake_protocol *protocol);

#endif
