/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/ndischimney.h - the TCP chimney interface: state trees, state structures, handlers, functions.
 *
 * Four parties: H, the host stack (a protocol driver); N, the dispatcher (model/ndis); T, the offload target (a
 * miniport driver); I, an intermediate driver, T towards H and H towards T.  NdisOffloadTcp... always goes down,
 * NdisTcpOffload... always goes up.  Written from the public documentation, whose page is named where a thing is
 * declared ("page: ..."), in our own words.  Natural alignment, no packing; each published offset is asserted.  See
 * flue/ndis.h for what it is not. */
#ifndef FLUE_NDISCHIMNEY_H
#define FLUE_NDISCHIMNEY_H

#if defined(_NDISCHIMNEY_) || defined(_NDISCHIMNEY_H) || defined(__NDISCHIMNEY_H__)
#error "flue/ndischimney.h stands in for the driver kit's header and cannot be included together with it"
#endif

#include "flue/ndis.h"

FLUE_BEGIN_C

/* ---- Enumerations and constants: X(name, value, mark) ---- */

/* What a block names, and what follows it in memory (Header.Type of a block).  1-4 neighbor, 5-8 path over IPv4, 9-12
 * path over IPv6, 13-17 TCP; within a layer const, cached, delegated, all three. */
#define FLUE_OFFLOAD_STATE_TYPE_LIST(X)                                                                                \
    X(NeighborOffloadConstState, 1, PUBLIC)                                                                            \
    X(NeighborOffloadCachedState, 2, PUBLIC)                                                                           \
    X(NeighborOffloadDelegatedState, 3, PUBLIC)                                                                        \
    X(NeighborOffloadState, 4, PUBLIC)                                                                                 \
    X(Ip4OffloadConstState, 5, PUBLIC)                                                                                 \
    X(Ip4OffloadCachedState, 6, PUBLIC)                                                                                \
    X(Ip4OffloadDelegatedState, 7, PUBLIC)                                                                             \
    X(Ip4OffloadState, 8, PUBLIC)                                                                                      \
    X(Ip6OffloadConstState, 9, PUBLIC)                                                                                 \
    X(Ip6OffloadCachedState, 10, PUBLIC)                                                                               \
    X(Ip6OffloadDelegatedState, 11, PUBLIC)                                                                            \
    X(Ip6OffloadState, 12, PUBLIC)                                                                                     \
    X(TcpOffloadConstState, 13, PUBLIC)                                                                                \
    X(TcpOffloadCachedState, 14, PUBLIC)                                                                               \
    X(TcpOffloadDelegatedState, 15, PUBLIC)                                                                            \
    X(TcpOffloadResourceState, 16, PUBLIC) /* reserved, never used */                                                  \
    X(TcpOffloadState, 17, PUBLIC)                                                                                     \
    X(FilterReservedOffloadState, 254, PUBLIC) /* filter drivers; never used */                                        \
    X(MaximumOffloadState, 255, PUBLIC)

/* Only TCP exists; the others are reserved. */
#define FLUE_CHIMNEY_OFFLOAD_TYPE_LIST(X)                                                                              \
    X(NdisTcpChimneyOffload, 1, PUBLIC)                                                                                \
    X(NdisIpsecChimneyOffload, 2, PUBLIC)                                                                              \
    X(NdisRdmaChimneyOffload, 3, PUBLIC)                                                                               \
    X(NdisMaxChimneyOffload, 4, PUBLIC)

/* IndicationCode of NdisMOffloadEventIndicate().  InDoubt is reserved and never raised (D-51). */
#define FLUE_INDICATE_OFFLOAD_EVENT_LIST(X)                                                                            \
    X(NeighborReachabilityInDoubt, 1, UNCONFIRMED)                                                                     \
    X(NeighborReachabilityQuery, 2, UNCONFIRMED)                                                                       \
    X(MaxOffloadEvent, 3, UNCONFIRMED)

