/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/frame.c - a whole packet: sizes, encoding, decoding. */
#include "base/span.h"
#include "frame/codec.h"

#define FRAME_MIN_PAYLOAD 46u /* of an Ethernet frame (IEEE 802.3 3.2.8) */

static uint32_t max_packet_bytes(const struct flue_frame *frame)
{
    return codec_is_ipv6(frame) ? FRAME_IPV6_BYTES + CODEC_IP_MAX_LENGTH : CODEC_IP_MAX_LENGTH;
}

uint32_t frame_header_bytes(const struct flue_frame *frame)
{
    switch ((enum flue_frame_kind)frame->kind) {
    case FLUE_FRAME_TCP:
        break;
    case FLUE_FRAME_FRAGMENT:
        if (codec_is_later(frame)) {
            return codec_ip_all_bytes(frame);
        }
        break;
    case FLUE_FRAME_ARP:
        return CODEC_ARP_BYTES;
    case FLUE_FRAME_ND:
        return CODEC_ND_BYTES;
    case FLUE_FRAME_ICMP:
        return icmp_error_bytes(frame);
    }
    return codec_ip_all_bytes(frame) + FRAME_TCP_BYTES + frame_option_bytes(frame);
}

uint32_t frame_packet_bytes(const struct flue_frame *frame)
{
    return frame_header_bytes(frame) + frame->payload.length_bytes;
}

uint32_t frame_link_bytes(const struct flue_frame *frame, bool has_mac)
{
    uint32_t bytes = frame_ip_bytes(frame);

    if (!has_mac) {
        return bytes;
    }
    return (bytes > FRAME_MIN_PAYLOAD ? bytes : FRAME_MIN_PAYLOAD) + (frame->vlan != 0 ? FRAME_VLAN_BYTES : 0);
}

/* The datagram's piece: every one but the last is a multiple of 8, and none reaches behind what a datagram can have. */
static bool is_right_piece(const struct flue_frame *frame, uint32_t piece_bytes)
{
    bool more = (frame->fragment & FLUE_FRAGMENT_MORE) != 0;
    uint32_t from = frame->fragment & CODEC_FRAGMENT_OFFSET;

    return frame->fragment != 0 && (from | (more ? FLUE_FRAGMENT_MORE : 0)) == frame->fragment && piece_bytes > 0 &&
           (!more || piece_bytes % 8 == 0) && from + piece_bytes <= CODEC_IP_MAX_LENGTH;
}

/* An IP header and behind it TCP's, where there is one. */
static bool encode_segment(const struct flue_frame *frame, uint32_t header_bytes, uint8_t *out, bool checksums)
{
    uint32_t ip_bytes = codec_ip_all_bytes(frame);
    uint32_t tcp_bytes = header_bytes - ip_bytes + frame->payload.length_bytes;
    uint8_t *tcp = out + ip_bytes;

    if (frame->kind == FLUE_FRAME_FRAGMENT && !is_right_piece(frame, tcp_bytes)) {
        return false;
    }
    if (codec_is_ipv6(frame)) {
        ipv6_encode(frame, ip_bytes + tcp_bytes, CODEC_PROTOCOL_TCP, out);
    } else {
        ipv4_encode(frame, ip_bytes + tcp_bytes, CODEC_PROTOCOL_TCP, out);
    }
    if (codec_is_later(frame)) {
        return true;
    }
    (void)tcp_encode(frame, tcp);
    if (checksums && frame->kind == FLUE_FRAME_TCP) {
        uint64_t sum = codec_pseudo_sum(frame, CODEC_PROTOCOL_TCP, tcp_bytes);

        sum = frame_sum(sum, tcp, header_bytes - ip_bytes);
        sum = frame_sum_span(sum, &frame->payload);
        put16(tcp + CODEC_TCP_CHECKSUM_AT, frame_sum_finish(sum));
    }
    return true;
}

