/* SPDX-License-Identifier: GPL-2.0-only */
/* The timer heap: order, laziness, removal, arming inside a handler, and a long comparison with a plain list. */
#include <string.h>

#include "base/rng.h"
#include "base/timers.h"
#include "support/manual_env.h"
#include "support/test.h"

#define TIMERS 300

struct owner {
    struct timer timer;
    int number;
    flue_ps again_ps; /* arm again for this time when fired */
};

static struct manual_env manual;
static struct timers heap;
static struct owner owners[TIMERS];
static int fired[4096];
static flue_ps fired_ps[4096];
static size_t fired_count;

static void note(struct timer *timer, flue_ps now_ps)
{
    struct owner *owner = FLUE_CONTAINER_OF(timer, struct owner, timer);

    assert_false(timer_armed(timer));
    assert_int_equal(timer->lean.slot, 0);
    assert_true(fired_count < COUNT_OF(fired));
    fired[fired_count] = owner->number;
    fired_ps[fired_count++] = now_ps;
    if (owner->again_ps != FLUE_PS_NEVER) {
        flue_ps again_ps = owner->again_ps;

        owner->again_ps = FLUE_PS_NEVER;
        timers_arm(&heap, timer, again_ps);
    }
}

static int set_up(void **state)
{
    (void)state;
    manual_env_init(&manual, 1);
    memset(&heap, 0xA5, sizeof heap);
    memset(owners, 0xA5, sizeof owners);
    assert_int_equal(timers_init(&heap, &manual.env), FLUE_OK);
    for (int i = 0; i < TIMERS; i++) {
        timer_setup(&owners[i].timer, note);
        owners[i].number = i;
        owners[i].again_ps = FLUE_PS_NEVER;
    }
    fired_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    timers_dispose(&heap);
    timers_dispose(&heap);
    return manual_env_clean(&manual) ? 0 : -1;
}

static void run_and_expect(flue_ps now_ps, const int *numbers, size_t count)
{
    fired_count = 0;
    timers_run(&heap, now_ps);
    assert_int_equal(fired_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fired[i], numbers[i]);
        assert_int_equal(fired_ps[i], now_ps);
    }
}

static void fire_in_order(void **state)
{
    (void)state;
    assert_int_equal(timers_next(&heap), FLUE_PS_NEVER);
    timers_arm(&heap, &owners[0].timer, 30);
    timers_arm(&heap, &owners[1].timer, 10);
    timers_arm(&heap, &owners[2].timer, 20);
    timers_arm(&heap, &owners[3].timer, 10);
    assert_int_equal(timers_next(&heap), 10);
    run_and_expect(9, NULL, 0);
    run_and_expect(10, (const int[]){1, 3}, 2);
    run_and_expect(30, (const int[]){2, 0}, 2);
    assert_int_equal(timers_next(&heap), FLUE_PS_NEVER);
}

static void tie_is_order_of_last_arming(void **state)
{
    (void)state;
    timers_arm(&heap, &owners[0].timer, 10);
    timers_arm(&heap, &owners[1].timer, 10);
    timers_arm(&heap, &owners[0].timer, 10);
    run_and_expect(10, (const int[]){1, 0}, 2);
    /* Moved back and forth: the arming that counts is the last one. */
    timers_arm(&heap, &owners[0].timer, 5);
    timers_arm(&heap, &owners[1].timer, 20);
    timers_arm(&heap, &owners[0].timer, 20);
    timers_arm(&heap, &owners[1].timer, 20);
    run_and_expect(20, (const int[]){0, 1}, 2);
}

static void later_is_lazy_earlier_is_not(void **state)
{
    (void)state;
    timers_arm(&heap, &owners[0].timer, 10);
    timers_arm(&heap, &owners[0].timer, 50);
    assert_int_equal(timers_next(&heap), 10);
    run_and_expect(10, NULL, 0);
    assert_int_equal(timers_next(&heap), 50);
    timers_arm(&heap, &owners[0].timer, 20);
    assert_int_equal(timers_next(&heap), 20);
    run_and_expect(20, (const int[]){0}, 1);
    run_and_expect(100, NULL, 0);
}

