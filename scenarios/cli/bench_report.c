/* SPDX-License-Identifier: GPL-2.0-only */
/* What `flue bench` found: each figure beside the bar it has to reach. */
#include "cli/bench.h"

#include <inttypes.h>
#include <stddef.h>

static const char *const titles[BENCH_WAY_COUNT] = {
#define X(name, title, ns3) title,
    BENCH_WAYS(X)
#undef X
};

static const char *const keys[BENCH_WAY_COUNT] = {"link_host",   "link_chimney", "ns3_host",
                                                  "ns3_chimney", "ns3_device",   "ns3_tcp"};

static const bool needs_ns3[BENCH_WAY_COUNT] = {
#define X(name, title, ns3) ns3,
    BENCH_WAYS(X)
#undef X
};

static const char *const checked_titles[BENCH_CHECKED_COUNT] = {
#define X(name, key, title, limit) title,
    BENCH_CHECKEDS(X)
#undef X
};

static const char *const checked_keys[BENCH_CHECKED_COUNT] = {
#define X(name, key, title, limit) key,
    BENCH_CHECKEDS(X)
#undef X
};

/* A figure and its bar. */
struct bar {
    const char *key, *title, *unit;
    double value, limit;
    bool at_least; /* the bar is a least value, else a greatest */
    bool ns3;      /* is left out without ns-3 */
};

#define BARS_MAX 48u

struct bars {
    struct bar bar[BARS_MAX];
    size_t count;
};

