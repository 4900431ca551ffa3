/* SPDX-License-Identifier: GPL-2.0-only */
/* What the dispatcher cannot see of a target from outside - a pointer to nowhere, an error of the library's own - ends
 * here. */
#define _XOPEN_SOURCE 700 /* sigaltstack() */

#include "cli/fatal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit.h"
#include "flue/provider.h"

#define ALARMS_MOST UINT32_C(1000000) /* at one simulated instant */

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

/* ---- Alarms that hold time still */

static const struct flue_provider *counted; /* whose alarms these are */
static const char *counted_library;
static flue_ps alarms_ps;
static uint32_t alarms;

static void count_alarm(void *adapter, flue_ps now_ps)
{
    alarms = now_ps == alarms_ps ? alarms + 1 : 0;
    alarms_ps = now_ps;
    if (alarms >= ALARMS_MOST) {
        (void)fprintf(stderr,
                      "flue run: --target %.300s: its alarm came %" PRIu32 " times at the same instant, %" PRId64
                      " ps: it sets it for the present or the past\n",
                      counted_library, alarms, (int64_t)now_ps);
        (void)fflush(stderr);
        _exit(CLI_EXIT_TARGET);
    }
    counted->alarm(adapter, now_ps);
}

const struct flue_provider *fatal_count_alarms(const char *library, const struct flue_provider *provider)
{
    static struct flue_provider counting;

    alarms = 0;
    counted_library = library;
    if (provider != &counting) { /* else it is counted already: the job runs again */
        counting = *provider;
        counting.alarm = count_alarm;
        counted = provider;
    }
    return &counting;
}
