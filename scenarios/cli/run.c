/* SPDX-License-Identifier: GPL-2.0-only */
/* flue run: one scenario, one run, its summary. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/broken.h"
#include "cli/capture.h"
#include "cli/commands.h"
#include "cli/fatal.h"
#include "cli/patience.h"
#include "cli/options.h"
#include "cli/usage.h"
#include "flue/provider.h"
#include "run/clients_ns3.h"
#include "run/params.h"
#include "run/policy.h"
#include "run/report.h"
#include "run/stored.h"
#include "run/world.h"
#include "run/yaml.h"
#include "store/run_text.h"
#include "store/store.h"
#include "trace/trace_read.h"

#define MESSAGE_MAX 1024

enum {
    OPTION_NET = 256,
    OPTION_SEED,
    OPTION_RNG_RUN,
    OPTION_DB,
    OPTION_JSON,
    OPTION_EXPLAIN,
    OPTION_PCAP,
    OPTION_CHECK,
    OPTION_TARGET,
    OPTION_POLICY,
    OPTION_RECORD
};

static const struct cli_option options[] = {
    {'s', "set", "NAME=VALUE", "set a parameter; may be repeated; see: flue list params"},
    {OPTION_NET, "net", "link|ns3", "the network: built in (link), or ns-3's devices"},
    {OPTION_SEED, "seed", "N", "seed of all random streams (1)"},
    {OPTION_RNG_RUN, "rng-run", "N", "number of the repetition (1)"},
    {OPTION_DB, "db", "FILE", "store the run in this database; made if it is not there"},
    {OPTION_JSON, "json", NULL, "print one JSON object instead of the summary"},
    {OPTION_EXPLAIN, "explain", NULL, "print every event as a sentence, then the summary"},
    {OPTION_PCAP, "pcap", "FILE", "write what passes the server's port to a capture file"},
    {OPTION_CHECK, "check", "off|count|stop",
     "watch the rules of the interface (off; with --target count); see: flue list rules"},
    {OPTION_TARGET, "target", "FILE.so", "the server's adapter is this library's; see: doc/targets.md"},
    {OPTION_POLICY, "policy", "FILE.so", "who is offloaded decides this library; see: flue list policies"},
    {OPTION_RECORD, "record", "FILE", "write the run's record for a sweep; - is stdout, without a summary"},
    {0, NULL, NULL, NULL},
};

const struct cli_command command_run_table = {
    .name = "run",
    .summary = "Runs one scenario and shows what it found.",
    .usage = "flue run SCENARIO|FILE.yaml [options]",
    .examples = "  flue run bulk\n"
                "  flue run rpc -s offload=host -s io_size=16KiB --seed 7\n"
                "  flue run rpc --json | jq .digest\n"
                "  flue show rpc > mine.yaml; flue run mine.yaml --db results.db\n",
    .notes =
        "The same scenario, parameters, seed and rng-run give the same digest on every machine, and on both networks.\n"
        "--pcap writes whole packets, payload and checksums included, for tcpdump and Wireshark, as a mirror of the "
        "server's\n"
        "port sees them: its own frames when they are queued, also those that are lost on their way; the client's when "
        "they\n"
        "arrive.  The digest stays as it is.\n"
        "--check=count watches every rule of the interface in both nodes: broken rules are findings of the run, and "
        "counted\n"
        "in the database.  --check=stop ends the run at the first and shows what led to it.  The digest stays as it is "
        "while\n"
        "no rule is broken.\n"
        "--target ./mine.so puts the adapter of another's offload target into the server (flue/provider.h); Flue's "
        "counts of\n"
        "its own adapter's insides are then 0.\n"
        "--policy ./mine.so asks a policy of your own (flue/policy.h, example/policy-budget.c) which connections are\n"
        "offloaded; it needs offload=chimney.\n"
        "Exit code 1: the audit at the end of the run found something wrong, a rule was broken, or the run did not "
        "end: by "
        "limit\nof simulated time, or with more than waiting_most requests without an answer.  A line says what it "
        "waited "
        "for.\n",
    .options = options,
    .run = command_run,
};

struct request {
    const char *scenario;
    const char **sets; /* owned list of borrowed texts */
    size_t set_count;
    enum flue_net_kind net;
    uint64_t seed, rng_run;
    const char *db;
    const char *record;
    const char *pcap;
    const char *target;
    const char *policy;
    enum flue_check_mode check;
    bool check_told; /* by an option */
    bool json;
    bool explain;
};

