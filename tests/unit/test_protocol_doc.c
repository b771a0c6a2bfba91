// docs/protocol.md and the code say the same: reasons, bounds, times, state
// machines, what a link takes, invariants. Row by row, both ways; and that a
// document with one row more, less or other would be found out. Its tables of
// fields are test_protocol_fields.c's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>

#include "daemon/core/state.h"
#include "daemon/net/edge.h"
#include "lib/compress.h"
#include "lib/mem.h"
#include "tests/unit/doc_table.h"
#include "tests/unit/thin.h"

#define DOCUMENT "docs/protocol.md"

// ---- what the code has ----

static void reasons(const void *about, lines_t *lines)
{
    (void)about;
#define X(number, symbol, name, text) lines_add(lines, "%d | %s | %s", number, name, text);
    ERR_TABLE(X)
#undef X
}

typedef struct {
    const char *what;
    size_t number;
    char *(*write)(size_t number);
} quantity_t;

#define SIZE  text_of_size
#define COUNT text_of_count
#define MS    text_of_ms

static const quantity_t bounds[] = {
    {"changes in a commit", COMMIT_CHANGES_MAX, COUNT},
    {"commit, header and payloads", COMMIT_BYTES_MAX, SIZE},
    {"payload of a change", PAYLOAD_BYTES_MAX, SIZE},
    {"commits in a run", RUN_COMMITS_MAX, COUNT},
    {"run", RUN_BYTES_MAX, SIZE},
    {"publication of a whole commit; bigger ones are published as their head", PUBLISH_BYTES_MAX,
     SIZE},
    {"part of a run", PART_BYTES_MAX, SIZE},
    {"part of a run while less than 64 KiB are granted", PART_BYTES_SLOW, SIZE},
    {"run before it is packed, to one of its bytes packed", COMPRESS_RATIO_MAX, COUNT},
    {"link message, one ZeroMQ frame", LINK_MESSAGE_MAX, SIZE},
    {"heads in a message", MESSAGE_HEADS_MAX, COUNT},
    {"rosters in a message", MESSAGE_ROSTERS_MAX, COUNT},
    {"cards in a message", MESSAGE_CARDS_MAX, COUNT},
    {"beacons in a message", MESSAGE_BEACONS_MAX, COUNT},
    {"pulses in a message", MESSAGE_PULSES_MAX, COUNT},
    {"beacons asked for in a message", WANT_BEACONS_MAX, COUNT},
    {"card numbers in a greeting or a WantCards", HELLO_CARDS_MAX, COUNT},
    {"signed card", CARD_BYTES_MAX, SIZE},
    {"cuts of a card or a former member", CARD_CUTS_MAX, COUNT},
    {"endpoints of a card", CARD_ENDPOINTS_MAX, COUNT},
    {"cards of an origin", CARDS_PER_ORIGIN_MAX, COUNT},
    {"signed beacon", BEACON_BYTES_MAX, SIZE},
    {"heads in a beacon", BEACON_HEADS_MAX, COUNT},
    {"pulses of a beacon", PULSE_STEPS_MAX, COUNT},
    {"signed roster", ROSTER_BYTES_MAX, SIZE},
    {"signed roster that is sent on a link", LINK_ROSTER_MAX, SIZE},
    {"members of a roster", ROSTER_MEMBERS_MAX, COUNT},
    {"roles of a member", ROSTER_ROLES_MAX, COUNT},
    {"charter file", CHARTER_BYTES_MAX, SIZE},
    {"name of a member or a coalition", NAME_MAX_BYTES, COUNT},
    {"endpoint", ENDPOINT_MAX_BYTES, COUNT},
    {"fetches open in a session; more: busy", SERVES_MAX, COUNT},
    {"cards' origins, beacons, payloads and proofs asked for in a session in a second; more: busy",
     ASKS_MAX, COUNT},
    {"beacons of an origin that are passed on in a second; then the newest, in the next",
     BEACON_RELAYS_MAX, COUNT},
    {"cards of an origin in answer to one WantCards", WANTED_CARDS_MAX, COUNT},
    {"fetches that end, opened by a follower in a session", FETCHES_MAX, COUNT},
    {"commits kept for a feed while a fetch closes the gap before them", PENDING_COMMITS_MAX,
     COUNT},
    {"bytes of these", PENDING_BYTES_MAX, SIZE},
    {"feeds with such commits", PENDING_FEEDS_MAX, COUNT},
    {"first credit of a session", CREDIT_FIRST, SIZE},
    {"credit ahead of what was received", CREDIT_MAX, SIZE},
    {"least charge of a RunPart", CHARGE_MIN, SIZE},
    {"charge of a RunPart beyond its bytes", CHARGE_OVERHEAD, COUNT},
    {"bytes a second that a run has to come at, after its first 10 s", PACE_MIN, COUNT},
    {"inbound links; more: too-many-links", LINKS_MAX, COUNT},
    {"inbound links of a key; more: too-many-links", LINKS_PER_KEY, COUNT},
    {"connections to a bound socket", CONNECTIONS_MAX, COUNT},
    {"subscriptions of a key and their ends, over all its connections; more: "
     "too-many-subscriptions",
     SUBSCRIPTIONS_MAX, COUNT},
    {"bytes of a subscription; more: bad-topic", TOPIC_MAX_BYTES, COUNT},
    {NULL, 0, NULL},
};

