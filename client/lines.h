// The lines of a file to be imported: numbered as in the file, empty ones passed
// over, ends (LF or CRLF) and a byte order mark taken off, bounded and checked to
// be text. A pipe is read to its end before the first line comes out, so that
// nothing is begun on half an input.
#ifndef ENLACE_CLIENT_LINES_H
#define ENLACE_CLIENT_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/error.h"

typedef struct lines lines_t;

err_t lines_open(const char *path, lines_t **lines, fault_t *fault);
void lines_close(lines_t **lines);
// The next one, which lives until the next call; *end where there is none.
// TOO_BIG, BAD_UTF8, NUL_IN_TEXT (where: "line 12"), CANNOT_READ.
err_t lines_next(lines_t *lines, const char **line, uint64_t *number, bool *end, fault_t *fault);
uint64_t lines_bytes_read(const lines_t *lines);
uint64_t lines_bytes_total(const lines_t *lines);

#endif
