/* SPDX-License-Identifier: GPL-2.0-only */
/* The results database: what goes in comes out; what is not ours is left alone; two writers; a writer that dies. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "unit/store/number.h"
#include "unit/store/scratch.h"
#include "unit/store/synthetic.h"

static char message[1024];

static struct store *open_store(const char *path, unsigned mode)
{
    struct store *store = NULL;
    flue_err err = store_open(path, mode, &store, message, sizeof message);

    if (err != FLUE_OK) {
        print_error("%s\n", message);
    }
    assert_int_equal(err, FLUE_OK);
    return store;
}

static void put(struct store *store, const struct store_run *run)
{
    flue_err err = store_run(store, run, NULL, message, sizeof message);

    if (err != FLUE_OK) {
        print_error("%s\n", message);
    }
    assert_int_equal(err, FLUE_OK);
}

static void count_fault(void *ctx, const char *line)
{
    print_message("fault: %s\n", line);
    ++*(int *)ctx;
}

static int faults_of(struct store *store)
{
    int seen = 0;
    int faults = store_check(store, count_fault, &seen);

    assert_true(faults < 0 || faults == seen);
    return faults;
}

static void round_trip(void **state)
{
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;
    char hash[STORE_HASH_MAX], uid[17];

    (void)state;
    scratch_make(&scratch);
    synthetic_make(made, true, 30, 65536, 3);
    store_config_hash(&made->run.config, NULL, hash);
    for (unsigned plain = 0; plain <= STORE_PLAIN; plain += STORE_PLAIN) {
        scratch_path(&scratch, plain != 0 ? "plain.db" : "wal.db");
        store = open_store(scratch.path, STORE_CREATE | plain);
        assert_false(store_has(store, hash, 1, 3, FLUE_MODEL_EPOCH));
        assert_int_equal(store_run(store, &made->run, uid, message, sizeof message), FLUE_OK);
        assert_int_equal(strlen(uid), 16);
        assert_true(store_has(store, hash, 1, 3, FLUE_MODEL_EPOCH));
        assert_false(store_has(store, hash, 1, 4, FLUE_MODEL_EPOCH));
        assert_false(store_has(store, hash, 2, 3, FLUE_MODEL_EPOCH));
        assert_false(store_has(store, hash, 1, 3, FLUE_MODEL_EPOCH + 1));
        store_close(store);
        store = open_store(scratch.path, STORE_READ);
        assert_int_equal(number(store, "SELECT count(*) FROM run WHERE status = 'done' AND sim_end_ps = 1000000000"),
                         1);
        assert_int_equal(number(store, "SELECT num FROM scalar JOIN metric USING(metric_id) WHERE name = 'goodput'"),
                         made->metrics[5].num);
        assert_int_equal(number(store, "SELECT den FROM scalar JOIN metric USING(metric_id) WHERE name = 'goodput'"),
                         3);
        assert_int_equal(number(store, "SELECT count(*) FROM hist_bin"), made->run.bin_count);
        assert_int_equal(number(store, "SELECT sum(n) FROM hist_bin"), 2000);
        assert_int_equal(number(store, "SELECT n FROM v_hist WHERE metric = 'lat'"), 2000);
        assert_int_equal(number(store, "SELECT json_extract(params, '$.io_size') FROM config"), 65536);
        assert_int_equal(number(store, "SELECT count(*) FROM config_param"), SYNTHETIC_PARAMS);
        assert_int_equal(faults_of(store), 0);
        store_close(store);
        /* One plain file: nothing lies beside it. */
        strcat(scratch.path, "-wal");
        assert_int_not_equal(access(scratch.path, F_OK), 0);
    }
    test_free(made);
    scratch_remove(&scratch);
}