size_t frame_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums)
{
    uint32_t header_bytes = frame_header_bytes(frame);
    bool good = false;

    if (room < header_bytes || frame->payload.length_bytes > max_packet_bytes(frame) - header_bytes) {
        return 0;
    }
    switch ((enum flue_frame_kind)frame->kind) {
    case FLUE_FRAME_TCP:
    case FLUE_FRAME_FRAGMENT:
        good = encode_segment(frame, header_bytes, out, checksums);
        break;
    case FLUE_FRAME_ARP:
        good = frame->payload.length_bytes == 0 && arp_encode(frame, out);
        break;
    case FLUE_FRAME_ND:
        good = frame->payload.length_bytes == 0 && nd_encode(frame, out);
        break;
    case FLUE_FRAME_ICMP:
        good = frame->payload.length_bytes == 0;
        if (good) {
            icmp_error_encode(frame, out);
        }
        break;
    }
    return good ? header_bytes : 0;
}

size_t frame_encode_payload(const struct flue_frame *frame, uint8_t *out, size_t room)
{
    if (room < frame->payload.length_bytes) {
        return 0;
    }
    span_copy(&frame->payload, out);
    return frame->payload.length_bytes;
}

/* Fills *frame, part of it even when the packet is refused.  A fragment is one only to whom `pieces` says it. */
static bool decode_segment(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify, bool pieces)
{
    uint32_t total_bytes, ip_bytes, tcp_bytes, tcp_header_bytes = 0;

    if (length > 0 && bytes[0] >> 4 == 6) {
        ip_bytes = ipv6_decode(bytes, length, CODEC_PROTOCOL_TCP, frame, &total_bytes);
    } else {
        ip_bytes = ipv4_decode(bytes, length, CODEC_PROTOCOL_TCP, frame, &total_bytes, verify);
    }
    if (ip_bytes == 0 || (frame->kind == FLUE_FRAME_FRAGMENT && !pieces)) {
        return false;
    }
    tcp_bytes = total_bytes - ip_bytes;
    if (frame->kind == FLUE_FRAME_FRAGMENT && !is_right_piece(frame, tcp_bytes)) {
        return false;
    }
    if (!codec_is_later(frame)) {
        tcp_header_bytes = tcp_decode(bytes + ip_bytes, tcp_bytes, frame);
        if (tcp_header_bytes == 0) {
            return false;
        }
    }
    frame->payload.memory = bytes + ip_bytes + tcp_header_bytes;
    frame->payload.length_bytes = tcp_bytes - tcp_header_bytes;
    if (verify && frame->kind == FLUE_FRAME_TCP) {
        uint64_t sum = codec_pseudo_sum(frame, CODEC_PROTOCOL_TCP, tcp_bytes);

        return frame_sum_finish(frame_sum(sum, bytes + ip_bytes, tcp_bytes)) == 0;
    }
    return true;
}

flue_err frame_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    *frame = (struct flue_frame){.ethertype = 0};
    if (decode_segment(bytes, length, frame, verify, false)) {
        return FLUE_OK;
    }
    *frame = (struct flue_frame){.ethertype = 0};
    return FLUE_EPARSE;
}

flue_err frame_packet_decode(uint16_t ethertype, const uint8_t *bytes, size_t length, struct flue_frame *frame,
                             bool verify)
{
    /* What one reader has left half done, the next one must not see. */
    *frame = (struct flue_frame){.ethertype = 0};
    if (ethertype == FLUE_ETHERTYPE_ARP) {
        if (arp_decode(bytes, length, frame)) {
            return FLUE_OK;
        }
    } else if (length > 0 && bytes[0] >> 4 == (ethertype == FLUE_ETHERTYPE_IPV6 ? 6 : 4) &&
               (ethertype == FLUE_ETHERTYPE_IPV4 || ethertype == FLUE_ETHERTYPE_IPV6)) {
        if (decode_segment(bytes, length, frame, verify, true)) {
            return FLUE_OK;
        }
        *frame = (struct flue_frame){.ethertype = 0};
        if (icmp_error_decode(bytes, length, frame, verify)) {
            return FLUE_OK;
        }
        *frame = (struct flue_frame){.ethertype = 0};
        if (ethertype == FLUE_ETHERTYPE_IPV6 && nd_decode(bytes, length, frame, verify)) {
            return FLUE_OK;
        }
    }
    *frame = (struct flue_frame){.ethertype = 0};
    return FLUE_EPARSE;
}
