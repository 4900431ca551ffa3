/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/params.c - defaults and ranges of a stack's parameters. */
#include "tcp/params.h"

void flue_tcp_defaults(struct flue_tcp_params *params)
{
    *params = (struct flue_tcp_params){
        .mss_bytes = 1460,
        .rcv_buffer_bytes = 256 * 1024,
        .initial_window = 10,
        .ack_every = 2,
        .dup_ack_threshold = 3,
        .max_retransmits = 15,
        .timestamps = 1,
        .window_scaling = 1,
        .nagle = 0,
        .ttl = 64,
        .tos = 0,
        .ip_id_base = 0,
        .delayed_ack_ps = 40 * FLUE_PS_PER_MS,
        .rto_initial_ps = FLUE_PS_PER_S,
        .rto_min_ps = 200 * FLUE_PS_PER_MS,
        .rto_max_ps = 60 * FLUE_PS_PER_S,
        .tick_ps = FLUE_PS_PER_MS,
        .time_wait_ps = 60 * FLUE_PS_PER_S,
        .fin_wait_2_ps = 120 * FLUE_PS_PER_S,
    };
}

static bool between(uint32_t value, uint32_t low, uint32_t high)
{
    return value >= low && value <= high;
}

/* A week: the deadline of a timer with it stays far from the end of time. */
static bool duration(flue_ps value, flue_ps low)
{
    return value >= low && value <= 7 * 24 * 3600 * FLUE_PS_PER_S;
}

bool tcp_params_valid(const struct flue_tcp_params *params)
{
    return between(params->mss_bytes, 88, 65495) && between(params->rcv_buffer_bytes, 1, UINT32_C(1) << 30) &&
           between(params->initial_window, 1, 64) && between(params->ack_every, 1, 255) &&
           between(params->dup_ack_threshold, 1, 255) && between(params->max_retransmits, 1, 255) &&
           between(params->timestamps, 0, 1) && between(params->window_scaling, 0, 1) && between(params->nagle, 0, 1) &&
           params->delayed_ack_ps >= 0 && params->delayed_ack_ps <= 500 * FLUE_PS_PER_MS &&
           duration(params->rto_initial_ps, 1) && duration(params->rto_min_ps, 1) &&
           duration(params->rto_max_ps, params->rto_min_ps) && duration(params->tick_ps, FLUE_PS_PER_NS) &&
           duration(params->time_wait_ps, 0) && duration(params->fin_wait_2_ps, 0);
}
