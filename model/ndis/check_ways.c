/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_ways.c - which way a frame took that came in: the wire shows that the adapter has it, the ordinary path
 * shows that the host got it.
 *
 * Some frames the adapter owes the host: those that are no plain TCP segment (CH-286), those of a connection that is
 * closed (CH-282), that is being terminated (CH-135) or was (CH-139).  Such a frame is noted when it comes, and crossed
 * out when the ordinary path brings it.  An adapter drops frames when it is flooded, and then nothing is said: what is
 * noted is little, and is forgotten as soon as it becomes much.  In the other direction, segments of a connection that
 * the adapter has, and has not parted with, never come up (CH-112).
 *
 * All of this is judged where the frames are: of the lowest adapter. */

#include "ndis/check_core.h"

#include "flue/wire.h"

#define BOUND_PS      FLUE_PS_PER_S         /* a frame waits for a moderated interrupt, and for a busy processor */
#define END_BOUND_PS  (10 * FLUE_PS_PER_MS) /* when everything is over, nothing is busy any more */
#define FORMER_PS     (60 * FLUE_PS_PER_S)  /* for so long after the end a connection's frames are looked at, */
#define FORMER_MAX    256u                  /* of so many connections, */
#define FORMER_SHOWN  16u                   /* and so many of each */
#define FLOOD         1024u                 /* frames that wait in an adapter: it may drop some */
#define STRAYS        3u
#define WITNESS_PS    (10 * FLUE_PS_PER_MS)
#define IN_SUCCESSION 3u

struct check_former {
    struct flue_hook hook; /* in ways->formers, the oldest first */
    const struct ndis_adapter *adapter;
    struct flue_tcp_tuple tuple;
    uint32_t conn; /* identity in traces */
    uint32_t shown;
    flue_ps since_ps;
};

void check_ways_init(struct check *check)
{
    list_init(&check->ways.formers);
    pool_init(&check->ways.former_pool, check->env, sizeof(struct check_former));
}

/* ---- Frames as they are told apart ---- */

static bool is_plain(const struct flue_frame *frame)
{
    return frame->kind == FLUE_FRAME_TCP && (frame->ip & FLUE_IP_OPTIONS) == 0;
}

static uint64_t mark_of(const struct flue_frame *frame)
{
    uint64_t mark = hash_mix((uint64_t)frame->seq << 32 | frame->ack);

    mark = hash_mix(mark ^ ((uint64_t)frame->src_port << 48 | (uint64_t)frame->dst_port << 32 |
                            (uint64_t)frame->ip_id << 16 | (uint64_t)frame->flags << 8 | frame->kind));
    mark = hash_mix(mark ^ ((uint64_t)frame->ts_val << 32 | frame->payload.length_bytes));
    return hash_mix(mark ^ ((uint64_t)frame->src_ip.word[3] << 32 | frame->fragment));
}

/* It bears an address and a VLAN id that the adapter lets in: those of what the ordinary path has brought. */
static bool is_let_in(const struct check_adapter *adapter, const struct flue_frame *frame)
{
    return adapter->way.known && (frame->vlan & 0x0fffu) == adapter->way.vlan &&
           ((frame->dst_mac[0] & 1u) != 0 || check_mac(frame->dst_mac) == adapter->way.mac);
}

/* ---- Frames that are owed ---- */

static void forget(struct check_ways *ways, struct check_owed *owed)
{
    owed->adapter = NULL;
    ways->owed_count--;
}

static void forget_all(struct check_ways *ways)
{
    for (unsigned i = 0; i < CHECK_OWED; i++) {
        ways->owed[i].adapter = NULL;
    }
    ways->owed_count = 0;
}

void check_ways_excuse(struct check *check, const struct ndis_adapter *adapter)
{
    for (unsigned i = 0; check->ways.owed_count > 0 && i < CHECK_OWED; i++) {
        if (check->ways.owed[i].adapter == adapter) {
            forget(&check->ways, &check->ways.owed[i]);
        }
    }
}

/* Without memory, or in a reset, an adapter drops what it has, too.  So one that came soon after it must have come up,
 * and that must be so for several in succession, which are counted here. */
