/* SPDX-License-Identifier: GPL-2.0-only */
/* host/ask.c - when the policy is asked, what it is told, and what becomes of its answer.
 *
 * A policy that is asked once is asked when the connection opens.  Of others the host keeps a view for each connection.
 * A walk, one timer for the whole host, visits every window (policy_params.every_ps) the connections of which something
 * is new; one of which nothing is new is looked at after one window, then after two, four, ..., so that a connection
 * that sleeps costs next to nothing.  Sending and reading only count and move the view to the list of the next walk.
 * Being asked costs the modelled core nothing: nobody has published a price.
 *
 * Before an answer can be followed, the stay after the last move must be over (stay_ps), and so must the back-off: of a
 * mandatory upload as D-35 says; of a refusal the same wait, doubled each time. Until then the policy is not asked.
 * When a policy with a value offers a connection and no context is free, the least valuable connection that may move
 * (rank.c, a heap) is taken back, and the next walk looks at the one that was promised its place first. Each question
 * is put twice: a policy that answers equal facts in two ways is a finding of the run. */
#include "host/ask.h"

#include "host/binding.h"
#include "host/offload.h"
#include "host/path.h"
#include "host/socket.h"
#include "host/upload.h"

#define BACK_OFF_MOST_PS (64 * FLUE_PS_PER_S)
#define MILLION          UINT64_C(1000000)
#define CAPACITY_UNTOLD  UINT64_C(1000000000)
enum { DECAY_SHIFT = 5, DECAY_MOST = 256 /* windows, after which next to nothing is left */, DOUBLINGS_MOST = 16 };

static bool asks_again(const struct flue_host *host)
{
    return host->params.policy->asked_again != 0 && host->params.policy_params.every_ps > 0;
}

/* ---- Views */

static struct host_view *view_of(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    const flue_ps now_ps = host_moment(host);

    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic != NULL && traffic->view == NULL && (traffic->view = pool_get(&host->views)) != NULL) {
        *traffic->view = (struct host_view){
            .socket = socket, .opened_ps = now_ps, .touched_ps = now_ps, .moved_ps = now_ps, .window_ps = now_ps};
    }
    return socket->traffic->view;
}

static void arm(struct flue_host *host, flue_ps due_ps)
{
    if (timer_due(&host->ask.timer) > due_ps) {
        timers_arm(host->timers, &host->ask.timer, due_ps);
    }
}

static void unlist(struct host_view *view)
{
    if (hook_linked(&view->hook)) {
        list_remove(&view->hook);
    }
}

static void list_touched(struct host_view *view)
{
    struct flue_host *host = view->socket->pair->host;
    const flue_ps now_ps = host->env->now(host->env->ctx),
                  next_ps = host->ask.walked_ps + host->params.policy_params.every_ps;

    unlist(view);
    view->step = 0;
    list_push_back(&host->ask.touched, &view->hook);
    arm(host, next_ps > now_ps ? next_ps : now_ps + host->params.policy_params.every_ps);
}

static void list_quiet(struct host_view *view, unsigned step, flue_ps now_ps)
{
    struct flue_host *host = view->socket->pair->host;

    step = step < HOST_QUIET_STEPS ? step : HOST_QUIET_STEPS - 1;
    unlist(view);
    view->step = (uint8_t)(step + 1);
    view->look_ps = now_ps + (host->params.policy_params.every_ps << step);
    list_push_back(&host->ask.quiet[step], &view->hook);
    arm(host, view->look_ps);
}

void ask_touch(struct flue_host_socket *socket)
{
    struct host_view *view = socket->traffic->view;

    view->touched_ps = host_moment(socket->pair->host);
    if (view->step != 0 && hook_linked(&view->hook)) {
        list_touched(view);
    }
}

static void unpromise(struct host_view *view)
{
    view->socket->pair->host->ask.promised -= view->promised;
    view->promised = 0;
}

void ask_forget(struct flue_host_socket *socket)
{
    struct host_view *view = socket->traffic->view;

    if (view != NULL) {
        unlist(view);
        unpromise(view);
        rank_remove(&socket->pair->host->ask, view);
        pool_put(&socket->pair->host->views, view);
        socket->traffic->view = NULL;
    }
}

/* After a refusal it waits, twice as long after each, like one that had to come back (D-35). */
static void back_off(struct host_view *view)
{
    struct flue_host *host = view->socket->pair->host;
    const unsigned doublings = view->refusals < DOUBLINGS_MOST ? view->refusals : (unsigned)DOUBLINGS_MOST;
    const flue_ps wait_ps = ((flue_ps)host->params.ddi.reoffload_backoff_ms * FLUE_PS_PER_MS) << doublings;

    view->refusals++;
    view->not_before_ps = host_moment(host) + (wait_ps < BACK_OFF_MOST_PS ? wait_ps : BACK_OFF_MOST_PS);
}

