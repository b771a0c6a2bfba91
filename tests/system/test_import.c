// import: whole files, checked before anything is written, at one node and at many.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { HUB, GT, SV, HN, NI, CR, BZ, PA, NODES };
enum { BIG = 20000 / TRY_SLOWNESS };

static const char regional[] = "deploy/examples/regional-coalition.jsonl";

typedef struct {
    int created, edited, unchanged, retracted, skipped;
} totals_t;

static void expect_import(fleet_t *fleet, size_t node, const char *arguments, totals_t expected)
{
    char *text = mem_format("{\"created\":%d,\"edited\":%d,\"unchanged\":%d,\"retracted\":%d,"
                            "\"skipped\":%d}",
                            expected.created, expected.edited, expected.unchanged,
                            expected.retracted, expected.skipped);
    char *said = fleet_do(fleet, node, "import --json %s", arguments);
    if (strcmp(said, text) != 0)
        fail_msg("import %s: %s, not %s", arguments, said, text);
    mem_free(said);
    mem_free(text);
}

static size_t count_listed(fleet_t *fleet, size_t node, const char *kind)
{
    char *text = fleet_do(fleet, node, "list %s --json", kind);
    size_t lines = count_lines(text);
    mem_free(text);
    return lines;
}

// ---- the regional coalition ----

static void every_node_imports_what_its_own_people_say(void **state)
{
    (void)state;
    // How many lines of the file are whose: PA has none.
    static const int own[NODES] = {14, 2, 3, 2, 2, 2, 2, 0};
    fleet_t *fleet = fleet_hub(NODES - 1);
    fleet_start_all(fleet);
    // The members first: what they refer to is not there yet.
    for (size_t i = NODES; i-- > 0;)
        expect_import(fleet, i, regional, (totals_t){.created = own[i], .skipped = 27 - own[i]});
    fleet_settle(fleet);
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    assert_int_equal(count_listed(fleet, PA, "committee"), 6);
    assert_int_equal(count_listed(fleet, PA, "membership"), 6);
    static const try_t seen[] = {
        {"list committee", 0, {"Ministerio de Gobernación", "Relaciones Exteriores", "BZ:1"}},
        {"show @HN:miembro-hn",
         0,
         {"@CRM:coalicion-regional = CRM:1: Coalición Regional",
          "@HN:comite-hn = HN:1: ", "!not yet"}},
        {"show @SV:seminario-legislacion", 0, {"2010-12", "JUDGE; PROSECUTOR; POLICE"}},
    };
    TRY_ALL(fleet, PA, seen);
    // Twice changes nothing, anywhere.
    char *before = digest_of(fleet, HUB);
    for (size_t i = 0; i < NODES; i++)
        expect_import(fleet, i, regional, (totals_t){.unchanged = own[i], .skipped = 27 - own[i]});
    for (size_t i = 0; i < NODES; i++)
        expect_digest(fleet, i, before);
    mem_free(before);
    mem_free(fleet_do(fleet, PA, "verify"));
    fleet_destroy(&fleet);
}

// ---- again ----

static void the_same_key_is_the_same_record(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    mem_free(write_text(fleet, "one.jsonl",
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"a\",\"name\":\"A\"}\n"
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"b\",\"name\":\"B\","
                        "\"_unknown\":[{\"tag\":100,\"wire\":0,\"data\":\"lgE=\"}]}\n"
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"c\",\"name\":\"C\"}\n"));
    mem_free(write_text(fleet, "two.jsonl",
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"a\",\"name\":\"A\"}\n"
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"b\",\"name\":\"Otra\"}\n"
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"c\",\"name\":\"Otra\"}\n"
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"d\",\"name\":\"D\"}\n"));
    mem_free(
        write_text(fleet, "kind.jsonl",
                   "{\"node\":\"CRM\",\"kind\":\"guideline\",\"key\":\"a\",\"title\":\"A\"}\n"));
    expect_import(fleet, HUB, "$FLEET/one.jsonl", (totals_t){.created = 3});
    mem_free(fleet_do(fleet, HUB, "retract @c"));
    expect_import(fleet, HUB, "$FLEET/two.jsonl",
                  (totals_t){.created = 1, .edited = 1, .unchanged = 1, .retracted = 1});
    expect_import(fleet, HUB, "$FLEET/two.jsonl", (totals_t){.unchanged = 3, .retracted = 1});
    static const try_t tries[] = {
        {"show @b --json", 0, {"Otra", "\"revision\":2", "lgE="}}, // what it did not know stays
        {"show @c", 0, {"retracted", "!Otra"}},
        {"import $FLEET/kind.jsonl", 1, {"line 1", "kind", "[kind-fixed]"}},
        {"list body --json", 0, {"\"a\"", "\"b\"", "\"d\"", "!\"c\""}},
    };
    TRY_ALL(fleet, HUB, tries);
    fleet_destroy(&fleet);
}

