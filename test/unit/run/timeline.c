/* SPDX-License-Identifier: GPL-2.0-only */
/* A run with a timeline is the run without; and the timeline adds up to what the run says at its end. */
#include <string.h>

#include "flue/host.h"
#include "run/params.h"
#include "run/results.h"
#include "run/world.h"
#include "support/test.h"

#define SETTINGS_MAX 16

static struct results *run(const char *const *settings, const char *sample, const char *from)
{
    struct results *results = results_new();
    struct flue_record record = results_record(results);
    struct flue_scenario scenario;
    struct world_outcome outcome;
    char message[512];

    params_init(&scenario);
    scenario.workload = FLUE_WORKLOAD_RPC;
    for (int i = 0; settings[i] != NULL; i++) {
        if (strcmp(settings[i], "bulk") == 0) {
            scenario.workload = FLUE_WORKLOAD_BULK;
        } else {
            assert_int_equal(params_assign(&scenario, settings[i], message, sizeof message), FLUE_OK);
        }
    }
    assert_int_equal(params_set(&scenario, "sample", sample, message, sizeof message), FLUE_OK);
    assert_int_equal(params_set(&scenario, "sample_from", from, message, sizeof message), FLUE_OK);
    if (world_run(&scenario, &record, NULL, &outcome, message, sizeof message) != FLUE_OK) {
        print_error("%s\n", message);
        fail();
    }
    if (results_finish(results) != FLUE_OK) {
        print_error("%s\n", results_complaint(results));
        fail();
    }
    return results;
}

static const char *const worlds[][SETTINGS_MAX] = {
    {"bulk", "connections=8", "bytes=256KiB", "offload=chimney", "loss=1%", "rto_min=5ms", NULL},
    {"bulk", "connections=8", "bytes=128KiB", "direction=both", "offload=host", "reorder=2%", NULL},
    /* So little that the window is empty. */
    {"bulk", "connections=1", "bytes=1", "offload=chimney", "warmup=50ms", NULL},
    {"connections=60", "clients=3", "topology=gateways", "offload=chimney", "io_size=16KiB", "requests=600", "load=50%",
     "rto_min=5ms", "events=4ms gateway-down; 8ms gateway-up; 9ms upload count=20; 10ms offload", NULL},
    {"connections=40", "offload=chimney", "io_size=4KiB", "requests=400", "load=0", "active=20", "capacity=30",
     "events=3ms upload-all; 4ms resume; 5ms corrupt count=3; 5ms upload", "close=no", NULL},
};

/* Also in its digest, whatever the interval, from the start or from the traffic on. */
static void same_run(void **state)
{
    static const char *const intervals[] = {"500us", "1us", "777ns", "1s"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(worlds); i++) {
        struct results *without = run(worlds[i], "0", "traffic");

        assert_null(results_series(without, 0));
        assert_null(results_find(without, "series.every", ""));
        for (size_t k = 0; k < COUNT_OF(intervals); k++) {
            struct results *with = run(worlds[i], intervals[k], k % 2 == 0 ? "traffic" : "start");

            assert_string_equal(results_digest(with), results_digest(without));
            assert_non_null(results_series(with, 0));
            assert_non_null(results_find(with, "series.every", ""));
            results_free(with);
        }
        results_free(without);
    }
}

static int64_t sum_of(const struct result_series *series)
{
    int64_t sum = 0;

    assert_non_null(series);
    for (size_t i = 0; i < series->point_count; i++) {
        sum += series->points[i].value;
    }
    return sum;
}

static int64_t number(const struct results *results, const char *metric, const char *entity)
{
    const struct result_number *found = results_find(results, metric, entity);

    assert_non_null(found);
    return found->numerator;
}

/* Every series has the same times; the core never works longer than an interval lasts; sockets stay as many. */
static void agrees(const struct results *results, int64_t connections)
{
    const struct result_series *first = results_series(results, 0), *series;
    const int64_t every_ps = number(results, "series.every", "");

    for (size_t i = 0; i < first->point_count; i++) {
        int64_t held = 0, worked_ps = 0;

        if (i > 0) {
            assert_true(first->points[i].at_ps - first->points[i - 1].at_ps == every_ps);
        }
        for (size_t k = 0; (series = results_series(results, k)) != NULL; k++) {
            assert_int_equal(series->point_count, first->point_count);
            assert_true(series->points[i].at_ps == first->points[i].at_ps);
            assert_true(series->points[i].value >= 0);
            held += strcmp(series->metric->name, "series.holders") == 0 ? series->points[i].value : 0;
            worked_ps += strcmp(series->metric->name, "series.cpu") == 0 ? series->points[i].value : 0;
        }
        assert_true(held == connections);
        assert_true(worked_ps <= every_ps + FLUE_COST_CATEGORIES);
    }
}

static const char *const steady[] = {"connections=40",
                                     "offload=chimney",
                                     "io_size=16KiB",
                                     "requests=800",
                                     "load=60%",
                                     "loss=1%",
                                     "rto_min=5ms",
                                     "warmup=0",
                                     "events=12ms upload; 20ms offload",
                                     NULL};

