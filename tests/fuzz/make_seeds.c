// Writes the inputs that fuzzing starts from: make_seeds FOLDER makes
// FOLDER/TARGET/NAME. Valid things of every sort, small; what the fuzzers made of
// them since is in tests/fuzz/corpus.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/armour.h"
#include "lib/bounded.h"
#include "lib/compress.h"
#include "lib/home.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/record_json.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/seeds.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_messages.h"
#include "tests/unit/protocol_samples.h"

#define EXAMPLE "deploy/examples/regional-coalition.jsonl"

static const char *folder;
static unsigned written;

void put_seed(const char *target, span_t bytes)
{
    fault_t fault = {0};
    char *dir = mem_format("%s/%s", folder, target);
    char *path = mem_format("%s/seed-%03u", dir, written++);
    mkdir(dir, 0777);
    if (file_write(path, bytes, 0644, &fault)) {
        fprintf(stderr, "%s: %s\n", path, fault.detail);
        exit(1);
    }
    mem_free(path);
    mem_free(dir);
}

void put_seed_buf(const char *target, buf_t bytes)
{
    put_seed(target, buf_span(&bytes));
    buf_free(&bytes);
}

void put_seed_text(const char *target, const char *text)
{
    put_seed(target, span_text(text));
}

// One byte or more in front.
void put_seed_behind(const char *target, const void *prefix, size_t size, span_t bytes)
{
    buf_t whole = buf_copy(span_of(prefix, size));
    buf_append(&whole, bytes);
    put_seed_buf(target, whole);
}

// ---- membership ----

static beacon_t *make_beacon(void)
{
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    const actor_t *actor = &cast()->actors[1];
    beacon->origin = actor->origin;
    beacon->sequence = 1700000000000;
    beacon->card_number = 1;
    beacon->coalition = cast()->charter->hash;
    beacon->own_count = beacon->held_count = 2;
    beacon->own = mem_alloc_array(2, sizeof *beacon->own);
    beacon->held = mem_alloc_array(2, sizeof *beacon->held);
    for (uint32_t i = 0; i < 2; i++) {
        beacon->own[i] = (head_t){{actor->origin, 1, i}, 3 + i, {{7}}};
        beacon->held[i] = (head_t){{cast()->actors[0].origin, 1, i}, 9, {{8}}};
    }
    beacon->anchor = pulse_preimage(beacon, &(preimage_t){{'t', 'o', 'p'}}, 0);
    beacon_sign(beacon, actor->signing);
    return beacon;
}

static roster_t *make_successor(void)
{
    roster_t *next = sample_roster_after(cast()->charter);
    next->members[0].role_count = 2;
    next->members[0].roles[1] = 3;
    former_t gone = {.code = next->members[3].code,
                     .origin = next->members[3].origin,
                     .root_key = next->members[3].root_key,
                     .cut_count = 2};
    gone.cuts = mem_alloc_array(2, sizeof *gone.cuts);
    gone.cuts[0] = (cut_t){1, 0, 1, {{1}}};
    gone.cuts[1] = (cut_t){1, 1, 5, {{2}}};
    mem_free(next->formers);
    next->formers = mem_alloc(sizeof *next->formers);
    next->formers[0] = gone;
    next->former_count = 1;
    next->member_count = 3;
    roster_seal(next);
    sample_vote(next, 1, &cast()->charter->hash);
    sample_vote(next, 2, &cast()->charter->hash);
    return next;
}

static void membership_seeds(void)
{
    card_t *cards[CAST_MEMBERS], *later = sample_card_after(cast()->actors[1].card, 2);
    beacon_t *beacon = make_beacon();
    roster_t *next = make_successor();
    for (size_t i = 0; i < CAST_MEMBERS; i++) {
        cards[i] = cast()->actors[i].card;
        put_seed_buf("card", card_encode(cards[i]));
    }
    put_seed_buf("card", card_encode(later));
    put_seed_buf("roster", roster_encode(cast()->charter));
    put_seed_buf("roster", roster_encode(next));
    put_seed("beacon", buf_span(&beacon->signed_form));
    put_seed_buf("charter", charter_encode(cast()->charter, cards, CAST_MEMBERS));
    card_destroy(&later);
    beacon_destroy(&beacon);
    roster_destroy(&next);
}

