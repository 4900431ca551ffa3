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

/* Sends link_bytes in one direction, which is free at *free_ps, from at_ps on; returns when the last has left. */
static flue_ps occupy(const struct flue_pcie *pcie, flue_ps *free_ps, uint64_t *busy_ps, flue_ps at_ps,
                      uint64_t link_bytes)
{
    uint64_t time_ps = cost_scale_nearest(&pcie->scale, link_bytes);

    *free_ps = (at_ps > *free_ps ? at_ps : *free_ps) + (flue_ps)time_ps;
    *busy_ps += time_ps;
    return *free_ps;
}

flue_ps flue_pcie_read(struct flue_pcie *pcie, flue_ps at_ps, uint64_t bytes)
{
    const struct flue_pcie_params *params = &pcie->params;
    flue_ps asked_ps;

    if (bytes == 0)
        return at_ps;
    asked_ps = occupy(pcie, &pcie->up_free_ps, &pcie->up_busy_ps, at_ps, flue_pcie_request_bytes(params, bytes));
    pcie->down_bytes += bytes;
    return occupy(pcie, &pcie->down_free_ps, &pcie->down_busy_ps, asked_ps + params->read_ps,
                  flue_pcie_completion_bytes(params, bytes));
}

flue_ps flue_pcie_write(struct flue_pcie *pcie, flue_ps at_ps, uint64_t bytes)
{
    const struct flue_pcie_params *params = &pcie->params;

    if (bytes == 0)
        return at_ps;
    pcie->up_bytes += bytes;
    return occupy(pcie, &pcie->up_free_ps, &pcie->up_busy_ps, at_ps, flue_pcie_write_bytes(params, bytes)) +
           params->write_ps;
}

flue_ps flue_pcie_doorbell(const struct flue_pcie *pcie, flue_ps at_ps)
{
    return at_ps + pcie->params.doorbell_ps;
}
