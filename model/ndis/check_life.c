/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_life.c - rules of registration and of the life of adapters: CH-001 to CH-013, CH-213, CH-324. */

#include <string.h>

#include "ndis/check_core.h"

/* ---- Registration ---- */

/* The four structures, by their header. */
static const struct {
    unsigned rule;
    UCHAR type;
    bool below, tcp;
    size_t bytes, flags, first; /* size; offsets of Flags and of the first handler */
    size_t offload_type;        /* offset; 0: none */
} structures[] = {
    {1, NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, true, false,
     sizeof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS),
     offsetof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, Flags),
     offsetof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, InitiateOffloadHandler), 0},
    {2, NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, true, true,
     sizeof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS),
     offsetof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, Flags),
     offsetof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, TcpOffloadSendHandler),
     offsetof(NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, OffloadType)},
    {3, NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, false, false,
     sizeof(NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS),
     offsetof(NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, Flags),
     offsetof(NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, InitiateOffloadCompleteHandler), 0},
    {4, NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, false, true,
     sizeof(NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS),
     offsetof(NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, Flags),
     offsetof(NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, TcpOffloadSendCompleteHandler),
     offsetof(NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, OffloadType)},
};

/* Who registers an edge; whether it is half of an intermediate driver is known once it is tied. */
static enum flue_party party_of(const struct ndis_driver *driver, const struct ndis_protocol *protocol)
{
    if (driver != NULL) {
        return driver->partner != NULL ? FLUE_PARTY_DRIVER : FLUE_PARTY_TARGET;
    }
    return protocol->partner != NULL ? FLUE_PARTY_DRIVER : FLUE_PARTY_HOST;
}

static struct check_at at_edge(const struct ndis_driver *driver, const struct ndis_protocol *protocol)
{
    return (struct check_at){.thing = driver != NULL ? (const void *)driver : (const void *)protocol, .kind = "driver"};
}

static ULONG number_at(const void *structure, size_t offset)
{
    ULONG value;

    memcpy(&value, (const uint8_t *)structure + offset, sizeof value);
    return value;
}

/* Whether a table of entry points has a gap. */
static bool has_gap(const void *structure, size_t first, size_t bytes)
{
    for (size_t offset = first; offset + sizeof(void *) <= bytes; offset += sizeof(void *)) {
        uintptr_t entry;

        memcpy(&entry, (const uint8_t *)structure + offset, sizeof entry);
        if (entry == 0) {
            return true;
        }
    }
    return false;
}

void check_optional_handlers(struct flue_ndis *ndis, struct ndis_driver *driver, struct ndis_protocol *protocol,
                             const NDIS_OBJECT_HEADER *header, bool in_options)
{
    struct check *check = check_enter(ndis);
    const struct check_at at = at_edge(driver, protocol);
    enum flue_party party = party_of(driver, protocol);

    if (check == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof structures / sizeof structures[0]; i++) {
        unsigned rule = structures[i].rule;

        if (structures[i].type != header->Type || structures[i].below != (driver != NULL)) {
            continue;
        }
        if (!in_options) {
            check_report(check, rule, party, &at, "handlers of type %x were offered outside SetOptions", header->Type,
                         0, 0);
        }
        if (header->Revision != 1 || header->Size != structures[i].bytes) {
            check_report(check, 6, party, &at, "a structure of type %x has revision %u and size %u", header->Type,
                         header->Revision, header->Size);
            return; /* its members may stand elsewhere */
        }
        if (structures[i].offload_type != 0 && number_at(header, structures[i].offload_type) != NdisTcpChimneyOffload) {
            check_report(check, 5, party, &at, "a structure of type %x names chimney type %u", header->Type,
                         number_at(header, structures[i].offload_type), 0);
        }
        if (number_at(header, structures[i].flags) != 0) {
            check_report(check, 7, party, &at, "a structure of type %x has Flags %x", header->Type,
                         number_at(header, structures[i].flags), 0);
        }
        if (has_gap(header, structures[i].first, structures[i].bytes)) {
            check_report(check, rule, party, &at, "a structure of type %x lacks a handler", header->Type, 0, 0);
        }
        return;
    }
    check_report(check, 6, party, &at, "a structure of type %x means nothing to this edge of a driver", header->Type, 0,
                 0);
}

