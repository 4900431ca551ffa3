/* SPDX-License-Identifier: GPL-2.0-only */
/* A learning Ethernet switch with VLANs (IEEE 802.1Q 8.6 to 8.8): which ports a frame leaves by, and with which tag. */
#include "wire/lan.h"

#include "frame/frame.h"

#define VID      0x0fffu
#define PRIORITY 0xf000u /* and drop eligible */

static int is_group(const uint8_t *mac)
{
    return (mac[0] & 1) != 0;
}

static struct flue_ip key_of(const uint8_t *mac, uint32_t vid)
{
    return (struct flue_ip){{vid, (uint32_t)mac[0] << 8 | mac[1],
                             (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5], 0}};
}

static int is_tagged_member(const struct lan_port *port, uint32_t vid)
{
    return port->vids != NULL && (port->vids[vid / 32] >> vid % 32 & 1) != 0;
}

static int is_member(const struct lan_port *port, uint32_t vid)
{
    return port->untagged_vid == vid || is_tagged_member(port, vid);
}

/* The VLAN that the frame is in, or FLUE_VLAN_NONE: the port does not take it. */
static uint32_t classify(const struct lan_port *port, const struct flue_frame *frame)
{
    uint32_t vid = frame->vlan & VID;

    if (vid == 0)
        return port->untagged_vid; /* without a tag, or with one that tells the priority only */
    return is_member(port, vid) ? vid : FLUE_VLAN_NONE;
}

static void leave(struct lan_port *port, const struct flue_frame *frame, uint32_t vid)
{
    struct flue_frame out = *frame;

    if (frame_ip_bytes(frame) > port->down.facts.mtu_bytes) {
        port->filtered++;
        return;
    }
    out.vlan = (uint16_t)(port->untagged_vid == vid ? 0 : (frame->vlan & PRIORITY) | vid);
    lan_send_down(port, &out);
}

void switch_receive(struct lan_port *port, const struct flue_frame *frame)
{
    struct lan *lan = port->lan;
    const uint32_t vid = classify(port, frame);
    struct flue_ip key = key_of(frame->src_mac, vid);
    uint64_t known;

    if (vid == FLUE_VLAN_NONE) {
        port->filtered++;
        return;
    }
    if (!is_group(frame->src_mac))
        table_put(&lan->learnt, &key, port->number + 1);
    key = key_of(frame->dst_mac, vid);
    known = is_group(frame->dst_mac) ? 0 : table_get(&lan->learnt, &key);
    if (known != 0) {
        struct lan_port *to = &lan->ports[known - 1];

        if (to != port && is_member(to, vid))
            leave(to, frame, vid);
        return;
    }
    for (uint32_t i = 0; i < lan->port_count; i++) {
        struct lan_port *to = &lan->ports[i];

        if (to != port && !to->behind && !to->is_down && is_member(to, vid))
            leave(to, frame, vid);
    }
}

void switch_forget(struct lan_port *port)
{
    table_forget(&port->lan->learnt, port->number + 1);
}
