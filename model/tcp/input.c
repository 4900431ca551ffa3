/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/input.c - a segment arrives (RFC 9293 3.10.7.4), first by header prediction, else step by step.
 *
 * Chosen where the documents leave a choice: a segment at RCV.NXT of a closed window has its RST, ACK and URG taken;
 * its data and FIN are refused. */
#include "tcp/conn.h"

/* RFC 7323 5.5: after 24 days a timestamp says nothing. */
#define TS_RECENT_LIFE_PS (24 * 24 * 3600 * FLUE_PS_PER_S)

/* RFC 7323 5.3 R1: is the timestamp older than the newest one seen? */
static bool paws_rejects(const struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    return seq_lt(frame->ts_val, conn->ts_recent) && now_ps - conn->ts_recent_ps < TS_RECENT_LIFE_PS;
}

/* RFC 5961 5.2: an ACK number that the peer can have sent.  Who sends another has not seen the traffic. */
static bool ack_possible(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    return seq_leq(frame->ack, conn->snd_max) && seq_geq(frame->ack, conn->snd_una - conn->max_snd_wnd);
}

/* RFC 7323 4.3. */
static inline void take_timestamp(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    if (seq_leq(frame->seq, tcp_last_ack_sent(conn))) {
        conn->ts_recent = frame->ts_val;
        conn->ts_recent_ps = now_ps;
    }
}

/* What is left of a segment after everything outside the window has been cut off. */
struct cut {
    uint32_t seq;
    struct flue_span span;
    bool fin;
};

/* RFC 9293 3.10.7.4, first: true if some of the segment lies within the window. */
static bool acceptable(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    uint32_t length = frame->payload.length_bytes + ((frame->flags & FLUE_TCP_SYN) != 0 ? 1 : 0) +
                      ((frame->flags & FLUE_TCP_FIN) != 0 ? 1 : 0);
    uint32_t window = seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt;

    /* Even of a window probe, whose data has no place, RST, URG and ACK are taken (RFC 9293 3.8.6, MUST-66). */
    if (window == 0) {
        return frame->seq == conn->rcv_nxt;
    }
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        return seq_within(frame->seq, conn->rcv_nxt, window); /* RFC 5961 3.2: its number alone, not its text */
    }
    if (length == 0) {
        /* A window that is just used up to its edge: an ACK at the edge carries the sender's newest number. */
        return frame->seq - conn->rcv_nxt <= window;
    }
    return seq_within(frame->seq, conn->rcv_nxt, window) ||
           seq_within(frame->seq + length - 1, conn->rcv_nxt, window) ||
           (seq_lt(frame->seq, conn->rcv_nxt) && seq_gt(frame->seq + length, conn->rcv_nxt));
}

static struct cut cut_to_window(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    struct cut cut = {.seq = frame->seq, .span = frame->payload, .fin = (frame->flags & FLUE_TCP_FIN) != 0};

    if (seq_lt(cut.seq, conn->rcv_nxt)) {
        uint32_t old = conn->rcv_nxt - cut.seq;

        if (old > cut.span.length_bytes) {
            old = cut.span.length_bytes;
            cut.fin = false; /* even the FIN lies before the window */
        }
        cut.seq += old;
        cut.span.offset_bytes += old;
        cut.span.length_bytes -= old;
        if (cut.span.memory != NULL) {
            cut.span.memory += old;
        }
    }
    if (seq_gt(cut.seq + cut.span.length_bytes + (cut.fin ? 1 : 0), conn->rcv_adv)) {
        if (seq_gt(cut.seq + cut.span.length_bytes, conn->rcv_adv)) {
            cut.span.length_bytes = seq_lt(cut.seq, conn->rcv_adv) ? conn->rcv_adv - cut.seq : 0;
        }
        cut.fin = false;
    }
    return cut;
}

#define ANSWERS_MOST    16u /* a second */
#define ANSWERS_COUNTED 0xffu

/* Two ends that find each other's bare ACKs unacceptable would answer for ever: after a few of them in one second such
 * a segment is dropped in silence.  Without memory to count for each, connections share what is allowed: a keep-alive
 * probe must have its answer. */
