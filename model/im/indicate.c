/* SPDX-License-Identifier: GPL-2.0-only */
/* im/indicate.c - what an adapter says of its own accord, passed up at once under the stored upper handle, with the
 * answer of the layer above carried back unchanged (behaviour 6.4 to 6.6, 19.7). */
#include "im/im_core.h"

NDIS_STATUS im_indicate(struct im_entry *entry, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG *consumed_bytes)
{
    im_hold_flush_entry(entry);
    (void)im_home_learn(entry->edge, nbl);
    if (im_breaks(entry->im, 334)) {
        status = NDIS_STATUS_FAILURE;
    }
    status = entry->im->up.NdisTcpOffloadReceiveHandler(entry->upper, nbl, status, consumed_bytes);
    if (*consumed_bytes > 0 && im_breaks(entry->im, 335)) {
        *consumed_bytes -= 1;
    }
    return status;
}

void im_event(struct im_entry *entry, ULONG type, ULONG information)
{
    im_hold_flush_entry(entry);
    if (im_breaks(entry->im, 336)) {
        information++;
    }
    entry->im->up.NdisTcpOffloadEventHandler(entry->upper, type, information);
}

/* D-49: the same memory, so that the answer of the layer above stands where the adapter reads it. */
void im_generic_event(struct im_edge *edge, im_tree_p block, ULONG code)
{
    struct flue_im *im = edge->im;
    PNDIS_OFFLOAD_HANDLE own = block == NULL ? NULL : block->OffloadHandle;
    im_tree_m view = NULL;

    if (own != NULL) {
        im_hold_flush_entry(FLUE_CONTAINER_OF(own, struct im_entry, handle));
    }
    if (block != NULL) {
        view = flue_block_to_miniport(block);
        view->NdisOffloadHandle = own == NULL ? NULL : FLUE_CONTAINER_OF(own, struct im_entry, handle)->upper;
    }
    NdisMOffloadEventIndicate(im->miniport, view, code);
    if (block != NULL) {
        view->NdisOffloadHandle = own;
        (void)flue_block_to_protocol(view);
    }
}

/* ---- Status ---- */

/* The layer above has been asked for everything, and is told when the adapter is back. */
static bool leaves(const struct im_edge *edge)
{
    bool leaving = edge->asleep;

    for (unsigned kind = 0; kind < IM_EVENTS; kind++) {
        leaving = leaving || edge->event[kind] != NULL;
    }
    return leaving;
}

static bool about_offload(NDIS_STATUS code)
{
    return code == NDIS_STATUS_OFFLOAD_PAUSE || code == NDIS_STATUS_UPLOAD_ALL || code == NDIS_STATUS_OFFLOAD_RESUME;
}

void im_status(struct im_edge *edge, PNDIS_STATUS_INDICATION indication)
{
    struct flue_im *im = edge->im;
    NDIS_STATUS_INDICATION up = *indication;

    if (indication->StatusBuffer != NULL && indication->StatusBufferSize == sizeof edge->capability &&
        about_offload(indication->StatusCode)) {
        edge->capability = *(const NDIS_TCP_CONNECTION_OFFLOAD *)indication->StatusBuffer;
        edge->capable = true;
    }
    /* An adapter that carries nothing says nothing; what a move, or the way to sleep, asked for is not taken back by
     * the adapter it is about. */
    if (im->miniport == NULL || edge != im_active(im) ||
        ((im->move != IM_STAY || leaves(edge)) && indication->StatusCode == NDIS_STATUS_OFFLOAD_RESUME)) {
        return;
    }
    im_hold_flush_up(im);
    up.SourceHandle = im->miniport;
    NdisMIndicateStatusEx(im->miniport, &up);
}

void im_status_up(struct flue_im *im, NDIS_STATUS code, struct im_edge *capability)
{
    NDIS_STATUS_INDICATION indication = {
        .Header = {.Type = NDIS_OBJECT_TYPE_STATUS_INDICATION, .Revision = 1, .Size = sizeof indication},
        .SourceHandle = im->miniport,
        .StatusCode = code,
    };

    if (capability != NULL && capability->capable) {
        indication.StatusBuffer = &capability->capability;
        indication.StatusBufferSize = sizeof capability->capability;
    }
    NdisMIndicateStatusEx(im->miniport, &indication);
}
