// Memory for SQLite, where nothing else runs: pieces by size, kept for the next one.
//
// SQLite takes and gives back some hundred thousand small pieces in a run, mostly
// while it compiles statements. A piece has its class in the eight bytes before it;
// free pieces of a class are a list. What is beyond the largest class is the
// system's. Nothing is given back before the process ends: what a run needs at its
// most is some megabytes. Under AddressSanitizer all of it is the system's.
#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk_internal.h"

#ifdef __SANITIZE_ADDRESS__

static int use_pieces(void)
{
    return SQLITE_OK;
}

#else

enum {
    LEAD = 8,
    STEP = 32, // classes 0 to 31 are multiples of it, with the head
    FINE = 32, // and those above double: 2 KiB to 128 KiB
    CLASSES = FINE + 7,
    BLOCK = 1 << 20,
};

typedef struct piece {
    struct piece *next;
} piece_t;

typedef union {
    size_t size; // of the whole, itself with it
    uint8_t bytes[LEAD];
} lead_t;

static struct {
    piece_t *free[CLASSES];
    uint8_t *at, *end;
} memory;

static size_t size_of_class(size_t class)
{
    return class < FINE ? (class + 1) * STEP : (size_t)1024 << (class - FINE + 1);
}

static size_t class_of(size_t size)
{
    size_t class = FINE;
    if (size <= (size_t)FINE * STEP)
        return (size - 1) / STEP;
    while (class < CLASSES && size_of_class(class) < size)
        class ++;
    return class;
}

static lead_t *lead_of(void *at)
{
    return (lead_t *)at - 1;
}

// From the end of the newest block; what is too small for it there stays unused.
static void *carve(size_t size)
{
    if ((size_t)(memory.end - memory.at) < size) {
        memory.at = malloc(BLOCK);
        memory.end = memory.at ? memory.at + BLOCK : NULL;
    }
    void *piece = memory.at;
    if (piece)
        memory.at += size;
    return piece;
}

static void *piece_take(int asked)
{
    size_t size = (size_t)asked + LEAD, class = class_of(size);
    lead_t *lead;
    if (class == CLASSES) {
        lead = malloc(size);
    } else if (memory.free[class]) {
        size = size_of_class(class);
        lead = (lead_t *)memory.free[class] - 1;
        memory.free[class] = memory.free[class]->next;
    } else {
        size = size_of_class(class);
        lead = carve(size);
    }
    if (!lead)
        return NULL;
    lead->size = size;
    return lead + 1;
}

static void piece_free(void *at)
{
    lead_t *lead = lead_of(at);
    size_t class = class_of(lead->size);
    if (class == CLASSES) {
        free(lead);
        return;
    }
    piece_t *piece = at;
    piece->next = memory.free[class];
    memory.free[class] = piece;
}

static int piece_size(void *at)
{
    return at ? (int)(lead_of(at)->size - LEAD) : 0;
}

static void *piece_resize(void *old, int asked)
{
    if (asked <= piece_size(old))
        return old;
    void *made = piece_take(asked);
    if (made) {
        memcpy(made, old, (size_t)piece_size(old));
        piece_free(old);
    }
    return made;
}

static int piece_roundup(int asked)
{
    size_t size = (size_t)asked + LEAD, class = class_of(size);
    return class == CLASSES ? (asked + 7) & ~7 : (int)(size_of_class(class) - LEAD);
}

static int begin(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void end(void *context)
{
    (void)context;
}

static int use_pieces(void)
{
    static sqlite3_mem_methods methods = {piece_take,    piece_free, piece_resize, piece_size,
                                          piece_roundup, begin,      end,          NULL};
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

#endif

void disk_hurry_sqlite(void)
{
    enum { PAGES = 3000, PAGE_ROOM = DISK_PAGE + 384, PIECES = 300, PIECE_BYTES = 1200 };
    static uint8_t room[PAGES][PAGE_ROOM] __attribute__((aligned(8)));
    int code = sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    if (code == SQLITE_OK)
        code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (code == SQLITE_OK)
        code = use_pieces();
    if (code == SQLITE_OK)
        code = sqlite3_config(SQLITE_CONFIG_PAGECACHE, room, (int)PAGE_ROOM, (int)PAGES);
    if (code == SQLITE_OK)
        code = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, (int)PIECE_BYTES, (int)PIECES);
    assert(code == SQLITE_OK);
    (void)code;
}
