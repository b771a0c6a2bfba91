// The thread that keeps search in step.
#include "tests/unit/search_stage.h"

#include "daemon/search/search.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void the_thread_follows_a_signal(void **state)
{
    stage_t stage = open_stage(state);
    search_t *search = NULL;
    search_state_t told;
    search_options_t options = {stage.path, stage.search_path, first_run, 0};
    search_start(&options, &search);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    search_hint(search);
    assert_ok(search_settle(search));
    expect_found(&stage, "uno", "1");
    search_state(search, &told);
    assert_int_equal(told.fed, 1);
    assert_int_equal(told.why, ERR_OK);
    assert_int_equal(told.made_anew, 0);
    assert_true(told.bytes > 0);
    search_distrust(search);
    assert_ok(search_settle(search));
    expect_found(&stage, "uno", "1");
    search_state(search, &told);
    assert_int_equal(told.made_anew, 1);
    search_stop(&search);
    assert_null(search);
    close_stage(&stage);
}

// Where the file cannot be made there is no search, but there is everything else.
static void a_place_that_cannot_be_written_is_told(void **state)
{
    stage_t stage = open_stage(state);
    search_t *search = NULL;
    search_state_t told;
    char *path = scratch_path(*state, "nowhere/search.db");
    search_options_t options = {stage.path, path, first_run, 0};
    search_start(&options, &search);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    assert_refused(search_settle(search), ERR_DISK_ERROR);
    search_state(search, &told);
    assert_int_equal(told.why, ERR_DISK_ERROR);
    assert_true(told.failures > 0 && told.detail[0]);
    scratch_mkdir(*state, "nowhere");
    assert_ok(search_settle(search)); // tried again with the next signal
    search_stop(&search);
    mem_free(path);
    close_stage(&stage);
}

// Room that was made is noticed where nobody writes.
static void what_failed_is_tried_again_by_the_clock(void **state)
{
    stage_t stage = open_stage(state);
    search_t *search = NULL;
    char *path = scratch_path(*state, "nowhere/search.db");
    search_options_t options = {.database = stage.path, .path = path, .before = first_run};
    options.retry_ms = 20;
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    search_start(&options, &search);
    assert_refused(search_next_pass(search), ERR_DISK_ERROR);
    scratch_mkdir(*state, "nowhere");
    if (search_next_pass(search)) // it may have been under way
        assert_ok(search_next_pass(search));
    search_state_t told;
    search_state(search, &told);
    assert_int_equal(told.why, ERR_OK);
    assert_int_equal(told.fed, 1);
    search_stop(&search);
    mem_free(path);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_thread_follows_a_signal),
        SCRATCH_TEST(a_place_that_cannot_be_written_is_told),
        SCRATCH_TEST(what_failed_is_tried_again_by_the_clock),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
