// Requests of the authentication protocol (ZeroMQ RFC 27), of any number of frames
// of any size: each is two bytes of size and as many bytes. A frame of size 0xffff
// stands for the key that is admitted.
#include <string.h>
#include <zmq.h>

#include "daemon/net/zap.h"
#include "tests/fuzz/fuzz.h"

enum { FRAMES_MAX = 12, ANSWER_FRAMES = 6, FRAME_MAX = 300, ADMITTED = 0xffff };

typedef struct {
    size_t count;
    span_t frames[FRAMES_MAX];
} frames_t;

static edge_t edge;
static zap_t *zap;
static void *asker;
static pubkey_t admitted;
static size_t refused;

static void count_refused(void *context, const net_event_t *event)
{
    (void)context;
    FUZZ_EXPECT(event->type == NET_REFUSED && event->reason == ERR_NOT_A_MEMBER);
    FUZZ_EXPECT(event->link == 0);
    FUZZ_EXPECT(!event->where || strnlen(event->where, 64) < 64);
    refused++;
}

static void start(void)
{
    fault_t fault = {0};
    memset(admitted.bytes, 0x5a, sizeof admitted.bytes);
    edge.zmq = zmq_ctx_new();
    edge.fn = count_refused;
    edge.admitted = keyset_of(&admitted, 1);
    zap = zap_new(&edge, "domain", &fault);
    FUZZ_EXPECT(zap);
    asker = zmq_socket(edge.zmq, ZMQ_DEALER);
    FUZZ_EXPECT(zmq_connect(asker, "inproc://zeromq.zap.01") == 0);
}

static void take_frames(span_t input, frames_t *frames)
{
    while (input.size && frames->count < FRAMES_MAX) {
        size_t size = fuzz_u8(&input);
        size |= (size_t)fuzz_u8(&input) << 8;
        frames->frames[frames->count++] =
            size == ADMITTED ? span_of(admitted.bytes, KEY_SIZE) : fuzz_bytes(&input, size);
    }
}

static void ask(const frames_t *frames)
{
    FUZZ_EXPECT(zmq_send(asker, "", 0, ZMQ_SNDMORE) == 0); // REQ's delimiter
    for (size_t i = 0; i < frames->count; i++)
        FUZZ_EXPECT(zmq_send(asker, frames->frames[i].data, frames->frames[i].size,
                             i + 1 < frames->count ? ZMQ_SNDMORE : 0) >= 0);
}

static bool is(const frames_t *frames, size_t index, const char *text)
{
    return span_equal(frames->frames[index], span_text(text));
}

// Version, request id, domain, address, identity, mechanism, key.
static bool may_come_in(const frames_t *frames)
{
    bool short_enough = true;
    for (size_t i = 0; i < frames->count; i++)
        short_enough = short_enough && frames->frames[i].size <= 255;
    return frames->count == 7 && short_enough && is(frames, 0, "1.0") && is(frames, 2, "domain") &&
           is(frames, 5, "CURVE") &&
           span_equal(frames->frames[6], span_of(admitted.bytes, KEY_SIZE));
}

static void check_answer(const frames_t *frames)
{
    static const char *const codes[] = {"400", "200"};
    char parts[1 + ANSWER_FRAMES][FRAME_MAX];
    int sizes[1 + ANSWER_FRAMES], more = 1;
    size_t size = sizeof more, count = 0;
    pubkey_t key;
    while (more) {
        FUZZ_EXPECT(count <= ANSWER_FRAMES);
        sizes[count] = zmq_recv(asker, parts[count], FRAME_MAX - 1, ZMQ_DONTWAIT);
        FUZZ_EXPECT(sizes[count] >= 0 && sizes[count] < FRAME_MAX);
        parts[count][sizes[count]] = '\0';
        count++;
        FUZZ_EXPECT(zmq_getsockopt(asker, ZMQ_RCVMORE, &more, &size) == 0);
    }
    bool let_in = may_come_in(frames);
    span_t id =
        frames->count > 1 && frames->frames[1].size <= 255 ? frames->frames[1] : (span_t){0};
    FUZZ_EXPECT(count == 1 + ANSWER_FRAMES && strcmp(parts[1], "1.0") == 0);
    FUZZ_EXPECT(span_equal(span_of(parts[2], (size_t)sizes[2]), id));
    FUZZ_EXPECT(strcmp(parts[3], codes[let_in]) == 0);
    FUZZ_EXPECT(refused == !let_in);
    FUZZ_EXPECT(zap_key_of(parts[5], &key) == let_in);
    FUZZ_EXPECT(!let_in || key_equal(&key, &admitted));
}

static void one(span_t input)
{
    frames_t frames = {0};
    pubkey_t key;
    char user_id[FRAME_MAX] = "";
    memcpy(user_id, input.data ? input.data : (const uint8_t *)"",
           input.size < FRAME_MAX - 1 ? input.size : FRAME_MAX - 1);
    FUZZ_EXPECT(!zap_key_of(user_id, &key) || strlen(user_id) == 2 * KEY_SIZE);
    take_frames(input, &frames);
    if (!frames.count)
        return;
    refused = 0;
    ask(&frames);
    FUZZ_EXPECT(zap_drain(zap, 1));
    check_answer(&frames);
}

const fuzz_target_t fuzz_target = {.one = one, .start = start, .keeps = true};
