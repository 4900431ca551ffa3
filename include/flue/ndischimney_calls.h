/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/ndischimney_calls.h - second half of flue/ndischimney.h, which includes it: handlers, characteristics,
 * functions, Flue's helpers for trees, and the asserted layout.  Include flue/ndischimney.h. */
#if !defined(FLUE_NDISCHIMNEY_H)
#include "flue/ndischimney.h"
#elif !defined(FLUE_NDISCHIMNEY_CALLS_H)
#define FLUE_NDISCHIMNEY_CALLS_H

struct flue_tcp_state; /* flue/tcp.h */

/* ---- Handlers of T (and of the upper edge of I) ----
 * Called by N with the context of
 * NdisMSetMiniportAttributes().  State operations: T keeps the pointer, returns, and completes later; it owns the tree
 * until then.  Data functions return NDIS_STATUS_PENDING and never complete from inside the call;
 * MiniportOffloadContext is the PVOID that T wrote into the slot (D-01). */

/* The five state operations: a tree goes down. */
typedef void (*W_INITIATE_OFFLOAD_HANDLER)(NDIS_HANDLE MiniportAdapterContext,
                                           PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList);
typedef W_INITIATE_OFFLOAD_HANDLER W_TERMINATE_OFFLOAD_HANDLER;
typedef W_INITIATE_OFFLOAD_HANDLER W_UPDATE_OFFLOAD_HANDLER; /* values and links change before it returns (D-18) */
typedef W_INITIATE_OFFLOAD_HANDLER W_INVALIDATE_OFFLOAD_HANDLER;
typedef W_INITIATE_OFFLOAD_HANDLER W_QUERY_OFFLOAD_HANDLER;

/* Data: NBLs to send; buffers to receive into; segments that came another way; the end of the sending side (Flags:
 * TCP_DISCONNECT_...). */
typedef NDIS_STATUS (*W_TCP_OFFLOAD_SEND_HANDLER)(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                                  PNET_BUFFER_LIST NetBufferList);
typedef W_TCP_OFFLOAD_SEND_HANDLER W_TCP_OFFLOAD_RECEIVE_HANDLER;
typedef W_TCP_OFFLOAD_SEND_HANDLER W_TCP_OFFLOAD_FORWARD_HANDLER;
typedef NDIS_STATUS (*W_TCP_OFFLOAD_DISCONNECT_HANDLER)(NDIS_HANDLE MiniportAdapterContext,
                                                        PVOID MiniportOffloadContext, PNET_BUFFER_LIST NetBufferList,
                                                        ULONG Flags);
/* Synchronous, always SUCCESS; the chain may mix connections of one binding (D-04). */
typedef NDIS_STATUS (*W_TCP_OFFLOAD_RECEIVE_RETURN_HANDLER)(NDIS_HANDLE MiniportAdapterContext,
                                                            PNET_BUFFER_LIST NetBufferList);

/* ---- Handlers of H (and of the lower edge of I) ----
 * Completions carry the binding's context and
 * give trees or NBLs back to H; OffloadContext of an indication is the address of H's own NDIS_OFFLOAD_HANDLE (D-03).
 */

/* The five state operations: the tree comes back, with every Status. */
typedef void (*INITIATE_OFFLOAD_COMPLETE_HANDLER)(NDIS_HANDLE ProtocolBindingContext,
                                                  PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList);
typedef INITIATE_OFFLOAD_COMPLETE_HANDLER TERMINATE_OFFLOAD_COMPLETE_HANDLER;
typedef INITIATE_OFFLOAD_COMPLETE_HANDLER UPDATE_OFFLOAD_COMPLETE_HANDLER;
typedef INITIATE_OFFLOAD_COMPLETE_HANDLER INVALIDATE_OFFLOAD_COMPLETE_HANDLER;
typedef INITIATE_OFFLOAD_COMPLETE_HANDLER QUERY_OFFLOAD_COMPLETE_HANDLER;
/* One block, or NULL, borrowed until return; H answers in its cached structure (D-48). */
typedef void (*INDICATE_OFFLOAD_EVENT_HANDLER)(NDIS_HANDLE ProtocolBindingContext,
                                               PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList,
                                               ULONG IndicationCode);

