/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/ndisrss.h - receive-side scaling: the part of the documented interface by which a protocol driver tells an
 * adapter which processor is to see what it receives.
 *
 * The adapter hashes addresses and ports of a frame (NdisHashFunctionToeplitz) with a secret key; the low bits of the
 * hash choose an entry of the indirection table, and that entry plus BaseCpuNumber is the processor.  Frames without a
 * hash go to BaseCpuNumber.  An offloaded connection is not hashed: its HashValue counts (behaviour 15.8). */
#ifndef FLUE_NDISRSS_H
#define FLUE_NDISRSS_H

#include "flue/ndis.h"

FLUE_BEGIN_C

enum {
    NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED = 0x0001,
    NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED = 0x0002,
    NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED = 0x0004,
    NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED = 0x0008,
    NDIS_RSS_PARAM_FLAG_DISABLE_RSS = 0x0010
};

/* HashInformation: the function in the low byte, the types as bits above it.  0: receive-side scaling is off. */
enum {
    NdisHashFunctionToeplitz = 0x00000001,
    NDIS_HASH_FUNCTION_MASK = 0x000000FF,
    NDIS_HASH_TYPE_MASK = 0x00FFFF00,
    NDIS_HASH_IPV4 = 0x00000100,
    NDIS_HASH_TCP_IPV4 = 0x00000200,
    NDIS_HASH_IPV6 = 0x00000400,
    NDIS_HASH_TCP_IPV6 = 0x00001000
};

enum {
    NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1 = 1,
    NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1 = 0x1C,
    NDIS_RSS_INDIRECTION_TABLE_MAX_SIZE_REVISION_1 = 128,
    NDIS_RSS_HASH_SECRET_KEY_MAX_SIZE_REVISION_1 = 40
};

/* Payload of OID_GEN_RECEIVE_SCALE_PARAMETERS, in front of a table and a key.  Revision 1: each entry of the table is a
 * byte.  page: ns_ntddndis_ndis_receive_scale_parameters */
typedef struct NDIS_RECEIVE_SCALE_PARAMETERS {
    NDIS_OBJECT_HEADER Header; /* NDIS_OBJECT_TYPE_RSS_PARAMETERS */
    USHORT Flags;              /* NDIS_RSS_PARAM_FLAG_...: what is as it was; 0 in a query */
    USHORT BaseCpuNumber;
    ULONG HashInformation;
    USHORT IndirectionTableSize; /* bytes, a power of two */
    ULONG IndirectionTableOffset;
    USHORT HashSecretKeySize; /* bytes */
    ULONG HashSecretKeyOffset;
} NDIS_RECEIVE_SCALE_PARAMETERS, *PNDIS_RECEIVE_SCALE_PARAMETERS;
#ifndef __cplusplus
_Static_assert(sizeof(NDIS_RECEIVE_SCALE_PARAMETERS) == NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1,
               "the published layout");
#endif

/* All of it in one piece; Flue's own form. */
typedef struct FLUE_RECEIVE_SCALE {
    NDIS_RECEIVE_SCALE_PARAMETERS Parameters;
    UCHAR Table[NDIS_RSS_INDIRECTION_TABLE_MAX_SIZE_REVISION_1];
    UCHAR Key[NDIS_RSS_HASH_SECRET_KEY_MAX_SIZE_REVISION_1];
} FLUE_RECEIVE_SCALE;

FLUE_END_C

#endif
