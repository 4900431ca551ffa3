/* SPDX-License-Identifier: GPL-2.0-only */
/* host/upload.c - taking connections back: terminate, its completion, and the import of a state; and the end of path
 * and neighbour objects. */
#include "host/charge.h"

#include <assert.h>

#define BACK_OFF_MOST_PS (64 * FLUE_PS_PER_S)

/* NULL: no memory; it stays in software, unless somebody asks. */
static struct host_wait *wait_of(struct flue_socket *socket)
{
    if (socket->wait == NULL) {
        socket->wait = pool_get(&socket->host->waits);
        if (socket->wait != NULL) {
            *socket->wait = (struct host_wait){.socket = socket};
        }
    }
    return socket->wait;
}

static void wait_in(struct host_wait *wait, struct flue_hook *list)
{
    if (hook_linked(&wait->hook)) {
        list_remove(&wait->hook);
    }
    wait->socket->flags |= SOCKET_REOFFER;
    list_push_back(list, &wait->hook);
}

/* A connection that had to come back waits before it goes again, twice as long each time (D-35). */
static void back_off(struct flue_socket *socket)
{
    struct flue_host *host = socket->host;
    const flue_ps first_ps = (flue_ps)host->params.ddi.reoffload_backoff_ms * FLUE_PS_PER_MS;
    flue_ps wait_ps = first_ps;

    for (unsigned i = 0; i < socket->driven_back && wait_ps < BACK_OFF_MOST_PS; i++) {
        wait_ps *= 2;
    }
    if (first_ps == 0 || wait_of(socket) == NULL) {
        return;
    }
    socket->driven_back = (uint8_t)(socket->driven_back < UINT8_MAX ? socket->driven_back + 1 : UINT8_MAX);
    socket->wait->not_before_ps =
        host->env->now(host->env->ctx) + (wait_ps < BACK_OFF_MOST_PS ? wait_ps : BACK_OFF_MOST_PS);
    if (host->params.reoffer != 0) {
        const unsigned step = socket->driven_back < HOST_REOFFER_STEPS ? socket->driven_back : HOST_REOFFER_STEPS;

        wait_in(socket->wait, &host->reoffers[step - 1]);
        if (host->reoffer.due_ps > socket->wait->not_before_ps) {
            timers_arm(host->timers, &host->reoffer, socket->wait->not_before_ps);
        }
    }
}

/* Those whose time has come, of one step. */
static void ripen(struct flue_host *host, struct flue_hook *step, flue_ps now_ps, flue_ps *next_ps)
{
    struct flue_hook *hook;

    while ((hook = list_first(step)) != NULL) {
        struct flue_socket *socket = FLUE_CONTAINER_OF(hook, struct host_wait, hook)->socket;

        if (socket->wait->not_before_ps > now_ps) {
            *next_ps = socket->wait->not_before_ps < *next_ps ? socket->wait->not_before_ps : *next_ps;
            break;
        }
        list_remove(hook);
        list_push_back(&host->ripe, hook);
    }
}

/* One timer for all: it fires at the earliest, looks at those whose time has come, and finds the next. */
void upload_reoffer_due(struct timer *timer, flue_ps now_ps)
{
    struct flue_host *host = FLUE_CONTAINER_OF(timer, struct flue_host, reoffer);
    flue_ps next_ps = FLUE_PS_NEVER;
    struct flue_hook *hook;

    host_enter(host, now_ps);
    for (unsigned step = 0; step < HOST_REOFFER_STEPS; step++) {
        ripen(host, &host->reoffers[step], now_ps, &next_ps);
    }
    while ((hook = list_pop_front(&host->ripe)) != NULL) {
        struct flue_socket *socket = FLUE_CONTAINER_OF(hook, struct host_wait, hook)->socket;

        if (offload_possible(socket)) {
            socket->flags &= ~(uint32_t)SOCKET_REOFFER;
            offload_want(socket, FLUE_MOVE_POLICY);
        } else { /* its adapter takes none, or it is on its way back; whatever ends that calls again */
            list_push_back(&host->parked, hook);
        }
    }
    timers_arm(host->timers, timer, next_ps);
    host_leave(host);
}

void upload_reoffer_now(struct flue_host *host)
{
    if (host->params.reoffer != 0) {
        list_splice_back(&host->ripe, &host->parked);
        timers_arm(host->timers, &host->reoffer, host->env->now(host->env->ctx));
    }
}

