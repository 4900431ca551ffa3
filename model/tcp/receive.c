/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/receive.c - the receiving half: data to the user, acknowledgements owed, the window offered.
 *
 * Chosen where the documents leave a choice: the consumer's window update is a segment of its own when it opens half of
 * the buffer, or two segments that are a quarter of the buffer or come when at most an eighth of it is left on offer.
 * What the SYN's unscaled window held back waits for the first ACK. Of two FINs that came early the nearer counts; data
 * that passes one shows that it was none. */
#include <assert.h>

#include "tcp/conn.h"

static uint32_t offered_bytes(const struct flue_tcp_conn *conn)
{
    return seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt;
}

/* The receive buffer, as far as the window field can tell of it. */
static uint32_t buffer_bytes(const struct flue_tcp_conn *conn)
{
    uint32_t buffer = conn->settings->rcv_buffer_bytes;
    uint32_t most = UINT32_C(65535) << conn->rcv_wscale;

    return buffer < most ? buffer : most;
}

static uint32_t free_bytes(const struct flue_tcp_conn *conn)
{
    uint32_t buffer = conn->settings->rcv_buffer_bytes;
    uint32_t room = buffer > conn->unread_bytes ? buffer - conn->unread_bytes : 0;
    uint32_t most = buffer_bytes(conn);

    return room < most ? room : most;
}

uint16_t tcp_window(struct flue_tcp_conn *conn)
{
    uint32_t offered = offered_bytes(conn);
    uint32_t room = free_bytes(conn);
    uint32_t field;
    uint32_t edge;

    /* The edge moves by worthwhile steps only (RFC 9293 3.8.6.2.2), and never to the left (D-31); what the scale
     * rounds away stays acceptable (RFC 7323 2.4). */
    if (room > offered) {
        uint32_t half = buffer_bytes(conn) / 2;
        uint32_t step = half < conn->mss_bytes ? half : conn->mss_bytes;

        if (room - offered >= step) {
            offered = room;
        }
    }
    field = offered >> conn->rcv_wscale;
    if (field > 65535) {
        field = 65535;
    }
    edge = conn->rcv_nxt + (field << conn->rcv_wscale);
    if (seq_gt(edge, conn->rcv_adv)) {
        conn->rcv_adv = edge;
    }
    return (uint16_t)field;
}

void flue_tcp_consumed(struct flue_tcp_conn *conn, uint32_t bytes, flue_ps now_ps)
{
    uint32_t offered;
    uint32_t room;
    uint32_t opened;
    uint32_t buffer;

    assert(bytes <= conn->unread_bytes);
    conn->unread_bytes -= bytes;
    if (conn->state < FLUE_TCP_ESTABLISHED || (conn->flags & (TCP_PEER_FIN | TCP_IMPORTING | TCP_EXPORTED)) != 0) {
        return;
    }
    offered = offered_bytes(conn);
    room = free_bytes(conn);
    buffer = buffer_bytes(conn);
    if (room <= offered || (conn->segments_out <= 1 && offered >= 2u * conn->mss_bytes)) {
        return; /* what only a SYN's unscaled window held back can wait for the first ACK */
    }
    /* An update of its own is worth a segment when it opens half of the buffer; or two segments, and these are a
     * quarter of the buffer or the peer is about to run out of window.  Otherwise the next ACK tells. */
    opened = room - offered;
    if (opened >= (buffer + 1) / 2 ||
        (opened >= 2u * conn->mss_bytes && (opened >= buffer / 4 || offered <= buffer / 8))) {
        if ((conn->flags & TCP_IN_INPUT) != 0) {
            conn->flags |= TCP_ACK_NOW;
        } else {
            now_ps = tcp_advance(conn, now_ps);
            (void)tcp_emit_ack(conn, now_ps);
            tcp_rest(conn);
        }
    }
}

/* RCV.NXT advances.  A connection without an active part acknowledges at the end of this call. */
static inline void receive(struct flue_tcp_conn *conn, uint32_t numbers)
{
    conn->rcv_nxt += numbers;
    if (tcp_is_active(conn)) {
        conn->active->unacked_bytes += numbers;
    }
}

static void deliver(struct flue_tcp_conn *conn, const struct flue_span *span, bool psh, flue_ps now_ps)
{
    receive(conn, span->length_bytes);
    conn->unread_bytes += span->length_bytes;
    if ((conn->flags & TCP_URGENT_IN) != 0 && seq_leq(tcp_rare_of(conn)->rcv_up, conn->rcv_nxt)) {
        conn->flags &= ~(uint32_t)TCP_URGENT_IN;
    }
    tcp_event(conn, &(struct flue_tcp_event){.kind = FLUE_TCP_EV_DATA,
                                             .reason = FLUE_TCP_BY_SEGMENT,
                                             .bytes = span->length_bytes,
                                             .at_ps = now_ps,
                                             .span = *span,
                                             .psh = psh});
}

