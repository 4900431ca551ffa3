/* SPDX-License-Identifier: GPL-2.0-only */
/* script/words.c - see words.h. */
#include "words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fault_set(struct fault *fault, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return false;
}

bool words_split(struct words *words, const char *text, struct fault *fault)
{
    char *at = words->buffer;

    words->count = words->next = 0;
    if (strlen(text) >= sizeof(words->buffer)) {
        return fault_set(fault, "the line is longer than %zu characters", sizeof(words->buffer) - 1);
    }
    strcpy(words->buffer, text);
    for (;;) {
        char until = ' ';

        while (isspace((unsigned char)*at)) {
            at++;
        }
        if (*at == 0 || *at == '#') {
            *at = 0;
            return true;
        }
        if (words->count == WORDS_MAX) {
            return fault_set(fault, "more than %u words", WORDS_MAX);
        }
        words->word[words->count++] = at;
        /* <mss 1460, sackok> is one word; <4, <=4 and <4mss, comparisons, are ordinary ones. */
        if (*at == '<' && !isdigit((unsigned char)at[1]) && at[1] != '=') {
            until = '>';
        }
        while (*at != 0 && (until == '>' ? *at != '>' : !isspace((unsigned char)*at))) {
            at++;
        }
        if (until == '>') {
            if (*at == 0) {
                return fault_set(fault, "no > after %s", words->word[words->count - 1]);
            }
            at++;
        }
        if (*at != 0) {
            *at++ = 0;
        }
    }
}

const char *words_peek(const struct words *words)
{
    return words->next < words->count ? words->word[words->next] : NULL;
}

const char *words_take(struct words *words)
{
    return words->next < words->count ? words->word[words->next++] : NULL;
}

bool words_take_if(struct words *words, const char *word)
{
    const char *next = words_peek(words);

    if (next == NULL || strcmp(next, word) != 0) {
        return false;
    }
    words->next++;
    return true;
}

bool text_number(const char *text, int64_t *out)
{
    char *end;
    long long value;
    int64_t times = 1;

    if (text == NULL || !(isdigit((unsigned char)*text) || (*text == '-' && isdigit((unsigned char)text[1])))) {
        return false;
    }
    value = strtoll(text, &end, 0);
    if (*end == 'k') {
        times = 1024;
        end++;
    } else if (*end == 'M') {
        times = 1024 * 1024;
        end++;
    }
    *out = (int64_t)value * times;
    return *end == 0;
}

bool text_time(const char *text, flue_ps *out)
{
    static const struct {
        const char *name;
        flue_ps ps;
    } units[] = {{"ns", FLUE_PS_PER_NS}, {"us", FLUE_PS_PER_US},      {"ms", FLUE_PS_PER_MS},
                 {"s", FLUE_PS_PER_S},   {"min", 60 * FLUE_PS_PER_S}, {"h", 3600 * FLUE_PS_PER_S}};
    flue_ps value = 0;
    flue_ps whole_of = 1;

    if (text == NULL || !isdigit((unsigned char)*text)) {
        return false;
    }
    for (bool fraction = false; isdigit((unsigned char)*text) || (*text == '.' && !fraction); text++) {
        if (*text == '.') {
            fraction = true;
            continue;
        }
        if (value > INT64_C(100000000)) {
            return false;
        }
        value = value * 10 + (*text - '0');
        whole_of = fraction ? whole_of * 10 : whole_of;
    }
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text, units[i].name) == 0) {
            *out = value * (units[i].ps / whole_of);
            return units[i].ps >= whole_of;
        }
    }
    *out = 0;
    return *text == 0 && value == 0; /* 0 needs no unit */
}

bool text_address(const char *text, struct flue_ip *out)
{
    uint8_t bytes[16];

    if (text == NULL) {
        return false;
    }
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *out = flue_ip_v4((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) != 1) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *b = &bytes[4 * i];

        out->word[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    return true;
}

int text_hex(const char *text, uint8_t *out, unsigned room)
{
    unsigned count = 0;

    while (*text != 0) {
        unsigned value;
        char pair[3] = {text[0], text[1], 0};

        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) || count == room) {
            return -1;
        }
        sscanf(pair, "%x", &value);
        out[count++] = (uint8_t)value;
        text += 2;
    }
    return (int)count;
}

void time_show(flue_ps ps, char *out, size_t room)
{
    static const struct {
        flue_ps ps;
        const char *name;
    } units[] = {{FLUE_PS_PER_S, "s"}, {FLUE_PS_PER_MS, "ms"}, {FLUE_PS_PER_US, "us"}, {FLUE_PS_PER_NS, "ns"}};
    flue_ps size = ps < 0 ? -ps : ps;
    const char *sign = ps < 0 ? "-" : "";

    if (ps == FLUE_PS_NEVER) {
        snprintf(out, room, "never");
        return;
    }
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (size >= units[i].ps) {
            char digits[32];
            size_t length;
            flue_ps rest = size % units[i].ps;

            if (rest == 0) {
                snprintf(out, room, "%s%" PRId64 "%s", sign, size / units[i].ps, units[i].name);
                return;
            }
            snprintf(digits, sizeof(digits), "%012" PRId64, rest * (FLUE_PS_PER_S / units[i].ps));
            for (length = strlen(digits); length > 0 && digits[length - 1] == '0'; length--) {
                digits[length - 1] = 0;
            }
            snprintf(out, room, "%s%" PRId64 ".%s%s", sign, size / units[i].ps, digits, units[i].name);
            return;
        }
    }
    snprintf(out, room, size == 0 ? "0ms" : "%s%" PRId64 "ps", sign, size);
}