/* States of RFC 793.  Offloadable: Established, FinWait1, FinWait2, CloseWait, Closing, LastAck. */
#define FLUE_TCP_CONNECTION_STATE_LIST(X)                                                                              \
    X(TcpConnectionClosed, 0, PUBLIC)                                                                                  \
    X(TcpConnectionListen, 1, PUBLIC)                                                                                  \
    X(TcpConnectionSynSent, 2, PUBLIC)                                                                                 \
    X(TcpConnectionSynRcvd, 3, PUBLIC)                                                                                 \
    X(TcpConnectionEstablished, 4, PUBLIC)                                                                             \
    X(TcpConnectionFinWait1, 5, PUBLIC)                                                                                \
    X(TcpConnectionFinWait2, 6, PUBLIC)                                                                                \
    X(TcpConnectionCloseWait, 7, PUBLIC)                                                                               \
    X(TcpConnectionClosing, 8, PUBLIC)                                                                                 \
    X(TcpConnectionLastAck, 9, PUBLIC)                                                                                 \
    X(TcpConnectionTimeWait, 10, PUBLIC)                                                                               \
    X(TcpConnectionMaxState, 11, PUBLIC)

/* EventType of NdisTcpOffloadEventHandler(), with the meaning of EventSpecificInformation. */
#define FLUE_TCP_OFFLOAD_EVENT_LIST(X)                                                                                 \
    X(TcpIndicateSendBacklogChange, 1, UNCONFIRMED) /* send bytes H should keep outstanding at T */                    \
    X(TcpIndicateDisconnect, 2, UNCONFIRMED)        /* peer's FIN, all data before it consumed; no meaning */          \
    X(TcpIndicateRetrieve, 3, UNCONFIRMED)          /* T asks for upload; a TCP_UPLOAD_REASON */                       \
    X(TcpIndicateAbort, 4, UNCONFIRMED)             /* peer's acceptable RST; no meaning */

/* Why T wants to give a connection back.  Mandatory: 5, 8, 9, 10, 11; H may ignore the others. */
#define FLUE_TCP_UPLOAD_REASON_LIST(X)                                                                                 \
    X(LowActivity, 1, PUBLIC)                                                                                          \
    X(HighDropRate, 2, PUBLIC)                                                                                         \
    X(SmallIO, 3, PUBLIC)                                                                                              \
    X(NoBufferPreposting, 4, PUBLIC)                                                                                   \
    X(ReceivedUrgentData, 5, PUBLIC)                                                                                   \
    X(HighFragmentation, 6, PUBLIC)                                                                                    \
    X(HighOutOfOrderPackets, 7, PUBLIC)                                                                                \
    X(TimeoutExpiration, 8, PUBLIC)                                                                                    \
    X(InvalidState, 9, PUBLIC)                                                                                         \
    X(UploadRequested, 10, PUBLIC)                                                                                     \
    X(HardwareFailure, 11, PUBLIC)                                                                                     \
    X(MaxUploadReason, 12, PUBLIC)

/* Flags: of a disconnect; of TCP_OFFLOAD_STATE_CONST; of TCP_OFFLOAD_STATE_CACHED. */
#define FLUE_CHIMNEY_FLAG_LIST(X)                                                                                      \
    X(TCP_DISCONNECT_GRACEFUL_CLOSE, 0x01, UNCONFIRMED)                                                                \
    X(TCP_DISCONNECT_ABORTIVE_CLOSE, 0x02, UNCONFIRMED)                                                                \
    X(TCP_FLAG_TIMESTAMP_ENABLED, 0x01, UNCONFIRMED)      /* every segment carries the option, RFC 1323 */             \
    X(TCP_FLAG_SACK_ENABLED, 0x02, UNCONFIRMED)           /* RFC 2018 */                                               \
    X(TCP_FLAG_WINDOW_SCALING_ENABLED, 0x04, UNCONFIRMED) /* both scale factors apply, RFC 1323 */                     \
    X(TCP_FLAG_KEEP_ALIVE_ENABLED, 0x01, UNCONFIRMED)                                                                  \
    X(TCP_FLAG_NAGLING_ENABLED, 0x02, UNCONFIRMED)                                                                     \
    X(TCP_FLAG_KEEP_ALIVE_RESTART, 0x04, UNCONFIRMED) /* command: restart the keepalive timer (D-19) */                \
    X(TCP_FLAG_MAX_RT_RESTART, 0x08, UNCONFIRMED)     /* command: TotalRT = 0 (D-20) */                                \
    X(TCP_FLAG_UPDATE_RCV_WND, 0x10, UNCONFIRMED)     /* command: InitialRcvWnd has changed */

