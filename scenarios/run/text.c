/* SPDX-License-Identifier: GPL-2.0-only */
/* A text that grows, and what is asked about words. */
#include "run/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    size_t room = text->room == 0 ? 256 : text->room;
    char *chars;

    if (text->failed) {
        return false;
    }
    if (needed <= text->room) {
        return true;
    }
    while (room < needed) {
        room *= 2;
    }
    chars = realloc(text->chars, room);
    if (chars == NULL) {
        text->failed = true;
        return false;
    }
    text->chars = chars;
    text->room = room;
    return true;
}

static void add_bytes(struct text *text, const char *bytes, size_t count)
{
    if (!reserve(text, count)) {
        return;
    }
    memcpy(text->chars + text->length, bytes, count);
    text->length += count;
    text->chars[text->length] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_list again;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
    } else if (reserve(text, (size_t)length)) {
        (void)vsnprintf(text->chars + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_add_json(struct text *text, const char *string)
{
    add_bytes(text, "\"", 1);
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte == '"' || byte == '\\') {
            text_add(text, "\\%c", byte);
        } else if (byte == '\n') {
            add_bytes(text, "\\n", 2);
        } else if (byte < 0x20) {
            text_add(text, "\\u%04x", byte);
        } else {
            add_bytes(text, at, 1);
        }
    }
    add_bytes(text, "\"", 1);
}

const char *text_chars(const struct text *text)
{
    return text->chars == NULL ? "" : text->chars;
}

void text_free(struct text *text)
{
    free(text->chars);
    *text = (struct text){.chars = NULL};
}

/* Bytes that follow the first byte of a UTF-8 sequence; -1 if none can begin so. */
static int followers(unsigned char byte)
{
    if (byte < 0x80) {
        return 0;
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return 1;
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return 2;
    }
    return byte >= 0xF0 && byte <= 0xF4 ? 3 : -1;
}

bool text_is_plain(const char *bytes, size_t count)
{
    size_t i = 0;

    while (i < count) {
        unsigned char byte = (unsigned char)bytes[i++];
        int more = followers(byte);

        if (byte < 0x20 || byte == 0x7F || more < 0 || (size_t)more > count - i) {
            return false;
        }
        for (; more > 0; more--, i++) {
            if (((unsigned char)bytes[i] & 0xC0u) != 0x80u) {
                return false;
            }
        }
    }
    return true;
}

#define LONGEST_WORD 63u

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, remove, change or swap with their neighbour until a is b; upper case counts as lower. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_WORD + 1];
    size_t columns = strlen(b);
    size_t last = 0;

    for (size_t j = 0; j <= columns; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t *now = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;

            now[j] = least(above[j - 1] + change, least(above[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                now[j] = least(now[j], two_above[j - 2] + 1);
            }
        }
        last = i % 3;
    }
    return rows[last][columns];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word);
    size_t best = length / 4 + 2; /* no nearer than this is no suggestion */
    const char *found = NULL;

    if (length == 0 || length > LONGEST_WORD) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t away;

        if (strlen(words[i]) > LONGEST_WORD) {
            continue;
        }
        away = length >= 3 && strstr(words[i], word) != NULL ? 1 : distance(word, words[i]);
        if (away < best) {
            best = away;
            found = words[i];
        }
    }
    return found;
}

int text_refuse(const struct text_reader *reader, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reader->message, reader->room, format, arguments);
    va_end(arguments);
    return -1;
}
