//! See `config` in `../targets.rs`.
#![no_main]

#[path = "../../tests/common/disk.rs"]
mod disk;
#[path = "../targets.rs"]
#[expect(dead_code, reason = "each target uses its own")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::config(bytes));
