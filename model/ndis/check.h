/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check.h - where the dispatcher shows each crossing to the checker (flue/check.h).
 *
 * One hook before each call across the interface and one after it, called only if ndis_checked(): a run without the
 * checker pays that test and nothing else.  A layer is a binding: the party above it is the host or the lower
 * edge of an intermediate driver, the party below it the target or the upper edge of one. */
#ifndef FLUE_NDIS_CHECK_H
#define FLUE_NDIS_CHECK_H

#include "flue/check.h"
#include "ndis/instance.h"

/* State operations and data requests, in the order of the tables of tree.c and data.c. */
enum ndis_operation { NDIS_INITIATE, NDIS_TERMINATE, NDIS_UPDATE, NDIS_INVALIDATE, NDIS_QUERY, NDIS_OPERATIONS };
enum ndis_request { NDIS_SEND, NDIS_RECEIVE, NDIS_DISCONNECT, NDIS_FORWARD, NDIS_REQUESTS };

struct check;

/* Without hooks there is nothing to switch on: what that saves is what a checker that is off costs. */
#ifdef FLUE_WITHOUT_HOOKS
enum { NDIS_NO_HOOKS = 1 };
#else
enum { NDIS_NO_HOOKS = 0 };
#endif

static inline bool ndis_checked(const struct flue_ndis *ndis)
{
    return !NDIS_NO_HOOKS && __builtin_expect(ndis->check != NULL, 0);
}

/* check.c: life */
void check_free(struct flue_ndis *ndis);
/* NdisSetOptionalHandlers: in_options tells whether a SetOptions handler runs.  Before N looks at it. */
void check_optional_handlers(struct flue_ndis *ndis, struct ndis_driver *driver, struct ndis_protocol *protocol,
                             const NDIS_OBJECT_HEADER *header, bool in_options);
/* A driver has registered one edge; SetOptions has returned. */
void check_registered(struct flue_ndis *ndis, const struct ndis_driver *driver, const struct ndis_protocol *protocol);
void check_get_handlers(struct ndis_adapter *adapter, unsigned chimney_type);
/* What is handed out: for a type that is not supported, and after N has filled its own table. */
PNDIS_OFFLOAD_EVENT_HANDLERS check_refused_table(struct ndis_adapter *adapter);
void check_offered(struct ndis_adapter *adapter);
void check_initialised(struct ndis_adapter *adapter); /* MiniportInitializeEx has returned */
void check_halt(struct ndis_adapter *adapter);        /* everything is unbound, MiniportHaltEx comes next */
void check_close(struct ndis_binding *binding);       /* or what would close it; before anything is called */

/* check_tree.c: the five state operations.  down: before conversion, in H's view; false: no tree N can walk, the call
 * goes no further.  lent: after conversion, in T's view, right before the handler.  called: the handler below has
 * returned.  up: before conversion, in T's view; operation becomes the one the tree is out for; false: nothing of the
 * kind is out, the call goes no further; true: links and SourceHandle of all blocks are those it was lent with.
 * completed: the handler above has returned; the tree may be gone. */
