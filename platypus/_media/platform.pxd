"""What the media core uses of platform.h."""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uintptr_t


cdef extern from "platform.h" nogil:
    uint32_t platform_load_acquire(const uint32_t *field)
    void platform_fence()
    void platform_store_release(uint32_t *field, uint32_t value)
    uint32_t platform_fetch_add(uint32_t *field, uint32_t value)
    uint32_t platform_exchange(uint32_t *field, uint32_t value)

    void platform_prefetch(const void *start, int bytes)

    int64_t platform_energy(const int16_t *samples, int count, int *peak)

    size_t PLATFORM_CHUNK
    void *platform_chunk_take(bint large)
    void platform_chunk_give(void *chunk)
    void *platform_pages_take(size_t size)
    void platform_pages_give(void *pages, size_t size)
    bint platform_chunk_gather(uintptr_t inside)

    int64_t platform_monotonic_ns()
    int64_t platform_realtime_offset_ns()

    ctypedef struct platform_address_t:
        uint16_t family
        uint16_t port
        uint8_t ip[16]
    bint platform_address_equal(const platform_address_t *a, const platform_address_t *b)
    int platform_address_parse(platform_address_t *address, const char *host, int port)
    int platform_address_format(const platform_address_t *address, char *text, int capacity)

    ctypedef int platform_socket_t
    platform_socket_t PLATFORM_NO_SOCKET
    ctypedef struct platform_datagram_t:
        platform_address_t source
        int64_t arrival_ns
        bint stamped
        int length
        uint8_t *data
    int PLATFORM_BATCH_MAX
    void platform_memory_give_back()
    int platform_socket_family(platform_socket_t s)
    int platform_socket_prepare(platform_socket_t s, int family)
    void platform_socket_close(platform_socket_t s)
    void platform_socket_wake(platform_socket_t s)
    int platform_receive(platform_socket_t s, platform_datagram_t *datagram, int64_t offset_ns,
                         int64_t now_ns)
    int platform_send_to(platform_socket_t s, int socket_family,
                         const platform_address_t *address, const uint8_t *data, int length)

    enum:
        PLATFORM_TOLD_MAX
    ctypedef struct platform_watch_t:
        pass
    int platform_watch_init(platform_watch_t *watch)
    void platform_watch_destroy(platform_watch_t *watch)
    void platform_watch_add(platform_watch_t *watch, platform_socket_t s, void *reader)
    void platform_watch_remove(platform_watch_t *watch, platform_socket_t s)
    int platform_watch_told(platform_watch_t *watch, void **readers)

    ctypedef void (*platform_thread_main_t)(void *) noexcept nogil
    ctypedef struct platform_thread_t:
        pass
    int platform_thread_start(platform_thread_t *thread, platform_thread_main_t main,
                              void *argument)
    void platform_thread_join(platform_thread_t *thread)

    ctypedef struct platform_foreign_t:
        pass
    platform_foreign_t platform_foreign_self()
    int64_t platform_foreign_used_ns(platform_foreign_t thread)
    int platform_foreign_end(platform_foreign_t thread)

    int platform_process_id()

    ctypedef struct platform_semaphore_t:
        pass
    int platform_semaphore_init(platform_semaphore_t *semaphore)
    void platform_semaphore_destroy(platform_semaphore_t *semaphore)
    void platform_semaphore_post(platform_semaphore_t *semaphore)
    bint platform_semaphore_wait(platform_semaphore_t *semaphore, int64_t timeout_ns)

    ctypedef struct platform_timer_t:
        pass
    int platform_timer_init(platform_timer_t *timer)
    void platform_timer_destroy(platform_timer_t *timer)
    void platform_sleep_until(platform_timer_t *timer, int64_t deadline_ns)

    ctypedef int platform_scheduling_t
    platform_scheduling_t PLATFORM_SCHEDULING_RR
    platform_scheduling_t PLATFORM_SCHEDULING_SLICE
    platform_scheduling_t PLATFORM_SCHEDULING_PLAIN
    platform_scheduling_t platform_ask_scheduling()
    platform_scheduling_t platform_ask_scheduling_of(int thread)
    const char *platform_scheduling_name(platform_scheduling_t got)

    int PLATFORM_PIPE_BLOCK
    int platform_file_write(int fd, const void *data, int length)
    bint platform_file_is_piped(int fd)
    bint platform_file_ready(int fd)
    int platform_file_seek(int fd, int64_t offset)
    void platform_file_close(int fd)
