/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers that run at the moment of a hand-over, in either direction (behaviour 15.10; CH-149, CH-293, CH-296 to CH-299,
 * CH-301): what of them travels, and the moment at which each expires afterwards. */
#include <string.h>

#include "rig.h"

#define MS     FLUE_PS_PER_MS
#define BEGIN  (5 * MS + 300 * RIG_US) /* of a hand-over: not on the grid of ticks, on which deadlines travel */
#define RTO    300u                    /* ms: SRTT 100 + 4 x RTTVAR 50 */
#define DUE    UINT32_MAX              /* of a timer: TimeoutDelta 0 */
#define ENDED  (-1)                    /* of what follows: Retrieve(TimeoutExpiration) */
#define CLOSED (-2)                    /* the same, from Closed (D-28) */

/* A state as it is handed down, and what follows.  Timers in ms: 0: it stands. */
struct row {
    const char *what;
    unsigned state;        /* 0: Established */
    uint32_t wnd;          /* 0: 65535 */
    uint32_t queued, out;  /* bytes to send; SndMax - SndUna */
    uint32_t rt, alive;    /* Retransmit and KeepAlive */
    unsigned count, asked; /* their counts */
    unsigned closed;       /* 1: the window is closed; 1 + SndWndProbeCount */
    uint32_t total_rt, max_rt;
    uint32_t first_ms, next_ms; /* when, and how much later; 0: never */
    int first, next;            /* a frame of so many bytes, or one of the two above */
};

static const struct row rows[] = {
    {.what = "nothing"},
    {.what = "retransmission",
     .queued = 1000,
     .out = 1000,
     .rt = 250,
     .first_ms = 250,
     .first = 1000,
     .next_ms = 2 * RTO,
     .next = 1000},
    {.what = "the second",
     .queued = 900,
     .out = 900,
     .rt = 250,
     .count = 1,
     .first_ms = 250,
     .first = 900,
     .next_ms = 4 * RTO,
     .next = 900},
    {.what = "overdue",
     .queued = 900,
     .out = 900,
     .rt = DUE,
     .count = 1,
     .first_ms = DUE,
     .first = 900,
     .next_ms = 4 * RTO,
     .next = 900},
    {.what = "too many", .queued = 900, .out = 900, .rt = 250, .count = 15, .first_ms = 250, .first = ENDED},
    {.what = "MaxRT is over",
     .state = TcpConnectionCloseWait,
     .queued = 900,
     .out = 900,
     .rt = 250,
     .count = 1,
     .total_rt = 700,
     .max_rt = 1000,
     .first_ms = 250,
     .first = ENDED},
    {.what = "MaxRT goes on",
     .queued = 900,
     .out = 900,
     .rt = 250,
     .count = 1,
     .total_rt = 700,
     .max_rt = 2000,
     .first_ms = 250,
     .first = 900,
     .next_ms = 2000 - 700 - 2 * RTO,
     .next = ENDED},
    {.what = "MaxRT without end",
     .queued = 900,
     .out = 900,
     .rt = 250,
     .count = 200,
     .total_rt = 700,
     .max_rt = FLUE_TICKS_NONE,
     .first_ms = 250,
     .first = 900,
     .next_ms = 60000,
     .next = 900},
    {.what = "FIN in flight", .state = TcpConnectionLastAck, .out = 1, .rt = 250, .first_ms = 250, .next_ms = 2 * RTO},
    {.what = "persist, the first of a round",
     .queued = 900,
     .closed = 2,
     .rt = 400,
     .first_ms = 400,
     .first = 1,
     .next_ms = RTO,
     .next = 1},
    {.what = "persist, the third",
     .state = TcpConnectionCloseWait,
     .queued = 900,
     .out = 1,
     .closed = 2,
     .rt = 400,
     .count = 2,
     .first_ms = 400,
     .first = 1,
     .next_ms = 4 * RTO,
     .next = 1},
    {.what = "persist, too many",
     .queued = 900,
     .out = 1,
     .closed = 1,
     .rt = 400,
     .count = 15,
     .first_ms = 400,
     .first = ENDED},
    {.what = "FIN-WAIT-2", .state = TcpConnectionFinWait2, .rt = 700, .first_ms = 700, .first = CLOSED},
    {.what = "FIN-WAIT-2 without limit", .state = TcpConnectionFinWait2},
    {.what = "FIN-WAIT-2 without limit, keep-alive",
     .state = TcpConnectionFinWait2,
     .alive = 600,
     .asked = 2,
     .first_ms = 600,
     .next_ms = 2000,
     .next = CLOSED},
    {.what = "keep-alive", .alive = 800, .first_ms = 800, .next_ms = 2000},
    {.what = "keep-alive, asked",
     .state = TcpConnectionCloseWait,
     .alive = 600,
     .asked = 2,
     .first_ms = 600,
     .next_ms = 2000,
     .next = CLOSED},
    {.what = "keep-alive, overdue", .alive = DUE, .asked = 1, .first_ms = DUE, .next_ms = 2000},
};

