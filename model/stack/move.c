/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/move.c - images: a socket, its connection and the bytes in its buffers, as one row of records.
 *
 * The engine's records ("tcp.") tell payload as places in the two rings; the socket's own ("socket.") bring the rings'
 * bytes.  What stands in an image is not trusted: it has to fit together before the connection moves on. */
#include "base/image.h"
#include "stack/stack.h"

enum field {
    FIELD_FLAGS,
    FIELD_SND_BUFFER,
    FIELD_RCV_MOST,
    FIELD_LINGER,
    FIELD_URGENT_MARK,
    FIELD_SENT_FROM,
    FIELD_RECEIVED_FROM,
    FIELD_RCV_OFFSET,
    FIELD_SENT,
    FIELD_RECEIVED,
    FIELD_KEPT, /* what came out of order: the spans of the engine's reassembly queue, one after the other */
    FIELDS
};

static const struct field_form {
    const char *name;
    unsigned width; /* 0: bytes */
} forms[FIELDS] = {
    [FIELD_FLAGS] = {"socket.flags", 4},
    [FIELD_SND_BUFFER] = {"socket.snd_buffer", 4},
    [FIELD_RCV_MOST] = {"socket.rcv_most", 4},
    [FIELD_LINGER] = {"socket.linger", 4},
    [FIELD_URGENT_MARK] = {"socket.urgent_mark", 8},
    [FIELD_SENT_FROM] = {"socket.sent_from", 8},
    [FIELD_RECEIVED_FROM] = {"socket.received_from", 8},
    [FIELD_RCV_OFFSET] = {"socket.rcv_offset", 8},
    [FIELD_SENT] = {"socket.sent", 0},
    [FIELD_RECEIVED] = {"socket.received", 0},
    [FIELD_KEPT] = {"socket.kept", 0},
};

#define OFFSET_MOST (UINT64_C(1) << 62)
#define BUFFER_MOST (UINT32_C(1) << 31)

static void put_number(struct image_writer *writer, enum field field, uint64_t value)
{
    image_put_u(writer, forms[field].name, true, value, forms[field].width);
}

/* `length` bytes from `offset` on as they stand in the ring, in at most two pieces. */
static void put_ring(struct image_writer *writer, const struct ring *ring, uint64_t offset, uint32_t length)
{
    while (length > 0) {
        uint32_t at = (uint32_t)(offset & (ring->room - 1));
        uint32_t part = length < ring->room - at ? length : ring->room - at;

        image_put_more(writer, ring->memory + at, part);
        offset += part;
        length -= part;
    }
}

struct kept {
    struct image_writer *writer; /* NULL: only count */
    const struct ring *ring;
    uint32_t bytes;
};

static void visit_kept(void *arg, uint32_t seq, const struct flue_span *span)
{
    struct kept *kept = arg;

    (void)seq;
    kept->bytes += span->length_bytes;
    if (kept->writer != NULL) {
        put_ring(kept->writer, kept->ring, span->offset_bytes, span->length_bytes);
    }
}

static int64_t write_image(const struct socket *socket, void *out, size_t room)
{
    const struct ring *send = &socket->send, *receive = &socket->receive;
    struct kept kept = {.ring = receive};
    struct image_writer writer;

    image_writer_start(&writer, out, room);
    put_number(&writer, FIELD_FLAGS, socket->flags & SOCKET_KEPT);
    put_number(&writer, FIELD_SND_BUFFER, socket->snd_buffer_bytes);
    put_number(&writer, FIELD_RCV_MOST, socket->rcv_most_bytes);
    put_number(&writer, FIELD_LINGER, (uint32_t)socket->linger_ms);
    put_number(&writer, FIELD_URGENT_MARK, socket->urgent_mark);
    put_number(&writer, FIELD_SENT_FROM, send->head);
    put_number(&writer, FIELD_RECEIVED_FROM, receive->head);
    put_number(&writer, FIELD_RCV_OFFSET, socket->rcv_offset);
    image_put_start(&writer, forms[FIELD_SENT].name, true, ring_bytes(send));
    put_ring(&writer, send, send->head, ring_bytes(send));
    image_put_start(&writer, forms[FIELD_RECEIVED].name, true, ring_bytes(receive));
    put_ring(&writer, receive, receive->head, ring_bytes(receive));
    if ((socket->flags & SOCKET_SHUT_READ) == 0) {
        flue_tcp_visit_reassembly(socket->conn, visit_kept, &kept);
    }
    image_put_start(&writer, forms[FIELD_KEPT].name, true, kept.bytes);
    if (kept.bytes > 0) {
        kept.writer = &writer;
        flue_tcp_visit_reassembly(socket->conn, visit_kept, &kept);
    }
    if (flue_tcp_image_write(socket->conn, &writer, socket->stack->now_ps) != FLUE_OK) {
        return FLUE_STACK_ENOTCONN;
    }
    return (int64_t)image_writer_end(&writer);
}

