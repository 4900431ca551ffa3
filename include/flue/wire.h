/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/wire.h - port 2: frames.  A node sends down through struct flue_wire and receives up through
 * struct flue_wire_client.  Implemented by model/wire/link.c and by the shim. */
#ifndef FLUE_WIRE_H
#define FLUE_WIRE_H

#include "flue/base.h"

FLUE_BEGIN_C

/* TCP control bits, as on the wire (RFC 9293 section 3.1). */
enum flue_tcp_flag {
    FLUE_TCP_FIN = 0x01, /* the sender has no more */
    FLUE_TCP_SYN = 0x02, /* synchronise sequence numbers */
    FLUE_TCP_RST = 0x04, /* reset */
    FLUE_TCP_PSH = 0x08, /* push: hand it up */
    FLUE_TCP_ACK = 0x10, /* ack is valid */
    FLUE_TCP_URG = 0x20, /* urgent is valid (RFC 9293 3.8.5) */
    FLUE_TCP_ECE = 0x40, /* ECN echo (RFC 3168 6.1) */
    FLUE_TCP_CWR = 0x80  /* congestion window reduced (RFC 3168 6.1) */
};

/* An IP address in host byte order, word[0] first on the wire.  An IPv4 address is the last word of an IPv4-mapped one
 * (RFC 4291 2.5.5.2), so that both families have one form and compare alike. */
struct flue_ip {
    uint32_t word[4]; /* host byte order */
};

/* The address of that number, 0x0a000001 for 10.0.0.1. */
static inline struct flue_ip flue_ip_v4(uint32_t address)
{
    struct flue_ip ip = {{0, 0, 0, 0}};

    ip.word[2] = 0xffff;
    ip.word[3] = address;
    return ip;
}

/* Whether an address is an IPv4 address. */
static inline int flue_ip_is_v4(const struct flue_ip *ip)
{
    return ip->word[0] == 0 && ip->word[1] == 0 && ip->word[2] == 0xffff;
}

/* Whether two addresses are the same. */
static inline int flue_ip_equal(const struct flue_ip *a, const struct flue_ip *b)
{
    return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
            (a->word[3] ^ b->word[3])) == 0;
}

/* Which TCP options a segment carries. */
enum flue_tcp_option {
    FLUE_OPT_MSS = 0x01,       /* RFC 9293 3.2; mss is valid */
    FLUE_OPT_WSCALE = 0x02,    /* RFC 7323 2; wscale is valid */
    FLUE_OPT_TIMESTAMP = 0x04, /* RFC 7323 3; ts_val and ts_ecr are valid */
    FLUE_OPT_SACK_OK = 0x08,   /* RFC 2018 2 */
    FLUE_OPT_SACK = 0x10       /* RFC 2018 3; sack_count and sack[] are valid */
};

/* Values of flue_frame.ethertype. */
#define FLUE_ETHERTYPE_IPV4 0x0800u
#define FLUE_ETHERTYPE_ARP  0x0806u
#define FLUE_ETHERTYPE_IPV6 0x86ddu

/* Two bits of tos (RFC 3168 5): congestion as routers mark it. */
enum flue_ecn { FLUE_ECN_NOT_ECT = 0, FLUE_ECN_ECT_1 = 1, FLUE_ECN_ECT_0 = 2, FLUE_ECN_CE = 3, FLUE_ECN_MASK = 3 };

#define FLUE_SACK_BLOCKS 4u /* as many as 40 bytes of options hold (RFC 2018 3) */

/* [from, to) has arrived. */
struct flue_sack_block {
    uint32_t from, to; /* sequence numbers */
};

/* What a frame is, beyond its ethertype.  All but FLUE_FRAME_TCP are the ordinary path's: an offload target never
 * consumes them (CH-286). */
enum flue_frame_kind {
    FLUE_FRAME_TCP,      /* one TCP segment in one datagram */
    FLUE_FRAME_FRAGMENT, /* a fragment of a datagram that holds a TCP segment (RFC 791 3.2, RFC 8200 4.5); ports, seq,
                          * flags and so on are valid in the first one only, payload is what this fragment carries of
                          * the segment's payload, fragment tells where and whether more follow */
    FLUE_FRAME_ARP, /* RFC 826: flags is enum flue_neighbour_op, src_ip and src_mac the sender's, dst_ip the target's,
                     * dst_mac the target's in an answer and broadcast in a request (a request that asks a known
                     * neighbour whether it is still there may go to it alone).  An answer that nobody asked for tells
                     * all others of src_ip: dst_ip is src_ip, dst_mac broadcast */
    FLUE_FRAME_ND,  /* RFC 4861 4.3, 4.4: the same with neighbour solicitations and advertisements; the multicast group
                     * that the bytes are sent to is broadcast here */
    FLUE_FRAME_ICMP /* an error about a segment of the receiver's: flags ICMP type, options code, mss the next-hop MTU,
                     * src_port, dst_port, seq those of the quoted segment, quoted_ip its destination; src_ip is whoever
                     * reports it, dst_ip the quoted segment's source */
};

/* What an ARP or neighbour discovery frame is: flue_frame.flags. */
enum flue_neighbour_op {
    FLUE_NEIGHBOUR_REQUEST = 1, /* ARP request, neighbour solicitation */
    FLUE_NEIGHBOUR_ANSWER = 2   /* ARP reply, neighbour advertisement */
};

