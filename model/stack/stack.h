/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/stack.h - what the files of this folder share: the stack, the socket, and the functions between files.
 *
 * A socket is more than its number: it is born when a SYN comes or a user opens it, has a number while a user holds it,
 * and lives on without one until its connection has ended.  Every call of flue/tcp.h ends with stack_settle(), which
 * does what the engine's events have asked for; so the engine is never entered from inside its own callbacks. */
#ifndef FLUE_STACK_STACK_H
#define FLUE_STACK_STACK_H

#include <stdbool.h>

#include "flue/env.h"
#include "flue/tcp.h"
#include "flue/tcp_engine.h"
#include "flue/trace.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"

/* Described payload: which ring of the connection's socket holds it. */
enum { STACK_SENT = 1, STACK_RECEIVED = 2 };

/* A stretch of a stream of bytes, by absolute offsets.  Memory is there while the stretch is not empty. */
struct ring {
    uint8_t *memory; /* byte o of the stream stands at o % room */
    uint32_t room;   /* a power of two, or 0 */
    uint64_t head;   /* oldest byte kept */
    uint64_t tail;   /* behind the last byte in order */
    uint64_t end;    /* behind the last byte: above tail when bytes came out of order */
};

enum socket_phase {
    SOCKET_IDLE, /* open, perhaps bound */
    SOCKET_LISTENING,
    SOCKET_OPENING, /* SYN-SENT or SYN-RECEIVED */
    SOCKET_OPEN,
    SOCKET_OVER /* it has had a connection */
};

enum socket_flag {
    SOCKET_SHUT_READ = 1 << 0,
    SOCKET_SHUT_WRITE = 1 << 1,  /* FIN is sent, or will be */
    SOCKET_PEER_CLOSED = 1 << 2, /* its FIN is in order */
    SOCKET_REUSE = 1 << 3,
    SOCKET_CORK = 1 << 4,
    SOCKET_MORE = 1 << 5,      /* the last send said that more follows */
    SOCKET_URGENT = 1 << 6,    /* urgent_end is announced and not yet read */
    SOCKET_READY = 1 << 7,     /* stands in its listener's queue of established ones */
    SOCKET_DELIVERED = 1 << 8, /* our FIN has been acknowledged */
    SOCKET_KEPT = SOCKET_SHUT_READ | SOCKET_SHUT_WRITE | SOCKET_PEER_CLOSED | SOCKET_REUSE | SOCKET_CORK | SOCKET_MORE |
                  SOCKET_URGENT | SOCKET_DELIVERED /* what an image carries */
};

/* What stack_settle() has to do. */
enum socket_work {
    SOCKET_OUTPUT = 1 << 0,
    SOCKET_ABORT = 1 << 1,
    SOCKET_LOOK = 1 << 2 /* the poll mask may have changed, or nobody may need the socket any more */
};

/* All sockets with one local port. */
struct port {
    struct flue_hook sockets;
    uint32_t count, listeners;
    uint16_t number;
};

struct socket {
    struct flue_stack *stack;
    struct flue_tcp_conn *conn; /* NULL before and after */
    struct flue_hook all;       /* stack->all */
    struct flue_hook work;      /* stack->work */
    struct flue_hook waiting;   /* in one of its listener's queues */
    struct flue_hook bound;     /* port->sockets */
    struct port *port;          /* NULL: has no name of its own, or no number */
    struct socket *listener;    /* of a connection that nobody has accepted */
    int number;                 /* -1: none */
    int error;                  /* pending, 0: none */
    uint32_t flags;             /* enum socket_flag */
    uint32_t poll;              /* the mask last told */
    uint8_t phase;              /* enum socket_phase */
    uint8_t todo;               /* enum socket_work */
    struct flue_endpoint local, remote;
    struct flue_tcp_settings settings;
    uint32_t snd_buffer_bytes;
    uint32_t rcv_most_bytes; /* the largest receive buffer that was ever in force */
    int32_t linger_ms;
    uint32_t rcv_seq;     /* from EV_CONNECTED on: of byte rcv_offset */
    uint64_t rcv_offset;  /* of the next byte to be handed up; receive.tail, unless reading is shut */
    uint64_t urgent_mark; /* offset of the urgent byte */
    struct ring send, receive;
    struct timer linger;
    struct flue_tcp_info *last; /* of a connection that is over; NULL: there was no memory for it */
    /* A listener's. */
    struct flue_hook pending; /* in SYN-RECEIVED */
    struct flue_hook ready;   /* established, oldest first */
    uint32_t backlog;
    uint32_t queued; /* in both */
};

struct flue_stack {
    struct flue_stack_config config;
    struct flue_stack_callbacks callbacks;
    struct flue_env env;
    struct flue_trace trace;
    struct timers timers;
    struct flue_tcp *tcp;
    flue_ps now_ps;
    struct flue_hook all;  /* every socket */
    struct flue_hook work; /* those with something to do */
    struct pool sockets;
    struct pool infos;
    struct pool ports;
    struct pool rings;            /* of RING_LEAST bytes */
    struct hash_table port_table; /* of struct port, by number */
    struct socket **table;        /* by number; NULL: free */
    uint32_t table_room;
    uint32_t table_free;    /* no number below it is free */
    struct socket *current; /* whose connection the engine is at work for */
    struct socket *fresh;   /* made for a SYN; its connection has not shown itself yet */
    uint32_t fresh_bytes;   /* payload of that SYN */
    uint8_t *packet;        /* the one packet that is being made */
    size_t packet_room;
    uint8_t *spare; /* the ring that was given up last */
    uint32_t spare_room;
};

