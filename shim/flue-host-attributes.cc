/* SPDX-License-Identifier: GPL-2.0-only */
// What can be set on a FlueHost, and what the model makes of it.
#include "flue-host.h"

#include "nodes.h"

#include "flue/node.h"

#include "ns3/abort.h"
#include "ns3/boolean.h"
#include "ns3/enum.h"
#include "ns3/nstime.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"

#include <sstream>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(FlueHost);

namespace
{

/** "name=number name=number" into a profile. */
void
SetPrices(const std::string& text, flue_profile* profile)
{
    std::istringstream words(text);
    std::string word;

    while (words >> word)
    {
        const size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const uint64_t number = equals == std::string::npos ? 0 : std::stoull(word.substr(equals + 1));
        bool known = false;

#define FLUE_PRICE(name_, side, category, title)                                                                      \
    if (name == #name_)                                                                                                \
    {                                                                                                                  \
        profile->name_.cycles = static_cast<uint32_t>(number);                                                         \
        known = true;                                                                                                  \
    }
#define FLUE_VALUE(name_, side, unit, minimum, maximum, title)                                                        \
    if (name == #name_)                                                                                                \
    {                                                                                                                  \
        profile->name_ = number;                                                                                       \
        known = true;                                                                                                  \
    }
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
        NS_ABORT_MSG_IF(!known, "FlueHost: nothing has the price " << name);
    }
}

} // namespace

TypeId
FlueHost::AddTcpAttributes(TypeId tid)
{
    return tid
        .AddAttribute("SegmentSize",
                      "Largest segment taken, bytes.",
                      UintegerValue(1460),
                      MakeUintegerAccessor(&FlueHost::m_mss),
                      MakeUintegerChecker<uint32_t>(88, 65495))
        .AddAttribute("RcvBufSize",
                      "Receive buffer, bytes.",
                      UintegerValue(262144),
                      MakeUintegerAccessor(&FlueHost::m_rcvBuffer),
                      MakeUintegerChecker<uint32_t>(1, 1U << 30))
        .AddAttribute("InitialCwnd",
                      "Initial congestion window, segments.",
                      UintegerValue(10),
                      MakeUintegerAccessor(&FlueHost::m_initialWindow),
                      MakeUintegerChecker<uint32_t>(1, 64))
        .AddAttribute("DelAckCount",
                      "Data segments per acknowledgement.",
                      UintegerValue(2),
                      MakeUintegerAccessor(&FlueHost::m_ackEvery),
                      MakeUintegerChecker<uint32_t>(1, 255))
        .AddAttribute("DelAckTimeout",
                      "Longest delay of an acknowledgement.",
                      TimeValue(MilliSeconds(40)),
                      MakeTimeAccessor(&FlueHost::m_delayedAck),
                      MakeTimeChecker())
        .AddAttribute("Congestion",
                      "How the congestion window moves.",
                      EnumValue(NEW_RENO),
                      MakeEnumAccessor(&FlueHost::m_congestion),
                      MakeEnumChecker(NEW_RENO, "NewReno", CUBIC, "Cubic"))
        .AddAttribute("Timestamp",
                      "Offer RFC 7323 timestamps.",
                      BooleanValue(true),
                      MakeBooleanAccessor(&FlueHost::m_timestamps),
                      MakeBooleanChecker())
        .AddAttribute("Sack",
                      "Offer RFC 2018 selective acknowledgement.",
                      BooleanValue(true),
                      MakeBooleanAccessor(&FlueHost::m_sack),
                      MakeBooleanChecker())
        .AddAttribute("MinRto",
                      "Smallest retransmission timeout.",
                      TimeValue(MilliSeconds(200)),
                      MakeTimeAccessor(&FlueHost::m_rtoMin),
                      MakeTimeChecker())
        .AddAttribute("TimeWait",
                      "How long a connection stays in TIME-WAIT.",
                      TimeValue(Seconds(1)),
                      MakeTimeAccessor(&FlueHost::m_timeWait),
                      MakeTimeChecker());
}

TypeId
FlueHost::GetTypeId()
{
    static TypeId tid = AddTcpAttributes(
        TypeId("ns3::FlueHost")
            .SetParent<Object>()
            .SetGroupName("Flue")
            .AddConstructor<FlueHost>()
            .AddAttribute("Address",
                          "Own address.",
                          Ipv4AddressValue("10.0.0.1"),
                          MakeIpv4AddressAccessor(&FlueHost::m_address),
                          MakeIpv4AddressChecker())
            .AddAttribute("Policy",
                          "Who decides what is offloaded: always, never, ...",
                          StringValue("always"),
                          MakeStringAccessor(&FlueHost::m_policy),
                          MakeStringChecker())
            .AddAttribute("Cycles",
                          "What each kind of work costs, in cycles.",
                          UintegerValue(500),
                          MakeUintegerAccessor(&FlueHost::m_cycles),
                          MakeUintegerChecker<uint32_t>())
            .AddAttribute("Prices",
                          "Work that costs something else, and rates and latencies: \"syscall=2000 dma_read_ps=900000\", "
                          "with the names of flue/profile.def.",
                          StringValue(""),
                          MakeStringAccessor(&FlueHost::m_prices),
                          MakeStringChecker())
            .AddAttribute("HostClock",
                          "Clock of the host's core, Hz.",
                          UintegerValue(3000000000),
                          MakeUintegerAccessor(&FlueHost::m_hostHz),
                          MakeUintegerChecker<uint64_t>(100000000, 10000000000))
            .AddAttribute("EngineClock",
                          "Clock of the adapter's engine, Hz.",
                          UintegerValue(3000000000),
                          MakeUintegerAccessor(&FlueHost::m_engineHz),
                          MakeUintegerChecker<uint64_t>(1000000, 10000000000))
            .AddAttribute("Capacity",
                          "Connections that the adapter can hold.",
                          UintegerValue(16384),
                          MakeUintegerAccessor(&FlueHost::m_capacity),
                          MakeUintegerChecker<uint32_t>())
            .AddAttribute("TreeSize",
                          "Connections in one tree of an initiate, at most.",
                          UintegerValue(256),
                          MakeUintegerAccessor(&FlueHost::m_tree),
                          MakeUintegerChecker<uint32_t>(1))
            .AddAttribute("LossPpm",
                          "Frames that are lost on their way to this host, of a million.",
                          UintegerValue(0),
                          MakeUintegerAccessor(&FlueHost::m_lossPpm),
                          MakeUintegerChecker<uint32_t>(0, 500000))
            .AddAttribute("Check",
                          "Watch the offload interface for broken rules.",
                          BooleanValue(true),
                          MakeBooleanAccessor(&FlueHost::m_check),
                          MakeBooleanChecker()));
    return tid;
}

void
FlueHost::FillParams(flue_node_params* params) const
{
    flue::NodeDefaults(params);
    flue_host_params& host = params->host;
    flue_profile& profile = host.profile;

    host.ip = m_address.Get();
    host.policy = flue_policy_find(m_policy.c_str());
    NS_ABORT_MSG_IF(host.policy == nullptr, "FlueHost: there is no policy " << m_policy);
    host.tree_connections = m_tree;
#define FLUE_PRICE(name, side, category, title) profile.name.cycles = m_cycles;
#define FLUE_VALUE(name, side, unit, minimum, maximum, title)
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    profile.host_hz = m_hostHz;
    profile.engine_hz = m_engineHz;
    SetPrices(m_prices, &profile);
    host.tcp.mss_bytes = m_mss;
    host.tcp.rcv_buffer_bytes = m_rcvBuffer;
    host.tcp.initial_window = m_initialWindow;
    host.tcp.ack_every = m_ackEvery;
    host.tcp.delayed_ack_ps = m_delayedAck.GetPicoSeconds();
    host.tcp.congestion = m_congestion == CUBIC ? FLUE_TCP_CUBIC : FLUE_TCP_NEWRENO;
    host.tcp.timestamps = m_timestamps ? 1 : 0;
    host.tcp.sack = m_sack ? 1 : 0;
    host.tcp.rto_min_ps = m_rtoMin.GetPicoSeconds();
    host.tcp.time_wait_ps = m_timeWait.GetPicoSeconds();
    params->target.tcp = host.tcp;
    params->target.profile = profile;
    params->target.tcp_max = m_capacity;
    params->target.path_max = m_capacity;
    params->impair.loss_ppm = m_lossPpm;
    params->check = m_check ? FLUE_CHECK_COUNT : FLUE_CHECK_OFF;
}

} // namespace ns3
