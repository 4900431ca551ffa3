/* SPDX-License-Identifier: GPL-2.0-only */
/* script/script.h - a script as data: what language.md describes, parsed and not yet carried out. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"
#include "words.h"

#define NAME_MAX_BYTES 24u

/* A number of a segment.  Sequence numbers count from the initial one of their direction, unless absolute (=N). */
struct number {
    uint32_t value;
    bool given, absolute, any;
};

enum option_form { OPTION_MSS, OPTION_WSCALE, OPTION_SACK_OK, OPTION_SACK, OPTION_TS, OPTION_RAW };
struct option_spec {
    enum option_form form;
    bool absent;            /* !ts: must not be there */
    struct number value[8]; /* MSS, shift; value and echo; pairs of SACK */
    unsigned count;
    uint8_t raw[40]; /* RAW: kind, length and value as they stand */
    unsigned raw_bytes;
};

enum psh { PSH_ANY, PSH_MUST, PSH_MUST_NOT };

/* What a line says about a segment: of an `out` line only this is compared, with sequence number, length and flags. */
struct segment_spec {
    uint8_t flags;
    enum psh psh;
    struct number seq, ack, window, urgent, ttl, tos;
    int ecn; /* -1: not said */
    uint32_t length;
    unsigned times; /* x3: three of them, the length in equal parts */
    bool has_options, only;
    unsigned option_count;
    struct option_spec option[8];
    bool garbage; /* the payload is not the pattern */
    struct packet_damage damage;
    bool has_from, has_to;
    struct flue_ip from, to;
    struct number src_port, dst_port;
    unsigned peer; /* 0: the present one */
    char label[NAME_MAX_BYTES];
};

enum when_kind { WHEN_NOW, WHEN_AT, WHEN_AFTER };
struct when {
    enum when_kind kind;
    flue_ps from_ps, to_ps; /* a window; equal without tolerance */
};

enum call_kind {
    CALL_OPEN,
    CALL_BIND,
    CALL_LISTEN,
    CALL_ACCEPT,
    CALL_CONNECT,
    CALL_SEND,
    CALL_RECV,
    CALL_SHUTDOWN,
    CALL_CLOSE,
    CALL_ABORT,
    CALL_SET,
    CALL_GET,
    CALL_POLL,
    CALL_LOCAL,
    CALL_REMOTE,
    CALL_INFO,
    CALL_EXPORT,
    CALL_IMPORT,
    CALL_DETACH,
    CALL_ATTACH
};

struct call {
    enum call_kind kind;
    char socket[NAME_MAX_BYTES], made[NAME_MAX_BYTES];
    int64_t number;    /* bytes, backlog, port, option's value, enum flue_shutdown */
    unsigned flags;    /* enum flue_socket_flag */
    unsigned option;   /* enum flue_socket_option */
    unsigned peer;     /* connect */
    bool garbage;      /* recv: these bytes are not the pattern */
    struct flue_ip ip; /* bind */
    bool expects;
    int64_t result;
};

enum compare {
    COMPARE_EQUAL,
    COMPARE_UNEQUAL,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_MORE,
    COMPARE_MORE_EQUAL,
    COMPARE_RANGE
};

/* One field and what it must be. */
struct claim {
    char socket[NAME_MAX_BYTES];
    char field[NAME_MAX_BYTES];
    enum compare compare;
    int64_t low, high;
    bool times_mss, is_time;
};

#define CLAIMS_MAX 12u

struct icmp_spec {
    bool too_big;
    uint8_t type4, code4, type6, code6;
    bool raw; /* type and code as they stand, of either family */
    uint32_t rest;
    char label[NAME_MAX_BYTES]; /* "": the last segment sent */
    struct number seq;          /* put in place of the quoted one */
    unsigned quote_bytes;       /* 0: as much as is usual */
    bool has_from, bad_checksum;
    struct flue_ip from;
};

enum ignore { IGNORE_NOTHING, IGNORE_ACKS, IGNORE_DATA, IGNORE_ALL };

enum verb {
    VERB_SET,
    VERB_MACRO,
    VERB_PEER,
    VERB_CALL,
    VERB_IN,
    VERB_OUT,
    VERB_NONE,
    VERB_IS,
    VERB_ICMP,
    VERB_RAW,
    VERB_IGNORE
};

struct line {
    unsigned number;
    const char *text; /* as it stands in the file; owned */
    bool of_macro;
    enum verb verb;
    struct when when;
    bool expects; /* in, raw, icmp: what flue_stack_input answers */
    int64_t result;
    union {
        struct segment_spec segment;
        struct call call;
        struct {
            unsigned count;
            struct claim claim[CLAIMS_MAX];
        } is;
        struct icmp_spec icmp;
        struct {
            uint8_t *bytes; /* owned */
            unsigned count;
        } raw;
        struct {
            char name[40];
            int64_t number;
            bool is_time;
        } set;
        struct {
            unsigned number;
            int64_t port, iss, window; /* -1: stays */
            bool has_ip;
            struct flue_ip ip;
        } peer;
        enum ignore ignore;
    } as;
};

struct script {
    const char *path; /* borrowed */
    char clause[80];  /* "9293 3.10.7.4 (fifth)" */
    char sentence[400];
    char fails[200]; /* # fails: words of the report, in scripts that prove the runner's eyes */
    struct line *lines;
    unsigned count, room;
};

/* Reads a file.  False: fault names the line, nothing is left to free. */
bool script_read(const char *path, struct script *out, struct fault *fault);
/* The same from text. */
bool script_parse(const char *path, const char *text, struct script *out, struct fault *fault);
void script_free(struct script *script);

/* One line, without comment lines and macros; shared by the reader and the macros. */
bool line_parse(const char *text, struct line *out, struct fault *fault);
void line_free(struct line *line);

bool segment_parse(struct words *words, bool out, struct segment_spec *spec, struct fault *fault);
bool call_parse(struct words *words, struct call *out, struct fault *fault);
bool icmp_parse(struct words *words, struct icmp_spec *out, struct fault *fault);
bool claims_parse(struct words *words, struct line *line, struct fault *fault);

/* What a call answers: 17, EAGAIN, or bits of poll, IN,OUT. */
bool result_parse(const char *text, int64_t *out);
bool poll_parse(const char *text, int64_t *out);
void poll_show(int64_t mask, char *out, size_t room);
/* The number of an option's name, NODELAY; -1: there is none. */
int option_find(const char *name);
bool name_parse(const char *text, char *out, struct fault *fault);

/* Macros (macro.c): the lines of one, in the language itself, one after the other through emit. */
bool macro_known(const char *name);
struct macro_world {
    bool listens; /* there is a listening socket l already */
};
bool macro_expand(const char *text, const struct macro_world *world, bool (*emit)(void *arg, const char *line),
                  void *arg, struct fault *fault);

/* Fields that `set` and `is` know (fields.c). */
bool config_field_known(const char *name);
bool claim_field_known(const char *name, bool *is_time, bool *is_state, struct fault *fault);

#endif
