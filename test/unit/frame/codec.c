/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames to bytes and back: known packets, every set of options, checksums. */
#include <string.h>

#include "base/span.h"
#include "frame/frame.h"
#include "support/test.h"

#define FRAME(...)                                                                                                     \
    {                                                                                                                  \
        .ttl = 64, .ethertype = FLUE_ETHERTYPE_IPV4, .src_ip = {{0, 0, 0xffff, 0x0a000001}},                           \
        .dst_ip = {{0, 0, 0xffff, 0x0a000002}}, __VA_ARGS__                                                            \
    }

struct known {
    struct flue_frame frame;
    uint8_t bytes[80];
    size_t length;
};

static const uint8_t hello[5] = {'h', 'e', 'l', 'l', 'o'};

static const struct known known[] = {
    /* 10.0.0.1.40000 > 10.0.0.2.5001: Flags [S], seq 1000000000, win 64240, options [mss 1460,sackOK,TS val 100 ecr 0,
     * nop,wscale 7], length 0 */
    {
        .frame = FRAME(.src_port = 40000, .dst_port = 5001, .seq = 1000000000, .flags = FLUE_TCP_SYN, .window = 64240,
                       .options = FLUE_OPT_MSS | FLUE_OPT_WSCALE | FLUE_OPT_TIMESTAMP | FLUE_OPT_SACK_OK, .mss = 1460,
                       .ts_val = 100, .wscale = 7, .ip_id = 1),
        .bytes =
            {
                0x45, 0x00, 0x00, 0x3c, 0x00, 0x01, 0x40, 0x00, 0x40, 0x06, 0x26, 0xb9, 0x0a, 0x00, 0x00,
                0x01, 0x0a, 0x00, 0x00, 0x02, 0x9c, 0x40, 0x13, 0x89, 0x3b, 0x9a, 0xca, 0x00, 0x00, 0x00,
                0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x83, 0x44, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04,
                0x02, 0x08, 0x0a, 0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
            },
        .length = 60,
    },
    /* 10.0.0.1.40000 > 10.0.0.2.5001: Flags [P.], seq 4294967295:4 (over 2^32), ack 7, win 502, options [nop,nop,TS val
     * 4294967295 ecr 9], length 5: hello */
    {
        .frame = FRAME(.src_port = 40000, .dst_port = 5001, .seq = UINT32_MAX, .ack = 7,
                       .flags = FLUE_TCP_PSH | FLUE_TCP_ACK, .window = 502, .options = FLUE_OPT_TIMESTAMP,
                       .ts_val = UINT32_MAX, .ts_ecr = 9, .tos = 2, .ip_id = 65535,
                       .payload = {.memory = hello, .length_bytes = sizeof hello}),
        .bytes =
            {
                0x45, 0x02, 0x00, 0x39, 0xff, 0xff, 0x40, 0x00, 0x40, 0x06, 0x26, 0xbb, 0x0a, 0x00, 0x00,
                0x01, 0x0a, 0x00, 0x00, 0x02, 0x9c, 0x40, 0x13, 0x89, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00,
                0x00, 0x07, 0x80, 0x18, 0x01, 0xf6, 0x6d, 0x0c, 0x00, 0x00, 0x01, 0x01, 0x08, 0x0a, 0xff,
                0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x09, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
            },
        .length = 57,
    },
    /* 10.0.0.1.40000 > 10.0.0.2.5001: Flags [R.], seq 5, ack 6, win 0, length 0 */
    {
        .frame = FRAME(.src_port = 40000, .dst_port = 5001, .seq = 5, .ack = 6, .flags = FLUE_TCP_RST | FLUE_TCP_ACK),
        .bytes =
            {
                0x45, 0x00, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x26, 0xce, 0x0a, 0x00,
                0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x9c, 0x40, 0x13, 0x89, 0x00, 0x00, 0x00, 0x05,
                0x00, 0x00, 0x00, 0x06, 0x50, 0x14, 0x00, 0x00, 0xeb, 0xf9, 0x00, 0x00,
            },
        .length = 40,
    },
    /* 10.0.0.1.1 > 10.0.0.2.65535: Flags [FU.], seq 0, ack 4294967295, win 1, urg 513, options [mss
       536,nop,nop,sackOK], length 0 */
    {
        .frame = FRAME(.src_port = 1, .dst_port = 65535, .ack = UINT32_MAX,
                       .flags = FLUE_TCP_FIN | FLUE_TCP_URG | FLUE_TCP_ACK, .window = 1, .urgent = 513,
                       .options = FLUE_OPT_MSS | FLUE_OPT_SACK_OK, .mss = 536),
        .bytes =
            {
                0x45, 0x00, 0x00, 0x30, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x26, 0xc6, 0x0a, 0x00, 0x00, 0x01,
                0x0a, 0x00, 0x00, 0x02, 0x00, 0x01, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
                0x70, 0x31, 0x00, 0x01, 0x70, 0x87, 0x02, 0x01, 0x02, 0x04, 0x02, 0x18, 0x01, 0x01, 0x04, 0x02,
            },
        .length = 48,
    },
};

