/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/fuzz.h - what the targets share: the entry point, failing, a heap that can be made to fail, patterns. */
#ifndef FLUE_FUZZ_FUZZ_H
#define FLUE_FUZZ_FUZZ_H

#include "flue/tcp.h"
#include "fuzz/input.h"

/* One run of a target.  libFuzzer's name and form; answers 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what is wrong and aborts, which the fuzzer counts as a crash. */
_Noreturn void fuzz_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define FUZZ_FAIL(...) fuzz_fail(__FILE__, __LINE__, __VA_ARGS__)
#define FUZZ_REQUIRE(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fuzz_fail(__FILE__, __LINE__, "%s", #condition);                                                           \
        }                                                                                                              \
    } while (0)

/* Prints a line if the environment variable FLUE_FUZZ_TELL is set: for reading what an input does. */
void fuzz_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory of a stack, counted. */
struct fuzz_heap {
    uint64_t live_blocks;
    uint32_t good;  /* so many allocations still succeed ... */
    uint32_t bad;   /* ... and then so many fail */
    uint32_t fails; /* that have failed so far */
};
void *fuzz_allocate(struct fuzz_heap *heap, size_t bytes);
void fuzz_release(struct fuzz_heap *heap, void *memory, size_t bytes);

/* xorshift: random32 of a stack. */
static inline uint32_t fuzz_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Byte `at` of stream `stream`, which repeats itself after 65536: every target fills what it sends with it, so that any
 * reader can tell what is right. */
void fuzz_fill(uint8_t *out, unsigned stream, uint32_t from, size_t length);
bool fuzz_holds(const uint8_t *bytes, unsigned stream, uint32_t from, size_t length);

/* Fails unless every invariant of the stack holds. */
void fuzz_check(const struct flue_stack *stack);

/* Makes the checksums right of a packet whose headers reach so far: IPv4's, and TCP's or ICMP's. */
void fuzz_mend_checksums(uint8_t *packet, size_t bytes);

/* Two images (model/base/image.h) of one length: fails with the name of the record in which they differ. */
void fuzz_same_images(const uint8_t *one, const uint8_t *other, size_t bytes);

/* CRC-32 of IEEE 802.3. */
uint32_t fuzz_crc(const uint8_t *bytes, size_t length);

/* Fills in what differs between the stacks that a byte can choose: options, sizes, limits. */
void fuzz_choose_config(struct input *input, struct flue_stack_config *config);

#endif
