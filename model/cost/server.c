/* SPDX-License-Identifier: GPL-2.0-only */
/* The serial server with its books: a host core, an adapter's engine. */
#include "flue/cost.h"

#include "cost/scale.h"
#include "flue/trace.h"

#include <assert.h>

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

static inline flue_ps book(struct flue_server *server, struct flue_account *account, enum flue_category category,
                           struct charge charge, uint64_t time_ps)
{
    assert(time_ps <= (uint64_t)(FLUE_PS_NEVER - server->clock_ps));
    server->cycles[category] += charge.cycles;
    server->bus_ps[category] += charge.bus_ps;
    if (account != NULL) {
        count(&account->cycles[category], &server->carried.cycles[category], charge.cycles);
        count(&account->bus_ps, &server->carried.bus_ps, charge.bus_ps);
    } else {
        server->general.cycles[category] += charge.cycles;
        server->general.bus_ps += charge.bus_ps;
    }
    server->busy_ps += time_ps;
    server->clock_ps += (flue_ps)time_ps;
    return server->clock_ps;
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

flue_ps flue_server_charge(struct flue_server *server, struct flue_account *account, enum flue_category category,
                           const struct flue_price *price, uint64_t bytes)
{
    struct charge charge;

    assert((unsigned)category < FLUE_COST_CATEGORIES && bytes <= UINT32_MAX);
    charge = (struct charge){.cycles = price->cycles + (bytes * price->cycles_per_kibibyte >> 10),
                             .bus_ps = price->bus_ps + bytes * price->bus_ps_per_byte};
    if ((charge.cycles | charge.bus_ps) == 0)
        return server->clock_ps;
    if ((server->trace != NULL && server->trace->emit != NULL) || charge.cycles > server->scale.fast_max)
        return charge_at_length(server, account, category, charge);
    return book(server, account, category, charge,
                charge.bus_ps + cost_scale_small(&server->scale, charge.cycles, &server->remainder));
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
