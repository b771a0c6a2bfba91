// What put refuses, naming where, and the rules by which JSON is read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { HUB };

static fleet_t *one_node(void)
{
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    return fleet;
}

static void what_cannot_be_said_is_refused_naming_where(void **state)
{
    (void)state;
    static const try_t tries[] = {
        {"put thing name=N", 1, {"thing", "[unknown-kind]", "enlace list --help"}},
        {"put body nombre=N", 1, {", nombre", "[unknown-field]"}},
        {"put body name", 1, {"[bad-assignment]", "FIELD=VALUE"}},
        {"put body Name=N", 1, {"[bad-assignment]"}},
        {"put body id=CRM:7 name=N", 1, {"id", "[unknown-field]"}},
        {"put body kind=body name=N", 1, {"kind", "[kind-fixed]"}},
        {"put body key=uno", 1, {"[empty-record]", "at least one field"}},
        {"put body 'key=Con espacio' name=N", 1, {", key", "[bad-value]"}},
        {"put body name=N label=SECRET", 1, {", label", "[bad-label]", "TLP:AMBER+STRICT"}},
        {"put body 'name:={\"spanisch!\":\"N\"}'", 1, {"name", "[bad-language]"}},
        {"put committee lead_sector=PIRATES",
         1,
         {", lead_sector", "[bad-enum]", "FOREIGN_AFFAIRS"}},
        {"put committee lead_sector=UNSPECIFIED", 1, {", lead_sector", "[bad-enum]"}},
        {"put committee lead_sector=SECTOR_POLICE", 1, {", lead_sector", "[bad-enum]"}},
        {"put committee 'sectors:=[\"POLICE\",\"PIRATES\"]'", 1, {"sectors.2", "[bad-enum]"}},
        {"put committee country=Guatemala", 1, {", country", "[bad-country]", "CR"}},
        {"put committee since=ayer", 1, {", since", "[bad-date]", "2018-04-05"}},
        {"put committee since=2018-02-30", 1, {", since", "[bad-date]"}},
        {"put coalition binding=perhaps", 1, {", binding", "[wrong-type]"}},
        {"put meeting ordinal=two", 1, {", ordinal", "[wrong-type]"}},
        {"put meeting ordinal=-1", 1, {", ordinal", "[number-range]"}},
        {"put meeting ordinal=4294967296", 1, {", ordinal", "[number-range]"}},
        {"put document title=N size=9007199254740992", 1, {", size", "[number-range]"}},
        {"put document title=N size=18446744073709551616", 1, {", size", "[number-range]"}},
        {"put project budget.currency=EUR", 1, {", budget", "[bad-money]", "amount_minor"}},
        {"put project budget=11", 1, {", budget", "[bad-money]", "budget.currency"}},
        {"put project budget.currency=EURO budget.amount_minor=1", 1, {"budget", "[bad-money]"}},
        {"put project budget.currency=EUR budget.amount_minor=9007199254740992",
         1,
         {"budget", "[number-range]"}},
        {"put project participants.1.nombre=UE", 1, {"participants.1.nombre", "[unknown-field]"}},
        {"put project participants.2.name=UE", 1, {", participants", "0 entries", "[bad-value]"}},
        {"put project title=N status=99", 1, {", status", "[bad-value]"}},
        {"put agreement text=N meeting=reunion", 1, {", meeting", "[bad-ref]", "@CODE:key"}},
        {"put agreement text=N meeting=@nada", 1, {", meeting", "[no-such-record]"}},
        {"put agreement text=N meeting=@XX:nada", 1, {", meeting", "[unknown-member]", "XX"}},
        {"put agreement text=N meeting=XX:4", 1, {", meeting", "[unknown-member]", "XX"}},
        {"put body acronym=N", 1, {", acronym", "[unknown-field]"}},
        {"put body name=A name=B", 1, {", name", "[duplicate-field]"}},
    };
    fleet_t *fleet = one_node();
    char *before = digest_of(fleet, HUB);
    TRY_ALL(fleet, HUB, tries);
    expect_digest(fleet, HUB, before);
    mem_free(before);
    fleet_destroy(&fleet);
}

typedef struct {
    const char *json;
    const char *says[4]; // none: it is taken
} object_t;

