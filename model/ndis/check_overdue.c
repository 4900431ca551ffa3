/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_overdue.c - what should have happened by now: looked at when a connection is terminated, and at the end of
 * the run. */

#include "ndis/check_core.h"

/* A send is attempted within the longest persist wait (D-57), an event comes with the next moderated interrupt. */
#define ATTEMPT_PS (64 * FLUE_PS_PER_S)
#define EVENT_PS   (10 * FLUE_PS_PER_MS)
#define OWED_PS    (10 * FLUE_PS_PER_S) /* of a cut run, without an upload deadline */

/* CH-258, D-33. */
static void judge_deadline(struct check *check, const struct check_object *object, flue_ps now_ps)
{
    const struct check_conn *conn = object->conn;
    const struct check_at at = {.binding = object->binding, .object = object};
    flue_ps limit_ps = (flue_ps)check->ddi.upload_deadline_ms * FLUE_PS_PER_MS;
    flue_ps waited_ps = now_ps - conn->retrieve_ps;

    if (conn->retrieve_reason != 0 && limit_ps > 0 && waited_ps > limit_ps) {
        check_report(check, 258, check_above(object->binding), &at,
                     "it was not terminated for %u ms after a mandatory reason (%u)",
                     (uint64_t)(waited_ps / FLUE_PS_PER_MS), conn->retrieve_reason, 0);
    }
}

/* Since when the object or something it depends on is invalid; FLUE_PS_NEVER: all are valid. */
static flue_ps invalid_since(const struct check_object *object)
{
    flue_ps since_ps = FLUE_PS_NEVER;

    for (; object != NULL; object = object->parent) {
        if (object->invalid && object->invalid_ps < since_ps) {
            since_ps = object->invalid_ps;
        }
    }
    return since_ps;
}

/* CH-108: data waits on an invalid connection, and nobody has heard of it. */
static void judge_invalid(struct check *check, const struct check_object *object, flue_ps now_ps)
{
    const struct check_conn *conn = object->conn;
    const struct check_at at = {.binding = object->binding, .object = object};
    const struct flue_hook *newest = list_last(&conn->sends);
    flue_ps since_ps = invalid_since(object);

    if (since_ps == FLUE_PS_NEVER || newest == NULL || conn->retrieve_reason != 0 || conn->abort_indicated) {
        return;
    }
    if (FLUE_CONTAINER_OF(newest, const struct check_nbl, hook)->at_ps > since_ps) {
        since_ps = FLUE_CONTAINER_OF(newest, const struct check_nbl, hook)->at_ps;
    }
    if (now_ps - since_ps > ATTEMPT_PS) {
        check_report(check, 108, check_below(object->adapter), &at,
                     "a send waits for %u s on an invalid object without Retrieve(InvalidState)",
                     (uint64_t)((now_ps - since_ps) / FLUE_PS_PER_S), 0, 0);
    }
}

unsigned check_lost_rule(const struct check_conn *conn, unsigned other)
{
    if (conn->object->invalid) {
        return 105;
    }
    if (conn->disconnect_indicated || conn->abort_indicated) {
        return 251;
    }
    return conn->disconnected ? 238 : other;
}

/* CH-144: a state operation failed on a connection; Retrieve(HardwareFailure), then the abort, follow it. */
static void judge_broken(struct check *check, const struct check_object *object, flue_ps now_ps)
{
    const struct check_conn *conn = object->conn;
    const struct check_at at = {.binding = object->binding, .object = object};

    if (!conn->hardware_failed) {
        return;
    }
    if (conn->abort_indicated && !conn->flow.hardware && !conn->line.rst_came) {
        check_report(check, 144, check_below(object->adapter), &at,
                     "the abort was indicated without Retrieve(HardwareFailure) before it", 0, 0, 0);
    } else if (now_ps - conn->failed_ps > EVENT_PS && !(conn->flow.hardware && conn->abort_indicated)) {
        check_report(check, check_lost_rule(conn, 144), check_below(object->adapter), &at,
                     "an operation failed, but Retrieve(HardwareFailure) and the abort did not follow", 0, 0, 0);
    }
}

