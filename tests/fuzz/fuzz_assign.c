// FIELD=VALUE, FIELD:=JSON and filters. The first byte says which kind of record,
// each line of the rest is one assignment.
#include <string.h>

#include "lib/assign.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "tests/fuzz/check_record.h"
#include "tests/fuzz/fuzz.h"

enum { LINES_MAX = 12 };

static const json_reading_t reading = {.own = "CR", .lang = "es"};

typedef struct {
    size_t count;
    assignment_t items[LINES_MAX];
    char *fields[LINES_MAX], *values[LINES_MAX];
} lines_t;

static void split_line(lines_t *lines, const char *line)
{
    char **field = &lines->fields[lines->count], **value = &lines->values[lines->count];
    bool json = false;
    fault_t fault = {0};
    err_t err = assignment_parse(line, field, value, &json, &fault);
    fuzz_refused(err, &fault);
    if (err) {
        FUZZ_EXPECT(!*field && !*value);
        return;
    }
    char *whole = mem_format("%s%s=%s", *field, json ? ":" : "", *value);
    FUZZ_EXPECT(strcmp(whole, line) == 0);
    mem_free(whole);
    lines->items[lines->count++] = (assignment_t){*field, *value, json};
}

static void split(span_t input, lines_t *lines)
{
    while (input.size > 0 && lines->count < LINES_MAX) {
        const uint8_t *end = memchr(input.data, '\n', input.size);
        size_t size = end ? (size_t)(end - input.data) : input.size;
        char *line = fuzz_text(fuzz_bytes(&input, size));
        fuzz_bytes(&input, 1);
        if (utf8_valid(span_text(line))) // the door refuses what is not
            split_line(lines, line);
        mem_free(line);
    }
}

static void filter(const record_t *record, const lines_t *lines)
{
    record_t *none = record_new(record_kind(record));
    for (size_t i = 0; i < lines->count; i++) {
        bool matches = false;
        fault_t fault = {0};
        err_t err =
            record_matches(none, lines->fields[i], lines->values[i], &reading, &matches, &fault);
        fuzz_refused(err, &fault);
        // What is let through on an empty record is a filter for any.
        FUZZ_EXPECT(record_matches(record, lines->fields[i], lines->values[i], &reading, &matches,
                                   &fault) == err);
    }
    record_destroy(&none);
}

static void one(span_t input)
{
    lines_t lines = {0};
    fault_t fault = {0};
    record_t *record = record_new(kind_at(fuzz_u8(&input) % kind_count()));
    split(input, &lines);
    err_t err = record_assign(record, lines.items, lines.count, &reading, &fault);
    fuzz_refused(err, &fault);
    if (!err) {
        check_record(record);
        filter(record, &lines);
        // A second time: whatever it comes to, nothing breaks.
        fuzz_refused(record_assign(record, lines.items, lines.count, &reading, &fault), &fault);
    }
    record_destroy(&record);
    for (size_t i = 0; i < LINES_MAX; i++) {
        mem_free(lines.fields[i]);
        mem_free(lines.values[i]);
    }
}

const fuzz_target_t fuzz_target = {.one = one, .peak_bytes = 64 * 1024 * 1024};
