# Enlace. `make help` lists the targets; everything made goes under build/.
#
# A variant is a directory: the plain build in build/, the sanitised one in
# build/asan/, clang's in build/clang/. Each is the same rules with other flags:
#   make BUILD=build/asan SANITIZE=1

BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
VERSION  := 0.1.0
ifeq ($(origin CC),default)
CC       := gcc
endif

# CFLAGS, CPPFLAGS, LDFLAGS and WERROR are the user's; what the code needs is
# beside them, so that `make CFLAGS=-O0` changes the optimisation and no more.
PACKAGES := libzmq libczmq libprotobuf-c sqlite3 libsodium libsystemd jansson libzstd libxxhash
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
HARDEN   := -fstack-protector-strong -fPIE -ftrapv
CFLAGS   ?= -O2 -g
ALL_CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -DENLACE_VERSION='"$(VERSION)"' \
                -DENLACE_LOCALEDIR='"$(PREFIX)/share/locale"'
ifndef SANITIZE
ALL_CPPFLAGS += -D_FORTIFY_SOURCE=2
else
SANITIZER := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1
endif
ALL_CPPFLAGS += $(CPPFLAGS) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
ALL_CFLAGS   := -std=c11 $(WARNINGS) $(HARDEN) $(CFLAGS) $(SANITIZER) $(WERROR)
ALL_LDFLAGS  := -pie -Wl,-z,relro,-z,now,--as-needed -pthread $(LDFLAGS)
LIBS         := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

# One short line a file; V=1 shows the whole command.
say     = $(if $(V),,@echo '  $(1)' && )
COMPILE = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)
LINK    = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^)

