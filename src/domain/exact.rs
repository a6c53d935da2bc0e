//! How values are written so that they come back as they were: `#[serde(with = "exact")]`. JSON has no NaN and no
//! infinity, readers of JSON round the last digit of a fraction, its keys are texts, and a word of the program has no
//! owner: floats are written as text, maps as lists of pairs, and words that were read are kept once, up to a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Time;

/// The longest word taken from a file, in bytes.
const LONGEST_WORD: usize = 64;
/// The most different words taken from files: they are never given back.
const MOST_WORDS: usize = 1_000;

/// A value with a form that comes back exactly.
pub trait Exact: Sized {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the writer.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    /// Reads it.
    ///
    /// # Errors
    /// When something else stands there.
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// For `#[serde(with = "exact")]`.
///
/// # Errors
/// Those of the writer.
pub fn serialize<T: Exact, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.write(to)
}

/// For `#[serde(with = "exact")]`.
///
/// # Errors
/// When something else stands there.
pub fn deserialize<'de, T: Exact, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::read(from)
}

/// A float as the shortest text that is this float and no other.
#[derive(Clone, Copy)]
struct Float(f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:?}", self.0))
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(|text: &str| text.parse().map(Self).ok(), "a number as text"))
    }
}

/// Reads a text by a function that knows which texts are right.
struct Text<F>(F, &'static str);

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let wanted = self.1;
        (self.0)(text).ok_or_else(|| E::custom(format_args!("{text:?} is not {wanted}")))
    }
}

impl Exact for f64 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Float(*self).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Float::deserialize(from).map(|float| float.0)
    }
}

impl Exact for Option<f64> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.map(Float).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<Float>::deserialize(from)?.map(|float| float.0))
    }
}

impl Exact for Vec<f64> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(|number| Float(*number)))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<Float>::deserialize(from)?.into_iter().map(|float| float.0).collect())
    }
}

impl Exact for Vec<(Time, f64)> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(|(at, number)| (at, Float(*number))))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(Time, Float)>::deserialize(from)?;
        Ok(pairs.into_iter().map(|(at, float)| (at, float.0)).collect())
    }
}

/// As whole nanoseconds.
impl Exact for Duration {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(self.as_nanos()).unwrap_or(u64::MAX))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u64::deserialize(from).map(Self::from_nanos)
    }
}

impl<K, V> Exact for BTreeMap<K, V>
where
    K: Serialize + DeserializeOwned + Ord,
    V: Serialize + DeserializeOwned,
{
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}

/// A word of the program. The alias keeps serde from wanting a text that lives for ever.
pub type Word = &'static str;

impl Exact for Word {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(kept, "a word of the program"))
    }
}

/// Words that were read, each kept once.
static WORDS: Mutex<BTreeSet<Word>> = Mutex::new(BTreeSet::new());

fn kept(word: &str) -> Option<Word> {
    let sound = word.len() <= LONGEST_WORD && word.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.get(word) {
        return Some(known);
    }
    if !sound || words.len() >= MOST_WORDS {
        return None;
    }
    let word: Word = Box::leak(word.to_owned().into_boxed_str());
    words.insert(word);
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct One<T: Exact>(#[serde(with = "super")] T);

    fn again<T: Exact>(value: T) -> T {
        let text = serde_json::to_string(&One(value)).expect("it is written");
        serde_json::from_str::<One<T>>(&text).expect("it is read").0
    }

    #[test]
    fn every_float_comes_back_bit_by_bit() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..50_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let float = f64::from_bits(bits);
            let same = again(float);
            assert!(same.to_bits() == bits || (float.is_nan() && same.is_nan()), "{float:?} {same:?}");
        }
        for float in [0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 0.1 + 0.2] {
            assert_eq!(again(float).to_bits(), float.to_bits());
        }
        assert!(again(f64::NAN).is_nan());
        assert_eq!(again(None::<f64>), None);
    }

    #[test]
    fn words_are_kept_once_and_a_file_cannot_fill_the_memory_with_them() {
        let one: Word = again("deployments");
        let two: Word = again("deployments");
        assert!(std::ptr::eq(one, two));
        let long = format!("\"{}\"", "x".repeat(LONGEST_WORD + 1));
        let hostile = "\"a\\u001b[2J\"";
        for text in [long.as_str(), hostile] {
            assert!(serde_json::from_str::<One<Word>>(text).is_err());
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["\"fast\"", "1.5", "null"] {
            assert!(serde_json::from_str::<One<f64>>(text).is_err(), "{text}");
        }
    }
}