/* Data: NBLs come back; buffers with what was received.  And events: EventType of FLUE_TCP_OFFLOAD_EVENT_LIST. */
typedef void (*TCP_OFFLOAD_SEND_COMPLETE_HANDLER)(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList);
typedef TCP_OFFLOAD_SEND_COMPLETE_HANDLER TCP_OFFLOAD_RECV_COMPLETE_HANDLER;
typedef TCP_OFFLOAD_SEND_COMPLETE_HANDLER TCP_OFFLOAD_DISCONNECT_COMPLETE_HANDLER; /* one NBL, never NULL (D-05) */
typedef TCP_OFFLOAD_SEND_COMPLETE_HANDLER TCP_OFFLOAD_FORWARD_COMPLETE_HANDLER;
typedef void (*TCP_OFFLOAD_EVENT_HANDLER)(PVOID OffloadContext, ULONG EventType, ULONG EventSpecificInformation);
/* SUCCESS: H keeps the NBL until NdisOffloadTcpReceiveReturn().  DATA_NOT_ACCEPTED, DATA_PARTIALLY_ACCEPTED: it stays
 * T's. *BytesConsumed is always written. */
typedef NDIS_STATUS (*TCP_OFFLOAD_RECEIVE_INDICATE_HANDLER)(PVOID OffloadContext, PNET_BUFFER_LIST NetBufferList,
                                                            NDIS_STATUS Status, ULONG *BytesConsumed);

/* ---- Entry points that T gets at run time ---- */

/* The functions of struct NDIS_TCP_OFFLOAD_EVENT_HANDLERS; arguments as the handlers of H that they lead to. */
typedef void (*NDIS_TCP_OFFLOAD_EVENT_INDICATE)(NDIS_HANDLE NdisOffloadHandle, ULONG EventType,
                                                ULONG EventSpecificInformation);
typedef NDIS_STATUS (*NDIS_TCP_OFFLOAD_RECEIVE_INDICATE)(NDIS_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList,
                                                         NDIS_STATUS Status, ULONG *BytesConsumed);
typedef void (*NDIS_TCP_OFFLOAD_SEND_COMPLETE)(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList);
typedef NDIS_TCP_OFFLOAD_SEND_COMPLETE NDIS_TCP_OFFLOAD_RECEIVE_COMPLETE;
typedef NDIS_TCP_OFFLOAD_SEND_COMPLETE NDIS_TCP_OFFLOAD_DISCONNECT_COMPLETE;
typedef NDIS_TCP_OFFLOAD_SEND_COMPLETE NDIS_TCP_OFFLOAD_FORWARD_COMPLETE;

/* ---- Characteristics: what drivers hand to NdisSetOptionalHandlers() (D-53) ---- */

/* page: ns_ndis_client_chimney_offload_generic_characteristics */
typedef struct NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header; /* Type as named in flue/ndis.h, Revision 1, Size sizeof */
    ULONG Flags;               /* reserved, 0 */
    INITIATE_OFFLOAD_COMPLETE_HANDLER InitiateOffloadCompleteHandler;     /* of NdisInitiateOffload() */
    TERMINATE_OFFLOAD_COMPLETE_HANDLER TerminateOffloadCompleteHandler;   /* of NdisTerminateOffload() */
    UPDATE_OFFLOAD_COMPLETE_HANDLER UpdateOffloadCompleteHandler;         /* of NdisUpdateOffload() */
    INVALIDATE_OFFLOAD_COMPLETE_HANDLER InvalidateOffloadCompleteHandler; /* of NdisInvalidateOffload() */
    QUERY_OFFLOAD_COMPLETE_HANDLER QueryOffloadCompleteHandler;           /* of NdisQueryOffloadState() */
    INDICATE_OFFLOAD_EVENT_HANDLER IndicateOffloadEventHandler;           /* of NdisMOffloadEventIndicate() */
} NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, *PNDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS;

