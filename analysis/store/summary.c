/* SPDX-License-Identifier: GPL-2.0-only */
/* The table summary: what the seeds of one configuration say together. */
#include "store/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Quantile 0.975 of Student's t; df > 0. */
static double t95(size_t df)
{
    static const double table[] = {
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120,  2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    };
    double d = (double)df;

    return df <= sizeof table / sizeof table[0] ? table[df - 1] : 1.959964 + 2.372 / d + 2.823 / (d * d);
}

struct store_summary store_summary_of(const double *sorted, size_t n)
{
    struct store_summary out = {.n = n, .mean = NAN, .sd = NAN, .ci95 = NAN, .median = NAN, .min = NAN, .max = NAN};
    double sum = 0, squares = 0;

    if (n == 0) {
        return out;
    }
    for (size_t i = 0; i < n; i++) {
        sum += sorted[i];
    }
    out.mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        squares += (sorted[i] - out.mean) * (sorted[i] - out.mean);
    }
    if (n >= 2) {
        out.sd = sqrt(squares / (double)(n - 1));
    }
    if (n >= 3) {
        out.ci95 = t95(n - 1) * out.sd / sqrt((double)n);
    }
    out.median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    out.min = sorted[0];
    out.max = sorted[n - 1];
    return out;
}

static void bind_real(sqlite3_stmt *statement, int at, double value)
{
    /* SQLite stores a NaN as NULL. */
    sqlite3_bind_double(statement, at, value);
}

struct group {
    sqlite3_int64 metric_id;
    char *entity; /* sqlite3_malloc */
    double *values;
    size_t count, room;
};

static int flush_group(sqlite3_stmt *insert, sqlite3_int64 config_id, sqlite3_int64 epoch, struct group *group)
{
    struct store_summary s = store_summary_of(group->values, group->count);
    int rc;

    if (group->count == 0) {
        return SQLITE_OK;
    }
    sqlite3_bind_int64(insert, 1, config_id);
    sqlite3_bind_int64(insert, 2, epoch);
    sqlite3_bind_int64(insert, 3, group->metric_id);
    sqlite3_bind_text(insert, 4, group->entity, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(insert, 5, (sqlite3_int64)s.n);
    bind_real(insert, 6, s.mean);
    bind_real(insert, 7, s.sd);
    bind_real(insert, 8, s.ci95);
    bind_real(insert, 9, s.median);
    bind_real(insert, 10, s.min);
    bind_real(insert, 11, s.max);
    rc = sqlite3_step(insert);
    sqlite3_reset(insert);
    group->count = 0;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool group_add(struct group *group, double value)
{
    if (group->count == group->room) {
        size_t room = group->room * 2 + 16;
        double *values = realloc(group->values, room * sizeof *values);
        if (values == NULL) {
            return false;
        }
        group->values = values;
        group->room = room;
    }
    group->values[group->count++] = value;
    return true;
}

/* Rows come sorted by metric, entity and value; each change of the first two closes a group. */
static int summarise_rows(sqlite3_stmt *rows, sqlite3_stmt *insert, sqlite3_int64 config_id, sqlite3_int64 epoch)
{
    struct group group = {.metric_id = -1, .entity = NULL};
    int rc, err = SQLITE_OK;

    while (err == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        sqlite3_int64 metric_id = sqlite3_column_int64(rows, 0);
        const char *entity = (const char *)sqlite3_column_text(rows, 1);
        if (metric_id != group.metric_id || group.entity == NULL || strcmp(entity, group.entity) != 0) {
            err = flush_group(insert, config_id, epoch, &group);
            sqlite3_free(group.entity);
            group.metric_id = metric_id;
            group.entity = sqlite3_mprintf("%s", entity);
        }
        if (err == SQLITE_OK && (group.entity == NULL || !group_add(&group, sqlite3_column_double(rows, 2)))) {
            err = SQLITE_NOMEM;
        }
    }
    if (err == SQLITE_OK) {
        err = rc == SQLITE_DONE ? flush_group(insert, config_id, epoch, &group) : rc;
    }
    sqlite3_free(group.entity);
    free(group.values);
    return err;
}

int store_summarise(struct store *store, sqlite3_int64 config_id, sqlite3_int64 epoch)
{
    sqlite3_stmt *rows = store_prepare(store, "SELECT metric_id, entity, value FROM run JOIN scalar USING(run_id) "
                                              "WHERE config_id = ? AND status = 'done' AND model_epoch = ? "
                                              "AND value IS NOT NULL ORDER BY 1, 2, 3");
    sqlite3_stmt *clear = store_prepare(store, "DELETE FROM summary WHERE config_id = ? AND model_epoch = ?");
    sqlite3_stmt *insert = store_prepare(store, "INSERT INTO summary VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    int rc = sqlite3_errcode(store->db);

    if (rows != NULL && clear != NULL && insert != NULL) {
        sqlite3_bind_int64(rows, 1, config_id);
        sqlite3_bind_int64(rows, 2, epoch);
        sqlite3_bind_int64(clear, 1, config_id);
        sqlite3_bind_int64(clear, 2, epoch);
        rc = sqlite3_step(clear);
        rc = rc == SQLITE_DONE ? summarise_rows(rows, insert, config_id, epoch) : rc;
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(clear);
    sqlite3_finalize(insert);
    return rc;
}
