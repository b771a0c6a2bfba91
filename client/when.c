#include "client/when.h"

#include <stdio.h>
#include <time.h>

// The last millisecond of the year 9999: RFC 3339 has four digits.
#define WALL_MS_MAX UINT64_C(253402300799999)

void when_format(uint64_t wall_ms, char text[WHEN_TEXT])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    text[0] = '\0';
    if (!wall_ms || wall_ms > WALL_MS_MAX || !gmtime_r(&seconds, &parts))
        return;
    size_t used = strftime(text, WHEN_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, WHEN_TEXT - used, ".%03uZ", (unsigned)(wall_ms % 1000));
}

typedef struct {
    uint64_t ms;
    const char *name;
} unit_t;

void when_duration(uint64_t ms, char text[WHEN_TEXT])
{
    static const unit_t units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    enum { COUNT = sizeof units / sizeof *units };
    for (size_t i = 0; i < COUNT; i++) {
        if (ms < units[i].ms)
            continue;
        unsigned long long whole = ms / units[i].ms;
        unsigned long long rest = i + 1 < COUNT ? ms % units[i].ms / units[i + 1].ms : 0;
        if (rest)
            snprintf(text, WHEN_TEXT, "%llu %s %llu %s", whole, units[i].name, rest,
                     units[i + 1].name);
        else
            snprintf(text, WHEN_TEXT, "%llu %s", whole, units[i].name);
        return;
    }
    snprintf(text, WHEN_TEXT, "%llu ms", (unsigned long long)ms);
}

void size_format(uint64_t bytes, char text[WHEN_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    double value = (double)bytes;
    for (; value >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1000;
    snprintf(text, WHEN_TEXT, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t when_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

uint64_t when_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}
