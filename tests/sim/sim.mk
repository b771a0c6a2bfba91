#: make sim        the seed-driven simulator and its corpus (SEEDS=1000; FIRST=1)
# A seed is a run: tests/sim/plan.h. What fails is printed with the command that
# shows it again. From 1,000 seeds on a fault that never fired is a failure.
SEEDS ?= 1000
FIRST ?= 1
SIM_SEEDS := $(BUILD)/tests/sim/tool_seeds
.PHONY: sim
sim:
	@scripts/deps.sh build check
	$(AGAIN) $(SIM_SEEDS)
	$(SIM_SEEDS) --corpus $(wildcard tests/sim/corpus/*.plan)
	$(SIM_SEEDS) --replay $(FIRST)
	$(SIM_SEEDS) --first $(FIRST) --seeds $(SEEDS) $(if $(filter-out 0,$(shell expr $(SEEDS) / 1000)),--must-fire)

# What a run has computed it does not compute again: tests/sim/memo.h.
MEMO := crypto_sign_verify_detached crypto_generichash_blake2b_salt_personal
$(BUILD)/tests/sim/%: private ALL_LDFLAGS += $(MEMO:%=-Wl,--wrap=%)
