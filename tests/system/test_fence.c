// The boot fence, forks and epochs with real daemons: what was restored, copied or
// killed at a bad moment, and what its operator does about it.
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

enum { CRM, GT, SV, NODES };

static void put(fleet_t *fleet, size_t node, const char *key)
{
    mem_free(fleet_do(fleet, node, "put body key=%s name=es:Nombre", key));
}

static void sh(fleet_t *fleet, const char *command)
{
    result_t result = fleet_shell(fleet, "%s", command);
    if (result.status)
        fail_msg("%s: %d: %s%s", command, result.status, result.out, result.err);
    result_clear(&result);
}

static void writes_again(fleet_t *fleet, size_t node)
{
    assert_true(fleet_status_shows(fleet, node, "\"writing\":\"ok\"", 20000 * TRY_SLOWNESS));
}

static void says(fleet_t *fleet, size_t node, const char *needle)
{
    if (!fleet_status_shows(fleet, node, needle, 20000 * TRY_SLOWNESS))
        fail_msg("never: %s", needle);
}

static fleet_t *settled(void)
{
    fleet_t *fleet = fleet_hub(NODES - 1);
    fleet_start_all(fleet);
    put(fleet, GT, "uno");
    fleet_settle(fleet);
    return fleet;
}

// GT's database as it was, in place of what it has become.
static void roll_back(fleet_t *fleet)
{
    sh(fleet, "rm -f $FLEET/GT/enlace.db* && cp $FLEET/old/enlace.db* $FLEET/GT/");
}

// ---- restored ----

static void a_database_from_a_backup_is_brought_up_to_date_before_it_writes(void **state)
{
    (void)state;
    fleet_t *fleet = settled();
    fleet_stop(fleet, GT);
    sh(fleet, "mkdir $FLEET/old && cp $FLEET/GT/enlace.db* $FLEET/old/");
    fleet_start(fleet, GT);
    put(fleet, GT, "dos");
    put(fleet, GT, "tres");
    fleet_settle(fleet);
    fleet_stop(fleet, GT);
    fleet_stop(fleet, CRM); // so that it can be seen before it heals
    roll_back(fleet);
    fleet_start(fleet, GT);
    says(fleet, GT, "\"writing\":\"restored\"");
    static const try_t fenced[] = {
        {"put body key=cuatro name=es:X", 1, {"[restored]", "origin recover"}},
        {"status", 0, {"restored", "origin recover", "CRM at"}},
        {"origin recover", 0, {"restored", "CRM", "has not answered", "--accept"}},
        {"origin recover --accept", 1, {"[not-confirmed]", "--yes"}},
    };
    TRY_ALL(fleet, GT, fenced);
    // Killed and started again it is fenced all the same, and for the same reason.
    fleet_kill(fleet, GT);
    fleet_start(fleet, GT);
    says(fleet, GT, "\"writing\":\"restored\"");
    fleet_start(fleet, CRM);
    writes_again(fleet, GT);
    put(fleet, GT, "cuatro");
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    static const try_t past[] = {{"origin recover", 0, {"not fenced", "restored", "told"}},
                                 {"show @dos", 0, {"dos"}},
                                 {"show @tres", 0, {"tres"}},
                                 {"verify", 0, {"all in order"}}};
    TRY_ALL(fleet, GT, past);
    fleet_destroy(&fleet);
}

static void a_copied_directory_is_fenced_and_a_moved_one_is_not(void **state)
{
    (void)state;
    fleet_t *fleet = settled();
    fleet_stop(fleet, GT);
    sh(fleet, "mv $FLEET/GT $FLEET/moved && mv $FLEET/moved $FLEET/GT");
    fleet_start(fleet, GT);
    writes_again(fleet, GT);
    put(fleet, GT, "dos");
    fleet_settle(fleet);
    fleet_stop(fleet, GT);
    fleet_stop(fleet, CRM);
    sh(fleet, "cp -a $FLEET/GT $FLEET/copy && rm -r $FLEET/GT && mv $FLEET/copy $FLEET/GT");
    fleet_start(fleet, GT);
    says(fleet, GT, "\"writing\":\"restored\"");
    fleet_start(fleet, CRM);
    writes_again(fleet, GT);
    put(fleet, GT, "tres");
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    // Without a marker it is not known either.
    fleet_stop(fleet, GT);
    fleet_stop(fleet, CRM);
    sh(fleet, "rm $FLEET/GT/boot");
    fleet_start(fleet, GT);
    says(fleet, GT, "\"writing\":\"restored\"");
    fleet_start(fleet, CRM);
    writes_again(fleet, GT);
    fleet_destroy(&fleet);
}

