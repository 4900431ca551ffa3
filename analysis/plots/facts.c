/* SPDX-License-Identifier: GPL-2.0-only */
/* The caption, the tics and the panels of a figure, from the tables of chosen.sql. */
#include "plots/facts.h"

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

#define CAPTION_COLUMNS   184
#define CAPTION_LINES     8
#define CAPTION_LINES_MAX 16
#define LABEL_PX          52

void facts_put_string(FILE *out, const char *text)
{
    fputc('\'', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            fputc('\'', out);
        }
        fputc((unsigned char)*c < 0x20 ? ' ' : *c, out);
    }
    fputc('\'', out);
}

flue_err facts_say(struct store *store, char *message, size_t room)
{
    snprintf(message, room, "%s: %s", store_path(store), sqlite3_errmsg(store_database(store)));
    return FLUE_EIO;
}

char *facts_text(struct store *store, const char *sql)
{
    sqlite3_stmt *s = NULL;
    char *text = NULL;

    if (sqlite3_prepare_v2(store_database(store), sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
        sqlite3_column_type(s, 0) != SQLITE_NULL) {
        text = sqlite3_mprintf("%s", (const char *)sqlite3_column_text(s, 0));
    }
    sqlite3_finalize(s);
    return text;
}

flue_err facts_refuse(struct store *store, char *text, flue_err err, char *message, size_t room)
{
    snprintf(message, room, "%s: %s", store_path(store), text);
    sqlite3_free(text);
    return err;
}

flue_err facts_check(struct store *store, char *message, size_t room)
{
    char *text = facts_text(store, "SELECT count(*) FROM chosen");

    if (text == NULL) {
        return facts_say(store, message, room);
    }
    if (strcmp(text, "0") == 0) {
        sqlite3_free(text);
        snprintf(message, room, "%s: has no finished rpc runs to draw; run a sweep, or change --where",
                 store_path(store));
        return FLUE_ENOENT;
    }
    sqlite3_free(text);
    /* Parameters of the measurement may differ along the sizes; inside one point nothing may. */
    text =
        facts_text(store, "SELECT name || ' has ' || count(DISTINCT txt) || ' values (' || group_concat(DISTINCT txt) "
                          "|| '); choose one: --where ' || name || '=' || min(txt) "
                          "FROM config_param JOIN chosen USING(config_id) WHERE name NOT IN "
                          "('io_size', 'load', 'offload', 'requests', 'warmup', 'limit') "
                          "GROUP BY name HAVING count(DISTINCT txt) > 1 ORDER BY name LIMIT 1");
    if (text == NULL) {
        text =
            facts_text(store, "SELECT name || ' differs between runs of one point; choose one: --where ' || name || '='"
                              " || min(txt) FROM config_param JOIN chosen USING(config_id) "
                              "WHERE name IN ('requests', 'warmup', 'limit') GROUP BY name, load_no, arm_no, io_size "
                              "HAVING count(DISTINCT txt) > 1 LIMIT 1");
    }
    if (text == NULL) {
        text =
            facts_text(store, "SELECT 'has ' || count(DISTINCT load_no) || ' loads, a figure shows at most 6; choose "
                              "some: --where load=' || min(load_txt) FROM chosen HAVING count(DISTINCT load_no) > 6");
    }
    if (text != NULL) {
        return facts_refuse(store, text, FLUE_EINVAL, message, room);
    }
    return FLUE_OK;
}

static void size_label(int64_t bytes, char *out, size_t room)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(out, room, "%.4g %s", value, units[unit]);
}

/* Tics at the sizes that were run; as many of them have a label as fit. */
static flue_err write_tics(struct store *store, int panel_px, FILE *out, char *message, size_t room)
{
    sqlite3_stmt *s = NULL;
    double first = 0, last = 0;
    int count, step, at = 0;
    char *text = facts_text(store, "SELECT count(DISTINCT io_size) FROM chosen");

    count = text != NULL ? atoi(text) : 0;
    sqlite3_free(text);
    if (sqlite3_prepare_v2(store_database(store), "SELECT DISTINCT io_size FROM chosen ORDER BY 1", -1, &s, NULL) !=
        SQLITE_OK) {
        return facts_say(store, message, room);
    }
    step = (count * LABEL_PX + panel_px - 1) / panel_px;
    fprintf(out, "set xtics nomirror (");
    while (sqlite3_step(s) == SQLITE_ROW) {
        char label[32] = "";
        double x = log2((double)sqlite3_column_int64(s, 0));
        if (at % step == 0) {
            size_label(sqlite3_column_int64(s, 0), label, sizeof label);
        }
        fprintf(out, "%s'%s' %.6f", at > 0 ? ", " : "", label, x);
        first = at == 0 ? x : first;
        last = x;
        at++;
    }
    sqlite3_finalize(s);
    fprintf(out, ")\nx_lo = %.6f\nx_hi = %.6f\n", first - 0.5, last + 0.5);
    return FLUE_OK;
}

