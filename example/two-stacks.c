/* SPDX-License-Identifier: GPL-2.0-only */
/* two-stacks.c - a first program with Flue's TCP: two stacks in one process, joined by a link that delays every packet
 * by 10 ms and loses 1 of 100.  Each side sends 1 MB to the other.
 *
 *     cc -Iinclude example/two-stacks.c build/release/lib/libflue_tcp.a -o two-stacks     (after ./flue build) */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flue/tcp.h"

#define DELAY_PS   (10 * FLUE_PS_PER_MS)
#define MEGABYTE   1000000u
#define LINK_SLOTS 1024u

static uint32_t seed = 42;

/* Good enough for losses; a real program asks its system for random bits. */
static uint32_t on_random32(void *ctx)
{
    (void)ctx;
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8 ^ seed << 13;
}

/* One direction of the link: packets in the order in which they will arrive. */
struct direction {
    struct {
        uint8_t bytes[1500]; /* the stack's defaults make no larger packets */
        size_t length;
        flue_ps due_ps;
    } slot[LINK_SLOTS];
    unsigned first, count, lost;
};

/* One end: a stack, the direction into which it sends, and what its application has done. */
struct end {
    struct flue_stack *stack;
    struct direction *out;
    flue_ps *now_ps;
    int socket;   /* -1: nobody has connected yet */
    int finished; /* the other side has closed */
    uint32_t sent, received, wrong;
};

/* The byte at `offset` of what a side sends, so that the other side can check it. */
static uint8_t content(uint32_t offset)
{
    return (uint8_t)(offset * 31 + offset / 256);
}

/* The stack hands over a packet: the link copies it, or loses it. */
static void on_output(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct end *end = ctx;
    struct direction *out = end->out;
    unsigned at = (out->first + out->count) % LINK_SLOTS;

    if (on_random32(NULL) % 100 == 0 || out->count == LINK_SLOTS) {
        out->lost++;
        return;
    }
    memcpy(out->slot[at].bytes, packet, bytes);
    out->slot[at].length = bytes;
    out->slot[at].due_ps = *end->now_ps + DELAY_PS;
    out->count++;
}

/* Hands over the packets that have arrived. */
static void deliver(struct direction *in, struct end *to, flue_ps now_ps)
{
    while (in->count > 0 && in->slot[in->first].due_ps <= now_ps) {
        flue_stack_input(to->stack, in->slot[in->first].bytes, in->slot[in->first].length, now_ps);
        in->first = (in->first + 1) % LINK_SLOTS;
        in->count--;
    }
}

/* The application: writes while there is room, reads while there is something, closes when it has sent all. */
static void work(struct end *end)
{
    uint8_t buffer[4096];
    int64_t bytes = 1; /* while nobody has connected, the socket is -1 and each call answers FLUE_STACK_EBADF */

    while (end->sent < MEGABYTE && bytes > 0) {
        uint32_t length = MEGABYTE - end->sent < sizeof buffer ? MEGABYTE - end->sent : (uint32_t)sizeof buffer;

        for (uint32_t i = 0; i < length; i++)
            buffer[i] = content(end->sent + i);
        bytes = flue_socket_send(end->stack, end->socket, buffer, length, 0);
        end->sent += bytes > 0 ? (uint32_t)bytes : 0;
        if (end->sent == MEGABYTE) {
            flue_socket_shutdown(end->stack, end->socket, FLUE_SHUT_WRITE);
        }
    }
    while ((bytes = flue_socket_recv(end->stack, end->socket, buffer, sizeof buffer, 0)) > 0) {
        for (uint32_t i = 0; i < (uint32_t)bytes; i++)
            end->wrong += buffer[i] != content(end->received + i);
        end->received += (uint32_t)bytes;
    }
    end->finished = bytes == 0; /* and not FLUE_STACK_EAGAIN */
}

/* When something happens at this end, or on its way there. */
static flue_ps next_at(const struct end *end, const struct direction *in)
{
    flue_ps stack_ps = flue_stack_deadline(end->stack);

    return in->count > 0 && in->slot[in->first].due_ps < stack_ps ? in->slot[in->first].due_ps : stack_ps;
}

int main(void)
{
    static struct direction there, back;
    flue_ps now_ps = 0;
    struct end client = {.out = &there, .now_ps = &now_ps}, server = {.out = &back, .now_ps = &now_ps, .socket = -1};
    struct end *ends[2] = {&client, &server};
    struct flue_endpoint where = {.ip = flue_ip_v4(0x0a000002), .port = 80}; /* 10.0.0.2:80 */
    int listener;

    for (uint32_t i = 0; i < 2; i++) {
        struct flue_stack_callbacks callbacks = {.ctx = ends[i], .output = on_output, .random32 = on_random32};
        struct flue_stack_config config;

        flue_stack_defaults(&config);
        config.addresses[0] = flue_ip_v4(0x0a000001 + i);
        config.address_count = 1;
        if (flue_stack_new(&config, &callbacks, now_ps, &ends[i]->stack) != FLUE_STACK_OK)
            return 1;
    }
    listener = flue_socket_open(server.stack);
    flue_socket_bind(server.stack, listener, &where);
    flue_socket_listen(server.stack, listener, 1);
    client.socket = flue_socket_open(client.stack);
    flue_socket_connect(client.stack, client.socket, &where); /* FLUE_STACK_EINPROGRESS: the SYN is on its way */

    while (!client.finished || !server.finished) {
        flue_ps client_ps = next_at(&client, &back), server_ps = next_at(&server, &there);

        now_ps = client_ps < server_ps ? client_ps : server_ps;
        flue_stack_advance(client.stack, now_ps); /* a deadline may be early: then nothing happens */
        flue_stack_advance(server.stack, now_ps);
        deliver(&there, &server, now_ps);
        deliver(&back, &client, now_ps);
        if (server.socket < 0)
            server.socket = flue_socket_accept(server.stack, listener, NULL);
        work(&client);
        work(&server);
    }
    for (int i = 0; i < 2; i++) {
        struct flue_tcp_info info;

        flue_socket_info(ends[i]->stack, ends[i]->socket, &info);
        printf("%s: sent %u, received %u bytes, %u wrong; %u packets lost, ", i == 0 ? "client" : "server",
               ends[i]->sent, ends[i]->received, ends[i]->wrong, ends[i]->out->lost);
        printf("%" PRIu64 " retransmissions, RTT %" PRId64 " us\n", info.retransmits, info.srtt_ps / FLUE_PS_PER_US);
        flue_stack_free(ends[i]->stack);
    }
    return client.received != MEGABYTE || server.received != MEGABYTE || client.wrong + server.wrong != 0;
}
