/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/frame.c - target frame: bytes as an IP packet with TCP or ICMP, as an Ethernet frame, and as the fields of a
 * frame.  What can be read can be written, and reading that gives the same. */
#include "base/span.h"
#include "frame/frame.h"
#include "frame/icmp.h"
#include "fuzz/fuzz.h"

/* All fields that stand in a packet.  Of the options, those that are there. */
static bool same(const struct flue_frame *a, const struct flue_frame *b)
{
    bool equal = flue_ip_equal(&a->src_ip, &b->src_ip) && flue_ip_equal(&a->dst_ip, &b->dst_ip) &&
                 a->src_port == b->src_port && a->dst_port == b->dst_port && a->seq == b->seq && a->ack == b->ack &&
                 a->window == b->window && a->flags == b->flags && a->options == b->options && a->ttl == b->ttl &&
                 a->tos == b->tos && a->ethertype == b->ethertype && a->urgent == b->urgent && a->mss == b->mss &&
                 a->wscale == b->wscale && a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr && a->ip_id == b->ip_id &&
                 a->flow_label == b->flow_label && a->sack_count == b->sack_count &&
                 a->payload.length_bytes == b->payload.length_bytes;

    for (unsigned i = 0; equal && i < a->sack_count; i++) {
        equal = a->sack[i].from == b->sack[i].from && a->sack[i].to == b->sack[i].to;
    }
    return equal &&
           (a->payload.length_bytes == 0 || memcmp(a->payload.memory, b->payload.memory, a->payload.length_bytes) == 0);
}

static void write_and_read(const struct flue_frame *frame)
{
    static uint8_t packet[FRAME_MAX_PACKET_BYTES];
    struct flue_frame again;
    size_t headers = frame_encode(frame, packet, sizeof packet, true);

    if (headers == 0) {
        return;
    }
    FUZZ_REQUIRE(headers == frame_header_bytes(frame));
    FUZZ_REQUIRE(frame_encode(frame, packet, headers - 1, true) == 0);
    FUZZ_REQUIRE(frame_encode_payload(frame, packet + headers, sizeof packet - headers) == frame->payload.length_bytes);
    if (frame_decode(packet, headers + frame->payload.length_bytes, &again, true) != FLUE_OK) {
        FUZZ_FAIL("a packet just written cannot be read");
    }
    if (!same(frame, &again)) {
        FUZZ_FAIL("a packet just written reads otherwise");
    }
}

static void read_packet(const uint8_t *bytes, size_t length, bool verify)
{
    struct flue_frame frame;
    struct frame_icmp icmp;

    if (frame_decode(bytes, length, &frame, verify) == FLUE_OK) {
        struct flue_frame strict;

        FUZZ_REQUIRE(frame.payload.length_bytes <= length);
        FUZZ_REQUIRE(frame.sack_count <= FLUE_SACK_BLOCKS);
        FUZZ_REQUIRE((frame.options & FLUE_OPT_SACK) == 0 || frame.sack_count > 0);
        for (size_t i = 0; i < frame.payload.length_bytes; i++) {
            FUZZ_REQUIRE(frame.payload.memory + i >= bytes && frame.payload.memory + i < bytes + length);
        }
        /* Four blocks beside timestamps do not fit: the writer leaves the last one out. */
        if ((frame.options & FLUE_OPT_SACK) == 0 ||
            frame_option_bytes(&frame) >=
                2u + 8u * frame.sack_count + ((frame.options & FLUE_OPT_TIMESTAMP) ? 10 : 0)) {
            write_and_read(&frame);
        }
        FUZZ_REQUIRE(!verify || frame_decode(bytes, length, &strict, false) == FLUE_OK);
    } else {
        FUZZ_REQUIRE(frame.ethertype == 0 && frame.payload.length_bytes == 0);
    }
    if (frame_icmp_decode(bytes, length, &icmp, verify) == FLUE_OK) {
        FUZZ_REQUIRE(icmp.kind <= FRAME_ICMP_PARAMETER_PROBLEM);
        FUZZ_REQUIRE(icmp.ethertype == FLUE_ETHERTYPE_IPV4 || icmp.ethertype == FLUE_ETHERTYPE_IPV6);
    } else {
        FUZZ_REQUIRE(icmp.ethertype == 0 && icmp.mtu_bytes == 0);
    }
}

static struct flue_ip read_ip(struct input *input, bool v6)
{
    struct flue_ip ip = flue_ip_v4(input_u32(input));

    if (v6) {
        ip.word[0] = UINT32_C(0x20010db8);
        ip.word[2] = 0;
    }
    return ip;
}

/* A frame whose fields are what the bytes say, as far as a packet can carry them. */
static struct flue_frame read_frame(struct input *input)
{
    static uint8_t payload[2048];
    unsigned bits = input_u8(input);
    bool v6 = (bits & 1) != 0;
    struct flue_frame frame = {.src_ip = read_ip(input, v6), .dst_ip = read_ip(input, v6)};
    unsigned options = input_u8(input) & 31;
    static const uint16_t orders[4] = {0, 0x3124, 0x1, 0x4321};

