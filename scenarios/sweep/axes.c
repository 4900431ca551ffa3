/* SPDX-License-Identifier: GPL-2.0-only */
/* What varies: lists, doublings, equal steps, values that change together. */
#include <stdlib.h>
#include <string.h>

#include "sweep/private.h"

#define VALUES_MAX 100000u

void axes_free(struct axes *axes)
{
    for (size_t i = 0; i < axes->count; i++) {
        struct axis *axis = &axes->axis[i];
        for (size_t j = 0; axis->values != NULL && j < axis->value_count * axis->param_count; j++) {
            free(axis->values[j]);
        }
        free(axis->values);
        free(axis->params);
    }
    free(axes->axis);
    *axes = (struct axes){.axis = NULL};
}

/* A new axis at the end; its parameters and values are to be added. */
static struct axis *axis_add(struct axes *axes, size_t params)
{
    struct axis *more = realloc(axes->axis, (axes->count + 1) * sizeof *more);

    if (more == NULL) {
        return NULL;
    }
    axes->axis = more;
    more = &axes->axis[axes->count++];
    *more = (struct axis){.params = calloc(params, sizeof *more->params), .param_count = 0};
    return more->params != NULL ? more : NULL;
}

static flue_err value_add(struct axis *axis, size_t at, const char *text)
{
    size_t length = strlen(text);
    char **more = realloc(axis->values, (at + 1) * sizeof *more);

    if (more == NULL) {
        return FLUE_ENOMEM;
    }
    axis->values = more;
    more[at] = malloc(length + 1);
    if (more[at] == NULL) {
        return FLUE_ENOMEM;
    }
    memcpy(more[at], text, length + 1);
    return FLUE_OK;
}

/* Puts the canonical text of a value into an axis; refuses what the parameter does not take. */
static flue_err value_check(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                            const struct flue_scenario *scenario, struct axis *axis, size_t at)
{
    struct flue_scenario tried = *scenario;
    const char *text = yaml_tree_scalar(node);
    char why[512], canonical[FLUE_TEXT_MAX];

    if (text == NULL) {
        return yaml_tree_refuse(tree, node, "%s: one value is expected here", param->name);
    }
    if (params_set(&tried, param->name, text, why, sizeof why) != FLUE_OK) {
        return yaml_tree_refuse(tree, node, "%s", why);
    }
    params_format(param, &tried, canonical, sizeof canonical);
    return value_add(axis, at, canonical);
}

static flue_err number_add(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                           const struct flue_scenario *scenario, struct axis *axis, int64_t number)
{
    struct flue_scenario tried = *scenario;
    char why[512], canonical[FLUE_TEXT_MAX];
    flue_err err;

    if (axis->value_count == VALUES_MAX) {
        return yaml_tree_refuse(tree, node, "%s: more than %u values", param->name, VALUES_MAX);
    }
    if (params_set_number(&tried, param, number, why, sizeof why) != FLUE_OK) {
        return yaml_tree_refuse(tree, node, "%s", why);
    }
    params_format(param, &tried, canonical, sizeof canonical);
    err = value_add(axis, axis->value_count, canonical);
    axis->value_count += err == FLUE_OK ? 1 : 0;
    return err;
}

static flue_err read_number(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                            int64_t *out)
{
    const char *text = yaml_tree_scalar(node);
    char why[512];

    if (text == NULL) {
        return yaml_tree_refuse(tree, node, "%s: one value is expected here", param->name);
    }
    if (params_parse(param, text, out, why, sizeof why) != FLUE_OK) {
        return yaml_tree_refuse(tree, node, "%s", why);
    }
    return FLUE_OK;
}

/* The two ends of {log2: [a, b]} and {lin: [a, b]}. */
static flue_err read_ends(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                          int64_t *from, int64_t *to)
{
    flue_err err;

    if (node->type != YAML_SEQUENCE_NODE || node->data.sequence.items.top - node->data.sequence.items.start != 2) {
        return yaml_tree_refuse(tree, node, "%s: first and last value are expected here, as [1KiB, 1MiB]", param->name);
    }
    err = read_number(tree, yaml_tree_node(tree, node->data.sequence.items.start[0]), param, from);
    err = err == FLUE_OK ? read_number(tree, yaml_tree_node(tree, node->data.sequence.items.start[1]), param, to) : err;
    if (err == FLUE_OK && *from > *to) {
        err = yaml_tree_refuse(tree, node, "%s: the first value is above the last", param->name);
    }
    return err;
}

