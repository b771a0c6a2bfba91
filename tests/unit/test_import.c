// Files of lines: staged, checked as a whole, written in batches.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/control/import.h"
#include "house.h"
#include "lib/mem.h"

typedef struct {
    house_t house;
    import_t *import;
    fault_t fault;
    size_t batches; // of the last write_all
    size_t commits;
    size_t changes;
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
    import_destroy(&scene->import);
    house_close(&scene->house);
    mem_free(scene);
    return 0;
}

// ---- driving an import ----

enum { LINES_MAX = 800 };
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void begin(scene_t *scene, const char *node)
{
    author_t author = house_author(&scene->house);
    import_destroy(&scene->import);
    scene->fault = (fault_t){0};
    assert_int_equal(import_new(&author, node, &scene->import, &scene->fault), ERR_OK);
}

// Lines written with ' for ".
static err_t stage_at(scene_t *scene, uint64_t first, bool last, const char *const *lines)
{
    Enlace__V1__ImportLines request = ENLACE__V1__IMPORT_LINES__INIT;
    char *copies[LINES_MAX];
    for (request.n_lines = 0; lines[request.n_lines]; request.n_lines++) {
        char *copy = copies[request.n_lines] = mem_copy_string(lines[request.n_lines]);
        for (char *at = copy; (at = strchr(at, '\''));)
            *at = '"';
    }
    request.first_line = first;
    request.lines = copies;
    request.last = last;
    err_t err = import_stage(scene->import, scene->house.roster, &request, &scene->fault);
    for (size_t i = 0; i < request.n_lines; i++)
        mem_free(copies[i]);
    return err;
}

static err_t check_all(scene_t *scene)
{
    bool done = false;
    err_t err = ERR_OK;
    while (!err && !done)
        err = import_check(scene->import, scene->house.roster, &done, &scene->fault);
    return err;
}

static Enlace__V1__ImportState state_of(const scene_t *scene)
{
    Enlace__V1__ImportState state = ENLACE__V1__IMPORT_STATE__INIT;
    import_state(scene->import, &state);
    return state;
}

// As the core does: as many commits as it takes, in one turn.
static void append_batch(scene_t *scene, const draft_t *drafts, size_t count)
{
    size_t commits = 0, fit;
    for (size_t done = 0; done < count; done += fit, commits++) {
        fit = commit_fit(drafts + done, count - done);
        assert_true(fit > 0);
        house_append(&scene->house, HOUSE_CR, drafts + done, fit);
    }
    house_commit(&scene->house);
    assert_in_range(commits, 1, IMPORT_BATCH_COMMITS);
    scene->commits += commits;
    scene->batches++;
}

static err_t write_all(scene_t *scene)
{
    err_t err = ERR_OK;
    scene->batches = scene->commits = scene->changes = 0;
    while (!err && !state_of(scene).done) {
        const draft_t *drafts;
        size_t count;
        err = import_batch(scene->import, scene->house.roster, &drafts, &count, &scene->fault);
        if (err || !count)
            continue;
        append_batch(scene, drafts, count);
        import_written(scene->import);
        scene->changes += count;
    }
    return err;
}

static err_t import_as(scene_t *scene, const char *node, const char *const *lines)
{
    begin(scene, node);
    err_t err = stage_at(scene, 1, true, lines);
    if (!err)
        err = check_all(scene);
    return err ? err : write_all(scene);
}

static void expect_at(const scene_t *scene, err_t got, err_t want, uint64_t line, const char *field,
                      int place)
{
    if (got != want || import_line(scene->import) != line || strcmp(scene->fault.where, field) != 0)
        fail_msg("line %d: %s at line %llu, '%s' (%s) instead of %s at line %llu, '%s'", place,
                 err_name(got), (unsigned long long)import_line(scene->import), scene->fault.where,
                 scene->fault.detail, err_name(want), (unsigned long long)line, field);
}
#define EXPECT(scene, got, want, line, field) expect_at(scene, got, want, line, field, __LINE__)

static void expect_counts(const scene_t *scene, uint64_t created, uint64_t edited,
                          uint64_t unchanged, uint64_t retracted)
{
    Enlace__V1__ImportState state = state_of(scene);
    assert_int_equal(state.created, created);
    assert_int_equal(state.edited, edited);
    assert_int_equal(state.unchanged, unchanged);
    assert_int_equal(state.retracted, retracted);
}

