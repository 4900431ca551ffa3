/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets: what each call answers in each phase, names and ports, the backlog, the ways to end. */
#include "support/test.h"

#include <string.h>

#include "duo.h"

static struct duo duo;
static char buffer[300000];

/* Phases of a socket at A, made by hand. */
enum phase { FRESH, BOUND, LISTENS, OPENING, CONNECTED, SHUT, PEER_SHUT, REFUSED, NO_SOCKET, PHASES };

static int make(enum phase phase, int *other)
{
    struct flue_stack *a = duo.side[A].stack;
    struct flue_endpoint own = duo_at(&duo, A, 1000), to = duo_at(&duo, B, 80), nobody = duo_at(&duo, B, 81);
    int listener = duo_listen(&duo, 5);
    int s;

    if (phase == CONNECTED || phase == SHUT || phase == PEER_SHUT) {
        s = duo_connect(&duo, listener, other);
        if (phase == SHUT) {
            assert_int_equal(flue_socket_shutdown(a, s, FLUE_SHUT_WRITE), 0);
        }
        if (phase == PEER_SHUT) {
            assert_int_equal(flue_socket_shutdown(duo.side[B].stack, *other, FLUE_SHUT_WRITE), 0);
            duo_settle(&duo);
        }
        return s;
    }
    s = flue_socket_open(a);
    if (phase == BOUND || phase == LISTENS) {
        assert_int_equal(flue_socket_bind(a, s, &own), 0);
    }
    if (phase == LISTENS) {
        assert_int_equal(flue_socket_listen(a, s, 1), 0);
    }
    if (phase == OPENING) {
        assert_int_equal(flue_socket_connect(a, s, &to), FLUE_STACK_EINPROGRESS);
    }
    if (phase == REFUSED) {
        assert_int_equal(flue_socket_connect(a, s, &nobody), FLUE_STACK_EINPROGRESS);
        duo_settle(&duo);
    }
    return phase == NO_SOCKET ? 4711 : s;
}

#define OK      FLUE_STACK_OK
#define E(name) FLUE_STACK_E##name

