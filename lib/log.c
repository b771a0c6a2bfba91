#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_prefix(char *line, size_t size, log_level_t level)
{
    static const char *const names[] = {"", "", "", "error", "warning", "notice", "info", "debug"};
    if (getenv("JOURNAL_STREAM")) {
        snprintf(line, size, "<%d>", (int)level);
        return;
    }
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(line + length, size - length, ".%03ldZ %s ", now.tv_nsec / 1000000, names[level]);
}

// Text from outside may stand in a line: a control character must not forge another.
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

void log_line(log_level_t level, const char *format, ...)
{
    char line[1024];
    print_prefix(line, sizeof line, level);
    size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    flatten(line);
    used = strlen(line);
    line[used] = '\n';
    // One write a line: whole lines also when several threads write.
    ssize_t written = write(STDERR_FILENO, line, used + 1);
    (void)written;
}
