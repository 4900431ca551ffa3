/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/moves.h - what the tests of moving connections share: runs recorded and compared, images, arguments. */
#ifndef FLUE_TEST_HANDOVER_MOVES_H
#define FLUE_TEST_HANDOVER_MOVES_H

#include "stream/view.h"
#include "stream/world.h"

FLUE_BEGIN_C

/* What happened, in order: packets with their times and contents, bytes read with theirs. */
struct record {
    struct {
        flue_ps at_ps;
        uint64_t digest;
    } * facts;
    size_t count, room;
    /* Comparing: facts must be those of `wanted`; at the first that is not, the world fails. */
    const struct record *wanted;
    struct world *world;
    struct view view; /* if view.print: packets are printed, and facts */
};

/* A world that writes into *record, or compares with record->wanted.  The record is reset, but for `wanted`. */
struct world *record_world(struct record *record, const struct spec *spec);
/* After the run: everything that is wanted has happened. */
void record_finish(struct record *record);
void record_free(struct record *record);

/* Room for images and buffers, kept between uses. */
struct buffer {
    uint8_t *bytes;
    size_t room;
    size_t length;
};
void buffer_need(struct buffer *buffer, size_t room);
void buffer_free(struct buffer *buffer);

/* Takes the connection of one end out as an image.  False: the end has none that can be moved (its socket stays). */
bool move_out(struct world *world, unsigned end, struct buffer *image);
/* Puts it back; the world fails if it cannot. */
void move_in(struct world *world, unsigned end, const struct buffer *image);

/* The name of the first record in which two images differ, "" if they are equal; written to name[48]. */
const char *image_difference(const struct buffer *a, const struct buffer *b, char *name);

/* --first N, --count N, --seed N, --at N, --verbose.  False: not understood, and usage is printed. */
struct arguments {
    uint64_t first, count;
    int64_t at; /* -1: not told */
    bool verbose;
};
bool parse_arguments(struct arguments *arguments, int argc, char **argv, uint64_t count);

FLUE_END_C

#endif
