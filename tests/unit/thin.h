// Loops that try thousands of things do so under the sanitizers. Under valgrind, twenty
// times slower, they try every nth: what it alone can find, use of what nobody has
// written, does not hide behind one position among thousands.
#ifndef ENLACE_TESTS_THIN_H
#define ENLACE_TESTS_THIN_H

#include <stddef.h>
#include <stdlib.h>

// RUN_VALGRIND: tests/run.sh.
static inline size_t thin(size_t nth)
{
    const char *valgrind = getenv("RUN_VALGRIND");
    return valgrind && *valgrind ? nth : 1;
}

#endif
