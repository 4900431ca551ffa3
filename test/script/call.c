/* SPDX-License-Identifier: GPL-2.0-only */
/* script/call.c - the words of `call` lines, and the calls of flue/tcp.h that they make. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

static const char *const call_names[] = {
    [CALL_OPEN] = "open",       [CALL_BIND] = "bind",     [CALL_LISTEN] = "listen", [CALL_ACCEPT] = "accept",
    [CALL_CONNECT] = "connect", [CALL_SEND] = "send",     [CALL_RECV] = "recv",     [CALL_SHUTDOWN] = "shutdown",
    [CALL_CLOSE] = "close",     [CALL_ABORT] = "abort",   [CALL_SET] = "set",       [CALL_GET] = "get",
    [CALL_POLL] = "poll",       [CALL_LOCAL] = "local",   [CALL_REMOTE] = "remote", [CALL_INFO] = "info",
    [CALL_EXPORT] = "export",   [CALL_IMPORT] = "import", [CALL_DETACH] = "detach", [CALL_ATTACH] = "attach"};

static const struct {
    const char *name;
    enum flue_socket_option option;
} option_names[] = {{"NODELAY", FLUE_SO_NODELAY},
                    {"CORK", FLUE_SO_CORK},
                    {"MAXSEG", FLUE_SO_MAXSEG},
                    {"KEEPALIVE", FLUE_SO_KEEPALIVE},
                    {"KEEPIDLE", FLUE_SO_KEEPIDLE},
                    {"KEEPINTVL", FLUE_SO_KEEPINTVL},
                    {"KEEPCNT", FLUE_SO_KEEPCNT},
                    {"USER_TIMEOUT", FLUE_SO_USER_TIMEOUT},
                    {"SNDBUF", FLUE_SO_SNDBUF},
                    {"RCVBUF", FLUE_SO_RCVBUF},
                    {"LINGER", FLUE_SO_LINGER},
                    {"REUSEADDR", FLUE_SO_REUSEADDR},
                    {"TOS", FLUE_SO_TOS},
                    {"TTL", FLUE_SO_TTL},
                    {"CONGESTION", FLUE_SO_CONGESTION},
                    {"ERROR", FLUE_SO_ERROR},
                    {"READABLE", FLUE_SO_READABLE},
                    {"UNSENT", FLUE_SO_UNSENT},
                    {"LISTENING", FLUE_SO_LISTENING}};

int option_find(const char *name)
{
    for (unsigned i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
        if (strcmp(option_names[i].name, name) == 0) {
            return (int)option_names[i].option;
        }
    }
    return -1;
}

static const char *const poll_names[] = {"IN", "PRI", "OUT", "ERR", "HUP", "RDHUP"};

bool poll_parse(const char *text, int64_t *out)
{
    char copy[64];
    char *rest = copy;

    if (text == NULL || strlen(text) >= sizeof(copy)) {
        return false;
    }
    strcpy(copy, text);
    *out = 0;
    if (strcmp(copy, "none") == 0) {
        return true;
    }
    for (char *one = strtok_r(copy, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        unsigned i = 0;

        while (i < 6 && strcmp(one, poll_names[i]) != 0) {
            i++;
        }
        if (i == 6) {
            return false;
        }
        *out |= INT64_C(1) << i;
    }
    return *out != 0;
}

void poll_show(int64_t mask, char *out, size_t room)
{
    size_t at = 0;

    if (mask < 0) {
        result_show(mask, out, room);
        return;
    }
    snprintf(out, room, "none");
    for (unsigned i = 0; i < 6; i++) {
        if ((mask >> i & 1) != 0 && at < room) {
            at += (size_t)snprintf(out + at, room - at, "%s%s", at == 0 ? "" : ",", poll_names[i]);
        }
    }
}

static const struct {
    const char *name;
    int number;
} error_names[] = {
#define FLUE_STACK_ERROR(number, name, sentence) {#name, -(number)},
#include "flue/stack_error.def"
#undef FLUE_STACK_ERROR
};

bool result_parse(const char *text, int64_t *out)
{
    if (text == NULL) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
        if (strcmp(error_names[i].name, text) == 0) {
            *out = error_names[i].number;
            return true;
        }
    }
    return text_number(text, out) || poll_parse(text, out);
}

void result_show(int64_t result, char *out, size_t room)
{
    for (unsigned i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
        if (error_names[i].number == result) {
            snprintf(out, room, "%s", error_names[i].name);
            return;
        }
    }
    snprintf(out, room, "%" PRId64, result);
}

/* send 5840 [more] [oob]; recv 100 [peek] [garbage] */
static bool transfer_parse(struct words *words, struct call *call, struct fault *fault)
{
    const char *word;

    if (!text_number(words_take(words), &call->number) || call->number < 0 || call->number > 1 << 30) {
        return fault_set(fault, "%s wants a number of bytes", call_names[call->kind]);
    }
    while ((word = words_peek(words)) != NULL && strcmp(word, "->") != 0) {
        bool send = call->kind == CALL_SEND;

        if (send && strcmp(word, "more") == 0) {
            call->flags |= FLUE_MSG_MORE;
        } else if (send && strcmp(word, "oob") == 0) {
            call->flags |= FLUE_MSG_OOB;
        } else if (!send && strcmp(word, "peek") == 0) {
            call->flags |= FLUE_MSG_PEEK;
        } else if (!send && strcmp(word, "garbage") == 0) {
            call->garbage = true;
        } else {
            return fault_set(fault, "%s: no flag of %s", word, call_names[call->kind]);
        }
        words_take(words);
    }
    return true;
}

