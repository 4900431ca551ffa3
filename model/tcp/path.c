/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/path.c - what connections share: the path between two addresses with its MTU, and equal settings. */
#include <assert.h>
#include <string.h>

#include "tcp/conn.h"

#define V4_HEADER_BYTES  40u /* IP and TCP without options */
#define V6_HEADER_BYTES  60u
#define TIMESTAMPS_BYTES 12u
#define LEAST_MSS_BYTES  64u /* a peer that asks for less is not believed */

static uint32_t path_hash(const struct flue_ip *local_ip, const struct flue_ip *remote_ip)
{
    return hash_tuple(hash_ip(local_ip->word), hash_ip(remote_ip->word), 0, 0);
}

static bool has_addresses(const void *item, const void *key)
{
    const struct tcp_path *path = item;
    const struct tcp_path *wanted = key;

    return flue_ip_equal(&path->remote_ip, &wanted->remote_ip) && flue_ip_equal(&path->local_ip, &wanted->local_ip);
}

/* The one between two addresses, made if there is none; NULL: no memory. */
static struct tcp_path *find_path(struct flue_tcp *stack, const struct flue_ip *local_ip,
                                  const struct flue_ip *remote_ip)
{
    const struct tcp_path wanted = {
        .local_ip = *local_ip,
        .remote_ip = *remote_ip,
        .lowered_ps = FLUE_PS_NEVER,
        .mtu_bytes = stack->params.mtu_bytes,
        .hash = path_hash(local_ip, remote_ip),
        .v6 = !flue_ip_is_v4(remote_ip),
    };
    struct tcp_path *path = hash_table_find(&stack->paths, wanted.hash, has_addresses, &wanted);

    if (path != NULL) {
        return path;
    }
    path = pool_get(&stack->path_pool);
    if (path == NULL) {
        return NULL;
    }
    *path = wanted;
    if (hash_table_insert(&stack->paths, path->hash, path) != FLUE_OK) {
        pool_put(&stack->path_pool, path);
        return NULL;
    }
    return path;
}

/* Connections that come one after the other mostly have the same path, and the same settings. */
struct tcp_path *tcp_path_get(struct flue_tcp *stack, const struct flue_ip *local_ip, const struct flue_ip *remote_ip)
{
    struct tcp_path *path = stack->latest_path;

    if (path == NULL || !flue_ip_equal(&path->remote_ip, remote_ip) || !flue_ip_equal(&path->local_ip, local_ip)) {
        path = find_path(stack, local_ip, remote_ip);
    }
    if (path != NULL) {
        path->users++;
        stack->latest_path = path;
    }
    return path;
}

void tcp_path_put(struct flue_tcp *stack, struct tcp_path *path)
{
    if (--path->users == 0) {
        if (stack->latest_path == path) {
            stack->latest_path = NULL;
        }
        bool known = hash_table_remove(&stack->paths, path->hash, path);

        assert(known);
        (void)known;
        pool_put(&stack->path_pool, path);
    }
}

static uint32_t settings_hash(const struct flue_tcp_settings *values)
{
    uint64_t word[sizeof(*values) / sizeof(uint64_t)];
    uint64_t hash = 0;

    _Static_assert(sizeof(*values) % sizeof(uint64_t) == 0, "settings have no bytes beside their members");
    memcpy(word, values, sizeof(word));
    for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
        hash = hash_mix(hash ^ word[i]);
    }
    return (uint32_t)(hash >> 16);
}

static bool has_values(const void *item, const void *key)
{
    return memcmp(&((const struct tcp_shared *)item)->values, key, sizeof(struct flue_tcp_settings)) == 0;
}

/* The record of these values, made if there is none; NULL: no memory. */
static struct tcp_shared *find_settings(struct flue_tcp *stack, const struct flue_tcp_settings *values)
{
    uint32_t hash = settings_hash(values);
    struct tcp_shared *shared = hash_table_find(&stack->settings, hash, has_values, values);

    if (shared != NULL) {
        return shared;
    }
    shared = pool_get(&stack->settings_pool);
    if (shared == NULL) {
        return NULL;
    }
    *shared = (struct tcp_shared){.values = *values, .hash = hash};
    if (hash_table_insert(&stack->settings, hash, shared) != FLUE_OK) {
        pool_put(&stack->settings_pool, shared);
        return NULL;
    }
    return shared;
}

const struct flue_tcp_settings *tcp_settings_get(struct flue_tcp *stack, const struct flue_tcp_settings *values)
{
    struct tcp_shared *shared = stack->latest_settings;

    if (shared == NULL || !has_values(shared, values)) {
        shared = find_settings(stack, values);
    }
    if (shared == NULL) {
        return NULL;
    }
    shared->users++;
    stack->latest_settings = shared;
    return &shared->values;
}

/* Only this file writes records, and all of them are its own. */
void tcp_settings_put(struct flue_tcp *stack, const struct flue_tcp_settings *values)
{
    struct tcp_shared *shared =
        (struct tcp_shared *)(uintptr_t)FLUE_CONTAINER_OF(values, const struct tcp_shared, values);

    if (--shared->users == 0) {
        if (stack->latest_settings == shared) {
            stack->latest_settings = NULL;
        }
        hash_table_remove(&stack->settings, shared->hash, shared);
        pool_put(&stack->settings_pool, shared);
    }
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint16_t tcp_own_mss(const struct flue_tcp_conn *conn)
{
    uint32_t mss = conn->settings->mss_bytes;

    return (uint16_t)(conn->path->v6 ? mss - (V6_HEADER_BYTES - V4_HEADER_BYTES) : mss);
}

uint16_t tcp_mss(const struct flue_tcp_conn *conn)
{
    const uint32_t headers = conn->path->v6 ? V6_HEADER_BYTES : V4_HEADER_BYTES;
    uint32_t mss = conn->remote_mss_bytes;

    if (mss < LEAST_MSS_BYTES) {
        mss = LEAST_MSS_BYTES;
    }
    mss = smaller(mss, tcp_own_mss(conn));
    mss = smaller(mss, conn->path->mtu_bytes - headers);
    /* RFC 6691: the option says nothing about TCP options, each segment pays for its own. */
    return (uint16_t)((conn->flags & TCP_TIMESTAMPS) != 0 ? mss - TIMESTAMPS_BYTES : mss);
}

void tcp_set_mss(struct flue_tcp_conn *conn)
{
    conn->mss_bytes = tcp_mss(conn);
    conn->mtu_bytes = (uint16_t)conn->path->mtu_bytes;
}

uint32_t tcp_initial_window(const struct flue_tcp_conn *conn)
{
    return cc_initial_bytes(conn->mss_bytes, conn->stack->params.initial_window);
}
