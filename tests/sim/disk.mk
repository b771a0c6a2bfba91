# The disk's programs write with the commits of the unit tests.
DISK_PROGRAMS := $(addprefix $(BUILD)/tests/sim/,test_disk_model test_migration_disk tool_disk_speed)
$(DISK_PROGRAMS): $(BUILD)/obj/tests/unit/protocol_samples.o $(BUILD)/obj/tests/unit/scratch.o

#: make disk-speed how many opens and turns a second the store makes on the simulator's disk
.PHONY: disk-speed
disk-speed: $(BUILD)/tests/sim/tool_disk_speed
	@$<
