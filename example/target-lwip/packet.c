/* SPDX-License-Identifier: GPL-2.0-only */
/* packet.c - frames as lwIP reads and writes them.
 *
 * Outside, payload is described: so many bytes of a stream from an offset on.  Going in, the bytes are made; coming
 * out, the description is found again by sequence number, and the bytes must be those that it describes. */
#include <stdlib.h>
#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip_target.h"

enum { IP_BYTES = 20, TCP_BYTES = 20, PROTOCOL_TCP = 6 };

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xFFFFu);
}

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* ---- Runs ---- */

bool runs_add(struct runs *runs, uint32_t seq, const struct flue_span *span)
{
    struct run *run = span->length_bytes > 0 ? calloc(1, sizeof *run) : NULL;

    if (run == NULL) {
        return span->length_bytes == 0;
    }
    *run = (struct run){.seq = seq, .span = *span};
    if (runs->first == NULL) {
        runs->first = run;
    } else {
        runs->last->next = run;
    }
    runs->last = run;
    return true;
}

void runs_clear(struct runs *runs)
{
    while (runs->first != NULL) {
        struct run *run = runs->first;

        runs->first = run->next;
        free(run);
    }
    runs->last = NULL;
}

void runs_trim(struct runs *runs, uint32_t seq)
{
    struct run **at = &runs->first;

    runs->last = NULL;
    while (*at != NULL) {
        struct run *run = *at;
        uint32_t gone = seq - run->seq;

        if ((int32_t)gone > 0 && gone >= run->span.length_bytes) {
            *at = run->next;
            free(run);
            continue;
        }
        if ((int32_t)gone > 0) {
            run->seq += gone;
            run->span.offset_bytes += gone;
            run->span.length_bytes -= gone;
        }
        runs->last = run;
        at = &run->next;
    }
}

uint32_t runs_find(const struct runs *runs, uint32_t seq, uint32_t bytes, struct flue_span *span)
{
    for (const struct run *run = runs->first; run != NULL; run = run->next) {
        uint32_t into = seq - run->seq;

        if ((int32_t)into >= 0 && into < run->span.length_bytes) {
            uint32_t left = run->span.length_bytes - into;

            *span = run->span;
            span->offset_bytes += into;
            span->length_bytes = left < bytes ? left : bytes;
            return span->length_bytes;
        }
    }
    return 0;
}

/* ---- In ---- */

void packet_input(struct conn *conn, const struct flue_frame *frame)
{
    const uint32_t bytes = frame->payload.length_bytes, total = IP_BYTES + TCP_BYTES + bytes;
    struct netif *netif = &conn->adapter->netif;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)total, PBUF_RAM);
    uint8_t *packet, *tcp;
    ip_addr_t from, to;

    if (p == NULL || !runs_add(&conn->came, frame->seq, &frame->payload)) {
        if (p != NULL) {
            (void)pbuf_free(p);
        }
        return; /* lost; the peer sends it again */
    }
    conn->psh = conn->psh || (frame->flags & FLUE_TCP_PSH) != 0;
    packet = p->payload;
    tcp = packet + IP_BYTES;
    memset(packet, 0, IP_BYTES + TCP_BYTES);
    packet[0] = 0x45;
    put16(packet + 2, total);
    packet[8] = frame->ttl;
    packet[9] = PROTOCOL_TCP;
    put32(packet + 12, frame->src_ip.word[3]);
    put32(packet + 16, frame->dst_ip.word[3]);
    put16(packet + 10, (unsigned)lwip_ntohs(inet_chksum(packet, IP_BYTES)));
    put16(tcp, frame->src_port);
    put16(tcp + 2, frame->dst_port);
    put32(tcp + 4, frame->seq);
    put32(tcp + 8, frame->ack);
    tcp[12] = TCP_BYTES / 4 << 4;
    tcp[13] = frame->flags;
    put16(tcp + 14, frame->window);
    for (uint32_t i = 0; i < bytes; i++) {
        tcp[TCP_BYTES + i] = flue_payload_byte(frame->payload.stream, frame->payload.offset_bytes + i);
    }
    IP_ADDR4(&from, packet[12], packet[13], packet[14], packet[15]);
    IP_ADDR4(&to, packet[16], packet[17], packet[18], packet[19]);
    (void)pbuf_remove_header(p, IP_BYTES);
    put16(tcp + 16, (unsigned)lwip_ntohs(ip_chksum_pseudo(p, PROTOCOL_TCP, p->tot_len, &from, &to)));
    (void)pbuf_add_header(p, IP_BYTES);
    /* lwIP takes what is addressed to the interface; ours stands for every address of the host. */
    ip_addr_copy(netif->ip_addr, to);
    if (ip_input(p, netif) != ERR_OK) {
        (void)pbuf_free(p);
    }
}

