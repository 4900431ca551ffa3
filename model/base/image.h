/* SPDX-License-Identifier: GPL-2.0-only */
/* base/image.h - the form of images: named values in a row of bytes, which carry state from one program to another.
 *
 *     image   "FLUEIMG" and a zero byte, u32 IMAGE_VERSION, records, end
 *     record  u8 length of the name (1..IMAGE_NAME_BYTES), u8 flags (1: mandatory), name, u32 length, value
 *     end     u8 0, u8 0, u32 4, u32 CRC-32 (IEEE 802.3) of all bytes in front of the end
 *
 * Numbers are little-endian.  A name is of printable characters and stands once in an image: what there are many of is
 * one record of bytes.  A reader passes over a record that it does not know, unless it is mandatory: then it refuses
 * the image and names the record.  Neither side allocates anything. */
#ifndef FLUE_BASE_IMAGE_H
#define FLUE_BASE_IMAGE_H

#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

#define IMAGE_VERSION     1u
#define IMAGE_NAME_BYTES  47u
#define IMAGE_MOST_FIELDS 1024u /* records of one image */

/* Counts what does not fit: a writer with room 0 tells how much is needed. */
struct image_writer {
    uint8_t *out;
    size_t room;
    size_t bytes; /* of the image so far; above room: what is in `out` is of no use */
    uint32_t crc;
};

/* Borrows out (NULL with room 0) until image_writer_end(). */
void image_writer_start(struct image_writer *writer, void *out, size_t room);

/* The lowest 8 * width bits of `value` as a record of `width` bytes: 1, 2, 4 or 8.  A negative number goes as its
 * two's complement. */
void image_put_u(struct image_writer *writer, const char *name, bool mandatory, uint64_t value, unsigned width);
void image_put_bytes(struct image_writer *writer, const char *name, bool mandatory, const void *bytes, uint32_t length);

/* A record in pieces: image_put_more() must follow until `length` bytes have been given. */
void image_put_start(struct image_writer *writer, const char *name, bool mandatory, uint32_t length);
void image_put_more(struct image_writer *writer, const void *bytes, size_t length);
/* A number within such a record. */
void image_put_more_u(struct image_writer *writer, uint64_t value, unsigned width);

/* Writes the end.  Answers the bytes of the whole image; it is in `out` if they are no more than the room. */
size_t image_writer_end(struct image_writer *writer);

/* One record; borrows the image. */
struct image_record {
    const char *name; /* not terminated */
    const uint8_t *value;
    uint32_t name_bytes;
    uint32_t length;
    bool mandatory;
};

struct image_reader {
    const uint8_t *bytes;
    size_t length; /* up to the end record */
    size_t at;
    const char *sentence; /* NULL: nothing has failed */
    char field[IMAGE_NAME_BYTES + 1];
};

/* Looks through the whole image: magic, version, lengths, names, checksum.  Borrows it until the last use of the
 * reader. FLUE_EPARSE: it is none, is cut short or damaged, or has bytes behind its end; image_reader_tell() says what.
 */
FLUE_CHECKED flue_err image_reader_start(struct image_reader *reader, const void *image, size_t length);

/* The next record; false: there is none, or the reader has failed. */
bool image_next(struct image_reader *reader, struct image_record *record);

/* Whether the record has this name. */
bool image_is(const struct image_record *record, const char *name);
/* Whether the record's name begins so, and goes on. */
bool image_has_prefix(const struct image_record *record, const char *prefix);

/* The record's number, whose width must be the one told (else the reader fails, and the answer is 0); image_get_i()
 * extends the sign. */
uint64_t image_get_u(struct image_reader *reader, const struct image_record *record, unsigned width);
int64_t image_get_i(struct image_reader *reader, const struct image_record *record, unsigned width);

/* A number within a record of bytes; at + width <= record->length. */
uint64_t image_number_at(const struct image_record *record, uint32_t at, unsigned width);

/* To be called with a record that nobody knows: fails if it is mandatory. */
void image_unknown(struct image_reader *reader, const struct image_record *record);

/* Notes the first failure: a sentence in static storage, and the name of the field it is about (NULL: of none).  Always
 * answers FLUE_EPARSE. */
flue_err image_reader_fail(struct image_reader *reader, const char *sentence, const char *field);
bool image_reader_failed(const struct image_reader *reader);

/* The failure as "sentence: field", cut to `room` with its final 0; what may be NULL.  Empty if nothing failed. */
void image_reader_tell(const struct image_reader *reader, char *what, size_t room);

FLUE_END_C

#endif
