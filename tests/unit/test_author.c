// What an author lets through, what it makes of it, and why it refuses the rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/control/author.h"
#include "house.h"
#include "lib/mem.h"

typedef struct {
    house_t house;
    authored_t authored;
    fault_t fault;
} scene_t;

static int set_up(void **state)
{
    scene_t *scene = mem_alloc(sizeof *scene);
    house_open(&scene->house);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_t *scene = *state;
    authored_clear(&scene->authored);
    house_close(&scene->house);
    mem_free(scene);
    return 0;
}

// ---- asking the author ----

enum { GIVEN_MAX = 8 };

typedef struct {
    Enlace__V1__Assignment items[GIVEN_MAX];
    Enlace__V1__Assignment *list[GIVEN_MAX];
    char *texts[GIVEN_MAX];
    size_t count;
} given_t;

// "name=es:X", "budget:={...}" with ' for ".
static void give(given_t *given, const char *const *arguments, bool quotes)
{
    for (given->count = 0; arguments[given->count]; given->count++) {
        size_t i = given->count;
        char *text = given->texts[i] = mem_copy_string(arguments[i]);
        for (char *at = text; quotes && (at = strchr(at, '\''));)
            *at = '"';
        char *sign = strchr(text, '=');
        enlace__v1__assignment__init(&given->items[i]);
        given->items[i].has_json = given->items[i].json = sign > text && sign[-1] == ':';
        sign[given->items[i].json ? -1 : 0] = '\0';
        given->items[i].field = text;
        given->items[i].value = sign + 1;
        given->list[i] = &given->items[i];
    }
}

static void give_back(given_t *given)
{
    for (size_t i = 0; i < given->count; i++)
        mem_free(given->texts[i]);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static err_t put(scene_t *scene, const char *kind, const char *const *arguments)
{
    author_t author = house_author(&scene->house);
    Enlace__V1__Put request = ENLACE__V1__PUT__INIT;
    given_t given;
    give(&given, arguments, true);
    request.kind = (char *)kind;
    request.n_assignments = given.count;
    request.assignments = given.list;
    authored_clear(&scene->authored);
    scene->fault = (fault_t){0};
    err_t err = author_put(&author, &request, &scene->authored, &scene->fault);
    give_back(&given);
    return err;
}

static err_t put_json(scene_t *scene, const char *kind, const char *json)
{
    author_t author = house_author(&scene->house);
    Enlace__V1__Put request = ENLACE__V1__PUT__INIT;
    char *text = mem_copy_string(json);
    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    request.kind = (char *)kind;
    request.json = text;
    authored_clear(&scene->authored);
    scene->fault = (fault_t){0};
    err_t err = author_put(&author, &request, &scene->authored, &scene->fault);
    mem_free(text);
    return err;
}

static err_t edit_at(scene_t *scene, const char *id, uint64_t if_revision,
                     const char *const *arguments)
{
    author_t author = house_author(&scene->house);
    Enlace__V1__Edit request = ENLACE__V1__EDIT__INIT;
    given_t given;
    give(&given, arguments, true);
    request.id = (char *)id;
    request.n_assignments = given.count;
    request.assignments = given.list;
    request.has_if_revision = if_revision > 0;
    request.if_revision = if_revision;
    authored_clear(&scene->authored);
    scene->fault = (fault_t){0};
    err_t err = author_edit(&author, &request, &scene->authored, &scene->fault);
    give_back(&given);
    return err;
}

static err_t edit(scene_t *scene, const char *id, const char *const *arguments)
{
    return edit_at(scene, id, 0, arguments);
}

static err_t retract(scene_t *scene, const char *id)
{
    author_t author = house_author(&scene->house);
    Enlace__V1__Retract request = ENLACE__V1__RETRACT__INIT;
    request.id = (char *)id;
    authored_clear(&scene->authored);
    scene->fault = (fault_t){0};
    return author_retract(&author, &request, &scene->authored, &scene->fault);
}

static void expect_at(const scene_t *scene, err_t got, err_t want, const char *where, int line)
{
    if (got != want || strcmp(scene->fault.where, where) != 0)
        fail_msg("line %d: %s at '%s' (%s) instead of %s at '%s'", line, err_name(got),
                 scene->fault.where, scene->fault.detail, err_name(want), where);
}
#define EXPECT(scene, got, want, where) expect_at(scene, got, want, where, __LINE__)

// What the author made is appended as this node's own.
static uint64_t write_it(scene_t *scene)
{
    uint64_t number = house_append(&scene->house, HOUSE_CR, &scene->authored.draft, 1);
    house_commit(&scene->house);
    return number;
}

static record_t *made(const scene_t *scene)
{
    record_t *record = NULL;
    assert_int_equal(record_decode(scene->authored.draft.body, &record, NULL), ERR_OK);
    return record;
}

// ---- put ----

static void a_put_becomes_a_change(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene,
           put(scene, "committee",
               ARGUMENTS("key=comite", "country=CR", "name=Comité", "name=en:Committee",
                         "lead_sector=POLICE")),
           ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_CREATE);
    assert_int_equal(scene->authored.revision, 1);
    assert_int_equal(scene->authored.draft.type, CHANGE_RECORD);
    assert_false(scene->authored.draft.has_target);
    assert_int_equal(scene->authored.draft.min_reader, 1);
    record_t *record = made(scene);
    assert_string_equal(record->key, "comite");
    assert_string_equal(record->label, "TLP:GREEN"); // institutional records, domain.md section 4
    assert_string_equal(record->committee->country, "CR");
    assert_int_equal(record->committee->lead_sector, ENLACE__V1__SECTOR__SECTOR_POLICE);
    assert_int_equal(record->committee->name->n_entries, 2);
    assert_string_equal(record->committee->name->entries[0]->lang, "en");
    assert_string_equal(record->committee->name->entries[1]->lang, "es"); // the node's language
    assert_string_equal(record->committee->name->entries[1]->text, "Comité");
    record_destroy(&record);
}

