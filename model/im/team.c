/* SPDX-License-Identifier: GPL-2.0-only */
/* im/team.c - leaving an adapter (behaviour 12, 19.8): state cannot be moved between adapters, only through the host.
 * So the layers above are asked for everything, and when the last object has gone, ordinary traffic and offload go on
 * with the other adapter.  A team does so when it is told to, and when the adapter in use goes off or stops; a driver
 * on one adapter can only ask for everything, and say when the adapter is back. */
#include "im/im_core.h"

static struct im_edge *other(struct flue_im *im)
{
    struct im_edge *edge = &im->edges[1 - im->active];

    return im->edge_count > 1 && edge->binding != NULL && !edge->asleep ? edge : NULL;
}

/* PAUSE, and UPLOAD_ALL if there is something. */
static void ask(struct flue_im *im)
{
    im_hold_flush_up(im);
    im_status_up(im, NDIS_STATUS_OFFLOAD_PAUSE, NULL);
    if (im_active(im)->entries > 0) {
        im_status_up(im, NDIS_STATUS_UPLOAD_ALL, NULL);
    }
}

static void change_over(struct flue_im *im)
{
    im->active = 1 - im->active;
    im->move = IM_STAY;
    im->totals.fail_overs++;
    im_status_up(im, NDIS_STATUS_OFFLOAD_RESUME, im_active(im));
}

flue_err flue_im_fail_over(struct flue_im *im, flue_ps now_ps)
{
    if (other(im) == NULL || im->move != IM_STAY || im->miniport == NULL) {
        return FLUE_ESTATE;
    }
    im->move = IM_ASK;
    timers_arm(im->timers, &im->team, now_ps);
    return FLUE_OK;
}

static void answer_events(struct flue_im *im)
{
    for (unsigned i = 0; i < im->edge_count; i++) {
        struct im_edge *edge = &im->edges[i];

        for (unsigned kind = 0; kind < IM_EVENTS; kind++) {
            PNET_PNP_EVENT_NOTIFICATION event = edge->event[kind];

            if (event != NULL && edge->entries == 0 && (edge != im_active(im) || other(im) == NULL)) {
                edge->event[kind] = NULL;
                NdisCompleteNetPnPEvent(edge->binding, event, NDIS_STATUS_SUCCESS);
            }
        }
    }
}

void im_objects_gone(struct flue_im *im)
{
    if (im->move == IM_WAIT && im_active(im)->entries == 0 && !timer_armed(&im->team)) {
        timers_arm(im->timers, &im->team, im_now(im));
    }
    answer_events(im);
    im_power_check(im);
}

void im_team_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_im *im = FLUE_CONTAINER_OF(timer, struct flue_im, team);

    (void)now_ps;
    if (im->move == IM_ASK) {
        im->move = IM_WAIT;
        ask(im);
    } else if (im->move == IM_WAIT && im_active(im)->entries == 0) {
        if (other(im) != NULL) {
            change_over(im);
        } else { /* it has gone meanwhile */
            im->move = IM_STAY;
            im_status_up(im, NDIS_STATUS_OFFLOAD_RESUME, im_active(im));
        }
    }
    im_objects_gone(im);
}

/* ---- An adapter below goes off, stops, or comes back ---- */

/* An adapter may be stopped while it is still going to sleep. */
static NDIS_STATUS wait_for_objects(struct im_edge *edge, PNET_PNP_EVENT_NOTIFICATION event)
{
    edge->event[event->NetEvent == NetEventSetPower ? IM_SLEEPS : IM_STOPS] = event;
    return NDIS_STATUS_PENDING;
}

/* To the other adapter: at once if there is nothing to move. */
static NDIS_STATUS leave(struct im_edge *edge, PNET_PNP_EVENT_NOTIFICATION event)
{
    struct flue_im *im = edge->im;

    if (im->move == IM_STAY && edge->entries == 0) {
        ask(im);
        change_over(im);
        return NDIS_STATUS_SUCCESS;
    }
    if (im->move == IM_STAY) {
        im->move = IM_ASK;
        timers_arm(im->timers, &im->team, im_now(im));
    }
    return wait_for_objects(edge, event);
}

static NDIS_STATUS wake(struct im_edge *edge)
{
    struct flue_im *im = edge->im;

    if (edge->asleep) {
        edge->asleep = false;
        if (edge == im_active(im) && im->move == IM_STAY) {
            im_status_up(im, NDIS_STATUS_OFFLOAD_RESUME, edge);
        }
    }
    return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS im_net_event(struct im_edge *edge, PNET_PNP_EVENT_NOTIFICATION event)
{
    struct flue_im *im = edge->im;
    const bool power = event->NetEvent == NetEventSetPower;

    if (im->miniport == NULL || event->NetEvent == NetEventRestart) {
        return NDIS_STATUS_SUCCESS;
    }
    if (power && event->Value == NetDeviceStateD0) {
        return wake(edge);
    }
    edge->asleep = edge->asleep || power;
    if (edge != im_active(im)) {
        return NDIS_STATUS_SUCCESS;
    }
    if (other(im) != NULL) {
        return leave(edge, event);
    }
    if (!power) {
        return NDIS_STATUS_SUCCESS; /* the virtual adapter stops, too: N has told the layers above */
    }
    ask(im);
    return edge->entries == 0 ? NDIS_STATUS_SUCCESS : wait_for_objects(edge, event);
}
