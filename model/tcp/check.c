/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/check.c - the invariants of a connection, for self-checks and for images that come from elsewhere. */
#include <string.h>

#include "tcp/conn.h"

/* A window field's largest value, scaled by the largest shift (RFC 7323 2.3). */
#define WINDOW_MOST (UINT32_C(65535) << 14)

/* SND.UNA is our SYN: nothing of the user's has a number yet that the peer knows. */
static bool is_opening(const struct flue_tcp_conn *conn)
{
    return conn->state < FLUE_TCP_ESTABLISHED || (conn->flags & TCP_SYN_OUT) != 0;
}

/* What the peer may send: the part of the window offered that lies ahead of RCV.NXT. */
static uint32_t offered_bytes(const struct flue_tcp_conn *conn)
{
    return seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt;
}

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
    if (conn->snd_wnd > WINDOW_MOST || conn->max_snd_wnd > WINDOW_MOST) {
        return "a window is larger than the protocol can tell";
    }
    if (conn->mss_bytes == 0 || conn->state > FLUE_TCP_TIME_WAIT || conn->recovery > FLUE_TCP_CA_CWR ||
        conn->timer.mode > TCP_TIMER_KEEP_ALIVE) {
        return "a value is out of its range";
    }
    if (!is_opening(conn) &&
        (conn->cc.cwnd_bytes == 0 || conn->cc.ssthresh_bytes == 0 || conn->cc.cwnd_bytes > 2 * CC_MAX_BYTES)) {
        return "the congestion window is out of its range";
    }
    return NULL;
}

