/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/packet_calls.c - what users of sockets do, and what must be true of the answers. */
#include "fuzz/packet_world.h"

#define IMAGE_ROOM (4u << 20)

static uint8_t room[IMAGE_ROOM];
static uint8_t other_room[IMAGE_ROOM];

static struct slot *choose(struct packet_world *world, struct input *input)
{
    return &world->slot[input_below(input, SLOTS)];
}

/* No call may answer with a number that is no error of the header. */
static void known(int64_t result)
{
    if (result < 0 && flue_stack_error_name((int)result)[0] == '?') {
        FUZZ_FAIL("%lld is no error", (long long)result);
    }
    FUZZ_REQUIRE(result != FLUE_STACK_EFAULT);
}

static void open_listener(struct packet_world *world, struct input *input)
{
    unsigned choice = input_u8(input);
    struct flue_endpoint local = {.port = (choice & 1) != 0 ? PORT + 1 : PORT};
    int s = flue_socket_open(world->stack);

    known(s);
    if (s < 0) {
        return;
    }
    if ((choice & 2) != 0) {
        local.ip = fuzz_ip((choice & 4) != 0, 1);
    }
    if ((choice & 8) != 0) {
        known(flue_socket_set(world->stack, s, FLUE_SO_REUSEADDR, 1));
    }
    known(flue_socket_bind(world->stack, s, &local));
    known(flue_socket_listen(world->stack, s, (choice & 16) != 0 ? 1 : 8));
    (void)world_take(world, s);
}

static void connect_out(struct packet_world *world, struct input *input)
{
    unsigned choice = input_u8(input);
    struct flue_endpoint remote = {.ip = world->flow[6 + choice % 4].remote_ip,
                                   .port = world->flow[6 + choice % 4].remote_port};
    struct flue_endpoint local = {.port = (uint16_t)(3000 + (choice & 3))};
    struct slot *slot;
    int s = flue_socket_open(world->stack);

    known(s);
    if (s < 0) {
        return;
    }
    if ((choice & 16) != 0) {
        known(flue_socket_bind(world->stack, s, &local));
    }
    if ((choice & 0xe0) == 0xe0) {
        remote = (struct flue_endpoint){.ip = fuzz_ip((choice & 4) != 0, 1), .port = PORT}; /* to ourselves */
    }
    slot = world_take(world, s);
    if (slot != NULL) {
        int result = flue_socket_connect(world->stack, s, &remote);

        known(result);
        FUZZ_REQUIRE(result != FLUE_STACK_OK);
    }
}

static void accept_all(struct packet_world *world)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct flue_endpoint remote;
        int s = world->slot[i].s < 0 ? FLUE_STACK_EBADF : flue_socket_accept(world->stack, world->slot[i].s, &remote);

        known(s);
        if (s >= 0) {
            fuzz_tell("  accepted socket %d", s);
            (void)world_take(world, s);
        }
    }
}

static void send_some(struct packet_world *world, struct input *input)
{
    static const uint32_t lengths[8] = {1, 10, 536, 1460, 4000, 20000, 0, 65536};
    struct slot *slot = choose(world, input);
    unsigned choice = input_u8(input);
    uint32_t length = lengths[choice & 7];
    int polled = flue_socket_poll(world->stack, slot->s);
    uint32_t fails = world->heap.fails;
    int64_t result;

    fuzz_fill(room, STREAM_OUT, slot->sent, length);
    result = flue_socket_send(world->stack, slot->s, room, length, choice >> 3 & (FLUE_MSG_MORE | FLUE_MSG_OOB));
    known(result);
    FUZZ_REQUIRE(result <= (int64_t)length);
    if (polled >= 0 && (polled & FLUE_POLL_OUT) != 0 && length > 0 && result < 0 && world->heap.fails == fails) {
        FUZZ_FAIL("poll said that send would take something, and it answers %s", flue_stack_error_name((int)result));
    }
    if (result > 0) {
        slot->sent += (uint32_t)result;
        fuzz_tell("  socket %d takes %lld bytes", slot->s, (long long)result);
    }
}

/* The sequence number of the next byte to be read; false: it is not known. */
static bool next_seq(struct packet_world *world, struct slot *slot)
{
    struct flue_tcp_info info;

    if (!slot->seq_known && flue_socket_info(world->stack, slot->s, &info) == FLUE_STACK_OK &&
        info.state >= FLUE_TCP_ESTABLISHED) {
        bool fin = info.state >= FLUE_TCP_CLOSE_WAIT;

        slot->next_seq = info.rcv_nxt - (uint32_t)info.unread_bytes - fin;
        slot->seq_known = true;
    }
    return slot->seq_known;
}

