/* SPDX-License-Identifier: GPL-2.0-only */
/* run/text.h - a text that grows. */
#ifndef FLUE_RUN_TEXT_H
#define FLUE_RUN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define TEXT_PRINTF(form, arguments) __attribute__((format(printf, form, arguments)))
#else
#define TEXT_PRINTF(form, arguments)
#endif

/* A zeroed one is empty.  Once memory has run out, `failed` stays set and nothing more is added. */
struct text {
    char *chars; /* owned, ends with a zero byte; NULL while empty */
    size_t length;
    size_t room;
    bool failed;
};

void text_add(struct text *text, const char *format, ...) TEXT_PRINTF(2, 3);

/* Adds a string as JSON writes it, with its quotation marks. */
void text_add_json(struct text *text, const char *string);

/* The characters; "" while empty. */
const char *text_chars(const struct text *text);

/* Empties it. */
void text_free(struct text *text);

/* Whether these bytes are UTF-8 without control characters. */
bool text_is_plain(const char *bytes, size_t count);

/* Of `count` words the one that `word` was probably meant to be, or NULL. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

/* Text that is being read, and where complaints about it go. */
struct text_reader {
    const char *at;
    char *message;
    size_t room;
};
/* Always -1. */
int text_refuse(const struct text_reader *reader, const char *format, ...) TEXT_PRINTF(2, 3);

#endif
