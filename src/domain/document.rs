//! A TOML text read key by key, so that every refusal knows its place. Nothing is skipped: a key that nobody asked
//! for is an error. (Deriving the readers was tried on paper: the place of a missing or a misspelt key and the
//! wording of "expected" then belong to the parser, not to us.)

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Time;
use super::text_error::{TextError, did_you_mean};
use super::window::Window;

/// A parsed TOML text.
pub struct Document<'i> {
    text: Text<'i>,
    root: Spanned<DeTable<'i>>,
}

#[derive(Clone, Copy)]
struct Text<'i> {
    file: &'i str,
    source: &'i str,
    masked: bool,
}

impl Text<'_> {
    fn error(&self, span: Range<usize>, message: impl AsRef<str>) -> TextError {
        let error = TextError::at_span(self.file, self.source, span, message);
        if self.masked { error.masked() } else { error }
    }
}

impl<'i> Document<'i> {
    /// Parses `source`; `file` is what errors call it.
    pub fn parse(file: &'i str, source: &'i str) -> Result<Self, TextError> {
        let text = Text { file, source, masked: false };
        let root = DeTable::parse(source).map_err(|error| {
            let span = error.span().unwrap_or(source.len()..source.len());
            text.error(span, format!("not TOML: {}", error.message()))
        })?;
        Ok(Self { text, root })
    }

    /// The keys at the top level.
    pub fn root(&self) -> Table<'_> {
        Table { text: self.text, title: String::new(), span: 0..0, entries: self.root.get_ref() }
    }
}

/// One table of a [`Document`].
#[derive(Clone)]
pub struct Table<'d> {
    text: Text<'d>,
    title: String,
    span: Range<usize>,
    entries: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    /// The same table, whose errors show no quoted text: something secret may stand there by mistake.
    pub fn masked(mut self) -> Self {
        self.text.masked = true;
        self
    }

    /// Where this table is, as read in a message: `at the top level` or `in [policy]`.
    pub fn place(&self) -> String {
        if self.title.is_empty() { "at the top level".to_owned() } else { format!("in {}", self.title) }
    }

    /// An error about the table as a whole, at its header.
    pub fn error(&self, message: impl AsRef<str>) -> TextError {
        self.text.error(self.span.clone(), message)
    }

    /// All entries in the order of the text.
    pub fn entries(&self) -> Vec<Entry<'d>> {
        let mut entries: Vec<Entry<'d>> =
            self.entries.iter().map(|(key, value)| self.entry(key.get_ref(), key.span(), value)).collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    /// The entry `key`, if it is there.
    pub fn get(&self, key: &str) -> Option<Entry<'d>> {
        let found = self.entries.iter().find(|(name, _)| name.get_ref() == key);
        found.map(|(name, value)| self.entry(name.get_ref(), name.span(), value))
    }

    /// The entry `key`, or an error at the header of the table.
    pub fn need(&self, key: &str) -> Result<Entry<'d>, TextError> {
        self.get(key).ok_or_else(|| self.error(format!("`{key}` is missing {}", self.place())))
    }

    /// Refuses every key that is not in `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), TextError> {
        match self.entries().into_iter().find(|entry| !known.contains(&entry.key)) {
            Some(entry) => Err(self.unknown(&entry, known)),
            None => Ok(()),
        }
    }

    /// The error for an entry whose key is not in `known`.
    pub fn unknown(&self, entry: &Entry<'d>, known: &[&str]) -> TextError {
        let expected = known.join(", ");
        let key = entry.key;
        entry
            .key_error(format!("unknown key `{key}` {}, expected one of: {expected}", self.place()))
            .maybe_hint(did_you_mean(key, known.iter().copied()))
    }

    fn entry(&self, key: &'d str, key_span: Range<usize>, value: &'d Spanned<DeValue<'d>>) -> Entry<'d> {
        Entry { text: self.text, table: self.title.clone(), key, key_span, value }
    }
}