static bool miss(struct check *check, const struct check_owed *owed)
{
    struct check_adapter *adapter = check_adapter_of(check, (struct ndis_adapter *)(uintptr_t)owed->adapter);

    return owed->witnessed && adapter != NULL && ++adapter->way.missed[owed->kind] >= IN_SUCCESSION;
}

static void report(struct check *check, const struct check_owed *owed)
{
    const flue_ps waited_ps = check->env->now(check->env->ctx) - owed->at_ps;
    const struct check_at at = {.adapter = owed->adapter,
                                .conn = owed->conn,
                                .has_conn = owed->conn != FLUE_NO_CONN,
                                .thing = owed->adapter,
                                .kind = "adapter"};

    switch ((enum check_owed_kind)owed->kind) {
    case CHECK_OWED_FOREIGN:
        check_report(check, 286, FLUE_PARTY_TARGET, &at,
                     "a frame that is no plain segment came %u ms ago, and did not come up the ordinary path",
                     (uint64_t)(waited_ps / FLUE_PS_PER_MS), 0, 0);
        break;
    case CHECK_OWED_TERMINATING:
        check_report(check, 135, FLUE_PARTY_TARGET, &at,
                     "a segment at %u came after its terminate was called, and did not come up the ordinary path",
                     owed->seq, 0, 0);
        break;
    case CHECK_OWED_FORMER:
        check_report(check, 139, FLUE_PARTY_TARGET, &at,
                     "a segment at %u came when it had been given back, and did not come up the ordinary path",
                     owed->seq, 0, 0);
        break;
    case CHECK_OWED_CLOSED:
        check_report(check, 282, FLUE_PARTY_TARGET, &at,
                     "data at %u came when it was closed, and did not come up the ordinary path", owed->seq, 0, 0);
        break;
    case CHECK_OWED_WITNESS:
    case CHECK_OWED_KINDS:
        break;
    }
}

/* Forgets what came before a moment and may be judged, and reports what is missed of it. */
static void judge(struct check *check, flue_ps before_ps)
{
    struct check_ways *ways = &check->ways;

    for (unsigned i = 0; ways->owed_count > 0 && i < CHECK_OWED; i++) {
        struct check_owed *owed = &ways->owed[i];

        if (owed->adapter == NULL || owed->at_ps >= before_ps || owed->handle != NULL) {
            continue;
        }
        if (miss(check, owed)) {
            check->crossing++;
            report(check, owed);
        }
        forget(ways, owed);
    }
}

static void owe(struct check *check, const struct check_adapter *adapter, enum check_owed_kind kind,
                const struct flue_frame *frame, uint32_t conn, const void *handle)
{
    struct check_ways *ways = &check->ways;
    const flue_ps now_ps = check->env->now(check->env->ctx);

    judge(check, now_ps - BOUND_PS);
    if (!is_let_in(adapter, frame) || adapter->halted || adapter->powered_down || adapter->way.waiting > FLOOD ||
        list_empty(&adapter->adapter->bindings)) {
        return;
    }
    if (ways->owed_count == CHECK_OWED) {
        forget_all(ways); /* a flood */
    }
    for (unsigned i = 0; i < CHECK_OWED; i++) {
        if (ways->owed[i].adapter == NULL) {
            ways->owed[i] = (struct check_owed){.adapter = adapter->adapter,
                                                .handle = handle,
                                                .mark = mark_of(frame),
                                                .at_ps = now_ps,
                                                .conn = conn,
                                                .seq = frame->seq,
                                                .end = frame->seq + frame->payload.length_bytes,
                                                .kind = (uint8_t)kind};
            ways->owed_count++;
            return;
        }
    }
}

/* One that the host will get for certain, if the adapter brings anything. */
static void witness(struct check *check, const struct check_adapter *adapter, const struct flue_frame *frame)
{
    const flue_ps now_ps = check->env->now(check->env->ctx);
    bool helps = false;

    for (unsigned i = 0; check->ways.owed_count > 0 && i < CHECK_OWED; i++) {
        const struct check_owed *owed = &check->ways.owed[i];

        helps |= owed->adapter == adapter->adapter && owed->kind != CHECK_OWED_WITNESS && !owed->witnessed &&
                 now_ps - owed->at_ps <= WITNESS_PS;
    }
    if (helps) {
        owe(check, adapter, CHECK_OWED_WITNESS, frame, FLUE_NO_CONN, NULL);
    }
}

