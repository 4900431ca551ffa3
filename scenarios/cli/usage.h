/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/usage.h - what a run took of this machine. */
#ifndef FLUE_CLI_USAGE_H
#define FLUE_CLI_USAGE_H

#include <stdint.h>
#include <time.h>

struct usage {
    double wall_s, cpu_s;
    int64_t max_rss_kib;
};

/* begin: CLOCK_MONOTONIC at the start.  Processor time and memory are the process's. */
void usage_since(const struct timespec *begin, struct usage *out);

#endif
