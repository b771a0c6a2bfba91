// Becoming a node and a coalition, from the command line: init, card, charter
// create, charter accept. No daemon is needed for any of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { CRM, GT, SV };

// Runs it, and asserts how it ends and what it says on either channel.
static void shell(fleet_t *fleet, const char *command, int status, const char *const says[6])
{
    result_t result = fleet_shell(fleet, "%s", command);
    char *text = mem_format("%s%s", result.out, result.err);
    if (result.status != status)
        fail_msg("%s: ends with %d, not %d:\n%s", command, result.status, status, text);
    expect_says(command, text, says, 6);
    if (status)
        assert_string_equal(result.out, "");
    mem_free(text);
    result_clear(&result);
}

typedef struct {
    const char *command;
    int status;
    const char *says[6];
} step_t;

static void steps(fleet_t *fleet, const step_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shell(fleet, list[i].command, list[i].status, list[i].says);
}
#define STEPS(fleet, list) steps(fleet, list, sizeof(list) / sizeof *(list))

// ---- init ----

static void init_makes_a_node_and_asks_nothing(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    static const step_t list[] = {
        {"exec $BIN/enlace init --dir $FLEET/a/b/CR --node CR --name 'Costa Rica' --country CR "
         "--lang es --listen tcp://127.0.0.1:5670 --connect CRM@tcp://hub.example.org:5670 "
         "--connect tcp://192.0.2.9:5670",
         0,
         {"CR", "Costa Rica", "root.key", "enlace --dir", "charter accept"}},
        {"ls $FLEET/a/b/CR $FLEET/a/b/CR/keys",
         0,
         {"enlaced.conf", "card", "root.key", "signing.key", "transport.key", "sealing.key"}},
        {"cat $FLEET/a/b/CR/enlaced.conf",
         0,
         {"Costa Rica", "tcp://127.0.0.1:5670", "CRM@tcp://hub.example.org:5670",
          "tcp://192.0.2.9:5670"}},
        // and is not made twice
        {"exec $BIN/enlace init --dir $FLEET/a/b/CR --node CR --name X",
         1,
         {"[exists-already]", "/a/b/CR", "a node is there"}},
        {"mkdir $FLEET/full && touch $FLEET/full/x && "
         "exec $BIN/enlace init --dir $FLEET/full --node CR --name X",
         1,
         {"[exists-already]", "not empty"}},
        {"mkdir $FLEET/empty && exec $BIN/enlace init --dir $FLEET/empty/ --node CR --name X",
         0,
         {"CR"}},
        {"touch $FLEET/file && exec $BIN/enlace init --dir $FLEET/file --node CR --name X",
         1,
         {"[exists-already]", "/file"}},
        {"exec $BIN/enlace init --dir $FLEET/file/x --node CR --name X", 1, {"/file"}},
        {"ls -A $FLEET", 0, {"a\n", "empty", "!new-"}}, // nothing half-made is left
    };
    STEPS(fleet, list);
    struct stat facts;
    char *key = mem_format("%s/a/b/CR/keys/root.key", fleet_dir(fleet));
    assert_int_equal(stat(key, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    mem_free(key);
    fleet_destroy(&fleet);
}

static void init_refuses_what_could_not_run(void **state)
{
    (void)state;
    static const step_t list[] = {
        {"init --name X", 2, {"--node", "[usage]"}},
        {"init --node CR", 2, {"--name", "[usage]"}},
        {"init --node C --name X", 1, {"--node", "[bad-code]"}},
        {"init --node cr --name X", 1, {"--node", "[bad-code]", "A-Z"}},
        {"init --node 5CR --name X", 1, {"--node", "[bad-code]"}},
        {"init --node ABCDEFGHIJKLMNOPQ --name X", 1, {"--node", "[bad-code]"}},
        {"init --node CR --name ''", 1, {"--name"}},
        {"init --node CR --name 'a\nb'", 1, {"--name"}},
        {"init --node CR --name X --country CRI", 1, {"--country", "[bad-country]"}},
        {"init --node CR --name X --country cr", 1, {"--country", "[bad-country]"}},
        {"init --node CR --name X --lang spanisch", 1, {"--lang", "[bad-language]"}},
        {"init --node CR --name X --listen 127.0.0.1:5670", 1, {"--listen"}},
        {"init --node CR --name X --listen tcp://127.0.0.1", 1, {"--listen"}},
        {"init --node CR --name X --listen tcp://127.0.0.1:65535", 1, {"--listen"}}, // the next?
        {"init --node CR --name X --listen tcp://127.0.0.1:0", 1, {"--listen"}},
        {"init --node CR --name X --listen tcp://0.0.0.0:5670", 1, {"--advertise"}},
        {"init --node CR --name X --listen 'tcp://*:5670'", 1, {"--advertise"}},
        {"init --node CR --name X --listen 'tcp://[::]:5670'", 1, {"--advertise"}},
        {"init --node CR --name X --listen 'tcp://*:5670' --advertise tcp://0.0.0.0:5670",
         1,
         {"--advertise"}},
        {"init --node CR --name X --advertise tcp://cr.example.org:5670", 1, {"--listen"}},
        {"init --node CR --name X --connect hub.example.org", 1, {"--connect"}},
        {"init --node CR --name X --connect crm@tcp://hub.example.org:5670", 1, {"--connect"}},
        {"init --node CR --name X --connect tcp://a.example.org:1 --connect tcp://a.example.org:1",
         1,
         {"--connect"}},
    };
    fleet_t *fleet = fleet_new();
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *command = mem_format("exec $BIN/enlace --dir $FLEET/N %s", list[i].command);
        shell(fleet, command, list[i].status, list[i].says);
        mem_free(command);
    }
    shell(fleet, "test ! -e $FLEET/N", 0, (const char *const[6]){NULL});
    shell(fleet,
          "exec $BIN/enlace --dir $FLEET/N init --node CR --name X --listen 'tcp://*:5670' "
          "--advertise tcp://cr.example.org:5670",
          0, (const char *const[6]){"CR"});
    fleet_destroy(&fleet);
}

// ---- card ----

static void a_card_is_one_line_of_armour(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    result_t card = fleet_run(fleet, CRM, "card");
    assert_int_equal(card.status, 0);
    assert_int_equal(count_lines(card.out), 1);
    assert_memory_equal(card.out, "enlace-card-1:", 14);
    assert_int_equal(strspn(card.out, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_:"),
                     strlen(card.out) - 1);
    result_t again = fleet_run(fleet, CRM, "card");
    assert_string_equal(card.out, again.out);
    result_clear(&again);
    // It is public: nothing of the keys is in it but their public halves.
    shell(fleet,
          "$BIN/enlace --dir $FLEET/CRM card > $FLEET/card; for k in $FLEET/CRM/keys/*; do "
          "sed 's/^[^:]*://; s/:.*//' $k | cut -c1-30; done | grep -v '^$' > $FLEET/secrets; "
          "test $(wc -l < $FLEET/secrets) = 4 && ! grep -qFf $FLEET/secrets $FLEET/card",
          0, (const char *const[6]){NULL});
    shell(fleet, "exec $BIN/enlace --dir $FLEET/nobody card", 1,
          (const char *const[6]){"[no-directory]", "enlace init"});
    result_clear(&card);
    fleet_destroy(&fleet);
}

// As mail programs do it: lines of 76, quoted, with words before and after.
static void a_card_and_a_charter_survive_mail(void **state)
{
    (void)state;
    static const step_t list[] = {
        {"cd $FLEET; for n in CRM GT; do $E --dir $n card | fold -w 76 > w; "
         "{ echo 'Estimados:'; echo; sed 's/^/> > /' w; echo; echo '-- '; echo Firma; } | "
         "sed 's/$/\\r/' > $n.mail; done",
         0,
         {NULL}},
        {"cd $FLEET; exec $E charter create --dir CRM --name C --threshold 2 CRM.mail GT.mail > c",
         0,
         {"2 members"}},
        {"cd $FLEET; fold -w 60 c | sed 's/^/> /' > c.mail", 0, {NULL}},
        {"cd $FLEET; exec $E charter accept --dir GT - --yes < c.mail", 0, {"GT", "CRM"}},
        {"cd $FLEET; tr 'a-f' 'b-g' < GT.mail > bad.mail; "
         "exec $E charter create --dir CRM --name C --threshold 1 bad.mail",
         1,
         {"bad.mail", "[bad-armour]", "sent again"}},
        {"cd $FLEET; head -c 200 GT.mail > cut.mail; "
         "exec $E charter create --dir CRM --name C --threshold 1 cut.mail",
         1,
         {"cut.mail", "[bad-armour]"}},
        {"cd $FLEET; exec $E charter create --dir CRM --name C --threshold 1 c",
         1,
         {"[bad-armour]"}},
        {"cd $FLEET; exec $E charter accept --dir CRM GT.mail --yes", 1, {"[bad-armour]"}},
        {"cd $FLEET; exec $E charter accept --dir CRM nothing --yes",
         1,
         {"[cannot-read]", "nothing"}},
    };
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "GT", false, "", (const char *const[]){"CRM", NULL});
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *command = mem_format("E=$(cd $BIN && pwd)/enlace; %s", list[i].command);
        shell(fleet, command, list[i].status, list[i].says);
        mem_free(command);
    }
    fleet_destroy(&fleet);
}

