// Text from other nodes, made safe to stand on a terminal, and measured as one
// shows it. Everything printed for people that is not our own words goes through
// here: an escape sequence in a record's name must not reach the terminal, nor a
// bidirectional override make one line look like another.
#ifndef ENLACE_CLIENT_PLAIN_H
#define ENLACE_CLIENT_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

// One line: newlines and tabs become spaces, other control characters and what
// is not UTF-8 U+FFFD, bidirectional controls vanish. NULL is "". Caller frees.
char *plain_line(const char *text);
// The same, but newlines stay.
char *plain_lines(const char *text);

// Columns that a line of plain_line takes (wcwidth).
size_t plain_width(const char *line);
// How many bytes of it fit into `columns`, whole characters with their marks only.
size_t plain_fit(const char *line, size_t columns);
// The same as a new string, ended by "…" where something was cut. Caller frees.
char *plain_cut(const char *line, size_t columns);

#endif
