#: make bench      what it costs, on real daemons (BENCH='--n 200000 --repeat 5 live latency')
BENCH ?=
BENCH_HELP := $(filter-out $(BUILD)/obj/bench/tool_%,$(call objects,bench/*.c)) $(SYSTEM_HELP) $(BUILD)/obj/tests/unit/protocol_samples.o $(BUILD)/obj/tests/unit/scratch.o $(BUILD)/obj/tests/unit/house.o
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BENCH_HELP) $(LIBCLIENT) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBS) -lcmocka
.PHONY: bench
bench:
	@scripts/deps.sh build check bench
	$(AGAIN) all $(BUILD)/bench/tool_bench
	ENLACE_BIN_DIR=$(BUILD) $(BUILD)/bench/tool_bench --json $(BUILD)/bench.json $(or $(BENCH),--growth)

#: make bench-peers  the same beside PostgreSQL, NATS and bare SQLite (PEERS='--n 20000 --repeat 1 live')
# Only these need the peers' client libraries.
PEERS ?=
PEER_HELP := $(filter-out $(BUILD)/obj/bench/peers/tool_%,$(call objects,bench/peers/*.c))
PEER_LIBS := -lpq -lnats
$(BUILD)/bench/peers/tool_peers: $(BUILD)/obj/bench/peers/tool_peers.o $(PEER_HELP) $(BENCH_HELP) $(LIBCLIENT) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBS) $(PEER_LIBS) -lcmocka
.PHONY: bench-peers
bench-peers:
	@scripts/deps.sh build check bench-peers
	$(AGAIN) all $(BUILD)/bench/peers/tool_peers
	ENLACE_BIN_DIR=$(BUILD) $(BUILD)/bench/peers/tool_peers --json $(BUILD)/bench-peers.json $(PEERS)

# What of it does not need a daemon has tests of its own.
$(BUILD)/tests/unit/test_samples: $(BUILD)/obj/bench/samples.o
$(BUILD)/tests/unit/test_load: $(BUILD)/obj/bench/load.o
$(BUILD)/tests/unit/test_report: $(patsubst %,$(BUILD)/obj/bench/%.o,report machine samples)
$(BUILD)/tests/unit/test_ratios: $(BUILD)/obj/bench/ratios.o
$(BUILD)/tests/unit/test_repetition: $(addprefix $(BUILD)/obj/bench/,repetition.o pace.o profile.o samples.o)

#: make instructions  what a change costs in instructions, against the figures that are kept
.PHONY: instructions
instructions:
	@scripts/deps.sh build check
	$(AGAIN) $(BUILD)/bench/tool_apply $(BUILD)/bench/tool_import
	@BUILD=$(BUILD) bench/instructions.sh

#: make profile    where the time of a work goes (PROFILE='50000 live catch-up', SYMBOLS=1)
PROFILE ?= 50000 bootstrap live catch-up single latency fan-out relay write query start-up
.PHONY: profile
profile:
	@scripts/deps.sh build check bench
	$(AGAIN) all $(BUILD)/bench/tool_bench
	@BUILD=$(BUILD) SYMBOLS=$(SYMBOLS) bench/profile.sh $(PROFILE)
