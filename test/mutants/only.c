/* SPDX-License-Identifier: GPL-2.0-only */
/* Linked into a cmocka program, this makes it run only the test that FLUE_TEST_ONLY names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose(void)
{
    cmocka_set_test_filter(getenv("FLUE_TEST_ONLY"));
}
