/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/format.c - arguments and sentences of events, as trace.def tells their names and units. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "flue/check.h"
#include "flue/cost.h"
#include "flue/host.h"
#include "flue/ndischimney.h"
#include "flue/target.h"
#include "flue/tcp_engine.h"
#include "flue/policy.h"
#include "flue/wire.h"
#include "trace/trace_read.h"

/* A part of a text of trace.def, borrowed. */
struct word {
    const char *chars;
    size_t length;
};

void trace_text_start(struct trace_text *text)
{
    text->length = 0;
    text->chars[0] = '\0';
}

void trace_text_add(struct trace_text *text, const char *format, ...)
{
    size_t room = sizeof text->chars - text->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text->chars + text->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        text->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

static bool is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.chars, text, word.length) == 0;
}

/* "name:unit name:unit": the argument of that number; false past the end. */
static bool argument_at(unsigned point, size_t argument, struct word *name, struct word *unit)
{
    const struct flue_point_info *info = flue_point_info(point);
    const char *at = info == NULL ? "" : info->args;

    for (size_t i = 0; *at != '\0'; i++) {
        size_t length = strcspn(at, " ");
        size_t colon = strcspn(at, ":");

        if (i == argument) {
            *name = (struct word){at, colon};
            *unit = (struct word){at + colon + 1, length - colon - 1};
            return true;
        }
        at += length + strspn(at + length, " ");
    }
    return false;
}

static size_t argument_of(unsigned point, struct word wanted)
{
    struct word name, unit;

    for (size_t i = 0; argument_at(point, i, &name, &unit); i++) {
        if (name.length == wanted.length && memcmp(name.chars, wanted.chars, name.length) == 0) {
            return i;
        }
    }
    return TRACE_NONE;
}

size_t trace_arg(unsigned point, const char *name)
{
    return argument_of(point, (struct word){name, strlen(name)});
}

void trace_count(uint64_t value, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t at = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* "S.", "P.", "." */
static void flag_letters(unsigned flags, char out[12])
{
    static const struct {
        unsigned bit;
        char letter;
    } letters[] = {{FLUE_TCP_SYN, 'S'}, {FLUE_TCP_FIN, 'F'}, {FLUE_TCP_RST, 'R'}, {FLUE_TCP_PSH, 'P'},
                   {FLUE_TCP_URG, 'U'}, {FLUE_TCP_ECE, 'E'}, {FLUE_TCP_CWR, 'W'}, {FLUE_TCP_ACK, '.'}};
    size_t at = 0;

    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if ((flags & letters[i].bit) != 0) {
            out[at++] = letters[i].letter;
        }
    }
    if (at == 0) {
        out[at++] = '-';
    }
    out[at] = '\0';
}

