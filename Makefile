# dotproxy: GNU make. `make`, `sudo make run`, `sudo make test`, `make demo`,
# `make install`, `sudo make bench`; everything built goes into $(OBJ).
#
#   OBJ=dir          another folder for what is built
#   STATIC=1         static-pie programs (the container's)
#   SANITIZE=list    -fsanitize=list, for the tests
#   WERROR=1         warnings are errors (CI)
#   PKG_CONFIG_PATH  another libtls: genuine LibreSSL instead of LibreTLS

OBJ       ?= obj
PREFIX    ?= /usr/local
SBINDIR   ?= $(PREFIX)/sbin
LIBEXEC   ?= $(PREFIX)/libexec/dotproxy
MANDIR    ?= $(PREFIX)/share/man
ifeq ($(PREFIX),/usr)
SYSCONF   ?= /etc
else
SYSCONF   ?= $(PREFIX)/etc
endif
PKGCONFIG ?= pkg-config
ifeq ($(origin YACC),default)
YACC      := byacc
endif
CFLAGS    ?= -O2 -g

include build/flags.mk
include build/programs.mk
include build/regress.mk
include build/fuzz.mk
include build/install.mk
include build/targets.mk
include build/bench.mk
