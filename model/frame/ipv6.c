/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/ipv6.c - the IPv6 header and its extension headers (RFC 8200). */
#include "frame/codec.h"

#define VERSION        6u
#define FLOW_LABEL     0xfffffu
#define AT_PAYLOAD     4
#define AT_NEXT        6
#define AT_HOP_LIMIT   7
#define AT_SOURCE      8
#define AT_DESTINATION 24

enum extension { EXT_HOP_BY_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_DESTINATION = 60 };

#define AT_SEGMENTS_LEFT 3
#define AT_FRAGMENT      2
#define AT_FRAGMENT_ID   4
#define OFFSET_AND_MORE  0xfff9u
#define OPTION_PAD_1     0
#define OPTION_PAD_N     1
#define OPTION_MUST_KNOW 0xc0 /* RFC 8200 4.2: who does not know the option discards the packet */
#define OPTIONS_AT       2u
#define EXTENSION_MIN    8u

/* An extension header of 8 bytes that the field at *next announces. */
static uint8_t *write_extension(enum extension kind, uint8_t *at, uint8_t **next)
{
    put32(at, 0);
    put32(at + 4, 0);
    **next = (uint8_t)kind;
    *next = at;
    return at + EXTENSION_MIN;
}

void ipv6_encode(const struct flue_frame *frame, uint32_t total_bytes, uint32_t protocol, uint8_t *out)
{
    uint8_t *next = out + AT_NEXT;
    uint8_t *at = out + FRAME_IPV6_BYTES;

    put32(out, VERSION << 28 | (uint32_t)frame->tos << 20 | (frame->flow_label & FLOW_LABEL));
    put16(out + AT_PAYLOAD, total_bytes - FRAME_IPV6_BYTES);
    out[AT_HOP_LIMIT] = frame->ttl;
    put_ip6(out + AT_SOURCE, &frame->src_ip);
    put_ip6(out + AT_DESTINATION, &frame->dst_ip);
    if ((frame->ip & FLUE_IP_OPTIONS) != 0) {
        at = write_extension(EXT_DESTINATION, at, &next);
        next[OPTIONS_AT] = OPTION_PAD_N;
        next[OPTIONS_AT + 1] = EXTENSION_MIN - OPTIONS_AT - 2;
    }
    if (frame->kind == FLUE_FRAME_FRAGMENT) {
        (void)write_extension(EXT_FRAGMENT, at, &next);
        put16(next + AT_FRAGMENT, frame->fragment & (CODEC_FRAGMENT_OFFSET | FLUE_FRAGMENT_MORE));
        put32(next + AT_FRAGMENT_ID, frame->ip_id);
    }
    *next = (uint8_t)protocol;
}

/* The options of a hop-by-hop or destination options header (RFC 8200 4.2): their lengths must fill it exactly, and
 * none may be one that has to be known. */
static bool options_can_be_skipped(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint32_t bytes = 1;

        if (at[0] != OPTION_PAD_1) {
            if ((at[0] & OPTION_MUST_KNOW) != 0 || end - at < 2 || at[1] + 2 > end - at) {
                return false;
            }
            bytes = at[1] + 2u;
        }
        at += bytes;
    }
    return true;
}

/* May the extension header at `at`, which is whole, be skipped? */
static bool can_be_skipped(enum extension kind, const uint8_t *at, uint32_t bytes)
{
    switch (kind) {
    case EXT_HOP_BY_HOP:
    case EXT_DESTINATION:
        return options_can_be_skipped(at + OPTIONS_AT, at + bytes);
    case EXT_ROUTING:
        return at[AT_SEGMENTS_LEFT] == 0; /* else this is not its last destination, and the checksum is for that one */
    case EXT_FRAGMENT:
        return (get16(at + AT_FRAGMENT) & OFFSET_AND_MORE) == 0; /* an atomic one: RFC 6946 */
    }
    return false;
}

static bool is_extension(uint32_t next, bool first)
{
    /* Hop-by-hop options stand only right behind the IPv6 header (RFC 8200 4.1). */
    return next == EXT_ROUTING || next == EXT_FRAGMENT || next == EXT_DESTINATION || (next == EXT_HOP_BY_HOP && first);
}

uint32_t ipv6_skip(const uint8_t *bytes, uint32_t end, uint32_t protocol, uint32_t *fragment_at)
{
    uint32_t next = bytes[AT_NEXT];
    uint32_t at = FRAME_IPV6_BYTES;

    if (fragment_at != NULL) {
        *fragment_at = 0;
    }
    while (next != protocol) {
        const uint8_t *header = bytes + at;
        uint32_t header_bytes = EXTENSION_MIN;

        if (!is_extension(next, at == FRAME_IPV6_BYTES) || end - at < EXTENSION_MIN) {
            return 0;
        }
        if (next != EXT_FRAGMENT) {
            header_bytes += header[1] * 8u;
        }
        if (next == EXT_FRAGMENT && fragment_at != NULL && (get16(header + AT_FRAGMENT) & OFFSET_AND_MORE) != 0) {
            *fragment_at = at; /* what follows is a piece: of which protocol, the header tells */
            return header[0] == protocol ? at + EXTENSION_MIN : 0;
        }
        if (header_bytes > end - at || !can_be_skipped((enum extension)next, header, header_bytes)) {
            return 0;
        }
        next = header[0];
        at += header_bytes;
    }
    return at;
}

uint32_t ipv6_decode(const uint8_t *bytes, size_t length, uint32_t protocol, struct flue_frame *frame,
                     uint32_t *total_bytes)
{
    uint32_t first, at, fragment_at;

    if (length < FRAME_IPV6_BYTES || bytes[0] >> 4 != VERSION) {
        return 0;
    }
    *total_bytes = FRAME_IPV6_BYTES + get16(bytes + AT_PAYLOAD);
    if (*total_bytes > length) {
        return 0;
    }
    first = get32(bytes);
    frame->ethertype = FLUE_ETHERTYPE_IPV6;
    frame->tos = (uint8_t)(first >> 20);
    frame->flow_label = first & FLOW_LABEL;
    frame->ttl = bytes[AT_HOP_LIMIT];
    frame->src_ip = get_ip6(bytes + AT_SOURCE);
    frame->dst_ip = get_ip6(bytes + AT_DESTINATION);
    at = ipv6_skip(bytes, *total_bytes, protocol, &fragment_at);
    if (fragment_at != 0) {
        frame->kind = FLUE_FRAME_FRAGMENT;
        frame->fragment = get16(bytes + fragment_at + AT_FRAGMENT) & OFFSET_AND_MORE;
        frame->ip_id = get16(bytes + fragment_at + AT_FRAGMENT_ID + 2); /* the lower half of it */
    }
    frame->ip = at > FRAME_IPV6_BYTES + (fragment_at != 0 ? EXTENSION_MIN : 0) ? FLUE_IP_OPTIONS : 0;
    return at;
}
