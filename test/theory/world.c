/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/world.c - flows over one bottleneck: the event loop. */
#include <stdlib.h>

#include "support/test.h"
#include "frame/frame.h"
#include "world.h"

#define PORT        5001u
#define FIRST_PORT  10000u
#define WRITE_BYTES (UINT32_C(1) << 29)

struct world_config world_plain(enum flue_tcp_congestion congestion)
{
    struct world_config config = {
        .flows = 1,
        .rate_bps = 10000000000,
        .rtt_ps = 10 * FLUE_PS_PER_MS,
        .queue_frames = 1u << 20,
    };

    flue_tcp_defaults(&config.params);
    config.params.congestion = congestion;
    config.params.rcv_buffer_bytes = 1u << 30;
    return config;
}

uint32_t world_payload_bytes(const struct world_config *config)
{
    return config->params.mss_bytes - (config->params.timestamps != 0 ? 12 : 0);
}

uint32_t world_frame_bytes(const struct world_config *config)
{
    return config->params.mss_bytes + 40 + WORLD_FRAMING_BYTES;
}

uint32_t world_bdp_frames(const struct world_config *config)
{
    uint64_t frame_ps = (uint64_t)flue_wire_serialise_ps(world_frame_bytes(config), config->rate_bps);

    return (uint32_t)(((uint64_t)config->rtt_ps + frame_ps - 1) / frame_ps);
}

static void pass_bottleneck(struct world *world, struct flue_frame *frame, flue_ps at_ps)
{
    struct link *link = &world->end[0].out;
    flue_ps frame_ps = flue_wire_serialise_ps(world_frame_bytes(&world->config), world->config.rate_bps);
    uint64_t waiting = link->free_ps > at_ps ? (uint64_t)((link->free_ps - at_ps) / frame_ps) : 0;

    if (waiting > world->queue_peak_frames) {
        world->queue_peak_frames = waiting;
    }
    if (world->config.mark_frames != 0 && waiting >= world->config.mark_frames &&
        (frame->tos & FLUE_ECN_MASK) != FLUE_ECN_NOT_ECT) {
        frame->tos |= FLUE_ECN_CE;
        world->marked++;
    }
    if (link_send(link, frame, at_ps) != FLUE_WIRE_SENT) {
        world->lost++;
    }
}

static flue_ps output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    struct world_end *end = owner;
    struct world *world = end->world;
    unsigned from = (unsigned)(end - world->end);

    (void)conn;
    (void)again;
    if (frame->payload.length_bytes > 0) {
        world->data_frames++;
        if (world->config.lose_every != 0 && world->data_frames % world->config.lose_every == 0) {
            world->lost++;
            return at_ps;
        }
    }
    if (world->filter != NULL && !world->filter(world, from, frame)) {
        world->lost++;
        return at_ps;
    }
    if (from == 0) {
        pass_bottleneck(world, frame, at_ps);
    } else {
        assert_int_equal(link_send(&end->out, frame, at_ps), FLUE_WIRE_SENT);
    }
    return at_ps;
}

static void write_more(struct world_flow *flow, flue_ps now_ps)
{
    uint64_t limit = flow->world->config.bytes_per_flow;

    while (flow->end == 0 && flow->written - flow->acked < 2 * (uint64_t)WRITE_BYTES &&
           (limit == 0 || flow->written < limit)) {
        uint64_t length = limit != 0 && limit - flow->written < WRITE_BYTES ? limit - flow->written : WRITE_BYTES;
        struct flue_span span = {
            .offset_bytes = flow->written, .stream = flow->number + 1, .length_bytes = (uint32_t)length};

        assert_int_equal(flue_tcp_send(flow->conn, &span, now_ps), FLUE_OK);
        flow->written += length;
    }
}

static void wait_for_output(struct world_flow *flow)
{
    struct world_end *end = &flow->world->end[flow->end];

    assert_false(flow->waits);
    flow->waits = true;
    flow->next = NULL;
    if (end->first == NULL) {
        end->first = flow;
    } else {
        end->last->next = flow;
    }
    end->last = flow;
}

static void event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    struct world_flow *flow = flue_tcp_user(conn);

    (void)owner;
    flow->conn = conn;
    switch (event->kind) {
    case FLUE_TCP_EV_CONNECTED:
        flow->connected = true;
        write_more(flow, event->at_ps);
        break;
    case FLUE_TCP_EV_DATA:
        if (event->span.offset_bytes != flow->received || event->span.stream != flow->number + 1) {
            fail_msg("flow %u: byte %llu was expected", flow->number, (unsigned long long)flow->received);
        }
        flow->received += event->span.length_bytes;
        flue_tcp_consumed(conn, event->span.length_bytes, event->at_ps);
        break;
    case FLUE_TCP_EV_ACKED:
        flow->acked += event->bytes;
        write_more(flow, event->at_ps);
        break;
    case FLUE_TCP_EV_OUTPUT:
        wait_for_output(flow);
        break;
    case FLUE_TCP_EV_TIMER:
        flue_tcp_timeout(conn, event->at_ps);
        break;
    case FLUE_TCP_EV_PEER_FIN:
    case FLUE_TCP_EV_FIN_ACKED:
    case FLUE_TCP_EV_URGENT:
        break;
    case FLUE_TCP_EV_CLOSED:
        fail_msg("flow %u: closed: %s", flow->number, flue_tcp_reason_name(event->reason));
        break;
    }
}

static void *take(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings,
                  int *refuse_silently)
{
    struct world_end *end = owner;

    (void)settings;
    (void)refuse_silently;
    return &end->flow[tuple->remote_port - FIRST_PORT];
}

