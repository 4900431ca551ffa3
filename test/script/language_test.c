/* SPDX-License-Identifier: GPL-2.0-only */
/* The language itself: what it takes and what it refuses, and its own opinion on the bytes of packets. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "script/script.h"

static const char first[] = "# RFC 9293 3.4: a sentence about numbers\n";

static void lines_are_taken(void **state)
{
    static const char *const good[] = {
        "0ms out SYN 0",
        "1.5s in SYN,ACK 0 ack 1 win 65535 <mss 1460, ws 7, sackok, ts 12 0>",
        "10ms..20ms out ACK,PSH 1:1461(1460) x10 ack 1",
        "+200ms~5ms out FIN,ACK =4294967295 ack * <only ts 5 *>",
        "out RST *",
        "out - 5 <>",
        "out ACK,!PSH 1:11(10) ce ttl 64 as A",
        "in - 0 <kind 254 f989, kind 2 len 3 05, raw 0204> badsum doff 15 iplen 39 cut 20 -> EPROTO",
        "in @2 ACK 1 ack 1 x3 <sack 1:2 3:4>",
        "in ACK -5:5(10) garbage from 224.0.0.1 to 192.0.2.2",
        "none 200ms",
        "none until 3s",
        "300ms none",
        "ignore acks",
        "raw 45 00 0028 -> EPROTO",
        "icmp toobig 1280 of A seq 99 from 192.0.2.77 badsum",
        "icmp type 3 code 4 rest 1280 quote 20 -> EPROTO",
        "call open -> 0",
        "call l.bind 192.0.2.2 80 -> EADDRNOTAVAIL",
        "call l.accept c -> EAGAIN",
        "call send 64k more oob -> 65536",
        "call recv 10 peek -> 0",
        "call set CORK 1",
        "call get NOTHING -> ENOPROTOOPT",
        "call poll -> IN,OUT",
        "is state FIN-WAIT-1 c.cwnd 4mss srtt 10ms~1ms rto <=1s poll >=IN,OUT total.resets_out !=1 ended user-timeout",
        "is ssthresh max ERROR ECONNRESET recovery loss congestion cubic",
        "established passive mss 536 ts sack wscale 7 rtt 50ms as c @2",
        "set rto_min 1s",
        "set rto_min_ps 1s",
        "peer 2 address 203.0.113.9 port 9 iss 4294967295 win 100",
    };
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct script script;
        struct fault fault = {{0}};

        snprintf(text, sizeof(text), "%s%s\n", first, good[i]);
        if (!script_parse("x", text, &script, &fault)) {
            print_error("%s\n", good[i]);
            fail_msg("%s", fault.text);
        }
        script_free(&script);
    }
}

static void lines_are_refused(void **state)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"0ms", "nothing happens"},
        {"0ms jump", "jump"},
        {"5 out SYN 0", "is no time"},
        {"5ms..3ms out SYN 0", "window"},
        {"5ms~1ms in SYN 0", "tolerance"},
        {"out SIN 0", "SIN is no flag"},
        {"out SYN", "sequence number"},
        {"out ACK 1:10(10)", "1 + 10 is not 10"},
        {"out ACK 1:12(11) x2", "equal parts"},
        {"out ACK 1 badsum", "outgoing"},
        {"in ACK * ack 1", "sequence number"},
        {"in ACK 1 as A", "out lines"},
        {"in ACK 1 <mss 5", "no >"},
        {"in ACK 1 <mss>", "wants a number"},
        {"in ACK 1 <tz 5>", "no option"},
        {"out ACK 1 -> 5", "have a result"},
        {"call jump", "no call"},
        {"call shutdown", "rd, wr or both"},
        {"call recv 10 -> EWHAT", "no result"},
        {"call recv 10 -> 5 5", "should end"},
        {"call set TCP_NODELAY 1", "no socket option"},
        {"is", "fields and values"},
        {"is speed 5", "speed"},
        {"is connections 5", "of total."},
        {"is state OPEN", "no value"},
        {"icmp funny", "no ICMP error"},
        {"ignore some", "ignore wants"},
        {"raw 4", "hexadecimal"},
        {"none 5", "wants a time"},
        {"5ms established", "without a time"},
        {"established mss", "wants a number"},
        {"established quick", "macro takes"},
        {"set speed 5", "neither a field"},
        {"set rto_min soon", "neither a number"},
        {"peer 0", "from 1"},
        {"out SYN 0\nset sack 0", "before the first event"},
    };
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct script script;
        struct fault fault = {{0}};

        snprintf(text, sizeof(text), "%s\n%s\n", first, bad[i].line);
        if (script_parse("x", text, &script, &fault)) {
            fail_msg("taken: %s", bad[i].line);
        }
        if (strstr(fault.text, bad[i].why) == NULL ||
            strncmp(fault.text, strchr(bad[i].line, '\n') ? "x:4:" : "x:3:", 4) != 0) {
            fail_msg("%s: refused with: %s", bad[i].line, fault.text);
        }
    }
}

static void first_line_names_a_section(void **state)
{
    static const char *const bad[] = {"",
                                      "out SYN 0\n",
                                      "# RFC 9293: a sentence about numbers\nout SYN 0\n",
                                      "# RFC 9293 3.4\nout SYN 0\n",
                                      "# RFC 9293 3.4: short\nout SYN 0\n",
                                      "# rfc 9293 3.4: a sentence about numbers\nout SYN 0\n",
                                      "# RFC 9293 3.4: a sentence about numbers\n"};
    struct script script;
    struct fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(script_parse("x", bad[i], &script, &fault));
    }
    assert_true(script_parse("x", "# RFC 9293 3.10.7.4 (fifth): a sentence: two parts\nout SYN 0\n", &script, &fault));
    assert_string_equal(script.clause, "9293 3.10.7.4 (fifth)");
    assert_string_equal(script.sentence, "a sentence: two parts");
    script_free(&script);
}

static void times_are_exact(void **state)
{
    static const struct {
        const char *text;
        flue_ps ps;
    } cases[] = {{"0", 0},
                 {"1ns", FLUE_PS_PER_NS},
                 {"1.5s", 3 * FLUE_PS_PER_S / 2},
                 {"0.001us", FLUE_PS_PER_NS},
                 {"2min", 120 * FLUE_PS_PER_S},
                 {"1h", 3600 * FLUE_PS_PER_S}};
    char text[40];
    flue_ps ps;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(text_time(cases[i].text, &ps));
        assert_true(ps == cases[i].ps);
    }
    assert_false(text_time("5", &ps));
    assert_false(text_time("1.2.3s", &ps));
    time_show(1500 * FLUE_PS_PER_MS, text, sizeof(text));
    assert_string_equal(text, "1.5s");
    time_show(200 * FLUE_PS_PER_MS, text, sizeof(text));
    assert_string_equal(text, "200ms");
    time_show(-10005 * FLUE_PS_PER_US, text, sizeof(text));
    assert_string_equal(text, "-10.005ms");
}

/* IPv4 192.0.2.1 > 198.51.100.1, SYN of port 80 to 2001, sequence number 1, window 65535, MSS 1460; its checksums were
 * computed by another program. */