static flue_err read_doubling(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                              const struct flue_scenario *scenario, struct axis *axis)
{
    int64_t from = 0, to = 0;
    flue_err err = read_ends(tree, node, param, &from, &to);

    if (err == FLUE_OK && (from <= 0 || to == FLUE_PS_NEVER)) {
        err = yaml_tree_refuse(tree, node, "%s: doubling begins above 0 and ends somewhere", param->name);
    }
    for (int64_t at = from; err == FLUE_OK; at *= 2) {
        err = number_add(tree, node, param, scenario, axis, at);
        if (at == to) {
            return err;
        }
        if (err == FLUE_OK && at > to / 2) {
            err = yaml_tree_refuse(tree, node, "%s: doubling the first value never meets the last", param->name);
        }
    }
    return err;
}

static flue_err read_steps(struct yaml_tree *tree, const yaml_node_t *ends, const yaml_node_t *step_node,
                           const struct param_info *param, const struct flue_scenario *scenario, struct axis *axis)
{
    struct param_info free_range = *param;
    int64_t from = 0, to = 0, step = 0;
    flue_err err = read_ends(tree, ends, param, &from, &to);

    /* A step may be smaller than the smallest value. */
    free_range.minimum = "0";
    err = err == FLUE_OK ? read_number(tree, step_node, &free_range, &step) : err;
    if (err == FLUE_OK && (step <= 0 || to == FLUE_PS_NEVER || (to - from) % step != 0)) {
        err = yaml_tree_refuse(tree, step_node, "%s: steps from the first value must meet the last", param->name);
    }
    for (int64_t at = from; err == FLUE_OK && at <= to; at += step) {
        err = number_add(tree, ends, param, scenario, axis, at);
    }
    return err;
}

static flue_err read_range(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                           const struct flue_scenario *scenario, struct axis *axis)
{
    const yaml_node_t *doubling = NULL, *ends = NULL, *step = NULL;
    flue_err err = yaml_tree_check_mapping(tree, node);

    if (err != FLUE_OK) {
        return err;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const yaml_node_t *value = yaml_tree_node(tree, pair->value);
        const char *name = yaml_tree_scalar(key);
        if (strcmp(name, "log2") == 0) {
            doubling = value;
        } else if (strcmp(name, "lin") == 0) {
            ends = value;
        } else if (strcmp(name, "step") == 0) {
            step = value;
        } else {
            return yaml_tree_refuse(tree, key, "unknown key '%s'; write {log2: [a, b]} or {lin: [a, b], step: s}",
                                    name);
        }
    }
    if ((doubling != NULL) == (ends != NULL) || (ends != NULL) != (step != NULL)) {
        return yaml_tree_refuse(tree, node, "%s: write {log2: [a, b]} or {lin: [a, b], step: s}", param->name);
    }
    if (param->kind == FLUE_KIND_TEXT || param->kind == FLUE_KIND_CHOICE) {
        return yaml_tree_refuse(tree, node, "%s is no number; write a list of values", param->name);
    }
    return doubling != NULL ? read_doubling(tree, doubling, param, scenario, axis)
                            : read_steps(tree, ends, step, param, scenario, axis);
}

/* A parameter may be set in one place only. */
static flue_err check_alone(struct yaml_tree *tree, const yaml_node_t *key, const struct param_info *param,
                            const yaml_node_t *set, const struct axes *axes)
{
    for (yaml_node_pair_t *pair = set != NULL ? set->data.mapping.pairs.start : NULL;
         set != NULL && pair < set->data.mapping.pairs.top; pair++) {
        if (strcmp(yaml_tree_scalar(yaml_tree_node(tree, pair->key)), param->name) == 0) {
            return yaml_tree_refuse(tree, key, "%s stands under set as well; leave one out", param->name);
        }
    }
    for (size_t i = 0; i < axes->count; i++) {
        for (size_t j = 0; j < axes->axis[i].param_count; j++) {
            if (axes->axis[i].params[j] == param) {
                return yaml_tree_refuse(tree, key, "%s varies twice; leave one out", param->name);
            }
        }
    }
    return FLUE_OK;
}

static flue_err read_list(struct yaml_tree *tree, const yaml_node_t *node, const struct param_info *param,
                          const struct flue_scenario *scenario, struct axis *axis)
{
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        const yaml_node_t *value = yaml_tree_node(tree, *item);
        flue_err err = value_check(tree, value, param, scenario, axis, axis->value_count);
        if (err != FLUE_OK) {
            return err;
        }
        for (size_t i = 0; i < axis->value_count; i++) {
            if (strcmp(axis->values[i], axis->values[axis->value_count]) == 0) {
                free(axis->values[axis->value_count]);
                return yaml_tree_refuse(tree, value, "%s: %s stands here twice", param->name, axis->values[i]);
            }
        }
        axis->value_count++;
    }
    if (axis->value_count == 0) {
        return yaml_tree_refuse(tree, node, "%s: the list is empty", param->name);
    }
    return FLUE_OK;
}

