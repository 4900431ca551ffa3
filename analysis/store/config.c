/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration: its canonical text, its hashes, its rows. */
#include "store/private.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>

void store_hash(const void *bytes, size_t count, char out[STORE_HASH_MAX])
{
    SHA256Data(bytes, count, out);
}

static int by_name(const void *a, const void *b)
{
    const struct store_param *const *p = a;
    const struct store_param *const *q = b;

    return strcmp((*p)->name, (*q)->name);
}

static void add_json_string(sqlite3_str *out, const char *text)
{
    sqlite3_str_appendchar(out, 1, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            sqlite3_str_appendchar(out, 1, '\\');
            sqlite3_str_appendchar(out, 1, *c);
        } else if ((unsigned char)*c < 0x20) {
            sqlite3_str_appendf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        } else {
            sqlite3_str_appendchar(out, 1, *c);
        }
    }
    sqlite3_str_appendchar(out, 1, '"');
}

/* All parameters but `without` as one JSON object, sorted by name; free with sqlite3_free().  NULL: no memory. */
static char *canonical(const struct store_config *config, const char *without)
{
    const struct store_param **sorted = calloc(config->param_count + 1, sizeof *sorted);
    sqlite3_str *out = sqlite3_str_new(NULL);
    const char *comma = "";

    if (sorted == NULL) {
        sqlite3_free(sqlite3_str_finish(out));
        return NULL;
    }
    for (size_t i = 0; i < config->param_count; i++) {
        sorted[i] = &config->params[i];
    }
    qsort(sorted, config->param_count, sizeof *sorted, by_name);
    sqlite3_str_appendchar(out, 1, '{');
    for (size_t i = 0; i < config->param_count; i++) {
        if (without != NULL && strcmp(sorted[i]->name, without) == 0) {
            continue;
        }
        sqlite3_str_appendall(out, comma);
        comma = ",";
        add_json_string(out, sorted[i]->name);
        sqlite3_str_appendchar(out, 1, ':');
        if (sorted[i]->is_number) {
            sqlite3_str_appendf(out, "%lld", (long long)sorted[i]->value);
        } else {
            add_json_string(out, sorted[i]->text);
        }
    }
    sqlite3_str_appendchar(out, 1, '}');
    free(sorted);
    return sqlite3_str_finish(out);
}

void store_config_hash(const struct store_config *config, const char *without, char out[STORE_HASH_MAX])
{
    char *text = canonical(config, without);

    store_hash(text != NULL ? text : "", text != NULL ? strlen(text) : 0, out);
    sqlite3_free(text);
}

/* Runs a prepared insert that returns an id, or a select of one; 0 in *out: no row. */
static int step_id(sqlite3_stmt *statement, sqlite3_int64 *out)
{
    int rc = sqlite3_step(statement);

    *out = 0;
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        rc = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int scenario_id(struct store *store, const struct store_config *config, sqlite3_int64 *out)
{
    const char *text = config->scenario_text != NULL ? config->scenario_text : "";
    const char *name = config->scenario_name != NULL ? config->scenario_name : "";
    char hash[STORE_HASH_MAX];
    sqlite3_stmt *statement;

    store_hash(text, strlen(text), hash);
    statement = store_prepare(store, "INSERT INTO scenario(name, sha256, text) VALUES(?, ?, ?) "
                                     "ON CONFLICT(sha256) DO UPDATE SET sha256 = sha256 RETURNING scenario_id");
    if (statement == NULL) {
        return sqlite3_errcode(store->db);
    }
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, hash, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, text, -1, SQLITE_STATIC);
    return step_id(statement, out);
}

static int add_params(struct store *store, sqlite3_int64 config_id, const struct store_config *config)
{
    sqlite3_stmt *statement = store_prepare(store, "INSERT INTO config_param VALUES(?, ?, ?, ?, ?)");
    int rc = statement != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < config->param_count; i++) {
        const struct store_param *param = &config->params[i];
        sqlite3_bind_int64(statement, 1, config_id);
        sqlite3_bind_text(statement, 2, param->name, -1, SQLITE_STATIC);
        if (param->is_number) {
            sqlite3_bind_int64(statement, 3, param->value);
        } else {
            sqlite3_bind_null(statement, 3);
        }
        sqlite3_bind_text(statement, 4, param->text, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 5, param->unit != NULL ? param->unit : "", -1, SQLITE_STATIC);
        rc = sqlite3_step(statement);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return rc;
}

int store_config_id(struct store *store, const struct store_config *config, sqlite3_int64 *out)
{
    char hash[STORE_HASH_MAX], pair[STORE_HASH_MAX];
    sqlite3_int64 scenario = 0;
    sqlite3_stmt *statement = store_prepare(store, "SELECT config_id FROM config WHERE config_hash = ?");
    int rc;

    if (statement == NULL) {
        return sqlite3_errcode(store->db);
    }
    store_config_hash(config, NULL, hash);
    sqlite3_bind_text(statement, 1, hash, -1, SQLITE_STATIC);
    rc = step_id(statement, out);
    if (rc != SQLITE_OK || *out != 0) {
        return rc;
    }
    rc = scenario_id(store, config, &scenario);
    if (rc != SQLITE_OK) {
        return rc;
    }
    statement = store_prepare(store, "INSERT INTO config(scenario_id, config_hash, pair_hash, params) "
                                     "VALUES(?, ?, ?, ?) RETURNING config_id");
    if (statement == NULL) {
        return sqlite3_errcode(store->db);
    }
    store_config_hash(config, "offload", pair);
    sqlite3_bind_int64(statement, 1, scenario);
    sqlite3_bind_text(statement, 2, hash, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, pair, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, canonical(config, NULL), -1, sqlite3_free);
    rc = step_id(statement, out);
    return rc == SQLITE_OK ? add_params(store, *out, config) : rc;
}
