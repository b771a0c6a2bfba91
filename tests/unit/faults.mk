# Programs in which system calls fail when the test says so (failing_calls.h).
FAILING_CALLS := mkdir chmod fchmod chown fchown fsync fdatasync rename renameat read write pread pwrite \
                 mkdtemp stat fstat statx open openat
$(BUILD)/tests/unit/test_home_faults: ALL_LDFLAGS += $(FAILING_CALLS:%=-Wl,--wrap=%)