flue_err facts_put_array(struct store *store, const char *name, const char *count, char *sql, FILE *out, char *message,
                         size_t room)
{
    sqlite3_stmt *s = NULL;
    int entries = 0;
    int rc = sql != NULL ? sqlite3_prepare_v2(store_database(store), sql, -1, &s, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    if (rc != SQLITE_OK) {
        return facts_say(store, message, room);
    }
    fprintf(out, "array %s[%s] = [", name, count);
    while (sqlite3_step(s) == SQLITE_ROW) {
        fputs(entries++ > 0 ? ", " : "", out);
        facts_put_string(out, (const char *)sqlite3_column_text(s, sqlite3_column_count(s) - 1));
    }
    sqlite3_finalize(s);
    fputs("]\n", out);
    return FLUE_OK;
}

/* array NAME = the loads, each made by `column`. */
static flue_err write_loads(struct store *store, const char *name, const char *column, const char *count, FILE *out,
                            char *message, size_t room)
{
    return facts_put_array(store, name, count,
                           sqlite3_mprintf("SELECT DISTINCT load_no, %s FROM chosen ORDER BY 1", column), out, message,
                           room);
}

/* The first sentences: what was simulated, how often. */
static const char caption_sql[] =
    "WITH p(name, txt) AS (SELECT name, max(txt) FROM config_param JOIN chosen USING(config_id) GROUP BY name),"
    " seeds AS (SELECT min(n) AS least, max(n) AS most FROM (SELECT count(r.run_id) AS n FROM chosen "
    "  LEFT JOIN chosen_run r USING(config_id) GROUP BY config_id)),"
    /* The price of a hand-over counts for the requests of one connection, so they are told also where they differ. */
    " req AS (SELECT num, min(io_size) AS least, max(io_size) AS most, count(*) OVER () AS kinds "
    "  FROM config_param JOIN chosen USING(config_id) WHERE name = 'requests' GROUP BY num),"
    " placed AS (SELECT *, lead(least) OVER w AS after, row_number() OVER w AS place FROM req "
    "  WINDOW w AS (ORDER BY least, most)),"
    " asked(words) AS (SELECT CASE WHEN sum(after IS NOT NULL AND after <= most) > 0 "
    "  THEN printf('%,d to %,d requests per run', min(num), max(num)) "
    "  ELSE group_concat(words, ', ') END FROM (SELECT *, printf('%,d', num) || "
    "   CASE place WHEN 1 THEN ' requests per run' ELSE '' END || "
    "   CASE WHEN kinds = 1 THEN '' WHEN after IS NULL THEN ' above' ELSE ' up to ' || "
    "    (SELECT replace(replace(io_txt, 'KiB', ' KiB'), 'MiB', ' MiB') FROM chosen WHERE io_size = most LIMIT 1) END "
    "   AS words FROM placed ORDER BY place)) "
    "SELECT 'Link ' || (SELECT txt FROM p WHERE name = 'link_rate') || ', round trip ' || "
    " (SELECT printf('%g', 2 * num / 1e6) FROM config_param JOIN chosen USING(config_id) WHERE name = 'delay' LIMIT 1) "
    " || ' µs without queueing and serialisation, MTU ' || (SELECT txt FROM p WHERE name = 'mtu') || ' bytes; load '"
    " || (SELECT group_concat(load_txt, ' and ') FROM (SELECT DISTINCT load_no, load_txt FROM chosen ORDER BY 1)) || "
    " ' of what the slower of wire and host carries in the host arm; ' || "
    " (SELECT txt FROM p WHERE name = 'connections') || ' connections, ' || (SELECT words FROM asked) || ', warm-up ' "
    "|| "
    " (SELECT txt FROM p WHERE name = 'warmup') || '; server costs: profile ' || "
    " (SELECT txt FROM p WHERE name = 'profile') || ', client: ' || (SELECT txt FROM p WHERE name = 'peer_profile') || "
    " '. ' || (SELECT count(*) FROM chosen_run) || ' runs, ' || "
    " (SELECT CASE WHEN least = most THEN most ELSE least || ' to ' || most END || "
    "  CASE most WHEN 1 THEN ' seed' ELSE ' seeds' END FROM seeds) || ' per point.'";

void facts_put_captions(const char *text, int lines, FILE *out)
{
    size_t length = strlen(text), starts[CAPTION_LINES_MAX + 1], ends[CAPTION_LINES_MAX + 1], count = 0;
    size_t most = lines < CAPTION_LINES_MAX ? (size_t)lines : CAPTION_LINES_MAX;

    for (size_t at = 0; at < length && count < most; count++) {
        size_t end = at + CAPTION_COLUMNS < length ? at + CAPTION_COLUMNS : length;
        const char *newline = memchr(text + at, '\n', end - at);
        if (newline != NULL) {
            end = (size_t)(newline - text);
        }
        while (newline == NULL && end < length && end > at && text[end] != ' ') {
            end--;
        }
        end = end == at && newline == NULL ? at + CAPTION_COLUMNS : end;
        starts[count] = at;
        ends[count] = end;
        at = end + (end < length ? 1 : 0);
        if (at < length && count + 1 == most) {
            ends[count] = end - 4;
        }
    }
    fprintf(out, "array captions[%zu] = [", count > 0 ? count : 1);
    for (size_t i = 0; i < count; i++) {
        bool cut = i + 1 == most && ends[i] + 4 < length;
        char *line = sqlite3_mprintf("%.*s%s", (int)(ends[i] - starts[i]), text + starts[i], cut ? " ..." : "");
        fputs(i > 0 ? ", " : "", out);
        facts_put_string(out, line != NULL ? line : "");
        sqlite3_free(line);
    }
    fprintf(out, "%s]\n", count > 0 ? "" : "''");
}

/* A query with the name of a table in its one %s. */
static char *text_of(struct store *store, const char *format, const char *table)
{
    char *sql = sqlite3_mprintf(format, table);
    char *text = sql != NULL ? facts_text(store, sql) : NULL;

    sqlite3_free(sql);
    return text;
}

char *facts_evidence(struct store *store, const char *runs)
{
    return text_of(store,
                   "SELECT group_concat(evidence, ' ') FROM (SELECT DISTINCT evidence FROM run JOIN %s USING(run_id) "
                   "WHERE evidence <> '' LIMIT 3)",
                   runs);
}

char *facts_made(struct store *store, const char *runs)
{
    return text_of(store,
                   "SELECT group_concat(words, ', ') FROM (SELECT DISTINCT 'flue ' || flue_version || "
                   "CASE WHEN git_rev <> '' THEN ' (' || git_rev || ')' ELSE '' END || ', model epoch ' "
                   "|| b.model_epoch AS words FROM run JOIN %s USING(run_id) JOIN build b USING(build_id) LIMIT 3)",
                   runs);
}

char *facts_caption(struct store *store, const char *runs, const char *facts, const char *about, const char *more)
{
    char *evidence = facts_evidence(store, runs);
    char *made = facts_made(store, runs);
    char *caption = sqlite3_mprintf("%s %s%s\n%s%s%s.", facts, about, more, evidence != NULL ? evidence : "",
                                    evidence != NULL ? "\n" : "", made != NULL ? made : "");

    sqlite3_free(evidence);
    sqlite3_free(made);
    return caption;
}

flue_err facts_write(struct store *store, const char *about, int graph_px, int panels_across, FILE *out, char *message,
                     size_t room)
{
    flue_err err;
    char *panels = facts_text(store, "SELECT count(DISTINCT load_no) FROM chosen");
    char *facts = facts_text(store, caption_sql);
    char *mixed = facts_text(store, "SELECT ' * not the same in every run.' FROM strip WHERE mixed LIMIT 1");
    char *caption = facts_caption(store, "chosen_run", facts != NULL ? facts : "", about, mixed != NULL ? mixed : "");

    if (panels == NULL) {
        err = facts_say(store, message, room);
    } else {
        fprintf(out, "panels = %s\n", panels);
        err = write_loads(store, "loads", "load_txt", panels, out, message, room);
        /* gnuplot takes the labels of tics as formats. */
        err = err == FLUE_OK
                  ? write_loads(store, "tic_loads", "replace(load_txt, '%', '%%')", panels, out, message, room)
                  : err;
    }
    if (err == FLUE_OK) {
        int across = panels_across == 0 ? atoi(panels) : panels_across;
        err = write_tics(store, graph_px / across, out, message, room);
    }
    if (err == FLUE_OK) {
        facts_put_captions(caption != NULL ? caption : "", CAPTION_LINES, out);
    }
    sqlite3_free(panels);
    sqlite3_free(facts);
    sqlite3_free(mixed);
    sqlite3_free(caption);
    return err;
}
