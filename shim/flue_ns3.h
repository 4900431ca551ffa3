/* SPDX-License-Identifier: GPL-2.0-only */
/* flue_ns3.h - Flue on ns-3, as a C interface: networks of Flue nodes on stock point-to-point and Ethernet devices;
 * worlds of any shape, with routers and TCP sockets of ns-3's own; and the measurements that `flue bench` sets beside
 * Flue.
 *
 * Names no C++ type.  The library libflue_ns3.so behind it is linked, or opened with dlopen, so that a program without
 * ns-3 can use this header.  ns-3's simulator is one for the process, and so is everything opened here: one network or
 * world at a time.  Nothing here may be called from two threads.  Time is simulated, in picoseconds. */
#ifndef FLUE_NS3_H
#define FLUE_NS3_H

#include "flue/net.h"
#include "flue/node.h"

FLUE_BEGIN_C

/* Version of this interface; the module answers it, the program compares. */
#define FLUE_NS3_ABI 6u

/* ---- Worlds of any shape ----
 *
 * 1. world_new(), then add_node(), add_lan(), join(), link(), address() in any order that names only what there is;
 * 2. finish(): the routes are computed, and the world is a struct flue_net for its Flue nodes, which are built with
 *    flue_node_new() on its env and wire, and attached;
 * 3. the net's run(), stop() and free(); sockets of ns-3's, captures and routers that go down at any time between.
 *
 * Nodes are numbered from 0 in the order of add_node(), whatever their kind; env(), wire() and attach() of struct
 * flue_net take these numbers, of Flue nodes.  router_down() and router_totals() take the number of a router among the
 * routers.
 *
 * Routes: every node with ns-3's stack has a route to each Ethernet's prefix and to each address at the end of a link,
 * over as few routers as can be (among equals over those that were added first).  They are computed again at once when
 * a router goes down or comes up, as by a routing protocol that needs no time.  A Flue node on an Ethernet has the
 * routes that its own host is given (flue_host_route()); one at the end of a link sends everything there.
 *
 * IPv4 only.  ns-3's routers cut packets that are too long for the next wire into fragments, whatever "don't fragment"
 * says, and never send ICMP's "too big".  ARP requests are not delayed at random. */

struct flue_ns3_world;  /* opaque */
struct flue_ns3_socket; /* opaque: a TCP socket of ns-3's */

/* What a node of a world is. */
enum flue_ns3_kind {
    FLUE_NS3_FLUE,   /* a Flue node: no stack of ns-3's; one interface */
    FLUE_NS3_ROUTER, /* ns-3's IPv4 stack; forwards */
    FLUE_NS3_HOST    /* ns-3's IPv4 stack and TCP; does not forward.  With one of these in the world the bytes of all
                      * payloads are real, with checksums, and compared wherever they arrive */
};

/* Bytes that were written out and compared: flue_payload_byte() of stream and offset is what they have to be. */
struct flue_ns3_totals {
    uint64_t compared_bytes; /* by Flue nodes, sockets of ns-3's and captures */
    uint64_t wrong_bytes; /* in pieces with a byte that is not the stream's; a Flue node does not get such a packet */
    uint64_t unknown_packets; /* to Flue nodes, of connections whose stream nobody has named; lost */
};

/* A routed world in one call: Flue nodes and routers on one Ethernet, 10.0.0.0/24; behind the routers a core router,
 * joined to each of them and to every host by a link.  Its nodes, by number: first the Flue nodes, whose addresses are
 * 10.0.0.1 and so on; the routers, whose addresses follow; the core; the hosts, 10.1.0.0 and so on.
 * FLUE_NS3_ROUTED fills in one Flue node, two routers, ten hosts, 1 Gb/s, 5 us, 1500 bytes, queues of 500. */