// ---- charter ----

static fleet_t *three_cards(void)
{
    fleet_t *fleet = fleet_new();
    static const char *const hub[] = {"CRM", NULL};
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "GT", false, "", hub);
    fleet_add(fleet, "SV", false, "", hub);
    shell(fleet,
          "for n in CRM GT SV; do $BIN/enlace --dir $FLEET/$n card > $FLEET/$n.card || exit; done",
          0, (const char *const[6]){NULL});
    return fleet;
}

#define CREATE "exec $BIN/enlace charter create --dir $FLEET/CRM --name Coalición "
#define CARDS  "$FLEET/CRM.card $FLEET/GT.card $FLEET/SV.card"

static void create_warns_of_a_low_threshold_and_goes_on(void **state)
{
    (void)state;
    fleet_t *fleet = three_cards();
    result_t result = fleet_shell(fleet, CREATE "--threshold 1 " CARDS);
    assert_int_equal(result.status, 0);
    assert_int_equal(count_lines(result.out), 1);
    assert_memory_equal(result.out, "enlace-charter-1:", 17);
    assert_non_null(strstr(result.err, "warning"));
    result_clear(&result);
    result = fleet_shell(fleet, CREATE "--threshold 2 " CARDS);
    assert_int_equal(result.status, 0);
    assert_null(strstr(result.err, "warning"));
    assert_non_null(strstr(result.err, "3 members"));
    result_clear(&result);
    // Half is no more than half.
    result = fleet_shell(fleet, CREATE "--threshold 1 $FLEET/GT.card");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.err, "2 members")); // the creator belongs to it
    assert_non_null(strstr(result.err, "warning"));
    result_clear(&result);
    fleet_destroy(&fleet);
}