static const quantity_t times[] = {
    {"from the connection to the end of the greeting; then no-hello", GREETING_TIMEOUT_MS, MS},
    {"from a connection to a bound socket until it says something", UNNAMED_MS, MS},
    {"without sending, or without hearing, until a Ping", PING_MS, MS},
    {"without hearing, until the session is dropped (silent)", SILENCE_MS, MS},
    {"without progress, until a fetch is given up (stalled)", STALL_MS, MS},
    {"a source that has no more is left for another that has, and any other for the origin",
     SWITCH_MS, MS},
    {"a source that is blamed is left alone, doubling", PENALTY_MS, MS},
    {"at most", PENALTY_MAX_MS, MS},
    {"a source that said busy is left alone, doubling", SWITCH_MS, MS},
    {"from news until Heads to those who subscribe", ANNOUNCE_MS, MS},
    {"between Proofs that a session is owed, of 64 feeds at most", PROOFS_MS, MS},
    {"between two beacons of a node, or pulses", BEACON_IDLE_MS, MS},
    {"the same, when its own feeds have changed", BEACON_MIN_MS, MS},
    {"pulses of others are gathered, until they are passed on", PULSE_GATHER_MS, MS},
    {"between two WantBeacons in a session", WANT_BEACONS_MS, MS},
    {"without a new beacon or pulse of a member, until the alarm (no-beacon)", BEACON_LATE_MS, MS},
    {"between looks for missing payloads", MISSING_MS, MS},
    {"the same, after one has come", MISSING_SOON_MS, MS},
    {"until a connection is tried again, doubling, half to one and a half of it", DIAL_FIRST_MS,
     MS},
    {"doubled at most to, before that", DIAL_MAX_MS, MS},
    {"a session that lasted so long was no failure", DIAL_STEADY_MS, MS},
    {"until a turn that did not reach the disk is tried again", DISK_RETRY_MS, MS},
    {"the rate that credit is granted for", CREDIT_SECONDS * 1000, MS},
    {"a run waits for credit, until its link may be a slow one", PACKING_WAIT_MS, MS},
    {NULL, 0, NULL},
};

static void quantities(const void *about, lines_t *lines)
{
    for (const quantity_t *row = about; row->what; row++) {
        char *text = row->write(row->number);
        lines_add(lines, "%s | %s", row->what, text);
        mem_free(text);
    }
}

static void machine(const void *about, lines_t *lines)
{
    const machine_t *tables = about;
    for (size_t i = 0; i < tables->row_count; i++) {
        const machine_row_t *row = &tables->rows[i];
        lines_add(lines, "%s | %s | %s | %s", tables->states[row->state],
                  tables->events[row->event], tables->states[row->next], row->action);
    }
}