// ---- one refers to the other ----

static const char both_lines[] =
    "{\"node\":\"GT\",\"kind\":\"committee\",\"key\":\"comite\",\"name\":\"Comité\"}\n"
    "{\"node\":\"GT\",\"kind\":\"membership\",\"key\":\"m\",\"member\":\"@comite\","
    "\"coalition\":\"@coalicion\"}\n"
    "{\"node\":\"CRM\",\"kind\":\"coalition\",\"key\":\"coalicion\",\"name\":\"Coalición\"}\n"
    "{\"node\":\"CRM\",\"kind\":\"meeting\",\"key\":\"reunion\",\"coalition\":\"@coalicion\","
    "\"attendance\":[{\"organisation\":\"@comite\",\"head_count\":2}]}\n";

// The same, where each has but its own lines and names the other.
static const char gt_lines[] =
    "{\"node\":\"GT\",\"kind\":\"committee\",\"key\":\"comite\",\"name\":\"Comité\"}\n"
    "{\"node\":\"GT\",\"kind\":\"membership\",\"key\":\"m\",\"member\":\"@comite\","
    "\"coalition\":\"@CRM:coalicion\"}\n";
static const char hub_lines[] =
    "{\"node\":\"CRM\",\"kind\":\"coalition\",\"key\":\"coalicion\",\"name\":\"Coalición\"}\n"
    "{\"node\":\"CRM\",\"kind\":\"meeting\",\"key\":\"reunion\",\"coalition\":\"@coalicion\","
    "\"attendance\":[{\"organisation\":\"@GT:comite\",\"head_count\":2}]}\n";

static void import_in_order(size_t first, bool together)
{
    size_t second = first == HUB ? GT : HUB;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(write_text(fleet, "CRM.jsonl", together ? both_lines : hub_lines));
    mem_free(write_text(fleet, "GT.jsonl", together ? both_lines : gt_lines));
    totals_t expected = {.created = 2, .skipped = together ? 2 : 0};
    expect_import(fleet, first, first == HUB ? "$FLEET/CRM.jsonl" : "$FLEET/GT.jsonl", expected);
    static const try_t half[] = {
        [HUB] = {"show @reunion",
                 0,
                 {"@GT:comite (not yet here)", "@CRM:coalicion = CRM:1: Coalición"}},
        [GT] = {"show @m", 0, {"@CRM:coalicion (not yet here)", "@GT:comite = GT:1: Comité"}},
    };
    try_one(fleet, first, &half[first]);
    expect_import(fleet, second, second == HUB ? "$FLEET/CRM.jsonl" : "$FLEET/GT.jsonl", expected);
    fleet_settle(fleet);
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    static const try_t whole[] = {
        {"show @CRM:reunion",
         0,
         {"@GT:comite = GT:1: Comité", "@CRM:coalicion = CRM:1: Coalición", "!not yet"}},
        {"show @GT:m",
         0,
         {"@CRM:coalicion = CRM:1: Coalición", "@GT:comite = GT:1: Comité", "!not yet"}},
    };
    TRY_ALL(fleet, HUB, whole);
    TRY_ALL(fleet, GT, whole);
    fleet_destroy(&fleet);
}

static void files_that_refer_to_each_other_import_in_either_order(void **state)
{
    (void)state;
    import_in_order(HUB, true);
    import_in_order(GT, true);
    import_in_order(HUB, false);
    import_in_order(GT, false);
}

// ---- what is refused ----

#define OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"uno\",\"name\":\"N\"}\n"

typedef struct {
    const char *text;
    const char *says[5];
} file_t;

