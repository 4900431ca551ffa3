/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of a profile's entries, and the units their numbers are written in. */
#include "run/profile_number.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct profile_field fields[PROFILE_FIELDS] = {
#define FLUE_PRICE(name_, side_, category_, title_)                                                                    \
    {.name = #name_,                                                                                                   \
     .side = #side_,                                                                                                   \
     .title = title_,                                                                                                  \
     .category = FLUE_COST_##category_,                                                                                \
     .maximum = UINT32_MAX,                                                                                            \
     .offset = offsetof(struct flue_profile, name_)},
#define FLUE_VALUE(name_, side_, unit_, minimum_, maximum_, title_)                                                    \
    {.name = #name_,                                                                                                   \
     .side = #side_,                                                                                                   \
     .title = title_,                                                                                                  \
     .unit = #unit_,                                                                                                   \
     .category = FLUE_COST_CATEGORIES,                                                                                 \
     .minimum = UINT64_C(minimum_),                                                                                    \
     .maximum = UINT64_C(maximum_),                                                                                    \
     .offset = offsetof(struct flue_profile, name_)},
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
};

/* The first of a kind and part is the one numbers are kept in. */
static const struct profile_unit units[] = {
    {"Hz", "hz", PROFILE_CYCLES, 1},
    {"kHz", "hz", PROFILE_CYCLES, 1000},
    {"MHz", "hz", PROFILE_CYCLES, 1000000},
    {"GHz", "hz", PROFILE_CYCLES, 1000000000},
    {"b/s", "bps", PROFILE_CYCLES, 1},
    {"Mb/s", "bps", PROFILE_CYCLES, 1000000},
    {"Gb/s", "bps", PROFILE_CYCLES, 1000000000},
    {"ps", "ps", PROFILE_CYCLES, 1},
    {"ns", "ps", PROFILE_CYCLES, 1000},
    {"us", "ps", PROFILE_CYCLES, 1000000},
    {"ms", "ps", PROFILE_CYCLES, 1000000000},
    {"bytes", "bytes", PROFILE_CYCLES, 1},
    {"contexts", "contexts", PROFILE_CYCLES, 1},
    {"cycles", "price", PROFILE_CYCLES, 1},
    {"ps", "price", PROFILE_BUS_PS, 1},
    {"ns", "price", PROFILE_BUS_PS, 1000},
    {"us", "price", PROFILE_BUS_PS, 1000000},
    {"ps/byte", "price", PROFILE_BUS_PS_PER_BYTE, 1},
    {"ns/byte", "price", PROFILE_BUS_PS_PER_BYTE, 1000},
    {"cycles/KiB", "price", PROFILE_CYCLES_PER_KIBIBYTE, 1},
};
enum { UNITS = sizeof units / sizeof units[0] };

const struct profile_field *profile_field(unsigned number)
{
    return number < PROFILE_FIELDS ? &fields[number] : NULL;
}

unsigned profile_field_find(const char *name)
{
    unsigned i;

    for (i = 0; i < PROFILE_FIELDS && strcmp(fields[i].name, name) != 0; i++)
        ;
    return i;
}

static const char *kind_of(unsigned number)
{
    return fields[number].unit != NULL ? fields[number].unit : "price";
}

const struct profile_unit *profile_unit_find(unsigned number, const char *text)
{
    const char *kind = kind_of(number);
    unsigned i;

    for (i = 0; i < UNITS; i++) {
        if (strcmp(units[i].kind, kind) == 0 && strcmp(units[i].text, text) == 0)
            return &units[i];
    }
    return NULL;
}

void profile_units_of(unsigned number, char *out, size_t room)
{
    const char *kind = kind_of(number);
    size_t used = 0;
    unsigned i;

    out[0] = '\0';
    for (i = 0; i < UNITS; i++) {
        if (strcmp(units[i].kind, kind) == 0 && used < room)
            used += (size_t)snprintf(out + used, room - used, "%s%s", used == 0 ? "" : ", ", units[i].text);
    }
}

const char *profile_unit(unsigned number, enum profile_part part)
{
    const char *kind = kind_of(number);
    unsigned i;

    for (i = 0; i < UNITS; i++) {
        if (strcmp(units[i].kind, kind) == 0 && units[i].part == part)
            return units[i].text;
    }
    return "";
}

flue_err profile_decimal(const char *text, uint64_t factor, uint64_t *out)
{
    uint64_t value = 0;
    uint64_t scale = factor;
    unsigned digits = 0;
    bool fraction = false;

    /* Digit by digit in the smallest unit; a digit of the fraction is worth a tenth of the one before. */
    for (; *text != '\0'; text++) {
        uint64_t digit;

        if (*text == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            return FLUE_EPARSE;
        digit = (uint64_t)(*text - '0');
        digits++;
        if (fraction) {
            if (scale % 10 != 0 && digit != 0)
                return FLUE_EPARSE;
            scale /= 10;
            if (value > UINT64_MAX - digit * scale)
                return FLUE_EINVAL;
            value += digit * scale;
        } else {
            if (value > (UINT64_MAX - digit * factor) / 10)
                return FLUE_EINVAL;
            value = value * 10 + digit * factor;
        }
    }
    if (digits == 0)
        return FLUE_EPARSE;
    *out = value;
    return FLUE_OK;
}

static void *place(struct flue_profile *profile, unsigned number)
{
    return (unsigned char *)profile + fields[number].offset;
}

static uint32_t *price_part(struct flue_price *price, enum profile_part part)
{
    switch (part) {
    case PROFILE_CYCLES:
        return &price->cycles;
    case PROFILE_BUS_PS:
        return &price->bus_ps;
    case PROFILE_BUS_PS_PER_BYTE:
        return &price->bus_ps_per_byte;
    case PROFILE_CYCLES_PER_KIBIBYTE:
        return &price->cycles_per_kibibyte;
    case PROFILE_PARTS:
        break;
    }
    assert(0);
    return NULL;
}

void profile_put(struct flue_profile *profile, unsigned number, enum profile_part part, uint64_t value)
{
    if (fields[number].unit != NULL)
        *(uint64_t *)place(profile, number) = value;
    else
        *price_part(place(profile, number), part) = (uint32_t)value;
}

uint64_t profile_get(const struct flue_profile *profile, unsigned number, enum profile_part part)
{
    const unsigned char *at = (const unsigned char *)profile + fields[number].offset;
    struct flue_price price;
    uint64_t value;

    if (fields[number].unit != NULL) {
        memcpy(&value, at, sizeof value);
        return part == PROFILE_CYCLES ? value : 0;
    }
    memcpy(&price, at, sizeof price);
    return *price_part(&price, part);
}

uint64_t profile_minimum(unsigned number)
{
    return fields[number].minimum;
}

uint64_t profile_maximum(unsigned number)
{
    return fields[number].maximum;
}
