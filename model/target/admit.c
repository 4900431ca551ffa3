/* SPDX-License-Identifier: GPL-2.0-only */
/* target/admit.c - what the adapter takes in, tested in the order of behaviour 7.4: each limit has a status of its own
 * (7.2, CH-064 to CH-070).  Neighbours and paths are made here; connections in intake.c.
 *
 * The order: neighbour: source MAC addresses, VLAN ids that the adapter can tag, VLAN ids of the interface, entries;
 * path: source addresses, MTU, entries; connection: entries, receive window, send buffers, receive buffers, memory for
 * BufferedData (FAILURE), judgement (from NDIS 6.20), memory. What is refused has changed nothing; what was taken
 * stays. */

#include <string.h>

#include "target/target.h"

static bool any_byte(const UCHAR *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0) {
            return true;
        }
    }
    return false;
}

static NDIS_STATUS keys_status(enum keys_result result, NDIS_STATUS full)
{
    switch (result) {
    case KEYS_TAKEN:
        break;
    case KEYS_FULL:
        return full;
    case KEYS_NO_MEMORY:
        return NDIS_STATUS_RESOURCES;
    }
    return NDIS_STATUS_SUCCESS;
}

/* Whether the interface has that VLAN id; without ids of its own it has all (behaviour 15.1). */
static bool vlan_known(const struct flue_target_params *params, uint16_t vlan)
{
    bool configured = false;

    for (uint32_t i = 0; i < params->vlan_count; i++) {
        if (params->vlan[i] == vlan) {
            return true;
        }
        configured = configured || params->vlan[i] != 0;
    }
    return !configured;
}

/* Source address, VLAN, entries.  What is booked for a neighbour that is refused later is given back. */
static NDIS_STATUS book_neighbour(struct flue_target *target, struct target_neighbour *neighbour)
{
    const struct flue_target_params *params = &target->params;
    const bool addressed = any_byte(neighbour->source, sizeof neighbour->source);
    NDIS_STATUS status = NDIS_STATUS_SUCCESS;

    if (addressed) {
        status = keys_status(keys_take(target, &target->source_macs, neighbour->source, sizeof neighbour->source,
                                       params->source_mac_max),
                             NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES);
        if (status != NDIS_STATUS_SUCCESS) {
            return status;
        }
    }
    if (neighbour->vlan != 0) {
        status =
            keys_status(keys_take(target, &target->vlans, &neighbour->vlan, sizeof neighbour->vlan, params->vlan_max),
                        NDIS_STATUS_OFFLOAD_VLAN_ENTRIES);
    }
    if (status == NDIS_STATUS_SUCCESS) {
        if (neighbour->vlan != 0 && !vlan_known(params, neighbour->vlan)) {
            status = NDIS_STATUS_OFFLOAD_VLAN_MISMATCH;
        } else if (target->totals.neighbours >= params->neighbour_max) {
            status = NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES;
        }
        if (status != NDIS_STATUS_SUCCESS && neighbour->vlan != 0) {
            keys_drop(target, &target->vlans, &neighbour->vlan, sizeof neighbour->vlan);
        }
    }
    if (status != NDIS_STATUS_SUCCESS && addressed) {
        keys_drop(target, &target->source_macs, neighbour->source, sizeof neighbour->source);
    }
    return status;
}

