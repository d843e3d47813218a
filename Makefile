# The project's interface: demo, test, check, bench. Everything installs itself into .venv.
PYTHON ?= python3
RUN := .venv/bin/python -m
export PYTHON

.PHONY: demo setup check test bench lock clean

demo:            ## a village on this machine: broker, service, lamps
	@tools/setup run
	@exec .venv/bin/dorflicht demo $(ARGS)

setup:           ## what the tests need
	@tools/setup dev

check: setup     ## lint, types, walls, unit tests but the slow ones
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) pytest -n 2 --dist worksteal -m "not slow" tests/unit

test: setup      ## everything
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) pytest -n 2 --dist worksteal $(ARGS)

bench:           ## ratios against the floor, on a real broker
	@tools/setup dev
	@$(RUN) benchmarks $(ARGS)

lock:            ## resolve the versions anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra build --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
