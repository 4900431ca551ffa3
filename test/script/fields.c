/* SPDX-License-Identifier: GPL-2.0-only */
/* script/fields.c - the fields that `set` may change and `is` may ask for, by name. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

enum shape { U8, U16, U32, U64, PS, ENUM };
/* What a number counts from. */
enum zero { PLAIN, OURS, THEIRS };

struct field {
    const char *name;
    size_t place;
    enum shape shape;
    enum zero zero;
};

#define TCP(name, shape)                                                                                               \
    {                                                                                                                  \
#name, offsetof(struct flue_stack_config, tcp.name), shape, PLAIN                                              \
    }
#define CONFIG(name, shape)                                                                                            \
    {                                                                                                                  \
#name, offsetof(struct flue_stack_config, name), shape, PLAIN                                                  \
    }
static const struct field config_fields[] = {TCP(mss_bytes, U32),
                                             TCP(mtu_bytes, U32),
                                             TCP(rcv_buffer_bytes, U32),
                                             TCP(rcv_wscale, U32),
                                             TCP(initial_window, U32),
                                             TCP(ack_every, U32),
                                             TCP(dup_ack_threshold, U32),
                                             TCP(max_retransmits, U32),
                                             TCP(max_syn_retransmits, U32),
                                             TCP(timestamps, U32),
                                             TCP(window_scaling, U32),
                                             TCP(sack, U32),
                                             TCP(ecn, U32),
                                             TCP(nagle, U32),
                                             TCP(limited_transmit, U32),
                                             TCP(idle_restart, U32),
                                             TCP(congestion, U32),
                                             TCP(challenge_acks, U32),
                                             TCP(syn_option_order, U32),
                                             TCP(ts_offset, U32),
                                             TCP(path_mtu_discovery, U32),
                                             TCP(keep_alive, U32),
                                             TCP(keep_count, U32),
                                             TCP(keep_idle_ps, PS),
                                             TCP(keep_interval_ps, PS),
                                             TCP(user_timeout_ps, PS),
                                             TCP(challenge_ps, PS),
                                             TCP(delayed_ack_ps, PS),
                                             TCP(sws_override_ps, PS),
                                             TCP(rto_initial_ps, PS),
                                             TCP(rto_min_ps, PS),
                                             TCP(rto_max_ps, PS),
                                             TCP(tick_ps, PS),
                                             TCP(time_wait_ps, PS),
                                             TCP(fin_wait_2_ps, PS),
                                             TCP(ttl, U8),
                                             TCP(tos, U8),
                                             TCP(ip_id_base, U16),
                                             CONFIG(verify_checksums, U32),
                                             CONFIG(snd_buffer_bytes, U32),
                                             CONFIG(sockets, U32),
                                             CONFIG(answer_rst, U32)};

#define INFO(name, shape, zero)                                                                                        \
    {                                                                                                                  \
#name, offsetof(struct flue_tcp_info, name), shape, zero                                                       \
    }
