/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/icmp.c - errors of ICMP (RFC 792, 1191) and ICMPv6 (RFC 4443) about a TCP segment. */
#include "base/span.h"
#include "frame/codec.h"
#include "frame/icmp.h"

#define AT_TYPE         0
#define AT_CODE         1
#define AT_CHECKSUM     2
#define AT_MTU_V6       4
#define AT_MTU_V4       6
#define QUOTE_MIN_BYTES 8u /* of TCP: ports and sequence number */

#define AT_V4_TOTAL       2
#define AT_V4_FRAGMENT    6
#define AT_V4_PROTOCOL    9
#define AT_V4_SOURCE      12
#define AT_V4_DESTINATION 16
#define V4_OFFSET         0x1fffu
#define AT_V6_PAYLOAD     4
#define AT_V6_SOURCE      8
#define AT_V6_DESTINATION 24

#define ERROR_TTL    64
#define ERROR_TOS    0xc0 /* internetwork control: RFC 1812 4.3.2.5 */
#define MAX_ERROR_V4 576u
#define MAX_MTU_V4   65535u /* as its 16 bits can tell */

enum v4_type { V4_UNREACHABLE = 3, V4_SOURCE_QUENCH = 4, V4_TIME_EXCEEDED = 11, V4_PARAMETER = 12 };
enum v4_code { V4_HOST = 1, V4_PROTOCOL = 2, V4_PORT = 3, V4_TOO_BIG = 4 };
enum v6_type { V6_UNREACHABLE = 1, V6_TOO_BIG = 2, V6_TIME_EXCEEDED = 3, V6_PARAMETER = 4, V6_EXPERIMENT = 100 };
enum v6_code { V6_ADDRESS = 3, V6_PORT = 4 };

static enum frame_icmp_kind kind_v4(uint8_t type, uint8_t code)
{
    switch (type) {
    case V4_UNREACHABLE:
        if (code == V4_TOO_BIG) {
            return FRAME_ICMP_TOO_BIG;
        }
        return code == V4_PROTOCOL || code == V4_PORT ? FRAME_ICMP_UNREACHABLE_HARD : FRAME_ICMP_UNREACHABLE_SOFT;
    case V4_TIME_EXCEEDED:
        return FRAME_ICMP_TIME_EXCEEDED;
    case V4_PARAMETER:
        return FRAME_ICMP_PARAMETER_PROBLEM;
    }
    return FRAME_ICMP_IGNORED;
}

static enum frame_icmp_kind kind_v6(uint8_t type, uint8_t code)
{
    switch (type) {
    case V6_UNREACHABLE:
        return code == V6_PORT ? FRAME_ICMP_UNREACHABLE_HARD : FRAME_ICMP_UNREACHABLE_SOFT;
    case V6_TOO_BIG:
        return FRAME_ICMP_TOO_BIG;
    case V6_TIME_EXCEEDED:
        return FRAME_ICMP_TIME_EXCEEDED;
    case V6_PARAMETER:
        return FRAME_ICMP_PARAMETER_PROBLEM;
    }
    return FRAME_ICMP_IGNORED;
}

/* The start of the quoted TCP header, behind an IPv4 header.  Its total length bounds nothing: some senders of errors
 * have changed it (RFC 1191 5). */
static uint32_t read_quote_v4(const uint8_t *quote, uint32_t length, struct frame_icmp *out)
{
    uint32_t header_bytes;

    if (length < FRAME_IPV4_BYTES || quote[0] >> 4 != 4) {
        return 0;
    }
    header_bytes = (quote[0] & 15u) * 4;
    if (header_bytes < FRAME_IPV4_BYTES || header_bytes > length || quote[AT_V4_PROTOCOL] != CODEC_PROTOCOL_TCP ||
        (get16(quote + AT_V4_FRAGMENT) & V4_OFFSET) != 0) {
        return 0;
    }
    out->quoted_bytes = get16(quote + AT_V4_TOTAL);
    out->src_ip = flue_ip_v4(get32(quote + AT_V4_SOURCE));
    out->dst_ip = flue_ip_v4(get32(quote + AT_V4_DESTINATION));
    return header_bytes;
}

