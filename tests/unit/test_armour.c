// Expected lines: base64.urlsafe_b64encode and hashlib.blake2b (person
// "enlace-derive") of python3; expected words: the first 96 bits of
// hashlib.blake2b (person "enlace-words"), six at a time, by a python script.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/armour.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static err_t parse(const char *name, const char *text, size_t most, buf_t *bytes)
{
    size_t size = strlen(text);
    char *exact = mem_alloc(size);
    memcpy(exact, text, size);
    err_t err = armour_parse(name, span_of(exact, size), most, bytes, NULL);
    mem_free(exact);
    return err;
}

static void expect_bytes(const char *text, const char *expected)
{
    buf_t bytes = {0};
    err_t err = parse("card", text, 1000, &bytes);
    if (err)
        fail_msg("%s: %s", text, err_name(err));
    assert_true(span_equal(buf_span(&bytes), span_text(expected)));
    buf_free(&bytes);
}

static void expect_refused(const char *text, err_t expected)
{
    buf_t bytes = {0};
    err_t err = parse("card", text, 1000, &bytes);
    if (err != expected)
        fail_msg("%s: %s", text, err_name(err));
    assert_null(bytes.data);
}

static void lines_are_these(void **state)
{
    (void)state;
    static const uint8_t high[] = {250, 251, 252, 253, 254, 255};
    char *line = armour_format("card", span_text("hello"));
    assert_string_equal(line, "enlace-card-1:aGVsbG8:c564dedf");
    mem_free(line);
    line = armour_format("card", span_of(high, sizeof high));
    assert_string_equal(line, "enlace-card-1:-vv8_f7_:7c0d2eab");
    mem_free(line);
    line = armour_format("charter", span_of(NULL, 0));
    assert_string_equal(line, "enlace-charter-1::27ee5d9d");
    mem_free(line);
}

static void every_size_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        buf_t back = {0};
        char *line = armour_format("card", span_of(bytes, size));
        assert_int_equal(parse("card", line, size, &back), ERR_OK);
        assert_true(span_equal(buf_span(&back), span_of(bytes, size)));
        buf_free(&back);
        if (size)
            assert_int_equal(parse("card", line, size - 1, &back), ERR_TOO_BIG);
        assert_null(back.data);
        mem_free(line);
    }
}

static void what_mail_does_to_a_line(void **state)
{
    (void)state;
    expect_bytes("enlace-card-1:aGVsbG8:c564dedf", "hello");
    expect_bytes("enlace-card-1:aGVsbG8:c564dedf\n", "hello");
    expect_bytes("enlace-card-1:aGVsbG8:C564DEDF", "hello");
    expect_bytes("enlace-card-1:aGV\r\nsbG8:c564\r\ndedf\r\n", "hello");
    expect_bytes("> enlace-card-1:aGV\n> sbG8:c564dedf\n", "hello");
    expect_bytes(">> > enlace-card-1:aG\n>> > VsbG8\n>> > :\n>> > c564\n>> > dedf\n", "hello");
    expect_bytes("  enlace-card-1:\n\taGVs\n\tbG8:c564dedf", "hello");
    expect_bytes("enlace-\n> card-1:aGVsbG8:c564dedf", "hello");
    expect_bytes("Aquí va mi tarjeta:\n\nenlace-card-1:aGVsbG8:c564dedf\n\nSaludos\n", "hello");
    expect_bytes("<enlace-card-1:aGVsbG8:c564dedf>", "hello");
    expect_bytes("\"enlace-card-1:aGVsbG8:c564dedf\", enlace", "hello");
    expect_bytes("enlace-card-1:aGVsbG8:c564dedfdead", "hello");
}

