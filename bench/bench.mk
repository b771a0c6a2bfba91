#: make bench      what it costs, on real daemons (BENCH='--n 200000 --repeat 5 live latency')
BENCH ?=
BENCH_HELP := $(filter-out $(BUILD)/obj/bench/tool_%,$(call objects,bench/*.c)) $(SYSTEM_HELP) $(BUILD)/obj/tests/unit/protocol_samples.o $(BUILD)/obj/tests/unit/scratch.o
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BENCH_HELP) $(LIBCLIENT) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBS) -lcmocka
.PHONY: bench
bench:
	@scripts/deps.sh build check bench
	$(AGAIN) all $(BUILD)/bench/tool_bench
	ENLACE_BIN_DIR=$(BUILD) $(BUILD)/bench/tool_bench --json $(BUILD)/bench.json $(BENCH)
# What of it does not need a daemon has tests of its own.
$(BUILD)/tests/unit/test_samples: $(BUILD)/obj/bench/samples.o
$(BUILD)/tests/unit/test_load: $(BUILD)/obj/bench/load.o
$(BUILD)/tests/unit/test_report: $(patsubst %,$(BUILD)/obj/bench/%.o,report machine samples)
$(BUILD)/tests/unit/test_repetition: $(addprefix $(BUILD)/obj/bench/,repetition.o machine.o samples.o)
$(BUILD)/tests/unit/test_ratios: $(BUILD)/obj/bench/ratios.o
