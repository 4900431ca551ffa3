/* SPDX-License-Identifier: GPL-2.0-only */
/* lwIP's TCP as a party, by its raw interface. */
#include "party_lwip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

#define SLOTS            32
#define MAX_PACKET_BYTES 2048
#define MTU_BYTES        1500
#define PROTOCOL_TCP     6

enum slot_kind { SLOT_FREE, SLOT_LISTENER, SLOT_CONNECTION };

struct slot {
    enum slot_kind kind;
    struct party_lwip *party;
    struct tcp_pcb *pcb; /* NULL: lwIP has given it up */
    struct pbuf *unread; /* received, not yet read */
    int waiting[8];      /* not yet accepted */
    unsigned waiting_count;
    int opening, ended;
    err_t error; /* that ended it */
};

struct party_lwip {
    struct party party;
    struct netif netif;
    struct slot slot[SLOTS];
    char complaint[160];
    void (*out)(void *ctx, const uint8_t *packet, size_t bytes);
    void *out_ctx;
};

/* The time that lwIP is told; whoever advances a party sets it for all. */
static u32_t present_ms;

u32_t sys_now(void)
{
    return present_ms;
}

/* Nobody else is there to exclude. */
void sys_check_core_locking(void)
{
}

/* From one party of the process to another lwIP would take a short way through its thread, with what belongs to no
 * connection (RST): such a packet is lost instead. */
err_t netif_loop_output(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    (void)p;
    return ERR_OK;
}

static int complain(struct party_lwip *p, const char *what, err_t error)
{
    (void)snprintf(p->complaint, sizeof p->complaint, "%s: lwIP's error %d", what, (int)error);
    return PARTY_FAILED;
}

static ip_addr_t address(const struct flue_ip *ip)
{
    ip_addr_t out;

    memset(&out, 0, sizeof out);
    if (flue_ip_is_v4(ip)) {
        out.type = IPADDR_TYPE_V4;
        out.u_addr.ip4.addr = lwip_htonl(ip->word[3]);
    } else {
        out.type = IPADDR_TYPE_V6;
        for (unsigned i = 0; i < 4; i++) {
            out.u_addr.ip6.addr[i] = lwip_htonl(ip->word[i]);
        }
    }
    return out;
}

static err_t send_packet(struct netif *netif, struct pbuf *p)
{
    struct party_lwip *party = netif->state;
    uint8_t packet[MAX_PACKET_BYTES];
    u16_t bytes = pbuf_copy_partial(p, packet, sizeof packet, 0);

    if (bytes >= 20 && packet[packet[0] >> 4 == 4 ? 9 : 6] == PROTOCOL_TCP) {
        party->out(party->out_ctx, packet, bytes);
    }
    return ERR_OK;
}

static err_t output_v4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to;
    return send_packet(netif, p);
}

static err_t output_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)to;
    return send_packet(netif, p);
}

static err_t init_netif(struct netif *netif)
{
    netif->name[0] = 'f';
    netif->name[1] = 'l';
    netif->mtu = MTU_BYTES;
    netif->mtu6 = MTU_BYTES;
    netif->output = output_v4;
    netif->output_ip6 = output_v6;
    return ERR_OK;
}

/* lwIP calls these. */
static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct slot *slot = arg;

    (void)pcb;
    (void)error;
    if (p == NULL) {
        slot->ended = 1;
    } else if (slot->unread == NULL) {
        slot->unread = p;
    } else {
        pbuf_cat(slot->unread, p);
    }
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct slot *slot = arg;

    (void)pcb;
    (void)error;
    slot->opening = 0;
    return ERR_OK;
}

static void on_error(void *arg, err_t error)
{
    struct slot *slot = arg;

    slot->pcb = NULL;
    slot->error = error;
}

static int new_slot(struct party_lwip *p, enum slot_kind kind, struct tcp_pcb *pcb)
{
    for (int i = 0; i < SLOTS; i++) {
        if (p->slot[i].kind == SLOT_FREE) {
            p->slot[i] = (struct slot){.kind = kind, .party = p, .pcb = pcb};
            tcp_arg(pcb, &p->slot[i]);
            return i;
        }
    }
    return complain(p, "too many connections", ERR_MEM);
}

