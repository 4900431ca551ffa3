/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NS3_FLUE_HELPER_H
#define NS3_FLUE_HELPER_H

#if __has_include("ns3/flue-host.h") // a module of ns-3's source tree
#include "ns3/flue-host.h"
#else
#include "flue-host.h"
#endif

#include "ns3/net-device-container.h"
#include "ns3/node-container.h"
#include "ns3/object-factory.h"
#include "ns3/trace-helper.h"

#include <vector>

namespace ns3
{

/**
 * \ingroup flue
 *
 * \brief Holds FlueHosts, in the order in which they were installed.
 */
class FlueHostContainer
{
  public:
    /** \param host To be added. */
    void Add(Ptr<FlueHost> host);
    /**
     * \param i A number, from 0.
     * \return That host.
     */
    Ptr<FlueHost> Get(uint32_t i) const;
    /** \return How many there are. */
    uint32_t GetN() const;
    /** \return The first one. */
    std::vector<Ptr<FlueHost>>::const_iterator Begin() const;
    /** \return Behind the last one. */
    std::vector<Ptr<FlueHost>>::const_iterator End() const;

  private:
    std::vector<Ptr<FlueHost>> m_hosts; //!< They.
};

/**
 * \ingroup flue
 *
 * \brief Makes nodes into FlueHosts.
 */
class FlueHelper : public PcapHelperForDevice
{
  public:
    FlueHelper();

    /**
     * \brief An attribute of the hosts that are installed from now on.
     * \param name Its name.
     * \param value Its value.
     */
    void SetAttribute(std::string name, const AttributeValue& value);
    /**
     * \brief Where addresses are taken from: the next host gets the first one.  At first 10.0.0.1.
     * \param first An address.
     */
    void SetBase(Ipv4Address first);
    /**
     * \param node A node; its first device is taken.
     * \return The host.
     */
    FlueHostContainer Install(Ptr<Node> node);
    /**
     * \param nodes Nodes; the first device of each is taken.
     * \return The hosts.
     */
    FlueHostContainer Install(NodeContainer nodes);
    /**
     * \param devices A device of each node.
     * \return The hosts.
     */
    FlueHostContainer Install(NetDeviceContainer devices);
    /**
     * \param hosts Hosts.
     * \param stream First stream index to use.
     * \return How many streams were assigned.
     */
    int64_t AssignStreams(FlueHostContainer hosts, int64_t stream);

  private:
    void EnablePcapInternal(std::string prefix, Ptr<NetDevice> nd, bool promiscuous, bool explicitFilename) override;
    /**
     * \param device A device.
     * \return Its host.
     */
    Ptr<FlueHost> InstallOn(Ptr<NetDevice> device);

    ObjectFactory m_factory; //!< Makes hosts.
    Ipv4Address m_next;      //!< The next host's address.
};

} // namespace ns3

#endif
