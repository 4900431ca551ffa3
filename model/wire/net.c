/* SPDX-License-Identifier: GPL-2.0-only */
/* A network with no ns-3: two nodes, a link, an event loop over four sources (an alarm for each node, the head of each
 * direction).  With so few sources the earliest is found by looking at all of them. */
#include "flue/net.h"

#include <stdlib.h>

#include "wire/link.h"
#include "wire/memory.h"

enum { NODES = 2 };

struct net_port {
    struct net *net;
    unsigned node;
};

struct net {
    flue_ps now_ps;
    flue_ps alarm_ps[NODES];
    struct link link[NODES]; /* [i]: sent by node i */
    struct flue_env env[NODES];
    struct flue_wire wire[NODES];
    struct net_port port[NODES];
    struct flue_net_client client[NODES];
    struct flue_net_totals totals;
    struct flue_net_memory memory;
    int stopped;
};

static flue_ps port_now(void *ctx)
{
    return ((struct net_port *)ctx)->net->now_ps;
}

static void port_set_alarm(void *ctx, flue_ps at_ps)
{
    const struct net_port *port = ctx;

    port->net->alarm_ps[port->node] = at_ps;
}

static void *port_allocate(void *ctx, size_t bytes)
{
    struct net *net = ((struct net_port *)ctx)->net;

    return wire_allocate(&net->memory, &net->totals, bytes);
}

static void port_release(void *ctx, void *memory, size_t bytes)
{
    struct net *net = ((struct net_port *)ctx)->net;

    wire_release(&net->memory, &net->totals, memory, bytes);
}

static enum flue_wire_result port_send(void *ctx, const struct flue_frame *frame)
{
    const struct net_port *port = ctx;

    return link_send(&port->net->link[port->node], frame, port->net->now_ps);
}

static const struct flue_env *net_env(void *ctx, unsigned node)
{
    return &((struct net *)ctx)->env[node];
}

static const struct flue_wire *net_wire(void *ctx, unsigned node)
{
    return &((struct net *)ctx)->wire[node];
}

static void net_attach(void *ctx, unsigned node, const struct flue_net_client *client)
{
    ((struct net *)ctx)->client[node] = *client;
}

/* Frames before alarms, node 0 before node 1: any fixed order would do, since what reaches a node at one instant is put
 * in order by the node itself. */
static void net_run(void *ctx, flue_ps until_ps)
{
    struct net *net = ctx;

    net->stopped = 0;
    while (!net->stopped) {
        flue_ps first_ps = link_next_ps(&net->link[0]);
        unsigned source = 0;

        if (link_next_ps(&net->link[1]) < first_ps) {
            first_ps = link_next_ps(&net->link[1]);
            source = 1;
        }
        if (net->alarm_ps[0] < first_ps) {
            first_ps = net->alarm_ps[0];
            source = 2;
        }
        if (net->alarm_ps[1] < first_ps) {
            first_ps = net->alarm_ps[1];
            source = 3;
        }
        if (first_ps > until_ps || first_ps == FLUE_PS_NEVER) {
            if (until_ps != FLUE_PS_NEVER)
                net->now_ps = until_ps; /* as ns-3 does */
            return;
        }
        if (first_ps > net->now_ps)
            net->now_ps = first_ps;
        net->totals.events++;
        if (source < NODES) {
            const unsigned receiver = 1 - source;
            /* The ring may grow while the receiver sends, but only its own direction's: this entry stays put. */
            net->client[receiver].receive(net->client[receiver].ctx, link_pop(&net->link[source]));
        } else {
            const unsigned node = source - NODES;

            net->alarm_ps[node] = FLUE_PS_NEVER;
            net->client[node].alarm(net->client[node].ctx);
        }
    }
}

static void net_stop(void *ctx)
{
    ((struct net *)ctx)->stopped = 1;
}

static flue_ps net_now(void *ctx)
{
    return ((struct net *)ctx)->now_ps;
}

static void net_totals(void *ctx, struct flue_net_totals *out)
{
    struct net *net = ctx;
    unsigned i;

    for (i = 0; i < NODES; i++) {
        net->totals.frames[i] = net->link[i].sent;
        net->totals.dropped[i] = net->link[i].dropped;
    }
    *out = net->totals;
}

static void net_free(void *ctx)
{
    struct net *net = ctx;
    unsigned i;

    for (i = 0; i < NODES; i++)
        link_dispose(&net->link[i]);
    free(net);
}

flue_err flue_net_link(const struct flue_net_params *params, struct flue_net *out)
{
    struct net *net;
    unsigned i;

    if (params->facts.rate_bps == 0 || params->facts.rate_bps > (uint64_t)FLUE_PS_PER_S || params->facts.delay_ps < 0)
        return FLUE_EINVAL;
    net = calloc(1, sizeof(*net));
    if (net == NULL)
        return FLUE_ENOMEM;
    net->memory = params->memory;
    for (i = 0; i < NODES; i++) {
        net->port[i] = (struct net_port){.net = net, .node = i};
        net->alarm_ps[i] = FLUE_PS_NEVER;
        net->env[i] = (struct flue_env){.ctx = &net->port[i],
                                        .now = port_now,
                                        .set_alarm = port_set_alarm,
                                        .allocate = port_allocate,
                                        .release = port_release,
                                        .seed = params->seed};
        net->wire[i] = (struct flue_wire){.ctx = &net->port[i], .facts = params->facts, .send = port_send};
        if (link_init(&net->link[i], &net->env[i], &params->facts) != FLUE_OK) {
            net_free(net);
            return FLUE_ENOMEM;
        }
    }
    *out = (struct flue_net){.ctx = net,
                             .name = "link",
                             .env = net_env,
                             .wire = net_wire,
                             .attach = net_attach,
                             .run = net_run,
                             .stop = net_stop,
                             .now = net_now,
                             .totals = net_totals,
                             .free = net_free};
    return FLUE_OK;
}
