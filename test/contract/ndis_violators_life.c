/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts, targets and intermediate drivers that break a rule of life, requests or power, each caught under it first
 * (CH-008 to CH-013, CH-043, CH-058, CH-213, CH-302 to CH-311, CH-324, CH-340). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_data_world.h"
#include "ndis/instance.h"
#include "ndis_fake_im.h"

/* ---- Moves ---- */

static void indicate(struct world *w, NDIS_STATUS code)
{
    NDIS_STATUS_INDICATION indication = {.StatusCode = code};

    NdisMIndicateStatusEx(w->fakes.miniport.adapter, &indication);
}

/* The adapter resumes, and says which versions it takes. */
static void resume_with(struct world *w, unsigned four, unsigned six)
{
    NDIS_TCP_CONNECTION_OFFLOAD capability = {.SupportIPv4 = four & 3u, .SupportIPv6 = six & 3u};
    NDIS_STATUS_INDICATION indication = {
        .StatusCode = NDIS_STATUS_OFFLOAD_RESUME, .StatusBuffer = &capability, .StatusBufferSize = sizeof capability};

    capability.TcpConnectionOffloadCapacity = 100;
    NdisMIndicateStatusEx(w->fakes.miniport.adapter, &indication);
}

/* A second connection on the same path. */
struct second {
    struct owned_handle tcp;
    FLUE_NEIGHBOR_BLOCK n;
    FLUE_PATH_BLOCK p;
    FLUE_TCP_BLOCK t;
    char context;
};

static void initiate(struct world *w, struct second *second)
{
    memset(second, 0, sizeof *second);
    second->tcp.protocol = &w->fakes.protocol;
    second->n.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof second->n.Block};
    second->n.Block.OffloadHandle = &w->neighbor.handle;
    second->n.Block.DependentBlockList = &second->p.Block;
    second->p.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof second->p.Block};
    second->p.Block.OffloadHandle = &w->path.handle;
    second->p.Block.DependentBlockList = &second->t.Block;
    second->t = w->t;
    memset(&second->t.Block, 0, sizeof second->t.Block);
    second->t.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof second->t.Block};
    second->t.Block.OffloadHandle = &second->tcp.handle;
    second->t.Const.LocalPort = 4711;
    second->t.Const.HashValue = 6;
    NdisInitiateOffload(w->fakes.protocol.bindings[0].handle, &second->n.Block);
}

static void take(struct world *w, struct second *second)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = w->fakes.miniport.tree;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tcp = root->DependentBlockList->DependentBlockList;

    root->Status = root->DependentBlockList->Status = tcp->Status = NDIS_STATUS_SUCCESS;
    *tcp->MiniportOffloadContext = &second->context;
    NdisMInitiateOffloadComplete(w->fakes.miniport.adapter, root);
}

static NDIS_STATUS request(struct world *w, NDIS_REQUEST_TYPE type, NDIS_OID oid, void *buffer, size_t bytes)
{
    NDIS_OID_REQUEST made = {
        .RequestType = type, .Oid = oid, .InformationBuffer = buffer, .InformationBufferLength = (ULONG)bytes};

    w->fakes.miniport.request_answer = NDIS_STATUS_SUCCESS;
    return NdisOidRequest(w->fakes.protocol.bindings[0].handle, &made);
}

static NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS parameters(void)
{
    return (NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS){
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2,
                   sizeof(NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS)},
        .TicksPerSecond = 1000,
    };
}

static void power_done(void *ctx, NDIS_STATUS status)
{
    (void)ctx;
    (void)status;
}

static void power_down(struct world *w)
{
    w->fakes.miniport.request_answer = NDIS_STATUS_SUCCESS;
    flue_ndis_set_power(w->fakes.ndis, w->fakes.miniport.adapter, NetDeviceStateD3, power_done, NULL);
}

/* The host begins to terminate its path or neighbour. */
static void terminate(struct world *w, FLUE_TCP_TERMINATE_BLOCK *block, struct owned_handle *object, UCHAR type)
{
    memset(block, 0, sizeof *block);
    block->Block.Header = (NDIS_OBJECT_HEADER){type, 1, sizeof block->Block};
    block->Block.OffloadHandle = &object->handle;
    block->Delegated.Header.Length = type == NeighborOffloadDelegatedState ? sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED)
                                                                           : sizeof(PATH_OFFLOAD_STATE_DELEGATED);
    NdisTerminateOffload(w->fakes.protocol.bindings[0].handle, &block->Block);
}

static void terminated(struct world *w)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(w->fakes.miniport.tree);

    memset(state + 1, 0, state->Length - sizeof *state); /* CH-123 */
    w->fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
    NdisMTerminateOffloadComplete(w->fakes.miniport.adapter, w->fakes.miniport.tree);
}

