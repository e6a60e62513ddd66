# `make run` opens the phone, `make test` proves it; everything else is for those who work on it.
# All of it happens in .venv, which scripts/bootstrap.py makes from nothing but make and Python.

HERE := $(dir $(lastword $(MAKEFILE_LIST)))
ifneq ($(HERE),./)
# Called as `make -f path/to/Makefile`: start again where the tree is.
%:
	@$(MAKE) --no-print-directory -C "$(HERE)" $@
else

# Servers and package tools live in sbin, which a plain user's PATH leaves out.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# Every phone that a test starts would compile all of it anew, and so would every run of the tests.
unexport PYTHONDONTWRITEBYTECODE

# The first of these that is new enough. `make PYTHON=...` chooses another.
CANDIDATES = python3 python3.13 python3.12 python3.11
new_enough = $(shell $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(1))
PYTHON ?= $(firstword $(foreach candidate,$(CANDIDATES),$(call new_enough,$(candidate))))

VENV := .venv
PY := $(VENV)/bin/python
SOURCES := $(wildcard platypus/_media/*.pyx platypus/_media/*.pxd platypus/_media/*.h)
# Tests in virtual time and one short call with each real peer; the rest is for `make interop` and `make ui`.
QUICK := not interop and not ui and not realtime
PYTEST := scripts/tests
# Much of the tests is waiting for other programs: four files at a time on two cores. In
# `make test` what compares real peers sample by sample comes after the others, alone.
PARALLEL := -n 4 --dist loadfile
# Real servers have clocks of their own, and wait even longer; each test starts its own.
PEERS := -n 3 --dist worksteal
# Windows draw, and are compared with what was drawn: no more at once than there are cores.
PAIRED := -n 2 --dist loadfile
# What is left out of `make interop` and `make realtime`: CI has run BUT=smoke with `make test`.
REST := $(if $(BUT), and not $(BUT))

# A virtual environment knows its own path and its Python: a tree that was moved, or another
# PYTHON asked for by name, begins again.
ASKED := $(if $(filter file undefined default,$(origin PYTHON)),,$(PYTHON))
MADE_FOR := $(CURDIR)|$(ASKED)
ifneq ($(and $(wildcard $(PY)),$(findstring $(MADE_FOR),$(shell cat $(VENV)/made-for 2>/dev/null))),$(MADE_FOR))
STALE := stale
endif

.PHONY: help run build test interop ui realtime asan soak lint fuzz bench newcomer clean stale
.DEFAULT_GOAL := help

help:
	@echo "make run        open the phone (or, without a display, make a measured call)"
	@echo "make test       the tests in virtual time and a short call with each real server"
	@echo "make interop    all tests with real servers        make ui    the real window, under Xvfb"
	@echo "make realtime   tests of the clock and the sound card"
	@echo "make asan       the media tests with AddressSanitizer and UBSan"
	@echo "make lint       ruff, mypy, stubtest               make bench the benchmarks"
	@echo "make fuzz       the parsers of network input, each for FUZZ_SECONDS"
	@echo "make soak       long runs                          make clean everything built"
	@echo "make newcomer   make run and make test in a bare Debian (needs root and debootstrap)"

build: $(VENV)/built

$(VENV)/ready: pyproject.toml scripts/bootstrap.py $(STALE)
	@test -n "$(PYTHON)" || { echo "platypus needs Python 3.11 or newer; found none of: $(CANDIDATES). Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" scripts/bootstrap.py phone
	@printf '%s\n' "$(MADE_FOR)" > $(VENV)/made-for
	@touch $@

$(VENV)/built: $(VENV)/ready setup.py $(SOURCES)
	@echo "platypus: building the media core"
	@$(PY) setup.py -q build_ext --inplace --parallel 2 2> $(VENV)/build.log || { cat $(VENV)/build.log >&2; exit 1; }
	@touch $@

$(VENV)/ready-test: $(VENV)/ready
	@$(PY) scripts/bootstrap.py test
	@touch $@

$(VENV)/ready-bench: $(VENV)/ready-test
	@$(PY) scripts/bootstrap.py bench
	@touch $@

$(VENV)/ready-fuzz: $(VENV)/ready-test
	@$(PY) scripts/bootstrap.py fuzz
	@touch $@

$(VENV)/ready-lint: $(VENV)/ready-test
	@$(PY) scripts/bootstrap.py lint
	@touch $@

run: build
	@if { test -n "$$DISPLAY$$WAYLAND_DISPLAY" || test "$$(uname)" = Darwin; } \
	&& $(PY) -c 'import tkinter; tkinter.Tk().destroy()' 2>/dev/null; \
	then exec $(PY) -m ui_tk; else exec $(PY) -m platypus demo; fi

test: build $(VENV)/ready-test
	@$(PYTEST) $(PARALLEL) -m "$(QUICK)"
	@$(PYTEST) -m smoke

interop: build $(VENV)/ready-test
	@$(PYTEST) $(PEERS) -m "interop and not realtime$(REST)"

ui: build $(VENV)/ready-test
	@$(PYTEST) $(PAIRED) -m "ui and not realtime"

realtime: build $(VENV)/ready-test
	@$(PYTEST) -m "realtime$(REST)"

asan: build $(VENV)/ready-test
	@scripts/asan

SOAK_SECONDS ?= 3600
SOAK_RESULT ?= benchmarks/results/soak.json
soak: build $(VENV)/ready-test
	@SOAK_SECONDS=$(SOAK_SECONDS) $(PY) -m benchmarks --check --json $(SOAK_RESULT) soak

lint: build $(VENV)/ready-lint
	@scripts/lint

FUZZ_SECONDS ?= 2
fuzz: build $(VENV)/ready-fuzz
	@$(PY) -m tests.fuzz --seconds $(FUZZ_SECONDS)

# NAMES="parse codecs --json FILE" runs these; without, all but those that say BY_NAME_ONLY.
bench: build $(VENV)/ready-bench
	@$(PY) -m benchmarks $(NAMES)

newcomer:
	@tests/newcomer.sh

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f platypus/_media/*.so platypus/_media/*.c
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

endif
