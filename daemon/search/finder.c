#include "daemon/search/finder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/search/alike.h"
#include "daemon/search/file.h"
#include "lib/mem.h"

struct finder {
    char *path;
    sql_t *sql;   // NULL: not opened
    dev_t device; // what was opened: another file may have taken its place
    ino_t inode;
    tokenizer_t *tokenizer;
    bool open; // within a snapshot of a file that is one
    err_t failed;
    known_t known;
};

err_t finder_new(const char *path, finder_t **finder, fault_t *fault)
{
    finder_t *made = mem_alloc(sizeof *made);
    made->path = mem_copy_string(path);
    err_t err = tokenizer_new(&made->tokenizer, fault);
    if (err)
        finder_destroy(&made);
    *finder = made;
    return err;
}

void finder_destroy(finder_t **finder)
{
    if (!finder || !*finder)
        return;
    finder_end(*finder);
    sql_close(&(*finder)->sql);
    tokenizer_destroy(&(*finder)->tokenizer);
    mem_free((*finder)->path);
    mem_free(*finder);
    *finder = NULL;
}

tokenizer_t *finder_tokenizer(finder_t *finder)
{
    return finder->tokenizer;
}

// ---- snapshots ----

static err_t open_file(finder_t *finder, fault_t *fault)
{
    static const char set_up[] = "PRAGMA cache_size = -512; PRAGMA query_only = ON;";
    int64_t version = 0;
    err_t err = sql_open(finder->path, NULL, SQL_READ, &finder->sql, fault);
    if (!err)
        err = sql_script(finder->sql, set_up, fault);
    if (!err)
        err = sql_number(finder->sql, "PRAGMA user_version", SQL_NO_VALUES, 0, &version, fault);
    if (!err && version != FILE_VERSION)
        err = fault_set(fault, ERR_DAMAGED, "search", "of another version");
    return err;
}

// Whether there is a file; one that was made anew is opened anew.
static bool look(finder_t *finder)
{
    struct stat facts;
    if (!finder->path || stat(finder->path, &facts) != 0)
        return false;
    if (finder->inode != facts.st_ino || finder->device != facts.st_dev)
        sql_close(&finder->sql);
    finder->inode = facts.st_ino;
    finder->device = facts.st_dev;
    return true;
}

err_t finder_failed(const finder_t *finder)
{
    return finder->failed;
}

void finder_begin(finder_t *finder, bool blind)
{
    fault_t fault = {0};
    err_t err = ERR_OK;
    finder->failed = ERR_OK;
    finder->known = (known_t){0};
    if (blind || !look(finder))
        return;
    if (!finder->sql)
        err = open_file(finder, &fault);
    if (!err)
        err = sql_begin_read(finder->sql, &fault);
    if (!err)
        err = file_known(finder->sql, &finder->known, &fault);
    finder->open = !err;
    finder->failed = err;
    if (!err)
        return;
    finder->known = (known_t){0};
    finder_end(finder);
    sql_close(&finder->sql);
}

void finder_end(finder_t *finder)
{
    if (finder->sql)
        sql_end_read(finder->sql);
    finder->open = false;
}

// ---- the unfed tail ----

