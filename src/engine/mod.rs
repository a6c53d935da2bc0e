//! The brain, pure: `step(&mut State, Stamped<Event>) -> Vec<Effect>`. It never asks the time, reads nothing, sends
//! nothing; the same events give the same effects.

mod action;
pub mod analysis;
pub mod attribution;
mod background;
pub mod chart;
pub mod compare;
mod content;
pub mod contexts;
pub mod courtesy;
pub mod drill;
pub mod effect;
pub mod event;
pub mod filter;
pub mod forget;
pub mod gate;
mod gates;
pub mod inbox;
pub mod incident;
mod input;
pub mod inspect;
pub mod investigate;
pub mod ledger;
pub mod listing;
pub mod mapping;
mod model_page;
mod offer;
pub mod onset;
pub mod opinion;
pub mod owners;
pub mod palette;
pub mod quorum;
pub mod record;
mod resume;
pub mod revisions;
pub mod rollout;
pub mod state;
mod step;
pub mod surroundings;
pub mod verify;
pub mod view;
pub mod world;

pub use effect::Effect;
pub use event::{Command, Event, Stamped};
pub use state::State;
pub use step::step;
