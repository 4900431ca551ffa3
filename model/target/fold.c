/* SPDX-License-Identifier: GPL-2.0-only */
/* target/fold.c - a digest of what the adapter keeps: two adapters that go on alike have equal ones.  Counts and books
 * are left out, moments are counted from now. */

#include "base/fold.h"
#include "target/target.h"

static void fold_chain(const NET_BUFFER_LIST *nbl, uint64_t *digest)
{
    for (; nbl != NULL; nbl = nbl->Next) {
        fold(digest, (uint64_t)(uint32_t)nbl->Status);
        for (const NET_BUFFER *nb = nbl->FirstNetBuffer; nb != NULL; nb = nb->Next) {
            struct ndis_spans spans = ndis_spans_of_data(nb);
            struct flue_span span;

            while (ndis_spans_next(&spans, &span)) {
                fold_span(digest, &span);
            }
        }
    }
}

static void fold_state(const struct flue_tcp_state *state, uint64_t *digest)
{
#define FOLD_tcp_const(name)
#define FOLD_tcp_cached(name)
#define FOLD_tcp_delegated(name)                            fold(digest, state->name);
#define FLUE_STATE(class_, name, type, unit, member, since) FOLD_##class_(name)
#include "flue/state.def"
}

static void fold_context(const struct flue_target *target, const struct target_context *context, flue_ps now_ps,
                         uint64_t *digest)
{
    fold(digest,
         (uint64_t)context->id << 32 | (uint64_t)context->flags << 16 | (uint64_t)context->state << 8 | context->marks);
    fold(digest, (uint64_t)context->lent << 32 | (uint64_t)hook_linked(&context->work));
    fold_chain(context->sends, digest);
    fold_chain(context->disconnect, digest);
    fold_chain(context->kept, digest);
    if (context_posts(context) != NULL) {
        fold(digest, context->extra->made - context->extra->taken);
    }
    if (context_still(context) != NULL) {
        struct flue_tcp_state state;

        give_back_snapshot(target, context, &state);
        fold_state(&state, digest);
        for (const struct target_held *held = context_still(context)->first; held != NULL; held = held->next) {
            fold(digest, (uint64_t)held->frame.seq << 32 | held->frame.ack);
            fold_span(digest, &held->frame.payload);
        }
    }
    if (context->conn != NULL) {
        flue_tcp_fold(context->conn, now_ps, digest);
    }
}

/* What a tree whose completion is held back brings. */
static flue_err fold_block(target_tree block, void *arg)
{
    const struct target_context *context = slot_tcp(block);
    uint64_t *digest = (uint64_t *)arg;

    fold(digest, (uint64_t)block->Header.Type << 32 | (uint32_t)block->Status);
    fold_chain(block->NetBufferListChain, digest);
    if (context != NULL) {
        fold(digest, context->id);
        if (flue_state_class(block->Header.Type) == 3) {
            struct flue_tcp_state state = {.state = 0};

            ndis_state_get(&state, NULL, NULL, (const void *)flue_state_first(block));
            fold_state(&state, digest);
            fold_chain(context->kept, digest); /* BufferedData is put in at the completion */
        }
    }
    return FLUE_OK;
}

static void fold_held(const struct upward *entry, uint64_t *digest)
{
    fold(digest, (uint64_t)entry->kind << 8 | (uint64_t)entry->lost << 1 | entry->let_go);
    fold(digest, entry->context != NULL ? entry->context->id : FLUE_NO_CONN);
    if (entry->kind >= UPWARD_INITIATE && entry->kind <= UPWARD_QUERY) {
        (void)flue_block_walk(entry->what.tree, fold_block, digest);
    } else if (entry->kind == UPWARD_DATA) {
        fold_span(digest, &entry->what.span);
    } else if (entry->kind == UPWARD_EVENT) {
        fold(digest, (uint64_t)entry->what.event.type << 32 | entry->what.event.information);
    } else if (entry->kind != UPWARD_POSTS_END && entry->kind != UPWARD_POSTED && entry->kind != UPWARD_STATUS) {
        fold_chain(entry->what.chain.first, digest);
    }
}

void flue_target_fold(const struct flue_target *target, flue_ps now_ps, uint64_t *digest)
{
    FLUE_LIST_EACH(hook, &target->all)
    {
        const struct target_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct target_neighbour, sibling);

        fold(digest, (uint64_t)neighbour->marks << 32 | neighbour->dependents);
        FLUE_LIST_EACH(each, &neighbour->paths)
        {
            const struct target_path *path = FLUE_CONTAINER_OF(each, struct target_path, sibling);

            fold(digest, (uint64_t)path->marks << 32 | path->dependents);
            FLUE_LIST_EACH(conn, &path->conns)
            {
                fold_context(target, FLUE_CONTAINER_OF(conn, struct target_context, sibling), now_ps, digest);
            }
        }
    }
    for (uint32_t i = 0; i < target->held.count; i++) {
        fold_held((const struct upward *)ring_at(&target->held, i), digest);
    }
    fold(digest, (uint64_t)upwards_count(target) << 32 | target->doorbells.count);
    fold(digest, (uint64_t)target->totals.connections << 32 | contexts_live(target));
    fold(digest, (uint64_t)target->pausing << 1 | target->uploading);
    fold_at(digest, timer_due(&target->pushes.timer), now_ps);
}
