/* SPDX-License-Identifier: GPL-2.0-only */
/* host/image.c - sockets that go from host to host: the engine's image of the connection ("tcp."), and beside it what
 * the socket itself knows ("host."): how far its stream is, what the application has asked for, what it has not read.
 */
#include "base/image.h"
#include "host/charge.h"
#include "host/holder.h"
#include "host/socket.h"

#define FIELD_SOCKET "host.socket"
#define FIELD_UNREAD "host.unread"

enum { PIECE_BYTES = 4 + 8 + 4 };

/* What of a socket's flags is true wherever it is. */
#define FLAGS_KEPT                                                                                                     \
    (SOCKET_ACCEPTED | SOCKET_CONNECTED | SOCKET_CLOSE_WANTED | SOCKET_FIN_TOLD | SOCKET_FIN_SENT | SOCKET_PEER_FIN |  \
     SOCKET_PAUSED)

/* The numbers of record host.socket, in this order, 8 bytes each. */
enum {
    ID,
    FLAGS,
    SENT,
    POSTED,
    ACKED,
    OWED,
    DRIVEN_BACK,
    PORTS,
    LOCAL_IP,
    REMOTE_IP = LOCAL_IP + 2,
    NUMBERS = REMOTE_IP + 2
};

/* ---- Out --------------------------------------------------------------------------------------------------------- */

static void put_address(uint64_t numbers[2], const struct flue_ip *ip)
{
    numbers[0] = (uint64_t)ip->word[0] << 32 | ip->word[1];
    numbers[1] = (uint64_t)ip->word[2] << 32 | ip->word[3];
}

static void put_socket(struct image_writer *writer, const struct flue_host_socket *socket)
{
    const struct flue_tcp_tuple tuple = host_tuple(socket);
    uint64_t numbers[NUMBERS] = {
        [ID] = socket->account.conn,          [FLAGS] = socket->flags & FLAGS_KEPT,
        [SENT] = socket->sent_bytes,          [POSTED] = socket_posted_bytes(socket),
        [ACKED] = socket_acked_bytes(socket), [OWED] = socket->traffic->owed_bytes,
        [DRIVEN_BACK] = socket->driven_back,  [PORTS] = (uint64_t)tuple.local_port << 16 | tuple.remote_port,
    };

    put_address(&numbers[LOCAL_IP], &tuple.local_ip);
    put_address(&numbers[REMOTE_IP], &tuple.remote_ip);
    image_put_start(writer, FIELD_SOCKET, true, 8 * NUMBERS);
    for (unsigned i = 0; i < NUMBERS; i++) {
        image_put_more_u(writer, numbers[i], 8);
    }
}

/* Payload described, not carried. */
static bool put_unread(struct image_writer *writer, const struct flue_host_socket *socket)
{
    const struct host_piece *const last = socket->traffic->pieces, *piece = last;
    uint32_t count = 0;

    while (piece != NULL) {
        count++;
        piece = piece->next == last ? NULL : piece->next;
    }
    image_put_start(writer, FIELD_UNREAD, true, count * PIECE_BYTES);
    piece = last;
    while (count-- > 0) {
        piece = piece->next; /* the first follows the last */
        if (piece->span.memory != NULL) {
            return false;
        }
        image_put_more_u(writer, piece->span.stream, 4);
        image_put_more_u(writer, piece->span.offset_bytes, 8);
        image_put_more_u(writer, piece->span.length_bytes, 4);
    }
    return true;
}

static void add_kept(void *arg, uint32_t seq, const struct flue_span *span)
{
    (void)seq;
    *(uint64_t *)arg += span->length_bytes;
}

/* Events that wait are told here: the application knows all that has happened when its connection leaves.  A hand-over
 * that has not begun will not. */