static int fail(int code, const char *what)
{
    return cli_fail("run", code, "%s", what);
}

static int read_check(struct request *request, const char *argument)
{
    static const char *const words[] = {
        [FLUE_CHECK_OFF] = "off", [FLUE_CHECK_COUNT] = "count", [FLUE_CHECK_STOP] = "stop"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argument, words[i]) == 0) {
            request->check = (enum flue_check_mode)i;
            return CLI_EXIT_OK;
        }
    }
    return cli_fail("run", CLI_EXIT_USAGE, "--check %.60s: no such mode; write off, count or stop", argument);
}

static int read_option(struct request *request, int id, const char *argument)
{
    switch (id) {
    case 's':
        request->sets[request->set_count++] = argument;
        return CLI_EXIT_OK;
    case OPTION_NET:
        if (strcmp(argument, "link") != 0 && strcmp(argument, "ns3") != 0) {
            return cli_fail("run", CLI_EXIT_USAGE, "--net %.60s: no such network; write link or ns3", argument);
        }
        request->net = strcmp(argument, "ns3") == 0 ? FLUE_NET_NS3 : FLUE_NET_LINK;
        return CLI_EXIT_OK;
    case OPTION_SEED:
    case OPTION_RNG_RUN:
        if (!cli_parse_u64(argument, 0, INT64_MAX, id == OPTION_SEED ? &request->seed : &request->rng_run)) {
            return cli_fail("run", CLI_EXIT_USAGE, "--%s %.60s: not a whole number from 0 to 2^63 - 1",
                            id == OPTION_SEED ? "seed" : "rng-run", argument);
        }
        return CLI_EXIT_OK;
    case OPTION_DB:
        request->db = argument;
        return CLI_EXIT_OK;
    case OPTION_RECORD:
        request->record = argument;
        return CLI_EXIT_OK;
    case OPTION_PCAP:
        request->pcap = argument;
        return CLI_EXIT_OK;
    case OPTION_TARGET:
        request->target = argument;
        return CLI_EXIT_OK;
    case OPTION_POLICY:
        request->policy = argument;
        return CLI_EXIT_OK;
    case OPTION_CHECK:
        request->check_told = true;
        return read_check(request, argument);
    case OPTION_JSON:
        request->json = true;
        return CLI_EXIT_OK;
    case OPTION_EXPLAIN:
        request->explain = true;
        return CLI_EXIT_OK;
    }
    return CLI_EXIT_USAGE;
}

static int check_request(const struct request *request)
{
    if (request->json && request->explain) {
        return fail(CLI_EXIT_USAGE, "--json and --explain both want stdout; choose one");
    }
    if (request->record != NULL && strcmp(request->record, "-") == 0 && (request->json || request->explain)) {
        return fail(CLI_EXIT_USAGE, "--record - wants stdout for itself; leave --json and --explain out");
    }
    if (request->pcap != NULL) {
        return capture_check(request->pcap, request->db, request->record);
    }
    return CLI_EXIT_OK;
}

static bool is_stdout_taken(const struct request *request)
{
    return request->json || (request->record != NULL && strcmp(request->record, "-") == 0);
}

/* Everything of one run; what is not there is zero. */
struct job {
    const struct request *request;
    const struct flue_provider *target; /* NULL: Flue's own */
    const struct flue_policy *policy;   /* NULL: the scenario's */
    struct scenario_file file;
    struct flue_scenario scenario;
    struct stored_evidence evidence;
    struct stored_config config;
    struct results *results;
    struct world_outcome outcome;
    struct store *store;
    struct capture *capture;
    int64_t started_unix_s;
    struct usage usage;
    char message[MESSAGE_MAX];
};

