/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/ethernet.c - the Ethernet II header. */
#include <string.h>

#include "frame/codec.h"

#define MAC_BYTES 6u

size_t frame_ethernet_encode(const struct flue_frame *frame, uint8_t *out, size_t room)
{
    if (room < FRAME_ETHERNET_BYTES) {
        return 0;
    }
    memcpy(out, frame->dst_mac, MAC_BYTES);
    memcpy(out + MAC_BYTES, frame->src_mac, MAC_BYTES);
    put16(out + 2 * MAC_BYTES, frame->ethertype);
    return FRAME_ETHERNET_BYTES;
}

flue_err frame_ethernet_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame)
{
    if (length < FRAME_ETHERNET_BYTES) {
        return FLUE_EPARSE;
    }
    memcpy(frame->dst_mac, bytes, MAC_BYTES);
    memcpy(frame->src_mac, bytes + MAC_BYTES, MAC_BYTES);
    frame->ethertype = get16(bytes + 2 * MAC_BYTES);
    return FLUE_OK;
}
