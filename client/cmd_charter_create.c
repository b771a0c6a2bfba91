#include <string.h>

#include "client/commands.h"
#include "client/input.h"
#include "client/report.h"
#include "client/when.h"
#include "lib/armour.h"
#include "lib/mem.h"

typedef struct {
    card_t **cards;
    size_t count;
} cards_t;

static void cards_clear(cards_t *cards)
{
    for (size_t i = 0; i < cards->count; i++)
        card_destroy(&cards->cards[i]);
    mem_free(cards->cards);
    *cards = (cards_t){0};
}

static err_t read_card(const char *path, card_t **card, fault_t *fault)
{
    buf_t bytes = {0};
    fault_t problem = {0};
    err_t err = input_armoured(path, "card", CARD_BYTES_MAX, &bytes, fault);
    if (!err) {
        err = card_decode(buf_span(&bytes), card, &problem);
        if (err)
            fault_set(fault, err, input_name(path), "%s %s", problem.where, problem.detail);
    }
    buf_free(&bytes);
    return err;
}

// Each member once: neither code nor key may come back.
static err_t check_new(const cards_t *cards, const card_t *card, const char *path, fault_t *fault)
{
    for (size_t i = 0; i < cards->count; i++) {
        const card_t *other = cards->cards[i];
        if (strcmp(other->code.text, card->code.text) == 0)
            return fault_set(fault, ERR_EXISTS_ALREADY, input_name(path),
                             _("a card of %s was given before: leave one out"), card->code.text);
        if (origin_equal(&other->origin, &card->origin))
            return fault_set(fault, ERR_EXISTS_ALREADY, input_name(path), _("the same node as %s"),
                             other->code.text);
    }
    return ERR_OK;
}

static err_t read_cards(const client_t *client, cards_t *cards, fault_t *fault)
{
    err_t err = ERR_OK;
    cards->cards = mem_alloc_array(client->word_count + 1, sizeof *cards->cards);
    for (size_t i = 0; i < client->word_count && !err; i++) {
        card_t *card = NULL;
        err = read_card(client->words[i], &card, fault);
        if (!err)
            err = check_new(cards, card, client->words[i], fault);
        if (err)
            card_destroy(&card);
        else
            cards->cards[cards->count++] = card;
    }
    return err;
}

// The creator belongs to it, too; a card of its own that was given must be its present one.
static err_t add_own(cards_t *cards, const card_t *own, fault_t *fault)
{
    for (size_t i = 0; i < cards->count; i++) {
        const card_t *card = cards->cards[i];
        if (hash_equal(&card->hash, &own->hash))
            return ERR_OK;
        if (origin_equal(&card->origin, &own->origin))
            return fault_set(fault, ERR_BAD_CARD, own->code.text,
                             _("an old card of this node was given: leave it out"));
        if (strcmp(card->code.text, own->code.text) == 0)
            return fault_set(fault, ERR_EXISTS_ALREADY, own->code.text,
                             _("another node's card has this node's code"));
    }
    cards->cards[cards->count++] = card_copy(own);
    return ERR_OK;
}

static roster_t *make_roster(const cards_t *cards, const card_t *own, const char *name,
                             uint32_t threshold)
{
    roster_t *roster = mem_alloc(sizeof *roster);
    roster->version = 1;
    roster->name = mem_copy_string(name);
    roster->threshold = threshold;
    roster->member_count = cards->count;
    roster->members = mem_alloc_array(cards->count, sizeof *roster->members);
    roster->min_protocol = PROTOCOL_VERSION;
    roster->time_ms = when_now_ms();
    roster->has_creator = true;
    roster->creator = own->origin;
    for (size_t i = 0; i < cards->count; i++) {
        const card_t *card = cards->cards[i];
        roster->members[i] = (member_t){.code = card->code,
                                        .origin = card->origin,
                                        .root_key = card->root_key,
                                        .min_card = card->number};
    }
    roster_seal(roster);
    return roster;
}

static void sign(roster_t *roster, const card_t *own, const secret_t *root)
{
    roster_signature_t signature = {.origin = own->origin, .card_number = 0};
    signature.signature = crypto_sign_hash(root, SIGN_CHARTER, NULL, &roster->hash);
    roster_add_signature(roster, &signature);
}