/* page: ns_ndis_client_chimney_offload_tcp_characteristics */
typedef struct NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header; /* NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, Revision 1, Size sizeof */
    ULONG Flags;               /* reserved, 0 */
    NDIS_CHIMNEY_OFFLOAD_TYPE OffloadType;                                       /* NdisTcpChimneyOffload */
    TCP_OFFLOAD_SEND_COMPLETE_HANDLER TcpOffloadSendCompleteHandler;             /* of NdisOffloadTcpSend() */
    TCP_OFFLOAD_RECV_COMPLETE_HANDLER TcpOffloadReceiveCompleteHandler;          /* of NdisOffloadTcpReceive() */
    TCP_OFFLOAD_DISCONNECT_COMPLETE_HANDLER TcpOffloadDisconnectCompleteHandler; /* of NdisOffloadTcpDisconnect() */
    TCP_OFFLOAD_FORWARD_COMPLETE_HANDLER TcpOffloadForwardCompleteHandler;       /* of NdisOffloadTcpForward() */
    TCP_OFFLOAD_EVENT_HANDLER TcpOffloadEventHandler; /* Retrieve, Disconnect, Abort, SendBacklogChange */
    TCP_OFFLOAD_RECEIVE_INDICATE_HANDLER TcpOffloadReceiveIndicateHandler; /* data that no buffer was posted for */
} NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, *PNDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS;

/* page: ns_ndis_provider_chimney_offload_generic_characteristics */
typedef struct NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS {
    /* NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, Revision 1, Size sizeof */
    NDIS_OBJECT_HEADER Header;
    ULONG Flags;                                           /* reserved, 0 */
    W_INITIATE_OFFLOAD_HANDLER InitiateOffloadHandler;     /* NdisInitiateOffload() leads here */
    W_TERMINATE_OFFLOAD_HANDLER TerminateOffloadHandler;   /* NdisTerminateOffload() */
    W_UPDATE_OFFLOAD_HANDLER UpdateOffloadHandler;         /* NdisUpdateOffload() */
    W_INVALIDATE_OFFLOAD_HANDLER InvalidateOffloadHandler; /* NdisInvalidateOffload() */
    W_QUERY_OFFLOAD_HANDLER QueryOffloadHandler;           /* NdisQueryOffloadState() */
} NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, *PNDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS;

/* page: ns_ndis_provider_chimney_offload_tcp_characteristics */
typedef struct NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header; /* NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, Revision 1, Size sizeof */
    ULONG Flags;               /* reserved, 0 */
    NDIS_CHIMNEY_OFFLOAD_TYPE OffloadType;                               /* NdisTcpChimneyOffload */
    W_TCP_OFFLOAD_SEND_HANDLER TcpOffloadSendHandler;                    /* NdisOffloadTcpSend() leads here */
    W_TCP_OFFLOAD_RECEIVE_HANDLER TcpOffloadReceiveHandler;              /* NdisOffloadTcpReceive() */
    W_TCP_OFFLOAD_DISCONNECT_HANDLER TcpOffloadDisconnectHandler;        /* NdisOffloadTcpDisconnect() */
    W_TCP_OFFLOAD_FORWARD_HANDLER TcpOffloadForwardHandler;              /* NdisOffloadTcpForward() */
    W_TCP_OFFLOAD_RECEIVE_RETURN_HANDLER TcpOffloadReceiveReturnHandler; /* NdisOffloadTcpReceiveReturn() */
} NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS, *PNDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS;

/* Prefix of every handler table. */
typedef struct NDIS_OFFLOAD_EVENT_HANDLERS {
    NDIS_OBJECT_HEADER Header; /* Type tells which table it is */
} NDIS_OFFLOAD_EVENT_HANDLERS, *PNDIS_OFFLOAD_EVENT_HANDLERS;

