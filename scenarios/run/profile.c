/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a cost profile: a mapping of name, title, based_on and entries (model/cost/README.md). */
#include "run/profile_number.h"

#include "run/text.h"

#include "profile_files.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, FILE_BYTES_MAX = 1 << 20 };

/* One file being read.  The first complaint wins. */
struct loader {
    const char *file;
    yaml_document_t document;
    struct flue_profile *profile;
    struct profile_notes *notes; /* never NULL */
    char *message;
    size_t room;
};

static flue_err load(const char *name_or_path, unsigned depth, struct flue_profile *profile,
                     struct profile_notes *notes, char *message, size_t room);

static size_t stem_length(const char *file_name)
{
    const char *dot = strrchr(file_name, '.');

    return dot != NULL ? (size_t)(dot - file_name) : strlen(file_name);
}

bool profile_builtin_name(unsigned index, char *out, size_t room)
{
    unsigned i;

    if (index == 0)
        return snprintf(out, room, "none") > 0;
    for (i = 0; profile_files[i].name != NULL; i++) {
        if (i == index - 1)
            return snprintf(out, room, "%.*s", (int)stem_length(profile_files[i].name), profile_files[i].name) > 0;
    }
    return false;
}

/* The words a mapping may have as keys. */
struct keys {
    const char *const *word;
    unsigned count;
};

static const char *const top_words[] = {"name", "title", "based_on", "entries"};
static const struct keys top_keys = {top_words, sizeof top_words / sizeof top_words[0]};
static const char *const part_words[] = {"value", "unit", "low", "high", "evidence", "source"};
static const struct keys part_keys = {part_words, sizeof part_words / sizeof part_words[0]};
static const char *const field_words[PROFILE_FIELDS] = {
#define FLUE_PRICE(name, side, category, title)               #name,
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) #name,
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
};
static const struct keys field_keys = {field_words, PROFILE_FIELDS};

