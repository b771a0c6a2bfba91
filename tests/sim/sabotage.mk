#: make sabotage   takes one safeguard after another out of a copy: the simulator must notice (NAMES="...": only these)
.PHONY: sabotage
sabotage:
	@scripts/deps.sh build check sabotage
	$(AGAIN) $(BUILD)/tests/sim/tool_seeds
	@BUILD=$(BUILD) tests/sim/sabotage.sh $(NAMES)
