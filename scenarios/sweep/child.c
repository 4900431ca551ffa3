/* SPDX-License-Identifier: GPL-2.0-only */
/* One run as a process: its command line, its pipes, its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run/stored.h"
#include "run/text.h"
#include "store/run_text.h"
#include "sweep/private.h"

/* wait4() is older than POSIX and outside of it. */
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage);

#define RECORD_MAX ((size_t)1 << 30)
#define ARGS_MAX   256

double sweep_now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A command line being made: words for exec, and the same for people. */
struct command {
    char *words[ARGS_MAX];
    size_t count;
    struct text shown;
    bool failed;
};

static void add_word(struct command *command, const char *word)
{
    bool plain = word[0] != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                 "_-./=%:,+@") == strlen(word);
    size_t length = strlen(word);

    if (command->count + 1 >= ARGS_MAX || (command->words[command->count] = malloc(length + 1)) == NULL) {
        command->failed = true;
        return;
    }
    memcpy(command->words[command->count], word, length + 1);
    text_add(&command->shown, "%s", command->count > 0 ? " " : "");
    if (plain) {
        text_add(&command->shown, "%s", word);
    } else {
        text_add(&command->shown, "'");
        for (const char *c = word; *c != '\0'; c++) {
            text_add(&command->shown, *c == '\'' ? "'\\''" : "%c", *c);
        }
        text_add(&command->shown, "'");
    }
    command->count++;
}

static void free_command(struct command *command)
{
    for (size_t i = 0; i < command->count; i++) {
        free(command->words[i]);
    }
    text_free(&command->shown);
}

static void make_command(struct command *command, const struct sweep *sweep, uint64_t run)
{
    const struct sweep_point *point = &sweep->points[run % sweep->count];
    char word[FLUE_TEXT_MAX + 64];

    *command = (struct command){.count = 0};
    add_word(command, "flue");
    add_word(command, "run");
    add_word(command, sweep->scenario_name);
    for (size_t i = 0; i < params_count(); i++) {
        const struct param_info *param = params_at(i);
        char mine[FLUE_TEXT_MAX];
        params_format(param, &point->scenario, mine, sizeof mine);
        if (!params_is_initial(&point->scenario, param) || !params_is_initial(&sweep->base.scenario, param)) {
            (void)snprintf(word, sizeof word, "%s=%s", param->name, mine);
            add_word(command, "-s");
            add_word(command, word);
        }
    }
    (void)snprintf(word, sizeof word, "--seed=%llu", (unsigned long long)point->scenario.seed);
    add_word(command, word);
    (void)snprintf(word, sizeof word, "--rng-run=%llu", (unsigned long long)(run / sweep->count + 1));
    add_word(command, word);
    (void)snprintf(word, sizeof word, "--net=%s", params_net_name(point->scenario.net));
    add_word(command, word);
    command->failed = command->failed || command->shown.failed;
}

/* Between fork and exec: only what is safe there.  Ctrl-C on the terminal is for the sweep, not for its runs; if the
 * sweep dies, its runs die. */
static void become(const char *program, char **words, int out, int err, pid_t parent)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127);
    }
    int in = open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
        _exit(127);
    }
    execv(program, words);
    static const char words_of_failure[] = "the program could not be started again\n";
    (void)!write(2, words_of_failure, sizeof words_of_failure - 1);
    _exit(127);
}

static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return true;
}

flue_err child_start(struct child *child, const struct sweep *sweep, const char *program, uint64_t run, char *message,
                     size_t room)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    struct command command;
    pid_t parent = getpid();

    make_command(&command, sweep, run);
    *child = (struct child){.out = -1, .err = -1, .run = run};
    child->argv = command.failed ? NULL : malloc(command.shown.length + 1);
    if (child->argv == NULL) {
        free_command(&command);
        (void)snprintf(message, room, "memory ran out");
        return FLUE_ENOMEM;
    }
    memcpy(child->argv, text_chars(&command.shown), command.shown.length + 1);
    /* Not part of what a person would type. */
    add_word(&command, "--record=-");
    child->started_s = sweep_now_s();
    child->started_unix_s = (int64_t)time(NULL);
    if (make_pipe(out) && make_pipe(err)) {
        (void)fflush(NULL);
        child->pid = fork();
    }
    if (child->pid == 0 && err[1] >= 0) {
        become(program, command.words, out[1], err[1], parent);
    }
    free_command(&command);
    if (out[1] >= 0) {
        (void)close(out[1]);
    }
    if (err[1] >= 0) {
        (void)close(err[1]);
    }
    if (child->pid <= 0) {
        (void)snprintf(message, room, "no process could be made: %s", strerror(errno));
        for (int i = 0; i < 2; i++) {
            int fd = i == 0 ? out[0] : err[0];
            if (fd >= 0) {
                (void)close(fd);
            }
        }
        free(child->argv);
        *child = (struct child){.out = -1, .err = -1};
        return FLUE_EIO;
    }
    child->out = out[0];
    child->err = err[0];
    return FLUE_OK;
}

