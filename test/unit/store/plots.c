/* SPDX-License-Identifier: GPL-2.0-only */
/* The queries behind the figures against numbers computed by hand, and the figures themselves. */
#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "plots/plots.h"
#include "plots/query.h"
#include "store/store.h"
#include "unit/store/scratch.h"
#include "unit/store/synthetic.h"

static char message[1024];

struct fixture {
    struct scratch scratch;
    struct synthetic *made;
    struct store *store;
};

static void begin(struct fixture *fixture)
{
    scratch_make(&fixture->scratch);
    fixture->made = test_malloc(sizeof *fixture->made);
    assert_int_equal(
        store_open(scratch_path(&fixture->scratch, "r.db"), STORE_CREATE, &fixture->store, message, sizeof message),
        FLUE_OK);
}

static void end(struct fixture *fixture)
{
    store_close(fixture->store);
    test_free(fixture->made);
    scratch_remove(&fixture->scratch);
}

static void put(struct fixture *fixture)
{
    flue_err err = store_run(fixture->store, &fixture->made->run, NULL, message, sizeof message);

    if (err != FLUE_OK) {
        print_error("%s\n", message);
    }
    assert_int_equal(err, FLUE_OK);
}

/* Row `row` (from 0), column `column` of the first result of a named query; NaN for NULL. */
static double cell(struct store *store, const char *name, size_t row, const char *column)
{
    char *bytes = NULL, *line, *names;
    size_t count, at = 0;
    double value;
    FILE *out = open_memstream(&bytes, &count);

    assert_non_null(out);
    assert_int_equal(query_choose(store, NULL, 0, message, sizeof message), FLUE_OK);
    assert_int_equal(query_write(store, query_text(name), QUERY_TABLE, out, NULL, message, sizeof message), FLUE_OK);
    fclose(out);
    names = bytes;
    line = strchr(bytes, '\n');
    *line++ = '\0';
    for (; row > 0; row--) {
        line = strchr(line, '\n') + 1;
    }
    while (strncmp(names, column, strlen(column)) != 0 || strchr("\t", names[strlen(column)]) == NULL) {
        names = strchr(names, '\t');
        assert_non_null(names);
        names++;
        at++;
    }
    for (; at > 0; at--) {
        line = strchr(line, '\t') + 1;
    }
    value = *line == '\t' || *line == '\n' ? NAN : strtod(line, NULL);
    free(bytes);
    return value;
}

static void near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9 * fabs(expected) + 1e-9)) {
        print_error("found %.17g, expected %.17g\n", found, expected);
        fail();
    }
}

static void two_bins(struct synthetic *made, uint64_t first, uint64_t second)
{
    made->bins[0] = (struct store_bin){.metric = "lat", .entity = "", .lo = 1000000, .hi = 2000000, .n = first};
    made->bins[1] = (struct store_bin){.metric = "lat", .entity = "", .lo = 5000000, .hi = 6000000, .n = second};
    made->run.bin_count = 2;
}

/* Seeds of 1000 requests: 20, 30 and 10 of them slow.  Rank 990 lies in the slow bin twice, in the fast one once: the
 * seeds' p99 are 6, 6 and 2 us, mean 14/3, sd sqrt(16/3); half-width 4.303 * sqrt(16/3) / sqrt(3) = 4.303 * 4/3.  The
 * lower end would be negative and stops at half of the least.  All 3000: rank 2970 is above 2940, so 6 us. */
