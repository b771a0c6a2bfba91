// A file that is imported: read line by line as the client does, staged, checked
// and written in batches as the daemon does, over a store with a few records.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/lines.h"
#include "daemon/control/import.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/house.h"

enum { LINES_MAX = 64, STEPS_MAX = 200 };

static house_t house;
static int file = -1;
static char path[64];

static void stop(void)
{
    house_close(&house);
    close(file);
}

static void start(void)
{
    house_open(&house);
    atexit(stop);
    house_put(&house, HOUSE_CR, "{'kind':'committee','key':'a','name':'Uno','country':'CR'}");
    house_put(&house, HOUSE_GT, "{'kind':'coalition','key':'a','name':'Dos'}");
    house_retract(&house, HOUSE_CR, house_put(&house, HOUSE_CR, "{'kind':'body','key':'gone'}"));
    file = memfd_create("import", MFD_CLOEXEC);
    FUZZ_EXPECT(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

static err_t stage(import_t *import, uint64_t number, const char *text, bool last)
{
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    char *copy = mem_copy_string(text);
    fault_t fault = {0};
    lines.lines = &copy;
    lines.n_lines = text ? 1 : 0;
    lines.has_first_line = lines.has_last = true;
    lines.first_line = number;
    lines.last = last;
    err_t err = import_stage(import, house.roster, &lines, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT(import_line(import) == (err ? number : 0));
    mem_free(copy);
    return err;
}

static err_t stage_all(import_t *import)
{
    lines_t *lines = NULL;
    const char *line;
    uint64_t number;
    bool end = false;
    fault_t fault = {0};
    err_t err = lines_open(path, &lines, &fault);
    FUZZ_EXPECT(err == ERR_OK);
    for (unsigned i = 0; i < LINES_MAX && !err && !end; i++) {
        err = lines_next(lines, &line, &number, &end, &fault);
        fuzz_refused(err, &fault);
        if (!err && !end)
            err = stage(import, number, line, false);
    }
    lines_close(&lines);
    return err ? err : stage(import, 0, NULL, true);
}

static err_t check_all(import_t *import)
{
    bool done = false;
    err_t err = ERR_OK;
    for (unsigned i = 0; i < STEPS_MAX && !err && !done; i++) {
        fault_t fault = {0};
        err = import_check(import, house.roster, &done, &fault);
        fuzz_refused(err, &fault);
        FUZZ_EXPECT((import_line(import) > 0) == (err != ERR_OK));
    }
    FUZZ_EXPECT(err || done);
    return err;
}

static void append(const draft_t *drafts, size_t count)
{
    for (size_t done = 0, fit; done < count; done += fit) {
        fit = commit_fit(drafts + done, count - done);
        FUZZ_EXPECT(fit > 0);
        house_append(&house, HOUSE_CR, drafts + done, fit);
    }
}

// Every batch is commits that the store takes; the second time nothing is new.
static void write_all(import_t *import, bool again)
{
    Enlace__V1__ImportState state = ENLACE__V1__IMPORT_STATE__INIT;
    for (unsigned i = 0; i < STEPS_MAX && !state.done; i++) {
        const draft_t *drafts;
        size_t count;
        fault_t fault = {0};
        err_t err = import_batch(import, house.roster, &drafts, &count, &fault);
        FUZZ_EXPECT(err == ERR_OK && (!again || count == 0));
        if (count) {
            FUZZ_EXPECT(import_writing(import));
            append(drafts, count);
            import_written(import);
        }
        import_state(import, &state);
    }
    FUZZ_EXPECT(state.done && !import_writing(import));
    FUZZ_EXPECT(state.staged == state.created + state.edited + state.unchanged + state.retracted);
}

static bool run_import(bool again)
{
    author_t author = house_author(&house);
    import_t *import = NULL;
    fault_t fault = {0};
    FUZZ_EXPECT(import_new(&author, NULL, &import, &fault) == ERR_OK);
    err_t err = stage_all(import);
    if (!err)
        err = check_all(import);
    FUZZ_EXPECT(!again || !err); // what was imported can be imported
    if (!err)
        write_all(import, again);
    import_destroy(&import);
    return err == ERR_OK;
}

static void one(span_t input)
{
    house_feed_t before = house.feeds[HOUSE_CR];
    FUZZ_EXPECT(ftruncate(file, 0) == 0);
    FUZZ_EXPECT(pwrite(file, input.data, input.size, 0) == (ssize_t)input.size);
    if (run_import(false))
        run_import(true);
    store_rollback(house.store);
    house.feeds[HOUSE_CR] = before;
}

const fuzz_target_t fuzz_target = {.one = one, .start = start, .keeps = true};
