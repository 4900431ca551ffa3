/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/cc_cubic.c - CUBIC, RFC 9438.
 *
 * Windows are in bytes, times in ticks of 2^-20 s, so that the seconds^3 of the curve are a shift by 60:
 *   W_cubic(t) = C SMSS (t - K)^3 / 2^60 + W_max,   K^3 = 2^60 (W_max - cwnd_epoch) / (C SMSS),   C = 2/5.
 * Everything saturates: an hour for t, CC_MAX_BYTES for windows. */
#include "tcp/cc.h"

#define T_MAX_PS    (3600 * FLUE_PS_PER_S)
#define BETA_TENTHS 7 /* RFC 9438 4.6 */
#define ALPHA_NUMER 9 /* 3 (1 - beta) / (1 + beta) = 9/17 (RFC 9438 4.3) */
#define ALPHA_DENOM 17

static uint32_t at_most(uint64_t bytes, uint32_t limit_bytes)
{
    return bytes < limit_bytes ? (uint32_t)bytes : limit_bytes;
}

uint32_t cubic_root(struct wide cube)
{
    uint32_t root = 0;

    for (uint32_t bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
        uint64_t trial = root | bit;
        struct wide power = wide_product(trial * trial, trial);

        if (power.high < cube.high || (power.high == cube.high && power.low <= cube.low)) {
            root |= bit;
        }
    }
    return root;
}

uint32_t cubic_ticks(flue_ps time_ps)
{
    uint64_t bounded_ps = time_ps <= 0 ? 0 : time_ps < T_MAX_PS ? (uint64_t)time_ps : (uint64_t)T_MAX_PS;

    return (uint32_t)(bounded_ps * 256 / 244140625); /* 10^12 / 2^20 = 5^12 / 2^8 */
}

uint32_t cubic_k_ticks(uint32_t w_max_bytes, uint32_t cwnd_bytes, uint32_t mss_bytes)
{
    uint64_t cube;

    if (w_max_bytes <= cwnd_bytes) {
        return 0;
    }
    /* K^3 / 2^29; what the division drops is less than 2^-16 of it, even for one byte of the largest SMSS. */
    cube = ((uint64_t)at_most(w_max_bytes - cwnd_bytes, CC_MAX_BYTES) * 5 << 30) / mss_bytes;
    return cubic_root((struct wide){.high = cube >> 35, .low = cube << 29});
}

uint32_t cubic_window_bytes(uint32_t w_max_bytes, uint32_t k_ticks, uint32_t t_ticks, uint32_t mss_bytes)
{
    uint64_t from_k = t_ticks >= k_ticks ? t_ticks - k_ticks : k_ticks - t_ticks;
    struct wide cube, low;
    uint64_t off_bytes;

    cube = wide_product(from_k * from_k, from_k); /* < 2^96 */
    low = wide_product(cube.low, 2 * (uint64_t)mss_bytes);
    cube = (struct wide){.high = cube.high * 2 * mss_bytes + low.high, .low = low.low}; /* < 2^113 */
    off_bytes = ((cube.high << 4) | (cube.low >> 60)) / 5;
    if (t_ticks >= k_ticks) {
        return at_most(w_max_bytes + off_bytes, CC_MAX_BYTES);
    }
    return off_bytes < w_max_bytes ? at_most(w_max_bytes - off_bytes, CC_MAX_BYTES) : 0;
}

/* The first acknowledgement of a congestion avoidance stage: t = 0. */
static void begin(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts)
{
    if (cc->w_max_bytes < cc->cwnd_bytes) {
        cc->w_max_bytes = cc->cwnd_bytes; /* the curve starts on its plateau: K = 0 (RFC 9438 4.8, 4.10) */
    }
    *epoch = (struct cc_epoch){
        .counted_ps = facts->now_ps,
        .k_ticks = cubic_k_ticks(cc->w_max_bytes, cc->cwnd_bytes, facts->mss_bytes),
        .w_est_bytes = cc->cwnd_bytes,
        /* If it was forgotten, the plateau is the best guess; fast convergence may have lowered that. */
        .cwnd_prior_bytes = epoch->cwnd_prior_bytes ? epoch->cwnd_prior_bytes : cc->w_max_bytes,
        .running = 1,
    };
}

static void count_time(struct cc_epoch *epoch, flue_ps now_ps)
{
    uint64_t gap_ps = now_ps > epoch->counted_ps ? (uint64_t)now_ps - (uint64_t)epoch->counted_ps : 0;
    uint64_t room_ps = (uint64_t)(T_MAX_PS - epoch->elapsed_ps);

    epoch->elapsed_ps += (flue_ps)(gap_ps < room_ps ? gap_ps : room_ps);
    epoch->counted_ps = now_ps;
}

