/* SPDX-License-Identifier: GPL-2.0-only */
/* A tag that says which bytes of which stream a packet stands for, and where in its datagram they begin, for a router
 * that cuts it.  The packet itself has real headers and a payload of the right size. */
#ifndef FLUE_SHIM_DESCRIPTOR_TAG_H
#define FLUE_SHIM_DESCRIPTOR_TAG_H

#include "ns3/tag.h"

namespace flue
{

class DescriptorTag : public ns3::Tag
{
  public:
    DescriptorTag() = default;
    DescriptorTag(uint32_t stream, uint64_t offset, uint32_t place);

    static ns3::TypeId GetTypeId();
    ns3::TypeId GetInstanceTypeId() const override;
    uint32_t GetSerializedSize() const override;
    void Serialize(ns3::TagBuffer buffer) const override;
    void Deserialize(ns3::TagBuffer buffer) override;
    void Print(std::ostream& os) const override;

    uint32_t GetStream() const { return m_stream; }
    uint64_t GetOffset() const { return m_offset; }
    uint32_t GetPlace() const { return m_place; }

  private:
    uint32_t m_stream{0};
    uint64_t m_offset{0};
    uint32_t m_place{0};
};

} // namespace flue

#endif
