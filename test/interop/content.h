/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/content.h - what is sent: a stream of bytes that a key and an offset determine, so that the receiver knows
 * every byte without having got it from the sender. */
#ifndef FLUE_INTEROP_CONTENT_H
#define FLUE_INTEROP_CONTENT_H

#include "flue/base.h"

FLUE_BEGIN_C

/* A permutation of 64 bits whose output looks random. */
uint64_t content_mix(uint64_t x);

void content_fill(uint64_t key, uint64_t offset_bytes, uint8_t *out, size_t bytes);
/* Answers how many of the bytes are right, up to the first wrong one. */
size_t content_right(uint64_t key, uint64_t offset_bytes, const uint8_t *data, size_t bytes);

FLUE_END_C

#endif
