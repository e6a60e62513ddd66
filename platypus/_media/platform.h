/* What differs between systems, and nothing else: every #ifdef of the media core is here.
 *
 * Atomics are on plain fields, by function, so that Cython structs can hold them.
 * The sizes used are 32 bit, lock-free on every machine Python runs on.
 */
#ifndef PLATYPUS_PLATFORM_H
#define PLATYPUS_PLATFORM_H

#include <stdint.h>
#include <stdlib.h>

#if defined(_MSC_VER)
#include <intrin.h>

static __inline uint32_t platform_load_acquire(const uint32_t *field)
{
    /* An interlocked operation is a full barrier on x86 and on ARM64. */
    return (uint32_t)_InterlockedOr((volatile long *)field, 0);
}

static __inline void platform_store_release(uint32_t *field, uint32_t value)
{
    _InterlockedExchange((volatile long *)field, (long)value);
}

/* Between a flag and what it guards: neither the compiler nor the processor takes one past it. */
static __inline void platform_fence(void)
{
    long barrier = 0;
    _InterlockedExchange(&barrier, 1);
}

static __inline uint32_t platform_fetch_add(uint32_t *field, uint32_t value)
{
    return (uint32_t)_InterlockedExchangeAdd((volatile long *)field, (long)value);
}

static __inline uint32_t platform_exchange(uint32_t *field, uint32_t value)
{
    return (uint32_t)_InterlockedExchange((volatile long *)field, (long)value);
}

#else

static inline uint32_t platform_load_acquire(const uint32_t *field)
{
    return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static inline void platform_store_release(uint32_t *field, uint32_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELEASE);
}

static inline void platform_fence(void)
{
    __atomic_thread_fence(__ATOMIC_ACQ_REL);
}

static inline uint32_t platform_fetch_add(uint32_t *field, uint32_t value)
{
    return __atomic_fetch_add(field, value, __ATOMIC_ACQ_REL);
}

static inline uint32_t platform_exchange(uint32_t *field, uint32_t value)
{
    return __atomic_exchange_n(field, value, __ATOMIC_ACQ_REL);
}

#endif

/* What malloc keeps for later goes back to the system, where malloc can be told so. */
#if defined(__GLIBC__)
#include <malloc.h>
#endif

static inline void platform_memory_give_back(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

/* Have memory brought near that is needed soon: it waits for nothing, and may do nothing. */
#define PLATFORM_LINE 64

static inline void platform_prefetch(const void *from, int bytes)
{
#if defined(__GNUC__)
    const char *line = (const char *)((uintptr_t)from & ~(uintptr_t)(PLATFORM_LINE - 1));
    for (; line < (const char *)from + bytes; line += PLATFORM_LINE)
        __builtin_prefetch(line);
#else
    (void)from;
    (void)bytes;
#endif
}

/* A loop that costs something may have a second form, for processors with AVX2: the same text, or
 * one of its own. Which of the two runs is asked of the processor, and both give the same bits. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define PLATFORM_INLINE inline __attribute__((always_inline))
#define PLATFORM_AVX2 __attribute__((target("avx2")))
#define platform_has_avx2() __builtin_cpu_supports("avx2")
#else
#define PLATFORM_INLINE inline
#define PLATFORM_AVX2
#define platform_has_avx2() 0
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#endif

#define PLATFORM_TWO_FORMS(each, wide, name, from_t, to_t)                              \
    static inline void name(const from_t *from, int count, to_t *to)                    \
    {                                                                                   \
        if (platform_has_avx2())                                                        \
            wide(from, count, to);                                                      \
        else                                                                            \
            each(from, count, to);                                                      \
    }

/* The sum of squares of samples, exactly, and the largest of their magnitudes if `peak` is less. */
static inline int64_t platform_energy_rest(const int16_t *samples, int count, int *peak)
{
    int64_t energy = 0;
    int highest = *peak;
    for (int index = 0; index < count; index++) {
        int value = samples[index];
        energy += value * value;
        value = value < 0 ? -value : value;
        highest = value > highest ? value : highest;
    }
    *peak = highest;
    return energy;
}

/* The compiler would take four times as long: it can't know that two squares fit 32 bits. */
#if defined(__x86_64__) && defined(__GNUC__)
PLATFORM_AVX2 static inline int64_t platform_energy_avx2(const int16_t *samples, int count, int *peak)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i sum = zero, most = zero; /* without signs: -32768 has the magnitude 32768 */
    int index = 0;
    for (; index + 16 <= count; index += 16) {
        __m256i some = _mm256_loadu_si256((const __m256i *)(samples + index));
        __m256i squares = _mm256_madd_epi16(some, some);
        sum = _mm256_add_epi64(sum, _mm256_unpacklo_epi32(squares, zero));
        sum = _mm256_add_epi64(sum, _mm256_unpackhi_epi32(squares, zero));
        most = _mm256_max_epu16(most, _mm256_abs_epi16(some));
    }
    __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    __m128i high = _mm_max_epu16(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    /* There is an instruction for the least of eight only. */
    int highest = 0xffff & ~_mm_cvtsi128_si32(_mm_minpos_epu16(_mm_xor_si128(high, _mm_set1_epi16(-1))));
    *peak = highest > *peak ? highest : *peak;
    return _mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1)
         + platform_energy_rest(samples + index, count - index, peak);
}
#endif

