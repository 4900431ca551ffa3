/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/repair_map.h - a connection out of a Linux socket and into one by TCP_REPAIR, and between that and the form
 * that crosses the interface.  Which field comes from where, and what each side lacks, stands in flue/state_map.def. */
#ifndef FLUE_INTEROP_REPAIR_MAP_H
#define FLUE_INTEROP_REPAIR_MAP_H

#include "flue/tcp.h"

#define REPAIR_ROOM (4u << 20) /* of each queue */

/* What TCP_REPAIR and the socket options around it tell of a connection. */
struct repair {
    struct flue_tcp_tuple tuple;
    unsigned state;                      /* as Linux numbers them; 1: ESTABLISHED, the only one that is moved */
    uint32_t write_seq, rcv_nxt;         /* TCP_QUEUE_SEQ: end of the send queue, end of the receive queue */
    uint32_t queued_bytes, unsent_bytes; /* SIOCOUTQ, SIOCOUTQNSD */
    uint32_t snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup; /* TCP_REPAIR_WINDOW */
    uint32_t mss_bytes;                                      /* TCP_MAXSEG: the peer's */
    uint32_t timestamp;                                      /* TCP_TIMESTAMP; its lowest bit is no time but a unit */
    uint8_t snd_wscale, rcv_wscale, scaling, sack, timestamps;
    /* TCP_INFO; Linux takes none of them back. */
    uint32_t cwnd_segments, ssthresh_segments, segment_bytes, rtt_us, rttvar_us;
    /* Ordinary socket options. */
    uint32_t nodelay, keep_alive, keep_idle_s, keep_interval_s, keep_count, user_timeout_ms, tos, ttl, rcv_buffer_bytes;
};

/* A connection on its way: its state and its two queues. */
struct moved {
    struct flue_tcp_state state;
    size_t send_bytes, unread_bytes;
    uint8_t send[REPAIR_ROOM], unread[REPAIR_ROOM];
};

void repair_to_state(const struct repair *repair, struct flue_tcp_state *state);
/* 0: the state is one that TCP_REPAIR cannot make. */
int repair_from_state(const struct flue_tcp_state *state, size_t send_bytes, struct repair *repair);

/* Takes the connection out of a socket, and closes the socket without a word on the wire.  0: *what tells which step
 * failed, errno why; then the socket is as it was. */
int repair_take(int fd, struct moved *moved, const char **what);
/* A new socket in the present namespace that goes on with the connection; -1: *what and errno. */
int repair_put(const struct moved *moved, const char **what);

#endif
