/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/base.h - the words every other header uses: errors, simulated time, spans of payload, the list hook.
 *
 * Ownership in Flue is told in four words.
 *   owns      frees it, or hands it on
 *   borrows   may look until the stated moment, never frees
 *   copies    keeps its own version; the caller's may vanish at return
 *   lends     gives it away until completion, then owns it again
 * Units stand in names: _ps picoseconds, _bytes, _bps bits per second, _hz, _cycles. */
#ifndef FLUE_BASE_H
#define FLUE_BASE_H

#include <stddef.h>
#include <stdint.h>

/* Around the declarations of a header, so that C++ gives them C's linkage. */
#ifdef __cplusplus
#define FLUE_BEGIN_C extern "C" {
#define FLUE_END_C   }
#else
#define FLUE_BEGIN_C
#define FLUE_END_C
#endif

/* On a function whose result must be looked at. */
#if defined(__GNUC__)
#define FLUE_CHECKED __attribute__((warn_unused_result))
/* Out of the way of the code that calls it, which it rarely does: that need not keep registers for the call. */
#define FLUE_COLD __attribute__((cold, noinline))
#else
#define FLUE_CHECKED
#define FLUE_COLD
#endif

FLUE_BEGIN_C

/* Our program failed.  (A refusal by the modelled adapter is an NDIS_STATUS, never a flue_err.)
 * FLUE_OK is 0; the names and sentences stand in err.def. */
typedef enum flue_err {
#define FLUE_ERR(code, name, sentence) FLUE_##name = (code),
#include "flue/err.def"
#undef FLUE_ERR
} flue_err;

/* "EINVAL" and "an argument or a file ...": static storage; never NULL, also for unknown codes. */
const char *flue_err_name(flue_err err);
const char *flue_err_sentence(flue_err err);

/* Simulated time: signed picoseconds since the start of the run (106 days fit). */
typedef int64_t flue_ps;

/* As a deadline: none. */
#define FLUE_PS_NEVER INT64_MAX
/* Picoseconds in a nanosecond, and so on. */
#define FLUE_PS_PER_NS INT64_C(1000)
#define FLUE_PS_PER_US INT64_C(1000000)
#define FLUE_PS_PER_MS INT64_C(1000000000)
#define FLUE_PS_PER_S  INT64_C(1000000000000)

/* Payload: either real memory (memory != NULL, borrowed), or described: length_bytes bytes of stream
 * `stream` from offset_bytes on.  Described bytes are made by flue_payload_byte() when somebody who
 * is not Flue has to see them. */
struct flue_span {
    const uint8_t *memory; /* borrowed; NULL: the bytes are described */
    uint64_t offset_bytes; /* of the first byte in the stream; memory: not significant */
    uint32_t stream;       /* number of the stream; memory: not significant */
    uint32_t length_bytes; /* 0: nothing */
};

/* The byte at `offset_bytes` of described stream `stream`: a fixed function. */
uint8_t flue_payload_byte(uint32_t stream, uint64_t offset_bytes);

/* Hook of an intrusive, doubly linked list (model/base/list.h). */
struct flue_hook {
    /* An empty list's head points at itself, both ways. */
    struct flue_hook *next;
    struct flue_hook *prev;
};

FLUE_END_C

#endif
