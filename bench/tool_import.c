// The path of an import by itself, without sockets: what it costs the client to read a line
// and the daemon to take it, check it and write it. For profiles and for counting instructions.
//
//   tool_import [RECORDS [LINES_PER_REQUEST]]
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"
#include "bench/machine.h"
#include "daemon/control/import.h"
#include "lib/control.h"
#include "lib/mem.h"
#include "tests/unit/house.h"

enum { EACH_MAX = 256 };

typedef struct {
    house_t house;
    import_t *import;
    uint64_t records, each;
} scene_t;

static void expect_ok(err_t err, const fault_t *fault)
{
    if (!err)
        return;
    fprintf(stderr, "%s at %s: %s\n", err_name(err), fault->where, fault->detail);
    exit(1);
}

// ---- the client ----

__attribute__((noinline)) static buf_t read_one(const char *line)
{
    json_t *object = NULL;
    fault_t fault = {0};
    expect_ok(json_parse(line, strlen(line), &object, &fault), &fault);
    buf_t record = record_encode_json(object, "es");
    json_decref(object);
    return record;
}

static buf_t make_request(uint64_t first, size_t count, bool last)
{
    static char empty[] = "", node[] = "CR";
    Enlace__V1__ControlRequest request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    Enlace__V1__ImportRecord records[EACH_MAX], *list[EACH_MAX];
    char *texts[EACH_MAX];
    for (size_t i = 0; i < count; i++) {
        char *line = load_line(node, first + i);
        buf_t record = read_one(line);
        enlace__v1__import_record__init(&records[i]);
        records[i].has_place = records[i].has_record = 1;
        records[i].place = (uint32_t)i;
        records[i].node = node;
        records[i].record = (ProtobufCBinaryData){record.size, record.data};
        list[i] = &records[i];
        texts[i] = empty;
        mem_free(line);
    }
    lines.has_first_line = lines.has_last = 1;
    lines.first_line = first;
    lines.last = last;
    lines.n_lines = lines.n_records = count;
    lines.lines = texts;
    lines.records = list;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_LINES;
    request.import_lines = &lines;
    buf_t bytes = bounded_pack(&request.base);
    for (size_t i = 0; i < count; i++)
        mem_free(records[i].record.data);
    return bytes;
}

// ---- the daemon: each by itself, so that it shows in a profile ----

__attribute__((noinline)) static void stage_lines(scene_t *scene, span_t bytes)
{
    ProtobufCMessage *message;
    fault_t fault = {0};
    expect_ok(bounded_unpack(&enlace__v1__control_request__descriptor, bytes,
                             &control_request_limits, &message, &fault),
              &fault);
    const Enlace__V1__ControlRequest *request = (const Enlace__V1__ControlRequest *)message;
    expect_ok(import_stage(scene->import, scene->house.roster, request->import_lines, &fault),
              &fault);
    bounded_free(message);
}

__attribute__((noinline)) static void check_lines(scene_t *scene)
{
    fault_t fault = {0};
    for (bool done = false; !done;)
        expect_ok(import_check(scene->import, scene->house.roster, &done, &fault), &fault);
}

static void append(scene_t *scene, const draft_t *drafts, size_t count)
{
    for (size_t done = 0, fit; done < count; done += fit) {
        fit = commit_fit(drafts + done, count - done);
        house_append(&scene->house, HOUSE_CR, drafts + done, fit);
    }
    house_commit(&scene->house);
}

__attribute__((noinline)) static void write_lines(scene_t *scene)
{
    Enlace__V1__ImportState state = ENLACE__V1__IMPORT_STATE__INIT;
    while (!state.done) {
        const draft_t *drafts;
        size_t count;
        fault_t fault = {0};
        expect_ok(import_batch(scene->import, scene->house.roster, &drafts, &count, &fault),
                  &fault);
        if (count) {
            append(scene, drafts, count);
            import_written(scene->import);
        }
        import_state(scene->import, &state);
    }
    assert(state.created == scene->records);
}

// ---- whole ----

static uint64_t argument(int argc, char **argv, int place, uint64_t otherwise)
{
    return argc > place ? strtoull(argv[place], NULL, 10) : otherwise;
}

static double import_all(scene_t *scene)
{
    author_t author = house_author(&scene->house);
    fault_t fault = {0};
    double spent = 0;
    expect_ok(import_new(&author, NULL, &scene->import, &fault), &fault);
    for (uint64_t first = 1; first <= scene->records; first += scene->each) {
        uint64_t left = scene->records - first + 1;
        size_t count = (size_t)(left < scene->each ? left : scene->each);
        buf_t bytes = make_request(first, count, left <= scene->each);
        double began = machine_now();
        stage_lines(scene, buf_span(&bytes));
        spent += machine_now() - began;
        buf_free(&bytes);
    }
    double began = machine_now();
    check_lines(scene);
    write_lines(scene);
    spent += machine_now() - began;
    import_destroy(&scene->import);
    return spent;
}

int main(int argc, char **argv)
{
    scene_t scene = {.records = argument(argc, argv, 1, 100000),
                     .each = argument(argc, argv, 2, EACH_MAX)};
    if (scene.each < 1 || scene.each > EACH_MAX || scene.records < 1) {
        fprintf(stderr, "usage: tool_import [RECORDS [1..%d]]\n", EACH_MAX);
        return 2;
    }
    if (crypto_start() || store_start())
        return 1;
    house_open(&scene.house);
    double spent = import_all(&scene);
    printf("%llu lines, %llu a request: %.0f a second in the daemon\n",
           (unsigned long long)scene.records, (unsigned long long)scene.each,
           (double)scene.records / spent);
    house_close(&scene.house);
    return 0;
}
