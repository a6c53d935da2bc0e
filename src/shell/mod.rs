//! The only place with tasks, files, terminal and clock: here the pure core meets the world.

pub mod check;
pub mod choose;
pub mod clock;
pub mod config;
pub mod content;
pub mod drill;
pub mod eval;
pub mod history;
mod inspect;
pub mod journal;
pub mod one_look;
pub mod one_question;
pub mod perform;
pub mod private;
pub mod propose;
pub mod recording;
pub mod replay;
pub mod run;
pub mod screen;
pub mod session;
pub mod sha256;
pub mod signals;
pub mod slo_file;
pub mod terminal;
pub mod tls;
pub mod toolbox;
pub mod tty;
