#include "daemon/control/door.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/control.h"
#include "lib/crypto.h"
#include "lib/home.h"
#include "lib/mem.h"

// Beyond the bound on a request, so that what is only somewhat too big can be
// answered; what is beyond this too closes the connection.
#define FRAME_BYTES_MAX (CONTROL_REQUEST_BYTES_MAX + 1024 * 1024)
#define QUEUED_IN       8  // requests of one client that have not been taken yet
#define QUEUED_OUT      64 // replies that one client has not taken yet
#define LINGER_MS       500
#define CLOSED_WAIT_MS  1000

struct door {
    bool full;
    bool bound;
    int dir_fd;
    char endpoint[64];
    void *socket;
    void *monitor;
};

// The directory decides who comes in; the socket in it lets in whom it does.
static err_t make_directory(const char *dir, bool full, fault_t *fault)
{
    char *path = home_path(dir, full ? "full" : "read");
    mode_t mode = full ? 0700 : 0750;
    int fd = -1;
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    bool fine = fd >= 0 && fstat(fd, &status) == 0 &&
                ((status.st_mode & 0777) == mode || fchmod(fd, mode) == 0);
    err_t err = fine ? ERR_OK : fault_set(fault, ERR_CANNOT_LISTEN, path, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return err;
}

static void set_options(void *socket)
{
    const struct {
        int option;
        int value;
    } options[] = {
        {ZMQ_LINGER, LINGER_MS}, {ZMQ_RCVHWM, QUEUED_IN},   {ZMQ_SNDHWM, QUEUED_OUT},
        {ZMQ_SNDTIMEO, 0},       {ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_HANDSHAKE_IVL, 10000},
        {ZMQ_BACKLOG, 64},
    };
    int64_t frame_max = FRAME_BYTES_MAX;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max);
}

// ZMQ_EVENT_CLOSED tells door_close when nobody listens any more.
static bool open_monitor(door_t *self, void *zmq)
{
    char name[64];
    int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_CLOSED;
    // Random: a name is given back some time after its socket was closed.
    uint64_t number;
    crypto_random(&number, sizeof number);
    snprintf(name, sizeof name, "inproc://door-%016" PRIx64, number);
    if (zmq_socket_monitor(self->socket, name, events) != 0)
        return false;
    self->monitor = zmq_socket(zmq, ZMQ_PAIR);
    return self->monitor && zmq_connect(self->monitor, name) == 0;
}

static err_t bind_door(door_t *self, void *zmq, fault_t *fault)
{
    self->socket = zmq_socket(zmq, ZMQ_ROUTER);
    if (self->socket)
        set_options(self->socket);
    // The group of the directory may connect to the read-only socket: that takes
    // the right to write to it, which the umask may have taken away.
    self->bound =
        self->socket && open_monitor(self, zmq) && zmq_bind(self->socket, self->endpoint) == 0;
    if (self->bound && fchmodat(self->dir_fd, "control", self->full ? 0600 : 0660, 0) == 0)
        return ERR_OK;
    return fault_set(fault, ERR_CANNOT_LISTEN, self->full ? "full/control" : "read/control", "%s",
                     zmq_strerror(zmq_errno()));
}

