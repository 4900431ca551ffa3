/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors: what each type and code means to TCP, and that what is written reads the same again. */
#include "support/test.h"

#include "frame/frame.h"
#include "frame/icmp.h"

#define AT_V4 20u /* of the ICMP message */
#define AT_V6 40u

static const struct flue_ip ip6[2] = {{{0x20010db8, 0, 0, 1}}, {{0x20010db8, 0, 0, 2}}};

/* A segment with payload, about which somebody complains. */
static struct flue_frame segment(bool v6)
{
    static const uint8_t payload[100];

    return (struct flue_frame){.ethertype = v6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4,
                               .src_ip = v6 ? ip6[0] : flue_ip_v4(0x0a000001),
                               .dst_ip = v6 ? ip6[1] : flue_ip_v4(0x0a000002),
                               .src_port = 7,
                               .dst_port = 9,
                               .seq = 0xfffffff0u,
                               .flags = FLUE_TCP_ACK,
                               .ttl = 64,
                               .payload = {.memory = payload, .length_bytes = sizeof payload}};
}

static void types_and_codes(void **state)
{
    static const struct {
        bool v6;
        uint8_t type, from_code, to_code;
        enum frame_icmp_kind kind;
    } rows[] = {
        {false, 3, 0, 1, FRAME_ICMP_UNREACHABLE_SOFT},
        {false, 3, 2, 3, FRAME_ICMP_UNREACHABLE_HARD},
        {false, 3, 4, 4, FRAME_ICMP_TOO_BIG},
        {false, 3, 5, 15, FRAME_ICMP_UNREACHABLE_SOFT},
        {false, 4, 0, 0, FRAME_ICMP_IGNORED},
        {false, 5, 0, 3, FRAME_ICMP_IGNORED},
        {false, 8, 0, 0, FRAME_ICMP_IGNORED},
        {false, 11, 0, 1, FRAME_ICMP_TIME_EXCEEDED},
        {false, 12, 0, 2, FRAME_ICMP_PARAMETER_PROBLEM},
        {true, 1, 0, 3, FRAME_ICMP_UNREACHABLE_SOFT},
        {true, 1, 4, 4, FRAME_ICMP_UNREACHABLE_HARD},
        {true, 1, 5, 6, FRAME_ICMP_UNREACHABLE_SOFT},
        {true, 2, 0, 0, FRAME_ICMP_TOO_BIG},
        {true, 3, 0, 1, FRAME_ICMP_TIME_EXCEEDED},
        {true, 4, 0, 2, FRAME_ICMP_PARAMETER_PROBLEM},
        {true, 100, 0, 0, FRAME_ICMP_IGNORED},
        {true, 128, 0, 0, FRAME_ICMP_IGNORED},
    };
    uint8_t packet[FRAME_ICMP_MAX_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct flue_frame about = segment(rows[i].v6);
        const struct frame_icmp written = {.from_ip = about.dst_ip, .kind = FRAME_ICMP_TIME_EXCEEDED};
        size_t bytes = frame_icmp_encode(&written, &about, packet, sizeof packet);
        uint8_t *message = packet + (rows[i].v6 ? AT_V6 : AT_V4);
        struct frame_icmp read;

        assert_true(bytes > 0);
        message[0] = rows[i].type;
        for (unsigned code = rows[i].from_code; code <= rows[i].to_code; code++) {
            message[1] = (uint8_t)code;
            assert_int_equal(frame_icmp_decode(packet, bytes, &read, false), FLUE_OK);
            if (read.kind != rows[i].kind) {
                fail_msg("type %u code %u of IPv%d is %d", rows[i].type, code, rows[i].v6 ? 6 : 4, (int)read.kind);
            }
            assert_int_equal(read.seq, read.kind == FRAME_ICMP_IGNORED ? 0 : about.seq);
            assert_int_equal(read.mtu_bytes, 0);
        }
    }
}

static void every_kind_there_and_back(void **state)
{
    uint8_t packet[FRAME_ICMP_MAX_BYTES];

    (void)state;
    for (int i = 0; i < 2 * (FRAME_ICMP_PARAMETER_PROBLEM + 1); i++) {
        const struct flue_frame about = segment(i % 2 != 0);
        const struct frame_icmp written = {
            .from_ip = about.dst_ip, .kind = (enum frame_icmp_kind)(i / 2), .mtu_bytes = 1300};
        size_t bytes = frame_icmp_encode(&written, &about, packet, sizeof packet);
        struct frame_icmp read;

        assert_true(bytes > 0);
        assert_int_equal(frame_icmp_encode(&written, &about, packet, bytes - 1), 0);
        assert_int_equal(frame_icmp_encode(&written, &about, packet, bytes), bytes);
        assert_int_equal(frame_icmp_decode(packet, bytes, &read, true), FLUE_OK);
        assert_int_equal(read.kind, written.kind);
        assert_true(flue_ip_equal(&read.from_ip, &about.dst_ip) && flue_ip_equal(&read.to_ip, &about.src_ip));
        assert_int_equal(read.mtu_bytes, written.kind == FRAME_ICMP_TOO_BIG ? 1300 : 0);
        if (written.kind != FRAME_ICMP_IGNORED) {
            assert_int_equal(read.src_port, 7);
            assert_int_equal(read.dst_port, 9);
            assert_int_equal(read.seq, about.seq);
            assert_int_equal(read.quoted_bytes, frame_header_bytes(&about) + about.payload.length_bytes);
        }
        packet[bytes - 1] ^= 1;
        assert_int_equal(frame_icmp_decode(packet, bytes, &read, true), FLUE_EPARSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_codes),
        cmocka_unit_test(every_kind_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