/* It is here again, and its time has come already. */
static void reoffer_back(struct flue_socket *socket)
{
    struct flue_host *host = socket->host;

    if ((socket->flags & SOCKET_REOFFER) != 0 && socket->wait->not_before_ps <= host->env->now(host->env->ctx)) {
        wait_in(socket->wait, &host->ripe);
        timers_arm(host->timers, &host->reoffer, host->env->now(host->env->ctx));
    }
}

void upload_want(struct flue_socket *socket, enum flue_move why)
{
    if (socket->holder != FLUE_HOLDER_TARGET || (socket->flags & SOCKET_TAKE) != 0) {
        return;
    }
    socket->flags |= SOCKET_TAKE;
    socket->why = (uint8_t)why;
    list_push_back(&socket->host->takes, &socket->move);
    if (why == FLUE_MOVE_RETRIEVE || why == FLUE_MOVE_NO_ROUTE) {
        back_off(socket);
    } else if (why == FLUE_MOVE_UPLOAD_ALL && socket->host->params.reoffer != 0) {
        struct host_wait *wait = wait_of(socket);

        if (wait != NULL && !hook_linked(&wait->hook)) {
            wait_in(wait, &socket->host->parked); /* not its fault: as soon as the adapter takes connections again */
        }
    }
}

void upload_all(struct host_binding *binding)
{
    FLUE_LIST_EACH(hook, &binding->host->all)
    {
        struct flue_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_socket, all);

        if (socket->lease != NULL && socket->lease->object.binding == binding) {
            upload_want(socket, FLUE_MOVE_UPLOAD_ALL);
            socket->lease->recalled = 1; /* CH-308: even if the target resumes before it has taken it */
        }
    }
    binding->release_wanted = 1;
    binding->review = 1;
}

void lease_put(struct flue_host *host, struct host_lease *lease)
{
    if (hook_linked(&lease->object.dirty)) {
        list_remove(&lease->object.dirty);
    }
    pool_put(&host->leases, lease);
}

/* ---- Terminate */

/* Connections of one moment go as sibling roots of one tree.  One of which something is pending, or whose sends and
 * posts are being made, goes later (CH-114, CH-115, D-27). */
static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST build(struct flue_host *host, struct host_binding *binding)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = NULL, *end = &root;
    uint32_t count = 0;

    FLUE_LIST_EACH_SAFE(hook, &host->takes)
    {
        struct flue_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_socket, move);
        struct host_object *object = &socket->lease->object;
        TCP_OFFLOAD_STATE_DELEGATED *delegated;
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

        if (object->binding != binding || !object_may_end(object)) {
            continue;
        }
        if (count++ == host->params.tree_connections) {
            break;
        }
        block = tree_block(host, TcpOffloadDelegatedState, &object->handle, socket);
        if (block == NULL) {
            host_retry(host);
            break;
        }
        delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated;
        delegated->Header.Length =
            host->params.ddi.ndis_version == FLUE_NDIS_6_0 ? FLUE_TCP_DELEGATED_LENGTH_1 : (ULONG)sizeof *delegated;
        list_remove(&socket->move);
        charge_terminate(host, &socket->account, 0);
        object_enter(object, OBJECT_GIVING_BACK);
        if (socket->holder == FLUE_HOLDER_TARGET) {
            binding->targets--;
            socket_enter(socket, FLUE_HOLDER_GIVING_BACK, (enum flue_move)socket->why);
        }
        socket->flags &= ~(uint32_t)SOCKET_TAKE;
        *end = block;
        end = &block->NextBlock;
    }
    return root;
}

void upload_start(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root;

    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        while (!list_empty(&host->takes) && (root = build(host, binding)) != NULL) {
            charge_initiate_tree(host, NULL, 0);
            protocol_terminate(binding, root);
        }
        if (binding->review) {
            binding->review = 0;
            upload_objects(binding, binding->release_wanted && binding->targets == 0);
            binding_review(binding);
        }
    }
}

/* ---- Import */

