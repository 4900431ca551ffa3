/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/frame.c - a whole IP packet: sizes, encoding, decoding. */
#include "base/span.h"
#include "frame/codec.h"

#define MAX_LENGTH 65535u /* what IPv4's total length and IPv6's payload length can tell */

static uint32_t max_packet_bytes(const struct flue_frame *frame)
{
    return codec_is_ipv6(frame) ? FRAME_IPV6_BYTES + MAX_LENGTH : MAX_LENGTH;
}

uint32_t frame_header_bytes(const struct flue_frame *frame)
{
    return codec_ip_bytes(frame) + FRAME_TCP_BYTES + frame_option_bytes(frame);
}

uint32_t frame_ip_bytes(const struct flue_frame *frame)
{
    return frame_header_bytes(frame) + frame->payload.length_bytes;
}

size_t frame_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums)
{
    uint32_t header_bytes = frame_header_bytes(frame);
    uint32_t total_bytes = header_bytes + frame->payload.length_bytes;
    uint8_t *tcp = out + codec_ip_bytes(frame);
    uint32_t tcp_header_bytes;

    if (room < header_bytes || frame->payload.length_bytes > max_packet_bytes(frame) - header_bytes) {
        return 0;
    }
    if (codec_is_ipv6(frame)) {
        ipv6_encode(frame, total_bytes, CODEC_PROTOCOL_TCP, out);
    } else {
        ipv4_encode(frame, total_bytes, CODEC_PROTOCOL_TCP, out);
    }
    tcp_header_bytes = tcp_encode(frame, tcp);
    if (checksums) {
        uint64_t sum = codec_pseudo_sum(frame, CODEC_PROTOCOL_TCP, tcp_header_bytes + frame->payload.length_bytes);

        sum = frame_sum(sum, tcp, tcp_header_bytes);
        sum = frame_sum_span(sum, &frame->payload);
        put16(tcp + CODEC_TCP_CHECKSUM_AT, frame_sum_finish(sum));
    }
    return header_bytes;
}

size_t frame_encode_payload(const struct flue_frame *frame, uint8_t *out, size_t room)
{
    if (room < frame->payload.length_bytes) {
        return 0;
    }
    span_copy(&frame->payload, out);
    return frame->payload.length_bytes;
}

/* Fills *frame, part of it even when the packet is refused. */
static bool decode_packet(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    uint32_t total_bytes, ip_bytes, tcp_bytes, tcp_header_bytes;

    if (length > 0 && bytes[0] >> 4 == 6) {
        ip_bytes = ipv6_decode(bytes, length, CODEC_PROTOCOL_TCP, frame, &total_bytes);
    } else {
        ip_bytes = ipv4_decode(bytes, length, CODEC_PROTOCOL_TCP, frame, &total_bytes, verify);
    }
    if (ip_bytes == 0) {
        return false;
    }
    tcp_bytes = total_bytes - ip_bytes;
    tcp_header_bytes = tcp_decode(bytes + ip_bytes, tcp_bytes, frame);
    if (tcp_header_bytes == 0) {
        return false;
    }
    frame->payload.memory = bytes + ip_bytes + tcp_header_bytes;
    frame->payload.length_bytes = tcp_bytes - tcp_header_bytes;
    if (verify) {
        uint64_t sum = codec_pseudo_sum(frame, CODEC_PROTOCOL_TCP, tcp_bytes);

        return frame_sum_finish(frame_sum(sum, bytes + ip_bytes, tcp_bytes)) == 0;
    }
    return true;
}

flue_err frame_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    *frame = (struct flue_frame){.ethertype = 0};
    if (decode_packet(bytes, length, frame, verify)) {
        return FLUE_OK;
    }
    *frame = (struct flue_frame){.ethertype = 0};
    return FLUE_EPARSE;
}
