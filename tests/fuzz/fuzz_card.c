// Signed cards.
#include <string.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/card.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/fuzz.h"

static void check_values(const card_t *card)
{
    char next[ENDPOINT_MAX_BYTES + 1];
    FUZZ_EXPECT(card->number >= 1 && card->epoch >= 1 && card->epoch <= EPOCH_MAX);
    FUZZ_EXPECT(card->has_previous == (card->number > 1));
    FUZZ_EXPECT(code_valid(card->code.text) && name_valid(card->name));
    FUZZ_EXPECT(card->endpoint_count <= CARD_ENDPOINTS_MAX && card->cut_count <= CARD_CUTS_MAX);
    for (size_t i = 0; i < card->endpoint_count; i++) {
        FUZZ_EXPECT(endpoint_valid(card->endpoints[i]));
        FUZZ_EXPECT(endpoint_next_port(card->endpoints[i], next));
        FUZZ_EXPECT(strncmp(next, "tcp://", 6) == 0);
    }
    for (size_t i = 1; i < card->cut_count; i++)
        FUZZ_EXPECT(card->cuts[i - 1].epoch < card->cuts[i].epoch ||
                    card->cuts[i - 1].lane < card->cuts[i].lane);
}

// Its body is the one encoding of what it says, whoever signs it.
static void check_one_form(const card_t *card)
{
    card_t *copy = card_copy(card);
    card_sign(copy, cast()->actors[0].root);
    FUZZ_EXPECT(span_equal(buf_span(&copy->body), buf_span(&card->body)));
    FUZZ_EXPECT(hash_equal(&copy->hash, &card->hash));
    card_destroy(&copy);
}

static void check_stable(const card_t *card)
{
    card_t *again = NULL;
    fault_t fault = {0};
    buf_t bytes = card_encode(card);
    FUZZ_EXPECT(bytes.size <= CARD_BYTES_MAX + 16);
    err_t err = card_decode(buf_span(&bytes), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK && hash_equal(&again->hash, &card->hash));
    card_destroy(&again);
    buf_free(&bytes);
}

// A card does not follow itself; card 1 follows nothing.
static void check_order(const card_t *card)
{
    FUZZ_EXPECT(card_follows(card, card) == ERR_BAD_CARD);
    FUZZ_EXPECT((card_follows(NULL, card) == ERR_OK) == (card->number == 1));
    for (size_t i = 0; i < CAST_MEMBERS; i++) {
        const card_t *first = cast()->actors[i].card;
        bool may = card->number == 2 && hash_equal(&card->previous, &first->hash) &&
                   origin_equal(&card->origin, &first->origin) &&
                   strcmp(card->code.text, first->code.text) == 0;
        FUZZ_EXPECT((card_follows(first, card) == ERR_OK) == may);
    }
}

static void one(span_t input)
{
    card_t *card = NULL;
    fault_t fault = {0};
    err_t err = card_decode(input, &card, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((card != NULL) == (err == ERR_OK));
    if (!card)
        return;
    check_values(card);
    check_one_form(card);
    check_stable(card);
    check_order(card);
    card_destroy(&card);
}

static void start(void)
{
    (void)cast();
}

const fuzz_target_t fuzz_target = {.one = one,
                                   .start = start,
                                   .type = &enlace__v1__signed_card__descriptor,
                                   .peak_bytes = 512 * 1024};
