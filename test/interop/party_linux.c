/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux' TCP as a party, and exchanges in real time. */
#define _GNU_SOURCE
#include "party_linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PACKET_BYTES 65536
#define PROTOCOL_TCP     6

static int complain(struct party_linux *p, const char *what)
{
    (void)snprintf(p->complaint, sizeof p->complaint, "%s: %s", what, strerror(errno));
    return PARTY_FAILED;
}

unsigned party_linux_address(const struct flue_ip *ip, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (flue_ip_is_v4(ip)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(ip->word[3])}};

        memcpy(out, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = htonl(ip->word[i]);

        memcpy(v6.sin6_addr.s6_addr + 4 * i, &word, sizeof word);
    }
    memcpy(out, &v6, sizeof v6);
    return sizeof v6;
}

void party_linux_watch(struct party_linux *p, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.fd = fd}};

    (void)epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_socket(struct party_linux *p, const struct flue_ip *ip)
{
    int fd;

    tun_enter(&p->tun);
    fd = socket(flue_ip_is_v4(ip) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return complain(p, "socket");
    }
    party_linux_watch(p, fd);
    return fd;
}

static int do_listen(void *ctx, const struct flue_ip *local, uint16_t port)
{
    struct party_linux *p = ctx;
    struct sockaddr_storage name;
    socklen_t bytes = party_linux_address(local, port, &name);
    int fd = open_socket(p, local);

    if (fd >= 0 && (bind(fd, (struct sockaddr *)&name, bytes) != 0 || listen(fd, 8) != 0)) {
        return complain(p, "bind and listen");
    }
    return fd;
}

static int do_connect(void *ctx, const struct flue_ip *local, const struct flue_ip *remote, uint16_t port)
{
    struct party_linux *p = ctx;
    struct sockaddr_storage name;
    socklen_t bytes = party_linux_address(remote, port, &name);
    int fd = open_socket(p, remote);

    (void)local;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, bytes) != 0 && errno != EINPROGRESS) {
        return complain(p, "connect");
    }
    return fd;
}

static int do_accept(void *ctx, int listener)
{
    struct party_linux *p = ctx;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return errno == EAGAIN ? PARTY_END : complain(p, "accept");
    }
    party_linux_watch(p, fd);
    return fd;
}

static int64_t do_send(void *ctx, int fd, const uint8_t *data, size_t bytes)
{
    struct party_linux *p = ctx;
    ssize_t taken = send(fd, data, bytes, MSG_NOSIGNAL);

    if (taken < 0) {
        return errno == EAGAIN ? PARTY_WAIT : complain(p, "send");
    }
    return taken;
}

static int64_t do_recv(void *ctx, int fd, uint8_t *data, size_t room)
{
    struct party_linux *p = ctx;
    ssize_t got = recv(fd, data, room, 0);

    if (got < 0) {
        return errno == EAGAIN ? PARTY_WAIT : complain(p, "recv");
    }
    return got == 0 ? PARTY_END : got;
}

/* In SYN-SENT Linux would give the connection up. */
static int do_shut(void *ctx, int fd)
{
    struct sockaddr_storage name;
    socklen_t bytes = sizeof name;

    (void)ctx;
    return getpeername(fd, (struct sockaddr *)&name, &bytes) == 0 && shutdown(fd, SHUT_WR) == 0;
}

static void do_close(void *ctx, int fd)
{
    (void)ctx;
    (void)close(fd);
}

static void input(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    struct party_linux *p = ctx;
    ssize_t written = write(p->tun.fd, packet, bytes); /* a packet that it refuses is a packet lost */

    (void)now_ps;
    (void)written;
}

static const char *complaint(void *ctx)
{
    struct party_linux *p = ctx;

    return p->complaint;
}

int party_linux_open(struct party_linux *p, const char *name, const struct flue_ip *v4, const struct flue_ip *v6,
                     void (*out)(void *ctx, const uint8_t *packet, size_t bytes), void *out_ctx)
{
    *p = (struct party_linux){.party = {.name = name,
                                        .ctx = p,
                                        .listen = do_listen,
                                        .connect = do_connect,
                                        .accept = do_accept,
                                        .send = do_send,
                                        .recv = do_recv,
                                        .shut = do_shut,
                                        .close = do_close,
                                        .input = input,
                                        .complaint = complaint},
                              .tun = {.fd = -1, .netns = -1},
                              .epoll = epoll_create1(EPOLL_CLOEXEC),
                              .out = out,
                              .out_ctx = out_ctx};
    if (p->epoll < 0) {
        (void)complain(p, "epoll");
        return 0;
    }
    return tun_open(&p->tun, v4, v6, p->complaint, sizeof p->complaint);
}

void party_linux_close(struct party_linux *p)
{
    tun_close(&p->tun);
    (void)close(p->epoll);
}

static int is_tcp(const uint8_t *packet, size_t bytes)
{
    return bytes >= 20 && packet[packet[0] >> 4 == 4 ? 9 : 6] == PROTOCOL_TCP;
}

void party_linux_read(struct party_linux *p)
{
    uint8_t packet[MAX_PACKET_BYTES];
    ssize_t bytes;

    while ((bytes = read(p->tun.fd, packet, sizeof packet)) > 0) {
        if (is_tcp(packet, (size_t)bytes)) { /* not what IPv6 tells about itself */
            p->out(p->out_ctx, packet, (size_t)bytes);
        }
    }
}

flue_ps live_now(void)
{
    static struct timespec first;
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (first.tv_sec == 0 && first.tv_nsec == 0) {
        first = now;
    }
    return (now.tv_sec - first.tv_sec) * FLUE_PS_PER_S + (now.tv_nsec - first.tv_nsec) * FLUE_PS_PER_NS;
}

static void drain(int epoll)
{
    struct epoll_event events[64];

    while (epoll_wait(epoll, events, 64, 0) == 64) {
    }
}

/* Until something happens or the time has come. */
static void wait_until(struct party_linux *const *parties, unsigned party_count, flue_ps until_ps)
{
    struct pollfd fds[8];
    flue_ps left_ps = until_ps - live_now();
    struct timespec timeout;

    if (left_ps < 0) {
        left_ps = 0;
    }
    timeout.tv_sec = (time_t)(left_ps / FLUE_PS_PER_S);
    timeout.tv_nsec = (long)(left_ps % FLUE_PS_PER_S / FLUE_PS_PER_NS);
    for (unsigned i = 0; i < party_count; i++) {
        fds[2 * i] = (struct pollfd){.fd = parties[i]->tun.fd, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = parties[i]->epoll, .events = POLLIN};
    }
    (void)ppoll(fds, 2 * party_count, &timeout, NULL);
    for (unsigned i = 0; i < party_count; i++) {
        if (fds[2 * i + 1].revents != 0) {
            drain(parties[i]->epoll);
        }
    }
}

void live_play(struct exchange *x, struct party_linux *const *parties, unsigned party_count, flue_ps limit_ps,
               int (*stop)(void *ctx), void *ctx)
{
    flue_ps end_ps = live_now() + limit_ps;

    while (!exchange_over(x) && (stop == NULL || !stop(ctx))) {
        flue_ps next_ps = exchange_run(x, live_now());

        if (exchange_over(x)) {
            break;
        }
        if (live_now() > end_ps) {
            exchange_give_up(x);
            break;
        }
        wait_until(parties, party_count, next_ps < end_ps ? next_ps : end_ps);
        x->now_ps = live_now();
        for (unsigned i = 0; i < party_count; i++) {
            party_linux_read(parties[i]);
        }
    }
}
