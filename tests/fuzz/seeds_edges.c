#include <string.h>

#include "enlace/v1/control.pb-c.h"
#include "lib/armour.h"
#include "lib/bounded.h"
#include "lib/marker.h"
#include "lib/mem.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/seeds.h"

#define BODY(name)  ENLACE__V1__CONTROL_REQUEST__BODY_##name
#define REPLY(name) ENLACE__V1__CONTROL_REPLY__BODY_##name

static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text; // protobuf-c only reads it
}

// ---- requests ----

static void request(Enlace__V1__ControlRequest__BodyCase body_case, void *body)
{
    Enlace__V1__ControlRequest request = ENLACE__V1__CONTROL_REQUEST__INIT;
    request.has_id = true;
    request.id = 5;
    request.lang = text_of("pt");
    request.body_case = body_case;
    request.put = body;
    put_seed_buf("control", bounded_pack(&request.base));
}

static void writing_seeds(void)
{
    Enlace__V1__Assignment one = ENLACE__V1__ASSIGNMENT__INIT, two = one;
    Enlace__V1__Assignment *assignments[] = {&one, &two};
    Enlace__V1__Put put = ENLACE__V1__PUT__INIT;
    Enlace__V1__Edit edit = ENLACE__V1__EDIT__INIT;
    Enlace__V1__Retract retract = ENLACE__V1__RETRACT__INIT;
    put.json = text_of("{\"kind\":\"membership\",\"member\":\"@a\",\"coalition\":\"@GT:a\"}");
    request(BODY(PUT), &put);
    one.field = text_of("name");
    one.value = text_of("es:Nombre");
    two.field = text_of("note");
    two.value = text_of("{\"en\":\"x\"}");
    two.has_json = two.json = true;
    put.json = NULL;
    put.kind = text_of("body");
    put.n_assignments = edit.n_assignments = 2;
    put.assignments = edit.assignments = assignments;
    request(BODY(PUT), &put);
    edit.id = text_of("@b");
    edit.has_if_revision = true;
    edit.if_revision = 2;
    request(BODY(EDIT), &edit);
    edit.id = text_of("CR:1");
    request(BODY(EDIT), &edit);
    retract.id = text_of("CR:2");
    request(BODY(RETRACT), &retract);
    buf_t card = card_encode(cast()->actors[0].card);
    Enlace__V1__EpochRequest epoch = ENLACE__V1__EPOCH_REQUEST__INIT;
    epoch.has_card = true;
    epoch.card = (ProtobufCBinaryData){card.size, card.data};
    request(BODY(EPOCH), &epoch);
    buf_free(&card);
}

static void asking_seeds(void)
{
    Enlace__V1__Assignment filter = ENLACE__V1__ASSIGNMENT__INIT, *filters[] = {&filter};
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    Enlace__V1__ShowRequest show = ENLACE__V1__SHOW_REQUEST__INIT;
    Enlace__V1__TailRequest tail = ENLACE__V1__TAIL_REQUEST__INIT;
    Enlace__V1__DigestRequest digest = ENLACE__V1__DIGEST_REQUEST__INIT;
    list.kind = text_of("body");
    request(BODY(LIST), &list);
    filter.field = text_of("name");
    filter.value = text_of("Dos!");
    list.n_filters = 1;
    list.filters = filters;
    list.owner = text_of("CR");
    list.has_limit = list.has_retracted = list.retracted = true;
    list.limit = 1;
    request(BODY(LIST), &list);
    show.id = text_of("@b");
    request(BODY(SHOW), &show);
    show.id = text_of("GT:1");
    show.has_history = show.history = true;
    request(BODY(SHOW), &show);
    tail.has_since = tail.has_limit = true;
    tail.limit = 3;
    request(BODY(TAIL), &tail);
    request(BODY(DIGEST), &digest);
}

// ---- replies ----