static double ns(const struct bench *bench, enum bench_way way, unsigned size)
{
    return bench->cells[way][size].segment_ns;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void add(struct bars *bars, const char *key, const char *title, const char *unit, double value, double limit,
                bool at_least, bool ns3)
{
    if (bars->count < BARS_MAX) {
        bars->bar[bars->count++] = (struct bar){key, title, unit, value, limit, at_least, ns3};
    }
}

/* The dearest of all numbers of connections. */
static double worst(const struct bench *bench, enum bench_way way)
{
    double most = 0;

    for (unsigned size = 0; size < BENCH_SIZES; size++)
        if (ns(bench, way, size) > most)
            most = ns(bench, way, size);
    return most;
}

static double growth(const struct bench *bench, enum bench_way way)
{
    return ratio(ns(bench, way, BENCH_LARGE), ns(bench, way, BENCH_SMALL));
}

/* A figure of one of bench_storms. */
static const struct {
    const char *cpu, *peak;
} storm_keys[BENCH_STORMS] = {{"upload_all_s", "upload_all_mb"},
                              {"relink_s", "relink_mb"},
                              {"gateway_down_s", "gateway_down_mb"},
                              {"hardware_s", "hardware_mb"}};

static void collect_many(const struct bench *bench, struct bars *bars)
{
    static const struct {
        const char *to_many, *to_most, *many_title, *most_title;
    } arms[2] = {{"growth_10000_host", "growth_100000_host", "growth from 100 to 10,000 connections, host",
                  "growth from 100 to 100,000 connections, host"},
                 {"growth_10000_chimney", "growth_100000_chimney", "growth from 100 to 10,000 connections, chimney",
                  "growth from 100 to 100,000 connections, chimney"}};

    for (unsigned arm = 0; arm < 2; arm++) {
        const double *ns = bench->growth[arm].segment_ns;

        add(bars, arms[arm].to_many, arms[arm].many_title, "x", ratio(ns[BENCH_MANY], ns[BENCH_FEW]), 1.3, false,
            false);
        add(bars, arms[arm].to_most, arms[arm].most_title, "x", ratio(ns[BENCH_MOST], ns[BENCH_FEW]), 2, false, false);
    }
    add(bars, "moves_per_s", "connections moved each second, 100,000 of them", "", bench->moves_per_s, 1e6, true,
        false);
    for (unsigned i = 0; i < BENCH_STORMS; i++) {
        add(bars, storm_keys[i].cpu, bench_storms[i].title, "s", bench->storms[i].cpu_s, 30, false, false);
        add(bars, storm_keys[i].peak, "  and its memory", "MB", bench->storms[i].peak_mb, 400, false, false);
    }
    if (bench->million.done) {
        add(bars, "million_s", "1,000,000 connections: open, offload, close", "s", bench->million.cpu_s, 60, false,
            false);
        add(bars, "million_mb", "  and their memory", "MB", bench->million.peak_mb, 2000, false, false);
    }
}

/* On link the dearest number of connections counts; beside ns-3 100 of them, as its linear look-up makes more too easy.
 * SACK and timestamps are on. */
static void collect(const struct bench *bench, struct bars *bars)
{
    const double device = ns(bench, BENCH_NS3_DEVICE, BENCH_MIDDLE), tcp = ns(bench, BENCH_NS3_TCP, BENCH_MIDDLE);

    add(bars, "link_host_us", "segment on link, host, 10 to 1,000 connections", "us",
        worst(bench, BENCH_LINK_HOST) / 1e3, 0.6, false, false);
    add(bars, "link_chimney_us", "segment on link, chimney, 10 to 1,000 connections", "us",
        worst(bench, BENCH_LINK_CHIMNEY) / 1e3, 0.6, false, false);
    add(bars, "link_100_host_us", "segment on link, host, 100 connections", "us",
        ns(bench, BENCH_LINK_HOST, BENCH_MIDDLE) / 1e3, 0.45, false, false);
    add(bars, "link_100_chimney_us", "segment on link, chimney, 100 connections", "us",
        ns(bench, BENCH_LINK_CHIMNEY, BENCH_MIDDLE) / 1e3, 0.45, false, false);
    add(bars, "link_100_host_ratio", "on link, host, 100 conn.: faster than ns-3's own TCP", "x",
        ratio(tcp, ns(bench, BENCH_LINK_HOST, BENCH_MIDDLE)), 80, true, true);
    add(bars, "link_100_chimney_ratio", "on link, chimney, 100 conn.: faster than ns-3's TCP", "x",
        ratio(tcp, ns(bench, BENCH_LINK_CHIMNEY, BENCH_MIDDLE)), 80, true, true);
    add(bars, "ns3_host_more_us", "on ns-3, host: more than the bare device", "us",
        (ns(bench, BENCH_NS3_HOST, BENCH_MIDDLE) - device) / 1e3, 1.5, false, true);
    add(bars, "ns3_chimney_more_us", "on ns-3, chimney: more than the bare device", "us",
        (ns(bench, BENCH_NS3_CHIMNEY, BENCH_MIDDLE) - device) / 1e3, 1.5, false, true);
    add(bars, "ns3_host_ratio", "on ns-3, host: faster than ns-3's own TCP", "x",
        ratio(tcp, ns(bench, BENCH_NS3_HOST, BENCH_MIDDLE)), 6, true, true);
    add(bars, "ns3_chimney_ratio", "on ns-3, chimney: faster than ns-3's own TCP", "x",
        ratio(tcp, ns(bench, BENCH_NS3_CHIMNEY, BENCH_MIDDLE)), 6, true, true);
    add(bars, "growth_link_host", "growth from 10 to 1,000 connections, link, host", "x",
        growth(bench, BENCH_LINK_HOST), 1.5, false, false);
    add(bars, "growth_link_chimney", "growth from 10 to 1,000 connections, link, chimney", "x",
        growth(bench, BENCH_LINK_CHIMNEY), 1.5, false, false);
    add(bars, "growth_ns3_host", "growth from 10 to 1,000 connections, ns-3, host", "x", growth(bench, BENCH_NS3_HOST),
        1.5, false, true);
    add(bars, "growth_ns3_chimney", "growth from 10 to 1,000 connections, ns-3, chimney", "x",
        growth(bench, BENCH_NS3_CHIMNEY), 1.5, false, true);
    add(bars, "idle_host_bytes", "an idle connection, both ends, host", "bytes",
        bench->growth[0].idle_bytes[BENCH_MOST], 1024, false, false);
    add(bars, "idle_chimney_bytes", "an idle connection, both ends, offloaded", "bytes",
        bench->growth[1].idle_bytes[BENCH_MOST], 1024, false, false);
    add(bars, "alarms_ns3_host", "alarms per segment on ns-3, host", "",
        bench->cells[BENCH_NS3_HOST][BENCH_MIDDLE].alarms, 2, false, true);
    add(bars, "alarms_ns3_chimney", "alarms per segment on ns-3, chimney", "",
        bench->cells[BENCH_NS3_CHIMNEY][BENCH_MIDDLE].alarms, 2, false, true);
    add(bars, "connections_10000_s", "10,000 connections: open, offload, 10 kB, close", "s", bench->many_cpu_s, 10,
        false, false);
#define X(name, key, title, limit)                                                                                     \
    add(bars, "checker_" key, "the checker counts, " title ": dearer by", "%",                                         \
        bench->checker[BENCH_CHECKED_##name].more_percent, limit, false, false);
    BENCH_CHECKEDS(X)
#undef X
#define X(name, key, title, limit)                                                                                     \
    add(bars, "checker_off_" key, "the checker is off, " title ": its hooks", "%",                                     \
        bench->checker[BENCH_CHECKED_##name].off_percent, 1, false, false);
    BENCH_CHECKEDS(X)
#undef X
    collect_many(bench, bars);
    add(bars, "start_link_ms", "start-up, one tiny run on link", "ms", bench->start_ms[0], 5, false, false);
    add(bars, "start_ns3_ms", "start-up, one tiny run on ns-3", "ms", bench->start_ms[1], 40, false, true);
}

static bool is_met(const struct bar *bar)
{
    return bar->at_least ? bar->value >= bar->limit : bar->value <= bar->limit;
}

static void add_table(const struct bench *bench, struct text *out)
{
    const double tcp = ns(bench, BENCH_NS3_TCP, BENCH_MIDDLE);

    text_add(out, "CPU time per data segment, both ends, in us; median of %u interleaved rounds\n\n", bench->rounds);
    text_add(out, "  %-24s %8s %8s %8s %16s %13s\n", "connections", "10", "100", "1,000", "ns-3 TCP (100)",
             "alarms (100)");
    for (unsigned way = 0; way < BENCH_WAY_COUNT; way++) {
        if (needs_ns3[way] && !bench->ns3) {
            continue;
        }
        text_add(out, "  %-24s", titles[way]);
        for (unsigned size = 0; size < BENCH_SIZES; size++) {
            text_add(out, " %8.3f", ns(bench, (enum bench_way)way, size) / 1e3);
        }
        if (bench->ns3) {
            text_add(out, " %14.1f x", ratio(tcp, ns(bench, (enum bench_way)way, BENCH_MIDDLE)));
        } else {
            text_add(out, " %16s", "");
        }
        if (way <= BENCH_NS3_CHIMNEY) {
            text_add(out, " %13.2f", bench->cells[way][BENCH_MIDDLE].alarms);
        }
        text_add(out, "\n");
    }
    text_add(out, "\n");
    if (bench->ns3) {
        text_add(out, "  ns-3 %s from %s; its TCP holds %.0f bytes for an idle connection, both ends\n\n",
                 bench->ns3_version, bench->ns3_library[0] == '\0' ? "an unknown file" : bench->ns3_library,
                 bench->cells[BENCH_NS3_TCP][BENCH_MIDDLE].idle_bytes);
    } else {
        text_add(out, "  ns-3 is not here: only the built-in network was measured\n\n");
    }
    text_add(out, "  %-24s %8s %8s %8s\n", "equally many segments", "100", "10,000", "100,000");
    for (unsigned arm = 0; arm < 2; arm++) {
        const double *each = bench->growth[arm].segment_ns;

        text_add(out, "  %-24s %8.3f %8.3f %8.3f\n", titles[arm == 0 ? BENCH_LINK_HOST : BENCH_LINK_CHIMNEY],
                 each[BENCH_FEW] / 1e3, each[BENCH_MANY] / 1e3, each[BENCH_MOST] / 1e3);
    }
    text_add(out, "\n");
    text_add(out, "  %-24s %8s %8s %8s %20s\n", "checker, 1,000 offloaded", "off", "counts", "more",
             "hooks of a segment");
    for (unsigned load = 0; load < BENCH_CHECKED_COUNT; load++) {
        const struct bench_checker *checker = &bench->checker[load];

        text_add(out, "  %-24s %8.3f %8.3f %6.1f %% %20.2f\n", checked_titles[load], checker->off_ns / 1e3,
                 checker->count_ns / 1e3, checker->more_percent, checker->hooks);
    }
    text_add(out, "  a hook that finds no checker costs %.2f ns\n", bench->test_ns);
    text_add(out, "\n");
}

static void add_number(struct text *out, const struct bar *bar, double value)
{
    text_add(out, value >= 1000 ? "%.0f" : value >= 100 ? "%.1f" : "%.2f", value);
    text_add(out, "%s%s", bar->unit[0] == '\0' ? "" : " ", bar->unit);
}

static void add_bar(const struct bar *bar, struct text *out)
{
    struct text value = {.chars = NULL}, limit = {.chars = NULL};

    add_number(&value, bar, bar->value);
    add_number(&limit, bar, bar->limit);
    text_add(out, "  %-52s %12s   %s %-12s %s\n", bar->title, text_chars(&value),
             bar->at_least ? ">=" : "<=", text_chars(&limit), is_met(bar) ? "ok" : "MISSED");
    out->failed = out->failed || value.failed || limit.failed;
    text_free(&value);
    text_free(&limit);
}

static void add_segments(const struct bench *bench, struct text *out)
{
    const char *comma = "";

    text_add(out, ",\"segment_ns\":{");
    for (unsigned way = 0; way < BENCH_WAY_COUNT; way++) {
        if (needs_ns3[way] && !bench->ns3) {
            continue;
        }
        text_add(out, "%s\"%s\":[", comma, keys[way]);
        comma = ",";
        for (unsigned size = 0; size < BENCH_SIZES; size++) {
            const struct bench_cell *cell = &bench->cells[way][size];

            text_add(out, "%s{\"connections\":%" PRIu32 ",\"median\":%.1f,\"segments\":%" PRIu64, size == 0 ? "" : ",",
                     bench_connections[size], cell->segment_ns, cell->segments);
            if (way <= BENCH_NS3_CHIMNEY) {
                text_add(out, ",\"alarms_per_segment\":%.3f", cell->alarms);
            }
            if (way != BENCH_NS3_DEVICE) {
                text_add(out, ",\"idle_bytes\":%.0f", cell->idle_bytes);
            }
            text_add(out, "}");
        }
        text_add(out, "]");
    }
}

static void add_growth(const struct bench *bench, struct text *out)
{
    text_add(out, "},\"growth_ns\":{");
    for (unsigned arm = 0; arm < 2; arm++) {
        text_add(out, "%s\"%s\":[", arm == 0 ? "" : ",", arm == 0 ? "host" : "chimney");
        for (unsigned size = 0; size < BENCH_GROWTHS; size++) {
            text_add(out, "%s{\"connections\":%" PRIu32 ",\"median\":%.1f,\"idle_bytes\":%.0f}", size == 0 ? "" : ",",
                     bench_many[size], bench->growth[arm].segment_ns[size], bench->growth[arm].idle_bytes[size]);
        }
        text_add(out, "]");
    }
}

static void add_checker(const struct bench *bench, struct text *out)
{
    text_add(out, "},\"checker\":{");
    for (unsigned load = 0; load < BENCH_CHECKED_COUNT; load++) {
        const struct bench_checker *checker = &bench->checker[load];

        text_add(out,
                 "%s\"%s\":{\"off_ns\":%.1f,\"count_ns\":%.1f,\"more_percent\":%.2f,\"hooks\":%.3f,"
                 "\"off_percent\":%.3f}",
                 load == 0 ? "" : ",", checked_keys[load], checker->off_ns, checker->count_ns, checker->more_percent,
                 checker->hooks, checker->off_percent);
    }
}

static void add_json(const struct bench *bench, const struct bars *bars, struct text *out)
{
    const char *comma = "";

    text_add(out, "{\"rounds\":%u,\"ns3\":", bench->rounds);
    if (bench->ns3) {
        text_add(out, "{\"version\":");
        text_add_json(out, bench->ns3_version);
        text_add(out, ",\"library\":");
        text_add_json(out, bench->ns3_library);
        text_add(out, "}");
    } else {
        text_add(out, "null");
    }
    add_segments(bench, out);
    add_growth(bench, out);
    add_checker(bench, out);
    text_add(out, "},\"offloaded_of_10000\":%" PRIu64 ",\"bars\":[", bench->many_offloaded);
    for (size_t i = 0; i < bars->count; i++) {
        const struct bar *bar = &bars->bar[i];

        if (bar->ns3 && !bench->ns3) {
            continue;
        }
        text_add(out, "%s{\"name\":\"%s\",\"value\":%.4f,\"%s\":%g,\"unit\":\"%s\",\"ok\":%s}", comma, bar->key,
                 bar->value, bar->at_least ? "at_least" : "at_most", bar->limit, bar->unit,
                 is_met(bar) ? "true" : "false");
        comma = ",";
    }
    text_add(out, "]}\n");
}

unsigned bench_report(const struct bench *bench, bool json, struct text *out)
{
    struct bars bars = {.count = 0};
    unsigned missed = 0;

    collect(bench, &bars);
    if (json) {
        add_json(bench, &bars, out);
    } else {
        add_table(bench, out);
        text_add(out, "  %-52s %12s   %s\n", "figure", "here", "bar");
    }
    for (size_t i = 0; i < bars.count; i++) {
        if (bars.bar[i].ns3 && !bench->ns3) {
            continue;
        }
        missed += is_met(&bars.bar[i]) ? 0 : 1;
        if (!json) {
            add_bar(&bars.bar[i], out);
        }
    }
    return missed;
}
