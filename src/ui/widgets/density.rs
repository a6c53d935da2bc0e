//! Shares as characters that are the denser the larger the share is: readable in any number of colours, and in ASCII.

/// The least share of each character; below the first one there is nothing.
pub const STEPS: [(f64, &str); 5] = [(0.0, "·"), (0.02, "░"), (0.1, "▒"), (0.3, "▓"), (0.6, "█")];

/// How dense a share is: an index into [`STEPS`]; `None` for none at all.
pub fn of(share: f64) -> Option<usize> {
    if share <= 0.0 || share.is_nan() {
        return None;
    }
    STEPS.iter().rposition(|(least, _)| share >= *least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_is_denser_and_none_is_nothing() {
        let found = [0.0, 1e-9, 0.02, 0.099, 0.3, 0.6, 1.0, f64::NAN].map(of);
        assert_eq!(found, [None, Some(0), Some(1), Some(1), Some(3), Some(4), Some(4), None]);
    }
}
