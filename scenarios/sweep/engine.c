/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs what is missing: at most `jobs` processes at once, and this one writes. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "run/stored.h"
#include "sweep/private.h"

struct engine {
    const struct sweep *sweep;
    struct store *store;
    const struct sweep_plan *plan;
    const struct sweep_options *options;
    struct sweep_outcome *outcome;
    struct progress progress;
    struct child *children; /* options->jobs of them; pid 0: free */
    struct pollfd *watched; /* the signals, then two for each child */
    size_t next;            /* of plan->missing */
    uint64_t running, finished, failed;
    unsigned interrupts;
    int signals;
    flue_err err; /* why it had to stop */
    char *message;
    size_t room;
};

/* The sweep and its points become rows, so that plots and people can find them. */
static flue_err note_plan(struct engine *engine)
{
    const struct sweep *sweep = engine->sweep;
    struct stored_config *configs = calloc(sweep->count, sizeof *configs);
    struct store_point *points = calloc(sweep->count, sizeof *points);
    char(*arms)[FLUE_TEXT_MAX] = calloc(sweep->count, sizeof *arms);
    flue_err err = configs != NULL && points != NULL && arms != NULL ? FLUE_OK : FLUE_ENOMEM;

    for (size_t i = 0; err == FLUE_OK && i < sweep->count; i++) {
        const struct sweep_point *point = &sweep->points[i];
        err = stored_config_make(&configs[i], &sweep->base, &point->scenario, engine->message, engine->room);
        if (err == FLUE_OK) {
            points[i].config = configs[i].config;
        }
        if (sweep->pair_on != NULL) {
            params_format(sweep->pair_on, &point->scenario, arms[i], sizeof arms[i]);
            points[i].pair_hash = point->pair_hash;
            points[i].arm = arms[i];
        }
    }
    if (err == FLUE_OK) {
        err = store_plan(engine->store, sweep->name, sweep->text, points, sweep->count, engine->message, engine->room);
    } else if (err == FLUE_ENOMEM) {
        (void)snprintf(engine->message, engine->room, "memory ran out");
    }
    for (size_t i = 0; configs != NULL && i < sweep->count; i++) {
        stored_config_free(&configs[i]);
    }
    free(configs);
    free(points);
    free(arms);
    return err;
}

static void say_failure(struct engine *engine, const struct child *child, enum store_status status)
{
    const struct sweep *sweep = engine->sweep;
    const char *end = child->tail + child->tail_bytes;
    const char *last;
    char words[512];

    while (end > child->tail && (end[-1] == '\n' || end[-1] == ' ')) {
        end--;
    }
    last = end;
    while (last > child->tail && last[-1] != '\n') {
        last--;
    }
    sweep_point_words(sweep, &sweep->points[child->run % sweep->count], words, sizeof words);
    progress_clear(&engine->progress);
    (void)fprintf(stderr, "flue sweep: %s: %s rng_run=%llu: %.*s\n", store_status_word((unsigned)status), words,
                  (unsigned long long)(child->run / sweep->count + 1), (int)(end - last < 300 ? end - last : 300),
                  last);
}

static void reap(struct engine *engine, struct child *child)
{
    char why[512] = "";
    enum store_status status;
    flue_err err;

    if (!child_reap(child, engine->sweep, engine->store, &status, &err, why, sizeof why)) {
        return;
    }
    engine->running--;
    engine->finished++;
    if (err == FLUE_ESTATE || err == FLUE_EINVAL) {
        /* The store refuses this run only. */
        status = STORE_FAILED;
        progress_clear(&engine->progress);
        (void)fprintf(stderr, "flue sweep: %s\n", why);
    } else if (err != FLUE_OK) {
        engine->err = engine->err == FLUE_OK ? err : engine->err;
        (void)snprintf(engine->message, engine->room, "%s", why);
    } else if (status != STORE_DONE && status != STORE_KILLED) {
        say_failure(engine, child, status);
    }
    engine->outcome->counts[status]++;
    engine->failed += status != STORE_DONE ? 1 : 0;
    free(child->argv);
    child->argv = NULL;
}

static void start_some(struct engine *engine, const char *program)
{
    for (unsigned i = 0; i < engine->options->jobs; i++) {
        struct child *child = &engine->children[i];
        if (child->pid != 0 || engine->next == engine->plan->missing_count || engine->interrupts > 0 ||
            engine->err != FLUE_OK) {
            continue;
        }
        engine->err = child_start(child, engine->sweep, program, engine->plan->missing[engine->next], engine->message,
                                  engine->room);
        if (engine->err == FLUE_OK) {
            engine->next++;
            engine->running++;
        }
    }
}

