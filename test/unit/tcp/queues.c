/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/queues.c - the send queue and the reassembly queue. */
#include <string.h>

#include "support/manual_env.h"
#include "support/test.h"
#include "base/rng.h"
#include "base/span.h"
#include "tcp/reassembly.h"
#include "tcp/seq.h"

#define BUFFER_BYTES 65536u

struct fixture {
    struct manual_env m;
    struct pool pieces;
};

static void begin(struct fixture *f)
{
    memset(f, 0xa5, sizeof(*f));
    manual_env_init(&f->m, 1);
    pool_init(&f->pieces, &f->m.env, sizeof(struct piece));
}

static void end(struct fixture *f)
{
    assert_int_equal(pool_live(&f->pieces), 0);
    pool_dispose(&f->pieces);
    assert_true(manual_env_clean(&f->m));
}

static struct flue_span described(uint32_t stream, uint64_t offset, uint32_t length)
{
    return (struct flue_span){.stream = stream, .offset_bytes = offset, .length_bytes = length};
}

static void send_queue_joins_and_finds(void **state)
{
    static const uint32_t unas[] = {0, 1000, UINT32_MAX - 1500, 0x7ffffc00u};
    static const uint8_t real[100] = {7, 8, 9};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(unas); i++) {
        uint32_t una = unas[i];
        struct fixture f;
        struct send_queue q = {0};
        struct flue_span span = described(1, 0, 1000);
        struct flue_span at;

        begin(&f);
        assert_true(send_queue_append(&q, &f.pieces, una, &span));
        span = described(1, 1000, 1000); /* continues: joined */
        assert_true(send_queue_append(&q, &f.pieces, una, &span));
        assert_int_equal(pool_live(&f.pieces), 1);
        span = described(2, 50, 500);
        assert_true(send_queue_append(&q, &f.pieces, una, &span));
        span = (struct flue_span){.memory = real, .length_bytes = 100};
        assert_true(send_queue_append(&q, &f.pieces, una, &span));
        span.length_bytes = 0;
        assert_true(send_queue_append(&q, &f.pieces, una, &span));
        assert_int_equal(pool_live(&f.pieces), 3);
        assert_int_equal(q.bytes, 2600);

        at = send_queue_at(&q, una + 1500, 1460); /* cut at the end of the piece */
        assert_int_equal(at.offset_bytes, 1500);
        assert_int_equal(at.length_bytes, 500);
        at = send_queue_at(&q, una + 2000, 100);
        assert_int_equal(at.stream, 2);
        assert_int_equal(at.offset_bytes, 50);
        assert_int_equal(at.length_bytes, 100);
        at = send_queue_at(&q, una + 2502, 10);
        assert_int_equal(span_byte(&at, 0), 9);
        at = send_queue_at(&q, una, 10); /* back to before the cursor */
        assert_int_equal(at.stream, 1);
        assert_int_equal(at.offset_bytes, 0);

        send_queue_drop(&q, &f.pieces, 700);
        at = send_queue_at(&q, una + 700, 10);
        assert_int_equal(at.offset_bytes, 700);
        at = send_queue_at(&q, una + 2100, 10);
        send_queue_drop(&q, &f.pieces, 1801); /* beyond the cursor's piece */
        assert_int_equal(pool_live(&f.pieces), 1);
        at = send_queue_at(&q, una + 2501, 10);
        assert_int_equal(span_byte(&at, 0), 8);
        send_queue_drop(&q, &f.pieces, 99);
        assert_null(q.head);
        assert_int_equal(q.bytes, 0);
        span = described(3, 0, 5);
        assert_true(send_queue_append(&q, &f.pieces, una + 2600, &span));
        send_queue_clear(&q, &f.pieces);
        end(&f);
    }
}

static void send_queue_without_memory(void **state)
{
    struct fixture f;
    struct send_queue q = {0};
    struct flue_span span = described(1, 0, 1000);

    (void)state;
    begin(&f);
    manual_env_fail(&f.m, 1);
    assert_false(send_queue_append(&q, &f.pieces, 5, &span));
    assert_int_equal(q.bytes, 0);
    assert_null(q.head);
    end(&f);
}

/* Segments as (from, to, stream) relative to RCV.NXT + 100; expected: "from-to:stream ..." in order.  The stream tells
 * whose bytes stayed. */
