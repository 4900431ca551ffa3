/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts and targets that are wrong about receive data that goes along with a connection (CH-050, CH-051, CH-075,
 * CH-076), and targets that do not end what has ended (CH-143, CH-187, CH-224, CH-298). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_data_world.h"

/* ---- Inherited data ---- */

/* Five bytes before RcvNxt. */
static void inherits_data(struct world *world)
{
    world->kept = world_arrived(world, 5);
    world->t.Delegated.BufferedData = world->kept;
    world->t.Delegated.RcvNxt += 5;
    world->came = 5;
}

/* The host hands over one byte fewer than it has acknowledged. */
static void inherits_too_little(struct world *world)
{
    inherits_data(world);
    world->t.Delegated.RcvNxt++;
}

static void goes_on(struct world *world)
{
    world->came = 6;
    world_comes(world, 10, 0, 0);
}

static void hands_the_hosts_list_up(struct world *world)
{
    (void)world_post(world, 0, 0);
    world_fill(world, world->fakes.miniport.list, SUCCESS, 0);
    (void)world_indicate(world, world->kept, SUCCESS, 5);
}

static void gives_the_hosts_list_back(struct world *world)
{
    world_terminate(world);
    world->t.Delegated.BufferedData = world->kept;
    world_terminated(world);
}

static void has_copied_nothing(struct world *world)
{
    world_terminate(world);
    world->t.Delegated.BufferedData = NULL;
    world_terminated(world);
}

/* A second connection, with data; it is refused, or taken. */
static PNET_BUFFER_LIST offer_with_data(struct world *world)
{
    static struct owned_handle other;
    PNET_BUFFER_LIST data = world_arrived(world, 5);

    world_offer_another(world, &other, data);
    return data;
}

static void is_refused(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree = world->fakes.miniport.tree;

    tree->Status = tree->DependentBlockList->Status = tree->DependentBlockList->DependentBlockList->Status =
        NDIS_STATUS_FAILURE;
    NdisMInitiateOffloadComplete(world->fakes.miniport.adapter, tree);
}

/* The host frees its data when it has asked, and is refused: the bytes are nowhere. */
static void frees_before_it_knows(struct world *world)
{
    PNET_BUFFER_LIST data = offer_with_data(world);

    ndis_nbl_put(data);
    (void)world_room(world, 7); /* and what it has freed is used again */
    is_refused(world);
}

static void uses_the_hosts_list_up(struct world *world)
{
    PNET_BUFFER_LIST data = offer_with_data(world);

    NdisAdvanceNetBufferDataStart(data->FirstNetBuffer, 5, 0, NULL);
    is_refused(world);
}

/* ---- What has ended ---- */

/* Both sides close, this one first; everything is acknowledged. */
static void closes(struct world *world, int peer_closes, flue_ps silence_ps)
{
    PNET_BUFFER_LIST fin = world_disconnect(world, 0, GRACEFUL);
    struct flue_frame frame = world_frame(world, 0, 0, 0, FLUE_TCP_FIN);

    world_leaves(world, &frame);
    world_comes(world, 0, 1, 0);
    world_complete(world, CLOSED, fin, SUCCESS, 0);
    if (peer_closes) {
        world_comes(world, 0, 1, FLUE_TCP_FIN);
        frame = world_frame(world, 1, 0, 1, 0);
        world_leaves(world, &frame);
        world_event(world, TcpIndicateDisconnect, 0);
    }
    world->fakes.now_ps += silence_ps;
}

static void is_taken_back(struct world *world)
{
    world_terminate(world);
    world->t.Delegated.SndUna = world->t.Delegated.SndNxt = world->t.Delegated.SndMax = SND_UNA + 1;
    world->t.Delegated.RcvNxt = RCV_NXT + 1;
    world->t.Delegated.State = TcpConnectionTimeWait;
    world_terminated(world);
}

static void stays_in_time_wait(struct world *world)
{
    closes(world, 1, 2 * FLUE_PS_PER_S);
    is_taken_back(world);
}