static void latency(void **state)
{
    static const uint64_t slow[] = {20, 30, 10};
    struct fixture f;

    (void)state;
    begin(&f);
    for (uint64_t i = 0; i < 3; i++) {
        synthetic_make(f.made, false, 30, 1024, i + 1);
        two_bins(f.made, 1000 - slow[i], slow[i]);
        put(&f);
    }
    /* 999 requests leave nine above p99, and ten above p99 of 1000: told only then.  Two seeds give no interval. */
    for (uint64_t i = 0; i < 2; i++) {
        synthetic_make(f.made, true, 30, 1024, i + 1);
        two_bins(f.made, i == 0 ? 400 : 399, 100);
        put(&f);
    }
    near(cell(f.store, "latency", 0, "p50_us"), 2);
    near(cell(f.store, "latency", 0, "p50_lo_us"), 2);
    near(cell(f.store, "latency", 0, "p50_hi_us"), 2);
    near(cell(f.store, "latency", 0, "p99_us"), 6);
    near(cell(f.store, "latency", 0, "p99_lo_us"), 1);
    near(cell(f.store, "latency", 0, "p99_hi_us"), 14.0 / 3 + 4.303 * 4 / 3);
    near(cell(f.store, "latency", 0, "samples"), 3000);
    near(cell(f.store, "latency", 0, "seeds"), 3);
    near(cell(f.store, "latency", 1, "arm_no"), 1);
    near(cell(f.store, "latency", 1, "p50_us"), 2);
    assert_true(isnan(cell(f.store, "latency", 1, "p50_lo_us")));
    assert_true(isnan(cell(f.store, "latency", 1, "p99_us")));
    near(cell(f.store, "latency", 1, "samples"), 999);
    end(&f);
}

static void set_costs(struct synthetic *made, int64_t cycles, int64_t handover, int64_t inside)
{
    made->metrics[0] = (struct store_metric){"cpu.cycles_per_byte", "", cycles, 1000};
    made->metrics[1] = (struct store_metric){"cpu.handover", "", handover, 1};
    made->metrics[2] = (struct store_metric){"bytes.window", "", 1000, 1};
    made->metrics[4] = (struct store_metric){"cpu.cycles", "offload control", inside, 1};
    made->metrics[5] = (struct store_metric){"cpu.cycles_per_byte", "copy", 77, 1000};
}

/* Host 10, 10, 20 and chimney 5, 6, 30 cycles per byte: 50, 40, -50 %.  The hand-over is 1000 cycles, of which 400 lie
 * inside the window of 1000 bytes: 0.6 more per byte. */
static void saving(void **state)
{
    static const int64_t host[] = {10000, 10000, 20000}, chimney[] = {5000, 6000, 30000};
    double mean = 40.0 / 3, sd = sqrt((pow(50 - mean, 2) + pow(40 - mean, 2) + pow(-50 - mean, 2)) / 2);
    struct fixture f;

    (void)state;
    begin(&f);
    for (uint64_t i = 0; i < 3; i++) {
        synthetic_make(f.made, false, 80, 2048, i + 1);
        set_costs(f.made, host[i], 0, 0);
        put(&f);
        synthetic_make(f.made, true, 80, 2048, i + 1);
        set_costs(f.made, chimney[i], 1000, 400);
        put(&f);
    }
    /* Without a partner of the same seed, or with one in another size: not in any pair. */
    synthetic_make(f.made, true, 80, 2048, 9);
    set_costs(f.made, 1, 0, 0);
    put(&f);
    synthetic_make(f.made, false, 80, 4096, 9);
    put(&f);
    near(cell(f.store, "cpu-saving", 0, "io_size"), 2048);
    near(cell(f.store, "cpu-saving", 0, "saving_pct"), mean);
    near(cell(f.store, "cpu-saving", 0, "saving_lo_pct"), mean - 4.303 * sd / sqrt(3));
    near(cell(f.store, "cpu-saving", 0, "saving_hi_pct"), mean + 4.303 * sd / sqrt(3));
    near(cell(f.store, "cpu-saving", 0, "with_handover_pct"), (44.0 + 34.0 - 53.0) / 3);
    near(cell(f.store, "cpu-saving", 0, "pairs"), 3);
    end(&f);
}