/* ---- Breaches on an offloaded connection ---- */

static void host_names_a_port(struct world *w)
{
    w->n.Block.DependentBlockList = NULL;
    w->n.Block.PortNumber = 3;
    NdisInvalidateOffload(w->fakes.protocol.bindings[0].handle, &w->n.Block);
}

static void target_names_a_port(struct world *w)
{
    FLUE_NEIGHBOR_BLOCK query = w->n;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;

    memset(&query.Block, 0, sizeof query.Block);
    query.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof query.Block};
    query.Block.OffloadHandle = &w->neighbor.handle;
    query.Block.PortNumber = 3;
    block = flue_block_to_miniport(&query.Block);
    NdisMOffloadEventIndicate(w->fakes.miniport.adapter, block, NeighborReachabilityQuery);
}

static void status_during_an_initiate(struct world *w)
{
    struct second second;

    initiate(w, &second);
    indicate(w, NDIS_STATUS_OFFLOAD_PAUSE);
    take(w, &second);
}

static void initiate_when_paused(struct world *w)
{
    struct second second;

    indicate(w, NDIS_STATUS_OFFLOAD_PAUSE);
    initiate(w, &second);
    take(w, &second);
}

static void initiate_after_upload_all(struct world *w)
{
    struct second second;

    indicate(w, NDIS_STATUS_UPLOAD_ALL);
    initiate(w, &second);
    take(w, &second);
}

static void ignores_upload_all(struct world *w)
{
    indicate(w, NDIS_STATUS_UPLOAD_ALL);
    flue_ndis_check_end(w->fakes.ndis);
}

static void initiate_unread(struct world *w)
{
    struct second second;

    indicate(w, NDIS_STATUS_OFFLOAD_PAUSE);
    indicate(w, NDIS_STATUS_OFFLOAD_RESUME);
    initiate(w, &second);
    take(w, &second);
}

static void reads_and_initiates(struct world *w)
{
    struct second second;
    NDIS_TCP_CONNECTION_OFFLOAD read;

    indicate(w, NDIS_STATUS_OFFLOAD_PAUSE);
    indicate(w, NDIS_STATUS_OFFLOAD_RESUME);
    (void)request(w, NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, &read, sizeof read);
    initiate(w, &second);
    take(w, &second);
}

static void is_told_and_initiates(struct world *w)
{
    struct second second;

    indicate(w, NDIS_STATUS_OFFLOAD_PAUSE);
    resume_with(w, 1, 0);
    initiate(w, &second);
    take(w, &second);
}

static void takes_what_it_cannot(struct world *w)
{
    struct second second;

    resume_with(w, 0, 1);
    initiate(w, &second);
    take(w, &second);
}

static void completes_paused(struct world *w)
{
    world_complete(w, FLUE_POINT_ddi_send_complete, world_send(w, 10), NDIS_STATUS_PAUSED, 0);
}

static void parameters_with_a_wrong_size(struct world *w)
{
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wrong = parameters();

    wrong.Header.Size--;
    (void)request(w, NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &wrong, sizeof wrong);
}

static void answers_without_a_header(struct world *w)
{
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS read = parameters();

    read.Header.Revision = 9;
    (void)request(w, NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &read, sizeof read);
}

static void set_then_read(struct world *w, ULONG read_ticks)
{
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS set = parameters();

    (void)request(w, NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &set, sizeof set);
    set.TicksPerSecond = read_ticks;
    (void)request(w, NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &set, sizeof set);
}

static void answers_other_parameters(struct world *w)
{
    set_then_read(w, 100);
}

static void answers_the_parameters(struct world *w)
{
    set_then_read(w, 1000);
}

static void switch_version(struct world *w, UCHAR four, UCHAR six)
{
    NDIS_OFFLOAD_PARAMETERS switches = {.TcpConnectionIPv4 = four, .TcpConnectionIPv6 = six};

    (void)request(w, NdisRequestSetInformation, OID_TCP_OFFLOAD_PARAMETERS, &switches, sizeof switches);
}

static void switches_off_what_is_used(struct world *w)
{
    switch_version(w, NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED, NDIS_OFFLOAD_PARAMETERS_NO_CHANGE);
}

static void switches_off_what_is_unused(struct world *w)
{
    switch_version(w, NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED,
                   NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED);
}

static void sleeps_before_it_terminates(struct world *w)
{
    power_down(w);
}

static void sleeps_with_a_connection(struct world *w)
{
    FLUE_TCP_TERMINATE_BLOCK path, neighbor;

    world_terminate(w);
    world_terminated(w);
    terminate(w, &path, &w->path, Ip4OffloadDelegatedState);
    terminated(w);
    terminate(w, &neighbor, &w->neighbor, NeighborOffloadDelegatedState);
    power_down(w); /* the target answers at once */
    terminated(w);
}

