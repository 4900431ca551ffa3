/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/ndis.h - the few NDIS basics that the chimney interface (flue/ndischimney.h) stands on: base types, status
 * values, buffers, the life of drivers, the ordinary data path.
 *
 * Written from the public documentation: names and order of members as documented, comments in our words.
 * Source-shaped, not binary compatible: never include it together with a real driver kit.  One thread, simulated time
 * only. No function here keeps global state: each node has one struct flue_ndis, and every handle leads back to it. */
#ifndef FLUE_NDIS_H
#define FLUE_NDIS_H

#if defined(_NDIS_) || defined(__NDIS_H) || defined(NDIS_WDM) || defined(_WDMDDK_)
#error "flue/ndis.h stands in for the driver kit's headers and cannot be included together with them"
#endif

#include "flue/base.h"

FLUE_BEGIN_C

struct flue_env;                    /* flue/env.h */
struct flue_frame;                  /* flue/wire.h */
struct flue_trace;                  /* flue/trace.h */
struct flue_ndis;                   /* one per node; opaque */
struct ndis_pool;                   /* opaque; see "Buffers" */
struct NDIS_TCP_CONNECTION_OFFLOAD; /* flue/ndischimney.h */

/* A condition that the compiler checks, in C and in C++. */
#ifdef __cplusplus
#define FLUE_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define FLUE_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* ---- Base types ---- */

/* Integers, pointers and handles under their documented names. */
typedef uint8_t UCHAR;
typedef uint16_t USHORT;
typedef uint32_t ULONG; /* 32 bits on every machine, as in the documentation */
typedef uint64_t ULONG64;
typedef uint8_t BOOLEAN;
typedef void *PVOID;
typedef void *NDIS_HANDLE;
typedef int32_t NDIS_STATUS;       /* compared by exact value; the sign bit alone is no test for failure */
typedef uint32_t NDIS_PORT_NUMBER; /* 0 = the default port */
typedef ULONG NDIS_OID;

/* The head of every structure that can have revisions. */
typedef struct NDIS_OBJECT_HEADER {
    UCHAR Type;     /* NDIS_OBJECT_TYPE_..., of a block OFFLOAD_STATE_TYPE */
    UCHAR Revision; /* of that type, from 1 on */
    USHORT Size;    /* bytes of the whole object, header included */
} NDIS_OBJECT_HEADER, *PNDIS_OBJECT_HEADER;

FLUE_STATIC_ASSERT(sizeof(NDIS_OBJECT_HEADER) == 4, "NDIS_OBJECT_HEADER");

/* ---- Values, with the strength of their source ---- */

/* How well a number is known. */
enum flue_mark {
    FLUE_MARK_PUBLIC,      /* several public headers or tables agree */
    FLUE_MARK_UNCONFIRMED, /* one source of unproven origin; change it here if a licensed kit says otherwise */
    FLUE_MARK_DERIVED,     /* computed from the documented member order and natural alignment */
    FLUE_MARK_PRIVATE      /* invented by Flue; the documentation gives no number */
};

/* X(name, value, mark).  Severity stands in the top bits: PARTIAL_SUCCESS is informational (0x4...), while both
 * DATA_... codes are errors (0xC...) although the second means that part of the data was taken. */
#define FLUE_NDIS_STATUS_LIST(X)                                                                                       \
    X(NDIS_STATUS_SUCCESS, 0x00000000, PUBLIC)                                                                         \
    X(NDIS_STATUS_PENDING, 0x00000103, PUBLIC)                                                                         \
    X(NDIS_STATUS_FAILURE, 0xC0000001, PUBLIC)                                                                         \
    X(NDIS_STATUS_RESOURCES, 0xC000009A, PUBLIC)                                                                       \
    X(NDIS_STATUS_NOT_SUPPORTED, 0xC00000BB, PUBLIC)                                                                   \
    X(NDIS_STATUS_INVALID_STATE, 0xC0000184, PUBLIC)                                                                   \
    X(NDIS_STATUS_INVALID_PARAMETER, 0xC000000D, PUBLIC)                                                               \
    X(NDIS_STATUS_INVALID_LENGTH, 0xC0010014, PUBLIC)                                                                  \
    X(NDIS_STATUS_BUFFER_TOO_SHORT, 0xC0010016, PUBLIC)                                                                \
    X(NDIS_STATUS_LINK_STATE, 0x40010017, PUBLIC)                                                                      \
    X(NDIS_STATUS_BAD_VERSION, 0xC0010004, PUBLIC)                                                                     \
    X(NDIS_STATUS_BAD_CHARACTERISTICS, 0xC0010005, PUBLIC)                                                             \
    X(NDIS_STATUS_REQUEST_ABORTED, 0xC001000C, PUBLIC)                                                                 \
    X(NDIS_STATUS_PAUSED, 0xC023002A, PUBLIC)                                                                          \
    X(NDIS_STATUS_OFFLOAD_PAUSE, 0x40020001, PUBLIC)                                                                   \
    X(NDIS_STATUS_UPLOAD_ALL, 0x40020002, PUBLIC)                                                                      \
    X(NDIS_STATUS_OFFLOAD_RESUME, 0x40020003, PUBLIC)                                                                  \
    X(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, 0x40020004, PUBLIC)                                                         \
    X(NDIS_STATUS_OFFLOAD_STATE_INVALID, 0x40020005, PUBLIC)                                                           \
    X(NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, 0x4002000B, PUBLIC)                                    \
    X(NDIS_STATUS_UPLOAD_IN_PROGRESS, 0xC0231001, PUBLIC)                                                              \
    X(NDIS_STATUS_REQUEST_UPLOAD, 0xC0231002, PUBLIC)                                                                  \
    X(NDIS_STATUS_UPLOAD_REQUESTED, 0xC0231003, PUBLIC)                                                                \
    X(NDIS_STATUS_OFFLOAD_TCP_ENTRIES, 0xC0231004, PUBLIC)                                                             \
    X(NDIS_STATUS_OFFLOAD_PATH_ENTRIES, 0xC0231005, PUBLIC)                                                            \
    X(NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, 0xC0231006, PUBLIC)                                                        \
    X(NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, 0xC0231007, PUBLIC)                                                      \
    X(NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, 0xC0231008, PUBLIC)                                                      \
    X(NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, 0xC0231009, PUBLIC)                                                            \
    X(NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER, 0xC023100A, PUBLIC)                                                         \
    X(NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER, 0xC023100B, PUBLIC)                                                          \
    X(NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW, 0xC023100C, PUBLIC)                                                          \
    X(NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, 0xC023100D, PUBLIC)                                                           \
    X(NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0xC023100E, PUBLIC)                                                       \
    X(NDIS_STATUS_OFFLOAD_POLICY, 0xC023100F, PUBLIC)                                                                  \
    X(NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 0xC0231010, PUBLIC)                                                 \
    X(NDIS_STATUS_OFFLOAD_REQUEST_RESET, 0xC0231011, PUBLIC)                                                           \
    X(NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED, 0xC0231012, PUBLIC)                                                     \
    X(NDIS_STATUS_OFFLOAD_PATH_MTU, 0xE0230001, PRIVATE)

