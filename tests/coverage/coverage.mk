# How much of the code the tests run: unit and sim tests, some seeds of the simulator
# and the corpus of the fuzz targets, compiled by gcc without optimisation. What is left, and why, is in
# docs/coverage.md; tests/coverage/coverage.py says how branches are counted.

COVERAGE_BUILD := BUILD=build/coverage CC=gcc CPPFLAGS=-U_FORTIFY_SOURCE \
                  CFLAGS='-O0 -g --coverage -fprofile-update=prefer-atomic'

#: make coverage   lines and branches that unit tests, sim tests and fuzz corpus run; build/coverage/
.PHONY: coverage
coverage:
	@scripts/deps.sh build check coverage
	$(AGAIN) $(COVERAGE_BUILD) coverage-programs
	@tests/coverage/run.sh build/coverage $(shell nproc)

.PHONY: coverage-programs
coverage-programs: $(UNIT_TESTS) $(SIM_TESTS) $(BUILD)/tests/sim/tool_seeds fuzz-replays
