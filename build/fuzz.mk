# Fuzzing with libFuzzer. `make fuzz` builds every regress/fuzz/NAME_fuzz.c
# and runs each for FUZZ_SECONDS on a copy of regress/fuzz/corpus/NAME and
# on FUZZ_EXTRA (folders of inputs that are not ours to commit); `make fuzz-grow`
# puts what new ground the runs found into the source's corpus.
#
# A target says here what it links (sources) and, where it must, libraries:
#
#   FUZZ_SRC_NAME  := ...
#   FUZZ_LIBS_NAME := ...

FUZZ_OBJ     ?= obj-fuzz
FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 10
FUZZ_LARGEST ?= 1024 # bytes of an input that is kept
FUZZ_CFLAGS  := -std=c11 -g -O1 -fno-omit-frame-pointer -DDOTPROXY_SANITIZE \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

FUZZ_DNS := $(DNS_SRC) $(addprefix regress/dns/,check.c \
	check_stored.c naive.c)
FUZZ_SRC_dns_query  := $(FUZZ_DNS)
FUZZ_SRC_dns_answer := $(FUZZ_DNS)
FUZZ_SRC_dns_stored := $(FUZZ_DNS)
FUZZ_SRC_ipc        := dotproxy/ipc_table.c dotproxy/ipc_batch.c \
	dotproxy/ipc.c dotproxy/log.c dotproxy/counter.c
FUZZ_SRC_config := $(OBJ)/parent/parse.c $(GRAMMAR_SRC) dotproxy/log.c \
	dotproxy/netaddr.c priv/memfd.c dotproxy/special.c
$(FUZZ_OBJ)/config_fuzz: CPPFLAGS += -Iparent
# All of the TLS process but its main.c, as its tests are linked.
FUZZ_SRC_stream     := $(filter-out %/main.c,$(TLS_SRC)) $(DNS_SRC) \
	$(SHARED_SRC)
FUZZ_LIBS_stream    := $(TLS_LIBS) $(EVENT_LIBS) $(CONFINE_LIBS)
FUZZ_SRC_socks := unpriv/socks/socks.c dotproxy/ipc_table.c dotproxy/netaddr.c
FUZZ_SRC_cache := $(addprefix unpriv/worker/,cache.c cache_ring.c \
	cache_shard.c) dotproxy/siphash.c dotproxy/log.c

FUZZ_NAMES := $(patsubst regress/fuzz/%_fuzz.c,%,$(wildcard regress/fuzz/*_fuzz.c))
FUZZ_BIN   := $(patsubst %,$(FUZZ_OBJ)/%_fuzz,$(FUZZ_NAMES))

fuzz: $(FUZZ_BIN)
	@FUZZ_OBJ='$(FUZZ_OBJ)' FUZZ_SECONDS='$(FUZZ_SECONDS)' \
		FUZZ_EXTRA='$(FUZZ_EXTRA)' regress/fuzz/run $(FUZZ_NAMES)

fuzz-grow: fuzz
	@FUZZ_OBJ='$(FUZZ_OBJ)' FUZZ_LARGEST='$(strip $(FUZZ_LARGEST))' \
		regress/fuzz/grow $(FUZZ_NAMES)

# The corpus to begin with: the messages that the unit tests make by hand.
fuzz-seeds: $(OBJ)/regress/dns/query_test $(OBJ)/regress/dns/answer_test \
	    $(OBJ)/regress/dns/tell_test $(OBJ)/regress/dns/stored_test \
	    $(FUZZ_OBJ)/dns_query_fuzz $(FUZZ_OBJ)/dns_answer_fuzz \
	    $(FUZZ_OBJ)/dns_stored_fuzz
	@FUZZ_OBJ='$(FUZZ_OBJ)' regress/fuzz/seeds $(filter %_test,$^)

.SECONDEXPANSION:
$(FUZZ_BIN): $(FUZZ_OBJ)/%_fuzz: regress/fuzz/%_fuzz.c $$(FUZZ_SRC_$$*) \
	    $(wildcard dotproxy/*.h priv/*.h unpriv/*/*.h parent/*.h \
	    regress/*/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_CFLAGS) $(PKG_CFLAGS) -o $@ \
		$(filter %.c,$^) $(FUZZ_LIBS_$*)

clean: clean-fuzz
clean-fuzz:
	rm -rf $(FUZZ_OBJ)

.PHONY: fuzz fuzz-grow fuzz-seeds clean-fuzz
