/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/ddi.h - what the documentation of the interface leaves open, and Flue lets a scenario choose (keys `ddi.NAME`).
 * One copy per node moves host, target, dispatcher and checker together.  Numbers in brackets are Flue's decisions. */
#ifndef FLUE_DDI_H
#define FLUE_DDI_H

#include "flue/base.h"

FLUE_BEGIN_C

/* Versions of NDIS, ascending: 6.1 brings DWnd; 6.20 TcpReceiveBytesTransferred and CONNECTION_REJECTED (D-06). */
enum flue_ndis_version { FLUE_NDIS_6_20, FLUE_NDIS_6_1, FLUE_NDIS_6_0 };

/* The choices.  0 is the default of each, but for the numbers at the end: flue_ddi_defaults(). */
struct flue_ddi {
    uint8_t ndis_version;         /* enum flue_ndis_version [D-06] */
    uint8_t walk_failure_stop;    /* 1: a failed inner block ends the walk of an initiate; 0: only its subtree [D-11] */
    uint8_t invalidate_acks_none; /* 1: after invalidate not even a pure ACK is sent [D-24] */
    uint8_t invalid_raise_eager;  /* 1: Retrieve(InvalidState) for all dependents at once; 0: at the first attempt to
                                   * send [D-25] */
    uint8_t upload_sends_complete; /* 1: terminate completes unfinished sends; 0: hands them back in the chain [D-29] */
    uint8_t terminate_recipe;      /* 1: the target keeps an object whose terminate failed for one more [D-32] */
    uint8_t push_timer_once;       /* 1: data that arrives does not restart a running push timer [D-43] */
    uint8_t chimney_moderation_none; /* 1: chimney completions do not wait for the moderated interrupt [D-47] */
    uint32_t upload_deadline_ms;     /* how long the host may ignore a mandatory Retrieve; 0: for ever [D-33] */
    uint32_t reoffload_backoff_ms;   /* first wait before a connection that had to come back goes again; doubles up to
                                      * 64 s; 0: none [D-35] */
    uint32_t fin_wait2_s;            /* the target's limit of FIN-WAIT-2 [D-54] */
    uint32_t without;                /* number of a rule (flue/ddi_rules.def) that host and target do not follow, to see
                                      * what it is good for; 0: none */
};

/* Every choice as Flue makes it when nothing is said; numbers: 10 s, 1 s, 120 s, no rule left out. */
static inline struct flue_ddi flue_ddi_defaults(void)
{
    struct flue_ddi ddi = {0, 0, 0, 0, 0, 0, 0, 0, 10000, 1000, 120, 0};

    return ddi;
}

/* Asked where host and target do what a rule demands, never for each segment. */
static inline int flue_ddi_obeys(const struct flue_ddi *ddi, unsigned rule)
{
    return ddi->without != rule;
}

FLUE_END_C

#endif
