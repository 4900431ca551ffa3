/* SPDX-License-Identifier: GPL-2.0-only */
/* Segments that no party of the simulation sends: forged ones, from an attacker who does not see the traffic (RFC 5961;
 * behaviour 15.4, 15.5); urgent ones, which no application here asks for (15.6); and repetitions in fragments, which no
 * router here makes (15.7).  They come to the server's port, and may be lost like any other frame. */
#include <stdio.h>
#include <string.h>

#include "flue/wire.h"
#include "run/build.h"
#include "run/choices.h"
#include "run/flow.h"
#include "run/moments.h"
#include "run/world_state.h"

/* The words of the event's choices, in their order. */
enum { KIND_RST, KIND_SYN, KIND_DATA };
enum { KNOWN_TUPLE, KNOWN_PORT };
enum { SEQ_BLIND, SEQ_WINDOW, SEQ_EXACT };

/* Places of the event's arguments. */
enum { ARG_KIND, ARG_RATE, ARG_COUNT, ARG_KNOWN, ARG_SEQ };

#define PORTS_FROM     1024u /* a client's port is one of these to who does not know it */
#define FORGED_BYTES   100u
#define FORGED_MSS     1460u
#define REPEATED_BYTES 100u
#define REPETITIONS    8u
#define CUT_AT         64u        /* bytes of the datagram in its first fragment, the TCP header included */
#define NO_STREAM      UINT32_MAX /* bytes that nobody sent: the audit finds each one that is delivered */

/* A bare segment from the client's end of a connection, as the server's port gets it.  The place of a flow says which
 * address and port are the client's; its identity does not, where connections come and go. */
static struct flue_frame segment_of(const struct world *world, const struct flow *flow)
{
    const struct flue_scenario *scenario = world->scenario;
    const struct flue_tcp_tuple tuple = world_tuple(world, (uint32_t)(flow - world->flows));
    const struct flue_wire *wire = world->net.wire(world->net.ctx, SERVER);
    struct flue_frame frame = {.src_ip = tuple.local_ip,
                               .dst_ip = tuple.remote_ip,
                               .src_port = tuple.local_port,
                               .dst_port = tuple.remote_port,
                               .window = UINT16_MAX,
                               .ttl = 64,
                               .ethertype = FLUE_ETHERTYPE_IPV4,
                               .kind = FLUE_FRAME_TCP};

    memcpy(frame.dst_mac, wire->facts.mac, sizeof(frame.dst_mac));
    if (scenario->topology != TOPOLOGY_LINK)
        frame.vlan = (uint16_t)scenario->vlan;
    return frame;
}

/* What the client's end of a connection knows; 0: it has gone. */
static int look(const struct flow *flow, struct flue_tcp_info *info)
{
    return flow->socket[CLIENT] != NULL && flue_host_socket_info(flow->socket[CLIENT], info) == FLUE_OK;
}

/* ---- Blind attacks ---- */

/* What the server's TCP expects next, wherever it runs; between two holders what the client knows of it. */
static uint32_t expected(const struct world *world, const struct flow *flow, const struct flue_tcp_info *client)
{
    const struct flue_tcp_tuple tuple = world_tuple(world, (uint32_t)(flow - world->flows));
    const struct flue_tcp_tuple seen = {.local_ip = tuple.remote_ip,
                                        .remote_ip = tuple.local_ip,
                                        .local_port = tuple.remote_port,
                                        .remote_port = tuple.local_port};
    struct flue_target *target;
    struct flue_tcp_info info;

    if (flow->socket[SERVER] != NULL && flue_host_socket_info(flow->socket[SERVER], &info) == FLUE_OK)
        return info.rcv_nxt;
    for (unsigned i = 0; (target = flue_node_target_at(world->node[SERVER], i)) != NULL; i++)
        if (flue_target_tcp_info(target, &seen, &info) == FLUE_OK)
            return info.rcv_nxt;
    return client->snd_una;
}

static uint32_t sequence(struct attack *attack, int64_t how, const struct world *world, const struct flow *flow)
{
    const uint32_t any = (uint32_t)rng_u64(&attack->rng);
    struct flue_tcp_info info;

    if (how == SEQ_BLIND || !look(flow, &info))
        return any;
    if (how == SEQ_EXACT)
        return expected(world, flow, &info);
    return info.snd_una + 1 + any % (info.snd_wnd > 2 ? info.snd_wnd - 2 : 1);
}

/* That timestamps are in use can be guessed; their values cannot (RFC 7323 3.2 drops what has none). */
static void stamp(struct attack *attack, const struct flue_scenario *scenario, struct flue_frame *frame)
{
    if (scenario->timestamps == CHOICE_YES) {
        frame->options |= FLUE_OPT_TIMESTAMP;
        frame->ts_val = (uint32_t)rng_u64(&attack->rng);
    }
}

/* One of those that are open at the server, each as likely as another; NULL: there is none.  Connections that stay are
 * all open. */
static struct flow *victim(struct attack *attack, struct world *world)
{
    uint64_t open = 0;

    if (!world_churns(world))
        return &world->flows[rng_below(&attack->rng, world->places)];
    for (uint32_t i = 0; i < world->places; i++)
        open += world->flows[i].socket[SERVER] != NULL;
    if (open == 0)
        return NULL;
    open = rng_below(&attack->rng, open);
    for (uint32_t i = 0; i < world->places; i++)
        if (world->flows[i].socket[SERVER] != NULL && open-- == 0)
            return &world->flows[i];
    return NULL;
}