/* stack.c */
/* Does all that is asked for; the last act of every call that may have entered the engine. */
void stack_settle(struct flue_stack *stack);
void stack_run(struct flue_stack *stack, flue_ps now_ps);
void *stack_allocate(struct flue_stack *stack, size_t bytes);
void stack_release(struct flue_stack *stack, void *memory, size_t bytes);
bool stack_owns(const struct flue_stack *stack, const struct flue_ip *ip);
/* Copies a sentence to `what`, cut to `room`; what may be NULL. */
void stack_tell(char *what, size_t room, const char *sentence);

/* heap.c: the memory of a stack whose caller brings none. */
void *stack_heap_allocate(void *ctx, size_t bytes);
void stack_heap_release(void *ctx, void *memory, size_t bytes);

/* names.c */
/* The error of flue/tcp.h for one of the engine. */
int stack_error_of(flue_err err);
/* Why a connection in `phase` ended, as the socket's error; 0: in order. */
int stack_error_for(enum flue_tcp_reason reason, enum socket_phase phase);

/* packet.c: ops->output. */
flue_ps stack_output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again);

/* event.c: the engine's other callbacks. */
void stack_event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event);
void *stack_accept(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings, int *silently);
int stack_may_accept(void *owner, const struct flue_tcp_tuple *tuple);
uint32_t stack_initial_seq(void *owner, const struct flue_tcp_tuple *tuple, flue_ps now_ps);
void stack_keep(void *owner, struct flue_tcp_conn *conn, uint32_t seq, struct flue_span *span);
void stack_trace(void *ctx, const struct flue_event *event);

/* ring.c */
#define RING_LEAST 4096u
/* Room for bytes up to offset `end`.  False: no memory, nothing has changed. */
bool ring_reserve(struct flue_stack *stack, struct ring *ring, uint64_t end);
/* Moves bytes between memory and [offset, offset + length), which must lie in the ring. */
void ring_write(struct ring *ring, uint64_t offset, const uint8_t *bytes, uint32_t length);
void ring_read(const struct ring *ring, uint64_t offset, uint8_t *out, uint32_t length);
/* Gives up the oldest bytes, and the memory with the last one. */
void ring_drop(struct flue_stack *stack, struct ring *ring, uint32_t length);
/* Gives up the memory if no byte is left. */
void ring_rest(struct flue_stack *stack, struct ring *ring);
void ring_clear(struct flue_stack *stack, struct ring *ring);
static inline uint32_t ring_bytes(const struct ring *ring)
{
    return (uint32_t)(ring->tail - ring->head);
}

/* table.c: numbers and ports. */
struct socket *stack_socket(const struct flue_stack *stack, int s); /* NULL: there is none of that number */
/* A socket as flue_socket_open() makes it, without a number.  NULL: no memory. */
struct socket *socket_new(struct flue_stack *stack);
void socket_free(struct socket *socket);
/* Gives it the lowest free number: 0, FLUE_STACK_EMFILE or FLUE_STACK_ENOMEM. */
int socket_number(struct socket *socket);
/* Takes number and port away. */
void socket_unnumber(struct socket *socket);
/* Enters it under socket->local.port; false: no memory. */
bool socket_enter_port(struct socket *socket);
void socket_leave_port(struct socket *socket);
struct port *stack_port(const struct flue_stack *stack, uint16_t number); /* NULL: nobody has it */
struct socket *stack_listener(const struct flue_stack *stack, const struct flue_ip *ip, uint16_t port);
/* May a socket be bound to this name? */
bool socket_name_free(const struct socket *socket, const struct flue_endpoint *local);
/* A free port for a bind (remote NULL), or for a connection between these two; 0: there is none. */
uint16_t socket_pick_port(const struct socket *socket, const struct flue_ip *local_ip,
                          const struct flue_endpoint *remote);

/* socket.c */
bool stack_ip_any(const struct flue_ip *ip);
bool stack_ip_host(const struct flue_ip *ip);

/* close.c */
void socket_linger_fire(struct timer *timer, flue_ps now_ps);

/* io.c */
uint32_t socket_mask(const struct socket *socket);
/* Bytes that a read would take now: not across the urgent mark. */
uint32_t socket_readable(const struct socket *socket);
/* Room in the receive ring for a segment that has come, as far as it lies in the window; false: no memory, the segment
 * counts as lost. */
bool socket_make_room(struct socket *socket, const struct flue_frame *frame);
/* Gives up the receive ring when no byte is left in it: the engine may have refused what there was made room for. */
void socket_rest(struct socket *socket);
/* Whether somebody may read what comes: if not, it is not stored. */
static inline bool socket_keeps(const struct socket *socket)
{
    return (socket->flags & SOCKET_SHUT_READ) == 0 && (socket->number >= 0 || socket->listener != NULL);
}
static inline void socket_ask(struct socket *socket, enum socket_work what)
{
    socket->todo |= (uint8_t)what;
    if (!hook_linked(&socket->work)) {
        list_push_back(&socket->stack->work, &socket->work);
    }
}

/* option.c: tells the engine what socket->settings say; the old settings come back if it has no memory. */
int socket_apply(struct socket *socket, const struct flue_tcp_settings *settings);
/* Sets or clears SOCKET_CORK or SOCKET_MORE. */
int socket_hold(struct socket *socket, enum socket_flag flag, bool on);

/* move.c */
/* Makes a numbered socket for a connection that comes from elsewhere; *error tells why it is NULL. */
struct socket *socket_for_move(struct flue_stack *stack, int *error);
/* Takes name and settings over from socket->conn.  0, FLUE_STACK_EADDRNOTAVAIL, FLUE_STACK_EPROTO, FLUE_STACK_ENOMEM.
 */
int socket_take_over(struct socket *socket);
/* Undoes socket_for_move(), and forgets the connection. */
void socket_forget(struct socket *socket);

#endif
