/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/rto.c - the retransmission timeout is RFC 6298's, for round trips that are given. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"
#include "figure.h"
#include "world.h"

/* The engine computes in whole picoseconds; each sample may round once. */
#define BOUND 1e-9

#define TIMES_MAX 32u

/* RFC 6298 2, in floating point. */
struct reference {
    double srtt_ps, rttvar_ps; /* srtt 0: no sample yet */
};

static void reference_sample(struct reference *reference, double sample_ps)
{
    if (reference->srtt_ps <= 0) {
        *reference = (struct reference){.srtt_ps = sample_ps, .rttvar_ps = sample_ps / 2};
        return;
    }
    reference->rttvar_ps = 0.75 * reference->rttvar_ps + 0.25 * fabs(reference->srtt_ps - sample_ps);
    reference->srtt_ps = 0.875 * reference->srtt_ps + 0.125 * sample_ps;
}

static double reference_rto(const struct reference *reference, const struct flue_tcp_params *params)
{
    double rto_ps = reference->srtt_ps + fmax((double)params->tick_ps, 4 * reference->rttvar_ps);

    return fmin(fmax(rto_ps, (double)params->rto_min_ps), (double)params->rto_max_ps);
}

/* When SYN or data left, and whether they arrive. */
struct log {
    flue_ps left_ps[TIMES_MAX];
    unsigned left;
    flue_ps connected_ps; /* 0: not yet */
    flue_ps acked_ps;     /* when something was acknowledged last */
    uint64_t acked;
    bool lose;
};

static bool note_frame(struct world *world, unsigned from, struct flue_frame *frame)
{
    struct log *log = world->arg;

    if (from == 0 && (frame->payload.length_bytes > 0 || (frame->flags & FLUE_TCP_SYN) != 0)) {
        assert_true(log->left < TIMES_MAX);
        log->left_ps[log->left++] = world->now_ps;
        return !log->lose;
    }
    return true;
}

static void note_ack(struct world *world)
{
    struct log *log = world->arg;

    if (world->end[0].flow[0].connected && log->connected_ps == 0) {
        log->connected_ps = world->now_ps;
    }
    if (world->end[0].flow[0].acked > log->acked) {
        log->acked = world->end[0].flow[0].acked;
        log->acked_ps = world->now_ps;
    }
}

static struct world *begin(struct log *log, flue_ps rtt_ps, flue_ps rto_min_ps)
{
    struct world_config config = world_plain(FLUE_TCP_NEWRENO);
    struct world *world = malloc(sizeof(*world));

    assert_non_null(world);
    config.rate_bps = (uint64_t)FLUE_PS_PER_S;
    config.rtt_ps = rtt_ps;
    config.params.ack_every = 1;
    config.params.timestamps = 0;
    config.params.rto_min_ps = rto_min_ps;
    config.bytes_per_flow = 1;
    world_init(world, &config);
    world->filter = note_frame;
    world->watch = note_ack;
    world->arg = log;
    return world;
}

static void end(struct world *world)
{
    world_dispose(world);
    free(world);
}

/* Waits until so many bytes in all are acknowledged. */
static void run_to_ack(struct world *world, uint64_t bytes)
{
    const struct log *log = world->arg;

    while (log->acked < bytes) {
        world_run(world, world->now_ps + FLUE_PS_PER_MS);
    }
}

/* Writes one byte and waits for its acknowledgement.  Returns the round trip. */
static double exchange(struct world *world)
{
    struct log *log = world->arg;
    flue_ps sent_ps = world->now_ps;

    log->left = 0;
    world_write(world, 1);
    run_to_ack(world, log->acked + 1);
    assert_int_equal(log->left, 1);
    return (double)(log->acked_ps - sent_ps);
}

/* The handshake and the byte that is sent at once are the first two samples. */
static struct reference open_flow(struct world *world)
{
    struct log *log = world->arg;
    struct reference reference = {0};

    run_to_ack(world, 1);
    reference_sample(&reference, (double)(log->connected_ps - log->left_ps[0]));
    reference_sample(&reference, (double)(log->acked_ps - log->left_ps[1]));
    return reference;
}

