/* SPDX-License-Identifier: GPL-2.0-only */
/* The first screen: one connection, handed to the adapter and taken back while data are in flight and some of them get
 * lost.  Every number comes from the events and the results of the two runs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "cli/options.h"
#include "flue/tcp_engine.h"
#include "flue/wire.h"
#include "run/params.h"
#include "run/results.h"
#include "run/world.h"
#include "run/yaml.h"
#include "trace/trace_read.h"

#define MESSAGE_MAX DEMO_MESSAGE_MAX

/* Both moments lie in mid-transfer, and with this seed a segment that is in flight gets lost at each of the two. */
static const char *const settings[] = {
    "connections=1", "bytes=400000", "io_size=32KiB",    "writes_ahead=3",  "warmup=0",         "loss=1%",
    "delay=20us",    "rto_min=10ms", "delayed_ack=50us", "offload=chimney", "offload_at=300us", "upload_at=1000us",
};
#define SETTINGS (sizeof settings / sizeof settings[0])
static const uint64_t seed = 262;

struct run {
    struct results *results;
    struct world_outcome outcome;
    char message[MESSAGE_MAX];
};

/* What was on its way when the connection changed hands. */
struct crossing {
    bool happened;
    flue_ps at_ps, done_ps;
    uint32_t una, max; /* the bytes in flight: counted from the SYN */
    uint64_t lost_segments, lost_bytes;
    uint64_t again_segments[2]; /* of those, sent again by: enum trace_side */
};

static int fail(flue_err err, const char *message)
{
    return cli_fail_err("demo", err, message);
}

flue_err demo_prepare(struct flue_scenario *scenario, char *message)
{
    struct scenario_file file = {.source = NULL};
    flue_err err = scenario_load("bulk", &file, message, MESSAGE_MAX);

    if (err != FLUE_OK) {
        return err;
    }
    *scenario = file.scenario;
    scenario_free(&file);
    scenario->seed = seed;
    for (size_t i = 0; err == FLUE_OK && i < SETTINGS; i++) {
        err = params_assign(scenario, settings[i], message, MESSAGE_MAX);
    }
    return err;
}

static flue_err simulate(const struct flue_scenario *scenario, struct trace_log *log, struct run *run)
{
    struct flue_trace trace = {.ctx = NULL};
    const struct world_watch watch = {.trace = &trace};
    struct flue_record record;
    flue_err err;

    run->results = results_new();
    if (run->results == NULL) {
        return FLUE_ENOMEM;
    }
    record = results_record(run->results);
    if (log != NULL) {
        trace = trace_log_listener(log);
    }
    err = world_run(scenario, &record, log == NULL ? NULL : &watch, &run->outcome, run->message, sizeof run->message);
    if (err == FLUE_OK) {
        err = results_finish(run->results);
    }
    if (err == FLUE_OK && log != NULL) {
        err = trace_log_settle(log);
    }
    return err;
}

static double value_of(const struct run *run, const char *metric, const char *entity)
{
    const struct result_number *number = results_find(run->results, metric, entity);

    return number == NULL || number->denominator == 0 ? 0 : (double)number->numerator / (double)number->denominator;
}

/* ---- What was in flight */

static const struct flue_event *emitted(const struct trace_log *log, size_t k)
{
    return trace_log_at(log, trace_log_emitted(log, k));
}

static uint32_t relative(const struct trace_log *log, const struct flue_event *event, unsigned from, int64_t seq)
{
    uint32_t out;

    (void)trace_log_seq(log, event->conn, from, (uint32_t)seq, &out);
    return out;
}

static bool is_data_of_server(const struct flue_event *event)
{
    return event->point == FLUE_POINT_tcp_send && event->node == TRACE_SERVER && event->arg[1] > 0;
}