static void answers_in_each_phase(void **state)
{
    static const struct row {
        const char *name;
        int bind, listen, accept, connect, send, recv, shutdown, remote, info, poll;
    } rows[PHASES] = {
        [FRESH] = {"fresh", OK, OK, E(INVAL), E(INPROGRESS), E(NOTCONN), E(NOTCONN), E(NOTCONN), E(NOTCONN), E(NOTCONN),
                   0},
        [BOUND] = {"bound", E(INVAL), OK, E(INVAL), E(INPROGRESS), E(NOTCONN), E(NOTCONN), E(NOTCONN), E(NOTCONN),
                   E(NOTCONN), 0},
        [LISTENS] = {"listening", E(INVAL), OK, E(AGAIN), E(INVAL), E(NOTCONN), E(NOTCONN), E(NOTCONN), E(NOTCONN),
                     E(NOTCONN), 0},
        [OPENING] = {"opening", E(INVAL), E(INVAL), E(INVAL), E(ALREADY), E(AGAIN), E(AGAIN), E(NOTCONN), OK, OK, 0},
        [CONNECTED] = {"connected", E(INVAL), E(INVAL), E(INVAL), E(ISCONN), 1, E(AGAIN), OK, OK, OK, FLUE_POLL_OUT},
        [SHUT] = {"shut", E(INVAL), E(INVAL), E(INVAL), E(ISCONN), E(PIPE), E(AGAIN), OK, OK, OK, 0},
        [PEER_SHUT] = {"peer shut", E(INVAL), E(INVAL), E(INVAL), E(ISCONN), 1, 0, OK, OK, OK,
                       FLUE_POLL_IN | FLUE_POLL_OUT | FLUE_POLL_RDHUP},
        [REFUSED] = {"refused", E(INVAL), E(INVAL), E(INVAL), E(ISCONN), E(PIPE), E(CONNREFUSED), E(NOTCONN), OK, OK,
                     FLUE_POLL_IN | FLUE_POLL_ERR | FLUE_POLL_HUP | FLUE_POLL_RDHUP},
        [NO_SOCKET] = {"none", E(BADF), E(BADF), E(BADF), E(BADF), E(BADF), E(BADF), E(BADF), E(BADF), E(BADF),
                       E(BADF)},
    };

    (void)state;
    for (int phase = 0; phase < PHASES; phase++) {
        const struct row *row = &rows[phase];

        for (int call = 0; call < 10; call++) {
            struct flue_endpoint own, to, out;
            struct flue_tcp_info info;
            struct flue_stack *a;
            int other, got = 0, expected = 0;
            int s;

            duo_start(&duo, NULL);
            a = duo.side[A].stack;
            s = make((enum phase)phase, &other);
            own = duo_at(&duo, A, 2000);
            to = duo_at(&duo, B, 80);
            switch (call) {
            case 0:
                got = flue_socket_bind(a, s, &own);
                expected = row->bind;
                break;
            case 1:
                got = flue_socket_listen(a, s, 3);
                expected = row->listen;
                break;
            case 2:
                got = flue_socket_accept(a, s, NULL);
                expected = row->accept;
                break;
            case 3:
                got = flue_socket_connect(a, s, &to);
                expected = row->connect;
                break;
            case 4:
                got = (int)flue_socket_send(a, s, "x", 1, 0);
                expected = row->send;
                break;
            case 5:
                got = (int)flue_socket_recv(a, s, buffer, 10, 0);
                expected = row->recv;
                break;
            case 6:
                got = flue_socket_shutdown(a, s, FLUE_SHUT_WRITE);
                expected = row->shutdown;
                break;
            case 7:
                got = flue_socket_remote(a, s, &out);
                expected = row->remote;
                break;
            case 8:
                got = flue_socket_info(a, s, &info);
                expected = row->info;
                break;
            case 9:
                got = flue_socket_poll(a, s);
                expected = row->poll;
                break;
            }
            if (got != expected) {
                fail_msg("%s, call %d: %d (%s), not %d", row->name, call, got, flue_stack_error_name(got), expected);
            }
            duo_settle(&duo);
            assert_int_equal(flue_socket_close(a, s), phase == NO_SOCKET ? E(BADF) : OK);
            assert_int_equal(flue_socket_close(a, s), E(BADF));
            duo_settle(&duo);
            duo_stop(&duo);
        }
    }
}

static void the_error_is_told_once(void **state)
{
    struct flue_stack *a;
    int s;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    s = make(REFUSED, NULL);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_ERROR), E(CONNREFUSED));
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_ERROR), 0);
    assert_int_equal(flue_socket_recv(a, s, buffer, 1, 0), 0);
    assert_int_equal(flue_socket_poll(a, s) & FLUE_POLL_ERR, 0);
    duo_stop(&duo);
}

