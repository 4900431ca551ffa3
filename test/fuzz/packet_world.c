/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/packet_world.c - a stack between peers that the fuzzer plays: packets in, and what is wrong with packets out. */
#include "fuzz/packet_world.h"

struct flue_ip fuzz_ip(bool v6, unsigned host)
{
    struct flue_ip ip = flue_ip_v4(UINT32_C(0x0a000000) + host);

    if (v6) {
        ip = (struct flue_ip){{UINT32_C(0x20010db8), 0, 0, host}};
    }
    return ip;
}

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static struct flow *flow_of(struct packet_world *world, const struct flue_frame *frame)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *flow = &world->flow[i];

        if (flow->remote_port == frame->dst_port && flue_ip_equal(&flow->remote_ip, &frame->dst_ip) &&
            flue_ip_equal(&flow->local_ip, &frame->src_ip)) {
            return flow;
        }
    }
    return NULL;
}

/* RFC 9293 3.8.6.2.2: the right edge does not move to the left, but for what scaling rounds off (RFC 7323 2.4). */
static void check_edge(struct flow *flow, const struct flue_frame *frame)
{
    unsigned scale = (frame->flags & FLUE_TCP_SYN) != 0 ? 0 : flow->wscale;
    uint32_t edge = frame->ack + ((uint32_t)frame->window << scale);

    if (flow->edge_known && before(edge + (UINT32_C(1) << flow->wscale) - 1, flow->edge)) {
        FUZZ_FAIL("the window shrinks: %u + (%u << %u) after a right edge of %u", frame->ack, frame->window, scale,
                  flow->edge);
    }
    if (!flow->edge_known || before(flow->edge, edge)) {
        flow->edge = edge;
    }
}

static void look_at_syn(struct flow *flow, const struct flue_frame *frame)
{
    bool fresh = !flow->iss_known || flow->iss != frame->seq || flow->local_port != frame->src_port;

    if (fresh) {
        flow->seen = false;
        flow->edge_known = false;
        flow->local_port = frame->src_port;
        flow->una = frame->seq;
        flow->end = frame->seq + 1;
    }
    flow->iss_known = true;
    flow->iss = frame->seq;
    if ((frame->flags & FLUE_TCP_ACK) != 0) {
        flow->wscale = (frame->options & FLUE_OPT_WSCALE) != 0 ? frame->wscale : 0;
        if (!flow->edge_known) {
            flow->edge = frame->ack + frame->window; /* a SYN's window is never scaled: it may say less than there is */
        }
        flow->edge_known = true;
    }
}

static void look_at(struct packet_world *world, const struct flue_frame *frame)
{
    struct flow *flow = flow_of(world, frame);
    uint32_t end = frame->seq + frame->payload.length_bytes + ((frame->flags & FLUE_TCP_FIN) != 0);

    if (flow == NULL) {
        return;
    }
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        FUZZ_REQUIRE(world->mute != flow || flow->local_port != frame->src_port);
        return;
    }
    if ((frame->flags & FLUE_TCP_SYN) != 0) {
        look_at_syn(flow, frame);
        end++;
    } else if (flow->local_port != frame->src_port) {
        return;
    }
    if ((frame->flags & FLUE_TCP_ACK) != 0) {
        if (flow->seen && before(frame->ack, flow->rcv)) {
            FUZZ_FAIL("RCV.NXT goes back: ACK %u after %u", frame->ack, flow->rcv);
        }
        if ((frame->flags & FLUE_TCP_SYN) == 0) {
            check_edge(flow, frame);
        }
        flow->rcv = frame->ack;
        flow->seen = true;
    }
    if (before(flow->end, end)) {
        flow->end = end;
    }
    flow->window = frame->window;
    if ((frame->options & FLUE_OPT_TIMESTAMP) != 0) {
        flow->ts_val = frame->ts_val;
    }
    if (flow->iss_known && frame->payload.length_bytes > 0 &&
        !fuzz_holds(frame->payload.memory, STREAM_OUT, frame->seq - flow->iss - 1, frame->payload.length_bytes)) {
        FUZZ_FAIL("%u bytes at %u of the stream are not what was sent", frame->payload.length_bytes,
                  frame->seq - flow->iss - 1);
    }
}