static inline int64_t platform_energy(const int16_t *samples, int count, int *peak)
{
    int64_t energy = 0;
    int index = 0;
#if defined(__x86_64__) && defined(__GNUC__)
    if (platform_has_avx2())
        return platform_energy_avx2(samples, count, peak);
#endif
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    __m128i sum = zero, most = zero, least = zero;
    int16_t ends[16];
    int64_t halves[2];
    for (; index + 8 <= count; index += 8) {
        __m128i eight = _mm_loadu_si128((const __m128i *)(samples + index));
        __m128i squares = _mm_madd_epi16(eight, eight);
        sum = _mm_add_epi64(sum, _mm_unpacklo_epi32(squares, zero));
        sum = _mm_add_epi64(sum, _mm_unpackhi_epi32(squares, zero));
        most = _mm_max_epi16(most, eight);
        least = _mm_min_epi16(least, eight);
    }
    _mm_storeu_si128((__m128i *)halves, sum);
    _mm_storeu_si128((__m128i *)ends, most);
    _mm_storeu_si128((__m128i *)(ends + 8), least);
    energy = halves[0] + halves[1];
    for (int end = 0; end < 16; end++) {
        int magnitude = end < 8 ? ends[end] : -(int)ends[end];
        *peak = magnitude > *peak ? magnitude : *peak;
    }
#endif
    return energy + platform_energy_rest(samples + index, count - index, peak);
}

/* Chunks of memory that begin at a multiple of their size, on one large page each where the
 * system has such; 0 where it has none, or where a sanitizer is to see each block of its own. */
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; before it the system does the same in its own time */
#endif
#define PLATFORM_CHUNK ((size_t)2 << 20)

static inline void *platform_chunk_take(int large)
{
    char *all = (char *)mmap(NULL, 2 * PLATFORM_CHUNK, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == (char *)MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)all & (PLATFORM_CHUNK - 1));
    if (before)
        munmap(all, before);
    munmap(all + before + PLATFORM_CHUNK, PLATFORM_CHUNK - before);
    madvise(all + before, PLATFORM_CHUNK, large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return all + before;
}

static inline void platform_chunk_give(void *chunk)
{
    munmap(chunk, PLATFORM_CHUNK);
}

/* Small pages of its own for what is large and hardly looked at, so that it does not lie between
 * what is small and looked at always. */
static inline void *platform_pages_take(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    madvise(pages, size, MADV_NOHUGEPAGE);
    return pages;
}

static inline void platform_pages_give(void *pages, size_t size)
{
    if (pages != NULL)
        munmap(pages, size);
}

/* glibc reserves so much for each arena but the first, from a multiple of it on, and makes it
 * readable from the beginning as it is needed. That more is readable already it does not notice. */
#define PLATFORM_ARENA ((uintptr_t)64 << 20)

/* Whether a chunk's worth of memory is private and for reading and writing, if need be because an
 * arena was opened further. */
static inline int platform_chunk_open(uintptr_t from)
{
    const uintptr_t to = from + PLATFORM_CHUNK;
    uintptr_t run = 0, reached = 0; /* such memory without a hole */
    char line[256];
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL)
        return 0;
    while (reached < to && fgets(line, sizeof line, maps) != NULL) {
        unsigned long first, last, inode;
        char allowed[5], name[8] = "";
        if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu %7s", &first, &last, allowed, &inode, name) < 4)
            continue; /* the rest of a long name */
        int ours = inode == 0 && (name[0] == '\0' || strcmp(name, "[heap]") == 0);
        if (ours && strcmp(allowed, "rw-p") == 0) {
            run = first == reached ? run : first;
            reached = last;
            continue;
        }
        if (ours && strcmp(allowed, "---p") == 0 && first == reached && first >= from && first < to
            && run != 0 && run % PLATFORM_ARENA == 0 && last == run + PLATFORM_ARENA
            && mprotect((void *)first, to - first, PROT_READ | PROT_WRITE) == 0)
            reached = to;
        if (first >= from)
            break;
    }
    fclose(maps);
    return run != 0 && run <= from && reached >= to;
}

/* The chunk around an address onto one large page, whatever lies there; 0 and nothing where it is
 * not all memory that is read and written. Meanwhile, a part of a millisecond, who touches it waits. */
