/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/scratch.c - the chimney form against its table. */
#include "handover/scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image.h"
#include "support/manual_env.h"
#include "tcp/conn.h"

/* The fields of an image, as numbers. */
struct fields {
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since) type name;
#include "flue/state.def"
};

/* What a rule may ask for beside the field's own two values. */
struct context {
    struct fields before, after;
    const struct flue_tcp_params *params;
    struct flue_tcp_settings settings; /* the stack's */
    uint32_t path_mtu_bytes;           /* of a path nothing is known of */
    flue_ps now_ps;
};

/* ---- rules: one for each sentence of the table's column `after` ---- */

typedef bool rule(const struct context *c, const char *name, int64_t before, int64_t after);

static bool is_kept(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)c, (void)name;
    return before == after;
}

static bool is_zero(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)c, (void)name, (void)before;
    return after == 0;
}

static bool is_never(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)c, (void)name, (void)before;
    return after == FLUE_PS_NEVER;
}

static bool is_now(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return after == c->now_ps;
}

static bool is_the_paths(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return after == c->path_mtu_bytes;
}

static bool is_the_stacks(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)before;
    return after == (strcmp(name, "own_mss") == 0 ? (int64_t)c->settings.mss_bytes : c->settings.congestion);
}

static bool is_fin_wait_2_limit(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const bool stands = c->before.state == FLUE_TCP_FIN_WAIT_2 && c->before.timer_mode != TCP_TIMER_FIN_WAIT_2;

    (void)name, (void)before;
    return after == (stands ? FLUE_PS_NEVER : c->settings.fin_wait_2_ps);
}

static bool is_import(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)c, (void)name, (void)before;
    return after == FLUE_TCP_BY_IMPORT;
}

/* A duration, or the age of a moment, cut to whole ticks. */
static bool in_whole_ticks(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const flue_ps tick_ps = c->params->tick_ps;
    flue_ps age_ps = c->now_ps - before;

    if (strcmp(name, "ts_recent_time") == 0) {
        age_ps = age_ps < 0 ? 0 : age_ps;
        return after == c->now_ps - age_ps / tick_ps * tick_ps;
    }
    return before == FLUE_PS_NEVER ? after == FLUE_PS_NEVER : after == before / tick_ps * tick_ps;
}

/* A deadline on the grid of ticks, not before the one it tells and less than a tick behind it; one that is past is due
 * now. */
static bool is_rounded_up(const struct context *c, flue_ps before_ps, flue_ps after_ps)
{
    const flue_ps tick_ps = c->params->tick_ps;

    const flue_ps most = c->now_ps / tick_ps + (flue_ps)(FLUE_STATE_NO_TIMER - 1);
    const flue_ps ticks = (before_ps + tick_ps - 1) / tick_ps;

    return after_ps == (before_ps <= c->now_ps ? c->now_ps : (ticks < most ? ticks : most) * tick_ps);
}

static bool in_ticks_rounded_up(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name;
    if (c->before.timer_mode == TCP_TIMER_NONE || c->after.timer_mode != c->before.timer_mode) {
        return true; /* there is nothing to be told, or is_timer_mode() has looked at it */
    }
    if (c->before.timer_mode == TCP_TIMER_PERSIST && c->before.snd_wnd > 0) {
        return after == c->now_ps + c->params->sws_override_ps;
    }
    if (c->before.timer_mode == TCP_TIMER_KEEP_ALIVE && c->before.ka_probes == 0) {
        before = c->before.last_received + c->before.keep_idle;
    }
    if (before == FLUE_PS_NEVER) {
        before = c->now_ps; /* it has fired, and its owner has not been asked yet */
    }
    return is_rounded_up(c, before, after);
}

static bool is_timer_mode(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name;
    if (before == TCP_TIMER_RETRANSMIT && after == TCP_TIMER_PERSIST) {
        return c->before.snd_wnd == 0 && c->after.snd_nxt == c->after.snd_una;
    }
    return before == after || (c->before.cork != 0 && before == TCP_TIMER_PERSIST && c->before.snd_wnd > 0 &&
                               (after == TCP_TIMER_NONE || after == TCP_TIMER_KEEP_ALIVE));
}

