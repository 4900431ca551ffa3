/* SPDX-License-Identifier: GPL-2.0-only */
/* The short text of `flue run`: what a person wants to know first, one thing to a line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flue/check.h"
#include "run/params.h"
#include "run/report.h"

#define LABEL_WIDTH 18
#define LINE_WIDTH  110u

struct scale {
    double worth;
    const char *name;
};

static void add_scaled(struct text *out, double value, const struct scale *scales)
{
    const struct scale *scale = scales;

    /* 999.5 would be shown as 1000: the next unit is better. */
    while (scale[1].name != NULL && value >= 999.5 * scale->worth) {
        scale++;
    }
    value /= scale->worth;
    text_add(out, value >= 99.95 ? "%.0f %s" : value >= 9.995 ? "%.1f %s" : "%.2f %s", value, scale->name);
}

void report_quantity(struct text *out, double value, const char *unit)
{
    static const struct scale times[] = {{1, "ps"}, {1e3, "ns"}, {1e6, "us"}, {1e9, "ms"}, {1e12, "s"}, {0, NULL}};
    static const struct scale rates[] = {{1, "b/s"},    {1e3, "kb/s"},  {1e6, "Mb/s"},
                                         {1e9, "Gb/s"}, {1e12, "Tb/s"}, {0, NULL}};
    static const struct scale cycles[] = {
        {1, "cycles"}, {1e3, "kcycles"}, {1e6, "Mcycles"}, {1e9, "Gcycles"}, {0, NULL}};

    if (strcmp(unit, "ps") == 0) {
        add_scaled(out, value, times);
    } else if (strcmp(unit, "1/1000") == 0) {
        text_add(out, "%.3g", value / 1000);
    } else if (strcmp(unit, "bit/s") == 0) {
        add_scaled(out, value, rates);
    } else if (strcmp(unit, "cycles") == 0) {
        add_scaled(out, value, cycles);
    } else {
        text_add(out, "%.4g%s%s", value, unit[0] == '\0' ? "" : " ", unit);
    }
}

static bool value_of(const struct report *report, const char *metric, const char *entity, double *out)
{
    const struct result_number *number = results_find(report->results, metric, entity);

    if (number == NULL || number->denominator == 0) {
        return false;
    }
    *out = (double)number->numerator / (double)number->denominator;
    return true;
}

/* What was counted; 0 if the run did not say it. */
static int64_t count_of(const struct report *report, const char *metric, const char *entity)
{
    const struct result_number *number = results_find(report->results, metric, entity);

    return number == NULL ? 0 : number->numerator;
}

/* Over all entities. */
static int64_t total_of(const struct report *report, const char *metric)
{
    const struct result_number *number;
    int64_t total = 0;

    for (size_t i = 0; (number = results_number(report->results, i)) != NULL; i++) {
        total += strcmp(number->metric->name, metric) == 0 ? number->numerator : 0;
    }
    return total;
}

static void label(struct text *out, const char *what)
{
    text_add(out, "  %-*s ", LABEL_WIDTH, what);
}

/* "rpc  offload=chimney io_size=64KiB  net link  seed 7 run 1": the arm, and all that is not as params.def has it. */
static void add_head(const struct report *report, struct text *out)
{
    const struct flue_scenario *scenario = report->scenario;
    const struct param_info *arm = params_find("offload");
    char value[FLUE_TEXT_MAX];
    size_t line = out->length;
    double end_ps;

    params_format(arm, scenario, value, sizeof value);
    text_add(out, "%s  %s=%s", scenario->name, arm->name, value);
    for (size_t i = 0; i < params_count(); i++) {
        const struct param_info *param = params_at(i);

        if (param == arm || params_is_initial(scenario, param)) {
            continue;
        }
        params_format(param, scenario, value, sizeof value);
        if (out->length - line + strlen(param->name) + strlen(value) + 2 > LINE_WIDTH) {
            text_add(out, "\n   ");
            line = out->length;
        }
        text_add(out, " %s=%s", param->name, value);
    }
    if (out->length - line > LINE_WIDTH - 40) {
        text_add(out, "\n  ");
    }
    text_add(out, "  net %s  seed %" PRIu64 " run %" PRIu64, params_net_name(scenario->net), scenario->seed,
             scenario->rng_run);
    if (report->target != NULL) {
        text_add(out, "  target %s", report->target);
    }
    if (report->policy != NULL) {
        text_add(out, "  policy %s", report->policy);
    }
    if (value_of(report, "sim.end", "", &end_ps)) {
        text_add(out, "  sim %.6g s", end_ps / 1e12);
    }
    text_add(out, "\n");
}