static inline int platform_chunk_gather(uintptr_t inside)
{
    uintptr_t from = inside & ~(uintptr_t)(PLATFORM_CHUNK - 1);
    if (!platform_chunk_open(from))
        return 0;
    madvise((void *)from, PLATFORM_CHUNK, MADV_HUGEPAGE);
    if (madvise((void *)from, PLATFORM_CHUNK, MADV_COLLAPSE) != 0 && errno == EAGAIN)
        madvise((void *)from, PLATFORM_CHUNK, MADV_COLLAPSE); /* a page of it was in other hands */
    return 1;
}

#else
#define PLATFORM_CHUNK ((size_t)0)

static inline void *platform_chunk_take(int large)
{
    (void)large;
    return NULL;
}

static inline void platform_chunk_give(void *chunk)
{
    (void)chunk;
}

static inline void *platform_pages_take(size_t size)
{
    return malloc(size);
}

static inline void platform_pages_give(void *pages, size_t size)
{
    (void)size;
    free(pages);
}

static inline int platform_chunk_gather(uintptr_t inside)
{
    (void)inside;
    return 0;
}

#endif

/* CLOCK_MONOTONIC is the only media clock. */

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <windows.h>

static __inline int64_t platform_monotonic_ns(void)
{
    LARGE_INTEGER now, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return now.QuadPart / frequency.QuadPart * 1000000000LL
         + now.QuadPart % frequency.QuadPart * 1000000000LL / frequency.QuadPart;
}

#else
#include <time.h>

static inline int64_t platform_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec;
}

#endif

/* ---- sockets: datagrams and their addresses ---- */

#if defined(_WIN32)
#include <ws2tcpip.h>
#include <avrt.h>
#include <errno.h>
#include <io.h>
#include <string.h>
#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#else
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#if defined(__linux__)
#include <sys/epoll.h>
#endif
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <dispatch/dispatch.h>
#else
#include <semaphore.h>
#endif
#endif

/* An address in one form for both families, so that equality is memcmp: IPv4-mapped
 * addresses are kept as IPv4, and every unused byte is zero. family is 0, 4 or 6. */
typedef struct {
    uint16_t family;
    uint16_t port;
    uint32_t scope;
    uint8_t ip[16];
} platform_address_t;

#ifdef _WIN32
typedef SOCKET platform_socket_t;
#define PLATFORM_NO_SOCKET INVALID_SOCKET
#else
typedef int platform_socket_t;
#define PLATFORM_NO_SOCKET (-1)
#endif

#define PLATFORM_DATAGRAM_MAX 2048 /* over any MTU that RTP is sent with; what is longer is dropped */
#define PLATFORM_BATCH_MAX 32      /* datagrams taken from one socket in one slot: bounds a flood */

typedef struct {
    platform_address_t source;
    int64_t arrival_ns; /* CLOCK_MONOTONIC */
    int stamped;        /* the kernel said when it arrived; otherwise that is when it was read */
    int length;         /* -1: longer than the buffer */
    uint8_t data[PLATFORM_DATAGRAM_MAX];
} platform_datagram_t;

static inline int platform_address_equal(const platform_address_t *a, const platform_address_t *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* A numeric host; returns 0, or -1 for anything else. */
static inline int platform_address_parse(platform_address_t *address, const char *host, int port)
{
    struct in6_addr six;
    memset(address, 0, sizeof *address);
    address->port = (uint16_t)port;
    if (inet_pton(AF_INET, host, address->ip) == 1) {
        address->family = 4;
        return 0;
    }
    memset(address->ip, 0, sizeof address->ip);
    if (inet_pton(AF_INET6, host, &six) != 1)
        return -1;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        memcpy(address->ip, (const uint8_t *)&six + 12, 4);
        address->family = 4;
    } else {
        memcpy(address->ip, &six, 16);
        address->family = 6;
    }
    return 0;
}

static inline int platform_address_format(const platform_address_t *address, char *text, int capacity)
{
    const char *done = NULL;
    if (address->family)
        done = inet_ntop(address->family == 4 ? AF_INET : AF_INET6, (void *)address->ip, text,
                         (socklen_t)capacity);
    return done ? 0 : -1;
}

static inline void platform_address_from_native(platform_address_t *address,
                                            const struct sockaddr_storage *native)
{
    memset(address, 0, sizeof *address);
    if (native->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)native;
        address->family = 4;
        address->port = ntohs(four->sin_port);
        memcpy(address->ip, &four->sin_addr, 4);
    } else if (native->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)native;
        address->port = ntohs(six->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
            address->family = 4;
            memcpy(address->ip, (const uint8_t *)&six->sin6_addr + 12, 4);
        } else {
            address->family = 6;
            address->scope = six->sin6_scope_id;
            memcpy(address->ip, &six->sin6_addr, 16);
        }
    }
}

