#include "tests/sim/dice.h"

#include <string.h>

#include "lib/crypto.h"

dice_t dice_of(uint64_t seed, uint64_t name)
{
    dice_t dice = {.seed = {'d'}};
    memcpy(dice.seed + 8, &seed, sizeof seed);
    memcpy(dice.seed + 16, &name, sizeof name);
    return dice;
}

void dice_bytes(dice_t *dice, void *bytes, size_t size)
{
    crypto_derive(dice->seed, dice->drawn++, bytes, size);
}

uint64_t dice_number(dice_t *dice)
{
    uint64_t number;
    dice_bytes(dice, &number, sizeof number);
    return number;
}

uint64_t dice_below(dice_t *dice, uint64_t bound)
{
    return dice_number(dice) % bound;
}

bool dice_chance(dice_t *dice, uint32_t of_thousand)
{
    return dice_below(dice, 1000) < of_thousand;
}

uint64_t dice_skewed(dice_t *dice, uint64_t most)
{
    uint64_t bits = 0;
    while ((most >> bits) > 1)
        bits++;
    uint64_t bound = (uint64_t)1 << dice_below(dice, bits + 1);
    uint64_t number = dice_below(dice, bound * 2);
    return number < most ? number : most;
}
