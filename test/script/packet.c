/* SPDX-License-Identifier: GPL-2.0-only */
/* script/packet.c - see packet.h. */
#include "packet.h"

#include <string.h>

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMPV6 = 58 };

uint16_t packet_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t packet_get32(const uint8_t *at)
{
    return (uint32_t)packet_get16(at) << 16 | packet_get16(at + 2);
}

void packet_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void packet_put32(uint8_t *at, uint32_t value)
{
    packet_put16(at, value >> 16);
    packet_put16(at + 2, value);
}

uint8_t packet_pattern(unsigned direction, uint64_t offset)
{
    return (uint8_t)(offset % 251 + 101 * direction);
}

/* Sum of RFC 1071, not yet folded. */
static uint64_t sum(const uint8_t *bytes, size_t length, uint64_t before)
{
    for (size_t i = 0; i < length; i++) {
        before += i % 2 == 0 ? (uint64_t)bytes[i] << 8 : bytes[i];
    }
    return before;
}

static uint16_t fold(uint64_t value)
{
    while (value >> 16 != 0) {
        value = (value & 0xffff) + (value >> 16);
    }
    return (uint16_t)~value;
}

/* RFC 9293 3.1 and RFC 8200 8.1: addresses, protocol and length count as well. */
static uint64_t pseudo_header(const struct flue_ip *src, const struct flue_ip *dst, unsigned protocol, size_t length)
{
    uint8_t bytes[40] = {0};
    unsigned at = 0;

    for (unsigned i = flue_ip_is_v4(src) ? 3 : 0; i < 4; i++, at += 4) {
        packet_put32(&bytes[at], src->word[i]);
    }
    for (unsigned i = flue_ip_is_v4(dst) ? 3 : 0; i < 4; i++, at += 4) {
        packet_put32(&bytes[at], dst->word[i]);
    }
    return sum(bytes, at, 0) + protocol + length;
}

/* The IP header of `length` bytes of protocol; answers its own length. */
static size_t put_ip(uint8_t *out, const struct packet *packet, unsigned protocol, size_t length, int told, bool lie)
{
    memset(out, 0, 40);
    if (flue_ip_is_v4(&packet->dst_ip)) {
        out[0] = 0x45;
        out[1] = packet->tos;
        packet_put16(&out[2], told >= 0 ? (uint32_t)told : (uint32_t)length + 20);
        packet_put16(&out[4], packet->ip_id);
        packet_put16(&out[6], packet->dont_fragment ? 0x4000 : 0);
        out[8] = packet->ttl;
        out[9] = (uint8_t)protocol;
        packet_put32(&out[12], packet->src_ip.word[3]);
        packet_put32(&out[16], packet->dst_ip.word[3]);
        packet_put16(&out[10], (uint32_t)fold(sum(out, 20, 0)) ^ (lie ? 0x5555u : 0));
        return 20;
    }
    packet_put32(out, 0x60000000u | (uint32_t)packet->tos << 20);
    packet_put16(&out[4], told >= 0 ? (uint32_t)told : (uint32_t)length);
    out[6] = (uint8_t)protocol;
    out[7] = packet->ttl;
    for (unsigned i = 0; i < 4; i++) {
        packet_put32(&out[8 + 4 * i], packet->src_ip.word[i]);
        packet_put32(&out[24 + 4 * i], packet->dst_ip.word[i]);
    }
    return 40;
}

size_t packet_build(const struct packet *packet, const struct packet_damage *damage, uint8_t *out)
{
    size_t tcp_bytes = 20 + packet->option_bytes + packet->payload_bytes;
    uint8_t *tcp = out + put_ip(out, packet, PROTOCOL_TCP, tcp_bytes, damage->ip_length, damage->ip_checksum);
    unsigned offset = damage->data_offset >= 0 ? (unsigned)damage->data_offset : 5 + packet->option_bytes / 4;
    size_t whole;

    packet_put16(tcp, packet->src_port);
    packet_put16(tcp + 2, packet->dst_port);
    packet_put32(tcp + 4, packet->seq);
    packet_put32(tcp + 8, packet->ack);
    tcp[12] = (uint8_t)(offset << 4);
    tcp[13] = packet->flags;
    packet_put16(tcp + 14, packet->window);
    packet_put16(tcp + 16, 0);
    packet_put16(tcp + 18, packet->urgent);
    memcpy(tcp + 20, packet->options, packet->option_bytes);
    if (packet->payload_bytes > 0) {
        memcpy(tcp + 20 + packet->option_bytes, packet->payload, packet->payload_bytes);
    }
    packet_put16(
        tcp + 16,
        (uint32_t)fold(sum(tcp, tcp_bytes, pseudo_header(&packet->src_ip, &packet->dst_ip, PROTOCOL_TCP, tcp_bytes))) ^
            (damage->tcp_checksum ? 0x5555u : 0));
    whole = (size_t)(tcp - out) + tcp_bytes;
    return damage->cut >= 0 && (size_t)damage->cut < whole ? (size_t)damage->cut : whole;
}

