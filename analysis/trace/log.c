/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/log.c - collects the events of a run and puts them in order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flue/cost.h"
#include "flue/host.h"
#include "flue/ndischimney.h"
#include "flue/wire.h"
#include "trace/trace_read.h"

#define NO_LINK UINT32_MAX

/* What one end has sent on a connection. */
struct direction {
    uint32_t first;  /* sequence number of the first SYN */
    uint32_t extent; /* highest sequence number sent, counted from it */
    bool known;
};

struct conn {
    uint32_t id;
    struct direction from[TRACE_ENDS];
    uint8_t side[TRACE_NODES];      /* enum trace_side: who runs TCP there now */
    uint8_t exporting[TRACE_NODES]; /* the target has given it back, and its engine has not yet let go */
};

struct place {
    flue_ps at_ps;
    uint32_t index;
};

/* Finds a connection by a sequence number: starts in rising order. */
struct start {
    uint32_t first;
    uint32_t conn; /* index */
};

struct trace_log {
    struct flue_event *events;
    size_t count, room, limit;
    uint64_t left_out;
    char complaint[120];

    /* made by trace_log_settle() */
    uint32_t *links; /* of an event: its first charge; of a charge: the next one */
    uint8_t *sides;
    struct place *places;
    size_t *emitted; /* place of the k-th event that is no charge */
    size_t place_count;
    struct conn *conns;
    uint32_t *table; /* 1 + index into conns; 0: free */
    size_t conn_count, conn_room, table_room;
    struct start *starts[TRACE_ENDS];
    size_t start_count[TRACE_ENDS];

    unsigned second_server;
    const struct flue_policy *policy;
};

struct trace_log *trace_log_new(size_t limit)
{
    struct trace_log *log = calloc(1, sizeof *log);

    if (log != NULL) {
        log->limit = limit == 0 || limit > TRACE_LOG_LIMIT ? TRACE_LOG_LIMIT : limit;
    }
    return log;
}

static void forget(struct trace_log *log)
{
    free(log->links);
    free(log->sides);
    free(log->places);
    free(log->emitted);
    free(log->conns);
    free(log->table);
    for (unsigned node = 0; node < TRACE_ENDS; node++) {
        free(log->starts[node]);
        log->starts[node] = NULL;
        log->start_count[node] = 0;
    }
    log->links = NULL;
    log->sides = NULL;
    log->places = NULL;
    log->emitted = NULL;
    log->conns = NULL;
    log->table = NULL;
    log->place_count = log->conn_count = log->conn_room = log->table_room = 0;
}

void trace_log_free(struct trace_log *log)
{
    if (log != NULL) {
        forget(log);
        free(log->events);
        free(log);
    }
}

static bool grow(struct trace_log *log)
{
    size_t room = log->room == 0 ? 4096 : log->room * 2;
    struct flue_event *events;

    if (room > log->limit) {
        room = log->limit;
    }
    events = realloc(log->events, room * sizeof *events);
    if (events == NULL) {
        return false;
    }
    log->events = events;
    log->room = room;
    return true;
}

static void on_event(void *ctx, const struct flue_event *event)
{
    struct trace_log *log = ctx;

    if (log->left_out > 0 || log->count == log->limit || (log->count == log->room && !grow(log))) {
        log->left_out++;
        return;
    }
    log->events[log->count] = *event;
    if (event->node > TRACE_CLIENT) /* of several clients the connection tells which */
        log->events[log->count].node = event->node == log->second_server ? TRACE_SECOND : TRACE_CLIENT;
    log->count++;
}

struct flue_trace trace_log_listener(struct trace_log *log)
{
    return (struct flue_trace){.ctx = log, .emit = on_event};
}

void trace_log_world(struct trace_log *log, unsigned second_server, const struct flue_policy *policy)
{
    log->second_server = second_server;
    log->policy = policy;
}

