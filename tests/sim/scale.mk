#: make scale      what a coalition costs: points measured in the simulator beside docs/scale.md (build/scale.json)
.PHONY: scale
scale:
	@scripts/deps.sh build check
	$(AGAIN) $(BUILD)/tests/sim/tool_scale
	$(BUILD)/tests/sim/tool_scale --json $(BUILD)/scale.json
$(BUILD)/tests/sim/%: private LIBS += -lm