/* 2.2, 2.3, 2.4. */
static void estimate_follows_a_series(void **state)
{
    static const unsigned rtt_ms[] = {100, 200, 50, 300, 300, 10, 10, 10,  10,  10, 10, 10, 10, 10, 10,
                                      10,  10,  10, 10,  10,  10, 10, 700, 700, 1,  1,  40, 41, 39, 700};
    static const flue_ps minimum_ps[] = {FLUE_PS_PER_MS, 200 * FLUE_PS_PER_MS, FLUE_PS_PER_S};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(minimum_ps); i++) {
        struct log log = {0};
        struct world *world = begin(&log, 100 * FLUE_PS_PER_MS, minimum_ps[i]);
        struct reference reference = open_flow(world);
        struct flue_tcp_info info = world_info(world, 0);

        printf("  minimum %g ms\n", (double)minimum_ps[i] / 1e9);
        figure_near((double)info.rto_ps / 1e9, reference_rto(&reference, &world->config.params) / 1e9, BOUND,
                    "RTO behind the handshake and one segment, ms");
        for (unsigned sample = 0; sample < COUNT_OF(rtt_ms); sample++) {
            world->end[1].out.facts.delay_ps = rtt_ms[sample] * FLUE_PS_PER_MS - world->end[0].out.facts.delay_ps;
            if (world->end[1].out.facts.delay_ps < 0) {
                world->end[0].out.facts.delay_ps = rtt_ms[sample] * FLUE_PS_PER_MS / 2;
                world->end[1].out.facts.delay_ps = rtt_ms[sample] * FLUE_PS_PER_MS / 2;
            }
            log.left = 0;
            if (info.rto_ps <= rtt_ms[sample] * FLUE_PS_PER_MS) {
                continue; /* the timer would be first: no sample (Karn's rule, 3) */
            }
            reference_sample(&reference, exchange(world));
            info = world_info(world, 0);
            figure_near((double)info.rto_ps / 1e9, reference_rto(&reference, &world->config.params) / 1e9, BOUND,
                        "RTT %u ms: RTO, ms", rtt_ms[sample]);
            figure_near((double)info.srtt_ps / 1e9, reference.srtt_ps / 1e9, BOUND, "  SRTT, ms");
            figure_near((double)info.rttvar_ps / 1e9, reference.rttvar_ps / 1e9, BOUND, "  RTTVAR, ms");
        }
        assert_int_equal(info.timeouts, 0);
        end(world);
    }
}

/* 5.4 to 5.6: again after RTO, 2 RTO, 4 RTO ... up to the maximum (2.5); section 3: what was sent again is no sample,
 * so the doubled timeout stays for new data, until one of them has been timed. */
static void back_off_doubles(void **state)
{
    struct log log = {0};
    struct world *world = begin(&log, 100 * FLUE_PS_PER_MS, FLUE_PS_PER_MS);
    struct reference reference = open_flow(world);
    double rto_ps, wait_ps;
    flue_ps sent_ps;
    unsigned losses = 12;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        reference_sample(&reference, exchange(world));
    }
    rto_ps = reference_rto(&reference, &world->config.params);
    log.left = 0;
    log.lose = true;
    sent_ps = world->now_ps;
    world_write(world, 1);
    while (log.left < losses) {
        world_run(world, world->now_ps + FLUE_PS_PER_MS);
    }
    assert_int_equal(log.left_ps[0], sent_ps);
    wait_ps = rto_ps;
    for (unsigned i = 1; i < losses; i++) {
        figure_near((double)(log.left_ps[i] - log.left_ps[i - 1]) / 1e9, wait_ps / 1e9, BOUND,
                    "wait before repetition %u, ms", i);
        wait_ps = fmin(2 * wait_ps, (double)world->config.params.rto_max_ps);
    }
    log.lose = false;
    run_to_ack(world, log.acked + 1);
    figure_near((double)world_info(world, 0).rto_ps / 1e9, wait_ps / 1e9, BOUND,
                "RTO behind an acknowledged repetition, ms");
    figure_near((double)world_info(world, 0).srtt_ps / 1e9, reference.srtt_ps / 1e9, BOUND, "  SRTT as before, ms");
    reference_sample(&reference, exchange(world));
    figure_near((double)world_info(world, 0).rto_ps / 1e9, reference_rto(&reference, &world->config.params) / 1e9,
                BOUND, "RTO behind the next sample, ms");
    end(world);
}

