/* SPDX-License-Identifier: GPL-2.0-only */
/* script/macro.c - lines that put a connection into a state, written in the language itself. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

enum goal {
    CLOSED,
    LISTEN,
    SYN_SENT,
    SYN_RECEIVED,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    GOALS
};

static const char *const goal_names[GOALS] = {"closed",      "listen",     "syn_sent",   "syn_received",
                                              "established", "fin_wait_1", "fin_wait_2", "close_wait",
                                              "closing",     "last_ack",   "time_wait"};

struct macro {
    enum goal goal;
    bool passive;
    int64_t mss, wscale, window, backlog; /* -1: not said */
    bool ts, sack, ecn;
    char rtt[24];
    char peer[8]; /* "@2 " or nothing */
    char socket[NAME_MAX_BYTES];
    bool (*emit)(void *arg, const char *line);
    void *arg;
    bool good;
};

bool macro_known(const char *name)
{
    for (unsigned i = 0; i < GOALS; i++) {
        if (strcmp(goal_names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void emit(struct macro *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void emit(struct macro *m, const char *format, ...)
{
    char line[300];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    m->good = m->good && m->emit(m->arg, line);
}

static bool arguments_parse(struct words *words, struct macro *m, struct fault *fault)
{
    const char *word;

    while ((word = words_take(words)) != NULL) {
        int64_t *number = strcmp(word, "mss") == 0       ? &m->mss
                          : strcmp(word, "wscale") == 0  ? &m->wscale
                          : strcmp(word, "win") == 0     ? &m->window
                          : strcmp(word, "backlog") == 0 ? &m->backlog
                                                         : NULL;
        bool *flag = strcmp(word, "ts") == 0     ? &m->ts
                     : strcmp(word, "sack") == 0 ? &m->sack
                     : strcmp(word, "ecn") == 0  ? &m->ecn
                                                 : NULL;
        flue_ps time;

        if (number != NULL) {
            if (!text_number(words_take(words), number) || *number < 0) {
                return fault_set(fault, "%s wants a number", word);
            }
        } else if (flag != NULL) {
            *flag = true;
        } else if (strcmp(word, "active") == 0 || strcmp(word, "passive") == 0) {
            m->passive = word[0] == 'p';
        } else if (strcmp(word, "rtt") == 0) {
            word = words_take(words);
            if (!text_time(word, &time) || strlen(word) >= sizeof(m->rtt)) {
                return fault_set(fault, "rtt wants a time");
            }
            strcpy(m->rtt, word);
        } else if (strcmp(word, "as") == 0) {
            if (!name_parse(words_take(words), m->socket, fault)) {
                return false;
            }
        } else if (word[0] == '@' && strlen(word) < 5) {
            snprintf(m->peer, sizeof(m->peer), "%s ", word);
        } else {
            return fault_set(fault,
                             "%s: a macro takes active, passive, mss N, ts, sack, wscale N, ecn, win N, rtt T, "
                             "backlog N, as NAME, @PEER",
                             word);
        }
    }
    return true;
}

static void peer_syn(struct macro *m, bool answer)
{
    char options[120];
    int64_t window = m->window >= 0 ? m->window : 65535;
    size_t at = (size_t)snprintf(options, sizeof(options), "<mss %" PRId64, m->mss >= 0 ? m->mss : 1460);

    if (m->sack) {
        at += (size_t)snprintf(options + at, sizeof(options) - at, ", sackok");
    }
    if (m->ts) {
        at += (size_t)snprintf(options + at, sizeof(options) - at, ", ts");
    }
    if (m->wscale >= 0) {
        at += (size_t)snprintf(options + at, sizeof(options) - at, ", ws %" PRId64, m->wscale);
    }
    if (answer) {
        emit(m, "+%s in %sSYN,ACK%s 0 ack 1 win %" PRId64 " %s>", m->rtt, m->peer, m->ecn ? ",ECE" : "", window,
             options);
    } else {
        emit(m, "in %sSYN%s 0 win %" PRId64 " %s>", m->peer, m->ecn ? ",ECE,CWR" : "", window, options);
    }
}

static void listening(struct macro *m, const struct macro_world *world)
{
    if (!world->listens) {
        emit(m, "call l.open");
        emit(m, "call l.bind 80");
        emit(m, "call l.listen %" PRId64, m->backlog >= 0 ? m->backlog : 5);
    }
}

static void opening(struct macro *m, const struct macro_world *world)
{
    const char *s = m->socket;

    if (m->goal == LISTEN || m->passive) {
        listening(m, world);
        if (m->goal == LISTEN) {
            return;
        }
        peer_syn(m, false);
        emit(m, "out %sSYN,ACK%s 0 ack 1", m->peer, m->ecn ? ",ECE" : "");
        return;
    }
    emit(m, "call %s.open", s);
    if (m->goal == CLOSED) {
        return;
    }
    emit(m, "call %s.connect %s-> EINPROGRESS", s, m->peer);
    emit(m, "out %sSYN%s 0", m->peer, m->ecn ? ",ECE,CWR" : "");
    if (m->goal == SYN_RECEIVED) {
        peer_syn(m, false); /* both open at once: RFC 9293 3.5, figure 8 */
        emit(m, "out %sSYN,ACK 0 ack 1", m->peer);
    }
}

static void established(struct macro *m)
{
    const char *s = m->socket;
    char window[32] = "";

    if (m->window >= 0) {
        snprintf(window, sizeof(window), " win %" PRId64, m->window);
    }
    if (m->passive) {
        emit(m, "+%s in %sACK 1 ack 1%s", m->rtt, m->peer, window);
        emit(m, "call l.accept %s", s);
    } else {
        peer_syn(m, true);
        emit(m, "out %sACK 1 ack 1", m->peer);
    }
    emit(m, "is %s.state ESTABLISHED", s);
}

/* Numbers: each side has sent its SYN and no data, its FIN is 1. */
static void closing(struct macro *m)
{
    const char *s = m->socket;
    const char *p = m->peer;
    bool peer_first = m->goal == CLOSE_WAIT || m->goal == LAST_ACK;

    if (peer_first) {
        emit(m, "+%s in %sFIN,ACK 1 ack 1", m->rtt, p);
        emit(m, "out %sACK 1 ack 2", p);
        if (m->goal == LAST_ACK) {
            emit(m, "call %s.shutdown wr", s);
            emit(m, "out %sFIN,ACK 1 ack 2", p);
        }
        return;
    }
    emit(m, "call %s.shutdown wr", s);
    emit(m, "out %sFIN,ACK 1 ack 1", p);
    if (m->goal == FIN_WAIT_2 || m->goal == TIME_WAIT) {
        emit(m, "+%s in %sACK 1 ack 2", m->rtt, p);
    }
    if (m->goal == CLOSING) {
        emit(m, "+%s in %sFIN,ACK 1 ack 1", m->rtt, p);
        emit(m, "out %sACK 2 ack 2", p);
    }
    if (m->goal == TIME_WAIT) {
        emit(m, "+%s in %sFIN,ACK 1 ack 2", m->rtt, p);
        emit(m, "out %sACK 2 ack 2", p);
    }
}

bool macro_expand(const char *text, const struct macro_world *world, bool (*emit_line)(void *arg, const char *line),
                  void *arg, struct fault *fault)
{
    struct macro m = {.mss = -1, .wscale = -1, .window = -1, .backlog = -1, .rtt = "10ms", .socket = "s"};
    struct words words;
    const char *name;
    char state[16];

    if (!words_split(&words, text, fault)) {
        return false;
    }
    name = words_take(&words);
    while (m.goal < GOALS && strcmp(goal_names[m.goal], name) != 0) {
        m.goal++;
    }
    m.emit = emit_line;
    m.arg = arg;
    m.good = true;
    m.passive = m.goal == SYN_RECEIVED;
    if (!arguments_parse(&words, &m, fault)) {
        return false;
    }
    opening(&m, world);
    if (m.goal >= ESTABLISHED) {
        established(&m);
    }
    if (m.goal > ESTABLISHED) {
        closing(&m);
    }
    snprintf(state, sizeof(state), "%s", goal_names[m.goal]);
    for (char *c = state; *c != 0; c++) {
        *c = *c == '_' ? '-' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    if (m.goal != CLOSED && m.goal != LISTEN && !(m.goal == SYN_RECEIVED && m.passive)) {
        emit(&m, "is %s.state %s", m.socket, state);
    }
    return m.good || fault_set(fault, "the macro %s does not hold", name);
}
