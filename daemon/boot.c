// I5: a database that is not the one that this node last ran with is found out
// before anything is written, and the marker knows of a change before anybody else.
#include "daemon/boot.h"

#include <stdio.h>
#include <string.h>

#include "daemon/hook.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/mem.h"

// ---- a node's directory ----

static err_t read_file(void *context, marker_t *marker, marker_place_t *found, bool *there,
                       fault_t *fault)
{
    return marker_read(context, marker, found, there, fault);
}

static err_t write_file(void *context, marker_t *marker, fault_t *fault)
{
    return marker_write(context, marker, fault);
}

static err_t update_file(void *context, marker_t *marker, fault_t *fault)
{
    return marker_update(context, marker, fault);
}

marker_home_t marker_home(const char *dir)
{
    return (marker_home_t){(char *)(uintptr_t)dir, read_file, write_file, update_file};
}

// ---- at the start ----

// Of a marker that is another node's, or damaged, nothing is believed.
static void take_over(boot_t *boot, const marker_t *read, const position_t *heads, size_t count)
{
    if (read) {
        boot->marker.sequence = read->sequence;
        marker_set_heads(&boot->marker, read->heads, read->head_count, true);
    }
    marker_set_heads(&boot->marker, heads, count, true);
}

err_t boot_read(const marker_home_t *home, store_t *store, const origin_t *self, boot_t *boot,
                fault_t *fault)
{
    marker_t read;
    marker_place_t found;
    bool there = false;
    position_t *heads = NULL;
    size_t count = 0;
    nonce_t nonce;
    fault_t why = {0};
    *boot = (boot_t){.home = *home};
    err_t err = home->read(home->context, &read, &found, &there, fault);
    if (!err)
        err = store_boot(store, &nonce, fault);
    if (!err)
        err = store_positions(store, self, &heads, &count, fault);
    if (!err) {
        const marker_t *known = there ? &read : NULL;
        boot->verdict = marker_agrees(known, &found, &nonce, heads, count, &why);
        snprintf(boot->why, sizeof boot->why, "%s", why.detail);
        take_over(boot, known && marker_is_known(known, &found, &nonce) ? known : NULL, heads,
                  count);
        boot->marker.nonce_count = 1;
        boot->marker.nonces[0] = nonce;
    }
    mem_free(heads);
    return err;
}

static err_t tell_database(store_t *store, const nonce_t *next, fault_t *fault)
{
    err_t err = store_set_boot(store, next, fault);
    return err ? err : store_commit(store, fault);
}

err_t boot_agree(boot_t *boot, store_t *store, const nonce_t *next, fault_t *fault)
{
    marker_t *marker = &boot->marker;
    hook_die("boot-0");
    marker->nonces[1] = *next;
    marker->nonce_count = 2;
    err_t err = boot->home.write(boot->home.context, marker, fault);
    hook_die("boot-1");
    if (!err)
        err = tell_database(store, &marker->nonces[1], fault);
    hook_die("boot-2");
    if (err)
        return err;
    marker->nonces[0] = marker->nonces[1];
    marker->nonce_count = 1;
    err = boot->home.write(boot->home.context, marker, fault);
    hook_die("boot-3");
    return err;
}

// ---- while it runs ----

// A marker that lags behind is no harm until the database is rolled back too: the
// node goes on, and says so.
void boot_follow(boot_t *boot, const core_t *core)
{
    position_t *heads;
    fault_t fault = {0};
    uint64_t moves = core_own_moves(core);
    if (moves == boot->moves)
        return;
    boot->moves = moves;
    size_t count = core_own_heads(core, &heads);
    bool changed = marker_set_heads(&boot->marker, heads, count, false);
    mem_free(heads);
    err_t err = changed ? boot->home.update(boot->home.context, &boot->marker, &fault) : ERR_OK;
    if (err && !boot->failed)
        log_line(LOG_LEVEL_WARNING, "the boot marker cannot be written: %s: %s", fault.where,
                 fault.detail);
    boot->failed = err != ERR_OK;
}
