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

static void only_reading(void **state)
{
    static const char *const statements[] = {
        "DELETE FROM run",
        "CREATE TABLE x(y)",
        "PRAGMA user_version = 7",
        "ATTACH '/tmp/flue-other.db' AS other",
        "VACUUM INTO '/tmp/flue-other.db'",
        "SELECT nothing",
        "SELECT 1; DROP TABLE run",
    };
    struct fixture f;
    char *bytes = NULL;
    size_t count;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        FILE *out = open_memstream(&bytes, &count);
        message[0] = '\0';
        if (query_write(f.store, statements[i], QUERY_TABLE, out, NULL, message, sizeof message) != FLUE_EPARSE) {
            print_error("%s: was not refused: %s\n", statements[i], message);
            fail();
        }
        fclose(out);
        free(bytes);
        assert_int_not_equal(access("/tmp/flue-other.db", F_OK), 0);
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

static void figures(void **state)
{
    static const char *const names[] = {"latency", "cpu-saving"};
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
    for (size_t i = 0; i < 2; i++) {
        flue_err err = draw(&f, names[i], "a'b c.svg", true, NULL);
        if (err != FLUE_OK) {
            print_error("%s\n", message);
        }
        assert_int_equal(err, FLUE_OK);
        bytes = scratch_read(scratch_path(&f.scratch, "a'b c.svg"), &count);
        assert_non_null(strstr(bytes, "</svg>"));
        assert_non_null(strstr(bytes, "offered load"));
        assert_non_null(strstr(bytes, "host-2021-noopt"));
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
        cmocka_unit_test(latency),      cmocka_unit_test(saving),  cmocka_unit_test(strip),
        cmocka_unit_test(only_reading), cmocka_unit_test(figures), cmocka_unit_test(two_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
