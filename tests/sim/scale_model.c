#include "tests/sim/scale_model.h"

#include <math.h>
#include <string.h>

#include "daemon/core/state.h"
#include "lib/mem.h"
#include "tests/sim/network.h"
#include "tests/sim/scale.h"

enum { MINUTE_MS = 60000, PIECE = 16 }; // of the allocator: before each piece, and rounded up

// ---- sizes ----

static double size_of(message_t *message)
{
    message->has_session = message->type != MSG_HELLO;
    buf_t bytes = message_encode(message);
    double size = (double)bytes.size;
    buf_free(&bytes);
    return size;
}

// Numbers and times of a node that has run for a while.
static head_t sample_head(void)
{
    head_t head = {.feed = {.epoch = 1, .lane = LANE_COALITION}, .number = 1};
    memset(&head.feed.origin, 7, sizeof head.feed.origin);
    return head;
}

static double heads_size(message_type_t type, size_t count)
{
    head_t items[2] = {sample_head(), sample_head()};
    message_t message = {.type = type};
    message.as.heads.count = count;
    message.as.heads.items = items;
    return size_of(&message);
}

static double fetch_size(void)
{
    message_t message = {.type = MSG_FETCH};
    message.as.fetch.fetch = 1;
    message.as.fetch.feed = sample_head().feed;
    message.as.fetch.credit_limit = CREDIT_FIRST;
    return size_of(&message);
}

static double ping_size(void)
{
    message_t message = {.type = MSG_PING};
    message.as.ping.token = UINT64_MAX;
    return size_of(&message);
}

static double greeting_size(size_t cards)
{
    card_number_t numbers[1] = {{.number = 1}};
    message_t message = {.type = MSG_WELCOME};
    message.as.welcome = (greeting_t){.protocol_min = PROTOCOL_VERSION,
                                      .protocol_max = PROTOCOL_VERSION,
                                      .roster_version = 1,
                                      .card_count = cards,
                                      .cards = numbers};
    return size_of(&message);
}

static void size_beacons(sizes_t *sizes, const secret_t *key)
{
    head_t held = sample_head();
    beacon_t beacon = {.sequence = (uint64_t)1 << 40, .card_number = 1, .held = &held};
    message_t message = {.type = MSG_BEACONS};
    beacon_sign(&beacon, key);
    sizes->beacon = (double)beacon.signed_form.size;
    buf_t published = publication_of_beacon(buf_span(&beacon.signed_form));
    sizes->published_overhead = (double)published.size - sizes->beacon;
    buf_free(&published);
    pulse_t pulse = {.sequence = beacon.sequence, .step = 1};
    sizes->pulses = size_of(&message);
    message.as.signed_items.pulse_count = 1;
    message.as.signed_items.pulses = &pulse;
    sizes->pulse = size_of(&message) - sizes->pulses;
    message.as.signed_items.pulse_count = 0;
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&beacon.signed_form);
    sizes->beacon_overhead = size_of(&message) - sizes->beacon;
    beacon.held_count = 1;
    beacon_sign(&beacon, key);
    sizes->head = (double)beacon.signed_form.size - sizes->beacon;
    buf_free(&beacon.signed_form);
}

static void size_runs(sizes_t *sizes, const secret_t *key)
{
    uint8_t body[SCALE_RECORD_BYTES] = {0}, seed[32] = {0};
    head_t head = sample_head();
    hash_t none = {0};
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_of(body, sizeof body)};
    commit_t *commit =
        commit_author(&head.feed, 1, &none, (uint64_t)1 << 40, 1, &draft, 1, seed, key, &none);
    buf_t published = publication_of_commit(commit), run = run_encode(&head.feed, &commit, 1);
    message_t message = {.type = MSG_RUN_PART};
    message.as.run_part.fetch = 1;
    message.as.run_part.last = message.as.run_part.end = true;
    message.as.run_part.bytes = buf_span(&run);
    sizes->published_run = (double)published.size;
    sizes->run_part = size_of(&message);
    buf_free(&published);
    buf_free(&run);
    commit_destroy(&commit);
}

static double roster_size(size_t members)
{
    member_t member = {.min_card = 1};
    roster_t roster = {.version = 1,
                       .name = (char[]){"Example coalition"},
                       .threshold = 1,
                       .min_protocol = 1,
                       .time_ms = (uint64_t)1 << 40,
                       .has_creator = true,
                       .member_count = members,
                       .members = &member};
    roster_signature_t signature = {0};
    code_parse("N00-0000", &member.code);
    roster_seal(&roster);
    roster_add_signature(&roster, &signature);
    buf_t bytes = roster_encode(&roster);
    double size = (double)bytes.size;
    buf_free(&bytes);
    buf_free(&roster.body);
    mem_free(roster.signatures);
    return size;
}

