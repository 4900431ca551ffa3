/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/packet.c - target packet: the bytes are a program whose steps are segments near the window, malformed packets,
 * ICMP errors, the passing of time, calls of a user and allocations that fail, against one stack.
 *
 * After each step every invariant of the stack must hold; nothing wrong may leave it; what is read must be what was
 * sent; in the end all connections die and no memory is left. */
#include "fuzz/packet_world.h"
#include "frame/icmp.h"

static struct flow *choose_flow(struct packet_world *world, struct input *input)
{
    return &world->flow[input_below(input, FLOWS)];
}

static uint32_t some_length(struct input *input)
{
    static const uint32_t lengths[16] = {0, 0, 0, 1, 1, 2, 10, 88, 536, 1448, 1460, 1461, 4000, 9000, 65495, 20};

    return lengths[input_u8(input) & 15];
}

/* A number near those that matter to the receiver's window. */
static uint32_t some_seq(const struct flow *flow, uint32_t length, struct input *input)
{
    unsigned choice = input_u8(input);
    uint32_t rcv = flow->rcv;

    switch (choice & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        return rcv;
    case 4:
        return rcv - 1;
    case 5:
        return rcv + 1;
    case 6:
        return flow->edge;
    case 7:
        return flow->edge - 1;
    case 8:
        return flow->edge - length;
    case 9:
        return rcv - length;
    case 10:
        return rcv + length;
    case 11:
        return rcv - length / 2;
    case 12:
        return rcv + input_u8(input);
    case 13:
        return rcv + UINT32_C(0x80000000);
    case 14:
        return rcv + (uint32_t)input_u16(input);
    default:
        return input_u32(input);
    }
}

static uint32_t some_ack(const struct flow *flow, struct input *input)
{
    unsigned choice = input_u8(input);

    switch (choice & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return flow->end;
    case 5:
    case 6:
        return flow->una;
    case 7:
        return flow->una + 1;
    case 8:
        return flow->una - 1;
    case 9:
        return flow->end + 1;
    case 10:
        return flow->una + (flow->end - flow->una) / 2;
    case 11:
        return flow->una + 1460;
    case 12:
        return flow->iss;
    case 13:
        return flow->una + UINT32_C(0x80000000);
    case 14:
        return flow->una + input_u8(input);
    default:
        return input_u32(input);
    }
}

static void some_options(struct flow *flow, struct flue_frame *frame, struct input *input)
{
    unsigned choice = input_u8(input);

    if ((choice & 1) == 0) {
        unsigned clock = input_u8(input);

        frame->options |= FLUE_OPT_TIMESTAMP;
        flow->own_ts += clock & 3;
        frame->ts_val = (clock & 4) == 0 ? flow->own_ts : flow->own_ts - (clock & 8 ? UINT32_C(0x80000000) : 1);
        frame->ts_ecr = (clock & 16) == 0 ? flow->ts_val : flow->ts_val + (clock >> 5);
    }
    if ((choice & 6) == 6) {
        frame->options |= FLUE_OPT_SACK;
        frame->sack_count = (uint8_t)(1 + (choice >> 3 & 3));
        for (unsigned i = 0; i < frame->sack_count; i++) {
            unsigned from = input_u8(input);
            unsigned length = input_u8(input);
            uint32_t at = (from & 1) != 0 ? flow->una + (from >> 1) * 181 : flow->end - (from >> 1) * 181;

            frame->sack[i] = (struct flue_sack_block){.from = at, .to = at + length * 181};
        }
    }
    if ((frame->flags & FLUE_TCP_SYN) != 0 || (choice & 0xe0) == 0xe0) {
        static const uint16_t sizes[4] = {1460, 536, 0, 65535};
        unsigned syn = input_u8(input);

        frame->options |= (uint8_t)((syn & 7) == 7 ? 0 : FLUE_OPT_MSS | FLUE_OPT_WSCALE | FLUE_OPT_SACK_OK);
        frame->mss = sizes[syn >> 3 & 3];
        frame->wscale = (uint8_t)((syn & 32) != 0 ? 255 : (syn & 64) != 0 ? 14 : 2);
    }
}

static uint16_t some_window(struct input *input)
{
    static const uint16_t windows[8] = {65535, 65535, 0, 1, 1460, 500, 20000, 0};
    unsigned choice = input_u8(input);

    return (choice & 15) < 8 ? windows[choice & 7] : (uint16_t)(choice << 8 | choice);
}