static void stop_all(struct engine *engine)
{
    for (unsigned i = 0; i < engine->options->jobs; i++) {
        if (engine->children[i].pid != 0) {
            engine->children[i].stopped = true;
            child_kill(&engine->children[i]);
        }
    }
}

/* The first Ctrl-C lets the running ones finish, the second stops them. */
static void take_signals(struct engine *engine)
{
    struct signalfd_siginfo info;

    while (read(engine->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            continue;
        }
        engine->interrupts++;
        engine->outcome->interrupted = true;
        if (engine->interrupts == 1) {
            progress_clear(&engine->progress);
            (void)fprintf(stderr, "flue sweep: finishing %llu running runs; once more stops them\n",
                          (unsigned long long)engine->running);
        } else {
            stop_all(engine);
        }
    }
}

static void check_limits(struct engine *engine)
{
    double limit_s = (double)engine->sweep->wall_limit_ps / (double)FLUE_PS_PER_S;

    for (unsigned i = 0; limit_s > 0 && i < engine->options->jobs; i++) {
        struct child *child = &engine->children[i];
        if (child->pid != 0 && !child->timed_out && sweep_now_s() - child->started_s > limit_s) {
            child->timed_out = true;
            child_kill(child);
        }
    }
}

static void wait_for_something(struct engine *engine)
{
    nfds_t count = 0;

    engine->watched[count++] = (struct pollfd){.fd = engine->signals, .events = POLLIN};
    for (unsigned i = 0; i < engine->options->jobs; i++) {
        engine->watched[count++] = (struct pollfd){.fd = engine->children[i].out, .events = POLLIN};
        engine->watched[count++] = (struct pollfd){.fd = engine->children[i].err, .events = POLLIN};
    }
    (void)poll(engine->watched, count, 100);
    take_signals(engine);
    for (unsigned i = 0; i < engine->options->jobs; i++) {
        if (engine->children[i].pid != 0) {
            child_read(&engine->children[i]);
            reap(engine, &engine->children[i]);
        }
    }
    check_limits(engine);
}

static void run_all(struct engine *engine, const char *program)
{
    start_some(engine, program);
    while (engine->running > 0) {
        wait_for_something(engine);
        start_some(engine, program);
        progress_show(&engine->progress, engine->finished, engine->failed, false);
    }
    if (engine->progress.kind == SWEEP_PROGRESS_BAR) {
        progress_show(&engine->progress, engine->finished, engine->failed, true);
        (void)fputc('\n', stderr);
    }
}

/* The path of this very program, which stays right when its file is replaced by a new build. */
static const char program_itself[] = "/proc/self/exe";

flue_err sweep_run(const struct sweep *sweep, struct store *store, const struct sweep_plan *plan,
                   const struct sweep_options *options, struct sweep_outcome *outcome, char *message, size_t room)
{
    const char *program = options->program != NULL ? options->program : program_itself;
    struct engine engine = {.sweep = sweep,
                            .store = store,
                            .plan = plan,
                            .options = options,
                            .outcome = outcome,
                            .children = calloc(options->jobs, sizeof *engine.children),
                            .watched = calloc(1 + 2 * (size_t)options->jobs, sizeof *engine.watched),
                            .signals = -1,
                            .err = FLUE_OK,
                            .message = message,
                            .room = room};
    sigset_t ours, before;

    *outcome = (struct sweep_outcome){.interrupted = false};
    if (engine.children == NULL || engine.watched == NULL) {
        free(engine.children);
        free(engine.watched);
        (void)snprintf(message, room, "memory ran out");
        return FLUE_ENOMEM;
    }
    for (unsigned i = 0; i < options->jobs; i++) {
        engine.children[i] = (struct child){.out = -1, .err = -1};
    }
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGINT);
    (void)sigaddset(&ours, SIGTERM);
    (void)sigaddset(&ours, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &ours, &before);
    engine.signals = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    engine.err = note_plan(&engine);
    if (engine.err == FLUE_OK) {
        progress_start(&engine.progress, options->progress, plan->total, plan->done);
        run_all(&engine, program);
        store_analyze(store);
    }
    if (engine.signals >= 0) {
        take_signals(&engine);
        (void)close(engine.signals);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    free(engine.children);
    free(engine.watched);
    return engine.err;
}