/* Type NdisTcpChimneyOffload, Revision 1.  T copies the pointers.  page: ns_ndis_tcp_offload_event_handlers */
typedef struct NDIS_TCP_OFFLOAD_EVENT_HANDLERS {
    NDIS_OBJECT_HEADER Header;                                             /* as said above */
    NDIS_TCP_OFFLOAD_EVENT_INDICATE NdisTcpOffloadEventHandler;            /* ProtocolTcpOffloadEvent */
    NDIS_TCP_OFFLOAD_RECEIVE_INDICATE NdisTcpOffloadReceiveHandler;        /* ProtocolTcpOffloadReceiveIndicate */
    NDIS_TCP_OFFLOAD_SEND_COMPLETE NdisTcpOffloadSendComplete;             /* ProtocolTcpOffloadSendComplete */
    NDIS_TCP_OFFLOAD_RECEIVE_COMPLETE NdisTcpOffloadReceiveComplete;       /* ProtocolTcpOffloadReceiveComplete */
    NDIS_TCP_OFFLOAD_DISCONNECT_COMPLETE NdisTcpOffloadDisconnectComplete; /* ProtocolTcpOffloadDisconnectComplete */
    NDIS_TCP_OFFLOAD_FORWARD_COMPLETE NdisTcpOffloadForwardComplete;       /* ProtocolTcpOffloadForwardComplete */
} NDIS_TCP_OFFLOAD_EVENT_HANDLERS, *PNDIS_TCP_OFFLOAD_EVENT_HANDLERS;

/* ---- Functions that T calls ----
 * NdisMiniportHandle is
 * always the handle that MiniportInitializeEx received (D-02). */

/* Inside MiniportInitializeEx, once per chimney type.  NOT_SUPPORTED: *OffloadHandlers is not valid. */
NDIS_STATUS NdisMGetOffloadHandlers(NDIS_HANDLE NdisMiniportHandle, NDIS_CHIMNEY_OFFLOAD_TYPE ChimneyType,
                                    PNDIS_OFFLOAD_EVENT_HANDLERS *OffloadHandlers);

/* The same root pointer T was given, exactly once, never from inside the handler that brought it; every block has its
 * Status.  After the call the tree is no longer T's. */
void NdisMInitiateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisMTerminateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisMUpdateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisMInvalidateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisMQueryOffloadStateComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList);

/* NeighborReachabilityQuery with one block (borrowed until return), else NULL.  Goes to the binding of the block's
 * NdisOffloadHandle, or without one to every binding of the adapter. */
void NdisMOffloadEventIndicate(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList,
                               ULONG IndicationCode);

/* ---- Functions that H calls ---- */

/* Lends the tree until the matching Protocol...Complete.  Blocks are zeroed before their first use. */
void NdisInitiateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisTerminateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisUpdateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisInvalidateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList);
void NdisQueryOffloadState(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList);

/* Always NDIS_STATUS_PENDING.  Lends the NBLs until the matching Protocol...Complete.  Send: a chain; receive and
 * forward: a chain with one NB per NBL; disconnect: one NBL, DataLength 0 when abortive. */
NDIS_STATUS NdisOffloadTcpSend(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList);
NDIS_STATUS NdisOffloadTcpReceive(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList);
NDIS_STATUS NdisOffloadTcpDisconnect(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList,
                                     ULONG Flags);
NDIS_STATUS NdisOffloadTcpForward(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList);
/* Gives indicated NBLs back; always NDIS_STATUS_SUCCESS (D-04). */
NDIS_STATUS NdisOffloadTcpReceiveReturn(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferList);

/* ---- Flue's helpers ---- */

/* The two structures of an edge together: what a driver names are its handlers. */
struct flue_provider_handlers {
    NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic; /* its header is written for the driver */
    NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp;         /* likewise */
};
/* The same for the edge towards T. */
struct flue_client_handlers {
    NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic; /* its header is written for the driver */
    NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp;         /* likewise */
};

