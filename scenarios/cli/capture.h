/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/capture.h - frames into a capture file, as whole IP packets with their payload and checksums. */
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

#endif