/* The two moments: the host's engine lets go, the target gives back. */
static void find_crossings(const struct trace_log *log, struct crossing *out, struct crossing *back)
{
    uint32_t una = 0, max = 0;

    for (size_t k = 0; k < trace_log_count(log); k++) {
        const struct flue_event *event = emitted(log, k);
        const enum trace_side side = trace_log_side(log, trace_log_emitted(log, k));

        if (event->node != TRACE_SERVER) {
            continue;
        }
        if (is_data_of_server(event)) {
            const uint32_t end = relative(log, event, TRACE_SERVER, event->arg[0] + event->arg[1]);

            max = end > max ? end : max;
        } else if (event->point == FLUE_POINT_tcp_receive && (event->arg[3] & FLUE_TCP_ACK) != 0) {
            const uint32_t ack = relative(log, event, TRACE_SERVER, event->arg[2]);

            una = ack > una ? ack : una;
        } else if (event->point == FLUE_POINT_tcp_state && event->arg[2] == FLUE_TCP_BY_EXPORT &&
                   side == TRACE_BY_HOST && !out->happened) {
            *out = (struct crossing){.happened = true, .una = una, .max = max};
        } else if (event->point == FLUE_POINT_ddi_initiate && out->happened && out->at_ps == 0) {
            out->at_ps = event->at_ps;
        } else if (event->point == FLUE_POINT_ddi_initiate_complete) {
            out->done_ps = event->at_ps;
        } else if (event->point == FLUE_POINT_ddi_terminate && !back->happened) {
            back->at_ps = event->at_ps;
        } else if (event->point == FLUE_POINT_target_give_back && !back->happened) {
            *back = (struct crossing){.happened = true,
                                      .at_ps = back->at_ps,
                                      .una = relative(log, event, TRACE_SERVER, event->arg[0]),
                                      .max = relative(log, event, TRACE_SERVER, event->arg[2])};
        } else if (event->point == FLUE_POINT_ddi_terminate_complete && back->done_ps == 0) {
            back->done_ps = event->at_ps;
        }
    }
}

/* The engine that sent the segment that got lost: it was the latest with this number. */
static bool sender_of(const struct trace_log *log, size_t loss, enum trace_side *side)
{
    for (size_t k = loss; k > 0; k--) {
        if (is_data_of_server(emitted(log, k - 1)) && emitted(log, k - 1)->arg[0] == emitted(log, loss)->arg[0]) {
            *side = trace_log_side(log, trace_log_emitted(log, k - 1));
            return true;
        }
    }
    return false;
}

/* Who sent it again first. */
static void count_again(const struct trace_log *log, size_t loss, struct crossing *crossing)
{
    for (size_t k = loss; k < trace_log_count(log); k++) {
        const struct flue_event *event = emitted(log, k);

        if (is_data_of_server(event) && event->arg[5] != 0 &&
            (uint32_t)(emitted(log, loss)->arg[0] - event->arg[0]) < (uint32_t)event->arg[1]) {
            crossing->again_segments[trace_log_side(log, trace_log_emitted(log, k))]++;
            return;
        }
    }
}

static void find_lost(const struct trace_log *log, struct crossing *crossing, enum trace_side from)
{
    for (size_t k = 0; k < trace_log_count(log); k++) {
        const struct flue_event *event = emitted(log, k);
        uint32_t seq;
        enum trace_side side;

        if (event->point != FLUE_POINT_wire_loss || event->node != TRACE_CLIENT || event->arg[1] == 0 ||
            !sender_of(log, k, &side) || side != from) {
            continue;
        }
        seq = relative(log, event, TRACE_SERVER, event->arg[0]);
        if (seq >= crossing->una && seq < crossing->max) {
            crossing->lost_segments++;
            crossing->lost_bytes += (uint64_t)event->arg[1];
            count_again(log, k, crossing);
        }
    }
}

/* ---- The verdict */

static const char *count(uint64_t value, char out[32])
{
    trace_count(value, out);
    return out;
}

static void tell_crossing(const char *label, const char *call, const struct crossing *crossing, enum trace_side from)
{
    const uint64_t *again = crossing->again_segments;
    char flight[32], lost[32];

    if (!crossing->happened) {
        (void)printf("  %-11s it did not happen\n", label);
        return;
    }
    (void)printf("  %-11s %s bytes were in flight, sent and not yet acknowledged; ", label,
                 count(crossing->max - crossing->una, flight));
    if (crossing->lost_segments == 0) {
        (void)printf("none of them got lost\n");
    } else {
        (void)printf("%s of them got lost\n", count(crossing->lost_bytes, lost));
        (void)printf("  %-11s (%" PRIu64 " segment%s, sent by the %s before): sent again by ", "",
                     crossing->lost_segments, crossing->lost_segments == 1 ? "" : "s",
                     from == TRACE_BY_HOST ? "host" : "target");
        if (again[TRACE_BY_HOST] != 0 && again[TRACE_BY_TARGET] != 0) {
            (void)printf("the host (%" PRIu64 ") and the target (%" PRIu64 ")\n", again[TRACE_BY_HOST],
                         again[TRACE_BY_TARGET]);
        } else {
            (void)printf("%s\n", again[TRACE_BY_HOST] != 0     ? "the host"
                                 : again[TRACE_BY_TARGET] != 0 ? "the target"
                                                               : "nobody");
        }
    }
    (void)printf("  %-11s from %s to its completion: %.1f us\n", "", call,
                 (double)(crossing->done_ps - crossing->at_ps) / 1e6);
}