/* The table of a file whose handlers bear the documented names. */
#define FLUE_PROVIDER_HANDLERS                                                                                         \
    {                                                                                                                  \
        .generic = {.InitiateOffloadHandler = MiniportInitiateOffload,                                                 \
                    .TerminateOffloadHandler = MiniportTerminateOffload,                                               \
                    .UpdateOffloadHandler = MiniportUpdateOffload,                                                     \
                    .InvalidateOffloadHandler = MiniportInvalidateOffload,                                             \
                    .QueryOffloadHandler = MiniportQueryOffload},                                                      \
        .tcp = {.TcpOffloadSendHandler = MiniportTcpOffloadSend,                                                       \
                .TcpOffloadReceiveHandler = MiniportTcpOffloadReceive,                                                 \
                .TcpOffloadDisconnectHandler = MiniportTcpOffloadDisconnect,                                           \
                .TcpOffloadForwardHandler = MiniportTcpOffloadForward,                                                 \
                .TcpOffloadReceiveReturnHandler = MiniportTcpOffloadReceiveReturn},                                    \
    }
/* The same for the edge towards T, with Protocol... names. */
#define FLUE_CLIENT_HANDLERS                                                                                           \
    {                                                                                                                  \
        .generic = {.InitiateOffloadCompleteHandler = ProtocolInitiateOffloadComplete,                                 \
                    .TerminateOffloadCompleteHandler = ProtocolTerminateOffloadComplete,                               \
                    .UpdateOffloadCompleteHandler = ProtocolUpdateOffloadComplete,                                     \
                    .InvalidateOffloadCompleteHandler = ProtocolInvalidateOffloadComplete,                             \
                    .QueryOffloadCompleteHandler = ProtocolQueryOffloadComplete,                                       \
                    .IndicateOffloadEventHandler = ProtocolIndicateOffloadEvent},                                      \
        .tcp = {.TcpOffloadSendCompleteHandler = ProtocolTcpOffloadSendComplete,                                       \
                .TcpOffloadReceiveCompleteHandler = ProtocolTcpOffloadReceiveComplete,                                 \
                .TcpOffloadDisconnectCompleteHandler = ProtocolTcpOffloadDisconnectComplete,                           \
                .TcpOffloadForwardCompleteHandler = ProtocolTcpOffloadForwardComplete,                                 \
                .TcpOffloadEventHandler = ProtocolTcpOffloadEvent,                                                     \
                .TcpOffloadReceiveIndicateHandler = ProtocolTcpOffloadReceiveIndicate},                                \
    }

/* Inside a SetOptions handler: NdisSetOptionalHandlers() with a copy of each of the two, whose headers and OffloadType
 * are written here. */
NDIS_STATUS flue_ndis_set_provider(NDIS_HANDLE NdisDriverHandle, const struct flue_provider_handlers *handlers);
NDIS_STATUS flue_ndis_set_client(NDIS_HANDLE NdisDriverHandle, const struct flue_client_handlers *handlers);

/* Inside MiniportInitializeEx, for an adapter that can always do the same: NdisMSetMiniportAttributes(), then
 * NdisMGetOffloadHandlers(), whose table is copied to *calls (CH-013).  What the first of them to fail returns. */
NDIS_STATUS flue_ndis_initialise_target(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportAdapterContext,
                                        const NDIS_TCP_CONNECTION_OFFLOAD *can, NDIS_TCP_OFFLOAD_EVENT_HANDLERS *calls);

/* A driver with one adapter, whose context both have: NdisMRegisterMiniportDriver() with a copy of *driver, whose
 * header is written here, then flue_ndis_adapter_start().  Not FLUE_OK: *adapter is NULL. */
FLUE_CHECKED flue_err flue_ndis_start_target(struct flue_ndis *ndis, const NDIS_MINIPORT_DRIVER_CHARACTERISTICS *driver,
                                             const char *name, NDIS_HANDLE context, NDIS_HANDLE *adapter);

