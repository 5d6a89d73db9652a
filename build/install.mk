# `make install` and `make uninstall`: DESTDIR, PREFIX and the folders named in
# the Makefile. What a file says of /usr/local follows them.

UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
INSTALL     ?= install

IN_SBIN    := dotproxy
IN_LIBEXEC := dotproxy-worker dotproxy-tls dotproxy-socks
CONF       := $(SYSCONF)/dotproxy.conf

# What is installed besides the programs: source, colon, folder.
IN_DATA := man/dotproxy.8:$(MANDIR)/man8 \
	man/dotproxy.conf.5:$(MANDIR)/man5 \
	contrib/systemd/dotproxy.service:$(UNITDIR) \
	contrib/sysusers.d/dotproxy.conf:$(SYSUSERSDIR) \
	contrib/tmpfiles.d/dotproxy.conf:$(TMPFILESDIR)

source = $(firstword $(subst :, ,$(1)))
target = $(lastword $(subst :, ,$(1)))/$(notdir $(call source,$(1)))

ADAPT = sed -e 's,/usr/local/sbin,$(SBINDIR),g' \
	-e 's,/usr/local/libexec/dotproxy,$(LIBEXEC),g' \
	-e 's,/usr/local/etc,$(SYSCONF),g'

define install_data
$(INSTALL) -d '$(DESTDIR)$(dir $(call target,$(1)))'
$(ADAPT) $(call source,$(1)) >'$(OBJ)/adapted'
$(INSTALL) -m 644 '$(OBJ)/adapted' '$(DESTDIR)$(call target,$(1))'

endef

install: programs
	$(INSTALL) -d '$(DESTDIR)$(SBINDIR)' '$(DESTDIR)$(LIBEXEC)' \
		'$(DESTDIR)$(SYSCONF)'
	$(INSTALL) -m 755 $(IN_SBIN:%='$(OBJ)/%') '$(DESTDIR)$(SBINDIR)'
	$(INSTALL) -m 755 $(IN_LIBEXEC:%='$(OBJ)/%') '$(DESTDIR)$(LIBEXEC)'
	$(foreach d,$(IN_DATA),$(call install_data,$(d)))
	$(ADAPT) contrib/dotproxy.conf >'$(OBJ)/adapted'
	@if [ -e '$(DESTDIR)$(CONF)' ]; then \
		cmp -s '$(OBJ)/adapted' '$(DESTDIR)$(CONF)' || \
		echo '$(DESTDIR)$(CONF) is yours and stays as it is'; \
	else \
		$(INSTALL) -m 644 '$(OBJ)/adapted' '$(DESTDIR)$(CONF)'; \
	fi
	@rm -f '$(OBJ)/adapted'
	@if [ -z '$(DESTDIR)' ]; then build/settle '$(SYSUSERSDIR)'; fi

# The user and the empty folder stay: other software may have come to use them.
uninstall:
	rm -f $(IN_SBIN:%='$(DESTDIR)$(SBINDIR)/%') \
		$(IN_LIBEXEC:%='$(DESTDIR)$(LIBEXEC)/%') \
		$(foreach d,$(IN_DATA),'$(DESTDIR)$(call target,$(d))')
	rmdir '$(DESTDIR)$(LIBEXEC)' 2>/dev/null || :
	@if [ ! -e '$(DESTDIR)$(CONF)' ]; then :; \
	elif $(ADAPT) contrib/dotproxy.conf | cmp -s - '$(DESTDIR)$(CONF)'; \
	then rm '$(DESTDIR)$(CONF)'; \
	else echo '$(DESTDIR)$(CONF) was changed and stays'; fi

.PHONY: install uninstall
