/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check_violators_main.h"

static void each_violator_is_named(void **state)
{
    (void)state;
    violators_run(violators, violator_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violator_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
