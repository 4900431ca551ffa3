/* SPDX-License-Identifier: GPL-2.0-only */
/* Is the database what it says?  Everything that can be computed twice is. */
#include "store/private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct checker {
    struct store *store;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    int faults;
    bool broken; /* reading failed */
};

static void fault(struct checker *checker, const char *line)
{
    checker->faults++;
    checker->say(checker->ctx, line);
}

/* Each row of sql is a fault; its first column says what. */
static void rows_are_faults(struct checker *checker, const char *sql)
{
    sqlite3_stmt *s = store_prepare(checker->store, sql);
    int rc = SQLITE_ERROR;

    while (s != NULL && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        fault(checker, text != NULL ? text : "?");
    }
    if (rc != SQLITE_DONE) {
        char line[256];
        snprintf(line, sizeof line, "cannot be read: %s", sqlite3_errmsg(checker->store->db));
        fault(checker, line);
        checker->broken = true;
    }
    sqlite3_finalize(s);
}

static bool close_to(sqlite3_stmt *row, int column, double expected)
{
    double found;

    if (isnan(expected)) {
        return sqlite3_column_type(row, column) == SQLITE_NULL;
    }
    if (sqlite3_column_type(row, column) == SQLITE_NULL) {
        return false;
    }
    found = sqlite3_column_double(row, column);
    return fabs(found - expected) <= 1e-9 * (fabs(expected) + fabs(found)) + 1e-300;
}

static void compare_summary(struct checker *checker, sqlite3_stmt *row, const double *values, size_t count)
{
    struct store_summary s = store_summary_of(values, count);
    char line[256];

    if ((size_t)sqlite3_column_int64(row, 3) == s.n && close_to(row, 4, s.mean) && close_to(row, 5, s.sd) &&
        close_to(row, 6, s.ci95) && close_to(row, 7, s.median) && close_to(row, 8, s.min) && close_to(row, 9, s.max)) {
        return;
    }
    snprintf(line, sizeof line, "summary of config %lld, metric %lld, entity '%s' does not follow from its runs",
             (long long)sqlite3_column_int64(row, 0), (long long)sqlite3_column_int64(row, 1),
             (const char *)sqlite3_column_text(row, 2));
    fault(checker, line);
}

static void check_one_summary(struct checker *checker, sqlite3_stmt *row, sqlite3_stmt *scalars)
{
    double *values = NULL;
    size_t count = 0, room = 0;

    sqlite3_bind_int64(scalars, 1, sqlite3_column_int64(row, 0));
    sqlite3_bind_int64(scalars, 2, sqlite3_column_int64(row, 1));
    sqlite3_bind_value(scalars, 3, sqlite3_column_value(row, 2));
    sqlite3_bind_int64(scalars, 4, sqlite3_column_int64(row, 10));
    while (sqlite3_step(scalars) == SQLITE_ROW) {
        if (count == room) {
            double *more = realloc(values, (room * 2 + 16) * sizeof *more);
            if (more == NULL) {
                checker->broken = true;
                break;
            }
            values = more;
            room = room * 2 + 16;
        }
        values[count++] = sqlite3_column_double(scalars, 0);
    }
    sqlite3_reset(scalars);
    compare_summary(checker, row, values, count);
    free(values);
}

static void check_summaries(struct checker *checker)
{
    sqlite3_stmt *rows = store_prepare(checker->store, "SELECT config_id, metric_id, entity, n, mean, sd, ci95, median,"
                                                       " min, max, model_epoch FROM summary");
    sqlite3_stmt *scalars =
        store_prepare(checker->store, "SELECT value FROM run JOIN scalar USING(run_id) WHERE config_id = ? "
                                      "AND metric_id = ? AND entity = ? AND model_epoch = ? AND status = 'done' "
                                      "AND value IS NOT NULL ORDER BY 1");

    while (rows != NULL && scalars != NULL && sqlite3_step(rows) == SQLITE_ROW) {
        check_one_summary(checker, rows, scalars);
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(scalars);
    rows_are_faults(checker, "SELECT DISTINCT 'summary of config ' || config_id || ', metric ' || x.metric_id || "
                             "', entity ''' || x.entity || ''' is missing' FROM scalar x JOIN run r USING(run_id) "
                             "LEFT JOIN summary s USING(config_id, model_epoch, metric_id, entity) "
                             "WHERE r.status = 'done' AND x.value IS NOT NULL AND s.n IS NULL");
}

int store_check(struct store *store, void (*say)(void *ctx, const char *line), void *ctx)
{
    struct checker checker = {.store = store, .say = say, .ctx = ctx};

    rows_are_faults(&checker, "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
    if (checker.faults > 0) {
        return checker.faults;
    }
    rows_are_faults(&checker, "SELECT 'table ' || \"table\" || ', row ' || ifnull(rowid, '?') || ' points to a missing "
                              "row of ' || parent FROM pragma_foreign_key_check");
    rows_are_faults(&checker, "SELECT 'run ' || uid || ' is done, but has no results' FROM run WHERE status = 'done' "
                              "AND (ifnull(result_sha256, '') = '' OR run_id NOT IN (SELECT run_id FROM scalar))");
    rows_are_faults(&checker, "SELECT 'histogram of run ' || run_id || ', metric ' || metric_id || ' has n ' || h.n || "
                              "', its bins ' || ifnull(sum(b.n), 0) FROM hist h LEFT JOIN hist_bin b "
                              "USING(run_id, metric_id, entity) GROUP BY run_id, metric_id, entity "
                              "HAVING h.n IS NOT sum(b.n)");
    rows_are_faults(&checker, "SELECT 'value of run ' || run_id || ', metric ' || metric_id || ' is not num / den' "
                              "FROM scalar WHERE value IS NOT (CASE den WHEN 0 THEN NULL ELSE "
                              "CAST(num AS REAL) / CAST(den AS REAL) END)");
    rows_are_faults(&checker, "SELECT 'timeline of run ' || run_id || ' has series of ' || min(n) || ' and of ' || "
                              "max(n) || ' samples' FROM (SELECT run_id, count(*) AS n FROM series "
                              "GROUP BY run_id, metric_id, entity) GROUP BY run_id HAVING min(n) <> max(n)");
    rows_are_faults(&checker, "SELECT DISTINCT 'timeline of run ' || run_id || ' has samples of ' || m.name || "
                              "', which is no series' FROM series JOIN metric m USING(metric_id) "
                              "WHERE m.kind <> 'series'");
    check_summaries(&checker);
    return checker.broken ? -1 : checker.faults;
}