/* Their values; NDIS_STATUS is a signed number, so those with the sign bit are negative. */
enum flue_ndis_status {
#define FLUE_X(name, value, mark) name = (NDIS_STATUS)(value),
    FLUE_NDIS_STATUS_LIST(FLUE_X)
#undef FLUE_X
};

/* Two older names. */
#define STATUS_SUCCESS       NDIS_STATUS_SUCCESS
#define STATUS_NOT_SUPPORTED NDIS_STATUS_NOT_SUPPORTED

/* Object types: the ordinary ones and the chimney's. */
#define FLUE_NDIS_OBJECT_TYPE_LIST(X)                                                                                  \
    X(NDIS_OBJECT_TYPE_DEFAULT, 0x80, PUBLIC)                                                                          \
    X(NDIS_OBJECT_TYPE_RSS_PARAMETERS, 0x89, PUBLIC)                                                                   \
    X(NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 0x8A, PUBLIC)                                                  \
    X(NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 0x8E, PUBLIC)                                   \
    X(NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 0x8F, PUBLIC)                                 \
    X(NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, 0x93, PUBLIC)                                           \
    X(NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, 0x94, PUBLIC)                                         \
    X(NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 0x95, PUBLIC)                                                  \
    X(NDIS_OBJECT_TYPE_STATUS_INDICATION, 0x98, PUBLIC)                                                                \
    X(NDIS_OBJECT_TYPE_OFFLOAD, 0xA7, PUBLIC)                                                                          \
    X(NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION, 0xA8, PUBLIC)

/* Their values, for Header.Type. */
enum flue_ndis_object_type {
#define FLUE_X(name, value, mark) name = (value),
    FLUE_NDIS_OBJECT_TYPE_LIST(FLUE_X)
#undef FLUE_X
};

/* Object identifiers of requests (V-5); several public headers agree on all of them. */
#define FLUE_NDIS_OID_LIST(X)                                                                                          \
    X(OID_GEN_RECEIVE_SCALE_PARAMETERS, 0x00010204u, PUBLIC)                                                           \
    X(OID_TCP_TASK_OFFLOAD, 0xFC010201u, PUBLIC)                                                                       \
    X(OID_TCP4_OFFLOAD_STATS, 0xFC010207u, PUBLIC)                                                                     \
    X(OID_TCP6_OFFLOAD_STATS, 0xFC010208u, PUBLIC)                                                                     \
    X(OID_IP4_OFFLOAD_STATS, 0xFC010209u, PUBLIC)                                                                      \
    X(OID_IP6_OFFLOAD_STATS, 0xFC01020Au, PUBLIC)                                                                      \
    X(OID_TCP_OFFLOAD_PARAMETERS, 0xFC01020Cu, PUBLIC)                                                                 \
    X(OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, 0xFC01020Eu, PUBLIC)                                                  \
    X(OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, 0xFC01020Fu, PUBLIC)                                           \
    X(OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 0xFC030201u, PUBLIC)                                                      \
    X(OID_PNP_SET_POWER, 0xFD010101u, PUBLIC)

