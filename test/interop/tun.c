/* SPDX-License-Identifier: GPL-2.0-only */
/* A network namespace with one tun device.  Everything by system calls: no program is needed. */
#define _GNU_SOURCE
#include "tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_PACKETS 10000 /* so that the kernel itself loses nothing */

/* What SIOCSIFADDR takes of an IPv6 socket; the kernel's header for it and the C library's exclude each other. */
struct in6_request {
    struct in6_addr address;
    uint32_t prefix_bits;
    int interface;
};

static int fail(char *why, size_t room, const char *what)
{
    (void)snprintf(why, room, "%s: %s", what, strerror(errno));
    return 0;
}

/* A setting under /proc/sys/net/ipv6/conf; one that this kernel lacks does no harm. */
static void set_ipv6(const char *device, const char *name, const char *value)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", device, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t written = write(fd, value, strlen(value));

        (void)written;
        (void)close(fd);
    }
}

/* Only addresses that we give, at once, and no packets about neighbours and routers. */
static void quieten_ipv6(const char *device)
{
    set_ipv6(device, "accept_dad", "0");
    set_ipv6(device, "accept_ra", "0");
    set_ipv6(device, "addr_gen_mode", "1");
    set_ipv6(device, "router_solicitations", "0");
}

static int bring_up(int s, const char *device)
{
    struct ifreq request;

    memset(&request, 0, sizeof request);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(s, SIOCGIFFLAGS, &request) != 0) {
        return 0;
    }
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(s, SIOCSIFFLAGS, &request) == 0;
}

static int give_v4(int s, const struct flue_ip *ip)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(ip->word[3])}};
    struct ifreq request;

    memset(&request, 0, sizeof request);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "tun0");
    memcpy(&request.ifr_addr, &address, sizeof address);
    if (ioctl(s, SIOCSIFADDR, &request) != 0) {
        return 0;
    }
    address.sin_addr.s_addr = htonl(0xffffff00u);
    memcpy(&request.ifr_netmask, &address, sizeof address);
    if (ioctl(s, SIOCSIFNETMASK, &request) != 0) {
        return 0;
    }
    request.ifr_ifru.ifru_ivalue = QUEUE_PACKETS;
    return ioctl(s, SIOCSIFTXQLEN, &request) == 0;
}

static int give_v6(const struct flue_ip *ip)
{
    struct in6_request request = {.prefix_bits = 64, .interface = (int)if_nametoindex("tun0")};
    int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), done;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = htonl(ip->word[i]);

        memcpy(request.address.s6_addr + 4 * i, &word, sizeof word);
    }
    done = s >= 0 && ioctl(s, SIOCSIFADDR, &request) == 0;
    if (s >= 0) {
        (void)close(s);
    }
    return done;
}

/* Without duplicate address detection too the kernel takes an IPv6 address into use a little later. */
static int usable_v6(const struct flue_ip *ip)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    struct sockaddr_in6 name = {.sin6_family = AF_INET6};
    int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), done = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = htonl(ip->word[i]);

        memcpy(name.sin6_addr.s6_addr + 4 * i, &word, sizeof word);
    }
    for (unsigned tries = 0; tries < 3000 && s >= 0 && !done; tries++) {
        done = bind(s, (struct sockaddr *)&name, sizeof name) == 0;
        if (!done) {
            (void)nanosleep(&moment, NULL);
        }
    }
    if (s >= 0) {
        (void)close(s);
    }
    return done;
}

int tun_open(struct tun *tun, const struct flue_ip *v4, const struct flue_ip *v6, char *why, size_t room)
{
    struct ifreq request;
    int s;

    *tun = (struct tun){.fd = -1, .netns = -1};
    if (unshare(CLONE_NEWNET) != 0) {
        return fail(why, room, "unshare(CLONE_NEWNET)");
    }
    tun->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (tun->netns < 0) {
        return fail(why, room, "/proc/self/ns/net");
    }
    quieten_ipv6("all");
    quieten_ipv6("default");
    tun->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun->fd < 0) {
        return fail(why, room, "/dev/net/tun");
    }
    memset(&request, 0, sizeof request);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "tun0");
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(tun->fd, TUNSETIFF, &request) != 0) {
        return fail(why, room, "TUNSETIFF");
    }
    if (ioctl(tun->fd, TUNSETOFFLOAD, 0) != 0) {
        return fail(why, room, "TUNSETOFFLOAD");
    }
    quieten_ipv6("tun0");
    s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0 || !give_v4(s, v4) || !bring_up(s, "lo") || !bring_up(s, "tun0") || !give_v6(v6) || !usable_v6(v6)) {
        return fail(why, room, "setting up tun0");
    }
    (void)close(s);
    return 1;
}

void tun_close(struct tun *tun)
{
    if (tun->fd >= 0) {
        (void)close(tun->fd);
    }
    if (tun->netns >= 0) {
        (void)close(tun->netns);
    }
    *tun = (struct tun){.fd = -1, .netns = -1};
}

void tun_enter(const struct tun *tun)
{
    if (setns(tun->netns, CLONE_NEWNET) != 0) {
        perror("setns");
        abort();
    }
}

/* Tries it in a process of its own, which the namespace vanishes with. */
int tun_possible(char *why, size_t room)
{
    const struct flue_ip v4 = flue_ip_v4(0x0a000001), v6 = {{0xfd000000, 0, 0, 1}};
    char sentence[128] = "";
    struct tun tun;
    int pipes[2];
    ssize_t got;
    pid_t child;

    if (pipe(pipes) != 0) {
        return fail(why, room, "pipe");
    }
    child = fork();
    if (child == 0) {
        if (!tun_open(&tun, &v4, &v6, sentence, sizeof sentence)) {
            got = write(pipes[1], sentence, strlen(sentence));
            (void)got;
        }
        _exit(0);
    }
    (void)close(pipes[1]);
    got = read(pipes[0], sentence, sizeof sentence - 1);
    (void)close(pipes[0]);
    if (child < 0 || waitpid(child, NULL, 0) != child) {
        return fail(why, room, "fork");
    }
    (void)snprintf(why, room, "%.*s", got > 0 ? (int)got : 0, sentence);
    return got == 0;
}