void ask_moved(struct flue_host_socket *socket, enum flue_holder from)
{
    struct host_view *view = socket->traffic->view;

    if (view == NULL) {
        return;
    }
    if (socket->holder == FLUE_HOLDER_TARGET || (socket->holder == FLUE_HOLDER_HOST && from != FLUE_HOLDER_OFFERED)) {
        view->moves++;
        view->moved_ps = host_moment(socket->pair->host);
    } else if (socket->holder == FLUE_HOLDER_HOST) {
        back_off(view);
    } else {
        rank_remove(&socket->pair->host->ask, view);
    }
}

void flue_host_socket_expect(struct flue_host_socket *socket, const struct flue_host_hint *hint)
{
    if (socket->pair->host->params.policy->clairvoyant != 0 && view_of(socket) != NULL) {
        socket->traffic->view->hint = *hint;
    }
}

/* ---- Facts */

/* Whole windows that have passed since the last look. */
static void roll(struct host_view *view, flue_ps now_ps)
{
    const flue_ps every_ps = view->socket->pair->host->params.policy_params.every_ps;
    const uint64_t bytes = view->socket->sent_bytes + view->received_bytes, fresh_bytes = bytes - view->window_bytes;
    const flue_ps passed_ps = now_ps - view->window_ps;
    const uint64_t windows = every_ps > 0 ? (uint64_t)(passed_ps / every_ps) : 0;

    if (windows == 0) {
        return;
    }
    view->rate_bps = fresh_bytes < UINT64_C(1000000000)
                         ? fresh_bytes * 8 * UINT64_C(1000000000) / ((uint64_t)passed_ps / 1000 + 1)
                         : fresh_bytes / ((uint64_t)passed_ps / UINT64_C(1000000000) + 1) * 8000;
    view->recent_bytes += fresh_bytes;
    for (uint64_t i = 0; i < windows && i < DECAY_MOST && view->recent_bytes > 0; i++) {
        view->recent_bytes -= (view->recent_bytes + (1u << DECAY_SHIFT) - 1) >> DECAY_SHIFT;
    }
    if (windows >= DECAY_MOST) {
        view->recent_bytes = 0;
    }
    view->window_bytes = bytes;
    view->window_ps += (flue_ps)windows * every_ps;
}

