/* SPDX-License-Identifier: GPL-2.0-only */
/* The built-in profile, and what a profile says of PCI Express. */
#include "flue/cost.h"

void flue_profile_free_of_cost(struct flue_profile *profile)
{
    *profile = (struct flue_profile){
        .host_hz = UINT64_C(10000000000),
        .engine_hz = UINT64_C(10000000000),
        .pcie_bps = UINT64_C(1000000000000),
        .pcie_mps_bytes = 4096,
        .pcie_mrrs_bytes = 4096,
    };
}

void flue_profile_pcie(const struct flue_profile *profile, struct flue_pcie_params *out)
{
    *out = (struct flue_pcie_params){
        .rate_bps = profile->pcie_bps,
        .mps_bytes = (uint32_t)profile->pcie_mps_bytes,
        .mrrs_bytes = (uint32_t)profile->pcie_mrrs_bytes,
        .read_ps = (flue_ps)profile->dma_read_ps,
        .write_ps = (flue_ps)profile->dma_write_ps,
        .doorbell_ps = (flue_ps)profile->doorbell_ps,
    };
}
