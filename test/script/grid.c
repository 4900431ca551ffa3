/* SPDX-License-Identifier: GPL-2.0-only */
/* script/grid.c - see grid.h.  cells.tsv: state, event, clause, reason why the cell cannot exist (or nothing). */
#include "grid.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script.h"

#define CELLS_MAX 400u
#define SIDE_MAX  64u

struct cell {
    char state[24], event[40], clause[64];
    bool none;
    unsigned scripts;
};

struct grid {
    const char *folder;
    struct cell cell[CELLS_MAX];
    unsigned count;
    const char *state[SIDE_MAX], *event[SIDE_MAX];
    unsigned states, events;
    unsigned wrong;
};

static void remember(const char **names, unsigned *count, const char *name)
{
    for (unsigned i = 0; i < *count; i++) {
        if (strcmp(names[i], name) == 0) {
            return;
        }
    }
    if (*count < SIDE_MAX) {
        names[(*count)++] = name;
    }
}

static bool read_cells(struct grid *grid)
{
    char path[1024];
    char line[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/cells.tsv", grid->folder);
    file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof(line), file) != NULL && grid->count < CELLS_MAX) {
        struct cell *cell = &grid->cell[grid->count];
        char reason[256] = "";
        int fields;

        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        *cell = (struct cell){.scripts = 0};
        fields =
            sscanf(line, "%23[^\t]\t%39[^\t]\t%63[^\t\n]\t%255[^\n]", cell->state, cell->event, cell->clause, reason);
        if (fields < 3) {
            fprintf(stderr, "%s: not understood: %s", path, line);
            fclose(file);
            return false;
        }
        cell->none = reason[0] != 0;
        remember(grid->state, &grid->states, cell->state);
        remember(grid->event, &grid->events, cell->event);
        grid->count++;
    }
    fclose(file);
    return true;
}

static struct cell *find(struct grid *grid, const char *state, const char *event)
{
    for (unsigned i = 0; i < grid->count; i++) {
        if (strcmp(grid->cell[i].state, state) == 0 && strcmp(grid->cell[i].event, event) == 0) {
            return &grid->cell[i];
        }
    }
    return NULL;
}

static bool is_script(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && name[0] != '.' && strcmp(name + length - 4, ".tcp") == 0;
}

/* A script belongs to its cell if it cites that cell's clause. */
static void count_script(struct grid *grid, const char *state, const char *event, const char *name)
{
    char path[2048];
    char first[600] = "";
    char wanted[80];
    struct cell *cell = find(grid, state, event);
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s/%s/%s", grid->folder, state, event, name);
    if (cell == NULL || cell->none) {
        printf("%s: %s\n", path, cell == NULL ? "no such cell stands in cells.tsv" : "this cell cannot exist");
        grid->wrong++;
        return;
    }
    file = fopen(path, "r");
    if (file == NULL || fgets(first, sizeof(first), file) == NULL) {
        first[0] = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    snprintf(wanted, sizeof(wanted), "# RFC %s: ", cell->clause);
    if (strncmp(first, wanted, strlen(wanted)) != 0) {
        printf("%s:1: the first line should begin with `%s`\n", path, wanted);
        grid->wrong++;
        return;
    }
    cell->scripts++;
}

/* Calls visit for each name in a folder; nothing if there is no such folder. */
static void each(const char *path, void (*visit)(void *arg, const char *name), void *arg)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            visit(arg, entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

struct place {
    struct grid *grid;
    const char *state, *event;
};

static void visit_script(void *arg, const char *name)
{
    struct place *place = arg;

    if (is_script(name)) {
        count_script(place->grid, place->state, place->event, name);
    }
}

static void visit_event(void *arg, const char *name)
{
    struct place *place = arg;
    struct place inner = {place->grid, place->state, name};
    char path[1600];

    snprintf(path, sizeof(path), "%s/%s/%s", place->grid->folder, place->state, name);
    each(path, visit_script, &inner);
}

static void visit_state(void *arg, const char *name)
{
    struct grid *grid = arg;
    struct place place = {grid, name, NULL};
    char path[1400];

    snprintf(path, sizeof(path), "%s/%s", grid->folder, name);
    each(path, visit_event, &place);
}

int grid_table(const char *folder, bool complete)
{
    static struct grid grid;
    unsigned missing = 0;
    unsigned scripts = 0;
    unsigned cells = 0;

    grid = (struct grid){.folder = folder};
    if (!read_cells(&grid)) {
        return 2;
    }
    each(folder, visit_state, &grid);
    printf("%-24s", "");
    for (unsigned s = 0; s < grid.states; s++) {
        printf(" %12s", grid.state[s]);
    }
    printf("\n");
    for (unsigned e = 0; e < grid.events; e++) {
        printf("%-24s", grid.event[e]);
        for (unsigned s = 0; s < grid.states; s++) {
            const struct cell *cell = find(&grid, grid.state[s], grid.event[e]);

            if (cell == NULL || cell->none) {
                printf(" %12s", "-");
                continue;
            }
            cells++;
            scripts += cell->scripts;
            missing += cell->scripts == 0 ? 1 : 0;
            if (cell->scripts == 0) {
                printf(" %12s", "x");
            } else {
                printf(" %12u", cell->scripts);
            }
        }
        printf("\n");
    }
    printf("%u cells, %u scripts, %u cells without one\n", cells, scripts, missing);
    return (complete && missing > 0) || grid.wrong > 0 ? 1 : 0;
}