/* Their values; flue_ddi_values() lists them with their marks. */
#define OID_GEN_RECEIVE_SCALE_PARAMETERS                 ((NDIS_OID)0x00010204u)
#define OID_TCP_TASK_OFFLOAD                             ((NDIS_OID)0xFC010201u)
#define OID_TCP4_OFFLOAD_STATS                           ((NDIS_OID)0xFC010207u)
#define OID_TCP6_OFFLOAD_STATS                           ((NDIS_OID)0xFC010208u)
#define OID_IP4_OFFLOAD_STATS                            ((NDIS_OID)0xFC010209u)
#define OID_IP6_OFFLOAD_STATS                            ((NDIS_OID)0xFC01020Au)
#define OID_TCP_OFFLOAD_PARAMETERS                       ((NDIS_OID)0xFC01020Cu)
#define OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG        ((NDIS_OID)0xFC01020Eu)
#define OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES ((NDIS_OID)0xFC01020Fu)
#define OID_TCP_CONNECTION_OFFLOAD_PARAMETERS            ((NDIS_OID)0xFC030201u)
#define OID_PNP_SET_POWER                                ((NDIS_OID)0xFD010101u)

/* ---- Buffers ---- */

/* Who may touch a lent object.  Kept in checked builds (FLUE_CHECKED_BUILD) only; each crossing asserts it. */
enum ndis_holder {
    NDIS_HOLDER_OWNER,    /* whoever made it, or got it back */
    NDIS_HOLDER_MINIPORT, /* lent to the driver below N */
    NDIS_HOLDER_PROTOCOL  /* lent to the driver above N */
};

/* One run of payload.  ByteCount is the size of the described buffer; Span is what stands in it, from its start on, so
 * Span.length_bytes <= ByteCount.  In send data the two are equal; a posted receive buffer begins with an empty Span.
 */
typedef struct MDL {
    struct MDL *Next;      /* the next run; NULL: the last */
    struct flue_span Span; /* what stands in it */
    ULONG ByteCount;       /* bytes */
} MDL, *PMDL;

/* One unit of data: DataLength bytes, the first at CurrentMdl + CurrentMdlOffset, which is MdlChain + DataOffset. */
typedef struct NET_BUFFER {
    struct NET_BUFFER *Next; /* NULL: chimney lists have one */
    PMDL CurrentMdl;         /* where the data begins */
    PMDL MdlChain;           /* the first run */
    ULONG CurrentMdlOffset;  /* bytes into CurrentMdl */
    ULONG DataLength;        /* bytes of data */
    ULONG DataOffset;        /* bytes into MdlChain */
} NET_BUFFER, *PNET_BUFFER;

/* Slots of NetBufferListInfo (name, id); the chimney's slots share places with tasks that never meet them. */
enum NDIS_NET_BUFFER_LIST_INFO {
    TcpIpChecksumNetBufferListInfo = 0, /* an ordinary frame's task; not examined */
    TcpOffloadBytesTransferred = 0,     /* bytes; T writes it when a send, receive or disconnect completes */
    TcpLargeSendNetBufferListInfo = 2,  /* likewise */
    TcpReceiveNoPush = 2,               /* BOOLEAN; H writes it when it posts a receive request */
    Ieee8021QNetBufferListInfo = 4,     /* likewise; the tag is in the frame */
    TcpReceiveBytesTransferred = 17     /* bytes; H writes it when it posts; from NDIS 6.20 */
};
/* Only slots that have a name take room: there is a buffer list for each offloaded connection. */
enum { NDIS_INFO_SLOTS = 4 };
/* The place of a slot in NetBufferListInfo. */
#define NDIS_INFO_SLOT(Id) ((Id) == TcpReceiveBytesTransferred ? 3 : (Id) / 2)

/* A buffer list: what is lent across the interface.  Who holds it may change it, as far as the comments say. */
typedef struct NET_BUFFER_LIST {
    struct NET_BUFFER_LIST *Next;             /* of a chain; NULL ends it */
    PNET_BUFFER FirstNetBuffer;               /* its one NET_BUFFER */
    PVOID Context;                            /* not examined */
    struct ndis_pool *NdisPoolHandle;         /* where ndis_nbl_put() returns it to */
    PVOID ProtocolReserved[4];                /* the driver that made it */
    PVOID MiniportReserved[2];                /* the driver below, while it holds it */
    PVOID Scratch;                            /* the present holder */
    NDIS_HANDLE SourceHandle;                 /* N: the binding it came down from, or goes up to; others restore it */
    NDIS_STATUS Status;                       /* of its operation; whoever completes it */
    ULONG Flags;                              /* not examined */
    PVOID NetBufferListInfo[NDIS_INFO_SLOTS]; /* by NDIS_INFO_SLOT() */
#ifdef FLUE_CHECKED_BUILD
    enum ndis_holder Holder; /* who may touch it */
    ULONG Layers;            /* bindings it is lent across: more than one below or above intermediate drivers */
#endif
} NET_BUFFER_LIST, *PNET_BUFFER_LIST;

/* Documented macros for members. */
#define NET_BUFFER_LIST_INFO(NBL, Id) ((NBL)->NetBufferListInfo[NDIS_INFO_SLOT(Id)])
#define NET_BUFFER_LIST_FIRST_NB(NBL) ((NBL)->FirstNetBuffer)
#define NET_BUFFER_LIST_NEXT_NBL(NBL) ((NBL)->Next)
#define NET_BUFFER_LIST_STATUS(NBL)   ((NBL)->Status)
#define NET_BUFFER_DATA_LENGTH(NB)    ((NB)->DataLength)

