/* Posts comments over HTTP/1.1 on connections that stay open.
 *
 *     post --host H --port P --token JWT [--room R] [--rooms N] [--concurrency C] [--seconds S] [--warmup W]
 *          [--rate PER_SECOND] [--bytes B]
 *
 * Without --rate each connection posts again as soon as it is answered (a closed loop). With it, posts are due
 * at fixed times whatever the server does, and wait for a free connection (an open loop): latency counts from
 * the time that a post was due. The body begins with `t=<that time in nanoseconds of CLOCK_MONOTONIC>`.
 * With --rooms N above 1 the rooms R-0 … R-(N-1) take turns. Prints one JSON object.
 */

#include "wire.h"

#include <sys/timerfd.h>

#define ANSWER 65536
#define PATIENCE (5 * SECOND) /* for the answers that are still due at the end */

enum state { CONNECTING, IDLE, ASKING };

struct poster {
    int fd;
    enum state state;
    int64_t due;
    size_t size;
    char answer[ANSWER];
};

static struct {
    const char *host, *token, *room;
    int port, rooms, concurrency, bytes;
    double seconds, warmup, rate;
} options = {
    .host = "127.0.0.1", .token = "", .room = "bench", .rooms = 1, .concurrency = 64, .bytes = 100, .seconds = 1,
};

static struct {
    uint64_t created, other, reconnects;
    int other_status;
    struct histogram latency;
    char complaint[200];
} tally;

static struct poster *posters, **idle, clock_source;
static struct sockaddr_in server;
static int poll_fd, idle_count, asking;
static uint64_t asked, due_count;
static int64_t began;

/* Asking */

static int write_body(char *to, int64_t due) {
    int size = sprintf(to, "{\"body\":\"t=%lld ", (long long)due);
    int padding = options.bytes - (size - 9);
    for (; padding > 0; padding--) to[size++] = '.';
    return size + sprintf(to + size, "\"}");
}

static int write_room(char *to) {
    if (options.rooms == 1) return sprintf(to, "%.160s", options.room);
    return sprintf(to, "%.150s-%llu", options.room, (unsigned long long)(asked % options.rooms));
}