static void forge(struct moment *moment, struct flow *flow)
{
    struct attack *attack = &moment->attack;
    struct world *world = moment->world;
    const int64_t *arg = moment->event.arg;
    struct flue_frame frame = segment_of(world, flow);

    if (arg[ARG_KNOWN] == KNOWN_PORT)
        frame.src_port = (uint16_t)(PORTS_FROM + rng_below(&attack->rng, UINT16_MAX + 1u - PORTS_FROM));
    frame.seq = sequence(attack, arg[ARG_SEQ], world, flow);
    if (arg[ARG_KIND] == KIND_RST) {
        frame.flags = FLUE_TCP_RST;
    } else if (arg[ARG_KIND] == KIND_SYN) {
        frame.flags = FLUE_TCP_SYN;
        frame.options = FLUE_OPT_MSS;
        frame.mss = FORGED_MSS;
        stamp(attack, world->scenario, &frame);
    } else {
        frame.flags = FLUE_TCP_ACK | FLUE_TCP_PSH;
        frame.ack = (uint32_t)rng_u64(&attack->rng);
        frame.payload = (struct flue_span){.stream = NO_STREAM, .length_bytes = FORGED_BYTES};
        stamp(attack, world->scenario, &frame);
    }
    if (arg[ARG_KIND] == KIND_SYN && flow->socket[SERVER] == NULL)
        return; /* it would open a connection that nobody here has asked for */
    flow->attacked = 1;
    world->forged++;
    flue_node_receive(world->node[SERVER], &frame);
}

static void on_attack(struct timer *timer, flue_ps now_ps)
{
    struct moment *moment = FLUE_CONTAINER_OF(timer, struct moment, attack.timer);
    struct world *world = moment->world;
    struct flow *flow;

    if (world->phase == PHASE_CLOSING)
        return; /* connections end one by one then, by whatever comes first */
    /* Of one that is half open the application hears nothing. */
    flow = world->phase == PHASE_OPENING ? NULL : victim(&moment->attack, world);
    if (flow == NULL) {
        timers_arm(world_timers(world, SERVER), timer, now_ps + POLL_PS);
        return;
    }
    if (--moment->attack.left > 0)
        timers_arm(world_timers(world, SERVER), timer, now_ps + FLUE_PS_PER_S / moment->event.arg[ARG_RATE]);
    forge(moment, flow);
}

int attack_begin(struct moment *moment, flue_ps now_ps)
{
    struct world *world = moment->world;
    char name[32];

    (void)snprintf(name, sizeof(name), "attack %d", (int)(moment - world->moment));
    rng_init(&moment->attack.rng, world_seed(world->scenario), name);
    moment->attack.left = moment->event.arg[ARG_COUNT];
    timer_setup(&moment->attack.timer, on_attack);
    timers_arm(world_timers(world, SERVER), &moment->attack.timer, now_ps);
    return 1;
}

/* ---- Urgent segments, and fragments ---- */

/* A segment with nothing in it, as the client's end would send it now. */
static int genuine(struct world *world, const struct flow *flow, struct flue_tcp_info *info, struct flue_frame *frame)
{
    if (!look(flow, info) || info->state != FLUE_TCP_ESTABLISHED)
        return 0;
    *frame = segment_of(world, flow);
    frame->seq = info->snd_una;
    frame->ack = info->rcv_nxt;
    frame->flags = FLUE_TCP_ACK;
    if (info->rcv_wnd >> info->rcv_wscale < UINT16_MAX)
        frame->window = (uint16_t)(info->rcv_wnd >> info->rcv_wscale);
    if (info->timestamps) {
        frame->options = FLUE_OPT_TIMESTAMP;
        frame->ts_val = (uint32_t)(world->net.now(world->net.ctx) / FLUE_PS_PER_MS);
    }
    return 1;
}

/* The client's end says that its next byte will be urgent; it sends none yet. */
int attack_urgent(struct world *world, const struct flow *flow)
{
    struct flue_tcp_info info;
    struct flue_frame frame;

    if (!genuine(world, flow, &info, &frame))
        return 0;
    frame.flags |= FLUE_TCP_URG;
    frame.urgent = 1;
    flue_node_receive(world->node[SERVER], &frame);
    return 1;
}

/* What the server has acknowledged already comes again, each time cut in two. */
int attack_fragments(struct world *world, const struct flow *flow)
{
    const uint32_t stream = 2 * flow->id;
    struct flue_tcp_info info;
    struct flue_frame frame;
    uint64_t acked;

    if (!genuine(world, flow, &info, &frame))
        return 0;
    acked = flow->accepted[CLIENT] - flue_host_socket_unacked_bytes(flow->socket[CLIENT]);
    if (acked < REPEATED_BYTES)
        return 0;
    frame.kind = FLUE_FRAME_FRAGMENT;
    frame.seq -= REPEATED_BYTES;
    for (unsigned i = 0; i < REPETITIONS; i++) {
        const uint32_t header = frame.options == 0 ? 20 : 32, first = CUT_AT - header;

        frame.ip_id = (uint16_t)(REPETITIONS * flow->id + i);
        frame.fragment = FLUE_FRAGMENT_MORE;
        frame.payload =
            (struct flue_span){.stream = stream, .offset_bytes = acked - REPEATED_BYTES, .length_bytes = first};
        flue_node_receive(world->node[SERVER], &frame);
        frame.fragment = CUT_AT;
        frame.payload.offset_bytes += first;
        frame.payload.length_bytes = REPEATED_BYTES - first;
        flue_node_receive(world->node[SERVER], &frame);
    }
    return 1;
}
