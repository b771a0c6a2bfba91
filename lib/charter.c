// The charter file: version 1 of the roster with the card of each member.
#include <stdlib.h>
#include <string.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/roster.h"
#include "lib/wire.h"

// Read once, by a person, from a file; so the bounds are those of a full roster.
static const limits_t charter_limits = {
    .bytes = CHARTER_BYTES_MAX,
    .fields = 2 + 8 * ROSTER_MEMBERS_MAX,
    .depth = 3,
    .memory = 4 * CHARTER_BYTES_MAX,
};

// What roster and card say of one member must be the same. Card 1, for no other can
// come first: a node that was given a later one alone would have none of that member.
static err_t check_card(const roster_t *roster, const card_t *card)
{
    const member_t *member = roster_by_code(roster, card->code.text);
    bool agrees = member && origin_equal(&member->origin, &card->origin) &&
                  key_equal(&member->root_key, &card->root_key) && card->number == 1 &&
                  member->min_card == 1;
    return agrees ? ERR_OK : ERR_BAD_CARD;
}

static err_t read_card(const Enlace__V1__SignedCard *message, card_t **card, fault_t *fault)
{
    buf_t bytes = bounded_pack(&message->base);
    err_t err = card_decode(buf_span(&bytes), card, fault);
    buf_free(&bytes);
    return err;
}

static int compare_cards(const void *a, const void *b)
{
    const card_t *const *left = a;
    const card_t *const *right = b;
    return strcmp((*left)->code.text, (*right)->code.text);
}

// As many cards as members, each a member's and no two the same one's: so each has its own.
static err_t check_cards(const charter_t *charter, fault_t *fault)
{
    if (charter->card_count != charter->roster->member_count)
        return fault_set(fault, ERR_BAD_CARD, "cards", NULL);
    for (size_t i = 0; i < charter->card_count; i++) {
        const card_t *card = charter->cards[i];
        bool twice = i > 0 && compare_cards(&charter->cards[i - 1], &charter->cards[i]) == 0;
        if (twice || check_card(charter->roster, card))
            return fault_set(fault, ERR_BAD_CARD, card->code.text, NULL);
    }
    return ERR_OK;
}

static err_t read_cards(const Enlace__V1__CharterFile *file, charter_t *charter, fault_t *fault)
{
    charter->cards = mem_alloc_array(file->n_cards, sizeof(card_t *));
    for (size_t i = 0; i < file->n_cards; i++) {
        err_t err = read_card(file->cards[i], &charter->cards[i], fault);
        if (err)
            return err;
        charter->card_count++;
    }
    if (charter->card_count > 1)
        qsort(charter->cards, charter->card_count, sizeof(card_t *), compare_cards);
    return check_cards(charter, fault);
}

static err_t read_roster(const Enlace__V1__CharterFile *file, charter_t *charter, fault_t *fault)
{
    if (!file->roster)
        return fault_set(fault, ERR_MISSING_FIELD, "roster", NULL);
    buf_t bytes = bounded_pack(&file->roster->base);
    err_t err = roster_decode(buf_span(&bytes), &charter->roster, fault);
    buf_free(&bytes);
    if (err)
        return err;
    err = charter_check(charter->roster);
    return err ? fault_set(fault, err, "roster", NULL) : ERR_OK;
}

err_t charter_decode(span_t bytes, charter_t **charter, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    *charter = NULL;
    err_t err = bounded_unpack(&enlace__v1__charter_file__descriptor, bytes, &charter_limits,
                               &message, fault);
    if (err)
        return err;
    const Enlace__V1__CharterFile *file = (const Enlace__V1__CharterFile *)message;
    charter_t *made = mem_alloc(sizeof *made);
    err = read_roster(file, made, fault);
    if (!err)
        err = read_cards(file, made, fault);
    bounded_free(message);
    if (err)
        charter_destroy(&made);
    *charter = made;
    return err;
}

buf_t charter_encode(const roster_t *roster, card_t *const *cards, size_t count)
{
    buf_t bytes = {0};
    buf_t part = roster_encode(roster);
    wire_append(&bytes, 1, buf_span(&part));
    buf_free(&part);
    for (size_t i = 0; i < count; i++) {
        part = card_encode(cards[i]);
        wire_append(&bytes, 2, buf_span(&part));
        buf_free(&part);
    }
    return bytes;
}

void charter_destroy(charter_t **charter)
{
    if (!charter || !*charter)
        return;
    roster_destroy(&(*charter)->roster);
    for (size_t i = 0; i < (*charter)->card_count; i++)
        card_destroy(&(*charter)->cards[i]);
    mem_free((*charter)->cards);
    mem_free(*charter);
    *charter = NULL;
}
