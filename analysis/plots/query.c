/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading queries and their results as text. */
#include "plots/query.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "plot_queries.h"
#include "store/store.h"

const char *query_text(const char *name)
{
    for (const struct flue_embedded *file = plot_queries; file->name != NULL; file++) {
        if (strcmp(file->name, name) == 0) {
            return file->text;
        }
    }
    return NULL;
}

const char *query_name(size_t index)
{
    for (const struct flue_embedded *file = plot_queries; file->name != NULL; file++) {
        if (index-- == 0) {
            return file->name;
        }
    }
    return NULL;
}

static flue_err say(struct store *store, char *message, size_t room)
{
    sqlite3 *db = store_database(store);

    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        snprintf(message, room, "%s: %s", store_path(store), sqlite3_errmsg(db));
        return FLUE_EPARSE;
    default:
        snprintf(message, room, "%s: %s; look at it with \"flue db check\"", store_path(store), sqlite3_errmsg(db));
        return FLUE_EIO;
    }
}

flue_err query_choose(struct store *store, const char *const *where, size_t count, char *message, size_t room)
{
    sqlite3 *db = store_database(store);
    sqlite3_stmt *insert = NULL;
    int rc = sqlite3_exec(
        db,
        "DROP TABLE IF EXISTS temp.chosen_silence; DROP TABLE IF EXISTS temp.silent_differ;"
        "DROP TABLE IF EXISTS temp.silent; DROP TABLE IF EXISTS temp.storm_window; DROP TABLE IF EXISTS "
        "temp.chosen_storm; DROP TABLE IF EXISTS temp.sampled;"
        "DROP TABLE IF EXISTS temp.strip; DROP TABLE IF EXISTS temp.busiest; DROP TABLE IF EXISTS temp.chosen_run;"
        "DROP TABLE IF EXISTS temp.chosen; DROP TABLE IF EXISTS temp.fitting; DROP TABLE IF EXISTS temp.wanted;"
        "CREATE TEMP TABLE wanted(name TEXT NOT NULL, txt TEXT NOT NULL)",
        NULL, NULL, NULL);

    rc = rc == SQLITE_OK ? sqlite3_prepare_v2(db, "INSERT INTO wanted VALUES(?, ?)", -1, &insert, NULL) : rc;
    for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
        const char *equals = strchr(where[i], '=');
        if (equals == NULL) {
            sqlite3_finalize(insert);
            snprintf(message, room, "'%s' is no NAME=VALUE", where[i]);
            return FLUE_EPARSE;
        }
        sqlite3_bind_text(insert, 1, where[i], (int)(equals - where[i]), SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, equals + 1, -1, SQLITE_STATIC);
        rc = sqlite3_step(insert);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    rc = rc == SQLITE_OK ? sqlite3_exec(db, query_text("chosen"), NULL, NULL, NULL) : rc;
    return rc == SQLITE_OK ? FLUE_OK : say(store, message, room);
}

static void put_text(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\t' || *c == '\n' || *c == '\\') {
            fputc('\\', out);
            fputc(*c == '\t' ? 't' : *c == '\n' ? 'n' : '\\', out);
        } else {
            fputc(*c, out);
        }
    }
}

static void put_names(sqlite3_stmt *s, enum query_form form, size_t index, FILE *out)
{
    if (form == QUERY_DATA) {
        fprintf(out, "%s# index %zu:", index > 0 ? "\n\n" : "", index);
    } else if (index > 0) {
        fputc('\n', out);
    }
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        fputs(form == QUERY_DATA ? " " : i > 0 ? "\t" : "", out);
        fputs(sqlite3_column_name(s, i), out);
    }
    fputc('\n', out);
}

static void put_row(sqlite3_stmt *s, enum query_form form, FILE *out)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        const char *text = (const char *)sqlite3_column_text(s, i);
        fputs(i > 0 ? "\t" : "", out);
        if (text == NULL) {
            fputs(form == QUERY_DATA ? "NaN" : "", out);
        } else {
            put_text(out, text);
        }
    }
    fputc('\n', out);
}

/* One statement; *next is what follows it.  *answered counts the results so far. */
static int run_one(sqlite3 *db, const char *sql, const char **next, enum query_form form, FILE *out, size_t *answered,
                   size_t *rows)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, next);

    if (rc != SQLITE_OK || s == NULL) {
        return rc;
    }
    if (!sqlite3_stmt_readonly(s)) {
        sqlite3_finalize(s);
        return SQLITE_READONLY;
    }
    if (sqlite3_column_count(s) > 0) {
        put_names(s, form, *answered, out);
    }
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        put_row(s, form, out);
        if (rows != NULL && *answered == 0) {
            ++*rows;
        }
    }
    *answered += sqlite3_column_count(s) > 0 ? 1 : 0;
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

flue_err query_write(struct store *store, const char *sql, enum query_form form, FILE *out, size_t *rows, char *message,
                     size_t room)
{
    sqlite3 *db = store_database(store);
    size_t answered = 0;
    int rc = SQLITE_OK;
    bool chosen = strstr(sql, "chosen") != NULL || strstr(sql, "strip") != NULL;

    if (rows != NULL) {
        *rows = 0;
    }
    if (chosen &&
        sqlite3_table_column_metadata(db, "temp", "chosen", NULL, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK) {
        flue_err err = query_choose(store, NULL, 0, message, room);
        if (err != FLUE_OK) {
            return err;
        }
    }
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    for (const char *next = sql; rc == SQLITE_OK && *next != '\0';) {
        rc = run_one(db, next, &next, form, out, &answered, rows);
    }
    if (rc == SQLITE_READONLY) {
        snprintf(message, room, "%s: this statement would write; only reading queries are allowed", store_path(store));
        return FLUE_EPARSE;
    }
    if (rc != SQLITE_OK) {
        return say(store, message, room);
    }
    errno = 0;
    if (fflush(out) != 0 || ferror(out) != 0) {
        if (errno == 0) {
            /* An earlier write was refused; one more tells why. */
            clearerr(out);
            (void)fputc('\n', out);
            (void)fflush(out);
        }
        snprintf(message, room, "the result could not be written%s%s", errno != 0 ? ": " : "",
                 errno != 0 ? strerror(errno) : "");
        return FLUE_EIO;
    }
    return FLUE_OK;
}
