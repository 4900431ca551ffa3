/* SPDX-License-Identifier: GPL-2.0-only */
/* target/segment.c - SYN, RST and URG, whose treatment the interface prescribes beyond TCP (CH-283 to CH-285; behaviour
 * 15.4 to 15.6).  The tables:
 *
 *            = RCV.NXT               in the window, not RCV.NXT             outside
 *     SYN    Closed, then Retrieve   a challenge, at most one in 3 s        an ACK
 *     RST    as TCP says: aborted    one challenge until the peer shows     dropped
 *                                    itself, and a keep-alive within 5 min
 *     URG    Retrieve; it and all that follows is the host's, unacknowledged */

#include "target/target.h"

#define SYN_CHALLENGE_PS (3 * FLUE_PS_PER_S)

static bool in_window(const struct flue_frame *frame, const struct flue_tcp_info *info)
{
    return frame->seq - info->rcv_nxt < info->rcv_wnd;
}

/* One challenge in 3 s; without memory to remember it, none. */
static bool may_challenge_syn(struct flue_target *target, struct target_context *context)
{
    struct target_extra *posts = post_make(target, context);
    const flue_ps now_ps = target->engine.clock_ps;

    if (posts == NULL || (posts->challenged_ps != FLUE_PS_NEVER && now_ps - posts->challenged_ps < SYN_CHALLENGE_PS)) {
        return false;
    }
    posts->challenged_ps = now_ps;
    return true;
}

static enum segment_fate look_at_syn(struct flue_target *target, struct target_context *context,
                                     const struct flue_frame *frame, const struct flue_tcp_info *info)
{
    if (frame->seq == info->rcv_nxt) {
        /* The peer has begun anew: the old connection is closed, and the SYN is for whoever listens (D-28). */
        event_freeze(target, context, UploadRequested, FLUE_TCP_CLOSED);
        return SEGMENT_FOR_HOST;
    }
    if (!in_window(frame, info) || may_challenge_syn(target, context)) {
        flue_tcp_challenge(context->conn, 0, target->engine.clock_ps);
    }
    return SEGMENT_DROPPED;
}

static enum segment_fate look_at_rst(struct flue_target *target, struct target_context *context,
                                     const struct flue_frame *frame, const struct flue_tcp_info *info)
{
    if (frame->seq == info->rcv_nxt) {
        statistics_reset(target, context->conn);
        return SEGMENT_FOR_TCP;
    }
    if (in_window(frame, info) && !flue_tcp_suspects(context->conn)) {
        flue_tcp_challenge(context->conn, 1, target->engine.clock_ps);
    }
    return SEGMENT_DROPPED;
}

/* Its number and its ACK are good, and what it says to be urgent has not been received before. */
static bool urgent_counts(const struct flue_frame *frame, const struct flue_tcp_info *info)
{
    const uint32_t up = frame->seq + frame->urgent;
    const uint32_t end = frame->seq + frame->payload.length_bytes;

    return (frame->flags & FLUE_TCP_ACK) != 0 && frame->ack - info->snd_una <= info->snd_max - info->snd_una &&
           (int32_t)(up - info->rcv_nxt) >= 0 &&
           (in_window(frame, info) || frame->seq == info->rcv_nxt || end - info->rcv_nxt - 1 < info->rcv_wnd);
}

enum segment_fate segment_judge(struct flue_target *target, struct target_context *context,
                                const struct flue_frame *frame)
{
    struct flue_tcp_info info;

    flue_tcp_info(context->conn, &info);
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        return look_at_rst(target, context, frame, &info);
    }
    if ((frame->flags & FLUE_TCP_SYN) != 0) {
        return look_at_syn(target, context, frame, &info);
    }
    if (!urgent_counts(frame, &info)) {
        return SEGMENT_FOR_TCP; /* which refuses it, or takes it as the ordinary data it is */
    }
    event_freeze(target, context, ReceivedUrgentData, info.state);
    return SEGMENT_HELD;
}
