# The programs: each links only what it needs (DESIGN.md's arrows).

SHARED_SRC := $(wildcard dotproxy/*.c)
DNS_SRC    := $(wildcard unpriv/dns/*.c)
PRIV_SRC   := $(wildcard priv/*.c)
PARENT_SRC := $(wildcard parent/*.c)
WORKER_SRC := $(wildcard unpriv/worker/*.c)
TLS_SRC    := $(wildcard unpriv/tls/*.c)
SOCKS_SRC  := $(wildcard unpriv/socks/*.c)

# The objects of dotproxy/ lie in $(OBJ)/shared: $(OBJ)/dotproxy is a program.
o = $(patsubst %.c,$(OBJ)/%.o,$(patsubst dotproxy/%,shared/%,$(1)))
SHARED_OBJ := $(call o,$(SHARED_SRC))
DNS_OBJ    := $(call o,$(DNS_SRC))
PRIV_OBJ   := $(call o,$(PRIV_SRC))
PARENT_OBJ := $(call o,$(PARENT_SRC)) $(OBJ)/parent/parse.o
# What reads a config file, and prints it.
GRAMMAR_SRC := $(wildcard parent/config_*.c parent/parse_*.c) \
	parent/builtin.c parent/config.c parent/name.c parent/pin.c parent/print.c
GRAMMAR_OBJ := $(call o,$(GRAMMAR_SRC)) $(OBJ)/parent/parse.o
WORKER_OBJ := $(call o,$(WORKER_SRC))
TLS_OBJ    := $(call o,$(TLS_SRC))
SOCKS_OBJ  := $(call o,$(SOCKS_SRC))

PROGRAMS := $(OBJ)/dotproxy $(OBJ)/dotproxy-worker $(OBJ)/dotproxy-tls \
	$(OBJ)/dotproxy-socks

programs: $(PROGRAMS)

$(OBJ)/dotproxy: $(PARENT_OBJ) $(PRIV_OBJ) $(SHARED_OBJ)
	$(CC) $(LDFLAGS_ALL) $(LTO_LD) $(PIE_LD) -o $@ $^ $(EVENT_LIBS) $(CONFINE_LIBS)

$(OBJ)/dotproxy-worker: $(WORKER_OBJ) $(DNS_OBJ) $(SHARED_OBJ)
	$(CC) $(LDFLAGS_ALL) $(LTO_LD) $(PIE_LD) -o $@ $^ $(EVENT_LIBS) $(CONFINE_LIBS)

$(OBJ)/dotproxy-tls: $(TLS_OBJ) $(DNS_OBJ) $(SHARED_OBJ)
	$(CC) $(LDFLAGS_ALL) $(LTO_LD) $(PIE_LD) -o $@ $^ $(TLS_LIBS) $(EVENT_LIBS) \
		$(CONFINE_LIBS)

$(OBJ)/dotproxy-socks: $(SOCKS_OBJ) $(SHARED_OBJ)
	$(CC) $(LDFLAGS_ALL) $(LTO_LD) $(PIE_LD) -o $@ $^ $(CONFINE_LIBS)

$(OBJ)/shared/%.o: dotproxy/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(OBJ)/parent/parse.c: parent/parse.y
	@mkdir -p $(@D)
	$(YACC) -o $@ $<

$(OBJ)/parent/parse.o: $(OBJ)/parent/parse.c
	$(CC) $(CPPFLAGS_ALL) -Iparent $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# What was built with other flags or paths (PREFIX, STATIC, CC ...) is built
# again.
FLAGS_NOW := $(strip $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) \
	$(PIE_LD))
FLAGS_OLD := $(if $(wildcard $(OBJ)/flags),$(file <$(OBJ)/flags))
ifneq ($(FLAGS_NOW),$(FLAGS_OLD))
$(OBJ)/flags: FORCE
endif
$(OBJ)/flags: export FLAGS_TEXT = $(FLAGS_NOW)
$(OBJ)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS_TEXT" >$@

$(SHARED_OBJ) $(DNS_OBJ) $(PRIV_OBJ) $(PARENT_OBJ) $(WORKER_OBJ) $(TLS_OBJ) \
	$(SOCKS_OBJ): $(OBJ)/flags

clean:
	rm -rf $(OBJ)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

FORCE:

.PHONY: all programs clean FORCE
.DELETE_ON_ERROR:
