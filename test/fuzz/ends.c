/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/ends.c - two stacks, their users and the wire. */
#include <stdlib.h>

#include "fuzz/ends.h"

static uint8_t scratch[ENDS_IMAGE];
static uint8_t other_scratch[ENDS_IMAGE];

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* What both SYNs agreed on. */
static bool scales(const struct ends *ends)
{
    return ends->end[0].syn_scales && ends->end[1].syn_scales;
}

static void see_window(struct ends *ends, struct end *end, const struct flue_frame *frame)
{
    unsigned scale = (frame->flags & FLUE_TCP_SYN) == 0 && scales(ends) ? end->wscale : 0;
    uint32_t edge = frame->ack + ((uint32_t)frame->window << scale);

    if (!end->edge_known || before(end->edge, edge)) {
        end->edge = edge;
        end->edge_known = true;
    }
}

/* What must be true of a segment as long as the wire has changed nothing: its bytes are the stream's, and it stays in
 * the window that the other end has told, but for a probe of one byte (RFC 9293 3.8.6.1). */
static void see_segment(struct ends *ends, struct end *end, const struct flue_frame *frame)
{
    const struct end *peer = &ends->end[1 - end->number];
    uint32_t length = frame->payload.length_bytes;

    if ((frame->flags & FLUE_TCP_SYN) != 0 && (!end->syn_seen || frame->seq == end->iss)) {
        end->syn_seen = true;
        end->iss = frame->seq;
        end->syn_scales = (frame->options & FLUE_OPT_WSCALE) != 0;
        end->wscale = frame->wscale;
    }
    if (!end->syn_seen || (frame->flags & FLUE_TCP_RST) != 0) {
        return;
    }
    if ((frame->flags & FLUE_TCP_ACK) != 0 && ends->end[0].syn_seen && ends->end[1].syn_seen) {
        see_window(ends, end, frame);
    }
    if (length == 0 || ends->modified) {
        return;
    }
    if (!fuzz_holds(frame->payload.memory, 1 + end->number, frame->seq - end->iss - 1, length)) {
        FUZZ_FAIL("end %u sends %u bytes at %u that are not its stream's", end->number, length,
                  frame->seq - end->iss - 1);
    }
    if (peer->edge_known && before(peer->edge, frame->seq + length - (length == 1 ? 1 : 0))) {
        FUZZ_FAIL("end %u sends %u bytes at %u, beyond the window that ends at %u", end->number, length, frame->seq,
                  peer->edge);
    }
}

static void output(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct end *end = ctx;
    struct ends *ends = end->ends;
    struct flue_frame frame;

    if (frame_decode(packet, bytes, &frame, true) != FLUE_OK) {
        FUZZ_FAIL("end %u sends a packet of %zu bytes that is none", end->number, bytes);
    }
    fuzz_tell("%lld us: %u > seq %u ack %u flags %02x window %u, %u bytes%s", (long long)(ends->now_ps / 1000000),
              end->number, frame.seq, frame.ack, frame.flags, frame.window, frame.payload.length_bytes,
              frame.sack_count > 0 ? ", SACK" : "");
    see_segment(ends, end, &frame);
    if (ends->middle == NULL) {
        ends_carry(ends, 1 - end->number, packet, bytes, ENDS_DELAY_PS);
    } else {
        ends->middle(ends, end->number, packet, bytes, &frame);
    }
}

static void event(void *ctx, const struct flue_stack_event *event)
{
    const struct end *end = ctx;

    fuzz_tell("%lld us: %u event %d of socket %d: poll %x, %s, %s", (long long)(end->ends->now_ps / 1000000),
              end->number, (int)event->kind, event->socket, event->poll, flue_tcp_state_name(event->state),
              flue_tcp_reason_name(event->reason));
}

static uint32_t random32(void *ctx)
{
    struct end *end = ctx;

    return fuzz_random(&end->random);
}

static void *allocate(void *ctx, size_t bytes)
{
    struct end *end = ctx;

    return fuzz_allocate(&end->heap, bytes);
}

static void release(void *ctx, void *memory, size_t bytes)
{
    struct end *end = ctx;

    fuzz_release(&end->heap, memory, bytes);
}

