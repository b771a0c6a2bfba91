// Writing and reading records through the client: put, edit, retract, list, show.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { HUB, GT };

static fleet_t *one_node(void)
{
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    return fleet;
}

// ---- put ----

static void put_prints_the_id_and_nothing_else(void **state)
{
    (void)state;
    fleet_t *fleet = one_node();
    result_t first = fleet_run(fleet, HUB, "put body key=uno name=N");
    assert_int_equal(first.status, 0);
    assert_string_equal(first.out, "CRM:1\n");
    assert_string_equal(first.err, "");
    result_clear(&first);
    // Numbers are those of the lane's changes, so an edit takes one, too.
    mem_free(fleet_do(fleet, HUB, "edit CRM:1 name=M"));
    result_t second = fleet_run(fleet, HUB, "put body name=N");
    assert_string_equal(second.out, "CRM:3\n");
    result_clear(&second);
    fleet_destroy(&fleet);
}

static void a_text_is_in_the_language_given_or_the_node_s(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "BRA", false, "--lang pt", NULL);
    fleet_found(fleet, 1);
    fleet_start_all(fleet);
    // Who asks may speak another language: the node's counts.
    result_t put = fleet_shell(fleet, "LANG=en_GB.UTF-8 LANGUAGE=en exec $BIN/enlace --dir "
                                      "$FLEET/BRA put body key=uno name=Rede note=es:Texto");
    assert_int_equal(put.status, 0);
    result_clear(&put);
    mem_free(fleet_do(fleet, 0, "put body key=dos name=es:Red name=en:Network name=Rede"));
    json_t *shown = try_json(fleet, 0, "show @uno --json");
    expect_at(shown, "name", "{\"pt\":\"Rede\"}");
    expect_at(shown, "note", "{\"es\":\"Texto\"}");
    json_decref(shown);
    shown = try_json(fleet, 0, "show @dos --json");
    expect_at(shown, "name", "{\"en\":\"Network\",\"es\":\"Red\",\"pt\":\"Rede\"}");
    json_decref(shown);
    fleet_destroy(&fleet);
}

static void every_type_of_value_can_be_written(void **state)
{
    (void)state;
    fleet_t *fleet = one_node();
    static const try_t writes[] = {
        {"put project key=glo title=GLO.ACT status=2 from=2015 to=2018-12-31 "
         "budget.currency=EUR budget.amount_minor=1100000000 "
         "participants.1.name=UE participants.1.role=1 "
         "participants.2.name=UNODC participants.2.role=4 "
         "countries=CO countries=BR objectives.1=es:Uno objectives.2=es:Dos",
         0,
         {"CRM:1\n"}},
        {"put coalition key=regional name=es:Coalición binding=false founded_on=2011-03 "
         "type=REGIONAL_COALITION label=TLP:CLEAR example=true",
         0,
         {"CRM:2\n"}},
        {"put meeting key=reunion coalition=@regional ordinal=2 type=PLENARY agenda.1=es:Apertura "
         "agenda.2=es:Cierre 'with:=[\"@ocam\",\"CRM:3\"]'",
         1,
         {"[no-such-record]", "with.1", "@CRM:ocam", "@CODE:key"}},
        {"put body key=ocam name=OCAM", 0, {"CRM:3\n"}},
        {"put meeting key=reunion coalition=@regional ordinal=2 type=PLENARY agenda.1=es:Apertura "
         "agenda.2=es:Cierre 'with:=[\"@ocam\",\"CRM:3\"]'",
         0,
         {"CRM:4\n"}},
        {"put organisation name=N type=NGO services=Legal services=Health city_code=11001", 0, {0}},
        {"put document title=N size=9007199254740991 lang=pt-BR", 0, {0}},
        {"put document 'title:={\"es\":\"Acta\"}' 'size:=0' type=MINUTES", 0, {0}},
    };
    static const struct {
        const char *id, *path, *value;
    } reads[] = {
        {"@glo", "budget", "{\"amount_minor\":1100000000,\"currency\":\"EUR\"}"},
        {"@glo", "participants.0", "{\"name\":\"UE\",\"role\":\"1\"}"},
        {"@glo", "participants.1", "{\"name\":\"UNODC\",\"role\":\"4\"}"},
        {"@glo", "from", "2015"},
        {"@glo", "to", "2018-12-31"},
        {"@glo", "countries", "[\"CO\",\"BR\"]"},
        {"@glo", "objectives", "[{\"es\":\"Uno\"},{\"es\":\"Dos\"}]"},
        {"@glo", "label", "TLP:GREEN"}, // the kind's usual one
        {"@glo", "node", "CRM"},
        {"@glo", "state", "standing"},
        {"@glo", "revision", "1"},
        {"@regional", "binding", "false"},
        {"@regional", "founded_on", "2011-03"},
        {"@regional", "label", "TLP:CLEAR"},
        {"@regional", "example", "true"},
        {"CRM:4", "coalition", "@CRM:regional"},
        {"CRM:4", "with", "[\"@CRM:ocam\",\"CRM:3\"]"},
        {"CRM:4", "agenda", "[{\"es\":\"Apertura\"},{\"es\":\"Cierre\"}]"},
        {"CRM:5", "services", "[\"Legal\",\"Health\"]"},
        {"CRM:5", "city_code", "11001"},
        {"CRM:6", "size", "9007199254740991"},
        {"CRM:7", "size", "0"},
    };
    TRY_ALL(fleet, HUB, writes);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        json_t *shown = try_json(fleet, HUB, "show %s --json", reads[i].id);
        expect_at(shown, reads[i].path, reads[i].value);
        json_decref(shown);
    }
    fleet_destroy(&fleet);
}