static void send_lists(struct flue_socket *socket, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct ndis_spans spans = ndis_spans_of_data(first->FirstNetBuffer);
        struct flue_span span;

        while (socket->conn != NULL && ndis_spans_next(&spans, &span)) {
            if (flue_tcp_send(socket->conn, &span, host_now(socket->host)) != FLUE_OK) {
                socket->flags |= SOCKET_ABORT_WANTED; /* no memory: better a reset than a hole */
                break;
            }
        }
        ndis_nbl_put(first);
        first = next;
    }
}

/* Order of the send data: what the target gave back in the chain, what it completed unsent, what waited here. */
void upload_import(struct flue_socket *socket, const struct flue_tcp_state *state, PNET_BUFFER_LIST chain,
                   uint32_t unread_bytes)
{
    struct flue_host *host = socket->host;
    struct host_lease *lease = socket->lease;
    flue_err err = flue_tcp_import(host->tcp, state, socket, socket->id, unread_bytes, host_now(host), &socket->conn);

    socket->lease = NULL;
    if (err != FLUE_OK) {
        socket->conn = NULL;
        socket_ended(socket, FLUE_TCP_BY_ABORT);
    }
    send_lists(socket, chain);
    send_lists(socket, lease->requeued.first);
    lease_put(host, lease);
    if (socket->conn == NULL) {
        return;
    }
    if (flue_tcp_covered(socket->conn) == 0) {
        socket->flags |= SOCKET_ABORT_WANTED; /* what is sent next would be taken for bytes that did not come back */
    }
    socket->flags &= ~(uint32_t)(SOCKET_FIN_SENT | SOCKET_FIN_TOLD);
    if (state->state != FLUE_TCP_ESTABLISHED && state->state != FLUE_TCP_CLOSE_WAIT) {
        socket->flags |= SOCKET_FIN_TOLD; /* the FIN is in the state (D-30) */
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) == 0) {
        socket_post(socket);
        flue_tcp_start(socket->conn, host_now(host));
    } else {
        socket_post(socket); /* the reset: nothing of the rest is sent */
    }
    hold_process(socket);
}

/* ---- Completion */

/* Received data that the target had acknowledged and not delivered.  After a reset nobody wants it any more (D-37). */
static uint32_t take_buffered(struct flue_socket *socket, PNET_BUFFER_LIST first, bool wanted)
{
    struct flue_host *host = socket->host;
    uint64_t bytes = 0;

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct ndis_spans spans = ndis_spans_of_data(first->FirstNetBuffer);
        struct flue_span span;

        while (wanted && ndis_spans_next(&spans, &span)) {
            socket_add_piece(socket, &span);
            bytes += span.length_bytes;
        }
        ndis_chain_append(&socket->lease->object.binding->indicated, first);
        socket->lists++;
        first = next;
    }
    charge_terminate_copy(host, &socket->account, bytes);
    host->totals.buffered_bytes_taken += bytes;
    socket->owed_bytes += (uint32_t)bytes;
    return (uint32_t)bytes;
}

/* What the target completed is known; the rest of what it acknowledged shows in what it did not give back. */
static void count_acked(struct flue_socket *socket, PNET_BUFFER_LIST chain)
{
    uint64_t unacked = ndis_chain_bytes(chain) + ndis_chain_bytes(socket->lease->requeued.first) + socket->sent_bytes -
                       socket->posted_bytes;
    uint64_t acked = socket->sent_bytes - unacked;

    if (unacked <= socket->sent_bytes && acked > socket->acked_bytes) {
        socket->tell_acked_bytes += (uint32_t)(acked - socket->acked_bytes);
        socket->acked_bytes = acked;
    }
}

static void drop_lists(struct flue_socket *socket, PNET_BUFFER_LIST chain)
{
    struct flue_host *host = socket->host;

    send_lists(socket, chain);
    send_lists(socket, socket->lease->requeued.first);
    lease_put(host, socket->lease);
    socket->lease = NULL;
    hold_drop(socket);
}

static enum flue_tcp_reason reason_of(const struct flue_socket *socket)
{
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        return FLUE_TCP_BY_ABORT;
    }
    if ((socket->flags & SOCKET_RESET) != 0) {
        return FLUE_TCP_BY_RESET;
    }
    return (socket->flags & SOCKET_TIMED_OUT) != 0 ? FLUE_TCP_BY_TIMEOUT : FLUE_TCP_BY_SEGMENT;
}

