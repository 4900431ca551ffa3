/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads options by a command's table, and prints that table as help. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "run/text.h"

#define OPTIONS_MAX 40u
#define MESSAGE_MAX 8192

static const struct cli_option help_option = {'h', "help", NULL, "this help"};

const char *cli_called_as(void)
{
    const char *name = getenv("FLUE_CALLED_AS");

    return name != NULL && name[0] != '\0' ? name : "flue";
}

bool cli_is_plain(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0') {
            return strstr(value, "UTF-8") == NULL && strstr(value, "utf8") == NULL;
        }
    }
    return true;
}

/* Whether the text goes on with one of the words that follow the program's name on a command line. */
static bool begins_with_command(const char *text)
{
    static const char *const words[] = {"--help", "--version", "COMMAND"};
    size_t length = strcspn(text, " \n,;:\"'`");
    const struct command_entry *entry;

    for (size_t i = 0; (entry = command_entry(i)) != NULL; i++) {
        if (strlen(entry->name) == length && strncmp(text, entry->name, length) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == length && strncmp(text, words[i], length) == 0) {
            return true;
        }
    }
    return false;
}

void cli_put(FILE *out, const char *text)
{
    const char *at;

    for (; (at = strstr(text, "flue ")) != NULL; text = at + 4) {
        bool word = at == text || strchr(" \n\"'`(", at[-1]) != NULL;
        bool ours = word && begins_with_command(at + 5);

        (void)fwrite(text, 1, (size_t)(at - text), out);
        (void)fputs(ours ? cli_called_as() : "flue", out);
    }
    (void)fputs(text, out);
}

int cli_fail(const char *command, int code, const char *format, ...)
{
    char line[MESSAGE_MAX];
    va_list arguments;

    (void)fflush(stdout);
    (void)fprintf(stderr, "flue%s%s: ", command[0] == '\0' ? "" : " ", command);
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    cli_put(stderr, line);
    (void)fputc('\n', stderr);
    return code;
}

static int code_of(flue_err err)
{
    switch (err) {
    case FLUE_OK:
        return CLI_EXIT_OK;
    case FLUE_EINVAL:
    case FLUE_ENOENT:
    case FLUE_EEXIST:
    case FLUE_EPARSE:
        return CLI_EXIT_USAGE;
    case FLUE_ETOOL:
        return CLI_EXIT_TOOL;
    case FLUE_ESTATE:
        return CLI_EXIT_CHECK;
    case FLUE_ENOMEM:
    case FLUE_EIO:
    case FLUE_EFOREIGN:
        break;
    }
    return CLI_EXIT_IO;
}

int cli_fail_err(const char *command, flue_err err, const char *message)
{
    bool said = message != NULL && message[0] != '\0';

    return cli_fail(command, code_of(err), "%s", said ? message : flue_err_sentence(err));
}

bool cli_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *out)
{
    unsigned long long number;
    char *end;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < minimum || number > maximum) {
        return false;
    }
    *out = number;
    return true;
}

static size_t count_options(const struct cli_option *options)
{
    size_t count = 0;

    while (options[count].id != 0) {
        count++;
    }
    return count;
}

/* The two forms getopt_long() wants; `help` comes last. */
static void fill(const struct cli_command *command, struct option *longs, char *shorts)
{
    size_t count = count_options(command->options);
    char *at = shorts;

    *at++ = ':'; /* a missing argument is told apart from an unknown option */
    for (size_t i = 0; i <= count; i++) {
        const struct cli_option *option = i < count ? &command->options[i] : &help_option;

        longs[i] = (struct option){.name = option->name,
                                   .has_arg = option->argument == NULL ? no_argument : required_argument,
                                   .val = option->id};
        if (option->id < 256) {
            *at++ = (char)option->id;
            if (option->argument != NULL) {
                *at++ = ':';
            }
        }
    }
    longs[count + 1] = (struct option){.name = NULL};
    *at = '\0';
}