static const struct field info_fields[] = {INFO(state, ENUM, PLAIN),
                                           INFO(recovery, ENUM, PLAIN),
                                           INFO(congestion, ENUM, PLAIN),
                                           INFO(snd_una, U32, OURS),
                                           INFO(snd_nxt, U32, OURS),
                                           INFO(snd_max, U32, OURS),
                                           INFO(snd_wnd, U32, PLAIN),
                                           INFO(rcv_nxt, U32, THEIRS),
                                           INFO(rcv_wnd, U32, PLAIN),
                                           INFO(rcv_urg, U32, THEIRS),
                                           INFO(cwnd_bytes, U32, PLAIN),
                                           INFO(ssthresh_bytes, U32, PLAIN),
                                           INFO(mss_bytes, U32, PLAIN),
                                           INFO(path_mtu_bytes, U32, PLAIN),
                                           INFO(pipe_bytes, U32, PLAIN),
                                           INFO(sacked_bytes, U32, PLAIN),
                                           INFO(lost_bytes, U32, PLAIN),
                                           INFO(srtt_ps, PS, PLAIN),
                                           INFO(rttvar_ps, PS, PLAIN),
                                           INFO(rto_ps, PS, PLAIN),
                                           INFO(queued_bytes, U64, PLAIN),
                                           INFO(unread_bytes, U64, PLAIN),
                                           INFO(reassembly_bytes, U64, PLAIN),
                                           INFO(segments_out, U64, PLAIN),
                                           INFO(segments_in, U64, PLAIN),
                                           INFO(retransmits, U64, PLAIN),
                                           INFO(timeouts, U64, PLAIN),
                                           INFO(fast_retransmits, U64, PLAIN),
                                           INFO(probes, U64, PLAIN),
                                           INFO(keep_alives, U64, PLAIN),
                                           INFO(dsacks_in, U64, PLAIN),
                                           INFO(challenge_acks, U64, PLAIN),
                                           INFO(snd_wscale, U8, PLAIN),
                                           INFO(rcv_wscale, U8, PLAIN),
                                           INFO(timestamps, U8, PLAIN),
                                           INFO(sack, U8, PLAIN),
                                           INFO(ecn, U8, PLAIN),
                                           INFO(backoff, U8, PLAIN),
                                           INFO(dup_acks, U8, PLAIN),
                                           INFO(in_recovery, U8, PLAIN),
                                           INFO(ack_pending, U8, PLAIN),
                                           INFO(urgent, U8, PLAIN)};

#define TOTAL(name)                                                                                                    \
    {                                                                                                                  \
#name, offsetof(struct flue_tcp_totals, name), U64, PLAIN                                                      \
    }
static const struct field total_fields[] = {
    TOTAL(connections), TOTAL(segments_out), TOTAL(segments_in),      TOTAL(data_out),
    TOTAL(data_in),     TOTAL(retransmits),  TOTAL(timeouts),         TOTAL(fast_retransmits),
    TOTAL(probes),      TOTAL(resets_out),   TOTAL(challenge_acks),   TOTAL(keep_alives),
    TOTAL(paws_drops),  TOTAL(ecn_ce_in),    TOTAL(path_mtu_changes), TOTAL(pool_objects_live)};

#define COUNT(table) (unsigned)(sizeof(table) / sizeof((table)[0]))

/* cwnd is cwnd_bytes, srtt is srtt_ps: the unit stands in the value. */
static const struct field *find(const struct field *fields, unsigned count, const char *name)
{
    size_t length = strlen(name);

    for (unsigned i = 0; i < count; i++) {
        const char *rest = fields[i].name + length;

        if (strncmp(fields[i].name, name, length) == 0 &&
            (*rest == 0 || strcmp(rest, "_bytes") == 0 || strcmp(rest, "_ps") == 0)) {
            return &fields[i];
        }
    }
    return NULL;
}

static int64_t get(const void *object, const struct field *field)
{
    const uint8_t *at = (const uint8_t *)object + field->place;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int number;

    switch (field->shape) {
    case U8:
        return *at;
    case U16:
        memcpy(&u16, at, sizeof(u16));
        return u16;
    case U32:
        memcpy(&u32, at, sizeof(u32));
        return u32;
    case U64:
    case PS:
        memcpy(&u64, at, sizeof(u64));
        return (int64_t)u64;
    case ENUM:
        memcpy(&number, at, sizeof(number));
        return number;
    }
    return 0;
}

bool info_differs(const struct flue_tcp_info *a, const struct flue_tcp_info *b, char *text, size_t room)
{
    for (unsigned i = 0; i < COUNT(info_fields); i++) {
        int64_t from = get(a, &info_fields[i]);
        int64_t to = get(b, &info_fields[i]);

        if (from != to) {
            snprintf(text, room, "%s from %" PRId64 " to %" PRId64, info_fields[i].name, from, to);
            return true;
        }
    }
    return false;
}

/* ---- set ---- */

static const char *const own_settings[] = {"iss", "peer_iss", "family", "roundtrip"};

bool config_field_known(const char *name)
{
    for (unsigned i = 0; i < COUNT(own_settings); i++) {
        if (strcmp(name, own_settings[i]) == 0) {
            return true;
        }
    }
    return find(config_fields, COUNT(config_fields), name) != NULL;
}

