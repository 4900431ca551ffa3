/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/pair.c - target pair: two stacks, and bytes that say for each packet what the network does to it: loses it,
 * doubles it, delays it, marks it, finds it too big, damages it, changes it or forges one beside it; and when a stack
 * runs out of memory or a connection is moved.
 *
 * As long as nothing was changed or forged both ends must read exactly what the other sent, and finish. */
#include "frame/icmp.h"
#include "fuzz/ends.h"

struct network {
    struct input *input;
    unsigned losses_left;
    uint32_t mtu_bytes[2]; /* on the way from an end; 0: any size goes */
    unsigned move[2];      /* of an end, as soon as it is not at work */
    bool may_modify;
};

enum { MOVE_NOT, MOVE_IMAGE, MOVE_NEW_STACK, MOVE_CHIMNEY };

static flue_ps some_delay(struct input *input)
{
    static const flue_ps delays_ps[8] = {0,
                                         FLUE_PS_PER_MS,
                                         11 * FLUE_PS_PER_MS,
                                         25 * FLUE_PS_PER_MS,
                                         100 * FLUE_PS_PER_MS,
                                         300 * FLUE_PS_PER_MS,
                                         FLUE_PS_PER_S,
                                         5 * FLUE_PS_PER_S};

    return ENDS_DELAY_PS + delays_ps[input_u8(input) & 7];
}

/* A router has a smaller link ahead (RFC 1191, RFC 8201). */
static bool too_big(struct ends *ends, unsigned from, size_t bytes, const struct flue_frame *frame)
{
    const struct network *network = ends->ctx;
    struct frame_icmp icmp = {.kind = FRAME_ICMP_TOO_BIG, .mtu_bytes = network->mtu_bytes[from]};
    uint8_t packet[FRAME_ICMP_MAX_BYTES];
    size_t length;

    if (network->mtu_bytes[from] == 0 || bytes <= network->mtu_bytes[from]) {
        return false;
    }
    icmp.from_ip = flue_ip_v4(UINT32_C(0x0a0000fe));
    if (frame->ethertype == FLUE_ETHERTYPE_IPV6) {
        icmp.from_ip = (struct flue_ip){{UINT32_C(0x20010db8), 0, 0, 254}};
    }
    length = frame_icmp_encode(&icmp, frame, packet, sizeof packet);
    FUZZ_REQUIRE(length > 0);
    ends_carry(ends, from, packet, length, ENDS_DELAY_PS / 2);
    return true;
}

static void set_mtu(struct ends *ends, unsigned from, bool v6)
{
    static const uint32_t sizes[4] = {576, 1006, 1280, 1400};
    struct network *network = ends->ctx;
    uint32_t size = sizes[input_u8(network->input) & 3];

    if (ends->end[from].config.tcp.path_mtu_discovery != 0) {
        network->mtu_bytes[from] = v6 && size < 1280 ? 1280 : size;
    }
}

/* RFC 3168 5: a router marks instead of dropping. */
static void mark(uint8_t *packet, size_t bytes)
{
    if (packet[0] >> 4 == 4 && (packet[1] & 3) != 0) {
        packet[1] |= 3;
    } else if (packet[0] >> 4 == 6 && (packet[1] >> 4 & 3) != 0) {
        packet[1] |= 0x30;
    }
    fuzz_mend_checksums(packet, bytes);
}

/* One byte becomes another one.  Without mended checksums the receiver must find that out: it is a loss. */
static void damage(struct ends *ends, unsigned from, uint8_t *packet, size_t bytes, bool mend)
{
    struct network *network = ends->ctx;
    size_t at = input_u8(network->input);
    uint8_t by = input_u8(network->input);

    at = at < 250 ? at % (bytes < 100 ? bytes : 100) : bytes - 1;
    if (packet[0] >> 4 == 6 && at < 2) {
        at = 30; /* version and traffic class of IPv6 are in no checksum */
    }
    if (!mend) {
        by = by == 0 ? 1 : by;
        if (network->losses_left == 0) {
            by = 0;
        } else {
            network->losses_left--;
        }
        packet[at] ^= by;
    } else if (network->may_modify) {
        packet[at] = by;
        fuzz_mend_checksums(packet, bytes);
        ends->modified = true;
    }
    ends_carry(ends, 1 - from, packet, bytes, ENDS_DELAY_PS);
}

