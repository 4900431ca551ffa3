/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/frame.c - a whole IP packet: sizes, encoding, decoding. */
#include "base/span.h"
#include "frame/codec.h"

#define MAX_PACKET_BYTES 65535u

uint32_t frame_header_bytes(const struct flue_frame *frame)
{
    return FRAME_IPV4_BYTES + FRAME_TCP_BYTES + frame_option_bytes(frame->options);
}

uint32_t frame_ip_bytes(const struct flue_frame *frame)
{
    return frame_header_bytes(frame) + frame->payload.length_bytes;
}

size_t frame_encode(const struct flue_frame *frame, uint8_t *out, size_t room, bool checksums)
{
    uint32_t header_bytes = frame_header_bytes(frame);
    uint8_t *tcp = out + FRAME_IPV4_BYTES;
    uint32_t tcp_header_bytes;

    if (room < header_bytes || frame->payload.length_bytes > MAX_PACKET_BYTES - header_bytes) {
        return 0;
    }
    ipv4_encode(frame, frame_ip_bytes(frame), out);
    tcp_header_bytes = tcp_encode(frame, tcp);
    if (checksums) {
        uint64_t sum = tcp_pseudo_sum(frame, tcp_header_bytes + frame->payload.length_bytes);

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

    ip_bytes = ipv4_decode(bytes, length, frame, &total_bytes, verify);
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
    return !verify || frame_sum_finish(frame_sum(tcp_pseudo_sum(frame, tcp_bytes), bytes + ip_bytes, tcp_bytes)) == 0;
}

flue_err frame_decode(const uint8_t *bytes, size_t length, struct flue_frame *frame, bool verify)
{
    *frame = (struct flue_frame){.ethertype = FLUE_ETHERTYPE_IPV4};
    if (decode_packet(bytes, length, frame, verify)) {
        return FLUE_OK;
    }
    *frame = (struct flue_frame){.ethertype = 0};
    return FLUE_EPARSE;
}
