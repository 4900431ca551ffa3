/* SPDX-License-Identifier: GPL-2.0-only */
/* One direction of a bad network. */
#include "impair.h"

#include <stdlib.h>
#include <string.h>

#include "content.h"

#define PPM 1000000u

/* One packet that is under way. */
struct parcel {
    struct parcel *next;
    flue_ps due_ps;
    size_t bytes;
    uint8_t data[];
};

struct impair {
    struct impair_params params;
    uint64_t seed;
    impair_deliver_fn *deliver;
    void *ctx;
    struct parcel *first, *last; /* by due_ps; equal ones in the order of their coming */
    flue_ps free_ps;             /* when the bottleneck is free again */
    flue_ps quiet_until_ps;      /* end of the present spike */
    struct impair_totals totals;
};

struct impair *impair_new(const struct impair_params *params, uint64_t seed, impair_deliver_fn *deliver, void *ctx)
{
    struct impair *im = malloc(sizeof *im);

    if (im != NULL) {
        *im = (struct impair){.params = *params, .seed = seed, .deliver = deliver, .ctx = ctx};
    }
    return im;
}

void impair_clear(struct impair *im)
{
    while (im->first != NULL) {
        struct parcel *parcel = im->first;

        im->first = parcel->next;
        free(parcel);
    }
    im->last = NULL;
}

void impair_free(struct impair *im)
{
    if (im != NULL) {
        impair_clear(im);
        free(im);
    }
}

/* The k-th random number of the packet now going in. */
static uint64_t draw(const struct impair *im, unsigned k)
{
    return content_mix(im->seed ^ content_mix(im->totals.in * 16 + k));
}

static int happens(const struct impair *im, unsigned k, uint32_t ppm)
{
    return draw(im, k) % PPM < ppm;
}

static flue_ps up_to(const struct impair *im, unsigned k, flue_ps most_ps)
{
    return most_ps <= 0 ? 0 : (flue_ps)(draw(im, k) % (uint64_t)most_ps) + 1;
}

static void insert(struct impair *im, struct parcel *parcel)
{
    struct parcel **at = &im->first;

    if (im->last != NULL && im->last->due_ps <= parcel->due_ps) {
        at = &im->last->next;
    } else {
        while (*at != NULL && (*at)->due_ps <= parcel->due_ps) {
            at = &(*at)->next;
        }
    }
    parcel->next = *at;
    *at = parcel;
    if (parcel->next == NULL) {
        im->last = parcel;
    }
}

static struct parcel *wrap(const uint8_t *packet, size_t bytes, flue_ps due_ps)
{
    struct parcel *parcel = malloc(sizeof *parcel + bytes);

    if (parcel == NULL) {
        abort();
    }
    parcel->due_ps = due_ps;
    parcel->bytes = bytes;
    memcpy(parcel->data, packet, bytes);
    return parcel;
}

/* When the packet has passed the bottleneck; FLUE_PS_NEVER: its queue is full. */
static flue_ps pass_bottleneck(struct impair *im, size_t bytes, flue_ps now_ps)
{
    const struct impair_params *p = &im->params;
    flue_ps one_ps;

    if (p->rate_bps == 0) {
        return now_ps;
    }
    one_ps = (flue_ps)((uint64_t)bytes * 8u * (uint64_t)FLUE_PS_PER_S / p->rate_bps);
    if (im->free_ps < now_ps) {
        im->free_ps = now_ps;
    }
    if (p->queue_packets != 0 && im->free_ps - now_ps > (flue_ps)p->queue_packets * one_ps) {
        return FLUE_PS_NEVER;
    }
    im->free_ps += one_ps;
    return im->free_ps;
}

void impair_put(struct impair *im, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    const struct impair_params *p = &im->params;
    struct parcel *parcel;
    flue_ps due_ps;

    im->totals.in++;
    if (happens(im, 0, p->loss_ppm)) {
        im->totals.lost++;
        return;
    }
    due_ps = pass_bottleneck(im, bytes, now_ps);
    if (due_ps == FLUE_PS_NEVER) {
        im->totals.tail_dropped++;
        return;
    }
    if (happens(im, 1, p->spike_ppm) && im->quiet_until_ps <= now_ps) {
        im->quiet_until_ps = now_ps + p->spike_ps;
        im->totals.spikes++;
    }
    due_ps += p->delay_ps;
    if (happens(im, 2, p->reorder_ppm)) {
        due_ps += up_to(im, 3, p->reorder_ps);
        im->totals.reordered++;
    }
    if (due_ps < im->quiet_until_ps) {
        due_ps = im->quiet_until_ps;
    }
    parcel = wrap(packet, bytes, due_ps);
    if (bytes > 0 && happens(im, 4, p->corrupt_ppm)) {
        uint64_t bit = draw(im, 5) % (bytes * 8u);

        parcel->data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
        im->totals.corrupted++;
    }
    insert(im, parcel);
    if (happens(im, 6, p->duplicate_ppm)) {
        insert(im, wrap(packet, bytes, due_ps + up_to(im, 7, p->reorder_ps)));
        im->totals.duplicated++;
    }
}

void impair_run(struct impair *im, flue_ps now_ps)
{
    while (im->first != NULL && im->first->due_ps <= now_ps) {
        struct parcel *parcel = im->first;

        im->first = parcel->next;
        if (im->first == NULL) {
            im->last = NULL;
        }
        im->totals.out++;
        im->deliver(im->ctx, parcel->data, parcel->bytes, now_ps);
        free(parcel);
    }
}

flue_ps impair_deadline(const struct impair *im)
{
    return im->first == NULL ? FLUE_PS_NEVER : im->first->due_ps;
}

struct impair_totals impair_counts(const struct impair *im)
{
    return im->totals;
}