static const char *taken(session_state_t state, unsigned type)
{
    err_t refusal = session_refusal(state, type);
    return refusal ? err_name(refusal) : "taken";
}

static void taking(const void *about, lines_t *lines)
{
    (void)about;
    for (unsigned type = MSG_HELLO; type < MSG_TYPE_END; type++)
        lines_add(lines, "%s | %s | %s | %s", message_type_name((message_type_t)type),
                  taken(SESSION_HELLO_SENT, type), taken(SESSION_HELLO_AWAITED, type),
                  taken(SESSION_READY, type));
}

// ---- comparing ----

typedef struct {
    char heading[64];
    size_t columns;
    void (*code)(const void *about, lines_t *lines);
    const void *about;
} table_t;

enum { TABLES_MAX = 32 };

static size_t all_tables(table_t tables[TABLES_MAX])
{
    static const table_t plain[] = {
        {"## 9. Reasons", 3, reasons, NULL},
        {"### Bounds", 2, quantities, bounds},
        {"### Times", 2, quantities, times},
        {"### What a link takes", 4, taking, NULL},
    };
    size_t count = sizeof plain / sizeof *plain;
    memcpy(tables, plain, sizeof plain);
    for (const machine_t *const *each = core_machines; *each; each++) {
        assert_true(count < TABLES_MAX);
        table_t *table = &tables[count++];
        *table = (table_t){.columns = 4, .code = machine, .about = *each};
        snprintf(table->heading, sizeof table->heading, "### Machine: %s", (*each)->name);
    }
    return count;
}

static size_t differs(const char *text, const table_t *table, const char *name)
{
    doc_table_t rows;
    lines_t document = {0}, code = {0};
    doc_table(text, table->heading, &rows);
    lines_add_table(&document, &rows, table->columns);
    table->code(table->about, &code);
    size_t count = lines_differ(&document, &code, name);
    lines_clear(&document);
    lines_clear(&code);
    doc_table_clear(&rows);
    return count;
}

static void the_tables_are_those_of_the_code(void **state)
{
    (void)state;
    table_t tables[TABLES_MAX];
    char *text = doc_read(DOCUMENT);
    size_t count = all_tables(tables), wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += differs(text, &tables[i], tables[i].heading);
    assert_int_equal(wrong, 0);
    mem_free(text);
}

// Every machine of the document is one of the code.
static void no_machine_is_only_in_the_document(void **state)
{
    (void)state;
    size_t headings = 0, machines = 0;
    char *text = doc_read(DOCUMENT);
    for (const char *at = strstr(text, "\n### Machine: "); at;
         at = strstr(at + 1, "\n### Machine: "))
        headings++;
    while (core_machines[machines])
        machines++;
    assert_true(machines >= 2);
    assert_int_equal(headings, machines);
    mem_free(text);
}

// ---- that it would be noticed ----

static char *without(const char *text, size_t start, size_t end)
{
    return mem_format("%.*s%s", (int)start, text, text + end);
}

static char *with_row_again(const char *text, const doc_row_t *row)
{
    return mem_format("%.*s%s", (int)row->end, text, text + row->start);
}

// One character of the cell made another.
static char *with_cell_changed(const char *text, const doc_row_t *row, size_t cell)
{
    char *changed = mem_copy_string(text);
    char *at = changed + row->start;
    for (size_t i = 0; i <= cell; i++)
        at = strchr(at, '|') + 1;
    at += strspn(at, " `");
    assert_true(at < changed + row->end && *at != '|');
    *at = *at == 'x' ? 'y' : 'x';
    return changed;
}

static void assert_noticed(char *changed, const table_t *table)
{
    assert_true(differs(changed, table, NULL) > 0);
    mem_free(changed);
}

