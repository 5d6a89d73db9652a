# `make bench`: what a question costs, against the limit and the peers (root,
# up to 10 minutes). `make bench-instructions`: what a hit costs in
# instructions, against the figure that is kept. `make bench-faults`: what
# becomes of questions whose upstream misbehaves, `make bench-cut`: of those
# whose upstream is cut off, and `make bench-floods`: of those that come with a
# flood. None is part of the tests.

BENCH_BIN := $(patsubst %,$(OBJ)/regress/bench/%,echo dot pace instructions)

bench:
	@build/setup bench
	$(SUBMAKE) programs $(BENCH_BIN)
	@build/own '$(OBJ)'
	@regress/bench/run
	@build/own '$(OBJ)'

bench-instructions:
	@build/setup bench
	$(SUBMAKE) $(OBJ)/regress/bench/instructions
	@build/own '$(OBJ)'
	@regress/bench/count

bench-faults:
	@build/setup bench
	$(SUBMAKE) programs $(OBJ)/regress/upstream/upstream \
	    $(OBJ)/regress/e2e/load
	@build/own '$(OBJ)'
	@regress/bench/faults
	@build/own '$(OBJ)'

bench-cut:
	@build/setup bench
	$(SUBMAKE) programs $(OBJ)/regress/upstream/upstream $(E2E_TOOLS) \
	    $(E2E_FILES)
	@build/own '$(OBJ)'
	@regress/bench/cut
	@build/own '$(OBJ)'

bench-floods:
	@build/setup bench
	$(SUBMAKE) programs $(OBJ)/regress/bench/echo \
	    $(OBJ)/regress/upstream/upstream $(E2E_TOOLS) $(E2E_FILES)
	@build/own '$(OBJ)'
	@regress/bench/floods
	@build/own '$(OBJ)'

$(OBJ)/regress/bench/echo: $(OBJ)/regress/bench/echo.o
	$(CC) $(LDFLAGS_ALL) $(NO_LTO) -pie -o $@ $^

$(OBJ)/regress/bench/dot: $(OBJ)/regress/bench/dot.o
	$(CC) $(LDFLAGS_ALL) $(NO_LTO) -pie -o $@ $^ $(TLS_LIBS)

$(OBJ)/regress/bench/pace: $(OBJ)/regress/bench/pace.o \
	    $(OBJ)/regress/bench/names.o
	$(CC) $(LDFLAGS_ALL) $(NO_LTO) -pie -o $@ $^

$(OBJ)/regress/bench/instructions: $(OBJ)/regress/bench/instructions.o \
	    $(LINK_worker)
	$(CC) $(LDFLAGS_ALL) $(LTO_LD) -pie -o $@ $^ $(EVENT_LIBS) $(CONFINE_LIBS)

.PHONY: bench bench-instructions bench-faults bench-cut \
    bench-floods
