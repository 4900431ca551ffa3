/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive-side scaling (behaviour 15.8): what the adapter takes as parameters, on which processor it shows what, and
 * that nothing changes its place when the indirection table does (CH-288). */
#include "rig.h"

#include <string.h>

#include "base/rng.h"
#include "flue/ndisrss.h"
#include "frame/toeplitz.h"

enum { QUEUES = 4, ENTRIES = 8, CONNS = 7 };

#define HASH_ALL (NdisHashFunctionToeplitz | NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6)

static struct flue_server cores[QUEUES];

static struct rig *scaling(void)
{
    struct rig *rig = rig_new();

    rig->params.receive_queues = QUEUES;
    rig_build(rig);
    for (unsigned i = 0; i < QUEUES; i++) {
        flue_server_init(&cores[i], UINT64_C(1000000000), NULL);
        flue_target_set_processor(rig->target, i, &cores[i]);
    }
    return rig;
}

/* Entry i of the table names processor (first + i) modulo QUEUES - base. */
static FLUE_RECEIVE_SCALE scale(unsigned first, unsigned base)
{
    FLUE_RECEIVE_SCALE scale = {
        .Parameters = {.Header = {NDIS_OBJECT_TYPE_RSS_PARAMETERS, NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1,
                                  NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1},
                       .BaseCpuNumber = (USHORT)base,
                       .HashInformation = HASH_ALL,
                       .IndirectionTableSize = ENTRIES,
                       .IndirectionTableOffset = offsetof(FLUE_RECEIVE_SCALE, Table),
                       .HashSecretKeySize = TOEPLITZ_KEY_BYTES,
                       .HashSecretKeyOffset = offsetof(FLUE_RECEIVE_SCALE, Key)}};

    memcpy(scale.Key, toeplitz_suite_key, sizeof scale.Key);
    for (unsigned i = 0; i < ENTRIES; i++) {
        scale.Table[i] = (UCHAR)((first + i) % (QUEUES - base));
    }
    return scale;
}

static NDIS_STATUS set(struct rig *rig, FLUE_RECEIVE_SCALE *scale)
{
    return rig_request(rig, NdisRequestSetInformation, OID_GEN_RECEIVE_SCALE_PARAMETERS, scale, sizeof *scale);
}

static void set_table(struct rig *rig, unsigned first, unsigned base)
{
    FLUE_RECEIVE_SCALE wanted = scale(first, base);

    assert_int_equal(set(rig, &wanted), NDIS_STATUS_SUCCESS);
}

/* ---- Parameters ---- */

static void wrong_type(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
}
static void no_revision(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.Header.Revision = 0;
}
static void small_header(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.Header.Size--;
}
static void unknown_function(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.HashInformation = 2 | NDIS_HASH_IPV4;
}
static void no_types(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.HashInformation = NdisHashFunctionToeplitz;
}
static void unknown_type(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.HashInformation |= 0x800;
}
static void table_of_six(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.IndirectionTableSize = 6;
}
static void no_table(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.IndirectionTableSize = 0;
}
static void large_table(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.IndirectionTableSize = 256;
}
static void table_over_the_end(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.IndirectionTableOffset = sizeof *s - ENTRIES + 1;
}
static void table_wraps(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.IndirectionTableOffset = UINT32_MAX - 2;
}
static void table_in_the_structure(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.IndirectionTableOffset = 4;
}
static void short_key(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.HashSecretKeySize = 39;
}
static void key_over_the_end(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.HashSecretKeyOffset++;
}
static void strange_processor(FLUE_RECEIVE_SCALE *s)
{
    s->Table[ENTRIES - 1] = QUEUES;
}
static void strange_base(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.BaseCpuNumber = QUEUES;
}
static void base_moves_the_table_out(FLUE_RECEIVE_SCALE *s)
{
    s->Parameters.BaseCpuNumber = 1;
}

static const struct {
    void (*damage)(FLUE_RECEIVE_SCALE *s);
    NDIS_STATUS status;
} refused[] = {
    {wrong_type, NDIS_STATUS_INVALID_PARAMETER},
    {no_revision, NDIS_STATUS_INVALID_PARAMETER},
    {small_header, NDIS_STATUS_INVALID_PARAMETER},
    {unknown_function, NDIS_STATUS_INVALID_PARAMETER},
    {no_types, NDIS_STATUS_INVALID_PARAMETER},
    {unknown_type, NDIS_STATUS_INVALID_PARAMETER},
    {table_of_six, NDIS_STATUS_INVALID_PARAMETER},
    {no_table, NDIS_STATUS_INVALID_PARAMETER},
    {large_table, NDIS_STATUS_INVALID_LENGTH},
    {table_over_the_end, NDIS_STATUS_INVALID_LENGTH},
    {table_wraps, NDIS_STATUS_INVALID_LENGTH},
    {table_in_the_structure, NDIS_STATUS_INVALID_LENGTH},
    {short_key, NDIS_STATUS_INVALID_PARAMETER},
    {key_over_the_end, NDIS_STATUS_INVALID_LENGTH},
    {strange_processor, NDIS_STATUS_INVALID_PARAMETER},
    {strange_base, NDIS_STATUS_INVALID_PARAMETER},
    {base_moves_the_table_out, NDIS_STATUS_INVALID_PARAMETER},
};

