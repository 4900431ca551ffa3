/* SPDX-License-Identifier: GPL-2.0-only */
/* From a scenario to its network and nodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flue/ndischimney.h"
#include "flue/provider.h"
#include "run/build.h"
#include "run/choices.h"
#include "run/clients_ns3.h"
#include "run/flow.h"
#include "run/moments.h"
#include "run/rules.h"
#include "run/world_state.h"
#include "run/net_ns3.h"
#include "run/policy.h"
#include "run/profile.h"
#include "wire/impair.h"

#define CLIENT_PREFIX   (96 + 16) /* bits of 10.1.0.0/16, as a mapped address */
#define SOURCE_MAC_NODE 65000     /* whose MAC address no node has */
#define CHURN_EXPECTED  1024      /* connections at once that tables begin with, when they come and go */

/* ---- Parameters ---------------------------------------------------------------------------------------------------
 */

static void tcp_params(const struct flue_scenario *scenario, struct flue_tcp_params *tcp)
{
    flue_tcp_defaults(tcp);
    tcp->mss_bytes = (uint32_t)scenario->mtu - 40;
    tcp->rcv_buffer_bytes = (uint32_t)scenario->rcv_buffer;
    tcp->initial_window = (uint32_t)scenario->initial_window;
    tcp->ack_every = (uint32_t)scenario->ack_every;
    tcp->timestamps = scenario->timestamps == CHOICE_YES;
    tcp->sack = scenario->sack == CHOICE_YES;
    tcp->congestion = (uint32_t)scenario->congestion; /* the words stand in the order of enum flue_tcp_congestion */
    tcp->delayed_ack_ps = scenario->delayed_ack;
    tcp->rto_min_ps = scenario->rto_min;
    tcp->time_wait_ps = scenario->time_wait;
}

/* The words of each choice stand in the order of the field's values. */
static struct flue_ddi ddi_of(const struct flue_scenario *scenario)
{
    return (struct flue_ddi){
        .ndis_version = (uint8_t)scenario->ddi_ndis_version,
        .walk_failure_stop = (uint8_t)scenario->ddi_walk_failure,
        .invalidate_acks_none = (uint8_t)scenario->ddi_invalidate_acks,
        .invalid_raise_eager = (uint8_t)scenario->ddi_invalid_raise,
        .upload_sends_complete = (uint8_t)scenario->ddi_upload_sends,
        .terminate_recipe = (uint8_t)scenario->ddi_terminate_failure,
        .push_timer_once = (uint8_t)scenario->ddi_push_timer,
        .chimney_moderation_none = (uint8_t)scenario->ddi_chimney_moderation,
        .upload_deadline_ms = (uint32_t)scenario->ddi_upload_deadline_ms,
        .reoffload_backoff_ms = (uint32_t)scenario->ddi_reoffload_backoff_ms,
        .fin_wait2_s = (uint32_t)scenario->ddi_fin_wait2_s,
    };
}

/* What makes the adapter recommend to take a connection back, over the scenario's window. */
static struct flue_target_thresholds thresholds_of(const struct flue_scenario *scenario)
{
    return (struct flue_target_thresholds){.window_ps = scenario->advice_window,
                                           .low_activity_requests = 4,
                                           .high_drop_permille = 100,
                                           .small_io_bytes = 1024,
                                           .no_post_indications = 32,
                                           .fragments = 8,
                                           .out_of_order = 64};
}

static void host_params(const struct flue_scenario *scenario, struct flue_host_params *host)
{
    const uint32_t advice = 1u << LowActivity | 1u << HighDropRate | 1u << SmallIO | 1u << NoBufferPreposting |
                            1u << HighFragmentation | 1u << HighOutOfOrderPackets;

    host->receive_posts = (uint32_t)scenario->receive_posts;
    host->receive_post_bytes = scenario->receive_posts == 0 ? 0 : (uint32_t)scenario->receive_post_size;
    host->receive_nonpush = scenario->receive_push == CHOICE_NO;
    host->receive_queue_bytes = (uint32_t)scenario->receive_queue;
    host->heed_advice = scenario->heed_advice == SWITCH_YES ? advice : 0;
    host->follow_send_backlog = scenario->follow_backlog == SWITCH_YES;
    host->close_with_data = scenario->close_with_data == SWITCH_YES;
    host->reoffer = scenario->reoffer == SWITCH_YES;
    host->receive_queues = (uint32_t)scenario->rss_queues;
}

