/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/sack_report.c - the receiver's SACK blocks: examples of the documents, and against a map of bytes. */
#include <string.h>

#include "support/manual_env.h"
#include "support/test.h"
#include "base/rng.h"
#include "tcp/sack_report.h"
#include "tcp/scoreboard.h"

/* A receiver made of the two mechanisms, put together as an engine does it. */
struct receiver {
    struct manual_env m;
    struct pool pieces;
    struct reassembly queue;
    struct sack_report report;
    uint32_t rcv_nxt;
};

static void begin(struct receiver *r, uint32_t rcv_nxt)
{
    memset(r, 0xa5, sizeof(*r));
    manual_env_init(&r->m, 1);
    pool_init(&r->pieces, &r->m.env, sizeof(struct piece));
    r->queue = (struct reassembly){0};
    r->report = (struct sack_report){0};
    r->rcv_nxt = rcv_nxt;
}

static void end(struct receiver *r)
{
    reassembly_clear(&r->queue, &r->pieces);
    assert_int_equal(pool_live(&r->pieces), 0);
    pool_dispose(&r->pieces);
    assert_true(manual_env_clean(&r->m));
}

static void arrive(struct receiver *r, uint32_t seq, uint32_t length, bool psh)
{
    uint32_t old = seq_lt(seq, r->rcv_nxt) ? r->rcv_nxt - seq : 0;
    struct flue_span span = {.stream = 1, .offset_bytes = seq, .length_bytes = length};
    struct flue_sack_block duplicate;

    old = old < length ? old : length;
    sack_report_duplicate(&r->report, seq, seq + old);
    span.offset_bytes += old;
    span.length_bytes -= old;
    if (span.length_bytes > 0) {
        sack_report_arrived(
            &r->report, r->rcv_nxt,
            reassembly_insert(&r->queue, &r->pieces, r->rcv_nxt, seq + old, &span, psh, 1u << 24, &duplicate, NULL));
        if (old == 0) {
            sack_report_duplicate(&r->report, duplicate.from, duplicate.to);
        }
    }
    while (reassembly_take(&r->queue, &r->pieces, r->rcv_nxt, &span, &psh)) {
        r->rcv_nxt += span.length_bytes;
    }
}

static const uint32_t bases[] = {0, 12345, UINT32_MAX - 1200, UINT32_MAX - 5700, 0x7ffff000u};

