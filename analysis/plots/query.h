/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/plots/query.h - the named queries of analysis/sql, and their results as text. */
#ifndef FLUE_PLOTS_QUERY_H
#define FLUE_PLOTS_QUERY_H

#include <stdio.h>

#include "flue/base.h"

FLUE_BEGIN_C

struct store;

enum query_form {
    QUERY_TABLE, /* tabs, a line of names first; NULL is empty; tab, newline, backslash in a text as \t \n \\ */
    QUERY_DATA   /* for gnuplot: names in a comment, NULL is NaN, two empty lines between results */
};

/* The text of a named query, or NULL; and the names, NULL past the end.  Static storage. */
const char *query_text(const char *name);
const char *query_name(size_t index);

/* Runs every statement of sql and writes what they return.  The tables of chosen.sql are there if sql speaks of them.
 * Only reading is allowed: the store's file is never changed.  FLUE_EPARSE: SQLite does not understand it, or it would
 * write; FLUE_EIO: reading or writing failed.  message[room] gets one line.  rows, if not NULL: how many rows the first
 * statement returned. */
FLUE_CHECKED flue_err query_write(struct store *store, const char *sql, enum query_form form, FILE *out, size_t *rows,
                                  char *message, size_t room);

/* Makes the tables of chosen.sql for the given "NAME=VALUE" texts, in place of older ones. */
FLUE_CHECKED flue_err query_choose(struct store *store, const char *const *where, size_t count, char *message,
                                   size_t room);

FLUE_END_C

#endif