/* A client behind the gateways is on no VLAN. */
static int tags(const struct flue_scenario *scenario, int end)
{
    return scenario->vlan != 0 && (end == SERVER || scenario->topology == TOPOLOGY_SWITCH);
}

/* A window that keeps the connection waiting, whatever the adapter does. */
static int is_poor(void *ctx, const struct flue_tcp_state *state)
{
    const struct flue_scenario *scenario = ctx;

    return state->max_snd_wnd < (uint64_t)scenario->reject_window;
}

static void target_params(const struct flue_scenario *scenario, int end, uint32_t capacity,
                          struct flue_target_params *target)
{
    target->neighbour_max = capacity == 0 ? 0 : (uint32_t)scenario->neighbours;
    target->path_max = capacity == 0 ? 0 : (uint32_t)scenario->paths;
    target->tcp_max = capacity;
    target->rcv_wnd_max_bytes = (uint32_t)scenario->rx_window;
    target->mtu_max_bytes = (uint32_t)scenario->path_mtu;
    target->address_max = (uint32_t)scenario->addresses;
    target->source_mac_max = (uint32_t)scenario->source_macs;
    if (scenario->reject_window != 0)
        target->judge = (struct flue_target_judge){.ctx = (void *)(uintptr_t)scenario, .poor = is_poor};
    target->rcv_buffer_bytes = (uint64_t)scenario->rx_memory;
    target->xmit_buffer_bytes = (uint64_t)scenario->tx_memory;
    target->hang_after_ps = scenario->hang_after == FLUE_PS_NEVER ? 0 : scenario->hang_after;
    target->send_quantum = 4;
    target->backlog_frames = (uint32_t)scenario->backlog;
    target->ring_frames = 4096;
    target->receive_queues = end == SERVER ? (uint32_t)scenario->rss_queues : 1;
    if (scenario->advice_window != 0)
        target->thresholds = thresholds_of(scenario);
    if (scenario->follow_backlog == SWITCH_YES) {
        target->backlog_permille = 250;
        target->backlog_ticks = 10;
    }
    if (tags(scenario, end)) {
        target->vlan_max = (uint32_t)scenario->vlans;
        target->vlan_count = 1;
        target->vlan[0] = (uint16_t)scenario->vlan;
    }
}

static uint32_t ip_of(const struct world *world, unsigned node)
{
    if (world_end(world, node) == SERVER)
        return node == SERVER ? SERVER_IP : SECOND_IP;
    return CLIENT_IP + (node - CLIENT) * world->client_ips;
}

static void node_params(const struct world *world, unsigned node, const struct flue_profile *profile,
                        struct flue_node_params *params)
{
    const struct flue_scenario *scenario = world->scenario;
    const int end = world_end(world, node);
    const int offloads =
        end == SERVER && (scenario->offload == ARM_CHIMNEY || schedule_has(&world->schedule, EVENT_OFFLOAD));
    const uint32_t capacity =
        offloads ? (uint32_t)(node == SERVER ? scenario->capacity : scenario->migrate_capacity) : 0;

