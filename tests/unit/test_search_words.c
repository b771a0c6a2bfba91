// What is found by words: folded, bounded, with the beginning of one, and damaged ones.
#include "tests/unit/search_stage.h"
#include "tests/unit/thin.h"

#include "daemon/search/alike.h"

// splitmix64 (Steele, Lea, Flood 2014).
typedef struct {
    uint64_t state;
} dice_t;

static size_t below(dice_t *dice, size_t count)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % count);
}

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void words_are_found_as_they_stand(void **state)
{
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0,
        "{'kind':'organisation','key':'a1','name':{'es':'Coalición Regional','pt':'Coalizão'},"
        "'acronym':'CR-1','city':'Panamá'}");
    put(&stage, &stage.b, 0, "{'kind':'body','key':'b1','name':{'es':'Niñez y coalición'}}");
    feed(&stage);
    expect_found(&stage, "coalicion", "2 1"); // accents either way
    expect_found(&stage, "COALICIÓN", "2 1");
    expect_found(&stage,
                 "nin\xcc\x83"
                 "ez",
                 "2"); // n and a combining tilde
    expect_found(&stage, "ninez", "2");
    expect_found(&stage, "Ñinez", "2");
    expect_found(&stage, "regional coalicion", "1"); // all words, any order
    expect_found(&stage, "coalizao", "1");           // any language
    expect_found(&stage, "panama", "1");             // any text
    expect_found(&stage, "cr-1", "1");               // cut as what is looked through
    expect_found(&stage, "b1", "2");
    expect_found(&stage, "regio*", "1"); // beginnings
    expect_found(&stage, "coa*", "2 1");
    expect_found(&stage, "regio", "");
    expect_found(&stage, "tlp", ""); // labels are nobody's words
    put(&stage, &stage.a, 1, "{'kind':'organisation','key':'a1','name':{'es':'Alianza'}}");
    expect_found(&stage, "alianza", " | 1"); // not fed yet: told as tail
    feed(&stage);
    expect_found(&stage, "alianza", "1");
    expect_found(&stage, "coalicion", "2"); // the revision replaced it
    expect_found(&stage, "panama", "");
    write_retraction(&stage.b, 1, 1);
    append(&stage, &stage.b);
    feed(&stage);
    expect_found(&stage, "ninez", "2"); // its text stays: who asks looks at the state
    close_stage(&stage);
}

static void syntax_of_the_index_means_nothing(void **state)
{
    static const char *const asked[] = {"uno AND dos",    "uno OR tres",
                                        "NOT uno",        "NEAR(uno dos)",
                                        "\"uno",          "uno\"",
                                        "t:uno",          "uno + dos",
                                        "^uno",           "{t}:uno",
                                        "(uno",           "uno)",
                                        "uno' OR 1=1",    "'; DROP TABLE doc",
                                        "rank MATCH uno", "@k34 uno",
                                        "=0000000 uno"};
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'x','name':{'es':'uno dos and or not near t'}}");
    feed(&stage);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        mem_free(found(stage.search_path, stage.path, asked[i], false)); // no error: asserted there
    expect_found(&stage, "uno AND dos", "1");                            // a word like any other
    expect_found(&stage, "uno OR tres", "");
    expect_found(&stage, "\"uno\"", "1");
    close_stage(&stage);
}

static void words_are_bounded(void **state)
{
    tokenizer_t *tokenizer = NULL;
    asked_t words;
    (void)state;
    char *many[] = {(char[]){"a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3 b4 b5 b6 b7 b8"}};
    char *same[] = {(char[]){"a a a a a a a a a a a a a a a a a a a a a a a"}};
    char *none[] = {(char[]){" -- \"*\" ... "}};
    char *brief[] = {(char[]){"ab*"}};
    char *three[] = {(char[]){"ñaé*"}};
    char *huge[] = {mem_alloc(ASKED_BYTES_MAX + 1)}, *large[] = {mem_alloc(ASKED_BYTES_MAX)};
    memset(huge[0], 'x', ASKED_BYTES_MAX);
    memset(large[0], 'x', ASKED_BYTES_MAX - 1);
    assert_ok(tokenizer_new(&tokenizer, NULL));
    assert_refused(asked_read(tokenizer, many, 1, &words, NULL), ERR_TOO_MANY);
    assert_refused(asked_read(tokenizer, none, 1, &words, NULL), ERR_BAD_VALUE);
    assert_refused(asked_read(tokenizer, NULL, 0, &words, NULL), ERR_BAD_VALUE);
    assert_refused(asked_read(tokenizer, brief, 1, &words, NULL), ERR_BAD_VALUE);
    assert_refused(asked_read(tokenizer, huge, 1, &words, NULL), ERR_TOO_BIG);
    assert_ok(asked_read(tokenizer, large, 1, &words, NULL));
    assert_int_equal(strlen(words.items[0].text), WORD_BYTES_MAX);
    assert_ok(asked_read(tokenizer, same, 1, &words, NULL));
    assert_int_equal(words.count, 1);
    assert_ok(asked_read(tokenizer, three, 1, &words, NULL));
    assert_string_equal(words.items[0].text, "nae");
    tokenizer_destroy(&tokenizer);
    mem_free(huge[0]);
    mem_free(large[0]);
}

