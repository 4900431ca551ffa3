/* SPDX-License-Identifier: GPL-2.0-only */
/* Which bytes a segment carries that is known by its sequence number only: beyond 2^32, out of order, sent again, from
 * ports that are used again; and wrong bytes are found. */
#include "streams.h"

#include "base/span.h"

#include <cstdio>
#include <cstring>

namespace
{

constexpr uint32_t FROM = 0x0a010001;
constexpr uint32_t TO = 0x0a000001;
constexpr uint32_t STREAM = 12;
constexpr uint32_t BYTES = 1000;
constexpr uint64_t FOUR_G = UINT64_C(1) << 32;

int failures = 0;

void
Check(bool good, const char* what, int line)
{
    if (!good)
    {
        std::fprintf(stderr, "streams.cc:%d: %s\n", line, what);
        failures++;
    }
}

#define CHECK(condition) Check(condition, #condition, __LINE__)

flue_frame
Segment(uint32_t seq, uint8_t flags)
{
    flue_frame frame{};

    frame.ethertype = FLUE_ETHERTYPE_IPV4;
    frame.src_ip = flue_ip_v4(FROM);
    frame.dst_ip = flue_ip_v4(TO);
    frame.src_port = 4000;
    frame.dst_port = 80;
    frame.seq = seq;
    frame.flags = flags;
    return frame;
}

/* A segment with the bytes of STREAM from `offset` on, whose byte 0 has number `first`.  Is it told as that? */
bool
Passes(flue::Streams* streams, uint32_t first, uint64_t offset, bool spoilt = false)
{
    uint8_t bytes[BYTES];
    flue_frame frame = Segment(first + static_cast<uint32_t>(offset), FLUE_TCP_ACK);
    const flue_span span{nullptr, offset, STREAM, BYTES};

    span_copy(&span, bytes);
    bytes[BYTES - 1] ^= spoilt ? 1 : 0;
    frame.payload = flue_span{bytes, 0, 0, BYTES};
    return streams->Describe(&frame) && frame.payload.memory == nullptr && frame.payload.stream == STREAM &&
           frame.payload.offset_bytes == offset && frame.payload.length_bytes == BYTES;
}

} // namespace

int
main()
{
    for (const uint32_t syn : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xfffffffeU, 0xffffffffU})
    {
        flue::Streams streams;
        const uint32_t first = syn + 1;
        flue_frame frame = Segment(syn, FLUE_TCP_SYN);

        CHECK(streams.Describe(&frame)); /* nobody's: a Flue node's segment without payload */
        streams.AddSender(FROM);
        CHECK(!Passes(&streams, first, 0)); /* no SYN yet */
        CHECK(streams.Describe(&frame));
        CHECK(!Passes(&streams, first, 0)); /* no name yet */
        streams.Name({FROM, TO, 4000, 80}, STREAM, false);
        CHECK(Passes(&streams, first, 0));
        CHECK(Passes(&streams, first, 5000));
        CHECK(Passes(&streams, first, 100)); /* again, or late */
        for (uint64_t offset = 0; offset < 3 * FOUR_G; offset += FOUR_G / 5)
        {
            CHECK(Passes(&streams, first, offset));
        }
        const uint64_t high = 3 * FOUR_G - 1000;
        CHECK(Passes(&streams, first, 3 * FOUR_G - FOUR_G / 5));
        CHECK(Passes(&streams, first, high));
        CHECK(Passes(&streams, first, high + 1000));
        CHECK(Passes(&streams, first, high - 100000));
        CHECK(Passes(&streams, first, high + 500));
        CHECK(streams.WrongBytes() == 0);
        CHECK(!Passes(&streams, first, high, true));
        CHECK(streams.WrongBytes() == BYTES);
        CHECK(streams.UnknownPackets() == 2);
        frame = Segment(syn + 100, FLUE_TCP_SYN); /* the ports again: not the same connection */
        CHECK(streams.Describe(&frame));
        CHECK(!Passes(&streams, first + 100, 0));
        streams.Name({FROM, TO, 4000, 80}, STREAM, false);
        CHECK(Passes(&streams, first + 100, 0));
        CHECK(!Passes(&streams, first + 100, UINT64_MAX - 5)); /* before the first byte */
        CHECK(streams.UnknownPackets() == 4);
        streams.Name({FROM, TO, 4000, 80}, STREAM, true); /* and again: named before its SYN */
        CHECK(!Passes(&streams, first + 200, 0));
        frame = Segment(syn + 200, FLUE_TCP_SYN);
        CHECK(streams.Describe(&frame));
        CHECK(Passes(&streams, first + 200, 0));
    }
    return failures != 0;
}
