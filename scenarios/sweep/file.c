/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a sweep file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run/text.h"
#include "sweep/private.h"
#include "sweep_files.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

/* X(key): every key at the top of a sweep file. */
#define SWEEP_KEYS(X)                                                                                                  \
    X(flue) X(sweep) X(question) X(scenario) X(net) X(seed) X(set) X(together) X(vary) X(pair_on) X(repeat) X(limits)

enum sweep_key {
#define X(key) KEY_##key,
    SWEEP_KEYS(X)
#undef X
        KEYS
};

static const char *const key_names[] = {
#define X(key) #key,
    SWEEP_KEYS(X)
#undef X
};

const char *sweep_builtin(size_t index)
{
    for (const struct flue_embedded *file = sweep_files; file->name != NULL; file++) {
        if (index-- == 0) {
            return file->name;
        }
    }
    return NULL;
}

static char *copy(const char *text)
{
    size_t length = strlen(text);
    char *made = malloc(length + 1);

    if (made != NULL) {
        memcpy(made, text, length + 1);
    }
    return made;
}

void sweep_free(struct sweep *sweep)
{
    free(sweep->name);
    free(sweep->text);
    free(sweep->question);
    free(sweep->scenario_name);
    scenario_free(&sweep->base);
    free(sweep->points);
    *sweep = (struct sweep){.name = NULL};
}

const struct param_info *sweep_param(struct yaml_tree *tree, const yaml_node_t *key)
{
    const char *name = yaml_tree_scalar(key);
    const struct param_info *param = name != NULL ? params_find(name) : NULL;
    const char *nearest = name != NULL ? params_nearest(name) : NULL;

    if (param != NULL) {
        return param;
    }
    if (nearest != NULL) {
        (void)yaml_tree_refuse(tree, key, "unknown parameter '%s'; did you mean '%s'?", name, nearest);
    } else {
        (void)yaml_tree_refuse(tree, key, "unknown parameter '%s'; see: flue list params", name != NULL ? name : "");
    }
    return NULL;
}

/* A pipe would be waited for without an end. */
static flue_err check_regular(const char *path, char *message, size_t room)
{
    struct stat status;

    if (stat(path, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
        return FLUE_OK; /* reading it says what is wrong */
    }
    (void)snprintf(message, room, "%s: is no regular file; name a file", path);
    return FLUE_EIO;
}

/* The values of the top mapping by key; NULL where a key is not there. */
static flue_err find_keys(struct yaml_tree *tree, const yaml_node_t **value)
{
    const yaml_node_t *root = yaml_tree_root(tree);
    flue_err err = yaml_tree_check_mapping(tree, root);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const char *name = yaml_tree_scalar(key);
        size_t at = 0;
        while (at < KEYS && strcmp(name, key_names[at]) != 0) {
            at++;
        }
        if (at == KEYS) {
            const char *nearest = text_nearest(name, key_names, KEYS);
            return yaml_tree_refuse(tree, key, "unknown key '%s'; %s%s%s", name,
                                    nearest != NULL ? "did you mean '" : "a sweep file has ",
                                    nearest != NULL ? nearest
                                                    : "flue, sweep, question, scenario, net, seed, set, together, "
                                                      "vary, pair_on, repeat, limits",
                                    nearest != NULL ? "'?" : "");
        }
        value[at] = yaml_tree_node(tree, pair->value);
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (value[i] == NULL && (i == KEY_flue || i == KEY_sweep || i == KEY_scenario)) {
            return yaml_tree_refuse(tree, root, "the key '%s' is missing; add %s", key_names[i],
                                    i == KEY_flue    ? "flue: 1"
                                    : i == KEY_sweep ? "sweep: NAME"
                                                     : "scenario: rpc");
        }
    }
    return FLUE_OK;
}

static flue_err read_whole(struct yaml_tree *tree, const yaml_node_t *node, const char *what, uint64_t minimum,
                           uint64_t maximum, uint64_t *out)
{
    const char *text = yaml_tree_scalar(node);
    unsigned long long number = 0;
    char *end = NULL;

    if (text != NULL && text[0] >= '0' && text[0] <= '9' && strlen(text) < 19) {
        number = strtoull(text, &end, 10);
    }
    if (end == NULL || *end != '\0' || number < minimum || number > maximum) {
        return yaml_tree_refuse(tree, node, "%s is a whole number from %llu to %llu", what, (unsigned long long)minimum,
                                (unsigned long long)maximum);
    }
    *out = number;
    return FLUE_OK;
}