static void tell(const struct run *chimney, const struct run *host, const struct crossing *out,
                 const struct crossing *back)
{
    const double with = value_of(chimney, "cpu.cycles_per_byte", ""),
                 without = value_of(host, "cpu.cycles_per_byte", "");
    const double price = value_of(chimney, "cpu.handover", "");
    char sent[32], delivered[32], cycles[32], worth[32];

    (void)printf("\nWhat the two runs say:\n");
    (void)printf(
        "  %-11s %s bytes sent, %s delivered: the audit compared every byte, each came exactly once and in order\n",
        "data", count((uint64_t)value_of(chimney, "bytes.sent", ""), sent),
        count((uint64_t)value_of(chimney, "bytes.delivered", ""), delivered));
    tell_crossing("hand-over", "NdisInitiateOffload", out, TRACE_BY_HOST);
    tell_crossing("way back", "NdisTerminateOffload", back, TRACE_BY_TARGET);
    (void)printf("  %-11s %.2f host cycles per byte with offload, %.2f without: %.0f %% %s\n", "work", with, without,
                 without == 0 ? 0 : 100 * (with < without ? without - with : with - without) / without,
                 with < without ? "saved" : "more");
    (void)printf("  %-11s %s host cycles for hand-over and way back: the host's own stack moves %s bytes for that\n",
                 "price", count((uint64_t)price, cycles), count(without == 0 ? 0 : (uint64_t)(price / without), worth));
    (void)printf("\nEvery event of it, with its cost and the rule behind it:\n  %s run bulk --seed %" PRIu64,
                 cli_called_as(), seed);
    for (size_t i = 0; i < SETTINGS; i++) {
        (void)printf("%s -s %s", i % 6 == 3 ? " \\\n     " : "", settings[i]);
    }
    (void)printf(" --explain\n");
}

static int judge(const struct run *run)
{
    const char *finding = results_finding(run->results, 0);

    return finding == NULL ? CLI_EXIT_OK : cli_fail("demo", CLI_EXIT_CHECK, "the audit failed: %s", finding);
}

static flue_err show(struct trace_log *log, const struct run *chimney, const struct run *host)
{
    const struct trace_ladder ladder = {.conn = 0, .lines = 30, .plain = cli_is_plain()};
    struct crossing out = {.happened = false}, back = {.happened = false};
    flue_err err;

    (void)printf(
        "One connection sends 400,000 bytes; 1 %% of all frames are lost.  In mid-transfer the host hands it to "
        "the\nadapter (the offload target), and later takes it back.  All boxes but the last are the server's.\n\n");
    err = trace_draw_ladder(log, &ladder, stdout);
    if (err != FLUE_OK) {
        return err;
    }
    find_crossings(log, &out, &back);
    find_lost(log, &out, TRACE_BY_HOST);
    find_lost(log, &back, TRACE_BY_TARGET);
    tell(chimney, host, &out, &back);
    return FLUE_OK;
}

int demo_first(void)
{
    struct run chimney = {.results = NULL}, host = {.results = NULL};
    struct trace_log *log = trace_log_new(0);
    struct flue_scenario *scenario = calloc(1, sizeof *scenario);
    const char *message = chimney.message;
    flue_err err = log == NULL || scenario == NULL ? FLUE_ENOMEM : demo_prepare(scenario, chimney.message);
    int code = CLI_EXIT_OK;

    if (err == FLUE_OK) {
        err = simulate(scenario, log, &chimney);
    }
    if (err == FLUE_OK) {
        message = host.message;
        scenario->offload_at = FLUE_PS_NEVER;
        scenario->upload_at = FLUE_PS_NEVER;
        err = params_assign(scenario, "offload=host", host.message, sizeof host.message);
    }
    if (err == FLUE_OK) {
        err = simulate(scenario, NULL, &host);
    }
    if (err == FLUE_OK) {
        err = show(log, &chimney, &host);
    }
    if (err != FLUE_OK) {
        code = fail(err, message[0] == '\0' ? NULL : message);
    }
    if (code == CLI_EXIT_OK) {
        code = judge(&chimney);
    }
    if (code == CLI_EXIT_OK) {
        code = judge(&host);
    }
    results_free(chimney.results);
    results_free(host.results);
    trace_log_free(log);
    free(scenario);
    return code;
}
