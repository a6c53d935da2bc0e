//! What goes to a terminal and comes from it, in as few bytes as it can be told. All but the reader of keys is pure:
//! buffers, bytes and times in, bytes and decisions out.

pub mod canvas;
pub mod encoder;
pub mod keys;
pub mod osc;
pub mod pacer;
pub mod parser;
pub mod probe;
pub mod reader;
pub mod scroll;
pub mod sgr;
pub mod sheet;
pub mod steps;
pub mod terminal_type;
pub mod travel;

use crate::ui::link::Link;
