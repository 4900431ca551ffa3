/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/cells.h - the matrix of a test program: every cell is a process of its own, several run at once, and one line
 * of output tells each failure. */
#ifndef FLUE_INTEROP_CELLS_H
#define FLUE_INTEROP_CELLS_H

#include "exchange.h"

FLUE_BEGIN_C

#define CELLS_SKIP 77

/* Every kind of network that the matrices use; the later ones take their time and are for virtual time only. */
struct network {
    const char *name;
    struct impair_params params;
};
extern const struct network network_table[];
unsigned network_count(int virtual_time);

struct cell {
    char name[96];
    uint64_t seed;
    unsigned number;  /* in the matrix */
    void *own;        /* of the test program */
    const char *pcap; /* file to write, or NULL */
    int verbose;
};

struct cell_result {
    uint64_t compared; /* bytes */
    char note[160];    /* for --verbose */
    char failure[400]; /* "": passed */
};

/* Ends an exchange on the heap, and writes what came of it. */
void cell_finish(struct exchange *x, struct cell_result *result);

typedef void cell_fn(const struct cell *cell, struct cell_result *result);

struct options {
    int full, verbose, list, plumbing;
    uint64_t seed;
    unsigned seeds; /* 0: as the tier says */
    unsigned jobs;
    const char *only, *pcap;
};

/* Answers -1, or the exit code to end with. */
int options_read(struct options *options, int argc, char **argv, const char *what);

/* Runs the cells, each for at most `seconds`.  Answers the exit code. */
int cells_run(struct options *options, struct cell *cells, unsigned count, cell_fn *run, unsigned seconds);

FLUE_END_C

#endif
