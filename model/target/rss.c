/* SPDX-License-Identifier: GPL-2.0-only */
/* target/rss.c - receive-side scaling: which processor sees what, and in which order (CH-288, behaviour 15.8).
 *
 * Each processor has a queue and an interrupt of its own, so one may be served long before another.  What is received
 * on a connection goes to the processor that the indirection table names for its HashValue, which the host computed;
 * the adapter hashes ordinary frames alone.  When the table changes, what a connection has in its old queue must still
 * be seen before what comes into its new one.  Therefore every entry has an epoch: a change of the table begins a new
 * one, and an entry is shown only when no queue has any of an earlier epoch left.  What concerns more than one
 * connection (trees, statuses of the adapter) is an epoch of its own: so nothing is called up for an object before its
 * initiate has completed or after its terminate has, as if there were one queue (D-15, CH-118 to CH-122). */

#include <string.h>

#include "frame/toeplitz.h"
#include "target/target.h"

_Static_assert(sizeof((FLUE_RECEIVE_SCALE *)0)->Key == TOEPLITZ_KEY_BYTES, "one key");

/* ---- Queues ---- */

uint32_t rss_queues(const struct flue_target_params *params)
{
    return params->receive_queues > 0 ? params->receive_queues : 1;
}

void rss_init(struct flue_target *target)
{
    target->queue_count = rss_queues(&target->params);
    for (uint32_t i = 0; i < target->queue_count; i++) {
        struct target_queue *queue = &target->queues[i];

        queue->target = target;
        queue->moderation = (struct flue_moderation){.period_ps = (flue_ps)target->params.profile.moderation_ps,
                                                     .last_ps = FLUE_PS_NEVER};
        ring_init(&queue->upwards, target->env, sizeof(struct upward));
        timer_setup(&queue->timer, interrupt_fire);
    }
}

void rss_dispose(struct flue_target *target)
{
    for (uint32_t i = 0; i < target->queue_count; i++) {
        timers_remove(target->timers, &target->queues[i].timer);
        ring_dispose(&target->queues[i].upwards);
    }
}

flue_err upwards_widen(struct flue_target *target, uint32_t room)
{
    flue_err err = FLUE_OK;

    for (uint32_t i = 0; i < target->queue_count && err == FLUE_OK; i++) {
        if (target->queues[i].upwards.room < room) {
            err = ring_grow(&target->queues[i].upwards);
        }
    }
    return err;
}

uint32_t upwards_count(const struct flue_target *target)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < target->queue_count; i++) {
        count += target->queues[i].upwards.count;
    }
    return count;
}

/* Epochs of the queues never decrease from front to back, and none begins before the present one: the oldest front has
 * the epoch whose turn it is. */
static void find_turn(struct flue_target *target)
{
    uint32_t oldest = target->rss.epoch;

    for (uint32_t i = 0; i < target->queue_count; i++) {
        const struct upward *front = (const struct upward *)ring_front(&target->queues[i].upwards);

        if (front != NULL && (int32_t)(front->epoch - oldest) < 0) {
            oldest = front->epoch;
        }
    }
    target->rss.shown = oldest;
}

bool rss_in_turn(struct flue_target *target, const struct upward *front)
{
    if (front->epoch == target->rss.shown || !target_obeys(target, 288)) {
        return true;
    }
    find_turn(target);
    return front->epoch == target->rss.shown;
}

/* What earlier epochs brought was shown before, in the order of events; on a processor whose clock was ahead it may
 * still be worked at. */
void rss_meet(struct target_queue *queue, uint32_t epoch)
{
    const struct flue_target *target = queue->target;

    queue->epoch = epoch;
    for (uint32_t i = 0; i < target->queue_count && queue->core != NULL; i++) {
        const struct flue_server *other = target->queues[i].core;

        if (other != NULL && other->clock_ps > queue->core->clock_ps && target_obeys(target, 288)) {
            (void)flue_server_begin(queue->core, other->clock_ps);
        }
    }
}

/* ---- Which ---- */

struct target_queue *rss_base(struct flue_target *target)
{
    return &target->queues[target->rss.settings.Parameters.BaseCpuNumber];
}

static struct target_queue *look_up(struct flue_target *target, uint32_t hash)
{
    const FLUE_RECEIVE_SCALE *settings = &target->rss.settings;
    const uint32_t entry = hash & (settings->Parameters.IndirectionTableSize - 1u);

    return &target->queues[settings->Table[entry] + settings->Parameters.BaseCpuNumber];
}

static bool has_type(const struct flue_target *target, ULONG types)
{
    return (target->rss.settings.Parameters.HashInformation & types) != 0;
}

struct target_queue *rss_queue(struct flue_target *target, const struct target_context *context)
{
    const ULONG types = context->path->v6 ? NDIS_HASH_TCP_IPV6 | NDIS_HASH_IPV6 : NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV4;

    return has_type(target, types) ? look_up(target, context->hash) : rss_base(target);
}

struct target_queue *rss_queue_of_frame(struct flue_target *target, const struct flue_frame *frame)
{
    const bool v6 = frame->ethertype == FLUE_ETHERTYPE_IPV6;
    bool ports = frame->kind == FLUE_FRAME_TCP && has_type(target, v6 ? NDIS_HASH_TCP_IPV6 : NDIS_HASH_TCP_IPV4);
    uint32_t hash;

    if (frame->kind == FLUE_FRAME_ARP || frame->kind == FLUE_FRAME_ND ||
        (!ports && !has_type(target, v6 ? NDIS_HASH_IPV6 : NDIS_HASH_IPV4))) {
        return rss_base(target);
    }
    hash = toeplitz_hash(target->rss.settings.Key, &frame->src_ip, &frame->dst_ip, frame->src_port, frame->dst_port,
                         ports);
    return look_up(target, hash);
}