/* ---- complaints -------------------------------------------------------------------------------------------------- */

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static flue_err
complain(const struct loader *loader, const yaml_mark_t *mark, flue_err err, const char *format, ...)
{
    int used = snprintf(loader->message, loader->room, "%s:%zu:%zu: ", loader->file, mark->line + 1, mark->column + 1);
    va_list arguments;

    if (used >= 0 && (size_t)used < loader->room) {
        va_start(arguments, format);
        (void)vsnprintf(loader->message + used, loader->room - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return err;
}

static flue_err unknown_key(const struct loader *loader, const yaml_node_t *key, const char *word,
                            const struct keys *keys)
{
    const char *nearest = text_nearest(word, keys->word, keys->count);

    if (nearest == NULL)
        return complain(loader, &key->start_mark, FLUE_EPARSE, "there is no key '%s'; remove it", word);
    return complain(loader, &key->start_mark, FLUE_EPARSE, "there is no key '%s'; did you mean '%s'?", word, nearest);
}

/* ---- the tree of libyaml ------------------------------------------------------------------------------------------
 */

static yaml_node_t *node_of(struct loader *loader, yaml_node_item_t item)
{
    return yaml_document_get_node(&loader->document, item);
}

/* Text of a scalar without embedded zero bytes, else NULL. */
static const char *text_of(const yaml_node_t *node)
{
    const char *text;

    if (node == NULL || node->type != YAML_SCALAR_NODE)
        return NULL;
    text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* Finds the values of the known keys of a mapping; complains of a key that is unknown or comes twice. */
static flue_err read_keys(struct loader *loader, const yaml_node_t *mapping, const struct keys *keys,
                          yaml_node_t **values)
{
    const yaml_node_pair_t *pair;
    unsigned i;

    for (i = 0; i < keys->count; i++)
        values[i] = NULL;
    for (pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_of(loader, pair->key);
        const char *word = text_of(key);

        if (word == NULL)
            return complain(loader, &key->start_mark, FLUE_EPARSE, "a key is not a word; write `name: ...`");
        for (i = 0; i < keys->count && strcmp(keys->word[i], word) != 0; i++)
            ;
        if (i == keys->count)
            return unknown_key(loader, key, word, keys);
        if (values[i] != NULL)
            return complain(loader, &key->start_mark, FLUE_EPARSE, "'%s' stands here twice; remove one", word);
        values[i] = node_of(loader, pair->value);
    }
    return FLUE_OK;
}

/* ---- entries ------------------------------------------------------------------------------------------------------
 */

static flue_err read_number(struct loader *loader, unsigned number, const struct profile_unit *unit, const char *key,
                            const yaml_node_t *node, uint64_t *out)
{
    const char *text = text_of(node);
    flue_err err = text == NULL ? FLUE_EPARSE : profile_decimal(text, unit->factor, out);

    if (err == FLUE_EPARSE)
        return complain(loader, &node->start_mark, FLUE_EPARSE,
                        "%s of %s is not a whole number of %s; write digits, with a decimal point if need be", key,
                        field_words[number], profile_unit(number, unit->part));
    if (err != FLUE_OK || *out > profile_maximum(number) || *out < profile_minimum(number))
        return complain(loader, &node->start_mark, FLUE_EINVAL, "%s of %s is %s %s; write %llu to %llu %s", key,
                        field_words[number], text, unit->text, (unsigned long long)profile_minimum(number),
                        (unsigned long long)profile_maximum(number), profile_unit(number, unit->part));
    return FLUE_OK;
}

static flue_err read_evidence(struct loader *loader, const yaml_node_t *node, enum profile_evidence *out)
{
    const char *text = text_of(node);
    unsigned i;

    for (i = 0; text != NULL && i < PROFILE_EVIDENCE_COUNT; i++) {
        if (strcmp(text, profile_evidence_mark((enum profile_evidence)i)) == 0) {
            *out = (enum profile_evidence)i;
            return FLUE_OK;
        }
    }
    return complain(loader, &node->start_mark, FLUE_EPARSE,
                    "'%s' is not an evidence mark; write R, R-abs, R-2nd, D, X, M or A", text != NULL ? text : "this");
}

/* One mapping of value, unit, low, high, evidence, source. */
static flue_err read_part(struct loader *loader, unsigned number, const yaml_node_t *mapping)
{
    enum { VALUE, UNIT, LOW, HIGH, EVIDENCE, SOURCE, KEYS };
    yaml_node_t *values[KEYS];
    const struct profile_unit *unit;
    struct profile_note note = {.set = true};
    struct profile_note *place;
    const char *source, *word;
    char wish[96];
    uint64_t value;
    unsigned i;
    flue_err err;

    if (mapping->type != YAML_MAPPING_NODE)
        return complain(loader, &mapping->start_mark, FLUE_EPARSE,
                        "%s is not an entry; write {value: , unit: , low: , high: , evidence: , source: }",
                        field_words[number]);
    err = read_keys(loader, mapping, &part_keys, values);
    if (err != FLUE_OK)
        return err;
    for (i = 0; i < KEYS; i++) {
        if (values[i] == NULL)
            return complain(loader, &mapping->start_mark, FLUE_EPARSE, "%s has no '%s'; add it", field_words[number],
                            part_words[i]);
    }
    word = text_of(values[UNIT]);
    unit = word != NULL ? profile_unit_find(number, word) : NULL;
    if (unit == NULL) {
        profile_units_of(number, wish, sizeof wish);
        return complain(loader, &values[UNIT]->start_mark, FLUE_EPARSE, "unit '%s' does not fit %s; write one of %s",
                        word != NULL ? word : "this", field_words[number], wish);
    }
    place = &loader->notes->note[number][unit->part];
    if (place->set)
        return complain(loader, &values[UNIT]->start_mark, FLUE_EPARSE, "%s has two values in %s; remove one",
                        field_words[number], profile_unit(number, unit->part));
    note.unit = unit->text;
    if ((err = read_number(loader, number, unit, "value", values[VALUE], &value)) != FLUE_OK ||
        (err = read_number(loader, number, unit, "low", values[LOW], &note.low)) != FLUE_OK ||
        (err = read_number(loader, number, unit, "high", values[HIGH], &note.high)) != FLUE_OK ||
        (err = read_evidence(loader, values[EVIDENCE], &note.evidence)) != FLUE_OK)
        return err;
    if (value < note.low || value > note.high)
        return complain(loader, &values[VALUE]->start_mark, FLUE_EINVAL,
                        "value of %s is %s, outside low %s .. high %s; correct one of the three", field_words[number],
                        text_of(values[VALUE]), text_of(values[LOW]), text_of(values[HIGH]));
    source = text_of(values[SOURCE]);
    if (source == NULL || *source == '\0')
        return complain(loader, &values[SOURCE]->start_mark, FLUE_EPARSE,
                        "source of %s is not a text; say where the number comes from", field_words[number]);
    note.source = malloc(strlen(source) + 1);
    if (note.source == NULL)
        return complain(loader, &values[SOURCE]->start_mark, FLUE_ENOMEM, "memory is short; free some");
    memcpy(note.source, source, strlen(source) + 1);
    *place = note;
    profile_put(loader->profile, number, unit->part, value);
    return FLUE_OK;
}

/* An entry replaces all of what the profile below it says of that name. */
static flue_err read_entry(struct loader *loader, unsigned number, const yaml_node_t *node)
{
    const yaml_node_item_t *item;
    unsigned part;
    flue_err err = FLUE_OK;

    for (part = 0; part < PROFILE_PARTS; part++) {
        free(loader->notes->note[number][part].source);
        loader->notes->note[number][part] = (struct profile_note){.set = false};
        profile_put(loader->profile, number, (enum profile_part)part, 0);
    }
    if (node->type != YAML_SEQUENCE_NODE)
        return read_part(loader, number, node);
    item = node->data.sequence.items.start;
    if (item == node->data.sequence.items.top)
        return complain(loader, &node->start_mark, FLUE_EPARSE, "%s is empty; write one part or more",
                        field_words[number]);
    for (; err == FLUE_OK && item < node->data.sequence.items.top; item++)
        err = read_part(loader, number, node_of(loader, *item));
    return err;
}

static flue_err read_entries(struct loader *loader, const yaml_node_t *entries, bool complete)
{
    yaml_node_t *values[PROFILE_FIELDS];
    flue_err err;
    unsigned i;

    if (entries->type != YAML_MAPPING_NODE)
        return complain(loader, &entries->start_mark, FLUE_EPARSE,
                        "entries is not a mapping; write `NAME: {...}` lines");
    err = read_keys(loader, entries, &field_keys, values);
    for (i = 0; err == FLUE_OK && i < PROFILE_FIELDS; i++) {
        if (values[i] != NULL)
            err = read_entry(loader, i, values[i]);
        else if (!complete)
            err = complain(loader, &entries->start_mark, FLUE_EPARSE,
                           "entry '%s' is missing; add it, or write `based_on: NAME` above to take it from there",
                           field_words[i]);
    }
    return err;
}

static flue_err read_word(struct loader *loader, const char *key, const yaml_node_t *node, char *out, size_t room)
{
    const char *text = text_of(node);

    if (text == NULL || *text == '\0' || strlen(text) >= room)
        return complain(loader, &node->start_mark, FLUE_EPARSE, "%s is not a text of 1 to %zu characters; write one",
                        key, room - 1);
    memcpy(out, text, strlen(text) + 1);
    return FLUE_OK;
}

/* ---- files --------------------------------------------------------------------------------------------------------
 */

static flue_err read_document(struct loader *loader, unsigned depth)
{
    enum { NAME, TITLE, BASED_ON, ENTRIES, KEYS };
    const yaml_node_t *root = yaml_document_get_root_node(&loader->document);
    static const yaml_mark_t start = {0, 0, 0};
    yaml_node_t *values[KEYS];
    char base[256], why[512];
    flue_err err;

    if (root == NULL || root->type != YAML_MAPPING_NODE)
        return complain(loader, root != NULL ? &root->start_mark : &start, FLUE_EPARSE,
                        "this is not a profile; it has name, title and entries");
    err = read_keys(loader, root, &top_keys, values);
    if (err != FLUE_OK)
        return err;
    if (values[NAME] == NULL || values[TITLE] == NULL || values[ENTRIES] == NULL)
        return complain(loader, &root->start_mark, FLUE_EPARSE, "the profile has no '%s'; add it",
                        values[NAME] == NULL ? "name" : (values[TITLE] == NULL ? "title" : "entries"));
    if (values[BASED_ON] != NULL) {
        err = read_word(loader, "based_on", values[BASED_ON], base, sizeof base);
        if (err == FLUE_OK && depth >= DEPTH_MAX)
            return complain(loader, &values[BASED_ON]->start_mark, FLUE_EPARSE,
                            "based_on leads through more than %d profiles; break the circle", DEPTH_MAX);
        if (err == FLUE_OK && (err = load(base, depth + 1, loader->profile, loader->notes, why, sizeof why)) != FLUE_OK)
            return complain(loader, &values[BASED_ON]->start_mark, err, "based_on '%s': %s", base, why);
    } else {
        flue_profile_free_of_cost(loader->profile);
    }
    if (err == FLUE_OK)
        err = read_word(loader, "name", values[NAME], loader->notes->name, sizeof loader->notes->name);
    if (err == FLUE_OK)
        err = read_word(loader, "title", values[TITLE], loader->notes->title, sizeof loader->notes->title);
    if (err == FLUE_OK)
        err = read_entries(loader, values[ENTRIES], values[BASED_ON] != NULL);
    return err;
}

static flue_err parse(struct loader *loader, const unsigned char *text, size_t bytes, unsigned depth)
{
    yaml_parser_t parser;
    flue_err err;

    if (!yaml_parser_initialize(&parser)) {
        (void)snprintf(loader->message, loader->room, "%s:1:1: memory is short; free some", loader->file);
        return FLUE_ENOMEM;
    }
    yaml_parser_set_input_string(&parser, text, bytes);
    if (!yaml_parser_load(&parser, &loader->document)) {
        err = complain(loader, &parser.problem_mark, parser.error == YAML_MEMORY_ERROR ? FLUE_ENOMEM : FLUE_EPARSE,
                       "%s; correct the YAML here", parser.problem != NULL ? parser.problem : "this is not YAML");
        yaml_parser_delete(&parser);
        return err;
    }
    err = read_document(loader, depth);
    yaml_document_delete(&loader->document);
    yaml_parser_delete(&parser);
    return err;
}

static bool is_path(const char *name)
{
    size_t length = strlen(name);

    return strchr(name, '/') != NULL || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
}

static flue_err parse_file(struct loader *loader, unsigned depth)
{
    unsigned char *text;
    size_t bytes;
    FILE *file = fopen(loader->file, "rb");
    flue_err err;

    if (file == NULL) {
        (void)snprintf(loader->message, loader->room, "%s:1:1: the file cannot be opened; check its name and rights",
                       loader->file);
        return FLUE_ENOENT;
    }
    text = malloc(FILE_BYTES_MAX + 1);
    bytes = text != NULL ? fread(text, 1, FILE_BYTES_MAX + 1, file) : 0;
    if (text == NULL) {
        (void)snprintf(loader->message, loader->room, "%s:1:1: memory is short; free some", loader->file);
        err = FLUE_ENOMEM;
    } else if (ferror(file) || bytes > FILE_BYTES_MAX) {
        (void)snprintf(loader->message, loader->room,
                       "%s:1:1: the file cannot be read; a profile is a text below 1 MiB", loader->file);
        err = FLUE_EIO;
    } else {
        err = parse(loader, text, bytes, depth);
    }
    free(text);
    (void)fclose(file);
    return err;
}

static flue_err no_such_profile(const char *name, char *message, size_t room)
{
    enum { NAMES = 32 };
    char names[NAMES][64];
    const char *words[NAMES];
    const char *nearest;
    unsigned count;

    for (count = 0; count < NAMES && profile_builtin_name(count, names[count], sizeof names[count]); count++)
        words[count] = names[count];
    nearest = text_nearest(name, words, count);
    if (nearest != NULL)
        (void)snprintf(message, room, "there is no profile '%s'; did you mean '%s'?", name, nearest);
    else
        (void)snprintf(message, room, "there is no profile '%s'; name a built-in one, or a file as ./NAME.yaml", name);
    return FLUE_ENOENT;
}

static flue_err load(const char *name_or_path, unsigned depth, struct flue_profile *profile,
                     struct profile_notes *notes, char *message, size_t room)
{
    struct loader loader = {.file = name_or_path, .profile = profile, .notes = notes, .message = message, .room = room};
    const struct flue_embedded *file;

    if (is_path(name_or_path))
        return parse_file(&loader, depth);
    if (strcmp(name_or_path, "none") == 0) {
        flue_profile_free_of_cost(profile);
        (void)snprintf(notes->name, sizeof notes->name, "none");
        (void)snprintf(notes->title, sizeof notes->title, "a processor that costs nothing");
        return FLUE_OK;
    }
    for (file = profile_files; file->name != NULL; file++) {
        if (stem_length(file->name) == strlen(name_or_path) &&
            strncmp(file->name, name_or_path, strlen(name_or_path)) == 0) {
            loader.file = file->name;
            return parse(&loader, (const unsigned char *)file->text, file->bytes, depth);
        }
    }
    return no_such_profile(name_or_path, message, room);
}

flue_err profile_load(const char *name_or_path, struct flue_profile *out, struct profile_notes *notes, char *message,
                      size_t room)
{
    struct profile_notes *own = malloc(sizeof *own);
    flue_err err;

    if (room != 0)
        message[0] = '\0';
    if (own == NULL) {
        (void)snprintf(message, room, "memory is short; free some");
        return FLUE_ENOMEM;
    }
    profile_notes_init(own);
    err = load(name_or_path, 0, out, own, message, room);
    if (err == FLUE_OK && notes != NULL) {
        profile_notes_free(notes);
        *notes = *own;
    } else {
        profile_notes_free(own);
    }
    free(own);
    return err;
}
