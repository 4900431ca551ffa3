/* SPDX-License-Identifier: GPL-2.0-only */
/* One run over time: which run, the time axis, and where the names of scheduled events find room. */
#include "plots/storm.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plots/facts.h"
#include "store/store.h"

#define GRAPH_PX       637 /* width of the graphs, as storm.gp has it */
#define BAND_PX        790 /* from their left edge to that of the picture: labels may stand over the keys */
#define CHAR_PX        5.6 /* of a label */
#define LINES_APART_PX 3
#define ROWS_MAX       5
#define CAPTION_LINES  12
#define EVENTS_MAX     128
#define STEPS_MAX      320
#define TEXT_MAX       96

struct mark {
    double x_px;
    char text[TEXT_MAX]; /* "" for one that is told by the mark before it */
    char what[TEXT_MAX]; /* without its time */
    double at_s;
    bool effect;
    int row;     /* from 0, the lowest; -1: its line ends at the graph */
    bool hidden; /* by a line that is hardly beside it */
};

/* A shell's word for --where. */
#define QUOTED(name, txt)                                                                                              \
    "'--where ' || CASE WHEN " txt " GLOB '*[^a-zA-Z0-9._%%/-]*' OR " txt " = '' THEN '\"' || " name " || '=' || " txt \
    " || '\"' ELSE " name " || '=' || " txt " END"

flue_err storm_check(struct store *store, char *message, size_t room)
{
    char *text = facts_text(store, "SELECT run_id FROM chosen_storm");

    if (text == NULL) {
        snprintf(message, room,
                 "%s: has no finished run with a timeline to draw; add one: -s sample=100us, or change --where",
                 store_path(store));
        return FLUE_ENOENT;
    }
    sqlite3_free(text);
    text = facts_text(store,
                      "SELECT 'has timelines of ' || count(DISTINCT scenario) || ' scenarios; choose one: ' || " QUOTED(
                          "'scenario'", "min(scenario)") " FROM sampled HAVING count(DISTINCT scenario) > 1");
    if (text == NULL) {
        text = facts_text(
            store,
            "SELECT name || ' has ' || n || ' values; choose one: ' || " QUOTED(
                "name",
                "least") " FROM (SELECT name, count(DISTINCT txt) AS n, min(txt) AS least FROM config_param "
                         "  WHERE config_id IN (SELECT config_id FROM sampled) AND name NOT IN ('sample', "
                         "'sample_from') "
                         "  GROUP BY name HAVING n > 1) "
                         "ORDER BY name LIKE '%profile_sha256', name <> 'workload', name <> 'offload', name LIMIT 1");
    }
    if (text != NULL) {
        return facts_refuse(store, text, FLUE_EINVAL, message, room);
    }
    text = facts_text(store, "SELECT 1 FROM sqlite_master WHERE name = 'event'");
    if (text == NULL) {
        snprintf(message, room, "%s: was last written by an older flue; store one more run in it", store_path(store));
        return FLUE_EINVAL;
    }
    sqlite3_free(text);
    text =
        facts_text(store, "SELECT count(*) FROM chosen_storm JOIN series USING(run_id) JOIN metric m USING(metric_id), "
                          "storm_window WHERE m.name = 'series.holders' AND entity = 'host' "
                          "AND t_ps BETWEEN from_ps AND to_ps HAVING count(*) > 1");
    if (text == NULL) {
        snprintf(message, room,
                 "%s: less than two samples lie in that time; show more of it, or run with a shorter sample=TIME",
                 store_path(store));
        return FLUE_EINVAL;
    }
    sqlite3_free(text);
    return FLUE_OK;
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* The scheduled events within [from_s, to_s] in the order of time, and how many; *outside: how many are not. */
static int read_marks(struct store *store, double from_s, double to_s, struct mark *marks, int *outside)
{
    sqlite3_stmt *s = NULL;
    int count = 0;

    *outside = 0;
    if (sqlite3_prepare_v2(store_database(store),
                           "SELECT at_ps / 1e12, effect, substr(what, instr(what, ' ') + 1) FROM chosen_storm "
                           "JOIN event USING(run_id) ORDER BY at_ps, ord",
                           -1, &s, NULL) != SQLITE_OK) {
        return 0;
    }
    while (sqlite3_step(s) == SQLITE_ROW) {
        double at_s = sqlite3_column_double(s, 0);
        if (at_s < from_s || at_s > to_s || count == EVENTS_MAX) {
            ++*outside;
            continue;
        }
        marks[count] = (struct mark){.at_s = at_s,
                                     .effect = sqlite3_column_int(s, 1) != 0,
                                     .x_px = (at_s - from_s) / (to_s - from_s) * GRAPH_PX};
        snprintf(marks[count].what, TEXT_MAX, "%.60s", (const char *)sqlite3_column_text(s, 2));
        snprintf(marks[count].text, TEXT_MAX, "%.60s%s", marks[count].what, marks[count].effect ? "" : " (no effect)");
        count++;
    }
    sqlite3_finalize(s);
    return count;
}

/* A label stands to the right of its line's upper end.  The lines of the events over which it reaches end below it, so
 * rows descend from left to right.  False: there is no room for them all. */
static bool place_names(struct mark *marks, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        double end_px = marks[i].x_px + 6 + CHAR_PX * (double)strlen(marks[i].text);

        marks[i].row = 0;
        for (int j = i + 1; j < count && marks[j].x_px < end_px + 4; j++) {
            marks[i].row = marks[j].row >= marks[i].row ? marks[j].row + 1 : marks[i].row;
        }
        if (end_px > BAND_PX || marks[i].row >= ROWS_MAX) {
            return false;
        }
    }
    return true;
}

