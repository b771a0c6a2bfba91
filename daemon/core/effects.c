#include "daemon/core/effect.h"

#include <string.h>

#include "lib/mem.h"

effect_t *effects_add(effects_t *effects, effect_type_t type)
{
    mem_grow(&effects->items, &effects->capacity, effects->count, sizeof *effects->items);
    effect_t *effect = &effects->items[effects->count++];
    memset(effect, 0, sizeof *effect);
    effect->type = type;
    return effect;
}

void effect_clear(effect_t *effect)
{
    buf_free(&effect->bytes);
    mem_free(effect->text);
    effect->text = NULL;
    commit_destroy(&effect->commit);
    roster_destroy(&effect->roster);
    card_destroy(&effect->card);
    prepared_destroy(&effect->prepared);
}

void effects_clear(effects_t *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        effect_clear(&effects->items[i]);
    effects->count = 0;
}

void effects_free(effects_t *effects)
{
    effects_clear(effects);
    mem_free(effects->items);
    *effects = (effects_t){0};
}