static bool arguments_parse(struct words *words, struct call *call, struct fault *fault)
{
    const char *word = words_peek(words);
    int option;

    switch (call->kind) {
    case CALL_SEND:
    case CALL_RECV:
        return transfer_parse(words, call, fault);
    case CALL_BIND:
        if (text_address(word, &call->ip)) {
            words_take(words);
        }
        return text_number(words_take(words), &call->number) || fault_set(fault, "bind wants [ADDRESS] PORT");
    case CALL_LISTEN:
        return text_number(words_take(words), &call->number) || fault_set(fault, "listen wants a backlog");
    case CALL_ACCEPT:
        strcpy(call->made, "s");
        if (word != NULL && strcmp(word, "->") != 0) {
            return name_parse(words_take(words), call->made, fault);
        }
        return true;
    case CALL_CONNECT:
        if (word != NULL && word[0] == '@') {
            int64_t peer;

            if (!text_number(word + 1, &peer) || peer < 1 || peer >= (int64_t)PEERS) {
                return fault_set(fault, "%s is no peer", word);
            }
            call->peer = (unsigned)peer;
            words_take(words);
        }
        return true;
    case CALL_SHUTDOWN:
        words_take(words);
        call->number = word == NULL                ? -1
                       : strcmp(word, "rd") == 0   ? FLUE_SHUT_READ
                       : strcmp(word, "wr") == 0   ? FLUE_SHUT_WRITE
                       : strcmp(word, "both") == 0 ? FLUE_SHUT_BOTH
                                                   : -1;
        return call->number >= 0 || fault_set(fault, "shutdown wants rd, wr or both");
    case CALL_SET:
    case CALL_GET:
        option = word != NULL ? option_find(word) : -1;
        if (option < 0 && !(word != NULL && strcmp(word, "NOTHING") == 0)) {
            return fault_set(fault, "%s is no socket option", word != NULL ? word : "nothing");
        }
        call->option = option < 0 ? 999 : (unsigned)option; /* NOTHING: an option that does not exist */
        words_take(words);
        return call->kind == CALL_GET || text_number(words_take(words), &call->number) ||
               fault_set(fault, "set wants an option and a number");
    case CALL_OPEN:
    case CALL_CLOSE:
    case CALL_ABORT:
    case CALL_POLL:
    case CALL_LOCAL:
    case CALL_REMOTE:
    case CALL_INFO:
    case CALL_EXPORT:
    case CALL_IMPORT:
    case CALL_DETACH:
    case CALL_ATTACH:
        break;
    }
    return true;
}