/* RFC 2018 7 and RFC 2883 4: what arrives, and the ACK that answers; a line with `start` begins a new example. */
static void examples_of_the_documents(void **state)
{
    static const struct {
        uint32_t start, from, to, ack;
        struct flue_sack_block blocks[FLUE_SACK_BLOCKS];
    } lines[] = {
        /* RFC 2018 7, case 1: the last four of eight are lost */
        {5000, 5000, 5500, 5500, {{0, 0}}},
        {0, 5500, 6000, 6000, {{0, 0}}},
        {0, 6000, 6500, 6500, {{0, 0}}},
        {0, 6500, 7000, 7000, {{0, 0}}},
        /* case 2: the first is lost */
        {5000, 5500, 6000, 5000, {{5500, 6000}}},
        {0, 6000, 6500, 5000, {{5500, 6500}}},
        {0, 6500, 7000, 5000, {{5500, 7000}}},
        {0, 7000, 7500, 5000, {{5500, 7500}}},
        {0, 7500, 8000, 5000, {{5500, 8000}}},
        {0, 8000, 8500, 5000, {{5500, 8500}}},
        {0, 8500, 9000, 5000, {{5500, 9000}}},
        /* case 3: each second one is lost; then the fourth and the second come */
        {5000, 5000, 5500, 5500, {{0, 0}}},
        {0, 6000, 6500, 5500, {{6000, 6500}}},
        {0, 7000, 7500, 5500, {{7000, 7500}, {6000, 6500}}},
        {0, 8000, 8500, 5500, {{8000, 8500}, {7000, 7500}, {6000, 6500}}},
        {0, 6500, 7000, 5500, {{6000, 7500}, {8000, 8500}}},
        {0, 5500, 6000, 7500, {{8000, 8500}}},
        /* RFC 2883 4.1.1: a duplicate segment */
        {3000, 3000, 3500, 3500, {{0, 0}}},
        {0, 3500, 4000, 4000, {{0, 0}}},
        {0, 3000, 3500, 4000, {{3000, 3500}}},
        /* 4.1.2: a segment out of order and a duplicate */
        {3000, 3000, 3500, 3500, {{0, 0}}},
        {0, 3500, 4000, 4000, {{0, 0}}},
        {0, 4500, 5000, 4000, {{4500, 5000}}},
        {0, 3000, 3500, 4000, {{3000, 3500}, {4500, 5000}}},
        /* 4.1.3: a duplicate of a segment out of order */
        {3500, 3500, 4000, 4000, {{0, 0}}},
        {0, 4500, 5000, 4000, {{4500, 5000}}},
        {0, 5000, 5500, 4000, {{4500, 5500}}},
        {0, 5000, 5500, 4000, {{5000, 5500}, {4500, 5500}}},
        /* 4.2.1: a part is a duplicate */
        {500, 500, 1000, 1000, {{0, 0}}},
        {0, 2000, 2500, 1000, {{2000, 2500}}},
        {0, 1000, 1500, 1500, {{2000, 2500}}},
        {0, 1000, 2000, 2500, {{1000, 1500}}},
        /* 4.2.2: two parts: the first one is told */
        {500, 500, 1000, 1000, {{0, 0}}},
        {0, 3000, 3500, 1000, {{3000, 3500}}},
        {0, 1000, 1500, 1500, {{3000, 3500}}},
        {0, 2000, 2500, 1500, {{2000, 2500}, {3000, 3500}}},
        {0, 1000, 2500, 2500, {{1000, 1500}, {3000, 3500}}},
        /* 4.2.3: two parts, both above the acknowledgement */
        {500, 500, 1000, 1000, {{0, 0}}},
        {0, 3500, 4000, 1000, {{3500, 4000}}},
        {0, 1500, 2000, 1000, {{1500, 2000}, {3500, 4000}}},
        {0, 2500, 3000, 1000, {{2500, 3000}, {1500, 2000}, {3500, 4000}}},
        {0, 1500, 3000, 1000, {{1500, 2000}, {1500, 3000}, {3500, 4000}}},
    };

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases) * 2; b++) {
        uint32_t zero = bases[b / 2];
        struct receiver r;

        begin(&r, 0);
        for (size_t i = 0; i < COUNT_OF(lines); i++) {
            struct flue_sack_block out[FLUE_SACK_BLOCKS];
            unsigned count;

            if (lines[i].start != 0) {
                end(&r);
                begin(&r, zero + lines[i].start);
            }
            arrive(&r, zero + lines[i].from, lines[i].to - lines[i].from, b % 2 == 0); /* PSH: pieces are not joined */
            count = sack_report_blocks(&r.report, &r.queue, r.rcv_nxt, out, 3);
            assert_int_equal(r.rcv_nxt - zero, lines[i].ack);
            for (unsigned k = 0; k < FLUE_SACK_BLOCKS && lines[i].blocks[k].to != 0; k++) {
                assert_true(k < count);
                assert_int_equal(out[k].from - zero, lines[i].blocks[k].from);
                assert_int_equal(out[k].to - zero, lines[i].blocks[k].to);
            }
            assert_true(count == FLUE_SACK_BLOCKS || lines[i].blocks[count].to == 0);
            assert_int_equal(r.report.dsack_due, 0);
        }
        end(&r);
    }
}

/* The first stretch of a segment 10..50 that was there before, with pieces that touch one another or do not. */
static void first_duplicate_stretch(void **state)
{
    static const struct {
        struct flue_sack_block here[4]; /* in the order of arrival, never joined */
        struct flue_sack_block duplicate;
    } cases[] = {
        {{{0, 0}}, {10, 10}},
        {{{1, 10}, {50, 60}}, {10, 10}},
        {{{1, 11}}, {10, 11}},
        {{{49, 60}}, {49, 50}},
        {{{20, 30}}, {20, 30}},
        {{{5, 60}}, {10, 50}},
        {{{20, 30}, {30, 40}}, {20, 40}},
        {{{30, 40}, {20, 30}}, {20, 40}},
        {{{20, 30}, {31, 40}}, {20, 30}},
        {{{5, 20}, {20, 30}, {30, 45}, {47, 60}}, {10, 45}},
        {{{40, 60}, {12, 13}}, {12, 13}},
    };

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct flue_span span = {.stream = 2, .length_bytes = 40};
            uint32_t zero = b % 2 == 0 ? bases[b] : UINT32_MAX - 30;
            struct flue_sack_block duplicate = {.from = 1, .to = 99};
            struct receiver r;

            begin(&r, zero);
            for (unsigned k = 0; k < 4 && cases[i].here[k].to != 0; k++) {
                arrive(&r, zero + cases[i].here[k].from, cases[i].here[k].to - cases[i].here[k].from, true);
            }
            reassembly_insert(&r.queue, &r.pieces, r.rcv_nxt, zero + 10, &span, false, 65536, &duplicate, NULL);
            assert_int_equal(duplicate.from - zero, cases[i].duplicate.from);
            assert_int_equal(duplicate.to - zero, cases[i].duplicate.to);
            end(&r);
        }
    }
}