static bool may_answer(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    uint32_t second = (uint32_t)(now_ps / FLUE_PS_PER_S) & 0xffffffu;
    struct tcp_rare *rare;

    if (frame->payload.length_bytes != 0 || (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_FIN)) != 0) {
        return true;
    }
    rare = tcp_rare_count(conn);
    if (rare->answers >> 8 != second) {
        rare->answers = second << 8;
    }
    if ((rare->answers & ANSWERS_COUNTED) >= ANSWERS_MOST) {
        return false;
    }
    rare->answers++;
    return true;
}

/* The segment is not acceptable: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. */
static void answer(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    if (may_answer(conn, frame, now_ps)) {
        conn->flags |= TCP_ACK_NOW;
    }
}

/* The same for what might be an attack. */
static void challenge(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (tcp_may_challenge(conn, now_ps)) {
        conn->flags |= TCP_ACK_NOW;
    }
}

/* RFC 9293 3.10.7.4 for SYN-RECEIVED: the SYN may come again, and with both sides opening it carries our ACK.  True if
 * the segment has been dealt with. */
static bool syn_again(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    if ((frame->flags & (FLUE_TCP_SYN | FLUE_TCP_RST)) != FLUE_TCP_SYN || frame->seq + 1 != conn->rcv_nxt ||
        (conn->state != FLUE_TCP_SYN_RECEIVED && (conn->flags & TCP_SYN_OUT) == 0)) {
        return false;
    }
    if ((frame->flags & FLUE_TCP_ACK) != 0 && frame->ack == conn->snd_una + 1) {
        tcp_established(conn, frame, now_ps);
        conn->flags |= TCP_ACK_NOW;
    } else if ((frame->flags & FLUE_TCP_ACK) == 0) {
        (void)tcp_emit_syn(conn, now_ps, true);
    }
    return true;
}

/* Fifth: the ACK field.  False: the segment ends here. */
static bool check_ack(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    bool pure = frame->payload.length_bytes == 0 && (frame->flags & FLUE_TCP_FIN) == 0;

    if (conn->state == FLUE_TCP_SYN_RECEIVED) {
        if (frame->ack != conn->snd_max) {
            tcp_answer_reset(conn->stack, frame, now_ps);
            return false;
        }
        tcp_established(conn, frame, now_ps);
        return conn->state != FLUE_TCP_CLOSED;
    }
    if (seq_gt(frame->ack, conn->snd_max)) {
        if (may_answer(conn, frame, now_ps)) {
            challenge(conn, now_ps); /* RFC 5961 5.2 */
        }
        return false;
    }
    if ((conn->flags & TCP_SYN_OUT) != 0) {
        if (seq_leq(frame->ack, conn->snd_una)) {
            return false; /* our SYN must be acknowledged first */
        }
        tcp_established(conn, frame, now_ps);
        if (frame->ack == conn->snd_una) {
            tcp_timer_settle(conn, now_ps); /* for the FIN */
            return true;
        }
    }
    if (seq_lt(frame->ack, conn->snd_una - conn->max_snd_wnd)) {
        challenge(conn, now_ps); /* RFC 5961 5.2: older than any that may be on its way */
        return false;
    }
    if (seq_geq(frame->ack, conn->snd_una)) {
        tcp_acknowledge(conn, frame, pure, now_ps);
    }
    return conn->state != FLUE_TCP_CLOSED;
}

/* Sixth: the URG bit. */
static void check_urgent(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    uint32_t up = frame->seq + frame->urgent;
    struct tcp_rare *rare;

    if ((frame->flags & FLUE_TCP_URG) == 0 || (conn->flags & TCP_PEER_FIN) != 0 || seq_leq(up, conn->rcv_nxt) ||
        ((conn->flags & TCP_URGENT_IN) != 0 && seq_leq(up, tcp_rare_of(conn)->rcv_up)) || !tcp_activate(conn)) {
        return;
    }
    rare = tcp_rare_need(conn);
    if (rare == NULL) {
        return;
    }
    rare->rcv_up = up;
    conn->flags |= TCP_URGENT_IN;
    tcp_event(conn, &(struct flue_tcp_event){.kind = FLUE_TCP_EV_URGENT,
                                             .reason = FLUE_TCP_BY_SEGMENT,
                                             .bytes = up - conn->rcv_nxt,
                                             .at_ps = now_ps});
}

