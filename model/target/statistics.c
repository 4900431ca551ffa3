/* SPDX-License-Identifier: GPL-2.0-only */
/* target/statistics.c - datagrams and segments of offloaded connections (CH-313 to CH-323; behaviour 16).  What takes
 * the ordinary path is the host's to count.  Counters wrap. */

#include "frame/frame.h"
#include "target/target.h"

static void settle(struct target_statistics *statistics)
{
    statistics->ip.InReceives += statistics->in;
    statistics->ip.InOctets += statistics->in_bytes;
    statistics->ip.InDelivers += statistics->in;
    statistics->tcp.InSegments += statistics->in;
    statistics->ip.OutRequests += statistics->out;
    statistics->ip.OutOctets += statistics->out_bytes;
    statistics->tcp.OutSegments += statistics->out;
    statistics->in = statistics->in_bytes = statistics->out = statistics->out_bytes = 0;
}

void statistics_settle(struct flue_target *target)
{
    settle(&target->statistics[0]);
    settle(&target->statistics[1]);
}

void statistics_in_lost(struct flue_target *target, const struct flue_frame *frame)
{
    struct target_statistics *statistics = statistics_of(target, frame);

    statistics->ip.InReceives++;
    statistics->ip.InOctets += frame_ip_bytes(frame);
    statistics->ip.InDiscards++;
}

/* A repetition, which is no new segment, or a reset. */
void statistics_out_rare(struct flue_target *target, const struct flue_frame *frame, int again)
{
    struct target_statistics *statistics = statistics_of(target, frame);

    statistics->tcp.OutSegments -= again == FLUE_TCP_AGAIN;
    statistics->tcp.RetransmittedSegments += again != 0;
    statistics->tcp.OutResets += (frame->flags & FLUE_TCP_RST) != 0;
}

void statistics_out_lost(struct flue_target *target, const struct flue_frame *frame)
{
    statistics_of(target, frame)->ip.OutDiscards++;
}

static bool established(enum flue_tcp_state_id state)
{
    return state == FLUE_TCP_ESTABLISHED || state == FLUE_TCP_CLOSE_WAIT;
}

void statistics_reset(struct flue_target *target, const struct flue_tcp_conn *conn)
{
    struct flue_tcp_info info;

    flue_tcp_info(conn, &info);
    if (established(info.state)) {
        target->statistics[flue_ip_is_v4(&info.tuple.local_ip) == 0].tcp.ResetEstablished++;
    }
}

/* Connections in ESTABLISHED or CLOSE-WAIT now: nothing counts them on the way. */
static ULONG count_established(const struct flue_target *target, bool v6)
{
    ULONG count = 0;

    for (const struct flue_hook *n = target->all.next; n != &target->all; n = n->next) {
        const struct target_neighbour *neighbour = FLUE_CONTAINER_OF(n, struct target_neighbour, sibling);

        for (const struct flue_hook *p = neighbour->paths.next; p != &neighbour->paths; p = p->next) {
            const struct target_path *path = FLUE_CONTAINER_OF(p, struct target_path, sibling);

            for (const struct flue_hook *c = path->conns.next; c != &path->conns; c = c->next) {
                const struct target_context *context = FLUE_CONTAINER_OF(c, struct target_context, sibling);
                struct flue_tcp_info info;

                if (path->v6 != v6 || context->conn == NULL || !context_accepts(context)) {
                    continue;
                }
                flue_tcp_info(context->conn, &info);
                count += established(info.state);
            }
        }
    }
    return count;
}

TCP_OFFLOAD_STATS statistics_tcp(const struct flue_target *target, unsigned v6)
{
    TCP_OFFLOAD_STATS tcp = target->statistics[v6].tcp;

    tcp.CurrentlyEstablished = count_established(target, v6 != 0);
    return tcp;
}

/* ---- Corrupt headers ---- */

/* Whether the target may keep such a frame: else it must go up. */
static bool may_drop(const struct flue_target *target, enum flue_target_bad bad, bool v6)
{
    if (target->params.count_bad == 0 || target->disabled[v6] || (v6 && target->params.ipv6 == 0)) {
        return false;
    }
    return bad == FLUE_BAD_TCP_HEADER ? target->totals.paths > 0 : target->totals.neighbours > 0;
}

void flue_target_receive_bad(struct flue_target *target, enum flue_target_bad bad, const struct flue_frame *frame,
                             flue_ps now_ps)
{
    struct target_statistics *statistics = statistics_of(target, frame);

    target->totals.frames_in++;
    if (!may_drop(target, bad, frame->ethertype == FLUE_ETHERTYPE_IPV6)) {
        adapter_receive(target, frame, now_ps);
        return;
    }
    statistics->ip.InReceives++;
    statistics->ip.InOctets += frame_ip_bytes(frame);
    switch (bad) {
    case FLUE_BAD_IP_HEADER:
        statistics->ip.InHeaderErrors++;
        break;
    case FLUE_BAD_IP_TRUNCATED:
        statistics->ip.InTruncatedPackets++;
        break;
    case FLUE_BAD_TCP_HEADER:
        statistics->ip.InDelivers++;
        statistics->tcp.InSegments++;
        statistics->tcp.InErrors++;
        break;
    }
}
