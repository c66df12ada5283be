/* Opens WebSockets and reads: counts the server's frames and how long they were on their way.
 *
 *     load --host H --port P --path /v1/ws?token=… --connections N --seconds S
 *          [--subscribe FRAME] [--greeting G] [--warmup W] [--latency] [--progress MS] [--opening K] [--nap US]
 *     load --ceiling --connections N --seconds S [--bytes B] [--burst F]
 *
 * Prints `ready` once every socket is open, has sent the text FRAME, and has got G text frames (answers, not
 * counted); counts for S seconds after W, or until SIGTERM; then prints one JSON object. With --progress, a
 * line `frames N` every MS milliseconds, so that whoever sends can keep to the pace of delivery.
 * --nap sleeps US microseconds between rounds instead of waiting for a socket: for throughput, not for latency.
 * --latency looks in each frame for `"t=<nanoseconds of CLOCK_MONOTONIC>`, the beginning of a comment's body, and
 * counts no others: who is here and how far they are is told beside the events.
 * --ceiling is fed by a process of its own that does nothing but send(): what this client can count at most.
 */

#include "wire.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#define BUFFER (1 << 20)
#define OPENING (60 * SECOND) /* until every socket must be ready */
#define ROUND 512 /* sockets read between two looks at the clock */

enum state { CONNECTING, UPGRADING, OPEN, GONE };

struct member {
    int fd;
    enum state state;
    int greeted;
    size_t carried; /* bytes of a frame whose rest has not arrived */
    char *carry;
};

static struct {
    const char *host, *path, *subscribe;
    int port, connections, greeting, opening, progress, latency, ceiling, bytes, burst, nap;
    double seconds, warmup;
} options = {.host = "127.0.0.1", .path = "/", .connections = 1, .opening = 64, .seconds = 1, .bytes = 200, .burst = 1};

static struct {
    int started, ready, closed;
    uint64_t delivered; /* since the beginning; what follows counts from the end of the warm-up */
    uint64_t frames, bytes;
    int64_t first, last;
    struct histogram latency;
} tally;

static char buffer[BUFFER];
static struct member *members;
static struct sockaddr_in server;
static int poll_fd;

/* Frames, RFC 6455 section 5.2 */

static void send_frame(struct member *to, int opcode, const char *payload, size_t length) {
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    unsigned char frame[8 + 65536] = {0x80 | opcode};
    size_t head = length < 126 ? 2 : 4;
    if (length > 65535) die("a frame of %zu bytes to send", length);
    frame[1] = 0x80 | (length < 126 ? length : 126);
    if (head == 4) frame[2] = length >> 8, frame[3] = length;
    memcpy(frame + head, mask, 4);
    for (size_t index = 0; index < length; index++) frame[head + 4 + index] = payload[index] ^ mask[index % 4];
    size_t size = head + 4 + length;
    if (send(to->fd, frame, size, 0) != (ssize_t)size) die("a request did not fit the socket's buffer");
}

static void greeted(void) {
    if (++tally.ready == options.connections) {
        puts("ready");
        fflush(stdout);
    }
}

static void counted(const char *payload, size_t length, int64_t at) {
    const char *stamp = options.latency ? memmem(payload, length, "\"t=", 3) : NULL;
    if (options.latency && !stamp) return;
    if (!tally.frames++) tally.first = at;
    tally.last = at;
    tally.delivered++;
    tally.bytes += length;
    if (stamp) record(&tally.latency, at - strtoll(stamp + 3, NULL, 10));
}

static void drop(struct member *member, int code, const char *reason, int length) {
    close(member->fd);
    free(member->carry);
    if (member->state != OPEN || member->greeted < options.greeting)
        die("socket %d was closed before it was ready: %d %.*s", (int)(member - members), code, length, reason);
    tally.closed++;
    member->state = GONE;
    member->carry = NULL;
}

/* Returns the length of the whole frame, or 0 if some of it has not arrived. */
static size_t frame_length(const unsigned char *data, size_t size, size_t *head) {
    if (size < 2) return 0;
    uint64_t length = data[1] & 0x7f;
    *head = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (size < *head) return 0;
    if (length == 126) length = data[2] << 8 | data[3];
    else if (length == 127) memcpy(&length, data + 2, 8), length = be64toh(length);
    if (length > BUFFER - 10) die("a frame of %llu bytes", (unsigned long long)length);
    return size < *head + length ? 0 : *head + length;
}

