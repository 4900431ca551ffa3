/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_power.c - rules of pause, resume, upload-all, and of what was advertised: CH-043, CH-304, CH-306 to
 * CH-309. They bind the host: below an intermediate driver trees may still be under way. */

#include "ndis/check_core.h"

static struct check_at at_adapter(struct ndis_adapter *adapter)
{
    return (struct check_at){.adapter = adapter, .thing = adapter, .kind = "adapter"};
}

/* ---- Status indications ---- */

/* Everything the host has on an adapter is to be terminated. */
static void oblige(struct check *check, const struct ndis_adapter *adapter)
{
    FLUE_LIST_EACH(hook, &check->objects)
    {
        struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);

        if (object->adapter == adapter && object->conn != NULL) {
            object->conn->uploading = true;
        }
        if (object->adapter == adapter && object->owed == 0 && check_above(object->binding) == FLUE_PARTY_HOST) {
            object->owed = 308;
        }
    }
}

void check_status(struct ndis_adapter *adapter, const NDIS_STATUS_INDICATION *indication)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);
    const struct check_at at = at_adapter(adapter);
    bool brings =
        indication->StatusBuffer != NULL && indication->StatusBufferSize >= sizeof(NDIS_TCP_CONNECTION_OFFLOAD);

    if (known == NULL) {
        return;
    }
    known->in_status++;
    if (known->initiates > 0) {
        check_report(check, 58, check_below(adapter), &at, "%t was indicated while %u initiates were out",
                     (uint64_t)(uint32_t)indication->StatusCode, known->initiates, 0);
    }
    switch (indication->StatusCode) {
    case NDIS_STATUS_OFFLOAD_PAUSE:
        known->paused = true;
        known->paused_ps = check->env->now(check->env->ctx);
        break;
    case NDIS_STATUS_UPLOAD_ALL:
        known->paused = known->upload_all = true;
        known->paused_ps = check->env->now(check->env->ctx);
        oblige(check, adapter);
        break;
    case NDIS_STATUS_OFFLOAD_RESUME:
        known->paused = known->upload_all = false;
        known->life.unread = !brings;
        check_ways_excuse(check, adapter); /* it may have been reset (D-60) */
        break;
    default:
        break;
    }
}

void check_status_done(struct ndis_adapter *adapter)
{
    struct check *check = adapter->ndis->check;
    struct check_adapter *known = check->blind ? NULL : check_adapter_of(check, adapter);

    if (known != NULL && known->in_status > 0) {
        known->in_status--;
    }
}

/* ---- Trees ---- */

struct ports {
    struct check *check;
    const struct check_at *at;
    enum flue_party party;
};

static flue_err look_at_port(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg)
{
    const struct ports *ports = (const struct ports *)arg;

    if (block->PortNumber != 0) {
        check_report(ports->check, 43, ports->party, ports->at, "a block names port %u, and none is allocated",
                     block->PortNumber, 0, 0);
    }
    return FLUE_OK;
}

void check_power_down(struct ndis_binding *binding, enum ndis_operation operation,
                      PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct check *check = check_enter(binding->adapter->ndis);
    const struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, binding->adapter);
    const struct check_at at = {.binding = binding, .thing = root, .kind = "block"};
    struct ports ports = {check, &at, check == NULL ? FLUE_PARTY_HOST : check_above(binding)};

    if (known == NULL) {
        return;
    }
    (void)flue_protocol_block_walk(root, look_at_port, &ports);
    if (operation != NDIS_INITIATE || ports.party != FLUE_PARTY_HOST) {
        return;
    }
    if (known->upload_all) {
        check_report(check, 308, ports.party, &at, "an initiate came after upload-all, before resume", 0, 0, 0);
    } else if (known->paused) {
        check_report(check, 306, ports.party, &at, "an initiate came while the adapter was paused", 0, 0, 0);
    } else if (known->life.unread) {
        check_report(check, 309, ports.party, &at, "an initiate came after resume, and nobody has read what is offered",
                     0, 0, 0);
    }
}

struct taking {
    struct check *check;
    const struct check_at *at;
    struct ndis_adapter *adapter;
    bool four, six; /* what it may take */
};

static flue_err look_at_version(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    bool six = block->Header.Type == Ip6OffloadState;

    if (block->NdisOffloadHandle == NULL || (!six && block->Header.Type != Ip4OffloadState) ||
        (block->Status != NDIS_STATUS_SUCCESS && block->Status != NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS)) {
        return FLUE_OK;
    }
    if (!(six ? taking->six : taking->four)) {
        check_report(taking->check, 304, check_below(taking->adapter), taking->at,
                     "a path of IPv%u was taken, which is not advertised or switched off", six ? 6 : 4, 0, 0);
    }
    return FLUE_OK;
}

void check_power_up(struct ndis_adapter *adapter, enum ndis_operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root)
{
    struct check *check = check_enter(adapter->ndis);
    const struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);
    const struct check_at at = {.adapter = adapter, .thing = root, .kind = "block"};
    struct taking taking = {.check = check, .at = &at, .adapter = adapter};

    if (known != NULL && operation == NDIS_INITIATE && adapter->has_current) {
        taking.four = adapter->current.SupportIPv4 != 0 && !known->life.off4;
        taking.six = adapter->current.SupportIPv6 != 0 && !known->life.off6;
        (void)flue_block_walk(root, look_at_version, &taking);
    }
}

void check_power_indicated(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    struct check *check = check_enter(adapter->ndis);
    const struct check_at at = {.adapter = adapter, .thing = block, .kind = "block"};

    if (check != NULL && block != NULL && block->PortNumber != 0) {
        check_report(check, 43, check_below(adapter), &at, "a block names port %u, and none is allocated",
                     block->PortNumber, 0, 0);
    }
}

void check_power_completed(struct check *check, struct ndis_adapter *adapter, const NET_BUFFER_LIST *nbl)
{
    const struct check_at at = {.adapter = adapter, .thing = nbl, .kind = "list"};

    if (nbl->Status == NDIS_STATUS_PAUSED) {
        check_report(check, 307, check_below(adapter), &at, "a request of the chimney completed with %t",
                     (uint64_t)(uint32_t)NDIS_STATUS_PAUSED, 0, 0);
    }
}

void check_power_end(struct check *check)
{
    (void)check;
}
