#include "tests/unit/record_helpers.h"

#include "lib/assign.h"

// Assigns "field=value" arguments, as a command line has them.
static err_t assign(record_t *record, const char *const *arguments, size_t count, fault_t *fault)
{
    assignment_t assignments[8];
    char *fields[8] = {NULL}, *values[8] = {NULL};
    err_t err = ERR_OK;
    assert_true(count <= 8);
    *fault = (fault_t){0};
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        bool json = false;
        err = assignment_parse(arguments[i], &fields[i], &values[i], &json, fault);
        assignments[i] = (assignment_t){fields[i], values[i], json};
    }
    if (err == ERR_OK)
        err = record_assign(record, assignments, count, &reading_cr, fault);
    for (size_t i = 0; i < count; i++) {
        mem_free(fields[i]);
        mem_free(values[i]);
    }
    return err;
}

static size_t arguments_in(const char *const *arguments)
{
    size_t count = 0;
    while (count < 8 && arguments[count])
        count++;
    return count;
}

static void test_splitting(void **state)
{
    static const struct {
        const char *argument, *field, *value;
        bool json;
    } cases[] = {
        {"acronym=OIM", "acronym", "OIM", false},
        {"acronym=", "acronym", "", false},
        {"acronym=a=b:=c", "acronym", "a=b:=c", false},
        {"hosts:=[\"a\"]", "hosts", "[\"a\"]", true},
        {"hosts:=", "hosts", "", true},
        {"name=es:=", "name", "es:=", false},
        {"budget.currency=EUR", "budget.currency", "EUR", false},
        {"participants.1.name=UE", "participants.1.name", "UE", false},
        {"name=es:a\nb", "name", "es:a\nb", false},
    };
    static const char *const bad[] = {"",       "acronym",          "=x",    ":=x",
                                      "Name=x", "na me=x",          "n-a=x", "a:b=x",
                                      " a=x",   "nombre\xc3\xb1=x", "a::=x"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *field = NULL, *value = NULL;
        bool json = false;
        fault_t fault = {0};
        assert_err_name(assignment_parse(cases[i].argument, &field, &value, &json, &fault), ERR_OK,
                        cases[i].argument);
        assert_string_equal(field, cases[i].field);
        assert_string_equal(value, cases[i].value);
        assert_int_equal(json, cases[i].json);
        mem_free(field);
        mem_free(value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *field = NULL, *value = NULL;
        bool json = false;
        fault_t fault = {0};
        assert_err_name(assignment_parse(bad[i], &field, &value, &json, &fault), ERR_BAD_ASSIGNMENT,
                        bad[i]);
        assert_null(field);
        assert_null(value);
    }
}

static const struct {
    const char *before;
    const char *arguments[8];
    const char *after;
} assigned[] = {
    // texts
    {"{'kind':'body'}", {"name=OCAM"}, "{'kind':'body','name':{'es':'OCAM'}}"},
    {"{'kind':'body'}", {"name=es:S", "name=en:E"}, "{'kind':'body','name':{'en':'E','es':'S'}}"},
    {"{'kind':'body','name':{'en':'E','es':'S'}}",
     {"name=es:Otro"},
     "{'kind':'body','name':{'en':'E','es':'Otro'}}"},
    {"{'kind':'body','name':{'en':'E','es':'S'}}",
     {"name=pt-BR:P"},
     "{'kind':'body','name':{'en':'E','es':'S','pt-BR':'P'}}"},
    {"{'kind':'body','name':{'en':'E','es':'S'}}",
     {"name=es:"},
     "{'kind':'body','name':{'en':'E'}}"},
    {"{'kind':'body','contact':'x','name':{'es':'S'}}",
     {"name=es:"},
     "{'kind':'body','contact':'x'}"},
    {"{'kind':'body','contact':'x'}", {"name=es:"}, "{'kind':'body','contact':'x'}"},
    {"{'kind':'body','name':{'en':'E'},'contact':'x'}", {"name="}, "{'kind':'body','contact':'x'}"},
    {"{'kind':'body','name':{'en':'E'}}",
     {"name=", "name=es:S"},
     "{'kind':'body','name':{'es':'S'}}"},
    {"{'kind':'body'}", {"name=Nota: sigue"}, "{'kind':'body','name':{'es':'Nota: sigue'}}"},
    {"{'kind':'body'}", {"name=es: uno: dos"}, "{'kind':'body','name':{'es':' uno: dos'}}"},
    {"{'kind':'body','name':{'en':'E'}}",
     {"name:={\"pt\":\"P\"}"},
     "{'kind':'body','name':{'pt':'P'}}"},
    // scalars, of the record too
    {"{'kind':'body','contact':'x'}",
     {"key=k-1", "label=TLP:RED", "source=004", "example=true", "review_on=2030"},
     "{'kind':'body','contact':'x','key':'k-1','label':'TLP:RED','source':'004',"
     "'example':true,'review_on':'2030'}"},
    {"{'kind':'coalition','binding':true}",
     {"binding=false"},
     "{'kind':'coalition','binding':false}"},
    {"{'kind':'coalition','binding':true,'place':'x'}",
     {"binding="},
     "{'kind':'coalition','place':'x'}"},
    {"{'kind':'meeting','ordinal':1}",
     {"ordinal=2", "type=PLENARY", "from=2018-04-05"},
     "{'kind':'meeting','ordinal':2,'type':'PLENARY','from':'2018-04-05'}"},
    {"{'kind':'meeting','from':'2018-04-05'}", {"from=2019"}, "{'kind':'meeting','from':'2019'}"},
    {"{'kind':'body','contact':'old'}", {"contact=a=b"}, "{'kind':'body','contact':'a=b'}"},
    {"{'kind':'body','contact':'old'}", {"contact:=\"\""}, "{'kind':'body','contact':''}"},
    // references, codes, money
    {"{'kind':'membership','member':'@CR:a'}",
     {"member=@b", "coalition=CRM:4"},
     "{'kind':'membership','member':'@CR:b','coalition':'CRM:4'}"},
    {"{'kind':'project','status':{'scheme':'x','version':'1','code':'9'}}",
     {"status=2"},
     "{'kind':'project','status':'2'}"},
    {"{'kind':'project','status':'2'}",
     {"status.version=2.03", "status.code=3"},
     "{'kind':'project','status':{'scheme':'iati-activity-status','version':'2.03',"
     "'code':'3'}}"},
    {"{'kind':'project'}",
     {"budget.currency=EUR", "budget.amount_minor=-5"},
     "{'kind':'project','budget':{'currency':'EUR','amount_minor':-5}}"},
    {"{'kind':'project','budget':{'currency':'EUR','amount_minor':7}}",
     {"budget.currency=USD"},
     "{'kind':'project','budget':{'currency':'USD','amount_minor':7}}"},
    {"{'kind':'project','acronym':'x','budget':{'currency':'EUR','amount_minor':7}}",
     {"budget="},
     "{'kind':'project','acronym':'x'}"},
    {"{'kind':'project','acronym':'x'}", {"budget.currency="}, "{'kind':'project','acronym':'x'}"},
    {"{'kind':'project'}",
     {"budget:={\"amount_minor\":1}", "budget.currency=EUR"},
     "{'kind':'project','budget':{'currency':'EUR','amount_minor':1}}"},
    // lists
    {"{'kind':'meeting','hosts':['x','y']}", {"hosts=A"}, "{'kind':'meeting','hosts':['A']}"},
    {"{'kind':'meeting','hosts':['x','y']}",
     {"hosts=A", "ordinal=1", "hosts=B"},
     "{'kind':'meeting','hosts':['A','B'],'ordinal':1}"},
    {"{'kind':'meeting','hosts':['x']}",
     {"hosts:=[\"A\",\"B\"]"},
     "{'kind':'meeting','hosts':['A','B']}"},
    {"{'kind':'meeting','hosts':['x'],'ordinal':1}", {"hosts="}, "{'kind':'meeting','ordinal':1}"},
    {"{'kind':'meeting','hosts':['x','y']}",
     {"hosts.2=z", "hosts.3=w"},
     "{'kind':'meeting','hosts':['x','z','w']}"},
    {"{'kind':'meeting','hosts':['x','y','z']}",
     {"hosts.2="},
     "{'kind':'meeting','hosts':['x','z']}"},
    {"{'kind':'meeting','hosts':['x'],'ordinal':1}",
     {"hosts.1="},
     "{'kind':'meeting','ordinal':1}"},
    {"{'kind':'meeting'}",
     {"agenda=uno", "agenda=en:two"},
     "{'kind':'meeting','agenda':[{'es':'uno'},{'en':'two'}]}"},
    {"{'kind':'meeting'}",
     {"agenda.1=uno", "agenda.1=en:one", "agenda.2=dos"},
     "{'kind':'meeting','agenda':[{'en':'one','es':'uno'},{'es':'dos'}]}"},
    {"{'kind':'meeting','agenda':[{'en':'one','es':'uno'},{'es':'dos'}]}",
     {"agenda.1=es:"},
     "{'kind':'meeting','agenda':[{'en':'one'},{'es':'dos'}]}"},
    {"{'kind':'meeting','agenda':[{'en':'one'},{'es':'dos'}]}",
     {"agenda.1=en:"},
     "{'kind':'meeting','agenda':[{'es':'dos'}]}"},
    {"{'kind':'training'}",
     {"professions=JUDGE", "professions=POLICE"},
     "{'kind':'training','professions':['JUDGE','POLICE']}"},
    {"{'kind':'organisation'}",
     {"services=Legal", "services.2=Health"},
     "{'kind':'organisation','services':['Legal','Health']}"},
    {"{'kind':'agreement'}",
     {"responsible=@a", "responsible=GT:7"},
     "{'kind':'agreement','responsible':['@CR:a','GT:7']}"},
    // entries with fields of their own
    {"{'kind':'project'}",
     {"participants.1.name=UE", "participants.1.role=1", "participants.2.name=OIM"},
     "{'kind':'project','participants':[{'name':'UE','role':'1'},{'name':'OIM'}]}"},
    {"{'kind':'project','participants':[{'name':'UE','role':'1'}]}",
     {"participants.1.role="},
     "{'kind':'project','participants':[{'name':'UE'}]}"},
    {"{'kind':'project','participants':[{'name':'UE'},{'name':'OIM'}]}",
     {"participants.1="},
     "{'kind':'project','participants':[{'name':'OIM'}]}"},
    {"{'kind':'project','participants':[{'name':'UE','role':'1'}]}",
     {"participants.1:={\"name\":\"ONU\"}", "participants.2:={\"role\":\"4\"}"},
     "{'kind':'project','participants':[{'name':'ONU'},{'role':'4'}]}"},
    {"{'kind':'project'}",
     {"participants.1.role.scheme=x", "participants.1.role.code=y"},
     "{'kind':'project','participants':[{'role':{'scheme':'x','code':'y'}}]}"},
    {"{'kind':'meeting','attendance':[{'organisation':'@CR:a','head_count':3}]}",
     {"attendance.1.head_count=0"},
     "{'kind':'meeting','attendance':[{'organisation':'@CR:a','head_count':0}]}"},
    // what this version does not know stays
    {"{'kind':'body','contact':'x','_unknown':[{'tag':100,'wire':2,'data':'aGk='}]}",
     {"contact=y"},
     "{'kind':'body','contact':'y','_unknown':[{'tag':100,'wire':2,'data':'aGk='}]}"},
    {"{'kind':'project','budget':{'currency':'EUR','_unknown':[{'tag':9,'wire':0,'data':'AQ=='}"
     "]}}",
     {"budget.amount_minor=1"},
     "{'kind':'project','budget':{'currency':'EUR','amount_minor':1,"
     "'_unknown':[{'tag':9,'wire':0,'data':'AQ=='}]}}"},
};

static void test_assigning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof assigned / sizeof *assigned; i++) {
        record_t *record = good_record(assigned[i].before);
        fault_t fault;
        err_t err =
            assign(record, assigned[i].arguments, arguments_in(assigned[i].arguments), &fault);
        if (err != ERR_OK)
            fail_msg("%s: %s at %s (%s)", assigned[i].arguments[0], err_name(err), fault.where,
                     fault.detail);
        assert_json(record, assigned[i].after);
        record_destroy(&record);
    }
}

