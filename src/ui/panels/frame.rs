//! The frame of a production context: both edges of the whole screen, so that no part of it can be taken for something
//! else, with colours or without. It takes no room: it is drawn only where nothing is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::look::Look;
use crate::ui::widgets::text;

/// Draws it over what is there, hiding none of it.
pub fn draw(look: &Look, area: Rect, buf: &mut Buffer) {
    if area.width < 3 {
        return;
    }
    for y in area.top()..area.bottom() {
        for x in [area.left(), area.right() - 1] {
            let covered =
                x > area.left() && buf.cell((x - 1, y)).is_some_and(|left| text::width(left.symbol()) > 1);
            if let Some(cell) = buf.cell_mut((x, y)).filter(|cell| cell.symbol() == " " && !covered) {
                cell.set_symbol("┃").set_style(look.edge());
            }
        }
    }
}
