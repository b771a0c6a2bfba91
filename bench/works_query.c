// Questions to a node that holds n records of two kinds and two owners: pages of 50 by kind,
// owner and field, one record by id and by key, and searches for words.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fill.h"
#include "bench/load.h"
#include "bench/machine.h"
#include "bench/profile.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"
#include "tests/system/fleet.h"

enum { HUB, OTHER, OWNERS, PAGE = 50, QUESTIONS = 1000, NAME = 240 };
static const char *const owners[OWNERS] = {"CRM", "GT"}; // as fleet_hub calls them

// ---- what is held ----

// The word that every committee has, those that every 16th and every 4096th has.
#define COMMON "coalición"
#define SOME   "niñez"
#define RARE   "murciélago"
enum { WORDS_BYTES = 64 };

static void some_words(uint64_t number, char *words, size_t size)
{
    snprintf(words, size, COMMON " %s%s", number / 2 % 16 ? "" : SOME " ",
             number / 2 % 4096 ? "" : RARE " ");
}

// Every other record is a committee: one in 8 of each country, one in 40 of a country and a
// sector.
static char *committee(const char *node, uint64_t number)
{
    static const char *const countries[] = {"CR", "GT", "SV", "HN", "NI", "BZ", "PA", "MX"};
    static const char *const sectors[] = {"MIGRATION", "LABOUR", "HEALTH", "WOMEN", "EDUCATION"};
    char name[NAME + 1], words[WORDS_BYTES];
    some_words(number, words, sizeof words);
    load_letters(number, name, sizeof name - strlen(words));
    return mem_format("{\"node\":\"%s\",\"kind\":\"committee\",\"key\":\"r%09llu\",\"name\":{"
                      "\"es\":\"%s%s\"},\"country\":\"%s\",\"lead_sector\":\"%s\"}",
                      node, (unsigned long long)number, words, name, countries[number / 2 % 8],
                      sectors[number / 16 % 5]);
}

static void write_lines(FILE *file, const char *node, uint64_t first, uint64_t count)
{
    for (uint64_t number = first; number < first + count; number++) {
        char *line = number % 2 ? committee(node, number) : load_line(node, number);
        fprintf(file, "%s\n", line);
        mem_free(line);
    }
}

static void import_file(fleet_t *fleet, size_t node, uint64_t first, uint64_t count)
{
    char *path = mem_format("%s/query.jsonl", fleet_dir(fleet));
    FILE *file = fopen(path, "we");
    if (file)
        write_lines(file, owners[node], first, count);
    if (!file || fclose(file)) {
        fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
        exit(1);
    }
    mem_free(fleet_do(fleet, node, "import %s", path));
    remove(path);
    mem_free(path);
}

static void import(fleet_t *fleet, size_t node, uint64_t count)
{
    for (uint64_t done = 0; done < count; done += FILE_RECORDS)
        import_file(fleet, node, done + 1,
                    count - done < FILE_RECORDS ? count - done : FILE_RECORDS);
}

// ---- what is asked ----

typedef struct {
    watch_t *watch;
    uint64_t held;  // records of each owner
    uint64_t state; // of what is drawn
    buf_t cursor;   // of the page before; empty: the first one comes next
} asker_t;

typedef struct question {
    const char *work;
    void (*ask)(asker_t *asker, const struct question *question);
    const char *owner;
    const char *country, *sector; // filters
    const char *words[2];         // looked for
    bool alike;
} question_t;

// The page that comes next, in as many requests as it takes: one looks at so many records at
// most. After the last page comes the first.
static size_t ask_rows(asker_t *asker, Enlace__V1__ListRequest *list)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_LIST;
    request.list = list;
    list->has_cursor = asker->cursor.size > 0;
    list->cursor = (ProtobufCBinaryData){asker->cursor.size, asker->cursor.data};
    reply_t *reply = watch_ask(asker->watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_PAGE);
    size_t rows = reply->page->n_records;
    buf_clear(&asker->cursor);
    if (reply->page->has_cursor)
        buf_append(&asker->cursor, span_of(reply->page->cursor.data, reply->page->cursor.len));
    talk_free(&reply);
    return rows;
}

static void ask_page(asker_t *asker, const question_t *question)
{
    Enlace__V1__Assignment country = ENLACE__V1__ASSIGNMENT__INIT, sector = country;
    Enlace__V1__Assignment *filters[] = {&country, &sector};
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    country.field = (char[]){"country"};
    country.value = (char *)(uintptr_t)question->country;
    sector.field = (char[]){"lead_sector"};
    sector.value = (char *)(uintptr_t)question->sector;
    list.kind = (char[]){"committee"};
    list.owner = (char *)(uintptr_t)question->owner;
    list.filters = filters;
    list.n_filters = question->sector ? 2 : question->country ? 1 : 0;
    list.has_limit = 1;
    list.limit = PAGE;
    do
        list.limit -= (uint32_t)ask_rows(asker, &list);
    while (list.limit > 0 && asker->cursor.size > 0);
}