const struct flue_policy *trace_log_policy(const struct trace_log *log)
{
    return log->policy;
}

uint64_t trace_log_left_out(const struct trace_log *log)
{
    return log->left_out;
}

const char *trace_log_complaint(const struct trace_log *log)
{
    return log->complaint;
}

/* ---- Connections */

static struct conn *find_conn(const struct trace_log *log, uint32_t id)
{
    size_t slot = log->table_room == 0 ? 0 : (id * UINT32_C(2654435761)) & (log->table_room - 1);

    for (; log->table_room != 0 && log->table[slot] != 0; slot = (slot + 1) & (log->table_room - 1)) {
        struct conn *conn = &log->conns[log->table[slot] - 1];

        if (conn->id == id) {
            return conn;
        }
    }
    return NULL;
}

static void enter_table(struct trace_log *log, size_t index)
{
    size_t slot = (log->conns[index].id * UINT32_C(2654435761)) & (log->table_room - 1);

    while (log->table[slot] != 0) {
        slot = (slot + 1) & (log->table_room - 1);
    }
    log->table[slot] = (uint32_t)index + 1;
}

static bool grow_conns(struct trace_log *log)
{
    size_t room = log->conn_room == 0 ? 64 : 2 * log->conn_room;
    struct conn *conns = realloc(log->conns, room * sizeof *conns);
    uint32_t *table = conns == NULL ? NULL : calloc(4 * room, sizeof *table);

    if (conns != NULL) {
        log->conns = conns;
    }
    if (table == NULL) {
        return false;
    }
    free(log->table);
    log->table = table;
    log->conn_room = room;
    log->table_room = 4 * room;
    for (size_t i = 0; i < log->conn_count; i++) {
        enter_table(log, i);
    }
    return true;
}

static struct conn *need_conn(struct trace_log *log, uint32_t id)
{
    struct conn *conn = find_conn(log, id);

    if (conn != NULL || (log->conn_count == log->conn_room && !grow_conns(log))) {
        return conn;
    }
    conn = &log->conns[log->conn_count++];
    *conn = (struct conn){.id = id};
    enter_table(log, log->conn_count - 1);
    return conn;
}

bool trace_log_seq(const struct trace_log *log, uint32_t conn, unsigned from, uint32_t seq, uint32_t *out)
{
    const struct conn *found = find_conn(log, conn);
    bool known = found != NULL && from < TRACE_NODES && found->from[trace_end(from)].known;

    *out = known ? seq - found->from[trace_end(from)].first : seq;
    return known;
}

/* ---- Settling: connections of events that name none */

static bool is_segment(const struct flue_event *event)
{
    return event->node < TRACE_NODES && (event->point == FLUE_POINT_tcp_send || event->point == FLUE_POINT_tcp_receive);
}

/* The first SYN of each direction. */
static void learn_first(struct trace_log *log, const struct flue_event *event)
{
    struct conn *conn = event->conn == FLUE_NO_CONN ? NULL : need_conn(log, event->conn);

    if (conn != NULL && is_segment(event) && event->point == FLUE_POINT_tcp_send &&
        (event->arg[3] & FLUE_TCP_SYN) != 0 && !conn->from[trace_end(event->node)].known) {
        conn->from[trace_end(event->node)] = (struct direction){.first = (uint32_t)event->arg[0], .known = true};
    }
}

static void learn_extent(struct trace_log *log, const struct flue_event *event)
{
    struct conn *conn = event->conn == FLUE_NO_CONN ? NULL : find_conn(log, event->conn);
    struct direction *from;
    uint32_t end;

    if (conn == NULL || !is_segment(event) || event->point != FLUE_POINT_tcp_send) {
        return;
    }
    from = &conn->from[trace_end(event->node)];
    end = (uint32_t)event->arg[0] + (uint32_t)event->arg[1] - from->first;
    if (from->known && end > from->extent && end - from->extent < UINT32_C(0x80000000)) {
        from->extent = end;
    }
}

