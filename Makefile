# make            build/stafet (release)
# make demo       install what is missing, build, run the demo on 127.0.0.1:8080
# make check      install what its tests need, run them all (under 15 minutes)
# make help       the rest

MODE ?= release
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PYTHON ?= /usr/bin/python3
WERROR ?= -Werror
O := $(BUILD)/$(MODE)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wformat=2 $(WERROR)
BASE := -std=c11 -D_GNU_SOURCE -I. $(WARN) -g -fno-omit-frame-pointer -fPIE -fstack-protector-strong -MMD -MP
FLAGS_release := -O2 -D_FORTIFY_SOURCE=2
# A hundred programs are linked: gold takes a third of the time.
FLAGS_debug := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined $(if $(shell command -v ld.gold),-fuse-ld=gold)
FLAGS_tsan := -O1 -fsanitize=thread
FLAGS_cover := -O0 --coverage
FLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined
ALL_CFLAGS := $(BASE) $(FLAGS_$(MODE)) $(shell pkg-config --cflags glib-2.0 libfyaml pangocairo libxml-2.0 2>/dev/null) $(CFLAGS)
LINK := -pie -Wl,-z,relro,-z,now $(FLAGS_$(MODE)) $(LDFLAGS)
# Plain -letpan: its pkg-config flags would drop PIE.
LIBS := -lmicrohttpd -lcurl -letpan -lsqlite3 -lsodium -lfyaml -ljansson -lmd4c -lxml2 -lpangocairo-1.0 -lpango-1.0 -lcairo -lgobject-2.0 -lglib-2.0 -lresolv -lpthread -lm

LAYERS := engine/base engine/store engine/workflow document mailer otp-portal cli
SOURCES := $(foreach layer,$(LAYERS),$(wildcard $(layer)/*.c))
OBJECTS := $(SOURCES:%.c=$(O)/%.o)
LIBRARY := $(O)/libstafet.a
TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
REPLAYS := $(patsubst tests/fuzz/fuzz_%.c,replay_%,$(wildcard tests/fuzz/fuzz_*.c))
TEST_PROGRAMS := $(TESTS:%=$(O)/tests/%) $(REPLAYS:%=$(O)/tests/%)
ASSETS := $(wildcard languages/*.yaml gateways/*.yaml otp-portal/assets/*)

.PHONY: all demo check soak bench bench-quick lint help schema clean deps check-deps unit e2e fault browser arch docs-check fuzz model tsan unit-programs bench-programs
all: build/stafet

# build/stafet is always the release binary; other modes stay in their folders.
build/stafet: $(BUILD)/release/stafet
	@mkdir -p build
	@cp -f $< $@

ifneq ($(MODE),release)
$(BUILD)/release/stafet: FORCE
	$(MAKE) MODE=release $@
FORCE:
endif

ADDED_tsan := $(O)/tests/tsan.o

$(O)/stafet: $(O)/cli/main.o $(ADDED_$(MODE)) $(LIBRARY)
	@echo "link $@"
	@$(CC) $(LINK) -o $@ $^ $(LIBS)

$(LIBRARY): $(filter-out $(O)/cli/main.o,$(OBJECTS))
	@rm -f $@
	@ar rcs $@ $^

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Files that .incbin words and styles into the program.
$(O)/engine/base/language.o $(O)/engine/base/language_data.o: $(wildcard languages/*)
$(O)/otp-portal/assets.o: $(wildcard otp-portal/assets/*)
$(O)/mailer/gateway_data.o: $(wildcard gateways/*.yaml)

$(O)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $< $(LIBRARY) $(LIBS) -lcmocka

$(O)/bench $(O)/bench-mail $(O)/bench-sql $(O)/bench-fill $(O)/bench-open $(O)/bench-choose $(O)/bench-grow: $(O)/%: tests/bench/%.c $(LIBRARY)
	@$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $< $(LIBRARY) $(LIBS)

$(O)/bench-delay $(O)/bench-post: $(O)/%: tests/bench/%.c
	@$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $<

BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(O)/%,$(wildcard tests/bench/*.c))
bench-programs: $(BENCH_PROGRAMS) $(O)/stafet

# Preloaded into the release binary by tests/fault.
$(O)/fault.so: tests/fault/shim.c
	@echo "cc $<"
	@$(CC) $(BASE) -Wno-pedantic -O2 $(CFLAGS) -fPIC -shared -o $@ $<

$(O)/tests/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $< tests/fuzz/replay.c $(LIBRARY) $(LIBS)

# A fresh make for the build: pkg-config may only just have been installed.
demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) build/stafet
	@exec build/stafet demo

deps:
	@sh tools/install.sh build
check-deps:
	@sh tools/install.sh build check

check: check-deps
	@sh tests/run.sh

unit:
	@$(MAKE) MODE=debug unit-programs
	@sh tests/run.sh unit
unit-programs: $(TEST_PROGRAMS)

e2e: build/stafet
	@sh tests/run.sh e2e

fault: build/stafet
	@sh tests/run.sh fault

browser: build/stafet
	@sh tests/run.sh browser

arch:
	@$(PYTHON) tests/arch.py

model:
	@$(PYTHON) tests/model/test_writer.py

tsan: check-deps
	@sh tests/run.sh tsan

soak: check-deps
	@$(MAKE) --no-print-directory -j$$(nproc) build/stafet
	@sh tests/run.sh soak

bench: check-deps
	@sh tools/install.sh bench || echo "without them there is less to compare with" >&2
	@sh tests/bench/run.sh
bench-quick: check-deps
	@COUNT=40 SLEEPERS=1000 GROWTH=100 PEERS=no sh tests/bench/run.sh

schema: build/stafet
	build/stafet schema > docs/workflow.schema.json

lint:
	@sh tools/install.sh build lint
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem --suppress=nullPointerRedundantCheck --suppress=comparePointers --suppress=internalAstError --suppress=ctunullpointer --suppress=ctuuninitvar -I. $(LAYERS)

# make fuzz TARGET=yaml TIME=60
TARGET ?= yaml
TIME ?= 60
fuzz:
	@sh tools/install.sh build fuzz
	@sh tests/fuzz/run.sh $(TARGET) $(TIME)

clean:
	rm -rf $(BUILD)

help:
	@echo "make            build/stafet (release)"
	@echo "make demo       install what is missing, build, run the demo server on 127.0.0.1:8080"
	@echo "make check      install what the tests need and run them all"
	@echo "make soak       the long tests"
	@echo "make bench      the benchmark table beside other engines, build/bench.json"
	@echo "make bench-quick  the same in a minute, without the others: shows that it works, no figures"
	@echo "make tsan       the end-to-end tests under ThreadSanitizer"
	@echo "make unit e2e fault model browser arch lint   parts of check"
	@echo "make fuzz TARGET=name TIME=seconds   one fuzzer of tests/fuzz"
	@echo "make schema     docs/workflow.schema.json from the parser's tables"
	@echo "MODE=release|debug|tsan|cover  BUILD=folder  WERROR=  for packagers"

-include $(OBJECTS:.o=.d) $(TEST_PROGRAMS:=.d)