static void output(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct packet_world *world = ctx;
    struct flue_frame frame;

    world->outputs++;
    if (frame_decode(packet, bytes, &frame, true) != FLUE_OK) {
        FUZZ_FAIL("a packet of %zu bytes left that is none", bytes);
    }
    fuzz_tell("  < port %u to %u, seq %u ack %u flags %02x window %u, %u bytes", frame.src_port, frame.dst_port,
              frame.seq, frame.ack, frame.flags, frame.window, frame.payload.length_bytes);
    if (bytes <= KEPT) {
        memcpy(world->last_out, packet, bytes);
        world->last_out_bytes = bytes;
    }
    look_at(world, &frame);
}

static void event(void *ctx, const struct flue_stack_event *event)
{
    struct packet_world *world = ctx;

    FUZZ_REQUIRE(event->socket >= 0 && world->stack != NULL);
    fuzz_tell("  event %d: socket %d, poll %x, %s, %s", (int)event->kind, event->socket, event->poll,
              flue_tcp_state_name(event->state), flue_tcp_reason_name(event->reason));
}

static uint32_t random32(void *ctx)
{
    struct packet_world *world = ctx;

    return fuzz_random(&world->random);
}

static void *allocate(void *ctx, size_t bytes)
{
    struct packet_world *world = ctx;

    return fuzz_allocate(&world->heap, bytes);
}

static void release(void *ctx, void *memory, size_t bytes)
{
    struct packet_world *world = ctx;

    fuzz_release(&world->heap, memory, bytes);
}

static void open_flows(struct packet_world *world, struct input *input)
{
    uint32_t isn = input_u8(input) < 128 ? UINT32_C(0xfffffff0) : UINT32_C(1000);

    for (unsigned i = 0; i < FLOWS; i++) {
        bool active = i >= 6;
        bool v6 = i == 4 || i == 5 || i >= 8;

        world->flow[i] = (struct flow){.local_ip = fuzz_ip(v6, 1),
                                       .remote_ip = fuzz_ip(v6, 2),
                                       .local_port = active ? 0 : PORT,
                                       .remote_port = (uint16_t)((active ? 2000 : 1000) + i),
                                       .next_isn = isn,
                                       .own_ts = isn};
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        world->slot[i].s = -1;
    }
}

void world_open(struct packet_world *world, struct input *input)
{
    struct flue_stack_callbacks callbacks = {
        .ctx = world, .output = output, .event = event, .random32 = random32, .allocate = allocate, .release = release};
    struct flue_stack_config config;
    unsigned bits;
    flue_ps from_ps;

    flue_stack_defaults(&config);
    config.addresses[0] = fuzz_ip(false, 1);
    config.addresses[1] = fuzz_ip(true, 1);
    config.address_count = 2;
    fuzz_choose_config(input, &config);
    bits = input_u8(input);
    config.answer_rst = (bits & 1) == 0;
    config.sockets = (bits & 2) != 0 ? 3 : 64;
    config.tcp.challenge_acks = (bits & 4) != 0 ? 2 : 1000;
    config.tcp.user_timeout_ps = (bits & 8) != 0 ? 3 * FLUE_PS_PER_S : 0;
    config.verify_checksums = (bits & 16) == 0;
    /* Near the moment at which the millisecond clock wraps, or at the beginning. */
    from_ps = (bits & 32) != 0 ? (flue_ps)UINT32_MAX * FLUE_PS_PER_MS - FLUE_PS_PER_S : 0;
    world->random = (uint32_t)bits << 8 | 1;
    open_flows(world, input);
    if ((bits & 64) != 0) {
        world->heap.good = input_u8(input) & 31;
        world->heap.bad = 1;
    }
    if (flue_stack_new(&config, &callbacks, from_ps, &world->stack) != FLUE_STACK_OK) {
        FUZZ_REQUIRE(world->stack == NULL && world->heap.fails > 0 && world->heap.live_blocks == 0);
        FUZZ_REQUIRE(flue_stack_new(&config, &callbacks, from_ps, &world->stack) == FLUE_STACK_OK);
    }
    world_call(world, 0, &(struct input){.bytes = NULL}); /* the listener */
}

void world_check(struct packet_world *world)
{
    fuzz_check(world->stack);
    if (flue_stack_deadline(world->stack) < flue_stack_now(world->stack)) {
        FUZZ_FAIL("the next deadline has passed by %lld ps",
                  (long long)(flue_stack_now(world->stack) - flue_stack_deadline(world->stack)));
    }
}

void world_advance(struct packet_world *world, flue_ps now_ps)
{
    flue_stack_advance(world->stack, now_ps);
    if (flue_stack_deadline(world->stack) <= now_ps) {
        FUZZ_FAIL("a deadline at %lld is left behind an advance to %lld", (long long)flue_stack_deadline(world->stack),
                  (long long)now_ps);
    }
}