static void a_label_that_is_given_stays(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, put(scene, "body", ARGUMENTS("name=OCAM", "label=TLP:AMBER+STRICT")), ERR_OK, "");
    record_t *record = made(scene);
    assert_string_equal(record->label, "TLP:AMBER+STRICT");
    record_destroy(&record);
    EXPECT(scene, put(scene, "body", ARGUMENTS("name=OCAM", "label=TLP:PURPLE")), ERR_BAD_LABEL,
           "label");
}

static void an_object_is_put_too(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, put_json(scene, NULL, "{'kind':'body','key':'ocam','name':{'es':'OCAM'}}"),
           ERR_OK, "");
    EXPECT(scene, put_json(scene, "body", "{'kind':'body','node':'CR','name':'OCAM'}"), ERR_OK, "");
    // What `show --json` prints can be put back.
    EXPECT(scene,
           put_json(scene, NULL,
                    "{'id':'CR:9','node':'CR','kind':'body','state':'standing',"
                    "'created_at':'2024-01-01T00:00:00Z','revision':3,'name':'OCAM'}"),
           ERR_OK, "");
    EXPECT(scene, put_json(scene, NULL, "{'kind':'body','node':'GT','name':'OCAM'}"), ERR_NOT_OWNER,
           "node");
    EXPECT(scene, put_json(scene, NULL, "{'kind':'body','node':7,'name':'OCAM'}"), ERR_WRONG_TYPE,
           "node");
    EXPECT(scene, put_json(scene, "project", "{'kind':'body','name':'OCAM'}"), ERR_BAD_VALUE,
           "kind");
}

