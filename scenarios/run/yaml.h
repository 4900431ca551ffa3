/* SPDX-License-Identifier: GPL-2.0-only */
/* run/yaml.h - scenario files: YAML's grammar from libyaml, all meaning from Flue's own tables.
 *
 *     flue: 1                          the version of the format
 *     scenario: rpc                    the workload: bulk, rpc or web
 *     question: What does it answer?   optional texts, for people
 *     look_at: ...
 *     expect: ...                      a text, or a list of texts
 *     events:                          what happens at chosen times, events.def
 *       - {at: 2ms, do: gateway-down, gateway: 1}
 *     set: {io_size: 64KiB, ...}       parameters; all others keep the initial values of params.def
 *
 * Every scalar is taken as it is written: there is no implicit typing.  Messages are one line,
 * "file:line:column: what is wrong; what to do". */
#ifndef FLUE_RUN_YAML_H
#define FLUE_RUN_YAML_H

#include <stddef.h>
#include <yaml.h>

#include "flue/base.h"
#include "flue/embed.h"
#include "flue/scenario.h"

/* A document and where it came from, for messages. */
struct yaml_tree {
    const char *where; /* borrowed */
    yaml_document_t document;
    char *message; /* borrowed */
    size_t room;
};

/* Parses exactly one document.  Borrows where and message until yaml_tree_free().  FLUE_EPARSE, FLUE_ENOMEM: nothing is
 * to be freed. */
FLUE_CHECKED flue_err yaml_tree_parse(struct yaml_tree *tree, const char *where, const char *bytes, size_t count,
                                      char *message, size_t room);
void yaml_tree_free(struct yaml_tree *tree);

yaml_node_t *yaml_tree_root(struct yaml_tree *tree);
yaml_node_t *yaml_tree_node(struct yaml_tree *tree, int index);

/* Puts "where:line:column: " of the node and the sentence into the message and returns FLUE_EPARSE. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
flue_err
yaml_tree_refuse(struct yaml_tree *tree, const yaml_node_t *node, const char *format, ...);

/* The characters of a scalar, or NULL for another node or one with a zero byte in it.  Borrowed from the tree. */
const char *yaml_tree_scalar(const yaml_node_t *node);

/* Refuses whatever is not a mapping, has a key that is no scalar, or one key twice. */
FLUE_CHECKED flue_err yaml_tree_check_mapping(struct yaml_tree *tree, const yaml_node_t *node);

/* A whole file; *bytes is owned by the caller and ends with a zero byte that *count leaves out.  At most 16 MiB. */
FLUE_CHECKED flue_err yaml_read_file(const char *path, char **bytes, size_t *count, char *message, size_t room);

/* A scenario and the text it was made from.  A zeroed one is empty. */
struct scenario_file {
    struct flue_scenario scenario;
    char *source; /* owned; the file as it is */
    size_t source_bytes;
    char *question; /* owned; "" if the file does not say */
    char *look_at;
    char *expect; /* a list is joined with newlines */
};

/* A built-in name, or a path: what contains a / or ends in .yaml or .yml.  FLUE_ENOENT, FLUE_EIO, FLUE_EPARSE,
 * FLUE_EINVAL, FLUE_ENOMEM: *out is empty and message says why. */
FLUE_CHECKED flue_err scenario_load(const char *name, struct scenario_file *out, char *message, size_t room);

/* From memory; `where` names it in messages, `name` becomes scenario.name.  Copies bytes. */
FLUE_CHECKED flue_err scenario_parse(const char *where, const char *name, const char *bytes, size_t count,
                                     struct scenario_file *out, char *message, size_t room);

/* A complaint about a parameter's value, which message begins with: the place where the file at path sets it is put in
 * front.  Nothing is, if it does not, or if one of the count assignments ("NAME=VALUE") that came later does. */
void scenario_blame(const struct scenario_file *file, const char *path, const char *const *later, size_t count,
                    char *message, size_t room);

/* Leaves an empty one behind. */
void scenario_free(struct scenario_file *file);

/* The built-in scenarios in order of name, and one of them; NULL if there is none. */
const struct flue_embedded *scenario_builtin(size_t index);
const struct flue_embedded *scenario_builtin_find(const char *name);

#endif
