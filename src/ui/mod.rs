//! What a person sees and presses. Nothing here talks to a cluster, opens a file or waits.

pub mod chord;
pub mod keymap;
pub mod theme;
