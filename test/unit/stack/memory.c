/* SPDX-License-Identifier: GPL-2.0-only */
/* Every allocation fails once, and memory runs out for good at every allocation: an error or a delay, never a crash, a
 * leak or a broken stack; and what memory there is again for, goes on. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "duo.h"

static struct duo duo;
static uint8_t image[200000];
static unsigned every = 1;
static int many;

static void tune(struct duo *d)
{
    /* A little of everything; reordering by loss fills the lists of the engine. */
    d->loss_percent = 3;
}

#define CROWD 60

/* More connections than one chunk of any pool holds; each call may fail for want of memory, and for nothing else. */
static void crowd(int listener)
{
    struct flue_stack *a = duo.side[A].stack, *b = duo.side[B].stack;
    struct flue_endpoint to = duo_at(&duo, B, 80);
    int s[CROWD], t[CROWD];

    for (int i = 0; i < CROWD; i++) {
        int result = FLUE_STACK_ENOMEM;

        s[i] = flue_socket_open(a);
        t[i] = -1;
        if (s[i] >= 0) {
            (void)flue_socket_set(a, s[i], FLUE_SO_TTL, 1 + i);
            result = flue_socket_connect(a, s[i], &to);
        }
        assert_true((s[i] >= 0 || s[i] == FLUE_STACK_ENOMEM) &&
                    (result == FLUE_STACK_EINPROGRESS || result == FLUE_STACK_ENOMEM));
    }
    duo_run(&duo, 4 * FLUE_PS_PER_S);
    for (int i = 0; i < CROWD; i++) {
        t[i] = flue_socket_accept(b, listener, NULL);
        assert_true(t[i] >= 0 || t[i] == FLUE_STACK_EAGAIN || t[i] == FLUE_STACK_ENOMEM);
        if (s[i] >= 0 && flue_socket_poll(a, s[i]) == FLUE_POLL_OUT) {
            (void)duo_write(&duo, A, s[i], 0, 9000);
        }
        if (t[i] >= 0) {
            (void)flue_socket_set(b, t[i], FLUE_SO_TTL, 1 + i);
            (void)duo_write(&duo, B, t[i], 0, 9000);
        }
        duo_run(&duo, FLUE_PS_PER_MS);
    }
    duo_run(&duo, 4 * FLUE_PS_PER_S);
    for (int i = 0; i < CROWD; i++) {
        if (t[i] >= 0) {
            (void)duo_read(&duo, B, t[i], 0, 100000);
            (void)flue_socket_close(b, t[i]);
        }
        if (s[i] >= 0) {
            (void)flue_socket_close(a, s[i]);
        }
        duo_check(&duo);
    }
    duo_run(&duo, FLUE_PS_PER_S);
}

