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
        .general = {.conn = FLUE_NO_CONN},
    };
}

flue_ps flue_server_begin(struct flue_server *server, flue_ps arrival_ps)
{
    if (arrival_ps > server->clock_ps)
        server->clock_ps = arrival_ps;
    server->works++;
    return server->clock_ps;
}

flue_ps flue_server_charge(struct flue_server *server, struct flue_account *account, enum flue_category category,
                           const struct flue_price *price, uint64_t bytes)
{
    struct flue_account *book = account != NULL ? account : &server->general;
    uint64_t cycles, bus_ps, time_ps;

    assert((unsigned)category < FLUE_COST_CATEGORIES && bytes <= UINT32_MAX);
    cycles = price->cycles + (bytes * price->cycles_per_kibibyte >> 10);
    bus_ps = price->bus_ps + bytes * price->bus_ps_per_byte;
    if ((cycles | bus_ps) != 0)
        flue_trace3(server->trace, charge, server->clock_ps, book->conn, category, cycles, bus_ps);

    time_ps = bus_ps + cost_scale(&server->scale, cycles, &server->remainder);
    assert(time_ps <= (uint64_t)(FLUE_PS_NEVER - server->clock_ps));
    book->cycles[category] += cycles;
    book->bus_ps += bus_ps;
    server->cycles[category] += cycles;
    server->bus_ps[category] += bus_ps;
    server->busy_ps += time_ps;
    server->clock_ps += (flue_ps)time_ps;
    return server->clock_ps;
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