/* 5.1 to 5.3: the timer runs from the first of two segments; the acknowledgement of that one restarts it for the other,
 * which is lost; and once all is acknowledged it stands still. */
static void timer_restarts(void **state)
{
    struct log log = {0};
    struct world *world = begin(&log, 100 * FLUE_PS_PER_MS, FLUE_PS_PER_MS);
    struct reference reference = open_flow(world);
    flue_ps first_ps;

    (void)state;
    reference_sample(&reference, exchange(world));
    log.left = 0;
    first_ps = world->now_ps;
    world_write(world, world_payload_bytes(&world->config));
    world_run(world, first_ps + 40 * FLUE_PS_PER_MS);
    log.lose = true;
    world_write(world, world_payload_bytes(&world->config));
    assert_int_equal(log.left, 2);
    world_run(world, first_ps + 200 * FLUE_PS_PER_MS);
    reference_sample(&reference, (double)(log.acked_ps - first_ps));
    log.lose = false;
    while (log.left < 3) {
        world_run(world, world->now_ps + FLUE_PS_PER_MS);
    }
    figure_near((double)(log.left_ps[2] - log.acked_ps) / 1e9, reference_rto(&reference, &world->config.params) / 1e9,
                BOUND, "from the last new acknowledgement to the timeout, ms");
    run_to_ack(world, log.acked + world_payload_bytes(&world->config));
    world_run(world, world->now_ps + 100 * FLUE_PS_PER_S);
    figure_equal(log.left, 3, "segments sent, 100 s later");
    end(world);
}

/* 2.1: 1 s without a sample; 5.5: doubled; 5.7: 3 s for data, when the timer has expired for the SYN. */
static void opening(void **state)
{
    (void)state;
    for (unsigned losses = 0; losses < 4; losses++) {
        struct log log = {.lose = losses > 0};
        struct world *world = begin(&log, 100 * FLUE_PS_PER_MS, FLUE_PS_PER_MS);
        double wait_s = 1;

        while (log.left < losses) {
            world_run(world, world->now_ps + FLUE_PS_PER_MS);
        }
        log.lose = false;
        while (log.connected_ps == 0) {
            world_run(world, world->now_ps + FLUE_PS_PER_MS);
            log.lose = log.connected_ps == 0 && log.left > losses; /* the first data, too */
        }
        for (unsigned i = 1; i <= losses; i++) {
            figure_near((double)(log.left_ps[i] - log.left_ps[i - 1]) / 1e12, wait_s, BOUND, "wait before SYN %u, s",
                        i + 1);
            wait_s *= 2;
        }
        if (losses > 0) {
            figure_near((double)world_info(world, 0).rto_ps / 1e12, 3, BOUND, "  RTO when data may be sent, s");
            while (log.left < losses + 3) {
                world_run(world, world->now_ps + FLUE_PS_PER_MS);
            }
            figure_near((double)(log.left_ps[losses + 2] - log.left_ps[losses + 1]) / 1e12, 3, BOUND,
                        "  wait before the data are sent again, s");
        } else {
            struct reference reference = {0};

            reference_sample(&reference, (double)(log.connected_ps - log.left_ps[0]));
            figure_near((double)world_info(world, 0).rto_ps / 1e9,
                        reference_rto(&reference, &world->config.params) / 1e9, BOUND, "RTO behind the handshake, ms");
        }
        end(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimate_follows_a_series),
        cmocka_unit_test(back_off_doubles),
        cmocka_unit_test(timer_restarts),
        cmocka_unit_test(opening),
    };

    figure_head();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
