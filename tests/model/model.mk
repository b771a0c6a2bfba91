#: make model      the Promela model of own log, fence, following, forks: all of its states, by spin
.PHONY: model
model:
	@scripts/deps.sh build model
	@tests/model/check.sh --results $(BUILD)/model --jobs $(shell nproc)