static const struct {
    const char *before;
    const char *arguments[8];
    err_t err;
    const char *where;
} refused[] = {
    {"{'kind':'body'}", {"colour=red"}, ERR_UNKNOWN_FIELD, "colour"},
    {"{'kind':'body'}", {"kind=coalition"}, ERR_KIND_FIXED, "kind"},
    {"{'kind':'body'}", {"id=CR:4"}, ERR_UNKNOWN_FIELD, "id"},
    {"{'kind':'body'}", {"body=x"}, ERR_UNKNOWN_FIELD, "body"},
    {"{'kind':'body'}", {"body.name=x"}, ERR_UNKNOWN_FIELD, "body"},
    {"{'kind':'body'}", {"name.es=x"}, ERR_UNKNOWN_FIELD, "name.es"},
    {"{'kind':'body'}", {"name.entries.1.lang=x"}, ERR_UNKNOWN_FIELD, "name.entries"},
    {"{'kind':'body'}", {"review_on.year=2018"}, ERR_UNKNOWN_FIELD, "review_on.year"},
    {"{'kind':'membership'}", {"member.key=x"}, ERR_UNKNOWN_FIELD, "member.key"},
    {"{'kind':'body'}", {"contact.x=y"}, ERR_UNKNOWN_FIELD, "contact"},
    {"{'kind':'body'}", {"contact.1=y"}, ERR_UNKNOWN_FIELD, "contact"},
    {"{'kind':'body'}", {"name.1=y"}, ERR_UNKNOWN_FIELD, "name"},
    {"{'kind':'body'}", {".=y"}, ERR_UNKNOWN_FIELD, "."},
    {"{'kind':'body'}", {"name.=y"}, ERR_UNKNOWN_FIELD, "name."},
    {"{'kind':'body'}", {"1=y"}, ERR_UNKNOWN_FIELD, "1"},
    {"{'kind':'meeting'}", {"hosts.0=y"}, ERR_UNKNOWN_FIELD, "hosts.0"},
    {"{'kind':'meeting'}", {"hosts.01=y"}, ERR_UNKNOWN_FIELD, "hosts.01"},
    {"{'kind':'meeting'}", {"hosts.1.1=y"}, ERR_UNKNOWN_FIELD, "hosts.1.1"},
    {"{'kind':'meeting'}", {"hosts.1x=y"}, ERR_UNKNOWN_FIELD, "hosts.1x"},
    {"{'kind':'meeting'}", {"hosts.2=y"}, ERR_BAD_VALUE, "hosts"},
    {"{'kind':'meeting','hosts':['a']}", {"hosts.2="}, ERR_BAD_VALUE, "hosts"},
    {"{'kind':'meeting'}", {"hosts.1001=y"}, ERR_TOO_MANY, "hosts"},
    {"{'kind':'meeting'}", {"hosts.99999999999999999999999999=y"}, ERR_TOO_MANY, "hosts"},
    {"{'kind':'meeting'}", {"attendance.head_count=1"}, ERR_BAD_ASSIGNMENT, "attendance"},
    {"{'kind':'meeting'}", {"attendance.2.head_count=1"}, ERR_BAD_VALUE, "attendance"},
    {"{'kind':'meeting'}", {"attendance.1.head_count="}, ERR_BAD_VALUE, "attendance"},
    {"{'kind':'meeting'}", {"attendance=x"}, ERR_WRONG_TYPE, "attendance"},
    {"{'kind':'meeting'}", {"attendance.1=x"}, ERR_WRONG_TYPE, "attendance.1"},
    {"{'kind':'meeting'}", {"a.b.c.d.e.f.g.h.i.j.k=x"}, ERR_UNKNOWN_FIELD, "a.b.c.d.e.f.g.h.i.j.k"},
    {"{'kind':'meeting'}", {"ordinal=two"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=2.0"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=+2"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=02"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal= 2"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=-"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=-0"}, ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=-1"}, ERR_NUMBER_RANGE, "ordinal"},
    {"{'kind':'meeting'}", {"ordinal=4294967296"}, ERR_NUMBER_RANGE, "ordinal"},
    {"{'kind':'document'}", {"size=9007199254740992"}, ERR_NUMBER_RANGE, "size"},
    {"{'kind':'document'}", {"size=99999999999999999999999"}, ERR_NUMBER_RANGE, "size"},
    {"{'kind':'project'}",
     {"budget.amount_minor=-9007199254740992"},
     ERR_NUMBER_RANGE,
     "budget.amount_minor"},
    {"{'kind':'project'}", {"budget=11 EUR"}, ERR_BAD_MONEY, "budget"},
    {"{'kind':'coalition'}", {"binding=yes"}, ERR_WRONG_TYPE, "binding"},
    {"{'kind':'coalition'}", {"binding=TRUE"}, ERR_WRONG_TYPE, "binding"},
    {"{'kind':'membership'}", {"class=member"}, ERR_BAD_ENUM, "class"},
    {"{'kind':'membership'}", {"class=1"}, ERR_BAD_ENUM, "class"},
    {"{'kind':'membership'}", {"from=05/04/2018"}, ERR_BAD_DATE, "from"},
    {"{'kind':'membership'}", {"member=comite"}, ERR_BAD_REF, "member"},
    {"{'kind':'body'}", {"name=es-co:x"}, ERR_BAD_LANGUAGE, "name"},
    {"{'kind':'body'}", {"name=es-co:"}, ERR_BAD_LANGUAGE, "name"},
    {"{'kind':'body'}", {"contact=\xff"}, ERR_BAD_UTF8, "contact"},
    {"{'kind':'body'}", {"name=es:\xed\xa0\x80"}, ERR_BAD_UTF8, "name"},
    {"{'kind':'body'}", {"name:={\"es\":7}"}, ERR_WRONG_TYPE, "name.es"},
    {"{'kind':'body'}", {"name:={\"es\":1,\"es\":2}"}, ERR_DUPLICATE_NAME, "name"},
    {"{'kind':'body'}", {"name:="}, ERR_BAD_JSON, "name"},
    {"{'kind':'body'}", {"name:=null"}, ERR_WRONG_TYPE, "name"},
    {"{'kind':'meeting'}", {"hosts:=\"a\""}, ERR_WRONG_TYPE, "hosts"},
    {"{'kind':'meeting'}", {"hosts.1:=7"}, ERR_WRONG_TYPE, "hosts.1"},
    {"{'kind':'meeting'}",
     {"attendance:=[{\"head_count\":-1}]"},
     ERR_NUMBER_RANGE,
     "attendance.1.head_count"},
    // nothing given is silently replaced by what is given later
    {"{'kind':'body'}", {"contact=a", "contact=b"}, ERR_DUPLICATE_FIELD, "contact"},
    {"{'kind':'body'}", {"name=a", "name=es:b"}, ERR_DUPLICATE_FIELD, "name"},
    {"{'kind':'body'}", {"name=en:a", "name:={\"es\":\"b\"}"}, ERR_DUPLICATE_FIELD, "name"},
    {"{'kind':'meeting'}", {"hosts:=[\"a\"]", "hosts=b"}, ERR_DUPLICATE_FIELD, "hosts"},
    {"{'kind':'meeting'}", {"hosts=a", "hosts:=[\"b\"]"}, ERR_DUPLICATE_FIELD, "hosts"},
    {"{'kind':'meeting'}", {"hosts.1=a", "hosts=b"}, ERR_DUPLICATE_FIELD, "hosts"},
    {"{'kind':'meeting'}", {"hosts.1=a", "hosts.1=b"}, ERR_DUPLICATE_FIELD, "hosts.1"},
    {"{'kind':'project'}",
     {"budget.currency=EUR", "budget:={\"amount_minor\":1}"},
     ERR_DUPLICATE_FIELD,
     "budget"},
};

static void test_refused_assignments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        record_t *record = good_record(refused[i].before);
        fault_t fault;
        err_t err =
            assign(record, refused[i].arguments, arguments_in(refused[i].arguments), &fault);
        assert_err_name(err, refused[i].err, refused[i].arguments[0]);
        if (strcmp(fault.where, refused[i].where) != 0)
            fail_msg("%s: at %s instead of %s", refused[i].arguments[0], fault.where,
                     refused[i].where);
        record_destroy(&record);
    }
}

