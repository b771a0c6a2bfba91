#include "tests/long/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/store.h"
#include "lib/mem.h"

struct load {
    fleet_t *fleet;
    unsigned serial; // of writers and files: keys are never used twice
    reading_t *writers[FLEET_MAX];
    reading_t *import;
    size_t importer;
};

load_t *load_new(fleet_t *fleet)
{
    load_t *load = mem_alloc(sizeof *load);
    load->fleet = fleet;
    return load;
}

void load_destroy(load_t **load)
{
    for (size_t i = 0; i < FLEET_MAX; i++)
        load_end(*load, i);
    mem_free(*load);
    *load = NULL;
}

// What a shell command prints, without its last newline; it must end well.
static char *shell(load_t *load, const char *command)
{
    result_t result = fleet_shell(load->fleet, "%s", command);
    if (result.status)
        fail_msg("%s: exit %d: %s", command, result.status, result.err);
    char *text = result.out;
    result.out = NULL;
    result_clear(&result);
    size_t length = strlen(text);
    if (length && text[length - 1] == '\n')
        text[length - 1] = '\0';
    return text;
}

// ---- puts ----

// An id goes into the ledger in one write, after the daemon has said it.
void load_puts(load_t *load, size_t node, unsigned most)
{
    load_end(load, node);
    load->writers[node] = fleet_background(
        load->fleet,
        "i=0; while [ $i -lt %u ] && id=$($BIN/enlace --dir '%s' put body key=p%u-$i name=N"
        " 2>/dev/null); do echo \"$id\" >>$FLEET/said; echo \"$id\"; i=$((i+1)); done;"
        " [ $i -eq %u ]",
        most, fleet_node_dir(load->fleet, node), ++load->serial, most);
}

bool load_next(load_t *load, size_t node, unsigned ms)
{
    char *line = load->writers[node] ? reading_line(load->writers[node], ms) : NULL;
    bool any = line != NULL;
    mem_free(line);
    return any;
}

bool load_end(load_t *load, size_t node)
{
    return load->writers[node] && reading_wait(&load->writers[node]) != 0;
}

// ---- imports ----

unsigned load_file(load_t *load, size_t node, unsigned lines)
{
    const char *dir = fleet_node_dir(load->fleet, node);
    char *command = mem_format(
        "awk 'BEGIN { for (i = 0; i < %u; i++) printf \"{\\\"node\\\":\\\"%s\\\","
        "\\\"kind\\\":\\\"body\\\",\\\"key\\\":\\\"f%u-%%d\\\",\\\"name\\\":\\\"N\\\"}\\n\", i }' "
        ">$FLEET/f%u.jsonl",
        lines, strrchr(dir, '/') + 1, load->serial + 1, load->serial + 1);
    mem_free(shell(load, command));
    mem_free(command);
    load->importer = node;
    return ++load->serial;
}

void load_import(load_t *load, unsigned file)
{
    load->import = fleet_background(load->fleet,
                                    "exec $BIN/enlace --dir '%s' import $FLEET/f%u.jsonl "
                                    ">/dev/null 2>&1",
                                    fleet_node_dir(load->fleet, load->importer), file);
}

bool load_importing(load_t *load)
{
    return reading_running(load->import);
}

bool load_imported(load_t *load, unsigned file)
{
    bool done = reading_wait(&load->import) == 0;
    char *command = mem_format("sed 's/.*\"node\":\"\\([^\"]*\\)\".*\"key\":\"\\([^\"]*\\)\".*/"
                               "\\1 \\2/' $FLEET/f%u.jsonl >>$FLEET/imported",
                               file);
    if (done)
        mem_free(shell(load, command));
    mem_free(command);
    return done;
}

// ---- looking ----

static uint64_t total(const snapshot_t *snapshot)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < snapshot->feed_count; i++)
        sum += snapshot->feeds[i].head.number;
    return sum;
}

uint64_t load_held(load_t *load, size_t node)
{
    char *command = mem_format("rm -rf $FLEET/copy && mkdir $FLEET/copy && "
                               "cp '%s'/enlace.db* $FLEET/copy",
                               fleet_node_dir(load->fleet, node));
    char *path = mem_format("%s/copy/enlace.db", fleet_dir(load->fleet));
    store_t *store = NULL;
    snapshot_t snapshot = {0};
    fault_t fault = {0};
    mem_free(shell(load, command));
    assert_int_equal(store_open(path, NULL, &store, &fault), ERR_OK);
    assert_int_equal(store_snapshot(store, &snapshot, &fault), ERR_OK);
    uint64_t held = total(&snapshot);
    snapshot_clear(&snapshot);
    store_close(&store);
    mem_free(path);
    mem_free(command);
    return held;
}

// ---- the ledger ----

static void expect_nothing(load_t *load, const char *what, const char *command)
{
    char *text = shell(load, command);
    if (*text)
        fail_msg("%s: %.2000s", what, text);
    mem_free(text);
}

void load_check(load_t *load, size_t node)
{
    char *command =
        mem_format("touch $FLEET/said $FLEET/imported && sort $FLEET/said >$FLEET/said.sorted && "
                   "sort -u $FLEET/imported >$FLEET/imported.sorted && "
                   "$BIN/enlace --dir '%s' list body --json >$FLEET/list && "
                   "sed 's/^{\"id\":\"\\([^\"]*\\)\",\"node\":\"\\([^\"]*\\)\",\"kind\":\"body\","
                   "\"key\":\"\\([^\"]*\\)\".*/\\1 \\2 \\3/' $FLEET/list >$FLEET/held && "
                   "cut -d' ' -f1 $FLEET/held | sort >$FLEET/held.ids && "
                   "cut -d' ' -f2,3 $FLEET/held | sort >$FLEET/held.keys",
                   fleet_node_dir(load->fleet, node));
    mem_free(shell(load, command));
    mem_free(command);
    expect_nothing(load, "ids given twice", "uniq -d $FLEET/said.sorted");
    expect_nothing(load, "put, acknowledged and lost",
                   "comm -23 $FLEET/said.sorted $FLEET/held.ids");
    expect_nothing(load, "imported, acknowledged and lost",
                   "comm -23 $FLEET/imported.sorted $FLEET/held.keys");
    expect_nothing(load, "there twice", "uniq -d $FLEET/held.ids; uniq -d $FLEET/held.keys");
}

size_t load_acknowledged(load_t *load)
{
    char *text = shell(load, "cat $FLEET/said $FLEET/imported 2>/dev/null | wc -l");
    size_t count = strtoul(text, NULL, 10);
    mem_free(text);
    return count;
}