static flue_err read_vary(struct yaml_tree *tree, const yaml_node_t *vary, const yaml_node_t *set,
                          const struct flue_scenario *scenario, struct axes *out)
{
    flue_err err = yaml_tree_check_mapping(tree, vary);

    for (yaml_node_pair_t *pair = err == FLUE_OK ? vary->data.mapping.pairs.start : NULL;
         err == FLUE_OK && pair < vary->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const yaml_node_t *node = yaml_tree_node(tree, pair->value);
        const struct param_info *param = sweep_param(tree, key);
        struct axis *axis;
        if (param == NULL) {
            return FLUE_EPARSE;
        }
        err = check_alone(tree, key, param, set, out);
        if (err != FLUE_OK) {
            return err;
        }
        axis = axis_add(out, 1);
        if (axis == NULL) {
            return FLUE_ENOMEM;
        }
        axis->params[axis->param_count++] = param;
        if (node->type == YAML_SEQUENCE_NODE) {
            err = read_list(tree, node, param, scenario, axis);
        } else if (node->type == YAML_MAPPING_NODE) {
            err = read_range(tree, node, param, scenario, axis);
        } else {
            err = yaml_tree_refuse(
                tree, node, "%s: write a list as [a, b], or {log2: [a, b]}, or {lin: [a, b], step: s}", param->name);
        }
    }
    return err;
}

/* One mapping of `together`: the first says which parameters there are. */
static flue_err read_row(struct yaml_tree *tree, const yaml_node_t *node, const yaml_node_t *set,
                         const struct flue_scenario *scenario, struct axes *axes, bool first)
{
    struct axis *axis;
    size_t size, seen = 0;
    flue_err err = yaml_tree_check_mapping(tree, node);

    if (err != FLUE_OK) {
        return err;
    }
    size = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    axis = first ? axis_add(axes, size + 1) : &axes->axis[axes->count - 1];
    if (axis == NULL) {
        return FLUE_ENOMEM;
    }
    if (size == 0 || (!first && size != axis->param_count)) {
        return yaml_tree_refuse(tree, node, "every line of together names the same parameters");
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++, seen++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const struct param_info *param = sweep_param(tree, key);
        if (param == NULL) {
            return FLUE_EPARSE;
        }
        if (first) {
            err = check_alone(tree, key, param, set, axes);
            axis->params[axis->param_count++] = param;
        } else if (axis->params[seen] != param) {
            err = yaml_tree_refuse(tree, key, "every line of together names the same parameters in the same order");
        }
        if (err != FLUE_OK) {
            return err;
        }
    }
    seen = 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++, seen++) {
        err = value_check(tree, yaml_tree_node(tree, pair->value), axis->params[seen], scenario, axis,
                          axis->value_count * axis->param_count + seen);
        if (err != FLUE_OK) {
            while (seen-- > 0) {
                free(axis->values[axis->value_count * axis->param_count + seen]);
            }
            return err;
        }
    }
    axis->value_count++;
    return FLUE_OK;
}

flue_err axes_read(struct yaml_tree *tree, const yaml_node_t *together, const yaml_node_t *vary, const yaml_node_t *set,
                   const struct flue_scenario *scenario, struct axes *out)
{
    flue_err err = FLUE_OK;

    *out = (struct axes){.axis = NULL};
    if (together != NULL && (together->type != YAML_SEQUENCE_NODE ||
                             together->data.sequence.items.top == together->data.sequence.items.start)) {
        err = yaml_tree_refuse(tree, together, "together is a list, as - {link_rate: 1Gbps, delay: 100us}");
    }
    if (err == FLUE_OK && together != NULL) {
        yaml_node_item_t *first = together->data.sequence.items.start;
        for (yaml_node_item_t *item = first; err == FLUE_OK && item < together->data.sequence.items.top; item++) {
            err = read_row(tree, yaml_tree_node(tree, *item), set, scenario, out, item == first);
        }
    }
    if (err == FLUE_OK && vary != NULL) {
        err = read_vary(tree, vary, set, scenario, out);
    }
    if (err != FLUE_OK) {
        axes_free(out);
    }
    return err;
}
