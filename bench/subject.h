// What is measured: something that holds records at A and brings them to B.
//
// What a work means is written once (bench/repetition.h), over these functions, so that it
// means the same for Enlace and for what one would use instead. `self` is what `open` gave.
// Each of them ends the program with a message where it cannot do what it should.
#ifndef ENLACE_BENCH_SUBJECT_H
#define ENLACE_BENCH_SUBJECT_H

#include <jansson.h>
#include <stdint.h>

enum { CLIENTS = 8 }; // that put by the clock: a late answer does not hold up the next call

typedef struct {
    const char *name;
    json_t *(*describe)(void); // version and settings; a new object

    // A runs and is empty; B has never run, or what it held is gone. `dir` is the subject's
    // own, and the same at each opening.
    void *(*open)(const char *dir);
    void (*close)(void *self); // everything stopped

    // Makes what `load` or `put` then hands over; the others are durable at A when they return.
    void (*prepare)(void *self, uint64_t first, uint64_t count);
    void (*load)(void *self, uint64_t first, uint64_t count);
    // Of CLIENTS threads at once each has its own remainder of `number` by CLIENTS.
    void (*put)(void *self, uint64_t number);

    void (*follow)(void *self);                 // starts B, new or where it was paused
    void (*settle)(void *self);                 // waits until B follows and misses nothing
    void (*pause)(void *self);                  // stops B
    void (*until)(void *self, uint64_t number); // waits until B shows all up to it, durably
    void (*check)(void *self, uint64_t number); // B holds what A holds: all up to it

    // Waits a second at most until B shows more than all up to `since`; how far it shows. In
    // a thread of its own, which alone asks B meanwhile.
    uint64_t (*wait)(void *self, uint64_t since);
} subject_t;

extern const subject_t subject_enlace;

#endif
