/* SPDX-License-Identifier: GPL-2.0-only */
/* The sweep engine with this program as the flue that it starts: "queue" of a run says how the run is to end. */
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/run_text.h"
#include "sweep/sweep.h"
#include "unit/store/number.h"
#include "unit/store/scratch.h"

static char message[1024];

enum { ENDS_WELL = 1, FINDS = 2, CUT = 3, DIES = 4, HANGS = 5, COMPLAINS = 6, FLOODS = 7 };

static void nap(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

/* What the engine starts: a flue that simulates nothing. */
static int be_a_run(int argc, char **argv)
{
    struct store_metric metric = {.name = "requests", .entity = "", .num = 0, .den = 1};
    static const char *const findings[] = {"a byte is missing"};
    static const struct store_broken brokens[] = {{125, "target", 7}};
    struct store_run run = {
        .status = STORE_DONE, .digest = "00", .evidence = "none", .metrics = &metric, .metric_count = 1};
    int how = 0;
    bool record = false;
    char *bytes = NULL;
    size_t count;

    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "queue=", 6) == 0) {
            how = atoi(argv[i] + 6);
        } else if (strncmp(argv[i], "--rng-run=", 10) == 0) {
            metric.num = atoi(argv[i] + 10);
        } else if (strcmp(argv[i], "--record=-") == 0) {
            record = true;
        }
    }
    if (!record) {
        return 2;
    }
    run.findings = findings;
    run.brokens = brokens;
    run.broken_count = how == FINDS ? 1 : 0;
    run.finding_count = how == FINDS ? 1 : 0;
    run.status = how == FINDS ? STORE_FAILED : STORE_DONE;
    FILE *out = open_memstream(&bytes, &count);
    if (out == NULL || run_text_write(out, &run) != FLUE_OK) {
        return 5;
    }
    fclose(out);
    if (how == COMPLAINS) {
        free(bytes);
        fprintf(stderr, "first\nflue run: no such profile\n");
        return 2;
    }
    if (how == HANGS) {
        nap(60000);
    }
    if (how == FLOODS) {
        for (int i = 0; i < 100000; i++) {
            fprintf(stderr, "line %d\n", i);
        }
    }
    fwrite(bytes, 1, how == CUT || how == DIES ? count / 2 : count, stdout);
    fflush(stdout);
    free(bytes);
    if (how == DIES) {
        raise(SIGKILL);
    }
    nap(2);
    return how == FINDS ? 1 : 0;
}

static void print_fault(void *ctx, const char *line)
{
    (void)ctx;
    print_error("%s\n", line);
}

static void load(struct scratch *scratch, const char *text, struct sweep *sweep)
{
    scratch_write(scratch_path(scratch, "s.yaml"), text, strlen(text));
    if (sweep_load(scratch->path, sweep, message, sizeof message) != FLUE_OK) {
        print_error("%s\n", message);
        fail();
    }
}

/* Plans and runs what is missing; how many were missing. */
static size_t run_sweep(const struct sweep *sweep, struct store *store, struct sweep_outcome *outcome)
{
    struct sweep_options options = {.program = "/proc/self/exe", .jobs = 3, .progress = SWEEP_PROGRESS_NONE};
    struct sweep_plan plan;
    size_t missing;

    assert_int_equal(sweep_plan(sweep, store, &plan), FLUE_OK);
    missing = plan.missing_count;
    if (sweep_run(sweep, store, &plan, &options, outcome, message, sizeof message) != FLUE_OK) {
        print_error("%s\n", message);
        fail();
    }
    sweep_plan_free(&plan);
    return missing;
}

static struct store *open_store(struct scratch *scratch, unsigned mode)
{
    struct store *store = NULL;

    assert_int_equal(store_open(scratch_path(scratch, "r.db"), mode, &store, message, sizeof message), FLUE_OK);
    return store;
}

#define HEAD "flue: 1\nsweep: s\nscenario: rpc\nset: {offload: host}\n"