static uint32_t told(uint32_t ms)
{
    return ms == 0 ? FLUE_TICKS_NONE : ms == DUE ? 0 : ms;
}

static struct rig *hand_over(const struct row *row)
{
    struct rig *rig = rig_new();
    TCP_OFFLOAD_STATE_DELEGATED *state = &rig->conns[0].block.Delegated;
    TCP_OFFLOAD_STATE_CACHED *cached = &rig->conns[0].block.Cached;

    rig_build(rig);
    rig_run(rig, BEGIN);
    rig_tree(rig, 1);
    state->State = (TCP_OFFLOAD_CONNECTION_STATE)(row->state != 0 ? row->state : TcpConnectionEstablished);
    state->SndWnd = row->closed != 0 ? 0 : row->wnd != 0 ? row->wnd : 65535;
    state->MaxSndWnd = 65535;
    state->SndMax = state->SndUna + row->out;
    state->SndNxt = row->closed != 0 ? state->SndUna : state->SndMax;
    state->SRtt = 8 * 100;
    state->RttVar = 4 * 50;
    state->TotalRT = row->total_rt;
    state->SndWndProbeCount = (UCHAR)(row->closed != 0 ? row->closed - 1 : 0);
    state->Retransmit.Count = (UCHAR)row->count;
    state->Retransmit.TimeoutDelta = told(row->rt);
    state->KeepAlive.ProbeCount = (UCHAR)row->asked;
    state->KeepAlive.TimeoutDelta = told(row->alive);
    cached->Flags = row->alive != 0 ? TCP_FLAG_KEEP_ALIVE_ENABLED : 0;
    cached->KaTimeout = 100000;
    cached->KaInterval = 2000;
    cached->KaProbeCount = 3;
    cached->MaxRT = row->max_rt;
    if (row->queued > 0) {
        PNET_BUFFER_LIST chain = rig_nbl(rig, 0, 0, row->queued);

        rig->conns[0].block.Block.NetBufferListChain = chain;
        state->SendDataHead = state->SendDataTail = chain;
    }
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 2 * RIG_US);
    return rig;
}

/* The first frame or event after the `sent` and `events` that were there, within a time; what it is, and when. */
static int next_act(struct rig *rig, unsigned sent, unsigned events, flue_ps limit_ps, flue_ps *at_ps)
{
    const flue_ps until_ps = rig->env.now_ps + limit_ps;

    while (rig->sent == sent && rig_count(rig, RIG_EVENT) == events && rig->env.now_ps < until_ps) {
        rig_wait(rig, MS / 4);
    }
    if (rig_count(rig, RIG_EVENT) > events) {
        const struct rig_log *event = rig_find(rig, RIG_EVENT, events);

        *at_ps = event->at_ps;
        assert_int_equal(event->bytes, TcpIndicateRetrieve);
        assert_int_equal(event->extra, TimeoutExpiration);
        assert_int_equal(rig->sent, sent);
        return ENDED;
    }
    *at_ps = rig->sent > sent ? rig->out[sent].at_ps : FLUE_PS_NEVER;
    return rig->sent > sent ? (int)rig->out[sent].frame.payload.length_bytes : 0;
}

