/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/party_linux.h - Linux' TCP as a party: real sockets in a namespace of our own, real time. */
#ifndef FLUE_INTEROP_PARTY_LINUX_H
#define FLUE_INTEROP_PARTY_LINUX_H

#include "exchange.h"
#include "party.h"
#include "tun.h"

struct party_linux {
    struct party party;
    struct tun tun;
    int epoll; /* tells when anything has happened to a socket */
    char complaint[200];
    void (*out)(void *ctx, const uint8_t *packet, size_t bytes);
    void *out_ctx;
};

/* Its device gets the addresses; out is called with what Linux sends.  0: complaint tells why not. */
int party_linux_open(struct party_linux *p, const char *name, const struct flue_ip *v4, const struct flue_ip *v6,
                     void (*out)(void *ctx, const uint8_t *packet, size_t bytes), void *out_ctx);
void party_linux_close(struct party_linux *p);
/* Takes in what Linux has sent. */
void party_linux_read(struct party_linux *p);
/* A socket that was made by other means becomes one of the party's. */
void party_linux_watch(struct party_linux *p, int fd);

/* Address and port for the socket calls; answers the length. */
struct sockaddr_storage;
unsigned party_linux_address(const struct flue_ip *ip, uint16_t port, struct sockaddr_storage *out);

/* The clock of live exchanges: time since its first call. */
flue_ps live_now(void);

/* Plays the exchange in real time, for at most `limit_ps`, until it is over or stop(ctx) answers 1.  linux_count of the
 * parties are Linux. */
void live_play(struct exchange *x, struct party_linux *const *parties, unsigned party_count, flue_ps limit_ps,
               int (*stop)(void *ctx), void *ctx);

#endif
