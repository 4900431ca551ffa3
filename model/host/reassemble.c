/* SPDX-License-Identifier: GPL-2.0-only */
/* host/reassemble.c - fragments of datagrams that hold a segment become that segment (RFC 791 3.2, RFC 8200 4.5).  A
 * target never does it (behaviour 15.7); what comes out is forwarded to it if it holds the connection. */
#include "host/software.h"

#include "base/span.h"
#include "frame/frame.h"

#define DATAGRAMS_MAX 64u                  /* more push out the oldest */
#define LIFETIME_PS   (60 * FLUE_PS_PER_S) /* RFC 8200 4.5; RFC 1122 3.3.2: between 60 and 120 s */
#define BYTES_MAX     65535u

struct fragment {
    struct fragment *next;
    uint32_t from, to; /* bytes of the datagram's payload */
    struct flue_span span;
};
_Static_assert(sizeof(struct fragment) <= HOST_FRAGMENT_BYTES, "the pool is too narrow");

struct datagram {
    struct flue_hook hook;
    struct flue_frame head; /* the first fragment, once have_head */
    struct flue_ip src_ip, dst_ip;
    uint16_t id;
    uint8_t have_head;
    uint32_t total_bytes; /* 0: the last fragment has not come */
    flue_ps until_ps;
    struct fragment *first; /* ascending */
};
_Static_assert(sizeof(struct datagram) <= HOST_DATAGRAM_BYTES, "the pool is too narrow");

static void drop(struct flue_host *host, struct datagram *datagram)
{
    while (datagram->first != NULL) {
        struct fragment *fragment = datagram->first;

        datagram->first = fragment->next;
        pool_put(&host->fragments, fragment);
    }
    list_remove(&datagram->hook);
    pool_put(&host->datagrams, datagram);
}

/* Old ones go first: the list is in order of arrival. */
static void expire(struct flue_host *host, flue_ps now_ps)
{
    while (!list_empty(&host->datagram_list)) {
        struct datagram *datagram = FLUE_CONTAINER_OF(list_first(&host->datagram_list), struct datagram, hook);

        if (datagram->until_ps > now_ps && pool_live(&host->datagrams) < DATAGRAMS_MAX) {
            break;
        }
        drop(host, datagram);
    }
}

static struct datagram *find(struct flue_host *host, const struct flue_frame *frame)
{
    struct datagram *datagram;

    FLUE_LIST_EACH(hook, &host->datagram_list)
    {
        datagram = FLUE_CONTAINER_OF(hook, struct datagram, hook);
        if (datagram->id == frame->ip_id && flue_ip_equal(&datagram->src_ip, &frame->src_ip) &&
            flue_ip_equal(&datagram->dst_ip, &frame->dst_ip)) {
            return datagram;
        }
    }
    expire(host, host_now(host));
    datagram = pool_get(&host->datagrams);
    if (datagram != NULL) {
        *datagram = (struct datagram){.src_ip = frame->src_ip,
                                      .dst_ip = frame->dst_ip,
                                      .id = frame->ip_id,
                                      .until_ps = host_now(host) + LIFETIME_PS};
        list_push_back(&host->datagram_list, &datagram->hook);
    }
    return datagram;
}

/* The bytes of the TCP header in front of the first fragment's payload. */
static uint32_t header_bytes(const struct flue_frame *frame)
{
    return 20 + frame_option_bytes(frame);
}

/* False: it overlaps another one, and the datagram is worth nothing (RFC 5722 4; IPv4 alike). */
static bool insert(struct flue_host *host, struct datagram *datagram, const struct flue_frame *frame)
{
    const uint32_t from = frame->fragment & ~(uint32_t)7;
    const uint32_t to = from + (from == 0 ? header_bytes(frame) : 0) + frame->payload.length_bytes;
    struct fragment **link = &datagram->first, *fragment;

    while (*link != NULL && (*link)->from < from) {
        link = &(*link)->next;
    }
    if (*link != NULL && (*link)->from == from && (*link)->to == to) {
        return true; /* the same again */
    }
    if (to > BYTES_MAX || (*link != NULL && to > (*link)->from)) {
        return false;
    }
    for (fragment = datagram->first; fragment != NULL && fragment->from < from; fragment = fragment->next) {
        if (fragment->to > from) {
            return false;
        }
    }
    fragment = pool_get(&host->fragments);
    if (fragment == NULL) {
        return true; /* lost: the sender repeats the whole datagram */
    }
    *fragment = (struct fragment){.next = *link, .from = from, .to = to, .span = frame->payload};
    *link = fragment;
    if (from == 0) {
        datagram->head = *frame;
        datagram->have_head = 1;
    }
    if ((frame->fragment & FLUE_FRAGMENT_MORE) == 0) {
        datagram->total_bytes = to;
    }
    return true;
}

static bool complete(const struct datagram *datagram, struct flue_frame *whole)
{
    uint32_t at = 0;

    if (datagram->have_head == 0 || datagram->total_bytes == 0) {
        return false;
    }
    *whole = datagram->head;
    whole->payload.length_bytes = 0;
    for (const struct fragment *fragment = datagram->first; fragment != NULL; fragment = fragment->next) {
        if (fragment->from != at || !span_append(&whole->payload, &fragment->span)) {
            return false;
        }
        at = fragment->to;
    }
    whole->kind = FLUE_FRAME_TCP;
    whole->fragment = 0;
    return at == datagram->total_bytes;
}

bool reassemble(struct flue_host *host, const struct flue_frame *frame, struct flue_frame *whole)
{
    struct datagram *datagram = find(host, frame);

    if (datagram == NULL) {
        return false;
    }
    if (!insert(host, datagram, frame)) {
        drop(host, datagram);
        return false;
    }
    if (!complete(datagram, whole)) {
        return false;
    }
    drop(host, datagram);
    host->totals.reassembled++;
    return true;
}