/* What a pool's items carry. */
enum ndis_pool_kind {
    NDIS_POOL_SPANS, /* chimney I/O: NBL + NB + first MDL; more MDLs are added as spans are appended */
    NDIS_POOL_FRAMES /* ordinary frames: NBL + NB + MDL + one struct flue_frame, whose payload is in the frame */
};

/* A pool of NBLs with one NET_BUFFER each.  Borrows env until ndis_pool_free().  FLUE_ENOMEM: *out is NULL. */
FLUE_CHECKED flue_err ndis_pool_new(const struct flue_env *env, enum ndis_pool_kind kind, struct ndis_pool **out);
void ndis_pool_free(struct ndis_pool *pool); /* NULL: nothing; NBLs still out are gone with it */
/* Makes sure that the next `pieces` times an NBL of the pool needs memory for one more piece of payload there is some.
 */
FLUE_CHECKED flue_err ndis_pool_reserve(struct ndis_pool *pool, uint64_t pieces);
FLUE_CHECKED flue_err ndis_pool_reserve_lists(struct ndis_pool *pool, uint64_t lists); /* the same of ndis_nbl_get() */
uint64_t ndis_pool_live(const struct ndis_pool *pool); /* NBLs taken and not put back, for the audit */

/* An empty NBL: DataLength 0, no spans, all named slots, reserved fields and Next NULL, Status SUCCESS.  A frame's
 * content is undefined.  The caller owns it; NULL: out of memory. */
PNET_BUFFER_LIST ndis_nbl_get(struct ndis_pool *pool);
/* Gives one NBL (not its chain) back to its pool, with all its MDLs.  Only its owner may. */
void ndis_nbl_put(PNET_BUFFER_LIST nbl);
void ndis_chain_put(PNET_BUFFER_LIST first); /* the same for each NBL of a chain */

/* The frame of an ordinary NBL (pool kind NDIS_POOL_FRAMES), to read and write by the NBL's holder. */
struct flue_frame *ndis_nbl_frame(PNET_BUFFER_LIST nbl);

/* Appends data to an NBL that is being built: a span that continues the last one is merged into the last MDL, another
 * takes an MDL of the pool.  DataLength grows.  The span is copied, memory it points at is borrowed while the NBL
 * lives. FLUE_ENOMEM: nothing appended. */
FLUE_CHECKED flue_err ndis_nbl_append(PNET_BUFFER_LIST nbl, const struct flue_span *span);

/* Makes an empty NBL a posted receive buffer of room_bytes (0 is legal). */
void ndis_nbl_set_room(PNET_BUFFER_LIST nbl, ULONG room_bytes);
/* Places received bytes behind those placed before, DataLength unchanged.  At most the room that is left:
 * *placed_bytes tells how many.  FLUE_ENOMEM: nothing placed. */
FLUE_CHECKED flue_err ndis_nbl_fill(PNET_BUFFER_LIST nbl, const struct flue_span *span, ULONG *placed_bytes);
ULONG ndis_nbl_filled_bytes(const NET_BUFFER_LIST *nbl); /* bytes placed since ndis_nbl_set_room() */

/* Bytes of data in one NBL: the DataLength of all its NBs; and in a chain; and NBLs in a chain. */
uint64_t ndis_nbl_bytes(const NET_BUFFER_LIST *nbl);
uint64_t ndis_chain_bytes(const NET_BUFFER_LIST *first);
uint64_t ndis_chain_count(const NET_BUFFER_LIST *first);

/* A chain with its end, to collect NBLs for one completion.  Zeroed = empty. */
struct ndis_chain {
    PNET_BUFFER_LIST first, last; /* both NULL: empty */
    uint32_t count;               /* lists in it */
};
/* Appends one NBL; its Next is overwritten with NULL. */
void ndis_chain_append(struct ndis_chain *chain, PNET_BUFFER_LIST nbl);
PNET_BUFFER_LIST ndis_chain_take(struct ndis_chain *chain); /* its first NBL, or NULL; the chain is empty then */

/* Walks spans: `while (ndis_spans_next(&it, &span)) ...`. */
struct ndis_spans {
    PMDL mdl;           /* where the walk is */
    ULONG offset_bytes; /* in mdl */
    ULONG left_bytes;   /* still to be visited */
};
/* Of data: from the data start on, DataLength bytes.  Of a chain: from offset_bytes behind MdlChain's start on,
 * length_bytes; this is how a completed receive is read (0, bytes transferred), whose data start has been advanced over
 * the data. */
struct ndis_spans ndis_spans_of_data(const NET_BUFFER *nb);
struct ndis_spans ndis_spans_of_chain(const NET_BUFFER *nb, ULONG offset_bytes, ULONG length_bytes);
/* The next piece: 1 and *span; 0: there is none. */
int ndis_spans_next(struct ndis_spans *it, struct flue_span *span);

/* Moves the data start forward by DataOffsetDelta <= DataLength.  FreeMdl must be 0 (interface.md F35, rule 4: no MDL
 * is freed by it), FreeMdlHandler NULL. */
void NdisAdvanceNetBufferDataStart(PNET_BUFFER NetBuffer, ULONG DataOffsetDelta, BOOLEAN FreeMdl, PVOID FreeMdlHandler);

/* ---- Life of drivers ----
 * Registration calls the driver's SetOptions handler, which hands over its chimney entry points by
 * NdisSetOptionalHandlers().  Adapters are started by flue_ndis_adapter_start(); every registered protocol is then
 * offered the adapter (BindAdapterHandlerEx) and opens it.  A protocol that registers later is offered the adapters
 * that run. */

