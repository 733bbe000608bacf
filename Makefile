# SPDX-License-Identifier: ISC
# in.smtpd, an SMTP receiver for super-servers.  `make help` lists what can be made.

PREFIX	= /usr/local
DESTDIR	=
CC	= cc
CFLAGS	= $(OPTIMIZE) -g
OPTIMIZE = -O2
CPPFLAGS =
LDFLAGS	=
LDLIBS	= -llockfile

# A comma, where one would end an argument of a function of make.
,	:= ,

# make V=1 shows the compiler's command lines.
Q	= $(if $(V),,@)

# What CFLAGS cannot take away.  An option that the compiler does not know is left out.
# (_FORTIFY_SOURCE is nothing to musl, whose headers have no checks.)
has	= $(shell $(CC) -Werror $(1) -E -x c /dev/null >/dev/null 2>&1 && echo $(1))
WARN	= -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla
HARDEN	:= -fPIE -fstack-protector-strong $(call has,-fcf-protection) \
	$(call has,-fstack-clash-protection)
FORTIFY	= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARDEN_LINK = -Wl,-z,relro,-z,now,-z,noexecstack
SANITIZE = $(call has,-fsanitize-sections=.bss.z*) -DCONFINE_WITHOUT_SECCOMP -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

SOURCES	= $(wildcard *.c)
SCRIPTS	= tests/run tests/packages tests/under_systemd tests/demo tests/mutants tests/*.sh \
	tests/faults/*.sh tests/hostile/*.sh tests/peers/*.sh tests/soak/*.sh tests/proof/run \
	tests/fuzz/run .ci/run
PYTHON	= tests/talk tests/terminal tests/storm tests/as_unit tests/faults/*.py tests/hostile/*.py \
	tests/bench/run tests/bench/*.py tests/fuzz/*.py
MANUALS	= doc/in.smtpd.8 doc/in.smtpd.conf.5
# The programs that `make check` tests; AREAS="session data" for some areas only.
BINS	= ./in.smtpd build/asan/in.smtpd
AREAS	=
# And those that it tries where the C library can matter; none where AREAS are named.
OTHERS	= $(if $(AREAS),,$(filter-out build/$(WAY)/%,build/shared/in.smtpd \
	build/glibc/in.smtpd $(if $(filter musl,$(WAY)),build/musl/in.smtpd)))

# How it is made.  The default is musl, where that links and nobody asked for another CC: half of a
# short session is its start, and a static program starts three or four times as fast, musl's
# fastest of all (glibc asks the processor what it can do, and under a hypervisor each of its
# twenty questions is a trap).
#
#     build/musl/in.smtpd     static, with musl
#     build/glibc/in.smtpd    static, with the C library of CC
#     build/shared/in.smtpd   with the C library of CC as a shared object
MUSL_CC	:= $(if $(findstring musl,$(CC) $(shell $(CC) -dumpmachine 2>/dev/null)),$(CC),musl-gcc)

# Who knows where other headers than those of musl are?
FINDER	= $(if $(findstring musl-gcc,$(CC)),cc,$(CC))
# musl-gcc knows -static, and -pie, but not what a static PIE starts with; its specs stand beside it.
MUSL_START := $(shell $(MUSL_CC) -v 2>&1 | sed -n 's|^Reading specs from \(.*/\)musl-gcc.specs$$|\1|p')
MUSL_LINK := $(if $(findstring musl-gcc,$(MUSL_CC)),-static -nostartfiles -Wl$(,)-pie \
	-Wl$(,)--no-dynamic-linker $(MUSL_START)rcrt1.o,-static-pie) -Wl,-z,text,--gc-sections \
	-Wl,-z,noseparate-code,--sort-section=name
MUSL_LIBS := $(shell $(MUSL_CC) -print-file-name=liblockfile.a 2>/dev/null)
MUSL_ONLY = -isystem build/musl/include -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables

# liblockfile was made with glibc, and all that it asks for musl has as well, with the same
# binary interface where a long has 64 bits.
MUSL_TEST = int lockfile_check(const char *, int); _Static_assert(sizeof(long) == 8, ""); \
	int main(void) { return (lockfile_check("", 0)); }
WAY	:= shared
ifeq ($(CC),$(if $(filter file,$(origin CC)),cc,$(MUSL_CC)))
WAY	:= $(shell echo '$(MUSL_TEST)' | $(MUSL_CC) -fPIE -o /dev/null -x c - -x none \
	$(MUSL_LINK) $(MUSL_LIBS) >/dev/null 2>&1 && echo musl || echo shared)
endif
# For each target of `make fuzz`.
FUZZ_SECONDS = 3600

all: in.smtpd

# As a rule only a copy is to be made; WAY may be another one than last time.
in.smtpd: build/$(WAY)/in.smtpd FORCE
	@cmp -s $< $@ || cp $< $@
	@[ '$(WAY),$(origin CC)' != shared,file ] || \
	    echo 'It is not static: with musl-gcc (musl-tools) it would start faster'