static void whatever_differs_is_noticed(void **state)
{
    (void)state;
    table_t tables[TABLES_MAX];
    char *text = doc_read(DOCUMENT);
    size_t count = all_tables(tables);
    for (size_t i = 0; i < count; i++) {
        doc_table_t rows;
        assert_true(doc_table(text, tables[i].heading, &rows));
        for (size_t k = 0; k < rows.count; k += thin(10)) {
            const doc_row_t *row = &rows.rows[k];
            assert_noticed(without(text, row->start, row->end), &tables[i]);
            assert_noticed(with_row_again(text, row), &tables[i]);
            for (size_t cell = 0; cell < tables[i].columns; cell++)
                assert_noticed(with_cell_changed(text, row, cell), &tables[i]);
        }
        doc_table_clear(&rows);
    }
    mem_free(text);
}

// ---- the machines themselves ----

static bool reached(const machine_t *machine_of, unsigned state)
{
    for (size_t i = 0; i < machine_of->row_count; i++)
        if (machine_of->rows[i].next == state && machine_of->rows[i].state != state)
            return true;
    return state == 0; // where each begins
}

static bool left(const machine_t *machine_of, unsigned state)
{
    for (size_t i = 0; i < machine_of->row_count; i++)
        if (machine_of->rows[i].state == state && machine_of->rows[i].next != state)
            return true;
    return false;
}

// Says of every event that nothing leads out of it.
static bool is_final(const machine_t *machine_of, unsigned state)
{
    for (unsigned i = 0; i < machine_of->event_count; i++)
        if (!machine_takes(machine_of, state, i))
            return false;
    return true;
}

static bool happens(const machine_t *machine_of, unsigned event)
{
    for (size_t i = 0; i < machine_of->row_count; i++)
        if (machine_of->rows[i].event == event)
            return true;
    return false;
}

static void machines_are_whole(void **state)
{
    (void)state;
    for (const machine_t *const *each = core_machines; *each; each++) {
        const machine_t *one = *each;
        for (size_t i = 0; i < one->row_count; i++) {
            const machine_row_t *row = &one->rows[i];
            assert_true(row->state < one->state_count && row->next < one->state_count);
            assert_true(row->event < one->event_count);
            // machine_move finds this row and no other.
            assert_int_equal(machine_move(one, row->state, row->event), row->next);
            for (size_t k = 0; k < i; k++)
                assert_false(one->rows[k].state == row->state && one->rows[k].event == row->event);
        }
        for (unsigned i = 0; i < one->state_count; i++)
            if (!one->states[i] || !reached(one, i) || !(left(one, i) || is_final(one, i)))
                fail_msg("%s: state %u", one->name, i);
        for (unsigned i = 0; i < one->event_count; i++)
            if (!one->events[i] || !happens(one, i))
                fail_msg("%s: event %u", one->name, i);
    }
}

// ---- invariants ----

// I or L and one or two digits, by itself.
static size_t number_at(const char *at, const char *before)
{
    size_t digits = strspn(at + 1, "0123456789");
    bool word = before && (before[0] == '_' || (before[0] >= '0' && before[0] <= '9') ||
                           ((before[0] | 32) >= 'a' && (before[0] | 32) <= 'z'));
    bool more =
        at[1 + digits] == '_' || ((at[1 + digits] | 32) >= 'a' && (at[1 + digits] | 32) <= 'z');
    return (*at == 'I' || *at == 'L') && !word && !more && digits >= 1 && digits <= 2 ? 1 + digits
                                                                                      : 0;
}

// What the comments of a file name.
static void named_in(const char *path, lines_t *names)
{
    char *text = doc_read(path);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *comment = strstr(line, "//");
        for (const char *at = comment; at && *at; at++) {
            size_t size = number_at(at, at > comment ? at - 1 : NULL);
            if (size)
                lines_add(names, "%.*s", (int)size, at);
        }
    }
    mem_free(text);
}

static void named_under(const char *folder, lines_t *names)
{
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        char *path = mem_format("%s/%s", folder, entry->d_name);
        struct stat about;
        size_t size = strlen(path);
        bool source = size > 2 && path[size - 2] == '.' && strchr("ch", path[size - 1]);
        if (entry->d_name[0] != '.' && stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            named_under(path, names);
        else if (source)
            named_in(path, names);
        mem_free(path);
    }
    closedir(directory);
}

