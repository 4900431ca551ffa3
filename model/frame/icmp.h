/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/icmp.h - ICMP errors of both families about a TCP segment, to bytes and back. */
#ifndef FLUE_FRAME_ICMP_H
#define FLUE_FRAME_ICMP_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/wire.h"

FLUE_BEGIN_C

/* What a message means to TCP.  Hard and soft as RFC 1122 4.2.3.9 and RFC 5461 2 tell them apart, but for "too big",
 * which path MTU discovery has taken over. */
enum frame_icmp_kind {
    FRAME_ICMP_IGNORED, /* a right message that TCP does nothing about: source quench (RFC 6633), redirect, echo ... */
    FRAME_ICMP_TOO_BIG, /* RFC 1191 4, RFC 8201: mtu_bytes is valid */
    FRAME_ICMP_UNREACHABLE_HARD, /* protocol or port */
    FRAME_ICMP_UNREACHABLE_SOFT, /* network, host, forbidden ... */
    FRAME_ICMP_TIME_EXCEEDED,    /* in transit or in reassembly */
    FRAME_ICMP_PARAMETER_PROBLEM /* somebody could not read a header; soft as well (RFC 9293 3.9.2.2) */
};

#define FRAME_ICMP_BYTES     8u    /* the header, in front of the quoted packet */
#define FRAME_ICMP_MAX_BYTES 1280u /* an error that frame_icmp_encode() makes, at most (RFC 4443 2.4 c) */

/* An error.  All addresses are of the family that ethertype tells.  An ignored message quotes nothing: only from_ip,
 * to_ip, kind and ethertype are set. */
struct frame_icmp {
    struct flue_ip from_ip, to_ip; /* of the error */
    struct flue_ip src_ip, dst_ip; /* from here on, of the quoted segment: src is who sent it, and who gets the error */
    uint16_t src_port, dst_port;
    uint32_t seq;
    uint32_t quoted_bytes; /* length of the whole packet, as the quoted header tells it */
    uint32_t mtu_bytes;    /* as told; 0: not told, by a router older than RFC 1191 */
    uint16_t ethertype;
    uint16_t reserved;
    enum frame_icmp_kind kind;
};

/* Reads an IP packet with ICMP in it.  Whole-struct result.  The quote has to reach to TCP's sequence number, and may
 * end anywhere behind it.  verify: the checksums of the message must be right (the one in the quoted header may have
 * gone stale on its way).  FLUE_EPARSE: not a whole, unfragmented packet with ICMP of its own family, a wrong
 * checksum, or an error that quotes no TCP segment; *out is zeroed. */
FLUE_CHECKED flue_err frame_icmp_decode(const uint8_t *bytes, size_t length, struct frame_icmp *out, bool verify);

/* Writes the packet in which icmp->from_ip tells the sender of `about` of icmp->kind, and for FRAME_ICMP_TOO_BIG of
 * icmp->mtu_bytes; no other field of *icmp is read.  Unreachable is port (hard) or host and address (soft); "ignored"
 * is a source quench, of IPv6 an experimental error (RFC 4443 2.1).  Quotes as much as fits into 576 bytes (RFC
 * 1812 4.3.2.3), of IPv6 1280.  Returns the bytes of the packet, or 0 if `room` is too small or `about` cannot be
 * encoded. */
size_t frame_icmp_encode(const struct frame_icmp *icmp, const struct flue_frame *about, uint8_t *out, size_t room);

FLUE_END_C

#endif
