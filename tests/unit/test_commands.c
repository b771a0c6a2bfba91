// Every command of the client, as a person or a script runs it: what it asks of
// the daemon, what it prints, and its exit status.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "client/client.h"
#include "client/when.h"
#include "lib/control.h"
#include "lib/home.h"
#include "lib/mem.h"
#include "lib/record_json.h"
#include "tests/unit/fake_daemon.h"
#include "tests/unit/scratch.h"

// ---- running it ----

typedef struct {
    int status;
    char *out, *err;
} ran_t;

static char *contents(FILE *file)
{
    buf_t bytes = {0};
    rewind(file);
    for (int byte; (byte = fgetc(file)) != EOF;)
        *buf_extend(&bytes, 1) = (uint8_t)byte;
    *buf_extend(&bytes, 1) = 0;
    fclose(file);
    return (char *)bytes.data;
}

static ran_t run_argv(const char *input, char **argv, int argc)
{
    FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
    int saved[3] = {dup(0), dup(1), dup(2)};
    fputs(input, in);
    fflush(in);
    rewind(in);
    fflush(NULL);
    dup2(fileno(in), 0);
    dup2(fileno(out), 1);
    dup2(fileno(err), 2);
    rewind(stdin);
    ran_t ran = {.status = client_main(argc, argv)};
    fflush(NULL);
    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    fclose(in);
    ran.out = contents(out);
    ran.err = contents(err);
    return ran;
}

// Words of the line are given one by one; the first NULL ends them.
static ran_t run(const char *first, ...)
{
    char *argv[32] = {(char *)"enlace", (char *)first};
    int argc = 2;
    va_list words;
    va_start(words, first);
    while (argc < 31 && (argv[argc] = va_arg(words, char *)))
        argc++;
    va_end(words);
    return run_argv("", argv, argc);
}

static void ran_clear(ran_t *ran)
{
    mem_free(ran->out);
    mem_free(ran->err);
}

static void expect(ran_t *ran, int status, const char *out, const char *in_err)
{
    if (ran->status != status || (out && strcmp(ran->out, out) != 0) ||
        (in_err && !strstr(ran->err, in_err)))
        fail_msg("status %d, expected %d\n--- out\n%s\n--- err\n%s\n--- expected out\n%s\n--- "
                 "expected in err\n%s",
                 ran->status, status, ran->out, ran->err, out ? out : "(anything)",
                 in_err ? in_err : "(anything)");
    ran_clear(ran);
}

#define EXPECT(status, out, in_err, ...)                                                           \
    do {                                                                                           \
        ran_t ran_ = run(__VA_ARGS__, NULL);                                                       \
        expect(&ran_, status, out, in_err);                                                        \
    } while (0)

// ---- without a daemon ----

static void test_usage_is_status_two(void **state)
{
    (void)state;
    unsetenv("ENLACE_DIR");
    EXPECT(2, "", "there is no such command", "frobnicate");
    EXPECT(2, "", "charter", "charter", "--dir", "x");
    EXPECT(2, "", "ENLACE_DIR", "status");
    EXPECT(2, "", "something is missing", "show", "--dir", "x");
    EXPECT(2, "", "takes no more", "digest", "CR:1", "--dir", "x");
    EXPECT(2, "", "does not take this option", "digest", "--csv", "--dir", "x");
    EXPECT(2, "", "[usage]", "list", "committee", "--json", "--csv", "--dir", "x");
    EXPECT(2, "", "--limit", "list", "committee", "--limit", "0", "--dir", "x");
    EXPECT(2, "", "--wait-synced", "status", "--wait-synced", "soon", "--dir", "x");
    EXPECT(2, "", "--wait-synced", "status", "--wait-synced", "-1", "--dir", "x");
    EXPECT(2, "", "put", "put", "committee", "--dir", "x");
    EXPECT(2, "", "--file", "put", "committee", "a=b", "--file", "f", "--dir", "x");
    EXPECT(1, "", "[bad-assignment]", "put", "committee", "no equals", "--dir", "x");
    EXPECT(1, "", "[bad-utf8]", "show", "\xe9", "--dir", "x");
}

static void test_help_and_version(void **state)
{
    (void)state;
    EXPECT(0, "enlace " ENLACE_VERSION "\n", "", "--version");
    ran_t ran = run("--help", NULL);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "charter accept"));
    assert_non_null(strstr(ran.out, "Exit status"));
    ran_clear(&ran);
    ran = run("list", "--help", NULL);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "--csv"));
    assert_non_null(strstr(ran.out, "committee: country name lead_institution lead_sector"));
    ran_clear(&ran);
}

static void test_unreachable_is_status_three_within_a_second(void **state)
{
    char *dir = scratch_path(*state, "CR");
    fake_node(dir);
    uint64_t start = when_monotonic_ms();
    EXPECT(3, "", "enlaced --dir", "status", "--dir", dir);
    EXPECT(3, "", "[node-unreachable]", "put", "committee", "country=CR", "--dir", dir);
    EXPECT(3, "", "[no-directory]", "digest", "--dir", "/nowhere/at/all");
    assert_true(when_monotonic_ms() - start < 1000);
    start = when_monotonic_ms();
    EXPECT(3, "", "[node-unreachable]", "status", "--wait-synced", "60", "--dir", dir);
    assert_true(when_monotonic_ms() - start < 1000);
    mem_free(dir);
}

