// Randomness of a run: every choice comes from a seed and a name, so that a step
// chooses the same whether or not another step was left out before it.
#ifndef ENLACE_TESTS_SIM_DICE_H
#define ENLACE_TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t seed[32];
    uint64_t drawn;
} dice_t;

dice_t dice_of(uint64_t seed, uint64_t name);
uint64_t dice_number(dice_t *dice);
uint64_t dice_below(dice_t *dice, uint64_t bound); // bound > 0
bool dice_chance(dice_t *dice, uint32_t of_thousand);
// Mostly small, now and then up to `most`: sizes and waits.
uint64_t dice_skewed(dice_t *dice, uint64_t most);
void dice_bytes(dice_t *dice, void *bytes, size_t size);

#endif
