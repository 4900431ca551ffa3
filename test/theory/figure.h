/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/figure.h - a figure, what it is here, and its bound: one line on the standard output, and a test. */
#ifndef FLUE_TEST_THEORY_FIGURE_H
#define FLUE_TEST_THEORY_FIGURE_H

/* The line that names the columns; once, first. */
void figure_head(void);

/* Fails if `here` is outside.  name tells the case as well, as printf() does. */
void figure_at_least(double here, double bound, const char *name, ...) __attribute__((format(printf, 3, 4)));
void figure_at_most(double here, double bound, const char *name, ...) __attribute__((format(printf, 3, 4)));
/* `here` within `part` of theory: 0.15 is 15 %. */
void figure_near(double here, double theory, double part, const char *name, ...) __attribute__((format(printf, 4, 5)));
void figure_equal(double here, double theory, const char *name, ...) __attribute__((format(printf, 3, 4)));

#endif
