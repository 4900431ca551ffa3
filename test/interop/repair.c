/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection to an unmodified Linux peer moves between Flue and Linux in mid-transfer.
 *
 *     peer 10.0.0.1 -- tun0 of one namespace -- [ this program: network, relay ] -- Flue 10.0.0.2
 *                                                                            \
 *                                                                             tun0 of another namespace, 10.0.0.2
 *
 * Flue's connection goes out by flue_socket_detach() and into a socket of the second namespace by TCP_REPAIR; packets
 * of the peer go there from then on; later it is taken back.  The peer must not notice: every byte comes once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "content.h"
#include "party_flue.h"
#include "party_linux.h"
#include "repair_map.h"

#define QUICK_BYTES UINT64_C(400000) /* of one direction of one connection */
#define FULL_BYTES  UINT64_C(4000000)
#define LIMIT_PS    (40 * FLUE_PS_PER_S)
#define SECONDS     90u
#define CONNECTIONS 2u

struct shape {
    const struct network *network;
    int v6;
    unsigned connector;
    int plumbing, full;
    unsigned moves;
};

static const struct flue_ip v4[2] = {{{0, 0, 0xffff, 0x0a000002}}, {{0, 0, 0xffff, 0x0a000001}}};
static const struct flue_ip v6[2] = {{{0xfd000000, 0, 0, 2}}, {{0xfd000000, 0, 0, 1}}};

/* Everybody who may hold the connection at 10.0.0.2, and the peer. */
struct bridge {
    struct exchange x;
    struct party_flue flue;
    struct party_linux holder[2], peer; /* holder[0] only in place of Flue */
    int have_flue;
    unsigned holding; /* 0: Flue, or holder[0]; 1: holder[1] */
    uint64_t stop_at;
    uint64_t moved_send, moved_unread;
    struct moved moved;
};

/* Packets of who does not hold the connection go nowhere. */
static void out_first(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct bridge *b = ctx;

    if (b->holding == 0) {
        exchange_packet(&b->x, 0, packet, bytes);
    }
}

static void out_second(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct bridge *b = ctx;

    if (b->holding == 1) {
        exchange_packet(&b->x, 0, packet, bytes);
    }
}

static void out_peer(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct bridge *b = ctx;

    exchange_packet(&b->x, 1, packet, bytes);
}

static int far_enough(void *ctx)
{
    struct bridge *b = ctx;

    return b->x.compared >= b->stop_at;
}

static struct party *first_party(struct bridge *b)
{
    return b->have_flue ? &b->flue.party : &b->holder[0].party;
}

/* Both functions answer 0 after a failure. */
static int take_from(struct bridge *b, unsigned holder, int connection)
{
    const char *what = "";
    int error;

    b->moved.send_bytes = b->moved.unread_bytes = REPAIR_ROOM;
    if (holder == 0 && b->have_flue) {
        error = flue_socket_detach(b->flue.stack, connection, &b->moved.state, b->moved.send, &b->moved.send_bytes,
                                   b->moved.unread, &b->moved.unread_bytes);
        if (error < 0) {
            exchange_fail(&b->x, "flue_socket_detach: %s", flue_stack_error_name(error));
        }
        return error >= 0;
    }
    if (!repair_take(connection, &b->moved, &what)) {
        exchange_fail(&b->x, "taking from Linux: %s: %s", what, strerror(errno));
        return 0;
    }
    return 1;
}

static int give_to(struct bridge *b, unsigned holder, int *connection)
{
    const char *what = "";

    if (holder == 0 && b->have_flue) {
        *connection = flue_socket_attach(b->flue.stack, &b->moved.state, b->moved.send, b->moved.send_bytes,
                                         b->moved.unread, b->moved.unread_bytes);
        if (*connection < 0) {
            exchange_fail(&b->x, "flue_socket_attach: %s", flue_stack_error_name(*connection));
        }
        return *connection >= 0;
    }
    tun_enter(&b->holder[holder].tun);
    *connection = repair_put(&b->moved, &what);
    if (*connection < 0) {
        exchange_fail(&b->x, "giving to Linux: %s: %s", what, strerror(errno));
        return 0;
    }
    party_linux_watch(&b->holder[holder], *connection);
    return 1;
}

/* All connections go over to the other holder; nothing else happens meanwhile. */
static void move_all(struct bridge *b)
{
    unsigned from = b->holding, to = 1 - from;
    struct party *party = to == 0 ? first_party(b) : &b->holder[1].party;

    if (b->have_flue) {
        flue_stack_advance(b->flue.stack, live_now());
    }
    if (from == 1 || !b->have_flue) {
        b->x.now_ps = live_now();
        party_linux_read(&b->holder[from]); /* it has left already */
    }
    for (unsigned n = 0; n < b->x.flow_count; n++) {
        struct end *end = &b->x.flow[n].end[0];
        int connection;

        if (end->connection < 0 || end->closed || !take_from(b, from, end->connection)) {
            exchange_fail(&b->x, "connection %u is not to be moved", n);
            end->connection = -1;
            return;
        }
        b->moved_send += b->moved.send_bytes;
        b->moved_unread += b->moved.unread_bytes;
        b->holding = to; /* whatever the new holder sends at once is to leave */
        if (!give_to(b, to, &connection)) {
            end->connection = -1;
            return;
        }
        b->holding = from;
        end->connection = connection;
        end->party = party;
    }
    b->holding = to;
    b->x.party[0] = party;
}