/* Revisions.  Those named FLUE_ are ours: the documentation gives none for blocks and state structures (D-06). */
#define FLUE_CHIMNEY_REVISION_LIST(X)                                                                                  \
    X(NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1, 1, UNCONFIRMED)                                  \
    X(NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1, 1, UNCONFIRMED)                                      \
    X(NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1, 1, PRIVATE)                                    \
    X(NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1, 1, PRIVATE)                                        \
    X(NDIS_OBJECT_TCP_OFFLOAD_REVISION_1, 1, UNCONFIRMED)                                                              \
    X(NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1, 1, UNCONFIRMED)                                                        \
    X(NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2, 2, UNCONFIRMED)                                                        \
    X(FLUE_OFFLOAD_BLOCK_REVISION_1, 1, PRIVATE)                                                                       \
    X(FLUE_TCP_DELEGATED_REVISION_1, 1, PRIVATE) /* Length 0x78, without DWnd */                                       \
    X(FLUE_TCP_DELEGATED_REVISION_2, 2, PRIVATE) /* Length 0x80 */

/* The lists above as types. */
#define FLUE_X(name, value, mark) name = (value),
typedef enum OFFLOAD_STATE_TYPE { FLUE_OFFLOAD_STATE_TYPE_LIST(FLUE_X) } OFFLOAD_STATE_TYPE;
typedef enum NDIS_CHIMNEY_OFFLOAD_TYPE { FLUE_CHIMNEY_OFFLOAD_TYPE_LIST(FLUE_X) } NDIS_CHIMNEY_OFFLOAD_TYPE;
typedef enum INDICATE_OFFLOAD_EVENT { FLUE_INDICATE_OFFLOAD_EVENT_LIST(FLUE_X) } INDICATE_OFFLOAD_EVENT;
typedef enum TCP_OFFLOAD_CONNECTION_STATE { FLUE_TCP_CONNECTION_STATE_LIST(FLUE_X) } TCP_OFFLOAD_CONNECTION_STATE;
typedef enum TCP_OFFLOAD_EVENT_TYPE { FLUE_TCP_OFFLOAD_EVENT_LIST(FLUE_X) } TCP_OFFLOAD_EVENT_TYPE;
typedef enum TCP_UPLOAD_REASON { FLUE_TCP_UPLOAD_REASON_LIST(FLUE_X) } TCP_UPLOAD_REASON;
enum flue_chimney_flag { FLUE_CHIMNEY_FLAG_LIST(FLUE_X) };
enum flue_chimney_revision { FLUE_CHIMNEY_REVISION_LIST(FLUE_X) };
#undef FLUE_X

#define NoBufferProposting NoBufferPreposting /* an older spelling of the same value */

#define FLUE_TICKS_NONE   UINT32_C(0xFFFFFFFF) /* TimeoutDelta: the timer does not run; MaxRT: no limit */
#define FLUE_BACKLOG_NONE UINT32_C(0xFFFFFFFF) /* a backlog size: not supported */
/* Bits of FlowLabel that count. */
#define FLUE_FLOW_LABEL_MASK        UINT32_C(0x000FFFFF)
#define FLUE_TCP_DELEGATED_LENGTH_1 0x78u /* of revision 1 */

/* ---- Trees ---- */

/* H's or I's handle of one offloaded object; lives in its record of the object from initiate to terminate.
 * N writes NdisReserved at initiate.  MiniportOffloadContext is *the slot*: NULL, until T stores the PVOID of its
 * object there; its owner sets it NULL again after terminate.  page: ns_ndis_offload_handle */