static void encode_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const struct flue_frame *frame = &known[i].frame;
        uint8_t out[128];
        size_t header_bytes, payload_bytes;

        memset(out, 0xA5, sizeof out);
        header_bytes = frame_encode(frame, out, sizeof out, true);
        assert_int_equal(header_bytes, frame_header_bytes(frame));
        payload_bytes = frame_encode_payload(frame, out + header_bytes, sizeof out - header_bytes);
        assert_int_equal(payload_bytes, frame->payload.length_bytes);
        assert_int_equal(header_bytes + payload_bytes, known[i].length);
        assert_int_equal(frame_ip_bytes(frame), known[i].length);
        assert_memory_equal(out, known[i].bytes, known[i].length);
        assert_int_equal(out[known[i].length], 0xA5);
        assert_int_equal(frame_encode(frame, out, header_bytes - 1, true), 0);
    }
}

static void check_same(const struct flue_frame *a, const struct flue_frame *b)
{
    assert_int_equal(a->payload.length_bytes, b->payload.length_bytes);
    for (uint32_t i = 0; i < a->payload.length_bytes; i++) {
        assert_int_equal(span_byte(&a->payload, i), span_byte(&b->payload, i));
    }
    /* The fields in front of the payload lie without gaps. */
    assert_memory_equal(a, b, offsetof(struct flue_frame, urgent) + sizeof a->urgent);
}

static void decode_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct flue_frame frame;

        memset(&frame, 0xA5, sizeof frame);
        assert_int_equal(frame_decode(known[i].bytes, known[i].length, &frame, true), FLUE_OK);
        check_same(&frame, &known[i].frame);
        /* With Ethernet padding behind it. */
        assert_int_equal(frame_decode(known[i].bytes, sizeof known[i].bytes, &frame, true), FLUE_OK);
        check_same(&frame, &known[i].frame);
    }
}

/* All 16 sets of options, payloads from 0 to 9 bytes, described and real; numbers at their limits. */
static void round_trip(void **state)
{
    static const uint32_t header_bytes[16] = {40, 44, 44, 48, 52, 56, 56, 60, 44, 48, 48, 52, 52, 56, 56, 60};
    uint8_t out[128];

    (void)state;
    for (uint32_t options = 0; options < 16; options++) {
        for (uint32_t length = 0; length < 10; length++) {
            bool timestamp = (options & FLUE_OPT_TIMESTAMP) != 0;
            struct flue_frame frame =
                FRAME(.src_port = 65535, .dst_port = 1, .seq = UINT32_MAX, .ack = 0x80000000, .window = 65535,
                      .flags = 0xFF, .urgent = 0x1234, .options = (uint8_t)options, .ip_id = 0xFFFF, .tos = 0xB9,
                      .mss = (uint16_t)((options & FLUE_OPT_MSS) ? 1460 : 0),
                      .wscale = (uint8_t)((options & FLUE_OPT_WSCALE) ? 14 : 0), .ts_val = timestamp ? UINT32_MAX : 0,
                      .ts_ecr = timestamp ? 0x80000001 : 0,
                      .payload = {.stream = 9, .offset_bytes = UINT64_C(0xfffffffd)});
            struct flue_frame back;

            frame.src_ip = flue_ip_v4(UINT32_MAX);
            frame.payload.length_bytes = length;
            assert_int_equal(frame_encode(&frame, out, sizeof out, true), header_bytes[options]);
            assert_int_equal(frame_encode_payload(&frame, out + header_bytes[options], length), length);
            assert_int_equal(frame_decode(out, header_bytes[options] + length, &back, true), FLUE_OK);
            check_same(&back, &frame);
            /* Without checksums the field is zero, and verifying fails. */
            assert_int_equal(frame_encode(&frame, out, sizeof out, false), header_bytes[options]);
            assert_int_equal(out[36] | out[37], 0);
            assert_int_equal(frame_decode(out, header_bytes[options] + length, &back, true), FLUE_EPARSE);
            assert_int_equal(frame_decode(out, header_bytes[options] + length, &back, false), FLUE_OK);
            check_same(&back, &frame);
        }
    }
}

