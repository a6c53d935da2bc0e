//! Drawing bits that several panels share. Each takes what it draws as arguments and knows nothing of the state.

pub mod chart;
pub mod density;
pub mod gauge;
pub mod lines;
pub mod said;
pub mod text;
pub mod transliterate;
pub mod words;