static void keep_record(struct child *child, const char *bytes, size_t count)
{
    if (child->overflowed) {
        return;
    }
    if (child->record_bytes + count > child->record_room) {
        size_t room = (child->record_bytes + count) * 2;
        char *more = room <= RECORD_MAX ? realloc(child->record, room) : NULL;
        if (more == NULL) {
            child->overflowed = true;
            return;
        }
        child->record = more;
        child->record_room = room;
    }
    memcpy(child->record + child->record_bytes, bytes, count);
    child->record_bytes += count;
}

static void keep_tail(struct child *child, const char *bytes, size_t count)
{
    size_t room = sizeof child->tail - 1;

    if (count >= room) {
        bytes += count - room;
        count = room;
    }
    if (child->tail_bytes + count > room) {
        size_t drop = child->tail_bytes + count - room;
        memmove(child->tail, child->tail + drop, child->tail_bytes - drop);
        child->tail_bytes -= drop;
    }
    memcpy(child->tail + child->tail_bytes, bytes, count);
    child->tail_bytes += count;
    child->tail[child->tail_bytes] = '\0';
}

static void drain(struct child *child, int *fd, void (*keep)(struct child *, const char *, size_t))
{
    char bytes[65536];
    ssize_t got;

    while (*fd >= 0) {
        got = read(*fd, bytes, sizeof bytes);
        if (got > 0) {
            keep(child, bytes, (size_t)got);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        } else {
            (void)close(*fd);
            *fd = -1;
        }
    }
}

void child_read(struct child *child)
{
    drain(child, &child->out, keep_record);
    drain(child, &child->err, keep_tail);
}

void child_kill(struct child *child)
{
    if (child->pid > 0) {
        (void)kill(child->pid, SIGKILL);
    }
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* How a run ended, from how its process ended and whether its record is whole. */
static enum store_status judge(const struct child *child, int status, bool whole, enum store_status recorded)
{
    if (child->timed_out) {
        return STORE_TIMEOUT;
    }
    if (child->stopped) {
        return STORE_KILLED;
    }
    if (WIFSIGNALED(status)) {
        return STORE_CRASHED;
    }
    if (WEXITSTATUS(status) == 0) {
        return whole ? recorded : STORE_CRASHED;
    }
    return STORE_FAILED;
}

static flue_err keep_run(struct child *child, const struct sweep *sweep, struct store *store, int status,
                         const struct rusage *usage, enum store_status *how, char *message, size_t room)
{
    const struct sweep_point *point = &sweep->points[child->run % sweep->count];
    struct stored_config config;
    struct run_text record;
    char host[256] = "", why[256] = "";
    bool whole;
    flue_err err = stored_config_make(&config, &sweep->base, &point->scenario, message, room);
    struct store_run run = {
        .build = store_build_here(NULL),
        .seed = point->scenario.seed,
        .rng_run = child->run / sweep->count + 1,
        .net = params_net_name(point->scenario.net),
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .host = host,
        .argv = child->argv,
        .started_unix_s = child->started_unix_s,
        .wall_s = sweep_now_s() - child->started_s,
        .cpu_s = seconds_of(&usage->ru_utime) + seconds_of(&usage->ru_stime),
        .max_rss_kib = usage->ru_maxrss,
    };

    if (err != FLUE_OK) {
        return err;
    }
    (void)gethostname(host, sizeof host - 1);
    whole = !child->overflowed && run_text_parse(child->record != NULL ? child->record : "", child->record_bytes,
                                                 &record, why, sizeof why) == FLUE_OK;
    *how = judge(child, status, whole, whole ? record.status : STORE_CRASHED);
    if (whole && (*how == STORE_DONE || *how == STORE_FAILED)) {
        run_text_fill(&record, &run);
    } else if (*how == STORE_CRASHED && child->tail_bytes == 0) {
        keep_tail(child, why, strlen(why));
    }
    run.config = config.config;
    run.status = *how;
    run.stderr_tail = child->tail_bytes > 0 ? child->tail : NULL;
    err = store_run(store, &run, NULL, message, room);
    /* Somebody else was faster: with the same result, which is as good. */
    err = err == FLUE_EEXIST ? FLUE_OK : err;
    /* For the line about this run, if it said nothing itself. */
    if (child->tail_bytes == 0 && *how == STORE_TIMEOUT) {
        static const char words[] = "it took longer than limits: wall allows";
        keep_tail(child, words, sizeof words - 1);
    } else if (child->tail_bytes == 0 && whole && record.finding_count > 0) {
        keep_tail(child, record.findings[0], strlen(record.findings[0]));
    }
    if (whole) {
        run_text_free(&record);
    }
    stored_config_free(&config);
    return err;
}

bool child_reap(struct child *child, const struct sweep *sweep, struct store *store, enum store_status *status,
                flue_err *err, char *message, size_t room)
{
    struct rusage usage;
    int how = 0;
    pid_t got = wait4(child->pid, &how, WNOHANG, &usage);

    if (got == 0 || (got < 0 && errno == EINTR)) {
        return false;
    }
    child_read(child);
    *status = STORE_CRASHED;
    *err = keep_run(child, sweep, store, how, &usage, status, message, room);
    free(child->record);
    child->record = NULL;
    child->pid = 0;
    if (child->out >= 0) {
        (void)close(child->out);
    }
    if (child->err >= 0) {
        (void)close(child->err);
    }
    return true;
}