static void add_goodput(const struct report *report, struct text *out)
{
    double goodput;
    double offered;

    if (!value_of(report, "goodput", "", &goodput)) {
        return;
    }
    label(out, "goodput");
    report_quantity(out, goodput, "bit/s");
    if (value_of(report, "offered", "", &offered) && offered > 0) {
        text_add(out, " of ");
        report_quantity(out, offered, "bit/s");
        text_add(out, " offered");
    }
    text_add(out, "\n");
}

/* Queues of an open loop that are worth a word: then latency tells how long the run was, not how fast the server is. */
#define WAITING_TOLD 1000

static void add_waiting(const struct report *report, struct text *out)
{
    const int64_t waiting = count_of(report, "requests.waiting", "");

    if (waiting >= WAITING_TOLD) {
        label(out, "waiting");
        text_add(out, "up to %" PRId64 " requests at once (waiting_most=%" PRId64 "): the server did not keep up\n",
                 waiting, report->scenario->waiting_most);
    }
}

static void add_quantile(const struct result_hist *hist, uint32_t numerator, uint32_t denominator, const char *name,
                         struct text *out)
{
    uint64_t value = 0, above = 0;

    if (!results_quantile(hist, numerator, denominator, &value, &above)) {
        return;
    }
    text_add(out, "%s ", name);
    if (above < RESULTS_SAMPLES_ABOVE) {
        text_add(out, "- (%" PRIu64 " samples above; %u needed)  ", above, RESULTS_SAMPLES_ABOVE);
        return;
    }
    report_quantity(out, (double)value, hist->metric->unit);
    text_add(out, "  ");
}

static void add_quantiles(const struct result_hist *hist, struct text *out)
{
#define X(numerator, denominator, name) add_quantile(hist, numerator, denominator, name, out);
    RESULTS_QUANTILES(X)
#undef X
}

static void add_latency(const struct report *report, struct text *out)
{
    const struct result_hist *hist = results_find_hist(report->results, "lat", "");

    if (hist == NULL) {
        return;
    }
    label(out, "latency");
    add_quantiles(hist, out);
    text_add(out, "of %" PRIu64 "\n", hist->n);
}

/* Connections that come and go: how many, how long they took, and how much longer than they had to. */
static void add_flows(const struct report *report, struct text *out)
{
    const struct result_hist *fct = results_find_hist(report->results, "fct", "");
    const struct result_hist *slowdown = results_find_hist(report->results, "slowdown", "");

    if (fct == NULL || slowdown == NULL) {
        return;
    }
    label(out, "flow completion");
    add_quantiles(fct, out);
    text_add(out, "of %" PRIu64 "\n", fct->n);
    label(out, "slowdown");
    add_quantiles(slowdown, out);
    text_add(out, "over an idle network and hosts without cost\n");
    label(out, "connections");
    text_add(out, "%" PRId64 " opened, at most %" PRId64 " at once (TIME-WAIT included), %" PRId64 " measured\n",
             count_of(report, "flows", ""), count_of(report, "flows.peak", ""), count_of(report, "flows.measured", ""));
}

/* Where something happens at a chosen time: how long connections were without a byte that was under way. */
static void add_silence(const struct report *report, struct text *out)
{
    const struct result_hist *hist = results_find_hist(report->results, "silence", "");

    if (hist == NULL || report->scenario->events.text[0] == '\0') {
        return;
    }
    label(out, "longest silence");
    add_quantiles(hist, out);
    text_add(out, "most ");
    report_quantity(out, (double)hist->bins[hist->bin_count - 1].hi, hist->metric->unit);
    text_add(out, "  of %" PRIu64 " connections\n", hist->n);
}

