/* SPDX-License-Identifier: GPL-2.0-only */
/* The profiles against the measurements they were made from: one stream in 64 KiB calls, charged price by price as the
 * software path does, gives back the published cycles per segment (within 5 %) and shares (within 5 points). */
#include "run/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { CALL_BYTES = 65536, SEGMENT_BYTES = 1448, CALLS = 181, SEGMENTS = 8192 }; /* 181 x 65536 = 8192 x 1448 */

_Static_assert(CALLS *CALL_BYTES == SEGMENTS * SEGMENT_BYTES, "whole segments");

static struct flue_profile load(const char *name)
{
    struct flue_profile profile;
    char message[256];

    if (profile_load(name, &profile, NULL, message, sizeof message) != FLUE_OK)
        fail_msg("%s", message);
    return profile;
}

#define CHARGE(number, name, bytes) charge(server, PROFILE_FIELD_##name, &profile->name, number, bytes)

static void charge(struct flue_server *server, unsigned field, const struct flue_price *price, int times,
                   uint64_t bytes)
{
    int i;

    for (i = 0; i < times; i++)
        flue_server_charge(server, NULL, (enum flue_category)profile_field(field)->category, price, bytes);
}

static void send_stream(struct flue_server *server, const struct flue_profile *profile, int segments_per_interrupt)
{
    flue_server_init(server, profile->host_hz, NULL);
    CHARGE(CALLS, syscall, 0);
    CHARGE(CALLS, socket_call, 0);
    CHARGE(CALLS, other_call, 0);
    CHARGE(CALLS, copy_send, CALL_BYTES);
    CHARGE(CALLS, wakeup, 0);
    CHARGE(SEGMENTS, tcp_send_data, 0);
    CHARGE(SEGMENTS, driver_send, 0);
    CHARGE(SEGMENTS, other_send_data, 0);
    CHARGE(SEGMENTS, checksum_send, SEGMENT_BYTES);
    CHARGE(SEGMENTS / 2, tcp_receive_ack, 0);
    CHARGE(SEGMENTS / 2, driver_ack, 0);
    CHARGE(SEGMENTS / segments_per_interrupt, interrupt, 0);
}

/* One call and one wake-up per 64 KiB or per interrupt: `calls` of them. */
static void receive_stream(struct flue_server *server, const struct flue_profile *profile, int segments_per_interrupt,
                           int calls)
{
    flue_server_init(server, profile->host_hz, NULL);
    CHARGE(calls, syscall, 0);
    CHARGE(calls, socket_call, 0);
    CHARGE(calls, other_call, 0);
    CHARGE(CALLS, copy_receive, CALL_BYTES);
    CHARGE(calls, wakeup, 0);
    CHARGE(SEGMENTS, tcp_receive_data, 0);
    CHARGE(SEGMENTS, driver_receive, 0);
    CHARGE(SEGMENTS, other_receive_data, 0);
    CHARGE(SEGMENTS, checksum_receive, SEGMENT_BYTES);
    CHARGE(SEGMENTS / 2, tcp_send_ack, 0);
    CHARGE(SEGMENTS / 2, driver_ack, 0);
    CHARGE(SEGMENTS / segments_per_interrupt, interrupt, 0);
}

/* All time of the server, as cycles of its clock. */
static uint64_t cycles_per_segment(const struct flue_server *server)
{
    return flue_cost_cycles_of(server->busy_ps, server->hz) / SEGMENTS;
}

static uint64_t share_permille(const struct flue_server *server, enum flue_category category)
{
    uint64_t cycles = server->cycles[category] + flue_cost_cycles_of(server->bus_ps[category], server->hz);

    return cycles * 1000 / flue_cost_cycles_of(server->busy_ps, server->hz);
}

static void expect_within_five_percent(uint64_t value, uint64_t published)
{
    assert_in_range(value, published - published / 20, published + published / 20);
}

struct share {
    enum flue_category category;
    uint64_t permille;
};

