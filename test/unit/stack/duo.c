/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"

static uint32_t next_random(struct duo *duo)
{
    duo->seed = duo->seed * 1664525u + 1013904223u;
    return duo->seed >> 8;
}

static void output(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct duo_side *side = ctx;
    struct duo *duo = side->duo;
    struct duo_packet *slot = &duo->wire[(duo->first + duo->count) % DUO_PACKETS];

    side->packets++;
    side->bytes += (unsigned)bytes;
    memcpy(side->last, packet, bytes < sizeof side->last ? bytes : sizeof side->last);
    if (duo->deaf || (duo->loss_percent > 0 && next_random(duo) % 100 < duo->loss_percent) ||
        (duo->lose != NULL && duo->lose(duo, side->number, packet, bytes))) {
        return;
    }
    assert_true(duo->count < DUO_PACKETS);
    *slot = (struct duo_packet){
        .bytes = malloc(bytes), .length = bytes, .due_ps = duo->now_ps + DUO_DELAY_PS, .to = 1 - side->number};
    assert_non_null(slot->bytes);
    memcpy(slot->bytes, packet, bytes);
    duo->count++;
}

static void event(void *ctx, const struct flue_stack_event *told)
{
    struct duo_side *side = ctx;

    if (side->event_count < DUO_EVENTS) {
        side->events[side->event_count++] = *told;
    }
}

static uint32_t random32(void *ctx)
{
    struct duo_side *side = ctx;

    side->random += side->step;
    return side->random;
}

static void *allocate(void *ctx, size_t bytes)
{
    struct duo_side *side = ctx;
    void *memory = side->memory.env.allocate(&side->memory, bytes);

    if (memory == NULL && side->fail_once) {
        side->memory.fail_at = 0;
    }
    return memory;
}

static void release(void *ctx, void *memory, size_t bytes)
{
    struct duo_side *side = ctx;

    side->memory.env.release(&side->memory, memory, bytes);
}

void duo_stack(struct duo *duo, int number)
{
    struct duo_side *side = &duo->side[number];
    const struct flue_stack_callbacks callbacks = {
        .ctx = side, .output = output, .event = event, .random32 = random32, .allocate = allocate, .release = release};

    assert_int_equal(flue_stack_new(&side->config, &callbacks, duo->now_ps, &side->stack), 0);
}

void duo_start(struct duo *duo, void (*tune)(struct duo *duo))
{
    memset(duo, 0, sizeof *duo);
    duo->seed = 1;
    for (int i = A; i <= B; i++) {
        struct duo_side *side = &duo->side[i];

        side->duo = duo;
        side->number = i;
        side->ip = flue_ip_v4(0x0a000001u + (uint32_t)i);
        side->ip6 = (struct flue_ip){{0x20010db8, 0, 0, 1 + (uint32_t)i}};
        side->random = 0xfffffc00u; /* sequence numbers wrap soon */
        side->step = 7;
        manual_env_init(&side->memory, 0);
        flue_stack_defaults(&side->config);
        side->config.addresses[0] = side->ip;
        side->config.addresses[1] = side->ip6;
        side->config.address_count = 2;
    }
    if (tune != NULL) {
        tune(duo);
    }
    duo_stack(duo, A);
    duo_stack(duo, B);
}

void duo_stop(struct duo *duo)
{
    for (int i = A; i <= B; i++) {
        flue_stack_free(duo->side[i].stack);
        assert_true(manual_env_clean(&duo->side[i].memory));
    }
    while (duo->count > 0) {
        free(duo->wire[duo->first].bytes);
        duo->first = (duo->first + 1) % DUO_PACKETS;
        duo->count--;
    }
}

void duo_check(struct duo *duo)
{
    char what[200];

    for (int i = A; i <= B; i++) {
        if (duo->side[i].stack != NULL && flue_stack_check(duo->side[i].stack, what, sizeof what) != 0) {
            fail_msg("stack %d: %s", i, what);
        }
    }
}

/* The next thing that happens; false: not before until_ps. */
static int step(struct duo *duo, flue_ps until_ps)
{
    flue_ps packet_ps = duo->count > 0 ? duo->wire[duo->first].due_ps : FLUE_PS_NEVER;
    flue_ps next_ps = packet_ps;
    int who = -1;

    for (int i = A; i <= B; i++) {
        flue_ps due_ps = duo->side[i].stack == NULL ? FLUE_PS_NEVER : flue_stack_deadline(duo->side[i].stack);

        if (due_ps < next_ps) {
            next_ps = due_ps;
            who = i;
        }
    }
    if (next_ps == FLUE_PS_NEVER || next_ps > until_ps) {
        return 0;
    }
    duo->now_ps = next_ps > duo->now_ps ? next_ps : duo->now_ps;
    if (who >= 0) {
        flue_stack_advance(duo->side[who].stack, duo->now_ps);
    } else {
        struct duo_packet packet = duo->wire[duo->first];

        duo->first = (duo->first + 1) % DUO_PACKETS;
        duo->count--;
        if (duo->side[packet.to].stack != NULL) {
            (void)flue_stack_input(duo->side[packet.to].stack, packet.bytes, packet.length, duo->now_ps);
        }
        free(packet.bytes);
    }
    return 1;
}