static void take_frame(struct member *member, int opcode, const char *payload, size_t length, int64_t at) {
    if (opcode == 0x9) send_frame(member, 0xA, payload, length);
    if (opcode > 0x2) return;
    if (member->greeted == options.greeting) counted(payload, length, at);
    else if (++member->greeted == options.greeting) greeted();
}

/* Returns how many bytes were whole frames. */
static size_t take_frames(struct member *member, char *data, size_t size, int64_t at) {
    size_t done = 0, head, length;
    while ((length = frame_length((unsigned char *)data + done, size - done, &head))) {
        int opcode = data[done] & 0xf;
        if (opcode == 0x8) {
            char *payload = data + done + head;
            int code = length - head < 2 ? 1005 : (unsigned char)payload[0] << 8 | (unsigned char)payload[1];
            drop(member, code, payload + 2, length - head < 2 ? 0 : length - head - 2);
            return size;
        }
        take_frame(member, opcode, data + done + head, length - head, at);
        done += length;
    }
    return done;
}

/* Opening */

static void start_one(void) {
    struct member *member = &members[tally.started];
    member->fd = dial(&server, tally.started++);
    watch(poll_fd, EPOLL_CTL_ADD, member->fd, EPOLLOUT, member);
}

static void ask_upgrade(struct member *member) {
    char request[8192];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        options.path, options.host, options.port);
    if (size >= (int)sizeof request) die("the path is too long");
    if (send(member->fd, request, size, 0) != size) die("connect: %s", strerror(errno));
    member->state = UPGRADING;
    watch(poll_fd, EPOLL_CTL_MOD, member->fd, EPOLLIN, member);
}

/* Returns the length of the upgrade's answer, or 0 if some of it has not arrived. */
static size_t take_answer(struct member *member, char *data, size_t size) {
    char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (strncmp(after_space(data), "101", 3)) die("not upgraded: %.*s", (int)(end - data), data);
    member->state = OPEN;
    if (options.subscribe) send_frame(member, 0x1, options.subscribe, strlen(options.subscribe));
    if (!options.greeting) greeted();
    if (tally.started < options.connections) start_one();
    return end + 4 - data;
}

/* Reading */

static void keep_rest(struct member *member, const char *rest, size_t size) {
    if (size && !(member->carry = realloc(member->carry, size))) die("out of memory");
    if (size) memcpy(member->carry, rest, size);
    member->carried = size;
}

static void read_member(struct member *member) {
    if (member->carried) memcpy(buffer, member->carry, member->carried);
    ssize_t got = recv(member->fd, buffer + member->carried, BUFFER - 1 - member->carried, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        drop(member, 1006, "", 0);
        return;
    }
    size_t size = member->carried + got, done = 0;
    buffer[size] = '\0'; /* ends the number after t= in the last frame */
    if (member->state == UPGRADING) done = take_answer(member, buffer, size);
    if (member->state == OPEN) done += take_frames(member, buffer + done, size - done, now());
    if (member->state != GONE) keep_rest(member, buffer + done, size - done);
}

/* Whoever sends to a socket that is waited for pays for waking the waiter; over a network it would not. */
static void nap(void) {
    struct timespec length = {0, options.nap * 1000LL};
    nanosleep(&length, NULL);
}

static void serve_round(int timeout) {
    struct epoll_event events[ROUND];
    int count = epoll_wait(poll_fd, events, ROUND, options.nap ? 0 : timeout);
    if (options.nap && count < ROUND) nap();
    for (int index = 0; index < count; index++) {
        struct member *member = events[index].data.ptr;
        if (member->state == CONNECTING) ask_upgrade(member);
        else if (member->state != GONE) read_member(member);
    }
}

static void run_until(int64_t end) {
    int64_t step = options.progress * 1000000LL, due = now() + step;
    for (int64_t at = now(); at < end && !told_to_stop; at = now()) {
        int64_t wait = (step && due < end ? due : end) - at;
        serve_round(wait > 0 ? wait / 1000000 + 1 : 0);
        if (step && now() >= due) {
            printf("frames %llu\n", (unsigned long long)tally.delivered);
            fflush(stdout);
            due = now() + step;
        }
    }
}

/* The ceiling */

static int accept_upgrade(int listener) {
    int fd = accept(listener, NULL, NULL), one = 1;
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    char request[8192];
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (recv(fd, request, sizeof request, 0) <= 0) die("the client left");
    if (send(fd, answer, sizeof answer - 1, 0) < 0) die("send: %s", strerror(errno));
    return fd;
}

