// Links through a SOCKS5 proxy. The proxies are child processes, so that they
// answer while the edge is pumped, and begun before there is any edge.
#include "net_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef enum {
    OBLIGING,
    REFUSING,
    WANTS_PASSWORD,
    TALKS_HTTP,
    SAYS_NOTHING,
    NO_SECOND, // does not let through to the port of publications
    SHORT_LIVED,
    MANNERS
} manner_t;

typedef struct {
    pid_t child;
    char address[32];
} socks_t;

typedef struct {
    socks_t socks[MANNERS];
    volatile uint16_t second; // that port
} proxies_t;                  // shared with the children

typedef struct {
    world_t *world;
    proxies_t *proxies;
} scene_t;

static void exchange(int a, int b)
{
    struct pollfd items[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    char bytes[7000];
    while (poll(items, 2, -1) > 0)
        for (int i = 0; i < 2; i++) {
            if (!items[i].revents)
                continue;
            ssize_t got = recv(i ? b : a, bytes, sizeof bytes, 0);
            if (got <= 0 || send(i ? a : b, bytes, (size_t)got, MSG_NOSIGNAL) != got)
                return;
        }
}

// Host and port of a request; 0 where it is none. RFC 1928, section 4.
static uint16_t read_request(int fd, char *host, size_t size)
{
    uint8_t head[4], length = 4, bytes[256];
    if (recv(fd, head, 4, MSG_WAITALL) != 4 || memcmp(head, "\5\1\0", 3) != 0)
        return 0;
    if (head[3] == 3 && recv(fd, &length, 1, MSG_WAITALL) != 1)
        return 0;
    if (head[3] == 4)
        length = 16;
    if (recv(fd, bytes, (size_t)length + 2, MSG_WAITALL) != length + 2)
        return 0;
    if (head[3] == 3)
        snprintf(host, size, "%.*s", length, (char *)bytes);
    else
        inet_ntop(head[3] == 1 ? AF_INET : AF_INET6, bytes, host, (socklen_t)size);
    return (uint16_t)(bytes[length] << 8 | bytes[length + 1]);
}

static void serve(int fd, manner_t manner, const volatile uint16_t *second)
{
    static const uint8_t fine[10] = {5, 0, 0, 1}, no[10] = {5, 5, 0, 1};
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    uint8_t greeting[3];
    char host[300] = "";
    if (manner == SAYS_NOTHING)
        pause();
    if (recv(fd, greeting, 3, MSG_WAITALL) != 3 || memcmp(greeting, "\5\1\0", 3) != 0)
        return;
    if (manner == TALKS_HTTP) {
        send(fd, http, sizeof http - 1, MSG_NOSIGNAL);
        return;
    }
    send(fd, manner == WANTS_PASSWORD ? "\5\xff" : "\5\0", 2, MSG_NOSIGNAL);
    uint16_t port = read_request(fd, host, sizeof host);
    // "peer.example" stands for this machine: names are the proxy's to resolve.
    bool known = strcmp(host, "127.0.0.1") == 0 || strcmp(host, "peer.example") == 0;
    if (!port || !known || manner == REFUSING || (manner == NO_SECOND && port == *second)) {
        send(fd, no, sizeof no, MSG_NOSIGNAL);
        return;
    }
    int far = tcp_connect(port);
    // In two pieces, the second with what the peer says first at its heels.
    send(fd, fine, 3, MSG_NOSIGNAL);
    send(fd, fine + 3, 7, MSG_NOSIGNAL);
    exchange(fd, far);
}

static void socks_open(socks_t *socks, manner_t manner, const volatile uint16_t *second)
{
    int listener = listen_on(0);
    snprintf(socks->address, sizeof socks->address, "127.0.0.1:%u", port_of(listener));
    pid_t child = fork();
    if (child == 0) {
        signal(SIGCHLD, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL); // should the test die before it ends them
        setpgid(0, 0);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0 && fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(fd, manner, second);
                _exit(0);
            }
            close(fd);
        }
    }
    setpgid(child, child); // whichever of the two comes first
    socks->child = child;
    close(listener);
}

static void socks_close(socks_t *socks)
{
    if (socks->child <= 0)
        return;
    kill(-socks->child, SIGKILL); // with those that serve
    waitpid(socks->child, NULL, 0);
    socks->child = 0;
}

