/* SPDX-License-Identifier: GPL-2.0-only */
/* The intrusive list: order, removal from every place, splicing. */
#include <string.h>

#include "base/list.h"
#include "support/test.h"

struct item {
    int number;
    struct flue_hook hook;
};

static struct item items[6];

static void check_order(struct flue_hook *head, const int *numbers, size_t count)
{
    size_t i = 0;

    FLUE_LIST_EACH(hook, head)
    {
        assert_true(i < count);
        assert_int_equal(FLUE_CONTAINER_OF(hook, struct item, hook)->number, numbers[i]);
        assert_ptr_equal(hook->next->prev, hook);
        i++;
    }
    assert_int_equal(i, count);
}

static void fill(struct flue_hook *head, int from, int to)
{
    memset(head, 0xA5, sizeof *head);
    list_init(head);
    for (int i = from; i < to; i++) {
        items[i].number = i;
        hook_init(&items[i].hook);
        list_push_back(head, &items[i].hook);
    }
}

static void push_and_pop(void **state)
{
    struct flue_hook head;

    (void)state;
    fill(&head, 0, 3);
    assert_false(list_empty(&head));
    check_order(&head, (const int[]){0, 1, 2}, 3);
    assert_ptr_equal(list_first(&head), &items[0].hook);
    assert_ptr_equal(list_last(&head), &items[2].hook);
    items[3].number = 3;
    hook_init(&items[3].hook);
    assert_false(hook_linked(&items[3].hook));
    list_push_front(&head, &items[3].hook);
    assert_true(hook_linked(&items[3].hook));
    check_order(&head, (const int[]){3, 0, 1, 2}, 4);
    for (int i = 0; i < 4; i++) {
        assert_non_null(list_pop_front(&head));
    }
    assert_true(list_empty(&head));
    assert_null(list_pop_front(&head));
    assert_null(list_first(&head));
    assert_null(list_last(&head));
    assert_false(hook_linked(&items[0].hook));
}

static void remove_everywhere(void **state)
{
    static const int left[3][2] = {{1, 2}, {0, 2}, {0, 1}};
    struct flue_hook head;

    (void)state;
    for (int gone = 0; gone < 3; gone++) {
        fill(&head, 0, 3);
        list_remove(&items[gone].hook);
        assert_false(hook_linked(&items[gone].hook));
        check_order(&head, left[gone], 2);
    }
}

static void insert_and_splice(void **state)
{
    struct flue_hook a, b;

    (void)state;
    fill(&a, 0, 2);
    fill(&b, 2, 4);
    hook_init(&items[5].hook);
    items[5].number = 5;
    list_insert_before(&items[1].hook, &items[5].hook);
    check_order(&a, (const int[]){0, 5, 1}, 3);
    list_splice_back(&a, &b);
    check_order(&a, (const int[]){0, 5, 1, 2, 3}, 5);
    assert_true(list_empty(&b));
    list_splice_back(&a, &b);
    check_order(&a, (const int[]){0, 5, 1, 2, 3}, 5);
    list_splice_back(&b, &a);
    check_order(&b, (const int[]){0, 5, 1, 2, 3}, 5);
    assert_true(list_empty(&a));
}

static void remove_while_walking(void **state)
{
    struct flue_hook head;

    (void)state;
    fill(&head, 0, 5);
    FLUE_LIST_EACH_SAFE(hook, &head)
    {
        if (FLUE_CONTAINER_OF(hook, struct item, hook)->number % 2 == 0) {
            list_remove(hook);
        }
    }
    check_order(&head, (const int[]){1, 3}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_and_pop),
        cmocka_unit_test(remove_everywhere),
        cmocka_unit_test(insert_and_splice),
        cmocka_unit_test(remove_while_walking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