// Dies by itself at each step of agreeing on a nonce.
static void a_start_that_is_killed_at_any_step_leaves_no_fence(void **state)
{
    (void)state;
    fleet_t *fleet = settled();
    for (int step = 0; step < 4; step++) {
        fleet_stop(fleet, GT);
        result_t result =
            fleet_shell(fleet, "ENLACE_TEST_HOOK=boot-%d exec $BIN/enlaced --dir $FLEET/GT", step);
        assert_int_equal(result.status, 128 + 9);
        result_clear(&result);
        fleet_start(fleet, GT);
        result = fleet_run(fleet, GT, "put body key=paso%d name=es:X", step);
        if (result.status)
            fail_msg("after step %d: %s", step, result.err);
        result_clear(&result);
    }
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

// A database that is rolled back and a start that is killed at each step: fenced
// whenever it starts next.
static void a_fence_is_on_disk_before_the_marker_agrees(void **state)
{
    (void)state;
    for (int step = 0; step < 4; step++) {
        fleet_t *fleet = settled();
        fleet_stop(fleet, GT);
        sh(fleet, "mkdir $FLEET/old && cp $FLEET/GT/enlace.db* $FLEET/old/");
        fleet_start(fleet, GT);
        put(fleet, GT, "dos");
        fleet_settle(fleet);
        fleet_stop(fleet, GT);
        fleet_stop(fleet, CRM);
        roll_back(fleet);
        result_t result =
            fleet_shell(fleet, "ENLACE_TEST_HOOK=boot-%d exec $BIN/enlaced --dir $FLEET/GT", step);
        assert_int_equal(result.status, 128 + 9);
        result_clear(&result);
        fleet_start(fleet, GT);
        says(fleet, GT, "\"writing\":\"restored\"");
        fleet_destroy(&fleet);
    }
}

// ---- who does not answer ----

// GT dials CRM and SV; SV is off.
static fleet_t *two_hubs(void)
{
    static const char *const both[] = {"CRM", "SV", NULL}, *const one[] = {"CRM", NULL};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "SV", true, "", one);
    fleet_add(fleet, "GT", false, "", both);
    fleet_found(fleet, 2);
    fleet_start_all(fleet);
    return fleet;
}