/* To the form that a socket of `socket_family` (4 or 6) takes; 0 when it can't send there. */
static inline int platform_address_to_native(const platform_address_t *address, int socket_family,
                                         struct sockaddr_storage *native)
{
    memset(native, 0, sizeof *native);
    if (socket_family == 4) {
        struct sockaddr_in *four = (struct sockaddr_in *)native;
        if (address->family != 4)
            return 0;
        four->sin_family = AF_INET;
        four->sin_port = htons(address->port);
        memcpy(&four->sin_addr, address->ip, 4);
        return (int)sizeof *four;
    }
    if (address->family == 0)
        return 0;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)native;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(address->port);
    if (address->family == 4) {
        uint8_t *mapped = (uint8_t *)&six->sin6_addr;
        mapped[10] = mapped[11] = 0xff;
        memcpy(mapped + 12, address->ip, 4);
    } else {
        six->sin6_scope_id = address->scope;
        memcpy(&six->sin6_addr, address->ip, 16);
    }
    return (int)sizeof *six;
}

static inline void platform_socket_close(platform_socket_t s)
{
    if (s == PLATFORM_NO_SOCKET)
        return;
#ifdef _WIN32
    closesocket(s);
#else
    close(s);
#endif
}

/* 4 or 6 for an open UDP socket, 0 for anything else. */
static inline int platform_socket_family(platform_socket_t s)
{
    struct sockaddr_storage name;
    int kind = 0;
    socklen_t length = sizeof kind;
    if (getsockopt(s, SOL_SOCKET, SO_TYPE, (char *)&kind, &length) != 0 || kind != SOCK_DGRAM)
        return 0;
    length = sizeof name;
    if (getsockname(s, (struct sockaddr *)&name, &length) != 0)
        return 0;
    return name.ss_family == AF_INET ? 4 : name.ss_family == AF_INET6 ? 6 : 0;
}

/* Non-blocking, its packets marked as telephony (RFC 4594, 4.1: Expedited Forwarding) where the
 * system lets programs do so, stamped by the kernel on arrival where it can. Returns 0 or -1. */
static inline int platform_socket_prepare(platform_socket_t s, int family)
{
#ifdef _WIN32
    u_long on = 1;
    DWORD returned = 0;
    BOOL reset = FALSE;
    /* Without this an ICMP "port unreachable" makes the next recvfrom fail. */
    WSAIoctl(s, SIO_UDP_CONNRESET, &reset, sizeof reset, NULL, 0, &returned, NULL, NULL);
    (void)family; /* there only a policy of the system marks packets */
    return ioctlsocket(s, FIONBIO, &on) == 0 ? 0 : -1;
#else
    int flags = fcntl(s, F_GETFL, 0);
    int mark = 46 << 2;
    if (family == 4)
        setsockopt(s, IPPROTO_IP, IP_TOS, &mark, sizeof mark);
#ifdef IPV6_TCLASS
    else
        setsockopt(s, IPPROTO_IPV6, IPV6_TCLASS, &mark, sizeof mark);
#endif
#if defined(IP_MTU_DISCOVER) && defined(IP_PMTUDISC_DO)
    /* What cannot be taken apart on its way needs no number to be put together by, and numbers
     * are drawn by a hash of both addresses: a hundredth of a leg. Calls send a few hundred bytes;
     * what does not fit a path is an error that is told, not fragments that may get lost. */
    int whole = IP_PMTUDISC_DO;
    if (family == 4)
        setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
#endif
#ifdef SO_TIMESTAMPNS
    int on = 1;
    setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
#endif
    if (flags != -1 && flags & O_NONBLOCK)
        return 0;
    return flags != -1 && fcntl(s, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -1;
#endif
}

/* The difference CLOCK_REALTIME - CLOCK_MONOTONIC, which turns the kernel's stamps around. */
static inline int64_t platform_realtime_offset_ns(void)
{
#ifdef _WIN32
    return 0;
#else
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    return (int64_t)real.tv_sec * 1000000000 + real.tv_nsec - platform_monotonic_ns();
#endif
}

#ifdef __linux__
/* Neither call ever waits, so that neither has to be a point at which its thread could be
 * cancelled: what the C library does for that costs a twentieth of a packet. */
static inline int platform_recvmsg(int s, struct msghdr *header)
{
#ifdef SYS_recvmsg
    return (int)syscall(SYS_recvmsg, s, header, MSG_DONTWAIT);
#else
    return (int)recvmsg(s, header, MSG_DONTWAIT);
#endif
}

static inline int platform_sendto(int s, const void *data, int length, const void *name, int size)
{
#ifdef SYS_sendto
    return (int)syscall(SYS_sendto, s, data, (size_t)length, MSG_DONTWAIT, name, size);
#else
    return (int)sendto(s, data, (size_t)length, MSG_DONTWAIT, name, (socklen_t)size);
#endif
}

static inline void platform_stamp(platform_datagram_t *datagram, struct msghdr *header,
                                  int64_t offset_ns, int64_t now_ns)
{
    struct cmsghdr *control;
    datagram->arrival_ns = now_ns;
    datagram->stamped = 0;
    for (control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
            int64_t ns = (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec - offset_ns;
            /* The wall clock may be set between the stamp and the offset: believe neither then. */
            if (ns <= now_ns && now_ns - ns < 1000000000) {
                datagram->arrival_ns = ns;
                datagram->stamped = 1;
            }
            return;
        }
    }
}
#endif

/* The datagram that has waited longest: 1, or 0 where there is none. Errors (an ICMP answer to
 * something sent) count as none. */
static inline int platform_receive(platform_socket_t s, platform_datagram_t *datagram,
                                   int64_t offset_ns, int64_t now_ns)
{
    struct sockaddr_storage name;
#ifdef __linux__
    union {
        char bytes[64];
        struct cmsghdr align;
    } control;
    struct iovec vector = {datagram->data, PLATFORM_DATAGRAM_MAX};
    struct msghdr header = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &vector,
                            .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control};
    int length = platform_recvmsg(s, &header);
    if (length < 0)
        return 0;
    datagram->length = header.msg_flags & MSG_TRUNC ? -1 : length;
    platform_stamp(datagram, &header, offset_ns, now_ns);
#else
    socklen_t size = sizeof name;
    int length = (int)recvfrom(s, (char *)datagram->data, PLATFORM_DATAGRAM_MAX, 0,
                               (struct sockaddr *)&name, &size);
    (void)offset_ns;
    if (length < 0)
        return 0;
    datagram->length = length;
    datagram->arrival_ns = now_ns;
    datagram->stamped = 0;
#endif
    platform_address_from_native(&datagram->source, &name);
    return 1;
}