static size_t make_burst(char *to) {
    size_t size = 0;
    for (int copy = 0; copy < options.burst; copy++) {
        to[size++] = '\x81';
        to[size++] = 126;
        to[size++] = options.bytes >> 8;
        to[size++] = options.bytes;
        memset(to + size, ' ', options.bytes);
        size += options.bytes;
    }
    return size;
}

__attribute__((noreturn)) static void feed(int listener) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int *sockets = calloc(options.connections, sizeof *sockets);
    char *burst = malloc((size_t)options.burst * (options.bytes + 4));
    size_t size = make_burst(burst);
    for (int index = 0; index < options.connections; index++) sockets[index] = accept_upgrade(listener);
    for (;;)
        for (int index = 0; index < options.connections; index++)
            for (size_t sent = 0; sent < size;) {
                ssize_t more = send(sockets[index], burst + sent, size - sent, 0);
                if (more < 0) exit(0);
                sent += more;
            }
}

static pid_t start_feeding(void) {
    struct sockaddr_in at = address("127.0.0.1", 0);
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) die("listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&at, &length);
    options.port = ntohs(at.sin_port);
    pid_t feeder = fork();
    if (!feeder) feed(listener);
    close(listener);
    return feeder;
}

/* Main */

static void read_options(int count, char **words) {
    static const struct option names[] = {
        {"host", 1, 0, 'h'},     {"port", 1, 0, 'p'},    {"path", 1, 0, 'a'},    {"connections", 1, 0, 'n'},
        {"seconds", 1, 0, 's'},  {"warmup", 1, 0, 'w'},  {"subscribe", 1, 0, 'u'}, {"greeting", 1, 0, 'g'},
        {"latency", 0, 0, 'l'},  {"progress", 1, 0, 'r'}, {"opening", 1, 0, 'o'}, {"ceiling", 0, 0, 'c'},
        {"bytes", 1, 0, 'b'},    {"burst", 1, 0, 'f'},   {"nap", 1, 0, 'z'}, {0}};
    for (int name; (name = getopt_long(count, words, "", names, NULL)) != -1;) switch (name) {
            case 'h': options.host = optarg; break;
            case 'p': options.port = atoi(optarg); break;
            case 'a': options.path = optarg; break;
            case 'n': options.connections = atoi(optarg); break;
            case 's': options.seconds = atof(optarg); break;
            case 'w': options.warmup = atof(optarg); break;
            case 'u': options.subscribe = optarg; break;
            case 'g': options.greeting = atoi(optarg); break;
            case 'l': options.latency = 1; break;
            case 'r': options.progress = atoi(optarg); break;
            case 'o': options.opening = atoi(optarg); break;
            case 'c': options.ceiling = 1; break;
            case 'b': options.bytes = atoi(optarg); break;
            case 'f': options.burst = atoi(optarg); break;
            case 'z': options.nap = atoi(optarg); break;
            default: exit(2);
        }
    if (options.bytes < 126 || options.bytes > 65535) die("--bytes: 126 to 65535");
}

static void print_tally(void) {
    double seconds = (tally.last - tally.first) / (double)SECOND;
    printf("{\"connections\": %d, \"frames\": %llu, \"bytes\": %llu, \"seconds\": %.3f, \"frames_per_second\": %.0f, ",
           tally.ready, (unsigned long long)tally.frames, (unsigned long long)tally.bytes, seconds,
           seconds > 0 ? tally.frames / seconds : 0);
    print_latency(&tally.latency);
    printf(", \"closed\": %d}\n", tally.closed);
}

int main(int count, char **words) {
    read_options(count, words);
    stop_on_signals();
    raise_descriptor_limit();
    pid_t feeder = options.ceiling ? start_feeding() : 0;
    server = address(options.host, options.port);
    poll_fd = epoll_create1(0);
    members = calloc(options.connections, sizeof *members);
    while (tally.started < options.connections && tally.started < options.opening) start_one();
    for (int64_t end = now() + OPENING; tally.ready < options.connections && !told_to_stop; serve_round(100))
        if (now() > end) die("only %d of %d sockets were ready in time", tally.ready, options.connections);
    if (options.warmup > 0) run_until(now() + options.warmup * SECOND);
    tally.frames = tally.bytes = 0;
    memset(&tally.latency, 0, sizeof tally.latency);
    run_until(now() + options.seconds * SECOND);
    print_tally();
    if (feeder) kill(feeder, SIGKILL), waitpid(feeder, NULL, 0);
    return 0;
}
