# SPDX-License-Identifier: ISC
# in.smtpd, an SMTP receiver for super-servers.  `make help` lists what can be made.

PREFIX	= /usr/local
DESTDIR	=
CC	= cc
CFLAGS	= -O2 -g
CPPFLAGS =
LDFLAGS	=
LDLIBS	= -llockfile

# make V=1 shows the compiler's command lines.
Q	= $(if $(V),,@)

# What CFLAGS cannot take away.  An option that the compiler does not know is left out.
has	= $(shell $(CC) -Werror $(1) -E -x c /dev/null >/dev/null 2>&1 && echo $(1))
WARN	= -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla
HARDEN	:= -fPIE -fstack-protector-strong $(call has,-fcf-protection) \
	$(call has,-fstack-clash-protection)
FORTIFY	= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARDEN_LINK = -pie -Wl,-z,relro,-z,now
SANITIZE = -DCONFINE_WITHOUT_SECCOMP -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

SOURCES	= $(wildcard *.c)
SCRIPTS	= tests/run tests/packages tests/demo tests/mutants tests/*.sh tests/faults/*.sh \
	tests/peers/*.sh tests/soak/*.sh .ci/run
PYTHON	= tests/talk tests/terminal tests/storm tests/faults/*.py
MANUALS	= doc/in.smtpd.8 doc/in.smtpd.conf.5
# The programs that `make check` tests; AREAS="session data" for some areas only.
BINS	= ./in.smtpd build/asan/in.smtpd
AREAS	=

all: in.smtpd

in.smtpd: $(SOURCES:%.c=build/%.o)
	@echo '  LINK  $@'
	$(Q)$(CC) $(HARDEN) $(CFLAGS) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/%.o: %.c build/lockfile.there
	@echo '  CC    $<'
	$(Q)$(CC) $(WARN) $(HARDEN) $(FORTIFY) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

build/asan/in.smtpd: $(SOURCES:%.c=build/asan/%.o)
	@echo '  LINK  $@'
	$(Q)$(CC) $(SANITIZE) -g -O1 $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/asan/%.o: %.c build/lockfile.there
	@mkdir -p build/asan
	@echo '  CC    $< (with sanitizers)'
	$(Q)$(CC) $(WARN) $(SANITIZE) $(CPPFLAGS) -g -O1 -MMD -MP -c -o $@ $<

-include $(wildcard build/*.d build/asan/*.d)

build/lockfile.there:
	@mkdir -p build
	@echo '#include <lockfile.h>' | $(CC) $(CPPFLAGS) -fsyntax-only -x c - 2>/dev/null || \
	    { echo 'liblockfile is needed: install liblockfile-dev (`make demo` does)' >&2; exit 1; }
	@touch $@

# Both install the small packages that they need, where they can.
demo:
	@tests/packages demo
	@$(MAKE) --no-print-directory in.smtpd
	@tests/demo

check:
	@tests/packages check
	@$(MAKE) --no-print-directory $(BINS)
	@BINS='$(BINS)' tests/run $(AREAS)

check-asan:
	@$(MAKE) --no-print-directory check BINS=build/asan/in.smtpd

# With the other mail programs of Debian, which are large.
check-peers:
	@tests/packages check peers
	@$(MAKE) --no-print-directory in.smtpd
	@tests/run $(wildcard tests/peers/*.sh)

# What takes many minutes.
soak:
	@tests/packages check peers
	@$(MAKE) --no-print-directory in.smtpd
	@tests/run $(wildcard tests/soak/*.sh)
	@$(MAKE) --no-print-directory mutants

# Takes each guard out of the program in turn, and sees its test fail.
mutants:
	@tests/packages check
	@tests/mutants

install: in.smtpd
	install -d '$(DESTDIR)$(PREFIX)/sbin' '$(DESTDIR)$(PREFIX)/share/man/man5' \
	    '$(DESTDIR)$(PREFIX)/share/man/man8' '$(DESTDIR)$(PREFIX)/share/doc/in.smtpd'
	install -m 755 in.smtpd '$(DESTDIR)$(PREFIX)/sbin/in.smtpd'
	install -m 644 doc/in.smtpd.8 '$(DESTDIR)$(PREFIX)/share/man/man8/in.smtpd.8'
	install -m 644 doc/in.smtpd.conf.5 '$(DESTDIR)$(PREFIX)/share/man/man5/in.smtpd.conf.5'
	install -m 644 README LICENSE doc/SECURITY '$(DESTDIR)$(PREFIX)/share/doc/in.smtpd'
	cp -R examples '$(DESTDIR)$(PREFIX)/share/doc/in.smtpd/'

# Nothing under /etc was installed, and nothing there is taken away.
uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/sbin/in.smtpd' \
	    '$(DESTDIR)$(PREFIX)/share/man/man8/in.smtpd.8' \
	    '$(DESTDIR)$(PREFIX)/share/man/man5/in.smtpd.conf.5'
	rm -rf '$(DESTDIR)$(PREFIX)/share/doc/in.smtpd'

# Any finding fails it, and all are shown.
lint:
	@tests/packages lint
	@$(MAKE) --no-print-directory -k lint-all

lint-all: lint-gcc lint-clang lint-cppcheck lint-format lint-scripts lint-python \
	lint-manuals

lint-gcc lint-clang:
	for file in $(SOURCES); do \
	    $(@:lint-%=%) $(WARN) -O2 $(FORTIFY) -Werror -c -o /dev/null $$file || exit 1; \
	done

lint-cppcheck:
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,performance,portability --suppress=missingIncludeSystem $(SOURCES)

# Declarations, comments and tables may be aligned by hand: blanks within a line are not compared.
lint-format:
	for file in $(wildcard *.c *.h); do clang-format $$file | diff -bu $$file - || exit 1; done

lint-scripts:
	shellcheck -x $(wildcard $(SCRIPTS)) $(wildcard examples/tcpserver/run)

# Nothing is written, unlike with py_compile.
lint-python:
	python3 -W error::SyntaxWarning -W error::DeprecationWarning -c 'import sys; \
	    [compile(open(name).read(), name, "exec") for name in sys.argv[1:]]' \
	    $(wildcard $(PYTHON))

lint-manuals:
	for page in $(wildcard $(MANUALS)); do \
	    mandoc -T lint -W warning $$page || exit 1; \
	done

format:
	for file in $(wildcard *.c *.h); do \
	    clang-format $$file | diff -bu $$file - | patch --quiet $$file; \
	done

clean:
	rm -rf in.smtpd build

help:
	@echo 'make              in.smtpd'
	@echo 'make demo         see it take a message (installs what it needs)'
	@echo 'make check        all tests, also with sanitizers (installs what they need);'
	@echo '                  AREAS="session data": only these'
	@echo 'make check-asan   the same, with sanitizers only'
	@echo 'make check-peers  with other mail programs, which are large'
	@echo 'make soak         what takes many minutes: storms of mail, long waits, mutants'
	@echo 'make mutants      takes guards out of the program, and sees that tests notice'
	@echo 'make lint         compilers, cppcheck, clang-format, shellcheck, mandoc'
	@echo 'make install      PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make uninstall    takes away what install installed'
	@echo 'make format clean'

.PHONY: all demo check check-asan check-peers soak install uninstall format clean help \
	mutants lint lint-all lint-gcc lint-clang lint-cppcheck lint-format lint-scripts \
	lint-python lint-manuals
