/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames into a capture file (see capture.h). */
#include "cli/capture.h"

#include <stdlib.h>

#include "frame/frame.h"
#include "trace/pcap.h"

struct capture {
    struct pcap *pcap;
    flue_err err; /* the first that happened */
    uint8_t packet[FRAME_MAX_PACKET_BYTES];
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

static void write_frame(void *ctx, const struct flue_frame *frame, flue_ps now_ps)
{
    struct capture *capture = ctx;
    size_t length = frame_encode(frame, capture->packet, sizeof capture->packet, true);

    length += frame_encode_payload(frame, capture->packet + length, sizeof capture->packet - length);
    if (capture->err == FLUE_OK) {
        capture->err = pcap_packet(capture->pcap, now_ps, capture->packet, length);
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
