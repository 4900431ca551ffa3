/* SPDX-License-Identifier: GPL-2.0-only */
/* Drivers that register wrongly, each caught under the rule it breaks (CH-001 to CH-007). */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "flue/check.h"
#include "ndis_fakes.h"
#include "support/violators.h"

enum breach { NOTHING, OMITTED, OUTSIDE, WRONG_TYPE, WRONG_REVISION, SHORT, FLAGGED, RESERVED_CHIMNEY, GAP, FOREIGN };

struct registrar {
    bool tcp; /* which of the two structures is wrong */
    enum breach breach;
    unsigned found, count;
    enum flue_party party;
};

static void on_finding(void *ctx, const struct flue_finding *finding)
{
    struct registrar *registrar = ctx;

    assert_true(finding->seen[0] != '\0');
    if (registrar->count++ == 0) {
        registrar->found = finding->rule;
        registrar->party = finding->party;
    }
}

/* ---- Handlers nobody calls ---- */

static void down(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    (void)context;
    (void)tree;
}

static NDIS_STATUS data(NDIS_HANDLE context, PVOID object, PNET_BUFFER_LIST list)
{
    (void)context;
    (void)object;
    (void)list;
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS close_down(NDIS_HANDLE context, PVOID object, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)flags;
    return data(context, object, list);
}

static NDIS_STATUS give_back(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    return data(context, NULL, list);
}

static void up(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree)
{
    (void)context;
    (void)tree;
}

static void indicate(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree, ULONG code)
{
    (void)code;
    up(context, tree);
}

static void complete(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    (void)context;
    (void)list;
}

static void event(PVOID context, ULONG type, ULONG information)
{
    (void)context;
    (void)type;
    (void)information;
}

static NDIS_STATUS receive(PVOID context, PNET_BUFFER_LIST list, NDIS_STATUS status, ULONG *consumed)
{
    (void)context;
    (void)list;
    (void)consumed;
    return status;
}

static NDIS_STATUS initialise(NDIS_HANDLE handle, NDIS_HANDLE context, PNDIS_MINIPORT_INIT_PARAMETERS parameters)
{
    (void)handle;
    (void)context;
    (void)parameters;
    return NDIS_STATUS_SUCCESS;
}

static void halt(NDIS_HANDLE context)
{
    (void)context;
}

static void send_down(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG flags)
{
    (void)context;
    (void)list;
    (void)port;
    (void)flags;
}

static void pass_on(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)context;
    (void)list;
    (void)flags;
}