static flue_err read_set(struct yaml_tree *tree, const yaml_node_t *node, struct flue_scenario *scenario)
{
    char why[512];
    flue_err err = yaml_tree_check_mapping(tree, node);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const struct param_info *param = sweep_param(tree, yaml_tree_node(tree, pair->key));
        const yaml_node_t *value = yaml_tree_node(tree, pair->value);
        const char *text = yaml_tree_scalar(value);
        if (param == NULL) {
            return FLUE_EPARSE;
        }
        if (text == NULL) {
            return yaml_tree_refuse(tree, value, "%s: one value is expected here; what varies stands under vary",
                                    param->name);
        }
        if (params_set(scenario, param->name, text, why, sizeof why) != FLUE_OK) {
            return yaml_tree_refuse(tree, value, "%s", why);
        }
    }
    return FLUE_OK;
}

static flue_err read_limits(struct yaml_tree *tree, const yaml_node_t *node, flue_ps *wall)
{
    static const char *const names[] = {"wall"};
    static const struct param_info info = {.name = "wall",
                                           .kind = FLUE_KIND_TIME,
                                           .initial = "120s",
                                           .minimum = "1ms",
                                           .maximum = "1000000s",
                                           .unit = "ps",
                                           .group = "",
                                           .help = ""};
    char why[512];
    flue_err err = yaml_tree_check_mapping(tree, node);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const yaml_node_t *value = yaml_tree_node(tree, pair->value);
        if (strcmp(yaml_tree_scalar(key), names[0]) != 0) {
            return yaml_tree_refuse(tree, key, "unknown limit '%s'; did you mean '%s'?", yaml_tree_scalar(key),
                                    names[0]);
        }
        if (yaml_tree_scalar(value) == NULL ||
            params_parse(&info, yaml_tree_scalar(value), wall, why, sizeof why) != FLUE_OK) {
            return yaml_tree_refuse(tree, value, "wall is a time from 1ms to 1000000s, as 120s");
        }
    }
    return FLUE_OK;
}

/* A file's name is meant from the sweep file's folder. */
static char *scenario_path(const char *sweep_path, const char *name)
{
    const char *slash = strrchr(sweep_path, '/');
    size_t length = strlen(name);
    bool is_file = strchr(name, '/') != NULL || (length > 5 && strcmp(name + length - 5, ".yaml") == 0) ||
                   (length > 4 && strcmp(name + length - 4, ".yml") == 0);
    char *made;

    if (!is_file || name[0] == '/' || slash == NULL) {
        return copy(name);
    }
    made = malloc((size_t)(slash - sweep_path) + 1 + length + 1);
    if (made != NULL) {
        memcpy(made, sweep_path, (size_t)(slash - sweep_path) + 1);
        memcpy(made + (slash - sweep_path) + 1, name, length + 1);
    }
    return made;
}

static flue_err read_texts(struct yaml_tree *tree, const yaml_node_t *const *value, const char *path,
                           struct sweep *sweep)
{
    const char *name = yaml_tree_scalar(value[KEY_sweep]);
    const char *scenario = yaml_tree_scalar(value[KEY_scenario]);
    const char *version = yaml_tree_scalar(value[KEY_flue]);
    const char *question = value[KEY_question] != NULL ? yaml_tree_scalar(value[KEY_question]) : "";

    if (version == NULL || strcmp(version, "1") != 0) {
        return yaml_tree_refuse(tree, value[KEY_flue], "this flue reads version 1 of the format; write flue: 1");
    }
    if (name == NULL || name[0] == '\0' || scenario == NULL || scenario[0] == '\0' || question == NULL) {
        return yaml_tree_refuse(tree,
                                name == NULL || name[0] == '\0' ? value[KEY_sweep]
                                : question == NULL              ? value[KEY_question]
                                                                : value[KEY_scenario],
                                "one text is expected here");
    }
    sweep->name = copy(name);
    sweep->question = copy(question);
    sweep->scenario_name = scenario_path(path, scenario);
    return sweep->name != NULL && sweep->question != NULL && sweep->scenario_name != NULL ? FLUE_OK : FLUE_ENOMEM;
}

static flue_err read_rest(struct yaml_tree *tree, const yaml_node_t *const *value, struct sweep *sweep)
{
    struct flue_scenario *base = &sweep->base.scenario;
    const char *net = value[KEY_net] != NULL ? yaml_tree_scalar(value[KEY_net]) : "link";
    flue_err err = FLUE_OK;

    if (net == NULL || (strcmp(net, "link") != 0 && strcmp(net, "ns3") != 0)) {
        return yaml_tree_refuse(tree, value[KEY_net], "no such network; write link or ns3");
    }
    base->net = strcmp(net, "ns3") == 0 ? FLUE_NET_NS3 : FLUE_NET_LINK;
    if (value[KEY_seed] != NULL) {
        err = read_whole(tree, value[KEY_seed], "seed", 0, UINT64_C(999999999999999999), &base->seed);
    }
    if (err == FLUE_OK && value[KEY_repeat] != NULL) {
        err = read_whole(tree, value[KEY_repeat], "repeat", 1, SWEEP_REPEAT_MAX, &sweep->repeat);
    }
    if (err == FLUE_OK && value[KEY_limits] != NULL) {
        err = read_limits(tree, value[KEY_limits], &sweep->wall_limit_ps);
    }
    if (err == FLUE_OK && value[KEY_set] != NULL) {
        err = read_set(tree, value[KEY_set], base);
    }
    if (err == FLUE_OK && value[KEY_pair_on] != NULL) {
        sweep->pair_on = sweep_param(tree, value[KEY_pair_on]);
        err = sweep->pair_on != NULL ? FLUE_OK : FLUE_EPARSE;
    }
    return err;
}