NDIS_STATUS admit_neighbour(struct flue_target *target, target_tree block)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    const NEIGHBOR_OFFLOAD_STATE_CONST *constant = (const NEIGHBOR_OFFLOAD_STATE_CONST *)(const void *)state;
    const NEIGHBOR_OFFLOAD_STATE_CACHED *cached;
    const NEIGHBOR_OFFLOAD_STATE_DELEGATED *delegated;
    struct target_neighbour *neighbour = (struct target_neighbour *)pool_get(&target->neighbours);
    const uint32_t now = target_tick(target);
    NDIS_STATUS status;

    if (neighbour == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    state = flue_state_next(state);
    cached = (const NEIGHBOR_OFFLOAD_STATE_CACHED *)(const void *)state;
    delegated = (const NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(const void *)flue_state_next(state);
    *neighbour = (struct target_neighbour){
        .handle = block->NdisOffloadHandle,
        .reached_tick = now - delegated->NicReachabilityDelta,
        .host_tick = now - cached->HostReachabilityDelta,
        .vlan = constant->VlanId,
    };
    memcpy(neighbour->source, constant->DlSourceAddress, sizeof neighbour->source);
    memcpy(neighbour->destination, cached->DlDestinationAddress, sizeof neighbour->destination);
    memcpy(neighbour->mac, cached->DlDestinationAddress, sizeof neighbour->mac);
    status = book_neighbour(target, neighbour);
    if (status != NDIS_STATUS_SUCCESS) {
        pool_put(&target->neighbours, neighbour);
        return status;
    }
    hook_init(&neighbour->sibling);
    list_init(&neighbour->paths);
    list_push_back(&target->all, &neighbour->sibling);
    target->totals.neighbours++;
    *block->MiniportOffloadContext = slot_of(neighbour, SLOT_NEIGHBOUR);
    return NDIS_STATUS_SUCCESS;
}

static uint32_t word(const UCHAR *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static struct flue_ip address(const UCHAR *bytes, bool v6)
{
    return v6 ? (struct flue_ip){{word(bytes), word(bytes + 4), word(bytes + 8), word(bytes + 12)}}
              : flue_ip_v4(word(bytes));
}

/* Addresses, MTU, entries. */
static NDIS_STATUS book_path(struct flue_target *target, const struct target_path *path)
{
    const struct flue_target_params *params = &target->params;
    NDIS_STATUS status = NDIS_STATUS_SUCCESS;

    if (params->address_max != 0) {
        status = keys_status(
            keys_take(target, &target->addresses, &path->local_ip, sizeof path->local_ip, params->address_max),
            NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES);
        if (status != NDIS_STATUS_SUCCESS) {
            return status;
        }
    }
    if (path->mtu_bytes > params->mtu_max_bytes) {
        status = NDIS_STATUS_OFFLOAD_PATH_MTU;
    } else if (target->totals.paths >= params->path_max) {
        status = NDIS_STATUS_OFFLOAD_PATH_ENTRIES;
    }
    if (status != NDIS_STATUS_SUCCESS && params->address_max != 0) {
        keys_drop(target, &target->addresses, &path->local_ip, sizeof path->local_ip);
    }
    return status;
}

NDIS_STATUS admit_path(struct flue_target *target, target_tree block, struct target_neighbour *neighbour)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    const PATH_OFFLOAD_STATE_CONST *constant = (const PATH_OFFLOAD_STATE_CONST *)(const void *)state;
    const PATH_OFFLOAD_STATE_CACHED *cached = (const PATH_OFFLOAD_STATE_CACHED *)(const void *)flue_state_next(state);
    const bool v6 = block->Header.Type == Ip6OffloadState;
    struct target_path *path;
    NDIS_STATUS status;

    if (neighbour == NULL || constant->SourceAddress == NULL || constant->DestinationAddress == NULL ||
        target->disabled[v6] || target->shut[v6] || (v6 && target->params.ipv6 == 0) ||
        cached->PathMtu < TARGET_LEAST_MTU_BYTES) {
        return NDIS_STATUS_FAILURE; /* no parent (D-12); or none of ours */
    }
    path = (struct target_path *)pool_get(&target->paths);
    if (path == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *path = (struct target_path){
        .neighbour = neighbour,
        .local_ip = address(constant->SourceAddress, v6),
        .remote_ip = address(constant->DestinationAddress, v6),
        .mtu_bytes = cached->PathMtu,
        .v6 = v6,
    };
    memcpy(path->source, constant->SourceAddress, v6 ? 16 : 4);
    memcpy(path->destination, constant->DestinationAddress, v6 ? 16 : 4);
    status = book_path(target, path);
    if (status != NDIS_STATUS_SUCCESS) {
        pool_put(&target->paths, path);
        return status;
    }
    hook_init(&path->sibling);
    list_init(&path->conns);
    list_push_back(&neighbour->paths, &path->sibling);
    neighbour->dependents++;
    target->totals.paths++;
    *block->MiniportOffloadContext = slot_of(path, SLOT_PATH);
    return NDIS_STATUS_SUCCESS;
}

/* Window, buffers, judgement; memory comes last (behaviour 7.4). */
NDIS_STATUS admit_tcp(const struct flue_target *target, const struct flue_tcp_state *state)
{
    const struct flue_target_params *params = &target->params;

    if (target->disabled[!flue_ip_is_v4(&state->tuple.local_ip)]) {
        return NDIS_STATUS_FAILURE; /* the path is older than that (CH-304) */
    }
    if (state->initial_rcv_wnd > params->rcv_wnd_max_bytes) {
        return NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW;
    }
    if (params->xmit_buffer_bytes != 0 && target->xmit_bytes + state->max_snd_wnd > params->xmit_buffer_bytes) {
        return NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER;
    }
    if (params->rcv_buffer_bytes != 0 && target->rcv_bytes + state->initial_rcv_wnd > params->rcv_buffer_bytes) {
        return NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER;
    }
    return NDIS_STATUS_SUCCESS;
}

bool admit_rejects(const struct flue_target *target, const struct flue_tcp_state *state)
{
    const struct flue_target_judge *judge = &target->params.judge;

    return judge->poor != NULL && target->params.ddi.ndis_version == FLUE_NDIS_6_20 && /* CH-070 */
           judge->poor(judge->ctx, state) != 0;
}
