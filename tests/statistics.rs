//! The tests of a difference against numbers computed by scipy and statsmodels, and against what must hold whatever
//! the counts are.

use goaround::domain::statistics::{
    Counts, Difference, Interval, Z90, Z95, Z99, chi2_tail, fisher_greater, newcombe, poisson_g, wilson,
};
use proptest::prelude::*;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("fixtures/slo/statistics.json")).unwrap()
}

fn counts(object: &Value) -> Counts {
    Counts::new(object["errors"].as_f64().unwrap(), object["total"].as_f64().unwrap())
}

/// The vectors' own tolerance, relative 1e-6; absolute where a bound is zero.
fn near(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-6 * theirs.abs().max(ours.abs()) || (ours - theirs).abs() < 1e-15
}

fn assert_interval(ours: Option<Interval>, theirs: &Value, what: &str) {
    let ours = ours.unwrap_or_else(|| panic!("{what}: no interval"));
    let (low, high) = (theirs[0].as_f64().unwrap(), theirs[1].as_f64().unwrap());
    assert!(near(ours.low, low) && near(ours.high, high), "{what}: {ours:?}, expected {low}..{high}");
}

#[test]
fn wilson_intervals_are_those_of_statsmodels() {
    let vectors = vectors();
    let rows = vectors["proportions"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    for row in rows {
        for (z, name) in [(Z90, "wilson90"), (Z95, "wilson95"), (Z99, "wilson99")] {
            assert_interval(wilson(counts(row), z), &row[name], &format!("{name} of {}", counts(row)));
        }
    }
}

#[test]
fn before_and_after_agree_with_scipy_and_statsmodels() {
    let vectors = vectors();
    let rows = vectors["before_after"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let (before, after) = (counts(&row["before"]), counts(&row["after"]));
        let what = row["note"].as_str().unwrap();
        assert!(near(before.ratio().unwrap(), row["rate_before"].as_f64().unwrap()), "{what}");
        assert!(near(after.ratio().unwrap(), row["rate_after"].as_f64().unwrap()), "{what}");
        assert_interval(wilson(before, Z95), &row["wilson95_before"], what);
        assert_interval(wilson(after, Z95), &row["wilson95_after"], what);
        assert_interval(newcombe(before, after, Z95), &row["newcombe95_diff"], what);
        let p = fisher_greater(before, after).unwrap();
        assert!(near(p, row["fisher_p_greater"].as_f64().unwrap()), "{what}: p = {p}");
    }
}

#[test]
fn each_word_is_said_where_the_rule_says_it() {
    let budget = 0.001;
    let word = |before: (f64, f64), after: (f64, f64)| {
        Difference::between(Counts::new(before.0, before.1), Counts::new(after.0, after.1), budget)
            .to_string()
    };
    // The rows of the vectors, by what a person would say of them.
    assert_eq!(word((100.0, 1e5), (2_000.0, 1e5)), "strong");
    assert_eq!(word((5.0, 1e4), (40.0, 2_000.0)), "strong");
    assert_eq!(word((50.0, 5e4), (55.0, 5e4)), "no difference seen");
    assert_eq!(word((1.0, 1_000.0), (3.0, 1_000.0)), "not enough data");
    assert_eq!(word((0.0, 500.0), (1.0, 20.0)), "not enough data");
    assert_eq!(word((0.0, 60.0), (0.0, 60.0)), "not enough data");
    assert_eq!(word((1.0, 1_440.0), (1.0, 5.0)), "not enough data");
    // p < 0.001, but the difference need not be larger than the budget.
    assert_eq!(word((100.0, 1e6), (200.0, 1e6)), "likely");
    // Nine bad requests are not ten, four are not five.
    assert_eq!(word((0.0, 1e4), (9.0, 300.0)), "likely");
    assert_eq!(word((0.0, 1e4), (10.0, 300.0)), "strong");
    assert_eq!(word((0.0, 1e4), (4.0, 300.0)), "not enough data");
    // Better is no difference to the worse.
    assert_eq!(word((2_000.0, 1e5), (100.0, 1e5)), "no difference seen");
}

#[test]
fn counts_that_are_no_counts_say_nothing() {
    let good = Counts::new(1.0, 1e6);
    for bad in [
        Counts::default(),
        Counts::new(f64::NAN, 10.0),
        Counts::new(1.0, f64::NAN),
        Counts::new(1.0, f64::INFINITY),
        Counts::new(-1.0, 10.0),
        Counts::new(0.1, 0.2),
    ] {
        assert_eq!(fisher_greater(good, bad), None, "{bad:?}");
        assert_eq!(fisher_greater(bad, good), None, "{bad:?}");
        assert_eq!(Difference::between(good, bad, 0.001), Difference::NotEnoughData, "{bad:?}");
        assert_eq!(Difference::between(bad, good, 0.001), Difference::NotEnoughData, "{bad:?}");
    }
    assert_eq!(Counts::new(3.0, 0.0).ratio(), None, "no traffic is not 0 %");
    assert_eq!(Counts::new(1_000.3, 1_000.1).ratio(), Some(1.0), "extrapolated a little past the total");
}

#[test]
fn ten_million_requests_are_as_exact_as_ten() {
    // 1 of 1e7 before and none after, and the reverse: half and half, by symmetry.
    let n = 1e7;
    let p = |k0: f64, k1: f64| fisher_greater(Counts::new(k0, n), Counts::new(k1, n)).unwrap();
    assert!((p(0.0, 1.0) - 0.5).abs() < 1e-12, "{}", p(0.0, 1.0));
    // All two bad ones on one side: n(n-1) / 2n(2n-1).
    let two = (n - 1.0) / (2.0 * (2.0 * n - 1.0));
    assert!((p(0.0, 2.0) / two - 1.0).abs() < 1e-12, "{}", p(0.0, 2.0));
    // Symmetry about the middle: P(X >= k) + P(X >= K - k + 1) = 1.
    let upper = p(4_990_000.0, 5_010_000.0);
    let lower = p(5_010_000.0 - 1.0, 4_990_000.0 + 1.0);
    assert!((upper + lower - 1.0).abs() < 1e-9, "{upper} {lower}");
    // Far out it is 0, not NaN; everything bad on both sides is 1.
    assert_eq!(p(0.0, n), 0.0);
    assert_eq!(p(n, n), 1.0);
}

#[test]
fn the_tail_of_chi_squared_is_that_of_the_tables() {
    for (g, p) in [
        (0.0, 1.0),
        (0.454_936_423_119_572_7, 0.5),
        (2.705_543_454_095_404, 0.1),
        (3.841_458_820_694_124, 0.05),
        (6.634_896_601_021_213, 0.01),
        (10.827_566_170_662_733, 0.001),
        (1.0, 0.317_310_507_862_914_1),
        (9.0, 0.002_699_796_063_260_189),
        (25.0, 5.733_031_437_583_866e-7),
    ] {
        assert!((chi2_tail(g) / p - 1.0).abs() < 1e-12, "{g}: {}", chi2_tail(g));
    }
    let around = (chi2_tail(8.0 - 1e-9), chi2_tail(8.0 + 1e-9));
    assert!((around.0 - around.1).abs() < 1e-9, "the two formulas meet at g = 8: {around:?}");
}

#[test]
fn g_is_twice_the_log_of_the_likelihood_ratio() {
    let (before, after) = (Counts::new(10.0, 1_000.0), Counts::new(30.0, 1_000.0));
    let expected = 2.0 * (10.0 * 0.5_f64.ln() + 30.0 * 1.5_f64.ln());
    assert!((poisson_g(before, after).unwrap() - expected).abs() < 1e-12);
    assert_eq!(poisson_g(before, before), Some(0.0));
    assert_eq!(poisson_g(Counts::new(0.0, 10.0), Counts::new(0.0, 99.0)), Some(0.0), "no errors, no change");
    let born = poisson_g(Counts::new(0.0, 1_000.0), Counts::new(8.0, 1_000.0)).unwrap();
    assert!((born - 16.0 * 2.0_f64.ln()).abs() < 1e-12);
}

/// Counts as increase() gives them: fractions, up to ten million.
fn any_counts() -> impl Strategy<Value = Counts> {
    (0.0..7.0_f64, 0.0..=1.0_f64, 0.0..=1.0_f64).prop_map(|(size, share, rare)| {
        let total = 10.0_f64.powf(size);
        Counts::new(total * share * rare.powi(4), total)
    })
}

/// The textbook sum, for tables small enough.
fn fisher_by_factorials(before: (u32, u32), after: (u32, u32)) -> f64 {
    let choose = |n: u32, k: u32| (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product::<f64>();
    let (bad, all) = (before.0 + after.0, before.1 + after.1);
    (after.0..=bad.min(after.1))
        .filter(|k| bad - k <= before.1)
        .map(|k| choose(after.1, k) * choose(before.1, bad - k) / choose(all, bad))
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn fisher_is_the_textbook_sum(n0 in 1..80_u32, n1 in 1..80_u32, s0 in 0.0..=1.0_f64, s1 in 0.0..=1.0_f64) {
        let (k0, k1) = ((f64::from(n0) * s0) as u32, (f64::from(n1) * s1) as u32);
        let ours = fisher_greater(
            Counts::new(k0.into(), n0.into()), Counts::new(k1.into(), n1.into())).unwrap();
        let expected = fisher_by_factorials((k0, n0), (k1, n1));
        prop_assert!((ours - expected).abs() <= 1e-9 * expected, "{ours} {expected}");
    }

    #[test]
    fn a_probability_is_one_and_more_bad_requests_are_never_more_probable(
        before in any_counts(), after in any_counts(), more in 1.0..50.0_f64,
    ) {
        if let Some(p) = fisher_greater(before, after) {
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
            let worse = Counts::new((after.bad + more).min(after.total), after.total);
            let q = fisher_greater(before, worse).unwrap();
            prop_assert!(q <= p * (1.0 + 1e-9), "{q} > {p}");
        }
    }

    #[test]
    fn the_interval_holds_the_ratio_and_widens_with_confidence(counts in any_counts()) {
        let ratio = counts.ratio().unwrap();
        let (narrow, wide) = (wilson(counts, Z90).unwrap(), wilson(counts, Z99).unwrap());
        prop_assert!(0.0 <= wide.low && wide.low <= narrow.low && narrow.low <= ratio);
        prop_assert!(ratio <= narrow.high && narrow.high <= wide.high && wide.high <= 1.0);
    }

    #[test]
    fn the_difference_lies_in_its_interval_and_turns_with_its_sides(a in any_counts(), b in any_counts()) {
        let (there, back) = (newcombe(a, b, Z95).unwrap(), newcombe(b, a, Z95).unwrap());
        let difference = b.ratio().unwrap() - a.ratio().unwrap();
        prop_assert!(there.low <= difference && difference <= there.high);
        prop_assert!(-1.0 - 1e-12 <= there.low && there.high <= 1.0 + 1e-12);
        prop_assert!((there.low + back.high).abs() < 1e-12 && (there.high + back.low).abs() < 1e-12);
    }

    #[test]
    fn g_is_never_negative_and_is_the_same_both_ways(a in any_counts(), b in any_counts()) {
        let (there, back) = (poisson_g(a, b).unwrap(), poisson_g(b, a).unwrap());
        prop_assert!(there >= 0.0 && (there - back).abs() <= 1e-9 * (1.0 + there));
        prop_assert!((0.0..=1.0).contains(&chi2_tail(there)));
    }

    #[test]
    fn strong_and_likely_are_said_only_of_what_got_worse(a in any_counts(), b in any_counts(), nines in 1.0..5.0_f64) {
        let budget = 10.0_f64.powf(-nines);
        if Difference::between(a, b, budget) >= Difference::Likely {
            prop_assert!(b.ratio() > a.ratio() && b.bad >= 4.5);
            prop_assert!(Difference::between(b, a, budget) < Difference::Likely);
        }
    }
}
