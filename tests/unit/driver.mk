# The driver with a core that wants what the test says.
$(BUILD)/tests/unit/test_driver: ALL_LDFLAGS += -Wl,--wrap=core_step
