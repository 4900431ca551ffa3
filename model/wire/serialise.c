/* SPDX-License-Identifier: GPL-2.0-only */
/* Time on the wire. */
#include "flue/wire.h"

flue_ps flue_wire_serialise_ps(uint64_t bytes, uint64_t rate_bps)
{
    /* bits x 10^12 / rate, rounded to nearest.  10^12 / rate is exact for the usual rates; the split keeps every
     * product below 2^64 for frames up to 64 KiB and any rate. */
    const uint64_t bits = bytes * 8;
    const uint64_t whole = (uint64_t)FLUE_PS_PER_S / rate_bps;
    const uint64_t rest = (uint64_t)FLUE_PS_PER_S % rate_bps;

    if (rest == 0)
        return (flue_ps)(bits * whole);
    return (flue_ps)(bits * whole + (bits * rest + rate_bps / 2) / rate_bps);
}