typedef struct NDIS_OFFLOAD_HANDLE {
    PVOID NdisReserved[1];        /* N: the binding's own */
    PVOID MiniportOffloadContext; /* the slot */
} NDIS_OFFLOAD_HANDLE, *PNDIS_OFFLOAD_HANDLE;

/* What the data functions of T receive as MiniportOffloadContext: the value T wrote (D-01). */
#define FLUE_DATA_CTX(handle) ((handle)->MiniportOffloadContext)

/* A node of a state tree as T (and the upper edge of I) sees it.  Lent to T until T makes the completion call.
 * Roles in an initiate tree: placeholder (MiniportOffloadContext NULL), linker (it points at a slot that is not NULL),
 * new offload (the slot is NULL and state follows the block).  page: ns_ndis_miniport_offload_block_list */
typedef struct NDIS_MINIPORT_OFFLOAD_BLOCK_LIST {
    /* Type OFFLOAD_STATE_TYPE, Revision that of the state behind it, Size 0x98; its creator writes it */
    NDIS_OBJECT_HEADER Header;
    struct NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *NextBlock;          /* sibling in the same layer */
    struct NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *DependentBlockList; /* first block one layer up; NULL for TCP */
    NDIS_STATUS Status;                                          /* T writes it in every block before it completes */
    PVOID NdisReserved[2];                                       /* N; zero in a new block */
    PVOID *MiniportOffloadContext;       /* address of the slot; T writes the slot when it has taken the object */
    NDIS_HANDLE NdisOffloadHandle;       /* T keeps it for later indications */
    PVOID ProtocolReserved[2];           /* H */
    PVOID MiniportReserved[2];           /* T */
    PVOID ImReserved[2];                 /* I */
    PVOID Scratch[2];                    /* the present holder */
    PVOID SourceHandle;                  /* N; I restores it */
    NDIS_PORT_NUMBER PortNumber;         /* the default port: 0 */
    PNET_BUFFER_LIST NetBufferListChain; /* initiate: send data from H; terminate completion: send data from T */
} NDIS_MINIPORT_OFFLOAD_BLOCK_LIST, *PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST;

/* The same node as H (and the lower edge of I) sees it; N turns one into the other in place.
 * page: ns_ndis_protocol_offload_block_list */
typedef struct NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST {
    NDIS_OBJECT_HEADER Header;                                   /* as in the miniport's view */
    struct NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *NextBlock;          /* sibling in the same layer */
    struct NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *DependentBlockList; /* first block one layer up; NULL for TCP */
    NDIS_STATUS Status;                                          /* T's answer, after completion */
    PVOID NdisReserved[3];                                       /* N; zero in a new block */
    PNDIS_OFFLOAD_HANDLE OffloadHandle;                          /* NULL: placeholder */
    PVOID ProtocolReserved[2];                                   /* H; nobody else touches it */
    PVOID MiniportReserved[2];                                   /* T's while it is lent */
    PVOID ImReserved[2];                                         /* I's while it is lent */
    PVOID Scratch[2];                                            /* the present holder */
    PVOID SourceHandle;                                          /* N; I restores it */
    NDIS_PORT_NUMBER PortNumber;                                 /* the default port: 0 */
    PNET_BUFFER_LIST NetBufferListChain; /* initiate: send data to T; terminate: send data from T */
} NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST, *PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST;

/* ---- State structures ----
 * const: nobody changes it.  cached: H's, changed by update only.  delegated: T's while offloaded; initial values from
 * H, returned by terminate.  "ticks" are those of TicksPerSecond. */

/* The head of every state structure. */
typedef struct OFFLOAD_STATE_HEADER {
    ULONG Length;            /* bytes of the containing structure, unpadded; its creator */
    ULONG RecognizedOptions; /* reserved, 0 */
} OFFLOAD_STATE_HEADER, *POFFLOAD_STATE_HEADER;

