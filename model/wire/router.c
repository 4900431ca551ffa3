/* SPDX-License-Identifier: GPL-2.0-only */
/* A gateway between the switch and the nodes behind it: ARP (RFC 826), neighbour discovery (RFC 4861), forwarding and
 * its errors (RFC 1812 4.3, 5.2; RFC 4443). */
#include "wire/lan.h"

#include <string.h>

#include "frame/frame.h"

#define ASK_AGAIN_PS FLUE_PS_PER_S       /* RFC 1122 2.3.2.1; RFC 4861 10: RETRANS_TIMER */
#define WAIT_PS      (3 * FLUE_PS_PER_S) /* MAX_MULTICAST_SOLICIT of them */
#define OTHER_MAC    0x80                /* no node and no router has this bit in its third byte */
#define ERROR_TTL    64
#define ERROR_TOS    0xc0 /* internetwork control: RFC 1812 4.3.2.5 */

/* ICMP type and code, of IPv4 and of IPv6. */
struct error {
    uint8_t type4, code4, type6, code6;
};
static const struct error too_big = {3, 4, 2, 0};
static const struct error unreachable = {3, 1, 1, 3}; /* host; address */
static const struct error time_exceeded = {11, 0, 3, 0};

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static int is_zero(const struct flue_ip *ip)
{
    return (ip->word[0] | ip->word[1] | ip->word[2] | ip->word[3]) == 0;
}

static const struct flue_ip *own_ip(const struct lan_router *router, uint16_t ethertype)
{
    return ethertype == FLUE_ETHERTYPE_IPV6 ? &router->ip6 : &router->ip4;
}

static int is_own(const struct lan_router *router, const struct flue_ip *ip)
{
    return flue_ip_equal(ip, &router->ip4) || flue_ip_equal(ip, &router->ip6);
}

static uint64_t mac_number(const uint8_t *mac)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 6; i++)
        number = number << 8 | mac[i];
    return number;
}

static void send_to(struct lan_router *router, const struct flue_frame *frame, uint64_t mac)
{
    struct flue_frame out = *frame;

    memcpy(out.src_mac, router->port->wire.facts.mac, sizeof(out.src_mac));
    for (unsigned i = 0; i < 6; i++)
        out.dst_mac[i] = (uint8_t)(mac >> (40 - 8 * i));
    out.vlan = 0;
    (void)lan_send_up(router->port, &out);
}

/* ---- Neighbours ---- */

static void ask(struct lan_router *router, const struct flue_ip *ip)
{
    const int v4 = flue_ip_is_v4(ip);
    struct flue_frame out = {.kind = (uint8_t)(v4 ? FLUE_FRAME_ARP : FLUE_FRAME_ND),
                             .ethertype = (uint16_t)(v4 ? FLUE_ETHERTYPE_ARP : FLUE_ETHERTYPE_IPV6),
                             .flags = FLUE_NEIGHBOUR_REQUEST,
                             .ttl = (uint8_t)(v4 ? 0 : 255),
                             .src_ip = v4 ? router->ip4 : router->ip6,
                             .dst_ip = *ip};
    const uint64_t last = table_get(&router->asked, ip);

    if (is_zero(&out.src_ip) || (last != 0 && router->lan->now_ps < (flue_ps)(last - 1) + ASK_AGAIN_PS))
        return;
    table_put(&router->asked, ip, (uint64_t)router->lan->now_ps + 1);
    router->totals.asked++;
    send_to(router, &out, mac_number(broadcast));
}

/* What is on its way to the old address is lost. */
void router_change_mac(struct lan_router *router)
{
    const struct flue_frame out = {.kind = FLUE_FRAME_ARP,
                                   .ethertype = FLUE_ETHERTYPE_ARP,
                                   .flags = FLUE_NEIGHBOUR_REQUEST,
                                   .src_ip = router->ip4,
                                   .dst_ip = router->ip4};

    router->port->wire.facts.mac[2] ^= OTHER_MAC;
    if (!is_zero(&router->ip4))
        send_to(router, &out, mac_number(broadcast));
}

/* Sends what waits for this address. */
static void release(struct lan_router *router, const struct flue_ip *ip, uint64_t mac)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < router->pending_count; i++) {
        const struct lan_pending *pending = &router->pending[i];

        if (!flue_ip_equal(&pending->frame.dst_ip, ip)) {
            if (kept != i)
                router->pending[kept] = *pending;
            kept++;
        } else if (pending->since_ps + WAIT_PS < router->lan->now_ps) {
            router->totals.unroutable++;
        } else {
            router->totals.forwarded++;
            send_to(router, &pending->frame, mac);
        }
    }
    router->pending_count = kept;
}

static void learn(struct lan_router *router, const struct flue_ip *ip, const uint8_t *mac)
{
    table_put(&router->neighbours, ip, mac_number(mac));
    table_put(&router->asked, ip, 0);
    release(router, ip, mac_number(mac));
}

/* RFC 826: what is known is brought up to date by any message, new is who asks us or answers us. */
static void receive_neighbour(struct lan_router *router, const struct flue_frame *frame)
{
    struct flue_frame out = {.kind = frame->kind,
                             .ethertype = frame->ethertype,
                             .flags = FLUE_NEIGHBOUR_ANSWER,
                             .ttl = frame->ttl,
                             .src_ip = frame->dst_ip,
                             .dst_ip = frame->src_ip};

    if (is_zero(&frame->src_ip) || is_own(router, &frame->src_ip))
        return;
    if (is_own(router, &frame->dst_ip) || table_get(&router->neighbours, &frame->src_ip) != 0)
        learn(router, &frame->src_ip, frame->src_mac);
    if (frame->flags == FLUE_NEIGHBOUR_REQUEST && is_own(router, &frame->dst_ip)) {
        router->totals.answered++;
        send_to(router, &out, mac_number(frame->src_mac));
    }
}