static NDIS_STATUS bind_adapter(NDIS_HANDLE context, NDIS_HANDLE bind_context, PNDIS_BIND_PARAMETERS parameters)
{
    (void)context;
    (void)bind_context;
    (void)parameters;
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS unbind_adapter(NDIS_HANDLE context, NDIS_HANDLE binding)
{
    (void)context;
    (void)binding;
    return NDIS_STATUS_SUCCESS;
}

static void arrive(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    (void)count;
    send_down(context, list, port, flags);
}

/* ---- Registering ---- */

static const NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS provider_generic = {
    .Header = {NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 1, sizeof provider_generic},
    .InitiateOffloadHandler = down,
    .TerminateOffloadHandler = down,
    .UpdateOffloadHandler = down,
    .InvalidateOffloadHandler = down,
    .QueryOffloadHandler = down,
};
static const NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS provider_tcp = {
    .Header = {NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, 1, sizeof provider_tcp},
    .OffloadType = NdisTcpChimneyOffload,
    .TcpOffloadSendHandler = data,
    .TcpOffloadReceiveHandler = data,
    .TcpOffloadDisconnectHandler = close_down,
    .TcpOffloadForwardHandler = data,
    .TcpOffloadReceiveReturnHandler = give_back,
};
static const NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS client_generic = {
    .Header = {NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 1, sizeof client_generic},
    .InitiateOffloadCompleteHandler = up,
    .TerminateOffloadCompleteHandler = up,
    .UpdateOffloadCompleteHandler = up,
    .InvalidateOffloadCompleteHandler = up,
    .QueryOffloadCompleteHandler = up,
    .IndicateOffloadEventHandler = indicate,
};
static const NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS client_tcp = {
    .Header = {NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, 1, sizeof client_tcp},
    .OffloadType = NdisTcpChimneyOffload,
    .TcpOffloadSendCompleteHandler = complete,
    .TcpOffloadReceiveCompleteHandler = complete,
    .TcpOffloadDisconnectCompleteHandler = complete,
    .TcpOffloadForwardCompleteHandler = complete,
    .TcpOffloadEventHandler = event,
    .TcpOffloadReceiveIndicateHandler = receive,
};

/* Any of the four; Flags and OffloadType stand at one place in all that have them. */
union structure {
    NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS provider_generic;
    NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS provider_tcp;
    NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS client_generic;
    NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS client_tcp;
};

static NDIS_STATUS offer(NDIS_HANDLE edge, const struct registrar *registrar, bool below, bool tcp)
{
    enum breach breach = registrar->tcp == tcp ? registrar->breach : NOTHING;
    union structure structure;

    memset(&structure, 0, sizeof structure);
    if (breach == OMITTED) {
        return NDIS_STATUS_SUCCESS;
    }
    if (below != (breach == FOREIGN)) {
        if (tcp) {
            structure.provider_tcp = provider_tcp;
        } else {
            structure.provider_generic = provider_generic;
        }
    } else if (tcp) {
        structure.client_tcp = client_tcp;
    } else {
        structure.client_generic = client_generic;
    }
    switch (breach) {
    case WRONG_TYPE:
        structure.provider_tcp.Header.Type = NDIS_OBJECT_TYPE_OFFLOAD;
        break;
    case WRONG_REVISION:
        structure.provider_tcp.Header.Revision = 2;
        break;
    case SHORT:
        structure.provider_tcp.Header.Size = (USHORT)(structure.provider_tcp.Header.Size - 4);
        break;
    case FLAGGED:
        structure.provider_tcp.Flags = 1;
        break;
    case RESERVED_CHIMNEY:
        structure.provider_tcp.OffloadType = NdisRdmaChimneyOffload;
        break;
    case GAP:
        if (below && tcp) {
            structure.provider_tcp.TcpOffloadForwardHandler = NULL;
        } else if (below) {
            structure.provider_generic.QueryOffloadHandler = NULL;
        } else if (tcp) {
            structure.client_tcp.TcpOffloadForwardCompleteHandler = NULL;
        } else {
            structure.client_generic.IndicateOffloadEventHandler = NULL;
        }
        break;
    case NOTHING:
    case OMITTED:
    case OUTSIDE:
    case FOREIGN:
        break;
    }
    return NdisSetOptionalHandlers(edge, &structure.provider_tcp.Header);
}

static NDIS_STATUS set_options(NDIS_HANDLE edge, NDIS_HANDLE context, bool below)
{
    const struct registrar *registrar = context;

    for (unsigned tcp = 0; tcp < 2; tcp++) {
        NDIS_STATUS status = offer(edge, registrar, below, tcp == 1);

        if (status != NDIS_STATUS_SUCCESS) {
            return status;
        }
    }
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS miniport_options(NDIS_HANDLE edge, NDIS_HANDLE context)
{
    return set_options(edge, context, true);
}

static NDIS_STATUS protocol_options(NDIS_HANDLE edge, NDIS_HANDLE context)
{
    return set_options(edge, context, false);
}

static NDIS_HANDLE register_edge(struct fakes *fakes, struct registrar *registrar, bool below)
{
    const NDIS_MINIPORT_DRIVER_CHARACTERISTICS miniport = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof miniport},
        .SetOptionsHandler = miniport_options,
        .InitializeHandlerEx = initialise,
        .HaltHandlerEx = halt,
        .SendNetBufferListsHandler = send_down,
        .ReturnNetBufferListsHandler = pass_on,
    };
    const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS protocol = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof protocol},
        .SetOptionsHandler = protocol_options,
        .BindAdapterHandlerEx = bind_adapter,
        .UnbindAdapterHandlerEx = unbind_adapter,
        .ReceiveNetBufferListsHandler = arrive,
        .SendNetBufferListsCompleteHandler = pass_on,
    };
    NDIS_HANDLE edge = NULL;

    if (below) {
        (void)NdisMRegisterMiniportDriver(fakes->ndis, registrar, &miniport, &edge);
    } else {
        (void)NdisRegisterProtocolDriver(fakes->ndis, registrar, &protocol, &edge);
    }
    return edge;
}

