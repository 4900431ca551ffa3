/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/exchange.h - transfers between two parties over an impaired network, every byte compared with what it must
 * be.  Who owns the clock calls exchange_run() at the present time, whenever something has happened and at the deadline
 * that it answers. */
#ifndef FLUE_INTEROP_EXCHANGE_H
#define FLUE_INTEROP_EXCHANGE_H

#include "impair.h"
#include "party.h"

FLUE_BEGIN_C

#define EXCHANGE_FLOWS       8u
#define EXCHANGE_CHUNK_BYTES 16384u

/* One connection's transfers. */
struct flow_plan {
    uint64_t bytes[2];  /* to be sent by party 0 and by party 1 */
    flue_ps start_ps;   /* when to connect */
    uint64_t nap_bytes; /* a receiver stops reading for nap_ps after so many bytes; 0: never */
    flue_ps nap_ps;
};

struct end {
    struct party *party;
    int listener, connection; /* -1: none */
    uint64_t key_out, key_in;
    uint64_t to_send, sent, to_receive, received;
    uint64_t next_nap; /* value of `received` at which it sleeps */
    flue_ps awake_ps;
    int shut, ended, closed;
    uint8_t chunk[EXCHANGE_CHUNK_BYTES]; /* content that waits to be sent */
    size_t chunk_at, chunk_end;
};

struct flow {
    struct flow_plan plan;
    struct end end[2];
    int begun;
};

struct exchange {
    struct party *party[2];
    struct flue_ip ip[2];
    unsigned connector;   /* the party that connects; the other listens */
    struct impair *to[2]; /* to[i] delivers to party i */
    int shuts_second[2];  /* 1: this party closes its direction after the other one has */
    unsigned flow_count;
    struct flow flow[EXCHANGE_FLOWS];
    uint16_t port; /* of the first flow */
    int hold_open; /* 1: nobody closes, even when all is sent */
    flue_ps now_ps;
    uint64_t compared; /* bytes that were right */
    char failure[300]; /* "": none */
    /* Gets every packet that goes into the network; NULL: there is none. */
    struct pcap *capture;
};

/* Opens the listeners.  0: `failure` tells what did not work. */
int exchange_begin(struct exchange *x, const struct impair_params *impair, uint64_t seed, struct party *a,
                   struct party *b, const struct flue_ip ip[2], unsigned connector, const struct flow_plan *plans,
                   unsigned plan_count);
/* Writes what goes into the network, from now on, to a capture file; path NULL: does nothing. */
void exchange_capture(struct exchange *x, const char *path);
/* Closes what is open; the parties stay. */
void exchange_end(struct exchange *x);

/* A packet that party `from` has sent. */
void exchange_packet(struct exchange *x, unsigned from, const uint8_t *packet, size_t bytes);
/* The same as callbacks of party 0 and party 1; ctx is the exchange. */
void exchange_out_0(void *ctx, const uint8_t *packet, size_t bytes);
void exchange_out_1(void *ctx, const uint8_t *packet, size_t bytes);

/* Does everything that can be done now; answers when to come again at the latest. */
flue_ps exchange_run(struct exchange *x, flue_ps now_ps);

/* 1: every byte has come and both directions of every connection are closed, or something failed. */
int exchange_over(const struct exchange *x);

/* Marks the failure "it took too long", with how far each flow got. */
void exchange_give_up(struct exchange *x);

/* In virtual time: runs until all is over, or until_ps.  Answers the time. */
flue_ps exchange_play(struct exchange *x, flue_ps now_ps, flue_ps until_ps);

/* Goes on until_ps, however it ended: connections that are closing come to their end. */
void exchange_settle(struct exchange *x, flue_ps now_ps, flue_ps until_ps);

/* Notes the first failure. */
void exchange_fail(struct exchange *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

FLUE_END_C

#endif
