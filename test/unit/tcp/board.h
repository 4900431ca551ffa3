/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/board.h - a scoreboard with its pool, for the tests of it. */
#ifndef FLUE_TEST_TCP_BOARD_H
#define FLUE_TEST_TCP_BOARD_H

#include <string.h>

#include "support/manual_env.h"
#include "support/test.h"
#include "tcp/scoreboard.h"

struct fixture {
    struct manual_env m;
    struct pool pool;
    struct scoreboard board;
};

static inline void begin(struct fixture *f)
{
    memset(f, 0xa5, sizeof(*f));
    manual_env_init(&f->m, 1);
    pool_init(&f->pool, &f->m.env, sizeof(struct sack_range));
    f->board = (struct scoreboard){0};
}

static inline void end(struct fixture *f)
{
    static const struct scoreboard empty;

    scoreboard_clear(&f->board, &f->pool);
    assert_memory_equal(&f->board, &empty, sizeof(empty));
    assert_int_equal(pool_live(&f->pool), 0);
    pool_dispose(&f->pool);
    assert_true(manual_env_clean(&f->m));
}

#endif
