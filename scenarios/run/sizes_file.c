/* SPDX-License-Identifier: GPL-2.0-only */
/* CDF files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"
#include "run/quantity.h"
#include "run/sizes.h"
#include "run/yaml.h"

#define TRILLION    UINT64_C(1000000000000)
#define POINTS_MOST 1000000u
#define BLANKS      " \t"

int sizes_decimal(const char *text, size_t length, unsigned decimals, uint64_t *out)
{
    uint64_t value = 0;
    unsigned behind = 0;
    size_t digits = 0, i;
    int point = 0;

    for (i = 0; i < length; i++) {
        if (text[i] == '.' && !point) {
            point = 1;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || value >= UINT64_C(100000000000000000) || (point && behind == decimals))
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
        behind += point ? 1 : 0;
        digits++;
    }
    for (; behind < decimals; behind++) {
        if (value >= UINT64_C(100000000000000000))
            return 0;
        value *= 10;
    }
    *out = value;
    return digits > 0;
}

/* high x 2^64 + low, divided; the quotient has 64 bits. */
static uint64_t divide(struct wide n, uint64_t by)
{
    uint64_t quotient = 0, rest = n.high % by;

    for (unsigned i = 64; i-- > 0;) {
        const uint64_t carry = rest >> 63;

        rest = rest << 1 | (n.low >> i & 1);
        quotient <<= 1;
        if (carry != 0 || rest >= by) {
            rest -= by;
            quotient |= 1;
        }
    }
    return quotient;
}

/* Straight lines: the mean of each part is the middle of its ends. */
static uint64_t mean_q16(const struct sizes *sizes)
{
    uint64_t sum = 0, before = 0, from = sizes->points[0].size;

    for (size_t i = 0; i < sizes->count; i++) {
        const uint64_t share = sizes->points[i].upto - before;

        sum += divide(wide_product(share, (from + sizes->points[i].size) << 15), TRILLION);
        before = sizes->points[i].upto;
        from = sizes->points[i].size;
    }
    return sum;
}

/* One line without its comment: NULL, or what is wrong with it. */
static const char *read_line(const char *line, size_t length, const struct sizes_point *last, struct sizes_point *out)
{
    char bytes[64];
    size_t first, gap, second;
    int64_t number = 0;

    first = strcspn(line, BLANKS "\n");
    first = first < length ? first : length;
    gap = strspn(line + first, BLANKS);
    second = length - first < gap ? 0 : length - first - gap;
    if (first == 0 || first >= sizeof(bytes) || second == 0 || memchr(line + first + gap, ' ', second) != NULL ||
        memchr(line + first + gap, '\t', second) != NULL)
        return "two columns are expected: bytes, and the share of draws that are not larger; write for example: 10000 "
               "0.15";
    memcpy(bytes, line, first);
    bytes[first] = '\0';
    if (quantity_parse(FLUE_KIND_BYTES, bytes, &number) != QUANTITY_OK || number < 0 || number > SIZES_MOST)
        return "the first column is no size from 0 to 1GiB; write for example 10000 or 10KiB";
    if (!sizes_decimal(line + first + gap, second, 12, &out->upto) || out->upto > TRILLION)
        return "the second column is no number from 0 to 1 with at most 12 decimals; write for example 0.15";
    out->size = (uint64_t)number;
    if (last != NULL && (out->size < last->size || out->upto < last->upto))
        return "both columns must rise; sort the lines";
    if (last != NULL && out->size == last->size && out->upto == last->upto)
        return "says the same as the line before; leave it out";
    return NULL;
}

static flue_err add(struct sizes *sizes, size_t *room, const struct sizes_point *point)
{
    if (sizes->count == *room) {
        const size_t more = *room == 0 ? 64 : *room * 2;
        struct sizes_point *grown = realloc(sizes->points, more * sizeof(*grown));

        if (grown == NULL)
            return FLUE_ENOMEM;
        sizes->points = grown;
        *room = more;
    }
    sizes->points[sizes->count++] = *point;
    return FLUE_OK;
}

/* Of a line: where it begins behind its blanks, and how much is left of it without blanks and comment. */
static const char *trim(const char *line, size_t *length)
{
    const char *hash = memchr(line, '#', *length);
    const char *end = hash != NULL ? hash : line + *length;

    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *length = (size_t)(end - line);
    return line;
}

static flue_err read_lines(const char *path, const char *bytes, size_t count, struct sizes *out, char *message,
                           size_t room)
{
    size_t points_room = 0;
    unsigned number = 1;
    const char *wrong = NULL;

    for (size_t at = 0; at < count && wrong == NULL; number++) {
        const char *newline = memchr(bytes + at, '\n', count - at);
        size_t length = newline == NULL ? count - at : (size_t)(newline - bytes) - at;
        struct sizes_point point = {0, 0};
        const char *line = bytes + at;

        at += length + 1;
        line = trim(line, &length);
        if (length == 0)
            continue;
        wrong = out->count == POINTS_MOST
                    ? "more than 1000000 lines; fewer will do"
                    : read_line(line, length, out->count == 0 ? NULL : &out->points[out->count - 1], &point);
        if (wrong == NULL && add(out, &points_room, &point) != FLUE_OK)
            return FLUE_ENOMEM;
        if (wrong != NULL)
            number--;
    }
    if (wrong == NULL && (out->count == 0 || out->points[out->count - 1].upto != TRILLION)) {
        number -= number > 1;
        wrong = "the last share must be 1; add the largest size";
    }
    if (wrong == NULL)
        return FLUE_OK;
    (void)snprintf(message, room, "%s:%u: %s", path, number, wrong);
    return FLUE_EPARSE;
}

flue_err sizes_read(const char *path, struct sizes *out, char *message, size_t room)
{
    struct sizes made = {.kind = SIZES_FILE};
    char *bytes = NULL;
    size_t count = 0;
    flue_err err = yaml_read_file(path, &bytes, &count, message, room);

    if (err == FLUE_OK)
        err = read_lines(path, bytes, count, &made, message, room);
    free(bytes);
    if (err == FLUE_ENOMEM)
        (void)snprintf(message, room, "%s: %s", path, flue_err_sentence(err));
    if (err != FLUE_OK) {
        free(made.points);
        return err;
    }
    made.least = made.points[0].size == 0 ? 1 : made.points[0].size;
    made.most = made.points[made.count - 1].size;
    if (made.most == 0)
        made.most = 1;
    made.mean_q16 = mean_q16(&made);
    *out = made;
    return FLUE_OK;
}