static void returned(struct flue_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    const TCP_OFFLOAD_STATE_DELEGATED *delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated;
    const struct host_fixed *fixed = &socket->lease->fixed;
    bool over = delegated->State == TcpConnectionClosed || (socket->flags & (SOCKET_RESET | SOCKET_ABORT_TOLD)) != 0;
    struct flue_tcp_state state = {.tuple = socket->tuple};
    uint32_t unread_bytes = take_buffered(socket, delegated->BufferedData, (socket->flags & SOCKET_RESET) == 0);

#define COPY_tcp_const(name)  state.name = fixed->name;
#define COPY_tcp_cached(name) state.name = fixed->name;
#define COPY_tcp_delegated(name)
#define FLUE_STATE(class_, name, type, unit, member, since) COPY_##class_(name)
#include "flue/state.def"
    ndis_state_get(&state, NULL, NULL, delegated);
    update_carry(socket->lease, &state);
    state.tuple = socket->tuple;
    socket->host->totals.chain_bytes_taken += ndis_chain_bytes(block->NetBufferListChain);
    socket->host->totals.uploaded++;
    if (!over || (socket->flags & (SOCKET_RESET | SOCKET_ABORT_WANTED | SOCKET_TIMED_OUT)) == 0) {
        count_acked(socket, block->NetBufferListChain);
    }
    socket_enter(socket, FLUE_HOLDER_HOST, FLUE_MOVE_COMPLETED);
    /* A connection that is over, and nothing broke it off, has had the FINs of both. */
    if (((over && reason_of(socket) == FLUE_TCP_BY_SEGMENT) ||
         (delegated->State >= TcpConnectionCloseWait && delegated->State != TcpConnectionMaxState)) &&
        (socket->flags & SOCKET_PEER_FIN) == 0) {
        socket->flags |= SOCKET_PEER_FIN | SOCKET_TELL_PEER_FIN;
    }
    socket->flags |= SOCKET_TELL_MOVED;
    reoffer_back(socket);
    if (over) {
        drop_lists(socket, block->NetBufferListChain);
        socket_ended(socket, reason_of(socket));
    } else {
        upload_import(socket, &state, block->NetBufferListChain, unread_bytes);
    }
    socket_attend(socket);
}

/* The state is gone, and with it the connection (D-32).  What was received and not delivered nobody wants any more. */
static void lost(struct flue_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    if (block->Status == NDIS_STATUS_SUCCESS) {
        (void)take_buffered(socket, ((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated.BufferedData, false);
    }
    drop_lists(socket, block->NetBufferListChain);
    socket_ended(socket, FLUE_TCP_BY_ABORT);
}

/* Terminate failed.  By the recipe of the page the target keeps the object for one more terminate (D-32): true for the
 * first failure, after which the host keeps it, too. */
static bool kept(struct host_object *object)
{
    object_enter(object, OBJECT_LOST);
    return object->binding->host->params.ddi.terminate_recipe != 0 && object->failed++ == 0;
}

/* After a failure that was kept both events follow, then the terminate that ends it. */
void upload_again(struct flue_socket *socket)
{
    if (socket->holder == FLUE_HOLDER_LOST && socket->lease != NULL && socket->lease->object.state == OBJECT_LOST &&
        (socket->flags & (SOCKET_RESET | SOCKET_TAKE)) == SOCKET_RESET) {
        socket->flags |= SOCKET_TAKE;
        list_push_back(&socket->host->takes, &socket->move);
    }
}

static void complete_tcp(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct flue_socket *socket = block->ProtocolReserved[0];
    struct host_object *object = &socket->lease->object;
    const bool failed = block->Status != NDIS_STATUS_SUCCESS;

    if (failed && socket->holder != FLUE_HOLDER_LOST) {
        socket_enter(socket, FLUE_HOLDER_LOST, FLUE_MOVE_FAILED);
    }
    if (failed && kept(object)) {
        return;
    }
    block->OffloadHandle->MiniportOffloadContext = NULL;
    object_release(&socket->lease->path->object);
    object_enter(object, OBJECT_HERE);
    if (socket->holder == FLUE_HOLDER_LOST) {
        lost(socket, block);
    } else {
        returned(socket, block);
    }
}

/* ---- Paths and neighbours */

/* Without its state a path or neighbour can be offloaded anew. */
static void complete_object(struct host_object *object, struct host_object *parent, NDIS_STATUS status)
{
    if (status != NDIS_STATUS_SUCCESS) {
        object->binding->host->totals.failed++;
        if (kept(object)) {
            object_doom(object); /* once more, at once: nobody is told of it */
            return;
        }
    }
    object->handle.MiniportOffloadContext = NULL;
    object_enter(object, OBJECT_HERE);
    if (parent != NULL) {
        object_release(parent);
    }
}

static void complete_path(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_path *path = block->ProtocolReserved[0];

    complete_object(&path->object, &path->neighbour->object, block->Status);
}

static void complete_neighbour(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_neighbour *neighbour = block->ProtocolReserved[0];

    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST path = block->DependentBlockList; path != NULL; path = path->NextBlock) {
        complete_path(path);
    }
    complete_object(&neighbour->object, NULL, block->Status);
}

void upload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        switch (flue_state_layer(block->Header.Type)) {
        case FLUE_LAYER_NEIGHBOR:
            complete_neighbour(block);
            break;
        case FLUE_LAYER_PATH:
            complete_path(block);
            break;
        case FLUE_LAYER_TCP:
            complete_tcp(block);
            break;
        case FLUE_LAYER_NONE:
            assert(false); /* no block of this host */
        }
    }
    tree_free(host, root);
}