static void reassembly_overlaps(void **state)
{
    static const struct {
        struct {
            uint32_t from, to, stream;
        } in[5];
        struct {
            uint32_t from, to, stream;
        } out[6];
    } cases[] = {
        {.in = {{10, 20, 1}}, .out = {{10, 20, 1}}},
        {.in = {{10, 20, 1}, {10, 20, 2}}, .out = {{10, 20, 1}}},
        {.in = {{10, 20, 1}, {12, 18, 2}}, .out = {{10, 20, 1}}},
        {.in = {{10, 20, 1}, {5, 15, 2}}, .out = {{5, 10, 2}, {10, 20, 1}}},
        {.in = {{10, 20, 1}, {15, 25, 2}}, .out = {{10, 20, 1}, {20, 25, 2}}},
        {.in = {{10, 20, 1}, {5, 25, 2}}, .out = {{5, 10, 2}, {10, 20, 1}, {20, 25, 2}}},
        {.in = {{10, 20, 1}, {30, 40, 2}, {0, 50, 3}},
         .out = {{0, 10, 3}, {10, 20, 1}, {20, 30, 3}, {30, 40, 2}, {40, 50, 3}}},
        {.in = {{10, 20, 1}, {30, 40, 1}, {20, 30, 1}},
         .out = {{10, 30, 1}, {30, 40, 1}}}, /* joined to its predecessor */
        {.in = {{30, 40, 1}, {20, 30, 2}, {10, 20, 3}}, .out = {{10, 20, 3}, {20, 30, 2}, {30, 40, 1}}},
        {.in = {{10, 20, 1}, {20, 30, 1}}, .out = {{10, 30, 1}}},
        {.in = {{10, 11, 1}, {12, 13, 2}, {9, 14, 3}},
         .out = {{9, 10, 3}, {10, 11, 1}, {11, 12, 3}, {12, 13, 2}, {13, 14, 3}}},
    };
    static const uint32_t bases[] = {0, 12345, UINT32_MAX - 110, UINT32_MAX - 124, 0x7fffff80u};

    (void)state;
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct fixture f;
            struct reassembly q = {0};
            uint32_t rcv_nxt = bases[b];
            uint32_t zero = rcv_nxt + 100;
            uint32_t bytes = 0;
            size_t n = 0;

            begin(&f);
            for (size_t j = 0; j < 5 && cases[i].in[j].to > 0; j++) {
                struct flue_span span = described(cases[i].in[j].stream, 1000 + cases[i].in[j].from,
                                                  cases[i].in[j].to - cases[i].in[j].from);

                reassembly_insert(&q, &f.pieces, rcv_nxt, zero + cases[i].in[j].from, &span, false, BUFFER_BYTES, NULL,
                                  NULL);
            }
            for (const struct piece *p = q.head; p != NULL; p = p->next, n++) {
                assert_int_equal(p->seq - zero, cases[i].out[n].from);
                assert_int_equal(p->span.length_bytes, cases[i].out[n].to - cases[i].out[n].from);
                assert_int_equal(p->span.stream, cases[i].out[n].stream);
                assert_int_equal(p->span.offset_bytes, 1000 + cases[i].out[n].from);
                bytes += p->span.length_bytes;
            }
            assert_true(n == 6 || cases[i].out[n].to == 0);
            assert_int_equal(q.bytes, bytes);
            assert_true(reassembly_consistent(&q));
            reassembly_clear(&q, &f.pieces);
            end(&f);
        }
    }
}

static void reassembly_takes_in_order(void **state)
{
    struct fixture f;
    struct reassembly q = {0};
    struct flue_span span = described(1, 10, 10);
    uint32_t nxt = UINT32_MAX - 14;
    bool psh = false;

    (void)state;
    begin(&f);
    reassembly_insert(&q, &f.pieces, nxt, nxt + 10, &span, true, BUFFER_BYTES, NULL, NULL);
    assert_false(reassembly_take(&q, &f.pieces, nxt, &span, &psh));
    span = described(1, 20, 10);
    reassembly_insert(&q, &f.pieces, nxt, nxt + 20, &span, false, BUFFER_BYTES, NULL,
                      NULL); /* behind a PSH: not joined */
    span = described(1, 0, 12);
    reassembly_insert(&q, &f.pieces, nxt, nxt, &span, false, BUFFER_BYTES, NULL, NULL);
    assert_true(reassembly_take(&q, &f.pieces, nxt, &span, &psh));
    assert_int_equal(span.length_bytes, 10);
    assert_false(psh);
    assert_true(reassembly_take(&q, &f.pieces, nxt + 10, &span, &psh));
    assert_int_equal(span.offset_bytes, 10);
    assert_true(psh);
    assert_true(reassembly_take(&q, &f.pieces, nxt + 20, &span, &psh));
    assert_false(psh);
    assert_int_equal(q.bytes, 0);
    end(&f);
}

