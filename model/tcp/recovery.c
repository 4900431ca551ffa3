/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/recovery.c - losses, inferred and repaired: by SACK and pipe (RFC 6675), by partial acknowledgements (RFC 6582),
 * after a timeout (RFC 5681 3.1, RFC 6675 5.1), and congestion marks (RFC 3168 6.1.2).
 *
 * conn->recovery is written here only.  How far the window falls and how it grows is the congestion control's.
 *
 * Chosen where the documents leave a choice: after a timeout the scoreboard is kept (RFC 6675 5.1) unless the peer has
 * plainly reneged; the segment at SND.UNA is repeated whatever the blocks say (RFC 2018 8). SACKed data at SND.UNA
 * itself clears the scoreboard, which has at most a range for each 256 bytes outstanding, and 64; a search in it gives
 * up after 4096 steps, and a SACK block beyond that is not kept. A congestion mark counts as a loss of the whole
 * window, once per window of data. */
#include "tcp/conn.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void enter(struct flue_tcp_conn *conn, enum flue_tcp_recovery recovery)
{
    conn->recovery = (uint8_t)recovery;
}

static void set_recover(struct flue_tcp_conn *conn)
{
    conn->active->recover = conn->snd_max;
    conn->flags = (conn->flags | TCP_RECOVER) & ~(uint32_t)TCP_PARTIAL;
}

/* FlightSize (RFC 5681 2). */
static uint32_t flight(const struct flue_tcp_conn *conn)
{
    return conn->snd_max - conn->snd_una;
}

/* RFC 3168 6.1.2: the first new data after a reduction for any reason says so. */
static void tell_reduced(struct flue_tcp_conn *conn)
{
    if ((conn->flags & TCP_ECN) != 0) {
        conn->flags |= TCP_CWR_DUE;
    }
}

/* Congestion: the window falls, once for each window of data. */
static void reduce(struct flue_tcp_conn *conn, uint32_t flight_bytes, flue_ps now_ps)
{
    const struct cc_facts facts = tcp_cc_facts(conn, 0, flight_bytes, now_ps);

    (void)tcp_cc(conn)->loss(&conn->cc, &conn->active->epoch, &facts);
    tell_reduced(conn);
}

static void begin(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    if (conn->recovery != FLUE_TCP_CA_CWR) { /* otherwise a mark has made it fall already */
        /* RFC 5681 3.2 step 2, RFC 6675 5 step 4.2: what limited transmit sent does not count as in flight; nothing
         * else leaves beyond cwnd. */
        reduce(conn, smaller(flight(conn), conn->cc.cwnd_bytes), now_ps);
    }
    enter(conn, FLUE_TCP_CA_RECOVERY);
    set_recover(conn);
    conn->flags = (conn->flags | TCP_RESEND_UNA) & ~(uint32_t)TCP_TIMING;
    if ((conn->flags & TCP_SACK) != 0) {
        conn->cc.cwnd_bytes = conn->cc.ssthresh_bytes; /* RFC 6675 5, step 4.2 */
    } else {
        conn->cc.cwnd_bytes = conn->cc.ssthresh_bytes + 3u * conn->mss_bytes; /* RFC 5681 3.2, step 3 */
    }
    tcp_rare_count(conn)->fast_retransmits++;
    stack->totals.fast_retransmits++;
    flue_trace3(stack->trace, tcp_fast_retransmit, now_ps, conn->id, conn->snd_una, conn->cc.cwnd_bytes,
                conn->cc.ssthresh_bytes);
}

/* RFC 6582 3.2 step 2: do the duplicates stem from an earlier loss?  With SACK, RECOVERY and LOSS last until all that
 * was outstanding has been acknowledged. */
static bool may_begin(const struct flue_tcp_conn *conn)
{
    if (conn->recovery == FLUE_TCP_CA_RECOVERY || conn->recovery == FLUE_TCP_CA_LOSS ||
        conn->snd_nxt != conn->snd_max) {
        return false;
    }
    return (conn->flags & TCP_SACK) != 0 || (conn->flags & TCP_RECOVER) == 0 ||
           conn->recovery == FLUE_TCP_CA_CWR || /* a mark, no loss, has set it */
           seq_gt(conn->snd_una, conn->active->recover);
}