static void test_the_directory_may_come_from_the_environment(void **state)
{
    char *dir = scratch_path(*state, "CR");
    fake_node(dir);
    setenv("ENLACE_DIR", dir, 1);
    ran_t ran = run("card", NULL);
    assert_int_equal(ran.status, 0);
    assert_memory_equal(ran.out, "enlace-card-1:", 14);
    assert_ptr_equal(strchr(ran.out, '\n'), ran.out + strlen(ran.out) - 1);
    ran_clear(&ran);
    EXPECT(1, "", "[no-directory]", "card", "--dir", "/nowhere");
    unsetenv("ENLACE_DIR");
    mem_free(dir);
}

static void test_init_refuses_what_the_daemon_could_not_use(void **state)
{
    char *dir = scratch_path(*state, "GT");
    EXPECT(2, "", "--name", "init", "--dir", dir, "--node", "GT");
    EXPECT(2, "", "--node", "init", "--dir", dir, "--name", "GT");
    EXPECT(1, "", "[bad-code]", "init", "--dir", dir, "--node", "gt", "--name", "N");
    EXPECT(1, "", "[bad-country]", "init", "--dir", dir, "--node", "GT", "--name", "N", "--country",
           "guate");
    EXPECT(1, "", "--advertise", "init", "--dir", dir, "--node", "GT", "--name", "N", "--listen",
           "tcp://0.0.0.0:5670");
    EXPECT(1, "", "--advertise", "init", "--dir", dir, "--node", "GT", "--name", "N", "--listen",
           "tcp://192.0.2.1:5670", "--advertise", "tcp://*:5670");
    EXPECT(1, "", "--listen", "init", "--dir", dir, "--node", "GT", "--name", "N", "--advertise",
           "tcp://h.example:5670");
    EXPECT(1, "", "--connect", "init", "--dir", dir, "--node", "GT", "--name", "N", "--connect",
           "tcp://h.example");
    assert_int_equal(scratch_entries(*state, ""), 0);
    EXPECT(0, NULL, "", "init", "--dir", dir, "--node", "GT", "--name", "N", "--listen",
           "tcp://0.0.0.0:5670", "--advertise", "tcp://h.example:5670", "--connect",
           "CRM@tcp://a.example:1", "--connect", "tcp://b.example:1", "--country", "GT");
    config_t *config = NULL;
    assert_int_equal(home_config(dir, &config, NULL), ERR_OK);
    assert_int_equal(config->connect_count, 2);
    assert_string_equal(config->connects[0].code, "CRM");
    assert_string_equal(config->country, "GT");
    config_destroy(&config);
    EXPECT(1, "", "[exists-already]", "init", "--dir", dir, "--node", "GT", "--name", "N");
    mem_free(dir);
}

// Prints its card into a file of the scratch directory, whose path is the caller's.
static char *card_file(const void *state, const char *code)
{
    char *dir = scratch_path(state, code);
    char *name = mem_format("%s.card", code);
    ran_t ran = run("init", "--dir", dir, "--node", code, "--name", code, NULL);
    assert_int_equal(ran.status, 0);
    ran_clear(&ran);
    ran = run("card", "--dir", dir, NULL);
    scratch_write(state, name, ran.out, 0644);
    ran_clear(&ran);
    mem_free(dir);
    char *path = scratch_path(state, name);
    mem_free(name);
    return path;
}

// The line of standard error that is indented: the eight words.
static char *words_of(const char *err)
{
    const char *line = strstr(err, "\n  ");
    assert_non_null(line);
    return mem_format("%.*s", (int)strcspn(line + 3, "\n"), line + 3);
}

static void test_a_coalition_is_founded(void **state)
{
    char *cr = scratch_path(*state, "CR"), *gt = scratch_path(*state, "GT");
    char *cr_card = card_file(*state, "CR"), *gt_card = card_file(*state, "GT");
    char *sv_card = card_file(*state, "SV"), *sv = scratch_path(*state, "SV");
    char *file = scratch_path(*state, "charter");
    // A threshold of more than half is not warned of; the creator's own card may be left out.
    ran_t ran =
        run("charter", "create", "--dir", cr, "--name", "Mesa", "--threshold", "2", gt_card, NULL);
    assert_int_equal(ran.status, 0);
    assert_memory_equal(ran.out, "enlace-charter-1:", 17);
    assert_null(strstr(ran.err, "warning"));
    scratch_write(*state, "charter", ran.out, 0644);
    char *words = words_of(ran.err);
    ran_clear(&ran);
    // Half of the members is.
    ran = run("charter", "create", "--dir", cr, "--name", "Mesa", "--threshold", "1", cr_card,
              gt_card, NULL);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "warning"));
    scratch_write(*state, "other", ran.out, 0644);
    ran_clear(&ran);
    EXPECT(1, "", "--threshold", "charter", "create", "--dir", cr, "--name", "M", "--threshold",
           "3", gt_card);
    EXPECT(1, "", "--threshold", "charter", "create", "--dir", cr, "--name", "M", "--threshold",
           "0", gt_card);
    EXPECT(2, "", "--threshold", "charter", "create", "--dir", cr, "--name", "M", gt_card);
    EXPECT(1, "", "GT", "charter", "create", "--dir", cr, "--name", "M", "--threshold", "2",
           gt_card, gt_card);
    EXPECT(1, "", "[bad-armour]", "charter", "create", "--dir", cr, "--name", "M", "--threshold",
           "1", file);
    // Accepting asks for one of the two where there is nobody to ask.
    EXPECT(1, NULL, "[not-confirmed]", "charter", "accept", "--dir", gt, file);
    EXPECT(1, NULL, "[fingerprint-differs]", "charter", "accept", "--dir", gt, file,
           "--fingerprint", "baba baba baba baba baba baba baba baba");
    EXPECT(1, NULL, "[unknown-member]", "charter", "accept", "--dir", sv, file, "--yes");
    ran = run("charter", "accept", "--dir", gt, file, "--fingerprint", words, NULL);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, words));
    assert_non_null(strstr(ran.out, "Mesa"));
    ran_clear(&ran);
    EXPECT(0, "This charter was accepted already.\n", "", "charter", "accept", "--dir", gt, file);
    // Words that differ are refused even then.
    EXPECT(1, NULL, "[fingerprint-differs]", "charter", "accept", "--dir", gt, file,
           "--fingerprint", "baba");
    char *other = scratch_path(*state, "other");
    EXPECT(1, NULL, "[other-charter]", "charter", "accept", "--dir", gt, other, "--yes");
    // From standard input, as mail quotes it.
    buf_t text = scratch_read(*state, "charter");
    char *quoted = mem_format("Hola,\n> %.*s\n> Saludos\n", (int)text.size, text.data);
    char *argv[] = {(char *)"enlace",
                    (char *)"charter",
                    (char *)"accept",
                    (char *)"-",
                    (char *)"--yes",
                    (char *)"--dir",
                    cr};
    ran = run_argv(quoted, argv, 7);
    expect(&ran, 0, NULL, "");
    mem_free(quoted);
    buf_free(&text);
    mem_free(other);
    mem_free(words);
    mem_free(file);
    mem_free(sv);
    mem_free(sv_card);
    mem_free(gt_card);
    mem_free(cr_card);
    mem_free(gt);
    mem_free(cr);
}