static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST object_block(unsigned type, uint32_t length, struct host_object *object,
                                                      void *owner)
{
    struct flue_host *host = object->binding->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = tree_block(host, type, &object->handle, owner);

    if (block != NULL) {
        flue_state_first(block)->Length = length;
        object_enter(object, OBJECT_GIVING_BACK);
        charge_initiate_tree(host, NULL, 0);
    } else {
        host_retry(host);
    }
    return block;
}

/* Whether it is time for an object to go; a path also goes with its neighbour. */
static bool may_go(const struct host_object *object, bool all)
{
    return (all || object->doomed != 0) && object_may_end(object);
}

/* Collects, under each neighbour of an adapter, blocks of the paths that go. */
static void gather_paths(struct host_binding *binding, bool all)
{
    FLUE_LIST_EACH(hook, &binding->host->path_list)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, hook);
        struct host_object *parent = &path->neighbour->object;
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

        if (path->object.binding != binding || path->object.dependents > 0 ||
            !may_go(&path->object, all || parent->doomed != 0)) {
            continue;
        }
        block = object_block(tree_path_type(path, Ip4OffloadDelegatedState), sizeof(PATH_OFFLOAD_STATE_DELEGATED),
                             &path->object, path);
        if (block == NULL) {
            return;
        }
        if (parent->last == NULL) {
            parent->block = block;
        } else {
            parent->last->NextBlock = block;
        }
        parent->last = block;
        parent->gathered++;
    }
}

static void terminate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    if (root != NULL) {
        charge_initiate_tree(binding->host, NULL, 0);
        protocol_terminate(binding, root);
    }
}

/* Paths that nothing depends on, as sibling roots; or under their neighbour's block if nothing else depends on that, so
 * that all go in one tree (CH-113). */
void upload_objects(struct host_binding *binding, bool all)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST lone = NULL, *lone_end = &lone, root = NULL, *end = &root;

    gather_paths(binding, all);
    FLUE_LIST_EACH(hook, &binding->neighbours)
    {
        struct host_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct host_neighbour, hook);
        struct host_object *object = &neighbour->object;
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST paths = object->block, last = object->last, block = NULL;

        if (object->dependents == object->gathered && may_go(object, all)) {
            block = object_block(NeighborOffloadDelegatedState, sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED), object,
                                 neighbour);
        }
        object->block = object->last = NULL;
        object->gathered = 0;
        if (block != NULL) {
            block->DependentBlockList = paths;
            *end = block;
            end = &block->NextBlock;
        } else if (paths != NULL) {
            *lone_end = paths;
            lone_end = &last->NextBlock;
        }
    }
    terminate(binding, lone);
    terminate(binding, root);
}

void flue_host_release_offload(struct flue_host *host, flue_ps at_ps)
{
    host_enter(host, at_ps);
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        upload_objects(FLUE_CONTAINER_OF(hook, struct host_binding, hook), true);
    }
    host_leave(host);
}
