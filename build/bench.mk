# `make bench`: what a question costs, against the limit and the peers (root,
# up to 10 minutes). Not part of the tests.

BENCH_BIN := $(patsubst %,$(OBJ)/regress/bench/%,echo dot pace)

bench:
	@build/setup bench
	$(SUBMAKE) programs $(BENCH_BIN)
	@build/own '$(OBJ)'
	@regress/bench/run
	@build/own '$(OBJ)'

$(OBJ)/regress/bench/echo: $(OBJ)/regress/bench/echo.o
	$(CC) $(LDFLAGS_ALL) -pie -o $@ $^

$(OBJ)/regress/bench/dot: $(OBJ)/regress/bench/dot.o
	$(CC) $(LDFLAGS_ALL) -pie -o $@ $^ $(TLS_LIBS)

$(OBJ)/regress/bench/pace: $(OBJ)/regress/bench/pace.o \
	    $(OBJ)/regress/bench/names.o
	$(CC) $(LDFLAGS_ALL) -pie -o $@ $^

.PHONY: bench
