/* SPDX-License-Identifier: GPL-2.0-only */
/* The points of a sweep, and what a database has of them. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "run/stored.h"
#include "sweep/private.h"

static flue_err point_make(const struct sweep *sweep, const struct axes *axes, size_t number, struct sweep_point *point,
                           char *message, size_t room)
{
    struct stored_config config;
    flue_err err;

    *point = (struct sweep_point){.scenario = sweep->base.scenario};
    for (size_t i = axes->count; i-- > 0;) {
        const struct axis *axis = &axes->axis[i];
        size_t at = number % axis->value_count;
        number /= axis->value_count;
        for (size_t j = 0; j < axis->param_count; j++) {
            err = params_set(&point->scenario, axis->params[j]->name, axis->values[at * axis->param_count + j], message,
                             room);
            if (err != FLUE_OK) {
                return err;
            }
        }
    }
    err = stored_config_make(&config, &sweep->base, &point->scenario, message, room);
    if (err != FLUE_OK) {
        return err;
    }
    store_config_hash(&config.config, NULL, point->hash);
    if (sweep->pair_on != NULL) {
        store_config_hash(&config.config, sweep->pair_on->name, point->pair_hash);
    }
    stored_config_free(&config);
    return FLUE_OK;
}

static int by_hash(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two points of one configuration would be one run too many. */
static flue_err check_different(const struct sweep *sweep, char *message, size_t room)
{
    const char **hashes = malloc(sweep->count * sizeof *hashes);
    flue_err err = FLUE_OK;

    if (hashes == NULL) {
        (void)snprintf(message, room, "memory ran out");
        return FLUE_ENOMEM;
    }
    for (size_t i = 0; i < sweep->count; i++) {
        hashes[i] = sweep->points[i].hash;
    }
    qsort(hashes, sweep->count, sizeof *hashes, by_hash);
    for (size_t i = 1; err == FLUE_OK && i < sweep->count; i++) {
        if (strcmp(hashes[i - 1], hashes[i]) == 0) {
            (void)snprintf(message, room, "two points of the sweep are the same; look for a value that is there twice");
            err = FLUE_EINVAL;
        }
    }
    free(hashes);
    return err;
}

flue_err points_make(struct sweep *sweep, const struct axes *axes, char *message, size_t room)
{
    uint64_t count = 1;
    flue_err err = FLUE_OK;

    for (size_t i = 0; i < axes->count; i++) {
        count *= axes->axis[i].value_count;
        if (count > SWEEP_POINTS_MAX) {
            (void)snprintf(message, room, "the sweep has more than %u points; split it", SWEEP_POINTS_MAX);
            return FLUE_EINVAL;
        }
    }
    sweep->points = calloc((size_t)count, sizeof *sweep->points);
    if (sweep->points == NULL) {
        (void)snprintf(message, room, "memory ran out");
        return FLUE_ENOMEM;
    }
    for (sweep->count = 0; err == FLUE_OK && sweep->count < count; sweep->count++) {
        err = point_make(sweep, axes, sweep->count, &sweep->points[sweep->count], message, room);
    }
    return err == FLUE_OK ? check_different(sweep, message, room) : err;
}

void sweep_point_words(const struct sweep *sweep, const struct sweep_point *point, char *out, size_t room)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < params_count(); i++) {
        const struct param_info *param = params_at(i);
        char mine[FLUE_TEXT_MAX], base[FLUE_TEXT_MAX];
        params_format(param, &point->scenario, mine, sizeof mine);
        params_format(param, &sweep->base.scenario, base, sizeof base);
        if (strcmp(mine, base) != 0 || param == sweep->pair_on) {
            int wrote = snprintf(out + at, room - at, "%s%s=%s", at > 0 ? " " : "", param->name, mine);
            if (wrote < 0 || (size_t)wrote >= room - at) {
                return;
            }
            at += (size_t)wrote;
        }
    }
}

static double mean_wall(struct store *store, const struct sweep *sweep)
{
    sqlite3_stmt *s = NULL;
    double sum = 0;
    uint64_t count = 0;

    if (sqlite3_prepare_v2(store_database(store),
                           "SELECT sum(wall_s), count(*) FROM run JOIN config USING(config_id) "
                           "WHERE config_hash = ? AND status = 'done'",
                           -1, &s, NULL) != SQLITE_OK) {
        return 0;
    }
    for (size_t i = 0; i < sweep->count; i++) {
        sqlite3_bind_text(s, 1, sweep->points[i].hash, -1, SQLITE_STATIC);
        if (sqlite3_step(s) == SQLITE_ROW) {
            sum += sqlite3_column_double(s, 0);
            count += (uint64_t)sqlite3_column_int64(s, 1);
        }
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return count > 0 ? sum / (double)count : 0;
}

flue_err sweep_plan(const struct sweep *sweep, struct store *store, struct sweep_plan *out)
{
    *out = (struct sweep_plan){.total = sweep->repeat * sweep->count};
    out->missing = malloc((size_t)(out->total > 0 ? out->total : 1) * sizeof *out->missing);
    if (out->missing == NULL) {
        return FLUE_ENOMEM;
    }
    for (uint64_t run = 0; run < out->total; run++) {
        const struct sweep_point *point = &sweep->points[run % sweep->count];
        if (store != NULL &&
            store_has(store, point->hash, sweep->base.scenario.seed, run / sweep->count + 1, FLUE_MODEL_EPOCH)) {
            out->done++;
        } else {
            out->missing[out->missing_count++] = run;
        }
    }
    out->mean_wall_s = store != NULL && out->done > 0 ? mean_wall(store, sweep) : 0;
    return FLUE_OK;
}

void sweep_plan_free(struct sweep_plan *plan)
{
    free(plan->missing);
    *plan = (struct sweep_plan){.missing = NULL};
}
