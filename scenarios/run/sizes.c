/* SPDX-License-Identifier: GPL-2.0-only */
/* Distributions of sizes: parsing, quantiles, draws. */
#include "run/sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/wide.h"
#include "run/normal_table.h"
#include "run/quantity.h"

#define WORDS      4u
#define SHAPE_MOST 10000u               /* alpha and sigma up to 10 */
#define LN2_Q31    UINT64_C(1488522236) /* ln 2 x 2^31 */
#define LOG2E_Q15  UINT64_C(47274)      /* log2 e x 2^15 */
#define TRILLION   UINT64_C(1000000000000)

/* What follows each name: S a size, H a shape, P a path. */
static const struct {
    const char *name, *takes, *usage;
} forms[SIZES_KINDS] = {
    [SIZES_FIXED] = {"fixed", "S", "fixed SIZE"},
    [SIZES_UNIFORM] = {"uniform", "SS", "uniform LEAST MOST"},
    [SIZES_EXPONENTIAL] = {"exponential", "S", "exponential MEAN"},
    [SIZES_PARETO] = {"pareto", "SHS", "pareto LEAST SHAPE MOST"},
    [SIZES_LOGNORMAL] = {"lognormal", "SHS", "lognormal MEDIAN SIGMA MOST"},
    [SIZES_FILE] = {"file", "P", "file PATH"},
};

/* ---- Quantiles --------------------------------------------------------------------------------------------------- */

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* -log2(v / 2^64) x 2^31 */
static uint64_t octaves_q31(uint64_t v)
{
    return (UINT64_C(64) << 31) - rng_log2_q31(v);
}

static uint64_t uniform(const struct sizes *sizes, uint64_t u)
{
    return sizes->least + wide_product(u, sizes->most - sizes->least + 1).high;
}

/* mean x -ln(1 - u), to the nearest */
static uint64_t exponential(const struct sizes *sizes, uint64_t rest)
{
    /* octaves in 2^-31, ln 2 in 2^-33: nats in 2^-64 */
    const struct wide nats = wide_product(octaves_q31(rest), LN2_Q31 << 2);

    return (sizes->middle * (nats.high << 24 | nats.low >> 40) + (UINT64_C(1) << 23)) >> 24;
}

/* least x w^(-1/alpha), where w falls evenly from 1 to (least / most)^alpha */
static uint64_t pareto(const struct sizes *sizes, uint64_t rest)
{
    uint64_t w = rest - wide_product(rest, sizes->tail).high;

    w = w > UINT64_MAX - sizes->tail ? UINT64_MAX : w + sizes->tail;
    return rng_times_exp2(sizes->least, octaves_q31(w == 0 ? 1 : w) * 1000 / sizes->shape);
}

/* z x 2^16 of a tail probability v / 2^64 up to one half */
static uint64_t normal_q16_of(uint64_t v)
{
    const uint32_t top = wide_top_bit(v);
    const uint64_t mantissa = v << (63 - top) << 1;
    const uint32_t octave = 64 - top; /* v is in [2^-octave, 2^(1-octave)) */
    const uint32_t cell = (octave - 2) * 16 + (uint32_t)(mantissa >> 60);
    uint64_t here, next;

    if (octave < 2)
        return 0;
    if (octave >= NORMAL_OCTAVES + 2)
        return normal_q16[16 * (NORMAL_OCTAVES - 1)];
    here = normal_q16[cell];
    if (mantissa >> 60 != 15)
        next = normal_q16[cell + 1];
    else
        next = octave == 2 ? 0 : normal_q16[(octave - 3) * 16];
    return here - (((here - next) * ((mantissa << 4) >> 40)) >> 24);
}

/* median x e^(sigma z) */
static uint64_t lognormal(const struct sizes *sizes, uint64_t u)
{
    const int above = u >> 63 != 0;
    const uint64_t tail = above ? ~u : u, z_q16 = normal_q16_of(tail == 0 ? 1 : tail);
    const uint64_t octaves = z_q16 * sizes->shape * LOG2E_Q15 / 1000;

    if (above)
        return rng_times_exp2(sizes->middle, octaves);
    return octaves >> 31 >= 31 ? 0 : rng_times_exp2(sizes->middle, (UINT64_C(31) << 31) - octaves) >> 31;
}

