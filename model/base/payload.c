/* SPDX-License-Identifier: GPL-2.0-only */
/* base/payload.c - the bytes of described payload, and work on spans. */
#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/span.h"

/* Eight bytes of a stream at a time: number `word` of the stream.  One mix makes them all. */
static uint64_t payload_word(uint32_t stream, uint64_t word)
{
    return hash_mix(word + ((uint64_t)stream + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

uint8_t flue_payload_byte(uint32_t stream, uint64_t offset_bytes)
{
    return (uint8_t)(payload_word(stream, offset_bytes >> 3) >> (8 * (offset_bytes & 7)));
}

bool span_append(struct flue_span *a, const struct flue_span *b)
{
    if (b->length_bytes == 0) {
        return true;
    }
    if (a->length_bytes == 0) {
        *a = *b;
        return true;
    }
    if (b->length_bytes > UINT32_MAX - a->length_bytes) {
        return false;
    }
    if (a->memory != NULL || b->memory != NULL) {
        if (a->memory == NULL || b->memory == NULL || b->memory != a->memory + a->length_bytes) {
            return false;
        }
    } else if (a->stream != b->stream || b->offset_bytes != a->offset_bytes + a->length_bytes) {
        return false;
    }
    a->length_bytes += b->length_bytes;
    return true;
}

struct flue_span span_slice(const struct flue_span *s, uint32_t from, uint32_t length)
{
    assert(from <= s->length_bytes && length <= s->length_bytes - from);
    return (struct flue_span){
        .memory = s->memory == NULL ? NULL : s->memory + from,
        .offset_bytes = s->offset_bytes + from,
        .stream = s->stream,
        .length_bytes = length,
    };
}

uint8_t span_byte(const struct flue_span *s, uint32_t i)
{
    assert(i < s->length_bytes);
    return s->memory != NULL ? s->memory[i] : flue_payload_byte(s->stream, s->offset_bytes + i);
}

void span_copy(const struct flue_span *s, uint8_t *out)
{
    uint64_t offset = s->offset_bytes;
    uint32_t left = s->length_bytes;

    if (left == 0) {
        return;
    }
    if (s->memory != NULL) {
        memcpy(out, s->memory, left);
        return;
    }
    while (left > 0) {
        uint64_t word = payload_word(s->stream, offset >> 3) >> (8 * (offset & 7));
        uint32_t n = 8 - (uint32_t)(offset & 7);

        if (n > left) {
            n = left;
        }
        for (uint32_t i = 0; i < n; i++) {
            *out++ = (uint8_t)word;
            word >>= 8;
        }
        offset += n;
        left -= n;
    }
}
