/* SPDX-License-Identifier: GPL-2.0-only */
/* base/image.c - images: writing records, checking and reading them. */
#include <assert.h>
#include <string.h>

#include "base/image.h"

#define MAGIC_BYTES   8u
#define START_BYTES   (MAGIC_BYTES + 4u)
#define HEAD_BYTES    6u /* of a record: both length fields and the flags */
#define END_BYTES     (HEAD_BYTES + 4u)
#define MANDATORY_BIT 1u

static const uint8_t magic[MAGIC_BYTES] = {'F', 'L', 'U', 'E', 'I', 'M', 'G', 0};

/* CRC-32 of IEEE 802.3, reflected, four bits at a time. */
static uint32_t crc_add(uint32_t crc, const uint8_t *bytes, size_t length)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

static void put_number(uint8_t *at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint64_t get_number(const uint8_t *at, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

void image_put_more(struct image_writer *writer, const void *bytes, size_t length)
{
    if (length > 0 && writer->bytes <= writer->room && length <= writer->room - writer->bytes) {
        memcpy(writer->out + writer->bytes, bytes, length);
        writer->crc = crc_add(writer->crc, bytes, length);
    }
    writer->bytes += length;
}

void image_put_more_u(struct image_writer *writer, uint64_t value, unsigned width)
{
    uint8_t bytes[8];

    assert(width <= sizeof bytes);
    put_number(bytes, value, width);
    image_put_more(writer, bytes, width);
}

void image_writer_start(struct image_writer *writer, void *out, size_t room)
{
    *writer = (struct image_writer){.out = out, .room = room, .crc = UINT32_MAX};
    image_put_more(writer, magic, MAGIC_BYTES);
    image_put_more_u(writer, IMAGE_VERSION, 4);
}

void image_put_start(struct image_writer *writer, const char *name, bool mandatory, uint32_t length)
{
    size_t name_bytes = strlen(name);

    assert(name_bytes > 0 && name_bytes <= IMAGE_NAME_BYTES);
    image_put_more_u(writer, name_bytes, 1);
    image_put_more_u(writer, mandatory ? MANDATORY_BIT : 0, 1);
    image_put_more(writer, name, name_bytes);
    image_put_more_u(writer, length, 4);
}

void image_put_u(struct image_writer *writer, const char *name, bool mandatory, uint64_t value, unsigned width)
{
    image_put_start(writer, name, mandatory, width);
    image_put_more_u(writer, value, width);
}

void image_put_bytes(struct image_writer *writer, const char *name, bool mandatory, const void *bytes, uint32_t length)
{
    image_put_start(writer, name, mandatory, length);
    image_put_more(writer, bytes, length);
}

size_t image_writer_end(struct image_writer *writer)
{
    uint32_t crc = ~writer->crc;

    image_put_more_u(writer, 0, 2);
    image_put_more_u(writer, 4, 4);
    image_put_more_u(writer, crc, 4);
    return writer->bytes;
}

/* Takes the record at reader->at apart; false if it does not end before `end`, or has flags that are none. */
static bool read_record(struct image_reader *reader, size_t end, struct image_record *record)
{
    const uint8_t *at = reader->bytes + reader->at;
    size_t left = end - reader->at;
    size_t name_bytes;

    if (left < HEAD_BYTES || left - HEAD_BYTES < at[0] || (at[1] & ~MANDATORY_BIT) != 0) {
        return false;
    }
    name_bytes = at[0];
    *record = (struct image_record){
        .name = (const char *)at + 2,
        .name_bytes = (uint32_t)name_bytes,
        .mandatory = (at[1] & MANDATORY_BIT) != 0,
        .length = (uint32_t)get_number(at + 2 + name_bytes, 4),
        .value = at + HEAD_BYTES + name_bytes,
    };
    left -= HEAD_BYTES + name_bytes;
    if (record->length > left) {
        return false;
    }
    reader->at += HEAD_BYTES + name_bytes + record->length;
    return true;
}

static flue_err fail_at(struct image_reader *reader, const char *sentence, const struct image_record *record)
{
    char name[IMAGE_NAME_BYTES + 1] = {0};
    size_t length = record->name_bytes < IMAGE_NAME_BYTES ? record->name_bytes : IMAGE_NAME_BYTES;

    memcpy(name, record->name, length);
    return image_reader_fail(reader, sentence, name);
}

static bool good_name(const struct image_record *record)
{
    if (record->name_bytes > IMAGE_NAME_BYTES) {
        return false;
    }
    for (uint32_t i = 0; i < record->name_bytes; i++) {
        if (record->name[i] <= ' ' || record->name[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Whether a record between the start and byte `before` has the same name. */
static bool stands_twice(const struct image_reader *reader, size_t before, const struct image_record *record)
{
    struct image_reader other = {.bytes = reader->bytes, .at = START_BYTES};
    struct image_record earlier;

    while (other.at < before && read_record(&other, before, &earlier)) {
        if (earlier.name_bytes == record->name_bytes && memcmp(earlier.name, record->name, record->name_bytes) == 0) {
            return true;
        }
    }
    return false;
}

flue_err image_reader_start(struct image_reader *reader, const void *image, size_t length)
{
    const uint8_t *bytes = image;
    struct image_record record;
    unsigned fields = 0;

    *reader = (struct image_reader){.bytes = bytes, .at = START_BYTES};
    if (length < START_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0) {
        return image_reader_fail(reader, "this is no image", NULL);
    }
    if (get_number(bytes + MAGIC_BYTES, 4) != IMAGE_VERSION) {
        return image_reader_fail(reader, "the image has a format that this version does not know", NULL);
    }
    for (;;) {
        size_t from = reader->at;

        if (!read_record(reader, length, &record)) {
            return image_reader_fail(reader, "the image is cut short, or its records do not fit together", NULL);
        }
        if (record.name_bytes == 0) {
            reader->length = from;
            break;
        }
        if (!good_name(&record)) {
            return image_reader_fail(reader, "the image has a name that is none", NULL);
        }
        if (++fields > IMAGE_MOST_FIELDS) {
            return image_reader_fail(reader, "the image has too many fields", NULL);
        }
        if (stands_twice(reader, from, &record)) {
            return fail_at(reader, "the image has a field twice", &record);
        }
    }
    if (reader->at != length) {
        return image_reader_fail(reader, "the image has bytes behind its end", NULL);
    }
    if (record.length != 4 || record.mandatory ||
        get_number(record.value, 4) != (uint32_t)~crc_add(UINT32_MAX, bytes, reader->length)) {
        return image_reader_fail(reader, "the image is damaged", NULL);
    }
    reader->at = START_BYTES;
    return FLUE_OK;
}

bool image_next(struct image_reader *reader, struct image_record *record)
{
    return reader->sentence == NULL && reader->at < reader->length && read_record(reader, reader->length, record);
}

bool image_is(const struct image_record *record, const char *name)
{
    return strlen(name) == record->name_bytes && memcmp(record->name, name, record->name_bytes) == 0;
}

bool image_has_prefix(const struct image_record *record, const char *prefix)
{
    size_t length = strlen(prefix);

    return record->name_bytes > length && memcmp(record->name, prefix, length) == 0;
}

uint64_t image_get_u(struct image_reader *reader, const struct image_record *record, unsigned width)
{
    assert(width <= 8);
    if (record->length != width) {
        (void)fail_at(reader, "a field has another width than this version expects", record);
        return 0;
    }
    return get_number(record->value, width);
}

int64_t image_get_i(struct image_reader *reader, const struct image_record *record, unsigned width)
{
    uint64_t value = image_get_u(reader, record, width);

    if (width < 8 && (value >> (8 * width - 1) & 1) != 0) {
        value |= UINT64_MAX << 8 * width;
    }
    return (int64_t)value;
}

uint64_t image_number_at(const struct image_record *record, uint32_t at, unsigned width)
{
    assert(width <= 8 && at <= record->length && width <= record->length - at);
    return get_number(record->value + at, width);
}

void image_unknown(struct image_reader *reader, const struct image_record *record)
{
    if (record->mandatory) {
        (void)fail_at(reader, "the image has a mandatory field that this version does not know", record);
    }
}

flue_err image_reader_fail(struct image_reader *reader, const char *sentence, const char *field)
{
    if (reader->sentence == NULL) {
        size_t length = field == NULL ? 0 : strlen(field);

        length = length < IMAGE_NAME_BYTES ? length : IMAGE_NAME_BYTES;
        reader->sentence = sentence;
        if (length > 0) {
            memcpy(reader->field, field, length);
        }
        reader->field[length] = 0;
    }
    return FLUE_EPARSE;
}

bool image_reader_failed(const struct image_reader *reader)
{
    return reader->sentence != NULL;
}

void image_reader_tell(const struct image_reader *reader, char *what, size_t room)
{
    const char *parts[3] = {reader->sentence, reader->field[0] != 0 ? ": " : "", reader->field};
    size_t at = 0;

    if (what == NULL || room == 0) {
        return;
    }
    for (unsigned i = 0; reader->sentence != NULL && i < 3; i++) {
        for (const char *c = parts[i]; *c != 0 && at + 1 < room; c++) {
            what[at++] = *c;
        }
    }
    what[at] = 0;
}