static void the_first_that_is_whole_counts(void **state)
{
    (void)state;
    expect_bytes("enlace-card-1:-vv8_f7_:7c0d2eaX enlace-card-1:aGVsbG8:c564dedf", "hello");
    expect_bytes("enlace-card-1: is what a card begins with\nenlace-card-1:aGVsbG8:c564dedf",
                 "hello");
    expect_bytes("enlace-charter-1::27ee5d9d enlace-card-1:aGVsbG8:c564dedf", "hello");
    expect_bytes("enlace-card-1:aGVsbG8:c564dedf enlace-card-1:-vv8_f7_:7c0d2eab", "hello");
}

static void what_is_no_armour(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "hello",
        "enlace-card-1",
        "enlace-card-1:",
        "enlace-card-1:aGVsbG8",
        "enlace-card-1:aGVsbG8:",
        "enlace-card-1:aGVsbG8:c564ded",
        "enlace-card-1:aGVsbG8:c564dede",
        "enlace-card-1:aGVsbG8:d564dedf",
        "enlace-card-1:bGVsbG8:c564dedf",
        "enlace-card-1:aGVsbG9:c564dedf",  // bits beyond the last byte
        "enlace-card-1:aGVsbG8=:c564dedf", // padded
        "enlace-card-1:aGVsbG8a:c564dedf",
        "enlace-card-1:aGVsb:c564dedf",
        "enlace-card-1:aGVsbG8.:c564dedf",
        "enlace-card-1:aGVs+/8:c564dedf",
        "enlace-card-2:aGVsbG8:c564dedf",
        "enlace-charter-1:aGVsbG8:c564dedf",
        "Enlace-card-1:aGVsbG8:c564dedf",
        "enlace-card-1;aGVsbG8:c564dedf",
        "enlace-card-1::c564dedf",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(cases[i], ERR_BAD_ARMOUR);
}

static void a_nul_ends_nothing(void **state)
{
    (void)state;
    static const char text[] = "x\0y enlace-card-1:aGVsbG8:c564dedf";
    static const char inside[] = "enlace-card-1:aGV\0sbG8:c564dedf";
    buf_t bytes = {0};
    assert_int_equal(armour_parse("card", span_of(text, sizeof text - 1), 10, &bytes, NULL),
                     ERR_OK);
    buf_free(&bytes);
    assert_int_equal(armour_parse("card", span_of(inside, sizeof inside - 1), 10, &bytes, NULL),
                     ERR_BAD_ARMOUR);
    assert_int_equal(armour_parse("card", span_of(NULL, 0), 10, &bytes, NULL), ERR_BAD_ARMOUR);
}

static void the_fault_names_what_was_looked_for(void **state)
{
    (void)state;
    fault_t fault;
    buf_t bytes = {0};
    assert_int_equal(armour_parse("charter", span_text("nothing"), 10, &bytes, &fault),
                     ERR_BAD_ARMOUR);
    assert_string_equal(fault.where, "enlace-charter-1");
}

// A text full of beginnings costs no more than its length.
static void many_beginnings(void **state)
{
    (void)state;
    buf_t text = {0};
    buf_t bytes = {0};
    for (size_t i = 0; i < 50000; i++)
        buf_append(&text, span_text("enlace-card-1:"));
    assert_int_equal(armour_parse("card", buf_span(&text), 1 << 24, &bytes, NULL), ERR_BAD_ARMOUR);
    buf_free(&text);
}

static void try_text(void *context, span_t text, size_t place)
{
    buf_t bytes = {0};
    (void)context;
    (void)place;
    if (armour_parse("card", text, 1000, &bytes, NULL))
        return;
    assert_true(span_equal(buf_span(&bytes), span_text("hello, world: twenty-nine bytes")));
    buf_free(&bytes);
}

static void refuse_text(void *context, span_t text, size_t place)
{
    buf_t bytes = {0};
    (void)context;
    (void)place;
    assert_int_not_equal(armour_parse("card", text, 1000, &bytes, NULL), ERR_OK);
}

