/* SPDX-License-Identifier: GPL-2.0-only */
/* One direction of a link (see link.h). */
#include "wire/link.h"

#include <string.h>

#include "frame/frame.h"

enum { LINK_FIRST_CAPACITY = 256 };

flue_err link_init_room(struct link *link, const struct flue_env *env, const struct flue_wire_facts *facts,
                        uint32_t frames)
{
    *link = (struct link){.facts = *facts, .capacity = frames, .env = env};
    link->ring = env->allocate(env->ctx, frames * sizeof(*link->ring));
    return link->ring == NULL ? FLUE_ENOMEM : FLUE_OK;
}

flue_err link_init(struct link *link, const struct flue_env *env, const struct flue_wire_facts *facts)
{
    return link_init_room(link, env, facts, LINK_FIRST_CAPACITY);
}

uint32_t link_clear(struct link *link)
{
    const uint32_t frames = link->tail - link->head;

    link->head = link->unstarted = link->tail;
    link->free_ps = 0;
    return frames;
}

void link_dispose(struct link *link)
{
    if (link->ring != NULL)
        link->env->release(link->env->ctx, link->ring, link->capacity * sizeof(*link->ring));
    link->ring = NULL;
}

static flue_err grow(struct link *link)
{
    const uint32_t capacity = link->capacity * 2;
    struct link_entry *ring = link->env->allocate(link->env->ctx, capacity * sizeof(*ring));
    uint32_t i;

    if (ring == NULL)
        return FLUE_ENOMEM;
    for (i = link->head; i != link->tail; i++)
        ring[i & (capacity - 1)] = link->ring[i & (link->capacity - 1)];
    link->env->release(link->env->ctx, link->ring, link->capacity * sizeof(*link->ring));
    link->ring = ring;
    link->capacity = capacity;
    return FLUE_OK;
}

/* Frames that wait for the transmitter at now_ps: those whose transmission has not begun. */
static uint32_t waiting(struct link *link, flue_ps now_ps)
{
    if (link->unstarted - link->head > link->tail - link->head)
        link->unstarted = link->head; /* it lies behind */
    while (link->unstarted != link->tail && link->ring[link->unstarted & (link->capacity - 1)].start_ps <= now_ps)
        link->unstarted++;
    return link->tail - link->unstarted;
}

enum flue_wire_result link_send(struct link *link, const struct flue_frame *frame, flue_ps now_ps)
{
    const uint32_t bytes =
        (link->facts.has_mac != 0 ? frame_link_bytes(frame, true) : frame_ip_bytes(frame)) + link->facts.framing_bytes;
    struct link_entry *entry;

    /* Of those in the ring some have left already: they are told apart only when all of them would be too many. */
    if (link->free_ps > now_ps && link->tail - link->head >= link->facts.queue_frames &&
        waiting(link, now_ps) >= link->facts.queue_frames) {
        link->dropped++;
        return FLUE_WIRE_FULL;
    }
    if (link->tail - link->head == link->capacity && grow(link) != FLUE_OK) {
        link->dropped++;
        return FLUE_WIRE_FULL;
    }
    if (bytes != link->last_bytes) {
        link->last_bytes = bytes;
        link->last_ps = flue_wire_serialise_ps(bytes, link->facts.rate_bps);
    }
    entry = &link->ring[link->tail++ & (link->capacity - 1)];
    entry->start_ps = link->free_ps > now_ps ? link->free_ps : now_ps;
    link->free_ps = entry->start_ps + link->last_ps;
    entry->arrival_ps = link->free_ps + link->facts.delay_ps;
    memcpy(&entry->frame, frame, sizeof(*frame));
    link->sent++;
    return FLUE_WIRE_SENT;
}
