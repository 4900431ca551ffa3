/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/ecn.c - a queue that marks where another would drop (RFC 3168): nothing is lost, and the wire is as full. */
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"
#include "figure.h"
#include "world.h"

/* What a round trip of slow start adds beyond the mark: the window doubles once more, and the growth that was under way
 * when the mark was made arrives. */
#define ROOM_BDPS 8u

struct ecn {
    uint64_t rate_bps;
    flue_ps rtt_ps, from_ps, length_ps;
};

static const struct ecn runs[] = {
    {.rate_bps = 10000000000,
     .rtt_ps = 100 * FLUE_PS_PER_US,
     .from_ps = 300 * FLUE_PS_PER_MS,
     .length_ps = 500 * FLUE_PS_PER_MS},
    {.rate_bps = 1000000000,
     .rtt_ps = 10 * FLUE_PS_PER_MS,
     .from_ps = 2 * FLUE_PS_PER_S,
     .length_ps = 10 * FLUE_PS_PER_S},
};

/* Payload bytes that arrive in the measured time. */
static double measure(const struct ecn *run, enum flue_tcp_congestion congestion, bool marks, struct world *world)
{
    struct world_config config = world_plain(congestion);
    uint32_t bdp_frames;
    uint64_t before;

    config.rate_bps = run->rate_bps;
    config.rtt_ps = run->rtt_ps;
    bdp_frames = world_bdp_frames(&config);
    config.params.ecn = marks ? 2 : 0;
    config.queue_frames = marks ? ROOM_BDPS * bdp_frames : bdp_frames;
    config.mark_frames = marks ? bdp_frames : 0;
    world_init(world, &config);
    world_run(world, run->from_ps);
    before = world_received_all(world);
    world_run(world, run->from_ps + run->length_ps);
    return (double)(world_received_all(world) - before);
}

static void compare(enum flue_tcp_congestion congestion)
{
    const char *name = congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno";

    for (unsigned i = 0; i < COUNT_OF(runs); i++) {
        const struct ecn *run = &runs[i];
        double rtt_ms = (double)run->rtt_ps / 1e9;
        struct world *world = malloc(sizeof(*world));
        struct flue_tcp_info info;
        double dropping, marking;

        assert_non_null(world);
        dropping = measure(run, congestion, false, world);
        world_dispose(world);
        marking = measure(run, congestion, true, world);
        info = world_info(world, 0);
        printf("  %llu segments, %llu marked, longest queue %llu frames\n", (unsigned long long)world->data_frames,
               (unsigned long long)world->marked, (unsigned long long)world->queue_peak_frames);
        figure_equal(info.ecn, 1, "%s, RTT %g ms: ECN agreed", name, rtt_ms);
        figure_at_least((double)world->marked, 1, "%s, RTT %g ms: frames marked", name, rtt_ms);
        figure_equal((double)world->lost, 0, "%s, RTT %g ms: frames lost", name, rtt_ms);
        figure_equal((double)(info.retransmits + info.timeouts), 0, "%s, RTT %g ms: repetitions and timeouts", name,
                     rtt_ms);
        figure_at_least(marking / dropping, 0.99, "%s, RTT %g ms: throughput, to that of a queue that drops", name,
                        rtt_ms);
        figure_at_least(marking * 8 / ((double)run->length_ps / (double)FLUE_PS_PER_S) / (double)run->rate_bps *
                            world_frame_bytes(&world->config) / world_payload_bytes(&world->config),
                        0.99, "%s, RTT %g ms: part of the rate", name, rtt_ms);
        world_dispose(world);
        free(world);
    }
}

static void newreno_marked(void **state)
{
    (void)state;
    compare(FLUE_TCP_NEWRENO);
}

static void cubic_marked(void **state)
{
    (void)state;
    compare(FLUE_TCP_CUBIC);
}

/* RFC 3168 6.1.2: the window falls once for each window of data, as for a lost segment: NewReno's to a half. */
struct halving {
    uint32_t before_bytes, after_bytes; /* cwnd before the fall, ssthresh behind it */
    unsigned to_mark, marked;
};

static void watch_fall(struct world *world)
{
    struct halving *halving = world->arg;

    if (world->end[0].flow[0].conn != NULL && halving->after_bytes == 0) {
        struct flue_tcp_info info = world_info(world, 0);

        if (info.ssthresh_bytes == UINT32_MAX) {
            halving->before_bytes = info.cwnd_bytes;
        } else {
            halving->after_bytes = info.ssthresh_bytes;
        }
    }
}

static bool mark_one_window(struct world *world, unsigned from, struct flue_frame *frame)
{
    struct halving *halving = world->arg;

    if (from == 0 && frame->payload.length_bytes > 0 && halving->to_mark > 0) {
        frame->tos |= FLUE_ECN_CE;
        halving->to_mark--;
        halving->marked++;
    }
    return true;
}

static void one_fall_for_a_window(void **state)
{
    static const struct {
        enum flue_tcp_congestion congestion;
        unsigned marks;
        double part;
    } cases[] = {
        {FLUE_TCP_NEWRENO, 1, 0.5}, {FLUE_TCP_NEWRENO, 50, 0.5}, {FLUE_TCP_CUBIC, 1, 0.7}, {FLUE_TCP_CUBIC, 50, 0.7}};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct world_config config = world_plain(cases[i].congestion);
        struct world *world = malloc(sizeof(*world));
        struct halving halving = {0};

        assert_non_null(world);
        config.rate_bps = (uint64_t)FLUE_PS_PER_S;
        config.params.ecn = 2;
        config.params.ack_every = 1;
        world_init(world, &config);
        world->filter = mark_one_window;
        world->watch = watch_fall;
        world->arg = &halving;
        world_run(world, 55 * FLUE_PS_PER_MS); /* half a round trip behind the last flight */
        halving.to_mark = cases[i].marks;
        world_run(world, 85 * FLUE_PS_PER_MS); /* the flight with the mark, and the one behind it, are acknowledged */
        assert_int_equal(halving.marked, cases[i].marks);
        figure_near((double)halving.after_bytes / halving.before_bytes, cases[i].part, 0.01,
                    "%s, %u marks in a window: part of the window that stays",
                    cases[i].congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno", cases[i].marks);
        figure_equal(world_info(world, 0).ssthresh_bytes, halving.after_bytes,
                     "  slow start threshold a round trip later, bytes");
        world_dispose(world);
        free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newreno_marked),
        cmocka_unit_test(cubic_marked),
        cmocka_unit_test(one_fall_for_a_window),
    };

    figure_head();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