// The rules that the issue gives for JSON, each by an object on standard input.
static void json_is_read_by_its_rules(void **state)
{
    (void)state;
    static const object_t objects[] = {
        {"{\"kind\":\"body\",\"name\":\"N\"", {"[bad-json]", "line 1"}},
        {"[]", {"[wrong-type]"}},
        {"", {"[bad-json]"}},
        {"{\"kind\":\"body\",\"name\":\"A\",\"name\":\"B\"}", {"[duplicate-name]", "name"}},
        {"{\"kind\":\"body\",\"name\":{\"es\":\"A\",\"es\":\"B\"}}", {"[duplicate-name]", "es"}},
        {"{\"kind\":\"body\",\"name\":null}", {"[wrong-type]", ", name"}},
        {"{\"kind\":\"body\",\"name\":5}", {"[wrong-type]", ", name"}},
        {"{\"kind\":\"body\",\"contact\":{}}", {"[wrong-type]", ", contact"}},
        {"{\"kind\":5,\"name\":\"N\"}", {"[wrong-type]", "kind"}},
        {"{\"kind\":\"cosa\",\"name\":\"N\"}", {"[unknown-kind]", "cosa"}},
        {"{\"kind\":\"project\",\"participants\":[{\"naem\":\"UE\"}]}",
         {"[unknown-field]", "participants.1.naem"}},
        {"{\"kind\":\"project\",\"budget\":{\"amount_minor\":1,\"coin\":\"EUR\"}}",
         {"[unknown-field]", "budget.coin"}},
        {"{\"kind\":\"committee\",\"lead_sector\":\"PIRATES\"}", {"[bad-enum]", "lead_sector"}},
        {"{\"kind\":\"committee\",\"sectors\":\"POLICE\"}", {"[wrong-type]", "sectors"}},
        {"{\"kind\":\"document\",\"size\":9007199254740992}", {"[number-range]", "size"}},
        {"{\"kind\":\"document\",\"size\":99999999999999999999}", {"[number-range]"}},
        {"{\"kind\":\"document\",\"size\":1.5}", {"[wrong-type]", "size"}},
        {"{\"kind\":\"document\",\"size\":\"5\"}", {"[wrong-type]", "size"}},
        {"{\"kind\":\"document\",\"size\":9007199254740991}", {NULL}},
        {"{\"kind\":\"project\",\"budget\":{\"amount_minor\":-9007199254740991,"
         "\"currency\":\"EUR\"}}",
         {NULL}},
        {"{\"kind\":\"project\",\"budget\":{\"amount_minor\":-9007199254740992,"
         "\"currency\":\"EUR\"}}",
         {"[number-range]", "budget"}},
        {"{\"kind\":\"coalition\",\"binding\":1}", {"[wrong-type]", "binding"}},
        {"{\"kind\":\"body\",\"name\":\"N\",\"node\":\"GT\"}",
         {"[not-owner]", ", node", "CRM", "owner"}},
        {"{\"kind\":\"body\",\"name\":\"a\\u0000b\"}", {"[nul-in-text]"}},
        {"{\"kind\":\"body\",\"name\":\"\\ud800\"}", {"[bad-"}},
        // unknown fields: a varint of 150, a text "hola"
        {"{\"kind\":\"body\",\"name\":\"N\",\"_unknown\":[{\"tag\":100,\"wire\":0,"
         "\"data\":\"lgE=\"},{\"tag\":101,\"wire\":2,\"data\":\"aG9sYQ==\"}]}",
         {NULL}},
        {"{\"kind\":\"body\",\"name\":\"N\",\"_unknown\":[{\"tag\":100,\"wire\":2,"
         "\"data\":\"no base64!\"}]}",
         {"[bad-value]", "_unknown.1", "base64"}},
        {"{\"kind\":\"body\",\"name\":\"N\",\"_unknown\":[{\"tag\":1,\"wire\":0,"
         "\"data\":\"lgE=\"}]}",
         {"[bad-value]", "_unknown.1", "known"}},
        {"{\"kind\":\"body\",\"name\":\"N\",\"_unknown\":{}}", {"[wrong-type]", "_unknown"}},
    };
    fleet_t *fleet = one_node();
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        bool taken = !objects[i].says[0];
        mem_free(write_text(fleet, "object.json", objects[i].json));
        try_t attempt = {.arguments = "put --file - < $FLEET/object.json", .status = !taken};
        for (size_t k = 0; k < 4; k++)
            attempt.says[k] = objects[i].says[k];
        try_one(fleet, HUB, &attempt);
    }
    char *listed = fleet_do(fleet, HUB, "list document --json");
    assert_non_null(strstr(listed, "\"size\":9007199254740991"));
    mem_free(listed);
    listed = fleet_do(fleet, HUB, "list project --json");
    assert_non_null(strstr(listed, "\"amount_minor\":-9007199254740991"));
    mem_free(listed);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_said_is_refused_naming_where),
        cmocka_unit_test(json_is_read_by_its_rules),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
