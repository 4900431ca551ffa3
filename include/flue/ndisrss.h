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

/* Flags: parts of the parameters that stay as they are; and the switch. */
enum {
    NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED = 0x0001,  /* BaseCpuNumber */
    NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED = 0x0002, /* HashInformation */
    NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED = 0x0004,    /* the indirection table */
    NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED = 0x0008,  /* the secret key */
    NDIS_RSS_PARAM_FLAG_DISABLE_RSS = 0x0010          /* no receive-side scaling from now on */
};

/* HashInformation: the function in the low byte, the types as bits above it.  0: receive-side scaling is off. */
enum {
    NdisHashFunctionToeplitz = 0x00000001, /* the function */
    NDIS_HASH_FUNCTION_MASK = 0x000000FF,  /* bits of the function */
    NDIS_HASH_TYPE_MASK = 0x00FFFF00,      /* bits of the types */
    NDIS_HASH_IPV4 = 0x00000100,           /* over addresses */
    NDIS_HASH_TCP_IPV4 = 0x00000200,       /* over addresses and ports */
    NDIS_HASH_IPV6 = 0x00000400,           /* the two of IPv6: over addresses */
    NDIS_HASH_TCP_IPV6 = 0x00001000        /* over addresses and ports */
};

/* Revision and bounds, in bytes. */
enum {
    NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1 = 1,           /* the one that Flue knows */
    NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1 = 0x1C, /* of the structure */
    NDIS_RSS_INDIRECTION_TABLE_MAX_SIZE_REVISION_1 = 128,   /* of the table */
    NDIS_RSS_HASH_SECRET_KEY_MAX_SIZE_REVISION_1 = 40       /* of the key */
};

/* Payload of OID_GEN_RECEIVE_SCALE_PARAMETERS, in front of a table and a key.  Revision 1: each entry of the table is a
 * byte.  page: ns_ntddndis_ndis_receive_scale_parameters */
typedef struct NDIS_RECEIVE_SCALE_PARAMETERS {
    NDIS_OBJECT_HEADER Header;    /* NDIS_OBJECT_TYPE_RSS_PARAMETERS */
    USHORT Flags;                 /* NDIS_RSS_PARAM_FLAG_...: what is as it was; 0 in a query */
    USHORT BaseCpuNumber;         /* added to each entry of the table */
    ULONG HashInformation;        /* function and types; 0: off */
    USHORT IndirectionTableSize;  /* bytes, a power of two */
    ULONG IndirectionTableOffset; /* bytes from the start of the structure */
    USHORT HashSecretKeySize;     /* bytes */
    ULONG HashSecretKeyOffset;    /* bytes from the start of the structure */
} NDIS_RECEIVE_SCALE_PARAMETERS, *PNDIS_RECEIVE_SCALE_PARAMETERS;
#ifndef __cplusplus
_Static_assert(sizeof(NDIS_RECEIVE_SCALE_PARAMETERS) == NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1,
               "the published layout");
#endif

/* All of it in one piece; Flue's own form. */
typedef struct FLUE_RECEIVE_SCALE {
    NDIS_RECEIVE_SCALE_PARAMETERS Parameters;                    /* its two offsets lead to Table and Key */
    UCHAR Table[NDIS_RSS_INDIRECTION_TABLE_MAX_SIZE_REVISION_1]; /* processors */
    UCHAR Key[NDIS_RSS_HASH_SECRET_KEY_MAX_SIZE_REVISION_1];     /* of the hash */
} FLUE_RECEIVE_SCALE;

FLUE_END_C

#endif
