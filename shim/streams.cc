/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams of senders that are not Flue's (see streams.h). */
#include "streams.h"

#include "base/span.h"

#include <cstring>

namespace flue
{

namespace
{

constexpr uint32_t PIECE = 1024;

} // namespace

void
Streams::AddSender(uint32_t address)
{
    m_senders.insert(address);
}

void
Streams::Name(const Direction& direction, uint32_t stream, bool before)
{
    Flow& flow = m_flows[direction];

    if (before)
    {
        flow = Flow{};
    }
    flow.named = true;
    flow.stream = stream;
}

bool
Streams::Find(const Direction& direction, uint32_t* stream) const
{
    const auto at = m_flows.find(direction);

    if (at == m_flows.end() || !at->second.named)
    {
        return false;
    }
    *stream = at->second.stream;
    return true;
}

bool
Streams::Describe(flue_frame* frame)
{
    if (frame->kind != FLUE_FRAME_TCP || m_senders.count(frame->src_ip.word[3]) == 0)
    {
        return frame->payload.length_bytes == 0;
    }
    const Direction direction{frame->src_ip.word[3], frame->dst_ip.word[3], frame->src_port, frame->dst_port};
    if ((frame->flags & FLUE_TCP_SYN) != 0)
    {
        Flow& flow = m_flows[direction];

        if (flow.begun && flow.first != frame->seq + 1)
        {
            flow.named = false; /* the ports are used again, and the former connection's name is not this one's */
        }
        flow.begun = true;
        flow.first = frame->seq + 1;
        flow.high = 0;
        return frame->payload.length_bytes == 0;
    }
    if (frame->payload.length_bytes == 0)
    {
        return true;
    }
    const auto at = m_flows.find(direction);
    if (at == m_flows.end() || !at->second.begun || !at->second.named)
    {
        m_unknown++;
        return false;
    }
    /* Sequence numbers have 32 bits, offsets 64: no segment is 2^31 away from the furthest one. */
    Flow& flow = at->second;
    const auto away = static_cast<int32_t>(frame->seq - (flow.first + static_cast<uint32_t>(flow.high)));
    if (away < 0 && flow.high < static_cast<uint64_t>(-static_cast<int64_t>(away)))
    {
        m_unknown++;
        return false;
    }
    const uint64_t offset = flow.high + static_cast<uint64_t>(static_cast<int64_t>(away));
    if (!Compare(flow.stream, offset, frame->payload.memory, frame->payload.length_bytes))
    {
        return false;
    }
    flow.high = offset > flow.high ? offset : flow.high;
    frame->payload.memory = nullptr;
    frame->payload.stream = flow.stream;
    frame->payload.offset_bytes = offset;
    return true;
}

bool
Streams::Compare(uint32_t stream, uint64_t offset, const uint8_t* bytes, uint32_t length)
{
    uint8_t wanted[PIECE];
    bool same = true;

    m_compared += length;
    for (uint32_t done = 0; done < length; done += PIECE)
    {
        const uint32_t piece = length - done < PIECE ? length - done : PIECE;
        const flue_span span{nullptr, offset + done, stream, piece};

        span_copy(&span, wanted);
        if (std::memcmp(wanted, bytes + done, piece) != 0)
        {
            same = false;
            m_wrong += piece;
        }
    }
    return same;
}

} // namespace flue