/* Runs that are to be compared must exist. */
static flue_err check_pairs(struct yaml_tree *tree, const yaml_node_t *node, const struct sweep *sweep,
                            const struct axes *axes)
{
    for (size_t i = 0; sweep->pair_on != NULL && i < axes->count; i++) {
        if (axes->axis[i].param_count == 1 && axes->axis[i].params[0] == sweep->pair_on) {
            return FLUE_OK;
        }
    }
    return sweep->pair_on == NULL ? FLUE_OK
                                  : yaml_tree_refuse(tree, node, "pair_on: %s does not stand under vary; add it there",
                                                     sweep->pair_on->name);
}

static flue_err read_tree(struct yaml_tree *tree, const char *path, struct sweep *sweep)
{
    const yaml_node_t *value[KEYS] = {NULL};
    struct axes axes = {.axis = NULL};
    char why[512] = "";
    flue_err err = find_keys(tree, value);

    err = err == FLUE_OK ? read_texts(tree, value, path, sweep) : err;
    if (err != FLUE_OK) {
        return err;
    }
    err = strchr(sweep->scenario_name, '/') != NULL ? check_regular(sweep->scenario_name, why, sizeof why) : FLUE_OK;
    err = err == FLUE_OK ? scenario_load(sweep->scenario_name, &sweep->base, why, sizeof why) : err;
    if (err != FLUE_OK) {
        (void)yaml_tree_refuse(tree, value[KEY_scenario], "%s", why);
        return err;
    }
    sweep->repeat = 1;
    err = read_rest(tree, value, sweep);
    err = err == FLUE_OK
              ? axes_read(tree, value[KEY_together], value[KEY_vary], value[KEY_set], &sweep->base.scenario, &axes)
              : err;
    err = err == FLUE_OK ? check_pairs(tree, value[KEY_pair_on], sweep, &axes) : err;
    if (err == FLUE_OK) {
        err = points_make(sweep, &axes, why, sizeof why);
        if (err != FLUE_OK) {
            (void)yaml_tree_refuse(tree, yaml_tree_root(tree), "%s", why);
        }
    }
    axes_free(&axes);
    return err;
}

static flue_err parse(const char *path, const char *bytes, size_t count, struct sweep *out, char *message, size_t room)
{
    struct yaml_tree tree;
    flue_err err = yaml_tree_parse(&tree, path, bytes, count, message, room);

    if (err != FLUE_OK) {
        return err;
    }
    err = read_tree(&tree, path, out);
    if (err == FLUE_ENOMEM) {
        (void)snprintf(message, room, "%s: memory ran out", path);
    }
    yaml_tree_free(&tree);
    return err;
}

static flue_err refuse_name(const char *name, char *message, size_t room)
{
    const char *names[64];
    const char *nearest;
    size_t count = 0;

    while (count < COUNT_OF(names) && sweep_builtin(count) != NULL) {
        names[count] = sweep_builtin(count);
        count++;
    }
    nearest = text_nearest(name, names, count);
    if (nearest != NULL) {
        (void)snprintf(message, room, "there is no sweep '%s'; did you mean '%s'? A file is named as ./NAME.yaml", name,
                       nearest);
    } else {
        (void)snprintf(message, room, "there is no sweep '%s'; name a file as ./NAME.yaml", name);
    }
    return FLUE_ENOENT;
}

flue_err sweep_load(const char *name, struct sweep *out, char *message, size_t room)
{
    size_t count = 0, length = strlen(name);
    flue_err err;

    *out = (struct sweep){.name = NULL};
    if (strchr(name, '/') != NULL || (length > 5 && strcmp(name + length - 5, ".yaml") == 0) ||
        (length > 4 && strcmp(name + length - 4, ".yml") == 0)) {
        err = check_regular(name, message, room);
        err = err == FLUE_OK ? yaml_read_file(name, &out->text, &count, message, room) : err;
    } else {
        const struct flue_embedded *file = sweep_files;
        while (file->name != NULL && strcmp(file->name, name) != 0) {
            file++;
        }
        if (file->name == NULL) {
            return refuse_name(name, message, room);
        }
        out->text = copy(file->text);
        count = file->bytes;
        err = out->text != NULL ? FLUE_OK : FLUE_ENOMEM;
    }
    err = err == FLUE_OK ? parse(name, out->text, count, out, message, room) : err;
    if (err != FLUE_OK) {
        sweep_free(out);
    }
    return err;
}
