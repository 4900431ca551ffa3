/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/spec.c - a run drawn from its seed: networks, stacks, programs.
 *
 * Bounds keep a run short and its end certain: a limit on retransmissions that losses of 20 % cannot reach, a blackout
 * shorter than that limit, a TIME-WAIT in which the last FIN gets through. */
#include "stream/spec.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/rng.h"

static bool one_in(struct rng *rng, uint32_t n)
{
    return rng_below(rng, n) == 0;
}

/* low..high, small ones as often as large ones. */
static uint64_t scaled(struct rng *rng, uint64_t low, uint64_t high)
{
    unsigned doublings = 0;
    uint64_t top;

    while ((low + 1) << (doublings + 1) <= high) {
        doublings++;
    }
    top = ((low + 1) << rng_below(rng, doublings + 2)) - 1;
    top = top > high ? high : top;
    return low + rng_below(rng, top - low + 1);
}

static uint32_t pick(struct rng *rng, const uint32_t *values, size_t count)
{
    return values[rng_below(rng, count)];
}
#define PICK(rng, ...) pick(rng, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void draw_tcp(struct flue_tcp_params *tcp, struct rng *rng, bool v6)
{
    static const struct {
        uint32_t mtu, mss;
    } links[] = {{1500, 1460}, {1500, 1460}, {1500, 1460}, {1500, 1460},   {9000, 8960},
                 {0, 1460},    {576, 536},   {1280, 1220}, {65535, 65495}, {4352, 4312}};
    const size_t link = rng_below(rng, sizeof links / sizeof *links);

    flue_tcp_defaults(tcp);
    tcp->mtu_bytes = links[link].mtu;
    tcp->mss_bytes = links[link].mss;
    if (v6 && tcp->mtu_bytes < 1280) {
        tcp->mtu_bytes = 1280; /* RFC 8200 5 */
    }
    if (one_in(rng, 5)) {
        tcp->mss_bytes = (uint32_t)scaled(rng, 88, tcp->mss_bytes);
    }
    tcp->rcv_buffer_bytes = one_in(rng, 3) ? tcp->rcv_buffer_bytes : (uint32_t)scaled(rng, 1, 4 << 20);
    tcp->rcv_wscale = one_in(rng, 4) ? (uint32_t)rng_below(rng, 15) : 255;
    while (tcp->rcv_wscale != 255 && tcp->rcv_wscale > 0 && tcp->rcv_buffer_bytes >> tcp->rcv_wscale < 8) {
        tcp->rcv_wscale--; /* a window that cannot be told never opens */
    }
    tcp->initial_window = PICK(rng, 10, 10, 1, 2, 3, 64);
    tcp->ack_every = PICK(rng, 2, 2, 2, 1, 3, 8, 255);
    tcp->dup_ack_threshold = PICK(rng, 3, 3, 3, 3, 1, 2, 6);
    tcp->max_retransmits = 255;
    tcp->max_syn_retransmits = 255;
    tcp->timestamps = !one_in(rng, 3);
    tcp->window_scaling = !one_in(rng, 3);
    tcp->sack = !one_in(rng, 3);
    tcp->ecn = PICK(rng, 0, 1, 2, 2);
    tcp->nagle = !one_in(rng, 3);
    tcp->limited_transmit = !one_in(rng, 3);
    tcp->idle_restart = !one_in(rng, 3);
    tcp->congestion = PICK(rng, FLUE_TCP_NEWRENO, FLUE_TCP_CUBIC);
    tcp->syn_option_order = PICK(rng, 0, 0, 0x4321, 0x1234, 0x2143);
    tcp->ts_offset = one_in(rng, 2) ? UINT32_MAX - (uint32_t)rng_below(rng, 3000) : (uint32_t)rng_u64(rng);
    tcp->keep_alive = one_in(rng, 4);
    tcp->keep_count = 200;
    tcp->keep_idle_ps = (flue_ps)scaled(rng, 20, 60000) * FLUE_PS_PER_MS;
    tcp->keep_interval_ps = (flue_ps)scaled(rng, 500, 10000) * FLUE_PS_PER_MS;
    tcp->delayed_ack_ps = (flue_ps)PICK(rng, 40, 40, 0, 1, 10, 200, 500) * FLUE_PS_PER_MS;
    tcp->rto_initial_ps = (flue_ps)PICK(rng, 1000, 1000, 200, 20) * FLUE_PS_PER_MS;
    tcp->rto_min_ps = (flue_ps)PICK(rng, 200, 200, 1000, 50, 10, 2) * FLUE_PS_PER_MS;
    tcp->rto_max_ps = (flue_ps)PICK(rng, 1000, 2000, 4000, 60000) * FLUE_PS_PER_MS;
    tcp->tick_ps = (flue_ps)PICK(rng, 1000, 1000, 1000, 100, 10000) * FLUE_PS_PER_US;
    tcp->fin_wait_2_ps = 6 * 24 * 3600 * FLUE_PS_PER_S;
    tcp->ip_id_base = (uint16_t)PICK(rng, 0, 0x8000);
}

