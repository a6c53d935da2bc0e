//! A frame without a terminal: drawn into memory, and the sum of its text by which two runs are compared. Colours are not
//! part of it, so a recording can be looked at in another theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use crate::engine::State;
use crate::engine::event::Shown;
use crate::ui::Ui;

/// Begin and factor of FNV-1a with 64 bits (draft-eastlake-fnv): a sum against mistakes, not against an adversary.
pub(super) const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub(super) fn add(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// A sum as it is written.
pub(super) fn short(sum: u64) -> String {
    format!("{sum:016x}")
}

/// A frame that was drawn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Drawn {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Sum of its text, 16 hex digits.
    pub text: String,
}

impl Drawn {
    /// Draws `state` at `size` (columns, rows) and sums it.
    pub fn of(ui: &Ui, state: &State, size: (u16, u16)) -> Self {
        let (buffer, _) = picture(ui, state, size);
        let mut sum = SEED;
        for cell in buffer.content() {
            sum = add(sum, cell.symbol().as_bytes());
            sum = add(sum, &[0]);
        }
        Self { width: size.0, height: size.1, text: short(sum) }
    }
}

/// `state` as it looks at `size` (columns, rows), and what of a card was whole.
pub fn picture(ui: &Ui, state: &State, (width, height): (u16, u16)) -> (Buffer, Shown) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let shown = ui.paint(state, &mut buffer).shown;
    (buffer, shown)
}
