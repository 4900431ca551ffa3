/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenario files: a tree of YAML becomes a typed scenario. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/events.h"
#include "run/params.h"
#include "run/text.h"
#include "run/yaml.h"

#include "library_files.h"

#define FORMAT_VERSION "1"
#define BUILTINS_MAX   64u
#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static const char *const keys[] = {"flue", "scenario", "question", "look_at", "expect", "set", "events"};

const struct flue_embedded *scenario_builtin(size_t index)
{
    for (size_t i = 0; library_files[i].name != NULL; i++) {
        if (i == index) {
            return &library_files[i];
        }
    }
    return NULL;
}

const struct flue_embedded *scenario_builtin_find(const char *name)
{
    for (size_t i = 0; library_files[i].name != NULL; i++) {
        if (strcmp(library_files[i].name, name) == 0) {
            return &library_files[i];
        }
    }
    return NULL;
}

void scenario_free(struct scenario_file *file)
{
    free(file->source);
    free(file->question);
    free(file->look_at);
    free(file->expect);
    *file = (struct scenario_file){.source = NULL};
}

static char *copy(const char *bytes, size_t count)
{
    char *made = malloc(count + 1);

    if (made != NULL) {
        memcpy(made, bytes, count);
        made[count] = '\0';
    }
    return made;
}

static flue_err no_memory(struct yaml_tree *tree)
{
    (void)snprintf(tree->message, tree->room, "%s: %s", tree->where, flue_err_sentence(FLUE_ENOMEM));
    return FLUE_ENOMEM;
}

/* A text, or a list of texts that are joined with newlines. */
static flue_err read_prose(struct yaml_tree *tree, const yaml_node_t *node, char **out)
{
    struct text text = {.chars = NULL};
    const char *value = yaml_tree_scalar(node);

    if (value != NULL) {
        text_add(&text, "%s", value);
    } else if (node->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
            value = yaml_tree_scalar(yaml_tree_node(tree, *item));
            if (value == NULL) {
                text_free(&text);
                return yaml_tree_refuse(tree, yaml_tree_node(tree, *item), "a text is expected here");
            }
            text_add(&text, "%s%s", text.length == 0 ? "" : "\n", value);
        }
    } else {
        return yaml_tree_refuse(tree, node, "a text, or a list of texts, is expected here");
    }
    while (text.length > 0 && text.chars[text.length - 1] == '\n') {
        text.chars[--text.length] = '\0';
    }
    free(*out);
    *out = text.failed ? NULL : copy(text_chars(&text), text.length);
    text_free(&text);
    return *out == NULL ? no_memory(tree) : FLUE_OK;
}

static flue_err read_set(struct yaml_tree *tree, const yaml_node_t *node, struct flue_scenario *scenario)
{
    struct event events[EVENTS_MAX];
    char message[600];
    flue_err err = yaml_tree_check_mapping(tree, node);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const yaml_node_t *item = yaml_tree_node(tree, pair->value);
        const char *value = yaml_tree_scalar(item);

        if (value == NULL) {
            return yaml_tree_refuse(tree, item, "%.60s needs one value; lists belong into a sweep file",
                                    yaml_tree_scalar(key));
        }
        if (strcmp(yaml_tree_scalar(key), "events") == 0 && scenario->events.text[0] != '\0') {
            return yaml_tree_refuse(tree, key, "events stand in a list of their own, too; leave one");
        }
        err = params_set(scenario, yaml_tree_scalar(key), value, message, sizeof message);
        if (err == FLUE_OK && strcmp(yaml_tree_scalar(key), "events") == 0 &&
            events_parse(value, events, message, sizeof message, NULL) < 0) {
            err = FLUE_EPARSE;
        }
        if (err != FLUE_OK) {
            (void)yaml_tree_refuse(tree, err == FLUE_ENOENT ? key : item, "%s", message);
            return err == FLUE_EINVAL ? FLUE_EINVAL : FLUE_EPARSE;
        }
    }
    return FLUE_OK;
}

/* {at: 2ms, do: gateway-down, gateway: 1} becomes "2ms gateway-down gateway=1". */
static flue_err read_event(struct yaml_tree *tree, const yaml_node_t *node, struct text *out)
{
    const char *at = NULL, *what = NULL;
    struct event events[EVENTS_MAX];
    char message[300] = "";
    struct text args = {.chars = NULL}, entry = {.chars = NULL};
    flue_err err = yaml_tree_check_mapping(tree, node);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const char *key = yaml_tree_scalar(yaml_tree_node(tree, pair->key));
        const char *value = yaml_tree_scalar(yaml_tree_node(tree, pair->value));

        if (value == NULL || strpbrk(value, " \t\n;") != NULL || strpbrk(key, " \t\n;") != NULL) {
            text_free(&args);
            return yaml_tree_refuse(tree, yaml_tree_node(tree, pair->value), "%.60s needs one word here", key);
        }
        if (strcmp(key, "at") == 0) {
            at = value;
        } else if (strcmp(key, "do") == 0) {
            what = value;
        } else {
            text_add(&args, " %s=%s", key, value);
        }
    }
    if (at == NULL || what == NULL) {
        text_free(&args);
        return yaml_tree_refuse(tree, node, "an event needs at and do; write for example {at: 2ms, do: upload-all}");
    }
    text_add(&entry, "%s %s%s", at, what, text_chars(&args));
    if (events_parse(text_chars(&entry), events, message, sizeof message, NULL) < 0) {
        err = yaml_tree_refuse(tree, node, "%s", message);
    } else {
        text_add(out, "%s%s", out->length == 0 ? "" : "; ", text_chars(&entry));
        err = args.failed || entry.failed || out->failed ? no_memory(tree) : FLUE_OK;
    }
    text_free(&args);
    text_free(&entry);
    return err;
}

