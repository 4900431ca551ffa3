/* SPDX-License-Identifier: GPL-2.0-only */
/* sequence/illegal.c - exactly one illegal call at a random point of a random legal conversation: the checker finds
 * nothing before it, and names one of the rules that it breaks, and who broke it, first. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sequence/talk.h"
#include "support/number.h"

enum { STEPS_MAX = 40, RULES = 3, ROUNDS = 24 };

struct wrong {
    const char *name;
    enum flue_party party;
    unsigned rules[RULES];
    bool (*possible)(const struct talk *talk);
    void (*act)(struct talk *talk);
};

#define R(...)                                                                                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define NO_SECOND      (talk->initiate.tree == NULL && !talk->second)
#define NEIGHBOUR      block = talk_neighbour(talk)
#define OFFER          NdisInitiateOffload(talk_binding(talk), block)
#define SEND_0         nbl = talk->sends.nbl[0]
#define COMPLETE(what) world->fakes.miniport.up.NdisTcpOffload##what(world->fakes.miniport.adapter, nbl)
#define END_QUERY      NdisMQueryOffloadStateComplete(world->fakes.miniport.adapter, talk->query.tree)

static void tell_status(const struct world *world, NDIS_STATUS code)
{
    NDIS_STATUS_INDICATION indication = {
        .Header = {.Type = NDIS_OBJECT_TYPE_STATUS_INDICATION, .Revision = 1, .Size = sizeof indication},
        .SourceHandle = world->fakes.miniport.adapter,
        .StatusCode = code};

    NdisMIndicateStatusEx(world->fakes.miniport.adapter, &indication);
}

/* A list that completes as it is. */
static void report(PNET_BUFFER_LIST nbl, ULONG bytes)
{
    nbl->Status = SUCCESS;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)bytes;
}

static PNET_BUFFER_LIST place(struct world *world, PNET_BUFFER_LIST nbl, uint32_t bytes)
{
    const struct flue_span span = {.stream = RECV_ID, .offset_bytes = world->received, .length_bytes = bytes};
    ULONG placed;

    assert_int_equal(ndis_nbl_fill(nbl, &span, &placed), FLUE_OK);
    report(nbl, bytes);
    return nbl;
}

static void indicate_with(struct world *world, NDIS_STATUS status)
{
    ULONG consumed;

    world->fakes.protocol.answer = SUCCESS;
    world->fakes.protocol.consumed = 5;
    (void)world->fakes.miniport.up.NdisTcpOffloadReceiveHandler(world_handle(world), world_arrived(world, 5), status,
                                                                &consumed);
}

static PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST invalidating(struct talk *talk)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = talk_block(talk, TcpOffloadState, world_handle(&talk->world));
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree;

    NdisInvalidateOffload(talk_binding(talk), root);
    tree = talk_asked(talk, root).tree;
    tree->Status = SUCCESS;
    return tree;
}

#define WRONG(name, who, needs, rules, does)                                                                           \
    static bool name##_possible(const struct talk *talk)                                                               \
    {                                                                                                                  \
        (void)talk;                                                                                                    \
        return needs;                                                                                                  \
    }                                                                                                                  \
    static void name(struct talk *talk)                                                                                \
    {                                                                                                                  \
        struct world *world = &talk->world;                                                                            \
        PNET_BUFFER_LIST nbl = NULL;                                                                                   \
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = NULL;                                                                \
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree = NULL;                                                                 \
        NDIS_STATUS status = SUCCESS;                                                                                  \
                                                                                                                       \
        does;                                                                                                          \
        (void)world;                                                                                                   \
        (void)nbl;                                                                                                     \
        (void)block;                                                                                                   \
        (void)tree;                                                                                                    \
        (void)status;                                                                                                  \
    }
#include "illegal.def"
#undef WRONG

static const struct wrong wrongs[] = {
#define WRONG(name, who, needs, rules, does) {#name, FLUE_PARTY_##who, rules, name##_possible, name},
#include "illegal.def"
#undef WRONG
};
enum { WRONGS = sizeof wrongs / sizeof wrongs[0] };

static uint64_t done[WRONGS];

static bool allowed(const struct wrong *wrong, unsigned rule)
{
    for (unsigned i = 0; i < RULES; i++) {
        if (wrong->rules[i] == rule) {
            return true;
        }
    }
    return false;
}

/* The conversation goes on until the wrong thing can be done, but not for ever. */
static bool prepare(struct talk *talk, const struct wrong *wrong)
{
    const unsigned steps = (unsigned)rng_below(&talk->rng, STEPS_MAX);

    for (unsigned i = 0; i < STEPS_MAX * 2 && talk->blocks < TALK_BLOCKS - 8; i++) {
        if (i >= steps && wrong->possible(talk)) {
            return true;
        }
        if (!talk_step(talk)) {
            return false;
        }
    }
    return wrong->possible(talk);
}

static bool run(uint64_t seed)
{
    static struct talk talk;
    const unsigned which = (unsigned)(seed % WRONGS);
    const struct wrong *wrong = &wrongs[which];
    bool good;

    talk_begin(&talk, seed);
    if (!prepare(&talk, wrong)) {
        good = talk.world.count == 0;
        if (!good) {
            printf("seed %" PRIu64 ": CH-%03u, and nothing was wrong\n", seed, talk.world.found[0]);
        }
        world_end(&talk.world);
        return good;
    }
    good = talk.world.count == 0;
    if (!good) {
        printf("seed %" PRIu64 ": CH-%03u before anything was wrong\n", seed, talk.world.found[0]);
    } else {
        done[which]++;
        wrong->act(&talk);
        good = talk.world.count > 0 && allowed(wrong, talk.world.found[0]) && talk.world.party == wrong->party;
        if (!good) {
            printf("seed %" PRIu64 ": %s: %u findings, the first CH-%03u of %s\n", seed, wrong->name, talk.world.count,
                   talk.world.found[0], talk.world.count == 0 ? "nobody" : flue_party_name(talk.world.party));
        }
    }
    world_end(&talk.world);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = ROUNDS * (uint64_t)WRONGS, failed = 0;
    unsigned missing = 0;

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--seed") == 0 && number_read(value, 0, UINT64_MAX, &first)) {
            count = 1;
        } else if (strcmp(argv[i], "--first") != 0 || !number_read(value, 0, UINT64_MAX, &first)) {
            if (strcmp(argv[i], "--count") != 0 || !number_read(value, 1, UINT32_MAX, &count)) {
                fprintf(stderr, "usage: %s [--first N] [--count N] | --seed N\n", argv[0]);
                return 2;
            }
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        failed += !run(first + i);
    }
    for (unsigned i = 0; i < WRONGS && count >= ROUNDS * (uint64_t)WRONGS; i++) {
        if (done[i] == 0) {
            printf("%s was never possible\n", wrongs[i].name);
            missing++;
        }
    }
    printf("%" PRIu64 " runs of %u wrongs, %" PRIu64 " failed\n", count, (unsigned)WRONGS, failed);
    return failed + missing == 0 ? 0 : 1;
}
