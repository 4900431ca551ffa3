/* SPDX-License-Identifier: GPL-2.0-only */
/* The serial server: its clock, its books, the exact division, its trace; interrupt moderation. */
#include "flue/cost.h"
#include "flue/trace.h"
#include "cost/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Clocks with a short fraction (3.4 GHz: 5000 / 17), none (250 MHz), and long ones, up to both limits. */
static const uint64_t clocks_hz[] = {UINT64_C(3400000000), UINT64_C(1800000000),  UINT64_C(250000000),
                                     UINT64_C(2399999999), UINT64_C(10000000000), UINT64_C(99999999977),
                                     UINT64_C(1000),       UINT64_C(1009)};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* floor(cycles x 10^12 / hz) by decimal long division, three digits at a time: nothing in common with the code tested.
 */
static uint64_t picoseconds(uint64_t cycles, uint64_t hz)
{
    uint64_t result = cycles / hz;
    uint64_t rest = cycles % hz;
    int step;

    for (step = 0; step < 4; step++) {
        rest *= 1000;
        result = result * 1000 + rest / hz;
        rest %= hz;
    }
    return result;
}

static void garbage_init(struct flue_server *server, uint64_t hz, const struct flue_trace *trace)
{
    memset(server, 0xA5, sizeof *server);
    flue_server_init(server, hz, trace);
}

static void clock_is_fifo(void **state)
{
    static const struct flue_price hundred_cycles = {.cycles = 100};
    struct flue_server server;

    (void)state;
    garbage_init(&server, 1000000000, NULL);
    assert_int_equal(flue_server_begin(&server, 5000), 5000);
    assert_int_equal(flue_server_charge(&server, NULL, FLUE_COST_OTHER, &hundred_cycles, 0), 105000);
    /* Arrives while the first is served: waits. */
    assert_int_equal(flue_server_begin(&server, 6000), 105000);
    assert_int_equal(flue_server_charge(&server, NULL, FLUE_COST_OTHER, &hundred_cycles, 0), 205000);
    /* Arrives after a pause: the pause is not busy time. */
    assert_int_equal(flue_server_begin(&server, 1000000), 1000000);
    assert_int_equal(server.clock_ps, 1000000);
    assert_int_equal(server.busy_ps, 200000);
    assert_int_equal(server.works, 3);
    assert_int_equal(server.general.cycles[FLUE_COST_OTHER], 200);
}

