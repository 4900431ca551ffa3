/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/neighbour.c - who has this address: ARP (RFC 826), neighbour solicitation and advertisement (RFC 4861). */
#include <string.h>

#include "frame/codec.h"

#define ARP_HARDWARE  1u /* Ethernet */
#define ARP_LENGTHS   (CODEC_MAC_BYTES << 8 | 4u)
#define AT_PROTOCOL   2
#define AT_LENGTHS    4
#define AT_OPERATION  6
#define AT_SENDER_MAC 8
#define AT_SENDER_IP  14
#define AT_TARGET_MAC 18
#define AT_TARGET_IP  24

#define ND_SOLICITATION  135u
#define ND_ADVERTISEMENT 136u
#define ND_SOLICITED     0x40000000u
#define ND_OVERRIDE      0x20000000u
#define ND_MEANT         (ND_SOLICITED | ND_OVERRIDE) /* not that it is a router's, nor what is reserved (4.3, 4.4) */
#define ND_HOP_LIMIT     255                          /* RFC 4861 7.1: no router has passed it on */
#define ND_OPTION_SOURCE 1
#define ND_OPTION_TARGET 2
#define AT_TYPE          0
#define AT_CHECKSUM      2
#define AT_BITS          4
#define AT_TARGET        8
#define AT_OPTION        24
#define AT_OPTION_MAC    26
#define ND_MESSAGE_BYTES (CODEC_ND_BYTES - FRAME_IPV6_BYTES)

static const uint8_t broadcast[CODEC_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[CODEC_MAC_BYTES];
static const struct flue_ip all_nodes = {{0xff020000u, 0, 0, 1}};

static bool is_group(const uint8_t *mac)
{
    return (mac[0] & 1) != 0;
}

static bool is_neighbour_op(uint32_t op)
{
    return op == FLUE_NEIGHBOUR_REQUEST || op == FLUE_NEIGHBOUR_ANSWER;
}

bool arp_encode(const struct flue_frame *frame, uint8_t *out)
{
    if (!is_neighbour_op(frame->flags) || !flue_ip_is_v4(&frame->src_ip) || !flue_ip_is_v4(&frame->dst_ip)) {
        return false;
    }
    put16(out, ARP_HARDWARE);
    put16(out + AT_PROTOCOL, FLUE_ETHERTYPE_IPV4);
    put16(out + AT_LENGTHS, ARP_LENGTHS);
    put16(out + AT_OPERATION, frame->flags);
    memcpy(out + AT_SENDER_MAC, frame->src_mac, CODEC_MAC_BYTES);
    put32(out + AT_SENDER_IP, frame->src_ip.word[3]);
    memcpy(out + AT_TARGET_MAC, frame->flags == FLUE_NEIGHBOUR_ANSWER ? frame->dst_mac : nobody, CODEC_MAC_BYTES);
    put32(out + AT_TARGET_IP, frame->dst_ip.word[3]);
    return true;
}

bool arp_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame)
{
    uint32_t op;

    if (length < CODEC_ARP_BYTES || get16(bytes) != ARP_HARDWARE || get16(bytes + AT_PROTOCOL) != FLUE_ETHERTYPE_IPV4 ||
        get16(bytes + AT_LENGTHS) != ARP_LENGTHS) {
        return false;
    }
    op = get16(bytes + AT_OPERATION);
    if (!is_neighbour_op(op) || is_group(bytes + AT_SENDER_MAC)) {
        return false;
    }
    /* What a request says of the MAC address that it asks for means nothing (RFC 826). */
    frame->kind = FLUE_FRAME_ARP;
    frame->ethertype = FLUE_ETHERTYPE_ARP;
    frame->flags = (uint8_t)op;
    frame->src_ip = flue_ip_v4(get32(bytes + AT_SENDER_IP));
    frame->dst_ip = flue_ip_v4(get32(bytes + AT_TARGET_IP));
    memcpy(frame->src_mac, bytes + AT_SENDER_MAC, CODEC_MAC_BYTES);
    memcpy(frame->dst_mac, op == FLUE_NEIGHBOUR_ANSWER ? bytes + AT_TARGET_MAC : broadcast, CODEC_MAC_BYTES);
    return true;
}

/* The group that nodes with an address like this one listen to (RFC 4291 2.7.1). */
static struct flue_ip solicited_node(const struct flue_ip *ip)
{
    return (struct flue_ip){{0xff020000u, 0, 1, 0xff000000u | (ip->word[3] & 0xffffffu)}};
}

/* Where the message goes: a broadcast frame is one to a group. */
static struct flue_ip nd_destination(const struct flue_frame *frame)
{
    if (!is_group(frame->dst_mac)) {
        return frame->dst_ip;
    }
    return frame->flags == FLUE_NEIGHBOUR_REQUEST ? solicited_node(&frame->dst_ip) : all_nodes;
}

