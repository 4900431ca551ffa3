/* SPDX-License-Identifier: GPL-2.0-only */
/* target/port.c - the transmit ring: ordinary frames and the engine's share one wire.
 *
 * Each frame has the time from which it is ready (fetched from host memory).  The one that is ready first goes first.
 * It is given to the wire as soon as it is certain that it is the next: when it is ready now, or will be before the
 * wire is free.  So the wire never idles while a frame is ready, and no frame starts before it is.  The wire's transmit
 * queue is never overrun: while it is full, frames wait here. */

#include "frame/frame.h"
#include "target/target.h"

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

static void reap(struct ring *departures, flue_ps now_ps)
{
    const flue_ps *front;

    while ((front = (const flue_ps *)ring_front(departures)) != NULL && *front <= now_ps) {
        ring_pop(departures);
    }
}

/* When the first of the frames given to the wire leaves it.  There is one. */
static flue_ps next_departure(const struct port *port)
{
    const flue_ps *ordinary = (const flue_ps *)ring_front(&port->departures[PORT_ORDINARY]);
    const flue_ps *engine = (const flue_ps *)ring_front(&port->departures[PORT_ENGINE]);

    return engine == NULL || (ordinary != NULL && *ordinary < *engine) ? *ordinary : *engine;
}

void port_lose(struct flue_target *target, PNET_BUFFER_LIST nbl)
{
    ndis_chain_append(&target->lost, nbl);
    interrupt_arm(target->queues);
}

/* One that the wire refuses all the same, or that memory runs out for, is lost, and counted. */
void port_commit(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
                 PNET_BUFFER_LIST nbl, flue_ps now_ps)
{
    struct port *port = &target->port;
    flue_ps departure_ps = port_later(port->free_ps, now_ps); /* completions keep the order of the frames */

    reap(&port->departures[source], now_ps);
    if (ring_reserve(&port->departures[source], 1) != FLUE_OK) {
        target->totals.starved_drops++;
    } else if (target->wire->send(target->wire->ctx, frame) == FLUE_WIRE_SENT) {
        const flue_ps time_ps = serialise(target, frame);

        departure_ps += time_ps;
        port->free_ps = departure_ps;
        port->busy_ps += (uint64_t)time_ps;
        target->totals.frames_out++;
        *(flue_ps *)ring_push(&port->departures[source]) = departure_ps;
    } else {
        target->totals.wire_full++;
        if (source == PORT_ENGINE) {
            statistics_out_lost(target, frame);
        }
        flue_trace3(target->trace, wire_drop, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes,
                    frame->flags);
    }
    port->given[source]++;
    if (target->invalidates.first != NULL) {
        invalidate_advance(target, now_ps);
    }
    disconnect_advance(target, now_ps);
    if (nbl != NULL) {
        struct sent *sent = (struct sent *)ring_push(&target->sent);

        if (sent == NULL) {
            port_lose(target, nbl); /* the frame has left; only the time of that is forgotten */
            return;
        }
        *sent = (struct sent){.departure_ps = departure_ps, .nbl = nbl};
        interrupt_arm(target->queues);
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
        const enum port_source source = engine_first ? PORT_ENGINE : PORT_ORDINARY;

        if (first == NULL) {
            return;
        }
        if (first->ready_ps > port_later(now_ps, port->free_ps)) {
            timers_arm(target->timers, &port->timer, first->ready_ps);
            return;
        }
        if (!port_has_room(target)) {
            reap(&port->departures[PORT_ORDINARY], now_ps);
            reap(&port->departures[PORT_ENGINE], now_ps);
        }
        if (!port_has_room(target)) {
            timers_arm(target->timers, &port->timer, next_departure(port));
            return;
        }
        port_commit(target, source, &first->frame, first->nbl, now_ps);
        ring_pop(&port->queues[source]);
    }
}

static void fire(struct timer *timer, flue_ps now_ps)
{
    struct port *port = FLUE_CONTAINER_OF(timer, struct port, timer);
    struct flue_target *target = FLUE_CONTAINER_OF(port, struct flue_target, port);

    run(target, now_ps);
    engine_pump(target, now_ps);
}

void port_queue(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
                PNET_BUFFER_LIST nbl, flue_ps ready_ps, flue_ps now_ps)
{
    struct port *port = &target->port;
    struct port_entry *entry = (struct port_entry *)ring_push(&port->queues[source]);

    if (entry == NULL) {
        target->totals.starved_drops++;
        port->given[source]++;
        if (nbl != NULL) {
            port_lose(target, nbl);
        }
        return;
    }
    entry->ready_ps = ready_ps;
    entry->nbl = nbl;
    entry->frame = *frame;
    if (port->queues[source].count == 1) {
        run(target, now_ps);
    }
}

uint32_t port_backlog(struct flue_target *target, enum port_source source, flue_ps now_ps)
{
    struct port *port = &target->port;

    reap(&port->departures[source], now_ps);
    return port->departures[source].count + port->queues[source].count;
}

flue_ps port_falls_to(const struct flue_target *target, enum port_source source, uint32_t frames)
{
    const struct ring *departures = &target->port.departures[source];
    const uint32_t waiting = target->port.queues[source].count;

    if (waiting > frames) {
        return FLUE_PS_NEVER;
    }
    frames -= waiting;
    return departures->count <= frames ? 0 : *(const flue_ps *)ring_at(departures, departures->count - frames - 1);
}

void port_init(struct flue_target *target)
{
    struct port *port = &target->port;

    for (unsigned source = 0; source < PORT_SOURCES; source++) {
        ring_init(&port->queues[source], target->env, sizeof(struct port_entry));
        ring_init(&port->departures[source], target->env, sizeof(flue_ps));
    }
    timer_setup(&port->timer, fire);
}

void port_dispose(struct flue_target *target)
{
    struct port *port = &target->port;

    timers_remove(target->timers, &port->timer);
    for (unsigned source = 0; source < PORT_SOURCES; source++) {
        ring_dispose(&port->queues[source]);
        ring_dispose(&port->departures[source]);
    }
}
