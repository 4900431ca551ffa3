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

static struct flue_ns3_world *world;
static unsigned answered, offloaded;

static void must(flue_err err, const char *what)
{
    if (err != FLUE_OK) {
        printf("%s: %s\n", what, world != NULL ? flue_ns3_functions()->world_why(world) : flue_err_sentence(err));
        exit(1);
    }
}

static double ms(flue_ps time_ps)
{
    return (double)time_ps / (double)FLUE_PS_PER_MS;
}

/* The clients: applications above ns3's TCP, each with its own count of bytes. */
static void client_connected(void *ctx, struct flue_ns3_socket *socket)
{
    (void)ctx;
    must(flue_ns3_functions()->socket_send(socket, REQUEST_BYTES), "request");
}

static void client_received(void *ctx, struct flue_ns3_socket *socket, const struct flue_span *span)
{
    uint64_t *count = ctx;

    *count += span->length_bytes;
    if (*count == RESPONSE_BYTES) {
        answered++;
        must(flue_ns3_functions()->socket_close(socket), "close");
    }
}

/* The server: an application above Flue's sockets.  Connections are known by their clients' numbers. */
static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_ip.word[3] & 0xff;
}

static void server_received(void *ctx, struct flue_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
    if (span->offset_bytes + span->length_bytes == REQUEST_BYTES)
        must(flue_host_socket_send(socket, RESPONSE_BYTES), "response");
}

static void server_peer_closed(void *ctx, struct flue_socket *socket, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
    must(flue_host_socket_close(socket), "close");
}

static void server_moved(void *ctx, struct flue_socket *socket, enum flue_holder holder, enum flue_move why,
                         flue_ps at_ps)
{
    (void)ctx;
    offloaded += holder == FLUE_HOLDER_TARGET;
    printf("%12.3f ms  connection %" PRIu32 " is held by the %s: %s\n", ms(at_ps), flue_host_socket_id(socket),
           flue_holder_name(holder), flue_move_name(why));
}

int main(int argc, char **argv)
{
    static const struct flue_app server_app = {
        .identify = identify, .received = server_received, .peer_closed = server_peer_closed, .moved = server_moved};
    const struct flue_ns3_api *api = flue_ns3_functions();
    const struct flue_ns3_routed shape = FLUE_NS3_ROUTED; /* one server, two routers, ten clients */
    const struct flue_ip server_ip = flue_ip_v4(0x0a000001);
    uint64_t received[CLIENTS] = {0};
    struct flue_net_router_totals forwarded[2];
    struct flue_host_totals totals;
    struct flue_ns3_totals bytes;
    struct flue_node *server;
    struct flue_net net;
    char message[200] = "";

    if (api->world_routed(&shape, &world, &net, message, sizeof(message)) != FLUE_OK) {
        printf("%s\n", message);
        return 1;
    }
    if (argc > 1)
        must(api->pcap(world, SERVER, argv[1]), "capture");
    must(api->node_start(world, SERVER, NULL, &server), "server");
    must(flue_host_listen(flue_node_host(server), 80, &server_app, NULL), "listen");
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct flue_ns3_app app = {
            .ctx = &received[i], .connected = client_connected, .received = client_received};
        struct flue_ns3_socket *socket;

        must(api->socket_connect(world, FIRST_CLIENT + i, 0, &server_ip, 80, i, &app, &socket), "connect");
    }
    net.run(net.ctx, 20 * FLUE_PS_PER_MS);
    printf("%12.3f ms  router 0 goes down\n", ms(net.now(net.ctx)));
    net.router_down(net.ctx, 0, 1);
    net.run(net.ctx, FLUE_PS_NEVER);
    flue_host_totals(flue_node_host(server), &totals);
    api->totals(world, &bytes);
    for (unsigned i = 0; i < 2; i++)
        net.router_totals(net.ctx, i, &forwarded[i]);
    printf("%u of %u clients served, %u connections offloaded, %" PRIu64
           " paths relinked; the routers forwarded %" PRIu64 " and %" PRIu64 " packets\n%" PRIu64
           " bytes compared, %" PRIu64 " wrong\n",
           answered, (unsigned)CLIENTS, offloaded, totals.relinked, forwarded[0].forwarded, forwarded[1].forwarded,
           bytes.compared_bytes, bytes.wrong_bytes);
    net.free(net.ctx);
    return answered == CLIENTS && bytes.wrong_bytes == 0 ? 0 : 1;
}
