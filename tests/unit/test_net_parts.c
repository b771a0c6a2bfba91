// The small parts of the network edge: sets of keys, tables of links, sockets
// known by descriptor and inode, connections that are too many or too silent.
#include "zmq_helpers.h"

#include <fcntl.h>
#include <stdlib.h>

#include "daemon/net/accepted.h"
#include "daemon/net/links.h"
#include "daemon/net/options.h"

// ---- keys ----

static pubkey_t numbered(unsigned number)
{
    pubkey_t key = {{0}};
    key.bytes[0] = (uint8_t)(number * 37);
    key.bytes[31] = (uint8_t)number;
    return key;
}

static void a_set_has_what_was_put_in(void **state)
{
    (void)state;
    pubkey_t keys[60];
    for (unsigned i = 0; i < 60; i++)
        keys[i] = numbered(i / 2); // each twice
    keyset_t set = keyset_of(keys, 60), some = keyset_of(keys + 10, 7), none = keyset_of(NULL, 0);
    assert_int_equal(set.count, 30);
    for (unsigned i = 0; i < 40; i++) {
        pubkey_t key = numbered(i);
        assert_int_equal(keyset_has(&set, &key), i < 30);
        assert_false(keyset_has(&none, &key));
    }
    assert_true(keyset_within(&some, &set));
    assert_false(keyset_within(&set, &some));
    assert_true(keyset_within(&none, &some));
    assert_true(keyset_within(&none, &none));
    assert_false(keyset_within(&some, &none));
    keyset_free(&set);
    keyset_free(&some);
    keyset_free(&none);
    assert_null(set.keys);
}

// ---- links ----

static void links_are_found_by_number_and_route(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    links_t *links = links_new();
    uint32_t routes[COUNT];
    bool there[COUNT] = {false};
    for (unsigned i = 0; i < COUNT; i++) { // any order of routes: 7 and 2^32 have no common factor
        routes[i] = i * 2654435761u;
        links_add(links, 10 + i, routes[i]);
        there[i] = true;
    }
    for (unsigned step = 0; step < COUNT; step++) {
        unsigned victim = step * 7 % COUNT;
        for (size_t at = 0; at < links_count(links); at++)
            if (links_at(links, at)->id == 10 + victim) {
                links_remove(links, at);
                there[victim] = false;
                break;
            }
        if (step % 50 != 0)
            continue;
        for (unsigned i = 0; i < COUNT; i++) {
            link_t *link = links_find(links, 10 + i);
            assert_int_equal(link != NULL, there[i]);
            assert_ptr_equal(links_find_route(links, routes[i]), link);
            assert_true(!link || (link->id == 10 + i && link->route == routes[i]));
        }
        for (size_t at = 1; at < links_count(links); at++)
            assert_true(links_at(links, at - 1)->id < links_at(links, at)->id);
    }
    assert_int_equal(links_count(links), 0);
    assert_null(links_find(links, 10));
    links_destroy(&links);
}

static void closed_links_do_not_count_for_their_key(void **state)
{
    (void)state;
    links_t *links = links_new();
    pubkey_t one = numbered(1), two = numbered(2);
    for (unsigned i = 0; i < 6; i++) {
        link_t *link = links_add(links, i + 1, i);
        link->key = i % 2 ? one : two;
        link->closed = i == 3;
    }
    assert_int_equal(links_of_key(links, &one), 2);
    assert_int_equal(links_of_key(links, &two), 3);
    links_destroy(&links);
}

// ---- sockets ----