static void reply(Enlace__V1__ControlReply__BodyCase body_case, void *body)
{
    Enlace__V1__ControlReply reply = ENLACE__V1__CONTROL_REPLY__INIT;
    reply.has_id = true;
    reply.id = 5;
    reply.body_case = body_case;
    reply.working = body;
    put_seed_buf("reply", bounded_pack(&reply.base));
}

static void page_seeds(void)
{
    buf_t record =
        encode_record_line("{\"kind\":\"meeting\",\"key\":\"m\",\"title\":{\"es\":\"Uno\","
                           "\"en\":\"One\"},\"from\":\"2018-04\",\"attendance\":[{"
                           "\"organisation\":\"@x\",\"head_count\":4}]}");
    Enlace__V1__ResolvedRef ref = ENLACE__V1__RESOLVED_REF__INIT, *refs[] = {&ref};
    Enlace__V1__RecordView view = ENLACE__V1__RECORD_VIEW__INIT, *views[] = {&view};
    Enlace__V1__RecordPage page = ENLACE__V1__RECORD_PAGE__INIT;
    Enlace__V1__TailPage tail = ENLACE__V1__TAIL_PAGE__INIT;
    ref.field = text_of("attendance.1.organisation");
    ref.given = text_of("@CR:x");
    ref.why = text_of("not-yet-here");
    view.id = text_of("CR:7");
    view.node = text_of("CR");
    view.kind = text_of("meeting");
    view.label = text_of("TLP:GREEN");
    view.state = text_of("standing");
    view.note = text_of("needs-newer-reader");
    view.has_revision = view.has_changed_ms = view.has_record = true;
    view.revision = 2;
    view.changed_ms = 1700000000000;
    view.record = (ProtobufCBinaryData){record.size, record.data};
    view.refs = refs;
    view.n_refs = 1;
    page.records = tail.changes = views;
    page.n_records = tail.n_changes = 1;
    reply(REPLY(PAGE), &page);
    view.change = text_of("CR:9");
    view.type = text_of("record");
    reply(REPLY(TAIL), &tail);
    buf_free(&record);
}

static void status_seeds(void)
{
    Enlace__V1__StatusReply status = ENLACE__V1__STATUS_REPLY__INIT;
    Enlace__V1__StatusReply__Node node = ENLACE__V1__STATUS_REPLY__NODE__INIT;
    Enlace__V1__StatusReply__Peer peer = ENLACE__V1__STATUS_REPLY__PEER__INIT, *peers[] = {&peer};
    Enlace__V1__StatusReply__FeedState feed = ENLACE__V1__STATUS_REPLY__FEED_STATE__INIT,
                                       *feeds[] = {&feed};
    Enlace__V1__StatusReply__Counter counter = ENLACE__V1__STATUS_REPLY__COUNTER__INIT,
                                     *counters[] = {&counter};
    char *missing[] = {text_of("GT: 3 changes behind")};
    node.code = peer.code = feed.node = text_of("CR");
    node.name = node.coalition = text_of("Costa Rica");
    node.writing = feed.why = counter.reason = text_of("fenced");
    node.has_writing_since_ms = node.has_log_bytes = feed.has_known = feed.has_behind_ms = true;
    node.writing_since_ms = 1700000000000;
    node.log_bytes = feed.known = counter.count = 12345678;
    node.parked = 2;
    peer.state = text_of("up");
    peer.has_rtt_ms = peer.has_heard_ms = true;
    feed.state = text_of("behind");
    status.node = &node;
    status.peers = peers;
    status.feeds = feeds;
    status.counters = counters;
    status.missing = missing;
    status.n_peers = status.n_feeds = status.n_counters = status.n_missing = 1;
    reply(REPLY(STATUS), &status);
}