int64_t flue_socket_export(struct flue_stack *stack, int s, void *out, size_t room)
{
    struct socket *socket = stack_socket(stack, s);
    int64_t bytes;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->conn == NULL) {
        return FLUE_STACK_ENOTCONN;
    }
    bytes = write_image(socket, NULL, 0);
    if (bytes < 0 || (uint64_t)bytes > room) {
        return bytes;
    }
    (void)write_image(socket, out, room);
    socket_forget(socket);
    return bytes;
}

struct socket *socket_for_move(struct flue_stack *stack, int *error)
{
    struct socket *socket = socket_new(stack);

    *error = socket == NULL ? FLUE_STACK_ENOMEM : socket_number(socket);
    if (socket != NULL && *error != FLUE_STACK_OK) {
        socket_free(socket);
        socket = NULL;
    }
    return socket;
}

int socket_take_over(struct socket *socket)
{
    struct flue_tcp_info info;

    flue_tcp_info(socket->conn, &info);
    if (!stack_owns(socket->stack, &info.tuple.local_ip)) {
        return FLUE_STACK_EADDRNOTAVAIL;
    }
    if (flue_ip_is_v4(&info.tuple.local_ip) != flue_ip_is_v4(&info.tuple.remote_ip) ||
        !stack_ip_host(&info.tuple.remote_ip) || info.tuple.local_port == 0 || info.tuple.remote_port == 0) {
        return FLUE_STACK_EPROTO;
    }
    socket->local = (struct flue_endpoint){.ip = info.tuple.local_ip, .port = info.tuple.local_port};
    socket->remote = (struct flue_endpoint){.ip = info.tuple.remote_ip, .port = info.tuple.remote_port};
    socket->settings = *flue_tcp_settings(socket->conn);
    socket->rcv_seq = info.rcv_nxt;
    socket->phase = info.state <= FLUE_TCP_SYN_RECEIVED ? SOCKET_OPENING : SOCKET_OPEN;
    if (socket->settings.rcv_buffer_bytes > socket->rcv_most_bytes) {
        socket->rcv_most_bytes = socket->settings.rcv_buffer_bytes;
    }
    return socket_enter_port(socket) ? FLUE_STACK_OK : FLUE_STACK_ENOMEM;
}

void socket_forget(struct socket *socket)
{
    if (socket->conn != NULL) {
        flue_tcp_release(socket->conn);
        socket->conn = NULL;
    }
    socket_free(socket);
}

/* The records of a socket, and what the engine's lists must say to go with them. */
struct image_parts {
    struct image_record record[FIELDS];
    uint64_t number[FIELDS];
    struct socket *socket;
    uint64_t sent_to; /* visiting the send queue: where it goes on */
    uint64_t kept_at; /* visiting the reassembly queue: bytes of FIELD_KEPT that are used up */
    uint32_t rcv_nxt;
    bool fits;
    bool memory;
};

static flue_err read_records(struct image_reader *reader, struct image_parts *parts)
{
    struct image_record record;

    while (image_next(reader, &record)) {
        unsigned i = 0;

        if (image_has_prefix(&record, "tcp.")) {
            continue; /* the engine's */
        }
        while (i < FIELDS && !image_is(&record, forms[i].name)) {
            i++;
        }
        if (i == FIELDS) {
            image_unknown(reader, &record);
            continue;
        }
        parts->record[i] = record;
        if (forms[i].width != 0) {
            parts->number[i] = image_get_u(reader, &record, forms[i].width);
        }
    }
    for (unsigned i = 0; i < FIELDS && !image_reader_failed(reader); i++) {
        if (parts->record[i].name == NULL) {
            return image_reader_fail(reader, "a field is missing", forms[i].name);
        }
    }
    return image_reader_failed(reader) ? FLUE_EPARSE : FLUE_OK;
}