static void ask(struct poster *poster, int64_t due) {
    static char body[ANSWER], room[200], request[ANSWER + 8192];
    int length = write_body(body, due);
    write_room(room);
    int size = snprintf(request, sizeof request,
                        "POST /v1/rooms/%s/comments HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                        room, options.host, options.port, options.token, length, body);
    if (size >= (int)sizeof request) die("the token is too long");
    poster->state = ASKING;
    poster->due = due;
    poster->size = 0;
    asked++;
    asking++;
    if (send(poster->fd, request, size, 0) != size) die("send: %s", strerror(errno));
}

static void rest(struct poster *poster) {
    poster->state = IDLE;
    idle[idle_count++] = poster;
}

static int64_t due_time(uint64_t number) {
    return began + (int64_t)((number + 1) * (SECOND / options.rate));
}

/* Gives work to idle posters: all of them in a closed loop, as many as posts are due in an open one. */
static void hand_out(void) {
    while (idle_count && (options.rate == 0 || asked < due_count))
        ask(idle[--idle_count], options.rate == 0 ? now() : due_time(asked));
}

/* Answers */

static void open_connection(struct poster *poster) {
    poster->fd = dial(&server, poster - posters);
    poster->state = CONNECTING;
    watch(poll_fd, EPOLL_CTL_ADD, poster->fd, EPOLLOUT, poster);
}

static void count_answer(struct poster *poster, int status, const char *body) {
    asking--;
    if (status == 201) tally.created++;
    else if (!tally.other++) {
        tally.other_status = status;
        snprintf(tally.complaint, sizeof tally.complaint, "%s", body);
    }
    record(&tally.latency, now() - poster->due);
}

/* Returns the length of the whole answer, or 0 if some of it has not arrived. */
static size_t answer_length(struct poster *poster, char **body) {
    char *end = memmem(poster->answer, poster->size, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = '\0';
    const char *length = strcasestr(poster->answer, "\r\ncontent-length:");
    if (!length) die("an answer without Content-Length: %s", poster->answer);
    *end = '\r';
    *body = end + 4;
    size_t size = *body - poster->answer + strtoul(length + 17, NULL, 10);
    if (size >= ANSWER) die("an answer of %zu bytes", size);
    return poster->size < size ? 0 : size;
}

static void lose(struct poster *poster) {
    close(poster->fd);
    if (poster->state == ASKING) count_answer(poster, 0, "the connection was closed");
    for (int index = 0; index < idle_count; index++)
        if (idle[index] == poster) idle[index] = idle[--idle_count];
    tally.reconnects++;
    open_connection(poster);
}

static void read_answer(struct poster *poster) {
    ssize_t got = recv(poster->fd, poster->answer + poster->size, ANSWER - 1 - poster->size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lose(poster);
        return;
    }
    char *body;
    poster->size += got;
    poster->answer[poster->size] = '\0';
    if (poster->state == IDLE || !answer_length(poster, &body)) return;
    count_answer(poster, atoi(after_space(poster->answer)), body);
    rest(poster);
}

static void connected(struct poster *poster) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(poster->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) die("connect: %s", strerror(error));
    watch(poll_fd, EPOLL_CTL_MOD, poster->fd, EPOLLIN, poster);
    rest(poster);
}

static void serve_round(int timeout) {
    struct epoll_event events[512];
    int count = epoll_wait(poll_fd, events, 512, timeout);
    for (int index = 0; index < count; index++) {
        struct poster *poster = events[index].data.ptr;
        uint64_t ticks;
        if (poster == &clock_source) due_count += read(poster->fd, &ticks, 8) == 8 ? ticks : 0;
        else if (poster->state == CONNECTING) connected(poster);
        else read_answer(poster);
    }
}

static void start_clock(void) {
    int64_t step = SECOND / options.rate;
    struct itimerspec every = {{step / SECOND, step % SECOND}, {step / SECOND, step % SECOND}};
    clock_source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timerfd_settime(clock_source.fd, 0, &every, NULL);
    watch(poll_fd, EPOLL_CTL_ADD, clock_source.fd, EPOLLIN, &clock_source);
}

static void run_until(int64_t end) {
    while (now() < end && !told_to_stop) {
        hand_out();
        serve_round(10);
    }
}

/* Main */

static void read_options(int count, char **words) {
    static const struct option names[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"token", 1, 0, 't'}, {"room", 1, 0, 'r'},
        {"rooms", 1, 0, 'n'}, {"concurrency", 1, 0, 'c'}, {"seconds", 1, 0, 's'}, {"warmup", 1, 0, 'w'},
        {"rate", 1, 0, 'a'}, {"bytes", 1, 0, 'b'}, {0}};
    for (int name; (name = getopt_long(count, words, "", names, NULL)) != -1;) switch (name) {
            case 'h': options.host = optarg; break;
            case 'p': options.port = atoi(optarg); break;
            case 't': options.token = optarg; break;
            case 'r': options.room = optarg; break;
            case 'n': options.rooms = atoi(optarg); break;
            case 'c': options.concurrency = atoi(optarg); break;
            case 's': options.seconds = atof(optarg); break;
            case 'w': options.warmup = atof(optarg); break;
            case 'a': options.rate = atof(optarg); break;
            case 'b': options.bytes = atoi(optarg); break;
            default: exit(2);
        }
    if (options.bytes > 30000) die("--bytes: at most 30000");
    if (options.rooms < 1 || options.concurrency < 1) die("--rooms and --concurrency: at least 1");
}

static void print_tally(double seconds, uint64_t in_time) {
    printf("{\"created\": %llu, \"other\": %llu, \"other_status\": %d, \"reconnects\": %llu, \"unanswered\": %d, ",
           (unsigned long long)tally.created, (unsigned long long)tally.other, tally.other_status,
           (unsigned long long)tally.reconnects, asking);
    printf("\"unsent\": %lld, \"seconds\": %.3f, \"posts_per_second\": %.0f, ",
           options.rate > 0 ? (long long)(due_count - asked) : 0, seconds, in_time / seconds);
    print_latency(&tally.latency);
    puts("}");
    if (tally.other) fprintf(stderr, "the first answer but 201: %d %s\n", tally.other_status, tally.complaint);
}

int main(int count, char **words) {
    read_options(count, words);
    stop_on_signals();
    raise_descriptor_limit();
    server = address(options.host, options.port);
    poll_fd = epoll_create1(0);
    posters = calloc(options.concurrency, sizeof *posters);
    idle = calloc(options.concurrency, sizeof *idle);
    for (int index = 0; index < options.concurrency; index++) open_connection(&posters[index]);
    while (idle_count < options.concurrency && !told_to_stop) serve_round(100);
    began = now();
    if (options.rate > 0) start_clock();
    if (options.warmup > 0) run_until(now() + options.warmup * SECOND);
    memset(&tally, 0, sizeof tally);
    int64_t from = now();
    run_until(from + options.seconds * SECOND);
    double seconds = (now() - from) / (double)SECOND;
    uint64_t in_time = tally.created;
    if (options.rate > 0) {
        hand_out(); /* what fell due in the last round */
        close(clock_source.fd); /* nothing falls due any more */
    }
    for (int64_t end = now() + PATIENCE; asking && now() < end;) serve_round(10);
    print_tally(seconds, in_time);
    return 0;
}