void ends_new_stack(struct end *end)
{
    struct flue_stack_callbacks callbacks = {
        .ctx = end, .output = output, .event = event, .random32 = random32, .allocate = allocate, .release = release};

    FUZZ_REQUIRE(flue_stack_new(&end->config, &callbacks, end->ends->now_ps, &end->stack) == FLUE_STACK_OK);
}

struct flue_endpoint ends_name(const struct ends *ends, unsigned number, bool v6)
{
    return (struct flue_endpoint){.ip = ends->end[number].config.addresses[v6 ? 1 : 0],
                                  .port = (uint16_t)(number == 0 ? 4000 : 80)};
}

void ends_open(struct ends *ends, bool v6, bool simultaneous)
{
    struct flue_endpoint name[2];

    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &ends->end[i];

        end->ends = ends;
        end->number = i;
        end->listener = end->s = -1;
        end->config.addresses[0] = flue_ip_v4(UINT32_C(0x0a000001) + i);
        end->config.addresses[1] = (struct flue_ip){{UINT32_C(0x20010db8), 0, 0, 1 + i}};
        end->config.address_count = 2;
        ends_new_stack(end);
        name[i] = ends_name(ends, i, v6);
    }
    for (unsigned i = 2; i-- > 0;) {
        struct end *end = &ends->end[i];
        int s = flue_socket_open(end->stack);

        FUZZ_REQUIRE(s >= 0 && flue_socket_bind(end->stack, s, &name[i]) == FLUE_STACK_OK);
        if (i == 1 && !simultaneous) {
            FUZZ_REQUIRE(flue_socket_listen(end->stack, s, 4) == FLUE_STACK_OK);
            end->listener = s;
        } else {
            end->s = s;
            FUZZ_REQUIRE(flue_socket_connect(end->stack, s, &name[1 - i]) == FLUE_STACK_EINPROGRESS);
        }
    }
}

void ends_carry(struct ends *ends, unsigned to, const uint8_t *packet, size_t bytes, flue_ps delay_ps)
{
    struct packet *place = &ends->packet[ends->packets];

    if (ends->packets == ENDS_PACKETS) {
        FUZZ_FAIL("%d packets are under way", ENDS_PACKETS);
    }
    *place = (struct packet){.due_ps = ends->now_ps + delay_ps, .order = ends->order++, .length = bytes, .to = to};
    place->bytes = malloc(bytes);
    FUZZ_REQUIRE(place->bytes != NULL);
    memcpy(place->bytes, packet, bytes);
    ends->packets++;
}

/* The connection is over before its end. */
static void lost(struct end *end, int64_t result)
{
    end->error = (int)result;
    fuzz_tell("end %u: %s", end->number, flue_stack_error_name((int)result));
    if (!end->ends->modified) {
        FUZZ_FAIL("end %u of a connection that nobody disturbed: %s after %u bytes sent, %u read", end->number,
                  flue_stack_error_name((int)result), end->sent, end->received);
    }
    FUZZ_REQUIRE(flue_socket_close(end->stack, end->s) == FLUE_STACK_OK);
    end->s = -1;
    end->closed = true;
}

/* Whether the answer of a call means the end.  No memory is no end: the call can be made again. */
static bool fatal(const struct end *end, int64_t result, uint32_t fails)
{
    if (result >= 0 || result == FLUE_STACK_EAGAIN || (result == FLUE_STACK_ENOTCONN && !end->connected)) {
        return false;
    }
    if (result == FLUE_STACK_ENOMEM) {
        FUZZ_REQUIRE(end->heap.fails > fails);
        return false;
    }
    return true;
}

