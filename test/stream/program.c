/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/program.c - what the user of one end does.  It acts when something can be done, so that one wake-up more or
 * less changes nothing. */
#include "stream/program.h"

#include <inttypes.h>
#include <string.h>

#define PORT 5000u

static bool expect(struct program *program, int64_t result, int64_t wanted, const char *what)
{
    if (result == wanted) {
        return true;
    }
    world_fail(program->world, "end %u: %s answers %" PRId64 " (%s)", program->index, what, result,
               flue_stack_error_name((int)result));
    return false;
}

static struct flue_endpoint name_of(const struct program *program, unsigned index)
{
    struct flue_endpoint name = {.ip = program->spec->config.addresses[0], .port = (uint16_t)(PORT + index)};

    name.ip.word[3] = (name.ip.word[3] & ~UINT32_C(0xff)) | (index + 1);
    return name;
}

static void set(struct program *program, int socket, enum flue_socket_option option, int64_t value)
{
    (void)expect(program, flue_socket_set(program->stack, socket, option, value), FLUE_STACK_OK, "set");
}

void program_start(struct program *program, bool passive, flue_ps now_ps)
{
    struct flue_endpoint own = name_of(program, program->index);
    struct flue_endpoint peer = name_of(program, 1 - program->index);
    int socket = flue_socket_open(program->stack);

    program->next_send_ps = now_ps;
    program->next_read_ps = now_ps;
    program->finish_ps = FLUE_PS_NEVER;
    if (socket < 0) {
        (void)expect(program, socket, 0, "open");
        return;
    }
    set(program, socket, FLUE_SO_NODELAY, program->spec->nodelay);
    set(program, socket, FLUE_SO_CORK, program->spec->cork);
    if (!expect(program, flue_socket_bind(program->stack, socket, &own), FLUE_STACK_OK, "bind")) {
        return;
    }
    if (passive) {
        program->listener = socket;
        (void)expect(program, flue_socket_listen(program->stack, socket, 1), FLUE_STACK_OK, "listen");
    } else {
        program->socket = socket;
        (void)expect(program, flue_socket_connect(program->stack, socket, &peer), FLUE_STACK_EINPROGRESS, "connect");
    }
}

/* Bytes [offset, offset + length) of a stream; up to 7 more are written in front and behind. */
static const uint8_t *content(uint8_t *buffer, uint64_t key, uint64_t offset, size_t length)
{
    size_t skip = offset % 8;

    for (size_t at = 0; at < skip + length; at += 8) {
        uint64_t word = program_mix(key + offset / 8 + at / 8);

        memcpy(buffer + at, &word, 8);
    }
    return buffer + skip;
}

static bool open_up(struct program *program)
{
    if (program->connected) {
        return true;
    }
    if (program->listener >= 0) {
        int socket = flue_socket_accept(program->stack, program->listener, NULL);

        if (socket == FLUE_STACK_EAGAIN) {
            return false;
        }
        if (socket < 0) {
            return expect(program, socket, 0, "accept");
        }
        program->socket = socket;
        (void)expect(program, flue_socket_close(program->stack, program->listener), FLUE_STACK_OK, "close of listener");
        program->listener = -1;
    }
    program->connected = (flue_socket_poll(program->stack, program->socket) & (FLUE_POLL_OUT | FLUE_POLL_IN)) != 0;
    return program->connected;
}