size_t packet_build_icmp(const struct packet_icmp *icmp, uint8_t *out)
{
    bool v4 = flue_ip_is_v4(&icmp->dst_ip);
    struct packet packet = {.src_ip = icmp->src_ip, .dst_ip = icmp->dst_ip, .ttl = 64};
    size_t length = 8 + icmp->quoted_bytes;
    unsigned protocol = v4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    uint8_t *at = out + put_ip(out, &packet, protocol, length, -1, false);

    memset(at, 0, 8);
    at[0] = icmp->type;
    at[1] = icmp->code;
    packet_put32(at + 4, icmp->rest);
    memcpy(at + 8, icmp->quoted, icmp->quoted_bytes);
    packet_put16(at + 2, (uint32_t)fold(
                             sum(at, length, v4 ? 0 : pseudo_header(&icmp->src_ip, &icmp->dst_ip, protocol, length))) ^
                             (icmp->bad_checksum ? 0x5555u : 0));
    return (size_t)(at - out) + length;
}

bool packet_option_next(const struct packet *packet, unsigned *at, struct packet_option *out)
{
    while (*at < packet->option_bytes) {
        uint8_t kind = packet->options[*at];
        unsigned length;

        if (kind == 0) {
            return false;
        }
        if (kind == 1) {
            (*at)++;
            continue;
        }
        length = *at + 1 < packet->option_bytes ? packet->options[*at + 1] : 0;
        if (length < 2 || *at + length > packet->option_bytes) {
            return false;
        }
        *out = (struct packet_option){.kind = kind, .length = length, .value = &packet->options[*at + 2]};
        *at += length;
        return true;
    }
    return false;
}

/* The shapes a sender must give its options; those we do not know only have to be well formed. */
static bool options_sound(const struct packet *packet, struct fault *fault)
{
    unsigned at = 0;
    unsigned seen = 0;

    while (at < packet->option_bytes) {
        uint8_t kind = packet->options[at];
        unsigned length = at + 1 < packet->option_bytes ? packet->options[at + 1] : 0;
        bool right = true;

        if (kind == 0) {
            for (unsigned i = at; i < packet->option_bytes; i++) {
                if (packet->options[i] != 0) {
                    return fault_set(fault, "padding after the end of the option list is not 0 (RFC 9293 3.1)");
                }
            }
            return true;
        }
        if (kind == 1) {
            at++;
            continue;
        }
        if (length < 2 || at + length > packet->option_bytes) {
            return fault_set(fault, "option %u has length %u, and %u bytes are left", kind, length,
                             packet->option_bytes - at);
        }
        if (kind < 32 && (seen >> kind & 1) != 0) {
            return fault_set(fault, "option %u stands there twice", kind);
        }
        seen |= kind < 32 ? 1u << kind : 0;
        switch (kind) {
        case 2:
            right = length == 4 && (packet->flags & FLUE_TCP_SYN) != 0;
            break;
        case 3:
            right = length == 3 && (packet->flags & FLUE_TCP_SYN) != 0 && packet->options[at + 2] <= 14;
            break;
        case 4:
            right = length == 2 && (packet->flags & FLUE_TCP_SYN) != 0;
            break;
        case 5:
            right = length >= 10 && length % 8 == 2 && (packet->flags & FLUE_TCP_SYN) == 0;
            break;
        case 8:
            right = length == 10;
            break;
        default:
            break;
        }
        if (!right) {
            return fault_set(fault, "option %u of length %u has no right to be like that here", kind, length);
        }
        at += length;
    }
    return true;
}

