# Fuzzing: libFuzzer (clang) with AddressSanitizer and UBSan, one program a
# target, fuzz_NAME.c. tests/fuzz/run.sh runs them.
#
# The same targets are linked with replay.c in any build ($(BUILD)/tests/replay/NAME
# FILE-OR-FOLDER...), which runs files through them.

FUZZ_NAMES   := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_HELP    := $(filter-out $(BUILD)/obj/tests/fuzz/fuzz_% %/mutate.o %/replay.o %/make_seeds.o %/seeds_edges.o %/seeds_node.o,\
                  $(call objects,tests/fuzz/*.c)) \
                $(BUILD)/obj/tests/unit/protocol_samples.o $(BUILD)/obj/tests/unit/house.o
FUZZ_BUILD   := BUILD=build/fuzz CC=clang SANITIZE=1 CFLAGS='-g -fsanitize=fuzzer-no-link'

#: make fuzz       TIME=60 seconds of every decoder of outside bytes (TARGETS='run card': only those)
TIME    ?= 60
TARGETS ?= $(FUZZ_NAMES)
.PHONY: fuzz
fuzz:
	@scripts/deps.sh build check fuzz
	$(AGAIN) $(FUZZ_BUILD) fuzz-programs
	@tests/fuzz/run.sh --time $(TIME) --jobs $(shell nproc) $(TARGETS)

#: make fuzz-short 20 s of every decoder of what others send or people write, 2 s of the rest
FUZZ_DECODERS := beacon card charter commit compress config control header import json message publication roster run
.PHONY: fuzz-short
fuzz-short:
	@$(MAKE) --no-print-directory fuzz TIME=20 TARGETS='$(FUZZ_DECODERS)'
	@$(MAKE) --no-print-directory fuzz TIME=2 TARGETS='$(filter-out $(FUZZ_DECODERS),$(FUZZ_NAMES))'

#: make fuzz-corpus  what a long run has found made small again and kept in tests/fuzz/corpus
.PHONY: fuzz-corpus
fuzz-corpus:
	@scripts/deps.sh build check fuzz
	$(AGAIN) $(FUZZ_BUILD) fuzz-programs build/fuzz/tests/fuzz/make_seeds
	@tests/fuzz/corpus.sh $(TARGETS)

.PHONY: fuzz-programs fuzz-replays
fuzz-programs: $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/%)
fuzz-replays: $(FUZZ_NAMES:%=$(BUILD)/tests/replay/%)

# In place of libzmq: tests/fuzz/fuzz_edge.c.
EDGE_WRAPS := zmq_socket zmq_close zmq_setsockopt zmq_getsockopt zmq_ctx_get zmq_bind zmq_connect \
              zmq_socket_monitor zmq_recv zmq_send zmq_msg_recv zmq_msg_more zmq_msg_get zmq_msg_gets
$(BUILD)/tests/fuzz/edge $(BUILD)/tests/replay/edge: ALL_LDFLAGS += $(EDGE_WRAPS:%=-Wl,--wrap=%)

FUZZ_ARCHIVES := $(LIBCLIENT) $(ARCHIVES)
$(BUILD)/tests/fuzz/make_seeds: $(addprefix $(BUILD)/obj/tests/,fuzz/make_seeds.o \
    fuzz/seeds_edges.o fuzz/seeds_node.o fuzz/cast.o unit/protocol_samples.o unit/protocol_messages.o unit/hostile.o) $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(FUZZ_ARCHIVES) $(LIBS) -lcmocka
$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/mutate.o $(FUZZ_HELP) $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(FUZZ_ARCHIVES) -fsanitize=fuzzer $(LIBS) -lcmocka
$(BUILD)/tests/replay/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/replay.o $(FUZZ_HELP) $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(FUZZ_ARCHIVES) $(LIBS) -lcmocka