/* Numbers instead of names: neighbours that would touch share one, as "3-7".  Lines keep a distance, so that the curves
 * stay visible. */
static void place_numbers(struct mark *marks, int count)
{
    for (int first = 0, drawn = 0, i = 0; i < count; i++) {
        marks[i].row = -1;
        marks[i].hidden = i > 0 && marks[i].x_px - marks[drawn].x_px < LINES_APART_PX;
        drawn = marks[i].hidden ? drawn : i;
        marks[i].text[0] = '\0';
        if (i == 0 || marks[i].x_px - marks[first].x_px > 9 + CHAR_PX * (double)strlen(marks[first].text)) {
            first = i;
        }
        if (first == i) {
            marks[i].row = 0;
            marks[i].hidden = false;
            snprintf(marks[i].text, TEXT_MAX, "%d", i + 1);
        } else {
            snprintf(marks[first].text, TEXT_MAX, "%d-%d", first + 1, i + 1);
        }
    }
}

static void put_time(double at_s, char *out, size_t room)
{
    const char *unit = at_s < 1e-3 ? "µs" : at_s < 1 ? "ms" : "s";

    snprintf(out, room, "%.4g %s", at_s * (at_s < 1e-3 ? 1e6 : at_s < 1 ? 1e3 : 1), unit);
}

/* The list behind the numbers; equal neighbours are one entry. */
static char *list_of(const struct mark *marks, int count)
{
    char *list = sqlite3_mprintf("Events: ");

    for (int i = 0; list != NULL && i < count;) {
        char from[32], to[32], *more;
        int last = i;

        while (last + 1 < count && strcmp(marks[last + 1].what, marks[i].what) == 0 &&
               marks[last + 1].effect == marks[i].effect) {
            last++;
        }
        put_time(marks[i].at_s, from, sizeof from);
        put_time(marks[last].at_s, to, sizeof to);
        if (last == i) {
            more = sqlite3_mprintf("%s%s%d %s (%s%s)", list, i > 0 ? ", " : "", i + 1, marks[i].what, from,
                                   marks[i].effect ? "" : ", no effect");
        } else {
            more = sqlite3_mprintf("%s%s%d-%d %s (%s to %s%s)", list, i > 0 ? ", " : "", i + 1, last + 1, marks[i].what,
                                   from, to, marks[i].effect ? "" : ", no effect");
        }
        sqlite3_free(list);
        list = more;
        i = last + 1;
    }
    return list;
}

