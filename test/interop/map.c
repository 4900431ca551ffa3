/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of what is where (flue/state_map.def), and the functions that it tells of. */
#include "support/test.h"

#include <string.h>

#include "impair.h"
#include "content.h"
#include "repair_map.h"

struct name {
    const char *name, *member;
};

static const struct name fields[] = {
#define FLUE_STATE(class_, name_, type, unit, member_, since) {#name_, #member_},
#include "flue/state.def"
#undef FLUE_STATE
};

static const struct name rows[] = {
#define FLUE_STATE_MAP(name_, repair, member_, lacks) {#name_, member_},
#include "flue/state_map.def"
#undef FLUE_STATE_MAP
};

/* Every field that crosses the interface stands first in the table, in its order, by the interface's name. */
static void table_is_complete(void **state)
{
    (void)state;
    assert_true(COUNT_OF(rows) >= COUNT_OF(fields));
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        assert_string_equal(rows[i].name, fields[i].name);
        assert_string_equal(rows[i].member, fields[i].member);
    }
}

static const uint32_t corners[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

static struct flue_tcp_state example(uint32_t seq, uint32_t rcv)
{
    return (struct flue_tcp_state){
        .tuple = {.local_ip = flue_ip_v4(0x0a000002),
                  .remote_ip = flue_ip_v4(0x0a000001),
                  .local_port = 5000,
                  .remote_port = 40000},
        .const_flags = 7,
        .remote_port = 40000,
        .local_port = 5000,
        .snd_wscale = 7,
        .rcv_wscale = 3,
        .remote_mss = 1460,
        .cached_flags = 2,
        .initial_rcv_wnd = 262144,
        .ka_probe_count = 9,
        .ka_timeout = 7200000,
        .ka_interval = 75000,
        .ttl = 64,
        .tos = 16,
        .state = FLUE_TCP_ESTABLISHED,
        .rcv_nxt = rcv,
        .rcv_wnd = 100000,
        .snd_una = seq,
        .snd_nxt = seq + 3000,
        .snd_max = seq + 3000,
        .snd_wnd = 60000,
        .max_snd_wnd = 70000,
        .snd_wl1 = rcv - 1,
        .ts_time = seq,
    };
}

/* What TCP_REPAIR can hold comes back; timestamps only go forward, by at most two ticks. */
static void there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(corners); i++) {
        for (size_t k = 0; k < COUNT_OF(corners); k++) {
            struct flue_tcp_state before = example(corners[i], corners[k]), after;
            struct repair repair;

            assert_true(repair_from_state(&before, 5000, &repair));
            assert_int_equal(repair.unsent_bytes, 2000);
            assert_int_equal(repair.write_seq, (uint32_t)(corners[i] + 5000));
            assert_int_equal(repair.timestamp & 1u, 0);
            repair_to_state(&repair, &after);
            assert_in_range((uint32_t)(after.ts_time - before.ts_time), 1, 2);
            /* What nobody tells (state_map.def). */
            after.ts_time = before.ts_time;
            after.ts_recent_age = before.ts_recent_age;
            after.cwnd = before.cwnd;
            after.ssthresh = before.ssthresh;
            after.ka_delta = before.ka_delta;
            after.rt_delta = before.rt_delta;
            assert_memory_equal(&before, &after, sizeof before);
        }
    }
}

static void only_established(void **state)
{
    (void)state;
    for (uint32_t id = FLUE_TCP_CLOSED; id <= FLUE_TCP_TIME_WAIT; id++) {
        struct flue_tcp_state moved = example(1, 1);
        struct repair repair;

        moved.state = id;
        assert_int_equal(repair_from_state(&moved, 5000, &repair), id == FLUE_TCP_ESTABLISHED);
        assert_int_equal(repair_from_state(&moved, 2999, &repair), 0); /* less than is outstanding */
    }
}

struct sink {
    unsigned count;
    uint64_t digest;
    flue_ps last_ps;
};

static void collect(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    struct sink *sink = ctx;

    assert_true(now_ps >= sink->last_ps);
    sink->last_ps = now_ps;
    sink->count++;
    for (size_t i = 0; i < bytes; i++) {
        sink->digest = content_mix(sink->digest + packet[i]);
    }
    sink->digest = content_mix(sink->digest + (uint64_t)now_ps);
}

static struct sink through(const struct impair_params *params, uint64_t seed, struct impair_totals *totals)
{
    struct sink sink = {.count = 0};
    struct impair *im = impair_new(params, seed, collect, &sink);
    uint8_t packet[100];

    for (unsigned i = 0; i < 10000; i++) {
        content_fill(1, i * sizeof packet, packet, sizeof packet);
        impair_run(im, i * FLUE_PS_PER_MS);
        impair_put(im, packet, sizeof packet, i * FLUE_PS_PER_MS);
    }
    while (impair_deadline(im) != FLUE_PS_NEVER) {
        impair_run(im, impair_deadline(im));
    }
    *totals = impair_counts(im);
    impair_free(im);
    return sink;
}

/* The same seed gives the same fate, another one another, in the shares that were asked for. */
static void impairment_is_determined(void **state)
{
    const struct impair_params params = {.delay_ps = 10 * FLUE_PS_PER_MS,
                                         .loss_ppm = 100000,
                                         .duplicate_ppm = 50000,
                                         .reorder_ppm = 200000,
                                         .reorder_ps = 20 * FLUE_PS_PER_MS,
                                         .corrupt_ppm = 10000};
    struct impair_totals totals, again, other;
    struct sink a = through(&params, 7, &totals), b = through(&params, 7, &again), c = through(&params, 8, &other);

    (void)state;
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(&totals, &again, sizeof totals);
    assert_true(a.digest != c.digest);
    assert_int_equal(totals.in, 10000);
    assert_int_equal(totals.out, totals.in - totals.lost + totals.duplicated);
    assert_in_range(totals.lost, 850, 1150);
    assert_in_range(totals.duplicated, 350, 550);
    assert_in_range(totals.reordered, 1600, 2000);
    assert_in_range(totals.corrupted, 60, 120);
}

static void content_is_checked(void **state)
{
    uint8_t data[100];

    (void)state;
    for (uint64_t offset = 0; offset < 20; offset++) {
        content_fill(5, offset, data, sizeof data);
        assert_int_equal(content_right(5, offset, data, sizeof data), sizeof data);
        assert_true(content_right(5, offset + 1, data, sizeof data) < 8);
        data[57] ^= 1;
        assert_int_equal(content_right(5, offset, data, sizeof data), 57);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_complete),  cmocka_unit_test(there_and_back),
        cmocka_unit_test(only_established),   cmocka_unit_test(impairment_is_determined),
        cmocka_unit_test(content_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