/* A segment of somebody who sees the connection and wishes it ill. */
static void forge(struct ends *ends, unsigned from, const struct flue_frame *seen)
{
    struct network *network = ends->ctx;
    struct input *input = network->input;
    uint8_t packet[FRAME_MAX_HEADER_BYTES + 64];
    struct flue_frame frame = *seen;
    unsigned bits = input_u8(input);
    size_t headers;

    if (!network->may_modify) {
        return;
    }
    ends->modified = true;
    frame.flags = input_u8(input);
    frame.seq += (uint32_t)(int8_t)input_u8(input) * ((bits & 1) != 0 ? 1460u : 1u);
    frame.ack += (uint32_t)(int8_t)input_u8(input) * ((bits & 2) != 0 ? 1460u : 1u);
    frame.window = (bits & 4) != 0 ? input_u16(input) : frame.window;
    frame.options &= (bits & 8) != 0 ? 0 : 0xff;
    frame.ts_val += (bits & 16) != 0 ? input_u32(input) : 0;
    frame.ts_ecr += (bits & 32) != 0 ? input_u32(input) : 0;
    frame.payload.length_bytes = (bits & 64) != 0 && seen->payload.length_bytes > 0 ? 1 : 0;
    headers = frame_encode(&frame, packet, sizeof packet, true);
    FUZZ_REQUIRE(headers > 0);
    (void)frame_encode_payload(&frame, packet + headers, sizeof packet - headers);
    ends_carry(ends, 1 - from, packet, headers + frame.payload.length_bytes, some_delay(input));
}

static void middle(struct ends *ends, unsigned from, const uint8_t *packet, size_t bytes,
                   const struct flue_frame *frame)
{
    static uint8_t copy[FRAME_MAX_PACKET_BYTES];
    struct network *network = ends->ctx;
    struct input *input = network->input;
    unsigned op = input_u8(input);
    bool lost = too_big(ends, from, bytes, frame);

    memcpy(copy, packet, bytes);
    if (op >= 248) {
        forge(ends, from, frame);
    } else if (op >= 240) {
        if (!lost) {
            damage(ends, from, copy, bytes, true);
        }
        return;
    } else if (op >= 232) {
        if (!lost) {
            damage(ends, from, copy, bytes, false);
        }
        return;
    } else if (op >= 226) {
        network->move[op & 1] = 1 + input_below(input, 3);
    } else if (op >= 220 && ends->both_open) {
        ends->end[op & 1].heap.good = input_u8(input) & 15;
        ends->end[op & 1].heap.bad = 1 + (input_u8(input) & 3);
    } else if (op >= 216 && op < 220) {
        set_mtu(ends, from, frame->ethertype == FLUE_ETHERTYPE_IPV6);
    } else if (op >= 208 && op < 216) {
        mark(copy, bytes);
    } else if (op >= 176 && op < 208) {
        if (!lost) {
            ends_carry(ends, 1 - from, packet, bytes, some_delay(input));
        }
        return;
    } else if (op >= 160 && op < 176 && !lost) {
        ends_carry(ends, 1 - from, packet, bytes, some_delay(input));
    } else if (op >= 128 && op < 160 && network->losses_left > 0) {
        fuzz_tell("  lost");
        network->losses_left--;
        return;
    }
    if (!lost) {
        ends_carry(ends, 1 - from, copy, bytes, ENDS_DELAY_PS);
    }
}

