#include "tests/unit/record_helpers.h"

#include "lib/assign.h"

// ---- filters ----

#define FULL_MEETING                                                                               \
    "{'kind':'meeting','key':'k','label':'TLP:AMBER','source':'004','title':{'es':'Reunión',"     \
    "'en':'Meeting'},'type':'PLENARY','from':'2018-04-05','to':'2018-04','ordinal':2,"             \
    "'hosts':['UNODC','OIM'],'agenda':[{'es':'uno'},{'en':'two'}],'coalition':'@CRM:c',"           \
    "'minutes':'CR:42','attendance':[{'organisation':'@a','head_count':3},{'head_count':4}]}"

static const struct {
    const char *field, *value;
    bool matches;
} matched[] = {
    {"key", "k", true},
    {"key", "K", false},
    {"label", "TLP:AMBER", true},
    {"label", "TLP:RED", false},
    {"label", "", false},
    {"source", "004", true},
    {"example", "", true},
    {"example", "false", false}, // unset is not false
    {"title", "Reunión", true},
    {"title", "Meeting", true},
    {"title", "en:Meeting", true},
    {"title", "es:Meeting", false},
    {"title", "Meet", false},
    {"title", "", false},
    {"type", "PLENARY", true},
    {"type", "TRAINING", false},
    {"type", "1", false},
    {"from", "2018", true},
    {"from", "2018-04", true},
    {"from", "2018-04-05", true},
    {"from", "2018-04-06", false},
    {"from", "2017", false},
    {"to", "2018", true},
    {"to", "2018-04", true},
    {"to", "2018-04-05", false}, // the month is not within the day
    {"ordinal", "2", true},
    {"ordinal", "20", false},
    {"hosts", "OIM", true},
    {"hosts", "CRM", false},
    {"hosts.1", "OIM", false},
    {"hosts.2", "OIM", true},
    {"hosts.3", "OIM", false},
    {"hosts", "", false},
    {"with", "", true},
    {"agenda", "two", true},
    {"agenda.1", "two", false},
    {"coalition", "@CRM:c", true},
    {"coalition", "@c", false}, // one's own is meant
    {"minutes", "CR:42", true},
    {"minutes", "CR.1:42", true},
    {"minutes", "CR.2:42", false},
    {"attendance.organisation", "@a", true},
    {"attendance.organisation", "@CR:a", true},
    {"attendance.1.head_count", "3", true},
    {"attendance.2.head_count", "3", false},
    {"attendance.head_count", "4", true},
    {"attendance.head_count", "5", false},
    {"place", "", true},
    {"place", "x", false},
};

static void test_matching(void **state)
{
    record_t *record = good_record(FULL_MEETING);
    (void)state;
    for (size_t i = 0; i < sizeof matched / sizeof *matched; i++) {
        bool matches = !matched[i].matches;
        fault_t fault = {0};
        err_t err = record_matches(record, matched[i].field, matched[i].value, &reading_cr,
                                   &matches, &fault);
        assert_err_name(err, ERR_OK, matched[i].field);
        if (matches != matched[i].matches)
            fail_msg("%s=%s: %d", matched[i].field, matched[i].value, matches);
    }
    record_destroy(&record);
}

static void test_matching_codes_money_and_labels(void **state)
{
    record_t *record = good_record("{'kind':'project','status':{'scheme':'x','version':'1',"
                                   "'code':'9'},'budget':{'amount_minor':1100000000,"
                                   "'currency':'EUR'},'participants':[{'role':'4'}]}");
    static const struct {
        const char *field, *value;
        bool matches;
    } cases[] = {
        {"status", "9", true},
        {"status", "2", false},
        {"status.scheme", "x", true},
        {"budget", "11000000.00 EUR", true},
        {"budget", "11000000", false},
        {"budget.currency", "EUR", true},
        {"budget.currency", "USD", false},
        {"budget.amount_minor", "1100000000", true},
        {"participants.role", "4", true},
        {"participants.role.code", "4", true},
        {"label", "TLP:RED", true},
        {"label", "TLP:GREEN", false},
        {"label", "", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool matches = !cases[i].matches;
        fault_t fault = {0};
        assert_err_name(
            record_matches(record, cases[i].field, cases[i].value, &reading_cr, &matches, &fault),
            ERR_OK, cases[i].field);
        if (matches != cases[i].matches)
            fail_msg("%s=%s: %d", cases[i].field, cases[i].value, matches);
    }
    record_destroy(&record);
}

// A filter that can never match is told so, even by a record without the field.
static void test_filters_refused(void **state)
{
    static const struct {
        const char *field, *value;
        err_t err;
    } cases[] = {
        {"colour", "red", ERR_UNKNOWN_FIELD},
        {"colour", "", ERR_UNKNOWN_FIELD},
        {"title.es", "x", ERR_UNKNOWN_FIELD},
        {"attendance.people", "1", ERR_UNKNOWN_FIELD},
        {"", "x", ERR_UNKNOWN_FIELD},
        {"hosts.0", "x", ERR_UNKNOWN_FIELD},
        {"ordinal.1", "x", ERR_UNKNOWN_FIELD},
        {"attendance", "x", ERR_WRONG_TYPE},
        {"type", "PARTY", ERR_BAD_ENUM},
        {"type", "99", ERR_OK}, // how a value of a later version is shown
        {"from", "yesterday", ERR_BAD_DATE},
        {"coalition", "c", ERR_BAD_REF},
        {"ordinal", "two", ERR_WRONG_TYPE},
        {"example", "yes", ERR_WRONG_TYPE},
        {"label", "RED", ERR_BAD_LABEL},
        {"place", "\xff", ERR_BAD_UTF8},
    };
    record_t *record = record_new(kind_by_name("meeting"));
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool matches = true;
        fault_t fault = {0};
        assert_err_name(
            record_matches(record, cases[i].field, cases[i].value, &reading_cr, &matches, &fault),
            cases[i].err, cases[i].field);
        assert_false(matches);
    }
    record_destroy(&record);
}

