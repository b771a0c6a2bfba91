// What commands answer, as tables: a line is run at a node and must end, and say,
// as it is written there. A test then reads as what a person would type and see.
//
// Everywhere: what is refused prints nothing on standard output, begins with
// "enlace: ", and ends with its reason in brackets; what is done says nothing on
// standard error.
#ifndef ENLACE_TESTS_SYSTEM_TRIES_H
#define ENLACE_TESTS_SYSTEM_TRIES_H

#include <jansson.h>

#include "tests/system/fleet.h"

// Under the address sanitiser everything takes several times as long.
#ifdef __SANITIZE_ADDRESS__
#define TRY_SLOWNESS 4u
#else
#define TRY_SLOWNESS 1u
#endif

typedef struct {
    const char *arguments; // behind `enlace --dir DIR`, split by a shell
    int status;
    // In standard output where the status is 0, otherwise in standard error;
    // "!x": must not be there.
    const char *says[6];
} try_t;

void try_one(fleet_t *fleet, size_t node, const try_t *attempt);
void try_some(fleet_t *fleet, size_t node, const try_t *tries, size_t count);
#define TRY_ALL(fleet, node, tries) try_some(fleet, node, tries, sizeof(tries) / sizeof *(tries))

// Fails naming what was looked for and in what.
void expect_says(const char *what, const char *text, const char *const *says, size_t count);

// The one JSON object that a command prints; json_decref.
json_t *try_json(fleet_t *fleet, size_t node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A member of it by path ("peers.0.code"), as text however it is typed; "" where
// there is none. Caller frees.
char *json_at(const json_t *json, const char *path);
// Asserts that json_at is that.
void expect_at(const json_t *json, const char *path, const char *expected);

size_t count_lines(const char *text);
// Asserts that a command fails to change anything: the digest before and after is
// the same. Opened before, checked after.
char *digest_of(fleet_t *fleet, size_t node);
void expect_digest(fleet_t *fleet, size_t node, const char *digest);

// Writes a file of this name into the fleet's directory; returns its path, caller frees.
char *write_text(fleet_t *fleet, const char *name, const char *text);

#endif