static int open_all(struct bridge *b, const struct cell *cell)
{
    const struct shape *shape = cell->own;
    struct flue_stack_config config;

    b->have_flue = !shape->plumbing;
    if (b->have_flue) {
        flue_stack_defaults(&config);
        config.addresses[0] = v4[0];
        config.addresses[1] = v6[0];
        config.address_count = 2;
        config.tcp.ts_offset = UINT32_MAX - 100; /* its clock passes 2^32 */
        if (!party_flue_open(&b->flue, &config, content_mix(cell->seed), out_first, b)) {
            exchange_fail(&b->x, "%s", b->flue.complaint);
            return 0;
        }
    } else if (!party_linux_open(&b->holder[0], "linux F", &v4[0], &v6[0], out_first, b)) {
        exchange_fail(&b->x, "%s", b->holder[0].complaint);
        return 0;
    }
    if (!party_linux_open(&b->holder[1], "linux R", &v4[0], &v6[0], out_second, b) ||
        !party_linux_open(&b->peer, "linux peer", &v4[1], &v6[1], out_peer, b)) {
        exchange_fail(&b->x, "%s%s", b->holder[1].complaint, b->peer.complaint);
        return 0;
    }
    return 1;
}

static void play(struct bridge *b, const struct cell *cell)
{
    const struct shape *shape = cell->own;
    uint64_t bytes = shape->full ? FULL_BYTES : QUICK_BYTES;
    const struct flow_plan plans[CONNECTIONS] = {
        {.bytes = {bytes, bytes}},
        {.bytes = {bytes, bytes}, .nap_bytes = bytes / 10, .nap_ps = 5 * FLUE_PS_PER_MS},
    };
    struct party_linux *live[3] = {&b->peer, &b->holder[1], &b->holder[0]};
    unsigned live_count = b->have_flue ? 2 : 3;

    if (!exchange_begin(&b->x, &shape->network->params, cell->seed, first_party(b), &b->peer.party, shape->v6 ? v6 : v4,
                        shape->connector, plans, CONNECTIONS)) {
        return;
    }
    exchange_capture(&b->x, cell->pcap);
    b->x.hold_open = 1; /* only ESTABLISHED connections can be moved by TCP_REPAIR */
    for (unsigned move = 1; move <= shape->moves && b->x.failure[0] == '\0'; move++) {
        b->stop_at = bytes * 2 * move / (shape->moves + 1); /* of twice as many */
        live_play(&b->x, live, live_count, LIMIT_PS, far_enough, b);
        if (b->x.failure[0] == '\0') {
            move_all(b);
        }
    }
    b->x.hold_open = 0;
    live_play(&b->x, live, live_count, LIMIT_PS, NULL, NULL);
}

static void run(const struct cell *cell, struct cell_result *result)
{
    struct bridge *b = calloc(1, sizeof *b);

    if (b == NULL) {
        (void)snprintf(result->failure, sizeof result->failure, "no memory");
        return;
    }
    if (open_all(b, cell)) {
        play(b, cell);
        if (b->have_flue && !party_flue_sound(&b->flue)) {
            exchange_fail(&b->x, "%s", b->flue.complaint);
        }
    }
    result->compared = b->x.compared;
    (void)snprintf(result->failure, sizeof result->failure, "%s", b->x.failure);
    (void)snprintf(result->note, sizeof result->note, "%llu bytes of send queues and %llu unread ones moved, %.2f s",
                   (unsigned long long)b->moved_send, (unsigned long long)b->moved_unread, (double)live_now() / 1e12);
    exchange_end(&b->x);
    free(b);
}

int main(int argc, char **argv)
{
    static struct shape shapes[64];
    static struct cell cells[64];
    struct options options;
    char why[160];
    unsigned count = 0;
    int code =
        options_read(&options, argc, argv, "A connection moves between Flue and Linux in mid-transfer, by TCP_REPAIR.");

    if (code >= 0) {
        return code;
    }
    if (!options.list && !tun_possible(why, sizeof why)) {
        printf("skipped: a tun device in a network namespace of our own is not to be had (%s)\n", why);
        return CELLS_SKIP;
    }
    for (unsigned n = 0; n < network_count(0); n++) {
        for (unsigned i = 0; i < 4; i++) {
            struct shape *shape = &shapes[count];
            struct cell *cell = &cells[count];

            *shape = (struct shape){&network_table[n], (int)(i & 1u), i >> 1,
                                    options.plumbing,  options.full,  options.full ? 12 : 4};
            *cell = (struct cell){.seed = content_mix(options.seed + 1000 + count), .number = count, .own = shape};
            (void)snprintf(cell->name, sizeof cell->name, "repair/%s/%s/%s", i & 1u ? "v6" : "v4",
                           shape->connector == 0 ? "flue-connects" : "flue-listens", shape->network->name);
            count++;
        }
    }
    return cells_run(&options, cells, count, run, SECONDS);
}
