/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables metric and param: metrics.def and params.def as rows. */
#include "store/private.h"

struct metric_line {
    const char *name, *unit, *kind, *better, *title, *doc;
};

struct param_line {
    const char *name, *kind, *initial, *minimum, *maximum, *unit, *topic, *help;
};

static const struct metric_line metric_lines[] = {
#define FLUE_METRIC(name, unit, kind, better, title, doc) {#name, unit, #kind, #better, title, doc},
#include "flue/metrics.def"
#undef FLUE_METRIC
};

static const struct param_line param_lines[] = {
#define FLUE_PARAM(name, kind, initial, minimum, maximum, unit, group, help)                                           \
    {#name, #kind, initial, minimum, maximum, unit, group, help},
#define FLUE_PARAM_DDI(name, kind, initial, minimum, maximum, unit, group, help)                                       \
    {"ddi." #name, #kind, initial, minimum, maximum, unit, group, help},
#include "flue/params.def"
#undef FLUE_PARAM
};

static int bind_texts(sqlite3_stmt *statement, const char *const *texts, int count)
{
    for (int i = 0; i < count; i++) {
        int rc = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_fill_catalog(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "INSERT INTO metric(name, unit, kind, better, title, doc) VALUES(?, ?, ?, ?, ?, ?) "
                                "ON CONFLICT(name) DO NOTHING",
                                -1, &statement, NULL);

    for (size_t i = 0; rc == SQLITE_OK && i < sizeof metric_lines / sizeof metric_lines[0]; i++) {
        const struct metric_line *m = &metric_lines[i];
        const char *const texts[] = {m->name, m->unit, m->kind, m->better, m->title, m->doc};
        rc = bind_texts(statement, texts, 6);
    }
    sqlite3_finalize(statement);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = sqlite3_prepare_v2(db, "INSERT INTO param VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO NOTHING", -1,
                            &statement, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof param_lines / sizeof param_lines[0]; i++) {
        const struct param_line *p = &param_lines[i];
        const char *const texts[] = {p->name, p->kind, p->initial, p->minimum, p->maximum, p->unit, p->topic, p->help};
        rc = bind_texts(statement, texts, 8);
    }
    sqlite3_finalize(statement);
    return rc;
}