static void create_refuses_what_is_no_coalition(void **state)
{
    (void)state;
    fleet_t *fleet = three_cards();
    static const step_t list[] = {
        {CREATE "--threshold 4 " CARDS, 1, {"--threshold", "3", "[number-range]"}},
        {CREATE "--threshold 0 " CARDS, 1, {"--threshold", "[number-range]"}},
        {CREATE "--threshold some " CARDS, 2, {"--threshold", "[usage]"}},
        {CREATE CARDS, 2, {"--threshold", "[usage]"}},
        {"exec $BIN/enlace charter create --dir $FLEET/CRM --threshold 2 " CARDS,
         2,
         {"--name", "[usage]"}},
        {CREATE "--threshold 2 " CARDS " $FLEET/GT.card",
         1,
         {"GT.card", "given before", "[exists-already]"}},
        {"$BIN/enlace init --dir $FLEET/other --node GT --name Otro > $FLEET/made; "
         "$BIN/enlace card --dir $FLEET/other > $FLEET/other.card; " CREATE "--threshold 2 " CARDS
         " $FLEET/other.card",
         1,
         {"other.card", "GT", "[exists-already]"}},
        {"$BIN/enlace init --dir $FLEET/me --node CRM --name Otro > $FLEET/made; "
         "$BIN/enlace card --dir $FLEET/me > $FLEET/me.card; " CREATE
         "--threshold 2 $FLEET/me.card $FLEET/GT.card",
         1,
         {"CRM", "[exists-already]"}},
        {CREATE "--threshold 2 $FLEET/GT/enlaced.conf", 1, {"enlaced.conf", "[bad-armour]"}},
        {"mv $FLEET/CRM/keys/root.key $FLEET/away; " CREATE "--threshold 2 " CARDS,
         1,
         {"keys/root.key", "[bad-key-file]"}},
        {"mv $FLEET/away $FLEET/CRM/keys/root.key; chmod 644 $FLEET/CRM/keys/root.key; " CREATE
         "--threshold 2 " CARDS,
         1,
         {"root.key", "chmod 600", "[bad-key-file]"}},
    };
    STEPS(fleet, list);
    fleet_destroy(&fleet);
}

// The eight words, as the creator's standard error has them.
static char *words_of(fleet_t *fleet)
{
    result_t result = fleet_shell(fleet, CREATE "--threshold 2 " CARDS " 2>&1 > $FLEET/charter | "
                                                "grep -oE '([a-z]{4} ){7}[a-z]{4}'");
    assert_int_equal(result.status, 0);
    char *words = mem_copy_string(result.out);
    words[strcspn(words, "\n")] = '\0';
    result_clear(&result);
    return words;
}