static int by_first(const void *a, const void *b)
{
    const struct start *left = a, *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

static flue_err index_starts(struct trace_log *log)
{
    for (unsigned node = 0; node < TRACE_ENDS; node++) {
        free(log->starts[node]);
        log->start_count[node] = 0;
        log->starts[node] = calloc(log->conn_count + 1, sizeof **log->starts);
        if (log->starts[node] == NULL) {
            return FLUE_ENOMEM;
        }
        for (size_t i = 0; i < log->conn_count; i++) {
            if (log->conns[i].from[node].known) {
                log->starts[node][log->start_count[node]++] =
                    (struct start){.first = log->conns[i].from[node].first, .conn = (uint32_t)i};
            }
        }
        qsort(log->starts[node], log->start_count[node], sizeof **log->starts, by_first);
    }
    return FLUE_OK;
}

/* The connection on which `from` has sent seq (one past its last byte counts, too), or FLUE_NO_CONN. */
static uint32_t conn_of_seq(const struct trace_log *log, unsigned from, uint32_t seq)
{
    size_t low = 0, high = log->start_count[from];
    const struct start *start;

    if (high == 0) {
        return FLUE_NO_CONN;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (log->starts[from][middle].first <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* The nearest start at or below seq; below all of them it is the highest, as sequence numbers wrap. */
    start = &log->starts[from][low == 0 ? log->start_count[from] - 1 : low - 1];
    return seq - start->first <= log->conns[start->conn].from[from].extent + 1 ? log->conns[start->conn].id
                                                                               : FLUE_NO_CONN;
}

/* A segment that names no connection is one of a handshake or a reset: its own number, else its ACK, tells. */
static uint32_t conn_of_segment(const struct trace_log *log, const struct flue_event *event)
{
    unsigned own = event->point == FLUE_POINT_tcp_send ? trace_end(event->node) : 1u - trace_end(event->node);
    uint32_t conn = FLUE_NO_CONN;

    if ((event->arg[3] & FLUE_TCP_SYN) == 0 || event->point == FLUE_POINT_tcp_receive) {
        conn = conn_of_seq(log, own, (uint32_t)event->arg[0]);
    }
    if (conn == FLUE_NO_CONN && (event->arg[3] & FLUE_TCP_ACK) != 0) {
        conn = conn_of_seq(log, 1u - own, (uint32_t)event->arg[2]);
    }
    return conn;
}

static flue_err name_conns(struct trace_log *log)
{
    uint32_t latest[TRACE_NODES] = {FLUE_NO_CONN, FLUE_NO_CONN, FLUE_NO_CONN};
    flue_err err;

    for (size_t i = 0; i < log->count; i++) {
        learn_first(log, &log->events[i]);
    }
    err = index_starts(log);
    for (size_t i = 0; err == FLUE_OK && i < log->count; i++) {
        struct flue_event *event = &log->events[i];

        if (event->conn == FLUE_NO_CONN && is_segment(event)) {
            event->conn = conn_of_segment(log, event);
            learn_first(log, event);
            latest[event->node] = event->conn;
        } else if (event->conn == FLUE_NO_CONN && event->point == FLUE_POINT_tcp_state && event->node < TRACE_NODES) {
            event->conn = latest[event->node]; /* what a listener does with the segment that came just now */
        }
    }
    for (size_t i = 0; i < log->count; i++) {
        learn_extent(log, &log->events[i]);
    }
    if (err == FLUE_OK) {
        err = index_starts(log);
    }
    for (size_t i = 0; err == FLUE_OK && i < log->count; i++) {
        struct flue_event *event = &log->events[i];

        if (event->conn != FLUE_NO_CONN || event->node >= TRACE_NODES) {
            continue;
        }
        if (event->point == FLUE_POINT_wire_loss || event->point == FLUE_POINT_wire_reorder) {
            event->conn =
                conn_of_seq(log, 1u - trace_end(event->node), (uint32_t)event->arg[0]); /* told by the receiving node */
        } else if (event->point == FLUE_POINT_wire_drop) {
            event->conn = conn_of_seq(log, trace_end(event->node), (uint32_t)event->arg[0]);
        }
    }
    return err;
}

/* ---- Settling: sides, charges, order */

/* The target's engine takes over a little before target_take is told. */
static void note_import(struct trace_log *log, size_t take)
{
    const struct flue_event *taken = &log->events[take];

    for (size_t i = take; i > 0; i--) {
        const struct flue_event *event = &log->events[i - 1];

        if (event->node != taken->node || event->point == FLUE_POINT_charge) {
            continue;
        }
        if (event->conn == taken->conn && event->point == FLUE_POINT_tcp_state) {
            if (event->arg[2] == FLUE_TCP_BY_IMPORT) {
                log->sides[i - 1] = TRACE_BY_TARGET;
            }
            return;
        }
        if (event->point != FLUE_POINT_target_context) {
            return;
        }
    }
}

/* Between target_take and target_give_back the target runs TCP; its engine may let go a little after that. */
static void note_side(struct trace_log *log, size_t index)
{
    const struct flue_event *event = &log->events[index];
    struct conn *conn = event->conn == FLUE_NO_CONN || event->node >= TRACE_NODES ? NULL : find_conn(log, event->conn);
    unsigned node = event->node;

    if (conn == NULL) {
        return;
    }
    log->sides[index] = conn->side[node];
    if (event->point == FLUE_POINT_target_take && event->arg[0] == TcpOffloadState &&
        event->arg[1] == NDIS_STATUS_SUCCESS) {
        if (conn->side[node] == TRACE_BY_HOST) {
            note_import(log, index);
        }
        conn->side[node] = TRACE_BY_TARGET;
        conn->exporting[node] = 1;
    } else if (event->point == FLUE_POINT_target_give_back) {
        conn->side[node] = TRACE_BY_HOST;
    } else if (event->point == FLUE_POINT_tcp_state && event->arg[2] == FLUE_TCP_BY_EXPORT && conn->exporting[node]) {
        log->sides[index] = TRACE_BY_TARGET;
        conn->exporting[node] = 0;
    }
}

/* A segment is traced first and paid for then, once in each of these categories; everything else is paid for first. */
static unsigned segment_category(const struct flue_event *charge)
{
    switch ((enum flue_category)charge->arg[0]) {
    case FLUE_COST_TCPIP:
    case FLUE_COST_CHECKSUM:
    case FLUE_COST_DRIVER:
    case FLUE_COST_OTHER:
        return 1u << charge->arg[0];
    case FLUE_COST_APPLICATION:
    case FLUE_COST_SYSCALL:
    case FLUE_COST_COPY:
    case FLUE_COST_INTERRUPT:
    case FLUE_COST_SCHEDULING:
    case FLUE_COST_OFFLOAD:
    case FLUE_COST_CATEGORIES:
        break;
    }
    return 0;
}

/* What is collected on one node. */
struct folding {
    uint32_t first, last; /* charges for the next event */
    uint32_t tail;        /* the last charge of the latest segment, or the segment; NO_LINK: no more of it */
    unsigned seen;        /* its categories so far */
};

static void fold_charge(struct trace_log *log, struct folding *folding, uint32_t index)
{
    unsigned category = segment_category(&log->events[index]);

    if (folding->tail != NO_LINK && category != 0 && (folding->seen & category) == 0) {
        folding->seen |= category;
        log->links[folding->tail] = index;
        folding->tail = index;
        return;
    }
    folding->tail = NO_LINK;
    if (folding->first == NO_LINK) {
        folding->first = index;
    } else {
        log->links[folding->last] = index;
    }
    folding->last = index;
}

static void fold_charges(struct trace_log *log)
{
    struct folding foldings[TRACE_NODES] = {
        {.first = NO_LINK, .tail = NO_LINK}, {.first = NO_LINK, .tail = NO_LINK}, {.first = NO_LINK, .tail = NO_LINK}};

    for (uint32_t i = 0; i < log->count; i++) {
        const struct flue_event *event = &log->events[i];
        struct folding *folding = event->node < TRACE_NODES ? &foldings[event->node] : NULL;

        log->links[i] = NO_LINK;
        if (folding == NULL) {
            continue;
        }
        if (event->point == FLUE_POINT_charge) {
            fold_charge(log, folding, i);
            continue;
        }
        log->links[i] = folding->first;
        *folding = (struct folding){.first = NO_LINK, .tail = NO_LINK};
        if (event->point == FLUE_POINT_tcp_send) {
            /* After what came due before it. */
            for (folding->tail = i; log->links[folding->tail] != NO_LINK;) {
                folding->tail = log->links[folding->tail];
            }
        }
    }
}

static int by_time(const void *a, const void *b)
{
    const struct place *left = a, *right = b;

    if (left->at_ps != right->at_ps) {
        return left->at_ps < right->at_ps ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

static void order(struct trace_log *log)
{
    size_t k = 0;

    for (size_t i = 0; i < log->count; i++) {
        if (log->events[i].point != FLUE_POINT_charge) {
            log->places[log->place_count++] = (struct place){.at_ps = log->events[i].at_ps, .index = (uint32_t)i};
        }
    }
    qsort(log->places, log->place_count, sizeof *log->places, by_time);
    /* emitted[] is filled by index first and then closed up, so that its k-th entry belongs to the k-th event. */
    for (size_t i = 0; i < log->place_count; i++) {
        log->emitted[log->places[i].index] = i;
    }
    for (size_t i = 0; i < log->count; i++) {
        if (log->events[i].point != FLUE_POINT_charge) {
            log->emitted[k++] = log->emitted[i];
        }
    }
}

flue_err trace_log_settle(struct trace_log *log)
{
    flue_err err;

    forget(log);
    log->complaint[0] = '\0';
    if (log->left_out > 0) {
        (void)snprintf(log->complaint, sizeof log->complaint,
                       "the first %zu events are kept, %" PRIu64 " later ones are not; take a shorter run", log->count,
                       log->left_out);
    }
    log->links = calloc(log->count + 1, sizeof *log->links);
    log->sides = calloc(log->count + 1, sizeof *log->sides);
    log->places = calloc(log->count + 1, sizeof *log->places);
    log->emitted = calloc(log->count + 1, sizeof *log->emitted);
    err =
        log->links == NULL || log->sides == NULL || log->places == NULL || log->emitted == NULL ? FLUE_ENOMEM : FLUE_OK;
    if (err == FLUE_OK) {
        err = name_conns(log);
    }
    if (err != FLUE_OK) {
        forget(log);
        return err;
    }
    for (size_t i = 0; i < log->count; i++) {
        note_side(log, i);
    }
    fold_charges(log);
    order(log);
    return FLUE_OK;
}

/* ---- Reading */

size_t trace_log_count(const struct trace_log *log)
{
    return log->place_count;
}

const struct flue_event *trace_log_at(const struct trace_log *log, size_t place)
{
    return &log->events[log->places[place].index];
}

enum trace_side trace_log_side(const struct trace_log *log, size_t place)
{
    return (enum trace_side)log->sides[log->places[place].index];
}

size_t trace_log_emitted(const struct trace_log *log, size_t k)
{
    return log->emitted[k];
}

const struct flue_event *trace_log_charge(const struct trace_log *log, size_t place, size_t *cursor)
{
    size_t at = *cursor == TRACE_NONE ? log->places[place].index : *cursor;

    if (log->links[at] == NO_LINK) {
        return NULL;
    }
    *cursor = log->links[at];
    return &log->events[*cursor];
}
