/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/spec.h - what a run of two stacks is like, drawn from its seed. */
#ifndef FLUE_TEST_STREAM_SPEC_H
#define FLUE_TEST_STREAM_SPEC_H

#include <stdbool.h>

#include "flue/tcp.h"

FLUE_BEGIN_C

/* One direction of the network. */
struct spec_path {
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm, damage_ppm, mark_ppm;
    flue_ps delay_ps, jitter_ps, reorder_ps; /* jitter: 0..jitter_ps for each packet, so that packets overtake */
    uint64_t rate_bps;                       /* 0: no limit */
    flue_ps queue_ps;                        /* longest wait for the link; what would wait longer is dropped */
    flue_ps spike_from_ps, spike_to_ps, spike_ps;
    flue_ps dark_from_ps, dark_to_ps; /* nothing gets through */
    uint32_t mtu_bytes;               /* of the router; what is longer is answered with ICMP */
    uint32_t later_mtu_bytes;         /* from mtu_change_ps on */
    flue_ps mtu_change_ps;
    bool old_router; /* its ICMP error does not tell the MTU (RFC 1191 5) */
};

enum spec_finish {
    SPEC_WHEN_SENT, /* shutdown when everything is written */
    SPEC_AFTER_END, /* when the peer's end of data has been read */
    SPEC_LATER      /* finish_ps after everything is written */
};

/* One end. */
struct spec_end {
    struct flue_stack_config config;
    uint32_t first_seq;  /* of the connection, unless random_seq */
    uint32_t chunk_most; /* bytes of one send */
    bool one_size;       /* all sends are that long */
    bool random_seq;
    bool hold;       /* keeps its socket until the connection has ended; else closes when both directions are done */
    bool close_only; /* with SPEC_AFTER_END: no shutdown, close says that all is sent */
    bool nodelay, cork;
    uint64_t bytes;        /* to be sent */
    flue_ps pause_ps;      /* between sends */
    uint32_t read_most;    /* bytes of one recv */
    flue_ps read_pause_ps; /* between reads; 0: whatever is there is read at once */
    flue_ps finish_ps;
    enum spec_finish finish;
    uint32_t more_ppm, urgent_ppm, fiddle_ppm; /* per send: MSG_MORE, MSG_OOB, an option is changed */
};

struct spec {
    uint64_t seed;
    bool v6;
    bool both_open; /* simultaneous open (RFC 9293 3.5) */
    flue_ps start_ps;
    struct spec_end end[2];   /* 0 opens */
    struct spec_path path[2]; /* from that end to the other */
};

enum spec_size {
    SPEC_LARGE, /* up to some hundred segments each way */
    SPEC_SMALL, /* some dozens */
    SPEC_TINY   /* a few */
};

/* Whole-struct result. */
void spec_draw(struct spec *spec, uint64_t seed, enum spec_size size);

/* Prints it, for people. */
void spec_print(const struct spec *spec);

FLUE_END_C

#endif