/* Returns 0, or the error number; never blocks. */
static inline int platform_send_to(platform_socket_t s, int socket_family, const platform_address_t *address,
                               const uint8_t *data, int length)
{
    struct sockaddr_storage native;
    int size = platform_address_to_native(address, socket_family, &native);
    if (size == 0)
        return EAFNOSUPPORT;
#if defined(_WIN32)
    return sendto(s, (const char *)data, length, 0, (struct sockaddr *)&native, size) == length
               ? 0 : WSAGetLastError();
#elif defined(__linux__)
    return platform_sendto(s, data, length, &native, size) == length ? 0 : errno;
#else
    return sendto(s, data, (size_t)length, MSG_DONTWAIT, (struct sockaddr *)&native,
                  (socklen_t)size) == length ? 0 : errno;
#endif
}

/* One byte into the socket that wakes asyncio; a full one is awake already. */
static inline void platform_socket_wake(platform_socket_t s)
{
#if defined(_WIN32)
    send(s, "", 1, 0);
#elif defined(MSG_NOSIGNAL)
    (void)!send(s, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
#else
    (void)!send(s, "", 1, MSG_DONTWAIT);
#endif
}

/* Sockets that seldom have something to be read, each with whoever is to read it. Asking costs as
 * much as there is to tell on Linux, elsewhere as there are sockets. */
#define PLATFORM_WATCHED_MAX 4096
#define PLATFORM_TOLD_MAX 64

#if defined(__linux__)
typedef struct {
    int epoll;
    struct epoll_event told[PLATFORM_TOLD_MAX];
} platform_watch_t;

static inline int platform_watch_init(platform_watch_t *watch)
{
    watch->epoll = epoll_create1(EPOLL_CLOEXEC);
    return watch->epoll < 0 ? -1 : 0;
}

static inline void platform_watch_destroy(platform_watch_t *watch)
{
    close(watch->epoll);
}

static inline void platform_watch_add(platform_watch_t *watch, platform_socket_t s, void *reader)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = reader};
    epoll_ctl(watch->epoll, EPOLL_CTL_ADD, s, &event);
}

static inline void platform_watch_remove(platform_watch_t *watch, platform_socket_t s)
{
    struct epoll_event event;
    epoll_ctl(watch->epoll, EPOLL_CTL_DEL, s, &event);
}

/* Never waits. Returns how many readers were written: those that do not fit are told next. */
static inline int platform_watch_told(platform_watch_t *watch, void **readers)
{
    int index, count = epoll_wait(watch->epoll, watch->told, PLATFORM_TOLD_MAX, 0);
    for (index = 0; index < count; index++)
        readers[index] = watch->told[index].data.ptr;
    return count < 0 ? 0 : count;
}

#else

#ifdef _WIN32
typedef WSAPOLLFD platform_poll_t;
#define platform_poll_now(set, count) WSAPoll(set, count, 0)
#else
typedef struct pollfd platform_poll_t;
#define platform_poll_now(set, count) poll(set, (nfds_t)(count), 0)
#endif

typedef struct {
    int count, next; /* `next` is looked at first: the one behind the last that was told */
    platform_poll_t set[PLATFORM_WATCHED_MAX];
    void *readers[PLATFORM_WATCHED_MAX];
} platform_watch_t;