static bool set_own(struct world *world, const char *name, int64_t value)
{
    if (strcmp(name, "iss") == 0) {
        world->want_iss = value;
    } else if (strcmp(name, "peer_iss") == 0) {
        for (unsigned i = 1; i < PEERS; i++) {
            world->peer[i].irs = (uint32_t)value;
        }
    } else if (strcmp(name, "roundtrip") == 0) {
        world->roundtrip = value != 0;
    } else if (value != 4 && value != 6) {
        return world_fail(world, "family is 4 or 6");
    } else {
        world->family = (unsigned)value;
    }
    return true;
}

bool exec_set(struct world *world, const struct line *line)
{
    const struct field *field = find(config_fields, COUNT(config_fields), line->as.set.name);
    int64_t value = line->as.set.number;
    uint8_t *at;

    if (field == NULL) {
        return set_own(world, line->as.set.name, value);
    }
    if ((field->shape == PS) != line->as.set.is_time && value != 0) {
        return world_fail(world, "%s wants %s", field->name, field->shape == PS ? "a time" : "a number without unit");
    }
    at = (uint8_t *)&world->config + field->place;
    switch (field->shape) {
    case U8:
        *at = (uint8_t)value;
        break;
    case U16:
        memcpy(at, &(uint16_t){(uint16_t)value}, sizeof(uint16_t));
        break;
    case U32:
    case ENUM:
        memcpy(at, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
        break;
    case U64:
    case PS:
        memcpy(at, &value, sizeof(value));
        break;
    }
    return true;
}

/* ---- is ---- */

/* A name of several words is written with hyphens: user-timeout, 2-MSL. */
static bool same_name(const char *name, const char *text)
{
    while (*name != 0 && (*name == *text || (*name == ' ' && *text == '-'))) {
        name++;
        text++;
    }
    return *name == 0 && *text == 0;
}

/* A field's value that is a name. */
static bool named_value(const char *field, const char *text, int64_t *out)
{
    const char *(*name)(unsigned) = strcmp(field, "state") == 0      ? flue_tcp_state_name
                                    : strcmp(field, "recovery") == 0 ? flue_tcp_recovery_name
                                    : strcmp(field, "ended") == 0    ? flue_tcp_reason_name
                                                                     : NULL;

    if (strcmp(field, "poll") == 0) {
        return poll_parse(text, out);
    }
    if (strcmp(field, "congestion") == 0) {
        *out = strcmp(text, "cubic") == 0 ? FLUE_TCP_CUBIC : FLUE_TCP_NEWRENO;
        return strcmp(text, "cubic") == 0 || strcmp(text, "newreno") == 0;
    }
    if (strcmp(field, "ended") == 0 && strcmp(text, "no") == 0) {
        *out = -1;
        return true;
    }
    for (unsigned i = 0; name != NULL && i < 32; i++) {
        if (same_name(name(i), text)) {
            *out = i;
            return true;
        }
    }
    return name == NULL && result_parse(text, out);
}

static bool value_parse(const char *text, struct claim *claim, int64_t *out, struct fault *fault)
{
    char copy[64];
    size_t length = strlen(text);

    if (length == 0 || length >= sizeof(copy)) {
        return fault_set(fault, "%s wants a value", claim->field);
    }
    strcpy(copy, text);
    if (length > 3 && strcmp(copy + length - 3, "mss") == 0) {
        copy[length - 3] = 0;
        claim->times_mss = true;
        return text_number(copy, out) || fault_set(fault, "%s: %s is no number of segments", claim->field, text);
    }
    if (strcmp(text, "max") == 0) {
        *out = UINT32_MAX;
        return true;
    }
    if (text_number(text, out)) {
        return true;
    }
    if (text_time(text, out)) {
        claim->is_time = true;
        return true;
    }
    return named_value(claim->field, text, out) || fault_set(fault, "%s: %s is no value of it", claim->field, text);
}

static bool claim_parse(const char *name, const char *text, struct claim *claim, struct fault *fault)
{
    const char *dot = strchr(name, '.');
    const char *field = dot != NULL ? dot + 1 : name;
    char *middle;
    char copy[96];

    *claim = (struct claim){.socket = "s"};
    if (dot != NULL) {
        char before[64];

        snprintf(before, sizeof(before), "%.*s", (int)(dot - name < 60 ? dot - name : 60), name);
        if (!name_parse(before, claim->socket, fault)) {
            return false;
        }
    }
    if (!name_parse(field, claim->field, fault)) {
        return false;
    }
    if (strcmp(claim->socket, "total") == 0
            ? find(total_fields, COUNT(total_fields), field) == NULL
            : find(info_fields, COUNT(info_fields), field) == NULL && strcmp(field, "poll") != 0 &&
                  strcmp(field, "ended") != 0 && option_find(field) < 0) {
        return fault_set(fault, "%s: no field of flue_tcp_info, nor an option, nor poll or ended%s", field,
                         find(total_fields, COUNT(total_fields), field) != NULL ? " (but of total.)" : "");
    }
    if (text == NULL || strlen(text) >= sizeof(copy)) {
        return fault_set(fault, "%s wants a value", field);
    }
    strcpy(copy, text);
    if (strncmp(copy, "<=", 2) == 0 || strncmp(copy, ">=", 2) == 0 || strncmp(copy, "!=", 2) == 0) {
        claim->compare = copy[0] == '<' ? COMPARE_LESS_EQUAL : copy[0] == '>' ? COMPARE_MORE_EQUAL : COMPARE_UNEQUAL;
        return value_parse(copy + 2, claim, &claim->low, fault);
    }
    if (copy[0] == '<' || copy[0] == '>') {
        claim->compare = copy[0] == '<' ? COMPARE_LESS : COMPARE_MORE;
        return value_parse(copy + 1, claim, &claim->low, fault);
    }
    middle = strstr(copy, "..");
    if (middle != NULL) {
        *middle = 0;
        claim->compare = COMPARE_RANGE;
        return value_parse(copy, claim, &claim->low, fault) && value_parse(middle + 2, claim, &claim->high, fault);
    }
    middle = strchr(copy, '~');
    if (middle != NULL) {
        int64_t slack = 0;

        *middle = 0;
        claim->compare = COMPARE_RANGE;
        if (!value_parse(copy, claim, &claim->low, fault) || !value_parse(middle + 1, claim, &slack, fault)) {
            return false;
        }
        claim->high = claim->low + slack;
        claim->low -= slack;
        return true;
    }
    return value_parse(copy, claim, &claim->low, fault);
}

bool claims_parse(struct words *words, struct line *line, struct fault *fault)
{
    const char *name;

    while ((name = words_take(words)) != NULL) {
        if (line->as.is.count == CLAIMS_MAX) {
            return fault_set(fault, "more than %u claims in a line", CLAIMS_MAX);
        }
        if (!claim_parse(name, words_take(words), &line->as.is.claim[line->as.is.count], fault)) {
            return false;
        }
        line->as.is.count++;
    }
    return line->as.is.count > 0 || fault_set(fault, "is wants fields and values");
}

static void value_show(const struct claim *claim, int64_t value, uint32_t mss, char *out, size_t room)
{
    if (strcmp(claim->field, "state") == 0) {
        snprintf(out, room, "%s", flue_tcp_state_name((unsigned)value));
    } else if (strcmp(claim->field, "recovery") == 0) {
        snprintf(out, room, "%s", flue_tcp_recovery_name((unsigned)value));
    } else if (strcmp(claim->field, "ended") == 0) {
        snprintf(out, room, "%s", value < 0 ? "no" : flue_tcp_reason_name((unsigned)value));
    } else if (strcmp(claim->field, "poll") == 0) {
        poll_show(value, out, room);
    } else if (claim->is_time) {
        time_show(value, out, room);
    } else if (claim->times_mss && mss != 0) {
        snprintf(out, room, "%" PRId64 " (%" PRId64 " segments of %" PRIu32 ")", value, value / mss, mss);
    } else {
        result_show(value, out, room);
    }
}

/* What flue_tcp_info says; a listener has none. */
static bool info_of(struct world *world, const struct sock *sock, struct flue_tcp_info *info)
{
    int64_t listening = 0;
    int result = flue_socket_info(world->stack, sock->number, info);

    if (result == 0) {
        return true;
    }
    if (result == FLUE_STACK_ENOTCONN) {
        *info = (struct flue_tcp_info){.state = FLUE_TCP_CLOSED};
        if (flue_socket_get(world->stack, sock->number, FLUE_SO_LISTENING, &listening) == 0 && listening != 0) {
            info->state = FLUE_TCP_LISTEN;
        }
        return true;
    }
    return world_fail(world, "flue_socket_info(%s) answers %s", sock->name, flue_stack_error_name(result));
}

static bool claim_value(struct world *world, const struct claim *claim, int64_t *value, uint32_t *mss)
{
    struct sock *sock;
    struct flue_tcp_info info;
    const struct field *field;
    const struct peer *peer;

    *mss = 0;
    if (strcmp(claim->socket, "total") == 0) {
        struct flue_tcp_totals totals;

        flue_stack_totals(world->stack, &totals);
        *value = get(&totals, find(total_fields, COUNT(total_fields), claim->field));
        return true;
    }
    sock = world_socket(world, claim->socket, false);
    if (sock == NULL) {
        return world_fail(world, "no socket is called %s", claim->socket);
    }
    if (strcmp(claim->field, "ended") == 0) {
        *value = sock->has_ended ? (int64_t)sock->ended : -1;
        return true;
    }
    if (strcmp(claim->field, "poll") == 0) {
        *value = flue_socket_poll(world->stack, sock->number);
        return true;
    }
    field = find(info_fields, COUNT(info_fields), claim->field);
    if (field == NULL) {
        int result =
            flue_socket_get(world->stack, sock->number, (enum flue_socket_option)option_find(claim->field), value);

        return result == 0 || world_fail(world, "flue_socket_get(%s, %s) answers %s", sock->name, claim->field,
                                         flue_stack_error_name(result));
    }
    if (!info_of(world, sock, &info)) {
        return false;
    }
    *mss = info.mss_bytes;
    *value = get(&info, field);
    peer = peer_of(world, &info.tuple.remote_ip, info.tuple.remote_port);
    if (field->zero == OURS) {
        *value = (uint32_t)*value - peer->iss;
    } else if (field->zero == THEIRS) {
        *value = (uint32_t)*value - peer->irs;
    }
    if (field->zero != PLAIN) {
        *value = (uint32_t)*value;
    }
    return true;
}

bool exec_is(struct world *world, const struct line *line)
{
    for (unsigned i = 0; i < line->as.is.count; i++) {
        const struct claim *claim = &line->as.is.claim[i];
        bool poll = strcmp(claim->field, "poll") == 0;
        int64_t value;
        int64_t low;
        uint32_t mss;
        bool right = false;
        char wanted[64];
        char got[64];
        static const char *const signs[] = {"", "!=", "<", "<=", ">", ">=", "from "};

        if (!claim_value(world, claim, &value, &mss)) {
            return false;
        }
        low = claim->times_mss ? claim->low * mss : claim->low;
        switch (claim->compare) {
        case COMPARE_EQUAL:
            right = value == low;
            break;
        case COMPARE_UNEQUAL:
            right = poll ? (value & low) == 0 : value != low;
            break;
        case COMPARE_LESS:
            right = value < low;
            break;
        case COMPARE_LESS_EQUAL:
            right = value <= low;
            break;
        case COMPARE_MORE:
            right = value > low;
            break;
        case COMPARE_MORE_EQUAL:
            right = poll ? (value & low) == low : value >= low;
            break;
        case COMPARE_RANGE:
            right = value >= low && value <= (claim->times_mss ? claim->high * mss : claim->high);
            break;
        }
        if (!right) {
            value_show(claim, low, mss, wanted, sizeof(wanted));
            value_show(claim, value, mss, got, sizeof(got));
            return world_fail(world, "%s.%s should be %s%s and is %s", claim->socket, claim->field,
                              signs[claim->compare], wanted, got);
        }
    }
    return true;
}