static void described_payload_sums_as_its_bytes(void **state)
{
    static uint8_t bytes[3001];

    (void)state;
    for (uint32_t length = 0; length <= sizeof bytes; length += 1 + length / 7) {
        struct flue_span described = {.offset_bytes = 77, .stream = 3, .length_bytes = length};
        struct flue_span real = {.memory = bytes, .length_bytes = length};

        span_copy(&described, bytes);
        assert_int_equal(frame_sum_finish(frame_sum_span(1, &described)), frame_sum_finish(frame_sum_span(1, &real)));
    }
}

static void largest_packet(void **state)
{
    struct flue_frame frame = FRAME(.payload = {.length_bytes = 65495});
    static uint8_t out[65535];
    struct flue_frame back;

    (void)state;
    assert_int_equal(frame_encode(&frame, out, sizeof out, true), 40);
    assert_int_equal(frame_encode_payload(&frame, out + 40, sizeof out - 40), 65495);
    assert_int_equal(frame_decode(out, sizeof out, &back, true), FLUE_OK);
    assert_int_equal(back.payload.length_bytes, 65495);
    assert_int_equal(frame_encode_payload(&frame, out + 40, 65494), 0);
    frame.payload.length_bytes++;
    assert_int_equal(frame_encode(&frame, out, sizeof out, false), 0);
    frame.payload.length_bytes = UINT32_MAX;
    assert_int_equal(frame_encode(&frame, out, sizeof out, false), 0);
}

/* RFC 1071 section 3, and the IPv4 header that textbooks use. */
static void checksum_known_answers(void **state)
{
    static const uint8_t rfc[8] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    static const uint8_t header[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                       0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

    (void)state;
    assert_int_equal(frame_sum_finish(frame_sum(0, rfc, sizeof rfc)), (uint16_t)~0xddf2u);
    assert_int_equal(frame_sum_finish(frame_sum(0, rfc, 7)), (uint16_t) ~(0xddf2u - 0xf7u));
    assert_int_equal(frame_sum_finish(frame_sum(0, header, sizeof header)), 0);
    assert_int_equal(frame_sum_finish(0), 0xFFFF);
    assert_int_equal(frame_sum_finish(UINT64_C(0xFFFFFFFFFFFF)), 0);
}

/* The two ways to the size of a packet: of the usual ones, and of all. */
static void sizes_agree(void **state)
{
    static const uint16_t families[] = {FLUE_ETHERTYPE_IPV4, FLUE_ETHERTYPE_IPV6};
    static const uint8_t options[] = {0, FLUE_OPT_TIMESTAMP, FLUE_OPT_SACK, FLUE_OPT_TIMESTAMP | FLUE_OPT_SACK};

    (void)state;
    for (size_t family = 0; family < COUNT_OF(families); family++) {
        for (size_t i = 0; i < COUNT_OF(options); i++) {
            for (uint8_t blocks = 0; blocks <= FLUE_SACK_BLOCKS; blocks++) {
                struct flue_frame frame = FRAME(.options = options[i], .sack_count = blocks);

                frame.ethertype = families[family];
                frame.payload.length_bytes = 7;
                assert_int_equal(frame_ip_bytes(&frame), frame_packet_bytes(&frame));
            }
        }
    }
}

static void ethernet(void **state)
{
    struct flue_frame frame = FRAME(.dst_mac = {1, 2, 3, 4, 5, 6}, .src_mac = {7, 8, 9, 10, 11, 12});
    static const uint8_t expected[14] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00};
    struct flue_frame back = {.ttl = 9};
    uint8_t out[15];

    (void)state;
    memset(out, 0xA5, sizeof out);
    assert_int_equal(frame_ethernet_encode(&frame, out, 13), 0);
    assert_int_equal(frame_ethernet_encode(&frame, out, 14), 14);
    assert_memory_equal(out, expected, 14);
    assert_int_equal(out[14], 0xA5);
    assert_int_equal(frame_ethernet_decode(out, 13, &back), FLUE_EPARSE);
    assert_int_equal(frame_ethernet_decode(out, 14, &back), FLUE_OK);
    assert_memory_equal(back.dst_mac, frame.dst_mac, 6);
    assert_memory_equal(back.src_mac, frame.src_mac, 6);
    assert_int_equal(back.ethertype, FLUE_ETHERTYPE_IPV4);
    assert_int_equal(back.ttl, 9);
    assert_int_equal(FRAME_PPP_IPV4, 0x21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_known),   cmocka_unit_test(decode_known),
        cmocka_unit_test(round_trip),     cmocka_unit_test(described_payload_sums_as_its_bytes),
        cmocka_unit_test(largest_packet), cmocka_unit_test(checksum_known_answers),
        cmocka_unit_test(ethernet),       cmocka_unit_test(sizes_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