static inline int platform_watch_init(platform_watch_t *watch)
{
    watch->count = watch->next = 0;
    return 0;
}

static inline void platform_watch_destroy(platform_watch_t *watch)
{
    watch->count = 0;
}

static inline void platform_watch_add(platform_watch_t *watch, platform_socket_t s, void *reader)
{
    platform_poll_t *entry = &watch->set[watch->count];
    if (watch->count == PLATFORM_WATCHED_MAX)
        return;
    entry->fd = s;
    entry->events = POLLIN;
    entry->revents = 0;
    watch->readers[watch->count++] = reader;
}

static inline void platform_watch_remove(platform_watch_t *watch, platform_socket_t s)
{
    int index;
    for (index = 0; index < watch->count; index++) {
        if (watch->set[index].fd == s) {
            watch->count--;
            watch->set[index] = watch->set[watch->count];
            watch->readers[index] = watch->readers[watch->count];
            return;
        }
    }
}

static inline int platform_watch_told(platform_watch_t *watch, void **readers)
{
    int index, told = 0;
    if (watch->count == 0 || platform_poll_now(watch->set, watch->count) <= 0)
        return 0;
    for (index = 0; index < watch->count && told < PLATFORM_TOLD_MAX; index++) {
        int at = (watch->next + index) % watch->count;
        if (watch->set[at].revents & (POLLIN | POLLERR))
            readers[told++] = watch->readers[at];
    }
    watch->next = (watch->next + index) % watch->count;
    return told;
}

#endif

/* ---- threads ---- */

typedef void (*platform_thread_main_t)(void *);

typedef struct {
    platform_thread_main_t main;
    void *argument;
#ifdef _WIN32
    HANDLE handle;
#else
    pthread_t handle;
#endif
} platform_thread_t;

#ifdef _WIN32
static DWORD WINAPI platform_thread_begin(LPVOID thread)
{
    ((platform_thread_t *)thread)->main(((platform_thread_t *)thread)->argument);
    return 0;
}
#else
static void *platform_thread_begin(void *thread)
{
    ((platform_thread_t *)thread)->main(((platform_thread_t *)thread)->argument);
    return NULL;
}
#endif

