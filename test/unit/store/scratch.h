/* SPDX-License-Identifier: GPL-2.0-only */
/* A folder that a test may fill and that goes with it; its path and the files' bytes. */
#ifndef FLUE_TEST_SCRATCH_H
#define FLUE_TEST_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

struct scratch {
    char folder[64];
    char path[128]; /* of the last name asked for */
};

static inline void scratch_make(struct scratch *scratch)
{
    snprintf(scratch->folder, sizeof scratch->folder, "/tmp/flue-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->folder));
}

static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
    snprintf(scratch->path, sizeof scratch->path, "%s/%s", scratch->folder, name);
    return scratch->path;
}

static inline void scratch_remove(struct scratch *scratch)
{
    char command[192];

    snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", scratch->folder, scratch->folder);
    assert_int_equal(system(command), 0);
}

/* The whole file; *count its length.  Owned by the caller. */
static inline char *scratch_read(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    char *bytes;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *count = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*count + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *count, file), *count);
    bytes[*count] = '\0';
    fclose(file);
    return bytes;
}

static inline void scratch_write(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

#endif
