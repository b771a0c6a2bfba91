# Whether docs/protocol.md says enough: an implementation written from it alone,
# in Python, the vectors that it has made, and its peer against real daemons.

PROTOS_PY   := $(PROTOS:proto/%.proto=$(BUILD)/conformance/%_pb2.py)
PYTHON_PATH := PYTHONPATH=$(BUILD)/conformance PYTHONDONTWRITEBYTECODE=1
VECTOR_TESTS := $(filter %/test_vectors %/test_vectors_made %/test_vectors_node,$(UNIT_TESTS))

#: make conformance  vectors through C and through a second implementation; its peer against real daemons
.PHONY: conformance
conformance:
	@scripts/deps.sh build check conformance
	$(AGAIN) all $(VECTOR_TESTS) $(PROTOS_PY)
	@$(PYTHON_PATH) tests/run.sh --results $(BUILD)/conformance/results \
	  --variant vectors --bin $(BUILD) --jobs $(shell nproc) tests/conformance/check.py $(VECTOR_TESTS) \
	  --variant peer --bin $(BUILD) --limit 600 tests/conformance/live.py

# By hand, when the protocol gains something: the suites only read what is kept.
.PHONY: conformance-vectors
conformance-vectors: $(PROTOS_PY)
	@scripts/deps.sh conformance
	@$(PYTHON_PATH) /usr/bin/python3 tests/conformance/generate.py

$(BUILD)/conformance/%_pb2.py: proto/%.proto $(PROTOS)
	@mkdir -p $(BUILD)/conformance
	$(call say,PB $@)protoc --proto_path=proto --python_out=$(BUILD)/conformance $<
