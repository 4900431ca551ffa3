/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/network.c - losses, copies, delays, marks, and a router that says what is too big for it. */
#include "stream/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "frame/icmp.h"

void network_init(struct network *network, const struct spec *spec, network_watch *watch, void *watch_ctx)
{
    *network = (struct network){.spec = spec, .watch = watch, .watch_ctx = watch_ctx};
    rng_init(&network->rng[0], spec->seed, "network 0");
    rng_init(&network->rng[1], spec->seed, "network 1");
}

void network_dispose(struct network *network)
{
    for (size_t i = 0; i < network->count; i++) {
        free(network->heap[i]);
    }
    free(network->heap);
}

static bool before(const struct packet *a, const struct packet *b)
{
    return a->at_ps != b->at_ps ? a->at_ps < b->at_ps : a->order < b->order;
}

static void push(struct network *network, struct packet *packet)
{
    size_t at = network->count++;

    if (network->count > network->room) {
        network->room = network->room == 0 ? 64 : 2 * network->room;
        network->heap = realloc(network->heap, network->room * sizeof(struct packet *));
        if (network->heap == NULL) {
            abort();
        }
    }
    for (; at > 0 && before(packet, network->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        network->heap[at] = network->heap[(at - 1) / 2];
    }
    network->heap[at] = packet;
}

flue_ps network_next(const struct network *network)
{
    return network->count == 0 ? FLUE_PS_NEVER : network->heap[0]->at_ps;
}

struct packet *network_take(struct network *network)
{
    struct packet *first = network->heap[0];
    struct packet *last = network->heap[--network->count];
    size_t at = 0;
    size_t child;

    while ((child = 2 * at + 1) < network->count) {
        if (child + 1 < network->count && before(network->heap[child + 1], network->heap[child])) {
            child++;
        }
        if (!before(network->heap[child], last)) {
            break;
        }
        network->heap[at] = network->heap[child];
        at = child;
    }
    network->heap[at] = last;
    return first;
}

static struct packet *launch(struct network *network, unsigned to, const uint8_t *bytes, size_t length, flue_ps at_ps)
{
    struct packet *packet = malloc(sizeof *packet + length);

    if (packet == NULL) {
        abort();
    }
    *packet = (struct packet){.at_ps = at_ps, .order = network->order++, .bytes = (uint32_t)length, .to = to};
    memcpy(packet->data, bytes, length);
    push(network, packet);
    return packet;
}

/* RFC 3168 5: ECT becomes CE. */
static bool mark(struct packet *packet)
{
    uint8_t *at = packet->data;

    if (at[0] >> 4 == 6) {
        if ((at[1] & 0x30) == 0) {
            return false;
        }
        at[1] |= 0x30;
        return true;
    }
    if ((at[1] & FLUE_ECN_MASK) == FLUE_ECN_NOT_ECT) {
        return false;
    }
    at[1] |= FLUE_ECN_CE;
    at[10] = 0;
    at[11] = 0;
    {
        uint16_t sum = frame_sum_finish(frame_sum(0, at, (size_t)(at[0] & 15) * 4));

        at[10] = (uint8_t)(sum >> 8);
        at[11] = (uint8_t)sum;
    }
    return true;
}

/* The router's answer to what is too big for it (RFC 1191 4, RFC 4443 3.2). */
static void answer_too_big(struct network *network, unsigned from, const uint8_t *bytes, size_t length,
                           uint32_t mtu_bytes, flue_ps now_ps)
{
    const struct spec_path *path = &network->spec->path[from];
    struct flue_frame about;
    uint8_t answer[FRAME_ICMP_MAX_BYTES];
    size_t answer_bytes;

    if (frame_decode(bytes, length, &about, false) != FLUE_OK) {
        abort(); /* a stack has sent what is no packet */
    }
    answer_bytes =
        frame_icmp_encode(&(struct frame_icmp){.from_ip = network->spec->v6 ? (struct flue_ip){{0x20010db8, 1, 0, 1}}
                                                                            : flue_ip_v4(0x0a0000fe),
                                               .kind = FRAME_ICMP_TOO_BIG,
                                               .mtu_bytes = path->old_router ? 0 : mtu_bytes},
                          &about, answer, sizeof answer);
    assert(answer_bytes > 0);
    if (rng_chance_ppm(&network->rng[from], path->loss_ppm)) {
        return;
    }
    (void)launch(network, from, answer, answer_bytes, now_ps + path->delay_ps);
}

/* The moment at which the link has sent this packet; FLUE_PS_NEVER: its queue is full. */
static flue_ps through_link(struct network *network, unsigned from, size_t length, flue_ps now_ps)
{
    const struct spec_path *path = &network->spec->path[from];
    flue_ps free_ps = network->free_ps[from] > now_ps ? network->free_ps[from] : now_ps;

    if (path->rate_bps == 0) {
        return now_ps;
    }
    if (free_ps - now_ps > path->queue_ps) {
        return FLUE_PS_NEVER;
    }
    network->free_ps[from] = free_ps + flue_wire_serialise_ps(length, path->rate_bps);
    return network->free_ps[from];
}

static flue_ps arrival(struct network *network, unsigned from, flue_ps sent_ps)
{
    const struct spec_path *path = &network->spec->path[from];
    struct rng *rng = &network->rng[from];
    flue_ps since_ps = sent_ps - network->spec->start_ps;
    flue_ps at_ps = sent_ps + path->delay_ps;

    if (path->jitter_ps > 0) {
        at_ps += (flue_ps)rng_below(rng, (uint64_t)path->jitter_ps + 1);
    }
    if (rng_chance_ppm(rng, path->reorder_ppm)) {
        at_ps += path->reorder_ps;
    }
    if (since_ps >= path->spike_from_ps && since_ps < path->spike_to_ps) {
        at_ps += path->spike_ps;
    }
    return at_ps;
}

static const char *carry(struct network *network, unsigned from, const uint8_t *bytes, size_t length, flue_ps now_ps)
{
    const struct spec_path *path = &network->spec->path[from];
    struct rng *rng = &network->rng[from];
    flue_ps since_ps = now_ps - network->spec->start_ps;
    flue_ps sent_ps = through_link(network, from, length, now_ps);
    uint32_t mtu_bytes = since_ps >= path->mtu_change_ps ? path->later_mtu_bytes : path->mtu_bytes;
    const char *fate = "";
    struct packet *packet;

    if (sent_ps == FLUE_PS_NEVER) {
        return "full";
    }
    if (since_ps >= path->dark_from_ps && since_ps < path->dark_to_ps) {
        return "dark";
    }
    if (rng_chance_ppm(rng, path->loss_ppm)) {
        return "lost";
    }
    if (length > mtu_bytes) {
        answer_too_big(network, from, bytes, length, mtu_bytes, sent_ps);
        return "too big";
    }
    packet = launch(network, 1 - from, bytes, length, arrival(network, from, sent_ps));
    if (rng_chance_ppm(rng, path->mark_ppm) && mark(packet)) {
        fate = "marked";
    }
    if (rng_chance_ppm(rng, path->duplicate_ppm)) {
        (void)launch(network, 1 - from, packet->data, length, arrival(network, from, sent_ps));
        fate = "twice";
    }
    if (rng_chance_ppm(rng, path->damage_ppm)) {
        uint64_t bit = rng_below(rng, 8 * (uint64_t)length);

        packet->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        packet->damaged = true;
        fate = "damaged";
    }
    return fate;
}

void network_send(struct network *network, unsigned from, const uint8_t *bytes, size_t length, flue_ps now_ps)
{
    const char *fate = carry(network, from, bytes, length, now_ps);

    if (network->watch != NULL) {
        network->watch(network->watch_ctx, now_ps, from, bytes, length, fate);
    }
}
