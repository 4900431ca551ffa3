/* SPDX-License-Identifier: GPL-2.0-only */
/* im/ordinary.c - frames of the ordinary path: down to the active adapter, up from all of them. */
#include "im/im_core.h"

void im_frames_down(struct flue_im *im, PNET_BUFFER_LIST first, ULONG flags)
{
    struct ndis_chain chain = {0};

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        if (im_context_push(im, NULL, first)) {
            ndis_chain_append(&chain, first);
        } else {
            ndis_chain_append(&im->dropped, first);
            im_answer_later(im);
        }
        first = next;
    }
    if (chain.first != NULL) {
        NdisSendNetBufferLists(im_active(im)->binding, chain.first, 0, flags);
    }
}

void im_frames_sent(struct flue_im *im, PNET_BUFFER_LIST first, ULONG flags)
{
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        (void)im_context_pop(im, nbl);
    }
    NdisMSendNetBufferListsComplete(im->miniport, first, flags);
}

void im_frames_up(struct im_edge *edge, PNET_BUFFER_LIST first, ULONG frames, ULONG flags)
{
    struct flue_im *im = edge->im;

    if (im->miniport == NULL || !im_home_learn(edge, first)) { /* or it might not find its way back: it is dropped */
        NdisReturnNetBufferLists(edge->binding, first, 0);
        return;
    }
    NdisMIndicateReceiveNetBufferLists(im->miniport, first, 0, frames, flags);
}

/* Runs of frames from one adapter go back together. */
void im_frames_return(struct flue_im *im, PNET_BUFFER_LIST first, ULONG flags)
{
    while (first != NULL) {
        PNET_BUFFER_LIST rest = first;
        struct im_edge *edge = im_home_run(im, &rest);

        NdisReturnNetBufferLists(edge->binding, first, flags);
        first = rest;
    }
}