static uint64_t nd_sum(const struct flue_ip *from, const struct flue_ip *to)
{
    const struct flue_frame ip = {.src_ip = *from, .dst_ip = *to};

    return codec_pseudo_sum(&ip, CODEC_PROTOCOL_ICMPV6, ND_MESSAGE_BYTES);
}

bool nd_encode(const struct flue_frame *frame, uint8_t *out)
{
    const bool request = frame->flags == FLUE_NEIGHBOUR_REQUEST;
    const struct flue_frame ip = {.ethertype = FLUE_ETHERTYPE_IPV6,
                                  .src_ip = frame->src_ip,
                                  .dst_ip = nd_destination(frame),
                                  .ttl = ND_HOP_LIMIT,
                                  .tos = frame->tos,
                                  .flow_label = frame->flow_label};
    uint8_t *message = out + FRAME_IPV6_BYTES;

    if (!is_neighbour_op(frame->flags) || flue_ip_is_v4(&frame->src_ip) || flue_ip_is_v4(&frame->dst_ip)) {
        return false;
    }
    ipv6_encode(&ip, CODEC_ND_BYTES, CODEC_PROTOCOL_ICMPV6, out);
    put32(message, (request ? ND_SOLICITATION : ND_ADVERTISEMENT) << 24);
    put32(message + AT_BITS, request ? 0 : ND_OVERRIDE | (is_group(frame->dst_mac) ? 0 : ND_SOLICITED));
    put_ip6(message + AT_TARGET, request ? &frame->dst_ip : &frame->src_ip);
    message[AT_OPTION] = request ? ND_OPTION_SOURCE : ND_OPTION_TARGET;
    message[AT_OPTION + 1] = 1; /* in units of 8 bytes */
    memcpy(message + AT_OPTION_MAC, frame->src_mac, CODEC_MAC_BYTES);
    put16(message + AT_CHECKSUM,
          frame_sum_finish(frame_sum(nd_sum(&ip.src_ip, &ip.dst_ip), message, ND_MESSAGE_BYTES)));
    return true;
}

static bool solicitation_decode(const uint8_t *message, struct flue_frame *frame)
{
    const struct flue_ip to = frame->dst_ip;
    const struct flue_ip target = get_ip6(message + AT_TARGET);
    const struct flue_ip group = solicited_node(&target);

    frame->flags = FLUE_NEIGHBOUR_REQUEST;
    frame->dst_ip = target;
    if (flue_ip_equal(&to, &group)) {
        memcpy(frame->dst_mac, broadcast, CODEC_MAC_BYTES);
    } else if (!flue_ip_equal(&to, &target)) {
        return false;
    }
    return message[AT_OPTION] == ND_OPTION_SOURCE;
}

static bool advertisement_decode(const uint8_t *message, struct flue_frame *frame)
{
    const struct flue_ip target = get_ip6(message + AT_TARGET);
    const uint32_t bits = get32(message + AT_BITS) & ND_MEANT;

    frame->flags = FLUE_NEIGHBOUR_ANSWER;
    if (flue_ip_equal(&frame->dst_ip, &all_nodes)) {
        memcpy(frame->dst_mac, broadcast, CODEC_MAC_BYTES);
        frame->dst_ip = frame->src_ip;
        if (bits != ND_OVERRIDE) {
            return false;
        }
    } else if (bits != ND_MEANT) {
        return false;
    }
    return flue_ip_equal(&target, &frame->src_ip) && message[AT_OPTION] == ND_OPTION_TARGET;
}

bool nd_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    const uint8_t *message = bytes + FRAME_IPV6_BYTES;
    uint32_t total_bytes;

    if (ipv6_decode(bytes, length, CODEC_PROTOCOL_ICMPV6, frame, &total_bytes) != FRAME_IPV6_BYTES ||
        total_bytes != CODEC_ND_BYTES || frame->ttl != ND_HOP_LIMIT) {
        return false;
    }
    if (verify && frame_sum_finish(frame_sum(nd_sum(&frame->src_ip, &frame->dst_ip), message, ND_MESSAGE_BYTES)) != 0) {
        return false;
    }
    if (message[AT_TYPE + 1] != 0 || message[AT_OPTION + 1] != 1 || is_group(message + AT_OPTION_MAC)) {
        return false;
    }
    frame->kind = FLUE_FRAME_ND;
    memcpy(frame->src_mac, message + AT_OPTION_MAC, CODEC_MAC_BYTES);
    if (message[AT_TYPE] == ND_SOLICITATION) {
        return solicitation_decode(message, frame);
    }
    return message[AT_TYPE] == ND_ADVERTISEMENT && advertisement_decode(message, frame);
}
