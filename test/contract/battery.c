/* SPDX-License-Identifier: GPL-2.0-only */
/* The battery's frame: builds each target under each stack of drivers and runs every case on it.   battery [TARGET.so]
 */
#include "battery.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "node/foreign.h"

enum { STACKS = 5, DRIVERS_MAX = 3, TESTS_MAX = 1024 };

struct stack {
    const char *name;
    unsigned drivers;
    enum flue_im_kind kind;
};

static const struct stack stacks[STACKS] = {{"", 0, FLUE_IM_PASS},
                                            {" [pass]", 1, FLUE_IM_PASS},
                                            {" [hold]", 1, FLUE_IM_HOLD},
                                            {" [refuse off]", 1, FLUE_IM_REFUSE},
                                            {" [pass,pass,pass]", DRIVERS_MAX, FLUE_IM_PASS}};

/* One case on one target under one stack. */
struct run {
    const struct battery_case *what;
    const struct battery_provider *provider;
    const struct stack *stack;
};

static struct {
    const struct run *run;
    struct foreign foreign;
    struct flue_im *driver[DRIVERS_MAX];
} world;

static unsigned refused[NEEDS];

/* ---- Under the host ---- */

static void build(struct rig *rig)
{
    const struct run *run = world.run;

    if (run->provider->calls == NULL) {
        rig_build_target(rig);
    } else {
        struct flue_provider_world below = {
            .wire = &rig->wire, .ndis = rig->ndis, .ddi = rig->params.ddi, .tcp_max = rig->params.tcp_max};

        assert_int_equal(foreign_open(&world.foreign, &rig->env.env, &rig->timers, run->provider->calls, &below),
                         FLUE_OK);
        rig->adapter = world.foreign.miniport;
    }
    for (unsigned i = 0; i < run->stack->drivers; i++) {
        const struct flue_im_params params = {
            .kind = run->stack->kind, .name = "driver", .hold_down_ps = 2 * RIG_US, .hold_up_ps = 3 * RIG_US};

        assert_int_equal(flue_im_new(&rig->env.env, &rig->timers, NULL, rig->ndis, &params, &world.driver[i]), FLUE_OK);
    }
}

static void receive(struct rig *rig, const struct flue_frame *frame)
{
    if (world.run->provider->calls != NULL) {
        world.run->provider->calls->receive(world.foreign.adapter, frame, rig->env.now_ps);
    } else {
        flue_target_receive(rig->target, frame, rig->env.now_ps);
    }
}

static uint64_t live(const struct rig *rig)
{
    uint64_t count = world.run->provider->calls != NULL
                         ? world.run->provider->calls->objects_live(world.foreign.adapter)
                         : flue_target_objects_live(rig->target);

    for (unsigned i = 0; i < world.run->stack->drivers; i++) {
        count += flue_im_objects_live(world.driver[i]);
    }
    return count;
}

static void release(struct rig *rig)
{
    flue_target_free(rig->target);
    if (world.run->provider->calls != NULL) {
        foreign_close(&world.foreign);
    }
    for (unsigned i = world.run->stack->drivers; i > 0; i--) {
        flue_im_free(world.driver[i - 1]);
    }
    memset(&world, 0, sizeof world);
}

/* ---- Running ---- */

static void finding(void *ctx, const struct flue_finding *found)
{
    const struct flue_rule *rule = flue_rule(found->rule);

    (void)ctx;
    if (rule->strength != FLUE_RULE_warn) {
        fail_msg("CH-%03u %s (%s), %s: %s", found->rule, flue_party_name(found->party), found->driver,
                 found->object_kind, found->seen);
    }
}

static void run_case(void **state)
{
    static const struct rig_floor floor = {.build = build, .receive = receive, .live = live, .free = release};
    const struct run *run = *state;
    const struct battery_case *what = run->what;
    const bool can = what->refused == NULL || run->provider->cannot[what->need] == NULL;
    struct rig *rig = rig_new();

    world.run = run;
    rig->floor = &floor;
    rig->check = FLUE_CHECK_STOP;
    rig->check_sink = (struct flue_check_sink){.finding = finding};
    rig->wire.facts.has_mac = 1;
    rig->params.ipv6 = 1;
    if (what->tcp_max != 0) {
        rig->params.tcp_max = what->tcp_max;
    }
    rig_build(rig);
    if (can) {
        what->script(rig);
    } else {
        what->refused(rig);
        refused[what->need]++;
    }
    battery_rest(rig);
    flue_ndis_check_end(rig->ndis);
    rig_free(rig);
}

static const struct flue_provider *load(const char *path)
{
    const struct flue_provider *(*entry)(void) = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    *(void **)&entry = dlsym(library, "flue_provider");
    return entry != NULL ? entry() : NULL;
}

/* What targets from outside cannot do, by their names. */
static void confess(struct battery_provider *provider)
{
    provider->cannot[NEED_CONTROL] = "flue/provider.h has no such call";
    if (strcmp(provider->name, "skeleton") == 0) {
        provider->cannot[NEED_OBJECTS] = "it refuses every object, by the book";
    } else if (strcmp(provider->name, "lwip") == 0) {
        provider->cannot[NEED_TIMESTAMPS] = "lwIP of this distribution is built without LWIP_TCP_TIMESTAMPS";
        provider->cannot[NEED_IPV6] = "its packets are made for IPv4 only";
        provider->cannot[NEED_CLOSING] = "a FIN that is sent would have to become one of lwIP's segments";
    }
}

static size_t add(struct CMUnitTest *tests, struct run *runs, size_t count, const struct battery_case *cases,
                  const struct battery_provider *provider)
{
    static char names[TESTS_MAX][112];

    for (unsigned s = 0; s < STACKS; s++) {
        for (const struct battery_case *what = cases; what->name != NULL; what++, count++) {
            assert_true(count < TESTS_MAX);
            runs[count] = (struct run){.what = what, .provider = provider, .stack = &stacks[s]};
            (void)snprintf(names[count], sizeof names[count], "%s%s: %s", provider->name, stacks[s].name, what->name);
            tests[count] =
                (struct CMUnitTest){.name = names[count], .test_func = run_case, .initial_state = &runs[count]};
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    static const char *const words[NEEDS] = {
#define X(name, what) [NEED_##name] = what,
        BATTERY_NEEDS(X)
#undef X
    };
    static struct CMUnitTest tests[TESTS_MAX];
    static struct run runs[TESTS_MAX];
    struct battery_provider provider = {.name = "flue"};
    size_t count = 0;
    int failed;

    if (argc > 1) {
        provider.calls = load(argv[1]);
        if (provider.calls == NULL) {
            return 2;
        }
        provider.name = provider.calls->name;
        confess(&provider);
    }
    if (provider.cannot[NEED_OBJECTS] != NULL) {
        count = add(tests, runs, count, battery_refusals, &provider);
    } else {
        count = add(tests, runs, count, battery_cases, &provider);
        count = add(tests, runs, count, battery_endings, &provider);
    }
    failed = _cmocka_run_group_tests(provider.name, tests, count, NULL, NULL);
    for (unsigned i = 0; i < NEEDS; i++) {
        if (provider.cannot[i] != NULL) {
            print_message("refused as declared, %u times: %s; %s\n", refused[i], words[i], provider.cannot[i]);
        }
    }
    return failed;
}