static int proxies_begin(void **state)
{
    void *shared =
        mmap(NULL, sizeof(proxies_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    proxies_t *proxies = shared;
    for (int manner = 0; manner < MANNERS; manner++)
        socks_open(&proxies->socks[manner], (manner_t)manner, &proxies->second);
    *state = proxies;
    return 0;
}

static int proxies_end(void **state)
{
    proxies_t *proxies = *state;
    for (int manner = 0; manner < MANNERS; manner++)
        socks_close(&proxies->socks[manner]);
    munmap(proxies, sizeof *proxies);
    return 0;
}

static int setup(void **state)
{
    scene_t *scene = test_calloc(1, sizeof *scene);
    void *world = NULL;
    scene->proxies = *state;
    world_setup(&world);
    scene->world = world;
    scene->proxies->second = (uint16_t)(scene->world->server.port + 1);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    scene_t *scene = *state;
    void *world = scene->world;
    world_teardown(&world);
    test_free(scene);
    return 0;
}

// The client's side anew, behind a proxy.
static void behind_address(world_t *world, const char *address)
{
    char listen[64];
    fault_t fault = {0};
    side_stop(&world->client);
    net_options_t options = options_of(&world->client, listen);
    options.socks = address;
    assert_int_equal(net_new(&options, record, &world->client, &world->client.net, &fault), ERR_OK);
}

static void behind(const scene_t *scene, manner_t manner)
{
    behind_address(scene->world, scene->proxies->socks[manner].address);
}

static net_link_t dial_host(world_t *world, const char *host)
{
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://%s:%u", host, world->server.port);
    net_link_t link =
        net_dial(world->client.net, endpoint, &world->server.key, span_text(TOPIC), NULL);
    assert_true(link != 0);
    return link;
}

static linked_t link_through(world_t *world, const char *host)
{
    linked_t linked = {.there = dial_host(world, host)};
    await(world, &world->client, NET_UP, linked.there);
    net_send(world->client.net, linked.there, span_text("hello"));
    linked.here = await(world, &world->server, NET_UP, 0)->link;
    await(world, &world->server, NET_MESSAGE, linked.here);
    return linked;
}

static void await_publication(world_t *world, net_link_t link)
{
    int64_t end = clock_ms() + DEADLINE_MS;
    while (!find_seen(&world->client, NET_PUBLICATION, link)) {
        assert_true(clock_ms() < end);
        net_publish(world->server.net, span_text(TOPIC), span_text("news"));
        pump(world, 5);
    }
}

static void a_link_works_through_a_proxy(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    enum { SIZE = 150 * 1024 };
    const char *const hosts[] = {"127.0.0.1", "peer.example"};
    behind(scene, OBLIGING);
    admit_all(world);
    for (size_t i = 0; i < 2; i++) {
        linked_t linked = link_through(world, hosts[i]);
        assert_works(world, linked);
        await_publication(world, linked.there);
        uint8_t *big = test_malloc(SIZE); // more than the relay holds at once
        randombytes_buf(big, SIZE);
        for (int round = 0; round < 20; round++) {
            net_send(world->client.net, linked.there, span_of(big, SIZE));
            net_send(world->server.net, linked.here, span_of(big, SIZE));
        }
        for (int round = 0; round < 20; round++) {
            const net_event_t *event = await(world, &world->server, NET_MESSAGE, linked.here);
            assert_true(span_equal(event->body, span_of(big, SIZE)));
            event = await(world, &world->client, NET_MESSAGE, linked.there);
            assert_true(span_equal(event->body, span_of(big, SIZE)));
        }
        test_free(big);
        net_close(world->client.net, linked.there);
        assert_int_equal(await_reason(world, &world->server, NET_DOWN, linked.here),
                         ERR_DISCONNECTED);
    }
}

static void the_end_of_the_other_side_is_told(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    behind(scene, SHORT_LIVED);
    admit_all(world);
    linked_t linked = link_through(world, "127.0.0.1");
    net_send(world->server.net, linked.here, span_text("bye"));
    net_close(world->server.net, linked.here);
    assert_body(await(world, &world->client, NET_MESSAGE, linked.there), "bye");
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there), ERR_DISCONNECTED);
    // And that of the proxy.
    linked = link_through(world, "127.0.0.1");
    socks_close(&scene->proxies->socks[SHORT_LIVED]);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there), ERR_DISCONNECTED);
}

static void a_proxy_that_does_not_help_means_unreachable(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    const manner_t manners[] = {REFUSING, WANTS_PASSWORD, TALKS_HTTP};
    admit_all(world);
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
        behind(scene, manners[i]);
        net_link_t link = dial_host(world, "127.0.0.1");
        assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_UNREACHABLE);
    }
    // Nobody listens there; and the peer is not dialled past the proxy.
    char nowhere[32];
    snprintf(nowhere, sizeof nowhere, "127.0.0.1:%u", free_port());
    behind_address(world, nowhere);
    net_link_t link = dial_host(world, "127.0.0.1");
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_UNREACHABLE);
    assert_null(find_seen(&world->server, NET_UP, 0));
}

static void what_lies_behind_the_proxy_can_refuse(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    behind(scene, OBLIGING); // nobody is admitted
    net_link_t link = dial_host(world, "127.0.0.1");
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_HANDSHAKE_FAILED);
    assert_int_equal(await_reason(world, &world->server, NET_REFUSED, 0), ERR_NOT_A_MEMBER);
}

static void a_closed_publication_port_does_not_hold_up_the_link(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    behind(scene, NO_SECOND);
    admit_all(world);
    linked_t linked = link_through(world, "127.0.0.1");
    quiet(world, &world->client, NET_DOWN, 0);
    assert_works(world, linked);
}

static void a_dial_can_be_given_up_at_any_moment(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    admit_all(world);
    for (int manner = OBLIGING; manner <= SAYS_NOTHING; manner++) {
        behind(scene, (manner_t)manner);
        for (int turns = 0; turns < 12; turns++) {
            net_link_t link = dial_host(world, "127.0.0.1");
            for (int i = 0; i < turns; i++)
                pump(world, 1);
            net_close(world->client.net, link);
            pump(world, 0);
        }
    }
}

static void what_is_no_proxy_is_refused(void **state)
{
    const scene_t *scene = *state;
    world_t *world = scene->world;
    const char *const bad[] = {
        "", "127.0.0.1", "127.0.0.1:", ":1080", "127.0.0.1:http", "127.0.0.1:123456"};
    char listen[64];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fault_t fault = {0};
        net_t *net = NULL;
        net_options_t options = options_of(&world->client, listen);
        options.socks = bad[i];
        assert_int_equal(net_new(&options, record, &world->client, &net, &fault), ERR_BAD_CONFIG);
        assert_null(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_link_works_through_a_proxy),
        T(the_end_of_the_other_side_is_told),
        T(a_proxy_that_does_not_help_means_unreachable),
        T(what_lies_behind_the_proxy_can_refuse),
        T(a_closed_publication_port_does_not_hold_up_the_link),
        T(a_dial_can_be_given_up_at_any_moment),
        T(what_is_no_proxy_is_refused),
    };
    return cmocka_run_group_tests(tests, proxies_begin, proxies_end);
}
