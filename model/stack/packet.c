/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/packet.c - packets in and out: bytes to frames, and frames with payload from a ring to bytes. */
#include <assert.h>

#include "frame/frame.h"
#include "frame/icmp.h"
#include "stack/stack.h"

enum protocol { PROTOCOL_NONE, PROTOCOL_TCP, PROTOCOL_ICMP, PROTOCOL_OTHER };

/* Makes room in the one buffer; false: the packet counts as lost, as the network may lose it, and TCP sends again. */
static bool buffer_for(struct flue_stack *stack, size_t bytes)
{
    size_t room = stack->packet_room;
    uint8_t *packet;

    if (bytes <= room) {
        return true;
    }
    while (room < bytes) {
        room *= 2;
    }
    packet = stack_allocate(stack, room);
    if (packet == NULL) {
        return false;
    }
    stack_release(stack, stack->packet, stack->packet_room);
    stack->packet = packet;
    stack->packet_room = room;
    return true;
}

flue_ps stack_output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    struct flue_stack *stack = owner;
    struct flue_frame real = *frame;
    uint32_t length = frame->payload.length_bytes;
    size_t header_bytes;
    size_t made;

    (void)again;
    if (conn != NULL) {
        struct socket *socket = flue_tcp_user(conn);

        socket->conn = conn;
        real.ethertype = flue_ip_is_v4(&frame->src_ip) ? FLUE_ETHERTYPE_IPV4 : FLUE_ETHERTYPE_IPV6;
        header_bytes = frame_header_bytes(&real);
        if (!buffer_for(stack, header_bytes + length)) {
            return at_ps;
        }
        if (length > 0) {
            assert(frame->payload.memory == NULL && frame->payload.stream == STACK_SENT);
            ring_read(&socket->send, frame->payload.offset_bytes, stack->packet + header_bytes, length);
        }
    } else {
        assert(length == 0);
        real.ethertype = flue_ip_is_v4(&frame->src_ip) ? FLUE_ETHERTYPE_IPV4 : FLUE_ETHERTYPE_IPV6;
        header_bytes = frame_header_bytes(&real);
    }
    real.payload = (struct flue_span){.memory = stack->packet + header_bytes, .length_bytes = length};
    made = frame_encode(&real, stack->packet, stack->packet_room, true);
    assert(made == header_bytes);
    stack->callbacks.output(stack->callbacks.ctx, stack->packet, made + length);
    return at_ps;
}

/* IPv6: behind the extension headers (RFC 8200 4.1), as far as the packet reaches. */
static unsigned last_header(const uint8_t *packet, size_t bytes)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };
    unsigned next = packet[6];
    size_t at = FRAME_IPV6_BYTES;

    while (at + 8 <= bytes && (next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == DESTINATION)) {
        size_t length = next == FRAGMENT ? 8 : 8 * (packet[at + 1] + (size_t)1);

        next = packet[at];
        at += length;
    }
    return next;
}

/* What the IP header says is in the packet; all else that may be wrong with it is found by frame_decode(). */
static enum protocol protocol_of(const uint8_t *packet, size_t bytes)
{
    enum { ICMPV4 = 1, TCP = 6, ICMPV6 = 58 };
    unsigned protocol;

    if (bytes >= FRAME_IPV4_BYTES && packet[0] >> 4 == 4) {
        protocol = packet[9];
        return protocol == TCP ? PROTOCOL_TCP : protocol == ICMPV4 ? PROTOCOL_ICMP : PROTOCOL_OTHER;
    }
    if (bytes >= FRAME_IPV6_BYTES && packet[0] >> 4 == 6) {
        protocol = last_header(packet, bytes);
        return protocol == TCP ? PROTOCOL_TCP : protocol == ICMPV6 ? PROTOCOL_ICMP : PROTOCOL_OTHER;
    }
    return PROTOCOL_NONE;
}