static int take_over(struct party_lwip *p, struct tcp_pcb *pcb)
{
    int i = new_slot(p, SLOT_CONNECTION, pcb);

    if (i >= 0) {
        tcp_recv(pcb, on_receive);
        tcp_err(pcb, on_error);
    }
    return i;
}

/* What comes before the connection is accepted has to be kept. */
static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct slot *slot = arg;
    int connection;

    if (error != ERR_OK || pcb == NULL || slot->waiting_count == sizeof slot->waiting / sizeof slot->waiting[0]) {
        return ERR_ABRT;
    }
    connection = take_over(slot->party, pcb);
    if (connection < 0) {
        return ERR_ABRT;
    }
    slot->waiting[slot->waiting_count++] = connection;
    return ERR_OK;
}

static int do_listen(void *ctx, const struct flue_ip *local, uint16_t port)
{
    struct party_lwip *p = ctx;
    ip_addr_t name = address(local);
    struct tcp_pcb *pcb = tcp_new_ip_type(name.type);
    err_t error;
    int i;

    if (pcb == NULL) {
        return complain(p, "tcp_new", ERR_MEM);
    }
    error = tcp_bind(pcb, &name, port);
    if (error != ERR_OK) {
        return complain(p, "tcp_bind", error);
    }
    tcp_bind_netif(pcb, &p->netif);
    pcb = tcp_listen(pcb);
    i = pcb == NULL ? complain(p, "tcp_listen", ERR_MEM) : new_slot(p, SLOT_LISTENER, pcb);
    if (i >= 0) {
        tcp_accept(pcb, on_accept);
    }
    return i;
}

static int do_connect(void *ctx, const struct flue_ip *local, const struct flue_ip *remote, uint16_t port)
{
    struct party_lwip *p = ctx;
    ip_addr_t from = address(local), to = address(remote);
    struct tcp_pcb *pcb = tcp_new_ip_type(from.type);
    err_t error;
    int i;

    if (pcb == NULL) {
        return complain(p, "tcp_new", ERR_MEM);
    }
    error = tcp_bind(pcb, &from, 0);
    tcp_bind_netif(pcb, &p->netif);
    i = error == ERR_OK ? take_over(p, pcb) : complain(p, "tcp_bind", error);
    if (i < 0) {
        return i;
    }
    p->slot[i].opening = 1;
    error = tcp_connect(pcb, &to, port, on_connected);
    return error == ERR_OK ? i : complain(p, "tcp_connect", error);
}

static int do_accept(void *ctx, int listener)
{
    struct party_lwip *p = ctx;
    struct slot *slot = &p->slot[listener];

    return slot->waiting_count == 0 ? PARTY_END : slot->waiting[--slot->waiting_count];
}

static int64_t do_send(void *ctx, int connection, const uint8_t *data, size_t bytes)
{
    struct party_lwip *p = ctx;
    struct slot *slot = &p->slot[connection];
    size_t room;
    err_t error;

    if (slot->pcb == NULL) {
        return complain(p, "connection lost", slot->error);
    }
    room = tcp_sndbuf(slot->pcb);
    if (bytes > room) {
        bytes = room;
    }
    if (slot->opening || bytes == 0) {
        return PARTY_WAIT;
    }
    error = tcp_write(slot->pcb, data, (u16_t)bytes, TCP_WRITE_FLAG_COPY);
    if (error == ERR_MEM) {
        return PARTY_WAIT;
    }
    if (error != ERR_OK) {
        return complain(p, "tcp_write", error);
    }
    (void)tcp_output(slot->pcb);
    return (int64_t)bytes;
}

static int64_t do_recv(void *ctx, int connection, uint8_t *data, size_t room)
{
    struct party_lwip *p = ctx;
    struct slot *slot = &p->slot[connection];
    u16_t bytes;

    if (slot->unread == NULL) {
        if (slot->ended) {
            return PARTY_END;
        }
        return slot->pcb == NULL ? complain(p, "connection lost", slot->error) : PARTY_WAIT;
    }
    bytes = pbuf_copy_partial(slot->unread, data, (u16_t)(room > 16384 ? 16384 : room), 0);
    slot->unread = pbuf_free_header(slot->unread, bytes);
    if (slot->pcb != NULL) {
        tcp_recved(slot->pcb, bytes);
    }
    return bytes;
}

