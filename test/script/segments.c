/* SPDX-License-Identifier: GPL-2.0-only */
/* script/segments.c - `in` and `out` lines carried out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

static uint32_t resolve(const struct number *number, uint32_t zero)
{
    return number->absolute ? number->value : number->value + zero;
}

/* The peer's clock counts milliseconds and stood at 1000 when the script began. */
static uint32_t peer_clock(const struct world *world)
{
    return 1000 + (uint32_t)((world->now_ps - world->start_ps) / FLUE_PS_PER_MS);
}

static bool append(struct packet *packet, const uint8_t *bytes, unsigned count)
{
    if (packet->option_bytes + count > sizeof(packet->options)) {
        return false;
    }
    memcpy(&packet->options[packet->option_bytes], bytes, count);
    packet->option_bytes += count;
    return true;
}

static bool append_ts(const struct world *world, const struct peer *peer, const struct option_spec *option,
                      struct packet *packet)
{
    const struct number *value = &option->value[0];
    const struct number *echo = &option->value[1];
    uint8_t bytes[12] = {1, 1, 8, 10};
    bool auto_value = !value->given || value->any;
    bool auto_echo = !echo->given || echo->any;

    packet_put32(&bytes[4], auto_value ? peer_clock(world) : value->value);
    packet_put32(&bytes[8],
                 auto_echo ? ((packet->flags & FLUE_TCP_ACK) != 0 ? peer->ts_last : 0) : resolve(echo, peer->ts_zero));
    return append(packet, bytes, 12);
}

static bool append_option(const struct world *world, const struct peer *peer, const struct option_spec *option,
                          struct packet *packet)
{
    uint8_t bytes[40];

    if (option->absent) {
        return true;
    }
    switch (option->form) {
    case OPTION_MSS:
        bytes[0] = 2;
        bytes[1] = 4;
        packet_put16(&bytes[2], option->value[0].value);
        return append(packet, bytes, 4);
    case OPTION_WSCALE:
        bytes[0] = 1;
        bytes[1] = 3;
        bytes[2] = 3;
        bytes[3] = (uint8_t)option->value[0].value;
        return append(packet, bytes, 4);
    case OPTION_SACK_OK:
        return append(packet, (const uint8_t[]){1, 1, 4, 2}, 4);
    case OPTION_SACK:
        memcpy(bytes, (const uint8_t[]){1, 1, 5, (uint8_t)(2 + 4 * option->count)}, 4);
        for (unsigned i = 0; i < option->count; i++) {
            packet_put32(&bytes[4 + 4 * i], resolve(&option->value[i], peer->iss));
        }
        return append(packet, bytes, 4 + 4 * option->count);
    case OPTION_TS:
        return append_ts(world, peer, option, packet);
    case OPTION_RAW:
        return append(packet, option->raw, option->raw_bytes);
    }
    return false;
}

/* Timestamps go without saying on connections that have agreed on them. */
static bool build_options(const struct world *world, const struct peer *peer, const struct segment_spec *spec,
                          struct packet *packet)
{
    static const struct option_spec plain_ts = {.form = OPTION_TS};
    bool named = spec->only || (spec->flags & FLUE_TCP_SYN) != 0;

    for (unsigned i = 0; i < spec->option_count; i++) {
        named = named || spec->option[i].form == OPTION_TS;
    }
    if (!named && peer->ts_in && peer->ts_out && !append_ts(world, peer, &plain_ts, packet)) {
        return false;
    }
    for (unsigned i = 0; i < spec->option_count; i++) {
        if (!append_option(world, peer, &spec->option[i], packet)) {
            return false;
        }
    }
    while (packet->option_bytes % 4 != 0) {
        packet->options[packet->option_bytes++] = 0;
    }
    return true;
}

static void syn_came(struct peer *peer, const struct segment_spec *spec, const struct packet *packet)
{
    peer->ts_in = false;
    for (unsigned i = 0; i < spec->option_count; i++) {
        peer->ts_in = peer->ts_in || (spec->option[i].form == OPTION_TS && !spec->option[i].absent);
    }
    if ((packet->flags & FLUE_TCP_ACK) == 0) {
        if (peer->syn_came && peer->last_syn != packet->seq) {
            peer->relearn = true;
        }
        peer->syn_came = true;
        peer->last_syn = packet->seq;
    }
}