/* What an adapter tells its protocols (NdisMIndicateStatusEx). */
typedef struct NDIS_STATUS_INDICATION {
    NDIS_OBJECT_HEADER Header;   /* NDIS_OBJECT_TYPE_STATUS_INDICATION */
    NDIS_HANDLE SourceHandle;    /* the miniport handle of the adapter */
    NDIS_PORT_NUMBER PortNumber; /* the default port: 0 */
    NDIS_STATUS StatusCode;      /* NDIS_STATUS_...: what is told */
    PVOID StatusBuffer;          /* more of it, or NULL; borrowed until return */
    ULONG StatusBufferSize;      /* bytes */
} NDIS_STATUS_INDICATION, *PNDIS_STATUS_INDICATION;

/* What MiniportInitializeEx is told about its adapter. */
typedef struct NDIS_MINIPORT_INIT_PARAMETERS {
    NDIS_OBJECT_HEADER Header;  /* not examined */
    PVOID AdapterConfiguration; /* as given to flue_ndis_adapter_start(); the driver knows its type */
} NDIS_MINIPORT_INIT_PARAMETERS, *PNDIS_MINIPORT_INIT_PARAMETERS;

/* What a protocol is told about an adapter it may open. */
typedef struct NDIS_BIND_PARAMETERS {
    NDIS_OBJECT_HEADER Header; /* not examined */
    const char *AdapterName;   /* static storage */
    ULONG AdapterIndex;        /* 0, 1, ... in order of starting */
    /* What the adapter can do with connections now; borrowed until return.  NULL: nothing. */
    const struct NDIS_TCP_CONNECTION_OFFLOAD *TcpConnectionOffload;
} NDIS_BIND_PARAMETERS, *PNDIS_BIND_PARAMETERS;

/* Handlers of drivers.  SetOptions: inside registration; other than SUCCESS ends it.  Initialise and halt: an adapter
 * begins, ends.  Send: NBLs to transmit, lent until their completion.  Return: indicated NBLs come back. */
typedef NDIS_STATUS (*SET_OPTIONS_HANDLER)(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext);
typedef NDIS_STATUS (*MINIPORT_INITIALIZE_HANDLER)(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportDriverContext,
                                                   PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters);
typedef void (*MINIPORT_HALT_HANDLER)(NDIS_HANDLE MiniportAdapterContext);
typedef void (*MINIPORT_SEND_NET_BUFFER_LISTS_HANDLER)(NDIS_HANDLE MiniportAdapterContext,
                                                       PNET_BUFFER_LIST NetBufferList, NDIS_PORT_NUMBER PortNumber,
                                                       ULONG SendFlags);
typedef void (*MINIPORT_RETURN_NET_BUFFER_LISTS_HANDLER)(NDIS_HANDLE MiniportAdapterContext,
                                                         PNET_BUFFER_LIST NetBufferLists, ULONG ReturnFlags);

/* A question to an adapter, or an order.  Its maker owns it; it is lent from NdisOidRequest() until that returns
 * another status than PENDING or ProtocolOidRequestComplete is called. */
typedef enum NDIS_REQUEST_TYPE { NdisRequestQueryInformation = 0, NdisRequestSetInformation = 1 } NDIS_REQUEST_TYPE;
typedef struct NDIS_OID_REQUEST {
    NDIS_OBJECT_HEADER Header;     /* not examined */
    NDIS_REQUEST_TYPE RequestType; /* question or order */
    NDIS_PORT_NUMBER PortNumber;   /* the default port: 0 */
    NDIS_OID Oid;                  /* what is asked */
    PVOID InformationBuffer;       /* for the answer, or with the order */
    ULONG InformationBufferLength; /* bytes */
    ULONG BytesDone;               /* the miniport: bytes written (query) or read (set) */
    ULONG BytesNeeded;             /* the miniport, with BUFFER_TOO_SHORT */
    PVOID NdisReserved[2];         /* N, while it is out */
    PVOID MiniportReserved[2];     /* the miniport, while it holds it */
    PVOID SourceReserved[2];       /* the maker; I: the request it passes on */
} NDIS_OID_REQUEST, *PNDIS_OID_REQUEST;

/* PENDING: NdisMOidRequestComplete() follows. */
typedef NDIS_STATUS (*MINIPORT_OID_REQUEST_HANDLER)(NDIS_HANDLE MiniportAdapterContext, PNDIS_OID_REQUEST OidRequest);
typedef void (*OID_REQUEST_COMPLETE_HANDLER)(NDIS_HANDLE ProtocolBindingContext, PNDIS_OID_REQUEST OidRequest,
                                             NDIS_STATUS Status);

/* Plug and play and power, as far as they concern offload: told to protocols, answered at once or PENDING (then
 * NdisCompleteNetPnPEvent() follows). */
