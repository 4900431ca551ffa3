/* SPDX-License-Identifier: GPL-2.0-only */
/* script/world.c - the surroundings of a stack: its callbacks, virtual time, sockets and peers by name. */
#include "exec.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool world_fail(struct world *world, const char *format, ...)
{
    va_list arguments;

    if (world->failed) {
        return false;
    }
    world->failed = true;
    va_start(arguments, format);
    vsnprintf(world->headline, sizeof(world->headline), format, arguments);
    va_end(arguments);
    return false;
}

void world_note(struct world *world, const char *format, ...)
{
    size_t at = strlen(world->detail);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(world->detail + at, sizeof(world->detail) - at, format, arguments);
    va_end(arguments);
}

/* Times of what was seen are told from the present zero on. */
void world_seen(struct world *world, const char *format, ...)
{
    char *place = world->recent[world->recent_count % 16];
    char time[40];
    va_list arguments;
    size_t at;

    time_show(world->now_ps - world->zero_ps, time, sizeof(time));
    at = (size_t)snprintf(place, sizeof(world->recent[0]), "%-9s ", time);
    va_start(arguments, format);
    vsnprintf(place + at, sizeof(world->recent[0]) - at, format, arguments);
    va_end(arguments);
    world->recent_count++;
    if (world->options->verbose) {
        printf("      %s\n", place);
    }
}

/* ---- what the stack sees of us ---- */

static uint32_t random32(void *ctx)
{
    const struct world *world = ctx;

    return (uint32_t)(world->random >> 32); /* the same for all: first numbers differ by the clock alone */
}

static void *allocate(void *ctx, size_t bytes)
{
    struct world *world = ctx;
    void *memory = calloc(1, bytes);

    if (memory != NULL) {
        world->memory_bytes += bytes;
        world->memory_blocks++;
    }
    return memory;
}

static void release(void *ctx, void *memory, size_t bytes)
{
    struct world *world = ctx;

    if (memory != NULL) {
        world->memory_bytes -= bytes;
        world->memory_blocks--;
        free(memory);
    }
}

static void capture(struct world *world, const uint8_t *bytes, size_t length)
{
    flue_ps ps = world->now_ps - world->start_ps;
    uint32_t head[4] = {(uint32_t)(ps / FLUE_PS_PER_S), (uint32_t)(ps % FLUE_PS_PER_S / FLUE_PS_PER_NS),
                        (uint32_t)length, (uint32_t)length};

    if (world->pcap != NULL) {
        fwrite(head, sizeof(head), 1, world->pcap);
        fwrite(bytes, 1, length, world->pcap);
    }
}

struct peer *peer_of(struct world *world, const struct flue_ip *ip, uint16_t port)
{
    for (unsigned i = 1; i < PEERS; i++) {
        if (world->peer[i].port == port && flue_ip_equal(&world->peer[i].ip, ip)) {
            return &world->peer[i];
        }
    }
    return &world->peer[world->present];
}

/* What a sent segment teaches about the numbers of its connection. */
static void learn(struct world *world, const struct packet *packet)
{
    struct peer *peer = peer_of(world, &packet->dst_ip, packet->dst_port);
    struct packet_option option;
    unsigned at = 0;
    uint32_t end = packet->seq + packet->payload_bytes;
    bool syn = (packet->flags & FLUE_TCP_SYN) != 0;

    if (!flue_ip_equal(&peer->ip, &packet->dst_ip) || peer->port != packet->dst_port) {
        return;
    }
    if (syn && (!peer->iss_known || peer->relearn)) {
        peer->iss = packet->seq;
        peer->iss_known = true;
        peer->relearn = false;
        peer->snd_max = 0;
        peer->ts_out = false;
        if (world->want_iss >= 0 && (uint32_t)world->want_iss != packet->seq) {
            world_fail(world,
                       "the initial sequence number should be %" PRId64 " and is %" PRIu32
                       ": it is no clock of 4 us plus a function of the connection's name (RFC 9293 3.4.1)",
                       world->want_iss, packet->seq);
        }
        world->want_iss = -1;
    }
    while (packet_option_next(packet, &at, &option)) {
        if (option.kind == 8 && option.length == 10) {
            peer->ts_last = packet_get32(option.value);
            if (syn) {
                peer->ts_zero = peer->ts_out ? peer->ts_zero : peer->ts_last;
                peer->ts_out = true;
            }
        }
    }
    peer->local_port = packet->src_port;
    peer->local_ip = packet->src_ip;
    end += syn ? 1 : 0;
    end += (packet->flags & FLUE_TCP_FIN) != 0 ? 1 : 0;
    end -= peer->iss;
    if (peer->iss_known && (packet->flags & FLUE_TCP_RST) == 0 && (int32_t)(end - peer->snd_max) > 0) {
        peer->snd_max = end;
    }
}

