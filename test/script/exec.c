/* SPDX-License-Identifier: GPL-2.0-only */
/* script/exec.c - carries scripts out, one line after the other. */
#include "exec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

static bool exec_peer(struct world *world, const struct line *line)
{
    struct peer *peer = &world->peer[line->as.peer.number];

    world->present = line->as.peer.number;
    if (line->as.peer.port >= 0) {
        peer->port = (uint16_t)line->as.peer.port;
        peer->iss_known = false;
        peer->iss = 0;
        peer->snd_max = 0;
    }
    if (line->as.peer.iss >= 0) {
        peer->irs = (uint32_t)line->as.peer.iss;
    }
    if (line->as.peer.window >= 0) {
        peer->window = (uint32_t)line->as.peer.window;
    }
    if (line->as.peer.has_ip) {
        peer->ip = line->as.peer.ip;
    }
    return true;
}

/* The lines of a macro come from here; its end is the new zero. */
static bool macro_line(void *arg, const char *text)
{
    struct world *world = arg;
    struct fault fault;
    struct line line;
    const struct line *macro = world->line;
    bool good;

    if (!line_parse(text, &line, &fault)) {
        return world_fail(world, "in the macro: %s: %s", text, fault.text);
    }
    line.number = macro->number;
    line.of_macro = true;
    world->line = &line;
    good = world_line(world, &line);
    if (!good) {
        world_note(world, "    in the macro, at: %s\n", text);
    }
    world->line = macro;
    line_free(&line);
    return good;
}

static bool exec_macro(struct world *world, const struct line *line)
{
    const struct sock *listener = world_socket(world, "l", false);
    const struct macro_world about = {.listens = listener != NULL && listener->number >= 0};
    struct fault fault = {{0}};

    if (!macro_expand(line->text, &about, macro_line, world, &fault)) {
        return world->failed ? false : world_fail(world, "%s", fault.text);
    }
    if (!world_quiet(world)) {
        return false;
    }
    world->zero_ps = world->now_ps;
    return true;
}

static bool do_line(struct world *world, const struct line *line)
{
    flue_ps from = line->when.from_ps;
    flue_ps to = line->when.to_ps;

    switch (line->when.kind) {
    case WHEN_NOW:
        from = to = world->now_ps;
        break;
    case WHEN_AT:
        from += world->zero_ps;
        to += world->zero_ps;
        break;
    case WHEN_AFTER:
        from += world->now_ps;
        to += world->now_ps;
        break;
    }
    if (line->verb == VERB_OUT) {
        return exec_out(world, &line->as.segment, from, to);
    }
    if (line->verb == VERB_MACRO) {
        return world_quiet(world) && exec_macro(world, line);
    }
    if (!world_advance(world, to, false)) {
        return false;
    }
    if (line->verb == VERB_IGNORE) {
        world->ignore = line->as.ignore;
        return true;
    }
    /* What has been sent stays to be expected after a look at the fields, not after anything that moves. */
    if (line->verb != VERB_IS && line->verb != VERB_PEER && !world_quiet(world)) {
        return false;
    }
    switch (line->verb) {
    case VERB_CALL:
        return exec_call(world, &line->as.call);
    case VERB_IN:
        return exec_in(world, &line->as.segment);
    case VERB_IS:
        return exec_is(world, line);
    case VERB_ICMP:
        return exec_icmp(world, &line->as.icmp);
    case VERB_RAW:
        world_seen(world, "raw  %u bytes", line->as.raw.count);
        return world_input(world, line->as.raw.bytes, line->as.raw.count, false);
    case VERB_PEER:
        return exec_peer(world, line);
    case VERB_NONE:
    case VERB_SET:
    case VERB_MACRO:
    case VERB_OUT:
    case VERB_IGNORE:
        break;
    }
    return true;
}

bool world_line(struct world *world, const struct line *line)
{
    char what[300] = "";

    if (line->verb == VERB_SET) {
        return exec_set(world, line);
    }
    if (line->verb == VERB_PEER && world->stack == NULL) {
        return exec_peer(world, line);
    }
    if (world->options->verbose) {
        printf("%4u%s %s\n", line->number, line->of_macro ? " |" : "", line->text);
    }
    if (!world_start(world) || !do_line(world, line) || world->failed) {
        return false;
    }
    if (world->roundtrip && line->verb != VERB_MACRO && !move_roundtrip(world)) {
        return false;
    }
    return flue_stack_check(world->stack, what, sizeof(what)) == 0 ||
           world_fail(world, "flue_stack_check says: %s", what);
}