/* page: ns_neighbor_offload_state_const */
typedef struct NEIGHBOR_OFFLOAD_STATE_CONST {
    OFFLOAD_STATE_HEADER Header; /* Length: up to the end of VlanId */
    UCHAR DlSourceAddress[32];   /* all zero: the interface's own MAC address */
    ULONG VlanId : 12;           /* 0: the interface's */
} NEIGHBOR_OFFLOAD_STATE_CONST, *PNEIGHBOR_OFFLOAD_STATE_CONST;

/* page: ns_neighbor_offload_state_cached */
typedef struct NEIGHBOR_OFFLOAD_STATE_CACHED {
    OFFLOAD_STATE_HEADER Header;    /* Length: up to the end of the last member */
    UCHAR DlDestinationAddress[32]; /* MAC address of the next hop, in the first 6 bytes */
    ULONG HostReachabilityDelta;    /* ticks since H last confirmed forward reachability */
} NEIGHBOR_OFFLOAD_STATE_CACHED, *PNEIGHBOR_OFFLOAD_STATE_CACHED;

/* page: ns_neighbor_offload_state_delegated */
typedef struct NEIGHBOR_OFFLOAD_STATE_DELEGATED {
    OFFLOAD_STATE_HEADER Header; /* likewise */
    ULONG NicReachabilityDelta;  /* ticks since T last confirmed it */
} NEIGHBOR_OFFLOAD_STATE_DELEGATED, *PNEIGHBOR_OFFLOAD_STATE_DELEGATED;

/* page: ns_path_offload_state_const.  4 or 16 bytes in network order; T copies them during initiate. */
typedef struct PATH_OFFLOAD_STATE_CONST {
    OFFLOAD_STATE_HEADER Header;     /* likewise */
    const UCHAR *SourceAddress;      /* of what T sends */
    const UCHAR *DestinationAddress; /* of what T sends: the peer */
} PATH_OFFLOAD_STATE_CONST, *PPATH_OFFLOAD_STATE_CONST;

/* page: ns_path_offload_state_cached */
typedef struct PATH_OFFLOAD_STATE_CACHED {
    OFFLOAD_STATE_HEADER Header; /* likewise */
    ULONG PathMtu;               /* bytes */
} PATH_OFFLOAD_STATE_CACHED, *PPATH_OFFLOAD_STATE_CACHED;

/* page: ns_path_offload_state_delegated; no variables exist. */
typedef struct PATH_OFFLOAD_STATE_DELEGATED {
    OFFLOAD_STATE_HEADER Header; /* the header alone */
} PATH_OFFLOAD_STATE_DELEGATED, *PPATH_OFFLOAD_STATE_DELEGATED;

/* page: ns_tcp_offload_state_const */
typedef struct TCP_OFFLOAD_STATE_CONST {
    OFFLOAD_STATE_HEADER Header; /* likewise */
    USHORT Flags;                /* TCP_FLAG_TIMESTAMP_ENABLED and the next two */
    USHORT RemotePort;           /* network byte order, as LocalPort */
    USHORT LocalPort;            /* of H's end */
    UCHAR SndWindScale : 4;      /* shift of the peer's windows, 0 .. 14 */
    UCHAR RcvWindScale : 4;      /* shift of ours, 0 .. 14 */
    USHORT RemoteMss;            /* bytes, as the peer announced it */
    ULONG HashValue;             /* receive-side scaling hash of the connection */
} TCP_OFFLOAD_STATE_CONST, *PTCP_OFFLOAD_STATE_CONST;