static uint64_t from_file(const struct sizes *sizes, uint64_t u)
{
    const struct sizes_point *points = sizes->points;
    const uint64_t share = wide_product(u, TRILLION).high;
    size_t low = 0, high = sizes->count - 1; /* the first whose upto lies above share */
    uint64_t part_q24;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (points[middle].upto > share)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0)
        return points[0].size;
    part_q24 = ((share - points[low - 1].upto) << 24) / (points[low].upto - points[low - 1].upto);
    return points[low - 1].size + ((points[low].size - points[low - 1].size) * part_q24 >> 24);
}

uint64_t sizes_quantile(const struct sizes *sizes, uint64_t u)
{
    const uint64_t rest = u == 0 ? UINT64_MAX : 0 - u; /* 1 - u, never 0 */
    uint64_t value = 0;

    switch (sizes->kind) {
    case SIZES_FIXED:
        value = sizes->middle;
        break;
    case SIZES_UNIFORM:
        value = uniform(sizes, u);
        break;
    case SIZES_EXPONENTIAL:
        value = exponential(sizes, rest);
        break;
    case SIZES_PARETO:
        value = pareto(sizes, rest);
        break;
    case SIZES_LOGNORMAL:
        value = lognormal(sizes, u);
        break;
    case SIZES_FILE:
        value = from_file(sizes, u);
        break;
    case SIZES_KINDS:
        break;
    }
    return clamp(value, sizes->least, sizes->most);
}

/* The mixing of splitmix64: whoever draws has a stream of his own, which begins at his mixed number. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sizes_draw(const struct sizes *sizes, uint64_t key, uint32_t who, uint32_t k)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15), stream = mix(key + golden * ((uint64_t)who + 1));

    return sizes_quantile(sizes, mix(stream + golden * ((uint64_t)k + 1)));
}

uint64_t sizes_sample(const struct sizes *sizes, unsigned i, unsigned *octave)
{
    const unsigned k = i / SIZES_PARTS, part = i % SIZES_PARTS;
    /* 1 - u in the middle of a part of [2^-(k+1), 2^-k) */
    const uint64_t width = UINT64_C(1) << (63 - k), rest = width + width / SIZES_PARTS / 2 * (2 * part + 1);

    *octave = k + 1;
    return sizes_quantile(sizes, 0 - rest);
}

static uint64_t integrate_q16(const struct sizes *sizes)
{
    uint64_t sum_q16 = 0, part_q16 = 0;
    unsigned i, octave = 0;

    for (i = 0; i < SIZES_SAMPLES; i++) {
        part_q16 += sizes_sample(sizes, i, &octave) << 16;
        if ((i + 1) % SIZES_PARTS == 0) {
            sum_q16 += part_q16 / SIZES_PARTS >> octave;
            part_q16 = 0;
        }
    }
    return sum_q16;
}

uint64_t sizes_mean(const struct sizes *sizes)
{
    const uint64_t mean = (sizes->mean_q16 + (1u << 15)) >> 16;

    return mean == 0 ? 1 : mean;
}

/* ---- Parsing ----------------------------------------------------------------------------------------------------- */

const char *sizes_file(const char *text)
{
    text += strspn(text, " ");
    if (strncmp(text, "file ", 5) != 0)
        return NULL;
    return text + 5 + strspn(text + 5, " ");
}

static flue_err refuse(const char *what, const char *text, const char *why, char *message, size_t room)
{
    (void)snprintf(message, room, "%s=%.100s: %s", what, text, why);
    return FLUE_EPARSE;
}

static flue_err refuse_form(const char *what, const char *text, enum sizes_kind kind, char *message, size_t room)
{
    char why[300];

    if (kind < SIZES_KINDS)
        (void)snprintf(why, sizeof(why), "write %s", forms[kind].usage);
    else
        (void)snprintf(why, sizeof(why), "no such distribution; write %s, %s, %s, %s, %s or %s", forms[0].usage,
                       forms[1].usage, forms[2].usage, forms[3].usage, forms[4].usage, forms[5].usage);
    return refuse(what, text, why, message, room);
}

/* Splits at blanks, in place; WORDS + 1: there are more. */
static unsigned split(char *text, const char *words[WORDS])
{
    unsigned count = 0;

    while (*(text += strspn(text, " ")) != '\0') {
        if (count == WORDS)
            return WORDS + 1;
        words[count++] = text;
        text += strcspn(text, " ");
        if (*text != '\0')
            *text++ = '\0';
    }
    return count;
}