/* Six blocks: those told last go on being told, a duplicate takes a place once, and room limits. */
static void room_and_order(void **state)
{
    static const struct {
        uint32_t from, room, count; /* from 0: nothing arrives */
        uint32_t told[FLUE_SACK_BLOCKS];
    } lines[] = {
        {600, 4, 1, {600}},
        {200, 4, 2, {200, 600}},
        {400, 4, 3, {400, 200, 600}},
        {500, 4, 4, {500, 400, 200, 600}},
        {300, 4, 4, {300, 500, 400, 200}},
        {100, 3, 3, {100, 300, 500}},
        {0, 3, 3, {100, 300, 500}},
        {0, 0, 0, {0}},
        {300, 3, 3, {300, 300, 100}}, /* a duplicate */
        {0, 3, 3, {300, 100, 500}},
        {400, 0, 0, {0}}, /* a duplicate without room waits */
        {0, 1, 1, {400}},
        {0, 9, 4, {400, 300, 100, 500}},
        {0, 1, 1, {400}},
    };

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        uint32_t zero = b % 2 == 0 ? bases[b] : UINT32_MAX - 350;
        struct receiver r;

        begin(&r, zero);
        assert_false(sack_report_any(&r.report, &r.queue));
        for (size_t i = 0; i < COUNT_OF(lines); i++) {
            struct flue_sack_block out[FLUE_SACK_BLOCKS];

            if (lines[i].from != 0) {
                arrive(&r, zero + lines[i].from, 50, false);
            }
            assert_true(sack_report_any(&r.report, &r.queue));
            assert_int_equal(sack_report_blocks(&r.report, &r.queue, r.rcv_nxt, out, lines[i].room), lines[i].count);
            for (unsigned k = 0; k < lines[i].count; k++) {
                assert_int_equal(out[k].from - zero, lines[i].told[k]);
                assert_int_equal(out[k].to - out[k].from, 50);
            }
        }
        arrive(&r, zero, 650, false);
        assert_null(r.queue.head);
        {
            struct flue_sack_block out[FLUE_SACK_BLOCKS];

            assert_int_equal(sack_report_blocks(&r.report, &r.queue, r.rcv_nxt, out, 4), 1);
            assert_int_equal(out[0].from - zero, 100);
            assert_false(sack_report_any(&r.report, &r.queue));
        }
        end(&r);
    }
}

#define MAP_BYTES 260u

struct map {
    bool here[MAP_BYTES + 1];
    uint32_t zero, nxt;
    uint32_t recent[1 + FLUE_SACK_BLOCKS]; /* the last arrival, then what the last ACK told */
    unsigned recents;
};

/* The whole stretch around a byte that is here. */
static struct flue_sack_block stretch(const struct map *map, uint32_t at)
{
    struct flue_sack_block block = {.from = at, .to = at + 1};

    while (block.from > map->nxt && map->here[block.from - 1]) {
        block.from--;
    }
    while (map->here[block.to]) {
        block.to++;
    }
    return block;
}