/* page: ns_tcp_offload_state_cached */
typedef struct TCP_OFFLOAD_STATE_CACHED {
    OFFLOAD_STATE_HEADER Header; /* likewise */
    USHORT Flags;                /* TCP_FLAG_KEEP_ALIVE_ENABLED and the next four */
    ULONG InitialRcvWnd;         /* bytes */
    ULONG RcvIndicationSize;     /* bytes; 0: as much as possible */
    UCHAR KaProbeCount;          /* probes without an answer before the connection ends */
    ULONG KaTimeout;             /* ticks of silence before the first probe */
    ULONG KaInterval;            /* ticks between unanswered probes */
    ULONG MaxRT;                 /* ticks; 0: TcpMaximumRetransmissions rules; FLUE_TICKS_NONE: no limit */
    ULONG FlowLabel; /* documented as 20 bits wide; a plain ULONG here, for the offsets.  Use FLUE_FLOW_LABEL_MASK */
    UCHAR TtlOrHopLimit;     /* of IPv4, or IPv6 */
    UCHAR TosOrTrafficClass; /* of IPv4, or IPv6 */
    UCHAR UserPriority : 3;  /* 802.1p */
} TCP_OFFLOAD_STATE_CACHED, *PTCP_OFFLOAD_STATE_CACHED;

/* page: ns_tcp_offload_state_delegated.  Sequence numbers and byte counts as in RFC 793. */
typedef struct TCP_OFFLOAD_STATE_DELEGATED {
    OFFLOAD_STATE_HEADER Header;        /* Length by revision: FLUE_TCP_DELEGATED_LENGTH_1, or all of it */
    TCP_OFFLOAD_CONNECTION_STATE State; /* RFC 793 */
    USHORT Flags;                       /* reserved */
    ULONG RcvNxt;                       /* RCV.NXT */
    ULONG RcvWnd;                       /* bytes: last advertised right edge - RcvNxt (D-31) */
    ULONG SndUna;                       /* SND.UNA */
    ULONG SndNxt;                       /* SND.NXT */
    ULONG SndMax;                       /* the greatest SND.NXT there was */
    ULONG SndWnd;                       /* bytes */
    ULONG MaxSndWnd;                    /* bytes */
    ULONG SendWL1;                      /* SND.WL1: SEG.SEQ of the last window update */
    ULONG CWnd;                         /* bytes */
    ULONG SsThresh;                     /* bytes */
    USHORT SRtt;                        /* ticks x 8, at most 0xFFFF */
    USHORT RttVar;                      /* ticks x 4, at most 0xFFFF */
    ULONG TsRecent;                     /* timestamp to echo */
    ULONG TsRecentAge;                  /* ticks since it came */
    ULONG TsTime;                       /* the connection's timestamp clock */
    ULONG TotalRT;                      /* ticks spent on retransmitting the present segment */
    UCHAR DupAckCount;                  /* duplicate acknowledgements in a row */
    UCHAR SndWndProbeCount;             /* persist round */
    struct {                            /* the keep-alive timer */
        UCHAR ProbeCount;               /* probes without an answer */
        ULONG TimeoutDelta;             /* ticks left; FLUE_TICKS_NONE: not running */
    } KeepAlive;
    struct {                /* the retransmission timer */
        UCHAR Count;        /* retransmissions of the present segment */
        ULONG TimeoutDelta; /* ticks left; also FIN_WAIT_2 and persist */
    } Retransmit;
    __extension__ union {                  /* pointers in initiate and terminate, sizes in query (D-09) */
        __extension__ struct {             /* initiate, terminate */
            PNET_BUFFER_LIST SendDataHead; /* NBLs of NetBufferListChain; not significant when that is NULL */
            PNET_BUFFER_LIST SendDataTail; /* the last of them */
        };
        ULONG SendBacklogSize; /* bytes */
    };
    __extension__ union {              /* likewise */
        PNET_BUFFER_LIST BufferedData; /* received, acknowledged, not delivered; ends at RcvNxt */
        ULONG ReceiveBacklogSize;      /* bytes */
    };
    ULONG DWnd; /* revision 2; stored and returned unchanged */
} TCP_OFFLOAD_STATE_DELEGATED, *PTCP_OFFLOAD_STATE_DELEGATED;