static void fiddle(struct program *program)
{
    struct rng *rng = &program->rng;
    uint32_t buffer = program->spec->config.tcp.rcv_buffer_bytes;

    switch (rng_below(rng, 8)) {
    case 0:
        set(program, program->socket, FLUE_SO_NODELAY, (int64_t)rng_below(rng, 2));
        break;
    case 1:
        set(program, program->socket, FLUE_SO_CORK, (int64_t)rng_below(rng, 2));
        break;
    case 2:
        set(program, program->socket, FLUE_SO_CONGESTION, (int64_t)rng_below(rng, 2));
        break;
    case 3:
        set(program, program->socket, FLUE_SO_TOS, (int64_t)rng_below(rng, 256));
        break;
    case 4:
        set(program, program->socket, FLUE_SO_KEEPALIVE, (int64_t)rng_below(rng, 2));
        break;
    case 5:
        set(program, program->socket, FLUE_SO_RCVBUF, buffer / 2 + 1 + (int64_t)rng_below(rng, buffer));
        break;
    case 6:
        set(program, program->socket, FLUE_SO_SNDBUF,
            1 + (int64_t)rng_below(rng, 2 * (uint64_t)program->spec->config.snd_buffer_bytes));
        break;
    case 7:
        set(program, program->socket, FLUE_SO_TTL, 1 + (int64_t)rng_below(rng, 255));
        break;
    }
}

/* The next send begins. */
static void begin_chunk(struct program *program)
{
    const struct spec_end *spec = program->spec;
    uint64_t left = spec->bytes - program->sent;
    uint64_t length = spec->one_size ? spec->chunk_most : 1 + rng_below(&program->rng, spec->chunk_most);

    program->chunk_left = (uint32_t)(length < left ? length : left);
    if (rng_chance_ppm(&program->rng, spec->fiddle_ppm)) {
        fiddle(program);
    }
}

static bool send_some(struct program *program, flue_ps now_ps)
{
    const struct spec_end *spec = program->spec;
    unsigned flags = 0;
    uint32_t length;
    int64_t result;

    if (program->sent == spec->bytes || now_ps < program->next_send_ps ||
        (flue_socket_poll(program->stack, program->socket) & FLUE_POLL_OUT) == 0) {
        return false;
    }
    if (program->chunk_left == 0) {
        begin_chunk(program);
    }
    length = program->chunk_left;
    if (length > spec->config.snd_buffer_bytes) {
        length = spec->config.snd_buffer_bytes;
    }
    length = length < PROGRAM_BUFFER ? length : PROGRAM_BUFFER;
    flags |= rng_chance_ppm(&program->rng, spec->more_ppm) ? FLUE_MSG_MORE : 0u;
    flags |= rng_chance_ppm(&program->rng, spec->urgent_ppm) ? FLUE_MSG_OOB : 0u;
    result = flue_socket_send(program->stack, program->socket,
                              content(program->buffer, program->send_key, program->sent, length), length, flags);
    if (result <= 0 || result > length) {
        return result == FLUE_STACK_EAGAIN ? false : expect(program, result, length, "send");
    }
    program->sent += (uint64_t)result;
    program->chunk_left -= (uint32_t)result;
    if (program->chunk_left == 0) {
        program->next_send_ps = now_ps + spec->pause_ps;
    }
    return true;
}

static bool finish(struct program *program, flue_ps now_ps)
{
    const struct spec_end *spec = program->spec;

    if (program->shut || program->sent < spec->bytes || spec->close_only) {
        return false;
    }
    if (spec->finish == SPEC_AFTER_END && !program->peer_done) {
        return false;
    }
    if (spec->finish == SPEC_LATER) {
        if (program->finish_ps == FLUE_PS_NEVER) {
            program->finish_ps = now_ps + spec->finish_ps;
        }
        if (now_ps < program->finish_ps) {
            return false;
        }
    }
    program->shut = true;
    return expect(program, flue_socket_shutdown(program->stack, program->socket, FLUE_SHUT_WRITE), FLUE_STACK_OK,
                  "shutdown");
}