/* RFC 9293 3.10.7.4, eighth: everything before the peer's FIN has been handed up. */
static void peer_fin(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    receive(conn, 1);
    conn->flags &= ~(uint32_t)TCP_FIN_HELD;
    conn->flags |= TCP_PEER_FIN | TCP_ACK_NOW;
    if (conn->active->reassembly.head != NULL) { /* nothing can stand behind a FIN: whoever sent that, it is no data */
        reassembly_clear(&conn->active->reassembly, &conn->stack->pieces);
    }
    if (conn->state == FLUE_TCP_ESTABLISHED) {
        tcp_enter(conn, FLUE_TCP_CLOSE_WAIT, FLUE_TCP_BY_SEGMENT, now_ps);
    } else if (conn->state == FLUE_TCP_FIN_WAIT_1) {
        tcp_enter(conn, FLUE_TCP_CLOSING, FLUE_TCP_BY_SEGMENT, now_ps);
    } else {
        tcp_enter(conn, FLUE_TCP_TIME_WAIT, FLUE_TCP_BY_SEGMENT, now_ps);
    }
    tcp_event_plain(conn, FLUE_TCP_EV_PEER_FIN, now_ps);
}

/* The peer's FIN came, at fin_seq.  It waits for the data before it.  Of two the nearer counts: data that passes it
 * shows that it was none, so that a stranger's FIN in the window cannot keep out the true one. */
static void hold_fin(struct flue_tcp_conn *conn, uint32_t fin_seq)
{
    bool nearer = (conn->flags & TCP_FIN_HELD) == 0 || seq_lt(fin_seq, conn->active->rcv_fin_seq);

    if (nearer && tcp_activate(conn)) {
        conn->flags |= TCP_FIN_HELD;
        conn->active->rcv_fin_seq = fin_seq;
    }
}

static void take_held_fin(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if ((conn->flags & TCP_FIN_HELD) != 0) {
        conn->flags |= TCP_ACK_NOW;
        if (conn->rcv_nxt == conn->active->rcv_fin_seq) {
            peer_fin(conn, now_ps);
        } else if (seq_gt(conn->rcv_nxt, conn->active->rcv_fin_seq)) {
            conn->flags &= ~(uint32_t)TCP_FIN_HELD; /* data went on behind it: it was none */
        }
    }
}

static void acknowledge_later(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    if (++conn->ack_segments >= stack->params.ack_every || !tcp_activate(conn)) {
        conn->flags |= TCP_ACK_NOW;
    } else if (!timer_fifo_armed(&conn->active->delayed_ack) && (conn->flags & TCP_ACK_DUE) == 0) {
        timer_fifo_arm(&stack->delayed_acks, &conn->active->delayed_ack, now_ps + stack->params.delayed_ack_ps);
    }
}

static void keep(void *arg, uint32_t seq, struct flue_span *span)
{
    struct flue_tcp_conn *conn = arg;

    conn->stack->ops.keep(conn->stack->owner, conn, seq, span);
}

static void insert(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh)
{
    struct flue_tcp *stack = conn->stack;
    struct tcp_active *active = conn->active;
    const struct reassembly_keeper keeper = {.keep = keep, .arg = conn};
    struct flue_sack_block stretch;
    struct flue_sack_block twice;

    stretch = reassembly_insert(&active->reassembly, &stack->pieces, conn->rcv_nxt, seq, span, psh,
                                conn->settings->rcv_buffer_bytes, &twice, stack->ops.keep != NULL ? &keeper : NULL);
    if ((conn->flags & TCP_SACK) != 0) {
        sack_report_arrived(&active->report, conn->rcv_nxt, stretch);
        sack_report_duplicate(&active->report, twice.from, twice.to);
    }
}

static void drain(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct flue_span part;
    bool psh;

    while (reassembly_take(&conn->active->reassembly, &conn->stack->pieces, conn->rcv_nxt, &part, &psh)) {
        deliver(conn, &part, psh, now_ps);
    }
}

void tcp_take_data(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh, bool fin,
                   flue_ps now_ps)
{
    if (fin) {
        hold_fin(conn, seq + span->length_bytes);
    }
    if (span->length_bytes > 0) {
        conn->stack->totals.data_in++;
        if (seq == conn->rcv_nxt && conn->active->reassembly.head == NULL) {
            acknowledge_later(conn, now_ps);
            deliver(conn, span, psh, now_ps);
        } else if (tcp_activate(conn)) {
            /* RFC 5681 4.2: at once, whether it opens a gap or fills one. */
            conn->flags |= TCP_ACK_NOW;
            insert(conn, seq, span, psh);
            drain(conn, now_ps);
        }
    }
    take_held_fin(conn, now_ps);
}

void tcp_came_twice(struct flue_tcp_conn *conn, uint32_t seq, uint32_t bytes)
{
    if ((conn->flags & TCP_SACK) != 0 && tcp_activate(conn)) {
        uint32_t old = conn->rcv_nxt - seq;

        sack_report_duplicate(&conn->active->report, seq, seq + (bytes < old ? bytes : old));
    }
}

void tcp_hold_data(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh, bool fin)
{
    struct flue_span part = *span;

    if (part.length_bytes > conn->settings->rcv_buffer_bytes) {
        part.length_bytes = conn->settings->rcv_buffer_bytes;
        fin = false;
    }
    if (fin) {
        hold_fin(conn, seq + part.length_bytes);
    }
    if (part.length_bytes > 0) {
        insert(conn, seq, &part, psh);
    }
}

void tcp_release_held(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->active->reassembly.head != NULL) {
        conn->flags |= TCP_ACK_NOW;
        drain(conn, now_ps);
    }
    take_held_fin(conn, now_ps);
}