/* A block with all its state behind it, as D-08 lays it out: what initiate uses, for whoever makes blocks. */
typedef struct FLUE_NEIGHBOR_BLOCK {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST Block;     /* Header.Type NeighborOffloadState */
    NEIGHBOR_OFFLOAD_STATE_CONST Const;         /* behind the block */
    ULONG Pad0;                                 /* to the next multiple of 8 */
    NEIGHBOR_OFFLOAD_STATE_CACHED Cached;       /* behind Const */
    ULONG Pad1;                                 /* to the next multiple of 8 */
    NEIGHBOR_OFFLOAD_STATE_DELEGATED Delegated; /* behind Cached */
    ULONG Pad2;                                 /* to the next multiple of 8 */
} FLUE_NEIGHBOR_BLOCK;

/* The same of a path, over IPv4 or IPv6. */
typedef struct FLUE_PATH_BLOCK {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST Block; /* Header.Type Ip4OffloadState or Ip6OffloadState */
    PATH_OFFLOAD_STATE_CONST Const;         /* behind the block */
    PATH_OFFLOAD_STATE_CACHED Cached;       /* behind Const */
    ULONG Pad0;                             /* to the next multiple of 8 */
    PATH_OFFLOAD_STATE_DELEGATED Delegated; /* behind Cached */
} FLUE_PATH_BLOCK;

/* The same of a connection. */
typedef struct FLUE_TCP_BLOCK {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST Block; /* Header.Type TcpOffloadState */
    TCP_OFFLOAD_STATE_CONST Const;          /* behind the block */
    TCP_OFFLOAD_STATE_CACHED Cached;        /* behind Const */
    ULONG Pad0;                             /* to the next multiple of 8 */
    TCP_OFFLOAD_STATE_DELEGATED Delegated;  /* behind Cached */
} FLUE_TCP_BLOCK;

/* A block of terminate, with the one structure T fills. */
typedef struct FLUE_TCP_TERMINATE_BLOCK {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST Block; /* Header.Type TcpOffloadDelegatedState */
    TCP_OFFLOAD_STATE_DELEGATED Delegated;  /* behind the block */
} FLUE_TCP_TERMINATE_BLOCK;

/* ---- Parameters and statistics ---- */

/* How frames of an IP version are framed.  page: ns_ndis_offload_encapsulation */
typedef struct NDIS_OFFLOAD_ENCAPSULATION {
    NDIS_OBJECT_HEADER Header;   /* NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION */
    struct {                     /* one for each IP version */
        ULONG Enabled;           /* not examined */
        ULONG EncapsulationType; /* not examined */
        ULONG HeaderSize;        /* bytes */
    } IPv4, IPv6;
} NDIS_OFFLOAD_ENCAPSULATION, *PNDIS_OFFLOAD_ENCAPSULATION;

/* Payload of OID_TCP_CONNECTION_OFFLOAD_PARAMETERS.  page: ns_ndis_tcp_connection_offload_parameters */
typedef struct NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS {
    NDIS_OBJECT_HEADER Header;                 /* NDIS_OBJECT_TYPE_DEFAULT; Size 0x38 in revision 1 */
    NDIS_OFFLOAD_ENCAPSULATION Encapsulation;  /* not examined */
    ULONG TicksPerSecond;                      /* length of a tick: of all that follows and of the state structures */
    UCHAR TcpAckFrequency;                     /* segments received before an ACK */
    UCHAR TcpDelayedAckTicks;                  /* longest delay of an ACK */
    UCHAR TcpMaximumRetransmissions;           /* of a segment, before Retrieve(TimeoutExpiration) */
    UCHAR TcpDoubtReachabilityRetransmissions; /* so many, and the next hop is in doubt (D-51) */
    ULONG TcpSwsPreventionTicks;               /* wait for a window that is worth a segment (RFC 9293 3.8.6.2.1) */
    ULONG TcpDuplicateAckThreshold;            /* RFC 5681 3.2 */
    ULONG TcpPushTicks;                        /* wait of a receive buffer that is not full (D-43) */
    ULONG NceStaleTicks;                       /* silence after which a next hop's reachability is asked for */
    ULONG CongestionAlgorithm;                 /* revision 2; read and ignored */
} NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS, *PNDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS;

/* Payload of OID_TCP_OFFLOAD_PARAMETERS: what is switched on and off.  Only the two TcpConnection members mean anything
 * here.  page: ns_ndis_offload_parameters */
