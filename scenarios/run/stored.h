/* SPDX-License-Identifier: GPL-2.0-only */
/* run/stored.h - a scenario and its results in the words of the store. */
#ifndef FLUE_RUN_STORED_H
#define FLUE_RUN_STORED_H

#include "flue/base.h"
#include "flue/scenario.h"
#include "run/params.h"
#include "run/results.h"
#include "run/world.h"
#include "run/yaml.h"
#include "store/store.h"

/* The configuration of a scenario for the store: every parameter, the workload, and the digest of the numbers of both
 * cost profiles, because a profile file may change under its name.  Owns its texts; a zeroed one is empty. */
struct stored_config {
    struct store_config config; /* borrows from this struct, and name and source of the scenario */
    struct store_param *params;
    char (*texts)[FLUE_TEXT_MAX];
};

/* Borrows file and scenario (file->scenario, or a changed copy) until stored_config_free().  FLUE_ENOMEM, or what
 * profile_load() returns, with its message; then *out is empty. */
FLUE_CHECKED flue_err stored_config_make(struct stored_config *out, const struct scenario_file *file,
                                         const struct flue_scenario *scenario, char *message, size_t room);
/* The server's adapter comes from outside: its name becomes a parameter "target".  Borrows it. */
void stored_config_target(struct stored_config *config, const char *target);
/* The same for the policy, as "policy_plugin". */
void stored_config_policy(struct stored_config *config, const char *policy);
void stored_config_free(struct stored_config *config);

/* The results of a run for the store.  Owns its lists; a zeroed one is empty. */
struct stored_results {
    struct store_metric *metrics;
    struct store_bin *bins;
    const char **findings;
    struct store_broken *brokens;
    struct store_event *schedule;
    struct store_sample *samples;
};

/* Fills status, digest, end, events, metrics, bins, schedule, samples and findings of *run, which then borrows from
 * *out and results. */
FLUE_CHECKED flue_err stored_results_make(struct stored_results *out, const struct results *results,
                                          const struct world_outcome *outcome, struct store_run *run);
void stored_results_free(struct stored_results *results);

/* What the server's costs stand on. */
struct stored_evidence {
    char brief[640];     /* one line about numbers that are unverified or assumed; "" if there are none */
    char sentence[2048]; /* profile_sentence(), for captions */
};
FLUE_CHECKED flue_err stored_evidence_make(struct stored_evidence *out, const struct flue_scenario *scenario,
                                           char *message, size_t room);

#endif