err_t door_open(void *zmq, const char *dir, bool full, door_t **door, fault_t *fault)
{
    door_t *self = mem_alloc(sizeof *self);
    self->full = full;
    self->dir_fd = -1;
    err_t err = make_directory(dir, full, fault);
    if (!err)
        err = home_control(dir, full, &self->dir_fd, self->endpoint, fault);
    if (!err)
        err = bind_door(self, zmq, fault);
    if (err)
        door_close(&self);
    *door = self;
    return err;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// One event of the monitor; 0 where there is none.
static int take_event(void *monitor)
{
    zmq_msg_t frame;
    uint16_t event = 0;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, monitor, ZMQ_DONTWAIT) >= (int)sizeof event)
        memcpy(&event, zmq_msg_data(&frame), sizeof event);
    bool more = zmq_msg_more(&frame);
    zmq_msg_close(&frame);
    while (more) {
        zmq_msg_init(&frame);
        more = zmq_msg_recv(&frame, monitor, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return event;
}

// libzmq 4.3.4 leaves the path behind; others remove it, from a thread of their
// own and by the directory's descriptor, which must stay open until they have.
static void wait_closed(door_t *self)
{
    uint64_t end_ms = monotonic_ms() + CLOSED_WAIT_MS;
    if (!self->monitor || zmq_unbind(self->socket, self->endpoint) != 0)
        return;
    for (uint64_t now_ms = monotonic_ms(); now_ms < end_ms; now_ms = monotonic_ms()) {
        zmq_pollitem_t item = {self->monitor, 0, ZMQ_POLLIN, 0};
        int event = take_event(self->monitor);
        if (event == ZMQ_EVENT_CLOSED)
            break;
        if (!event)
            zmq_poll(&item, 1, (long)(end_ms - now_ms));
    }
}

void door_close(door_t **door)
{
    door_t *self = *door;
    if (!self)
        return;
    if (self->socket) {
        wait_closed(self);
        if (self->bound)
            unlinkat(self->dir_fd, "control", 0);
        zmq_socket_monitor(self->socket, NULL, 0);
        zmq_close(self->socket);
    }
    if (self->monitor)
        zmq_close(self->monitor);
    if (self->dir_fd >= 0)
        close(self->dir_fd);
    mem_free(self);
    *door = NULL;
}

bool door_is_full(const door_t *door)
{
    return door->full;
}

void *door_socket(door_t *door)
{
    return door->socket;
}

void *door_monitor(door_t *door)
{
    return door->monitor;
}

// ---- receiving ----

// The descriptor may have been closed since: then nobody is named.
static void identify(letter_t *letter)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = zmq_msg_get(&letter->body, ZMQ_SRCFD);
    letter->peer_known = fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
                         size == sizeof peer && peer.pid > 0;
    letter->uid = letter->peer_known ? peer.uid : 0;
    letter->pid = letter->peer_known ? peer.pid : 0;
}

static size_t drop_rest(void *socket)
{
    size_t dropped = 0;
    bool more = true;
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        more = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&frame);
        zmq_msg_close(&frame);
        dropped++;
    }
    return dropped;
}

static bool receive_route(door_t *door, route_t *route, bool *more)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool came = zmq_msg_recv(&frame, door->socket, ZMQ_DONTWAIT) >= 0;
    *more = came && zmq_msg_more(&frame);
    route->size = came ? zmq_msg_size(&frame) : 0;
    if (route->size > ROUTE_MAX)
        route->size = 0; // libzmq gives none that is longer
    memcpy(route->bytes, zmq_msg_data(&frame), route->size);
    zmq_msg_close(&frame);
    return came;
}

bool door_receive(door_t *door, letter_t *letter, err_t *err)
{
    bool more;
    *err = ERR_OK;
    zmq_msg_init(&letter->body);
    if (!receive_route(door, &letter->route, &more))
        return false;
    if (!more) {
        *err = ERR_BAD_FRAMES;
        return true;
    }
    if (zmq_msg_recv(&letter->body, door->socket, ZMQ_DONTWAIT) < 0)
        *err = ERR_BAD_FRAMES;
    else if (zmq_msg_more(&letter->body) && drop_rest(door->socket) > 0)
        *err = ERR_BAD_FRAMES;
    identify(letter);
    return true;
}

void letter_close(letter_t *letter)
{
    zmq_msg_close(&letter->body);
}

// ---- sending ----

err_t door_send(door_t *door, const route_t *route, span_t bytes)
{
    int flags = ZMQ_DONTWAIT | ZMQ_SNDMORE;
    int sent = zmq_send(door->socket, route->bytes, route->size, flags);
    if (sent >= 0)
        sent = zmq_send(door->socket, bytes.data, bytes.size, ZMQ_DONTWAIT);
    if (sent >= 0)
        return ERR_OK;
    return zmq_errno() == EHOSTUNREACH ? ERR_DISCONNECTED : ERR_QUEUE_FULL;
}

size_t door_failures(door_t *door)
{
    size_t failures = 0;
    for (int event = take_event(door->monitor); event; event = take_event(door->monitor))
        failures += event != ZMQ_EVENT_CLOSED;
    return failures;
}
