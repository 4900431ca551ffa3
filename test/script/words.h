/* SPDX-License-Identifier: GPL-2.0-only */
/* script/words.h - a line of a script as words, and the numbers, times and addresses that words are. */
#ifndef SCRIPT_WORDS_H
#define SCRIPT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "flue/base.h"
#include "flue/wire.h"

/* What is wrong, in words for the reader of the script. */
struct fault {
    char text[480];
};
/* Both answer false, so that `return fault_set(...)` is how a function refuses. */
bool fault_set(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define WORDS_MAX 96u

/* Words of one line; <...> is one word, a comment ends the line.  The words live in buffer. */
struct words {
    char buffer[1536];
    char *word[WORDS_MAX];
    unsigned count, next;
};

bool words_split(struct words *words, const char *text, struct fault *fault);
/* The next word, or NULL at the end of the line; take moves on. */
const char *words_peek(const struct words *words);
const char *words_take(struct words *words);
/* Moves on if the next word is this one. */
bool words_take_if(struct words *words, const char *word);

/* 12, 0x1f, 64k (1024s), -3 */
bool text_number(const char *text, int64_t *out);
/* 200ms, 1.5s, 3us, 7ns, 2min, 1h */
bool text_time(const char *text, flue_ps *out);
/* 192.0.2.1 or 2001:db8::1 */
bool text_address(const char *text, struct flue_ip *out);
/* Pairs of hexadecimal digits; answers how many bytes, or -1. */
int text_hex(const char *text, uint8_t *out, unsigned room);

/* Writes a time as the language spells it: 200ms, 1.5s. */
void time_show(flue_ps ps, char *out, size_t room);

#endif
