/* SPDX-License-Identifier: GPL-2.0-only */
/* The payload descriptor tag (see descriptor-tag.h). */
#include "descriptor-tag.h"

namespace flue
{

NS_OBJECT_ENSURE_REGISTERED(DescriptorTag);

DescriptorTag::DescriptorTag(uint32_t stream, uint64_t offset, uint32_t place)
    : m_stream(stream),
      m_offset(offset),
      m_place(place)
{
}

ns3::TypeId
DescriptorTag::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("flue::DescriptorTag")
                                 .SetParent<ns3::Tag>()
                                 .SetGroupName("Flue")
                                 .AddConstructor<DescriptorTag>();
    return tid;
}

ns3::TypeId
DescriptorTag::GetInstanceTypeId() const
{
    return GetTypeId();
}

uint32_t
DescriptorTag::GetSerializedSize() const
{
    return 16;
}

void
DescriptorTag::Serialize(ns3::TagBuffer buffer) const
{
    buffer.WriteU32(m_stream);
    buffer.WriteU64(m_offset);
    buffer.WriteU32(m_place);
}

void
DescriptorTag::Deserialize(ns3::TagBuffer buffer)
{
    m_stream = buffer.ReadU32();
    m_offset = buffer.ReadU64();
    m_place = buffer.ReadU32();
}

void
DescriptorTag::Print(std::ostream& os) const
{
    os << "stream=" << m_stream << " offset=" << m_offset << " place=" << m_place;
}

} // namespace flue