static uint32_t read_quote_v6(const uint8_t *quote, uint32_t length, struct frame_icmp *out)
{
    if (length < FRAME_IPV6_BYTES || quote[0] >> 4 != 6) {
        return 0;
    }
    out->quoted_bytes = FRAME_IPV6_BYTES + get16(quote + AT_V6_PAYLOAD);
    out->src_ip = get_ip6(quote + AT_V6_SOURCE);
    out->dst_ip = get_ip6(quote + AT_V6_DESTINATION);
    return ipv6_skip(quote, length, CODEC_PROTOCOL_TCP, NULL);
}

static bool read_quote(const uint8_t *quote, uint32_t length, struct frame_icmp *out)
{
    uint32_t tcp_at =
        out->ethertype == FLUE_ETHERTYPE_IPV6 ? read_quote_v6(quote, length, out) : read_quote_v4(quote, length, out);

    if (tcp_at == 0 || length - tcp_at < QUOTE_MIN_BYTES) {
        return false;
    }
    out->src_port = get16(quote + tcp_at);
    out->dst_port = get16(quote + tcp_at + 2);
    out->seq = get32(quote + tcp_at + 4);
    return true;
}

/* The bytes in front of the ICMP message and, in *total_bytes, its end; 0: refused. */
static uint32_t read_ip(const uint8_t *bytes, size_t length, struct flue_frame *ip, uint32_t *total_bytes, bool verify)
{
    bool v6 = length > 0 && bytes[0] >> 4 == 6;
    uint32_t at = v6 ? ipv6_decode(bytes, length, CODEC_PROTOCOL_ICMPV6, ip, total_bytes)
                     : ipv4_decode(bytes, length, CODEC_PROTOCOL_ICMPV4, ip, total_bytes, verify);

    if (at == 0 || ip->kind == FLUE_FRAME_FRAGMENT || *total_bytes - at < FRAME_ICMP_BYTES) {
        return 0;
    }
    if (verify) {
        uint32_t icmp_bytes = *total_bytes - at;
        uint64_t sum = v6 ? codec_pseudo_sum(ip, CODEC_PROTOCOL_ICMPV6, icmp_bytes) : 0; /* RFC 4443 2.3 */

        return frame_sum_finish(frame_sum(sum, bytes + at, icmp_bytes)) == 0 ? at : 0;
    }
    return at;
}

/* Fills *out, part of it even when the packet is refused. */
static bool decode_error(const uint8_t *bytes, size_t length, struct frame_icmp *out, bool verify)
{
    struct flue_frame ip = {.ethertype = 0};
    uint32_t total_bytes;
    uint32_t at = read_ip(bytes, length, &ip, &total_bytes, verify);
    const uint8_t *icmp = bytes + at;

    if (at == 0) {
        return false;
    }
    *out = (struct frame_icmp){.from_ip = ip.src_ip, .to_ip = ip.dst_ip, .ethertype = ip.ethertype};
    if (codec_is_ipv6(&ip)) {
        out->kind = kind_v6(icmp[AT_TYPE], icmp[AT_CODE]);
        out->mtu_bytes = out->kind == FRAME_ICMP_TOO_BIG ? get32(icmp + AT_MTU_V6) : 0;
    } else {
        out->kind = kind_v4(icmp[AT_TYPE], icmp[AT_CODE]);
        out->mtu_bytes = out->kind == FRAME_ICMP_TOO_BIG ? get16(icmp + AT_MTU_V4) : 0;
    }
    return out->kind == FRAME_ICMP_IGNORED ||
           read_quote(icmp + FRAME_ICMP_BYTES, total_bytes - at - FRAME_ICMP_BYTES, out);
}

