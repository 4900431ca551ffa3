/* SPDX-License-Identifier: GPL-2.0-only */
/* The option table of every command, what getopt_long() makes of it, and what --help says of it, agree. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "support/test.h"

#define HELP_MAX 16384

/* What --help of a command prints. */
static void capture_help(const struct cli_command *command, char help[HELP_MAX])
{
    FILE *file = tmpfile();
    int kept = dup(STDOUT_FILENO);
    size_t length;

    assert_non_null(file);
    assert_true(kept >= 0);
    (void)fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    cli_print_help(command);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    rewind(file);
    length = fread(help, 1, HELP_MAX - 1, file);
    help[length] = '\0';
    (void)fclose(file);
}

/* Feeds "COMMAND word [value]" to cli_next(). */
static int feed(const struct cli_command *command, const char *word, const char *value, const char **argument)
{
    char name[64];
    char first[64];
    char second[64] = "value";
    char *argv[4] = {name, first, NULL, NULL};
    int position = 0;

    (void)snprintf(name, sizeof name, "%s", command->name);
    (void)snprintf(first, sizeof first, "%s", word);
    if (value != NULL) {
        argv[2] = second;
    }
    return cli_next(command, value != NULL ? 3 : 2, argv, &position, argument);
}

static void check_option(const struct cli_command *command, const struct cli_option *option, const char *help)
{
    const char *argument = "untouched";
    char word[64];
    char line[128];

    (void)snprintf(word, sizeof word, "--%s", option->name);
    assert_int_equal(feed(command, word, option->argument == NULL ? NULL : "value", &argument), option->id);
    if (option->argument == NULL) {
        assert_null(argument);
    } else {
        assert_string_equal(argument, "value");
        assert_int_equal(feed(command, word, NULL, &argument), CLI_BAD);
    }
    if (option->id < 256) {
        (void)snprintf(word, sizeof word, "-%c", option->id);
        assert_int_equal(feed(command, word, option->argument == NULL ? NULL : "value", &argument), option->id);
    }
    (void)snprintf(line, sizeof line, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
                   option->argument == NULL ? "" : option->argument);
    assert_non_null(strstr(help, line));
    assert_non_null(strstr(help, option->help));
}

/* Every "--word" of the help is an option of the table. */
static void check_help(const struct cli_command *command, const char *help)
{
    for (const char *at = strstr(help, "--"); at != NULL; at = strstr(at + 2, "--")) {
        size_t length = strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");
        int known = length == 4 && memcmp(at + 2, "help", 4) == 0;

        for (size_t i = 0; command->options[i].id != 0; i++) {
            known |=
                strlen(command->options[i].name) == length && memcmp(command->options[i].name, at + 2, length) == 0;
        }
        if (!known) {
            fail_msg("flue %s --help names --%.*s, which is no option", command->name, (int)length, at + 2);
        }
    }
}

static void test_agree(void **state)
{
    static char help[HELP_MAX];
    const struct command_entry *entry;
    size_t tables = 0;

    (void)state;
    for (size_t i = 0; (entry = command_entry(i)) != NULL; i++) {
        if (entry->table == NULL) {
            continue;
        }
        tables++;
        assert_string_equal(entry->name, entry->table->name);
        assert_ptr_equal(entry->run, entry->table->run);
        capture_help(entry->table, help);
        for (const struct cli_option *option = entry->table->options; option->id != 0; option++) {
            for (const struct cli_option *other = entry->table->options; other != option; other++) {
                assert_int_not_equal(option->id, other->id);
                assert_string_not_equal(option->name, other->name);
            }
            check_option(entry->table, option, help);
        }
        check_help(entry->table, help);
        assert_non_null(strstr(help, "-h, --help"));
        /* Examples come before the options. */
        assert_true(strstr(help, "Examples:") < strstr(help, "Options:"));
    }
    assert_true(tables >= 3);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        int good;
    } cases[] = {{"0", 1},
                 {"9223372036854775807", 1},
                 {"9223372036854775808", 0},
                 {"18446744073709551616", 0},
                 {"-1", 0},
                 {"", 0},
                 {"1x", 0},
                 {" 1", 0},
                 {"+1", 0}};
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(cli_parse_u64(cases[i].text, 0, INT64_MAX, &number), cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
