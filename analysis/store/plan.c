/* SPDX-License-Identifier: GPL-2.0-only */
/* A sweep and its points. */
#include "store/private.h"

#include <string.h>

/* Points whose parameters differ only in pair_on get one number, the place of the first of them. */
static sqlite3_int64 pair_number(const struct store_point *points, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (points[i].pair_hash != NULL && strcmp(points[i].pair_hash, points[at].pair_hash) == 0) {
            return (sqlite3_int64)i + 1;
        }
    }
    return (sqlite3_int64)at + 1;
}

static int add_points(struct store *store, sqlite3_int64 sweep, const struct store_point *points, size_t count)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO sweep_point VALUES(?, ?, ?, ?, ?)");
    int rc = s != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
        sqlite3_int64 config;
        rc = store_config_id(store, &points[i].config, &config);
        if (rc != SQLITE_OK) {
            break;
        }
        sqlite3_bind_int64(s, 1, sweep);
        sqlite3_bind_int64(s, 2, (sqlite3_int64)i + 1);
        sqlite3_bind_int64(s, 3, config);
        if (points[i].pair_hash != NULL) {
            sqlite3_bind_int64(s, 4, pair_number(points, i));
        } else {
            sqlite3_bind_null(s, 4);
        }
        sqlite3_bind_text(s, 5, points[i].arm, -1, SQLITE_STATIC);
        rc = sqlite3_step(s);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return rc;
}

static int add_sweep(struct store *store, const char *name, const char *text, const struct store_point *points,
                     size_t count)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO sweep(name, sha256, text, created_utc) VALUES(?, ?, ?, "
                                           "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) ON CONFLICT DO NOTHING "
                                           "RETURNING sweep_id");
    sqlite3_int64 sweep = 0;
    char hash[STORE_HASH_MAX];
    int rc;

    if (s == NULL) {
        return sqlite3_errcode(store->db);
    }
    store_hash(text, strlen(text), hash);
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, hash, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, text, -1, SQLITE_STATIC);
    rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        sweep = sqlite3_column_int64(s, 0);
        rc = sqlite3_step(s);
    }
    sqlite3_finalize(s);
    if (rc != SQLITE_DONE) {
        return rc;
    }
    return sweep != 0 ? add_points(store, sweep, points, count) : SQLITE_OK;
}

flue_err store_plan(struct store *store, const char *name, const char *text, const struct store_point *points,
                    size_t count, char *message, size_t room)
{
    int rc = store_begin(store);

    rc = rc == SQLITE_OK ? add_sweep(store, name, text, points, count) : rc;
    rc = rc == SQLITE_OK ? store_commit(store) : rc;
    if (rc != SQLITE_OK) {
        flue_err err = store_say_sqlite(store, message, room);
        store_rollback(store);
        return err;
    }
    store_analyze(store);
    return FLUE_OK;
}