#define ACCEPT "exec $BIN/enlace charter accept --dir $FLEET/GT $FLEET/charter "

static void accept_wants_the_words_or_yes(void **state)
{
    (void)state;
    fleet_t *fleet = three_cards();
    char *words = words_of(fleet);
    char *other = mem_copy_string(words);
    memcpy(other, words + 5, 4); // the first word is now the second
    memcpy(other + 5, words, 4);
    assert_string_not_equal(words, other);
    // Off a terminal nobody can be asked: it says which two there are.
    result_t result = fleet_shell(fleet, ACCEPT);
    assert_int_equal(result.status, 1);
    expect_says("accept", result.err,
                (const char *const[]){"--fingerprint", "--yes", "[not-confirmed]"}, 3);
    expect_says("accept", result.out, (const char *const[]){words, "Coalición", "SV", "CRM"}, 4);
    result_clear(&result);
    result = fleet_shell(fleet, ACCEPT "--fingerprint '%s'", other);
    assert_int_equal(result.status, 1);
    expect_says("accept", result.err,
                (const char *const[]){"[fingerprint-differs]", "don't accept"}, 2);
    result_clear(&result);
    shell(fleet, "test ! -e $FLEET/GT/charter", 0, (const char *const[6]){NULL});
    // Read aloud and written down by hand.
    result = fleet_shell(fleet, ACCEPT "--fingerprint \"$(echo '%s' | tr 'a-z ' 'A-Z-')\"", words);
    assert_int_equal(result.status, 0);
    assert_string_equal(result.err, "");
    expect_says("accept", result.out, (const char *const[]){"enlaced --dir"}, 1);
    result_clear(&result);
    // The same again is fine, also for those who give words; other words are not.
    shell(fleet, ACCEPT, 0, (const char *const[6]){"already"});
    result = fleet_shell(fleet, ACCEPT "--fingerprint '%s'", words);
    assert_int_equal(result.status, 0);
    result_clear(&result);
    result = fleet_shell(fleet, ACCEPT "--fingerprint '%s'", other);
    assert_int_equal(result.status, 1);
    result_clear(&result);
    mem_free(words);
    mem_free(other);
    fleet_destroy(&fleet);
}

static void a_node_belongs_to_one_coalition_that_names_it(void **state)
{
    (void)state;
    fleet_t *fleet = three_cards();
    static const step_t list[] = {
        {CREATE "--threshold 2 $FLEET/GT.card > $FLEET/charter", 0, {NULL}},
        {"exec $BIN/enlace charter accept --dir $FLEET/SV $FLEET/charter --yes",
         1,
         {"SV", "[unknown-member]"}},
        {ACCEPT "--yes", 0, {"Coalición"}},
        {"exec $BIN/enlace charter create --dir $FLEET/SV --name Otra --threshold 2 "
         "$FLEET/GT.card > $FLEET/charter",
         0,
         {NULL}},
        {ACCEPT "--yes", 1, {"Coalición", "[other-charter]", "another directory"}},
        // a charter whose text was touched
        {"exec $BIN/enlace charter accept --dir $FLEET/nobody $FLEET/charter --yes",
         1,
         {"[no-directory]"}},
    };
    STEPS(fleet, list);
    fleet_destroy(&fleet);
}

// While a daemon runs there, nothing is changed under its feet.
static void accepting_under_a_daemon_is_refused(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    static const step_t list[] = {
        {"exec $BIN/enlace charter accept --dir $FLEET/CRM $FLEET/charter.txt --yes",
         0,
         {"already"}},
        {"exec $BIN/enlace init --dir $FLEET/CRM --node CR --name X", 1, {"[exists-already]"}},
        {"mv $FLEET/CRM/charter $FLEET/away; "
         "exec $BIN/enlace charter accept --dir $FLEET/CRM $FLEET/charter.txt --yes "
         "> /dev/null",
         1,
         {"[locked]"}},
    };
    STEPS(fleet, list);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_makes_a_node_and_asks_nothing),
        cmocka_unit_test(init_refuses_what_could_not_run),
        cmocka_unit_test(a_card_is_one_line_of_armour),
        cmocka_unit_test(a_card_and_a_charter_survive_mail),
        cmocka_unit_test(create_warns_of_a_low_threshold_and_goes_on),
        cmocka_unit_test(create_refuses_what_is_no_coalition),
        cmocka_unit_test(accept_wants_the_words_or_yes),
        cmocka_unit_test(a_node_belongs_to_one_coalition_that_names_it),
        cmocka_unit_test(accepting_under_a_daemon_is_refused),
    };
    return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
