/* SPDX-License-Identifier: GPL-2.0-only */
/* One finished run with all its results: one transaction. */
#include "store/private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *store_status_word(unsigned status)
{
    static const char *const words[] = {
#define X(name, word) word,
        STORE_STATUSES(X)
#undef X
    };

    return status < STORE_STATUS_COUNT ? words[status] : "?";
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static int step(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);

    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

bool store_has(struct store *store, const char *config_hash, uint64_t seed, uint64_t rng_run, int64_t epoch)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT 1 FROM run JOIN config USING(config_id) WHERE config_hash = ? AND rng_seed = ? "
                             "AND rng_run = ? AND model_epoch = ? AND status = 'done'");
    bool found;

    if (statement == NULL) {
        return false;
    }
    bind_text(statement, 1, config_hash);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)seed);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)rng_run);
    sqlite3_bind_int64(statement, 4, epoch);
    found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return found;
}

static int build_id(struct store *store, const struct store_build *build, sqlite3_int64 *out)
{
    char *all =
        sqlite3_mprintf("%s\n%lld\n%s\n%d\n%s\n%s\n%s\n%s", or_empty(build->version), (long long)build->model_epoch,
                        or_empty(build->git_rev), build->git_dirty, or_empty(build->ns3_version),
                        or_empty(build->compiler), or_empty(build->cflags), or_empty(build->sqlite_version));
    sqlite3_stmt *statement =
        store_prepare(store, "INSERT INTO build(build_hash, flue_version, model_epoch, git_rev, git_dirty, ns3_version,"
                             " compiler, cflags, sqlite_version) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) "
                             "ON CONFLICT(build_hash) DO UPDATE SET build_hash = build_hash RETURNING build_id");
    char hash[STORE_HASH_MAX];
    int rc;

    if (all == NULL || statement == NULL) {
        sqlite3_free(all);
        sqlite3_finalize(statement);
        return SQLITE_NOMEM;
    }
    store_hash(all, strlen(all), hash);
    sqlite3_free(all);
    bind_text(statement, 1, hash);
    bind_text(statement, 2, or_empty(build->version));
    sqlite3_bind_int64(statement, 3, build->model_epoch);
    bind_text(statement, 4, or_empty(build->git_rev));
    if (build->git_dirty >= 0) {
        sqlite3_bind_int(statement, 5, build->git_dirty);
    }
    bind_text(statement, 6, or_empty(build->ns3_version));
    bind_text(statement, 7, or_empty(build->compiler));
    bind_text(statement, 8, or_empty(build->cflags));
    bind_text(statement, 9, or_empty(build->sqlite_version));
    rc = sqlite3_step(statement);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    rc = rc == SQLITE_ROW ? sqlite3_step(statement) : rc;
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Looks for the same run: *attempts of any status, and the digest of one that is done in digest ("" if none is). */
static int look_for(struct store *store, const struct store_run *run, sqlite3_int64 config_id, int *attempts,
                    char digest[STORE_HASH_MAX], bool *done)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT status = 'done', ifnull(result_sha256, '') FROM run WHERE config_id = ? "
                             "AND rng_seed = ? AND rng_run = ? AND model_epoch = ?");
    int rc;

    *attempts = 0;
    *done = false;
    digest[0] = '\0';
    if (statement == NULL) {
        return sqlite3_errcode(store->db);
    }
    sqlite3_bind_int64(statement, 1, config_id);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)run->seed);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)run->rng_run);
    sqlite3_bind_int64(statement, 4, run->build.model_epoch);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        ++*attempts;
        if (sqlite3_column_int(statement, 0) != 0) {
            *done = true;
            snprintf(digest, STORE_HASH_MAX, "%s", (const char *)sqlite3_column_text(statement, 1));
        }
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A name that stays the same when databases are merged: what was run, when, on which machine, for the how-manieth time.
 */
static void make_uid(const struct store_run *run, int attempt, char uid[17])
{
    char config[STORE_HASH_MAX], hash[STORE_HASH_MAX];
    char *all;

    store_config_hash(&run->config, NULL, config);
    all = sqlite3_mprintf("%s %lld %lld %lld %lld %d %s", config, (long long)run->seed, (long long)run->rng_run,
                          (long long)run->build.model_epoch, (long long)run->started_unix_s, attempt,
                          or_empty(run->host));
    store_hash(all != NULL ? all : config, strlen(all != NULL ? all : config), hash);
    sqlite3_free(all);
    snprintf(uid, 17, "%.16s", hash);
}

