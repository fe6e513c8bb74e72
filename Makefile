# `make demo` and `make test` are all there is to know; CUDA=1 takes the GPU builds.
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo $$p && break; done || true)
VENV := .venv
BIN := $(VENV)/bin
OFFICIAL := .venv_official
ARGS ?=

# A sourced ROS distribution would mix its libraries with the wheels' own.
ifdef ROS_DISTRO
unexport PYTHONPATH LD_LIBRARY_PATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH
unexport ROS_DISTRO RMW_IMPLEMENTATION
endif

.PHONY: demo test check official venv clean

demo: venv  ## A simulated room through source, refiner and fusion; report in demo_output/
	$(BIN)/depth-refiner demo $(ARGS)

test: check  ## Format, lint, types, then every test; ARGS='-k edges' picks some
	$(BIN)/python -m pytest -n auto --dist loadgroup --durations=15 $(ARGS)

check: venv  ## Format, lint and types alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

venv:  ## Make .venv, or leave it when nothing changed
	@test -n '$(PYTHON)' || { echo 'error: no Python 3.10, 3.11 or 3.12 found; type: sudo apt-get install -y python3' >&2; exit 2; }
	@$(PYTHON) scripts/install.py $(VENV) $(if $(filter-out 0,$(CUDA)),--cuda)

official:  ## The code of priors' authors, random weights, in an environment of its own
	@$(PYTHON) scripts/official.py $(OFFICIAL) $(if $(filter-out 0,$(CUDA)),--cuda)
	TORCH_HOME='$(CURDIR)/$(OFFICIAL)/torch' $(OFFICIAL)/bin/python -m pytest -v --no-header \
		-rP --show-capture=stdout -m packages tests/priors $(ARGS)

clean:  ## Remove everything that make made
	rm -rf $(VENV) $(OFFICIAL) build install log demo_output *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
