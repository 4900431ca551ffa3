/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/input.h - the bytes that drive a target, read from the front; behind their end all is 0. */
#ifndef FLUE_FUZZ_INPUT_H
#define FLUE_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
    const uint8_t *bytes;
    size_t left;
};

static inline bool input_any(const struct input *input)
{
    return input->left > 0;
}

static inline uint8_t input_u8(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

static inline uint16_t input_u16(struct input *input)
{
    unsigned high = input_u8(input);

    return (uint16_t)(high << 8 | input_u8(input));
}

static inline uint32_t input_u32(struct input *input)
{
    uint32_t high = input_u16(input);

    return high << 16 | input_u16(input);
}

static inline uint64_t input_u64(struct input *input)
{
    uint64_t high = input_u32(input);

    return high << 32 | input_u32(input);
}

/* 0 .. below-1 */
static inline unsigned input_below(struct input *input, unsigned below)
{
    return input_u8(input) % below;
}

/* At most `most` bytes, borrowed from the input; *length tells how many there are. */
static inline const uint8_t *input_take(struct input *input, size_t most, size_t *length)
{
    const uint8_t *from = input->bytes;

    *length = most < input->left ? most : input->left;
    input->bytes += *length;
    input->left -= *length;
    return from;
}

#endif
