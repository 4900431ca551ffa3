/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/cost.h - who spent which cycles on what.
 *
 * A server (a host core, an adapter engine) is a FIFO queue with a clock: work that arrives at t starts at max(t,
 * clock) and every charge moves the clock.  Two kinds of cost: cycles (they scale with the clock rate) and bus time in
 * picoseconds (memory and MMIO; it does not).  busy_ps = bus_ps + cycles x 10^12 / hz, the remainder carried, so that
 * the books balance to 1 ps a run. */
#ifndef FLUE_COST_H
#define FLUE_COST_H

#include "flue/base.h"

FLUE_BEGIN_C

struct flue_trace;

/* Category, title. */
#define FLUE_CATEGORIES(X)                                                                                             \
    X(APPLICATION, "application")                                                                                      \
    X(SYSCALL, "system call")                                                                                          \
    X(COPY, "copy")                                                                                                    \
    X(CHECKSUM, "checksum")                                                                                            \
    X(TCPIP, "TCP/IP")                                                                                                 \
    X(DRIVER, "driver")                                                                                                \
    X(INTERRUPT, "interrupt")                                                                                          \
    X(SCHEDULING, "scheduling")                                                                                        \
    X(OFFLOAD, "offload control")                                                                                      \
    X(OTHER, "other")

/* Where a cycle went; FLUE_COST_CATEGORIES of them. */
enum flue_category {
#define X(name, title) FLUE_COST_##name,
    FLUE_CATEGORIES(X)
#undef X
        FLUE_COST_CATEGORIES
};
const char *flue_category_name(unsigned category); /* "TCP/IP"; "?" if unknown */

/* What one piece of work costs.  per_byte is for copies and checksums. */
struct flue_price {
    uint32_t cycles;              /* on the server whose price it is */
    uint32_t bus_ps;              /* memory and MMIO time, whatever the clock rate */
    uint32_t bus_ps_per_byte;     /* the same for each byte */
    uint32_t cycles_per_kibibyte; /* cycles per 1024 bytes, rounded down per piece of work */
};

/* One connection's book, kept small: it is embedded in its owner's connection object.  A counter that would pass 2^32 -
 * 1 begins anew, and its server books the 2^32 in `carried`. */
struct flue_account {
    uint32_t cycles[FLUE_COST_CATEGORIES]; /* by category */
    uint32_t bus_ps;                       /* memory and MMIO time */
    uint32_t conn;                         /* identity in traces */
};

/* Books of many, or of a server. */
struct flue_book {
    uint64_t cycles[FLUE_COST_CATEGORIES]; /* by category */
    uint64_t bus_ps;                       /* memory and MMIO time */
};
/* Adds an account to a sum. */
static inline void flue_book_add(struct flue_book *sum, const struct flue_account *account)
{
    for (unsigned i = 0; i < FLUE_COST_CATEGORIES; i++)
        sum->cycles[i] += account->cycles[i];
    sum->bus_ps += account->bus_ps;
}

/* Multiplication by numerator / denominator, made ready once (model/cost/scale.h). */
struct flue_scale {
    uint64_t whole;      /* numerator / denominator */
    uint64_t part;       /* what is left of it, over divisor, in lowest terms */
    uint64_t divisor;    /* in lowest terms; below it part and remainders stay */
    uint64_t reciprocal; /* 2^32 / divisor */
    uint64_t fast_max;   /* up to here no division is needed */
};

/* A serial server.  Fields are read-only outside model/cost. */
struct flue_server {
    flue_ps clock_ps;                      /* when it is free; the virtual time of the work that runs on it now */
    uint64_t busy_ps;                      /* sum of all charges */
    uint64_t remainder;                    /* of cycles x 10^12 / hz, carried; in 1 / scale.divisor ps */
    struct flue_scale scale;               /* cycles to picoseconds */
    const struct flue_trace *trace;        /* borrowed; may be NULL */
    uint64_t works;                        /* pieces of work begun */
    uint64_t hz;                           /* clock rate */
    uint64_t cycles[FLUE_COST_CATEGORIES]; /* charged, by category */
    uint64_t bus_ps[FLUE_COST_CATEGORIES]; /* charged, by category */
    struct flue_book general;              /* charges that belong to no connection */
    struct flue_book carried;              /* of connections' books: what their counters have no room for */
};

/* hz 10^3 .. 10^11. */
void flue_server_init(struct flue_server *server, uint64_t hz, const struct flue_trace *trace);
/* Work arrives: returns (and sets) clock_ps = max(clock_ps, arrival_ps). */
flue_ps flue_server_begin(struct flue_server *server, flue_ps arrival_ps);
/* Charges one price, and its per-byte part for `bytes` (below 2^32), to account (NULL: general) under category: moves
 * the clock and returns it.  Traced as `charge` at the moment the charged work begins; a charge of nothing is not
 * traced. */
flue_ps flue_server_charge(struct flue_server *server, struct flue_account *account, enum flue_category category,
                           const struct flue_price *price, uint64_t bytes);
/* One of the prices of a bill. */
struct flue_bill_item {
    const struct flue_price *price; /* borrowed as long as the bill is used */
    enum flue_category category;    /* it is booked under */
    unsigned by_bytes;              /* 1: it is charged for the bytes, too; 0: for the piece of work only */
};
/* All items of one category. */
struct flue_bill_line {
    unsigned category; /* enum flue_category */
    uint32_t cycles;   /* their sum */
};
#define FLUE_BILL_ITEMS 4u /* at most so many prices */
/* Prices that are always charged together, to one account: the same books and the same clock as when each is charged in
 * turn, and the same traces, with less work.  Borrows the prices. */
