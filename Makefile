# make test, make demo-check: all that a fresh clone needs is Python 3.10+ with pip and venv, make and libuv1; the tests need a C compiler too.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SPEEDUPS := $(wildcard speedups/*.c speedups/*.toml speedups/*.py)
PLUGIN_VENV := $(VENV)-plugins
# A file's tests share its servers, so one worker runs them all; in the order of the folders, since by their number of tests the
# long files would come last. PARALLEL= for one process.
PARALLEL ?= -n auto --dist loadfile --no-loadscope-reorder
# Tests start hundreds of processes; each would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: manifests test test-plugins test-speedups speedups asan coverage soak fuzz schemathesis lint types demo demo-check screenshots docs reference bench proxies proxy-programs chromium libuv clean

test: $(VENV)/.ready test-plugins chromium
	$(BIN)/python -m pytest $(PARALLEL)

# Plugins are installed beside the package in an environment of their own, as a user would, and run on the compiled hot path.
test-plugins: $(PLUGIN_VENV)/.ready chromium
	$(PLUGIN_VENV)/bin/python -m pytest $(PARALLEL) -W error::pytest.PytestUnraisableExceptionWarning \
		plugins/*/tests tests/together tests/runtime/test_speedups.py tests/runtime/test_hazards.py

# The compiled hot path, built from source into an environment of its own beside the package.
SPEEDUPS_VENV := $(VENV)-speedups
speedups: $(SPEEDUPS_VENV)/.ready

$(SPEEDUPS_VENV)/.ready: pyproject.toml $(SPEEDUPS) | libuv
	$(PYTHON) -m venv $(SPEEDUPS_VENV)
	$(SPEEDUPS_VENV)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(SPEEDUPS_VENV)/bin/python -m pip install --quiet --editable ".[all,testing]" --group dev
	$(SPEEDUPS_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps ./speedups
	touch $@

# What a server does, once more on the compiled hot path.
test-speedups: $(SPEEDUPS_VENV)/.ready
	$(SPEEDUPS_VENV)/bin/python -m pytest $(PARALLEL) tests/runtime tests/conformance tests/testing tests/builtin tests/fuzz

# The fuzzers on the compiled hot path under AddressSanitizer, which ends a server that touches memory wrongly. CPython's own
# allocator is left out, so that each object is a piece of memory that is watched. Not with stock apps: the core's `listen` reads
# the host's name after it has been freed.
asan: $(SPEEDUPS_VENV)/.ready
	mkdir -p $(SPEEDUPS_VENV)/sanitized
	$(CC) -g -O1 -fsanitize=address -fno-omit-frame-pointer -fPIC -shared -DVERSION='"sanitized"' \
		-I$$($(SPEEDUPS_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))') \
		speedups/socketify_ext_speedups.c -o $(SPEEDUPS_VENV)/sanitized/socketify_ext_speedups.so
	FUZZ_SECONDS=$(FUZZ_SECONDS) PYTHONPATH=$(abspath $(SPEEDUPS_VENV))/sanitized PYTHONMALLOC=malloc \
	LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:log_path=$(abspath $(SPEEDUPS_VENV))/sanitized/log \
		$(SPEEDUPS_VENV)/bin/python -m pytest -s tests/fuzz/test_fuzz_wire.py \
		tests/fuzz/test_fuzz_response.py tests/fuzz/test_fuzz_websocket.py tests/runtime/test_speedups.py tests/runtime/test_hostile_calls.py \
		tests/runtime/test_request_body.py tests/runtime/test_websocket.py tests/builtin/test_schema.py -k "not stock"

# The manifests of the plugins, after a change of what they declare; `socketify-ext check` says where one is out of date.
manifests: $(PLUGIN_VENV)/.ready
	for plugin in $(patsubst plugins/socketify-ext-%/,%,$(wildcard plugins/*/)); do \
		$(PLUGIN_VENV)/bin/python -m socketify_ext manifest $$plugin || exit 1; done

# The tests with line coverage, in child processes too.
coverage: $(VENV)/.ready
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --show-missing --skip-covered

soak: $(VENV)/.ready
	SOCKETIFY_EXT_SOAK=1 $(BIN)/python -m pytest tests/runtime/test_soak.py tests/builtin/test_pm_faults.py

