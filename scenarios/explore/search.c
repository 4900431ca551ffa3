/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/search.c - every order of events, the shorter ones first.
 *
 * The states that are known make a tree, each under the shortest order that led to it.  Each round goes through the
 * tree depth first, with a copy of the world for every step of the way, and adds one layer of new states below the
 * last.  A state whose digest is known already is not looked at again. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "explore/world.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define PATIENCE_S 5

struct node {
    uint32_t child, sibling; /* 0: none */
    uint8_t step;            /* connection * EXPLORE_EVENTS + event */
    uint8_t bad;             /* the order ends here */
};

struct search {
    const struct explore_params *params;
    struct explore_result *result;
    struct world *world;
    void *copies[EXPLORE_DEPTH_MOST + 1];
    size_t room[EXPLORE_DEPTH_MOST + 1];
    uint8_t way[EXPLORE_DEPTH_MOST];
    struct node *nodes;
    uint32_t count, capacity;
    uint64_t *seen;
    size_t seen_mask, seen_count;
    FILE *words; /* what an assertion says */
    int stderr_fd;
    flue_err err;
    bool over;
};

/* ---- What breaks ---- */

/* An assertion of the program, or a loop without an end, is a verdict on the order that led to it; the world as it is
 * then is thrown away. */
static sigjmp_buf way_out;

static void on_signal(int number)
{
    siglongjmp(way_out, number);
}

static const int signals[] = {SIGABRT, SIGSEGV, SIGVTALRM};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static void catch_signals(struct sigaction old[SIGNALS])
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};

    (void)sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &action, &old[i]);
    }
}

static void let_signals_be(const struct sigaction old[SIGNALS])
{
    for (unsigned i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &old[i], NULL);
    }
}

static void patience(int seconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = seconds}};

    (void)setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

/* What was written to the error stream since the last look, one line of it. */
static void take_words(struct search *search, char *out, size_t room)
{
    size_t length;

    (void)fflush(stderr);
    rewind(search->words);
    length = fread(out, 1, room - 1, search->words);
    out[length] = '\0';
    out[strcspn(out, "\n")] = '\0';
    rewind(search->words);
    (void)!ftruncate(fileno(search->words), 0);
    (void)lseek(STDERR_FILENO, 0, SEEK_SET);
}

static void tell_broken(struct search *search, int number)
{
    char words[200];
    const char *said;

    take_words(search, words, sizeof words);
    said = strstr(words, "Assertion"); /* without the name of the program and where it lies */
    world_tell(search->world, number == SIGVTALRM ? EXPLORE_DEADLOCK : EXPLORE_BROKEN, "%s",
               number == SIGVTALRM ? "it never stops working at one thing"
               : said != NULL      ? said
               : number == SIGABRT ? "it stopped itself"
                                   : "it used memory that is not its own");
}

static bool step_once(struct search *search, unsigned number)
{
    const int broken = sigsetjmp(way_out, 0);

    if (broken != 0) {
        tell_broken(search, broken);
        return true;
    }
    return world_step(search->world, number / EXPLORE_EVENTS, (enum explore_event)(number % EXPLORE_EVENTS));
}

static void end_once(struct search *search)
{
    const int broken = sigsetjmp(way_out, 0);

    if (broken != 0) {
        tell_broken(search, broken);
    } else {
        world_end(search->world);
    }
}

/* ---- States that were seen ---- */

static flue_err widen(struct search *search)
{
    const size_t mask = search->seen == NULL ? 4095 : search->seen_mask * 2 + 1;
    uint64_t *wider = calloc(mask + 1, sizeof *wider);

    if (wider == NULL) {
        return FLUE_ENOMEM;
    }
    for (size_t i = 0; search->seen != NULL && i <= search->seen_mask; i++) {
        size_t slot = search->seen[i] & mask;

        while (search->seen[i] != 0 && wider[slot] != 0) {
            slot = (slot + 1) & mask;
        }
        if (search->seen[i] != 0) {
            wider[slot] = search->seen[i];
        }
    }
    free(search->seen);
    search->seen = wider;
    search->seen_mask = mask;
    return FLUE_OK;
}

/* True: it is new, and now known. */
static bool is_new(struct search *search, uint64_t digest)
{
    size_t slot;

    digest += digest == 0;
    if (search->seen_count * 2 >= search->seen_mask) {
        search->err = widen(search);
        if (search->err != FLUE_OK) {
            return false;
        }
    }
    for (slot = digest & search->seen_mask; search->seen[slot] != 0; slot = (slot + 1) & search->seen_mask) {
        if (search->seen[slot] == digest) {
            return false;
        }
    }
    search->seen[slot] = digest;
    search->seen_count++;
    return true;
}

static uint32_t new_node(struct search *search, unsigned step)
{
    if (search->count == search->capacity) {
        const uint32_t capacity = search->capacity == 0 ? 4096 : search->capacity * 2;
        struct node *nodes = realloc(search->nodes, capacity * sizeof *nodes);

        if (nodes == NULL) {
            search->err = FLUE_ENOMEM;
            return 0;
        }
        search->nodes = nodes;
        search->capacity = capacity;
    }
    search->nodes[search->count] = (struct node){.step = (uint8_t)step};
    return search->count++;
}

/* ---- The tree ---- */

static void save(struct search *search, unsigned depth)
{
    const size_t bytes = world_bytes(search->world);

    if (search->room[depth] < bytes) {
        free(search->copies[depth]);
        search->room[depth] = bytes + bytes / 2;
        search->copies[depth] = malloc(search->room[depth]);
        if (search->copies[depth] == NULL) {
            search->room[depth] = 0;
            search->err = FLUE_ENOMEM;
            return;
        }
    }
    world_save(search->copies[depth], search->world);
}