/* `thread` must stay where it is until the thread was joined. Returns 0 or an error number. */
static inline int platform_thread_start(platform_thread_t *thread, platform_thread_main_t main,
                                    void *argument)
{
    thread->main = main;
    thread->argument = argument;
#ifdef _WIN32
    thread->handle = CreateThread(NULL, 0, platform_thread_begin, thread, 0, NULL);
    return thread->handle ? 0 : (int)GetLastError();
#else
    /* Python handles signals in its main thread: ours must never be chosen for one. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&thread->handle, NULL, platform_thread_begin, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
#endif
}

static inline void platform_thread_join(platform_thread_t *thread)
{
#ifdef _WIN32
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
#else
    pthread_join(thread->handle, NULL);
#endif
}

/* A thread of a library's: how much of the processor it has used, and a way to end one that goes
 * round for ever with cancellation switched off. Elsewhere than on Linux nothing is known of it. */
#if defined(__linux__)
typedef pthread_t platform_foreign_t;

static inline platform_foreign_t platform_foreign_self(void)
{
    return pthread_self();
}

/* In ns, or -1. The thread must not have been joined. */
static inline int64_t platform_foreign_used_ns(platform_foreign_t thread)
{
    clockid_t clock;
    struct timespec used;
    if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return -1;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void platform_allow_cancel(int number)
{
    (void)number;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
}

/* The first real-time signal from the end that nobody else has a use for; or 0. */
static inline int platform_own_signal(void)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = platform_allow_cancel;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    for (int number = SIGRTMAX; number >= SIGRTMIN; number--) {
        if (sigaction(number, NULL, &before) != 0 || (before.sa_flags & SA_SIGINFO))
            continue;
        if (before.sa_handler == platform_allow_cancel)
            return number;
        if (before.sa_handler == SIG_DFL && sigaction(number, &action, NULL) == 0)
            return number;
    }
    return 0;
}

/* Ends it at its next cancellation point, as which each line that it prints will do: with its
 * own cleanup, and no lock of stdio's left held. The thread must not have been joined. */
static inline int platform_foreign_end(platform_foreign_t thread)
{
    int number = platform_own_signal();
    if (!number)
        return ENOTSUP;
    int problem = pthread_cancel(thread);
    return problem ? problem : pthread_kill(thread, number);
}
#else
typedef int platform_foreign_t;

static inline platform_foreign_t platform_foreign_self(void)
{
    return 0;
}

static inline int64_t platform_foreign_used_ns(platform_foreign_t thread)
{
    (void)thread;
    return -1;
}

static inline int platform_foreign_end(platform_foreign_t thread)
{
    (void)thread;
    return ENOTSUP;
}
#endif

/* To know a copy of a loop in the child of a fork: its threads are not there. */
static inline int platform_process_id(void)
{
#ifdef _WIN32
    return (int)GetCurrentProcessId();
#else
    return (int)getpid();
#endif
}

/* A semaphore: posting never blocks, so the media thread may wake others with it. */
#if defined(_WIN32)
typedef HANDLE platform_semaphore_t;
#elif defined(__APPLE__)
typedef dispatch_semaphore_t platform_semaphore_t;
#else
typedef sem_t platform_semaphore_t;
#endif

static inline int platform_semaphore_init(platform_semaphore_t *semaphore)
{
#if defined(_WIN32)
    *semaphore = CreateSemaphoreW(NULL, 0, 0x7fffffff, NULL);
    return *semaphore ? 0 : -1;
#elif defined(__APPLE__)
    *semaphore = dispatch_semaphore_create(0);
    return *semaphore ? 0 : -1;
#else
    return sem_init(semaphore, 0, 0);
#endif
}

static inline void platform_semaphore_destroy(platform_semaphore_t *semaphore)
{
#if defined(_WIN32)
    CloseHandle(*semaphore);
#elif defined(__APPLE__)
    dispatch_release(*semaphore);
#else
    sem_destroy(semaphore);
#endif
}

static inline void platform_semaphore_post(platform_semaphore_t *semaphore)
{
#if defined(_WIN32)
    ReleaseSemaphore(*semaphore, 1, NULL);
#elif defined(__APPLE__)
    dispatch_semaphore_signal(*semaphore);
#else
    sem_post(semaphore);
#endif
}

/* Waits at most `timeout_ns` (negative: for ever). Returns 1 when it was posted, 0 otherwise. */
static inline int platform_semaphore_wait(platform_semaphore_t *semaphore, int64_t timeout_ns)
{
#if defined(_WIN32)
    DWORD ms = timeout_ns < 0 ? INFINITE : (DWORD)((timeout_ns + 999999) / 1000000);
    return WaitForSingleObject(*semaphore, ms) == WAIT_OBJECT_0;
#elif defined(__APPLE__)
    return dispatch_semaphore_wait(*semaphore, timeout_ns < 0
        ? DISPATCH_TIME_FOREVER : dispatch_time(DISPATCH_TIME_NOW, timeout_ns)) == 0;
#else
    int result;
    if (timeout_ns < 0) {
        do
            result = sem_wait(semaphore);
        while (result != 0 && errno == EINTR);
        return result == 0;
    }
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 30)
    int64_t end_ns = platform_monotonic_ns() + timeout_ns;
    struct timespec end = {end_ns / 1000000000, end_ns % 1000000000};
    do
        result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &end);
    while (result != 0 && errno == EINTR);
#else
    int64_t end_ns = platform_monotonic_ns() + platform_realtime_offset_ns() + timeout_ns;
    struct timespec end = {end_ns / 1000000000, end_ns % 1000000000};
    do
        result = sem_timedwait(semaphore, &end);
    while (result != 0 && errno == EINTR);
#endif
    return result == 0;
#endif
}

/* ---- deadlines: absolute, on the media clock ---- */

typedef struct {
#ifdef _WIN32
    HANDLE handle;
#else
    int unused;
#endif
} platform_timer_t;

static inline int platform_timer_init(platform_timer_t *timer)
{
#ifdef _WIN32
    timer->handle = CreateWaitableTimerExW(NULL, NULL, 0x2 /* HIGH_RESOLUTION, Windows 10 1803 */,
                                           TIMER_ALL_ACCESS);
    if (!timer->handle)
        timer->handle = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    return timer->handle ? 0 : -1;
#else
    timer->unused = 0;
    return 0;
#endif
}

static inline void platform_timer_destroy(platform_timer_t *timer)
{
#ifdef _WIN32
    CloseHandle(timer->handle);
#else
    (void)timer;
#endif
}

static inline void platform_sleep_until(platform_timer_t *timer, int64_t deadline_ns)
{
#if defined(_WIN32)
    /* No monotonic absolute timers here: the rest is asked for anew until it is past. */
    int64_t rest;
    while ((rest = deadline_ns - platform_monotonic_ns()) > 0) {
        LARGE_INTEGER due;
        due.QuadPart = -((rest + 99) / 100);
        if (!SetWaitableTimer(timer->handle, &due, 0, NULL, NULL, FALSE))
            return;
        WaitForSingleObject(timer->handle, INFINITE);
    }
#elif defined(__APPLE__)
    int64_t rest;
    (void)timer;
    while ((rest = deadline_ns - platform_monotonic_ns()) > 0) {
        struct timespec time = {rest / 1000000000, rest % 1000000000};
        nanosleep(&time, NULL);
    }
#else
    struct timespec time = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    (void)timer;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
#endif
}

/* ---- scheduling: what the calling thread may have; asking never fails ---- */