bool call_parse(struct words *words, struct call *out, struct fault *fault)
{
    char copy[64];
    const char *word = words_take(words);
    char *name = copy;
    char *dot;
    unsigned kind = 0;

    *out = (struct call){.socket = "s"};
    if (word == NULL || strlen(word) >= sizeof(copy)) {
        return fault_set(fault, "call wants a name");
    }
    strcpy(copy, word);
    dot = strchr(copy, '.');
    if (dot != NULL) {
        *dot = 0;
        if (!name_parse(copy, out->socket, fault)) {
            return false;
        }
        name = dot + 1;
    }
    while (kind < sizeof(call_names) / sizeof(call_names[0]) && strcmp(call_names[kind], name) != 0) {
        kind++;
    }
    if (kind == sizeof(call_names) / sizeof(call_names[0])) {
        return fault_set(fault, "%s is no call", name);
    }
    out->kind = (enum call_kind)kind;
    if (!arguments_parse(words, out, fault)) {
        return false;
    }
    if (words_take_if(words, "->")) {
        word = words_take(words);
        out->expects = true;
        if (!result_parse(word, &out->result)) {
            return fault_set(fault, "%s is no result (a number, the name of an error, bits of poll)",
                             word != NULL ? word : "nothing");
        }
    }
    return true;
}

/* ---- carrying out ---- */

static int64_t do_send(struct world *world, struct sock *sock, const struct call *call)
{
    size_t bytes = (size_t)call->number;
    uint8_t *data = malloc(bytes + 1);
    int64_t result;

    if (data == NULL) {
        return FLUE_STACK_ENOMEM;
    }
    for (size_t i = 0; i < bytes; i++) {
        data[i] = packet_pattern(1, sock->sent + i);
    }
    result = flue_socket_send(world->stack, sock->number, data, bytes, call->flags);
    free(data);
    if (result > 0) {
        sock->sent += (uint64_t)result;
    }
    return result;
}

static int64_t do_recv(struct world *world, struct sock *sock, const struct call *call)
{
    size_t bytes = (size_t)call->number;
    uint8_t *data = malloc(bytes + 1);
    int64_t result;

    if (data == NULL) {
        return FLUE_STACK_ENOMEM;
    }
    result = flue_socket_recv(world->stack, sock->number, data, bytes, call->flags);
    if (result > (int64_t)bytes) {
        world_fail(world, "recv answers %" PRId64 " for room of %zu bytes", result, bytes);
        result = 0;
    }
    for (int64_t i = 0; i < result; i++) {
        uint8_t wanted = packet_pattern(0, sock->received + (uint64_t)i) ^ (call->garbage ? 0xff : 0);

        if (data[i] != wanted) {
            world_fail(world, "byte %" PRIu64 " of the stream was read as 0x%02x and is 0x%02x%s",
                       sock->received + (uint64_t)i, data[i], wanted,
                       (data[i] ^ wanted) == 0xff ? ": it came from a segment with garbage" : "");
            break;
        }
    }
    free(data);
    if (result > 0 && (call->flags & FLUE_MSG_PEEK) == 0) {
        sock->received += (uint64_t)result;
    }
    return result;
}

static int64_t do_accept(struct world *world, struct sock *sock, const struct call *call)
{
    struct flue_endpoint remote = {{{0, 0, 0, 0}}, 0};
    int result = flue_socket_accept(world->stack, sock->number, &remote);
    struct sock *made;

    if (result < 0) {
        return result;
    }
    made = world_socket(world, call->made, true);
    if (made == NULL) {
        return result;
    }
    made->number = result;
    made->sent = made->received = 0;
    made->has_ended = false;
    for (unsigned i = 1; i < PEERS; i++) {
        if (flue_ip_equal(&world->peer[i].ip, &remote.ip) && world->peer[i].port == remote.port) {
            return 0;
        }
    }
    world_fail(world, "accept names a peer that the script does not know: port %u", remote.port);
    return 0;
}