bool check_tree_down(struct ndis_binding *binding, enum ndis_operation operation,
                     PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void check_tree_lent(struct ndis_binding *binding, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root);
void check_tree_called(struct ndis_binding *binding, enum ndis_operation operation, const void *root);
bool check_tree_up(struct ndis_adapter *adapter, enum ndis_operation *operation,
                   PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root);
void check_tree_completed(struct ndis_adapter *adapter, enum ndis_operation operation, const void *root);

/* check_data.c: data requests, the same four moments; receive return.  down: not SUCCESS: the call goes no further and
 * has this answer: INVALID_STATE, or PENDING: its lists come back by check_data_withheld(), which N calls before it
 * looks at the completion of a terminate.  up and receive_return: what is left of the chain after everything that is
 * lent for something else has been taken out; it ends before the first list that is not lent at all, which is not
 * touched. */
NDIS_STATUS check_data_down(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                            PNET_BUFFER_LIST first, ULONG flags);
void check_data_withheld(struct ndis_adapter *adapter, const void *root);
void check_data_called(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                       NDIS_STATUS answer);
PNET_BUFFER_LIST check_data_up(struct ndis_adapter *adapter, enum ndis_request request, PNET_BUFFER_LIST first);
void check_data_completed(struct ndis_adapter *adapter, enum ndis_request request);
PNET_BUFFER_LIST check_receive_return(struct ndis_binding *binding, PNET_BUFFER_LIST first);
void check_receive_returned(struct ndis_binding *binding, NDIS_STATUS answer);

/* check_ordinary.c: lists of the ordinary path, which no rule but the ledger binds.  sent, indicated: what is left of
 * the chain, up to the first list that is lent already (CH-041, CH-212).  sent_back, returned: up to the first that is
 * not lent (CH-121, CH-210; a driver: CH-325), which is not touched. */
PNET_BUFFER_LIST check_frames_sent(struct ndis_binding *binding, PNET_BUFFER_LIST first);
PNET_BUFFER_LIST check_frames_sent_back(struct ndis_adapter *adapter, PNET_BUFFER_LIST first);
PNET_BUFFER_LIST check_frames_indicated(struct ndis_binding *binding, PNET_BUFFER_LIST first, ULONG *count);
PNET_BUFFER_LIST check_frames_returned(struct ndis_binding *binding, PNET_BUFFER_LIST first);
/* A miniport handle that is none (D-02), counted under the first rule that names one, CH-008.  driver, adapter: what it
 * is, and whose it was to be, as far as that is known. */
void check_miniport_handle(struct flue_ndis *ndis, NDIS_HANDLE handle, const struct ndis_driver *driver,
                           struct ndis_adapter *adapter);

/* check_indicate.c: indications and events.  false: the handle names nothing, the call goes no further. */
bool check_indicate(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST nbl, NDIS_STATUS status);
void check_indicated(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST nbl, NDIS_STATUS answer,
                     ULONG consumed_bytes);
bool check_event(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle, ULONG type, ULONG information);
void check_event_done(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle);
bool check_generic_event(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, ULONG code);
void check_generic_event_done(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, ULONG code);

/* check_power.c: status indications, requests, power.  down, up: trees whose shape has been found good, in the view in
 * which they come. */
void check_power_down(struct ndis_binding *binding, enum ndis_operation operation,
                      PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void check_power_up(struct ndis_adapter *adapter, enum ndis_operation operation,
                    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root);
void check_power_indicated(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block);
void check_status(struct ndis_adapter *adapter, const NDIS_STATUS_INDICATION *indication);
void check_status_done(struct ndis_adapter *adapter);
/* binding: who asks; NULL: N itself. */
void check_oid(struct ndis_adapter *adapter, struct ndis_binding *binding, const NDIS_OID_REQUEST *request);
void check_oid_done(struct ndis_adapter *adapter, const NDIS_OID_REQUEST *request, NDIS_STATUS status);
/* An event or indication names the adapter itself instead of an object of it. */
void check_no_object(struct ndis_adapter *adapter, unsigned rule);
void check_oid_stray(struct ndis_adapter *adapter, const NDIS_OID_REQUEST *request); /* is completed, and was not out */

/* check_im_data.c: what passes intermediate drivers, at the same moments; data requests after the
 * hooks above have let them pass; stopped: the hook above has stopped an indication or event. */
void check_im_data_down(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                        PNET_BUFFER_LIST first, ULONG flags);
void check_im_data_up(struct ndis_adapter *adapter, PNET_BUFFER_LIST first);
void check_im_indicate(struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle, const NET_BUFFER_LIST *nbl,
                       NDIS_STATUS status);
void check_im_indicated(struct ndis_binding *binding, const NET_BUFFER_LIST *nbl, NDIS_STATUS answer,
                        ULONG consumed_bytes);
void check_im_event(struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle, ULONG type, ULONG information);
void check_im_stopped(struct ndis_binding *binding);
void check_im_event_done(struct ndis_binding *binding);
void check_im_generic_event(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, ULONG code);
void check_im_generic_event_done(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block);

#endif