static void a_reused_descriptor_is_another_socket(void **state)
{
    (void)state;
    int pair[2], other[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    tcp_t tcp = tcp_of(pair[0]);
    assert_true(tcp_same(&tcp));
    close(pair[0]);
    assert_false(tcp_same(&tcp));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    assert_true(other[0] == pair[0] || dup2(other[0], pair[0]) == pair[0]);
    assert_false(tcp_same(&tcp)); // the same number
    tcp_cut(&tcp);
    assert_int_equal(send(pair[0], "x", 1, MSG_NOSIGNAL), 1); // untouched
    tcp_t now = tcp_of(pair[0]);
    tcp_cut(&now);
    assert_int_equal(send(pair[0], "x", 1, MSG_NOSIGNAL), -1);
    if (pair[0] != other[0])
        close(pair[0]);
    close(pair[1]);
    close(other[0]);
    close(other[1]);
}

static void what_is_no_socket_is_never_the_same(void **state)
{
    (void)state;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    tcp_t none = tcp_of(-1), plain = tcp_of(file), closed = tcp_of(1000000);
    uint64_t received = 7, acknowledged = 7;
    char where[TCP_WHERE];
    assert_false(tcp_same(&none));
    assert_false(tcp_same(&plain));
    assert_false(tcp_same(&closed));
    assert_false(tcp_counts(&none, &received, &acknowledged));
    tcp_peer(&plain, where);
    assert_string_equal(where, "");
    tcp_cut(&plain);
    close(file);
}

static void the_kernel_counts_bytes_both_ways(void **state)
{
    (void)state;
    int listener = listen_on(0);
    int near = tcp_connect(port_of(listener)), far = accept(listener, NULL, NULL);
    tcp_t tcp = tcp_of(far);
    char bytes[1000] = "", where[TCP_WHERE], expected[TCP_WHERE];
    uint64_t received = 0, acknowledged = 0;
    assert_int_equal(send(near, bytes, 700, 0), 700);
    assert_int_equal(recv(far, bytes, sizeof bytes, 0), 700);
    assert_int_equal(send(far, bytes, 300, 0), 300);
    assert_int_equal(recv(near, bytes, sizeof bytes, 0), 300);
    int64_t end = clock_ms() + DEADLINE_MS;
    while (acknowledged < 300) { // by the kernel, when it likes
        assert_true(clock_ms() < end);
        assert_true(tcp_counts(&tcp, &received, &acknowledged));
    }
    assert_int_equal(received, 700);
    assert_in_range(acknowledged, 300, 301); // the handshake's SYN counts as one
    tcp_peer(&tcp, where);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", port_of(near));
    assert_string_equal(where, expected);
    close(near);
    close(far);
    close(listener);
}

static void addresses_are_written_as_people_know_them(void **state)
{
    (void)state;
    // A dual-stack listener, as libzmq's are: IPv4 peers come as ::ffff:a.b.c.d.
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t size = sizeof any;
    if (listener < 0)
        skip();
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(listener, (struct sockaddr *)&any, size) != 0 || listen(listener, 4) != 0)
        skip();
    getsockname(listener, (struct sockaddr *)&any, &size);
    int near = tcp_connect(ntohs(any.sin6_port)), far = accept(listener, NULL, NULL);
    char where[TCP_WHERE], expected[TCP_WHERE];
    tcp_t tcp = tcp_of(far);
    tcp_peer(&tcp, where);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", port_of(near));
    assert_string_equal(where, expected);
    close(near);
    close(far);
    any.sin6_addr = in6addr_loopback;
    near = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(near, (struct sockaddr *)&any, sizeof any) == 0) {
        far = accept(listener, NULL, NULL);
        tcp = tcp_of(far);
        tcp_peer(&tcp, where);
        size = sizeof any;
        getsockname(near, (struct sockaddr *)&any, &size);
        snprintf(expected, sizeof expected, "[::1]:%u", ntohs(any.sin6_port));
        assert_string_equal(where, expected);
        close(far);
    }
    close(near);
    close(listener);
}

// By RFC 23 and 26: 2 or 9 bytes, "\7MESSAGE", 8 of nonce, 16 of MAC, 1 of flags.
static void frames_take_their_size_and_a_little_more(void **state)
{
    (void)state;
    assert_int_equal(frame_on_wire(0), 2 + 8 + 8 + 16 + 1);
    assert_int_equal(frame_on_wire(222), 2 + 8 + 8 + 16 + 1 + 222);
    assert_int_equal(frame_on_wire(223), 9 + 8 + 8 + 16 + 1 + 223);
    assert_int_equal(frame_on_wire(100000), 9 + 33 + 100000);
}

// ---- connections ----