/* The numbers behind the name.  Shape 0 would divide by zero, and beyond 10 nothing is heavy. */
static const char *read_numbers(enum flue_param_kind kind, const char *takes, const char *const words[],
                                uint64_t size[2], uint64_t *shape)
{
    unsigned sizes = 0;

    for (unsigned i = 0; takes[i] != '\0'; i++) {
        int64_t number = 0;

        if (takes[i] == 'H') {
            if (!sizes_decimal(words[i], strlen(words[i]), 3, shape) || *shape < 100 || *shape > SHAPE_MOST)
                return "shape and sigma are numbers from 0.1 to 10 with at most three decimals; write for example 1.2";
            continue;
        }
        if (quantity_parse(kind, words[i], &number) != QUANTITY_OK)
            number = 0;
        if (kind == FLUE_KIND_TIME)
            number /= FLUE_PS_PER_US;
        if (number < 1 || number > SIZES_MOST)
            return kind == FLUE_KIND_BYTES  ? "sizes lie between 1 and 1GiB; write for example 64KiB"
                   : kind == FLUE_KIND_TIME ? "times lie between 1us and 1073s; write for example 5ms"
                                            : "counts lie between 1 and 1073741824";
        size[sizes++] = (uint64_t)number;
    }
    return NULL;
}

static const char *fill(struct sizes *out, const uint64_t size[2])
{
    out->least = 1;
    out->most = (uint64_t)SIZES_MOST;
    out->middle = size[0];
    switch (out->kind) {
    case SIZES_FIXED:
        out->least = out->most = size[0];
        break;
    case SIZES_UNIFORM:
    case SIZES_PARETO:
        out->least = size[0];
        out->most = size[1];
        break;
    case SIZES_LOGNORMAL:
        out->most = size[1];
        break;
    case SIZES_EXPONENTIAL:
    case SIZES_FILE:
    case SIZES_KINDS:
        break;
    }
    if (out->least > out->most || out->middle > out->most)
        return "the last size is the largest that is drawn; it cannot be below the first";
    if (out->kind == SIZES_EXPONENTIAL && out->middle > (uint64_t)SIZES_MOST / 16)
        return "a mean above 64MiB, or 67s, would be cut; write a smaller one";
    if (out->kind == SIZES_PARETO) {
        const uint64_t octaves = (rng_log2_q31(out->most) - rng_log2_q31(out->least)) * out->shape / 1000;

        /* 2^62 is as far as rng_times_exp2() goes */
        out->tail = octaves >> 31 >= 62 ? 0 : rng_times_exp2(1, (UINT64_C(62) << 31) - octaves);
        out->tail = out->tail >= UINT64_C(1) << 62 ? UINT64_MAX : out->tail << 2;
    }
    return NULL;
}

flue_err sizes_parse(enum flue_param_kind kind, const char *what, const char *text, struct sizes *out, char *message,
                     size_t room)
{
    struct sizes made = {.kind = SIZES_FIXED};
    const char *words[WORDS] = {"", "", "", ""}, *wrong;
    char copy[FLUE_TEXT_MAX];
    uint64_t size[2] = {0, 0};
    unsigned count;
    flue_err err;

    *out = made;
    (void)snprintf(copy, sizeof(copy), "%s", text);
    count = split(copy, words);
    while (made.kind < SIZES_KINDS && strcmp(forms[made.kind].name, words[0]) != 0)
        made.kind++;
    if (made.kind == SIZES_FILE) {
        if (kind != FLUE_KIND_BYTES)
            return refuse(what, text,
                          kind == FLUE_KIND_TIME ? "times come from no file; write for example: exponential 5ms"
                                                 : "counts come from no file; write for example: exponential 4",
                          message, room);
        if (sizes_file(text) == NULL || *sizes_file(text) == '\0')
            return refuse_form(what, text, SIZES_FILE, message, room);
        err = sizes_read(sizes_file(text), &made, message, room);
        if (err == FLUE_OK)
            *out = made;
        return err;
    }
    if (made.kind == SIZES_KINDS || count != 1 + strlen(forms[made.kind].takes))
        return refuse_form(what, text, made.kind, message, room);
    wrong = read_numbers(kind, forms[made.kind].takes, words + 1, size, &made.shape);
    if (wrong == NULL)
        wrong = fill(&made, size);
    if (wrong != NULL)
        return refuse(what, text, wrong, message, room);
    made.mean_q16 = made.kind == SIZES_FIXED     ? made.middle << 16
                    : made.kind == SIZES_UNIFORM ? (made.least + made.most) << 15
                                                 : integrate_q16(&made);
    *out = made;
    return FLUE_OK;
}

void sizes_free(struct sizes *sizes)
{
    free(sizes->points);
    *sizes = (struct sizes){.points = NULL};
}