/* ---- Out ---- */

/* The description of the payload; false: lwIP sends bytes that nobody gave it. */
static bool describe(const struct conn *conn, uint32_t seq, const uint8_t *payload, struct flue_frame *frame,
                     uint32_t bytes)
{
    if (bytes == 0) {
        return true;
    }
    if (runs_find(&conn->sent, seq, bytes, &frame->payload) != bytes) {
        return false;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        if (payload[i] != flue_payload_byte(frame->payload.stream, frame->payload.offset_bytes + i)) {
            return false;
        }
    }
    return true;
}

/* Sends one frame, or two when the payload crosses from one run into another. */
static void emit(struct conn *conn, struct flue_frame *frame, const uint8_t *payload, uint32_t bytes)
{
    const struct flue_wire *wire = conn->adapter->world.wire;
    struct flue_frame part = *frame;

    while (bytes > 0 && runs_find(&conn->sent, part.seq, bytes, &part.payload) < bytes) {
        const uint32_t here = part.payload.length_bytes;

        if (here == 0 || !describe(conn, part.seq, payload, &part, here)) {
            abort();
        }
        part.flags = frame->flags & (uint8_t) ~(FLUE_TCP_FIN | FLUE_TCP_PSH);
        (void)wire->send(wire->ctx, &part);
        part.seq += here;
        payload += here;
        bytes -= here;
        part.payload = (struct flue_span){0};
    }
    part.flags = frame->flags;
    if (!describe(conn, part.seq, payload, &part, bytes)) {
        abort();
    }
    (void)wire->send(wire->ctx, &part);
}

err_t packet_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    static uint16_t id = 0x8000;
    struct adapter *adapter = netif->state;
    uint8_t packet[2048];
    const uint16_t length = pbuf_copy_partial(p, packet, sizeof packet, 0);
    const uint8_t *tcp = packet + IP_BYTES;
    struct flue_frame frame = {.ethertype = FLUE_ETHERTYPE_IPV4};
    struct flue_frame reverse = {0};
    struct conn *conn;
    uint32_t bytes;

    (void)to;
    if (length < IP_BYTES + TCP_BYTES || packet[9] != PROTOCOL_TCP) {
        return ERR_OK;
    }
    bytes = length - IP_BYTES - 4u * (tcp[12] >> 4);
    frame.src_ip = flue_ip_v4(get32(packet + 12));
    frame.dst_ip = flue_ip_v4(get32(packet + 16));
    frame.src_port = (uint16_t)get16(tcp);
    frame.dst_port = (uint16_t)get16(tcp + 2);
    frame.seq = get32(tcp + 4);
    frame.ack = get32(tcp + 8);
    frame.flags = tcp[13];
    frame.window = (uint16_t)get16(tcp + 14);
    reverse.src_ip = frame.dst_ip;
    reverse.dst_ip = frame.src_ip;
    reverse.src_port = frame.dst_port;
    reverse.dst_port = frame.src_port;
    conn = conn_find(adapter, &reverse);
    if (conn == NULL || conn->state == CONN_TERMINATING || conn->state == CONN_FROZEN ||
        ((frame.flags & FLUE_TCP_RST) != 0 && !conn->aborting)) {
        return ERR_OK; /* an RST is for an abortive disconnect only (CH-222) */
    }
    if (data_forbidden(conn) && (bytes > 0 || (frame.flags & FLUE_TCP_FIN) != 0)) {
        data_freeze(conn, InvalidState); /* CH-106, CH-108 */
        return ERR_OK;
    }
    frame.ttl = conn->cached.TtlOrHopLimit;
    frame.tos = conn->cached.TosOrTrafficClass;
    frame.ip_id = id;
    id = (uint16_t)((id + 1u) | 0x8000u); /* the upper half is the target's (CH-287) */
    memcpy(frame.dst_mac, conn->path->neighbour->mac, 6);
    emit(conn, &frame, tcp + 4u * (tcp[12] >> 4), bytes);
    return ERR_OK;
}
