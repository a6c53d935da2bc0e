//! The line below a replay: that it is one, of which file and when it was recorded, where in it we are, how fast, and the
//! keys. What does not fit is left out from the end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::format;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::width;
use crate::ui::widgets::words::{Words, tint};

use super::Replay;
use super::keys::KEYS;
use super::screen::Pace;

/// Columns of the position.
const TRACK: usize = 10;

/// Draws it into one row.
pub fn draw(replay: &Replay, pace: &Pace, area: Rect, buf: &mut Buffer) {
    let look = replay.ui().look();
    tint(buf, area, look.bar());
    let mut words = Words::of(bold(look.attention()), " REPLAY ");
    if !pace.typed.is_empty() {
        words.push(look.dim(), "go to ");
        words.push(look.strong(), format!("{}▏", pace.typed));
        words.push(look.dim(), "  as in 40% or 12:31, enter goes, esc leaves");
        words.cut(usize::from(area.width)).draw(area, buf);
        return;
    }
    words.push(look.strong(), format!("{} ", format::clock(replay.state().now)));
    words.append(track(look, replay));
    words.push(look.text(), format!(" {}/{} ", replay.position(), replay.len()));
    words.push(
        look.strong(),
        if pace.playing { format!("{} ", pace.speed_words()) } else { "paused ".into() },
    );
    words.append(note(look, replay, pace));
    let whence = whence(replay);
    let mut left = usize::from(area.width).saturating_sub(words.width());
    // Whence, then as many keys as there is room for: leaving and pausing before anything else.
    let two: usize = KEYS[..2].iter().map(entry_width).sum();
    if left > width(&whence) + two {
        left -= width(&whence);
        words.push(look.dim(), whence);
    }
    for key in KEYS {
        if entry_width(key) > left {
            break;
        }
        left -= entry_width(key);
        words.push(look.key(), format!(" {}", key.0));
        words.push(look.dim(), if key.1.is_empty() { " ".to_owned() } else { format!(" {} ", key.1) });
    }
    words.draw(area, buf);
}

fn entry_width((key, what): &(&str, &str)) -> usize {
    width(key) + width(what) + if what.is_empty() { 2 } else { 3 }
}

fn track(look: &Look, replay: &Replay) -> Words {
    let part = replay.position() as f64 / (replay.len().max(1)) as f64;
    let full = ((part * TRACK as f64).round() as usize).min(TRACK);
    Words::of(look.accent(), "━".repeat(full)).and(look.track(), "━".repeat(TRACK - full))
}

/// What must be known of what is shown.
fn note(look: &Look, replay: &Replay, pace: &Pace) -> Words {
    let end = replay.position() == replay.len();
    if let Some(differs) = &replay.differs {
        Words::of(bold(look.bad()), format!("frame {} was drawn otherwise when recorded ", differs.frame))
    } else if let Some(line) = replay.cut().filter(|_| end) {
        Words::of(bold(look.attention()), format!("breaks off in line {line} "))
    } else if end {
        Words::of(look.dim(), "the end ")
    } else if let Some(skipped) = pace.skipped {
        let skipped = chrono::TimeDelta::from_std(skipped).unwrap_or_default();
        Words::of(look.attention(), format!("{} of nothing skipped ", format::span(skipped)))
    } else {
        Words::new()
    }
}

fn whence(replay: &Replay) -> String {
    let name = replay.name().as_str().rsplit('/').next().unwrap_or_default().to_owned();
    format!("{name} of {} ", replay.header().began.format("%Y-%m-%d %H:%M UTC"))
}
