/* SPDX-License-Identifier: GPL-2.0-only */
/* frame/toeplitz.h - the hash of receive-side scaling (NdisHashFunctionToeplitz), over the addresses and ports of a
 * segment as they stand in it. */
#ifndef FLUE_FRAME_TOEPLITZ_H
#define FLUE_FRAME_TOEPLITZ_H

#include <stdbool.h>

#include "flue/wire.h"

enum { TOEPLITZ_KEY_BYTES = 40 };

/* The key of the published verification suite; whoever wants to be safe from crafted traffic takes another. */
extern const uint8_t toeplitz_suite_key[TOEPLITZ_KEY_BYTES];

/* with_ports: of the types TCP_IPV4 and TCP_IPV6; else of IPV4 and IPV6, and ports are not looked at. */
uint32_t toeplitz_hash(const uint8_t key[TOEPLITZ_KEY_BYTES], const struct flue_ip *src_ip,
                       const struct flue_ip *dst_ip, uint16_t src_port, uint16_t dst_port, bool with_ports);

#endif