/* ---- Connections that were given back ---- */

static struct check_former *former_of(const struct check_ways *ways, const struct ndis_adapter *adapter,
                                      const struct flue_tcp_tuple *tuple)
{
    FLUE_LIST_EACH(hook, &ways->formers)
    {
        struct check_former *former = FLUE_CONTAINER_OF(hook, struct check_former, hook);

        if (former->adapter == adapter && flue_tcp_tuple_equal(&former->tuple, tuple)) {
            return former;
        }
    }
    return NULL;
}

static void drop(struct check *check, struct check_former *former)
{
    list_remove(&former->hook);
    check->ways.former_count--;
    pool_put(&check->ways.former_pool, former);
}

void check_ways_ended(struct check *check, const struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    struct check_ways *ways = &check->ways;
    const struct check_line *line = &conn->line;
    struct check_former *former;

    /* What was processed before the block was reached is in the state; of what came behind a gap, or did not fit, the
     * adapter may have disposed as TCP does. */
    for (unsigned i = 0; ways->owed_count > 0 && i < CHECK_OWED; i++) {
        struct check_owed *owed = &ways->owed[i];

        if (owed->adapter != NULL && owed->handle == conn->object->handle) {
            owed->handle = NULL;
            if (state == NULL || conn->flow.hardware || conn->hardware_failed || owed->seq != state->RcvNxt ||
                !line->has_edge || check_before(line->right_edge, owed->end)) {
                forget(ways, owed);
            }
        }
    }
    if (!check->frames || !conn->has_tuple || state == NULL ||
        check_below(conn->binding->adapter) != FLUE_PARTY_TARGET) {
        return;
    }
    if (ways->former_count == FORMER_MAX) {
        drop(check, FLUE_CONTAINER_OF(list_first(&ways->formers), struct check_former, hook));
    }
    former = (struct check_former *)pool_get(&ways->former_pool);
    if (former == NULL) {
        return;
    }
    *former = (struct check_former){.adapter = conn->binding->adapter,
                                    .tuple = conn->tuple,
                                    .conn = conn->constant.HashValue,
                                    .since_ps = check->env->now(check->env->ctx)};
    list_push_back(&ways->formers, &former->hook);
    ways->former_count++;
}

void check_ways_begun(struct check *check, const struct check_conn *conn)
{
    struct check_former *former =
        check->ways.former_count == 0 ? NULL : former_of(&check->ways, conn->binding->adapter, &conn->tuple);

    if (former != NULL) {
        drop(check, former);
    }
}

/* ---- Frames that come ---- */

void check_ways_came(struct check *check, struct ndis_adapter *on, struct check_conn *conn,
                     const struct flue_tcp_tuple *tuple, const struct flue_frame *frame)
{
    struct check_ways *ways = &check->ways;
    struct check_adapter *adapter = check_adapter_of(check, on);
    struct check_former *former;

    if (adapter == NULL || check_below(on) != FLUE_PARTY_TARGET) {
        return;
    }
    if (conn != NULL) {
        const bool data =
            frame->payload.length_bytes > 0 && (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_RST | FLUE_TCP_URG)) == 0;

        if (data && conn->object->state == CHECK_TERMINATING && conn->retrieve_reason == 0 && !conn->closed) {
            owe(check, adapter, CHECK_OWED_TERMINATING, frame, conn->constant.HashValue, conn->object->handle);
        } else if (data && conn->closed && conn->retrieve_reason == 0) {
            owe(check, adapter, CHECK_OWED_CLOSED, frame, conn->constant.HashValue, NULL);
        }
        return;
    }
    adapter->way.waiting++;
    former = ways->former_count == 0 ? NULL : former_of(ways, on, tuple);
    if (former == NULL) {
        witness(check, adapter, frame);
        return;
    }
    owe(check, adapter, CHECK_OWED_FORMER, frame, former->conn, NULL);
    former->shown++;
    if (former->shown == FORMER_SHOWN || check->env->now(check->env->ctx) - former->since_ps > FORMER_PS) {
        drop(check, former);
    }
}

