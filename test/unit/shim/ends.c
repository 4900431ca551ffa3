/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole Flue nodes on ns-3 (see ends.h). */
#include "unit/shim/ends.h"

#include "flue/check.h"
#include "flue/ddi.h"
#include "flue/policy.h"
#include "support/test.h"

static void on_receive(void *ctx, const struct flue_frame *frame)
{
    flue_node_receive(ctx, frame);
}

static void on_alarm(void *ctx)
{
    flue_node_alarm(ctx);
}

static void found(void *ctx, const struct flue_finding *finding)
{
    struct ends *ends = ctx;

    if (flue_rule(finding->rule)->strength == FLUE_RULE_warn)
        return; /* a remark */
    print_message("CH-%03u %s: %s\n", finding->rule, flue_party_name(finding->party), finding->seen);
    ends->findings++;
}

static void fill_profile(struct flue_profile *profile)
{
#define FLUE_PRICE(name, side, category, title)               profile->name = (struct flue_price){.cycles = 50};
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) profile->name = (minimum);
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    profile->host_hz = 1000000000;
    profile->engine_hz = 1000000000;
}

void ends_node(struct ends *ends, unsigned number, uint32_t ip, int offloads, uint32_t loss_ppm)
{
    struct flue_node_params params = {.number = (uint16_t)number,
                                      .check = FLUE_CHECK_COUNT,
                                      .check_sink = {.ctx = ends, .finding = found},
                                      .impair = {.loss_ppm = loss_ppm}};
    struct flue_net_client client = {.receive = on_receive, .alarm = on_alarm};
    const struct flue_net *net = &ends->net;

    flue_tcp_defaults(&params.host.tcp);
    params.host.tcp.rto_min_ps = 5 * FLUE_PS_PER_MS;
    params.host.tcp.time_wait_ps = FLUE_PS_PER_MS;
    params.host.tcp.rcv_buffer_bytes = 1U << 20;
    params.host.ip = ip;
    fill_profile(&params.host.profile);
    params.host.policy = flue_policy_find(offloads ? "always" : "never");
    params.host.send_quantum = 4;
    params.host.backlog_frames = 64;
    params.host.tree_connections = 4;
    params.host.ddi = flue_ddi_defaults();
    params.target = (struct flue_target_params){.neighbour_max = 16,
                                                .path_max = 64,
                                                .tcp_max = 64,
                                                .ipv6 = 1,
                                                .rcv_wnd_max_bytes = 1U << 30,
                                                .mtu_max_bytes = 9000,
                                                .send_quantum = 4,
                                                .backlog_frames = 64,
                                                .ring_frames = 1024,
                                                .tcp = params.host.tcp,
                                                .profile = params.host.profile,
                                                .ddi = params.host.ddi};
    assert_int_equal(
        flue_node_new(net->env(net->ctx, number), net->wire(net->ctx, number), NULL, &params, &ends->node[number]),
        FLUE_OK);
    client.ctx = ends->node[number];
    net->attach(net->ctx, number, &client);
}

void ends_free(struct ends *ends)
{
    for (unsigned i = 0; i < COUNT_OF(ends->node); i++) {
        if (ends->node[i] == NULL)
            continue;
        flue_host_release_offload(flue_node_host(ends->node[i]), ends->net.now(ends->net.ctx));
        flue_node_settle(ends->node[i]);
    }
    ends->net.run(ends->net.ctx, FLUE_PS_NEVER);
    for (unsigned i = 0; i < COUNT_OF(ends->node); i++) {
        if (ends->node[i] == NULL)
            continue;
        assert_int_equal(flue_host_objects_live(flue_node_host(ends->node[i])), 0);
        flue_node_check_end(ends->node[i]);
        flue_node_free(ends->node[i]);
        ends->node[i] = NULL;
    }
    ends->net.free(ends->net.ctx);
    assert_int_equal(ends->findings, 0);
}

/* ---- What both kinds of ends do ---- */

static void came(struct end *end, const struct flue_span *span)
{
    if (span->stream != (end->stream ^ 1) || span->offset_bytes != end->received || span->memory != NULL)
        end->wrong++;
    end->received += span->length_bytes;
}

static void flue_connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct end *end = ctx;

    (void)at_ps;
    end->opened++;
    end->flue = socket;
    if (end->sends > 0)
        assert_int_equal(flue_host_socket_send(socket, (uint32_t)end->sends), FLUE_OK);
}

static void flue_received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    (void)socket, (void)at_ps;
    came(ctx, span);
}

static void flue_acknowledged(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    struct end *end = ctx;

    (void)at_ps;
    end->acked += bytes;
    if (!end->closes && end->acked == end->sends)
        assert_int_equal(flue_host_socket_close(socket), FLUE_OK);
}

static void flue_peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct end *end = ctx;

    (void)at_ps;
    end->peer_closed++;
    if (end->closes)
        assert_int_equal(flue_host_socket_close(socket), FLUE_OK);
}

static void flue_closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct end *end = ctx;

    (void)socket, (void)reason, (void)at_ps;
    end->closed++;
}

static void flue_moved(void *ctx, struct flue_host_socket *socket, enum flue_holder holder, enum flue_move why,
                       flue_ps at_ps)
{
    struct end *end = ctx;

    (void)socket, (void)why, (void)at_ps;
    end->offloaded += holder == FLUE_HOLDER_TARGET;
}

static uint32_t flue_identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_port;
}

const struct flue_app ends_app = {.identify = flue_identify,
                                  .connected = flue_connected,
                                  .received = flue_received,
                                  .acknowledged = flue_acknowledged,
                                  .peer_closed = flue_peer_closed,
                                  .closed = flue_closed,
                                  .moved = flue_moved};

static const struct flue_ns3_api *api(void)
{
    return flue_ns3_functions();
}

static uint32_t ns3_identify(void *ctx, const struct flue_ip *remote_ip, uint16_t remote_port)
{
    (void)ctx, (void)remote_ip;
    return remote_port;
}

static void ns3_connected(void *ctx, struct flue_ns3_socket *socket)
{
    struct end *end = ctx;

    end->opened++;
    end->ns3 = socket;
    if (end->sends > 0)
        assert_int_equal(api()->socket_send(socket, end->sends), FLUE_OK);
}

static void ns3_received(void *ctx, struct flue_ns3_socket *socket, const struct flue_span *span)
{
    (void)socket;
    came(ctx, span);
}

static void ns3_acknowledged(void *ctx, struct flue_ns3_socket *socket, uint64_t bytes)
{
    struct end *end = ctx;

    end->acked += bytes;
    if (!end->closes && end->acked == end->sends)
        assert_int_equal(api()->socket_close(socket), FLUE_OK);
}

static void ns3_peer_closed(void *ctx, struct flue_ns3_socket *socket)
{
    struct end *end = ctx;

    end->peer_closed++;
    if (end->closes)
        assert_int_equal(api()->socket_close(socket), FLUE_OK);
}

static void ns3_closed(void *ctx, struct flue_ns3_socket *socket, int failed)
{
    struct end *end = ctx;

    (void)socket;
    end->closed++;
    end->failed += failed != 0;
    end->ns3 = NULL;
}

struct flue_ns3_app ends_ns3_app(struct end *end)
{
    return (struct flue_ns3_app){.ctx = end,
                                 .identify = ns3_identify,
                                 .connected = ns3_connected,
                                 .received = ns3_received,
                                 .acknowledged = ns3_acknowledged,
                                 .peer_closed = ns3_peer_closed,
                                 .closed = ns3_closed};
}
