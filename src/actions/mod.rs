//! Verbs: arguments and observed facts in, a plan or a refusal out. Pure: no I/O, no clock, no task, no hash order.

pub mod undo;