static void an_object_is_put_from_a_file_or_standard_input(void **state)
{
    (void)state;
    fleet_t *fleet = one_node();
    mem_free(
        write_text(fleet, "whole.json",
                   "{\"kind\": \"body\",\n \"key\": \"uno\",\n \"name\": {\"es\": \"Uno\"}}\n"));
    mem_free(write_text(fleet, "part.json", "{\"key\": \"dos\", \"name\": \"Dos\"}"));
    static const try_t tries[] = {
        {"put --file $FLEET/whole.json", 0, {"CRM:1\n"}},
        {"put body --file $FLEET/part.json", 0, {"CRM:2\n"}},
        {"put --file - < $FLEET/part.json", 1, {"[missing-field]", "kind"}},
        {"put committee --file $FLEET/whole.json", 1, {"[kind-fixed]", "kind"}},
        {"put --file $FLEET/nothing.json", 1, {"[cannot-read]", "nothing.json"}},
        {"put --file $FLEET/whole.json", 1, {"[key-taken]", "CRM:1"}},
    };
    TRY_ALL(fleet, HUB, tries);
    // What show prints can be put again, under another key.
    result_t again = fleet_shell(fleet, "$BIN/enlace --dir $FLEET/CRM show @uno --json | "
                                        "sed 's/\"uno\"/\"tres\"/' | "
                                        "$BIN/enlace --dir $FLEET/CRM put --file -");
    assert_string_equal(again.err, "");
    assert_string_equal(again.out, "CRM:3\n");
    result_clear(&again);
    static const try_t shown = {"show @tres", 0, {"Uno", "CRM:3"}};
    try_one(fleet, HUB, &shown);
    char *listed = fleet_do(fleet, HUB, "list body --json");
    assert_int_equal(count_lines(listed), 3);
    mem_free(listed);
    fleet_destroy(&fleet);
}

// ---- edit ----