static record_t *standing(scene_t *scene, const char *key)
{
    current_t current = {0};
    record_t *record = NULL;
    const origin_t *self = &scene->house.feeds[HOUSE_CR].card->origin;
    assert_int_equal(
        store_record_by_key(scene->house.store, self, key, true, &current, &scene->fault), ERR_OK);
    assert_int_equal(record_decode(buf_span(&current.body), &record, NULL), ERR_OK);
    buf_free(&current.body);
    return record;
}

// ---- the way it goes ----

static const char *const file[] = {
    "{'node':'CR','kind':'membership','key':'miembro-cr','member':'@comite-cr',"
    "'coalition':'@regional','class':'MEMBER'}",
    "{'node':'GT','kind':'coalition','key':'regional','name':{'es':'Regional'}}",
    "",
    "{'node':'CR','kind':'committee','key':'comite-cr','name':{'es':'Comité'},'country':'CR'}",
    "{'node':'SV','kind':'a_kind_to_come','key':'otro','whatever':[1,2,{'a':null}]}",
    NULL,
};

static void references_are_resolved_against_the_whole_file(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, import_as(scene, NULL, file), ERR_OK, 0, "");
    expect_counts(scene, 2, 0, 0, 0);
    assert_int_equal(state_of(scene).staged, 2);
    assert_int_equal(state_of(scene).skipped, 2);
    assert_int_equal(state_of(scene).checked, 2);
    assert_int_equal(scene->commits, 1);
    record_t *record = standing(scene, "miembro-cr");
    assert_string_equal(record->membership->member->owner, "CR"); // further down in the file
    assert_string_equal(record->membership->coalition->owner, "GT");
    assert_string_equal(record->membership->coalition->key, "regional");
    assert_string_equal(record->label, "TLP:GREEN");
    record_destroy(&record);
}

static void importing_twice_changes_nothing(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, import_as(scene, NULL, file), ERR_OK, 0, "");
    EXPECT(scene, import_as(scene, NULL, file), ERR_OK, 0, "");
    expect_counts(scene, 0, 0, 2, 0);
    assert_int_equal(scene->commits, 0);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 2);
}

static void other_content_is_an_edit_and_retracted_stays(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene,
           import_as(scene, NULL,
                     LINES("{'node':'CR','kind':'body','key':'a','name':'A'}",
                           "{'node':'CR','kind':'body','key':'b','name':'B'}",
                           "{'node':'CR','kind':'body','key':'c','name':'C'}")),
           ERR_OK, 0, "");
    house_retract(&scene->house, HOUSE_CR, 3);
    EXPECT(scene,
           import_as(scene, NULL,
                     LINES("{'node':'CR','kind':'body','key':'a','name':'A'}",
                           "{'node':'CR','kind':'body','key':'b','name':'Nuevo'}",
                           "{'node':'CR','kind':'body','key':'c','name':'Nuevo'}",
                           "{'node':'CR','kind':'body','key':'d','name':'D'}")),
           ERR_OK, 0, "");
    expect_counts(scene, 1, 1, 1, 1);
    assert_int_equal(scene->changes, 2);
    record_t *record = standing(scene, "b");
    assert_string_equal(record->body->name->entries[0]->text, "Nuevo");
    record_destroy(&record);
}

// A file that was imported once goes through again whatever was retracted since.
static void a_reference_to_a_retracted_line_goes_through(void **state)
{
    scene_t *scene = *state;
    EXPECT(scene, import_as(scene, NULL, file), ERR_OK, 0, "");
    house_retract(&scene->house, HOUSE_CR, 2); // the committee
    EXPECT(scene, import_as(scene, NULL, file), ERR_OK, 0, "");
    expect_counts(scene, 0, 0, 1, 1);
}

static void anothers_lines_become_mine_when_asked(void **state)
{
    scene_t *scene = *state;
    // OIM is no member: a scribe writes for it.
    EXPECT(scene,
           import_as(scene, "OIM",
                     LINES("{'node':'OIM','kind':'organisation','key':'oim','name':'OIM'}",
                           "{'node':'OIM','kind':'membership','key':'m','member':'@oim'}",
                           "{'node':'OIM','kind':'membership','key':'n','member':'@OIM:oim'}",
                           "{'node':'CR','kind':'body','key':'mio','name':'X'}",
                           "{'node':'GT','kind':'body','key':'suyo','name':'X'}")),
           ERR_OK, 0, "");
    expect_counts(scene, 3, 0, 0, 0);
    assert_int_equal(state_of(scene).skipped, 2);
    for (int i = 0; i < 2; i++) {
        record_t *record = standing(scene, i ? "n" : "m");
        assert_string_equal(record->membership->member->owner, "CR");
        record_destroy(&record);
    }
}