static void stays_in_fin_wait_2(struct world *world)
{
    closes(world, 0, 130 * FLUE_PS_PER_S);
    flue_ndis_check_end(world->fakes.ndis);
}

static void leaves_fin_wait_2_early(struct world *world)
{
    closes(world, 0, 20 * FLUE_PS_PER_S);
    world_event(world, TcpIndicateRetrieve, TimeoutExpiration);
}

static void keeps_a_partial_receive(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 20, 0);

    (void)world_post(world, 100, 0);
    world_comes(world, 20, 0, 0);
    world_leaves(world, &frame);
    world->fakes.now_ps += 100 * FLUE_PS_PER_S;
    world_terminate(world);
    world_fill(world, world->fakes.miniport.list, UPLOAD, 20);
    world->t.Delegated.RcvNxt += 20;
    world_terminated(world);
}

static void resets(struct world *world, flue_ps late_ps)
{
    PNET_BUFFER_LIST list = world_arrived(world, 10);
    const struct flue_frame frame = world_frame(world, 0, 0, 10, FLUE_TCP_RST);

    world_comes(world, 10, 0, 0);
    (void)world_indicate(world, list, SUCCESS, 10);
    (void)world_disconnect(world, 0, ABORTIVE);
    world->fakes.now_ps += late_ps;
    (void)NdisOffloadTcpReceiveReturn(world->fakes.protocol.bindings[0].handle, list);
    world_leaves(world, &frame);
}

static void resets_when_the_list_is_back(struct world *world)
{
    resets(world, 5 * FLUE_PS_PER_S);
}

#define H FLUE_PARTY_HOST
#define T FLUE_PARTY_TARGET
#define PREPARED(rule_, party_, act_, prepare_)                                                                        \
    {                                                                                                                  \
        .rule = (rule_), .party = (party_), .act = (act_), .prepare = (prepare_), .name = #act_                        \
    }

static const struct violator violators[] = {
    PREPARED(50, T, hands_the_hosts_list_up, inherits_data),
    PREPARED(50, T, gives_the_hosts_list_back, inherits_data),
    VIOLATOR(50, T, uses_the_hosts_list_up, 0),
    PREPARED(51, T, has_copied_nothing, inherits_data),
    PREPARED(75, H, goes_on, inherits_too_little),
    VIOLATOR(76, H, frees_before_it_knows, 0),
    VIOLATOR(143, T, stays_in_time_wait, 0),
    VIOLATOR(187, T, keeps_a_partial_receive, 0),
    VIOLATOR(224, T, resets_when_the_list_is_back, 0),
    VIOLATOR(298, T, stays_in_fin_wait_2, 0),
    VIOLATOR(298, T, leaves_fin_wait_2_early, 0),
};

static void each_violator_is_named(void **state)
{
    (void)state;
    violators_run(violators, sizeof violators / sizeof violators[0]);
}

/* ---- What is as it should be ---- */

static void asks_in_time_wait(struct world *world)
{
    closes(world, 1, 0);
    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world->fakes.now_ps += 2 * FLUE_PS_PER_S;
    is_taken_back(world);
}

static void waits_out_fin_wait_2(struct world *world)
{
    closes(world, 0, 120 * FLUE_PS_PER_S);
    world_event(world, TcpIndicateRetrieve, TimeoutExpiration);
}

static void resets_at_once(struct world *world)
{
    resets(world, 0);
}

static void refuses_with_data(struct world *world)
{
    (void)offer_with_data(world);
    is_refused(world);
}

static void nothing_is_found_without_need(void **state)
{
    static const struct breach good[] = {BREACH(asks_in_time_wait, 0, T), BREACH(waits_out_fin_wait_2, 0, T),
                                         BREACH(resets_at_once, 0, T), BREACH(refuses_with_data, 0, T)};

    (void)state;
    breaches_run(good, sizeof good / sizeof good[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violator_is_named),
        cmocka_unit_test(nothing_is_found_without_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
