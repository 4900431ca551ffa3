/* SPDX-License-Identifier: GPL-2.0-only */
/* target/vlan.c - MAC addresses and 802.1Q tags: what the target's own frames carry, and which frames are for this
 * adapter (CH-272 to CH-277; behaviour 15.1 to 15.3). */

#include <string.h>

#include "target/target.h"

static const uint8_t no_mac[6];

static bool is_mac(const uint8_t *mac)
{
    return memcmp(mac, no_mac, sizeof no_mac) != 0;
}

void vlan_init(struct flue_target *target)
{
    const struct flue_target_params *params = &target->params;
    const struct flue_wire_facts *facts = &target->wire->facts;
    uint32_t count = 0;

    for (uint32_t i = 0; i < params->vlan_count; i++) {
        if (params->vlan[i] != 0) {
            target->vlan = params->vlan[i];
            count++;
        }
    }
    if (count != 1) {
        target->vlan = 0;
    }
    target->dresses = facts->has_mac != 0 || params->ieee_8021p != 0 || target->vlan != 0;
    target->filters = count > 0 || (facts->has_mac != 0 && is_mac(facts->mac));
}

/* CFI is always 0.  A neighbour's VLAN id 0 stands for the interface's, when that has exactly one. */
void vlan_address(const struct flue_target *target, const struct target_context *context, struct flue_frame *frame)
{
    const struct target_neighbour *neighbour = context->path->neighbour;
    uint16_t tag = neighbour->vlan != 0 ? neighbour->vlan : target->vlan;

    if (target->params.ieee_8021p != 0) {
        tag = (uint16_t)(tag | (flue_tcp_settings(context->conn)->user_priority & 7u) << 13);
    }
    frame->vlan = tag;
    if (target->wire->facts.has_mac != 0) {
        memcpy(frame->dst_mac, neighbour->mac, sizeof frame->dst_mac);
        memcpy(frame->src_mac, is_mac(neighbour->source) ? neighbour->source : target->wire->facts.mac,
               sizeof frame->src_mac);
    }
}

/* Its own address, those of offloaded neighbours, and every group: the host sorts groups out (CH-274). */
static bool takes_address(const struct flue_target *target, const struct flue_frame *frame)
{
    if (target->wire->facts.has_mac == 0 || !is_mac(target->wire->facts.mac) || (frame->dst_mac[0] & 1u) != 0 ||
        memcmp(frame->dst_mac, target->wire->facts.mac, sizeof frame->dst_mac) == 0) {
        return true;
    }
    for (const struct target_key *key = target->source_macs.first; key != NULL; key = key->next) {
        if (memcmp(key->bytes, frame->dst_mac, sizeof frame->dst_mac) == 0) {
            return true;
        }
    }
    return false;
}

static bool takes_tag(const struct flue_target *target, const struct flue_frame *frame)
{
    const uint16_t id = frame->vlan & 0x0fffu;
    bool configured = false;

    for (uint32_t i = 0; i < target->params.vlan_count; i++) {
        if (target->params.vlan[i] != 0) {
            configured = true;
            if (target->params.vlan[i] == id) {
                return true;
            }
        }
    }
    return !configured;
}

bool vlan_takes(const struct flue_target *target, const struct flue_frame *frame)
{
    return takes_address(target, frame) && takes_tag(target, frame);
}
