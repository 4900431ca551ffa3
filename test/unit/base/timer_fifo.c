/* SPDX-License-Identifier: GPL-2.0-only */
/* Timeouts of constant length behind one heap timer. */
#include <string.h>

#include "base/timers.h"
#include "support/manual_env.h"
#include "support/test.h"

struct owner {
    struct timer_fifo_entry entry;
    int number;
};

static struct manual_env manual;
static struct timers heap;
static struct timer_fifo fifo;
static struct owner owners[8];
static struct timer plain;
static int fired[64];
static size_t fired_count;
static int rearm_number;
static flue_ps rearm_ps;

static void note(struct timer_fifo_entry *entry, flue_ps now_ps)
{
    struct owner *owner = FLUE_CONTAINER_OF(entry, struct owner, entry);

    (void)now_ps;
    assert_false(timer_fifo_armed(entry));
    assert_true(entry->due_ps == FLUE_PS_NEVER);
    fired[fired_count++] = owner->number;
    if (owner->number == rearm_number) {
        rearm_number = -1;
        timer_fifo_arm(&fifo, entry, rearm_ps);
    }
}

static void note_plain(struct timer *timer, flue_ps now_ps)
{
    (void)timer;
    (void)now_ps;
    fired[fired_count++] = 100;
}

static int set_up(void **state)
{
    (void)state;
    manual_env_init(&manual, 1);
    memset(&fifo, 0xA5, sizeof fifo);
    memset(owners, 0xA5, sizeof owners);
    assert_int_equal(timers_init(&heap, &manual.env), FLUE_OK);
    assert_int_equal(timer_fifo_init(&fifo, &heap, note), FLUE_OK);
    for (int i = 0; i < (int)COUNT_OF(owners); i++) {
        timer_fifo_setup(&owners[i].entry);
        owners[i].number = i;
    }
    timer_setup(&plain, note_plain);
    rearm_number = -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    timer_fifo_dispose(&fifo);
    assert_int_equal(heap.reserved, 0);
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
    }
}

static void arm(int number, flue_ps due_ps)
{
    timer_fifo_arm(&fifo, &owners[number].entry, due_ps);
}

static void in_order(void **state)
{
    (void)state;
    arm(0, 10);
    arm(1, 10);
    arm(2, 30);
    assert_int_equal(heap.count, 1);
    run_and_expect(9, NULL, 0);
    run_and_expect(10, (const int[]){0, 1}, 2);
    assert_true(timer_fifo_armed(&owners[2].entry));
    run_and_expect(30, (const int[]){2}, 1);
    assert_int_equal(timers_next(&heap), FLUE_PS_NEVER);
}

static void due_times_that_go_back(void **state)
{
    (void)state;
    arm(0, 20);
    arm(1, 40);
    arm(2, 30);
    arm(3, 10);
    assert_int_equal(timers_next(&heap), 10);
    run_and_expect(100, (const int[]){3, 0, 2, 1}, 4);
}

static void cancel_head_middle_tail(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        arm(i, 10 + i);
    }
    timer_fifo_cancel(&owners[0].entry);
    timer_fifo_cancel(&owners[2].entry);
    timer_fifo_cancel(&owners[4].entry);
    timer_fifo_cancel(&owners[4].entry);
    memset(&owners[2], 0xEE, sizeof owners[2]);
    run_and_expect(10, NULL, 0);
    run_and_expect(11, (const int[]){1}, 1);
    run_and_expect(20, (const int[]){3}, 1);
    arm(0, 50);
    timer_fifo_cancel(&owners[0].entry);
    run_and_expect(50, NULL, 0);
    arm(0, 55);
    run_and_expect(55, (const int[]){0}, 1);
}

static void arm_again_moves_it(void **state)
{
    (void)state;
    arm(0, 10);
    arm(1, 11);
    arm(0, 12);
    run_and_expect(11, (const int[]){1}, 1);
    run_and_expect(12, (const int[]){0}, 1);
    rearm_number = 0;
    rearm_ps = 25;
    arm(0, 20);
    arm(1, 20);
    run_and_expect(22, (const int[]){0, 1}, 2);
    run_and_expect(25, (const int[]){0}, 1);
    /* The same due time again, from inside the handler. */
    rearm_number = 0;
    rearm_ps = 30;
    arm(0, 30);
    run_and_expect(30, (const int[]){0, 0}, 2);
}

/* A late run still serves both kinds in the order of their due times. */
static void other_timers_keep_their_place(void **state)
{
    (void)state;
    arm(0, 5);
    arm(1, 8);
    timers_arm(&heap, &plain, 6);
    run_and_expect(10, (const int[]){0, 100, 1}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(due_times_that_go_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancel_head_middle_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arm_again_moves_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_timers_keep_their_place, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