// ---- refusals: the line, the field, and nothing written ----

static void refuse_lines(scene_t *scene, err_t want, uint64_t line, const char *field,
                         const char *const *lines, int place)
{
    uint64_t before = scene->house.feeds[HOUSE_CR].head.number;
    scene->fault = (fault_t){0};
    err_t err = import_as(scene, NULL, lines);
    if (!err)
        fail_msg("line %d: nothing was refused", place);
    expect_at(scene, err, want, line, field, place);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, before);
}
#define REFUSE(scene, want, line, field, ...)                                                      \
    refuse_lines(scene, want, line, field, LINES(__VA_ARGS__), __LINE__)

#define GOOD "{'node':'CR','kind':'body','key':'bueno','name':'B'}"

static void bad_lines_are_named(void **state)
{
    scene_t *scene = *state;
    REFUSE(scene, ERR_WRONG_TYPE, 2, "name", GOOD,
           "{'node':'CR','kind':'body','key':'a','name':7}");
    REFUSE(scene, ERR_UNKNOWN_FIELD, 3, "nmae", GOOD, "  ",
           "{'node':'CR','kind':'body','key':'a','nmae':'X'}");
    REFUSE(scene, ERR_BAD_ENUM, 2, "lead_sector", GOOD,
           "{'node':'CR','kind':'committee','key':'a','lead_sector':'POLIC'}");
    REFUSE(scene, ERR_BAD_DATE, 1, "since",
           "{'node':'CR','kind':'committee','key':'a','since':'2018-02-30'}", GOOD);
    REFUSE(scene, ERR_UNKNOWN_KIND, 2, "kind", GOOD,
           "{'node':'CR','kind':'alert','key':'a','narrative':'X'}");
    REFUSE(scene, ERR_EMPTY_RECORD, 2, "", GOOD, "{'node':'CR','kind':'body','key':'a'}");
    REFUSE(scene, ERR_MISSING_FIELD, 2, "key", GOOD, "{'node':'CR','kind':'body','name':'X'}");
    REFUSE(scene, ERR_MISSING_FIELD, 2, "kind", GOOD, "{'node':'CR','key':'a','name':'X'}");
    REFUSE(scene, ERR_MISSING_FIELD, 2, "node", GOOD, "{'kind':'body','key':'a','name':'X'}");
    REFUSE(scene, ERR_WRONG_TYPE, 2, "key", GOOD, "{'node':'CR','kind':'body','key':5,'name':'X'}");
    REFUSE(scene, ERR_BAD_VALUE, 2, "key", GOOD,
           "{'node':'CR','kind':'body','key':'Con Espacio','name':'X'}");
}

static void lines_of_others_are_looked_at_too(void **state)
{
    scene_t *scene = *state;
    scene->fault = (fault_t){0};
    REFUSE(scene, ERR_UNKNOWN_MEMBER, 2, "node", GOOD,
           "{'node':'HN','kind':'body','key':'a','name':'X'}");
    REFUSE(scene, ERR_BAD_NODE_CODE, 2, "node", GOOD, "{'node':'gt','kind':'body','key':'a'}");
    REFUSE(scene, ERR_BAD_NODE_CODE, 2, "node", GOOD, "{'node':'G','kind':'body','key':'a'}");
    REFUSE(scene, ERR_WRONG_TYPE, 2, "kind", GOOD, "{'node':'GT','kind':1,'key':'a'}");
    // Also a line of somebody else has to be JSON, and not a name twice.
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 1, true, LINES(GOOD, "{'node':'GT','kind':'body'")),
                     ERR_BAD_JSON);
    assert_int_equal(import_line(scene->import), 2);
    begin(scene, NULL);
    assert_int_equal(
        stage_at(scene, 1, true, LINES(GOOD, "{'node':'GT','kind':'body','node':'GT'}")),
        ERR_DUPLICATE_NAME);
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 1, true, LINES("['node','GT']")), ERR_WRONG_TYPE);
}