struct flue_bill {
    struct flue_bill_item item[FLUE_BILL_ITEMS]; /* in the order in which they are charged */
    struct flue_bill_line line[FLUE_BILL_ITEMS]; /* the items by category; valid if `plain` */
    uint64_t cycles;                             /* of all lines */
    unsigned items, lines;                       /* how many there are */
    unsigned plain;                              /* 1: nothing in it but cycles that do not depend on the bytes */
};
/* An empty bill. */
void flue_bill_init(struct flue_bill *bill);
/* Adds a price, borrowed; at most FLUE_BILL_ITEMS. */
void flue_bill_add(struct flue_bill *bill, enum flue_category category, const struct flue_price *price,
                   unsigned by_bytes);
/* Charges all of it to account (NULL: general), for `bytes` (below 2^32): moves the clock and returns it. */
flue_ps flue_server_charge_bill(struct flue_server *server, struct flue_account *account, const struct flue_bill *bill,
                                uint64_t bytes);
/* The books' totals over all categories: cycles, and picoseconds of memory and MMIO time. */
uint64_t flue_server_cycles(const struct flue_server *server);
uint64_t flue_server_bus_ps(const struct flue_server *server);
/* Cycles that bus_ps of memory time are worth at hz, rounded to nearest; for reports. */
uint64_t flue_cost_cycles_of(uint64_t bus_ps, uint64_t hz);

/* PCI Express, computed TLP by TLP (packet sizes as in the pcie-bench model): each direction is a FIFO server.  What is
 * not modelled: a limit on outstanding reads, credits, the order between reads and writes. */
struct flue_pcie_params {
    uint64_t rate_bps;   /* usable after link-layer overhead: gen3 x8 57,880,000,000 */
    uint32_t mps_bytes;  /* maximum payload: 256 */
    uint32_t mrrs_bytes; /* maximum read request: 512 */
    flue_ps read_ps;     /* round trip of a small DMA read: 547 ns */
    flue_ps write_ps;    /* until a DMA write is visible to the host: 300 ns */
    flue_ps doorbell_ps; /* until a posted MMIO write reaches the adapter: 150 ns */
};
/* What a transfer of so many bytes takes on the link, kept: nearly all have one of a few sizes. */
#define FLUE_PCIE_KNOWN 8u
struct flue_pcie_known {
    uint64_t bytes;             /* 0: none */
    flue_ps asked_ps, moved_ps; /* of a read its requests and its completions; of a write moved_ps only */
};
/* A link of that kind between an adapter and its host. */
struct flue_pcie {
    struct flue_pcie_params params;    /* a copy */
    struct flue_scale scale;           /* bytes to ps */
    flue_ps up_free_ps;                /* adapter -> host direction: writes, read requests */
    flue_ps down_free_ps;              /* host -> adapter direction: completions; doorbells are too small to count */
    uint64_t up_busy_ps, down_busy_ps; /* time that the direction was in use */
    uint64_t up_bytes, down_bytes;     /* payload */
    struct flue_pcie_known reads[FLUE_PCIE_KNOWN], writes[FLUE_PCIE_KNOWN]; /* sizes that came last */
};
/* rate_bps 10^6 .. 10^12, mps and mrrs not 0.  params are copied. */
void flue_pcie_init(struct flue_pcie *pcie, const struct flue_pcie_params *params);
/* Bytes on the link for a transfer: ceil(n / mps) x 24 + n; completions ceil(n / mps) x 20 + n; requests ceil(n / mrrs)
 * x 24. */
uint64_t flue_pcie_write_bytes(const struct flue_pcie_params *params, uint64_t bytes);
uint64_t flue_pcie_completion_bytes(const struct flue_pcie_params *params, uint64_t bytes);
uint64_t flue_pcie_request_bytes(const struct flue_pcie_params *params, uint64_t bytes);
/* When the last byte has arrived at the other side, for a transfer asked for at at_ps.  A read: its requests go up, and
 * read_ps after the last of them the completions start down.  0 bytes take no time. */
flue_ps flue_pcie_read(struct flue_pcie *pcie, flue_ps at_ps, uint64_t bytes);
flue_ps flue_pcie_write(struct flue_pcie *pcie, flue_ps at_ps, uint64_t bytes);
flue_ps flue_pcie_doorbell(const struct flue_pcie *pcie, flue_ps at_ps);

/* Interrupt moderation: at most one interrupt per period. */
struct flue_moderation {
    flue_ps period_ps; /* 0: none */
    flue_ps last_ps;   /* of the last interrupt; FLUE_PS_NEVER before the first */
};
/* When an interrupt for something visible at visible_ps may fire.  Whoever fires it sets last_ps. */
flue_ps flue_moderation_next(const struct flue_moderation *moderation, flue_ps visible_ps);

/* A cost profile: every price of profile.def, in file order. */
struct flue_profile {
#define FLUE_PRICE(name, side, category, title)               struct flue_price name;
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) uint64_t name;
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
};
/* The profile `none`, a peer whose processor is not the question: every price and latency is 0, no moderation, every
 * context is hot, clocks and PCI Express at their maxima. */
void flue_profile_free_of_cost(struct flue_profile *profile);
/* The PCI Express part of a profile. */
void flue_profile_pcie(const struct flue_profile *profile, struct flue_pcie_params *out);

FLUE_END_C

#endif