static bool is_last_received(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const flue_ps idle_before_ps = c->before.keep_idle, idle_after_ps = c->after.keep_idle;

    (void)name;
    if (c->before.keep_alive == 0) {
        return after == c->now_ps;
    }
    if (c->before.timer_mode == TCP_TIMER_KEEP_ALIVE && c->before.ka_probes > 0) {
        return true; /* the next probe's deadline is told instead */
    }
    return is_rounded_up(c, before + idle_before_ps, after + idle_after_ps);
}

static bool in_eighths(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const flue_ps tick_ps = c->params->tick_ps;
    int64_t told = before * 8 / tick_ps;

    (void)name;
    return before < tick_ps ? after == 0 : after * 8 / tick_ps == (told > 0xffff ? 0xffff : told);
}

static bool in_quarters(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const flue_ps tick_ps = c->params->tick_ps;
    int64_t told = before * 4 / tick_ps;

    (void)name;
    return after * 4 / tick_ps == (told > 0xffff ? 0xffff : told);
}

static bool are_flags(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const uint32_t told =
        TCP_TIMESTAMPS | TCP_SCALING | TCP_SACK | TCP_FIN_QUEUED | TCP_FIN_SENT | TCP_FIN_ACKED | TCP_PEER_FIN;
    /* What must be done next, which follows from what was told. */
    const uint32_t next = TCP_RESEND_UNA | TCP_OUTPUT_ASKED | TCP_FORCE | TCP_RECOVER;
    uint32_t was = (uint32_t)before, is = (uint32_t)after;

    (void)name;
    return (was & told) == (is & told) && (is & ~(told | next)) == 0 &&
           ((is & TCP_RECOVER) == 0 || c->after.recovery == FLUE_TCP_CA_RECOVERY);
}

static bool is_snd_nxt(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name;
    if ((c->before.flags & TCP_SACK) != 0 && c->before.recovery == FLUE_TCP_CA_LOSS) {
        return after == c->before.snd_una;
    }
    if ((c->before.flags & TCP_RESEND_UNA) != 0) {
        /* The segment at SND.UNA is due: out of turn in recovery, otherwise by going back to it. */
        return after == (c->after.recovery == FLUE_TCP_CA_RECOVERY ? c->before.snd_max : c->before.snd_una);
    }
    return before == after;
}

static bool is_recover(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return c->after.recovery != FLUE_TCP_CA_RECOVERY ||
           ((c->after.flags & TCP_RECOVER) != 0 && after == (int64_t)c->after.snd_max);
}

static bool is_backoff(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return after == (c->after.timer_mode == TCP_TIMER_RETRANSMIT ? c->before.rt_count : 0);
}

static bool are_dup_acks(const struct context *c, const char *name, int64_t before, int64_t after)
{
    const int64_t threshold = c->params->dup_ack_threshold;

    (void)name;
    if (c->before.recovery == FLUE_TCP_CA_RECOVERY) {
        return after == (before < threshold ? threshold : before);
    }
    return after == before || (before >= threshold && after == threshold - 1);
}

static bool is_recovery(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name;
    return after == FLUE_TCP_CA_RECOVERY ? before == FLUE_TCP_CA_RECOVERY
                                         : after == FLUE_TCP_CA_OPEN && (before != FLUE_TCP_CA_RECOVERY ||
                                                                         c->before.snd_una == c->before.snd_max);
}

static bool is_last_ack(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return after == (int64_t)c->after.rcv_nxt;
}

/* Means nothing after the import: a flag or a bit says so, and that is_flags() and is_board_valid() look at. */
static bool is_void(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)c, (void)name, (void)before, (void)after;
    return true;
}

static bool is_board_valid(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return after == (c->after.recovery == FLUE_TCP_CA_RECOVERY && (c->after.flags & TCP_SACK) != 0
                         ? SCOREBOARD_RXT | SCOREBOARD_RESCUE
                         : 0);
}