static void a_key_stands_in_a_file_once(void **state)
{
    scene_t *scene = *state;
    REFUSE(scene, ERR_KEY_TAKEN, 3, "key", GOOD, "{'node':'GT','kind':'body','key':'bueno'}", GOOD);
    assert_non_null(strstr(scene->fault.detail, "line 1"));
    REFUSE(scene, ERR_KEY_TAKEN, 2, "key", "{'node':'GT','kind':'body','key':'x'}",
           "{'node':'GT','kind':'project','key':'x'}", GOOD);
}

static void references_of_lines_are_checked(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'de-gt','name':'X'}");
    REFUSE(scene, ERR_NO_SUCH_RECORD, 2, "member", GOOD,
           "{'node':'CR','kind':'membership','key':'m','member':'@nadie'}");
    // Right here, wrong by the file's own word, wherever the other line stands.
    REFUSE(scene, ERR_WRONG_KIND, 1, "member",
           "{'node':'CR','kind':'membership','key':'m','member':'@bueno'}", GOOD);
    REFUSE(scene, ERR_WRONG_KIND, 1, "member",
           "{'node':'CR','kind':'membership','key':'m','member':'@ajeno'}",
           "{'node':'SV','kind':'body','key':'ajeno'}");
    REFUSE(scene, ERR_WRONG_KIND, 1, "member",
           "{'node':'CR','kind':'membership','key':'m','member':'@GT:de-gt'}");
    REFUSE(scene, ERR_UNKNOWN_MEMBER, 1, "member",
           "{'node':'CR','kind':'membership','key':'m','member':'@HN:x'}");
    REFUSE(scene, ERR_BAD_REF, 1, "member",
           "{'node':'CR','kind':'membership','key':'m','member':'nadie'}");
}

static void keys_of_two_nodes_are_ambiguous(void **state)
{
    scene_t *scene = *state;
    static const char sv[] = "{'node':'SV','kind':'organisation','key':'oim','name':'X'}";
    static const char gt[] = "{'node':'GT','kind':'organisation','key':'oim','name':'X'}";
    static const char mine[] = "{'node':'CR','kind':'organisation','key':'oim','name':'X'}";
    static const char ref[] = "{'node':'CR','kind':'membership','key':'m','member':'@oim'}";
    REFUSE(scene, ERR_AMBIGUOUS_KEY, 3, "member", sv, gt, ref);
    REFUSE(scene, ERR_AMBIGUOUS_KEY, 3, "member", sv, mine, ref);
    EXPECT(scene,
           import_as(scene, NULL,
                     LINES(sv, mine,
                           "{'node':'CR','kind':'membership','key':'m',"
                           "'member':'@SV:oim'}")),
           ERR_OK, 0, "");
}

static void a_kind_is_not_changed_by_a_file(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'project','key':'a','title':'X'}");
    REFUSE(scene, ERR_KIND_FIXED, 2, "kind", GOOD,
           "{'node':'CR','kind':'body','key':'a','name':'X'}");
}

// ---- steps out of order ----

static void steps_come_in_order(void **state)
{
    scene_t *scene = *state;
    const draft_t *drafts;
    size_t count;
    bool done;
    const roster_t *roster = scene->house.roster;
    begin(scene, NULL);
    assert_int_equal(import_check(scene->import, roster, &done, &scene->fault), ERR_UNEXPECTED);
    assert_int_equal(import_batch(scene->import, roster, &drafts, &count, &scene->fault),
                     ERR_UNEXPECTED);
    assert_int_equal(stage_at(scene, 1, false, LINES(GOOD)), ERR_OK);
    assert_int_equal(stage_at(scene, 1, false, LINES(GOOD)), ERR_OUT_OF_ORDER);
    assert_int_equal(stage_at(scene, 0, false, LINES(GOOD)), ERR_OUT_OF_ORDER);
    assert_int_equal(stage_at(scene, UINT64_MAX, false, LINES(GOOD)), ERR_OUT_OF_ORDER);
    // Empty lines that were left out leave gaps; the numbers stay those of the file.
    assert_int_equal(stage_at(scene, 9, true, LINES("{'node':'CR','kind':'body','key':'z'}")),
                     ERR_OK);
    assert_int_equal(stage_at(scene, 10, true, LINES(GOOD)), ERR_UNEXPECTED);
    EXPECT(scene, check_all(scene), ERR_EMPTY_RECORD, 9, "");
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 0, true, LINES(NULL)), ERR_OK); // an empty file
    assert_int_equal(check_all(scene), ERR_OK);
    assert_int_equal(write_all(scene), ERR_OK);
    expect_counts(scene, 0, 0, 0, 0);
    author_t author = house_author(&scene->house);
    import_t *other = NULL;
    assert_int_equal(import_new(&author, "nobody", &other, &scene->fault), ERR_BAD_NODE_CODE);
    assert_null(other);
}

