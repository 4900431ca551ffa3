/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/ethernet.c - Ethernet II with the tag of 802.1Q: the header, and whole frames. */
#include <string.h>

#include "frame/codec.h"

#define AT_SOURCE   CODEC_MAC_BYTES
#define AT_TYPE     (2 * CODEC_MAC_BYTES)
#define AT_TAG      (AT_TYPE + 2)
#define MIN_PAYLOAD 46u

uint32_t frame_ethernet_bytes(const struct flue_frame *frame)
{
    return FRAME_ETHERNET_BYTES + (frame->vlan != 0 ? FRAME_VLAN_BYTES : 0);
}

size_t frame_ethernet_encode(const struct flue_frame *frame, uint8_t *out, size_t room)
{
    uint32_t bytes = frame_ethernet_bytes(frame);

    if (room < bytes) {
        return 0;
    }
    memcpy(out, frame->dst_mac, CODEC_MAC_BYTES);
    memcpy(out + AT_SOURCE, frame->src_mac, CODEC_MAC_BYTES);
    if (frame->vlan != 0) {
        put16(out + AT_TYPE, FRAME_TPID);
        put16(out + AT_TAG, frame->vlan);
    }
    put16(out + bytes - 2, frame->ethertype);
    return bytes;
}

flue_err frame_ethernet_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame)
{
    uint16_t type, tag = 0;

    if (length < FRAME_ETHERNET_BYTES) {
        return FLUE_EPARSE;
    }
    type = get16(bytes + AT_TYPE);
    if (type == FRAME_TPID) {
        if (length < FRAME_ETHERNET_BYTES + FRAME_VLAN_BYTES) {
            return FLUE_EPARSE;
        }
        tag = get16(bytes + AT_TAG);
        type = get16(bytes + AT_TAG + 2);
        if (tag == 0) {
            return FLUE_EPARSE; /* it says nothing, and a frame without a tag says the same */
        }
    }
    memcpy(frame->dst_mac, bytes, CODEC_MAC_BYTES);
    memcpy(frame->src_mac, bytes + AT_SOURCE, CODEC_MAC_BYTES);
    frame->vlan = tag;
    frame->ethertype = type;
    return FLUE_OK;
}

static bool is_group(const uint8_t *mac)
{
    return (mac[0] & 1) != 0;
}

/* The MAC address of the group that a neighbour message to many goes to: 33:33 and the end of the address, which stands
 * in the packet (RFC 2464 7). */
static void group_mac(const uint8_t *packet, uint8_t *mac)
{
    static const uint32_t at_end_of_destination = 24 + 12;

    mac[0] = mac[1] = 0x33;
    memcpy(mac + 2, packet + at_end_of_destination, 4);
}

size_t frame_link_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums)
{
    const uint32_t header_bytes = frame_ethernet_bytes(frame);
    uint8_t *packet = out + header_bytes;
    size_t bytes;

    if (room < header_bytes + MIN_PAYLOAD || frame_ethernet_encode(frame, out, room) == 0) {
        return 0;
    }
    room -= header_bytes;
    bytes = frame_encode(frame, packet, room, checksums);
    if (bytes == 0 || frame->payload.length_bytes > room - bytes) {
        return 0;
    }
    bytes += frame_encode_payload(frame, packet + bytes, room - bytes);
    if (frame->kind == FLUE_FRAME_ND && is_group(frame->dst_mac)) {
        group_mac(packet, out);
    }
    if (bytes < MIN_PAYLOAD) {
        memset(packet + bytes, 0, MIN_PAYLOAD - bytes);
        bytes = MIN_PAYLOAD;
    }
    return header_bytes + bytes;
}

/* ARP and ND tell addresses that the header tells as well. */
static bool addresses_agree(const struct flue_frame *frame, const struct flue_frame *header, const uint8_t *packet)
{
    uint8_t group[CODEC_MAC_BYTES];

    switch ((enum flue_frame_kind)frame->kind) {
    case FLUE_FRAME_TCP:
    case FLUE_FRAME_FRAGMENT:
    case FLUE_FRAME_ICMP:
        return true;
    case FLUE_FRAME_ARP:
        return memcmp(frame->src_mac, header->src_mac, CODEC_MAC_BYTES) == 0 &&
               (memcmp(frame->dst_mac, header->dst_mac, CODEC_MAC_BYTES) == 0 ||
                (frame->flags == FLUE_NEIGHBOUR_REQUEST && !is_group(header->dst_mac)));
    case FLUE_FRAME_ND:
        group_mac(packet, group);
        return memcmp(frame->src_mac, header->src_mac, CODEC_MAC_BYTES) == 0 &&
               (is_group(frame->dst_mac) ? memcmp(group, header->dst_mac, CODEC_MAC_BYTES) == 0
                                         : !is_group(header->dst_mac));
    }
    return false;
}

flue_err frame_link_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    struct flue_frame header = {.ethertype = 0};
    uint32_t at;

    *frame = (struct flue_frame){.ethertype = 0};
    if (frame_ethernet_decode(bytes, length, &header) != FLUE_OK) {
        return FLUE_EPARSE;
    }
    at = frame_ethernet_bytes(&header);
    if (frame_packet_decode(header.ethertype, bytes + at, length - at, frame, verify) != FLUE_OK) {
        return FLUE_EPARSE;
    }
    if (!addresses_agree(frame, &header, bytes + at)) {
        *frame = (struct flue_frame){.ethertype = 0};
        return FLUE_EPARSE;
    }
    if (frame->kind != FLUE_FRAME_ND || !is_group(frame->dst_mac)) {
        memcpy(frame->dst_mac, header.dst_mac, CODEC_MAC_BYTES);
    }
    memcpy(frame->src_mac, header.src_mac, CODEC_MAC_BYTES);
    frame->vlan = header.vlan;
    return FLUE_OK;
}
