/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections through TCP_REPAIR. */
#define _GNU_SOURCE
#include "repair_map.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "party_linux.h"

#define LINUX_ESTABLISHED 1u
#define LINUX_NO_SSTHRESH 0x7fffffffu
#define BUFFER_BYTES      (8 << 20)
#define RECEIVE_PIECE     16384u /* what is put into a receive queue at once becomes one buffer of the kernel */

#ifndef TCP_REPAIR_OFF
#define TCP_REPAIR_OFF 0
#endif

/* Flags of the interface. */
enum {
    CONST_TIMESTAMPS = 0x01,
    CONST_SACK = 0x02,
    CONST_SCALING = 0x04,
    CACHED_KEEP_ALIVE = 0x01,
    CACHED_NAGLE = 0x02
};

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

void repair_to_state(const struct repair *r, struct flue_tcp_state *state)
{
    uint32_t offered = r->rcv_wup + r->rcv_wnd - r->rcv_nxt;
    uint32_t snd_nxt = r->write_seq - r->unsent_bytes;

    *state = (struct flue_tcp_state){
        .tuple = r->tuple,
        .const_flags = (uint16_t)((r->timestamps ? CONST_TIMESTAMPS : 0) | (r->sack ? CONST_SACK : 0) |
                                  (r->scaling ? CONST_SCALING : 0)),
        .remote_port = r->tuple.remote_port,
        .local_port = r->tuple.local_port,
        .snd_wscale = r->snd_wscale,
        .rcv_wscale = r->rcv_wscale,
        .remote_mss = (uint16_t)r->mss_bytes,
        .cached_flags = (uint16_t)((r->keep_alive ? CACHED_KEEP_ALIVE : 0) | (r->nodelay ? 0 : CACHED_NAGLE)),
        .initial_rcv_wnd = r->rcv_buffer_bytes,
        .ka_probe_count = (uint8_t)r->keep_count,
        .ka_timeout = r->keep_idle_s * 1000u,
        .ka_interval = r->keep_interval_s * 1000u,
        .max_rt = r->user_timeout_ms,
        .ttl = (uint8_t)r->ttl,
        .tos = (uint8_t)r->tos,
        .state = FLUE_TCP_ESTABLISHED,
        .rcv_nxt = r->rcv_nxt,
        .rcv_wnd = offered > INT32_MAX ? 0 : offered,
        .snd_una = r->write_seq - r->queued_bytes,
        .snd_nxt = snd_nxt,
        .snd_max = snd_nxt,
        .snd_wnd = r->snd_wnd,
        .max_snd_wnd = r->max_window,
        .snd_wl1 = r->snd_wl1,
        .cwnd = least((uint64_t)r->cwnd_segments * r->segment_bytes, 1u << 30),
        .ssthresh = r->ssthresh_segments >= LINUX_NO_SSTHRESH
                        ? UINT32_MAX
                        : least((uint64_t)r->ssthresh_segments * r->segment_bytes, 1u << 30),
        .srtt = (uint16_t)least((uint64_t)r->rtt_us * 8u / 1000u, 0xffff),
        .rttvar = (uint16_t)least((uint64_t)r->rttvar_us * 4u / 1000u, 0xffff),
        /* Nobody tells what the peer's last timestamp was: so old that it judges nothing (RFC 7323 5.5). */
        .ts_recent = 0,
        .ts_recent_age = UINT32_MAX,
        /* The lowest bit was taken away; a clock that went back would be taken for an old segment. */
        .ts_time = r->timestamp + 1,
        .ka_delta = FLUE_STATE_NO_TIMER,
        .rt_delta = FLUE_STATE_NO_TIMER,
    };
}