static const file_t refused[] = {
    {OWN "\n{\"node\":\"CRM\",", {"line 3", "[bad-json]"}},
    {OWN "no JSON at all\n", {"line 2", "[bad-json]"}},
    {OWN "[1]\n", {"line 2", "[wrong-type]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"cosa\",\"key\":\"x\"}\n",
     {"line 2", "cosa", "[unknown-kind]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"x\",\"nombre\":\"N\"}\n",
     {"line 2", "field nombre", "[unknown-field]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"project\",\"key\":\"x\",\"participants\":[{\"naem\":1}]}\n",
     {"line 2", "field participants.1.naem", "[unknown-field]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"committee\",\"key\":\"x\",\"lead_sector\":\"PIRATES\"}\n",
     {"line 2", "field lead_sector", "[bad-enum]", "POLICE"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"committee\",\"key\":\"x\",\"since\":2018}\n",
     {"line 2", "field since", "[wrong-type]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"committee\",\"key\":\"x\",\"since\":\"ayer\"}\n",
     {"line 2", "field since", "[bad-date]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"x\",\"name\":null}\n",
     {"line 2", "field name", "[wrong-type]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"x\",\"name\":\"A\",\"name\":\"B\"}\n",
     {"line 2", "name", "[duplicate-name]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"x\",\"name\":\"N\",\"label\":\"RED\"}\n",
     {"line 2", "field label", "[bad-label]"}},
    {OWN "{\"kind\":\"body\",\"key\":\"x\",\"name\":\"N\"}\n",
     {"line 2", "field node", "[missing-field]"}},
    {OWN "{\"node\":\"crm\",\"kind\":\"body\",\"key\":\"x\",\"name\":\"N\"}\n",
     {"line 2", "field node", "[bad-code]"}},
    {OWN "{\"node\":\"XX\",\"kind\":\"body\",\"key\":\"x\",\"name\":\"N\"}\n",
     {"line 2", "field node", "XX", "[unknown-member]"}},
    {OWN "{\"node\":\"CRM\",\"key\":\"x\",\"name\":\"N\"}\n",
     {"line 2", "field kind", "[missing-field]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"name\":\"N\"}\n",
     {"line 2", "field key", "[missing-field]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"X Y\",\"name\":\"N\"}\n",
     {"line 2", "field key", "[bad-value]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"x\"}\n", {"line 2", "[empty-record]"}},
    {OWN OWN, {"line 2", "field key", "line 1 of", "[key-taken]"}},
    // references
    {OWN "{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"@nada\"}\n",
     {"line 2", "field meeting", "nada", "[no-such-record]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"@XX:m\"}\n",
     {"line 2", "field meeting", "XX", "[unknown-member]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"CRM:77\"}\n",
     {"line 2", "field meeting", "CRM:77", "[no-such-record]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"@uno\"}\n",
     {"line 2", "field meeting", "body", "[wrong-kind]"}},
    {OWN "{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"reunion\"}\n",
     {"line 2", "field meeting", "[bad-ref]"}},
    {"{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"@m\"}\n"
     "{\"node\":\"GT\",\"kind\":\"meeting\",\"key\":\"m\"}\n"
     "{\"node\":\"SV\",\"kind\":\"meeting\",\"key\":\"m\"}\n",
     {"line 1", "field meeting", "@m", "[ambiguous-key]"}},
    {"{\"node\":\"CRM\",\"kind\":\"agreement\",\"key\":\"x\",\"meeting\":\"@m\"}\n"
     "{\"node\":\"GT\",\"kind\":\"body\",\"key\":\"m\"}\n",
     {"line 1", "field meeting", "body", "[wrong-kind]"}},
};

static void a_bad_line_is_named_and_nothing_is_written(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, HUB);
    char *before = digest_of(fleet, HUB);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        try_t attempt = {.arguments = "import $FLEET/file.jsonl", .status = 1};
        memcpy(attempt.says, refused[i].says, sizeof refused[i].says);
        mem_free(write_text(fleet, "file.jsonl", refused[i].text));
        try_one(fleet, HUB, &attempt);
        expect_digest(fleet, HUB, before);
    }
    // Bytes that no text of C can hold.
    result_t made = fleet_shell(
        fleet, "printf '%%s\\n{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"x\",\"name\":\"a\\0b\"}"
               "' '{}' > $FLEET/nul.jsonl; printf '{}\\n\\n\"\\377\"\\n' > $FLEET/latin.jsonl; "
               "head -c 1200000 /dev/zero | tr '\\0' ' ' > $FLEET/long.jsonl");
    assert_int_equal(made.status, 0);
    result_clear(&made);
    static const try_t odd[] = {
        {"import $FLEET/nul.jsonl", 1, {"line 2", "[nul-in-text]"}},
        {"import $FLEET/latin.jsonl", 1, {"line 3", "[bad-utf8]"}},
        {"import $FLEET/long.jsonl", 1, {"line 1", "[too-big]"}},
        {"import $FLEET/nothing.jsonl", 1, {"nothing.jsonl", "[cannot-read]"}},
        {"import $FLEET", 1, {"[cannot-read]"}},
        {"import $FLEET/nul.jsonl --node xx", 1, {"xx", "[bad-code]"}},
    };
    TRY_ALL(fleet, HUB, odd);
    expect_digest(fleet, HUB, before);
    mem_free(before);
    fleet_destroy(&fleet);
}

// ---- forms of files ----

static void empty_lines_and_marks_are_passed_over(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start(fleet, HUB);
    mem_free(write_text(fleet, "odd.jsonl",
                        "\xef\xbb\xbf{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"a\",\"name\":"
                        "\"A\"}\r\n\r\n  \t\n"
                        "{\"node\":\"GT\",\"kind\":\"body\",\"name\":\"sin clave\"}\r\n"
                        "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"b\",\"name\":\"B\"}"));
    mem_free(write_text(fleet, "none.jsonl", ""));
    expect_import(fleet, HUB, "$FLEET/odd.jsonl", (totals_t){.created = 2, .skipped = 1});
    expect_import(fleet, HUB, "$FLEET/none.jsonl", (totals_t){0});
    expect_import(fleet, HUB, "- < $FLEET/odd.jsonl", (totals_t){.unchanged = 2, .skipped = 1});
    result_t piped =
        fleet_shell(fleet, "cat $FLEET/odd.jsonl | $BIN/enlace --dir $FLEET/CRM import -");
    assert_int_equal(piped.status, 0);
    expect_says("import -", piped.out, (const char *const[]){"unchanged 2", "skipped 1"}, 2);
    result_clear(&piped);
    static const try_t bad = {"import - < $FLEET/bad.jsonl", 1, {"line 2", "[bad-json]"}};
    mem_free(write_text(fleet, "bad.jsonl", OWN "{"));
    try_one(fleet, HUB, &bad);
    fleet_destroy(&fleet);
}

// Somebody who has no node here: X's lines become mine, X's keys mean mine.
static void another_s_lines_can_be_taken_over(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start(fleet, HUB);
    mem_free(write_text(
        fleet, "x.jsonl",
        "{\"node\":\"ALIANZA\",\"kind\":\"coalition\",\"key\":\"c\",\"name\":\"Alianza\"}\n"
        "{\"node\":\"ALIANZA\",\"kind\":\"meeting\",\"key\":\"m\",\"coalition\":\"@c\"}\n"
        "{\"node\":\"ALIANZA\",\"kind\":\"agreement\",\"key\":\"a\",\"meeting\":\"@ALIANZA:m\"}\n"
        "{\"node\":\"GT\",\"kind\":\"body\",\"key\":\"b\",\"name\":\"B\"}\n"));
    static const try_t unknown = {
        "import $FLEET/x.jsonl", 1, {"line 1", "ALIANZA", "[unknown-member]"}};
    try_one(fleet, HUB, &unknown);
    expect_import(fleet, HUB, "--node ALIANZA $FLEET/x.jsonl",
                  (totals_t){.created = 3, .skipped = 1});
    expect_import(fleet, HUB, "$FLEET/x.jsonl --node ALIANZA",
                  (totals_t){.unchanged = 3, .skipped = 1});
    static const try_t tries[] = {
        {"show @m --json", 0, {"\"node\":\"CRM\"", "@CRM:c"}},
        {"show @a", 0, {"@CRM:m = CRM:2"}},
        {"list coalition --owner CRM", 0, {"Alianza"}},
    };
    TRY_ALL(fleet, HUB, tries);
    fleet_destroy(&fleet);
}

// ---- big files ----

static void write_big(fleet_t *fleet, const char *name, size_t lines, const char *last)
{
    char *path = mem_format("%s/%s", fleet_dir(fleet), name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (size_t i = 0; i < lines; i++)
        assert_true(fprintf(file,
                            "{\"node\":\"%s\",\"kind\":\"body\",\"key\":\"k%zu\",\"name\":{\"es\":"
                            "\"Nombre %zu\",\"en\":\"Name %zu\"},\"contact\":\"contacto\"}\n",
                            i % 2 ? "GT" : "CRM", i, i, i) > 0);
    assert_true(fputs(last, file) >= 0);
    assert_int_equal(fclose(file), 0);
    mem_free(path);
}

static void a_big_file_is_imported_and_followed(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    write_big(fleet, "big.jsonl", 2 * BIG, "");
    expect_import(fleet, GT, "$FLEET/big.jsonl", (totals_t){.created = BIG, .skipped = BIG});
    assert_int_equal(count_listed(fleet, GT, "body"), BIG);
    mem_free(fleet_do(fleet, GT, "status --wait-synced 60"));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    assert_int_equal(count_listed(fleet, HUB, "body"), BIG);
    mem_free(fleet_do(fleet, HUB, "verify"));
    // The very last line is bad: nothing of it is written.
    char *before = digest_of(fleet, HUB);
    write_big(fleet, "bad.jsonl", 4000, "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"z\"}\n");
    static const try_t bad = {"import $FLEET/bad.jsonl", 1, {"line 4001", "[empty-record]"}};
    try_one(fleet, HUB, &bad);
    expect_digest(fleet, HUB, before);
    mem_free(before);
    fleet_destroy(&fleet);
}

// A line that `tail` shows after so many means that batches are being written. It does not
// begin before: what it would tell first takes it longer than an import takes to end.
static void wait_for_writing(fleet_t *fleet, size_t after)
{
    char *arguments = mem_format("tail --since %zu", 1 + after); // the first is no line
    reading_t *tail = fleet_open(fleet, HUB, arguments);
    char *line = reading_line(tail, 60000);
    assert_non_null(line);
    mem_free(line);
    mem_free(arguments);
    reading_close(&tail);
}

// So many that none of the rounds comes to its end.
enum { MANY = 4 * BIG };

static void killed_in_the_middle_the_rest_comes_the_next_time(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    write_big(fleet, "big.jsonl", 2 * MANY, "");
    size_t held = 0;
    for (size_t round = 0; round < 3; round++) {
        fleet_start(fleet, HUB);
        reading_t *import =
            fleet_background(fleet, "exec $BIN/enlace --dir '%s' import $FLEET/big.jsonl 2>&1",
                             fleet_node_dir(fleet, HUB));
        wait_for_writing(fleet, held + round * 300);
        // Stopped first: a batch that the client has asked for stays under way.
        kill(fleet_pid(fleet, HUB), SIGSTOP);
        fleet_kill(fleet, HUB);
        char *line = reading_line(import, 20000);
        assert_non_null(line);
        if (!strstr(line, "[outcome-unknown]"))
            fail_msg("import: %s", line);
        mem_free(line);
        assert_int_equal(reading_wait(&import), 3);
        fleet_start(fleet, HUB);
        mem_free(fleet_do(fleet, HUB, "verify"));
        size_t now = count_listed(fleet, HUB, "body");
        assert_true(now > held && now < MANY);
        held = now;
        fleet_kill(fleet, HUB);
    }
    fleet_start(fleet, HUB);
    expect_import(
        fleet, HUB, "$FLEET/big.jsonl",
        (totals_t){.created = (int)(MANY - held), .unchanged = (int)held, .skipped = MANY});
    assert_int_equal(count_listed(fleet, HUB, "body"), MANY);
    result_t twice = fleet_shell(fleet, "$BIN/enlace --dir $FLEET/CRM list body --json | "
                                        "grep -o '\"key\":\"[^\"]*\"' | sort | uniq -d | wc -l");
    assert_string_equal(twice.out, "0\n");
    result_clear(&twice);
    mem_free(fleet_do(fleet, HUB, "verify"));
    fleet_destroy(&fleet);
}

// Two people import one file: each line is written once.
static void two_imports_at_once_write_each_line_once(void **state)
{
    (void)state;
    enum { LINES = 2000 };
    fleet_t *fleet = fleet_hub(1);
    fleet_start(fleet, HUB);
    write_big(fleet, "file.jsonl", 2 * LINES, "");
    reading_t *one = fleet_open(fleet, HUB, "import --json $FLEET/file.jsonl");
    reading_t *other = fleet_open(fleet, HUB, "import --json $FLEET/file.jsonl");
    json_int_t created = 0;
    for (int i = 0; i < 2; i++) {
        char *line = reading_line(i ? other : one, 60000);
        assert_non_null(line);
        json_t *totals = json_loads(line, 0, NULL);
        assert_non_null(totals);
        created += json_integer_value(json_object_get(totals, "created"));
        json_decref(totals);
        mem_free(line);
    }
    assert_int_equal(reading_wait(&one), 0);
    assert_int_equal(reading_wait(&other), 0);
    assert_int_equal(created, LINES);
    assert_int_equal(count_listed(fleet, HUB, "body"), LINES);
    mem_free(fleet_do(fleet, HUB, "verify"));
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_imports_what_its_own_people_say),
        cmocka_unit_test(the_same_key_is_the_same_record),
        cmocka_unit_test(files_that_refer_to_each_other_import_in_either_order),
        cmocka_unit_test(a_bad_line_is_named_and_nothing_is_written),
        cmocka_unit_test(empty_lines_and_marks_are_passed_over),
        cmocka_unit_test(another_s_lines_can_be_taken_over),
        cmocka_unit_test(a_big_file_is_imported_and_followed),
        cmocka_unit_test(killed_in_the_middle_the_rest_comes_the_next_time),
        cmocka_unit_test(two_imports_at_once_write_each_line_once),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
