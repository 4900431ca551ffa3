/* SPDX-License-Identifier: GPL-2.0-only */
/* script/parse.c - files and lines of the language; language.md tells it to people. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

bool name_parse(const char *text, char *out, struct fault *fault)
{
    if (text == NULL || !isalpha((unsigned char)text[0])) {
        return fault_set(fault, "%s is no name", text != NULL ? text : "nothing");
    }
    if (strlen(text) >= NAME_MAX_BYTES || text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                            "0123456789_")] != 0) {
        return fault_set(fault, "%s is no name: letters, digits and _, at most %u", text, NAME_MAX_BYTES - 1);
    }
    strcpy(out, text);
    return true;
}

/* 12ms  +5ms  12ms~2ms  10ms..20ms; false without fault: the word is no time. */
static bool when_parse(const char *text, struct when *when, struct fault *fault)
{
    char copy[64];
    char *mark;
    flue_ps value;

    *when = (struct when){.kind = WHEN_NOW};
    fault->text[0] = 0;
    if (text == NULL || !(isdigit((unsigned char)text[0]) || text[0] == '+') || strlen(text) >= sizeof(copy)) {
        return false;
    }
    strcpy(copy, text[0] == '+' ? text + 1 : text);
    when->kind = text[0] == '+' ? WHEN_AFTER : WHEN_AT;
    mark = strstr(copy, "..");
    if (mark != NULL) {
        *mark = 0;
        if (!text_time(copy, &when->from_ps) || !text_time(mark + 2, &when->to_ps) || when->to_ps < when->from_ps) {
            return fault_set(fault, "%s is no window of time: 10ms..20ms", text);
        }
        return true;
    }
    mark = strchr(copy, '~');
    if (mark != NULL) {
        *mark = 0;
        if (!text_time(copy, &when->from_ps) || !text_time(mark + 1, &value)) {
            return fault_set(fault, "%s is no time with tolerance: 10ms~2ms", text);
        }
        when->to_ps = when->from_ps + value;
        when->from_ps = when->from_ps > value ? when->from_ps - value : 0;
        return true;
    }
    if (!text_time(copy, &when->from_ps)) {
        return fault_set(fault, "%s is no time: 12ms, +12ms, 1.5s", text);
    }
    when->to_ps = when->from_ps;
    return true;
}

static bool set_parse(struct words *words, struct line *line, struct fault *fault)
{
    const char *name = words_take(words);
    const char *value = words_take(words);
    flue_ps time;

    if (name == NULL || value == NULL || strlen(name) >= sizeof(line->as.set.name)) {
        return fault_set(fault, "set wants a name and a value");
    }
    if (!config_field_known(name)) {
        return fault_set(fault, "%s: neither a field of flue_stack_config nor one of iss, peer_iss, family, roundtrip",
                         name);
    }
    strcpy(line->as.set.name, name);
    if (text_number(value, &line->as.set.number)) {
        return true;
    }
    if (text_time(value, &time)) {
        line->as.set.number = time;
        line->as.set.is_time = true;
        return true;
    }
    if (strcmp(value, "cubic") == 0 || strcmp(value, "newreno") == 0) {
        line->as.set.number = value[0] == 'c' ? 1 : 0;
        return true;
    }
    return fault_set(fault, "%s is neither a number nor a time", value);
}

static bool peer_parse(struct words *words, struct line *line, struct fault *fault)
{
    int64_t value;
    const char *word;

    if (!text_number(words_take(words), &value) || value < 1 || value > 64) {
        return fault_set(fault, "peer wants a number from 1 to 64");
    }
    line->as.peer.number = (unsigned)value;
    line->as.peer.port = line->as.peer.iss = line->as.peer.window = -1;
    while ((word = words_take(words)) != NULL) {
        const char *argument = words_take(words);
        int64_t *place = strcmp(word, "port") == 0  ? &line->as.peer.port
                         : strcmp(word, "iss") == 0 ? &line->as.peer.iss
                         : strcmp(word, "win") == 0 ? &line->as.peer.window
                                                    : NULL;

        if (place != NULL) {
            if (!text_number(argument, place) || *place < 0) {
                return fault_set(fault, "%s wants a number", word);
            }
        } else if (strcmp(word, "address") == 0) {
            if (!text_address(argument, &line->as.peer.ip)) {
                return fault_set(fault, "address wants one");
            }
            line->as.peer.has_ip = true;
        } else {
            return fault_set(fault, "%s: a peer has address, port, iss and win", word);
        }
    }
    return true;
}

static bool raw_parse(struct words *words, struct line *line, struct fault *fault)
{
    const char *word;
    unsigned room = 2048;

    line->as.raw.bytes = malloc(room);
    line->as.raw.count = 0;
    if (line->as.raw.bytes == NULL) {
        return fault_set(fault, "out of memory");
    }
    while ((word = words_peek(words)) != NULL && strcmp(word, "->") != 0) {
        int count = text_hex(word, line->as.raw.bytes + line->as.raw.count, room - line->as.raw.count);

        if (count < 0) {
            free(line->as.raw.bytes);
            line->as.raw.bytes = NULL;
            return fault_set(fault, "%s: pairs of hexadecimal digits are wanted", word);
        }
        line->as.raw.count += (unsigned)count;
        words_take(words);
    }
    return true;
}