    frame.ethertype = v6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4;
    frame.src_port = input_u16(input);
    frame.dst_port = input_u16(input);
    frame.seq = input_u32(input);
    frame.ack = input_u32(input);
    frame.window = input_u16(input);
    frame.flags = input_u8(input);
    frame.ttl = input_u8(input);
    frame.tos = input_u8(input);
    frame.urgent = input_u16(input);
    frame.ip_id = v6 ? 0 : input_u16(input);
    frame.flow_label = v6 ? input_u32(input) & 0xfffff : 0;
    frame.options = (uint8_t)options;
    frame.option_order = orders[bits >> 1 & 3];
    frame.mss = (options & FLUE_OPT_MSS) != 0 ? input_u16(input) : 0;
    frame.wscale = (options & FLUE_OPT_WSCALE) != 0 ? input_u8(input) : 0;
    frame.ts_val = (options & FLUE_OPT_TIMESTAMP) != 0 ? input_u32(input) : 0;
    frame.ts_ecr = (options & FLUE_OPT_TIMESTAMP) != 0 ? input_u32(input) : 0;
    if ((options & FLUE_OPT_SACK) != 0) {
        frame.sack_count = (uint8_t)(1 + (bits >> 3 & 3));
        for (unsigned i = 0; i < frame.sack_count; i++) {
            frame.sack[i] = (struct flue_sack_block){.from = input_u32(input), .to = input_u32(input)};
        }
    }
    fuzz_fill(payload, 3, frame.seq, sizeof payload);
    frame.payload = (struct flue_span){.memory = payload, .length_bytes = input_u16(input) & 2047u};
    return frame;
}

static void built(struct input *input)
{
    static uint8_t packet[FRAME_ICMP_MAX_BYTES];
    struct flue_frame frame = read_frame(input);
    struct frame_icmp icmp = {.from_ip = frame.dst_ip, .mtu_bytes = input_u16(input)}, again;
    size_t bytes;

    icmp.kind = (enum frame_icmp_kind)input_below(input, 6);
    bytes = frame_icmp_encode(&icmp, &frame, packet, sizeof packet);
    if (bytes > 0) {
        FUZZ_REQUIRE(frame_icmp_encode(&icmp, &frame, packet, bytes - 1) == 0);
        FUZZ_REQUIRE(frame_icmp_encode(&icmp, &frame, packet, sizeof packet) == bytes);
        FUZZ_REQUIRE(frame_icmp_decode(packet, bytes, &again, true) == FLUE_OK);
        FUZZ_REQUIRE(again.kind == icmp.kind);
        FUZZ_REQUIRE(again.kind == FRAME_ICMP_IGNORED ||
                     (again.seq == frame.seq && again.src_port == frame.src_port && again.dst_port == frame.dst_port));
    }
    /* All the options together may be longer than the 40 bytes that there are. */
    if ((frame.options & FLUE_OPT_SACK) == 0) {
        write_and_read(&frame);
    } else {
        uint8_t headers[FRAME_MAX_HEADER_BYTES];

        frame.payload.length_bytes = 0;
        FUZZ_REQUIRE(frame_option_bytes(&frame) <= FRAME_MAX_OPTION_BYTES);
        bytes = frame_encode(&frame, headers, sizeof headers, true);
        FUZZ_REQUIRE(bytes == frame_header_bytes(&frame));
        FUZZ_REQUIRE(frame_decode(headers, bytes, &frame, true) == FLUE_OK);
    }
}

static void ethernet(const uint8_t *bytes, size_t length)
{
    static uint8_t written[FRAME_MAX_LINK_BYTES];
    uint8_t header[FRAME_ETHERNET_BYTES + FRAME_VLAN_BYTES];
    struct flue_frame frame, again;

    if (frame_ethernet_decode(bytes, length, &frame) == FLUE_OK) {
        FUZZ_REQUIRE(frame_ethernet_encode(&frame, header, sizeof header) == frame_ethernet_bytes(&frame));
        FUZZ_REQUIRE(memcmp(header, bytes, frame_ethernet_bytes(&frame)) == 0);
    }
    if (frame_link_decode(bytes, length, &frame, false) == FLUE_OK) {
        size_t whole = frame_link_encode(&frame, written, sizeof written, true);

        if (whole > 0) { /* more SACK blocks than can be written, and the like */
            FUZZ_REQUIRE(whole == frame_link_bytes(&frame, true) + FRAME_ETHERNET_BYTES);
            FUZZ_REQUIRE(frame_link_decode(written, whole, &again, frame.kind != FLUE_FRAME_FRAGMENT) == FLUE_OK);
            FUZZ_REQUIRE(again.kind == frame.kind && again.vlan == frame.vlan && again.fragment == frame.fragment);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_heap heap = {.live_blocks = 0};
    struct input input = {.bytes = data, .left = size};
    unsigned mode = input_u8(&input);
    uint8_t *packet;

    if ((mode & 7) == 7) {
        built(&input);
    } else if (input.left > 0) {
        packet = fuzz_allocate(&heap, input.left);
        memcpy(packet, input.bytes, input.left);
        ethernet(packet, input.left);
        if ((mode & 1) != 0) {
            fuzz_mend_checksums(packet, input.left);
        }
        read_packet(packet, input.left, (mode & 2) != 0);
        fuzz_release(&heap, packet, input.left);
    }
    return 0;
}