static void edit_changes_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    fleet_t *fleet = one_node();
    mem_free(write_text(fleet, "new.json",
                        "{\"kind\":\"coalition\",\"key\":\"c\",\"name\":{\"es\":\"Uno\",\"en\":"
                        "\"One\"},\"acronym\":\"U\",\"objectives\":[{\"es\":\"a\"},{\"es\":\"b\"}],"
                        "\"_unknown\":[{\"tag\":100,\"wire\":0,\"data\":\"lgE=\"},"
                        "{\"tag\":400,\"wire\":2,\"data\":\"aG9sYQ==\",\"record\":true}]}"));
    static const try_t tries[] = {
        {"put --file $FLEET/new.json", 0, {"CRM:1\n"}},
        {"edit CRM:1 name=es:Dos", 0, {"CRM:1 revision 2\n"}},
        {"edit @c acronym=", 0, {"CRM:1 revision 3\n"}},
        {"edit @CRM:c objectives=es:x objectives=es:y objectives=es:z", 0, {"revision 4\n"}},
        {"edit @c objectives.2=", 0, {"revision 5\n"}},
        {"edit @c binding=true --if-revision 5", 0, {"revision 6\n"}},
        {"edit @c binding=false --if-revision 5",
         1,
         {"[stale-revision]", "revision 6", "enlace show"}},
        {"edit @c binding=true", 0, {"CRM:1 revision 6, unchanged\n"}},
        {"edit @c key=d", 1, {"[key-fixed]", ", key"}},
        {"edit @c kind=body", 1, {"[kind-fixed]"}},
        {"edit @c name=", 0, {"revision 7\n"}},
        {"edit @c name=es:", 0, {"revision 7, unchanged\n"}},
        {"edit @d name=N", 1, {"[no-such-record]", "@d"}},
        {"edit CRM:99 name=N", 1, {"[no-such-record]", "CRM:99"}},
        {"edit GT:1 name=N", 1, {"[unknown-member]", "GT"}},
        {"edit CRM name=N", 1, {"[bad-ref]", "CRM"}},
    };
    TRY_ALL(fleet, HUB, tries);
    json_t *shown = try_json(fleet, HUB, "show @c --json");
    expect_at(shown, "name", "");
    expect_at(shown, "acronym", "");
    expect_at(shown, "objectives", "[{\"es\":\"x\"},{\"es\":\"z\"}]");
    expect_at(shown, "binding", "true");
    expect_at(shown, "_unknown.0",
              "{\"data\":\"aG9sYQ==\",\"record\":true,\"tag\":400,\"wire\":2}");
    expect_at(shown, "_unknown.1", "{\"data\":\"lgE=\",\"tag\":100,\"wire\":0}");
    json_decref(shown);
    fleet_destroy(&fleet);
}

static void history_shows_every_revision(void **state)
{
    (void)state;
    fleet_t *fleet = one_node();
    static const char *const names[] = {"Primero", "Segundo", "Tercero"};
    mem_free(fleet_do(fleet, HUB, "put body key=uno name=Primero"));
    mem_free(fleet_do(fleet, HUB, "edit @uno name=Segundo"));
    mem_free(fleet_do(fleet, HUB, "edit @uno name=Tercero"));
    mem_free(fleet_do(fleet, HUB, "retract @uno"));
    char *lines = fleet_do(fleet, HUB, "show @uno --history --json");
    assert_int_equal(count_lines(lines), 4);
    char *rest = lines;
    for (size_t i = 0; i < 4; i++) {
        json_t *line = json_loads(strsep(&rest, "\n"), 0, NULL);
        char revision[8];
        snprintf(revision, sizeof revision, "%zu", i + 1);
        assert_non_null(line);
        expect_at(line, "id", "CRM:1");
        expect_at(line, "revision", revision);
        if (i < 3)
            expect_at(line, "name.es", names[i]);
        json_decref(line);
    }
    mem_free(lines);
    static const try_t tries[] = {
        {"show @uno --history", 0, {"Primero", "Segundo", "Tercero", "retracted"}},
        {"show @uno", 0, {"Tercero", "!Segundo", "retracted"}},
        {"show CRM:1", 0, {"Tercero"}},
        {"show CRM:2", 1, {"[no-such-record]", "CRM:2"}},
        {"show @dos", 1, {"[no-such-record]", "@dos", "enlace list"}},
        {"show GT:1", 1, {"[unknown-member]", "GT"}},
        {"show dos", 1, {"[bad-ref]", "dos"}},
    };
    TRY_ALL(fleet, HUB, tries);
    fleet_destroy(&fleet);
}

static void what_is_retracted_stays_so(void **state)
{
    (void)state;
    static const try_t tries[] = {
        {"put body key=uno name=Uno", 0, {"CRM:1\n"}},
        {"put body key=dos name=Dos", 0, {"CRM:2\n"}},
        {"retract @uno", 0, {"CRM:1 retracted\n"}},
        {"retract CRM:1", 0, {"CRM:1 was retracted before\n"}},
        {"edit @uno name=Tres", 1, {"[retracted]", "@uno", "new record"}},
        {"put body key=uno name=Tres", 1, {"[key-taken]", "CRM:1", "retracted"}},
        {"list body", 0, {"Dos", "!Uno"}},
        {"list body --json", 0, {"Dos", "!Uno"}},
        {"show @uno", 0, {"Uno", "retracted"}},
        {"retract @tres", 1, {"[no-such-record]", "@tres"}},
        {"retract GT:1", 1, {"[unknown-member]", "GT"}},
        {"verify", 0, {"all in order"}},
    };
    fleet_t *fleet = one_node();
    TRY_ALL(fleet, HUB, tries);
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    fleet_start(fleet, HUB);
    try_some(fleet, HUB, &tries[3], 6);
    fleet_destroy(&fleet);
}