static void expect_shares(const struct flue_server *server, const struct share *shares, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        uint64_t permille = share_permille(server, shares[i].category);

        print_message("    %s %u per mille, published %u\n", flue_category_name(shares[i].category), (unsigned)permille,
                      (unsigned)shares[i].permille);
        assert_true(permille + 50 >= shares[i].permille && permille <= shares[i].permille + 50);
    }
}

/* Calls and interrupts are in the published etc + unclassified, here "other". */
static uint64_t other_permille(const struct flue_server *server)
{
    return share_permille(server, FLUE_COST_OTHER) + share_permille(server, FLUE_COST_SYSCALL) +
           share_permille(server, FLUE_COST_INTERRUPT);
}

static void sender_of_2021(void **state)
{
    static const struct share shares[] = {{FLUE_COST_COPY, 59},
                                          {FLUE_COST_DRIVER, 175},
                                          {FLUE_COST_TCPIP, 637},
                                          {FLUE_COST_SCHEDULING, 22},
                                          {FLUE_COST_CHECKSUM, 0}};
    struct flue_profile profile = load("host-2021-noopt");
    struct flue_server server;

    (void)state;
    send_stream(&server, &profile, 16);
    print_message("    %u cycles per segment, published 4438\n", (unsigned)cycles_per_segment(&server));
    expect_within_five_percent(cycles_per_segment(&server), 4438);
    expect_shares(&server, shares, sizeof shares / sizeof shares[0]);
    assert_in_range(other_permille(&server), 108 - 50, 108 + 50);
}

static void receiver_of_2021(void **state)
{
    static const struct share shares[] = {
        {FLUE_COST_COPY, 74}, {FLUE_COST_DRIVER, 93}, {FLUE_COST_TCPIP, 754}, {FLUE_COST_SCHEDULING, 24}};
    static const int calls[] = {CALLS, SEGMENTS / 16};
    struct flue_profile profile = load("host-2021-noopt");
    struct flue_server server;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        receive_stream(&server, &profile, 16, calls[i]);
        print_message("    %u cycles per segment, published 8121\n", (unsigned)cycles_per_segment(&server));
        expect_within_five_percent(cycles_per_segment(&server), 8121);
        expect_shares(&server, shares, sizeof shares / sizeof shares[0]);
        assert_in_range(other_permille(&server), 55 - 50, 55 + 50);
    }
}

static void sender_of_2025(void **state)
{
    static const struct share shares[] = {{FLUE_COST_TCPIP, 505}};
    struct flue_profile profile = load("host-2025-gso");
    struct flue_server server;

    (void)state;
    send_stream(&server, &profile, 25);
    print_message("    %u cycles per segment, published 1419\n", (unsigned)cycles_per_segment(&server));
    expect_within_five_percent(cycles_per_segment(&server), 1419);
    expect_shares(&server, shares, 1);
}

/* A kernel TOE, 32-byte requests: driver 1.28 k and TCP/IP .40 k cycles, sockets and other as before. */
static void requests_over_a_kernel_toe(void **state)
{
    struct flue_profile loaded = load("host-2021-noopt");
    const struct flue_profile *profile = &loaded;
    struct flue_server host, *server = &host;

    (void)state;
    flue_server_init(server, profile->host_hz, NULL);
    CHARGE(1, application_request, 0);
    CHARGE(2, syscall, 0);
    CHARGE(2, socket_call, 0);
    CHARGE(2, other_call, 0);
    CHARGE(1, chimney_send, 0);
    CHARGE(1, chimney_send_complete, 0);
    CHARGE(1, chimney_indicate, 0);
    CHARGE(1, chimney_return, 0);
    CHARGE(2, chimney_switch, 0);
    print_message("    %u cycles per request, remembered 8890\n", (unsigned)flue_server_cycles(server));
    expect_within_five_percent(flue_server_cycles(server), 8890);
    assert_int_equal(server->cycles[FLUE_COST_DRIVER], 1280);
    assert_int_equal(server->cycles[FLUE_COST_TCPIP], 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sender_of_2021),
        cmocka_unit_test(receiver_of_2021),
        cmocka_unit_test(sender_of_2025),
        cmocka_unit_test(requests_over_a_kernel_toe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