static int add_run(struct store *store, const struct store_run *run, sqlite3_int64 config, sqlite3_int64 build,
                   int attempt, const char *uid, sqlite3_int64 *out)
{
    sqlite3_stmt *s = store_prepare(
        store, "INSERT INTO run(uid, config_id, build_id, model_epoch, rng_seed, rng_run, net, status, exit_code,"
               " term_signal, attempt, host, argv, started_utc, wall_s, cpu_s, max_rss_kib, sim_end_ps, events,"
               " result_sha256, evidence, stderr_tail) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
               " strftime('%Y-%m-%dT%H:%M:%SZ', ?14, 'unixepoch'), ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)");
    int rc;

    if (s == NULL) {
        return sqlite3_errcode(store->db);
    }
    bind_text(s, 1, uid);
    sqlite3_bind_int64(s, 2, config);
    sqlite3_bind_int64(s, 3, build);
    sqlite3_bind_int64(s, 4, run->build.model_epoch);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)run->seed);
    sqlite3_bind_int64(s, 6, (sqlite3_int64)run->rng_run);
    bind_text(s, 7, or_empty(run->net));
    bind_text(s, 8, store_status_word((unsigned)run->status));
    if (run->exit_code >= 0) {
        sqlite3_bind_int(s, 9, run->exit_code);
    }
    if (run->term_signal > 0) {
        sqlite3_bind_int(s, 10, run->term_signal);
    }
    sqlite3_bind_int(s, 11, attempt);
    bind_text(s, 12, run->host);
    bind_text(s, 13, run->argv);
    sqlite3_bind_int64(s, 14, run->started_unix_s);
    sqlite3_bind_double(s, 15, run->wall_s);
    sqlite3_bind_double(s, 16, run->cpu_s);
    sqlite3_bind_int64(s, 17, run->max_rss_kib);
    sqlite3_bind_int64(s, 18, run->sim_end_ps);
    sqlite3_bind_int64(s, 19, (sqlite3_int64)run->events);
    bind_text(s, 20, run->digest);
    bind_text(s, 21, or_empty(run->evidence));
    bind_text(s, 22, run->stderr_tail);
    rc = sqlite3_step(s);
    sqlite3_finalize(s);
    *out = sqlite3_last_insert_rowid(store->db);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int add_findings(struct store *store, const struct store_run *run, sqlite3_int64 id)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO finding VALUES(?, ?, ?)");
    int rc = s != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < run->finding_count; i++) {
        sqlite3_bind_int64(s, 1, id);
        sqlite3_bind_int64(s, 2, (sqlite3_int64)i + 1);
        bind_text(s, 3, run->findings[i]);
        rc = step(s);
    }
    sqlite3_finalize(s);
    return rc;
}

static int add_brokens(struct store *store, const struct store_run *run, sqlite3_int64 id)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO finding_count VALUES(?, ?, ?, ?)");
    int rc = s != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < run->broken_count; i++) {
        sqlite3_bind_int64(s, 1, id);
        sqlite3_bind_int64(s, 2, run->brokens[i].rule);
        bind_text(s, 3, run->brokens[i].party);
        sqlite3_bind_int64(s, 4, (sqlite3_int64)run->brokens[i].count);
        rc = step(s);
    }
    sqlite3_finalize(s);
    return rc;
}

static int add_schedule(struct store *store, const struct store_run *run, sqlite3_int64 id)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO event VALUES(?, ?, ?, ?, ?)");
    int rc = s != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < run->schedule_count; i++) {
        sqlite3_bind_int64(s, 1, id);
        sqlite3_bind_int64(s, 2, (sqlite3_int64)i + 1);
        sqlite3_bind_int64(s, 3, run->schedule[i].at_ps);
        bind_text(s, 4, or_empty(run->schedule[i].what));
        sqlite3_bind_int(s, 5, run->schedule[i].effect ? 1 : 0);
        rc = step(s);
    }
    sqlite3_finalize(s);
    return rc;
}

static int add_samples(struct store *store, const struct store_run *run, sqlite3_int64 id)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO series SELECT ?1, metric_id, ?3, ?4, ?5 FROM metric "
                                           "WHERE name = ?2 AND kind = 'series'");
    int rc = s != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < run->sample_count; i++) {
        const struct store_sample *sample = &run->samples[i];
        sqlite3_bind_int64(s, 1, id);
        bind_text(s, 2, sample->metric);
        bind_text(s, 3, or_empty(sample->entity));
        sqlite3_bind_int64(s, 4, sample->at_ps);
        sqlite3_bind_int64(s, 5, sample->value);
        rc = step(s);
        if (rc == SQLITE_OK && sqlite3_changes(store->db) != 1) {
            rc = SQLITE_MISMATCH;
        }
    }
    sqlite3_finalize(s);
    return rc;
}