// ---- somebody else's ----

static void only_the_owner_changes_a_record(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, HUB, "put coalition key=c name=Coalición"));
    fleet_settle(fleet);
    static const try_t tries[] = {
        {"edit @CRM:c name=N", 1, {"[not-owner]", "CRM", "its owner"}},
        {"edit CRM:1 name=N", 1, {"[not-owner]"}},
        {"retract CRM:1", 1, {"[not-owner]"}},
        {"show @CRM:c", 0, {"Coalición", "CRM:1"}},
        {"show @c", 1, {"[no-such-record]"}},
        {"put membership key=m member=@comite coalition=@CRM:c class=MEMBER",
         1,
         {", member", "[no-such-record]"}},
        {"put committee key=comite country=GT name=Comité", 0, {"GT:1\n"}},
        {"put membership key=m member=@comite coalition=@CRM:c class=MEMBER", 0, {"GT:2\n"}},
        {"put membership member=@comite coalition=@CRM:later", 0, {"GT:3\n"}},
        {"put membership member=@CRM:c coalition=@CRM:c",
         1,
         {", member", "[wrong-kind]", "organisation, committee"}},
        {"show GT:2", 0, {"@CRM:c = CRM:1: Coalición", "@GT:comite = GT:1: Comité"}},
        {"show GT:3", 0, {"@CRM:later (not yet here)"}},
    };
    TRY_ALL(fleet, GT, tries);
    // What was to come has come.
    mem_free(fleet_do(fleet, HUB, "put coalition key=later name=Después"));
    fleet_settle(fleet);
    fleet_settle(fleet);
    static const try_t now = {"show GT:3", 0, {"@CRM:later = CRM:2: Después", "!not yet"}};
    try_one(fleet, GT, &now);
    try_one(fleet, HUB, &now);
    fleet_destroy(&fleet);
}

// ---- list ----

static void list_filters_and_limits(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, HUB,
                      "put organisation key=a name=es:Faro name=en:Lighthouse "
                      "sector=CSO country=CR services=Legal services=Health"));
    mem_free(fleet_do(fleet, HUB, "put organisation key=b name=Puente sector=FAITH country=PA"));
    mem_free(fleet_do(fleet, GT,
                      "put organisation key=c name=Casa sector=CSO country=GT "
                      "source=004"));
    mem_free(fleet_do(fleet, GT, "put meeting key=m title=Plenaria from=2011-03-14"));
    fleet_settle(fleet);
    fleet_settle(fleet);
    static const try_t tries[] = {
        {"list organisation", 0, {"Faro", "Puente", "Casa", "CRM:1", "GT:1"}},
        {"list organisation sector=CSO", 0, {"Faro", "Casa", "!Puente"}},
        {"list organisation sector=CSO --owner CRM", 0, {"Faro", "!Casa", "!Puente"}},
        {"list organisation name=en:Lighthouse", 0, {"Faro", "!Casa"}},
        {"list organisation name=Lighthouse", 0, {"CRM:1", "!GT:1"}},
        {"list organisation services=Health", 0, {"Faro", "!Casa"}},
        {"list organisation services=", 0, {"Puente", "Casa", "!Faro"}},
        {"list organisation source=004", 0, {"Casa", "!Faro"}},
        {"list organisation key=b", 0, {"Puente", "!Casa"}},
        {"list meeting from=2011", 0, {"Plenaria"}},
        {"list meeting from=2011-03", 0, {"Plenaria"}},
        {"list meeting from=2012", 0, {"!Plenaria"}},
        {"list meeting --owner CRM", 0, {"!Plenaria"}},
        {"list thing", 1, {"[unknown-kind]", "thing", "enlace list --help"}},
        {"list thing --csv", 1, {"[unknown-kind]", "thing"}},
        {"list organisation --owner XX", 1, {"[unknown-member]", "XX", "enlace status"}},
        {"list organisation nombre=N", 1, {"[unknown-field]", "nombre"}},
        {"list organisation sector=PIRATES", 1, {"[bad-enum]", "sector"}},
        {"list organisation sector", 1, {"[bad-assignment]"}},
    };
    TRY_ALL(fleet, HUB, tries);
    char *limited = fleet_do(fleet, HUB, "list organisation --json --limit 2");
    assert_int_equal(count_lines(limited), 2);
    mem_free(limited);
    fleet_destroy(&fleet);
}

