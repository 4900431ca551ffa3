/* SPDX-License-Identifier: GPL-2.0-only */
/* script/exec.h - a script being carried out: one stack in virtual time, its peers, its sockets, what has been sent. */
#ifndef SCRIPT_EXEC_H
#define SCRIPT_EXEC_H

#include <stdio.h>

#include "flue/tcp.h"
#include "script.h"

#define PEERS       65u /* peer[0] is not used */
#define SOCKETS     64u
#define LISTEN_PORT 80u

struct peer {
    struct flue_ip ip, local_ip;
    uint16_t port, local_port;
    uint32_t iss;      /* ours, as the stack sends it */
    uint32_t irs;      /* the peer's own */
    uint32_t snd_max;  /* highest relative end that the stack has sent */
    uint32_t window;   /* of `in` lines that name none */
    uint32_t last_syn; /* sequence number of the last SYN that came in */
    uint32_t ts_zero;  /* the stack's timestamp clock in its SYN */
    uint32_t ts_last;  /* the latest value the stack has sent, absolute */
    bool iss_known, relearn, syn_came, ts_out, ts_in;
};

/* A packet the stack has sent. */
struct sent {
    flue_ps at_ps;
    uint8_t *bytes;
    size_t length;
    bool sound;
    struct packet packet; /* its payload points into bytes */
    char label[NAME_MAX_BYTES];
};

struct sock {
    char name[NAME_MAX_BYTES];
    int number; /* -1: none */
    uint64_t sent, received;
    uint8_t *image; /* what export wrote */
    size_t image_bytes;
    bool has_ended;
    enum flue_tcp_reason ended;
    struct flue_tcp_state *detached;
    uint8_t *chain[2]; /* send queue, unread */
    size_t chain_bytes[2];
};

struct options {
    bool verbose, roundtrip;
    bool must_fail; /* a script holds if it fails with the words of its line `# fails: WORDS` */
    const char *pcap_folder;
};

struct world {
    const struct script *script;
    const struct options *options;
    struct flue_stack_config config;
    struct flue_stack *stack;
    flue_ps now_ps, zero_ps, start_ps;
    struct peer peer[PEERS];
    unsigned present;
    unsigned family;
    struct sock sock[SOCKETS];
    unsigned sock_count;
    struct sent *sent; /* all of them; those from next on have not been expected yet */
    size_t sent_count, sent_room, next;
    enum ignore ignore;
    int64_t want_iss; /* -1: any */
    bool roundtrip;
    uint64_t random;
    size_t memory_bytes, memory_blocks;
    const struct line *line;
    char recent[16][400]; /* the last packets, as text; a ring */
    unsigned recent_count;
    FILE *pcap;
    bool failed;
    char headline[600];
    char detail[4096];
    uint8_t buffer[PACKET_MAX];
};

/* Carries a script out.  True: it holds. */
bool script_run(const struct script *script, const struct options *options);

/* The script does not hold: the first reason counts.  Answers false. */
bool world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_note(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_seen(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

void world_open(struct world *world, const struct script *script, const struct options *options, flue_ps start_ps);
bool world_start(struct world *world);
/* Frees all; a stack that keeps memory is a failure. */
void world_close(struct world *world);
/* Lets time pass until to_ps, or until something has been sent. */
bool world_advance(struct world *world, flue_ps to_ps, bool stop);
/* Nothing that was sent may be left over. */
bool world_quiet(struct world *world);
/* An `ignore` line covers it. */
bool world_may_ignore(const struct world *world, const struct packet *packet);
/* Gives a packet to the stack. */
bool world_input(struct world *world, const uint8_t *bytes, size_t length, bool sound);
bool world_line(struct world *world, const struct line *line);
/* The socket of that name; made: a new one may be made. */
struct sock *world_socket(struct world *world, const char *name, bool make);
struct sock *world_socket_of_number(struct world *world, int number);

/* The part of the peer in a connection's name; the present peer if there is none. */
struct peer *peer_of(struct world *world, const struct flue_ip *ip, uint16_t port);

/* exec_segment.c */
bool exec_in(struct world *world, const struct segment_spec *spec);
bool exec_out(struct world *world, const struct segment_spec *spec, flue_ps from_ps, flue_ps to_ps);
bool exec_icmp(struct world *world, const struct icmp_spec *spec);
/* show.c: a segment in the words of the language. */
void segment_show(const struct world *world, const struct packet *packet, bool out, char *text, size_t room);
/* match.c: what of a segment differs from a line; answers how many fields. */
unsigned segment_match(struct world *world, const struct segment_spec *spec, const struct packet *packet, char *text,
                       size_t room);

/* call.c, move.c, fields.c */
bool exec_call(struct world *world, const struct call *call);
int64_t move_call(struct world *world, struct sock *sock, const struct call *call);
bool move_roundtrip(struct world *world);
bool exec_set(struct world *world, const struct line *line);
bool exec_is(struct world *world, const struct line *line);
/* How a value of stack's answers is told: 12, EAGAIN. */
void result_show(int64_t result, char *out, size_t room);
/* Compares two informations field by field; tells the first that differs. */
bool info_differs(const struct flue_tcp_info *a, const struct flue_tcp_info *b, char *text, size_t room);

#endif
