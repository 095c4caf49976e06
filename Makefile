# Everything runs in .venv, which the first target to need it makes.
PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE ?= 1
# Where it is set, hundreds of processes of the tests would each compile our modules, and three the tests' as well.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test fuzz lint docs bundle conformance bench bench-articles faults load audit clean

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup  ## build a classifier for banking messages from no real row, with the agent over MCP
	$(BIN)/classwright-agent build examples/banking12/task.yaml

# Three processes for two cores: half of the time a test waits for processes that it started. More take gigabytes, each
# with models of its own. A file's tests share costly fixtures, so they stay in one process; files keep their order, in
# which the long ones (end_to_end) come early.
test: setup
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

fuzz: setup  ## long: every tool with 10,000 calls, five minutes of raw requests over HTTP, 20,000 files of rows, 2,000 sequences of edits; prints the memory
	CLASSWRIGHT_FUZZ_CALLS=10000 CLASSWRIGHT_FUZZ_SECONDS=300 CLASSWRIGHT_FUZZ_FILES=20000 CLASSWRIGHT_FUZZ_EDITS=2000 $(BIN)/pytest tests/fuzz -s

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup  ## docs/reference, written from the code itself
	$(BIN)/python docs/generate

bundle: setup  ## dist/classwright-VERSION.mcpb, which Claude Desktop installs; npm's validator judges it
	$(BIN)/python bundle/make.py
	npx --yes @anthropic-ai/mcpb@2.1.2 validate bundle/manifest.json

conformance: setup  ## the protocol's official runner and the MCP Inspector, which npm installs; prints a table
	$(BIN)/python tests/conformance/run.py

bench: setup  ## long: see benchmarks/README.md; the comparison with setfit wants DATA=folder as well
	$(BIN)/python benchmarks/import_million.py

# Who writes for the fourth table; for instance WRITER='--writer-url http://127.0.0.1:8000/v1 --writer-model MODEL'.
WRITER ?= --sets examples/banking12 --recorded examples/banking12/completions/*.jsonl --rows 576 --rows-a-round 600 --rounds 2 \
	--method probe

bench-articles: setup  ## the tables of the four articles' methods; DATA=folder of the sets, QUICK=--quick for a try
	for table in s1 s2 s3; do $(BIN)/python benchmarks/articles/$$table.py --data $(DATA) $(QUICK) || exit 1; done
	$(BIN)/python benchmarks/zero_data.py --data $(DATA) $(WRITER) $(QUICK)

faults: setup  ## long: 200 kills, a failing endpoint, a full disk, PostgreSQL restarted; QUICK=--quick for a try
	$(BIN)/python benchmarks/faults.py $(QUICK)

load: setup  ## five minutes: what a call costs over a bare server, and how 1,000 queued jobs weigh
	$(BIN)/python benchmarks/load.py $(QUICK)

audit: setup  ## known vulnerabilities of the versions in constraints.txt; it asks PyPI's advisories over the network
	$(BIN)/pip-audit --strict --disable-pip --no-deps --progress-spinner off --requirement constraints.txt || \
	  { echo "Not clean: a version has a known vulnerability, or the advisories could not be had (see above)."; exit 1; }

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