static flue_err read_events(struct yaml_tree *tree, const yaml_node_t *node, struct flue_scenario *scenario)
{
    struct text text = {.chars = NULL};
    char message[600];
    flue_err err = FLUE_OK;

    if (scenario->events.text[0] != '\0') {
        return yaml_tree_refuse(tree, node, "events stand under set, too; leave one");
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        return yaml_tree_refuse(tree, node,
                                "a list of events is expected; write for example - {at: 2ms, do: upload-all}");
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         err == FLUE_OK && item < node->data.sequence.items.top; item++) {
        err = read_event(tree, yaml_tree_node(tree, *item), &text);
    }
    if (err == FLUE_OK) {
        err = params_set(scenario, "events", text_chars(&text), message, sizeof message);
        if (err != FLUE_OK) {
            err = yaml_tree_refuse(tree, node, "%s", message);
        }
    }
    text_free(&text);
    return err;
}

static flue_err read_workload(struct yaml_tree *tree, const yaml_node_t *node, struct flue_scenario *scenario)
{
    const char *value = yaml_tree_scalar(node);

    for (unsigned i = 0; value != NULL && i < FLUE_WORKLOADS; i++) {
        if (strcmp(params_workload_name((enum flue_workload)i), value) == 0) {
            scenario->workload = (enum flue_workload)i;
            return FLUE_OK;
        }
    }
    return yaml_tree_refuse(tree, node, "no such workload; write bulk, rpc or web");
}

static flue_err read_version(struct yaml_tree *tree, const yaml_node_t *node)
{
    const char *value = yaml_tree_scalar(node);

    if (value == NULL || strcmp(value, FORMAT_VERSION) != 0) {
        return yaml_tree_refuse(tree, node, "version '%.20s' of the format is not known; this program reads flue: %s",
                                value == NULL ? "?" : value, FORMAT_VERSION);
    }
    return FLUE_OK;
}

static flue_err read_key(struct yaml_tree *tree, const yaml_node_t *key, const yaml_node_t *value,
                         struct scenario_file *out)
{
    const char *name = yaml_tree_scalar(key);
    const char *nearest = text_nearest(name, keys, COUNT_OF(keys));

    if (strcmp(name, "flue") == 0) {
        return read_version(tree, value);
    }
    if (strcmp(name, "scenario") == 0) {
        return read_workload(tree, value, &out->scenario);
    }
    if (strcmp(name, "question") == 0) {
        return read_prose(tree, value, &out->question);
    }
    if (strcmp(name, "look_at") == 0) {
        return read_prose(tree, value, &out->look_at);
    }
    if (strcmp(name, "expect") == 0) {
        return read_prose(tree, value, &out->expect);
    }
    if (strcmp(name, "set") == 0) {
        return read_set(tree, value, &out->scenario);
    }
    if (strcmp(name, "events") == 0) {
        return read_events(tree, value, &out->scenario);
    }
    if (nearest == NULL && params_find(name) != NULL) {
        return yaml_tree_refuse(tree, key, "'%.60s' is a parameter; write it under set:", name);
    }
    if (nearest != NULL) {
        return yaml_tree_refuse(tree, key, "unknown key '%.60s'; did you mean '%s'?", name, nearest);
    }
    return yaml_tree_refuse(
        tree, key, "unknown key '%.60s'; known are flue, scenario, question, look_at, expect, set, events", name);
}

static flue_err read_root(struct yaml_tree *tree, struct scenario_file *out)
{
    const yaml_node_t *root = yaml_tree_root(tree);
    bool versioned = false;
    bool named = false;
    flue_err err = yaml_tree_check_mapping(tree, root);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);

        err = read_key(tree, key, yaml_tree_node(tree, pair->value), out);
        if (err != FLUE_OK) {
            return err;
        }
        versioned |= strcmp(yaml_tree_scalar(key), "flue") == 0;
        named |= strcmp(yaml_tree_scalar(key), "scenario") == 0;
    }
    if (!versioned) {
        return yaml_tree_refuse(tree, root, "the version is missing; begin with: flue: " FORMAT_VERSION);
    }
    if (!named) {
        return yaml_tree_refuse(tree, root, "the workload is missing; add: scenario: bulk (or rpc, or web)");
    }
    return FLUE_OK;
}