static bool is_high_rxt(const struct context *c, const char *name, int64_t before, int64_t after)
{
    (void)name, (void)before;
    return c->after.board_valid == 0 || (uint32_t)after - c->after.snd_una <= c->after.snd_max - c->after.snd_una;
}

static const struct {
    const char *after;
    rule *holds;
} rules[] = {
    {"kept", is_kept},
    {"the path's", is_the_paths},
    {"not known to be lowered", is_never},
    {"whole ticks", in_whole_ticks},
    {"the stack's", is_the_stacks},
    {"the stack's; none if it does not run in FIN-WAIT-2", is_fin_wait_2_limit},
    {"off", is_zero},
    {"as state, SndNxt and DupAckCount tell; the rest off", are_flags},
    {"SND.UNA if a repair by SACK was going on", is_snd_nxt},
    {"RCV.NXT: the pending acknowledgement was sent before", is_last_ack},
    {"0: CUBIC's plateau is not known", is_zero},
    {"SND.MAX in recovery, otherwise none", is_recover},
    {"0", is_zero},
    {"Retransmit.Count; 0 in persist mode", is_backoff},
    {"the moment of the import (D-36)", is_now},
    {"the moment of the import", is_now},
    {"1/8 ticks; below a tick: no sample", in_eighths},
    {"1/4 ticks", in_quarters},
    {"whole ticks, rounded up, at most 2^32 - 2; of keep-alive when last_received says; anew for a window "
     "too small",
     in_ticks_rounded_up},
    {"kept; persist if all is due again and the window is closed; no such if CORK alone held data back", is_timer_mode},
    {"whole ticks; without keep-alive the moment of the import", is_last_received},
    {"at least the threshold in recovery, otherwise below it", are_dup_acks},
    {"recovery or none", is_recovery},
    {"import", is_import},
    {"none: flushed before", is_never},
    {"no segment is being timed", is_void},
    {"urgent data goes as ordinary data", is_void},
    {"urgent data has been told or is told again", is_void},
    {"a FIN out of order is forgotten: the peer repeats it", is_void},
    {"none: the peer repeats its blocks", is_void},
    {"none", is_void},
    {"the segment at SND.UNA in recovery, otherwise none", is_high_rxt},
    {"as the four before", is_board_valid},
    {"0: CUBIC's curve starts anew", is_zero},
    {"0: the next step of congestion avoidance is a whole window away", is_zero},
};

static const struct field {
    const char *name, *after;
    size_t at, bytes;
    bool is_signed;
} table[] = {
#define FLUE_IMAGE(part, name_, type, unit, where, told_as, after_, since)                                             \
    {#name_, after_, offsetof(struct fields, name_), sizeof(type), (type)-1 < (type)1},
#include "flue/state.def"
};

static int64_t value_of(const struct fields *fields, const struct field *field)
{
    const char *at = (const char *)fields + field->at;
    uint64_t value = 0;

    memcpy(&value, at, field->bytes); /* little-endian machines only, as all that these tests run on */
    return (int64_t)value;
}

static void compare_fields(const struct context *c, char *what)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t before = value_of(&c->before, &table[i]);
        int64_t after = value_of(&c->after, &table[i]);
        rule *holds = NULL;

        for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
            holds = strcmp(rules[k].after, table[i].after) == 0 ? rules[k].holds : holds;
        }
        if (holds == NULL) {
            snprintf(what, 200, "flue/state.def says of %s \"%s\", and no rule knows what that means", table[i].name,
                     table[i].after);
            return;
        }
        if (!holds(c, table[i].name, before, after)) {
            snprintf(what, 250,
                     "%s was %" PRId64 " and is %" PRId64 ", which is not \"%s\" (%s, %s, dup %u, flags %" PRIx32
                     " and %" PRIx32 ", timer %u and %u, cork %u)",
                     table[i].name, before, after, table[i].after, flue_tcp_state_name(c->before.state),
                     flue_tcp_recovery_name(c->before.recovery), c->before.dup_acks, c->before.flags, c->after.flags,
                     c->before.timer_mode, c->after.timer_mode, c->before.cork);
            return;
        }
    }
}

/* ---- the engine ---- */

