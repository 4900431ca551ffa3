/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/party_flue.h - Flue's TCP as a party, through flue/tcp.h alone. */
#ifndef FLUE_INTEROP_PARTY_FLUE_H
#define FLUE_INTEROP_PARTY_FLUE_H

#include "flue/tcp.h"
#include "party.h"

FLUE_BEGIN_C

struct party_flue {
    struct party party;
    struct flue_stack *stack;
    uint64_t random;
    char complaint[200];
    int refusal; /* last error that flue_stack_input() answered with, other than for a packet that is no TCP */
    void (*out)(void *ctx, const uint8_t *packet, size_t bytes);
    void *out_ctx;
};

/* out is called with what the stack sends.  0: complaint tells why not. */
int party_flue_open(struct party_flue *p, const struct flue_stack_config *config, uint64_t seed,
                    void (*out)(void *ctx, const uint8_t *packet, size_t bytes), void *out_ctx);
void party_flue_close(struct party_flue *p);
/* 1: every invariant holds; else complaint tells which does not. */
int party_flue_sound(struct party_flue *p);

FLUE_END_C

#endif