static void send_all(struct end *end)
{
    while (end->s >= 0 && end->sent < end->to_send) {
        uint32_t length = end->to_send - end->sent < 8192 ? end->to_send - end->sent : 8192;
        uint32_t fails = end->heap.fails;
        int64_t result;

        fuzz_fill(scratch, 1 + end->number, end->sent, length);
        result = flue_socket_send(end->stack, end->s, scratch, length, 0);
        if (fatal(end, result, fails)) {
            lost(end, result);
        }
        if (result <= 0) {
            return;
        }
        FUZZ_REQUIRE(result <= (int64_t)length);
        end->sent += (uint32_t)result;
    }
    if (end->s >= 0 && end->connected && !end->shut) {
        int result = flue_socket_shutdown(end->stack, end->s, FLUE_SHUT_WRITE);

        /* After a move: the FIN was sent before, and the connection may be over in order. */
        end->shut = result == FLUE_STACK_OK || (result == FLUE_STACK_ENOTCONN && end->sent_fin);
        if (!end->shut && fatal(end, result, 0)) {
            lost(end, result);
        }
    }
}

static void read_all(struct end *end)
{
    struct ends *ends = end->ends;
    uint32_t fails = end->heap.fails;
    int64_t result;

    while (end->s >= 0 && !end->eof && end->read_next_ps <= ends->now_ps) {
        result = flue_socket_recv(end->stack, end->s, scratch, end->read_bytes, 0);
        if (fatal(end, result, fails)) {
            lost(end, result);
        }
        if (result < 0) {
            return;
        }
        if (!ends->modified && !fuzz_holds(scratch, 2 - end->number, end->received, (size_t)result)) {
            FUZZ_FAIL("end %u reads %lld bytes at %u that are not what was sent", end->number, (long long)result,
                      end->received);
        }
        end->received += (uint32_t)result;
        end->eof = result == 0;
        if (end->read_every_ps > 0) {
            end->read_next_ps = ends->now_ps + end->read_every_ps;
        }
    }
}

static void wake(struct end *end)
{
    struct ends *ends = end->ends;
    int polled;

    if (end->s < 0 && end->listener >= 0 && !end->closed) {
        int s = flue_socket_accept(end->stack, end->listener, NULL);

        end->s = s >= 0 ? s : -1;
    }
    if (end->s < 0) {
        return;
    }
    polled = flue_socket_poll(end->stack, end->s);
    FUZZ_REQUIRE(polled >= 0);
    end->connected = end->connected || (polled & FLUE_POLL_OUT) != 0;
    send_all(end);
    read_all(end);
    if (end->s >= 0 && end->eof && end->shut) {
        if (!ends->modified && end->received != ends->end[1 - end->number].to_send) {
            FUZZ_FAIL("end %u has read %u bytes to the end, %u were to come", end->number, end->received,
                      ends->end[1 - end->number].to_send);
        }
        FUZZ_REQUIRE(flue_socket_close(end->stack, end->s) == FLUE_STACK_OK);
        end->s = -1;
        end->closed = true;
    }
}

static flue_ps next_of(const struct end *end)
{
    flue_ps next_ps = flue_stack_deadline(end->stack);

    if (end->s >= 0 && end->read_next_ps > end->ends->now_ps && end->read_next_ps < next_ps) {
        next_ps = end->read_next_ps;
    }
    return next_ps;
}

static void arrive(struct ends *ends, unsigned place)
{
    struct packet packet = ends->packet[place];
    struct end *end = &ends->end[packet.to];

    ends->packet[place] = ends->packet[--ends->packets];
    (void)flue_stack_input(end->stack, packet.bytes, packet.length, ends->now_ps);
    free(packet.bytes);
}

