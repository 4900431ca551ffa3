/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rig's host hands down, and what its peer sends. */
#include "rig.h"

#include <string.h>

PNET_BUFFER_LIST rig_nbl(struct rig *rig, unsigned conn, uint64_t offset, uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->spans);
    struct flue_span span = {.offset_bytes = offset, .stream = 2 * conn, .length_bytes = bytes};

    assert_non_null(nbl);
    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    nbl->ProtocolReserved[0] = (PVOID)(uintptr_t)conn;
    return nbl;
}

void rig_send(struct rig *rig, unsigned conn, uint64_t offset, uint32_t bytes)
{
    assert_int_equal(NdisOffloadTcpSend(&rig->conns[conn].handle, rig_nbl(rig, conn, offset, bytes)),
                     NDIS_STATUS_PENDING);
}

void rig_disconnect(struct rig *rig, unsigned conn, uint64_t offset, uint32_t bytes, ULONG flags)
{
    assert_int_equal(NdisOffloadTcpDisconnect(&rig->conns[conn].handle, rig_nbl(rig, conn, offset, bytes), flags),
                     NDIS_STATUS_PENDING);
}

void rig_forward(struct rig *rig, unsigned conn, const struct flue_frame *frame)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->frames);

    assert_non_null(nbl);
    *ndis_nbl_frame(nbl) = *frame;
    nbl->ProtocolReserved[0] = (PVOID)(uintptr_t)conn;
    assert_int_equal(NdisOffloadTcpForward(&rig->conns[conn].handle, nbl), NDIS_STATUS_PENDING);
}

unsigned rig_post(struct rig *rig, unsigned conn, uint32_t bytes, unsigned flags)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->spans);
    const unsigned before = rig->logged;

    assert_non_null(nbl);
    ndis_nbl_set_room(nbl, bytes);
    NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) = (PVOID)(uintptr_t)((flags & RIG_NO_PUSH) != 0);
    NET_BUFFER_LIST_INFO(nbl, TcpReceiveBytesTransferred) = (PVOID)(uintptr_t)((flags & RIG_BEGUN) != 0 ? 7 : 0);
    nbl->ProtocolReserved[0] = (PVOID)(uintptr_t)++rig->posted;
    assert_int_equal(NdisOffloadTcpReceive(&rig->conns[conn].handle, nbl), NDIS_STATUS_PENDING);
    assert_int_equal(rig->logged, before); /* never from inside the call */
    return rig->posted;
}

void rig_return_kept(struct rig *rig)
{
    PNET_BUFFER_LIST first = rig->kept.first;

    rig->kept = (struct ndis_chain){0};
    if (first != NULL) {
        (void)NdisOffloadTcpReceiveReturn(rig->binding, first);
    }
}

void rig_free_chain(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_nbl_put(first);
        first = next;
    }
}

struct flue_frame rig_segment(unsigned conn, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags)
{
    return (struct flue_frame){
        .src_ip = flue_ip_v4(0x0A000002),
        .dst_ip = flue_ip_v4(0x0A000001),
        .src_port = (uint16_t)(2000 + conn),
        .dst_port = 1000,
        .seq = RIG_RCV_NXT + seq,
        .ack = RIG_SND_UNA + ack,
        .window = 65535,
        .flags = flags,
        .ethertype = FLUE_ETHERTYPE_IPV4,
        .payload = {.offset_bytes = seq, .stream = 2 * conn + 1, .length_bytes = bytes},
    };
}

void rig_arrive(struct rig *rig, const struct flue_frame *frame)
{
    if (rig->check != FLUE_CHECK_OFF) {
        flue_ndis_check_frame(rig->ndis, rig->adapter, 0, frame, rig->env.now_ps);
    }
    if (rig->floor != NULL) {
        rig->floor->receive(rig, frame);
    } else {
        flue_target_receive(rig->target, frame, rig->env.now_ps);
    }
}

void rig_peer(struct rig *rig, unsigned conn, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags)
{
    struct flue_frame frame = rig_segment(conn, seq, ack, bytes, flags);

    rig_arrive(rig, &frame);
}