static void close_sockets(struct packet_world *world)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (world->slot[i].s >= 0) {
            int result = flue_socket_close(world->stack, world->slot[i].s);

            if (result != FLUE_STACK_OK) {
                FUZZ_FAIL("flue_socket_close: %d", result);
            }
            world_check(world);
        }
    }
}

void world_close(struct packet_world *world)
{
    struct flue_tcp_totals totals;
    flue_ps patience_ps = flue_stack_now(world->stack) + 24 * 3600 * FLUE_PS_PER_S;
    unsigned steps = 0;

    world->heap.good = 0;
    world->heap.bad = 0;
    close_sockets(world);
    while (flue_stack_deadline(world->stack) <= patience_ps && steps < 20000) {
        world_advance(world, flue_stack_deadline(world->stack));
        steps++;
    }
    world_check(world);
    flue_stack_totals(world->stack, &totals);
    if (totals.connections != 0 || totals.pool_objects_live != 0) {
        FUZZ_FAIL("%llu connections and %llu objects are left a day after all was closed, %u steps",
                  (unsigned long long)totals.connections, (unsigned long long)totals.pool_objects_live, steps);
    }
    flue_stack_free(world->stack);
    if (world->heap.live_blocks != 0) {
        FUZZ_FAIL("%llu blocks of memory are left", (unsigned long long)world->heap.live_blocks);
    }
}

void world_input(struct packet_world *world, const uint8_t *packet, size_t bytes)
{
    int result;

    if (bytes <= KEPT && packet != world->last_in) {
        memcpy(world->last_in, packet, bytes);
        world->last_in_bytes = bytes;
    }
    result = flue_stack_input(world->stack, packet, bytes, flue_stack_now(world->stack));
    FUZZ_REQUIRE(result == FLUE_STACK_OK || result == FLUE_STACK_EPROTO || result == FLUE_STACK_EADDRNOTAVAIL ||
                 result == FLUE_STACK_EPROTONOSUPPORT);
}

struct flue_frame world_frame(const struct flow *flow)
{
    return (struct flue_frame){.src_ip = flow->remote_ip,
                               .dst_ip = flow->local_ip,
                               .src_port = flow->remote_port,
                               .dst_port = flow->local_port,
                               .ttl = 64,
                               .ethertype = flue_ip_is_v4(&flow->local_ip) ? FLUE_ETHERTYPE_IPV4 : FLUE_ETHERTYPE_IPV6};
}

size_t world_encode(const struct flow *flow, struct flue_frame *frame, uint32_t bytes, uint8_t *out, size_t room)
{
    static uint8_t payload[65536];
    size_t headers;

    (void)flow;
    fuzz_fill(payload, STREAM_IN, frame->seq + ((frame->flags & FLUE_TCP_SYN) != 0), bytes);
    frame->payload = (struct flue_span){.memory = payload, .length_bytes = bytes};
    headers = frame_encode(frame, out, room, true);
    if (headers == 0 || headers + bytes > room) {
        return 0;
    }
    (void)frame_encode_payload(frame, out + headers, room - headers);
    return headers + bytes;
}

void world_segment(struct packet_world *world, struct flow *flow, struct flue_frame *frame, uint32_t bytes)
{
    static uint8_t packet[FRAME_MAX_PACKET_BYTES];
    size_t length = world_encode(flow, frame, bytes, packet, sizeof packet);

    if (length == 0) {
        return; /* longer than a packet can be */
    }
    fuzz_tell("  > port %u to %u, seq %u ack %u flags %02x window %u, %u bytes, options %02x", frame->src_port,
              frame->dst_port, frame->seq, frame->ack, frame->flags, frame->window, bytes, frame->options);
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        world->mute = flow; /* RFC 9293 3.5.2: a reset is never sent for a reset */
    }
    world_input(world, packet, length);
    world->mute = NULL;
}

struct slot *world_take(struct packet_world *world, int s)
{
    FUZZ_REQUIRE(s >= 0);
    for (unsigned i = 0; i < SLOTS; i++) {
        FUZZ_REQUIRE(world->slot[i].s != s);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        if (world->slot[i].s < 0) {
            world->slot[i] = (struct slot){.s = s, .reading = true};
            return &world->slot[i];
        }
    }
    FUZZ_REQUIRE(flue_socket_abort(world->stack, s) == FLUE_STACK_OK);
    return NULL;
}