void tcp_recovery_duplicate(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct tcp_active *active = conn->active;
    const uint32_t threshold = conn->stack->params.dup_ack_threshold;
    bool lost = false;

    if (conn->dup_acks < UINT8_MAX) {
        conn->dup_acks++;
    }
    if ((conn->flags & TCP_SACK) != 0) {
        scoreboard_mark_lost(&active->board, conn->snd_una, conn->mss_bytes, threshold);
        lost = conn->dup_acks >= threshold || scoreboard_is_lost(&active->board, conn->snd_una);
    } else if (conn->recovery == FLUE_TCP_CA_RECOVERY) {
        if (conn->cc.cwnd_bytes < CC_MAX_BYTES) {
            conn->cc.cwnd_bytes += conn->mss_bytes; /* RFC 5681 3.2, step 4 */
        }
        return;
    } else {
        lost = conn->dup_acks == threshold;
    }
    if (lost && may_begin(conn)) {
        begin(conn, now_ps);
    } else if (conn->recovery == FLUE_TCP_CA_OPEN) {
        enter(conn, FLUE_TCP_CA_DISORDER);
    }
}

static void grow(struct flue_tcp_conn *conn, uint32_t acked_bytes, uint32_t flight_bytes, flue_ps now_ps)
{
    const struct cc_facts facts = tcp_cc_facts(conn, acked_bytes, flight_bytes, now_ps);

    /* The window only grows while at least half of it is in use, so that a sender who holds back does not save up a
     * burst (RFC 7661 1.1, RFC 9438 5.8). */
    if (flight_bytes >= conn->cc.cwnd_bytes / 2) {
        tcp_cc(conn)->acked(&conn->cc, &conn->active->epoch, &facts);
    } else {
        cc_held_back(&conn->active->epoch, now_ps);
    }
}

/* All that was outstanding when the loss was noticed has been acknowledged. */
static void end(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->recovery == FLUE_TCP_CA_RECOVERY) {
        uint32_t left = larger(flight(conn), conn->mss_bytes) + conn->mss_bytes;

        /* RFC 6675 5, step A; RFC 6582 3.2 step 3, which avoids a burst as well.  Never more than before: a connection
         * may have come in without a threshold of this loss. */
        conn->cc.cwnd_bytes =
            smaller(conn->cc.ssthresh_bytes, (conn->flags & TCP_SACK) != 0 ? conn->cc.cwnd_bytes : left);
        flue_trace2(conn->stack->trace, tcp_recovered, now_ps, conn->id, conn->snd_una, conn->cc.cwnd_bytes);
    }
    enter(conn, FLUE_TCP_CA_OPEN);
    conn->dup_acks = 0;
}

/* RFC 6582 3.2 step 3: a partial acknowledgement.  True: the retransmission timer restarts (4: "impatient"). */
static bool partial(struct flue_tcp_conn *conn, uint32_t acked_bytes)
{
    struct cc *cc = &conn->cc;
    bool first = (conn->flags & TCP_PARTIAL) == 0;

    cc->cwnd_bytes = cc->cwnd_bytes > acked_bytes ? cc->cwnd_bytes - acked_bytes : 0;
    if (acked_bytes >= conn->mss_bytes || cc->cwnd_bytes < conn->mss_bytes) {
        cc->cwnd_bytes += conn->mss_bytes;
    }
    conn->flags |= TCP_RESEND_UNA | TCP_PARTIAL;
    return first;
}

/* SACKed data at SND.UNA itself: the peer has thrown it away (RFC 2018 8). */
static void check_reneging(struct flue_tcp_conn *conn)
{
    struct scoreboard *board = &conn->active->board;

    if (scoreboard_reneged(board, conn->snd_una)) {
        scoreboard_clear(board, &conn->stack->ranges);
        if (conn->recovery == FLUE_TCP_CA_RECOVERY || conn->recovery == FLUE_TCP_CA_LOSS) {
            scoreboard_all_lost(board, conn->snd_una, conn->snd_max);
        }
    }
}