/* Numbers in their ranges; the name of the first that is not. */
static const char *wrong_number(const struct image_parts *parts)
{
    static const enum field offsets[] = {FIELD_URGENT_MARK, FIELD_SENT_FROM, FIELD_RECEIVED_FROM, FIELD_RCV_OFFSET};
    const uint64_t *number = parts->number;

    if ((number[FIELD_FLAGS] & ~(uint64_t)SOCKET_KEPT) != 0) {
        return forms[FIELD_FLAGS].name;
    }
    if (number[FIELD_SND_BUFFER] < 1 || number[FIELD_SND_BUFFER] > BUFFER_MOST) {
        return forms[FIELD_SND_BUFFER].name;
    }
    if (number[FIELD_RCV_MOST] < 1 || number[FIELD_RCV_MOST] > BUFFER_MOST) {
        return forms[FIELD_RCV_MOST].name;
    }
    if ((int32_t)(uint32_t)number[FIELD_LINGER] < -1) {
        return forms[FIELD_LINGER].name;
    }
    for (unsigned i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        if (number[offsets[i]] > OFFSET_MOST) {
            return forms[offsets[i]].name;
        }
    }
    return NULL;
}

static void check_sent(void *arg, const struct flue_span *span)
{
    struct image_parts *parts = arg;

    parts->fits =
        parts->fits && span->memory == NULL && span->stream == STACK_SENT && span->offset_bytes == parts->sent_to;
    parts->sent_to += span->length_bytes;
}

static void take_kept(void *arg, uint32_t seq, const struct flue_span *span)
{
    struct image_parts *parts = arg;
    struct socket *socket = parts->socket;
    const struct image_record *kept = &parts->record[FIELD_KEPT];
    uint64_t offset = socket->rcv_offset + (seq - parts->rcv_nxt);

    parts->fits = parts->fits && span->memory == NULL && span->stream == STACK_RECEIVED &&
                  span->offset_bytes == offset && seq - parts->rcv_nxt <= BUFFER_MOST;
    if (!parts->fits || (socket->flags & SOCKET_SHUT_READ) != 0) {
        return;
    }
    if (span->length_bytes > kept->length - parts->kept_at ||
        offset + span->length_bytes - socket->receive.head > socket->rcv_most_bytes) {
        parts->fits = false;
        return;
    }
    parts->memory = parts->memory && ring_reserve(socket->stack, &socket->receive, offset + span->length_bytes);
    if (parts->memory) {
        ring_write(&socket->receive, offset, kept->value + parts->kept_at, span->length_bytes);
    }
    parts->kept_at += span->length_bytes;
}

static bool fill(struct flue_stack *stack, struct ring *ring, uint64_t from, const struct image_record *record)
{
    ring->head = ring->tail = ring->end = from;
    if (!ring_reserve(stack, ring, from + record->length)) {
        return false;
    }
    ring_write(ring, from, record->value, record->length);
    ring->tail = from + record->length;
    return true;
}

/* Which flags a state implies, and which it rules out. */
static bool state_fits(enum flue_tcp_state_id state, uint32_t flags)
{
    bool peer_closed = state == FLUE_TCP_CLOSE_WAIT || state == FLUE_TCP_CLOSING || state == FLUE_TCP_LAST_ACK ||
                       state == FLUE_TCP_TIME_WAIT;
    bool closed = state >= FLUE_TCP_FIN_WAIT_1 && state != FLUE_TCP_CLOSE_WAIT;
    bool delivered = state == FLUE_TCP_FIN_WAIT_2 || state == FLUE_TCP_TIME_WAIT;

    return ((flags & SOCKET_PEER_CLOSED) != 0) == peer_closed && ((flags & SOCKET_DELIVERED) != 0) == delivered &&
           (!closed || (flags & SOCKET_SHUT_WRITE) != 0);
}

