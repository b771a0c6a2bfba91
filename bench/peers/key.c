#include <stdio.h>

#include "bench/peers/peers.h"

void peer_key(uint64_t number, char key[PEER_KEY + 1])
{
    snprintf(key, PEER_KEY + 1, "r%09llu", (unsigned long long)(number % 1000000000));
}
