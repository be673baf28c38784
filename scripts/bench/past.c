// Preloaded into a node: its calendar clock is PAST_SECONDS behind, so that blocks which are sealed faster than
// slots pass do not come from the future.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    const char *past = getenv("PAST_SECONDS");
    if (result == 0 && clock == CLOCK_REALTIME && past) now->tv_sec -= atol(past);
    return result;
}
