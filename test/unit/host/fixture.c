/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture, its application, and the peer. */
#include "fake_adapter.h"
#include "flue/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

void fixture_note(struct fixture *f, const char *format, ...)
{
    size_t used = strlen(f->log);
    va_list args;

    va_start(args, format);
    if (used > 0) {
        f->log[used++] = '\n';
    }
    assert_true(used + 200 < sizeof f->log);
    (void)vsnprintf(f->log + used, sizeof f->log - used, format, args);
    va_end(args);
}

void expect_log(struct fixture *f, const char *text)
{
    assert_string_equal(f->log, text);
    f->log[0] = '\0';
}

unsigned peer_number(const struct fixture *f, const struct peer *peer)
{
    return (unsigned)(peer - f->peers);
}

/* ---- The application */

static struct peer *peer_of_socket(struct fixture *f, const struct flue_host_socket *socket)
{
    const struct flue_tcp_tuple tuple = flue_host_socket_tuple(socket);

    for (unsigned i = 0; i < SOCKETS; i++) {
        if (f->peers[i].port == tuple.remote_port && f->peers[i].ip == tuple.remote_ip.word[3]) {
            return &f->peers[i];
        }
    }
    fail();
    return NULL;
}

static uint32_t app_identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_port - 1000u;
}

static void app_connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct fixture *f = ctx;
    struct peer *peer = peer_of_socket(f, socket);

    (void)at_ps;
    peer->socket = socket;
    if (f->on_connected != NULL) {
        f->on_connected(f, peer_number(f, peer));
    }
}

static void app_received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    struct fixture *f = ctx;
    struct peer *peer = peer_of_socket(f, socket);

    (void)at_ps;
    assert_int_equal(span->stream, 2 * peer_number(f, peer));
    assert_int_equal(span->offset_bytes, peer->received);
    peer->received += span->length_bytes;
    fixture_note(f, "%u: received %u", peer_number(f, peer), span->length_bytes);
}

static void app_acknowledged(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    struct fixture *f = ctx;

    (void)at_ps;
    peer_of_socket(f, socket)->acked += bytes;
}

static void app_peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct fixture *f = ctx;

    (void)at_ps;
    fixture_note(f, "%u: peer closed", peer_number(f, peer_of_socket(f, socket)));
}

static void app_closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct fixture *f = ctx;
    struct peer *peer = peer_of_socket(f, socket);

    (void)at_ps;
    peer->socket = NULL;
    fixture_note(f, "%u: closed %d", peer_number(f, peer), (int)reason);
}

static void app_moved(void *ctx, struct flue_host_socket *socket, enum flue_holder holder, enum flue_move why,
                      flue_ps at_ps)
{
    struct fixture *f = ctx;

    (void)at_ps;
    fixture_note(f, "%u: moved to %s, %s", peer_number(f, peer_of_socket(f, socket)), flue_holder_name(holder),
                 flue_move_name(why));
}

/* ---- The fixture */

static void fill_profile(struct flue_profile *profile)
{
#define FLUE_PRICE(name, side, category, title) profile->name = (struct flue_price){.cycles = 1000};
#define FLUE_VALUE(name, side, unit, minimum, maximum, title)
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    profile->host_hz = 1000000000;
}

/* The scripted miniport says whatever a test wants; what a driver passes on is not the driver's fault. */
static void broken(void *ctx, const struct flue_finding *found)
{
    struct fixture *f = ctx;

    if (found->party == FLUE_PARTY_TARGET) {
        f->provoked[found->rule] = true;
        return;
    }
    /* CH-309: a miniport that reports no capability gives the host nothing to read after a RESUME.  CH-339: where it
     * plays a driver that has no memory, the one above it passes that on. */
    if (flue_rule(found->rule)->strength != FLUE_RULE_warn && found->rule != 309 && found->rule != 339 &&
        !(found->party == FLUE_PARTY_DRIVER && f->provoked[found->rule])) {
        fail_msg("CH-%03u %s (%s), %s: %s", found->rule, flue_party_name(found->party), found->driver,
                 found->object_kind, found->seen);
    }
}

static void watch(struct fixture *f, const struct flue_ddi *ddi)
{
    const char *stack = getenv("FLUE_HOST_STACK");
    const struct flue_check_sink sink = {.ctx = f, .finding = broken};

    if (stack != NULL) {
        assert_int_equal(flue_ndis_check(f->ndis, FLUE_CHECK_STOP, ddi, &sink), FLUE_OK);
    }
}

static void stack_up(struct fixture *f)
{
    const char *stack = getenv("FLUE_HOST_STACK");
    const struct flue_im_params params = {
        .kind = stack != NULL && strcmp(stack, "refuse") == 0 ? FLUE_IM_REFUSE : FLUE_IM_PASS, .name = "between"};
    const unsigned count = stack == NULL ? 0 : strcmp(stack, "pass3") == 0 ? 3 : 1;

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(flue_im_new(&f->env.env, &f->timers, NULL, f->ndis, &params, &f->between[i]), FLUE_OK);
    }
}

void fixture_begin(struct fixture *f, const char *policy, uint32_t tree_connections)
{
    fixture_begin_tuned(f, policy, tree_connections, NULL);
}

