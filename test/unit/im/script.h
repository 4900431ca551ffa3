/* SPDX-License-Identifier: GPL-2.0-only */
/* One intermediate driver between a scripted host and a scripted adapter (a team: two), moved by hand. */
#ifndef FLUE_TEST_IM_SCRIPT_H
#define FLUE_TEST_IM_SCRIPT_H

#include "base/timers.h"
#include "contract/ndis_fakes.h"
#include "flue/im.h"
#include "support/manual_env.h"

extern struct fakes fakes;
extern struct manual_env memory; /* the driver's */
extern struct timers timers;
extern struct flue_im *im;
extern struct fake_miniport second; /* a team's other adapter */

/* A tree: a placeholder, a new path, two new connections. */
enum { PATH, FIRST, SECOND, OBJECTS };

struct script_objects {
    struct owned_handle handle[OBJECTS];
    FLUE_PATH_BLOCK placeholder, path;
    FLUE_TCP_BLOCK tcp[2];
    FLUE_TCP_TERMINATE_BLOCK finish;
    char below[OBJECTS]; /* contexts of the adapter */
};
extern struct script_objects o;

void log_is(const char *text);
void pass_time(flue_ps by_ps);
void begin(const struct flue_im_params *params);
void begin_with(const struct flue_im_params *params, unsigned bindings); /* that the host has: 1 or 2 */
void end(void);
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST lay_out(void);
void initiated_below(struct fake_miniport *miniport, NDIS_STATUS first, NDIS_STATUS then);
void offload(struct fake_miniport *miniport);
void call_terminate(unsigned which);
void terminated_below(struct fake_miniport *miniport);
void upload_all(struct fake_miniport *miniport);
PNET_BUFFER_LIST list_of(uint32_t bytes);
void put(PNET_BUFFER_LIST first);
uint64_t entries(void);

#endif