PROTOS   := $(wildcard proto/enlace/v1/*.proto)
GEN_C    := $(PROTOS:proto/%.proto=$(BUILD)/gen/%.pb-c.c)
GEN_H    := $(GEN_C:.c=.h)
GEN_O    := $(GEN_C:.c=.o)

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)))
LIB_O    := $(call objects,lib/*.c)
CORE_O   := $(call objects,daemon/core/*.c)
STORE_O  := $(call objects,daemon/store/*.c)
SEARCH_O := $(call objects,daemon/search/*.c)
NET_O    := $(call objects,daemon/net/*.c)
DAEMON_O := $(call objects,daemon/*.c) $(call objects,daemon/control/*.c)
CLIENT_O := $(call objects,client/*.c)
TEST_O   := $(call objects,tests/*/*.c)
BENCH_O  := $(call objects,bench/*.c)

LIBENLACE := $(BUILD)/libenlace.a
LIBCORE   := $(BUILD)/libcore.a
LIBSTORE  := $(BUILD)/libstore.a
LIBSEARCH := $(BUILD)/libsearch.a
LIBNET    := $(BUILD)/libnet.a
LIBDAEMON := $(BUILD)/libdaemon.a
LIBCLIENT := $(BUILD)/libclient.a
LIBUNIT   := $(BUILD)/libunit.a
ARCHIVES  := $(LIBDAEMON) $(LIBCORE) $(LIBSEARCH) $(LIBSTORE) $(LIBNET) $(LIBENLACE)

# In each folder of tests: programs are test_*.c (and tool_*.c, which tests
# run), everything else there is linked into all of them.
programs  = $(patsubst %.c,$(BUILD)/%,$(wildcard $(1)))
helpers   = $(filter-out $(BUILD)/obj/tests/$(1)/test_% $(BUILD)/obj/tests/$(1)/tool_%,$(call objects,tests/$(1)/*.c))
# Those that take long begin first: none is left alone at the end.
SLOW_TESTS   := net_hostile protocol_fields verify view verify_damage reader vectors_node roster hostile disk fence import \
                searching strainer serve search_feeder store_faults kind_block control author
slow_first    = $(filter $(addprefix %/test_,$(SLOW_TESTS)),$(1)) $(filter-out $(addprefix %/test_,$(SLOW_TESTS)),$(1))
UNIT_TESTS   := $(call slow_first,$(call programs,tests/unit/test_*.c))
SIM_TESTS    := $(call programs,tests/sim/test_*.c)
SYSTEM_TESTS := $(call slow_first,$(call programs,tests/system/test_*.c))
SYSTEM_TOOLS := $(call programs,tests/system/tool_*.c) $(BUILD)/tests/system/failing_sync.so
UNIT_HELP    := $(call helpers,unit)
SIM_HELP     := $(call helpers,sim)
SYSTEM_HELP  := $(call helpers,system)

# Targets that call make again do it on all processors, unless -j was given.
JOBS  = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
AGAIN = +@$(MAKE) --no-print-directory $(JOBS)

.DELETE_ON_ERROR:
.SECONDARY:

#: make            the daemon build/enlaced and the client build/enlace
.PHONY: all
all: $(BUILD)/enlaced $(BUILD)/enlace

#: make demo       eight nodes of the regional coalition come into step (KEEP=1: leaves them running)
.PHONY: demo
demo:
	@scripts/deps.sh build
	$(AGAIN) all
	@BUILD=$(BUILD) KEEP=$(KEEP) deploy/examples/regional-coalition.sh

#: make check      both compilers without a warning, all tests under ASan and UBSan, units under valgrind
# Each variant has a folder of its own, so that nothing compiled with other
# flags, warnings let through among them, is taken for checked. clang says the
# same at -O0. What tests the document decodes nothing that another suite does
# not, and stays away from valgrind; system suites mostly wait.
.PHONY: check
check:
	@scripts/deps.sh build check
	$(AGAIN) BUILD=build/gcc CC=gcc WERROR=-Werror all tests
	$(AGAIN) BUILD=build/clang CC=clang CFLAGS=-O0 WERROR=-Werror all-objects
	$(AGAIN) BUILD=build/asan CC=gcc WERROR=-Werror SANITIZE=1 all tests
	@tests/run.sh --results build/results \
	  --variant asan --bin build/asan --jobs $(shell nproc) \
	    $(patsubst $(BUILD)/%,build/asan/%,$(UNIT_TESTS) $(SIM_TESTS)) \
	  --variant valgrind --bin build/gcc --valgrind --limit 400 --jobs $(shell nproc) \
	    $(patsubst $(BUILD)/%,build/gcc/%,$(filter-out %/test_protocol_doc %/test_protocol_fields,$(UNIT_TESTS))) \
	  --variant asan --bin build/asan --limit 300 --jobs $(shell expr $$(nproc) + 1) \
	    $(patsubst $(BUILD)/%,build/asan/%,$(SYSTEM_TESTS))

#: make tests      only builds the test programs, of this variant
.PHONY: tests
tests: $(UNIT_TESTS) $(SIM_TESTS) $(SYSTEM_TESTS) $(SYSTEM_TOOLS)

#: make lab        the installed unit under a real systemd, in namespaces of its own (root)
.PHONY: lab
lab:
	@scripts/deps.sh build lab
	$(AGAIN) all
	@BUILD=$(BUILD) tests/run.sh --results $(BUILD)/lab/results --variant lab --limit 900 \
	  --may-skip tests/lab/systemd.sh

#: make idle       how much memory idle daemons take after a minute; fails at 16 MB
.PHONY: idle
idle:
	@scripts/deps.sh build
	$(AGAIN) all
	@BUILD=$(BUILD) tests/system/idle.sh

#: make install    into PREFIX (/usr/local) under DESTDIR: programs, unit, its user, documentation
UNITS    := $(BUILD)/systemd/enlaced@.service
DOCS     := README.md CHANGELOG.md LICENSE $(wildcard docs/*.md)
EXAMPLES := $(wildcard deploy/examples/*.jsonl deploy/examples/*.md)
.PHONY: install
install: all $(UNITS)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system \
	  $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
	  $(DESTDIR)$(PREFIX)/share/doc/enlace/examples
	install -m 755 $(BUILD)/enlaced $(BUILD)/enlace $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(UNITS) $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 systemd/enlace.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/enlace.conf
	install -m 644 systemd/enlace.tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/enlace.conf
	install -m 644 $(DOCS) $(DESTDIR)$(PREFIX)/share/doc/enlace
	install -m 644 $(EXAMPLES) $(DESTDIR)$(PREFIX)/share/doc/enlace/examples

# The unit in the tree is for PREFIX=/usr.
$(BUILD)/systemd/%: systemd/% $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,GEN $@)sed 's|/usr/bin/|$(PREFIX)/bin/|' $< > $@

#: make format     all C files into the form of .clang-format
.PHONY: format
format:
	@scripts/deps.sh lint
	git ls-files -z -- '*.c' '*.h' | xargs -0 -r clang-format -i

#: make lint       form, clang-tidy, shellcheck, what may include what, the unit's exposure
#: make analyze    clang's static analyzer on every file
.PHONY: lint analyze
lint analyze:
	@scripts/deps.sh build check lint
	$(AGAIN) BUILD=build/lint CC=clang $@-all
.PHONY: lint-all analyze-all
lint-all analyze-all: $(GEN_H)
	@scripts/lint.sh $(if $(filter analyze-all,$@),--analyze) $(ALL_CPPFLAGS) -std=c11

#: make pot        the strings for translators, build/enlace.pot
.PHONY: pot
pot:
	@scripts/deps.sh check
	@mkdir -p $(BUILD)
	@scripts/pot.sh $(BUILD)/enlace.pot $(VERSION)

#: make clean      removes build/
.PHONY: clean
clean:
	rm -rf build

#: make help       this
.PHONY: help
help:
	@sed -n 's/^#: //p' Makefile $(wildcard tests/*/*.mk bench/*.mk)

# Suites that are longer than what a change has to pass have targets of their
# own, beside their files.
include $(wildcard tests/*/*.mk bench/*.mk)

# ---- how things are made ----

.PHONY: FORCE
FORCE:

# Holds what everything is compiled with, and changes only when that does: a
# new flag, version, prefix or compiler makes everything anew.
STAMP = $(COMPILE) | $(ALL_LDFLAGS) $(LIBS)
$(BUILD)/flags: FORCE
	@$(if $(LIBS),,echo 'Libraries or pkg-config are missing: run scripts/deps.sh build' >&2; exit 1)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(STAMP))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(STAMP))' > $@

$(BUILD)/enlaced: $(BUILD)/obj/daemon/main.o $(ARCHIVES)
	$(call say,LD $@)$(LINK) $(LIBS)
$(BUILD)/enlace: $(BUILD)/obj/client/main.o $(LIBCLIENT) $(LIBENLACE)
	$(call say,LD $@)$(LINK) $(LIBS)

members.libenlace := $(LIB_O) $(GEN_O)
members.libcore   := $(CORE_O)
members.libstore  := $(STORE_O)
members.libsearch := $(SEARCH_O)
members.libnet    := $(NET_O)
members.libdaemon := $(filter-out %/main.o,$(DAEMON_O))
members.libclient := $(filter-out %/main.o,$(CLIENT_O))
members.libunit   := $(UNIT_HELP)
# What an archive was made of is listed beside it: a file that leaves the tree
# leaves the archive too.
$(BUILD)/%.members: FORCE
	@mkdir -p $(@D)
	@echo '$(members.$*)' | cmp -s - $@ || echo '$(members.$*)' > $@
.SECONDEXPANSION:
$(ARCHIVES) $(LIBCLIENT) $(LIBUNIT): $(BUILD)/%.a: $(BUILD)/%.members $$(members.%)
	@rm -f $@
	$(call say,AR $@)$(AR) rcs $@ $(filter %.o,$^)

# protoc-c writes both files of one .proto at once; any .proto may be imported
# by any other, so a changed one makes all of them anew. Generated code is
# compiled without our warnings: it is not ours.
$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h: proto/%.proto $(PROTOS)
	@mkdir -p $(BUILD)/gen
	$(call say,PB $<)protoc-c --proto_path=proto --c_out=$(BUILD)/gen $<
$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c $(GEN_H) $(BUILD)/flags
	$(call say,CC $<)$(COMPILE) -w -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(GEN_H)
	@mkdir -p $(@D)
	$(call say,CC $<)$(COMPILE) -MMD -MP -c -o $@ $<
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: all-objects
all-objects: $(LIB_O) $(CORE_O) $(STORE_O) $(SEARCH_O) $(NET_O) $(DAEMON_O) $(CLIENT_O) $(TEST_O) $(BENCH_O) $(GEN_O)

# Tests link only what they test: the archives give them the objects they name, what
# helps them among it. Sanitised, they take longer to be optimised than to run.
ifdef SANITIZE
$(BUILD)/obj/tests/unit/%.o $(BUILD)/obj/tests/system/%.o: private ALL_CFLAGS += -O0
endif
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBUNIT) $(ARCHIVES) $(LIBCLIENT)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBNET) $(LIBENLACE) $(LIBS) -lcmocka
$(BUILD)/tests/sim/%: $(BUILD)/obj/tests/sim/%.o $(SIM_HELP) $(LIBDAEMON) $(LIBCORE) $(LIBSEARCH) $(LIBSTORE) $(LIBENLACE)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBS) -lcmocka
# For programs that know nothing of it, sanitised or not: LD_PRELOAD.
$(BUILD)/tests/system/%.so: tests/system/preload/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD $@)$(CC) $(ALL_CPPFLAGS) -std=c11 $(WARNINGS) $(CFLAGS) $(WERROR) -fPIC -shared -o $@ $<
$(BUILD)/tests/system/%: $(BUILD)/obj/tests/system/%.o $(SYSTEM_HELP) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBS) -lcmocka