/* Every way to end: what is stored as done, and that the others go on. */
static void endings(void **state)
{
    struct scratch scratch;
    struct sweep sweep;
    struct sweep_outcome outcome;
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    load(&scratch, HEAD "vary: {queue: [1, 2, 3, 4, 5, 6, 7]}\nrepeat: 2\nlimits: {wall: 1s}\n", &sweep);
    store = open_store(&scratch, STORE_CREATE);
    assert_int_equal(run_sweep(&sweep, store, &outcome), 14);
    assert_false(outcome.interrupted);
    assert_int_equal(outcome.counts[STORE_DONE], 4);
    assert_int_equal(outcome.counts[STORE_FAILED], 4);
    assert_int_equal(outcome.counts[STORE_CRASHED], 4);
    assert_int_equal(outcome.counts[STORE_TIMEOUT], 2);
    assert_int_equal(number(store, "SELECT count(*) FROM run"), 14);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE status = 'done' AND exit_code = 0"), 4);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE term_signal = 9 AND status = 'crashed'"), 2);
    assert_int_equal(number(store, "SELECT count(*) FROM finding WHERE sentence = 'a byte is missing'"), 2);
    assert_int_equal(number(store, "SELECT sum(count) FROM finding_count WHERE rule = 125 AND party = 'target'"), 14);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE stderr_tail LIKE '%no such profile%'"), 2);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE stderr_tail LIKE '%line 99999\n' AND "
                                   "stderr_tail NOT LIKE '%line 0\n%'"),
                     2);
    /* Results belong to the seed they were asked for. */
    assert_int_equal(number(store, "SELECT count(*) FROM scalar JOIN run USING(run_id) WHERE num <> rng_run"), 0);
    assert_int_equal(number(store, "SELECT count(*) FROM scalar JOIN run USING(run_id) WHERE status = 'crashed'"), 0);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE argv LIKE 'flue run rpc %--rng-run=%'"), 14);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE argv LIKE '%--record%'"), 0);
    assert_int_equal(number(store, "SELECT count(*) FROM sweep_point"), 7);
    assert_int_equal(store_check(store, print_fault, NULL), 0);
    /* Again: only what did not end well, and the sweep is not noted twice. */
    assert_int_equal(run_sweep(&sweep, store, &outcome), 10);
    assert_int_equal(outcome.counts[STORE_DONE], 0);
    assert_int_equal(number(store, "SELECT count(*) FROM sweep_point"), 7);
    store_close(store);
    sweep_free(&sweep);
    scratch_remove(&scratch);
}

/* More repetitions only extend; points that are new are added. */
static void extension(void **state)
{
    struct scratch scratch;
    struct sweep sweep;
    struct sweep_outcome outcome;
    struct sweep_plan plan;
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    store = open_store(&scratch, STORE_CREATE);
    load(&scratch, HEAD "vary: {io_size: [1KiB, 2KiB], queue: [1]}\nrepeat: 2\n", &sweep);
    assert_int_equal(run_sweep(&sweep, store, &outcome), 4);
    assert_int_equal(run_sweep(&sweep, store, &outcome), 0);
    sweep_free(&sweep);
    load(&scratch, HEAD "vary: {io_size: [1KiB, 2KiB, 4KiB], queue: [1]}\nrepeat: 3\n", &sweep);
    assert_int_equal(sweep_plan(&sweep, store, &plan), FLUE_OK);
    assert_int_equal(plan.total, 9);
    assert_int_equal(plan.done, 4);
    assert_int_equal(plan.missing_count, 5);
    /* rng_run is the outer loop: run 2 is point 3 of the first repetition, 5 of the second, 6 to 8 the third. */
    assert_int_equal(plan.missing[0], 2);
    assert_int_equal(plan.missing[1], 5);
    assert_int_equal(plan.missing[2], 6);
    assert_int_equal(plan.missing[4], 8);
    sweep_plan_free(&plan);
    sweep_free(&sweep);
    /* Another seed is other runs. */
    load(&scratch, HEAD "seed: 2\nvary: {io_size: [1KiB, 2KiB], queue: [1]}\nrepeat: 2\n", &sweep);
    assert_int_equal(sweep_plan(&sweep, store, &plan), FLUE_OK);
    assert_int_equal(plan.missing_count, 4);
    sweep_plan_free(&plan);
    sweep_free(&sweep);
    store_close(store);
    scratch_remove(&scratch);
}

