#include "bench/fill.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/load.h"
#include "bench/machine.h"
#include "bench/watch.h"
#include "lib/mem.h"

static double import_file(fleet_t *fleet, size_t node, const char *code, uint64_t first,
                          uint64_t count)
{
    char *path = mem_format("%s/load.jsonl", fleet_dir(fleet));
    load_write(path, code, first, count);
    double began = machine_now();
    mem_free(fleet_do(fleet, node, "import %s", path));
    double took = machine_now() - began;
    remove(path);
    mem_free(path);
    return took;
}

double fill_import(fleet_t *fleet, size_t node, const char *code, uint64_t first, uint64_t count)
{
    double took = 0;
    for (uint64_t done = 0; done < count; done += FILE_RECORDS) {
        uint64_t left = count - done;
        took +=
            import_file(fleet, node, code, first + done, left < FILE_RECORDS ? left : FILE_RECORDS);
    }
    return took;
}

bool fill_same(fleet_t *fleet, size_t one, size_t other)
{
    watch_t *left = watch_open(fleet_node_dir(fleet, one));
    watch_t *right = watch_open(fleet_node_dir(fleet, other));
    hash_t is = watch_digest(right), must_be = watch_digest(left);
    watch_close(&left);
    watch_close(&right);
    return hash_equal(&is, &must_be);
}

void fill_expect_same(fleet_t *fleet, size_t one, size_t other)
{
    if (fill_same(fleet, one, other))
        return;
    fprintf(stderr, "%s and %s are in step and their digests differ: run `enlace verify`\n",
            fleet_node_dir(fleet, one), fleet_node_dir(fleet, other));
    exit(1);
}