static void prices_add_up(void **state)
{
    static const struct {
        struct flue_price price;
        uint64_t bytes, cycles, bus_ps;
    } cases[] = {
        {{0, 0, 0, 0}, UINT32_MAX, 0, 0},
        {{7, 11, 0, 0}, 999, 7, 11},
        {{0, 0, 53, 0}, 1448, 0, 76744},
        {{0, 0, 0, 1024}, 1448, 1448, 0},
        {{0, 0, 0, 1}, 1023, 0, 0}, /* rounded down per piece of work */
        {{0, 0, 0, 1}, 1024, 1, 0},
        {{5, 6, 2, 512}, 3, 6, 12},
        {{UINT32_MAX, 0, 0, 0}, 0, UINT32_MAX, 0},
        {{1, 0, 0, 1024}, UINT32_MAX, UINT64_C(4294967296), 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        struct flue_server server;

        garbage_init(&server, 3400000000, NULL);
        flue_server_charge(&server, NULL, FLUE_COST_COPY, &cases[i].price, cases[i].bytes);
        assert_int_equal(server.cycles[FLUE_COST_COPY], cases[i].cycles);
        assert_int_equal(server.bus_ps[FLUE_COST_COPY], cases[i].bus_ps);
        assert_int_equal(server.busy_ps, cases[i].bus_ps + picoseconds(cases[i].cycles, 3400000000));
        assert_int_equal(server.clock_ps, server.busy_ps);
    }
}

/* A million charges: no picosecond is lost, and the accounts are the totals. */
static void books_balance(void **state)
{
    enum { CHARGES = 1000000, ACCOUNTS = 7 };
    size_t c;

    (void)state;
    for (c = 0; c < COUNT(clocks_hz); c++) {
        struct flue_account accounts[ACCOUNTS] = {{.conn = 0}};
        struct flue_server server;
        uint64_t random = 88172645463325252u + c;
        uint64_t sum_bus = 0;
        unsigned category, a;
        int i;

        garbage_init(&server, clocks_hz[c], NULL);
        for (i = 0; i < (clocks_hz[c] < 1000000 ? 1000 : CHARGES); i++) {
            uint64_t r = next_random(&random);
            struct flue_price price = {.cycles = (uint32_t)(r % 9000),
                                       .bus_ps = (uint32_t)(r >> 20 & 0xFFF),
                                       .bus_ps_per_byte = (uint32_t)(r >> 32 & 0x7F),
                                       .cycles_per_kibibyte = (uint32_t)(r >> 40 & 0x3FF)};
            size_t who = (size_t)(r >> 50) % (ACCOUNTS + 1);

            flue_server_charge(&server, who < ACCOUNTS ? &accounts[who] : NULL, (enum flue_category)(r >> 55 & 7),
                               &price, r >> 13 & 0xFFF);
        }
        for (category = 0; category < FLUE_COST_CATEGORIES; category++) {
            uint64_t cycles = server.general.cycles[category] + server.carried.cycles[category];

            for (a = 0; a < ACCOUNTS; a++)
                cycles += accounts[a].cycles[category];
            assert_int_equal(cycles, server.cycles[category]);
        }
        for (a = 0; a < ACCOUNTS; a++)
            sum_bus += accounts[a].bus_ps;
        assert_int_equal(sum_bus + server.general.bus_ps + server.carried.bus_ps, flue_server_bus_ps(&server));
        if (i == CHARGES)
            assert_true(server.carried.bus_ps > 0); /* a connection's counters have wrapped */
        assert_true(flue_server_cycles(&server) > 0);
        assert_int_equal(server.busy_ps,
                         flue_server_bus_ps(&server) + picoseconds(flue_server_cycles(&server), clocks_hz[c]));
        assert_int_equal(server.clock_ps, server.busy_ps);
    }
}

/* Both ways of dividing agree, at the border between them and at the largest charge. */
static void division_is_exact(void **state)
{
    size_t c;
    int i;

    (void)state;
    for (c = 0; c < COUNT(clocks_hz); c++) {
        struct flue_scale scale = cost_scale_make(UINT64_C(1000000000000), clocks_hz[c]);
        uint64_t random = 1;

        for (i = 0; i < 20000; i++) {
            uint64_t near = scale.fast_max < UINT32_MAX ? scale.fast_max : UINT32_MAX;
            uint64_t n = i < 64 ? near - (near < 32 ? near : 32) + (uint64_t)i : next_random(&random) >> (32 + i % 24);
            uint64_t carry = scale.divisor > 1 ? next_random(&random) % scale.divisor : 0;
            uint64_t other = carry;

            assert_int_equal(cost_scale(&scale, n, &carry), cost_scale_divide(&scale, n, &other));
            assert_int_equal(carry, other);
            assert_true(carry < scale.divisor);
            carry = 0;
            assert_int_equal(cost_scale(&scale, n, &carry), picoseconds(n, clocks_hz[c]));
        }
        assert_int_equal(cost_scale_nearest(&scale, UINT32_MAX) - picoseconds(UINT32_MAX, clocks_hz[c]) <= 1, 1);
    }
}

static void bus_time_as_cycles(void **state)
{
    (void)state;
    assert_int_equal(flue_cost_cycles_of(0, 3400000000), 0);
    assert_int_equal(flue_cost_cycles_of(1000000000000, 3400000000), 3400000000);
    assert_int_equal(flue_cost_cycles_of(147, 3400000000), 0); /* .4998 */
    assert_int_equal(flue_cost_cycles_of(148, 3400000000), 1); /* .5032 */
    assert_int_equal(flue_cost_cycles_of(500, 1000000000), 1); /* half: up */
    assert_int_equal(flue_cost_cycles_of(UINT64_C(3600000000000000), UINT64_C(10000000000)), UINT64_C(36000000000000));
}

struct seen {
    struct flue_event last;
    unsigned count;
};

static void see(void *ctx, const struct flue_event *event)
{
    struct seen *seen = ctx;

    seen->last = *event;
    seen->count++;
}

static void charges_are_traced(void **state)
{
    static const struct flue_price price = {.cycles = 10, .bus_ps_per_byte = 2};
    static const struct flue_price free_of_cost = {0, 0, 0, 0};
    struct seen seen = {.count = 0};
    struct flue_trace trace = {.ctx = &seen, .emit = see, .node = 3};
    struct flue_account account = {.conn = 42};
    struct flue_server server;

    (void)state;
    garbage_init(&server, 1000000000, &trace);
    flue_server_begin(&server, 77);
    flue_server_charge(&server, &account, FLUE_COST_COPY, &price, 50);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.point, FLUE_POINT_charge);
    assert_int_equal(seen.last.at_ps, 77);
    assert_int_equal(seen.last.conn, 42);
    assert_int_equal(seen.last.node, 3);
    assert_int_equal(seen.last.arg[0], FLUE_COST_COPY);
    assert_int_equal(seen.last.arg[1], 10);
    assert_int_equal(seen.last.arg[2], 100);
    flue_server_charge(&server, &account, FLUE_COST_COPY, &free_of_cost, 50);
    assert_int_equal(seen.count, 1);
    flue_server_charge(&server, NULL, FLUE_COST_INTERRUPT, &price, 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last.conn, FLUE_NO_CONN);
    trace.emit = NULL;
    flue_server_charge(&server, NULL, FLUE_COST_INTERRUPT, &price, 0);
    assert_int_equal(seen.count, 2);
}