flue_err scenario_parse(const char *where, const char *name, const char *bytes, size_t count, struct scenario_file *out,
                        char *message, size_t room)
{
    size_t length = strlen(name);
    struct yaml_tree tree;
    flue_err err;

    *out = (struct scenario_file){.source = NULL};
    err = yaml_tree_parse(&tree, where, bytes, count, message, room);
    if (err != FLUE_OK) {
        return err;
    }
    params_init(&out->scenario);
    /* Of a path that is too long the end says more than the beginning. */
    name += length < sizeof out->scenario.name ? 0 : length - (sizeof out->scenario.name - 1);
    (void)snprintf(out->scenario.name, sizeof out->scenario.name, "%s", name);
    out->source = copy(bytes, count);
    out->source_bytes = count;
    out->question = copy("", 0);
    out->look_at = copy("", 0);
    out->expect = copy("", 0);
    if (out->source == NULL || out->question == NULL || out->look_at == NULL || out->expect == NULL) {
        err = no_memory(&tree);
    } else {
        err = read_root(&tree, out);
    }
    yaml_tree_free(&tree);
    if (err != FLUE_OK) {
        scenario_free(out);
    }
    return err;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name);
    size_t tail = strlen(end);

    return length >= tail && strcmp(name + length - tail, end) == 0;
}

static flue_err refuse_name(const char *name, char *message, size_t room)
{
    const char *names[BUILTINS_MAX];
    const char *nearest;
    size_t count = 0;

    for (; count < BUILTINS_MAX && scenario_builtin(count) != NULL; count++) {
        names[count] = scenario_builtin(count)->name;
    }
    nearest = text_nearest(name, names, count);
    if (nearest != NULL) {
        (void)snprintf(message, room, "unknown scenario '%.60s'; did you mean '%s'?", name, nearest);
    } else {
        (void)snprintf(message, room, "unknown scenario '%.60s'; see: flue list scenarios; a file's name ends in .yaml",
                       name);
    }
    return FLUE_ENOENT;
}

flue_err scenario_load(const char *name, struct scenario_file *out, char *message, size_t room)
{
    const struct flue_embedded *builtin = scenario_builtin_find(name);
    char *bytes;
    size_t count;
    flue_err err;

    *out = (struct scenario_file){.source = NULL};
    if (builtin != NULL) {
        return scenario_parse(name, name, builtin->text, builtin->bytes, out, message, room);
    }
    if (strchr(name, '/') == NULL && !ends_with(name, ".yaml") && !ends_with(name, ".yml")) {
        return refuse_name(name, message, room);
    }
    err = yaml_read_file(name, &bytes, &count, message, room);
    if (err != FLUE_OK) {
        return err;
    }
    err = scenario_parse(name, name, bytes, count, out, message, room);
    free(bytes);
    return err;
}

/* The key of a mapping, or NULL. */
static const yaml_node_pair_t *find_key(struct yaml_tree *tree, const yaml_node_t *node, const char *name)
{
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        if (strcmp(yaml_tree_scalar(yaml_tree_node(tree, pair->key)), name) == 0) {
            return pair;
        }
    }
    return NULL;
}

static bool is_set_later(const char *name, const char *const *later, size_t count)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < count; i++) {
        if (strncmp(later[i], name, length) == 0 && later[i][length] == '=') {
            return true;
        }
    }
    return false;
}

void scenario_blame(const struct scenario_file *file, const char *path, const char *const *later, size_t count,
                    char *message, size_t room)
{
    char name[64] = "", complaint[1024], grammar[256];
    const size_t length = strspn(message, "abcdefghijklmnopqrstuvwxyz0123456789_");
    const yaml_node_pair_t *set, *key;
    struct yaml_tree tree;

    (void)snprintf(name, sizeof name, "%.*s", (int)length, message);
    (void)snprintf(complaint, sizeof complaint, "%s", message);
    if (scenario_builtin_find(path) != NULL || params_find(name) == NULL || is_set_later(name, later, count) ||
        yaml_tree_parse(&tree, path, file->source, file->source_bytes, grammar, sizeof grammar) != FLUE_OK) {
        return;
    }
    tree.message = message;
    tree.room = room;
    set = find_key(&tree, yaml_tree_root(&tree), "set");
    key = set == NULL ? NULL : find_key(&tree, yaml_tree_node(&tree, set->value), name);
    if (key == NULL && strcmp(name, "events") == 0) {
        key = find_key(&tree, yaml_tree_root(&tree), name);
    }
    if (key != NULL) {
        (void)yaml_tree_refuse(&tree, yaml_tree_node(&tree, key->key), "%s", complaint);
    }
    yaml_tree_free(&tree);
}