void world_init(struct world *world, const struct world_config *config)
{
    static const struct flue_tcp_ops ops = {.output = output, .event = event, .accept = take};

    assert_in_range(config->flows, 1, WORLD_FLOWS_MAX);
    *world = (struct world){.config = *config};
    for (unsigned i = 0; i < 2; i++) {
        struct world_end *end = &world->end[i];
        struct flue_wire_facts facts = {
            .rate_bps = i == 0 ? config->rate_bps : (uint64_t)FLUE_PS_PER_S,
            .delay_ps = i == 0 ? config->rtt_ps / 2 : config->rtt_ps - config->rtt_ps / 2,
            .framing_bytes = WORLD_FRAMING_BYTES,
            .mtu_bytes = 65535,
            .queue_frames = i == 0 ? config->queue_frames : UINT32_MAX,
        };

        end->world = world;
        manual_env_init(&end->env, 1 + i);
        assert_int_equal(timers_init(&end->timers, &end->env.env), FLUE_OK);
        assert_int_equal(flue_tcp_new(&end->env.env, &end->timers, NULL, &config->params, &ops, end, 0, &end->stack),
                         FLUE_OK);
        assert_int_equal(link_init(&end->out, &end->env.env, &facts), FLUE_OK);
        for (uint32_t number = 0; number < config->flows; number++) {
            end->flow[number] = (struct world_flow){.world = world, .end = i, .number = number};
        }
    }
    assert_int_equal(flue_tcp_listen(world->end[1].stack, PORT), FLUE_OK);
}

static void open_next(struct world *world)
{
    struct world_end *end = &world->end[0];
    struct world_flow *flow = &end->flow[world->opened];
    struct flue_tcp_tuple tuple = {
        .local_ip = flue_ip_v4(0x0a000001),
        .remote_ip = flue_ip_v4(0x0a000002),
        .local_port = (uint16_t)(FIRST_PORT + world->opened),
        .remote_port = PORT,
    };

    world->opened++;
    assert_int_equal(flue_tcp_connect(end->stack, &tuple, NULL, flow, flow->number, world->now_ps, &flow->conn),
                     FLUE_OK);
}

static void transmit(struct world_end *end, flue_ps now_ps)
{
    while (end->first != NULL) {
        struct world_flow *flow = end->first;

        end->first = flow->next;
        flow->waits = false;
        if (flue_tcp_output(flow->conn, 4, now_ps) != 0) {
            wait_for_output(flow);
        }
    }
}

void world_write(struct world *world, uint64_t bytes)
{
    world->config.bytes_per_flow += bytes;
    for (uint32_t number = 0; number < world->opened; number++) {
        if (world->end[0].flow[number].connected) {
            write_more(&world->end[0].flow[number], world->now_ps);
        }
    }
    transmit(&world->end[0], world->now_ps);
}

static flue_ps next_opening(const struct world *world)
{
    return world->opened < world->config.flows ? world->opened * world->config.open_every_ps : FLUE_PS_NEVER;
}

void world_run(struct world *world, flue_ps until_ps)
{
    for (;;) {
        flue_ps at_ps = next_opening(world);
        unsigned source = 4;

        for (unsigned i = 0; i < 2; i++) {
            if (link_next_ps(&world->end[i].out) < at_ps) {
                at_ps = link_next_ps(&world->end[i].out);
                source = i;
            }
            if (timers_next(&world->end[i].timers) < at_ps) {
                at_ps = timers_next(&world->end[i].timers);
                source = 2 + i;
            }
        }
        if (at_ps > until_ps) {
            break;
        }
        if (at_ps > world->now_ps) {
            world->now_ps = at_ps;
            world->end[0].env.now_ps = at_ps;
            world->end[1].env.now_ps = at_ps;
        }
        if (source < 2) {
            struct world_end *to = &world->end[1 - source];
            const struct flue_frame *frame = link_pop(&world->end[source].out);

            flue_tcp_input(to->stack, flue_tcp_find(to->stack, frame), frame, world->now_ps, 1);
        } else if (source < 4) {
            timers_run(&world->end[source - 2].timers, world->now_ps);
        } else {
            open_next(world);
        }
        transmit(&world->end[0], world->now_ps);
        transmit(&world->end[1], world->now_ps);
        if (world->watch != NULL) {
            world->watch(world);
        }
    }
    if (until_ps > world->now_ps) {
        world->now_ps = until_ps;
        world->end[0].env.now_ps = until_ps;
        world->end[1].env.now_ps = until_ps;
    }
}

void world_dispose(struct world *world)
{
    for (unsigned i = 0; i < 2; i++) {
        struct world_end *end = &world->end[i];

        for (uint32_t number = 0; number < world->opened; number++) {
            if (end->flow[number].conn != NULL) {
                const char *broken = flue_tcp_check(end->flow[number].conn);

                if (broken != NULL) {
                    fail_msg("end %u, flow %u: %s", i, number, broken);
                }
            }
        }
        flue_tcp_free(end->stack);
        link_dispose(&end->out);
        timers_dispose(&end->timers);
        assert_true(manual_env_clean(&end->env));
    }
}

struct flue_tcp_info world_info(const struct world *world, unsigned flow)
{
    struct flue_tcp_info info;

    flue_tcp_info(world->end[0].flow[flow].conn, &info);
    return info;
}

uint64_t world_received(const struct world *world, unsigned flow)
{
    return world->end[1].flow[flow].received;
}

uint64_t world_received_all(const struct world *world)
{
    uint64_t bytes = 0;

    for (uint32_t flow = 0; flow < world->config.flows; flow++) {
        bytes += world_received(world, flow);
    }
    return bytes;
}