int repair_from_state(const struct flue_tcp_state *s, size_t send_bytes, struct repair *r)
{
    uint32_t sent = s->snd_max - s->snd_una;

    *r = (struct repair){
        .tuple = s->tuple,
        .state = LINUX_ESTABLISHED,
        .write_seq = s->snd_una + (uint32_t)send_bytes,
        .rcv_nxt = s->rcv_nxt,
        .queued_bytes = (uint32_t)send_bytes,
        .unsent_bytes = (uint32_t)send_bytes - sent,
        .snd_wl1 = s->snd_wl1,
        .snd_wnd = s->snd_wnd,
        .max_window = s->max_snd_wnd > s->snd_wnd ? s->max_snd_wnd : s->snd_wnd,
        .rcv_wnd = s->rcv_wnd,
        .rcv_wup = s->rcv_nxt,
        .mss_bytes = s->remote_mss,
        /* To set the lowest bit would ask for microseconds. */
        .timestamp = (s->ts_time + 1u) & ~1u,
        .snd_wscale = s->snd_wscale,
        .rcv_wscale = s->rcv_wscale,
        .scaling = (s->const_flags & CONST_SCALING) != 0,
        .sack = (s->const_flags & CONST_SACK) != 0,
        .timestamps = (s->const_flags & CONST_TIMESTAMPS) != 0,
        .nodelay = (s->cached_flags & CACHED_NAGLE) == 0,
        .keep_alive = (s->cached_flags & CACHED_KEEP_ALIVE) != 0,
        .keep_idle_s = s->ka_timeout / 1000u,
        .keep_interval_s = s->ka_interval / 1000u,
        .keep_count = s->ka_probe_count,
        .tos = s->tos,
        .ttl = s->ttl,
        .rcv_buffer_bytes = s->initial_rcv_wnd,
    };
    return s->state == FLUE_TCP_ESTABLISHED && sent <= send_bytes;
}

static int set_number(int fd, int level, int name, uint32_t value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static int get_number(int fd, int level, int name, uint32_t *value)
{
    socklen_t bytes = sizeof *value;

    return getsockopt(fd, level, name, value, &bytes) == 0;
}

static int get_name(const struct sockaddr_storage *name, struct flue_ip *ip, uint16_t *port)
{
    if (name->ss_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, name, sizeof v4);
        *ip = flue_ip_v4(ntohl(v4.sin_addr.s_addr));
        *port = ntohs(v4.sin_port);
        return 1;
    }
    struct sockaddr_in6 v6;

    memcpy(&v6, name, sizeof v6);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t word;

        memcpy(&word, v6.sin6_addr.s6_addr + 4 * i, sizeof word);
        ip->word[i] = ntohl(word);
    }
    *port = ntohs(v6.sin6_port);
    return 1;
}

static int get_tuple(int fd, struct flue_tcp_tuple *tuple)
{
    struct sockaddr_storage local, remote;
    socklen_t local_bytes = sizeof local, remote_bytes = sizeof remote;

    return getsockname(fd, (struct sockaddr *)&local, &local_bytes) == 0 &&
           getpeername(fd, (struct sockaddr *)&remote, &remote_bytes) == 0 &&
           get_name(&local, &tuple->local_ip, &tuple->local_port) &&
           get_name(&remote, &tuple->remote_ip, &tuple->remote_port);
}

static int get_info(int fd, struct repair *r)
{
    struct tcp_info info;
    socklen_t bytes = sizeof info;

    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) {
        return 0;
    }
    r->state = info.tcpi_state;
    r->timestamps = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
    r->sack = (info.tcpi_options & TCPI_OPT_SACK) != 0;
    r->scaling = (info.tcpi_options & TCPI_OPT_WSCALE) != 0;
    r->snd_wscale = info.tcpi_snd_wscale;
    r->rcv_wscale = info.tcpi_rcv_wscale;
    r->cwnd_segments = info.tcpi_snd_cwnd;
    r->ssthresh_segments = info.tcpi_snd_ssthresh;
    r->segment_bytes = info.tcpi_snd_mss;
    r->rtt_us = info.tcpi_rtt;
    r->rttvar_us = info.tcpi_rttvar;
    return 1;
}

static int get_options(int fd, struct repair *r)
{
    int v4 = flue_ip_is_v4(&r->tuple.local_ip);

    return get_number(fd, IPPROTO_TCP, TCP_NODELAY, &r->nodelay) &&
           get_number(fd, SOL_SOCKET, SO_KEEPALIVE, &r->keep_alive) &&
           get_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, &r->keep_idle_s) &&
           get_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, &r->keep_interval_s) &&
           get_number(fd, IPPROTO_TCP, TCP_KEEPCNT, &r->keep_count) &&
           get_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &r->user_timeout_ms) &&
           get_number(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &r->tos) &&
           get_number(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, &r->ttl) &&
           get_number(fd, SOL_SOCKET, SO_RCVBUF, &r->rcv_buffer_bytes);
}

