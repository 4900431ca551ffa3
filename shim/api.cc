/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's one symbol. */
#include "bench.h"
#include "flue_ns3.h"
#include "net.h"

extern "C" __attribute__((visibility("default"))) const flue_ns3_api*
flue_ns3_functions(void)
{
    static const struct flue_ns3_api api = {FLUE_NS3_ABI,
                                            FLUE_NS3_VERSION,
                                            flue::OpenNet,
                                            flue::OpenLan,
                                            flue::BenchDevice,
                                            flue::BenchTcp};

    return &api;
}
