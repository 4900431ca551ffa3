/* SPDX-License-Identifier: GPL-2.0-only */
/* What a server can carry in the host arm, from its prices: the scale on which `load` is measured. */
#include "flue/wire.h"
#include "run/choices.h"
#include "run/traffic.h"

/* Time of one price on the host's core. */
static uint64_t price_ps(const struct flue_price *price, uint64_t bytes, uint64_t hz)
{
    const uint64_t cycles = price->cycles + price->cycles_per_kibibyte * bytes / 1024;

    return price->bus_ps + price->bus_ps_per_byte * bytes + cycles * (uint64_t)FLUE_PS_PER_US / (hz / 1000000);
}

static uint64_t segments(uint64_t bytes, uint64_t mss)
{
    return (bytes + mss - 1) / mss;
}

static uint64_t host_ps(const struct flue_profile *p, uint64_t request, uint64_t response, uint64_t mss)
{
    const uint64_t in = segments(request, mss), out = segments(response, mss), hz = p->host_hz;
    uint64_t ps = 0;

    ps += price_ps(&p->application_request, 0, hz) + price_ps(&p->wakeup, 0, hz);
    ps += 2 * (price_ps(&p->syscall, 0, hz) + price_ps(&p->socket_call, 0, hz) + price_ps(&p->other_call, 0, hz));
    ps += price_ps(&p->copy_send, response, hz) + price_ps(&p->copy_receive, request, hz);
    ps += price_ps(&p->checksum_send, response, hz) + price_ps(&p->checksum_receive, request, hz);
    ps += out * (price_ps(&p->tcp_send_data, 0, hz) + price_ps(&p->driver_send, 0, hz) +
                 price_ps(&p->other_send_data, 0, hz));
    ps += in * (price_ps(&p->tcp_receive_data, 0, hz) + price_ps(&p->driver_receive, 0, hz) +
                price_ps(&p->other_receive_data, 0, hz));
    ps += (out + 1) / 2 * (price_ps(&p->tcp_receive_ack, 0, hz) + price_ps(&p->driver_ack, 0, hz));
    return ps;
}

/* Bytes on the wire, one way: segments of `payload` and the acknowledgements of `acked` segments that came the other
 * way. */
static uint64_t wire_ps(const struct flue_scenario *s, uint64_t payload, uint64_t acked, uint64_t header, uint64_t mss)
{
    const uint64_t framed = header + (uint64_t)s->framing, whole = payload / mss, rest = payload % mss;
    const uint64_t rate = (uint64_t)s->link_rate, acks = acked / (uint64_t)s->ack_every;

    return whole * (uint64_t)flue_wire_serialise_ps(mss + framed, rate) +
           (rest > 0 ? (uint64_t)flue_wire_serialise_ps(rest + framed, rate) : 0) +
           acks * (uint64_t)flue_wire_serialise_ps(framed, rate);
}

/* Time that interrupts add to the work of one request on a busy core: one for each frame that comes in, but not more
 * than one for each moderation period. */
static uint64_t with_interrupts(uint64_t work_ps, uint64_t frames, uint64_t interrupt_ps, uint64_t period_ps)
{
    const uint64_t one_each = work_ps + frames * interrupt_ps;
    uint64_t moderated;

    if (period_ps <= interrupt_ps)
        return one_each;
    moderated = work_ps + work_ps / (period_ps - interrupt_ps) * interrupt_ps +
                work_ps % (period_ps - interrupt_ps) * interrupt_ps / (period_ps - interrupt_ps);
    return moderated < one_each ? moderated : one_each;
}

/* One request on each of three resources: the busiest of them is the limit. */
struct needs {
    uint64_t core_ps, down_ps, up_ps;
};

static uint64_t header_bytes(const struct flue_scenario *s)
{
    return s->timestamps == CHOICE_YES ? 52 : 40;
}

static struct needs needs_of(const struct flue_scenario *s, const struct flue_profile *p, uint64_t response)
{
    const uint64_t header = header_bytes(s), mss = (uint64_t)s->mtu - header, request = (uint64_t)s->request_size;
    const uint64_t in = segments(request, mss), out = segments(response, mss);
    const uint64_t period_ps = s->moderation == FLUE_PARAM_AS_PROFILE ? p->moderation_ps : (uint64_t)s->moderation;

    return (struct needs){
        .core_ps = with_interrupts(host_ps(p, request, response, mss), in + out / (uint64_t)s->ack_every + 1,
                                   price_ps(&p->interrupt, 0, p->host_hz), period_ps),
        .down_ps = wire_ps(s, response, in, header, mss),
        .up_ps = wire_ps(s, request, out, header, mss),
    };
}

static uint64_t limit_of(const struct needs *needs)
{
    const uint64_t slower_ps = needs->down_ps > needs->up_ps ? needs->down_ps : needs->up_ps;

    return needs->core_ps > slower_ps ? needs->core_ps : slower_ps;
}

uint64_t capacity_request_ps(const struct flue_scenario *s, const struct flue_profile *p)
{
    const struct needs needs = needs_of(s, p, (uint64_t)s->io_size);

    return limit_of(&needs);
}

uint64_t capacity_mean_ps(const struct flue_scenario *s, const struct flue_profile *p, const struct sizes *sizes)
{
    struct needs sum = {0, 0, 0};

    for (unsigned i = 0; i < SIZES_SAMPLES; i++) {
        unsigned octave;
        const uint64_t size = sizes_sample(sizes, i, &octave);
        const struct needs one = needs_of(s, p, size);

        sum.core_ps += one.core_ps / SIZES_PARTS >> octave;
        sum.down_ps += one.down_ps / SIZES_PARTS >> octave;
        sum.up_ps += one.up_ps / SIZES_PARTS >> octave;
    }
    return limit_of(&sum);
}

/* Links from end to end: to the switch and from it, and one more behind a gateway. */
static uint64_t links(const struct flue_scenario *s)
{
    return s->topology == TOPOLOGY_LINK ? 1 : s->topology == TOPOLOGY_SWITCH ? 2 : 3;
}

/* A message, one way: its bytes pass the first link, its last frame all the others. */
static uint64_t way_ps(const struct flue_scenario *s, uint64_t payload)
{
    const uint64_t header = header_bytes(s), mss = (uint64_t)s->mtu - header;
    const uint64_t last = payload == 0 ? 0 : (payload - 1) % mss + 1, first_ps = wire_ps(s, payload, 0, header, mss);
    const uint64_t last_ps =
        (uint64_t)flue_wire_serialise_ps(last + header + (uint64_t)s->framing, (uint64_t)s->link_rate);

    return links(s) * (uint64_t)s->delay + (payload == 0 ? last_ps : first_ps) + (links(s) - 1) * last_ps;
}

uint64_t capacity_handshake_ps(const struct flue_scenario *s)
{
    return 2 * way_ps(s, 0);
}

uint64_t capacity_exchange_ps(const struct flue_scenario *s, uint64_t request, uint64_t response)
{
    return way_ps(s, request) + way_ps(s, response);
}
