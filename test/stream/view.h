/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/view.h - packets as lines for people, and as a capture file. */
#ifndef FLUE_TEST_STREAM_VIEW_H
#define FLUE_TEST_STREAM_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flue/base.h"

FLUE_BEGIN_C

struct pcap;

struct view {
    struct pcap *pcap; /* NULL: no file */
    bool print;
    bool known[2];
    uint32_t base[2]; /* first sequence number of each end */
    flue_ps start_ps;
};

/* A network_watch; ctx is a struct view. */
void view_packet(void *ctx, flue_ps now_ps, unsigned from, const uint8_t *bytes, size_t length, const char *fate);

FLUE_END_C

#endif
