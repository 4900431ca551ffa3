/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/sack.c - the sender's scoreboard: tables from the documents. */
#include <string.h>

#include "flue/wire.h"
#include "board.h"

static const uint32_t bases[] = {0, 12345, UINT32_MAX - 700, UINT32_MAX - 4000, 0x7ffff000u};

struct block {
    uint32_t from, to;
};

/* Takes blocks given relative to zero; a block 0-0 ends the list. */
static uint32_t take(struct fixture *f, uint32_t zero, uint32_t una, uint32_t max, uint32_t ack,
                     const struct block *blocks, bool *dsack)
{
    struct flue_sack_block wire[FLUE_SACK_BLOCKS];
    unsigned count = 0;

    while (count < FLUE_SACK_BLOCKS && (blocks[count].from != 0 || blocks[count].to != 0)) {
        wire[count] = (struct flue_sack_block){.from = zero + blocks[count].from, .to = zero + blocks[count].to};
        count++;
    }
    return scoreboard_take(&f->board, &f->pool, zero + una, zero + max, zero + ack, wire, count, dsack);
}

static void assert_ranges(const struct fixture *f, uint32_t zero, const struct block *expected, size_t limit)
{
    const struct sack_range *range = f->board.head;
    uint32_t bytes = 0;
    size_t n = 0;

    for (; n < limit && expected[n].to != 0; n++, range = range->next) {
        assert_non_null(range);
        assert_int_equal(range->from - zero, expected[n].from);
        assert_int_equal(range->to - zero, expected[n].to);
        bytes += expected[n].to - expected[n].from;
    }
    assert_null(range);
    assert_int_equal(f->board.ranges, n);
    assert_int_equal(f->board.sacked_bytes, bytes);
}

/* SND.UNA 1000, SND.MAX 2000. */
static void blocks_become_ranges(void **state)
{
    static const struct {
        struct block in[FLUE_SACK_BLOCKS];
        struct block more[FLUE_SACK_BLOCKS];
        uint32_t news, more_news;
        struct block out[FLUE_SACK_BLOCKS];
    } cases[] = {
        {.in = {{1100, 1200}}, .news = 100, .out = {{1100, 1200}}},
        {.in = {{1100, 1200}}, .more = {{1100, 1200}}, .news = 100, .out = {{1100, 1200}}},
        {.in = {{1100, 1200}}, .more = {{1200, 1300}}, .news = 100, .more_news = 100, .out = {{1100, 1300}}},
        {.in = {{1100, 1200}}, .more = {{1050, 1100}}, .news = 100, .more_news = 50, .out = {{1050, 1200}}},
        {.in = {{1100, 1200}}, .more = {{1050, 1250}}, .news = 100, .more_news = 100, .out = {{1050, 1250}}},
        {.in = {{1100, 1200}}, .more = {{1120, 1180}}, .news = 100, .out = {{1100, 1200}}},
        {.in = {{1100, 1200}},
         .more = {{1201, 1300}},
         .news = 100,
         .more_news = 99,
         .out = {{1100, 1200}, {1201, 1300}}},
        {.in = {{1500, 1600}, {1300, 1400}, {1100, 1200}},
         .more = {{1150, 1550}},
         .news = 300,
         .more_news = 200,
         .out = {{1100, 1600}}},
        {.in = {{1500, 1600}, {1300, 1400}, {1100, 1200}},
         .more = {{1400, 1500}},
         .news = 300,
         .more_news = 100,
         .out = {{1100, 1200}, {1300, 1600}}},
        {.in = {{1500, 1600}, {1300, 1400}, {1100, 1200}},
         .more = {{1050, 1700}},
         .news = 300,
         .more_news = 350,
         .out = {{1050, 1700}}},
        {.in = {{1001, 1002}, {1999, 2000}}, .news = 2, .out = {{1001, 1002}, {1999, 2000}}},
        /* not valid: at una, across it, below it, beyond max, empty, reversed, half the space away */
        {.in = {{1000, 1100}, {900, 1100}, {500, 600}, {1900, 2001}}},
        {.in = {{2000, 2100}, {1100, 1100}, {1200, 1100}, {1100, 1100 + 0x80000001u}}},
        {.in = {{1500, 1600}, {2100, 2200}, {1300, 1400}}, .news = 200, .out = {{1300, 1400}, {1500, 1600}}},
    };

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct fixture f;
            bool dsack;

            begin(&f);
            assert_int_equal(take(&f, bases[b], 1000, 2000, 1000, cases[i].in, &dsack), cases[i].news);
            assert_int_equal(take(&f, bases[b], 1000, 2000, 1000, cases[i].more, &dsack), cases[i].more_news);
            assert_ranges(&f, bases[b], cases[i].out, FLUE_SACK_BLOCKS);
            end(&f);
        }
    }
}

