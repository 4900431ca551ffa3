/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/moves.c - runs recorded and compared; images out and in. */
#include "support/number.h"
#include "handover/moves.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image.h"

static void take_fact(void *ctx, flue_ps now_ps, uint64_t digest)
{
    struct record *record = ctx;
    const struct record *wanted = record->wanted;

    if (record->view.print) {
        printf("fact %zu at %" PRId64 " ps: %016" PRIx64 "\n", record->count, now_ps, digest);
    }
    if (wanted == NULL) {
        if (record->count == record->room) {
            record->room = record->room == 0 ? 256 : 2 * record->room;
            record->facts = realloc(record->facts, record->room * sizeof *record->facts);
            if (record->facts == NULL) {
                abort();
            }
        }
        record->facts[record->count].at_ps = now_ps;
        record->facts[record->count].digest = digest;
    } else if (record->world != NULL &&
               (record->count >= wanted->count || wanted->facts[record->count].at_ps != now_ps ||
                wanted->facts[record->count].digest != digest)) {
        world_fail(record->world, "fact %zu of %zu differs at %" PRId64 " ps", record->count, wanted->count, now_ps);
    }
    record->count++;
}

static void show_packet(void *ctx, flue_ps now_ps, unsigned from, const uint8_t *bytes, size_t length, const char *fate)
{
    struct record *record = ctx;

    view_packet(&record->view, now_ps, from, bytes, length, fate);
}

struct world *record_world(struct record *record, const struct spec *spec)
{
    record->count = 0;
    record->world = NULL;
    record->view = (struct view){.print = record->view.print, .start_ps = spec->start_ps};
    if (record->view.print) {
        spec_print(spec);
    }
    record->world = world_new(
        spec,
        &(struct world_watch){.ctx = record, .fact = take_fact, .packet = record->view.print ? show_packet : NULL});
    return record->world;
}

void record_finish(struct record *record)
{
    if (record->wanted != NULL && record->count != record->wanted->count) {
        world_fail(record->world, "%zu facts instead of %zu", record->count, record->wanted->count);
    }
}

void record_free(struct record *record)
{
    free(record->facts);
    *record = (struct record){.count = 0};
}

void buffer_need(struct buffer *buffer, size_t room)
{
    if (room > buffer->room) {
        free(buffer->bytes);
        buffer->room = 2 * room;
        buffer->bytes = malloc(buffer->room);
        if (buffer->bytes == NULL) {
            abort();
        }
    }
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){.room = 0};
}

bool move_out(struct world *world, unsigned end, struct buffer *image)
{
    struct flue_stack *stack = world_stack(world, end);
    int socket = world_socket(world, end);
    int64_t bytes, again;

    if (socket < 0) {
        return false;
    }
    bytes = flue_socket_export(stack, socket, NULL, 0);
    if (bytes == FLUE_STACK_ENOTCONN) {
        return false;
    }
    if (bytes <= 0) {
        world_fail(world, "end %u: export answers %" PRId64, end, bytes);
        return false;
    }
    buffer_need(image, (size_t)bytes);
    again = flue_socket_export(stack, socket, image->bytes, (size_t)bytes);
    if (again != bytes) {
        world_fail(world, "end %u: export needs %" PRId64 " bytes, then %" PRId64, end, bytes, again);
        return false;
    }
    if (flue_socket_poll(stack, socket) != FLUE_STACK_EBADF) {
        world_fail(world, "end %u: the socket is still there after its export", end);
    }
    image->length = (size_t)bytes;
    return true;
}

void move_in(struct world *world, unsigned end, const struct buffer *image)
{
    char what[200];
    int socket = flue_socket_import(world_stack(world, end), image->bytes, image->length, what, sizeof what);

    if (socket < 0) {
        world_fail(world, "end %u: import answers %s: %s", end, flue_stack_error_name(socket), what);
        return;
    }
    world_set_socket(world, end, socket);
    if (flue_stack_check(world_stack(world, end), what, sizeof what) != FLUE_STACK_OK) {
        world_fail(world, "end %u: check after import: %s", end, what);
    }
}

const char *image_difference(const struct buffer *a, const struct buffer *b, char *name)
{
    struct image_reader readers[2];
    struct image_record left, right;

    name[0] = 0;
    if (a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0) {
        return name;
    }
    strcpy(name, "?");
    if (image_reader_start(&readers[0], a->bytes, a->length) != FLUE_OK ||
        image_reader_start(&readers[1], b->bytes, b->length) != FLUE_OK) {
        return name;
    }
    while (image_next(&readers[0], &left) && image_next(&readers[1], &right)) {
        if (left.length != right.length || memcmp(left.value, right.value, left.length) != 0) {
            memcpy(name, left.name, left.name_bytes);
            name[left.name_bytes] = 0;
            return name;
        }
    }
    return name;
}

bool parse_arguments(struct arguments *arguments, int argc, char **argv, uint64_t count)
{
    uint64_t boundary = 0;

    *arguments = (struct arguments){.first = 1, .count = count, .at = -1};
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--verbose") == 0) {
            arguments->verbose = true;
            i--;
        } else if (i + 1 == argc) {
            argc = 0;
        } else if (strcmp(argv[i], "--first") == 0) {
            argc = number_read(argv[i + 1], 0, UINT64_MAX, &arguments->first) ? argc : 0;
        } else if (strcmp(argv[i], "--count") == 0) {
            argc = number_read(argv[i + 1], 1, UINT32_MAX, &arguments->count) ? argc : 0;
        } else if (strcmp(argv[i], "--seed") == 0) {
            argc = number_read(argv[i + 1], 0, UINT64_MAX, &arguments->first) ? argc : 0;
            arguments->count = 1;
        } else if (strcmp(argv[i], "--at") == 0) {
            argc = number_read(argv[i + 1], 0, INT64_MAX, &boundary) ? argc : 0;
            arguments->at = (int64_t)boundary;
        } else {
            argc = 0;
        }
    }
    if (argc == 0) {
        fprintf(stderr, "usage: PROGRAM [--first N] [--count N] [--seed N] [--at BOUNDARY] [--verbose]\n");
    }
    return argc > 0;
}
