/* SPDX-License-Identifier: GPL-2.0-only */
/* base/span.h - joining, cutting and reading spans of payload. */
#ifndef FLUE_BASE_SPAN_H
#define FLUE_BASE_SPAN_H

#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

/* Appends b to a if b continues a: the same described stream at the offset that follows, or memory that follows.  An
 * empty b always fits; an empty a becomes b.  False, and no change, if b does not continue a or the length would not
 * fit 32 bits. */
bool span_append(struct flue_span *a, const struct flue_span *b);

/* `length` bytes of s, beginning with byte `from`; from + length <= s->length_bytes. */
struct flue_span span_slice(const struct flue_span *s, uint32_t from, uint32_t length);

/* Byte i of a span; i < s->length_bytes. */
uint8_t span_byte(const struct flue_span *s, uint32_t i);

/* Writes the bytes of s to out, which has room for s->length_bytes. */
void span_copy(const struct flue_span *s, uint8_t *out);

FLUE_END_C

#endif