static void move(struct ends *ends, struct network *network)
{
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &ends->end[i];
        unsigned how = network->move[i];

        if (how == MOVE_NOT || end->s < 0) {
            continue;
        }
        network->move[i] = MOVE_NOT;
        if (how == MOVE_CHIMNEY) {
            ends_move_by_chimney(end);
        } else {
            ends_move_by_image(end, how == MOVE_NEW_STACK);
        }
        fuzz_check(end->stack);
    }
}

static void choose(struct ends *ends, struct input *input)
{
    static const uint32_t amounts[8] = {0, 1, 100, 3000, 20000, 70000, 1460, 14600};
    static const uint32_t reads[4] = {65536, 1000, 100, 1};
    static const flue_ps periods_ps[4] = {0, 1, 50, 900};
    unsigned how_much = input_u8(input);

    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &ends->end[i];
        unsigned reading = input_u8(input);

        flue_stack_defaults(&end->config);
        fuzz_choose_config(input, &end->config);
        /* Patience: what the network does may take long, but it is never the end. */
        end->config.tcp.max_retransmits = 255;
        end->config.tcp.max_syn_retransmits = 255;
        end->config.tcp.keep_count = 255;
        end->config.tcp.rto_max_ps = 5 * FLUE_PS_PER_S;
        end->config.tcp.fin_wait_2_ps = 2 * 24 * 3600 * FLUE_PS_PER_S;
        end->config.tcp.time_wait_ps = 2 * 24 * 3600 * FLUE_PS_PER_S;
        end->random = (uint32_t)reading + 1;
        end->to_send = amounts[how_much >> 3 * i & 7];
        end->read_bytes = reads[reading & 3];
        end->read_every_ps = periods_ps[reading >> 2 & 3] * FLUE_PS_PER_MS;
        if ((reading & 16) != 0) {
            end->read_next_ps = 3 * FLUE_PS_PER_S; /* at first it sleeps */
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &ends->end[i];
        const struct end *peer = &ends->end[1 - i];

        /* A byte at a time takes long enough. */
        if (end->to_send > 2000 && (end->config.snd_buffer_bytes < 1000 || peer->config.tcp.rcv_buffer_bytes < 1000 ||
                                    peer->read_bytes * 20 < end->to_send)) {
            end->to_send = 300;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ends ends;
    struct input input = {.bytes = data, .left = size};
    struct network network = {.input = &input, .losses_left = 200};
    unsigned mode = input_u8(&input);
    unsigned steps = 0;

    ends.packets = 0;
    ends.order = 0;
    ends.now_ps = (mode & 8) != 0 ? (flue_ps)UINT32_MAX * FLUE_PS_PER_MS - FLUE_PS_PER_S : 0;
    ends.modified = ends.both_open = false;
    ends.end[0] = ends.end[1] = (struct end){.number = 0};
    ends.middle = middle;
    ends.ctx = &network;
    network.may_modify = (mode & 4) != 0;
    choose(&ends, &input);
    for (unsigned i = 0; i < 2; i++) {
        ends.end[i].read_next_ps += ends.now_ps;
    }
    ends_open(&ends, (mode & 1) != 0, (mode & 2) != 0);
    while (!ends_finished(&ends) && ends_step(&ends, FLUE_PS_NEVER - 1)) {
        move(&ends, &network);
        if (++steps > 60000) {
            if (ends.modified) {
                break;
            }
            FUZZ_FAIL("not finished after %u steps, at %lld s; %u of %u and %u of %u bytes have come", steps,
                      (long long)(ends.now_ps / FLUE_PS_PER_S), ends.end[1].received, ends.end[0].to_send,
                      ends.end[0].received, ends.end[1].to_send);
        }
    }
    if (!ends.modified && !ends_finished(&ends)) {
        FUZZ_FAIL("nothing happens any more at %lld s, and neither end is finished",
                  (long long)(ends.now_ps / FLUE_PS_PER_S));
    }
    ends_close(&ends);
    return 0;
}
