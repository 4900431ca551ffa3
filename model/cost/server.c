/* SPDX-License-Identifier: GPL-2.0-only */
/* The serial server with its books: a host core, an adapter's engine. */
#include "flue/cost.h"

#include "cost/scale.h"
#include "flue/trace.h"

#include <assert.h>
#include <stdbool.h>

void flue_server_init(struct flue_server *server, uint64_t hz, const struct flue_trace *trace)
{
    assert(hz >= UINT64_C(1000) && hz <= UINT64_C(100000000000));
    *server = (struct flue_server){
        .scale = cost_scale_make((uint64_t)FLUE_PS_PER_S, hz),
        .trace = trace,
        .hz = hz,
    };
}

flue_ps flue_server_begin(struct flue_server *server, flue_ps arrival_ps)
{
    if (arrival_ps > server->clock_ps)
        server->clock_ps = arrival_ps;
    server->works++;
    return server->clock_ps;
}

/* What a charge takes: its cycles and its time on the memory bus. */
struct charge {
    uint64_t cycles, bus_ps;
};

/* Adds to a counter of an account; what it has no room for goes to *carried. */
static inline void count(uint32_t *counter, uint64_t *carried, uint64_t more)
{
    const uint64_t sum = *counter + more;

    *counter = (uint32_t)sum;
    if (sum > UINT32_MAX)
        *carried += sum - (uint32_t)sum;
}

static inline flue_ps advance(struct flue_server *server, uint64_t time_ps)
{
    assert(time_ps <= (uint64_t)(FLUE_PS_NEVER - server->clock_ps));
    server->busy_ps += time_ps;
    server->clock_ps += (flue_ps)time_ps;
    return server->clock_ps;
}

static inline void book_cycles(struct flue_server *server, struct flue_account *account, unsigned category,
                               uint64_t cycles)
{
    server->cycles[category] += cycles;
    if (account != NULL) {
        count(&account->cycles[category], &server->carried.cycles[category], cycles);
    } else {
        server->general.cycles[category] += cycles;
    }
}

static inline flue_ps book(struct flue_server *server, struct flue_account *account, enum flue_category category,
                           struct charge charge, uint64_t time_ps)
{
    book_cycles(server, account, category, charge.cycles);
    if (charge.bus_ps > 0) {
        server->bus_ps[category] += charge.bus_ps;
        if (account != NULL) {
            count(&account->bus_ps, &server->carried.bus_ps, charge.bus_ps);
        } else {
            server->general.bus_ps += charge.bus_ps;
        }
    }
    return advance(server, time_ps);
}

/* For somebody who listens, and for very many cycles. */
FLUE_COLD static flue_ps charge_at_length(struct flue_server *server, struct flue_account *account,
                                          enum flue_category category, struct charge charge)
{
    flue_trace3(server->trace, charge, server->clock_ps, account != NULL ? account->conn : FLUE_NO_CONN, category,
                charge.cycles, charge.bus_ps);
    return book(server, account, category, charge,
                charge.bus_ps + cost_scale(&server->scale, charge.cycles, &server->remainder));
}

/* Whether what a server is charged has to be told, or is too much for a product without division. */
static inline bool at_length(const struct flue_server *server, uint64_t cycles)
{
    return (server->trace != NULL && server->trace->emit != NULL) || cycles > server->scale.fast_max;
}

flue_ps flue_server_charge(struct flue_server *server, struct flue_account *account, enum flue_category category,
                           const struct flue_price *price, uint64_t bytes)
{
    struct charge charge;

    assert((unsigned)category < FLUE_COST_CATEGORIES && bytes <= UINT32_MAX);
    charge = (struct charge){.cycles = price->cycles + (bytes * price->cycles_per_kibibyte >> 10),
                             .bus_ps = price->bus_ps + bytes * price->bus_ps_per_byte};
    if ((charge.cycles | charge.bus_ps) == 0)
        return server->clock_ps;
    if (at_length(server, charge.cycles))
        return charge_at_length(server, account, category, charge);
    return book(server, account, category, charge,
                charge.bus_ps + cost_scale_small(&server->scale, charge.cycles, &server->remainder));
}

void flue_bill_init(struct flue_bill *bill)
{
    *bill = (struct flue_bill){.plain = 1};
}

void flue_bill_add(struct flue_bill *bill, enum flue_category category, const struct flue_price *price,
                   unsigned by_bytes)
{
    unsigned line = 0;

    assert(bill->items < FLUE_BILL_ITEMS && (unsigned)category < FLUE_COST_CATEGORIES);
    bill->item[bill->items].price = price;
    bill->item[bill->items].category = category;
    bill->item[bill->items++].by_bytes = by_bytes;
    if (price->bus_ps != 0 || (by_bytes != 0 && (price->bus_ps_per_byte | price->cycles_per_kibibyte) != 0)) {
        bill->plain = 0;
    }
    if (price->cycles == 0) {
        return;
    }
    while (line < bill->lines && bill->line[line].category != category) {
        line++;
    }
    if (line == bill->lines) {
        bill->line[bill->lines++].category = category;
    }
    bill->cycles += price->cycles;
    if (price->cycles > UINT32_MAX - bill->line[line].cycles) {
        bill->plain = 0;
    }
    bill->line[line].cycles += price->cycles;
}

FLUE_COLD static flue_ps charge_items(struct flue_server *server, struct flue_account *account,
                                      const struct flue_bill *bill, uint64_t bytes)
{
    for (unsigned i = 0; i < bill->items; i++) {
        (void)flue_server_charge(server, account, bill->item[i].category, bill->item[i].price,
                                 bill->item[i].by_bytes != 0 ? bytes : 0);
    }
    return server->clock_ps;
}

/* The remainder that a charge carries over makes the time of a sum the sum of the times. */
flue_ps flue_server_charge_bill(struct flue_server *server, struct flue_account *account, const struct flue_bill *bill,
                                uint64_t bytes)
{
    if (bill->plain == 0 || at_length(server, bill->cycles)) {
        return charge_items(server, account, bill, bytes);
    }
    for (unsigned i = 0; i < bill->lines; i++) {
        book_cycles(server, account, bill->line[i].category, bill->line[i].cycles);
    }
    return bill->lines == 0 ? server->clock_ps
                            : advance(server, cost_scale_small(&server->scale, bill->cycles, &server->remainder));
}

static uint64_t total(const uint64_t book[FLUE_COST_CATEGORIES])
{
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < FLUE_COST_CATEGORIES; i++)
        sum += book[i];
    return sum;
}

uint64_t flue_server_cycles(const struct flue_server *server)
{
    return total(server->cycles);
}

uint64_t flue_server_bus_ps(const struct flue_server *server)
{
    return total(server->bus_ps);
}

uint64_t flue_cost_cycles_of(uint64_t bus_ps, uint64_t hz)
{
    struct flue_scale scale = cost_scale_make(hz, (uint64_t)FLUE_PS_PER_S);

    return cost_scale_nearest(&scale, bus_ps);
}
