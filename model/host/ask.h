/* SPDX-License-Identifier: GPL-2.0-only */
/* host/ask.h - when the policy is asked, what it is told, and what becomes of its answer. */
#ifndef FLUE_HOST_ASK_H
#define FLUE_HOST_ASK_H

#include "host/host.h"

void ask_init(struct flue_host *host);
void ask_dispose(struct flue_host *host);
/* A connection has opened: the policy is asked about it. */
void ask_open(struct flue_host_socket *socket);
/* Its socket goes. */
void ask_forget(struct flue_host_socket *socket);
/* socket_enter() has changed its holder, which was `from`. */
void ask_moved(struct flue_host_socket *socket, enum flue_holder from);

/* There is something new to know about it. */
void ask_touch(struct flue_host_socket *socket);
static inline void ask_sent(struct flue_host_socket *socket)
{
    if (socket->traffic->view != NULL) {
        socket->traffic->view->writes++;
        ask_touch(socket);
    }
}
static inline void ask_received(struct flue_host_socket *socket, uint64_t bytes)
{
    if (socket->traffic->view != NULL) {
        socket->traffic->view->reads++;
        socket->traffic->view->received_bytes += bytes;
        ask_touch(socket);
    }
}

/* rank.c: connections that the target holds, by value, and among equals by identity.  Without memory one is left out.
 */
void rank_put(struct host_ask *ask, const struct flue_env *env, struct host_view *view, uint64_t value);
void rank_remove(struct host_ask *ask, struct host_view *view);
void rank_dispose(struct host_ask *ask, const struct flue_env *env);
static inline struct host_view *rank_least(const struct host_ask *ask)
{
    return ask->ranked == 0 ? NULL : ask->heap[0];
}

#endif