void check_registered(struct flue_ndis *ndis, const struct ndis_driver *driver, const struct ndis_protocol *protocol)
{
    struct check *check = check_enter(ndis);
    bool generic = driver != NULL ? driver->has_generic : protocol->has_generic;
    bool tcp = driver != NULL ? driver->has_tcp : protocol->has_tcp;
    const struct check_at at = at_edge(driver, protocol);

    if (check != NULL && generic != tcp) {
        check_report(check, (driver != NULL ? 1u : 3u) + (generic ? 1u : 0u), party_of(driver, protocol), &at,
                     "only one of the two structures of the chimney was registered", 0, 0, 0);
    }
}

/* ---- Adapters ---- */

void check_get_handlers(struct ndis_adapter *adapter, unsigned chimney_type)
{
    struct check *check = check_enter(adapter->ndis);
    const struct check_at at = {.adapter = adapter, .thing = adapter, .kind = "adapter"};
    enum flue_party party = check_below(adapter);

    if (check == NULL) {
        return;
    }
    if (!adapter->initialising) {
        check_report(check, 8, party, &at, "entry points were asked for outside MiniportInitializeEx", 0, 0, 0);
    }
    if (chimney_type != NdisTcpChimneyOffload) {
        check_report(check, 10, party, &at, "entry points were asked for of chimney type %u", chimney_type, 0, 0);
    } else if (adapter->has_handlers) {
        check_report(check, 9, party, &at, "entry points were asked for a second time", 0, 0, 0);
    }
}

void check_initialised(struct ndis_adapter *adapter)
{
    struct check *check = check_enter(adapter->ndis);
    const struct ndis_driver *driver = adapter->driver;
    const struct check_at at = {.adapter = adapter, .thing = adapter, .kind = "adapter"};

    if (check == NULL) {
        return;
    }
    if (driver->partner != NULL && !(driver->has_generic && driver->partner->has_generic)) {
        check_report(check, 324, FLUE_PARTY_DRIVER, &at,
                     "an intermediate driver has %u of its two pairs of handlers, so chimney is blocked",
                     (driver->has_generic ? 1u : 0u) + (driver->partner->has_generic ? 1u : 0u), 0, 0);
    }
    if (adapter->has_handlers) {
        check_poison(adapter);
    }
}

void check_halt(struct ndis_adapter *adapter)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);

    if (known == NULL) {
        return;
    }
    /* Nothing may be found by an address that another adapter gets. */
    FLUE_LIST_EACH_SAFE(hook, &check->objects)
    {
        struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);

        if (object->adapter == adapter) {
            const struct check_at at = {.binding = object->binding, .object = object};

            if (object->owed != 0) {
                check->crossing++;
                check_report(check, object->owed, check_above(object->binding), &at,
                             "it was never terminated, and its adapter halts", 0, 0, 0);
            }
            check_object_forget(check, object);
        }
    }
    list_remove(&known->hook);
    pool_put(&check->adapter_pool, known);
}

void check_close(struct ndis_binding *binding)
{
    struct check *check = check_enter(binding->adapter->ndis);
    uint64_t out = binding->ledger.indicated_out + binding->ledger.ordinary_receives_out;
    const struct check_at at = {.binding = binding, .thing = binding->adapter, .kind = "adapter"};

    if (check != NULL && out > 0) {
        check_report(check, 213, check_above(binding), &at, "a binding is to be closed with %u indicated lists out",
                     out, 0, 0);
    }
}

void check_life_end(struct check *check)
{
    (void)check;
}