static void acknowledged_ranges_go(void **state)
{
    static const struct {
        uint32_t una;
        struct block out[4];
        bool reneged;
    } cases[] = {
        {1000, {{1100, 1200}, {1300, 1400}, {1500, 1600}}, false},
        {1099, {{1100, 1200}, {1300, 1400}, {1500, 1600}}, false},
        {1100, {{1100, 1200}, {1300, 1400}, {1500, 1600}}, true},
        {1150, {{1150, 1200}, {1300, 1400}, {1500, 1600}}, true},
        {1200, {{1300, 1400}, {1500, 1600}}, false},
        {1399, {{1399, 1400}, {1500, 1600}}, true},
        {1600, {{0, 0}}, false},
        {2000, {{0, 0}}, false},
    };
    static const struct block in[] = {{1500, 1600}, {1300, 1400}, {1100, 1200}, {0, 0}};

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct fixture f;
            bool dsack;

            begin(&f);
            take(&f, bases[b], 1000, 2000, 1000, in, &dsack);
            scoreboard_advance(&f.board, &f.pool, bases[b] + cases[i].una);
            assert_ranges(&f, bases[b], cases[i].out, 4);
            assert_int_equal(scoreboard_reneged(&f.board, bases[b] + cases[i].una), cases[i].reneged);
            end(&f);
        }
    }
}

/* The ACKs of the examples in RFC 2018 7 and RFC 2883 4, as the sender sees them; each line goes on where the one
 * before it ended, a line with `fresh` begins a new example.  max is far away. */
static void examples_of_the_documents(void **state)
{
    static const struct {
        bool fresh;
        uint32_t ack;
        struct block blocks[FLUE_SACK_BLOCKS];
        bool dsack;
        uint32_t sacked_bytes;
    } lines[] = {
        /* RFC 2018 7, case 2: the first of eight segments is lost */
        {true, 5000, {{5500, 6000}}, false, 500},
        {false, 5000, {{5500, 6500}}, false, 1000},
        {false, 5000, {{5500, 9000}}, false, 3500},
        /* case 3: each second one is lost, two come late */
        {true, 5500, {{0, 0}}, false, 0},
        {false, 5500, {{6000, 6500}}, false, 500},
        {false, 5500, {{7000, 7500}, {6000, 6500}}, false, 1000},
        {false, 5500, {{8000, 8500}, {7000, 7500}, {6000, 6500}}, false, 1500},
        {false, 5500, {{6000, 7500}, {8000, 8500}}, false, 2000},
        {false, 7500, {{8000, 8500}}, false, 500},
        /* RFC 2883 4.1.1: a duplicate segment */
        {true, 4000, {{3000, 3500}}, true, 0},
        /* 4.1.2: a segment out of order and a duplicate */
        {true, 4000, {{4500, 5000}}, false, 500},
        {false, 4000, {{3000, 3500}, {4500, 5000}}, true, 500},
        /* 4.1.3: a duplicate of a segment out of order */
        {true, 4000, {{4500, 5000}}, false, 500},
        {false, 4000, {{4500, 5500}}, false, 1000},
        {false, 4000, {{5000, 5500}, {4500, 5500}}, true, 1000},
        /* 4.2.1: a part is a duplicate */
        {true, 1000, {{2000, 2500}}, false, 500},
        {false, 1500, {{2000, 2500}}, false, 500},
        {false, 2500, {{1000, 1500}}, true, 0},
        /* 4.2.2: two parts */
        {true, 1000, {{3000, 3500}}, false, 500},
        {false, 1500, {{3000, 3500}}, false, 500},
        {false, 1500, {{2000, 2500}, {3000, 3500}}, false, 1000},
        {false, 2500, {{1000, 1500}, {3000, 3500}}, true, 500},
        /* 4.2.3: two parts, both above the acknowledgement */
        {true, 1000, {{3500, 4000}}, false, 500},
        {false, 1000, {{1500, 2000}, {3500, 4000}}, false, 1000},
        {false, 1000, {{2500, 3000}, {1500, 2000}, {3500, 4000}}, false, 1500},
        {false, 1000, {{1500, 2000}, {1500, 3000}, {3500, 4000}}, true, 2000},
        /* the same block twice; a first block that is longer than the second; nonsense below the acknowledgement */
        {true, 1000, {{1500, 2000}, {1500, 2000}}, true, 500},
        {true, 1000, {{1500, 2000}, {1600, 2000}}, false, 500},
        {true, 1000, {{900, 800}}, false, 0},
        {true, 1000, {{800, 800}}, false, 0},
        {true, 1000, {{800, 1100}}, false, 0},
    };

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        struct fixture f;

        begin(&f);
        for (size_t i = 0; i < COUNT_OF(lines); i++) {
            uint32_t una = bases[b] + lines[i].ack;
            bool dsack;

            if (lines[i].fresh) {
                end(&f);
                begin(&f);
            }
            take(&f, bases[b], lines[i].ack, 20000, lines[i].ack, lines[i].blocks, &dsack);
            scoreboard_advance(&f.board, &f.pool, una);
            assert_int_equal(dsack, lines[i].dsack);
            assert_int_equal(f.board.sacked_bytes, lines[i].sacked_bytes);
        }
        end(&f);
    }
}

