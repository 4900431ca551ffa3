/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/sack_map.c - the sender's scoreboard against the definitions of RFC 6675, byte by byte. */
#include <string.h>

#include "flue/wire.h"
#include "support/manual_env.h"
#include "support/test.h"
#include "base/rng.h"
#include "tcp/scoreboard.h"

struct fixture {
    struct manual_env m;
    struct pool pool;
    struct scoreboard board;
};

static void begin(struct fixture *f)
{
    memset(f, 0xa5, sizeof(*f));
    manual_env_init(&f->m, 1);
    pool_init(&f->pool, &f->m.env, sizeof(struct sack_range));
    f->board = (struct scoreboard){0};
}

static void end(struct fixture *f)
{
    static const struct scoreboard empty;

    scoreboard_clear(&f->board, &f->pool);
    assert_memory_equal(&f->board, &empty, sizeof(empty));
    assert_int_equal(pool_live(&f->pool), 0);
    pool_dispose(&f->pool);
    assert_true(manual_env_clean(&f->m));
}

#define MAP_BYTES 240u

/* The definitions of RFC 6675, byte by byte; all numbers are offsets from zero. */
struct map {
    bool sacked[MAP_BYTES];
    bool lost[MAP_BYTES];
    uint32_t zero, una, max, mss, threshold;
    uint32_t rto_edge, high_rxt;
    uint32_t rescue_rxt;
    bool rescue_set;
};

static void map_is_lost(struct map *map)
{
    uint32_t bytes = 0;
    uint32_t ranges = 0;

    memset(map->lost, 0, sizeof(map->lost));
    for (uint32_t i = map->max; i-- > map->una;) {
        if (map->sacked[i]) {
            bytes++;
            ranges += i == map->una || !map->sacked[i - 1] ? 1 : 0;
        } else {
            map->lost[i] = ranges >= map->threshold || bytes > (map->threshold - 1) * map->mss || i < map->rto_edge;
        }
    }
}

static uint32_t map_pipe(const struct map *map)
{
    uint32_t pipe = 0;

    for (uint32_t i = map->una; i < map->max; i++) {
        if (!map->sacked[i]) {
            pipe += (map->lost[i] ? 0u : 1u) + (i < map->high_rxt ? 1u : 0u);
        }
    }
    return pipe;
}

static enum sack_next map_next(const struct map *map, bool new_data, uint32_t *seq, uint32_t *length)
{
    uint32_t from = map->una > map->high_rxt ? map->una : map->high_rxt;
    uint32_t highest = map->una;
    uint32_t low;

    for (uint32_t i = map->una; i < map->max; i++) {
        highest = map->sacked[i] ? i : highest;
    }
    for (uint32_t i = from; i < map->max; i++) {
        if (map->lost[i] && (i < highest || i < map->rto_edge)) {
            *seq = i;
            for (*length = 0; *length < map->mss && i < map->max && map->lost[i]; i++) {
                ++*length;
            }
            return SACK_NEXT_LOST;
        }
    }
    if (new_data) {
        *seq = map->max;
        *length = map->mss;
        return SACK_NEXT_NEW;
    }
    for (uint32_t i = from; i < highest; i++) {
        if (!map->sacked[i]) {
            *seq = i;
            for (*length = 0; *length < map->mss && !map->sacked[i]; i++) {
                ++*length;
            }
            return SACK_NEXT_HOLE;
        }
    }
    for (low = map->max; low > map->una && map->sacked[low - 1]; low--) {
    }
    if (low == map->una || (map->rescue_set && map->una <= map->rescue_rxt)) {
        return SACK_NEXT_NONE;
    }
    for (*length = 0; *length < map->mss && low > map->una && !map->sacked[low - 1]; low--) {
        ++*length;
    }
    *seq = low;
    return SACK_NEXT_RESCUE;
}

static void assert_same(const struct map *map, const struct fixture *f)
{
    const struct scoreboard *board = &f->board;
    const struct sack_range *range = board->head;
    uint32_t bytes = 0;
    uint32_t ranges = 0;

    for (uint32_t i = map->una; i < map->max; i++) {
        bytes += map->sacked[i];
        if (map->sacked[i] && (i == map->una || !map->sacked[i - 1])) {
            ranges++;
            assert_non_null(range);
            assert_int_equal(range->from - map->zero, i);
        }
        if (map->sacked[i] && (i + 1 == map->max || !map->sacked[i + 1])) {
            assert_int_equal(range->to - map->zero, i + 1);
            range = range->next;
        }
        if (scoreboard_is_sacked(board, map->zero + i) != map->sacked[i] ||
            scoreboard_is_lost(board, map->zero + i) != map->lost[i]) {
            fail_msg("byte %u of %u..%u: SACKed %d, lost %d", i, map->una, map->max, map->sacked[i], map->lost[i]);
        }
    }
    assert_null(range);
    assert_int_equal(board->sacked_bytes, bytes);
    assert_int_equal(board->ranges, ranges);
    assert_int_equal(pool_live(&f->pool), ranges);
    assert_int_equal(scoreboard_pipe(board, map->zero + map->una, map->zero + map->max), map_pipe(map));
    assert_int_equal(scoreboard_reneged(board, map->zero + map->una), map->una < map->max && map->sacked[map->una]);
}