static void once_only(void **state)
{
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    store = open_store(scratch_path(&scratch, "r.db"), STORE_CREATE);
    synthetic_make(made, false, 80, 1024, 1);
    /* Failures may repeat, before and after. */
    made->run.status = STORE_FAILED;
    put(store, &made->run);
    put(store, &made->run);
    made->run.status = STORE_DONE;
    put(store, &made->run);
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EEXIST);
    made->digest[0] = 'f';
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_ESTATE);
    made->run.status = STORE_CRASHED;
    put(store, &made->run);
    assert_int_equal(number(store, "SELECT count(*) FROM run"), 4);
    assert_int_equal(number(store, "SELECT max(attempt) FROM run"), 4);
    /* Another epoch is another run. */
    made->run.status = STORE_DONE;
    made->run.build.model_epoch++;
    put(store, &made->run);
    assert_int_equal(number(store, "SELECT count(*) FROM run WHERE status = 'done'"), 2);
    assert_int_equal(faults_of(store), 0);
    store_close(store);
    test_free(made);
    scratch_remove(&scratch);
}

/* What cannot be stored leaves no trace. */
static void refused_whole(void **state)
{
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    store = open_store(scratch_path(&scratch, "r.db"), STORE_CREATE);
    synthetic_make(made, false, 80, 1024, 1);
    made->metrics[5].name = "no.such.metric";
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EINVAL);
    synthetic_make(made, false, 80, 1024, 1);
    made->metrics[5] = made->metrics[4];
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EINVAL);
    synthetic_make(made, false, 80, 1024, 1);
    made->bins[1].lo = made->bins[0].hi;
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EINVAL);
    synthetic_make(made, false, 80, 1024, 1);
    made->bins[0].metric = "goodput";
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EINVAL);
    assert_int_equal(number(store, "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM config) "
                                   "+ (SELECT count(*) FROM scalar) + (SELECT count(*) FROM build)"),
                     0);
    synthetic_make(made, false, 80, 1024, 1);
    put(store, &made->run);
    store_close(store);
    test_free(made);
    scratch_remove(&scratch);
}

/* Opens in every mode, expects err, and the file as it was. */
static void refuse(const char *path, flue_err err)
{
    static const unsigned modes[] = {STORE_READ, STORE_WRITE, STORE_CREATE, STORE_CREATE | STORE_PLAIN};
    struct store *store;
    size_t before_count, after_count;
    char *before = scratch_read(path, &before_count);
    struct stat was, is;

    assert_int_equal(stat(path, &was), 0);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        message[0] = '\0';
        assert_int_equal(store_open(path, modes[i], &store, message, sizeof message), err);
        assert_null(store);
        assert_non_null(strstr(message, path));
        assert_null(strchr(message, '\n'));
        char *after = scratch_read(path, &after_count);
        assert_int_equal(after_count, before_count);
        assert_memory_equal(after, before, before_count);
        free(after);
    }
    assert_int_equal(stat(path, &is), 0);
    assert_int_equal(was.st_mtim.tv_nsec, is.st_mtim.tv_nsec);
    assert_int_equal(was.st_ino, is.st_ino);
    free(before);
}