/* Each time that the connection comes back it has a new engine, which counts from 0. */
static void ask_engine(struct host_view *view)
{
    struct flue_tcp_info info;

    if (socket_conn(view->socket) == NULL) {
        return;
    }
    flue_tcp_info(socket_conn(view->socket), &info);
    if (view->engine != view->moves + view->refusals) {
        view->engine = view->moves + view->refusals;
        view->retransmits_before += view->retransmits;
        view->segments_before += view->segments;
    }
    view->retransmits = info.retransmits;
    view->segments = info.segments_out;
    view->srtt_ps = info.srtt_ps > 0 ? (uint64_t)info.srtt_ps : view->srtt_ps;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void adapter_facts(const struct flue_host_socket *socket, struct flue_policy_facts *facts)
{
    const struct flue_host *host = socket->pair->host;
    const struct host_binding *binding =
        socket->pair->path != NULL ? socket->pair->path->wanted->stem.binding : host->first;
    const struct host_view *least = rank_least(&host->ask);
    uint64_t used =
        host->offering + host->totals.holders[FLUE_HOLDER_OFFERED] + host->totals.holders[FLUE_HOLDER_GIVING_BACK];

    facts->least_bytes = least != NULL ? least->value : UINT64_MAX;
    if (binding != NULL && binding->knows) {
        used += binding->targets + host->ask.promised -
                (socket->traffic->view != NULL ? socket->traffic->view->promised : 0);
        facts->capacity = binding->capability.TcpConnectionOffloadCapacity;
        facts->capacity_left = less(facts->capacity, used);
    } else {
        facts->capacity = CAPACITY_UNTOLD;
        facts->capacity_left = CAPACITY_UNTOLD;
    }
}

static void gather(struct flue_host_socket *socket, struct flue_policy_facts *facts)
{
    const struct flue_host *host = socket->pair->host;
    const flue_ps now_ps = host_moment(host);
    struct host_view *view = socket->traffic->view;
    uint64_t segments;

    *facts = (struct flue_policy_facts){
        .held = socket->holder == FLUE_HOLDER_TARGET,
        .connections = host->totals.sockets,
        .core_ppm = host->ask.core_ppm,
        .bytes_sent = socket->sent_bytes,
        .bytes = socket->sent_bytes,
        .draw_ppm = (hash_mix(socket->account.conn + hash_mix(host->params.policy_params.seed)) >> 16) % MILLION};
    adapter_facts(socket, facts);
    if (view == NULL) {
        return;
    }
    roll(view, now_ps);
    ask_engine(view);
    segments = view->segments_before + view->segments;
    facts->bytes_received = view->received_bytes;
    facts->bytes += view->received_bytes;
    facts->recent_bytes = view->recent_bytes;
    facts->rate_bps = view->rate_bps;
    facts->writes = view->writes;
    facts->reads = view->reads;
    facts->mean_write_bytes = view->writes > 0 ? facts->bytes_sent / view->writes : 0;
    facts->mean_read_bytes = view->reads > 0 ? facts->bytes_received / view->reads : 0;
    facts->age_ps = (uint64_t)(now_ps - view->opened_ps);
    facts->idle_ps = (uint64_t)(now_ps - view->touched_ps);
    facts->srtt_ps = view->srtt_ps;
    facts->retransmits = view->retransmits_before + view->retransmits;
    facts->loss_ppm = segments > 0 ? facts->retransmits * MILLION / segments : 0;
    facts->moves = view->moves;
    facts->since_move_ps = (uint64_t)(now_ps - view->moved_ps);
    facts->refusals = view->refusals;
    if (host->params.policy->clairvoyant != 0) {
        facts->bytes_to_come = less(view->hint.bytes, facts->bytes);
        facts->requests_to_come = less(view->hint.requests, view->writes);
        facts->rank = view->hint.rank;
    }
}

/* ---- Answers */

/* Asked twice, for the contract: a policy that answers otherwise is none. */
static struct flue_verdict ask(struct flue_host *host, const struct flue_policy_facts *facts)
{
    const struct flue_policy_params *params = &host->params.policy_params;
    struct flue_verdict verdict = host->params.policy->decide(params, facts);
    const struct flue_verdict again = host->params.policy->decide(params, facts);

    host->totals.impure += verdict.decision != again.decision || verdict.reason != again.reason;
    verdict.reason = verdict.reason < flue_policy_reasons(host->params.policy) ? verdict.reason : 0;
    host->totals.answers[verdict.reason]++;
    return verdict;
}

/* The least valuable connection goes, and this one is asked about again in the next walk, first of all. */
static bool make_room(struct host_view *view, const struct flue_policy_facts *facts)
{
    struct flue_host *host = view->socket->pair->host;
    struct host_view *least = rank_least(&host->ask);

    if (least == NULL || host->params.policy->value(&host->params.policy_params, facts) <= least->value) {
        return false;
    }
    rank_remove(&host->ask, least);
    upload_want(least->socket, FLUE_MOVE_POLICY);
    host->totals.room_made++;
    view->promised = 1;
    host->ask.promised++;
    return true;
}

static void follow(struct flue_host_socket *socket, const struct flue_policy_facts *facts, struct flue_verdict verdict,
                   bool opens)
{
    struct flue_host *host = socket->pair->host;
    bool moves = false;

    if (verdict.decision == FLUE_OFFLOAD && offload_possible(socket)) {
        if (facts->capacity_left == 0 && host->params.policy->value != NULL && socket->traffic->view != NULL) {
            (void)make_room(socket->traffic->view, facts);
        } else {
            offload_want(socket, FLUE_MOVE_POLICY);
            moves = true;
        }
    } else if (verdict.decision == FLUE_TAKE_BACK && socket->holder == FLUE_HOLDER_TARGET &&
               (socket->flags & SOCKET_TAKE) == 0) {
        upload_want(socket, FLUE_MOVE_POLICY);
        moves = true;
    }
    host->totals.policy_moves[verdict.reason] += moves;
    /* An answer that changes nothing comes in every window. */
    if (verdict.decision != FLUE_KEEP || (opens && host->params.policy->asked_again != 0)) {
        flue_trace2(host->trace, policy, host_now(host), socket->account.conn, (int64_t)verdict.decision,
                    (int64_t)verdict.reason);
    }
}

void ask_open(struct flue_host_socket *socket)
{
    struct flue_policy_facts facts;

    (void)path_of(socket);
    if (asks_again(socket->pair->host) && view_of(socket) != NULL) {
        list_touched(socket->traffic->view);
    }
    gather(socket, &facts);
    follow(socket, &facts, ask(socket->pair->host, &facts), true);
}

/* ---- The walk */

/* Whether an answer could be followed now.  What is on its way, or has not stayed long enough, is not asked about. */
static bool may_move(const struct flue_host_socket *socket, flue_ps now_ps)
{
    const struct host_view *view = socket->traffic->view;

    return (socket->holder == FLUE_HOLDER_HOST || socket->holder == FLUE_HOLDER_TARGET) &&
           (socket->flags & (SOCKET_OFFER | SOCKET_TAKE)) == 0 && now_ps >= view->not_before_ps &&
           (socket->traffic->wait == NULL || now_ps >= socket->traffic->wait->not_before_ps) &&
           (view->moves == 0 || now_ps - view->moved_ps >= socket->pair->host->params.policy_params.stay_ps);
}

static void look(struct host_view *view, flue_ps now_ps)
{
    struct flue_host_socket *socket = view->socket;
    struct flue_host *host = socket->pair->host;
    struct flue_policy_facts facts;

    if (!may_move(socket, now_ps)) {
        unpromise(view);
        return;
    }
    gather(socket, &facts);
    unpromise(view);
    follow(socket, &facts, ask(host, &facts), false);
    if (facts.held != 0 && host->params.policy->value != NULL && (socket->flags & SOCKET_TAKE) == 0) {
        rank_put(&host->ask, host->env, view, host->params.policy->value(&host->params.policy_params, &facts));
    }
}

/* A connection that closes is not asked about any more. */
static bool is_over(const struct flue_host_socket *socket)
{
    return (socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_ABORT_WANTED | SOCKET_PEER_FIN | SOCKET_ENDED)) != 0;
}