void tail_clear(tail_t *tail)
{
    mem_free(tail->records);
    *tail = (tail_t){0};
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

bool tail_has(const tail_t *tail, int64_t record)
{
    return tail->count &&
           bsearch(&record, tail->records, tail->count, sizeof *tail->records, compare);
}

static void sort_once(tail_t *tail)
{
    size_t kept = 0;
    if (tail->count)
        qsort(tail->records, tail->count, sizeof *tail->records, compare);
    for (size_t i = 0; i < tail->count; i++)
        if (tail->records[i] && (!kept || tail->records[kept - 1] != tail->records[i]))
            tail->records[kept++] = tail->records[i];
    tail->count = kept;
}

// Of the changes that waited for their payload when they were fed, those that have it now.
static err_t add_filled(finder_t *finder, reader_t *reader, tail_t *tail, fault_t *fault)
{
    changed_t *waiting = mem_alloc_array(TAIL_MAX, sizeof *waiting);
    size_t count = 0;
    err_t err = ERR_OK;
    if (finder->open)
        err = finder->failed = file_waiting(finder->sql, 0, TAIL_MAX, waiting, &count, fault);
    if (count == TAIL_MAX) { // of those beyond nobody knows how many have come
        tail->whole = false;
        tail->behind = tail->behind ? tail->behind : 1;
    }
    for (size_t i = 0; i < count && !err; i++) {
        bool missing = false;
        err = reader_is_missing(reader, waiting[i].change, &missing, fault);
        if (!err && !missing)
            tail->records[tail->count++] = waiting[i].record;
    }
    mem_free(waiting);
    return err;
}

// Whether what the finder knows is of the store that the reader sees, and not ahead of it.
static bool fits(const known_t *known, const stand_t *now)
{
    return known->stand.applied <= now->applied && known->stand.view_version == now->view_version &&
           known->stand.view_schema == now->view_schema &&
           memcmp(&known->stand.boot, &now->boot, sizeof now->boot) == 0;
}

static err_t gather(finder_t *finder, reader_t *reader, tail_t *tail, fault_t *fault)
{
    stand_t now;
    changed_t *changed = mem_alloc_array(TAIL_MAX, sizeof *changed);
    size_t count = 0;
    err_t err = reader_stand(reader, 0, &now, fault);
    if (!err && !fits(&finder->known, &now))
        finder_end(finder), finder->known = (known_t){0};
    uint64_t since = finder->known.stand.applied;
    tail->behind = err ? 0 : now.applied - since;
    tail->whole = tail->behind <= TAIL_MAX;
    if (!err && tail->whole)
        err = reader_changed(reader, since, TAIL_MAX, changed, &count, fault);
    for (size_t i = 0; i < count; i++)
        tail->records[tail->count++] = changed[i].record;
    mem_free(changed);
    return err ? err : add_filled(finder, reader, tail, fault);
}

err_t finder_tail(finder_t *finder, reader_t *reader, tail_t *tail, fault_t *fault)
{
    *tail = (tail_t){.records = mem_alloc_array(2 * TAIL_MAX, sizeof *tail->records)};
    err_t err = gather(finder, reader, tail, fault);
    sort_once(tail);
    if (err)
        tail_clear(tail);
    return err;
}

// ---- words that are alike ----

// "__c" OR "_co" OR ...: of the letters of "__word_", three by three.
static char *trigrams_of(const char *word)
{
    buf_t padded = alike_padded(word), made = {0};
    const uint8_t *start = padded.data, *end = start + padded.size;
    while (start < end) {
        const uint8_t *stop = start, *second = NULL;
        size_t letters = 0;
        for (; stop < end && letters < 3; letters++) {
            if (letters == 1)
                second = stop;
            for (stop++; stop < end && (*stop & 0xc0) == 0x80;)
                stop++;
        }
        if (letters < 3)
            break;
        buf_append(&made, span_text(made.size ? " OR \"" : "\""));
        buf_append(&made, span_of(start, (size_t)(stop - start)));
        buf_append(&made, span_text("\""));
        start = second;
    }
    buf_append(&made, span_of("", 1));
    buf_free(&padded);
    return (char *)made.data;
}

// The nearest ones so far, nearest first, of equals the one that came first.
typedef struct {
    size_t count;
    struct {
        unsigned distance;
        char text[WORD_BYTES_MAX + 1];
    } items[ASKED_ALIKE_MAX];
} nearest_t;

static void take_near(nearest_t *nearest, const char *word, unsigned distance)
{
    size_t at = nearest->count;
    while (at > 0 && nearest->items[at - 1].distance > distance)
        at--;
    if (at == ASKED_ALIKE_MAX)
        return;
    nearest->count += nearest->count < ASKED_ALIKE_MAX;
    memmove(&nearest->items[at + 1], &nearest->items[at],
            (nearest->count - at - 1) * sizeof nearest->items[0]);
    nearest->items[at].distance = distance;
    strncpy(nearest->items[at].text, word, WORD_BYTES_MAX);
    nearest->items[at].text[WORD_BYTES_MAX] = '\0';
}

static err_t find_near(finder_t *finder, const char *wanted, nearest_t *nearest, fault_t *fault)
{
    static const char list[] = "SELECT word FROM term WHERE id IN (SELECT rowid FROM grams"
                               " WHERE grams MATCH ?1) ORDER BY id";
    unsigned most = alike_changes(wanted);
    char *match = trigrams_of(wanted);
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(finder->sql, list, SQL_ROW(sql_text(match)), &statement, &row, fault);
    while (!err && row) {
        const char *word = sql_column_text(statement, 0);
        unsigned distance = word ? alike_distance(wanted, word, most) : most + 1;
        if (distance > 0 && distance <= most)
            take_near(nearest, word, distance);
        err = sql_step(finder->sql, statement, &row, fault);
    }
    mem_free(match);
    return err;
}

err_t finder_alike(finder_t *finder, asked_t *words, fault_t *fault)
{
    nearest_t *nearest = mem_alloc(sizeof *nearest);
    err_t err = ERR_OK;
    for (size_t i = 0; finder->open && i < words->count && !err; i++) {
        word_t *word = &words->items[i];
        nearest->count = 0;
        if (!word->prefix && alike_changes(word->text))
            err = finder->failed = find_near(finder, word->text, nearest, fault);
        for (size_t k = 0; k < nearest->count && !err; k++)
            tokens_add(&word->alike, span_text(nearest->items[k].text));
    }
    mem_free(nearest);
    return err;
}

// ---- hits ----

void hits_begin(hits_t *hits, finder_t *finder, const char *expression, int64_t from, int64_t to,
                bool falling)
{
    *hits = (hits_t){.finder = finder,
                     .expression = mem_copy_string(expression),
                     .from = from,
                     .to = to,
                     .falling = falling,
                     .over = !finder->open || from > to};
}

static err_t step(hits_t *hits, bool *row, fault_t *fault)
{
    static const char rising[] = "SELECT rowid FROM tokens WHERE tokens MATCH ?1"
                                 " AND rowid >= ?2 AND rowid <= ?3 ORDER BY rowid";
    static const char falling[] = "SELECT rowid FROM tokens WHERE tokens MATCH ?1"
                                  " AND rowid >= ?2 AND rowid <= ?3 ORDER BY rowid DESC";
    sql_t *sql = hits->finder->sql;
    if (hits->statement)
        return sql_step(sql, hits->statement, row, fault);
    return sql_first(sql, hits->falling ? falling : rising,
                     SQL_ROW(sql_text(hits->expression), sql_int(hits->from), sql_int(hits->to)),
                     &hits->statement, row, fault);
}

err_t hits_next(hits_t *hits, int64_t *record, fault_t *fault)
{
    bool row = false;
    *record = 0;
    if (hits->over)
        return ERR_OK;
    err_t err = step(hits, &row, fault);
    hits->over = err || !row;
    hits->finder->failed = err;
    if (hits->over)
        hits->statement = NULL;
    else
        *record = sqlite3_column_int64(hits->statement, 0);
    return err;
}

void hits_end(hits_t *hits)
{
    if (hits->statement)
        sql_done(hits->statement);
    mem_free(hits->expression);
    *hits = (hits_t){.over = true};
}
