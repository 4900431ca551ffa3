/* SPDX-License-Identifier: GPL-2.0-only */
/* shim/flue_ns3.h - Flue on ns-3, as a C interface: networks of nodes on stock point-to-point or Ethernet devices, and
 * the measurements that `flue bench` sets beside Flue.  Names no C++ type; the module libflue_ns3.so behind it is opened with
 * dlopen, so that a program without ns-3 can use this header. */
#ifndef FLUE_NS3_H
#define FLUE_NS3_H

#include "flue/net.h"

FLUE_BEGIN_C

/* Version of this interface; the module answers it, the program compares. */
#define FLUE_NS3_ABI 2u

struct flue_ns3_api {
    uint32_t abi;
    const char *version; /* of ns-3: "3.37"; static storage */

    /* Two nodes, a point-to-point channel, a PointToPointNetDevice with a DropTailQueue at each end; simulation time in
     * picoseconds.  framing_bytes must be 2 (PPP).  One network at a time in a process.
     * FLUE_OK: *out is filled; end it with out->free(out->ctx).
     * FLUE_EINVAL, FLUE_ESTATE: message holds one line for the user. */
    flue_err (*open)(const struct flue_net_params *params, struct flue_net *out, char *message, size_t room);

    /* params->nodes on one Ethernet: a CsmaNetDevice each on one CsmaChannel, which has rate and delay of the first node;
     * framing_bytes must be 18.  The nodes have the MAC addresses of a switched network.  Tags stay as they are: a node
     * hears frames without a tag, those with a priority only, and those of its tagged_vids; untagged_vid does not
     * count.  No routers, no nodes behind them, no ports that go down.  As open() in all else. */
    flue_err (*open_lan)(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room);

    /* The device alone: two nodes send `frames` frames of ip_bytes one way and an acknowledgement frame of ack_bytes back
     * for every second one; no protocol at all.  Stores the CPU time in nanoseconds. */
    flue_err (*bench_device)(uint64_t frames, uint32_t ip_bytes, uint32_t ack_bytes, const struct flue_net_params *params,
                             int64_t *cpu_ns);

    /* ns-3's own TCP on the same topology: `connections` bulk transfers of bytes each; segment size mss_bytes, deep FIFO
     * queues.  Stores CPU time of the transfer phase in nanoseconds, the data segments it took, and the heap bytes that one
     * idle established connection holds, both ends. */
    flue_err (*bench_tcp)(uint32_t connections, uint64_t bytes, uint32_t mss_bytes, const struct flue_net_params *params,
                          int64_t *cpu_ns, uint64_t *segments, uint64_t *idle_bytes);
};

/* The module's only symbol. */
const struct flue_ns3_api *flue_ns3_functions(void);

FLUE_END_C

#endif
