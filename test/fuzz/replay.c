/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/replay.c - runs a target over files, without libFuzzer:   fuzz_replay_<target> FILE|FOLDER...
 *
 * A run that fails aborts; the last line printed then names the file. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

enum { MOST_BYTES = 1 << 20 };

static int replay_file(const char *path)
{
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb");
    size_t length;
    uint8_t *copy;

    if (file == NULL) {
        perror(path);
        return -1;
    }
    length = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    copy = malloc(length == 0 ? 1 : length); /* of its own size, so that a sanitizer sees a read behind its end */
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, bytes, length);
    (void)fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(copy, length);
    free(copy);
    return 1;
}

static int replay(const char *path)
{
    struct stat status;
    struct dirent **entries = NULL;
    int runs = 0;
    int count;

    if (stat(path, &status) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(status.st_mode)) {
        return replay_file(path);
    }
    count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char inner[4096];

        if (runs >= 0 && entries[i]->d_name[0] != '.') {
            int more;

            (void)snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
            more = replay_file(inner);
            runs = more < 0 ? more : runs + more;
        }
        free(entries[i]);
    }
    free(entries);
    return runs;
}

int main(int argc, char **argv)
{
    int runs = 0;

    for (int i = 1; i < argc; i++) {
        int more = replay(argv[i]);

        if (more < 0) {
            return 2;
        }
        runs += more;
    }
    (void)printf("%d inputs, nothing wrong\n", runs);
    return runs > 0 ? 0 : 2;
}