static const struct cli_option *option_of(const struct cli_command *command, int id)
{
    for (size_t i = 0; command->options[i].id != 0; i++) {
        if (command->options[i].id == id) {
            return &command->options[i];
        }
    }
    return &help_option;
}

static bool has_option(const struct cli_command *command, int id)
{
    return id == help_option.id || option_of(command, id) != &help_option;
}

/* What getopt_long() did not understand: optopt is 0 for an unknown long option, the id of a long option with a value
 * that it does not take, or an unknown letter.  `word` is the argument a long option stands in. */
static int refuse_unknown(const struct cli_command *command, const char *word)
{
    const char *names[OPTIONS_MAX + 1];
    size_t count = count_options(command->options);
    const char *nearest;
    char bare[64];

    if (optopt != 0 && has_option(command, optopt)) {
        (void)cli_fail(command->name, CLI_EXIT_USAGE, "--%s takes no value; write --%s",
                       option_of(command, optopt)->name, option_of(command, optopt)->name);
        return CLI_BAD;
    }
    if (optopt != 0) {
        (void)cli_fail(command->name, CLI_EXIT_USAGE, "unknown option -%c; see: flue %s --help", optopt, command->name);
        return CLI_BAD;
    }
    (void)snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < count; i++) {
        names[i] = command->options[i].name;
    }
    names[count++] = help_option.name;
    nearest = text_nearest(bare, names, count);
    if (nearest != NULL) {
        (void)cli_fail(command->name, CLI_EXIT_USAGE, "unknown option --%s; did you mean --%s?", bare, nearest);
    } else {
        (void)cli_fail(command->name, CLI_EXIT_USAGE, "unknown option --%s; see: flue %s --help", bare, command->name);
    }
    return CLI_BAD;
}

int cli_next(const struct cli_command *command, int argc, char **argv, int *first, const char **argument)
{
    struct option longs[OPTIONS_MAX + 2];
    char shorts[2 * OPTIONS_MAX + 4];
    const struct cli_option *option;
    int id;

    if (count_options(command->options) > OPTIONS_MAX) {
        abort(); /* only a table that has outgrown this file */
    }
    fill(command, longs, shorts);
    if (*first == 0) {
        optind = 0; /* makes glibc's getopt_long() begin anew */
    }
    opterr = 0;
    id = getopt_long(argc, argv, shorts, longs, NULL);
    *first = optind;
    *argument = optarg;
    if (id == -1) {
        return CLI_END;
    }
    if (id == '?') {
        return refuse_unknown(command, argv[optind - 1]);
    }
    if (id == ':') {
        option = option_of(command, optopt);
        (void)cli_fail(command->name, CLI_EXIT_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                       option->argument == NULL ? "" : option->argument);
        return CLI_BAD;
    }
    if (id == 'h') {
        cli_print_help(command);
        return CLI_HELP;
    }
    return id;
}

int cli_exit_of(int result)
{
    return result == CLI_BAD ? CLI_EXIT_USAGE : CLI_EXIT_OK;
}

static void print_option(const struct cli_option *option)
{
    char left[64];

    if (option->id < 256) {
        (void)snprintf(left, sizeof left, "-%c, --%s%s%s", option->id, option->name,
                       option->argument == NULL ? "" : " ", option->argument == NULL ? "" : option->argument);
    } else {
        (void)snprintf(left, sizeof left, "    --%s%s%s", option->name, option->argument == NULL ? "" : " ",
                       option->argument == NULL ? "" : option->argument);
    }
    (void)printf("  %-24s %s\n", left, option->help);
}

void cli_print_help(const struct cli_command *command)
{
    (void)printf("%s\n\nExamples:\n", command->summary);
    cli_put(stdout, command->examples);
    (void)printf("\nUsage: ");
    cli_put(stdout, command->usage);
    (void)printf("\n\nOptions:\n");
    for (size_t i = 0; command->options[i].id != 0; i++) {
        print_option(&command->options[i]);
    }
    print_option(&help_option);
    if (command->notes != NULL) {
        (void)fputc('\n', stdout);
        cli_put(stdout, command->notes);
    }
}
