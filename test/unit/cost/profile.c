/* SPDX-License-Identifier: GPL-2.0-only */
/* Cost profiles: the built-in ones, round trips through a file, and what is said of a bad file. */
#include "run/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct profile_notes notes;
static char message[512];

static int setup(void **state)
{
    (void)state;
    profile_notes_init(&notes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    profile_notes_free(&notes);
    return 0;
}

/* Writes text to a file in the working directory and loads it. */
static flue_err load_text(const char *text, struct flue_profile *out)
{
    char name[] = "./profile-XXXXXX";
    char path[64];
    int descriptor = mkstemp(name);
    FILE *file;
    flue_err err;
    char *at;

    assert_true(descriptor >= 0);
    file = fdopen(descriptor, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    (void)snprintf(path, sizeof path, "%s", name);
    err = profile_load(path, out, &notes, message, sizeof message);
    assert_int_equal(remove(path), 0);
    /* What is said does not depend on the name chosen above. */
    at = strstr(message, path);
    if (at != NULL) {
        memmove(at, at + strlen(path) - 1, strlen(at + strlen(path) - 1) + 1);
        *at = 'F';
    }
    return err;
}

static void built_in_profiles_load(void **state)
{
    char name[64];
    unsigned i, field, part;

    (void)state;
    for (i = 0; profile_builtin_name(i, name, sizeof name); i++) {
        struct flue_profile profile;

        memset(&profile, 0xA5, sizeof profile);
        assert_int_equal(profile_load(name, &profile, &notes, message, sizeof message), FLUE_OK);
        assert_string_equal(message, "");
        assert_string_equal(notes.name, name);
        assert_true(notes.title[0] != '\0');
        for (field = 0; field < PROFILE_FIELDS; field++) {
            unsigned set = 0;

            for (part = 0; part < PROFILE_PARTS; part++) {
                const struct profile_note *note = &notes.note[field][part];
                uint64_t value = profile_get(&profile, field, (enum profile_part)part);

                set += note->set;
                assert_true(i == 0 || note->set || value == 0);
                assert_true(!note->set || (value >= note->low && value <= note->high && strlen(note->source) > 8));
            }
            assert_true(i == 0 ? set == 0 : set >= 1);
        }
        assert_in_range(profile.host_hz, 100000000, 10000000000);
    }
    assert_int_equal(i, 3);
}

static void none_costs_nothing(void **state)
{
    struct flue_profile profile, same;
    struct flue_price zero = {0, 0, 0, 0};
    struct flue_pcie_params pcie;

    (void)state;
    memset(&profile, 0xA5, sizeof profile);
    memset(&same, 0x5A, sizeof same);
    assert_int_equal(profile_load("none", &profile, NULL, message, sizeof message), FLUE_OK);
    flue_profile_free_of_cost(&same);
    assert_memory_equal(&profile, &same, sizeof profile);
#define FLUE_PRICE(name, side, category, title)               assert_memory_equal(&profile.name, &zero, sizeof zero);
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) assert_in_range(profile.name, minimum, maximum);
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    assert_int_equal(profile.host_hz, UINT64_C(10000000000));
    assert_int_equal(profile.moderation_ps + profile.dma_read_ps + profile.dma_write_ps + profile.doorbell_ps, 0);
    flue_profile_pcie(&profile, &pcie);
    assert_int_equal(pcie.rate_bps, UINT64_C(1000000000000));
    assert_int_equal(pcie.mps_bytes, 4096);
}

static void first_profile_is_as_published(void **state)
{
    struct flue_profile p;
    struct flue_pcie_params pcie;

    (void)state;
    assert_int_equal(profile_load("host-2021-noopt", &p, &notes, message, sizeof message), FLUE_OK);
    assert_int_equal(p.host_hz, UINT64_C(3400000000));
    assert_int_equal(p.copy_send.bus_ps_per_byte, 53);
    assert_int_equal(p.copy_receive.bus_ps_per_byte, 122);
    assert_int_equal(p.copy_send.cycles, 0);
    /* A kernel TOE, cycles per request: driver 1.28 k, TCP/IP .40 k. */
    assert_int_equal(p.chimney_send.cycles + p.chimney_send_complete.cycles + p.chimney_indicate.cycles +
                         p.chimney_return.cycles,
                     1280);
    assert_int_equal(2 * p.chimney_switch.cycles, 400);
    assert_int_equal(2 * (p.tcp_open.cycles + p.tcp_close.cycles), 62000);
    /* .42 us per connection; 67.1 Gb/s for 1,408 bytes in 42 cycles. */
    assert_int_equal(p.engine_initiate.cycles * UINT64_C(1000000000000) / p.engine_hz, 420000);
    assert_int_equal(1408 * 8 * (p.engine_hz / 1000000) / p.engine_send_data.cycles, 67047);
    assert_int_equal(p.engine_context_miss.bus_ps, 547000);
    flue_profile_pcie(&p, &pcie);
    assert_int_equal(pcie.rate_bps, UINT64_C(57880000000));
    assert_int_equal(pcie.read_ps, 547000);
    assert_int_equal(p.moderation_ps, 20000000);
    assert_int_equal(notes.note[PROFILE_FIELD_initiate][0].evidence, PROFILE_A);
    assert_int_equal(notes.note[PROFILE_FIELD_initiate][0].high, 60000);
    assert_string_equal(notes.note[PROFILE_FIELD_pcie_bps][0].unit, "Gb/s");
    assert_int_equal(notes.note[PROFILE_FIELD_pcie_bps][0].high, UINT64_C(250000000000));
}

/* Writes a random profile in full, and reads the same back. */
static void files_round_trip(void **state)
{
    static char text[65536];
    struct flue_profile wrote, read;
    uint32_t random = 12345;
    size_t used;
    unsigned field, part;

    (void)state;
    memset(&wrote, 0, sizeof wrote);
    memset(&read, 0xA5, sizeof read);
    used = (size_t)snprintf(text, sizeof text, "name: mine\ntitle: a round trip\nentries:\n");
    for (field = 0; field < PROFILE_FIELDS; field++) {
        const struct profile_field *info = profile_field(field);
        bool price = info->unit == NULL;

        used += (size_t)snprintf(text + used, sizeof text - used, "  %s:\n", info->name);
        for (part = 0; part < (price ? PROFILE_PARTS : 1u); part++) {
            uint64_t value = price ? (random = random * 1664525u + 1013904223u) : info->minimum + field;
            unsigned char *at = (unsigned char *)&wrote + info->offset;
            uint32_t narrow = (uint32_t)value;

            if (price)
                memcpy(at + part * sizeof narrow, &narrow, sizeof narrow);
            else
                memcpy(at, &value, sizeof value);
            used += (size_t)snprintf(
                text + used, sizeof text - used,
                "    - {value: %llu, unit: %s, low: %llu, high: %llu, evidence: R-2nd, source: entry %u}\n",
                (unsigned long long)value, profile_unit(field, (enum profile_part)part), (unsigned long long)value,
                (unsigned long long)value, field);
        }
    }
    assert_true(used < sizeof text);
    assert_int_equal(load_text(text, &read), FLUE_OK);
    assert_memory_equal(&wrote, &read, sizeof wrote);
    assert_string_equal(notes.name, "mine");
    assert_string_equal(notes.title, "a round trip");
    assert_int_equal(notes.note[PROFILE_FIELD_syscall][3].evidence, PROFILE_R_2ND);
    assert_string_equal(notes.note[PROFILE_FIELD_host_hz][0].source, "entry 0");
}

static void based_on_takes_the_rest(void **state)
{
    struct flue_profile base, mine;

    (void)state;
    assert_int_equal(profile_load("host-2021-noopt", &base, NULL, message, sizeof message), FLUE_OK);
    assert_int_equal(
        load_text("name: mine\ntitle: one number\nbased_on: host-2021-noopt\nentries:\n"
                  "  copy_send: {value: 0.25, unit: ns/byte, low: 0, high: 1, evidence: X, source: a run}\n"
                  "  host_hz: {value: 2.5, unit: GHz, low: 2.5, high: 2.5, evidence: X, source: a run}\n",
                  &mine),
        FLUE_OK);
    assert_int_equal(mine.copy_send.bus_ps_per_byte, 250);
    assert_int_equal(mine.host_hz, UINT64_C(2500000000));
    assert_int_equal(notes.note[PROFILE_FIELD_copy_send][PROFILE_BUS_PS_PER_BYTE].high, 1000);
    assert_string_equal(notes.name, "mine");
    mine.copy_send = base.copy_send;
    mine.host_hz = base.host_hz;
    assert_memory_equal(&mine, &base, sizeof mine);
}

#define HEAD "name: n\ntitle: t\nbased_on: none\nentries:\n"

static void bad_files_are_explained(void **state)
{
    static const struct {
        const char *text;
        flue_err err;
        const char *message;
    } cases[] = {
        {"", FLUE_EPARSE, "F:1:1: this is not a profile; it has name, title and entries"},
        {"a: [1\n", FLUE_EPARSE, "F:2:1: did not find expected ',' or ']'; correct the YAML here"},
        {"- 1\n", FLUE_EPARSE, "F:1:1: this is not a profile; it has name, title and entries"},
        {"name: n\ntitle: t\n", FLUE_EPARSE, "F:1:1: the profile has no 'entries'; add it"},
        {"nam: n\n", FLUE_EPARSE, "F:1:1: there is no key 'nam'; did you mean 'name'?"},
        {"name: n\nname: n\n", FLUE_EPARSE, "F:2:1: 'name' stands here twice; remove one"},
        {"name: n\ntitle: t\nentries:\n  host_hz: {value: 1, unit: GHz, low: 1, high: 1, evidence: A, source: s}\n",
         FLUE_EPARSE,
         "F:4:3: entry 'application_request' is missing; add it, or write `based_on: NAME` above to take it from "
         "there"},
        {HEAD "  sycall: {}\n", FLUE_EPARSE, "F:5:3: there is no key 'sycall'; did you mean 'syscall'?"},
        {HEAD "  syscall: 5\n", FLUE_EPARSE,
         "F:5:12: syscall is not an entry; write {value: , unit: , low: , high: , evidence: , source: }"},
        {HEAD "  syscall: []\n", FLUE_EPARSE, "F:5:12: syscall is empty; write one part or more"},
        {HEAD "  syscall: {value: 5, unit: cycles, low: 5, high: 5, evidence: A}\n", FLUE_EPARSE,
         "F:5:12: syscall has no 'source'; add it"},
        {HEAD "  syscall: {valu: 5}\n", FLUE_EPARSE, "F:5:13: there is no key 'valu'; did you mean 'value'?"},
        {HEAD "  syscall: {value: 5, unit: GHz, low: 5, high: 5, evidence: A, source: s}\n", FLUE_EPARSE,
         "F:5:29: unit 'GHz' does not fit syscall; write one of cycles, ps, ns, us, ps/byte, ns/byte, cycles/KiB"},
        {HEAD "  moderation_ps: {value: 5, unit: MHz, low: 5, high: 5, evidence: A, source: s}\n", FLUE_EPARSE,
         "F:5:35: unit 'MHz' does not fit moderation_ps; write one of ps, ns, us, ms"},
        {HEAD "  syscall: {value: 5.5, unit: cycles, low: 5, high: 6, evidence: A, source: s}\n", FLUE_EPARSE,
         "F:5:20: value of syscall is not a whole number of cycles; write digits, with a decimal point if need be"},
        {HEAD "  syscall: {value: -5, unit: cycles, low: 5, high: 6, evidence: A, source: s}\n", FLUE_EPARSE,
         "F:5:20: value of syscall is not a whole number of cycles; write digits, with a decimal point if need be"},
        {HEAD "  syscall: {value: 4294967296, unit: cycles, low: 5, high: 6, evidence: A, source: s}\n", FLUE_EINVAL,
         "F:5:20: value of syscall is 4294967296 cycles; write 0 to 4294967295 cycles"},
        {HEAD "  host_hz: {value: 18446744074, unit: GHz, low: 5, high: 6, evidence: A, source: s}\n", FLUE_EINVAL,
         "F:5:20: value of host_hz is 18446744074 GHz; write 100000000 to 10000000000 Hz"},
        {HEAD "  syscall: {value: 5, unit: cycles, low: 6, high: 7, evidence: A, source: s}\n", FLUE_EINVAL,
         "F:5:20: value of syscall is 5, outside low 6 .. high 7; correct one of the three"},
        {HEAD "  syscall: {value: 5, unit: cycles, low: 5, high: 5, evidence: B, source: s}\n", FLUE_EPARSE,
         "F:5:64: 'B' is not an evidence mark; write R, R-abs, R-2nd, D, X, M or A"},
        {HEAD "  syscall: {value: 5, unit: cycles, low: 5, high: 5, evidence: A, source: ''}\n", FLUE_EPARSE,
         "F:5:75: source of syscall is not a text; say where the number comes from"},
        {HEAD "  syscall:\n    - {value: 5, unit: ps, low: 5, high: 5, evidence: A, source: s}\n"
              "    - {value: 5, unit: ns, low: 5, high: 5, evidence: A, source: s}\n",
         FLUE_EPARSE, "F:7:24: syscall has two values in ps; remove one"},
        {"name: n\ntitle: t\nbased_on: nine\nentries: {}\n", FLUE_ENOENT,
         "F:3:11: based_on 'nine': there is no profile 'nine'; did you mean 'none'?"},
        {"name: n\ntitle: t\nbased_on: none\nentries: 3\n", FLUE_EPARSE,
         "F:4:10: entries is not a mapping; write `NAME: {...}` lines"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        struct flue_profile profile;

        assert_int_equal(load_text(cases[i].text, &profile), cases[i].err);
        assert_string_equal(message, cases[i].message);
    }
}

static void circles_and_missing_files(void **state)
{
    struct flue_profile profile;
    FILE *file = fopen("circle.yaml", "w");
    char shortage[24];

    (void)state;
    assert_non_null(file);
    assert_true(fputs("name: n\ntitle: t\nbased_on: ./circle.yaml\nentries: {}\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(profile_load("circle.yaml", &profile, &notes, message, sizeof message), FLUE_EPARSE);
    assert_non_null(strstr(message, "circle.yaml:3:11: based_on './circle.yaml': "));
    /* A short message buffer is filled, never passed. */
    memset(shortage, 'x', sizeof shortage);
    assert_int_equal(profile_load("circle.yaml", &profile, NULL, shortage, 20), FLUE_EPARSE);
    assert_int_equal(strlen(shortage), 19);
    assert_int_equal(shortage[20], 'x');
    assert_int_equal(remove("circle.yaml"), 0);

    assert_int_equal(profile_load("./nowhere.yaml", &profile, NULL, message, sizeof message), FLUE_ENOENT);
    assert_string_equal(message, "./nowhere.yaml:1:1: the file cannot be opened; check its name and rights");
    assert_int_equal(profile_load("host-2021-noop", &profile, NULL, message, sizeof message), FLUE_ENOENT);
    assert_string_equal(message, "there is no profile 'host-2021-noop'; did you mean 'host-2021-noopt'?");
}

static void one_number_is_set(void **state)
{
    static const struct {
        const char *name, *text;
        flue_err err;
        unsigned part;
        uint64_t value;
    } cases[] = {
        {"initiate", "60000", FLUE_OK, PROFILE_CYCLES, 60000},
        {"initiate", "3 us", FLUE_OK, PROFILE_BUS_PS, 3000000},
        {"copy_send", "100", FLUE_OK, PROFILE_BUS_PS_PER_BYTE, 100},
        {"host_hz", "2.4", FLUE_OK, 0, UINT64_C(2400000000)},
        {"host_hz", "800 MHz", FLUE_OK, 0, 800000000},
        {"moderation_ps", "0", FLUE_OK, 0, 0},
        {"moderation_ps", "2 ms", FLUE_EINVAL, 0, 0},
        {"initiate", "many", FLUE_EPARSE, 0, 0},
        {"initiate", "", FLUE_EPARSE, 0, 0},
        {"initiate", "1 GHz", FLUE_EPARSE, 0, 0},
        {"initate", "1", FLUE_ENOENT, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        struct flue_profile profile, before;
        unsigned number = profile_field_find(cases[i].name);

        assert_int_equal(profile_load("host-2021-noopt", &profile, &notes, message, sizeof message), FLUE_OK);
        before = profile;
        assert_int_equal(profile_set(&profile, &notes, cases[i].name, cases[i].text, message, sizeof message),
                         cases[i].err);
        if (cases[i].err == FLUE_OK) {
            assert_int_equal(profile_get(&profile, number, (enum profile_part)cases[i].part), cases[i].value);
            assert_int_equal(profile_field_class(&notes, number), PROFILE_ASSUMED);
        } else {
            assert_memory_equal(&profile, &before, sizeof profile);
            assert_true(message[0] != '\0');
        }
    }
}

static void captions_tell_the_evidence(void **state)
{
    struct flue_profile profile;
    char sentence[1024], cut[40];
    unsigned measured, unverified, assumed;

    (void)state;
    assert_int_equal(profile_load("host-2021-noopt", &profile, &notes, message, sizeof message), FLUE_OK);
    profile_sentence(&profile, &notes, sentence, sizeof sentence);
    assert_string_equal(
        sentence, "Costs of host-2021-noopt: 21 measured or derived; unverified: application_request, socket_call, "
                  "other_call, wakeup, interrupt, chimney_send, chimney_send_complete, chimney_indicate, "
                  "chimney_return, chimney_switch; assumed: tcp_timer, chimney_event, chimney_forward, initiate, "
                  "initiate_tree, terminate, terminate_copy, engine_ack, engine_pass, engine_request, "
                  "engine_terminate, engine_context_miss, dma_write_ps, doorbell_ps, moderation_ps");
    measured = profile_list(&profile, &notes, PROFILE_MEASURED, sentence, sizeof sentence);
    unverified = profile_list(&profile, &notes, PROFILE_UNVERIFIED, cut, sizeof cut);
    assumed = profile_list(&profile, &notes, PROFILE_ASSUMED, NULL, 0);
    assert_int_equal(measured, 21);
    assert_int_equal(unverified, 10);
    assert_int_equal(assumed, 15);
    assert_string_equal(cut, "application_request, socket_call, ...");
    assert_int_equal(profile_load("none", &profile, &notes, message, sizeof message), FLUE_OK);
    profile_sentence(&profile, &notes, sentence, sizeof sentence);
    assert_string_equal(sentence, "Costs of none: all prices are 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(built_in_profiles_load, setup, teardown),
        cmocka_unit_test_setup_teardown(none_costs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(first_profile_is_as_published, setup, teardown),
        cmocka_unit_test_setup_teardown(files_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(based_on_takes_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_files_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(circles_and_missing_files, setup, teardown),
        cmocka_unit_test_setup_teardown(one_number_is_set, setup, teardown),
        cmocka_unit_test_setup_teardown(captions_tell_the_evidence, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
