# Each target is one npm script of the same name; npm alone is enough.

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Install what is missing, build, start the service on a private Redis
	@npm start

test: ## Run the whole suite against private real Redis servers
	@npm test

build: ## Compile src to dist
	@npm run build

lint: ## Check style and types
	@npm run lint

bench: ## Measure what a request costs, against a bare Fastify route
	@npm run bench

guard: ## Compare what a request costs with what is kept in bench/guard.json
	@npm run bench:guard

mutants: ## Seed bugs in the session scripts; the tests must notice every one
	@npm run mutants

demo: ## Sign in on all three dialects and show what happens
	@npm run demo

geo: ## Fetch the free location database into the data folder
	@npm run geo

docs: ## Write the configuration table of README.md and .env.example
	@npm run docs

up: ## Start the service and a Redis in containers
	@docker compose up --build

clean: ## Remove what was installed and built; the data folder stays
	rm -rf node_modules test/clients/node_modules bench/peers/node_modules dist dist-test .tap .cache

.PHONY: help run test build lint bench guard mutants demo geo docs up clean