# Random requests, frames and responses; finds are kept in tests/fuzz/corpus, and every `make test` replays them.
# In the plugins' environment, so that the fuzzed app has all of them.
FUZZ_SECONDS ?= 300
fuzz: $(PLUGIN_VENV)/.ready
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(PLUGIN_VENV)/bin/python -m pytest -s tests/fuzz

# Requests made from the document of an app, whose answers have to be what it says; `make test` has a short form.
SCHEMATHESIS_EXAMPLES ?= 780
schemathesis: $(PLUGIN_VENV)/.ready
	SCHEMATHESIS_EXAMPLES=$(SCHEMATHESIS_EXAMPLES) $(PLUGIN_VENV)/bin/python -m pytest -s plugins/socketify-ext-openapi/tests/test_openapi_schemathesis.py

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy
	$(BIN)/mypy --strict plugins/*/socketify_ext_*

# A shop with a chat in the browser, on two workers and a Valkey: http://127.0.0.1:3000
demo: $(PLUGIN_VENV)/.ready
	cd examples && ../$(PLUGIN_VENV)/bin/python -m shop

demo-check: $(VENV)/.ready
	$(BIN)/python examples/demo_check.py

# docs/img/, after a change of how the shop or the inspector looks.
screenshots: $(VENV)/.ready chromium
	$(BIN)/python tools/screenshots.py

# The site, in site/: open site/index.html, or serve it to use its search: python3 -m http.server -d site
docs: $(VENV)/.ready
	$(BIN)/python tools/reference.py --check
	$(BIN)/zensical build --strict

# The pages that are generated from the code.
reference: $(VENV)/.ready
	$(BIN)/python tools/reference.py

$(VENV)/.ready: pyproject.toml | libuv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all,testing]" --group dev
	touch $@

# nginx and HAProxy as docs/proxies.md and docs/deploy.md configure them, in front of a real server.
proxies: $(VENV)/.ready proxy-programs
	$(BIN)/python -m pytest tests/proxies/test_*.py

proxy-programs:
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin"; command -v nginx >/dev/null && command -v haproxy >/dev/null \
	|| if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq nginx-light haproxy; \
	else echo "nginx and haproxy are needed; install them with your system's package manager" >&2; exit 1; fi

# The browser of some tests; CHROMIUM names another one.
chromium:
	@test -n "$$CHROMIUM" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	|| command -v google-chrome >/dev/null || command -v chrome >/dev/null \
	|| if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	else echo "Chromium is needed; install it with your system's package manager, or set CHROMIUM" >&2; exit 1; fi

# BENCH="--quick", BENCH="--only members", BENCH="--python python3.11 --python python3.13"
bench: | libuv
	$(PYTHON) benchmarks/run.py $(BENCH)

$(PLUGIN_VENV)/.ready: pyproject.toml $(wildcard plugins/*/pyproject.toml) $(SPEEDUPS) | libuv
	$(PYTHON) -m venv $(PLUGIN_VENV)
	$(PLUGIN_VENV)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(PLUGIN_VENV)/bin/python -m pip install --quiet --editable ".[all,testing]" --group browser
	$(PLUGIN_VENV)/bin/python -m pip install --quiet \
		$(foreach plugin,$(wildcard plugins/*/),--editable "./$(plugin)" --group $(plugin)pyproject.toml:test)
	$(PLUGIN_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps ./speedups
	touch $@

# The core loads libuv.so.1, which its wheel does not contain.
libuv:
	@$(PYTHON) -c 'import ctypes, sys; ctypes.CDLL("libuv.1.dylib" if sys.platform == "darwin" else "libuv.so.1")' 2>/dev/null \
	|| if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq libuv1; \
	elif command -v apt-get >/dev/null; then echo "libuv is missing; run: sudo apt-get install libuv1" >&2; exit 1; \
	elif command -v dnf >/dev/null; then echo "libuv is missing; run: sudo dnf install libuv" >&2; exit 1; \
	elif command -v apk >/dev/null; then echo "libuv is missing; run: sudo apk add libuv" >&2; exit 1; \
	elif command -v pacman >/dev/null; then echo "libuv is missing; run: sudo pacman -S libuv" >&2; exit 1; \
	elif command -v brew >/dev/null; then echo "libuv is missing; run: brew install libuv" >&2; exit 1; \
	else echo "libuv is missing; install it with your system's package manager" >&2; exit 1; fi

clean:
	rm -rf $(VENV) $(PLUGIN_VENV) $(SPEEDUPS_VENV) build speedups/build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