static void names_and_ports(void **state)
{
    struct flue_endpoint at, other, any = {.port = 700};
    struct flue_stack *a;
    int s, t;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    at = duo_at(&duo, A, 700);
    other = duo_at(&duo, B, 700);
    s = flue_socket_open(a);
    t = flue_socket_open(a);
    assert_int_equal(s, 0);
    assert_int_equal(t, 1);
    assert_int_equal(flue_socket_bind(a, s, &other), E(ADDRNOTAVAIL));
    assert_int_equal(flue_socket_bind(a, s, &at), 0);
    assert_int_equal(flue_socket_bind(a, t, &at), E(ADDRINUSE));
    assert_int_equal(flue_socket_bind(a, t, &any), E(ADDRINUSE));
    assert_int_equal(flue_socket_set(a, t, FLUE_SO_REUSEADDR, 1), 0);
    assert_int_equal(flue_socket_bind(a, t, &at), E(ADDRINUSE));
    assert_int_equal(flue_socket_set(a, s, FLUE_SO_REUSEADDR, 1), 0);
    assert_int_equal(flue_socket_bind(a, t, &at), 0);
    assert_int_equal(flue_socket_listen(a, s, 1), 0);
    assert_int_equal(flue_socket_listen(a, t, 1), E(ADDRINUSE));
    assert_int_equal(flue_socket_listen(a, t, 0), E(INVAL));
    assert_int_equal(flue_socket_close(a, s), 0);
    assert_int_equal(flue_socket_listen(a, t, 1), 0);
    assert_int_equal(flue_socket_open(a), 0);
    /* The other address of the same port. */
    at.ip = duo.side[A].ip6;
    assert_int_equal(flue_socket_bind(a, 0, &at), 0);
    assert_int_equal(flue_socket_listen(a, 0, 1), 0);
    /* Any port. */
    s = flue_socket_open(a);
    at.port = 0;
    assert_int_equal(flue_socket_bind(a, s, &at), 0);
    assert_int_equal(flue_socket_local(a, s, &other), 0);
    assert_true(other.port >= 49152 && flue_ip_equal(&other.ip, &at.ip));
    duo_check(&duo);
    /* Of another family than the name it is bound to; no host; no port. */
    other = duo_at(&duo, B, 80);
    assert_int_equal(flue_socket_connect(a, s, &other), E(AFNOSUPPORT));
    other = duo_at(&duo, B, 0);
    t = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, t, &other), E(INVAL));
    other = (struct flue_endpoint){.ip = flue_ip_v4(0xe0000001), .port = 1};
    assert_int_equal(flue_socket_connect(a, t, &other), E(INVAL));
    other.ip = (struct flue_ip){{0xff020000, 0, 0, 1}};
    assert_int_equal(flue_socket_connect(a, t, &other), E(INVAL));
    assert_int_equal(flue_socket_local(a, t, &other), 0);
    assert_int_equal(other.port, 0);
    duo_check(&duo);
    duo_stop(&duo);
}

static void one_family(struct duo *d)
{
    d->side[A].config.address_count = 1;
    d->side[A].config.sockets = 20000;
}

static void ports_run_out(void **state)
{
    struct flue_endpoint to, any = {.port = 0};
    struct flue_stack *a;
    int s;

    (void)state;
    duo_start(&duo, one_family);
    duo.deaf = 1;
    a = duo.side[A].stack;
    to = (struct flue_endpoint){.ip = duo.side[B].ip6, .port = 80};
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s, &to), E(AFNOSUPPORT));
    to = duo_at(&duo, B, 80);
    assert_int_equal(flue_socket_connect(a, s, &to), E(INPROGRESS));
    for (unsigned i = 1; i < 16384; i++) {
        s = flue_socket_open(a);
        assert_int_equal(flue_socket_connect(a, s, &to), E(INPROGRESS));
    }
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s, &to), E(ADDRNOTAVAIL));
    assert_int_equal(flue_socket_bind(a, s, &any), E(ADDRNOTAVAIL));
    to.port = 81; /* another peer: a port may be shared */
    assert_int_equal(flue_socket_connect(a, s, &to), E(INPROGRESS));
    while (s < 19999) {
        s = flue_socket_open(a);
        assert_true(s >= 0);
    }
    assert_int_equal(flue_socket_open(a), E(MFILE));
    duo_check(&duo);
    duo_stop(&duo);
}

