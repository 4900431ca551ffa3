/* SPDX-License-Identifier: GPL-2.0-only */
/* Ethernet frames of every kind to bytes and back, byte by byte; what must be refused. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/span.h"
#include "frame/frame.h"
#include "support/test.h"
#include "unit/frame/kinds.h"

static bool same(const struct flue_frame *a, const struct flue_frame *b)
{
    return flue_ip_equal(&a->src_ip, &b->src_ip) && flue_ip_equal(&a->dst_ip, &b->dst_ip) &&
           a->src_port == b->src_port && a->dst_port == b->dst_port && a->seq == b->seq && a->ack == b->ack &&
           a->window == b->window && a->flags == b->flags && a->options == b->options && a->ts_val == b->ts_val &&
           a->ts_ecr == b->ts_ecr && a->mss == b->mss && a->wscale == b->wscale && a->ttl == b->ttl &&
           a->ip_id == b->ip_id && a->tos == b->tos && a->sack_count == b->sack_count && a->ethertype == b->ethertype &&
           a->urgent == b->urgent && a->flow_label == b->flow_label && a->vlan == b->vlan && a->kind == b->kind &&
           a->ip == b->ip && a->fragment == b->fragment && memcmp(a->dst_mac, b->dst_mac, 6) == 0 &&
           memcmp(a->src_mac, b->src_mac, 6) == 0 && a->payload.length_bytes == b->payload.length_bytes &&
           (a->payload.length_bytes == 0 ||
            memcmp(a->payload.memory, b->payload.memory, a->payload.length_bytes) == 0) &&
           (a->kind != FLUE_FRAME_ICMP || flue_ip_equal(&a->quoted_ip, &b->quoted_ip));
}

static void known_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const struct known *k = &known[i];
        uint8_t out[130];
        struct flue_frame back;

        memset(out, 0xa5, sizeof out);
        if (frame_link_encode(&k->frame, out, sizeof out, true) != k->length || memcmp(out, k->bytes, k->length) != 0 ||
            out[k->length] != 0xa5) {
            fail_msg("%s: other bytes", k->what);
        }
        assert_int_equal(frame_link_bytes(&k->frame, true) + 14, k->length);
        assert_int_equal(frame_link_encode(&k->frame, out, k->length, true), k->length);
        assert_int_equal(frame_link_encode(&k->frame, out, k->length - 1, true), 0);
        memset(&back, 0xa5, sizeof back);
        if (frame_link_decode(k->bytes, k->length, &back, true) != FLUE_OK || !same(&back, &k->frame)) {
            fail_msg("%s: reads otherwise", k->what);
        }
    }
}

/* A known frame with one byte changed reads as before or not at all: each of these bytes says something. */
static void wrong_bytes(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } rows[] = {
        {"ARP request", 15, 6},                     /* another hardware */
        {"ARP request", 16, 0x86},                  /* another protocol */
        {"ARP request", 18, 8},                     /* address lengths */
        {"ARP request", 21, 3},                     /* reverse ARP */
        {"ARP request", 27, 9},                     /* sender is not the source */
        {"ARP reply in VLAN 7, priority 5", 41, 9}, /* target is not the destination */
        {"neighbour solicitation", 5, 9},           /* the group of another address */
        {"neighbour solicitation", 21, 254},        /* has been routed: RFC 4861 7.1.1 */
        {"neighbour solicitation", 54, 137},        /* a redirect */
        {"neighbour solicitation", 78, 2},          /* target link-layer address */
        {"neighbour solicitation", 79, 0},          /* an option of no length: 7.1.1 as well */
        {"neighbour solicitation", 85, 9},          /* not the source's address */
        {"neighbour advertisement", 58, 0},         /* not solicited, but to one */
        {"first fragment, IPv4", 17, 51},           /* not a multiple of 8 */
        {"last fragment, IPv4", 17, 29},            /* ends at 65537 */
        {"first fragment, IPv6", 54, 17},           /* UDP */
        {"ICMP, fragmentation needed", 34, 8},      /* echo: nothing for TCP */
        {"ICMP, fragmentation needed", 51, 17},     /* quotes UDP */
        {"ICMPv6, packet too big", 54, 128},        /* echo */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool found = false;

        for (size_t k = 0; k < COUNT_OF(known); k++) {
            if (strcmp(known[k].what, rows[i].what) == 0) {
                uint8_t bytes[128];
                struct flue_frame frame;
                flue_err err;

                found = true;
                memcpy(bytes, known[k].bytes, sizeof bytes);
                bytes[rows[i].at] = rows[i].value;
                err = frame_link_decode(bytes, known[k].length, &frame, false);
                if (err != FLUE_EPARSE || frame.ethertype != 0) {
                    fail_msg("%s, byte %zu: taken", rows[i].what, rows[i].at);
                }
            }
        }
        assert_true(found);
    }
}