// ---- with one ----

typedef struct {
    const void *scratch;
    char *dir;
    fake_daemon_t *daemon;
    char *asked;             // the newest request, as one line
    unsigned count;          // of requests
    unsigned steps;          // of an import
    char *lang;              // that an import is told, NULL: none
    size_t records, largest; // that came with its lines; bytes of the largest part
    char *lines;             // "1:{...}|3:{...}|"
    unsigned aborted;
    unsigned polls_until_synced;
} scene_t;

static void scene_open(scene_t *scene, const void *state, fake_answer_fn answer)
{
    *scene = (scene_t){.scratch = state, .dir = scratch_path(state, "CR")};
    scene->asked = mem_copy_string("");
    scene->lines = mem_copy_string("");
    scene->daemon = fake_daemon_start(scene->dir, true, answer, scene);
}

static void scene_close(scene_t *scene)
{
    fake_daemon_stop(&scene->daemon);
    mem_free(scene->asked);
    mem_free(scene->lines);
    mem_free(scene->dir);
}

static void note(scene_t *scene, char *line)
{
    mem_free(scene->asked);
    scene->asked = line;
    scene->count++;
}

static char *assignments_text(Enlace__V1__Assignment **items, size_t count)
{
    char *text = mem_copy_string("");
    for (size_t i = 0; i < count; i++) {
        char *longer = mem_format("%s [%s%s%s]", text, items[i]->field, items[i]->json ? ":=" : "=",
                                  items[i]->value);
        mem_free(text);
        text = longer;
    }
    return text;
}

static void reply_written(fake_daemon_t *daemon, const char *id, uint64_t revision, bool unchanged)
{
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__Written written = ENLACE__V1__WRITTEN__INIT;
    char copy[16];
    snprintf(copy, sizeof copy, "%s", id);
    written.id = copy;
    written.has_revision = 1;
    written.revision = revision;
    written.has_unchanged = 1;
    written.unchanged = unchanged;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN;
    reply.written = &written;
    fake_daemon_reply(daemon, &reply);
}

static bool answer_writing(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    scene_t *scene = context;
    if (request->body_case == ENLACE__V1__CONTROL_REQUEST__BODY_PUT) {
        char *fields = assignments_text(request->put->assignments, request->put->n_assignments);
        note(scene, mem_format("put %s%s %s", request->put->kind ? request->put->kind : "-", fields,
                               request->put->json ? request->put->json : "-"));
        mem_free(fields);
        reply_written(daemon, "CR:42", 1, false);
    } else if (request->body_case == ENLACE__V1__CONTROL_REQUEST__BODY_EDIT) {
        const Enlace__V1__Edit *edit = request->edit;
        char *fields = assignments_text(edit->assignments, edit->n_assignments);
        note(scene, mem_format("edit %s%s if %lld", edit->id, fields,
                               edit->has_if_revision ? (long long)edit->if_revision : -1));
        mem_free(fields);
        reply_written(daemon, edit->id, 3, edit->n_assignments == 1);
    } else if (request->body_case == ENLACE__V1__CONTROL_REQUEST__BODY_RETRACT) {
        note(scene, mem_format("retract %s", request->retract->id));
        reply_written(daemon, request->retract->id, 4, false);
    }
    return true;
}