static void backlog_counts_all_that_wait(void **state)
{
    struct flue_endpoint to;
    struct flue_stack *a, *b;
    int listener, s[4];

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    b = duo.side[B].stack;
    listener = duo_listen(&duo, 2);
    to = duo_at(&duo, B, 80);
    for (int i = 0; i < 3; i++) {
        s[i] = flue_socket_open(a);
        assert_int_equal(flue_socket_connect(a, s[i], &to), E(INPROGRESS));
    }
    duo_settle(&duo);
    assert_int_equal(flue_socket_poll(a, s[0]), FLUE_POLL_OUT);
    assert_int_equal(flue_socket_poll(a, s[1]), FLUE_POLL_OUT);
    assert_int_equal(flue_socket_poll(a, s[2]), 0); /* neither refused nor accepted */
    assert_int_equal(flue_socket_poll(b, listener), FLUE_POLL_IN);
    assert_int_equal(flue_socket_accept(b, listener, NULL), 1);
    duo_run(&duo, 2 * FLUE_PS_PER_S); /* its SYN comes again */
    assert_int_equal(flue_socket_poll(a, s[2]), FLUE_POLL_OUT);
    /* One that ends before it was accepted makes room too. */
    assert_int_equal(flue_socket_abort(a, s[1]), 0);
    duo_settle(&duo);
    assert_int_equal(flue_socket_accept(b, listener, NULL), 2);
    assert_int_equal(flue_socket_accept(b, listener, NULL), E(AGAIN));
    /* A listener takes those with it that nobody accepted. */
    s[3] = duo_connect(&duo, listener, NULL);
    assert_int_equal(flue_socket_close(b, listener), 0);
    duo_settle(&duo);
    assert_int_equal(duo_get(&duo, A, s[3], FLUE_SO_ERROR), E(CONNRESET));
    assert_int_equal(flue_socket_poll(a, s[0]), FLUE_POLL_OUT);
    s[3] = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s[3], &to), E(INPROGRESS));
    duo_settle(&duo);
    assert_int_equal(duo_get(&duo, A, s[3], FLUE_SO_ERROR), E(CONNREFUSED));
    duo_stop(&duo);
}

static void both_open_at_once(void **state)
{
    struct flue_endpoint at[2];
    int s[2];

    (void)state;
    duo_start(&duo, NULL);
    for (int i = A; i <= B; i++) {
        at[i] = duo_at(&duo, i, 500);
        s[i] = flue_socket_open(duo.side[i].stack);
        assert_int_equal(flue_socket_bind(duo.side[i].stack, s[i], &at[i]), 0);
    }
    for (int i = A; i <= B; i++) {
        assert_int_equal(flue_socket_connect(duo.side[i].stack, s[i], &at[1 - i]), E(INPROGRESS));
    }
    duo_settle(&duo);
    for (int i = A; i <= B; i++) {
        assert_int_equal(duo_state(&duo, i, s[i]), FLUE_TCP_ESTABLISHED);
        assert_int_equal(duo_write(&duo, i, s[i], 0, 10000), 10000);
    }
    duo_settle(&duo);
    for (int i = A; i <= B; i++) {
        assert_int_equal(duo_read(&duo, i, s[i], 0, 20000), 10000);
    }
    duo_stop(&duo);
}

