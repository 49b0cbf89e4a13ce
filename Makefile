# SPDX-License-Identifier: Apache-2.0
# The few words that a newcomer and CI need. Meson builds, in build/; tools/test tests.

PREFIX ?= /usr/local
SECONDS_PER_TARGET ?= 300

# What root builds in another one's folder, as by `sudo make install`, is that one's to build on.
GIVE_BACK = test $$(id -u) != 0 || chown -R --reference=Makefile build

.PHONY: all run test check soak crash fuzz bench install format clean

# build/nightjar, with what it needs installed first (tools/packages.txt).
all:
	@tools/install run
	@test -f build/build.ninja || CC=gcc meson setup build -Dtests=false
	@ninja -C build nightjar
	@$(GIVE_BACK)

# The server as it is without a configuration file; ARGS="-c my.conf" gives it one.
run: all
	build/nightjar $(ARGS)

# Everything that must hold; the last line is "N passed, N failed".
test:
	@tools/install test
	@tools/test

# The same, then clang-tidy, and fuzzing and simulation for long.
check:
	@tools/install check
	@tools/test --all --seconds $(SECONDS_PER_TARGET)

# The simulation for long, with memory checked, and disorder at every door.
soak:
	@tools/install test
	@tools/test soak

# Processes that are killed again and again: what they called durable must be there.
crash:
	@tools/install test
	@tools/test crash

# Each fuzz target for SECONDS_PER_TARGET.
fuzz:
	@tools/install test
	@tools/test --seconds $(SECONDS_PER_TARGET) fuzz

# What this server and Debian's Mosquitto cost on this machine: a table, and files in bench/results.
bench: all
	@tools/install check
	@bench/compare --json bench/results/compare.json
	@bench/instructions --json bench/results/instructions.json
	@bench/picture bench/results

install: all
	@meson configure build --prefix $(abspath $(PREFIX))
	@ninja -C build installed
	@meson install -C build --no-rebuild
	@$(GIVE_BACK)

format:
	@tools/install check
	@find src tests -name '*.[ch]' -exec clang-format -i {} +

clean:
	@rm -rf build build-clang build-asan build-tsan build-fuzz
