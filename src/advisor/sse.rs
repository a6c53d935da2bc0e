//! Server-sent events, from bytes that may be split anywhere: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
//! Nothing is decoded before its line is whole, so a character split between two pieces stays one. Unlike a browser it
//! also takes a last event that no empty line follows.

/// The longest line, and the longest event, in bytes.
pub const LONGEST: usize = 1 << 20;

/// One event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// Its name, empty where it has none.
    pub name: String,
    /// Its data; several lines are joined by line feeds.
    pub data: String,
}

/// An event longer than [`LONGEST`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

/// What was received of a stream and is not an event yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_cr: bool,
    /// A line was read: from here on a byte order mark is text.
    begun: bool,
    name: String,
    data: Option<String>,
}

impl Events {
    /// Takes the next bytes and tells each event that they complete.
    pub fn feed(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(Event)) -> Result<(), TooLong> {
        if let (true, Some(first)) = (self.after_cr, bytes.first()) {
            self.after_cr = false;
            bytes = &bytes[usize::from(*first == b'\n')..];
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.take(&bytes[..end])?;
            let cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if cr && bytes.first() == Some(&b'\n') {
                bytes = &bytes[1..];
            } else {
                self.after_cr = cr && bytes.is_empty();
            }
            self.end_of_line(tell)?;
        }
        self.take(bytes)
    }

    /// The stream is over: tells what stands without its end.
    pub fn end(&mut self, tell: &mut dyn FnMut(Event)) -> Result<(), TooLong> {
        if !self.line.is_empty() {
            self.end_of_line(tell)?;
        }
        self.dispatch(tell);
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > LONGEST {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_of_line(&mut self, tell: &mut dyn FnMut(Event)) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = if self.begun { &*line } else { line.strip_prefix('\u{feff}').unwrap_or(&line) };
        self.begun = true;
        if line.is_empty() {
            self.dispatch(tell);
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) if data.len() + value.len() > LONGEST => return Err(TooLong),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            // Comments (an empty field), `id`, `retry` and whatever else there may be.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, tell: &mut dyn FnMut(Event)) {
        let name = std::mem::take(&mut self.name);
        if let Some(data) = self.data.take() {
            tell(Event { name, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        let mut tell = |event: Event| found.push((event.name, event.data));
        for piece in pieces {
            events.feed(piece, &mut tell).expect("short");
        }
        events.end(&mut tell).expect("short");
        found
    }

    #[test]
    fn line_ends_comments_marks_and_missing_spaces_do_not_matter() {
        let wanted = [("".to_owned(), "a\nb".to_owned()), ("e".to_owned(), "c: d".to_owned())];
        for end in ["\n", "\r", "\r\n"] {
            let text = [
                "\u{feff}: ping",
                ":",
                "data: a",
                "id: 7",
                "data:b",
                "",
                "",
                "retry: 1",
                "event: e",
                "data: c: d",
                "unknown",
                "",
                "event: none",
                "",
            ]
            .join(end);
            assert_eq!(events(&[text.as_bytes()]), wanted, "{end:?}");
        }
    }

    #[test]
    fn a_stream_split_anywhere_is_the_same_stream() {
        let text = "\u{feff}data: größer 決済 😀\r\ndata:\rdata: \u{feff}x\n\r\n: c\n\nevent: e\r\n\r\ndata: 1\r\ndata: 2\r\n\r\ndata: end";
        let whole = events(&[text.as_bytes()]);
        assert_eq!(whole.len(), 3, "{whole:?}");
        for at in 0..=text.len() {
            let (one, two) = text.as_bytes().split_at(at);
            assert_eq!(events(&[one, two]), whole, "split at {at}");
        }
        assert_eq!(events(&text.as_bytes().chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_the_next_line_is_whole() {
        assert_eq!(events(&[b"data: a\xff\xc3\ndata: b\n\n"]), [("".into(), "a\u{fffd}\u{fffd}\nb".into())]);
    }

    #[test]
    fn an_endless_line_and_an_endless_event_are_refused() {
        let mut endless = Events::default();
        let piece = vec![b'x'; LONGEST / 2];
        assert_eq!(endless.feed(&piece, &mut |_| {}), Ok(()));
        assert_eq!(endless.feed(&piece, &mut |_| {}), Ok(()));
        assert_eq!(endless.feed(b"x", &mut |_| {}), Err(TooLong));
        let mut line = b"data: ".to_vec();
        line.extend_from_slice(&piece);
        line.push(b'\n');
        let mut endless = Events::default();
        assert_eq!((0..3).find_map(|_| endless.feed(&line, &mut |_| {}).err()), Some(TooLong));
    }
}