bool tcp_recovery_advance(struct flue_tcp_conn *conn, uint32_t acked_bytes, uint32_t flight_bytes, bool marked,
                          flue_ps now_ps)
{
    struct tcp_active *active = conn->active;
    bool over = (conn->flags & TCP_RECOVER) != 0 && seq_geq(conn->snd_una, active->recover);

    if (over && conn->snd_una != active->recover) {
        conn->flags &= ~(uint32_t)TCP_RECOVER; /* before it lies so far behind that it seems to be ahead */
        active->recover = 0;
    }
    if ((conn->flags & TCP_SACK) != 0) {
        check_reneging(conn);
        scoreboard_advance(&active->board, &conn->stack->ranges, conn->snd_una);
        if (active->board.head != NULL) {
            scoreboard_mark_lost(&active->board, conn->snd_una, conn->mss_bytes, conn->stack->params.dup_ack_threshold);
        }
    }
    switch ((enum flue_tcp_recovery)conn->recovery) {
    case FLUE_TCP_CA_OPEN:
    case FLUE_TCP_CA_DISORDER:
        conn->dup_acks = 0;
        enter(conn, FLUE_TCP_CA_OPEN);
        if (!marked) { /* RFC 3168 6.1.2; in LOSS the echo may stand until there is new data to say CWR with */
            grow(conn, acked_bytes, flight_bytes, now_ps);
        }
        /* RFC 6675 5: what the blocks tell may be enough by itself. */
        if (active->board.head != NULL && scoreboard_is_lost(&active->board, conn->snd_una) && may_begin(conn)) {
            begin(conn, now_ps);
        }
        return true;
    case FLUE_TCP_CA_CWR:
        conn->dup_acks = 0;
        if (over) {
            end(conn, now_ps);
        }
        return true;
    case FLUE_TCP_CA_LOSS:
        conn->dup_acks = 0;
        grow(conn, acked_bytes, flight_bytes, now_ps);
        if (over) {
            end(conn, now_ps);
        }
        return true;
    case FLUE_TCP_CA_RECOVERY:
        if (over) {
            end(conn, now_ps);
            return true;
        }
        return (conn->flags & TCP_SACK) != 0 || partial(conn, acked_bytes);
    }
    return true;
}

void tcp_recovery_timeout(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct tcp_active *active = conn->active;
    const struct cc_facts facts = tcp_cc_facts(conn, 0, flight(conn), now_ps);

    tcp_cc(conn)->timeout(&conn->cc, &active->epoch, &facts, conn->timer.count > 0);
    tell_reduced(conn);
    enter(conn, FLUE_TCP_CA_LOSS);
    set_recover(conn);
    conn->dup_acks = 0;
    conn->flags &= ~(uint32_t)(TCP_RESEND_UNA | TCP_TIMING);
    if ((conn->flags & TCP_SACK) != 0) {
        if (scoreboard_reneged(&active->board, conn->snd_una)) {
            scoreboard_clear(&active->board, &conn->stack->ranges);
        }
        scoreboard_all_lost(&active->board, conn->snd_una, conn->snd_max);
        conn->snd_nxt = conn->snd_max;
        conn->flags |= TCP_RESEND_UNA; /* RFC 2018 8: the left edge, whatever the blocks say */
    } else {
        conn->snd_nxt = conn->snd_una;
    }
}

void tcp_recovery_marked(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    /* Once for each window of data.  An acknowledgement that reaches just up to the end of that window was sent before
     * the segment with CWR, which is the next, arrived: it tells of the same marks. */
    if ((conn->recovery != FLUE_TCP_CA_OPEN && conn->recovery != FLUE_TCP_CA_DISORDER) ||
        ((conn->flags & TCP_RECOVER) != 0 && seq_leq(conn->snd_una, tcp_recover_seq(conn))) || !tcp_activate(conn)) {
        return;
    }
    reduce(conn, conn->cc.cwnd_bytes, now_ps);
    conn->cc.cwnd_bytes = conn->cc.ssthresh_bytes;
    set_recover(conn);
    if (conn->snd_una != conn->snd_max) {
        enter(conn, FLUE_TCP_CA_CWR);
    }
}

void tcp_recovery_import(struct flue_tcp_conn *conn)
{
    uint32_t outstanding = conn->snd_max - conn->snd_una;

    enter(conn, FLUE_TCP_CA_RECOVERY);
    set_recover(conn);
    if ((conn->flags & TCP_SACK) != 0) {
        /* The segment at SND.UNA was sent again; which others were, the peer's blocks will tell. */
        scoreboard_begin_recovery(&conn->active->board, conn->snd_una,
                                  smaller(outstanding, conn->mss_bytes == 0 ? 1 : conn->mss_bytes));
    }
}