static: build/musl/in.smtpd build/glibc/in.smtpd

build/shared/in.smtpd: HOW = -pie
build/glibc/in.smtpd: HOW = -static-pie
build/shared/in.smtpd build/glibc/in.smtpd: $(SOURCES:%.c=build/%.o)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(HARDEN) $(CFLAGS) $(HOW) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/%.o: %.c build/lockfile.there
	@echo '  CC    $<'
	$(Q)$(CC) $(WARN) $(HARDEN) $(FORTIFY) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

build/musl/in.smtpd: $(SOURCES:%.c=build/musl/%.o)
	@echo '  LINK  $@'
	$(Q)$(MUSL_CC) $(HARDEN) $(CFLAGS) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(MUSL_LINK) \
	    $(MUSL_LIBS)

# It is to be small, but for the loops over every octet.
build/musl/%.o: OPTIMIZE = -Os
build/musl/data.o build/musl/users.o: OPTIMIZE = -O2
build/musl/%.o: %.c build/musl/include.there
	@echo '  CC    $< (for musl)'
	$(Q)$(MUSL_CC) $(WARN) $(HARDEN) $(MUSL_ONLY) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What is included beside the headers of musl, and none of those that stand beside it.
build/musl/include.there: build/lockfile.there
	@mkdir -p build/musl/include
	@for header in lockfile.h linux/types.h asm/types.h asm-generic/types.h; do \
	    path=$$(echo "#include <$$header>" | $(FINDER) $(CPPFLAGS) -E -x c - | \
		sed -n "s|^# 1 \"\(.*/$$header\)\".*|\1|p" | head -n 1); \
	    ln -sfn "$${path%/types.h}" "build/musl/include/$${header%/types.h}"; \
	done
	@touch $@

build/asan/in.smtpd: $(SOURCES:%.c=build/asan/%.o)
	@echo '  LINK  $@'
	$(Q)$(CC) $(SANITIZE) -g -O1 $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/asan/%.o: %.c build/lockfile.there
	@mkdir -p build/asan
	@echo '  CC    $< (with sanitizers)'
	$(Q)$(CC) $(WARN) $(SANITIZE) $(CPPFLAGS) -g -O1 -MMD -MP -c -o $@ $<

# What tests/cost.sh counts the instructions of: the same, but for its seccomp filter, under which
# valgrind cannot work.
COUNTED	= $(if $(filter musl,$(WAY)),build/musl,build)

build/count/in.smtpd: $(filter-out %/confine.o,$(SOURCES:%.c=$(COUNTED)/%.o)) build/count/confine.o
	@echo '  LINK  $@'
	$(Q)$(if $(filter musl,$(WAY)),$(MUSL_CC),$(CC)) $(HARDEN) $(CFLAGS) $(HARDEN_LINK) $(LDFLAGS) \
	    -o $@ $^ $(if $(filter musl,$(WAY)),$(MUSL_LINK) $(MUSL_LIBS),-pie $(LDLIBS))