static const uint8_t syn[] = {0x45, 0,   0,    44,  0,    0,    0x40, 0,    64,   6, 0x4e, 0x96, 192,  0,   2,
                              1,    198, 51,   100, 1,    0,    80,   0x07, 0xd1, 0, 0,    0,    1,    0,   0,
                              0,    0,   0x60, 2,   0xff, 0xff, 0xa3, 0xce, 0,    0, 2,    4,    0x05, 0xb4};

static struct packet syn_packet(void)
{
    struct packet packet = {.src_port = 80,
                            .dst_port = 2001,
                            .seq = 1,
                            .flags = FLUE_TCP_SYN,
                            .window = 65535,
                            .ttl = 64,
                            .dont_fragment = true,
                            .options = {2, 4, 0x05, 0xb4},
                            .option_bytes = 4};

    assert_true(text_address("192.0.2.1", &packet.src_ip));
    assert_true(text_address("198.51.100.1", &packet.dst_ip));
    return packet;
}

static void packets_are_bytes(void **state)
{
    static uint8_t bytes[PACKET_MAX];
    struct packet packet = syn_packet();
    struct packet read;
    struct fault fault;
    struct packet_damage damage = PACKET_SOUND;

    (void)state;
    assert_int_equal(packet_build(&packet, &damage, bytes), sizeof(syn));
    assert_memory_equal(bytes, syn, sizeof(syn));
    assert_true(packet_read(bytes, sizeof(syn), &read, &fault));
    assert_true(read.seq == 1 && read.flags == FLUE_TCP_SYN && read.option_bytes == 4 && read.payload_bytes == 0);

    assert_true(text_address("2001:db8:1::1", &packet.src_ip));
    assert_true(text_address("2001:db8:2::1", &packet.dst_ip));
    packet.payload = syn;
    packet.payload_bytes = 9;
    packet.tos = 3;
    assert_int_equal(packet_build(&packet, &damage, bytes), 40 + 24 + 9);
    assert_true(packet_read(bytes, 73, &read, &fault));
    assert_true(read.tos == 3 && read.payload_bytes == 9 && flue_ip_equal(&read.src_ip, &packet.src_ip));
}

/* Every single bit counts: turned, it is either noticed or a field has changed. */
static void damage_is_noticed(void **state)
{
    uint8_t bytes[sizeof(syn)];
    struct packet read;
    struct fault fault;

    (void)state;
    for (unsigned bit = 0; bit < 8 * sizeof(syn); bit++) {
        memcpy(bytes, syn, sizeof(syn));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(packet_read(bytes, sizeof(bytes), &read, &fault));
    }
    for (size_t length = 0; length < sizeof(syn); length++) {
        assert_false(packet_read(syn, length, &read, &fault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_taken),   cmocka_unit_test(lines_are_refused),
        cmocka_unit_test(times_are_exact),   cmocka_unit_test(packets_are_bytes),
        cmocka_unit_test(damage_is_noticed), cmocka_unit_test(first_line_names_a_section),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
