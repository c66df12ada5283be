/* What the load client and the poster share: a clock, a histogram, sockets. Linux only. */

#ifndef WIRE_H
#define WIRE_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define SOURCE_PORTS 20000 /* sockets per loopback address: well below the 28k ephemeral ports of Linux */

static volatile sig_atomic_t told_to_stop;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
    va_list words;
    va_start(words, format);
    vfprintf(stderr, format, words);
    va_end(words);
    fputc('\n', stderr);
    exit(1);
}

/* Processes of one machine share this clock, so one may stamp what another measures. */
static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * SECOND + at.tv_nsec;
}

static void stop(int signal) {
    (void)signal;
    told_to_stop = 1;
}

static void stop_on_signals(void) {
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    signal(SIGPIPE, SIG_IGN);
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static struct sockaddr_in address(const char *host, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1) die("not an IPv4 address: %s", host);
    return to;
}

/* Connects without waiting. Each SOURCE_PORTS sockets leave from a loopback address of their own. */
static int dial(const struct sockaddr_in *to, int index) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) die("socket %d: %s (see ulimit -n)", index, strerror(errno));
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if ((ntohl(to->sin_addr.s_addr) >> 24) == 127) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / SOURCE_PORTS);
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&from, sizeof from)) die("bind: %s", strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    return fd;
}

static void watch(int poll, int operation, int fd, uint32_t events, void *owner) {
    struct epoll_event event = {.events = events, .data.ptr = owner};
    if (epoll_ctl(poll, operation, fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

/* Durations in buckets whose width is 1/32 of their value: percentiles are exact to 3 %. */

#define STEPS 32

struct histogram {
    uint64_t count[64 * STEPS];
    uint64_t total;
    int64_t max;
};

static int bucket(uint64_t value) {
    if (value < STEPS) return value;
    int power = 63 - __builtin_clzll(value) - 5;
    return (power + 1) * STEPS + (int)(value >> power) - STEPS;
}

static uint64_t bucket_end(int index) {
    if (index < STEPS) return index;
    int power = index / STEPS - 1;
    return ((uint64_t)(index % STEPS + STEPS + 1) << power) - 1;
}

static void record(struct histogram *all, int64_t value) {
    if (value < 0) value = 0;
    all->count[bucket(value)]++;
    all->total++;
    if (value > all->max) all->max = value;
}

static double milliseconds(const struct histogram *all, double share) {
    uint64_t left = all->total * share;
    for (int index = 0; index < 64 * STEPS; index++) {
        if (all->count[index] > left) return bucket_end(index) / 1e6;
        left -= all->count[index];
    }
    return all->max / 1e6;
}

static void print_latency(const struct histogram *all) {
    printf("\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f", milliseconds(all, 0.5),
           milliseconds(all, 0.99), all->max / 1e6);
}

static const char *after_space(const char *text) {
    const char *space = strchr(text, ' ');
    return space ? space + 1 : text + strlen(text);
}

#endif
