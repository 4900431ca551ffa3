/* SPDX-License-Identifier: GPL-2.0-only */
/* script/move.c - connections that leave their stack and come back: images, and the chimney form. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

static int64_t export_image(struct world *world, struct sock *sock)
{
    int64_t bytes = flue_socket_export(world->stack, sock->number, NULL, 0);
    int64_t again;

    if (bytes < 0) {
        return bytes;
    }
    free(sock->image);
    sock->image = malloc((size_t)bytes + 1);
    if (sock->image == NULL) {
        return FLUE_STACK_ENOMEM;
    }
    again = flue_socket_export(world->stack, sock->number, sock->image, (size_t)bytes);
    if (again != bytes) {
        world_fail(world, "flue_socket_export answers %" PRId64 ", and had promised %" PRId64, again, bytes);
        return again;
    }
    sock->image_bytes = (size_t)bytes;
    sock->number = -1;
    return 0;
}

static int64_t import_image(struct world *world, struct sock *sock)
{
    char what[200] = "";
    int result;

    if (sock->image == NULL) {
        world_fail(world, "there is no image of %s", sock->name);
        return 0;
    }
    result = flue_socket_import(world->stack, sock->image, sock->image_bytes, what, sizeof(what));
    if (result < 0) {
        world_note(world, "    flue_socket_import says: %s\n", what);
        return result;
    }
    sock->number = result;
    return 0;
}

static int64_t detach(struct world *world, struct sock *sock)
{
    int result;

    sock->chain_bytes[0] = sock->chain_bytes[1] = 0;
    if (sock->detached == NULL) {
        sock->detached = malloc(sizeof(*sock->detached));
    }
    for (int round = 0; round < 2; round++) {
        result = flue_socket_detach(world->stack, sock->number, sock->detached, sock->chain[0], &sock->chain_bytes[0],
                                    sock->chain[1], &sock->chain_bytes[1]);
        if (result != FLUE_STACK_EMSGSIZE) {
            break;
        }
        for (unsigned i = 0; i < 2; i++) {
            free(sock->chain[i]);
            sock->chain[i] = malloc(sock->chain_bytes[i] + 1);
        }
    }
    if (result == 0) {
        sock->number = -1;
    }
    return result;
}

static int64_t attach(struct world *world, struct sock *sock)
{
    int result;

    if (sock->detached == NULL) {
        world_fail(world, "%s was never detached", sock->name);
        return 0;
    }
    result = flue_socket_attach(world->stack, sock->detached, sock->chain[0], sock->chain_bytes[0], sock->chain[1],
                                sock->chain_bytes[1]);
    if (result < 0) {
        return result;
    }
    sock->number = result;
    return 0;
}

int64_t move_call(struct world *world, struct sock *sock, const struct call *call)
{
    return call->kind == CALL_EXPORT   ? export_image(world, sock)
           : call->kind == CALL_IMPORT ? import_image(world, sock)
           : call->kind == CALL_DETACH ? detach(world, sock)
                                       : attach(world, sock);
}

/* Nothing may be lost: neither a field of the information nor, when it is written anew, a byte of the image. */
static bool roundtrip(struct world *world, struct sock *sock)
{
    struct flue_tcp_info before;
    struct flue_tcp_info after;
    size_t sent = world->sent_count;
    size_t bytes;
    uint8_t *image;
    char changed[100];
    int64_t result;
    int poll = flue_socket_poll(world->stack, sock->number);
    bool good = true;

    if (flue_socket_info(world->stack, sock->number, &before) != 0 || before.state == FLUE_TCP_CLOSED ||
        before.state == FLUE_TCP_LISTEN) {
        return true;
    }
    result = export_image(world, sock);
    if (result != 0) {
        return world_fail(world, "after the line, export answers %s", flue_stack_error_name((int)result));
    }
    image = sock->image;
    bytes = sock->image_bytes;
    sock->image = NULL;
    for (int round = 0; round < 2 && good; round++) {
        const uint8_t *from = round == 0 ? image : sock->image;

        result = flue_socket_import(world->stack, from, bytes, world->detail, sizeof(world->detail));
        if (result < 0) {
            good = world_fail(world, "after the line, import answers %s", flue_stack_error_name((int)result));
            break;
        }
        sock->number = (int)result;
        if (round == 0) {
            result = export_image(world, sock);
            if (result != 0) {
                good = world_fail(world, "after the line, the second export answers %s",
                                  flue_stack_error_name((int)result));
            } else if (sock->image_bytes != bytes || memcmp(sock->image, image, bytes) != 0) {
                size_t at = 0;

                while (at < bytes && at < sock->image_bytes && sock->image[at] == image[at]) {
                    at++;
                }
                good =
                    world_fail(world, "after the line, the image of the imported connection differs at byte %zu", at);
            }
        }
    }
    free(image);
    if (!good) {
        return false;
    }
    if (flue_socket_info(world->stack, sock->number, &after) != 0) {
        return world_fail(world, "after the line, the imported socket has no information");
    }
    if (info_differs(&before, &after, changed, sizeof(changed))) {
        return world_fail(world, "after the line, an image round trip changes %s", changed);
    }
    if (flue_socket_poll(world->stack, sock->number) != poll) {
        return world_fail(world, "after the line, an image round trip changes poll");
    }
    return world->sent_count == sent || world_fail(world, "an image round trip sends something");
}

bool move_roundtrip(struct world *world)
{
    for (unsigned i = 0; i < world->sock_count; i++) {
        if (world->sock[i].number >= 0 && !roundtrip(world, &world->sock[i])) {
            return false;
        }
    }
    return true;
}
