/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/queues.c - the send queue and the reassembly queue. */
#include <string.h>

#include "support/manual_env.h"
#include "support/test.h"
#include "base/rng.h"
#include "base/span.h"
#include "tcp/reassembly.h"

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

                reassembly_insert(&q, &f.pieces, rcv_nxt, zero + cases[i].in[j].from, &span, false, NULL, NULL);
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
    reassembly_insert(&q, &f.pieces, nxt, nxt + 10, &span, true, NULL, NULL);
    assert_false(reassembly_take(&q, &f.pieces, nxt, &span, &psh));
    span = described(1, 20, 10);
    reassembly_insert(&q, &f.pieces, nxt, nxt + 20, &span, false, NULL, NULL); /* behind a PSH: not joined */
    span = described(1, 0, 12);
    reassembly_insert(&q, &f.pieces, nxt, nxt, &span, false, NULL, NULL);
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

            reassembly_insert(&q, &f.pieces, nxt, nxt + from, &span, rng_below(&rng, 4) == 0, NULL, NULL);
            for (uint32_t i = from; i < from + length; i++) {
                owner[i] = owner[i] == 0 ? k : owner[i];
            }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send_queue_joins_and_finds), cmocka_unit_test(send_queue_without_memory),
        cmocka_unit_test(reassembly_overlaps),        cmocka_unit_test(reassembly_takes_in_order),
        cmocka_unit_test(reassembly_against_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