/* RFC 3168 6.1.3: a CE mark is told until the peer says that it has reduced its window. */
static void check_marks(struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    if ((frame->flags & FLUE_TCP_CWR) != 0) {
        conn->flags &= ~(uint32_t)TCP_ECE_ECHO;
    }
    if ((frame->tos & FLUE_ECN_MASK) == FLUE_ECN_CE) {
        conn->flags |= TCP_ECE_ECHO;
        conn->stack->totals.ecn_ce_in++;
    }
}

static void restart_quiet_timer(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    const struct flue_tcp_params *params = &conn->stack->params;

    if (conn->state == FLUE_TCP_FIN_WAIT_2) {
        tcp_timer_fin_wait_2(conn, now_ps);
    } else if (conn->state == FLUE_TCP_TIME_WAIT && (frame->flags & FLUE_TCP_FIN) != 0) {
        tcp_timer_arm(conn, TCP_TIMER_TIME_WAIT, now_ps + params->time_wait_ps);
    }
}

/* RFC 9293 A.2: both sides have probed a closed window at once, and both took the byte in.  What each sends from now on
 * begins one byte before the other's window: unless the ACKs count nevertheless, both will refuse one another's for
 * ever. */
static bool crossing_probe(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    return conn->state >= FLUE_TCP_ESTABLISHED && frame->seq + 1 == conn->rcv_nxt && frame->payload.length_bytes <= 1 &&
           (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_ACK)) == FLUE_TCP_ACK && seq_gt(frame->ack, conn->snd_una) &&
           seq_leq(frame->ack, conn->snd_max);
}

/* First: sequence numbers, PAWS before them (RFC 7323 5.3).  False: the segment ends here. */
static bool check_sequence(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    bool reset = (frame->flags & FLUE_TCP_RST) != 0;

    if ((conn->flags & TCP_TIMESTAMPS) != 0 && !reset) {
        if ((frame->options & FLUE_OPT_TIMESTAMP) == 0) {
            /* RFC 7323 3.2 (SHOULD): once negotiated every segment has it, and one without is dropped silently.  But a
             * SYN asks whether the connection still lives, of a peer that has begun anew and agreed on nothing yet: it
             * is answered wherever it lies (RFC 5961 4.2, MUST); not in TIME-WAIT (RFC 6191 2). */
            if ((frame->flags & FLUE_TCP_SYN) != 0 && conn->state != FLUE_TCP_SYN_RECEIVED &&
                conn->state != FLUE_TCP_TIME_WAIT) {
                challenge(conn, now_ps);
            }
            return false;
        }
        if (paws_rejects(conn, frame, now_ps)) {
            conn->stack->totals.paws_drops++;
            answer(conn, frame, now_ps);
            return false;
        }
    }
    if (acceptable(conn, frame)) {
        return true;
    }
    if (!reset) {
        if (conn->state == FLUE_TCP_TIME_WAIT) {
            restart_quiet_timer(conn, frame, now_ps);
        }
        if (frame->payload.length_bytes > 0 && seq_lt(frame->seq, conn->rcv_nxt)) {
            tcp_came_twice(conn, frame->seq, frame->payload.length_bytes);
        }
        answer(conn, frame, now_ps);
        if (crossing_probe(conn, frame)) {
            (void)check_ack(conn, frame, now_ps);
        }
    }
    return false;
}

/* Second: the RST bit (RFC 5961 3.2): only the exact number is believed. */
static void check_reset(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    if (frame->seq != conn->rcv_nxt) {
        challenge(conn, now_ps);
    } else {
        /* In TIME-WAIT both sides have had everything: it only ends the wait, and nobody is told of a reset. */
        tcp_end(conn, conn->state == FLUE_TCP_TIME_WAIT ? FLUE_TCP_BY_SEGMENT : FLUE_TCP_BY_RESET, now_ps);
    }
}