/* ---- OID_GEN_RECEIVE_SCALE_PARAMETERS ---- */

static bool power_of_two(ULONG value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Whether an array behind the structure is all in the buffer. */
static bool holds(const NDIS_OID_REQUEST *request, ULONG offset, ULONG bytes)
{
    return offset >= NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1 && offset <= request->InformationBufferLength &&
           bytes <= request->InformationBufferLength - offset;
}

/* The members that a set does not call unchanged, over those that were set before.  False: something does not lie in
 * the buffer, or is too long for this adapter. */
static bool merge(const NDIS_OID_REQUEST *request, const NDIS_RECEIVE_SCALE_PARAMETERS *wanted,
                  FLUE_RECEIVE_SCALE *into)
{
    const UCHAR *buffer = (const UCHAR *)request->InformationBuffer;

    if ((wanted->Flags & NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED) == 0) {
        into->Parameters.BaseCpuNumber = wanted->BaseCpuNumber;
    }
    if ((wanted->Flags & NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED) == 0) {
        into->Parameters.HashInformation = wanted->HashInformation;
    }
    if ((wanted->Flags & NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED) == 0) {
        if (wanted->IndirectionTableSize > sizeof into->Table ||
            !holds(request, wanted->IndirectionTableOffset, wanted->IndirectionTableSize)) {
            return false;
        }
        into->Parameters.IndirectionTableSize = wanted->IndirectionTableSize;
        memcpy(into->Table, buffer + wanted->IndirectionTableOffset, wanted->IndirectionTableSize);
    }
    if ((wanted->Flags & NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED) == 0) {
        if (wanted->HashSecretKeySize > sizeof into->Key ||
            !holds(request, wanted->HashSecretKeyOffset, wanted->HashSecretKeySize)) {
            return false;
        }
        into->Parameters.HashSecretKeySize = wanted->HashSecretKeySize;
        memset(into->Key, 0, sizeof into->Key);
        memcpy(into->Key, buffer + wanted->HashSecretKeyOffset, wanted->HashSecretKeySize);
    }
    return true;
}

/* A function and types that the adapter knows, a table without holes, and no processor but those that it interrupts. */
static bool sound(const struct flue_target *target, const FLUE_RECEIVE_SCALE *settings)
{
    const ULONG types = NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6;
    const NDIS_RECEIVE_SCALE_PARAMETERS *parameters = &settings->Parameters;
    const ULONG given = parameters->HashInformation & ~(ULONG)NDIS_HASH_FUNCTION_MASK;

    if ((parameters->HashInformation & NDIS_HASH_FUNCTION_MASK) != NdisHashFunctionToeplitz || given == 0 ||
        (given & ~types) != 0 || !power_of_two(parameters->IndirectionTableSize) ||
        parameters->HashSecretKeySize != sizeof settings->Key || parameters->BaseCpuNumber >= target->queue_count) {
        return false;
    }
    for (ULONG i = 0; i < parameters->IndirectionTableSize; i++) {
        if (settings->Table[i] >= target->queue_count - parameters->BaseCpuNumber) {
            return false;
        }
    }
    return true;
}

NDIS_STATUS rss_set(struct flue_target *target, PNDIS_OID_REQUEST request)
{
    const ULONG least = NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1;
    FLUE_RECEIVE_SCALE settings = target->rss.settings;
    NDIS_RECEIVE_SCALE_PARAMETERS wanted;
    bool on;

    if (target->queue_count == 1) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    if (request->InformationBufferLength < least) {
        request->BytesNeeded = least;
        return NDIS_STATUS_INVALID_LENGTH;
    }
    memcpy(&wanted, request->InformationBuffer, sizeof wanted);
    if (wanted.Header.Type != NDIS_OBJECT_TYPE_RSS_PARAMETERS ||
        wanted.Header.Revision < NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1 || wanted.Header.Size < least) {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    on = (wanted.Flags & NDIS_RSS_PARAM_FLAG_DISABLE_RSS) == 0 &&
         ((wanted.Flags & NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED) != 0 || wanted.HashInformation != 0);
    if (!on) {
        settings = (FLUE_RECEIVE_SCALE){.Parameters.HashInformation = 0};
    } else if (!merge(request, &wanted, &settings)) {
        return NDIS_STATUS_INVALID_LENGTH;
    } else if (!sound(target, &settings)) {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    target->rss.settings = settings;
    target->rss.on = on;
    target->rss.epoch++; /* what was received so far is seen first */
    request->BytesDone = request->InformationBufferLength;
    return NDIS_STATUS_SUCCESS;
}

/* N answers it out of what was set last; that is here, so N passes it on. */
NDIS_STATUS rss_query(const struct flue_target *target, PNDIS_OID_REQUEST request)
{
    FLUE_RECEIVE_SCALE answer = target->rss.settings;

    if (target->queue_count == 1) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    if (request->InformationBufferLength < sizeof answer) {
        request->BytesNeeded = sizeof answer;
        return NDIS_STATUS_INVALID_LENGTH;
    }
    answer.Parameters.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_RSS_PARAMETERS, NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1,
                             NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1};
    answer.Parameters.IndirectionTableOffset = offsetof(FLUE_RECEIVE_SCALE, Table);
    answer.Parameters.HashSecretKeyOffset = offsetof(FLUE_RECEIVE_SCALE, Key);
    memcpy(request->InformationBuffer, &answer, sizeof answer);
    request->BytesDone = sizeof answer;
    return NDIS_STATUS_SUCCESS;
}
