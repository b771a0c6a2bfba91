#include "bench/apart.h"

#include <stdio.h>

#include "lib/mem.h"

enum { PORT = 7400 };

static fleet_t *on_loopback(size_t others)
{
    static const char *const hub[] = {APART_HUB, NULL};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, APART_HUB, true, "", NULL);
    for (size_t i = 1; i <= others; i++) {
        char code[8];
        snprintf(code, sizeof code, "N%02zu", i);
        fleet_add(fleet, code, false, "", hub);
    }
    return fleet;
}

fleet_t *apart_hub(const cable_t *cable, size_t others)
{
    if (!cable)
        return on_loopback(others);
    fleet_t *fleet = fleet_new();
    const char *address = cable_address(CABLE_LEFT);
    char *listen = mem_format(" --listen tcp://%s:%d", address, PORT);
    char *dial = mem_format(" --connect %s@tcp://%s:%d", APART_HUB, address, PORT);
    fleet_place(fleet, fleet_add(fleet, APART_HUB, false, listen, NULL),
                cable_network(cable, CABLE_LEFT));
    for (size_t i = 1; i <= others; i++) {
        char code[8];
        snprintf(code, sizeof code, "N%02zu", i);
        fleet_place(fleet, fleet_add(fleet, code, false, dial, NULL),
                    cable_network(cable, CABLE_RIGHT));
    }
    mem_free(listen);
    mem_free(dial);
    return fleet;
}