static void output(void *ctx, const uint8_t *bytes, size_t length)
{
    struct world *world = ctx;
    struct fault fault;
    struct sent *sent;
    char text[400];

    capture(world, bytes, length);
    if (world->sent_count == world->sent_room) {
        size_t room = world->sent_room == 0 ? 64 : 2 * world->sent_room;
        struct sent *more = realloc(world->sent, room * sizeof(*more));

        if (more == NULL) {
            abort();
        }
        world->sent = more;
        world->sent_room = room;
    }
    sent = &world->sent[world->sent_count++];
    *sent = (struct sent){.at_ps = world->now_ps, .length = length, .bytes = malloc(length + 1)};
    if (sent->bytes == NULL) {
        abort();
    }
    memcpy(sent->bytes, bytes, length);
    sent->sound = packet_read(sent->bytes, length, &sent->packet, &fault);
    if (!sent->sound) {
        world_seen(world, "out  a packet of %zu bytes: %s", length, fault.text);
        world_fail(world, "the stack sends a malformed packet: %s", fault.text);
        return;
    }
    learn(world, &sent->packet);
    segment_show(world, &sent->packet, true, text, sizeof(text));
    world_seen(world, "out  %s", text);
}

static void event(void *ctx, const struct flue_stack_event *happened)
{
    struct world *world = ctx;
    struct sock *sock = world_socket_of_number(world, happened->socket);

    if (happened->kind == FLUE_STACK_EV_ENDED && sock != NULL) {
        sock->has_ended = true;
        sock->ended = happened->reason;
    }
}

/* ---- sockets, time, packets ---- */

struct sock *world_socket(struct world *world, const char *name, bool make)
{
    for (unsigned i = 0; i < world->sock_count; i++) {
        if (strcmp(world->sock[i].name, name) == 0) {
            return &world->sock[i];
        }
    }
    if (!make) {
        return NULL;
    }
    if (world->sock_count == SOCKETS) {
        world_fail(world, "more than %u sockets", SOCKETS);
        return NULL;
    }
    world->sock[world->sock_count] = (struct sock){.number = -1};
    strcpy(world->sock[world->sock_count].name, name);
    return &world->sock[world->sock_count++];
}

struct sock *world_socket_of_number(struct world *world, int number)
{
    for (unsigned i = 0; number >= 0 && i < world->sock_count; i++) {
        if (world->sock[i].number == number) {
            return &world->sock[i];
        }
    }
    return NULL;
}

bool world_start(struct world *world)
{
    const struct flue_stack_callbacks callbacks = {
        .ctx = world, .output = output, .event = event, .random32 = random32, .allocate = allocate, .release = release};
    int result;

    if (world->stack != NULL) {
        return true;
    }
    for (unsigned i = 1; i < PEERS; i++) {
        char text[64];
        struct peer *peer = &world->peer[i];

        snprintf(text, sizeof(text), world->family == 4 ? "198.51.100.%u" : "2001:db8:2::%u", i);
        if (peer->ip.word[0] == 0 && peer->ip.word[3] == 0) {
            text_address(text, &peer->ip);
        }
        peer->local_ip = world->config.addresses[flue_ip_is_v4(&peer->ip) ? 0 : 1];
        peer->local_port = LISTEN_PORT;
    }
    result = flue_stack_new(&world->config, &callbacks, world->now_ps, &world->stack);
    return result == 0 || world_fail(world, "flue_stack_new answers %s", flue_stack_error_name(result));
}