typedef enum {
    PLATFORM_SCHEDULING_PLAIN,
    PLATFORM_SCHEDULING_RR,
    PLATFORM_SCHEDULING_SLICE,
    PLATFORM_SCHEDULING_MMCSS
} platform_scheduling_t;

#define PLATFORM_SLICE_NS 100000

#if defined(__linux__)
/* The C library of Debian 12 has no struct for these two system calls. */
typedef struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
} platform_sched_attr_t;

/* Linux 6.12: a fair thread may ask for a short slice, and is then run sooner. Older kernels
 * take the call and ignore the slice, so what came of it is read back. */
static inline int platform_ask_slice(int thread)
{
    platform_sched_attr_t attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.runtime = PLATFORM_SLICE_NS;
    if (syscall(SYS_sched_setattr, thread, &attr, 0) != 0)
        return -1;
    memset(&attr, 0, sizeof attr);
    if (syscall(SYS_sched_getattr, thread, &attr, sizeof attr, 0) != 0)
        return -1;
    return attr.runtime == PLATFORM_SLICE_NS ? 0 : -1;
}
#endif

static inline platform_scheduling_t platform_ask_scheduling(void)
{
#if defined(_WIN32)
    DWORD index = 0;
    return AvSetMmThreadCharacteristicsW(L"Pro Audio", &index) ? PLATFORM_SCHEDULING_MMCSS
                                                               : PLATFORM_SCHEDULING_PLAIN;
#else
    struct sched_param param;
    memset(&param, 0, sizeof param);
    param.sched_priority = 1;
    if (pthread_setschedparam(pthread_self(), SCHED_RR, &param) == 0)
        return PLATFORM_SCHEDULING_RR;
#if defined(__linux__)
    if (platform_ask_slice(0) == 0)
        return PLATFORM_SCHEDULING_SLICE;
#endif
    return PLATFORM_SCHEDULING_PLAIN;
#endif
}

/* The same for another thread of this process, by the system's number; only Linux has that. */
static inline platform_scheduling_t platform_ask_scheduling_of(int thread)
{
#if defined(__linux__)
    struct sched_param param;
    memset(&param, 0, sizeof param);
    param.sched_priority = 1;
    if (sched_setscheduler(thread, SCHED_RR, &param) == 0)
        return PLATFORM_SCHEDULING_RR;
    if (platform_ask_slice(thread) == 0)
        return PLATFORM_SCHEDULING_SLICE;
#endif
    (void)thread;
    return PLATFORM_SCHEDULING_PLAIN;
}

static inline const char *platform_scheduling_name(platform_scheduling_t got)
{
    switch (got) {
    case PLATFORM_SCHEDULING_RR:
        return "SCHED_RR 1";
    case PLATFORM_SCHEDULING_SLICE:
        return "slice 0.1 ms";
    case PLATFORM_SCHEDULING_MMCSS:
        return "MMCSS Pro Audio";
    default:
        return "no priority";
    }
}

/* ---- files, for the writer thread ---- */

#ifdef PIPE_BUF
#define PLATFORM_PIPE_BLOCK PIPE_BUF  /* POSIX: so many go whole into a pipe that is ready, or none */
#else
#define PLATFORM_PIPE_BLOCK 512
#endif

static inline int platform_file_write(int fd, const void *data, int length)
{
    const char *next = data;
    while (length > 0) {
#ifdef _WIN32
        int written = _write(fd, next, (unsigned)length);
#else
        int written = (int)write(fd, next, (size_t)length);
        if (written < 0 && errno == EINTR)
            continue;
#endif
        if (written <= 0)
            return -1;
        next += written;
        length -= written;
    }
    return 0;
}

/* Whether somebody else decides when more can be written: a pipe, and no file on a disk. */
static inline int platform_file_is_piped(int fd)
{
#ifdef _WIN32
    (void)fd;
    return 0;
#else
    struct stat about;
    return fstat(fd, &about) == 0 && !S_ISREG(about.st_mode);
#endif
}

/* Whether PLATFORM_PIPE_BLOCK bytes can be written without waiting, or fail. */
static inline int platform_file_ready(int fd)
{
#ifdef _WIN32
    (void)fd;
    return 1;
#else
    struct pollfd asked = {.fd = fd, .events = POLLOUT};
    return poll(&asked, 1, 0) != 0;
#endif
}

static inline int platform_file_seek(int fd, int64_t offset)
{
#ifdef _WIN32
    return _lseeki64(fd, offset, SEEK_SET) == offset ? 0 : -1;
#else
    return lseek(fd, (off_t)offset, SEEK_SET) == (off_t)offset ? 0 : -1;
#endif
}

static inline void platform_file_close(int fd)
{
#ifdef _WIN32
    _close(fd);
#else
    close(fd);
#endif
}

#endif /* PLATYPUS_PLATFORM_H */
