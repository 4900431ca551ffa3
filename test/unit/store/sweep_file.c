/* SPDX-License-Identifier: GPL-2.0-only */
/* Sweep files: what they mean, what is refused and where, what a database has of them. */
#include "sweep/sweep.h"
#include "unit/store/scratch.h"

static char message[1024];

#define HEAD "flue: 1\nsweep: s\nscenario: rpc\n"

static flue_err load_text(const char *text, struct sweep *sweep, struct scratch *scratch)
{
    scratch_write(scratch_path(scratch, "s.yaml"), text, strlen(text));
    message[0] = '\0';
    return sweep_load(scratch->path, sweep, message, sizeof message);
}

static void expect_point(const struct sweep *sweep, size_t index, const char *words)
{
    char found[512];

    assert_true(index < sweep->count);
    sweep_point_words(sweep, &sweep->points[index], found, sizeof found);
    assert_string_equal(found, words);
}

static void meaning(void **state)
{
    struct scratch scratch;
    struct sweep sweep;

    (void)state;
    scratch_make(&scratch);
    assert_int_equal(load_text("flue: 1\n"
                               "sweep: all of it\n"
                               "question: why?\n"
                               "scenario: rpc\n"
                               "seed: 7\n"
                               "net: link\n"
                               "set: {connections: 10, offload: host}\n"
                               "together:\n"
                               "  - {link_rate: 1Gbps, delay: 100us}\n"
                               "  - {link_rate: 2Gbps, delay: 50us}\n"
                               "vary:\n"
                               "  io_size: {log2: [1KiB, 4KiB]}\n"
                               "  queue: {lin: [100, 300], step: 100}\n"
                               "  timestamps: [yes, no]\n"
                               "pair_on: timestamps\n"
                               "repeat: 3\n"
                               "limits: {wall: 1500ms}\n",
                               &sweep, &scratch),
                     FLUE_OK);
    assert_string_equal(sweep.name, "all of it");
    assert_int_equal(sweep.count, 2 * 3 * 3 * 2);
    assert_int_equal(sweep.repeat, 3);
    assert_int_equal(sweep.base.scenario.seed, 7);
    assert_true(sweep.wall_limit_ps == 1500 * FLUE_PS_PER_MS);
    /* The last key of vary changes fastest, together is slowest; initial values show what differs from the base. */
    expect_point(&sweep, 0, "io_size=1KiB link_rate=1Gbps delay=100us queue=100 timestamps=yes");
    expect_point(&sweep, 1, "io_size=1KiB link_rate=1Gbps delay=100us queue=100 timestamps=no");
    expect_point(&sweep, 2, "io_size=1KiB link_rate=1Gbps delay=100us queue=200 timestamps=yes");
    expect_point(&sweep, 6, "io_size=2KiB link_rate=1Gbps delay=100us queue=100 timestamps=yes");
    expect_point(&sweep, 35, "io_size=4KiB link_rate=2Gbps delay=50us queue=300 timestamps=no");
    assert_string_equal(sweep.points[0].pair_hash, sweep.points[1].pair_hash);
    assert_string_not_equal(sweep.points[1].pair_hash, sweep.points[2].pair_hash);
    assert_string_not_equal(sweep.points[0].hash, sweep.points[1].hash);
    sweep_free(&sweep);
    /* Nothing varies: one point. */
    assert_int_equal(load_text(HEAD, &sweep, &scratch), FLUE_OK);
    assert_int_equal(sweep.count, 1);
    assert_int_equal(sweep.repeat, 1);
    sweep_free(&sweep);
    scratch_remove(&scratch);
}

