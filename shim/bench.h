/* SPDX-License-Identifier: GPL-2.0-only */
/* What `flue bench` sets beside Flue (see flue_ns3.h for the meaning of the arguments). */
#ifndef FLUE_SHIM_BENCH_H
#define FLUE_SHIM_BENCH_H

#include "flue/net.h"

namespace flue
{

flue_err BenchDevice(uint64_t frames, uint32_t ipBytes, uint32_t ackBytes, const flue_net_params* params, int64_t* cpuNs);

flue_err BenchTcp(uint32_t connections, uint64_t bytes, uint32_t mssBytes, const flue_net_params* params, int64_t* cpuNs,
                  uint64_t* segments, uint64_t* idleBytes);

} // namespace flue

#endif
