// Names and addresses, as cards carry them.
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/bounded.h"
#include "lib/card.h"

// Control characters: C0, DEL, and C1 (U+0080 to U+009F: 0xc2, then 0x80 to 0x9f).
static bool has_controls(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0))
            return true;
    return false;
}

bool name_valid(const char *name)
{
    size_t size = name ? strnlen(name, NAME_MAX_BYTES + 1) : 0;
    return size > 0 && size <= NAME_MAX_BYTES && utf8_valid(span_of(name, size)) &&
           !has_controls(name);
}

// ---- tcp://HOST:PORT ----

enum { PORT_MAX = 65534 }; // publications are on the next one

typedef struct {
    char host[ENDPOINT_MAX_BYTES + 1]; // brackets taken off
    bool bracketed;
    unsigned port;
} endpoint_t;

static bool parse_port(const char *text, unsigned *port)
{
    unsigned value = 0;
    if (*text == '0')
        return false; // port 0, or a leading zero
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && at - text < 5; at++)
        value = value * 10 + (unsigned)(*at - '0');
    *port = value;
    return *at == '\0' && value >= 1 && value <= PORT_MAX;
}

static bool split(const char *text, endpoint_t *endpoint)
{
    static const char scheme[] = "tcp://";
    const size_t skip = sizeof scheme - 1;
    if (!text || strnlen(text, ENDPOINT_MAX_BYTES + 1) > ENDPOINT_MAX_BYTES ||
        strncmp(text, scheme, skip) != 0)
        return false;
    const char *host = text + skip;
    const char *colon = strrchr(host, ':');
    if (!colon || !parse_port(colon + 1, &endpoint->port))
        return false;
    size_t size = (size_t)(colon - host);
    endpoint->bracketed = size >= 2 && host[0] == '[' && host[size - 1] == ']';
    if (endpoint->bracketed) {
        host++;
        size -= 2;
    }
    memcpy(endpoint->host, host, size);
    endpoint->host[size] = '\0';
    return size > 0;
}

static bool ipv6_valid(const char *host)
{
    struct in6_addr address;
    static const struct in6_addr mapped_any = {{{[10] = 0xff, [11] = 0xff}}};
    return inet_pton(AF_INET6, host, &address) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&address) &&
           memcmp(&address, &mapped_any, sizeof address) != 0;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 1123, section 2.1: letters, digits and inner hyphens, 1 to 63 a label.
static bool label_ok(const char *label, size_t size)
{
    if (size < 1 || size > 63 || label[0] == '-' || label[size - 1] == '-')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_alphanumeric(label[i]) && label[i] != '-')
            return false;
    return true;
}

// What ends in a number is meant as an address (10.0.0.300), never as a name.
static bool dns_name_valid(const char *host)
{
    size_t size = 0;
    const char *label = host;
    for (;; label += size + 1) {
        size = strcspn(label, ".");
        if (!label_ok(label, size))
            return false;
        if (label[size] == '\0')
            break;
    }
    return strlen(host) <= 253 && strspn(label, "0123456789") < size;
}

static bool host_valid(const endpoint_t *endpoint)
{
    struct in_addr address;
    if (endpoint->bracketed)
        return ipv6_valid(endpoint->host);
    if (inet_pton(AF_INET, endpoint->host, &address) == 1)
        return address.s_addr != htonl(INADDR_ANY);
    return dns_name_valid(endpoint->host);
}

bool endpoint_next_port(const char *endpoint, char next[ENDPOINT_MAX_BYTES + 1])
{
    endpoint_t parts;
    if (!split(endpoint, &parts))
        return false;
    const char *open = parts.bracketed ? "[" : "";
    const char *close = parts.bracketed ? "]" : "";
    int length = snprintf(next, ENDPOINT_MAX_BYTES + 1, "tcp://%s%s%s:%u", open, parts.host, close,
                          parts.port + 1);
    return length > 0 && length <= (int)ENDPOINT_MAX_BYTES;
}

// With room for the next port: an endpoint that publications cannot follow is none.
bool endpoint_valid(const char *endpoint)
{
    endpoint_t parts;
    char next[ENDPOINT_MAX_BYTES + 1];
    return split(endpoint, &parts) && host_valid(&parts) && endpoint_next_port(endpoint, next);
}