/* A block that was above the acknowledgement of a segment that came late is no duplicate, though it is below SND.UNA.
 */
static void late_segment_is_no_duplicate(void **state)
{
    static const struct block in[] = {{1500, 2000}, {0, 0}};
    struct fixture f;
    bool dsack;

    (void)state;
    begin(&f);
    assert_int_equal(take(&f, UINT32_MAX - 1800, 3000, 4000, 1000, in, &dsack), 0);
    assert_false(dsack);
    assert_int_equal(take(&f, UINT32_MAX - 1800, 3000, 4000, 3000, in, &dsack), 0);
    assert_true(dsack);
    end(&f);
}

/* IsLost() with segments of 100 bytes: una 1000, max 3000, DupThresh 3.  edge 0: nothing is lost. */
static void lost_by_ranges_or_bytes(void **state)
{
    static const struct {
        struct block in[FLUE_SACK_BLOCKS];
        uint32_t threshold, edge, pipe;
    } cases[] = {
        {{{0, 0}}, 3, 0, 2000},
        {{{1100, 1200}}, 3, 0, 1900},
        {{{1100, 1300}}, 3, 0, 1800}, /* two segments: not more than (3 - 1) x SMSS */
        {{{1100, 1301}}, 3, 1100, 1699},
        {{{1100, 1200}, {1300, 1400}}, 3, 0, 1800},
        {{{1100, 1110}, {1300, 1310}, {1500, 1510}}, 3, 1100, 1870},
        {{{1100, 1110}, {1300, 1310}, {1500, 1510}, {1700, 1710}}, 3, 1300, 1670},
        {{{1100, 1200}, {1300, 1501}}, 3, 1300, 1499},
        {{{1100, 1200}, {1300, 1500}}, 3, 1100, 1600}, /* 300 above 1000, 200 above 1200 */
        {{{1100, 1101}}, 1, 1100, 1899},
        {{{1100, 1101}, {1200, 1201}}, 2, 1100, 1898},
        {{{1100, 1200}, {1201, 1202}}, 2, 1100, 1799},
    };

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            uint32_t zero = bases[b];
            struct fixture f;
            bool dsack;

            begin(&f);
            take(&f, zero, 1000, 3000, 1000, cases[i].in, &dsack);
            scoreboard_mark_lost(&f.board, zero + 1000, 100, cases[i].threshold);
            assert_int_equal(scoreboard_is_lost(&f.board, zero + 1000), cases[i].edge != 0);
            if (cases[i].edge != 0) {
                assert_int_equal(f.board.lost_edge - zero, cases[i].edge);
                assert_true(scoreboard_is_lost(&f.board, zero + cases[i].edge - 1));
            }
            assert_false(scoreboard_is_lost(&f.board, zero + 2999));
            assert_int_equal(scoreboard_pipe(&f.board, zero + 1000, zero + 3000), cases[i].pipe);
            end(&f);
        }
    }
}

