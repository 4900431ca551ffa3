/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_closing.c - connections that end, and timers that run out: FINs, their acknowledgements and the silence
 * behind them are on the wire; what must follow crosses the interface.  Looked at when a connection is terminated, and
 * at the end of the run, except where something comes that is too early or too late. */

#include "ndis/check_core.h"

#define EVENT_PS FLUE_PS_PER_S        /* an event waits for a moderated interrupt, and for a busy processor */
#define PUSH_PS  (64 * FLUE_PS_PER_S) /* longer than any push timer that is set */

/* Whether the peer has acknowledged the FIN that the party below sent. */
static bool fin_is_acknowledged(const struct check_conn *conn)
{
    return conn->line.fin_left && conn->line.acked == conn->line.data_end + 1;
}

static bool is_over(const struct check_conn *conn)
{
    return conn->retrieve_reason != 0 || conn->abort_indicated || conn->abortive_asked || conn->hardware_failed ||
           conn->flow.hardware || conn->line.rst_came || conn->line.rst_left;
}

/* CH-143: both FINs are acknowledged, the own one was first: that is TIME-WAIT, and the wire is silent. */
static void judge_time_wait(struct check *check, const struct check_conn *conn, const struct check_at *at,
                            flue_ps now_ps)
{
    const struct check_line *line = &conn->line;

    if (line->fin_first && line->fin_came && fin_is_acknowledged(conn) &&
        !check_before(line->ack_high, line->fin_high + 1) && now_ps - line->last_ps > EVENT_PS) {
        check_report(check, 143, FLUE_PARTY_TARGET, at,
                     "both FINs were acknowledged %u ms ago, and no Retrieve has asked for an upload",
                     (uint64_t)((now_ps - line->last_ps) / FLUE_PS_PER_MS), 0, 0);
    }
}

static bool is_fin_wait_2(const struct check_conn *conn)
{
    return conn->disconnected && conn->graceful_asked && fin_is_acknowledged(conn) && !conn->line.fin_came &&
           !conn->line.fin_before;
}

/* CH-298: silence for longer than FIN_WAIT_2 may last. */
static void judge_fin_wait_2(struct check *check, const struct check_conn *conn, const struct check_at *at,
                             flue_ps now_ps)
{
    const flue_ps limit_ps = (flue_ps)check->ddi.fin_wait2_s * FLUE_PS_PER_S;

    if (is_fin_wait_2(conn) && now_ps - conn->line.last_ps > limit_ps + EVENT_PS &&
        now_ps - conn->disconnected_ps > limit_ps + EVENT_PS) {
        check_report(check, 298, FLUE_PARTY_TARGET, at,
                     "FIN_WAIT_2 has lasted %u s without Retrieve(TimeoutExpiration)",
                     (uint64_t)((now_ps - conn->line.last_ps) / FLUE_PS_PER_S), 0, 0);
    }
}

void check_closing_expired(struct check *check, const struct check_conn *conn)
{
    const struct check_at at = {.binding = conn->binding, .object = conn->object};
    const flue_ps waited_ps = check->env->now(check->env->ctx) - conn->disconnected_ps;
    const flue_ps limit_ps = (flue_ps)check->ddi.fin_wait2_s * FLUE_PS_PER_S;

    /* Keepalive may end it earlier. */
    if (check->frames && check_below(conn->object->adapter) == FLUE_PARTY_TARGET && !is_over(conn) &&
        is_fin_wait_2(conn) && !(conn->cached.Flags & TCP_FLAG_KEEP_ALIVE_ENABLED) && waited_ps < limit_ps - EVENT_PS) {
        check_report(check, 298, FLUE_PARTY_TARGET, &at, "FIN_WAIT_2 expires after %u s, not %u",
                     (uint64_t)(waited_ps / FLUE_PS_PER_S), check->ddi.fin_wait2_s, 0);
    }
}

/* CH-187: data that was acknowledged waits for a receive that would take it. */
static void judge_push(struct check *check, const struct check_conn *conn, const struct check_at *at, flue_ps now_ps)
{
    const struct check_line *line = &conn->line;
    const uint32_t next = conn->flow.rcv_start + (uint32_t)conn->delivered_bytes;
    const uint32_t end = line->fin_came && check_before(line->fin_seq, line->ack_high) ? line->fin_seq : line->ack_high;
    const struct flue_hook *hook = list_first(&conn->receives);
    const struct check_nbl *posted = hook == NULL ? NULL : FLUE_CONTAINER_OF(hook, const struct check_nbl, hook);

    if (posted == NULL || posted->bytes == 0 || (posted->flags & 1u) != 0 || !check_before(next, end) ||
        conn->disconnect_indicated) {
        return;
    }
    if (now_ps - posted->at_ps > PUSH_PS && now_ps - line->last_ps > PUSH_PS) {
        check_report(check, 187, FLUE_PARTY_TARGET, at,
                     "a receive waits in push mode, though %u bytes were acknowledged for it %u s ago", end - next,
                     (uint64_t)((now_ps - line->last_ps) / FLUE_PS_PER_S), 0);
    }
}

void check_closing(struct check *check, const struct check_conn *conn, flue_ps now_ps)
{
    const struct check_at at = {.binding = conn->binding, .object = conn->object};

    if (!check->frames || !conn->line.taken || is_over(conn) ||
        check_below(conn->object->adapter) != FLUE_PARTY_TARGET) {
        return;
    }
    judge_time_wait(check, conn, &at, now_ps);
    judge_fin_wait_2(check, conn, &at, now_ps);
    judge_push(check, conn, &at, now_ps);
}

/* ---- The RST of an abortive disconnect ---- */

void check_closing_abort(struct check *check, struct check_conn *conn)
{
    const struct check_nbl *shown =
        conn->shown == NULL ? NULL : check_nbl_find(check, conn->shown, conn->object->adapter);

    conn->abort_ps = check->env->now(check->env->ctx);
    conn->abort_open = conn->in_indicate > 0 || (shown != NULL && shown->origin == CHECK_INDICATED);
}

bool check_closing_waits(const struct check *check, const struct check_conn *conn)
{
    return conn->abort_open && check->env->now(check->env->ctx) - conn->abort_ps > EVENT_PS;
}
