/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/store/private.h - what the files of the store share. */
#ifndef FLUE_STORE_PRIVATE_H
#define FLUE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store/store.h"

#define STORE_APPLICATION_ID 0x464C5545
#define STORE_USER_VERSION   1
#define STORE_BUSY_MS        60000

struct store {
    sqlite3 *db;
    char *path; /* owned */
    unsigned mode;
};

/* message = "path: what" and returns err. */
flue_err store_say(const struct store *store, flue_err err, char *message, size_t room, const char *what);

/* As store_say() with SQLite's own words. */
flue_err store_say_sqlite(const struct store *store, char *message, size_t room);

/* Fills the tables metric and param, new lines of metrics.def and params.def included. */
int store_fill_catalog(sqlite3 *db);

/* Begins with waiting, so that a later statement of the transaction never meets another writer. */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

/* Prepares; NULL with SQLite's error set. */
sqlite3_stmt *store_prepare(struct store *store, const char *sql);

/* The row of a configuration, made if it is not there; inside a transaction.  SQLITE_OK or an error. */
int store_config_id(struct store *store, const struct store_config *config, sqlite3_int64 *out);

/* Recomputes the summary rows of one configuration and epoch; inside a transaction. */
int store_summarise(struct store *store, sqlite3_int64 config_id, sqlite3_int64 epoch);

/* Mean, standard deviation, half-width of the 95 % interval, median, least and greatest of values in rising order.
 * A NaN: not defined for so few. */
struct store_summary {
    size_t n;
    double mean, sd, ci95, median, min, max;
};
struct store_summary store_summary_of(const double *sorted, size_t n);

#endif