/* Equal neighbours are one piece; a point whose seeds disagree takes the majority and is marked. */
static void strip(void **state)
{
    static const int64_t codes[4][3] = {{2, 2, 2}, {2, 2, 2}, {2, 5, 5}, {5, 5, 5}};
    static const char sql[] = "SELECT x_from, x_to, code, mixed, cells FROM strip WHERE arm_no = 1 ORDER BY x_from";
    static const char expected[] = "x_from\tx_to\tcode\tmixed\tcells\n"
                                   "9.5\t11.5\t2\t0\t2\n"
                                   "11.5\t12.5\t5\t1\t1\n"
                                   "12.5\t13.5\t5\t0\t1\n";
    struct fixture f;
    char *bytes = NULL;
    size_t count;

    (void)state;
    begin(&f);
    for (int64_t i = 0; i < 4; i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            synthetic_make(f.made, true, 80, 1024 << i, seed);
            f.made->metrics[3].num = codes[i][seed - 1];
            put(&f);
        }
    }
    FILE *out = open_memstream(&bytes, &count);
    assert_int_equal(query_write(f.store, sql, QUERY_TABLE, out, NULL, message, sizeof message), FLUE_OK);
    fclose(out);
    assert_string_equal(bytes, expected);
    free(bytes);
    end(&f);
}

/* Three intervals of 10 us: samples begin at 100 us. */
static const struct store_sample timeline[] = {
    {"series.holders", "host", 100000000, 1},   {"series.holders", "host", 110000000, 3},
    {"series.holders", "host", 120000000, 0},   {"series.holders", "host", 130000000, 2},
    {"series.holders", "target", 100000000, 3}, {"series.holders", "target", 110000000, 1},
    {"series.holders", "target", 120000000, 4}, {"series.holders", "target", 130000000, 2},
    {"series.goodput", "", 100000000, 0},       {"series.goodput", "", 110000000, 8000},
    {"series.goodput", "", 120000000, 0},       {"series.goodput", "", 130000000, 500},
    {"series.cpu", "TCP/IP", 100000000, 0},     {"series.cpu", "TCP/IP", 110000000, 2500000},
    {"series.cpu", "TCP/IP", 120000000, 0},     {"series.cpu", "TCP/IP", 130000000, 10000000},
    {"series.retransmits", "", 100000000, 0},   {"series.retransmits", "", 110000000, 0},
    {"series.retransmits", "", 120000000, 7},   {"series.retransmits", "", 130000000, 0},
    {"series.timeouts", "", 100000000, 0},      {"series.timeouts", "", 110000000, 1},
    {"series.timeouts", "", 120000000, 0},      {"series.timeouts", "", 130000000, 0},
};
static const struct store_event schedule[] = {{111000000, "111us gateway-down gateway=2", true},
                                              {111000000, "111us upload-all", true},
                                              {125000000, "125us wake", false},
                                              {999000000, "999us sleep", true}};

static void with_timeline(struct synthetic *made)
{
    made->run.samples = timeline;
    made->run.sample_count = COUNT_OF(timeline);
    made->run.schedule = schedule;
    made->run.schedule_count = COUNT_OF(schedule);
}

/* A step has its two ends; what was sampled at the beginning has no step. */
static void storm(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    synthetic_make(f.made, true, 30, 1024, 1);
    with_timeline(f.made);
    put(&f);
    near(cell(f.store, "storm", 0, "t_s"), 100e-6);
    near(cell(f.store, "storm", 1, "t_s"), 110e-6);
    near(cell(f.store, "storm", 5, "t_s"), 130e-6);
    near(cell(f.store, "storm", 0, "host"), 3);
    near(cell(f.store, "storm", 1, "target"), 1);
    near(cell(f.store, "storm", 3, "host"), 0);
    near(cell(f.store, "storm", 3, "offered"), 0);
    near(cell(f.store, "storm", 0, "goodput_bps"), 8000);
    near(cell(f.store, "storm", 4, "goodput_bps"), 500);
    near(cell(f.store, "storm", 0, "cpu_tcpip"), 25);
    near(cell(f.store, "storm", 5, "cpu_tcpip"), 100);
    near(cell(f.store, "storm", 2, "cpu_copy"), 0);
    near(cell(f.store, "storm", 2, "retransmits"), 7);
    near(cell(f.store, "storm", 0, "timeouts"), 1);
    end(&f);
}