static void draw_path(struct spec_path *path, struct rng *rng, bool kind)
{
    const uint32_t noise[] = {0, 0, 0, 1000, 10000, 50000, 100000, 200000};
    flue_ps delay_ps = (flue_ps)scaled(rng, 1, 100000) * FLUE_PS_PER_US;

    *path = (struct spec_path){.delay_ps = delay_ps, .mtu_bytes = 65535, .later_mtu_bytes = 65535};
    if (one_in(rng, 2)) {
        path->rate_bps = scaled(rng, 1, 10000) * 1000000;
        path->queue_ps = (flue_ps)scaled(rng, 1, 200) * FLUE_PS_PER_MS;
    }
    if (kind) {
        return;
    }
    path->loss_ppm = PICK(rng, 0, 1000, 10000, 30000, 50000, 100000, 200000);
    path->duplicate_ppm = noise[rng_below(rng, 7)];
    path->reorder_ppm = noise[rng_below(rng, 8)];
    path->reorder_ps = (flue_ps)rng_below(rng, 4 * (uint64_t)delay_ps + 1);
    path->damage_ppm = noise[rng_below(rng, 6)];
    path->mark_ppm = noise[rng_below(rng, 8)];
    path->jitter_ps = one_in(rng, 3) ? (flue_ps)rng_below(rng, (uint64_t)delay_ps + 1) : 0;
    if (one_in(rng, 4)) {
        path->spike_from_ps = (flue_ps)scaled(rng, 1, 3000) * FLUE_PS_PER_MS;
        path->spike_to_ps = path->spike_from_ps + (flue_ps)scaled(rng, 1, 1000) * FLUE_PS_PER_MS;
        path->spike_ps = (flue_ps)scaled(rng, 1, 3000) * FLUE_PS_PER_MS;
    }
    if (one_in(rng, 4)) {
        path->dark_from_ps = (flue_ps)scaled(rng, 1, 3000) * FLUE_PS_PER_MS;
        path->dark_to_ps = path->dark_from_ps + (flue_ps)scaled(rng, 1, 20000) * FLUE_PS_PER_MS;
    }
}

static uint32_t draw_mtu(struct rng *rng, bool v6)
{
    return v6 ? PICK(rng, 1280, 1280, 1400, 1492) : PICK(rng, 300, 576, 1006, 1280, 1492);
}

static void draw_mtus(struct spec *spec, struct rng *rng)
{
    if (!one_in(rng, 3)) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct spec_path *path = &spec->path[i];
        bool from_the_start = one_in(rng, 3);

        path->later_mtu_bytes = draw_mtu(rng, spec->v6);
        path->mtu_bytes = from_the_start ? path->later_mtu_bytes : 65535;
        path->mtu_change_ps = (flue_ps)scaled(rng, 1, 2000) * FLUE_PS_PER_MS;
        path->old_router = !spec->v6 && one_in(rng, 5);
    }
}

static void draw_program(struct spec_end *end, struct rng *rng, enum spec_size size, uint32_t peer_buffer_bytes,
                         uint32_t segment_bytes)
{
    const uint64_t segments = size == SPEC_TINY ? 14 : size == SPEC_SMALL ? 80 : one_in(rng, 10) ? 3000 : 500;
    uint64_t step;

    end->nodelay = one_in(rng, 3);
    end->cork = one_in(rng, 8);
    end->one_size = one_in(rng, 2);
    end->chunk_most = (uint32_t)(one_in(rng, 3) ? scaled(rng, 1, 2000) : scaled(rng, 1000, 65536));
    end->config.snd_buffer_bytes = one_in(rng, 3) ? 256 * 1024 : (uint32_t)scaled(rng, 1, 1 << 20);
    end->pause_ps = one_in(rng, 3) ? (flue_ps)scaled(rng, 1, 20000) * FLUE_PS_PER_US : 0;
    step = least(least(segment_bytes, end->chunk_most), least(peer_buffer_bytes, end->config.snd_buffer_bytes));
    step = least(segments * step, 8 << 20);
    end->bytes = one_in(rng, 8) ? 0 : one_in(rng, 3) ? scaled(rng, 1, step) : 1 + rng_below(rng, step);
    end->finish = (enum spec_finish)rng_below(rng, 3);
    end->finish_ps = (flue_ps)scaled(rng, 1, 3000) * FLUE_PS_PER_MS;
    end->hold = one_in(rng, 2);
    end->close_only = !end->hold && end->finish == SPEC_AFTER_END && one_in(rng, 2);
    end->more_ppm = PICK(rng, 0, 0, 100000, 500000);
    end->urgent_ppm = PICK(rng, 0, 0, 0, 50000);
    end->fiddle_ppm = PICK(rng, 0, 0, 50000);
}

