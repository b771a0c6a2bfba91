#include "client/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/kinds.h"

enum { COLUMNS_DEFAULT = 80, COLUMNS_MAX = 10000 };

static unsigned columns_of(int fd)
{
    struct winsize size = {0};
    const char *said = getenv("COLUMNS");
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    unsigned long columns = said ? strtoul(said, NULL, 10) : 0;
    return columns && columns <= COLUMNS_MAX ? (unsigned)columns : COLUMNS_DEFAULT;
}

static bool set_and_filled(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

screen_t screen_of(FILE *stream)
{
    screen_t screen = {0};
    const char *terminal = getenv("TERM");
    const char *depth = getenv("COLORTERM");
    screen.terminal = isatty(fileno(stream)) == 1;
    if (!screen.terminal)
        return screen;
    screen.columns = columns_of(fileno(stream));
    screen.colour = !set_and_filled("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0;
    screen.true_colour = depth && (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0);
    return screen;
}

typedef struct {
    const char *basic;
    const char *exact; // where the terminal has all colours
} sequence_t;

// The colours of TLP 2.0 are FIRST's, on black.
static const sequence_t sequences[STYLE_COUNT] = {
    [STYLE_NONE] = {"", ""},
    [STYLE_HEADING] = {"\033[1m", "\033[1m"},
    [STYLE_FAINT] = {"\033[2m", "\033[2m"},
    [STYLE_GOOD] = {"\033[32m", "\033[32m"},
    [STYLE_WARNING] = {"\033[33m", "\033[33m"},
    [STYLE_BAD] = {"\033[31m", "\033[31m"},
    [STYLE_TLP_RED] = {"\033[91;40m", "\033[38;2;255;43;43;48;2;0;0;0m"},
    [STYLE_TLP_AMBER] = {"\033[93;40m", "\033[38;2;255;192;0;48;2;0;0;0m"},
    [STYLE_TLP_GREEN] = {"\033[92;40m", "\033[38;2;51;255;0;48;2;0;0;0m"},
    [STYLE_TLP_CLEAR] = {"\033[97;40m", "\033[38;2;255;255;255;48;2;0;0;0m"},
};

const char *screen_on(const screen_t *screen, style_t style)
{
    if (!screen->colour)
        return "";
    return screen->true_colour ? sequences[style].exact : sequences[style].basic;
}

const char *screen_off(const screen_t *screen, style_t style)
{
    return screen->colour && style != STYLE_NONE ? "\033[0m" : "";
}

style_t style_of_label(const char *label)
{
    // By rank: CLEAR, GREEN, AMBER, AMBER+STRICT, RED.
    static const style_t styles[] = {STYLE_TLP_CLEAR, STYLE_TLP_GREEN, STYLE_TLP_AMBER,
                                     STYLE_TLP_AMBER, STYLE_TLP_RED};
    unsigned rank = label_rank(label);
    return rank < sizeof styles / sizeof *styles ? styles[rank] : STYLE_TLP_RED;
}
