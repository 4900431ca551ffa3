/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_inherit.c - receive data that the host has buffered and hands over with a connection: whose lists it lies
 * in, and where it ends. */

#include "ndis/check_core.h"

#include "flue/wire.h"

/* Where described data ends. */
static bool end_of(const NET_BUFFER_LIST *nbl, uint32_t *stream, uint64_t *offset_bytes)
{
    struct ndis_spans spans = ndis_spans_of_data(nbl->FirstNetBuffer);
    struct flue_span span;
    bool described = false;

    while (ndis_spans_next(&spans, &span)) {
        described = span.memory == NULL;
        *stream = span.stream;
        *offset_bytes = span.offset_bytes + span.length_bytes;
    }
    return described;
}

void check_inherit_down(struct check_conn *conn)
{
    struct check_inherited *inherited = &conn->inherited;
    const NET_BUFFER_LIST *last = NULL;
    uint64_t offset_bytes = 0;

    for (const NET_BUFFER_LIST *nbl = conn->delegated.BufferedData; nbl != NULL && nbl->FirstNetBuffer != NULL;
         nbl = nbl->Next) {
        last = nbl;
        if (inherited->count < CHECK_INHERITED_LISTS) {
            inherited->lists[inherited->count++] = (struct check_kept_list){
                .nbl = nbl,
                .next = nbl->Next,
                .nb = nbl->FirstNetBuffer,
                .mdl = nbl->FirstNetBuffer->MdlChain,
                .pool = nbl->NdisPoolHandle,
                .offset_bytes = nbl->FirstNetBuffer->DataOffset,
                .bytes = nbl->FirstNetBuffer->DataLength,
            };
        }
    }
    if (last != NULL && check_above(conn->binding) == FLUE_PARTY_HOST &&
        end_of(last, &inherited->stream, &offset_bytes)) {
        inherited->ties = true;
        inherited->delta = (uint32_t)offset_bytes - conn->delegated.RcvNxt;
    }
}

/* CH-075: the first segment that continues the stream shows which of its bytes has the number RcvNxt. */
void check_inherit_came(struct check *check, struct check_conn *conn, const struct flue_frame *frame)
{
    struct check_inherited *inherited = &conn->inherited;
    const struct flue_span *span = &frame->payload;
    const struct check_at at = {.binding = conn->binding, .object = conn->object};
    const uint32_t ahead = frame->seq - conn->delegated.RcvNxt;

    if (span->length_bytes == 0 || span->memory != NULL || span->stream != inherited->stream ||
        (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_RST)) != 0 || ahead >= conn->delegated.RcvWnd) {
        return;
    }
    inherited->ties = false;
    if ((uint32_t)span->offset_bytes - frame->seq != inherited->delta) {
        check_report(check, 75, FLUE_PARTY_HOST, &at,
                     "BufferedData ended at byte %u of the stream, and RcvNxt is that of byte %u",
                     (uint32_t)(inherited->delta + conn->delegated.RcvNxt), (uint32_t)span->offset_bytes - ahead, 0);
    }
}

/* CH-050, CH-076: until the completion the lists are the host's, who keeps them as they are; the target reads them.
 * What a pool has got back is not followed: each list is one that was seen. */
void check_inherit_up(struct check *check, const struct check_conn *conn)
{
    const struct check_inherited *inherited = &conn->inherited;

    for (unsigned i = 0; i < inherited->count; i++) {
        const struct check_kept_list *was = &inherited->lists[i];
        const struct check_at at = {
            .binding = conn->binding, .object = conn->object, .thing = was->nbl, .kind = "list"};
        const bool same = was->nbl->NdisPoolHandle == was->pool && was->nbl->Next == was->next &&
                          was->nbl->FirstNetBuffer == was->nb &&
                          was->nb->DataOffset + was->nb->DataLength == was->offset_bytes + was->bytes;

        if (!same) {
            check_report(check, 76, check_above(conn->binding), &at,
                         "a list of BufferedData was freed before the initiate had completed", 0, 0, 0);
        } else if (was->nb->DataLength != was->bytes) {
            check_report(check, 50, check_below(conn->object->adapter), &at,
                         "a list of BufferedData was used up, not copied: %u of %u bytes are left", was->nb->DataLength,
                         was->bytes, 0);
        }
    }
}

bool check_inherit_kept(struct check *check, const struct check_conn *conn, const NET_BUFFER_LIST *nbl)
{
    const struct check_inherited *inherited = &conn->inherited;

    for (unsigned i = 0; i < inherited->count; i++) {
        const struct check_kept_list *was = &inherited->lists[i];
        const struct check_at at = {.binding = conn->binding, .object = conn->object, .thing = nbl, .kind = "list"};

        if (check_below(conn->object->adapter) == FLUE_PARTY_TARGET &&
            (nbl == was->nbl || (nbl->FirstNetBuffer != NULL &&
                                 (nbl->FirstNetBuffer == was->nb || nbl->FirstNetBuffer->MdlChain == was->mdl)))) {
            check_report(check, 50, FLUE_PARTY_TARGET, &at,
                         "data comes in a list of the host's, which was handed over with the connection", 0, 0, 0);
            return true;
        }
    }
    return false;
}