typedef struct {
    edge_t edge;
    void *router;
    accepted_t *accepted;
    uint16_t port;
    unsigned refused[300]; // by reason
} hall_t;

static void tally(void *context, const net_event_t *event)
{
    hall_t *hall = context;
    assert_int_equal(event->type, NET_REFUSED);
    hall->refused[event->reason]++;
}

static void hall_open(hall_t *hall, size_t most, uint64_t backlog)
{
    char endpoint[64];
    hall->edge.zmq = zmq_ctx_new();
    hall->edge.fn = tally;
    hall->edge.context = hall;
    hall->edge.now_ms = 1000000;
    hall->router = zmq_socket(hall->edge.zmq, ZMQ_ROUTER);
    set_int(hall->router, ZMQ_LINGER, 0);
    hall->accepted = accepted_new(&hall->edge, hall->router, most, backlog);
    assert_non_null(hall->accepted);
    hall->port = free_port();
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", hall->port);
    assert_int_equal(zmq_bind(hall->router, endpoint), 0);
}

static void hall_close(hall_t *hall)
{
    accepted_destroy(&hall->accepted);
    zmq_close(hall->router);
    zmq_ctx_term(hall->edge.zmq);
}

static size_t open_count(hall_t *hall, bool cut_too)
{
    size_t count = 0, place = 0;
    for (conn_t *conn; (conn = accepted_next(hall->accepted, &place));)
        count += cut_too || !conn->cut;
    return count;
}

// Until so many connections are known, cut ones included.
static void hall_until(hall_t *hall, size_t wanted)
{
    int64_t end = clock_ms() + DEADLINE_MS;
    for (;;) {
        zmq_pollitem_t item = {accepted_monitor(hall->accepted), 0, ZMQ_POLLIN, 0};
        accepted_drain(hall->accepted);
        if (open_count(hall, true) == wanted)
            return;
        assert_true(clock_ms() < end);
        zmq_poll(&item, 1, 10);
    }
}

static void await_end(int fd)
{
    char bytes[128];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0)
            break; // the end, or a reset
    }
    close(fd);
}

static void of_too_many_the_oldest_unnamed_goes(void **state)
{
    (void)state;
    hall_t hall = {.port = 0};
    pubkey_t key = numbered(1);
    int fds[6];
    hall_open(&hall, 4, 1000);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = tcp_connect(hall.port);
        hall_until(&hall, i + 1);
    }
    // The first two have said who they are.
    size_t place = 0;
    for (conn_t *conn; (conn = accepted_next(hall.accepted, &place));)
        if (conn->serial <= 2)
            accepted_name(conn, &key);
    fds[4] = tcp_connect(hall.port);
    hall_until(&hall, 5);
    await_end(fds[2]);
    assert_int_equal(hall.refused[ERR_TOO_MANY_LINKS], 1);
    hall_until(&hall, 4);
    place = 0;
    for (conn_t *conn; (conn = accepted_next(hall.accepted, &place));)
        assert_true(conn->serial != 3 && !conn->cut);
    close(fds[0]);
    close(fds[1]);
    close(fds[3]);
    close(fds[4]);
    hall_close(&hall);
}

static void where_all_are_named_the_newest_goes(void **state)
{
    (void)state;
    hall_t hall = {.port = 0};
    pubkey_t key = numbered(1);
    int fds[3];
    hall_open(&hall, 2, 1000);
    for (size_t i = 0; i < 2; i++) {
        fds[i] = tcp_connect(hall.port);
        hall_until(&hall, i + 1);
    }
    size_t place = 0;
    for (conn_t *conn; (conn = accepted_next(hall.accepted, &place));)
        accepted_name(conn, &key);
    fds[2] = tcp_connect(hall.port);
    hall_until(&hall, 3);
    await_end(fds[2]);
    hall_until(&hall, 2);
    assert_int_equal(open_count(&hall, false), 2);
    close(fds[0]);
    close(fds[1]);
    hall_close(&hall);
}