/* ---- Forwarding ---- */

static void send_behind(struct lan_router *router, uint64_t node, const struct flue_frame *frame)
{
    struct flue_frame out = *frame;

    memset(out.src_mac, 0, sizeof(out.src_mac));
    memset(out.dst_mac, 0, sizeof(out.dst_mac));
    out.vlan = 0;
    lan_send_down(&router->lan->ports[node], &out);
}

/* Tells the sender of `about`, which came from the node behind the routers `from`, or of NULL from the switch.  Never
 * about an error or a later fragment (RFC 1122 3.2.2). */
static void tell(struct lan_router *router, const struct flue_frame *about, const struct lan_port *from,
                 const struct error *error, uint32_t mtu_bytes)
{
    const int v6 = about->ethertype == FLUE_ETHERTYPE_IPV6;
    const struct flue_frame out = {.kind = FLUE_FRAME_ICMP,
                                   .ethertype = about->ethertype,
                                   .flags = v6 ? error->type6 : error->type4,
                                   .options = v6 ? error->code6 : error->code4,
                                   .mss = (uint16_t)(mtu_bytes < 65535 ? mtu_bytes : 65535),
                                   .src_port = about->src_port,
                                   .dst_port = about->dst_port,
                                   .seq = about->seq,
                                   .quoted_ip = about->dst_ip,
                                   .src_ip = *own_ip(router, about->ethertype),
                                   .dst_ip = about->src_ip,
                                   .ttl = ERROR_TTL,
                                   .tos = ERROR_TOS};

    router->totals.unroutable++;
    if (is_zero(&out.src_ip) || about->kind == FLUE_FRAME_ICMP ||
        (about->kind == FLUE_FRAME_FRAGMENT && (about->fragment & ~FLUE_FRAGMENT_MORE) != 0))
        return;
    router->totals.errors++;
    if (from != NULL)
        send_behind(router, from->number, &out);
    else
        send_to(router, &out, mac_number(about->src_mac));
}

/* May the frame go on over a wire of this mtu?  A fragment is not cut again. */
static int may_pass(struct lan_router *router, const struct flue_frame *frame, const struct lan_port *from,
                    uint32_t mtu_bytes)
{
    if (frame->ttl <= 1) {
        tell(router, frame, from, &time_exceeded, 0);
        return 0;
    }
    if (frame_ip_bytes(frame) > mtu_bytes) {
        tell(router, frame, from, &too_big, mtu_bytes);
        return 0;
    }
    return 1;
}

static void forward_behind(struct lan_router *router, const struct flue_frame *frame, const struct lan_port *from,
                           uint64_t node)
{
    struct flue_frame out = *frame;

    if (!may_pass(router, frame, from, router->lan->ports[node].down.facts.mtu_bytes))
        return;
    out.ttl--;
    router->totals.forwarded++;
    send_behind(router, node, &out);
}

static void wait_for_neighbour(struct lan_router *router, const struct flue_frame *frame)
{
    if (router->pending_count == LAN_PENDING) {
        memmove(router->pending, router->pending + 1, (LAN_PENDING - 1) * sizeof(router->pending[0]));
        router->pending_count--;
        router->totals.unroutable++;
    }
    router->pending[router->pending_count++] = (struct lan_pending){.since_ps = router->lan->now_ps, .frame = *frame};
    ask(router, &frame->dst_ip);
}

static void forward_to_switch(struct lan_router *router, const struct flue_frame *frame, const struct lan_port *from)
{
    struct flue_frame out = *frame;
    const uint64_t mac = table_get(&router->neighbours, &frame->dst_ip);

    if (!may_pass(router, frame, from, router->port->up.facts.mtu_bytes))
        return;
    out.ttl--;
    if (mac == 0) {
        wait_for_neighbour(router, &out);
        return;
    }
    router->totals.forwarded++;
    send_to(router, &out, mac);
}

void router_receive(struct lan_router *router, const struct flue_frame *frame)
{
    const uint8_t *own = router->port->wire.facts.mac;
    uint64_t node;

    if (frame->kind == FLUE_FRAME_ARP || frame->kind == FLUE_FRAME_ND) {
        receive_neighbour(router, frame);
        return;
    }
    if (memcmp(frame->dst_mac, own, sizeof(frame->dst_mac)) != 0 || is_own(router, &frame->dst_ip))
        return;
    node = table_get(&router->lan->routes, &frame->dst_ip);
    if (node == 0)
        tell(router, frame, NULL, &unreachable, 0);
    else
        forward_behind(router, frame, NULL, node - 1);
}

void router_receive_behind(struct lan_port *port, const struct flue_frame *frame)
{
    struct lan *lan = port->lan;
    struct lan_router *router = NULL;
    const uint64_t node = table_get(&lan->routes, &frame->dst_ip);

    for (uint32_t i = 0; i < lan->router_count && router == NULL; i++) {
        if (!lan->routers[i].port->is_down)
            router = &lan->routers[i];
    }
    if (router == NULL)
        port->lost_down++;
    else if (node != 0)
        forward_behind(router, frame, port, node - 1);
    else if (!is_own(router, &frame->dst_ip))
        forward_to_switch(router, frame, port);
}

void router_forget(struct lan_router *router)
{
    router->totals.unroutable += router->pending_count;
    router->pending_count = 0;
    table_forget(&router->neighbours, 0);
    table_forget(&router->asked, 0);
}
