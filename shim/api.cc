/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's one symbol. */
#include "bench.h"
#include "flue_ns3.h"
#include "net.h"
#include "nodes.h"
#include "sockets.h"
#include "world.h"

extern "C" __attribute__((visibility("default"))) const flue_ns3_api*
flue_ns3_functions(void)
{
    static const struct flue_ns3_api api = {
        FLUE_NS3_ABI,       FLUE_NS3_VERSION,  flue::OpenNet,      flue::OpenLan,
        flue::OpenSwitch,   flue::OpenRouted,
        flue::BenchDevice,  flue::BenchTcp,    flue::WorldNew,     flue::WorldFree,  flue::WorldWhy,
        flue::WorldAddNode, flue::WorldAddLan, flue::WorldJoin,    flue::WorldLink,  flue::WorldAddress,
        flue::WorldAddRouted,
        flue::WorldFinish,  flue::WorldRouted, flue::NodeDefaults, flue::WorldStart, flue::WorldPcap,
        flue::WorldTotals,
        flue::SocketListen, flue::SocketConnect, flue::SocketIdentify, flue::SocketSend, flue::SocketClose, flue::SocketAbort, flue::SocketSetCtx,
        flue::SocketCtx,    flue::SocketId};

    return &api;
}
