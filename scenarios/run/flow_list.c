/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of flows in CSV. */
#include "run/flow_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/quantity.h"
#include "run/sizes.h"
#include "run/yaml.h"

enum { START, WHO, DIRECTION, BYTES, FIELDS };
#define LINES_MOST 10000000u
#define FIELD_ROOM 64u
#define START_MOST (100000 * FLUE_PS_PER_S) /* the longest limit of a run */

static const char *const headers[] = {"start,connection,direction,bytes", "start,client,direction,bytes"};

struct reader {
    const char *path;
    uint32_t line;
    char *message;
    size_t room;
};

static flue_err refuse(const struct reader *reader, size_t column, const char *wrong)
{
    (void)snprintf(reader->message, reader->room, "%s:%" PRIu32 ":%zu: %s", reader->path, reader->line, column, wrong);
    return FLUE_EPARSE;
}

/* What a spreadsheet puts around fields. */
static const char *dressed(const char *field, size_t length)
{
    if (strlen(field) != length)
        return "a NUL character stands in this field; save the list as plain text";
    if (memchr(field, '"', length) != NULL)
        return "fields stand without quotation marks here; leave them out";
    if (length > 0 && (field[0] == ' ' || field[0] == '\t' || field[length - 1] == ' ' || field[length - 1] == '\t'))
        return "a blank begins or ends this field; leave it out";
    return NULL;
}

/* Cuts a line into its fields.  Returns the column of what is wrong, or 0. */
static size_t cut(const char *line, size_t length, char field[FIELDS][FIELD_ROOM], size_t column[FIELDS],
                  const char **wrong)
{
    size_t at = 0;

    for (unsigned i = 0; i < FIELDS; i++) {
        size_t end = at;

        while (end < length && line[end] != ',')
            end++;
        column[i] = at + 1;
        *wrong =
            length == 0                       ? "an empty line; leave it out"
            : i + 1 < FIELDS && end == length ? "too few fields; write start, connection or client, direction, bytes"
            : i + 1 == FIELDS && end < length ? "too many fields; write start, connection or client, direction, bytes"
            : end - at >= FIELD_ROOM          ? "this field is too long"
                                              : NULL;
        if (*wrong != NULL)
            return (i + 1 == FIELDS ? end : at) + 1;
        memcpy(field[i], line + at, end - at);
        field[i][end - at] = '\0';
        *wrong = dressed(field[i], end - at);
        if (*wrong != NULL)
            return at + 1;
        at = end + 1;
    }
    return 0;
}

static const char *time_wrong(const char *field, int64_t *out)
{
    const enum quantity_problem problem = quantity_parse(FLUE_KIND_TIME, field, out);

    if (problem == QUANTITY_NO_UNIT)
        return "this time has no unit; write for example 10us";
    if (problem == QUANTITY_TOO_LARGE || (problem == QUANTITY_OK && *out > START_MOST))
        return "this time is later than any run lasts; write at most 100000s";
    if (problem == QUANTITY_NOT_WHOLE)
        return "this time is no whole number of picoseconds; write for example 10us";
    if (problem != QUANTITY_OK)
        return "no time with a unit; write for example 10us";
    return *out < 0 ? "this time is negative; flows start at 0 or later" : NULL;
}

static const char *who_wrong(const char *field, int64_t *out)
{
    const size_t digits = strspn(field, "0123456789");

    if (digits == 0 || field[digits] != '\0')
        return "no whole number; connections count from 0, clients from 1";
    if (quantity_parse(FLUE_KIND_COUNT, field, out) != QUANTITY_OK || *out > UINT32_MAX)
        return "this number is too large; connections count from 0, clients from 1";
    return NULL;
}

static const char *bytes_wrong(const char *field, int64_t *out)
{
    const enum quantity_problem problem = quantity_parse(FLUE_KIND_BYTES, field, out);

    if (problem == QUANTITY_TOO_LARGE || (problem == QUANTITY_OK && *out > SIZES_MOST))
        return "this size is too large; write at most 1GiB";
    if (problem == QUANTITY_NOT_WHOLE)
        return "this size is no whole number of bytes; write for example 65536 or 64KiB";
    if (problem != QUANTITY_OK)
        return "no size from 1 to 1GiB; write for example 65536 or 64KiB";
    return *out < 1 ? "a flow has at least one byte; write for example 65536 or 64KiB" : NULL;
}

