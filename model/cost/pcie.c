/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI Express by arithmetic: headers of 24 bytes on memory writes and read requests (64-bit addresses), 20 on
 * completions, both with 8 bytes of link layer (Neugebauer et al., SIGCOMM 2018). */
#include "flue/cost.h"

#include "cost/scale.h"

#include <assert.h>

enum { REQUEST_HEADER_BYTES = 24, COMPLETION_HEADER_BYTES = 20 };

static uint64_t pieces(uint64_t bytes, uint32_t piece)
{
    return bytes / piece + (bytes % piece != 0);
}

void flue_pcie_init(struct flue_pcie *pcie, const struct flue_pcie_params *params)
{
    assert(params->rate_bps >= UINT64_C(1000000) && params->rate_bps <= UINT64_C(1000000000000));
    assert(params->mps_bytes != 0 && params->mrrs_bytes != 0);
    *pcie = (struct flue_pcie){
        .params = *params,
        .scale = cost_scale_make(8 * (uint64_t)FLUE_PS_PER_S, params->rate_bps),
    };
}

uint64_t flue_pcie_write_bytes(const struct flue_pcie_params *params, uint64_t bytes)
{
    return pieces(bytes, params->mps_bytes) * REQUEST_HEADER_BYTES + bytes;
}

uint64_t flue_pcie_completion_bytes(const struct flue_pcie_params *params, uint64_t bytes)
{
    return pieces(bytes, params->mps_bytes) * COMPLETION_HEADER_BYTES + bytes;
}

uint64_t flue_pcie_request_bytes(const struct flue_pcie_params *params, uint64_t bytes)
{
    return pieces(bytes, params->mrrs_bytes) * REQUEST_HEADER_BYTES;
}

static flue_ps time_of(const struct flue_pcie *pcie, uint64_t link_bytes)
{
    return (flue_ps)cost_scale_nearest(&pcie->scale, link_bytes);
}

FLUE_COLD static void learn_read(struct flue_pcie *pcie, struct flue_pcie_known *known, uint64_t bytes)
{
    *known = (struct flue_pcie_known){.bytes = bytes,
                                      .asked_ps = time_of(pcie, flue_pcie_request_bytes(&pcie->params, bytes)),
                                      .moved_ps = time_of(pcie, flue_pcie_completion_bytes(&pcie->params, bytes))};
}

FLUE_COLD static void learn_write(struct flue_pcie *pcie, struct flue_pcie_known *known, uint64_t bytes)
{
    *known = (struct flue_pcie_known){.bytes = bytes,
                                      .moved_ps = time_of(pcie, flue_pcie_write_bytes(&pcie->params, bytes))};
}

/* Where a size is kept.  Full segments, bare acknowledgements, and these with SACK blocks do not meet. */
static inline unsigned place_of(uint64_t bytes)
{
    return (unsigned)((bytes ^ bytes >> 3) % FLUE_PCIE_KNOWN);
}

/* Occupies one direction, which is free at *free_ps, from at_ps on; returns when the last byte has left. */
static inline flue_ps occupy(flue_ps *free_ps, uint64_t *busy_ps, flue_ps at_ps, flue_ps time_ps)
{
    *free_ps = (at_ps > *free_ps ? at_ps : *free_ps) + time_ps;
    *busy_ps += (uint64_t)time_ps;
    return *free_ps;
}

flue_ps flue_pcie_read(struct flue_pcie *pcie, flue_ps at_ps, uint64_t bytes)
{
    struct flue_pcie_known *known = &pcie->reads[place_of(bytes)];
    flue_ps asked_ps;

    if (bytes == 0)
        return at_ps;
    if (known->bytes != bytes)
        learn_read(pcie, known, bytes);
    asked_ps = occupy(&pcie->up_free_ps, &pcie->up_busy_ps, at_ps, known->asked_ps);
    pcie->down_bytes += bytes;
    return occupy(&pcie->down_free_ps, &pcie->down_busy_ps, asked_ps + pcie->params.read_ps, known->moved_ps);
}

flue_ps flue_pcie_write(struct flue_pcie *pcie, flue_ps at_ps, uint64_t bytes)
{
    struct flue_pcie_known *known = &pcie->writes[place_of(bytes)];

    if (bytes == 0)
        return at_ps;
    if (known->bytes != bytes)
        learn_write(pcie, known, bytes);
    pcie->up_bytes += bytes;
    return occupy(&pcie->up_free_ps, &pcie->up_busy_ps, at_ps, known->moved_ps) + pcie->params.write_ps;
}

flue_ps flue_pcie_doorbell(const struct flue_pcie *pcie, flue_ps at_ps)
{
    return at_ps + pcie->params.doorbell_ps;
}
