// What the lines of an import came to in a turn that was taken back holds no more.
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
} scene_t;

static int set_up(void **state)
{
    scene_t *scene = mem_alloc(sizeof *scene);
    house_open(&scene->house);
    author_t author = house_author(&scene->house);
    assert_int_equal(import_new(&author, NULL, &scene->import, &scene->fault), ERR_OK);
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

static void stage_line(scene_t *scene)
{
    static const char line[] =
        "{\"node\":\"CR\",\"kind\":\"body\",\"key\":\"a\",\"name\":\"from the file\"}";
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    char *text = (char *)(uintptr_t)line;
    lines.first_line = 1;
    lines.lines = &text;
    lines.n_lines = 1;
    lines.last = true;
    assert_int_equal(import_stage(scene->import, scene->house.roster, &lines, &scene->fault),
                     ERR_OK);
}

static void check(scene_t *scene)
{
    bool done = false;
    while (!done)
        assert_int_equal(import_check(scene->import, scene->house.roster, &done, &scene->fault),
                         ERR_OK);
}

static void expect_creation(scene_t *scene)
{
    const draft_t *drafts;
    size_t count = 0;
    assert_int_equal(
        import_batch(scene->import, scene->house.roster, &drafts, &count, &scene->fault), ERR_OK);
    assert_int_equal(count, 1);
    assert_false(drafts[0].has_target);
}

// Somebody puts @a, `then` happens, the disk has no room for the turn; what is put afterwards
// makes the log as long as it was.
static void put_in_vain(scene_t *scene, void (*then)(scene_t *))
{
    author_t author = house_author(&scene->house);
    house_feed_t before = scene->house.feeds[HOUSE_CR];
    Enlace__V1__Put put = ENLACE__V1__PUT__INIT;
    authored_t authored;
    put.json = (char[]){"{\"kind\":\"body\",\"key\":\"a\",\"name\":\"put\"}"};
    assert_int_equal(author_put(&author, &put, &authored, &scene->fault), ERR_OK);
    house_append(&scene->house, HOUSE_CR, &authored.draft, 1);
    authored_clear(&authored);
    then(scene);
    store_rollback(scene->house.store);
    scene->house.feeds[HOUSE_CR] = before;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'other'}");
}

static void settled_as_they_came(void **state)
{
    scene_t *scene = *state;
    put_in_vain(scene, stage_line);
    check(scene);
    expect_creation(scene);
}

static void settled_by_the_check(void **state)
{
    scene_t *scene = *state;
    stage_line(scene);
    put_in_vain(scene, check);
    expect_creation(scene);
}

int main(void)
{
#define CASE_OF(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE_OF(settled_as_they_came),
        CASE_OF(settled_by_the_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
