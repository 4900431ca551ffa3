/* SPDX-License-Identifier: GPL-2.0-only */
/* Loss and reordering (see impair.h). */
#include "wire/impair.h"

#include <string.h>

void impair_init(struct impair *impair, const struct flue_impair_params *params, uint64_t seed, const char *name)
{
    char stream[64];

    *impair = (struct impair){.params = *params};
    strncpy(stream, name, sizeof(stream) - 16);
    stream[sizeof(stream) - 16] = '\0';
    strcat(stream, ".loss");
    rng_init(&impair->loss, seed, stream);
    strncpy(stream, name, sizeof(stream) - 16);
    stream[sizeof(stream) - 16] = '\0';
    strcat(stream, ".reorder");
    rng_init(&impair->reorder, seed, stream);
}

enum impair_verdict impair_next(struct impair *impair)
{
    impair->frames++;
    if (impair->next < FLUE_IMPAIR_LIST_MAX && impair->params.lose[impair->next] == impair->frames) {
        impair->next++;
        impair->lost++;
        return IMPAIR_LOSE;
    }
    if (impair->params.loss_ppm != 0 && rng_chance_ppm(&impair->loss, impair->params.loss_ppm)) {
        impair->lost++;
        return IMPAIR_LOSE;
    }
    if (impair->params.reorder_ppm != 0 && rng_chance_ppm(&impair->reorder, impair->params.reorder_ppm)) {
        impair->delayed++;
        return IMPAIR_DELAY;
    }
    return IMPAIR_DELIVER;
}

/* Returns the new count: a number that is there already adds nothing. */
static unsigned insert(uint64_t lose[FLUE_IMPAIR_LIST_MAX], unsigned count, uint64_t number)
{
    unsigned i;

    for (i = 0; i < count; i++)
        if (lose[i] == number)
            return count;
    while (i > 0 && lose[i - 1] > number) {
        lose[i] = lose[i - 1];
        i--;
    }
    lose[i] = number;
    return count + 1;
}

int impair_parse(const char *text, char side, uint64_t lose[FLUE_IMPAIR_LIST_MAX])
{
    const char *p = text;
    unsigned count = 0;

    memset(lose, 0, FLUE_IMPAIR_LIST_MAX * sizeof(lose[0]));
    while (*p != '\0') {
        uint64_t number = 0;
        const char *digits;
        char letter;

        if (*p == ' ' || *p == ',') {
            p++;
            continue;
        }
        letter = *p;
        if (letter != 's' && letter != 'c')
            return (int)(p - text) + 1;
        digits = ++p;
        while (*p >= '0' && *p <= '9' && number < UINT64_C(1000000000000))
            number = number * 10 + (uint64_t)(*p++ - '0');
        if (p == digits || number == 0 || (*p != '\0' && *p != ' ' && *p != ','))
            return (int)(p - text) + 1;
        if (letter != side)
            continue;
        if (count == FLUE_IMPAIR_LIST_MAX)
            return (int)(digits - text);
        count = insert(lose, count, number);
    }
    return 0;
}
