/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/fuzz.c - what the targets share. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "frame/frame.h"
#include "fuzz/fuzz.h"

#define PERIOD 65536u

void fuzz_fail(const char *file, int line, const char *format, ...)
{
    va_list list;

    (void)fprintf(stderr, "%s:%d: FAILED: ", file, line);
    va_start(list, format);
    (void)vfprintf(stderr, format, list);
    va_end(list);
    (void)fputc('\n', stderr);
    abort();
}

void fuzz_tell(const char *format, ...)
{
    static int wanted = -1;
    va_list list;

    if (wanted < 0) {
        wanted = getenv("FLUE_FUZZ_TELL") != NULL;
    }
    if (wanted) {
        va_start(list, format);
        (void)vfprintf(stderr, format, list);
        va_end(list);
        (void)fputc('\n', stderr);
    }
}

/* The pattern, twice in a row, so that any stretch of it lies in one piece. */
static const uint8_t *pattern(void)
{
    static uint8_t bytes[2 * PERIOD];

    if (bytes[1] == 0) {
        for (uint32_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)((i % PERIOD * UINT32_C(2654435761)) >> 23);
        }
    }
    return bytes;
}

static uint32_t place(unsigned stream, uint32_t from)
{
    return (from + stream * 20011u) % PERIOD;
}

void fuzz_fill(uint8_t *out, unsigned stream, uint32_t from, size_t length)
{
    while (length > 0) {
        size_t part = length < PERIOD ? length : PERIOD;

        memcpy(out, pattern() + place(stream, from), part);
        out += part;
        from += (uint32_t)part;
        length -= part;
    }
}

bool fuzz_holds(const uint8_t *bytes, unsigned stream, uint32_t from, size_t length)
{
    bool holds = true;

    while (length > 0 && holds) {
        size_t part = length < PERIOD ? length : PERIOD;

        holds = memcmp(bytes, pattern() + place(stream, from), part) == 0;
        bytes += part;
        from += (uint32_t)part;
        length -= part;
    }
    return holds;
}

#define SIZE_ROOM 16 /* in front of a block: its size; keeps malloc()'s alignment */

void *fuzz_allocate(struct fuzz_heap *heap, size_t bytes)
{
    uint8_t *block;

    if (heap->bad > 0 && heap->good == 0) {
        heap->bad--;
        heap->fails++;
        fuzz_tell("    allocation of %zu bytes fails", bytes);
        return NULL;
    }
    if (heap->good > 0) {
        heap->good--;
    }
    FUZZ_REQUIRE(bytes > 0 && bytes <= (size_t)1 << 31);
    block = calloc(1, SIZE_ROOM + bytes);
    if (block == NULL) {
        FUZZ_FAIL("the machine has no memory for %zu bytes", bytes);
    }
    memcpy(block, &bytes, sizeof bytes);
    heap->live_blocks++;
    return block + SIZE_ROOM;
}

void fuzz_release(struct fuzz_heap *heap, void *memory, size_t bytes)
{
    uint8_t *block = memory;
    size_t given;

    if (memory == NULL) {
        return;
    }
    memcpy(&given, block - SIZE_ROOM, sizeof given);
    FUZZ_REQUIRE(given == bytes);
    FUZZ_REQUIRE(heap->live_blocks > 0);
    heap->live_blocks--;
    free(block - SIZE_ROOM);
}

void fuzz_check(const struct flue_stack *stack)
{
    char what[160] = "";

    if (flue_stack_check(stack, what, sizeof what) != FLUE_STACK_OK) {
        FUZZ_FAIL("flue_stack_check: %s", what);
    }
}

static uint32_t get(const uint8_t *at, unsigned width)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The sum behind IP's header: with the pseudo header but for ICMP of IPv4. */
static void mend_upper(uint8_t *packet, const uint8_t *addresses, size_t address_bytes, unsigned protocol, size_t at,
                       size_t end)
{
    enum { ICMPV4 = 1, TCP = 6, ICMPV6 = 58 };
    size_t field = at + (protocol == TCP ? 16 : 2);
    uint64_t sum = 0;

    if ((protocol != TCP && protocol != ICMPV4 && protocol != ICMPV6) || field + 2 > end) {
        return;
    }
    if (protocol != ICMPV4) {
        uint8_t tail[4] = {(uint8_t)((end - at) >> 8), (uint8_t)(end - at), 0, (uint8_t)protocol};

        sum = frame_sum(frame_sum(0, addresses, 2 * address_bytes), tail, sizeof tail);
    }
    put16(packet + field, 0);
    put16(packet + field, frame_sum_finish(frame_sum(sum, packet + at, end - at)));
}