static void test_matching_a_value_of_a_later_version(void **state)
{
    record_t *record = good_record("{'kind':'membership','class':77}");
    bool matches = false;
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_matches(record, "class", "77", &reading_cr, &matches, &fault), ERR_OK);
    assert_true(matches);
    assert_int_equal(record_matches(record, "class", "MEMBER", &reading_cr, &matches, &fault),
                     ERR_OK);
    assert_false(matches);
    record_destroy(&record);
}

// ---- cells ----

static void test_cells(void **state)
{
    static const struct {
        const char *json, *field, *lang, *cell;
    } cases[] = {
        {FULL_MEETING, "title", "en", "Meeting"},
        {FULL_MEETING, "title", "pt", "Reunión"},
        {FULL_MEETING, "type", "es", "PLENARY"},
        {FULL_MEETING, "from", "es", "2018-04-05"},
        {FULL_MEETING, "ordinal", "es", "2"},
        {FULL_MEETING, "hosts", "es", "UNODC; OIM"},
        {FULL_MEETING, "hosts.2", "es", "OIM"},
        {FULL_MEETING, "agenda", "es", "uno; two"},
        {FULL_MEETING, "coalition", "es", "@CRM:c"},
        {FULL_MEETING, "attendance", "es", "@CR:a, 3; 4"},
        {FULL_MEETING, "attendance.head_count", "es", "3; 4"},
        {FULL_MEETING, "label", "es", "TLP:AMBER"},
        {FULL_MEETING, "place", "es", ""},
        {FULL_MEETING, "colour", "es", ""},
        {FULL_MEETING, "", "es", ""},
        {"{'kind':'coalition','binding':false}", "binding", "es", "false"},
        {"{'kind':'membership','class':77}", "class", "es", "77"},
        {"{'kind':'project','status':{'scheme':'x','code':'9'}}", "status", "es", "9"},
        {"{'kind':'project','budget':{'amount_minor':1100000000,'currency':'EUR'}}", "budget", "es",
         "11000000.00 EUR"},
        {"{'kind':'project','budget':{'amount_minor':-105,'currency':'EUR'}}", "budget", "es",
         "-1.05 EUR"},
        {"{'kind':'project','budget':{'amount_minor':-5,'currency':'KWD'}}", "budget", "es",
         "-0.005 KWD"},
        {"{'kind':'project','budget':{'amount_minor':5000,'currency':'CLP'}}", "budget", "es",
         "5000 CLP"},
        {"{'kind':'project','budget':{'amount_minor':5000}}", "budget", "es", "5000"},
        {"{'kind':'project','budget':{'currency':'CLP'}}", "budget", "es", "CLP"},
        {"{'kind':'project','budget':{'amount_minor':'-9223372036854775808','currency':'EUR'}}",
         "budget", "es", "-92233720368547758.08 EUR"},
        {"{'kind':'document','size':'18446744073709551615'}", "size", "es", "18446744073709551615"},
        {"{'kind':'membership','from':{'year':2018,'month':13}}", "from", "es", ""},
        {"{'kind':'membership','member':{'owner':'CR'}}", "member", "es", ""},
        {"{'kind':'project','participants':[{'name':'UE','role':'1'},{'role':'4'},{}]}",
         "participants", "es", "UE, 1; 4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        record_t *record = good_record(cases[i].json);
        char *cell = record_cell(record, cases[i].field, cases[i].lang);
        assert_string_equal(cell, cases[i].cell);
        mem_free(cell);
        record_destroy(&record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_matching_codes_money_and_labels),
        cmocka_unit_test(test_filters_refused),
        cmocka_unit_test(test_matching_a_value_of_a_later_version),
        cmocka_unit_test(test_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