/* Ten times: the sweep is killed in the middle.  Then it goes on to its end: no run is partial, none is there twice. */
static void killed(void **state)
{
    struct scratch scratch;
    struct sweep sweep;
    struct sweep_outcome outcome;
    struct store *store;
    int status;
    int64_t before = 0, interrupted = 0;

    (void)state;
    scratch_make(&scratch);
    load(&scratch, HEAD "vary: {io_size: {log2: [1KiB, 64KiB]}, queue: [1]}\nrepeat: 40\n", &sweep);
    store_close(open_store(&scratch, STORE_CREATE));
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        if (child == 0) {
            store = open_store(&scratch, STORE_WRITE);
            run_sweep(&sweep, store, &outcome);
            store_close(store);
            _exit(0);
        }
        /* In the middle: some more runs than before, and a little later. */
        for (int64_t count = before; count <= before;) {
            store = open_store(&scratch, STORE_READ);
            count = number(store, "SELECT count(*) FROM run");
            store_close(store);
            nap(2 + round);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        interrupted += WIFSIGNALED(status) ? 1 : 0;
        store = open_store(&scratch, STORE_WRITE);
        assert_int_equal(store_check(store, print_fault, NULL), 0);
        assert_true(number(store, "SELECT count(*) FROM run") >= before);
        before = number(store, "SELECT count(*) FROM run");
        store_close(store);
    }
    assert_true(interrupted > 0);
    assert_true(before > 0);
    store = open_store(&scratch, STORE_WRITE);
    assert_int_equal(run_sweep(&sweep, store, &outcome), 280 - before);
    assert_int_equal(number(store, "SELECT count(*) FROM run"), 280);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE status = 'done'"), 280);
    assert_int_equal(number(store, "SELECT count(*) FROM (SELECT DISTINCT config_id, rng_seed, rng_run FROM run)"),
                     280);
    assert_int_equal(number(store, "SELECT count(*) FROM scalar"), 280);
    assert_int_equal(store_check(store, print_fault, NULL), 0);
    store_close(store);
    sweep_free(&sweep);
    scratch_remove(&scratch);
}

/* Ctrl-C: the running runs end and are stored.  Twice: they are stopped. */
static void interrupted(void **state)
{
    struct scratch scratch;
    struct sweep sweep;
    struct sweep_outcome outcome;
    struct store *store;
    int status;

    (void)state;
    for (int times = 1; times <= 2; times++) {
        scratch_make(&scratch);
        load(&scratch,
             times == 1 ? HEAD "vary: {queue: [1]}\nrepeat: 10000\n" : HEAD "vary: {queue: [5]}\nrepeat: 100\n",
             &sweep);
        store_close(open_store(&scratch, STORE_CREATE));
        pid_t child = fork();
        if (child == 0) {
            (void)!freopen("/dev/null", "w", stderr);
            store = open_store(&scratch, STORE_WRITE);
            run_sweep(&sweep, store, &outcome);
            store_close(store);
            _exit(outcome.interrupted ? 130 : 1);
        }
        /* Once the sweep is noted it listens. */
        for (int64_t noted = 0; noted == 0; nap(20)) {
            store = open_store(&scratch, STORE_READ);
            noted = number(store, "SELECT count(*) FROM sweep");
            store_close(store);
        }
        nap(250);
        for (int i = 0; i < times; i++) {
            kill(child, SIGINT);
            nap(150);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 130);
        store = open_store(&scratch, STORE_READ);
        if (times == 1) {
            assert_true(number(store, "SELECT count(*) FROM run WHERE status = 'done'") > 0);
            assert_int_equal(number(store, "SELECT count(*) FROM run WHERE status <> 'done'"), 0);
        } else {
            assert_int_equal(number(store, "SELECT count(*) FROM run WHERE status = 'killed'"), 3);
        }
        store_close(store);
        sweep_free(&sweep);
        scratch_remove(&scratch);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endings),
        cmocka_unit_test(extension),
        cmocka_unit_test(killed),
        cmocka_unit_test(interrupted),
    };

    if (argc > 1 && strcmp(argv[1], "run") == 0) {
        return be_a_run(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