struct scratch {
    struct manual_env env;
    struct timers timers;
    struct flue_tcp *tcp;
};

static flue_ps output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    (void)owner, (void)conn, (void)frame, (void)again;
    return at_ps;
}

static void event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *told)
{
    (void)owner, (void)conn, (void)told;
}

static void set_up(struct scratch *scratch, const struct flue_tcp_params *params, flue_ps now_ps)
{
    static const struct flue_tcp_ops ops = {.output = output, .event = event};

    manual_env_init(&scratch->env, 1);
    scratch->env.now_ps = now_ps;
    if (timers_init(&scratch->timers, &scratch->env.env) != FLUE_OK ||
        flue_tcp_new(&scratch->env.env, &scratch->timers, NULL, params, &ops, scratch, 0, &scratch->tcp) != FLUE_OK) {
        abort();
    }
}

static void tear_down(struct scratch *scratch, char *what)
{
    flue_tcp_free(scratch->tcp);
    timers_dispose(&scratch->timers);
    if (!manual_env_clean(&scratch->env) && what[0] == 0) {
        strcpy(what, "memory is left");
    }
}

static struct flue_tcp_conn *read_conn(struct scratch *scratch, const struct buffer *image, flue_ps now_ps)
{
    struct image_reader reader;
    struct flue_tcp_conn *conn;

    if (image_reader_start(&reader, image->bytes, image->length) != FLUE_OK ||
        flue_tcp_image_read(scratch->tcp, &reader, NULL, 1, now_ps, &conn) != FLUE_OK) {
        return NULL;
    }
    flue_tcp_image_resume(conn, now_ps);
    return conn;
}

static uint64_t number(const struct image_record *record)
{
    return image_number_at(record, 0, record->length);
}

/* The numbers of a connection; lists[] gets the lengths of its four lists. */
static bool take_fields(const struct flue_tcp_conn *conn, flue_ps now_ps, struct fields *fields, uint32_t *lists)
{
    static const char *const list_names[] = {"tcp.send_queue", "tcp.reassembly", "tcp.sacked"};
    struct buffer buffer = {.room = 0};
    struct image_writer writer;
    struct image_reader reader;
    struct image_record record;
    bool good;

    image_writer_start(&writer, NULL, 0);
    if (flue_tcp_image_write(conn, &writer, now_ps) != FLUE_OK) {
        return false;
    }
    buffer_need(&buffer, image_writer_end(&writer));
    image_writer_start(&writer, buffer.bytes, buffer.room);
    good = flue_tcp_image_write(conn, &writer, now_ps) == FLUE_OK;
    buffer.length = image_writer_end(&writer);
    good = good && image_reader_start(&reader, buffer.bytes, buffer.length) == FLUE_OK;
    while (good && image_next(&reader, &record)) {
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since)                                               \
    if (image_is(&record, "tcp." #name)) {                                                                             \
        fields->name = (type)number(&record);                                                                          \
    }
#include "flue/state.def"
        for (unsigned i = 0; i < 3; i++) {
            lists[i] = image_is(&record, list_names[i]) ? record.length : lists[i];
        }
    }
    buffer_free(&buffer);
    return good;
}

struct chain {
    struct flue_span spans[4096];
    size_t count;
    uint64_t bytes;
};

static void visit(void *arg, const struct flue_span *span)
{
    struct chain *chain = arg;

    if (chain->count < sizeof chain->spans / sizeof chain->spans[0]) {
        chain->spans[chain->count++] = *span;
    }
    chain->bytes += span->length_bytes;
}

/* chimney -> connection -> chimney is the identity.  Data that CORK alone held back goes as soon as it has moved: then
 * the timer that told when it would go is gone. */
static void compare_states(const struct flue_tcp_state *first, const struct flue_tcp_state *second, char *what)
{
    if (!flue_tcp_tuple_equal(&first->tuple, &second->tuple)) {
        strcpy(what, "the name has changed");
    }
#define FLUE_STATE(class_, name, type, unit, member, since)                                                            \
    if (what[0] == 0 && first->name != second->name) {                                                                 \
        snprintf(what, 200, #name " is told as %" PRIu64 ", and after one more move as %" PRIu64 " (%s, rt %u %u)",    \
                 (uint64_t)first->name, (uint64_t)second->name, flue_tcp_state_name(first->state), first->rt_delta,    \
                 first->rt_count);                                                                                     \
    }
#include "flue/state.def"
}

