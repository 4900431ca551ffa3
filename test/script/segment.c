/* SPDX-License-Identifier: GPL-2.0-only */
/* script/segment.c - the words of `in` and `out` lines: SYN,ACK 0 ack 1 win 65535 <mss 1460, sackok>. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* 12, =12 (absolute), * (any) */
static bool number_parse(const char *text, bool out, struct number *number)
{
    int64_t value;

    if (text == NULL) {
        return false;
    }
    *number = (struct number){.given = true};
    if (strcmp(text, "*") == 0) {
        number->any = true;
        return out;
    }
    if (*text == '=') {
        number->absolute = true;
        text++;
    }
    if (!text_number(text, &value) || value < INT32_MIN || value > UINT32_MAX) {
        return false;
    }
    number->value = (uint32_t)value;
    return true;
}

static bool flags_parse(const char *text, bool out, struct segment_spec *spec, struct fault *fault)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } names[] = {{"SYN", FLUE_TCP_SYN}, {"FIN", FLUE_TCP_FIN}, {"RST", FLUE_TCP_RST}, {"PSH", FLUE_TCP_PSH},
                 {"ACK", FLUE_TCP_ACK}, {"URG", FLUE_TCP_URG}, {"ECE", FLUE_TCP_ECE}, {"CWR", FLUE_TCP_CWR}};
    char copy[64];
    char *rest = copy;

    if (text == NULL || strlen(text) >= sizeof(copy)) {
        return fault_set(fault, "flags are missing");
    }
    strcpy(copy, text);
    spec->psh = out ? PSH_ANY : PSH_MUST_NOT;
    if (strcmp(copy, "-") == 0) {
        return true;
    }
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        bool found = false;

        if (strcmp(name, "!PSH") == 0) {
            spec->psh = PSH_MUST_NOT;
            continue;
        }
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (strcmp(name, names[i].name) == 0) {
                spec->flags |= names[i].flag;
                found = true;
            }
        }
        if (!found) {
            return fault_set(fault, "%s is no flag (SYN FIN RST PSH ACK URG ECE CWR, joined by commas; -: none)", name);
        }
    }
    if ((spec->flags & FLUE_TCP_PSH) != 0) {
        spec->psh = PSH_MUST;
    }
    return true;
}

/* 1:1461(1460), 1461, *; the end and the length must agree. */
static bool range_parse(const char *text, bool out, struct segment_spec *spec, struct fault *fault)
{
    char copy[64];
    char *colon;
    char *open;
    int64_t end;
    int64_t length;

    if (text == NULL || strlen(text) >= sizeof(copy)) {
        return fault_set(fault, "the sequence number is missing");
    }
    strcpy(copy, text);
    colon = strchr(copy, ':');
    if (colon != NULL) {
        *colon++ = 0;
    }
    if (!number_parse(copy, out, &spec->seq)) {
        return fault_set(fault, "%s is no sequence number", copy);
    }
    if (colon == NULL) {
        return true;
    }
    open = strchr(colon, '(');
    if (open == NULL || colon[strlen(colon) - 1] != ')') {
        return fault_set(fault, "%s: a range is written first:end(length)", text);
    }
    *open++ = 0;
    open[strlen(open) - 1] = 0;
    if (!text_number(open, &length) || length < 0 || length > 100000000) {
        return fault_set(fault, "%s: (%s) is no length", text, open);
    }
    spec->length = (uint32_t)length;
    if (strcmp(colon, "*") != 0) {
        if (!text_number(colon, &end)) {
            return fault_set(fault, "%s: %s is no sequence number", text, colon);
        }
        if ((uint32_t)end != spec->seq.value + spec->length) {
            return fault_set(fault, "%s: %u + %u is not %u", text, spec->seq.value, spec->length, (uint32_t)end);
        }
    }
    return true;
}

