/* SPDX-License-Identifier: GPL-2.0-only */
/* run/params.h - the parameters of a scenario: one table from params.def, from text to number and back.
 *
 * All arithmetic is on integers: "1.5MiB" is 1572864 and "1.3KiB" is refused, as it is no whole number of bytes.
 * Messages are one line, "what is wrong; what to do". */
#ifndef FLUE_RUN_PARAMS_H
#define FLUE_RUN_PARAMS_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/scenario.h"

struct text;

struct param_info {
    const char *name;
    enum flue_param_kind kind;
    const char *initial;
    const char *minimum;
    const char *maximum; /* CHOICE: the words, separated by | */
    const char *unit;    /* of the stored number */
    const char *group;
    const char *help;
    size_t offset; /* of its field in struct flue_scenario */
};

size_t params_count(void);

/* In the order of params.def, and in order of name.  index < params_count(). */
const struct param_info *params_at(size_t index);
const struct param_info *params_sorted(size_t index);

/* NULL if there is none. */
const struct param_info *params_find(const char *name);

/* The parameter's name that was probably meant, or NULL. */
const char *params_nearest(const char *name);

/* "time", "choice" ... */
const char *params_kind_name(enum flue_param_kind kind);

/* Every parameter gets its initial value; name "", workload bulk, net link, seed and rng_run 1. */
void params_init(struct flue_scenario *scenario);

/* Sets one parameter from text.  FLUE_ENOENT: no such parameter.  FLUE_EPARSE: the text is none of this kind.
 * FLUE_EINVAL: out of range.  On an error the scenario is as before and message says why. */
FLUE_CHECKED flue_err params_set(struct flue_scenario *scenario, const char *name, const char *value, char *message,
                                 size_t room);

/* As params_set() for "name=value". */
FLUE_CHECKED flue_err params_assign(struct flue_scenario *scenario, const char *assignment, char *message, size_t room);

/* Sets a parameter that is no text to a stored number, for values that come back from a database. */
FLUE_CHECKED flue_err params_set_number(struct flue_scenario *scenario, const struct param_info *param, int64_t number,
                                        char *message, size_t room);

/* The number of a text without storing it; not for kind TEXT. */
FLUE_CHECKED flue_err params_parse(const struct param_info *param, const char *value, int64_t *out, char *message,
                                   size_t room);

/* The stored number; not of a parameter of kind TEXT. */
int64_t params_number(const struct flue_scenario *scenario, const struct param_info *param);

/* "64KiB", "10us", "0.5%", "chimney": the canonical text, which params_set() takes back; FLUE_TEXT_MAX always does. */
void params_format(const struct param_info *param, const struct flue_scenario *scenario, char *out, size_t room);

/* Whether it has its initial value. */
bool params_is_initial(const struct flue_scenario *scenario, const struct param_info *param);

/* What may stand there: "0 .. 95%", "host|chimney", "any text". */
void params_range(const struct param_info *param, char *out, size_t room);

/* The canonical configuration: one JSON object with every parameter and "workload", sorted by name.  Numbers stand in
 * the unit of params.def; "never", "profile", choices and texts are strings.  Two runs with one such text are runs of
 * one configuration. */
void params_json(const struct flue_scenario *scenario, struct text *out);

/* "bulk", "rpc", "web"; "link", "ns3". */
const char *params_workload_name(enum flue_workload workload);
const char *params_net_name(enum flue_net_kind net);

#endif
