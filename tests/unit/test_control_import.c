// Imports over the control socket: whose they are, how they end.
#include "control_scene.h"

// ---- imports ----

static Enlace__V1__ImportState import_reply(scene_t *scene, void *client, uint64_t id, int line)
{
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, id, REPLY(IMPORT_STATE), line);
    Enlace__V1__ImportState state = *reply->import_state;
    bounded_free(&reply->base);
    return state;
}
#define STATE(scene, client, id) import_reply(scene, client, id, __LINE__)

static uint64_t begin_import(scene_t *scene, void *client)
{
    Enlace__V1__ImportBegin begin = ENLACE__V1__IMPORT_BEGIN__INIT;
    SEND(client, 100, IMPORT_BEGIN, &begin);
    return STATE(scene, client, 100).import;
}

static void send_lines(void *client, uint64_t import, const char *text)
{
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    char *line = (char *)text;
    lines.has_import = lines.has_first_line = lines.has_last = true;
    lines.import = import;
    lines.first_line = 1;
    lines.n_lines = 1;
    lines.lines = &line;
    lines.last = true;
    SEND(client, 101, IMPORT_LINES, &lines);
}

static void send_check(void *client, uint64_t import)
{
    Enlace__V1__ImportCheck check = ENLACE__V1__IMPORT_CHECK__INIT;
    check.has_import = true;
    check.import = import;
    SEND(client, 102, IMPORT_CHECK, &check);
}

static void send_write(void *client, uint64_t import)
{
    Enlace__V1__ImportWrite write = ENLACE__V1__IMPORT_WRITE__INIT;
    write.has_import = true;
    write.import = import;
    SEND(client, 103, IMPORT_WRITE, &write);
}

static const char import_line_text[] =
    "{\"node\":\"CR\",\"kind\":\"body\",\"key\":\"a\",\"name\":\"A\"}";

static void an_import_goes_step_by_step(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    send_lines(client, import, import_line_text);
    Enlace__V1__ImportState got = STATE(scene, client, 101);
    assert_int_equal(got.staged, 1);
    assert_true(got.done);
    do {
        send_check(client, import);
        got = STATE(scene, client, 102);
    } while (!got.done);
    assert_int_equal(got.checked, 1);
    scene->disk = ERR_DISK_FULL;
    send_write(client, import);
    REFUSED(scene, client, 103, ERR_DISK_FULL);
    scene->disk = ERR_OK; // room again: the same batch is tried again
    do {
        send_write(client, import);
        got = STATE(scene, client, 103);
    } while (!got.done);
    assert_int_equal(got.created, 1);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 1);
    send_write(client, import); // over, and forgotten
    REFUSED(scene, client, 103, ERR_NO_SUCH_IMPORT);
}

static void a_refused_import_names_line_and_field(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    send_lines(client, import,
               "{\"node\":\"CR\",\"kind\":\"committee\",\"key\":\"a\",\"lead_sector\":\"X\"}");
    STATE(scene, client, 101);
    send_check(client, import);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 102, REPLY(REFUSAL), __LINE__);
    assert_int_equal(reply->refusal->reason, ERR_BAD_ENUM);
    assert_int_equal(reply->refusal->line, 1);
    assert_string_equal(reply->refusal->field, "lead_sector");
    assert_string_equal(reply->refusal->where, "line 1, field lead_sector");
    bounded_free(&reply->base);
    send_check(client, import);
    REFUSED(scene, client, 102, ERR_NO_SUCH_IMPORT);
}

static void an_import_is_its_clients_and_does_not_last(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    void *other = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    send_check(other, import);
    REFUSED(scene, other, 102, ERR_NO_SUCH_IMPORT);
    send_write(client, import);
    REFUSED(scene, client, 103, ERR_UNEXPECTED);
    scene->now_ms += 110000; // within two minutes of the last request
    control_tick(scene->control, scene->now_ms);
    send_lines(client, import, import_line_text);
    STATE(scene, client, 101);
    scene->now_ms = control_wake_ms(scene->control);
    control_tick(scene->control, scene->now_ms);
    send_check(client, import);
    REFUSED(scene, client, 102, ERR_NO_SUCH_IMPORT);
    for (int i = 0; i < 16; i++)
        begin_import(scene, client);
    Enlace__V1__ImportBegin begin = ENLACE__V1__IMPORT_BEGIN__INIT;
    SEND(client, 5, IMPORT_BEGIN, &begin);
    REFUSED(scene, client, 5, ERR_BUSY);
}

// The loop reads what one request brings at once: a request may not make it long.
static void lines_without_number_do_not_come_at_once(void **state)
{
    enum { MOST = CONTROL_IMPORT_LINES_MAX };
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    char **texts = mem_alloc_array(MOST + 1, sizeof *texts);
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    for (size_t i = 0; i <= MOST; i++)
        texts[i] = (char *)(uintptr_t)(i ? "" : import_line_text);
    lines.has_import = lines.has_first_line = true;
    lines.import = begin_import(scene, client);
    lines.first_line = 1;
    lines.lines = texts;
    lines.n_lines = MOST;
    SEND(client, 1, IMPORT_LINES, &lines);
    assert_int_equal(STATE(scene, client, 1).staged, 1);
    lines.first_line += MOST;
    lines.n_lines = MOST + 1;
    SEND(client, 2, IMPORT_LINES, &lines);
    REFUSED(scene, client, 2, ERR_TOO_MANY);
    mem_free(texts);
}

static void an_import_can_be_given_up(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    Enlace__V1__ImportAbort abort_it = ENLACE__V1__IMPORT_ABORT__INIT;
    abort_it.has_import = true;
    abort_it.import = import;
    SEND(client, 1, IMPORT_ABORT, &abort_it);
    assert_true(STATE(scene, client, 1).done);
    SEND(client, 2, IMPORT_ABORT, &abort_it);
    REFUSED(scene, client, 2, ERR_NO_SUCH_IMPORT);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        T(an_import_goes_step_by_step),
        T(a_refused_import_names_line_and_field),
        T(an_import_is_its_clients_and_does_not_last),
        T(lines_without_number_do_not_come_at_once),
        T(an_import_can_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