struct answer {
    enum sack_next why;
    uint32_t seq, length, pipe; /* pipe: after it has left */
};

/* Asks, compares, and tells that it has left; new data is told of only if the answer expected is rule 2. */
static void assert_next(struct fixture *f, uint32_t zero, uint32_t una, uint32_t max, struct answer expected)
{
    uint32_t seq = 77;
    uint32_t length = 88;
    enum sack_next why =
        scoreboard_next(&f->board, zero + una, zero + max, 100, expected.why == SACK_NEXT_NEW, &seq, &length);

    assert_int_equal(why, expected.why);
    if (why == SACK_NEXT_NONE) {
        assert_int_equal(seq, 77);
        assert_int_equal(length, 88);
    } else {
        assert_int_equal(seq - zero, expected.seq);
        assert_int_equal(length, expected.length);
    }
    scoreboard_sent_again(&f->board, why, seq, length, zero + max);
    assert_int_equal(scoreboard_pipe(&f->board, zero + una, zero + max), expected.pipe);
}

/* One recovery, through all four rules: una 1000, max 3000, segments of 100 bytes. */
static void recovery_through_all_rules(void **state)
{
    static const struct block in[] = {{2200, 2650}, {1500, 1600}, {0, 0}};
    static const struct block more[] = {{2900, 3000}, {0, 0}};

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        uint32_t zero = bases[b];
        struct fixture f;
        bool dsack;

        begin(&f);
        take(&f, zero, 1000, 3000, 1000, in, &dsack);
        scoreboard_mark_lost(&f.board, zero + 1000, 100, 3);
        assert_int_equal(f.board.lost_edge - zero, 2200);
        assert_int_equal(scoreboard_pipe(&f.board, zero + 1000, zero + 3000), 350);
        scoreboard_begin_recovery(&f.board, zero + 1000, 100);
        assert_int_equal(scoreboard_pipe(&f.board, zero + 1000, zero + 3000), 450);
        for (uint32_t k = 0; k < 4; k++) {
            assert_next(&f, zero, 1000, 3000, (struct answer){SACK_NEXT_LOST, 1100 + 100 * k, 100, 550 + 100 * k});
        }
        for (uint32_t k = 0; k < 6; k++) {
            assert_next(&f, zero, 1000, 3000, (struct answer){SACK_NEXT_LOST, 1600 + 100 * k, 100, 950 + 100 * k});
        }
        assert_next(&f, zero, 1000, 3000, (struct answer){SACK_NEXT_NEW, 3000, 100, 1450});
        /* All below the highest SACK has been retransmitted; the rescue waits for an ACK beyond the first segment. */
        assert_next(&f, zero, 1000, 3000, (struct answer){SACK_NEXT_NONE, 0, 0, 1450});
        scoreboard_advance(&f.board, &f.pool, zero + 1100);
        assert_next(&f, zero, 1100, 3000, (struct answer){SACK_NEXT_NONE, 0, 0, 1350});
        scoreboard_advance(&f.board, &f.pool, zero + 1200);
        /* A hole above what was retransmitted appears, not yet lost: rule 3, in two pieces and a half. */
        take(&f, zero, 1200, 3000, 1200, more, &dsack);
        scoreboard_mark_lost(&f.board, zero + 1200, 100, 3);
        assert_next(&f, zero, 1200, 3000, (struct answer){SACK_NEXT_HOLE, 2650, 100, 1250});
        assert_next(&f, zero, 1200, 3000, (struct answer){SACK_NEXT_HOLE, 2750, 100, 1350});
        assert_next(&f, zero, 1200, 3000, (struct answer){SACK_NEXT_HOLE, 2850, 50, 1400});
        /* Rule 4: the highest byte that is outstanding, once. */
        assert_next(&f, zero, 1200, 3000, (struct answer){SACK_NEXT_RESCUE, 2800, 100, 1400});
        assert_next(&f, zero, 1200, 3000, (struct answer){SACK_NEXT_NONE, 0, 0, 1400});
        scoreboard_advance(&f.board, &f.pool, zero + 3000);
        assert_null(f.board.head);
        assert_int_equal(f.board.valid, SCOREBOARD_RESCUE); /* until the first byte sent after the recovery point */
        scoreboard_advance(&f.board, &f.pool, zero + 3001);
        assert_int_equal(f.board.valid, 0);
        end(&f);
    }
}