static void draw_reader(struct spec_end *end, struct rng *rng, uint64_t bytes)
{
    end->read_most = one_in(rng, 2) ? 65536 : (uint32_t)scaled(rng, 1, 20000);
    if (end->read_most < bytes / 300) {
        end->read_most = (uint32_t)(bytes / 300) + 1;
    }
    end->read_pause_ps = one_in(rng, 2) ? (flue_ps)scaled(rng, 1, 100000) * FLUE_PS_PER_US : 0;
}

static struct flue_ip address(bool v6, uint32_t last)
{
    return v6 ? (struct flue_ip){{0x20010db8, 0, 0, last}} : flue_ip_v4(0x0a000000 | last);
}

static uint32_t own_mtu(const struct flue_tcp_params *tcp)
{
    return tcp->mtu_bytes != 0 ? tcp->mtu_bytes : tcp->mss_bytes + 40;
}

/* What depends on both ends. */
static void reconcile(struct spec *spec, struct rng *rng)
{
    flue_ps rto_ps = 0;

    for (unsigned i = 0; i < 2; i++) {
        struct flue_tcp_params *tcp = &spec->end[i].config.tcp;

        tcp->rto_max_ps = tcp->rto_max_ps < tcp->rto_min_ps ? tcp->rto_min_ps : tcp->rto_max_ps;
        rto_ps = tcp->rto_max_ps > rto_ps ? tcp->rto_max_ps : rto_ps;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct flue_tcp_params *tcp = &spec->end[i].config.tcp;
        flue_ps dark_ps = spec->path[i].dark_to_ps - spec->path[i].dark_from_ps;

        tcp->time_wait_ps = 80 * rto_ps + (flue_ps)rng_below(rng, 1000) * FLUE_PS_PER_MS;
        for (unsigned k = 0; k < 2; k++) {
            if (dark_ps > 40 * spec->end[k].config.tcp.rto_max_ps) {
                spec->path[i].dark_to_ps = spec->path[i].dark_from_ps + 40 * spec->end[k].config.tcp.rto_max_ps;
            }
        }
    }
    if (spec->end[0].finish == SPEC_AFTER_END && spec->end[1].finish == SPEC_AFTER_END) {
        struct spec_end *first = &spec->end[rng_below(rng, 2)]; /* one has to be the first */

        first->finish = SPEC_WHEN_SENT;
        first->close_only = false;
    }
}

void spec_draw(struct spec *spec, uint64_t seed, enum spec_size size)
{
    struct rng rng;
    bool kind, kind_path;

    rng_init(&rng, seed, "spec");
    *spec = (struct spec){.seed = seed, .v6 = one_in(&rng, 2), .both_open = one_in(&rng, 8)};
    spec->start_ps = one_in(&rng, 2) ? 0 : (flue_ps)rng_below(&rng, UINT64_C(1) << 50);
    kind = one_in(&rng, 10);
    for (unsigned i = 0; i < 2; i++) {
        struct spec_end *end = &spec->end[i];

        flue_stack_defaults(&end->config);
        draw_tcp(&end->config.tcp, &rng, spec->v6);
        end->config.addresses[0] = address(spec->v6, i + 1);
        end->config.address_count = 1;
        end->random_seq = one_in(&rng, 3);
        end->first_seq = 0u - (uint32_t)scaled(&rng, 1, 300000);
        kind_path = kind || one_in(&rng, 6);
        draw_path(&spec->path[i], &rng, kind_path);
    }
    draw_mtus(spec, &rng);
    for (unsigned i = 0; i < 2; i++) {
        const struct flue_tcp_params *peer = &spec->end[1 - i].config.tcp;
        uint64_t segment = least(spec->end[i].config.tcp.mss_bytes, peer->mss_bytes);

        segment = least(segment, spec->path[i].later_mtu_bytes - 40);
        segment = least(segment, least(own_mtu(peer), own_mtu(&spec->end[i].config.tcp)) - 40);
        draw_program(&spec->end[i], &rng, size, peer->rcv_buffer_bytes, (uint32_t)segment);
        draw_reader(&spec->end[1 - i], &rng, spec->end[i].bytes);
    }
    reconcile(spec, &rng);
}

