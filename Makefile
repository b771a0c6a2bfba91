# Enlace. `make help` lists the targets; everything made goes under build/.
#
# A variant is a directory: the plain build in build/, the sanitised one in
# build/asan/, clang's in build/clang/. Each is the same rules with other flags:
#   make BUILD=build/asan SANITIZE=1

BUILD    ?= build
CC       ?= gcc
PREFIX   ?= /usr/local
DESTDIR  ?=
VERSION  := 0.1.0

PACKAGES := libzmq libczmq libprotobuf-c sqlite3 libsodium libsystemd jansson
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
HARDEN   := -fstack-protector-strong -fPIE -ftrapv
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -DENLACE_VERSION='"$(VERSION)"' \
            -DENLACE_LOCALEDIR='"$(PREFIX)/share/locale"'
CFLAGS   ?= -O2 -g
CFLAGS   += -std=c11 $(WARNINGS) $(HARDEN) $(WERROR)
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
ifndef SANITIZE
CPPFLAGS += -D_FORTIFY_SOURCE=2
else
CFLAGS   += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
LDFLAGS  += -fsanitize=address,undefined
endif
CPPFLAGS += $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIBS      = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

PROTOS   := $(wildcard proto/enlace/v1/*.proto)
GEN_C    := $(PROTOS:proto/%.proto=$(BUILD)/gen/%.pb-c.c)
GEN_H    := $(GEN_C:.c=.h)
GEN_O    := $(GEN_C:.c=.o)

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)))
LIB_O    := $(call objects,lib/*.c)
CORE_O   := $(call objects,daemon/core/*.c)
STORE_O  := $(call objects,daemon/store/*.c)
NET_O    := $(call objects,daemon/net/*.c)
DAEMON_O := $(call objects,daemon/*.c)
CLIENT_O := $(call objects,client/*.c)

LIBENLACE := $(BUILD)/libenlace.a
LIBCORE   := $(BUILD)/libcore.a
LIBSTORE  := $(BUILD)/libstore.a
LIBNET    := $(BUILD)/libnet.a
LIBDAEMON := $(BUILD)/libdaemon.a
LIBCLIENT := $(BUILD)/libclient.a
ARCHIVES  := $(LIBDAEMON) $(LIBCORE) $(LIBSTORE) $(LIBNET) $(LIBENLACE)

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/sim/test_*.c))
UNIT_HELP  := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(wildcard tests/sim/test_*.c),$(wildcard tests/sim/*.c)))
SYSTEM_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/system/test_*.c))
SYSTEM_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/system/tool_*.c))
SYSTEM_HELP := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(wildcard tests/system/test_*.c tests/system/tool_*.c),$(wildcard tests/system/*.c)))

.PHONY: all
all: $(BUILD)/enlaced $(BUILD)/enlace

.PHONY: help
help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

$(BUILD)/enlaced: $(BUILD)/obj/daemon/main.o $(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/enlace: $(BUILD)/obj/client/main.o $(LIBCLIENT) $(LIBENLACE)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(LIBENLACE): $(LIB_O) $(GEN_O)
$(LIBCORE): $(CORE_O)
$(LIBSTORE): $(STORE_O)
$(LIBNET): $(NET_O)
$(LIBDAEMON): $(filter-out %/main.o,$(DAEMON_O))
$(LIBCLIENT): $(filter-out %/main.o,$(CLIENT_O))
%.a:
	@rm -f $@
	$(AR) rcs $@ $^

# Generated code is compiled without our warnings: it is not ours.
$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h &: proto/%.proto $(PROTOS)
	@mkdir -p $(BUILD)/gen
	protoc-c --proto_path=proto --c_out=$(BUILD)/gen $<
$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c $(GEN_H)
	$(CC) $(CPPFLAGS) $(CFLAGS) -w -c -o $@ $<

$(BUILD)/obj/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# Units link only what they test: the archives give them the objects they name.
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(ARCHIVES) $(LIBCLIENT)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBNET) $(LIBENLACE) $(LIBS) -lcmocka
$(BUILD)/tests/sim/%: $(BUILD)/obj/tests/sim/%.o $(UNIT_HELP) $(LIBCORE) $(LIBSTORE) $(LIBENLACE)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(BUILD)/tests/system/%: $(BUILD)/obj/tests/system/%.o $(SYSTEM_HELP) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
.SECONDARY:

.PHONY: tests
tests: $(UNIT_TESTS) $(SYSTEM_TESTS) $(SYSTEM_TOOLS)
.PHONY: clean
clean:
	rm -rf build