build/count/confine.o: confine.c build/lockfile.there $(COUNTED)/confine.o
	@mkdir -p build/count
	@echo '  CC    $< (to count)'
	$(Q)$(if $(filter musl,$(WAY)),$(MUSL_CC) $(MUSL_ONLY),$(CC) $(FORTIFY)) $(WARN) $(HARDEN) \
	    -DCONFINE_WITHOUT_SECCOMP $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard build/*.d build/musl/*.d build/asan/*.d build/count/*.d)

build/lockfile.there:
	@mkdir -p build
	@echo '#include <lockfile.h>' | $(FINDER) $(CPPFLAGS) -fsyntax-only -x c - 2>/dev/null || \
	    { echo 'liblockfile is needed: install liblockfile-dev (`make demo` does)' >&2; exit 1; }
	@touch $@

# Both install the small packages that they need, where they can.
demo:
	@tests/packages demo
	@$(MAKE) --no-print-directory in.smtpd
	@tests/demo

check:
	@tests/packages check
	@$(MAKE) --no-print-directory check-here

check-here: $(BINS) $(OTHERS) build/count/in.smtpd
	@BINS='$(BINS)' OTHERS='$(OTHERS)' tests/run $(AREAS)

check-asan:
	@$(MAKE) --no-print-directory check BINS=build/asan/in.smtpd OTHERS=

# With the other mail programs of Debian, which are large.
check-peers:
	@tests/packages check peers
	@$(MAKE) --no-print-directory in.smtpd build/shared/in.smtpd
	@tests/run $(wildcard tests/peers/*.sh)

# Ten minutes; MEASURES and PEERS say which, and BENCH_FLAGS=-q is a quick look.
bench:
	@tests/packages bench
	@$(MAKE) --no-print-directory in.smtpd build/bench/bench build/bench/limit
	@tests/bench/run -m '$(MEASURES)' -p '$(PEERS)' $(BENCH_FLAGS)

# The same, for tests/bench/RESULTS.md.
bench-record:
	@$(MAKE) --no-print-directory bench BENCH_FLAGS='$(BENCH_FLAGS) --record'

build/bench/bench: tests/bench/bench.c
	@mkdir -p build/bench
	@echo '  CC    $<'
	$(Q)$(CC) $(WARN) -O2 -o $@ $< -lpthread

# musl has the shorter way to main(); its compiler is told where the kernel's headers are.
build/bench/limit: tests/bench/limit.c
	@mkdir -p build/bench
	@echo '  CC    $<'
	$(Q)if command -v musl-gcc >/dev/null; then \
	    musl-gcc $(WARN) -O2 -static -idirafter /usr/include \
	    -idirafter /usr/include/$$($(CC) -print-multiarch) -o $@ $<; \
	else $(CC) $(WARN) -O2 -o $@ $<; fi

# What takes many minutes.
soak:
	@tests/packages check peers
	@$(MAKE) --no-print-directory in.smtpd build/shared/in.smtpd
	@tests/run $(wildcard tests/soak/*.sh)
	@$(MAKE) --no-print-directory mutants

# Takes each guard out of the program in turn, and sees its test fail.
mutants:
	@tests/packages check peers
	@tests/mutants

# What is proved, and for which bounds, is in tests/proof/README.
proof:
	@tests/packages proof
	@tests/proof/run

fuzz:
	@tests/packages fuzz
	@$(MAKE) --no-print-directory build/asan/in.smtpd
	@tests/fuzz/run $(FUZZ_SECONDS)

install: in.smtpd
	install -d '$(DESTDIR)$(PREFIX)/sbin' '$(DESTDIR)$(PREFIX)/share/man/man5' \
	    '$(DESTDIR)$(PREFIX)/share/man/man8' '$(DESTDIR)$(PREFIX)/share/doc/in.smtpd'
	install -s -m 755 in.smtpd '$(DESTDIR)$(PREFIX)/sbin/in.smtpd'
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

lint-all: lint-gcc lint-clang lint-musl lint-cppcheck lint-format lint-scripts lint-python \
	lint-manuals

lint-gcc lint-clang:
	for file in $(SOURCES) $(wildcard tests/bench/*.c); do \
	    $(@:lint-%=%) $(WARN) -O2 $(FORTIFY) -Werror -c -o /dev/null $$file || exit 1; \
	done

lint-musl: build/musl/include.there
	for file in $(SOURCES); do \
	    $(MUSL_CC) $(WARN) $(MUSL_ONLY) -O2 -Werror -c -o /dev/null $$file || exit 1; \
	done

lint-cppcheck:
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,performance,portability --suppress=missingIncludeSystem $(SOURCES) \
	    $(wildcard tests/bench/*.c)

# Declarations, comments and tables may be aligned by hand: blanks within a line are not compared.
lint-format:
	for file in $(wildcard *.c *.h tests/bench/*.c); do \
	    clang-format $$file | diff -bu $$file - || exit 1; \
	done

lint-scripts:
	shellcheck -x $(wildcard $(SCRIPTS)) $(wildcard examples/tcpserver/run examples/chroot/make-root)

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
	for file in $(wildcard *.c *.h tests/bench/*.c); do \
	    clang-format $$file | diff -bu $$file - | patch --quiet $$file; \
	done

clean:
	rm -rf in.smtpd build

help:
	@echo 'make              in.smtpd'
	@echo 'make demo         see it take a message (installs what it needs)'
	@echo 'make static       build/musl/in.smtpd and build/glibc/in.smtpd'
	@echo 'make check        all tests, also with sanitizers (installs what they need);'
	@echo '                  AREAS="session data": only these'
	@echo 'make check-asan   the same, with sanitizers only'
	@echo 'make check-peers  with other mail programs, which are large'
	@echo 'make soak         what takes many minutes: storms of mail, long waits, mutants'
	@echo 'make mutants      takes guards out of the program, and sees that tests notice'
	@echo 'make bench        how fast it is, beside what is possible and beside others;'
	@echo '                  MEASURES="session messages" PEERS="postfix exim": only these'
	@echo 'make bench-record the same, for tests/bench/RESULTS.md'
	@echo 'make proof        no run-time error, no deadlock: Frama-C and spin, which are large'
	@echo 'make fuzz         FUZZ_SECONDS=$(FUZZ_SECONDS) for each target, with sanitizers'
	@echo 'make lint         compilers, cppcheck, clang-format, shellcheck, mandoc'
	@echo 'make install      PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make uninstall    takes away what install installed'
	@echo 'make format clean'

.PHONY: FORCE all static demo check check-here check-asan check-peers bench bench-record soak \
	install uninstall format clean help mutants proof fuzz lint lint-all lint-gcc lint-clang lint-musl lint-cppcheck \
	lint-format lint-scripts lint-python lint-manuals
