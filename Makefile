# Needs Python 3.11 or newer, make and git; everything else is put into .venv and VAR_DIR.
.DEFAULT_GOAL := help
.PHONY: help run test fakes check format bench screenshots venv venv-dev

PYTEST_ARGS ?= -n 2
PY = .venv/bin/python -m
# Production settings have no defaults for secrets; these are thrown away after the check.
PRODUCTION = DJANGO_SETTINGS_MODULE=settings.production \
	SECRET_KEY=$$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
	DATABASE_URL=postgres://user:password@localhost/marketplace \
	REDIS_URL=redis://localhost/0 ALLOWED_HOSTS=marketplace.example

help: ## these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 10
	@echo 'Honoured: PORT (8000), HOST (127.0.0.1), VAR_DIR (var), DATABASE_URL, REDIS_URL, PYTHON, PYTEST_ARGS.'

run: venv ## the whole marketplace with its demo world; Ctrl-C stops it
	@exec $(PY) marketplace.run

test: venv-dev ## all tests, on servers of their own
	$(PY) pytest --ds settings.test $(PYTEST_ARGS)

fakes: venv-dev ## .venv-fakes with servers nobody here wrote, for the tests of real providers
	@cmp -s requirements-fakes.txt .venv-fakes/installed || { $(PY) venv --clear .venv-fakes && \
		.venv-fakes/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-fakes.txt && \
		cp requirements-fakes.txt .venv-fakes/installed; }

check: venv-dev ## format, lint, types, the borders between the rooms, migrations, production settings
	$(PY) ruff format --check .
	$(PY) ruff check .
	$(PY) mypy .
	@echo import-linter
	@.venv/bin/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	DJANGO_SETTINGS_MODULE=settings.test .venv/bin/python manage.py makemigrations --check
	$(PRODUCTION) .venv/bin/python manage.py check --deploy --fail-level WARNING

format: venv-dev ## put the code into its form
	$(PY) ruff format .
	$(PY) ruff check --fix .

bench: venv-dev ## the benchmarks
	$(PY) benchmarks

screenshots: venv-dev ## every page of the demo world, into VAR_DIR/screenshots
	$(PY) tests.browser.screenshots $(ONLY)

venv: ## .venv with what the marketplace runs on
	@bin/venv requirements.txt

venv-dev: ## .venv with what tests and checks need as well
	@bin/venv requirements-dev.txt