static void bad_content_is_refused_by_field(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, put(scene, NULL, ARGUMENTS("name=X")), ERR_MISSING_FIELD, "kind");
    EXPECT(scene, put(scene, "comittee", ARGUMENTS("name=X")), ERR_UNKNOWN_KIND, "comittee");
    EXPECT(scene, put(scene, "committee", ARGUMENTS("nmae=X")), ERR_UNKNOWN_FIELD, "nmae");
    EXPECT(scene, put(scene, "committee", ARGUMENTS("lead_sector=POLIC")), ERR_BAD_ENUM,
           "lead_sector");
    EXPECT(scene, put(scene, "committee", ARGUMENTS("since=2018-13")), ERR_BAD_DATE, "since");
    EXPECT(scene, put(scene, "committee", ARGUMENTS("country=Costa Rica", "name=X")),
           ERR_BAD_COUNTRY, "country");
    EXPECT(scene, put(scene, "committee", ARGUMENTS("key=a")), ERR_EMPTY_RECORD, "");
    EXPECT(scene, put(scene, "committee", ARGUMENTS("key=Grande", "name=X")), ERR_BAD_VALUE, "key");
    EXPECT(scene, put_json(scene, NULL, "{'kind':'committee',"), ERR_BAD_JSON, scene->fault.where);
    EXPECT(scene, put_json(scene, NULL, "{'kind':'alert','narrative':'X'}"), ERR_UNKNOWN_KIND,
           scene->fault.where);
    EXPECT(scene, put_json(scene, NULL, "{'kind':'committee','colour':'red'}"), ERR_UNKNOWN_FIELD,
           "colour");
}

static void a_record_has_a_size(void **state)
{
    scene_t *scene = *state;
    char text[16000 + 16] = "note=es:";
    memset(text + 8, 'x', 16000);
    EXPECT(scene, put(scene, "body", ARGUMENTS("name=X", text)), ERR_OK, "");
    // Five texts of 16,000 bytes are over 64 KiB.
    char many[5][16000 + 32];
    const char *arguments[6] = {NULL};
    for (size_t i = 0; i < 5; i++) {
        int used = snprintf(many[i], sizeof many[i], "agenda.%zu=", i + 1);
        memset(many[i] + used, 'x', 16000);
        many[i][used + 16000] = '\0';
        arguments[i] = many[i];
    }
    EXPECT(scene, put(scene, "meeting", arguments), ERR_TOO_BIG, "");
}

// ---- keys ----

static void a_key_is_given_once(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, put(scene, "body", ARGUMENTS("key=ocam", "name=OCAM")), ERR_OK, "");
    // Not on disk yet: the second one of the same turn sees it all the same.
    house_append(&scene->house, HOUSE_CR, &scene->authored.draft, 1);
    EXPECT(scene, put(scene, "body", ARGUMENTS("key=ocam", "name=Otra")), ERR_KEY_TAKEN, "key");
    assert_non_null(strstr(scene->fault.detail, "CR:1"));
    house_commit(&scene->house);
    EXPECT(scene, put(scene, "project", ARGUMENTS("key=ocam", "title=Otra")), ERR_KEY_TAKEN, "key");
    house_retract(&scene->house, HOUSE_CR, 1);
    EXPECT(scene, put(scene, "body", ARGUMENTS("key=ocam", "name=OCAM")), ERR_KEY_TAKEN, "key");
    // Another node's keys are its own.
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'otra','name':'X'}");
    EXPECT(scene, put(scene, "body", ARGUMENTS("key=otra", "name=X")), ERR_OK, "");
}

// ---- references ----

static err_t membership(scene_t *scene, const char *member)
{
    char text[96];
    snprintf(text, sizeof text, "member=%s", member);
    return put(scene, "membership", ARGUMENTS(text));
}

static void own_records_must_exist(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'committee','key':'comite','name':'C'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'ocam','name':'O'}");
    EXPECT(scene, membership(scene, "@comite"), ERR_OK, "");
    EXPECT(scene, membership(scene, "@CR:comite"), ERR_OK, "");
    EXPECT(scene, membership(scene, "CR:1"), ERR_OK, "");
    EXPECT(scene, membership(scene, "@nadie"), ERR_NO_SUCH_RECORD, "member");
    EXPECT(scene, membership(scene, "CR:77"), ERR_NO_SUCH_RECORD, "member");
    EXPECT(scene, membership(scene, "@ocam"), ERR_WRONG_KIND, "member");
    EXPECT(scene, membership(scene, "CR:2"), ERR_WRONG_KIND, "member");
    assert_non_null(strstr(scene->fault.detail, "organisation"));
    EXPECT(scene, membership(scene, "comite"), ERR_BAD_REF, "member");
}