// ---- batches ----

static void many_lines_are_several_commits(void **state)
{
    scene_t *scene = *state;
    static char texts[600][80];
    const char *lines[601] = {NULL};
    for (size_t i = 0; i < 600; i++) {
        snprintf(texts[i], sizeof texts[i],
                 "{'node':'CR','kind':'body','key':'k%zu','name':'N%zu'}", i, i);
        lines[i] = texts[i];
    }
    EXPECT(scene, import_as(scene, NULL, lines), ERR_OK, 0, "");
    expect_counts(scene, 600, 0, 0, 0);
    assert_int_equal(scene->commits, 3); // 256, 256, 88
    for (size_t i = 0; i < 600; i += 100)
        texts[i][strlen(texts[i]) - 3] = 'X';
    EXPECT(scene, import_as(scene, NULL, lines), ERR_OK, 0, "");
    expect_counts(scene, 0, 6, 594, 0);
    assert_int_equal(scene->commits, 1);
}

static void big_lines_fill_a_commit_by_bytes(void **state)
{
    scene_t *scene = *state;
    char *lines[41] = {NULL};
    char text[15001];
    memset(text, 'x', 15000);
    text[15000] = '\0';
    for (int i = 0; i < 40; i++)
        lines[i] =
            mem_format("{'node':'CR','kind':'body','key':'k%d','name':'N','note':'%s'}", i, text);
    EXPECT(scene, import_as(scene, NULL, (const char *const *)lines), ERR_OK, 0, "");
    expect_counts(scene, 40, 0, 0, 0);
    assert_int_equal(scene->commits, 5); // eight of 15 kB are within 128 KiB
    for (int i = 0; i < 40; i++)
        mem_free(lines[i]);
}

// ---- what happens between check and write ----

static void others_may_write_between_check_and_write(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'B'}");
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 1, true,
                              LINES("{'node':'CR','kind':'body','key':'a','name':'A'}",
                                    "{'node':'CR','kind':'body','key':'b','name':'Nuevo'}",
                                    "{'node':'CR','kind':'body','key':'c','name':'C'}",
                                    "{'node':'CR','kind':'body','key':'d','name':'D'}")),
                     ERR_OK);
    EXPECT(scene, check_all(scene), ERR_OK, 0, "");
    house_put(&scene->house, HOUSE_CR,
              "{'kind':'body','key':'a','label':'TLP:GREEN','name':'A'}"); // the same: unchanged
    house_retract(&scene->house, HOUSE_CR, 1);                             // b: stays retracted
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'Otra'}"); // an edit
    EXPECT(scene, write_all(scene), ERR_OK, 0, "");
    expect_counts(scene, 1, 1, 1, 1);
    record_t *record = standing(scene, "c");
    assert_string_equal(record->body->name->entries[0]->text, "C");
    record_destroy(&record);
}

// What lines came to as they came does not hold any more: they are looked at again.
static void others_may_write_while_lines_come(void **state)
{
    scene_t *scene = *state;
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 1, false,
                              LINES("{'node':'CR','kind':'body','key':'a','name':'A'}",
                                    "{'node':'CR','kind':'body','key':'b','name':'B'}")),
                     ERR_OK);
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'a','label':'TLP:GREEN','name':'A'}");
    assert_int_equal(stage_at(scene, 3, true,
                              LINES("{'node':'CR','kind':'body','key':'c',"
                                    "'name':'C'}")),
                     ERR_OK);
    EXPECT(scene, check_all(scene), ERR_OK, 0, "");
    EXPECT(scene, write_all(scene), ERR_OK, 0, "");
    expect_counts(scene, 2, 0, 1, 0);
    begin(scene, NULL);
    assert_int_equal(
        stage_at(scene, 1, true, LINES(GOOD, "{'node':'CR','kind':'body','key':'p','name':'P'}")),
        ERR_OK);
    house_put(&scene->house, HOUSE_CR, "{'kind':'project','key':'p','title':'X'}");
    EXPECT(scene, check_all(scene), ERR_KIND_FIXED, 2, "kind");
}