static void one_that_is_silent_leaves_it_to_the_operator(void **state)
{
    (void)state;
    enum { HUB, OTHER, NODE };
    fleet_t *fleet = two_hubs();
    put(fleet, NODE, "uno");
    fleet_settle(fleet);
    fleet_stop(fleet, NODE);
    fleet_stop(fleet, OTHER);
    sh(fleet, "rm $FLEET/GT/boot");
    fleet_start(fleet, NODE);
    says(fleet, NODE, "\"heads_heard\":true"); // the hub has answered
    static const try_t waiting[] = {
        {"status --json", 0, {"restored", "origin recover"}},
        {"origin recover", 0, {"CRM", "SV", "has not answered", "can be accepted"}},
        {"put body key=dos name=es:X", 1, {"[restored]"}},
        {"origin recover --accept --yes", 0, {"SV", "Accepted"}},
        {"put body key=dos name=es:X", 0, {"GT:"}},
        {"origin recover", 0, {"not fenced", "accepted", "SV has not answered"}},
        {"origin recover --accept --yes", 1, {"[not-fenced]"}},
    };
    TRY_ALL(fleet, NODE, waiting);
    // What was accepted is kept, and counts at the next start.
    fleet_stop(fleet, NODE);
    fleet_start(fleet, NODE);
    static const try_t after[] = {
        {"put body key=tres name=es:X", 0, {"GT:"}},
        {"origin recover --json", 0, {"accepted", "SV has not answered"}}};
    TRY_ALL(fleet, NODE, after);
    fleet_start(fleet, OTHER);
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

// ---- two of one ----

static void of_two_that_live_from_one_disk_the_one_that_hears_the_other_stops(void **state)
{
    (void)state;
    fleet_t *fleet = settled();
    fleet_stop(fleet, GT);
    sh(fleet, "cp -a $FLEET/GT $FLEET/clone");
    // The clone lives first, is told all there is, and writes.
    sh(fleet, "mv $FLEET/GT $FLEET/first && mv $FLEET/clone $FLEET/GT");
    fleet_start(fleet, GT);
    writes_again(fleet, GT);
    put(fleet, GT, "clon");
    fleet_settle(fleet);
    fleet_stop(fleet, GT);
    // The first has never been away, by its marker: it hears of the other.
    sh(fleet, "mv $FLEET/GT $FLEET/clone && mv $FLEET/first $FLEET/GT");
    fleet_start(fleet, GT);
    says(fleet, GT, "\"writing\":\"own-later-commit\"");
    static const try_t fenced[] = {
        {"origin recover", 0, {"own-later-commit", "CRM", "can be accepted"}},
        {"put body key=dos name=es:X", 1, {"[own-later-commit]"}},
        {"origin recover --accept --yes", 0, {"Accepted"}},
        {"put body key=dos name=es:X", 0, {"GT:"}},
    };
    TRY_ALL(fleet, GT, fenced);
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

// ---- forks, and what is done about them ----

// GT writes on from an old copy while nobody can tell it better.
static fleet_t *forked(void)
{
    fleet_t *fleet = settled();
    fleet_stop(fleet, GT);
    sh(fleet, "mkdir $FLEET/old && cp $FLEET/GT/enlace.db* $FLEET/old/");
    fleet_start(fleet, GT);
    put(fleet, GT, "dos");
    fleet_settle(fleet);
    fleet_stop(fleet, GT);
    fleet_stop(fleet, CRM);
    sh(fleet, "rm $FLEET/GT/boot"); // it would know better
    roll_back(fleet);
    fleet_start(fleet, GT);
    mem_free(fleet_do(fleet, GT, "origin recover --accept --yes"));
    put(fleet, GT, "otro");
    fleet_start(fleet, CRM);
    says(fleet, GT, "\"writing\":\"fork\"");
    says(fleet, CRM, "\"why\":\"diverged\"");
    says(fleet, SV, "\"why\":\"diverged\"");
    return fleet;
}

static void a_fork_is_shown_with_its_proof_and_what_to_do(void **state)
{
    (void)state;
    fleet_t *fleet = forked();
    static const try_t own[] = {
        {"status", 0, {"fork", "epoch start --root KEY", "Forked or cut", "GT.1/1"}},
        {"origin recover", 0, {"fork", "epoch start"}},
        {"origin recover --accept --yes", 1, {"[fork]", "epoch start"}},
        {"put body key=mas name=es:X", 1, {"[fork]"}},
        {"show @otro", 0, {"otro"}}, // nothing is taken back
    };
    TRY_ALL(fleet, GT, own);
    static const try_t others[] = {
        {"status", 0, {"Forked or cut", "GT.1/1", "its operator decides"}},
        {"show @GT:dos", 0, {"dos"}},
    };
    TRY_ALL(fleet, CRM, others);
    TRY_ALL(fleet, SV, others);
    json_t *status = try_json(fleet, CRM, "status --json");
    json_t *feeds = json_object_get(status, "feeds");
    size_t proven = 0, index;
    json_t *feed;
    json_array_foreach(feeds, index, feed)
    {
        const char *ours = json_string_value(json_object_get(feed, "proof_ours"));
        const char *theirs = json_string_value(json_object_get(feed, "proof_theirs"));
        if (!ours || !theirs)
            continue;
        proven++;
        assert_int_equal(strlen(ours), 64);
        assert_int_equal(strlen(theirs), 64);
        assert_string_not_equal(ours, theirs);
        assert_true(json_integer_value(json_object_get(feed, "stopped_ms")) > 0);
    }
    assert_int_equal(proven, 1);
    json_decref(status);
    fleet_destroy(&fleet);
}

static void a_new_epoch_brings_everybody_on_together(void **state)
{
    (void)state;
    fleet_t *fleet = forked();
    static const try_t refused[] = {
        {"epoch start --cut 1:here --cut 0:here --yes", 2, {"--root"}},
        {"epoch start --root $FLEET/GT/keys/root.key --cut 1:here --yes",
         1,
         {"[cut-missing]", "0:"}},
        {"epoch start --root $FLEET/SV/keys/root.key --cut 1:here --cut 0:here --yes",
         1,
         {"[bad-key-file]"}},
        {"epoch start --root $FLEET/GT/keys/root.key --cut 1:here --cut 0:here --cut 1:here --yes",
         2,
         {"twice"}},
        {"epoch start --root $FLEET/GT/keys/root.key --cut 1:1 --cut 0:here --yes", 2, {"LANE"}},
        {"epoch start --root $FLEET/GT/keys/root.key --cut 0:here --cut "
         "1:2:0000000000000000000000000000000000000000000000000000000000000000 --yes",
         1,
         {"[bad-cut]"}},
        {"epoch start --root $FLEET/GT/keys/root.key --cut 1:here --cut 0:here", 1, {"--yes"}},
    };
    TRY_ALL(fleet, GT, refused);
    sh(fleet, "test $(ls $FLEET/GT/keys | wc -l) = 4"); // nothing is left of that
    sh(fleet, "cp $FLEET/GT/keys/signing.key $FLEET/signing.before && mkdir $FLEET/medium && "
              "mv $FLEET/GT/keys/root.key $FLEET/medium/");
    static const try_t done[] = {
        {"epoch start --root $FLEET/medium/root.key --cut 1:here --cut 0:here --yes",
         0,
         {"Epoch 2 has begun", "epoch 2 begins"}},
        {"put body key=nuevo name=es:X", 0, {"GT.2:1"}},
        {"origin recover", 0, {"not fenced", "fork", "epoch"}},
    };
    TRY_ALL(fleet, GT, done);
    sh(fleet, "! cmp -s $FLEET/GT/keys/signing.key $FLEET/signing.before && "
              "test $(ls $FLEET/GT/keys | wc -l) = 3");
    says(fleet, CRM, "\"epoch\":2");
    static const try_t shown[] = {{"show @GT:nuevo", 0, {"nuevo"}}};
    fleet_settle(fleet);
    TRY_ALL(fleet, CRM, shown);
    TRY_ALL(fleet, SV, shown);
    // What the others hold beyond the cut stays, flagged.
    static const try_t flagged[] = {{"status", 0, {"beyond-cut", "stays, flagged"}},
                                    {"show @GT:dos", 0, {"dos"}}};
    TRY_ALL(fleet, CRM, flagged);
    // The new key and card are what it starts with.
    fleet_stop(fleet, GT);
    fleet_start(fleet, GT);
    static const try_t again[] = {{"put body key=mas name=es:X", 0, {"GT.2:2"}},
                                  {"verify", 0, {"all in order"}}};
    TRY_ALL(fleet, GT, again);
    fleet_settle(fleet);
    fleet_destroy(&fleet);
}

// The card is on disk, key and card file have not taken their places, or one of
// them has: the next start does it.
static void a_key_that_was_left_pending_takes_its_place(void **state)
{
    (void)state;
    fleet_t *fleet = settled();
    for (int step = 1; step <= 3; step++) {
        char hook[40];
        fleet_stop(fleet, GT);
        snprintf(hook, sizeof hook, "ENLACE_TEST_HOOK=epoch-%d", step);
        fleet_start_with(fleet, GT, hook, 0);
        result_t result = fleet_run(fleet, GT,
                                    "epoch start --root $FLEET/GT/keys/root.key --cut 1:here%s "
                                    "--yes",
                                    step == 1 ? " --cut 0:here" : "");
        assert_int_equal(result.status, 3);
        result_clear(&result);
        fleet_kill(fleet, GT);
        fleet_start(fleet, GT);
        result = fleet_run(fleet, GT, "put body key=paso%d name=es:X", step);
        char *id = mem_format("GT.%d:1", step + 1);
        expect_says("put", result.out, (const char *const[]){id}, 1);
        mem_free(id);
        result_clear(&result);
        sh(fleet, "test $(ls $FLEET/GT/keys | wc -l) = 4");
        fleet_settle(fleet);
    }
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_from_a_backup_is_brought_up_to_date_before_it_writes),
        cmocka_unit_test(a_copied_directory_is_fenced_and_a_moved_one_is_not),
        cmocka_unit_test(a_start_that_is_killed_at_any_step_leaves_no_fence),
        cmocka_unit_test(a_fence_is_on_disk_before_the_marker_agrees),
        cmocka_unit_test(one_that_is_silent_leaves_it_to_the_operator),
        cmocka_unit_test(of_two_that_live_from_one_disk_the_one_that_hears_the_other_stops),
        cmocka_unit_test(a_fork_is_shown_with_its_proof_and_what_to_do),
        cmocka_unit_test(a_new_epoch_brings_everybody_on_together),
        cmocka_unit_test(a_key_that_was_left_pending_takes_its_place),
    };
    return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
