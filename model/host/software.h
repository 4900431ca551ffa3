/* SPDX-License-Identifier: GPL-2.0-only */
/* host/software.h - the software path: frames to the engine and turns to transmit, segments kept during a hand-over,
 * fragments put together. */
#ifndef FLUE_HOST_SOFTWARE_H
#define FLUE_HOST_SOFTWARE_H

#include "host/host.h"

/* ---- software.c */

extern const struct flue_tcp_ops software_ops;
/* From the profile, which stays as it is from now on. */
void software_bills(struct flue_host *host);
void software_receive(struct host_binding *binding, PNET_BUFFER_LIST first);
void software_send_complete(struct flue_host *host, PNET_BUFFER_LIST first);
/* A segment, to the engine. */
void software_input(struct flue_host_socket *socket, const struct flue_frame *frame);
/* A segment that was held for a connection that is over, to whoever has its tuple now: of two SYNs the first may have
 * opened another one. */
void software_deliver(struct flue_host *host, const struct flue_frame *frame);
void software_pump_some(struct flue_host *host);
/* Whatever has something to transmit does. */
static inline void software_pump(struct flue_host *host)
{
    if (host->unsent != 0 || !list_empty(&host->outputs)) {
        software_pump_some(host);
    }
}
/* Frames of the present turn go down, one chain to each adapter. */
void software_flush(struct flue_host *host);

/* ---- hold.c */

/* A segment for a connection that nobody can process now (D-17), if there is room. */
void hold_arrived(struct flue_host_socket *socket, const struct flue_frame *frame);
void hold_frame(struct flue_host_socket *socket, const struct flue_frame *frame); /* whatever there is already */
void hold_process(struct flue_host_socket *socket);                               /* by the software path */
void hold_forward(struct flue_host_socket *socket);                               /* to the target */
void hold_forward_complete(struct flue_host *host, PNET_BUFFER_LIST first);
void hold_answer(struct flue_host_socket *socket); /* by nobody: it is over */
void hold_drop(struct flue_host_socket *socket);

/* ---- reassemble.c */

/* The whole segment a frame makes complete, in *whole; false: not yet. */
bool reassemble(struct flue_host *host, const struct flue_frame *frame, struct flue_frame *whole);

#endif
