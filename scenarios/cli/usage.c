/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run took of this machine. */
#include "cli/usage.h"

#include <sys/resource.h>

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void usage_since(const struct timespec *begin, struct usage *out)
{
    struct timespec end;
    struct rusage usage;

    *out = (struct usage){.wall_s = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    out->wall_s = (double)(end.tv_sec - begin->tv_sec) + (double)(end.tv_nsec - begin->tv_nsec) / 1e9;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        out->cpu_s = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
        out->max_rss_kib = usage.ru_maxrss;
    }
}