/* "0.61 = copy 0.18 + TCP/IP 0.02 + ...": what is below a hundredth of the whole goes into the rest. */
static void add_cycles(const struct report *report, struct text *out)
{
    const struct result_number *number;
    const char *sign = "=";
    double all;
    double rest = 0;

    if (!value_of(report, "cpu.cycles_per_byte", "", &all)) {
        return;
    }
    label(out, "host cycles/byte");
    text_add(out, "%.3g", all);
    for (size_t i = 0; (number = results_number(report->results, i)) != NULL; i++) {
        double part;

        if (strcmp(number->metric->name, "cpu.cycles_per_byte") != 0 || number->entity[0] == '\0' ||
            number->denominator == 0) {
            continue;
        }
        part = (double)number->numerator / (double)number->denominator;
        if (part < all / 100) {
            rest += part;
        } else {
            text_add(out, " %s %s %.2g", sign, number->entity, part);
            sign = "+";
        }
    }
    if (rest > 0) {
        text_add(out, " %s rest %.1g", sign, rest);
    }
    text_add(out, "\n");
}

static void add_moves(const struct report *report, struct text *out)
{
    int64_t offloaded = count_of(report, "offloaded", "");
    int64_t uploaded = count_of(report, "uploaded", "");
    int64_t refused = count_of(report, "refused", "");
    const struct result_number *number;
    const char *comma = " (";

    label(out, "hand-over");
    if (offloaded + uploaded + refused == 0) {
        text_add(out, "none: the host keeps every connection\n");
        return;
    }
    text_add(out, "%" PRId64 " offloaded, %" PRId64 " uploaded, %" PRId64 " refused", offloaded, uploaded, refused);
    for (size_t i = 0; (number = results_number(report->results, i)) != NULL; i++) {
        if (strcmp(number->metric->name, "moves") == 0 && number->numerator != 0) {
            text_add(out, "%s%s %" PRId64, comma, number->entity, number->numerator);
            comma = ", ";
        }
    }
    text_add(out, "%s", strcmp(comma, ", ") == 0 ? ")" : "");
    if (offloaded + uploaded > 0) {
        text_add(out, "; ");
        report_quantity(out, (double)count_of(report, "cpu.handover", "") / (double)(offloaded + uploaded), "cycles");
        text_add(out, " each");
    }
    text_add(out, "\n");
}

/* "refused  12 for TCP_ENTRIES": the interface's name without what all of them begin with. */
static void add_entities(const struct report *report, const char *metric, const char *name, struct text *out)
{
    static const char *const prefixes[] = {"NDIS_STATUS_OFFLOAD_", "NDIS_STATUS_"};
    const struct result_number *number;
    const char *comma = "";

    for (size_t i = 0; (number = results_number(report->results, i)) != NULL; i++) {
        const char *entity = number->entity;

        if (strcmp(number->metric->name, metric) != 0 || entity[0] == '\0') {
            continue;
        }
        if (comma[0] == '\0') {
            label(out, name);
        }
        for (size_t k = 0; k < sizeof prefixes / sizeof prefixes[0]; k++) {
            if (strncmp(entity, prefixes[k], strlen(prefixes[k])) == 0) {
                entity += strlen(prefixes[k]);
                break;
            }
        }
        text_add(out, "%s%s %" PRId64, comma, entity, number->numerator);
        comma = ", ";
    }
    text_add(out, "%s", comma[0] == '\0' ? "" : "\n");
}