static void other_reply_seeds(void)
{
    Enlace__V1__Refusal refusal = ENLACE__V1__REFUSAL__INIT;
    Enlace__V1__Written written = ENLACE__V1__WRITTEN__INIT;
    refusal.has_reason = true;
    refusal.reason = 165;
    refusal.field = text_of("from");
    written.id = text_of("CR:7");
    reply(REPLY(REFUSAL), &refusal);
    reply(REPLY(WRITTEN), &written);
}

// ---- files ----

static void import_seeds(void)
{
    static const char *const files[] = {
        "\xef\xbb\xbf{\"node\":\"CR\",\"kind\":\"committee\",\"key\":\"a\",\"name\":\"Otro\"}\r\n"
        "\n{\"node\":\"GT\",\"kind\":\"coalition\",\"key\":\"z\",\"name\":\"x\"}\n"
        "{\"node\":\"CR\",\"kind\":\"membership\",\"key\":\"n\",\"member\":\"@a\",\"coalition\":"
        "\"@z\"}\n",
        ("{\"node\":\"CR\",\"kind\":\"body\",\"key\":\"gone\",\"name\":\"x\"}\n"
         "{\"node\":\"CR\",\"kind\":\"body\",\"key\":\"q\",\"name\":{\"es\":\"y\"}}"),
        "{\"node\":\"CR\",\"kind\":\"committee\",\"key\":\"a\",\"name\":\"Uno\",\"country\":"
        "\"CR\"}",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put_seed_text("import", files[i]);
}

static void file_seeds(void)
{
    static const char *const names[] = {"root-key", "signing-key", "transport-key", "sealing-key"};
    for (uint8_t i = 0; i < 4; i++) {
        char *line = armour_format(names[i], span_of((uint8_t[32]){i}, 32));
        put_seed_behind("files", (uint8_t[]){i, 0200}, 2, span_text(line));
        mem_free(line);
    }
    buf_t bytes = card_encode(cast()->actors[0].card);
    char *line = armour_format("card", buf_span(&bytes));
    put_seed_behind("files", (uint8_t[]){4, 0200}, 2, span_text(line));
    mem_free(line);
    buf_free(&bytes);
    marker_t marker = {.nonce_count = 2, .nonces = {{{3}}, {{4}}}, .sequence = 1};
    uint8_t encoded[MARKER_BYTES];
    marker_set_heads(&marker, (position_t[]){{1, 0, 2}, {1, 1, 9}}, 2, false);
    marker_encode(&marker, encoded);
    put_seed_behind("files", (uint8_t[]){7, 0200}, 2, span_of(encoded, sizeof encoded));
    put_seed_behind("files", (uint8_t[]){6, 0200}, 2,
                    span_text("node\n    code = CR\n    name = x\n"));
}

// ---- SOCKS, ZAP ----

static void proxy_seeds(void)
{
    static const char by_name[] = "\2\2\5\0\x0a\5\0\0\3\3abc\1\2\4more";
    static const char by_address[] = "\0\x0c\5\0\5\0\0\1\177\0\0\1\1\2\3end";
    static const char by_six[] = "\1\1\5\1\0\x16\5\0\0\4................\1\2";
    put_seed("socks", span_of(by_name, sizeof by_name - 1));
    put_seed("socks", span_of(by_address, sizeof by_address - 1));
    put_seed("socks", span_of(by_six, sizeof by_six - 1));
    static const char admitted[] = "\3\0001.0\1\000i\6\000domain\0\0\0\0\5\000CURVE\xff\xff";
    static const char stranger[] = "\3\0001.0\1\000i\6\000domain\3\000a:1\0\0\5\000CURVE\x20\000"
                                   "................................";
    put_seed("zap", span_of(admitted, sizeof admitted - 1));
    put_seed("zap", span_of(stranger, sizeof stranger - 1));
}

void edge_seeds(void)
{
    writing_seeds();
    asking_seeds();
    page_seeds();
    status_seeds();
    other_reply_seeds();
    import_seeds();
    file_seeds();
    proxy_seeds();
}
