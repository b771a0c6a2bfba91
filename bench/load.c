#include "bench/load.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/mem.h"
#include "lib/record_json.h"

// What the name is padded by, so that the whole is LOAD_PAYLOAD bytes: tests/unit/test_load.c
// checks it.
enum { NAME = 271 };

void load_letters(uint64_t number, char *text, size_t size)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i + 1 < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text[i] = letters[(state >> 40) % (sizeof letters - 1)];
    }
    text[0] = 'N'; // no blank at either end
    text[size - 2] = '.';
    text[size - 1] = '\0';
}

char *load_line(const char *node, uint64_t number)
{
    char name[NAME + 1];
    load_letters(number, name, sizeof name);
    return mem_format(
        "{\"node\":\"%s\",\"kind\":\"body\",\"key\":\"r%09llu\",\"name\":{\"es\":\"%s\"}}", node,
        (unsigned long long)number, name);
}

buf_t load_body(const char *node, uint64_t number)
{
    json_reading_t reading = {.own = node, .lang = "es"};
    json_t *object = NULL;
    record_t *record = NULL;
    fault_t fault;
    char *line = load_line(node, number);
    err_t err = json_parse(line, strlen(line), &object, &fault);
    if (!err)
        err = record_from_json(object, &reading, &record, &fault);
    assert(!err);
    buf_t body = record_encode(record);
    record_destroy(&record);
    json_decref(object);
    mem_free(line);
    return body;
}

void load_write(const char *path, const char *node, uint64_t first, uint64_t count)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL;
    for (uint64_t i = 0; good && i < count; i++) {
        char *line = load_line(node, first + i);
        good = fprintf(file, "%s\n", line) > 0;
        mem_free(line);
    }
    if (!file || fclose(file) != 0 || !good) {
        fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
        exit(1);
    }
}
