/* malloc and its kin, counted for each thread: preloaded by test_allocation.py. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

#define THREADS 64
static struct { int thread; unsigned long count; } counted[THREADS];
static __thread int place __attribute__((tls_model("initial-exec")));
static int places;

static void count(void)
{
    if (!place) {
        place = __sync_add_and_fetch(&places, 1);
        if (place < THREADS)
            counted[place].thread = (int)syscall(SYS_gettid);
    }
    if (place < THREADS)
        __sync_add_and_fetch(&counted[place].count, 1);
}

/* How often the thread has allocated or freed. */
unsigned long allocations_of(int thread)
{
    unsigned long found = 0;
    for (int i = 1; i < THREADS; i++)
        if (counted[i].thread == thread)
            found += counted[i].count;
    return found;
}

void *malloc(size_t size) { count(); return __libc_malloc(size); }
void *calloc(size_t number, size_t size) { count(); return __libc_calloc(number, size); }
void *realloc(void *old, size_t size) { count(); return __libc_realloc(old, size); }
void *memalign(size_t to, size_t size) { count(); return __libc_memalign(to, size); }
void *aligned_alloc(size_t to, size_t size) { count(); return __libc_memalign(to, size); }
int posix_memalign(void **result, size_t to, size_t size)
{
    count();
    *result = __libc_memalign(to, size);
    return *result ? 0 : ENOMEM;
}
void free(void *old) { if (old) count(); __libc_free(old); }