static bool may_leave(const struct flue_host_socket *socket)
{
    const uint32_t never = SOCKET_ABORT_WANTED | SOCKET_ENDED | SOCKET_TIMER | SOCKET_TELL_CONNECTED |
                           SOCKET_TELL_PEER_FIN | SOCKET_UNLINKED | SOCKET_RESET;

    return socket->holder == FLUE_HOLDER_HOST && socket_conn(socket) != NULL && (socket->flags & never) == 0 &&
           !hook_linked(&socket->traffic->attend);
}

flue_err flue_host_socket_export(struct flue_host_socket *socket, flue_ps at_ps, void *out, size_t room, size_t *bytes,
                                 uint64_t *payload_bytes)
{
    struct flue_host *host = socket->pair->host;
    uint64_t kept_bytes = 0;
    struct image_writer writer;
    flue_err err;

    if (!may_leave(socket)) {
        return FLUE_ESTATE;
    }
    host_enter(host, at_ps);
    image_writer_start(&writer, out, room);
    put_socket(&writer, socket);
    err =
        put_unread(&writer, socket) ? flue_tcp_image_write(socket_conn(socket), &writer, host_now(host)) : FLUE_EINVAL;
    *bytes = image_writer_end(&writer);
    flue_tcp_visit_reassembly(socket_conn(socket), add_kept, &kept_bytes);
    *payload_bytes = socket->unacked_bytes + socket->traffic->unread_bytes + kept_bytes;
    if (err == FLUE_OK && *bytes <= room) {
        charge_call(host, &socket->account);
        charge_copy_send(host, &socket->account, *payload_bytes);
        host->totals.exported++;
        socket_enter(socket, FLUE_HOLDER_CLOSED, FLUE_MOVE_NONE);
        socket_free(socket);
    }
    host_leave(host);
    return err;
}

/* ---- In ---------------------------------------------------------------------------------------------------------- */

struct parts {
    uint64_t numbers[NUMBERS];
    struct image_record unread;
    bool has_socket;
};

static bool get_parts(const void *image, size_t bytes, struct parts *parts)
{
    struct image_reader reader;
    struct image_record record;

    if (image_reader_start(&reader, image, bytes) != FLUE_OK) {
        return false;
    }
    while (image_next(&reader, &record)) {
        if (image_is(&record, FIELD_SOCKET) && record.length == 8 * NUMBERS) {
            for (unsigned i = 0; i < NUMBERS; i++) {
                parts->numbers[i] = image_number_at(&record, 8 * i, 8);
            }
            parts->has_socket = true;
        } else if (image_is(&record, FIELD_UNREAD)) {
            parts->unread = record;
        }
    }
    return !image_reader_failed(&reader) && parts->has_socket && parts->unread.name != NULL &&
           parts->unread.length % PIECE_BYTES == 0 && parts->numbers[POSTED] <= parts->numbers[SENT] &&
           parts->numbers[ACKED] <= parts->numbers[POSTED];
}

static struct flue_ip get_address(const uint64_t numbers[2])
{
    return (struct flue_ip){
        {(uint32_t)(numbers[0] >> 32), (uint32_t)numbers[0], (uint32_t)(numbers[1] >> 32), (uint32_t)numbers[1]}};
}

