/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/shim/ends.h - worlds on ns-3 with whole Flue nodes in them, and what their connections and ns-3's have done. */
#ifndef FLUE_TEST_UNIT_SHIM_ENDS_H
#define FLUE_TEST_UNIT_SHIM_ENDS_H

#include "flue/node.h"
#include "flue_ns3.h"

/* A connection as one end sees it. */
struct end {
    uint64_t received, acked, wrong; /* wrong: spans that are not what comes next of the other side's stream */
    unsigned opened, peer_closed, closed, failed, offloaded;
    uint64_t sends; /* when it opens */
    int closes;     /* when the other side has closed; else when it has been acknowledged everything */
    uint32_t stream;
    struct flue_host_socket *flue;
    struct flue_ns3_socket *ns3;
};

struct ends {
    const struct flue_ns3_api *api;
    struct flue_ns3_world *world;
    struct flue_net net;
    struct flue_node *node[8]; /* by number; NULL: not Flue's */
    unsigned findings;
};

/* All Flue nodes use the adapter that offloads with policy "always" if offloads; loss of what reaches it. */
void ends_node(struct ends *ends, unsigned number, uint32_t ip, int offloads, uint32_t loss_ppm);
/* Ends the world; the nodes' checkers have a last look. */
void ends_free(struct ends *ends);

/* Applications; ctx is a struct end.  The Flue one names connections by the remote port. */
extern const struct flue_app ends_app;
struct flue_ns3_app ends_ns3_app(struct end *end);

#endif