    *params = (struct flue_node_params){.number = (uint16_t)node};
    params->impair.loss_ppm = (uint32_t)scenario->loss;
    params->impair.reorder_ppm = (uint32_t)scenario->reorder;
    params->impair.reorder_ps = scenario->reorder_delay;
    (void)impair_parse(scenario->loss_list.text, end == SERVER ? 'c' : 's', params->impair.lose);
    tcp_params(scenario, &params->host.tcp);
    params->host.ip = ip_of(world, node);
    params->host.profile = *profile;
    params->host.policy = end == SERVER ? policy_of(scenario, world->watch.policy) : flue_policy_find("never");
    if (end == SERVER)
        policy_params(scenario, &params->host.policy_params);
    params->host.send_quantum = 4;
    params->host.update_only = scenario->relink == RELINK_UPDATE;
    params->host.nud_reachable_ps = scenario->reachable_time;
    params->host.nud_delay_ps = scenario->probe_delay;
    params->host.nud_retrans_ps = scenario->probe_every;
    params->host.backlog_frames = (uint32_t)scenario->backlog;
    params->host.tree_connections = (uint32_t)scenario->tree;
    params->host.connections =
        (uint32_t)(end == SERVER ? scenario->connections : (scenario->connections - 1) / scenario->clients + 1);
    if (world_churns(world) && params->host.connections > CHURN_EXPECTED)
        params->host.connections = CHURN_EXPECTED;
    target_params(scenario, end, capacity, &params->target);
    params->target.tcp = params->host.tcp;
    params->target.profile = *profile;
    params->host.ddi = ddi_of(scenario);
    params->target.ddi = params->host.ddi;
    if (end == SERVER)
        host_params(scenario, &params->host);
}

/* Of both ends, which mostly have the same. */
static flue_err load_profiles(const struct flue_scenario *scenario, struct flue_profile profile[ENDS], char *message,
                              size_t room)
{
    const char *const server = scenario->profile.text, *const client = scenario->peer_profile.text;
    flue_err err = profile_load(server, &profile[SERVER], NULL, message, room);

    if (err == FLUE_OK && strcmp(client, server) == 0)
        profile[CLIENT] = profile[SERVER];
    else if (err == FLUE_OK)
        err = profile_load(client, &profile[CLIENT], NULL, message, room);
    for (unsigned end = 0; err == FLUE_OK && scenario->moderation != FLUE_PARAM_AS_PROFILE && end < ENDS; end++)
        profile[end].moderation_ps = (uint64_t)scenario->moderation;
    return err;
}

/* ---- The network --------------------------------------------------------------------------------------------------
 */

static struct flue_wire_facts facts_of(const struct flue_scenario *scenario)
{
    return (struct flue_wire_facts){.rate_bps = (uint64_t)scenario->link_rate,
                                    .delay_ps = scenario->delay,
                                    .framing_bytes = (uint32_t)scenario->framing,
                                    .mtu_bytes = (uint32_t)scenario->mtu,
                                    .queue_frames = (uint32_t)scenario->queue};
}

uint64_t world_seed(const struct flue_scenario *scenario)
{
    return scenario->seed * UINT64_C(0x9E3779B97F4A7C15) + scenario->rng_run;
}

static flue_err build_link(struct world *world, char *message, size_t room)
{
    const struct flue_net_params params = {.facts = facts_of(world->scenario),
                                           .seed = world_seed(world->scenario),
                                           .memory = run_memory_source(&world->memory)};

    return world->scenario->net == FLUE_NET_NS3 ? net_ns3_open(&params, &world->net, message, room)
                                                : flue_net_link(&params, &world->net);
}

static struct flue_switch_node lan_node(const struct world *world, unsigned node, const uint16_t *vid)
{
    const struct flue_scenario *scenario = world->scenario;
    struct flue_switch_node made = {.facts = facts_of(scenario),
                                    .untagged_vid = *vid == 0 ? 0 : FLUE_VLAN_NONE,
                                    .tagged_count = *vid == 0 ? 0 : 1,
                                    .tagged_vids = vid};

    if (scenario->topology == TOPOLOGY_GATEWAYS && node >= CLIENT && node < world->nodes) {
        made.behind_routers = 1;
        made.ip[0] = flue_ip_v4(ip_of(world, node));
        if (world->client_ips > 1)
            made.ip[1] = flue_ip_v4(ip_of(world, node) + 1);
        if (scenario->far_mtu != 0)
            made.facts.mtu_bytes = (uint32_t)scenario->far_mtu;
    }
    return made;
}