flue_err frame_icmp_decode(const uint8_t *bytes, size_t length, struct frame_icmp *out, bool verify)
{
    if (decode_error(bytes, length, out, verify)) {
        return FLUE_OK;
    }
    *out = (struct frame_icmp){.kind = FRAME_ICMP_IGNORED};
    return FLUE_EPARSE;
}

static void write_header(const struct frame_icmp *icmp, bool v6, uint8_t *at)
{
    static const struct {
        uint8_t type[2], code[2]; /* of IPv4, of IPv6 */
    } table[] = {
        [FRAME_ICMP_IGNORED] = {{V4_SOURCE_QUENCH, V6_EXPERIMENT}, {0, 0}},
        [FRAME_ICMP_TOO_BIG] = {{V4_UNREACHABLE, V6_TOO_BIG}, {V4_TOO_BIG, 0}},
        [FRAME_ICMP_UNREACHABLE_HARD] = {{V4_UNREACHABLE, V6_UNREACHABLE}, {V4_PORT, V6_PORT}},
        [FRAME_ICMP_UNREACHABLE_SOFT] = {{V4_UNREACHABLE, V6_UNREACHABLE}, {V4_HOST, V6_ADDRESS}},
        [FRAME_ICMP_TIME_EXCEEDED] = {{V4_TIME_EXCEEDED, V6_TIME_EXCEEDED}, {0, 0}},
        [FRAME_ICMP_PARAMETER_PROBLEM] = {{V4_PARAMETER, V6_PARAMETER}, {0, 0}},
    };

    put32(at, (uint32_t)table[icmp->kind].type[v6] << 24 | (uint32_t)table[icmp->kind].code[v6] << 16);
    put32(at + 4, 0);
    if (icmp->kind == FRAME_ICMP_TOO_BIG && v6) {
        put32(at + AT_MTU_V6, icmp->mtu_bytes);
    } else if (icmp->kind == FRAME_ICMP_TOO_BIG) {
        put16(at + AT_MTU_V4, icmp->mtu_bytes < MAX_MTU_V4 ? icmp->mtu_bytes : MAX_MTU_V4);
    }
}

/* Writes the first quote_bytes bytes of a packet, all headers among them.  False: it cannot be encoded. */
static bool write_quote(const struct flue_frame *about, uint32_t quote_bytes, uint8_t *out)
{
    uint32_t header_bytes = (uint32_t)frame_encode(about, out, quote_bytes, true);
    struct flue_span start;

    if (header_bytes == 0) {
        return false;
    }
    start = span_slice(&about->payload, 0, quote_bytes - header_bytes);
    span_copy(&start, out + header_bytes);
    return true;
}

size_t frame_icmp_encode(const struct frame_icmp *icmp, const struct flue_frame *about, uint8_t *out, size_t room)
{
    bool v6 = codec_is_ipv6(about);
    const struct flue_frame ip = {.ethertype = about->ethertype,
                                  .src_ip = icmp->from_ip,
                                  .dst_ip = about->src_ip,
                                  .ttl = ERROR_TTL,
                                  .tos = ERROR_TOS};
    uint32_t at = codec_ip_bytes(about);
    uint32_t max_quote_bytes = (v6 ? FRAME_ICMP_MAX_BYTES : MAX_ERROR_V4) - at - FRAME_ICMP_BYTES;
    uint64_t about_bytes = (uint64_t)frame_header_bytes(about) + about->payload.length_bytes;
    uint32_t quote_bytes = about_bytes < max_quote_bytes ? (uint32_t)about_bytes : max_quote_bytes;
    uint32_t icmp_bytes = FRAME_ICMP_BYTES + quote_bytes;
    uint64_t sum = 0;

    if (room < at + icmp_bytes || !write_quote(about, quote_bytes, out + at + FRAME_ICMP_BYTES)) {
        return 0;
    }
    write_header(icmp, v6, out + at);
    if (v6) {
        ipv6_encode(&ip, at + icmp_bytes, CODEC_PROTOCOL_ICMPV6, out);
        sum = codec_pseudo_sum(&ip, CODEC_PROTOCOL_ICMPV6, icmp_bytes);
    } else {
        ipv4_encode(&ip, at + icmp_bytes, CODEC_PROTOCOL_ICMPV4, out);
    }
    put16(out + at + AT_CHECKSUM, frame_sum_finish(frame_sum(sum, out + at, icmp_bytes)));
    return at + icmp_bytes;
}

