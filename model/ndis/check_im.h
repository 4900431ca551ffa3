/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_im.h - what the checker keeps of intermediate drivers.
 *
 * A driver's upper edge is its virtual adapters, its lower edge the bindings of its protocol.  What comes down to the
 * upper edge is recorded, and compared with what leaves the lower edge; and the reverse.  Where two drivers stand on
 * each other, one crossing is the lower edge of the one and the upper edge of the other. */
#ifndef FLUE_NDIS_CHECK_IM_H
#define FLUE_NDIS_CHECK_IM_H

#include "ndis/check_core.h"

/* A tree or a list on its way through one driver. */
struct im_lent {
    struct flue_hook hook; /* in check_im.lent */
    const void *thing;     /* root or NBL */
    struct ndis_adapter *adapter;
    PNDIS_OFFLOAD_HANDLE upper; /* of a list */
    PVOID context;              /* of a list, when it came */
    ULONG flags;                /* of a disconnect */
    uint8_t what;               /* enum ndis_operation, enum ndis_request */
    bool tree;
    bool below;      /* it is lent below now */
    bool refused;    /* a send that came back refused for want of memory */
    uint32_t passed; /* how often it was */
};

/* An object's handle above a driver, and the driver's own. */
struct im_object {
    struct flue_hook hook; /* in check_im.objects */
    PNDIS_OFFLOAD_HANDLE upper, lower;
    bool refused; /* a send was, for want of memory */
};

/* An indication on the stack: it came to this driver, which has to pass it on. */
struct im_call {
    struct im_call *below; /* the call that it came with, in the driver below, or an earlier one */
    const struct ndis_driver *driver;
    PNDIS_OFFLOAD_HANDLE handle; /* the driver's */
    const void *thing;
    NDIS_STATUS status;
    ULONG type, information;
    uint32_t passed;
    NDIS_STATUS answer; /* of the layer above */
    ULONG consumed_bytes;
};

struct check_im {
    struct flue_hook lent, objects;
    struct pool lent_pool, object_pool, call_pool;
    struct hash_table lent_table, object_table;
    struct im_call *newest; /* as deep as drivers are stacked, and deeper where one indicates within another's call */
};

/* The driver whose upper or lower edge a crossing is at; NULL: none. */
static inline struct ndis_driver *im_above_of(const struct ndis_binding *binding)
{
    return binding->protocol->partner;
}
static inline struct ndis_driver *im_below_of(const struct ndis_adapter *adapter)
{
    return adapter->driver->partner != NULL ? adapter->driver : NULL;
}
/* The driver that has an adapter open below it: an adapter that one has open is its alone. */
struct ndis_driver *im_on(const struct ndis_adapter *adapter);
struct im_lent *im_lent_find(const struct check_im *im, const void *thing, const struct ndis_adapter *adapter);
struct im_lent *im_lent_through(const struct check_im *im, const void *thing, const struct ndis_driver *driver);
void im_lent_add(struct check *check, const struct im_lent *like);
void im_lent_end(struct check_im *im, struct im_lent *lent);
/* Lists that go up in a tree. */
void check_im_lists_end(struct check *check, const struct ndis_adapter *adapter, const NET_BUFFER_LIST *first);
struct im_object *im_object_find(const struct check_im *im, const NDIS_OFFLOAD_HANDLE *upper);

#endif