/* After the timer all holes are walked through, also what is above the highest SACK, and no rescue follows. */
static void timeout_walks_all_holes(void **state)
{
    static const struct block in[] = {{1100, 1200}, {1350, 1400}, {0, 0}};

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        uint32_t zero = bases[b];
        struct fixture f;
        bool dsack;

        begin(&f);
        take(&f, zero, 1000, 1550, 1000, in, &dsack);
        scoreboard_begin_recovery(&f.board, zero + 1000, 100);
        scoreboard_all_lost(&f.board, zero + 1000, zero + 1550);
        scoreboard_mark_lost(&f.board, zero + 1000, 100, 3);
        assert_int_equal(scoreboard_pipe(&f.board, zero + 1000, zero + 1550), 0);
        assert_next(&f, zero, 1000, 1550, (struct answer){SACK_NEXT_LOST, 1000, 100, 100});
        assert_next(&f, zero, 1000, 1550, (struct answer){SACK_NEXT_LOST, 1200, 100, 200});
        assert_next(&f, zero, 1000, 1550, (struct answer){SACK_NEXT_LOST, 1300, 50, 250});
        assert_next(&f, zero, 1000, 1550, (struct answer){SACK_NEXT_LOST, 1400, 100, 350});
        assert_next(&f, zero, 1000, 1550, (struct answer){SACK_NEXT_LOST, 1500, 50, 400});
        assert_next(&f, zero, 1000, 1550, (struct answer){SACK_NEXT_NONE, 0, 0, 400});
        assert_next(&f, zero, 1000, 1650, (struct answer){SACK_NEXT_NONE, 0, 0, 500});
        scoreboard_advance(&f.board, &f.pool, zero + 1550);
        assert_int_equal(f.board.valid, SCOREBOARD_RESCUE);
        scoreboard_all_lost(&f.board, zero + 1550, zero + 1550);
        assert_int_equal(f.board.valid, 0);
        end(&f);
    }
}

static void ranges_without_memory_are_left_out(void **state)
{
    static const struct block first[] = {{1100, 1200}, {0, 0}};
    struct flue_sack_block block;
    struct fixture f;
    uint32_t ranges = 0;
    bool dsack;

    (void)state;
    begin(&f);
    manual_env_fail(&f.m, 1);
    assert_int_equal(take(&f, 0, 1000, 9000, 1000, first, &dsack), 0);
    assert_null(f.board.head);
    assert_int_equal(f.board.sacked_bytes, 0);
    manual_env_fail(&f.m, 2);
    do { /* until the first chunk is full */
        block = (struct flue_sack_block){.from = 1100 + 4 * ranges, .to = 1102 + 4 * ranges};
        ranges++;
    } while (scoreboard_take(&f.board, &f.pool, 1000, 90000, 1000, &block, 1, &dsack) == 2);
    assert_int_equal(f.board.ranges, ranges - 1);
    assert_int_equal(f.board.sacked_bytes, 2 * (ranges - 1));
    block = (struct flue_sack_block){.from = 1102, .to = 1104}; /* joining needs none */
    assert_int_equal(scoreboard_take(&f.board, &f.pool, 1000, 90000, 1000, &block, 1, &dsack), 2);
    assert_int_equal(f.board.ranges, ranges - 2);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_become_ranges),      cmocka_unit_test(acknowledged_ranges_go),
        cmocka_unit_test(examples_of_the_documents), cmocka_unit_test(late_segment_is_no_duplicate),
        cmocka_unit_test(lost_by_ranges_or_bytes),   cmocka_unit_test(recovery_through_all_rules),
        cmocka_unit_test(timeout_walks_all_holes),   cmocka_unit_test(ranges_without_memory_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
