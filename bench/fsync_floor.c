/* The model disk. Preloaded into a PostgreSQL server, it lets every fdatasync and fsync do its real
   work and then wait until FSYNC_FLOOR_US microseconds have passed since the call began. Durability
   stays; the noise of this machine's disk below the floor goes, so that ratios can be compared. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

typedef int (*sync_call)(int);

static void wait_for_floor(struct timespec moment)
{
    const char *text = getenv("FSYNC_FLOOR_US");
    moment.tv_nsec += (text ? atol(text) : 0) * 1000;
    moment.tv_sec += moment.tv_nsec / 1000000000;
    moment.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR)
        ;
}

static int floored(const char *name, sync_call *real, int descriptor)
{
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (!*real)
        *real = (sync_call)dlsym(RTLD_NEXT, name);
    int result = (*real)(descriptor), error = errno;
    wait_for_floor(began);
    errno = error;
    return result;
}

int fdatasync(int descriptor)
{
    static sync_call real;
    return floored("fdatasync", &real, descriptor);
}

int fsync(int descriptor)
{
    static sync_call real;
    return floored("fsync", &real, descriptor);
}