static FLUE_RECEIVE_SCALE answer(struct rig *rig)
{
    FLUE_RECEIVE_SCALE now;

    memset(&now, 0x5A, sizeof now);
    assert_int_equal(rig_request(rig, NdisRequestQueryInformation, OID_GEN_RECEIVE_SCALE_PARAMETERS, &now, sizeof now),
                     NDIS_STATUS_SUCCESS);
    return now;
}

/* What is refused has changed nothing. */
static void refuses(void **state)
{
    struct rig *rig = scaling();
    FLUE_RECEIVE_SCALE wanted = scale(1, 0);
    const FLUE_RECEIVE_SCALE good = wanted;
    FLUE_RECEIVE_SCALE now;

    (void)state;
    assert_int_equal(set(rig, &wanted), NDIS_STATUS_SUCCESS);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        wanted = scale(2, 0);
        refused[i].damage(&wanted);
        assert_int_equal(set(rig, &wanted), refused[i].status);
        now = answer(rig);
        assert_memory_equal(&now, &good, sizeof now);
    }
    assert_int_equal(rig_request(rig, NdisRequestSetInformation, OID_GEN_RECEIVE_SCALE_PARAMETERS, &wanted,
                                 NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1 - 1),
                     NDIS_STATUS_INVALID_LENGTH);
    assert_int_equal(rig->request.BytesNeeded, NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1);
    assert_int_equal(
        rig_request(rig, NdisRequestQueryInformation, OID_GEN_RECEIVE_SCALE_PARAMETERS, &now, sizeof now - 1),
        NDIS_STATUS_INVALID_LENGTH);
    assert_int_equal(rig->request.BytesNeeded, sizeof now);
    rig_free(rig);
}

/* An adapter of one queue has none of it. */
static void one_queue(void **state)
{
    struct rig *rig = rig_new();
    FLUE_RECEIVE_SCALE wanted = scale(0, 0);

    (void)state;
    rig_build(rig);
    assert_int_equal(set(rig, &wanted), NDIS_STATUS_NOT_SUPPORTED);
    assert_int_equal(
        rig_request(rig, NdisRequestQueryInformation, OID_GEN_RECEIVE_SCALE_PARAMETERS, &wanted, sizeof wanted),
        NDIS_STATUS_NOT_SUPPORTED);
    rig_free(rig);
}

/* What is called unchanged is not even read. */
static void unchanged(void **state)
{
    struct rig *rig = scaling();
    FLUE_RECEIVE_SCALE wanted = scale(0, 0);
    FLUE_RECEIVE_SCALE good = wanted;
    FLUE_RECEIVE_SCALE now;

    (void)state;
    assert_int_equal(set(rig, &wanted), NDIS_STATUS_SUCCESS);
    wanted = (FLUE_RECEIVE_SCALE){.Parameters = {.Header = good.Parameters.Header,
                                                 .Flags = NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED |
                                                          NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED |
                                                          NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED,
                                                 .IndirectionTableSize = 2,
                                                 .IndirectionTableOffset = offsetof(FLUE_RECEIVE_SCALE, Table)},
                                  .Table = {3, 1}};
    assert_int_equal(set(rig, &wanted), NDIS_STATUS_SUCCESS);
    now = answer(rig);
    good.Parameters.IndirectionTableSize = 2;
    assert_memory_equal(&now.Parameters, &good.Parameters, sizeof now.Parameters);
    assert_memory_equal(now.Table, wanted.Table, 2);
    assert_memory_equal(now.Key, good.Key, sizeof now.Key);
    wanted = (FLUE_RECEIVE_SCALE){
        .Parameters = {.Header = good.Parameters.Header, .Flags = NDIS_RSS_PARAM_FLAG_DISABLE_RSS}};
    assert_int_equal(set(rig, &wanted), NDIS_STATUS_SUCCESS);
    assert_int_equal(answer(rig).Parameters.HashInformation, 0);
    rig_free(rig);
}

/* ---- Where ---- */

/* Each connection's data, its events and completions come up on the processor that the table names for its HashValue,
 * which in this rig is its number. */
