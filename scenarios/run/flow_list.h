/* SPDX-License-Identifier: GPL-2.0-only */
/* run/flow_list.h - a list of flows in CSV: what happens when, instead of drawn arrivals and sizes.
 *
 *     start,connection,direction,bytes        or        start,client,direction,bytes
 *     0us,3,send,64KiB                                  0us,1,send,64KiB
 *
 * start counts from the beginning of the traffic and has a unit; connections count from 0, clients from 1; direction is
 * send (the server's bytes flow) or receive (the client's do).  Lines may come in any order; among equal starts the
 * first comes first.  Nothing is guessed: a wrong field is refused with file, line and column. */
#ifndef FLUE_RUN_FLOW_LIST_H
#define FLUE_RUN_FLOW_LIST_H

#include "flue/base.h"

struct flow_line {
    flue_ps start_ps;
    uint32_t who;
    uint32_t bytes;
    uint32_t line, column; /* where `who` stands */
    int receive;
};

struct flow_list {
    struct flow_line *lines; /* by start */
    size_t count;
    int by_client;
};

/* FLUE_EPARSE, FLUE_ENOENT, FLUE_EIO, FLUE_ENOMEM: message says why, *out is empty. */
FLUE_CHECKED flue_err flow_list_load(const char *path, struct flow_list *out, char *message, size_t room);
FLUE_CHECKED flue_err flow_list_parse(const char *path, const char *bytes, size_t count, struct flow_list *out,
                                      char *message, size_t room);
/* Whether each line's connection or client is one of count, from `first` on; FLUE_EINVAL: message names the line. */
FLUE_CHECKED flue_err flow_list_check(const struct flow_list *list, const char *path, uint32_t first, uint32_t count,
                                      char *message, size_t room);
void flow_list_free(struct flow_list *list);

#endif
