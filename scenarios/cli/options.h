/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/options.h - a command's options: one table drives getopt_long and --help.
 *
 * A command file holds a `const struct cli_command`, and its function reads the command line with cli_next(). */
#ifndef FLUE_CLI_OPTIONS_H
#define FLUE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/exit.h"
#include "flue/base.h"

#if defined(__GNUC__)
#define CLI_PRINTF(form, arguments) __attribute__((format(printf, form, arguments)))
#else
#define CLI_PRINTF(form, arguments)
#endif

/* One option.  id is its short letter, or a number from 256 on if it has none. */
struct cli_option {
    int id;
    const char *name;     /* long form, without -- */
    const char *argument; /* what stands for its argument in --help; NULL: it takes none */
    const char *help;
};

struct cli_command {
    const char *name;                  /* "run" */
    const char *summary;               /* one line of `flue --help` */
    const char *usage;                 /* "flue run SCENARIO [options]" */
    const char *examples;              /* lines, each ending in \n; shown first */
    const char *notes;                 /* lines, shown last; may be NULL */
    const struct cli_option *options;  /* ends with id 0; -h, --help is always there and not in it */
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns an exit code */
};

/* Results of cli_next() beside the ids of options. */
#define CLI_END  0    /* no more options: the operands are argv[*first] .. argv[argc - 1] */
#define CLI_HELP (-1) /* --help was asked for and printed: return CLI_EXIT_OK */
#define CLI_BAD  (-2) /* wrong, and said so: return CLI_EXIT_USAGE */

/* The next option and its argument (NULL if it takes none).  Call with *first = 0 the first time. */
int cli_next(const struct cli_command *command, int argc, char **argv, int *first, const char **argument);

/* How the program was called, as people can type it: $FLUE_CALLED_AS, or "flue". */
const char *cli_called_as(void);

/* Box-drawing characters would not show on this terminal. */
bool cli_is_plain(void);

/* Prints a text.  Every command line in it, "flue" and one of the commands, begins as the program was called. */
void cli_put(FILE *out, const char *text);

/* What cli_next() ended with, as an exit code. */
int cli_exit_of(int result);

/* Prints the help of a command to stdout. */
void cli_print_help(const struct cli_command *command);

/* One line on stderr: "flue run: " and the message.  Always returns `code`. */
int cli_fail(const char *command, int code, const char *format, ...) CLI_PRINTF(3, 4);

/* As cli_fail() for a flue_err: the exit code that fits it.  A message of its own, or NULL for the error's sentence. */
int cli_fail_err(const char *command, flue_err err, const char *message);

/* A whole number from minimum to maximum, or false. */
bool cli_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *out);

#endif