static flue_err read_line(const struct reader *reader, const char *line, size_t length, struct flow_line *out)
{
    char field[FIELDS][FIELD_ROOM];
    size_t column[FIELDS];
    const char *wrong;
    int64_t start = 0, who = 0, bytes = 0;
    const size_t bad = cut(line, length, field, column, &wrong);

    if (bad != 0)
        return refuse(reader, bad, wrong);
    if ((wrong = time_wrong(field[START], &start)) != NULL)
        return refuse(reader, column[START], wrong);
    if ((wrong = who_wrong(field[WHO], &who)) != NULL)
        return refuse(reader, column[WHO], wrong);
    if (strcmp(field[DIRECTION], "send") != 0 && strcmp(field[DIRECTION], "receive") != 0)
        return refuse(reader, column[DIRECTION], "no direction; write send or receive, seen from the server");
    if ((wrong = bytes_wrong(field[BYTES], &bytes)) != NULL)
        return refuse(reader, column[BYTES], wrong);
    *out = (struct flow_line){.start_ps = start,
                              .who = (uint32_t)who,
                              .bytes = (uint32_t)bytes,
                              .line = reader->line,
                              .column = (uint32_t)column[WHO],
                              .receive = field[DIRECTION][0] == 'r'};
    return FLUE_OK;
}

static int by_start(const void *a, const void *b)
{
    const struct flow_line *x = a, *y = b;

    if (x->start_ps != y->start_ps)
        return x->start_ps < y->start_ps ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static flue_err read_header(const struct reader *reader, const char *line, size_t length, struct flow_list *out)
{
    for (int i = 0; i < 2; i++)
        if (strlen(headers[i]) == length && memcmp(headers[i], line, length) == 0) {
            out->by_client = i;
            return FLUE_OK;
        }
    return refuse(reader, 1, "the first line is start,connection,direction,bytes or start,client,direction,bytes");
}

static flue_err no_memory(const struct reader *reader)
{
    (void)snprintf(reader->message, reader->room, "%s: %s", reader->path, flue_err_sentence(FLUE_ENOMEM));
    return FLUE_ENOMEM;
}

static flue_err add(const struct reader *reader, struct flow_list *list, size_t *room, const struct flow_line *line)
{
    if (list->count == LINES_MOST)
        return refuse(reader, 1, "more than 10000000 flows");
    if (list->count == *room) {
        const size_t more = *room == 0 ? 256 : *room * 2;
        struct flow_line *grown = realloc(list->lines, more * sizeof(*grown));

        if (grown == NULL)
            return no_memory(reader);
        list->lines = grown;
        *room = more;
    }
    list->lines[list->count++] = *line;
    return FLUE_OK;
}

flue_err flow_list_parse(const char *path, const char *bytes, size_t count, struct flow_list *out, char *message,
                         size_t room)
{
    struct reader reader = {.path = path, .message = message, .room = room};
    size_t lines_room = 0;
    flue_err err = FLUE_OK;

    *out = (struct flow_list){.lines = NULL};
    if (count >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { /* a mark that some editors put before the text */
        bytes += 3;
        count -= 3;
    }
    for (size_t at = 0; at < count && err == FLUE_OK;) {
        const char *newline = memchr(bytes + at, '\n', count - at);
        size_t length = newline == NULL ? count - at : (size_t)(newline - bytes) - at;
        const char *line = bytes + at;
        struct flow_line made;

        at += length + 1;
        reader.line++;
        length -= length > 0 && line[length - 1] == '\r';
        if (reader.line == 1) {
            err = read_header(&reader, line, length, out);
            continue;
        }
        err = read_line(&reader, line, length, &made);
        if (err == FLUE_OK)
            err = add(&reader, out, &lines_room, &made);
    }
    reader.line += reader.line == 0;
    if (err == FLUE_OK && out->count == 0)
        err = refuse(&reader, 1, "no flows; write for example: 0us,0,send,64KiB");
    if (err != FLUE_OK)
        flow_list_free(out);
    else
        qsort(out->lines, out->count, sizeof(*out->lines), by_start);
    return err;
}

flue_err flow_list_load(const char *path, struct flow_list *out, char *message, size_t room)
{
    char *bytes = NULL;
    size_t count = 0;
    flue_err err = yaml_read_file(path, &bytes, &count, message, room);

    *out = (struct flow_list){.lines = NULL};
    if (err == FLUE_OK)
        err = flow_list_parse(path, bytes, count, out, message, room);
    free(bytes);
    return err;
}

flue_err flow_list_check(const struct flow_list *list, const char *path, uint32_t first, uint32_t count, char *message,
                         size_t room)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct flow_line *line = &list->lines[i];

        if (line->who < first || line->who - first >= count) {
            (void)snprintf(message, room,
                           "%s:%" PRIu32 ":%" PRIu32 ": there is no %s %" PRIu32 ": they count from %" PRIu32
                           " to %" PRIu32 "; raise %s",
                           path, line->line, line->column, list->by_client ? "client" : "connection", line->who, first,
                           first + count - 1, list->by_client ? "clients" : "connections");
            return FLUE_EINVAL;
        }
    }
    return FLUE_OK;
}

void flow_list_free(struct flow_list *list)
{
    free(list->lines);
    *list = (struct flow_list){.lines = NULL};
}
