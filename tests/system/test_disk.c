// No room on the disk: what is written is refused with that reason, the node stays
// up, and goes on by itself when there is room. On a small tmpfs, and under a limit
// on the size of files. And a disk that does not confirm: the daemon ends.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { HUB, GT };
enum { PUTS_MAX = 400, FILE_LIMIT = 512 * 1024 };

// ---- a small disk ----

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t done = fd < 0 ? -1 : write(fd, text, strlen(text));
    (void)done; // where it did not help, the mount says so
    if (fd >= 0)
        close(fd);
}

// Mounts of this process and its children alone: as root, or as root of a user
// namespace where the system lets everybody have one.
static bool own_mounts(void)
{
    char uids[32], gids[32];
    snprintf(uids, sizeof uids, "0 %u 1", (unsigned)geteuid());
    snprintf(gids, sizeof gids, "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", uids);
        write_file("/proc/self/gid_map", gids);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

// Moves a node's directory onto a tmpfs of its own.
static bool move_to_small_disk(fleet_t *fleet, size_t node, const char *size)
{
    const char *dir = fleet_node_dir(fleet, node);
    char *options = mem_format("size=%s,mode=0700", size);
    result_t away = fleet_shell(fleet, "mv '%s' $FLEET/kept && mkdir '%s'", dir, dir);
    bool moved = away.status == 0 && own_mounts() && mount("tmpfs", dir, "tmpfs", 0, options) == 0;
    if (!moved)
        print_message("no tmpfs can be mounted here: %s\n", strerror(errno));
    result_clear(&away);
    mem_free(options);
    if (!moved)
        return false;
    result_t back = fleet_shell(fleet, "cp -a $FLEET/kept/. '%s'", dir);
    assert_int_equal(back.status, 0);
    result_clear(&back);
    return true;
}

static void destroy_with_disk(fleet_t **fleet, size_t node)
{
    if (fleet_pid(*fleet, node))
        fleet_kill(*fleet, node);
    assert_int_equal(umount2(fleet_node_dir(*fleet, node), 0), 0);
    fleet_destroy(fleet);
}

// What takes the room that is wanted back later.
static void fill(fleet_t *fleet, size_t node, const char *size)
{
    result_t filled =
        fleet_shell(fleet, "head -c %s /dev/zero > '%s/filler'", size, fleet_node_dir(fleet, node));
    assert_int_equal(filled.status, 0);
    result_clear(&filled);
}

static void free_room(fleet_t *fleet, size_t node)
{
    char *path = mem_format("%s/filler", fleet_node_dir(fleet, node));
    assert_int_equal(unlink(path), 0);
    mem_free(path);
}

// ---- writing until there is no room ----

static void prepare(fleet_t *fleet)
{
    char *text = mem_alloc(16001);
    memset(text, 'x', 16000);
    char *object = mem_format("{\"kind\":\"body\",\"name\":\"N\",\"contact\":\"%s\"}", text);
    mem_free(write_text(fleet, "large.json", object));
    mem_free(object);
    mem_free(text);
}

// Puts until one is refused; how many were done.
static size_t put_until_full(fleet_t *fleet, size_t node)
{
    for (size_t i = 0; i < PUTS_MAX; i++) {
        result_t result = fleet_run(fleet, node, "put --file $FLEET/large.json");
        bool done = result.status == 0;
        if (!done) {
            assert_int_equal(result.status, 1);
            expect_says("put", result.err,
                        (const char *const[]){"[disk-full]", "no room", "make room"}, 3);
            assert_string_equal(result.out, "");
        }
        result_clear(&result);
        if (!done)
            return i;
    }
    fail_msg("the disk is never full");
    return 0;
}

static size_t count_listed(fleet_t *fleet, size_t node)
{
    char *text = fleet_do(fleet, node, "list body --json");
    size_t lines = count_lines(text);
    mem_free(text);
    return lines;
}

// A node that cannot write answers all the same.
static void expect_reads(fleet_t *fleet, size_t node, size_t held)
{
    static const try_t tries[] = {
        {"status", 0, {"disk-full"}},
        {"status --json", 0, {"\"disk-full\""}},
        {"show CRM:1 --history", 0, {"CRM:1"}},
        {"verify", 0, {"all in order"}},
    };
    assert_true(fleet_alive(fleet, node));
    assert_int_equal(count_listed(fleet, node), held);
    TRY_ALL(fleet, node, tries);
}

// Room came back: within a few tries, since a checkpoint may have to come first.
static void expect_writes(fleet_t *fleet, size_t node)
{
    int status = 1;
    for (int i = 0; i < 50 && status == 1; i++) {
        result_t result = fleet_run(fleet, node, "put --file $FLEET/large.json");
        status = result.status;
        result_clear(&result);
    }
    assert_int_equal(status, 0);
}

// What a checkpoint frees meanwhile is used again, so: until three in a row are
// refused. Nothing is left of what was.
static size_t put_until_quite_full(fleet_t *fleet, size_t node)
{
    size_t done = put_until_full(fleet, node);
    char *digest = digest_of(fleet, node);
    for (int refused = 1; refused < 3; refused++) {
        size_t more = put_until_full(fleet, node);
        if (!more) {
            expect_digest(fleet, node, digest);
            continue;
        }
        mem_free(digest);
        digest = digest_of(fleet, node);
        done += more;
        refused = 0;
    }
    mem_free(digest);
    return done;
}

static void all_is_well_again(fleet_t *fleet, size_t held)
{
    expect_writes(fleet, HUB);
    assert_int_equal(count_listed(fleet, HUB), held + 1);
    mem_free(fleet_do(fleet, HUB, "verify"));
    mem_free(fleet_do(fleet, HUB, "status --wait-synced 60"));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    fleet_start(fleet, HUB);
    mem_free(fleet_do(fleet, HUB, "verify"));
    assert_int_equal(count_listed(fleet, HUB), held + 1);
}

// ---- one's own writes ----

static void a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    prepare(fleet);
    if (!move_to_small_disk(fleet, HUB, "4m")) {
        fleet_destroy(&fleet);
        skip();
    }
    fleet_start_all(fleet);
    fill(fleet, HUB, "3m");
    size_t held = put_until_quite_full(fleet, HUB);
    assert_true(held > 0);
    expect_reads(fleet, HUB, held);
    // The other has what was acknowledged.
    mem_free(fleet_do(fleet, GT, "status --wait-synced 60"));
    assert_int_equal(count_listed(fleet, GT), held);
    free_room(fleet, HUB);
    all_is_well_again(fleet, held);
    destroy_with_disk(&fleet, HUB);
}

