/* SPDX-License-Identifier: GPL-2.0-only */
/* support/test.h - cmocka with the headers it needs in front of it. */
#ifndef FLUE_TEST_TEST_H
#define FLUE_TEST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