sizes_t scale_sizes(void)
{
    uint8_t seed[32] = {0};
    pubkey_t public;
    secret_t *key = secret_sign_new(seed, &public);
    sizes_t sizes = {.ack = heads_size(MSG_ACK, 1),
                     .heads = heads_size(MSG_HEADS, 1),
                     .fetch = fetch_size(),
                     .ping = ping_size(),
                     .greeting = greeting_size(0),
                     .card_number = greeting_size(1) - greeting_size(0),
                     .roster = roster_size(0),
                     .member = roster_size(1) - roster_size(0)};
    size_beacons(&sizes, key);
    size_runs(&sizes, key);
    secret_destroy(&key);
    return sizes;
}

// ---- what is sent ----

double scale_beacon(const sizes_t *sizes, double feeds)
{
    return sizes->beacon + sizes->head * fmin(feeds, BEACON_HEADS_MAX);
}

static double per_minute(double ms)
{
    return MINUTE_MS / ms;
}

// Beacons and pulses of a node that makes so many changes a minute: the next comes after
// BEACON_MIN_MS where there is one to tell of by then, with the next change, or after
// BEACON_IDLE_MS. The mean of that wait, in minutes, where changes come at random.
static double wait_of(double changes)
{
    double least = BEACON_MIN_MS / (double)MINUTE_MS, most = BEACON_IDLE_MS / (double)MINUTE_MS;
    return changes > 0 ? least + (exp(-changes * least) - exp(-changes * most)) / changes : most;
}

// How many of its words are whole beacons: one of the heads that it names has changed.
static double whole_of(const mass_t *mass, double wait)
{
    return 1 - exp(-mass->changes * fmin(1, BEACON_HEADS_MAX / mass->feeds) * wait);
}

// The words of a minute of so many nodes, writers among them as among all.
static double words(const sizes_t *sizes, const mass_t *mass, double nodes, double overhead)
{
    double share = mass->writers / mass->nodes, bytes = 0;
    for (int writes = 0; writes <= 1; writes++) {
        double own = writes ? mass->changes / mass->writers : 0;
        double wait = wait_of(own), whole = whole_of(mass, wait);
        double word =
            whole * (scale_beacon(sizes, mass->feeds) + overhead) + (1 - whole) * sizes->pulse;
        bytes += (writes ? share : 1 - share) / wait * word;
    }
    return nodes * bytes;
}

static double pings(const sizes_t *sizes)
{
    return per_minute(PING_MS) * sizes->ping; // asked by one side, answered by the other
}

// What pulses come in: with its own, and as often as others' are gathered.
static double gathered(const sizes_t *sizes, double nodes)
{
    double times = fmin(per_minute(PULSE_GATHER_MS), nodes) + 1;
    return fmax(times, nodes / MESSAGE_PULSES_MAX) * sizes->pulses;
}

double scale_down(const sizes_t *sizes, const mass_t *mass)
{
    return words(sizes, mass, mass->nodes, sizes->published_overhead) +
           gathered(sizes, mass->nodes) + pings(sizes) + mass->changes * sizes->published_run;
}

double scale_up(const sizes_t *sizes, const mass_t *mass)
{
    double own = mass->changes / mass->nodes;
    return words(sizes, mass, 1, sizes->beacon_overhead) + sizes->pulses + pings(sizes) +
           mass->changes * sizes->ack + own * sizes->run_part;
}

// Whoever has dialled says on the link, but for what came by it; the other publishes.
double scale_between_hubs(const sizes_t *sizes, const mass_t *mass)
{
    double pairs = mass->hubs * (mass->hubs - 1) / 2;
    return words(sizes, mass, mass->nodes, sizes->published_overhead) +
           words(sizes, mass, mass->nodes - mass->nodes / mass->hubs, sizes->beacon_overhead) +
           2 * gathered(sizes, mass->nodes) + 2 * pings(sizes) +
           mass->changes * scale_change_hubs(sizes, mass->hubs) / pairs;
}

double scale_hub_sends(const sizes_t *sizes, const mass_t *mass)
{
    double leaves = mass->nodes / mass->hubs - 1;
    return leaves * scale_down(sizes, mass) +
           (mass->hubs - 1) * scale_between_hubs(sizes, mass) / 2;
}