static bool ignore_parse(struct words *words, struct line *line, struct fault *fault)
{
    static const char *const names[] = {"nothing", "acks", "data", "all"};
    const char *word = words_take(words);

    for (unsigned i = 0; word != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i]) == 0) {
            line->as.ignore = (enum ignore)i;
            return true;
        }
    }
    return fault_set(fault, "ignore wants one of nothing, acks, data, all");
}

static bool none_parse(struct words *words, struct line *line, struct fault *fault)
{
    const char *word = words_take(words);
    flue_ps time;

    if (word == NULL) {
        return true;
    }
    if (line->when.kind != WHEN_NOW) {
        return fault_set(fault, "none has its time before or after it, not both");
    }
    if (strcmp(word, "until") == 0) {
        line->when.kind = WHEN_AT;
        word = words_take(words);
    } else {
        line->when.kind = WHEN_AFTER;
    }
    if (!text_time(word, &time)) {
        return fault_set(fault, "none wants a time: none 200ms, or none until 300ms");
    }
    line->when.from_ps = line->when.to_ps = time;
    return true;
}

static const struct {
    const char *name;
    enum verb verb;
} verbs[] = {{"set", VERB_SET},   {"peer", VERB_PEER}, {"call", VERB_CALL}, {"in", VERB_IN},   {"out", VERB_OUT},
             {"none", VERB_NONE}, {"is", VERB_IS},     {"icmp", VERB_ICMP}, {"raw", VERB_RAW}, {"ignore", VERB_IGNORE}};

static bool body_parse(struct words *words, struct line *line, struct fault *fault)
{
    switch (line->verb) {
    case VERB_SET:
        return set_parse(words, line, fault);
    case VERB_MACRO:
        while (words_take(words) != NULL) {
        }
        return true;
    case VERB_PEER:
        return peer_parse(words, line, fault);
    case VERB_CALL:
        return call_parse(words, &line->as.call, fault);
    case VERB_IN:
        return segment_parse(words, false, &line->as.segment, fault);
    case VERB_OUT:
        return segment_parse(words, true, &line->as.segment, fault);
    case VERB_NONE:
        return none_parse(words, line, fault);
    case VERB_IS:
        return claims_parse(words, line, fault);
    case VERB_ICMP:
        return icmp_parse(words, &line->as.icmp, fault);
    case VERB_RAW:
        return raw_parse(words, line, fault);
    case VERB_IGNORE:
        return ignore_parse(words, line, fault);
    }
    return false;
}

static bool no_lines(void *arg, const char *text)
{
    struct fault fault;
    struct line line;

    (void)arg;
    if (!line_parse(text, &line, &fault)) {
        return false;
    }
    line_free(&line);
    return true;
}

static bool words_parse(const char *text, struct words *words, struct line *line, struct fault *fault)
{
    const char *word;
    bool found = false;

    if (when_parse(words_peek(words), &line->when, fault)) {
        words_take(words);
    } else if (fault->text[0] != 0) {
        return false;
    }
    word = words_take(words);
    if (word == NULL) {
        return fault_set(fault, "a time, and nothing happens");
    }
    for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(word, verbs[i].name) == 0) {
            line->verb = verbs[i].verb;
            found = true;
        }
    }
    if (!found && macro_known(word)) {
        const struct macro_world world = {.listens = false};

        line->verb = VERB_MACRO;
        found = true;
        if (line->when.kind != WHEN_NOW) {
            return fault_set(fault, "%s stands without a time: its end is the new zero", word);
        }
        if (!macro_expand(text, &world, no_lines, NULL, fault)) {
            return false;
        }
    }
    if (!found) {
        return fault_set(fault, "%s: neither a verb (set peer call in out none is icmp raw ignore) nor a macro", word);
    }
    if (line->when.from_ps != line->when.to_ps && line->verb != VERB_OUT) {
        return fault_set(fault, "only out has a tolerance");
    }
    return body_parse(words, line, fault);
}

bool line_parse(const char *text, struct line *out, struct fault *fault)
{
    struct words words;

    *out = (struct line){0};
    if (!words_split(&words, text, fault)) {
        return false;
    }
    if (!words_parse(text, &words, out, fault)) {
        return false;
    }
    if (words_take_if(&words, "->")) {
        const char *result = words_take(&words);

        if (out->verb != VERB_IN && out->verb != VERB_RAW && out->verb != VERB_ICMP) {
            return fault_set(fault, "only call, in, raw and icmp have a result");
        }
        if (!result_parse(result, &out->result)) {
            return fault_set(fault, "%s is no result", result != NULL ? result : "nothing");
        }
        out->expects = true;
    }
    if (words_peek(&words) != NULL) {
        fault_set(fault, "%s: the line should end here", words_peek(&words));
        line_free(out);
        return false;
    }
    out->text = strdup(text);
    return out->text != NULL || fault_set(fault, "out of memory");
}

