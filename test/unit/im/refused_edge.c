/* SPDX-License-Identifier: GPL-2.0-only */
/* The lower edge of an intermediate driver, built a second time: its data calls are led through functions that can
 * refuse as N does.  The linker takes this one. */
#include <stdbool.h>

#include "flue/ndischimney.h"

extern bool edge_refuses;
bool edge_refuses;

static NDIS_STATUS maybe_send(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list)
{
    return edge_refuses ? NDIS_STATUS_INVALID_STATE : NdisOffloadTcpSend(handle, list);
}

static NDIS_STATUS maybe_receive(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list)
{
    return edge_refuses ? NDIS_STATUS_INVALID_STATE : NdisOffloadTcpReceive(handle, list);
}

static NDIS_STATUS maybe_disconnect(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list, ULONG flags)
{
    return edge_refuses ? NDIS_STATUS_INVALID_STATE : NdisOffloadTcpDisconnect(handle, list, flags);
}

static NDIS_STATUS maybe_forward(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list)
{
    return edge_refuses ? NDIS_STATUS_INVALID_STATE : NdisOffloadTcpForward(handle, list);
}

#define NdisOffloadTcpSend       maybe_send
#define NdisOffloadTcpReceive    maybe_receive
#define NdisOffloadTcpDisconnect maybe_disconnect
#define NdisOffloadTcpForward    maybe_forward
#include "../../../model/im/protocol.c" /* NOLINT: its calls are to be replaced */
#undef NdisOffloadTcpSend
#undef NdisOffloadTcpReceive
#undef NdisOffloadTcpDisconnect
#undef NdisOffloadTcpForward