static void note(struct search *search, unsigned depth)
{
    struct explore_result *result = search->result;
    const struct world *world = search->world;
    const unsigned verdict = world->verdict;
    struct explore_order *order = &result->found[verdict];

    if (verdict == EXPLORE_HARMLESS || result->has[verdict]) {
        return;
    }
    result->has[verdict] = true;
    if (verdict > (unsigned)result->verdict) {
        result->verdict = (enum explore_verdict)verdict;
    }
    order->length = depth;
    for (unsigned i = 0; i < depth; i++) {
        order->steps[i] = (struct explore_step){.event = (uint8_t)(search->way[i] % EXPLORE_EVENTS),
                                                .connection = (uint8_t)(search->way[i] / EXPLORE_EVENTS)};
    }
    memcpy(order->sentence, world->sentence, sizeof order->sentence);
    /* The worst is known: nothing can be added.  Without a rule left out the first is enough. */
    search->over = search->params->without == 0 || verdict == EXPLORE_BYTES;
}

/* A new layer below the state that copies[depth] holds, and the world is in. */
static void expand(struct search *search, uint32_t parent, unsigned depth)
{
    const unsigned numbers = search->params->connections * EXPLORE_EVENTS;
    bool dirty = false;

    for (unsigned number = 0; number < numbers && !search->over && search->err == FLUE_OK; number++) {
        uint32_t child;

        if (dirty) {
            world_return(search->world, search->copies[depth]);
            dirty = false;
        }
        patience(PATIENCE_S);
        if (!step_once(search, number)) {
            continue;
        }
        dirty = true;
        search->way[depth] = (uint8_t)number;
        if (search->world->verdict == EXPLORE_HARMLESS && !search->params->again &&
            !is_new(search, world_digest(search->world))) {
            search->result->pruned++;
            continue;
        }
        child = new_node(search, number);
        if (child == 0) {
            return;
        }
        search->nodes[child].sibling = search->nodes[parent].child;
        search->nodes[parent].child = child;
        search->nodes[child].bad = search->world->verdict != EXPLORE_HARMLESS;
        search->result->explored++;
        if (search->world->verdict == EXPLORE_HARMLESS) {
            end_once(search);
            search->result->ended++;
        }
        note(search, depth + 1);
    }
}

/* Down to the states at `last`, below which a layer is added. */
static void go_down(struct search *search, uint32_t node, unsigned depth, unsigned last)
{
    save(search, depth);
    if (depth == last) {
        if (search->err == FLUE_OK) {
            expand(search, node, depth);
        }
        return;
    }
    for (uint32_t child = search->nodes[node].child; child != 0 && !search->over && search->err == FLUE_OK;
         child = search->nodes[child].sibling) {
        if (search->nodes[child].bad) {
            continue;
        }
        world_return(search->world, search->copies[depth]);
        search->way[depth] = search->nodes[child].step;
        (void)step_once(search, search->nodes[child].step);
        go_down(search, child, depth + 1, last);
    }
}

static void dispose(struct search *search)
{
    for (unsigned i = 0; i <= EXPLORE_DEPTH_MOST; i++) {
        free(search->copies[i]);
    }
    free(search->nodes);
    free(search->seen);
    if (search->words != NULL) {
        (void)fclose(search->words);
    }
    world_free(search->world);
}

static uint64_t cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void go(struct search *search)
{
    void *root = NULL;

    (void)new_node(search, 0);
    save(search, 0);
    if (search->err == FLUE_OK) {
        (void)is_new(search, world_digest(search->world));
        root = search->copies[0];
    }
    for (unsigned depth = 0; depth < search->params->depth && !search->over && search->err == FLUE_OK; depth++) {
        world_return(search->world, root);
        go_down(search, 0, 0, depth);
        root = search->copies[0];
        if (!search->over) {
            search->result->depth = depth + 1;
        }
    }
}

/* Where a sanitizer tells of what it found. */
static void report_to(int fd)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_report_fd((void *)(intptr_t)fd);
#else
    (void)fd;
#endif
}

/* The error stream goes into a file as long as the search lasts. */
static void listen_to_errors(struct search *search)
{
    (void)fflush(stderr);
    search->stderr_fd = dup(STDERR_FILENO);
    report_to(search->stderr_fd);
    (void)dup2(fileno(search->words), STDERR_FILENO);
}

static void leave_errors(const struct search *search)
{
    (void)fflush(stderr);
    (void)dup2(search->stderr_fd, STDERR_FILENO);
    report_to(STDERR_FILENO);
    (void)close(search->stderr_fd);
}

flue_err explore_search(const struct explore_params *params, struct explore_result *result)
{
    struct search search = {.params = params, .result = result};
    const uint64_t start_us = cpu_us();
    struct sigaction old[SIGNALS];

    *result = (struct explore_result){.verdict = EXPLORE_HARMLESS};
    if (params->depth == 0 || params->depth > EXPLORE_DEPTH_MOST || params->connections == 0 ||
        params->connections > EXPLORE_CONNECTIONS) {
        return FLUE_EINVAL;
    }
    search.world = world_new(params, NULL);
    search.words = tmpfile();
    if (search.world == NULL || search.words == NULL) {
        dispose(&search);
        return FLUE_ENOMEM;
    }
    listen_to_errors(&search);
    catch_signals(old);
    go(&search);
    patience(0);
    let_signals_be(old);
    leave_errors(&search);
    dispose(&search);
    result->cpu_us = cpu_us() - start_us;
    return search.err;
}