static int64_t do_open(struct world *world, struct sock *sock)
{
    int result = flue_socket_open(world->stack);

    if (result < 0) {
        return result;
    }
    sock->number = result;
    sock->sent = sock->received = 0;
    sock->has_ended = false;
    return 0;
}

static int64_t do_close(struct world *world, struct sock *sock, bool abort_it)
{
    int number = sock->number;
    int result = abort_it ? flue_socket_abort(world->stack, number) : flue_socket_close(world->stack, number);

    if (result == 0) {
        sock->number = -1;
    }
    return result;
}

static int64_t do_connect(struct world *world, struct sock *sock, const struct call *call)
{
    struct peer *peer = &world->peer[call->peer != 0 ? call->peer : world->present];
    struct flue_endpoint remote = {peer->ip, peer->port};
    bool relearn = peer->relearn;
    int result;

    peer->relearn = true;
    result = flue_socket_connect(world->stack, sock->number, &remote);
    if (result != FLUE_STACK_EINPROGRESS) {
        peer->relearn = relearn;
    }
    return result;
}

static int64_t do_call(struct world *world, struct sock *sock, const struct call *call)
{
    struct flue_endpoint endpoint = {call->ip, (uint16_t)call->number};
    struct flue_tcp_info info;
    int64_t value = 0;
    int result;

    switch (call->kind) {
    case CALL_OPEN:
        return do_open(world, sock);
    case CALL_BIND:
        return flue_socket_bind(world->stack, sock->number, &endpoint);
    case CALL_LISTEN:
        return flue_socket_listen(world->stack, sock->number, (unsigned)call->number);
    case CALL_ACCEPT:
        return do_accept(world, sock, call);
    case CALL_CONNECT:
        return do_connect(world, sock, call);
    case CALL_SEND:
        return do_send(world, sock, call);
    case CALL_RECV:
        return do_recv(world, sock, call);
    case CALL_SHUTDOWN:
        return flue_socket_shutdown(world->stack, sock->number, (enum flue_shutdown)call->number);
    case CALL_CLOSE:
        return do_close(world, sock, false);
    case CALL_ABORT:
        return do_close(world, sock, true);
    case CALL_SET:
        return flue_socket_set(world->stack, sock->number, (enum flue_socket_option)call->option, call->number);
    case CALL_GET:
        result = flue_socket_get(world->stack, sock->number, (enum flue_socket_option)call->option, &value);
        return result < 0 ? result : value;
    case CALL_POLL:
        return flue_socket_poll(world->stack, sock->number);
    case CALL_LOCAL:
    case CALL_REMOTE:
        result = call->kind == CALL_LOCAL ? flue_socket_local(world->stack, sock->number, &endpoint)
                                          : flue_socket_remote(world->stack, sock->number, &endpoint);
        return result < 0 ? result : endpoint.port;
    case CALL_INFO:
        return flue_socket_info(world->stack, sock->number, &info);
    case CALL_EXPORT:
    case CALL_IMPORT:
    case CALL_DETACH:
    case CALL_ATTACH:
        return move_call(world, sock, call);
    }
    return 0;
}

bool exec_call(struct world *world, const struct call *call)
{
    struct sock *sock = world_socket(world, call->socket, call->kind == CALL_OPEN);
    int64_t result;
    char got[64];
    char wanted[64];

    if (sock == NULL) {
        return world_fail(world, "no socket is called %s", call->socket);
    }
    result = do_call(world, sock, call);
    if (world->failed) {
        return false;
    }
    if (call->expects ? result == call->result
                      : result >= 0 || (call->kind == CALL_CONNECT && result == FLUE_STACK_EINPROGRESS)) {
        return true;
    }
    result_show(result, got, sizeof(got));
    if (!call->expects) {
        snprintf(wanted, sizeof(wanted), "success");
    } else if (call->kind == CALL_POLL) {
        poll_show(result, got, sizeof(got));
        poll_show(call->result, wanted, sizeof(wanted));
    } else {
        result_show(call->result, wanted, sizeof(wanted));
    }
    return world_fail(world, "%s.%s should answer %s and answers %s", call->socket, call_names[call->kind], wanted,
                      got);
}