static void lazy_entry_keeps_order(void **state)
{
    (void)state;
    timers_arm(&heap, &owners[0].timer, 5);
    timers_arm(&heap, &owners[0].timer, 7);
    timers_arm(&heap, &owners[1].timer, 6);
    timers_arm(&heap, &owners[2].timer, 7);
    run_and_expect(10, (const int[]){1, 0, 2}, 3);
}

static void cancel_and_arm_again(void **state)
{
    (void)state;
    timers_arm(&heap, &owners[0].timer, 10);
    timers_cancel(&heap, &owners[0].timer);
    assert_false(timer_armed(&owners[0].timer));
    run_and_expect(10, NULL, 0);
    assert_int_equal(owners[0].timer.lean.slot, 0);
    timers_arm(&heap, &owners[0].timer, 10);
    timers_cancel(&heap, &owners[0].timer);
    timers_arm(&heap, &owners[0].timer, 15);
    assert_true(timer_armed(&owners[0].timer));
    run_and_expect(20, (const int[]){0}, 1);
    timers_arm(&heap, &owners[0].timer, 15);
    timers_arm(&heap, &owners[0].timer, FLUE_PS_NEVER);
    run_and_expect(FLUE_PS_NEVER - 1, NULL, 0);
    timers_cancel(&heap, &owners[1].timer);
    timers_remove(&heap, &owners[1].timer);
}

static void removed_memory_may_go(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        timers_arm(&heap, &owners[i].timer, 100 - (i * 37) % 40);
    }
    for (int i = 0; i < 40; i += 3) {
        timers_remove(&heap, &owners[i].timer);
        memset(&owners[i].timer, 0xEE, sizeof owners[i].timer);
    }
    fired_count = 0;
    timers_run(&heap, 1000);
    assert_int_equal(fired_count, 26);
    for (size_t i = 1; i < fired_count; i++) {
        assert_true(100 - (fired[i - 1] * 37) % 40 < 100 - (fired[i] * 37) % 40);
    }
}

static void armed_during_the_run(void **state)
{
    (void)state;
    owners[0].again_ps = 15;
    owners[1].again_ps = 30;
    timers_arm(&heap, &owners[0].timer, 10);
    timers_arm(&heap, &owners[1].timer, 20);
    run_and_expect(25, (const int[]){0, 0, 1}, 3);
    run_and_expect(30, (const int[]){1}, 1);
    /* A due time before now is served in the same run. */
    owners[0].again_ps = -5;
    timers_arm(&heap, &owners[0].timer, 40);
    run_and_expect(40, (const int[]){0, 0}, 2);
}

static void reserve_survives_no_memory(void **state)
{
    (void)state;
    manual_env_fail(&manual, 1);
    assert_int_equal(timers_reserve(&heap, 64), FLUE_OK);
    assert_int_equal(timers_reserve(&heap, 1), FLUE_ENOMEM);
    for (int i = 0; i < 64; i++) {
        timers_arm(&heap, &owners[i].timer, i);
    }
    manual_env_fail(&manual, 0);
    assert_int_equal(timers_reserve(&heap, TIMERS - 64), FLUE_OK);
    manual_env_fail(&manual, 1);
    for (int i = 64; i < TIMERS; i++) {
        timers_arm(&heap, &owners[i].timer, i);
    }
    fired_count = 0;
    timers_run(&heap, TIMERS);
    assert_int_equal(fired_count, TIMERS);
    timers_unreserve(&heap, TIMERS);
    assert_int_equal(timers_reserve(&heap, UINT32_MAX), FLUE_ENOMEM);
}

static void init_without_memory(void **state)
{
    struct timers other;

    (void)state;
    manual_env_fail(&manual, 1);
    assert_int_equal(timers_init(&other, &manual.env), FLUE_ENOMEM);
    timers_dispose(&other);
}

/* What must fire next according to a plain search; -1: nothing is due. */
static int search(const flue_ps *due_ps, const uint64_t *order, flue_ps now_ps)
{
    int best = -1;

    for (int i = 0; i < TIMERS; i++) {
        if (due_ps[i] <= now_ps &&
            (best < 0 || due_ps[i] < due_ps[best] || (due_ps[i] == due_ps[best] && order[i] < order[best]))) {
            best = i;
        }
    }
    return best;
}