void fuzz_mend_checksums(uint8_t *packet, size_t bytes)
{
    size_t end, at;
    unsigned next;

    if (bytes >= FRAME_IPV4_BYTES && packet[0] >> 4 == 4) {
        at = (size_t)(packet[0] & 15) * 4;
        end = get(packet + 2, 2);
        if (at < FRAME_IPV4_BYTES || at > bytes) {
            return;
        }
        put16(packet + 10, 0);
        put16(packet + 10, frame_sum_finish(frame_sum(0, packet, at)));
        mend_upper(packet, packet + 12, 4, packet[9], at, end < bytes ? end : bytes);
    } else if (bytes >= FRAME_IPV6_BYTES && packet[0] >> 4 == 6) {
        at = FRAME_IPV6_BYTES;
        end = FRAME_IPV6_BYTES + get(packet + 4, 2);
        end = end < bytes ? end : bytes;
        next = packet[6];
        while ((next == 0 || next == 43 || next == 44 || next == 60) && at + 8 <= end) {
            size_t length = next == 44 ? 8 : 8 * (packet[at + 1] + (size_t)1);

            next = packet[at];
            at += length;
        }
        mend_upper(packet, packet + 8, 16, next, at, end);
    }
}

void fuzz_same_images(const uint8_t *one, const uint8_t *other, size_t bytes)
{
    size_t start = 12;

    for (size_t at = start; at + 6 <= bytes && one[at] != 0;) {
        size_t name = one[at];
        size_t value = at + 6 + name;
        size_t length = (size_t)one[value - 4] | (size_t)one[value - 3] << 8 | (size_t)one[value - 2] << 16 |
                        (size_t)one[value - 1] << 24;

        if (value + length > bytes || memcmp(one + at, other + at, value + length - at) != 0) {
            FUZZ_FAIL("the images differ in %.*s", (int)name, (const char *)one + at + 2);
        }
        at = value + length;
    }
    FUZZ_REQUIRE(memcmp(one, other, bytes) == 0);
}

uint32_t fuzz_crc(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
        }
    }
    return ~crc;
}

void fuzz_choose_config(struct input *input, struct flue_stack_config *config)
{
    static const uint32_t buffers[8] = {262144, 65536, 8192, 4096, 1500, 200, 1, 1 << 20};
    static const uint32_t sizes[4] = {1460, 536, 88, 9000};
    unsigned options = input_u8(input);
    unsigned more = input_u8(input);
    unsigned room = input_u8(input);
    struct flue_tcp_params *tcp = &config->tcp;

    tcp->timestamps = (options & 1) == 0;
    tcp->window_scaling = (options & 2) == 0;
    tcp->sack = (options & 4) == 0;
    tcp->nagle = (options & 8) == 0;
    tcp->ecn = options >> 4 & 3 ? (options >> 4 & 3) - 1 : 0;
    tcp->congestion = (options & 64) != 0 ? FLUE_TCP_CUBIC : FLUE_TCP_NEWRENO;
    tcp->limited_transmit = (options & 128) == 0;
    tcp->keep_alive = more & 1;
    tcp->idle_restart = (more & 2) == 0;
    tcp->path_mtu_discovery = (more & 4) == 0;
    tcp->initial_window = (more & 8) != 0 ? 1 : 10;
    tcp->ack_every = (more & 16) != 0 ? 1 : 2;
    tcp->mss_bytes = sizes[more >> 5 & 3];
    tcp->syn_option_order = (more & 128) != 0 ? 0x3124 : 0;
    tcp->rcv_buffer_bytes = buffers[room & 7];
    config->snd_buffer_bytes = buffers[room >> 3 & 7];
    tcp->dup_ack_threshold = (room & 64) != 0 ? 1 : 3;
    tcp->ts_offset = (room & 128) != 0 ? UINT32_C(0xfffffff0) : 0;
}