static void step_segment(struct packet_world *world, struct input *input, bool mutate)
{
    static const uint8_t usual[8] = {FLUE_TCP_ACK,
                                     FLUE_TCP_ACK | FLUE_TCP_PSH,
                                     FLUE_TCP_SYN,
                                     FLUE_TCP_SYN | FLUE_TCP_ACK,
                                     FLUE_TCP_ACK | FLUE_TCP_FIN,
                                     FLUE_TCP_RST,
                                     FLUE_TCP_RST | FLUE_TCP_ACK,
                                     FLUE_TCP_ACK | FLUE_TCP_URG};
    static uint8_t packet[FRAME_MAX_PACKET_BYTES];
    struct flow *flow = choose_flow(world, input);
    struct flue_frame frame = world_frame(flow);
    unsigned flags = input_u8(input);
    uint32_t length = some_length(input);
    size_t bytes;

    frame.flags = (flags & 128) != 0 ? usual[flags & 7] : (uint8_t)(flags | FLUE_TCP_ACK);
    if ((flags & 0xc0) == 0xc0) {
        frame.flags |= input_u8(input);
    }
    frame.seq = some_seq(flow, length, input);
    frame.ack = some_ack(flow, input);
    some_options(flow, &frame, input);
    frame.window = some_window(input);
    if ((frame.flags & FLUE_TCP_URG) != 0) {
        frame.urgent = (uint16_t)(input_u8(input) * 7);
    }
    if ((frame.flags & (FLUE_TCP_ECE | FLUE_TCP_CWR)) != 0) {
        frame.tos = FLUE_ECN_CE;
    }
    if (!mutate) {
        world_segment(world, flow, &frame, length);
        return;
    }
    bytes = world_encode(flow, &frame, length, packet, sizeof packet);
    if (bytes == 0) {
        return;
    }
    world->forged = true;
    for (unsigned i = input_u8(input) & 3; i < 4; i++) {
        unsigned at = input_u8(input) % (bytes < 120 ? (unsigned)bytes : 120);

        packet[at] = input_u8(input);
    }
    fuzz_mend_checksums(packet, bytes);
    world_input(world, packet, bytes - (input_u8(input) & 1));
}

/* What a well-behaved peer would send now: SYN, or an ACK of all, and data if the byte says so. */
static void step_polite(struct packet_world *world, struct input *input)
{
    struct flow *flow = choose_flow(world, input);
    unsigned choice = input_u8(input);
    struct flue_frame frame = world_frame(flow);
    uint32_t length = (choice & 3) == 3 ? 1448 : choice & 3;

    frame.window = 65535;
    frame.options = FLUE_OPT_TIMESTAMP;
    frame.ts_val = ++flow->own_ts;
    frame.ts_ecr = flow->ts_val;
    if (!flow->seen || (choice & 0xf0) == 0xf0) {
        frame.flags = flow->local_port == PORT ? FLUE_TCP_SYN : FLUE_TCP_SYN | FLUE_TCP_ACK;
        frame.flags |= (uint8_t)((choice & 4) != 0 ? FLUE_TCP_ECE | FLUE_TCP_CWR : 0);
        frame.seq = flow->next_isn;
        frame.ack = flow->local_port == PORT ? 0 : flow->end;
        frame.options |= FLUE_OPT_MSS | FLUE_OPT_WSCALE | FLUE_OPT_SACK_OK;
        frame.mss = 1460;
        frame.wscale = 7;
        length = (choice & 8) != 0 ? length : 0;
        flow->next_isn += 100000;
    } else {
        frame.flags = (uint8_t)(FLUE_TCP_ACK | ((choice & 4) != 0 ? FLUE_TCP_FIN : 0));
        frame.seq = flow->rcv;
        frame.ack = flow->end;
        flow->una = flow->end;
    }
    world_segment(world, flow, &frame, length);
}

/* SYN, the SYN-ACK that must come, ACK. */
static void step_handshake(struct packet_world *world, struct input *input)
{
    struct flow *flow = choose_flow(world, input);
    struct flue_frame frame = world_frame(flow);
    unsigned choice = input_u8(input);

    frame.flags = FLUE_TCP_SYN;
    if (flow->local_port != PORT) {
        frame.flags |= FLUE_TCP_ACK;
        frame.ack = flow->end;
    }
    frame.seq = flow->next_isn;
    frame.window = 65535;
    if ((choice & 1) == 0) {
        frame.options = FLUE_OPT_MSS | FLUE_OPT_WSCALE | FLUE_OPT_SACK_OK | FLUE_OPT_TIMESTAMP;
        frame.mss = 1460;
        frame.wscale = 7;
        frame.ts_val = flow->own_ts;
        frame.ts_ecr = flow->ts_val;
    }
    flow->next_isn += 100000;
    world_segment(world, flow, &frame, 0);
    frame.flags = FLUE_TCP_ACK;
    frame.seq++;
    frame.ack = flow->end;
    flow->una = flow->end;
    frame.options &= FLUE_OPT_TIMESTAMP;
    frame.ts_ecr = flow->ts_val;
    if (flow->local_port == PORT) {
        world_segment(world, flow, &frame, 0);
        world_call(world, 2, input); /* accept */
    }
}

