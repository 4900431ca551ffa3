/* SPDX-License-Identifier: GPL-2.0-only */
/* A pass-through intermediate driver for tests of N: every operation goes on as it comes, under handles of its own. */
#ifndef FLUE_TEST_NDIS_FAKE_IM_H
#define FLUE_TEST_NDIS_FAKE_IM_H

#include <stdbool.h>

#include "ndis_fakes.h"

enum { FAKE_IM_ENTRIES = 8, FAKE_IM_BLOCKS = 16 };

/* One offloaded object: the handle given downward comes first. */
struct fake_im_entry {
    NDIS_OFFLOAD_HANDLE handle;
    struct fake_im *im;
    PNDIS_OFFLOAD_HANDLE upper; /* NULL: the entry is free */
};

/* What it keeps of one block of a state operation on its way. */
struct fake_im_call {
    const void *block; /* NULL: free */
    PNDIS_OFFLOAD_HANDLE upper;
    struct fake_im_entry *entry;
    PVOID im_reserved[2];
    PVOID source;
};

struct fake_im {
    struct flue_ndis *ndis;
    const char *name;
    unsigned options;         /* bits 1 and 2: the miniport's structures, 4 and 8: the protocol's */
    unsigned wants;           /* adapters below before it starts its own */
    bool associates_late;     /* after both registrations, not from inside SetOptions */
    bool swallows;            /* answers requests itself */
    NDIS_STATUS event_answer; /* to plug-and-play events */
    NDIS_HANDLE driver, protocol;
    NDIS_HANDLE adapter; /* its virtual one, while it runs */
    NDIS_HANDLE lower[2];
    const NDIS_TCP_CONNECTION_OFFLOAD *capability; /* below, as told at bind time */
    NDIS_TCP_CONNECTION_OFFLOAD capability_copy;
    unsigned lowers;
    unsigned active; /* index of the lower adapter that new objects go to */
    unsigned events; /* plug-and-play events seen */
    unsigned requests;
    PNET_PNP_EVENT_NOTIFICATION pending_event;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS up;
    struct fake_im_entry entries[FAKE_IM_ENTRIES];
    struct fake_im_call calls[FAKE_IM_BLOCKS];
    NDIS_OID_REQUEST request; /* passed down */
    PNDIS_OID_REQUEST upper_request;
};

/* Registers both edges and ties them; it opens what is offered. */
void fake_im_begin(struct fake_im *im, struct flue_ndis *ndis, const char *name, unsigned wants);
void fake_im_register(struct fake_im *im);
/* Unregisters both edges; everything has been given back. */
void fake_im_end(struct fake_im *im);

#endif