static void equals_a_plain_list(void **state)
{
    flue_ps due_ps[TIMERS];
    uint64_t order[TIMERS] = {0}, next_order = 1;
    struct rng rng;
    flue_ps now_ps = 0;

    (void)state;
    rng_init(&rng, 7, "timers");
    for (int i = 0; i < TIMERS; i++) {
        due_ps[i] = FLUE_PS_NEVER;
    }
    for (int step = 0; step < 20000; step++) {
        int i = (int)rng_below(&rng, TIMERS);
        uint64_t what = rng_below(&rng, 10);

        if (what < 6) {
            due_ps[i] = now_ps + (flue_ps)rng_below(&rng, 50);
            order[i] = next_order++;
            timers_arm(&heap, &owners[i].timer, due_ps[i]);
        } else if (what < 8) {
            due_ps[i] = FLUE_PS_NEVER;
            if (what == 6) {
                timers_cancel(&heap, &owners[i].timer);
            } else {
                timers_remove(&heap, &owners[i].timer);
            }
        } else {
            now_ps += (flue_ps)rng_below(&rng, 8);
            fired_count = 0;
            timers_run(&heap, now_ps);
            for (size_t k = 0; k < fired_count; k++) {
                int expected = search(due_ps, order, now_ps);

                assert_int_equal(fired[k], expected);
                due_ps[expected] = FLUE_PS_NEVER;
            }
            assert_int_equal(search(due_ps, order, now_ps), -1);
            assert_true(timers_next(&heap) > now_ps);
        }
        assert_int_equal(timer_armed(&owners[i].timer), due_ps[i] != FLUE_PS_NEVER);
    }
}

/* The plain list beside the heap, for handlers that work on both. */
static struct {
    flue_ps due_ps[TIMERS];
    uint64_t order[TIMERS], next_order;
    struct rng rng;
    unsigned fired;
    bool nested; /* handlers run the heap themselves, too */
    unsigned depth;
} plain;

static void arm_both(int i, flue_ps due_ps)
{
    plain.due_ps[i] = due_ps;
    plain.order[i] = plain.next_order++;
    timers_arm(&heap, &owners[i].timer, due_ps);
}

/* Arms, cancels and removes others and perhaps itself, before its time, too; asks for the next. */
static void stir(struct timer *timer, flue_ps now_ps)
{
    const int self = FLUE_CONTAINER_OF(timer, struct owner, timer)->number;
    flue_ps least_ps = FLUE_PS_NEVER;

    assert_int_equal(self, search(plain.due_ps, plain.order, now_ps));
    plain.due_ps[self] = FLUE_PS_NEVER;
    plain.fired++;
    for (uint64_t left = rng_below(&plain.rng, 4); left > 0; left--) {
        const int i = rng_below(&plain.rng, 3) == 0 ? self : (int)rng_below(&plain.rng, TIMERS);
        const uint64_t what = rng_below(&plain.rng, 8);

        if (what < 3) {
            arm_both(i, now_ps + 1 + (flue_ps)rng_below(&plain.rng, 40));
        } else if (what == 3 && plain.fired % 16 == 0) {
            arm_both(i, now_ps - (flue_ps)rng_below(&plain.rng, 3)); /* due at once */
        } else if (what < 6) {
            plain.due_ps[i] = FLUE_PS_NEVER;
            timers_remove(&heap, &owners[i].timer);
        } else {
            plain.due_ps[i] = FLUE_PS_NEVER;
            timers_cancel(&heap, &owners[i].timer);
        }
        for (int k = 0; k < TIMERS; k++) {
            least_ps = k == 0 || plain.due_ps[k] < least_ps ? plain.due_ps[k] : least_ps;
        }
        assert_true(timers_next(&heap) <= least_ps && timers_next(&heap) >= 0);
    }
    if (plain.nested && plain.depth < 3 && rng_below(&plain.rng, 4) == 0) {
        plain.depth++;
        timers_run(&heap, now_ps);
        plain.depth--;
        assert_int_equal(search(plain.due_ps, plain.order, now_ps), -1);
        assert_true(timers_next(&heap) > now_ps);
    }
}

