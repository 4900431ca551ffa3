/* SPDX-License-Identifier: GPL-2.0-only */
/* What a server can carry in the host arm, from its prices: the scale on which `load` is measured. */
#include "run/flows.h"

#include "frame/frame.h"

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

static uint64_t host_ps(const struct flue_scenario *s, const struct flue_profile *p, uint64_t mss)
{
    const uint64_t request = (uint64_t)s->request_size, response = (uint64_t)s->io_size;
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

uint64_t capacity_request_cycles(const struct flue_scenario *s, const struct flue_profile *p)
{
    const uint64_t mss = (uint64_t)s->mtu - (s->timestamps == 0 ? 52 : 40);

    return host_ps(s, p, mss) / (uint64_t)FLUE_PS_PER_US * (p->host_hz / 1000000);
}

uint64_t capacity_request_ps(const struct flue_scenario *s, const struct flue_profile *p)
{
    const uint64_t header = s->timestamps == 0 ? 52 : 40, mss = (uint64_t)s->mtu - header;
    const uint64_t out = segments((uint64_t)s->io_size, mss);
    const uint64_t wire_bytes = (uint64_t)s->io_size + out * (header + (uint64_t)s->framing);
    const uint64_t wire_ps = (uint64_t)flue_wire_serialise_ps(wire_bytes, (uint64_t)s->link_rate);
    uint64_t core_ps = host_ps(s, p, mss);
    const uint64_t period_ps = s->moderation == FLUE_PARAM_AS_PROFILE ? p->moderation_ps : (uint64_t)s->moderation;
    const uint64_t interrupt_ps = price_ps(&p->interrupt, 0, p->host_hz);

    /* A busy core takes one interrupt per moderation period, so that share of it is not there for requests. */
    if (period_ps > interrupt_ps)
        core_ps = core_ps * (period_ps / 1000) / ((period_ps - interrupt_ps) / 1000);
    else
        core_ps += interrupt_ps;
    return core_ps > wire_ps ? core_ps : wire_ps;
}
