//! The fuzz targets on the toolchain of every day: each input that is in the tree, and so many changes of each
//! (`GOAROUND_FUZZ`, 100). What a long run of `cargo fuzz` finds becomes an input there, and stays. An input that fails is printed as it is.

#![expect(clippy::disallowed_methods, reason = "how many changes is asked of the environment")]

#[path = "simulation/chance.rs"]
#[allow(dead_code, reason = "the simulator uses the rest")]
mod chance;
#[path = "common/disk.rs"]
mod disk;
#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};

use chance::Chance;

/// Changes of each input.
const CHANGES: usize = 100;
/// What stands in such files and means something.
const WORDS: [&str; 24] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "-1",
    "1e999",
    "NaN",
    "\u{1b}[",
    "\u{1b}",
    "\n",
    "\r\n",
    "\0",
    "\u{202e}",
    "\u{feff}",
    "18446744073709551616",
    "0.0",
    "\\ud800",
    "2026-02-30T25:61:61Z",
    "=",
];

/// Longer inputs are left to the long runs.
const LONGEST: usize = 16 * 1024;

fn corpus(target: &str, more: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("fuzz/corpus").join(target);
    let folders = std::iter::once(own).chain(more.iter().map(|folder| root.join(folder)));
    let entries = |folder: PathBuf| {
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    };
    let paths = folders.flat_map(entries).map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    let read = |file: PathBuf| (file.clone(), std::fs::read(&file).expect("a file"));
    files.into_iter().map(read).filter(|(_, bytes)| bytes.len() <= LONGEST).collect()
}

/// One to four changes: a bit, a byte, a cut, a piece twice, a word, a piece of another input.
fn changed(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(40)).min(bytes.len());
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => drop(bytes.splice(at..at, WORDS[chance.below(WORDS.len())].bytes())),
            _ => {
                let from = chance.below(other.len() + 1);
                let to = (from + chance.below(200)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn whatever_is_read_is_read_or_refused_and_no_promise_of_its_reader_is_broken() {
    let told = std::env::var("GOAROUND_FUZZ").ok();
    let changes = told.map_or(CHANGES, |told| told.parse().expect("GOAROUND_FUZZ is a number"));
    for (name, target, more) in targets::ALL {
        let inputs = corpus(name, more);
        assert!(inputs.len() >= 3, "{name} has {} inputs", inputs.len());
        let mut chance = Chance::new(7);
        let try_it = |bytes: &[u8], what: &str| {
            let ended = std::panic::catch_unwind(|| target(bytes));
            assert!(ended.is_ok(), "{name}, {what}: {:?}", String::from_utf8_lossy(bytes));
        };
        for (file, input) in &inputs {
            try_it(input, &file.display().to_string());
            for n in 0..changes {
                let other = &inputs[chance.below(inputs.len())].1;
                try_it(&changed(input, other, &mut chance), &format!("change {n} of {}", file.display()));
            }
        }
        println!("{name}: {} inputs and {} changes", inputs.len(), inputs.len() * changes);
    }
}

#[test]
fn every_target_is_a_program_of_cargo_fuzz() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    for (name, ..) in targets::ALL {
        assert!(folder.join("fuzz_targets").join(format!("{name}.rs")).exists(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