/* 1000 samples are 250 steps of four: means of what holds, sums of what happens. */
static void storm_of_many(void **state)
{
    struct store_sample *samples = test_malloc(6006 * sizeof *samples);
    static const char *const metrics[][2] = {{"series.holders", "host"}, {"series.goodput", ""},
                                             {"series.cpu", "copy"},     {"series.retransmits", ""},
                                             {"series.timeouts", ""},    {"series.holders", "lost"}};
    struct fixture f;

    (void)state;
    begin(&f);
    for (int64_t i = 0; i < 6006; i++) {
        samples[i] = (struct store_sample){metrics[i / 1001][0], metrics[i / 1001][1], i % 1001 * 1000, i % 1001};
    }
    synthetic_make(f.made, true, 30, 1024, 1);
    with_timeline(f.made);
    f.made->run.samples = samples;
    f.made->run.sample_count = 6006;
    put(&f);
    near(cell(f.store, "storm", 0, "host"), (1 + 2 + 3 + 4) / 4.0);
    near(cell(f.store, "storm", 1, "t_s"), 4e-9);
    near(cell(f.store, "storm", 0, "goodput_bps"), 2.5);
    near(cell(f.store, "storm", 0, "cpu_copy"), 0.25);
    near(cell(f.store, "storm", 0, "retransmits"), 10);
    near(cell(f.store, "storm", 499, "retransmits"), 997 + 998 + 999 + 1000);
    near(cell(f.store, "storm", 499, "t_s"), 1e-6);
    test_free(samples);
    end(&f);
}

static void silences(struct synthetic *made, uint64_t short_ones, uint64_t long_ones)
{
    made->bins[0] =
        (struct store_bin){.metric = "silence", .entity = "", .lo = 1000000, .hi = 2000000, .n = short_ones};
    made->bins[1] = (struct store_bin){.metric = "silence", .entity = "", .lo = 5000000, .hi = 6000000, .n = long_ones};
    made->run.bin_count = long_ones > 0 ? 2 : 1;
}

/* Two seeds of the host arm, 10 connections each, 3 and 2 of them silent for long; one of chimney, none of whose was.
 */
static void silence(void **state)
{
    static const double rows[][4] = {{0, 0, 1, 0},  {0, 0, 1, 0},   {0, 0, 2, 0},  {0, 0, 2, 75},
                                     {0, 0, 6, 75}, {0, 0, 6, 100}, {0, 1, 1, 0},  {0, 1, 1, 0},
                                     {0, 1, 2, 0},  {0, 1, 2, 100}, {0, 1, 6, 100}};
    struct fixture f;

    (void)state;
    begin(&f);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        synthetic_make(f.made, false, 30, 1024, seed);
        silences(f.made, 6 + seed, 4 - seed);
        put(&f);
    }
    synthetic_make(f.made, true, 30, 1024, 1);
    silences(f.made, 10, 0);
    put(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        near(cell(f.store, "silence", i, "value_no"), rows[i][0]);
        near(cell(f.store, "silence", i, "arm_no"), rows[i][1]);
        near(cell(f.store, "silence", i, "silence_us"), rows[i][2]);
        near(cell(f.store, "silence", i, "share_pct"), rows[i][3]);
    }
    near(cell(f.store, "silence", 0, "connections"), 20);
    near(cell(f.store, "silence", 0, "seeds"), 2);
    end(&f);
}

/* The statement with the path in the place of its %s, if it has one. */
static void replace(const char *statement, const char *path, char *out, size_t room)
{
    const char *mark = strstr(statement, "%s");
    const int head = mark == NULL ? (int)strlen(statement) : (int)(mark - statement);

    snprintf(out, room, "%.*s%s%s", head, statement, mark == NULL ? "" : path, mark == NULL ? "" : mark + 2);
}

