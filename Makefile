# Needs only make and Python >= 3.11. `make PYTHON=/path/to/python3.12 ...` chooses another Python.

.PHONY: demo test check bench lock clean
.DEFAULT_GOAL := demo

INSTALLED := .venv/.installed
SUPPORTED := 'import sys; sys.exit(sys.version_info < (3, 11))'

demo: $(INSTALLED)  ## the whole story on this machine; ONCE=1 ends after the summary
	.venv/bin/duecourse demo $(if $(filter-out 0,$(ONCE)),--once)

test: $(INSTALLED)  ## on all processors, whole files in each; ARGS="-k name" are passed on to pytest
	.venv/bin/pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(INSTALLED)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

# The servers, the load and the peers are all its own; nothing else should run on the machine.
bench: $(INSTALLED)  ## ratios to the limit and to peers; QUICK=1: in minutes, BIG=1: up to 10 M events
	.venv/bin/python -m bench $(if $(filter-out 0,$(QUICK)),--quick) $(if $(filter-out 0,$(BIG)),--big) $(ARGS)

# The stamp is removed first and made last: an installation cut short begins anew next time.
$(INSTALLED): requirements.lock requirements-fonts.lock pyproject.toml
	@set -e; \
	if command -v uv >/dev/null; then uv=yes; pip=''; else uv=''; pip='import pip'; fi; \
	[ -f $@ ] && .venv/bin/python -c "$$pip" 2>/dev/null || rm -rf .venv; \
	rm -f $@; \
	[ -w "$${HOME:-/nonexistent}" ] || export UV_CACHE_DIR="$(CURDIR)/.uv/cache"; \
	export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1; \
	if [ ! -d .venv ]; then $(MAKE) --no-print-directory -s .venv UV=$$uv; fi; \
	if [ "$$uv" ]; then install='uv pip install --quiet --python .venv/bin/python'; \
	else install='.venv/bin/python -m pip install --quiet'; fi; \
	echo 'Installing what requirements.lock names ...'; \
	$$install --require-hashes -r requirements.lock; \
	$$install --require-hashes --no-deps -r requirements-fonts.lock; \
	$$install --no-deps --no-build-isolation -e .; \
	touch $@

.venv:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		"$$python" -c $(SUPPORTED) 2>/dev/null || continue; \
		if [ "$(UV)" ]; then exec uv venv --quiet --seed --python "$$(command -v "$$python")" .venv; fi; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null && exec "$$python" -m venv .venv; \
		echo "$$python cannot make virtual environments. On Debian or Ubuntu:" \
			"apt install python3-venv; or install uv." >&2; exit 1; \
	done; \
	echo "Duecourse needs Python 3.11 or later, and $(or $(PYTHON),python3) is not one." \
		"Install it, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1

# Keeps the versions that still fit; UPGRADE=1 takes the newest.
lock:
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	uv pip compile pyproject.toml --extra test --universal --generate-hashes -p 3.11 --quiet \
		--no-emit-index-url --no-header --no-annotate $(if $(UPGRADE),--upgrade) -o requirements.lock
	@sed '1i\
	# Every dependency with hashes, for every platform. Made by `make lock`; never edited by hand.' \
		requirements.lock > requirements.lock.new && mv requirements.lock.new requirements.lock
	echo 'mplfonts==0.0.11' | uv pip compile - --no-deps --universal --generate-hashes -p 3.11 --quiet \
		--no-emit-index-url --no-header --no-annotate -o requirements-fonts.lock
	@sed '1i\
	# A CJK font (Noto Sans CJK SC) and nothing else: the wheel is installed without what it asks for.' \
		requirements-fonts.lock > requirements.lock.new && mv requirements.lock.new requirements-fonts.lock
	@! grep -n '://' requirements.lock requirements-fonts.lock

clean:  ## everything that was made, except ./data
	rm -rf .venv .uv .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		.coverage htmlcov build dist
	find core api plugins adapters tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
