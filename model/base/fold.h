/* SPDX-License-Identifier: GPL-2.0-only */
/* base/fold.h - a digest of what a box keeps, one value after another: for comparing states, not for hash tables. */
#ifndef FLUE_BASE_FOLD_H
#define FLUE_BASE_FOLD_H

#include "base/hash.h"
#include "flue/base.h"

static inline void fold(uint64_t *digest, uint64_t value)
{
    *digest = hash_mix(*digest * UINT64_C(0x9e3779b97f4a7c15) + value + 1);
}

/* A moment, counted from now_ps in whole milliseconds: what lies closer together is one moment. */
static inline void fold_at(uint64_t *digest, flue_ps at_ps, flue_ps now_ps)
{
    const flue_ps delta_ps = at_ps - now_ps;

    if (at_ps == FLUE_PS_NEVER) {
        fold(digest, UINT64_MAX);
    } else {
        fold(digest, (uint64_t)((delta_ps + (delta_ps < 0 ? -FLUE_PS_PER_MS : FLUE_PS_PER_MS) / 2) / FLUE_PS_PER_MS));
    }
}

static inline void fold_span(uint64_t *digest, const struct flue_span *span)
{
    fold(digest, (uint64_t)span->stream << 32 | span->length_bytes);
    fold(digest, span->offset_bytes);
}

#endif