/* What is refused, the place, and a word of the sentence. */
static void refusals(void **state)
{
    static const struct {
        const char *text, *place, *word;
    } cases[] = {
        {"flue: 1\nsweep: s\n", ":1:1:", "'scenario' is missing"},
        {"flue: 2\nsweep: s\nscenario: rpc\n", ":1:7:", "flue: 1"},
        {HEAD "vayr: {}\n", ":4:1:", "did you mean 'vary'"},
        {HEAD "repeat: 0\n", ":4:9:", "whole number"},
        {HEAD "repeat: many\n", ":4:9:", "whole number"},
        {HEAD "repeat: 1\nrepeat: 2\n", ":5:", "repeat"},
        {HEAD "seed: -1\n", ":4:7:", "whole number"},
        {HEAD "net: ether\n", ":4:6:", "link or ns3"},
        {HEAD "set: {io_sise: 4KiB}\n", ":4:7:", "did you mean 'io_size'"},
        {HEAD "set: {io_size: 4KB}\n", ":4:16:", "io_size"},
        {HEAD "set: {io_size: [1KiB]}\n", ":4:16:", "vary"},
        {HEAD "vary: {io_size: 4KiB}\n", ":4:17:", "list"},
        {HEAD "vary: {io_size: []}\n", ":4:17:", "empty"},
        {HEAD "vary: {io_size: [64KiB, 65536]}\n", ":4:25:", "twice"},
        {HEAD "vary: {io_size: [64KiB, 65GiB]}\n", ":4:25:", "io_size"},
        {HEAD "vary: {io_size: {log3: [1, 2]}}\n", ":4:18:", "log2"},
        {HEAD "vary: {io_size: {log2: [1KiB, 3KiB]}}\n", ":4:24:", "never meets"},
        {HEAD "vary: {io_size: {log2: [4KiB, 1KiB]}}\n", ":4:24:", "above the last"},
        {HEAD "vary: {io_size: {log2: [4KiB]}}\n", ":4:24:", "first and last"},
        {HEAD "vary: {queue: {lin: [10, 20]}}\n", ":4:15:", "step"},
        {HEAD "vary: {queue: {lin: [10, 20], step: 3}}\n", ":4:37:", "meet the last"},
        {HEAD "vary: {queue: {lin: [10, 20], step: 0}}\n", ":4:37:", "meet the last"},
        {HEAD "vary: {offload: {log2: [host, chimney]}}\n", ":4:17:", "no number"},
        {HEAD "vary: {offload: [host, chimny]}\n", ":4:24:", "chimney"},
        {HEAD "set: {queue: 10}\nvary: {queue: [10, 20]}\n", ":5:8:", "under set"},
        {HEAD "together: [{queue: 10}]\nvary: {queue: [10, 20]}\n", ":5:8:", "twice"},
        {HEAD "together: []\n", ":4:11:", "list"},
        {HEAD "together: [{queue: 10}, {delay: 1us}]\n", ":4:26:", "same parameters"},
        {HEAD "together: [{queue: 10}, {queue: 1, delay: 1us}]\n", ":4:25:", "same parameters"},
        {HEAD "together: [{queue: 10}, {queue: 10}]\n", ":1:1:", "the same"},
        {HEAD "pair_on: offload\n", ":4:10:", "under vary"},
        {HEAD "limits: {wall: 5}\n", ":4:16:", "wall"},
        {HEAD "limits: {wal: 5s}\n", ":4:10:", "did you mean 'wall'"},
        {"flue: 1\nsweep: s\nscenario: rcp\n", ":3:11:", "rpc"},
        {HEAD "vary: {io_size: [1KiB\n", ":", "YAML"},
    };
    struct scratch scratch;
    struct sweep sweep;

    (void)state;
    scratch_make(&scratch);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        flue_err err = load_text(cases[i].text, &sweep, &scratch);
        if (err == FLUE_OK || strstr(message, cases[i].place) == NULL || strstr(message, cases[i].word) == NULL ||
            strncmp(message, scratch.path, strlen(scratch.path)) != 0 || strchr(message, '\n') != NULL) {
            print_error("case %zu:\n%sanswer %d: %s\n", i, cases[i].text, (int)err, message);
            fail();
        }
        assert_null(sweep.points);
    }
    assert_int_equal(sweep_load("quik", &sweep, message, sizeof message), FLUE_ENOENT);
    assert_non_null(strstr(message, "'quick'"));
    assert_int_equal(sweep_load("./quick", &sweep, message, sizeof message), FLUE_ENOENT);
    scratch_remove(&scratch);
}

/* The sweeps that come with the program can be read, and compare both arms. */
static void builtin(void **state)
{
    struct sweep sweep;
    size_t count = 0;

    (void)state;
    for (; sweep_builtin(count) != NULL; count++) {
        flue_err err = sweep_load(sweep_builtin(count), &sweep, message, sizeof message);
        if (err != FLUE_OK) {
            print_error("%s\n", message);
        }
        assert_int_equal(err, FLUE_OK);
        assert_true(sweep.count >= 2);
        assert_true(strcmp(sweep.pair_on->name, "offload") == 0 || strcmp(sweep.pair_on->name, "policy") == 0);
        assert_string_equal(sweep.name, sweep_builtin(count));
        sweep_free(&sweep);
    }
    assert_true(count >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meaning),
        cmocka_unit_test(refusals),
        cmocka_unit_test(builtin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
