// What every file of the core uses: counting under a reason, time, randomness,
// names; nothing here decides anything.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// So that a peer adds no counter of its own choosing.
err_t core_reason(uint32_t reason)
{
    err_t err = (err_t)reason;
    return reason && reason <= INT32_MAX && err_by_name(err_name(err)) == err ? err
                                                                              : ERR_UNEXPECTED;
}

void core_count(core_t *core, err_t reason, const char *where)
{
    counter_t *counter = NULL;
    for (size_t i = 0; i < core->counter_count && !counter; i++)
        if (core->counters[i].reason == reason)
            counter = &core->counters[i];
    if (!counter) {
        mem_grow(&core->counters, &core->counter_capacity, core->counter_count,
                 sizeof *core->counters);
        counter = &core->counters[core->counter_count++];
        *counter = (counter_t){.reason = reason};
    }
    counter->count++;
    counter->last_ms = core->now_ms;
    snprintf(counter->where, sizeof counter->where, "%s", where ? where : "");
}

void core_soon(core_t *core, uint64_t at_ms)
{
    if (at_ms < core->soon_ms)
        core->soon_ms = at_ms;
}

void core_random(core_t *core, void *bytes, size_t size)
{
    crypto_derive(core->seed, core->derived++, bytes, size);
}

void core_log(effects_t *effects, int level, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    effect_t *effect = effects_add(effects, EFFECT_LOG);
    effect->level = level;
    effect->text = mem_copy_string(text);
}

const char *core_code(const core_t *core, const origin_t *origin)
{
    const char *code = roster_code_of(core_roster(core), origin);
    return code ? code : "?";
}

const roster_t *core_roster(const core_t *core)
{
    return core->rosters[core->roster_count - 1];
}

const hash_t *core_coalition(const core_t *core)
{
    return &core->coalition;
}

err_t core_writing(const core_t *core, const char **detail)
{
    if (detail)
        *detail = fence_reason(core) ? core->fence.detail : "";
    return fence_reason(core);
}