/* A deadline told in ticks lies on their grid.  What the host hears of it, it hears a little later. */
static void expect_act(const struct row *row, int wanted, flue_ps wanted_ps, int act, flue_ps at_ps)
{
    if (act != (wanted == CLOSED ? ENDED : wanted) || at_ps < wanted_ps || at_ps > wanted_ps + 10 * RIG_US) {
        fail_msg("%s: %d at %lld us, not %d at %lld us", row->what, act, (long long)(at_ps / RIG_US), wanted,
                 (long long)(wanted_ps / RIG_US));
    }
}

/* CH-297 among others: too many repetitions, MaxRT, and one without end. */
static void expires_when_it_was_going_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct rig *rig = hand_over(row);
        int last = row->next_ms != 0 ? row->next : row->first;
        flue_ps due_ps = BEGIN, at_ps = 0;
        int act;

        if (row->first_ms == 0) {
            assert_int_equal(next_act(rig, 0, 0, 1000 * FLUE_PS_PER_S, &at_ps), 0);
            assert_int_equal(rig->sent, 0);
        } else {
            if (row->first_ms != DUE) {
                due_ps = BEGIN / MS * MS + row->first_ms * MS;
            }
            act = next_act(rig, 0, 0, 100 * FLUE_PS_PER_S, &at_ps);
            expect_act(row, row->first, due_ps, act, at_ps);
        }
        if (row->next_ms != 0) {
            due_ps = at_ps + row->next_ms * MS - 5 * RIG_US; /* the frame left a little after its timer expired */
            act = next_act(rig, 1, 0, 100 * FLUE_PS_PER_S, &at_ps);
            expect_act(row, row->next, due_ps, act, at_ps);
        }
        rig_finish(rig, 1);
        assert_int_equal(rig->conns[0].end.Delegated.State == TcpConnectionClosed, last == CLOSED);
        rig_free(rig);
    }
}

/* In the middle of the wait it comes back: at once, after an update of nothing, or frozen for a while (D-34). */
static void comes_back_as_it_went(void **state)
{
    enum { LIVE, FROZEN, WAYS };
    const uint32_t elapsed = 200; /* ticks */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * WAYS; i++) {
        const struct row *row = &rows[i / WAYS];
        const TCP_OFFLOAD_STATE_DELEGATED *end, *begin;
        const uint32_t rt = told(row->rt), alive = told(row->alive);
        struct rig *rig;

        if (row->first_ms == DUE) {
            continue;
        }
        rig = hand_over(row);
        begin = &rig->conns[0].block.Delegated;
        end = &rig->conns[0].end.Delegated;
        rig_wait(rig, elapsed / 2 * MS);
        if (i % WAYS == FROZEN) {
            rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK | FLUE_TCP_URG);
        }
        rig_wait(rig, elapsed / 2 * MS);
        rig_finish(rig, 1);
        if (end->Retransmit.TimeoutDelta != (rt == FLUE_TICKS_NONE ? rt : rt - elapsed) ||
            end->KeepAlive.TimeoutDelta != (alive == FLUE_TICKS_NONE ? alive : alive - elapsed)) {
            fail_msg("%s, way %u: Retransmit %u, KeepAlive %u", row->what, (unsigned)(i % WAYS),
                     end->Retransmit.TimeoutDelta, end->KeepAlive.TimeoutDelta);
        }
        assert_int_equal(end->State, begin->State);
        assert_int_equal(end->Retransmit.Count, row->count);
        assert_int_equal(end->KeepAlive.ProbeCount, row->asked);
        assert_int_equal(end->SndWndProbeCount, row->closed != 0 ? row->closed - 1 : 0);
        assert_int_equal(end->TotalRT, row->total_rt);
        assert_int_equal(end->SndNxt - end->SndUna, row->closed != 0 ? 0 : row->out);
        assert_int_equal(end->SndMax - end->SndUna, row->out);
        assert_int_equal(end->SRtt, 8 * 100);
        assert_int_equal(end->RttVar, 4 * 50);
        rig_free(rig);
    }
}

/* ---- Begun at the target ---- */

static void window_of(struct rig *rig, uint16_t window)
{
    struct flue_frame frame = rig_segment(0, 0, 0, 0, FLUE_TCP_ACK);

    frame.window = window;
    rig_arrive(rig, &frame);
}

