/* SPDX-License-Identifier: GPL-2.0-only */
/* FlueHost and FlueHelper, in ns-3's own kind of test. */
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/test.h"

#if __has_include("ns3/flue-helper.h") // a module of the source tree
#include "ns3/flue-helper.h"
#else
#include "flue-helper.h"
#endif

using namespace ns3;

namespace
{

/** The link between the two hosts. */
enum Wire
{
    POINT_TO_POINT,
    ETHERNET
};

/** Bytes both ways over connections that move, with and without loss. */
class FlueTransferTest : public TestCase
{
  public:
    FlueTransferTest(std::string name, Wire wire, uint32_t lossPpm, std::string policy)
        : TestCase(name),
          m_wire(wire),
          m_lossPpm(lossPpm),
          m_policy(policy)
    {
    }

  private:
    static constexpr uint32_t CONNECTIONS = 4;
    static constexpr uint32_t BYTES = 200000;

    void DoRun() override;
    void Accepted(Ptr<FlueSocket> socket);
    void Connected(Ptr<FlueSocket> socket);
    void PeerClosed(Ptr<FlueSocket> socket);
    void Closed(Ptr<FlueSocket> socket, bool clean);
    void Cwnd(uint32_t oldCwnd, uint32_t newCwnd);
    void Rtt(Time oldRtt, Time newRtt);
    void State(TcpSocket::TcpStates_t oldState, TcpSocket::TcpStates_t newState);
    void Holder(FlueSocket::Holder oldHolder, FlueSocket::Holder newHolder);
    void Tx(Ptr<const Packet> packet, const TcpHeader& header, Ptr<const FlueSocket> socket);
    void Rx(Ptr<const Packet> packet, const TcpHeader& header, Ptr<const FlueSocket> socket);

