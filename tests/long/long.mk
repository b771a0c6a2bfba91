# Suites on real daemons that take minutes.

LONG_TESTS := $(call programs,tests/long/test_*.c)
LONG_HELP  := $(call helpers,long) $(SYSTEM_HELP)

$(BUILD)/tests/long/%: $(BUILD)/obj/tests/long/%.o $(LONG_HELP) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD $@)$(LINK) $(LIBS) -lcmocka

#: make check-long kill -9 at every phase, 200 times, then 40 under ASan (CRASH_KILLS=, CRASH_ASAN_KILLS=, CRASH_SEED=)
CRASH_KILLS      ?= 200
CRASH_ASAN_KILLS ?= 40
.PHONY: check-long long-tests
check-long:
	@scripts/deps.sh build check
	$(AGAIN) BUILD=build/gcc CC=gcc WERROR=-Werror all long-tests
	$(AGAIN) BUILD=build/asan CC=gcc WERROR=-Werror SANITIZE=1 all long-tests
	@ENLACE_BIN_DIR=build/gcc CRASH_KILLS=$(CRASH_KILLS) build/gcc/tests/long/test_crash
	@ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1 \
	  UBSAN_OPTIONS=print_stacktrace=1 \
	  ENLACE_BIN_DIR=build/asan CRASH_KILLS=$(CRASH_ASAN_KILLS) build/asan/tests/long/test_crash
long-tests: $(LONG_TESTS)
