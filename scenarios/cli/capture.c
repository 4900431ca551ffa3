/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames into a capture file (see capture.h). */
#include "cli/capture.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/options.h"
#include "frame/frame.h"
#include "trace/pcap.h"

struct capture {
    struct pcap *pcap;
    flue_err err;  /* the first that happened */
    bool begun;    /* a frame has been seen */
    bool ethernet; /* and it had MAC addresses */
    uint8_t packet[FRAME_MAX_LINK_BYTES];
};

struct capture *capture_open(const char *path, flue_err *err)
{
    struct capture *capture = calloc(1, sizeof *capture);

    if (capture == NULL) {
        *err = FLUE_ENOMEM;
        return NULL;
    }
    capture->pcap = pcap_open(path, err);
    if (capture->pcap == NULL) {
        free(capture);
        return NULL;
    }
    return capture;
}

/* The first frame tells what the wire is: with MAC addresses each frame has its sender's. */
static void begin(struct capture *capture, const struct flue_frame *frame)
{
    static const uint8_t none[sizeof frame->src_mac];

    capture->begun = true;
    capture->ethernet = memcmp(frame->src_mac, none, sizeof none) != 0;
    if (capture->ethernet) {
        pcap_ethernet(capture->pcap);
    }
}

static size_t encode(struct capture *capture, const struct flue_frame *frame)
{
    size_t length;

    if (capture->ethernet) {
        return frame_link_encode(frame, capture->packet, sizeof capture->packet, true);
    }
    length = frame_encode(frame, capture->packet, sizeof capture->packet, true);
    return length + frame_encode_payload(frame, capture->packet + length, sizeof capture->packet - length);
}

static void write_frame(void *ctx, const struct flue_frame *frame, flue_ps now_ps)
{
    struct capture *capture = ctx;

    if (!capture->begun) {
        begin(capture, frame);
    }
    if (capture->err == FLUE_OK) {
        capture->err = pcap_packet(capture->pcap, now_ps, capture->packet, encode(capture, frame));
    }
}

struct flue_node_tap capture_tap(struct capture *capture)
{
    return (struct flue_node_tap){.ctx = capture, .frame = write_frame};
}

flue_err capture_close(struct capture *capture)
{
    flue_err err, closed;

    if (capture == NULL) {
        return FLUE_OK;
    }
    err = capture->err;
    closed = pcap_close(capture->pcap);
    free(capture);
    return err != FLUE_OK ? err : closed;
}

/* Do two names mean one file, however they are spelled?  It need not exist yet. */
static bool same_file(const char *a, const char *b)
{
    struct stat first, second;
    char *folder_a, *folder_b;
    const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
    bool same;

    if (stat(a, &first) == 0 && stat(b, &second) == 0) {
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    }
    if (strcmp(slash_a == NULL ? a : slash_a + 1, slash_b == NULL ? b : slash_b + 1) != 0) {
        return false;
    }
    folder_a = slash_a == NULL ? strdup(".") : strndup(a, (size_t)(slash_a - a) + 1);
    folder_b = slash_b == NULL ? strdup(".") : strndup(b, (size_t)(slash_b - b) + 1);
    same = folder_a != NULL && folder_b != NULL && stat(folder_a, &first) == 0 && stat(folder_b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    free(folder_a);
    free(folder_b);
    return same;
}

/* Is it the database, or one of the files that SQLite keeps beside it? */
static bool is_of_database(const char *path, const char *db)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    char name[PATH_MAX];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", db, suffixes[i]);
        if (same_file(path, name)) {
            return true;
        }
    }
    return false;
}

/* A capture takes the place of an older one, of nothing else. */
static bool is_precious(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 && !pcap_is_capture(path);
}

int capture_check(const char *pcap, const char *db, const char *record)
{
    if (pcap[0] == '\0' || strcmp(pcap, "-") == 0) {
        return cli_fail("run", CLI_EXIT_USAGE, "--pcap %s: a capture needs a file of its own; name it",
                        pcap[0] == '\0' ? "''" : pcap);
    }
    if ((db != NULL && is_of_database(pcap, db)) ||
        (record != NULL && strcmp(record, "-") != 0 && same_file(pcap, record))) {
        return cli_fail("run", CLI_EXIT_USAGE, "--pcap %.900s: the same file is to hold something else; name another",
                        pcap);
    }
    if (is_precious(pcap)) {
        return cli_fail("run", CLI_EXIT_USAGE, "--pcap %.900s: this file exists and is no capture; name another", pcap);
    }
    return CLI_EXIT_OK;
}