typedef struct NDIS_OFFLOAD_PARAMETERS {
    NDIS_OBJECT_HEADER Header; /* NDIS_OBJECT_TYPE_DEFAULT */
    UCHAR IPv4Checksum, TCPIPv4Checksum, UDPIPv4Checksum, TCPIPv6Checksum, UDPIPv6Checksum; /* not examined */
    UCHAR LsoV1, IPsecV1, LsoV2IPv4, LsoV2IPv6;                                             /* not examined */
    UCHAR TcpConnectionIPv4, TcpConnectionIPv6; /* NDIS_OFFLOAD_PARAMETERS_... */
    ULONG Flags;                                /* not examined */
} NDIS_OFFLOAD_PARAMETERS, *PNDIS_OFFLOAD_PARAMETERS;

/* Values of the two TcpConnection members. */
enum {
    NDIS_OFFLOAD_PARAMETERS_NO_CHANGE = 0,                   /* as it was */
    NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED = 1, /* off, and what is offloaded comes back */
    NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED = 2   /* on */
};

/* Payload of OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG and ..._HARDWARE_CAPABILITIES: what an adapter can do now, and
 * at best.  page: ns_ndis_tcp_connection_offload */
typedef struct NDIS_TCP_CONNECTION_OFFLOAD {
    NDIS_OBJECT_HEADER Header;             /* NDIS_OBJECT_TYPE_DEFAULT */
    ULONG Encapsulation;                   /* bits of media; 2: IEEE 802.3 */
    ULONG SupportIPv4 : 2;                 /* not 0: takes connections over IPv4 */
    ULONG SupportIPv6 : 2;                 /* not 0: over IPv6 */
    ULONG SupportIPv6ExtensionHeaders : 2; /* not 0: with extension headers */
    ULONG SupportSack : 2;                 /* not 0: runs SACK (RFC 2018) */
    ULONG CongestionAlgorithm : 4;         /* not examined */
    ULONG TcpConnectionOffloadCapacity;    /* connections of both versions together */
    ULONG Flags;                           /* not examined */
} NDIS_TCP_CONNECTION_OFFLOAD, *PNDIS_TCP_CONNECTION_OFFLOAD;

/* Datagrams and bytes of offloaded connections, per interface and IP version; counters wrap.  page: ns_ip_offload_stats
 */
typedef struct IP_OFFLOAD_STATS {
    ULONG64 InReceives;       /* datagrams that came, those with errors too */
    ULONG64 InOctets;         /* bytes of those, headers included */
    ULONG64 InDelivers;       /* datagrams that went to a connection */
    ULONG64 OutRequests;      /* datagrams to be sent */
    ULONG64 OutOctets;        /* bytes of those, headers included */
    ULONG InHeaderErrors;     /* dropped for their header */
    ULONG InTruncatedPackets; /* dropped, shorter than their good header says */
    ULONG InDiscards;         /* dropped though nothing was wrong with them */
    ULONG OutDiscards;        /* the same of those to be sent */
    ULONG OutNoRoutes;        /* there was no path object */
} IP_OFFLOAD_STATS, *PIP_OFFLOAD_STATS;

/* Segments of offloaded connections.  page: ns_tcp_offload_stats */
typedef struct TCP_OFFLOAD_STATS {
    ULONG64 InSegments;          /* came, those with errors too */
    ULONG64 OutSegments;         /* sent, without pure retransmissions */
    ULONG CurrentlyEstablished;  /* connections in ESTABLISHED or CLOSE-WAIT now */
    ULONG ResetEstablished;      /* times that one went from there to CLOSED */
    ULONG RetransmittedSegments; /* with at least one byte that was sent before */
    ULONG InErrors;              /* came with errors, and were not delivered */
    ULONG OutResets;             /* sent with RST */
} TCP_OFFLOAD_STATS, *PTCP_OFFLOAD_STATS;

#include "flue/ndischimney_calls.h"

FLUE_END_C

#endif