/* ---- The table ---- */

static void each_breach_is_found(void **state)
{
    /* Rule by edge and structure: provider generic, provider TCP, client generic, client TCP; 0: nothing is found. */
    static const struct {
        enum breach breach;
        unsigned rule[4];
    } cases[] = {
        {NOTHING, {0, 0, 0, 0}},    {OMITTED, {1, 2, 3, 4}},          {OUTSIDE, {1, 2, 3, 4}},
        {WRONG_TYPE, {6, 6, 6, 6}}, {WRONG_REVISION, {6, 6, 6, 6}},   {SHORT, {6, 6, 6, 6}},
        {FLAGGED, {7, 7, 7, 7}},    {RESERVED_CHIMNEY, {0, 5, 0, 5}}, {GAP, {1, 2, 3, 4}},
        {FOREIGN, {6, 6, 6, 6}},
    };

    static const char *const words[] = {[NOTHING] = "nothing",
                                        [OMITTED] = "lack",
                                        [OUTSIDE] = "late_offer",
                                        [WRONG_TYPE] = "wrong_type",
                                        [WRONG_REVISION] = "wrong_revision",
                                        [SHORT] = "wrong_size",
                                        [FLAGGED] = "flags",
                                        [RESERVED_CHIMNEY] = "wrong_chimney",
                                        [GAP] = "gap",
                                        [FOREIGN] = "wrong_edge"};
    static const char *const structures[] = {"provider_generic", "provider_tcp", "client_generic", "client_tcp"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned which = 0; which < 4; which++) {
            const struct flue_ddi ddi = flue_ddi_defaults();
            struct registrar registrar = {.tcp = which % 2 == 1, .breach = cases[i].breach};
            const struct flue_check_sink sink = {.ctx = &registrar, .finding = on_finding};
            bool below = which < 2;
            struct fakes fakes;
            NDIS_HANDLE edge;
            char name[64];

            if (cases[i].breach == RESERVED_CHIMNEY && !registrar.tcp) {
                continue; /* a generic structure names no chimney */
            }
            fakes_prepare(&fakes, 1);
            fakes.trace.emit = NULL;
            assert_int_equal(flue_ndis_check(fakes.ndis, FLUE_CHECK_COUNT, &ddi, &sink), FLUE_OK);
            edge = register_edge(&fakes, &registrar, below);
            if (cases[i].breach == OUTSIDE) {
                assert_non_null(edge);
                assert_int_equal(offer(edge, &registrar, below, registrar.tcp), NDIS_STATUS_INVALID_STATE);
            }
            if (cases[i].rule[which] != 0) {
                (void)snprintf(name, sizeof name, "%s_of_%s", words[cases[i].breach], structures[which]);
                violator_told(cases[i].rule[which], name, registrar.found == cases[i].rule[which]);
            }
            assert_int_equal(registrar.found, cases[i].rule[which]);
            assert_int_equal(registrar.count > 0, cases[i].rule[which] != 0);
            if (registrar.count > 0) {
                assert_int_equal(registrar.party, below ? FLUE_PARTY_TARGET : FLUE_PARTY_HOST);
                assert_int_equal(flue_rule(registrar.found)->bound & registrar.party, registrar.party);
            }
            flue_ndis_free(fakes.ndis);
            ndis_pool_free(fakes.spans);
            ndis_pool_free(fakes.frames);
            assert_int_equal(fakes.memory_out, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_breach_is_found)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
