/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/exit.h - with what `flue` ends; one table for the program, its --help and the tests. */
#ifndef FLUE_CLI_EXIT_H
#define FLUE_CLI_EXIT_H

/* X(name, code, meaning) */
#define CLI_EXITS(X)                                                                                                   \
    X(OK, 0, "all is well")                                                                                            \
    X(CHECK, 1, "a check failed: an audit found something, or two digests differ")                                     \
    X(USAGE, 2, "the command line or a file is wrong")                                                                 \
    X(RUNS, 3, "some runs of a sweep failed")                                                                          \
    X(TARGET, 4,                                                                                                       \
      "a library given by --target or --policy, or ns-3's TCP, brought the program down or did not come back")         \
    X(IO, 5, "the database or a file could not be read or written")                                                    \
    X(TOOL, 6, "a program or library that is needed is missing (gnuplot, ns-3)")                                       \
    X(INTERRUPTED, 130, "interrupted")

enum cli_exit {
#define X(name, code, meaning) CLI_EXIT_##name = (code),
    CLI_EXITS(X)
#undef X
};

#endif