static void begins_to_retransmit(struct rig *rig)
{
    rig_send(rig, 0, 0, 1000);
}

static void begins_to_persist(struct rig *rig)
{
    window_of(rig, 0);
    rig_send(rig, 0, 0, 1000);
}

static void waits_for_a_window(struct rig *rig)
{
    window_of(rig, 500);
    rig_send(rig, 0, 0, 3000);
}

static void delays_an_ack(struct rig *rig)
{
    rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK);
}

static void begins_fin_wait_2(struct rig *rig)
{
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1, 0, FLUE_TCP_ACK);
}

static void begins_time_wait(struct rig *rig)
{
    begins_fin_wait_2(rig);
    rig_peer(rig, 0, 0, 1, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
}

static void pushes_later(struct rig *rig)
{
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    delays_an_ack(rig);
}

/* Lengths are reckoned from where it began, not from the hand-over.  The push timer, the wait for a better window and
 * the delayed ACK are not told at all: the first two begin anew, the ACK leaves before. */
static void tells_what_has_begun(void **state)
{
    static const struct {
        const char *what;
        void (*begin)(struct rig *rig);
        uint32_t rt_ms, alive_ms; /* their whole lengths; 0: stands */
        unsigned alive;           /* 1: keep-alive is on */
        unsigned state;
        unsigned acks; /* that leave at the latest when it goes back */
    } cases[] = {
        {"nothing", NULL, 0, 0, 0, TcpConnectionEstablished, 0},
        {"retransmission", begins_to_retransmit, RTO, 0, 0, TcpConnectionEstablished, 0},
        {"persist", begins_to_persist, RTO, 0, 0, TcpConnectionEstablished, 0},
        {"a window too small", waits_for_a_window, 0, 0, 0, TcpConnectionEstablished, 0},
        {"delayed ACK", delays_an_ack, 0, 0, 0, TcpConnectionEstablished, 1},
        {"push", pushes_later, 0, 0, 0, TcpConnectionEstablished, 1},
        {"keep-alive", delays_an_ack, 0, 100000, 1, TcpConnectionEstablished, 1},
        {"FIN-WAIT-2", begins_fin_wait_2, 120000, 0, 0, TcpConnectionFinWait2, 0},
        {"TIME-WAIT", begins_time_wait, 60000, 0, 0, TcpConnectionTimeWait, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct row row = {.what = cases[i].what, .alive = cases[i].alive != 0 ? 90000 : 0};
        struct rig *rig = hand_over(&row);
        const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;
        const uint32_t gone = 31; /* ticks */
        unsigned acks = 0;

        rig_wait(rig, 200 * RIG_US);
        if (cases[i].begin != NULL) {
            cases[i].begin(rig);
        }
        rig_wait(rig, gone * MS);
        rig_finish(rig, 1);
        /* Rounded up, once: it begins after the grid's line, by less than a tick. */
        if (end->Retransmit.TimeoutDelta != (cases[i].rt_ms == 0 ? FLUE_TICKS_NONE : cases[i].rt_ms - gone + 1) ||
            end->KeepAlive.TimeoutDelta != (cases[i].alive_ms == 0 ? FLUE_TICKS_NONE : cases[i].alive_ms - gone + 1) ||
            end->State != (TCP_OFFLOAD_CONNECTION_STATE)cases[i].state) {
            fail_msg("%s: Retransmit %u, KeepAlive %u, state %u", cases[i].what, end->Retransmit.TimeoutDelta,
                     end->KeepAlive.TimeoutDelta, (unsigned)end->State);
        }
        for (unsigned j = 0; j < rig->sent; j++) {
            acks += rig->out[j].frame.payload.length_bytes == 0 && (rig->out[j].frame.flags & FLUE_TCP_FIN) == 0;
        }
        assert_int_equal(acks, cases[i].acks);
        rig_free(rig);
    }
}

/* ---- The wait for a better window ---- */

/* CH-301: TcpSwsPreventionTicks, in ticks of any length, from the moment at which the window is found too small; after
 * a hand-over from there, whatever the old holder has waited.  A closed window's wait gives way to it. */
static void waits_for_a_worthwhile_window(void **state)
{
    enum { THERE, IMPORTED, OPENED, WAYS };
    static const struct {
        uint32_t ticks_per_s, ticks;
        uint32_t wait_ms;
    } cases[] = {{1000, 500, 500}, {1000, 33, 33}, {100, 7, 70}, {10, 2, 200}, {1000, 0, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases) * WAYS; i++) {
        NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted;
        const unsigned way = (unsigned)(i % WAYS);
        const uint32_t wait_ms = cases[i / WAYS].wait_ms;
        struct rig *rig = rig_new();
        TCP_OFFLOAD_STATE_DELEGATED *delegated = &rig->conns[0].block.Delegated;
        flue_ps begun_ps, at_ps;

        rig_build(rig);
        assert_int_equal(rig_request(rig, NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &wanted,
                                     sizeof wanted),
                         NDIS_STATUS_SUCCESS);
        assert_int_equal(wanted.TcpSwsPreventionTicks, 500);
        wanted.TicksPerSecond = cases[i / WAYS].ticks_per_s;
        wanted.TcpDelayedAckTicks = 1;
        wanted.TcpSwsPreventionTicks = cases[i / WAYS].ticks;
        assert_int_equal(
            rig_request(rig, NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &wanted, sizeof wanted),
            NDIS_STATUS_SUCCESS);
        rig_run(rig, BEGIN);
        rig_tree(rig, 1);
        delegated->MaxSndWnd = 65535;
        delegated->SndWnd = way == IMPORTED ? 500 : 65535;
        delegated->SRtt = 0xffff;
        delegated->Retransmit.TimeoutDelta = FLUE_TICKS_NONE;
        if (way == IMPORTED) {
            rig->conns[0].block.Block.NetBufferListChain = rig_nbl(rig, 0, 0, 3000);
            delegated->SendDataHead = delegated->SendDataTail = rig->conns[0].block.Block.NetBufferListChain;
        }
        begun_ps = rig->env.now_ps;
        rig_initiate(rig, &rig->neighbour.Block);
        if (way != IMPORTED) {
            rig_wait(rig, 100 * RIG_US);
            window_of(rig, way == OPENED ? 0 : 500);
            rig_send(rig, 0, 0, 3000);
            begun_ps = rig->env.now_ps;
        }
        if (way == OPENED) { /* in the midst of the persist timer's minute */
            rig_wait(rig, FLUE_PS_PER_S);
            assert_int_equal(rig->sent, 0);
            begun_ps = rig->env.now_ps;
            window_of(rig, 500);
        }
        assert_int_equal(next_act(rig, 0, 0, 100 * FLUE_PS_PER_S, &at_ps), 500);
        assert_in_range(at_ps - begun_ps, wait_ms * MS, wait_ms * MS + 10 * RIG_US);
        assert_int_equal(rig->out[0].frame.seq, RIG_SND_UNA);
        assert_int_equal(rig->out[0].frame.flags, FLUE_TCP_ACK); /* nor is it the last: no PSH (CH-164) */
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

/* Nothing waits that is worth a segment: half of the largest window, all there is, or a full segment. */
static void sends_at_once_what_is_worth_it(void **state)
{
    static const struct {
        uint32_t wnd, most, queued;
        int sent;
    } cases[] = {
        {500, 1000, 3000, 500}, {499, 1000, 3000, 0},      {500, 60000, 500, 500},
        {500, 60000, 501, 0},   {1460, 60000, 3000, 1460},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = rig_new();
        TCP_OFFLOAD_STATE_DELEGATED *delegated = &rig->conns[0].block.Delegated;
        flue_ps at_ps;

        rig_build(rig);
        rig_tree(rig, 1);
        delegated->SndWnd = cases[i].wnd;
        delegated->MaxSndWnd = cases[i].most;
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 100 * RIG_US);
        rig_send(rig, 0, 0, cases[i].queued);
        assert_int_equal(next_act(rig, 0, 0, 100 * MS, &at_ps), cases[i].sent);
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expires_when_it_was_going_to),   cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(tells_what_has_begun),           cmocka_unit_test(waits_for_a_worthwhile_window),
        cmocka_unit_test(sends_at_once_what_is_worth_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