static void references_stay_as_given(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'committee','key':'comite','name':'C'}");
    EXPECT(scene, membership(scene, "@comite"), ERR_OK, "");
    record_t *record = made(scene);
    const Enlace__V1__Ref *ref = record->membership->member;
    assert_string_equal(ref->owner, "CR");
    assert_string_equal(ref->key, "comite");
    assert_false(ref->has_number);
    record_destroy(&record);
    EXPECT(scene, membership(scene, "GT.2:31"), ERR_OK, "");
    record = made(scene);
    ref = record->membership->member;
    assert_string_equal(ref->owner, "GT");
    assert_null(ref->key);
    assert_int_equal(ref->epoch, 2);
    assert_int_equal(ref->lane, 1);
    assert_int_equal(ref->number, 31);
    record_destroy(&record);
}

static void retracted_records_are_not_pointed_at(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'committee','key':'comite','name':'C'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'committee','key':'comite','name':'C'}");
    house_retract(&scene->house, HOUSE_CR, 1);
    house_retract(&scene->house, HOUSE_GT, 1);
    EXPECT(scene, membership(scene, "@comite"), ERR_RETRACTED, "member");
    EXPECT(scene, membership(scene, "CR:1"), ERR_RETRACTED, "member");
    EXPECT(scene, membership(scene, "@GT:comite"), ERR_OK, ""); // shown as retracted
}

static void others_records_may_come_later(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, membership(scene, "@GT:comite"), ERR_OK, "");
    EXPECT(scene, membership(scene, "GT:5"), ERR_OK, "");
    EXPECT(scene, membership(scene, "@HN:comite"), ERR_UNKNOWN_MEMBER, "member");
    EXPECT(scene, membership(scene, "HN:5"), ERR_UNKNOWN_MEMBER, "member");
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'comite','name':'C'}");
    EXPECT(scene, membership(scene, "@GT:comite"), ERR_WRONG_KIND, "member");
    EXPECT(scene, membership(scene, "GT:1"), ERR_WRONG_KIND, "member");
}

static void ambiguous_keys_are_refused(void **state)
{
    scene_t *scene = *state;
    for (int i = 0; i < 2; i++) {
        house_put(&scene->house, HOUSE_CR, "{'kind':'committee','key':'comite','name':'C'}");
        house_put(&scene->house, HOUSE_GT, "{'kind':'committee','key':'comite','name':'C'}");
    }
    EXPECT(scene, membership(scene, "@comite"), ERR_AMBIGUOUS_KEY, "member");
    EXPECT(scene, membership(scene, "@GT:comite"), ERR_AMBIGUOUS_KEY, "member");
    EXPECT(scene, membership(scene, "GT:2"), ERR_OK, "");
    EXPECT(scene, put(scene, "body", ARGUMENTS("key=comite", "name=X")), ERR_KEY_TAKEN, "key");
    EXPECT(scene, edit(scene, "@comite", ARGUMENTS("name=X")), ERR_AMBIGUOUS_KEY, "@comite");
}

static void lists_of_references_name_the_place(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'organisation','key':'org','name':'C'}");
    EXPECT(scene,
           put(scene, "meeting",
               ARGUMENTS("title=X", "attendance.1.organisation=@org", "attendance.1.head_count=2",
                         "attendance.2.organisation=@nadie")),
           ERR_NO_SUCH_RECORD, "attendance.2.organisation");
}

// ---- edit ----

static void an_edit_revises(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR,
              "{'kind':'committee','key':'comite','label':'TLP:GREEN','name':{'es':'C'},"
              "'country':'CR'}");
    static const char *const names[] = {"CR:1", "@comite", "@CR:comite"};
    for (uint64_t i = 0; i < 3; i++) {
        char text[32];
        snprintf(text, sizeof text, "name=en:Number %d", (int)i);
        EXPECT(scene, edit(scene, names[i], ARGUMENTS(text, "country=")), ERR_OK, "");
        assert_int_equal(scene->authored.act, AUTHORED_EDIT);
        assert_int_equal(scene->authored.revision, i + 2);
        assert_true(scene->authored.draft.has_target);
        assert_true(position_equal(scene->authored.draft.target, (position_t){1, 1, 1}));
        // Not on disk: the next edit of the turn builds on it.
        house_append(&scene->house, HOUSE_CR, &scene->authored.draft, 1);
    }
    record_t *record = made(scene);
    assert_null(record->committee->country);
    assert_int_equal(record->committee->name->n_entries, 2);
    assert_string_equal(record->committee->name->entries[0]->text, "Number 2");
    record_destroy(&record);
    house_commit(&scene->house);
}

