/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NS3_FLUE_HOST_H
#define NS3_FLUE_HOST_H

#include "flue-socket.h"

#include "ns3/ipv4-address.h"
#include "ns3/net-device.h"
#include "ns3/random-variable-stream.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct flue_app;
struct flue_frame;
struct flue_node;
struct flue_node_params;
struct flue_span;

namespace flue
{
struct Port;
}

/**
 * \defgroup flue TCP chimney offload
 *
 * Hosts over adapters that can run TCP for them: connections move between the two while they live.
 */

namespace ns3
{

/**
 * \ingroup flue
 *
 * \brief A host over an adapter that offloads TCP, on a node without an Internet stack.
 *
 * It stands on one PointToPointNetDevice or CsmaNetDevice of its node, to which it is aggregated; FlueHelper does both.
 * Its peers are FlueHosts, too.  Attributes count until it is first used, or the simulation begins.
 */
class FlueHost : public Object
{
  public:
    /** How the congestion window moves. */
    enum Congestion
    {
        NEW_RENO, //!< RFC 5681.
        CUBIC     //!< RFC 9438.
    };

    /**
     * \brief Get the type ID.
     * \return The object TypeId.
     */
    static TypeId GetTypeId();
    FlueHost();
    ~FlueHost() override;

    /** \param device The device it stands on. */
    void SetDevice(Ptr<NetDevice> device);
    /** \return The device it stands on. */
    Ptr<NetDevice> GetDevice() const;
    /** \return Its address. */
    Ipv4Address GetAddress() const;

    /**
     * \brief Everything for a network leaves by way of a gateway.  What no route covers is on the link.
     * \param network The network.
     * \param mask Its mask.
     * \param gateway The next hop.
     */
    void AddRoute(Ipv4Address network, Ipv4Mask mask, Ipv4Address gateway);
    /**
     * \brief Open a connection.
     * \param remote The peer.
     * \param port Its port.
     * \return The connection; none: no port is free.
     */
    Ptr<FlueSocket> Connect(Ipv4Address remote, uint16_t port);
    /**
     * \brief Accept connections.
     * \param port The port.
     * \param accepted Called with each connection when it is open.
     * \return False: somebody listens there.
     */
    bool Listen(uint16_t port, Callback<void, Ptr<FlueSocket>> accepted);
    /** \brief Payloads are written out from now on, with checksums, in all hosts: for captures. */
    void UseRealBytes();

    /** \return Connections that the adapter took, over the run. */
    uint64_t GetOffloaded();
    /** \return Connections that came back, over the run. */
    uint64_t GetUploaded();
    /** \return What the checker of the offload interface has found. */
    uint32_t GetFindings() const;
    /**
     * \param stream First stream index to use.
     * \return How many streams were assigned.
     */
    int64_t AssignStreams(int64_t stream);

  protected:
    void DoInitialize() override;
    void DoDispose() override;

  private:
    friend class FlueSocket;
    friend struct FlueHostCalls; // what the model calls

    /** Where connections to a port go. */
    struct Listener
    {
        FlueHost* host;                             //!< Whose it is.
        Callback<void, Ptr<FlueSocket>> accepted;   //!< Told of each.
    };

    /** \brief Make the node, with the attributes as they are now. */
    void Build();
    /** \param tid The type, to which the attributes of its TCP are added. */
    static TypeId AddTcpAttributes(TypeId tid);
    /** \param params Filled in from the attributes. */
    void FillParams(::flue_node_params* params) const;
    /** \brief Something of the model is about to run. */
    void Enter();
    /** \brief It has run; the outermost one brings traces up to date, and the alarm if it was called from outside. */
    void Leave(bool fromOutside);
    /** \return The present moment of the model. */
    int64_t NowPs() const;
    /** \param socket To be refreshed when the model has run. */
    void Touch(FlueSocket* socket);
    /** \param socket Known by its ports and peer from now on. */
    void Know(Ptr<FlueSocket> socket);
    /** \param frame Has passed the port. */
    void OnFrame(const ::flue_frame* frame);

    Ptr<NetDevice> m_device;                    //!< The device.
    Ipv4Address m_address;                      //!< Own address.
    std::string m_policy;                       //!< Who decides.
    std::string m_prices;                       //!< Work that costs something else.
    uint32_t m_cycles;                          //!< What work costs.
    uint64_t m_hostHz;                          //!< Clock of the host.
    uint64_t m_engineHz;                        //!< Clock of the adapter.
    uint32_t m_capacity;                        //!< Connections in the adapter.
    uint32_t m_tree;                            //!< Connections in one initiate.
    uint32_t m_mss;                             //!< Segment size.
    uint32_t m_rcvBuffer;                       //!< Receive buffer.
    uint32_t m_initialWindow;                   //!< Segments.
    uint32_t m_ackEvery;                        //!< Segments per acknowledgement.
    Congestion m_congestion;                    //!< Which.
    bool m_timestamps;                          //!< RFC 7323.
    bool m_sack;                                //!< RFC 2018.
    Time m_rtoMin;                              //!< Smallest retransmission timeout.
    Time m_delayedAck;                          //!< Longest delay of an acknowledgement.
    Time m_timeWait;                            //!< 2 MSL.
    uint32_t m_lossPpm;                         //!< Of frames that come.
    bool m_check;                               //!< The checker is on.

    Ptr<UniformRandomVariable> m_seed;          //!< Seeds the node.
    ::flue_node* m_node{nullptr};               //!< The model.
    ::flue::Port* m_port{nullptr};              //!< Its place on the device.
    uint32_t m_depth{0};                        //!< The model runs.
    int64_t m_atPs{0};                          //!< At this moment of its own.
    uint32_t m_findings{0};                     //!< Of the checker.
    uint16_t m_nextPort{49152};                 //!< Of connections that it opens.
    Listener m_connector{this, {}};             //!< Of connections that it opens.
    std::vector<std::unique_ptr<Listener>> m_listeners;             //!< By age.
    std::unordered_map<uint64_t, Ptr<FlueSocket>> m_sockets;        //!< Live ones.
    std::vector<Ptr<FlueSocket>> m_dirty;                           //!< To be refreshed.
};

} // namespace ns3

#endif
