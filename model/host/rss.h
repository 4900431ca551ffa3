/* SPDX-License-Identifier: GPL-2.0-only */
/* host/rss.h - receive-side scaling, the host's share. */
#ifndef FLUE_HOST_RSS_H
#define FLUE_HOST_RSS_H

#include "host/host.h"

bool rss_on(const struct flue_host *host);
uint32_t rss_hash(const struct flue_tcp_tuple *tuple);
/* Tells an adapter everything, or the indirection table alone. */
void rss_tell(struct host_binding *binding, bool table_alone);

#endif