static void an_edit_that_changes_nothing_is_none(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR,
              "{'kind':'committee','key':'c','label':'TLP:GREEN','name':{'es':'C'}}");
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("name=es:C")), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
    assert_int_equal(scene->authored.revision, 1);
    assert_true(position_equal(scene->authored.id, (position_t){1, 1, 1}));
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("key=c")), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
}

static void edits_are_refused_with_a_reason(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'committee','key':'c','name':'C'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'committee','key':'g','name':'C'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'committee','key':'r','name':'C'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'committee','name':'C'}");
    house_retract(&scene->house, HOUSE_CR, 2);
    EXPECT(scene, edit(scene, "GT:1", ARGUMENTS("name=X")), ERR_NOT_OWNER, "GT:1");
    EXPECT(scene, edit(scene, "@GT:g", ARGUMENTS("name=X")), ERR_NOT_OWNER, "@GT:g");
    EXPECT(scene, edit(scene, "HN:1", ARGUMENTS("name=X")), ERR_UNKNOWN_MEMBER, "HN");
    EXPECT(scene, edit(scene, "CR:99", ARGUMENTS("name=X")), ERR_NO_SUCH_RECORD, "CR:99");
    EXPECT(scene, edit(scene, "@nada", ARGUMENTS("name=X")), ERR_NO_SUCH_RECORD, "@nada");
    EXPECT(scene, edit(scene, "@r", ARGUMENTS("name=X")), ERR_RETRACTED, "@r");
    EXPECT(scene, edit(scene, "CR:042", ARGUMENTS("name=X")), ERR_BAD_REF, "CR:042");
    EXPECT(scene, edit(scene, NULL, ARGUMENTS("name=X")), ERR_MISSING_FIELD, "id");
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("key=otra")), ERR_KEY_FIXED, "key");
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("key=")), ERR_KEY_FIXED, "key");
    EXPECT(scene, edit(scene, "CR:3", ARGUMENTS("key=nueva")), ERR_KEY_FIXED, "key");
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("lead_sector=X")), ERR_BAD_ENUM, "lead_sector");
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("name=")), ERR_EMPTY_RECORD, "");
    EXPECT(scene, edit(scene, "@c", (const char *const[]){NULL}), ERR_BAD_ASSIGNMENT, "");
}

static void a_stale_edit_is_refused(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'C'}");
    EXPECT(scene, edit_at(scene, "@c", 1, ARGUMENTS("name=D")), ERR_OK, "");
    write_it(scene);
    EXPECT(scene, edit_at(scene, "@c", 1, ARGUMENTS("name=E")), ERR_STALE_REVISION, "@c");
    assert_non_null(strstr(scene->fault.detail, "revision 2"));
    EXPECT(scene, edit_at(scene, "@c", 3, ARGUMENTS("name=E")), ERR_STALE_REVISION, "@c");
    EXPECT(scene, edit_at(scene, "@c", 2, ARGUMENTS("name=E")), ERR_OK, "");
}

// Field 99 of the record and of its body, as a newer version would have written them.
static void what_is_not_known_survives(void **state)
{
    scene_t *scene = *state;
    record_t *record = record_new(kind_by_name("body"));
    ProtobufCMessageUnknownField *fields[2];
    ProtobufCMessage *holders[2] = {&record->base, record_body(record)};
    for (size_t i = 0; i < 2; i++) {
        fields[i] = mem_alloc(sizeof *fields[i]);
        fields[i]->tag = 99;
        fields[i]->wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
        fields[i]->len = 4;
        fields[i]->data = (uint8_t *)mem_copy_string(i ? "\x03two" : "\x03one");
        holders[i]->n_unknown_fields = 1;
        holders[i]->unknown_fields = fields[i];
    }
    record->key = mem_copy_string("c");
    record->body->contact = mem_copy_string("X");
    buf_t body = record_encode(record);
    record_destroy(&record);
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)};
    house_append(&scene->house, HOUSE_CR, &draft, 1);
    house_commit(&scene->house);
    buf_free(&body);
    EXPECT(scene, edit(scene, "@c", ARGUMENTS("contact=Y")), ERR_OK, "");
    record = made(scene);
    assert_string_equal(record->body->contact, "Y");
    assert_int_equal(record->base.n_unknown_fields, 1);
    assert_memory_equal(record->base.unknown_fields[0].data, "\x03one", 4);
    assert_int_equal(record->body->base.n_unknown_fields, 1);
    assert_memory_equal(record->body->base.unknown_fields[0].data, "\x03two", 4);
    record_destroy(&record);
}