// ---- records, from the examples ----

static const json_reading_t reading = {.own = "CR", .lang = "es"};

buf_t encode_record_line(const char *line)
{
    json_t *object = NULL;
    record_t *record = NULL;
    fault_t fault = {0};
    buf_t bytes = {0};
    if (!json_parse(line, strlen(line), &object, &fault) &&
        !record_from_json(object, &reading, &record, &fault))
        bytes = record_encode(record);
    record_destroy(&record);
    json_decref(object);
    return bytes;
}

static void record_seeds(void)
{
    static const char *const more[] = {
        "{\"kind\":\"document\",\"size\":9007199254740991,\"lang\":\"pt-BR\",\"mime\":\"a/b\"}",
        "{\"kind\":\"organisation\",\"type\":\"NGO\",\"services\":[\"Legal\"],\"city_code\":"
        "\"05001\"}",
        "{\"kind\":\"training\",\"professions\":[\"JUDGE\",200],\"participants\":0}",
        "{\"kind\":\"project\",\"budget\":{\"amount_minor\":-5,\"currency\":\"EUR\"},\"status\":"
        "\"2\",\"participants\":[{\"name\":\"x\",\"role\":\"1\"},{}]}",
        "{\"kind\":\"meeting\",\"attendance\":[{\"organisation\":\"@x\",\"head_count\":4}],"
        "\"agenda\":[{\"es\":\"uno\"}],\"from\":{\"year\":2018,\"month\":13}}",
        "{\"kind\":\"body\",\"_unknown\":[{\"tag\":99,\"wire\":0,\"data\":\"BQ==\"},{\"tag\":41,"
        "\"wire\":2,\"data\":\"CAE=\",\"record\":true}]}",
    };
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(EXAMPLE, "r");
    if (!file) {
        fprintf(stderr, "%s: run this from the root of the project\n", EXAMPLE);
        exit(1);
    }
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        line[size - 1] = '\0';
        put_seed_text("json", line);
        put_seed_buf("record", encode_record_line(line));
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        put_seed_text("json", more[i]);
        put_seed_buf("record", encode_record_line(more[i]));
    }
    free(line);
    fclose(file);
}

// ---- commits ----

static commit_t *make_commit(const actor_t *actor, uint64_t first, const hash_t *previous,
                             const char *line)
{
    static const uint8_t seed[32] = {5};
    feed_t feed = {actor->origin, 1, LANE_COALITION};
    buf_t body = encode_record_line(line);
    draft_t drafts[2] = {
        {.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)},
        {.type = CHANGE_RETRACT, .has_target = true, .target = {1, 1, first}, .min_reader = 1}};
    commit_t *commit = commit_author(&feed, first, previous, 1700000000000 + first, 1, drafts, 2,
                                     seed, actor->signing, &cast()->charter->hash);
    buf_free(&body);
    return commit;
}

// The field `tag` of an encoded message, without its frame.
static span_t inner_field(span_t message, size_t skip)
{
    return span_of(message.data + skip, message.size - skip);
}

