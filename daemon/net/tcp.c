#include "daemon/net/tcp.h"

#include <arpa/inet.h>
#include <linux/tcp.h> // glibc's struct tcp_info ends before the byte counters
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

tcp_t tcp_of(int fd)
{
    struct stat status;
    tcp_t tcp = {.fd = -1};
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode))
        tcp = (tcp_t){fd, status.st_dev, status.st_ino};
    return tcp;
}

bool tcp_same(const tcp_t *tcp)
{
    tcp_t now = tcp_of(tcp->fd);
    return now.fd >= 0 && now.device == tcp->device && now.inode == tcp->inode;
}

void tcp_cut(const tcp_t *tcp)
{
    if (tcp_same(tcp))
        shutdown(tcp->fd, SHUT_RDWR); // fails only where the connection is gone already
}

void tcp_peer(const tcp_t *tcp, char where[TCP_WHERE])
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char text[INET6_ADDRSTRLEN] = "";
    where[0] = '\0';
    if (!tcp_same(tcp) || getpeername(tcp->fd, (struct sockaddr *)&address, &size) != 0)
        return;
    if (address.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        snprintf(where, TCP_WHERE, "%s:%u", text, ntohs(v4.sin_port));
    } else if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address, sizeof v6);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr); // a dual-stack socket's IPv4 peer
        inet_ntop(mapped ? AF_INET : AF_INET6, &v6.sin6_addr.s6_addr[mapped ? 12 : 0], text,
                  sizeof text);
        snprintf(where, TCP_WHERE, mapped ? "%s:%u" : "[%s]:%u", text, ntohs(v6.sin6_port));
    }
}

bool tcp_counts(const tcp_t *tcp, uint64_t *received, uint64_t *acknowledged)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (!tcp_same(tcp) || getsockopt(tcp->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_segs_out))
        return false;
    *received = info.tcpi_bytes_received;
    *acknowledged = info.tcpi_bytes_acked;
    return true;
}

uint64_t frame_on_wire(size_t size)
{
    size_t boxed = size + 33;
    return boxed + (boxed > 255 ? 9 : 2);
}
