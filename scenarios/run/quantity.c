/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers with units: decimal digits, a scale, and the greatest common divisor where a fraction must come out whole. */
#include "run/quantity.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t worth;
};

struct scale {
    const struct unit *units; /* smallest first; ends with NULL */
    const char *names;        /* for messages */
    const char *example;
    const char *bare; /* the unit of a number without one; NULL: there has to be one */
};

#define KIBI INT64_C(1024)

static const struct unit count_units[] = {{"", 1}, {NULL, 0}};
static const struct unit byte_units[] = {
    {"", 1},  {"B", 1}, {"KiB", KIBI}, {"MiB", KIBI *KIBI}, {"GiB", KIBI *KIBI *KIBI}, {"TiB", KIBI *KIBI *KIBI *KIBI},
    {NULL, 0}};
static const struct unit time_units[] = {
    {"ps", 1}, {"ns", FLUE_PS_PER_NS}, {"us", FLUE_PS_PER_US}, {"ms", FLUE_PS_PER_MS}, {"s", FLUE_PS_PER_S}, {NULL, 0}};
static const struct unit rate_units[] = {{"bps", 1},        {"Kbps", 1000},       {"kbps", 1000},
                                         {"Mbps", 1000000}, {"Gbps", 1000000000}, {"Tbps", 1000000000000},
                                         {NULL, 0}};
static const struct unit ppm_units[] = {{"ppm", 1}, {"%", 10000}, {"", 1000000}, {NULL, 0}};

static const struct scale *scale_of(enum flue_param_kind kind)
{
    static const struct scale count = {count_units, "none", "1000", ""};
    static const struct scale bytes = {byte_units, "B, KiB, MiB, GiB, TiB", "64KiB", ""};
    static const struct scale time = {time_units, "ps, ns, us, ms, s", "10us", NULL};
    static const struct scale rate = {rate_units, "bps, Kbps, Mbps, Gbps, Tbps", "10Gbps", NULL};
    static const struct scale ppm = {ppm_units, "%, ppm", "1% or 0.01 or 50ppm", ""};

    switch (kind) {
    case FLUE_KIND_BYTES:
        return &bytes;
    case FLUE_KIND_TIME:
        return &time;
    case FLUE_KIND_RATE:
        return &rate;
    case FLUE_KIND_PPM:
        return &ppm;
    case FLUE_KIND_COUNT:
    case FLUE_KIND_CHOICE:
    case FLUE_KIND_TEXT:
        break;
    }
    return &count;
}

/* The digits of a decimal number as one integer, and 10 to the power of the digits behind the point. */
struct decimal {
    int64_t digits;
    int64_t divisor;
    bool negative;
    bool too_large;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool add_digit(int64_t *value, int digit)
{
    if (*value > (INT64_MAX - digit) / 10) {
        return false;
    }
    *value = *value * 10 + digit;
    return true;
}

/* The first character behind the number, or NULL if there is none. */
static const char *read_decimal(const char *text, struct decimal *out)
{
    const char *at = text;
    const char *end;
    size_t digits = 0;

    *out = (struct decimal){.divisor = 1};
    if (*at == '-' || *at == '+') {
        out->negative = *at++ == '-';
    }
    for (; is_digit(*at); at++, digits++) {
        out->too_large |= !add_digit(&out->digits, *at - '0');
    }
    if (*at == '.') {
        at++;
        for (end = at; is_digit(*end); end++) {
            digits++;
        }
        for (const char *last = end; last > at && last[-1] == '0'; last--) {
            end = last - 1;
        }
        for (; at < end; at++) {
            out->too_large |= !add_digit(&out->digits, *at - '0') || !add_digit(&out->divisor, 0);
        }
        while (is_digit(*at)) {
            at++;
        }
    }
    return digits == 0 ? NULL : at;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static enum quantity_problem scaled(const struct decimal *decimal, int64_t worth, int64_t *out)
{
    int64_t common = common_divisor(worth, decimal->divisor);
    int64_t divisor = decimal->divisor / common;
    int64_t whole;

    if (decimal->too_large) {
        return QUANTITY_TOO_LARGE;
    }
    if (decimal->digits % divisor != 0) {
        return QUANTITY_NOT_WHOLE;
    }
    whole = decimal->digits / divisor;
    worth /= common;
    if (whole > INT64_MAX / worth) {
        return QUANTITY_TOO_LARGE;
    }
    *out = decimal->negative ? -(whole * worth) : whole * worth;
    return QUANTITY_OK;
}

enum quantity_problem quantity_parse(enum flue_param_kind kind, const char *text, int64_t *out)
{
    const struct scale *scale = scale_of(kind);
    struct decimal decimal;
    const char *unit = read_decimal(text, &decimal);

    if (unit == NULL) {
        return QUANTITY_NO_NUMBER;
    }
    while (*unit == ' ' && unit[1] != '\0') {
        unit++;
    }
    if (*unit == '\0' && scale->bare == NULL && (decimal.digits != 0 || decimal.too_large)) {
        return QUANTITY_NO_UNIT;
    }
    if (*unit == '\0' && scale->bare == NULL) {
        *out = 0; /* nothing is nothing in every unit */
        return QUANTITY_OK;
    }
    for (const struct unit *each = scale->units; each->name != NULL; each++) {
        if (strcmp(each->name, unit) == 0) {
            return scaled(&decimal, each->worth, out);
        }
    }
    return QUANTITY_BAD_UNIT;
}

/* Shares are written in percent, very small ones in parts per million. */
static void format_ppm(int64_t number, char *out, size_t room)
{
    int64_t whole = number / 10000;
    int64_t rest = number % 10000;
    int digits = 4;

    if (number < 100) {
        (void)snprintf(out, room, "%" PRId64 "ppm", number);
        return;
    }
    if (rest == 0) {
        (void)snprintf(out, room, "%" PRId64 "%%", whole);
        return;
    }
    for (; rest % 10 == 0; rest /= 10) {
        digits--;
    }
    (void)snprintf(out, room, "%" PRId64 ".%0*" PRId64 "%%", whole, digits, rest);
}

void quantity_format(enum flue_param_kind kind, int64_t number, char *out, size_t room)
{
    const struct scale *scale = scale_of(kind);
    const struct unit *best = &scale->units[0];

    if (number == 0) {
        (void)snprintf(out, room, "0");
        return;
    }
    if (kind == FLUE_KIND_PPM && number > 0) {
        format_ppm(number, out, room);
        return;
    }
    for (const struct unit *each = scale->units; each->name != NULL; each++) {
        if (each->worth > best->worth && number % each->worth == 0) {
            best = each;
        }
    }
    (void)snprintf(out, room, "%" PRId64 "%s", number / best->worth, best->name);
}

const char *quantity_units(enum flue_param_kind kind)
{
    return scale_of(kind)->names;
}

const char *quantity_example(enum flue_param_kind kind)
{
    return scale_of(kind)->example;
}
