/* SPDX-License-Identifier: GPL-2.0-only */
/* target/port.c - the transmit ring: ordinary frames and the engine's share one wire.
 *
 * Each frame has the time from which it is ready (fetched from host memory).  The one that is ready first goes first.
 * It is given to the wire as soon as it is certain that it is the next: when it is ready now, or will be before the
 * wire is free.  So the wire never idles while a frame is ready, and no frame starts before it is. */

#include <assert.h>

#include "frame/frame.h"
#include "target/target.h"

static flue_ps later(flue_ps a, flue_ps b)
{
    return a > b ? a : b;
}

static flue_ps serialise(struct flue_target *target, const struct flue_frame *frame)
{
    struct port *port = &target->port;
    const struct flue_wire_facts *facts = &target->wire->facts;
    const uint32_t bytes = frame_ip_bytes(frame) + facts->framing_bytes;
    const unsigned which = frame->payload.length_bytes == 0;

    if (port->known[which].bytes != bytes) {
        port->known[which].bytes = bytes;
        port->known[which].time_ps = flue_wire_serialise_ps(bytes, facts->rate_bps);
    }
    return port->known[which].time_ps;
}

static void reap(struct port *port, flue_ps now_ps)
{
    const flue_ps *front;

    while ((front = (const flue_ps *)ring_front(&port->departures)) != NULL && *front <= now_ps) {
        ring_pop(&port->departures);
    }
}

/* Gives a frame to the wire.  One that the wire's queue has no room for is lost, as on any wire. */
static void commit(struct flue_target *target, const struct flue_frame *frame, PNET_BUFFER_LIST nbl, flue_ps now_ps)
{
    struct port *port = &target->port;
    flue_ps departure_ps = later(port->free_ps, now_ps); /* completions keep the order of the frames */

    if (target->wire->send(target->wire->ctx, frame) == FLUE_WIRE_SENT) {
        const flue_ps time_ps = serialise(target, frame);
        flue_ps *departure;

        departure_ps += time_ps;
        port->free_ps = departure_ps;
        port->busy_ps += (uint64_t)time_ps;
        target->totals.frames_out++;
        reap(port, now_ps);
        departure = (flue_ps *)ring_push(&port->departures);
        assert(departure != NULL && "no memory for the transmit ring");
        *departure = departure_ps;
    } else {
        target->totals.wire_full++;
    }
    if (nbl != NULL) {
        struct sent *sent = (struct sent *)ring_push(&target->sent);

        assert(sent != NULL && "no memory for a send completion");
        *sent = (struct sent){.departure_ps = departure_ps, .nbl = nbl};
        interrupt_arm(target);
    }
}

/* Commits what can be committed; arms the timer for the next. */
static void run(struct flue_target *target, flue_ps now_ps)
{
    struct port *port = &target->port;

    for (;;) {
        const struct port_entry *ordinary = (const struct port_entry *)ring_front(&port->queues[PORT_ORDINARY]);
        const struct port_entry *engine = (const struct port_entry *)ring_front(&port->queues[PORT_ENGINE]);
        const bool engine_first = ordinary == NULL || (engine != NULL && engine->ready_ps < ordinary->ready_ps);
        const struct port_entry *first = engine_first ? engine : ordinary;

        if (first == NULL) {
            return;
        }
        if (first->ready_ps > later(now_ps, port->free_ps)) {
            timers_arm(target->timers, &port->timer, first->ready_ps);
            return;
        }
        commit(target, &first->frame, first->nbl, now_ps);
        ring_pop(&port->queues[engine_first ? PORT_ENGINE : PORT_ORDINARY]);
    }
}

static void fire(struct timer *timer, flue_ps now_ps)
{
    struct port *port = FLUE_CONTAINER_OF(timer, struct port, timer);
    struct flue_target *target = FLUE_CONTAINER_OF(port, struct flue_target, port);

    run(target, now_ps);
    engine_pump(target, now_ps);
}

void port_push(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
               PNET_BUFFER_LIST nbl, flue_ps ready_ps)
{
    struct port *port = &target->port;
    const flue_ps now_ps = target_now(target);
    const bool idle = port->queues[PORT_ORDINARY].count == 0 && port->queues[PORT_ENGINE].count == 0;
    struct port_entry *entry;

    ready_ps = later(ready_ps, port->ready_ps[source]);
    port->ready_ps[source] = ready_ps;
    if (idle && ready_ps <= later(now_ps, port->free_ps)) {
        commit(target, frame, nbl, now_ps);
        return;
    }
    entry = (struct port_entry *)ring_push(&port->queues[source]);
    assert(entry != NULL && "no memory for the transmit ring");
    entry->ready_ps = ready_ps;
    entry->nbl = nbl;
    entry->frame = *frame;
    if (port->queues[source].count == 1) {
        run(target, now_ps);
    }
}

uint32_t port_backlog(struct flue_target *target, flue_ps now_ps)
{
    struct port *port = &target->port;

    reap(port, now_ps);
    return port->departures.count + port->queues[PORT_ORDINARY].count + port->queues[PORT_ENGINE].count;
}

flue_ps port_falls_to(const struct flue_target *target, uint32_t frames)
{
    const struct port *port = &target->port;
    const uint32_t waiting = port->queues[PORT_ORDINARY].count + port->queues[PORT_ENGINE].count;

    if (waiting > frames) {
        return FLUE_PS_NEVER;
    }
    frames -= waiting;
    if (port->departures.count <= frames) {
        return 0;
    }
    return *(const flue_ps *)ring_at(&port->departures, port->departures.count - frames - 1);
}

void port_init(struct flue_target *target)
{
    struct port *port = &target->port;

    for (unsigned source = 0; source < PORT_SOURCES; source++) {
        ring_init(&port->queues[source], target->env, sizeof(struct port_entry));
    }
    ring_init(&port->departures, target->env, sizeof(flue_ps));
    timer_setup(&port->timer, fire);
}

void port_dispose(struct flue_target *target)
{
    struct port *port = &target->port;

    timers_remove(target->timers, &port->timer);
    for (unsigned source = 0; source < PORT_SOURCES; source++) {
        ring_dispose(&port->queues[source]);
    }
    ring_dispose(&port->departures);
}
