/* The two ends of the legs benchmark, in as little C as they can be.
 *
 *     legs least COUNT SUITE PORT PEER SECONDS    one leg a socket: the least work there is
 *     legs one   COUNT SUITE PORT PEER SECONDS    less than that: one read a tick, come what may
 *     legs peer  COUNT SUITE PORT PEER SECONDS    the other end of all legs, on one socket
 *
 * Leg k has port PORT + 2k for RTP and the next for RTCP, the peer is at PEER. `least` drains
 * its sockets once a tick of 20 ms: it reads and decodes packets until there is none, encodes
 * 20 ms of a sound and sends them; no RTCP, no jitter buffer, nothing counted. `one` never looks
 * whether a second packet waits: what a late tick left behind it is behind by for ever. `peer`
 * sends each leg a packet every 20 ms, spread over the tick, and a report every 5 s; what comes
 * back it only counts. SUITE is plain, cm (AES-CM 128, SHA1-80) or gcm (AEAD_AES_128_GCM), with
 * one key for all.
 *
 * All print what they did after the first second: "CPU-NS PACKETS", and peer "SENT RECEIVED".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { FRAME = 160, HEADER = 12, PACKET = HEADER + FRAME, ROOM = 256, BATCH = 64, SOUNDS = 50 };
enum { WARM_MS = 1000, REPORT = 28 + 16, REPORT_EVERY = 250 };

typedef struct {
    int fd;
    uint16_t sequence;
    uint32_t timestamp;
    srtp_t in, out;
} leg_t;

static int16_t decoded[256];
static uint8_t encoded[65536];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* G.711 mu-law, both ways, by table. */
static void make_tables(void)
{
    for (int code = 0; code < 256; code++) {
        int inverted = ~code & 255, exponent = inverted >> 4 & 7;
        int value = (((inverted & 15) << 3) + 132 << exponent) - 132;
        decoded[code] = (int16_t)(inverted & 128 ? -value : value);
    }
    for (int value = -32768; value < 32768; value++) {
        int sign = value < 0 ? 128 : 0, magnitude = value < 0 ? -value : value, exponent = 7;
        if (magnitude > 32635)
            magnitude = 32635;
        magnitude += 132;
        while (exponent > 0 && !(magnitude & 128 << exponent))
            exponent--;
        encoded[(uint16_t)value] = (uint8_t)~(sign | exponent << 4 | (magnitude >> (exponent + 3) & 15));
    }
}

static srtp_t session(const char *suite, int outbound)
{
    static unsigned char key[64];
    srtp_policy_t policy;
    srtp_t made = NULL;
    if (strcmp(suite, "plain") == 0)
        return NULL;
    for (int i = 0; i < 64; i++)
        key[i] = (unsigned char)i;
    memset(&policy, 0, sizeof policy);
    if (strcmp(suite, "gcm") == 0) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key;
    policy.window_size = 128;
    if (srtp_create(&made, &policy) != srtp_err_status_ok) {
        fprintf(stderr, "libsrtp has no %s\n", suite);
        exit(1);
    }
    return made;
}