static int add_metrics(struct store *store, const struct store_run *run, sqlite3_int64 id)
{
    sqlite3_stmt *s = store_prepare(store, "INSERT INTO scalar SELECT ?1, metric_id, ?3, ?4, ?5, ?6 FROM metric "
                                           "WHERE name = ?2 AND kind NOT IN ('hist', 'series')");
    int rc = s != NULL ? SQLITE_OK : sqlite3_errcode(store->db);

    for (size_t i = 0; rc == SQLITE_OK && i < run->metric_count; i++) {
        const struct store_metric *m = &run->metrics[i];
        sqlite3_bind_int64(s, 1, id);
        bind_text(s, 2, m->name);
        bind_text(s, 3, or_empty(m->entity));
        sqlite3_bind_int64(s, 4, m->num);
        sqlite3_bind_int64(s, 5, m->den);
        sqlite3_bind_double(s, 6, m->den != 0 ? (double)m->num / (double)m->den : NAN);
        rc = step(s);
        if (rc == SQLITE_OK && sqlite3_changes(store->db) != 1) {
            rc = SQLITE_MISMATCH;
        }
    }
    sqlite3_finalize(s);
    return rc;
}

static bool same_histogram(const struct store_bin *a, const struct store_bin *b)
{
    return strcmp(a->metric, b->metric) == 0 && strcmp(or_empty(a->entity), or_empty(b->entity)) == 0;
}

/* The highest value of the bin in which the record of rank ceil(numerator * n / denominator) lies. */
static sqlite3_int64 quantile(const struct store_bin *bins, size_t count, uint64_t n, uint64_t numerator,
                              uint64_t denominator)
{
    /* Split so that no product leaves 64 bits. */
    uint64_t rank = n / denominator * numerator + (n % denominator * numerator + denominator - 1) / denominator;
    uint64_t below = 0;

    for (size_t i = 0; i < count; i++) {
        below += bins[i].n;
        if (below >= rank) {
            return (sqlite3_int64)bins[i].hi;
        }
    }
    return (sqlite3_int64)bins[count - 1].hi;
}

static int add_hist(sqlite3_stmt *s, const struct store_bin *bins, size_t count, sqlite3_int64 id)
{
    uint64_t n = 0;
    double sum = 0, squares = 0, mean;

    for (size_t i = 0; i < count; i++) {
        n += bins[i].n;
        sum += ((double)bins[i].lo + (double)bins[i].hi) / 2 * (double)bins[i].n;
    }
    mean = sum / (double)n;
    for (size_t i = 0; i < count; i++) {
        double away = ((double)bins[i].lo + (double)bins[i].hi) / 2 - mean;
        squares += away * away * (double)bins[i].n;
    }
    sqlite3_bind_int64(s, 1, id);
    bind_text(s, 2, bins[0].metric);
    bind_text(s, 3, or_empty(bins[0].entity));
    sqlite3_bind_int64(s, 4, (sqlite3_int64)n);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)bins[0].lo);
    sqlite3_bind_int64(s, 6, (sqlite3_int64)bins[count - 1].hi);
    sqlite3_bind_double(s, 7, mean);
    sqlite3_bind_double(s, 8, n > 1 ? sqrt(squares / (double)(n - 1)) : NAN);
    sqlite3_bind_int64(s, 9, quantile(bins, count, n, 50, 100));
    sqlite3_bind_int64(s, 10, quantile(bins, count, n, 90, 100));
    sqlite3_bind_int64(s, 11, quantile(bins, count, n, 99, 100));
    sqlite3_bind_int64(s, 12, quantile(bins, count, n, 999, 1000));
    return step(s);
}