static void test_put_prints_the_id_and_nothing_else(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_writing);
    EXPECT(0, "CR:42\n", "", "put", "committee", "country=CR", "name=es:Comité = uno",
           "sectors:=[\"CSO\"]", "since=", "--dir", scene.dir);
    assert_string_equal(scene.asked, "put committee [country=CR] [name=es:Comité = uno]"
                                     " [sectors:=[\"CSO\"]] [since=] -");
    scratch_write(*state, "r.json", "{\"kind\": \"committee\", \"country\": \"CR\"}\n", 0644);
    char *file = scratch_path(*state, "r.json");
    EXPECT(0, "CR:42\n", "", "put", "--file", file, "--dir", scene.dir);
    assert_string_equal(scene.asked, "put - {\"kind\": \"committee\", \"country\": \"CR\"}\n");
    // A kind on the line is put into the file's object, but never over another.
    EXPECT(0, "CR:42\n", "", "put", "committee", "--file", file, "--dir", scene.dir);
    EXPECT(1, "", "[kind-fixed]", "put", "meeting", "--file", file, "--dir", scene.dir);
    scratch_write(*state, "r.json", "{\"country\": \"CR\"}", 0644);
    EXPECT(0, "CR:42\n", "", "put", "committee", "--file", file, "--dir", scene.dir);
    assert_string_equal(scene.asked, "put - {\"country\":\"CR\",\"kind\":\"committee\"}");
    scratch_write(*state, "r.json", "{\"country\": ", 0644);
    EXPECT(1, "", "[bad-json]", "put", "committee", "--file", file, "--dir", scene.dir);
    EXPECT(1, "", "[cannot-read]", "put", "--file", "/nowhere", "--dir", scene.dir);
    char *argv[] = {(char *)"enlace", (char *)"put",   (char *)"--file",
                    (char *)"-",      (char *)"--dir", scene.dir};
    ran_t ran = run_argv("{\"kind\": \"body\"}", argv, 6);
    expect(&ran, 0, "CR:42\n", "");
    assert_string_equal(scene.asked, "put - {\"kind\": \"body\"}");
    mem_free(file);
    scene_close(&scene);
}

static void test_edit_and_retract(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_writing);
    EXPECT(0, "CR:42 revision 3\n", "", "edit", "CR:42", "a=1", "b=2", "--if-revision", "2",
           "--dir", scene.dir);
    assert_string_equal(scene.asked, "edit CR:42 [a=1] [b=2] if 2");
    EXPECT(0, "@k revision 3, unchanged\n", "", "--dir", scene.dir, "edit", "@k", "a=1");
    assert_string_equal(scene.asked, "edit @k [a=1] if -1");
    EXPECT(0, "CR:42 retracted\n", "", "retract", "CR:42", "--dir", scene.dir);
    assert_string_equal(scene.asked, "retract CR:42");
    scene_close(&scene);
}

static bool answer_refusing(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    (void)request;
    fake_daemon_refuse(daemon, ERR_STALE_REVISION, 0, NULL, "it is at revision 5");
    return true;
}

static bool answer_dying(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    (void)daemon;
    (void)request;
    return false;
}

static void test_refused_is_one_and_unknown_is_three(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_refusing);
    EXPECT(1, "", "it is at revision 5", "edit", "CR:42", "a=1", "--dir", scene.dir);
    scene_close(&scene);
    scene_open(&scene, *state, answer_dying);
    EXPECT(3, "", "[outcome-unknown]", "put", "committee", "country=CR", "--dir", scene.dir);
    scene_close(&scene);
    scene_open(&scene, *state, answer_dying);
    EXPECT(3, "", "[node-unreachable]", "digest", "--dir", scene.dir);
    scene_close(&scene);
}

// ---- lists ----

// Encodes the record of a JSON text into the view; the buffer is the caller's.
static buf_t fill_view(Enlace__V1__RecordView *view, const char *json)
{
    json_t *object = NULL;
    record_t *record = NULL;
    json_reading_t reading = {.own = "CR", .lang = "es"};
    assert_int_equal(json_parse(json, strlen(json), &object, NULL), ERR_OK);
    assert_int_equal(record_from_json(object, &reading, &record, NULL), ERR_OK);
    buf_t bytes = record_encode(record);
    view->has_record = 1;
    view->record = (ProtobufCBinaryData){bytes.size, bytes.data};
    json_decref(object);
    record_destroy(&record);
    return bytes;
}

enum { ROWS = 5, PAGE_ROWS = 2 };

// Five committees, two a page; the cursor is the number of the next.
static void reply_rows(fake_daemon_t *daemon, unsigned first, unsigned most)
{
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__RecordPage page = ENLACE__V1__RECORD_PAGE__INIT;
    Enlace__V1__RecordView views[PAGE_ROWS], *rows[PAGE_ROWS];
    char ids[PAGE_ROWS][8], kind[] = "committee", state[] = "standing", label[] = "TLP:GREEN";
    buf_t bytes[PAGE_ROWS];
    uint8_t cursor = 0;
    most = most < PAGE_ROWS ? most : PAGE_ROWS;
    for (; page.n_records < most && first < ROWS; first++) {
        size_t i = page.n_records++;
        enlace__v1__record_view__init(&views[i]);
        char *json = mem_format("{\"kind\": \"committee\", \"country\": \"CR\", \"name\": {\"es\": "
                                "\"Comité %u\"}, \"lead_institution\": {\"es\": \"Migración\"},"
                                " \"lead_sector\": \"MIGRATION\"}",
                                first + 1);
        bytes[i] = fill_view(&views[i], json);
        mem_free(json);
        snprintf(ids[i], sizeof ids[i], "CR:%u", first + 1);
        views[i].id = ids[i];
        views[i].kind = kind;
        views[i].state = state;
        views[i].label = label;
        rows[i] = &views[i];
    }
    page.records = rows;
    cursor = (uint8_t)first;
    page.has_cursor = first < ROWS;
    page.cursor = (ProtobufCBinaryData){page.has_cursor ? 1 : 0, &cursor};
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_PAGE;
    reply.page = &page;
    fake_daemon_reply(daemon, &reply);
    for (size_t i = 0; i < page.n_records; i++)
        buf_free(&bytes[i]);
}

