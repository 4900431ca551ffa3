/* SPDX-License-Identifier: GPL-2.0-only */
/* host/nud.c - neighbour unreachability detection (RFC 4861 7.3): one table, one function that follows it.  ARP
 * neighbours are treated alike (RFC 1122 2.3.2.1 demands something of the kind).
 *
 * Progress that the target has seen is asked for by a query when DELAY ends, before anything is sent (behaviour 14,
 * steps 4 and 5).  A segment that was sent again and again is advice that there is none (RFC 1122 4.2.3.5, 3.3.1.4): a
 * probe then finds out at once, not when REACHABLE has run out. */
#include "host/neighbour.h"
#include "host/object.h"
#include "host/path.h"
#include "host/query.h"
#include "host/relink.h"

#include <assert.h>

/* RFC 4861 10.  REACHABLE_TIME is not spread at random: runs must be alike. */
#define MULTICAST_SOLICIT 3u
#define UNICAST_SOLICIT   3u
#define RETRANS_MAX_PS    (60 * FLUE_PS_PER_S) /* RFC 7048 4 */
#define PATIENCE_MAX      16u                  /* a millisecond becomes more than a minute */

/* What an edge brings with it. */
enum act {
    STAMP = 0x01,    /* reachability is confirmed now */
    FLUSH = 0x02,    /* it can be used: what waited leaves, and paths come that have no other */
    ASK = 0x04,      /* a request to everybody */
    PROBE_IT = 0x08, /* a request to its address */
    WAIT = 0x10,     /* the timer of the new state starts */
    GIVE_UP = 0x20,  /* the last request was not answered, if the limit is reached */
    QUERY = 0x40     /* the target is asked first, if it has the neighbour */
};

struct edge {
    uint8_t to, act;
};

#define S(name) FLUE_NEIGHBOUR_##name

static const struct edge table[FLUE_NEIGHBOUR_COUNT][NUD_EVENT_COUNT] = {
    [S(INCOMPLETE)] = {[NUD_SEND] = {S(INCOMPLETE), 0}, /* the first one asks: see below */
                       [NUD_CONFIRMED] = {S(INCOMPLETE), 0},
                       [NUD_ANSWER] = {S(REACHABLE), STAMP | FLUSH | WAIT},
                       [NUD_HEARD] = {S(STALE), FLUSH},
                       [NUD_CHANGED] = {S(STALE), FLUSH},
                       [NUD_DOUBT] = {S(INCOMPLETE), 0},
                       [NUD_TIMER] = {S(INCOMPLETE), ASK | WAIT | GIVE_UP}},
    [S(REACHABLE)] = {[NUD_SEND] = {S(REACHABLE), 0},
                      [NUD_CONFIRMED] = {S(REACHABLE), STAMP},
                      [NUD_ANSWER] = {S(REACHABLE), STAMP},
                      [NUD_HEARD] = {S(REACHABLE), 0},
                      [NUD_CHANGED] = {S(STALE), 0},
                      [NUD_DOUBT] = {S(PROBE), PROBE_IT | WAIT},
                      [NUD_TIMER] = {S(STALE), 0}},
    [S(STALE)] = {[NUD_SEND] = {S(DELAY), WAIT},
                  [NUD_CONFIRMED] = {S(REACHABLE), STAMP | WAIT},
                  [NUD_ANSWER] = {S(REACHABLE), STAMP | WAIT},
                  [NUD_HEARD] = {S(STALE), 0},
                  [NUD_CHANGED] = {S(STALE), 0},
                  [NUD_DOUBT] = {S(PROBE), PROBE_IT | WAIT},
                  [NUD_TIMER] = {S(STALE), 0}},
    [S(DELAY)] = {[NUD_SEND] = {S(DELAY), 0},
                  [NUD_CONFIRMED] = {S(REACHABLE), STAMP | WAIT},
                  [NUD_ANSWER] = {S(REACHABLE), STAMP | WAIT},
                  [NUD_HEARD] = {S(DELAY), 0},
                  [NUD_CHANGED] = {S(STALE), 0},
                  [NUD_DOUBT] = {S(PROBE), PROBE_IT | WAIT},
                  [NUD_TIMER] = {S(PROBE), PROBE_IT | WAIT | QUERY}},
    [S(PROBE)] = {[NUD_SEND] = {S(PROBE), 0},
                  [NUD_CONFIRMED] = {S(REACHABLE), STAMP | WAIT},
                  [NUD_ANSWER] = {S(REACHABLE), STAMP | WAIT},
                  [NUD_HEARD] = {S(PROBE), 0},
                  [NUD_CHANGED] = {S(STALE), 0},
                  [NUD_DOUBT] = {S(PROBE), 0},
                  [NUD_TIMER] = {S(PROBE), PROBE_IT | WAIT | GIVE_UP}},
    [S(FAILED)] = {[NUD_SEND] = {S(INCOMPLETE), ASK | WAIT},
                   [NUD_CONFIRMED] = {S(FAILED), 0},
                   [NUD_ANSWER] = {S(REACHABLE), STAMP | FLUSH | WAIT},
                   [NUD_HEARD] = {S(STALE), FLUSH},
                   [NUD_CHANGED] = {S(STALE), FLUSH},
                   [NUD_DOUBT] = {S(FAILED), 0},
                   [NUD_TIMER] = {S(FAILED), 0}},
};