static bool read_some(struct program *program, flue_ps now_ps)
{
    const struct spec_end *spec = program->spec;
    uint8_t wanted[PROGRAM_BUFFER + 16];
    uint32_t most = spec->read_most < PROGRAM_BUFFER ? spec->read_most : PROGRAM_BUFFER;
    int64_t result;
    const uint8_t *right;

    if (program->peer_done || now_ps < program->next_read_ps ||
        (flue_socket_poll(program->stack, program->socket) & FLUE_POLL_IN) == 0) {
        return false;
    }
    result = flue_socket_recv(program->stack, program->socket, program->buffer, most, 0);
    if (result == 0) {
        program->peer_done = true;
        return true;
    }
    if (result < 0 || result > most) {
        return expect(program, result, most, "recv");
    }
    right = content(wanted, program->receive_key, program->received, (size_t)result);
    if (memcmp(right, program->buffer, (size_t)result) != 0) {
        size_t at = 0;

        while (right[at] == program->buffer[at]) {
            at++;
        }
        world_fail(program->world, "end %u: byte %" PRIu64 " is wrong", program->index, program->received + at);
        return false;
    }
    program->received += (uint64_t)result;
    program->next_read_ps = now_ps + spec->read_pause_ps;
    program->delivered(program->delivered_ctx, program->index, program->buffer, (size_t)result);
    return true;
}

/* Ended in order; a reset of a TIME-WAIT counts: a packet that comes late to the other end makes one (RFC 1337). */
static bool in_order(const struct program *program)
{
    return program->reason == FLUE_TCP_BY_SEGMENT || program->reason == FLUE_TCP_BY_2MSL ||
           (program->reason == FLUE_TCP_BY_RESET && program->state == FLUE_TCP_TIME_WAIT);
}

static bool leave(struct program *program)
{
    const struct spec_end *spec = program->spec;
    int64_t error = -1;

    if (!program->peer_done || (!program->shut && !(spec->close_only && program->sent == spec->bytes)) ||
        (spec->hold && !program->ended)) {
        return false;
    }
    if (spec->hold) {
        if ((flue_socket_poll(program->stack, program->socket) & FLUE_POLL_HUP) == 0) {
            world_fail(program->world, "end %u: no HUP after the end", program->index);
        }
        (void)expect(program, flue_socket_get(program->stack, program->socket, FLUE_SO_ERROR, &error), FLUE_STACK_OK,
                     "get");
        if (error != 0 && program->reason != FLUE_TCP_BY_RESET) {
            (void)expect(program, error, 0, "SO_ERROR");
        }
    }
    program->closed = true;
    (void)expect(program, flue_socket_close(program->stack, program->socket), FLUE_STACK_OK, "close");
    program->socket = -1;
    return false;
}

void program_run(struct program *program, flue_ps now_ps)
{
    program->ran_ps = now_ps;
    while (!program->closed && !world_failed(program->world) && open_up(program)) {
        bool busy = read_some(program, now_ps);

        busy = send_some(program, now_ps) || busy;
        busy = finish(program, now_ps) || busy;
        busy = leave(program) || busy;
        if (!busy) {
            break;
        }
    }
}

static void sooner(flue_ps *next_ps, flue_ps at_ps, flue_ps ran_ps)
{
    if (at_ps > ran_ps && at_ps < *next_ps) {
        *next_ps = at_ps;
    }
}

flue_ps program_next(const struct program *program)
{
    const flue_ps ran_ps = program->ran_ps;
    flue_ps next_ps = FLUE_PS_NEVER;

    if (program->closed || !program->connected) {
        return next_ps;
    }
    if (program->sent < program->spec->bytes) {
        sooner(&next_ps, program->next_send_ps, ran_ps);
    }
    if (!program->peer_done) {
        sooner(&next_ps, program->next_read_ps, ran_ps);
    }
    if (!program->shut) {
        sooner(&next_ps, program->finish_ps, ran_ps);
    }
    return next_ps;
}

void program_event(struct program *program, const struct flue_stack_event *event)
{
    switch (event->kind) {
    case FLUE_STACK_EV_READY:
        break;
    case FLUE_STACK_EV_STATE:
        if (event->state != FLUE_TCP_CLOSED) {
            program->state = event->state;
        }
        break;
    case FLUE_STACK_EV_ENDED:
        if (event->reason == FLUE_TCP_BY_EXPORT) {
            break;
        }
        program->ended = true;
        program->reason = event->reason;
        if (!in_order(program)) {
            world_fail(program->world, "end %u: the connection ends by %s in %s", program->index,
                       flue_tcp_reason_name(event->reason), flue_tcp_state_name(program->state));
        }
        break;
    }
}