/* Against a plain array of bytes: the first writer of each byte stays. */
static void reassembly_against_bytes(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 9, "reassembly");
    for (unsigned round = 0; round < 300; round++) {
        uint32_t owner[200] = {0};
        uint32_t nxt = (uint32_t)rng_u64(&rng) | (round % 2 == 0 ? 0xffffff00u : 0);
        struct reassembly q = {0};
        struct fixture f;
        uint32_t place = 0;

        begin(&f);
        for (uint32_t k = 1; k <= 20; k++) {
            uint32_t from = 1 + (uint32_t)rng_below(&rng, 198);
            uint32_t length = 1 + (uint32_t)rng_below(&rng, 199 - from);
            struct flue_span span = described(k, from, length);

            reassembly_insert(&q, &f.pieces, nxt, nxt + from, &span, rng_below(&rng, 4) == 0, BUFFER_BYTES, NULL, NULL);
            for (uint32_t i = from; i < from + length; i++) {
                owner[i] = owner[i] == 0 ? k : owner[i];
            }
            assert_true(reassembly_consistent(&q));
        }
        for (const struct piece *p = q.head; p != NULL; p = p->next) {
            for (; place < p->seq - nxt; place++) {
                assert_int_equal(owner[place], 0);
            }
            for (uint32_t i = 0; i < p->span.length_bytes; i++, place++) {
                assert_int_equal(owner[place], p->span.stream);
                assert_int_equal(p->span.offset_bytes + i, place);
            }
        }
        for (; place < 200; place++) {
            assert_int_equal(owner[place], 0);
        }
        reassembly_clear(&q, &f.pieces);
        end(&f);
    }
}

#define LONG_BYTES 12000u

/* Where the segments of a long run go. */
static uint32_t long_from(struct rng *rng, unsigned kind, uint32_t k, uint32_t done)
{
    switch (kind) {
    case 0: /* each second one is lost; now and then one comes late, or the first gap is filled */
        return rng_below(rng, 8) == 0 ? done : rng_below(rng, 8) == 0 ? 3 * k - 3 * (uint32_t)rng_below(rng, k) : 6 * k;
    case 1: /* what was lost comes from the left, while the right goes on */
        return k < 400 ? 1 + 6 * k : k % 2 == 0 ? done : 1 + 6 * k;
    case 2: /* from the right to the left */
        return k < 1900 ? LONG_BYTES - 6 * k : done;
    default:
        return done + (uint32_t)rng_below(rng, LONG_BYTES - done);
    }
}

/* Many stretches at a time, data handed up between, and images: against bytes, with the cursors checked. */
static void reassembly_long_runs(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 11, "reassembly_long");
    for (unsigned round = 0; round < 24; round++) {
        static bool here[LONG_BYTES + 1];
        uint32_t zero = round % 2 == 0 ? 0u - (uint32_t)rng_below(&rng, LONG_BYTES) : (uint32_t)rng_u64(&rng);
        struct reassembly q = {0};
        struct fixture f;
        uint32_t most = 0;
        uint32_t done = 0; /* handed up */
        uint32_t bytes = 0;

        memset(here, 0, sizeof(here));
        begin(&f);
        for (uint32_t k = 1; k <= 1900 && done + 10 < LONG_BYTES; k++) {
            uint32_t from = long_from(&rng, round % 4, k, done);
            uint32_t length = 1 + (uint32_t)rng_below(&rng, round % 4 == 3 ? 9 : 3);
            struct flue_sack_block duplicate;
            struct flue_sack_block stretch;
            struct flue_span span;
            bool psh;

            if (from < done || from + length > LONG_BYTES) {
                continue;
            }
            span = described(1, from, length);
            stretch = reassembly_insert(&q, &f.pieces, zero + done, zero + from, &span, rng_below(&rng, 4) == 0,
                                        16 * LONG_BYTES * 256, &duplicate, NULL);
            assert_int_equal(duplicate.from != duplicate.to, memchr(here + from, 1, length) != NULL);
            for (uint32_t i = from; i < from + length; i++) {
                bytes += here[i] ? 0u : 1u;
                here[i] = true;
            }
            assert_int_equal(q.bytes, bytes);
            assert_true(seq_leq(stretch.from, zero + from) && seq_leq(zero + from + length, stretch.to));
            assert_true(stretch.from - zero == done || !here[stretch.from - zero - 1]);
            assert_true(!here[stretch.to - zero]);
            assert_null(memchr(here + (stretch.from - zero), 0, stretch.to - stretch.from));
            most = q.pieces > most ? q.pieces : most;
            while (reassembly_take(&q, &f.pieces, zero + done, &span, &psh)) {
                assert_int_equal(span.offset_bytes, done);
                done += span.length_bytes;
                bytes -= span.length_bytes;
            }
            assert_false(here[done]);
            if (k % 256 == 0) {
                reassembly_adopt(&q, q.head);
            }
            assert_true(k % 8 != 0 || reassembly_consistent(&q));
        }
        assert_true(most > 300);
        reassembly_clear(&q, &f.pieces);
        end(&f);
    }
}