/* The first state structure behind a block. */
static inline OFFLOAD_STATE_HEADER *flue_state_first(void *block)
{
    return (OFFLOAD_STATE_HEADER *)(void *)((uint8_t *)block + sizeof(NDIS_MINIPORT_OFFLOAD_BLOCK_LIST));
}
/* The one behind a state structure: at the next multiple of 8 (D-08). */
static inline OFFLOAD_STATE_HEADER *flue_state_next(OFFLOAD_STATE_HEADER *state)
{
    return (OFFLOAD_STATE_HEADER *)(void *)((uint8_t *)state + ((state->Length + 7u) & ~7u));
}

/* Layers of a tree; class 1 const, 2 cached, 3 delegated, 4 all; both 0 for a type that is not used. */
enum flue_layer { FLUE_LAYER_NONE, FLUE_LAYER_NEIGHBOR, FLUE_LAYER_PATH, FLUE_LAYER_TCP };
enum flue_layer flue_state_layer(unsigned type);
unsigned flue_state_class(unsigned type);

/* Visits every block of a tree: a block, then its dependents, then its NextBlock (D-11); iterative, any number of
 * siblings.  The visitor may change everything of the block but its two links.  Stops at, and returns, the first value
 * that is not FLUE_OK; FLUE_EINVAL if the tree is deeper than its three layers. */
typedef flue_err flue_block_fn(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg);
flue_err flue_block_walk(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root, flue_block_fn *visit, void *arg);
typedef flue_err flue_protocol_block_fn(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg);
flue_err flue_protocol_block_walk(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root, flue_protocol_block_fn *visit, void *arg);

/* One block from H's view to T's and back, in place.  N does it for whole trees; tests and I need it, too. */
PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST flue_block_to_miniport(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block);
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST flue_block_to_protocol(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block);

/* The engine's state into the interface's structures and back; a NULL structure is skipped.  put writes headers and
 * zeroes what state.def does not name (pointers, DWnd); delegated gets the Length of revision 2.  Ports are in network
 * byte order in the structure and in host byte order in the engine's state; get sets the ports of the tuple, too, but
 * no address. */
void ndis_state_put(const struct flue_tcp_state *state, TCP_OFFLOAD_STATE_CONST *constant,
                    TCP_OFFLOAD_STATE_CACHED *cached, TCP_OFFLOAD_STATE_DELEGATED *delegated);
void ndis_state_get(struct flue_tcp_state *state, const TCP_OFFLOAD_STATE_CONST *constant,
                    const TCP_OFFLOAD_STATE_CACHED *cached, const TCP_OFFLOAD_STATE_DELEGATED *delegated);

/* Names as spelled above; "unknown" for other numbers.  Static storage. */
const char *flue_ndis_state_type_name(unsigned type);
const char *flue_ndis_event_name(unsigned event_type);
const char *flue_ndis_indication_name(unsigned indication_code);
const char *flue_ndis_upload_reason_name(unsigned reason);
const char *flue_ndis_tcp_state_name(unsigned state);

/* A value of the two headers. */
struct flue_ddi_value {
    const char *name;    /* as spelled above */
    int64_t value;       /* as written above */
    enum flue_mark mark; /* how well it is known */
};
/* Every one of them; static storage.  *count = number of rows. */
const struct flue_ddi_value *flue_ddi_values(size_t *count);

/* ---- Layout ---- */

/* Assertions of the layout: a member stands at an offset, a structure has a size; bytes. */
#define FLUE_AT(type, member, offset) FLUE_STATIC_ASSERT(offsetof(type, member) == (offset), #type "." #member)
#define FLUE_SIZE(type, bytes)        FLUE_STATIC_ASSERT(sizeof(type) == (bytes), "size of " #type)

#include "flue/ndischimney_layout.def"

#undef FLUE_AT
#undef FLUE_SIZE

#endif
