/* SPDX-License-Identifier: GPL-2.0-only */
/* All that a scenario schedules, by keys and by events; and which of it cannot be. */
#include <stdio.h>
#include <string.h>

#include "run/choices.h"
#include "run/flow.h"
#include "run/moments.h"

/* The keys of a scenario that are short for one event each; in this order if at one time. */
static int short_keys(const struct flue_scenario *scenario, struct event out[])
{
    const struct event known[SCHEDULE_KEYS] = {
        {.at_ps = scenario->offload_at, .kind = EVENT_OFFLOAD},
        {.at_ps = scenario->upload_at, .kind = EVENT_UPLOAD},
        {.at_ps = scenario->update_at, .kind = EVENT_UPDATE},
        {.at_ps = scenario->query_at, .kind = EVENT_QUERY},
        {.at_ps = scenario->invalidate_at, .kind = EVENT_INVALIDATE},
        {.at_ps = scenario->pause_at, .kind = EVENT_PAUSE},
        {.at_ps = scenario->resume_at, .kind = EVENT_RESUME},
        {.at_ps = scenario->upload_all_at, .kind = EVENT_UPLOAD_ALL},
        {.at_ps = scenario->chimney_off_at, .kind = EVENT_CHIMNEY_OFF},
        {.at_ps = scenario->chimney_on_at, .kind = EVENT_CHIMNEY_ON},
        {.at_ps = scenario->fail_over_at, .kind = EVENT_FAIL_OVER},
        {.at_ps = scenario->rss_remap_at, .kind = EVENT_RSS_REMAP, .arg = {1}},
        {.at_ps = scenario->gateway_down, .kind = EVENT_GATEWAY_DOWN, .arg = {1}},
    };
    int count = 0;

    for (unsigned i = 0; i < SCHEDULE_KEYS; i++)
        if (known[i].at_ps != FLUE_PS_NEVER)
            out[count++] = known[i];
    return count;
}

void schedule_read(const struct flue_scenario *scenario, struct schedule *out)
{
    const int keys = short_keys(scenario, out->event);
    const int written =
        events_parse(scenario->events.text, out->event + keys, out->why, sizeof(out->why), &out->column);

    out->count = written < 0 ? -1 : keys + written;
}

/* Whether one of these kinds comes before (after) an event. */
static int comes(const struct event *events, int count, const struct event *than, int later, uint64_t kinds)
{
    for (int i = 0; i < count; i++)
        if ((kinds >> events[i].kind & 1) != 0 &&
            (events[i].after_start != than->after_start ? events[i].after_start == later
             : later                                    ? events[i].at_ps > than->at_ps
                                                        : events[i].at_ps < than->at_ps))
            return 1;
    return 0;
}

/* Whether one of these kinds comes after an event that has a time of its own, at a time of its own. */
static int comes_alike(const struct event *events, int count, const struct event *than, uint64_t kinds)
{
    for (int i = 0; i < count; i++)
        if ((kinds >> events[i].kind & 1) != 0 && !events[i].after_start && events[i].at_ps > than->at_ps)
            return 1;
    return 0;
}

#define KIND(id) (UINT64_C(1) << EVENT_##id)

/* What has to come before or after an event for a run to make sense, or to end at all. */
static const struct {
    uint64_t of, needs;
    int later;
    const char *wrong;
    const char *wrong_start; /* what has to come counts from the start of traffic, which may wait for it */
} orders[] = {
    {KIND(RESUME), KIND(PAUSE) | KIND(UPLOAD_ALL), 0,
     "resume must lie after pause or upload-all: nothing else is resumed", NULL},
    {KIND(PAUSE), KIND(RESUME) | KIND(UPLOAD_ALL), 1,
     "pause needs resume or upload-all later: what is being handed over then would wait for ever",
     "resume or upload-all counts from the start of traffic, which may wait for it; write both times with +, or none"},
    {KIND(CHIMNEY_ON), KIND(CHIMNEY_OFF), 0, "chimney-on must lie after chimney-off: it is on from the start", NULL},
    {KIND(WAKE), KIND(SLEEP), 0, "wake must lie after sleep: the adapter is awake from the start", NULL},
    {KIND(SLEEP), KIND(WAKE), 1, "sleep needs wake later: nothing passes a sleeping adapter",
     "wake counts from the start of traffic, which may wait for it; write both times with +, or none"},
    {KIND(GATEWAY_UP), KIND(GATEWAY_DOWN), 0, "gateway-up must lie after gateway-down: both are up from the start",
     NULL},
    {KIND(LINK_UP), KIND(LINK_DOWN), 0, "link-up must lie after link-down: it is up from the start", NULL},
    {KIND(LINK_DOWN), KIND(LINK_UP), 1, "link-down needs link-up later: nothing passes without a link",
     "link-up counts from the start of traffic, which may wait for it; write both times with +, or none"},
};

static const char *order_wrong(const struct event *events, int count, const struct event *event)
{
    for (unsigned k = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
        if ((orders[k].of >> event->kind & 1) == 0)
            continue;
        if (!comes(events, count, event, orders[k].later, orders[k].needs))
            return orders[k].wrong;
        if (orders[k].later && !event->after_start && !comes_alike(events, count, event, orders[k].needs))
            return orders[k].wrong_start;
    }
    return NULL;
}

