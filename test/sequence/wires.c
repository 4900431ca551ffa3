/* SPDX-License-Identifier: GPL-2.0-only */
/* The network between the nodes: it remembers what it needs to quote, gives B other MAC addresses, and reports smaller
 * MTUs. */
#include <string.h>

#include "frame/frame.h"
#include "sequence/world.h"

const uint8_t world_mac_a[6] = {2, 0, 0, 0, 0, 0xa}, world_mac_b[6] = {2, 0, 0, 0, 0xb, 0};

static enum flue_wire_result send_piece(struct world *world, const struct flue_frame *whole, uint32_t from_bytes,
                                        uint32_t end_bytes, uint32_t header_bytes)
{
    const uint32_t start_bytes = from_bytes == 0 ? 0 : from_bytes - header_bytes;
    struct flue_frame piece = *whole;

    if (from_bytes != 0) { /* without a TCP header */
        piece.src_port = piece.dst_port = piece.window = 0;
        piece.seq = piece.ack = 0;
        piece.flags = piece.options = 0;
    }
    piece.kind = FLUE_FRAME_FRAGMENT;
    piece.ip_id = world->datagrams;
    piece.fragment = (uint16_t)from_bytes;
    piece.payload.length_bytes = end_bytes - header_bytes - start_bytes;
    piece.payload.offset_bytes += start_bytes;
    if (piece.payload.length_bytes + start_bytes < whole->payload.length_bytes) {
        piece.fragment |= FLUE_FRAGMENT_MORE;
    }
    return link_send(&world->link[0], &piece, world->now_ps);
}

/* Two or three pieces, the last one first now and then. */
static enum flue_wire_result send_in_pieces(struct world *world, const struct flue_frame *whole)
{
    const uint32_t header_bytes = 20 + frame_option_bytes(whole);
    const uint32_t all_bytes = header_bytes + whole->payload.length_bytes;
    const uint32_t first_bytes = (header_bytes + 7) / 8 * 8; /* the header is not cut (RFC 1858) */
    const uint32_t room = (all_bytes - 1 - first_bytes) / 8;
    const uint32_t one_bytes = first_bytes + 8 * (uint32_t)rng_below(&world->network, room / 2 + 1);
    const uint32_t two_bytes = one_bytes + 8 * (uint32_t)rng_below(&world->network, room / 2 + 1);
    const bool backwards = rng_below(&world->network, 4) == 0;

    world->fragmented++;
    world->datagrams++;
    if (backwards) {
        (void)send_piece(world, whole, two_bytes, all_bytes, header_bytes);
    }
    (void)send_piece(world, whole, 0, one_bytes, header_bytes);
    if (two_bytes > one_bytes) {
        (void)send_piece(world, whole, one_bytes, two_bytes, header_bytes);
    }
    if (!backwards) {
        (void)send_piece(world, whole, two_bytes, all_bytes, header_bytes);
    }
    return FLUE_WIRE_SENT;
}

/* What old or far networks do with the segments of B. */
static enum flue_wire_result send_from_b(struct world *world, struct flue_frame *frame)
{
    frame->src_mac[5] = world->mac;
    if (frame->kind == FLUE_FRAME_TCP && rng_chance_ppm(&world->network, world->plan->options_ppm)) {
        frame->ip |= FLUE_IP_OPTIONS;
        world->with_options++;
    }
    if (frame->kind == FLUE_FRAME_TCP && frame->payload.length_bytes > 16 &&
        rng_chance_ppm(&world->network, world->plan->fragment_ppm)) {
        return send_in_pieces(world, frame);
    }
    return link_send(&world->link[0], frame, world->now_ps);
}

/* A frame that leaves a node.  B always has the address it began with; the others hear its present one. */
enum flue_wire_result world_wire_send(void *ctx, const struct flue_frame *frame)
{
    const struct world_wire *wire = ctx;
    struct world *world = wire->world;
    struct flue_frame copy = *frame;

    if (wire->link == 0) {
        return send_from_b(world, &copy);
    }
    if (frame->kind == FLUE_FRAME_TCP && frame->payload.length_bytes > 0) {
        const unsigned port = frame->src_port == PLAN_PORT ? frame->dst_port : frame->src_port;

        if (port >= 1000 && port < 1000 + PLAN_CONNECTIONS) {
            world->conn[port - 1000].last_seq = frame->seq;
        }
    }
    return link_send(&world->link[wire->link], &copy, world->now_ps);
}

void world_to_b(struct world *world, const struct flue_frame *frame)
{
    struct flue_frame copy = *frame;

    if (memcmp(frame->dst_mac, world_mac_b, 5) == 0) {
        copy.dst_mac[5] = 0; /* an address that B has or had */
    }
    flue_node_receive(world->node[NODE_B], &copy);
}

/* An answer that nobody asked for. */
void world_tell_mac(struct world *world, const struct flue_ip *ip)
{
    struct flue_frame frame = {.src_ip = *ip,
                               .dst_ip = *ip,
                               .flags = FLUE_NEIGHBOUR_ANSWER,
                               .ttl = 255,
                               .kind = flue_ip_is_v4(ip) ? FLUE_FRAME_ARP : FLUE_FRAME_ND,
                               .ethertype = flue_ip_is_v4(ip) ? FLUE_ETHERTYPE_ARP : FLUE_ETHERTYPE_IPV6};

    memcpy(frame.src_mac, world_mac_b, 6);
    memset(frame.dst_mac, 0xff, 6);
    (void)world_wire_send(&world->wires[0], &frame);
}

/* A router reports that A's last data did not fit. */
void world_tell_mtu(struct world *world, unsigned conn, uint32_t mtu_bytes)
{
    const struct world_conn *c = &world->conn[conn];
    const uint16_t port = (uint16_t)(1000 + conn);
    const struct flue_ip a = world_ip(world, NODE_A), b = world_ip(world, NODE_B);
    struct flue_frame frame = {.src_ip = b,
                               .dst_ip = a,
                               .src_port = c->from == NODE_A ? port : PLAN_PORT,
                               .dst_port = c->from == NODE_A ? PLAN_PORT : port,
                               .seq = c->last_seq,
                               .flags = world->plan->v6 ? 2 : 3,
                               .options = world->plan->v6 ? 0 : 4,
                               .mss = (uint16_t)mtu_bytes,
                               .ttl = 64,
                               .kind = FLUE_FRAME_ICMP,
                               .ethertype = world->plan->v6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4};

    frame.quoted_ip = b;
    memcpy(frame.src_mac, world_mac_b, 6);
    memcpy(frame.dst_mac, world_mac_a, 6);
    (void)world_wire_send(&world->wires[0], &frame);
}
