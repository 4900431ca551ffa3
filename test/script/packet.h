/* SPDX-License-Identifier: GPL-2.0-only */
/* script/packet.h - IP packets with TCP or ICMP as bytes.  Written from the RFCs alone and sharing nothing with
 * model/frame, so that two opinions on every header meet. */
#ifndef SCRIPT_PACKET_H
#define SCRIPT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

#define PACKET_MAX 65575u /* 40 bytes of IPv6 and 65535 of its payload */

/* One segment, host byte order. */
struct packet {
    struct flue_ip src_ip, dst_ip;
    uint8_t ttl, tos;
    uint16_t ip_id;
    bool dont_fragment;
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window, urgent;
    uint8_t options[40];
    unsigned option_bytes; /* with padding: a multiple of 4 */
    const uint8_t *payload;
    unsigned payload_bytes;
};

/* How a packet lies; -1: it does not. */
struct packet_damage {
    bool tcp_checksum, ip_checksum;
    int data_offset; /* in words */
    int ip_length;   /* total length (IPv4), payload length (IPv6) */
    int cut;         /* the packet ends after so many bytes */
};
#define PACKET_SOUND ((struct packet_damage){false, false, -1, -1, -1})

/* Answers the packet's length; out holds PACKET_MAX bytes. */
size_t packet_build(const struct packet *packet, const struct packet_damage *damage, uint8_t *out);

/* Reads what a stack has sent and finds fault with everything that a sender has no excuse for: lengths, checksums,
 * reserved bits, shapes of options, fragments.  payload points into bytes. */
bool packet_read(const uint8_t *bytes, size_t length, struct packet *out, struct fault *fault);

/* Walks options: from *at on, the next one that is no NOP.  False: there are no more. */
struct packet_option {
    uint8_t kind;
    unsigned length; /* with kind and length */
    const uint8_t *value;
};
bool packet_option_next(const struct packet *packet, unsigned *at, struct packet_option *out);

/* An ICMP error (RFC 792, RFC 4443) that quotes a packet.  rest: the word after the checksum. */
struct packet_icmp {
    struct flue_ip src_ip, dst_ip;
    uint8_t type, code;
    uint32_t rest;
    bool bad_checksum;
    const uint8_t *quoted;
    size_t quoted_bytes;
};
size_t packet_build_icmp(const struct packet_icmp *icmp, uint8_t *out);

uint16_t packet_get16(const uint8_t *at);
uint32_t packet_get32(const uint8_t *at);
void packet_put16(uint8_t *at, uint32_t value);
void packet_put32(uint8_t *at, uint32_t value);

/* The bytes that the peer sends (direction 0) and that the script's sockets send (1), by place in the stream. */
uint8_t packet_pattern(unsigned direction, uint64_t offset);

#endif