// Every hub publishes to those who dialled it, and tells its head to those that it dialled
// but the one that it came from; of the author's hub it is fetched by those that dialled
// nobody for it.
double scale_change_hubs(const sizes_t *sizes, double hubs)
{
    double pairs = hubs * (hubs - 1) / 2;
    return pairs * sizes->published_run + (hubs - 1) / 2 * sizes->run_part +
           (hubs - 1) * sizes->ack + (hubs - 1) * (hubs - 2) / 2 * sizes->heads;
}

double scale_change(const sizes_t *sizes, const mass_t *mass)
{
    double leaves = mass->nodes - mass->hubs;
    return leaves * (sizes->published_run + sizes->ack) + sizes->run_part + sizes->ack +
           scale_change_hubs(sizes, mass->hubs);
}

double scale_change_messages(const mass_t *mass)
{
    const sizes_t each = {.published_run = 1, .run_part = 1, .heads = 1, .ack = 1};
    return scale_change(&each, mass);
}

double scale_newcomer(const sizes_t *sizes, const mass_t *mass)
{
    return sizes->greeting + fmin(mass->nodes, HELLO_CARDS_MAX) * sizes->card_number +
           fmax(mass->nodes - HELLO_CARDS_MAX, 0) * sizes->card +
           mass->nodes * (scale_beacon(sizes, mass->feeds) + sizes->beacon_overhead) +
           mass->feeds * (sizes->head + sizes->run_part) +
           fmax(mass->logged - mass->feeds, 0) * sizes->published_run;
}

// ---- time ----

double scale_newcomer_ms(const mass_t *mass)
{
    enum { BEFORE = 6 }; // connected, Hello, Welcome, Heads, and the first fetch's two ways
    return LATENCY_MS * (BEFORE + 2 * ceil(mass->feeds / FETCHES_MAX));
}

double scale_change_ms(void)
{
    return 3 * LATENCY_MS; // to its hub, to the others', to their leaves
}

// A queue whose messages come at random and take the same time each, that of the longest
// (M/D/1: Pollaczek and Khinchin's mean wait).
double scale_change_on_ms(const sizes_t *sizes, const mass_t *mass, double bytes_s)
{
    double load = scale_down(sizes, mass) / 60 / bytes_s;
    double longest = scale_beacon(sizes, mass->feeds) + sizes->published_overhead;
    if (load >= 1)
        return INFINITY;
    double wait = longest / bytes_s * load / (2 * (1 - load));
    return scale_change_ms() + 1000 * (wait + sizes->published_run / bytes_s);
}

double scale_start_ms(void)
{
    // Connected, Hello, Welcome, Heads, Fetch, Run; the same from hub to hub; published.
    enum { WAYS_TO_GO = 10 };
    return WAYS_TO_GO * LATENCY_MS;
}

// ---- disk ----

// Measured (docs/scale.md, "disk"): a database with a charter and nobody in it, a member, a
// change of SCALE_RECORD_BYTES with its row in the log and in the view.
double scale_disk(const mass_t *mass)
{
    enum { EMPTY = 90 * 1000, MEMBER = 500, CHANGE = 570 };
    return EMPTY + MEMBER * mass->nodes + CHANGE * mass->logged;
}

// Measured with records of letters drawn at random (docs/performance.md); real words are fewer.
double scale_search(const mass_t *mass)
{
    enum { DOCUMENT = 671 };
    return DOCUMENT * mass->logged;
}

// ---- memory ----

static double piece(double size)
{
    return PIECE * ceil((size + PIECE / 2) / PIECE);
}

static double power_of_two(double count)
{
    return exp2(ceil(log2(fmax(count, 16))));
}

double scale_core(const sizes_t *sizes, const mass_t *mass, double sessions)
{
    double heads = fmin(mass->feeds, BEACON_HEADS_MAX);
    double member = sizeof(member_t) + sizes->member;
    double identity = piece(sizeof(identity_t)) + piece(sizeof(card_t)) + piece(sizes->card) +
                      piece(4 * sizeof(card_t *)) + sizeof(identity_t *);
    double beacon = piece(sizeof(beacon_t)) + piece(scale_beacon(sizes, mass->feeds)) +
                    piece(heads * sizeof(head_t));
    double places = power_of_two(mass->feeds);
    double feed = piece(sizeof(core_feed_state_t));
    double session = piece(sizeof(session_t)) + places * (sizeof(peer_feed_t) + sizeof(size_t)) +
                     places * sizeof(blame_t);
    return mass->nodes * (member + identity + beacon) + mass->feeds * feed +
           2 * places * sizeof(core_feed_state_t *) + sessions * session;
}