static int get_window(int fd, struct repair *r)
{
    struct tcp_repair_window window;
    socklen_t bytes = sizeof window;

    if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, &bytes) != 0) {
        return 0;
    }
    r->snd_wl1 = window.snd_wl1;
    r->snd_wnd = window.snd_wnd;
    r->max_window = window.max_window;
    r->rcv_wnd = window.rcv_wnd;
    r->rcv_wup = window.rcv_wup;
    return 1;
}

/* Sequence number at the end of a queue, and what is in it. */
static int get_queue(int fd, uint32_t queue, uint32_t *seq, uint8_t *data, size_t bytes)
{
    ssize_t got;

    if (!set_number(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue) || !get_number(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq)) {
        return 0;
    }
    got = bytes == 0 ? 0 : recv(fd, data, bytes, MSG_PEEK | MSG_DONTWAIT);
    return got == (ssize_t)bytes;
}

static int get_counts(int fd, struct repair *r, size_t *unread)
{
    int queued, unsent, readable;

    if (ioctl(fd, SIOCOUTQ, &queued) != 0 || ioctl(fd, SIOCOUTQNSD, &unsent) != 0 ||
        ioctl(fd, SIOCINQ, &readable) != 0) {
        return 0;
    }
    r->queued_bytes = (uint32_t)queued;
    r->unsent_bytes = (uint32_t)unsent;
    *unread = (size_t)readable;
    if ((size_t)queued > REPAIR_ROOM || *unread > REPAIR_ROOM) {
        errno = EMSGSIZE;
        return 0;
    }
    return 1;
}

/* Ends the chain of steps below at the first that fails. */
#define STEP(name, call)                                                                                               \
    do {                                                                                                               \
        *what = (name);                                                                                                \
        if (!(call)) {                                                                                                 \
            goto failed;                                                                                               \
        }                                                                                                              \
    } while (0)

int repair_take(int fd, struct moved *moved, const char **what)
{
    struct repair r;
    int error;

    memset(&r, 0, sizeof r);
    STEP("TCP_REPAIR on", set_number(fd, IPPROTO_TCP, TCP_REPAIR, 1));
    STEP("names", get_tuple(fd, &r.tuple));
    STEP("TCP_INFO", get_info(fd, &r));
    errno = EPROTO;
    STEP("not ESTABLISHED", r.state == LINUX_ESTABLISHED);
    STEP("options", get_options(fd, &r));
    STEP("TCP_MAXSEG", get_number(fd, IPPROTO_TCP, TCP_MAXSEG, &r.mss_bytes));
    STEP("TCP_TIMESTAMP", get_number(fd, IPPROTO_TCP, TCP_TIMESTAMP, &r.timestamp));
    STEP("TCP_REPAIR_WINDOW", get_window(fd, &r));
    STEP("lengths of the queues", get_counts(fd, &r, &moved->unread_bytes));
    moved->send_bytes = r.queued_bytes;
    STEP("send queue", get_queue(fd, TCP_SEND_QUEUE, &r.write_seq, moved->send, moved->send_bytes));
    STEP("receive queue", get_queue(fd, TCP_RECV_QUEUE, &r.rcv_nxt, moved->unread, moved->unread_bytes));
    repair_to_state(&r, &moved->state);
    (void)close(fd); /* in repair mode: no FIN, no RST */
    return 1;
failed:
    error = errno;
    (void)set_number(fd, IPPROTO_TCP, TCP_REPAIR, 0);
    errno = error;
    return 0;
}

static int set_seq(int fd, uint32_t queue, uint32_t seq)
{
    return set_number(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue) && set_number(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq);
}

static int name_socket(int fd, const struct flue_tcp_tuple *tuple)
{
    struct sockaddr_storage name;
    socklen_t bytes = party_linux_address(&tuple->local_ip, tuple->local_port, &name);

    return bind(fd, (struct sockaddr *)&name, bytes) == 0;
}

/* In repair mode nothing is sent, and the connection is established at once. */
static int connect_socket(int fd, const struct flue_tcp_tuple *tuple)
{
    struct sockaddr_storage name;
    socklen_t bytes = party_linux_address(&tuple->remote_ip, tuple->remote_port, &name);

    return connect(fd, (struct sockaddr *)&name, bytes) == 0;
}

