# What one does here. `just --list` shows all; every recipe is one command that also works without just.

# What must hold before a change is merged
check:
    .ci/run

# The same against a real cluster
rig:
    .ci/rig

# The advisor against a real model
model:
    .ci/model

# The cockpit on the embedded world
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# All scenarios, decided by their scripted operators
scenarios:
    for s in $(cargo run --quiet -- demo --list | cut -d' ' -f1); do cargo run --quiet -- demo "$s" --headless || exit 1; done

# Shows changed snapshots and takes them after a look (cargo install cargo-insta)
snapshots:
    cargo insta review

# How light it is: bytes, memory, processor time and requests beside their limits; `just bench --only rss`
bench *ARGS:
    cargo bench --bench light -- {{ARGS}}

# Fuzzes a target of fuzz/ without an end: journal, kubernetes, prometheus, config, scenario, look, keys, answer
fuzz TARGET *ARGS:
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{TARGET}} fuzz/corpus/{{TARGET}} -- {{ARGS}}

# Mutants of what decides: `just mutants gate`, `just mutants rest`
mutants *ARGS:
    .ci/mutants {{ARGS}}

# The pictures in screenshots/, anew from tests/recordings/
screenshots:
    GOAROUND_SCREENSHOTS=write cargo test --test screenshots

# The same from fresh runs of the scenarios
screenshots-record:
    GOAROUND_SCREENSHOTS=record cargo test --test screenshots