/// A key with its value, or one element of a list (which then carries the key of the list).
#[derive(Clone)]
pub struct Entry<'d> {
    text: Text<'d>,
    table: String,
    key: &'d str,
    key_span: Range<usize>,
    value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Entry<'d> {
    /// The key.
    pub fn key(&self) -> &'d str {
        self.key
    }

    /// The line of the value, counted from 1.
    pub fn line(&self) -> usize {
        self.error("").line()
    }

    /// An error at the value.
    pub fn error(&self, message: impl AsRef<str>) -> TextError {
        self.text.error(self.value.span(), message)
    }

    /// An error at the key.
    pub fn key_error(&self, message: impl AsRef<str>) -> TextError {
        self.text.error(self.key_span.clone(), message)
    }

    fn wrong_type(&self, expected: &str) -> TextError {
        let key = self.key;
        let (found, article) = match self.value.get_ref() {
            DeValue::String(_) => ("string", "a"),
            DeValue::Integer(_) => ("integer", "an"),
            DeValue::Float(_) => ("float", "a"),
            DeValue::Boolean(_) => ("boolean", "a"),
            DeValue::Datetime(_) => ("date", "a"),
            DeValue::Array(_) => ("list", "a"),
            DeValue::Table(_) => ("table", "a"),
        };
        self.error(format!("`{key}` is {article} {found}, expected {expected}"))
    }

    /// The value as text.
    pub fn text(&self) -> Result<&'d str, TextError> {
        self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a string"))
    }

    /// The value as text that is not blank.
    pub fn filled(&self) -> Result<&'d str, TextError> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return Err(self.error(format!("`{}` is empty, expected some text", self.key)));
        }
        Ok(text)
    }

    /// The value as one of `known` words.
    pub fn one_of(&self, known: &[&str]) -> Result<&'d str, TextError> {
        let text = self.text()?;
        if known.contains(&text) {
            return Ok(text);
        }
        let expected = known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        Err(self
            .error(format!("`{}` is \"{text}\", expected one of: {expected}", self.key))
            .maybe_hint(did_you_mean(text, known.iter().copied())))
    }

    /// The value as true or false.
    pub fn flag(&self) -> Result<bool, TextError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// The value as a whole number of at least `least`.
    pub fn count(&self, least: u64) -> Result<u64, TextError> {
        let expected = format!("a whole number of at least {least}");
        let DeValue::Integer(integer) = self.value.get_ref() else {
            return Err(self.wrong_type(&expected));
        };
        // TOML integers have 63 bits; what is larger is refused like what is negative.
        i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| *number >= least)
            .ok_or_else(|| self.error(format!("`{}` is {integer}, expected {expected}", self.key)))
    }

    /// The value as a finite number of at least `least`; a whole number is accepted.
    pub fn number(&self, least: f64) -> Result<f64, TextError> {
        let expected = format!("a number of at least {least}");
        let written = match self.value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            _ => return Err(self.wrong_type(&expected)),
        };
        written
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && *number >= least)
            .ok_or_else(|| self.error(format!("`{}` is {written}, expected {expected}", self.key)))
    }

    /// The value as a point in time with its zone (RFC 3339): a string, or a date of TOML.
    pub fn time(&self) -> Result<Time, TextError> {
        let text = match self.value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            _ => return Err(self.wrong_type("a time as in \"2026-12-20T18:00:00Z\"")),
        };
        text.parse::<Time>().map_err(|_| {
            let expected = "a time with its zone, as in \"2026-12-20T18:00:00Z\" or \"...+01:00\"";
            self.error(format!("`{}` is {text}, expected {expected}", self.key))
        })
    }

    /// The value as a duration from `least` to `most`, both included.
    pub fn duration(&self, least: Window, most: Window) -> Result<Window, TextError> {
        let expected = "a duration as in \"30s\", \"5m\", \"1h30m\", \"30d\"";
        let Some(text) = self.value.get_ref().as_str() else {
            return Err(self.wrong_type(expected));
        };
        let window: Window = text
            .parse()
            .map_err(|_| self.error(format!("`{}` is \"{text}\", expected {expected}", self.key)))?;
        if window < least || window > most {
            return Err(
                self.error(format!("`{}` is {window}, expected a duration from {least} to {most}", self.key))
            );
        }
        Ok(window)
    }

    /// The value as JSON. JSON has no dates, and no numbers that are infinite or none.
    pub fn json(&self) -> Result<serde_json::Value, TextError> {
        use serde_json::Value;
        let number = "a number that JSON has";
        Ok(match self.value.get_ref() {
            DeValue::String(text) => Value::from(&**text),
            DeValue::Boolean(flag) => Value::from(*flag),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map(Value::from)
                .map_err(|_| self.wrong_type(number))?,
            DeValue::Float(float) => {
                let number_ = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
                number_.map(Value::Number).ok_or_else(|| self.wrong_type(number))?
            }
            DeValue::Datetime(_) => return Err(self.wrong_type("what JSON has, for example a string")),
            DeValue::Array(_) => self.list()?.iter().map(Self::json).collect::<Result<_, _>>()?,
            DeValue::Table(_) => {
                let entries = self.table()?.entries().into_iter();
                entries.map(|entry| Ok((entry.key().to_owned(), entry.json()?))).collect::<Result<_, _>>()?
            }
        })
    }

    /// The value as a list.
    pub fn list(&self) -> Result<Vec<Self>, TextError> {
        let Some(items) = self.value.get_ref().as_array() else {
            return Err(self.wrong_type("a list"));
        };
        Ok(items.iter().map(|value| Self { value, ..self.clone() }).collect())
    }

    /// The value as a table.
    pub fn table(&self) -> Result<Table<'d>, TextError> {
        let dotted = if self.table.is_empty() {
            self.key.to_owned()
        } else {
            format!("{}.{}", self.table.trim_matches(['[', ']']), self.key)
        };
        self.table_titled(format!("[{dotted}]"))
    }

    /// The value as a list of tables, `[[key]]`.
    pub fn tables(&self) -> Result<Vec<Table<'d>>, TextError> {
        let title = format!("[[{}]]", self.key);
        let Some(items) = self.value.get_ref().as_array() else {
            let key = self.key;
            return Err(self
                .wrong_type(&format!("tables that start with {title}"))
                .hint(format!("write [[{key}]] with double brackets")));
        };
        let items = items.iter().map(|value| Self { value, ..self.clone() });
        items.map(|item| item.table_titled(title.clone())).collect()
    }

    fn table_titled(&self, title: String) -> Result<Table<'d>, TextError> {
        let Some(entries) = self.value.get_ref().as_table() else {
            return Err(self.wrong_type(&format!("a table, {title}")));
        };
        Ok(Table { text: self.text, title, span: self.value.span(), entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "a = 1\n[t]\ntext = 3\nflag = 'x'\ncount = -1\nbig = 0x7fff_ffff_ffff_ffff\nnumber = nan\n\
                          wait = '0s'\nwrong = '5x'\nsome = []\n[[l]]\nx = 1\n";

    fn place<T>(result: Result<T, TextError>) -> (usize, usize, String) {
        let error = result.err().expect("an error");
        (error.line(), error.column(), error.message().to_owned())
    }

    #[test]
    fn every_refusal_names_its_place_and_what_was_expected() {
        let document = Document::parse("f", SOURCE).expect("TOML");
        let table = document.root().need("t").and_then(|t| t.table()).expect("a table");
        let entry = |key: &str| table.need(key).expect("an entry");
        let (least, most) = (Window::from_secs(1), Window::days(30));
        for (found, line, column, part) in [
            (place(entry("text").text()), 3, 8, "is an integer, expected a string"),
            (place(entry("flag").flag()), 4, 8, "expected true or false"),
            (place(entry("count").count(1)), 5, 9, "is -1, expected a whole number of at least 1"),
            (place(entry("number").number(1.0)), 7, 10, "is nan, expected a number"),
            (place(entry("wait").duration(least, most)), 8, 8, "is 0s, expected a duration from 1s to 30d"),
            (place(entry("wrong").duration(least, most)), 9, 9, "expected a duration as in"),
            (place(entry("some").table()), 10, 8, "is a list, expected a table, [t.some]"),
            (place(table.need("gone").map(|_| ())), 2, 1, "`gone` is missing in [t]"),
            (place(table.only(&["texts", "flag"])), 3, 1, "unknown key `text` in [t], expected one of"),
            (place(document.root().need("a").and_then(|a| a.tables().map(|_| ()))), 1, 5, "start with [[a]]"),
        ] {
            assert_eq!((found.0, found.1), (line, column), "{}", found.2);
            assert!(found.2.contains(part), "{}", found.2);
        }
        assert_eq!(entry("big").count(0), Ok(0x7fff_ffff_ffff_ffff));
    }

    #[test]
    fn what_is_no_toml_is_refused_at_its_place() {
        for (source, line, column) in [("a = 1\nb = \n", 2, 5), ("a = 1\na = 2\n", 2, 1), ("[x\n", 1, 3)] {
            let error = Document::parse("f", source).err().expect("an error");
            assert_eq!((error.line(), error.column()), (line, column), "{error}");
        }
    }
}