static bool one_in(struct world *world, const struct segment_spec *spec, uint32_t seq, uint32_t length)
{
    struct peer *peer = &world->peer[spec->peer != 0 ? spec->peer : world->present];
    uint8_t *payload = malloc(length + 1);
    uint32_t syn = (spec->flags & FLUE_TCP_SYN) != 0 ? 1 : 0;
    bool sound = !spec->damage.tcp_checksum && !spec->damage.ip_checksum && spec->damage.data_offset < 0 &&
                 spec->damage.ip_length < 0 && spec->damage.cut < 0 && !spec->has_from && !spec->has_to;
    char text[400];
    size_t bytes;
    bool good;
    struct packet packet = {
        .src_ip = spec->has_from ? spec->from : peer->ip,
        .dst_ip = spec->has_to ? spec->to : peer->local_ip,
        .ttl = spec->ttl.given ? (uint8_t)spec->ttl.value : 64,
        .tos = (uint8_t)((spec->tos.given ? spec->tos.value & 0xfcu : 0) | (spec->ecn >= 0 ? (unsigned)spec->ecn : 0)),
        .dont_fragment = true,
        .src_port = spec->src_port.given ? (uint16_t)spec->src_port.value : peer->port,
        .dst_port = spec->dst_port.given ? (uint16_t)spec->dst_port.value : peer->local_port,
        .seq = seq,
        .flags = spec->flags,
        .ack = spec->ack.given                     ? resolve(&spec->ack, peer->iss)
               : (spec->flags & FLUE_TCP_ACK) != 0 ? peer->snd_max + peer->iss
                                                   : 0,
        .window = (uint16_t)(spec->window.given ? spec->window.value : peer->window),
        .urgent = (uint16_t)spec->urgent.value,
        .payload = payload,
        .payload_bytes = length,
    };

    if (payload == NULL) {
        return world_fail(world, "out of memory");
    }
    for (uint32_t i = 0; i < length; i++) {
        /* Old segments may begin before the stream does. */
        payload[i] =
            packet_pattern(0, (uint64_t)(uint32_t)(seq - peer->irs - 1 + syn) + i) ^ (spec->garbage ? 0xff : 0);
    }
    if (length > 65000 || !build_options(world, peer, spec, &packet)) {
        free(payload);
        return world_fail(world, "more than fits into a segment");
    }
    if (syn != 0) {
        syn_came(peer, spec, &packet);
    }
    bytes = packet_build(&packet, &spec->damage, world->buffer);
    segment_show(world, &packet, false, text, sizeof(text));
    world_seen(world, "in   %s%s", text, sound ? "" : " (damaged, or from elsewhere)");
    good = world_input(world, world->buffer, bytes, sound);
    free(payload);
    return good;
}

bool exec_in(struct world *world, const struct segment_spec *spec)
{
    struct peer *peer = &world->peer[spec->peer != 0 ? spec->peer : world->present];
    uint32_t part = spec->length / spec->times;

    for (unsigned i = 0; i < spec->times; i++) {
        if (!one_in(world, spec, resolve(&spec->seq, peer->irs) + i * part, part)) {
            return false;
        }
    }
    return true;
}

static bool one_out(struct world *world, const struct segment_spec *spec, flue_ps from_ps, flue_ps to_ps)
{
    char difference[1500];
    char text[400];
    char time[40];
    struct sent *sent;

    for (;;) {
        if (world->next == world->sent_count && to_ps >= world->now_ps && !world_advance(world, to_ps, true)) {
            return false;
        }
        if (world->next == world->sent_count) {
            flue_ps deadline = flue_stack_deadline(world->stack);
            char until[40];

            time_show(to_ps - world->zero_ps, until, sizeof(until));
            time_show(deadline == FLUE_PS_NEVER ? deadline : deadline - world->zero_ps, time, sizeof(time));
            return world_fail(world, "nothing was sent until %s (the stack's next deadline: %s)", until, time);
        }
        sent = &world->sent[world->next];
        if (segment_match(world, spec, &sent->packet, difference, sizeof(difference)) == 0) {
            break;
        }
        if (world->ignore == IGNORE_NOTHING) {
            segment_show(world, &sent->packet, true, text, sizeof(text));
            world_fail(world, "another segment than expected");
            world_note(world, "%s    got      %s\n", difference, text);
            return false;
        }
        if (!world_may_ignore(world, &sent->packet)) {
            (void)world_quiet(world);
            world_note(world, "%s", difference);
            return false;
        }
        world->next++;
    }
    if (spec->label[0] != 0) {
        strcpy(sent->label, spec->label);
    }
    world->next++;
    if (sent->at_ps < from_ps || sent->at_ps > to_ps) {
        char early[40];
        char wanted[40];

        time_show(sent->at_ps - world->zero_ps, early, sizeof(early));
        time_show(from_ps - world->zero_ps, wanted, sizeof(wanted));
        return world_fail(world, "the segment left at %s, not at %s", early, wanted);
    }
    return true;
}

bool exec_out(struct world *world, const struct segment_spec *spec, flue_ps from_ps, flue_ps to_ps)
{
    struct segment_spec one = *spec;
    uint32_t part = spec->length / spec->times;

    one.length = part;
    for (unsigned i = 0; i < spec->times; i++) {
        one.seq.value = spec->seq.value + i * part;
        if (!one_out(world, &one, from_ps, to_ps)) {
            return false;
        }
    }
    return true;
}