static bool answer_list(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    const Enlace__V1__ListRequest *list = request->list;
    char *filters = assignments_text(list->filters, list->n_filters);
    note(context,
         mem_format("list %s%s owner %s", list->kind, filters, list->owner ? list->owner : "-"));
    mem_free(filters);
    reply_rows(daemon, list->has_cursor ? list->cursor.data[0] : 0, list->limit);
    return true;
}

static void test_list_goes_through_all_pages(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_list);
    EXPECT(0,
           "id    name      country  lead_institution  lead_sector\n"
           "CR:1  Comité 1  CR       Migración         MIGRATION\n"
           "CR:2  Comité 2  CR       Migración         MIGRATION\n"
           "CR:3  Comité 3  CR       Migración         MIGRATION\n"
           "CR:4  Comité 4  CR       Migración         MIGRATION\n"
           "CR:5  Comité 5  CR       Migración         MIGRATION\n",
           "", "list", "committee", "country=CR", "--owner", "CR", "--dir", scene.dir);
    assert_string_equal(scene.asked, "list committee [country=CR] owner CR");
    assert_int_equal(scene.count, 3);
    ran_t ran = run("list", "committee", "--json", "--limit", "3", "--dir", scene.dir, NULL);
    assert_int_equal(ran.status, 0);
    unsigned lines = 0;
    for (char *rest = ran.out, *line; *rest && (line = strsep(&rest, "\n")); lines++) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "country")), "CR");
        json_decref(object);
    }
    assert_int_equal(lines, 3);
    ran_clear(&ran);
    ran = run("list", "committee", "--csv", "--limit", "1", "--dir", scene.dir, NULL);
    assert_non_null(strstr(ran.out, "lead_sector,sectors,"));
    assert_non_null(strstr(ran.out, "\r\nCR:1,,committee,,TLP:GREEN,standing,"));
    ran_clear(&ran);
    EXPECT(1, "", "[unknown-kind]", "list", "gossip", "--csv", "--dir", scene.dir);
    scene_close(&scene);
}

static bool answer_show(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    const Enlace__V1__ShowRequest *show = request->show;
    note(context, mem_format("show %s%s", show->id, show->history ? " history" : ""));
    reply_rows(daemon,
               show->history && show->has_cursor ? show->cursor.data[0]
                                                 : (show->history ? 0 : ROWS - 1),
               PAGE_ROWS);
    return true;
}

static void test_show_one_and_all_revisions(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_show);
    ran_t ran = run("show", "@GT:comite-gt", "--dir", scene.dir, NULL);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "lead_institution (es)  Migración\n"));
    assert_string_equal(scene.asked, "show @GT:comite-gt");
    ran_clear(&ran);
    ran = run("show", "CR:1", "--history", "--json", "--dir", scene.dir, NULL);
    unsigned lines = 0;
    for (const char *at = ran.out; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, ROWS);
    assert_string_equal(scene.asked, "show CR:1 history");
    ran_clear(&ran);
    scene_close(&scene);
}

// ---- status, digest, verify, tail ----

static bool answer_status(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    scene_t *scene = context;
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__StatusReply status = ENLACE__V1__STATUS_REPLY__INIT;
    Enlace__V1__StatusReply__Node node = ENLACE__V1__STATUS_REPLY__NODE__INIT;
    Enlace__V1__StatusReply__Peer peer = ENLACE__V1__STATUS_REPLY__PEER__INIT, *peers[] = {&peer};
    Enlace__V1__StatusReply__Counter counter = ENLACE__V1__STATUS_REPLY__COUNTER__INIT;
    Enlace__V1__StatusReply__Counter *counters[] = {&counter};
    char code[] = "CR", peer_code[] = "CRM", down[] = "down", why[] = "unreachable", ok[] = "ok";
    char missing[] = "CRM has not answered", reason[] = "bad-signature", *sentences[] = {missing};
    (void)request;
    scene->count++;
    node.code = code;
    node.writing = ok;
    peer.code = peer_code;
    peer.state = down;
    peer.why = why;
    counter.reason = reason;
    counter.has_count = 1;
    counter.count = 3;
    status.node = &node;
    status.n_peers = status.n_counters = 1;
    status.peers = peers;
    status.counters = counters;
    status.has_synced = 1;
    status.synced = scene->count >= scene->polls_until_synced;
    status.n_missing = !status.synced;
    status.missing = sentences;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_STATUS;
    reply.status = &status;
    fake_daemon_reply(daemon, &reply);
    return true;
}

static void test_status_says_how_it_is_and_why(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_status);
    scene.polls_until_synced = UINT32_MAX;
    ran_t ran = run("status", "--dir", scene.dir, NULL);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "CRM has not answered"));
    assert_non_null(strstr(ran.out, "unreachable: no connection could be made"));
    assert_non_null(strstr(ran.out, "bad-signature: the signature does not hold"));
    ran_clear(&ran);
    ran = run("status", "--json", "--dir", scene.dir, NULL);
    json_t *object = json_loads(ran.out, 0, NULL);
    assert_non_null(object);
    assert_true(json_is_false(json_object_get(object, "synced")));
    json_decref(object);
    ran_clear(&ran);
    scene_close(&scene);
}

