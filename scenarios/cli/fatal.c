/* SPDX-License-Identifier: GPL-2.0-only */
/* What the dispatcher cannot see of a target from outside - a pointer to nowhere, an error of the library's own - ends
 * here. */
#define _XOPEN_SOURCE 700 /* sigaltstack() */

#include "cli/fatal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit.h"

static char line[512]; /* made beforehand: a handler may not print */
static size_t line_bytes;

static void on_fatal(int number)
{
    (void)number;
    (void)!write(STDERR_FILENO, line, line_bytes);
    _exit(CLI_EXIT_TARGET);
}

void fatal_await(const char *library)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack[64 * 1024]; /* the program's own may have run over */
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = SA_ONSTACK};

    (void)snprintf(line, sizeof line,
                   "flue run: --target %.300s: brought the program down: it, or what it handed over, cannot be used\n",
                   library);
    line_bytes = strlen(line);
    (void)sigaltstack(&other, NULL);
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
}