static void commit_seeds(void)
{
    static const char line[] = "{\"kind\":\"body\",\"key\":\"a\",\"name\":\"N\"}";
    const actor_t *actor = &cast()->actors[1];
    commit_t *commits[2];
    commits[0] = make_commit(actor, 1, &actor->card->hash, line);
    commits[1] = make_commit(actor, 3, &commits[0]->hash, line);
    buf_t run = run_encode(&commits[0]->feed, commits, 2);
    put_seed("run", buf_span(&run));
    buf_free(&run);
    run = run_encode(&commits[0]->feed, commits, 1);
    put_seed("run", buf_span(&run));
    // A feed with its frame is 24 bytes, the commit's frame two or three.
    size_t frame = run.size - 24 - commit_encoded_size(commits[0]);
    put_seed("commit", inner_field(buf_span(&run), 24 + frame + 3));
    put_seed("commit", inner_field(buf_span(&run), 24 + frame + 2));
    put_seed("header", commits[0]->header);
    buf_free(&run);
    commits[1]->changes[0].state = PAYLOAD_MISSING;
    put_seed_buf("run", run_encode(&commits[1]->feed, &commits[1], 1));
    static const hash_t topic = {{'t', 'o', 'p', 'i', 'c'}};
    buf_t body = publication_of_commit(commits[0]);
    put_seed_behind("publication", topic.bytes, TOPIC_SIZE, buf_span(&body));
    buf_free(&body);
    body = publication_of_head(&(head_t){commits[0]->feed, 2, commits[0]->hash});
    put_seed_behind("publication", topic.bytes, TOPIC_SIZE, buf_span(&body));
    buf_free(&body);
    beacon_t *beacon = make_beacon();
    body = publication_of_beacon(buf_span(&beacon->signed_form));
    put_seed_behind("publication", topic.bytes, TOPIC_SIZE, buf_span(&body));
    buf_free(&body);
    pulse_t pulse = {beacon->origin, beacon->sequence, 7, {{1}}};
    body = publication_of_beacons(&(signed_items_t){.pulse_count = 1, .pulses = &pulse});
    put_seed_behind("publication", topic.bytes, TOPIC_SIZE, buf_span(&body));
    buf_free(&body);
    beacon_destroy(&beacon);
    commit_destroy(&commits[0]);
    commit_destroy(&commits[1]);
}

// ---- messages ----

static void put_items(message_type_t type, buf_t item)
{
    message_t message = {.type = type, .has_session = true};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&item);
    put_seed_buf("message", message_encode(&message));
    buf_free(&item);
}

static void message_seeds(void)
{
    known_messages_start(NULL);
    for (size_t i = 0; known_message(i); i++)
        put_seed_buf("message", from_hex(known_message(i)->hex));
    known_messages_stop(NULL);
    beacon_t *beacon = make_beacon();
    put_items(MSG_CARDS, card_encode(cast()->actors[0].card));
    put_items(MSG_ROSTERS, roster_encode(cast()->charter));
    put_items(MSG_BEACONS, buf_copy(buf_span(&beacon->signed_form)));
    beacon_destroy(&beacon);
}

// ---- what people write ----

static void text_seeds(void)
{
    static const char *const texts[] = {"CR:42",
                                        "CO-BOG.2/3:7",
                                        "CR/65535:9007199254740992",
                                        "@comite-gt",
                                        "@GT:comite-gt",
                                        "2018",
                                        "2018-04-05",
                                        "2020-02-29",
                                        "es-CO",
                                        "zh-Hant-TW",
                                        "de-1996",
                                        "tcp://192.0.2.1:7000",
                                        "tcp://[2001:db8::1]:7000",
                                        "tcp://hub.example.org:65534",
                                        "TLP:AMBER+STRICT",
                                        "htcds-services",
                                        "iati-activity-status",
                                        "EUR",
                                        "05001"};
    static const char *const assignments[] = {
        "\x01name=es:Nombre\nsectors=POLICE\nsectors=HEALTH\nsince=2011-03",
        "\x09"
        "budget.currency=EUR\nbudget.amount_minor=5\nparticipants.1.name=UE\n"
        "participants.1.role=1\ncountries=CO\ntitle=en:x\ntitle=es:y\nacronym=",
        "\x04"
        "attendance.1.head_count=7\nattendance.1.organisation=@x\nagenda.1=es:a\n"
        "agenda:=[{\"es\":\"b\"}]\nfrom=2018-04\nhosts=A\nhosts=B",
        "\x03member=@CR:a\nclass=OBSERVER\ncoalition=GT.2/3:7\nlabel=TLP:GREEN\nkey=k-1",
    };
    char words[WORDS_TEXT];
    hash_t hash = crypto_hash_of(HASH_WORDS, span_text("some charter"));
    words_format(&hash, words);
    put_seed_text("text", words);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_seed_text("text", texts[i]);
    for (size_t i = 0; i < sizeof assignments / sizeof *assignments; i++)
        put_seed_text("assign", assignments[i]);
}

