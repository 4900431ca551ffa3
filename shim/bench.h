/* SPDX-License-Identifier: GPL-2.0-only */
/* What `flue bench` sets beside Flue (see flue_ns3.h for the meaning of the arguments). */
#ifndef FLUE_SHIM_BENCH_H
#define FLUE_SHIM_BENCH_H

#include "flue/net.h"

#include <ctime>

namespace flue
{

/* Processor time of this process. */
inline int64_t
CpuNs()
{
    timespec now{};

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

flue_err BenchDevice(uint64_t frames, uint32_t ipBytes, uint32_t ackBytes, const flue_net_params* params, int64_t* cpuNs);

flue_err BenchTcp(uint32_t connections, uint64_t bytes, uint32_t mssBytes, const flue_net_params* params, int64_t* cpuNs,
                  uint64_t* segments, uint64_t* idleBytes);

} // namespace flue

#endif