void line_free(struct line *line)
{
    free((char *)line->text);
    line->text = NULL;
    if (line->verb == VERB_RAW) {
        free(line->as.raw.bytes);
        line->as.raw.bytes = NULL;
    }
}

/* # RFC 9293 3.10.7.4 (fifth): sentence */
static bool header_parse(const char *text, struct script *script, struct fault *fault)
{
    const char *colon;
    size_t length;

    if (strncmp(text, "# RFC ", 6) != 0 || !isdigit((unsigned char)text[6])) {
        return fault_set(fault, "the first line must be `# RFC number section: sentence`");
    }
    text += 6;
    colon = strstr(text, ": ");
    length = colon != NULL ? (size_t)(colon - text) : 0;
    if (colon == NULL || length >= sizeof(script->clause) || strspn(text, "0123456789") >= length) {
        return fault_set(fault, "the first line names no section: `# RFC 9293 3.10.7.4: sentence`");
    }
    if (text[strspn(text, "0123456789")] != ' ' || !isalnum((unsigned char)text[strspn(text, "0123456789") + 1])) {
        return fault_set(fault, "the first line names no section: `# RFC 9293 3.10.7.4: sentence`");
    }
    memcpy(script->clause, text, length);
    script->clause[length] = 0;
    if (strlen(colon + 2) < 10) {
        return fault_set(fault, "the first line says no sentence after the section");
    }
    snprintf(script->sentence, sizeof(script->sentence), "%s", colon + 2);
    return true;
}

static bool add_line(struct script *script, const char *text, unsigned number, struct fault *fault)
{
    struct line *line;

    if (script->count == script->room) {
        unsigned room = script->room == 0 ? 64 : 2 * script->room;
        struct line *more = realloc(script->lines, room * sizeof(*more));

        if (more == NULL) {
            return fault_set(fault, "out of memory");
        }
        script->lines = more;
        script->room = room;
    }
    line = &script->lines[script->count];
    if (!line_parse(text, line, fault)) {
        return false;
    }
    line->number = number;
    script->count++;
    return true;
}

bool script_parse(const char *path, const char *text, struct script *out, struct fault *fault)
{
    struct fault inner = {{0}};
    unsigned number = 1;
    unsigned present = 1;
    bool good = true;
    bool begun = false;

    *out = (struct script){.path = path};
    for (const char *at = text; good && *at != 0; number++) {
        char one[1536];
        size_t length = strcspn(at, "\n");
        size_t blank;

        present = number;
        if (length >= sizeof(one)) {
            good = fault_set(&inner, "the line is too long");
            break;
        }
        memcpy(one, at, length);
        one[length] = 0;
        at += length + (at[length] == '\n');
        if (number == 1) {
            good = header_parse(one, out, &inner);
            continue;
        }
        if (strncmp(one, "# fails: ", 9) == 0) {
            snprintf(out->fails, sizeof(out->fails), "%.199s", one + 9);
        }
        blank = strspn(one, " \t\r");
        if (one[blank] == 0 || one[blank] == '#') {
            continue;
        }
        good = add_line(out, one, number, &inner);
        if (good && out->lines[out->count - 1].verb == VERB_SET) {
            good = !begun || fault_set(&inner, "set stands before the first event");
        } else if (good && out->lines[out->count - 1].verb != VERB_PEER) {
            begun = true;
        }
    }
    if (good && out->count == 0) {
        good = fault_set(&inner, "nothing happens in the script");
    }
    if (!good) {
        fault_set(fault, "%s:%u: %s", path, present, inner.text);
        script_free(out);
    }
    return good;
}

bool script_read(const char *path, struct script *out, struct fault *fault)
{
    FILE *file = fopen(path, "rb");
    char *text;
    size_t length = 0;
    size_t room = 1 << 16;
    bool good;

    if (file == NULL) {
        return fault_set(fault, "%s: %s", path, strerror(errno));
    }
    text = malloc(room + 1);
    while (text != NULL) {
        size_t got = fread(text + length, 1, room - length, file);

        length += got;
        if (length < room) {
            break;
        }
        room *= 2;
        text = realloc(text, room + 1);
    }
    fclose(file);
    if (text == NULL) {
        return fault_set(fault, "%s: out of memory", path);
    }
    text[length] = 0;
    good = script_parse(path, text, out, fault);
    free(text);
    return good;
}

void script_free(struct script *script)
{
    for (unsigned i = 0; i < script->count; i++) {
        line_free(&script->lines[i]);
    }
    free(script->lines);
    *script = (struct script){0};
}
