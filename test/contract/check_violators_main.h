/* SPDX-License-Identifier: GPL-2.0-only */
/* A test program that is nothing but a table of violators: it defines these two, check_violators_main.c the rest. */
#ifndef FLUE_TEST_CHECK_VIOLATORS_MAIN_H
#define FLUE_TEST_CHECK_VIOLATORS_MAIN_H

#include "check_data_world.h"

extern const struct violator violators[];
extern const size_t violator_count;

#endif
