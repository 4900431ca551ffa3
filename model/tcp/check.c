/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/check.c - the invariants of a connection, for self-checks and for images that come from elsewhere. */
#include "tcp/conn.h"

static const char *check_numbers(const struct flue_tcp_conn *conn)
{
    uint32_t outstanding = conn->snd_max - conn->snd_una;

    if (outstanding > UINT32_C(0x7fffffff) || conn->snd_nxt - conn->snd_una > outstanding) {
        return "SND.UNA <= SND.NXT <= SND.MAX does not hold";
    }
    if (conn->rcv_adv - conn->rcv_nxt > UINT32_C(0x7fffffff) && conn->rcv_nxt - conn->rcv_adv > 1) {
        return "the window offered lies behind RCV.NXT";
    }
    if (conn->snd_wscale > 14 || conn->rcv_wscale > 14) {
        return "a window is scaled by more than 14";
    }
    if (conn->mss_bytes == 0 || conn->state > FLUE_TCP_TIME_WAIT || conn->recovery > FLUE_TCP_CA_CWR ||
        conn->timer_mode > TCP_TIMER_KEEP_ALIVE) {
        return "a value is out of its range";
    }
    if (conn->state >= FLUE_TCP_ESTABLISHED && (conn->cc.cwnd_bytes == 0 || conn->cc.cwnd_bytes > 2 * CC_MAX_BYTES)) {
        return "the congestion window is out of its range";
    }
    return NULL;
}

/* What the state says about both FINs. */
static const char *check_fins(const struct flue_tcp_conn *conn)
{
    static const uint32_t both = TCP_FIN_SENT | TCP_FIN_ACKED | TCP_PEER_FIN;
    static const uint32_t wanted[] = {
        [FLUE_TCP_FIN_WAIT_1] = TCP_FIN_SENT,
        [FLUE_TCP_FIN_WAIT_2] = TCP_FIN_SENT | TCP_FIN_ACKED,
        [FLUE_TCP_CLOSE_WAIT] = TCP_PEER_FIN,
        [FLUE_TCP_CLOSING] = TCP_FIN_SENT | TCP_PEER_FIN,
        [FLUE_TCP_LAST_ACK] = TCP_FIN_SENT | TCP_PEER_FIN,
        [FLUE_TCP_TIME_WAIT] = TCP_FIN_SENT | TCP_FIN_ACKED | TCP_PEER_FIN,
    };

    if (conn->state != FLUE_TCP_CLOSED && (conn->flags & both) != wanted[conn->state]) {
        return "the state does not fit the FINs sent and received";
    }
    if ((conn->flags & (TCP_FIN_QUEUED | TCP_FIN_SENT)) == TCP_FIN_SENT) {
        return "a FIN was sent and never asked for";
    }
    return NULL;
}

static const char *check_send_queue(const struct flue_tcp_conn *conn)
{
    const struct send_queue *queue = &conn->active->queue;
    uint32_t outstanding = conn->snd_max - conn->snd_una;
    uint32_t controls = (conn->flags & (TCP_FIN_SENT | TCP_FIN_ACKED)) == TCP_FIN_SENT ? 1 : 0;
    uint32_t seq = conn->snd_una;
    uint64_t bytes = 0;
    const struct piece *last = NULL;

    if (conn->state < FLUE_TCP_ESTABLISHED) {
        controls++; /* the SYN */
        seq++;
    }
    for (const struct piece *piece = queue->head; piece != NULL; piece = piece->next) {
        if (piece->span.length_bytes == 0 || piece->seq != seq) {
            return "the send queue has a hole";
        }
        seq += piece->span.length_bytes;
        bytes += piece->span.length_bytes;
        last = piece;
    }
    if (bytes != queue->bytes || last != queue->tail) {
        return "the send queue is not as long as it says";
    }
    if (outstanding > queue->bytes + controls) {
        return "more is outstanding than the send queue holds";
    }
    return NULL;
}

static const char *check_received(const struct flue_tcp_conn *conn)
{
    const struct reassembly *queue = &conn->active->reassembly;
    uint32_t bytes = 0;
    uint32_t end = 0; /* distance of the last piece's end from RCV.NXT */

    for (const struct piece *piece = queue->head; piece != NULL; piece = piece->next) {
        uint32_t from = piece->seq - conn->rcv_nxt;

        if (piece->span.length_bytes == 0 || from < end || from > UINT32_C(0x7fffffff) ||
            (from == 0 && conn->state >= FLUE_TCP_ESTABLISHED)) {
            return "the reassembly queue is not in order";
        }
        end = from + piece->span.length_bytes;
        bytes += piece->span.length_bytes;
    }
    if (bytes != queue->bytes) {
        return "the reassembly queue is not as long as it says";
    }
    if ((conn->flags & TCP_PEER_FIN) != 0 && queue->head != NULL) {
        return "data waits behind the peer's FIN";
    }
    return NULL;
}

static const char *check_scoreboard(const struct flue_tcp_conn *conn)
{
    const struct scoreboard *board = &conn->active->board;
    uint32_t outstanding = conn->snd_max - conn->snd_una;
    uint32_t bytes = 0;
    uint32_t ranges = 0;
    uint32_t end = 0;

    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        uint32_t from = range->from - conn->snd_una;
        uint32_t to = range->to - conn->snd_una;

        if (from >= to || to > outstanding || (ranges > 0 ? from <= end : from < end)) {
            return "the scoreboard is not in order";
        }
        end = to;
        bytes += to - from;
        ranges++;
    }
    if (bytes != board->sacked_bytes || ranges != board->ranges) {
        return "the scoreboard does not add up";
    }
    if (board->head != NULL && (conn->flags & TCP_SACK) == 0) {
        return "there is a scoreboard without SACK";
    }
    return NULL;
}

static const char *check_timers(const struct flue_tcp_conn *conn)
{
    bool armed = timer_armed(&conn->timer) || (conn->flags & TCP_TIMER_DUE) != 0;

    if ((conn->flags & (TCP_IMPORTING | TCP_EXPORTED)) != 0) {
        return NULL;
    }
    if (armed != (conn->timer_mode != TCP_TIMER_NONE)) {
        return "the timer runs without a purpose, or not with one";
    }
    if (conn->state == FLUE_TCP_CLOSED) {
        return armed ? "a closed connection has a timer" : NULL;
    }
    if (conn->snd_una != conn->snd_max && conn->timer_mode != TCP_TIMER_RETRANSMIT &&
        conn->timer_mode != TCP_TIMER_PERSIST) {
        return "something is outstanding and no timer will repeat it";
    }
    if ((conn->state == FLUE_TCP_TIME_WAIT) != (conn->timer_mode == TCP_TIMER_TIME_WAIT) ||
        (conn->state == FLUE_TCP_FIN_WAIT_2) != (conn->timer_mode == TCP_TIMER_FIN_WAIT_2)) {
        return "the timer does not fit the state";
    }
    return NULL;
}

const char *flue_tcp_check(const struct flue_tcp_conn *conn)
{
    static const char *(*const checks[])(const struct flue_tcp_conn *) = {
        check_numbers, check_fins, check_send_queue, check_received, check_scoreboard, check_timers,
    };
    const struct tcp_active *idle = &conn->stack->idle;

    if (idle->queue.head != NULL || idle->reassembly.head != NULL || idle->board.head != NULL ||
        idle->epoch.running != 0 || idle->report.dsack_due != 0 || timer_fifo_armed(&idle->delayed_ack)) {
        return "the idle part that connections share was written to";
    }
    for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *what = checks[i](conn);

        if (what != NULL) {
            return what;
        }
    }
    return NULL;
}
