/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/icmp.c - what the network says about a segment of ours (RFC 9293 3.9.2.2, RFC 5461, 5927; path MTU: 1191, 8201).
 *
 * A lowered path MTU is forgotten after ten minutes. */
#include "tcp/conn.h"

#define LEAST_V4_MTU_BYTES 128u  /* leaves room for options and a little data; RFC 791 demands 68 */
#define LEAST_V6_MTU_BYTES 1280u /* RFC 8200 5 */

/* RFC 1191 7.1: what a router that tells no MTU may have meant, from the length of the packet that was too big. */
static uint32_t plateau_below(uint32_t quoted_bytes)
{
    static const uint16_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

    for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++) {
        if (plateaus[i] < quoted_bytes) {
            return plateaus[i];
        }
    }
    return 0;
}

uint32_t flue_tcp_path_mtu(const struct flue_tcp_conn *conn)
{
    return conn->path->mtu_bytes;
}

void flue_tcp_set_path_mtu(struct flue_tcp_conn *conn, uint32_t mtu_bytes, flue_ps now_ps)
{
    struct tcp_path *path = conn->path;
    uint32_t least = path->v6 ? LEAST_V6_MTU_BYTES : LEAST_V4_MTU_BYTES;

    mtu_bytes = mtu_bytes < least ? least : mtu_bytes;
    mtu_bytes = mtu_bytes > conn->stack->params.mtu_bytes ? conn->stack->params.mtu_bytes : mtu_bytes;
    if (mtu_bytes != path->mtu_bytes) {
        path->lowered_ps = mtu_bytes < path->mtu_bytes ? now_ps : FLUE_PS_NEVER;
        path->mtu_bytes = mtu_bytes;
        conn->stack->totals.path_mtu_changes++;
    }
    tcp_set_mss(conn);
}

/* Everything from the segment on that did not fit is sent again, in smaller pieces; that is no sign of congestion
 * (RFC 1191 6.4, RFC 8201 5.4). */
static void too_big(struct flue_tcp_conn *conn, const struct flue_tcp_icmp *error, flue_ps now_ps)
{
    uint32_t mtu_bytes = error->mtu_bytes;
    uint32_t before = conn->mss_bytes;

    if (mtu_bytes == 0 && !conn->path->v6) {
        mtu_bytes = plateau_below(error->quoted_bytes != 0 ? error->quoted_bytes : conn->path->mtu_bytes);
    }
    if (conn->stack->params.path_mtu_discovery == 0 || mtu_bytes >= conn->path->mtu_bytes ||
        (conn->path->v6 && mtu_bytes < LEAST_V6_MTU_BYTES)) {
        return; /* RFC 8201 4: an error never raises it, and one that names less than any link has is discarded */
    }
    flue_tcp_set_path_mtu(conn, mtu_bytes, now_ps);
    if (conn->mss_bytes < before && conn->state >= FLUE_TCP_ESTABLISHED && conn->snd_wnd > 0) {
        scoreboard_clear(&conn->active->board, &conn->stack->ranges);
        if (seq_lt(error->seq, conn->snd_nxt)) {
            conn->snd_nxt = error->seq;
        }
        conn->flags &= ~(uint32_t)(TCP_TIMING | TCP_RESEND_UNA);
        conn->cc.cwnd_bytes = conn->cc.cwnd_bytes < conn->mss_bytes ? conn->mss_bytes : conn->cc.cwnd_bytes;
        tcp_ask_output(conn, now_ps);
    }
}

int flue_tcp_icmp(struct flue_tcp *stack, const struct flue_tcp_icmp *error, flue_ps now_ps)
{
    struct flue_tcp_conn *conn = flue_tcp_find_tuple(stack, &error->tuple);

    if (conn == NULL || conn->state == FLUE_TCP_CLOSED || (conn->flags & (TCP_EXPORTED | TCP_IMPORTING)) != 0 ||
        !seq_within(error->seq, conn->snd_una, conn->snd_max - conn->snd_una)) {
        return 0;
    }
    now_ps = tcp_advance(conn, now_ps);
    switch (error->kind) {
    case FLUE_TCP_ICMP_TOO_BIG:
        too_big(conn, error, now_ps);
        break;
    case FLUE_TCP_ICMP_UNREACHABLE_HARD:
        /* RFC 5461 4.1: an established connection only notes it. */
        if (conn->state == FLUE_TCP_SYN_SENT || conn->state == FLUE_TCP_SYN_RECEIVED) {
            tcp_end(conn, FLUE_TCP_BY_UNREACHABLE, now_ps);
            tcp_raise_closed(conn);
            break;
        }
        conn->flags |= TCP_SOFT_ERROR;
        break;
    case FLUE_TCP_ICMP_UNREACHABLE_SOFT:
        conn->flags |= TCP_SOFT_ERROR;
        break;
    }
    return 1;
}
