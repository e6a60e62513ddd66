/* What differs between systems, and nothing else: every #ifdef of the media core is here.
 *
 * Atomics are on plain fields, by function, so that Cython structs can hold them.
 * The sizes used are 32 bit, lock-free on every machine Python runs on.
 */
#ifndef PLATYPUS_PLATFORM_H
#define PLATYPUS_PLATFORM_H

#include <stdint.h>

/* ---- atomics ---- */

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

static inline uint32_t platform_fetch_add(uint32_t *field, uint32_t value)
{
    return __atomic_fetch_add(field, value, __ATOMIC_ACQ_REL);
}

static inline uint32_t platform_exchange(uint32_t *field, uint32_t value)
{
    return __atomic_exchange_n(field, value, __ATOMIC_ACQ_REL);
}

#endif

/* ---- clock: CLOCK_MONOTONIC is the only media clock ---- */

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

#endif /* PLATYPUS_PLATFORM_H */
