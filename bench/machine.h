// What it was measured on, and what a process has taken of it.
#ifndef ENLACE_BENCH_MACHINE_H
#define ENLACE_BENCH_MACHINE_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

// Processors, memory, how long its disk takes to sync, kernel. A new object.
json_t *machine_describe(void);
// Of Enlace, what it was built with and its libraries. A new object.
json_t *machine_versions(void);

double machine_now(void); // seconds, monotonic

// The number at a place, from 0, in a line of words, as files of /proc have them.
uint64_t machine_number_at(const char *line, unsigned place);
// Of a running process; 0 where it does not run.
double process_cpu(pid_t pid);        // seconds, its threads together
uint64_t process_resident(pid_t pid); // bytes
// Files below a directory, by what they occupy on disk.
uint64_t disk_bytes(const char *dir);

#endif
