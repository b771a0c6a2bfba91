// One line to standard error, with the level as sd-daemon(3) writes it when the
// journal reads it ("<6>"), with the time otherwise. No state.
#ifndef ENLACE_LIB_LOG_H
#define ENLACE_LIB_LOG_H

typedef enum {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
} log_level_t;

void log_line(log_level_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