static void step_time(struct packet_world *world, struct input *input)
{
    static const flue_ps steps_ps[8] = {FLUE_PS_PER_MS,    10 * FLUE_PS_PER_MS, 200 * FLUE_PS_PER_MS, FLUE_PS_PER_S,
                                        5 * FLUE_PS_PER_S, 60 * FLUE_PS_PER_S,  3600 * FLUE_PS_PER_S, 0};
    unsigned choice = input_u8(input);
    flue_ps now_ps = flue_stack_now(world->stack);

    if ((choice & 8) == 0) {
        flue_ps next_ps = flue_stack_deadline(world->stack);

        now_ps = next_ps == FLUE_PS_NEVER ? now_ps : next_ps;
    } else {
        now_ps += steps_ps[choice & 7];
    }
    world_advance(world, now_ps);
}

/* Bytes as they are, or with right checksums and addresses. */
static void step_raw(struct packet_world *world, struct input *input)
{
    uint8_t packet[256] = {0};
    unsigned choice = input_u8(input);
    size_t length;
    const uint8_t *bytes = input_take(input, choice & 127, &length);

    if (length > 0) {
        memcpy(packet, bytes, length);
    }
    world->forged = true;
    if ((choice & 128) != 0) {
        fuzz_mend_checksums(packet, length);
    }
    world_input(world, packet, length);
}

static void step_icmp(struct packet_world *world, struct input *input)
{
    static const uint32_t sizes[8] = {0, 68, 296, 576, 1280, 1400, 1500, 70000};
    uint8_t packet[FRAME_ICMP_MAX_BYTES];
    struct flow *flow = choose_flow(world, input);
    unsigned choice = input_u8(input);
    struct flue_frame about = world_frame(flow);
    struct frame_icmp icmp = {.from_ip = fuzz_ip(!flue_ip_is_v4(&flow->local_ip), 9),
                              .mtu_bytes = sizes[choice & 7],
                              .kind = (enum frame_icmp_kind)((choice >> 3) % 5)};
    size_t bytes;

    about.src_ip = flow->local_ip;
    about.dst_ip = flow->remote_ip;
    about.src_port = flow->local_port;
    about.dst_port = flow->remote_port;
    about.flags = FLUE_TCP_ACK;
    about.seq = some_ack(flow, input);
    bytes = frame_icmp_encode(&icmp, &about, packet, sizeof packet);
    if (bytes > 0) {
        if ((choice & 192) == 192) {
            packet[input_u8(input) % bytes] = input_u8(input);
            fuzz_mend_checksums(packet, bytes);
        }
        world_input(world, packet, bytes);
    }
}

/* Its own last packet back to the stack, with both names as they are (a connection with itself) or turned round. */
static void step_echo(struct packet_world *world, struct input *input)
{
    uint8_t *packet = world->last_out;
    size_t bytes = world->last_out_bytes;
    struct flue_frame frame;

    if ((input_u8(input) & 1) == 0) {
        world_input(world, world->last_in, world->last_in_bytes); /* and an old one again */
        return;
    }
    if (bytes == 0 || frame_decode(packet, bytes, &frame, true) != FLUE_OK) {
        return;
    }
    world->forged = true; /* it has the other stream's bytes */
    world_input(world, packet, bytes);
}

static void step(struct packet_world *world, struct input *input)
{
    unsigned op = input_u8(input);

    fuzz_tell("step %u at %lld ps", op % 32, (long long)flue_stack_now(world->stack));
    switch (op % 32) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        step_segment(world, input, false);
        break;
    case 5:
        step_segment(world, input, true);
        break;
    case 6:
    case 7:
    case 8:
        step_polite(world, input);
        break;
    case 9:
    case 10:
        step_handshake(world, input);
        break;
    case 11:
    case 12:
    case 13:
        step_time(world, input);
        break;
    case 14:
        step_raw(world, input);
        break;
    case 15:
        step_icmp(world, input);
        break;
    case 16:
        step_echo(world, input);
        break;
    case 17:
        world->heap.good = input_u8(input) & 15;
        world->heap.bad = 1 + (input_u8(input) & 7);
        break;
    default:
        world_call(world, op % 32 - 18, input);
        break;
    }
    world_check(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct packet_world world;
    struct input input = {.bytes = data, .left = size};

    world = (struct packet_world){.random = 1};
    world_open(&world, &input);
    for (unsigned steps = 0; input_any(&input) && steps < 300; steps++) {
        step(&world, &input);
    }
    world_close(&world);
    return 0;
}