static const char *reason_name(int64_t reason)
{
    static const char *const names[] = {
        [FLUE_TCP_BY_OPEN] = "an open",
        [FLUE_TCP_BY_SEGMENT] = "a segment",
        [FLUE_TCP_BY_CLOSE] = "a close",
        [FLUE_TCP_BY_RESET] = "a reset came",
        [FLUE_TCP_BY_ABORT] = "an abort",
        [FLUE_TCP_BY_TIMEOUT] = "a timeout",
        [FLUE_TCP_BY_2MSL] = "2 MSL are over",
        [FLUE_TCP_BY_IMPORT] = "taken over",
        [FLUE_TCP_BY_EXPORT] = "handed over",
        [FLUE_TCP_BY_KEEP_ALIVE] = "no answer to keep-alive",
        [FLUE_TCP_BY_USER_TIMEOUT] = "user timeout",
        [FLUE_TCP_BY_UNREACHABLE] = "unreachable",
    };

    return reason >= 0 && (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "?";
}

/* Whether the number counts what the other end sends. */
static bool is_of_peer(unsigned point, struct word name)
{
    bool received = point == FLUE_POINT_tcp_receive || point == FLUE_POINT_wire_loss ||
                    point == FLUE_POINT_wire_reorder || point == FLUE_POINT_hold_segment;

    return received != is(name, "ack");
}

static void add_seq(const struct trace_log *log, const struct flue_event *event, struct word name, int64_t value,
                    struct trace_text *out)
{
    unsigned from = is_of_peer(event->point, name) ? 1u - event->node : event->node;
    uint32_t seq;

    if (is(name, "ack") && (event->arg[3] & FLUE_TCP_ACK) == 0) {
        trace_text_add(out, "none"); /* the field has no meaning */
        return;
    }
    (void)trace_log_seq(log, event->conn, from, (uint32_t)value, &seq);
    trace_text_add(out, "%" PRIu32, seq);
}

/* EventSpecificInformation means something for two kinds of event. */
static void add_info(const struct flue_event *event, int64_t value, struct trace_text *out)
{
    if (event->arg[0] == TcpIndicateRetrieve) {
        trace_text_add(out, "%s", flue_ndis_upload_reason_name((unsigned)value));
    } else if (event->arg[0] == TcpIndicateSendBacklogChange) {
        trace_text_add(out, "%" PRId64 " bytes", value);
    } else {
        trace_text_add(out, "no information");
    }
}

static void add_disconnect(int64_t flags, struct trace_text *out)
{
    if ((flags & TCP_DISCONNECT_ABORTIVE_CLOSE) != 0) {
        trace_text_add(out, "TCP_DISCONNECT_ABORTIVE_CLOSE");
    } else if ((flags & TCP_DISCONNECT_GRACEFUL_CLOSE) != 0) {
        trace_text_add(out, "TCP_DISCONNECT_GRACEFUL_CLOSE");
    } else {
        trace_text_add(out, "flags 0x%" PRIx64, (uint64_t)flags);
    }
}

static const char *oid_name(int64_t oid)
{
    static const struct {
        int64_t oid;
        const char *name;
    } names[] = {
#define FLUE_X(name, value, mark) {(int32_t)(value), #name},
        FLUE_NDIS_OID_LIST(FLUE_X)
#undef FLUE_X
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].oid == (int32_t)oid) {
            return names[i].name;
        }
    }
    return NULL;
}

