/* SPDX-License-Identifier: GPL-2.0-only */
/* script/show.c - a segment in the words of the language, so that what was seen can be put into a script. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "exec.h"

struct text {
    char *at;
    size_t room;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text->at, text->room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        size_t used = (size_t)length < text->room ? (size_t)length : text->room - 1;

        text->at += used;
        text->room -= used;
    }
}

static void put_flags(struct text *text, uint8_t flags)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {{FLUE_TCP_SYN, "SYN"}, {FLUE_TCP_FIN, "FIN"}, {FLUE_TCP_RST, "RST"}, {FLUE_TCP_PSH, "PSH"},
                 {FLUE_TCP_URG, "URG"}, {FLUE_TCP_ACK, "ACK"}, {FLUE_TCP_ECE, "ECE"}, {FLUE_TCP_CWR, "CWR"}};
    bool first = true;

    for (unsigned i = 0; i < 8; i++) {
        if ((flags & names[i].flag) != 0) {
            put(text, "%s%s", first ? "" : ",", names[i].name);
            first = false;
        }
    }
    if (first) {
        put(text, "-");
    }
}

static void put_options(struct text *text, const struct packet *packet, const struct peer *peer, bool out)
{
    struct packet_option option;
    unsigned at = 0;
    bool first = true;

    while (packet_option_next(packet, &at, &option)) {
        put(text, "%s", first ? " <" : ", ");
        first = false;
        if (option.kind == 2 && option.length == 4) {
            put(text, "mss %u", packet_get16(option.value));
        } else if (option.kind == 3 && option.length == 3) {
            put(text, "ws %u", option.value[0]);
        } else if (option.kind == 4 && option.length == 2) {
            put(text, "sackok");
        } else if (option.kind == 5) {
            put(text, "sack");
            for (unsigned i = 0; i + 8 <= option.length - 2; i += 8) {
                uint32_t zero = out ? peer->irs : peer->iss;

                put(text, " %" PRIu32 ":%" PRIu32, packet_get32(&option.value[i]) - zero,
                    packet_get32(&option.value[i + 4]) - zero);
            }
        } else if (option.kind == 8 && option.length == 10) {
            put(text, "ts %" PRIu32 " %" PRIu32, packet_get32(option.value) - (out ? peer->ts_zero : 0),
                packet_get32(option.value + 4) - (out ? 0 : peer->ts_zero));
        } else {
            put(text, "kind %u", option.kind);
            for (unsigned i = 0; i + 2 < option.length; i++) {
                put(text, "%s%02x", i == 0 ? " " : "", option.value[i]);
            }
        }
    }
    if (!first) {
        put(text, ">");
    }
}

void segment_show(const struct world *world, const struct packet *packet, bool out, char *line, size_t room)
{
    static const char *const ecn[] = {"", " ect1", " ect0", " ce"};
    struct text text = {line, room};
    const struct peer *peer = peer_of((struct world *)world, out ? &packet->dst_ip : &packet->src_ip,
                                      out ? packet->dst_port : packet->src_port);
    uint32_t seq = packet->seq - (out ? peer->iss : peer->irs);

    line[0] = 0;
    if (peer != &world->peer[1]) {
        put(&text, "@%u ", (unsigned)(peer - world->peer));
    }
    put_flags(&text, packet->flags);
    put(&text, " %" PRIu32, seq);
    if (packet->payload_bytes > 0) {
        put(&text, ":%" PRIu32 "(%u)", seq + packet->payload_bytes, packet->payload_bytes);
    }
    if ((packet->flags & FLUE_TCP_ACK) != 0) {
        put(&text, " ack %" PRIu32, packet->ack - (out ? peer->irs : peer->iss));
    }
    put(&text, " win %u", packet->window);
    if ((packet->flags & FLUE_TCP_URG) != 0) {
        put(&text, " urg %u", packet->urgent);
    }
    put_options(&text, packet, peer, out);
    put(&text, "%s", ecn[packet->tos & 3]);
}