    Wire m_wire;
    uint32_t m_lossPpm;
    std::string m_policy;
    uint32_t m_closed{0};
    uint32_t m_clean{0};
    uint32_t m_cwnd{0};
    uint32_t m_rtt{0};
    uint32_t m_toTarget{0};
    uint32_t m_toHost{0};
    uint64_t m_tx{0};
    uint64_t m_rx{0};
    std::vector<TcpSocket::TcpStates_t> m_states;
};

void
FlueTransferTest::Accepted(Ptr<FlueSocket> socket)
{
    socket->TraceConnectWithoutContext("CongestionWindow", MakeCallback(&FlueTransferTest::Cwnd, this));
    socket->TraceConnectWithoutContext("RTT", MakeCallback(&FlueTransferTest::Rtt, this));
    socket->TraceConnectWithoutContext("Holder", MakeCallback(&FlueTransferTest::Holder, this));
    socket->TraceConnectWithoutContext("Tx", MakeCallback(&FlueTransferTest::Tx, this));
    socket->TraceConnectWithoutContext("Rx", MakeCallback(&FlueTransferTest::Rx, this));
    if (socket->GetId() % CONNECTIONS == 0)
    {
        socket->TraceConnectWithoutContext("State", MakeCallback(&FlueTransferTest::State, this));
    }
    Connected(socket);
    if (m_policy == "never")
    {
        NS_TEST_EXPECT_MSG_EQ(socket->Offload(), true, "it can be handed over");
        Simulator::Schedule(MilliSeconds(2), &FlueSocket::Upload, socket);
    }
}

void
FlueTransferTest::Connected(Ptr<FlueSocket> socket)
{
    socket->SetCloseCallbacks(MakeCallback(&FlueTransferTest::PeerClosed, this),
                              MakeCallback(&FlueTransferTest::Closed, this));
    NS_TEST_EXPECT_MSG_EQ(socket->Send(BYTES), true, "it is open");
    NS_TEST_EXPECT_MSG_EQ(socket->Close(), true, "it is open");
}

void
FlueTransferTest::PeerClosed(Ptr<FlueSocket> socket)
{
    NS_TEST_EXPECT_MSG_EQ(socket->GetReceived(), BYTES, "all that the peer sent");
    NS_TEST_EXPECT_MSG_EQ(socket->Send(1), false, "it was closed");
}

void
FlueTransferTest::Closed(Ptr<FlueSocket> socket, bool clean)
{
    m_closed++;
    m_clean += clean ? 1 : 0;
    NS_TEST_EXPECT_MSG_EQ(socket->GetAcknowledged(), BYTES, "all that was sent");
    NS_TEST_EXPECT_MSG_EQ(socket->Close(), false, "it has ended");
}

void
FlueTransferTest::Cwnd(uint32_t oldCwnd, uint32_t newCwnd)
{
    NS_TEST_EXPECT_MSG_NE(oldCwnd, newCwnd, "a change");
    m_cwnd++;
}

void
FlueTransferTest::Rtt(Time, Time newRtt)
{
    NS_TEST_EXPECT_MSG_EQ((newRtt >= MicroSeconds(20)), true, "no less than the wire takes");
    m_rtt++;
}

void
FlueTransferTest::State(TcpSocket::TcpStates_t, TcpSocket::TcpStates_t newState)
{
    m_states.push_back(newState);
}

void
FlueTransferTest::Holder(FlueSocket::Holder, FlueSocket::Holder newHolder)
{
    m_toTarget += newHolder == FlueSocket::TARGET ? 1 : 0;
    m_toHost += newHolder == FlueSocket::HOST ? 1 : 0;
}

void
FlueTransferTest::Tx(Ptr<const Packet> packet, const TcpHeader& header, Ptr<const FlueSocket> socket)
{
    NS_TEST_EXPECT_MSG_EQ(header.GetSourcePort(), socket->GetLocalPort(), "our port");
    m_tx += packet->GetSize();
}

void
FlueTransferTest::Rx(Ptr<const Packet> packet, const TcpHeader& header, Ptr<const FlueSocket> socket)
{
    NS_TEST_EXPECT_MSG_EQ(header.GetSourcePort(), socket->GetRemotePort(), "its port");
    m_rx += packet->GetSize();
}

void
FlueTransferTest::DoRun()
{
    NodeContainer nodes(2);
    NetDeviceContainer devices;
    FlueHelper flue;

    if (m_wire == POINT_TO_POINT)
    {
        PointToPointHelper link;
        link.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
        link.SetChannelAttribute("Delay", StringValue("10us"));
        devices = link.Install(nodes);
    }
    else
    {
        CsmaHelper link;
        link.SetChannelAttribute("DataRate", StringValue("1Gbps"));
        link.SetChannelAttribute("Delay", StringValue("10us"));
        devices = link.Install(nodes);
        link.AssignStreams(devices, 100);
    }
    Config::SetDefault("ns3::FlueHost::LossPpm", UintegerValue(m_lossPpm));
    flue.SetAttribute("Policy", StringValue(m_policy));
    flue.SetAttribute("MinRto", TimeValue(MilliSeconds(5)));
    FlueHostContainer hosts = flue.Install(nodes);
    Config::SetDefault("ns3::FlueHost::LossPpm", UintegerValue(0));
    NS_TEST_ASSERT_MSG_EQ(flue.AssignStreams(hosts, 1), 2, "a stream each");
    NS_TEST_ASSERT_MSG_EQ(hosts.Get(0)->Listen(80, MakeCallback(&FlueTransferTest::Accepted, this)), true, "a free port");
    NS_TEST_ASSERT_MSG_EQ(hosts.Get(0)->Listen(80, MakeCallback(&FlueTransferTest::Accepted, this)), false, "taken");
    for (uint32_t i = 0; i < CONNECTIONS; i++)
    {
        Ptr<FlueSocket> client = hosts.Get(1)->Connect(hosts.Get(0)->GetAddress(), 80);
        NS_TEST_ASSERT_MSG_NE(client, nullptr, "a connection");
        client->SetConnectCallback(MakeCallback(&FlueTransferTest::Connected, this));
    }
    Simulator::Stop(Seconds(30));
    Simulator::Run();
    NS_TEST_EXPECT_MSG_EQ(m_closed, 2 * CONNECTIONS, "all have ended");
    NS_TEST_EXPECT_MSG_EQ(m_clean, m_closed, "in order");
    NS_TEST_EXPECT_MSG_EQ(hosts.Get(0)->GetOffloaded(), CONNECTIONS, "the adapter took all");
    NS_TEST_EXPECT_MSG_EQ(hosts.Get(0)->GetFindings() + hosts.Get(1)->GetFindings(), 0, "no rule was broken");
    NS_TEST_EXPECT_MSG_EQ(m_toTarget, CONNECTIONS, "all were traced there");
    NS_TEST_EXPECT_MSG_GT(m_cwnd, CONNECTIONS, "windows were traced");
    NS_TEST_EXPECT_MSG_GT(m_rtt, CONNECTIONS, "round trips were traced");
    NS_TEST_EXPECT_MSG_EQ((m_tx >= CONNECTIONS * BYTES), true, "all bytes left");
    NS_TEST_EXPECT_MSG_EQ((m_rx >= CONNECTIONS * BYTES / 2), true, "bytes came, the first ones before it was accepted");
    NS_TEST_EXPECT_MSG_EQ(m_states.empty(), false, "states were traced");
    if (!m_states.empty())
    {
        NS_TEST_EXPECT_MSG_EQ(m_states.back(), TcpSocket::CLOSED, "the last state");
    }
    if (m_policy == "never")
    {
        NS_TEST_EXPECT_MSG_EQ(hosts.Get(0)->GetUploaded(), CONNECTIONS, "all came back");
    }
    Simulator::Destroy();
}

/** Attributes by name, and what they do. */
class FlueAttributeTest : public TestCase
{
  public:
    FlueAttributeTest()
        : TestCase("attributes")
    {
    }

  private:
    void DoRun() override
    {
        Ptr<FlueHost> host = CreateObject<FlueHost>();
        StringValue text;

        host->SetAttribute("Congestion", StringValue("Cubic"));
        host->GetAttribute("Congestion", text);
        NS_TEST_EXPECT_MSG_EQ(text.Get(), "Cubic", "as it was set");
        NS_TEST_EXPECT_MSG_EQ(host->SetAttributeFailSafe("SegmentSize", UintegerValue(1)), false, "out of range");
        NS_TEST_EXPECT_MSG_EQ(TypeId::LookupByName("ns3::FlueSocket").GetGroupName(), "Flue", "its group");
        host->Dispose();
    }
};

/** All of them. */
class FlueTestSuite : public TestSuite
{
  public:
    FlueTestSuite()
        : TestSuite("flue", UNIT)
    {
        AddTestCase(new FlueAttributeTest, TestCase::QUICK);
        AddTestCase(new FlueTransferTest("point to point", POINT_TO_POINT, 0, "always"), TestCase::QUICK);
        AddTestCase(new FlueTransferTest("point to point, loss", POINT_TO_POINT, 10000, "always"), TestCase::QUICK);
        AddTestCase(new FlueTransferTest("point to point, there and back", POINT_TO_POINT, 10000, "never"),
                    TestCase::QUICK);
        AddTestCase(new FlueTransferTest("Ethernet", ETHERNET, 0, "always"), TestCase::QUICK);
    }
};

FlueTestSuite g_flueTestSuite; //!< Registers it.

} // namespace