static void adds_up(void **state)
{
    struct results *coarse = run(steady, "1ms", "traffic"), *fine = run(steady, "7us", "traffic");
    const struct result_series *goodput = results_find_series(coarse, "series.goodput", "");
    const struct result_series *cpu = results_find_series(coarse, "series.cpu", "TCP/IP");
    const int64_t bytes = sum_of(goodput) / 8 / 1000;

    (void)state;
    agrees(coarse, 40);
    agrees(fine, 40);
    assert_true(goodput->point_count > 20);
    assert_true(number(coarse, "series.every", "") == FLUE_PS_PER_MS);
    /* The last interval, which the end of the window cuts short, is missing. */
    assert_in_range(bytes, number(coarse, "bytes.window", "") * 9 / 10, number(coarse, "bytes.window", ""));
    assert_in_range(sum_of(results_find_series(coarse, "series.retransmits", "")), 1,
                    number(coarse, "tcp.retransmits", "server host") +
                        number(coarse, "tcp.retransmits", "server target") +
                        number(coarse, "tcp.retransmits", "client host"));
    assert_in_range(sum_of(results_find_series(coarse, "series.timeouts", "")), 0, number(coarse, "tcp.timeouts", ""));
    assert_in_range(sum_of(cpu), 1, number(coarse, "cpu.cycles", "TCP/IP") * 1000); /* at 1 GHz and above */
    assert_true(results_event(coarse, 0)->effect);
    assert_true(results_event(coarse, 0)->at_ps == 12 * FLUE_PS_PER_MS);
    assert_string_equal(results_event(coarse, 1)->what, "20ms offload");
    assert_null(results_event(coarse, 2));
    results_free(coarse);
    results_free(fine);
}

/* More samples than there may be: the interval doubles as often as it has to, and nothing is lost. */
static void thinned_out(void **state)
{
    struct results *results = run(steady, "1ns", "traffic"), *coarse = run(steady, "1ms", "traffic");
    const struct result_series *goodput = results_find_series(results, "series.goodput", "");
    const int64_t every_ps = number(results, "series.every", "");
    int64_t delivered;

    (void)state;
    assert_true(every_ps > FLUE_PS_PER_NS && (every_ps / FLUE_PS_PER_NS & (every_ps / FLUE_PS_PER_NS - 1)) == 0);
    assert_in_range(goodput->point_count, 5000, 10001);
    agrees(results, 40);
    delivered = (int64_t)((double)sum_of(goodput) / 8 * (double)every_ps / 1e12);
    assert_in_range(delivered, number(results, "bytes.window", "") * 98 / 100, number(results, "bytes.window", "") + 1);
    assert_true(sum_of(results_find_series(results, "series.retransmits", "")) >=
                sum_of(results_find_series(coarse, "series.retransmits", "")));
    results_free(results);
    results_free(coarse);
}

/* A thousand connections taken back in one moment keep the core busy for longer than a sample: what it has still to do
 * counts when it does it. */
static void backlog(void **state)
{
    static const char *const storm[] = {"connections=1000", "open_every=5us", "offload=chimney",    "io_size=1KiB",
                                        "requests=300",     "load=10%",       "events=12ms upload", NULL};
    struct results *results = run(storm, "100us", "start");
    const struct result_series *control = results_find_series(results, "series.cpu", "offload control");
    int full = 0;

    (void)state;
    assert_non_null(control);
    for (size_t i = 0; i < control->point_count; i++) {
        assert_true(control->points[i].value <= 100 * FLUE_PS_PER_US + 1);
        full += control->points[i].at_ps > 12 * FLUE_PS_PER_MS && control->points[i].value > 80 * FLUE_PS_PER_US;
    }
    assert_true(full >= 10);
    results_free(results);
}

static const char *const moved[][SETTINGS_MAX] = {
    {"connections=40", "offload=chimney", "topology=switch", "io_size=16KiB", "requests=800", "load=60%", "loss=1%",
     "rto_min=5ms", "warmup=0", "adapters=2", "events=3ms migrate", "close=no", NULL},
    {"connections=40", "offload=chimney", "topology=switch", "io_size=16KiB", "requests=800", "load=60%", "loss=1%",
     "rto_min=5ms", "warmup=0", "events=3ms migrate to=node", "close=no", NULL},
};

/* Once everything has gone to another adapter, or another server, that counts as the first did. */
static void elsewhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(moved); i++) {
        struct results *results = run(moved[i], "100us", "start");
        const struct result_number *wire, *core, *goodput;
        const struct result_series *held =
            results_find_series(results, "series.holders", flue_holder_name(FLUE_HOLDER_TARGET));
        const int64_t again = sum_of(results_find_series(results, "series.retransmits", ""));
        const struct result_series *calls = results_find_series(results, "series.cpu", "system call");

        wire = results_find(results, "util.wire", "");
        core = results_find(results, "util.core", "");
        goodput = results_find(results, "goodput", "");
        assert_non_null(wire);
        assert_non_null(core);
        assert_non_null(goodput);
        /* A wire of 10 Gbit/s carries the goodput, and a core that offloads works for it. */
        assert_true((double)wire->numerator / (double)wire->denominator >
                    0.8 * (double)goodput->numerator / (double)goodput->denominator / 10e9);
        assert_true((double)core->numerator / (double)core->denominator > 0.05);
        assert_true(number(results, "wire.frames", "server to client") * 1448 >
                    number(results, "bytes.window", "") * 9 / 10);
        assert_true(number(results, "tcp.retransmits", "server target") > 50);
        assert_true(again > 50);
        assert_non_null(held);
        assert_int_equal(held->points[held->point_count - 1].value, 40);
        assert_non_null(calls);
        assert_true(calls->points[calls->point_count - 1].value > 0);
        results_free(results);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_run), cmocka_unit_test(adds_up),   cmocka_unit_test(thinned_out),
        cmocka_unit_test(backlog),  cmocka_unit_test(elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