/* RFC 826 leaves open what a request says of the MAC address that it asks for: any reads like none. */
static void asked_address_is_open(void **state)
{
    static const uint8_t written[][6] = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x02, 0, 0, 0, 0, 9}, {1}};
    const struct known *request = NULL;

    (void)state;
    for (size_t k = 0; k < COUNT_OF(known); k++) {
        if (strcmp(known[k].what, "ARP request") == 0) {
            request = &known[k];
        }
    }
    assert_non_null(request);
    for (size_t i = 0; i < COUNT_OF(written); i++) {
        uint8_t bytes[128];
        struct flue_frame back;

        memcpy(bytes, request->bytes, sizeof bytes);
        memcpy(bytes + 32, written[i], sizeof written[i]);
        assert_int_equal(frame_link_decode(bytes, request->length, &back, true), FLUE_OK);
        assert_true(same(&back, &request->frame));
    }
}

/* Writes the checksum of an ICMPv6 message of which one byte is no longer what it was (RFC 1624 3). */
static void correct_sum(uint8_t *message, size_t at, uint8_t was)
{
    uint32_t sum = 0xffffu - (uint32_t)(message[2] << 8 | message[3]) + 0xffffu;

    sum = at % 2 == 0 ? sum + 0x100u * message[at] - 0x100u * was : sum + message[at] - was;
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = 0xffffu - ((sum & 0xffffu) + (sum >> 16));
    message[2] = (uint8_t)(sum >> 8);
    message[3] = (uint8_t)sum;
}

/* Of neighbour discovery a router's bit and what is reserved read like none (RFC 4861 4.3, 4.4). */
static void ignored_bits(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t bits;
    } rows[] = {
        {"neighbour advertisement", 4, 0x80}, /* every router's */
        {"neighbour advertisement", 4, 0x9f},
        {"neighbour advertisement", 7, 0xff},
        {"neighbour solicitation", 4, 0xff},
        {"neighbour solicitation to one", 7, 0x01},
        {"unsolicited neighbour advertisement, tagged", 4, 0x80},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool found = false;

        for (size_t k = 0; k < COUNT_OF(known); k++) {
            if (strcmp(known[k].what, rows[i].what) == 0) {
                uint8_t bytes[128], *message = bytes + frame_ethernet_bytes(&known[k].frame) + FRAME_IPV6_BYTES;
                const size_t at = rows[i].at;
                struct flue_frame back;
                uint8_t was;

                found = true;
                memcpy(bytes, known[k].bytes, sizeof bytes);
                was = message[at];
                message[at] |= rows[i].bits;
                correct_sum(message, at, was);
                memset(&back, 0xa5, sizeof back);
                if (frame_link_decode(bytes, known[k].length, &back, true) != FLUE_OK ||
                    !same(&back, &known[k].frame)) {
                    fail_msg("%s, byte %zu: reads otherwise", rows[i].what, at);
                }
            }
        }
        assert_true(found);
    }
}