static int set_negotiated(int fd, const struct repair *r)
{
    struct tcp_repair_opt options[4];
    socklen_t count = 0;

    options[count++] = (struct tcp_repair_opt){.opt_code = TCPOPT_MAXSEG, .opt_val = r->mss_bytes};
    if (r->scaling) {
        options[count++] = (struct tcp_repair_opt){.opt_code = TCPOPT_WINDOW,
                                                   .opt_val = r->snd_wscale | (uint32_t)r->rcv_wscale << 16};
    }
    if (r->sack) {
        options[count++] = (struct tcp_repair_opt){.opt_code = TCPOPT_SACK_PERMITTED};
    }
    if (r->timestamps) {
        options[count++] = (struct tcp_repair_opt){.opt_code = TCPOPT_TIMESTAMP};
    }
    return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options, count * (socklen_t)sizeof options[0]) == 0;
}

static int set_options(int fd, const struct repair *r)
{
    int v4 = flue_ip_is_v4(&r->tuple.local_ip);

    return set_number(fd, IPPROTO_TCP, TCP_NODELAY, r->nodelay) &&
           set_number(fd, SOL_SOCKET, SO_KEEPALIVE, r->keep_alive) &&
           (r->keep_idle_s == 0 || set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, least(r->keep_idle_s, 32767))) &&
           (r->keep_interval_s == 0 || set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, least(r->keep_interval_s, 32767))) &&
           (r->keep_count == 0 || set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, least(r->keep_count, 127))) &&
           set_number(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, r->tos) &&
           (r->ttl == 0 || set_number(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, r->ttl));
}

static int put_bytes(int fd, const uint8_t *data, size_t bytes, size_t piece)
{
    while (bytes > 0) {
        ssize_t taken = send(fd, data, bytes < piece ? bytes : piece, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (taken <= 0) {
            return 0;
        }
        data += taken;
        bytes -= (size_t)taken;
    }
    return 1;
}

static int put_queue(int fd, uint32_t queue, const uint8_t *data, size_t bytes, size_t piece)
{
    return set_number(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue) && put_bytes(fd, data, bytes, piece);
}

static int set_window(int fd, const struct repair *r)
{
    const struct tcp_repair_window window = {.snd_wl1 = r->snd_wl1,
                                             .snd_wnd = r->snd_wnd,
                                             .max_window = r->max_window,
                                             .rcv_wnd = r->rcv_wnd,
                                             .rcv_wup = r->rcv_wup};

    return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof window) == 0;
}

int repair_put(const struct moved *moved, const char **what)
{
    struct repair r;
    size_t sent;
    int error, fd = -1;

    errno = EPROTO;
    STEP("not ESTABLISHED", repair_from_state(&moved->state, moved->send_bytes, &r));
    sent = r.queued_bytes - r.unsent_bytes;
    fd = socket(flue_ip_is_v4(&r.tuple.local_ip) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    STEP("socket", fd >= 0);
    STEP("SO_REUSEADDR", set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    STEP("SO_SNDBUFFORCE", set_number(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES));
    STEP("SO_RCVBUFFORCE", set_number(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES));
    STEP("TCP_REPAIR on", set_number(fd, IPPROTO_TCP, TCP_REPAIR, 1));
    STEP("bind", name_socket(fd, &r.tuple));
    STEP("TCP_QUEUE_SEQ of the send queue", set_seq(fd, TCP_SEND_QUEUE, r.write_seq - r.queued_bytes));
    STEP("TCP_QUEUE_SEQ of the receive queue", set_seq(fd, TCP_RECV_QUEUE, r.rcv_nxt - (uint32_t)moved->unread_bytes));
    STEP("connect", connect_socket(fd, &r.tuple));
    STEP("options", set_options(fd, &r));
    STEP("TCP_REPAIR_OPTIONS", set_negotiated(fd, &r));
    STEP("TCP_TIMESTAMP", set_number(fd, IPPROTO_TCP, TCP_TIMESTAMP, r.timestamp));
    STEP("receive queue", put_queue(fd, TCP_RECV_QUEUE, moved->unread, moved->unread_bytes, RECEIVE_PIECE));
    /* In repair mode what is put there counts as sent. */
    STEP("send queue", put_queue(fd, TCP_SEND_QUEUE, moved->send, sent, SIZE_MAX));
    STEP("TCP_REPAIR_WINDOW", set_window(fd, &r));
    STEP("TCP_REPAIR off", set_number(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF));
    STEP("unsent part of the send queue", put_bytes(fd, moved->send + sent, moved->send_bytes - sent, SIZE_MAX));
    return fd;
failed:
    error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = error;
    return -1;
}
