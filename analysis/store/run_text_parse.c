/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the record of a run. */
#include "store/run_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 6

struct reader {
    struct run_text *out;
    size_t lines; /* read so far */
    bool ended;
    size_t metric_room, bin_room, finding_room, broken_room, schedule_room, sample_room;
};

/* Cuts a line at its tabs and undoes the escapes, in place.  The number of fields, 0 if there are too many. */
static size_t cut(char *line, char *fields[FIELDS_MAX])
{
    size_t count = 0;

    for (char *at = line; at != NULL;) {
        char *tab = strchr(at, '\t');
        char *to = at;
        if (count == FIELDS_MAX) {
            return 0;
        }
        if (tab != NULL) {
            *tab++ = '\0';
        }
        fields[count++] = at;
        for (const char *from = at; *from != '\0'; from++) {
            if (*from == '\\' && from[1] != '\0') {
                from++;
                *to++ = (char)(*from == 't' ? '\t' : *from == 'n' ? '\n' : *from);
            } else {
                *to++ = *from;
            }
        }
        *to = '\0';
        at = tab;
    }
    return count;
}

static bool read_signed(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

static bool read_unsigned(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && text[0] != '-';
}

/* Room for one more in an array that doubles. */
static bool grow(void **array, size_t count, size_t *room, size_t size)
{
    if (count == *room) {
        void *more = realloc(*array, (*room * 2 + 64) * size);
        if (more == NULL) {
            return false;
        }
        *array = more;
        *room = *room * 2 + 64;
    }
    return true;
}

static flue_err take_metric(struct reader *reader, char **field)
{
    struct run_text *out = reader->out;
    void *array = out->metrics;
    struct store_metric metric = {.name = field[1], .entity = field[2], .num = 0, .den = 0};

    if (!read_signed(field[3], &metric.num) || !read_signed(field[4], &metric.den)) {
        return FLUE_EPARSE;
    }
    if (!grow(&array, out->metric_count, &reader->metric_room, sizeof metric)) {
        return FLUE_ENOMEM;
    }
    out->metrics = array;
    out->metrics[out->metric_count++] = metric;
    return FLUE_OK;
}

static flue_err take_bin(struct reader *reader, char **field)
{
    struct run_text *out = reader->out;
    void *array = out->bins;
    struct store_bin bin = {.metric = field[1], .entity = field[2], .lo = 0, .hi = 0, .n = 0};

    if (!read_unsigned(field[3], &bin.lo) || !read_unsigned(field[4], &bin.hi) || !read_unsigned(field[5], &bin.n)) {
        return FLUE_EPARSE;
    }
    if (!grow(&array, out->bin_count, &reader->bin_room, sizeof bin)) {
        return FLUE_ENOMEM;
    }
    out->bins = array;
    out->bins[out->bin_count++] = bin;
    return FLUE_OK;
}

static flue_err take_finding(struct reader *reader, char **field)
{
    struct run_text *out = reader->out;
    void *array = out->findings;

    if (!grow(&array, out->finding_count, &reader->finding_room, sizeof *out->findings)) {
        return FLUE_ENOMEM;
    }
    out->findings = array;
    out->findings[out->finding_count++] = field[1];
    return FLUE_OK;
}

static flue_err take_broken(struct reader *reader, char **field)
{
    struct run_text *out = reader->out;
    void *array = out->brokens;
    struct store_broken broken = {.rule = 0, .party = field[2], .count = 0};
    uint64_t rule;

    if (!read_unsigned(field[1], &rule) || rule > UINT16_MAX || !read_unsigned(field[3], &broken.count)) {
        return FLUE_EPARSE;
    }
    if (!grow(&array, out->broken_count, &reader->broken_room, sizeof broken)) {
        return FLUE_ENOMEM;
    }
    broken.rule = (unsigned)rule;
    out->brokens = array;
    out->brokens[out->broken_count++] = broken;
    return FLUE_OK;
}

static flue_err take_event(struct reader *reader, char **field)
{
    struct run_text *out = reader->out;
    void *array = out->schedule;
    struct store_event event = {.at_ps = 0, .what = field[3], .effect = strcmp(field[2], "1") == 0};

    if (!read_signed(field[1], &event.at_ps) || (!event.effect && strcmp(field[2], "0") != 0)) {
        return FLUE_EPARSE;
    }
    if (!grow(&array, out->schedule_count, &reader->schedule_room, sizeof event)) {
        return FLUE_ENOMEM;
    }
    out->schedule = array;
    out->schedule[out->schedule_count++] = event;
    return FLUE_OK;
}

static flue_err take_sample(struct reader *reader, char **field)
{
    struct run_text *out = reader->out;
    void *array = out->samples;
    struct store_sample sample = {.metric = field[1], .entity = field[2], .at_ps = 0, .value = 0};

    if (!read_signed(field[3], &sample.at_ps) || !read_signed(field[4], &sample.value)) {
        return FLUE_EPARSE;
    }
    if (!grow(&array, out->sample_count, &reader->sample_room, sizeof sample)) {
        return FLUE_ENOMEM;
    }
    out->samples = array;
    out->samples[out->sample_count++] = sample;
    return FLUE_OK;
}

static flue_err take_status(struct run_text *out, const char *word)
{
    for (unsigned i = 0; i <= STORE_FAILED; i++) {
        if (strcmp(word, store_status_word(i)) == 0) {
            out->status = (enum store_status)i;
            return FLUE_OK;
        }
    }
    return FLUE_EPARSE;
}

static flue_err take_line(struct reader *reader, char *line)
{
    char *field[FIELDS_MAX];
    size_t count = cut(line, field);
    uint64_t number;

    if (count < 2 || reader->ended) {
        return FLUE_EPARSE;
    }
    if (reader->lines == 0) {
        return strcmp(field[0], "flue-run") == 0 && strcmp(field[1], "1") == 0 ? FLUE_OK : FLUE_EPARSE;
    }
    if (count == 6 && strcmp(field[0], "bin") == 0) {
        return take_bin(reader, field);
    }
    if (count == 5 && strcmp(field[0], "sample") == 0) {
        return take_sample(reader, field);
    }
    if (count == 4 && strcmp(field[0], "event") == 0) {
        return take_event(reader, field);
    }
    if (count == 5 && strcmp(field[0], "metric") == 0) {
        return take_metric(reader, field);
    }
    if (count == 4 && strcmp(field[0], "broken") == 0) {
        return take_broken(reader, field);
    }
    if (count != 2) {
        return FLUE_EPARSE;
    }
    if (strcmp(field[0], "finding") == 0) {
        return take_finding(reader, field);
    }
    if (strcmp(field[0], "status") == 0) {
        return take_status(reader->out, field[1]);
    }
    if (strcmp(field[0], "digest") == 0) {
        reader->out->digest = field[1];
        return FLUE_OK;
    }
    if (strcmp(field[0], "evidence") == 0) {
        reader->out->evidence = field[1];
        return FLUE_OK;
    }
    if (strcmp(field[0], "end_ps") == 0) {
        return read_signed(field[1], &reader->out->end_ps) ? FLUE_OK : FLUE_EPARSE;
    }
    if (strcmp(field[0], "events") == 0) {
        return read_unsigned(field[1], &reader->out->events) ? FLUE_OK : FLUE_EPARSE;
    }
    if (strcmp(field[0], "end") == 0 && read_unsigned(field[1], &number) && number == reader->lines) {
        reader->ended = true;
        return FLUE_OK;
    }
    return FLUE_EPARSE;
}

flue_err run_text_parse(const char *bytes, size_t count, struct run_text *out, char *message, size_t room)
{
    struct reader reader = {.out = out};
    flue_err err = FLUE_OK;

    *out = (struct run_text){.status = STORE_CRASHED};
    out->bytes = malloc(count + 1);
    if (out->bytes == NULL) {
        snprintf(message, room, "memory ran out");
        return FLUE_ENOMEM;
    }
    memcpy(out->bytes, bytes, count);
    out->bytes[count] = '\0';
    for (char *line = out->bytes; err == FLUE_OK && line < out->bytes + count; reader.lines++) {
        char *newline = memchr(line, '\n', (size_t)(out->bytes + count - line));
        if (newline == NULL) {
            err = FLUE_EPARSE;
            break;
        }
        *newline = '\0';
        err = take_line(&reader, line);
        line = newline + 1;
    }
    if (err == FLUE_OK && (!reader.ended || out->status == STORE_CRASHED)) {
        err = FLUE_EPARSE;
    }
    if (err != FLUE_OK) {
        snprintf(message, room,
                 err == FLUE_ENOMEM ? "memory ran out at line %zu" : "the record ends or breaks at line %zu",
                 reader.lines + 1);
        run_text_free(out);
    }
    return err;
}

void run_text_free(struct run_text *text)
{
    free(text->bytes);
    free(text->metrics);
    free(text->bins);
    free(text->findings);
    free(text->brokens);
    free(text->schedule);
    free(text->samples);
    *text = (struct run_text){.status = STORE_CRASHED};
}

void run_text_fill(const struct run_text *text, struct store_run *run)
{
    run->status = text->status;
    run->digest = text->digest;
    run->evidence = text->evidence;
    run->sim_end_ps = text->end_ps;
    run->events = text->events;
    run->metrics = text->metrics;
    run->metric_count = text->metric_count;
    run->bins = text->bins;
    run->bin_count = text->bin_count;
    run->findings = text->findings;
    run->finding_count = text->finding_count;
    run->brokens = text->brokens;
    run->broken_count = text->broken_count;
    run->schedule = text->schedule;
    run->schedule_count = text->schedule_count;
    run->samples = text->samples;
    run->sample_count = text->sample_count;
}