static void stir_all(bool nested)
{
    flue_ps now_ps = 100;

    memset(&plain, 0, sizeof plain);
    plain.nested = nested;
    rng_init(&plain.rng, 8, "timers");
    for (int i = 0; i < TIMERS; i++) {
        owners[i].timer.fire = stir;
        plain.due_ps[i] = FLUE_PS_NEVER;
    }
    for (int step = 0; step < 4000; step++) {
        arm_both((int)rng_below(&plain.rng, TIMERS), now_ps + (flue_ps)rng_below(&plain.rng, 50));
        now_ps += (flue_ps)rng_below(&plain.rng, 3);
        timers_run(&heap, now_ps);
        assert_int_equal(search(plain.due_ps, plain.order, now_ps), -1);
        assert_true(timers_next(&heap) > now_ps);
    }
    assert_true(plain.fired > 2000);
}

static void handlers_may_do_anything(void **state)
{
    (void)state;
    stir_all(false);
}

/* A run within a run closes the hole that the timer which fires has left; what is armed afterwards has a place. */
static void handlers_may_run_the_heap(void **state)
{
    (void)state;
    stir_all(true);
}

static struct lean_timer *lean_fired[8];

static void lean_note(struct lean_timer *timer, flue_ps now_ps)
{
    assert_false(lean_timer_armed(timer));
    assert_int_equal(timer->slot, 0);
    fired[fired_count] = -1;
    lean_fired[fired_count] = timer;
    fired_ps[fired_count++] = now_ps;
}

static void other_note(struct lean_timer *timer, flue_ps now_ps)
{
    lean_note(timer, now_ps);
    fired[fired_count - 1] = -2;
}

static void third(struct lean_timer *timer, flue_ps now_ps)
{
    lean_note(timer, now_ps);
}

static void fourth(struct lean_timer *timer, flue_ps now_ps)
{
    other_note(timer, now_ps);
}

static void fifth(struct lean_timer *timer, flue_ps now_ps)
{
    third(timer, now_ps);
    assert_true(false);
}

/* Lean timers keep their place among the others, each kind does what it was made for, and the owner's bytes stay. */
static void lean_among_others(void **state)
{
    struct lean_timer lean[3];
    const uint8_t kind = timers_kind(&heap, lean_note);
    const uint8_t other = timers_kind(&heap, other_note);

    (void)state;
    assert_true(kind != 0 && other != 0 && kind != other);
    assert_int_equal(timers_kind(&heap, lean_note), kind);
    assert_true(timers_kind(&heap, third) != 0);
    assert_true(timers_kind(&heap, fourth) != 0);
    assert_int_equal(timers_kind(&heap, fifth), 0); /* there is no room for another */
    memset(lean, 0xA5, sizeof lean);
    for (unsigned i = 0; i < 3; i++) {
        lean_timer_setup(&lean[i], i == 1 ? other : kind);
        assert_int_equal(lean[i].mode | lean[i].doublings | lean[i].count, 0);
        lean[i].mode = (uint8_t)(i + 1);
        lean[i].doublings = (uint8_t)(i + 2);
        lean[i].count = (uint8_t)(i + 3);
    }
    timers_arm_lean(&heap, &lean[0], 10);
    timers_arm(&heap, &owners[0].timer, 10);
    timers_arm_lean(&heap, &lean[1], 10);
    timers_arm_lean(&heap, &lean[2], 5);
    timers_cancel_lean(&heap, &lean[2]);
    run_and_expect(20, (const int[]){-1, 0, -2}, 3);
    assert_ptr_equal(lean_fired[0], &lean[0]);
    assert_ptr_equal(lean_fired[2], &lean[1]);
    timers_arm_lean(&heap, &lean[2], 30);
    timers_remove_lean(&heap, &lean[2]);
    run_and_expect(40, NULL, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(lean[i].mode, i + 1);
        assert_int_equal(lean[i].doublings, i + 2);
        assert_int_equal(lean[i].count, i + 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fire_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tie_is_order_of_last_arming, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_is_lazy_earlier_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lazy_entry_keeps_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancel_and_arm_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removed_memory_may_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(armed_during_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reserve_survives_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(init_without_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lean_among_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equals_a_plain_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(handlers_may_do_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(handlers_may_run_the_heap, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