void check_ways_foreign(struct check *check, struct ndis_adapter *on, const struct flue_frame *frame)
{
    struct check_adapter *adapter = check_adapter_of(check, on);

    if (adapter == NULL || check_below(on) != FLUE_PARTY_TARGET) {
        return;
    }
    adapter->way.waiting++;
    if (adapter->tcp_live > 0) {
        owe(check, adapter, CHECK_OWED_FOREIGN, frame, FLUE_NO_CONN, NULL);
    }
}

/* ---- Frames that the ordinary path brings ---- */

static void testify(struct check_ways *ways, const struct check_owed *came)
{
    for (unsigned i = 0; i < CHECK_OWED; i++) {
        struct check_owed *owed = &ways->owed[i];

        owed->witnessed |=
            owed->adapter == came->adapter && owed->at_ps <= came->at_ps && came->at_ps - owed->at_ps <= WITNESS_PS;
    }
}

static void cross_out(struct check_ways *ways, struct check_adapter *known, const struct flue_frame *frame)
{
    const struct ndis_adapter *adapter = known->adapter;
    const uint64_t mark = mark_of(frame);

    for (unsigned i = 0; i < CHECK_OWED; i++) {
        if (ways->owed[i].adapter == adapter && ways->owed[i].mark == mark) {
            known->way.missed[ways->owed[i].kind] = 0;
            testify(ways, &ways->owed[i]);
            forget(ways, &ways->owed[i]);
            return;
        }
    }
}

/* The target has it, and nothing was told that would end it. */
static bool is_held(const struct check_conn *conn, flue_ps now_ps)
{
    const struct check_line *line = &conn->line;

    return line->taken && conn->object->state != CHECK_TERMINATING && conn->retrieve_reason == 0 &&
           !conn->abort_indicated && !conn->abortive_asked && !conn->hardware_failed && !conn->flow.hardware &&
           !line->rst_came && !line->rst_left &&
           !((line->fin_came || line->fin_before) && (line->fin_left || conn->graceful_asked)) &&
           now_ps - line->since_ps > BOUND_PS;
}

static void judge_stray(struct check *check, const struct check_adapter *adapter, const struct flue_frame *frame)
{
    const struct flue_tcp_tuple tuple = {.local_ip = frame->dst_ip,
                                         .remote_ip = frame->src_ip,
                                         .local_port = frame->dst_port,
                                         .remote_port = frame->src_port};
    struct check_conn *conn = check_conn_of_tuple(check, adapter->adapter, &tuple);

    if (conn == NULL || frame->payload.length_bytes == 0 ||
        (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_RST | FLUE_TCP_URG)) != 0 ||
        !is_held(conn, check->env->now(check->env->ctx))) {
        return;
    }
    if (++conn->strays == STRAYS) {
        const struct check_at at = {.binding = conn->binding, .object = conn->object};

        check_report(check, 112, FLUE_PARTY_TARGET, &at,
                     "segments of it come up the ordinary path, the last at %u, and it was not asked to end it",
                     frame->seq, 0, 0);
    }
}

void check_ways_up(struct check *check, struct ndis_adapter *on, PNET_BUFFER_LIST first)
{
    struct check_adapter *adapter = check_adapter_of(check, on);
    const struct flue_frame *frame = NULL;
    uint32_t count = 0;

    if (adapter == NULL) {
        return;
    }
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next, count++) {
        frame = ndis_nbl_frame(nbl);
        if (check->ways.owed_count > 0) {
            cross_out(&check->ways, adapter, frame);
        }
        if (adapter->tcp_live > 0 && is_plain(frame)) {
            judge_stray(check, adapter, frame);
        }
    }
    adapter->way.waiting -= count < adapter->way.waiting ? count : adapter->way.waiting;
    if (frame != NULL && (!adapter->way.known || (frame->dst_mac[0] & 1u) == 0)) {
        adapter->way.known = true;
        adapter->way.vlan = frame->vlan & 0x0fffu;
        adapter->way.mac = check_mac(frame->dst_mac);
    }
    if (check->ways.owed_count > 0) {
        judge(check, check->env->now(check->env->ctx) - BOUND_PS);
    }
}

void check_ways_end(struct check *check)
{
    judge(check, check->env->now(check->env->ctx) - END_BOUND_PS);
}