/* Answers whether all went as if there were memory. */
static int life(int who)
{
    struct flue_stack *a = duo.side[A].stack, *b = duo.side[B].stack;
    struct flue_endpoint to = duo_at(&duo, B, 80);
    int listener = flue_socket_open(b);
    int s = flue_socket_open(a);
    int t = -1;
    uint64_t sent[2] = {0, 0}, got[2] = {0, 0};
    const uint64_t most = 60000;

    if (listener < 0 || flue_socket_bind(b, listener, &to) != 0 || flue_socket_listen(b, listener, CROWD + 2) != 0 ||
        s < 0 || flue_socket_set(a, s, FLUE_SO_TTL, 9) != 0) {
        return 0;
    }
    if (flue_socket_connect(a, s, &to) != FLUE_STACK_EINPROGRESS) {
        return 0;
    }
    if (many) {
        duo_run(&duo, FLUE_PS_PER_S);
        t = flue_socket_accept(b, listener, NULL);
        crowd(listener);
    }
    for (int round = 0; round < 3000 && (got[A] < most || got[B] < most); round++) {
        duo_run(&duo, 5 * FLUE_PS_PER_MS);
        t = t < 0 ? flue_socket_accept(b, listener, NULL) : t;
        if (t < 0) {
            continue;
        }
        sent[A] += duo_write(&duo, A, s, sent[A], most - sent[A]);
        sent[B] += duo_write(&duo, B, t, sent[B], most - sent[B]);
        if (round == 9 || round == 14) {
            (void)flue_socket_set(duo.side[who].stack, who == A ? s : t, FLUE_SO_CORK, round == 9);
        }
        if (round % 20 == 11) {
            int64_t bytes = flue_socket_export(a, s, image, sizeof image);

            if (bytes <= 0 || bytes > (int64_t)sizeof image) {
                return 0;
            }
            for (int again = 0; again < 50; again++) {
                s = flue_socket_import(a, image, (size_t)bytes, NULL, 0);
                if (s >= 0) {
                    break;
                }
                assert_int_equal(s, FLUE_STACK_ENOMEM);
                duo_check(&duo);
            }
            if (s < 0) {
                return 0;
            }
        }
        if (round % 4 == 3) {
            got[A] += duo_read(&duo, A, s, got[A], most);
            got[B] += duo_read(&duo, B, t, got[B], most);
        }
    }
    if (got[A] < most || got[B] < most) {
        return 0;
    }
    duo.loss_percent = 0;
    (void)flue_socket_close(a, s);
    (void)flue_socket_close(b, t);
    (void)flue_socket_close(b, listener);
    duo_run(&duo, 130 * FLUE_PS_PER_S);
    return 1;
}

static void memory_fails(int who, int once)
{
    unsigned n = 1, survived = 0;

    for (;; n += every) {
        uint64_t asked;
        int done;

        duo_start(&duo, tune);
        duo.side[who].fail_once = once;
        manual_env_fail(&duo.side[who].memory, n);
        asked = duo.side[who].memory.allocations;
        done = life(who);
        survived += done != 0;
        asked = duo.side[who].memory.allocations - asked;
        manual_env_fail(&duo.side[who].memory, 0);
        duo_run(&duo, FLUE_PS_PER_S);
        duo_stop(&duo);
        if (asked < n) {
            assert_true(done);
            break; /* all that are asked for have failed */
        }
    }
    assert_true(n > 10);
    if (once) {
        assert_true(survived * every * 10 >= n * 3); /* once only the set-up cannot be survived */
    }
}

static void fails_once(void **state)
{
    (void)state;
    memory_fails(A, 1);
    memory_fails(B, 1);
}

static void fails_once_in_a_crowd(void **state)
{
    many = 1;
    fails_once(state);
    many = 0;
}

static void fails_for_good(void **state)
{
    (void)state;
    memory_fails(A, 0);
    memory_fails(B, 0);
}

static void no_stack_without_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct flue_stack *stack;
        struct manual_env env;
        struct flue_stack_config config;
        struct flue_stack_callbacks callbacks;
        int result;

        duo_start(&duo, NULL);
        config = duo.side[A].config;
        manual_env_init(&env, 0);
        manual_env_fail(&env, n);
        callbacks =
            (struct flue_stack_callbacks){.ctx = &env, .allocate = env.env.allocate, .release = env.env.release};
        result = flue_stack_new(&config, &callbacks, 0, &stack);
        assert_int_equal(result, FLUE_STACK_EINVAL);
        callbacks.output = duo_swallow;
        callbacks.random32 = duo_zero;
        result = flue_stack_new(&config, &callbacks, 0, &stack);
        duo_stop(&duo);
        if (result == 0) {
            flue_stack_free(stack);
            assert_true(manual_env_clean(&env));
            assert_true(n > 3);
            break;
        }
        assert_int_equal(result, FLUE_STACK_ENOMEM);
        assert_null(stack);
        assert_true(manual_env_clean(&env));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fails_once),
        cmocka_unit_test(fails_once_in_a_crowd),
        cmocka_unit_test(fails_for_good),
        cmocka_unit_test(no_stack_without_memory),
    };

    (void)argv;
    every = argc > 1 ? 1 : 7;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