void check_overdue(struct check *check, const struct check_object *object)
{
    flue_ps now_ps = check->env->now(check->env->ctx);

    if (object->conn != NULL && object->state != CHECK_TERMINATING) {
        judge_deadline(check, object, now_ps);
        judge_invalid(check, object, now_ps);
        judge_broken(check, object, now_ps);
        check_closing(check, object->conn, now_ps);
    }
}

/* ---- Runs that are cut ---- */

/* A driver owes what it has back from below; what is lent further down is owed there. */
static bool is_lowest(const struct check *check, const void *thing, const struct ndis_adapter *adapter)
{
    return check_below(adapter) == FLUE_PARTY_TARGET || check_im_keeps(check, thing, adapter);
}

static bool lent_since(const struct check *check, const struct flue_hook *list, flue_ps before_ps)
{
    const struct flue_hook *hook = list_first(list);
    const struct check_nbl *nbl = hook == NULL ? NULL : FLUE_CONTAINER_OF(hook, const struct check_nbl, hook);

    return nbl != NULL && nbl->at_ps < before_ps && is_lowest(check, nbl->nbl, nbl->adapter);
}

/* A send may wait for the peer, and a receive for data: only what the wire shows to be done is owed, and only if it has
 * been silent for as long. */
static void judge_lists(struct check *check, const struct check_object *object, flue_ps before_ps)
{
    const struct check_conn *conn = object->conn;
    const struct check_line *line = &conn->line;
    const enum flue_party below = check_below(object->adapter);
    const struct check_at at = {.binding = object->binding, .object = object};

    if (!check->frames || !conn->flow.taken || line->since_ps >= before_ps || line->last_ps >= before_ps) {
        return;
    }
    if (lent_since(check, &conn->sends, before_ps) && !check_before(line->acked, line->data_end)) {
        const struct check_nbl *kept = FLUE_CONTAINER_OF(list_first(&conn->sends), struct check_nbl, hook);

        check_report(check, kept->origin == CHECK_INHERITED ? 73 : 157, below, &at,
                     "a send was never completed, and the peer has acknowledged up to %u", line->acked, 0, 0);
    }
    if (lent_since(check, &conn->receives, before_ps) &&
        check_before(conn->flow.rcv_start + (uint32_t)conn->delivered_bytes,
                     line->fin_came ? line->fin_seq : line->ack_high) &&
        check_before(conn->flow.rcv_start + (uint32_t)conn->delivered_bytes, line->ack_high)) {
        check_report(check, 182, below, &at, "a posted receive was never completed, and %u is acknowledged",
                     line->ack_high, 0, 0);
    }
    if (lent_since(check, &conn->forwards, before_ps)) {
        check_report(check, 240, below, &at, "a forwarded segment was never completed", 0, 0, 0);
    }
}

void flue_ndis_check_cut(struct flue_ndis *ndis)
{
    struct check *check = check_enter(ndis);
    flue_ps limit_ps, before_ps;

    if (check == NULL) {
        return;
    }
    limit_ps = (flue_ps)check->ddi.upload_deadline_ms * FLUE_PS_PER_MS;
    before_ps = check->env->now(check->env->ctx) - (limit_ps > 0 ? limit_ps : OWED_PS);
    FLUE_LIST_EACH(hook, &check->trees)
    {
        const struct check_tree *tree = FLUE_CONTAINER_OF(hook, struct check_tree, hook);

        if (tree->at_ps >= before_ps || check_im_ignores(check, tree)) {
            continue;
        }
        if (is_lowest(check, tree->root, tree->adapter)) {
            check_tree_owed(check, tree);
            check_refused(check);
        }
    }
    FLUE_LIST_EACH(hook, &check->objects)
    {
        const struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);

        if (object->conn != NULL && object->state != CHECK_TERMINATING) {
            check->crossing++;
            judge_lists(check, object, before_ps);
        }
    }
}