static void foreign_files(void **state)
{
    struct scratch scratch;
    sqlite3 *db;
    size_t count;
    char *whole;

    (void)state;
    scratch_make(&scratch);
    scratch_write(scratch_path(&scratch, "text"), "just a text, longer than nothing\n", 33);
    refuse(scratch.path, FLUE_EFOREIGN);
    scratch_write(scratch_path(&scratch, "empty"), "", 0);
    refuse(scratch.path, FLUE_EFOREIGN);
    assert_int_equal(sqlite3_open(scratch_path(&scratch, "other.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE run(x); INSERT INTO run VALUES(1)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refuse(scratch.path, FLUE_EFOREIGN);
    /* Ours, but of a later version. */
    store_close(open_store(scratch_path(&scratch, "later.db"), STORE_CREATE));
    assert_int_equal(sqlite3_open(scratch.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refuse(scratch.path, FLUE_EFOREIGN);
    /* Ours, cut short; and ours, with a schema page that is garbage. */
    store_close(open_store(scratch_path(&scratch, "whole.db"), STORE_CREATE));
    whole = scratch_read(scratch.path, &count);
    scratch_write(scratch_path(&scratch, "cut.db"), whole, count / 2);
    refuse(scratch.path, FLUE_EFOREIGN);
    memset(whole + 100, 0xA5, 4096 - 100);
    scratch_write(scratch_path(&scratch, "garbage.db"), whole, count);
    refuse(scratch.path, FLUE_EFOREIGN);
    free(whole);
    scratch_remove(&scratch);
}

static void missing_and_unwritable(void **state)
{
    struct scratch scratch;
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    assert_int_equal(store_open(scratch_path(&scratch, "none.db"), STORE_READ, &store, message, sizeof message),
                     FLUE_ENOENT);
    assert_int_equal(store_open(scratch.path, STORE_WRITE, &store, message, sizeof message), FLUE_ENOENT);
    assert_int_not_equal(access(scratch.path, F_OK), 0);
    assert_int_equal(store_open(scratch_path(&scratch, "no/folder.db"), STORE_CREATE, &store, message, sizeof message),
                     FLUE_EIO);
    assert_int_equal(store_open(scratch.folder, STORE_CREATE, &store, message, sizeof message), FLUE_EFOREIGN);
    /* The kernel refuses these to root as well. */
    assert_int_equal(store_open("/proc/flue.db", STORE_CREATE, &store, message, sizeof message), FLUE_EIO);
    assert_non_null(strstr(message, "may be written"));
    store_close(open_store(scratch_path(&scratch, "r.db"), STORE_CREATE));
    if (geteuid() != 0) {
        assert_int_equal(chmod(scratch.path, 0444), 0);
        assert_int_equal(store_open(scratch.path, STORE_WRITE, &store, message, sizeof message), FLUE_EIO);
        store_close(open_store(scratch.path, STORE_READ));
        assert_int_equal(chmod(scratch.folder, 0555), 0);
        store_close(open_store(scratch.path, STORE_READ));
        assert_int_equal(store_open(scratch_path(&scratch, "new.db"), STORE_CREATE, &store, message, sizeof message),
                         FLUE_EIO);
        assert_int_equal(chmod(scratch.folder, 0755), 0);
    }
    scratch_remove(&scratch);
}

/* Reading changes no byte. */
static void reading_is_reading(void **state)
{
    struct scratch scratch;
    struct store *store;
    size_t before_count, after_count;
    char *before, *after;

    (void)state;
    scratch_make(&scratch);
    store = open_store(scratch_path(&scratch, "r.db"), STORE_CREATE);
    assert_int_equal(synthetic_fill(store, 1, message, sizeof message), FLUE_OK);
    store_close(store);
    before = scratch_read(scratch.path, &before_count);
    store = open_store(scratch.path, STORE_READ);
    assert_int_equal(sqlite3_exec(store_database(store), "DELETE FROM run", NULL, NULL, NULL), SQLITE_READONLY);
    assert_int_equal(faults_of(store), 0);
    store_close(store);
    after = scratch_read(scratch.path, &after_count);
    assert_int_equal(after_count, before_count);
    assert_memory_equal(after, before, before_count);
    free(before);
    free(after);
    scratch_remove(&scratch);
}

/* Two processes make one database and write into it at the same time. */
static void two_writers(void **state)
{
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;
    pid_t child[2];
    int status;

    (void)state;
    for (unsigned plain = 0; plain <= STORE_PLAIN; plain += STORE_PLAIN) {
        scratch_make(&scratch);
        scratch_path(&scratch, "r.db");
        for (uint64_t who = 0; who < 2; who++) {
            child[who] = fork();
            if (child[who] == 0) {
                store = NULL;
                if (store_open(scratch.path, STORE_CREATE | plain, &store, message, sizeof message) != FLUE_OK) {
                    _exit(1);
                }
                for (uint64_t i = 0; i < 25; i++) {
                    synthetic_make(made, true, 30, 4096, 2 * i + who + 1);
                    if (store_run(store, &made->run, NULL, message, sizeof message) != FLUE_OK) {
                        _exit(2);
                    }
                }
                store_close(store);
                _exit(0);
            }
        }
        for (int who = 0; who < 2; who++) {
            assert_int_equal(waitpid(child[who], &status, 0), child[who]);
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 0);
        }
        store = open_store(scratch.path, STORE_READ);
        assert_int_equal(number(store, "SELECT count(*) FROM run"), 50);
        assert_int_equal(number(store, "SELECT count(*) FROM config"), 1);
        assert_int_equal(number(store, "SELECT max(n) FROM summary"), 50);
        assert_int_equal(faults_of(store), 0);
        store_close(store);
        scratch_remove(&scratch);
    }
    test_free(made);
}

static const struct store_sample samples[] = {{"series.holders", "host", 10, 3},
                                              {"series.holders", "host", 20, 2},
                                              {"series.goodput", "", 10, 0},
                                              {"series.goodput", "", 20, INT64_C(1) << 52}};
static const struct store_event schedule[] = {{12, "12ps upload-all", true}, {30, "30ps wake", false}};

static void with_timeline(struct synthetic *made)
{
    made->run.samples = samples;
    made->run.sample_count = COUNT_OF(samples);
    made->run.schedule = schedule;
    made->run.schedule_count = COUNT_OF(schedule);
}

/* A writer that is killed leaves whole runs only, each with all its bins, samples and scheduled events, and the next
 * one goes on. */
static void killed_writer(void **state)
{
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;
    int64_t before = 0;
    int status;

    (void)state;
    scratch_make(&scratch);
    scratch_path(&scratch, "r.db");
    store_close(open_store(scratch.path, STORE_CREATE));
    for (unsigned round = 0; round < 10; round++) {
        pid_t child = fork();
        if (child == 0) {
            store = open_store(scratch.path, STORE_WRITE);
            for (uint64_t i = 1;; i++) {
                synthetic_make(made, true, 30, 4096, 1000 * (round + 1) + i);
                with_timeline(made);
                (void)!store_run(store, &made->run, NULL, message, sizeof message);
            }
        }
        struct timespec pause = {.tv_sec = 0, .tv_nsec = 1000000 + 310000L * round};
        for (int64_t count = before; count <= before;) {
            store = open_store(scratch.path, STORE_READ);
            count = number(store, "SELECT count(*) FROM run");
            store_close(store);
            nanosleep(&pause, NULL);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        store = open_store(scratch.path, STORE_WRITE);
        assert_int_equal(faults_of(store), 0);
        assert_int_equal(number(store, "SELECT count(*) FROM run JOIN hist USING(run_id) WHERE n = 2000"),
                         number(store, "SELECT count(*) FROM run"));
        assert_int_equal(number(store,
                                "SELECT count(*) FROM run WHERE (SELECT count(*) FROM series WHERE series.run_id = "
                                "run.run_id) <> 4 OR (SELECT count(*) FROM event WHERE event.run_id = "
                                "run.run_id) <> 2"),
                         0);
        assert_int_equal(number(store, "SELECT count(*) FROM series WHERE run_id NOT IN (SELECT run_id FROM run)") +
                             number(store, "SELECT count(*) FROM event WHERE run_id NOT IN (SELECT run_id FROM run)"),
                         0);
        before = number(store, "SELECT count(*) FROM run");
        store_close(store);
    }
    test_free(made);
    scratch_remove(&scratch);
}

static int64_t count_of(struct store *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t count = -1;

    if (sqlite3_prepare_v2(store_database(store), sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        count = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return count;
}

/* Samples and schedule are there as they were; a sample of what is no series, or out of order, is refused whole. */
static void timelines(void **state)
{
    static const struct store_sample wrong[][2] = {{{"goodput", "", 10, 3}, {"goodput", "", 20, 3}},
                                                   {{"no.such", "", 10, 3}, {"no.such", "", 20, 3}},
                                                   {{"series.cpu", "copy", 10, 3}, {"series.cpu", "copy", 10, 4}}};
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    store = open_store(scratch_path(&scratch, "r.db"), STORE_CREATE);
    synthetic_make(made, true, 30, 4096, 1);
    with_timeline(made);
    put(store, &made->run);
    assert_int_equal(count_of(store, "SELECT count(*) FROM series"), 4);
    assert_int_equal(count_of(store, "SELECT value FROM series JOIN metric USING(metric_id) WHERE name = "
                                     "'series.goodput' AND t_ps = 20"),
                     INT64_C(1) << 52);
    assert_int_equal(count_of(store, "SELECT count(*) FROM event WHERE (ord, at_ps, what, effect) IN "
                                     "(VALUES (1, 12, '12ps upload-all', 1), (2, 30, '30ps wake', 0))"),
                     2);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        synthetic_make(made, true, 30, 4096, 2 + i);
        with_timeline(made);
        made->run.samples = wrong[i];
        made->run.sample_count = 2;
        assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EINVAL);
    }
    made->metrics[0] = (struct store_metric){"series.goodput", "", 1, 1};
    made->run.sample_count = 0;
    assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_EINVAL);
    assert_int_equal(count_of(store, "SELECT count(*) FROM run"), 1);
    assert_int_equal(faults_of(store), 0);
    store_close(store);
    scratch_remove(&scratch);
    test_free(made);
}

/* What earlier databases of this version lack is made as soon as somebody may write. */
static void late_tables(void **state)
{
    static const char both[] = "SELECT count(*) FROM sqlite_master WHERE name IN ('event', 'finding_count')";
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;

    (void)state;
    scratch_make(&scratch);
    store = open_store(scratch_path(&scratch, "r.db"), STORE_CREATE);
    assert_int_equal(count_of(store, both), 2);
    assert_int_equal(
        sqlite3_exec(store_database(store), "DROP TABLE event; DROP TABLE finding_count", NULL, NULL, NULL), SQLITE_OK);
    store_close(store);
    store = open_store(scratch.path, STORE_READ);
    assert_int_equal(count_of(store, both), 0);
    store_close(store);
    store = open_store(scratch.path, STORE_WRITE);
    assert_int_equal(count_of(store, both), 2);
    synthetic_make(made, true, 30, 4096, 1);
    with_timeline(made);
    put(store, &made->run);
    assert_int_equal(faults_of(store), 0);
    store_close(store);
    scratch_remove(&scratch);
    test_free(made);
}

/* A check that finds nothing in a spoilt database would be worth nothing. */
static void check_sees(void **state)
{
    static const char *const damages[] = {
        "UPDATE summary SET mean = mean * 1.0001 WHERE mean <> 0",
        "DELETE FROM summary WHERE mean <> 0",
        "UPDATE scalar SET value = value + 1",
        "DELETE FROM hist_bin WHERE lo = (SELECT min(lo) FROM hist_bin)",
        "UPDATE run SET result_sha256 = NULL",
        "PRAGMA foreign_keys = OFF; DELETE FROM build",
        "DELETE FROM series WHERE t_ps = 20 AND value = 2",
        "UPDATE series SET metric_id = (SELECT metric_id FROM metric WHERE name = 'goodput') WHERE entity = ''",
        "PRAGMA foreign_keys = OFF; UPDATE event SET run_id = 77",
    };
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;
    char *error = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        scratch_make(&scratch);
        store = open_store(scratch_path(&scratch, "r.db"), STORE_CREATE);
        synthetic_make(made, true, 30, 4096, 1);
        with_timeline(made);
        put(store, &made->run);
        assert_int_equal(faults_of(store), 0);
        assert_int_equal(sqlite3_exec(store_database(store), damages[i], NULL, NULL, &error), SQLITE_OK);
        assert_true(faults_of(store) > 0);
        store_close(store);
        scratch_remove(&scratch);
    }
    test_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),    cmocka_unit_test(once_only),          cmocka_unit_test(refused_whole),
        cmocka_unit_test(foreign_files), cmocka_unit_test(two_writers),        cmocka_unit_test(missing_and_unwritable),
        cmocka_unit_test(killed_writer), cmocka_unit_test(reading_is_reading), cmocka_unit_test(check_sees),
        cmocka_unit_test(timelines),     cmocka_unit_test(late_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