static void write_marks(const struct mark *marks, int count, FILE *out)
{
    int rows = 0;

    fprintf(out, "events = %d\n", count);
    if (count == 0) {
        fputs("array event_at[1]\narray event_row[1]\narray event_text[1]\narray event_dash[1]\narray event_line[1]\n",
              out);
    } else {
        fprintf(out,
                "array event_at[%d]\narray event_row[%d]\narray event_text[%d]\narray event_dash[%d]\narray "
                "event_line[%d]\n",
                count, count, count, count, count);
    }
    for (int i = 0; i < count; i++) {
        rows = marks[i].row + 1 > rows ? marks[i].row + 1 : rows;
        fprintf(
            out, "event_at[%d] = %.9g; event_row[%d] = %d; event_dash[%d] = %d; event_line[%d] = %d; event_text[%d] = ",
            i + 1, marks[i].at_s, i + 1, marks[i].row, i + 1, marks[i].effect ? 1 : 3, i + 1, !marks[i].hidden, i + 1);
        facts_put_string(out, marks[i].text);
        fputc('\n', out);
    }
    fprintf(out, "event_rows = %d\n", rows);
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

/* array NAME[] of 0 and 1: which entities of a series have something to show. */
static void write_shown(struct store *store, const char *name, const char *metric, const char *const *entities,
                        int count, FILE *out)
{
    fprintf(out, "array %s[%d] = [", name, count);
    for (int i = 0; i < count; i++) {
        char *sql =
            sqlite3_mprintf("SELECT 1 FROM chosen_storm JOIN series USING(run_id) JOIN metric m USING(metric_id) "
                            "WHERE m.name = %Q AND entity = %Q AND value > 0 LIMIT 1",
                            metric, entities[i]);
        char *found = sql != NULL ? facts_text(store, sql) : NULL;

        fprintf(out, "%s%d", i > 0 ? ", " : "", found != NULL);
        sqlite3_free(found);
        sqlite3_free(sql);
    }
    fputs("]\n", out);
}

/* The parameter `name` of the run. */
#define P(name) "(SELECT txt FROM p WHERE name = '" name "')"

static const char caption_sql
    [] = "WITH p(name, txt, num) AS (SELECT name, txt, num FROM config_param JOIN chosen_storm USING(config_id)) "
         "SELECT 'One run: scenario ' || c.scenario || ', seed ' || c.rng_seed || "
         " CASE WHEN c.rng_run > 1 THEN ', rng-run ' || c.rng_run ELSE '' END || "
         " (SELECT CASE WHEN count(*) > 1 THEN ' (the newest of ' || count(*) || ' that differ in the seed)' ELSE '' "
         "END "
         "  FROM sampled) || ', run ' || r.uid || '. ' || " P(
             "connections") " || ' connections' || "
                            " (SELECT CASE WHEN num > 1 THEN ' of ' || txt || ' clients' ELSE '' END FROM p WHERE name "
                            "= 'clients') || "
                            " ', offload=' || " P("offload") " || CASE " P(
                                "workload") " WHEN 'rpc' THEN ', responses of ' || " P("io_size") " || "
                                                                                                  "  CASE " P("load") " WHEN '0' THEN ' in a closed loop' ELSE ' at load ' || " P(
                                                                                                      "load") " END "
                                                                                                              "  ELSE "
                                                                                                              "', bulk "
                                                                                                              "' || " P("direction") " || ' of ' || " P("bytes") " || ' each' END || '; topology ' || " P("topology") " || ', ' || " P(
                                                                                                                  "link"
                                                                                                                  "_rat"
                                                                                                                  "e") " || ', round trip ' || (SELECT printf('%g', 2 * num / 1e6) FROM p WHERE name = "
                                                                                                                       " 'delay') || ' µs without queueing and serialisation, MTU ' || " P("mtu") " || ' bytes, loss ' || " P("loss") " || ', smallest retransmission timeout ' || " P(
                                                                                                                           "rto_min") " || '; server costs: profile ' || " P("profile") " || ', client: ' || " P("peer_profile") " || '.' "
                                                                                                                                                                                                                                 "FROM chosen_storm c JOIN run r USING(run_id)";

/* How it was sampled, and drawn. */
static const char sampling_sql[] =
    "WITH t AS (SELECT count(*) - 1 AS n, (max(t_ps) - min(t_ps)) / (count(*) - 1) AS every FROM chosen_storm "
    "  JOIN series USING(run_id) JOIN metric m USING(metric_id), storm_window "
    "  WHERE m.name = 'series.holders' AND entity = 'host' AND t_ps BETWEEN from_ps AND to_ps),"
    " shown AS (SELECT *, (n + 319) / 320 AS k FROM t) "
    "SELECT 'Sampled ' || printf('%,d', n) || ' times, every ' || CASE WHEN every < 1000000000 "
    " THEN printf('%.6g µs', every / 1e6) ELSE printf('%.6g ms', every / 1e9) END || "
    " ifnull((SELECT ' (sample=' || txt || ' would have made more than 10,000)' FROM config_param "
    "  JOIN chosen_storm USING(config_id) WHERE name = 'sample' AND num < every), '') || CASE WHEN k > 1 "
    " THEN '; a step of a curve is ' || k || ' samples: means of connections, goodput and CPU, sums of "
    "retransmissions' "
    " ELSE '' END || '. CPU: ' || CASE WHEN EXISTS (SELECT 1 FROM config_param JOIN chosen_storm USING(config_id) "
    "  WHERE name = 'events' AND txt LIKE '%to=node%') THEN 'of two servers with one core each, added' "
    " ELSE 'one core' END || '; work counts when the core does it.' FROM shown";

static flue_err time_axis(struct store *store, double *from_s, double *to_s, FILE *out, char *message, size_t room)
{
    sqlite3_stmt *s = NULL;
    double span_s;
    char step[32];
    int steps;
    int rc =
        sqlite3_prepare_v2(store_database(store),
                           "SELECT min(t_ps) / 1e12, max(t_ps) / 1e12, count(*) - 1 FROM chosen_storm JOIN series "
                           "USING(run_id) JOIN metric m USING(metric_id), storm_window "
                           "WHERE m.name = 'series.holders' AND entity = 'host' AND t_ps BETWEEN from_ps AND to_ps",
                           -1, &s, NULL);

    if (rc != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
        sqlite3_finalize(s);
        return facts_say(store, message, room);
    }
    *from_s = sqlite3_column_double(s, 0);
    *to_s = sqlite3_column_double(s, 1);
    steps = (sqlite3_column_int(s, 2) + STEPS_MAX - 1) / STEPS_MAX; /* as storm.sql has it */
    put_time((*to_s - *from_s) / sqlite3_column_int(s, 2) * steps, step, sizeof step);
    sqlite3_finalize(s);
    span_s = *to_s;
    fprintf(out, "t_from = %.9g\nt_to = %.9g\nt_unit = %s\nt_name = '%s'\nstep_name = '%s'\n", *from_s, *to_s,
            span_s < 2e-3 ? "1e6"
            : span_s < 2  ? "1e3"
                          : "1.0",
            span_s < 2e-3 ? "µs"
            : span_s < 2  ? "ms"
                          : "s",
            step);
    return FLUE_OK;
}

static const char *const holders[] = {"target", "offered", "giving back", "host", "lost", "closed"};
static const char *const categories[] = {"offload control", "application", "system call", "copy",       "checksum",
                                         "TCP/IP",          "driver",      "interrupt",   "scheduling", "other"};

static void write_caption(struct store *store, const struct mark *marks, int count, bool numbers, int outside,
                          FILE *out)
{
    char *facts = facts_text(store, caption_sql);
    char *sampling = facts_text(store, sampling_sql);
    char *evidence = facts_evidence(store, "chosen_storm");
    char *made = facts_made(store, "chosen_storm");
    char *list = numbers ? list_of(marks, count) : NULL;
    char *beyond = outside == 0 ? NULL
                                : sqlite3_mprintf(" %d scheduled event%s outside of the time that is shown.", outside,
                                                  outside == 1 ? " lies" : "s lie");
    char *all =
        sqlite3_mprintf("%s %s%s%s%s\n%s%s%s.", facts != NULL ? facts : "", sampling != NULL ? sampling : "",
                        beyond != NULL ? beyond : "", list != NULL ? "\n" : "", list != NULL ? list : "",
                        evidence != NULL ? evidence : "", evidence != NULL ? "\n" : "", made != NULL ? made : "");

    facts_put_captions(all != NULL ? all : "", CAPTION_LINES, out);
    sqlite3_free(facts);
    sqlite3_free(sampling);
    sqlite3_free(evidence);
    sqlite3_free(made);
    sqlite3_free(list);
    sqlite3_free(beyond);
    sqlite3_free(all);
}

flue_err storm_facts(struct store *store, FILE *out, char *message, size_t room)
{
    struct mark *marks = calloc(EVENTS_MAX, sizeof *marks);
    double from_s = 0, to_s = 0;
    int count, outside;
    bool numbers;
    flue_err err;

    if (marks == NULL) {
        snprintf(message, room, "%s: memory ran out", store_path(store));
        return FLUE_ENOMEM;
    }
    err = time_axis(store, &from_s, &to_s, out, message, room);
    if (err == FLUE_OK) {
        count = read_marks(store, from_s, to_s, marks, &outside);
        numbers = !place_names(marks, count);
        if (numbers) {
            place_numbers(marks, count);
        }
        write_marks(marks, count, out);
        write_shown(store, "holds", "series.holders", holders, (int)(sizeof holders / sizeof holders[0]), out);
        write_shown(store, "works", "series.cpu", categories, (int)(sizeof categories / sizeof categories[0]), out);
        write_caption(store, marks, count, numbers, outside, out);
    }
    free(marks);
    return err;
}
