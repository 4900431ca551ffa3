/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/params.c - defaults and ranges of a stack's parameters. */
#include "tcp/params.h"

void flue_tcp_defaults(struct flue_tcp_params *params)
{
    *params = (struct flue_tcp_params){
        .mss_bytes = 1460,
        .mtu_bytes = 65535,
        .rcv_buffer_bytes = 256 * 1024,
        .rcv_wscale = 255,
        .initial_window = 10,
        .ack_every = 2,
        .dup_ack_threshold = 3,
        .max_retransmits = 15,
        .max_syn_retransmits = 6,
        .timestamps = 1,
        .window_scaling = 1,
        .sack = 1,
        .limited_transmit = 1,
        .idle_restart = 1,
        .congestion = FLUE_TCP_NEWRENO,
        .challenge_acks = 1000,
        .path_mtu_discovery = 1,
        .keep_count = 9,
        .keep_idle_ps = 2 * 3600 * FLUE_PS_PER_S,
        .keep_interval_ps = 75 * FLUE_PS_PER_S,
        .challenge_ps = 5 * FLUE_PS_PER_S,
        .delayed_ack_ps = 40 * FLUE_PS_PER_MS,
        .sws_override_ps = 500 * FLUE_PS_PER_MS,
        .rto_initial_ps = FLUE_PS_PER_S,
        .rto_min_ps = 200 * FLUE_PS_PER_MS,
        .rto_max_ps = 60 * FLUE_PS_PER_S,
        .tick_ps = FLUE_PS_PER_MS,
        .time_wait_ps = 60 * FLUE_PS_PER_S,
        .fin_wait_2_ps = 120 * FLUE_PS_PER_S,
        .ttl = 64,
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

/* Each option at most once, numbers 1 to 4, nothing behind the end. */
static bool order_valid(uint32_t order)
{
    unsigned seen = 0;

    for (; order != 0; order >>= 4) {
        unsigned option = order & 15u;

        if (option < 1 || option > 4 || (seen & (1u << option)) != 0) {
            return false;
        }
        seen |= 1u << option;
    }
    return true;
}

/* A buffer smaller than one unit of the scale: every window field would be 0, for ever. */
static bool mute_window(const struct flue_tcp_params *params)
{
    return params->window_scaling != 0 && params->rcv_wscale <= 14 &&
           params->rcv_buffer_bytes >> params->rcv_wscale == 0;
}

static bool sizes_valid(const struct flue_tcp_params *params)
{
    return between(params->mss_bytes, 88, 65495) &&
           (params->mtu_bytes == 0 || between(params->mtu_bytes, 576, 65535)) &&
           between(params->rcv_buffer_bytes, 1, UINT32_C(1) << 30) &&
           (params->rcv_wscale == 255 || params->rcv_wscale <= 14) && !mute_window(params) &&
           between(params->initial_window, 1, 64);
}

static bool limits_valid(const struct flue_tcp_params *params)
{
    return between(params->ack_every, 1, 255) && between(params->dup_ack_threshold, 1, 255) &&
           between(params->max_retransmits, 1, 255) && between(params->max_syn_retransmits, 1, 255) &&
           between(params->keep_count, 1, 255) && params->ttl >= 1 && params->congestion <= FLUE_TCP_CUBIC &&
           params->ecn <= 2 && order_valid(params->syn_option_order) && params->syn_option_order <= 0xffff;
}

static bool switches_valid(const struct flue_tcp_params *params)
{
    return params->timestamps <= 1 && params->window_scaling <= 1 && params->sack <= 1 && params->nagle <= 1 &&
           params->limited_transmit <= 1 && params->idle_restart <= 1 && params->path_mtu_discovery <= 1 &&
           params->keep_alive <= 1;
}

static bool times_valid(const struct flue_tcp_params *params)
{
    return duration(params->delayed_ack_ps, 0) && params->delayed_ack_ps <= 500 * FLUE_PS_PER_MS &&
           duration(params->rto_initial_ps, 1) && duration(params->rto_min_ps, 1) &&
           duration(params->rto_max_ps, params->rto_min_ps) && duration(params->tick_ps, FLUE_PS_PER_NS) &&
           duration(params->sws_override_ps, 0) && duration(params->time_wait_ps, 0) &&
           (duration(params->fin_wait_2_ps, 0) || params->fin_wait_2_ps == FLUE_PS_NEVER) &&
           duration(params->keep_idle_ps, 1) && duration(params->keep_interval_ps, 1) &&
           (duration(params->user_timeout_ps, 0) || params->user_timeout_ps == FLUE_PS_NEVER) &&
           duration(params->challenge_ps, 1);
}

bool tcp_params_valid(const struct flue_tcp_params *params)
{
    return sizes_valid(params) && limits_valid(params) && switches_valid(params) && times_valid(params);
}