void fixture_begin_tuned(struct fixture *f, const char *policy, uint32_t tree_connections,
                         void (*tune)(struct flue_host_params *params))
{
    struct flue_host_params params = {.ip = HOST_IP,
                                      .policy = flue_policy_find(policy),
                                      .send_quantum = 4,
                                      .backlog_frames = 32,
                                      .tree_connections = tree_connections,
                                      .connections = 16};

    memset(f, 0, sizeof *f);
    manual_env_init(&f->env, 1);
    manual_env_init(&f->host_env, 1);
    fixture_time(f, FLUE_PS_PER_MS);
    fill_profile(&params.profile);
    flue_tcp_defaults(&params.tcp);
    params.tcp.timestamps = 0;
    params.tcp.window_scaling = 0;
    params.tcp.rcv_buffer_bytes = 65535;
    if (tune != NULL) {
        tune(&params);
    }
    assert_int_equal(timers_init(&f->timers, &f->env.env), FLUE_OK);
    assert_int_equal(flue_ndis_new(&f->env.env, NULL, &f->ndis), FLUE_OK);
    watch(f, &params.ddi);
    assert_int_equal(ndis_pool_new(&f->env.env, NDIS_POOL_FRAMES, &f->frames), FLUE_OK);
    assert_int_equal(ndis_pool_new(&f->env.env, NDIS_POOL_SPANS, &f->spans), FLUE_OK);
    adapter_start(f);
    stack_up(f);
    assert_int_equal(flue_host_new(&f->host_env.env, &f->timers, NULL, f->ndis, &params, &f->host), FLUE_OK);
    flue_host_neighbour(f->host, (const uint8_t[6]){2, 0, 0, 0, 0, 9}, 1500);
    f->app = (struct flue_app){.identify = app_identify,
                               .connected = app_connected,
                               .received = app_received,
                               .acknowledged = app_acknowledged,
                               .peer_closed = app_peer_closed,
                               .closed = app_closed,
                               .moved = app_moved};
    assert_int_equal(flue_host_listen(f->host, HOST_PORT, &f->app, f), FLUE_OK);
}

/* The books of the sockets and the general book make the core's totals. */
static void check_books(struct fixture *f)
{
    const struct flue_server *core = flue_host_core(f->host);
    struct flue_book sum;
    uint64_t bus_ps = 0;

    memset(&sum, 0xa5, sizeof sum);
    flue_host_book(f->host, &sum);
    for (unsigned i = 0; i < FLUE_COST_CATEGORIES; i++) {
        assert_int_equal(sum.cycles[i] + core->general.cycles[i], core->cycles[i]);
        bus_ps += core->bus_ps[i];
    }
    assert_int_equal(sum.bus_ps + core->general.bus_ps, bus_ps);
}

void fixture_end(struct fixture *f, int cut)
{
    check_books(f);
    adapter_sent(f);
    if (!cut) {
        struct flue_ndis_ledger ledger = flue_ndis_adapter_ledger(f->adapter);

        assert_int_equal(flue_host_objects_live(f->host), 0);
        assert_int_equal(flue_ndis_ledger_total(&ledger), 0);
        assert_int_equal(ndis_pool_live(f->frames), 0);
        assert_int_equal(ndis_pool_live(f->spans), 0);
        assert_int_equal(flue_ndis_adapter_stop(f->ndis, f->adapter), FLUE_OK);
    }
    for (unsigned i = 0; i < FIXTURE_DRIVERS; i++) {
        flue_im_free(f->between[i]);
    }
    flue_host_free(f->host);
    flue_ndis_free(f->ndis);
    ndis_pool_free(f->frames);
    ndis_pool_free(f->spans);
    timers_dispose(&f->timers);
    assert_true(manual_env_clean(&f->env));
    assert_true(manual_env_clean(&f->host_env));
}

void fixture_time(struct fixture *f, flue_ps now_ps)
{
    f->env.now_ps = now_ps;
    f->host_env.now_ps = now_ps;
}

void fixture_run(struct fixture *f)
{
    timers_run(&f->timers, f->env.now_ps);
}

/* ---- The peer */

void peer_frame(struct fixture *f, const struct flue_frame *frame)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(f->frames);

    *ndis_nbl_frame(nbl) = *frame;
    NdisMIndicateReceiveNetBufferLists(f->adapter, nbl, 0, 1, 0);
    fixture_run(f);
}

void peer_segment(struct fixture *f, unsigned i, uint32_t ahead, uint32_t bytes, uint8_t flags)
{
    struct peer *peer = &f->peers[i];
    struct flue_frame frame = {
        .src_ip = flue_ip_v4(peer->ip),
        .dst_ip = flue_ip_v4(HOST_IP),
        .src_port = peer->port,
        .dst_port = HOST_PORT,
        .seq = peer->seq + ahead,
        .ack = (flags & FLUE_TCP_ACK) != 0 ? peer->ack : 0,
        .window = 65535,
        .flags = flags,
        .options = (flags & FLUE_TCP_SYN) != 0 ? FLUE_OPT_MSS : 0,
        .mss = (flags & FLUE_TCP_SYN) != 0 ? 1460 : 0,
        .ttl = 64,
        .ethertype = FLUE_ETHERTYPE_IPV4,
        .payload = {.stream = 2 * i, .offset_bytes = peer->sent + ahead, .length_bytes = bytes},
    };

    if (ahead == 0) {
        peer->seq += bytes + ((flags & (FLUE_TCP_SYN | FLUE_TCP_FIN)) != 0);
        peer->sent += bytes;
    }
    peer_frame(f, &frame);
}

void peer_handshake(struct fixture *f, unsigned i, uint32_t ip, uint32_t iss)
{
    f->peers[i] = (struct peer){.ip = ip, .port = (uint16_t)(1000 + i), .seq = iss};
    peer_segment(f, i, 0, 0, FLUE_TCP_SYN);
    peer_segment(f, i, 0, 0, FLUE_TCP_ACK);
}

void peer_open(struct fixture *f, unsigned i, uint32_t ip, uint32_t iss)
{
    peer_handshake(f, i, ip, iss);
    assert_non_null(f->peers[i].socket);
    assert_int_equal(flue_host_socket_id(f->peers[i].socket), i);
}