static void what_cannot_be_read_is_not_written_over(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'C'}");
    house_revise_newer(&scene->house, HOUSE_CR, 1);
    EXPECT(scene, edit(scene, "CR:1", ARGUMENTS("name=X")), ERR_TOO_NEW, "CR:1");
    EXPECT(scene, retract(scene, "CR:1"), ERR_OK, ""); // takes nothing but its standing away
}

static void what_stood_before_is_not_looked_at_again(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'organisation','key':'a','name':'A'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'organisation','key':'b','name':'B'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'membership','key':'m','member':'@a'}");
    house_retract(&scene->house, HOUSE_CR, 1);
    house_retract(&scene->house, HOUSE_CR, 2);
    EXPECT(scene, edit(scene, "@m", ARGUMENTS("to=2020")), ERR_OK, "");
    EXPECT(scene, edit(scene, "@m", ARGUMENTS("member=@b")), ERR_RETRACTED, "member");
    // The same reference in another field is a new one.
    EXPECT(scene, edit(scene, "@m", ARGUMENTS("coalition=@a")), ERR_RETRACTED, "coalition");
}

// ---- retract ----

static void retracting_twice_changes_nothing(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'C'}");
    EXPECT(scene, retract(scene, "@c"), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_RETRACT);
    assert_int_equal(scene->authored.revision, 2);
    assert_int_equal(scene->authored.draft.type, CHANGE_RETRACT);
    assert_true(position_equal(scene->authored.draft.target, (position_t){1, 1, 1}));
    write_it(scene);
    EXPECT(scene, retract(scene, "CR:1"), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
    EXPECT(scene, retract(scene, "@c"), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
}

static void only_the_owner_retracts(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'c','name':'C'}");
    EXPECT(scene, retract(scene, "GT:1"), ERR_NOT_OWNER, "GT:1");
    EXPECT(scene, retract(scene, "CR:1"), ERR_NO_SUCH_RECORD, "CR:1");
    EXPECT(scene, retract(scene, "nonsense"), ERR_BAD_REF, "nonsense");
    EXPECT(scene, retract(scene, NULL), ERR_MISSING_FIELD, "id");
}

// ---- a line of a file ----

static err_t settle(scene_t *scene, const char *alias, const char *json)
{
    author_t author = house_author(&scene->house);
    json_reading_t reading = {.own = "CR", .lang = "es"};
    char *text = mem_copy_string(json);
    json_t *object = NULL;
    record_t *record = NULL;
    author.alias = alias;
    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    authored_clear(&scene->authored);
    scene->fault = (fault_t){0};
    err_t err = json_parse(text, strlen(text), &object, &scene->fault);
    if (!err)
        err = record_from_json(object, &reading, &record, &scene->fault);
    if (!err)
        err = author_settle(&author, record, &(decoded_t){0}, &scene->authored, &scene->fault);
    record_destroy(&record);
    json_decref(object);
    mem_free(text);
    return err;
}