static void ends_in_order(void **state)
{
    int listener, s, t;

    (void)state;
    for (int closer = A; closer <= B; closer++) {
        duo_start(&duo, NULL);
        listener = duo_listen(&duo, 1);
        s = duo_connect(&duo, listener, &t);
        assert_int_equal(duo_write(&duo, A, s, 0, 100000), 100000);
        assert_int_equal(duo_write(&duo, B, t, 0, 50000), 50000);
        assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_WRITE), 0);
        duo_settle(&duo);
        assert_int_equal(duo_read(&duo, B, t, 0, 200000), 100000);
        assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 1, 0), 0);
        assert_int_equal(duo_read(&duo, A, s, 0, 200000), 50000);
        assert_int_equal(flue_socket_recv(duo.side[A].stack, s, buffer, 1, 0), E(AGAIN));
        assert_int_equal(duo_state(&duo, A, s), FLUE_TCP_FIN_WAIT_2);
        assert_int_equal(flue_socket_close(duo.side[B].stack, t), 0);
        duo_settle(&duo);
        assert_int_equal(duo_state(&duo, A, s), FLUE_TCP_TIME_WAIT);
        assert_int_equal(flue_socket_recv(duo.side[A].stack, s, buffer, 1, 0), 0);
        if (closer == A) {
            assert_int_equal(flue_socket_close(duo.side[A].stack, s), 0);
            duo_run(&duo, 61 * FLUE_PS_PER_S);
        } else {
            duo_run(&duo, 61 * FLUE_PS_PER_S);
            assert_int_equal(duo_state(&duo, A, s), FLUE_TCP_CLOSED);
            assert_int_equal(duo.side[A].events[duo.side[A].event_count - 1].kind, FLUE_STACK_EV_ENDED);
            assert_int_equal(duo.side[A].events[duo.side[A].event_count - 1].reason, FLUE_TCP_BY_2MSL);
        }
        for (int i = A; i <= B; i++) {
            struct flue_tcp_totals totals;

            flue_stack_totals(duo.side[i].stack, &totals);
            assert_int_equal(totals.connections, 0);
            assert_int_equal(totals.pool_objects_live, 0);
        }
        duo_stop(&duo);
    }
}

static void ends_at_once(void **state)
{
    enum { UNREAD, LINGER_0, ABORT, LATE_DATA, LINGER_LATER, LINGER_DONE, WAYS };
    struct flue_stack *a, *b;
    int listener, s, t;

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        duo_start(&duo, NULL);
        a = duo.side[A].stack;
        b = duo.side[B].stack;
        listener = duo_listen(&duo, 1);
        s = duo_connect(&duo, listener, &t);
        switch (way) {
        case UNREAD:
            assert_int_equal(duo_write(&duo, B, t, 0, 1), 1);
            duo_settle(&duo);
            assert_int_equal(flue_socket_close(a, s), 0);
            break;
        case LINGER_0:
            assert_int_equal(flue_socket_set(a, s, FLUE_SO_LINGER, 0), 0);
            assert_int_equal(flue_socket_close(a, s), 0);
            break;
        case ABORT:
            assert_int_equal(flue_socket_abort(a, s), 0);
            break;
        case LATE_DATA:
            assert_int_equal(flue_socket_close(a, s), 0);
            duo_settle(&duo);
            assert_int_equal(duo_write(&duo, B, t, 0, 1), 1);
            break;
        case LINGER_LATER:
            duo.deaf = 1;
            assert_int_equal(duo_write(&duo, A, s, 0, 1000), 1000);
            assert_int_equal(flue_socket_set(a, s, FLUE_SO_LINGER, 2000), 0);
            assert_int_equal(flue_socket_close(a, s), 0);
            duo_run(&duo, 1950 * FLUE_PS_PER_MS);
            duo.deaf = 0;
            duo_run(&duo, 60 * FLUE_PS_PER_MS);
            break;
        case LINGER_DONE:
            assert_int_equal(duo_write(&duo, A, s, 0, 1000), 1000);
            assert_int_equal(flue_socket_set(a, s, FLUE_SO_LINGER, 500), 0);
            assert_int_equal(flue_socket_close(a, s), 0);
            duo_run(&duo, 5 * FLUE_PS_PER_S);
            break;
        }
        duo_settle(&duo);
        if (way == LINGER_DONE) {
            assert_int_equal(duo_read(&duo, B, t, 0, 2000), 1000);
            assert_int_equal(flue_socket_recv(b, t, buffer, 1, 0), 0);
        } else {
            struct flue_tcp_totals totals;

            if (duo_get(&duo, B, t, FLUE_SO_ERROR) != E(CONNRESET)) {
                fail_msg("way %d", way);
            }
            flue_stack_totals(a, &totals);
            assert_int_equal(totals.connections, 0);
        }
        assert_int_equal(flue_socket_close(a, s), E(BADF));
        duo_stop(&duo);
    }
}