/* Whether a scenario is named by a path to something that would be waited for without an end, as a pipe. */
static bool is_no_file(const char *scenario)
{
    const char *dot = strrchr(scenario, '.');
    bool is_path =
        strchr(scenario, '/') != NULL || (dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
    struct stat status;

    return is_path && stat(scenario, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

static const char *capture_complaint(struct job *job, flue_err err)
{
    if (err != FLUE_EIO) {
        return NULL;
    }
    (void)snprintf(job->message, sizeof job->message, "%.900s: %s; choose another place for --pcap", job->request->pcap,
                   strerror(errno));
    return job->message;
}

static int prepare(struct job *job)
{
    const struct request *request = job->request;
    flue_err err;

    if (is_no_file(request->scenario)) {
        return cli_fail("run", CLI_EXIT_IO, "%s: is no regular file; name a file", request->scenario);
    }
    err = scenario_load(request->scenario, &job->file, job->message, sizeof job->message);

    if (err != FLUE_OK) {
        return cli_fail_err("run", err, job->message);
    }
    job->scenario = job->file.scenario;
    job->scenario.net = request->net;
    job->scenario.seed = request->seed;
    job->scenario.rng_run = request->rng_run;
    for (size_t i = 0; i < request->set_count; i++) {
        err = params_assign(&job->scenario, request->sets[i], job->message, sizeof job->message);
        if (err != FLUE_OK) {
            return cli_fail("run", CLI_EXIT_USAGE, "%s", job->message);
        }
    }
    if (request->target != NULL) {
        err = fatal_load_target(request->target, &job->target, job->message, sizeof job->message);
    }
    if (err == FLUE_OK && request->policy != NULL) {
        err = fatal_load_policy(request->policy, &job->policy, job->message, sizeof job->message);
    }
    if (err != FLUE_OK) {
        return cli_fail("run", err == FLUE_ENOENT ? CLI_EXIT_IO : CLI_EXIT_USAGE, "%s", job->message);
    }
    err = stored_evidence_make(&job->evidence, &job->scenario, job->message, sizeof job->message);
    if (err == FLUE_OK) {
        err = stored_config_make(&job->config, &job->file, &job->scenario, job->message, sizeof job->message);
    }
    if (err == FLUE_OK && job->target != NULL) {
        stored_config_target(&job->config, job->target->name);
    }
    if (err == FLUE_OK && job->policy != NULL) {
        stored_config_policy(&job->config, job->policy->name);
    }
    if (err == FLUE_OK && request->db != NULL) {
        err = store_open(request->db, STORE_CREATE, &job->store, job->message, sizeof job->message);
        if (err == FLUE_ENOENT) {
            err = FLUE_EIO; /* its folder is missing: the same to the caller as a file that cannot be written */
        }
    }
    if (err != FLUE_OK) {
        return cli_fail_err("run", err, job->message);
    }
    if (request->pcap != NULL) {
        job->capture = capture_open(request->pcap, &err);
        if (job->capture == NULL) {
            return cli_fail_err("run", err, capture_complaint(job, err));
        }
    }
    return CLI_EXIT_OK;
}

static flue_err run_watched(struct job *job, const struct flue_record *record, const struct flue_trace *trace)
{
    struct world_watch watch = {
        .trace = trace, .check = job->request->check, .target = job->target, .policy = job->policy};
    struct flue_node_tap tap;

    if (job->capture != NULL) {
        tap = capture_tap(job->capture);
        watch.tap = &tap;
    }
    fatal_note(&job->outcome.broken, clients_are_ns3(&job->scenario));
    return world_run(&job->scenario, record, &watch, &job->outcome, job->message, sizeof job->message);
}

/* Runs, and tells of the rule that ended the run, if one did. */
static flue_err run_traced(struct job *job, const struct flue_record *record, const struct flue_trace *trace)
{
    struct crossings *crossings;
    struct flue_trace listener;
    flue_err err;

    if (job->request->check != FLUE_CHECK_STOP) {
        return run_watched(job, record, trace);
    }
    crossings = crossings_new(trace);
    if (crossings == NULL) {
        return FLUE_ENOMEM;
    }
    listener = crossings_listener(crossings);
    err = run_watched(job, record, &listener);
    if (err == FLUE_OK && job->outcome.broken.rule != 0) {
        err = crossings_tell(crossings, &job->outcome.broken, is_stdout_taken(job->request) ? stderr : stdout);
    }
    crossings_free(crossings);
    return err;
}

/* Runs, and tells what happened, also of a run that did not come to its end. */
static flue_err run_explained(struct job *job, const struct flue_record *record)
{
    struct trace_log *log = trace_log_new(0);
    struct flue_trace listener;
    flue_err err;
    flue_err settled;

    if (log == NULL) {
        return FLUE_ENOMEM;
    }
    trace_log_world(log, world_second_server(&job->scenario), policy_of(&job->scenario, job->policy));
    listener = trace_log_listener(log);
    err = run_traced(job, record, &listener);
    settled = trace_log_settle(log);
    if (settled == FLUE_OK) {
        trace_explain(log, stdout);
        if (trace_log_left_out(log) > 0) {
            (void)fprintf(stderr, "flue run: %s\n", trace_log_complaint(log));
        }
    }
    trace_log_free(log);
    return err != FLUE_OK ? err : settled;
}

static flue_err run_world(struct job *job, const struct flue_record *record)
{
    if (job->request->explain) {
        return run_explained(job, record);
    }
    return run_traced(job, record, NULL);
}

/* Ends the capture.  A run that has failed already keeps its own exit code and message. */
static int end_capture(struct job *job, int code)
{
    struct capture *capture = job->capture;

    job->capture = NULL;
    if (capture_close(capture) != FLUE_OK && code == CLI_EXIT_OK) {
        return cli_fail("run", CLI_EXIT_IO, "%s: the capture could not be written to its end", job->request->pcap);
    }
    return code;
}

static int simulate(struct job *job)
{
    struct flue_record record;
    struct timespec begin;
    flue_err err;

    job->results = results_new();
    if (job->results == NULL) {
        return cli_fail_err("run", FLUE_ENOMEM, NULL);
    }
    record = results_record(job->results);
    job->started_unix_s = (int64_t)time(NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    patience_begin(job->request->target, &job->target, job->request->policy, &job->policy);
    err = run_world(job, &record);
    patience_end();
    usage_since(&begin, &job->usage);
    if (err != FLUE_OK) {
        scenario_blame(&job->file, job->request->scenario, job->request->sets, job->request->set_count, job->message,
                       sizeof job->message);
        return cli_fail_err("run", err, job->message);
    }
    err = results_finish(job->results);
    if (err == FLUE_EINVAL) {
        return cli_fail("run", CLI_EXIT_CHECK, "the results are not well-formed: %s", results_complaint(job->results));
    }
    return err == FLUE_OK ? CLI_EXIT_OK : cli_fail_err("run", err, NULL);
}

static int print(const struct job *job)
{
    const struct report report = {.scenario = &job->scenario,
                                  .results = job->results,
                                  .outcome = job->outcome,
                                  .target = job->target != NULL ? job->target->name : NULL,
                                  .policy = job->policy != NULL ? job->policy->name : NULL,
                                  .evidence = job->evidence.brief};
    struct text text = {.chars = NULL};
    int code = CLI_EXIT_OK;

    if (job->request->json) {
        report_json(&report, &text);
    } else {
        report_summary(&report, &text);
    }
    if (text.failed) {
        code = cli_fail_err("run", FLUE_ENOMEM, NULL);
    } else if (job->request->json) {
        (void)fputs(text_chars(&text), stdout);
    } else {
        cli_put(stdout, text_chars(&text));
    }
    text_free(&text);
    return code;
}

static int write_record(const struct job *job, const struct store_run *run)
{
    bool to_stdout = strcmp(job->request->record, "-") == 0;
    FILE *file = to_stdout ? stdout : fopen(job->request->record, "w");
    flue_err err;

    if (file == NULL) {
        return cli_fail("run", CLI_EXIT_IO, "%s: cannot be written; choose another place for --record",
                        job->request->record);
    }
    err = run_text_write(file, run);
    if (!to_stdout && fclose(file) != 0 && err == FLUE_OK) {
        err = FLUE_EIO;
    }
    return err == FLUE_OK ? CLI_EXIT_OK
                          : cli_fail("run", CLI_EXIT_IO, "%s: %s", job->request->record, flue_err_sentence(err));
}

static int write_store(struct job *job, const struct store_run *run)
{
    char uid[17] = "";
    flue_err err = store_run(job->store, run, uid, job->message, sizeof job->message);

    if (err == FLUE_EEXIST) {
        (void)fprintf(stderr, "flue run: %s holds this run already, with the same digest\n", job->request->db);
        return CLI_EXIT_OK;
    }
    if (err != FLUE_OK) {
        return cli_fail_err("run", err, job->message);
    }
    (void)fprintf(stderr, "flue run: stored in %s as %s\n", job->request->db, uid);
    return CLI_EXIT_OK;
}

/* Hands the run to whoever wants to keep it. */
static int keep(struct job *job, const char *command_line)
{
    struct stored_results lists;
    char host[256] = "";
    struct store_run run = {.config = job->config.config,
                            .build = store_build_here(NULL),
                            .seed = job->scenario.seed,
                            .rng_run = job->scenario.rng_run,
                            .net = params_net_name(job->scenario.net),
                            .host = host,
                            .argv = command_line,
                            .started_unix_s = job->started_unix_s,
                            .wall_s = job->usage.wall_s,
                            .cpu_s = job->usage.cpu_s,
                            .max_rss_kib = job->usage.max_rss_kib,
                            .evidence = job->evidence.sentence};
    flue_err err = stored_results_make(&lists, job->results, &job->outcome, &run);
    int code = CLI_EXIT_OK;

    if (err != FLUE_OK) {
        return cli_fail_err("run", err, NULL);
    }
    (void)gethostname(host, sizeof host - 1);
    run.exit_code = run.status == STORE_DONE ? CLI_EXIT_OK : CLI_EXIT_CHECK;
    if (job->request->record != NULL) {
        code = write_record(job, &run);
    }
    if (code == CLI_EXIT_OK && job->store != NULL) {
        code = write_store(job, &run);
    }
    stored_results_free(&lists);
    return code;
}

static int run_job(struct job *job, const char *command_line)
{
    bool quiet = job->request->record != NULL && strcmp(job->request->record, "-") == 0;
    int code = prepare(job);

    if (code == CLI_EXIT_OK) {
        code = end_capture(job, simulate(job));
    }
    if (code == CLI_EXIT_OK && !quiet) {
        code = print(job);
    }
    if (code == CLI_EXIT_OK && (job->store != NULL || job->request->record != NULL)) {
        code = keep(job, command_line);
    }
    if (code == CLI_EXIT_OK && job->outcome.broken.rule != 0) {
        code = cli_fail("run", CLI_EXIT_CHECK, "a rule of the interface was broken: %s",
                        results_finding_of(job->results, job->outcome.broken.rule));
    } else if (code == CLI_EXIT_OK && results_finding(job->results, 0) != NULL) {
        code = cli_fail("run", CLI_EXIT_CHECK, "the audit failed: %s", results_finding(job->results, 0));
    }
    return code;
}

static int run_request(const struct request *request, int argc, char **argv)
{
    struct job *job = calloc(1, sizeof *job);
    struct text command_line = {.chars = NULL};
    int code;

    if (job == NULL) {
        return cli_fail_err("run", FLUE_ENOMEM, NULL);
    }
    text_add(&command_line, "flue");
    for (int i = 0; i < argc; i++) {
        text_add(&command_line, " %s", argv[i]);
    }
    job->request = request;
    code = end_capture(job, run_job(job, text_chars(&command_line)));
    text_free(&command_line);
    store_close(job->store);
    results_free(job->results);
    stored_config_free(&job->config);
    scenario_free(&job->file);
    free(job);
    return code;
}

static int read_request(struct request *request, int argc, char **argv, bool *done)
{
    const char *argument;
    int first = 0;
    int code;
    int id;

    while ((id = cli_next(&command_run_table, argc, argv, &first, &argument)) > 0) {
        code = read_option(request, id, argument);
        if (code != CLI_EXIT_OK) {
            return code;
        }
    }
    if (id != CLI_END) {
        *done = true;
        return cli_exit_of(id);
    }
    if (first >= argc) {
        return fail(CLI_EXIT_USAGE, "which scenario? for example: flue run bulk; see: flue list scenarios");
    }
    if (first + 1 < argc) {
        return cli_fail("run", CLI_EXIT_USAGE, "one scenario at a time; '%.60s' is too much (parameters need -s)",
                        argv[first + 1]);
    }
    request->scenario = argv[first];
    if (request->target != NULL && !request->check_told) {
        request->check = FLUE_CHECK_COUNT; /* a stranger's mistakes are told, also those that do no harm */
    }
    return check_request(request);
}

int command_run(int argc, char **argv)
{
    struct request request = {.net = FLUE_NET_LINK, .seed = 1, .rng_run = 1};
    bool done = false;
    int code;

    request.sets = calloc((size_t)argc + 1, sizeof *request.sets);
    if (request.sets == NULL) {
        return cli_fail_err("run", FLUE_ENOMEM, NULL);
    }
    code = read_request(&request, argc, argv, &done);
    if (code == CLI_EXIT_OK && !done) {
        code = run_request(&request, argc, argv);
    }
    free(request.sets);
    return code;
}