static void a_line_is_compared_with_what_stands(void **state)
{
    scene_t *scene = *state;
    static const char first[] = "{'kind':'body','key':'c','name':{'es':'C','en':'D'}}";
    EXPECT(scene, settle(scene, NULL, first), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_CREATE);
    write_it(scene);
    EXPECT(scene, settle(scene, NULL, first), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
    // The same, written differently: order of languages, the default label.
    EXPECT(scene,
           settle(scene, NULL,
                  "{'label':'TLP:GREEN','kind':'body','name':{'en':'D','es':'C'},'key':'c'}"),
           ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
    EXPECT(scene, settle(scene, NULL, "{'kind':'body','key':'c','name':{'es':'C'}}"), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_EDIT);
    assert_int_equal(scene->authored.revision, 2);
    write_it(scene);
    EXPECT(scene, settle(scene, NULL, "{'kind':'project','key':'c','title':'C'}"), ERR_KIND_FIXED,
           "kind");
    EXPECT(scene, settle(scene, NULL, "{'kind':'body','name':'C'}"), ERR_MISSING_FIELD, "key");
    house_retract(&scene->house, HOUSE_CR, 1);
    EXPECT(scene, settle(scene, NULL, first), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_STAYS_RETRACTED);
}

static void a_line_keeps_what_it_does_not_know(void **state)
{
    scene_t *scene = *state;
    static const char newer[] = "{'kind':'body','key':'c','label':'TLP:GREEN','name':'C',"
                                "'_unknown':[{'tag':99,'wire':0,'data':'BQ=='}]}";
    house_put(&scene->house, HOUSE_CR, newer);
    EXPECT(scene, settle(scene, NULL, "{'kind':'body','key':'c','name':'C'}"), ERR_OK, "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
    EXPECT(scene, settle(scene, NULL, "{'kind':'body','key':'c','name':'D'}"), ERR_OK, "");
    record_t *record = made(scene);
    assert_int_equal(record->body->base.n_unknown_fields, 1);
    assert_int_equal(record->body->base.unknown_fields[0].tag, 99);
    assert_int_equal(record->body->base.unknown_fields[0].data[0], 5);
    record_destroy(&record);
    // A line that gives its own replaces them.
    EXPECT(scene,
           settle(scene, NULL,
                  "{'kind':'body','key':'c','name':'D',"
                  "'_unknown':[{'tag':98,'wire':0,'data':'Bg=='}]}"),
           ERR_OK, "");
    record = made(scene);
    assert_int_equal(record->body->base.n_unknown_fields, 1);
    assert_int_equal(record->body->base.unknown_fields[0].tag, 98);
    record_destroy(&record);
}

static void an_aliass_keys_are_mine(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'organisation','key':'a','name':'A'}");
    EXPECT(scene, settle(scene, "OIM", "{'kind':'membership','key':'m','member':'@OIM:a'}"), ERR_OK,
           "");
    record_t *record = made(scene);
    assert_string_equal(record->membership->member->owner, "CR");
    record_destroy(&record);
    write_it(scene);
    EXPECT(scene, settle(scene, "OIM", "{'kind':'membership','key':'m','member':'@OIM:a'}"), ERR_OK,
           "");
    assert_int_equal(scene->authored.act, AUTHORED_UNCHANGED);
    EXPECT(scene, settle(scene, NULL, "{'kind':'membership','key':'n','member':'@OIM:a'}"),
           ERR_UNKNOWN_MEMBER, "member");
    EXPECT(scene, settle(scene, "OIM", "{'kind':'membership','key':'n','member':'OIM:1'}"),
           ERR_UNKNOWN_MEMBER, "member");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_put_becomes_a_change),
        T(a_label_that_is_given_stays),
        T(an_object_is_put_too),
        T(bad_content_is_refused_by_field),
        T(a_record_has_a_size),
        T(a_key_is_given_once),
        T(own_records_must_exist),
        T(references_stay_as_given),
        T(retracted_records_are_not_pointed_at),
        T(others_records_may_come_later),
        T(ambiguous_keys_are_refused),
        T(lists_of_references_name_the_place),
        T(an_edit_revises),
        T(an_edit_that_changes_nothing_is_none),
        T(edits_are_refused_with_a_reason),
        T(a_stale_edit_is_refused),
        T(what_is_not_known_survives),
        T(what_cannot_be_read_is_not_written_over),
        T(what_stood_before_is_not_looked_at_again),
        T(retracting_twice_changes_nothing),
        T(only_the_owner_retracts),
        T(a_line_is_compared_with_what_stands),
        T(a_line_keeps_what_it_does_not_know),
        T(an_aliass_keys_are_mine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