/* RFC 9438 figure 4.  Rounding down twice costs less than a byte in SMSS x acked / 2. */
static void grow_estimate(const struct cc *cc, struct cc_epoch *epoch, uint32_t acked_bytes, uint32_t mss_bytes)
{
    uint64_t product = (uint64_t)acked_bytes * mss_bytes; /* < 2^46 */

    if (epoch->w_est_bytes < epoch->cwnd_prior_bytes) {
        product = product * ALPHA_NUMER / ALPHA_DENOM;
    }
    product += epoch->w_est_carry;
    epoch->w_est_bytes = at_most(epoch->w_est_bytes + product / cc->cwnd_bytes, CC_MAX_BYTES);
    epoch->w_est_carry = (uint32_t)(product % cc->cwnd_bytes);
}

static void acked(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts)
{
    uint32_t left_bytes = at_most(cc_slow_start(cc, epoch, facts), cc->cwnd_bytes);
    uint32_t t_ticks, ahead_ticks, target_bytes;
    uint64_t product;

    if (left_bytes == 0) {
        return;
    }
    if (!epoch->running) {
        begin(cc, epoch, facts);
    }
    count_time(epoch, facts->now_ps);
    grow_estimate(cc, epoch, left_bytes, facts->mss_bytes);
    t_ticks = cubic_ticks(epoch->elapsed_ps);
    if (cubic_window_bytes(cc->w_max_bytes, epoch->k_ticks, t_ticks, facts->mss_bytes) < epoch->w_est_bytes) {
        /* Reno-friendly region (4.3).  cwnd runs up to an RTT ahead of the curve; it does not fall back for that. */
        if (cc->cwnd_bytes < epoch->w_est_bytes) {
            cc->cwnd_bytes = epoch->w_est_bytes;
        }
        epoch->carry = 0;
        return;
    }
    /* Concave and convex region (4.4, 4.5): within one RTT towards where the curve then is, by a half at most (4.2). */
    ahead_ticks = at_most((uint64_t)t_ticks + cubic_ticks(facts->srtt_ps), UINT32_MAX);
    target_bytes = cubic_window_bytes(cc->w_max_bytes, epoch->k_ticks, ahead_ticks, facts->mss_bytes);
    if (target_bytes <= cc->cwnd_bytes) {
        return;
    }
    target_bytes = at_most(target_bytes, cc->cwnd_bytes + cc->cwnd_bytes / 2);
    product = (uint64_t)(target_bytes - cc->cwnd_bytes) * left_bytes + epoch->carry; /* < 2^60 */
    epoch->carry = (uint32_t)(product % cc->cwnd_bytes);
    cc->cwnd_bytes = at_most(cc->cwnd_bytes + product / cc->cwnd_bytes, CC_MAX_BYTES);
}

/* RFC 9438 4.6 */
static uint32_t beta_of_the_flight(const struct cc_facts *facts)
{
    uint32_t part_bytes = (uint32_t)((uint64_t)facts->flight_bytes * BETA_TENTHS / 10);
    uint32_t least_bytes = 2 * facts->mss_bytes;

    return part_bytes > least_bytes ? part_bytes : least_bytes;
}

static uint32_t loss(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts)
{
    uint64_t top_bytes = cc->cwnd_bytes;

    /* Fast convergence (4.7): who could not reach its old plateau leaves room; (1 + beta) / 2 = 17/20. */
    if (top_bytes < cc->w_max_bytes) {
        top_bytes = top_bytes * (10 + BETA_TENTHS) / 20;
    }
    *epoch = (struct cc_epoch){.cwnd_prior_bytes = cc->cwnd_bytes};
    cc->w_max_bytes = at_most(top_bytes, CC_MAX_BYTES);
    cc->ssthresh_bytes = beta_of_the_flight(facts);
    return cc->ssthresh_bytes;
}

static void timeout(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts, bool again)
{
    *epoch = (struct cc_epoch){
        .cwnd_prior_bytes = again ? epoch->cwnd_prior_bytes : cc->cwnd_bytes,
        .after_timeout = 1,
    };
    if (!again) {
        cc->ssthresh_bytes = beta_of_the_flight(facts);
    }
    cc->w_max_bytes = 0; /* the plateau will be where congestion avoidance begins (4.8) */
    cc->cwnd_bytes = facts->mss_bytes;
}

const struct cc_ops cc_cubic_ops = {.acked = acked, .loss = loss, .timeout = timeout};