static void input_slow(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    struct cut cut;

    if (syn_again(conn, frame, now_ps)) {
        return;
    }
    if (!check_sequence(conn, frame, now_ps)) {
        return;
    }
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        check_reset(conn, frame, now_ps);
        return;
    }
    if ((frame->flags & FLUE_TCP_SYN) != 0) {
        /* Fourth: a passive opener goes back to LISTEN; otherwise RFC 5961 4.2. */
        if (conn->state == FLUE_TCP_SYN_RECEIVED && (conn->flags & TCP_PASSIVE) != 0) {
            tcp_end(conn, FLUE_TCP_BY_SEGMENT, now_ps);
        } else {
            challenge(conn, now_ps);
        }
        return;
    }
    if ((frame->flags & FLUE_TCP_ACK) == 0) {
        return;
    }
    if ((conn->flags & TCP_TIMESTAMPS) != 0 && ack_possible(conn, frame)) {
        take_timestamp(conn, frame, now_ps); /* a forged one would have all that follow refused (RFC 7323 5.3 R1) */
    }
    if (!check_ack(conn, frame, now_ps)) {
        return;
    }
    if ((conn->flags & TCP_SUSPECT) != 0) {
        tcp_clear_suspicion(conn);
    }
    restart_quiet_timer(conn, frame, now_ps);
    if ((conn->flags & TCP_ECN) != 0) {
        check_marks(conn, frame);
    }
    check_urgent(conn, frame, now_ps);
    cut = cut_to_window(conn, frame);
    if ((frame->flags & FLUE_TCP_FIN) != 0 && !cut.fin) {
        conn->flags |= TCP_ACK_NOW; /* there is no place for it in the window */
    }
    if (frame->payload.length_bytes > 0 && cut.span.length_bytes < frame->payload.length_bytes) {
        conn->flags |= TCP_ACK_NOW; /* a part came twice, or beyond the window: the peer needs to know */
        if (cut.seq != frame->seq) {
            tcp_came_twice(conn, frame->seq, cut.seq - frame->seq);
        }
    }
    if ((cut.span.length_bytes > 0 || cut.fin) && (conn->flags & TCP_PEER_FIN) == 0) {
        tcp_take_data(conn, cut.seq, &cut.span, (frame->flags & FLUE_TCP_PSH) != 0, cut.fin, now_ps);
    }
}

/* The usual case: in sequence, nothing but ACK and perhaps PSH, an ACK that is possible.  True: done. */
static inline bool input_fast(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    uint32_t length = frame->payload.length_bytes;

    if (conn->state != FLUE_TCP_ESTABLISHED || (frame->flags & ~(unsigned)FLUE_TCP_PSH) != FLUE_TCP_ACK ||
        (conn->flags & TCP_SUSPECT) != 0 || (frame->options & FLUE_OPT_SACK) != 0 ||
        (frame->tos & FLUE_ECN_MASK) == FLUE_ECN_CE || frame->seq != conn->rcv_nxt ||
        length > conn->rcv_adv - conn->rcv_nxt || frame->ack - conn->snd_una > conn->snd_max - conn->snd_una) {
        return false;
    }
    if ((conn->flags & TCP_TIMESTAMPS) != 0) {
        if ((frame->options & FLUE_OPT_TIMESTAMP) == 0 || seq_lt(frame->ts_val, conn->ts_recent)) {
            return false;
        }
        take_timestamp(conn, frame, now_ps);
    }
    if (length == 0) {
        tcp_acknowledge(conn, frame, true, now_ps);
        return true;
    }
    if (frame->ack != conn->snd_una || (uint32_t)frame->window << conn->snd_wscale != conn->snd_wnd) {
        tcp_acknowledge(conn, frame, false, now_ps);
    } else {
        conn->snd_wl1 = frame->seq;
    }
    tcp_take_data(conn, frame->seq, &frame->payload, (frame->flags & FLUE_TCP_PSH) != 0, false, now_ps);
    return true;
}