/* Compares an ACK with what RFC 2018 4 asks for; told[0..count) are without the duplicate, room as well. */
static void assert_told(struct map *map, const struct flue_sack_block *told, unsigned count, unsigned room)
{
    unsigned stretches = 0;
    unsigned k = 0;

    for (uint32_t i = map->nxt; i < MAP_BYTES; i++) {
        stretches += map->here[i] && !map->here[i + 1] ? 1u : 0u;
    }
    assert_int_equal(count, stretches < room ? stretches : room);
    for (unsigned i = 0; i < count; i++) {
        uint32_t from = told[i].from - map->zero;
        struct flue_sack_block whole;

        assert_true(from > map->nxt && from < MAP_BYTES && map->here[from]);
        whole = stretch(map, from);
        assert_int_equal(whole.from, from);
        assert_int_equal(told[i].to - map->zero, whole.to);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(told[i].from, told[j].from);
        }
    }
    for (unsigned i = 0; i < map->recents && k < count; i++) {
        struct flue_sack_block block;
        bool before = false;

        if (map->recent[i] < map->nxt) {
            continue;
        }
        block = stretch(map, map->recent[i]);
        for (unsigned j = 0; j < k; j++) {
            before = before || told[j].from - map->zero == block.from;
        }
        if (!before) {
            assert_int_equal(told[k].from - map->zero, block.from);
            k++;
        }
    }
    map->recents = 0;
    for (unsigned i = 0; i < count; i++) {
        map->recent[1 + map->recents++] = told[i].from - map->zero;
    }
}

/* A segment arrives in the map; returns its first stretch that was here before. */
static struct flue_sack_block map_arrive(struct map *map, uint32_t from, uint32_t to)
{
    struct flue_sack_block duplicate = {.from = from, .to = from};

    for (uint32_t i = from; i < to; i++) {
        if (map->here[i] && duplicate.from == duplicate.to) {
            duplicate = (struct flue_sack_block){.from = i, .to = i + 1};
        } else if (map->here[i] && duplicate.to == i) {
            duplicate.to++;
        }
    }
    memset(map->here + from, 1, to - from);
    while (map->here[map->nxt]) {
        map->nxt++;
    }
    map->recent[0] = from;
    map->recents++;
    return duplicate;
}

/* Each ACK also goes to a sender, who must learn of each duplicate and never of what is not here. */
static void against_bytes(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 2883, "sack_report");
    for (unsigned round = 0; round < 1000; round++) {
        struct map map = {
            .zero = round % 2 == 0 ? 0u - (uint32_t)rng_below(&rng, MAP_BYTES) : (uint32_t)rng_u64(&rng),
        };
        struct scoreboard board = {0};
        struct receiver r;
        struct pool ranges;

        begin(&r, map.zero);
        pool_init(&ranges, &r.m.env, sizeof(struct sack_range));
        for (unsigned step = 0; step < 60; step++) {
            uint32_t low = map.nxt > 12 ? map.nxt - 12 : 0;
            uint32_t length = 1 + (uint32_t)rng_below(&rng, 10);
            unsigned room = 2 + (unsigned)rng_below(&rng, 3);
            struct flue_sack_block out[FLUE_SACK_BLOCKS] = {{0}};
            struct flue_sack_block duplicate;
            unsigned due;
            unsigned count;
            uint32_t from;
            bool dsack;

            if (map.nxt + 90 > MAP_BYTES) {
                break;
            }
            from = low + (uint32_t)rng_below(&rng, 70);
            duplicate = map_arrive(&map, from, from + length);
            due = duplicate.from == duplicate.to ? 0 : 1;
            arrive(&r, map.zero + from, length, rng_below(&rng, 3) == 0);
            assert_int_equal(r.rcv_nxt - map.zero, map.nxt);
            count = sack_report_blocks(&r.report, &r.queue, r.rcv_nxt, out, room);
            assert_true(count >= due && count <= room);
            if (due != 0) {
                assert_int_equal(out[0].from - map.zero, duplicate.from);
                assert_int_equal(out[0].to - map.zero, duplicate.to);
            }
            assert_told(&map, out + due, count - due, room - due);
            scoreboard_take(&board, &ranges, r.rcv_nxt, map.zero + MAP_BYTES, r.rcv_nxt, out, count, &dsack);
            scoreboard_advance(&board, &ranges, r.rcv_nxt);
            assert_int_equal(dsack, due);
            assert_false(scoreboard_reneged(&board, r.rcv_nxt));
            for (uint32_t i = map.nxt; i < MAP_BYTES; i++) {
                if (scoreboard_is_sacked(&board, map.zero + i) && !map.here[i]) {
                    fail_msg("byte %u is not here, but SACKed", i);
                }
            }
        }
        scoreboard_clear(&board, &ranges);
        assert_int_equal(pool_live(&ranges), 0);
        pool_dispose(&ranges);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_documents),
        cmocka_unit_test(first_duplicate_stretch),
        cmocka_unit_test(room_and_order),
        cmocka_unit_test(against_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
