//! What a complete sequence from a terminal means: a key, the mouse, or an answer to a question of ours. What is not
//! known is nothing, never characters.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::parser::Told;

/// A character that was typed. A capital is told as shifted, as crossterm does.
pub fn typed(c: char, modifiers: KeyModifiers) -> KeyEvent {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(c), modifiers | shift)
}

/// A control character, alone or after Esc.
pub fn control(byte: u8, modifiers: KeyModifiers) -> KeyEvent {
    let with_control = |c: char| KeyEvent::new(KeyCode::Char(c), modifiers | KeyModifiers::CONTROL);
    match byte {
        b'\r' => KeyEvent::new(KeyCode::Enter, modifiers),
        b'\t' => KeyEvent::new(KeyCode::Tab, modifiers),
        // Old terminals erase by what others send for ctrl+h: it cannot be told apart.
        0x7f | 0x08 => KeyEvent::new(KeyCode::Backspace, modifiers),
        0x00 => with_control(' '),
        0x01..=0x1a => with_control(char::from(byte - 1 + b'a')),
        _ => with_control(char::from(byte.wrapping_sub(0x1c).wrapping_add(b'4'))),
    }
}

/// `ESC O` and a letter.
pub fn single_shift(letter: u8) -> Option<Told> {
    let code = match letter {
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        b'M' => KeyCode::Enter,
        _ => lettered(letter)?,
    };
    Some(Told::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// `ESC [ [` and a letter: function keys of a Linux console.
pub fn console(letter: u8) -> Option<Told> {
    let number = letter.checked_sub(b'A').filter(|n| *n < 5)?;
    Some(Told::Key(KeyEvent::new(KeyCode::F(number + 1), KeyModifiers::NONE)))
}

/// `ESC [`, parameters and intermediates, and the last byte.
pub fn sequence(body: &[u8], last: u8) -> Option<Told> {
    let body = std::str::from_utf8(body).ok()?;
    if let Some(report) = body.strip_prefix('<') {
        return mouse(report, last).map(Told::Mouse);
    }
    if let Some(answer) = body.strip_prefix('?') {
        return private(answer, last);
    }
    let numbers = numbers(body)?;
    let first = numbers.first().copied().unwrap_or(0);
    match last {
        b'n' => (first == 0).then_some(Told::Alive),
        // The form of F3 with a modifier too, which always begins with 1 and never goes on with 1, "none"; nothing is
        // asked in the first row, and a terminal that knows no place says 1;1.
        b'R' if first > 1 || numbers.get(1) == Some(&1) => {
            Some(Told::Position { row: first, column: numbers.get(1).copied().unwrap_or(1) })
        }
        b'~' if first == 27 => {
            let c = char::from_u32(u32::from(*numbers.get(2)?))?;
            Some(Told::Key(coded(c, modifiers(&numbers))))
        }
        b'~' => key(tilde(first)?, modifiers(&numbers)),
        b'u' => Some(Told::Key(coded(char::from_u32(u32::from(first))?, modifiers(&numbers)))),
        b'Z' => key(KeyCode::BackTab, modifiers(&numbers) | KeyModifiers::SHIFT),
        b'P'..=b'S' => key(KeyCode::F(last - b'P' + 1), modifiers(&numbers)),
        letter => key(lettered(letter)?, modifiers(&numbers)),
    }
    .map(|told| happened(told, body))
}

/// What became of the key, where a terminal tells: the sub-parameter of the modifiers. Nobody asks for it here; a
/// program before us may have, and a key that is let go must not be one that is pressed.
fn happened(told: Told, body: &str) -> Told {
    let kind = match body.split(';').nth(1).and_then(|modifiers| modifiers.split(':').nth(1)) {
        Some("2") => KeyEventKind::Repeat,
        Some("3") => KeyEventKind::Release,
        _ => return told,
    };
    match told {
        Told::Key(key) => Told::Key(KeyEvent { kind, ..key }),
        told => told,
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Told> {
    Some(Told::Key(KeyEvent::new(code, modifiers)))
}

/// Answers whose parameters begin with a question mark.
fn private(answer: &str, last: u8) -> Option<Told> {
    match last {
        b'c' => Some(Told::Attributes),
        b'y' => {
            let numbers = numbers(answer.strip_suffix('$')?)?;
            let [mode, value] = numbers[..] else { return None };
            Some(Told::Mode { mode, value })
        }
        _ => None,
    }
}

/// Numbers between semicolons, sub-parameters left out; empty ones are 0.
fn numbers(body: &str) -> Option<Vec<u16>> {
    let number = |part: &str| match part.split(':').next().unwrap_or("") {
        "" => Some(0),
        digits => digits.parse().ok(),
    };
    if body.is_empty() { Some(Vec::new()) } else { body.split(';').map(number).collect() }
}

/// The second parameter: 1 and a bit for each modifier.
fn modifiers(numbers: &[u16]) -> KeyModifiers {
    let bits = numbers.get(1).copied().unwrap_or(1).saturating_sub(1);
    let mut found = KeyModifiers::NONE;
    for (bit, modifier) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
    ] {
        found.set(modifier, bits & bit != 0);
    }
    found
}

/// A key that is told by its character's number.
fn coded(c: char, modifiers: KeyModifiers) -> KeyEvent {
    match c {
        '\x1b' => KeyEvent::new(KeyCode::Esc, modifiers),
        '\r' | '\t' | '\x7f' | '\x08' => control(c as u8, modifiers),
        _ if modifiers.contains(KeyModifiers::SHIFT) => {
            typed(c.to_uppercase().next().unwrap_or(c), modifiers)
        }
        _ => typed(c, modifiers),
    }
}

fn lettered(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

fn tilde(number: u16) -> Option<KeyCode> {
    let function = |from: u16, first: u8| KeyCode::F(u8::try_from(number - from).unwrap_or(0) + first);
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => function(11, 1),
        17..=21 => function(17, 6),
        23..=24 => function(23, 11),
        _ => return None,
    })
}

/// A report of the form `button;column;row`, as 1006 has it.
fn mouse(report: &str, last: u8) -> Option<MouseEvent> {
    let numbers = numbers(report)?;
    let [button, column, row] = numbers[..] else { return None };
    let kind = match last {
        b'M' => pressed(button)?,
        b'm' => MouseEventKind::Up(button_of(button)?),
        _ => return None,
    };
    Some(MouseEvent {
        kind,
        column: column.checked_sub(1)?,
        row: row.checked_sub(1)?,
        modifiers: mouse_modifiers(button),
    })
}

/// A report of the old form: three bytes, each 32 more than it says.
pub fn old_mouse(bytes: [u8; 3]) -> Option<Told> {
    let [button, column, row] = bytes.map(|b| u16::from(b).checked_sub(32));
    let (button, column, row) = (button?, column?.checked_sub(1)?, row?.checked_sub(1)?);
    // It does not tell which button was let go.
    let kind =
        if button & 0b100_0011 == 3 { MouseEventKind::Up(MouseButton::Left) } else { pressed(button)? };
    Some(Told::Mouse(MouseEvent { kind, column, row, modifiers: mouse_modifiers(button) }))
}

fn pressed(button: u16) -> Option<MouseEventKind> {
    Some(match (button & 0b100_0000 != 0, button & 3) {
        (true, 0) => MouseEventKind::ScrollUp,
        (true, 1) => MouseEventKind::ScrollDown,
        (true, 2) => MouseEventKind::ScrollLeft,
        (true, _) => MouseEventKind::ScrollRight,
        (false, _) if button & 32 != 0 => MouseEventKind::Drag(button_of(button)?),
        (false, _) => MouseEventKind::Down(button_of(button)?),
    })
}

fn button_of(button: u16) -> Option<MouseButton> {
    match button & 3 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    }
}

fn mouse_modifiers(button: u16) -> KeyModifiers {
    let mut found = KeyModifiers::NONE;
    for (bit, modifier) in [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)] {
        found.set(modifier, button & bit != 0);
    }
    found
}
