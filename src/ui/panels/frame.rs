//! The frame of a production context: both edges of the whole screen, so that no part of it can be taken for something
//! else, with colours or without. It takes no room: it is drawn where nothing is and over the ends of rules, and the mark
//! of a line that was cut short steps aside for it.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use crate::ui::look::Look;
use crate::ui::widgets::text;

/// Draws it over what is there; what it takes the place of says nothing.
pub fn draw(look: &Look, area: Rect, buf: &mut Buffer) {
    if area.width < 3 {
        return;
    }
    for y in area.top()..area.bottom() {
        step_aside(area.right() - 1, y, buf);
        for x in [area.left(), area.right() - 1] {
            let free = |cell: &&mut Cell| matches!(cell.symbol(), " " | "─");
            if let Some(cell) = (!covered(x, y, buf)).then(|| buf.cell_mut((x, y))).flatten().filter(free) {
                cell.set_symbol("┃").set_style(look.edge());
            }
        }
    }
}

/// The second column of a wide character.
fn covered(x: u16, y: u16, buf: &Buffer) -> bool {
    let before = x.checked_sub(1).and_then(|x| buf.cell((x, y)));
    before.is_some_and(|before| text::width(before.symbol()) > 1)
}

/// What is cut short at the last column is cut one column earlier.
fn step_aside(x: u16, y: u16, buf: &mut Buffer) {
    let cut = buf.cell((x, y)).filter(|cell| cell.symbol() == "…").cloned();
    if let Some(cut) = cut.filter(|_| !covered(x - 1, y, buf)) {
        buf[(x - 1, y)] = cut;
        buf[(x, y)].set_symbol(" ");
    }
}
