/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/receive.c - the receiving half: data to the user, acknowledgements owed, the window offered. */
#include <assert.h>

#include "tcp/conn.h"

static uint32_t offered_bytes(const struct flue_tcp_conn *conn)
{
    return seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt;
}

static uint32_t free_bytes(const struct flue_tcp_conn *conn)
{
    return conn->rcv_buffer_bytes > conn->unread_bytes ? conn->rcv_buffer_bytes - conn->unread_bytes : 0;
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
        uint32_t step = conn->rcv_buffer_bytes / 2 < conn->mss_bytes ? conn->rcv_buffer_bytes / 2 : conn->mss_bytes;

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
    buffer = conn->rcv_buffer_bytes;
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
        }
    }
}

static void deliver(struct flue_tcp_conn *conn, const struct flue_span *span, bool psh, flue_ps now_ps)
{
    conn->rcv_nxt += span->length_bytes;
    conn->unread_bytes += span->length_bytes;
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
    conn->rcv_nxt++;
    conn->flags &= ~(uint32_t)TCP_FIN_HELD;
    conn->flags |= TCP_PEER_FIN | TCP_ACK_NOW;
    if (conn->state == FLUE_TCP_ESTABLISHED) {
        tcp_enter(conn, FLUE_TCP_CLOSE_WAIT, FLUE_TCP_BY_SEGMENT, now_ps);
    } else if (conn->state == FLUE_TCP_FIN_WAIT_1) {
        tcp_enter(conn, FLUE_TCP_CLOSING, FLUE_TCP_BY_SEGMENT, now_ps);
    } else {
        tcp_enter(conn, FLUE_TCP_TIME_WAIT, FLUE_TCP_BY_SEGMENT, now_ps);
    }
    tcp_event_plain(conn, FLUE_TCP_EV_PEER_FIN, now_ps);
}

void tcp_take_data(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh, bool fin,
                   flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    uint32_t length = span->length_bytes;

    if (fin && (conn->flags & TCP_FIN_HELD) == 0) {
        conn->flags |= TCP_FIN_HELD;
        conn->rcv_fin_seq = seq + length;
    }
    if (length > 0) {
        stack->totals.data_in++;
        if (seq == conn->rcv_nxt && conn->reassembly.head == NULL) {
            if (++conn->ack_segments >= stack->params.ack_every) {
                conn->flags |= TCP_ACK_NOW;
            } else if (!timer_fifo_armed(&conn->delayed_ack) && (conn->flags & TCP_ACK_DUE) == 0) {
                timer_fifo_arm(&stack->delayed_acks, &conn->delayed_ack, now_ps + stack->params.delayed_ack_ps);
            }
            deliver(conn, span, psh, now_ps);
        } else {
            struct flue_span part;
            bool part_psh;

            /* RFC 5681 4.2: at once, whether it opens a gap or fills one. */
            conn->flags |= TCP_ACK_NOW;
            reassembly_insert(&conn->reassembly, &stack->pieces, conn->rcv_nxt, seq, span, psh);
            while (reassembly_take(&conn->reassembly, &stack->pieces, conn->rcv_nxt, &part, &part_psh)) {
                deliver(conn, &part, part_psh, now_ps);
            }
        }
    }
    if ((conn->flags & TCP_FIN_HELD) != 0) {
        if (conn->rcv_nxt == conn->rcv_fin_seq) {
            peer_fin(conn, now_ps);
        } else {
            conn->flags |= TCP_ACK_NOW;
        }
    }
}