static void only_reading(void **state)
{
    static const char *const statements[] = {
        "DELETE FROM run",  "CREATE TABLE x(y)", "PRAGMA user_version = 7",  "ATTACH '%s' AS other",
        "VACUUM INTO '%s'", "SELECT nothing",    "SELECT 1; DROP TABLE run",
    };
    struct fixture f;
    char *bytes = NULL;
    size_t count;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        FILE *out = open_memstream(&bytes, &count);
        const char *other = scratch_path(&f.scratch, "other.db");
        char statement[200];

        replace(statements[i], other, statement, sizeof statement);
        message[0] = '\0';
        if (query_write(f.store, statement, QUERY_TABLE, out, NULL, message, sizeof message) != FLUE_EPARSE) {
            print_error("%s: was not refused: %s\n", statements[i], message);
            fail();
        }
        fclose(out);
        free(bytes);
        assert_int_not_equal(access(other, F_OK), 0);
    }
    end(&f);
}

static flue_err draw(struct fixture *f, const char *name, const char *file, bool keep, const char *gnuplot)
{
    struct plot_request request = {
        .name = name, .output = scratch_path(&f->scratch, file), .keep = keep, .gnuplot = gnuplot};

    return plot_draw(f->store, &request, message, sizeof message);
}

static size_t files_in(const char *folder)
{
    DIR *open = opendir(folder);
    size_t count = 0;

    assert_non_null(open);
    while (readdir(open) != NULL) {
        count++;
    }
    closedir(open);
    return count - 2;
}

/* Runs for the figures storm and silence, in a database of their own. */
static void need_storm(struct fixture *f)
{
    store_close(f->store);
    unlink(scratch_path(&f->scratch, "r.db"));
    assert_int_equal(store_open(scratch_path(&f->scratch, "r.db"), STORE_CREATE, &f->store, message, sizeof message),
                     FLUE_OK);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        synthetic_make(f->made, false, 30, 1024, seed);
        silences(f->made, 6 + seed, 4 - seed);
        put(f);
    }
    synthetic_make(f->made, true, 30, 1024, 1);
    silences(f->made, 10, 0);
    with_timeline(f->made);
    put(f);
    store_close(f->store);
    assert_int_equal(store_open(scratch_path(&f->scratch, "r.db"), STORE_READ, &f->store, message, sizeof message),
                     FLUE_OK);
}

/* Each refusal names what settles it. */
static void refusals(void **state)
{
    static const char *const of_load[] = {"load=80%"}, *const of_seed[] = {"load=80%", "rng_run=2"};
    static const char *const late[] = {"load=80%", "from=131000000"}, *const nobody[] = {"scenario=web"};
    struct plot_request request = {.name = "storm", .output = "/nowhere/a.svg"};
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_ENOENT);
    assert_non_null(strstr(message, "-s sample=100us"));
    for (int load = 30; load <= 80; load += 50) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            synthetic_make(f.made, true, load, load * 1024, seed);
            silences(f.made, 5, 5);
            with_timeline(f.made);
            put(&f);
        }
    }
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_EINVAL);
    assert_non_null(strstr(message, "io_size has 2 values; choose one: --where io_size=30KiB"));
    request.where = of_load;
    request.where_count = 1;
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_EIO); /* nowhere to write */
    request.where = of_seed;
    request.where_count = 2;
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_EIO);
    request.where = late;
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_EINVAL);
    assert_non_null(strstr(message, "less than two samples"));
    request.where = nobody;
    request.where_count = 1;
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_ENOENT);
    request.name = "silence";
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_ENOENT);
    request.where_count = 0;
    assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_EINVAL);
    assert_non_null(strstr(message, "the runs differ in io_size and load; a figure shows one parameter and offload"));
    end(&f);
}