static bool has_line(const lines_t *lines, const char *text)
{
    for (size_t i = 0; i < lines->count; i++)
        if (strcmp(lines->items[i], text) == 0)
            return true;
    return false;
}

static size_t fault_of_file(const char *path, const char *number, bool tell)
{
    struct stat about;
    lines_t names = {0};
    bool exists = stat(path, &about) == 0;
    if (exists)
        named_in(path, &names);
    bool named = has_line(&names, number);
    lines_clear(&names);
    if (tell && !named)
        fprintf(stderr, "%s %s\n", path,
                exists ? "does not name" : "is not there, and should name");
    if (tell && !named)
        fprintf(stderr, "  %s\n", number);
    return !named;
}

// The files of a row name it; how many of them do not, 1 where there are none.
static size_t faults_of_row(const doc_row_t *row, bool tell)
{
    size_t faults = 0, files = 0;
    const char *at = row->cells[3] + strspn(row->cells[3], ", ");
    for (size_t size = strcspn(at, ", "); size > 0; size = strcspn(at, ", ")) {
        char *path = mem_format("%.*s", (int)size, at);
        faults += fault_of_file(path, row->cells[0], tell);
        mem_free(path);
        files++;
        at += size;
        at += strspn(at, ", ");
    }
    return faults + (files == 0);
}

// Numbered from 1, without a gap.
static size_t faults_of_numbers(const doc_table_t *rows)
{
    unsigned safety = 0, liveness = 0;
    size_t faults = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const char *number = rows->rows[i].cells[0];
        char *expected =
            number[0] == 'I' ? mem_format("I%u", ++safety) : mem_format("L%u", ++liveness);
        faults += strcmp(number, expected) != 0;
        mem_free(expected);
    }
    return faults;
}

static size_t faults_of_invariants(const char *text, const lines_t *named, bool tell)
{
    doc_table_t rows;
    lines_t numbers = {0};
    doc_table(text, "## 12. What always holds", &rows);
    size_t faults = faults_of_numbers(&rows);
    for (size_t i = 0; i < rows.count; i++) {
        lines_add(&numbers, "%s", rows.rows[i].cells[0]);
        faults += faults_of_row(&rows.rows[i], tell);
    }
    for (size_t i = 0; i < named->count; i++)
        if (!has_line(&numbers, named->items[i])) {
            if (tell)
                fprintf(stderr, "only in the code: %s\n", named->items[i]);
            faults++;
        }
    lines_clear(&numbers);
    doc_table_clear(&rows);
    return faults;
}

static void invariants_are_named_where_they_are_kept(void **state)
{
    (void)state;
    lines_t named = {0};
    named_under("lib", &named);
    named_under("daemon", &named);
    char *text = doc_read(DOCUMENT);
    assert_int_equal(faults_of_invariants(text, &named, true), 0);
    // One less, one with another number, one whose file is another.
    doc_table_t rows;
    doc_table(text, "## 12. What always holds", &rows);
    assert_int_equal(rows.count, 16 + 7);
    for (size_t i = 0; i < rows.count; i += thin(8)) {
        char *changed[] = {without(text, rows.rows[i].start, rows.rows[i].end),
                           with_cell_changed(text, &rows.rows[i], 0),
                           with_cell_changed(text, &rows.rows[i], 3)};
        for (size_t k = 0; k < sizeof changed / sizeof *changed; k++) {
            assert_true(faults_of_invariants(changed[k], &named, false) > 0);
            mem_free(changed[k]);
        }
    }
    doc_table_clear(&rows);
    lines_clear(&named);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_are_those_of_the_code),
        cmocka_unit_test(no_machine_is_only_in_the_document),
        cmocka_unit_test(whatever_differs_is_noticed),
        cmocka_unit_test(machines_are_whole),
        cmocka_unit_test(invariants_are_named_where_they_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