static void random_take(struct map *map, struct fixture *f, struct rng *rng)
{
    struct flue_sack_block wire[FLUE_SACK_BLOCKS];
    unsigned count = (unsigned)rng_below(rng, FLUE_SACK_BLOCKS + 1);
    uint32_t low = map->una > 20 ? map->una - 20 : 0;
    uint32_t ack = map->una - (uint32_t)rng_below(rng, 4) * (map->una > 30 ? 10 : 0);
    uint32_t news = 0;
    bool expected = false;
    bool dsack;

    for (unsigned i = 0; i < count; i++) {
        uint32_t from = low + (uint32_t)rng_below(rng, map->max - low + 5);
        uint32_t length = (uint32_t)rng_below(rng, 2 * map->mss + 2);

        wire[i] = (struct flue_sack_block){.from = map->zero + from, .to = map->zero + from + length};
        if (rng_below(rng, 16) == 0) {
            wire[i] = (struct flue_sack_block){.from = wire[i].to, .to = wire[i].from};
            length = 0;
        }
        if (i > 0 && rng_below(rng, 6) == 0) { /* the first block within this one */
            wire[0] = (struct flue_sack_block){.from = map->zero + from + length / 3, .to = map->zero + from + length};
        }
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t from = wire[i].from - map->zero;
        uint32_t to = wire[i].to - map->zero;

        for (uint32_t k = from; from > map->una && to <= map->max && k < to; k++) {
            news += map->sacked[k] ? 0u : 1u;
            map->sacked[k] = true;
        }
    }
    if (count > 0 && seq_lt(wire[0].from, wire[0].to)) {
        expected = wire[0].to - map->zero <= ack;
        if (!expected && count > 1 && wire[1].from - map->zero > ack && wire[1].to - map->zero <= map->max) {
            uint32_t k = wire[0].from - map->zero;

            while (k < wire[0].to - map->zero && k >= wire[1].from - map->zero && k < wire[1].to - map->zero) {
                k++;
            }
            expected = k == wire[0].to - map->zero;
        }
    }
    assert_int_equal(scoreboard_take(&f->board, &f->pool, map->zero + map->una, map->zero + map->max, map->zero + ack,
                                     wire, count, &dsack),
                     news);
    assert_int_equal(dsack, expected);
}

static void random_step(struct map *map, struct fixture *f, struct rng *rng)
{
    uint32_t una = map->zero + map->una;
    uint32_t max = map->zero + map->max;
    uint32_t left = map->max - map->una;

    switch (rng_below(rng, 16)) {
    case 0:
    case 1:
        map->max += (uint32_t)rng_below(rng, MAP_BYTES - map->max + 1) / 2;
        break;
    case 2:
        map->una += (uint32_t)rng_below(rng, left + 1) / (1 + (uint32_t)rng_below(rng, 4));
        scoreboard_advance(&f->board, &f->pool, map->zero + map->una);
        break;
    case 3:
        if (left > 0 && map->rto_edge <= map->una) { /* RFC 6675 5.1: no recovery before SND.UNA passes rto_edge */
            uint32_t length = 1 + (uint32_t)rng_below(rng, left < map->mss ? left : map->mss);

            scoreboard_begin_recovery(&f->board, una, length);
            map->high_rxt = map->una + length;
            map->rescue_rxt = map->una + length;
            map->rescue_set = true;
        }
        break;
    case 4:
        if (rng_below(rng, 4) == 0) {
            scoreboard_all_lost(&f->board, una, max);
            map->rto_edge = map->max;
            map->high_rxt = 0;
            map->rescue_rxt = map->max;
            map->rescue_set = left > 0;
        } else if (rng_below(rng, 4) == 0) {
            scoreboard_clear(&f->board, &f->pool);
            memset(map->sacked, 0, sizeof(map->sacked));
            map->rto_edge = 0;
            map->high_rxt = 0;
            map->rescue_set = false;
        }
        break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: {
        bool new_data = rng_below(rng, 4) == 0;
        uint32_t seq = 0;
        uint32_t length = 0;
        uint32_t map_seq = 0;
        uint32_t map_length = 0;
        enum sack_next why = scoreboard_next(&f->board, una, max, map->mss, new_data, &seq, &length);

        assert_int_equal(why, map_next(map, new_data, &map_seq, &map_length));
        if (why != SACK_NEXT_NONE) {
            assert_int_equal(seq - map->zero, map_seq);
            assert_int_equal(length, map_length);
            scoreboard_sent_again(&f->board, why, seq, length, max);
        }
        if (why == SACK_NEXT_LOST || why == SACK_NEXT_HOLE) {
            map->high_rxt = map_seq + map_length;
        } else if (why == SACK_NEXT_RESCUE) {
            map->rescue_rxt = map->max;
            map->rescue_set = true;
        }
        break;
    }
    default:
        random_take(map, f, rng);
        break;
    }
}

static void against_bytes(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 6675, "scoreboard");
    for (unsigned round = 0; round < 1000; round++) {
        struct map map = {
            .zero = round % 2 == 0 ? 0u - (uint32_t)rng_below(&rng, MAP_BYTES) : (uint32_t)rng_u64(&rng),
            .max = 1 + (uint32_t)rng_below(&rng, 100),
            .mss = 1 + (uint32_t)rng_below(&rng, 12),
            .threshold = rng_below(&rng, 3) == 0 ? 1 + (uint32_t)rng_below(&rng, 5) : 3,
        };
        struct fixture f;

        begin(&f);
        for (unsigned step = 0; step < 60; step++) {
            random_step(&map, &f, &rng);
            scoreboard_mark_lost(&f.board, map.zero + map.una, map.mss, map.threshold);
            map_is_lost(&map);
            assert_same(&map, &f);
        }
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