/* Before the peer has acknowledged our SYN. */
static const char *check_opening(const struct flue_tcp_conn *conn)
{
    static const uint32_t heard = TCP_TIMESTAMPS | TCP_SCALING | TCP_SACK | TCP_ECN | TCP_FIN_HELD | TCP_URGENT_IN;
    const struct tcp_active *active = conn->active;
    uint32_t numbers = (conn->flags & TCP_SYN_OUT) != 0 ? 2 : (conn->flags & TCP_SYN_DUE) != 0 ? 0 : 1;

    if (conn->state == FLUE_TCP_CLOSED || conn->state == FLUE_TCP_LISTEN) {
        return NULL;
    }
    if (((conn->flags & TCP_SYN_OUT) != 0 && conn->state != FLUE_TCP_FIN_WAIT_1) ||
        ((conn->flags & TCP_SYN_DUE) != 0 && conn->state != FLUE_TCP_SYN_SENT)) {
        return "a SYN is to be sent in a state that knows of none";
    }
    if (!is_opening(conn)) {
        return NULL;
    }
    if (conn->snd_max - conn->snd_una != numbers || conn->snd_nxt != conn->snd_max ||
        ((conn->flags & TCP_SYN_OUT) != 0 && active->queue.bytes > 0)) {
        return "something else than our SYN and a FIN behind it is outstanding";
    }
    if (conn->recovery != FLUE_TCP_CA_OPEN || active->board.valid != 0 || (conn->flags & TCP_ACK_DUE) != 0 ||
        timer_fifo_armed(&active->delayed_ack)) {
        return "a connection is at work before it is established";
    }
    if (conn->state == FLUE_TCP_SYN_SENT && ((conn->flags & heard) != 0 || active->reassembly.head != NULL)) {
        return "something came from a peer that has not been heard of";
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
    if ((conn->flags & TCP_PEER_FIN) != 0 && (conn->flags & TCP_FIN_HELD) != 0) {
        return "the peer's FIN has come, and waits nevertheless";
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

    if (is_opening(conn)) {
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
    if ((conn->flags & TCP_FIN_SENT) != 0 && (conn->flags & TCP_IMPORTING) == 0 &&
        outstanding != queue->bytes + controls) {
        return "SND.MAX does not lie behind the FIN that was sent";
    }
    return NULL;
}

static const char *check_reassembly(const struct flue_tcp_conn *conn)
{
    const struct reassembly *queue = &conn->active->reassembly;
    uint64_t bytes = 0;
    uint64_t end = 0; /* distance of the last piece's end from RCV.NXT */
    uint64_t most = offered_bytes(conn);

    if (is_opening(conn) && conn->settings->rcv_buffer_bytes > most) {
        most = conn->settings->rcv_buffer_bytes; /* what a SYN brought was kept before any window was offered */
    }
    for (const struct piece *piece = queue->head; piece != NULL; piece = piece->next) {
        uint32_t from = piece->seq - conn->rcv_nxt;

        if (piece->span.length_bytes == 0 || from < end || (from == 0 && !is_opening(conn))) {
            return "the reassembly queue is not in order";
        }
        end = (uint64_t)from + piece->span.length_bytes;
        bytes += piece->span.length_bytes;
        if (end > most) {
            return "data waits beyond the window offered";
        }
    }
    if (bytes != queue->bytes || !reassembly_consistent(queue)) {
        return "the reassembly queue is not as long as it says";
    }
    if ((conn->flags & TCP_PEER_FIN) != 0 && queue->head != NULL) {
        return "data waits behind the peer's FIN";
    }
    return NULL;
}

/* Numbers of the peer's that the flags say are to be believed. */
static const char *check_received(const struct flue_tcp_conn *conn)
{
    const struct tcp_active *active = conn->active;
    uint32_t offered = offered_bytes(conn);
    uint32_t fin = active->rcv_fin_seq - conn->rcv_nxt;

    if (conn->state > FLUE_TCP_SYN_SENT && active->unacked_bytes > UINT32_C(0x7fffffff)) {
        return "more was acknowledged than has come";
    }
    if ((conn->flags & TCP_FIN_HELD) != 0 && (fin > offered || (fin == 0 && !is_opening(conn)))) {
        return "the peer's FIN does not wait inside the window";
    }
    /* The pointer reaches 65535 bytes beyond a number in the window; a FIN may have come before what it names. */
    if ((conn->flags & TCP_URGENT_IN) != 0 && tcp_rare_of(conn)->rcv_up - conn->rcv_nxt > offered + 65535) {
        return "RCV.UP lies beyond what a pointer can tell";
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
    if (bytes != board->sacked_bytes || ranges != board->ranges || !scoreboard_consistent(board)) {
        return "the scoreboard does not add up";
    }
    if ((board->head != NULL || board->valid != 0) && (conn->flags & TCP_SACK) == 0) {
        return "there is a scoreboard without SACK";
    }
    return NULL;
}

/* Is `seq` in (una, una + most]? */
static bool is_ahead(uint32_t seq, uint32_t una, uint64_t most)
{
    return seq - una - 1 < most;
}

/* tcp/scoreboard.h: an edge that SND.UNA has reached is forgotten; the rescue's, when it is passed. */
static const char *check_edges(const struct flue_tcp_conn *conn)
{
    static const uint8_t known = SCOREBOARD_LOST | SCOREBOARD_RTO | SCOREBOARD_RXT | SCOREBOARD_RESCUE;
    const struct scoreboard *board = &conn->active->board;
    uint32_t una = conn->snd_una;
    uint32_t outstanding = conn->snd_max - una;

    if ((board->valid & (unsigned)~known) != 0 ||
        ((board->valid & SCOREBOARD_LOST) != 0 && !is_ahead(board->lost_edge, una, outstanding)) ||
        ((board->valid & SCOREBOARD_RTO) != 0 && !is_ahead(board->rto_edge, una, outstanding)) ||
        ((board->valid & SCOREBOARD_RXT) != 0 && !is_ahead(board->high_rxt, una, outstanding)) ||
        ((board->valid & SCOREBOARD_RESCUE) != 0 && board->rescue_rxt - una > outstanding)) {
        return "an edge of the scoreboard lies outside of what is outstanding";
    }
    return NULL;
}

/* Numbers of our own that the flags say are to be believed. */
static const char *check_sending(const struct flue_tcp_conn *conn)
{
    const struct tcp_active *active = conn->active;
    uint32_t una = conn->snd_una;
    uint32_t outstanding = conn->snd_max - una;
    bool recover = (conn->flags & TCP_RECOVER) != 0;
    uint64_t queued = active->queue.bytes + (is_opening(conn) ? 1 : 0);

    if (conn->state == FLUE_TCP_CLOSED) {
        return NULL;
    }
    if (recover && tcp_recover_seq(conn) - una > outstanding) {
        return "recovery ends outside of what is outstanding";
    }
    if (conn->recovery >= FLUE_TCP_CA_RECOVERY && (!recover || tcp_recover_seq(conn) == una)) {
        return "a loss is being repaired that is not known";
    }
    if (outstanding == 0 && (conn->recovery != FLUE_TCP_CA_OPEN || (conn->flags & TCP_RESEND_UNA) != 0)) {
        return "nothing is outstanding, and it is to be repaired";
    }
    if ((conn->flags & TCP_RESEND_UNA) != 0 && is_opening(conn)) {
        return "a SYN is to be sent again as if it were data";
    }
    if ((conn->flags & TCP_TIMING) != 0 && !is_ahead(active->rtt_seq, una, outstanding)) {
        return "a segment is being timed that is not outstanding";
    }
    if ((conn->flags & TCP_URGENT_OUT) != 0 &&
        !is_ahead(tcp_rare_of(conn)->snd_up, una, queued < UINT32_C(0x7fffffff) ? queued : UINT32_C(0x7fffffff))) {
        return "SND.UP lies outside of the send queue";
    }
    return NULL;
}

/* Data, or a FIN that was never sent. */
static bool something_waits(const struct flue_tcp_conn *conn)
{
    return conn->active->queue.bytes > 0 || (conn->flags & (TCP_FIN_QUEUED | TCP_FIN_SENT)) == TCP_FIN_QUEUED;
}

/* Does the timer have something to do? */
static bool mode_fits(const struct flue_tcp_conn *conn)
{
    bool waits = something_waits(conn);

    switch ((enum tcp_timer_mode)conn->timer.mode) {
    case TCP_TIMER_NONE:
        return conn->snd_una == conn->snd_max;
    case TCP_TIMER_RETRANSMIT:
        return conn->snd_una != conn->snd_max;
    case TCP_TIMER_PERSIST:
        return !is_opening(conn) && (conn->snd_una != conn->snd_max ? conn->snd_wnd == 0 : waits);
    case TCP_TIMER_FIN_WAIT_2:
        return conn->state == FLUE_TCP_FIN_WAIT_2;
    case TCP_TIMER_TIME_WAIT:
        return conn->state == FLUE_TCP_TIME_WAIT;
    case TCP_TIMER_KEEP_ALIVE:
        return conn->snd_una == conn->snd_max &&
               (conn->settings->keep_alive != 0 || (conn->flags & TCP_SUSPECT) != 0) &&
               (conn->state == FLUE_TCP_ESTABLISHED || conn->state == FLUE_TCP_CLOSE_WAIT ||
                conn->state == FLUE_TCP_FIN_WAIT_2);
    }
    return false;
}

static const char *check_timers(const struct flue_tcp_conn *conn)
{
    bool armed = lean_timer_armed(&conn->timer) || (conn->flags & TCP_TIMER_DUE) != 0;

    if ((conn->flags & (TCP_IMPORTING | TCP_EXPORTED)) != 0) {
        return NULL;
    }
    if (armed != (conn->timer.mode != TCP_TIMER_NONE)) {
        return "the timer runs without a purpose, or not with one";
    }
    if (conn->state == FLUE_TCP_CLOSED) {
        return armed ? "a closed connection has a timer" : NULL;
    }
    if (conn->snd_una != conn->snd_max && conn->timer.mode != TCP_TIMER_RETRANSMIT &&
        conn->timer.mode != TCP_TIMER_PERSIST) {
        return "something is outstanding and no timer will repeat it";
    }
    if ((conn->state == FLUE_TCP_TIME_WAIT) != (conn->timer.mode == TCP_TIMER_TIME_WAIT) ||
        (conn->state == FLUE_TCP_FIN_WAIT_2 && conn->settings->fin_wait_2_ps != FLUE_PS_NEVER) !=
            (conn->timer.mode == TCP_TIMER_FIN_WAIT_2)) {
        return "the timer does not fit the state";
    }
    if (!mode_fits(conn)) {
        return "the timer waits for what cannot come";
    }
    if (something_waits(conn) && !is_opening(conn) && conn->snd_una == conn->snd_max &&
        conn->timer.mode != TCP_TIMER_PERSIST && (conn->flags & TCP_OUTPUT_ASKED) == 0 && !tcp_sendable(conn)) {
        return "something waits to be sent and no timer will probe for it";
    }
    return NULL;
}

/* What connections without a part of their own share is never written. */
static bool idle_untouched(const struct tcp_active *idle)
{
    struct tcp_active pristine;

    memset(&pristine, 0, sizeof(pristine));
    timer_fifo_setup(&pristine.delayed_ack);
    return memcmp(&pristine, idle, sizeof(pristine)) == 0;
}

const char *flue_tcp_check(const struct flue_tcp_conn *conn)
{
    static const char *(*const checks[])(const struct flue_tcp_conn *) = {
        check_numbers,  check_opening,    check_fins,  check_send_queue, check_reassembly,
        check_received, check_scoreboard, check_edges, check_sending,    check_timers,
    };

    if (!idle_untouched(&conn->stack->idle)) {
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