/* Server, clients, and the port of the server's second adapter.  On a VLAN both ends tag; a gateway does not. */
static flue_err build_lan(struct world *world, char *message, size_t room)
{
    const struct flue_scenario *scenario = world->scenario;
    const uint16_t vid = (uint16_t)scenario->vlan;
    const uint32_t count = world->nodes + (uint32_t)scenario->adapters - 1;
    struct flue_switch_node *nodes = calloc(count, sizeof(*nodes));
    struct flue_switch_router routers[GATEWAYS];
    const struct flue_switch_params params = {.nodes = nodes,
                                              .node_count = count,
                                              .routers = routers,
                                              .router_count = scenario->topology == TOPOLOGY_GATEWAYS ? GATEWAYS : 0,
                                              .seed = world_seed(scenario),
                                              .memory = run_memory_source(&world->memory)};
    flue_err err;
    unsigned i;

    if (nodes == NULL)
        return FLUE_ENOMEM;
    for (i = 0; i < count; i++)
        nodes[i] = lan_node(world, i, &vid);
    for (i = 0; i < GATEWAYS; i++)
        routers[i] =
            (struct flue_switch_router){.facts = facts_of(scenario), .vid = vid, .ip4 = flue_ip_v4(GATEWAY_IP + i)};
    if (clients_are_ns3(scenario))
        err = clients_ns3_open(world, &params, message, room);
    else if (scenario->net != FLUE_NET_NS3)
        err = flue_net_switch(&params, &world->net);
    else if (scenario->topology == TOPOLOGY_GATEWAYS)
        err = net_ns3_open_routed(&params, &world->net, message, room);
    else if (scenario->adapters > 1 && scenario->drivers.text[0] != '\0') /* a team: one MAC address at two ports */
        err = net_ns3_open_switch(&params, &world->net, message, room);
    else
        err = net_ns3_open_lan(&params, &world->net, message, room);
    free(nodes);
    return err;
}

flue_err world_build_net(struct world *world, char *message, size_t room)
{
    const int link = world->scenario->topology == TOPOLOGY_LINK && !clients_are_ns3(world->scenario);
    const flue_err err = link ? build_link(world, message, room) : build_lan(world, message, room);

    if (err != FLUE_OK && message[0] == '\0')
        (void)snprintf(message, room, "the network could not be built: %s", flue_err_sentence(err));
    return err;
}

/* ---- Nodes --------------------------------------------------------------------------------------------------------
 */

static void on_net_receive(void *ctx, const struct flue_frame *frame)
{
    flue_node_receive(ctx, frame);
}

static void on_second_receive(void *ctx, const struct flue_frame *frame)
{
    flue_node_receive_by(ctx, 1, frame);
}

static void on_net_alarm(void *ctx)
{
    flue_node_alarm(ctx);
}

/* The port of the second adapter has no clock of its own. */
static void on_no_alarm(void *ctx)
{
    (void)ctx;
}