/* States of a neighbour's entry (RFC 4861 7.3.2). */
static const char *neighbour_name(int64_t state)
{
    static const char *const names[] = {"incomplete", "reachable", "stale", "delay", "probe", "failed"};

    return state >= 0 && (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static void add_rule(int64_t rule, struct trace_text *out)
{
    char id[8];

    flue_rule_id((unsigned)rule, id);
    trace_text_add(out, "%s", id);
    if (flue_rule((unsigned)rule) != NULL) {
        trace_text_add(out, " (%s)", flue_rule((unsigned)rule)->sentence);
    }
}

/* An IPv4 address in host byte order. */
static void add_ip(int64_t address, struct trace_text *out)
{
    const unsigned ip = (unsigned)address;

    trace_text_add(out, "%u.%u.%u.%u", ip >> 24, (ip >> 16) & 255u, (ip >> 8) & 255u, ip & 255u);
}

static const char *name_of(struct word unit, int64_t value)
{
    unsigned number = (unsigned)value;

    if (is(unit, "holder")) {
        return flue_holder_name(number);
    }
    if (is(unit, "reason")) {
        return flue_move_name(number);
    }
    if (is(unit, "context")) {
        return flue_context_name(number);
    }
    if (is(unit, "status")) {
        return flue_ndis_status_name((NDIS_STATUS)value);
    }
    if (is(unit, "state_type")) {
        return flue_ndis_state_type_name(number);
    }
    if (is(unit, "tcp_state")) {
        return flue_tcp_state_name(number);
    }
    if (is(unit, "tcp_reason")) {
        return reason_name(value);
    }
    if (is(unit, "event")) {
        return flue_ndis_event_name(number);
    }
    if (is(unit, "code")) {
        return flue_ndis_indication_name(number);
    }
    if (is(unit, "party")) {
        return flue_party_name(number);
    }
    if (is(unit, "oid")) {
        return oid_name(value);
    }
    if (is(unit, "decision")) {
        return value == FLUE_OFFLOAD ? "offload" : value == FLUE_TAKE_BACK ? "take back" : "leave as it is";
    }
    if (is(unit, "neighbour")) {
        return neighbour_name(value);
    }
    return is(unit, "category") ? flue_category_name(number) : NULL;
}

/* The reason in the words of the policy that was asked. */
static void add_why(const struct trace_log *log, int64_t reason, struct trace_text *out)
{
    const struct flue_policy *policy = trace_log_policy(log);

    if (policy != NULL && reason >= 0 && reason < (int64_t)flue_policy_reasons(policy)) {
        trace_text_add(out, "%s", policy->reasons[reason]);
    } else {
        trace_text_add(out, "reason %" PRId64, reason);
    }
}

void trace_add_value(const struct trace_log *log, const struct flue_event *event, size_t argument,
                     struct trace_text *out)
{
    struct word name, unit;
    char flags[12];
    int64_t value;

    if (argument >= FLUE_TRACE_ARGS || !argument_at(event->point, argument, &name, &unit)) {
        trace_text_add(out, "?");
        return;
    }
    value = event->arg[argument];
    if (is(unit, "seq")) {
        add_seq(log, event, name, value, out);
    } else if (is(unit, "ps")) {
        trace_text_add(out, "%.3f us", (double)value / 1e6);
    } else if (is(unit, "tcp_flags")) {
        flag_letters((unsigned)value, flags);
        trace_text_add(out, "%s", flags);
    } else if (is(unit, "disconnect")) {
        add_disconnect(value, out);
    } else if (is(unit, "info")) {
        add_info(event, value, out);
    } else if (is(unit, "why")) {
        add_why(log, value, out);
    } else if (is(unit, "rule")) {
        add_rule(value, out);
    } else if (is(unit, "ip")) {
        add_ip(value, out);
    } else if (is(unit, "oid") && name_of(unit, value) == NULL) {
        trace_text_add(out, "OID 0x%08" PRIx32, (uint32_t)value);
    } else if (name_of(unit, value) != NULL) {
        trace_text_add(out, "%s", name_of(unit, value));
    } else {
        trace_text_add(out, "%" PRId64, value);
    }
}

void trace_add_sentence(const struct trace_log *log, const struct flue_event *event, struct trace_text *out)
{
    const struct flue_point_info *info = flue_point_info(event->point);
    const char *at = info == NULL ? "an event that trace.def does not know" : info->sentence;
    struct word name, unit;

    while (*at != '\0') {
        size_t length = strcspn(at, "{");
        size_t end = at[length] == '{' ? strcspn(at + length, "}") : 0;

        trace_text_add(out, "%.*s", (int)length, at);
        at += length;
        if (end > 0) {
            trace_add_value(log, event, argument_of(event->point, (struct word){at + 1, end - 1}), out);
            at += end + (at[end] == '}');
        }
    }
    /* A flag is a word that is said or not. */
    for (size_t i = 0; argument_at(event->point, i, &name, &unit); i++) {
        if (is(unit, "flag") && event->arg[i] != 0) {
            trace_text_add(out, ", %.*s", (int)name.length, name.chars);
        }
    }
}

const char *trace_node_name(unsigned node)
{
    static const char *const names[TRACE_NODES] = {
        [TRACE_SERVER] = "server", [TRACE_CLIENT] = "client", [TRACE_SECOND] = "second"};

    return node < TRACE_NODES ? names[node] : "node ?";
}

static const char *column(const struct trace_log *log, size_t place, const char *word)
{
    if (strcmp(word, "tcp") == 0) {
        return trace_log_side(log, place) == TRACE_BY_TARGET ? "target" : "host";
    }
    return strcmp(word, "-") == 0 ? "" : word;
}

const char *trace_actor(const struct trace_log *log, size_t place)
{
    const struct flue_point_info *info = flue_point_info(trace_log_at(log, place)->point);

    return info == NULL ? "?" : column(log, place, info->actor);
}

const char *trace_arrow(const struct trace_log *log, size_t place)
{
    const struct flue_point_info *info = flue_point_info(trace_log_at(log, place)->point);

    return info == NULL ? "" : column(log, place, info->arrow);
}