/* ---- scripts ---- */

static bool run_lines(struct world *world)
{
    for (unsigned i = 0; i < world->script->count; i++) {
        world->line = &world->script->lines[i];
        if (!world_line(world, world->line)) {
            return false;
        }
    }
    return world_quiet(world);
}

static void report(const struct world *world)
{
    const struct line *line = world->line;
    unsigned first = world->recent_count > 16 ? world->recent_count - 16 : 0;

    printf("FAIL %s:%u: %s\n", world->script->path, line != NULL ? line->number : 1, world->headline);
    if (line != NULL) {
        printf("    %s\n", line->text + strspn(line->text, " \t"));
    }
    printf("%s", world->detail);
    printf("    packets before:\n");
    for (unsigned i = first; i < world->recent_count; i++) {
        printf("      %s\n", world->recent[i % 16]);
    }
}

static void open_capture(struct world *world)
{
    /* Times in ns, packets begin with the IP header (LINKTYPE_RAW). */
    static const uint32_t head[6] = {0xa1b23c4du, 2 | 4 << 16, 0, 0, 262144, 101};
    char path[1024];
    size_t at = (size_t)snprintf(path, sizeof(path), "%s/", world->options->pcap_folder);

    snprintf(path + at, sizeof(path) - at, "%s.pcap", world->script->path);
    for (char *c = path + at; c < path + sizeof(path) && *c != 0; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    world->pcap = fopen(path, "wb");
    if (world->pcap == NULL) {
        world_fail(world, "%s cannot be written", path);
        return;
    }
    fwrite(head, sizeof(head), 1, world->pcap);
}

static bool wants_iss(const struct script *script, uint32_t *iss)
{
    for (unsigned i = 0; i < script->count; i++) {
        if (script->lines[i].verb == VERB_SET && strcmp(script->lines[i].as.set.name, "iss") == 0) {
            *iss = (uint32_t)script->lines[i].as.set.number;
            return true;
        }
    }
    return false;
}

/* RFC 9293 3.4.1: an initial sequence number is a clock of 4 us plus a function of the connection's name, so that the
 * right moment to begin gives any number: a first run, from 0 on, tells which. */
static flue_ps start_for(struct world *world, const struct script *script, uint32_t iss)
{
    static const struct options quiet = {.verbose = false};
    uint32_t first = 0;

    world_open(world, script, &quiet, 0);
    for (unsigned i = 0; i < script->count; i++) {
        world->line = &script->lines[i];
        if (!world_line(world, world->line)) {
            break;
        }
        if (world->sent_count > 0) {
            break;
        }
    }
    for (size_t i = 0; i < world->sent_count; i++) {
        if (world->sent[i].sound && (world->sent[i].packet.flags & FLUE_TCP_SYN) != 0) {
            first = world->sent[i].packet.seq;
            break;
        }
    }
    world_close(world);
    return (flue_ps)(iss - first) * (4 * FLUE_PS_PER_US);
}

/* In a script that must fail, the report has to name what is wrong. */
static bool verdict(const struct world *world, bool good)
{
    const struct script *script = world->script;

    if (!world->options->must_fail) {
        if (!good) {
            report(world);
        }
        return good;
    }
    if (!good && script->fails[0] != 0 &&
        (strstr(world->headline, script->fails) != NULL || strstr(world->detail, script->fails) != NULL)) {
        return true;
    }
    printf("FAIL %s: it should fail with `%s`%s\n", script->path, script->fails, good ? " and holds" : ":");
    if (!good) {
        report(world);
    }
    return false;
}

bool script_run(const struct script *script, const struct options *options)
{
    struct world *world = malloc(sizeof(*world));
    flue_ps start_ps = 0;
    uint32_t iss;
    bool good;

    if (world == NULL) {
        return false;
    }
    if (wants_iss(script, &iss)) {
        start_ps = start_for(world, script, iss);
    }
    world_open(world, script, options, start_ps);
    if (options->pcap_folder != NULL) {
        open_capture(world);
    }
    good = !world->failed && run_lines(world);
    world_close(world);
    good = verdict(world, good && !world->failed);
    fflush(stdout);
    free(world);
    return good;
}