static void figures(void **state)
{
    static const char *const names[] = {"latency", "cpu-saving", "storm", "silence"};
    static const char *const seen[][3] = {{"offered load", "host-2021-noopt", "p99"},
                                          {"offered load", "host-2021-noopt", "hand-over"},
                                          {"gateway-down gateway=2", "wake (no effect)", "retransmissions"},
                                          {"offload=host (20 connections, 2 seeds)", "offload=chimney", "silence"}};
    struct fixture f;
    size_t count;
    char *bytes;

    (void)state;
    begin(&f);
    assert_int_equal(draw(&f, "latency", "a.svg", false, NULL), FLUE_ENOENT);
    assert_int_equal(synthetic_fill(f.store, 3, message, sizeof message), FLUE_OK);
    assert_int_equal(draw(&f, "nothing", "a.svg", false, NULL), FLUE_ENOENT);
    assert_int_equal(draw(&f, "latency", "a.gif", false, NULL), FLUE_EINVAL);
    assert_int_equal(draw(&f, "latency", ".svg", false, NULL), FLUE_EINVAL);
    assert_int_equal(draw(&f, "latency", "no/a.svg", false, NULL), FLUE_EIO);
    assert_int_equal(draw(&f, "latency", "a.svg", false, "flue-no-such-gnuplot"), FLUE_ETOOL);
    assert_int_equal(draw(&f, "latency", "a.svg", false, "false"), FLUE_EIO);
    store_close(f.store);
    assert_int_equal(store_open(scratch_path(&f.scratch, "r.db"), STORE_READ, &f.store, message, sizeof message),
                     FLUE_OK);
    assert_int_equal(files_in(f.scratch.folder), 1);
    if (system("gnuplot --version >/dev/null 2>&1") != 0) {
        print_message("gnuplot is not installed: nothing is drawn\n");
        end(&f);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        flue_err err;
        if (i == 2) {
            need_storm(&f);
        }
        err = draw(&f, names[i], "a'b c.svg", true, NULL);
        if (err != FLUE_OK) {
            print_error("%s\n", message);
        }
        assert_int_equal(err, FLUE_OK);
        bytes = scratch_read(scratch_path(&f.scratch, "a'b c.svg"), &count);
        assert_non_null(strstr(bytes, "</svg>"));
        for (size_t k = 0; k < 3; k++) {
            if (strstr(bytes, seen[i][k]) == NULL) {
                print_error("%s: no '%s'\n", names[i], seen[i][k]);
                fail();
            }
        }
        free(bytes);
        assert_int_equal(files_in(f.scratch.folder), 4);
        assert_int_equal(draw(&f, names[i], "b.pdf", false, NULL), FLUE_OK);
        bytes = scratch_read(scratch_path(&f.scratch, "b.pdf"), &count);
        assert_memory_equal(bytes, "%PDF", 4);
        free(bytes);
        unlink(scratch_path(&f.scratch, "b.pdf"));
    }
    end(&f);
}

/* A figure says for which link it is; so it draws one. */
static void two_links(void **state)
{
    static const char *const where[] = {"link_rate=1Gbps"};
    struct fixture f;
    struct plot_request request = {.name = "latency", .where = where, .where_count = 1};

    (void)state;
    begin(&f);
    for (int slow = 0; slow < 2; slow++) {
        for (int arm = 0; arm < 2; arm++) {
            synthetic_make(f.made, arm == 1, 30, 1024, 1);
            if (slow == 1) {
                f.made->params[4].text = "1Gbps";
                f.made->params[4].value = 1000000000;
            }
            put(&f);
        }
    }
    assert_int_equal(draw(&f, "latency", "a.svg", false, NULL), FLUE_EINVAL);
    assert_non_null(strstr(message, "--where link_rate="));
    request.output = scratch_path(&f.scratch, "a.svg");
    if (system("gnuplot --version >/dev/null 2>&1") == 0) {
        assert_int_equal(plot_draw(f.store, &request, message, sizeof message), FLUE_OK);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency),      cmocka_unit_test(saving),        cmocka_unit_test(strip),
        cmocka_unit_test(only_reading), cmocka_unit_test(figures),       cmocka_unit_test(two_links),
        cmocka_unit_test(storm),        cmocka_unit_test(storm_of_many), cmocka_unit_test(silence),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
