#include "daemon/net/zap.h"

#include <string.h>
#include <zmq.h>

#include "lib/mem.h"

#define ENDPOINT "inproc://zeromq.zap.01"

struct zap {
    edge_t *edge;
    void *socket; // REP
    char *domain;
};

// RFC 27: version, request id, domain, address, identity, mechanism, and the
// mechanism's credentials, which is one key in CURVE.
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY, PART_COUNT };
enum { PART_MAX = 255, REFUSED_WHERE = 64 };

typedef struct {
    size_t count; // parts that came, also those beyond PART_COUNT
    bool too_long;
    size_t size[PART_COUNT];
    uint8_t parts[PART_COUNT][PART_MAX];
} request_t;

zap_t *zap_new(edge_t *edge, const char *domain, fault_t *fault)
{
    const int linger = 0;
    void *socket = zmq_socket(edge->zmq, ZMQ_REP);
    if (!socket || zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(socket, ENDPOINT) != 0) {
        fault_set(fault, ERR_CANNOT_LISTEN, ENDPOINT, "%s", zmq_strerror(zmq_errno()));
        if (socket)
            zmq_close(socket);
        return NULL;
    }
    zap_t *zap = mem_alloc(sizeof *zap);
    zap->edge = edge;
    zap->socket = socket;
    zap->domain = mem_copy_string(domain);
    return zap;
}

void zap_destroy(zap_t **zap)
{
    if (!*zap)
        return;
    zmq_unbind((*zap)->socket, ENDPOINT); // at once, which closing is not
    zmq_close((*zap)->socket);
    mem_free((*zap)->domain);
    mem_free(*zap);
    *zap = NULL;
}

void *zap_socket(const zap_t *zap)
{
    return zap->socket;
}

static void keep_part(request_t *request, zmq_msg_t *part)
{
    size_t index = request->count++;
    size_t size = zmq_msg_size(part);
    if (index >= PART_COUNT)
        return;
    if (size > PART_MAX) {
        request->too_long = true;
        return;
    }
    memcpy(request->parts[index], zmq_msg_data(part), size);
    request->size[index] = size;
}

// False where none is there. Whatever its form, a request is read to its end.
static bool receive(zap_t *zap, request_t *request)
{
    bool more = true;
    *request = (request_t){0};
    for (int flags = ZMQ_DONTWAIT; more; flags = 0) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        bool came = zmq_msg_recv(&part, zap->socket, flags) >= 0;
        more = came && zmq_msg_more(&part);
        if (came)
            keep_part(request, &part);
        zmq_msg_close(&part);
    }
    return request->count > 0;
}

static bool part_is(const request_t *request, size_t part, const char *text)
{
    return span_equal(span_of(request->parts[part], request->size[part]), span_text(text));
}

static bool well_formed(const zap_t *zap, const request_t *request)
{
    return request->count == PART_COUNT && !request->too_long && part_is(request, VERSION, "1.0") &&
           part_is(request, DOMAIN, zap->domain) && part_is(request, MECHANISM, "CURVE") &&
           request->size[KEY] == KEY_SIZE;
}

static bool send_part(zap_t *zap, span_t part, int flags)
{
    return zmq_send(zap->socket, part.data, part.size, flags | ZMQ_DONTWAIT) >= 0;
}

static void answer(zap_t *zap, const request_t *request, const char *code, const char *text,
                   const char *user_id)
{
    const span_t parts[] = {
        span_text("1.0"),   span_of(request->parts[REQUEST_ID], request->size[REQUEST_ID]),
        span_text(code),    span_text(text),
        span_text(user_id), span_text(""), // no metadata
    };
    const size_t count = sizeof parts / sizeof *parts;
    for (size_t i = 0; i < count; i++)
        if (!send_part(zap, parts[i], i + 1 < count ? ZMQ_SNDMORE : 0))
            return; // who asked is gone
}

static void refuse(zap_t *zap, const request_t *request)
{
    char where[REFUSED_WHERE] = "";
    size_t size = request->size[ADDRESS];
    if (size && size < sizeof where)
        memcpy(where, request->parts[ADDRESS], size); // our own libzmq wrote it
    answer(zap, request, "400", "not admitted", "");
    edge_refused(zap->edge, 0, ERR_NOT_A_MEMBER, *where ? where : NULL);
}

static void decide(zap_t *zap, const request_t *request)
{
    pubkey_t key;
    char user_id[2 * KEY_SIZE + 1];
    if (well_formed(zap, request)) {
        memcpy(key.bytes, request->parts[KEY], KEY_SIZE);
        if (keyset_has(&zap->edge->admitted, &key)) {
            hex_format(key.bytes, KEY_SIZE, user_id);
            answer(zap, request, "200", "admitted", user_id);
            return;
        }
    }
    refuse(zap, request);
}

bool zap_drain(zap_t *zap, size_t budget)
{
    request_t request;
    for (size_t done = 0; done < budget; done++) {
        if (!receive(zap, &request))
            return false;
        decide(zap, &request);
    }
    return true;
}

bool zap_key_of(const char *user_id, pubkey_t *key)
{
    return user_id && span_text(user_id).size == 2 * KEY_SIZE &&
           hex_parse(user_id, key->bytes, KEY_SIZE);
}