void duo_run(struct duo *duo, flue_ps for_ps)
{
    flue_ps until_ps = duo->now_ps + for_ps;

    while (step(duo, until_ps)) {
    }
    duo->now_ps = until_ps;
    for (int i = A; i <= B; i++) {
        if (duo->side[i].stack != NULL) {
            flue_stack_advance(duo->side[i].stack, until_ps);
        }
    }
    duo_check(duo);
}

void duo_settle(struct duo *duo)
{
    do {
        duo_run(duo, 50 * FLUE_PS_PER_MS); /* longer than a delayed acknowledgement */
    } while (duo->count > 0);
}

struct flue_endpoint duo_at(struct duo *duo, int side, uint16_t port)
{
    return (struct flue_endpoint){.ip = duo->side[side].ip, .port = port};
}

int duo_listen(struct duo *duo, unsigned backlog)
{
    struct flue_endpoint at = duo_at(duo, B, 80);
    int s = flue_socket_open(duo->side[B].stack);

    assert_true(s >= 0);
    assert_int_equal(flue_socket_bind(duo->side[B].stack, s, &at), 0);
    assert_int_equal(flue_socket_listen(duo->side[B].stack, s, backlog), 0);
    return s;
}

int duo_connect(struct duo *duo, int listener, int *accepted)
{
    struct flue_endpoint to = duo_at(duo, B, 80);
    struct flue_endpoint from;
    int s = flue_socket_open(duo->side[A].stack);

    assert_true(s >= 0);
    assert_int_equal(flue_socket_connect(duo->side[A].stack, s, &to), FLUE_STACK_EINPROGRESS);
    duo_settle(duo);
    assert_int_equal(flue_socket_poll(duo->side[A].stack, s), FLUE_POLL_OUT);
    if (accepted != NULL) {
        *accepted = flue_socket_accept(duo->side[B].stack, listener, &from);
        assert_true(*accepted >= 0);
        assert_true(flue_ip_equal(&from.ip, &duo->side[A].ip));
    }
    duo_check(duo);
    return s;
}

int64_t duo_get(struct duo *duo, int side, int s, enum flue_socket_option option)
{
    int64_t value = -1;

    assert_int_equal(flue_socket_get(duo->side[side].stack, s, option, &value), 0);
    return value;
}

uint8_t duo_byte(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

size_t duo_write(struct duo *duo, int side, int s, uint64_t offset, size_t bytes)
{
    uint8_t chunk[5000];
    size_t done = 0;

    while (done < bytes) {
        size_t part = bytes - done < sizeof chunk ? bytes - done : sizeof chunk;
        int64_t sent;

        for (size_t i = 0; i < part; i++) {
            chunk[i] = duo_byte(offset + done + i);
        }
        sent = flue_socket_send(duo->side[side].stack, s, chunk, part, 0);
        if (sent < 0) {
            assert_true(sent == FLUE_STACK_EAGAIN || sent == FLUE_STACK_ENOMEM);
            break;
        }
        done += (size_t)sent;
    }
    return done;
}

size_t duo_read(struct duo *duo, int side, int s, uint64_t offset, size_t most)
{
    uint8_t chunk[5000];
    size_t done = 0;

    while (done < most) {
        size_t part = most - done < sizeof chunk ? most - done : sizeof chunk;
        int64_t got = flue_socket_recv(duo->side[side].stack, s, chunk, part, 0);

        if (got <= 0) {
            break;
        }
        for (int64_t i = 0; i < got; i++) {
            assert_int_equal(chunk[i], duo_byte(offset + done + (uint64_t)i));
        }
        done += (size_t)got;
    }
    return done;
}

enum flue_tcp_state_id duo_state(struct duo *duo, int side, int s)
{
    struct flue_tcp_info info;

    assert_int_equal(flue_socket_info(duo->side[side].stack, s, &info), 0);
    return info.state;
}

void duo_swallow(void *ctx, const uint8_t *packet, size_t bytes)
{
    (void)ctx;
    (void)packet;
    (void)bytes;
}

uint32_t duo_zero(void *ctx)
{
    (void)ctx;
    return 0;
}

uint32_t image_crc(const uint8_t *bytes, size_t length)
{
    uint32_t sum = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ (0xedb88320u & (0u - (sum & 1)));
        }
    }
    return ~sum;
}
