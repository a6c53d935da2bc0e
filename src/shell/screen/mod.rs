//! What goes to a terminal and comes from it, in as few bytes as it can be told. All but the reader of keys is pure:
//! buffers, bytes and times in, bytes and decisions out.

pub mod osc;