/* Puts the socket's part beside the connection that the engine has made. */
static int take_parts(struct image_parts *parts)
{
    struct socket *socket = parts->socket;
    struct flue_stack *stack = socket->stack;
    struct flue_tcp_info info;
    int error;

    socket->flags = (uint32_t)parts->number[FIELD_FLAGS];
    socket->snd_buffer_bytes = (uint32_t)parts->number[FIELD_SND_BUFFER];
    socket->rcv_most_bytes = (uint32_t)parts->number[FIELD_RCV_MOST];
    socket->linger_ms = (int32_t)(uint32_t)parts->number[FIELD_LINGER];
    socket->urgent_mark = parts->number[FIELD_URGENT_MARK];
    socket->rcv_offset = parts->number[FIELD_RCV_OFFSET];
    if (!fill(stack, &socket->send, parts->number[FIELD_SENT_FROM], &parts->record[FIELD_SENT]) ||
        !fill(stack, &socket->receive, parts->number[FIELD_RECEIVED_FROM], &parts->record[FIELD_RECEIVED])) {
        return FLUE_STACK_ENOMEM;
    }
    error = socket_take_over(socket);
    if (error != FLUE_STACK_OK) {
        return error;
    }
    flue_tcp_info(socket->conn, &info);
    parts->rcv_nxt = info.rcv_nxt;
    parts->sent_to = socket->send.head;
    parts->fits = state_fits(info.state, socket->flags) &&
                  (flue_tcp_closed(socket->conn) != 0) == ((socket->flags & SOCKET_SHUT_WRITE) != 0) &&
                  info.unread_bytes == ring_bytes(&socket->receive) && socket->receive.tail <= socket->rcv_offset &&
                  (socket->receive.tail == socket->rcv_offset || (socket->flags & SOCKET_SHUT_READ) != 0) &&
                  (socket->settings.cork != 0) == ((socket->flags & (SOCKET_CORK | SOCKET_MORE)) != 0);
    parts->memory = true;
    flue_tcp_visit_send_queue(socket->conn, check_sent, parts);
    flue_tcp_visit_reassembly(socket->conn, take_kept, parts);
    if (!parts->fits || parts->sent_to != socket->send.tail || parts->kept_at != parts->record[FIELD_KEPT].length) {
        return FLUE_STACK_EPROTO;
    }
    return parts->memory ? FLUE_STACK_OK : FLUE_STACK_ENOMEM;
}

int flue_socket_import(struct flue_stack *stack, const void *image, size_t bytes, char *what, size_t room)
{
    struct image_parts parts = {.fits = true};
    struct image_reader reader, again;
    struct socket *socket;
    const char *wrong;
    int error;

    stack_tell(what, room, "");
    if (image_reader_start(&reader, image, bytes) != FLUE_OK) {
        image_reader_tell(&reader, what, room);
        return FLUE_STACK_EPROTO;
    }
    again = reader;
    if (read_records(&reader, &parts) != FLUE_OK) {
        image_reader_tell(&reader, what, room);
        return FLUE_STACK_EPROTO;
    }
    wrong = wrong_number(&parts);
    if (wrong != NULL) {
        (void)image_reader_fail(&reader, "a value is out of its range", wrong);
        image_reader_tell(&reader, what, room);
        return FLUE_STACK_EPROTO;
    }
    socket = socket_for_move(stack, &error);
    if (socket == NULL) {
        stack_tell(what, room, flue_stack_error_sentence(error));
        return error;
    }
    parts.socket = socket;
    error = stack_error_of(
        flue_tcp_image_read(stack->tcp, &again, socket, (uint32_t)socket->number, stack->now_ps, &socket->conn));
    if (error == FLUE_STACK_OK) {
        error = take_parts(&parts);
        if (error == FLUE_STACK_EPROTO) {
            (void)image_reader_fail(&again, "the socket and its connection do not fit together", NULL);
        }
    }
    if (error != FLUE_STACK_OK) {
        if (image_reader_failed(&again)) {
            image_reader_tell(&again, what, room);
        } else {
            stack_tell(what, room, flue_stack_error_sentence(error));
        }
        socket_forget(socket);
        return error;
    }
    stack->current = socket;
    flue_tcp_image_resume(socket->conn, stack->now_ps);
    stack->current = NULL;
    socket_ask(socket, SOCKET_LOOK);
    error = socket->number;
    stack_settle(stack);
    return error;
}