static int take_icmp(struct flue_stack *stack, const uint8_t *packet, size_t bytes)
{
    struct frame_icmp icmp;
    struct flue_tcp_icmp error = {.kind = FLUE_TCP_ICMP_UNREACHABLE_SOFT};
    struct flue_tcp_conn *conn;

    if (frame_icmp_decode(packet, bytes, &icmp, stack->config.verify_checksums != 0) != FLUE_OK) {
        return FLUE_STACK_EPROTO;
    }
    if (!stack_owns(stack, &icmp.to_ip)) {
        return FLUE_STACK_EADDRNOTAVAIL;
    }
    switch (icmp.kind) {
    case FRAME_ICMP_IGNORED:
        return FLUE_STACK_EPROTONOSUPPORT;
    case FRAME_ICMP_TOO_BIG:
        error.kind = FLUE_TCP_ICMP_TOO_BIG;
        break;
    case FRAME_ICMP_UNREACHABLE_HARD:
        error.kind = FLUE_TCP_ICMP_UNREACHABLE_HARD;
        break;
    case FRAME_ICMP_UNREACHABLE_SOFT:
    case FRAME_ICMP_TIME_EXCEEDED:
    case FRAME_ICMP_PARAMETER_PROBLEM:
        break;
    }
    error.tuple = (struct flue_tcp_tuple){
        .local_ip = icmp.src_ip, .remote_ip = icmp.dst_ip, .local_port = icmp.src_port, .remote_port = icmp.dst_port};
    error.seq = icmp.seq;
    error.mtu_bytes = icmp.mtu_bytes;
    error.quoted_bytes = icmp.quoted_bytes;
    conn = flue_tcp_find_tuple(stack->tcp, &error.tuple);
    stack->current = conn == NULL ? NULL : flue_tcp_user(conn);
    (void)flue_tcp_icmp(stack->tcp, &error, stack->now_ps);
    return FLUE_STACK_OK;
}

static int take_segment(struct flue_stack *stack, const uint8_t *packet, size_t bytes)
{
    struct flue_frame frame;
    struct flue_tcp_conn *conn;
    struct socket *socket, *fresh;

    if (frame_decode(packet, bytes, &frame, stack->config.verify_checksums != 0) != FLUE_OK) {
        return FLUE_STACK_EPROTO;
    }
    /* RFC 4291 2.5.5.2: an IPv4-mapped address is no address of an IPv6 packet; here it would mean an IPv4 one. */
    if (frame.ethertype == FLUE_ETHERTYPE_IPV6 && (flue_ip_is_v4(&frame.src_ip) || flue_ip_is_v4(&frame.dst_ip))) {
        return FLUE_STACK_EPROTO;
    }
    if (!stack_owns(stack, &frame.dst_ip)) {
        return FLUE_STACK_EADDRNOTAVAIL;
    }
    if (!stack_ip_host(&frame.src_ip)) {
        return FLUE_STACK_EPROTO; /* RFC 1122 3.2.1.3 */
    }
    conn = flue_tcp_find(stack->tcp, &frame);
    socket = conn == NULL ? NULL : flue_tcp_user(conn);
    stack->current = socket;
    if (socket != NULL && !socket_make_room(socket, &frame)) {
        return FLUE_STACK_OK;
    }
    stack->fresh_bytes = frame.payload.length_bytes;
    flue_tcp_input(stack->tcp, conn, &frame, stack->now_ps, stack->config.answer_rst != 0);
    if (socket != NULL) {
        socket_rest(socket);
    }
    fresh = stack->fresh;
    stack->fresh = NULL;
    if (fresh != NULL && fresh->conn == NULL && fresh->phase == SOCKET_OPENING) {
        socket_free(fresh); /* the engine had no memory for its connection */
    } else if (fresh != NULL) {
        socket_rest(fresh);
    }
    return FLUE_STACK_OK;
}

int flue_stack_input(struct flue_stack *stack, const void *packet, size_t bytes, flue_ps now_ps)
{
    int result = FLUE_STACK_EPROTO;

    stack_run(stack, now_ps);
    switch (protocol_of(packet, bytes)) {
    case PROTOCOL_NONE:
        break;
    case PROTOCOL_OTHER:
        result = FLUE_STACK_EPROTONOSUPPORT;
        break;
    case PROTOCOL_TCP:
        result = take_segment(stack, packet, bytes);
        break;
    case PROTOCOL_ICMP:
        result = take_icmp(stack, packet, bytes);
        break;
    }
    stack->current = NULL;
    stack_settle(stack);
    return result;
}