static void sleeps_well(struct world *w)
{
    FLUE_TCP_TERMINATE_BLOCK path, neighbor;

    world_terminate(w);
    world_terminated(w);
    terminate(w, &path, &w->path, Ip4OffloadDelegatedState);
    terminated(w);
    terminate(w, &neighbor, &w->neighbor, NeighborOffloadDelegatedState);
    terminated(w);
    power_down(w);
}

static PNET_BUFFER_LIST lend_upward(struct world *w)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(w->fakes.frames);

    NdisMIndicateReceiveNetBufferLists(w->fakes.miniport.adapter, nbl, 0, 1, 0);
    return nbl;
}

static void closes_with_lists_out(struct world *w)
{
    (void)lend_upward(w);
    assert_int_equal(NdisCloseAdapterEx(w->fakes.protocol.bindings[0].handle), NDIS_STATUS_INVALID_STATE);
}

static void unloads_with_lists_out(struct world *w)
{
    (void)lend_upward(w);
    assert_int_equal(NdisDeregisterProtocolDriver(w->fakes.protocol.driver), NDIS_STATUS_INVALID_STATE);
}

static void asks_late(struct world *w)
{
    PNDIS_OFFLOAD_EVENT_HANDLERS table;

    (void)NdisMGetOffloadHandlers(w->fakes.miniport.adapter, NdisTcpChimneyOffload, &table);
}

static void uses_the_table(struct world *w)
{
    w->fakes.miniport.table->NdisTcpOffloadEventHandler(&w->tcp.handle, TcpIndicateRetrieve, UploadRequested);
    assert_ptr_equal(w->fakes.protocol.offload_context, &w->tcp); /* it arrives all the same */
}

static void breaches_are_found_first(void **state)
{
    static const struct breach cases[] = {
        BREACH(host_names_a_port, 43, FLUE_PARTY_HOST),
        BREACH(target_names_a_port, 43, FLUE_PARTY_TARGET),
        BREACH(status_during_an_initiate, 58, FLUE_PARTY_TARGET),
        BREACH(initiate_when_paused, 306, FLUE_PARTY_HOST),
        BREACH(initiate_after_upload_all, 308, FLUE_PARTY_HOST),
        BREACH(ignores_upload_all, 308, FLUE_PARTY_HOST),
        BREACH(initiate_unread, 309, FLUE_PARTY_HOST),
        BREACH(reads_and_initiates, 0, FLUE_PARTY_HOST),
        BREACH(is_told_and_initiates, 0, FLUE_PARTY_HOST),
        BREACH(takes_what_it_cannot, 304, FLUE_PARTY_TARGET),
        BREACH(completes_paused, 307, FLUE_PARTY_TARGET),
        BREACH(parameters_with_a_wrong_size, 302, FLUE_PARTY_HOST),
        BREACH(answers_without_a_header, 302, FLUE_PARTY_TARGET),
        BREACH(answers_other_parameters, 303, FLUE_PARTY_TARGET),
        BREACH(answers_the_parameters, 0, FLUE_PARTY_TARGET),
        BREACH(switches_off_what_is_used, 305, FLUE_PARTY_HOST),
        BREACH(switches_off_what_is_unused, 0, FLUE_PARTY_HOST),
        BREACH(sleeps_before_it_terminates, 310, FLUE_PARTY_HOST),
        BREACH(sleeps_with_a_connection, 311, FLUE_PARTY_TARGET),
        BREACH(sleeps_well, 0, FLUE_PARTY_TARGET),
        BREACH(closes_with_lists_out, 213, FLUE_PARTY_HOST),
        BREACH(unloads_with_lists_out, 213, FLUE_PARTY_HOST),
        BREACH(asks_late, 8, FLUE_PARTY_TARGET),
        BREACH(uses_the_table, 13, FLUE_PARTY_TARGET),
    };

    (void)state;
    breaches_run(cases, sizeof cases / sizeof cases[0]);
}

/* ---- Breaches while drivers start ---- */

struct watch {
    unsigned found[FOUND_MAX], count;
    enum flue_party party;
};

static void on_finding(void *ctx, const struct flue_finding *finding)
{
    struct watch *watch = ctx;

    if (watch->count < FOUND_MAX) {
        watch->party = watch->count == 0 ? finding->party : watch->party;
        watch->found[watch->count++] = finding->rule;
    }
}

