/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/figure.c - figures beside their bounds. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "support/test.h"
#include "figure.h"

#define NAME_MAX_BYTES  160
#define BOUND_MAX_BYTES 80

static void tell(bool within, const char *name, va_list rest, double here, const char *bound)
{
    char text[NAME_MAX_BYTES];

    (void)vsnprintf(text, sizeof(text), name, rest);
    printf("%-64s %14.6g   %-36s %s\n", text, here, bound, within ? "" : "OUTSIDE");
    (void)fflush(stdout);
    if (!within) {
        fail_msg("%s: %.9g, bound %s", text, here, bound);
    }
}

void figure_head(void)
{
    printf("%-64s %14s   %s\n", "figure", "here", "bound");
}

void figure_at_least(double here, double bound, const char *name, ...)
{
    char text[BOUND_MAX_BYTES];
    va_list rest;

    (void)snprintf(text, sizeof(text), ">= %.6g", bound);
    va_start(rest, name);
    tell(here >= bound, name, rest, here, text);
    va_end(rest);
}

void figure_at_most(double here, double bound, const char *name, ...)
{
    char text[BOUND_MAX_BYTES];
    va_list rest;

    (void)snprintf(text, sizeof(text), "<= %.6g", bound);
    va_start(rest, name);
    tell(here <= bound, name, rest, here, text);
    va_end(rest);
}

void figure_near(double here, double theory, double part, const char *name, ...)
{
    char text[BOUND_MAX_BYTES];
    va_list rest;

    (void)snprintf(text, sizeof(text), "%.6g within %g %% (%+.1f %%)", theory, part * 100, (here / theory - 1) * 100);
    va_start(rest, name);
    tell(fabs(here - theory) <= part * theory, name, rest, here, text);
    va_end(rest);
}

void figure_equal(double here, double theory, const char *name, ...)
{
    char text[BOUND_MAX_BYTES];
    va_list rest;

    (void)snprintf(text, sizeof(text), "= %.12g", theory);
    va_start(rest, name);
    tell(!(here < theory) && !(here > theory), name, rest, here, text);
    va_end(rest);
}
