/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_sends.c - send data that state operations move: the chain of an initiate, the chain of a terminate, and
 * the arithmetic of both. */

#include "ndis/check_core.h"

static void report(struct check *check, const struct check_tree *tree, const struct check_block *block, unsigned rule,
                   enum flue_party party, const char *format, uint64_t a, uint64_t b)
{
    const struct check_at at = {
        .binding = tree->binding, .object = block->object, .thing = block->block, .kind = "block"};

    check_report(check, rule, party, &at, format, a, b, 0);
}

/* A FIN that was sent counts one number, though no byte of the chain stands for it (D-30). */
static bool fin_in_flight(const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    return state->State == TcpConnectionFinWait1 || state->State == TcpConnectionClosing ||
           state->State == TcpConnectionLastAck;
}

/* SndUna <= SndNxt <= SndMax, modulo 2^32: distances from SndUna. */
static bool ordered(const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    uint32_t next = state->SndNxt - state->SndUna, most = state->SndMax - state->SndUna;

    return next <= most && most < UINT32_C(0x80000000);
}

static void judge_sequence(struct check *check, const struct check_tree *tree, const struct check_block *block,
                           const TCP_OFFLOAD_STATE_DELEGATED *state, enum flue_party party, uint64_t covered_bytes)
{
    unsigned rule = tree->operation == NDIS_INITIATE ? 78 : 125;
    uint64_t sent = (uint64_t)(state->SndMax - state->SndUna);

    if (!ordered(state)) {
        report(check, tree, block, rule, party, "SndNxt is %u and SndMax %u past SndUna", state->SndNxt - state->SndUna,
               sent);
        return;
    }
    /* What an aborted connection had in flight is completed, and asked for no more (D-46). */
    if (tree->operation != NDIS_INITIATE && state->State == TcpConnectionClosed && covered_bytes == 0) {
        return;
    }
    if (sent > covered_bytes + (fin_in_flight(state) ? 1 : 0)) {
        report(check, tree, block, rule, party, "%u numbers are in flight, but only %u bytes stand for them", sent,
               covered_bytes);
    }
}

static bool one_buffer(const NET_BUFFER_LIST *nbl)
{
    return nbl->FirstNetBuffer != NULL && nbl->FirstNetBuffer->Next == NULL;
}

/* ---- Initiate ---- */

void check_sends_down(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    struct check_conn *conn = block->object->conn;
    const TCP_OFFLOAD_STATE_DELEGATED *state = &conn->delegated;
    enum flue_party above = check_above(tree->binding);
    PNET_BUFFER_LIST last = NULL;
    uint64_t bytes = 0;

    for (PNET_BUFFER_LIST nbl = block->chain; nbl != NULL; nbl = nbl->Next) {
        struct check_nbl *lent;

        if (!one_buffer(nbl)) {
            report(check, tree, block, 41, above, "a list of the chain does not have one buffer", 0, 0);
        }
        if (check_nbl_find(check, nbl, tree->adapter) != NULL) {
            report(check, tree, block, 41, above, "a list of the chain is lent already", 0, 0);
            break;
        }
        lent = check_nbl_lend(check, nbl, tree->binding, conn, CHECK_INHERITED);
        if (lent == NULL) {
            return;
        }
        lent->position = bytes;
        bytes += lent->bytes;
        last = nbl;
    }
    conn->sent_bytes = bytes;
    judge_sequence(check, tree, block, state, above, bytes);
    if (block->chain != NULL && (state->SendDataHead != block->chain || state->SendDataTail != last)) {
        report(check, tree, block, 79, above, "SendDataHead or SendDataTail is not the end of the chain", 0, 0);
    }
}

