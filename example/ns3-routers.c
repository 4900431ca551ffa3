/* SPDX-License-Identifier: GPL-2.0-only */
/* ns3-routers.c - Flue on ns-3, in C: a server whose adapter offloads TCP, two routers, and ten clients that run ns-3's
 * own TCP.  One router dies; the server's host finds that out by itself, and the connections go on through the other.
 *
 *     cmake --install build/release --component ns3 --prefix /opt/flue
 *     cc -I/opt/flue/include example/ns3-routers.c -L/opt/flue/lib/flue -lflue_ns3 -Wl,-rpath,/opt/flue/lib/flue */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "flue_ns3.h"

enum { SERVER = 0, FIRST_CLIENT = 4, CLIENTS = 10, REQUEST_BYTES = 1000, RESPONSE_BYTES = 2000000 };

static const struct flue_ns3_api *api;
static struct flue_ns3_world *world;
static unsigned answered, offloaded;

static void must(flue_err err, const char *what)
{
    if (err != FLUE_OK) {
        printf("%s: %s\n", what, world != NULL ? api->world_why(world) : flue_err_sentence(err));
        exit(1);
    }
}

/* The clients: applications above ns-3's TCP, each with its own count of bytes. */
static void client_received(void *ctx, struct flue_ns3_socket *socket, const struct flue_span *span)
{
    uint64_t *count = ctx;

    *count += span->length_bytes;
    if (*count == RESPONSE_BYTES) {
        answered++;
        must(api->socket_close(socket), "close");
    }
}

/* The server: an application above Flue's sockets. */
static void server_received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
    if (span->offset_bytes + span->length_bytes == REQUEST_BYTES)
        must(flue_host_socket_send(socket, RESPONSE_BYTES), "response");
}

static void server_peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
    must(flue_host_socket_close(socket), "close");
}

static void server_moved(void *ctx, struct flue_host_socket *socket, enum flue_holder holder, enum flue_move why,
                         flue_ps at_ps)
{
    (void)ctx;
    offloaded += holder == FLUE_HOLDER_TARGET;
    printf("%8" PRId64 " us  connection %" PRIu32 " is held by the %s: %s\n", at_ps / FLUE_PS_PER_US,
           flue_host_socket_id(socket), flue_holder_name(holder), flue_move_name(why));
}

int main(int argc, char **argv)
{
    const struct flue_ns3_routed shape = FLUE_NS3_ROUTED; /* one server, two routers, ten clients */
    const struct flue_ip server_ip = flue_ip_v4(0x0a000001);
    struct flue_app server_app = {
        .received = server_received, .peer_closed = server_peer_closed, .moved = server_moved};
    struct flue_ns3_app client_app = {.received = client_received};
    uint64_t received[CLIENTS] = {0};
    struct flue_host_totals totals;
    struct flue_ns3_totals bytes;
    struct flue_node *server;
    struct flue_net net;
    char message[200] = "";

    api = flue_ns3_functions();
    must(api->world_routed(&shape, &world, &net, message, sizeof(message)), message);
    if (argc > 1)
        must(api->pcap(world, SERVER, argv[1]), "capture");
    must(api->node_start(world, SERVER, NULL, &server), "server");
    server_app.identify = api->identify; /* connections are known by their clients' numbers */
    must(flue_host_listen(flue_node_host(server), 80, &server_app, NULL), "listen");
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct flue_ns3_socket *socket;

        client_app.ctx = &received[i];
        must(api->socket_connect(world, FIRST_CLIENT + i, 0, &server_ip, 80, i, &client_app, &socket), "connect");
        must(api->socket_send(socket, REQUEST_BYTES), "request");
    }
    net.run(net.ctx, 20 * FLUE_PS_PER_MS);
    net.router_down(net.ctx, 0, 1);
    printf("%8" PRId64 " us  router 0 goes down\n", net.now(net.ctx) / FLUE_PS_PER_US);
    net.run(net.ctx, FLUE_PS_NEVER);
    flue_host_totals(flue_node_host(server), &totals);
    api->totals(world, &bytes);
    printf("%u of %u clients served, %u connections offloaded, %" PRIu64 " paths relinked; %" PRIu64
           " bytes compared, %" PRIu64 " wrong\n",
           answered, (unsigned)CLIENTS, offloaded, totals.relinked, bytes.compared_bytes, bytes.wrong_bytes);
    net.free(net.ctx);
    return answered == CLIENTS && bytes.wrong_bytes == 0 ? 0 : 1;
}
