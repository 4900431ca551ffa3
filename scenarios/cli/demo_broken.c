/* SPDX-License-Identifier: GPL-2.0-only */
/* The second screen: the run of the first with an intermediate driver that breaks a rule of the interface, stopped by
 * the checker at the first illegal call. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/broken.h"
#include "cli/demo.h"
#include "cli/options.h"
#include "flue/im.h"
#include "run/results.h"
#include "run/world.h"
#include "trace/trace_read.h"

/* The completion of the terminate carries the connection and the bytes that are in flight. */
enum { BROKEN_RULE = 327 };

struct broken_run {
    struct results *results;
    struct trace_log *log;
    struct crossings *crossings;
    struct world_outcome outcome;
    char message[DEMO_MESSAGE_MAX];
};

static const char *how_of(unsigned rule)
{
    const char *how;
    unsigned known;

    for (unsigned i = 0; (known = flue_im_breakable(i, &how)) != 0; i++) {
        if (known == rule) {
            return how;
        }
    }
    return "?";
}

static flue_err simulate(const struct flue_scenario *scenario, struct broken_run *run)
{
    const struct flue_im_params driver = {.kind = FLUE_IM_BREAK, .name = "broken", .broken_rule = BROKEN_RULE};
    struct flue_trace story = trace_log_listener(run->log), trace;
    const struct world_watch watch = {.trace = &trace, .driver = &driver, .check = FLUE_CHECK_STOP};
    struct flue_record record = results_record(run->results);
    flue_err err;

    run->crossings = crossings_new(&story);
    if (run->crossings == NULL) {
        return FLUE_ENOMEM;
    }
    trace = crossings_listener(run->crossings);
    err = world_run(scenario, &record, &watch, &run->outcome, run->message, sizeof run->message);
    return err == FLUE_OK ? trace_log_settle(run->log) : err;
}

static const char *consequence_of(unsigned rule)
{
    switch (flue_rule(rule)->consequence) {
    case FLUE_RULE_none:
        return "nothing that anybody would notice";
    case FLUE_RULE_performance:
        return "a slower connection";
    case FLUE_RULE_wire_visible:
        return "frames that the peer may not expect";
    case FLUE_RULE_wrong_data:
        return "one layer reads or writes what belongs to another: wrong data, or a crash";
    case FLUE_RULE_deadlock:
        return "somebody waits for ever";
    case FLUE_RULE_leak:
        return "memory that nobody gives back";
    case FLUE_RULE_bytes_lost:
        return "bytes of the application are lost, or come twice";
    }
    return "?";
}

static flue_err show(const struct broken_run *run)
{
    const struct trace_ladder ladder = {.conn = 0, .lines = 16, .plain = cli_is_plain()};
    flue_err err;

    (void)printf("The same run once more, with a driver between host and adapter that is wrong in one thing:\n%s.\n"
                 "The checker watches every call of the interface, and stops the run at the first illegal one.\n\n",
                 how_of(BROKEN_RULE));
    err = trace_draw_ladder(run->log, &ladder, stdout);
    if (err != FLUE_OK) {
        return err;
    }
    (void)printf("\n");
    if (run->outcome.broken.rule == 0) {
        return FLUE_OK;
    }
    err = crossings_tell(run->crossings, &run->outcome.broken, stdout);
    (void)printf("What would have followed: %s.\n", consequence_of(run->outcome.broken.rule));
    if (run->outcome.broken.rule == BROKEN_RULE) {
        (void)printf(
            "The dispatcher finds the layer above by SourceHandle.  The completion would have gone back to the "
            "driver itself,\nand the host would have waited for its connection, and for what was in flight, "
            "for ever.\n");
    }
    (void)printf("All %d rules, and what proves each: %s list rules\n", FLUE_RULES, cli_called_as());
    return err;
}

int demo_broken(void)
{
    struct broken_run *run = calloc(1, sizeof *run);
    struct flue_scenario *scenario = calloc(1, sizeof *scenario);
    flue_err err = FLUE_ENOMEM;
    int code = CLI_EXIT_OK;

    if (run != NULL && scenario != NULL) {
        run->results = results_new();
        run->log = trace_log_new(0);
        err = run->results == NULL || run->log == NULL ? FLUE_ENOMEM : demo_prepare(scenario, run->message);
    }
    if (err == FLUE_OK) {
        err = simulate(scenario, run);
    }
    if (err == FLUE_OK) {
        err = show(run);
    }
    if (err != FLUE_OK) {
        code = cli_fail_err("demo", err, run == NULL || run->message[0] == '\0' ? NULL : run->message);
    } else if (run->outcome.broken.rule != BROKEN_RULE) {
        code = cli_fail("demo", CLI_EXIT_CHECK, "the checker did not name the rule that was broken");
    }
    if (run != NULL) {
        results_free(run->results);
        trace_log_free(run->log);
        crossings_free(run->crossings);
    }
    free(run);
    free(scenario);
    return code;
}
