/* SPDX-License-Identifier: GPL-2.0-only */
#include "unit/store/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static double uniform(uint64_t *state)
{
    return ((double)next_random(state) + 0.5) / 2147483648.0;
}

static struct store_param text_param(const char *name, const char *text)
{
    return (struct store_param){.name = name, .text = text, .unit = "", .value = 0, .is_number = false};
}

static struct store_param number_param(const char *name, const char *text, const char *unit, int64_t value)
{
    return (struct store_param){.name = name, .text = text, .unit = unit, .value = value, .is_number = true};
}

static size_t make_bins(struct synthetic *made, bool chimney, double load, double size, uint64_t *state)
{
    struct histogram *histogram = calloc(1, sizeof *histogram);
    uint64_t lo, hi, n;
    uint32_t cursor = 0;
    size_t count = 0;
    double base = chimney ? 24 + size / 1250 * 1.02 : 31 + size / 1250 * 1.25;

    if (histogram == NULL) {
        return 0;
    }
    histogram_init(histogram);
    for (int i = 0; i < 2000; i++) {
        double us = base + base * load / (1 - load) * 0.5 * -log(uniform(state)) + 3 * uniform(state);
        histogram_record(histogram, (uint64_t)(us * 1e6));
    }
    while (count < sizeof made->bins / sizeof made->bins[0] && histogram_next(histogram, &cursor, &lo, &hi, &n)) {
        made->bins[count++] = (struct store_bin){.metric = "lat", .entity = "", .lo = lo, .hi = hi, .n = n};
    }
    free(histogram);
    return count;
}

void synthetic_make(struct synthetic *made, bool chimney, int load_percent, int64_t io_size, uint64_t rng_run)
{
    uint64_t state = rng_run * 7919 + (uint64_t)io_size * 31 + (uint64_t)load_percent * 131 + (chimney ? 17 : 0);
    double size = (double)io_size, load = load_percent / 100.0;
    double host = 0.9 + 9000 / size, cost = chimney ? 0.30 + 10500 / size : host;
    int64_t bytes = io_size * 2000, cycles;
    int binding = 7;

    memset(made, 0, sizeof *made);
    snprintf(made->texts[0], sizeof made->texts[0], "%d%%", load_percent);
    snprintf(made->texts[1], sizeof made->texts[1], io_size >= 1048576 ? "%lldMiB" : "%lldKiB",
             (long long)(io_size >= 1048576 ? io_size / 1048576 : io_size / 1024));
    made->params[0] = text_param("workload", "rpc");
    made->params[1] = number_param("offload", chimney ? "chimney" : "host", "", chimney);
    made->params[2] = number_param("load", made->texts[0], "ppm", load_percent * 10000);
    made->params[3] = number_param("io_size", made->texts[1], "bytes", io_size);
    made->params[4] = number_param("link_rate", "10Gbps", "bps", 10000000000);
    made->params[5] = number_param("delay", "10us", "ps", 10000000);
    made->params[6] = number_param("connections", "1000", "", 1000);
    made->params[7] = text_param("profile", "host-2021-noopt");
    made->params[8] = text_param("peer_profile", "none");
    made->params[9] = number_param("mtu", "1500", "bytes", 1500);
    made->params[10] = number_param("requests", "2000", "", 2000);
    made->params[11] = number_param("warmup", "2ms", "ps", 2000000000);
    for (int i = 0; i < 6; i++) {
        cost *= 1 + 0.01 * (uniform(&state) - 0.5);
    }
    cycles = (int64_t)(cost * (double)bytes);
    if (load_percent > 50) {
        binding = chimney ? (io_size > 65536 ? 5 : io_size > 8192 ? 4 : 2) : io_size > 262144 ? 5 : 1;
        binding = io_size == 16384 && chimney && rng_run % 3 == 0 ? 2 : binding;
    }
    made->metrics[0] = (struct store_metric){"cpu.cycles_per_byte", "", cycles, bytes};
    made->metrics[1] = (struct store_metric){"cpu.handover", "", chimney ? 1000 * 4000 : 0, 1};
    made->metrics[2] = (struct store_metric){"bytes.window", "", bytes, 1};
    made->metrics[3] = (struct store_metric){"binding", "", binding, 1};
    made->metrics[4] = (struct store_metric){"requests", "", 2000, 1};
    made->metrics[5] = (struct store_metric){"goodput", "", bytes * 8, 3};
    made->run = (struct store_run){
        .config = {.scenario_name = "rpc",
                   .scenario_text = "flue: 1\nscenario: rpc\n",
                   .params = made->params,
                   .param_count = SYNTHETIC_PARAMS},
        .build = store_build_here(""),
        .seed = 1,
        .rng_run = rng_run,
        .net = "link",
        .status = STORE_DONE,
        .host = "test",
        .argv = "flue run rpc",
        .started_unix_s = 1700000000,
        .wall_s = 0.5,
        .cpu_s = 0.4,
        .max_rss_kib = 5000,
        .sim_end_ps = 1000000000,
        .events = 123456,
        .digest = made->digest,
        .evidence = "Costs of host-2021-noopt: 20 measured or derived; unverified: copy_send, copy_receive, "
                    "interrupt, wakeup; assumed: chimney_send, chimney_send_complete, chimney_indicate, "
                    "chimney_return, initiate, initiate_tree, terminate, engine_send_data, engine_receive_data, "
                    "engine_ack, doorbell_ps.",
        .stderr_tail = NULL,
        .metrics = made->metrics,
        .metric_count = 6,
        .bins = made->bins,
    };
    made->run.bin_count = make_bins(made, chimney, load, size, &state);
    snprintf(made->digest, sizeof made->digest, "%064llx", (unsigned long long)(state | 1));
}

flue_err synthetic_fill(struct store *store, uint64_t seeds, char *message, size_t room)
{
    struct synthetic *made = malloc(sizeof *made);
    flue_err err = made != NULL ? FLUE_OK : FLUE_ENOMEM;

    for (uint64_t seed = 1; err == FLUE_OK && seed <= seeds; seed++) {
        for (int load = 30; err == FLUE_OK && load <= 80; load += 50) {
            for (int64_t size = 1024; err == FLUE_OK && size <= 1048576; size *= 2) {
                for (int chimney = 0; err == FLUE_OK && chimney <= 1; chimney++) {
                    synthetic_make(made, chimney == 1, load, size, seed);
                    err = store_run(store, &made->run, NULL, message, room);
                }
            }
        }
    }
    free(made);
    return err;
}