/* lwIP 2.1.3 splits a segment that is larger than the window, and leaves the FIN that stands in it in both halves
 * (tcp_split_unsent_seg()): its stream then ends too early.  So FIN waits until all data has been sent. */
static int do_shut(void *ctx, int connection)
{
    struct party_lwip *p = ctx;
    struct slot *slot = &p->slot[connection];

    return slot->pcb != NULL && !slot->opening && slot->pcb->unsent == NULL && tcp_shutdown(slot->pcb, 0, 1) == ERR_OK;
}

static void do_close(void *ctx, int number)
{
    struct party_lwip *p = ctx;
    struct slot *slot = &p->slot[number];

    if (slot->pcb != NULL) {
        tcp_arg(slot->pcb, NULL);
        if (slot->kind == SLOT_CONNECTION) {
            tcp_recv(slot->pcb, NULL);
            tcp_err(slot->pcb, NULL);
        }
        (void)tcp_close(slot->pcb);
    }
    if (slot->unread != NULL) {
        (void)pbuf_free(slot->unread);
    }
    *slot = (struct slot){.kind = SLOT_FREE};
}

/* lwIP counts whole milliseconds. */
static void advance(void *ctx, flue_ps now_ps)
{
    (void)ctx;
    present_ms = (u32_t)(now_ps / FLUE_PS_PER_MS);
    sys_check_timeouts();
}

static flue_ps deadline(void *ctx)
{
    u32_t wait_ms = sys_timeouts_sleeptime();

    (void)ctx;
    return wait_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? FLUE_PS_NEVER
                                                      : ((flue_ps)present_ms + wait_ms) * FLUE_PS_PER_MS;
}

static void input(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    struct party_lwip *p = ctx;
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)bytes, PBUF_RAM);

    advance(p, now_ps);
    if (copy != NULL) {
        (void)pbuf_take(copy, packet, (u16_t)bytes);
        if (ip_input(copy, &p->netif) != ERR_OK) {
            (void)pbuf_free(copy);
        }
    }
}

static const char *complaint(void *ctx)
{
    struct party_lwip *p = ctx;

    return p->complaint;
}

struct party *party_lwip_party(struct party_lwip *p)
{
    return &p->party;
}

struct party_lwip *party_lwip_open(const char *name, const struct flue_ip *v4, const struct flue_ip *v6,
                                   void (*out)(void *ctx, const uint8_t *packet, size_t bytes), void *out_ctx)
{
    static int ready;
    ip_addr_t own_v4 = address(v4), own_v6 = address(v6);
    ip4_addr_t mask = {.addr = lwip_htonl(0xffffff00u)}, gateway = {.addr = 0};
    struct party_lwip *p = calloc(1, sizeof *p);

    if (p == NULL) {
        return NULL;
    }
    if (!ready) {
        lwip_init();
        ready = 1;
    }
    p->party = (struct party){.name = name,
                              .ctx = p,
                              .listen = do_listen,
                              .connect = do_connect,
                              .accept = do_accept,
                              .send = do_send,
                              .recv = do_recv,
                              .shut = do_shut,
                              .close = do_close,
                              .input = input,
                              .advance = advance,
                              .deadline = deadline,
                              .complaint = complaint};
    p->out = out;
    p->out_ctx = out_ctx;
    if (netif_add(&p->netif, &own_v4.u_addr.ip4, &mask, &gateway, p, init_netif, ip_input) == NULL) {
        free(p);
        return NULL;
    }
    p->netif.ip6_autoconfig_enabled = 0;
    p->netif.rs_count = 0; /* no questions to routers */
    netif_ip6_addr_set(&p->netif, 0, &own_v6.u_addr.ip6);
    netif_ip6_addr_set_state(&p->netif, 0, IP6_ADDR_PREFERRED);
    netif_set_default(&p->netif);
    netif_set_up(&p->netif);
    netif_set_link_up(&p->netif);
    return p;
}