static void print_end(const struct spec_end *end, unsigned i)
{
    const struct flue_tcp_params *tcp = &end->config.tcp;

    printf("end %u: %" PRIu64 " bytes, chunk %s%u, pause %" PRId64 " us, send buffer %u, read %u every %" PRId64
           " us, finish %d after %" PRId64 " ms%s%s%s%s\n",
           i, end->bytes, end->one_size ? "" : "..", end->chunk_most, end->pause_ps / FLUE_PS_PER_US,
           end->config.snd_buffer_bytes, end->read_most, end->read_pause_ps / FLUE_PS_PER_US, (int)end->finish,
           end->finish_ps / FLUE_PS_PER_MS, end->hold ? ", holds" : "", end->close_only ? ", close only" : "",
           end->nodelay ? ", nodelay" : "", end->cork ? ", cork" : "");
    printf("  mss %u, mtu %u, rcv %u << %u, iw %u, ack every %u in %" PRId64
           " ms, dup %u, ts %u, ws %u, sack %u, ecn %u, "
           "nagle %u, lt %u, idle %u, %s, ka %u, rto %" PRId64 "/%" PRId64 "..%" PRId64 " ms, tick %" PRId64
           " us, more %u, urgent %u, fiddle %u\n",
           tcp->mss_bytes, tcp->mtu_bytes, tcp->rcv_buffer_bytes, tcp->rcv_wscale, tcp->initial_window, tcp->ack_every,
           tcp->delayed_ack_ps / FLUE_PS_PER_MS, tcp->dup_ack_threshold, tcp->timestamps, tcp->window_scaling,
           tcp->sack, tcp->ecn, tcp->nagle, tcp->limited_transmit, tcp->idle_restart,
           tcp->congestion == FLUE_TCP_CUBIC ? "cubic" : "newreno", tcp->keep_alive,
           tcp->rto_initial_ps / FLUE_PS_PER_MS, tcp->rto_min_ps / FLUE_PS_PER_MS, tcp->rto_max_ps / FLUE_PS_PER_MS,
           tcp->tick_ps / FLUE_PS_PER_US, end->more_ppm, end->urgent_ppm, end->fiddle_ppm);
}

static void print_path(const struct spec_path *path, unsigned i)
{
    printf("path %u: loss %u, dup %u, reorder %u by %" PRId64 " us, damage %u, mark %u ppm; delay %" PRId64
           " + %" PRId64 " us, %" PRIu64 " bit/s, queue %" PRId64 " ms; spike %" PRId64 "..%" PRId64 " by %" PRId64
           " ms; dark %" PRId64 "..%" PRId64 " ms; mtu %u, %u from %" PRId64 " ms%s\n",
           i, path->loss_ppm, path->duplicate_ppm, path->reorder_ppm, path->reorder_ps / FLUE_PS_PER_US,
           path->damage_ppm, path->mark_ppm, path->delay_ps / FLUE_PS_PER_US, path->jitter_ps / FLUE_PS_PER_US,
           path->rate_bps, path->queue_ps / FLUE_PS_PER_MS, path->spike_from_ps / FLUE_PS_PER_MS,
           path->spike_to_ps / FLUE_PS_PER_MS, path->spike_ps / FLUE_PS_PER_MS, path->dark_from_ps / FLUE_PS_PER_MS,
           path->dark_to_ps / FLUE_PS_PER_MS, path->mtu_bytes, path->later_mtu_bytes,
           path->mtu_change_ps / FLUE_PS_PER_MS, path->old_router ? ", not told" : "");
}

void spec_print(const struct spec *spec)
{
    printf("seed %" PRIu64 ": %s, %s open, from %" PRId64 " ps\n", spec->seed, spec->v6 ? "IPv6" : "IPv4",
           spec->both_open ? "simultaneous" : "ordinary", spec->start_ps);
    for (unsigned i = 0; i < 2; i++) {
        print_end(&spec->end[i], i);
        print_path(&spec->path[i], i);
    }
}