typedef enum NET_PNP_EVENT_CODE {
    NetEventSetPower = 0, /* Buffer: enum NET_DEVICE_POWER_STATE; below D0 H terminates everything before it answers */
    NetEventPause = 10,   /* the binding is going to be closed, or the adapter halted */
    NetEventRestart = 11  /* the binding is in use again */
} NET_PNP_EVENT_CODE;
/* How much of an adapter is switched on. */
typedef enum NET_DEVICE_POWER_STATE {
    NetDeviceStateUnspecified = 0, /* never used */
    NetDeviceStateD0 = 1,          /* all of it */
    NetDeviceStateD1 = 2,          /* asleep: this and the next two keep nothing that was offloaded */
    NetDeviceStateD2 = 3,          /* more so */
    NetDeviceStateD3 = 4           /* off */
} NET_DEVICE_POWER_STATE;
/* What a protocol is told; borrowed until it is answered. */
typedef struct NET_PNP_EVENT_NOTIFICATION {
    NDIS_OBJECT_HEADER Header;   /* not examined */
    NET_PNP_EVENT_CODE NetEvent; /* which event */
    ULONG Value;                 /* NET_DEVICE_POWER_STATE with NetEventSetPower */
} NET_PNP_EVENT_NOTIFICATION, *PNET_PNP_EVENT_NOTIFICATION;
/* SUCCESS, or PENDING and later NdisCompleteNetPnPEvent(). */
typedef NDIS_STATUS (*NET_PNP_EVENT_HANDLER)(NDIS_HANDLE ProtocolBindingContext,
                                             PNET_PNP_EVENT_NOTIFICATION NetPnPEventNotification);

/* A miniport driver: its handlers.  Pointers that may be NULL say so. */
typedef struct NDIS_MINIPORT_DRIVER_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header; /* Type NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, Revision 1, Size sizeof */
    SET_OPTIONS_HANDLER SetOptionsHandler;                                /* may be NULL */
    MINIPORT_INITIALIZE_HANDLER InitializeHandlerEx;                      /* an adapter begins */
    MINIPORT_HALT_HANDLER HaltHandlerEx;                                  /* an adapter ends */
    MINIPORT_SEND_NET_BUFFER_LISTS_HANDLER SendNetBufferListsHandler;     /* ordinary frames to transmit */
    MINIPORT_RETURN_NET_BUFFER_LISTS_HANDLER ReturnNetBufferListsHandler; /* ordinary frames come back */
    MINIPORT_OID_REQUEST_HANDLER OidRequestHandler; /* may be NULL: every request is NOT_SUPPORTED */
} NDIS_MINIPORT_DRIVER_CHARACTERISTICS, *PNDIS_MINIPORT_DRIVER_CHARACTERISTICS;

/* Handlers of protocols.  Bind: an adapter is offered; SUCCESS after NdisOpenAdapterEx(), else it is left alone.
 * Unbind: it goes.  Receive: NBLs lent until NdisReturnNetBufferLists().  Send complete: NBLs come back.  Status:
 * something is told. */
typedef NDIS_STATUS (*BIND_HANDLER_EX)(NDIS_HANDLE ProtocolDriverContext, NDIS_HANDLE BindContext,
                                       PNDIS_BIND_PARAMETERS BindParameters);
typedef NDIS_STATUS (*UNBIND_HANDLER_EX)(NDIS_HANDLE UnbindContext, NDIS_HANDLE ProtocolBindingContext);
typedef void (*RECEIVE_NET_BUFFER_LISTS_HANDLER)(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferLists,
                                                 NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists,
                                                 ULONG ReceiveFlags);
typedef void (*SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER)(NDIS_HANDLE ProtocolBindingContext,
                                                       PNET_BUFFER_LIST NetBufferList, ULONG SendCompleteFlags);
typedef void (*STATUS_HANDLER_EX)(NDIS_HANDLE ProtocolBindingContext, PNDIS_STATUS_INDICATION StatusIndication);

/* A protocol driver: its handlers. */
typedef struct NDIS_PROTOCOL_DRIVER_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header; /* Type NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, Revision 1, Size sizeof */
    SET_OPTIONS_HANDLER SetOptionsHandler;                         /* may be NULL */
    BIND_HANDLER_EX BindAdapterHandlerEx;                          /* an adapter is offered */
    UNBIND_HANDLER_EX UnbindAdapterHandlerEx;                      /* closes the binding with NdisCloseAdapterEx() */
    RECEIVE_NET_BUFFER_LISTS_HANDLER ReceiveNetBufferListsHandler; /* ordinary frames have come */
    SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER SendNetBufferListsCompleteHandler; /* ordinary frames come back */
    STATUS_HANDLER_EX StatusHandlerEx;                                        /* may be NULL */
    OID_REQUEST_COMPLETE_HANDLER OidRequestCompleteHandler;                   /* may be NULL if it makes no requests */
    NET_PNP_EVENT_HANDLER NetPnPEventHandler; /* may be NULL: every event is answered SUCCESS */
} NDIS_PROTOCOL_DRIVER_CHARACTERISTICS, *PNDIS_PROTOCOL_DRIVER_CHARACTERISTICS;

/* What a miniport tells N of its adapter. */
typedef struct NDIS_MINIPORT_ADAPTER_ATTRIBUTES {
    NDIS_OBJECT_HEADER Header;          /* not examined */
    NDIS_HANDLE MiniportAdapterContext; /* first argument of its handlers */
    /* What the adapter can do with connections: now, and at best.  Copied; NULL: nothing.  N answers
     * OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG and ..._HARDWARE_CAPABILITIES from them (D-54).  A status indication
     * OFFLOAD_RESUME or UPLOAD_ALL with such a structure as StatusBuffer replaces the first,
     * TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES the second. */
    const struct NDIS_TCP_CONNECTION_OFFLOAD *TcpConnectionOffload;
    const struct NDIS_TCP_CONNECTION_OFFLOAD *HardwareTcpConnectionOffload; /* at best */
} NDIS_MINIPORT_ADAPTER_ATTRIBUTES, *PNDIS_MINIPORT_ADAPTER_ATTRIBUTES;

