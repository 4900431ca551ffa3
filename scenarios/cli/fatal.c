/* SPDX-License-Identifier: GPL-2.0-only */
/* What the dispatcher cannot see of a target from outside - a pointer to nowhere, an error of the library's own - ends
 * here. */
#define _XOPEN_SOURCE 700 /* sigaltstack() */

#include "cli/fatal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit.h"
#include "flue/provider.h"
#include "run/policy.h"
#include "run/provider.h"
#include "run/world.h"

#define ALARMS_MOST UINT32_C(1000000) /* at one simulated instant */

static char line[1024]; /* made beforehand: a handler may not print */
static const char *fault = "";
static volatile sig_atomic_t awaited;
static const struct world_broken *first_broken;

static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

_Noreturn static void end(const char *how)
{
    say(line);
    say(how);
    if (first_broken != NULL && first_broken->rule != 0) {
        char id[] = "CH-000";

        for (unsigned rule = first_broken->rule, at = 5; at >= 3; at--, rule /= 10) {
            id[at] = (char)('0' + rule % 10);
        }
        say("; before that ");
        say(id);
        say(" was broken: ");
        say(first_broken->seen);
    }
    say("\n");
    _exit(CLI_EXIT_TARGET);
}

static void on_fatal(int number)
{
    (void)number;
    end(fault);
}

static void on_exit_of_program(void)
{
    if (awaited) {
        end("ended the program, which is not a library's to do");
    }
}

/* Signals and exit() lead to end(), which begins with `line`. */
static void await(const char *sentence)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack[64 * 1024]; /* the program's own may have run over */
    static bool registered;
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = SA_ONSTACK};

    fault = sentence;
    if (!registered) {
        registered = atexit(on_exit_of_program) == 0;
    }
    awaited = 1;
    (void)sigaltstack(&other, NULL);
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
}

void fatal_await(const char *target, const char *policy)
{
    (void)snprintf(line, sizeof line, "flue run: %s%.300s%s%s%.300s: ", target != NULL ? "--target " : "",
                   target != NULL ? target : "", target != NULL && policy != NULL ? " or " : "",
                   policy != NULL ? "--policy " : "", policy != NULL ? policy : "");
    await("brought the program down: it, or what it handed over, cannot be used");
}

void fatal_note(const struct world_broken *first, bool ns3_tcp)
{
    first_broken = first;
    if (ns3_tcp && !awaited) {
        (void)snprintf(line, sizeof line, "flue run: ns-3's TCP (client_tcp=ns3): ");
        await("brought the program down: ns-3 3.37 has not foreseen what happened here; try -s sack=no, or "
              "client_tcp=flue");
    }
}

void fatal_done(void)
{
    awaited = 0;
}

flue_err fatal_load_target(const char *path, const struct flue_provider **out, char *message, size_t room)
{
    flue_err err;

    fatal_await(path, NULL);
    err = provider_load(path, out, message, room);
    fatal_done();
    return err;
}

flue_err fatal_load_policy(const char *path, const struct flue_policy **out, char *message, size_t room)
{
    flue_err err;

    fatal_await(NULL, path);
    err = policy_load(path, out, message, room);
    fatal_done();
    return err;
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
