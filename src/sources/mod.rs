//! The world outside, read: each source decodes what one kind of server says into plain, clean data.

pub mod prometheus;