static void test_a_list_ends_at_its_bound(void **state)
{
    record_t *record = good_record("{'kind':'meeting'}");
    fault_t fault = {0};
    (void)state;
    assignment_t *all = mem_alloc_array(RECORD_LIST_MAX + 1, sizeof *all);
    for (size_t i = 0; i <= RECORD_LIST_MAX; i++)
        all[i] = (assignment_t){"hosts", "h", false};
    assert_int_equal(record_assign(record, all, RECORD_LIST_MAX, &reading_cr, &fault), ERR_OK);
    assert_int_equal(((Enlace__V1__Meeting *)record_body(record))->n_hosts, RECORD_LIST_MAX);
    assert_int_equal(record_assign(record, all, RECORD_LIST_MAX + 1, &reading_cr, &fault),
                     ERR_TOO_MANY);
    mem_free(all);
    record_destroy(&record);
}

static void test_no_language_of_ones_own(void **state)
{
    static const json_reading_t nobody = {.own = "CR"};
    record_t *record = good_record("{'kind':'body'}");
    assignment_t bare = {"name", "OCAM", false}, tagged = {"name", "en:OCAM", false};
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_assign(record, &bare, 1, &nobody, &fault), ERR_BAD_LANGUAGE);
    assert_int_equal(record_assign(record, &tagged, 1, &nobody, &fault), ERR_OK);
    record_destroy(&record);
}

