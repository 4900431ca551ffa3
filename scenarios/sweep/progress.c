/* SPDX-License-Identifier: GPL-2.0-only */
/* A bar on a terminal, else a line every ten seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep/private.h"

#define BAR_CELLS    24
#define BAR_EVERY_S  0.2
#define LINE_EVERY_S 10.0

void sweep_duration(double seconds, char *out, size_t room)
{
    unsigned long whole = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;

    if (whole < 60) {
        (void)snprintf(out, room, "%lu s", whole);
    } else if (whole < 3600) {
        (void)snprintf(out, room, "%lu min %02lu s", whole / 60, whole % 60);
    } else {
        (void)snprintf(out, room, "%lu h %02lu min", whole / 3600, whole % 3600 / 60);
    }
}

void progress_start(struct progress *progress, enum sweep_progress kind, uint64_t total, uint64_t done_before)
{
    const char *terminal = getenv("TERM");

    if (kind == SWEEP_PROGRESS_AUTO) {
        bool can = isatty(2) && terminal != NULL && strcmp(terminal, "dumb") != 0;
        kind = can ? SWEEP_PROGRESS_BAR : SWEEP_PROGRESS_PLAIN;
    }
    *progress = (struct progress){
        .kind = kind, .total = total, .done_before = done_before, .started_s = sweep_now_s(), .shown_s = sweep_now_s()};
}

void progress_clear(struct progress *progress)
{
    if (progress->line_open) {
        (void)fputs("\r\033[K", stderr);
        progress->line_open = false;
    }
}

void progress_show(struct progress *progress, uint64_t finished, uint64_t failed, bool now)
{
    double at = sweep_now_s();
    uint64_t done = progress->done_before + finished;
    char left[32] = "unknown", failures[64] = "", bar[BAR_CELLS + 1];

    if (progress->kind == SWEEP_PROGRESS_NONE ||
        (!now && at - progress->shown_s < (progress->kind == SWEEP_PROGRESS_BAR ? BAR_EVERY_S : LINE_EVERY_S))) {
        return;
    }
    progress->shown_s = at;
    if (finished > 0) {
        sweep_duration((at - progress->started_s) / (double)finished * (double)(progress->total - done), left,
                       sizeof left);
    }
    if (failed > 0) {
        (void)snprintf(failures, sizeof failures, ", %llu failed", (unsigned long long)failed);
    }
    if (progress->kind == SWEEP_PROGRESS_PLAIN) {
        (void)fprintf(stderr, "%llu of %llu runs%s, about %s left\n", (unsigned long long)done,
                      (unsigned long long)progress->total, failures, left);
        return;
    }
    for (uint64_t i = 0; i < BAR_CELLS; i++) {
        bar[i] = i * progress->total < done * BAR_CELLS ? '#' : '.';
    }
    bar[BAR_CELLS] = '\0';
    (void)fprintf(stderr, "\r\033[K[%s] %llu/%llu%s, ETA %s", bar, (unsigned long long)done,
                  (unsigned long long)progress->total, failures, left);
    (void)fflush(stderr);
    progress->line_open = true;
}
