/* SPDX-License-Identifier: GPL-2.0-only */
/* The intermediate drivers that a scenario asks for: "pass*3 hold" is four, from the bottom up. */
#include "run/drivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flue/scenario.h"
#include "run/choices.h"

/* One word of the list: a kind, and how many of it stand on each other.  *text moves behind it. */
static bool next_word(const char **text, enum flue_im_kind *kind, unsigned *times)
{
    const char *word = *text + strspn(*text, " ");
    const size_t length = strcspn(word, " *");
    const char *end = word + length;

    *text = word;
    *times = 1;
    for (unsigned i = 0; i <= FLUE_IM_REFUSE; i++)
        if (strlen(flue_im_kind_name(i)) == length && strncmp(flue_im_kind_name(i), word, length) == 0) {
            *kind = (enum flue_im_kind)i;
            if (*end == '*') {
                const size_t digits = strspn(++end, "0123456789");

                *times = digits >= 1 && digits <= 4 ? (unsigned)strtoul(end, NULL, 10) : 0;
                end += digits;
            }
            if (*times == 0 || (*end != ' ' && *end != '\0'))
                return false;
            *text = end;
            return true;
        }
    return false;
}

int drivers_count(const char *text, struct drivers_count *out, const char **wrong)
{
    enum flue_im_kind kind;
    unsigned times;

    *out = (struct drivers_count){0};
    while (text[strspn(text, " ")] != '\0') {
        const char *word = text + strspn(text, " ");

        if (!next_word(&text, &kind, &times) || times > DRIVERS_MAX - out->all) {
            if (wrong != NULL)
                *wrong = word;
            return -1;
        }
        out->team_first |= kind == FLUE_IM_TEAM && out->all == 0;
        out->all += times;
        out->of[kind] += times;
    }
    return 0;
}

const char *drivers_wrong(const struct flue_scenario *scenario)
{
    struct drivers_count count;

    (void)drivers_count(scenario->drivers.text, &count, NULL);
    if (count.of[FLUE_IM_TEAM] > 1 || (count.of[FLUE_IM_TEAM] == 1 && !count.team_first))
        return "drivers: a team stands on the adapters; write it first, once";
    if (count.team_first && scenario->adapters != 2)
        return "drivers: a team makes one adapter of two; set adapters=2 and topology=switch";
    if (scenario->adapters == 2 && count.all > 0 && !count.team_first)
        return "drivers: two adapters are a team, or have no drivers above them; write team first, or leave drivers "
               "out";
    if (scenario->adapters == 2 && scenario->topology != TOPOLOGY_SWITCH)
        return "adapters=2 needs topology=switch: the address moves from port to port";
    if (scenario->fail_over_at != FLUE_PS_NEVER && !count.team_first)
        return "fail_over_at needs the driver team; set drivers=team, adapters=2 and topology=switch";
    return NULL;
}

flue_ps drivers_hold_ps(const struct flue_scenario *scenario, unsigned down, unsigned up)
{
    struct drivers_count count;

    (void)drivers_count(scenario->drivers.text, &count, NULL);
    return (flue_ps)count.of[FLUE_IM_HOLD] * (down * scenario->hold_down + up * scenario->hold_up);
}

flue_err drivers_make(const struct flue_scenario *scenario, const struct flue_im_params *uppermost,
                      struct drivers *drivers)
{
    const char *text = scenario->drivers.text;
    struct drivers_count count;
    enum flue_im_kind kind = FLUE_IM_PASS;
    unsigned times;

    (void)drivers_count(text, &count, NULL);
    *drivers = (struct drivers){.count = 0};
    if (count.all == 0 && uppermost == NULL)
        return FLUE_OK;
    drivers->params = calloc(count.all + 1, sizeof(*drivers->params));
    drivers->name = calloc(count.all + 1, sizeof(*drivers->name));
    if (drivers->params == NULL || drivers->name == NULL) {
        drivers_free(drivers);
        return FLUE_ENOMEM;
    }
    while (drivers->count < count.all && next_word(&text, &kind, &times))
        for (; times > 0; times--, drivers->count++) {
            char *name = drivers->name[drivers->count];

            (void)snprintf(name, sizeof(*drivers->name), "driver %u", drivers->count + 1);
            drivers->params[drivers->count] =
                (struct flue_im_params){.kind = kind,
                                        .name = name,
                                        .hold_down_ps = scenario->hold_down,
                                        .hold_up_ps = scenario->hold_up,
                                        .refuse_every = (uint32_t)scenario->refuse_every,
                                        .keep_failed = scenario->ddi_terminate_failure != 0};
        }
    if (uppermost != NULL)
        drivers->params[drivers->count++] = *uppermost;
    return FLUE_OK;
}

void drivers_free(struct drivers *drivers)
{
    free(drivers->params);
    free(drivers->name);
    *drivers = (struct drivers){.count = 0};
}