/* As many pieces as the buffer's size allows; beyond it only what is joined, and what is at RCV.NXT. */
static void reassembly_is_bounded(void **state)
{
    static const uint8_t real[1] = {1};
    static const uint32_t buffers[] = {0, 1000, 65536};

    (void)state;
    for (size_t b = 0; b < COUNT_OF(buffers); b++) {
        uint32_t most = buffers[b] / 256 + 64;
        uint32_t nxt = UINT32_MAX - 100;
        struct flue_span span = {.memory = real, .length_bytes = 1};
        struct flue_sack_block stretch;
        struct reassembly q = {0};
        struct fixture f;
        bool psh;

        begin(&f);
        for (uint32_t i = 1; i <= most + 10; i++) {
            stretch = reassembly_insert(&q, &f.pieces, nxt, nxt + 2 * i, &span, false, buffers[b], NULL, NULL);
            assert_int_equal(stretch.from, nxt + 2 * i);
            assert_int_equal(stretch.to - stretch.from, i <= most);
        }
        assert_int_equal(q.pieces, most);
        assert_int_equal(pool_live(&f.pieces), most);
        stretch = reassembly_insert(&q, &f.pieces, nxt, nxt + 3, &span, false, buffers[b], NULL, NULL);
        assert_int_equal(stretch.from, stretch.to);
        stretch = reassembly_insert(&q, &f.pieces, nxt, nxt + 2, &span, false, buffers[b], NULL, NULL);
        assert_int_equal(stretch.to - stretch.from, 1); /* it was here */
        span = described(1, 0, 4);
        stretch = reassembly_insert(&q, &f.pieces, nxt, nxt, &span, true, buffers[b], NULL, NULL);
        assert_int_equal(stretch.to - stretch.from, 3); /* 0, 1 and what is here; 3 needs a piece */
        assert_int_equal(q.pieces, most + 1);
        assert_true(reassembly_take(&q, &f.pieces, nxt, &span, &psh));
        assert_int_equal(span.length_bytes, 2);
        assert_true(reassembly_take(&q, &f.pieces, nxt + 2, &span, &psh));
        assert_false(reassembly_take(&q, &f.pieces, nxt + 3, &span, &psh));
        span = described(1, 0, 1);
        stretch = reassembly_insert(&q, &f.pieces, nxt + 3, nxt + 50000, &span, false, buffers[b], NULL, NULL);
        assert_int_equal(stretch.to - stretch.from, 1);
        span = described(1, 1, 7);
        stretch = reassembly_insert(&q, &f.pieces, nxt + 3, nxt + 50001, &span, false, buffers[b], NULL, NULL);
        assert_int_equal(stretch.to - stretch.from, 8); /* joined */
        assert_int_equal(q.pieces, most);
        assert_true(reassembly_consistent(&q));
        reassembly_clear(&q, &f.pieces);
        end(&f);
    }
}

/* A place far from all cursors is not found; where the search ended the next one begins, so a repetition gets there. */
static void reassembly_search_is_bounded(void **state)
{
    const uint32_t stretches = 3 * REASSEMBLY_MOST_STEPS;
    const uint32_t buffer_bytes = 4 * 256 * stretches;
    const uint32_t nxt = UINT32_MAX - stretches;
    struct flue_sack_block stretch;
    struct reassembly q = {0};
    struct flue_span span = described(1, 0, 1);
    struct fixture f;
    unsigned tries = 0;

    (void)state;
    begin(&f);
    for (uint32_t i = 1; i <= stretches; i++) {
        stretch = reassembly_insert(&q, &f.pieces, nxt, nxt + 4 * i, &span, false, buffer_bytes, NULL, NULL);
        assert_int_equal(stretch.to - stretch.from, 1);
    }
    do {
        stretch =
            reassembly_insert(&q, &f.pieces, nxt, nxt + 4 * stretches - 6, &span, false, buffer_bytes, NULL, NULL);
        assert_true(reassembly_consistent(&q));
        tries++;
    } while (stretch.from == stretch.to && tries < 10);
    assert_int_equal(tries, 4);
    assert_int_equal(q.pieces, stretches + 1);
    reassembly_clear(&q, &f.pieces);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send_queue_joins_and_finds), cmocka_unit_test(send_queue_without_memory),
        cmocka_unit_test(reassembly_overlaps),        cmocka_unit_test(reassembly_takes_in_order),
        cmocka_unit_test(reassembly_against_bytes),   cmocka_unit_test(reassembly_long_runs),
        cmocka_unit_test(reassembly_is_bounded),      cmocka_unit_test(reassembly_search_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