/* What a protocol says when it opens an adapter. */
typedef struct NDIS_OPEN_PARAMETERS {
    NDIS_OBJECT_HEADER Header; /* not examined */
    const char *AdapterName;   /* as in NDIS_BIND_PARAMETERS */
} NDIS_OPEN_PARAMETERS, *PNDIS_OPEN_PARAMETERS;

/* N of one node.  Borrows env and trace (NULL: no trace) until flue_ndis_free(). */
FLUE_CHECKED flue_err flue_ndis_new(const struct flue_env *env, const struct flue_trace *trace, struct flue_ndis **out);
/* NULL: nothing.  Forgets all drivers, adapters and bindings without calling any of them. */
void flue_ndis_free(struct flue_ndis *ndis);
/* What the trace is to say of the next crossing: the virtual time of its caller and the connection it is about
 * (FLUE_NO_CONN: none).  Without it a crossing is traced at env's present moment, without a connection.  Changes
 * nothing but the trace, and need not be called when there is none. */
void flue_ndis_at(struct flue_ndis *ndis, flue_ps at_ps, uint32_t conn);

/* A driver registers with the N of its node (the documented driver object and registry path have no meaning here).
 * Characteristics are copied.  BAD_CHARACTERISTICS: wrong header, a missing handler, or only one of the two chimney
 * structures (D-53); RESOURCES: no memory; else what SetOptions returned. */
NDIS_STATUS NdisMRegisterMiniportDriver(struct flue_ndis *DriverObject, NDIS_HANDLE MiniportDriverContext,
                                        const NDIS_MINIPORT_DRIVER_CHARACTERISTICS *MiniportDriverCharacteristics,
                                        NDIS_HANDLE *NdisMiniportDriverHandle);
NDIS_STATUS NdisRegisterProtocolDriver(struct flue_ndis *DriverObject, NDIS_HANDLE ProtocolDriverContext,
                                       const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS *ProtocolCharacteristics,
                                       NDIS_HANDLE *NdisProtocolHandle);
/* Unbinds the protocol from every adapter and forgets it.  INVALID_STATE, and nothing is called: something lent across
 * one of its bindings is still out. */
NDIS_STATUS NdisDeregisterProtocolDriver(NDIS_HANDLE NdisProtocolHandle);
/* INVALID_STATE: one of its adapters still runs. */
NDIS_STATUS NdisMDeregisterMiniportDriver(NDIS_HANDLE NdisMiniportDriverHandle);
/* Inside a SetOptions handler only; copies.  OptionalHandlers->Type tells which of the four structures it is. */
NDIS_STATUS NdisSetOptionalHandlers(NDIS_HANDLE NdisHandle, const NDIS_OBJECT_HEADER *OptionalHandlers);

/* Starts an adapter of a registered miniport driver: MiniportInitializeEx, then the protocols are bound.
 * name: static storage; configuration: passed through, borrowed until return.  *adapter is its NdisMiniportHandle.
 * FLUE_ESTATE, FLUE_ENOMEM: MiniportInitializeEx refused or there is no memory, *adapter is NULL. */
FLUE_CHECKED flue_err flue_ndis_adapter_start(struct flue_ndis *ndis, NDIS_HANDLE NdisMiniportDriverHandle,
                                              const char *name, void *configuration, NDIS_HANDLE *adapter);
/* Tells every protocol (NetEventPause, once; of virtual adapters that stop with it, the uppermost first).  When all
 * have answered and nothing is lent across any of these adapters, unbinds the protocols and calls MiniportHaltEx: an
 * intermediate driver stops its virtual adapter when it is unbound.  NULL: nothing.  FLUE_ESTATE: not yet (every
 * indicated NBL must be back first: interface.md F34, rule 3); try again later. */
FLUE_CHECKED flue_err flue_ndis_adapter_stop(struct flue_ndis *ndis, NDIS_HANDLE adapter);

/* Inside MiniportInitializeEx: tells N the context that every Miniport... call of this adapter gets. */
NDIS_STATUS NdisMSetMiniportAttributes(NDIS_HANDLE NdisMiniportHandle,
                                       const NDIS_MINIPORT_ADAPTER_ATTRIBUTES *MiniportAttributes);

/* Inside BindAdapterHandlerEx, with the BindContext given there.  Always synchronous here.  INVALID_STATE: an
 * intermediate driver wants an adapter that another protocol has open and cannot leave now. */
NDIS_STATUS NdisOpenAdapterEx(NDIS_HANDLE NdisProtocolHandle, NDIS_HANDLE ProtocolBindingContext,
                              const NDIS_OPEN_PARAMETERS *OpenParameters, NDIS_HANDLE BindContext,
                              NDIS_HANDLE *NdisBindingHandle);
/* INVALID_STATE, and the binding stays open: something lent across it is still out. */
NDIS_STATUS NdisCloseAdapterEx(NDIS_HANDLE NdisBindingHandle);

