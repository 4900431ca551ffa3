/* SPDX-License-Identifier: GPL-2.0-only */
/* A Flue network on ns-3.  A node is an ns3::Node without an Internet stack: the adapter takes packets from its device
 * by a protocol handler and gives packets with real headers back.  Each node has one alarm. */
#include "port.h"

#include "descriptor-tag.h"
#include "net.h"

#include "frame/frame.h"

#include "ns3/boolean.h"
#include "ns3/global-value.h"
#include "ns3/nstime.h"
#include "ns3/pointer.h"
#include "ns3/queue.h"
#include "ns3/simulator.h"

#include <cstdio>
#include <cstdlib>

namespace flue
{

namespace
{

bool g_open = false; /* ns-3's simulator is one for the process, so one network is */

/* What ns-3 counts, in picoseconds. */
flue_ps
StepPs()
{
    static const flue_ps step = ns3::Time::FromInteger(1, ns3::Time::GetResolution()).GetPicoSeconds();

    return step;
}

void
Schedule(Port* port, flue_ps atPs)
{
    ns3::Ptr<AlarmEvent> event;
    const flue_ps nowPs = NowPs();

    if (port->idle.empty())
    {
        event = ns3::Create<AlarmEvent>();
        event->port = port;
    }
    else
    {
        event = port->idle.back();
        port->idle.pop_back();
    }
    const flue_ps steps = atPs < nowPs ? 0 : (atPs - nowPs) / StepPs() + ((atPs - nowPs) % StepPs() != 0);
    event->atPs = nowPs + steps * StepPs();
    port->queuedPs = event->atPs;
    ns3::Simulator::ScheduleWithContext(port->node->GetId(), ns3::TimeStep(static_cast<uint64_t>(steps)),
                                        static_cast<ns3::EventImpl*>(ns3::PeekPointer(event)));
    event->Ref(); /* the queue releases one reference when the event has run */
}

} // namespace

flue_ps
NowPs()
{
    return ns3::Simulator::Now().GetTimeStep() * StepPs();
}

void
AlarmEvent::Notify()
{
    const flue_ps atNow = atPs;

    port->idle.emplace_back(this);
    if (port->queuedPs == atNow)
    {
        port->queuedPs = FLUE_PS_NEVER;
    }
    if (port->wantedPs > atNow)
    {
        if (port->wantedPs < port->queuedPs)
        {
            Schedule(port, port->wantedPs);
        }
        return;
    }
    port->wantedPs = FLUE_PS_NEVER;
    port->net->totals.events++;
    port->client.alarm(port->client.ctx);
}

namespace
{

flue_ps
EnvNow(void*)
{
    return NowPs();
}

void
EnvSetAlarm(void* ctx, flue_ps atPs)
{
    auto port = static_cast<Port*>(ctx);

    port->wantedPs = atPs;
    if (atPs < port->queuedPs)
    {
        Schedule(port, atPs);
    }
}

void*
EnvAllocate(void* ctx, size_t bytes)
{
    flue_net_totals* totals = &static_cast<Port*>(ctx)->net->totals;
    void* memory = std::calloc(1, bytes);

    if (memory != nullptr)
    {
        totals->memory_bytes += bytes;
        if (totals->memory_bytes > totals->memory_peak)
        {
            totals->memory_peak = totals->memory_bytes;
        }
    }
    return memory;
}

void
EnvRelease(void* ctx, void* memory, size_t bytes)
{
    if (memory != nullptr)
    {
        static_cast<Port*>(ctx)->net->totals.memory_bytes -= bytes;
    }
    std::free(memory);
}

const flue_env*
NetEnv(void* ctx, unsigned node)
{
    return &static_cast<Net*>(ctx)->port[node].env;
}

const flue_wire*
NetWire(void* ctx, unsigned node)
{
    return &static_cast<Net*>(ctx)->port[node].wire;
}

void
NetAttach(void* ctx, unsigned node, const flue_net_client* client)
{
    static_cast<Net*>(ctx)->port[node].client = *client;
}

void
NetRun(void*, flue_ps untilPs)
{
    const flue_ps nowPs = NowPs();

    if (untilPs != FLUE_PS_NEVER)
    {
        ns3::Simulator::Stop(ns3::TimeStep(static_cast<uint64_t>(untilPs - nowPs)));
    }
    ns3::Simulator::Run();
}

void
NetStop(void*)
{
    ns3::Simulator::Stop();
}

flue_ps
NetNow(void*)
{
    return NowPs();
}

void
NetTotals(void* ctx, flue_net_totals* out)
{
    auto net = static_cast<Net*>(ctx);

    for (unsigned i = 0; i < NODES && i < net->port.size(); i++)
    {
        net->totals.frames[i] = net->port[i].sent;
        net->totals.dropped[i] = net->port[i].dropped;
    }
    *out = net->totals;
}

void
NetFree(void* ctx)
{
    static_cast<Net*>(ctx)->FreeNodes();
    ns3::Simulator::Destroy();
    ns3::GlobalValue::Bind("ChecksumEnabled", ns3::BooleanValue(false)); /* a network may have set it */
    delete static_cast<Net*>(ctx);
    g_open = false;
}

void
NetPortTotals(void* ctx, unsigned node, flue_net_port_totals* out)
{
    const Port& port = static_cast<Net*>(ctx)->port[node];

    *out = flue_net_port_totals{port.sent, port.dropped, port.received, 0, port.filtered, port.lostDown};
}

void
TellLink(Port* port)
{
    if (port->toldDown != port->isDown)
    {
        port->toldDown = port->isDown;
        if (port->client.link != nullptr)
        {
            port->client.link(port->client.ctx, !port->isDown);
        }
    }
}

/* The stock devices know no link that goes down: the port itself is deaf and dumb.  What the device is sending goes on
 * its way; what waits there is lost. */
void
NetPortDown(void* ctx, unsigned node, int down)
{
    Port* port = &static_cast<Net*>(ctx)->port[node];

    if (port->device == nullptr || port->isDown == (down != 0))
    {
        return;
    }
    port->isDown = down != 0;
    if (port->isDown)
    {
        ns3::PointerValue queue;
        port->device->GetAttribute("TxQueue", queue);
        auto waiting = queue.Get<ns3::Queue<ns3::Packet>>();
        port->lostDown += waiting->GetNPackets();
        waiting->Flush();
    }
    ns3::Simulator::ScheduleWithContext(port->node->GetId(), ns3::TimeStep(0), &TellLink, port);
}

void
NetRouterDown(void* ctx, unsigned router, int down)
{
    static_cast<Net*>(ctx)->RouterDown(router, down != 0);
}

void
NetBehindMtu(void* ctx, unsigned node, uint32_t mtuBytes)
{
    static_cast<Net*>(ctx)->BehindMtu(node, mtuBytes);
}

void
NetRouterMac(void* ctx, unsigned router)
{
    static_cast<Net*>(ctx)->RouterMac(router);
}

void
NetRouterTotals(void* ctx, unsigned router, flue_net_router_totals* out)
{
    *out = static_cast<Net*>(ctx)->RouterTotals(router);
}

/* Where in its datagram's payload, the TCP header included, the frame's payload begins. */
uint32_t
PlaceOfPayload(const flue_frame* frame)
{
    const uint32_t place = frame->fragment & ~7U;

    return frame->kind == FLUE_FRAME_FRAGMENT && place != 0 ? place : FRAME_TCP_BYTES + frame_option_bytes(frame);
}

} // namespace

void
TagPayload(const ns3::Ptr<ns3::Packet>& packet, const flue_frame* frame)
{
    if (frame->payload.length_bytes > 0)
    {
        packet->AddPacketTag(DescriptorTag(frame->payload.stream, frame->payload.offset_bytes, PlaceOfPayload(frame)));
    }
}

bool
HasLink(Port* port)
{
    port->lostDown += port->isDown ? 1 : 0;
    return !port->isDown;
}

flue_wire_result
CountSent(Port* port, bool sent)
{
    if (!sent)
    {
        port->dropped++;
        return FLUE_WIRE_FULL;
    }
    port->sent++;
    return FLUE_WIRE_SENT;
}

void
Deliver(Port* port, const ns3::Ptr<const ns3::Packet>& packet, flue_frame* frame)
{
    Net* net = port->net;
    DescriptorTag tag;

    if (!HasLink(port))
    {
        return;
    }
    if (frame->payload.length_bytes == 0 || !packet->PeekPacketTag(tag))
    {
        if (net->realBytes ? !net->streams.Describe(frame) : frame->payload.length_bytes > 0)
        {
            return;
        }
    }
    else
    {
        uint64_t offset = tag.GetOffset();

        if (frame->kind == FLUE_FRAME_FRAGMENT)
        {
            offset = offset + PlaceOfPayload(frame) - tag.GetPlace(); /* a router may have cut the packet */
        }
        if (net->realBytes &&
            !net->streams.Compare(tag.GetStream(), offset, frame->payload.memory, frame->payload.length_bytes))
        {
            return;
        }
        frame->payload.memory = nullptr;
        frame->payload.stream = tag.GetStream();
        frame->payload.offset_bytes = offset;
    }
    port->received++;
    net->totals.events++;
    port->client.receive(port->client.ctx, frame);
}

bool
ClaimSimulator(char* message, size_t room)
{
    if (g_open || !UsePicoseconds())
    {
        std::snprintf(message, room, "--net ns3: one network at a time, and ns-3 must count picoseconds");
        return false;
    }
    g_open = true;
    return true;
}

Port*
SetUpPort(Net* net, unsigned number, const ns3::Ptr<ns3::Node>& node, const ns3::Ptr<ns3::NetDevice>& device,
          uint64_t seed)
{
    while (net->port.size() <= number)
    {
        net->port.emplace_back();
    }
    Port* port = &net->port[number];
    port->net = net;
    port->number = number;
    port->node = node;
    port->device = device;
    port->env = flue_env{port, EnvNow, EnvSetAlarm, EnvAllocate, EnvRelease, seed};
    return port;
}

void
FillNet(Net* net, flue_net* out)
{
    *out = flue_net{net,    "ns3",     NetEnv,  NetWire, NetAttach,     NetRun,        NetStop,
                    NetNow, NetTotals, NetFree, NetPortDown, NetRouterDown, NetBehindMtu,   NetRouterMac,
                    NetPortTotals, NetRouterTotals};
}

bool
UsePicoseconds()
{
    static bool done = false;

    if (!done)
    {
        /* ns-3's inline conversions hold a static reference whose first use in this module sets the resolution back to
         * nanoseconds: that use comes first. */
        (void)ns3::Time::FromInteger(0, ns3::Time::US);
        ns3::Time::SetResolution(ns3::Time::PS);
        done = true;
    }
    return ns3::Time::GetResolution() == ns3::Time::PS;
}

} // namespace flue