static void names_the_processor(void **state)
{
    struct rig *rig = scaling();

    (void)state;
    for (unsigned base = 0; base < 2; base++) {
        const unsigned before = rig->logged;

        set_table(rig, 1, base);
        if (base == 0) {
            rig_offload(rig, CONNS);
        }
        for (unsigned i = 0; i < CONNS; i++) {
            rig_send(rig, i, 100 * base, 100);
            rig_peer(rig, i, 100 * base, 100 * base, 100, FLUE_TCP_ACK | FLUE_TCP_PSH);
            rig_wait(rig, 20 * RIG_US);
            rig_peer(rig, i, 100 * base + 100, 100 * base + 100, 0, FLUE_TCP_ACK);
            rig_wait(rig, 20 * RIG_US);
        }
        for (unsigned i = before; i < rig->logged; i++) {
            const struct rig_log *entry = &rig->log[i];

            if (entry->call == RIG_INDICATED) {
                assert_int_equal(entry->processor, (1 + entry->conn) % (QUEUES - base) + base);
            }
        }
        assert_int_equal(rig_count(rig, RIG_INDICATED), CONNS * (base + 1));
        assert_int_equal(rig_count(rig, RIG_SENT), CONNS * (base + 1));
    }
    assert_true(flue_target_interrupts(rig->target, QUEUES - 1) > 0);
    rig_finish(rig, CONNS);
    rig_free(rig);
}

/* Ordinary frames are hashed; what has no hash goes to the base processor. */
static void hashes_frames(void **state)
{
    struct rig *rig = scaling();
    const FLUE_RECEIVE_SCALE table = scale(0, 1);

    (void)state;
    set_table(rig, 0, 1);
    for (unsigned i = 0; i < 32; i++) {
        struct flue_frame frame = rig_segment(i, 0, 0, 10, FLUE_TCP_ACK);
        uint32_t hash;

        if (i >= 16) { /* a fragment has its addresses only */
            frame.kind = FLUE_FRAME_FRAGMENT;
            frame.fragment = 8;
            frame.dst_ip.word[3] += i;
        }
        hash = toeplitz_hash(toeplitz_suite_key, &frame.src_ip, &frame.dst_ip, frame.src_port, frame.dst_port, i < 16);
        rig_arrive(rig, &frame);
        rig_wait(rig, 10 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_FRAMES_IN, i)->processor, table.Table[hash % ENTRIES] + 1u);
    }
    {
        struct flue_frame frame = rig_segment(0, 0, 0, 0, FLUE_NEIGHBOUR_REQUEST);

        frame.kind = FLUE_FRAME_ARP;
        frame.ethertype = FLUE_ETHERTYPE_ARP;
        rig_arrive(rig, &frame);
        rig_wait(rig, 10 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 32)->processor, 1);
    }
    rig_free(rig);
}

/* ---- When ---- */

/* The documentation's example: a packet waits for processor 1, the table moves its connection to processor 3, and a
 * second packet could be seen at once.  It waits for the first. */
static void example(struct rig *rig)
{
    rig_offload(rig, 1);
    (void)flue_server_begin(&cores[1], rig->env.now_ps + 200 * RIG_US);
    rig_peer(rig, 0, 0, 0, 1000, FLUE_TCP_ACK | FLUE_TCP_PSH);
    rig_wait(rig, 10 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    set_table(rig, 3, 0);
    rig_peer(rig, 0, 1000, 0, 500, FLUE_TCP_ACK | FLUE_TCP_PSH);
    rig_wait(rig, 400 * RIG_US);
}

/* The host takes its time over each packet; what is shown on processor 3 begins when that is over. */
static flue_ps worked_until_ps;

static void takes_time(struct rig *rig, enum rig_call call)
{
    if (call == RIG_INDICATED && flue_target_processor(rig->target) == 1) {
        worked_until_ps = flue_server_begin(&cores[1], cores[1].clock_ps + 40 * RIG_US);
    } else if (call == RIG_INDICATED) {
        assert_true(cores[3].clock_ps >= worked_until_ps);
        worked_until_ps = FLUE_PS_NEVER;
    }
}

/* CH-288, forced; the sequence numbers wrap around in the first packet. */
static void keeps_order(void **state)
{
    struct rig *rig = scaling();
    const struct rig_log *first, *second;

    (void)state;
    rig->follow = 1;
    rig->reenter = takes_time;
    set_table(rig, 1, 0);
    example(rig);
    first = rig_find(rig, RIG_INDICATED, 0);
    second = rig_find(rig, RIG_INDICATED, 1);
    assert_int_equal(first->processor, 1);
    assert_int_equal(second->processor, 3);
    assert_int_equal(first->bytes, 1000);
    assert_int_equal(rig->taken, 1500);
    assert_true(second->at_ps >= first->at_ps);
    assert_true(worked_until_ps == FLUE_PS_NEVER);
    rig->reenter = NULL;
    rig_finish(rig, 1);
    rig_free(rig);
}

/* The same, and the adapter does not follow the rule: then the second packet overtakes the first. */
static void without_the_rule(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.receive_queues = QUEUES;
    rig->params.ddi.without = 288;
    rig_build(rig);
    for (unsigned i = 0; i < QUEUES; i++) {
        flue_server_init(&cores[i], UINT64_C(1000000000), NULL);
        flue_target_set_processor(rig->target, i, &cores[i]);
    }
    set_table(rig, 1, 0);
    example(rig);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 500);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, 1000);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Requests that are posted, refusals, processors busy now and then, and a table that changes all the time. */
