/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/host/fake_adapter.h - a host over the real NDIS over a miniport that only notes and does what the test says; and
 * a peer whose segments the test writes by hand. */
#ifndef FLUE_TEST_FAKE_ADAPTER_H
#define FLUE_TEST_FAKE_ADAPTER_H

#include <stdbool.h>

#include "base/timers.h"
#include "flue/check.h"
#include "flue/host.h"
#include "flue/im.h"
#include "flue/ndischimney.h"
#include "flue/ndisrss.h"
#include "flue/wire.h"
#include "support/manual_env.h"

#define HOST_IP   0x0a000001u
#define PEER_IP   0x0a000002u
#define HOST_PORT 80
#define SOCKETS   8

enum { FIXTURE_DRIVERS = 3 };

/* One connection of the host, as the peer and the adapter see it. */
struct peer {
    struct flue_host_socket *socket; /* NULL before it is open and after it has closed */
    uint32_t ip;
    uint16_t port;
    uint32_t seq, ack;      /* next of the peer; next it expects */
    uint64_t sent;          /* payload bytes of the peer's stream sent in order */
    uint64_t received;      /* next offset the application expects */
    uint64_t acked;         /* told to the application */
    NDIS_HANDLE handle;     /* while the adapter has the connection */
    PNET_BUFFER_LIST sends; /* buffer lists the adapter has, oldest first */
    PNET_BUFFER_LIST posts; /* receive buffers, oldest first */
    PNET_BUFFER_LIST disconnect;
    PNET_BUFFER_LIST forwards;
    TCP_OFFLOAD_STATE_DELEGATED state; /* as it was handed over */
    uint32_t hash;                     /* HashValue, likewise */
};

struct fixture {
    struct manual_env env;
    struct manual_env host_env; /* the host's own, so that its memory alone can run out */
    struct timers timers;
    struct flue_ndis *ndis;
    NDIS_HANDLE driver, adapter;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS up;
    struct ndis_pool *frames, *spans;
    struct flue_host *host;
    struct flue_app app;
    struct peer peers[SOCKETS];
    char log[8192];             /* what the miniport and the application saw; peers are numbered */
    struct flue_frame sent[64]; /* frames of the host, newest last */
    unsigned sent_count;
    unsigned sent_before;      /* the last initiate */
    PNET_BUFFER_LIST ordinary; /* not yet completed */
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST initiated[8], terminated[8], updated[8], queried[8], invalidated[8];
    unsigned initiated_count, terminated_count, updated_count, queried_count, invalidated_count;
    bool provoked[FLUE_RULES + 1];                        /* rules that the scripted miniport broke */
    struct flue_im *between[FIXTURE_DRIVERS];             /* between host and miniport; FLUE_HOST_STACK */
    const struct NDIS_TCP_CONNECTION_OFFLOAD *capability; /* what adapters say; NULL: nothing */
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS parameters;    /* as the host set them */
    FLUE_RECEIVE_SCALE scale;                             /* likewise */
    uint32_t indicated;                                   /* buffer lists the host has */
    char neighbour_context, path_context;
    bool hasty;             /* completes what it can inside the call, as no driver may */
    uint32_t missing_bytes; /* are on their way, and not in the chain that a terminate gives back */
    void (*on_connected)(struct fixture *f, unsigned peer);
};

/* A host that listens on HOST_PORT, with this policy, and every price 1000 cycles at 1 GHz (1 us). */
void fixture_begin(struct fixture *f, const char *policy, uint32_t tree_connections);
/* The same; tune may change the host's parameters. */
void fixture_begin_tuned(struct fixture *f, const char *policy, uint32_t tree_connections,
                         void (*tune)(struct flue_host_params *params));
/* Asserts that nothing is live (unless `cut`), and frees all. */
void fixture_end(struct fixture *f, int cut);
/* The environment variable FLUE_HOST_STACK names what stands between host and miniport: "pass", "refuse", "pass3"; then
 * every rule of the interface is watched, too. */
/* Adds a line to the log. */
void fixture_note(struct fixture *f, const char *format, ...);
unsigned peer_number(const struct fixture *f, const struct peer *peer);
/* Registers the miniport and starts its adapter. */
void adapter_start(struct fixture *f);
/* Sets the time of both environments. */
void fixture_time(struct fixture *f, flue_ps now_ps);
/* Runs the timers that are due. */
void fixture_run(struct fixture *f);
/* Asserts the log and empties it. */
void expect_log(struct fixture *f, const char *text);

/* The two segments of a peer's handshake, whose sequence numbers start at iss; and the same, asserting that the
 * connection is open. */
void peer_handshake(struct fixture *f, unsigned i, uint32_t ip, uint32_t iss);
void peer_open(struct fixture *f, unsigned i, uint32_t ip, uint32_t iss);
/* A segment with `bytes` of the peer's stream, beginning `ahead` bytes behind what was sent in order. */
void peer_frame(struct fixture *f, const struct flue_frame *frame);
void peer_segment(struct fixture *f, unsigned i, uint32_t ahead, uint32_t bytes, uint8_t flags);
/* Completes every ordinary send, and notes what the peer then expects. */
void adapter_sent(struct fixture *f);
/* Completes the oldest initiate.  Bit i of refuse: peer i is refused.  refuse_path: the path, and all on it. */
void adapter_initiated(struct fixture *f, unsigned refuse, int refuse_path);
/* Completes the oldest terminate: peer's send data from acked_bytes on goes back in the chain, TCP state and buffered
 * bytes as told. */
void adapter_terminated(struct fixture *f, unsigned i, uint32_t acked_bytes, unsigned state, uint32_t buffered_bytes,
                        NDIS_STATUS status);
/* Completes the oldest operation of its kind, every block with this status.  value: NicReachabilityDelta, or
 * SendBacklogSize. */
void adapter_updated(struct fixture *f, NDIS_STATUS status);
void adapter_invalidated(struct fixture *f, NDIS_STATUS status);
void adapter_queried(struct fixture *f, uint32_t value, NDIS_STATUS status);
/* Completes the oldest posted receive of a peer with bytes of its stream. */
void adapter_receive_done(struct fixture *f, unsigned i, uint32_t bytes, NDIS_STATUS status);
/* Indicates and tells what the host answered; what it did not take is the next to be indicated. */
NDIS_STATUS adapter_try_indicate(struct fixture *f, unsigned i, uint32_t bytes, ULONG *consumed);
/* Completes the terminate of paths and neighbour. */
void adapter_released(struct fixture *f);
/* Completes the oldest send of a peer. */
void adapter_send_done(struct fixture *f, unsigned i, NDIS_STATUS status, uint32_t acked_bytes);
void adapter_disconnect_done(struct fixture *f, unsigned i, NDIS_STATUS status);
void adapter_forward_done(struct fixture *f, unsigned i, NDIS_STATUS status);
void adapter_indicate(struct fixture *f, unsigned i, uint32_t bytes);
void adapter_event(struct fixture *f, unsigned i, ULONG event, ULONG information);

#endif