static void add_faults(const struct report *report, struct text *out)
{
    const int64_t late = count_of(report, "late", "");
    const int64_t resets = count_of(report, "resets", "");
    const int64_t forged = count_of(report, "forged", "");
    const int64_t lost = count_of(report, "requests.lost", "");

    add_entities(report, "refused", "refused", out);
    add_entities(report, "retrieves", "asked back", out);
    if (late + resets > 0) {
        label(out, "adapter");
        text_add(out, "%" PRId64 " completions found late, %" PRId64 " resets (D-60)\n", late, resets);
    }
    if (forged > 0) {
        label(out, "attack");
        text_add(out,
                 "%" PRId64 " forged segments; challenge ACKs: host %" PRId64 ", adapter %" PRId64 "; %" PRId64
                 " connections killed\n",
                 forged, count_of(report, "challenges", "host"), count_of(report, "challenges", "adapter"),
                 count_of(report, "killed", ""));
    }
    if (lost > 0) {
        label(out, "requests");
        text_add(out, "%" PRId64 " lost: with their connections, or because none was left to ask\n", lost);
    }
}

/* What the policy said, by reason, and how often. */
static void add_policy(const struct report *report, struct text *out)
{
    const struct result_number *number;
    const char *comma = "";
    size_t line = 0;

    for (size_t i = 0; (number = results_number(report->results, i)) != NULL; i++) {
        if (strcmp(number->metric->name, "policy.answers") != 0) {
            continue;
        }
        if (comma[0] == '\0') {
            label(out, "policy said");
            line = out->length;
        }
        if (out->length - line > LINE_WIDTH - LABEL_WIDTH - 20) {
            text_add(out, ",\n  %-*s ", LABEL_WIDTH, "");
            line = out->length;
            comma = "";
        }
        text_add(out, "%s%s %" PRId64, comma, number->entity, number->numerator);
        comma = ", ";
    }
    text_add(out, "%s", line != 0 ? "\n" : "");
}

/* Only of runs that migrate. */
static void add_migration(const struct report *report, struct text *out)
{
    double time_ps;

    if (results_find(report->results, "migrate.connections", "") == NULL) {
        return;
    }
    label(out, "migration");
    text_add(out, "%" PRId64 " connections", count_of(report, "migrate.connections", ""));
    if (value_of(report, "migrate.time", "", &time_ps)) {
        text_add(out, " in ");
        report_quantity(out, time_ps, "ps");
    }
    text_add(out, "; along with them %" PRId64 " bytes\n", total_of(report, "migrate.bytes"));
}

static void add_loss(const struct report *report, struct text *out)
{
    int64_t lost = total_of(report, "wire.lost");
    int64_t dropped = total_of(report, "wire.dropped") + total_of(report, "ring.dropped");
    int64_t again = total_of(report, "tcp.retransmits");
    int64_t timeouts = total_of(report, "tcp.timeouts");

    if (lost + dropped + again + timeouts == 0) {
        return;
    }
    label(out, "loss");
    text_add(out,
             "%" PRId64 " frames lost, %" PRId64 " dropped; %" PRId64 " segments sent again, %" PRId64 " timeouts\n",
             lost, dropped, again, timeouts);
}

static void add_binding(const struct report *report, struct text *out)
{
    static const char *const names[] = {"?",           "host core", "engine", "adapter contexts",
                                        "PCI Express", "wire",      "window", "offered load"};
    static const struct {
        const char *metric;
        const char *name;
    } shares[] = {{"util.core", "host core"}, {"util.engine", "engine"}, {"util.pcie", "PCIe"}, {"util.wire", "wire"}};
    const struct result_number *binding = results_find(report->results, "binding", "");
    const char *comma = " (";
    size_t code;

    if (binding == NULL) {
        label(out, "measured");
        text_add(out, "nothing: no time passed between the warm-up and the end of the traffic; use -s warmup=0\n");
        return;
    }
    code = binding->numerator > 0 ? (size_t)binding->numerator : 0;
    label(out, "binding resource");
    text_add(out, "%s", names[code < sizeof names / sizeof names[0] ? code : 0]);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double share;

        if (value_of(report, shares[i].metric, "", &share)) {
            text_add(out, "%s%s %.3g %%", comma, shares[i].name, share * 100);
            comma = ", ";
        }
    }
    text_add(out, "%s\n", strcmp(comma, ", ") == 0 ? ")" : "");
}