/* Bits of flue_frame.ip. */
enum flue_ip_bit {
    FLUE_IP_OPTIONS = 0x01 /* the datagram had IPv4 options or IPv6 extension headers; padding stands for them on the
                            * wire: four bytes, of IPv6 a destination options header of eight */
};

/* flue_frame.fragment: where the fragment begins, in bytes of the datagram's payload (the TCP header included), a
 * multiple of 8; the lowest bit is set in all but the last one. */
#define FLUE_FRAGMENT_MORE 0x0001u

/* One frame: a struct that maps one to one to its header bytes (model/frame does it in both directions), and its
 * payload, described or real.  Numbers are in host byte order. */
struct flue_frame {
    struct flue_ip src_ip, dst_ip; /* both of one family, the one that ethertype tells */
    uint16_t src_port, dst_port;   /* of the segment */
    uint32_t seq, ack;             /* of the segment, absolute; ack counts with FLUE_TCP_ACK */
    uint16_t window;               /* as on the wire: not yet scaled */
    uint8_t flags;                 /* enum flue_tcp_flag */
    uint8_t options;               /* enum flue_tcp_option */
    uint32_t ts_val, ts_ecr;       /* FLUE_OPT_TIMESTAMP: ticks of the sender; and the last of the receiver's */
    uint16_t mss;                  /* FLUE_OPT_MSS: bytes */
    uint8_t wscale;                /* FLUE_OPT_WSCALE: shift, 0 .. 14 */
    uint8_t ttl;                   /* IPv6: hop limit */
    uint16_t ip_id;                /* IPv6: not significant */
    uint8_t tos;                   /* IPv6: traffic class; its last two bits are enum flue_ecn */
    uint8_t sack_count;            /* blocks in sack[]; 1..FLUE_SACK_BLOCKS with FLUE_OPT_SACK */
    uint16_t ethertype;            /* FLUE_ETHERTYPE_... */
    uint16_t urgent;               /* with FLUE_TCP_URG: from seq to the end of urgent data */
    uint32_t flow_label;           /* IPv6, 20 bits */
    uint16_t option_order; /* a nibble for each option, first option lowest: 1 MSS, 2 window scale, 3 timestamp, 4 SACK
                              permitted; 0: the usual order of model/frame; SACK blocks always come last */
    uint16_t vlan;         /* tag control information of 802.1Q: priority << 13 | VLAN id; 0: no tag */
    uint8_t kind;          /* enum flue_frame_kind */
    uint8_t ip;            /* enum flue_ip_bit */
    uint16_t fragment;     /* FLUE_FRAME_FRAGMENT */
    struct flue_span payload;                          /* length_bytes <= 65495 */
    uint8_t dst_mac[6], src_mac[6];                    /* not significant on a wire without MAC addresses */
    union {                                            /* which one counts, kind and options tell */
        struct flue_sack_block sack[FLUE_SACK_BLOCKS]; /* FLUE_OPT_SACK: sack_count of them */
        struct flue_ip quoted_ip;                      /* FLUE_FRAME_ICMP */
    };
};

/* What became of a frame that a node sent. */
enum flue_wire_result {
    FLUE_WIRE_SENT, /* copied; the wire delivers it, or loses it as its loss model says */
    FLUE_WIRE_FULL  /* the transmit queue was full: dropped at its tail, and counted by the wire */
};

/* What the wire is; constant while a node uses it.
 *
 * With has_mac, whoever makes a frame fills in src_mac, which is facts.mac, and dst_mac: the host's ordinary path from
 * its own table of neighbours, which it keeps with ARP and ND; a target from the neighbour state object that it was
 * given.  Nobody below fills anything in.  A network delivers by MAC address but also floods, so frames for others
 * reach a node: its adapter drops those whose dst_mac is neither facts.mac nor a group's (the lowest bit of
 * dst_mac[0]).  A VLAN tag is part of the frame: what vlan says is what the wire carries. */
struct flue_wire_facts {
    uint64_t rate_bps;      /* serialisation rate; 1 .. 10^12 */
    flue_ps delay_ps;       /* propagation, one way */
    uint32_t framing_bytes; /* added to every IP packet when it is serialised: 2 for PPP, 18 for Ethernet with FCS */
    uint32_t mtu_bytes;     /* largest IP packet */
    uint32_t queue_frames;  /* frames the transmit queue holds, the one in transmission not counted */
    uint32_t has_mac;       /* 1: frames carry MAC addresses; 0: point to point, static neighbour */
    uint8_t mac[6];         /* has_mac: the interface's own address */
};

/* Downward.  Borrowed by the node. */
struct flue_wire {
    void *ctx;                    /* first argument of send */
    struct flue_wire_facts facts; /* constant */
    /* Queues a frame now; its transmission starts as soon as the wire is free.  Copies *frame. */
    enum flue_wire_result (*send)(void *ctx, const struct flue_frame *frame);
};

/* Time that `bytes` (framing included) occupy a wire of rate_bps, rounded to the nearest picosecond. */
flue_ps flue_wire_serialise_ps(uint64_t bytes, uint64_t rate_bps);

/* Upward: what a node gives to its wire.  The frame is borrowed until the call returns. */
struct flue_wire_client {
    void *ctx;                                                  /* first argument of receive */
    void (*receive)(void *ctx, const struct flue_frame *frame); /* a frame has come whole */
};

FLUE_END_C

#endif
