/* SPDX-License-Identifier: GPL-2.0-only */
/* One number out of a store. */
#ifndef FLUE_TEST_STORE_NUMBER_H
#define FLUE_TEST_STORE_NUMBER_H

#include <sqlite3.h>

#include "store/store.h"
#include "support/test.h"

static inline int64_t number(struct store *store, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t out;

    assert_int_equal(sqlite3_prepare_v2(store_database(store), sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return out;
}

#endif
