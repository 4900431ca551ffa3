/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/sack_map.c - the sender's scoreboard against the definitions of RFC 6675, byte by byte. */
#include <string.h>

#include "flue/wire.h"
#include "base/rng.h"
#include "board.h"

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
    assert_true(scoreboard_consistent(board));
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

/* As an image brings it in. */
static void adopt(struct fixture *f)
{
    for (struct sack_range *range = f->board.head; range != NULL; range = range->next) {
        range->prev = NULL;
    }
    f->board.above = f->board.head;
    f->board.ranges = 99;
    f->board.sacked_bytes = 99;
    f->board.rxt_bytes = 99;
    scoreboard_adopt(&f->board);
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
            adopt(f);
        } else if (rng_below(rng, 3) == 0) {
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

#define LONG_BYTES 800000u

/* The same for thousands of ranges: what changes is counted along, so that a step costs no walk over the map. */
struct long_map {
    bool sacked[LONG_BYTES + 1];
    uint32_t zero, una, max, mss;
    uint32_t sacked_bytes;
};

static void long_take(struct long_map *map, struct fixture *f, const struct flue_sack_block *blocks, unsigned count)
{
    struct flue_sack_block wire[FLUE_SACK_BLOCKS];
    uint32_t news = 0;
    bool dsack;

    for (unsigned i = 0; i < count; i++) {
        wire[i] = (struct flue_sack_block){.from = map->zero + blocks[i].from, .to = map->zero + blocks[i].to};
        for (uint32_t k = blocks[i].from; k < blocks[i].to; k++) {
            news += map->sacked[k] ? 0u : 1u;
            map->sacked[k] = true;
        }
    }
    map->sacked_bytes += news;
    assert_int_equal(scoreboard_take(&f->board, &f->pool, map->zero + map->una, map->zero + map->max,
                                     map->zero + map->una, wire, count, &dsack),
                     news);
    assert_int_equal(f->board.sacked_bytes, map->sacked_bytes);
}

/* The whole stretch around a byte that is SACKed. */
static struct flue_sack_block long_stretch(const struct long_map *map, uint32_t at)
{
    struct flue_sack_block block = {.from = at, .to = at + 1};

    while (map->sacked[block.from - 1]) {
        block.from--;
    }
    while (map->sacked[block.to]) {
        block.to++;
    }
    return block;
}

/* The cumulative acknowledgement goes on to the first hole at or behind `to`. */
static void long_advance(struct long_map *map, struct fixture *f, uint32_t to)
{
    while (map->una < map->max && (map->una < to || map->sacked[map->una])) {
        map->sacked_bytes -= map->sacked[map->una];
        map->una++;
    }
    scoreboard_advance(&f->board, &f->pool, map->zero + map->una);
}

/* IsLost(), SetPipe() and NextSeg() by the definitions. */
static void long_compare(const struct long_map *map, const struct fixture *f, uint32_t high_rxt)
{
    uint32_t bytes = 0;
    uint32_t ranges = 0;
    uint32_t pipe = 0;
    uint32_t next = map->max;
    uint32_t seq = 0;
    uint32_t length = 0;
    enum sack_next why;

    for (uint32_t i = map->max; i-- > map->una;) {
        if (map->sacked[i]) {
            bytes++;
            ranges += map->sacked[i - 1] ? 0 : 1;
        } else {
            bool lost = ranges >= 3 || bytes > 2 * map->mss;

            pipe += (lost ? 0u : 1u) + (i < high_rxt ? 1u : 0u);
            next = lost && i >= high_rxt ? i : next;
        }
    }
    assert_int_equal(f->board.ranges, ranges);
    assert_int_equal(scoreboard_pipe(&f->board, map->zero + map->una, map->zero + map->max), pipe);
    why = scoreboard_next(&f->board, map->zero + map->una, map->zero + map->max, map->mss, true, &seq, &length);
    assert_int_equal(why, next < map->max ? SACK_NEXT_LOST : SACK_NEXT_NEW);
    assert_int_equal(seq - map->zero, next);
    assert_true(scoreboard_consistent(&f->board));
}

/* Slow start's overshoot: half of what is sent is lost.  Blocks come at the right end, three at a time; what is sent
 * again comes at the left and is lost now and then, too; and now and then a block comes in the middle. */
static void long_overshoot(void **state)
{
    static struct long_map map;
    struct rng rng;

    (void)state;
    rng_init(&rng, 6675, "overshoot");
    for (unsigned round = 0; round < 8; round++) {
        struct flue_sack_block told[3] = {{0, 0}, {0, 0}, {0, 0}};
        uint32_t mss = 250 + (uint32_t)rng_below(&rng, 100);
        struct fixture f;
        uint32_t edge = mss; /* what arrives next */
        uint32_t repeated = 0;
        uint32_t most = 0;

        memset(&map, 0, sizeof(map));
        map.zero = round % 2 == 0 ? 0u - (uint32_t)rng_below(&rng, LONG_BYTES) : (uint32_t)rng_u64(&rng);
        map.max = LONG_BYTES;
        map.mss = mss;
        begin(&f);
        for (unsigned step = 0; map.una < map.max && step < 20000; step++) {
            uint32_t seq;
            uint32_t length;
            enum sack_next why;

            if (edge + mss <= map.max && (step < 1200 || rng_below(&rng, 2) == 0)) {
                unsigned count = 1;

                told[2] = told[1];
                told[1] = told[0];
                told[0] = (struct flue_sack_block){.from = edge, .to = edge + mss};
                while (count < 3 && told[count].from > map.una) {
                    told[count] = long_stretch(&map, told[count].from);
                    count++;
                }
                long_take(&map, &f, told, count);
                edge += mss * (rng_below(&rng, 4) == 0 ? 1 : 2);
            }
            if (rng_below(&rng, 64) == 0) {
                uint32_t from = map.una + 1 + (uint32_t)rng_below(&rng, map.max - map.una);
                struct flue_sack_block block = {.from = from, .to = from + 1 + (uint32_t)rng_below(&rng, 2 * mss)};

                if (block.to <= map.max) {
                    long_take(&map, &f, &block, 1);
                }
            }
            scoreboard_mark_lost(&f.board, map.zero + map.una, mss, 3);
            most = f.board.ranges > most ? f.board.ranges : most;
            if (step == 1000) {
                scoreboard_begin_recovery(&f.board, map.zero + map.una, mss);
                repeated = map.una + mss;
            } else if (step > 1000) {
                why = scoreboard_next(&f.board, map.zero + map.una, map.zero + map.max, mss, false, &seq, &length);
                if (why == SACK_NEXT_LOST || why == SACK_NEXT_HOLE) {
                    scoreboard_sent_again(&f.board, why, seq, length, map.zero + map.max);
                    repeated = seq - map.zero + length;
                    if (seq - map.zero == map.una) {
                        long_advance(&map, &f, map.una + length);
                    } else if (rng_below(&rng, 40) != 0) {
                        struct flue_sack_block block;

                        memset(map.sacked + (seq - map.zero), 1, length);
                        block = long_stretch(&map, seq - map.zero);
                        memset(map.sacked + (seq - map.zero), 0, length);
                        long_take(&map, &f, &block, 1);
                    }
                } else if (edge + mss > map.max) {
                    long_advance(&map, &f, map.una + mss); /* the timer has sent it */
                    repeated = map.una;                    /* a new recovery */
                    if (map.una < map.max) {
                        scoreboard_begin_recovery(&f.board, map.zero + map.una, 1);
                        repeated++;
                    }
                }
                scoreboard_mark_lost(&f.board, map.zero + map.una, mss, 3);
            }
            if (step == 1000 || step % 256 == 0) {
                long_compare(&map, &f, repeated);
            }
        }
        assert_true(most > 500);
        assert_int_equal(map.una, map.max);
        assert_int_equal(f.board.ranges, 0);
        end(&f);
    }
}

/* As many ranges as what is outstanding allows; beyond it a block can only make one larger. */
static void ranges_are_bounded(void **state)
{
    static const uint32_t outstanding[] = {1000, 100000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(outstanding); i++) {
        uint32_t most = outstanding[i] / 256 + 64;
        uint32_t una = UINT32_MAX - 100;
        struct flue_sack_block block;
        struct fixture f;
        bool dsack;

        begin(&f);
        for (uint32_t k = 1; k <= most + 10; k++) {
            block = (struct flue_sack_block){.from = una + 2 * k, .to = una + 2 * k + 1};
            assert_int_equal(scoreboard_take(&f.board, &f.pool, una, una + outstanding[i], una, &block, 1, &dsack),
                             k <= most);
        }
        assert_int_equal(f.board.ranges, most);
        assert_int_equal(pool_live(&f.pool), most);
        block = (struct flue_sack_block){.from = una + 3, .to = una + 4};
        assert_int_equal(scoreboard_take(&f.board, &f.pool, una, una + outstanding[i], una, &block, 1, &dsack), 1);
        assert_int_equal(f.board.ranges, most - 1);
        assert_true(scoreboard_consistent(&f.board));
        end(&f);
    }
}

/* A block far from both ends is left out, and nothing is harmed. */
static void search_is_bounded(void **state)
{
    const uint32_t ranges = 3 * SCOREBOARD_MOST_STEPS;
    const uint32_t una = UINT32_MAX - ranges;
    const uint32_t max = una + 4 * 256 * ranges;
    struct flue_sack_block block;
    struct fixture f;
    bool dsack;

    (void)state;
    begin(&f);
    for (uint32_t k = 1; k <= ranges; k++) {
        block = (struct flue_sack_block){.from = una + 4 * k, .to = una + 4 * k + 1};
        assert_int_equal(scoreboard_take(&f.board, &f.pool, una, max, una, &block, 1, &dsack), 1);
    }
    block = (struct flue_sack_block){.from = una + 2 * ranges + 1, .to = una + 2 * ranges + 4};
    assert_int_equal(scoreboard_take(&f.board, &f.pool, una, max, una, &block, 1, &dsack), 0);
    assert_int_equal(f.board.ranges, ranges);
    block = (struct flue_sack_block){.from = una + 4 * ranges - 2, .to = una + 4 * ranges - 1};
    assert_int_equal(scoreboard_take(&f.board, &f.pool, una, max, una, &block, 1, &dsack), 1);
    block = (struct flue_sack_block){.from = una + 2, .to = una + 3};
    assert_int_equal(scoreboard_take(&f.board, &f.pool, una, max, una, &block, 1, &dsack), 1);
    scoreboard_begin_recovery(&f.board, una, 2 * ranges); /* a third place to begin at */
    block = (struct flue_sack_block){.from = una + 2 * ranges + 2, .to = una + 2 * ranges + 3};
    assert_int_equal(scoreboard_take(&f.board, &f.pool, una, max, una, &block, 1, &dsack), 1);
    assert_true(scoreboard_consistent(&f.board));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_bytes),
        cmocka_unit_test(long_overshoot),
        cmocka_unit_test(ranges_are_bounded),
        cmocka_unit_test(search_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