// What was decoded, rather than built here, can be changed and freed as well.
static void test_editing_what_was_decoded(void **state)
{
    record_t *built = good_record("{'kind':'meeting','title':{'es':'S','en':'E'},'from':'2018',"
                                  "'hosts':['a','b'],'agenda':[{'es':'x'}],"
                                  "'attendance':[{'organisation':'@a'},{'head_count':2}]}");
    static const char *const arguments[] = {"title=es:",  "from=2019-01",  "hosts.1=c",
                                            "agenda.2=y", "attendance.1=", "key=k"};
    buf_t bytes = record_encode(built);
    record_t *record = NULL;
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_decode(buf_span(&bytes), &record, &fault), ERR_OK);
    assert_int_equal(assign(record, arguments, 6, &fault), ERR_OK);
    assert_json(record, "{'kind':'meeting','key':'k','title':{'en':'E'},'from':'2019-01',"
                        "'hosts':['c','b'],'agenda':[{'es':'x'},{'es':'y'}],"
                        "'attendance':[{'head_count':2}]}");
    record_destroy(&record);
    record_destroy(&built);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitting),
        cmocka_unit_test(test_assigning),
        cmocka_unit_test(test_refused_assignments),
        cmocka_unit_test(test_a_list_ends_at_its_bound),
        cmocka_unit_test(test_no_language_of_ones_own),
        cmocka_unit_test(test_editing_what_was_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