uint32_t icmp_error_bytes(const struct flue_frame *frame)
{
    return 2 * codec_ip_bytes(frame) + FRAME_ICMP_BYTES + QUOTE_MIN_BYTES;
}

/* The quote is as short as RFC 792 allows: an IP header and the first eight bytes of TCP's. */
void icmp_error_encode(const struct flue_frame *frame, uint8_t *out)
{
    const bool v6 = codec_is_ipv6(frame);
    const uint32_t ip_bytes = codec_ip_bytes(frame);
    const struct flue_frame ip = {.ethertype = frame->ethertype,
                                  .src_ip = frame->src_ip,
                                  .dst_ip = frame->dst_ip,
                                  .ttl = frame->ttl,
                                  .tos = frame->tos,
                                  .ip_id = frame->ip_id,
                                  .flow_label = frame->flow_label};
    const struct flue_frame quoted = {
        .ethertype = frame->ethertype, .src_ip = frame->dst_ip, .dst_ip = frame->quoted_ip, .ttl = 1};
    const uint32_t total_bytes = icmp_error_bytes(frame);
    const uint32_t icmp_bytes = total_bytes - ip_bytes;
    uint8_t *icmp = out + ip_bytes;
    uint8_t *tcp = icmp + FRAME_ICMP_BYTES + ip_bytes;
    uint64_t sum = 0;

    put32(icmp, (uint32_t)frame->flags << 24 | (uint32_t)frame->options << 16);
    put32(icmp + 4, frame->mss); /* its lower half is where IPv4 has the MTU */
    if (v6) {
        ipv6_encode(&ip, total_bytes, CODEC_PROTOCOL_ICMPV6, out);
        ipv6_encode(&quoted, ip_bytes + FRAME_TCP_BYTES, CODEC_PROTOCOL_TCP, icmp + FRAME_ICMP_BYTES);
        sum = codec_pseudo_sum(&ip, CODEC_PROTOCOL_ICMPV6, icmp_bytes);
    } else {
        ipv4_encode(&ip, total_bytes, CODEC_PROTOCOL_ICMPV4, out);
        ipv4_encode(&quoted, ip_bytes + FRAME_TCP_BYTES, CODEC_PROTOCOL_TCP, icmp + FRAME_ICMP_BYTES);
    }
    put16(tcp, frame->src_port);
    put16(tcp + 2, frame->dst_port);
    put32(tcp + 4, frame->seq);
    put16(icmp + AT_CHECKSUM, frame_sum_finish(frame_sum(sum, icmp, icmp_bytes)));
}

bool icmp_error_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    struct frame_icmp icmp;
    uint32_t total_bytes;
    uint32_t at = read_ip(bytes, length, frame, &total_bytes, verify);

    if (at == 0 || frame->ip != 0 || !decode_error(bytes, length, &icmp, false) || icmp.kind == FRAME_ICMP_IGNORED ||
        !flue_ip_equal(&icmp.src_ip, &icmp.to_ip)) {
        return false;
    }
    frame->kind = FLUE_FRAME_ICMP;
    frame->flags = bytes[at + AT_TYPE];
    frame->options = bytes[at + AT_CODE];
    frame->mss = (uint16_t)(icmp.mtu_bytes < MAX_MTU_V4 ? icmp.mtu_bytes : MAX_MTU_V4);
    frame->src_port = icmp.src_port;
    frame->dst_port = icmp.dst_port;
    frame->seq = icmp.seq;
    frame->quoted_ip = icmp.dst_ip;
    return true;
}