static void test_wait_synced(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_status);
    // Zero seconds: one look.
    scene.polls_until_synced = 3;
    EXPECT(1, "", "CRM has not answered", "status", "--wait-synced", "0", "--dir", scene.dir);
    assert_int_equal(scene.count, 1);
    EXPECT(0, "in step\n", "", "status", "--wait-synced", "30", "--dir", scene.dir);
    assert_int_equal(scene.count, 3);
    scene.polls_until_synced = UINT32_MAX;
    uint64_t start = when_monotonic_ms();
    EXPECT(1, "", "[not-synced]", "status", "--wait-synced", "0.5", "--dir", scene.dir);
    uint64_t took = when_monotonic_ms() - start;
    assert_true(took >= 500 && took < 1500);
    scene_close(&scene);
}

static bool answer_digest(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    (void)request;
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__DigestReply digest = ENLACE__V1__DIGEST_REPLY__INIT;
    Enlace__V1__DigestReply__FeedLine feed = ENLACE__V1__DIGEST_REPLY__FEED_LINE__INIT;
    Enlace__V1__DigestReply__FeedLine *feeds[] = {&feed};
    char node[] = "CO-BOG";
    uint8_t hash[] = {0x01, 0xab}, view[] = {0xff, 0x00};
    feed.node = node;
    feed.has_epoch = feed.has_lane = feed.has_number = feed.has_hash = 1;
    feed.epoch = 2;
    feed.lane = 1;
    feed.number = 17;
    feed.hash = (ProtobufCBinaryData){2, hash};
    digest.n_feeds = 1;
    digest.feeds = feeds;
    digest.has_digest = 1;
    digest.digest = (ProtobufCBinaryData){2, view};
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_DIGEST;
    reply.digest = &digest;
    fake_daemon_reply(daemon, &reply);
    return true;
}

static void test_digest_is_to_be_compared(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_digest);
    EXPECT(0, "CO-BOG 2 1 17 01ab\nview ff00\n", "", "digest", "--dir", scene.dir);
    scene_close(&scene);
}

static bool answer_verify(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    scene_t *scene = context;
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__VerifyReply verify = ENLACE__V1__VERIFY_REPLY__INIT;
    Enlace__V1__VerifyReply__Finding finding = ENLACE__V1__VERIFY_REPLY__FINDING__INIT;
    Enlace__V1__VerifyReply__Finding *findings[] = {&finding};
    char where[] = "GT:3", detail[] = "column name";
    (void)request;
    finding.where = where;
    finding.has_reason = 1;
    finding.reason = ERR_VIEW_DIFFERS;
    finding.detail = detail;
    verify.has_ok = 1;
    verify.ok = scene->count++ == 0;
    verify.has_feeds = 1;
    verify.feeds = 8;
    verify.n_findings = !verify.ok;
    verify.findings = findings;
    verify.has_found = 1;
    verify.found = verify.n_findings;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_VERIFY;
    reply.verify = &verify;
    fake_daemon_reply(daemon, &reply);
    return true;
}

static void test_verify_is_one_where_anything_is_found(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_verify);
    EXPECT(0, "feeds 8, commits 0, changes 0, signatures 0, records 0: all in order\n", "",
           "verify", "--dir", scene.dir);
    ran_t ran = run("verify", "--dir", scene.dir, NULL);
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.out, "GT:3   view-differs  column name\n"));
    assert_non_null(strstr(ran.err, "[view-differs]"));
    ran_clear(&ran);
    scene_close(&scene);
}

// Two changes at once, nothing, one more; then the daemon is gone.
static bool answer_tail(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    static const char *const since[] = {"-", "7", "7", "8"};
    static const unsigned counts[] = {2, 0, 1};
    scene_t *scene = context;
    char text[24] = "-";
    if (request->tail->has_since)
        snprintf(text, sizeof text, "%llu", (unsigned long long)request->tail->since);
    if (scene->count > 3 || strcmp(text, since[scene->count]) != 0 || scene->count == 3)
        return false;
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__TailPage page = ENLACE__V1__TAIL_PAGE__INIT;
    Enlace__V1__RecordView views[2], *changes[] = {&views[0], &views[1]};
    char id[] = "CR:1", change[] = "CR:57", type[] = "record", kind[] = "committee";
    buf_t bytes[2];
    page.n_changes = counts[scene->count];
    for (size_t i = 0; i < page.n_changes; i++) {
        enlace__v1__record_view__init(&views[i]);
        bytes[i] = fill_view(&views[i], "{\"kind\": \"committee\", \"name\": {\"es\": \"Uno\"}}");
        views[i].id = id;
        views[i].change = change;
        views[i].type = type;
        views[i].kind = kind;
        views[i].has_apply = views[i].has_changed_ms = 1;
        views[i].apply = (scene->count ? 8 : 6) + i;
        views[i].changed_ms = UINT64_C(1522920600007);
    }
    page.changes = changes;
    page.has_last = 1;
    page.last = scene->count < 2 ? 7 : 8;
    scene->count++;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_TAIL;
    reply.tail = &page;
    fake_daemon_reply(daemon, &reply);
    for (size_t i = 0; i < page.n_changes; i++)
        buf_free(&bytes[i]);
    return true;
}

static void test_tail_follows_until_the_daemon_is_gone(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_tail);
    EXPECT(3,
           "6 2018-04-05T09:30:00.007Z CR:57 record committee CR:1 Uno\n"
           "7 2018-04-05T09:30:00.007Z CR:57 record committee CR:1 Uno\n"
           "8 2018-04-05T09:30:00.007Z CR:57 record committee CR:1 Uno\n",
           "[node-unreachable]", "tail", "--dir", scene.dir);
    assert_int_equal(scene.count, 3);
    scene_close(&scene);
}

// ---- import ----

