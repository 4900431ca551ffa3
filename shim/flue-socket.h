/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NS3_FLUE_SOCKET_H
#define NS3_FLUE_SOCKET_H

#include "ns3/callback.h"
#include "ns3/ipv4-address.h"
#include "ns3/nstime.h"
#include "ns3/object.h"
#include "ns3/packet.h"
#include "ns3/tcp-header.h"
#include "ns3/tcp-socket.h"
#include "ns3/traced-callback.h"
#include "ns3/traced-value.h"

struct flue_host_socket;
struct flue_span;

namespace ns3
{

class FlueHost;

/**
 * \ingroup flue
 *
 * \brief One TCP connection of a FlueHost, whoever runs it: the host, or the adapter.
 *
 * The payload is described, not stored: bytes are counted.  Made by FlueHost::Connect() and FlueHost::Listen().  All
 * callbacks come from inside the simulation, and from inside them every function here may be called.  The trace sources
 * that ns3::TcpSocketBase has, too, mean the same here, and go on when the connection changes its holder.
 */
class FlueSocket : public Object
{
  public:
    /** Who runs TCP for a connection. */
    enum Holder
    {
        HOST,   //!< The host's software path.
        TARGET, //!< The adapter's offload target.
        CLOSED  //!< Nobody: it has ended, or is not open yet.
    };

    /**
     * TracedCallback signature of the trace source Holder.
     *
     * \param [in] oldValue Who held the connection.
     * \param [in] newValue Who holds it from now on.
     */
    typedef void (*HolderTracedValueCallback)(const Holder oldValue, const Holder newValue);

    /**
     * TracedCallback signature of the trace sources Tx and Rx.
     *
     * \param [in] packet The segment's payload: its size, without bytes.
     * \param [in] header The TCP header, without options.
     * \param [in] socket The connection.
     */
    typedef void (*TxRxTracedCallback)(const Ptr<const Packet> packet,
                                       const TcpHeader& header,
                                       const Ptr<const FlueSocket> socket);

    /**
     * \brief Get the type ID.
     * \return The object TypeId.
     */
    static TypeId GetTypeId();
    FlueSocket();
    ~FlueSocket() override;

    /**
     * \brief Append bytes to what is sent.
     * \param bytes How many.
     * \return False: the connection is closed.
     */
    bool Send(uint32_t bytes);
    /**
     * \brief Close the sending side, after what has been sent.
     * \return False: it was closed before.
     */
    bool Close();
    /** \brief Reset the connection. */
    void Abort();
    /**
     * \brief Hand the connection to the adapter, now.
     * \return False: it is in no state that allows it.
     */
    bool Offload();
    /**
     * \brief Take the connection back from the adapter, now.
     * \return False: the adapter does not hold it.
     */
    bool Upload();

    /** \return Who holds the connection. */
    Holder GetHolder() const;
    /** \return Identity of the connection, the same at both ends. */
    uint32_t GetId() const;
    /** \return The peer's address. */
    Ipv4Address GetRemoteAddress() const;
    /** \return The peer's port. */
    uint16_t GetRemotePort() const;
    /** \return The own port. */
    uint16_t GetLocalPort() const;
    /** \return The bytes received so far. */
    uint64_t GetReceived() const;
    /** \return The bytes sent and acknowledged so far. */
    uint64_t GetAcknowledged() const;

    /** \param connected Called when the connection is open. */
    void SetConnectCallback(Callback<void, Ptr<FlueSocket>> connected);
    /** \param received Called with the number of bytes that came, in order. */
    void SetRecvCallback(Callback<void, Ptr<FlueSocket>, uint32_t> received);
    /** \param acknowledged Called with the number of bytes that the peer has acknowledged. */
    void SetDataSentCallback(Callback<void, Ptr<FlueSocket>, uint32_t> acknowledged);
    /**
     * \param peerClosed Called when the peer has closed its sending side.
     * \param closed Called when the connection has ended; the bool tells whether both sides had closed it.
     */
    void SetCloseCallbacks(Callback<void, Ptr<FlueSocket>> peerClosed, Callback<void, Ptr<FlueSocket>, bool> closed);

  protected:
    void DoDispose() override;

  private:
    friend class FlueHost;
    friend struct FlueHostCalls; // what the model calls

    /**
     * \brief Do something to the connection, as its application.
     * \param what What.
     * \param bytes Its argument.
     * \return What it says; false: the connection has ended.
     */
    bool Do(bool (*what)(::flue_host_socket* socket, int64_t atPs, uint32_t bytes), uint32_t bytes);

    /** \brief Bring the traced values up to date. */
    void Refresh();

    Ptr<FlueHost> m_host;                   //!< Whose connection it is.
    ::flue_host_socket* m_socket{nullptr};  //!< The model's; none: it has ended.
    Ipv4Address m_remote;                   //!< The peer.
    uint16_t m_remotePort{0};               //!< Its port.
    uint16_t m_localPort{0};                //!< Our port.
    uint32_t m_id{0};                       //!< Identity.
    uint64_t m_received{0};                 //!< Bytes.
    uint64_t m_acknowledged{0};             //!< Bytes.
    bool m_dirty{false};                    //!< It is among those to be refreshed.
    Callback<void, Ptr<FlueSocket>> m_connectedCb;              //!< Open.
    Callback<void, Ptr<FlueSocket>, uint32_t> m_recvCb;         //!< Bytes came.
    Callback<void, Ptr<FlueSocket>, uint32_t> m_dataSentCb;     //!< Bytes were acknowledged.
    Callback<void, Ptr<FlueSocket>> m_peerClosedCb;             //!< The peer sends no more.
    Callback<void, Ptr<FlueSocket>, bool> m_closedCb;           //!< It has ended.

    TracedValue<uint32_t> m_cWnd{0};                            //!< Congestion window, bytes.
    TracedValue<uint32_t> m_ssThresh{0};                        //!< Slow start threshold, bytes.
    TracedValue<Time> m_rtt{Time(0)};                           //!< Smoothed round trip.
    TracedValue<TcpSocket::TcpStates_t> m_state{TcpSocket::CLOSED}; //!< State.
    TracedValue<Holder> m_holder{CLOSED};                       //!< Who holds it.
    TracedCallback<Ptr<const Packet>, const TcpHeader&, Ptr<const FlueSocket>> m_txTrace; //!< Segments that leave.
    TracedCallback<Ptr<const Packet>, const TcpHeader&, Ptr<const FlueSocket>> m_rxTrace; //!< Segments that come.
};

} // namespace ns3

#endif