static bool raw_option(struct words *words, struct option_spec *option, bool whole, struct fault *fault)
{
    const char *word;
    unsigned at = whole ? 0 : 2;
    int64_t value;

    option->form = OPTION_RAW;
    if (!whole) {
        if (!text_number(words_take(words), &value) || value < 0 || value > 255) {
            return fault_set(fault, "kind wants a number up to 255");
        }
        option->raw[0] = (uint8_t)value;
    }
    option->raw[1] = 0;
    value = -1;
    while ((word = words_take(words)) != NULL) {
        int count;

        if (!whole && strcmp(word, "len") == 0) {
            if (!text_number(words_take(words), &value) || value < 0 || value > 255) {
                return fault_set(fault, "len wants a number up to 255");
            }
            continue;
        }
        count = text_hex(word, &option->raw[at], (unsigned)sizeof(option->raw) - at);
        if (count < 0) {
            return fault_set(fault, "%s: pairs of hexadecimal digits are wanted, at most 40 bytes", word);
        }
        at += (unsigned)count;
    }
    if (!whole) {
        option->raw[1] = (uint8_t)(value >= 0 ? value : (int64_t)at);
    }
    option->raw_bytes = at;
    return true;
}

static bool option_parse(char *text, bool out, struct segment_spec *spec, struct fault *fault)
{
    struct words words;
    struct option_spec *option = &spec->option[spec->option_count];
    const char *name;
    const char *word;

    if (!words_split(&words, text, fault)) {
        return false;
    }
    if (words_take_if(&words, "only")) {
        spec->only = true;
    }
    name = words_take(&words);
    if (name == NULL) {
        return spec->only || fault_set(fault, "an option is missing between the commas");
    }
    if (spec->option_count == sizeof(spec->option) / sizeof(spec->option[0])) {
        return fault_set(fault, "too many options");
    }
    *option = (struct option_spec){0};
    spec->option_count++;
    if (*name == '!') {
        option->absent = true;
        name++;
    }
    if (strcmp(name, "mss") == 0 || strcmp(name, "ws") == 0) {
        option->form = name[0] == 'm' ? OPTION_MSS : OPTION_WSCALE;
        option->count = 1;
        if (!option->absent && !number_parse(words_take(&words), out, &option->value[0])) {
            return fault_set(fault, "%s wants a number", name);
        }
    } else if (strcmp(name, "sackok") == 0) {
        option->form = OPTION_SACK_OK;
    } else if (strcmp(name, "ts") == 0) {
        option->form = OPTION_TS;
        for (option->count = 0; option->count < 2 && (word = words_take(&words)) != NULL; option->count++) {
            if (!number_parse(word, true, &option->value[option->count])) {
                return fault_set(fault, "ts %s: numbers are wanted", word);
            }
        }
    } else if (strcmp(name, "sack") == 0) {
        option->form = OPTION_SACK;
        while ((word = words_take(&words)) != NULL) {
            char copy[48];
            char *colon;

            snprintf(copy, sizeof(copy), "%s", word);
            colon = strchr(copy, ':');
            if (colon == NULL || option->count > 6) {
                return fault_set(fault, "sack wants up to four blocks first:end");
            }
            *colon = 0;
            if (!number_parse(copy, false, &option->value[option->count]) ||
                !number_parse(colon + 1, false, &option->value[option->count + 1])) {
                return fault_set(fault, "%s is no block first:end", word);
            }
            option->count += 2;
        }
    } else if ((strcmp(name, "kind") == 0 || strcmp(name, "raw") == 0) && !option->absent) {
        if (!raw_option(&words, option, name[0] == 'r', fault)) {
            return false;
        }
    } else {
        return fault_set(fault, "%s is no option (mss N, ws N, sackok, ts VAL ECR, sack A:B, kind K HEX, raw HEX)",
                         name);
    }
    word = words_take(&words);
    return word == NULL || fault_set(fault, "%s: there is more than the option wants", word);
}