static void reply_import(fake_daemon_t *daemon, const scene_t *scene, bool done)
{
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__ImportState import = ENLACE__V1__IMPORT_STATE__INIT;
    import.has_import = import.has_done = import.has_created = import.has_skipped = 1;
    import.import = 9;
    import.done = done;
    import.created = scene->steps;
    import.skipped = 4;
    import.lang = scene->lang;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE;
    reply.import_state = &import;
    fake_daemon_reply(daemon, &reply);
}

static void take_lines(scene_t *scene, const Enlace__V1__ImportLines *part)
{
    for (size_t i = 0; i < part->n_lines; i++) {
        bool big = strlen(part->lines[i]) > 100;
        char *longer =
            mem_format("%s%llu:%s|", scene->lines, (unsigned long long)part->first_line + i,
                       big ? "big" : part->lines[i]);
        mem_free(scene->lines);
        scene->lines = longer;
    }
    size_t size = enlace__v1__import_lines__get_packed_size(part);
    scene->largest = size > scene->largest ? size : scene->largest;
    scene->records += part->n_records;
    if (part->last) {
        char *longer = mem_format("%slast", scene->lines);
        mem_free(scene->lines);
        scene->lines = longer;
    }
}

// Each step takes two requests.
static bool answer_import(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    scene_t *scene = context;
    scene->count++;
    switch (request->body_case) {
    case ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_BEGIN:
        note(scene, mem_format("begin %s",
                               request->import_begin->node ? request->import_begin->node : "-"));
        break;
    case ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_LINES:
        take_lines(scene, request->import_lines);
        break;
    case ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_ABORT:
        scene->aborted++;
        break;
    default:
        scene->steps++;
        reply_import(daemon, scene, scene->steps % 2 == 0);
        return true;
    }
    reply_import(daemon, scene, true);
    return true;
}

static void test_import_numbers_lines_as_in_the_file(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_import);
    scratch_write(*state, "f.jsonl", "\xef\xbb\xbf{1}\r\n\n  \n{4}\n{5}\n\n{7}", 0644);
    char *file = scratch_path(*state, "f.jsonl");
    EXPECT(0, "created 4, edited 0, unchanged 0, retracted before 0, skipped 4\n", "", "import",
           file, "--dir", scene.dir);
    assert_string_equal(scene.lines, "1:{1}|4:{4}|5:{5}|7:{7}|last");
    assert_string_equal(scene.asked, "begin -");
    assert_int_equal(scene.aborted, 0);
    mem_free(file);
    scene_close(&scene);
}

static void test_import_from_standard_input_and_for_another_node(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_import);
    char *argv[] = {(char *)"enlace", (char *)"import", (char *)"-",     (char *)"--node",
                    (char *)"GT",     (char *)"--json", (char *)"--dir", scene.dir};
    ran_t ran = run_argv("{a}\n", argv, 8);
    expect(&ran, 0, "{\"created\":4,\"edited\":0,\"unchanged\":0,\"retracted\":0,\"skipped\":4}\n",
           "");
    assert_string_equal(scene.asked, "begin GT");
    assert_string_equal(scene.lines, "1:{a}|last");
    scene_close(&scene);
}

static void test_import_sends_many_lines_in_parts(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_import);
    buf_t text = {0};
    for (int i = 0; i < 600; i++)
        buf_append(&text, span_text("{}\n"));
    scratch_write_bytes(*state, "f.jsonl", buf_span(&text), 0644);
    char *file = scratch_path(*state, "f.jsonl");
    EXPECT(0, NULL, "", "import", file, "--dir", scene.dir);
    // 256 + 256 + 88, and nothing lost on the way.
    assert_int_equal(scene.count, 1 + 1 + 3 + 4);
    assert_non_null(strstr(scene.lines, "|600:{}|last"));
    buf_free(&text);
    mem_free(file);
    scene_close(&scene);
}

// Read in a language with a long name, each of these lines becomes ten times as long.
static void test_import_bounds_what_it_sends(void **state)
{
    enum { LINES = 60, TEXTS = 1000 };
    scene_t scene;
    buf_t text = {0};
    scene_open(&scene, *state, answer_import);
    scene.lang = (char *)"spa-Latn-419-abcdefgh-abcdefgh-1abc";
    for (int i = 0; i < LINES; i++) {
        buf_append(&text, span_text("{\"node\":\"CR\",\"kind\":\"project\",\"objectives\":[\"a\""));
        for (int k = 1; k < TEXTS; k++)
            buf_append(&text, span_text(",\"a\""));
        buf_append(&text, span_text("]}\n"));
    }
    scratch_write_bytes(*state, "f.jsonl", buf_span(&text), 0644);
    char *file = scratch_path(*state, "f.jsonl");
    EXPECT(0, NULL, "", "import", file, "--dir", scene.dir);
    assert_int_equal(scene.records, LINES);
    assert_true(scene.largest > CONTROL_IMPORT_CHUNK / 2);
    assert_true(scene.largest < CONTROL_IMPORT_CHUNK + 64 * 1024 + LINES * 32);
    buf_free(&text);
    mem_free(file);
    scene_close(&scene);
}

static void expect_bad_line(scene_t *scene, span_t text, const char *line, const char *reason)
{
    char *file = scratch_path(scene->scratch, "bad.jsonl");
    scratch_write_bytes(scene->scratch, "bad.jsonl", text, 0644);
    unsigned before = scene->aborted;
    ran_t ran = run("import", file, "--dir", scene->dir, NULL);
    assert_non_null(strstr(ran.err, line));
    expect(&ran, 1, "", reason);
    assert_int_equal(scene->aborted, before + 1);
    assert_int_equal(scene->steps, 0);
    mem_free(file);
}