static void recv_some(struct packet_world *world, struct input *input)
{
    static const uint32_t lengths[4] = {1, 100, 3000, 65536};
    struct slot *slot = choose(world, input);
    unsigned choice = input_u8(input);
    uint32_t length = lengths[choice & 3];
    unsigned flags = (choice & 4) != 0 ? FLUE_MSG_PEEK : 0;
    int polled = flue_socket_poll(world->stack, slot->s);
    bool comparable = next_seq(world, slot) && slot->reading && !world->forged;
    int64_t result = flue_socket_recv(world->stack, slot->s, room, length, flags);

    known(result);
    FUZZ_REQUIRE(result <= (int64_t)length);
    if (polled >= 0 && (polled & FLUE_POLL_IN) != 0 ? result == FLUE_STACK_EAGAIN : result >= 0) {
        FUZZ_FAIL("poll says %x and recv %lld", (unsigned)polled, (long long)result);
    }
    if (result > 0) {
        fuzz_tell("  socket %d gives %lld bytes", slot->s, (long long)result);
        if (comparable && !fuzz_holds(room, STREAM_IN, slot->next_seq, (size_t)result)) {
            FUZZ_FAIL("%lld bytes from %u on are not what was sent", (long long)result, slot->next_seq);
        }
        if ((flags & FLUE_MSG_PEEK) == 0) {
            slot->next_seq += (uint32_t)result;
        }
    }
}

static void shut(struct packet_world *world, struct input *input)
{
    struct slot *slot = choose(world, input);
    unsigned how = input_below(input, 3);

    known(flue_socket_shutdown(world->stack, slot->s, (enum flue_shutdown)how));
    slot->reading = slot->reading && how == FLUE_SHUT_WRITE;
}

static void give_back(struct packet_world *world, struct input *input, bool abort_it)
{
    struct slot *slot = choose(world, input);
    int result;

    if (slot->s >= 0) {
        result = abort_it ? flue_socket_abort(world->stack, slot->s) : flue_socket_close(world->stack, slot->s);
        FUZZ_REQUIRE(result == FLUE_STACK_OK);
        FUZZ_REQUIRE(flue_socket_poll(world->stack, slot->s) == FLUE_STACK_EBADF);
    }
    slot->s = -1;
}

static void set_option(struct packet_world *world, struct input *input)
{
    static const int64_t values[16] = {0,    1,    2,     -1,    88,    255,     256,       1460,
                                       1000, 4096, 65495, 65536, 60000, 1 << 20, INT64_MAX, INT64_MIN};
    struct slot *slot = choose(world, input);
    unsigned option = input_below(input, FLUE_SO_LISTENING + 3);
    int64_t value = values[input_u8(input) & 15];
    int64_t now = 0;
    int result = flue_socket_set(world->stack, slot->s, (enum flue_socket_option)option, value);

    known(result);
    if (result == FLUE_STACK_OK && option != FLUE_SO_TOS && option != FLUE_SO_ERROR) {
        FUZZ_REQUIRE(flue_socket_get(world->stack, slot->s, (enum flue_socket_option)option, &now) == FLUE_STACK_OK);
        if (now != value && option != FLUE_SO_MAXSEG) {
            FUZZ_FAIL("option %u was set to %lld and is %lld", option, (long long)value, (long long)now);
        }
    }
}

static void ask_all(struct packet_world *world, struct input *input)
{
    struct slot *slot = choose(world, input);
    struct flue_endpoint endpoint;
    struct flue_tcp_info info;
    struct flue_tcp_totals totals;
    int64_t value;

    for (unsigned option = 0; option <= FLUE_SO_LISTENING + 1; option++) {
        known(flue_socket_get(world->stack, slot->s, (enum flue_socket_option)option, &value));
    }
    known(flue_socket_local(world->stack, slot->s, &endpoint));
    known(flue_socket_remote(world->stack, slot->s, &endpoint));
    known(flue_socket_info(world->stack, slot->s, &info));
    known(flue_socket_poll(world->stack, slot->s));
    flue_stack_totals(world->stack, &totals);
}