static void armour_seeds(void)
{
    char *line = armour_format("card", span_text("some bytes"));
    char *key = armour_format("root-key", span_of((uint8_t[32]){9}, 32));
    char *mail = mem_format("On Monday somebody wrote:\n> %.20s\n>  %s\r\n", line, line + 20);
    put_seed_text("armour", line);
    put_seed_text("armour", key);
    put_seed_text("armour", mail);
    mem_free(line);
    mem_free(key);
    mem_free(mail);
}

static void config_seeds(void)
{
    static const char plain[] =
        "node\n    code = \"CR\"\n    name = 'Costa \"Rica\"' # us\n    country = CR\nlink\n"
        "    listen = \"tcp://192.0.2.7:5670\"\n    advertise = tcp://a.example:5670\n"
        "    socks = \"127.0.0.1:9050\"\nconnect\n    peer = CRM@tcp://hub.example.org:5670\n"
        "    peer = \"tcp://[2001:db8::1]:5670\"\n";
    config_t *config = config_new();
    fault_t fault = {0};
    config_set(config, "node/code", "GT", &fault);
    config_set(config, "node/name", "Guatemala", &fault);
    put_seed_buf("config", config_print(config));
    put_seed_text("config", plain);
    config_destroy(&config);
}

// What stands for other messages, behind the number of its type in fuzz_bounded.c.
static void bounded_seeds(void)
{
    const actor_t *actor = &cast()->actors[0];
    buf_t record = encode_record_line("{\"kind\":\"body\",\"key\":\"a\",\"name\":\"N\"}");
    buf_t card = card_encode(actor->card);
    put_seed_behind("bounded", "\0", 1, buf_span(&record));
    put_seed_behind("bounded", "\6", 1, buf_span(&actor->card->body));
    put_seed_behind("bounded", "\5", 1, buf_span(&cast()->charter->body));
    buf_free(&record);
    buf_free(&card);
}

// Behind the size that was told, three bytes: see fuzz_compress.c.
static void compress_seeds(void)
{
    static const struct {
        const char *size, *frame;
    } by_hand[] = {
        {"280000", "28b52ffd2028 430100 65"},              // one byte 40 times
        {"2b0000", "28b52ffd202b 180000616263 430100 65"}, // behind a raw block
        {"280000", "28b52ffd2428 430100 65 00000000"},     // with a checksum
    };
    static const char text[] =
        "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece "
        "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece";
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
        buf_t size = from_hex(by_hand[i].size), frame = from_hex(by_hand[i].frame);
        put_seed_behind("compress", size.data, size.size, buf_span(&frame));
        buf_free(&size);
        buf_free(&frame);
    }
    buf_t frame;
    uint8_t size[3] = {sizeof text - 1};
    if (compress(span_text(text), &frame))
        put_seed_behind("compress", size, sizeof size, buf_span(&frame));
    buf_free(&frame);
}

int main(int argc, char **argv)
{
    if (argc != 2 || crypto_start())
        return 2;
    folder = argv[1];
    mkdir(folder, 0777);
    membership_seeds();
    record_seeds();
    commit_seeds();
    message_seeds();
    text_seeds();
    armour_seeds();
    config_seeds();
    compress_seeds();
    bounded_seeds();
    edge_seeds();
    node_seeds();
    printf("%u seeds\n", written);
    return 0;
}
