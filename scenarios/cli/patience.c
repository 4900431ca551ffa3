/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of a library from outside, watched by a timer of processor time.
 *
 * The calls that this program makes of a target or a policy are marked when they begin and end.  Handlers of a target
 * are called by the dispatcher, which knows nothing of this: there the timer looks whether it interrupted the library's
 * own code while nothing that is marked began or ended. */
#define _GNU_SOURCE /* dl_iterate_phdr(), REG_RIP */

#include "cli/patience.h"

#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/fatal.h"
#include "flue/policy.h"
#include "flue/provider.h"

enum { TICKS = 10, SECONDS = 10, SECONDS_MOST = 3600 };

struct watched {
    const char *option, *path, *unmarked; /* unmarked: what of it is called without a mark; NULL: nothing */
    uintptr_t from, to;                   /* its code; 0: not known */
};

static struct watched target = {.option = "--target", .unmarked = "a handler that the dispatcher calls"};
static struct watched policy = {.option = "--policy"};
static const struct flue_provider *real_target;
static const struct flue_policy *real_policy;
static struct watched *volatile inside; /* whose call runs; NULL: none that is marked */
static const char *volatile call;
static volatile sig_atomic_t marks;
static unsigned limit_s;

/* ---- In the handler: nothing but write() and _exit() */

static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void give_up(const struct watched *whose, const char *which)
{
    char seconds[8] = {0};
    unsigned at = sizeof seconds - 1;

    for (unsigned left = limit_s; left > 0; left /= 10) {
        seconds[--at] = (char)('0' + left % 10);
    }
    say("flue run: ");
    say(whose->option);
    say(" ");
    say(whose->path);
    say(": ");
    say(which);
    say(" did not come back within ");
    say(seconds + at);
    say(" s of processor time\n");
    _exit(CLI_EXIT_TARGET);
}

static uintptr_t interrupted_at(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void on_tick(int number, siginfo_t *info, void *context)
{
    static sig_atomic_t seen;
    static unsigned ticks, met;
    const uintptr_t at = interrupted_at(context);

    (void)number, (void)info;
    if (marks != seen) {
        seen = marks;
        ticks = met = 0;
    }
    met += at >= target.from && at < target.to;
    if (++ticks <= TICKS) {
        return;
    }
    if (inside != NULL) {
        give_up(inside, call);
    } else if (met > TICKS / 2) {
        give_up(&target, target.unmarked);
    }
}

/* ---- The library's calls */

static void enter(struct watched *whose, const char *which)
{
    call = which;
    inside = whose;
    marks++;
}

static void leave(void)
{
    inside = NULL;
    marks++;
}

static flue_err watched_create(const struct flue_provider_world *world, void **adapter, NDIS_HANDLE *miniport)
{
    flue_err err;

    enter(&target, "create()");
    err = real_target->create(world, adapter, miniport);
    leave();
    return err;
}

static void watched_receive(void *adapter, const struct flue_frame *frame, flue_ps now_ps)
{
    enter(&target, "receive()");
    real_target->receive(adapter, frame, now_ps);
    leave();
}

static void watched_alarm(void *adapter, flue_ps now_ps)
{
    enter(&target, "alarm()");
    real_target->alarm(adapter, now_ps);
    leave();
}

static uint64_t watched_objects_live(const void *adapter)
{
    uint64_t live;

    enter(&target, "objects_live()");
    live = real_target->objects_live(adapter);
    leave();
    return live;
}

static void watched_destroy(void *adapter)
{
    enter(&target, "destroy()");
    real_target->destroy(adapter);
    leave();
}

static struct flue_verdict watched_decide(const struct flue_policy_params *params,
                                          const struct flue_policy_facts *facts)
{
    struct watched *const outer = inside;
    const char *const outer_call = call;
    struct flue_verdict verdict;

    enter(&policy, "decide()");
    verdict = real_policy->decide(params, facts);
    enter(outer, outer_call); /* a target may be on the stack */
    return verdict;
}

static uint64_t watched_value(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    struct watched *const outer = inside;
    const char *const outer_call = call;
    uint64_t value;

    enter(&policy, "value()");
    value = real_policy->value(params, facts);
    enter(outer, outer_call);
    return value;
}

/* ---- Which */

struct search {
    uintptr_t within;
    struct watched *found;
};

static int look_at(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    const struct search *search = arg;

    (void)bytes;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t from = (uintptr_t)(info->dlpi_addr + part->p_vaddr), to = from + (uintptr_t)part->p_memsz;

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0 && search->within >= from && search->within < to) {
            search->found->from = from;
            search->found->to = to;
            return 1;
        }
    }
    return 0;
}

static const struct flue_provider *with_target(const char *library, const struct flue_provider *provider)
{
    static struct flue_provider watching;
    struct search search = {.found = &target};

    target.path = library;
    if (provider == &watching) {
        real_target = fatal_count_alarms(library, real_target); /* the job runs again */
        return provider;
    }
    memcpy(&search.within, &provider->receive, sizeof search.within);
    (void)dl_iterate_phdr(look_at, &search);
    real_target = fatal_count_alarms(library, provider);
    watching = *provider;
    watching.create = watched_create;
    watching.receive = watched_receive;
    watching.alarm = watched_alarm;
    watching.objects_live = watched_objects_live;
    watching.destroy = watched_destroy;
    return &watching;
}

static const struct flue_policy *with_policy(const char *library, const struct flue_policy *asked)
{
    static struct flue_policy watching;

    policy.path = library;
    if (asked == &watching) {
        return asked;
    }
    real_policy = asked;
    watching = *asked;
    watching.decide = watched_decide;
    watching.value = asked->value != NULL ? watched_value : NULL;
    return &watching;
}

/* ---- When */

static void set_timer(unsigned tick_ms)
{
    const struct timeval tick = {.tv_sec = tick_ms / 1000, .tv_usec = (suseconds_t)(tick_ms % 1000) * 1000};
    const struct itimerval timer = {.it_interval = tick, .it_value = tick};

    (void)setitimer(ITIMER_PROF, &timer, NULL);
}

static unsigned limit(void)
{
    const char *word = getenv("FLUE_CALL_SECONDS");
    char *end = NULL;
    const unsigned long seconds = word == NULL ? SECONDS : strtoul(word, &end, 10);

    return word != NULL && (end == word || *end != '\0' || seconds > SECONDS_MOST) ? SECONDS : (unsigned)seconds;
}

void patience_begin(const char *target_library, const struct flue_provider **provider, const char *policy_library,
                    const struct flue_policy **asked)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

    if (*provider != NULL || *asked != NULL) {
        fatal_await(*provider != NULL ? target_library : NULL, *asked != NULL ? policy_library : NULL);
    }
    if (*provider != NULL) {
        *provider = with_target(target_library, *provider);
    }
    if (*asked != NULL) {
        *asked = with_policy(policy_library, *asked);
    }
    limit_s = *provider != NULL || *asked != NULL ? limit() : 0;
    if (limit_s > 0) {
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(SIGPROF, &action, NULL);
        set_timer(limit_s * 1000 / TICKS);
    }
}

void patience_end(void)
{
    set_timer(0);
    fatal_done();
}