/* Out by an image and in again: without loss, as a second image shows. */
static void move_by_image(struct packet_world *world, struct input *input)
{
    struct slot *slot = choose(world, input);
    char what[120] = "";
    int64_t needed = flue_socket_export(world->stack, slot->s, NULL, 0);
    int64_t bytes, again;
    uint64_t outputs;
    uint32_t fails;
    int s;

    known(needed);
    if (needed <= 0 || needed > IMAGE_ROOM) {
        return;
    }
    FUZZ_REQUIRE(flue_socket_export(world->stack, slot->s, room, (size_t)needed - 1) == needed);
    bytes = flue_socket_export(world->stack, slot->s, room, IMAGE_ROOM);
    FUZZ_REQUIRE(bytes == needed);
    FUZZ_REQUIRE(flue_socket_poll(world->stack, slot->s) == FLUE_STACK_EBADF);
    do {
        fails = world->heap.fails;
        outputs = world->outputs;
        s = flue_socket_import(world->stack, room, (size_t)bytes, what, sizeof what);
        world_check(world);
        known(s);
        if (s < 0 && world->heap.fails == fails) {
            FUZZ_FAIL("an image just made is refused: %s, %s", flue_stack_error_name(s), what);
        }
    } while (s < 0);
    slot->s = s;
    if (world->outputs != outputs) {
        return; /* what had waited for memory left at once: the connection has gone on */
    }
    if (flue_socket_export(world->stack, s, NULL, 0) == bytes) {
        again = flue_socket_export(world->stack, s, other_room, IMAGE_ROOM);
        FUZZ_REQUIRE(again == bytes);
        fuzz_same_images(room, other_room, (size_t)bytes);
        slot->s = -1;
        s = flue_socket_import(world->stack, other_room, (size_t)bytes, what, sizeof what);
        known(s);
        if (s >= 0) {
            slot->s = s;
        }
    } else {
        FUZZ_FAIL("the second image is of another length");
    }
}

static void move_by_chimney(struct packet_world *world, struct input *input)
{
    struct slot *slot = choose(world, input);
    struct flue_tcp_state state;
    size_t send_bytes = 0, unread_bytes = 0;
    int result = flue_socket_detach(world->stack, slot->s, &state, room, &send_bytes, other_room, &unread_bytes);
    uint32_t fails = world->heap.fails;
    bool shut_write;

    known(result);
    if (result == FLUE_STACK_EMSGSIZE && send_bytes <= IMAGE_ROOM && unread_bytes <= IMAGE_ROOM) {
        result = flue_socket_detach(world->stack, slot->s, &state, room, &send_bytes, other_room, &unread_bytes);
        FUZZ_REQUIRE(result == FLUE_STACK_OK || world->heap.fails != fails);
    }
    if (result != FLUE_STACK_OK) {
        return;
    }
    slot->s = -1;
    shut_write = state.state != FLUE_TCP_ESTABLISHED && state.state != FLUE_TCP_CLOSE_WAIT;
    result = flue_socket_attach(world->stack, &state, room, send_bytes, other_room, unread_bytes);
    known(result);
    if (result >= 0) {
        slot->s = result;
        if (shut_write) {
            FUZZ_REQUIRE(flue_socket_send(world->stack, result, room, 1, 0) == FLUE_STACK_EPIPE);
        }
    } else if (world->heap.fails == fails) {
        FUZZ_FAIL("a state just made is refused: %s", flue_stack_error_name(result));
    }
}

static void bad_calls(struct packet_world *world, struct input *input)
{
    static const int numbers[4] = {-1, 64, INT32_MAX, INT32_MIN};
    int s = numbers[input_u8(input) & 3];
    struct flue_endpoint any = {.port = 1};
    int64_t value;

    FUZZ_REQUIRE(flue_socket_poll(world->stack, s) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_close(world->stack, s) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_abort(world->stack, s) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_accept(world->stack, s, NULL) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_listen(world->stack, s, 1) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_bind(world->stack, s, &any) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_connect(world->stack, s, &any) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_get(world->stack, s, FLUE_SO_ERROR, &value) == FLUE_STACK_EBADF);
    FUZZ_REQUIRE(flue_socket_export(world->stack, s, NULL, 0) == FLUE_STACK_EBADF);
}

void world_call(struct packet_world *world, unsigned call, struct input *input)
{
    switch (call) {
    case 0:
        open_listener(world, input);
        break;
    case 1:
        connect_out(world, input);
        break;
    case 2:
    case 3:
        accept_all(world);
        break;
    case 4:
    case 5:
        send_some(world, input);
        break;
    case 6:
        recv_some(world, input);
        break;
    case 7:
        shut(world, input);
        break;
    case 8:
        give_back(world, input, input_u8(input) < 64);
        break;
    case 9:
        set_option(world, input);
        break;
    case 10:
        ask_all(world, input);
        break;
    case 11:
        move_by_image(world, input);
        break;
    case 12:
        move_by_chimney(world, input);
        break;
    default:
        bad_calls(world, input);
        break;
    }
}