/* Own addresses, ways and tags.  All that the client's addresses are is known on the switch by ARP. */
static flue_err address(struct world *world, unsigned node)
{
    const struct flue_scenario *scenario = world->scenario;
    const struct flue_ip clients = flue_ip_v4(CLIENT_IP);
    struct flue_host *host = world_host(world, node);
    const int end = world_end(world, node);
    flue_err err = FLUE_OK;
    uint32_t i;

    if (scenario->topology == TOPOLOGY_LINK || (end == CLIENT && scenario->topology == TOPOLOGY_GATEWAYS))
        return FLUE_OK;
    if (scenario->vlan != 0)
        err = flue_host_vlan(host, 0, (uint16_t)scenario->vlan);
    if (err == FLUE_OK && end == SERVER && scenario->adapters > 1 && scenario->drivers.text[0] == '\0') {
        err = flue_host_link(host, 1, world->second.facts.mac, world->second.facts.mtu_bytes);
        if (err == FLUE_OK && scenario->vlan != 0)
            err = flue_host_vlan(host, 1, (uint16_t)scenario->vlan);
    }
    if (err == FLUE_OK && end == SERVER && scenario->source_mac == SWITCH_YES) {
        uint8_t mac[6];

        flue_net_mac(SOURCE_MAC_NODE, mac);
        err = flue_host_source_mac(host, 0, mac);
    }
    for (i = 1; err == FLUE_OK && end == SERVER && i < (uint32_t)scenario->server_addresses; i++) {
        const struct flue_ip ip = flue_ip_v4(MORE_SERVER_IP + i);

        err = flue_host_address(host, 0, &ip);
    }
    for (i = 1; err == FLUE_OK && end == CLIENT && i < world->client_ips; i++) {
        const struct flue_ip ip = flue_ip_v4(ip_of(world, node) + i);

        err = flue_host_address(host, 0, &ip);
    }
    for (i = 0; err == FLUE_OK && scenario->topology == TOPOLOGY_GATEWAYS && i < GATEWAYS; i++) {
        const struct flue_ip gateway = flue_ip_v4(GATEWAY_IP + i);

        err = flue_host_route(host, &clients, CLIENT_PREFIX, &gateway, 0);
    }
    return err;
}

static flue_err build_node(struct world *world, unsigned node, const struct flue_profile *profile)
{
    const struct flue_net *net = &world->net;
    const struct flue_wire *wire = net->wire(net->ctx, node);
    struct flue_net_client client = {.receive = on_net_receive, .alarm = on_net_alarm};
    struct flue_node_params params;
    flue_err err;

    node_params(world, node, profile, &params);
    if (world_end(world, node) == SERVER) { /* a second one has not what somebody watches the first by */
        params.driver = world->drivers.params;
        params.drivers = world->drivers.count - (node != SERVER && world->watch.driver != NULL ? 1 : 0);
    }
    if (node == SERVER && world->watch.tap != NULL)
        params.tap = *world->watch.tap;
    if (node == SERVER && world->scenario->adapters > 1) {
        world->second = *net->wire(net->ctx, world->nodes);
        /* Both adapters of a team have one MAC address: the switch learns where it is from what is sent. */
        if (params.drivers > 0)
            memcpy(world->second.facts.mac, wire->facts.mac, sizeof(world->second.facts.mac));
        params.adapters = 2;
        params.second = &world->second;
    }
    if (node == SERVER)
        params.provider = world->watch.target;
    rules_watch(world, node, &params);
    err = flue_node_new(net->env(net->ctx, node), wire, world->watch.trace, &params, &world->node[node]);
    if (err != FLUE_OK)
        return err;
    client.ctx = world->node[node];
    net->attach(net->ctx, node, &client);
    if (params.adapters > 1) {
        client.receive = on_second_receive;
        client.alarm = on_no_alarm;
        net->attach(net->ctx, world->nodes, &client);
    }
    return address(world, node);
}

flue_err world_build_nodes(struct world *world, char *message, size_t room)
{
    struct flue_profile profile[ENDS];
    flue_err err = load_profiles(world->scenario, profile, message, room);
    unsigned node;

    if (err != FLUE_OK)
        return err;
    err = drivers_make(world->scenario, world->watch.driver, &world->drivers);
    if (err != FLUE_OK) {
        (void)snprintf(message, room, "no memory for the drivers");
        return err;
    }
    world->profile = profile[SERVER];
    for (node = 0; node < world->nodes; node++) {
        err = build_node(world, node, &profile[world_end(world, node)]);
        if (err != FLUE_OK) {
            if (node == SERVER && world->watch.target != NULL)
                (void)snprintf(message, room, "target %s could not be started: %s", world->watch.target->name,
                               flue_err_sentence(err));
            else
                (void)snprintf(message, room, "a node could not be built: %s", flue_err_sentence(err));
            return err;
        }
    }
    world_apps(world);
    return FLUE_OK;
}
