// Charter files: what `enlace charter accept` is given, behind its armour.
#include <string.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/armour.h"
#include "lib/home.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/fuzz.h"

static void check(const charter_t *charter)
{
    const roster_t *roster = charter->roster;
    FUZZ_EXPECT(roster->version == 1 && charter_check(roster) == ERR_OK);
    FUZZ_EXPECT(charter->card_count == roster->member_count);
    for (size_t i = 0; i < charter->card_count; i++) {
        const card_t *card = charter->cards[i];
        const member_t *member = roster_by_code(roster, card->code.text);
        fault_t fault = {0};
        FUZZ_EXPECT(member && origin_equal(&member->origin, &card->origin));
        FUZZ_EXPECT(key_equal(&member->root_key, &card->root_key));
        FUZZ_EXPECT(charter_includes(charter, card, &fault) == ERR_OK);
    }
}

static void check_stable(const charter_t *charter)
{
    char words[WORDS_TEXT];
    charter_t *again = NULL;
    fault_t fault = {0};
    buf_t bytes = charter_encode(charter->roster, charter->cards, charter->card_count);
    err_t err = charter_decode(buf_span(&bytes), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK && hash_equal(&again->roster->hash, &charter->roster->hash));
    FUZZ_EXPECT(again->card_count == charter->card_count);
    words_format(&charter->roster->hash, words);
    FUZZ_EXPECT(words_match(&again->roster->hash, words));
    charter_destroy(&again);
    buf_free(&bytes);
}

static void one(span_t input)
{
    charter_t *charter = NULL;
    fault_t fault = {0};
    err_t err = charter_decode(input, &charter, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((charter != NULL) == (err == ERR_OK));
    if (!charter)
        return;
    check(charter);
    check_stable(charter);
    for (size_t i = 0; i < CAST_MEMBERS; i++)
        fuzz_refused(charter_includes(charter, cast()->actors[i].card, &fault), &fault);
    charter_destroy(&charter);
}

static void start(void)
{
    (void)cast();
}

const fuzz_target_t fuzz_target = {.one = one,
                                   .start = start,
                                   .type = &enlace__v1__charter_file__descriptor,
                                   .peak_bytes = 128 * 1024 * 1024};
