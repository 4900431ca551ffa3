/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of the main job: what its figures draw, as numbers, from the same queries. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "plots/query.h"
#include "run/text.h"
#include "store/store.h"

enum { LOADS = 6, SIZES = 32, ARMS = 2, HOST = 0, CHIMNEY = 1 };

/* A value that is not there is NAN. */
struct point {
    int64_t io_size;
    double p50_us[ARMS], p99_us[ARMS], per_byte[ARMS];
    double saving_pct, low_pct, high_pct, with_handover_pct;
    char binding[ARMS][24];
};

struct table {
    char load[LOADS][32];
    struct point points[LOADS][SIZES];
    size_t counts[LOADS];
};

static flue_err say(struct store *store, char *message, size_t room)
{
    (void)snprintf(message, room, "%s: %s", store_path(store), sqlite3_errmsg(store_database(store)));
    return FLUE_EIO;
}

/* A column of the row by its name; -1: none. */
static int column(sqlite3_stmt *s, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        if (strcmp(sqlite3_column_name(s, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

static double number(sqlite3_stmt *s, const char *name)
{
    const int at = column(s, name);

    return at < 0 || sqlite3_column_type(s, at) == SQLITE_NULL ? NAN : sqlite3_column_double(s, at);
}

static const char *word(sqlite3_stmt *s, const char *name)
{
    const int at = column(s, name);
    const unsigned char *text = at < 0 ? NULL : sqlite3_column_text(s, at);

    return text == NULL ? "" : (const char *)text;
}

/* The point that the row is about; NULL if the table has no room for it. */
static struct point *point_of(struct table *table, sqlite3_stmt *s)
{
    const double load_no = number(s, "load_no"), io_size = number(s, "io_size");
    size_t load, i;

    if (!(load_no >= 0 && load_no < LOADS && io_size > 0)) {
        return NULL;
    }
    load = (size_t)load_no;
    if (word(s, "load_txt")[0] != '\0') {
        (void)snprintf(table->load[load], sizeof table->load[load], "%s", word(s, "load_txt"));
    }
    for (i = 0; i < table->counts[load] && table->points[load][i].io_size != (int64_t)io_size; i++) {
    }
    if (i == SIZES) {
        return NULL;
    }
    if (i == table->counts[load]) {
        table->counts[load]++;
        table->points[load][i] = (struct point){.io_size = (int64_t)io_size,
                                                .p50_us = {NAN, NAN},
                                                .p99_us = {NAN, NAN},
                                                .per_byte = {NAN, NAN},
                                                .saving_pct = NAN,
                                                .low_pct = NAN,
                                                .high_pct = NAN,
                                                .with_handover_pct = NAN};
    }
    return &table->points[load][i];
}

static int arm_of(sqlite3_stmt *s)
{
    return number(s, "arm_no") > 0 ? CHIMNEY : HOST;
}

static void take_latency(struct point *point, sqlite3_stmt *s)
{
    point->p50_us[arm_of(s)] = number(s, "p50_us");
    point->p99_us[arm_of(s)] = number(s, "p99_us");
}

static void take_saving(struct point *point, sqlite3_stmt *s)
{
    point->saving_pct = number(s, "saving_pct");
    point->low_pct = number(s, "saving_lo_pct");
    point->high_pct = number(s, "saving_hi_pct");
    point->with_handover_pct = number(s, "with_handover_pct");
}

static void take_cost(struct point *point, sqlite3_stmt *s)
{
    point->per_byte[arm_of(s)] = number(s, "per_byte");
    (void)snprintf(point->binding[arm_of(s)], sizeof point->binding[0], "%s", word(s, "binding"));
}

/* Runs the first statement of a query and gives its rows to take. */
static flue_err read_rows(struct store *store, const char *sql, struct table *table,
                          void (*take)(struct point *point, sqlite3_stmt *s), char *message, size_t room)
{
    sqlite3_stmt *s = NULL;
    int rc = sql == NULL ? SQLITE_ERROR : sqlite3_prepare_v2(store_database(store), sql, -1, &s, NULL);

    if (rc != SQLITE_OK) {
        return say(store, message, room);
    }
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct point *point = point_of(table, s);

        if (point != NULL) {
            take(point, s);
        }
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? FLUE_OK : say(store, message, room);
}

/* Mean over the seeds, and the resource that bound most runs. */
static const char cost_sql[] =
    "SELECT load_no, arm_no, io_size, avg(CASE WHEN m.name = 'cpu.cycles_per_byte' THEN x.value END) AS per_byte, "
    "(SELECT r.name FROM chosen_run c2 JOIN scalar y USING(run_id) JOIN metric n USING(metric_id) "
    " JOIN resource r ON r.code = y.num WHERE n.name = 'binding' AND c2.config_id = c.config_id "
    " GROUP BY r.code ORDER BY count(*) DESC, r.code LIMIT 1) AS binding "
    "FROM chosen_run c JOIN scalar x USING(run_id) JOIN metric m USING(metric_id) "
    "WHERE x.entity = '' GROUP BY load_no, arm_no, io_size";

static void add_size(struct text *out, int64_t bytes)
{
    char size[32];

    if (bytes >= INT64_C(1) << 20) {
        (void)snprintf(size, sizeof size, "%.4g MiB", (double)bytes / 1048576);
    } else {
        (void)snprintf(size, sizeof size, "%.4g KiB", (double)bytes / 1024);
    }
    text_add(out, " %8s", size);
}

static void add_number(struct text *out, int width, double value)
{
    if (isnan(value)) {
        text_add(out, " %*s", width, "-");
    } else {
        text_add(out, " %*.*f", width, fabs(value) >= 999.5 ? 0 : fabs(value) >= 9.95 ? 1 : 2, value);
    }
}

static void add_point(struct text *out, const char *load, const struct point *point)
{
    char saving[48] = "-", binding[64];

    text_add(out, "  %4s", load);
    add_size(out, point->io_size);
    add_number(out, 8, point->p50_us[HOST]);
    add_number(out, 8, point->p50_us[CHIMNEY]);
    add_number(out, 9, point->p99_us[HOST]);
    add_number(out, 8, point->p99_us[CHIMNEY]);
    add_number(out, 8, point->per_byte[HOST]);
    add_number(out, 8, point->per_byte[CHIMNEY]);
    if (!isnan(point->saving_pct) && !isnan(point->high_pct)) {
        (void)snprintf(saving, sizeof saving, "%.1f +-%.2f", point->saving_pct, (point->high_pct - point->low_pct) / 2);
    } else if (!isnan(point->saving_pct)) {
        (void)snprintf(saving, sizeof saving, "%.1f", point->saving_pct);
    }
    if (strcmp(point->binding[HOST], point->binding[CHIMNEY]) == 0) {
        (void)snprintf(binding, sizeof binding, "%s", point->binding[HOST]);
    } else {
        (void)snprintf(binding, sizeof binding, "%s / %s", point->binding[HOST], point->binding[CHIMNEY]);
    }
    text_add(out, "  %12s", saving);
    add_number(out, 9, point->with_handover_pct);
    text_add(out, "  %s\n", binding);
}

flue_err demo_table(struct store *store, struct text *out, char *message, size_t room)
{
    struct table *table = calloc(1, sizeof *table);
    flue_err err = table == NULL ? FLUE_ENOMEM : query_choose(store, NULL, 0, message, room);

    if (err == FLUE_OK) {
        err = read_rows(store, query_text("latency"), table, take_latency, message, room);
    }
    if (err == FLUE_OK) {
        err = read_rows(store, query_text("cpu-saving"), table, take_saving, message, room);
    }
    if (err == FLUE_OK) {
        err = read_rows(store, cost_sql, table, take_cost, message, room);
    }
    if (err == FLUE_OK) {
        text_add(out, "  %4s %8s %17s %18s %17s  %12s %9s\n", "", "", "latency p50, us", "latency p99, us",
                 "host cycles/byte", "saving, %", "with");
        text_add(out, "  %4s %8s %8s %8s %9s %8s %8s %8s  %12s %9s  %s\n", "load", "response", "host", "chimney",
                 "host", "chimney", "host", "chimney", "and its 95 %", "hand-over", "binding resource");
        for (size_t load = 0; load < LOADS; load++) {
            for (size_t i = 0; i < table->counts[load]; i++) {
                add_point(out, table->load[load], &table->points[load][i]);
            }
        }
        text_add(
            out,
            "  p99: only where at least 10 samples lie above it.  Saving: 100 (host - chimney) / host, in pairs of "
            "equal seeds;\n  with the cost of all hand-overs put on the bytes of the measured window, in the "
            "last column.\n");
    }
    free(table);
    return err;
}

flue_err demo_peak(struct store *store, struct text *out, char *message, size_t room)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(
        store_database(store),
        "WITH closed AS (SELECT r.run_id, r.config_id, o.txt AS arm FROM run r "
        "  JOIN config_param l ON l.config_id = r.config_id AND l.name = 'load' AND l.num = 0 "
        "  JOIN config_param o ON o.config_id = r.config_id AND o.name = 'offload' "
        "  WHERE r.status = 'done' AND r.model_epoch = (SELECT max(model_epoch) FROM run WHERE status = 'done')) "
        "SELECT c.arm, avg(x.value) / 1e9 AS gbps, count(*) AS runs, "
        "(SELECT r.name FROM closed c2 JOIN scalar y USING(run_id) JOIN metric n USING(metric_id) "
        " JOIN resource r ON r.code = y.num WHERE n.name = 'binding' AND c2.config_id = c.config_id "
        " GROUP BY r.code ORDER BY count(*) DESC, r.code LIMIT 1) AS binding "
        "FROM closed c JOIN scalar x USING(run_id) "
        "JOIN metric m USING(metric_id) WHERE m.name = 'goodput' AND x.entity = '' "
        "GROUP BY c.config_id ORDER BY c.arm DESC",
        -1, &s, NULL);

    if (rc != SQLITE_OK) {
        return say(store, message, room);
    }
    text_add(out, "\n  Peak throughput (closed loop, responses of 64 KiB):");
    for (const char *comma = ""; (rc = sqlite3_step(s)) == SQLITE_ROW; comma = ";") {
        text_add(out, "%s %s %.2f Gb/s, bound by the %s", comma, word(s, "arm"), number(s, "gbps"), word(s, "binding"));
    }
    text_add(out, "\n");
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? FLUE_OK : say(store, message, room);
}