static void test_import_refuses_what_is_no_text(void **state)
{
    scene_t scene;
    scene_open(&scene, *state, answer_import);
    expect_bad_line(&scene, span_text("{}\n{\"a\": \"\xe9\"}\n"), "line 2", "[bad-utf8]");
    expect_bad_line(&scene, span_of("{}\n\n{}\n{\0}\n", 10), "line 4", "[nul-in-text]");
    // A line of a mebibyte is taken, one byte more is not.
    buf_t big = {0};
    buf_append(&big, span_text("{}\n"));
    memset(buf_extend(&big, 1024 * 1024), 'x', 1024 * 1024);
    buf_append(&big, span_text("\n"));
    scratch_write_bytes(*state, "ok.jsonl", buf_span(&big), 0644);
    big.data[big.size - 1] = 'x';
    expect_bad_line(&scene, buf_span(&big), "line 2", "[too-big]");
    char *file = scratch_path(*state, "ok.jsonl");
    mem_free(scene.lines);
    scene.lines = mem_copy_string("");
    EXPECT(0, NULL, "", "import", file, "--dir", scene.dir);
    assert_string_equal(scene.lines, "1:{}|2:big|last");
    EXPECT(1, "", "[cannot-read]", "import", "/nowhere", "--dir", scene.dir);
    buf_free(&big);
    mem_free(file);
    scene_close(&scene);
}

static bool refuse_check(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    if (request->body_case != ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_CHECK)
        return answer_import(context, daemon, request);
    fake_daemon_refuse(daemon, ERR_BAD_ENUM, 12, "lead_sector", "FOREIGN");
    return true;
}

static bool refuse_lines(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    if (request->body_case != ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_LINES)
        return answer_import(context, daemon, request);
    fake_daemon_refuse(daemon, ERR_UNKNOWN_MEMBER, 12, "node", "ZZ");
    return true;
}

// The line that is wrong is in the first part, the one that is no text in the second, which
// is read while the daemon looks at the first.
static void test_import_tells_the_first_bad_line(void **state)
{
    scene_t scene;
    buf_t text = {0};
    for (int i = 0; i < 300; i++)
        buf_append(&text, span_text("{}\n"));
    buf_append(&text, span_text("\xff\n"));
    scratch_write_bytes(*state, "f.jsonl", buf_span(&text), 0644);
    char *file = scratch_path(*state, "f.jsonl");
    scene_open(&scene, *state, refuse_lines);
    EXPECT(1, "", "line 12, field node: ZZ", "import", file, "--dir", scene.dir);
    assert_int_equal(scene.aborted, 1);
    scene_close(&scene);
    scene_open(&scene, *state, answer_import);
    EXPECT(1, "", "line 301", "import", file, "--dir", scene.dir);
    assert_int_equal(scene.aborted, 1);
    scene_close(&scene);
    buf_free(&text);
    mem_free(file);
}

static bool die_writing(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    if (request->body_case != ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_WRITE)
        return answer_import(context, daemon, request);
    return false;
}

static void test_import_that_is_refused_or_lost(void **state)
{
    scene_t scene;
    scratch_write(*state, "f.jsonl", "{}\n", 0644);
    char *file = scratch_path(*state, "f.jsonl");
    scene_open(&scene, *state, refuse_check);
    EXPECT(1, "", "line 12, field lead_sector: FOREIGN", "import", file, "--dir", scene.dir);
    assert_int_equal(scene.aborted, 1);
    scene_close(&scene);
    scene_open(&scene, *state, die_writing);
    EXPECT(3, "", "[outcome-unknown]", "import", file, "--dir", scene.dir);
    scene_close(&scene);
    scene_open(&scene, *state, answer_dying);
    EXPECT(3, "", "[node-unreachable]", "import", file, "--dir", scene.dir);
    scene_close(&scene);
    mem_free(file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage_is_status_two),
        cmocka_unit_test(test_help_and_version),
        SCRATCH_TEST(test_unreachable_is_status_three_within_a_second),
        SCRATCH_TEST(test_the_directory_may_come_from_the_environment),
        SCRATCH_TEST(test_init_refuses_what_the_daemon_could_not_use),
        SCRATCH_TEST(test_a_coalition_is_founded),
        SCRATCH_TEST(test_put_prints_the_id_and_nothing_else),
        SCRATCH_TEST(test_edit_and_retract),
        SCRATCH_TEST(test_refused_is_one_and_unknown_is_three),
        SCRATCH_TEST(test_list_goes_through_all_pages),
        SCRATCH_TEST(test_show_one_and_all_revisions),
        SCRATCH_TEST(test_status_says_how_it_is_and_why),
        SCRATCH_TEST(test_wait_synced),
        SCRATCH_TEST(test_digest_is_to_be_compared),
        SCRATCH_TEST(test_verify_is_one_where_anything_is_found),
        SCRATCH_TEST(test_tail_follows_until_the_daemon_is_gone),
        SCRATCH_TEST(test_import_numbers_lines_as_in_the_file),
        SCRATCH_TEST(test_import_from_standard_input_and_for_another_node),
        SCRATCH_TEST(test_import_sends_many_lines_in_parts),
        SCRATCH_TEST(test_import_bounds_what_it_sends),
        SCRATCH_TEST(test_import_refuses_what_is_no_text),
        SCRATCH_TEST(test_import_tells_the_first_bad_line),
        SCRATCH_TEST(test_import_that_is_refused_or_lost),
    };
    setenv("LC_ALL", "C", 1);
    unsetenv("LANGUAGE");
    if (crypto_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