static void damaged_words_are_found_where_asked_for(void **state)
{
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'coalici6n reglonal'}}");
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k2','name':{'es':'coalición regional'}}");
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k3','name':{'es':'internacional trxta'}}");
    feed(&stage);
    expect_hits(&stage, "coalición", true, "2 1");
    expect_hits(&stage, "coalición", false, "2");
    expect_hits(&stage, "regional coalicion", true, "2 1");
    expect_hits(&stage, "trata", true, "3");
    expect_hits(&stage, "nacional", true, ""); // five changes are another word
    put(&stage, &stage.a, 1, "{'kind':'body','key':'k1','name':{'es':'otra cosa'}}");
    feed(&stage);
    expect_hits(&stage, "coalición", true, "2");
    close_stage(&stage);
}

// ---- alike: against a distance worked out by its definition ----

static unsigned distance_by_definition(const char *a, const char *b)
{
    if (!*a || !*b)
        return (unsigned)(strlen(a) + strlen(b));
    unsigned same = distance_by_definition(a + 1, b + 1) + (*a != *b);
    unsigned without = distance_by_definition(a + 1, b) + 1;
    unsigned with = distance_by_definition(a, b + 1) + 1;
    unsigned least = same < without ? same : without;
    return least < with ? least : with;
}

static void draw_word(dice_t *dice, char *word, size_t least, size_t most)
{
    size_t size = least + below(dice, most - least + 1);
    for (size_t i = 0; i < size; i++)
        word[i] = (char)('a' + below(dice, 3));
    word[size] = '\0';
}

static bool shares_three(const char *a, const char *b)
{
    buf_t left = alike_padded(a), right = alike_padded(b);
    bool shares = false;
    for (size_t i = 0; i + 3 <= left.size; i++)
        shares = shares || memmem(right.data, right.size, left.data + i, 3);
    buf_free(&left);
    buf_free(&right);
    return shares;
}

static void alike_is_what_few_changes_make(void **state)
{
    dice_t dice = {7};
    (void)state;
    for (size_t i = 0; i < 3000; i += thin(20)) {
        char a[16], b[16];
        draw_word(&dice, a, 4, 8);
        draw_word(&dice, b, 4, 8);
        unsigned real = distance_by_definition(a, b);
        for (unsigned most = 0; most < 4; most++)
            assert_int_equal(alike_distance(a, b, most), real <= most ? real : most + 1);
        assert_int_equal(alike(a, b), real <= alike_changes(a));
        if (alike(a, b)) // or the trigrams would miss it
            assert_true(shares_three(a, b));
    }
    assert_int_equal(alike_distance("niñez", "ninez", 2), 1); // letters, not bytes
    assert_int_equal(alike_changes("abc"), 0);
    assert_int_equal(alike_changes("abcd"), 1);
    assert_int_equal(alike_changes("abcdefg"), 2);
    assert_int_equal(alike_changes("abcdefghijkl"), 3);
    assert_false(alike_worthy("12345a"));
    assert_false(alike_worthy("abcdefghijklmnopqrstuvwxy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(words_are_found_as_they_stand),
        SCRATCH_TEST(syntax_of_the_index_means_nothing),
        cmocka_unit_test(words_are_bounded),
        SCRATCH_TEST(damaged_words_are_found_where_asked_for),
        cmocka_unit_test(alike_is_what_few_changes_make),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
