# The disk's test writes with the commits of the unit tests.
$(BUILD)/tests/sim/test_disk_model: $(BUILD)/obj/tests/unit/protocol_samples.o $(BUILD)/obj/tests/unit/scratch.o