/* No byte of a frame cut short, or changed at random, is read behind its end; what is taken can be written. */
static void cut_and_changed(void **state)
{
    static uint8_t out[256];
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, "kinds");
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct flue_frame frame;

        for (size_t length = 0; length <= known[i].length; length++) {
            uint8_t *exact = malloc(length == 0 ? 1 : length);

            assert_non_null(exact);
            memcpy(exact, known[i].bytes, length);
            /* Padding may be missing, nothing else. */
            assert_int_equal(frame_link_decode(exact, length, &frame, true) == FLUE_OK,
                             length >= frame_ethernet_bytes(&known[i].frame) + frame_ip_bytes(&known[i].frame));
            for (int n = 0; n < 40 && length > 14; n++) {
                exact[rng_below(&rng, length)] = (uint8_t)rng_u64(&rng);
                if (frame_link_decode(exact, length, &frame, false) == FLUE_OK) {
                    (void)frame_link_encode(&frame, out, sizeof out, true);
                }
            }
            free(exact);
        }
    }
}

static void not_of_their_kind(void **state)
{
    static const struct flue_frame frames[] = {
        {.ethertype = FLUE_ETHERTYPE_ARP, .kind = FLUE_FRAME_ARP, .flags = 3, IP4(1, 2), MAC(2)},
        {.ethertype = FLUE_ETHERTYPE_ARP, .kind = FLUE_FRAME_ARP, .flags = 1, IP6(1, 2), MAC(2)},
        {.ethertype = FLUE_ETHERTYPE_IPV6, .kind = FLUE_FRAME_ND, .flags = 1, IP4(1, 2), MAC(2)},
        {.ethertype = FLUE_ETHERTYPE_IPV6, .kind = FLUE_FRAME_ND, .flags = 0, IP6(1, 2), MAC(2)},
        {.ethertype = FLUE_ETHERTYPE_ARP, .kind = FLUE_FRAME_ARP, .flags = 1, IP4(1, 2), MAC(2), PAYLOAD(0, 1)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = FLUE_FRAME_ICMP, .flags = 3, IP4(1, 2), PAYLOAD(0, 1)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = FLUE_FRAME_FRAGMENT, IP4(1, 2), PAYLOAD(0, 12)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = FLUE_FRAME_FRAGMENT, .fragment = 1, IP4(1, 2), PAYLOAD(0, 11)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = FLUE_FRAME_FRAGMENT, .fragment = 10, IP4(1, 2), PAYLOAD(0, 8)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = FLUE_FRAME_FRAGMENT, .fragment = 8, IP4(1, 2)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = FLUE_FRAME_FRAGMENT, .fragment = 65528, IP4(1, 2), PAYLOAD(0, 8)},
        {.ethertype = FLUE_ETHERTYPE_IPV4, .kind = 99, IP4(1, 2)},
    };
    uint8_t out[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        if (frame_encode(&frames[i], out, sizeof out, true) != 0) {
            fail_msg("frame %zu can be written", i);
        }
    }
}

/* TCP's own reader, which other stacks' packets go to, knows no other kind. */
static void only_tcp(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        size_t at = frame_ethernet_bytes(&known[i].frame);
        struct flue_frame frame;

        assert_int_equal(frame_decode(known[i].bytes + at, known[i].length - at, &frame, true) == FLUE_OK,
                         known[i].frame.kind == FLUE_FRAME_TCP);
    }
}

static void without_mac_addresses_nothing_is_added(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        assert_int_equal(frame_link_bytes(&known[i].frame, false), frame_ip_bytes(&known[i].frame));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes),
        cmocka_unit_test(wrong_bytes),
        cmocka_unit_test(asked_address_is_open),
        cmocka_unit_test(ignored_bits),
        cmocka_unit_test(cut_and_changed),
        cmocka_unit_test(not_of_their_kind),
        cmocka_unit_test(only_tcp),
        cmocka_unit_test(without_mac_addresses_nothing_is_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
