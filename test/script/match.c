/* SPDX-License-Identifier: GPL-2.0-only */
/* script/match.c - compares a segment that was sent with what its line says. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"

struct difference {
    char *text;
    size_t room, used;
    unsigned count;
};

static void differ(struct difference *d, const char *field, const char *wanted, const char *got)
{
    if (d->used < d->room) {
        d->used += (size_t)snprintf(d->text + d->used, d->room - d->used, "    %-8s expected %-14s got %s\n", field,
                                    wanted, got);
    }
    d->count++;
}

static void compare(struct difference *d, const char *field, uint64_t wanted, uint64_t got)
{
    char text[2][24];

    if (wanted != got) {
        snprintf(text[0], sizeof(text[0]), "%" PRIu64, wanted);
        snprintf(text[1], sizeof(text[1]), "%" PRIu64, got);
        differ(d, field, text[0], text[1]);
    }
}

static void compare_number(struct difference *d, const char *field, const struct number *number, uint32_t got,
                           uint32_t zero)
{
    if (number->given && !number->any) {
        compare(d, field, number->value, number->absolute ? got : got - zero);
    }
}

static void flags_text(uint8_t flags, char *out, size_t room)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    size_t at = 0;

    snprintf(out, room, "-");
    for (unsigned i = 0; i < 8; i++) {
        if ((flags >> i & 1) != 0) {
            at += (size_t)snprintf(out + at, room - at, "%s%s", at == 0 ? "" : ",", names[i]);
        }
    }
}

static void compare_flags(struct difference *d, const struct segment_spec *spec, uint8_t got)
{
    uint8_t ignored = spec->psh == PSH_ANY ? FLUE_TCP_PSH : 0;
    char text[2][48];

    if (((spec->flags ^ got) & ~ignored & 0xff) != 0) {
        flags_text(spec->flags, text[0], sizeof(text[0]));
        flags_text((uint8_t)(got & ~ignored), text[1], sizeof(text[1]));
        differ(d, "flags", text[0], text[1]);
    }
}

static void compare_values(struct difference *d, const struct peer *peer, const struct option_spec *want,
                           const struct packet_option *got)
{
    switch (want->form) {
    case OPTION_MSS:
        compare_number(d, "mss", &want->value[0], packet_get16(got->value), 0);
        return;
    case OPTION_WSCALE:
        compare_number(d, "ws", &want->value[0], got->value[0], 0);
        return;
    case OPTION_TS:
        compare_number(d, "ts val", &want->value[0], packet_get32(got->value), peer->ts_zero);
        compare_number(d, "ts ecr", &want->value[1], packet_get32(got->value + 4), 0);
        return;
    case OPTION_SACK:
        compare(d, "sack blocks", want->count / 2, (got->length - 2) / 8);
        for (unsigned i = 0; i < want->count && i < (got->length - 2) / 4; i++) {
            compare_number(d, i % 2 == 0 ? "sack from" : "sack to", &want->value[i], packet_get32(&got->value[4 * i]),
                           peer->irs);
        }
        return;
    case OPTION_RAW:
        if (want->raw_bytes != got->length || memcmp(want->raw, got->value - 2, got->length) != 0) {
            differ(d, "option", "these bytes", "others");
        }
        return;
    case OPTION_SACK_OK:
        return;
    }
}

static void compare_options(struct difference *d, const struct peer *peer, const struct segment_spec *spec,
                            const struct packet *packet)
{
    static const struct {
        uint8_t kind;
        const char *name;
    } of[] = {[OPTION_MSS] = {2, "mss"},   [OPTION_WSCALE] = {3, "ws"}, [OPTION_SACK_OK] = {4, "sackok"},
              [OPTION_SACK] = {5, "sack"}, [OPTION_TS] = {8, "ts"},     [OPTION_RAW] = {0, "kind"}};
    struct packet_option option;
    bool found[8] = {false};
    char text[24];

    for (unsigned at = 0; packet_option_next(packet, &at, &option);) {
        bool named = false;

        for (unsigned i = 0; i < spec->option_count; i++) {
            const struct option_spec *want = &spec->option[i];

            if ((want->form == OPTION_RAW ? want->raw[0] : of[want->form].kind) != option.kind) {
                continue;
            }
            named = found[i] = true;
            if (!want->absent) {
                compare_values(d, peer, want, &option);
            }
        }
        if (!named && spec->only) {
            snprintf(text, sizeof(text), "kind %u", option.kind);
            differ(d, "options", "no others", text);
        }
    }
    for (unsigned i = 0; i < spec->option_count; i++) {
        if (found[i] == spec->option[i].absent) {
            differ(d, of[spec->option[i].form].name, found[i] ? "no option" : "an option", found[i] ? "one" : "none");
        }
    }
}

static void compare_payload(struct difference *d, const struct peer *peer, const struct packet *packet)
{
    uint32_t offset = packet->seq - peer->iss - 1 + ((packet->flags & FLUE_TCP_SYN) != 0 ? 1 : 0);
    char text[2][24];

    for (unsigned i = 0; i < packet->payload_bytes; i++) {
        uint8_t wanted = packet_pattern(1, (uint64_t)offset + i);

        if (packet->payload[i] != wanted) {
            snprintf(text[0], sizeof(text[0]), "0x%02x", wanted);
            snprintf(text[1], sizeof(text[1]), "0x%02x at byte %u", packet->payload[i], i);
            differ(d, "payload", text[0], text[1]);
            return;
        }
    }
}

unsigned segment_match(struct world *world, const struct segment_spec *spec, const struct packet *packet, char *text,
                       size_t room)
{
    static const char *const ecn[] = {"notect", "ect1", "ect0", "ce"};
    struct difference d = {.text = text, .room = room};
    struct peer *peer = &world->peer[spec->peer != 0 ? spec->peer : world->present];
    const struct flue_ip *to = spec->has_to ? &spec->to : &peer->ip;

    text[0] = 0;
    if (!flue_ip_equal(to, &packet->dst_ip)) {
        differ(&d, "address", "that of the peer", "another destination");
    }
    if (spec->has_from && !flue_ip_equal(&spec->from, &packet->src_ip)) {
        differ(&d, "from", "the address named", "another source");
    }
    compare(&d, "dport", spec->dst_port.given ? spec->dst_port.value : peer->port, packet->dst_port);
    compare_number(&d, "sport", &spec->src_port, packet->src_port, 0);
    compare_flags(&d, spec, packet->flags);
    compare_number(&d, "seq", &spec->seq, packet->seq, peer->iss);
    compare(&d, "length", spec->length, packet->payload_bytes);
    compare_number(&d, "ack", &spec->ack, packet->ack, peer->irs);
    compare_number(&d, "win", &spec->window, packet->window, 0);
    compare_number(&d, "urg", &spec->urgent, packet->urgent, 0);
    compare_number(&d, "ttl", &spec->ttl, packet->ttl, 0);
    compare_number(&d, "tos", &spec->tos, packet->tos & 0xfcu, 0);
    if (spec->ecn >= 0 && spec->ecn != (packet->tos & 3)) {
        differ(&d, "ecn", ecn[spec->ecn], ecn[packet->tos & 3]);
    }
    if (!packet->dont_fragment) {
        differ(&d, "DF", "set", "not set");
    }
    if (spec->has_options) {
        compare_options(&d, peer, spec, packet);
    }
    if (spec->length == packet->payload_bytes && !spec->garbage) {
        compare_payload(&d, peer, packet);
    }
    return d.count;
}