static struct sockaddr_in local(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int bound(int port)
{
    struct sockaddr_in address = local(port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), room = 8 << 20;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("bind");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return fd;
}

static void header(uint8_t *packet, leg_t *leg, uint32_t ssrc)
{
    uint32_t words[3] = {htonl(0x80000000u | leg->sequence), htonl(leg->timestamp), htonl(ssrc)};
    memcpy(packet, words, HEADER);
    leg->sequence++;
    leg->timestamp += FRAME;
}

static int sealed(leg_t *leg, uint8_t *packet, int length)
{
    if (leg->out && srtp_protect(leg->out, packet, &length) != srtp_err_status_ok)
        fail("srtp_protect");
    return length;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sleep_until(int64_t at_ns)
{
    struct timespec at = {at_ns / 1000000000, at_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int64_t cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000LL
         + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000LL;
}

static void make_sounds(int16_t sounds[SOUNDS][FRAME])
{
    uint32_t state = 1;
    for (int i = 0; i < SOUNDS * FRAME; i++) {
        state = state * 1664525 + 1013904223;
        sounds[0][i] = (int16_t)(state >> 18);
    }
}

/* What waits at one leg's socket: how many packets of sound there were. */
static int hear(leg_t *leg, uint8_t *packet, int16_t *heard, int drains)
{
    struct sockaddr_in from;
    int got = 0, length;
    do {
        socklen_t size = sizeof from;
        length = (int)recvfrom(leg->fd, packet, ROOM * 4, 0, (struct sockaddr *)&from, &size);
        if (length < HEADER)
            break;
        if ((leg->in && srtp_unprotect(leg->in, packet, &length) != srtp_err_status_ok)
            || length != PACKET)
            continue;
        for (int i = 0; i < FRAME; i++)
            heard[i] = decoded[packet[HEADER + i]];
        got++;
    } while (drains);
    return got;
}

/* One tick of one leg. */
static int serve(leg_t *leg, uint32_t ssrc, const int16_t *sound, int16_t *heard,
                 struct sockaddr_in *to, int drains)
{
    uint32_t words[ROOM];
    uint8_t *packet = (uint8_t *)words;
    int got = hear(leg, packet, heard, drains);
    header(packet, leg, ssrc);
    for (int i = 0; i < FRAME; i++)
        packet[HEADER + i] = encoded[(uint16_t)sound[i]];
    sendto(leg->fd, packet, (size_t)sealed(leg, packet, PACKET), 0, (struct sockaddr *)to, sizeof *to);
    return got;
}

static void least(leg_t *legs, int count, int peer, int seconds, int drains)
{
    static int16_t sounds[SOUNDS][FRAME], heard[FRAME];
    struct sockaddr_in to = local(peer);
    int64_t start = now_ns(), warm = 0;
    long packets = 0;
    make_sounds(sounds);
    for (int tick = 0; tick < WARM_MS / 20 + seconds * 50; tick++) {
        sleep_until(start + tick * 20000000LL);
        if (tick == WARM_MS / 20) {
            warm = cpu_ns();
            packets = 0;
        }
        for (int k = 0; k < count; k++)
            packets += serve(&legs[k], (uint32_t)(5000 + k), sounds[(tick + k) % SOUNDS], heard,
                             &to, drains);
    }
    printf("%lld %ld\n", (long long)(cpu_ns() - warm), packets);
}

static void report(int fd, leg_t *leg, uint32_t ssrc, long packets, int port)
{
    uint32_t words[ROOM] = {
        htonl(0x80c80006), htonl(ssrc), htonl((uint32_t)(packets / 50)), 0, htonl(leg->timestamp),
        htonl((uint32_t)packets), htonl((uint32_t)packets * FRAME),
        htonl(0x81ca0003), htonl(ssrc), htonl(0x01047065), htonl(0x65720000)};
    struct sockaddr_in to = local(port);
    int length = REPORT;
    if (leg->out && srtp_protect_rtcp(leg->out, words, &length) != srtp_err_status_ok)
        fail("srtp_protect_rtcp");
    sendto(fd, words, (size_t)length, 0, (struct sockaddr *)&to, sizeof to);
}

static long drain(int fd)
{
    static struct mmsghdr headers[BATCH];
    static struct iovec vectors[BATCH];
    static char rooms[BATCH][ROOM];
    long total = 0;
    int count;
    do {
        for (int i = 0; i < BATCH; i++) {
            vectors[i] = (struct iovec){rooms[i], ROOM};
            headers[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
        }
        count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++)
            total += (rooms[i][1] & 127) == 0;
    } while (count == BATCH);
    return total;
}

static void peer(leg_t *legs, int count, int base, int own, int seconds)
{
    static int16_t sounds[SOUNDS][FRAME];
    static uint32_t rooms[BATCH][ROOM / 4 + 32];
    static struct mmsghdr headers[BATCH];
    static struct iovec vectors[BATCH];
    static struct sockaddr_in names[BATCH];
    /* What else runs on its processor is not to be taken for what the other end does. */
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR, &first);
    int fd = bound(own), filled = 0;
    int64_t start = now_ns();
    long sent = 0, received = 0;
    make_sounds(sounds);
    for (int ms = 0; ms < WARM_MS + seconds * 1000; ms++) {
        sleep_until(start + ms * 1000000LL);
        if (ms == WARM_MS)
            sent = received = 0;
        for (int k = ms % 20; k < count; k += 20) {
            leg_t *leg = &legs[k];
            uint8_t *packet = (uint8_t *)rooms[filled];
            header(packet, leg, (uint32_t)(1000 + k));
            for (int i = 0; i < FRAME; i++)
                packet[HEADER + i] = encoded[(uint16_t)sounds[(ms / 20 + k) % SOUNDS][i]];
            vectors[filled] = (struct iovec){packet, (size_t)sealed(leg, packet, PACKET)};
            names[filled] = local(base + 2 * k);
            headers[filled].msg_hdr = (struct msghdr){.msg_name = &names[filled],
                .msg_namelen = sizeof names[0], .msg_iov = &vectors[filled], .msg_iovlen = 1};
            sent++;
            if (++filled == BATCH || k + 20 >= count) {
                sendmmsg(fd, headers, (unsigned)filled, 0);
                filled = 0;
            }
            if (leg->sequence % REPORT_EVERY == k % REPORT_EVERY)
                report(fd, leg, (uint32_t)(1000 + k), leg->sequence, base + 2 * k + 1);
        }
        received += drain(fd);
    }
    printf("%ld %ld\n", sent, received);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return fprintf(stderr, "usage: legs least|one|peer COUNT SUITE PORT PEER SECONDS\n"), 2;
    int is_peer = strcmp(argv[1], "peer") == 0, count = atoi(argv[2]);
    int base = atoi(argv[4]), own = atoi(argv[5]), seconds = atoi(argv[6]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    make_tables();
    srtp_init();
    leg_t *legs = calloc((size_t)count, sizeof *legs);
    for (int k = 0; k < count; k++) {
        legs[k].out = session(argv[3], 1);
        if (is_peer)
            continue;
        legs[k].in = session(argv[3], 0);
        legs[k].fd = bound(base + 2 * k);
    }
    if (is_peer)
        peer(legs, count, base, own, seconds);
    else
        least(legs, count, own, seconds, strcmp(argv[1], "one") != 0);
    return 0;
}