static void storm(unsigned seed)
{
    struct rig *rig = rig_new();
    uint32_t sent[CONNS] = {0};
    uint64_t seen[CONNS] = {0};
    struct rng rng;

    rig->params.receive_queues = QUEUES;
    rig->params.profile.moderation_ps = (uint64_t)(10 * RIG_US);
    rig_build(rig);
    for (unsigned i = 0; i < QUEUES; i++) {
        flue_server_init(&cores[i], UINT64_C(1000000000), NULL);
        flue_target_set_processor(rig->target, i, &cores[i]);
    }
    rng_init(&rng, seed, "rss");
    set_table(rig, 0, 0);
    rig_offload(rig, CONNS);
    for (unsigned step = 0; step < 600; step++) {
        const unsigned conn = (unsigned)rng_below(&rng, CONNS);
        const uint32_t bytes = 1 + (uint32_t)rng_below(&rng, 100);

        switch (rng_below(&rng, 8)) {
        case 0:
            set_table(rig, (unsigned)rng_below(&rng, QUEUES), (unsigned)rng_below(&rng, 2));
            break;
        case 1:
            (void)flue_server_begin(&cores[rng_below(&rng, QUEUES)], rig->env.now_ps + 30 * RIG_US);
            break;
        case 2: {
            FLUE_RECEIVE_SCALE off = scale(0, 0);

            off.Parameters.HashInformation = 0;
            assert_int_equal(set(rig, &off), NDIS_STATUS_SUCCESS);
            break;
        }
        case 3:
            rig_wait(rig, (flue_ps)rng_below(&rng, 20) * RIG_US);
            break;
        default:
            rig_peer(rig, conn, sent[conn], 0, bytes, FLUE_TCP_ACK);
            sent[conn] += bytes;
            break;
        }
    }
    rig_wait(rig, 300 * RIG_US);
    for (unsigned i = 0; i < rig->logged; i++) {
        const struct rig_log *entry = &rig->log[i];

        if (entry->call == RIG_INDICATED) {
            assert_int_equal(entry->extra, seen[entry->conn]);
            seen[entry->conn] += entry->bytes;
        }
    }
    for (unsigned i = 0; i < CONNS; i++) {
        assert_int_equal(seen[i], sent[i]);
    }
    rig_finish(rig, CONNS);
    rig_free(rig);
}

static void storms(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        storm(seed);
    }
}

/* A tree has its place among what all queues hold: data that came before a terminate is shown before its completion
 * though another processor is busy, and what comes behind an initiate waits for that (D-15, CH-118). */
static void trees_in_their_place(void **state)
{
    struct rig *rig = scaling();

    (void)state;
    rig->follow = 1;
    set_table(rig, 1, 0);
    rig_tree(rig, 1);
    (void)flue_server_begin(&cores[0], rig->env.now_ps + 100 * RIG_US);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 5 * RIG_US);
    rig_peer(rig, 0, 0, 0, 300, FLUE_TCP_ACK);
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_INITIATED, 0)->processor, 0);
    assert_true(rig_place(rig, RIG_INITIATED, 0) < rig_place(rig, RIG_INDICATED, 0));
    (void)flue_server_begin(&cores[1], rig->env.now_ps + 100 * RIG_US);
    rig_peer(rig, 0, 300, 0, 300, FLUE_TCP_ACK);
    rig_wait(rig, 5 * RIG_US);
    rig_finish(rig, 1);
    assert_true(rig_find(rig, RIG_TERMINATED, 0)->interrupt > rig_find(rig, RIG_INDICATED, 0)->interrupt + 1);
    rig_free(rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(one_queue),
        cmocka_unit_test(unchanged),
        cmocka_unit_test(names_the_processor),
        cmocka_unit_test(hashes_frames),
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(without_the_rule),
        cmocka_unit_test(storms),
        cmocka_unit_test(trees_in_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