static void show(asker_t *asker, char *id)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ShowRequest body = ENLACE__V1__SHOW_REQUEST__INIT;
    body.id = id;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_SHOW;
    request.show = &body;
    reply_t *reply = watch_ask(asker->watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_PAGE);
    talk_free(&reply);
}

// Of any record: linear congruential, the same ones each time.
static unsigned long long draw(asker_t *asker)
{
    asker->state = asker->state * 6364136223846793005u + 1442695040888963407u;
    return 1 + (asker->state >> 33) % asker->held;
}

static void ask_id(asker_t *asker, const question_t *question)
{
    char id[64];
    unsigned long long number = draw(asker);
    snprintf(id, sizeof id, "%s:%llu", question->owner, number);
    show(asker, id);
}

static void ask_key(asker_t *asker, const question_t *question)
{
    char id[64];
    unsigned long long number = draw(asker);
    snprintf(id, sizeof id, "@%s:r%09llu", question->owner, number);
    show(asker, id);
}

// A page of what has the words, the one that comes next; after the last one the first.
static void ask_words(asker_t *asker, const question_t *question)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__SearchRequest search = ENLACE__V1__SEARCH_REQUEST__INIT;
    search.words = (char **)(uintptr_t)question->words;
    search.n_words = question->words[1] ? 2 : 1;
    search.has_alike = search.alike = question->alike;
    search.has_limit = 1;
    search.limit = PAGE;
    search.has_cursor = asker->cursor.size > 0;
    search.cursor = (ProtobufCBinaryData){asker->cursor.size, asker->cursor.data};
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_SEARCH;
    request.search = &search;
    reply_t *reply = watch_ask(asker->watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_PAGE);
    buf_clear(&asker->cursor);
    if (reply->page->has_cursor)
        buf_append(&asker->cursor, span_of(reply->page->cursor.data, reply->page->cursor.len));
    talk_free(&reply);
}

static const question_t questions[] = {
    {.work = "query, page by kind", .ask = ask_page},
    {.work = "query, page by owner", .ask = ask_page, .owner = "GT"},
    {.work = "query, page by owner, 1 in 8", .ask = ask_page, .owner = "GT", .country = "PA"},
    {.work = "query, page, 1 in 8", .ask = ask_page, .country = "PA"},
    {.work = "query, page, 1 in 40", .ask = ask_page, .country = "PA", .sector = "HEALTH"},
    {.work = "query, show by id", .ask = ask_id, .owner = "GT"},
    {.work = "query, show by key", .ask = ask_key, .owner = "GT"},
    {.work = "search, common word", .ask = ask_words, .words = {"coalicion"}},
    {.work = "search, rare word", .ask = ask_words, .words = {"murcielago"}},
    {.work = "search, two words", .ask = ask_words, .words = {"coalicion", "ninez"}},
    {.work = "search, word's beginning", .ask = ask_words, .words = {"murci*"}},
    {.work = "search, words alike", .ask = ask_words, .words = {"murcielaqo"}, .alike = true},
};

// ---- measuring ----

static void measure(const bench_t *bench, asker_t *asker, const question_t *question)
{
    samples_t runs[REPEAT_MAX] = {{0}};
    buf_clear(&asker->cursor);
    profile_begin();
    for (unsigned i = 0; i < bench->repeat; i++)
        for (size_t k = 0; k < QUESTIONS; k++) {
            double began = machine_now();
            question->ask(asker, question);
            samples_add(&runs[i], (machine_now() - began) * 1e3);
        }
    profile_end();
    report_quantiles(bench->report, question->work, "enlace", asker->held * OWNERS, "ms", runs,
                     bench->repeat, TO_P99);
}

void work_query(const bench_t *bench)
{
    asker_t asker = {.held = bench->n / OWNERS ? bench->n / OWNERS : 1};
    fleet_t *fleet = fleet_hub(OWNERS - 1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    import(fleet, HUB, asker.held);
    import(fleet, OTHER, asker.held);
    asker.watch = watch_open(fleet_node_dir(fleet, HUB));
    watch_until(asker.watch, owners[OTHER], asker.held);
    fleet_stop(fleet, OTHER);
    watch_searchable(asker.watch);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        measure(bench, &asker, &questions[i]);
    buf_free(&asker.cursor);
    watch_close(&asker.watch);
    fleet_destroy(&fleet);
}