static void add_processors(const struct report *report, struct text *out)
{
    const char *comma = "interrupts ";

    if (report->scenario->rss_queues < 2) {
        return;
    }
    label(out, "processors");
    for (int64_t i = 0; i < report->scenario->rss_queues; i++) {
        char name[24];

        (void)snprintf(name, sizeof name, "processor %d", (int)i);
        text_add(out, "%s%" PRId64, comma, count_of(report, "interrupts", name));
        comma = ", ";
    }
    text_add(out, "\n");
}

static void add_audit(const struct report *report, struct text *out)
{
    const char *finding;

    label(out, "audit");
    if (results_finding(report->results, 0) == NULL) {
        /* Without closing, what was under way at the end is not looked for. */
        text_add(out,
                 report->scenario->close == 0 ? "ok: %" PRId64 " bytes, each delivered exactly once; books balanced\n"
                                              : "ok: %" PRId64 " bytes in order; delivery of the rest not checked "
                                                "(close=no); books balanced\n",
                 count_of(report, "bytes.delivered", ""));
        return;
    }
    text_add(out, "FAILED\n");
    for (size_t i = 0; (finding = results_finding(report->results, i)) != NULL; i++) {
        text_add(out, "    %s\n", finding);
    }
}

static void add_lost(const struct report *report, struct text *out)
{
    const int64_t lost = count_of(report, "lost", "");

    if (lost > 0) {
        label(out, "lost");
        text_add(out, "%" PRId64 " connections with their state: terminate failed, the applications were told (D-32)\n",
                 lost);
    }
}

static void add_schedule(const struct report *report, struct text *out)
{
    const struct result_event *event = results_event(report->results, 0);

    if (event == NULL) {
        return;
    }
    label(out, "scheduled");
    for (size_t i = 0; (event = results_event(report->results, i)) != NULL; i++) {
        text_add(out, "%s%s%s", i == 0 ? "" : "; ", event->what, event->effect ? "" : " (no effect)");
    }
    text_add(out, "\n");
}

static void add_timeline(const struct report *report, struct text *out)
{
    const struct result_series *series = results_series(report->results, 0);

    if (series != NULL) {
        const int64_t every_ps = count_of(report, "series.every", "");

        label(out, "timeline");
        text_add(out, "%zu samples, every %.6g us%s; --json and --db keep it\n", series->point_count,
                 (double)every_ps / 1e6,
                 every_ps == report->scenario->sample ? "" : " (more would have been too many)");
    }
}

/* Rules that were broken, or those that are only remarks: these never fail a run, so they stand apart. */
static void add_rules(const struct report *report, const char *title, bool remarks, struct text *out)
{
    const struct result_broken *broken;
    unsigned told = 0;
    char id[8];

    for (size_t i = 0; (broken = results_broken(report->results, i)) != NULL; i++) {
        if ((flue_rule(broken->rule)->strength == FLUE_RULE_warn) != remarks) {
            continue;
        }
        if (told++ == 0) {
            label(out, title);
        }
        flue_rule_id(broken->rule, id);
        text_add(out, "%s%s %s %" PRIu64, told > 1 ? ", " : "", id, flue_party_name(broken->party), broken->count);
    }
    if (told > 0) {
        text_add(out, remarks ? " (no errors; see: flue list rules)\n" : "\n");
    }
}

void report_summary(const struct report *report, struct text *out)
{
    add_head(report, out);
    add_goodput(report, out);
    add_latency(report, out);
    add_flows(report, out);
    add_silence(report, out);
    add_waiting(report, out);
    add_cycles(report, out);
    add_moves(report, out);
    add_faults(report, out);
    add_policy(report, out);
    add_migration(report, out);
    add_lost(report, out);
    add_loss(report, out);
    add_binding(report, out);
    add_processors(report, out);
    add_schedule(report, out);
    add_timeline(report, out);
    add_audit(report, out);
    add_rules(report, "rules broken", false, out);
    add_rules(report, "remarks", true, out);
    label(out, "digest");
    text_add(out, "%s\n", results_digest(report->results));
    if (report->evidence[0] != '\0') {
        label(out, "costs");
        text_add(out, "%s\n", report->evidence);
    }
}