/* Intermediate drivers: ties the two edges of one driver together, from inside ProtocolSetOptions (the miniport edge
 * registered first) or once both are registered; a virtual adapter started from inside a BindAdapterHandlerEx ties
 * them, too.  From then on an adapter that the protocol opens is its alone: other protocols are unbound from it, and it
 * is offered to none; virtual adapters are offered to every protocol on which they do not stand.  Chimney is blocked
 * through a driver that did not register both handler sets (CH-324). */
void NdisIMAssociateMiniport(NDIS_HANDLE NdisMiniportDriverHandle, NDIS_HANDLE NdisProtocolHandle);
/* Starts a virtual adapter of an associated driver, from inside or after its BindAdapterHandlerEx; as
 * flue_ndis_adapter_start(), DeviceContext being the AdapterConfiguration of its MiniportInitializeEx. */
NDIS_STATUS NdisIMInitializeDeviceInstanceEx(NDIS_HANDLE NdisMiniportDriverHandle, const char *DriverInstance,
                                             NDIS_HANDLE DeviceContext, NDIS_HANDLE *NdisMiniportHandle);
/* Stops it, as flue_ndis_adapter_stop(); INVALID_STATE: not now, try again later. */
NDIS_STATUS NdisIMDeInitializeDeviceInstance(NDIS_HANDLE NdisMiniportHandle);

/* ---- Requests, power ---- */

/* Asks the adapter below.  PENDING: the answer comes through ProtocolOidRequestComplete.  N answers some itself.
 * NdisReserved is NULL when it is called: an intermediate driver passes a request of its own on, not the same one. */
NDIS_STATUS NdisOidRequest(NDIS_HANDLE NdisBindingHandle, PNDIS_OID_REQUEST OidRequest);
void NdisMOidRequestComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_OID_REQUEST OidRequest, NDIS_STATUS Status);
/* A protocol that answered PENDING to an event has done what it demands.  Not after it closed the binding. */
void NdisCompleteNetPnPEvent(NDIS_HANDLE NdisBindingHandle, PNET_PNP_EVENT_NOTIFICATION NetPnPEventNotification,
                             NDIS_STATUS Status);
/* The power manager: brings an adapter into a power state.  Below D0: NetEventSetPower to every binding, then, when all
 * have answered, OID_PNP_SET_POWER to the miniport, then done (behaviour 12); an answer that is not SUCCESS ends it
 * there.  D0: the miniport first.  done is called once, perhaps inside.  INVALID_STATE: the adapter stops, or another
 * change is under way.  An intermediate driver passes neither on: its virtual adapter has a power state of its own, and
 * it answers an event from below when nothing is offloaded through that binding any more. */
void flue_ndis_set_power(struct flue_ndis *ndis, NDIS_HANDLE adapter, NET_DEVICE_POWER_STATE state,
                         void (*done)(void *ctx, NDIS_STATUS status), void *ctx);

/* ---- Ordinary data path ----
 * NBLs travel in chains, one frame each (ndis_nbl_frame()).  Sent NBLs are lent until
 * ProtocolSendNetBufferListsComplete, indicated ones until NdisReturnNetBufferLists.  An adapter indicates to the first
 * of its bindings. */
void NdisSendNetBufferLists(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferLists, NDIS_PORT_NUMBER PortNumber,
                            ULONG SendFlags);
void NdisMSendNetBufferListsComplete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferLists,
                                     ULONG SendCompleteFlags);
void NdisMIndicateReceiveNetBufferLists(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferLists,
                                        NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists, ULONG ReceiveFlags);
void NdisReturnNetBufferLists(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferLists, ULONG ReturnFlags);
/* To every binding of the adapter.  The indication is borrowed until return. */
void NdisMIndicateStatusEx(NDIS_HANDLE NdisMiniportHandle, PNDIS_STATUS_INDICATION StatusIndication);

/* ---- Ledger ----
 * NBLs and trees that are lent across a binding right now; after a run every field is 0. */
struct flue_ndis_ledger {
    uint64_t ordinary_sends_out;    /* NBLs the adapter has, from NdisSendNetBufferLists */
    uint64_t ordinary_receives_out; /* NBLs the protocol has, from NdisMIndicateReceiveNetBufferLists */
    uint64_t sends_out;             /* chimney send NBLs the adapter has, inherited ones included */
    uint64_t receives_out;          /* posted receive NBLs the adapter has */
    uint64_t disconnects_out;       /* NBLs of disconnects */
    uint64_t forwards_out;          /* NBLs of forwards */
    uint64_t indicated_out; /* chimney receive NBLs the protocol has (indications, BufferedData of a terminate) */
    uint64_t trees_out;     /* state operations that have not completed */
    uint64_t requests_out;  /* OID requests that have not been answered */
};
/* The ledger of one binding; the sum over an adapter's bindings, with N's own request; the sum of a ledger's fields. */
struct flue_ndis_ledger flue_ndis_binding_ledger(NDIS_HANDLE NdisBindingHandle);
struct flue_ndis_ledger flue_ndis_adapter_ledger(NDIS_HANDLE NdisMiniportHandle);
uint64_t flue_ndis_ledger_total(const struct flue_ndis_ledger *ledger);

/* "NDIS_STATUS_PENDING"; "unknown" for a number that is not in the list.  Static storage. */
const char *flue_ndis_status_name(NDIS_STATUS status);

FLUE_END_C

#endif
