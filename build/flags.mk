# Flags, each hardening one probed: what a compiler does not know is left out.

all: programs

WARN := -std=c11 -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla \
	-Wformat=2 -Wundef
ifdef WERROR
WARN += -Werror
endif

comma := ,

# $(call cc-option,flag): the flag, if compiler and linker take it.
cc-option = $(shell echo 'int main(void){return 0;}' | \
	$(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')

HARDEN := $(call cc-option,-fstack-protector-strong) \
	$(call cc-option,-fstack-clash-protection) \
	$(call cc-option,-fcf-protection) \
	$(call cc-option,-ftrivial-auto-var-init=zero) \
	$(call cc-option,-fno-strict-aliasing) \
	$(call cc-option,-fno-delete-null-pointer-checks)
HARDEN_LD := $(call cc-option,-Wl$(comma)-z$(comma)relro) \
	$(call cc-option,-Wl$(comma)-z$(comma)now) \
	$(call cc-option,-Wl$(comma)-z$(comma)noexecstack) \
	$(call cc-option,-Wl$(comma)-z$(comma)separate-code)
ifdef SANITIZE
HARDEN  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -DDOTPROXY_SANITIZE
else
FORTIFY := $(call cc-option,-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDEN  += $(if $(FORTIFY),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3, \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif

# Across files, for the programs: what reads a message byte by byte is small
# functions of another file. The objects hold plain code too, for the tests.
ifndef SANITIZE
LTO     := $(call cc-option,-flto=auto -ffat-lto-objects)
LTO_LD  := $(if $(LTO),-flto=auto -O2)
NO_LTO  := $(if $(LTO),-fno-lto)
endif

ifdef STATIC
PIE_LD  := -static-pie
PKGSTATIC := --static
else
PIE_LD  := -pie
PKGSTATIC :=
endif

CPPFLAGS_ALL = -D_GNU_SOURCE -I. -I$(OBJ) -DLIBEXEC='"$(LIBEXEC)"' \
	-DSYSCONF='"$(SYSCONF)"' $(CPPFLAGS)
CFLAGS_ALL   = $(CFLAGS) $(WARN) $(HARDEN) $(LTO) -fPIE
LDFLAGS_ALL  = $(HARDEN) $(HARDEN_LD) $(LDFLAGS)

pkg = $(shell $(PKGCONFIG) $(PKGSTATIC) $(1) $(2) 2>/dev/null)
CONFINE_LIBS := $(call pkg,--libs,libseccomp libcap)
EVENT_LIBS   := $(call pkg,--libs,libevent_core)
TLS_LIBS     := $(call pkg,--libs,libtls libssl libcrypto)
PKG_CFLAGS   := $(call pkg,--cflags,libseccomp libcap libevent_core libtls)
CFLAGS_ALL   += $(PKG_CFLAGS)
