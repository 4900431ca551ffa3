/* SPDX-License-Identifier: GPL-2.0-only */
/* script/icmp.c - `icmp` lines: errors of the network about segments that the stack has sent (RFC 792, 4443). */
#include <stdio.h>
#include <string.h>

#include "exec.h"

static const struct {
    const char *name;
    uint8_t type4, code4, type6, code6;
} kinds[] = {{"net-unreachable", 3, 0, 1, 0},      {"host-unreachable", 3, 1, 1, 3},
             {"protocol-unreachable", 3, 2, 4, 1}, {"port-unreachable", 3, 3, 1, 4},
             {"source-route-failed", 3, 5, 1, 5},  {"admin-prohibited", 3, 13, 1, 1},
             {"source-quench", 4, 0, 0, 0},        {"time-exceeded", 11, 0, 3, 0},
             {"parameter-problem", 12, 0, 4, 0},   {"toobig", 3, 4, 2, 0}};

static bool number(struct words *words, const char *name, int64_t most, int64_t *out, struct fault *fault)
{
    if (text_number(words_take(words), out) && *out >= 0 && *out <= most) {
        return true;
    }
    return fault_set(fault, "%s wants a number", name);
}

static bool kind_parse(const char *word, struct words *words, struct icmp_spec *out, struct fault *fault)
{
    int64_t value;

    if (strcmp(word, "type") == 0) {
        out->raw = true;
        if (!number(words, word, 255, &value, fault)) {
            return false;
        }
        out->type4 = out->type6 = (uint8_t)value;
        return true;
    }
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            out->type4 = kinds[i].type4;
            out->code4 = kinds[i].code4;
            out->type6 = kinds[i].type6;
            out->code6 = kinds[i].code6;
            out->too_big = strcmp(word, "toobig") == 0;
            if (out->too_big) {
                if (!number(words, word, UINT32_MAX, &value, fault)) {
                    return false;
                }
                out->rest = (uint32_t)value;
            }
            return true;
        }
    }
    return fault_set(fault, "%s is no ICMP error", word);
}

bool icmp_parse(struct words *words, struct icmp_spec *out, struct fault *fault)
{
    const char *word = words_take(words);
    int64_t value;

    *out = (struct icmp_spec){0};
    if (word == NULL) {
        return fault_set(fault, "icmp wants a kind");
    }
    if (!kind_parse(word, words, out, fault)) {
        return false;
    }
    while ((word = words_peek(words)) != NULL && strcmp(word, "->") != 0) {
        words_take(words);
        if (strcmp(word, "of") == 0) {
            if (!name_parse(words_take(words), out->label, fault)) {
                return false;
            }
        } else if (strcmp(word, "seq") == 0) {
            const char *text = words_take(words);

            out->seq = (struct number){.given = true, .absolute = text != NULL && text[0] == '='};
            if (text == NULL || !text_number(text + (text[0] == '=' ? 1 : 0), &value)) {
                return fault_set(fault, "seq wants a number");
            }
            out->seq.value = (uint32_t)value;
        } else if (strcmp(word, "code") == 0) {
            if (!number(words, word, 255, &value, fault)) {
                return false;
            }
            out->code4 = out->code6 = (uint8_t)value;
        } else if (strcmp(word, "rest") == 0) {
            if (!number(words, word, UINT32_MAX, &value, fault)) {
                return false;
            }
            out->rest = (uint32_t)value;
        } else if (strcmp(word, "quote") == 0) {
            if (!number(words, word, 65535, &value, fault)) {
                return false;
            }
            out->quote_bytes = (unsigned)value;
        } else if (strcmp(word, "from") == 0) {
            out->has_from = true;
            if (!text_address(words_take(words), &out->from)) {
                return fault_set(fault, "from wants an address");
            }
        } else if (strcmp(word, "badsum") == 0) {
            out->bad_checksum = true;
        } else {
            return fault_set(fault, "%s: nothing of an ICMP error (of, seq, code, rest, quote, from, badsum)", word);
        }
    }
    return true;
}

static const struct sent *quoted(const struct world *world, const char *label)
{
    for (size_t i = world->sent_count; i > 0; i--) {
        if (label[0] == 0 || strcmp(world->sent[i - 1].label, label) == 0) {
            return &world->sent[i - 1];
        }
    }
    return NULL;
}

bool exec_icmp(struct world *world, const struct icmp_spec *spec)
{
    const struct sent *sent = quoted(world, spec->label);
    struct packet_icmp icmp;
    uint8_t quote[PACKET_MAX];
    bool v4;
    size_t tcp;
    size_t bytes;

    if (sent == NULL) {
        return world_fail(world, "there is no segment to quote%s%s", spec->label[0] != 0 ? ": " : "", spec->label);
    }
    v4 = flue_ip_is_v4(&sent->packet.dst_ip);
    tcp = v4 ? 20 : 40;
    memcpy(quote, sent->bytes, sent->length);
    if (spec->seq.given) {
        const struct peer *peer = peer_of(world, &sent->packet.dst_ip, sent->packet.dst_port);

        packet_put32(&quote[tcp + 4], spec->seq.value + (spec->seq.absolute ? 0 : peer->iss));
    }
    /* IPv4 quotes the header and 8 bytes (RFC 792), IPv6 as much as 1280 bytes hold (RFC 4443 2.4). */
    bytes = v4 ? tcp + 8 : 1280 - 48;
    bytes = spec->quote_bytes != 0 ? spec->quote_bytes : bytes;
    icmp = (struct packet_icmp){.src_ip = spec->has_from ? spec->from : sent->packet.dst_ip,
                                .dst_ip = sent->packet.src_ip,
                                .type = v4 ? spec->type4 : spec->type6,
                                .code = v4 ? spec->code4 : spec->code6,
                                .rest = spec->rest,
                                .bad_checksum = spec->bad_checksum,
                                .quoted = quote,
                                .quoted_bytes = bytes < sent->length ? bytes : sent->length};
    bytes = packet_build_icmp(&icmp, world->buffer);
    world_seen(world, "icmp type %u code %u, %zu bytes quoted", icmp.type, icmp.code, icmp.quoted_bytes);
    return world_input(world, world->buffer, bytes, !spec->bad_checksum && spec->quote_bytes == 0 && !spec->raw);
}
