/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/capture.h - frames into a capture file, as whole IP packets with their payload and checksums; of a wire with
 * MAC addresses, as whole Ethernet frames. */
#ifndef FLUE_CLI_CAPTURE_H
#define FLUE_CLI_CAPTURE_H

#include "flue/node.h"

struct capture; /* opaque */

/* Makes or replaces the file.  The caller owns the result until capture_close().  NULL, and *err: FLUE_EIO (errno says
 * why), FLUE_ENOMEM. */
struct capture *capture_open(const char *path, flue_err *err);

/* What writes every frame it is shown; for as long as the capture is open. */
struct flue_node_tap capture_tap(struct capture *capture);

/* Ends the file and frees the capture.  FLUE_EIO: the file is not whole.  NULL: FLUE_OK. */
FLUE_CHECKED flue_err capture_close(struct capture *capture);

/* Whether a capture may go into that file, beside the database and the record of the run (NULL: none): CLI_EXIT_OK, or
 * what is wrong is said, and its exit code returned. */
int capture_check(const char *pcap, const char *db, const char *record);

#endif
