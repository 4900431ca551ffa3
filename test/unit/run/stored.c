/* SPDX-License-Identifier: GPL-2.0-only */
/* A scenario and its results in the words of the store. */
#include "run/stored.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static const struct store_param *find(const struct stored_config *stored, const char *name)
{
    for (size_t i = 0; i < stored->config.param_count; i++) {
        if (strcmp(stored->config.params[i].name, name) == 0) {
            return &stored->config.params[i];
        }
    }
    return NULL;
}

static void hash_with(const char *assignment, enum flue_workload workload, char out[STORE_HASH_MAX])
{
    struct scenario_file file;
    struct stored_config stored;
    char message[1024] = "";

    assert_int_equal(scenario_load("bulk", &file, message, sizeof message), FLUE_OK);
    file.scenario.workload = workload;
    assert_int_equal(params_assign(&file.scenario, assignment, message, sizeof message), FLUE_OK);
    assert_int_equal(stored_config_make(&stored, &file, &file.scenario, message, sizeof message), FLUE_OK);
    store_config_hash(&stored.config, NULL, out);
    stored_config_free(&stored);
    scenario_free(&file);
}

static void test_config(void **state)
{
    struct scenario_file file;
    struct stored_config stored;
    char message[1024] = "";

    (void)state;
    assert_int_equal(scenario_load("bulk", &file, message, sizeof message), FLUE_OK);
    assert_int_equal(stored_config_make(&stored, &file, &file.scenario, message, sizeof message), FLUE_OK);
    assert_int_equal(stored.config.param_count, params_count() + 3);
    assert_string_equal(stored.config.scenario_name, "bulk");
    assert_string_equal(find(&stored, "io_size")->text, "64KiB");
    assert_int_equal(find(&stored, "io_size")->value, 65536);
    assert_true(find(&stored, "io_size")->is_number);
    assert_false(find(&stored, "upload_at")->is_number);
    assert_string_equal(find(&stored, "upload_at")->text, "never");
    assert_false(find(&stored, "offload")->is_number);
    assert_string_equal(find(&stored, "workload")->text, "bulk");
    assert_int_equal(strlen(find(&stored, "profile_sha256")->text), 64);
    assert_string_not_equal(find(&stored, "profile_sha256")->text, find(&stored, "peer_profile_sha256")->text);
    stored_config_free(&stored);
    scenario_free(&file);
}

static void test_hash(void **state)
{
    char first[STORE_HASH_MAX];
    char second[STORE_HASH_MAX];

    (void)state;
    hash_with("io_size=64KiB", FLUE_WORKLOAD_BULK, first);
    hash_with("io_size=65536", FLUE_WORKLOAD_BULK, second);
    assert_string_equal(first, second);
    hash_with("io_size=32KiB", FLUE_WORKLOAD_BULK, second);
    assert_string_not_equal(first, second);
    hash_with("io_size=64KiB", FLUE_WORKLOAD_RPC, second);
    assert_string_not_equal(first, second);
    hash_with("profile=none", FLUE_WORKLOAD_BULK, second);
    assert_string_not_equal(first, second);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A file of sizes or of flows may change under its name; the configuration tells. */
static void test_files(void **state)
{
    static const char *const settings[] = {"io_sizes=file unit_run_stored.txt", "flows=unit_run_stored.txt"};
    static const char *const names[] = {"io_sizes_sha256", "flows_sha256"};
    struct scenario_file file;
    struct stored_config stored;
    char message[1024] = "";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        char first[STORE_HASH_MAX];
        char second[STORE_HASH_MAX];

        write_file("unit_run_stored.txt", "abc");
        hash_with(settings[i], FLUE_WORKLOAD_WEB, first);
        write_file("unit_run_stored.txt", "abd");
        hash_with(settings[i], FLUE_WORKLOAD_WEB, second);
        assert_string_not_equal(first, second);
        write_file("unit_run_stored.txt", "abc");
        hash_with(settings[i], FLUE_WORKLOAD_WEB, second);
        assert_string_equal(first, second);
        assert_int_equal(scenario_load("web", &file, message, sizeof message), FLUE_OK);
        assert_int_equal(params_assign(&file.scenario, settings[i], message, sizeof message), FLUE_OK);
        assert_int_equal(stored_config_make(&stored, &file, &file.scenario, message, sizeof message), FLUE_OK);
        /* FIPS 180: SHA-256 of "abc" */
        assert_string_equal(find(&stored, names[i])->text,
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        stored_config_free(&stored);
        assert_int_equal(remove("unit_run_stored.txt"), 0);
        assert_int_equal(stored_config_make(&stored, &file, &file.scenario, message, sizeof message), FLUE_ENOENT);
        assert_null(stored.params);
        scenario_free(&file);
    }
}

static void test_no_profile(void **state)
{
    struct scenario_file file;
    struct stored_config stored;
    struct stored_evidence evidence;
    char message[1024] = "";

    (void)state;
    assert_int_equal(scenario_load("bulk", &file, message, sizeof message), FLUE_OK);
    assert_int_equal(params_assign(&file.scenario, "profile=zebra", message, sizeof message), FLUE_OK);
    assert_int_not_equal(stored_config_make(&stored, &file, &file.scenario, message, sizeof message), FLUE_OK);
    assert_null(stored.params);
    assert_int_not_equal(stored_evidence_make(&evidence, &file.scenario, message, sizeof message), FLUE_OK);
    assert_true(message[0] != '\0');
    scenario_free(&file);
}

static void test_results(void **state)
{
    struct results *results = results_new();
    struct flue_record record = results_record(results);
    const struct world_outcome outcome = {.end_ps = 77, .events = 8};
    struct stored_results lists;
    struct store_run run = {.status = STORE_CRASHED};

    (void)state;
    record.metric(record.ctx, "goodput", "", 8, 3);
    record.bin(record.ctx, "lat", "", 1, 2, 3);
    record.bin(record.ctx, "lat", "", 3, 4, 5);
    assert_int_equal(results_finish(results), FLUE_OK);
    assert_int_equal(stored_results_make(&lists, results, &outcome, &run), FLUE_OK);
    assert_int_equal(run.status, STORE_DONE);
    assert_int_equal(run.metric_count, 1);
    assert_int_equal(run.metrics[0].den, 3);
    assert_int_equal(run.bin_count, 2);
    assert_int_equal(run.bins[1].n, 5);
    assert_int_equal(run.finding_count, 0);
    assert_int_equal(run.sim_end_ps, 77);
    assert_int_equal(run.events, 8);
    assert_string_equal(run.digest, results_digest(results));
    stored_results_free(&lists);
    results_free(results);
}

static void test_failed(void **state)
{
    struct results *results = results_new();
    struct flue_record record = results_record(results);
    const struct world_outcome outcome = {.end_ps = 77};
    struct stored_results lists;
    struct store_run run = {.status = STORE_DONE};

    (void)state;
    record.finding(record.ctx, "lost");
    assert_int_equal(results_finish(results), FLUE_OK);
    assert_int_equal(stored_results_make(&lists, results, &outcome, &run), FLUE_OK);
    assert_int_equal(run.status, STORE_FAILED);
    assert_int_equal(run.finding_count, 1);
    assert_string_equal(run.findings[0], "lost");
    stored_results_free(&lists);
    results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),     cmocka_unit_test(test_hash),    cmocka_unit_test(test_files),
        cmocka_unit_test(test_no_profile), cmocka_unit_test(test_results), cmocka_unit_test(test_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