struct flue_ns3_routed {
    uint64_t seed;                       /* of the Flue nodes' env */
    unsigned flue_nodes, routers, hosts; /* with the routers at most 250; at least 1; at most 60000 */
    struct flue_wire_facts wire;         /* of the Ethernet and of all links */
};
/* Its defaults, as an initialiser. */
#define FLUE_NS3_ROUTED                                                                                                \
    {                                                                                                                  \
        1, 1, 2, 10,                                                                                                   \
        {                                                                                                              \
            UINT64_C(1000000000), 5 * FLUE_PS_PER_US, 0, 1500, 500, 0,                                                 \
            {                                                                                                          \
                0                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

/* The application above a socket of ns-3's.  Any pointer may be NULL.  All calls come from the simulator, at the
 * present moment; from inside them every socket function may be called, for this socket and others. */
struct flue_ns3_app {
    void *ctx; /* handed back in each call */
    /* A connection has come in: the identity that both ends know it by (streams, see socket_connect()); NULL: a running
     * number from 0. */
    uint32_t (*identify)(void *ctx, const struct flue_ip *remote_ip, uint16_t remote_port);
    void (*connected)(void *ctx, struct flue_ns3_socket *socket); /* open; both ends */
    /* The next bytes of the peer's stream, in order, already compared; span is described (memory NULL). */
    void (*received)(void *ctx, struct flue_ns3_socket *socket, const struct flue_span *span);
    void (*acknowledged)(void *ctx, struct flue_ns3_socket *socket, uint64_t bytes); /* of earlier sends, by the peer */
    void (*peer_closed)(void *ctx, struct flue_ns3_socket *socket);                  /* its sending side */
    /* The connection has ended, failed or not; the socket is gone after this call. */
    void (*closed)(void *ctx, struct flue_ns3_socket *socket, int failed);
};

/* The library's functions; static storage. */
struct flue_ns3_api {
    uint32_t abi;        /* FLUE_NS3_ABI, or the library is of another version */
    const char *version; /* of ns-3: "3.37"; static storage */

    /* Two nodes, a point-to-point channel, a PointToPointNetDevice with a DropTailQueue at each end; simulation time in
     * picoseconds.  framing_bytes must be 2 (PPP).
     * FLUE_OK: *out is filled; end it with out->free(out->ctx).  FLUE_EINVAL: other framing;
     * FLUE_ESTATE: another network or world is open, or ns-3's clock cannot have picoseconds any more.  Then message
     * holds one line for the user. */
    flue_err (*open)(const struct flue_net_params *params, struct flue_net *out, char *message, size_t room);

    /* params->nodes on one Ethernet: a CsmaNetDevice each on one CsmaChannel, which has rate and delay of the first
     * node; framing_bytes must be 18.  The nodes have the MAC addresses of a switched network.  Tags stay as they are:
     * a node hears frames without a tag, those with a priority only, and those of its tagged_vids; untagged_vid does
     * not count.  No routers, no nodes behind them.  As open() in all else. */
    flue_err (*open_lan)(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room);

    /* As open_lan(), but each node has a wire of its own, with its rate and delay, to a bridge of ns-3's
     * (BridgeNetDevice), which learns where a MAC address is from what is sent, as the switch of flue_net_switch() does,
     * and knows no VLANs.  A wire carries one frame at a time, in either direction.  A node may send from any MAC
     * address; it hears what the bridge lets through, and looks at the address itself. */
    flue_err (*open_switch)(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room);

    /* The network of flue_net_switch() with routers of ns-3's: the nodes that are not behind_routers and the routers on
     * one CsmaChannel, which has the rate of the first router, no delay, and leads to all addresses that are nobody's;
     * a core router, joined to each router by a link of 10^12 bit/s that has the delay of a node's wire to the switch
     * and of the router's; the nodes behind the routers each on a point-to-point channel to the core.  MAC addresses as
     * in flue_net_switch().  framing_bytes does not count: it is 18 on the Ethernet, 2 behind the routers, and the
     * nodes' wires say so. router_down(): the router's interfaces are down at both their ends, it hears and says
     * nothing, forgets its neighbours, and the core sends by the first router that is up.  Of router_totals() forwarded
     * and unroutable count.  All are of one VLAN: the routers, the Ethernet has no tags; a node whose frames have the
     * tag has a port that takes it away and puts it on.  behind_mtu(): the core sends no longer packets to the node:
     * those of IPv4 it cuts, of IPv6 it tells their sender.  router_mac() as in flue_net_switch().
     *
     * IPv6 if all routers have ip6: ns-3's Ipv6L3Protocol in them and in the core, with ND; ip[1] of a node behind the
     * routers may then be of IPv6, and its mtu is at least 1280.  As open() in all else. */
    flue_err (*open_routed)(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room);

    /* The device alone: two nodes send `frames` frames of ip_bytes one way and an acknowledgement frame of ack_bytes
     * back for every second one; no protocol at all.  Stores the CPU time in nanoseconds.
     * FLUE_EINVAL: frames below 2, ip_bytes 0 or above the wire's mtu_bytes, or as FLUE_ESTATE of open(). */
    flue_err (*bench_device)(uint64_t frames, uint32_t ip_bytes, uint32_t ack_bytes,
                             const struct flue_net_params *params, int64_t *cpu_ns);

    /* ns-3's own TCP on the same topology: `connections` bulk transfers of bytes each; segment size mss_bytes, deep
     * FIFO queues.  Stores CPU time of the transfer phase in nanoseconds, the data segments that were sent in it, and
     * the heap bytes that one idle established connection holds, both ends.  FLUE_EINVAL: no connections, or as
     * FLUE_ESTATE of open(); FLUE_ESTATE: not all has arrived, or a frame was dropped. */
    flue_err (*bench_tcp)(uint32_t connections, uint64_t bytes, uint32_t mss_bytes,
                          const struct flue_net_params *params, int64_t *cpu_ns, uint64_t *segments,
                          uint64_t *idle_bytes);

    /* ---- Worlds ----  FLUE_EINVAL, FLUE_ESTATE (too early, or too late): world_why() tells. */

    /* An empty world.  seed: of its Flue nodes' env.  FLUE_ESTATE: another one is open; message holds one line.
     * *out is the caller's until finish() has succeeded, from then on it ends with the net's free(). */
    flue_err (*world_new)(uint64_t seed, struct flue_ns3_world **out, char *message, size_t room);
    void (*world_free)(struct flue_ns3_world *world); /* without finish(); NULL does nothing */
    /* One line about the last call that failed; borrowed until the next one. */
    const char *(*world_why)(const struct flue_ns3_world *world);

    /* One more node; *number: its number.  FLUE_ESTATE: after finish(). */
    flue_err (*add_node)(struct flue_ns3_world *world, enum flue_ns3_kind kind, unsigned *number);
    /* An Ethernet, a CsmaChannel: rate, delay, mtu and queue as in facts; the rest of facts does not count.  A frame
     * keeps the channel busy until it has arrived everywhere, so a long delay leaves little of the rate.  Routers
     * deliver on it what is for prefix/bits (bits of 32; 0: for everything without a better route). */
    flue_err (*add_lan)(struct flue_ns3_world *world, const struct flue_wire_facts *facts, const struct flue_ip *prefix,
                        unsigned bits, unsigned *number);
    /* Puts a node on an Ethernet.  ip: its address there, which lies in the prefix.  Flue node n has the MAC address
     * flue_net_mac(n), router r 02:00:01 and r + 1, host n 02:00:02 and n + 1. */
    flue_err (*join)(struct flue_ns3_world *world, unsigned node, unsigned lan, const struct flue_ip *ip);
    /* A point-to-point link between two nodes, each with its address; NULL: of a router, which then gets one of
     * 172.16.0.0/12. */
    flue_err (*link)(struct flue_ns3_world *world, const struct flue_wire_facts *facts, unsigned a,
                     const struct flue_ip *ip_a, unsigned b, const struct flue_ip *ip_b);
    /* One more address that leads to a Flue node at the end of a link. */
    flue_err (*address)(struct flue_ns3_world *world, unsigned node, const struct flue_ip *ip);
    /* The nodes, routers and core of open_routed(), whose numbers begin with 0, in an empty world.  far: the kind of
     * the nodes behind the routers, FLUE or HOST; hosts have one address. */
    flue_err (*add_routed)(struct flue_ns3_world *world, const struct flue_switch_params *params,
                           enum flue_ns3_kind far);
    /* The routes are computed; *out is the network of the Flue nodes.  A host has an env, too, for what an application
     * there does by itself; its wire leads nowhere. */
    flue_err (*finish)(struct flue_ns3_world *world, struct flue_net *out);

    /* A world of this shape, finished. FLUE_EINVAL, FLUE_ESTATE: message holds one line; nothing is left behind. */
    flue_err (*world_routed)(const struct flue_ns3_routed *shape, struct flue_ns3_world **out, struct flue_net *net,
                             char *message, size_t room);
    /* What a Flue node is made of if nothing else is said: an adapter that takes everything, with room for 16384
     * connections; each kind of work costs 500 cycles at 3 GHz; the checker counts.  Whoever wants another node changes
     * what differs. */
    void (*node_defaults)(struct flue_node_params *params);
    /* Builds a Flue node of a finished world, attaches it, and gives it its routes: on an Ethernet by each router
     * there, in the order in which they joined.  params NULL: node_defaults(); its number is set, and its address if it
     * is 0. The node is the world's, which frees it at its end.  FLUE_EEXIST: it has been started; FLUE_EINVAL,
     * FLUE_ENOMEM. */
    flue_err (*node_start)(struct flue_ns3_world *world, unsigned node, const struct flue_node_params *params,
                           struct flue_node **out);

    /* From now on all that a node's interfaces send and hear goes to a pcap file, with times in nanoseconds, of
     * Ethernet frames or PPP packets; with several interfaces to path, path.1, path.2 and so on.  From the first call
     * on the bytes of all payloads are real and have checksums; call it before run(), so that all of the file does. The
     * files are whole when the world has ended.  FLUE_EIO: one cannot be written. */
    flue_err (*pcap)(struct flue_ns3_world *world, unsigned node, const char *path);
    /* What has been compared; *out is overwritten. */
    void (*totals)(const struct flue_ns3_world *world, struct flue_ns3_totals *out);

    /* ---- TCP sockets of ns-3's, on nodes of kind FLUE_NS3_HOST, after finish() ----
     *
     * ns-3 never sends an MSS option: its peers send segments of 536 bytes.  It takes any acknowledgement as one of its
     * FIN when it is the second to close, so a FIN is sent only when all bytes before it have been acknowledged. */

    /* Accepts connections to a port; app is copied and serves them all.  FLUE_EEXIST: somebody listens there. */
    flue_err (*socket_listen)(struct flue_ns3_world *world, unsigned node, uint16_t port,
                              const struct flue_ns3_app *app);
    /* Opens a connection from the node's first address; local_port 0: ns-3 chooses.  id: as in flue_host_connect(): the
     * connecting side sends stream 2 x id, the accepting one stream 2 x id + 1.  The socket is the world's; app is
     * copied. */
    flue_err (*socket_connect)(struct flue_ns3_world *world, unsigned node, uint16_t local_port,
                               const struct flue_ip *remote_ip, uint16_t remote_port, uint32_t id,
                               const struct flue_ns3_app *app, struct flue_ns3_socket **out);
    /* For struct flue_app, of a Flue node that listens: the id of the socket that connects to it, in the world that is
     * open; ctx is not used.  FLUE_NO_CONN: no socket of ns-3's does. */
    uint32_t (*identify)(void *ctx, const struct flue_tcp_tuple *tuple);
    /* Appends bytes of the socket's stream, any number: they wait for the connection, and for room in ns-3's buffer.
     * FLUE_ESTATE: closed. */
    flue_err (*socket_send)(struct flue_ns3_socket *socket, uint64_t bytes);
    /* Closes the sending side after what has been sent.  FLUE_ESTATE: done already. */
    flue_err (*socket_close)(struct flue_ns3_socket *socket);
    /* Ends the socket at once, with failed set.  The peer is told nothing: ns-3's sockets cannot be made to reset. */
    void (*socket_abort)(struct flue_ns3_socket *socket);
    /* Whatever the caller wants to find again; NULL at first. */
    void (*socket_set_ctx)(struct flue_ns3_socket *socket, void *ctx);
    void *(*socket_ctx)(const struct flue_ns3_socket *socket);   /* as set */
    uint32_t (*socket_id)(const struct flue_ns3_socket *socket); /* the id of the connection */
};

/* The library's only symbol. */
const struct flue_ns3_api *flue_ns3_functions(void);

FLUE_END_C

#endif
