// The short forms that people write and messages carry: record ids, references,
// dates, languages, endpoints, codes, keys, labels, eight words. The input is one text.
#include <string.h>

#include "lib/armour.h"
#include "lib/bounded.h"
#include "lib/card.h"
#include "lib/date.h"
#include "lib/mem.h"
#include "lib/record.h"
#include "lib/text.h"
#include "lib/vocabulary.h"
#include "tests/fuzz/fuzz.h"

static void try_record_id(const char *text)
{
    code_t owner, owner_again;
    position_t position, position_again;
    char form[RECORD_ID_TEXT];
    err_t err = record_id_parse(text, &owner, &position);
    FUZZ_EXPECT(fuzz_known(err));
    if (err)
        return;
    FUZZ_EXPECT(code_valid(owner.text) && position.epoch >= 1 && position.epoch <= EPOCH_MAX);
    FUZZ_EXPECT(position.lane <= LANE_MAX && position.number >= 1);
    FUZZ_EXPECT(position.number <= NUMBER_MAX);
    record_id_format(owner.text, position, form);
    FUZZ_EXPECT(record_id_parse(form, &owner_again, &position_again) == ERR_OK);
    FUZZ_EXPECT(strcmp(owner.text, owner_again.text) == 0);
    FUZZ_EXPECT(position_equal(position, position_again));
}

static void try_reference(const char *text)
{
    Enlace__V1__Ref ref = ENLACE__V1__REF__INIT, again = ENLACE__V1__REF__INIT;
    err_t err = ref_parse(text, "CR", &ref);
    FUZZ_EXPECT(err == ERR_OK || (err == ERR_BAD_REF && !ref.owner && !ref.key));
    if (!err) {
        char *form = ref_format(&ref);
        FUZZ_EXPECT(code_valid(ref.owner) && (ref.key == NULL) == (ref.has_number != 0));
        FUZZ_EXPECT(ref_parse(form, "GT", &again) == ERR_OK);
        FUZZ_EXPECT(strcmp(ref.owner, again.owner) == 0);
        FUZZ_EXPECT(ref.number == again.number && ref.epoch == again.epoch);
        mem_free(form);
    }
    mem_free(ref.owner);
    mem_free(ref.key);
    mem_free(again.owner);
    mem_free(again.key);
}

static void try_date(const char *text)
{
    Enlace__V1__Date date = ENLACE__V1__DATE__INIT;
    char form[DATE_TEXT];
    if (!date_parse(text, &date)) {
        FUZZ_EXPECT(!date.has_year);
        return;
    }
    date_format(&date, form);
    FUZZ_EXPECT(date_valid(&date) && strcmp(form, text) == 0);
    FUZZ_EXPECT(date_first_day(&date) <= date_last_day(&date));
    FUZZ_EXPECT(date_within(&date, &date));
}

// A tag that is valid is a prefix, before a colon, of itself.
static void try_language(const char *text)
{
    if (!lang_valid(text))
        return;
    char *value = mem_format("%s:x", text);
    FUZZ_EXPECT(strlen(text) <= LANG_MAX && lang_prefix(value) == strlen(text));
    mem_free(value);
}

static void try_endpoint(const char *text)
{
    char next[ENDPOINT_MAX_BYTES + 1];
    if (!endpoint_valid(text))
        return;
    FUZZ_EXPECT(strlen(text) <= ENDPOINT_MAX_BYTES && strncmp(text, "tcp://", 6) == 0);
    FUZZ_EXPECT(endpoint_next_port(text, next) && strlen(next) <= ENDPOINT_MAX_BYTES);
    FUZZ_EXPECT(strcmp(text, next) != 0);
}

static void try_names(const char *text)
{
    size_t length = strlen(text);
    FUZZ_EXPECT(!code_valid(text) || (length >= 2 && length <= CODE_MAX));
    FUZZ_EXPECT(!record_key_valid(text) || (length >= 1 && length <= RECORD_KEY_MAX));
    FUZZ_EXPECT(!country_valid(text) || length == 2);
    FUZZ_EXPECT(!currency_valid(text) || length == 3);
    FUZZ_EXPECT(!scheme_valid(text) || length <= SCHEME_MAX);
    FUZZ_EXPECT(label_valid(label_effective(text)) && label_rank(text) <= 4);
    FUZZ_EXPECT(!name_valid(text) || (length >= 1 && length <= NAME_MAX_BYTES));
    FUZZ_EXPECT(!name_valid(text) || utf8_valid(span_text(text)));
    FUZZ_EXPECT(currency_digits(text) <= 4);
    (void)scheme_has_code(SCHEME_DIVIPOLA, text);
    (void)scheme_has_code(text, "1");
}

static void try_words(const char *text)
{
    hash_t hash = crypto_hash_of(HASH_WORDS, span_text("some charter"));
    char words[WORDS_TEXT];
    words_format(&hash, words);
    FUZZ_EXPECT(words_match(&hash, words));
    // Letters alone decide: whoever matches has all 32 of them.
    size_t letters = 0;
    for (const char *at = text; *at; at++)
        letters += (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
    FUZZ_EXPECT(!words_match(&hash, text) || letters == 32);
}

static void one(span_t input)
{
    char *text = fuzz_text(input);
    if (utf8_valid(span_text(text))) {
        try_record_id(text);
        try_reference(text);
        try_date(text);
        try_language(text);
        try_endpoint(text);
        try_words(text);
    }
    try_names(text);
    mem_free(text);
}

const fuzz_target_t fuzz_target = {.one = one, .peak_bytes = 256 * 1024};