static void opening_gives_up(void **state)
{
    struct flue_endpoint to;
    struct flue_stack *a;
    int s;

    (void)state;
    duo_start(&duo, NULL);
    duo.deaf = 1;
    a = duo.side[A].stack;
    to = duo_at(&duo, B, 80);
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s, &to), E(INPROGRESS));
    duo_run(&duo, 300 * FLUE_PS_PER_S);
    assert_int_equal(flue_socket_recv(a, s, buffer, 1, 0), E(TIMEDOUT));
    assert_int_equal(duo.side[A].events[duo.side[A].event_count - 2].kind, FLUE_STACK_EV_ENDED);
    assert_int_equal(duo.side[A].events[duo.side[A].event_count - 1].kind, FLUE_STACK_EV_READY);
    /* Closing before the answer: not a word more. */
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s, &to), E(INPROGRESS));
    assert_int_equal(flue_socket_close(a, s), 0);
    s = (int)duo.side[A].packets;
    duo_run(&duo, 100 * FLUE_PS_PER_S);
    assert_int_equal(duo.side[A].packets, s);
    duo_stop(&duo);
}

/* However late the caller comes, each deadline is met at its own time. */
static void deadlines_keep_their_times(void **state)
{
    flue_ps ended_ps[2];

    (void)state;
    for (int way = 0; way < 2; way++) {
        struct flue_endpoint to;
        struct flue_stack *a;

        duo_start(&duo, NULL);
        duo.deaf = 1;
        a = duo.side[A].stack;
        to = duo_at(&duo, B, 80);
        assert_int_equal(flue_socket_open(a), 0);
        assert_int_equal(flue_socket_connect(a, 0, &to), E(INPROGRESS));
        if (way == 0) {
            duo_run(&duo, 400 * FLUE_PS_PER_S);
        } else {
            flue_stack_advance(a, 400 * FLUE_PS_PER_S);
        }
        assert_int_equal(duo.side[A].packets, 7);
        assert_int_equal(duo.side[A].events[duo.side[A].event_count - 2].kind, FLUE_STACK_EV_ENDED);
        ended_ps[way] = duo.side[A].events[duo.side[A].event_count - 2].at_ps;
        assert_true(flue_stack_now(a) == 400 * FLUE_PS_PER_S);
        duo_stop(&duo);
    }
    assert_true(ended_ps[0] == ended_ps[1] && ended_ps[0] < 200 * FLUE_PS_PER_S);
}

static void ipv6_works_alike(void **state)
{
    struct flue_endpoint at = {.port = 80}, from;
    struct flue_stack *a, *b;
    int listener, s, t;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    b = duo.side[B].stack;
    listener = flue_socket_open(b);
    assert_int_equal(flue_socket_bind(b, listener, &at), 0);
    assert_int_equal(flue_socket_listen(b, listener, 5), 0);
    at.ip = duo.side[B].ip6;
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s, &at), E(INPROGRESS));
    duo_settle(&duo);
    t = flue_socket_accept(b, listener, &from);
    assert_true(t >= 0 && flue_ip_equal(&from.ip, &duo.side[A].ip6));
    assert_int_equal(duo_write(&duo, A, s, 0, 70000), 70000);
    duo_settle(&duo);
    assert_int_equal(duo_read(&duo, B, t, 0, 100000), 70000);
    assert_int_equal(duo.side[A].last[0] >> 4, 6);
    duo_stop(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_in_each_phase),
        cmocka_unit_test(the_error_is_told_once),
        cmocka_unit_test(names_and_ports),
        cmocka_unit_test(ports_run_out),
        cmocka_unit_test(backlog_counts_all_that_wait),
        cmocka_unit_test(both_open_at_once),
        cmocka_unit_test(ends_in_order),
        cmocka_unit_test(ends_at_once),
        cmocka_unit_test(opening_gives_up),
        cmocka_unit_test(deadlines_keep_their_times),
        cmocka_unit_test(ipv6_works_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