static void a_limit_on_files_refuses_and_recovers(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    prepare(fleet);
    fleet_start_with(fleet, HUB, NULL, FILE_LIMIT);
    fleet_start(fleet, GT);
    size_t held = put_until_quite_full(fleet, HUB);
    assert_true(held > 0);
    expect_reads(fleet, HUB, held);
    mem_free(fleet_do(fleet, GT, "status --wait-synced 60"));
    assert_int_equal(count_listed(fleet, GT), held);
    struct rlimit limit;
    assert_int_equal(prlimit(fleet_pid(fleet, HUB), RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(prlimit(fleet_pid(fleet, HUB), RLIMIT_FSIZE, &limit, NULL), 0);
    all_is_well_again(fleet, held);
    fleet_destroy(&fleet);
}

// Nothing is lost by dying on a full disk, and starting again needs little room.
static void killed_on_a_full_disk_it_has_what_it_acknowledged(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    prepare(fleet);
    fleet_start_with(fleet, HUB, NULL, FILE_LIMIT);
    size_t held = put_until_quite_full(fleet, HUB);
    fleet_kill(fleet, HUB);
    fleet_start_with(fleet, HUB, NULL, FILE_LIMIT);
    assert_int_equal(count_listed(fleet, HUB), held);
    mem_free(fleet_do(fleet, HUB, "verify"));
    fleet_kill(fleet, HUB);
    fleet_start_all(fleet);
    all_is_well_again(fleet, held);
    fleet_destroy(&fleet);
}

// ---- a disk that does not confirm ----

// The sanitizer wants to be the first library that is loaded, and is not here.
static void start_preloaded(fleet_t *fleet, size_t node)
{
    const char *options = getenv("ASAN_OPTIONS");
    char *allowed = mem_format("%s:verify_asan_link_order=0", options ? options : "");
    assert_int_equal(setenv("ASAN_OPTIONS", allowed, true), 0);
    result_t path = fleet_shell(fleet, "printf %%s $BIN/tests/system/failing_sync.so");
    char *preload = mem_format("LD_PRELOAD=%s", path.out);
    fleet_start_with(fleet, node, preload, 0);
    mem_free(preload);
    result_clear(&path);
    mem_free(allowed);
}

static char *flag_of(const fleet_t *fleet, size_t node)
{
    return mem_format("%s/fail-sync", fleet_node_dir(fleet, node));
}

// The daemon ends by itself, and says why; who was writing hears that nobody knows.
static void expect_end(fleet_t *fleet, size_t node)
{
    static const try_t unknown = {"put body name=A", 3, {"[outcome-unknown]"}};
    siginfo_t info;
    try_one(fleet, node, &unknown);
    assert_int_equal(waitid(P_PID, (id_t)fleet_pid(fleet, node), &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(fleet_kill(fleet, node), 1);
    char *log = fleet_log(fleet, node);
    expect_says("the log", log, (const char *const[]){"[sync-failed]", "start this node again"}, 2);
    mem_free(log);
}

// What was acknowledged before is there; of what was not, all or nothing, and the same
// everywhere once others have seen it.
static void a_sync_that_fails_ends_the_daemon(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start(fleet, GT);
    for (size_t acknowledged = 1; acknowledged <= 3; acknowledged++) {
        start_preloaded(fleet, HUB);
        mem_free(fleet_do(fleet, HUB, "put body name=N"));
        fleet_settle(fleet); // what the other says would be the first that cannot be synced
        char *flag = flag_of(fleet, HUB);
        mem_free(write_text(fleet, "CRM/fail-sync", ""));
        expect_end(fleet, HUB);
        assert_int_equal(unlink(flag), 0);
        mem_free(flag);
        fleet_start(fleet, HUB);
        mem_free(fleet_do(fleet, HUB, "verify"));
        assert_in_range(count_listed(fleet, HUB), acknowledged, 2 * acknowledged);
        fleet_settle(fleet);
        fleet_assert_same(fleet);
        assert_int_equal(fleet_stop(fleet, HUB), 0);
    }
    fleet_destroy(&fleet);
}

// ---- an import ----

static void write_lines(fleet_t *fleet, int count)
{
    char *path = mem_format("%s/file.jsonl", fleet_dir(fleet));
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < count; i++)
        fprintf(file, "{\"node\":\"CRM\",\"kind\":\"body\",\"key\":\"k%d\",\"name\":\"%0200d\"}\n",
                i, i);
    assert_int_equal(fclose(file), 0);
    mem_free(path);
}

// Imports under a limit, then without. How many lines the first time wrote.
static size_t import_twice(fleet_t *fleet, int lines)
{
    static const try_t full = {"import $FLEET/file.jsonl", 1, {"[disk-full]", "make room"}};
    write_lines(fleet, lines);
    try_one(fleet, HUB, &full);
    // Whole batches or nothing: what was written can be counted and read.
    size_t written = count_listed(fleet, HUB);
    mem_free(fleet_do(fleet, HUB, "verify"));
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    fleet_start(fleet, HUB);
    json_t *totals = try_json(fleet, HUB, "import --json $FLEET/file.jsonl");
    assert_int_equal(json_integer_value(json_object_get(totals, "unchanged")), written);
    assert_int_equal(json_integer_value(json_object_get(totals, "created")),
                     (size_t)lines - written);
    json_decref(totals);
    assert_int_equal(count_listed(fleet, HUB), (size_t)lines);
    mem_free(fleet_do(fleet, HUB, "verify"));
    return written;
}

static void an_import_that_finds_no_room_goes_on_later(void **state)
{
    (void)state;
    // What waits needs less room than what is written.
    enum { LINES = 2500 };
    fleet_t *fleet = fleet_hub(0);
    fleet_start_with(fleet, HUB, NULL, 2 * FILE_LIMIT);
    assert_in_range(import_twice(fleet, LINES), 1, LINES - 1);
    fleet_destroy(&fleet);
}

// Where not even the lines have room that wait to be checked, nothing is written.
static void a_file_that_has_no_room_to_wait_in_is_refused(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_with(fleet, HUB, NULL, FILE_LIMIT);
    assert_int_equal(import_twice(fleet, 6000), 0);
    fleet_destroy(&fleet);
}

// ---- somebody else's changes ----

// The follower cannot keep what comes: it says so, stays up, and catches up later.
static void follower_is_full(fleet_t *fleet)
{
    assert_true(fleet_status_shows(fleet, GT, "\"disk-full\"", 60000));
    assert_true(fleet_alive(fleet, GT));
    result_t behind = fleet_run(fleet, GT, "status --wait-synced 0");
    assert_int_equal(behind.status, 1);
    expect_says("--wait-synced", behind.err, (const char *const[]){"CRM", "[not-synced]"}, 2);
    result_clear(&behind);
    mem_free(fleet_do(fleet, GT, "verify"));
    assert_true(count_listed(fleet, GT) < count_listed(fleet, HUB));
}

static void follower_is_well_again(fleet_t *fleet)
{
    mem_free(fleet_do(fleet, GT, "status --wait-synced 60"));
    fleet_assert_same(fleet);
    mem_free(fleet_do(fleet, GT, "verify"));
    mem_free(fleet_do(fleet, GT, "put body name=N"));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
}

static void write_much(fleet_t *fleet)
{
    for (int i = 0; i < 80; i++)
        mem_free(fleet_do(fleet, HUB, "put --file $FLEET/large.json"));
}

static void a_follower_with_a_full_disk_catches_up(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    prepare(fleet);
    if (!move_to_small_disk(fleet, GT, "8m")) {
        fleet_destroy(&fleet);
        skip();
    }
    fleet_start_all(fleet);
    fill(fleet, GT, "7m");
    write_much(fleet);
    follower_is_full(fleet);
    free_room(fleet, GT);
    follower_is_well_again(fleet);
    destroy_with_disk(&fleet, GT);
}

static void a_follower_with_limited_files_catches_up(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    prepare(fleet);
    fleet_start(fleet, HUB);
    fleet_start_with(fleet, GT, NULL, FILE_LIMIT);
    write_much(fleet);
    follower_is_full(fleet);
    struct rlimit limit;
    assert_int_equal(prlimit(fleet_pid(fleet, GT), RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(prlimit(fleet_pid(fleet, GT), RLIMIT_FSIZE, &limit, NULL), 0);
    follower_is_well_again(fleet);
    fleet_destroy(&fleet);
}

// ---- beginning on a full disk ----

static void beginning_on_a_full_disk_is_refused(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    if (!move_to_small_disk(fleet, HUB, "2m")) {
        fleet_destroy(&fleet);
        skip();
    }
    // To the last byte.
    result_t filled = fleet_shell(fleet, "head -c 4m /dev/zero > $FLEET/CRM/filler; true");
    result_clear(&filled);
    result_t init = fleet_shell(
        fleet, "exec $BIN/enlace init --dir $FLEET/CRM/neu --node CR --name 'Costa Rica'");
    assert_int_equal(init.status, 1);
    expect_says("init", init.err, (const char *const[]){"[disk-full]"}, 1);
    result_clear(&init);
    result_t left = fleet_shell(fleet, "ls -d $FLEET/CRM/neu*");
    assert_string_equal(left.out, "");
    result_clear(&left);
    result_t daemon = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/CRM");
    assert_int_equal(daemon.status, 1);
    expect_says("enlaced", daemon.err, (const char *const[]){"[disk-full]"}, 1);
    result_clear(&daemon);
    free_room(fleet, HUB);
    fleet_start(fleet, HUB);
    // Its directory was copied here, which the boot marker has found out.
    mem_free(fleet_do(fleet, HUB, "origin recover --accept --yes"));
    mem_free(fleet_do(fleet, HUB, "put body name=N"));
    mem_free(fleet_do(fleet, HUB, "verify"));
    destroy_with_disk(&fleet, HUB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_on_files_refuses_and_recovers),
        cmocka_unit_test(killed_on_a_full_disk_it_has_what_it_acknowledged),
        cmocka_unit_test(a_sync_that_fails_ends_the_daemon),
        cmocka_unit_test(an_import_that_finds_no_room_goes_on_later),
        cmocka_unit_test(a_file_that_has_no_room_to_wait_in_is_refused),
        cmocka_unit_test(a_follower_with_limited_files_catches_up),
        cmocka_unit_test(a_full_disk_refuses_and_recovers),
        cmocka_unit_test(a_follower_with_a_full_disk_catches_up),
        cmocka_unit_test(beginning_on_a_full_disk_is_refused),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
