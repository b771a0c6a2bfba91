#include "bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/mem.h"

// What the name is padded by, so that the whole is LOAD_PAYLOAD bytes: test_load checks it.
enum { NAME = 271 };

// Letters that no compression makes much shorter, and that say which record it is.
static void fill(char name[NAME + 1], uint64_t number)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < NAME; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        name[i] = letters[(state >> 40) % (sizeof letters - 1)];
    }
    name[0] = 'N'; // no blank at either end
    name[NAME - 1] = '.';
    name[NAME] = '\0';
}

char *load_line(const char *node, uint64_t number)
{
    char name[NAME + 1];
    fill(name, number);
    return mem_format(
        "{\"node\":\"%s\",\"kind\":\"body\",\"key\":\"r%09llu\",\"name\":{\"es\":\"%s\"}}", node,
        (unsigned long long)number, name);
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
