/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/state.c - a connection's state between the engine's form and the interface's structures, field by field from
 * flue/state.def. */

#include "flue/ndischimney.h"
#include "flue/tcp_engine.h"

/* From host to network byte order or back: the result's bytes in memory are those of the wire. */
static uint16_t network_order(uint16_t port)
{
    const union {
        uint8_t bytes[2];
        uint16_t word;
    } wire = {.bytes = {(uint8_t)(port >> 8), (uint8_t)(port & 0xFFu)}};

    return wire.word;
}

/* What a field goes through in either direction, by its unit.  Members narrower than their type in the engine's form
 * are cut to their width, ports change byte order, all others are copied. */
#define FIT_shift(value)       ((value)&0x0Fu)
#define FIT_priority(value)    ((value)&0x07u)
#define FIT_label(value)       ((value)&FLUE_FLOW_LABEL_MASK)
#define FIT_port(value)        network_order(value)
#define FIT_state(value)       ((TCP_OFFLOAD_CONNECTION_STATE)(value))
#define FIT_flags(value)       (value)
#define FIT_bytes(value)       (value)
#define FIT_hash(value)        (value)
#define FIT_probes(value)      (value)
#define FIT_ticks(value)       (value)
#define FIT_hops(value)        (value)
#define FIT_tos(value)         (value)
#define FIT_seq(value)         (value)
#define FIT_ticks_x8(value)    (value)
#define FIT_ticks_x4(value)    (value)
#define FIT_timestamp(value)   (value)
#define FIT_acks(value)        (value)
#define FIT_rounds(value)      (value)
#define FIT_retransmits(value) (value)

/* state.def is read once per class and direction: the macro of the class copies, those of the others do nothing. */
#define SKIP(name, type, unit, member)
#define COPY(class_, name, type, unit, member, since) COPY_##class_(name, type, unit, member)

void ndis_state_put(const struct flue_tcp_state *state, TCP_OFFLOAD_STATE_CONST *constant,
                    TCP_OFFLOAD_STATE_CACHED *cached, TCP_OFFLOAD_STATE_DELEGATED *delegated)
{
    if (constant != NULL) {
        *constant = (TCP_OFFLOAD_STATE_CONST){.Header = {.Length = sizeof *constant}};
#define COPY_tcp_const(name, type, unit, member) constant->member = FIT_##unit(state->name);
#define COPY_tcp_cached                          SKIP
#define COPY_tcp_delegated                       SKIP
#define FLUE_STATE                               COPY
#include "flue/state.def"
#undef COPY_tcp_const
#undef COPY_tcp_cached
#undef COPY_tcp_delegated
    }
    if (cached != NULL) {
        *cached = (TCP_OFFLOAD_STATE_CACHED){.Header = {.Length = sizeof *cached}};
#define COPY_tcp_const                            SKIP
#define COPY_tcp_cached(name, type, unit, member) cached->member = FIT_##unit(state->name);
#define COPY_tcp_delegated                        SKIP
#define FLUE_STATE                                COPY
#include "flue/state.def"
#undef COPY_tcp_const
#undef COPY_tcp_cached
#undef COPY_tcp_delegated
    }
    if (delegated != NULL) {
        *delegated = (TCP_OFFLOAD_STATE_DELEGATED){.Header = {.Length = sizeof *delegated}};
#define COPY_tcp_const                               SKIP
#define COPY_tcp_cached                              SKIP
#define COPY_tcp_delegated(name, type, unit, member) delegated->member = FIT_##unit(state->name);
#define FLUE_STATE                                   COPY
#include "flue/state.def"
#undef COPY_tcp_const
#undef COPY_tcp_cached
#undef COPY_tcp_delegated
    }
}

void ndis_state_get(struct flue_tcp_state *state, const TCP_OFFLOAD_STATE_CONST *constant,
                    const TCP_OFFLOAD_STATE_CACHED *cached, const TCP_OFFLOAD_STATE_DELEGATED *delegated)
{
    if (constant != NULL) {
#define COPY_tcp_const(name, type, unit, member) state->name = (type)FIT_##unit(constant->member);
#define COPY_tcp_cached                          SKIP
#define COPY_tcp_delegated                       SKIP
#define FLUE_STATE                               COPY
#include "flue/state.def"
#undef COPY_tcp_const
#undef COPY_tcp_cached
#undef COPY_tcp_delegated
        state->tuple.local_port = state->local_port;
        state->tuple.remote_port = state->remote_port;
    }
    if (cached != NULL) {
#define COPY_tcp_const                            SKIP
#define COPY_tcp_cached(name, type, unit, member) state->name = (type)FIT_##unit(cached->member);
#define COPY_tcp_delegated                        SKIP
#define FLUE_STATE                                COPY
#include "flue/state.def"
#undef COPY_tcp_const
#undef COPY_tcp_cached
#undef COPY_tcp_delegated
    }
    if (delegated != NULL) {
#define COPY_tcp_const                               SKIP
#define COPY_tcp_cached                              SKIP
#define COPY_tcp_delegated(name, type, unit, member) state->name = (type)FIT_##unit(delegated->member);
#define FLUE_STATE                                   COPY
#include "flue/state.def"
#undef COPY_tcp_const
#undef COPY_tcp_cached
#undef COPY_tcp_delegated
    }
}