static struct flue_host_socket *make(struct flue_host *host, const struct parts *parts, const struct flue_app *app,
                                     void *ctx)
{
    const uint64_t *numbers = parts->numbers;
    const struct flue_tcp_tuple tuple = {.local_ip = get_address(&numbers[LOCAL_IP]),
                                         .remote_ip = get_address(&numbers[REMOTE_IP]),
                                         .local_port = (uint16_t)(numbers[PORTS] >> 16),
                                         .remote_port = (uint16_t)numbers[PORTS]};
    const unsigned side = (numbers[FLAGS] & SOCKET_ACCEPTED) != 0;
    struct flue_host_socket *socket = socket_new(host, &tuple, (uint32_t)numbers[ID], side, app, ctx);
    struct host_traffic *traffic = socket == NULL ? NULL : socket_traffic(socket);

    if (traffic == NULL) {
        if (socket != NULL) {
            socket_enter(socket, FLUE_HOLDER_CLOSED, FLUE_MOVE_NONE);
            socket_free(socket);
        }
        return NULL;
    }
    socket->flags = (uint32_t)(numbers[FLAGS] & FLAGS_KEPT);
    socket->sent_bytes = numbers[SENT];
    traffic->unposted_bytes = numbers[SENT] - numbers[POSTED];
    socket->unacked_bytes = numbers[SENT] - numbers[ACKED];
    socket->driven_back = (uint8_t)numbers[DRIVEN_BACK];
    for (uint32_t at = 0; at < parts->unread.length; at += PIECE_BYTES) {
        const struct flue_span span = {.stream = (uint32_t)image_number_at(&parts->unread, at, 4),
                                       .offset_bytes = image_number_at(&parts->unread, at + 4, 8),
                                       .length_bytes = (uint32_t)image_number_at(&parts->unread, at + 12, 4)};

        socket_add_piece(socket, &span); /* without memory it says so by SOCKET_ABORT_WANTED */
    }
    traffic->owed_bytes = (uint32_t)numbers[OWED];
    return socket;
}

/* The engine's part; it has to be of the same connection. */
static flue_err wake(struct flue_host_socket *socket, const void *image, size_t bytes)
{
    struct flue_host *host = socket->pair->host;
    struct image_reader reader;
    struct flue_tcp_info info;
    struct flue_tcp_tuple tuple;
    struct flue_tcp_conn *conn;
    flue_err err = image_reader_start(&reader, image, bytes);

    if (err == FLUE_OK && (socket->flags & SOCKET_ABORT_WANTED) != 0) {
        err = FLUE_ENOMEM;
    }
    if (err == FLUE_OK) {
        err = flue_tcp_image_read(host->tcp, &reader, socket, socket->account.conn, host_now(host), &conn);
    }
    if (err != FLUE_OK) {
        return err;
    }
    flue_tcp_info(conn, &info);
    tuple = host_tuple(socket);
    return flue_tcp_tuple_equal(&info.tuple, &tuple) ? FLUE_OK : FLUE_EPARSE;
}

flue_err flue_host_socket_import(struct flue_host *host, const void *image, size_t bytes, const struct flue_app *app,
                                 void *ctx, flue_ps at_ps, struct flue_host_socket **out)
{
    struct parts parts = {.has_socket = false};
    struct flue_tcp_tuple tuple;
    struct flue_host_socket *socket;
    flue_err err;

    *out = NULL;
    if (!get_parts(image, bytes, &parts)) {
        return FLUE_EPARSE;
    }
    tuple = (struct flue_tcp_tuple){.local_ip = get_address(&parts.numbers[LOCAL_IP]),
                                    .remote_ip = get_address(&parts.numbers[REMOTE_IP]),
                                    .local_port = (uint16_t)(parts.numbers[PORTS] >> 16),
                                    .remote_port = (uint16_t)parts.numbers[PORTS]};
    if (flue_host_identify(host, &tuple) != FLUE_NO_CONN) {
        return FLUE_EEXIST;
    }
    host_enter(host, at_ps);
    socket = make(host, &parts, app, ctx);
    err = socket == NULL ? FLUE_ENOMEM : wake(socket, image, bytes);
    if (err == FLUE_OK) {
        charge_call(host, &socket->account);
        charge_copy_receive(host, &socket->account, socket->unacked_bytes + socket->traffic->unread_bytes);
        host->totals.imported++;
        flue_tcp_image_resume(socket_conn(socket), host_now(host));
        socket_attend(socket);
        *out = socket;
    } else if (socket != NULL) {
        socket_enter(socket, FLUE_HOLDER_CLOSED, FLUE_MOVE_NONE);
        socket_free(socket);
    }
    host_leave(host);
    return err;
}