static void watched(struct fakes *fakes, struct watch *watch)
{
    const struct flue_ddi ddi = flue_ddi_defaults();
    const struct flue_check_sink sink = {.ctx = watch, .finding = on_finding};

    memset(watch, 0, sizeof *watch);
    fakes_prepare(fakes, 1);
    fakes->trace.emit = NULL;
    fakes->miniport.asks = 0;
    assert_int_equal(flue_ndis_check(fakes->ndis, FLUE_CHECK_COUNT, &ddi, &sink), FLUE_OK);
}

static void tell(unsigned rule, const char *name, const struct watch *watch)
{
    if (rule != 0) {
        violator_told(rule, name, watch->count > 0 && watch->found[0] == rule);
    }
}

static void entry_points_are_asked_for_once_and_of_one_type(void **state)
{
    static const struct {
        unsigned asks, rule;
        const char *name;
    } cases[] = {{0, 0, NULL}, {1, 10, "asks_for_a_reserved_type"}, {2, 9, "asks_twice"}};
    struct fakes fakes;
    struct watch watch;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        watched(&fakes, &watch);
        fakes.miniport.asks = cases[i].asks;
        fakes_start(&fakes);
        tell(cases[i].rule, cases[i].name, &watch);
        assert_int_equal(watch.count, cases[i].rule == 0 ? 0 : 1);
        assert_int_equal(watch.found[0], cases[i].rule);
        fakes_end(&fakes);
        assert_int_equal(watch.count, cases[i].rule == 0 ? 0 : 1);
    }
}

/* What a target does that does not look at what it got: it keeps every entry point. */
static void tables_that_are_not_valid_are_watched(void **state)
{
    static const struct {
        UCHAR revision;
        bool refused; /* uses the table of another chimney */
        unsigned rule;
        const char *name;
    } cases[] = {
        {1, false, 0, NULL}, {9, false, 12, "uses_an_unknown_revision"}, {1, true, 11, "uses_a_refused_table"}};
    struct fakes fakes;
    struct watch watch;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *used;

        watched(&fakes, &watch);
        fakes.ndis->handlers_revision = cases[i].revision;
        fakes.miniport.asks = cases[i].refused ? 1 : 0;
        fakes_start(&fakes);
        memset(&watch, 0, sizeof watch); /* CH-010 */
        used = cases[i].refused ? fakes.miniport.refused : &fakes.miniport.up;
        used->NdisTcpOffloadSendComplete(fakes.miniport.adapter, NULL);
        tell(cases[i].rule, cases[i].name, &watch);
        assert_int_equal(watch.count, cases[i].rule == 0 ? 0 : 1);
        assert_int_equal(watch.found[0], cases[i].rule);
        fakes_end(&fakes);
    }
}

static void intermediate_drivers_are_whole_and_pass_sets_on(void **state)
{
    static const struct {
        unsigned options;
        bool swallows;
        unsigned rule;
        const char *name;
    } cases[] = {{15, false, 0, NULL},
                 {3, false, 324, "offers_no_client_handlers"},
                 {12, false, 324, "offers_no_provider_handlers"},
                 {15, true, 340, "swallows_a_set"}};
    struct fakes fakes;
    struct fake_im im[2];
    struct watch watch;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS set = parameters();
        NDIS_OID_REQUEST made = {.RequestType = NdisRequestSetInformation,
                                 .Oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
                                 .InformationBuffer = &set,
                                 .InformationBufferLength = sizeof set};

        watched(&fakes, &watch);
        assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
        assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                                 &fakes.miniport.adapter),
                         FLUE_OK);
        for (unsigned depth = 0; depth < 2; depth++) { /* the upper one is the breaker */
            fake_im_begin(&im[depth], fakes.ndis, "im", 1);
            im[depth].options = depth == 1 ? cases[i].options : 15;
            im[depth].swallows = depth == 1 && cases[i].swallows;
            fake_im_register(&im[depth]);
        }
        assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
        assert_int_equal(NdisOidRequest(fakes.protocol.bindings[0].handle, &made), NDIS_STATUS_SUCCESS);
        tell(cases[i].rule, cases[i].name, &watch);
        assert_int_equal(watch.count, cases[i].rule == 0 ? 0 : 1);
        assert_int_equal(watch.found[0], cases[i].rule);
        assert_int_equal(watch.party, cases[i].rule == 0 ? 0 : FLUE_PARTY_DRIVER);
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, fakes.miniport.adapter), FLUE_OK);
        fakes.miniport.adapter = NULL;
        for (unsigned depth = 0; depth < 2; depth++) {
            fake_im_end(&im[depth]);
        }
        fakes_end(&fakes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breaches_are_found_first),
        cmocka_unit_test(entry_points_are_asked_for_once_and_of_one_type),
        cmocka_unit_test(tables_that_are_not_valid_are_watched),
        cmocka_unit_test(intermediate_drivers_are_whole_and_pass_sets_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