static void nud_enter(struct host_neighbour *neighbour, enum flue_neighbour to)
{
    struct flue_host *host = neighbour->stem.binding->host;

    if (neighbour->state != to) {
        flue_trace3(host->trace, neighbour, host_now(host), FLUE_NO_CONN, neighbour->ip.word[3], neighbour->state, to);
        neighbour->state = (uint8_t)to;
        neighbour->solicited = 0;
        timers_cancel(host->timers, &neighbour->timer);
        if (neighbour_usable(neighbour)) {
            neighbour_offer(neighbour);
        }
    }
}

/* RFC 7048 lets requests back off.  Here they do where the wait is known to be too short: an answer has come when
 * nobody waited for it any more.  Any other router that is dead is found out as fast as ever. */
static flue_ps answer_ps(const struct host_neighbour *neighbour)
{
    const flue_ps retrans_ps = neighbour->stem.binding->host->params.nud_retrans_ps;

    if (retrans_ps >= RETRANS_MAX_PS >> neighbour->patience) {
        return retrans_ps > RETRANS_MAX_PS ? retrans_ps : RETRANS_MAX_PS;
    }
    return retrans_ps << neighbour->patience;
}

static flue_ps wait_ps(const struct host_neighbour *neighbour)
{
    const struct flue_host *host = neighbour->stem.binding->host;

    switch ((enum flue_neighbour)neighbour->state) {
    case FLUE_NEIGHBOUR_REACHABLE:
        return host->params.nud_reachable_ps;
    case FLUE_NEIGHBOUR_DELAY:
        return host->params.nud_delay_ps;
    case FLUE_NEIGHBOUR_INCOMPLETE:
    case FLUE_NEIGHBOUR_PROBE:
        return answer_ps(neighbour);
    case FLUE_NEIGHBOUR_STALE:
    case FLUE_NEIGHBOUR_FAILED:
    case FLUE_NEIGHBOUR_COUNT:
        break;
    }
    return FLUE_PS_NEVER;
}

/* Whether some path knows no other way. */
static bool still_wanted(const struct host_neighbour *neighbour)
{
    FLUE_LIST_EACH(hook, &neighbour->paths)
    {
        if (FLUE_CONTAINER_OF(hook, struct host_path, below)->wanted == neighbour) {
            return true;
        }
    }
    return false;
}

static void invalidate(struct host_neighbour *neighbour)
{
    if (neighbour->object.state == OBJECT_HELD && !relink_invalidate(neighbour)) {
        object_doom(&neighbour->object); /* no memory to say so: it goes as soon as it can */
    }
}

/* It does not answer: what waits is lost, the target must not use it any more, and paths look for another way.  With
 * update_only the target goes on towards the dead one until the update has moved the paths. */
static void gave_up(struct host_neighbour *neighbour)
{
    const bool update_only = neighbour->stem.binding->host->params.update_only != 0;

    nud_enter(neighbour, FLUE_NEIGHBOUR_FAILED);
    neighbour_drop(neighbour);
    if (!update_only) {
        invalidate(neighbour);
    }
    route_avoid(neighbour);
    if (update_only && still_wanted(neighbour)) {
        invalidate(neighbour);
    }
}

/* It is there again, and the target still has it marked invalid: what depends on it comes back, to go anew. */
static void revived(struct host_neighbour *neighbour)
{
    if (neighbour->object.state == OBJECT_INVALID || neighbour->object.state == OBJECT_INVALIDATING) {
        FLUE_LIST_EACH(hook, &neighbour->paths)
        {
            struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, below);

            if (path->wanted == neighbour && path->object.state == OBJECT_HELD) {
                relink_want_back(path);
            }
        }
    }
}