static bool may_accept(const struct flue_tcp_conn *conn)
{
    const struct flue_tcp_ops *ops = &conn->stack->ops;
    const struct flue_tcp_tuple tuple = tcp_tuple(conn);

    return ops->accept != NULL && (ops->may_accept == NULL || ops->may_accept(conn->stack->owner, &tuple));
}

/* RFC 9293 3.10.7.4, fourth, for TIME-WAIT (MAY-2): a SYN that cannot belong to the old connection opens a new one, if
 * somebody listens.  It is newer by its timestamp (RFC 6191 2), or by its sequence number; and if the new connection
 * will have timestamps and the old one had none, no segment of the old one can pass for one of the new. */
static bool reopens(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    bool had_timestamps = (conn->flags & TCP_TIMESTAMPS) != 0;

    if (conn->state != FLUE_TCP_TIME_WAIT ||
        (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_ACK | FLUE_TCP_RST)) != FLUE_TCP_SYN ||
        !tcp_listens(conn->stack, frame->dst_port) || !may_accept(conn)) {
        return false;
    }
    if (conn->stack->params.timestamps != 0 && (frame->options & FLUE_OPT_TIMESTAMP) != 0 &&
        (!had_timestamps || frame->ts_val != conn->ts_recent)) {
        return !had_timestamps || seq_gt(frame->ts_val, conn->ts_recent);
    }
    return seq_gt(frame->seq, conn->rcv_nxt);
}

/* The old connection ends, its owner forgets it, and the SYN finds nobody but a listener. */
static void reopen(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps, int answer_rst)
{
    struct flue_tcp *stack = conn->stack;
    uint32_t after = conn->snd_max;

    tcp_end(conn, FLUE_TCP_BY_SEGMENT, now_ps);
    tcp_raise_closed(conn);
    if (flue_tcp_find(stack, frame) == NULL) {
        tcp_no_connection(stack, frame, now_ps, answer_rst, true, after);
    }
}

static void dispatch(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    if (!input_fast(conn, frame, now_ps)) {
        if (conn->state == FLUE_TCP_SYN_SENT) {
            tcp_input_syn_sent(conn, frame, now_ps);
        } else {
            input_slow(conn, frame, now_ps);
        }
    }
}

void flue_tcp_input(struct flue_tcp *stack, struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps,
                    int answer_rst)
{
    stack->totals.segments_in++;
    if (conn == NULL) {
        tcp_no_connection(stack, frame, now_ps, answer_rst, false, 0);
        return;
    }
    if (conn->state == FLUE_TCP_CLOSED || (conn->flags & (TCP_IMPORTING | TCP_EXPORTED)) != 0) {
        return;
    }
    now_ps = tcp_advance(conn, now_ps);
    conn->segments_in++;
    conn->last_received_ps = now_ps;
    conn->ka_probes = 0;
    flue_trace6(stack->trace, tcp_receive, now_ps, conn->id, frame->seq, frame->payload.length_bytes, frame->ack,
                frame->flags, (uint32_t)frame->window << conn->snd_wscale, 0);
    if (reopens(conn, frame)) {
        reopen(conn, frame, now_ps, answer_rst);
        return;
    }
    conn->flags |= TCP_IN_INPUT;
    dispatch(conn, frame, now_ps);
    conn->flags &= ~(uint32_t)TCP_IN_INPUT;
    if ((conn->flags & TCP_ENDING) != 0) {
        tcp_raise_closed(conn);
        return;
    }
    if ((conn->flags & TCP_ACK_NOW) != 0) {
        now_ps = tcp_advance(conn, tcp_emit_ack(conn, now_ps));
    }
    if (conn->timer.mode != TCP_TIMER_RETRANSMIT) {
        tcp_timer_settle(conn, now_ps);
    }
    tcp_ask_output(conn, now_ps);
    tcp_rest(conn);
}
