/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands behind a profile's numbers, and how that is said. */
#include "run/profile_number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void profile_notes_init(struct profile_notes *notes)
{
    *notes = (struct profile_notes){.name = ""};
}

void profile_notes_free(struct profile_notes *notes)
{
    unsigned i, part;

    for (i = 0; i < PROFILE_FIELDS; i++) {
        for (part = 0; part < PROFILE_PARTS; part++)
            free(notes->note[i][part].source);
    }
    profile_notes_init(notes);
}

const char *profile_evidence_mark(enum profile_evidence evidence)
{
    static const char *const marks[] = {
#define X(name, mark, meaning) mark,
        PROFILE_EVIDENCES(X)
#undef X
    };

    return (unsigned)evidence < PROFILE_EVIDENCE_COUNT ? marks[evidence] : "?";
}

const char *profile_evidence_meaning(enum profile_evidence evidence)
{
    static const char *const meanings[] = {
#define X(name, mark, meaning) meaning,
        PROFILE_EVIDENCES(X)
#undef X
    };

    return (unsigned)evidence < PROFILE_EVIDENCE_COUNT ? meanings[evidence] : "?";
}

static enum profile_class class_of(enum profile_evidence evidence)
{
    switch (evidence) {
    case PROFILE_R:
    case PROFILE_R_ABS:
    case PROFILE_R_2ND:
    case PROFILE_D:
    case PROFILE_X:
        return PROFILE_MEASURED;
    case PROFILE_M:
        return PROFILE_UNVERIFIED;
    case PROFILE_A:
    case PROFILE_EVIDENCE_COUNT:
        break;
    }
    return PROFILE_ASSUMED;
}

enum profile_class profile_field_class(const struct profile_notes *notes, unsigned number)
{
    enum profile_class weakest = PROFILE_MEASURED;
    unsigned part;

    for (part = 0; part < PROFILE_PARTS; part++) {
        const struct profile_note *note = &notes->note[number][part];

        if (note->set && class_of(note->evidence) > weakest)
            weakest = class_of(note->evidence);
    }
    return weakest;
}

/* Does the entry change a result: is any part of it not 0? */
static bool in_use(const struct flue_profile *profile, unsigned number)
{
    unsigned part;

    for (part = 0; part < PROFILE_PARTS; part++) {
        if (profile_get(profile, number, (enum profile_part)part) != 0)
            return true;
    }
    return false;
}

unsigned profile_list(const struct flue_profile *profile, const struct profile_notes *notes, enum profile_class which,
                      char *out, size_t room)
{
    unsigned count = 0;
    size_t used = 0;
    bool cut = false;
    unsigned i;

    if (room != 0)
        out[0] = '\0';
    for (i = 0; i < PROFILE_FIELDS; i++) {
        const char *name = profile_field(i)->name;
        const char *comma = count == 0 ? "" : ", ";

        if (profile_field_class(notes, i) != which || !in_use(profile, i))
            continue;
        count++;
        /* Room for the name, for ", ..." should the next not fit, and for the end. */
        if (cut || used + strlen(comma) + strlen(name) + sizeof ", ..." > room) {
            if (!cut && used + sizeof ", ..." <= room)
                (void)snprintf(out + used, room - used, "%s...", comma);
            cut = true;
            continue;
        }
        used += (size_t)snprintf(out + used, room - used, "%s%s", comma, name);
    }
    return count;
}

void profile_sentence(const struct flue_profile *profile, const struct profile_notes *notes, char *out, size_t room)
{
    static const char *const heads[] = {"", "; unverified: ", "; assumed: "};
    unsigned measured = profile_list(profile, notes, PROFILE_MEASURED, NULL, 0);
    size_t used;
    unsigned which;
    int wrote;

    if (strcmp(notes->name, "none") == 0) {
        (void)snprintf(out, room, "Costs of none: all prices are 0");
        return;
    }
    wrote = snprintf(out, room, "Costs of %s: %u measured or derived", notes->name, measured);
    used = wrote < 0 ? room : (size_t)wrote;
    for (which = PROFILE_UNVERIFIED; which <= PROFILE_ASSUMED && used < room; which++) {
        char names[1024];

        if (profile_list(profile, notes, (enum profile_class)which, names, sizeof names) == 0)
            continue;
        wrote = snprintf(out + used, room - used, "%s%s", heads[which], names);
        used += wrote < 0 ? room : (size_t)wrote;
    }
}

flue_err profile_set(struct flue_profile *profile, struct profile_notes *notes, const char *name, const char *text,
                     char *message, size_t room)
{
    unsigned number = profile_field_find(name);
    const struct profile_unit *unit = NULL;
    char digits[32], wish[96];
    const char *word;
    uint64_t value;
    size_t length;
    unsigned part;
    flue_err err;

    if (number == PROFILE_FIELDS) {
        (void)snprintf(message, room, "a profile has no entry '%s'; `flue show profile` lists them", name);
        return FLUE_ENOENT;
    }
    length = strcspn(text, " ");
    word = text + length + strspn(text + length, " ");
    if (*word != '\0') {
        unit = profile_unit_find(number, word);
    } else {
        for (part = 0; notes != NULL && unit == NULL && part < PROFILE_PARTS; part++) {
            if (notes->note[number][part].set)
                unit = profile_unit_find(number, notes->note[number][part].unit);
        }
        if (unit == NULL)
            unit = profile_unit_find(number, profile_unit(number, PROFILE_CYCLES));
    }
    if (unit == NULL) {
        profile_units_of(number, wish, sizeof wish);
        (void)snprintf(message, room, "%s: '%s' is not one of its units; write one of %s", name, word, wish);
        return FLUE_EPARSE;
    }
    (void)snprintf(digits, sizeof digits, "%.*s", (int)(length < sizeof digits ? length : sizeof digits), text);
    err = profile_decimal(digits, unit->factor, &value);
    if (err == FLUE_OK && (value < profile_minimum(number) || value > profile_maximum(number)))
        err = FLUE_EINVAL;
    if (err != FLUE_OK) {
        (void)snprintf(message, room, "%s: '%s' is not a number from %llu to %llu %s", name, text,
                       (unsigned long long)profile_minimum(number), (unsigned long long)profile_maximum(number),
                       profile_unit(number, unit->part));
        return err;
    }
    profile_put(profile, number, unit->part, value);
    if (notes != NULL) {
        struct profile_note *note = &notes->note[number][unit->part];

        free(note->source);
        *note =
            (struct profile_note){.set = true, .evidence = PROFILE_A, .low = value, .high = value, .unit = unit->text};
    }
    return FLUE_OK;
}