static void altered_lines(void **state)
{
    (void)state;
    char *line = armour_format("card", span_text("hello, world: twenty-nine bytes"));
    hostile_each_bit(span_text(line), try_text, NULL);
    hostile_each_prefix(span_text(line), refuse_text, NULL);
    hostile_rounds(span_text(line), 9, 5000, try_text, NULL);
    mem_free(line);
}

// ---- words ----

static void words_are_these(void **state)
{
    (void)state;
    char text[WORDS_TEXT];
    hash_t hash = {{0}};
    words_format(&hash, text);
    assert_string_equal(text, "yala rumo duse rigi rade feke yeba nunu");
    memset(hash.bytes, 0xc0, sizeof hash.bytes);
    words_format(&hash, text);
    assert_string_equal(text, "yowi sutu ruwo maki bema debi keba taga");
}

static void words_are_read_loosely(void **state)
{
    (void)state;
    hash_t hash = {{0}};
    assert_true(words_match(&hash, "yala rumo duse rigi rade feke yeba nunu"));
    assert_true(words_match(&hash, "YALA Rumo duse rigi rade feke yeba nunU"));
    assert_true(words_match(&hash, " yala-rumo-duse-rigi-rade-feke-yeba-nunu\n"));
    assert_true(words_match(&hash, "yala, rumo,duse rigi\trade feke yeba\r\nnunu"));
    assert_true(words_match(&hash, "yalarumoduserigiradefekeyebanunu"));
    assert_true(words_match(&hash, "ya la ru mo du se ri gi ra de fe ke ye ba nu nu"));
}

static void other_words_do_not_match(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "yala",
        "yala rumo duse rigi rade feke yeba nun",
        "yala rumo duse rigi rade feke yeba nunuu",
        "yala rumo duse rigi rade feke yeba nunu yala",
        "rumo yala duse rigi rade feke yeba nunu",
        "yala rumo duse rigi rade feke yeba nuno",
        "yala rumo duse rigi rade feke yeba",
        "yala. rumo duse rigi rade feke yeba nunu",
        "yala rumo duse rigi rade feke yeba núnu",
        "yowi sutu ruwo maki bema debi keba taga",
    };
    hash_t hash = {{0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_false(words_match(&hash, cases[i]));
    assert_false(words_match(&hash, NULL));
}

// Of 3,000 hashes: the form, all 64 syllables and never the 65th.
static void words_over_many_hashes(void **state)
{
    (void)state;
    static const char consonants[] = "bdfgklmnrstyw";
    static const char vowels[] = "aeiou";
    bool seen[65] = {false};
    for (unsigned i = 0; i < 3000; i++) {
        char text[WORDS_TEXT];
        hash_t hash = crypto_hash_of(HASH_DERIVE, span_of(&i, sizeof i));
        words_format(&hash, text);
        assert_int_equal(strlen(text), 39);
        assert_true(words_match(&hash, text));
        for (size_t at = 0; at < 39; at += at % 5 == 2 ? 3 : 2) {
            const char *consonant = strchr(consonants, text[at]);
            const char *vowel = strchr(vowels, text[at + 1]);
            assert_non_null(consonant);
            assert_non_null(vowel);
            seen[5 * (consonant - consonants) + (vowel - vowels)] = true;
        }
    }
    for (size_t i = 0; i < 64; i++)
        assert_true(seen[i]);
    assert_false(seen[64]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_these),
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(what_mail_does_to_a_line),
        cmocka_unit_test(the_first_that_is_whole_counts),
        cmocka_unit_test(what_is_no_armour),
        cmocka_unit_test(a_nul_ends_nothing),
        cmocka_unit_test(the_fault_names_what_was_looked_for),
        cmocka_unit_test(many_beginnings),
        cmocka_unit_test(altered_lines),
        cmocka_unit_test(words_are_these),
        cmocka_unit_test(words_are_read_loosely),
        cmocka_unit_test(other_words_do_not_match),
        cmocka_unit_test(words_over_many_hashes),
    };
    return cmocka_run_group_tests_name("armour", tests, start, NULL);
}