static struct flue_tcp_conn *bring_in(struct scratch *scratch, const struct flue_tcp_state *state,
                                      const struct chain *chain, uint32_t unread_bytes, bool close, flue_ps now_ps)
{
    struct flue_tcp_conn *conn;

    if (flue_tcp_import(scratch->tcp, state, NULL, 1, unread_bytes, now_ps, &conn) != FLUE_OK) {
        return NULL;
    }
    for (size_t i = 0; i < chain->count; i++) {
        if (flue_tcp_send(conn, &chain->spans[i], now_ps) != FLUE_OK) {
            return NULL;
        }
    }
    if (close && flue_tcp_close(conn, now_ps) != FLUE_OK) {
        return NULL;
    }
    flue_tcp_start(conn, now_ps);
    return conn;
}

static void move(struct scratch *scratch, struct context *c, struct flue_tcp_conn *conn, char *what)
{
    static struct chain chain;
    uint32_t before[3] = {0, 0, 0}, after[3] = {0, 0, 0};
    struct flue_tcp_state state, again;
    bool close;

    flue_tcp_flush_ack(conn, c->now_ps);
    if (!take_fields(conn, c->now_ps, &c->before, before)) {
        strcpy(what, "no image before");
        return;
    }
    close = (c->before.flags & (TCP_FIN_QUEUED | TCP_FIN_SENT)) == TCP_FIN_QUEUED;
    if (flue_tcp_export(conn, c->now_ps, 0, &state) != FLUE_OK) {
        strcpy(what, "it cannot be exported");
        return;
    }
    chain.count = 0;
    chain.bytes = 0;
    flue_tcp_visit_send_queue(conn, visit, &chain);
    flue_tcp_release(conn);
    conn = bring_in(scratch, &state, &chain, c->before.unread, close, c->now_ps);
    if (conn == NULL || flue_tcp_check(conn) != NULL) {
        snprintf(what, 200, "import: %s", conn == NULL ? "refused" : flue_tcp_check(conn));
        return;
    }
    if (!take_fields(conn, c->now_ps, &c->after, after) || after[1] != 0 || after[2] != 0) {
        strcpy(what, "no image after, or lists that the form cannot tell");
        return;
    }
    compare_fields(c, what);
    if (what[0] == 0) {
        flue_tcp_flush_ack(conn, c->now_ps);
        if (flue_tcp_export(conn, c->now_ps, 0, &again) != FLUE_OK) {
            strcpy(what, "it cannot be exported again");
            return;
        }
        if (c->after.timer_mode != c->before.timer_mode) {
            again.rt_delta = state.rt_delta;
        }
        compare_states(&state, &again, what);
    }
}

const char *scratch_compare(const struct flue_tcp_params *params, const struct buffer *image, flue_ps now_ps,
                            uint64_t *compared, char *what)
{
    struct context c = {.params = params, .now_ps = now_ps};
    struct scratch scratch;
    struct flue_tcp_conn *conn;
    struct flue_tcp_info info;

    what[0] = 0;
    set_up(&scratch, params, now_ps);
    c.settings = flue_tcp_stack_settings(scratch.tcp);
    c.path_mtu_bytes = params->mtu_bytes == 0 ? params->mss_bytes + 40 : params->mtu_bytes;
    conn = read_conn(&scratch, image, now_ps);
    if (conn == NULL) {
        strcpy(what, "the image cannot be read");
    } else {
        flue_tcp_info(conn, &info);
        if (info.state >= FLUE_TCP_ESTABLISHED && info.state <= FLUE_TCP_LAST_ACK) {
            ++*compared;
            move(&scratch, &c, conn, what);
        }
    }
    tear_down(&scratch, what);
    return what[0] == 0 ? NULL : what;
}
