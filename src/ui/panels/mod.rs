//! Panels: one file each, named after what is on the screen. A panel takes the state and its area, and draws no further.

pub mod action;
pub mod burn_rates;
pub mod card;
pub mod diff;
pub mod drill;
pub mod edit_form;
pub mod effects;
pub mod error_ratio;
pub mod evidence;
pub mod footer;
pub mod gates;
pub mod gesture;
pub mod header;
pub mod help;
pub mod how_bad;
pub mod log;
pub mod main_screen;
pub mod model;
pub mod notices;
pub mod objective;
pub mod opinion;
pub mod pipeline;
pub mod proposal;
pub mod readings;
pub mod revisions;
pub mod slo_list;