// In whichever step of the check it is, those before it stay checked.
static void others_may_write_while_lines_are_checked(void **state)
{
    scene_t *scene = *state;
    static char texts[300][96];
    const char *lines[301] = {NULL};
    bool done = false;
    for (size_t i = 0; i < 300; i++) {
        // Whoever refers to something is looked at by the check.
        snprintf(texts[i], sizeof texts[i],
                 "{'node':'CR','kind':'membership','key':'k%zu','member':'@GT:x'}", i);
        lines[i] = texts[i];
    }
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 1, true, lines), ERR_OK);
    assert_int_equal(import_check(scene->import, scene->house.roster, &done, &scene->fault),
                     ERR_OK);
    assert_int_equal(state_of(scene).checked, IMPORT_CHECK_LINES);
    assert_false(done);
    house_put(&scene->house, HOUSE_CR,
              "{'kind':'membership','key':'k7','label':'TLP:GREEN','member':'@GT:x'}");
    house_retract(
        &scene->house, HOUSE_CR,
        house_put(&scene->house, HOUSE_CR, "{'kind':'membership','key':'k299','member':'@GT:x'}"));
    EXPECT(scene, check_all(scene), ERR_OK, 0, "");
    EXPECT(scene, write_all(scene), ERR_OK, 0, "");
    expect_counts(scene, 298, 0, 1, 1);
}

static void others_may_write_between_two_batches(void **state)
{
    scene_t *scene = *state;
    enum { LINES = IMPORT_BATCH_LINES + 10 };
    char *texts[LINES + 1] = {NULL};
    const draft_t *drafts;
    size_t count;
    for (size_t i = 0; i < LINES; i++)
        texts[i] = mem_format("{'node':'CR','kind':'body','key':'k%zu','name':'N'}", i);
    begin(scene, NULL);
    for (size_t i = 0; i < LINES; i += LINES_MAX - 1) {
        const char *some[LINES_MAX] = {NULL};
        for (size_t k = 0; k < LINES_MAX - 1 && i + k < LINES; k++)
            some[k] = texts[i + k];
        assert_int_equal(stage_at(scene, i + 1, i + LINES_MAX > LINES, some), ERR_OK);
    }
    EXPECT(scene, check_all(scene), ERR_OK, 0, "");
    assert_int_equal(
        import_batch(scene->import, scene->house.roster, &drafts, &count, &scene->fault), ERR_OK);
    assert_int_equal(count, IMPORT_BATCH_COMMITS * COMMIT_CHANGES_MAX);
    append_batch(scene, drafts, count);
    import_written(scene->import);
    char last[80];
    snprintf(last, sizeof last, "{'kind':'body','key':'k%d','name':'Otro'}", LINES - 1);
    house_put(&scene->house, HOUSE_CR, last);
    EXPECT(scene, write_all(scene), ERR_OK, 0, "");
    expect_counts(scene, LINES - 1, 1, 0, 0);
    for (size_t i = 0; i < LINES; i++)
        mem_free(texts[i]);
}

// While nobody else writes nothing is looked up again, and so one turn takes several commits.
static void a_batch_is_several_commits(void **state)
{
    scene_t *scene = *state;
    static char texts[LINES_MAX][80];
    const char *lines[LINES_MAX] = {NULL};
    for (size_t i = 0; i + 1 < LINES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i],
                 "{'node':'CR','kind':'body','key':'k%zu','name':'N%zu'}", i, i);
        lines[i] = texts[i];
    }
    EXPECT(scene, import_as(scene, NULL, lines), ERR_OK, 0, "");
    assert_int_equal(scene->commits, 4); // 799 in 256 each
    assert_int_equal(scene->batches, 1);
}

static void a_batch_that_did_not_reach_the_disk_comes_again(void **state)
{
    scene_t *scene = *state;
    const draft_t *drafts;
    size_t count;
    begin(scene, NULL);
    assert_int_equal(stage_at(scene, 1, true, LINES(GOOD)), ERR_OK);
    EXPECT(scene, check_all(scene), ERR_OK, 0, "");
    const roster_t *roster = scene->house.roster;
    assert_int_equal(import_batch(scene->import, roster, &drafts, &count, &scene->fault), ERR_OK);
    assert_int_equal(count, 1);
    assert_true(import_writing(scene->import));
    import_unwritten(scene->import);
    assert_false(import_writing(scene->import));
    expect_counts(scene, 0, 0, 0, 0);
    EXPECT(scene, write_all(scene), ERR_OK, 0, "");
    expect_counts(scene, 1, 0, 0, 0);
}