static void who_says_nothing_for_long_is_cut(void **state)
{
    (void)state;
    hall_t hall = {.port = 0};
    pubkey_t key = numbered(1);
    hall_open(&hall, 100, 1000);
    int named = tcp_connect(hall.port);
    hall_until(&hall, 1);
    size_t place = 0;
    accepted_name(accepted_next(hall.accepted, &place), &key);
    int silent = tcp_connect(hall.port);
    hall_until(&hall, 2);
    hall.edge.now_ms += UNNAMED_MS;
    accepted_sweep(hall.accepted);
    assert_int_equal(open_count(&hall, false), 2);
    hall.edge.now_ms++;
    accepted_sweep(hall.accepted);
    assert_int_equal(open_count(&hall, false), 1);
    assert_int_equal(hall.refused[ERR_SILENT], 1);
    await_end(silent);
    accepted_sweep(hall.accepted);
    assert_int_equal(hall.refused[ERR_SILENT], 1); // told once
    close(named);
    hall_close(&hall);
}

static void more_than_is_handed_over_is_cut(void **state)
{
    (void)state;
    hall_t hall = {.port = 0};
    hall_open(&hall, 100, 10);
    int fd = tcp_connect(hall.port);
    hall_until(&hall, 1);
    size_t place = 0;
    conn_t *conn = accepted_next(hall.accepted, &place);
    // The beginning of a greeting, which libzmq takes in and waits for the rest.
    assert_int_equal(send(fd, "\xff\0\0\0\0\0\0\0\1\x7f\3", 11, MSG_NOSIGNAL), 11);
    uint64_t received = 0, acknowledged = 0;
    int64_t end = clock_ms() + DEADLINE_MS;
    while (tcp_counts(&conn->tcp, &received, &acknowledged) && received < 11)
        assert_true(clock_ms() < end);
    conn->in_bytes = 1; // one byte is accounted for, ten may be under way
    accepted_sweep(hall.accepted);
    assert_int_equal(conn->cut, ERR_OK);
    conn->in_bytes = 0;
    accepted_sweep(hall.accepted);
    assert_int_equal(conn->cut, ERR_TOO_BIG);
    assert_int_equal(hall.refused[ERR_TOO_BIG], 1);
    await_end(fd);
    hall_close(&hall);
}

static void connections_are_found_by_descriptor_while_they_live(void **state)
{
    (void)state;
    hall_t hall = {.port = 0};
    hall_open(&hall, 100, 1000);
    int fd = tcp_connect(hall.port);
    hall_until(&hall, 1);
    size_t place = 0;
    conn_t *conn = accepted_next(hall.accepted, &place);
    int there = conn->tcp.fd;
    uint64_t serial = conn->serial;
    assert_ptr_equal(accepted_find(hall.accepted, there), conn);
    assert_ptr_equal(accepted_at(hall.accepted, there, serial), conn);
    assert_null(accepted_at(hall.accepted, there, serial + 1));
    assert_null(accepted_find(hall.accepted, -1));
    assert_null(accepted_find(hall.accepted, 1000000));
    close(fd);
    hall_until(&hall, 0);
    assert_null(accepted_find(hall.accepted, there));
    assert_non_null(accepted_at(hall.accepted, there, serial)); // until the number is taken
    assert_int_equal(hall.refused[ERR_HANDSHAKE_FAILED], 1);
    hall_close(&hall);
}

// ---- options ----

static void expect(void *socket, int option, int value)
{
    assert_int_equal(get_int(socket, option), value);
}

