/* SPDX-License-Identifier: GPL-2.0-only */
/* Which bytes of which stream a segment carries that was not sent by a Flue node: told by its sequence number relative
 * to the SYN's.  And: are they the bytes of that stream? */
#ifndef FLUE_SHIM_STREAMS_H
#define FLUE_SHIM_STREAMS_H

#include "flue/wire.h"

#include <cstddef>
#include <unordered_map>
#include <unordered_set>

namespace flue
{

/* One direction of a connection, by IPv4 addresses and ports in host byte order. */
struct Direction
{
    uint32_t from;
    uint32_t to;
    uint16_t fromPort;
    uint16_t toPort;

    bool operator==(const Direction& other) const
    {
        return from == other.from && to == other.to && fromPort == other.fromPort && toPort == other.toPort;
    }
};

struct DirectionHash
{
    size_t operator()(const Direction& d) const
    {
        const uint64_t addresses = static_cast<uint64_t>(d.from) << 32 | d.to;
        const uint64_t ports = static_cast<uint64_t>(d.fromPort) << 16 | d.toPort;

        return static_cast<size_t>((addresses * UINT64_C(0x9e3779b97f4a7c15)) ^ (ports * UINT64_C(0xff51afd7ed558ccd)));
    }
};

class Streams
{
  public:
    /* Segments from this address carry no tags. */
    void AddSender(uint32_t address);

    /* What flows this way is `stream`.  before: the SYN is still to come, and what was known of these ports is of
     * another connection. */
    void Name(const Direction& direction, uint32_t stream, bool before);

    /* What was named: false: nothing flows this way. */
    bool Find(const Direction& direction, uint32_t* stream) const;

    /* A frame without a tag has arrived at a Flue node: keeps in mind where a SYN begins; describes the payload, which
     * is real, by stream and offset.  False: unknown, or other bytes than the stream's. */
    bool Describe(flue_frame* frame);

    /* Are these the bytes of `stream` from `offset` on?  Counts them. */
    bool Compare(uint32_t stream, uint64_t offset, const uint8_t* bytes, uint32_t length);

    uint64_t ComparedBytes() const
    {
        return m_compared;
    }

    uint64_t WrongBytes() const
    {
        return m_wrong;
    }

    uint64_t UnknownPackets() const
    {
        return m_unknown;
    }

  private:
    struct Flow
    {
        bool begun{false};
        bool named{false};
        uint32_t first{0};  /* sequence number of byte 0 */
        uint32_t stream{0};
        uint64_t high{0};   /* offset near which the next segment is looked for */
    };

    std::unordered_set<uint32_t> m_senders;
    std::unordered_map<Direction, Flow, DirectionHash> m_flows;
    uint64_t m_compared{0};
    uint64_t m_wrong{0};
    uint64_t m_unknown{0};
};

} // namespace flue

#endif