bool ends_step(struct ends *ends, flue_ps until_ps)
{
    flue_ps next_ps = next_of(&ends->end[0]);
    flue_ps other_ps = next_of(&ends->end[1]);
    unsigned place = ends->packets;
    unsigned checked = next_ps <= other_ps ? 0 : 1; /* the end to which something happens */

    for (unsigned i = 0; i < ends->packets; i++) {
        const struct packet *packet = &ends->packet[i];

        if (place == ends->packets || packet->due_ps < ends->packet[place].due_ps ||
            (packet->due_ps == ends->packet[place].due_ps && packet->order < ends->packet[place].order)) {
            place = i;
        }
    }
    next_ps = other_ps < next_ps ? other_ps : next_ps;
    if (place < ends->packets && ends->packet[place].due_ps <= next_ps) {
        next_ps = ends->packet[place].due_ps;
    } else {
        place = ends->packets;
    }
    if (next_ps > until_ps || next_ps == FLUE_PS_NEVER) {
        return false;
    }
    ends->now_ps = next_ps > ends->now_ps ? next_ps : ends->now_ps; /* an image may bring a deadline that is past */
    if (place < ends->packets) {
        checked = ends->packet[place].to;
        arrive(ends, place);
    }
    for (unsigned i = 0; i < 2; i++) {
        flue_stack_advance(ends->end[i].stack, ends->now_ps);
        wake(&ends->end[i]);
        if (i == checked) {
            fuzz_check(ends->end[i].stack);
        }
        /* What the program has just done may be due at once, as a TIME-WAIT of no length is; but not for ever. */
        for (unsigned again = 0; again < 100 && flue_stack_deadline(ends->end[i].stack) <= ends->now_ps; again++) {
            flue_stack_advance(ends->end[i].stack, ends->now_ps);
            wake(&ends->end[i]);
        }
        FUZZ_REQUIRE(flue_stack_deadline(ends->end[i].stack) > ends->now_ps);
    }
    ends->both_open = ends->both_open || (ends->end[0].connected && ends->end[1].connected);
    return true;
}

bool ends_finished(const struct ends *ends)
{
    return ends->end[0].closed && ends->end[1].closed;
}

void ends_close(struct ends *ends)
{
    for (unsigned i = 0; i < ends->packets; i++) {
        free(ends->packet[i].bytes);
    }
    ends->packets = 0;
    for (unsigned i = 0; i < 2; i++) {
        flue_stack_free(ends->end[i].stack);
        FUZZ_REQUIRE(ends->end[i].heap.live_blocks == 0);
    }
}

void ends_move_by_image(struct end *end, bool new_stack)
{
    char what[120] = "";
    int64_t bytes = flue_socket_export(end->stack, end->s, scratch, sizeof scratch);
    uint32_t fails = end->heap.fails;
    int s;

    if (bytes == FLUE_STACK_ENOTCONN) {
        return; /* over already, or not yet begun */
    }
    FUZZ_REQUIRE(bytes > 0 && bytes <= (int64_t)sizeof scratch);
    fuzz_tell("end %u moves by an image of %lld bytes", end->number, (long long)bytes);
    if (new_stack) {
        flue_stack_free(end->stack);
        FUZZ_REQUIRE(end->heap.live_blocks == 0);
        end->heap.bad = 0;
        ends_new_stack(end);
        end->listener = -1;
    }
    do {
        fails = end->heap.fails;
        s = flue_socket_import(end->stack, scratch, (size_t)bytes, what, sizeof what);
        if (s < 0 && end->heap.fails == fails) {
            FUZZ_FAIL("an image just made is refused: %s, %s", flue_stack_error_name(s), what);
        }
    } while (s < 0);
    end->s = s;
}

void ends_move_by_chimney(struct end *end)
{
    struct flue_tcp_state state;
    size_t send_bytes = sizeof scratch, unread_bytes = sizeof other_scratch;
    uint32_t fails;
    int result = flue_socket_detach(end->stack, end->s, &state, scratch, &send_bytes, other_scratch, &unread_bytes);

    if (result == FLUE_STACK_ENOTCONN) {
        return;
    }
    FUZZ_REQUIRE(result == FLUE_STACK_OK);
    fuzz_tell("end %u moves in chimney form, state %s, %zu bytes to send, %zu to read", end->number,
              flue_tcp_state_name(state.state), send_bytes, unread_bytes);
    do {
        fails = end->heap.fails;
        result = flue_socket_attach(end->stack, &state, scratch, send_bytes, other_scratch, unread_bytes);
        if (result < 0 && end->heap.fails == fails) {
            FUZZ_FAIL("a state just made is refused: %s", flue_stack_error_name(result));
        }
    } while (result < 0);
    end->s = result;
    end->sent_fin = state.state != FLUE_TCP_ESTABLISHED && state.state != FLUE_TCP_CLOSE_WAIT;
    end->shut = false; /* a FIN not yet sent is not part of the state */
}
