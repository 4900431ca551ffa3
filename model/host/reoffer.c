/* SPDX-License-Identifier: GPL-2.0-only */
/* host/reoffer.c - the back-off of connections that had to come back (D-35).  A wait is on the list of its step, each
 * in order of time, since all waits of a step are alike; so one timer serves all. */
#include "host/offload.h"
#include "host/reoffer.h"
#include "host/socket.h"

#define BACK_OFF_MOST_PS (64 * FLUE_PS_PER_S)

/* NULL: no memory; it stays in software, unless somebody asks. */
static struct host_wait *wait_of(struct flue_host_socket *socket)
{
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic != NULL && traffic->wait == NULL) {
        traffic->wait = pool_get(&socket->pair->host->waits);
        if (traffic->wait != NULL) {
            *traffic->wait = (struct host_wait){.socket = socket};
        }
    }
    return traffic == NULL ? NULL : traffic->wait;
}

static void wait_in(struct host_wait *wait, struct flue_hook *list)
{
    if (hook_linked(&wait->hook)) {
        list_remove(&wait->hook);
    }
    wait->socket->flags |= SOCKET_REOFFER;
    list_push_back(list, &wait->hook);
}

void reoffer_back_off(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    const flue_ps first_ps = (flue_ps)host->params.ddi.reoffload_backoff_ms * FLUE_PS_PER_MS;
    flue_ps wait_ps = first_ps;

    for (unsigned i = 0; i < socket->driven_back && wait_ps < BACK_OFF_MOST_PS; i++) {
        wait_ps *= 2;
    }
    if (first_ps == 0 || wait_of(socket) == NULL) {
        return;
    }
    socket->driven_back = (uint8_t)(socket->driven_back < UINT8_MAX ? socket->driven_back + 1 : UINT8_MAX);
    socket->traffic->wait->not_before_ps =
        host->env->now(host->env->ctx) + (wait_ps < BACK_OFF_MOST_PS ? wait_ps : BACK_OFF_MOST_PS);
    if (host->params.reoffer != 0) {
        const unsigned step = socket->driven_back < HOST_REOFFER_STEPS ? socket->driven_back : HOST_REOFFER_STEPS;

        wait_in(socket->traffic->wait, &host->reoffers[step - 1]);
        if (timer_due(&host->reoffer) > socket->traffic->wait->not_before_ps) {
            timers_arm(host->timers, &host->reoffer, socket->traffic->wait->not_before_ps);
        }
    }
}

void reoffer_park(struct flue_host_socket *socket)
{
    struct host_wait *wait = socket->pair->host->params.reoffer != 0 ? wait_of(socket) : NULL;

    if (wait != NULL && !hook_linked(&wait->hook)) {
        wait_in(wait, &socket->pair->host->parked);
    }
}

/* Those whose time has come, of one step. */
static void ripen(struct flue_host *host, struct flue_hook *step, flue_ps now_ps, flue_ps *next_ps)
{
    struct flue_hook *hook;

    while ((hook = list_first(step)) != NULL) {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct host_wait, hook)->socket;

        if (socket->traffic->wait->not_before_ps > now_ps) {
            *next_ps =
                socket->traffic->wait->not_before_ps < *next_ps ? socket->traffic->wait->not_before_ps : *next_ps;
            break;
        }
        list_remove(hook);
        list_push_back(&host->ripe, hook);
    }
}

/* One timer for all: it fires at the earliest, looks at those whose time has come, and finds the next. */
void reoffer_due(struct timer *timer, flue_ps now_ps)
{
    struct flue_host *host = FLUE_CONTAINER_OF(timer, struct flue_host, reoffer);
    flue_ps next_ps = FLUE_PS_NEVER;
    struct flue_hook *hook;

    host_enter(host, now_ps);
    for (unsigned step = 0; step < HOST_REOFFER_STEPS; step++) {
        ripen(host, &host->reoffers[step], now_ps, &next_ps);
    }
    while ((hook = list_pop_front(&host->ripe)) != NULL) {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct host_wait, hook)->socket;

        if (offload_possible(socket)) {
            socket->flags &= ~(uint32_t)SOCKET_REOFFER;
            offload_want(socket, FLUE_MOVE_POLICY);
        } else { /* its adapter takes none, or it is on its way back; whatever ends that calls again */
            list_push_back(&host->parked, hook);
        }
    }
    timers_arm(host->timers, timer, next_ps);
    host_leave(host);
}

void reoffer_now(struct flue_host *host)
{
    if (host->params.reoffer != 0) {
        list_splice_back(&host->ripe, &host->parked);
        timers_arm(host->timers, &host->reoffer, host->env->now(host->env->ctx));
    }
}

void reoffer_is_back(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    if ((socket->flags & SOCKET_REOFFER) != 0 &&
        socket->traffic->wait->not_before_ps <= host->env->now(host->env->ctx)) {
        wait_in(socket->traffic->wait, &host->ripe);
        timers_arm(host->timers, &host->reoffer, host->env->now(host->env->ctx));
    }
}