static int add_bins(struct store *store, const struct store_run *run, sqlite3_int64 id)
{
    sqlite3_stmt *hist =
        store_prepare(store, "INSERT INTO hist SELECT ?1, metric_id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 "
                             "FROM metric WHERE name = ?2 AND kind = 'hist'");
    sqlite3_stmt *bin = store_prepare(store, "INSERT INTO hist_bin SELECT ?1, metric_id, ?3, ?4, ?5, ?6 FROM metric "
                                             "WHERE name = ?2 AND kind = 'hist'");
    int rc = hist != NULL && bin != NULL ? SQLITE_OK : sqlite3_errcode(store->db);
    size_t first = 0;

    for (size_t i = 0; rc == SQLITE_OK && i < run->bin_count; i++) {
        const struct store_bin *b = &run->bins[i];
        if (i == first) {
            size_t past = i;
            while (past < run->bin_count && same_histogram(b, &run->bins[past])) {
                past++;
            }
            rc = add_hist(hist, b, past - i, id);
            if (rc == SQLITE_OK && sqlite3_changes(store->db) != 1) {
                rc = SQLITE_MISMATCH;
            }
            first = past;
        }
        if (rc == SQLITE_OK) {
            sqlite3_bind_int64(bin, 1, id);
            bind_text(bin, 2, b->metric);
            bind_text(bin, 3, or_empty(b->entity));
            sqlite3_bind_int64(bin, 4, (sqlite3_int64)b->lo);
            sqlite3_bind_int64(bin, 5, (sqlite3_int64)b->hi);
            sqlite3_bind_int64(bin, 6, (sqlite3_int64)b->n);
            rc = step(bin);
        }
    }
    sqlite3_finalize(hist);
    sqlite3_finalize(bin);
    return rc;
}

static bool bins_are_sound(const struct store_run *run)
{
    for (size_t i = 0; i < run->bin_count; i++) {
        const struct store_bin *b = &run->bins[i];
        if (b->n == 0 || b->n > INT64_MAX || b->hi > INT64_MAX || b->lo > b->hi) {
            return false;
        }
        if (i > 0 && same_histogram(&run->bins[i - 1], b) && run->bins[i - 1].hi >= b->lo) {
            return false;
        }
    }
    return true;
}

static flue_err write_all(struct store *store, const struct store_run *run, char uid[17], int *rc)
{
    sqlite3_int64 config = 0, build = 0, id = 0;
    char digest[STORE_HASH_MAX];
    int attempts;
    bool done;

    *rc = store_config_id(store, &run->config, &config);
    *rc = *rc == SQLITE_OK ? look_for(store, run, config, &attempts, digest, &done) : *rc;
    if (*rc == SQLITE_OK && done && run->status == STORE_DONE) {
        return strcmp(digest, or_empty(run->digest)) == 0 ? FLUE_EEXIST : FLUE_ESTATE;
    }
    *rc = *rc == SQLITE_OK ? build_id(store, &run->build, &build) : *rc;
    if (*rc == SQLITE_OK) {
        make_uid(run, attempts + 1, uid);
        *rc = add_run(store, run, config, build, attempts + 1, uid, &id);
    }
    *rc = *rc == SQLITE_OK ? add_findings(store, run, id) : *rc;
    *rc = *rc == SQLITE_OK ? add_brokens(store, run, id) : *rc;
    *rc = *rc == SQLITE_OK ? add_schedule(store, run, id) : *rc;
    *rc = *rc == SQLITE_OK ? add_samples(store, run, id) : *rc;
    *rc = *rc == SQLITE_OK ? add_metrics(store, run, id) : *rc;
    *rc = *rc == SQLITE_OK ? add_bins(store, run, id) : *rc;
    if (*rc == SQLITE_OK && run->status == STORE_DONE) {
        *rc = store_summarise(store, config, run->build.model_epoch);
    }
    return FLUE_OK;
}

flue_err store_run(struct store *store, const struct store_run *run, char uid[17], char *message, size_t room)
{
    char name[17];
    flue_err err;
    int rc;

    if (run->seed > INT64_MAX || run->rng_run > INT64_MAX || run->events > INT64_MAX || !bins_are_sound(run)) {
        return store_say(store, FLUE_EINVAL, message, room, "the run's numbers or bins cannot be stored");
    }
    rc = store_begin(store);
    if (rc != SQLITE_OK) {
        return store_say_sqlite(store, message, room);
    }
    err = write_all(store, run, name, &rc);
    if (err == FLUE_OK && rc == SQLITE_OK) {
        rc = store_commit(store);
    }
    if (err != FLUE_OK) {
        store_say(store, err, message, room,
                  err == FLUE_EEXIST ? "this run is stored already"
                                     : "this run is stored already with other results: the model has changed without a "
                                       "new epoch, or is not deterministic; use another database");
    } else if (rc == SQLITE_MISMATCH) {
        err = store_say(store, FLUE_EINVAL, message, room, "the run has a metric that metrics.def does not name");
    } else if (rc == SQLITE_CONSTRAINT) {
        snprintf(message, room, "%s: the run contradicts itself (%s)", store->path, sqlite3_errmsg(store->db));
        err = FLUE_EINVAL;
    } else if (rc != SQLITE_OK) {
        err = store_say_sqlite(store, message, room);
    }
    if (err != FLUE_OK) {
        store_rollback(store);
    } else if (uid != NULL) {
        memcpy(uid, name, sizeof name);
    }
    return err;
}