/* The charges that a listener hears of, added up. */
static void add_up(void *ctx, const struct flue_event *event)
{
    uint64_t *sum = ctx;

    *sum = *sum * 31 + (uint64_t)event->at_ps + event->conn * 7u + (uint64_t)event->arg[0] * 5u +
           (uint64_t)event->arg[1] * 3u + (uint64_t)event->arg[2];
}

/* One bill or its prices in turn: the same books, to the last remainder, and the same traces.  Counters wrap meanwhile.
 */
static void a_bill_is_its_prices(void **state)
{
    uint64_t random = 9;

    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        struct flue_server server[2];
        struct flue_account account[2];
        struct flue_price prices[FLUE_BILL_ITEMS];
        enum flue_category categories[FLUE_BILL_ITEMS];
        uint64_t heard[2] = {0, 0};
        struct flue_trace trace[2] = {{.emit = add_up, .ctx = &heard[0]}, {.emit = add_up, .ctx = &heard[1]}};
        struct flue_bill bill;
        const unsigned items = (unsigned)(next_random(&random) % (FLUE_BILL_ITEMS + 1));
        const bool heeded = next_random(&random) % 4 == 0, general = next_random(&random) % 4 == 0;
        const uint64_t hz = clocks_hz[next_random(&random) % COUNT(clocks_hz)];

        flue_bill_init(&bill);
        for (unsigned i = 0; i < items; i++) {
            prices[i] =
                (struct flue_price){.cycles = (uint32_t)(next_random(&random) % 3 * (next_random(&random) >> 44))};
            if (next_random(&random) % 8 == 0) {
                prices[i].bus_ps = (uint32_t)(next_random(&random) >> 50);
            }
            if (next_random(&random) % 8 == 0 && hz > 1009) { /* else 80 of them pass the end of time */
                prices[i].cycles = UINT32_MAX;
            }
            if (next_random(&random) % 8 == 0) {
                prices[i].bus_ps_per_byte = 53;
            }
            if (next_random(&random) % 8 == 0) {
                prices[i].cycles_per_kibibyte = 700;
            }
            categories[i] = (enum flue_category)(next_random(&random) % FLUE_COST_CATEGORIES % 4);
            flue_bill_add(&bill, categories[i], &prices[i], i & 1u);
        }
        for (unsigned which = 0; which < 2; which++) {
            garbage_init(&server[which], hz, heeded ? &trace[which] : NULL);
            memset(&account[which], 0, sizeof account[which]);
            account[which].cycles[round % 4] = UINT32_MAX - 5;
            account[which].bus_ps = UINT32_MAX - 5;
        }
        for (unsigned i = 0; i < 20; i++) {
            const uint64_t bytes = next_random(&random) % 3 * 1448;

            for (unsigned k = 0; k < items; k++) {
                (void)flue_server_charge(&server[0], general ? NULL : &account[0], categories[k], &prices[k],
                                         (k & 1u) != 0 ? bytes : 0);
            }
            assert_int_equal(flue_server_charge_bill(&server[1], general ? NULL : &account[1], &bill, bytes),
                             server[0].clock_ps);
        }
        server[1].trace = server[0].trace;
        assert_memory_equal(&server[0], &server[1], sizeof server[0]);
        assert_memory_equal(&account[0], &account[1], sizeof account[0]);
        assert_int_equal(heard[0], heard[1]);
    }
}

static void interrupts_keep_their_distance(void **state)
{
    static const struct {
        flue_ps period_ps, last_ps, visible_ps, expect_ps;
    } cases[] = {
        {20000, FLUE_PS_NEVER, 0, 0}, /* the first is immediate */
        {20000, FLUE_PS_NEVER, 7, 7}, {20000, 100, 101, 20100},   {20000, 100, 20099, 20100},
        {20000, 100, 20100, 20100},   {20000, 100, 20101, 20101}, /* after a quiet period: immediate */
        {0, 100, 101, 101},           {0, 100, 100, 100},         {0, FLUE_PS_NEVER, 5, 5},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        struct flue_moderation moderation = {.period_ps = cases[i].period_ps, .last_ps = cases[i].last_ps};

        assert_int_equal(flue_moderation_next(&moderation, cases[i].visible_ps), cases[i].expect_ps);
    }
}

static void categories_have_names(void **state)
{
    (void)state;
    assert_string_equal(flue_category_name(FLUE_COST_APPLICATION), "application");
    assert_string_equal(flue_category_name(FLUE_COST_TCPIP), "TCP/IP");
    assert_string_equal(flue_category_name(FLUE_COST_OTHER), "other");
    assert_string_equal(flue_category_name(FLUE_COST_CATEGORIES), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_is_fifo),         cmocka_unit_test(prices_add_up),
        cmocka_unit_test(books_balance),         cmocka_unit_test(division_is_exact),
        cmocka_unit_test(bus_time_as_cycles),    cmocka_unit_test(charges_are_traced),
        cmocka_unit_test(a_bill_is_its_prices),  cmocka_unit_test(interrupts_keep_their_distance),
        cmocka_unit_test(categories_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
