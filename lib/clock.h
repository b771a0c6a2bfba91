// Time that only goes on, for whoever waits: milliseconds, monotonic. Not for the core, which is
// told the time.
#ifndef ENLACE_LIB_CLOCK_H
#define ENLACE_LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