static void visit(struct host_view *view, flue_ps now_ps)
{
    const unsigned step = view->step;

    unlist(view);
    if (is_over(view->socket)) {
        unpromise(view);
        return;
    }
    look(view, now_ps);
    list_quiet(view, view->promised != 0 ? 0 : step, now_ps);
}

static void walk(struct flue_host *host, flue_ps now_ps)
{
    struct flue_hook now, first, *hook;

    list_init(&now);
    list_init(&first);
    list_splice_back(&now, &host->ask.touched);
    for (unsigned step = 0; step < HOST_QUIET_STEPS; step++) {
        while ((hook = list_first(&host->ask.quiet[step])) != NULL &&
               FLUE_CONTAINER_OF(hook, struct host_view, hook)->look_ps <= now_ps) {
            struct host_view *view = FLUE_CONTAINER_OF(hook, struct host_view, hook);

            list_remove(hook);
            list_push_back(view->promised != 0 ? &first : &now, hook);
        }
    }
    list_splice_back(&first, &now);
    while ((hook = list_first(&first)) != NULL) {
        visit(FLUE_CONTAINER_OF(hook, struct host_view, hook), now_ps);
    }
}

static void measure_core(struct flue_host *host, flue_ps now_ps)
{
    const uint64_t passed_ps = (uint64_t)(now_ps - host->ask.walked_ps);
    const uint64_t busy_ps = less(host->core.busy_ps, host->ask.busy_ps);

    if (passed_ps > 0) {
        host->ask.core_ppm = busy_ps >= passed_ps ? MILLION : busy_ps / (passed_ps / MILLION + 1);
    }
    host->ask.walked_ps = now_ps;
    host->ask.busy_ps = host->core.busy_ps;
}

static void walk_due(struct timer *timer, flue_ps now_ps)
{
    struct flue_host *host = FLUE_CONTAINER_OF(timer, struct flue_host, ask.timer);

    host_enter(host, now_ps);
    measure_core(host, now_ps);
    walk(host, now_ps);
    for (unsigned step = 0; step < HOST_QUIET_STEPS; step++) {
        struct flue_hook *hook = list_first(&host->ask.quiet[step]);

        if (hook != NULL) {
            arm(host, FLUE_CONTAINER_OF(hook, struct host_view, hook)->look_ps);
        }
    }
    host_leave(host);
}

void ask_init(struct flue_host *host)
{
    list_init(&host->ask.touched);
    for (unsigned step = 0; step < HOST_QUIET_STEPS; step++) {
        list_init(&host->ask.quiet[step]);
    }
    pool_init(&host->views, host->env, sizeof(struct host_view));
    timer_setup(&host->ask.timer, walk_due);
}

void ask_dispose(struct flue_host *host)
{
    rank_dispose(&host->ask, host->env);
    pool_dispose(&host->views);
}