/* The connection was not taken: its chain has to be what it was. */
void check_sends_refused(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST now = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;
    struct check_conn *conn = block->object->conn;
    PNET_BUFFER_LIST next = block->chain;
    bool same = now->NetBufferListChain == block->chain;

    FLUE_LIST_EACH_SAFE(hook, &conn->sends)
    {
        struct check_nbl *lent = FLUE_CONTAINER_OF(hook, struct check_nbl, hook);

        same =
            same && next == lent->nbl && lent->nbl->Status == lent->status && ndis_nbl_bytes(lent->nbl) == lent->bytes;
        next = lent->nbl->Next;
        check_nbl_forget(check, lent);
    }
    if (!same || next != NULL) {
        report(check, tree, block, 74, check_below(tree->adapter), "send data of a refused connection was changed", 0,
               0);
        now->NetBufferListChain = block->chain;
        check_refused(check);
    }
}

/* ---- Terminate ---- */

/* Each list is one that was sent and did not complete, in the order of sending; whole: they all are.  A list is found
 * before it is read: what is not lent may be no list any more, and the chain ends before it; what is lent for something
 * else is taken out. */
static uint64_t take_chain(struct check *check, const struct check_tree *tree, const struct check_block *block,
                           PNET_BUFFER_LIST *last, bool *whole)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST now = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;
    struct check_conn *conn = block->object->conn;
    enum flue_party below = check_below(tree->adapter);
    PNET_BUFFER_LIST *link = &now->NetBufferListChain;
    uint64_t bytes = 0;

    *last = NULL;
    *whole = true;
    while (*link != NULL) {
        PNET_BUFFER_LIST nbl = *link;
        struct check_nbl *lent = check_nbl_find(check, nbl, tree->adapter);

        if (lent == NULL || lent->conn != conn || (lent->origin != CHECK_SEND && lent->origin != CHECK_INHERITED)) {
            report(check, tree, block, 121, below, "the chain holds a list that is not an unfinished send", 0, 0);
            check_refused(check);
            *link = lent == NULL ? NULL : nbl->Next;
            *whole = false;
            continue;
        }
        *last = nbl;
        bytes += ndis_nbl_bytes(nbl);
        if (!one_buffer(nbl)) {
            report(check, tree, block, 41, below, "a list of the chain does not have one buffer", 0, 0);
        }
        if (conn->abort_indicated && !conn->hardware_failed) {
            report(check, tree, block, 253, below, "a send of a connection that was reset comes back in the chain", 0,
                   0);
        }
        if (list_first(&conn->sends) != &lent->hook) {
            report(check, tree, block, 127, below, "the chain is not in the order of sending", 0, 0);
        }
        check_nbl_forget(check, lent);
        link = &nbl->Next;
    }
    return bytes;
}

void check_sends_up(struct check *check, const struct check_tree *tree, const struct check_block *block,
                    const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST now = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;
    struct check_conn *conn = block->object->conn;
    enum flue_party below = check_below(tree->adapter);
    PNET_BUFFER_LIST last;
    bool whole;
    uint64_t bytes = take_chain(check, tree, block, &last, &whole);
    bool complete = check->ddi.upload_sends_complete && now->NetBufferListChain == NULL;
    /* Nobody will send again what completed with REQUEST_ABORTED, or on a connection that is over (D-46). */
    bool aborted =
        now->NetBufferListChain == NULL && (conn->abort_indicated || conn->abortive_asked || conn->rst_seen ||
                                            (state != NULL && state->State == TcpConnectionClosed));

    if (!list_empty(&conn->sends)) {
        const struct check_nbl *kept = FLUE_CONTAINER_OF(list_first(&conn->sends), struct check_nbl, hook);

        report(check, tree, block, kept->origin == CHECK_INHERITED ? 73 : 121, below,
               "a send of %u bytes is neither completed nor handed back", kept->bytes, 0);
    }
    if (now->NetBufferListChain != NULL && bytes == 0) {
        report(check, tree, block, 126, below, "the chain is there, but has no byte", 0, 0);
    }
    if (state == NULL) {
        return;
    }
    if (!complete && !aborted && whole) {
        judge_sequence(check, tree, block, state, below, bytes + conn->disconnect_left_bytes);
    }
    if (now->NetBufferListChain != NULL && whole &&
        (state->SendDataHead != now->NetBufferListChain || state->SendDataTail != last)) {
        report(check, tree, block, 127, below, "SendDataHead or SendDataTail is not the end of the chain", 0, 0);
    }
}
