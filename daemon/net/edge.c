#include "daemon/net/edge.h"

#include <sys/timerfd.h>

#include "lib/clock.h"

void edge_refused(edge_t *edge, net_link_t link, err_t reason, const char *where)
{
    net_event_t event = {.type = NET_REFUSED, .link = link, .reason = reason, .where = where};
    edge->fn(edge->context, &event);
}

void edge_down(edge_t *edge, net_link_t link, bool outbound, err_t reason, const char *where)
{
    net_event_t event = {
        .type = NET_DOWN, .link = link, .outbound = outbound, .reason = reason, .where = where};
    edge->fn(edge->context, &event);
}

void edge_up(edge_t *edge, net_link_t link, bool outbound, const pubkey_t *key, const char *where)
{
    net_event_t event = {
        .type = NET_UP, .link = link, .outbound = outbound, .key = *key, .where = where};
    edge->fn(edge->context, &event);
}

net_link_t edge_next_link(edge_t *edge)
{
    return ++edge->last_link;
}

void edge_wake(edge_t *edge)
{
    struct itimerspec soon = {.it_interval.tv_sec = 1, .it_value.tv_nsec = 1};
    timerfd_settime(edge->timer, 0, &soon, NULL);
}

uint64_t edge_clock_ms(void)
{
    return clock_now_ms();
}
