#: make check-threads  the thread that reads runs, under ThreadSanitizer
# By itself: the other sanitizers do not go with it.
.PHONY: check-threads
check-threads:
	@scripts/deps.sh build check
	$(AGAIN) BUILD=build/tsan CFLAGS='-O1 -g -fsanitize=thread' build/tsan/tests/unit/test_preparer
	setarch -R build/tsan/tests/unit/test_preparer