static const char *node_wrong(const struct flue_scenario *scenario)
{
    if (scenario->topology != TOPOLOGY_SWITCH || scenario->adapters != 1)
        return "migrate to=node needs two servers on one switch, with one adapter each; set topology=switch and "
               "adapters=1";
    if (scenario->server_addresses > 1)
        return "migrate to=node moves one address; set server_addresses=1";
    if (scenario->loss_list.text[0] != '\0')
        return "loss_list counts the frames of one server; leave it out";
    if (scenario->migrate_strays == STRAYS_DROP && (scenario->migrate_when != 0 || scenario->migrate_pace != 0))
        return "migrate_strays=drop: a connection that waits for its turn would get nothing any more; set "
               "migrate_when=now and migrate_pace=0";
    return NULL;
}

static const char *place_wrong(const struct flue_scenario *scenario, const struct event *event, int foreign)
{
    const uint64_t kind = UINT64_C(1) << event->kind;

    if ((kind & (KIND(GATEWAY_DOWN) | KIND(GATEWAY_UP) | KIND(RELINK) | KIND(MAC_CHANGE) | KIND(PATH_MTU))) != 0 &&
        scenario->topology != TOPOLOGY_GATEWAYS)
        return "gateway-down, gateway-up, relink, mac-change and path-mtu need gateways; set topology=gateways";
    if (event->kind == EVENT_PATH_MTU && scenario->net == FLUE_NET_NS3)
        return "ns-3's routers cut IPv4 packets in spite of \"don't fragment\" and send no ICMP, so nobody would learn "
               "the path's mtu; use --net link, or far_mtu, with which they cut";
    if (event->kind == EVENT_RELINK && event->arg[0] == event->arg[1])
        return "relink from a gateway to itself; write for example: relink from=1 to=2";
    if ((kind & (KIND(LINK_DOWN) | KIND(LINK_UP))) != 0 && scenario->topology == TOPOLOGY_LINK)
        return "link-down and link-up need a port of a switch; set topology=switch or topology=gateways";
    if ((kind & (KIND(HANG) | KIND(LOSE_COMPLETION))) != 0 && scenario->hang_after == FLUE_PS_NEVER)
        return "hang and lose-completion need somebody who misses the operation; set hang_after";
    if (event->kind == EVENT_RSS_REMAP && scenario->rss_queues < 2)
        return "rss-remap needs several receive queues; set rss_queues=2 or more";
    if (event->kind == EVENT_FAIL_OVER && strncmp(scenario->drivers.text, "team", 4) != 0)
        return "fail-over needs the driver team; set drivers=team, adapters=2 and topology=switch";
    if (event->kind == EVENT_MIGRATE && event->arg[0] == MIGRATE_NODE)
        return node_wrong(scenario);
    if (event->kind == EVENT_MIGRATE && (scenario->adapters != 2 || scenario->drivers.text[0] != '\0'))
        return "migrate to=adapter needs a second adapter, and no team; set adapters=2 and topology=switch, and leave "
               "drivers out";
    if ((kind & (KIND(SLEEP) | KIND(WAKE))) != 0 && scenario->drivers.text[0] != '\0')
        return "sleep and wake are for an adapter without drivers above it; leave drivers out";
    if (foreign && (strcmp(event_info(event->kind)->group, "adapter") == 0 ||
                    strcmp(event_info(event->kind)->group, "fault") == 0))
        return "events of the adapter and faults cannot be with --target: only Flue's own adapter can be told to";
    return NULL;
}

flue_err schedule_possible(const struct flue_scenario *scenario, const struct schedule *schedule, int foreign,
                           char *message, size_t room)
{
    const char *wrong = NULL;
    char text[128];

    if (schedule->count < 0) {
        (void)snprintf(message, room, "events: column %d: %s", schedule->column, schedule->why);
        return FLUE_EINVAL;
    }
    for (int i = 0; i < schedule->count && wrong == NULL; i++) {
        wrong = place_wrong(scenario, &schedule->event[i], foreign);
        if (wrong == NULL)
            wrong = order_wrong(schedule->event, schedule->count, &schedule->event[i]);
        if (wrong != NULL) {
            event_format(&schedule->event[i], text, sizeof(text));
            (void)snprintf(message, room, "events: %s: %s", text, wrong);
        }
    }
    return wrong == NULL ? FLUE_OK : FLUE_EINVAL;
}

int schedule_to_node(const struct schedule *schedule)
{
    for (int i = 0; i < schedule->count; i++)
        if (schedule->event[i].kind == EVENT_MIGRATE && schedule->event[i].arg[0] == MIGRATE_NODE)
            return 1;
    return 0;
}

int schedule_has(const struct schedule *schedule, enum event_kind kind)
{
    for (int i = 0; i < schedule->count; i++)
        if (schedule->event[i].kind == kind)
            return 1;
    return 0;
}

unsigned world_second_server(const struct flue_scenario *scenario)
{
    struct schedule schedule;

    schedule_read(scenario, &schedule);
    return schedule_to_node(&schedule) ? CLIENT + (unsigned)scenario->clients : 0;
}

/* How often, at most, the adapter's driver has to miss an operation that is not completed, one after the other. */
uint64_t schedule_missed(const struct schedule *schedule)
{
    uint64_t missed = 0;

    for (int i = 0; i < schedule->count; i++)
        if (schedule->event[i].kind == EVENT_HANG || schedule->event[i].kind == EVENT_LOSE_COMPLETION)
            missed += (uint64_t)schedule->event[i].arg[1];
    return missed;
}