static bool options_parse(const char *text, bool out, struct segment_spec *spec, struct fault *fault)
{
    char copy[512];
    char *rest = copy;

    if (strlen(text) >= sizeof(copy)) {
        return fault_set(fault, "the options are too long");
    }
    strcpy(copy, text + 1);
    copy[strlen(copy) - 1] = 0;
    spec->has_options = true;
    if (copy[strspn(copy, " ")] == 0) {
        spec->only = true; /* <>: none at all */
        return true;
    }
    for (char *one = strtok_r(copy, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        if (!option_parse(one, out, spec, fault)) {
            return false;
        }
    }
    return true;
}

static bool small(struct words *words, const char *name, int *out, struct fault *fault)
{
    int64_t value;

    if (!text_number(words_take(words), &value) || value < 0 || value > 65535) {
        return fault_set(fault, "%s wants a number", name);
    }
    *out = (int)value;
    return true;
}

/* Words of `in` lines alone. */
static bool in_word(const char *word, struct words *words, struct segment_spec *spec, bool *known, struct fault *fault)
{
    *known = true;
    if (strcmp(word, "badsum") == 0) {
        spec->damage.tcp_checksum = true;
    } else if (strcmp(word, "badipsum") == 0) {
        spec->damage.ip_checksum = true;
    } else if (strcmp(word, "garbage") == 0) {
        spec->garbage = true;
    } else if (strcmp(word, "doff") == 0) {
        return small(words, word, &spec->damage.data_offset, fault);
    } else if (strcmp(word, "iplen") == 0) {
        return small(words, word, &spec->damage.ip_length, fault);
    } else if (strcmp(word, "cut") == 0) {
        return small(words, word, &spec->damage.cut, fault);
    } else {
        *known = false;
    }
    return true;
}

bool segment_parse(struct words *words, bool out, struct segment_spec *spec, struct fault *fault)
{
    static const char *const ecn_names[] = {"notect", "ect1", "ect0", "ce"};
    const char *word = words_peek(words);

    *spec = (struct segment_spec){.ecn = -1, .times = 1, .damage = PACKET_SOUND};
    if (word != NULL && word[0] == '@') {
        int64_t peer;

        if (!text_number(word + 1, &peer) || peer < 1 || peer > 64) {
            return fault_set(fault, "%s is no peer", word);
        }
        spec->peer = (unsigned)peer;
        words_take(words);
    }
    if (!flags_parse(words_take(words), out, spec, fault) || !range_parse(words_take(words), out, spec, fault)) {
        return false;
    }
    while ((word = words_peek(words)) != NULL && strcmp(word, "->") != 0) {
        struct number *number = NULL;
        bool known = false;

        words_take(words);
        for (int i = 0; i < 4; i++) {
            if (strcmp(word, ecn_names[i]) == 0) {
                spec->ecn = i;
                known = true;
            }
        }
        if (known) {
            continue;
        }
        number = strcmp(word, "ack") == 0     ? &spec->ack
                 : strcmp(word, "win") == 0   ? &spec->window
                 : strcmp(word, "urg") == 0   ? &spec->urgent
                 : strcmp(word, "ttl") == 0   ? &spec->ttl
                 : strcmp(word, "tos") == 0   ? &spec->tos
                 : strcmp(word, "sport") == 0 ? &spec->src_port
                 : strcmp(word, "dport") == 0 ? &spec->dst_port
                                              : NULL;
        if (number != NULL) {
            const char *value = words_take(words);

            if (!number_parse(value, out, number)) {
                return fault_set(fault, "%s: %s is no number", word, value != NULL ? value : "nothing");
            }
        } else if (word[0] == '<') {
            if (!options_parse(word, out, spec, fault)) {
                return false;
            }
        } else if (word[0] == 'x' && isdigit((unsigned char)word[1])) {
            spec->times = (unsigned)strtoul(word + 1, NULL, 10);
            if (spec->times == 0 || spec->times > 10000 || spec->length % spec->times != 0) {
                return fault_set(fault, "%s: %u bytes have no %s equal parts", word, spec->length, word + 1);
            }
        } else if (strcmp(word, "from") == 0 || strcmp(word, "to") == 0) {
            bool from = word[0] == 'f';

            if (!text_address(words_take(words), from ? &spec->from : &spec->to)) {
                return fault_set(fault, "%s wants an address", word);
            }
            *(from ? &spec->has_from : &spec->has_to) = true;
        } else if (strcmp(word, "as") == 0) {
            if (!out) {
                return fault_set(fault, "only out lines have names");
            }
            if (!name_parse(words_take(words), spec->label, fault)) {
                return false;
            }
        } else {
            if (!out && !in_word(word, words, spec, &known, fault)) {
                return false;
            }
            if (!known) {
                return fault_set(fault, "%s: nothing of %s segment", word, out ? "an outgoing" : "an incoming");
            }
        }
    }
    if (!out && (spec->flags & FLUE_TCP_ACK) == 0 && spec->ack.given && spec->ack.value != 0) {
        return true; /* an acknowledgement number that does not count: allowed, some tests want it */
    }
    return true;
}