static void print(const roster_t *roster, const buf_t *bytes)
{
    char words[WORDS_TEXT];
    char *line = armour_format("charter", buf_span(bytes));
    puts(line);
    mem_free(line);
    words_format(&roster->hash, words);
    fprintf(stderr, _("%zu members, threshold %u. Its words, to be read aloud to each member:"),
            roster->member_count, roster->threshold);
    fprintf(stderr, "\n  %s\n", words);
    if (roster->threshold * 2 <= roster->member_count)
        report_warning(_("warning: with this threshold, half of the members or fewer can change "
                         "who belongs; more than half is usual"));
}

// What everybody else will check is checked here first.
static err_t make(const cards_t *cards, const card_t *own, const keys_t *keys, const char *name,
                  uint32_t threshold, fault_t *fault)
{
    charter_t *charter = NULL;
    roster_t *roster = make_roster(cards, own, name, threshold);
    sign(roster, own, keys->root);
    buf_t bytes = charter_encode(roster, cards->cards, cards->count);
    err_t err = charter_decode(buf_span(&bytes), &charter, fault);
    if (!err)
        print(roster, &bytes);
    buf_free(&bytes);
    charter_destroy(&charter);
    roster_destroy(&roster);
    return err;
}

static err_t check_options(const client_t *client, fault_t *fault)
{
    if (!client->options->values[OPT_NAME])
        return fault_set(fault, ERR_USAGE, "--name", _("say what the coalition is called"));
    if (!client->options->values[OPT_THRESHOLD])
        return fault_set(fault, ERR_USAGE, "--threshold",
                         _("say how many members must sign a change of who belongs"));
    if (!name_valid(client->options->values[OPT_NAME]))
        return fault_set(fault, ERR_BAD_VALUE, "--name", _("1 to %u bytes, no control characters"),
                         NAME_MAX_BYTES);
    return ERR_OK;
}

static err_t create(const client_t *client, cards_t *cards, const card_t *own, const keys_t *keys,
                    fault_t *fault)
{
    uint64_t threshold = 0;
    if (!keys->root)
        return fault_set(fault, ERR_BAD_KEY_FILE, "keys/root.key",
                         _("the charter is signed with the root key, which is not here"));
    err_t err = read_cards(client, cards, fault);
    if (!err)
        err = add_own(cards, own, fault);
    if (!err)
        err = options_number(client->options, OPT_THRESHOLD, 0, UINT32_MAX, 0, &threshold, fault);
    if (!err && (threshold < 1 || threshold > cards->count))
        err = fault_set(fault, ERR_NUMBER_RANGE, "--threshold",
                        _("must be from 1 to the number of members, %zu"), cards->count);
    if (!err)
        err = make(cards, own, keys, client->options->values[OPT_NAME], (uint32_t)threshold, fault);
    return err;
}

static int run(const client_t *client)
{
    fault_t fault = {0};
    cards_t cards = {0};
    card_t *own = NULL;
    keys_t *keys = NULL;
    secrets_protect_process();
    err_t err = check_options(client, &fault);
    if (!err)
        err = home_card(client->dir, &own, &fault);
    if (!err)
        err = home_keys(client->dir, true, &keys, &fault);
    if (!err)
        err = create(client, &cards, own, keys, &fault);
    cards_clear(&cards);
    keys_destroy(&keys);
    card_destroy(&own);
    return report(client, err, &fault);
}

const command_t command_charter_create = {
    .name = "charter create",
    .line = N_("makes a coalition from its members' cards and prints its charter"),
    .synopsis = "--name TEXT --threshold N CARD_FILE...",
    .usage = N_(
        "The charter is one line on standard output, signed by this node's root key; send it to\n"
        "every member. This node is among its members, whether or not its card is among the "
        "files,\n"
        "and accepts it like every other: enlace charter accept. From\n"
        "the second version on, who belongs changes only with the signatures of N members. The\n"
        "eight words on standard error are what each member compares before accepting."),
    .options = OPTION(OPT_NAME) | OPTION(OPT_THRESHOLD),
    .most_words = ROSTER_MEMBERS_MAX,
    .run = run,
};
