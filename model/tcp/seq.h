/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/seq.h - comparison of TCP sequence numbers and timestamps, modulo 2^32 (RFC 9293 3.4, RFC 7323 5.2).
 *
 * Two numbers are compared by the sign of their difference, so they must lie within 2^31 of one another.  No other file
 * compares them with the operators of C. */
#ifndef FLUE_TCP_SEQ_H
#define FLUE_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b)
{
    return ((a - b) & UINT32_C(0x80000000)) != 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
    return ((b - a) & UINT32_C(0x80000000)) == 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
    return seq_lt(b, a);
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
    return seq_leq(b, a);
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? b : a;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? a : b;
}

/* Is x in [from, from + length)?  Any length below 2^32. */
static inline bool seq_within(uint32_t x, uint32_t from, uint32_t length)
{
    return x - from < length;
}

#endif
