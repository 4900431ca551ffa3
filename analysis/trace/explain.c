/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/explain.c - every event of a run as one line: time, node, connection, who, what, cost, reference. */
#include <inttypes.h>
#include <string.h>

#include "flue/cost.h"
#include "trace/trace_read.h"

/* Charges of one event that go to one book and connection. */
struct sum {
    int64_t category, cycles, bus_ps;
    uint32_t conn;
};

#define SUMS 24u

static struct sum *sum_of(struct sum *sums, size_t *count, const struct flue_event *charge)
{
    for (size_t i = 0; i < *count; i++) {
        if (sums[i].category == charge->arg[0] && sums[i].conn == charge->conn) {
            return &sums[i];
        }
    }
    if (*count == SUMS) {
        return NULL;
    }
    sums[*count] = (struct sum){.category = charge->arg[0], .conn = charge->conn};
    return &sums[(*count)++];
}

static void add_amount(const struct sum *sum, struct trace_text *out)
{
    if (sum->cycles != 0) {
        trace_text_add(out, "+%" PRId64 " cycles", sum->cycles);
    }
    if (sum->bus_ps != 0) {
        trace_text_add(out, "%s+%.3f us of memory time", sum->cycles != 0 ? " " : "", (double)sum->bus_ps / 1e6);
    }
}

/* Adds ", +777 cycles driver -> connection 3": the cost charged on the node since its last event. */
static void add_cost(const struct trace_log *log, size_t place, struct trace_text *out)
{
    struct sum sums[SUMS], rest = {.category = -1};
    const struct flue_event *charge;
    size_t cursor = TRACE_NONE, count = 0;

    while ((charge = trace_log_charge(log, place, &cursor)) != NULL) {
        struct sum *sum = sum_of(sums, &count, charge);

        sum = sum == NULL ? &rest : sum;
        sum->cycles += charge->arg[1];
        sum->bus_ps += charge->arg[2];
    }
    for (size_t i = 0; i < count; i++) {
        trace_text_add(out, ", ");
        add_amount(&sums[i], out);
        trace_text_add(out, " %s", flue_category_name((unsigned)sums[i].category));
        /* Charges of one connection stand together; it is named once. */
        if (i + 1 < count && sums[i + 1].conn == sums[i].conn) {
            continue;
        }
        if (sums[i].conn == FLUE_NO_CONN) {
            trace_text_add(out, " -> no connection");
        } else {
            trace_text_add(out, " -> connection %" PRIu32, sums[i].conn);
        }
    }
    if (rest.cycles != 0 || rest.bus_ps != 0) {
        trace_text_add(out, ", ");
        add_amount(&rest, out);
        trace_text_add(out, " -> others");
    }
}

static void print_event(const struct trace_log *log, size_t place, FILE *out)
{
    const struct flue_event *event = trace_log_at(log, place);
    const struct flue_point_info *info = flue_point_info(event->point);
    const char *actor = trace_actor(log, place), *arrow = trace_arrow(log, place);
    struct trace_text text;
    char conn[12] = "-", who[24];

    if (event->conn != FLUE_NO_CONN) {
        (void)snprintf(conn, sizeof conn, "%" PRIu32, event->conn);
    }
    (void)snprintf(who, sizeof who, "%.8s%s%.8s", actor, *arrow == '\0' ? "" : " > ", arrow);
    trace_text_start(&text);
    trace_add_sentence(log, event, &text);
    add_cost(log, place, &text);
    (void)fprintf(out, "%12.3f  %s  %4s  %-15s  %s  [%s]\n", (double)event->at_ps / 1e6, trace_node_name(event->node),
                  conn, who, text.chars, info == NULL ? "" : info->ref);
}

void trace_explain(const struct trace_log *log, FILE *out)
{
    size_t count = trace_log_count(log);

    (void)fprintf(out, "%12s  %-6s  %4s  %-15s  %s\n", "us", "node", "conn", "who", "what, cost [reference]");
    for (size_t place = 0; place < count; place++) {
        print_event(log, place, out);
    }
}
