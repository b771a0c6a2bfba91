// Signed beacons.
#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/beacon.h"
#include "lib/mem.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/fuzz.h"

static head_t *copy_heads(const head_t *heads, size_t count)
{
    head_t *copy = mem_alloc_array(count, sizeof *copy);
    if (count)
        memcpy(copy, heads, count * sizeof *copy);
    return copy;
}

// Whoever signs it, the body comes out as the same bytes: the same hash.
static void check_one_form(const beacon_t *beacon)
{
    beacon_t *copy = mem_alloc(sizeof *copy);
    *copy = *beacon;
    copy->own = copy_heads(beacon->own, beacon->own_count);
    copy->held = copy_heads(beacon->held, beacon->held_count);
    copy->signed_form = (buf_t){0};
    beacon_sign(copy, cast()->actors[1].signing);
    FUZZ_EXPECT(hash_equal(&copy->hash, &beacon->hash));
    FUZZ_EXPECT(copy->own_count == beacon->own_count && copy->held_count == beacon->held_count);
    FUZZ_EXPECT(beacon_signature_holds(copy, &cast()->actors[1].signing_key, &copy->coalition));
    beacon_t *again = NULL;
    fault_t fault = {0};
    err_t err = beacon_decode(buf_span(&copy->signed_form), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK && again->sequence == beacon->sequence);
    beacon_destroy(&again);
    beacon_destroy(&copy);
}

// Whatever else it says: its chain leads from its anchor to each pulse, once and forwards.
static void check_pulses(beacon_t *beacon)
{
    static const preimage_t top = {{1}};
    static const uint32_t steps[] = {1, 9, PULSE_STEPS_MAX};
    pulse_t pulse = {beacon->origin, beacon->sequence, 1, beacon->anchor};
    FUZZ_EXPECT(!pulse_holds(beacon, &pulse));
    beacon->last = pulse_preimage(beacon, &top, 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        pulse = (pulse_t){beacon->origin, beacon->sequence, steps[i],
                          pulse_preimage(beacon, &top, steps[i])};
        FUZZ_EXPECT(pulse_holds(beacon, &pulse));
        pulse_take(beacon, &pulse);
        FUZZ_EXPECT(!pulse_holds(beacon, &pulse));
    }
}

static void check_heads(const beacon_t *beacon)
{
    FUZZ_EXPECT(beacon->own_count + beacon->held_count <= BEACON_HEADS_MAX);
    for (size_t i = 0; i < beacon->own_count; i++)
        FUZZ_EXPECT(origin_equal(&beacon->own[i].feed.origin, &beacon->origin));
    FUZZ_EXPECT(beacon->sequence >= 1 && beacon->sequence <= NUMBER_MAX);
    FUZZ_EXPECT(beacon->card_number >= 1);
}

static void one(span_t input)
{
    beacon_t *beacon = NULL;
    fault_t fault = {0};
    err_t err = beacon_decode(input, &beacon, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((beacon != NULL) == (err == ERR_OK));
    if (!beacon)
        return;
    FUZZ_EXPECT(span_equal(buf_span(&beacon->signed_form), input));
    check_heads(beacon);
    check_one_form(beacon);
    check_pulses(beacon);
    beacon_destroy(&beacon);
}

static void start(void)
{
    (void)cast();
}

const fuzz_target_t fuzz_target = {.one = one,
                                   .start = start,
                                   .type = &enlace__v1__signed_beacon__descriptor,
                                   .peak_bytes = 1024 * 1024};