bool world_advance(struct world *world, flue_ps to_ps, bool stop)
{
    size_t before = world->sent_count;
    unsigned still = 0;

    if (to_ps < world->now_ps) {
        return world_fail(world, "the line's time has passed already");
    }
    for (;;) {
        flue_ps deadline = flue_stack_deadline(world->stack);

        if (stop && world->sent_count > before) {
            return !world->failed;
        }
        if (deadline > to_ps) {
            break;
        }
        still = deadline > world->now_ps ? 0 : still + 1;
        if (still > 1000) {
            return world_fail(world, "the stack's next deadline stays in the past");
        }
        world->now_ps = deadline > world->now_ps ? deadline : world->now_ps;
        flue_stack_advance(world->stack, world->now_ps);
    }
    world->now_ps = to_ps;
    flue_stack_advance(world->stack, to_ps);
    return !world->failed;
}

bool world_may_ignore(const struct world *world, const struct packet *packet)
{
    switch (world->ignore) {
    case IGNORE_NOTHING:
        return false;
    case IGNORE_ACKS:
        return packet->payload_bytes == 0 && (packet->flags & (FLUE_TCP_SYN | FLUE_TCP_FIN | FLUE_TCP_RST)) == 0;
    case IGNORE_DATA:
        return packet->payload_bytes > 0;
    case IGNORE_ALL:
        return true;
    }
    return false;
}

bool world_quiet(struct world *world)
{
    char text[400];
    char time[40];

    while (world->next < world->sent_count && world_may_ignore(world, &world->sent[world->next].packet)) {
        world->next++;
    }
    if (world->next == world->sent_count || world->failed) {
        return !world->failed;
    }
    segment_show(world, &world->sent[world->next].packet, true, text, sizeof(text));
    time_show(world->sent[world->next].at_ps - world->zero_ps, time, sizeof(time));
    return world_fail(world, "unexpected, at %s: out %s", time, text);
}

bool world_input(struct world *world, const uint8_t *bytes, size_t length, bool sound)
{
    int result;
    char got[40];
    char wanted[40];

    capture(world, bytes, length);
    result = flue_stack_input(world->stack, bytes, length, world->now_ps);
    if (world->line->expects ? result == world->line->result : !sound || result == 0) {
        return !world->failed;
    }
    result_show(result, got, sizeof(got));
    result_show(world->line->expects ? world->line->result : 0, wanted, sizeof(wanted));
    return world_fail(world, "flue_stack_input should answer %s and answers %s", wanted, got);
}

/* ---- beginning and end ---- */

void world_open(struct world *world, const struct script *script, const struct options *options, flue_ps start_ps)
{
    *world = (struct world){.script = script,
                            .options = options,
                            .now_ps = start_ps,
                            .zero_ps = start_ps,
                            .start_ps = start_ps,
                            .present = 1,
                            .family = 4,
                            .want_iss = -1,
                            .roundtrip = options->roundtrip,
                            .random = 1};
    flue_stack_defaults(&world->config);
    text_address("192.0.2.1", &world->config.addresses[0]);
    text_address("2001:db8:1::1", &world->config.addresses[1]);
    text_address("192.0.2.2", &world->config.addresses[2]);
    world->config.address_count = 3;
    for (unsigned i = 1; i < PEERS; i++) {
        world->peer[i].port = (uint16_t)(2000 + i);
        world->peer[i].irs = i * 1000000;
        world->peer[i].window = 65535;
    }
}

void world_close(struct world *world)
{
    flue_stack_free(world->stack);
    world->stack = NULL;
    if (!world->failed && world->memory_blocks != 0) {
        world_fail(world, "flue_stack_free leaves %zu blocks of memory, %zu bytes", world->memory_blocks,
                   world->memory_bytes);
    }
    for (size_t i = 0; i < world->sent_count; i++) {
        free(world->sent[i].bytes);
    }
    for (unsigned i = 0; i < world->sock_count; i++) {
        free(world->sock[i].image);
        free(world->sock[i].detached);
        free(world->sock[i].chain[0]);
        free(world->sock[i].chain[1]);
    }
    free(world->sent);
    if (world->pcap != NULL) {
        fclose(world->pcap);
    }
}
