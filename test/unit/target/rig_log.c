/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the log of a rig: what the target called upwards, and what it sent. */
#include "rig.h"

unsigned rig_count(const struct rig *rig, enum rig_call call)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig->logged; i++) {
        count += rig->log[i].call == call;
    }
    return count;
}

struct rig_sums rig_sum(const struct rig *rig, enum rig_call call)
{
    struct rig_sums sums = {0, 0};

    for (unsigned i = 0; i < rig->logged; i++) {
        if (rig->log[i].call == call) {
            sums.bytes += rig->log[i].bytes;
            sums.extra += rig->log[i].extra;
        }
    }
    return sums;
}

unsigned rig_place(const struct rig *rig, enum rig_call call, unsigned n)
{
    for (unsigned i = 0; i < rig->logged; i++) {
        if (rig->log[i].call == call && n-- == 0) {
            return i;
        }
    }
    fail_msg("call %d was not made that often", (int)call);
    return RIG_LOG;
}

const struct rig_log *rig_find(const struct rig *rig, enum rig_call call, unsigned n)
{
    return &rig->log[rig_place(rig, call, n)];
}

unsigned rig_frames_with(const struct rig *rig, uint8_t flags)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig->sent; i++) {
        count += (rig->out[i].frame.flags & flags) != 0;
    }
    return count;
}

NDIS_STATUS rig_request(struct rig *rig, NDIS_REQUEST_TYPE type, int64_t oid, void *buffer, ULONG bytes)
{
    rig->request = (NDIS_OID_REQUEST){
        .RequestType = type, .Oid = (NDIS_OID)oid, .InformationBuffer = buffer, .InformationBufferLength = bytes};
    return NdisOidRequest(rig->binding, &rig->request);
}
