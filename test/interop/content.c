/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams of bytes that a key and an offset determine. */
#include "content.h"

#include <string.h>

/* Multiplications by odd numbers and xors with own high halves: each step can be undone, so nothing is lost. */
uint64_t content_mix(uint64_t x)
{
    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 29) * UINT64_C(0xd1342543de82ef95);
    x = (x ^ x >> 32) * UINT64_C(0xaf251af3b0f025b5);
    return x ^ x >> 31;
}

/* The bytes of word n, lowest first. */
static void word_bytes(uint64_t key, uint64_t n, uint8_t out[8])
{
    uint64_t word = content_mix(key + n * UINT64_C(0x9e3779b97f4a7c15));

    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(word >> 8 * i);
    }
}

void content_fill(uint64_t key, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    uint8_t word[8];

    while (bytes > 0) {
        size_t skip = offset_bytes % 8, part = 8 - skip < bytes ? 8 - skip : bytes;

        word_bytes(key, offset_bytes / 8, word);
        memcpy(out, word + skip, part);
        out += part;
        offset_bytes += part;
        bytes -= part;
    }
}

size_t content_right(uint64_t key, uint64_t offset_bytes, const uint8_t *data, size_t bytes)
{
    uint8_t word[8];
    size_t done = 0;

    while (done < bytes) {
        size_t skip = offset_bytes % 8, part = 8 - skip < bytes - done ? 8 - skip : bytes - done;

        word_bytes(key, offset_bytes / 8, word);
        for (size_t i = 0; i < part; i++) {
            if (data[done + i] != word[skip + i]) {
                return done + i;
            }
        }
        done += part;
        offset_bytes += part;
    }
    return done;
}
