/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/commands.h - the commands of `flue`: a file each. */
#ifndef FLUE_CLI_COMMANDS_H
#define FLUE_CLI_COMMANDS_H

#include <stddef.h>

struct cli_command;

/* Each gets argv[0] = its name and returns an exit code of cli/exit.h. */
int command_run(int argc, char **argv);
int command_list(int argc, char **argv);
int command_show(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_db(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_explore(int argc, char **argv);

extern const struct cli_command command_run_table;
extern const struct cli_command command_list_table;
extern const struct cli_command command_show_table;
extern const struct cli_command command_explore_table;

/* One line of `flue --help`. */
struct command_entry {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
    const struct cli_command *table; /* NULL: the command reads its options itself */
};

/* In the order of --help; NULL past the end. */
const struct command_entry *command_entry(size_t index);

/* The whole of `flue ARGS`; argv[0] is the program. */
int command_main(int argc, char **argv);

/* `flue --version` */
void command_print_version(void);

#endif
