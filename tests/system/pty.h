// A command on a terminal of its own: what it shows there, and what is typed.
#ifndef ENLACE_TESTS_SYSTEM_PTY_H
#define ENLACE_TESTS_SYSTEM_PTY_H

#include "tests/system/fleet.h"

typedef struct pty pty_t;

// A shell command on a terminal of so many columns; `$BIN` and `$FLEET` as in
// fleet_shell, TERM is xterm, COLORTERM, COLUMNS and NO_COLOR are not set.
pty_t *pty_open(fleet_t *fleet, unsigned columns, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Whether it shows the text, within `ms`.
bool pty_shows(pty_t *pty, const char *text, unsigned ms);
void pty_type(pty_t *pty, const char *text);
// Waits until it ends; all that it showed, without carriage returns at line ends,
// which the caller frees.
char *pty_close(pty_t **pty, int *status);
// Columns of a line as shown: no colours, one for each character (which holds for
// the Latin that these tests write).
size_t shown_width(const char *line, size_t length);

#endif