static void sockets_have_the_options_of_their_role(void **state)
{
    (void)state;
    uint8_t seed[32] = {1};
    fault_t fault = {0};
    edge_t edge = {.zmq = zmq_ctx_new()};
    secret_t *secret = secret_box_new(seed, &edge.transport_public);
    edge.transport = secret;
    const pubkey_t server = numbered(1);
    const struct {
        role_t role;
        int type, rcvhwm, sndhwm;
        int64_t most;
    } roles[] = {{ROLE_ROUTER, ZMQ_ROUTER, 8192, 8192, 262144},
                 {ROLE_XPUB, ZMQ_XPUB, -1, 1024, 512},
                 {ROLE_DEALER, ZMQ_DEALER, 8192, 8192, 262144},
                 {ROLE_SUB, ZMQ_SUB, 0, 0, 65536}};
    for (size_t i = 0; i < 4; i++) {
        bool bound = roles[i].role == ROLE_ROUTER || roles[i].role == ROLE_XPUB;
        void *socket = bound ? socket_bound(&edge, roles[i].role, "domain", &fault)
                             : socket_dialling(&edge, roles[i].role, &server, &fault);
        int64_t most = 0;
        size_t size = sizeof most;
        assert_non_null(socket);
        expect(socket, ZMQ_TYPE, roles[i].type);
        expect(socket, ZMQ_MECHANISM, ZMQ_CURVE);
        expect(socket, ZMQ_CURVE_SERVER, bound);
        expect(socket, 93, bound); // ZAP_ENFORCE_DOMAIN
        expect(socket, ZMQ_HEARTBEAT_IVL, 0);
        expect(socket, ZMQ_IPV6, 1);
        expect(socket, ZMQ_TCP_KEEPALIVE, 1);
        expect(socket, ZMQ_HANDSHAKE_IVL, 10000);
        expect(socket, ZMQ_LINGER, 0);
        expect(socket, ZMQ_SNDHWM, roles[i].sndhwm);
        if (roles[i].rcvhwm >= 0)
            expect(socket, ZMQ_RCVHWM, roles[i].rcvhwm);
        assert_int_equal(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &most, &size), 0);
        assert_int_equal(most, roles[i].most);
        socket_close(&socket, 0);
        assert_null(socket);
    }
    secret_destroy(&secret);
    zmq_ctx_term(edge.zmq);
}

// With several I/O threads peers that come in have one to themselves.
static void dialling_has_threads_of_its_own_where_there_are_any(void **state)
{
    (void)state;
    uint8_t seed[32] = {1};
    fault_t fault = {0};
    const pubkey_t server = numbered(1);
    for (int threads = 1; threads <= 3; threads++) {
        edge_t edge = {.zmq = zmq_ctx_new()};
        zmq_ctx_set(edge.zmq, ZMQ_IO_THREADS, threads);
        secret_t *secret = secret_box_new(seed, &edge.transport_public);
        edge.transport = secret;
        for (edge.last_link = 1; edge.last_link < 6; edge.last_link++) {
            void *in = socket_bound(&edge, ROLE_ROUTER, "domain", &fault);
            void *out = socket_dialling(&edge, ROLE_DEALER, &server, &fault);
            uint64_t mask = 0;
            size_t size = sizeof mask;
            zmq_getsockopt(in, ZMQ_AFFINITY, &mask, &size);
            assert_int_equal(mask, 1);
            zmq_getsockopt(out, ZMQ_AFFINITY, &mask, &size);
            assert_true(threads == 1 ? mask == 1 : mask > 1 && mask < 1u << threads);
            assert_int_equal(mask & (mask - 1), 0); // one thread: events in order
            socket_close(&in, 0);
            socket_close(&out, 0);
        }
        secret_destroy(&secret);
        zmq_ctx_term(edge.zmq);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_has_what_was_put_in),
        cmocka_unit_test(links_are_found_by_number_and_route),
        cmocka_unit_test(closed_links_do_not_count_for_their_key),
        cmocka_unit_test(a_reused_descriptor_is_another_socket),
        cmocka_unit_test(what_is_no_socket_is_never_the_same),
        cmocka_unit_test(the_kernel_counts_bytes_both_ways),
        cmocka_unit_test(addresses_are_written_as_people_know_them),
        cmocka_unit_test(frames_take_their_size_and_a_little_more),
        cmocka_unit_test(of_too_many_the_oldest_unnamed_goes),
        cmocka_unit_test(where_all_are_named_the_newest_goes),
        cmocka_unit_test(who_says_nothing_for_long_is_cut),
        cmocka_unit_test(more_than_is_handed_over_is_cut),
        cmocka_unit_test(connections_are_found_by_descriptor_while_they_live),
        cmocka_unit_test(sockets_have_the_options_of_their_role),
        cmocka_unit_test(dialling_has_threads_of_its_own_where_there_are_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