static bool read_v4(const uint8_t *bytes, size_t length, struct packet *out, struct fault *fault)
{
    if (length < 40 || bytes[0] != 0x45) {
        return fault_set(fault, "no IPv4 packet with TCP: %zu bytes, first 0x%02x", length, bytes[0]);
    }
    if (packet_get16(&bytes[2]) != length) {
        return fault_set(fault, "the IP header tells %u bytes, and there are %zu", packet_get16(&bytes[2]), length);
    }
    if (fold(sum(bytes, 20, 0)) != 0) {
        return fault_set(fault, "wrong checksum of the IP header");
    }
    if ((packet_get16(&bytes[6]) & 0xbfff) != 0) {
        return fault_set(fault, "a fragment, or the reserved bit of IPv4");
    }
    if (bytes[9] != PROTOCOL_TCP) {
        return fault_set(fault, "protocol %u, not TCP", bytes[9]);
    }
    out->tos = bytes[1];
    out->ip_id = packet_get16(&bytes[4]);
    out->dont_fragment = (bytes[6] & 0x40) != 0;
    out->ttl = bytes[8];
    out->src_ip = flue_ip_v4(packet_get32(&bytes[12]));
    out->dst_ip = flue_ip_v4(packet_get32(&bytes[16]));
    return true;
}

static bool read_v6(const uint8_t *bytes, size_t length, struct packet *out, struct fault *fault)
{
    if (length < 60) {
        return fault_set(fault, "no IPv6 packet with TCP: %zu bytes", length);
    }
    if ((size_t)packet_get16(&bytes[4]) + 40 != length) {
        return fault_set(fault, "the IP header tells %u bytes, and there are %zu", packet_get16(&bytes[4]) + 40u,
                         length);
    }
    if (bytes[6] != PROTOCOL_TCP) {
        return fault_set(fault, "next header %u, not TCP", bytes[6]);
    }
    out->tos = (uint8_t)(packet_get16(bytes) >> 4);
    out->ttl = bytes[7];
    out->dont_fragment = true;
    for (unsigned i = 0; i < 4; i++) {
        out->src_ip.word[i] = packet_get32(&bytes[8 + 4 * i]);
        out->dst_ip.word[i] = packet_get32(&bytes[24 + 4 * i]);
    }
    return true;
}

bool packet_read(const uint8_t *bytes, size_t length, struct packet *out, struct fault *fault)
{
    unsigned version = length > 0 ? bytes[0] >> 4 : 0;
    const uint8_t *tcp;
    size_t tcp_bytes;
    unsigned header;

    *out = (struct packet){0};
    if (version != 4 && version != 6) {
        return fault_set(fault, "IP version %u", version);
    }
    if (!(version == 4 ? read_v4(bytes, length, out, fault) : read_v6(bytes, length, out, fault))) {
        return false;
    }
    tcp = bytes + (version == 4 ? 20 : 40);
    tcp_bytes = length - (size_t)(tcp - bytes);
    header = 4u * (tcp[12] >> 4);
    if (header < 20 || header > tcp_bytes) {
        return fault_set(fault, "data offset of %u bytes in a segment of %zu", header, tcp_bytes);
    }
    if (fold(sum(tcp, tcp_bytes, pseudo_header(&out->src_ip, &out->dst_ip, PROTOCOL_TCP, tcp_bytes))) != 0) {
        return fault_set(fault, "wrong TCP checksum");
    }
    if ((tcp[12] & 0x0f) != 0) {
        return fault_set(fault, "reserved bits are set");
    }
    out->src_port = packet_get16(tcp);
    out->dst_port = packet_get16(tcp + 2);
    out->seq = packet_get32(tcp + 4);
    out->ack = packet_get32(tcp + 8);
    out->flags = tcp[13];
    out->window = packet_get16(tcp + 14);
    out->urgent = packet_get16(tcp + 18);
    out->option_bytes = header - 20;
    memcpy(out->options, tcp + 20, out->option_bytes);
    out->payload = tcp + header;
    out->payload_bytes = (unsigned)(tcp_bytes - header);
    if ((out->flags & FLUE_TCP_ACK) == 0 && out->ack != 0) {
        return fault_set(fault, "an acknowledgement number without ACK");
    }
    return options_sound(out, fault);
}
