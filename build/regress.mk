# The tests: Kyua over ATF. regress/ is mirrored into $(OBJ)/regress with the
# C programs built and the shell ones (*_test.sh) given their interpreter;
# `make tests` builds them, and regress/run runs them.
#
# A C test links what its folder is about; a folder that needs more says so
# in its own regress/FOLDER/Makefile.inc, which may also add helpers to
# REGRESS_TOOLS (programs built from regress/FOLDER/NAME.c).

REGRESS_SRC   := $(wildcard regress/*/*_test.c)
REGRESS_SH    := $(wildcard regress/*/*_test.sh)
REGRESS_KYUA  := $(wildcard regress/Kyuafile regress/*/Kyuafile)
REGRESS_BIN   := $(patsubst %.c,$(OBJ)/%,$(REGRESS_SRC))
REGRESS_TOOLS :=
ifdef SANITIZE
REGRESS_LSAN  := $(OBJ)/regress/lsan.o
endif

LINK_dns     := $(DNS_OBJ) $(SHARED_OBJ)
LINK_shared  := $(SHARED_OBJ)
LINK_sandbox := $(SHARED_OBJ)
LINK_priv    := $(PRIV_OBJ) $(SHARED_OBJ)
LINK_worker  := $(filter-out $(OBJ)/unpriv/worker/main.o,$(WORKER_OBJ)) \
	$(DNS_OBJ) $(SHARED_OBJ)
LINK_tls     := $(filter-out $(OBJ)/unpriv/tls/main.o,$(TLS_OBJ)) \
	$(DNS_OBJ) $(SHARED_OBJ)
LINK_socks   := $(filter-out $(OBJ)/unpriv/socks/main.o,$(SOCKS_OBJ)) \
	$(SHARED_OBJ)
LIBS_tls     := $(TLS_LIBS)

-include $(wildcard regress/*/Makefile.inc)

tests: programs $(REGRESS_BIN) $(REGRESS_TOOLS) \
	$(patsubst %.sh,$(OBJ)/%,$(REGRESS_SH)) \
	$(patsubst %,$(OBJ)/%,$(REGRESS_KYUA))

ATF_LIBS = $(shell $(PKGCONFIG) --libs atf-c)

# What a test of a folder links: regress/dns/x_test is one of LINK_dns.
link_of = $(LINK_$(notdir $(patsubst %/,%,$(dir $(1)))))

.SECONDEXPANSION:
$(REGRESS_BIN): $(OBJ)/%: $(OBJ)/%.o $$(call link_of,$$@) $(REGRESS_LSAN)
	$(CC) $(LDFLAGS_ALL) $(NO_LTO) -pie -o $@ $^ $(LIBS_$(notdir $(@D))) \
		$(EVENT_LIBS) $(CONFINE_LIBS) $(ATF_LIBS)

$(OBJ)/regress/%_test: regress/%_test.sh
	@mkdir -p $(@D)
	{ echo '#!/usr/bin/env atf-sh'; cat $<; } >$@
	chmod +x $@

$(patsubst %,$(OBJ)/%,$(REGRESS_KYUA)): $(OBJ)/%: %
	@mkdir -p $(@D)
	cp $< $@

.PHONY: tests