static void list_prints_tables_objects_and_csv(void **state)
{
    (void)state;
    fleet_t *fleet = one_node();
    char *empty = fleet_do(fleet, HUB, "list body --json");
    assert_string_equal(empty, "");
    mem_free(empty);
    mem_free(fleet_do(fleet, HUB, "put body key=uno 'name=Uno, \"dos\"' contact=C"));
    mem_free(fleet_do(fleet, HUB, "put body key=dos name=Dos"));
    char *csv = fleet_do(fleet, HUB, "list body --csv");
    // RFC 4180: lines end with CR LF, what has commas or quotes stands in quotes.
    char *rest = csv, *head = strsep(&rest, "\n");
    assert_memory_equal(head, "id,node,kind,key,label,state,created_at,changed_at,revision,name,",
                        65);
    assert_int_equal(head[strlen(head) - 1], '\r');
    char *line = strsep(&rest, "\n");
    assert_non_null(strstr(line, "CRM:1,CRM,body,uno,TLP:GREEN,"));
    assert_non_null(strstr(line, ",\"Uno, \"\"dos\"\"\",C,"));
    assert_non_null(strsep(&rest, "\n"));
    assert_null(rest);
    mem_free(csv);
    char *lines = fleet_do(fleet, HUB, "list body --json");
    json_t *object = json_loads(lines, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(object);
    expect_at(object, "id", "CRM:1");
    expect_at(object, "kind", "body");
    expect_at(object, "key", "uno");
    expect_at(object, "name.es", "Uno, \"dos\"");
    char *created = json_at(object, "created_at");
    assert_int_equal(strlen(created), strlen("2026-01-01T00:00:00.000Z"));
    mem_free(created);
    json_decref(object);
    mem_free(lines);
    fleet_destroy(&fleet);
}

// Off a terminal nothing is cut, whatever COLUMNS says, and there is no colour.
static void off_a_terminal_nothing_is_cut(void **state)
{
    (void)state;
    char name[1201] = "";
    for (size_t i = 0; i + 10 <= 1200; i += 10)
        memcpy(name + i, "camión ni", 10);
    name[1200] = '\0';
    fleet_t *fleet = one_node();
    mem_free(
        fleet_do(fleet, HUB, "put body key=largo 'name=%s' 'note=%s' label=TLP:RED", name, name));
    static const char *const commands[] = {"list body", "show @largo", "tail --since 0"};
    for (size_t i = 0; i < 3; i++) {
        result_t result = fleet_shell(fleet,
                                      "COLUMNS=40 TERM=xterm LC_ALL=C timeout %d $BIN/enlace --dir "
                                      "$FLEET/CRM %s | head -n %d",
                                      i == 2 ? 60 : 600, commands[i], i == 2 ? 2 : 1000);
        assert_int_equal(result.status, 0);
        if (!strstr(result.out, name))
            fail_msg("%s cuts: %s", commands[i], result.out);
        assert_null(strchr(result.out, '\033'));
        result_clear(&result);
    }
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_prints_the_id_and_nothing_else),
        cmocka_unit_test(a_text_is_in_the_language_given_or_the_node_s),
        cmocka_unit_test(every_type_of_value_can_be_written),
        cmocka_unit_test(an_object_is_put_from_a_file_or_standard_input),
        cmocka_unit_test(edit_changes_what_it_names_and_nothing_else),
        cmocka_unit_test(history_shows_every_revision),
        cmocka_unit_test(what_is_retracted_stays_so),
        cmocka_unit_test(only_the_owner_changes_a_record),
        cmocka_unit_test(list_filters_and_limits),
        cmocka_unit_test(list_prints_tables_objects_and_csv),
        cmocka_unit_test(off_a_terminal_nothing_is_cut),
    };
    return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
