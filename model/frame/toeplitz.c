/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/toeplitz.c - the Toeplitz hash: for each bit of the input that is set, the 32 bits of the key that begin at the
 * same place are added modulo 2. */

#include "frame/toeplitz.h"

const uint8_t toeplitz_suite_key[TOEPLITZ_KEY_BYTES] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                                        0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                                        0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                                        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

/* The input is at most 36 bytes, so the key is never used up: nine words and the 32 bits behind the last bit. */
struct hashing {
    const uint8_t *key; /* the bytes that have not yet been in `window` */
    uint64_t window;    /* its upper half goes with the next bit */
    uint32_t hash;
};

static uint32_t key_word(const uint8_t *key)
{
    return (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
}

static void add_word(struct hashing *hashing, uint32_t word)
{
    hashing->window |= key_word(hashing->key);
    hashing->key += 4;
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((word << bit & UINT32_C(0x80000000)) != 0) {
            hashing->hash ^= (uint32_t)(hashing->window >> 32);
        }
        hashing->window <<= 1;
    }
}

static void add_address(struct hashing *hashing, const struct flue_ip *ip)
{
    for (unsigned i = flue_ip_is_v4(ip) ? 3 : 0; i < 4; i++) {
        add_word(hashing, ip->word[i]);
    }
}

uint32_t toeplitz_hash(const uint8_t key[TOEPLITZ_KEY_BYTES], const struct flue_ip *src_ip,
                       const struct flue_ip *dst_ip, uint16_t src_port, uint16_t dst_port, bool with_ports)
{
    struct hashing hashing = {.key = key + 4, .window = (uint64_t)key_word(key) << 32};

    add_address(&hashing, src_ip);
    add_address(&hashing, dst_ip);
    if (with_ports) {
        add_word(&hashing, (uint32_t)src_port << 16 | dst_port);
    }
    return hashing.hash;
}
