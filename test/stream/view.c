/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/view.c - packets as lines, with sequence numbers from 0 on, and as a capture file. */
#include "stream/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "frame/frame.h"
#include "trace/pcap.h"

static void print_flags(const struct flue_frame *frame)
{
    const char *names = "FSRPAUEC";

    for (unsigned bit = 0; bit < 8; bit++) {
        if ((frame->flags & (1u << bit)) != 0) {
            putchar(names[bit]);
        }
    }
}

static void print_packet(struct view *view, flue_ps now_ps, unsigned from, const struct flue_frame *frame, size_t bytes,
                         const char *fate)
{
    if ((frame->flags & FLUE_TCP_SYN) != 0 && !view->known[from]) {
        view->known[from] = true;
        view->base[from] = frame->seq;
    }
    printf("%14.6f ms %s ", (double)(now_ps - view->start_ps) / 1e9, from == 0 ? "0 > 1" : "1 > 0");
    print_flags(frame);
    printf(" seq %" PRIu32 " len %" PRIu32, frame->seq - view->base[from], frame->payload.length_bytes);
    if ((frame->flags & FLUE_TCP_ACK) != 0) {
        printf(" ack %" PRIu32, frame->ack - view->base[1 - from]);
    }
    printf(" win %u ip %zu", frame->window, bytes);
    if ((frame->options & FLUE_OPT_TIMESTAMP) != 0) {
        printf(" ts %" PRIu32 "/%" PRIu32, frame->ts_val, frame->ts_ecr);
    }
    for (unsigned i = 0; i < frame->sack_count; i++) {
        printf(" [%" PRIu32 ",%" PRIu32 ")", frame->sack[i].from - view->base[1 - from],
               frame->sack[i].to - view->base[1 - from]);
    }
    printf("%s%s\n", fate[0] != 0 ? "  " : "", fate);
}

void view_packet(void *ctx, flue_ps now_ps, unsigned from, const uint8_t *bytes, size_t length, const char *fate)
{
    struct view *view = ctx;
    struct flue_frame frame;

    if (view->pcap != NULL && pcap_packet(view->pcap, now_ps, bytes, length) != FLUE_OK) {
        fprintf(stderr, "the capture file cannot be written\n");
        exit(2);
    }
    if (view->print) {
        if (frame_decode(bytes, length, &frame, true) != FLUE_OK) {
            printf("end %u sends what cannot be read\n", from);
        } else {
            print_packet(view, now_ps, from, &frame, length, fate);
        }
    }
}
