/* SPDX-License-Identifier: GPL-2.0-only */
/* Trees of YAML, with the place of every node for messages. */
#include "run/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)16 * 1024 * 1024)

static void place(char *out, size_t room, const char *where, const yaml_mark_t *mark)
{
    (void)snprintf(out, room, "%s:%zu:%zu", where, mark->line + 1, mark->column + 1);
}

static flue_err refuse_grammar(const yaml_parser_t *parser, const char *where, char *message, size_t room)
{
    char at[512];

    if (parser->error == YAML_MEMORY_ERROR) {
        (void)snprintf(message, room, "%s: %s", where, flue_err_sentence(FLUE_ENOMEM));
        return FLUE_ENOMEM;
    }
    if (parser->error == YAML_READER_ERROR) {
        (void)snprintf(message, room, "%s: byte %zu: %s; write the file in UTF-8", where, parser->problem_offset,
                       parser->problem == NULL ? "unreadable" : parser->problem);
        return FLUE_EPARSE;
    }
    place(at, sizeof at, where, &parser->problem_mark);
    (void)snprintf(message, room, "%s: no YAML: %s; look at indentation, quotes and brackets", at,
                   parser->problem == NULL ? "it ends too early" : parser->problem);
    return FLUE_EPARSE;
}

/* Refuses a second document in the same text. */
static flue_err check_end(yaml_parser_t *parser, struct yaml_tree *tree)
{
    yaml_document_t next;
    yaml_node_t *root;
    flue_err err = FLUE_OK;

    if (yaml_parser_load(parser, &next) == 0) {
        return refuse_grammar(parser, tree->where, tree->message, tree->room);
    }
    root = yaml_document_get_root_node(&next);
    if (root != NULL) {
        err = yaml_tree_refuse(tree, root, "a second document begins here; one file holds one");
    }
    yaml_document_delete(&next);
    return err;
}

flue_err yaml_tree_parse(struct yaml_tree *tree, const char *where, const char *bytes, size_t count, char *message,
                         size_t room)
{
    yaml_parser_t parser;
    flue_err err = FLUE_OK;

    tree->where = where;
    tree->message = message;
    tree->room = room;
    if (yaml_parser_initialize(&parser) == 0) {
        (void)snprintf(message, room, "%s: %s", where, flue_err_sentence(FLUE_ENOMEM));
        return FLUE_ENOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, count);
    if (yaml_parser_load(&parser, &tree->document) == 0) {
        err = refuse_grammar(&parser, where, message, room);
        yaml_parser_delete(&parser);
        return err;
    }
    if (yaml_document_get_root_node(&tree->document) == NULL) {
        (void)snprintf(message, room, "%s:1:1: the file is empty; begin with: flue: 1", where);
        err = FLUE_EPARSE;
    } else {
        err = check_end(&parser, tree);
    }
    if (err != FLUE_OK) {
        yaml_document_delete(&tree->document);
    }
    yaml_parser_delete(&parser);
    return err;
}

void yaml_tree_free(struct yaml_tree *tree)
{
    yaml_document_delete(&tree->document);
}

yaml_node_t *yaml_tree_root(struct yaml_tree *tree)
{
    return yaml_document_get_root_node(&tree->document);
}

yaml_node_t *yaml_tree_node(struct yaml_tree *tree, int index)
{
    return yaml_document_get_node(&tree->document, index);
}

flue_err yaml_tree_refuse(struct yaml_tree *tree, const yaml_node_t *node, const char *format, ...)
{
    va_list arguments;
    size_t length;

    place(tree->message, tree->room, tree->where, &node->start_mark);
    length = strlen(tree->message);
    (void)snprintf(tree->message + length, tree->room - length, ": ");
    length = strlen(tree->message);
    va_start(arguments, format);
    (void)vsnprintf(tree->message + length, tree->room - length, format, arguments);
    va_end(arguments);
    return FLUE_EPARSE;
}

const char *yaml_tree_scalar(const yaml_node_t *node)
{
    const char *value;

    if (node->type != YAML_SCALAR_NODE) {
        return NULL;
    }
    value = (const char *)node->data.scalar.value;
    return strlen(value) == node->data.scalar.length ? value : NULL;
}

flue_err yaml_tree_check_mapping(struct yaml_tree *tree, const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE) {
        return yaml_tree_refuse(tree, node, "lines of \"name: value\" are expected here");
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        const char *name = yaml_tree_scalar(key);

        if (name == NULL) {
            return yaml_tree_refuse(tree, key, "a name is expected here");
        }
        for (yaml_node_pair_t *other = node->data.mapping.pairs.start; other < pair; other++) {
            if (strcmp(yaml_tree_scalar(yaml_tree_node(tree, other->key)), name) == 0) {
                return yaml_tree_refuse(tree, key, "'%.60s' stands here a second time; leave one", name);
            }
        }
    }
    return FLUE_OK;
}

static flue_err read_all(FILE *file, char **bytes, size_t *count)
{
    size_t room = 4096;
    size_t length = 0;
    char *buffer = malloc(room);

    while (buffer != NULL) {
        length += fread(buffer + length, 1, room - length - 1, file);
        if (ferror(file) || length > FILE_MAX) {
            free(buffer);
            return ferror(file) ? FLUE_EIO : FLUE_EINVAL;
        }
        if (feof(file)) {
            buffer[length] = '\0';
            *bytes = buffer;
            *count = length;
            return FLUE_OK;
        }
        if (length + 1 == room) {
            char *larger = realloc(buffer, room * 2);

            if (larger == NULL) {
                free(buffer);
            }
            buffer = larger;
            room *= 2;
        }
    }
    return FLUE_ENOMEM;
}

flue_err yaml_read_file(const char *path, char **bytes, size_t *count, char *message, size_t room)
{
    FILE *file;
    flue_err err;

    errno = 0;
    file = fopen(path, "rb");
    if (file == NULL) {
        err = errno == ENOENT || errno == ENOTDIR ? FLUE_ENOENT : FLUE_EIO;
        (void)snprintf(message, room, "%s: %s; give the path of a file that can be read", path, strerror(errno));
        return err;
    }
    err = read_all(file, bytes, count);
    if (err == FLUE_EINVAL) {
        (void)snprintf(message, room, "%s: larger than 16 MiB; this is no file for Flue", path);
        err = FLUE_EPARSE;
    } else if (err != FLUE_OK) {
        (void)snprintf(message, room, "%s: %s; give the path of a file that can be read", path,
                       err == FLUE_EIO ? strerror(errno) : flue_err_sentence(err));
    }
    (void)fclose(file);
    return err;
}