static void act(struct host_neighbour *neighbour, unsigned what)
{
    struct flue_host *host = neighbour->stem.binding->host;

    if ((what & STAMP) != 0) {
        neighbour->confirmed_ps = host_moment(host);
        revived(neighbour);
    }
    if ((what & FLUSH) != 0) {
        neighbour_flush(neighbour);
        route_return(neighbour);
        relink_stir(neighbour);
    }
    if ((what & (ASK | PROBE_IT)) != 0) {
        neighbour_solicit(neighbour, (what & PROBE_IT) != 0);
    }
    if ((what & WAIT) != 0) {
        timers_arm(host->timers, &neighbour->timer, host->env->now(host->env->ctx) + wait_ps(neighbour));
    }
}

/* The first request is answered within half the time: so long a wait is not needed any more. */
static void lose_patience(struct host_neighbour *neighbour)
{
    const struct flue_host *host = neighbour->stem.binding->host;
    const flue_ps left_ps = timer_due(&neighbour->timer) - host->env->now(host->env->ctx);

    if (neighbour->patience > 0 && neighbour->solicited == 1 && left_ps >= answer_ps(neighbour) / 2) {
        neighbour->patience--;
    }
}

void nud_event(struct host_neighbour *neighbour, enum nud_event event)
{
    const enum flue_neighbour from = (enum flue_neighbour)neighbour->state;
    const struct edge *edge = &table[from][event];
    const unsigned limit = from == FLUE_NEIGHBOUR_PROBE ? UNICAST_SOLICIT : MULTICAST_SOLICIT;

    if (neighbour->fixed) {
        return;
    }
    if ((edge->act & GIVE_UP) != 0 && neighbour->solicited >= limit) {
        gave_up(neighbour);
        return;
    }
    if ((edge->act & QUERY) != 0 && !neighbour->asking && object_may_query(&neighbour->object)) {
        neighbour->asking = 1;
        query_neighbour(neighbour); /* its answer is the next event: progress, or the end of the delay */
        return;
    }
    if (event == NUD_SEND && from == FLUE_NEIGHBOUR_STALE) {
        neighbour->used_ps = host_moment(neighbour->stem.binding->host);
    }
    if (event == NUD_ANSWER && (from == FLUE_NEIGHBOUR_PROBE || from == FLUE_NEIGHBOUR_INCOMPLETE)) {
        lose_patience(neighbour);
    }
    nud_enter(neighbour, (enum flue_neighbour)edge->to);
    act(neighbour, edge->act);
    if (event == NUD_SEND && from == FLUE_NEIGHBOUR_INCOMPLETE && neighbour->solicited == 0) {
        act(neighbour, ASK | WAIT);
    }
}

void nud_late(struct host_neighbour *neighbour)
{
    if (neighbour->state == FLUE_NEIGHBOUR_FAILED && neighbour->patience < PATIENCE_MAX) {
        neighbour->patience++;
    }
}

/* Progress that was seen at at_ps and becomes known now: REACHABLE lasts from then on (RFC 4861 7.3.3). */
void nud_confirmed_at(struct host_neighbour *neighbour, flue_ps at_ps)
{
    struct flue_host *host = neighbour->stem.binding->host;

    nud_event(neighbour, NUD_CONFIRMED);
    neighbour->confirmed_ps = at_ps;
    if (neighbour->state == FLUE_NEIGHBOUR_REACHABLE && !neighbour->fixed) {
        const flue_ps now_ps = host->env->now(host->env->ctx), due_ps = at_ps + host->params.nud_reachable_ps;

        timers_arm(host->timers, &neighbour->timer, due_ps > now_ps ? due_ps : now_ps);
    }
}

/* Of many connections that doubt at once the first brings the probe; its answer holds for all. */
void nud_doubt(struct host_neighbour *neighbour)
{
    const struct flue_host *host = neighbour->stem.binding->host;

    if (neighbour->confirmed_ps + host->params.nud_retrans_ps <= host_moment(host)) {
        nud_event(neighbour, NUD_DOUBT);
    }
}

/* REACHABLE is re-armed lazily: the timer looks when the last confirmation was. */
void nud_timer(struct timer *timer, flue_ps now_ps)
{
    struct host_neighbour *neighbour = FLUE_CONTAINER_OF(timer, struct host_neighbour, timer);
    struct flue_host *host = neighbour->stem.binding->host;

    if (neighbour->state == FLUE_NEIGHBOUR_REACHABLE &&
        neighbour->confirmed_ps + host->params.nud_reachable_ps > now_ps) {
        timers_arm(host->timers, timer, neighbour->confirmed_ps + host->params.nud_reachable_ps);
        return;
    }
    host_enter(host, now_ps);
    nud_event(neighbour, NUD_TIMER);
    host_leave(host);
}