// ---- lines that the client has read ----

// A record as the client sends it, in the place of the only line.
static err_t stage_read(scene_t *scene, const char *node, const char *json, uint32_t place,
                        const char *line)
{
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    Enlace__V1__ImportRecord record = ENLACE__V1__IMPORT_RECORD__INIT;
    Enlace__V1__ImportRecord *records = &record;
    char *text = mem_copy_string(line), *copy = mem_copy_string(json);
    json_t *object = NULL;
    for (char *at = copy; (at = strchr(at, '\'')); *at = '"')
        ;
    assert_int_equal(json_parse(copy, strlen(copy), &object, &scene->fault), ERR_OK);
    buf_t encoded = record_encode_json(object, "es");
    record.has_place = record.has_record = true;
    record.place = place;
    record.node = (char *)(uintptr_t)node;
    record.record.data = encoded.data;
    record.record.len = encoded.size;
    lines.has_first_line = lines.has_last = lines.last = true;
    lines.first_line = 1;
    lines.n_lines = 1;
    lines.lines = &text;
    lines.n_records = 1;
    lines.records = &records;
    err_t err = import_stage(scene->import, scene->house.roster, &lines, &scene->fault);
    json_decref(object);
    buf_free(&encoded);
    mem_free(copy);
    mem_free(text);
    return err;
}

static const char read_body[] = "{'node':'CR','kind':'body','key':'x','name':'Uno'}";

static void lines_that_were_read_are_as_good(void **state)
{
    scene_t *scene = *state;
    bool done = false;
    begin(scene, NULL);
    assert_int_equal(stage_read(scene, "CR", read_body, 0, ""), ERR_OK);
    assert_int_equal(import_check(scene->import, scene->house.roster, &done, &scene->fault),
                     ERR_OK);
    Enlace__V1__ImportState counts = ENLACE__V1__IMPORT_STATE__INIT;
    import_state(scene->import, &counts);
    assert_int_equal(counts.staged, 1);
    assert_int_equal(counts.checked, 1);
    assert_true(done);
}

static void lines_that_were_read_are_looked_at(void **state)
{
    static const struct {
        const char *node, *json, *line;
        uint32_t place;
        err_t err;
        const char *where;
    } table[] = {
        {"XX", read_body, "", 0, ERR_UNKNOWN_MEMBER, "node"},
        {"x y", read_body, "", 0, ERR_BAD_NODE_CODE, "node"},
        {NULL, read_body, "", 0, ERR_MISSING_FIELD, "node"},
        {"CR", "{'kind':'body','name':'Uno'}", "", 0, ERR_MISSING_FIELD, "key"},
        {"CR", "{'kind':'body','name':{'es':''},'member':'@x'}", "", 0, ERR_UNKNOWN_KIND, "record"},
        {"CR", read_body, "{}", 0, ERR_BAD_VALUE, "records"},
        {"CR", read_body, "", 1, ERR_BAD_VALUE, "records"},
    };
    scene_t *scene = *state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        begin(scene, NULL);
        err_t err = stage_read(scene, table[i].node, table[i].json, table[i].place, table[i].line);
        if (err != table[i].err || strcmp(scene->fault.where, table[i].where) != 0)
            fail_msg("number %zu: %s at %s", i, err_name(err), scene->fault.where);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(references_are_resolved_against_the_whole_file),
        T(lines_that_were_read_are_as_good),
        T(lines_that_were_read_are_looked_at),
        T(importing_twice_changes_nothing),
        T(other_content_is_an_edit_and_retracted_stays),
        T(a_reference_to_a_retracted_line_goes_through),
        T(anothers_lines_become_mine_when_asked),
        T(bad_lines_are_named),
        T(lines_of_others_are_looked_at_too),
        T(a_key_stands_in_a_file_once),
        T(references_of_lines_are_checked),
        T(keys_of_two_nodes_are_ambiguous),
        T(a_kind_is_not_changed_by_a_file),
        T(steps_come_in_order),
        T(many_lines_are_several_commits),
        T(big_lines_fill_a_commit_by_bytes),
        T(others_may_write_between_check_and_write),
        T(others_may_write_while_lines_come),
        T(others_may_write_while_lines_are_checked),
        T(others_may_write_between_two_batches),
        T(a_batch_is_several_commits),
        T(a_batch_that_did_not_reach_the_disk_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
